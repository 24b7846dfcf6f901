/* ggufarch.c - kinds of models. See ggufarch.h. */
#include "policy/ggufarch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BIAS_ALL (BIAS_QKV | BIAS_O | BIAS_MLP)
/* The norm before the feed-forward layer, where it is named after the attention */
#define NORM2_BEHIND .part = {[PART_NORM2] = "post_attention_norm"}

/* The first of several with one name that has no mark, or whose mark is there, is what such a file
 * is read as. */
static const struct gguf_arch archs[] = {
	{.name = "llama",
	 .family = FAMILY_LLAMA,
	 .permuted = true,
	 .has = GGUF_DIVISORS,
	 .biases = BIAS_ALL},
	{.name = "llama", .family = FAMILY_MISTRAL, .permuted = true, .has = GGUF_DIVISORS},
	{.name = "llama", .family = FAMILY_MINISTRAL, .permuted = true, .has = GGUF_DIVISORS},
	{.name = "mistral3",
	 .family = FAMILY_MINISTRAL3,
	 .permuted = true,
	 .has = GGUF_DIVISORS | GGUF_BETAS},
	{.name = "qwen2", .family = FAMILY_QWEN2, .has = GGUF_SQUARE, .biases = BIAS_QKV},
	{.name = "qwen3", .family = FAMILY_QWEN3},
	{.name = "granite",
	 .family = FAMILY_GRANITE,
	 .permuted = true,
	 .has = GGUF_SCALES | GGUF_DIVISORS,
	 .biases = BIAS_ALL},
	{.name = "smollm3", .family = FAMILY_SMOLLM3, .permuted = true, .unturned = 4},
	{.name = "olmo2",
	 .family = FAMILY_OLMO3,
	 .mark = "attention.sliding_window",
	 .has = GGUF_WINDOWS | GGUF_LIST | GGUF_LOCAL | GGUF_SQUARE | GGUF_HEAD,
	 .pattern = 4},
	{.name = "olmo2", .family = FAMILY_OLMO2, .has = GGUF_SQUARE | GGUF_HEAD},
	{.name = "phi3", .family = FAMILY_PHI3, .has = GGUF_ONE_WINDOW | GGUF_SQUARE},
	{.name = "gemma2",
	 .family = FAMILY_GEMMA2,
	 .has = GGUF_CAPS | GGUF_WINDOWS | GGUF_NO_HEAD,
	 .pattern = 2,
	 .window = 4096,
	 .broad = 46,
	 .attention_cap = 50,
	 .logit_cap = 30},
	{.name = "gemma3",
	 .family = FAMILY_GEMMA3,
	 .has = GGUF_CAPS | GGUF_WINDOWS | GGUF_LIST | GGUF_LOCAL,
	 .pattern = 6,
	 .broad = 62},
	{.name = "starcoder2",
	 .family = FAMILY_STARCODER2,
	 .has = GGUF_SQUARE,
	 .biases = BIAS_ALL,
	 .must = BIAS_ALL},
	{.name = "stablelm",
	 .family = FAMILY_STABLELM,
	 .has = GGUF_SQUARE | GGUF_HEAD,
	 .biases = BIAS_QKV},
	{.name = "exaone4",
	 .family = FAMILY_EXAONE4,
	 .has = GGUF_WINDOWS | GGUF_LIST | GGUF_DIVISORS | GGUF_SQUARE,
	 .pattern = 4,
	 .windowed = 64,
	 .window = 4096},
	{.name = "glm4", .family = FAMILY_GLM4, .biases = BIAS_QKV},
	{.name = "seed_oss", .family = FAMILY_SEED_OSS, .biases = BIAS_QKV, NORM2_BEHIND},
	{.name = "hunyuan-dense", .family = FAMILY_HUNYUAN},
	{.name = "ernie4_5", .family = FAMILY_ERNIE4_5},
	{.name = "apertus",
	 .family = FAMILY_APERTUS,
	 .has = GGUF_DIVISORS | GGUF_HEAD,
	 .biases = BIAS_QKV | BIAS_O},
	{.name = "lfm2", .family = FAMILY_LFM2, .has = GGUF_SQUARE, .last_norm = "token_embd_norm"},
	{.name = "qwen35", .family = FAMILY_QWEN3_5, .has = GGUF_SECTIONS, NORM2_BEHIND},
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

/* family.h says what config.json's world calls them */
static const char *const usual[PARTS] = {
	[PART_NORM1] = "attn_norm",
	[PART_NORM1_OUT] = "post_attention_norm",
	[PART_NORM2] = "ffn_norm",
	[PART_NORM2_OUT] = "post_ffw_norm",
	[PART_Q] = "attn_q",
	[PART_K] = "attn_k",
	[PART_V] = "attn_v",
	[PART_QKV] = "attn_qkv",
	[PART_O] = "attn_output",
	[PART_GATE] = "ffn_gate",
	[PART_UP] = "ffn_up",
	[PART_GU] = "ffn_up",
	[PART_DOWN] = "ffn_down",
	[PART_Q_NORM] = "attn_q_norm",
	[PART_K_NORM] = "attn_k_norm",
	[PART_CONV_IN] = "shortconv.in_proj",
	[PART_CONV] = "shortconv.conv",
	[PART_CONV_OUT] = "shortconv.out_proj",
	[PART_DELTA_QKV] = "attn_qkv",
	[PART_DELTA_Z] = "attn_gate",
	[PART_DELTA_B] = "ssm_beta",
	[PART_DELTA_A] = "ssm_alpha",
	[PART_DELTA_CONV] = "ssm_conv1d",
	[PART_DELTA_OUT] = "ssm_out",
};

/* Appends the names of all to what, "a, b and c" */
static void list_names(char *what, size_t n)
{
	const char *before = "";

	for (size_t i = 0; i < N_ARCHS; i++) {
		size_t at = strlen(what);

		if (i && strcmp(archs[i].name, archs[i - 1].name) == 0)
			continue;
		snprintf(what + at, n - at, "%s%s", before, archs[i].name);
		before = i + 2 == N_ARCHS ? " and " : ", ";
	}
}

static bool is_marked(const struct gguf *g, const struct gguf_arch *a)
{
	return !a->mark || gguf_find(g, gguf_arch_key(a, a->mark));
}

int gguf_arch_read(const struct gguf *g, const struct gguf_arch **a, struct reason *why)
{
	struct span name = {0};
	char names[300] = "";

	if (gguf_string(g, "general.architecture", &name, why))
		return ST_INPUT;
	if (!name.p)
		return fail(why, ST_INPUT, "%s: general.architecture: missing", g->path);
	for (size_t i = 0; i < N_ARCHS; i++)
		if (span_is(name, archs[i].name) && is_marked(g, &archs[i])) {
			*a = &archs[i];
			return 0;
		}
	list_names(names, sizeof names);
	return fail(why, ST_INPUT, "%s: architecture %.*s is not supported, only %s", g->path,
		    name.n < 60 ? (int)name.n : 60, name.p, names);
}

const struct gguf_arch *gguf_arch_of(enum family f)
{
	for (size_t i = 0; i < N_ARCHS; i++)
		if (archs[i].family == f)
			return &archs[i];
	return NULL;
}

const char *gguf_arch_key(const struct gguf_arch *a, const char *key)
{
	static _Thread_local char name[96];

	snprintf(name, sizeof name, "%s.%s", a->name, key);
	return name;
}

const char *gguf_arch_part(const struct gguf_arch *a, enum layer_part p)
{
	assert(p < PARTS);
	return a->part[p] ? a->part[p] : usual[p];
}
