/* ggufarch.h: names of tensors both ways, the order of rows both ways. */
#include "scratch.h"

#include "policy/ggufarch.h"

static void names(void **state)
{
	static const char *const pairs[][2] = {
		{"token_embd.weight", "model.embed_tokens.weight"},
		{"output_norm.weight", "model.norm.weight"},
		{"output.weight", "lm_head.weight"},
		{"blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias"},
		{"blk.12.attn_q_norm.weight", "model.layers.12.self_attn.q_norm.weight"},
		{"blk.7.ffn_norm.weight", "model.layers.7.post_attention_layernorm.weight"},
		{"blk.119.ffn_gate.weight", "model.layers.119.mlp.gate_proj.weight"}};
	char to[128];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_true(gguf_arch_long(gguf_arch_of(FAMILY_LLAMA), pairs[i][0], to, sizeof to));
		assert_string_equal(to, pairs[i][1]);
		assert_true(
			gguf_arch_short(gguf_arch_of(FAMILY_LLAMA), pairs[i][1], to, sizeof to));
		assert_string_equal(to, pairs[i][0]);
	}
}

static void no_names(void **state)
{
	static const char *const not [] = {"",
					   "blk.",
					   "blk.0",
					   "blk.0.",
					   "blk.x.attn_q.weight",
					   "blk.-1.attn_q.weight",
					   "blk.01.attn_q.weight",
					   "blk.1234567.attn_q.weight",
					   "blk.0.attn_q",
					   "blk.0.attn_q.weights",
					   "blk.0.attn_qkv.weight",
					   "blk.0.token_embd.weight",
					   "attn_q.weight",
					   "token_embd",
					   "rope_freqs.weight"};
	char to[128];

	(void)state;
	for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
		if (gguf_arch_long(gguf_arch_of(FAMILY_LLAMA), not [i], to, sizeof to))
			fail_msg("%s: %s", not [i], to);
	assert_false(gguf_arch_short(gguf_arch_of(FAMILY_LLAMA),
				     "model.layers.0.mlp.experts.0.up_proj.weight", to, sizeof to));
	assert_false(
		gguf_arch_short(gguf_arch_of(FAMILY_LLAMA), "blk.0.attn_q.weight", to, sizeof to));
	assert_false(gguf_arch_long(gguf_arch_of(FAMILY_LLAMA), "blk.0.ffn_norm.weight", to, 20));
}

/* One name means another part in another family; norms may be held less 1. */
static void families(void **state)
{
	const struct gguf_arch *olmo = gguf_arch_of(FAMILY_OLMO2);
	const struct gguf_arch *gemma = gguf_arch_of(FAMILY_GEMMA3);
	char to[128];

	(void)state;
	assert_true(gguf_arch_long(olmo, "blk.1.post_attention_norm.weight", to, sizeof to));
	assert_string_equal(to, "model.layers.1.post_attention_layernorm.weight");
	assert_false(gguf_arch_long(olmo, "blk.1.ffn_norm.weight", to, sizeof to));
	assert_true(gguf_arch_short(olmo, "model.layers.1.post_feedforward_layernorm.weight", to,
				    sizeof to));
	assert_string_equal(to, "blk.1.post_ffw_norm.weight");
	assert_true(gguf_arch_long(gemma, "blk.1.ffn_norm.weight", to, sizeof to));
	assert_string_equal(to, "model.layers.1.pre_feedforward_layernorm.weight");
	assert_true(gguf_arch_plus(gemma, "blk.1.attn_q_norm.weight") == 1);
	assert_true(gguf_arch_plus(gemma, "blk.1.attn_q.weight") == 0);
	assert_true(gguf_arch_plus(olmo, "output_norm.weight") == 0);
	assert_string_equal(gguf_arch_of(FAMILY_MISTRAL)->name, "llama");
}

static void rows(void **state)
{
	static const size_t there[8] = {0, 2, 4, 1, 3, 5, 6, 8}; /* of heads of 6 */
	const struct gguf_arch *llama = gguf_arch_of(FAMILY_LLAMA),
			       *qwen2 = gguf_arch_of(FAMILY_QWEN2);

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(gguf_arch_row_in_gguf(i, 6), there[i]);
	for (size_t i = 0; i < 48; i++)
		assert_int_equal(gguf_arch_row_in_folder(gguf_arch_row_in_gguf(i, 6), 6), i);
	assert_true(gguf_arch_turns(llama, "blk.3.attn_q.weight"));
	assert_true(gguf_arch_turns(llama, "blk.3.attn_k.bias"));
	assert_false(gguf_arch_turns(llama, "blk.3.attn_v.weight"));
	assert_false(gguf_arch_turns(llama, "blk.3.attn_q_norm.weight"));
	assert_false(gguf_arch_turns(qwen2, "blk.3.attn_q.weight"));
	assert_null(gguf_arch_of(FAMILY_APERTUS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(no_names),
					   cmocka_unit_test(families), cmocka_unit_test(rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
