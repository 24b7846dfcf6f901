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

const char *const lora_names[LORA_TARGETS] = {
	"q_proj",  "k_proj",      "v_proj",    "o_proj",       "gate_proj",
	"up_proj", "down_proj",   "qkv_proj",  "gate_up_proj", "c_fc",
	"c_proj",  "out_proj",    "w1",        "w3",           "w2",
	"in_proj", "in_proj_qkv", "in_proj_z", "in_proj_b",    "in_proj_a"};

/* What a model's shape makes of a target */
struct place {
	enum lora_input input; /* LORA_INPUTS: the family has no such layer */
	const char *part;      /* of the layer */
	int64_t out, in, col;
};

/* Of a linear layer that the family has, in a layer with that mixer */
static struct place place_of_part(const struct config *c, enum layer_part p)
{
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim, f = c->ffn;
	int64_t up = family_part(c->family, PART_GATE) ? f : 0, kd, vd, n, heads;
	int64_t rows = family_row(c->family)->gated ? 2 * q : q; /* of queries, and gates */

	kd = c->linear_k_heads * c->linear_k_dim;
	heads = c->linear_v_heads;
	vd = heads * c->linear_v_dim;
	n = 2 * kd + vd;
	const struct place places[PARTS] = {
		[PART_Q] = {LORA_IN_QKV, NULL, rows, c->d, 0},
		[PART_K] = {LORA_IN_QKV, NULL, kv, c->d, rows},
		[PART_V] = {LORA_IN_QKV, NULL, kv, c->d, rows + kv},
		[PART_QKV] = {LORA_IN_QKV, NULL, q + 2 * kv, c->d, 0},
		[PART_O] = {LORA_IN_O, NULL, c->d, q, 0},
		[PART_GATE] = {LORA_IN_GU, NULL, f, c->d, 0},
		[PART_UP] = {LORA_IN_GU, NULL, f, c->d, up},
		[PART_GU] = {LORA_IN_GU, NULL, 2 * f, c->d, 0},
		[PART_DOWN] = {LORA_IN_DOWN, NULL, c->d, f, 0},
		[PART_CONV_IN] = {LORA_IN_QKV, NULL, 3 * c->d, c->d, 0},
		[PART_CONV_OUT] = {LORA_IN_O, NULL, c->d, c->d, 0},
		[PART_DELTA_QKV] = {LORA_IN_QKV, NULL, n, c->d, 0},
		[PART_DELTA_Z] = {LORA_IN_QKV, NULL, vd, c->d, n},
		[PART_DELTA_B] = {LORA_IN_QKV, NULL, heads, c->d, n + vd},
		[PART_DELTA_A] = {LORA_IN_QKV, NULL, heads, c->d, n + vd + heads},
		[PART_DELTA_OUT] = {LORA_IN_O, NULL, c->d, vd, 0},
	};
	struct place to = places[p];

	to.part = family_part(c->family, p);
	return to;
}

static bool ends_with(const char *part, const char *name)
{
	const char *dot = strrchr(part, '.');

	return dot && strcmp(dot + 1, name) == 0;
}

/* The linear layers of each mixer, and those that all layers have */
static const struct {
	enum layer_part part;
	unsigned mixers;
} linear[] = {
	{PART_Q, 1 << MIXER_ATTENTION},
	{PART_K, 1 << MIXER_ATTENTION},
	{PART_V, 1 << MIXER_ATTENTION},
	{PART_QKV, 1 << MIXER_ATTENTION},
	{PART_O, 1 << MIXER_ATTENTION},
	{PART_GATE, ~0U},
	{PART_UP, ~0U},
	{PART_GU, ~0U},
	{PART_DOWN, ~0U},
	{PART_CONV_IN, 1 << MIXER_CONV},
	{PART_CONV_OUT, 1 << MIXER_CONV},
	{PART_DELTA_QKV, 1 << MIXER_DELTA},
	{PART_DELTA_Z, 1 << MIXER_DELTA},
	{PART_DELTA_B, 1 << MIXER_DELTA},
	{PART_DELTA_A, 1 << MIXER_DELTA},
	{PART_DELTA_OUT, 1 << MIXER_DELTA},
};

static struct place place_of(const struct config *c, int64_t layer, enum lora_target t)
{
	unsigned mixer = 1U << config_layer(c, layer).mixer;

	for (size_t i = 0; i < sizeof linear / sizeof *linear; i++) {
		const char *part = family_part(c->family, linear[i].part);

		if (part && linear[i].mixers & mixer && ends_with(part, lora_names[t]))
			return place_of_part(c, linear[i].part);
	}
	return (struct place){.input = LORA_INPUTS};
}

unsigned lora_targets(const struct config *c)
{
	unsigned targets = 0;

	for (int64_t l = 0; l < c->layers; l++)
		for (int t = 0; t < LORA_TARGETS; t++)
			if (place_of(c, l, (enum lora_target)t).input != LORA_INPUTS)
				targets |= 1U << t;
	return targets;
}

