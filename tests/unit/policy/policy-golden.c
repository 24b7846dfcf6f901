/*
 * policy-golden.c - our numbers against others': log-probabilities, entropies, gradients and ten
 * AdamW steps of tests/oracle/golden.py (PyTorch, float64), and a published model's greedy text.
 */
#include "scratch.h"

#include "base/mem.h"
#include "learn/optimizer.h"
#include "policy/policy.h"
#include "model/sampler.h"

#include <math.h>

#include <jansson.h>

struct golden {
	struct policy policy;
	struct pack pack;
	float *w, *e; /* (n_rows) weights of log-probability and entropy */
	float *logp, *entropy;
	struct sft_file score;
	char dir[64];
};

static void *convert(const float *v, size_t n, size_t size)
{
	void *to = xarray(n, size);

	for (size_t i = 0; i < n; i++)
		if (size == sizeof(uint32_t))
			((uint32_t *)to)[i] = (uint32_t)v[i];
		else
			((size_t *)to)[i] = (size_t)v[i];
	return to;
}

/* A tensor of a file, with its length */
static float *tensor(const struct sft_file *f, const char *name, size_t *n)
{
	const struct sft_tensor *t = sft_find(f, name);
	float *v;

	if (!t)
		fail_msg("%s is missing", name);
	v = xarray(t->count, sizeof *v);
	assert_int_equal(sft_read(f, t, v, NULL), 0);
	if (n)
		*n = t->count;
	return v;
}

/* One of the pack's arrays of whole numbers */
static void *numbers(const struct sft_file *f, const char *name, size_t size, size_t *n)
{
	float *v = tensor(f, name, n);
	void *to = convert(v, *n, size);

	free(v);
	return to;
}

static void golden_open(struct golden *g, const char *name)
{
	struct reason why;
	size_t n;

	memset(g, 0, sizeof *g);
	snprintf(g->dir, sizeof g->dir, "tests/data/golden/%s", name);
	if (policy_load(&g->policy, g->dir, 0, &why))
		fail_msg("%s", why.text);
	if (sft_open(&g->score, scratch_path(g->dir, "score"), &why))
		fail_msg("%s", why.text);
	g->pack.tokens = numbers(&g->score, "tokens", sizeof(uint32_t), &g->pack.n_tok);
	g->pack.start = numbers(&g->score, "start", sizeof(size_t), &n);
	g->pack.n_seq = n - 1;
	g->pack.at = numbers(&g->score, "at", sizeof(uint32_t), &g->pack.n_rows);
	g->pack.target = numbers(&g->score, "target", sizeof(uint32_t), &n);
	g->w = tensor(&g->score, "w", NULL);
	g->e = tensor(&g->score, "e", NULL);
	g->logp = xarray(g->pack.n_rows, sizeof(float));
	g->entropy = xarray(g->pack.n_rows, sizeof(float));
}

static void golden_close(struct golden *g)
{
	sft_close(&g->score);
	policy_free(&g->policy);
	free((void *)g->pack.tokens);
	free((void *)g->pack.start);
	free((void *)g->pack.at);
	free((void *)g->pack.target);
	free(g->w);
	free(g->e);
	free(g->logp);
	free(g->entropy);
}

static double worst(const float *a, const float *b, size_t n)
{
	double d = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(isfinite(a[i]));
		d = fmax(d, fabs((double)a[i] - b[i]));
	}
	return d;
}

/* |a - b| / |b| */
static double relative(const float *a, const float *b, size_t n)
{
	double diff = 0, norm = 0;

	for (size_t i = 0; i < n; i++) {
		diff += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
		norm += (double)b[i] * b[i];
	}
	return sqrt(diff / norm);
}

static void check_scores(struct golden *g, double temperature, double bound)
{
	static const struct {
		const char *logp, *entropy;
	} names[] = {{"logp_1", "entropy_1"}, {"logp_0.7", "entropy_0.7"}};
	int which = temperature < 1;
	float *logp = tensor(&g->score, names[which].logp, NULL);
	float *entropy = tensor(&g->score, names[which].entropy, NULL);
	struct workspace *r = workspace_new(&g->policy.model);

	g->pack.temperature = temperature;
	for (int keep = 0; keep < 2; keep++) {
		memset(g->logp, 0, g->pack.n_rows * sizeof *g->logp);
		memset(g->entropy, 0, g->pack.n_rows * sizeof *g->entropy);
		(keep ? model_forward : model_logprobs)(r, &g->policy.model, &g->pack, g->logp,
							g->entropy);
		assert_true(worst(g->logp, logp, g->pack.n_rows) < bound);
		assert_true(worst(g->entropy, entropy, g->pack.n_rows) < bound);
	}
	workspace_free(r);
	free(logp);
	free(entropy);
}

