/* A network of cynn 0.1.0, (4,) to (3,):
 *   Dense(8, 'relu')
 *   Dense(3, 'softmax')
 */
#ifndef IRIS_H
#define IRIS_H

#define IRIS_INPUTS 4
#define IRIS_OUTPUTS 3

#ifdef __cplusplus
extern "C" {
#endif

/* Predict one row x, IRIS_INPUTS numbers, to IRIS_OUTPUTS numbers y. */
void iris_predict(const float *x, float *y);

/* Predict n rows, one after the other in both arrays. */
void iris_predict_rows(int n, const float *x, float *y);

#ifdef __cplusplus
}
#endif
#endif
