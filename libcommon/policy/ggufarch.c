/* ggufarch.c - names of models and tensors. See ggufarch.h. */
#include "policy/ggufarch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct gguf_arch archs[] = {
	{"llama", "llama", "LlamaForCausalLM", true},
	{"qwen2", "qwen2", "Qwen2ForCausalLM", false},
	{"qwen3", "qwen3", "Qwen3ForCausalLM", false},
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

static const struct {
	const char *here, *there; /* in GGUF; in config.json's world */
	bool layer;
} names[] = {
	{"token_embd", "model.embed_tokens", false},
	{"output_norm", "model.norm", false},
	{"output", "lm_head", false},
	{"attn_norm", "input_layernorm", true},
	{"attn_q", "self_attn.q_proj", true},
	{"attn_k", "self_attn.k_proj", true},
	{"attn_v", "self_attn.v_proj", true},
	{"attn_output", "self_attn.o_proj", true},
	{"attn_q_norm", "self_attn.q_norm", true},
	{"attn_k_norm", "self_attn.k_norm", true},
	{"ffn_norm", "post_attention_layernorm", true},
	{"ffn_gate", "mlp.gate_proj", true},
	{"ffn_up", "mlp.up_proj", true},
	{"ffn_down", "mlp.down_proj", true},
};

enum { N_NAMES = sizeof names / sizeof *names };

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
	return fail(why, ST_INPUT,
		    "%s: architecture %.*s is not supported, only llama, qwen2 and qwen3", g->path,
		    name.n < 60 ? (int)name.n : 60, name.p);
}

const struct gguf_arch *gguf_arch_of(const char *model_type)
{
	for (size_t i = 0; i < N_ARCHS; i++)
		if (strcmp(archs[i].model_type, model_type) == 0)
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

/* The row of names, by its word here or there; *end: the rest, ".weight" or ".bias" */
static int find_name(const char *name, bool layer, bool here, const char **end)
{
	for (int i = 0; i < N_NAMES; i++) {
		const char *word = here ? names[i].here : names[i].there;
		size_t n = strlen(word);

		if (names[i].layer != layer || strncmp(name, word, n) != 0)
			continue;
		*end = name + n;
		if (strcmp(*end, ".weight") == 0 || strcmp(*end, ".bias") == 0)
			return i;
	}
	return -1;
}

static bool rename_tensor(const char *name, bool here, char *to, size_t n)
{
	const char *number = "", *end;
	int digits = 0, i;
	bool layer = take_layer(&name, here ? "blk." : "model.layers.", &number, &digits);

	i = find_name(name, layer, here, &end);
	if (i < 0)
		return false;
	snprintf(to, n, "%s%.*s%s%s%s",
		 !layer ? ""
		 : here ? "model.layers."
			: "blk.",
		 digits, number, layer ? "." : "", here ? names[i].there : names[i].here, end);
	return strlen(to) + 1 < n;
}

bool gguf_arch_long(const char *name, char *to, size_t n)
{
	return rename_tensor(name, true, to, n);
}

bool gguf_arch_short(const char *name, char *to, size_t n)
{
	return rename_tensor(name, false, to, n);
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
