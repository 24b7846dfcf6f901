/* blas.c - products of the backward pass of adapters, on OpenBLAS. See blas.h. */
#include "tensor/blas.h"

#include <cblas.h>

void blas_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	     float *c, size_t ldc, bool add)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k,
		    1.0f, a, (blasint)lda, b, (blasint)ldb, add ? 1.0f : 0.0f, c, (blasint)ldc);
}

const char *blas_start(void)
{
	openblas_set_num_threads(1);
	return openblas_get_corename();
}
