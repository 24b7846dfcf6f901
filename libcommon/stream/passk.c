/* passk.c - pass@k without bias, and bootstrap intervals over problems. See passk.h. */
#include "stream/passk.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

/*
 * C(n-c,k) / C(n,k) is the product of 1 - k/i over i = n-c+1 .. n, and the same with c and k
 * exchanged. 1 - product is summed up directly, p += (1 - p) k/i: all terms are positive, so
 * nothing cancels where pass@k is small.
 */
double passk(uint64_t n, uint64_t c, uint64_t k)
{
	uint64_t few = c < k ? c : k, many = c < k ? k : c;
	double p = 0;

	if (k == 0 || k > n)
		return NAN;
	if (c > n - k)
		return 1;
	for (uint64_t i = n - few + 1; i <= n; i++)
		p += (1 - p) * ((double)many / (double)i);
	return p;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* v is sorted, n > 0, 0 <= q <= 1 */
static double quantile(const double *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

/* Means of one resample; mean: (n_metrics), stride apart */
static void resample(const double *value, size_t n_metrics, size_t n, uint64_t key, double *mean,
		     size_t stride)
{
	for (size_t m = 0; m < n_metrics; m++)
		mean[m * stride] = 0;
	for (size_t i = 0; i < n; i++) {
		size_t pick = rng_below(key, i, n);

		for (size_t m = 0; m < n_metrics; m++)
			mean[m * stride] += value[m * n + pick];
	}
	for (size_t m = 0; m < n_metrics; m++)
		mean[m * stride] /= (double)n;
}

void passk_bootstrap(const double *value, size_t n_metrics, size_t n_problems, size_t replicates,
		     uint64_t seed, double *low, double *high)
{
	double *mean = NULL; /* (n_metrics, replicates) */
	size_t cells;

	for (size_t m = 0; m < n_metrics; m++)
		low[m] = high[m] = NAN;
	if (!n_problems || !replicates || !size_mul(n_metrics, replicates, &cells))
		return;
	mean = xarray(cells, sizeof *mean);
	for (size_t r = 0; r < replicates; r++)
		resample(value, n_metrics, n_problems, rng_key(seed, RNG_BOOTSTRAP, r, 0, 0),
			 mean + r, replicates);
	for (size_t m = 0; m < n_metrics; m++) {
		double *v = mean + m * replicates;

		if (isnan(value[m * n_problems]))
			continue;
		qsort(v, replicates, sizeof *v, ascending);
		low[m] = quantile(v, replicates, 0.025);
		high[m] = quantile(v, replicates, 0.975);
	}
	free(mean);
}
