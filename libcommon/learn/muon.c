/* muon.c - Muon's step of a matrix. See muon.h. */
#include "learn/muon.h"
#include "base/mem.h"
#include "base/par.h"
#include "tensor/gemm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 48, ROUNDS = 5 }; /* rows that one job computes: of whole panels and of GEMM_MR */
static const float KA = 3.4445F, KB = -4.7750F, KC = 2.0315F;

bool muon_takes(const struct weight *w)
{
	return w->rank == 2 && strcmp(w->name, "model.embed_tokens.weight") != 0 &&
	       strcmp(w->name, "lm_head.weight") != 0;
}

static struct muon_part part_of(const struct weight *w, size_t from, size_t to)
{
	size_t cols = (size_t)w->shape[1], at = w->offset + from * cols;

	return (struct muon_part){
		.offset = at, .rows = to - from, .cols = cols, .at = at, .decay = w->decay};
}

size_t muon_parts(const struct weight *w, struct muon_part part[3])
{
	size_t from = 0, n = 0;

	assert(w->rank == 2);
	for (int i = 0; i < 2 && w->cut[i]; i++) {
		size_t to = (size_t)w->cut[i];

		part[n++] = part_of(w, from, to);
		from = to;
	}
	part[n++] = part_of(w, from, (size_t)w->shape[0]);
	return n;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Rows are read to the end of their last panel. */
void muon_fit(struct muon *s, const struct muon_part *part)
{
	size_t r = part->rows < part->cols ? part->rows : part->cols;
	size_t c = larger(part->rows, part->cols);

	assert(!s->x && r >= 1);
	s->n_x = larger(s->n_x, r * c + PANEL);
	s->n_a = larger(s->n_a, r * r + PANEL);
	s->n_pack = larger(s->n_pack, gemm_pack_floats(r, c));
}

size_t muon_bytes(const struct muon *s)
{
	return (2 * s->n_x + 2 * s->n_a + s->n_pack) * sizeof(float);
}

void muon_open(struct muon *s)
{
	s->x = big_alloc(s->n_x * sizeof(float));
	s->y = big_alloc(s->n_x * sizeof(float));
	s->a = big_alloc(s->n_a * sizeof(float));
	s->b = big_alloc(s->n_a * sizeof(float));
	s->pack = big_alloc(s->n_pack * sizeof(float));
}

void muon_free(struct muon *s)
{
	big_free(s->x, s->n_x * sizeof(float));
	big_free(s->y, s->n_x * sizeof(float));
	big_free(s->a, s->n_a * sizeof(float));
	big_free(s->b, s->n_a * sizeof(float));
	big_free(s->pack, s->n_pack * sizeof(float));
	*s = (struct muon){0};
}

/* ---- the iteration: each job computes some rows ---- */

struct work {
	struct muon *s;
	size_t r, c;     /* X is (r, c), r <= c */
	const float *in; /* of a product with itself, in * in': (r, k) */
	float *out;      /* (r, r) */
	size_t k;
	/* the step's begin and end */
	const struct muon_part *part;
	const struct moments *u;
	float by; /* lr times Moonlight's factor */
};

static size_t rows_of(size_t rows, size_t job)
{
	return rows - job * CHUNK < CHUNK ? rows - job * CHUNK : CHUNK;
}

static void each_chunk(size_t rows, void (*job)(void *, size_t, int), struct work *w)
{
	par_for((rows + CHUNK - 1) / CHUNK, job, w);
}

static void pack_in(void *ctx, size_t job, int thread)
{
	const struct work *w = ctx;
	size_t at = job * CHUNK * w->k;

	(void)thread;
	gemm_pack_rows(w->s->pack + at, w->in + at, rows_of(w->r, job), w->k);
}

static void square_rows(void *ctx, size_t job, int thread)
{
	const struct work *w = ctx;
	size_t first = job * CHUNK, n = rows_of(w->r, job);

	(void)thread;
	gemm(0, matrix_in(w->in + first * w->k, n, w->k, w->k), gemm_packed_view(w->s->pack, w->k),
	     matrix_of(w->out + first * w->r, n, w->r, w->r));
}

/* out = in in' */
static void square(struct work *w, const float *in, size_t k, float *out)
{
	w->in = in;
	w->k = k;
	w->out = out;
	each_chunk(w->r, pack_in, w);
	each_chunk(w->r, square_rows, w);
}

/* y = KA x + (KB a + KC b) x, b = a a */
static void next_rows(void *ctx, size_t job, int thread)
{
	const struct work *w = ctx;
	struct muon *s = w->s;
	size_t first = job * CHUNK, n = rows_of(w->r, job), r = w->r, c = w->c;

	(void)thread;
	for (size_t i = first * r; i < (first + n) * r; i++)
		s->b[i] = KB * s->a[i] + KC * s->b[i];
	for (size_t i = first * c; i < (first + n) * c; i++)
		s->y[i] = KA * s->x[i];
	gemm_rows(GEMM_ADD, matrix_in(s->b + first * r, n, r, r), matrix_in(s->x, r, c, c),
		  matrix_of(s->y + first * c, n, c, c));
}

static void newton_schulz(struct work *w)
{
	struct muon *s = w->s;

	for (int i = 0; i < ROUNDS; i++) {
		float *x = s->x;

		square(w, s->x, w->c, s->a);
		square(w, s->a, w->r, s->b); /* A is symmetric, to the bit */
		each_chunk(w->r, next_rows, w);
		s->x = s->y;
		s->y = x;
	}
}

/* ---- the step ---- */

/* Place in X of element (i, j) of the matrix */
static size_t place(const struct muon_part *p, size_t i, size_t j)
{
	return p->rows > p->cols ? j * p->rows + i : i * p->cols + j;
}

static void momentum_rows(void *ctx, size_t job, int thread)
{
	const struct work *w = ctx;
	const struct muon_part *p = w->part;
	size_t first = job * CHUNK, n = rows_of(p->rows, job);
	float b = w->u->b1;

	(void)thread;
	for (size_t i = first; i < first + n; i++) {
		const float *grad = w->u->grads + p->at + i * p->cols;
		float *m = w->u->m + p->at + i * p->cols;

		for (size_t j = 0; j < p->cols; j++) {
			float g = (1 - b) * (grad[j] * w->u->scale);

			m[j] = b * m[j] + g;
			w->s->x[place(p, i, j)] = g + b * m[j];
		}
	}
}

static void apply_rows(void *ctx, size_t job, int thread)
{
	const struct work *w = ctx;
	const struct muon_part *p = w->part;
	size_t first = job * CHUNK, n = rows_of(p->rows, job);
	float lr_decay = p->decay ? w->u->lr_decay : 0;

	(void)thread;
	for (size_t i = first; i < first + n; i++) {
		float *at = w->u->p + p->offset + i * p->cols;

		for (size_t j = 0; j < p->cols; j++)
			at[j] -= w->by * w->s->x[place(p, i, j)] + lr_decay * at[j];
	}
}

/* X / (|X| + 1e-7) */
static void normalise(struct muon *s, size_t n)
{
	float by = (float)(1 / (sqrt(moments_square(s->x, n)) + 1e-7));

	for (size_t i = 0; i < n; i++)
		s->x[i] *= by;
}

void muon_step(struct muon *s, const struct muon_part *part, const struct moments *u)
{
	size_t c = larger(part->rows, part->cols), n = part->rows * part->cols;
	struct work w = {.s = s,
			 .r = n / c,
			 .c = c,
			 .part = part,
			 .u = u,
			 .by = u->step * (float)(0.2 * sqrt((double)c))};

	assert(s->x && n + PANEL <= s->n_x);
	each_chunk(part->rows, momentum_rows, &w);
	normalise(s, n);
	newton_schulz(&w);
	each_chunk(part->rows, apply_rows, &w);
}
