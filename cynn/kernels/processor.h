/* What the processor has, and whose registers the operating system saves: an instruction that lacks
 * the one or the other is illegal. The facts are asked here, what follows from them is decided apart,
 * so that the decisions can be tested on any processor. Bits: Intel SDM vol. 2A, CPUID; vol. 1,
 * 13.3, XCR0; AMD APM vol. 3, appendix E. The levels: System V ABI for AMD64, 3.1.1. */
#ifndef CYNN_PROCESSOR_H
#define CYNN_PROCESSOR_H

#include <stdint.h>

struct processor {
    uint32_t leaf_1, leaf_7, extended; /* CPUID: 1 in ecx, 7.0 in ebx, 0x80000001 in ecx */
    uint32_t saved;                    /* XCR0, the register state that is saved */
    int arm;                           /* 64-bit Arm, which has NEON */
};

#define CYNN_BIT(n) (1u << (n))
#define CYNN_HAS(word, bits) (((word) & (bits)) == (bits))

enum { CYNN_OSXSAVE = 27 }; /* in leaf_1: xgetbv may be used, and says what is saved */

/* x86-64-v2: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF in 64-bit code. */
static inline int processor_runs_baseline(struct processor p) {
    const uint32_t level = CYNN_BIT(0) | CYNN_BIT(9) | CYNN_BIT(13) | CYNN_BIT(19) | CYNN_BIT(20) |
                           CYNN_BIT(23);
    return CYNN_HAS(p.leaf_1, level) && CYNN_HAS(p.extended, CYNN_BIT(0));
}

/* The baseline, which its flags contain; FMA and AVX; AVX2; xmm and ymm saved. */
static inline int processor_runs_avx2(struct processor p) {
    return processor_runs_baseline(p) && CYNN_HAS(p.leaf_1, CYNN_BIT(12) | CYNN_BIT(28)) &&
           CYNN_HAS(p.leaf_7, CYNN_BIT(5)) && CYNN_HAS(p.saved, 0x6u);
}

/* All that AVX2 needs; AVX-512 F, DQ, VL; masks and zmm saved, also the upper sixteen. */
static inline int processor_runs_avx512(struct processor p) {
    return processor_runs_avx2(p) &&
           CYNN_HAS(p.leaf_7, CYNN_BIT(16) | CYNN_BIT(17) | CYNN_BIT(31)) &&
           CYNN_HAS(p.saved, 0xe6u);
}

static inline int processor_runs_neon(struct processor p) { return p.arm; }

#if defined(__x86_64__)
#include <cpuid.h>

/* A leaf beyond the processor's last answers with another's bits: __get_cpuid asks for the last first. */
static inline struct processor processor_here(void) {
    struct processor p = {0, 0, 0, 0, 0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) p.leaf_1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) p.leaf_7 = b;
    if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) p.extended = c;
    if (CYNN_HAS(p.leaf_1, CYNN_BIT(CYNN_OSXSAVE))) {
        __asm__ __volatile__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
        p.saved = a;
    }
    return p;
}
#else
static inline struct processor processor_here(void) {
    struct processor p = {0, 0, 0, 0, 0};
#if defined(__aarch64__)
    p.arm = 1;
#endif
    return p;
}
#endif

#endif
