/* mat.c - products with a weight matrix. See mat.h. */
#include "model/mat.h"
#include "tensor/bf16.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"

#include <assert.h>

/* Rows of W that a backward pass takes at a time, multiples of PANEL. In bf16 a block should stay
 * in the cache. */
enum { BACK_N = 512, BACK_BF16 = 256 };

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t widest(const struct model *m)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		for (int i = 0; i < MAT_LAYER; i++)
			most = max2(most, mat_of_layer(&m->layer[l], i)->k);
	return most;
}

size_t mat_scratch(const struct model *m, size_t rows)
{
	size_t k = widest(m), need = 0;

	assert(k >= 1);
	if (m->how & MODEL_FROZEN)
		need += (m->how & MODEL_BF16 ? BACK_BF16 : BACK_N) * k;
	if (m->how & MODEL_BF16) /* rows of x or dy, a block of W in pairs */
		need += bf16_words(rows, max2(k, BACK_BF16)) + gemm_pair_words(k, BACK_BF16);
	return need;
}

/* y(t, j) = sum over x of x(t, x) W(j, x) */
void mat_forward(const struct model *m, const struct mat *w, struct matrix y, const float *x,
		 bool add, float *scratch)
{
	struct cmatrix in = matrix_in(x, y.rows, w->k, w->k);
	int how = add ? GEMM_ADD : 0;
	uint32_t *a = (uint32_t *)scratch;

	assert(y.cols == w->n && y.ld >= w->n);
	if (!(m->how & MODEL_PAIRS)) {
		gemm(how, in, gemm_packed_view(m->packed + w->packed, w->k), y);
	} else if (!(m->how & MODEL_BF16)) {
		gemm(how, in, gemm_pair_view(m->pairs + w->packed, w->k), y);
	} else {
		assert(scratch);
		bf16_rows(a, in);
		bf16_gemm(how, a, w->k, gemm_pair_view(m->pairs + w->packed, w->k), y);
	}
}

/* Rows j..j + n of W in f32; scratch holds them where the model does not. */
static const float *rows_of(const struct model *m, const struct mat *w, size_t j, size_t n,
			    float *scratch)
{
	assert(j + n <= w->n);
	if (!(m->how & MODEL_FROZEN))
		return m->params + w->at + j * w->k;
	assert(scratch);
	gemm_unpair_rows(scratch, m->pairs + w->packed, j, n, w->k);
	return scratch;
}

size_t mat_transposed_blocks(const struct mat *w)
{
	return (w->n + BACK_BF16 - 1) / BACK_BF16;
}

size_t mat_transposed_words(const struct mat *w)
{
	return mat_transposed_blocks(w) * gemm_pair_words(w->k, BACK_BF16);
}

const struct mat *mat_of_layer(const struct layer *w, int i)
{
	const struct mat *const all[MAT_LAYER] = {&w->qkv, &w->o, &w->gu, &w->down};

	assert(i >= 0 && i < MAT_LAYER);
	return all[i];
}

size_t mat_layer_words(const struct model *m)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers && m->how & MODEL_BF16; l++) {
		size_t n = 0;

		for (int i = 0; i < MAT_LAYER; i++)
			n += mat_transposed_words(mat_of_layer(&m->layer[l], i));
		most = max2(most, n);
	}
	return most;
}

/* Rows of W in block i */
static size_t block_rows(const struct mat *w, size_t i)
{
	size_t left = w->n - i * BACK_BF16;

	assert(i < mat_transposed_blocks(w));
	return left < BACK_BF16 ? left : BACK_BF16;
}

/* One block, to where it is wanted */
static void transpose(const struct model *m, const struct mat *w, size_t i, uint32_t *to,
		      float *scratch)
{
	size_t n = block_rows(w, i);

	gemm_pair_columns(to, matrix_in(rows_of(m, w, i * BACK_BF16, n, scratch), n, w->k, w->k));
}

void mat_transpose(const struct model *m, const struct mat *w, uint32_t *transposed, size_t block,
		   float *scratch)
{
	assert(transposed && block < mat_transposed_blocks(w));
	transpose(m, w, block, transposed + block * gemm_pair_words(w->k, BACK_BF16), scratch);
}

static void backward_bf16(const struct model *m, const struct mat *w, const uint32_t *transposed,
			  struct matrix dx, const float *dy, float *scratch)
{
	size_t words = gemm_pair_words(w->k, BACK_BF16);
	uint32_t *a = (uint32_t *)scratch, *own = a + bf16_words(dx.rows, BACK_BF16);
	float *wide = (float *)(own + words);

	for (size_t i = 0; i < mat_transposed_blocks(w); i++) {
		size_t n = block_rows(w, i);

		bf16_rows(a, matrix_in(dy + i * BACK_BF16, dx.rows, n, w->n));
		if (!transposed)
			transpose(m, w, i, own, wide);
		bf16_gemm(i ? GEMM_ADD : 0, a, n,
			  gemm_pair_view(transposed ? transposed + i * words : own, n), dx);
	}
}

/*
 * dx(t, x) = sum over j of dy(t, j) W(j, x).
 *
 * Blocks of W one after the other, also where W lies in rows: so that a frozen model gives the same
 * bits.
 */
void mat_backward(const struct model *m, const struct mat *w, const uint32_t *transposed,
		  struct matrix dx, const float *dy, float *scratch)
{
	assert(dx.cols == w->k && dx.ld == w->k && dy);
	if (m->how & MODEL_BF16) {
		assert(scratch);
		backward_bf16(m, w, transposed, dx, dy, scratch);
		return;
	}
	for (size_t j = 0; j < w->n; j += BACK_N) {
		size_t n = w->n - j < BACK_N ? w->n - j : BACK_N;

		blas_gemm(j ? GEMM_ADD : 0, matrix_in(dy + j, dx.rows, n, w->n),
			  matrix_in(rows_of(m, w, j, n, scratch), n, w->k, w->k), dx);
	}
}
