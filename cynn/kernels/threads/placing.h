/* Where a new thread begins: not on the core of the one that starts it, which goes on with its own work. Linux often
 * leaves it there (seen on 6.18), where it waits for some milliseconds beside idle cores, longer than a prediction takes.
 * So it begins with an affinity that leaves that core out, and takes back the whole at once when it runs. */
#ifndef CYNN_PLACING_H
#define CYNN_PLACING_H

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#ifdef __linux__
#include <features.h>
#endif

#ifdef __GLIBC__

#include <pthread.h>
#include <sched.h>

/* The versions that glibc has had since 2004: a wheel that is built here runs with older ones too. */
#if defined(__x86_64__) && __GLIBC_PREREQ(2, 32)
__asm__(".symver pthread_create,pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_attr_setaffinity_np,pthread_attr_setaffinity_np@GLIBC_2.3.4");
#endif

typedef struct {
    cpu_set_t allowed; /* cores; none where they are not known */
} places;

/* Before the first thread of a team is started. */
static inline void find_places(places *p) {
    if (sched_getaffinity(0, sizeof(p->allowed), &p->allowed)) CPU_ZERO(&p->allowed);
}

/* Start a thread on another core; return 0 where there is none, or it is not known. */
static inline int start_apart(const places *p, void *(*function)(void *), void *argument) {
    cpu_set_t others = p->allowed;
    pthread_attr_t attributes;
    pthread_t thread;
    const int core = sched_getcpu();
    if (core < 0 || core >= CPU_SETSIZE) return 0;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others) == 0 || pthread_attr_init(&attributes)) return 0;
    const int is_started =
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
        pthread_attr_setaffinity_np(&attributes, sizeof(others), &others) == 0 &&
        pthread_create(&thread, &attributes, function, argument) == 0;
    pthread_attr_destroy(&attributes);
    return is_started;
}

/* Called by the new thread first. */
static inline void place_freely(const places *p) {
    sched_setaffinity(0, sizeof(p->allowed), &p->allowed);
}

#else

typedef struct {
    char none;
} places;

static inline void find_places(places *p) { (void)p; }

static inline int start_apart(const places *p, void *(*function)(void *), void *argument) {
    (void)p, (void)function, (void)argument;
    return 0;
}

static inline void place_freely(const places *p) { (void)p; }

#endif

#endif
