/*
 * blas.h - products of the backward pass, which a user may give to OpenBLAS (--blas openblas). The
 * only place that knows it.
 *
 * OpenBLAS's bits depend on the processor and on the shape of a call, so callers cut their work
 * into blocks of shapes that do not depend on the number of threads. OpenBLAS itself is held to one
 * thread; threads of ours may call these at the same time on different C.
 *
 * It is loaded where it is asked for and nowhere else, and told of its one thread before that:
 * linked to a tool, it would start a thread for each processor before main, with memory for each,
 * and where that memory is not there the process would wait at its end for threads that never
 * began.
 */
#ifndef TENSOR_BLAS_H
#define TENSOR_BLAS_H

#include "base/err.h"
#include "tensor/matrix.h"

/* Loads it, unless it is there; before threads of ours call these. ST_SYSTEM when it cannot be. */
int blas_start(struct reason *why);
const char *blas_core(void); /* name of the kernels in use; "none": it is not loaded */
/* C = A B, how: GEMM_*, as gemm_rows does it, with the same room behind rows; once it is loaded, by
 * OpenBLAS. */
void blas_gemm(int how, struct cmatrix a, struct cmatrix b, struct matrix c);

#endif
