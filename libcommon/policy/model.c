/* model.c - the weights of a decoder: table, memory, panels. See model.h. */
#include "policy/model.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "tensor/gemm.h"
#include "tensor/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAX_PER_LAYER = 18 }; /* tensors: 9 and 7 biases and 2 norms */

/* Adds a weight to the table; returns its offset. */
static size_t add(struct model *m, const char *name, int64_t rows, int64_t cols)
{
	struct weight *w = &m->w[m->n_w++];

	*w = (struct weight){.rank = cols ? 2 : 1,
			     .shape = {rows, cols ? cols : 1},
			     .offset = m->n_params,
			     .count = (size_t)rows * (size_t)(cols ? cols : 1),
			     .decay = cols != 0};
	snprintf(w->name, sizeof w->name, "%s", name);
	m->n_params += w->count;
	return w->offset;
}

/* kind: "weight" or "bias" */
static size_t add_in(struct model *m, int64_t l, const char *part, const char *kind, int64_t rows,
		     int64_t cols)
{
	char name[96];

	snprintf(name, sizeof name, "model.layers.%lld.%s.%s", (long long)l, part, kind);
	return add(m, name, rows, cols);
}

static size_t add_packed(struct model *m, int64_t rows, int64_t cols)
{
	size_t at = m->n_packed;

	m->n_packed += pack_floats((size_t)rows, (size_t)cols);
	return at;
}

/* Biases and the norms of queries and keys, where the model has them. */
static void add_small(struct model *m, int64_t l)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	struct layer *w = &m->layer[l];

	if (c->qkv_bias) {
		w->qkv_bias = add_in(m, l, "self_attn.q_proj", "bias", q, 0);
		add_in(m, l, "self_attn.k_proj", "bias", kv, 0);
		add_in(m, l, "self_attn.v_proj", "bias", kv, 0);
	}
	if (c->qk_norm) {
		w->q_norm = add_in(m, l, "self_attn.q_norm", "weight", c->head_dim, 0);
		w->k_norm = add_in(m, l, "self_attn.k_norm", "weight", c->head_dim, 0);
	}
	if (c->o_bias)
		w->o_bias = add_in(m, l, "self_attn.o_proj", "bias", c->d, 0);
	if (c->mlp_bias) {
		w->gu_bias = add_in(m, l, "mlp.gate_proj", "bias", c->ffn, 0);
		add_in(m, l, "mlp.up_proj", "bias", c->ffn, 0);
		w->down_bias = add_in(m, l, "mlp.down_proj", "bias", c->d, 0);
	}
}

static void add_layer(struct model *m, int64_t l)
{
	const struct config *c = &m->cfg;
	int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	struct layer *w = &m->layer[l];

	w->norm1 = add_in(m, l, "input_layernorm", "weight", c->d, 0);
	w->qkv = add_in(m, l, "self_attn.q_proj", "weight", q, c->d);
	add_in(m, l, "self_attn.k_proj", "weight", kv, c->d);
	add_in(m, l, "self_attn.v_proj", "weight", kv, c->d);
	w->o = add_in(m, l, "self_attn.o_proj", "weight", c->d, q);
	w->norm2 = add_in(m, l, "post_attention_layernorm", "weight", c->d, 0);
	w->gu = add_in(m, l, "mlp.gate_proj", "weight", c->ffn, c->d);
	add_in(m, l, "mlp.up_proj", "weight", c->ffn, c->d);
	w->down = add_in(m, l, "mlp.down_proj", "weight", c->d, c->ffn);
	add_small(m, l);
	w->p_qkv = add_packed(m, q + 2 * kv, c->d);
	w->p_o = add_packed(m, c->d, q);
	w->p_gu = add_packed(m, 2 * c->ffn, c->d);
	w->p_down = add_packed(m, c->d, c->ffn);
}

static void fill_rope(struct model *m)
{
	size_t hd = (size_t)m->cfg.head_dim;
	double *freq = xarray(hd / 2, sizeof *freq), scale = rope_scale(&m->cfg.rope);

	rope_freqs(&m->cfg.rope, freq, m->cfg.head_dim);
	m->rope = xarray((size_t)m->cfg.max_len, hd * sizeof *m->rope);
	for (size_t pos = 0; pos < (size_t)m->cfg.max_len; pos++)
		rope_table(m->rope + pos * hd, freq, pos, scale, hd);
	free(freq);
}

