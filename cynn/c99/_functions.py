"""The functions that a file of C contains, where it calls them.

REAL stands for float or double, and functions of ``math.h`` and numbers are those of double: where
the file is of float, they are written as those of float.
"""

FUNCTIONS = {
    "copy": """\
static void copy(const REAL *x, REAL *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i];
}""",
    "begin": """\
/* The input, of more digits than float has, brought to size. */
static void begin(const double *x, REAL *y, int n, const double *scale, const double *offset)
{
    for (int i = 0; i < n; i++)
        y[i] = (REAL)(scale[i] * x[i] + offset[i]);
}""",
    "dense": """\
/* y = x W + b, for so many rows; W has a line of m numbers for each of the n of a row. */
static void dense(const REAL *x, int rows, int n, const REAL *w, const REAL *b, REAL *y, int m)
{
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < m; j++)
            y[r * m + j] = b ? b[j] : 0;
        for (int i = 0; i < n; i++) {
            const REAL v = x[r * n + i];
            for (int j = 0; j < m; j++)
                y[r * m + j] += v * w[i * m + j];
        }
    }
}""",
    "rescale": """\
static void rescale(REAL *x, int n, REAL scale, REAL offset)
{
    for (int i = 0; i < n; i++)
        x[i] = scale * x[i] + offset;
}""",
    "columns": """\
/* x = (x - mean) scale + shift, each column of each row. */
static void columns(
    REAL *x, int rows, int n, const REAL *mean, const REAL *scale, const REAL *shift)
{
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++) {
            REAL v = x[r * n + i];
            v = mean ? v - mean[i] : v;
            v = v * scale[i];
            x[r * n + i] = shift ? v + shift[i] : v;
        }
}""",
    "layer_norm": """\
static void layer_norm(REAL *x, int rows, int n, const REAL *gamma, const REAL *beta, REAL epsilon)
{
    for (int r = 0; r < rows; r++) {
        REAL *row = x + r * n;
        REAL mean = 0, variance = 0, scale;
        for (int i = 0; i < n; i++)
            mean += row[i];
        mean /= n;
        for (int i = 0; i < n; i++)
            variance += (row[i] - mean) * (row[i] - mean);
        scale = 1 / sqrt(variance / n + epsilon);
        for (int i = 0; i < n; i++)
            row[i] = gamma[i] * ((row[i] - mean) * scale) + beta[i];
    }
}""",
    "softmax": """\
static void softmax(REAL *x, int rows, int n)
{
    for (int r = 0; r < rows; r++) {
        REAL *row = x + r * n;
        REAL most = row[0], sum = 0;
        for (int i = 1; i < n; i++)
            most = row[i] > most ? row[i] : most;
        for (int i = 0; i < n; i++) {
            row[i] = exp(row[i] - most);
            sum += row[i];
        }
        for (int i = 0; i < n; i++)
            row[i] /= sum;
    }
}""",
    "clip": """\
static void clip(REAL *x, int rows, int n, const REAL *low, const REAL *high)
{
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++) {
            REAL *v = x + r * n + i;
            if (low && *v < low[i])
                *v = low[i];
            if (high && *v > high[i])
                *v = high[i];
        }
}""",
    "add": """\
static void add(const REAL *x, REAL *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] += x[i];
}""",
    "parametric": """\
/* y = x + a (y - x), y being f(x). */
static void parametric(const REAL *x, REAL *y, int rows, int n, const REAL *a)
{
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            y[r * n + i] = x[r * n + i] + a[i] * (y[r * n + i] - x[r * n + i]);
}""",
    "take": """\
static void take(const REAL *x, int rows, int n, const int *columns, REAL *y, int m, int count)
{
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < count; i++)
            y[r * m + i] = x[r * n + columns[i]];
}""",
    "embedding": """\
/* The row of a table that a number names; zeros where it names none. */
static void embedding(
    const REAL *x, int rows, int n, int column, const REAL *table, int size, int units,
    REAL *y, int m)
{
    for (int r = 0; r < rows; r++) {
        const REAL v = rint(x[r * n + column]);
        const int known = v >= 0 && v < size;
        for (int u = 0; u < units; u++)
            y[r * m + u] = known ? table[(int)v * units + u] : 0;
    }
}""",
    "periodic": """\
/* y = b + sum of W cos(2 pi w x + phase); without a phase sines follow the cosines. */
static void periodic(
    const REAL *x, int rows, int n, int column, const REAL *w, const REAL *phase, int count,
    const REAL *map, const REAL *b, int units, REAL *y, int m)
{
    for (int r = 0; r < rows; r++) {
        for (int u = 0; u < units; u++)
            y[r * m + u] = b[u];
        for (int k = 0; k < count; k++) {
            const REAL turns = w[k] * x[r * n + column];
            const REAL angle = 6.283185307179586 * turns + (phase ? phase[k] : 0);
            const REAL wave = cos(angle), other = phase ? 0 : sin(angle);
            for (int u = 0; u < units; u++) {
                y[r * m + u] += wave * map[k * units + u];
                if (!phase)
                    y[r * m + u] += other * map[(count + k) * units + u];
            }
        }
    }
}""",
    "piecewise": """\
/* y = b + sum of W times how much of each bin lies below x. */
static void piecewise(
    const REAL *x, int rows, int n, int column, const REAL *edges, int bins, const REAL *w,
    const REAL *b, int units, REAL *y, int m)
{
    for (int r = 0; r < rows; r++) {
        for (int u = 0; u < units; u++)
            y[r * m + u] = b ? b[u] : 0;
        for (int t = 0; t < bins; t++) {
            REAL part = (x[r * n + column] - edges[t]) / (edges[t + 1] - edges[t]);
            if (part < 0 && t > 0)
                part = 0;
            if (part > 1 && t < bins - 1)
                part = 1;
            for (int u = 0; u < units; u++)
                y[r * m + u] += part * w[t * units + u];
        }
    }
}""",
    "linear": """\
/* y = y + a x + b, all units of a column. */
static void linear(
    const REAL *x, int rows, int n, int column, const REAL *a, const REAL *b, int units,
    REAL *y, int m)
{
    for (int r = 0; r < rows; r++)
        for (int u = 0; u < units; u++)
            y[r * m + u] += a[u] * x[r * n + column] + b[u];
}""",
    "cut": """\
static void cut(REAL *x, int rows, int n, int first)
{
    for (int r = 0; r < rows; r++)
        for (int i = first; i < n; i++)
            x[r * n + i] = x[r * n + i] < 0 ? 0 : x[r * n + i];
}""",
    "members": """\
/* A row becomes k, each times its own factors. */
static void members(const REAL *x, int n, const REAL *scale, REAL *y, int k)
{
    for (int m = 0; m < k; m++)
        for (int i = 0; i < n; i++)
            y[m * n + i] = scale[m * n + i] * x[i];
}""",
    "affine": """\
static void affine(REAL *x, int n, const REAL *scale, const REAL *shift)
{
    for (int i = 0; i < n; i++) {
        x[i] = scale ? scale[i] * x[i] : x[i];
        x[i] = shift ? x[i] + shift[i] : x[i];
    }
}""",
    "heads": """\
/* The product of each member's row with its own matrix, of a line for each output. */
static void heads(const REAL *x, int k, int n, const REAL *w, REAL *y, int units)
{
    for (int m = 0; m < k; m++)
        for (int u = 0; u < units; u++) {
            REAL sum = 0;
            for (int i = 0; i < n; i++)
                sum += w[(m * units + u) * n + i] * x[m * n + i];
            y[m * units + u] = sum;
        }
}""",
    "mean": """\
static void mean(const REAL *x, int k, int n, REAL *y)
{
    for (int i = 0; i < n; i++) {
        REAL sum = 0;
        for (int m = 0; m < k; m++)
            sum += x[m * n + i];
        y[i] = sum / k;
    }
}""",
}
"""By name."""
