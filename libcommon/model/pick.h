/* pick.h - one token from a row of logits. */
#ifndef MODEL_PICK_H
#define MODEL_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct picked {
	uint32_t token;
	float logp;    /* of the distribution drawn from; greedy: temperature 1 */
	float entropy; /* of softmax(logits / temperature), nats */
	/* The tokens that were left to draw from, ascending, in the scratch; n_kept 0: all */
	const uint32_t *kept;
	size_t n_kept;
};

/* Scratch of one thread: floats and indices, v of each. */
struct pick_scratch {
	float *e;
	uint32_t *heap;
};

struct pick_opts {
	double temperature; /* 0: the largest logit, the lower id where two are equal */
	int64_t top_k;      /* cut to so many of the largest; 0: all */
	double top_p; /* cut, then, to the fewest of the largest whose share of what top_k left
			 reaches it; 1: all */
};
/* Of two that are equal the lower id counts as larger. A cut leaves at most KEPT_MOST tokens, and
 * none whose share is 0 in float. */
bool pick_cuts(const struct pick_opts *o, size_t v);
/* Bytes of what a token's choice leaves (kept.h): the most with top_k, else those of a small one */
size_t pick_bytes(const struct pick_opts *o, size_t v);

/* Draws from softmax(logits / temperature), cut; u in [0, 1) chooses. False when a logit is not
 * finite (-infinity is). */
bool pick_token(struct picked *out, const float *logits, size_t v, const struct pick_opts *o,
		double u, struct pick_scratch *s);

#endif