void model_init(struct model *m, const struct config *cfg)
{
	const struct config *c = cfg;

	*m = (struct model){.cfg = *cfg};
	m->w = xcalloc((size_t)(3 + MAX_PER_LAYER * c->layers), sizeof *m->w);
	m->layer = xcalloc((size_t)c->layers, sizeof *m->layer);
	m->embed = add(m, "model.embed_tokens.weight", c->vocab, c->d);
	for (int64_t l = 0; l < c->layers; l++)
		add_layer(m, l);
	m->norm = add(m, "model.norm.weight", c->d, 0);
	m->head = c->tied ? m->embed : add(m, "lm_head.weight", c->vocab, c->d);
	m->p_head = add_packed(m, c->vocab, c->d);
	m->params = big_alloc(m->n_params * sizeof *m->params);
	m->packed = big_alloc(m->n_packed * sizeof *m->packed);
	fill_rope(m);
}

void model_free(struct model *m)
{
	big_free(m->params, m->n_params * sizeof *m->params);
	big_free(m->packed, m->n_packed * sizeof *m->packed);
	free(m->w);
	free(m->layer);
	free(m->rope);
	*m = (struct model){0};
}

static bool is_bias(const struct weight *w)
{
	const char *end = strrchr(w->name, '.');

	return strcmp(end, ".bias") == 0;
}

void model_random(struct model *m, uint64_t seed, double std)
{
	for (size_t i = 0; i < m->n_w; i++) {
		const struct weight *w = &m->w[i];
		uint64_t key = rng_key(seed, RNG_INIT, i, 0, 0);
		float plain = is_bias(w) ? 0.0f : 1.0f;

		for (size_t j = 0; j < w->count; j++)
			m->params[w->offset + j] =
				w->rank == 1 ? plain : (float)(std * rng_normal(key, j));
	}
	model_pack(m);
}

enum { PACK_ROWS = 16 * PANEL }; /* rows of a matrix that one job packs */

struct pack_job {
	const float *src;
	float *dst;
	size_t rows, cols;
};

static void pack_one(void *ctx, size_t i, int thread)
{
	const struct pack_job *j = (struct pack_job *)ctx + i;

	(void)thread;
	pack_rows(j->dst, j->src, j->rows, j->cols);
}

static size_t cut(struct pack_job *j, const float *src, float *dst, size_t rows, size_t cols)
{
	size_t n = 0;

	for (size_t r = 0; r < rows; r += PACK_ROWS, n++)
		j[n] = (struct pack_job){src + r * cols, dst + r * cols,
					 rows - r < PACK_ROWS ? rows - r : PACK_ROWS, cols};
	return n;
}

void model_pack(struct model *m)
{
	const struct config *c = &m->cfg;
	size_t d = (size_t)c->d, f = (size_t)c->ffn, a = (size_t)(c->heads * c->head_dim);
	size_t q = a + 2 * (size_t)(c->kv_heads * c->head_dim), n = 0;
	size_t most = (size_t)c->layers * ((q + 2 * d + 2 * f) / PACK_ROWS + 4) +
		      (size_t)c->vocab / PACK_ROWS + 1;
	struct pack_job *j = xarray(most, sizeof *j);

	for (int64_t l = 0; l < c->layers; l++) {
		const struct layer *w = &m->layer[l];

		n += cut(j + n, m->params + w->qkv, m->packed + w->p_qkv, q, d);
		n += cut(j + n, m->params + w->o, m->packed + w->p_o, d, a);
		n += cut(j + n, m->params + w->gu, m->packed + w->p_gu, 2 * f, d);
		n += cut(j + n, m->params + w->down, m->packed + w->p_down, d, f);
	}
	n += cut(j + n, m->params + m->head, m->packed + m->p_head, (size_t)c->vocab, d);
	par_for(n, pack_one, j);
	free(j);
}

uint64_t model_hash(const struct model *m)
{
	return XXH3_64bits(m->params, m->n_params * sizeof *m->params);
}

const struct weight *model_weight(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_w; i++)
		if (strcmp(m->w[i].name, name) == 0)
			return &m->w[i];
	return NULL;
}
