/*
 * passk.h - pass@k without bias, and bootstrap intervals over problems.
 *
 * Of n samples of a problem c are correct; pass@k is the chance that k of them, drawn without
 * replacement, hold at least one correct: 1 - C(n-c,k) / C(n,k) (Chen et al., "Evaluating Large
 * Language Models Trained on Code", 2021).
 */
#ifndef STATS_PASSK_H
#define STATS_PASSK_H

#include <stddef.h>
#include <stdint.h>

/* NaN when it does not exist: k is 0 or k > n. c <= n. Relative error below 3e-13 up to n = 10,000.
 */
double passk(uint64_t n, uint64_t c, uint64_t k);

/*
 * 95 % percentile intervals of means over problems. value: (n_metrics, n_problems), row by row; a
 * row that begins with NaN is skipped (its low and high are NaN). Each of the replicates draws
 * n_problems problems with replacement, the same ones for every metric; the bounds are the 2.5 %
 * and 97.5 % quantiles of the means, interpolated linearly between order statistics. The draws are
 * a function of seed alone. No problem or no replicate: NaN.
 */
void passk_bootstrap(const double *value, size_t n_metrics, size_t n_problems, size_t replicates,
		     uint64_t seed, double *low, double *high);

/* ks from a list as 1,4,32: different numbers from 1 to 10^9; 0: it is none, or has more than max.
 */
size_t passk_list(const char *list, uint64_t *ks, size_t max);

#endif
