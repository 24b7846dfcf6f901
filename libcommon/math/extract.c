/* extract.c - the answer in a worked solution. See extract.h. */
#include "math/extract.h"
#include "math/box.h"
#include "math/prose.h"
#include "answer/text.h"

#include <string.h>
#include <strings.h>

/* TRIES: of places that say "answer" and tell none, so that time stays linear */
enum { BETWEEN = 100, SHORT = 400, WORDS = 120, TRIES = 32 };

static bool word_at(struct span s, size_t i, const char *word)
{
	size_t n = strlen(word);

	return s.n - i >= n && strncasecmp(s.p + i, word, n) == 0 &&
	       (i + n == s.n || !text_letter(s.p[i + n])) && (!i || !text_letter(s.p[i - 1]));
}

static struct span from(struct span s, size_t i)
{
	return (struct span){s.p + i, s.n - i};
}

/* ---- what follows "answer" ---- */

/* Behind "is", "are", ":" or "=" that follow the word at i with few words between, or behind a
 * line's end that follows it at once; 0: nothing of the kind. */
static size_t introduced(struct span s, size_t i)
{
	size_t end = s.n - i > BETWEEN ? i + BETWEEN : s.n;
	bool words = false;

	for (; i < end; i++) {
		if (s.p[i] == ':' || s.p[i] == '=')
			return i + 1;
		if (word_at(s, i, "is"))
			return i + 2;
		if (word_at(s, i, "are"))
			return i + 3;
		if (s.p[i] == '\n')
			return words ? 0 : i + 1;
		words |= text_letter(s.p[i]);
		if (!text_letter(s.p[i]) && !strchr(" *_,'()#-", s.p[i]))
			return 0;
	}
	return 0;
}

/* "the answer is correct" tells none. */
static bool about_answer(struct span s)
{
	static const char *const word[] = {"correct", "incorrect", "right", "wrong",
					   "not",     "therefore", "given", "obtained"};

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (word_at(s, 0, word[i]))
			return true;
	return false;
}

static struct span skip_marks(struct span s)
{
	while (s.n && (text_blank(*s.p) || strchr("*:_`#>}", *s.p)))
		s = from(s, 1);
	return s;
}

/* Without the $ around it, if it is all one formula */
static struct span undress(struct span s)
{
	while (s.n > 2 && *s.p == '$' && s.p[s.n - 1] == '$' &&
	       (s.p[1] == '$' || !memchr(s.p + 1, '$', s.n - 2)))
		s = (struct span){s.p + 1, s.n - 2};
	return text_trim(s);
}

static bool put_answer(struct span s, struct buf *out)
{
	s = undress(text_trim(s));
	buf_add(out, s.p, s.n);
	return s.n > 0;
}

/* s begins behind "answer is" */
static bool pick(struct span s, struct buf *out)
{
	struct span sentence, item;
	size_t n;

	s = skip_marks(s);
	n = prose_prefix(s);
	if (n)
		return put_answer((struct span){s.p, n}, out);
	sentence = prose_sentence(s);
	if (prose_last_item(sentence, &item))
		return put_answer(item, out);
	while (sentence.n && strchr("*`.\" ", sentence.p[sentence.n - 1]))
		sentence.n--;
	return sentence.n <= WORDS && put_answer(sentence, out);
}

/* Behind a marker at i that an answer follows: "answer is" and the like, #### before a number; else
 * 0 */
static size_t marker(struct span s, size_t i)
{
	size_t word = word_at(s, i, "answer") ? 6 : word_at(s, i, "answers") ? 7 : 0;

	if (word)
		return introduced(s, i + word);
	if (s.p[i] != '#' || s.n - i < 5 || memcmp(s.p + i, "####", 4) != 0)
		return 0;
	for (i += 4; i < s.n && (s.p[i] == ' ' || s.p[i] == '*');)
		i++;
	return i < s.n && strchr("0123456789-.$\\", s.p[i]) ? i : 0;
}

static bool after_answer(struct span s, struct buf *out)
{
	int tries = TRIES;

	for (size_t i = s.n; i-- > 0 && tries > 0;) {
		size_t at = marker(s, i);

		if (at && !about_answer(skip_marks(from(s, at))) && pick(from(s, at), out))
			return true;
		tries -= at > 0;
	}
	return false;
}

/* ---- all of it ---- */

static bool only_expression(struct span s, struct buf *out)
{
	size_t n;

	s = text_trim(s);
	if (!s.n || s.n > SHORT)
		return false;
	n = prose_prefix(s);
	while (n < s.n && strchr(".*` ", s.p[n]))
		n++;
	return n == s.n && put_answer(s, out);
}

/* One or a few words that are all the response */
static bool few_words(struct span s, struct buf *out)
{
	s = text_trim(s);
	return s.n && s.n <= WORDS && !memchr(s.p, '\n', s.n) && put_answer(s, out);
}

/* What stands behind the last </think>: thoughts are no answer. Nothing when they do not end. */
static struct span spoken(struct span s)
{
	static const char open[] = "<think>", close[] = "</think>";
	const size_t n = sizeof close - 1, m = sizeof open - 1;

	for (size_t i = s.n < n ? 0 : s.n - n + 1; i-- > 0;)
		if (s.p[i] == '<' && memcmp(s.p + i, close, n) == 0)
			return from(s, i + n);
	s = text_trim(s);
	return s.n >= m && memcmp(s.p, open, m) == 0 ? from(s, s.n) : s;
}

bool extract_answer(struct span response, struct buf *out)
{
	struct span item;

	buf_reset(out);
	response = spoken(response);
	if (box_last(response, out))
		return true;
	if (after_answer(response, out) || only_expression(response, out))
		return true;
	if (prose_last_item(response, &item))
		return put_answer(item, out);
	return few_words(response, out);
}

void extract_right(struct span answer, struct buf *out)
{
	struct span item, all = text_trim(answer);

	buf_reset(out);
	if (box_last(all, out))
		return;
	if (prose_prefix(all) < all.n &&
	    (memchr(all.p, '$', all.n) || memmem(all.p, all.n, "\\(", 2)) &&
	    !only_expression(all, out) && prose_last_item(all, &item))
		put_answer(item, out);
	else if (!out->n)
		put_answer(all, out);
}
