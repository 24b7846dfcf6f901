/* fault.c - numbers that go wrong on purpose. See fault.h. */
#include "base/fault.h"

#ifdef FAULTS
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Is it the turn of this place? Only the place that is named counts. */
static bool due(const char *place, double *bad)
{
	static atomic_ulong count;
	const char *text = getenv("RLOOP_FAULT");
	size_t n = strlen(place);
	unsigned long at, now;
	char *end;

	if (!text || strncmp(text, place, n) != 0 || text[n] != ':')
		return false;
	text += n + 1;
	*bad = strncmp(text, "inf:", 4) == 0 ? HUGE_VAL : (double)NAN;
	at = strtoul(text + 4, &end, 10);
	now = ++count;
	return now == at || (*end == '+' && now > at);
}

void fault_float(const char *place, float *v)
{
	double bad;

	if (due(place, &bad))
		*v = (float)bad;
}

void fault_double(const char *place, double *v)
{
	double bad;

	if (due(place, &bad))
		*v = bad;
}
#endif
