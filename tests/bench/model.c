/*
 * model.c - tokens per second of sampling and of training, for decoders of three sizes on random
 * weights, and what the matrix products alone would allow. One JSON line a row. With --serve it
 * measures once for each word that it reads, so that a peer can be measured in turn.
 */
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/tool.h"
#include "learn/update.h"
#include "model/block.h"
#include "model/mat.h"
#include "model/sampler.h"
#include "run/options.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"

#include <cblas.h>
#include <stdio.h>
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
	{"smollm135m-1", 576, 30, 9, 3, 1536, 49152, 256, 2, 1, 64, 32, 512, 1},
	{"smollm135m-64", 576, 30, 9, 3, 1536, 49152, 256, 2, 64, 64, 32, 512, 64},
	{"qwen0.5b", 896, 24, 14, 2, 4864, 151936, 256, 2, 64, 64, 32, 512, 64}, /* 10 GB */
};

static const char *names = "tiny,small,smollm135m", *only;
static const char *compute = "f32", *backward = "none";
static int64_t threads = 1, micro, batch;
static double seconds = 5;
static bool serve;

#define WORDS "sampling|training|update|sampling-products|training-products"
enum { SAMPLING, TRAINING, UPDATE, SAMPLING_PRODUCTS, TRAINING_PRODUCTS, MEASURES };

static const struct opt opts[] = {
	{0, "presets", "LIST", OPT_STR, &names, 0, 0, "sizes to run"},
	{0, "compute", MODEL_COMPUTE_WORDS, OPT_WORD, &compute, 0, 0, "how products are computed"},
	{0, "blas", "none|openblas", OPT_WORD, &backward, 0, 0,
	 "who does the products of the backward pass"},
	{0, "only", WORDS, OPT_WORD, &only, 0, 0, "one measure alone"},
	{'j', "threads", "N", OPT_INT, &threads, 0, 1024, "threads; 0: all processors"},
	{0, "seconds", "S", OPT_NUM, &seconds, 0.1, 3600, "time for each measure"},
	{0, "micro", "N", OPT_INT, &micro, 0, 1 << 20, "tokens of a micro-batch; 0: the preset's"},
	{0, "batch", "N", OPT_INT, &batch, 0, 4096, "sequences decoded together; 0: the preset's"},
	{0, "serve", NULL, OPT_FLAG, &serve, 0, 0,
	 "read words of --only, a line each, and answer with tokens per second"},
	{0}};

static const struct tool tool = {"bench-model", "", "Time sampling and training.", opts};

struct bench {
	struct preset p;
	struct model m;

	/* training */
	struct workspace *run;
	struct optimizer opt;
	float *grads, *logp, *coef;
	uint32_t *tokens, *target, *at;
	size_t *start;

	/* sampling */
	struct sampler *sampler;
	struct sample_group *group;
	struct sample *out;
	uint32_t *prompt;

	float *x, *y, *scratch; /* products alone: (most rows, widest matrix) */
};

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void setup_training(struct bench *b)
{
	struct optimizer_opts o = {
		.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 1};
	size_t n = (size_t)(b->p.train * b->p.seq);

	b->run = workspace_new(&b->m);
	optimizer_init(&b->opt, &o, b->m.w, b->m.n_w);
	b->grads = big_alloc(b->m.n_params * sizeof *b->grads);
	b->logp = xarray(n, sizeof *b->logp);
	b->coef = xarray(n, sizeof *b->coef);
	b->tokens = xarray(n, sizeof *b->tokens);
	b->target = xarray(n, sizeof *b->target);
	b->at = xarray(n, sizeof *b->at);
	b->start = xarray((size_t)b->p.train + 1, sizeof *b->start);
	for (size_t i = 0; i < n; i++) {
		b->coef[i] = -1.0f / (float)n;
		b->at[i] = (uint32_t)i;
		b->tokens[i] = (uint32_t)rng_below(1, i, (uint64_t)b->p.vocab);
		b->target[i] = (uint32_t)rng_below(2, i, (uint64_t)b->p.vocab);
	}
	for (size_t i = 0; i <= (size_t)b->p.train; i++)
		b->start[i] = i * (size_t)b->p.seq;
}

/* AdamW, and panels of what it changed */
static void update(struct bench *b)
{
	update_apply(&b->opt, &b->m, b->grads, 0, 1e-4, NULL);
}

