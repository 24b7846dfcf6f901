/*
 * config.h - the shape of a policy: config.json of the families of family.h.
 *
 * Every key that changes the arithmetic is honoured or refused by name; the rest is kept.
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "model/family.h"
#include "model/rope.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { CONFIG_MAX_EOS = 16 };

/* What one layer is */
struct layer_kind {
	enum mixer mixer;
	int64_t window; /* keys that a token sees, with its own; 0: all */
	bool turned;    /* queries and keys are, by the angles */
	bool local;     /* of layers with a window: config.local */
};

struct config {
	enum family family; /* model_type */
	int64_t vocab;      /* vocab_size */
	int64_t d;          /* hidden_size */
	int64_t layers;     /* num_hidden_layers */
	int64_t heads;      /* num_attention_heads */
	int64_t kv_heads;   /* num_key_value_heads */
	int64_t head_dim;
	int64_t ffn;     /* intermediate_size */
	int64_t max_len; /* max_position_embeddings */
	double norm_eps; /* rms_norm_eps */
	struct rope rope;
	struct rope local; /* of layers with a window, where theirs are others */
	int64_t window;    /* sliding_window; 0: none */
	struct buf kinds;  /* a byte for each layer, owned: see config_layer; n = 0: all plain */
	bool parallel;     /* attention and feed-forward layer have one input */
	int64_t conv_taps; /* of layers with a convolution: conv_L_cache, linear_conv_kernel_dim */
	bool conv_bias;    /* of that and of the products around it */
	/* of linear layers: linear_num_key_heads ... */
	int64_t linear_k_heads, linear_v_heads, linear_k_dim, linear_v_dim;
	/* 0: none */
	double embedding_scale; /* of the embedding's rows */
	double residual_scale;  /* of what a sub-layer adds */
	double attention_scale; /* of scores, in place of 1 / sqrt(head_dim) */
	double attention_cap;   /* c: scores s become c tanh(s / c) */
	double logit_scale;     /* of logits */
	double logit_cap;       /* as attention_cap */
	bool tied;              /* tie_word_embeddings */
	bool qkv_bias, o_bias;
	bool mlp_bias;                /* of gate, up and down */
	bool qk_norm;                 /* queries and keys are normed, as the family's row says */
	int64_t bos;                  /* -1: none */
	uint32_t eos[CONFIG_MAX_EOS]; /* the stop set: union over config and generation_config */
	size_t n_eos;
	struct buf json; /* the file as it came, owned: written back with the policy */
};

/* Parses config.json (and generation_config.json when gen is not NULL). where names the folder. */
int config_parse(struct config *c, const char *json, size_t n, const char *gen, size_t n_gen,
		 const char *where, struct reason *why);
/* Shape of a fresh policy (fields above set by the caller) checked, and json made from it; what
 * the family decides is set. */
int config_make(struct config *c, struct reason *why);
/* Makes a shape one of another family, of the same sizes; what only the old one has is gone. */
void config_recast(struct config *c, enum family f);
/* Appends config.json as it came, but for the type of the weights ("float32", "bfloat16" ...). */
void config_text(const struct config *c, const char *dtype, struct buf *out);
struct layer_kind config_layer(const struct config *c, int64_t layer);
const char *config_family(const struct config *c); /* as in FAMILY_WORDS */
json_t *config_eos(const struct config *c);        /* what eos_token_id must say; the caller's */
bool config_is_eos(const struct config *c, uint32_t token);
uint64_t config_params(const struct config *c); /* number of weights */
void config_free(struct config *c);

#endif
