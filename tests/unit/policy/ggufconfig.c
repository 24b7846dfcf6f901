/* ggufconfig.h: a shape goes into a file's keys and comes back; Llama 3's rotary embedding is found
 * again from what it divides frequencies by. */
#include "scratch.h"

#include "policy/ggufconfig.h"
#include "policy/ggufrope.h"

#include <math.h>

static int put_freqs(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	(void)i;
	(void)why;
	memcpy(to, (const float *)ctx + first, n * sizeof *to);
	return 0;
}

static struct config shape(struct rope rope)
{
	return (struct config){.vocab = 100,
			       .d = 512,
			       .layers = 3,
			       .heads = 8,
			       .kv_heads = 2,
			       .head_dim = 64,
			       .ffn = 96,
			       .max_len = 4096,
			       .norm_eps = 1e-5,
			       .rope = rope,
			       .tied = true};
}

/* c, written and read again; the status of reading */
static int there_and_back(const char *dir, const struct config *c, float *freqs,
			  struct config *back, struct reason *why)
{
	const struct gguf_arch *a = gguf_arch_of(FAMILY_LLAMA);
	const struct gguf_item item = {
		"rope_freqs.weight", quant_find(QUANT_F32), 1, {(uint64_t)c->head_dim / 2, 1}};
	struct gguf_meta meta = {0};
	struct gguf g;
	struct out o;
	json_t *j;
	char *text;
	int st;

	assert_int_equal(gguf_config_put(c, a, &meta, why), 0);
	out_init(&o, open(scratch_path(dir, "x"), O_WRONLY | O_CREAT | O_TRUNC, 0666), "x");
	assert_int_equal(gguf_write(&o, &meta, &item, freqs != NULL, put_freqs, freqs, NULL, why),
			 0);
	assert_int_equal(out_close(&o, why), 0);
	buf_free(&meta.b);
	assert_int_equal(gguf_open(&g, scratch_path(dir, "x"), why), 0);
	j = gguf_config_json(&g, a, 100, why);
	gguf_close(&g);
	if (!j)
		return ST_INPUT;
	text = json_dumps(j, 0);
	st = config_parse(back, text, strlen(text), NULL, 0, "x", why);
	free(text);
	json_decref(j);
	return st;
}

static void embeddings(void **state)
{
	static const struct rope ropes[] = {
		{.type = ROPE_DEFAULT, .theta = 1e6},
		{.type = ROPE_LINEAR, .theta = 1e4, .factor = 4},
		{.type = ROPE_YARN,
		 .theta = 1e6,
		 .factor = 4,
		 .original = 1024,
		 .beta_fast = 32,
		 .beta_slow = 1,
		 .attention = 1.1386294361119891},
		{.type = ROPE_YARN,
		 .theta = 1e6,
		 .factor = 4,
		 .original = 1024,
		 .beta_fast = 32,
		 .beta_slow = 1,
		 .attention = 1},
		/* Llama 3.1's and 3.2's, then others */
		{.type = ROPE_LLAMA3,
		 .theta = 5e5,
		 .factor = 8,
		 .original = 8192,
		 .low = 1,
		 .high = 4},
		{.type = ROPE_LLAMA3,
		 .theta = 5e5,
		 .factor = 32,
		 .original = 8192,
		 .low = 1,
		 .high = 4},
		{.type = ROPE_LLAMA3,
		 .theta = 1e4,
		 .factor = 3,
		 .original = 700,
		 .low = 2,
		 .high = 5},
		{.type = ROPE_LLAMA3,
		 .theta = 1e6,
		 .factor = 16,
		 .original = 4096,
		 .low = 1,
		 .high = 1.5},
	};
	const char *dir = scratch_new();

	(void)state;
	for (size_t i = 0; i < sizeof ropes / sizeof *ropes; i++) {
		struct config c = shape(ropes[i]), back;
		struct gguf_rope_tensor t[GGUF_ROPE_TENSORS] = {0};
		size_t n = gguf_rope_tensors(&c, t);
		struct reason why = {0};
		double is[32], was[32];

		assert_int_equal(n, ropes[i].type == ROPE_LLAMA3);
		if (there_and_back(dir, &c, t[0].v, &back, &why))
			fail_msg("%zu: %s", i, why.text);
		assert_int_equal(back.d, 512);
		assert_int_equal(back.heads, 8);
		assert_int_equal(back.kv_heads, 2);
		assert_int_equal(back.ffn, 96);
		assert_int_equal(back.max_len, 4096);
		assert_true(back.norm_eps == 1e-5);
		assert_int_equal(back.rope.type, ropes[i].type);
		rope_freqs(&back.rope, is, 64);
		rope_freqs(&ropes[i], was, 64);
		for (int k = 0; k < 32; k++)
			if (fabs(is[k] - was[k]) > 4e-6 * was[k])
				fail_msg("%zu: frequency %d is %g, not %g", i, k, is[k], was[k]);
		assert_true(fabs(rope_scale(&back.rope) - rope_scale(&ropes[i])) < 1e-6);
		if (i == 4 || i == 5)
			assert_true(back.rope.original == 8192 && back.rope.high == 4);
		free(t[0].v);
		config_free(&back);
	}
	scratch_free(dir);
}

