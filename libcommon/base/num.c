/* num.c - strict numbers from text. See num.h. */
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool num_i64(const char *s, int64_t lo, int64_t hi, int64_t *v)
{
	char *end;
	long long x;

	if (!(*s >= '0' && *s <= '9') && !(*s == '-' && s[1] >= '0' && s[1] <= '9'))
		return false;
	errno = 0;
	x = strtoll(s, &end, 10);
	if (errno || *end || x < lo || x > hi)
		return false;
	*v = x;
	return true;
}

bool num_f64(const char *s, double lo, double hi, double *v)
{
	char *end;
	double x;

	if (!*s || strspn(s, "0123456789+-.eE") != strlen(s))
		return false;
	x = strtod(s, &end);
	if (*end || end == s || !isfinite(x) || !(x >= lo && x <= hi))
		return false;
	*v = x;
	return true;
}

char *num_text(double v, char *buf)
{
	if (v == trunc(v) && fabs(v) < 1e6) { /* 10, where %.1g would write 1e+01 */
		snprintf(buf, 32, "%.0f", v);
		return buf;
	}
	for (int prec = 1; prec <= 17; prec++) {
		snprintf(buf, 32, "%.*g", prec, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	return buf;
}

bool num_part(const char *s, int64_t *i, int64_t *n)
{
	const char *slash = strchr(s, '/');
	char first[24];

	if (!slash || (size_t)(slash - s) >= sizeof first)
		return false;
	memcpy(first, s, (size_t)(slash - s));
	first[slash - s] = '\0';
	return num_i64(slash + 1, 1, 1000000, n) && num_i64(first, 1, *n, i);
}
