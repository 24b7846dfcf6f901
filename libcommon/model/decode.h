/*
 * decode.h - the forward pass over caches of keys and values, by one thread: a whole prompt into a
 * cache, or one token of each of several sequences. The logits of a sequence depend on its own
 * tokens and the weights alone, and are those of the trainer's forward pass, bit for bit.
 *
 * A prompt's cache is read by all the sequences that go on from it; each of these has a cache of
 * its own for what comes behind.
 */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include "model/qkvtable.h"
#include "model/model.h"

struct decode {                       /* the same for all threads */
	const struct model *m;        /* borrowed, packed */
	const struct qkvtable *table; /* of the first layer; NULL: without */
	size_t rows;                  /* most tokens taken together */
	size_t first;                 /* tokens that a prompt's cache can hold, */
	size_t own;                   /* and a sequence's */
};

/* One thread's memory for it */
struct decode_room {
	float *x, *xn, *qkv, *att, *gu, *scratch, *att_scratch, *mix_scratch;
	uint32_t *pos, *tokens;
};

/* Cuts the room out of base and returns how many floats that takes; base NULL: says only that. */
size_t decode_lay_out(struct decode_room *r, const struct decode *d, float *base);
/* Takes n floats from base + *at and moves on; NULL of a base of NULL. */
float *decode_cut(float *base, size_t *at, size_t n);
/* Floats of a prompt's cache, and of a sequence's */
size_t decode_first(const struct decode *d);
size_t decode_own(const struct decode *d);

struct decode_prompt {
	const uint32_t *tokens;
	size_t n;
	float *first; /* its cache */
};
/* Prompts into their caches, as many together as the rows have place for, so that weights are read
 * once for all of those; logits (n, vocab): of what follows each. */
void decode_prompts(const struct decode *d, struct decode_room *r, const struct decode_prompt *p,
		    size_t n, float *logits);

struct decode_kv { /* a sequence's */
	float *own;
	float *first;  /* the cache of its prompt, of which it reads */
	size_t shared; /* so many tokens; 0: none */
};
/* How many tokens of a prompt of n those are: the others are copied to the sequence's own cache. */
size_t decode_shared(size_t n);
/* A sequence that goes on from a prompt of n tokens; own: its cache. */
struct decode_kv decode_begin(const struct decode *d, float *own, float *first, size_t n);
/* Tokens of several sequences, one of each: token i is at pos[i] and goes into kv[i].own. Those
 * with the same prompt stand one behind the other. */
struct decode_batch {
	const struct decode_kv *kv;
	const uint32_t *tokens, *pos;
	size_t rows;
};
/* logits (rows, vocab): of what follows each. */
void decode_tokens(const struct decode *d, struct decode_room *r, const struct decode_batch *b,
		   float *logits);

#endif
