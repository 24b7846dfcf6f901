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

/* -a (4 / t) f, f = 1 / (1 + exp(-t (r - 1))); by l: -a r 4 f (1 - f) */
static struct value sapo(const struct loss_opts *o, double l, double a)
{
	double r = elem_exp(clamp(l, -LOG_LIMIT, LOG_LIMIT)), t = a > 0 ? o->rise : o->fall;
	double x = t * (r - 1), e = elem_exp(-fabs(x)), f = (x > 0 ? 1 : e) / (1 + e);
	double slope = -a * r * 4 * e / ((1 + e) * (1 + e));

	return (struct value){-a * 4 / t * f, fabs(l) > LOG_LIMIT ? 0 : slope, false};
}

/* Is p beyond the bound around q, on the side to which a pushes it? */
static bool too_far(const struct loss_opts *o, double logp, double old, double a)
{
	double p = elem_exp(logp), q = elem_exp(old), kl;

	if (o->kind == LOSS_DPPO_TV)
		return a > 0 ? p - q > o->bound : p - q < -o->bound;
	kl = q * (old - logp) + (1 - q) * elem_log((1 - q + 1e-8) / (1 - p + 1e-8));
	return kl > o->bound && (a > 0 ? p > q : p < q);
}

/* -a r, or 0 where the token is too far */
static struct value dppo(const struct loss_opts *o, double logp, double old, double a)
{
	double l = logp - old, r = elem_exp(clamp(l, -LOG_LIMIT, LOG_LIMIT));

	if (too_far(o, logp, old, a))
		return (struct value){0, 0, true};
	return (struct value){-a * r, fabs(l) > LOG_LIMIT ? 0 : -a * r, false};
}

/* sum over t of (logp_t - old_t) / n: the log of what GSPO clips */
static double mean_log_ratio(const struct loss_seq *s)
{
	double sum = 0;

	for (size_t t = 0; t < s->n; t++)
		sum += s->logp[t] - s->old[t];
	return sum / (double)s->n;
}

/* The greater one; a NaN is kept. */
static double greatest(double a, double b)
{
	return isnan(a) || a > b ? a : b;
}

/* k3 = exp(l) - 1 - l and |exp(l) - 1| of a token */
static void note(struct loss_stats *st, double l)
{
	double x = clamp(l, -LOG_LIMIT, LOG_LIMIT), off = elem_expm1(x);

	st->kl_old += off - x;
	st->ratio_error = greatest(st->ratio_error, fabs(off));
}

/* mean: of GSPO, whose 1/n by logp meets n equal tokens, so that the gradient is as it is */
static struct value of_token(const struct loss_opts *o, const struct loss_seq *s, size_t t,
			     double mean)
{
	double l = s->logp[t] - s->old[t], a = s->advantage + (s->more ? s->more[t] : 0);

	switch (o->kind) {
	case LOSS_GSPO:
		return clipped(o, mean, s->advantage, 0);
	case LOSS_CISPO:
		return cispo(o, l, a, s->logp[t]);
	case LOSS_SAPO:
		return sapo(o, l, a);
	case LOSS_DPPO_TV:
	case LOSS_DPPO_KL:
		return dppo(o, s->logp[t], s->old[t], a);
	default: /* LOSS_DAPO */
		return clipped(o, l, a, o->dual_clip);
	}
}

/*
 * L = weight * sum over t of (token loss + kl (exp(q) - 1 - q)), q = ref - whole; d/dwhole of the
 * second is kl (1 - exp(q)). logp, old, whole, ref, dlogp, dwhole (n); whole is logp without one.
 */
void loss_sequence(const struct loss_opts *o, const struct loss_seq *s, double *dlogp,
		   struct loss_stats *st)
{
	double mean = o->kind == LOSS_GSPO && s->n ? mean_log_ratio(s) : 0;

	assert(o->kind <= LOSS_DPPO_KL);
	assert(o->kind != LOSS_SAPO || (o->rise > 0 && o->fall > 0));
	assert(!s->n || (s->logp && s->old && dlogp));
	assert(o->kl == 0 || s->ref);
	assert(!s->whole || s->dwhole);
	assert(o->clip_low >= 0 && o->clip_high >= 0);
	assert(o->dual_clip == 0 || o->dual_clip > 1);
	for (size_t t = 0; t < s->n; t++) {
		struct value v = of_token(o, s, t, mean);
		double weight = s->weight, by_ref = 0;

		note(st, s->logp[t] - s->old[t]);
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

void loss_add(struct loss_stats *all, const struct loss_stats *s)
{
	all->loss += s->loss;
	all->kl_ref += s->kl_ref;
	all->kl_old += s->kl_old;
	all->ratio_error = greatest(all->ratio_error, s->ratio_error);
	all->tokens += s->tokens;
	all->clipped += s->clipped;
}

void loss_entropy(const struct loss_opts *o, const struct loss_seq *s, const float *entropy,
		  float *dent, double *loss)
{
	assert(o->entropy >= 0);
	for (size_t t = 0; t < s->n; t++) {
		double by = -o->entropy * s->weight * (s->scale ? s->scale[t] : 1);

		dent[t] = (float)by;
		*loss += by * entropy[t];
	}
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
