/*
 * pattern.c - PATTERN \0 TEXT: any pattern is translated or refused with a reason; what was
 * translated cuts a text into pieces that are the text.
 */
#include "common/fuzz.h"

#include "tokenizer/pattern.h"
#include "tokenizer/pretok.h"

#include <jansson.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {24 << 20, 40000, 0};

static void cut(const struct pretok *p, struct span text)
{
	struct pieces s = {0};
	struct reason why = {0};
	size_t at = 0;
	int st = pretok_cut(p, text, true, &s, &why);

	MUST(!st || (st == ST_INPUT && why.text[0]));
	for (size_t i = 0; i < s.n && !st; i++) {
		MUST(s.v[i].at == at && s.v[i].n);
		at += s.v[i].n;
	}
	MUST(st || at == text.n);
	pretok_pieces_free(&s);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span text = {(const char *)p, n}, pattern = fuzz_cut(&text, '\0');
	struct reason why = {0};
	struct buf out = {0};
	json_t *regex = json_stringn(pattern.p, pattern.n), *j;
	struct pretok *pre;

	if (!regex) /* not UTF-8: no file has it */
		return;
	if (pattern_translate(pattern, &out, &why))
		MUST(why.status == ST_INPUT && why.text[0]);
	buf_free(&out);
	j = json_pack("{s:s s:{s:o} s:s}", "type", "Split", "pattern", "Regex", regex, "behavior",
		      "Isolated");
	pre = pretok_new(j, &why);
	MUST(pre || (why.status == ST_INPUT && why.text[0]));
	if (pre)
		cut(pre, text);
	pretok_free(pre);
	json_decref(j);
}
