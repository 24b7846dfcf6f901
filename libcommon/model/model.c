/* model.c - the weights of a decoder: table, memory, panels. See model.h. */
#include "model/model.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "tensor/gemm.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tensors of a layer: 9 and 7 biases, 4 of xIELU, 2 norms more and 4 biases of norms; and those of
 * queries and keys, which may be one for each head */
enum { MAX_PER_LAYER = 26 };

static size_t most_weights(const struct config *c)
{
	return (size_t)(4 + (MAX_PER_LAYER + c->heads + c->kv_heads) * c->layers);
}

/* Adds a weight to the table. rows 0: a scalar; cols 0: a vector */
static struct weight *add_weight(struct model *m, const char *name, int64_t rows, int64_t cols)
{
	struct weight *w = &m->w[m->n_w++];

	assert(m->n_w <= most_weights(&m->cfg));
	*w = (struct weight){.rank = cols   ? 2
				     : rows ? 1
					    : 0,
			     .shape = {rows ? rows : 1, cols ? cols : 1},
			     .offset = m->n_params,
			     .count = (size_t)(rows ? rows : 1) * (size_t)(cols ? cols : 1),
			     .decay = cols != 0};
	snprintf(w->name, sizeof w->name, "%s", name);
	if (w->rank < 2 || !(m->how & MODEL_FROZEN))
		m->n_params += w->count;
	return w;
}

/* A convolution's weights (channels, 1, taps), which no product takes: they are always in params.
 */
static size_t add_conv(struct model *m, const char *name, int64_t channels, int64_t taps)
{
	struct weight *w = add_weight(m, name, channels * taps, 0);

	w->rank = 3;
	w->shape[0] = channels;
	w->shape[1] = taps;
	w->decay = true;
	return w->offset;
}

/* name: with its kind, "weight" or "bias" */
static struct weight *add_in(struct model *m, int64_t l, const char *part, const char *kind,
			     int64_t rows, int64_t cols)
{
	char name[96];

	snprintf(name, sizeof name, "model.layers.%lld.%s.%s", (long long)l, part, kind);
	return add_weight(m, name, rows, cols);
}

/* Adds a vector; returns its offset, NOWHERE where the family has no such part. */
static size_t add_small(struct model *m, int64_t l, enum layer_part p, const char *kind, int64_t n)
{
	const char *part = family_part(m->cfg.family, p);

	return part ? add_in(m, l, part, kind, n, 0)->offset : NOWHERE;
}

/* Adds a matrix, where the family has it: 1, else 0. */
static size_t add_matrix(struct model *m, int64_t l, enum layer_part p, int64_t rows, int64_t cols)
{
	const char *part = family_part(m->cfg.family, p);

	if (part)
		add_in(m, l, part, "weight", rows, cols);
	return part ? 1 : 0;
}

/* The same of a matrix that is several: where the second and (or 0) the third begin. */
static size_t add_fused(struct model *m, int64_t l, enum layer_part p, const int64_t rows[3])
{
	size_t n = add_matrix(m, l, p, rows[0] + rows[1] + rows[2], m->cfg.d);
	struct weight *w = m->w + m->n_w - n;

	for (size_t i = 0; i < n; i++) {
		w[i].cut[0] = rows[0];
		w[i].cut[1] = rows[2] ? rows[0] + rows[1] : 0;
	}
	return n;
}

static struct norm_at add_norm(struct model *m, int64_t l, enum layer_part p)
{
	struct norm_at at = {add_small(m, l, p, "weight", m->cfg.d), NOWHERE};

	if (family_row(m->cfg.family)->layernorm && at.w != NOWHERE)
		at.b = add_small(m, l, p, "bias", m->cfg.d);
	return at;
}

/* Gives the last n weights of the table, matrices of one width, panels of their own behind *end. */
static struct mat join(struct model *m, size_t n, size_t *end)
{
	struct weight *w = m->w + m->n_w - n;
	struct mat t = {.k = (size_t)w->shape[1], .at = w->offset, .packed = *end};

	assert(n >= 1 && n <= m->n_w);
	for (size_t i = 0; i < n; i++) {
		w[i].packed = t.packed;
		w[i].row = t.n;
		t.n += (size_t)w[i].shape[0];
	}
	*end += m->how & MODEL_PAIRS ? gemm_pair_words(t.n, t.k) : gemm_pack_floats(t.n, t.k);
	m->n_packed = *end > m->n_packed ? *end : m->n_packed;
	return t;
}

