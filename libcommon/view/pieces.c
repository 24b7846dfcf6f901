/* pieces.c - which stretch of a response each token wrote. See pieces.h. */
#include "view/pieces.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool begins(struct span text, struct span with)
{
	return with.n <= text.n && (!with.n || memcmp(text.p, with.p, with.n) == 0);
}

/* What a token adds to its neighbour's text: alone, a tokenizer by characters would strip the blank
 * at its front. */
static struct span behind(struct pieces *p, const struct tokenizer *tok, uint32_t before,
			  uint32_t id)
{
	uint32_t pair[2] = {before, id};

	buf_reset(&p->one);
	buf_reset(&p->two);
	tok_decode(tok, pair, 1, true, &p->one);
	tok_decode(tok, pair, 2, true, &p->two);
	if (p->two.n == p->one.n ||
	    !begins((struct span){p->two.p, p->two.n}, (struct span){p->one.p, p->one.n}))
		return (struct span){0};
	return (struct span){p->two.p + p->one.n, p->two.n - p->one.n};
}

static struct span alone(struct pieces *p, const struct tokenizer *tok, uint32_t id, bool special)
{
	buf_reset(&p->one);
	tok_decode(tok, &id, 1, special, &p->one);
	return (struct span){p->one.p, p->one.n};
}

/* Bytes of the text that token i stands for; SIZE_MAX: it stands for something else. */
static size_t stretch(struct pieces *p, const struct tokenizer *tok, struct span text,
		      const uint32_t *ids, size_t i)
{
	struct span piece = behind(p, tok, ids[i ? i - 1 : 0], ids[i]);

	if (piece.n && begins(text, piece))
		return piece.n;
	if (i == 0) {
		piece = alone(p, tok, ids[0], true);
		if (piece.n && begins(text, piece))
			return piece.n;
	}
	return alone(p, tok, ids[i], false).n ? SIZE_MAX : 0;
}

bool pieces_lay(struct pieces *p, const struct tokenizer *tok, struct span text,
		const uint32_t *ids, size_t n)
{
	size_t at = 0;

	p->n = 0;
	if (n > p->room) {
		p->end = xgrow(p->end, n, sizeof *p->end);
		p->room = n;
	}
	for (size_t i = 0; i < n; i++) {
		struct span rest = {text.p + at, text.n - at};
		size_t size = stretch(p, tok, rest, ids, i);

		if (size == SIZE_MAX)
			return false;
		at += size;
		assert(at <= text.n);
		p->end[i] = at;
	}
	p->n = at == text.n ? n : 0;
	return p->n > 0;
}

void pieces_free(struct pieces *p)
{
	free(p->end);
	buf_free(&p->one);
	buf_free(&p->two);
	*p = (struct pieces){0};
}
