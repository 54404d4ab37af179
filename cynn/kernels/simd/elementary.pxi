# exp, expm1, log, sigmoid, tanh, sine and cosine of a vector, without a branch and within 4 units in the last place.
#
# exp follows the classic reduction (Muller, Elementary Functions, 3rd ed., ch. 11):
#   x = n log 2 + r,  |r| <= log(2) / 2,  exp x = 2^n exp r,  exp r by its Taylor series;
# log reduces to a fraction m in [1/sqrt 2, sqrt 2) and sums  log m = 2 artanh((m - 1) / (m + 1)).
# sine and cosine are of angles in turns, of which whole ones are taken off exactly; within a half to either side both
# are the sine of an angle in the first quarter, by its Taylor series:
#   cos(2 pi u) = sin(2 pi (1/4 - |u|)),  sin(2 pi |u|) = sin(2 pi (1/2 - |u|)).
# All series stop where the next term is below half a unit: plain coefficients, no tables.

cdef extern from * nogil:
    """
    #if CYNN_REAL_BITS == 32
    #define EXP_TERMS 7
    #define LOG_TERMS 4
    #define SINE_TERMS 7
    #define EXP_LOWEST -104.0f  /* exp of less rounds to zero */
    #define EXP_HIGHEST 89.0f   /* exp of more overflows */
    #define LOG2_HIGH 0.693359375f         /* few bits: n * LOG2_HIGH is exact */
    #define LOG2_LOW -2.12194440054690583e-4f
    #else
    #define EXP_TERMS 13
    #define LOG_TERMS 10
    #define SINE_TERMS 11
    #define EXP_LOWEST -746.0
    #define EXP_HIGHEST 710.0
    #define LOG2_HIGH 6.93145751953125e-1
    #define LOG2_LOW 1.42860682030941723212e-6
    #endif
    #define ONE_OVER_LOG2 ((real)1.44269504088896340736)

    /* 1 / (k + 1)! : expm1(r) = r * sum of these times r^k */
    static const real EXP_SERIES[] = {
        (real)1, (real)(1.0 / 2), (real)(1.0 / 6), (real)(1.0 / 24), (real)(1.0 / 120),
        (real)(1.0 / 720), (real)(1.0 / 5040), (real)(1.0 / 40320), (real)(1.0 / 362880),
        (real)(1.0 / 3628800), (real)(1.0 / 39916800), (real)(1.0 / 479001600),
        (real)(1.0 / 6227020800)};

    /* (-1)^k (2 pi)^(2k + 1) / (2k + 1)! : sin(2 pi u) = u * sum of these times u^(2k) */
    static const real SINE_SERIES[] = {
        (real)6.28318530717958647693, (real)-41.3417022403997602340, (real)81.6052492760750542034,
        (real)-76.7058597530613858416, (real)42.0586939448976531450, (real)-15.0946425768229903918,
        (real)3.81995258484828212773, (real)-0.718122301778500512232, (real)0.104229162208139841173,
        (real)-0.0120315859421206272332, (real)0.00113092374825179618777};
    #define TWO_PI ((real)6.28318530717958647693)
    #define ONE_OVER_TWO_PI ((real)0.159154943091895335769)
    """
    const int EXP_TERMS, LOG_TERMS, SINE_TERMS
    const real EXP_LOWEST, EXP_HIGHEST, LOG2_HIGH, LOG2_LOW, ONE_OVER_LOG2
    const real EXP_SERIES[13]
    const real SINE_SERIES[11]
    const real TWO_PI, ONE_OVER_TWO_PI


cdef inline vec reduce_exponent(vec x, vec* n) noexcept nogil:
    """The r of x = n log 2 + r; x is first brought into the range in which exp is a number."""
    x = where_less(x, broadcast(EXP_LOWEST), broadcast(EXP_LOWEST), x)
    x = where_less(broadcast(EXP_HIGHEST), x, broadcast(EXP_HIGHEST), x)
    n[0] = nearest_integer(x * broadcast(ONE_OVER_LOG2))
    x = x - n[0] * broadcast(LOG2_HIGH)
    return x - n[0] * broadcast(LOG2_LOW)


cdef inline vec expm1_series(vec r) noexcept nogil:
    """exp(r) - 1 for |r| <= log(2) / 2."""
    cdef vec series = broadcast(EXP_SERIES[EXP_TERMS - 1])
    cdef int k
    for k in range(EXP_TERMS - 1):
        series = multiply_add(series, r, broadcast(EXP_SERIES[EXP_TERMS - 2 - k]))
    return series * r


cdef inline vec c_exp(vec x) noexcept nogil:
    cdef vec n, half, r
    r = reduce_exponent(x, &n)
    half = nearest_integer(n * broadcast(<real>0.5))
    # 2^n in two factors: n itself may lie outside the exponents of normal numbers.
    return (
        (expm1_series(r) + broadcast(1)) * power_of_two(half) * power_of_two(n - half)
    )


