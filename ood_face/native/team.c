/* The threads of a team; ood_face/team.py says what for.
 *
 * To wake a thread takes longer than many a piece of work. So between two pieces they wait awake,
 * while the caller has said that more is to come.
 */

#define _GNU_SOURCE 1 /* pthread_setname_np, syscall */

#include "team.h"

#include <signal.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* who has waited longer than this goes to sleep: the caller may have lost its core */
static const int64_t AWAKE_NS = 2000000;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Is there something to do for one who has seen so many calls? */
static int wanted(const team *them, int64_t seen)
{
    return team_read(&them->calls) != seen || team_read(&them->ending);
}

static void wait_awake(const team *them, int64_t seen)
{
    enum { LOOKS = 64 };
    const int64_t until = now_ns() + AWAKE_NS;
    while (team_read(&them->more) && now_ns() < until)
        for (int i = 0; i < LOOKS; i++) {
            if (wanted(them, seen))
                return;
            team_breathe();
        }
}

static void wait_for_a_call(team *them, int64_t seen)
{
    while (!wanted(them, seen)) {
        const int64_t gathered = team_read(&them->gathered);
        wait_awake(them, seen);
        pthread_mutex_lock(&them->lock);
        team_add(&them->asleep, 1);
        while (!wanted(them, seen) && team_read(&them->gathered) == gathered)
            pthread_cond_wait(&them->called, &them->lock);
        team_add(&them->asleep, -1);
        pthread_mutex_unlock(&them->lock);
    }
}

static int64_t number_of_this_thread(void)
{
#ifdef __linux__
    return (int64_t)syscall(SYS_gettid);
#else
    return 0;
#endif
}

static void *help(void *given)
{
    team *them = given;
#ifdef __linux__
    pthread_setname_np(pthread_self(), "team");
#endif
    pthread_mutex_lock(&them->lock);
    const int64_t who = ++them->started;
    them->numbers[who - 1] = number_of_this_thread();
    pthread_cond_broadcast(&them->called);
    pthread_mutex_unlock(&them->lock);
    for (int64_t seen = 0;;) {
        wait_for_a_call(them, seen);
        if (team_read(&them->ending))
            return NULL;
        team_add(&them->inside, 1);
        seen = team_read(&them->calls);
        if (team_read(&them->open) == seen)
            them->doing(them->work, who);
        team_add(&them->inside, -1);
    }
}

/* Start as many helpers as the system gives, up to the number wanted; signals are for others.
 * Returns the address of the team, 0 if there is no memory. */
int64_t team_new(int64_t helpers)
{
    team *them = calloc(1, sizeof *them);
    sigset_t all, before;
    if (!them)
        return 0;
    pthread_mutex_init(&them->lock, NULL);
    pthread_cond_init(&them->called, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (them->helpers < helpers && them->helpers < MOST_HELPERS &&
           !pthread_create(them->threads + them->helpers, NULL, help, them))
        them->helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&them->lock);
    while (them->started < them->helpers)
        pthread_cond_wait(&them->called, &them->lock);
    pthread_mutex_unlock(&them->lock);
    return (int64_t)(intptr_t)them;
}

/* Write the system's numbers of the helpers; returns how many they are. */
int64_t team_numbers(const void *given, int64_t *numbers)
{
    const team *them = given;
    for (int64_t i = 0; i < them->helpers; i++)
        numbers[i] = them->numbers[i];
    return them->helpers;
}

/* More: from now on there will be pieces of work one after the other. */
int64_t team_gather(void *given, int64_t more)
{
    team *them = given;
    team_write(&them->more, more);
    if (more) {
        team_add(&them->gathered, 1);
        team_wake(them);
    }
    return 0;
}

int64_t team_end(void *given)
{
    team *them = given;
    team_write(&them->ending, 1);
    team_wake(them);
    for (int64_t i = 0; i < them->helpers; i++)
        pthread_join(them->threads[i], NULL);
    pthread_cond_destroy(&them->called);
    pthread_mutex_destroy(&them->lock);
    free(them);
    return 0;
}
