/* Where the helper threads of a team wait for work and are admitted, also late.
 *
 *   the caller    open ----- admit ------------ admit ------- close        open -- ...
 *   helper 1        come ....| works .....................|   waits         come ...
 *   helper 2                          come .....| works ..|   waits
 *
 * Pieces of work are counted by turns. A helper that comes takes a place, 1, 2, ..., and works when the caller has
 * admitted that many. One that has not been admitted before the work was done comes to the next.
 * Both words hold the turn, and below it a count of members: so no thread takes an old word for a new one. */
#ifndef CYNN_GATE_H
#define CYNN_GATE_H

#include "waiting.h"

#define GATE_ROOM 4096 /* members that a word can count */

/* Helpers stay awake for the next work that long, a fit's pause between two epochs; then they sleep. */
#define GATE_AWAKE_SECONDS 3e-4

typedef struct {
    int64_t comers;   /* turn, odd while there is work, and helpers that came to it */
    int64_t admitted; /* turn, and members that work, the caller among them */
    int places;       /* helpers that a turn takes */
    int present;      /* helpers that have started */
    int ended;
    waiters waiters; /* on the lower half of either word */
} gate;

CYNN_UNUSED_OK static inline int64_t gate_word(const int64_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* The half of a word that changes with it; x86-64 and arm64 keep it first. */
CYNN_UNUSED_OK static inline int *gate_half(int64_t *word) {
    return (int *)(void *)word;
}

CYNN_UNUSED_OK static inline void gate_begin(gate *g) {
    *g = (gate){0};
    waiters_open(&g->waiters);
}

/* The caller's side. */

CYNN_UNUSED_OK static inline void gate_set(gate *g, int64_t *word, int64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    wake_all(&g->waiters, gate_half(word));
}

CYNN_UNUSED_OK static inline int gate_comers(const gate *g) {
    return (int)(gate_word(&g->comers) % GATE_ROOM);
}

CYNN_UNUSED_OK static inline void gate_admit(gate *g, int members) {
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM;
    gate_set(g, &g->admitted, turn * GATE_ROOM + members);
}

/* Begin a turn for so many helpers, with so many members admitted from the start. */
CYNN_UNUSED_OK static inline void gate_open(gate *g, int places, int members) {
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM + 1;
    __atomic_store_n(&g->places, places, __ATOMIC_RELAXED);
    gate_set(g, &g->admitted, turn * GATE_ROOM + members);
    gate_set(g, &g->comers, turn * GATE_ROOM);
}

/* Wait for those that are awake, which takes no microsecond, and `seconds` at most for the others. */
CYNN_UNUSED_OK static inline void gate_wait(const gate *g, double seconds) {
    const int awake = __atomic_load_n(&g->present, __ATOMIC_ACQUIRE) - __atomic_load_n(&g->waiters.asleep, __ATOMIC_ACQUIRE);
    const double past = monotonic_seconds() + seconds;
    int comers;
    for (int looks = 0; (comers = gate_comers(g)) < g->places; looks++) {
        if ((looks >= CYNN_LOOKS || comers >= awake) && monotonic_seconds() >= past) return;
        cynn_pause();
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
    const int64_t turn = gate_word(&g->comers) / GATE_ROOM + 2; /* even, as between two */
    __atomic_store_n(&g->ended, 1, __ATOMIC_RELEASE);
    gate_set(g, &g->admitted, turn * GATE_ROOM);
    gate_set(g, &g->comers, turn * GATE_ROOM);
}

/* A helper's side. */

/* Wait for work and to be admitted; return this helper's place and the number of members, or 0: no more work. */
CYNN_UNUSED_OK static inline int gate_enter(gate *g, int64_t *last_turn, int *members) {
    for (;;) {
        int64_t comers = gate_word(&g->comers), admitted;
        /* Asked after the word was read: who reads the one of `gate_end` sees the end, and does not wait for another. */
        if (__atomic_load_n(&g->ended, __ATOMIC_ACQUIRE)) return 0;
        const int64_t turn = comers / GATE_ROOM;
        if (turn % 2 == 0 || turn == *last_turn ||
            comers % GATE_ROOM >= __atomic_load_n(&g->places, __ATOMIC_RELAXED)) {
            wait_while(&g->waiters, gate_half(&g->comers), (int)comers, GATE_AWAKE_SECONDS);
            continue;
        }
        if (!__atomic_compare_exchange_n(&g->comers, &comers, comers + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) continue;
        const int place = (int)(comers % GATE_ROOM) + 1;
        *last_turn = turn;
        while ((admitted = gate_word(&g->admitted)) / GATE_ROOM == turn) {
            if (admitted % GATE_ROOM > place) {
                *members = (int)(admitted % GATE_ROOM);
                return place;
            }
            wait_while(&g->waiters, gate_half(&g->admitted), (int)admitted, GATE_AWAKE_SECONDS);
        }
    }
}

#endif
