/*
 * measure.h - what says how well a problem is solved, beside pass@k: of its n graded samples k are
 * drawn without replacement. c of them are correct.
 *
 * pass-hat   C(c,k) / C(n,k): all k are. "pass^k" of Yao et al., arXiv 2406.12045
 * g-pass     P(X >= max(ceil(tau k), 1)), X of the k are: hypergeometric. Liu et al., arXiv
 *            2412.13147
 * mg-pass    2/k sum over i = ceil(k/2) + 1 .. k of P(X >= i), as their program has it: twice the
 *            area under g-pass from tau 0.5 to 1; at most 2/k floor(k/2)
 * best       mean of the greatest reward of the k: sum over i of C(i-1,k-1) g_i / C(n,k), g
 *            ascending; worst: of the least, with C(n-i,k-1)
 * maj        chance that the answer that most of the k give is right ("cons@k"); answers that are
 *            as many share it
 *
 * All but avg are NaN where k is 0 or k > n. Sums are of terms of one sign, from binomials as
 * logarithms in long double: a relative error of some 1e-15.
 */
#ifndef STATS_MEASURE_H
#define STATS_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#define MEASURE_WORDS "pass|maj|g-pass|mg-pass|pass-hat|best|worst"
enum measure { /* in the order of the words; the last is of no k, and always there */
	       MEASURE_PASS,
	       MEASURE_MAJ,
	       MEASURE_GPASS,
	       MEASURE_MGPASS,
	       MEASURE_HAT,
	       MEASURE_BEST,
	       MEASURE_WORST,
	       MEASURE_AVG
};

struct metric {
	enum measure kind;
	uint64_t k;
	double tau; /* of MEASURE_GPASS */
};

double measure_hat(uint64_t n, uint64_t c, uint64_t k);
double measure_gpass(uint64_t n, uint64_t c, uint64_t k, double tau); /* tau: 0 .. 1 */
double measure_mgpass(uint64_t n, uint64_t c, uint64_t k);
double measure_best(const double *g, size_t n, uint64_t k); /* g ascending */
double measure_worst(const double *g, size_t n, uint64_t k);

struct votes {                 /* the answers of a problem's samples; all are counts */
	uint64_t right;        /* samples whose answer is right, however it is written */
	uint64_t silent;       /* samples without an answer: they may be drawn, and do not vote */
	const uint64_t *wrong; /* (n_wrong) of each wrong answer, above 0 */
	size_t n_wrong;
};
/*
 * With a = right, j of the right answer and t wrong ones as often drawn as it,
 *
 *     sum over j = 1 .. min(a,k) of C(a,j) sum over t of W(j,t) / (t + 1) / C(n,k)
 *
 * W: ways to draw the other k - j so that no wrong answer comes more than j times. The time it
 * takes grows as n k^2.
 */
double measure_maj(const struct votes *v, uint64_t k);

/* Numbers from a list as 0.5,1: different ones of 0 .. 1; how many; 0: it is none, or has more than
 * max. */
size_t measure_taus(const char *list, double *taus, size_t max);
/* The measures that a list of words names, as bits 1 << MEASURE_*; 0: it is none. */
unsigned measure_list(const char *list);

#endif
