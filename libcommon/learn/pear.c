/* pear.c - weights of tokens by importance. See pear.h. */
#include "learn/pear.h"
#include "base/elem.h"

#include <assert.h>
#include <stdbool.h>

static double cut(double x, double lo, double hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static double weight_of(double log_w)
{
	return elem_exp(cut(log_w, -10, 5));
}

/* From the end on: sum is of what comes behind token t. */
static void suffix(const struct pear_opts *o, const float *logp, const float *mu, size_t n,
		   double *w)
{
	double sum = 0, step = elem_log(o->discount);
	size_t block = o->kind == PEAR_BLOCK ? (size_t)o->block : 1;

	for (size_t t = n; t-- > 0;) {
		bool ends = t + 1 == n || (t + 1) % block == 0;

		w[t] = ends ? weight_of(sum + (double)(n - 1 - t) * step) : w[t + 1];
		sum += cut((double)logp[t] - mu[t], o->low, o->high);
	}
}

void pear_weights(const struct pear_opts *o, const float *logp, const float *mu, size_t n,
		  double *w)
{
	double sum = 0;

	assert(o->low <= 0 && o->high >= 0);
	assert(o->discount > 0 && o->discount <= 1 && o->block >= 1);
	if (o->kind == PEAR_SUFFIX || o->kind == PEAR_BLOCK) {
		suffix(o, logp, mu, n, w);
		return;
	}
	for (size_t t = 0; t < n && o->kind == PEAR_SEQUENCE; t++)
		sum += cut((double)logp[t] - mu[t], o->low, o->high);
	for (size_t t = 0; t < n; t++)
		w[t] = weight_of(sum);
}
