/*
 * policy-families.c - each family against tiny random models of it whose logits, losses and
 * gradients transformers has computed in float64; and what is promised of all of them: sampler and
 * trainer give the same bits, whatever the batch, the threads and what is computed anew; adapters;
 * bf16; saved with the names that it came with.
 */
#include "scratch.h"

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/decode.h"
#include "model/part.h"
#include "model/sampler.h"
#include "policy/policy.h"

#include <math.h>

#include <jansson.h>

static const char *const families[] = {
	"llama",        "qwen2",      "qwen3",         "smollm3",
	"granite",      "olmo2",      "olmo3",         "phi3",
	"mistral",      "ministral",  "ministral3",    "gemma2",
	"gemma3_text",  "starcoder2", "stablelm",      "stablelm_parallel",
	"exaone4",      "glm4",       "seed_oss",      "hunyuan_v1_dense",
	"ernie4_5",     "apertus",    "phi3_longrope", "lfm2",
	"qwen3_5_text",
};

enum { FAMILY_DIRS = sizeof families / sizeof *families };
enum { MOST = 32 };

struct golden {
	char dir[4096];
	json_t *j;
	struct policy p;
	/* both sequences one behind the other, every prediction scored */
	uint32_t tokens[2 * MOST], at[2 * MOST], target[2 * MOST];
	size_t start[3], n_rows;
};

static const json_t *sequence(const struct golden *g, size_t s)
{
	return json_array_get(json_object_get(g->j, "sequences"), s);
}

static void golden_open(struct golden *g, const char *name, int how)
{
	struct reason why = {0};
	const json_t *v;
	size_t i, n = 0;

	memset(g, 0, sizeof *g);
	snprintf(g->dir, sizeof g->dir, "%s", shared_data(""));
	snprintf(g->dir + strlen(g->dir), sizeof g->dir - strlen(g->dir), "models/%s", name);
	g->j = json_load_file(scratch_path(g->dir, "golden.json"), 0, NULL);
	assert_non_null(g->j);
	if (policy_load(&g->p, g->dir, how, &why))
		fail_msg("%s", why.text);
	for (size_t s = 0; s < 2; s++) {
		json_array_foreach(json_object_get(sequence(g, s), "ids"), i, v)
		{
			g->tokens[n] = (uint32_t)json_integer_value(v);
			if (i) {
				g->at[g->n_rows] = (uint32_t)(n - 1);
				g->target[g->n_rows++] = g->tokens[n];
			}
			n++;
		}
		g->start[s + 1] = n;
	}
}

static void golden_close(struct golden *g)
{
	policy_free(&g->p);
	json_decref(g->j);
}

static struct pack pack_of(const struct golden *g)
{
	return (struct pack){.n_seq = 2,
			     .n_tok = g->start[2],
			     .tokens = g->tokens,
			     .start = g->start,
			     .n_rows = g->n_rows,
			     .at = g->at,
			     .target = g->target,
			     .temperature = 1};
}

/* Each with its own name in what fails, and skipped where the goldens are not */
static void each(void (*check)(struct golden *), int how)
{
	static struct golden g;

	for (size_t i = 0; i < FAMILY_DIRS; i++) {
		const char *only = getenv("FAMILY");

		if (only && strcmp(only, families[i]) != 0)
			continue;
		golden_open(&g, families[i], how);
		check(&g);
		golden_close(&g);
	}
}

/* transformers chooses one of longrope's lists by the length of the text: the first sequence is
 * beyond the original length, the second is not. */
static void choose_list(struct golden *g, size_t s)
{
	struct model *m = &g->p.model;

	if (m->cfg.rope.type != ROPE_LONGROPE)
		return;
	m->cfg.rope.is_long = s == 0;
	angles_free(m->rope);
	m->rope = m->local = angles_new(&m->cfg.rope, m->cfg.max_len,
					rope_turned(&m->cfg.rope, m->cfg.head_dim));
}

/* Log-probs of a pack, and the gradients of their mean over all n */
static void pass(struct golden *g, const struct pack *p, size_t n, float *logp, float *grads,
		 bool recompute)
{
	struct workspace *r = workspace_new(&g->p.model);
	float dlogp[2 * MOST];

	for (size_t i = 0; i < p->n_rows; i++)
		dlogp[i] = -1.0f / (float)n;
	workspace_recompute(r, recompute);
	model_forward(r, &g->p.model, p, logp, NULL);
	model_backward(r, &g->p.model, p, dlogp, NULL, grads);
	workspace_free(r);
}

