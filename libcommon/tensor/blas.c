/* blas.c - products of the backward pass, on OpenBLAS where that is asked for. See blas.h. */
#include "tensor/blas.h"
#include "base/mem.h"
#include "base/par.h"
#include "tensor/gemm.h"

#include <cblas.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Bytes of address space for the library, and for a buffer of each thread that calls it, which is
 * that on processors with AVX-512 and less on others */
enum { LIBRARY = 64 << 20, BUFFER = 136 << 20 };

static const char library[] = "libopenblas.so.0", threads[] = "OPENBLAS_NUM_THREADS";

static void (*sgemm)(OPENBLAS_CONST enum CBLAS_ORDER order, OPENBLAS_CONST enum CBLAS_TRANSPOSE,
		     OPENBLAS_CONST enum CBLAS_TRANSPOSE, OPENBLAS_CONST blasint m,
		     OPENBLAS_CONST blasint n, OPENBLAS_CONST blasint k, OPENBLAS_CONST float alpha,
		     OPENBLAS_CONST float *a, OPENBLAS_CONST blasint lda, OPENBLAS_CONST float *b,
		     OPENBLAS_CONST blasint ldb, OPENBLAS_CONST float beta, float *c,
		     OPENBLAS_CONST blasint ldc);
static char *(*corename)(void);

/* Into *to, a pointer to a function */
static bool symbol(void *lib, const char *name, void *to)
{
	void *p = dlsym(lib, name);

	memcpy(to, &p, sizeof p);
	return p != NULL;
}

/* Where it gets no room for its buffers it asks again for ever. */
static int check_room(struct reason *why)
{
	size_t n = LIBRARY + (size_t)par_threads() * BUFFER;
	void *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return fail(
			why, ST_SYSTEM,
			"OpenBLAS wants %zu MB of address space for %d threads (ulimit -v; fewer "
			"threads want less)",
			n >> 20, par_threads());
	munmap(p, n);
	return 0;
}

int blas_start(struct reason *why)
{
	const char *was = getenv(threads);
	char *before; /* what programs that we start are to find */
	void *lib;

	if (sgemm)
		return 0;
	if (check_room(why))
		return ST_SYSTEM;
	before = was ? xstrdup(was) : NULL;
	setenv(threads, "1", 1);
	lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (before)
		setenv(threads, before, 1);
	else
		unsetenv(threads);
	free(before);
	if (!lib || !symbol(lib, "openblas_get_corename", &corename) ||
	    !symbol(lib, "cblas_sgemm", &sgemm))
		return fail(why, ST_SYSTEM, "%s: %s", library, dlerror());
	return 0;
}

const char *blas_core(void)
{
	return corename ? corename() : "none";
}

/* C(i, j) = sum over x of A(i, x) B(x, j) */
void blas_gemm(int how, struct cmatrix a, struct cmatrix b, struct matrix c)
{
	bool across = how & GEMM_TRANSPOSED;

	if (!sgemm) {
		gemm_rows(how, a, b, c);
		return;
	}
	assert(!(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	assert((across ? a.cols : a.rows) == c.rows && (across ? a.rows : a.cols) == b.rows);
	assert(b.cols == c.cols && a.p != c.p && b.p != c.p);
	sgemm(CblasRowMajor, across ? CblasTrans : CblasNoTrans, CblasNoTrans, (blasint)c.rows,
	      (blasint)c.cols, (blasint)b.rows, 1.0f, a.p, (blasint)a.ld, b.p, (blasint)b.ld,
	      how & GEMM_ADD ? 1.0f : 0.0f, c.p, (blasint)c.ld);
}