/* A norm of queries or keys: of one head, of all as a row, or one for each head */
static size_t add_qk_norm(struct model *m, int64_t l, enum layer_part p, int64_t heads)
{
	enum qk_norm how = family_row(m->cfg.family)->qk_norm;
	size_t first = m->n_params;
	char kind[32];

	if (how != QK_LAYERNORM)
		return add_small(m, l, p, "weight", m->cfg.head_dim * (how == QK_ROW ? heads : 1));
	for (int64_t h = 0; h < heads; h++) {
		snprintf(kind, sizeof kind, "%lld.weight", (long long)h);
		add_small(m, l, p, kind, m->cfg.head_dim);
	}
	return first;
}

static size_t add_qkv_bias(struct model *m, int64_t l)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	size_t at = add_small(m, l, PART_QKV, "bias", q + 2 * kv);

	if (at != NOWHERE)
		return at;
	at = add_small(m, l, PART_Q, "bias", family_row(c->family)->gated ? 2 * q : q);
	add_small(m, l, PART_K, "bias", kv);
	add_small(m, l, PART_V, "bias", kv);
	return at;
}

static size_t add_gu_bias(struct model *m, int64_t l)
{
	int64_t f = m->cfg.ffn;
	size_t first = m->n_params;

	add_small(m, l, PART_GU, "bias", 2 * f);
	add_small(m, l, PART_GATE, "bias", f);
	add_small(m, l, PART_UP, "bias", f);
	return first;
}

static size_t add_xielu(struct model *m, int64_t l)
{
	size_t at = add_in(m, l, "mlp.act_fn", "alpha_p", 1, 0)->offset;

	add_in(m, l, "mlp.act_fn", "alpha_n", 1, 0);
	add_in(m, l, "mlp.act_fn", "beta", 0, 0);
	add_in(m, l, "mlp.act_fn", "eps", 0, 0);
	return at;
}

/* Biases, the norms of queries and keys, numbers of the activation: what the model has of them */
static void add_extras(struct model *m, int64_t l)
{
	const struct config *c = &m->cfg;
	struct layer *w = &m->layer[l];

	if (w->kind.mixer == MIXER_ATTENTION) {
		w->qkv_bias = c->qkv_bias ? add_qkv_bias(m, l) : NOWHERE;
		w->q_norm = c->qk_norm ? add_qk_norm(m, l, PART_Q_NORM, c->heads) : NOWHERE;
		w->k_norm = c->qk_norm ? add_qk_norm(m, l, PART_K_NORM, c->kv_heads) : NOWHERE;
		w->o_bias = c->o_bias ? add_small(m, l, PART_O, "bias", c->d) : NOWHERE;
	}
	w->gu_bias = c->mlp_bias ? add_gu_bias(m, l) : NOWHERE;
	w->down_bias = c->mlp_bias ? add_small(m, l, PART_DOWN, "bias", c->d) : NOWHERE;
	w->act = family_row(c->family)->act == ACT_XIELU ? add_xielu(m, l) : NOWHERE;
}

/* Queries, keys and values, in one matrix or three */
static void add_attention(struct model *m, int64_t l, size_t *end)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	struct layer *w = &m->layer[l];
	size_t n = add_fused(m, l, PART_QKV, (int64_t[]){q, kv, kv});

	n += add_matrix(m, l, PART_Q, family_row(c->family)->gated ? 2 * q : q, c->d);
	n += add_matrix(m, l, PART_K, kv, c->d);
	n += add_matrix(m, l, PART_V, kv, c->d);
	w->qkv = join(m, n, end);
	w->o = join(m, add_matrix(m, l, PART_O, c->d, q), end);
}

/* A short convolution between two products */
static void add_short_conv(struct model *m, int64_t l, size_t *end)
{
	const struct config *c = &m->cfg;
	struct layer *w = &m->layer[l];
	char name[96];

	w->qkv = join(m, add_fused(m, l, PART_CONV_IN, (int64_t[]){c->d, c->d, c->d}), end);
	w->o = join(m, add_matrix(m, l, PART_CONV_OUT, c->d, c->d), end);
	snprintf(name, sizeof name, "model.layers.%lld.%s.weight", (long long)l,
		 family_part(c->family, PART_CONV));
	w->conv = add_conv(m, name, c->d, c->conv_taps);
	if (!c->conv_bias)
		return;
	w->conv_bias = add_small(m, l, PART_CONV, "bias", c->d);
	w->qkv_bias = add_small(m, l, PART_CONV_IN, "bias", 3 * c->d);
	w->o_bias = add_small(m, l, PART_CONV_OUT, "bias", c->d);
}

