/*
 * ask.c - any bytes as the answer of a server: no answer with a reason, or choices each of which is
 * one, whatever the request was; and as an error's body, a text that fits a line. Input: a byte
 * that chooses the endpoint, how many were asked for and whether texts had to stop at "is".
 */
#include "common/fuzz.h"

#include "ask/choices.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 400, 0};

static void check_tokens(const struct choice *c)
{
	MUST(!c->ids == !c->n_ids || c->n_ids == 0);
	MUST(!c->logprobs || (c->ids && !c->no_logs));
	for (size_t i = 0; i < c->n_ids; i++) {
		MUST(c->ids[i] <= INT32_MAX);
		MUST(!c->logprobs || (isfinite(c->logprobs[i]) && c->logprobs[i] <= 0));
	}
	for (size_t i = 0; i < c->n_prompt_ids; i++)
		MUST(c->prompt_ids[i] <= INT32_MAX);
}

static void check_choice(const struct choices *all, size_t i, const struct choices_want *w)
{
	const struct choice *c = &all->v[i];

	MUST(c->index >= 0 && c->index < w->most);
	for (size_t k = 0; k < i; k++)
		MUST(all->v[k].index != c->index);
	MUST(c->text.p && utf8_valid(c->text.p, c->text.n));
	MUST(!w->stop->n || !c->text.n || !memmem(c->text.p, c->text.n, "is", 2));
	MUST(c->end <= CHOICE_OTHER && (c->end >= CHOICE_BROKEN) == (c->said[0] != '\0'));
	check_tokens(c);
}

static void check_error(struct span body)
{
	struct buf b = {0};

	choices_error(body, NULL, &b);
	MUST(b.n < 700);
	buf_free(&b);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	static const char *stop[] = {"is"};
	struct opt_list stops = {stop, 0};
	struct choices_want w = {.stop = &stops};
	struct choices c;
	struct reason why = {0};
	struct span body;

	if (!n)
		return;
	w.chat = p[0] & 1;
	stops.n = p[0] >> 1 & 1;
	w.most = 1 + (p[0] >> 2 & 7);
	body = (struct span){(const char *)p + 1, n - 1};
	if (choices_read(&c, body, &w, &why)) {
		MUST(why.status == ST_INPUT && why.text[0] && !c.n && !c.v && !c.root);
	} else {
		MUST(c.n && c.n <= (size_t)w.most);
		for (size_t i = 0; i < c.n; i++)
			check_choice(&c, i, &w);
	}
	choices_free(&c);
	check_error(body);
}