/* One update on the whole batch */
static void training(struct bench *b)
{
	size_t seq = (size_t)b->p.seq, per = (size_t)b->p.micro / seq, n = (size_t)b->p.train;

	per = per ? per : 1;
	memset(b->grads, 0, b->m.n_params * sizeof *b->grads);
	for (size_t s = 0; s < n; s += per) {
		size_t k = n - s < per ? n - s : per;
		struct pack p = {.n_seq = k,
				 .n_tok = k * seq,
				 .tokens = b->tokens + s * seq,
				 .start = b->start,
				 .n_rows = k * seq,
				 .at = b->at,
				 .target = b->target + s * seq,
				 .temperature = 1};

		model_forward(b->run, &b->m, &p, b->logp, NULL);
		model_backward(b->run, &b->m, &p, b->coef, NULL, b->grads);
	}
	update(b);
}

/* Every sequence has a prompt of its own, as the peers' do. */
static void setup_sampling(struct bench *b)
{
	struct sample_opts o = {
		.temperature = 1, .top_p = 1, .max_new = b->p.fresh, .batch = b->p.batch};
	size_t n = (size_t)b->p.sample, len = (size_t)b->p.prompt;

	b->sampler = sampler_new(&b->m, &o);
	b->group = xcalloc(n, sizeof *b->group);
	b->out = xcalloc(n, sizeof *b->out);
	b->prompt = xarray(n * len, sizeof *b->prompt);
	for (size_t i = 0; i < n * len; i++)
		b->prompt[i] = (uint32_t)rng_below(3, i, (uint64_t)b->p.vocab);
	for (size_t i = 0; i < n; i++)
		b->group[i] = (struct sample_group){
			.prompt = b->prompt + i * len, .n_prompt = len, .n = 1, .task = i};
}

static void sampling(struct bench *b)
{
	sampler_run(b->sampler, b->group, (size_t)b->p.sample, b->out, NULL);
}

static void blas(CBLAS_TRANSPOSE how, size_t m, size_t n, size_t k, const float *x, size_t ldx,
		 const float *y, size_t ldy, float beta, float *out)
{
	cblas_sgemm(CblasRowMajor, how, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, x,
		    (blasint)ldx, y, (blasint)ldy, beta, out, (blasint)n);
}

/* The matrix products of a training step, at the shapes that suit OpenBLAS best: y = x w, and the
 * gradients of x and of w. */
static void train_product(struct bench *b, const struct mat *w, size_t rows)
{
	const float *p = b->m.params + w->at;

	blas(CblasNoTrans, rows, w->n, w->k, b->x, w->k, p, w->n, 0, b->y);
	blas(CblasNoTrans, rows, w->k, w->n, b->y, w->n, p, w->k, 0, b->x);
	blas(CblasTrans, w->n, w->k, rows, b->y, w->n, b->x, w->k, 1, b->grads + w->at);
}

/* ... and of a forward pass, in panels. */
static void forward_product(struct bench *b, const struct mat *w, size_t rows)
{
	mat_forward(&b->m, w, matrix_of(b->y, rows, w->n, w->n), b->x, false, b->scratch);
}

static void each_layer(struct bench *b, size_t rows,
		       void (*product)(struct bench *, const struct mat *, size_t))
{
	for (size_t l = 0; l < (size_t)b->p.layers; l++) {
		const struct layer *w = &b->m.layer[l];

		product(b, &w->qkv, rows);
		product(b, &w->o, rows);
		product(b, &w->gu, rows);
		product(b, &w->down, rows);
	}
}

/* The operations of a training step's products for one token, in 10^9: a product and a sum for each
 * weight, three times (see train_product) */
static double training_work(const struct bench *b)
{
	double n = (double)b->m.head.n * (double)b->m.head.k;

	for (size_t l = 0; l < (size_t)b->p.layers; l++)
		for (int i = 0; i < MAT_LAYER; i++) {
			const struct mat *w = mat_of_layer(&b->m.layer[l], i);

			n += (double)w->n * (double)w->k;
		}
	return 3 * 2 * n / 1e9;
}

static void training_products(struct bench *b)
{
	size_t total = (size_t)(b->p.train * b->p.seq), n;

	for (size_t done = 0; done < total; done += n) {
		n = total - done < (size_t)b->p.micro ? total - done : (size_t)b->p.micro;
		each_layer(b, n, train_product);
		train_product(b, &b->m.head, n);
	}
}

static void sampling_products(struct bench *b)
{
	size_t n = (size_t)b->p.sample, B = (size_t)b->p.batch, k;

	for (size_t done = 0; done < n; done += k) {
		k = n - done < B ? n - done : B;
		for (size_t i = 0; i < k; i++)
			each_layer(b, (size_t)b->p.prompt, forward_product);
		for (int64_t t = 0; t < b->p.fresh; t++) {
			if (t)
				each_layer(b, k, forward_product);
			forward_product(b, &b->m.head, k);
		}
	}
}