/* Adds a matrix to the table; returns its offset. */
static size_t add_matrix(struct lora *l, int64_t layer, const char *part, const char *which,
			 int64_t rows, int64_t cols)
{
	struct weight *w = &l->w[l->n_w++];

	*w = (struct weight){.rank = 2,
			     .shape = {rows, cols},
			     .offset = l->n_params,
			     .count = (size_t)rows * (size_t)cols,
			     .decay = true};
	snprintf(w->name, sizeof w->name, "model.layers.%lld.%s.%s.weight", (long long)layer, part,
		 which);
	l->n_params += w->count;
	return w->offset;
}

static size_t add_packed(struct lora *l, size_t rows, size_t cols)
{
	size_t at = l->n_packed;

	l->n_packed += gemm_pack_floats(rows, cols);
	return at;
}

static bool is_there(const struct lora *l, const struct lora_where *where, int64_t layer,
		     const char *part, enum lora_target t)
{
	char name[sizeof l->w->name];

	if (!(l->targets >> t & 1) || !where)
		return l->targets >> t & 1;
	snprintf(name, sizeof name, "model.layers.%lld.%s", (long long)layer, part);
	return where->has(where->ctx, name);
}

static void add_group(struct lora *l, const struct config *c, const struct lora_where *where,
		      int64_t layer, enum lora_input input, struct lora_group *g)
{
	size_t r = (size_t)l->r;

	for (int t = 0; t < LORA_TARGETS; t++) {
		struct place p = place_of(c, layer, (enum lora_target)t);
		size_t a;

		if (p.input != input || !is_there(l, where, layer, p.part, (enum lora_target)t))
			continue;
		a = add_matrix(l, layer, p.part, "lora_A", l->r, p.in);
		g->a = g->n ? g->a : a;
		g->in = (size_t)p.in;
		g->b[g->n++] = (struct lora_b){.out = (size_t)p.out, .col = (size_t)p.col};
	}
	g->rows = g->n * r;
	g->p_a = add_packed(l, g->rows, g->in);
	for (int t = 0, i = 0; t < LORA_TARGETS; t++) {
		struct place p = place_of(c, layer, (enum lora_target)t);

		if (p.input != input || !is_there(l, where, layer, p.part, (enum lora_target)t))
			continue;
		g->b[i].b = add_matrix(l, layer, p.part, "lora_B", p.out, l->r);
		g->b[i].p_b = add_packed(l, g->b[i].out, r);
		i++;
	}
}

/* The groups of a layer; returns the numbers that a token has there. */
static size_t add_layer(struct lora *l, const struct config *c, const struct lora_where *where,
			int64_t layer)
{
	struct lora_group *g = l->group + layer * LORA_INPUTS;
	size_t width = 0;

	for (int i = 0; i < LORA_INPUTS; i++) {
		g[i].at = width;
		add_group(l, c, where, layer, (enum lora_input)i, &g[i]);
		width += g[i].rows;
	}
	return width;
}

/* Those that at least one layer has */
static unsigned used_targets(const struct lora *l)
{
	unsigned used = 0;

	for (size_t i = 0; i < l->n_w; i++)
		for (int t = 0; t < LORA_TARGETS; t++) {
			char part[32];

			snprintf(part, sizeof part, ".%s.lora_", lora_names[t]);
			if (strstr(l->w[i].name, part))
				used |= 1U << t;
		}
	return used;
}

/* With room behind the last row for whole panels, see gemm_rows */
static size_t params_bytes(const struct lora *l)
{
	return (l->n_params + PANEL) * sizeof *l->params;
}

struct lora *lora_new_where(const struct config *c, int64_t r, double alpha, unsigned targets,
			    const struct lora_where *where)
{
	struct lora *l = xcalloc(1, sizeof *l);

	assert(r >= 1 && r <= LORA_MAX_R);
	assert(targets && !(targets & ~(unsigned)LORA_ALL));
	l->r = r;
	l->alpha = alpha;
	l->targets = targets & lora_targets(c);
	assert(l->targets);
	l->layers = c->layers;
	l->w = xcalloc(2 * LORA_TARGETS * (size_t)c->layers, sizeof *l->w);
	l->group = xcalloc((size_t)c->layers * LORA_INPUTS, sizeof *l->group);
	for (int64_t layer = 0; layer < c->layers; layer++) {
		size_t width = add_layer(l, c, where, layer);

		l->width = width > l->width ? width : l->width;
	}
	l->targets = used_targets(l);
	l->params = big_alloc(params_bytes(l));
	l->packed = big_alloc(l->n_packed * sizeof *l->packed);
	return l;
}

struct lora *lora_new(const struct config *c, int64_t r, double alpha, unsigned targets)
{
	return lora_new_where(c, r, alpha, targets, NULL);
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
	c->params = big_alloc(params_bytes(l));
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
	big_free(l->params, params_bytes(l));
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
		blas_gemm(0, matrix_in(dy.p + b->col, dy.rows, b->out, dy.ld),
			  matrix_in(l->params + b->b, b->out, r, r),
			  matrix_of(v + g->at + k * r, dy.rows, r, l->width));
	}
	scale_rows(l, matrix_of(v + g->at, dy.rows, g->rows, l->width));
	blas_gemm(GEMM_ADD, matrix_in(v + g->at, dy.rows, g->rows, l->width),
		  matrix_in(l->params + g->a, g->rows, g->in, g->in),
		  matrix_of(dx, dy.rows, g->in, g->in));
}
