"""The functions of tables: they compute in double, whatever the network does."""

from ..preprocessing._columns import LEAST_PROBABILITY
from ..tables._written import FAR

PROBABILITIES = (LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)

TABLE_FUNCTIONS = {
    "distance": f"""\
/* Deviations from the mean, bent towards the limit `clip`; 0: there is none. */
static double distance(double v, double mean, double std, double clip)
{{
    double z = (v - mean) / std;
    if (clip > 0) {{
        const double far = {FAR!r} * clip;
        z = z > far ? far : z < -far ? -far : z;
        z = z / sqrt(1 + z / clip * (z / clip));
    }}
    return z;
}}""",
    "quotient": """\
static double quotient(double r, const double *top, const double *bottom)
{
    double above = top[0], below = bottom[0];
    for (int i = 1; i < 8; i++) {
        above = above * r + top[i];
        below = below * r + bottom[i];
    }
    return above / below;
}""",
    "quantile": f"""\
/* Where the normal distribution has the probability at which v lies among quantiles in even steps:
   of equal ones the middle; by Wichura's algorithm AS 241. */
static double quantile(double v, const double *q, int count)
{{
    double p = 0, u, r;
    if (q[0] == q[count - 1])
        p = 0.5;
    else if (v >= q[count - 1])
        p = 1;
    else if (v > q[0])
        for (int strict = 0; strict < 2; strict++) {{
            int low = 0, high = count - 1; /* v is not below the one, and below the other */
            while (high - low > 1) {{
                const int middle = low + (high - low) / 2;
                if (strict ? v > q[middle] : v >= q[middle])
                    low = middle;
                else
                    high = middle;
            }}
            p += 0.5 * (low + (v - q[low]) / (q[high] - q[low])) / (count - 1);
        }}
    p = p < {PROBABILITIES[0]!r} ? {PROBABILITIES[0]!r} : p;
    p = p > {PROBABILITIES[1]!r} ? {PROBABILITIES[1]!r} : p;
    u = p - 0.5;
    if (fabs(u) <= 0.425)
        return u * quotient(0.180625 - u * u, middle_top, middle_bottom);
    r = quotient(sqrt(-log(u < 0 ? p : 1 - p)) - 1.6, tail_top, tail_bottom);
    return u < 0 ? -r : r;
}}""",
    "category": """\
/* The place of a text among some in the order of their bytes; -1: it is none of them. */
static int category(const char *text, const char *const *texts, const int *places, int count)
{
    int low = 0, high = text ? count : 0;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const unsigned char *s = (const unsigned char *)text;
        const unsigned char *t = (const unsigned char *)texts[middle];
        while (*s && *s == *t) {
            s++;
            t++;
        }
        if (*s == *t)
            return places[middle];
        if (*s < *t)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}""",
    "one_of": """\
static void one_of(int place, REAL *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = i == place;
}""",
    "ascend": """\
static void ascend(double *y, int n)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && y[j - 1] > y[j]; j--) {
            const double v = y[j];
            y[j] = y[j - 1];
            y[j - 1] = v;
        }
}""",
    "scale_linear": "static double scale_linear(double v) { return v; }",
    "scale_log": "static double scale_log(double v) { return exp(v); }",
    "scale_log1p": "static double scale_log1p(double v) { return expm1(v); }",
}
"""By name; REAL stands for what the network computes in."""
