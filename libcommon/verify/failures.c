/* failures.c - how often the verifier failed. See failures.h. */
#include "verify/failures.h"
#include "base/buf.h"

#include <inttypes.h>

enum { FAIR = 100 }; /* verdicts before a share of failures means something */

void failures_count(struct failures *f, enum verdict_code code)
{
	f->judged++;
	f->failed += code != VERDICT_OK;
	f->kind[code]++;
}

/* "3 timeout, 1 exit" */
static void list_kinds(const struct failures *f, struct buf *b)
{
	for (int k = VERDICT_OK + 1; k < VERDICT_KINDS; k++)
		if (f->kind[k])
			buf_printf(b, "%s%" PRIu64 " %s", b->n ? ", " : "", f->kind[k],
				   verdict_name((enum verdict_code)k));
}

int failures_check(const struct failures *f, bool all, struct reason *why)
{
	double of = (double)(all || f->judged > FAIR ? f->judged : FAIR);
	struct buf kinds = {0};
	int st;

	if ((double)f->failed <= f->most * of)
		return 0;
	list_kinds(f, &kinds);
	st = fail(why, ST_INPUT,
		  "verifier: %" PRIu64 " of %" PRIu64
		  " verdicts are failures (%s), more than --max-failures %g%s",
		  f->failed, f->judged, buf_cstr(&kinds), f->most,
		  f->kind[VERDICT_TIMEOUT] ? "; does the command write out each answer at once?"
					   : "");
	buf_free(&kinds);
	return st;
}