static float *passes(struct golden *g, float *logp, bool recompute)
{
	float *grads = xcalloc(model_trained(&g->p.model).n + 1, sizeof *grads);
	struct pack p = pack_of(g), one = p;
	size_t second[] = {0, g->start[2] - g->start[1]}, n = g->start[1] - 1;
	uint32_t at[MOST];

	if (g->p.model.cfg.rope.type != ROPE_LONGROPE) {
		pass(g, &p, p.n_rows, logp, grads, recompute);
		return grads;
	}
	one = (struct pack){.n_seq = 1,
			    .n_tok = g->start[1],
			    .tokens = p.tokens,
			    .start = p.start,
			    .n_rows = n,
			    .at = p.at,
			    .target = p.target,
			    .temperature = 1};
	choose_list(g, 0);
	pass(g, &one, p.n_rows, logp, grads, recompute);
	for (size_t i = n; i < p.n_rows; i++)
		at[i - n] = p.at[i] - (uint32_t)g->start[1];
	one = (struct pack){.n_seq = 1,
			    .n_tok = second[1],
			    .tokens = p.tokens + g->start[1],
			    .start = second,
			    .n_rows = p.n_rows - n,
			    .at = at,
			    .target = p.target + n,
			    .temperature = 1};
	choose_list(g, 1);
	pass(g, &one, p.n_rows, logp + n, grads, recompute);
	choose_list(g, 0);
	return grads;
}

/* ---- logits, losses, gradients ---- */

struct cache {
	struct decode d;
	struct decode_room room;
	float *mem;
	struct decode_kv kv;
};

static struct cache cache_new(const struct model *m, size_t len)
{
	struct cache c = {.d = {.m = m, .rows = 7, .first = len, .own = len}};

	c.mem = xcalloc(decode_lay_out(&c.room, &c.d, NULL) + 64, sizeof *c.mem);
	decode_lay_out(&c.room, &c.d, c.mem);
	c.kv.own = xcalloc(decode_own(&c.d) + 64, sizeof *c.kv.own);
	return c;
}

static void cache_free(struct cache *c)
{
	free(c->mem);
	free(c->kv.own);
}

/* Two prompts at once, of n tokens and of one: the logits that each has alone, the same cache */
static void together(const struct cache *alone, struct cache to[2], const uint32_t *tokens,
		     size_t n, const float *logits, const float *of_one)
{
	size_t v = (size_t)alone->d.m->cfg.vocab;
	struct decode_prompt two[2] = {{tokens, n, to[0].kv.own}, {tokens, 1, to[1].kv.own}};
	float *got = xarray(2 * v, sizeof *got);

	decode_prompts(&to[0].d, &to[0].room, two, 2, got);
	assert_memory_equal(got, logits, v * sizeof *got);
	assert_memory_equal(got + v, of_one, v * sizeof *got);
	assert_memory_equal(to[0].kv.own, alone->kv.own,
			    decode_first(&alone->d) * sizeof *alone->kv.own);
	free(got);
}

/* Of every position: the prompt up to it, and token by token; the same bits. */
static double logits_off(struct golden *g, size_t s)
{
	size_t v = (size_t)g->p.cfg.vocab, n = g->start[s + 1] - g->start[s];
	const uint32_t *tokens = g->tokens + g->start[s];
	struct cache whole = cache_new(&g->p.model, n), step = cache_new(&g->p.model, n);
	struct cache two[2] = {cache_new(&g->p.model, n), cache_new(&g->p.model, n)};
	float *a = xarray(v, sizeof *a), *b = xarray(v, sizeof *b), *one_a = xarray(v, sizeof *a);
	double off = 0, most = 0;

	choose_list(g, s);
	for (size_t t = 0; t < n; t++) {
		const json_t *row = json_array_get(json_object_get(sequence(g, s), "logits"), t);
		uint32_t pos = (uint32_t)t;
		struct decode_batch one = {&step.kv, tokens + t, &pos, 1};

		struct decode_prompt all = {tokens, t + 1, whole.kv.own};
		struct decode_prompt first = {tokens, 1, step.kv.own};

		decode_prompts(&whole.d, &whole.room, &all, 1, a);
		if (!t)
			memcpy(one_a, a, v * sizeof *a);
		together(&whole, two, tokens, t + 1, a, one_a);
		if (t)
			decode_tokens(&step.d, &step.room, &one, b);
		else
			decode_prompts(&step.d, &step.room, &first, 1, b);
		assert_memory_equal(a, b, v * sizeof *a);
		for (size_t i = 0; i < v; i++) {
			double want = json_number_value(json_array_get(row, i));

			off = fmax(off, fabs((double)a[i] - want));
			most = fmax(most, fabs(want));
		}
	}
	cache_free(&whole);
	cache_free(&step);
	cache_free(&two[0]);
	cache_free(&two[1]);
	free(one_a);
	free(a);
	free(b);
	return off / most;
}