static void strange_freqs(void **state)
{
	static const float odd[] = {3, 0, -1, 1e-30f, 1e30f};
	struct config c = shape((struct rope){.theta = 1e4}), back;
	const char *dir = scratch_new();
	float v[32];

	(void)state;
	for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
		struct reason why = {0};

		for (int i = 0; i < 32; i++)
			v[i] = i % 3 ? odd[k] : 1;
		assert_int_equal(there_and_back(dir, &c, v, &back, &why), ST_INPUT);
		assert_says(&why, "rope_freqs.weight: not those of a llama3 rotary embedding");
	}
	scratch_free(dir);
}

/* The keys of sizes alone; config.json's object, the caller's */
static json_t *of_sizes(enum family f, uint32_t layers)
{
	static const char *const one[] = {"context_length", "embedding_length",
					  "feed_forward_length"};
	const struct gguf_arch *a = gguf_arch_of(f);
	const char *dir = scratch_new();
	struct gguf_meta meta = {0};
	struct gguf g;
	struct out o;
	json_t *j;

	for (int i = 0; i < 3; i++)
		gguf_put_u32(&meta, gguf_arch_key(a, one[i]), 64);
	gguf_put_u32(&meta, gguf_arch_key(a, "block_count"), layers);
	gguf_put_u32(&meta, gguf_arch_key(a, "attention.head_count"), 4);
	gguf_put_u32(&meta, gguf_arch_key(a, "attention.key_length"), 24);
	gguf_put_u32(&meta, gguf_arch_key(a, "attention.value_length"), 24);
	gguf_put_f32(&meta, gguf_arch_key(a, "attention.layer_norm_rms_epsilon"), 1e-6);
	out_init(&o, open(scratch_path(dir, "x"), O_WRONLY | O_CREAT | O_TRUNC, 0666), "x");
	assert_int_equal(gguf_write(&o, &meta, NULL, 0, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(out_close(&o, NULL), 0);
	buf_free(&meta.b);
	assert_int_equal(gguf_open(&g, scratch_path(dir, "x"), NULL), 0);
	j = gguf_config_json(&g, a, 100, NULL);
	gguf_close(&g);
	scratch_free(dir);
	assert_non_null(j);
	return j;
}

static double number(const json_t *j, const char *key)
{
	return json_number_value(json_object_get(j, key));
}

/* What no key means, as llama.cpp has it */
static void absent(void **state)
{
	json_t *j = of_sizes(FAMILY_GEMMA2, 26);

	(void)state;
	assert_true(number(j, "attn_logit_softcapping") == 50);
	assert_true(number(j, "final_logit_softcapping") == 30);
	assert_true(number(j, "sliding_window") == 4096);
	assert_true(number(j, "query_pre_attn_scalar") == 24);
	json_decref(j);
	j = of_sizes(FAMILY_GEMMA2, 46); /* the 27B's scale */
	assert_true(number(j, "query_pre_attn_scalar") == 16);
	json_decref(j);
	j = of_sizes(FAMILY_GEMMA3, 26);
	assert_true(json_is_null(json_object_get(j, "final_logit_softcapping")));
	assert_true(json_is_null(json_object_get(j, "sliding_window")));
	assert_true(number(j, "rope_local_base_freq") == 10000);
	json_decref(j);
	j = of_sizes(FAMILY_EXAONE4, 64);
	assert_true(number(j, "sliding_window") == 4096);
	assert_string_equal(json_string_value(json_array_get(json_object_get(j, "layer_types"), 3)),
			    "full_attention");
	json_decref(j);
	j = of_sizes(FAMILY_EXAONE4, 30);
	assert_true(json_is_null(json_object_get(j, "sliding_window")));
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(embeddings),
					   cmocka_unit_test(strange_freqs),
					   cmocka_unit_test(absent)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
