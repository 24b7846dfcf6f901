/*
 * view.c - whatever a record holds, it adds no element to a page and no escape to a terminal, all
 * of both is UTF-8, a paragraph has no empty line but the last, and tokens are laid along the text
 * to its end or not at all.
 */
#include "common/fuzz.h"

#include "base/utf8.h"
#include "view/page.h"
#include "view/paragraph.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 22, 1000, 0};

static struct tokenizer *tok;

static void make_tokenizer(void)
{
	struct buf json = {0};

	if (tok)
		return;
	MUST(chars_make("0123456789+-*/()=: ", &json, NULL) == 0);
	tok = tok_load(json.p, json.n, "fuzz", NULL);
	MUST(tok);
	buf_free(&json);
}

static size_t count_of(const struct buf *b, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (size_t i = 0; i + len <= b->n; i++)
		n += memcmp(b->p + i, what, len) == 0;
	return n;
}

/* Control characters that a terminal would obey */
static size_t controls(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		unsigned char c = (unsigned char)b->p[i];

		n += (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ||
		     (c == 0xc2 && i + 1 < b->n && (unsigned char)b->p[i + 1] < 0xa0);
	}
	return n;
}

static size_t facts_of(const struct entry *e)
{
	struct facts f = {0};
	size_t n = 0;

	while (entry_fact(&f, e))
		n++;
	entry_facts_free(&f);
	return n;
}

static void check_page(const struct entry *e)
{
	struct page p = {.threshold = 0.5};
	size_t facts = facts_of(e);
	struct buf b = {0};

	page_put(&b, &p, e);
	MUST(utf8_valid(b.p, b.n) && controls(&b) == 0);
	MUST(count_of(&b, "<div>") == facts && count_of(&b, "</dd>") == facts);
	MUST(count_of(&b, "<article") == 1 && count_of(&b, "<pre") == 2);
	MUST(count_of(&b, "<") == count_of(&b, ">"));
	MUST(count_of(&b, "<script") == 0 && count_of(&b, "<img") == 0);
	buf_free(&b);
}

static void check_paragraph(const struct entry *e)
{
	struct buf b = {0};

	paragraph_put(&b, e, false);
	MUST(utf8_valid(b.p, b.n) && controls(&b) == 0);
	MUST(count_of(&b, "\n\n") == 1 && memcmp(b.p + b.n - 2, "\n\n", 2) == 0);
	buf_reset(&b);
	paragraph_put(&b, e, true);
	MUST(utf8_valid(b.p, b.n) && controls(&b) == count_of(&b, "\033["));
	buf_free(&b);
}

static void check_pieces(const struct entry *e)
{
	const struct pieces *p = &e->pieces;

	MUST(p->n == 0 || (p->n == e->t.n_tokens && p->end[p->n - 1] == e->t.response.n));
	for (size_t i = 1; i < p->n; i++)
		MUST(p->end[i - 1] <= p->end[i]);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct rec r = {.map = {p, n}, .is_traj = true, .index = 1};
	struct entry e = {0};
	size_t len;

	make_tokenizer();
	if (mp_skim(p, n, &len) != MP_OK || len != n || mp_type(r.map) != MP_MAP)
		return;
	if (entry_read(&e, &r, "fuzz", tok, NULL) == 0) {
		check_pieces(&e);
		check_page(&e);
		check_paragraph(&e);
	}
	entry_free(&e);
}
