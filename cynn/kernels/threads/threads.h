/* What threads need of the system and the processor: atomic counters and words, a clock, a sleep, the process, and
 * the flush-to-zero mode, set for the duration of a call and restored. */
#ifndef CYNN_THREADS_H
#define CYNN_THREADS_H

#include <stdint.h>

#if defined(_WIN32)
#include <windows.h>
#define cynn_nap(microseconds) Sleep(((microseconds) + 999) / 1000)
#define cynn_process() ((int64_t)GetCurrentProcessId())
#else
#include <time.h>
#include <unistd.h>
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

static inline CYNN_UNUSED_OK int online_cores(void) {
#if defined(_WIN32)
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (int)info.dwNumberOfProcessors;
#else
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
}

static inline CYNN_UNUSED_OK void counter_add(int *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

static inline CYNN_UNUSED_OK void counter_sub(int *counter) {
    __atomic_sub_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

static inline CYNN_UNUSED_OK int counter_next(int *counter) {
    return __atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
}

static inline CYNN_UNUSED_OK int64_t counter_sum(int64_t *counter, int64_t more) {
    return __atomic_add_fetch(counter, more, __ATOMIC_RELAXED);
}

static inline CYNN_UNUSED_OK void counter_set(int *counter, int value) {
    __atomic_store_n(counter, value, __ATOMIC_SEQ_CST);
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

/* The other way round: as processors and Python begin. */
static inline CYNN_UNUSED_OK uint64_t keep_denormals(void) {
#if defined(__x86_64__)
    const unsigned int mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode & ~0x8040u);
    return mode;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode & ~((uint64_t)1 << 24)) : "memory");
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
