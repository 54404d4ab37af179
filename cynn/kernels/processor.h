/* The words in which a processor names its features, and XCR0, in which the operating system names the
 * registers that it saves: an instruction that lacks the one or the other is illegal. The words are
 * only read here; targets.py has the bits that each target needs, so that the choice can be tested on any
 * processor. Sources: Intel SDM vol. 2A, CPUID; vol. 1, 13.3, XCR0; AMD APM vol. 3, appendix E. */
#ifndef CYNN_PROCESSOR_H
#define CYNN_PROCESSOR_H

#include <stdint.h>

struct processor {
    uint32_t leaf_1_ecx, leaf_7_ebx, leaf_7_ecx, leaf_7_edx; /* CPUID: leaf 1, leaf 7.0 */
    uint32_t extended_ecx;                                   /* leaf 0x80000001 */
    uint32_t xcr0;                                           /* the register state that is saved */
    uint32_t arm;                                            /* 1: 64-bit Arm, which has NEON */
};

#if defined(__x86_64__)
#include <cpuid.h>

#define CYNN_OSXSAVE (1u << 27) /* in leaf_1_ecx: xgetbv may be used, and says what is saved */

/* A leaf beyond the processor's last returns another's bits: __get_cpuid reads the last one's number first. */
static inline struct processor processor_here(void) {
    struct processor p = {0, 0, 0, 0, 0, 0, 0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) p.leaf_1_ecx = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        p.leaf_7_ebx = b;
        p.leaf_7_ecx = c;
        p.leaf_7_edx = d;
    }
    if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) p.extended_ecx = c;
    if (p.leaf_1_ecx & CYNN_OSXSAVE) {
        __asm__ __volatile__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
        p.xcr0 = a;
    }
    return p;
}
#else
static inline struct processor processor_here(void) {
    struct processor p = {0, 0, 0, 0, 0, 0, 0};
#if defined(__aarch64__)
    p.arm = 1;
#endif
    return p;
}
#endif

#endif
