/* close.h - compares doubles in a cmocka test; include after <cmocka.h>. */
#ifndef UNIT_CLOSE_H
#define UNIT_CLOSE_H

#include <math.h>

#define assert_close(got, want, tolerance)                                     \
	do {                                                                   \
		double got_ = (got), want_ = (want);                           \
		if (!(fabs(got_ - want_) <= (tolerance)))                      \
			fail_msg("%s is %.17g, not %.17g", #got, got_, want_); \
	} while (0)

#endif
