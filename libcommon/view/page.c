/* page.c - trajectories as one HTML page. See page.h. */
#include "view/page.h"
#include "base/num.h"
#include "stream/trajscan.h"
#include "view/glyph.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char style[] =
#include "view/page.css.inc"
	;
static const char script[] =
#include "view/page.js.inc"
	;

static void put_text(struct buf *b, const char *text)
{
	glyph_html(b, (struct span){text, strlen(text)});
}

/* ---- what the page says of itself ---- */

static void put_files(struct buf *b, const struct page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		buf_str(b, i ? ", " : "");
		put_text(b, strcmp(p->files[i], "-") == 0 ? "<stdin>" : p->files[i]);
	}
}

static void put_numbers(struct buf *b, const struct page *p)
{
	if (p->shown < p->total)
		buf_printf(b,
			   "<p><strong>%" PRIu64 " of %" PRIu64
			   " trajectories</strong> are on this page: a random sample, each with "
			   "the same "
			   "chance (seed %" PRIu64 ").",
			   p->shown, p->total, p->seed);
	else
		buf_printf(b, "<p><strong>All %" PRIu64 " trajectories</strong> are on this page.",
			   p->total);
	buf_printf(b, " Of all, %" PRIu64 " were graded", p->graded);
	if (p->graded)
		buf_printf(b, ", with a mean reward of %.4g", p->reward / (double)p->graded);
	buf_printf(b, "; the verifier failed on %" PRIu64 ".", p->failed);
	if (p->others)
		buf_printf(b, " %" PRIu64 " other records are not shown.", p->others);
	buf_str(b, p->cut ? " The input was cut off: this is what was whole.</p>\n" : "</p>\n");
}

void page_begin(struct buf *b, const struct page *p)
{
	buf_str(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>");
	put_files(b, p);
	buf_str(b, "</title>\n<style>\n");
	buf_str(b, style);
	buf_str(b, "</style>\n</head>\n<body>\n<h1>");
	put_files(b, p);
	buf_str(b, "</h1>\n");
	put_numbers(b, p);
	buf_str(b, "<nav id=\"controls\" hidden></nav>\n<main id=\"records\">\n");
}

void page_end(struct buf *b)
{
	buf_str(b, "</main>\n<script>\n");
	buf_str(b, script);
	buf_str(b, "</script>\n</body>\n</html>\n");
}

/* ---- a record ---- */

static void put_attribute(struct buf *b, const char *name, struct span value)
{
	if (!value.p)
		return;
	buf_printf(b, " data-%s=\"", name);
	glyph_html(b, value);
	buf_char(b, '"');
}

static void put_real(struct buf *b, const char *name, double v)
{
	char text[32];

	if (!isnan(v))
		put_attribute(b, name, (struct span){num_text(v, text), strlen(text)});
}

static void put_whole(struct buf *b, const char *name, int64_t v)
{
	if (v >= 0)
		buf_printf(b, " data-%s=\"%" PRId64 "\"", name, v);
}

/* What the filters look at */
static void put_keys(struct buf *b, const struct traj *t)
{
	put_attribute(b, "task", t->task);
	put_whole(b, "iter", t->iter);
	put_whole(b, "step", t->step);
	put_real(b, "reward", t->reward);
	put_attribute(b, "verdict", t->verdict);
	put_attribute(b, "finish", t->finish);
	put_real(b, "advantage", t->advantage);
	put_real(b, "entropy", t->entropy);
}

static void put_title(struct buf *b, const struct page *p, const struct entry *e)
{
	char text[32];

	buf_printf(b, "<h3><a href=\"#r%" PRIu64 "\">%" PRIu64 "</a> <bdi>", e->number, e->number);
	glyph_html(b, e->t.task);
	buf_str(b, "</bdi>");
	if (trajscan_graded(&e->t))
		buf_printf(b, " <b class=\"%s\">%s</b>",
			   traj_correct(&e->t, p->threshold) ? "right" : "wrong",
			   num_text(e->t.reward, text));
	if (e->t.verdict.p && !span_is(e->t.verdict, "ok")) {
		buf_str(b, " <b class=\"wrong\">");
		glyph_html(b, e->t.verdict);
		buf_str(b, "</b>");
	}
	buf_str(b, "</h3>\n");
}

static void put_facts(struct buf *b, const struct entry *e)
{
	struct facts f = {0};
	bool more = false;

	buf_str(b, "<dl>");
	while (entry_fact(&f, e)) {
		if (f.others && !more)
			buf_str(b, "</dl>\n<details><summary>more</summary><dl>");
		more = f.others;
		buf_str(b, "<div><dt>");
		glyph_html(b, f.key);
		buf_str(b, "</dt><dd>");
		glyph_html(b, (struct span){f.value.p, f.value.n});
		buf_str(b, "</dd></div>\n");
	}
	buf_str(b, more ? "</dl></details>\n" : "</dl>\n");
	entry_facts_free(&f);
}

static void put_ids(struct buf *b, const uint32_t *ids, size_t n)
{
	buf_str(b, " data-ids=\"");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, i ? ",%" PRIu32 : "%" PRIu32, ids[i]);
	buf_char(b, '"');
}

static void put_floats(struct buf *b, const char *name, const float *v, size_t n)
{
	if (!v)
		return;
	buf_printf(b, " data-%s=\"", name);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, i ? ",%.4g" : "%.4g", (double)v[i]);
	buf_char(b, '"');
}

/* Where each token ends, as the script counts characters: one that several tokens make up is the
 * last one's. */
static void put_ends(struct buf *b, struct span text, const struct pieces *p)
{
	size_t at = 0, units = 0, size;

	buf_str(b, " data-ends=\"");
	for (size_t i = 0; i < p->n; i++) {
		while (at < p->end[i]) {
			size = glyph_size(text.p + at, text.n - at);
			if (at + size > p->end[i])
				break;
			at += size;
			units += glyph_units(size);
		}
		buf_printf(b, i ? ",%zu" : "%zu", units);
	}
	buf_char(b, '"');
}

static void put_tokens(struct buf *b, const struct entry *e)
{
	size_t n = e->t.n_tokens;

	if (!n)
		return;
	put_ids(b, e->t.tokens, n);
	put_floats(b, "logprobs", e->t.n_logprobs == n ? e->t.logprobs : NULL, n);
	put_floats(b, "ref", e->ref, n);
	if (e->pieces.n)
		put_ends(b, e->t.response, &e->pieces);
}

/* (a parser drops the first line break in a pre) */
void page_put(struct buf *b, const struct page *p, const struct entry *e)
{
	buf_printf(b, "<article id=\"r%" PRIu64 "\"", e->number);
	put_keys(b, &e->t);
	buf_str(b, ">\n");
	put_title(b, p, e);
	put_facts(b, e);
	buf_str(b, "<h4>prompt</h4>\n<pre dir=\"auto\">\n");
	glyph_html(b, e->t.prompt);
	buf_str(b, "</pre>\n<h4>response</h4>\n<pre dir=\"auto\" class=\"response\"");
	put_tokens(b, e);
	buf_str(b, ">\n");
	glyph_html(b, e->t.response);
	buf_str(b, "</pre>\n</article>\n");
}
