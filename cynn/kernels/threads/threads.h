/* Synchronisation of threads: atomic counters, a barrier that spins briefly and then yields, a clock, a sleep,
 * the process, and the processor's flush-to-zero mode, set for the duration of a call and restored. */
#ifndef CYNN_THREADS_H
#define CYNN_THREADS_H

#include <stdint.h>

#if defined(_WIN32)
#include <windows.h>
#define cynn_yield() SwitchToThread()
#define cynn_nap(microseconds) Sleep(((microseconds) + 999) / 1000)
#define cynn_process() ((int64_t)GetCurrentProcessId())
#else
#include <sched.h>
#include <time.h>
#include <unistd.h>
#define cynn_yield() sched_yield()
#define cynn_nap(microseconds) nanosleep(&(struct timespec){0, 1000 * (microseconds)}, NULL)
#define cynn_process() ((int64_t)getpid())
#endif

#if defined(__x86_64__) || defined(__i386__)
#define cynn_pause() __builtin_ia32_pause()
#elif defined(__aarch64__)
/* yield does nothing where threads have a core each; isb takes about as long as x86's pause. */
#define cynn_pause() __asm__ __volatile__("isb" ::: "memory")
#else
#define cynn_pause() ((void)0)
#endif

#define CYNN_UNUSED_OK __attribute__((unused))

/* Spins before the first yield: some microseconds, longer than threads with equal work wait for each
 * other. With more threads than cores a waiting one blocks the others: it yields at once. */
#define CYNN_SPINS 200

static inline CYNN_UNUSED_OK int online_cores(void) {
#if defined(_WIN32)
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (int)info.dwNumberOfProcessors;
#else
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
}

typedef struct {
    int parties;
    int arrived;
    int turn;
    int spins;
} barrier;

/* For so many threads, which may become `most`. */
static inline CYNN_UNUSED_OK void barrier_open(barrier *b, int parties, int most) {
    b->parties = parties;
    b->arrived = 0;
    b->turn = 0;
    b->spins = most > 1 && most <= online_cores() ? CYNN_SPINS : 0;
}

/* Called by one of the parties, before it waits again, and before the new ones start. */
static inline CYNN_UNUSED_OK void barrier_widen(barrier *b, int parties) {
    __atomic_store_n(&b->parties, parties, __ATOMIC_RELAXED);
}

static inline CYNN_UNUSED_OK void barrier_wait(barrier *b) {
    if (__atomic_load_n(&b->parties, __ATOMIC_RELAXED) == 1) return;
    const int turn = __atomic_load_n(&b->turn, __ATOMIC_ACQUIRE);
    const int arrived = __atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL);
    if (arrived == __atomic_load_n(&b->parties, __ATOMIC_RELAXED)) { /* read now: it may have grown */
        __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&b->turn, turn + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int looks = 0; __atomic_load_n(&b->turn, __ATOMIC_ACQUIRE) == turn; looks++) {
        if (looks < b->spins) cynn_pause();
        else cynn_yield();
    }
}

static inline CYNN_UNUSED_OK void counter_add(int *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

static inline CYNN_UNUSED_OK int counter_next(int *counter) {
    return __atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
}

static inline CYNN_UNUSED_OK int64_t counter_sum(int64_t *counter, int64_t more) {
    return __atomic_add_fetch(counter, more, __ATOMIC_RELAXED);
}

static inline CYNN_UNUSED_OK void counter_set(int *counter, int value) {
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static inline CYNN_UNUSED_OK int counter_get(const int *counter) {
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/* Words that say which process has something: all threads see all changes in one order. */
static inline CYNN_UNUSED_OK int64_t word_get(const int64_t *word) {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline CYNN_UNUSED_OK void word_set(int64_t *word, int64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* Set it to `value`, unless it is already: then another thread was first. */
static inline CYNN_UNUSED_OK int word_take(int64_t *word, int64_t value) {
    int64_t current = word_get(word);
    return current != value &&
           __atomic_compare_exchange_n(word, &current, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline CYNN_UNUSED_OK void counter_wait(const int *counter, int value) {
    for (int looks = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) != value; looks++) {
        if (looks < CYNN_SPINS) cynn_pause();
        else cynn_yield();
    }
}

/* Seconds of a monotonic clock. */
static inline CYNN_UNUSED_OK double monotonic_seconds(void) {
#if defined(_WIN32)
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart / (double)frequency.QuadPart;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#endif
}

/* Numbers below the smallest normal one cost a hundred cycles each on some processors and carry no
 * information in training. Returns the mode that was set before. */
static inline CYNN_UNUSED_OK uint64_t flush_denormals(void) {
#if defined(__x86_64__)
    const unsigned int mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | 0x8040u);
    return mode;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    /* "memory": what is computed from memory stays on this side of the change of mode. */
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode | (1u << 24)) : "memory");
    return mode;
#else
    return 0;
#endif
}

static inline CYNN_UNUSED_OK void restore_denormals(uint64_t mode) {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((unsigned int)mode);
#elif defined(__aarch64__)
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode) : "memory");
#else
    (void)mode;
#endif
}

#endif
