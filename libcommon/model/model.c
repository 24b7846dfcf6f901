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

enum { MAX_PER_LAYER = 18 }; /* tensors: 9 and 7 biases and 2 norms */

/* Adds a weight to the table. */
static struct weight *add_weight(struct model *m, const char *name, int64_t rows, int64_t cols)
{
	struct weight *w = &m->w[m->n_w++];

	*w = (struct weight){.rank = cols ? 2 : 1,
			     .shape = {rows, cols ? cols : 1},
			     .offset = m->n_params,
			     .count = (size_t)rows * (size_t)(cols ? cols : 1),
			     .decay = cols != 0};
	snprintf(w->name, sizeof w->name, "%s", name);
	if (w->rank == 1 || !(m->how & MODEL_FROZEN))
		m->n_params += w->count;
	return w;
}

/* kind: "weight" or "bias" */
static struct weight *add_in(struct model *m, int64_t l, const char *part, const char *kind,
			     int64_t rows, int64_t cols)
{
	char name[96];

	snprintf(name, sizeof name, "model.layers.%lld.%s.%s", (long long)l, part, kind);
	return add_weight(m, name, rows, cols);
}

/* Adds a vector; returns its offset. */
static size_t add_small(struct model *m, int64_t l, const char *part, const char *kind, int64_t n)
{
	return add_in(m, l, part, kind, n, 0)->offset;
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

/* Biases and the norms of queries and keys, where the model has them. */
static void add_extras(struct model *m, int64_t l)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	struct layer *w = &m->layer[l];

	if (c->qkv_bias) {
		w->qkv_bias = add_small(m, l, "self_attn.q_proj", "bias", q);
		add_small(m, l, "self_attn.k_proj", "bias", kv);
		add_small(m, l, "self_attn.v_proj", "bias", kv);
	}
	if (c->qk_norm) {
		w->q_norm = add_small(m, l, "self_attn.q_norm", "weight", c->head_dim);
		w->k_norm = add_small(m, l, "self_attn.k_norm", "weight", c->head_dim);
	}
	if (c->o_bias)
		w->o_bias = add_small(m, l, "self_attn.o_proj", "bias", c->d);
	if (c->mlp_bias) {
		w->gu_bias = add_small(m, l, "mlp.gate_proj", "bias", c->ffn);
		add_small(m, l, "mlp.up_proj", "bias", c->ffn);
		w->down_bias = add_small(m, l, "mlp.down_proj", "bias", c->d);
	}
}

static void add_layer(struct model *m, int64_t l, size_t *end)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	struct layer *w = &m->layer[l];

	w->norm1 = add_small(m, l, "input_layernorm", "weight", c->d);
	add_in(m, l, "self_attn.q_proj", "weight", q, c->d);
	add_in(m, l, "self_attn.k_proj", "weight", kv, c->d);
	add_in(m, l, "self_attn.v_proj", "weight", kv, c->d);
	w->qkv = join(m, 3, end);
	add_in(m, l, "self_attn.o_proj", "weight", c->d, q);
	w->o = join(m, 1, end);
	w->norm2 = add_small(m, l, "post_attention_layernorm", "weight", c->d);
	add_in(m, l, "mlp.gate_proj", "weight", c->ffn, c->d);
	add_in(m, l, "mlp.up_proj", "weight", c->ffn, c->d);
	w->gu = join(m, 2, end);
	add_in(m, l, "mlp.down_proj", "weight", c->d, c->ffn);
	w->down = join(m, 1, end);
	add_extras(m, l);
}