cdef inline vec c_expm1(vec x) noexcept nogil:
    """exp(x) - 1, exact near zero, for x <= 0."""
    cdef vec n, half, r, power
    r = reduce_exponent(x, &n)
    half = nearest_integer(n * broadcast(<real>0.5))
    power = power_of_two(half) * power_of_two(n - half)
    return multiply_add(power, expm1_series(r), power - broadcast(1))


cdef inline vec c_log(vec x) noexcept nogil:
    """log x of a normal x > 0; of less it is the log of the smallest normal number."""
    cdef vec m, exponent, s, s2, series
    cdef int k
    exponent = split_exponent(maximum(x, broadcast(REAL_TINY)), &m)
    s = (m - broadcast(1)) / (m + broadcast(1))
    s2 = s * s
    series = broadcast(<real>1.0 / (2 * LOG_TERMS + 1))
    for k in range(LOG_TERMS):
        series = multiply_add(series, s2, broadcast(<real>1.0 / (2 * (LOG_TERMS - k) - 1)))
    series = multiply_add(series, s + s, exponent * broadcast(LOG2_LOW))
    series = multiply_add(exponent, broadcast(LOG2_HIGH), series)
    # infinity and NaN have no exponent to split: they stay as they are
    return where_less_equal(x, broadcast(REAL_HUGE), series, x + x)


cdef inline vec c_log_1p(vec x) noexcept nogil:
    """log(1 + x) for 0 <= x <= 1, exact near zero: log(u) x / (u - 1) corrects the rounding of 1 + x (Kahan)."""
    cdef vec u = broadcast(1) + x
    cdef vec lost = u - broadcast(1)
    return where_equal(lost, broadcast(0), x, c_log(u) * (x / lost))


cdef inline vec c_sigmoid(vec x) noexcept nogil:
    """1 / (1 + exp(-x)), by the exponential that cannot overflow."""
    cdef vec e = c_exp(-absolute(x))
    return where_less(x, broadcast(0), e, broadcast(1)) / (broadcast(1) + e)


cdef inline vec c_tanh(vec x) noexcept nogil:
    """-t / (t + 2) with t = expm1(-2 |x|), and the sign of x."""
    cdef vec t = c_expm1(absolute(x) * broadcast(-2))
    return copy_sign(-t / (t + broadcast(2)), x)


cdef inline vec part_of_turn(vec w, vec x, vec phase) noexcept nogil:
    """The angle 2 pi w x + phase in turns, less the whole ones: from -1/2 to 1/2; NaN where it is not finite.

    Those of w x are taken off before it is rounded, where the target fuses: so a large x costs no digits.
    """
    cdef vec u = multiply_add(w, x, -nearest_integer(w * x))
    u = multiply_add(phase, broadcast(ONE_OVER_TWO_PI), u)
    return u - nearest_integer(u)


cdef inline vec sine_of_quarter(vec u) noexcept nogil:
    """sin(2 pi u) for |u| <= 1/4."""
    cdef vec square = u * u, series = broadcast(SINE_SERIES[SINE_TERMS - 1])
    cdef int k
    for k in range(SINE_TERMS - 1):
        series = multiply_add(series, square, broadcast(SINE_SERIES[SINE_TERMS - 2 - k]))
    return series * u


cdef inline vec sine_of_turn(vec u) noexcept nogil:
    """sin(2 pi u) for |u| <= 1/2."""
    cdef vec near = absolute(u), rest = broadcast(<real>0.5) - near
    return sine_of_quarter(copy_sign(where_less(rest, near, rest, near), u))


cdef inline vec cosine_of_turn(vec u) noexcept nogil:
    """cos(2 pi u) for |u| <= 1/2."""
    return sine_of_quarter(broadcast(<real>0.25) - absolute(u))


cdef inline real lane_sum(vec v) noexcept nogil:
    """Sum of the lanes, by halves: a fixed order."""
    cdef int width = 1
    while width < LANES:
        v = interleave_low(v, v) + interleave_high(v, v)
        width *= 2
    return first_lane(v)


cdef inline void lane_sums(vec a, vec b, real* sum_a, real* sum_b) noexcept nogil:
    """Both sums at the cost of one: a's lanes and b's are interleaved first, b's end in the middle."""
    cdef int width = 2
    cdef vec v = interleave_low(a, b) + interleave_high(a, b)
    while width < LANES:
        v = interleave_low(v, v) + interleave_high(v, v)
        width *= 2
    sum_a[0] = first_lane(v)
    sum_b[0] = middle_lane(v)


cdef inline real lane_maximum(vec v) noexcept nogil:
    cdef int width = 1
    while width < LANES:
        v = maximum(interleave_low(v, v), interleave_high(v, v))
        width *= 2
    return first_lane(v)
