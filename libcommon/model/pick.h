/* pick.h - one token from a row of logits. */
#ifndef MODEL_PICK_H
#define MODEL_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct picked {
	uint32_t token;
	float logp;    /* of the distribution drawn from; greedy: temperature 1 */
	float full;    /* the same without top-k and top-p */
	float entropy; /* of softmax(logits / temperature), nats */
};

/* Scratch of one thread: floats and indices, v of each. */
struct pick_scratch {
	float *e;
	uint32_t *heap;
};

struct pick_opts {
	double temperature; /* 0: the largest logit, the lower id where two are equal */
	double top_p;       /* cut to the fewest of the largest whose share reaches it; 1: all */
	int64_t top_k;      /* cut, before, to so many of the largest; 0: all */
};

/* Draws from softmax(logits / temperature), cut; u in [0, 1) chooses. False when a logit is not
 * finite (-infinity is). */
bool pick_token(struct picked *out, const float *logits, size_t v, const struct pick_opts *o,
		double u, struct pick_scratch *s);

#endif
