/* blas.c - products of the backward pass of adapters, on OpenBLAS. See blas.h. */
#include "tensor/blas.h"

#include <cblas.h>

/* C(i, j) = sum over x of A(i, x) B(x, j) */
void blas_nn(struct cmatrix a, struct cmatrix b, struct matrix c, bool add)
{
	assert(a.rows == c.rows && a.cols == b.rows && b.cols == c.cols);
	assert(a.ld >= a.cols && b.ld >= b.cols && c.ld >= c.cols);
	assert(a.p != c.p && b.p != c.p);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)c.rows, (blasint)c.cols,
		    (blasint)a.cols, 1.0f, a.p, (blasint)a.ld, b.p, (blasint)b.ld,
		    add ? 1.0f : 0.0f, c.p, (blasint)c.ld);
}

const char *blas_start(void)
{
	openblas_set_num_threads(1);
	return openblas_get_corename();
}