int model_how(const char *compute)
{
	assert(compute);
	return strcmp(compute, "bf16") == 0 ? MODEL_BF16 : 0;
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
	m->w = xcalloc((size_t)(3 + MAX_PER_LAYER * c->layers), sizeof *m->w);
	m->layer = xcalloc((size_t)c->layers, sizeof *m->layer);
	add_weight(m, "model.embed_tokens.weight", c->vocab, c->d);
	m->embed = (struct mat){.n = (size_t)c->vocab, .k = (size_t)c->d};
	if (c->tied || how & MODEL_FROZEN) /* else nothing is multiplied with it: no panels */
		m->embed = join(m, 1, &end);
	for (int64_t l = 0; l < c->layers; l++) {
		end = how & MODEL_LAYERWISE ? 0 : end;
		add_layer(m, l, &end);
	}
	m->norm = add_weight(m, "model.norm.weight", c->d, 0)->offset;
	m->head = m->embed;
	if (!c->tied) {
		add_weight(m, "lm_head.weight", c->vocab, c->d);
		end = how & MODEL_LAYERWISE ? 0 : end;
		m->head = join(m, 1, &end);
	}
	assert(m->n_w <= (size_t)(3 + MAX_PER_LAYER * c->layers));
	m->params = big_alloc(m->n_params * sizeof *m->params);
	if (how & MODEL_PAIRS)
		m->pairs = big_alloc(panel_bytes(m));
	else
		m->packed = big_alloc(panel_bytes(m));
	m->rope = angles_new(&c->rope, c->max_len, c->head_dim);
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
		gemm_pair_rows(m->pairs + w->packed, w->row + first, rows, n, k);
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

static bool is_bias(const struct weight *w)
{
	const char *end = strrchr(w->name, '.');

	return strcmp(end, ".bias") == 0;
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

		for (size_t j = 0; w->rank == 1 && j < w->count; j++)
			m->params[w->offset + j] = is_bias(w) ? 0.0f : 1.0f;
		if (w->rank == 2)
			random_rows(m, w, rng_key(seed, RNG_INIT, i, 0, 0), std);
	}
	model_pack(m);
}

enum { PACK_ROWS = 16 * PANEL }; /* rows of a matrix that one job packs */

struct packing {
	const struct model *m;
	struct part {
		const struct mat *w;
		size_t row;
	} * part;
	size_t n;
};

static void pack_one(void *ctx, size_t i, int thread)
{
	const struct packing *p = ctx;
	const struct mat *w = p->part[i].w;
	size_t row = p->part[i].row, n = w->n - row < PACK_ROWS ? w->n - row : PACK_ROWS;
	const float *src = p->m->params + w->at + row * w->k;

	(void)thread;
	if (p->m->how & MODEL_PAIRS)
		gemm_pair_rows(p->m->pairs + w->packed, row, src, n, w->k);
	else
		gemm_pack_rows(p->m->packed + w->packed + row * w->k, src, n, w->k);
}

static void cut(struct packing *p, const struct mat *w)
{
	for (size_t row = 0; row < w->n; row += PACK_ROWS)
		p->part[p->n++] = (struct part){w, row};
}

/* Of the layers from..to; layer m->cfg.layers is the head. */
static void pack_layers(const struct model *m, size_t from, size_t to)
{
	const struct layer *w = m->layer;
	size_t of_layer = (w->qkv.n + w->o.n + w->gu.n + w->down.n) / PACK_ROWS + 4;
	struct packing p = {.m = m};

	assert(from < to && to <= (size_t)m->cfg.layers + 1);
	p.part = xarray((to - from) * of_layer + m->head.n / PACK_ROWS + 1, sizeof *p.part);
	for (size_t l = from; l < to; l++) {
		if (l == (size_t)m->cfg.layers) {
			cut(&p, &m->head);
			continue;
		}
		cut(&p, &w[l].qkv);
		cut(&p, &w[l].o);
		cut(&p, &w[l].gu);
		cut(&p, &w[l].down);
	}
	par_for(p.n, pack_one, &p);
	free(p.part);
}

void model_pack(struct model *m)
{
	if (m->lora)
		lora_pack(m->lora);
	else if (!(m->how & (MODEL_FROZEN | MODEL_LAYERWISE)))
		pack_layers(m, 0, (size_t)m->cfg.layers + 1);
}

void model_pack_layer(const struct model *m, size_t l)
{
	assert(l <= (size_t)m->cfg.layers);
	if (m->how & MODEL_LAYERWISE)
		pack_layers(m, l, l + 1);
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
		if (w->rank == 1)
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