static double worst_of(double worst, double off, const char *what, const char *name, double bound)
{
	if (!(off < bound))
		fail_msg("%s: %s is off by %g", what, name, off);
	return fmax(worst, off);
}

/* |sum| and sum of squares, and three numbers, against the tensor's own size */
static double gradient_off(const struct weight *w, const float *grads, const json_t *want)
{
	double n = (double)w->count, sum = 0, squares = 0, off, size;
	double wanted = json_number_value(json_object_get(want, "sumsq"));
	const json_t *v;
	size_t i;

	for (i = 0; i < w->count; i++) {
		sum += grads[w->offset + i];
		squares += (double)grads[w->offset + i] * grads[w->offset + i];
	}
	size = sqrt(wanted / n) + (wanted < 1e-20 ? 1e-3 : 0); /* of a key's bias: 0 */
	off = fabs(sqrt(squares) - sqrt(wanted)) / (sqrt(n) * size);
	off = fmax(off, fabs(sum - json_number_value(json_object_get(want, "sum"))) / (n * size));
	json_array_foreach(json_object_get(want, "at"), i, v)
	{
		double x = json_number_value(json_array_get(v, 1));
		size_t at = (size_t)json_integer_value(json_array_get(v, 0));

		off = fmax(off, fabs(grads[w->offset + at] - x) / (fabs(x) + size));
	}
	return off;
}

static void check_numbers(struct golden *g)
{
	const char *name = strrchr(g->dir, '/') + 1;
	const json_t *tensors = json_object_get(g->j, "tensors");
	double off = 0, loss = 0, worst = 0;
	float logp[2 * MOST], *grads = passes(g, logp, false);
	size_t found = 0;

	for (size_t s = 0; s < 2; s++)
		off = worst_of(off, logits_off(g, s), "logits", name, 2e-5);
	for (size_t i = 0; i < g->n_rows; i++)
		loss -= (double)logp[i] / (double)g->n_rows;
	loss = fabs(loss - json_number_value(json_object_get(g->j, "loss")));
	worst_of(0, loss, "loss", name, 1e-6);
	for (const struct weight *w = g->p.model.w; w < g->p.model.w + g->p.model.n_w; w++) {
		const json_t *want = json_object_get(tensors, w->name);
		char what[160];

		snprintf(what, sizeof what, "%s: gradient of", name);
		if (want)
			worst = worst_of(worst, gradient_off(w, grads, want), what, w->name, 1e-4);
		found += want ? 1 : 0;
		for (size_t i = 0; !want && i < w->count; i++)
			assert_true(grads[w->offset + i] == 0);
	}
	assert_int_equal(found, json_object_size(tensors));
	print_message("%-18s logits %.1e loss %.1e gradients %.1e\n", name, off, loss, worst);
	free(grads);
}

static void numbers(void **state)
{
	(void)state;
	each(check_numbers, 0);
}

/* ---- the same bits ---- */

static void check_bits(struct golden *g)
{
	float logp[3][2 * MOST], *grads[3];

	for (int i = 0; i < 3; i++) {
		par_start(i == 1 ? 3 : 1);
		grads[i] = passes(g, logp[i], i == 2);
		par_stop();
		assert_memory_equal(logp[0], logp[i], g->n_rows * sizeof **logp);
		assert_memory_equal(grads[0], grads[i], g->p.model.n_params * sizeof *grads[0]);
	}
	for (int i = 0; i < 3; i++)
		free(grads[i]);
}

