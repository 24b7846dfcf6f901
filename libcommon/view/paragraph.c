/* paragraph.c - a trajectory as a paragraph of text. See paragraph.h. */
#include "view/paragraph.h"
#include "view/glyph.h"

#include <inttypes.h>

static const char indent[] = "    ";

/* What a terminal writes a token in: of the colours that are read on black and on white, the one
 * that its log-prob calls for */
static const char *color_of(float logprob)
{
	return logprob > -0.1f ? "\033[39m" : /* more than nine times of ten */
		       logprob > -0.7f ? "\033[36m"
	       : logprob > -2.3f       ? "\033[35m"
				       : "\033[31m"; /* less than once in ten */
}

static void put_title(struct buf *b, const struct entry *e, bool color)
{
	buf_str(b, color ? "\033[1m" : "");
	buf_printf(b, "%" PRIu64 " ", e->number);
	glyph_terminal(b, e->t.task, NULL);
	buf_str(b, color ? "\033[0m\n" : "\n");
}

/* What matters on one line, all else on another */
static void put_facts(struct buf *b, const struct entry *e)
{
	struct facts f = {0};
	bool others = false, begun = false;

	for (; entry_fact(&f, e); begun = true, others = f.others) {
		buf_str(b, begun && f.others != others ? "\n  " : "  ");
		glyph_terminal(b, f.key, NULL);
		buf_char(b, ' ');
		glyph_terminal(b, (struct span){f.value.p, f.value.n}, NULL);
	}
	buf_str(b, begun ? "\n" : "");
	entry_facts_free(&f);
}

static void put_tokens(struct buf *b, const struct entry *e)
{
	size_t at = 0;

	for (size_t i = 0; i < e->pieces.n; i++) {
		size_t end = e->pieces.end[i];

		buf_str(b, color_of(e->t.logprobs[i]));
		/* a character that several tokens make up is written in the last one's colour */
		while (at < end &&
		       at + glyph_size(e->t.response.p + at, e->t.response.n - at) <= end) {
			size_t size = glyph_size(e->t.response.p + at, e->t.response.n - at);

			glyph_terminal(b, (struct span){e->t.response.p + at, size}, indent);
			at += size;
		}
	}
	buf_str(b, "\033[0m");
}

static void put_label(struct buf *b, const char *name)
{
	buf_printf(b, "  %s:\n%s", name, indent);
}

void paragraph_put(struct buf *b, const struct entry *e, bool color)
{
	put_title(b, e, color);
	put_facts(b, e);
	put_label(b, "prompt");
	glyph_terminal(b, e->t.prompt, indent);
	buf_char(b, '\n');
	put_label(b, "response");
	if (color && e->pieces.n && e->t.logprobs)
		put_tokens(b, e);
	else
		glyph_terminal(b, e->t.response, indent);
	buf_str(b, "\n\n");
}
