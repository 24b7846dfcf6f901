/*
 * tokenizer.h - byte-pair encoding as tokenizer.json of Hugging Face describes it: byte-level
 * (GPT-2, Llama 3, Qwen, and its special case without merges), or by characters with bytes to fall
 * back on (Llama 2, Mistral). Components that are not supported are refused by name.
 */
#ifndef TOKENIZER_TOKENIZER_H
#define TOKENIZER_TOKENIZER_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct tokenizer; /* opaque; read-only once made, so threads may share it */

/* json: the file's text (kept, to be written back). where: its path, for messages. */
struct tokenizer *tok_load(const char *json, size_t n, const char *where, struct reason *why);
void tok_free(struct tokenizer *t);

/* In place of the post-processor's template: this token before a text; -1: none. */
void tok_frame(struct tokenizer *t, int64_t before);
bool tok_is_framed(const struct tokenizer *t); /* has the file a template of its own? */

/* A token that is looked for in the text itself */
struct tok_added {
	const char *content;
	int64_t id; /* -1: that of its name, else behind the last */
	bool special, normalized, lstrip, rstrip, single_word;
};
/* Adds tokens, or says again what they are. One under another id than it has, or under another
 * one's: ST_INPUT naming it. */
int tok_add(struct tokenizer *t, const struct tok_added *v, size_t n, struct reason *why);
bool tok_is_added(const struct tokenizer *t, const char *content);

/* Text of a character-level tokenizer.json: <pad> = 0, <eos> = 1, then each distinct character of
 * alphabet in order. Appended to out. The alphabet must be printable ASCII, space and newline. */
int chars_make(const char *alphabet, struct buf *out, struct reason *why);

struct ids {
	uint32_t *v; /* grown by the tokenizer, freed by the caller with free */
	size_t n, cap;
};
void tok_append(struct ids *ids, const uint32_t *v, size_t n);
/* Appends the ids of text. Added tokens that stand in it become their ids, special or not, as in
 * transformers. special: what the post-processor's template has before a text (a BOS) is added,
 * unless the text begins with it; what it has behind one is not. Text that cannot be encoded (a
 * character outside a character-level vocabulary and no unk): ST_INPUT. */
int tok_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct ids *out,
	       struct reason *why);
/* Appends the bytes of ids; special tokens are left out unless keep_special. An id outside the
 * vocabulary gives nothing. By characters, the blank at the front goes where the decoder strips it,
 * as in transformers: the parts of a sequence decoded one by one are less than the whole. */
void tok_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool keep_special,
		struct buf *out);
uint32_t tok_vocab_size(const struct tokenizer *t);                          /* highest id + 1 */
bool tok_find(const struct tokenizer *t, const char *content, uint32_t *id); /* exact token */
struct span tok_json(const struct tokenizer *t);

/* A token as the files beside tokenizer.json name it: its text, or an object with its content;
 * NULL: none, or neither */
const char *tok_content(const json_t *j, const char *key);

#endif
