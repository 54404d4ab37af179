/* The vector type of a target, on the compiler's vector extensions: no intrinsics, one source for
 * every instruction set. Its width, CYNN_VEC_BYTES, is in the table of targets, which setup.py reads;
 * CYNN_REAL_BITS, in the source that setup.py writes for a target, names the element type.
 */
#ifndef CYNN_SIMD_H
#define CYNN_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if CYNN_REAL_BITS == 32
typedef float real;
typedef int32_t real_bits; /* an integer as wide as a real: the result of comparisons */
#define REAL_MANTISSA 23
#define REAL_EXPONENT_BIAS 127
#define REAL_TINY 1.17549435e-38f /* the smallest normal number */
#define REAL_HUGE 3.40282347e+38f /* the largest finite number */
#define REAL_EPSILON 1.1920929e-07f /* from 1 to the next number */
#else
typedef double real;
typedef int64_t real_bits;
#define REAL_MANTISSA 52
#define REAL_EXPONENT_BIAS 1023
#define REAL_TINY 2.2250738585072014e-308
#define REAL_HUGE 1.7976931348623157e+308
#define REAL_EPSILON 2.220446049250313e-16
#endif

typedef real vec __attribute__((vector_size(CYNN_VEC_BYTES)));
typedef real_bits vec_bits __attribute__((vector_size(CYNN_VEC_BYTES)));

#define LANES ((int)(CYNN_VEC_BYTES / sizeof(real)))

#define CYNN_INLINE static inline __attribute__((always_inline, unused))

/* Every address is a multiple of the vector's size: buffers are aligned to 64 bytes. */
CYNN_INLINE vec load(const real *from) { return *(const vec *)from; }
CYNN_INLINE void store(real *to, vec value) { *(vec *)to = value; }

/* Prefetch the cache lines of so many bytes. */
CYNN_INLINE void prefetch(const char *from, ptrdiff_t bytes) {
    for (ptrdiff_t at = 0; at < bytes; at += 64) __builtin_prefetch(from + at);
}

/* Written out lane by lane: `(vec){0} + s` would cost a real addition, as minus zero keeps the
 * compiler from dropping it. */
#define CYNN_REPEAT_2(s) s, s
#define CYNN_REPEAT_4(s) CYNN_REPEAT_2(s), CYNN_REPEAT_2(s)
#define CYNN_REPEAT_8(s) CYNN_REPEAT_4(s), CYNN_REPEAT_4(s)
#define CYNN_REPEAT_16(s) CYNN_REPEAT_8(s), CYNN_REPEAT_8(s)
#define CYNN_PASTE(a, b) a##b
#define CYNN_REPEAT(n, s) CYNN_PASTE(CYNN_REPEAT_, n)(s)
#if CYNN_VEC_BYTES * 8 / CYNN_REAL_BITS == 2
#define CYNN_LANES 2
#elif CYNN_VEC_BYTES * 8 / CYNN_REAL_BITS == 4
#define CYNN_LANES 4
#elif CYNN_VEC_BYTES * 8 / CYNN_REAL_BITS == 8
#define CYNN_LANES 8
#else
#define CYNN_LANES 16
#endif
CYNN_INLINE vec broadcast(real s) { return (vec){CYNN_REPEAT(CYNN_LANES, s)}; }

/* 0, 1, 2, ... lane by lane. */
CYNN_INLINE vec lane_numbers(void) {
    static const real numbers[16] __attribute__((aligned(64))) = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                  8, 9, 10, 11, 12, 13, 14, 15};
    return load(numbers);
}
CYNN_INLINE real first_lane(vec a) { return a[0]; }
CYNN_INLINE real middle_lane(vec a) { return a[LANES / 2]; }

/* LANES numbers of another type, from any address. Bytes are widened a step at a time: in one step,
 * gcc converts them one by one. */
#define CYNN_NARROW(bits) __attribute__((vector_size(CYNN_VEC_BYTES * (bits) / CYNN_REAL_BITS)))
typedef uint8_t vec_of_bytes CYNN_NARROW(8);
typedef uint16_t vec_of_shorts CYNN_NARROW(16);
typedef int32_t vec_of_ints CYNN_NARROW(32);
typedef float vec_of_floats CYNN_NARROW(32);
typedef double vec_of_doubles CYNN_NARROW(64);
CYNN_INLINE vec from_bytes(const uint8_t *from) {
    vec_of_bytes bytes;
    memcpy(&bytes, from, sizeof bytes);
    const vec_of_shorts shorts = __builtin_convertvector(bytes, vec_of_shorts);
    const vec_of_ints ints = __builtin_convertvector(shorts, vec_of_ints);
    return __builtin_convertvector(ints, vec);
}
CYNN_INLINE vec from_shorts(const uint16_t *from) {
    vec_of_shorts shorts;
    memcpy(&shorts, from, sizeof shorts);
    const vec_of_ints ints = __builtin_convertvector(shorts, vec_of_ints);
    return __builtin_convertvector(ints, vec);
}
CYNN_INLINE vec from_floats(const float *from) {
    vec_of_floats floats;
    memcpy(&floats, from, sizeof floats);
    return __builtin_convertvector(floats, vec);
}
CYNN_INLINE vec from_doubles(const double *from) {
    vec_of_doubles doubles;
    memcpy(&doubles, from, sizeof doubles);
    return __builtin_convertvector(doubles, vec);
}