static void add_delta(struct model *m, int64_t l, size_t *end)
{
	const struct config *c = &m->cfg;
	int64_t kd = c->linear_k_heads * c->linear_k_dim, heads = c->linear_v_heads;
	int64_t vd = heads * c->linear_v_dim, n = 2 * kd + vd;
	struct layer *w = &m->layer[l];
	char name[96];

	add_fused(m, l, PART_DELTA_QKV, (int64_t[]){kd, kd, vd});
	add_matrix(m, l, PART_DELTA_Z, vd, c->d);
	add_matrix(m, l, PART_DELTA_B, heads, c->d);
	add_matrix(m, l, PART_DELTA_A, heads, c->d);
	w->qkv = join(m, 4, end);
	w->o = join(m, add_matrix(m, l, PART_DELTA_OUT, c->d, vd), end);
	snprintf(name, sizeof name, "model.layers.%lld.%s.weight", (long long)l,
		 family_part(c->family, PART_DELTA_CONV));
	w->conv = add_conv(m, name, n, c->conv_taps);
	snprintf(name, sizeof name, "model.layers.%lld.linear_attn.A_log", (long long)l);
	w->a_log = add_weight(m, name, heads, 0)->offset;
	snprintf(name, sizeof name, "model.layers.%lld.linear_attn.dt_bias", (long long)l);
	w->dt_bias = add_weight(m, name, heads, 0)->offset;
	w->delta_norm = add_in(m, l, "linear_attn.norm", "weight", c->linear_v_dim, 0)->offset;
}

static void add_mixer(struct model *m, int64_t l, size_t *end)
{
	struct layer *w = &m->layer[l];

	w->conv = w->conv_bias = w->a_log = w->dt_bias = w->delta_norm = NOWHERE;
	w->qkv_bias = w->o_bias = w->q_norm = w->k_norm = NOWHERE;
	switch (w->kind.mixer) {
	case MIXER_CONV:
		add_short_conv(m, l, end);
		break;
	case MIXER_DELTA:
		add_delta(m, l, end);
		break;
	default:
		add_attention(m, l, end);
	}
}

static void add_layer(struct model *m, int64_t l, size_t *end)
{
	const struct config *c = &m->cfg;
	struct layer *w = &m->layer[l];
	size_t n;

	w->kind = config_layer(c, l);
	w->begin = m->n_params;
	w->norm1 = add_norm(m, l, PART_NORM1);
	add_mixer(m, l, end);
	w->norm1_out = add_norm(m, l, PART_NORM1_OUT);
	w->norm2 = c->parallel ? (struct norm_at){NOWHERE, NOWHERE} : add_norm(m, l, PART_NORM2);
	n = add_fused(m, l, PART_GU, (int64_t[]){c->ffn, c->ffn, 0});
	n += add_matrix(m, l, PART_GATE, c->ffn, c->d);
	n += add_matrix(m, l, PART_UP, c->ffn, c->d);
	w->gu = join(m, n, end);
	w->down = join(m, add_matrix(m, l, PART_DOWN, c->d, c->ffn), end);
	w->norm2_out = add_norm(m, l, PART_NORM2_OUT);
	add_extras(m, l);
}

static void add_last_norm(struct model *m)
{
	const struct family_row *row = family_row(m->cfg.family);
	const char *part = row->last_norm ? row->last_norm : "model.norm";
	char name[96];

	snprintf(name, sizeof name, "%s.weight", part);
	m->norm = (struct norm_at){add_weight(m, name, m->cfg.d, 0)->offset, NOWHERE};
	snprintf(name, sizeof name, "%s.bias", part);
	if (row->layernorm)
		m->norm.b = add_weight(m, name, m->cfg.d, 0)->offset;
}

int model_how(const char *compute)
{
	assert(compute);
	return strcmp(compute, "f32") == 0 ? 0 : MODEL_BF16;
}

/* Bytes of the panels */
static size_t panel_bytes(const struct model *m)
{
	return m->n_packed * sizeof(float); /* a word of two bf16 is as large */
}

