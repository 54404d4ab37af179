/* Instructions that the processor has and whose registers the operating system saves (XCR0): one
 * without the other ends in an illegal instruction. Bits: Intel SDM vol. 2A, CPUID. */
#ifndef CYNN_PROCESSOR_H
#define CYNN_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

static inline uint64_t processor_saved_state(void) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0; /* OSXSAVE */
    __asm__ __volatile__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return ((uint64_t)d << 32) | a;
}

static inline int processor_runs_avx2(void) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    if ((processor_saved_state() & 0x6) != 0x6) return 0; /* xmm and ymm */
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 12)) || !(c & (1u << 28))) return 0; /* FMA, AVX */
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 5)); /* AVX2 */
}

static inline int processor_runs_avx512(void) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    const uint32_t wanted = (1u << 16) | (1u << 17) | (1u << 31); /* F, DQ, VL */
    if ((processor_saved_state() & 0xe6) != 0xe6) return 0; /* and opmask, zmm */
    if (!processor_runs_avx2()) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & wanted) == wanted;
}
#else
static inline int processor_runs_avx2(void) { return 0; }
static inline int processor_runs_avx512(void) { return 0; }
#endif

#endif
