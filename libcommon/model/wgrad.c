/* wgrad.c - gradients of weights. See wgrad.h. */
#include "model/wgrad.h"
#include "base/par.h"
#include "tensor/bf16.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"
#include "tensor/layers.h"

#include <assert.h>

enum { WGRAD_MIN = 64, WGRAD_MAX = 512 }; /* rows of a matrix that one job takes */
enum { WGRAD_MOST = 8 };                  /* gradients of one wgrad_all */
enum { WGRAD_TOKENS = 256 };              /* tokens of a product in bf16, packed in scratch */

static size_t blocks_of(size_t total, size_t n)
{
	return (total + n - 1) / n;
}

struct wgrad_jobs {
	bool bf16;
	float *scratch; /* per_thread floats for each thread */
	size_t per_thread;
	const struct wgrad *w;
	size_t n, first[WGRAD_MOST]; /* first job of each w */
};

/* In bf16 every job packs x anew: fewer jobs. */
static size_t wgrad_rows(bool bf16, const struct wgrad *w)
{
	size_t jobs = bf16 ? 2 : 4, n = (w->dy.cols + jobs - 1) / jobs;

	n = (n + 15) / 16 * 16;
	return n < WGRAD_MIN ? WGRAD_MIN : n > WGRAD_MAX ? WGRAD_MAX : n;
}

size_t wgrad_scratch(const struct model *m)
{
	size_t k = m->layer->down.k > m->layer->qkv.k ? m->layer->down.k : m->layer->qkv.k;

	if (!(m->how & MODEL_BF16))
		return 0;
	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		k = m->layer[l].o.k > k ? m->layer[l].o.k : k;
	if (m->lora && (size_t)m->lora->r > k)
		k = (size_t)m->lora->r;
	return gemm_pair_words(k, WGRAD_TOKENS) + bf16_words(WGRAD_MAX, WGRAD_TOKENS);
}

/* Rows of dy or x from t on, n of its columns from `from` on */
static struct cmatrix part(struct cmatrix a, size_t t, size_t T, size_t from, size_t n)
{
	return matrix_in(a.p + t * a.ld + from, T, n, a.ld);
}

/* n rows of w from the one at `from` on, in bf16 */
static void wgrad_bf16(const struct wgrad *w, size_t from, size_t n, float *scratch)
{
	size_t k = w->x.cols, total = w->dy.rows;
	uint32_t *x = (uint32_t *)scratch, *dy = x + gemm_pair_words(k, WGRAD_TOKENS);
	struct matrix out = matrix_of(w->out + from * k, n, k, k);

	for (size_t t = 0; t < total; t += WGRAD_TOKENS) {
		size_t T = total - t < WGRAD_TOKENS ? total - t : WGRAD_TOKENS;

		gemm_pair_columns(x, part(w->x, t, T, 0, k));
		bf16_columns(dy, part(w->dy, t, T, from, n));
		bf16_gemm(GEMM_ADD | GEMM_TRANSPOSED, dy, T, gemm_pair_view(x, T), out);
	}
}

/* out(j, x) += sum over t of dy(t, j) x(t, x), bias(j) += sum over t of dy(t, j); some rows j */
static void job_wgrad(void *ctx, size_t i, int thread)
{
	const struct wgrad_jobs *j = ctx;
	const struct wgrad *w;
	size_t x = 0, per, from, n, k;

	while (x + 1 < j->n && i >= j->first[x + 1])
		x++;
	w = &j->w[x];
	k = w->x.cols;
	per = wgrad_rows(j->bf16, w);
	from = (i - j->first[x]) * per;
	n = w->dy.cols - from < per ? w->dy.cols - from : per;
	if (j->bf16)
		wgrad_bf16(w, from, n, j->scratch + (size_t)thread * j->per_thread);
	else
		blas_gemm(GEMM_ADD | GEMM_TRANSPOSED, part(w->dy, 0, w->dy.rows, from, n), w->x,
			  matrix_of(w->out + from * k, n, k, k));
	for (size_t t = 0; w->bias && t < w->dy.rows; t++)
		layers_add_row(w->bias + from, w->dy.p + t * w->dy.ld + from, n);
}

void wgrad_all(const struct wgrad *w, size_t n, bool bf16, float *scratch, size_t per_thread)
{
	struct wgrad_jobs j = {bf16, scratch, per_thread, w, n, {0}};
	size_t total = 0;

	assert(n >= 1 && n <= WGRAD_MOST);
	assert(scratch || !bf16);
	for (size_t x = 0; x < n; x++) {
		assert(w[x].out && w[x].dy.rows == w[x].x.rows);
		assert(w[x].dy.ld >= w[x].dy.cols && w[x].x.ld >= w[x].x.cols);
		j.first[x] = total;
		total += blocks_of(w[x].dy.cols, wgrad_rows(bf16, &w[x]));
	}
	par_for(total, job_wgrad, &j);
}

enum { COLUMNS = 64 }; /* that one job takes of sums over tokens */

struct columns { /* (T, d) rows whose sums go into out */
	float *out, *bias;
	const float *dy, *x;
	const struct norm_stat *stat;
	const uint32_t *row;
	size_t T, d;
};

static size_t columns_of(const struct columns *c, size_t i, size_t *n)
{
	*n = c->d - i * COLUMNS < COLUMNS ? c->d - i * COLUMNS : COLUMNS;
	return i * COLUMNS;
}

static void job_norm_grad(void *ctx, size_t i, int thread)
{
	const struct columns *c = ctx;
	size_t n, from = columns_of(c, i, &n);

	(void)thread;
	for (size_t t = 0, at = from; t < c->T; t++, at += c->d)
		norm_weights(c->out + from, c->dy + at, c->x + at, c->stat[t], n);
	for (size_t t = 0; c->bias && t < c->T; t++)
		layers_add_row(c->bias + from, c->dy + t * c->d + from, n);
}

void wgrad_norm(float *out, float *bias, const float *dy, const float *x,
		const struct norm_stat *stat, size_t T, size_t d)
{
	struct columns c = {
		.out = out, .bias = bias, .dy = dy, .x = x, .stat = stat, .T = T, .d = d};

	assert(out && dy && x && stat && d >= 1);
	par_for(blocks_of(d, COLUMNS), job_norm_grad, &c);
}

static void job_rows_add(void *ctx, size_t i, int thread)
{
	const struct columns *c = ctx;
	size_t n, from = columns_of(c, i, &n);

	(void)thread;
	for (size_t t = 0; t < c->T; t++)
		layers_add_row(c->out + c->row[t] * c->d + from, c->dy + t * c->d + from, n);
}

void wgrad_add_rows(float *out, const uint32_t *row, const float *y, size_t n, size_t d)
{
	struct columns c = {.out = out, .dy = y, .row = row, .T = n, .d = d};

	assert(out && row && y && d >= 1);
	par_for(blocks_of(d, COLUMNS), job_rows_add, &c);
}
