/* lora.c - low-rank adapters. See lora.h. */
#include "model/lora.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const lora_names[LORA_TARGETS] = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
					      "gate_proj", "up_proj", "down_proj"};

/* What a model's shape makes of a target */
struct place {
	enum lora_input input;
	const char *part; /* of the layer */
	int64_t out, in, col;
};

static struct place place_of(const struct config *c, enum lora_target t)
{
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	const struct place places[LORA_TARGETS] = {
		[LORA_Q] = {LORA_IN_QKV, "self_attn", q, c->d, 0},
		[LORA_K] = {LORA_IN_QKV, "self_attn", kv, c->d, q},
		[LORA_V] = {LORA_IN_QKV, "self_attn", kv, c->d, q + kv},
		[LORA_O] = {LORA_IN_O, "self_attn", c->d, q, 0},
		[LORA_GATE] = {LORA_IN_GU, "mlp", c->ffn, c->d, 0},
		[LORA_UP] = {LORA_IN_GU, "mlp", c->ffn, c->d, c->ffn},
		[LORA_DOWN] = {LORA_IN_DOWN, "mlp", c->d, c->ffn, 0},
	};

	return places[t];
}

/* Adds a matrix to the table; returns its offset. */
static size_t add_matrix(struct lora *l, int64_t layer, const char *part, enum lora_target t,
			 const char *which, int64_t rows, int64_t cols)
{
	struct weight *w = &l->w[l->n_w++];

	*w = (struct weight){.rank = 2,
			     .shape = {rows, cols},
			     .offset = l->n_params,
			     .count = (size_t)rows * (size_t)cols,
			     .decay = true};
	snprintf(w->name, sizeof w->name, "model.layers.%lld.%s.%s.%s.weight", (long long)layer,
		 part, lora_names[t], which);
	l->n_params += w->count;
	return w->offset;
}

static size_t add_packed(struct lora *l, size_t rows, size_t cols)
{
	size_t at = l->n_packed;

	l->n_packed += gemm_pack_floats(rows, cols);
	return at;
}

static void add_group(struct lora *l, const struct config *c, int64_t layer, enum lora_input input,
		      struct lora_group *g)
{
	size_t r = (size_t)l->r;

	for (int t = 0; t < LORA_TARGETS; t++) {
		struct place p = place_of(c, (enum lora_target)t);
		size_t a;

		if (p.input != input || !(l->targets >> t & 1))
			continue;
		a = add_matrix(l, layer, p.part, (enum lora_target)t, "lora_A", l->r, p.in);
		g->a = g->n ? g->a : a;
		g->in = (size_t)p.in;
		g->b[g->n++] = (struct lora_b){.out = (size_t)p.out, .col = (size_t)p.col};
	}
	g->rows = g->n * r;
	g->p_a = add_packed(l, g->rows, g->in);
	for (int t = 0, i = 0; t < LORA_TARGETS; t++) {
		struct place p = place_of(c, (enum lora_target)t);

		if (p.input != input || !(l->targets >> t & 1))
			continue;
		g->b[i].b =
			add_matrix(l, layer, p.part, (enum lora_target)t, "lora_B", p.out, l->r);
		g->b[i].p_b = add_packed(l, g->b[i].out, r);
		i++;
	}
}

struct lora *lora_new(const struct config *c, int64_t r, double alpha, unsigned targets)
{
	struct lora *l = xcalloc(1, sizeof *l);

	assert(r >= 1 && r <= LORA_MAX_R);
	assert(targets && !(targets & ~(unsigned)LORA_ALL));
	l->r = r;
	l->alpha = alpha;
	l->targets = targets;
	l->layers = c->layers;
	l->w = xcalloc(2 * LORA_TARGETS * (size_t)c->layers, sizeof *l->w);
	l->group = xcalloc((size_t)c->layers * LORA_INPUTS, sizeof *l->group);
	for (int64_t layer = 0; layer < c->layers; layer++) {
		struct lora_group *g = l->group + layer * LORA_INPUTS;

		l->width = 0;
		for (int i = 0; i < LORA_INPUTS; i++) {
			g[i].at = l->width;
			add_group(l, c, layer, (enum lora_input)i, &g[i]);
			l->width += g[i].rows;
		}
	}
	l->params = big_alloc(l->n_params * sizeof *l->params);
	l->packed = big_alloc(l->n_packed * sizeof *l->packed);
	return l;
}

void lora_random(struct lora *l, uint64_t seed)
{
	memset(l->params, 0, l->n_params * sizeof *l->params);
	for (size_t i = 0; i < l->n_w; i++) {
		const struct weight *w = &l->w[i];
		uint64_t key = rng_key(seed, RNG_INIT, i, 1, 0);
		double bound = 1 / sqrt((double)w->shape[1]);

		for (size_t j = 0; j < w->count && strstr(w->name, ".lora_A."); j++)
			l->params[w->offset + j] = (float)(bound * (2 * rng_uniform(key, j) - 1));
	}
	lora_pack(l);
}

void lora_pack(struct lora *l)
{
	size_t r = (size_t)l->r;

	assert(l->params && l->packed);
	for (size_t i = 0; i < (size_t)l->layers * LORA_INPUTS; i++) {
		const struct lora_group *g = &l->group[i];

		gemm_pack_rows(l->packed + g->p_a, l->params + g->a, g->rows, g->in);
		for (size_t k = 0; k < g->n; k++)
			gemm_pack_rows(l->packed + g->b[k].p_b, l->params + g->b[k].b, g->b[k].out,
				       r);
	}
}

