/*
 * part.h - the gradient of a model part by part: of some weights at a time, as the backward pass
 * completes them, so that nobody needs room for all.
 *
 * Parts are, in this order: the last norm with the head, each layer from the last one on, and the
 * embedding; a head that is tied to the embedding is of that part.
 */
#ifndef MODEL_PART_H
#define MODEL_PART_H

#include "model/model.h"

/* Of a model that trains its own weights, not an adapter's. Part i covers the weights from .. from
 * + n of model_trained. */
size_t part_count(const struct model *m);
void part_range(const struct model *m, size_t i, size_t *from, size_t *n);
size_t part_room(const struct model *m); /* floats that a backward pass needs */
/* Of these, the first are a tied embedding's, begun first and complete last. */
size_t part_apart(const struct model *m);

typedef void part_fn(void *ctx, size_t i, const float *grads);
struct grads_to {      /* where a backward pass leaves the gradient */
	float *all;    /* in one array, laid out as model_trained; added to. NULL: in parts */
	float *room;   /* (part_room) */
	part_fn *part; /* called once for each, in order, with its gradient, which is overwritten
			  after */
	void *ctx;
};
/* As model_backward with zeros for grads: the same bits, in parts */
void model_backward_parts(struct workspace *r, const struct model *m, const struct pack *p,
			  const float *dlogp, const float *dent, const struct grads_to *to);

#endif
