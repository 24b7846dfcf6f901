/*
 * bpe.h - byte-pair encoding of one piece of text: the vocabulary, the merges, and the alphabet in
 * which tokenizer.json writes bytes.
 *
 * Byte-level: every byte of a token is one printable character (GPT-2's alphabet); here tokens are
 * kept both as written there and as the bytes that they stand for. By characters (Llama 2): a token
 * is text, with U+2581 for a blank; a character without a token becomes its bytes "<0xE4>".
 */
#ifndef TOKENIZER_BPE_H
#define TOKENIZER_BPE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { BPE_MAX_ID = (1 << 24) - 1 };

/* Tokens left and right next to each other become made; low ranks first. */
struct bpe_merge {
	uint32_t left, right, made, rank;
	bool used;
};

struct bpe_token {
	struct span name;  /* as in tokenizer.json; p NULL: no such id */
	struct span bytes; /* what it stands for */
	bool special;
};

struct bpe {
	struct bpe_token *v; /* by id, holes included; their bytes are owned by the bpe */
	uint32_t n;          /* highest id + 1 */
	uint32_t cap;
	uint64_t key;   /* of both tables, see hash_key */
	int64_t max_id; /* greatest that is taken: BPE_MAX_ID, or less by the caller's wish */
	struct bpe_name *names; /* hash tables, open addressing */
	size_t n_names, cap_names;
	struct bpe_merge *merges;
	size_t n_merges, cap_merges;
	int64_t byte_id[256]; /* the token of one byte, by characters only of an ASCII one, or -1 */
	int64_t fallback[256]; /* the token "<0x0A>" of a byte; -1: none, or byte_fallback is off */
	int64_t unk;           /* stands for what has no token; -1: none */
	bool fuse_unk;         /* one for several in a row */
	bool whole_first;      /* ignore_merges: a piece that is a token is that token */
	bool characters;       /* not byte-level: set before the first bpe_add */
	bool words;            /* no merge reaches across the beginning of a word */
};

void bpe_init(struct bpe *b);
void bpe_free(struct bpe *b);

/* Adds a token of the model's vocabulary, where names are distinct. An id given twice is refused.
 */
int bpe_add(struct bpe *b, struct span name, int64_t id, struct reason *why);
/* A token that is matched in the text as it is written; call after the vocabulary and the merges.
 * One that the vocabulary has under the same id is only marked. Any other stands for the bytes of
 * its name, even where the vocabulary has a token so named: there "é" is the byte 0xe9. */
int bpe_add_literal(struct bpe *b, struct span name, int64_t id, bool special, struct reason *why);
/* The next merge, in the order of rank: both parts and what they make must be tokens. */
int bpe_add_merge(struct bpe *b, struct span left, struct span right, struct reason *why);
/* After the last merge. fallback: byte_fallback is on. */
void bpe_finish(struct bpe *b, bool fallback);
bool bpe_find(const struct bpe *b, struct span name, uint32_t *id);
const struct bpe_merge *bpe_merge(const struct bpe *b, uint32_t left, uint32_t right); /* or NULL */
struct span bpe_blank(const struct bpe *b); /* what begins words: " " or U+2581 */

/* Memory that encoding needs, reused from piece to piece; zero-initialise, free with
 * bpe_work_free. Each thread has its own. */
struct bpe_work {
	struct bpe_symbol *sym;
	struct bpe_pair *heap;
	size_t n_sym, n_heap, cap_sym, cap_heap;
	struct buf name;
};
void bpe_work_free(struct bpe_work *w);

/* Ids of one piece into out[0..n), room for n of them; returns how many. ST_INPUT (as -1) when
 * something has no token and there is no unk. */
long bpe_encode(const struct bpe *b, struct bpe_work *w, struct span piece, uint32_t *out,
		struct reason *why);

/* Appends the character that stands for a byte (UTF-8). */
void bpe_byte_char(unsigned char byte, struct buf *out);

#endif
