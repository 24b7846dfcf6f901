/* plain.c - verifiers over text: exact, contains, regex. See rloop-verify(7). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "answer/judge.h"
#include "base/mem.h"
#include "answer/text.h"

#include <pcre2.h>

/* A match may take so many steps, so many more for each byte of the response and another for each
 * pair of a byte of it and one of the pattern, and so much memory. */
enum { STEPS = 100000, STEPS_PER_BYTE = 64, HEAP_KIB = 64 * 1024 };

int judge_exact(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct span s = text_trim(it->response);
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	text_extract(out, s);
	out->reward = span_eq(s, text_trim(it->answer));
	return 0;
}

/* What the pattern found: group 1 where it has one, else all of it. */
static void found(const struct verify_item *it, pcre2_match_data *m, int groups,
		  struct verdict *out)
{
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);

	if (groups > 1 && at[2] != PCRE2_UNSET)
		at += 2;
	out->reward = 1;
	if (at[0] <= at[1])
		text_extract(out, (struct span){it->response.p + at[0], at[1] - at[0]});
}

struct budget {
	size_t left, at;
};

/* Before each item of the pattern: the way from where the last one was is what that took, from
 * wherever in the response the match began. (PCRE's own limit begins anew at each such place.) */
static int spend(pcre2_callout_block *c, void *budget)
{
	struct budget *b = budget;
	size_t at = c->current_position, way = 1 + (at > b->at ? at - b->at : b->at - at);

	b->at = at;
	if (way > b->left)
		return PCRE2_ERROR_MATCHLIMIT;
	b->left -= way;
	return 0;
}

static void match(const struct verify_item *it, const pcre2_code *code, size_t pattern,
		  struct verdict *out)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);
	const char *text = it->response.p ? it->response.p : "";
	struct budget b = {.left = STEPS + (STEPS_PER_BYTE + pattern) * it->response.n};
	int r = PCRE2_ERROR_NOMEMORY;

	if (limits && m) {
		pcre2_set_callout(limits, spend, &b);
		pcre2_set_heap_limit(limits, HEAP_KIB);
		r = pcre2_match(code, (PCRE2_SPTR)text, it->response.n, 0, 0, m, limits);
	}
	if (r == PCRE2_ERROR_NOMEMORY)
		no_memory(it->response.n);
	if (r > 0)
		found(it, m, r, out);
	else if (r != PCRE2_ERROR_NOMATCH)
		out->code = VERDICT_TIMEOUT; /* a limit was met */
	pcre2_match_data_free(m);
	pcre2_match_context_free(limits);
}

static int judge_pattern(const struct verify_item *it, struct span pattern, uint32_t options,
			 struct verdict *out, struct reason *why)
{
	PCRE2_SIZE at;
	int err;
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
			      options | PCRE2_AUTO_CALLOUT | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF,
			      &err, &at, NULL);
	PCRE2_UCHAR text[120];

	if (!code && err == PCRE2_ERROR_HEAP_FAILED)
		no_memory(pattern.n);
	if (!code) {
		pcre2_get_error_message(err, text, sizeof text);
		return fail(why, ST_INPUT, "task %.*s: pattern: at byte %zu: %s",
			    TEXT_ARG(it->task), (size_t)at, (const char *)text);
	}
	match(it, code, pattern.n, out);
	pcre2_code_free(code);
	return 0;
}

int judge_regex(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	int st = judge_item_answer(it, why);

	return st ? st : judge_pattern(it, it->answer, 0, out, why);
}

/* "red|dark blue" as the pattern (?<!\w)(?:red|dark\ blue)(?!\w) */
static void word_pattern(struct buf *b, struct span words)
{
	buf_str(b, "(?<!\\w)(?:");
	for (size_t i = 0; i < words.n; i++) {
		unsigned char c = (unsigned char)words.p[i];
		bool plain = text_digit((char)c) || text_letter((char)c) || c == '|' || c >= 0x80;

		if (!plain)
			buf_char(b, '\\');
		buf_char(b, (char)c);
	}
	buf_str(b, ")(?!\\w)");
}

int judge_contains(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct buf b = {0};
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	if (!text_trim(it->answer).n)
		return fail(why, ST_INPUT, "task %.*s: contains: the answer is empty",
			    TEXT_ARG(it->task));
	word_pattern(&b, text_trim(it->answer));
	st = judge_pattern(it, (struct span){b.p, b.n}, PCRE2_UCP | PCRE2_CASELESS, out, why);
	buf_free(&b);
	return st;
}