void model_init(struct model *m, const struct config *cfg, int how)
{
	const struct config *c = cfg;
	size_t end = 0; /* of the panels that must be there together with the next */

	assert(c->vocab >= 1 && c->d >= 1 && c->layers >= 1 && c->ffn >= 1);
	assert(c->kv_heads >= 1 && c->heads % c->kv_heads == 0);
	assert(c->head_dim >= 2 && c->head_dim % 2 == 0 /* pairs are rotated */);
	assert(c->max_len >= 1 && c->norm_eps >= 0);
	assert(!(how & ~(MODEL_FROZEN | MODEL_BF16 | MODEL_LAYERWISE)));
	if (how & MODEL_FROZEN)
		how &= ~MODEL_LAYERWISE;
	*m = (struct model){.cfg = *cfg, .how = how};
	m->w = xcalloc(most_weights(c), sizeof *m->w);
	m->layer = xcalloc((size_t)c->layers, sizeof *m->layer);
	add_weight(m, "model.embed_tokens.weight", c->vocab, c->d);
	m->embed = (struct mat){.n = (size_t)c->vocab, .k = (size_t)c->d};
	if (c->tied || how & MODEL_FROZEN) /* else nothing is multiplied with it: no panels */
		m->embed = join(m, 1, &end);
	for (int64_t l = 0; l < c->layers; l++) {
		end = how & MODEL_LAYERWISE ? 0 : end;
		add_layer(m, l, &end);
	}
	add_last_norm(m);
	m->head = m->embed;
	if (!c->tied) {
		add_weight(m, "lm_head.weight", c->vocab, c->d);
		end = how & MODEL_LAYERWISE ? 0 : end;
		m->head = join(m, 1, &end);
	}
	m->params = big_alloc(m->n_params * sizeof *m->params);
	if (how & MODEL_PAIRS)
		m->pairs = big_alloc(panel_bytes(m));
	else
		m->packed = big_alloc(panel_bytes(m));
	m->rope = angles_new(&c->rope, c->max_len, rope_turned(&c->rope, c->head_dim));
	m->local = m->rope;
	if (c->local.theta > 0)
		m->local = angles_new(&c->local, c->max_len, rope_turned(&c->local, c->head_dim));
}

void model_free(struct model *m)
{
	lora_free(m->lora);
	if (!m->borrowed) {
		big_free(m->params, m->n_params * sizeof *m->params);
		big_free(m->packed, panel_bytes(m));
		big_free(m->pairs, panel_bytes(m));
		free(m->w);
		free(m->layer);
		if (m->local != m->rope)
			angles_free(m->local);
		angles_free(m->rope);
	}
	*m = (struct model){0};
}

void model_put_rows(struct model *m, const struct weight *w, size_t first, const float *rows,
		    size_t n)
{
	size_t k = (size_t)w->shape[1];

	assert(w->rank == 2 && rows);
	assert(first + n <= (size_t)w->shape[0]);
	if (m->how & MODEL_FROZEN)
		gemm_pair_rows(m->pairs + w->packed, w->row + first, matrix_in(rows, n, k, k));
	else
		memcpy(m->params + w->offset + first * k, rows, n * k * sizeof *rows);
}

void model_get_rows(const struct model *m, const struct weight *w, size_t first, float *rows,
		    size_t n)
{
	size_t k = (size_t)w->shape[1];

	assert(w->rank == 2 && rows);
	assert(first + n <= (size_t)w->shape[0]);
	if (m->how & MODEL_FROZEN)
		gemm_unpair_rows(rows, m->pairs + w->packed, w->row + first, n, k);
	else
		memcpy(rows, m->params + w->offset + first * k, n * k * sizeof *rows);
}

/* What a weight that is no matrix begins as: a norm's as what makes it 1, a bias as 0, xIELU's as
 * its authors have them */
static float first_value(const struct model *m, const struct weight *w)
{
	static const struct {
		const char *end;
		float v;
	} own[] = {{".bias", 0},
		   {".alpha_p", 0.5413248546f},  /* softplus: 1 */
		   {".alpha_n", -1.0502256128f}, /* 0.3 */
		   {".dt_bias", 1},
		   {".A_log", 0},
		   {".beta", 0.5f},
		   {".eps", -1e-6f}};
	const char *end = strrchr(w->name, '.');

	if (strstr(w->name, ".linear_attn.norm."))
		return 1; /* the one norm there whose weights are what they are */
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(end, own[i].end) == 0)
			return own[i].v;
	return 1.0f - family_row(m->cfg.family)->one;
}

