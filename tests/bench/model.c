/*
 * model.c - tokens per second of sampling and of training, for decoders of three sizes on random
 * weights. One line of JSON a preset. Options: --presets a,b -j threads --seconds S --micro tokens
 * --batch B
 */
#include "base/mem.h"
#include "base/par.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/io.h"
#include "base/tool.h"
#include "learn/adamw.h"
#include "policy/sampler.h"
#include "tensor/blas.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct preset {
	const char *name;
	int64_t d, layers, heads, kv, ffn, vocab, seq, train, sample, prompt, fresh, micro, batch;
};

static const struct preset presets[] = {
	{"tiny", 128, 4, 4, 4, 384, 64, 64, 256, 512, 24, 32, 1024, 32},
	{"small", 384, 6, 6, 2, 1024, 4096, 256, 8, 64, 64, 64, 1024, 32},
	{"smollm135m", 576, 30, 9, 3, 1536, 49152, 256, 2, 8, 64, 32, 512, 8},
};

static const char *names = "tiny,small,smollm135m", *only;
static int64_t threads = 1, micro, batch;
static double seconds = 5;

static const struct opt opts[] = {
	{0, "presets", "LIST", OPT_STR, &names, 0, 0, "sizes to run"},
	{0, "only", "train|sample", OPT_WORD, &only, 0, 0, "one half alone"},
	{'j', "threads", "N", OPT_INT, &threads, 0, 1024, "threads; 0: all processors"},
	{0, "seconds", "S", OPT_NUM, &seconds, 0.1, 3600, "time for each measure"},
	{0, "micro", "N", OPT_INT, &micro, 0, 1 << 20, "tokens of a micro-batch; 0: the preset's"},
	{0, "batch", "N", OPT_INT, &batch, 0, 4096, "sequences decoded together; 0: the preset's"},
	{0}};

static const struct tool tool = {"bench-model", "", "Time sampling and training.", opts};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *t, size_t n)
{
	qsort(t, n, sizeof *t, by_value);
	return t[n / 2];
}

/* Seconds of fn: the median of as many runs as fit, at least three, after one that is not counted
 */
static double timed(void (*fn)(void *), void *ctx)
{
	double t[200], begin;
	size_t n = 0;

	fn(ctx);
	begin = clock_now();
	while (n < 3 || (n < 200 && clock_now() - begin < seconds)) {
		double s = clock_now();

		fn(ctx);
		t[n++] = clock_now() - s;
	}
	return median(t, n);
}

struct training {
	const struct preset *p;
	struct model *m;
	struct run *run;
	struct adamw opt;
	float *grads, *logp, *coef;
	uint32_t *tokens, *target;
	size_t *start, *at;
};

/* One update on the whole batch */
static void train_step(void *ctx)
{
	struct training *t = ctx;
	size_t seq = (size_t)t->p->seq, per = (size_t)t->p->micro / seq, n = (size_t)t->p->train;

	per = per ? per : 1;
	memset(t->grads, 0, t->m->n_params * sizeof *t->grads);
	for (size_t s = 0; s < n; s += per) {
		size_t k = n - s < per ? n - s : per;
		struct pack p = {.n_seq = k,
				 .n_tok = k * seq,
				 .tokens = t->tokens + s * seq,
				 .start = t->start,
				 .n_rows = k * seq,
				 .at = t->at,
				 .target = t->target + s * seq,
				 .temperature = 1};

		model_forward(t->run, t->m, &p, t->logp, NULL);
		model_backward(t->run, t->m, &p, t->coef, NULL, t->grads);
	}
	adamw_step(&t->opt, t->m->params, t->grads, 1e-4, NULL);
	model_pack(t->m);
}

