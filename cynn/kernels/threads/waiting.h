/* Waiting for a word to change: some microseconds awake, then asleep in the kernel, as the best locks do.
 *
 *   who waits     spins ~20 us | asleep + 1, sleeps while the word is the old one | asleep - 1
 *   who changes         the word := a new one   | wakes if asleep > 0
 *
 * Both sides write their own word before they read the other's, all threads see these in one order: so either the
 * sleeper is counted when the other looks, or the kernel, which looks again, sees the new word and does not let it
 * sleep. Threads of equal work meet while they spin; a thread whose partner lost its core to another program sleeps
 * and leaves its own. */
#ifndef CYNN_WAITING_H
#define CYNN_WAITING_H

#include <stdint.h>

#include "threads.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#elif !defined(_WIN32)
#include <pthread.h>
#endif

/* Looks before the first at the clock: some microseconds, in which threads of equal work meet. */
#define CYNN_LOOKS 200
/* Awake for about as long as it takes to fall asleep and to be woken. */
#define CYNN_AWAKE_SECONDS 2e-5

typedef struct {
    int asleep;
#if !defined(__linux__) && !defined(_WIN32)
    pthread_mutex_t mutex;
    pthread_cond_t changed;
#endif
} waiters;

CYNN_UNUSED_OK static inline void waiters_open(waiters *w) {
    w->asleep = 0;
#if !defined(__linux__) && !defined(_WIN32)
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
#endif
}

CYNN_UNUSED_OK static inline void waiters_close(waiters *w) {
#if !defined(__linux__) && !defined(_WIN32)
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
#else
    (void)w;
#endif
}

/* Sleep until somebody calls `wake_all`, unless the word is no longer `value`; or wake for no reason. */
CYNN_UNUSED_OK static inline void sleep_once(waiters *w, int *word, int value) {
#if defined(__linux__)
    (void)w;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#elif defined(_WIN32)
    (void)w;
    WaitOnAddress(word, &value, sizeof(int), INFINITE);
#else
    pthread_mutex_lock(&w->mutex);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value) pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
#endif
}

/* Called after the word was changed. */
CYNN_UNUSED_OK static inline void wake_all(waiters *w, int *word) {
    if (__atomic_load_n(&w->asleep, __ATOMIC_SEQ_CST) == 0) return;
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#elif defined(_WIN32)
    WakeByAddressAll(word);
#else
    (void)word;
    pthread_mutex_lock(&w->mutex);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
#endif
}

/* Wait until the word is not `value`, awake for `seconds` and then asleep; asleep at once if that is 0. Return the
 * nanoseconds of the wait if it came to sleep, else 0. */
CYNN_UNUSED_OK static inline int64_t wait_while(waiters *w, int *word, int value, double seconds) {
    double since = 0;
    for (int looks = 0; seconds > 0; looks++) {
        if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) return 0;
        cynn_pause();
        if (looks % CYNN_LOOKS != CYNN_LOOKS - 1) continue;
        if (since == 0) since = monotonic_seconds();
        else if (monotonic_seconds() - since > seconds) break;
    }
    if (since == 0) since = monotonic_seconds();
    __atomic_add_fetch(&w->asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value) sleep_once(w, word, value);
    __atomic_sub_fetch(&w->asleep, 1, __ATOMIC_SEQ_CST);
    return (int64_t)(1e9 * (monotonic_seconds() - since));
}

/* Wait until a counter that only grows has come to `value`; who adds to it calls `wake_all`. */
CYNN_UNUSED_OK static inline void wait_for_count(waiters *w, int *counter, int value) {
    int now;
    while ((now = __atomic_load_n(counter, __ATOMIC_ACQUIRE)) != value)
        wait_while(w, counter, now, CYNN_AWAKE_SECONDS);
}

/* The same for the last word of threads, after which they touch nothing that is shared and wake nobody. */
CYNN_UNUSED_OK static inline void nap_until_count(const int *counter, int value) {
    for (int looks = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) != value; looks++) {
        if (looks < 16 * CYNN_LOOKS) cynn_pause();
        else cynn_nap(50);
    }
}

#endif
