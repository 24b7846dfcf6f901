/*
 * tokconfig.c - TOKENIZER_CONFIG \0 SPECIAL_TOKENS_MAP \0 ADDED_TOKENS: any texts as these files
 * are refused with a reason, or leave a tokenizer whose tokens the model has.
 */
#include "common/fuzz.h"

#include "policy/tokconfig.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 2000, 0};

static struct tokenizer *tokenizer(void)
{
	struct buf b = {0};
	struct tokenizer *t;

	MUST(chars_make("ab <>xy", &b, NULL) == 0);
	t = tok_load(b.p, b.n, "tokenizer.json", NULL);
	buf_free(&b);
	return t;
}

static void encode(const struct tokenizer *t, const struct config *c)
{
	static const char text[] = "a <x> b<y>\n<eos> xy <pad>";
	struct ids ids = {0};

	tok_encode(t, text, sizeof text - 1, true, &ids, NULL);
	for (size_t i = 0; i < ids.n; i++)
		MUST(ids.v[i] < c->vocab);
	free(ids.v);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p, n};
	struct buf file[3] = {{0}}, whole = {0};
	const struct tokconfig_files files = {&file[0], &file[1], &file[2]};
	struct config c = {.vocab = 100};
	struct tokenizer *t = tokenizer();
	struct reason why = {0};
	int64_t end;

	for (int i = 0; i < 3; i++) {
		struct span part = fuzz_cut(&rest, '\0');

		buf_add(&file[i], part.p, part.n);
	}
	if (tokconfig_apply(&files, "in", t, &c, &end, &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
	} else {
		MUST(end >= -1 && end < c.vocab && tok_vocab_size(t) <= c.vocab);
		encode(t, &c);
		tokconfig_whole(&file[0], &file[1], &whole);
		MUST(whole.n);
	}
	tok_free(t);
	buf_free(&whole);
	for (int i = 0; i < 3; i++)
		buf_free(&file[i]);
}
