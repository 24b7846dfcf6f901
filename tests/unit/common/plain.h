/*
 * plain.h - what tests of kernels need: numbers, and the product as a plain loop in double. Include
 * after <cmocka.h>.
 */
#ifndef UNIT_PLAIN_H
#define UNIT_PLAIN_H

#include "base/mem.h"
#include "base/rng.h"
#include "tensor/matrix.h"
#include "tensor/gemm.h"

#include <math.h>
#include <stdbool.h>

/* n numbers, and room for a vector that is read past their end; the caller's */
static inline float *plain_normal(uint64_t key, size_t n)
{
	float *v = xarray(n + LANES, sizeof *v);

	for (size_t i = 0; i < n + LANES; i++)
		v[i] = (float)rng_normal(key, i);
	return v;
}

/* The same bits? NaN equals itself. */
#define assert_same_bits(a, b, n) assert_memory_equal(a, b, (n) * sizeof(float))

/*
 * got is within the rounding of a chain of k products in f32, each of which and each sum of which
 * may be off by half a unit in the last place of what has been summed: k + 2 half units of the sum
 * of sizes.
 */
static inline void plain_near(double got, double want, double size, size_t k, const char *what)
{
	if (!(fabs(got - want) <= (double)(k + 2) * 0x1p-24 * size))
		fail_msg("%s: %.9g, not %.9g", what, got, want);
}

/* Checks c = was + A B; across: A' lies in memory. was may be NULL. */
static inline void plain_product(struct cmatrix a, bool across, struct cmatrix b, struct cmatrix c,
				 const float *was)
{
	size_t k = across ? a.rows : a.cols;

	for (size_t i = 0; i < c.rows; i++)
		for (size_t j = 0; j < c.cols; j++) {
			double want = was ? was[i * c.ld + j] : 0, size = fabs(want);

			for (size_t x = 0; x < k; x++) {
				double p =
					(double)(across ? a.p[x * a.ld + i] : a.p[i * a.ld + x]) *
					(double)b.p[x * b.ld + j];

				want += p;
				size += fabs(p);
			}
			plain_near(c.p[i * c.ld + j], want, size, k, "product");
		}
}

#endif
