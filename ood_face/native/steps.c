/* A network's primitives one after the other, in one call: through ctypes, each call of its own
 * waits for Python's lock when it returns. ood_face/runtime/onednn/steps.py
 * does the same where this is not compiled. */

#define _DEFAULT_SOURCE 1 /* nanosleep */

#include "team.h"

#include <stddef.h>
#include <string.h>

int64_t native_version(void) { return NATIVE_VERSION; }

/* Returns the status of the first primitive that failed, else 0. */
int64_t steps_run(const plan *network)
{
    const step *steps = network->steps;
    for (int64_t i = 0; i < network->count; i++) {
        const int status = steps[i].execute(steps[i].primitive, network->stream,
                                            (int)steps[i].count, steps[i].given);
        if (status)
            return status;
    }
    return 0;
}

enum { MOST_PARTS = 7 };

/* What may be done at once, while it is; a line of the cache. Atomic. */
typedef struct {
    uint8_t begun[MOST_PARTS + 1];
    int64_t done; /* parts */
    int64_t others[6];
} stage;

/* A network some of whose steps are parts of one; runtime/onednn/steps.py writes these. */
typedef struct {
    const plan *network;
    const int64_t *ends; /* of each stage, among the steps */
    int64_t count;
    void *const *streams; /* one for each thread */
    int64_t threads;
    stage *stages;
    int64_t failed; /* atomic: the status of a primitive that did */
} shared;

/* Wait until all parts are done that somebody else has begun. */
static void wait_for(const stage *of, int64_t parts)
{
    for (int64_t looks = 0; team_read(&of->done) < parts; looks++)
        team_pause(looks);
}

/* Everybody goes through all stages, begins with a part of his own, whose data lie in his caches,
 * and takes over what nobody has begun. */
static void do_stages(void *work, int64_t who)
{
    shared *all = work;
    const plan *network = all->network;
    if (who >= all->threads)
        return;
    if (network->set_threads)
        network->set_threads(1);
    for (int64_t i = 0, begin = 0; i < all->count; begin = all->ends[i++]) {
        stage *now = all->stages + i;
        const int64_t parts = all->ends[i] - begin;
        for (int64_t k = 0; k < parts; k++) {
            const int64_t part = (who + k) % parts;
            if (__atomic_exchange_n(&now->begun[part], 1, __ATOMIC_SEQ_CST))
                continue;
            const step *wanted = network->steps + begin + part;
            const int status = wanted->execute(wanted->primitive, all->streams[who],
                                               (int)wanted->count, wanted->given);
            if (status)
                team_write(&all->failed, status);
            team_add(&now->done, 1);
        }
        wait_for(now, parts);
        if (team_read(&all->failed))
            return;
    }
}

/* The same by a team: what is only there in parts is done by several at once. */
int64_t steps_run_together(void *them, const void *given)
{
    shared all;
    memcpy(&all, given, offsetof(shared, failed));
    all.failed = 0;
    memset(all.stages, 0, (size_t)all.count * sizeof *all.stages);
    team_do(them, do_stages, &all);
    return all.failed;
}
