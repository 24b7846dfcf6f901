/*
 * blas.h - products of the backward pass of adapters, on OpenBLAS. The only place that knows it.
 *
 * OpenBLAS's bits depend on the shape of a call, so callers cut their work into blocks of shapes
 * that do not depend on the number of threads. OpenBLAS itself is held to one thread; threads of
 * ours may call these at the same time on different C.
 */
#ifndef TENSOR_BLAS_H
#define TENSOR_BLAS_H

#include "tensor/matrix.h"

#include <stdbool.h>

/* C(m, n) = A(m, k) B(k, n), or += with add. */
void blas_nn(struct cmatrix a, struct cmatrix b, struct matrix c, bool add);
/* Once from main, before threads of our own. Returns the name of the kernels in use. */
const char *blas_start(void);

#endif
