/* update.h - one update of a model: the optimizer's step on what the model trains, and what of it
 * belongs to a checkpoint. */
#ifndef LEARN_UPDATE_H
#define LEARN_UPDATE_H

#include "learn/optimizer.h"
#include "model/model.h"
#include "run/memory.h"
#include "run/state.h"

/* * Steps a model's trained weights (grads: see optimizer_step) and refreshes its panels, when loss
 * and gradient are finite; else false, and the update counts as skipped. *norm (may be NULL): see
 * optimizer_step. */
bool update_apply(struct optimizer *a, struct model *m, const float *grads, double loss, double lr,
		  double *norm);
/* * Adds gradients in so many lanes, moments and what the optimizer computes with, of what the
 * model trains. fits: no update is more than a micro-batch. */
void update_memory(const struct optimizer_opts *o, const struct model *m, size_t lanes, bool fits,
		   struct memory *need);
/* Names all that the next update depends on: w, which the moments are of, too. */
void update_state(struct optimizer *a, const struct weights *w, struct state *s);

#endif
