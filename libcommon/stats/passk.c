/* passk.c - pass@k without bias, and bootstrap intervals over problems. See passk.h. */
#include "stats/passk.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"
#include "stats/pigeonhole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	for (size_t m = 0; m < n_metrics; m++)
		if (!isnan(value[m * n_problems]))
			pigeonhole_interval(mean + m * replicates, replicates, &low[m], &high[m]);
	free(mean);
}

size_t passk_list(const char *list, uint64_t *ks, size_t max)
{
	size_t n_ks = 0;

	for (const char *p = list; p;) {
		size_t n = strcspn(p, ",");
		char *item = xstrndup(p, n);
		int64_t k = 0;
		bool ok = num_i64(item, 1, 1000000000, &k);

		free(item);
		for (size_t i = 0; i < n_ks; i++)
			ok = ok && ks[i] != (uint64_t)k;
		if (!ok || n_ks == max)
			return 0;
		ks[n_ks++] = (uint64_t)k;
		p = p[n] ? p + n + 1 : NULL;
	}
	return n_ks;
}
