/* Where the threads of a team meet, and how many of them: fewer while they wait for each other longer than they work.
 *
 * Beside other programs a team of two gets two cores seldom at the same time, and what one has done lies idle until
 * the other comes. So a team whose members sleep for more than half of the time goes on with half of them, and tries
 * again after a rest, each time after a longer one. The bits of a result do not depend on it. */
#ifndef CYNN_BARRIER_H
#define CYNN_BARRIER_H

#include "waiting.h"

typedef struct {
    int parties;
    int arrived;
    int turn;
    double awake_seconds;
    int64_t slept; /* nanoseconds of all members, since it was opened */
    waiters waiters;
} barrier;

/* For so many threads, which may become `most`. With more than there are cores a waiting one blocks the others: it
 * sleeps at once. */
CYNN_UNUSED_OK static inline void barrier_open(barrier *b, int parties, int most) {
    b->parties = parties;
    b->arrived = 0;
    b->turn = 0;
    b->awake_seconds = most > 1 && most <= online_cores() ? CYNN_AWAKE_SECONDS : 0;
    b->slept = 0;
    waiters_open(&b->waiters);
}

CYNN_UNUSED_OK static inline void barrier_close(barrier *b) {
    waiters_close(&b->waiters);
}

/* Called by one of the parties, before it waits again, and before new ones start. */
CYNN_UNUSED_OK static inline void barrier_resize(barrier *b, int parties) {
    __atomic_store_n(&b->parties, parties, __ATOMIC_RELAXED);
}

CYNN_UNUSED_OK static inline void barrier_wait(barrier *b) {
    if (__atomic_load_n(&b->parties, __ATOMIC_RELAXED) == 1) return;
    const int turn = __atomic_load_n(&b->turn, __ATOMIC_ACQUIRE);
    const int arrived = __atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL);
    if (arrived == __atomic_load_n(&b->parties, __ATOMIC_RELAXED)) { /* read now: it may have changed */
        __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&b->turn, turn + 1, __ATOMIC_SEQ_CST);
        wake_all(&b->waiters, &b->turn);
        return;
    }
    const int64_t slept = wait_while(&b->waiters, &b->turn, turn, b->awake_seconds);
    if (slept) __atomic_add_fetch(&b->slept, slept, __ATOMIC_RELAXED);
}

/* The pace of a team: asked by one thread between two pieces of work. */

#define PACE_LOOK_NANOSECONDS 1000000 /* that have been slept before it is judged */
#define PACE_FIRST_REST 1e-2
#define PACE_LONGEST_REST 0.3

typedef struct {
    double since;  /* what was slept since then is judged next */
    int64_t slept; /* by the members then */
    double paused; /* when the last call ended */
    double rest;   /* seconds of the last one */
    double until;  /* then more members are tried; 0: there is no limit */
    int limit;
} pace;

CYNN_UNUSED_OK static inline void pace_pause(pace *p, const barrier *b) {
    p->paused = monotonic_seconds();
    p->slept -= __atomic_load_n(&b->slept, __ATOMIC_RELAXED); /* the next barrier begins with 0 */
}

CYNN_UNUSED_OK static inline void pace_resume(pace *p) {
    p->since += monotonic_seconds() - p->paused;
}

CYNN_UNUSED_OK static inline void pace_restart(pace *p, double now, int64_t slept) {
    p->since = now;
    p->slept = slept;
}

/* Return how many of `most` threads work next, where `members` did. */
CYNN_UNUSED_OK static inline int pace_members(pace *p, const barrier *b, int members, int most) {
    const int64_t slept = __atomic_load_n(&b->slept, __ATOMIC_RELAXED);
    const int is_due = members > 1 && slept - p->slept >= PACE_LOOK_NANOSECONDS;
    if (!is_due && p->limit == 0) return most;
    const double now = monotonic_seconds();
    if (is_due) {
        const int is_slow = 1e-9 * (double)(slept - p->slept) > 0.5 * (members - 1) * (now - p->since);
        pace_restart(p, now, slept);
        if (is_slow) {
            const int is_again = p->rest > 0 && now - p->until < 4 * p->rest;
            p->rest = !is_again ? PACE_FIRST_REST : 2 * p->rest < PACE_LONGEST_REST ? 2 * p->rest : PACE_LONGEST_REST;
            p->until = now + p->rest;
            p->limit = members / 2;
        }
    } else if (now >= p->until) {
        p->limit = 2 * p->limit < most ? 2 * p->limit : 0;
        p->until = now + (p->limit ? p->rest : 0);
        pace_restart(p, now, slept);
    }
    return p->limit && p->limit < most ? p->limit : most;
}

/* Calls that share out blocks of rows have no barriers: such a call waits at its end, for a helper that lost its core
 * with a block in hand. If that took longer than its own blocks, calls of the next moments do without helpers. All
 * threads of a process share the two words, in nanoseconds. */
typedef struct {
    int64_t until;
    int64_t rest;
} respite;

CYNN_UNUSED_OK static inline int respite_members(respite *r, int most) {
    const int64_t until = counter_sum(&r->until, 0);
    return until && most > 1 && 1e9 * monotonic_seconds() < (double)until ? 1 : most;
}

/* A call took so many seconds, and so many of these for its own blocks. */
CYNN_UNUSED_OK static inline void respite_judge(respite *r, double seconds, double own) {
    if (seconds - own < 1e-9 * PACE_LOOK_NANOSECONDS || seconds - own < own) return;
    const double now = 1e9 * monotonic_seconds(), rest = (double)counter_sum(&r->rest, 0);
    const int is_again = rest > 0 && now - (double)counter_sum(&r->until, 0) < 4 * rest;
    const double longer = !is_again ? 1e9 * PACE_FIRST_REST : 2 * rest < 1e9 * PACE_LONGEST_REST ? 2 * rest : 1e9 * PACE_LONGEST_REST;
    word_set(&r->rest, (int64_t)longer);
    word_set(&r->until, (int64_t)(now + longer));
}

#endif
