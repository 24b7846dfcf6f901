/* pigeonhole.c - bootstrap over seeds and problems. See pigeonhole.h. */
#include "stats/pigeonhole.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

/* Which factor a draw is of; columns draw as passk_bootstrap does */
enum { COLS, ROWS };

static void draw_times(double *times, size_t n, uint64_t key)
{
	for (size_t i = 0; i < n; i++)
		times[rng_below(key, i, n)]++;
}

void pigeonhole_draw(struct pigeonhole *c, size_t rows, size_t cols, size_t replicates,
		     uint64_t seed)
{
	if (c->row && c->rows == rows && c->cols == cols && c->replicates == replicates)
		return;
	pigeonhole_free(c);
	*c = (struct pigeonhole){.rows = rows, .cols = cols, .replicates = replicates};
	c->row = xcalloc(replicates * rows + 1, sizeof *c->row);
	c->col = xcalloc(replicates * cols + 1, sizeof *c->col);
	for (size_t r = 0; r < replicates; r++) {
		draw_times(c->row + r * rows, rows, rng_key(seed, RNG_BOOTSTRAP, r, ROWS, 0));
		draw_times(c->col + r * cols, cols, rng_key(seed, RNG_BOOTSTRAP, r, COLS, 0));
	}
}

/* Four sums side by side: the additions of one would wait for each other. */
static double dot(const double *a, const double *b, size_t n)
{
	double s[4] = {0};
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
			s[j] += a[i + j] * b[i + j];
	for (; i < n; i++)
		s[0] += a[i] * b[i];
	return s[0] + s[1] + (s[2] + s[3]);
}

/* Sum over rows and columns of v, each as often as replicate r drew it */
static double total(const struct pigeonhole *c, size_t r, const double *v)
{
	const double *row = c->row + r * c->rows, *col = c->col + r * c->cols;
	double sum = 0;

	for (size_t i = 0; i < c->rows; i++)
		if (row[i] > 0)
			sum += row[i] * dot(col, v + i * c->cols, c->cols);
	return sum;
}

void pigeonhole_means(const struct pigeonhole *c, const double *v, double *mean)
{
	size_t n = c->rows * c->cols, absent = 0;
	double *value = xcalloc(n + 1, sizeof *value); /* 0 where there is none */
	double *there = xcalloc(n + 1, sizeof *there); /* 1 or 0 */
	double count;

	for (size_t i = 0; i < n; i++) {
		absent += isnan(v[i]);
		value[i] = isnan(v[i]) ? 0 : v[i];
		there[i] = !isnan(v[i]);
	}
	for (size_t r = 0; r < c->replicates; r++) {
		count = absent ? total(c, r, there) : (double)n;
		mean[r] = count > 0 ? total(c, r, value) / count : NAN;
	}
	free(value);
	free(there);
}

void pigeonhole_free(struct pigeonhole *c)
{
	free(c->row);
	free(c->col);
	*c = (struct pigeonhole){0};
}

double pigeonhole_mean(const double *v, size_t n)
{
	double sum = 0;
	size_t there = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(v[i])) {
			sum += v[i];
			there++;
		}
	return there ? sum / (double)there : NAN;
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

void pigeonhole_interval(double *mean, size_t n, double *low, double *high)
{
	size_t there = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(mean[i]))
			mean[there++] = mean[i];
	*low = *high = NAN;
	if (!there)
		return;
	qsort(mean, there, sizeof *mean, ascending);
	*low = quantile(mean, there, 0.025);
	*high = quantile(mean, there, 0.975);
}