static void check_grads(struct golden *g)
{
	const struct model *m = &g->policy.model;
	struct workspace *r = workspace_new(m);
	float *grads = xcalloc(m->n_params, sizeof *grads);
	struct sft_file f;

	g->pack.temperature = 0.7;
	model_forward(r, m, &g->pack, g->logp, g->entropy);
	model_backward(r, m, &g->pack, g->w, g->e, grads);
	assert_int_equal(sft_open(&f, scratch_path(g->dir, "grad"), NULL), 0);
	assert_int_equal(f.n, m->n_w);
	for (size_t i = 0; i < m->n_w; i++) {
		float *want = tensor(&f, m->w[i].name, NULL);
		double off = relative(grads + m->w[i].offset, want, m->w[i].count);

		if (!(off < 1e-4))
			fail_msg("gradient of %s is off by %g", m->w[i].name, off);
		free(want);
	}
	sft_close(&f);
	workspace_free(r);
	free(grads);
}

static void check_steps(struct golden *g)
{
	const struct optimizer_opts opts = {
		.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 1};
	struct model *m = &g->policy.model;
	struct workspace *r = workspace_new(m);
	float *grads = xarray(m->n_params, sizeof *grads);
	struct optimizer a;
	struct sft_file f;

	g->pack.temperature = 1;
	optimizer_init(&a, &opts, m->w, m->n_w);
	for (int step = 0; step < 10; step++) {
		memset(grads, 0, m->n_params * sizeof *grads);
		model_forward(r, m, &g->pack, g->logp, g->entropy);
		model_backward(r, m, &g->pack, g->w, g->e, grads);
		assert_true(optimizer_step(&a, m->params, grads, 1e-3, NULL));
		model_pack(m);
	}
	assert_int_equal(sft_open(&f, scratch_path(g->dir, "after"), NULL), 0);
	for (size_t i = 0; i < m->n_w; i++) {
		float *want = tensor(&f, m->w[i].name, NULL);
		double off = worst(m->params + m->w[i].offset, want, m->w[i].count);

		if (!(off < 1e-5))
			fail_msg("%s is off by %g after ten steps", m->w[i].name, off);
		free(want);
	}
	sft_close(&f);
	optimizer_free(&a);
	workspace_free(r);
	free(grads);
}

static void check(const char *name, bool steps)
{
	struct golden g;

	golden_open(&g, name);
	check_scores(&g, 1, 1e-5);
	check_scores(&g, 0.7, 1e-5);
	check_grads(&g);
	if (steps)
		check_steps(&g);
	golden_close(&g);
}

/* The adapter beside the policy: read, its own arithmetic, its gradients, and merged. */
static void check_adapter(const char *name)
{
	struct golden g;
	struct policy adapted, merged = {0};
	struct reason why;
	struct weights w;
	struct sft_file f;
	struct workspace *r;
	float *grads;
	char dir[80];

	golden_open(&g, name);
	snprintf(dir, sizeof dir, "%s/lora", g.dir);
	if (policy_load_as(&adapted, dir, 0, &why) || policy_load(&merged, dir, 0, &why))
		fail_msg("%s", why.text);
	assert_true(adapted.model.how & MODEL_FROZEN); /* the base is BF16 */
	sft_close(&g.score);
	assert_int_equal(sft_open(&g.score, scratch_path(dir, "score"), &why), 0);
	policy_free(&g.policy);
	g.policy = merged;
	check_scores(&g, 0.7, 3e-5);
	policy_free(&g.policy);
	g.policy = adapted;
	check_scores(&g, 0.7, 3e-5);
	w = model_trained(&g.policy.model);
	grads = xcalloc(w.n, sizeof *grads);
	r = workspace_new(&g.policy.model);
	model_forward(r, &g.policy.model, &g.pack, g.logp, g.entropy);
	model_backward(r, &g.policy.model, &g.pack, g.w, g.e, grads);
	assert_int_equal(sft_open(&f, scratch_path(dir, "grad"), NULL), 0);
	assert_int_equal(f.n, w.n_w);
	for (size_t i = 0; i < w.n_w; i++) {
		float *want = tensor(&f, w.w[i].name, NULL);
		double off = relative(grads + w.w[i].offset, want, w.w[i].count);

		if (!(off < 1e-4))
			fail_msg("gradient of %s is off by %g", w.w[i].name, off);
		free(want);
	}
	sft_close(&f);
	workspace_free(r);
	free(grads);
	golden_close(&g);
}

static void adapters(void **state)
{
	(void)state;
	check_adapter("tied");
	check_adapter("qwen2");
	check_adapter("qwen3");
}

static void tied(void **state)
{
	(void)state;
	check("tied", true);
}

static void untied(void **state)
{
	(void)state;
	check("untied", true);
}

/* Llama 3.1's scaling of the rotary embedding */
static void llama3(void **state)
{
	(void)state;
	check("llama3", false);
}

