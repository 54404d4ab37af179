/* A network of cynn 0.1.0, (4,) to (3,):
 *   Dense(8, 'relu')
 *   Dense(3, 'softmax')
 */

#include <math.h>
#include "iris.h"

/* 4 x 8 */
static const float net0_layer0_weight[32] = {
    0.33548626f, -0.56390506f, -1.1243806f, -1.1842606f, 0.7673522f, 1.0110406f, 0.26120323f,
    0.56214947f, 0.10685897f, 1.0657054f, 0.77368003f, -1.2180369f, 0.8754581f, -1.1424774f,
    0.5625387f, -0.79447824f, 0.889603f, 0.101558834f, -0.49060366f, -0.18937686f, -1.1553761f,
    -0.92031425f, 0.41794276f, 0.3605392f, 0.28263465f, -0.28493065f, 1.2179106f, 1.1778013f,
    0.45448318f, 0.36854845f, 0.46159834f, -0.27208585f
};

/* 8 */
static const float net0_layer0_bias[8] = {
    0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f
};

/* 8 x 3 */
static const float net0_layer1_weight[24] = {
    -0.5389982f, 0.32715997f, 0.037450816f, -0.28029132f, -0.020922562f, 0.57531166f,
    0.6411248f, -0.21005042f, 0.105656564f, -0.26311636f, 0.13929038f, -0.23942098f,
    -0.16008934f, 0.5764734f, -0.40301496f, 0.18195947f, -0.61445004f, 0.49134797f, 0.4240723f,
    -0.38497683f, 0.55610406f, -0.6520382f, -0.24207115f, -0.51657146f
};

/* 3 */
static const float net0_layer1_bias[3] = {
    0.0f, 0.0f, 0.0f
};

/* y = x W + b, for so many rows; W has a line of m numbers for each of the n of a row. */
static void dense(const float *x, int rows, int n, const float *w, const float *b, float *y, int m)
{
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < m; j++)
            y[r * m + j] = b ? b[j] : 0;
        for (int i = 0; i < n; i++) {
            const float v = x[r * n + i];
            for (int j = 0; j < m; j++)
                y[r * m + j] += v * w[i * m + j];
        }
    }
}

static void apply_relu(float *x, int n)
{
    for (int i = 0; i < n; i++) {
        const float v = x[i];
        x[i] = v < 0 ? 0 : v;
    }
}

static void softmax(float *x, int rows, int n)
{
    for (int r = 0; r < rows; r++) {
        float *row = x + r * n;
        float most = row[0], sum = 0;
        for (int i = 1; i < n; i++)
            most = row[i] > most ? row[i] : most;
        for (int i = 0; i < n; i++) {
            row[i] = expf(row[i] - most);
            sum += row[i];
        }
        for (int i = 0; i < n; i++)
            row[i] /= sum;
    }
}

static void copy(const float *x, float *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i];
}

static void net0(const float *x, float *y)
{
    float a[8];
    float b[3];
    /* Dense(8, 'relu') */
    dense(x, 1, 4, net0_layer0_weight, net0_layer0_bias, a, 8);
    apply_relu(a, 8);
    /* Dense(3, 'softmax') */
    dense(a, 1, 8, net0_layer1_weight, net0_layer1_bias, b, 3);
    softmax(b, 1, 3);
    copy(b, y, 3);
}

static void network(const float *x, float *y)
{
    net0(x, y);
}

void iris_predict(const float *x, float *y)
{
    network(x, y);
}

void iris_predict_rows(int n, const float *x, float *y)
{
    for (int i = 0; i < n; i++)
        iris_predict(x + (long)i * 4, y + (long)i * 3);
}
