/* failures.c - how often the verifier failed. See failures.h. */
#include "verify/failures.h"
#include "base/buf.h"
#include "stream/columns.h"

#include <inttypes.h>
#include <string.h>

enum { FAIR = 100 }; /* verdicts before a share of failures means something */

void failures_count(struct failures *f, const struct verdict *v)
{
	f->judged++;
	f->failed += v->code != VERDICT_OK;
	f->kind[v->code]++;
	if (!f->said_n && v->said_n) {
		memcpy(f->said, v->said, v->said_n);
		f->said_n = v->said_n;
	}
}

/* " (3 timeout, 1 exit)"; nothing where none was seen since the run went on */
static void list_kinds(const struct failures *f, struct buf *b)
{
	const char *before = " (";

	for (int k = VERDICT_OK + 1; k < VERDICT_KINDS; k++) {
		if (!f->kind[k])
			continue;
		buf_printf(b, "%s%" PRIu64 " %s", before, f->kind[k],
			   verdict_name((enum verdict_code)k));
		before = ", ";
	}
	if (b->n)
		buf_char(b, ')');
}

/* What is wrong, and what may help */
static void diagnose(const struct failures *f, struct buf *b)
{
	if (f->said_n) {
		buf_str(b, "; no answer is: ");
		columns_escape(b, f->said, f->said_n);
	}
	if (f->kind[VERDICT_TIMEOUT])
		buf_str(b, "; does the command write out (flush) each answer at once?");
}

int failures_check(const struct failures *f, bool all, struct reason *why)
{
	double of = (double)(all || f->judged > FAIR ? f->judged : FAIR);
	struct buf kinds = {0}, more = {0};
	int st;

	if ((double)f->failed <= f->most * of)
		return 0;
	list_kinds(f, &kinds);
	diagnose(f, &more);
	st = fail(why, ST_INPUT,
		  "%s: %" PRIu64 " of %" PRIu64
		  " verdicts are failures%s, more than --max-failures %g%s",
		  f->whose ? f->whose : "verifier", f->failed, f->judged, buf_cstr(&kinds), f->most,
		  buf_cstr(&more));
	buf_free(&kinds);
	buf_free(&more);
	return st;
}
