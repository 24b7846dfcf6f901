/*
 * ngram.h - how alike the responses of two steps are.
 *
 * All n-grams of all responses of a task within a step make one frequency distribution, p for one
 * step and q for the other. Their overlap, the sum over n-grams of min(p, q), is 1 when they are
 * the same and 0 when no n-gram is common: the F1 score of the two bags brought to the same size,
 * whatever the numbers of samples. A response shorter than n is one gram itself.
 */
#ifndef STATS_NGRAM_H
#define STATS_NGRAM_H

#include "base/tally.h"
#include "base/buf.h"

struct ngrams {
	struct tally grams;  /* key: hash of task and n-gram; tag: task */
	struct tally totals; /* key: task, 0; count: its n-grams, repetitions included */
};

/* n-grams of UTF-8 characters; a byte that continues no character is one with the last. n > 0. */
void ngram_add_text(struct ngrams *g, uint32_t task, struct span text, size_t n);
/* n-grams of 4-byte units: little-endian token ids. */
void ngram_add_tokens(struct ngrams *g, uint32_t task, struct span ids, size_t n);
/* Mean overlap over the tasks that are in both; *tasks: their number. NaN when there is none. */
double ngram_overlap(const struct ngrams *a, const struct ngrams *b, uint64_t *tasks);
void ngram_clear(struct ngrams *g);
void ngram_free(struct ngrams *g);

#endif