static void setup_products(struct bench *b)
{
	size_t widest = max2((size_t)(2 * b->p.ffn), block_qkv_most(&b->m));
	size_t rows = max2(max2((size_t)b->p.micro, (size_t)b->p.batch), (size_t)b->p.prompt);

	widest = max2(widest, (size_t)b->p.vocab);
	b->x = big_alloc((rows * widest + PANEL) * sizeof *b->x);
	b->y = big_alloc((rows * widest + PANEL) * sizeof *b->y);
	b->scratch = big_alloc(mat_scratch(&b->m, rows) * sizeof *b->scratch);
}

static const struct measure {
	const char *name;
	void (*once)(struct bench *);
} measures[MEASURES] = {
	{"sampling", sampling},
	{"training", training},
	{"update", update},
	{"sampling, products alone", sampling_products},
	{"training, products alone", training_products},
};

static void setup(struct bench *b, const struct preset *p)
{
	struct config c = {.vocab = p->vocab,
			   .d = p->d,
			   .layers = p->layers,
			   .heads = p->heads,
			   .kv_heads = p->kv,
			   .head_dim = p->d / p->heads,
			   .ffn = p->ffn,
			   .max_len = p->seq > p->prompt + p->fresh ? p->seq : p->prompt + p->fresh,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 10000},
			   .tied = true,
			   .bos = -1};

	*b = (struct bench){.p = *p};
	b->p.micro = micro ? micro : p->micro;
	b->p.batch = batch ? batch : p->batch;
	model_init(&b->m, &c, model_how(compute));
	model_random(&b->m, 1, 0.02);
	setup_training(b);
	setup_sampling(b);
	setup_products(b);
}

static double once(struct bench *b, int what)
{
	int64_t tokens = what == UPDATE                                  ? 1
			 : what == TRAINING || what == TRAINING_PRODUCTS ? b->p.train * b->p.seq
									 : b->p.sample * b->p.fresh;
	double begin = clock_now();

	measures[what].once(b);
	return (double)tokens / (clock_now() - begin);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Tokens (or updates) per second: the median of as many runs as fit, at least three, after one that
 * is not counted */
static double median(struct bench *b, int what)
{
	double t[200], begin;
	size_t n = 0;

	once(b, what);
	begin = clock_now();
	while (n < 3 || (n < 200 && clock_now() - begin < seconds))
		t[n++] = once(b, what);
	qsort(t, n, sizeof *t, by_value);
	return t[n / 2];
}

static void row(const struct preset *p, const char *name, double value, const char *unit)
{
	struct out *o = out_stdout();

	out_printf(o, "{\"bench\":\"model\",\"name\":\"%s: %s%s%s\",\"threads\":%d,", p->name, name,
		   strcmp(compute, "f32") ? ", " : "", strcmp(compute, "f32") ? compute : "",
		   par_threads());
	out_printf(o, "\"value\":%.1f,\"unit\":\"%s\"}\n", value, unit);
	out_flush(o, NULL);
}

static void rows(const struct preset *p)
{
	struct rusage use;
	struct bench b;
	double speed;

	setup(&b, p);
	for (int i = 0; i < MEASURES; i++) {
		if (!only || tool_word(WORDS, only) == i) {
			speed = median(&b, i);
			row(p, measures[i].name, i == UPDATE ? 1e3 / speed : speed,
			    i == UPDATE ? "ms" : "tokens/s");
			if (i == TRAINING)
				row(p, "training, its products", speed * training_work(&b),
				    "GFLOP/s");
		}
		if (i != TRAINING)
			continue;
		getrusage(RUSAGE_SELF, &use); /* before the products, whose memory is their own */
		row(p, "peak memory", (double)use.ru_maxrss / 1024, "MB");
	}
}

/* The first measurement of each kind is preceded by one that is not counted. */
static int answer(const struct preset *p)
{
	bool warm[MEASURES] = {false};
	struct out *o = out_stdout();
	struct bench b;
	char word[32];
	int what;

	setup(&b, p);
	while (scanf("%31s", word) == 1) {
		if ((what = tool_word(WORDS, word)) < 0)
			return tool_usage("%s: none of " WORDS, word);
		if (!warm[what])
			once(&b, what);
		warm[what] = true;
		out_printf(o, "%.3f\n", once(&b, what));
		out_flush(o, NULL);
	}
	return 0;
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
	int st = 0;

	tool_start(&tool, argc, argv);
	st = options_use_compute(compute);
	if (st)
		return tool_finish(st);
	openblas_set_num_threads(1);
	par_start((int)threads);
	if (strcmp(backward, "openblas") == 0 && blas_start(NULL))
		return 1;
	for (size_t i = 0; i < sizeof presets / sizeof *presets && !st; i++) {
		if (!listed(presets[i].name))
			continue;
		if (serve)
			st = answer(&presets[i]);
		else
			rows(&presets[i]);
	}
	par_stop();
	return tool_finish(st);
}
