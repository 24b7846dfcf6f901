/*
 * decode.h - the forward pass over caches of keys and values, by one thread: a whole prompt into a
 * cache, or one token of each of several sequences. The logits of a sequence depend on its own
 * tokens and the weights alone, and are those of the trainer's forward pass, bit for bit.
 */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include "model/qkvtable.h"
#include "model/model.h"

struct decode {                       /* the same for all threads */
	const struct model *m;        /* borrowed, packed */
	const struct qkvtable *table; /* of the first layer; NULL: without */
	size_t rows;                  /* most tokens taken together */
	size_t len;                   /* tokens that a cache can hold */
};

/* One thread's memory for it */
struct decode_room {
	float *x, *xn, *qkv, *att, *gu, *scratch, *att_scratch, *mix_scratch;
	uint32_t *pos;
};

/* Cuts the room out of base and returns how many floats that takes; base NULL: says only that. */
size_t decode_lay_out(struct decode_room *r, const struct decode *d, float *base);
/* Takes n floats from base + *at and moves on; NULL of a base of NULL. */
float *decode_cut(float *base, size_t *at, size_t n);
/* Floats of a cache */
size_t decode_cache(const struct decode *d);

/* A prompt of n tokens into the cache kv; logits (vocab): of what follows it. */
void decode_prompt(const struct decode *d, struct decode_room *r, float *kv, const uint32_t *tokens,
		   size_t n, float *logits);
/* Tokens of several sequences, one of each: token i is at pos[i] and goes into cache kv[i]. */
struct decode_batch {
	float *const *kv;
	const uint32_t *tokens, *pos;
	size_t rows;
};
/* logits (rows, vocab): of what follows each. */
void decode_tokens(const struct decode *d, struct decode_room *r, const struct decode_batch *b,
		   float *logits);
/* The first n tokens of one cache to another */
void decode_copy(const struct decode *d, float *to, const float *from, size_t n);

#endif
