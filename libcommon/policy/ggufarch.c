/* ggufarch.c - names of models and tensors. See ggufarch.h. */
#include "policy/ggufarch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The first of several with one name is what such a file is read as. */
static const struct gguf_arch archs[] = {
	{.name = "llama", .family = FAMILY_LLAMA, .permuted = true},
	{.name = "llama", .family = FAMILY_MISTRAL, .permuted = true},
	{.name = "qwen2", .family = FAMILY_QWEN2},
	{.name = "qwen3", .family = FAMILY_QWEN3},
	{.name = "granite", .family = FAMILY_GRANITE, .permuted = true, .has = GGUF_SCALES},
	{.name = "smollm3", .family = FAMILY_SMOLLM3, .permuted = true, .unturned = 4},
	{.name = "olmo2", .family = FAMILY_OLMO2},
	{.name = "gemma2", .family = FAMILY_GEMMA2, .has = GGUF_CAPS | GGUF_WINDOWS, .pattern = 2},
	{.name = "gemma3",
	 .family = FAMILY_GEMMA3,
	 .has = GGUF_CAPS | GGUF_WINDOWS | GGUF_LOCAL,
	 .pattern = 6},
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

/* Tensors of no layer, and how they begin in config.json's world */
static const char *const whole[][2] = {
	{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};

/* Parts of a layer; family.h says what config.json's world calls them */
static const struct {
	const char *name;
	enum layer_part part;
} parts[] = {{"attn_norm", PART_NORM1},    {"post_attention_norm", PART_NORM1_OUT},
	     {"ffn_norm", PART_NORM2},     {"post_ffw_norm", PART_NORM2_OUT},
	     {"attn_q", PART_Q},           {"attn_k", PART_K},
	     {"attn_v", PART_V},           {"attn_output", PART_O},
	     {"attn_q_norm", PART_Q_NORM}, {"attn_k_norm", PART_K_NORM},
	     {"ffn_gate", PART_GATE},      {"ffn_up", PART_UP},
	     {"ffn_down", PART_DOWN}};

enum { N_WHOLE = sizeof whole / sizeof *whole, N_PARTS = sizeof parts / sizeof *parts };

static const char names[] = "llama, qwen2, qwen3, granite, smollm3, olmo2, gemma2 and gemma3";

int gguf_arch_read(const struct gguf *g, const struct gguf_arch **a, struct reason *why)
{
	struct span name = {0};

	if (gguf_string(g, "general.architecture", &name, why))
		return ST_INPUT;
	if (!name.p)
		return fail(why, ST_INPUT, "%s: general.architecture: missing", g->path);
	for (size_t i = 0; i < N_ARCHS; i++)
		if (span_is(name, archs[i].name)) {
			*a = &archs[i];
			return 0;
		}
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

/* Takes "PREFIX.N." off *name; *n keeps its digits, of which there are `digits`. */
static bool take_layer(const char **name, const char *prefix, const char **n, int *digits)
{
	size_t len = strlen(prefix);

	if (strncmp(*name, prefix, len) != 0)
		return false;
	*n = *name + len;
	*digits = (int)strspn(*n, "0123456789");
	if (!*digits || *digits > 6 || (*digits > 1 && **n == '0') || (*n)[*digits] != '.')
		return false;
	*name = *n + *digits + 1;
	return true;
}

/* The word that name begins with, ".weight" or ".bias" behind it, which is then *end; its other
 * word, or NULL. */
static const char *find_name(const struct gguf_arch *a, const char *name, bool layer, bool here,
			     const char **end)
{
	for (int i = 0; i < (layer ? N_PARTS : N_WHOLE); i++) {
		const char *short_name = layer ? parts[i].name : whole[i][0];
		const char *long_name = layer ? family_part(a->family, parts[i].part) : whole[i][1];
		const char *word = here ? short_name : long_name;

		if (!long_name || strncmp(name, word, strlen(word)) != 0)
			continue;
		*end = name + strlen(word);
		if (strcmp(*end, ".weight") == 0 || strcmp(*end, ".bias") == 0)
			return here ? long_name : short_name;
	}
	return NULL;
}

static bool rename_tensor(const struct gguf_arch *a, const char *name, bool here, char *to,
			  size_t n)
{
	const char *number = "", *end, *word;
	int digits = 0;
	bool layer = take_layer(&name, here ? "blk." : "model.layers.", &number, &digits);

	word = find_name(a, name, layer, here, &end);
	if (!word)
		return false;
	snprintf(to, n, "%s%.*s%s%s%s",
		 !layer ? ""
		 : here ? "model.layers."
			: "blk.",
		 digits, number, layer ? "." : "", word, end);
	return strlen(to) + 1 < n;
}

bool gguf_arch_long(const struct gguf_arch *a, const char *name, char *to, size_t n)
{
	return rename_tensor(a, name, true, to, n);
}

bool gguf_arch_short(const struct gguf_arch *a, const char *name, char *to, size_t n)
{
	return rename_tensor(a, name, false, to, n);
}

float gguf_arch_plus(const struct gguf_arch *a, const char *name)
{
	return strstr(name, "norm.weight") ? family_row(a->family)->one : 0;
}

bool gguf_arch_turns(const struct gguf_arch *a, const char *name)
{
	return a->permuted && (strstr(name, ".attn_q.") || strstr(name, ".attn_k."));
}

size_t gguf_arch_row_in_gguf(size_t row, size_t head_dim)
{
	size_t head = row / head_dim * head_dim, i = row % head_dim, half = head_dim / 2;

	assert(head_dim % 2 == 0);
	return head + (i < half ? 2 * i : 2 * (i - half) + 1);
}

size_t gguf_arch_row_in_folder(size_t row, size_t head_dim)
{
	size_t head = row / head_dim * head_dim, i = row % head_dim, half = head_dim / 2;

	assert(head_dim % 2 == 0);
	return head + i / 2 + (i % 2 ? half : 0);
}
