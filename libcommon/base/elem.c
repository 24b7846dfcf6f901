/* elem.c - elementary functions by their series. See elem.h. */
#include "base/elem.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double LN2 = 0.6931471805599453;
/* ln 2 in two parts; the first has 32 bits, so that times any exponent it is exact */
static const double LN2_HI = 0x1.62e42feep-1, LN2_LO = 0x1.a39ef35793c76p-33;

static double of_bits(uint64_t u)
{
	double x;

	memcpy(&x, &u, sizeof x);
	return x;
}

static uint64_t bits_of(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof u);
	return u;
}

/* 2^k, -1022 <= k <= 1023 */
static double power_of_two(int k)
{
	return of_bits((uint64_t)(1023 + k) << 52);
}

/* The nearest whole number; |x| < 2^51 */
static double nearest(double x)
{
	const double magic = 0x1.8p52;

	return x + magic - magic;
}

/* (e^r - 1 - r) / r^2 = 1/2 + r/6 + r^2/24 ..., |r| <= .35: what is left out is below 2^-58 */
static double exp_rest(double r)
{
	static const double by[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800,
				    1.0 / 3628800,    1.0 / 362880,    1.0 / 40320,
				    1.0 / 5040,       1.0 / 720,       1.0 / 120,
				    1.0 / 24,         1.0 / 6,         0.5};
	double p = 1.0 / 87178291200;

	for (unsigned i = 0; i < sizeof by / sizeof *by; i++)
		p = p * r + by[i];
	return p;
}

/* e^x = 2^k e^r, x = k ln 2 + r */
double elem_exp(double x)
{
	double k, r, e;

	if (x != x)
		return x;
	if (x > 709.79)
		return INFINITY;
	if (x < -708.39)
		return 0;
	k = nearest(x / LN2);
	r = x - k * LN2_HI - k * LN2_LO;
	e = 1 + (r + r * r * exp_rest(r));
	/* in two steps: 2^1024 is no number */
	return k > 1000 ? e * power_of_two((int)k - 1) * 2 : e * power_of_two((int)k);
}

double elem_expm1(double x)
{
	if (x != x || (x > -0.34 && x < 0.34))
		return x + x * x * exp_rest(x);
	return elem_exp(x) - 1;
}

/* log m, m = (1 + s) / (1 - s): 2 (s + s^3/3 + s^5/5 ...), |s| <= .172: left out is below 2^-60 */
static double log_of_quotient(double s)
{
	double z = s * s, p = 1.0 / 23;

	for (int i = 21; i >= 3; i -= 2)
		p = p * z + 1.0 / i;
	return 2 * s + 2 * s * z * p;
}

/* log x = k ln 2 + log m, x = 2^k m, sqrt(1/2) <= m < sqrt(2) */
double elem_log(double x)
{
	int k = 0;
	double m;
	uint64_t u;

	if (!(x > 0) || x == INFINITY)
		return x == 0 ? -INFINITY : x > 0 ? x : NAN;
	if (x < 0x1p-1022) {
		x *= 0x1p54;
		k = -54;
	}
	u = bits_of(x);
	k += (int)(u >> 52) - 1023;
	m = of_bits((u & 0xfffffffffffff) | (uint64_t)1023 << 52);
	if (m > 1.4142135623730951) {
		m *= 0.5;
		k++;
	}
	return k * LN2_HI + (log_of_quotient((m - 1) / (m + 1)) + k * LN2_LO);
}

/* For small x the series of x / (2 + x), which is exact enough where 1 + x is not */
double elem_log1p(double x)
{
	if (x > -0.29 && x < 0.41)
		return log_of_quotient(x / (2 + x));
	return elem_log(1 + x);
}

/* sin r and cos r, |r| <= .79: left out is below 2^-58 */
static double sin_near(double r)
{
	double z = r * r, p = 1.0 / 355687428096000;

	p = p * z - 1.0 / 1307674368000;
	p = p * z + 1.0 / 6227020800;
	p = p * z - 1.0 / 39916800;
	p = p * z + 1.0 / 362880;
	p = p * z - 1.0 / 5040;
	p = p * z + 1.0 / 120;
	p = p * z - 1.0 / 6;
	return r + r * z * p;
}

static double cos_near(double r)
{
	double z = r * r, p = -1.0 / 6402373705728000;

	p = p * z + 1.0 / 20922789888000;
	p = p * z - 1.0 / 87178291200;
	p = p * z + 1.0 / 479001600;
	p = p * z - 1.0 / 3628800;
	p = p * z + 1.0 / 40320;
	p = p * z - 1.0 / 720;
	p = p * z + 1.0 / 24;
	return 1 - (0.5 * z - z * z * p);
}

/* sin(x + quarters pi / 2): x = k pi / 2 + r. pi / 2 in four parts of 24 bits, so that k times each
 * is exact */
static double turned(double x, int64_t quarters)
{
	static const double part[] = {0x1.921fb4p+0, 0x1.4442dp-24, 0x1.846988p-48,
				      0x1.8cc51701b839ap-72};
	double k = nearest(x / 1.5707963267948966), r = x, y;

	if (!(fabs(x) < 1e15))
		return NAN;
	for (unsigned i = 0; i < sizeof part / sizeof *part; i++)
		r -= k * part[i];
	quarters += (int64_t)k;
	y = quarters & 1 ? cos_near(r) : sin_near(r);
	return quarters & 2 ? -y : y;
}

double elem_sin(double x)
{
	return turned(x, 0);
}

double elem_cos(double x)
{
	return turned(x, 1);
}

double elem_pow(double x, double y)
{
	return elem_exp(y * elem_log(x));
}