/* A Llama with a bias everywhere, and linear scaling */
static void biases(void **state)
{
	(void)state;
	check("biases", true);
}

/* Biases of queries, keys and values; yarn */
static void qwen2(void **state)
{
	(void)state;
	check("qwen2", false);
}

/* Queries and keys normed head by head */
static void qwen3(void **state)
{
	(void)state;
	check("qwen3", true);
}

/* ---- stories260k: a published model ---- */

struct story {
	struct policy policy;
	json_t *ref;
	struct ids ids; /* prompt and greedy continuation */
	size_t n_prompt;
};

static void story_open(struct story *s)
{
	char dir[4096];
	struct reason why;
	json_t *v;
	size_t i;

	snprintf(dir, sizeof dir, "%s", shared_data("stories260k"));
	memset(s, 0, sizeof *s);
	if (policy_load(&s->policy, dir, 0, &why))
		fail_msg("%s", why.text);
	s->ref = json_load_file(scratch_path(dir, "reference.json"), 0, NULL);
	s->n_prompt = json_array_size(json_object_get(s->ref, "prompt_ids"));
	s->ids.n = json_array_size(json_object_get(s->ref, "greedy_ids"));
	s->ids.v = xarray(s->ids.n, sizeof *s->ids.v);
	json_array_foreach(json_object_get(s->ref, "greedy_ids"), i, v) s->ids.v[i] =
		(uint32_t)json_integer_value(v);
	assert_int_equal(s->n_prompt, 1);
	assert_int_equal(s->ids.n, 201);
}

static void story_close(struct story *s)
{
	policy_free(&s->policy);
	json_decref(s->ref);
	free(s->ids.v);
}

static double element(const json_t *ref, const char *key, size_t i)
{
	return json_number_value(json_array_get(json_object_get(ref, key), i));
}

static void story_sampler(void **state)
{
	const struct sample_opts opts = {.temperature = 0, .top_p = 1, .max_new = 200, .batch = 4};
	struct sample_group group = {.n = 1};
	struct sampler *sampler;
	struct sample out;
	struct story s;
	struct reason why;

	(void)state;
	story_open(&s);
	group.prompt = s.ids.v;
	group.n_prompt = s.n_prompt;
	sampler = sampler_new(&s.policy.model, &opts);
	assert_int_equal(sampler_run(sampler, &group, 1, &out, &why), 0);
	assert_int_equal(out.n, 200);
	assert_memory_equal(out.tokens, s.ids.v + 1, 200 * sizeof *out.tokens);
	for (size_t i = 0; i < out.n; i++)
		assert_true(fabs(out.logprobs[i] - element(s.ref, "logprobs", i)) < 1e-4);
	sampler_free(sampler);
	story_close(&s);
}

static void story_trainer(void **state)
{
	float logp[200], entropy[200];
	size_t start[2] = {0, 201};
	uint32_t at[200];
	struct pack pack = {.n_seq = 1, .n_tok = 201, .start = start, .n_rows = 200, .at = at};
	struct story s;
	struct workspace *r;

	(void)state;
	story_open(&s);
	for (size_t i = 0; i < 200; i++)
		at[i] = (uint32_t)i;
	pack.tokens = s.ids.v;
	pack.target = s.ids.v + 1;
	pack.temperature = 1;
	r = workspace_new(&s.policy.model);
	model_logprobs(r, &s.policy.model, &pack, logp, entropy);
	for (size_t i = 0; i < 200; i++) {
		assert_true(fabs(logp[i] - element(s.ref, "logprobs", i)) < 1e-4);
		assert_true(fabs(entropy[i] - element(s.ref, "entropy", i)) < 1e-4);
	}
	workspace_free(r);
	story_close(&s);
}

/* The reference's text, from its ids and back. */
static void story_text(void **state)
{
	struct story s;
	struct buf text = {0};
	struct ids back = {0};
	const char *want;

	(void)state;
	story_open(&s);
	want = json_string_value(json_object_get(s.ref, "text"));
	tok_decode(s.policy.tok, s.ids.v, s.ids.n, false, &text);
	assert_string_equal(buf_cstr(&text) + 1, want); /* less the prefix space */
	assert_int_equal(tok_encode(s.policy.tok, text.p + 1, text.n - 1, true, &back, NULL), 0);
	assert_int_equal(back.n, s.ids.n);
	assert_memory_equal(back.v, s.ids.v, back.n * sizeof *back.v);
	buf_free(&text);
	free(back.v);
	story_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tied),          cmocka_unit_test(untied),
		cmocka_unit_test(llama3),        cmocka_unit_test(biases),
		cmocka_unit_test(qwen2),         cmocka_unit_test(qwen3),
		cmocka_unit_test(adapters),      cmocka_unit_test(story_text),
		cmocka_unit_test(story_sampler), cmocka_unit_test(story_trainer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
