/*
 * gguftok.h - the tokenizer of a GGUF as the files of a policy folder.
 *
 * Byte-level BPE (tokenizer.ggml.model gpt2), cut as tokenizer.ggml.pre says, and BPE by characters
 * (llama), whose merges are found by the scores of tokens. Others are refused by name.
 */
#ifndef POLICY_GGUFTOK_H
#define POLICY_GGUFTOK_H

#include "base/names.h"
#include "policy/gguf.h"
#include "policy/ggufpre.h"

#include <stdbool.h>

enum gguf_kind { GGUF_NORMAL = 1, GGUF_UNKNOWN, GGUF_CONTROL, GGUF_USER, GGUF_UNUSED, GGUF_BYTE };
enum { GGUF_MAX_STOPS = 16 };

struct gguf_tok {
	const struct gguf *g;
	bool bytes;                 /* byte-level */
	const struct gguf_pre *pre; /* of that */
	struct span *token;         /* by id */
	size_t n;
	double *kind, *score; /* of each; score: not of byte-level */
	struct span *merge;   /* "a b" */
	size_t n_merges;
	struct names names; /* tokens, numbered as they are */
	int64_t bos, eos, unk, pad;
	uint32_t stop[GGUF_MAX_STOPS]; /* what ends a response, eos first */
	size_t n_stops;
	bool add_bos, add_eos, prefix; /* prefix: a blank before the text */
	bool strips;                   /* added tokens take white space behind them with them */
	size_t dropped;                /* merges of what is no token: they never come to pass */
};

/* Strings are g's, which must outlive t. */
int gguf_tok_read(struct gguf_tok *t, const struct gguf *g, struct reason *why);
void gguf_tok_free(struct gguf_tok *t);
/* Appends tokenizer.json; sets dropped. ST_INPUT when its merges cannot be found. */
int gguf_tok_json(struct gguf_tok *t, struct buf *out, struct reason *why);
/* tokenizer_config.json, with the chat template */
int gguf_tok_config(const struct gguf_tok *t, int64_t max_len, struct buf *out, struct reason *why);
/* Adds bos_token_id, eos_token_id (a list where there are several) and pad_token_id, as far as they
 * are known, to config.json's object or generation_config.json's. */
void gguf_tok_ids(const struct gguf_tok *t, json_t *j);
/* Phi-3's added tokens take white space behind them with them. A GGUF has no word for that;
 * llama.cpp knows it by general.name, and then for all of them that are none of these. */
bool gguf_tok_is_phi3(struct span name);
bool gguf_tok_is_kept(struct span token); /* one that does not */

#endif
