/* How many threads of a team are the fastest: found out by trying fewer.
 *
 * Where cores lie far from each other, on two chiplets or sockets, what travels between them can take longer than the
 * work that is shared. It looks like work: nobody waits. So a team that does short steps measures some with all of its
 * members and some with half of them, and goes on with what was faster; then it tries again after a while, as a virtual
 * machine's cores may move.
 *
 *   all members         half        all, or half and a quarter ...
 *   5 steps measured    5 steps     the faster of the two, until the next trial
 *
 * The bits of a result do not depend on it. */
#ifndef CYNN_TRIAL_H
#define CYNN_TRIAL_H

#include "threads.h"

#define TRIAL_STEPS 5           /* of which the fastest counts: others may be disturbed */
#define TRIAL_FIRST 2e-3        /* seconds after which the first begins */
#define TRIAL_REST 0.5          /* and each of the others */
#define TRIAL_RESTED_STEPS 400  /* and so many steps more, that a trial costs little */
#define TRIAL_LONGEST_STEP 2e-3 /* a longer one is worth sharing */

typedef struct {
    double work; /* of a step: one trial is of equal steps */
    double last; /* when the step before ended */
    double next; /* when the next trial begins */
    double fastest, fewer_fastest; /* steps, in seconds */
    int limit;  /* members, 0: all */
    int more;   /* the limit that the fewer are compared with */
    int left;   /* steps to measure; 0: no trial is under way */
    int fewer;  /* whether those measured are of the fewer */
} trial;

/* Before a call with steps of so much work: other steps than before know nothing of each other. */
CYNN_UNUSED_OK static inline void trial_begin(trial *t, double work) {
    if (t->work == work) return;
    *t = (trial){.work = work};
}

static inline void trial_try(trial *t, int limit, int fewer) {
    t->limit = limit;
    t->fewer = fewer;
    t->left = TRIAL_STEPS;
    *(fewer ? &t->fewer_fastest : &t->fastest) = 1e300;
}

static inline void trial_judge(trial *t, int most, double now) {
    const int limit = t->limit ? t->limit : most;
    const int won = t->fewer && t->fewer_fastest < t->fastest;
    if (won) t->fastest = t->fewer_fastest;
    if ((won || !t->fewer) && limit > 1) {
        t->more = t->limit;
        trial_try(t, limit / 2, 1);
        return;
    }
    if (!won) t->limit = t->more;
    t->next = now + TRIAL_REST + TRIAL_RESTED_STEPS * t->fastest;
}

/* Return how many of `most` threads do the next step, where `members` did the last; an unequal one is not measured. */
CYNN_UNUSED_OK static inline int trial_members(trial *t, int members, int most, int is_equal, double now) {
    if (most == 1) return 1;
    const double seconds = now - t->last;
    t->last = now;
    if (t->next == 0) t->next = now + TRIAL_FIRST;
    if (is_equal && members == (t->limit && t->limit < most ? t->limit : most)) {
        if (t->left) {
            double *fastest = t->fewer ? &t->fewer_fastest : &t->fastest;
            if (seconds < *fastest) *fastest = seconds;
            if (--t->left == 0) trial_judge(t, most, now);
        } else if (now >= t->next) {
            if (seconds > TRIAL_LONGEST_STEP) t->next = now + TRIAL_REST;
            else trial_try(t, 0, 0);
        }
    }
    return t->limit && t->limit < most ? t->limit : most;
}

#endif
