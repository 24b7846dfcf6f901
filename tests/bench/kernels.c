/*
 * kernels.c - what each set of kernels that this machine has takes for one call of some functions,
 * and what its widest multiply-adds reach when they wait for nothing: no product can be faster.
 * The least of many short runs counts, so that a busy machine says nearly what a quiet one does.
 * Option: --seconds S
 */
#include "tensor/kernels.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/tool.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static double seconds = 1;

static const struct opt opts[] = {
	{0, "seconds", "S", OPT_NUM, &seconds, 0, 3600, "for each function and set"}, {0}};

static const struct tool tool = {"bench-kernels", "", "Time each set of kernels.", opts};

enum { ROWS = 48, WIDE = 512, KEYS = 256, HEAD = 64, LONG = 1 << 15 };
/* A model's width, a layer's products, and the vocabulary */
enum { WIDTH = 576, INNER = 1536, VOCAB = 49152 };
/* A product that reads 1 GiB, two operations for four bytes: the speed of memory */
enum { FAR_DEEP = 1024, FAR_WIDE = 1 << 18, FAR = FAR_DEEP * FAR_WIDE };

/* Numbers that every function reads or writes as it likes */
static float *in, *out, *packed, *scratch;

static void product(void)
{
	gemm(0, matrix_in(in, ROWS, WIDE, WIDE), gemm_packed_view(packed, WIDE),
	     matrix_of(out, ROWS, WIDE, WIDE));
}

static void of_width(size_t rows, size_t n)
{
	gemm(0, matrix_in(in, rows, WIDTH, WIDTH), gemm_packed_view(packed, WIDTH),
	     matrix_of(out, rows, n, n));
}

static void layer(void)
{
	of_width(ROWS, INNER);
}

static void head_of_8(void)
{
	of_width(8, VOCAB);
}

static void head_of_1(void)
{
	of_width(1, VOCAB);
}

/* The backward pass of a layer: gradients of the input, and of the weights */
static void back(void)
{
	gemm_rows(0, matrix_in(packed, WIDE, INNER, INNER),
		  matrix_in(packed + (size_t)WIDE * INNER, INNER, WIDE, WIDE),
		  matrix_of(out, WIDE, WIDE, WIDE));
}

static void back_weights(void)
{
	gemm_rows(GEMM_TRANSPOSED, matrix_in(packed, INNER, WIDE, WIDE),
		  matrix_in(packed + (size_t)WIDE * INNER, INNER, WIDE, WIDE),
		  matrix_of(out, WIDE, WIDE, WIDE));
}

static void memory(void)
{
	gemm(0, matrix_in(in, 1, FAR_DEEP, FAR_DEEP), gemm_packed_view(packed, FAR_DEEP),
	     matrix_of(out, 1, FAR_WIDE, FAR_WIDE));
}

static void product_bf16(void)
{
	bf16_rows((uint32_t *)scratch, matrix_in(in, ROWS, WIDE, WIDE));
	bf16_gemm(0, (uint32_t *)scratch, WIDE, gemm_pair_view((uint32_t *)packed, WIDE),
		  matrix_of(out, ROWS, WIDE, WIDE));
}

static void token(void)
{
	const struct att_kv kv = {.keys = packed, .values = packed, .hd = HEAD, .heads = 1};
	const size_t keys = KEYS;

	att_family(matrix_of(out, 1, 4 * HEAD, 4 * HEAD), matrix_in(in, 1, 4 * HEAD, 4 * HEAD),
		   &(struct att_family){.own = &kv, .len = &keys, .n = 1}, scratch);
}

static void probabilities(void)
{
	softmax_weights(out, in, LONG, 1, 4);
}

static void gradient(void)
{
	const struct softmax_stat s = {4, 8, 7};
	const struct softmax_grad g = {0, 0.5F, -0.1F, 1, 0};

	softmax_backward(out, LONG, &s, &g);
}

static void root_mean_square(void)
{
	rmsnorm_forward(out, in, packed, WIDE, 1e-5F);
}

static void swiglu(void)
{
	swiglu_forward(out, in, WIDE);
}

static void delta(void)
{
	const struct delta t = {in, in + HEAD, in + 2 * HEAD, 0.04F, -0.1F, HEAD, HEAD};
	struct delta_grad d = {out, out + HEAD, out + 2 * HEAD, 0, 0};

	delta_backward(&t, &d, packed + LONG, packed, in, scratch);
}

static void adam(void)
{
	const struct moments u = {out, in, out + LONG, out + 2 * LONG, 1,    1e-3F,
				  1,   0,  0.9F,       0.999F,         1e-8F};

	moments_step(&u, 0, LONG, false);
}

static const struct {
	const char *name;
	void (*run)(void);
	double work; /* products and sums, 10^9; 0: its time is told */
} functions[] = {
	{"gemm, 48 x 512 x 512", product, 0},
	{"gemm, 48 x 576 x 1536", layer, 2e-9 * ROWS *WIDTH *INNER},
	{"gemm, 8 x 576 x 49152", head_of_8, 2e-9 * 8 * WIDTH *VOCAB},
	{"gemm, 1 x 576 x 49152", head_of_1, 2e-9 * WIDTH *VOCAB},
	{"gemm, 1 x 1024 x 262144", memory, 2e-9 * FAR},
	{"gemm_rows, 512 x 1536 x 512", back, 2e-9 * WIDE *INNER *WIDE},
	{"gemm_rows, 512 x 1536 x 512, A transposed", back_weights, 2e-9 * WIDE *INNER *WIDE},
	{"bf16_gemm, 48 x 512 x 512", product_bf16, 0},
	{"att_family, one token, 4 heads of 64, 256 keys", token, 0},
	{"softmax_weights of 32768", probabilities, 0},
	{"softmax_backward of 32768", gradient, 0},
	{"rmsnorm_forward of 512", root_mean_square, 0},
	{"swiglu_forward of 512", swiglu, 0},
	{"delta_backward, 64 x 64", delta, 0},
	{"moments_step of 32768", adam, 0}};

