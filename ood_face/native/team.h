/* Threads that do parts of a caller's work, for one caller at a time; team.c starts them.
 *
 * Nobody waits for one that has not begun: the caller takes all parts that are left, and one that
 * comes too late finds the work closed.
 */

#ifndef OOD_FACE_TEAM_H
#define OOD_FACE_TEAM_H

#include "native.h"

#include <pthread.h>
#include <time.h>

/* What every thread does: takes parts until there are none. `who`: 0 is the caller. */
typedef void (*share)(void *work, int64_t who);

enum { MOST_HELPERS = 63 };

typedef struct {
    /* atomic, all of these: */
    int64_t calls;  /* how many pieces of work there were */
    int64_t open;   /* the number of the one under way; 0: none */
    int64_t inside; /* helpers that are at it, or look whether it is open */
    int64_t asleep;
    int64_t more;     /* more is to come: helpers wait awake */
    int64_t gathered; /* how many times that was said */
    int64_t ending;
    /* written while no work is open: */
    share doing;
    void *work;
    pthread_mutex_t lock;
    pthread_cond_t called;
    int64_t helpers;
    int64_t started; /* under the lock, as the next */
    int64_t numbers[MOST_HELPERS];
    pthread_t threads[MOST_HELPERS];
} team;

INLINE int64_t team_read(const int64_t *value) { return __atomic_load_n(value, __ATOMIC_SEQ_CST); }

INLINE void team_write(int64_t *value, int64_t wanted)
{
    __atomic_store_n(value, wanted, __ATOMIC_SEQ_CST);
}

INLINE void team_add(int64_t *value, int64_t more)
{
    __atomic_fetch_add(value, more, __ATOMIC_SEQ_CST);
}

INLINE void team_breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* What one does who waits for another's work, and has looked so many times. */
INLINE void team_pause(int64_t looks)
{
    enum { LOOKS = 4096 };
    const struct timespec a_while = {0, 20000};
    if (looks < LOOKS)
        team_breathe();
    else /* another program has its core */
        nanosleep(&a_while, NULL);
}

INLINE void team_wake(team *them)
{
    if (!team_read(&them->asleep))
        return;
    pthread_mutex_lock(&them->lock);
    pthread_cond_broadcast(&them->called);
    pthread_mutex_unlock(&them->lock);
}

/* Let the team do it; NULL: the caller alone. Returns when all is done. */
INLINE void team_do(team *them, share doing, void *work)
{
    if (!them) {
        doing(work, 0);
        return;
    }
    const int64_t call = team_read(&them->calls) + 1;
    them->doing = doing;
    them->work = work;
    team_write(&them->open, call);
    team_write(&them->calls, call);
    team_wake(them);
    doing(work, 0);
    team_write(&them->open, 0);
    for (int64_t looks = 0; team_read(&them->inside); looks++)
        team_pause(looks);
}

#endif
