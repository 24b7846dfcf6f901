/*
 * decoder.h - the decoder of tokenizer.json: from the names of tokens to text.
 *
 * Supported: ByteLevel alone; Replace of a string, ByteFallback, Fuse, Strip and Metaspace, alone
 * or in a Sequence. Others are refused by name.
 */
#ifndef TOKENIZER_DECODER_H
#define TOKENIZER_DECODER_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct decoder {
	bool byte_level;    /* names are in GPT-2's alphabet of bytes: see bpe.h; no steps */
	bool fallback;      /* there is a ByteFallback */
	struct dec_step *v; /* owned */
	size_t n;
};

int decoder_load(struct decoder *d, const json_t *j, struct reason *why);
void decoder_free(struct decoder *d);

/* Strings one after the other; zero-initialise, free with decoder_strings_free. */
struct strings {
	struct buf text;
	size_t *end; /* of each, in text */
	size_t n, cap;
};
void decoder_strings_add(struct strings *s, struct span a);
void decoder_strings_free(struct strings *s);
/* Appends the text that the names in s stand for; s is used up. Bytes of ByteFallback are given as
 * they are, also where they are no UTF-8. Not for byte_level. */
void decoder_run(const struct decoder *d, struct strings *s, struct buf *out);

#endif