static void random_rows(struct model *m, const struct weight *w, uint64_t key, double std)
{
	size_t k = (size_t)w->shape[1];
	float *row = xarray(k, sizeof *row);

	for (size_t i = 0; i < (size_t)w->shape[0]; i++) {
		for (size_t x = 0; x < k; x++)
			row[x] = (float)(std * rng_normal(key, i * k + x));
		model_put_rows(m, w, i, row, 1);
	}
	free(row);
}

void model_random(struct model *m, uint64_t seed, double std)
{
	assert(std >= 0);
	for (size_t i = 0; i < m->n_w; i++) {
		const struct weight *w = &m->w[i];

		for (size_t j = 0; w->rank < 2 && j < w->count; j++)
			m->params[w->offset + j] = first_value(m, w);
		for (size_t j = 0; w->rank == 3 && j < w->count; j++)
			m->params[w->offset + j] =
				(float)(std * rng_normal(rng_key(seed, RNG_INIT, i, 0, 0), j));
		if (w->rank == 2)
			random_rows(m, w, rng_key(seed, RNG_INIT, i, 0, 0), std);
	}
	model_pack(m);
}

enum { PACK_FLOATS = 1 << 15 }; /* that one job packs, about: they stay in the cache meanwhile */

struct piece { /* rows of a matrix that has panels; w NULL: n numbers of params from `row` on */
	const struct mat *w;
	size_t row, n;
};

struct packing {
	const struct model *m;
	void (*change)(void *ctx, size_t from, size_t n); /* NULL: nothing changes */
	void *ctx;
	struct piece *piece; /* NULL: they are only counted */
	size_t n;
};

static void pack_one(void *ctx, size_t i, int thread)
{
	const struct packing *p = ctx;
	const struct piece *t = &p->piece[i];
	const struct mat *w = t->w;
	size_t from = w ? w->at + t->row * w->k : t->row;

	(void)thread;
	if (p->change)
		p->change(p->ctx, from, w ? t->n * w->k : t->n);
	if (w && p->m->how & MODEL_PAIRS)
		gemm_pair_rows(p->m->pairs + w->packed, t->row,
			       matrix_in(p->m->params + from, t->n, w->k, w->k));
	else if (w)
		gemm_pack_rows(p->m->packed + w->packed + t->row * w->k, p->m->params + from, t->n,
			       w->k);
}

/* A job for every `most` of n */
static void cut(struct packing *p, const struct mat *w, size_t from, size_t n, size_t most)
{
	for (size_t at = 0; at < n; at += most, p->n++)
		if (p->piece)
			p->piece[p->n] =
				(struct piece){w, from + at, n - at < most ? n - at : most};
}

static void cut_matrix(struct packing *p, const struct mat *w)
{
	size_t rows = PACK_FLOATS / w->k / PANEL * PANEL;

	cut(p, w, 0, w->n, rows ? rows : PANEL);
}

/* Of the layers from..to; layer m->cfg.layers is the head. */
static void cut_layers(struct packing *p, size_t from, size_t to)
{
	const struct model *m = p->m;

	assert(from < to && to <= (size_t)m->cfg.layers + 1);
	for (size_t l = from; l < to; l++) {
		const struct layer *w = &m->layer[l];

		if (l == (size_t)m->cfg.layers) {
			cut_matrix(p, &m->head);
			continue;
		}
		cut_matrix(p, &w->qkv);
		cut_matrix(p, &w->o);
		cut_matrix(p, &w->gu);
		cut_matrix(p, &w->down);
	}
}

/* What no product takes: vectors, and an embedding that is not the head */
static void cut_others(struct packing *p)
{
	const struct model *m = p->m;

	for (const struct weight *w = m->w; w < m->w + m->n_w; w++)
		if (w->rank != 2 || (w == m->w && !m->cfg.tied))
			cut(p, NULL, w->offset, w->count, PACK_FLOATS);
}

/* Counted first, then cut */
static void pack_layers(struct packing *p, size_t from, size_t to)
{
	for (int again = 0; again < 2; again++) {
		p->piece = again ? xarray(p->n, sizeof *p->piece) : NULL;
		p->n = 0;
		cut_layers(p, from, to);
		if (p->change)
			cut_others(p);
	}
	par_for(p->n, pack_one, p);
	free(p->piece);
}

