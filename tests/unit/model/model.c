/*
 * model.c - the decoder against a plain reference in double: log-probabilities, entropies, and the
 * gradient of every tensor by central differences; and the promise that sampler and trainer agree
 * to the bit.
 */
#include "base/kept.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/decode.h"
#include "model/model.h"
#include "model/rope.h"
#include "model/sampler.h"
#include "tensor/attention.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { D = 20, L = 2, H = 4, KV = 2, HD = 6, F = 13, V = 11, MAX_LEN = 700 };

/* Families and scalings of the rotary embedding; each test of the arithmetic runs with all. */
static const struct kind {
	const char *name;
	bool qkv_bias, o_bias, mlp_bias, qk_norm;
	struct rope rope;
} kinds[] = {
	{.name = "llama", .rope = {.theta = 10000}},
	{.name = "llama with biases",
	 .qkv_bias = true,
	 .o_bias = true,
	 .mlp_bias = true,
	 .rope = {ROPE_LINEAR, .theta = 10000, .factor = 3}},
	{.name = "qwen2",
	 .qkv_bias = true,
	 .rope = {ROPE_YARN, .theta = 50, .factor = 4, .original = 16, .beta_fast = 2,
		  .beta_slow = 0.1, .attention = 1.3}},
	{.name = "qwen3",
	 .qk_norm = true,
	 .rope = {ROPE_LLAMA3, .theta = 50, .factor = 8, .original = 32, .low = 1, .high = 4}},
	{.name = "qwen3 with biases",
	 .qkv_bias = true,
	 .o_bias = true,
	 .qk_norm = true,
	 .rope = {.theta = 10000}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *kind = &kinds[0]; /* the one under test */

/* A shape made by hand: no file is needed */
static struct config shape(bool tied)
{
	return (struct config){.qkv_bias = kind->qkv_bias,
			       .o_bias = kind->o_bias,
			       .mlp_bias = kind->mlp_bias,
			       .qk_norm = kind->qk_norm,
			       .vocab = V,
			       .d = D,
			       .layers = L,
			       .heads = H,
			       .kv_heads = KV,
			       .head_dim = HD,
			       .ffn = F,
			       .max_len = MAX_LEN,
			       .norm_eps = 1e-5,
			       .rope = kind->rope,
			       .tied = tied,
			       .bos = -1,
			       .eos = {1},
			       .n_eos = 1};
}

static void make(struct model *m, bool tied)
{
	struct config c = shape(tied);

	model_init(m, &c, 0);
	model_random(m, 7, 0.3);
	for (size_t i = 0; i < m->n_w; i++) /* norms away from 1, biases from 0 */
		if (m->w[i].rank == 1)
			for (size_t j = 0; j < m->w[i].count; j++)
				m->params[m->w[i].offset + j] +=
					(float)(0.2 * rng_normal(3, i * 1000 + j));
	model_pack(m);
}

/* ---- reference: one sequence, double, the plainest loops ---- */

static const double *named(const struct model *m, const double *p, int l, const char *part,
			   const char *what)
{
	char name[96];

	if (l < 0)
		snprintf(name, sizeof name, "%s.%s", part, what);
	else
		snprintf(name, sizeof name, "model.layers.%d.%s.%s", l, part, what);
	return model_weight(m, name) ? p + model_weight(m, name)->offset : NULL;
}

static const double *weight(const struct model *m, const double *p, int l, const char *part)
{
	const double *w = named(m, p, l, part, "weight");

	assert_non_null(w);
	return w;
}

static void norm(double *y, const double *x, const double *w, int n)
{
	double s = 0;

	for (int i = 0; i < n; i++)
		s += x[i] * x[i];
	for (int i = 0; i < n; i++)
		y[i] = x[i] / sqrt(s / n + 1e-5) * w[i];
}

struct linear {
	const double *w, *bias;
};

static struct linear linear(const struct model *m, const double *p, int l, const char *part)
{
	return (struct linear){weight(m, p, l, part), named(m, p, l, part, "bias")};
}

/* y(n) = w(n, k) x + bias, where there is one */
static void project(double *y, struct linear to, const double *x, int n, int k)
{
	for (int i = 0; i < n; i++) {
		y[i] = to.bias ? to.bias[i] : 0;
		for (int j = 0; j < k; j++)
			y[i] += to.w[i * k + j] * x[j];
	}
}

static void rotate(double *x, int pos)
{
	static const struct kind *known;
	static double freq[HD / 2];
	double scale = rope_scale(&kind->rope);

	if (known != kind)
		rope_freqs(&kind->rope, freq, HD);
	known = kind;
	for (int i = 0; i < HD / 2; i++) {
		double a = x[i], b = x[i + HD / 2], t = pos * freq[i];

		x[i] = scale * (a * cos(t) - b * sin(t));
		x[i + HD / 2] = scale * (b * cos(t) + a * sin(t));
	}
}

/* Heads of queries or keys: normed where the model does that, then rotated */
static void turn(const double *w, double *x, int n, int pos)
{
	for (int h = 0; h < n; h++) {
		if (w)
			norm(x + h * HD, x + h * HD, w, HD);
		rotate(x + h * HD, pos);
	}
}

static void attend(double *out, double (*q)[H * HD], double (*k)[KV * HD], double (*v)[KV * HD],
		   int t)
{
	for (int h = 0; h < H; h++) {
		double s[MAX_LEN], sum = 0;
		int g = h / (H / KV);

		for (int j = 0; j <= t; j++) {
			s[j] = 0;
			for (int i = 0; i < HD; i++)
				s[j] += q[t][h * HD + i] * k[j][g * HD + i];
			s[j] = exp(s[j] / sqrt(HD));
			sum += s[j];
		}
		for (int i = 0; i < HD; i++) {
			out[h * HD + i] = 0;
			for (int j = 0; j <= t; j++)
				out[h * HD + i] += s[j] / sum * v[j][g * HD + i];
		}
	}
}

static double x[MAX_LEN][D], q[MAX_LEN][H * HD], k[MAX_LEN][KV * HD], v[MAX_LEN][KV * HD];

static void reference_attention(const struct model *m, const double *p, int l, int n)
{
	const double *first = weight(m, p, l, "input_layernorm");
	const double *q_norm = named(m, p, l, "self_attn.q_norm", "weight");
	const double *k_norm = named(m, p, l, "self_attn.k_norm", "weight");
	struct linear to_q = linear(m, p, l, "self_attn.q_proj");
	struct linear to_k = linear(m, p, l, "self_attn.k_proj");
	struct linear to_v = linear(m, p, l, "self_attn.v_proj");
	struct linear to_o = linear(m, p, l, "self_attn.o_proj");

	for (int t = 0; t < n; t++) {
		double y[D];

		norm(y, x[t], first, D);
		project(q[t], to_q, y, H * HD, D);
		project(k[t], to_k, y, KV * HD, D);
		project(v[t], to_v, y, KV * HD, D);
		turn(q_norm, q[t], H, t);
		turn(k_norm, k[t], KV, t);
	}
	for (int t = 0; t < n; t++) {
		double a[H * HD], y[D];

		attend(a, q, k, v, t);
		project(y, to_o, a, D, H * HD);
		for (int i = 0; i < D; i++)
			x[t][i] += y[i];
	}
}

static void reference_mlp(const struct model *m, const double *p, int l, int n)
{
	const double *second = weight(m, p, l, "post_attention_layernorm");
	struct linear gate = linear(m, p, l, "mlp.gate_proj");
	struct linear up = linear(m, p, l, "mlp.up_proj");
	struct linear down = linear(m, p, l, "mlp.down_proj");

	for (int t = 0; t < n; t++) {
		double y[D], g[F], u[F];

		norm(y, x[t], second, D);
		project(g, gate, y, F, D);
		project(u, up, y, F, D);
		for (int i = 0; i < F; i++)
			g[i] = g[i] / (1 + exp(-g[i])) * u[i];
		project(y, down, g, D, F);
		for (int i = 0; i < D; i++)
			x[t][i] += y[i];
	}
}

/* logits (n, V) of one sequence */
static void reference(double (*logits)[V], const struct model *m, const double *p,
		      const uint32_t *tok, int n)
{
	const double *embed = weight(m, p, -1, "model.embed_tokens");
	const double *last = weight(m, p, -1, "model.norm");
	struct linear out = linear(m, p, -1, m->cfg.tied ? "model.embed_tokens" : "lm_head");

	for (int t = 0; t < n; t++)
		memcpy(x[t], embed + tok[t] * D, sizeof x[t]);
	for (int l = 0; l < L; l++) {
		reference_attention(m, p, l, n);
		reference_mlp(m, p, l, n);
	}
	for (int t = 0; t < n; t++) {
		double y[D];

		norm(y, x[t], last, D);
		project(logits[t], out, y, V, D);
	}
}

/* ---- the pack under test ---- */

static const uint32_t tokens[] = {3, 5, 7, 2, 9, 4, 4, 0, 10, 6, 1, 8, 2, 2};
static const size_t start[] = {0, 5, 6, 14};
static const uint32_t at[] = {1, 2, 3, 4, 5, 7, 10, 13};
static const uint32_t target[] = {7, 2, 9, 1, 0, 10, 3, 5};
enum { ROWS = 8, SEQS = 3 };

static struct pack pack(double temperature)
{
	return (struct pack){.n_seq = SEQS,
			     .n_tok = 14,
			     .tokens = tokens,
			     .start = start,
			     .n_rows = ROWS,
			     .at = at,
			     .target = target,
			     .temperature = temperature};
}

static void reference_rows(double *logp, double *ent, const struct model *m, const double *p,
			   double temperature)
{
	for (int s = 0, r = 0; s < SEQS; s++) {
		double z[MAX_LEN][V];

		reference(z, m, p, tokens + start[s], (int)(start[s + 1] - start[s]));
		for (; r < ROWS && at[r] < start[s + 1]; r++) {
			double *row = z[at[r] - start[s]], sum = 0, h = 0;

			for (int i = 0; i < V; i++)
				sum += exp(row[i] / temperature);
			for (int i = 0; i < V; i++) {
				double share = exp(row[i] / temperature) / sum;

				h -= share * log(share);
			}
			logp[r] = row[target[r]] / temperature - log(sum);
			ent[r] = h;
		}
	}
}

static const float dlogp[ROWS] = {1, -0.5f, 0.25f, 2, -1, 0.7f, 0.3f, -0.2f};
static const float dent[ROWS] = {0.1f, 0, -0.3f, 0.2f, 0.5f, 0, 0.05f, -0.4f};

static double reference_loss(const struct model *m, const double *p, double temperature)
{
	double logp[ROWS], ent[ROWS], s = 0;

	reference_rows(logp, ent, m, p, temperature);
	for (int i = 0; i < ROWS; i++)
		s += dlogp[i] * logp[i] + dent[i] * ent[i];
	return s;
}

static double *as_double(const struct model *m)
{
	double *p = xarray(m->n_params, sizeof *p);

	for (size_t i = 0; i < m->n_params; i++)
		p[i] = m->params[i];
	return p;
}

static void check_forward(bool tied, double temperature)
{
	double logp[ROWS], ent[ROWS], *p;
	struct pack s = pack(temperature);
	float got[ROWS], got_ent[ROWS], kept[ROWS];
	struct model m;
	struct workspace *r;

	make(&m, tied);
	p = as_double(&m);
	r = workspace_new(&m);
	reference_rows(logp, ent, &m, p, temperature);
	model_logprobs(r, &m, &s, got, got_ent);
	model_forward(r, &m, &s, kept, NULL);
	assert_memory_equal(got, kept, sizeof got);
	for (int i = 0; i < ROWS; i++) {
		double off = fmax(fabs(got[i] - logp[i]), fabs(got_ent[i] - ent[i]));

		if (!(off < 3e-6 * (1 + fabs(logp[i]))))
			fail_msg("%s: row %d is off by %g", kind->name, i, off);
	}
	workspace_free(r);
	free(p);
	model_free(&m);
}

static void forward_matches(void **state)
{
	(void)state;
	for (kind = kinds; kind < kinds + KINDS; kind++) {
		check_forward(true, 1);
		check_forward(true, 0.7);
		check_forward(false, 1);
		check_forward(false, 0.7);
	}
	kind = kinds;
}

static void gradients_match(bool tied)
{
	double temperature = 0.8, eps = 1e-5;
	struct pack s = pack(temperature);
	float logp[ROWS], *grads;
	struct model m;
	struct workspace *r;
	double *p;

	make(&m, tied);
	grads = xcalloc(m.n_params, sizeof *grads);
	r = workspace_new(&m);
	p = as_double(&m);
	model_forward(r, &m, &s, logp, NULL);
	model_backward(r, &m, &s, dlogp, dent, grads);
	for (size_t w = 0; w < m.n_w; w++) {
		double err = 0, norm2 = 0;
		/* of the families, a part of each matrix: it takes long */
		size_t step = kind == kinds || m.w[w].rank == 1 ? 1 : 5;

		for (size_t j = 0; j < m.w[w].count; j += step) {
			size_t i = m.w[w].offset + j;
			double old = p[i], up, down, want;

			p[i] = old + eps;
			up = reference_loss(&m, p, temperature);
			p[i] = old - eps;
			down = reference_loss(&m, p, temperature);
			p[i] = old;
			want = (up - down) / (2 * eps);
			err += (grads[i] - want) * (grads[i] - want);
			norm2 += want * want;
		}
		if (!(sqrt(err / norm2) < 3e-5))
			fail_msg("%s: %s: relative error %g", kind->name, m.w[w].name,
				 sqrt(err / norm2));
	}
	workspace_free(r);
	free(grads);
	free(p);
	model_free(&m);
}

static void gradients_tied(void **state)
{
	(void)state;
	gradients_match(true);
}

static void gradients_untied(void **state)
{
	(void)state;
	gradients_match(false);
}

static void gradients_of_families(void **state)
{
	(void)state;
	for (kind = kinds + 1; kind < kinds + KINDS; kind++)
		gradients_match(true);
	kind = kinds;
}

/* ---- adapters ---- */

/* An adapter of rank 3 of these layers, with B away from 0 */
static void adapt(struct model *m, unsigned targets)
{
	struct lora *l = lora_new(&m->cfg, 3, 5, targets);

	lora_random(l, 9);
	for (size_t i = 0; i < l->n_params; i++)
		l->params[i] += (float)(0.2 * rng_normal(4, i));
	lora_pack(l);
	model_adapt(m, l);
}

/* p + 5 / 3 * B A: the weights in effect, from those of m and of its adapter, a */
static void in_effect(double *to, const double *p, const double *a, const struct model *m)
{
	const struct lora *l = m->lora;

	memcpy(to, p, m->n_params * sizeof *to);
	for (size_t i = 0; i < l->n_w; i++) {
		const struct weight *wa = &l->w[i], *w, *wb = NULL;
		char name[96], *end;

		snprintf(name, sizeof name, "%s", wa->name);
		end = strstr(name, "lora_A.weight");
		if (!end)
			continue;
		strcpy(end, "lora_B.weight");
		for (const struct weight *b = l->w; b < l->w + l->n_w; b++)
			wb = strcmp(b->name, name) == 0 ? b : wb;
		strcpy(end, "weight");
		w = model_weight(m, name);
		assert_true(w && wb);
		for (int64_t r = 0; r < w->shape[0]; r++)
			for (int64_t c = 0; c < w->shape[1]; c++)
				for (int64_t y = 0; y < 3; y++)
					to[w->offset + (size_t)(r * w->shape[1] + c)] +=
						5.0 / 3 * a[wb->offset + (size_t)(r * 3 + y)] *
						a[wa->offset + (size_t)(y * w->shape[1] + c)];
	}
}

static void check_adapter(unsigned targets)
{
	double temperature = 0.8, eps = 1e-5, logp[ROWS], ent[ROWS], *p, *q_eff, *a;
	struct pack s = pack(temperature);
	float got[ROWS], *grads;
	struct model m;
	struct workspace *r;

	make(&m, true);
	adapt(&m, targets);
	grads = xcalloc(m.lora->n_params, sizeof *grads);
	a = xarray(m.lora->n_params, sizeof *a);
	for (size_t i = 0; i < m.lora->n_params; i++)
		a[i] = m.lora->params[i];
	p = as_double(&m);
	q_eff = xarray(m.n_params, sizeof *q_eff);
	in_effect(q_eff, p, a, &m);
	reference_rows(logp, ent, &m, q_eff, temperature);
	r = workspace_new(&m);
	model_forward(r, &m, &s, got, NULL);
	for (int i = 0; i < ROWS; i++)
		assert_true(fabs(got[i] - logp[i]) < 3e-6 * (1 + fabs(logp[i])));
	model_backward(r, &m, &s, dlogp, dent, grads);
	for (size_t w = 0; w < m.lora->n_w; w++) {
		double err = 0, norm2 = 0;

		for (size_t j = 0; j < m.lora->w[w].count; j += 2) {
			size_t i = m.lora->w[w].offset + j;
			double old = a[i], up, down, want;

			a[i] = old + eps;
			in_effect(q_eff, p, a, &m);
			up = reference_loss(&m, q_eff, temperature);
			a[i] = old - eps;
			in_effect(q_eff, p, a, &m);
			down = reference_loss(&m, q_eff, temperature);
			a[i] = old;
			want = (up - down) / (2 * eps);
			err += (grads[i] - want) * (grads[i] - want);
			norm2 += want * want;
		}
		if (!(sqrt(err / norm2) < 3e-5))
			fail_msg("%s: %s: relative error %g", kind->name, m.lora->w[w].name,
				 sqrt(err / norm2));
	}
	workspace_free(r);
	free(grads);
	free(a);
	free(p);
	free(q_eff);
	model_free(&m);
}

static void gradients_of_adapters(void **state)
{
	(void)state;
	check_adapter(LORA_ALL);
	check_adapter(1 << LORA_K | 1 << LORA_UP);
	check_adapter(1 << LORA_Q | 1 << LORA_V | 1 << LORA_DOWN);
	kind = &kinds[KINDS - 1]; /* biases, and norms of queries and keys */
	check_adapter(LORA_ALL);
	kind = kinds;
}

/* Biases and norms do not decay, and begin as 0 and 1. */
static void small_weights(void **state)
{
	struct config c;
	struct model m;

	(void)state;
	kind = &kinds[KINDS - 1];
	c = shape(true);
	model_init(&m, &c, 0);
	model_random(&m, 1, 0.3);
	assert_int_equal(m.n_params, config_params(&c));
	for (size_t i = 0; i < m.n_w; i++) {
		const struct weight *w = &m.w[i];
		float want = strstr(w->name, ".bias") ? 0 : 1;

		assert_int_equal(w->decay, w->rank == 2);
		for (size_t j = 0; w->rank == 1 && j < w->count; j++)
			assert_true(m.params[w->offset + j] == want);
	}
	assert_non_null(model_weight(&m, "model.layers.1.self_attn.k_norm.weight"));
	assert_non_null(model_weight(&m, "model.layers.1.self_attn.o_proj.bias"));
	model_free(&m);
	kind = kinds;
}

/* With recomputation the same bits come out, from less memory. */
static void check_recompute(void)
{
	struct pack s = pack(1);
	float logp[2][ROWS], *g[2];
	struct model m;

	make(&m, true);
	for (int i = 0; i < 2; i++) {
		struct workspace *r = workspace_new(&m);

		g[i] = xcalloc(m.n_params, sizeof *g[i]);
		workspace_recompute(r, i == 1);
		model_forward(r, &m, &s, logp[i], NULL);
		model_backward(r, &m, &s, dlogp, dent, g[i]);
		workspace_free(r);
	}
	assert_memory_equal(logp[0], logp[1], sizeof logp[0]);
	assert_memory_equal(g[0], g[1], m.n_params * sizeof *g[0]);
	free(g[0]);
	free(g[1]);
	model_free(&m);
}

static void gradients_recompute(void **state)
{
	(void)state;
	for (kind = kinds; kind < kinds + KINDS; kind++)
		check_recompute();
	kind = kinds;
}

/* Two passes add up: grads is accumulated into. */
static void gradients_accumulate(void **state)
{
	struct pack s = pack(1);
	float logp[ROWS], *a, *b;
	struct model m;
	struct workspace *r;

	(void)state;
	make(&m, true);
	a = xcalloc(m.n_params, sizeof *a);
	b = xcalloc(m.n_params, sizeof *b);
	r = workspace_new(&m);
	model_forward(r, &m, &s, logp, NULL);
	model_backward(r, &m, &s, dlogp, NULL, a);
	for (int i = 0; i < 2; i++) {
		model_forward(r, &m, &s, logp, NULL);
		model_backward(r, &m, &s, dlogp, NULL, b);
	}
	for (size_t i = 0; i < m.n_params; i++)
		assert_true(fabs(2.0 * a[i] - b[i]) <= 1e-5 * (1 + fabs(a[i])));
	workspace_free(r);
	free(a);
	free(b);
	model_free(&m);
}

/* A set of all tokens is the whole vocabulary, and a gradient by `whole` is one by logp there. */
static void a_set_of_all(void **state)
{
	struct pack s = pack(1);
	float logp[ROWS], all[ROWS], whole[ROWS], zero[ROWS] = {0}, *g[3];
	struct span kept[ROWS];
	struct buf b = {0};
	struct model m;
	struct workspace *r;
	uint32_t ids[V];

	(void)state;
	for (uint32_t i = 0; i < V; i++)
		ids[i] = i;
	kept_put(&b, ids, V);
	for (size_t i = 0; i < ROWS; i++)
		kept[i] = (struct span){b.p, b.n};
	make(&m, true);
	r = workspace_new(&m);
	for (int i = 0; i < 3; i++) {
		g[i] = xcalloc(m.n_params, sizeof *g[i]);
		s.kept = i ? kept : NULL;
		s.whole = i ? whole : NULL;
		s.dwhole = i == 2 ? dlogp : NULL;
		model_forward(r, &m, &s, i ? all : logp, NULL);
		model_backward(r, &m, &s, i == 2 ? zero : dlogp, NULL, g[i]);
		for (size_t j = 0; j < m.n_params; j++)
			assert_true(fabsf(g[i][j] - g[0][j]) <= 1e-6F * (1 + fabsf(g[0][j])));
	}
	assert_memory_equal(all, logp, s.n_rows * sizeof *logp);
	assert_memory_equal(whole, logp, s.n_rows * sizeof *logp);
	for (int i = 0; i < 3; i++)
		free(g[i]);
	buf_free(&b);
	workspace_free(r);
	model_free(&m);
}

/* Nothing is scored: nothing is added. */
static void no_rows(void **state)
{
	struct pack s = pack(1);
	float *grads;
	struct model m;
	struct workspace *r;

	(void)state;
	make(&m, false);
	grads = xcalloc(m.n_params, sizeof *grads);
	r = workspace_new(&m);
	s.n_rows = 0;
	model_forward(r, &m, &s, NULL, NULL);
	model_backward(r, &m, &s, NULL, NULL, grads);
	for (size_t i = 0; i < m.n_params; i++)
		assert_true(grads[i] == 0);
	workspace_free(r);
	free(grads);
	model_free(&m);
}

/* ---- sampler ---- */

enum { GROUPS = 5, PER = 4, NEW = 90 };

static const uint32_t prompts[] = {3, 5, 7, 2, 9, 4, 4, 0, 10, 6, 8, 8, 2, 2, 9, 3, 7, 6, 5};

static void groups_of(struct sample_group *g)
{
	static const size_t n[GROUPS] = {1, 3, 2, 8, 5};

	for (size_t i = 0, p = 0; i < GROUPS; p += n[i++])
		g[i] = (struct sample_group){.prompt = prompts + p,
					     .n_prompt = n[i],
					     .n = PER,
					     .seed = 1,
					     .step = 2,
					     .task = i};
}

static struct sample_opts sampling(double temperature, int64_t batch)
{
	return (struct sample_opts){
		.temperature = temperature, .top_p = 1, .max_new = NEW, .batch = batch};
}

/* A sample's log-probs by the trainer's pass over the whole sequence, over what was kept */
static void again(struct workspace *r, const struct model *m, const struct sample_group *g,
		  const struct sample *out, float *logp, float *ent)
{
	uint32_t tok[MAX_LEN];
	size_t st[2] = {0, g->n_prompt + out->n};
	uint32_t where[NEW];
	struct span sets = out->kept, kept[NEW];
	struct pack s = {.n_seq = 1,
			 .n_tok = st[1],
			 .tokens = tok,
			 .start = st,
			 .n_rows = out->n,
			 .at = where,
			 .target = out->tokens,
			 .temperature = 0.9};

	memcpy(tok, g->prompt, g->n_prompt * sizeof *tok);
	memcpy(tok + g->n_prompt, out->tokens, out->n * sizeof *tok);
	for (size_t j = 0; j < out->n; j++)
		where[j] = g->n_prompt - 1 + j;
	for (size_t j = 0, ids = 0; j < out->n && sets.p; j++) {
		kept[j] = kept_cut(&sets, &ids);
		kept[j].n = ids ? kept[j].n : 0;
		s.kept = kept;
	}
	model_forward(r, m, &s, logp, ent);
}

struct cut {
	double top_p;
	int64_t top_k;
};

static void same_bits(size_t n_eos, size_t least, bool adapted, struct cut cut)
{
	struct sample_opts o = sampling(0.9, 3);
	struct sample_group g[GROUPS];
	struct sample out[GROUPS * PER];
	size_t longest = 0;
	struct sampler *s;
	struct model m;
	struct workspace *r;

	make(&m, true);
	if (adapted)
		adapt(&m, LORA_ALL);
	m.cfg.n_eos = n_eos;
	groups_of(g);
	o.top_p = cut.top_p;
	o.top_k = cut.top_k;
	s = sampler_new(&m, &o);
	r = workspace_new(&m);
	assert_int_equal(sampler_run(s, g, GROUPS, out, NULL), 0);
	for (size_t i = 0; i < GROUPS * PER; i++) {
		float logp[NEW], ent[NEW];

		again(r, &m, &g[i / PER], &out[i], logp, ent);
		assert_memory_equal(logp, out[i].logprobs, out[i].n * sizeof *logp);
		assert_memory_equal(ent, out[i].entropy, out[i].n * sizeof *ent);
		assert_true(!out[i].kept.p == (cut.top_p == 1 && !cut.top_k));
		assert_true(out[i].n == NEW || out[i].stopped);
		longest = out[i].n > longest ? out[i].n : longest;
	}
	assert_true(longest >= least);
	workspace_free(r);
	sampler_free(s);
	model_free(&m);
}

static void sampler_equals_trainer(void **state)
{
	const struct cut all = {1, 0};

	(void)state;
	for (kind = kinds; kind < kinds + KINDS; kind++) {
		same_bits(1, 2, false, all);
		same_bits(0, NEW, false, all); /* more than one panel of keys is in play */
		same_bits(0, NEW, true, all);
		same_bits(0, NEW, false, (struct cut){0.8, 0});
		same_bits(1, 2, true, (struct cut){0.9, 5});
		same_bits(1, 2, false, (struct cut){1, 3});
	}
	kind = kinds;
}

static void equal_samples(const struct sample *a, const struct sample *b, size_t n)
{
	for (; n > 0; n--, a++, b++) {
		assert_int_equal(a->n, b->n);
		assert_memory_equal(a->tokens, b->tokens, a->n * sizeof *a->tokens);
		assert_memory_equal(a->logprobs, b->logprobs, a->n * sizeof *a->logprobs);
	}
}

/* A group alone, among others, in batches of one or many, dealt or not: the same tokens and floats.
 */
static void sampler_ignores_company(void **state)
{
	struct sample_group g[GROUPS];
	struct sample out[GROUPS * PER], dealt[GROUPS * PER], alone[PER];
	struct model m;

	(void)state;
	make(&m, true);
	groups_of(g);
	for (int64_t batch = 1; batch <= 7; batch += 3) {
		struct sample_opts o = sampling(1.3, 4), p = sampling(1.3, batch);
		struct sampler *s = sampler_new(&m, &o), *t = sampler_new(&m, &p);

		assert_int_equal(sampler_run(s, g, GROUPS, out, NULL), 0);
		for (size_t i = 0; i < GROUPS; i++) {
			assert_int_equal(sampler_run(t, g + i, 1, alone, NULL), 0);
			equal_samples(alone, out + i * PER, PER);
		}
		assert_int_equal(sampler_run_dealt(t, g, GROUPS, dealt, NULL), 0);
		equal_samples(dealt, out, GROUPS * PER);
		sampler_free(s);
		sampler_free(t);
	}
	model_free(&m);
}

/* Bytes of the caches alone */
static size_t cache_bytes(struct sampler *s, size_t n)
{
	return sampler_bytes(s, 4, 1, n) - n * NEW * 4 * sizeof(float);
}

/* One group on few threads, or on so many that they share its samples and each takes few. */
static void sampler_shares_a_group(void **state)
{
	enum { N = 23, THREADS = 5 };
	struct sample_opts o = sampling(1.3, 12);
	struct sample_group g = {.prompt = prompts, .n_prompt = 4, .n = N, .seed = 9};
	struct sample few[N], many[N];
	struct sampler *s, *t;
	struct model m;
	int threads = par_threads();

	(void)state;
	make(&m, true);
	s = sampler_new(&m, &o);
	assert_int_equal(sampler_run(s, &g, 1, few, NULL), 0);
	par_stop();
	par_start(THREADS);
	t = sampler_new(&m, &o);
	assert_true(cache_bytes(t, N) < cache_bytes(t, N * THREADS)); /* fewer places a thread */
	assert_true(cache_bytes(t, 2) < cache_bytes(t, N));           /* fewer threads */
	assert_int_equal(sampler_run(t, &g, 1, many, NULL), 0);
	equal_samples(few, many, N);
	sampler_free(s);
	sampler_free(t);
	model_free(&m);
	par_stop();
	par_start(threads);
}

/* A prompt that goes through the layers in parts: the trainer's floats, and memory that grows by
 * its keys and values, once for all samples, and the rows of attention. */
static void long_prompts(void **state)
{
	enum { LONG = 600, SHORT = 300, N = 2 };
	struct sample_opts o = sampling(0.9, 1);
	uint32_t prompt[LONG];
	struct sample_group g = {.prompt = prompt, .n_prompt = LONG, .n = N, .seed = 3};
	struct decode more = {.first = LONG}, less = {.first = SHORT};
	size_t grown, cache, rows;
	struct sample out[N];
	struct sampler *s;
	struct model m;
	struct workspace *r;

	(void)state;
	make(&m, true);
	m.cfg.n_eos = 0;
	more.m = less.m = &m;
	for (size_t i = 0; i < LONG; i++)
		prompt[i] = (uint32_t)rng_below(5, i, V);
	s = sampler_new(&m, &o);
	r = workspace_new(&m);
	grown = sampler_bytes(s, LONG, 1, 1) - sampler_bytes(s, SHORT, 1, 1);
	cache = (decode_first(&more) - decode_first(&less)) * sizeof(float);
	/* the rows of as many heads as attend together, and what is left of a prompt that is no
	 * whole block in a cache of its own */
	rows = 24 * (size_t)m.cfg.kv_heads * (LONG - SHORT) * sizeof(float);
	assert_in_range(grown, cache, cache + rows + GEMM_MR * cache / (LONG - SHORT) * BF16_BLOCK);
	assert_int_equal(sampler_run(s, &g, 1, out, NULL), 0);
	for (size_t i = 0; i < N; i++) {
		float logp[NEW], ent[NEW];

		again(r, &m, &g, &out[i], logp, ent);
		assert_int_equal(out[i].n, NEW);
		assert_memory_equal(logp, out[i].logprobs, sizeof logp);
	}
	workspace_free(r);
	sampler_free(s);
	model_free(&m);
}

/* Nothing of earlier weights is left in a sampler. */
static void sampler_follows_weights(void **state)
{
	struct sample_opts o = sampling(1, 4);
	struct sample_group g[GROUPS];
	struct sample kept[GROUPS * PER], fresh[GROUPS * PER];
	struct sampler *s, *t;
	struct model m;

	(void)state;
	make(&m, true);
	groups_of(g);
	s = sampler_new(&m, &o);
	assert_int_equal(sampler_run(s, g, GROUPS, kept, NULL), 0);
	model_random(&m, 77, 0.3);
	t = sampler_new(&m, &o);
	assert_int_equal(sampler_run(s, g, GROUPS, kept, NULL), 0);
	assert_int_equal(sampler_run(t, g, GROUPS, fresh, NULL), 0);
	equal_samples(kept, fresh, GROUPS * PER);
	sampler_free(s);
	sampler_free(t);
	model_free(&m);
}

/* Frequencies of the first token follow the distribution that the log-probs claim. */
static void draws_what_it_says(double top_p, int64_t top_k, int most)
{
	enum { N = 4000 };
	struct sample_opts o = {
		.temperature = 1.5, .top_p = top_p, .top_k = top_k, .max_new = 1, .batch = 8};
	struct sample_group g = {.prompt = prompts, .n_prompt = 4, .n = N, .seed = 5};
	struct sample *out = xarray(N, sizeof *out);
	double count[V] = {0}, p[V] = {0}, chi = 0, mass = 0;
	struct sampler *s;
	struct model m;
	int seen = 0;

	make(&m, true);
	s = sampler_new(&m, &o);
	assert_int_equal(sampler_run(s, &g, 1, out, NULL), 0);
	for (size_t i = 0; i < N; i++) {
		count[out[i].tokens[0]]++;
		p[out[i].tokens[0]] = exp(out[i].logprobs[0]);
	}
	for (int i = 0; i < V; i++) {
		mass += p[i];
		seen += p[i] > 0;
		if (p[i] > 0)
			chi += (count[i] - N * p[i]) * (count[i] - N * p[i]) / (N * p[i]);
	}
	assert_true(fabs(mass - 1) < 2e-3); /* every likely token turned up, none is over-claimed */
	assert_true(chi < 35);              /* 10 degrees of freedom: 1e-4 */
	assert_true(seen <= most);
	sampler_free(s);
	free(out);
	model_free(&m);
}

static void sampler_distribution(void **state)
{
	(void)state;
	draws_what_it_says(1, 0, V);
	draws_what_it_says(1, 3, 3);
	draws_what_it_says(0.6, 0, V - 1);
	draws_what_it_says(0.8, 5, 5);
	draws_what_it_says(1e-9, 0, 1);
}

static void sampler_greedy(void **state)
{
	struct sample_opts o = sampling(0, 2), one = {.temperature = 1,
						      .top_p = 1,
						      .top_k = 1,
						      .max_new = NEW,
						      .batch = 2};
	struct sample_group g[GROUPS];
	struct sample a[GROUPS * PER], b[GROUPS * PER];
	struct sampler *s, *t;
	struct model m;

	(void)state;
	make(&m, true);
	groups_of(g);
	s = sampler_new(&m, &o);
	t = sampler_new(&m, &one);
	assert_int_equal(sampler_run(s, g, GROUPS, a, NULL), 0);
	assert_int_equal(sampler_run(t, g, GROUPS, b, NULL), 0);
	for (size_t i = 0; i < GROUPS * PER; i++) {
		assert_int_equal(a[i].n, b[i].n);
		assert_memory_equal(a[i].tokens, b[i].tokens, a[i].n * sizeof *a[i].tokens);
		assert_int_equal(b[i].kept.n, 2 * b[i].n); /* a count and an id */
		for (size_t h = 0; h < b[i].n; h++)
			assert_true(b[i].logprobs[h] == 0);
	}
	sampler_free(s);
	sampler_free(t);
	model_free(&m);
}

static void sampler_refuses(void **state)
{
	struct sample_opts o = sampling(1, 2);
	uint32_t bad = V;
	struct sample_group empty = {.prompt = prompts, .n_prompt = 0, .n = 1};
	struct sample_group alien = {.prompt = &bad, .n_prompt = 1, .n = 1};
	struct sample_group fine = {.prompt = prompts, .n_prompt = 1, .n = 1};
	struct reason why = {0};
	struct sample out[1];
	struct model m;
	struct sampler *s;

	(void)state;
	make(&m, true);
	s = sampler_new(&m, &o);
	assert_int_equal(sampler_run(s, &empty, 1, out, &why), ST_INPUT);
	assert_int_equal(sampler_run(s, &alien, 1, out, &why), ST_INPUT);
	m.params[m.norm.w] = NAN;
	assert_int_equal(sampler_run(s, &fine, 1, out, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "not finite"));
	sampler_free(s);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_matches),
		cmocka_unit_test(gradients_tied),
		cmocka_unit_test(gradients_untied),
		cmocka_unit_test(gradients_accumulate),
		cmocka_unit_test(a_set_of_all),
		cmocka_unit_test(no_rows),
		cmocka_unit_test(gradients_recompute),
		cmocka_unit_test(gradients_of_families),
		cmocka_unit_test(gradients_of_adapters),
		cmocka_unit_test(small_weights),
		cmocka_unit_test(sampler_equals_trainer),
		cmocka_unit_test(sampler_ignores_company),
		cmocka_unit_test(sampler_shares_a_group),
		cmocka_unit_test(long_prompts),
		cmocka_unit_test(sampler_follows_weights),
		cmocka_unit_test(sampler_distribution),
		cmocka_unit_test(sampler_greedy),
		cmocka_unit_test(sampler_refuses),
	};
	int failed;

	par_start(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
