/* mat.c - products with a weight matrix. See mat.h. */
#include "policy/mat.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"

enum { BACK_N = 512 }; /* rows of W widened at a time: what scratch holds; a multiple of PANEL */

static size_t widest(const struct model *m)
{
	const struct config *c = &m->cfg;
	int64_t a = c->heads * c->head_dim, most = c->d > c->ffn ? c->d : c->ffn;

	return (size_t)(a > most ? a : most);
}

size_t mat_scratch(const struct model *m, size_t rows)
{
	(void)rows;
	return m->how & MODEL_FROZEN ? BACK_N * widest(m) : 0;
}

void mat_forward(const struct model *m, const struct mat *w, float *y, size_t ldy, const float *x,
		 size_t rows, bool add, float *scratch)
{
	struct panels b = m->how & MODEL_FROZEN ? pair_view(m->pairs + w->packed, w->k)
						: packed_view(m->packed + w->packed, w->k);

	(void)scratch;
	gemm(rows, w->n, w->k, x, w->k, 1, b, y, ldy, add);
}

/* Blocks of W one after the other, also where W lies in rows: so that both give the same bits. */
void mat_backward(const struct model *m, const struct mat *w, float *dx, const float *dy,
		  size_t rows, float *scratch)
{
	for (size_t j = 0; j < w->n; j += BACK_N) {
		size_t n = w->n - j < BACK_N ? w->n - j : BACK_N;
		const float *block = scratch;

		if (m->how & MODEL_FROZEN)
			unpair_rows(scratch, m->pairs + w->packed, j, n, w->k);
		else
			block = m->params + w->at + j * w->k;
		blas_nn(rows, w->k, n, dy + j, w->n, block, w->k, dx, w->k, j > 0);
	}
}