/* Microseconds of a call */
static double least(void (*run)(void))
{
	double begin = clock_now(), best = 1e9, t, now;
	int calls = 1;

	for (;;) {
		t = clock_now();
		for (int i = 0; i < calls; i++)
			run();
		now = clock_now();
		if (now - t < 1e-4) { /* the clock must not count */
			calls *= 2;
			continue;
		}
		best = (now - t) / calls < best ? (now - t) / calls : best;
		if (now - begin > seconds)
			return 1e6 * best;
	}
}

#ifdef __x86_64__
/* Sums that do not wait for each other: more than two units of a latency of four or five have under
 * way, and as many as 16 registers leave room for. */
enum { SUMS = 12, TIMES = 1000 };

__attribute__((target("avx2,fma"))) static void peak_v3(void)
{
	const __m256 x = _mm256_loadu_ps(in), y = _mm256_loadu_ps(in + 8);
	__m256 sum[SUMS];

	for (int i = 0; i < SUMS; i++)
		sum[i] = y;
	for (int t = 0; t < TIMES; t++)
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm256_fmadd_ps(sum[i], x, y);
	for (int i = 0; i < SUMS; i++)
		_mm256_storeu_ps(out + (ptrdiff_t)16 * i, sum[i]);
}

__attribute__((target("avx512f"))) static void peak_v4(void)
{
	const __m512 x = _mm512_loadu_ps(in), y = _mm512_loadu_ps(in + 16);
	__m512 sum[SUMS];

	for (int i = 0; i < SUMS; i++)
		sum[i] = y;
	for (int t = 0; t < TIMES; t++)
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm512_fmadd_ps(sum[i], x, y);
	for (int i = 0; i < SUMS; i++)
		_mm512_storeu_ps(out + (ptrdiff_t)16 * i, sum[i]);
}

/* Pairs of bf16: whatever bits the numbers have as such */
__attribute__((target("avx512f,avx512bf16"))) static void peak_v4bf16(void)
{
	const __m512bh x = (__m512bh)_mm512_loadu_ps(in), y = (__m512bh)_mm512_loadu_ps(in + 16);
	__m512 sum[SUMS];

	for (int i = 0; i < SUMS; i++)
		sum[i] = _mm512_setzero_ps();
	for (int t = 0; t < TIMES; t++)
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm512_dpbf16_ps(sum[i], x, y);
	for (int i = 0; i < SUMS; i++)
		_mm512_storeu_ps(out + (ptrdiff_t)16 * i, sum[i]);
}
#endif

/* The widest multiply-adds of a set: how many numbers each multiplies and adds to a sum */
static const struct {
	const char *name;
	enum cpu_set set;
	int wide;
	void (*run)(void);
} peaks[] = {
#ifdef __x86_64__
	{"fma peak", CPU_V3, 8, peak_v3},
	{"fma peak", CPU_V4, 16, peak_v4},
	{"peak of pairs of bf16", CPU_V4BF16, 32, peak_v4bf16},
#endif
	{0}};

static void fill(float *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (float)rng_uniform(1, i);
}

static float *filled(size_t n)
{
	float *p = xcalloc(n, sizeof *p);

	fill(p, n);
	return p;
}

static void row(const char *name, enum cpu_set s, double value, const char *unit)
{
	struct out *o = out_stdout();

	out_printf(o,
		   "{\"bench\":\"kernels\",\"name\":\"%s: %s\",\"value\":%.2f,\"unit\":\"%s\"}\n",
		   name, cpu_name(s), value, unit);
	out_flush(o, NULL);
}

int main(int argc, char *argv[])
{
	double us;

	tool_start(&tool, argc, argv);
	in = filled(4 * LONG);
	out = filled((size_t)8 * VOCAB);
	packed = big_alloc(FAR * sizeof *packed); /* as a model's */
	for (size_t i = 0; i < FAR; i += LONG)
		fill(packed + i, LONG);
	scratch = filled(4 * LONG);
	for (size_t i = 0; peaks[i].name; i++)
		if (cpu_has(peaks[i].set))
			row(peaks[i].name, peaks[i].set,
			    2e-3 * SUMS * TIMES * peaks[i].wide / least(peaks[i].run), "GFLOP/s");
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		for (enum cpu_set s = CPU_PLAIN; s < CPU_SETS; s++) {
			if (!cpu_has(s))
				continue;
			kernels_use(s);
			fill(out, 4 * LONG); /* which some go on from */
			us = least(functions[i].run);
			if (functions[i].work > 0)
				row(functions[i].name, s, 1e6 * functions[i].work / us, "GFLOP/s");
			else
				row(functions[i].name, s, us, "us");
		}
	free(in);
	free(out);
	big_free(packed, FAR * sizeof *packed);
	free(scratch);
	return tool_finish(0);
}
