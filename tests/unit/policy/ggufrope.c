/* ggufrope.h: rotary embeddings beyond Llama's go into keys and tensors, and come back. */
#include "scratch.h"

#include "policy/ggufrope.h"

#include <fcntl.h>
#include <math.h>

static int put_tensor(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	const struct gguf_rope_tensor *t = ctx;

	(void)why;
	memcpy(to, t[i].v + first, n * sizeof *to);
	return 0;
}

/* Writes c's and reads it into *back, a config of the same sizes; a status */
static int there_and_back(enum family f, const struct config *c, struct config *back,
			  struct reason *why)
{
	const char *dir = scratch_new(), *path = scratch_path(dir, "x");
	const struct gguf_arch *a = gguf_arch_of(f);
	struct gguf_rope_tensor t[GGUF_ROPE_TENSORS];
	struct gguf_item item[GGUF_ROPE_TENSORS];
	size_t n = gguf_rope_tensors(c, t);
	struct gguf_meta meta = {0};
	struct gguf g = {.fd = -1};
	struct out o;
	int st = gguf_rope_put(c, a, &meta, why);

	for (size_t i = 0; i < n; i++) {
		assert_true(gguf_rope_is_tensor(t[i].name));
		item[i] = (struct gguf_item){t[i].name, quant_find(QUANT_F32), 1, {t[i].n, 1}};
	}
	if (!st) {
		out_init(&o, open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), path);
		assert_int_equal(gguf_write(&o, &meta, item, n, put_tensor, t, NULL, why), 0);
		assert_int_equal(out_close(&o, why), 0);
		assert_int_equal(gguf_open(&g, path, why), 0);
		*back = (struct config){.head_dim = c->head_dim};
		st = gguf_rope_read(&g, a, back, why);
		gguf_close(&g);
	}
	for (size_t i = 0; i < n; i++)
		free(t[i].v);
	buf_free(&meta.b);
	scratch_free(dir);
	return st;
}

static struct config with(int64_t head_dim, struct rope r)
{
	return (struct config){.head_dim = head_dim, .max_len = 64, .rope = r};
}

static void shares(void **state)
{
	static const double theta = 1e4;
	struct reason why = {0};
	struct config back;

	(void)state;
	for (int64_t hd = 8; hd <= 128; hd += 2)
		for (int64_t n = 2; n <= hd; n += 2) {
			struct config c = with(hd, (struct rope){.theta = theta});

			c.rope.share = (double)n / (double)hd + 1e-9;
			assert_int_equal(rope_turned(&c.rope, hd), n);
			assert_int_equal(there_and_back(FAMILY_GLM4, &c, &back, &why), 0);
			assert_int_equal(rope_turned(&back.rope, hd), n);
		}
}

static void kinds(void **state)
{
	struct config longrope = with(8, (struct rope){.type = ROPE_LONGROPE,
						       .theta = 300,
						       .share = 0.75,
						       .original = 16,
						       .attention = 1.25,
						       .long_factor = {1.25, 2.5, 5},
						       .short_factor = {1, 1.125, 1.5},
						       .n_long = 3,
						       .n_short = 3});
	struct config alpha = with(12, (struct rope){.type = ROPE_ALPHA, .theta = 100, .alpha = 9});
	struct config yarn = with(12, (struct rope){.type = ROPE_YARN,
						    .theta = 500,
						    .factor = 4,
						    .original = 7,
						    .beta_fast = 0.5,
						    .beta_slow = 0.25,
						    .attention = 1,
						    .query_beta = 0.5});
	struct reason why = {0};
	struct config back;
	double is[6], was[6];

	(void)state;
	assert_int_equal(there_and_back(FAMILY_PHI3, &longrope, &back, &why), 0);
	assert_int_equal(back.rope.type, ROPE_LONGROPE);
	assert_true(back.rope.original == 16 && back.rope.attention == 1.25);
	assert_true(back.rope.n_long == 3 && back.rope.long_factor[1] == 2.5);
	assert_true(back.rope.n_short == 3 && back.rope.short_factor[2] == 1.5);
	/* another base, and no more of it */
	assert_int_equal(there_and_back(FAMILY_HUNYUAN, &alpha, &back, &why), 0);
	assert_int_equal(back.rope.type, ROPE_DEFAULT);
	rope_freqs(&back.rope, is, 12);
	rope_freqs(&alpha.rope, was, 12);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(is[i] - was[i]) < 1e-6 * was[i]);
	assert_int_equal(there_and_back(FAMILY_MINISTRAL3, &yarn, &back, &why), 0);
	assert_true(back.rope.beta_fast == 0.5 && back.rope.beta_slow == 0.25);
	assert_true(back.rope.query_beta == 0.5 && fabs(back.rope.attention - 1) < 1e-6);
	/* what one kind can say, another cannot */
	assert_int_equal(there_and_back(FAMILY_LLAMA, &yarn, &back, &why), ST_INPUT);
	assert_says(&why, "GGUF cannot say yarn of a llama");
	yarn.rope.query_beta = 0;
	assert_int_equal(there_and_back(FAMILY_LLAMA, &yarn, &back, &why), ST_INPUT);
	assert_says(&why, "yarn with beta_fast");
	alpha.rope = (struct rope){.type = ROPE_LLAMA3, .theta = 100, .factor = 2, .original = 9};
	assert_int_equal(there_and_back(FAMILY_QWEN3, &alpha, &back, &why), ST_INPUT);
	assert_says(&why, "GGUF cannot say llama3 of a qwen3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares), cmocka_unit_test(kinds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