static void threads_and_recomputation(void **state)
{
	(void)state;
	each(check_bits, 0);
}

struct parts { /* put together */
	const struct model *m;
	float *all;
	size_t n;
};

static void keep_part(void *ctx, size_t i, const float *grads)
{
	struct parts *p = ctx;
	size_t from, n;

	assert_int_equal(i, p->n++);
	part_range(p->m, i, &from, &n);
	memcpy(p->all + from, grads, n * sizeof *grads);
}

static void check_parts(struct golden *g)
{
	const struct model *m = &g->p.model;
	struct pack p = pack_of(g);
	struct workspace *r = workspace_new(m);
	float dlogp[2 * MOST], logp[2 * MOST], *whole = xcalloc(m->n_params, sizeof *whole);
	struct parts parts = {.m = m, .all = xcalloc(m->n_params, sizeof *parts.all)};
	struct grads_to to = {.part = keep_part, .ctx = &parts};

	if (m->cfg.rope.type == ROPE_LONGROPE)
		p.n_seq = 1, p.n_tok = g->start[1], p.n_rows = g->start[1] - 1;
	for (size_t i = 0; i < p.n_rows; i++)
		dlogp[i] = -1.0f / (float)p.n_rows;
	to.room = xarray(part_room(m), sizeof *to.room);
	memset(to.room, 0x7f, part_room(m) * sizeof *to.room); /* and not zeros */
	model_forward(r, m, &p, logp, NULL);
	model_backward(r, m, &p, dlogp, NULL, whole);
	model_forward(r, m, &p, logp, NULL);
	model_backward_parts(r, m, &p, dlogp, NULL, &to);
	assert_int_equal(parts.n, part_count(m));
	assert_memory_equal(parts.all, whole, m->n_params * sizeof *whole);
	free(whole);
	free(parts.all);
	free(to.room);
	workspace_free(r);
}

static void gradients_in_parts(void **state)
{
	(void)state;
	each(check_parts, 0);
	each(check_parts, MODEL_BF16);
}

enum { GROUPS = 2, PER = 3, NEW = 26 };

/* A sample's log-probs by the trainer's pass over the whole sequence */
static void again(const struct model *m, const struct sample_group *q, const struct sample *out,
		  float *logp)
{
	uint32_t tokens[64], at[NEW];
	size_t start[2] = {0, q->n_prompt + out->n};
	struct pack p = {.n_seq = 1,
			 .n_tok = start[1],
			 .tokens = tokens,
			 .start = start,
			 .n_rows = out->n,
			 .at = at,
			 .target = out->tokens,
			 .temperature = 0.9};
	struct workspace *r = workspace_new(m);

	memcpy(tokens, q->prompt, q->n_prompt * sizeof *tokens);
	memcpy(tokens + q->n_prompt, out->tokens, out->n * sizeof *tokens);
	for (size_t i = 0; i < out->n; i++)
		at[i] = (uint32_t)(q->n_prompt - 1 + i);
	model_logprobs(r, m, &p, logp, NULL);
	workspace_free(r);
}

static void check_sampler(struct golden *g)
{
	const struct sample_opts opts = {
		.temperature = 0.9, .top_p = 1, .max_new = NEW, .batch = 4};
	struct sample_group groups[GROUPS] = {{.prompt = g->tokens, .n_prompt = 20, .n = PER},
					      {.prompt = g->tokens + 3, .n_prompt = 2, .n = PER}};
	struct sample out[GROUPS * PER];
	struct sampler *s = sampler_new(&g->p.model, &opts);

	assert_int_equal(sampler_run(s, groups, GROUPS, out, NULL), 0);
	for (size_t i = 0; i < GROUPS * PER; i++) {
		float logp[NEW];

		again(&g->p.model, &groups[i / PER], &out[i], logp);
		assert_memory_equal(logp, out[i].logprobs, out[i].n * sizeof *logp);
	}
	sampler_free(s);
}

static void sampler_is_trainer(void **state)
{
	(void)state;
	each(check_sampler, 0);
	each(check_sampler, MODEL_BF16);
	each(check_sampler, MODEL_FROZEN);
}

