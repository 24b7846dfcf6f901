/*
 * pear.h - weights of a response's tokens by importance: how much likelier what comes after a token
 * is under the policy that is tuned than under the one that drew it (PEAR, arXiv 2602.01058).
 *
 * With d_t = log p(token t) - mu_t, mu_t what the record has, each cut to low .. high, of n tokens:
 *
 * sequence   w_t = exp(sum of all d): the same for all tokens
 * suffix     w_t = g^(n - t) exp(sum of d_j, j > t): a token's own d is not in it, the last has 1
 * block      of pieces of so many tokens, w of its last token for each
 *
 * g: discount. log w is cut to -10 .. 5. No gradient goes through a weight.
 */
#ifndef LEARN_PEAR_H
#define LEARN_PEAR_H

#include <stddef.h>
#include <stdint.h>

enum pear_kind { PEAR_NONE, PEAR_SEQUENCE, PEAR_SUFFIX, PEAR_BLOCK };

struct pear_opts {
	enum pear_kind kind;
	double low, high;
	double discount; /* above 0, at most 1 */
	int64_t block;   /* at least 1; the last piece may have fewer */
};

#define PEAR_OPTS_DEFAULT                                            \
	{                                                            \
		PEAR_NONE, -0.08, 0.3, .discount = 0.999, .block = 4 \
	}

/* w[0 .. n) for tokens of these log-probabilities; with PEAR_NONE all are 1. */
void pear_weights(const struct pear_opts *o, const float *logp, const float *mu, size_t n,
		  double *w);

#endif
