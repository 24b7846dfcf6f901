/*
 * cut.h - the distribution over a set of tokens, as top-k and top-p leave one: log-probabilities
 * and their gradient. Sampler and trainer take both from here, so that they are the same floats.
 *
 * log p_K(t) = z_t - log sum over j in K of exp(z_j), z = logits / temperature. A set K of one
 * token has log p_K 0, exactly.
 */
#ifndef MODEL_CUT_H
#define MODEL_CUT_H

#include "base/kept.h"
#include "tensor/softmax.h"

/* log p_K of the target; ids, ascending, are K. inv_t is 1 / temperature. */
float cut_logp(const float *logits, const uint32_t *ids, size_t n, size_t target, float inv_t);
/* The same of a set as bytes (kept.h), which is sound and has ids. */
float cut_logp_kept(const float *logits, struct span kept, size_t target, float inv_t);

/* In place: v logits become the gradient of dlogp * log p_K(target) plus what softmax_backward
 * makes of g, which is about the whole vocabulary; s is what softmax_stat said of them all. */
void cut_backward(float *logits, size_t v, struct span kept, float dlogp,
		  const struct softmax_stat *s, const struct softmax_grad *g);

#endif
