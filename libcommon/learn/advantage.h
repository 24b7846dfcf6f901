/*
 * advantage.h - how much better than expected each sampled response was.
 *
 * grpo         (r - mean) / (std + 1e-6), std unbiased, both of the group. A group of one has
 *              mean 0 and std 1. Shao et al., DeepSeekMath, arXiv 2402.03300.
 * dr-grpo      r - mean. Liu et al., arXiv 2503.20783.
 * rloo         n / (n - 1) * (r - mean) = r - mean of the others; a group of one: r.
 *              Ahmadian et al., arXiv 2402.14740.
 * reinforce++  (r - mean) / sqrt(var + 1e-8) over the tokens of the whole batch, every token of a
 *              response carrying its reward, var unbiased. Hu et al., arXiv 2501.03262.
 */
#ifndef LEARN_ADVANTAGE_H
#define LEARN_ADVANTAGE_H

#include <stddef.h>

#define ADVANTAGE_WORDS "grpo|dr-grpo|rloo|reinforce++"
enum advantage { ADV_GRPO, ADV_DR_GRPO, ADV_RLOO, ADV_REINFORCE_PP }; /* order of the words */

/* out[i] for reward[i]; group g holds start[g] .. start[g + 1]; len[i]: tokens of response i. */
void advantage_all(enum advantage kind, const double *reward, const size_t *len,
		   const size_t *start, size_t n_groups, double *out);

#endif