/* Two texts with the same 9 tokens in front, which are there once or twice */
static float *shared(struct golden *g, bool once, float *logp)
{
	enum { PRE = 9, REST = 8 };
	struct model *m = &g->p.model;
	uint32_t tokens[2 * (PRE + REST)], at[2 * REST], target[2 * REST];
	size_t start[4] = {0}, prefix[3] = {0, 0, 0}, n = 0, rows = 0;
	float *grads = xcalloc(m->n_params, sizeof *grads), dlogp[2 * REST];
	struct workspace *r = workspace_new(m);
	struct pack p = {.tokens = tokens, .start = start, .at = at, .target = target};

	for (size_t s = 0; s < 2; s++) {
		for (size_t t = 0; t < PRE && (!once || !s); t++)
			tokens[n++] = g->tokens[t];
		if (once && !s)
			start[++p.n_seq] = n;
		for (size_t t = 0; t < REST; t++, n++) {
			tokens[n] = g->tokens[s ? g->start[1] + t : PRE + t];
			at[rows] = (uint32_t)(t ? n - 1 : once ? PRE - 1 : n - 1);
			target[rows++] = tokens[n];
		}
		start[++p.n_seq] = n;
	}
	p.n_tok = n;
	p.n_rows = rows;
	p.prefix = once ? prefix : NULL;
	p.temperature = 1;
	for (size_t i = 0; i < rows; i++)
		dlogp[i] = 0.1f * (float)(i % 5) - 0.2f;
	model_forward(r, m, &p, logp, NULL);
	model_backward(r, m, &p, dlogp, NULL, grads);
	workspace_free(r);
	return grads;
}

static void check_prefix(struct golden *g)
{
	float logp[2][16], *grads[2] = {shared(g, false, logp[0]), shared(g, true, logp[1])};

	assert_memory_equal(logp[0], logp[1], sizeof logp[0]);
	for (const struct weight *w = g->p.model.w; w < g->p.model.w + g->p.model.n_w; w++) {
		double off = 0, size = 0;

		for (size_t i = w->offset; i < w->offset + w->count; i++) {
			off += pow((double)grads[0][i] - grads[1][i], 2);
			size += pow(grads[0][i], 2);
		}
		worst_of(0, sqrt(off) / (sqrt(size) + 1e-3), g->dir, w->name, 1e-4);
	}
	free(grads[0]);
	free(grads[1]);
}

static void prefixes(void **state)
{
	(void)state;
	each(check_prefix, 0);
}

/* ---- adapters ---- */

static struct lora *adapter(const struct config *c)
{
	struct lora *l = lora_new(c, 3, 5, LORA_ALL);

	lora_random(l, 9);
	for (size_t i = 0; i < l->n_params; i++)
		l->params[i] += (float)(0.05 * rng_normal(4, i));
	lora_pack(l);
	return l;
}

/* A's or B's gradient from that of the merged weight: dB = s dW A', dA = s B' dW */
static double part_off(const struct lora *l, const struct weight *a, const struct weight *b,
		       const struct weight *w, const float *grads, const float *whole)
{
	const double scale = 5.0 / 3;
	double off = 0, size = 0;
	int64_t out = w->shape[0], in = w->shape[1];

	for (int64_t r = 0; r < 3; r++)
		for (int64_t i = 0; i < in + out; i++) {
			double want = 0, got;

			for (int64_t k = 0; k < (i < in ? out : in); k++)
				want += scale *
					(i < in ? (double)l->params[b->offset +
								    (size_t)(k * 3 + r)] *
							  whole[w->offset + (size_t)(k * in + i)]
						: (double)l->params[a->offset +
								    (size_t)(r * in + k)] *
							  whole[w->offset +
								(size_t)((i - in) * in + k)]);
			got = i < in ? grads[a->offset + (size_t)(r * in + i)]
				     : grads[b->offset + (size_t)((i - in) * 3 + r)];
			off += (got - want) * (got - want);
			size += want * want;
		}
	return sqrt(off / size);
}

static const struct weight *weight_called(const struct lora *l, const char *name, const char *which)
{
	size_t n = strlen(name) - strlen("weight");

	for (size_t i = 0; i < l->n_w; i++)
		if (strncmp(l->w[i].name, name, n) == 0 &&
		    strncmp(l->w[i].name + n, which, strlen(which)) == 0)
			return &l->w[i];
	return NULL;
}

