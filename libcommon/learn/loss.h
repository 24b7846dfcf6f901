/*
 * loss.h - policy-gradient losses and their derivative by each token's log-probability.
 *
 * With l = logp - old, r = exp(l) and advantage A, the loss of a token is
 *
 * dapo   max(-A r, -A clip(r, 1 - low, 1 + high)), for A < 0 at most -A c (dual clip). PPO's
 *        (Schulman et al., arXiv 1707.06347) with the two bounds of DAPO (Yu et al., arXiv
 *        2503.14476) and the third of Ye et al., arXiv 1912.09729.
 * gspo   the same without c, on s = exp(mean of l over the response) in place of r. Zheng et al.,
 *        arXiv 2507.18071, whose bounds are 3e-4 and 4e-4.
 * cispo  -sg(clip(r, 1 - low, 1 + high)) A logp, sg: no gradient goes through. MiniMax, arXiv
 *        2506.13585, who bound above only: low 1.
 * sapo   -A (4 / t) sigmoid(t (r - 1)), t one number for A > 0, another for A <= 0: no bound, but a
 *        gradient that fades. arXiv 2511.20347.
 * dppo   -A r, and 0 where the token's probability has left q = exp(old) too far in the direction
 *        that A asks for. With p = exp(logp), -tv: |p - q| > bound; -kl: q log(q / p) + (1 - q)
 *        log((1 - q) / (1 - p)) > bound. arXiv 2602.04879.
 *
 * plus kl * (exp(q) - q - 1), q = ref - whole: the k3 estimator of KL(policy || reference), see
 * Schulman, "Approximating KL divergence", 2020. l and q are clamped to +-20, where their gradient
 * ends too. The loss of a batch is the sum of weight * token loss: loss_weight says which weight.
 */
#ifndef LEARN_LOSS_H
#define LEARN_LOSS_H

#include <stddef.h>
#include <stdint.h>

#define LOSS_WORDS "dapo|gspo|cispo|sapo|dppo-tv|dppo-kl"
/* In the order of LOSS_WORDS */
enum loss_kind {
	LOSS_DAPO,
	LOSS_GSPO,
	LOSS_CISPO,
	LOSS_SAPO,
	LOSS_DPPO_TV,
	LOSS_DPPO_KL,
};

#define AGGREGATE_WORDS "token-mean|seq-mean-token-mean|seq-mean-token-sum-norm"
enum aggregate { AGG_TOKEN_MEAN, AGG_SEQ_TOKEN_MEAN, AGG_SEQ_TOKEN_SUM }; /* order of the words */

struct loss_opts {
	enum loss_kind kind;
	double clip_low, clip_high;
	double dual_clip;  /* c > 1; 0: off */
	double kl;         /* coefficient; 0: no reference needed */
	double rise, fall; /* sapo's t for A > 0 and for the others; above 0 */
	double bound;      /* dppo's */
	double entropy;    /* coefficient of the bonus; 0: none */
};

struct loss_seq {                 /* one response */
	const double *logp, *old; /* (n) now, and when it was sampled */
	const double *whole;      /* (n) logp, where the token was drawn from a part of the
				     vocabulary, over all of it; NULL: logp is that */
	double *dwhole;           /* (n) out: d(loss) / d(whole); where there is one */
	const double *ref;        /* (n) under the reference, over the whole vocabulary, or NULL */
	const double *scale;      /* (n) each token's loss is multiplied by it, or NULL: by 1 */
	const double *more;       /* (n) added to its advantage, or NULL; not for gspo */
	size_t n;
	double advantage;
	double weight; /* of each of its tokens */
};

struct loss_stats {         /* sums over tokens, added to; zero them first */
	double loss;        /* weight * token loss */
	double kl_ref;      /* k3 estimates against the reference */
	double kl_old;      /* exp(l) - 1 - l: how far the policy moved since sampling */
	double ratio_error; /* greatest |r - 1|; NaN where one is */
	uint64_t tokens;
	uint64_t clipped; /* tokens whose ratio a bound cut */
};

/* dlogp[t] = d(loss) / d(logp[t]); adds to *st. */
void loss_sequence(const struct loss_opts *o, const struct loss_seq *s, double *dlogp,
		   struct loss_stats *st);
/* Adds the sums of other tokens. */
void loss_add(struct loss_stats *all, const struct loss_stats *s);

/* The bonus: each token's loss less o->entropy times its entropy. dent[t] = d(loss) /
 * d(entropy[t]); adds to *loss. */
void loss_entropy(const struct loss_opts *o, const struct loss_seq *s, const float *entropy,
		  float *dent, double *loss);

/*
 * Weight of a token of a response of len tokens, in a batch of n_seq responses and n_tok tokens:
 * token-mean 1 / n_tok (DAPO), seq-mean-token-mean 1 / (n_seq len) (GRPO), seq-mean-token-sum-norm
 * 1 / (n_seq max_len) (Dr.GRPO: max_len is the same for the whole run).
 */
double loss_weight(enum aggregate a, size_t n_seq, size_t n_tok, size_t len, size_t max_len);

/* DAPO's soft punishment of long responses, added to the reward: 0 up to max - buffer tokens, then
 * falling linearly to -penalty at max. buffer 0: off. */
double loss_overlong(size_t len, size_t max, size_t buffer, double penalty);

#endif
