/*
 * advantage.h - how much better than expected each sampled response was.
 *
 * r: a response's reward; mean and std (unbiased) are of its group of n.
 *
 * grpo         (r - mean) / (std + 1e-6). A group of one has mean 0 and std 1. Shao et al.,
 *              DeepSeekMath, arXiv 2402.03300.
 * dr-grpo      r - mean. Liu et al., arXiv 2503.20783.
 * rloo         n / (n - 1) * (r - mean) = r - mean of the others; a group of one: r.
 *              Ahmadian et al., arXiv 2402.14740.
 * reinforce++  (r - mean) / sqrt(var + 1e-8) over the tokens of the whole batch, every token of a
 *              response carrying its reward, var unbiased. Hu et al., arXiv 2501.03262.
 * maxrl        (r - mean) / mean; 0 where mean is 0. Of rewards of at least 0. A group of one: r.
 *              With rewards 0 and 1 it climbs log pass@1, cut after n terms. arXiv 2602.02710.
 * pass-at-k    (mean over the subsets of k that hold the response of their best reward - M) /
 *              (S + 1e-6), M and S mean and std of the best over all subsets of k. 0 in a group of
 *              fewer than k. Of rewards 0 and 1 it is the analytic form of arXiv 2508.10751: all 0
 *              once fewer than k are wrong.
 * reinforce++-baseline
 *              r - mean, then whitened as reinforce++ does. The mean over tokens of that is not 0
 *              in general: groups of equal rewards have an advantage, too.
 * opo          r - sum len r / sum len, over the group: its mean by tokens. A group of one: r.
 *              arXiv 2505.23585.
 * gdpo         sum over several rewards q of weight_q times grpo's of q, then (A - mean) / (std +
 * 1e-6) over the batch's responses: a reward that is rare is not drowned by one that is not. arXiv
 * 2601.05242.
 */
#ifndef LEARN_ADVANTAGE_H
#define LEARN_ADVANTAGE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ADVANTAGE_WORDS \
	"grpo|dr-grpo|rloo|reinforce++|maxrl|pass-at-k|reinforce++-baseline|opo|gdpo"
/* In the order of the words */
enum advantage {
	ADV_GRPO,
	ADV_DR_GRPO,
	ADV_RLOO,
	ADV_REINFORCE_PP,
	ADV_MAXRL,
	ADV_PASS_AT_K,
	ADV_REINFORCE_PP_BASELINE,
	ADV_OPO,
	ADV_GDPO,
};

struct advantage_opts {
	enum advantage kind;
	int64_t k; /* of pass-at-k, at least 1 */
};

struct advantage_batch {      /* a step's responses; all is borrowed */
	const double *reward; /* (start[groups]) */
	const size_t *len;    /* (start[groups]) tokens */
	const size_t *start;  /* (groups + 1) group g's are start[g] .. start[g + 1] */
	size_t groups;
	/* of gdpo: reward q of response i is part[i * parts + q] */
	const double *part, *weight; /* (start[groups], parts), (parts) */
	size_t parts;
};

/* ST_INPUT where the estimator is not made for these rewards. */
int advantage_check(const struct advantage_opts *o, const struct advantage_batch *b,
		    struct reason *why);
/* out (start[groups]) of a batch that advantage_check has nothing against. */
void advantage_all(const struct advantage_opts *o, const struct advantage_batch *b, double *out);

#endif
