/* verdict.c - verdicts by name. See verdict.h. */
#include "answer/verdict.h"

static const char *const names[] = {"ok",      "timeout",  "signal",    "exit",
				    "garbage", "too-long", "unanswered"};

const char *verdict_name(enum verdict_code c)
{
	return names[c];
}
