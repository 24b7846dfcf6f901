/* loss.c - policy-gradient losses. See loss.h. */
#include "learn/loss.h"
#include "base/elem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

static const double LOG_LIMIT = 20;

struct value { /* a token's loss, its derivative by logp, and whether a bound cut the ratio */
	double loss, gradient;
	bool clipped;
};

static double clamp(double x, double lo, double hi)
{
	assert(lo <= hi);
	return x < lo ? lo : x > hi ? hi : x;
}

/*
 * max(-a r, -a clip(r, 1 - low, 1 + high)), for a < 0 at most -a c; r = exp(l). Its derivative by l
 * is -a r, or 0 where a bound holds. c 0: no dual clip.
 */
static struct value clipped(const struct loss_opts *o, double l, double a, double c)
{
	double r = elem_exp(clamp(l, -LOG_LIMIT, LOG_LIMIT));
	double bound = clamp(r, 1 - o->clip_low, 1 + o->clip_high);

	if (-a * bound > -a * r)
		return (struct value){-a * bound, 0, true};
	if (a < 0 && c > 0 && r > c)
		return (struct value){-a * c, 0, true};
	return (struct value){-a * r, fabs(l) > LOG_LIMIT ? 0 : -a * r, false};
}

/* -sg(clip(r)) a logp; by logp: -clip(r) a */
static struct value cispo(const struct loss_opts *o, double l, double a, double logp)
{
	double r = elem_exp(clamp(l, -LOG_LIMIT, LOG_LIMIT));
	double bound = clamp(r, 1 - o->clip_low, 1 + o->clip_high);

	return (struct value){-bound * a * logp, -bound * a, bound != r};
}

/* sum over t of (logp_t - old_t) / n: the log of what GSPO clips */
static double mean_log_ratio(const struct loss_seq *s)
{
	double sum = 0;

	for (size_t t = 0; t < s->n; t++)
		sum += s->logp[t] - s->old[t];
	return sum / (double)s->n;
}

/* k3 = exp(l) - 1 - l and |exp(l) - 1| of a token */
static void note(struct loss_stats *st, double l)
{
	double x = clamp(l, -LOG_LIMIT, LOG_LIMIT), off = fabs(elem_expm1(x));

	st->kl_old += elem_expm1(x) - x;
	if (!(off <= st->ratio_error)) /* a NaN is kept */
		st->ratio_error = off;
}

/*
 * L = weight * sum over t of (token loss + kl (exp(q) - 1 - q)), q = ref - whole; d/dwhole of the
 * second is kl (1 - exp(q)). logp, old, whole, ref, dlogp, dwhole (n); whole is logp without one.
 */
void loss_sequence(const struct loss_opts *o, const struct loss_seq *s, double *dlogp,
		   struct loss_stats *st)
{
	double mean = o->kind == LOSS_GSPO && s->n ? mean_log_ratio(s) : 0;

	assert(o->kind <= LOSS_CISPO);
	assert(!s->n || (s->logp && s->old && dlogp));
	assert(o->kl == 0 || s->ref);
	assert(!s->whole || s->dwhole);
	assert(o->clip_low >= 0 && o->clip_high >= 0);
	assert(o->dual_clip == 0 || o->dual_clip > 1);
	for (size_t t = 0; t < s->n; t++) {
		double l = s->logp[t] - s->old[t], weight = s->weight;
		double a = s->advantage + (s->more ? s->more[t] : 0);
		double by_ref = 0;
		struct value v;

		if (o->kind ==
		    LOSS_GSPO) /* its 1/n by logp meets n equal tokens: gradient as it is */
			v = clipped(o, mean, s->advantage, 0);
		else if (o->kind == LOSS_CISPO)
			v = cispo(o, l, a, s->logp[t]);
		else
			v = clipped(o, l, a, o->dual_clip);
		note(st, l);
		if (s->ref) {
			double q = s->ref[t] - (s->whole ? s->whole[t] : s->logp[t]),
			       x = clamp(q, -LOG_LIMIT, LOG_LIMIT);
			double k3 = elem_expm1(x) - x;

			st->kl_ref += k3;
			v.loss += o->kl * k3;
			by_ref = fabs(q) > LOG_LIMIT ? 0 : o->kl * elem_expm1(x);
		}
		weight *= s->scale ? s->scale[t] : 1;
		dlogp[t] = weight * (s->whole ? v.gradient : v.gradient - by_ref);
		if (s->whole)
			s->dwhole[t] = -weight * by_ref;
		st->loss += weight * v.loss;
		st->clipped += v.clipped;
	}
	st->tokens += s->n;
}

double loss_weight(enum aggregate a, size_t n_seq, size_t n_tok, size_t len, size_t max_len)
{
	assert(n_seq >= 1 && n_tok >= 1);
	assert(a == AGG_TOKEN_MEAN || (a == AGG_SEQ_TOKEN_MEAN ? len : max_len) >= 1);
	if (a == AGG_TOKEN_MEAN)
		return 1 / (double)n_tok;
	return 1 / ((double)n_seq * (double)(a == AGG_SEQ_TOKEN_MEAN ? len : max_len));
}

double loss_overlong(size_t len, size_t max, size_t buffer, double penalty)
{
	double over = (double)len - ((double)max - (double)buffer);

	assert(len <= max);
	assert(penalty >= 0);
	return buffer && over > 0 ? -over / (double)buffer * penalty : 0;
}
