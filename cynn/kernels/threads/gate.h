/* Where the helper threads of a team wait for work and are admitted, also late.
 *
 *   the caller    open ----- admit ------------ admit ------- close        open -- ...
 *   helper 1        come ....| works .....................|   waits         come ...
 *   helper 2                          come .....| works ..|   waits
 *
 * Pieces of work are counted by turns. A helper that comes takes a place, 1, 2, ..., and works when the caller has
 * admitted that many. One that has not been admitted before the work was done goes back to wait for the next.
 * Both words hold the turn, and below it a count of members: so no thread takes an old word for a new one. */
#ifndef CYNN_GATE_H
#define CYNN_GATE_H

#include "threads.h"

#define GATE_ROOM 4096 /* members that a word can count */

/* Helpers spin for the next work that long, a fit's pause between two epochs; then they sleep in between. */
#define GATE_AWAKE_SECONDS 1e-3
#define GATE_NAP_MICROSECONDS 100

typedef struct {
    int64_t comers;   /* turn, odd while there is work, and helpers that came to it */
    int64_t admitted; /* turn, and members that work, the caller among them */
    int places;       /* helpers that a turn takes */
    int awake;        /* helpers that wait and do not sleep */
    int ended;
} gate;

CYNN_UNUSED_OK static inline int64_t gate_word(const int64_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* The caller's side. */

CYNN_UNUSED_OK static inline int gate_comers(const gate *g) {
    return (int)(gate_word(&g->comers) % GATE_ROOM);
}

CYNN_UNUSED_OK static inline void gate_admit(gate *g, int members) {
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM;
    __atomic_store_n(&g->admitted, turn * GATE_ROOM + members, __ATOMIC_RELEASE);
}

/* Begin a turn for so many helpers, with so many members admitted from the start. */
CYNN_UNUSED_OK static inline void gate_open(gate *g, int places, int members) {
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM + 1;
    __atomic_store_n(&g->places, places, __ATOMIC_RELAXED);
    __atomic_store_n(&g->admitted, turn * GATE_ROOM + members, __ATOMIC_RELEASE);
    __atomic_store_n(&g->comers, turn * GATE_ROOM, __ATOMIC_RELEASE);
}

/* Wait for those that are awake, which takes no microsecond, and `seconds` at most for the others. */
CYNN_UNUSED_OK static inline void gate_wait(const gate *g, double seconds) {
    const int awake = __atomic_load_n(&g->awake, __ATOMIC_ACQUIRE);
    const double past = monotonic_seconds() + seconds;
    int comers;
    for (int looks = 0; (comers = gate_comers(g)) < g->places; looks++) {
        if (looks < CYNN_SPINS && comers < awake) cynn_pause();
        else if (monotonic_seconds() < past) cynn_yield();
        else return;
    }
}

/* End a turn; return how many had come. */
CYNN_UNUSED_OK static inline int gate_close(gate *g) {
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM + 1;
    return (int)(__atomic_exchange_n(&g->comers, turn * GATE_ROOM, __ATOMIC_ACQ_REL) % GATE_ROOM);
}

CYNN_UNUSED_OK static inline int gate_members(const gate *g) {
    return (int)(gate_word(&g->admitted) % GATE_ROOM);
}

/* No more turns. */
CYNN_UNUSED_OK static inline void gate_end(gate *g) {
    __atomic_store_n(&g->ended, 1, __ATOMIC_RELEASE);
}

/* A helper's side. */

/* One unsuccessful look: the longer the wait, the more of the processor is left to others. */
CYNN_UNUSED_OK static inline void gate_look(gate *g, int looks, double since) {
    if (looks < CYNN_SPINS) {
        cynn_pause();
    } else if (monotonic_seconds() - since < GATE_AWAKE_SECONDS) {
        cynn_yield();
    } else {
        __atomic_sub_fetch(&g->awake, 1, __ATOMIC_ACQ_REL);
        cynn_nap(GATE_NAP_MICROSECONDS);
        __atomic_add_fetch(&g->awake, 1, __ATOMIC_ACQ_REL);
    }
}

/* Wait for work and to be admitted; return this helper's place and the number of members, or 0: no more work.
 * One that has come is admitted soon, and does not sleep. */
CYNN_UNUSED_OK static inline int gate_enter(gate *g, int64_t *last_turn, int *members) {
    double since = monotonic_seconds();
    int looks = 0;
    while (!__atomic_load_n(&g->ended, __ATOMIC_ACQUIRE)) {
        int64_t comers = gate_word(&g->comers);
        const int64_t turn = comers / GATE_ROOM;
        if (turn % 2 == 0 || turn == *last_turn ||
            comers % GATE_ROOM >= __atomic_load_n(&g->places, __ATOMIC_RELAXED) ||
            !__atomic_compare_exchange_n(&g->comers, &comers, comers + 1, 0, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED)) {
            gate_look(g, looks++, since);
            continue;
        }
        const int place = (int)(comers % GATE_ROOM) + 1;
        *last_turn = turn;
        for (looks = 0;; looks++) {
            const int64_t admitted = gate_word(&g->admitted);
            if (admitted / GATE_ROOM == turn && admitted % GATE_ROOM > place) {
                *members = (int)(admitted % GATE_ROOM);
                return place;
            }
            if (gate_word(&g->comers) / GATE_ROOM != turn) break;
            if (looks < CYNN_SPINS) cynn_pause();
            else cynn_yield();
        }
        since = monotonic_seconds();
        looks = 0;
    }
    return 0;
}

#endif