/* One rounding where the target has the instruction: -ffp-contract=fast allows the compiler to fuse. */
CYNN_INLINE vec multiply_add(vec a, vec b, vec c) { return a * b + c; }

CYNN_INLINE vec where(vec_bits mask, vec yes, vec no) {
    return (vec)((mask & (vec_bits)yes) | (~mask & (vec_bits)no));
}
/* yes where a < b (or a <= b), else no: also where a or b is not a number. */
CYNN_INLINE vec where_less(vec a, vec b, vec yes, vec no) { return where(a < b, yes, no); }
CYNN_INLINE vec where_less_equal(vec a, vec b, vec yes, vec no) { return where(a <= b, yes, no); }
CYNN_INLINE vec where_equal(vec a, vec b, vec yes, vec no) { return where(a == b, yes, no); }
/* The larger of both; a, if a is not a number. */
CYNN_INLINE vec maximum(vec a, vec b) { return where(a < b, b, a); }

CYNN_INLINE vec absolute(vec a) {
    return (vec)((vec_bits)a & ~(vec_bits)broadcast((real)-0.0));
}
CYNN_INLINE vec copy_sign(vec magnitude, vec sign) {
    const vec_bits bit = (vec_bits)broadcast((real)-0.0);
    return (vec)(((vec_bits)magnitude & ~bit) | ((vec_bits)sign & bit));
}

/* One instruction, as -fno-math-errno lets it be and compilers put straight lines of lanes together. */
CYNN_INLINE vec square_root(vec a) {
    vec roots;
    for (int i = 0; i < LANES; i++)
        roots[i] = sizeof(real) == 4 ? (real)__builtin_sqrtf((float)a[i]) : (real)__builtin_sqrt(a[i]);
    return roots;
}

/* Adding 1.5 * 2^mantissa leaves the nearest integer of a small number in the low bits. */
#define CYNN_ROUNDER ((real)((real_bits)3 << (REAL_MANTISSA - 1)))
CYNN_INLINE vec nearest_integer(vec a) {
    return (a + broadcast(CYNN_ROUNDER)) - broadcast(CYNN_ROUNDER);
}
/* 2^n for an integer n between 1 - bias and bias. */
CYNN_INLINE vec power_of_two(vec n) {
    const vec_bits bits = (vec_bits)(n + broadcast((real)(CYNN_ROUNDER + REAL_EXPONENT_BIAS)));
    return (vec)(bits << REAL_MANTISSA);
}
/* A normal a > 0 as fraction * 2^exponent, the fraction in [1/sqrt(2), sqrt(2)). */
CYNN_INLINE vec split_exponent(vec a, vec *fraction) {
    const vec_bits half_root = (vec_bits)broadcast((real)0.70710678118654752440);
    const vec_bits above = (vec_bits)a - half_root;
    *fraction = (vec)((above & (((real_bits)1 << REAL_MANTISSA) - 1)) + half_root);
    /* the exponent as a real: the rounding trick backwards */
    const vec rounder = broadcast(CYNN_ROUNDER);
    return (vec)((vec_bits)rounder + (above >> REAL_MANTISSA)) - rounder;
}

/* The halves of a and b, lane by lane in turn: a0 b0 a1 b1 ... from the low or the high lanes. */
#if CYNN_LANES == 2
#define CYNN_LOW 0, 2
#define CYNN_HIGH 1, 3
#elif CYNN_LANES == 4
#define CYNN_LOW 0, 4, 1, 5
#define CYNN_HIGH 2, 6, 3, 7
#elif CYNN_LANES == 8
#define CYNN_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define CYNN_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define CYNN_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CYNN_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif
#if defined(__clang__) || __GNUC__ >= 12
CYNN_INLINE vec interleave_low(vec a, vec b) { return __builtin_shufflevector(a, b, CYNN_LOW); }
CYNN_INLINE vec interleave_high(vec a, vec b) { return __builtin_shufflevector(a, b, CYNN_HIGH); }
#else
CYNN_INLINE vec interleave_low(vec a, vec b) {
    return __builtin_shuffle(a, b, (vec_bits){CYNN_LOW});
}
CYNN_INLINE vec interleave_high(vec a, vec b) {
    return __builtin_shuffle(a, b, (vec_bits){CYNN_HIGH});
}
#endif

#endif