static void check_adapter(struct golden *g)
{
	float logp[2][2 * MOST], *grads, *whole;
	struct lora *l = adapter(&g->p.cfg), *copy = lora_copy(l);
	struct model *m = &g->p.model;
	size_t found = 0;

	model_adapt(m, l);
	check_sampler(g);
	grads = passes(g, logp[0], false);
	model_merge(m);
	whole = passes(g, logp[1], false);
	for (size_t i = 0; i < g->n_rows; i++)
		assert_true(fabs(logp[0][i] - logp[1][i]) < 1e-4);
	for (const struct weight *w = m->w; w < m->w + m->n_w; w++) {
		const struct weight *a = weight_called(copy, w->name, "lora_A");
		const struct weight *b = weight_called(copy, w->name, "lora_B");

		if (a)
			worst_of(0, part_off(copy, a, b, w, grads, whole), g->dir, w->name, 1e-4);
		found += a ? 2 : 0;
	}
	assert_int_equal(found, copy->n_w);
	assert_true(found >= 8 * (size_t)g->p.cfg.layers);
	lora_free(copy);
	free(grads);
	free(whole);
}

static void adapters(void **state)
{
	(void)state;
	each(check_adapter, 0);
}

/* ---- rounded, saved, counted ---- */

/* The log-prob of the token behind position t of a sequence, by the golden's logits */
static double wanted_logp(const struct golden *g, size_t s, size_t t)
{
	const json_t *row = json_array_get(json_object_get(sequence(g, s), "logits"), t), *v;
	double sum = 0;
	size_t i;

	json_array_foreach(row, i, v) sum += exp(json_number_value(v));
	return json_number_value(json_array_get(row, g->tokens[g->start[s] + t + 1])) - log(sum);
}

/* Against a product that is rounded otherwise, a pass that is wrong stands out by tokens, not by a
 * mean over them, which random weights keep near that of a uniform guess. */
static void check_bf16(struct golden *g)
{
	float logp[2 * MOST], *grads = passes(g, logp, false);
	double squares = 0;
	size_t n = 0;

	for (size_t s = 0; s < 2; s++)
		for (size_t t = 0; t + 1 < g->start[s + 1] - g->start[s]; t++, n++) {
			double off = (double)logp[n] - wanted_logp(g, s, t);

			squares += off * off;
		}
	assert_int_equal(n, g->n_rows);
	worst_of(0, sqrt(squares / (double)n), "log-probs in bf16", g->dir, 0.05);
	free(grads);
}

static void in_bf16(void **state)
{
	(void)state;
	each(check_bf16, MODEL_BF16);
}

static void check_saved(struct golden *g)
{
	const struct weights_form form = policy_form("trained", "nearest", 0);
	const char *parent = scratch_new();
	char dir[4200];
	struct policy back;
	struct reason why = {0};
	struct sft_file was, is;

	snprintf(dir, sizeof dir, "%s/p", parent);
	if (policy_save(&g->p, dir, &form, &why) || policy_load(&back, dir, 0, &why))
		fail_msg("%s", why.text);
	assert_true(model_hash(&back.model) == model_hash(&g->p.model));
	assert_int_equal(back.model.n_params, config_params(&g->p.cfg));
	assert_int_equal(sft_open(&was, g->dir, NULL), 0);
	assert_int_equal(sft_open(&is, dir, NULL), 0);
	assert_int_equal(was.n, is.n);
	for (size_t i = 0; i < is.n; i++) {
		assert_string_equal(was.v[i].name, is.v[i].name);
		assert_int_equal(was.v[i].rank, is.v[i].rank);
		assert_memory_equal(was.v[i].shape, is.v[i].shape,
				    (size_t)is.v[i].rank * sizeof *is.v[i].shape);
	}
	sft_close(&was);
	sft_close(&is);
	policy_free(&back);
	scratch_free(dir);
	scratch_free(parent);
}

static void saved(void **state)
{
	(void)state;
	each(check_saved, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(threads_and_recomputation),
		cmocka_unit_test(gradients_in_parts),
		cmocka_unit_test(sampler_is_trainer),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(adapters),
		cmocka_unit_test(in_bf16),
		cmocka_unit_test(saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