void model_change(struct model *m, void (*change)(void *ctx, size_t from, size_t n), void *ctx)
{
	struct packing p = {.m = m, .change = change, .ctx = ctx};

	assert(change && model_packs_all(m));
	pack_layers(&p, 0, (size_t)m->cfg.layers + 1);
}

bool model_packs_all(const struct model *m)
{
	return !m->lora && !(m->how & (MODEL_FROZEN | MODEL_LAYERWISE));
}

void model_pack(struct model *m)
{
	struct packing p = {.m = m};

	if (m->lora)
		lora_pack(m->lora);
	else if (model_packs_all(m))
		pack_layers(&p, 0, (size_t)m->cfg.layers + 1);
}

void model_pack_layer(const struct model *m, size_t l)
{
	struct packing p = {.m = m};

	assert(l <= (size_t)m->cfg.layers);
	if (m->how & MODEL_LAYERWISE)
		pack_layers(&p, l, l + 1);
}

struct weights model_trained(const struct model *m)
{
	const struct lora *l = m->lora;

	return l ? (struct weights){l->w, l->n_w, l->params, l->n_params}
		 : (struct weights){m->w, m->n_w, m->params, m->n_params};
}

void model_adapt(struct model *m, struct lora *l)
{
	assert(l && !m->lora);
	assert(l->layers == m->cfg.layers);
	m->base_hash = model_hash(m);
	m->lora = l;
}

void model_merge(struct model *m)
{
	assert(m->lora && !m->borrowed);
	assert(!(m->how & MODEL_FROZEN) /* its matrices are not there in f32 */);
	for (const struct weight *w = m->w; w < m->w + m->n_w; w++)
		lora_add(m->lora, w->name, 0, (size_t)w->shape[0], m->params + w->offset);
	lora_free(m->lora);
	m->lora = NULL;
	model_pack(m);
}

void model_copy(struct model *to, const struct model *m)
{
	assert(to != m && m->params);
	if (m->lora) {
		*to = *m;
		to->borrowed = true;
		to->lora = lora_copy(m->lora);
		return;
	}
	model_init(to, &m->cfg, m->how);
	memcpy(to->params, m->params, m->n_params * sizeof *m->params);
	if (m->how & MODEL_FROZEN)
		memcpy(to->pairs, m->pairs, panel_bytes(m));
	model_pack(to);
}

static uint64_t hash_base(const struct model *m)
{
	struct hash *sum = hash_new();
	size_t widest = 0;
	uint64_t h;
	float *row;

	for (size_t i = 0; i < m->n_w; i++)
		widest = (size_t)m->w[i].shape[1] > widest ? (size_t)m->w[i].shape[1] : widest;
	row = xarray(widest, sizeof *row);
	for (const struct weight *w = m->w; w < m->w + m->n_w; w++) {
		if (w->rank != 2)
			hash_add(sum, m->params + w->offset, w->count * sizeof *row);
		for (size_t i = 0; w->rank == 2 && i < (size_t)w->shape[0]; i++) {
			model_get_rows(m, w, i, row, 1);
			hash_add(sum, row, (size_t)w->shape[1] * sizeof *row);
		}
	}
	h = hash_64(sum);
	hash_free(sum);
	free(row);
	return h;
}

uint64_t model_hash(const struct model *m)
{
	const struct lora *l = m->lora;
	struct hash *sum;
	double scale;
	uint64_t h;

	if (!l)
		return hash_base(m);
	sum = hash_new();
	scale = l->alpha / (double)l->r;
	hash_add(sum, &m->base_hash, sizeof m->base_hash);
	hash_add(sum, &scale, sizeof scale);
	hash_add(sum, l->params, l->n_params * sizeof *l->params);
	h = hash_64(sum);
	hash_free(sum);
	return h;
}

size_t model_bytes(const struct model *m)
{
	size_t n = m->lora ? m->lora->n_params + m->lora->n_packed : 0;

	if (!m->borrowed)
		n += m->n_params + m->n_packed;
	return n * sizeof(float);
}

const struct weight *model_weight(const struct model *m, const char *name)
{
	assert(name);
	for (size_t i = 0; i < m->n_w; i++)
		if (strcmp(m->w[i].name, name) == 0)
			return &m->w[i];
	return NULL;
}