struct lora *lora_copy(const struct lora *l)
{
	struct lora *c = xcalloc(1, sizeof *c);
	size_t groups = (size_t)l->layers * LORA_INPUTS;

	*c = *l;
	c->w = xarray(l->n_w, sizeof *c->w);
	c->group = xarray(groups, sizeof *c->group);
	c->params = big_alloc(l->n_params * sizeof *c->params);
	c->packed = big_alloc(l->n_packed * sizeof *c->packed);
	memcpy(c->w, l->w, l->n_w * sizeof *c->w);
	memcpy(c->group, l->group, groups * sizeof *c->group);
	memcpy(c->params, l->params, l->n_params * sizeof *c->params);
	memcpy(c->packed, l->packed, l->n_packed * sizeof *c->packed);
	return c;
}

void lora_free(struct lora *l)
{
	if (!l)
		return;
	big_free(l->params, l->n_params * sizeof *l->params);
	big_free(l->packed, l->n_packed * sizeof *l->packed);
	free(l->w);
	free(l->group);
	free(l);
}

/* alpha / r, which multiplies what A gives and not what B does: the fewer numbers */
static float scale_of(const struct lora *l)
{
	return (float)(l->alpha / (double)l->r);
}

/* The A or B of a linear layer, by the name of its weight */
static const struct weight *part_of(const struct lora *l, const char *name, const char *which)
{
	size_t n = strlen(name) - strlen("weight");

	for (const struct weight *w = l->w; w < l->w + l->n_w; w++)
		if (strncmp(w->name, name, n) == 0 &&
		    strncmp(w->name + n, which, strlen(which)) == 0)
			return w;
	return NULL;
}

void lora_add(const struct lora *l, const char *name, size_t first, size_t n, float *rows)
{
	const struct weight *wa = part_of(l, name, "lora_A"), *wb = part_of(l, name, "lora_B");
	size_t r = (size_t)l->r, in = wa ? (size_t)wa->shape[1] : 0;
	double scale = l->alpha / (double)l->r, *sum = xarray(in, sizeof *sum);

	assert(!wa == !wb /* both or none */);
	assert(!wb || first + n <= (size_t)wb->shape[0]);
	for (size_t i = 0; wb && i < n; i++) {
		const float *b = l->params + wb->offset + (first + i) * r;

		for (size_t j = 0; j < in; j++)
			sum[j] = 0;
		for (size_t x = 0; x < r; x++)
			for (size_t j = 0; j < in; j++)
				sum[j] += (double)b[x] * (double)l->params[wa->offset + x * in + j];
		for (size_t j = 0; j < in; j++)
			rows[i * in + j] = (float)((double)rows[i * in + j] + scale * sum[j]);
	}
	free(sum);
}

static void scale_rows(const struct lora *l, struct matrix u)
{
	float s = scale_of(l);

	for (size_t i = 0; i < u.rows; i++)
		for (size_t j = 0; j < u.cols; j++)
			u.p[i * u.ld + j] *= s;
}

/* u(t, i) = alpha / r * sum over x of A(i, x) x(t, x) */
void lora_inner(const struct lora *l, const struct lora_group *g, float *u, const float *x,
		size_t rows)
{
	struct matrix to;

	if (!g->n)
		return;
	assert(u && x && g->at + g->rows <= l->width);
	to = matrix_of(u + g->at, rows, g->rows, l->width);
	gemm(0, matrix_in(x, rows, g->in, g->in), gemm_packed_view(l->packed + g->p_a, g->in), to);
	scale_rows(l, to);
}

/* y(t, col + j) += sum over i of B(j, i) u(t, i), for each target of the group */
void lora_forward(const struct lora *l, const struct lora_group *g, struct matrix y, const float *x,
		  float *scratch)
{
	size_t r = (size_t)l->r;

	lora_inner(l, g, scratch, x, y.rows);
	for (size_t k = 0; k < g->n; k++) {
		const struct lora_b *b = &g->b[k];

		assert(b->col + b->out <= y.cols);
		gemm(GEMM_ADD, matrix_in(scratch + g->at + k * r, y.rows, r, l->width),
		     gemm_packed_view(l->packed + b->p_b, r),
		     matrix_of(y.p + b->col, y.rows, b->out, y.ld));
	}
}

/* v(t, i) = alpha / r * sum over j of dy(t, col + j) B(j, i); dx(t, x) += sum over i of v(t, i)
 * A(i, x) */
void lora_backward(const struct lora *l, const struct lora_group *g, float *dx, float *v,
		   struct cmatrix dy)
{
	size_t r = (size_t)l->r;

	if (!g->n)
		return;
	assert(dx && v);
	for (size_t k = 0; k < g->n; k++) {
		const struct lora_b *b = &g->b[k];

		assert(b->col + b->out <= dy.cols);
		blas_nn(matrix_in(dy.p + b->col, dy.rows, b->out, dy.ld),
			matrix_in(l->params + b->b, b->out, r, r),
			matrix_of(v + g->at + k * r, dy.rows, r, l->width), false);
	}
	scale_rows(l, matrix_of(v + g->at, dy.rows, g->rows, l->width));
	blas_nn(matrix_in(v + g->at, dy.rows, g->rows, l->width),
		matrix_in(l->params + g->a, g->rows, g->in, g->in),
		matrix_of(dx, dy.rows, g->in, g->in), true);
}
