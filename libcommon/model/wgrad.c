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
enum { WGRAD_TOKENS = 1024 };             /* of a product in bf16: whole blocks */
enum { WGRAD_PACKED = 256 * 1024 };       /* numbers of dy' that a job packs at most */

static size_t blocks_of(size_t total, size_t n)
{
	return (total + n - 1) / n;
}

struct wgrad_jobs {
	const struct wgrad_room *room;
	const struct wgrad *w;
	size_t n, first[WGRAD_MOST]; /* first job of each w */
	size_t from, T;              /* tokens that are added now */
	uint32_t *x[WGRAD_MOST];     /* their x as panels of pairs, in bf16 */
};

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Tokens of a product in bf16, as they are packed */
static size_t packed_tokens(size_t T)
{
	return (min2(T, WGRAD_TOKENS) + BF16_BLOCK - 1) / BF16_BLOCK * BF16_BLOCK;
}

static size_t wgrad_rows(const struct wgrad_jobs *j, const struct wgrad *w)
{
	size_t n = ((w->dy.cols + 3) / 4 + 31) / 32 * 32, most = WGRAD_MAX;

	if (j->room->shared)
		most = min2(most, WGRAD_PACKED / packed_tokens(w->dy.rows) / 32 * 32);
	return n < WGRAD_MIN ? WGRAD_MIN : min2(n, most);
}

size_t wgrad_scratch(const struct model *m, size_t T)
{
	return m->how & MODEL_BF16 ? min2(WGRAD_MAX * packed_tokens(T), WGRAD_PACKED) : 0;
}

size_t wgrad_shared(const struct model *m, size_t T)
{
	size_t tokens = min2(T, WGRAD_TOKENS), most = 0;
	size_t lora = m->lora ? LORA_SHARE * gemm_pair_words((size_t)m->lora->r, tokens) : 0;

	if (!(m->how & MODEL_BF16))
		return 0;
	for (size_t l = 0; l < (size_t)m->cfg.layers; l++) {
		const struct layer *w = &m->layer[l];
		size_t n = gemm_pair_words(w->gu.k, tokens) + gemm_pair_words(w->down.k, tokens) +
			   gemm_pair_words(w->o.k, tokens);

		most = n > most ? n : most;
	}
	return most + lora;
}

/* Rows of dy or x from t on, n of its columns from `from` on */
static struct cmatrix part(struct cmatrix a, size_t t, size_t T, size_t from, size_t n)
{
	return matrix_in(a.p + t * a.ld + from, T, n, a.ld);
}

enum { WGRAD_COLUMNS = 8 * PANEL }; /* of x that one job packs */

/* Some columns of one x */
static void job_pack(void *ctx, size_t i, int thread)
{
	const struct wgrad_jobs *j = ctx;
	size_t x = 0, jobs, from, n;

	(void)thread;
	while (i >= (jobs = blocks_of(j->w[x].x.cols, WGRAD_COLUMNS))) {
		i -= jobs;
		x++;
	}
	from = i * WGRAD_COLUMNS;
	n = min2(j->w[x].x.cols - from, WGRAD_COLUMNS);
	gemm_pair_columns(j->x[x] + gemm_pair_words(from, j->T),
			  part(j->w[x].x, j->from, j->T, from, n));
}

/* n rows of gradient x from the one at `from` on, in bf16: dy' of as many tokens as a product likes
 * is packed beside x of all */
static void wgrad_bf16(const struct wgrad_jobs *j, size_t x, size_t from, size_t n, int thread)
{
	const struct wgrad *w = &j->w[x];
	size_t k = w->x.cols;
	uint32_t *dy = (uint32_t *)(j->room->scratch + (size_t)thread * j->room->per_thread);
	struct panels b = gemm_pair_view(j->x[x], j->T);

	for (size_t t = 0, T; t < j->T; t += T, b.pairs += T / 2 * b.ld) {
		T = min2(j->T - t, bf16_depth());
		bf16_columns(dy, part(w->dy, j->from + t, T, from, n));
		bf16_gemm(GEMM_ADD | GEMM_TRANSPOSED, dy, T, b,
			  matrix_of(w->out + from * k, n, k, k));
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
	per = wgrad_rows(j, w);
	from = (i - j->first[x]) * per;
	n = min2(w->dy.cols - from, per);
	if (j->room->shared)
		wgrad_bf16(j, x, from, n, thread);
	else
		blas_gemm(GEMM_ADD | GEMM_TRANSPOSED, part(w->dy, 0, w->dy.rows, from, n), w->x,
			  matrix_of(w->out + from * k, n, k, k));
	for (size_t t = j->from; w->bias && t < j->from + j->T; t++)
		layers_add_row(w->bias + from, w->dy.p + t * w->dy.ld + from, n);
}

void wgrad_all(const struct wgrad *w, size_t n, const struct wgrad_room *room)
{
	struct wgrad_jobs j = {.room = room, .w = w, .n = n};
	size_t jobs = 0, packs = 0, T = w->dy.rows, step = room->shared ? WGRAD_TOKENS : T;

	assert(n >= 1 && n <= WGRAD_MOST);
	for (size_t x = 0; x < n; x++) {
		assert(w[x].out && w[x].dy.rows == T && w[x].x.rows == T);
		assert(w[x].dy.ld >= w[x].dy.cols && w[x].x.ld >= w[x].x.cols);
		j.first[x] = jobs;
		jobs += blocks_of(w[x].dy.cols, wgrad_rows(&j, &w[x]));
		packs += blocks_of(w[x].x.cols, WGRAD_COLUMNS);
	}
	for (; j.from < T; j.from += step) {
		uint32_t *at = room->shared;

		j.T = min2(T - j.from, step);
		for (size_t x = 0; at && x < n; x++) {
			j.x[x] = at;
			at += gemm_pair_words(w[x].x.cols, j.T);
		}
		if (at)
			par_for(packs, job_pack, &j);
		par_for(jobs, job_wgrad, &j);
	}
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
