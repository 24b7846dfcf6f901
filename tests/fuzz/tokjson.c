/*
 * tokjson.c - any text as tokenizer.json: one that is accepted encodes into its own ids, the same
 * each time, and never more of them than bytes.
 */
#include "common/fuzz.h"

#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 2000, 0};

static const char text[] =
	"The 12 \xc3\xa9t\xc3\xa9s <s>\n\n  a+b=\xf0\x9f\x98\x80\xff\x00 end</s>";

static void encode(const struct tokenizer *t, bool special)
{
	struct ids one = {0}, two = {0};
	struct buf back = {0};
	struct reason why = {0};
	int st = tok_encode(t, text, sizeof text - 1, special, &one, &why);

	MUST(st == tok_encode(t, text, sizeof text - 1, special, &two, NULL));
	MUST(!st || (st == ST_INPUT && why.text[0]));
	if (!st) {
		MUST(one.n == two.n && (!one.n || !memcmp(one.v, two.v, one.n * sizeof *one.v)));
		for (size_t i = 0; i < one.n; i++)
			MUST(one.v[i] < tok_vocab_size(t));
		tok_decode(t, one.v, one.n, true, &back);
	}
	buf_free(&back);
	free(one.v);
	free(two.v);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct reason why = {0};
	struct tokenizer *t = tok_load((const char *)p, n, "in", &why);

	if (!t) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	MUST(tok_json(t).n == n);
	encode(t, false);
	encode(t, true);
	tok_free(t);
}