static double train(const struct preset *p, struct model *m)
{
	size_t n = (size_t)(p->train * p->seq);
	struct training t = {.p = p, .m = m, .run = run_new(m)};
	struct adamw_opts o = {.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 1};
	double s;

	adamw_init(&t.opt, &o, m->w, m->n_w);
	t.grads = big_alloc(m->n_params * sizeof *t.grads);
	t.logp = xarray(n, sizeof *t.logp);
	t.coef = xarray(n, sizeof *t.coef);
	t.tokens = xarray(n, sizeof *t.tokens);
	t.target = xarray(n, sizeof *t.target);
	t.at = xarray(n, sizeof *t.at);
	t.start = xarray((size_t)p->train + 1, sizeof *t.start);
	for (size_t i = 0; i < n; i++) {
		t.coef[i] = -1.0f / (float)n;
		t.at[i] = i;
		t.tokens[i] = (uint32_t)rng_below(1, i, (uint64_t)p->vocab);
		t.target[i] = (uint32_t)rng_below(2, i, (uint64_t)p->vocab);
	}
	for (size_t i = 0; i <= (size_t)p->train; i++)
		t.start[i] = i * (size_t)p->seq;
	s = timed(train_step, &t);
	run_free(t.run);
	adamw_free(&t.opt);
	big_free(t.grads, m->n_params * sizeof *t.grads);
	free(t.logp);
	free(t.coef);
	free(t.tokens);
	free(t.target);
	free(t.at);
	free(t.start);
	return (double)n / s;
}

struct sampling {
	struct sampler *s;
	struct sample_group *g;
	struct sample *out;
	size_t n;
};

static void sample_once(void *ctx)
{
	struct sampling *s = ctx;

	sampler_run(s->s, s->g, s->n, s->out, NULL);
}

/* Every sequence has a prompt of its own, as the peers' do. */
static double sample(const struct preset *p, struct model *m)
{
	struct sample_opts o = {
		.temperature = 1, .top_p = 1, .max_new = p->fresh, .batch = p->batch};
	struct sampling s = {.n = (size_t)p->sample};
	size_t len = (size_t)p->prompt;
	uint32_t *prompt = xarray(s.n * len, sizeof *prompt);
	double t;

	s.s = sampler_new(m, &o);
	s.g = xcalloc(s.n, sizeof *s.g);
	s.out = xcalloc(s.n, sizeof *s.out);
	for (size_t i = 0; i < s.n * len; i++)
		prompt[i] = (uint32_t)rng_below(3, i, (uint64_t)p->vocab);
	for (size_t i = 0; i < s.n; i++)
		s.g[i] = (struct sample_group){
			.prompt = prompt + i * len, .n_prompt = len, .n = 1, .task = i};
	t = timed(sample_once, &s);
	sampler_free(s.s);
	free(s.g);
	free(s.out);
	free(prompt);
	return (double)(p->sample * p->fresh) / t;
}

static void run(struct preset p)
{
	struct config c = {.vocab = p.vocab,
			   .d = p.d,
			   .layers = p.layers,
			   .heads = p.heads,
			   .kv_heads = p.kv,
			   .head_dim = p.d / p.heads,
			   .ffn = p.ffn,
			   .max_len = p.seq > p.prompt + p.fresh ? p.seq : p.prompt + p.fresh,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 10000},
			   .tied = true,
			   .bos = -1};
	struct out *o = out_stdout();
	struct rusage use;
	struct model m;

	p.micro = micro ? micro : p.micro;
	p.batch = batch ? batch : p.batch;
	model_init(&m, &c, 0);
	model_random(&m, 1, 0.02);
	out_printf(o, "{\"bench\":\"model\",\"preset\":\"%s\",\"threads\":%d,\"params\":%zu",
		   p.name, par_threads(), m.n_params);
	if (!only || strcmp(only, "sample") == 0)
		out_printf(o, ",\"sample_tok_s\":%.1f", sample(&p, &m));
	if (!only || strcmp(only, "train") == 0)
		out_printf(o, ",\"train_tok_s\":%.1f", train(&p, &m));
	getrusage(RUSAGE_SELF, &use);
	out_printf(o, ",\"peak_mb\":%.0f}\n", (double)use.ru_maxrss / 1024);
	out_flush(o, NULL);
	model_free(&m);
}

static bool listed(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = names; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

int main(int argc, char *argv[])
{
	tool_start(&tool, argc, argv);
	blas_start();
	par_start((int)threads);
	for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
		if (listed(presets[i].name))
			run(presets[i]);
	par_stop();
	return tool_finish(0);
}
