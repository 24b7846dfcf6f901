/* ggufplace.h: names of weights, the order of rows and columns both ways, numbers both ways. */
#include "scratch.h"

#include "policy/ggufplace.h"

#include <math.h>

static const struct config shape = {.d = 32,
				    .layers = 4,
				    .heads = 4,
				    .kv_heads = 2,
				    .head_dim = 6,
				    .linear_k_heads = 2,
				    .linear_v_heads = 6,
				    .linear_k_dim = 5,
				    .linear_v_dim = 3};

static struct gguf_place place(enum family f, const char *weight)
{
	struct gguf_place p;

	if (!gguf_place_find(gguf_arch_of(f), &shape, weight, &p))
		fail_msg("%s: no place", weight);
	return p;
}

static void names(void **state)
{
	static const struct {
		enum family f;
		const char *weight, *name;
	} pairs[] = {
		{FAMILY_LLAMA, "model.embed_tokens.weight", "token_embd.weight"},
		{FAMILY_LLAMA, "model.norm.weight", "output_norm.weight"},
		{FAMILY_LLAMA, "lm_head.weight", "output.weight"},
		{FAMILY_LLAMA, "model.layers.0.self_attn.q_proj.bias", "blk.0.attn_q.bias"},
		{FAMILY_LLAMA, "model.layers.119.mlp.gate_proj.weight", "blk.119.ffn_gate.weight"},
		{FAMILY_LLAMA, "model.layers.7.post_attention_layernorm.weight",
		 "blk.7.ffn_norm.weight"},
		{FAMILY_QWEN3, "model.layers.12.self_attn.q_norm.weight",
		 "blk.12.attn_q_norm.weight"},
		{FAMILY_OLMO2, "model.layers.1.post_attention_layernorm.weight",
		 "blk.1.post_attention_norm.weight"},
		{FAMILY_GEMMA3, "model.layers.1.pre_feedforward_layernorm.weight",
		 "blk.1.ffn_norm.weight"},
		{FAMILY_SEED_OSS, "model.layers.1.post_attention_layernorm.weight",
		 "blk.1.post_attention_norm.weight"},
		{FAMILY_PHI3, "model.layers.0.mlp.gate_up_proj.weight", "blk.0.ffn_up.weight"},
		{FAMILY_STARCODER2, "model.norm.bias", "output_norm.bias"},
		{FAMILY_LFM2, "model.embedding_norm.weight", "token_embd_norm.weight"},
		{FAMILY_LFM2, "model.layers.2.conv.conv.weight", "blk.2.shortconv.conv.weight"},
		{FAMILY_QWEN3_5, "model.layers.2.linear_attn.A_log", "blk.2.ssm_a"},
		{FAMILY_QWEN3_5, "model.layers.2.linear_attn.dt_bias", "blk.2.ssm_dt.bias"},
		{FAMILY_APERTUS, "model.layers.2.mlp.act_fn.alpha_n", "xielu.alpha_n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_string_equal(place(pairs[i].f, pairs[i].weight).name, pairs[i].name);
	assert_true(place(FAMILY_APERTUS, "model.layers.2.mlp.act_fn.beta").key);
	assert_int_equal(place(FAMILY_APERTUS, "model.layers.2.mlp.act_fn.beta").at, 2);
}

static void no_names(void **state)
{
	static const char *const not [] = {"",
					   "model.layers.",
					   "model.layers.0",
					   "model.layers.0.",
					   "model.layers.x.self_attn.q_proj.weight",
					   "model.layers.-1.self_attn.q_proj.weight",
					   "model.layers.01.self_attn.q_proj.weight",
					   "model.layers.1234567.self_attn.q_proj.weight",
					   "model.layers.0.self_attn.q_proj",
					   "model.layers.0.self_attn.q_proj.weights",
					   "model.layers.0.self_attn.q_proj.3.weight",
					   "model.layers.0.mlp.experts.0.up_proj.weight",
					   "model.layers.0.model.norm.weight",
					   "self_attn.q_proj.weight",
					   "model.norm",
					   "blk.0.attn_q.weight"};
	struct gguf_place p;

	(void)state;
	for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
		if (gguf_place_find(gguf_arch_of(FAMILY_LLAMA), &shape, not [i], &p))
			fail_msg("%s: %s", not [i], p.name);
}

/* A norm with weights of its own for each head is one tensor. */
static void rows_of_one(void **state)
{
	const char *stem = "model.layers.1.self_attn.k_layernorm.norms.";
	struct gguf_place p = place(FAMILY_STABLELM, "model.layers.1.self_attn.q_layernorm.norms.3"
						     ".weight");
	char name[96];

	(void)state;
	assert_string_equal(p.name, "blk.1.attn_q_norm.weight");
	assert_int_equal(p.rows, 4);
	assert_int_equal(p.at, 3);
	snprintf(name, sizeof name, "%s1.weight", stem);
	assert_int_equal(place(FAMILY_STABLELM, name).rows, 2);
	snprintf(name, sizeof name, "%s1.bias", stem);
	assert_false(gguf_place_find(gguf_arch_of(FAMILY_STABLELM), &shape, name, &p));
}

static void orders(void **state)
{
	static const size_t half[8] = {0, 2, 4, 1, 3, 5, 6, 8}; /* of heads of 6 */
	/* of 2 heads of keys with 3 of values each: those of the first, then those of the second */
	static const size_t heads[6] = {0, 2, 4, 1, 3, 5};
	struct gguf_order q = place(FAMILY_LLAMA, "model.layers.3.self_attn.q_proj.weight").order;
	struct gguf_order b = place(FAMILY_LLAMA, "model.layers.3.self_attn.k_proj.bias").order;
	struct gguf_order v =
		place(FAMILY_QWEN3_5, "model.layers.0.linear_attn.in_proj_qkv.weight").order;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(gguf_place_there(&q, i), half[i]);
	for (size_t i = 0; i < 48; i++) {
		assert_int_equal(gguf_place_here(&q, gguf_place_there(&q, i)), i);
		assert_int_equal(gguf_place_there(&b, i), gguf_place_there(&q, i));
	}
	for (size_t i = 0; i < 20 + 18; i++) {
		size_t head = i < 20 ? 0 : (i - 20) / 3;

		assert_int_equal(gguf_place_there(&v, i),
				 i < 20 ? i : 20 + heads[head] * 3 + (i - 20) % 3);
		assert_int_equal(gguf_place_here(&v, gguf_place_there(&v, i)), i);
	}
	assert_int_equal(place(FAMILY_LLAMA, "model.layers.3.self_attn.v_proj.bias").order.a, 0);
	assert_int_equal(place(FAMILY_QWEN2, "model.layers.3.self_attn.q_proj.bias").order.a, 0);
	assert_int_equal(place(FAMILY_QWEN3, "model.layers.3.self_attn.q_norm.weight").order.a, 0);
}

static void numbers(void **state)
{
	struct gguf_place norm = place(FAMILY_GEMMA3, "model.layers.1.self_attn.q_norm.weight");
	struct gguf_place log = place(FAMILY_QWEN3_5, "model.layers.1.linear_attn.A_log");
	struct gguf_place out = place(FAMILY_QWEN3_5, "model.layers.1.linear_attn.out_proj.weight");
	float v[36], a[3] = {-2, 0, 1.5f};

	(void)state;
	gguf_place_send(&norm, a, 3, 1);
	assert_true(a[0] == -1 && a[1] == 1 && a[2] == 2.5f);
	gguf_place_fetch(&norm, a, 3, 1);
	assert_true(a[0] == -2 && a[1] == 0 && a[2] == 1.5f);
	gguf_place_send(&log, a, 3, 1);
	assert_true(a[1] == -1 && fabsf(a[2] + 4.4816891f) < 1e-6f);
	gguf_place_fetch(&log, a, 3, 1);
	assert_true(a[1] == 0 && fabsf(a[2] - 1.5f) < 1e-6f && fabsf(a[0] + 2) < 1e-6f);
	for (int i = 0; i < 36; i++)
		v[i] = (float)i;
	gguf_place_send(&out, v, 2, 18);
	assert_true(v[3] == 9 && v[6] == 3 && v[9] == 12 && v[18 + 3] == 18 + 9);
	gguf_place_fetch(&out, v, 2, 18);
	for (int i = 0; i < 36; i++)
		assert_true(v[i] == (float)i);
	assert_true(place(FAMILY_GEMMA3, "model.norm.weight").plus == 1);
	assert_true(place(FAMILY_GEMMA3, "model.layers.1.self_attn.q_proj.weight").plus == 0);
	assert_true(place(FAMILY_OLMO2, "model.norm.weight").plus == 0);
	assert_true(place(FAMILY_QWEN3_5, "model.layers.1.linear_attn.norm.weight").plus == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(no_names),
					   cmocka_unit_test(rows_of_one), cmocka_unit_test(orders),
					   cmocka_unit_test(numbers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
