/* box.c - the contents of the last boxes. See box.h. */
#include "math/box.h"
#include "answer/number.h"
#include "answer/text.h"
#include "math/words.h"

#include <assert.h>
#include <string.h>

enum { OPEN = 16, DONE = 16, BETWEEN = 80, BARE = 200 };

struct box {
	size_t at, from, to, end; /* its backslash, its contents, behind it */
	long depth;               /* of the brace that closes it */
};

struct boxes {
	struct span s;
	struct box open[OPEN], done[DONE];
	int n_open, n_done;
	long depth;
	bool hollow; /* is the only one that is done */
};

/* Of "\boxed" at i the length with the spaces behind it, else 0 */
static size_t opening(struct span s, size_t i)
{
	static const char *const name[] = {"\\boxed", "\\fbox", "\\framebox"};

	if (s.n - i < 6 || (s.p[i + 1] != 'b' && s.p[i + 1] != 'f'))
		return 0;
	for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
		size_t n = strlen(name[k]);

		if (s.n - i <= n || memcmp(s.p + i, name[k], n) != 0)
			continue;
		while (i + n < s.n && s.p[i + n] == ' ')
			n++;
		return i + n < s.n ? n : 0;
	}
	return 0;
}

/* What a box without braces holds at i, a number, a letter or \frac and its like: its length */
static size_t bare(struct span s, size_t i)
{
	size_t n = 0, depth = 0;

	if (text_letter(s.p[i]))
		return i + 1 < s.n && text_letter(s.p[i + 1]) ? 0 : 1;
	if (s.p[i] == '-' || s.p[i] == '\\')
		n++;
	while (i + n < s.n && n < BARE &&
	       (text_digit(s.p[i + n]) || (n && s.p[i] == '\\' && text_letter(s.p[i + n])) ||
		(strchr(".,", s.p[i + n]) && i + n + 1 < s.n && text_digit(s.p[i + n + 1]))))
		n++;
	for (; s.p[i] == '\\' && i + n < s.n && n < BARE && (depth || s.p[i + n] == '{'); n++)
		depth += (s.p[i + n] == '{') - (s.p[i + n] == '}');
	return depth || n < (size_t)(s.p[i] == '-' || s.p[i] == '\\') + 1 ||
			       (s.p[i] == '\\' && s.p[i + n - 1] != '}')
		       ? 0
		       : n;
}

/* Does it hold nothing but blanks, dots and an empty \text, so that it is only spoken of? */
static bool hollow(struct span s)
{
	static const char *const nothing[] = {"\\text", "\\dots", "\\ldots",  "\\cdots",
					      "\\quad", "\u2026", "\\mathrm", "\\cdot"};

	for (size_t i = 0, k = 0; i < s.n; i++) {
		if (strchr(" \n\t.~{}$", s.p[i]) ||
		    (s.p[i] == '\\' && i + 1 < s.n && strchr(" ,;:!", s.p[i + 1])))
			continue;
		for (k = 0; k < sizeof nothing / sizeof *nothing; k++) {
			size_t n = strlen(nothing[k]);

			if (s.n - i >= n && memcmp(s.p + i, nothing[k], n) == 0) {
				i += n - 1;
				break;
			}
		}
		if (k == sizeof nothing / sizeof *nothing && !(i && strchr(",;:!", s.p[i])))
			return false;
	}
	return true;
}

/* Words as of a sentence, in which a box stands */
static bool sentence(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n > 1 && (!i || s.p[i - 1] != '\\') && !word_known(run))
			return true;
		i += run.n;
	}
	return false;
}

/* The last ones are kept where there are too many. */
static void push(struct box *v, int *n, int max, struct box x)
{
	if (*n == max) {
		memmove(v, v + 1, (size_t)(max - 1) * sizeof *v);
		--*n;
	}
	v[(*n)++] = x;
}

/* The box opened last ends with its contents at to, altogether at end. */
static void closed(struct boxes *b, size_t to, size_t end)
{
	struct box x = b->open[--b->n_open], *last = b->n_done ? &b->done[b->n_done - 1] : NULL;

	x.to = to;
	x.end = end;
	if (last && hollow((struct span){b->s.p + x.from, x.to - x.from}))
		return;
	if (last && last->at > x.at && sentence((struct span){b->s.p + x.from, last->at - x.from}))
		return; /* a whole solution is in it */
	while (b->n_done && (b->done[b->n_done - 1].at > x.at || b->hollow))
		b->n_done--; /* inside of this one */
	b->hollow = hollow((struct span){b->s.p + x.from, x.to - x.from});
	push(b->done, &b->n_done, DONE, x);
}

/* Where to look from: before the first "box", as far as \framebox reaches; braces before it close
 * no box */
static size_t first_box(struct span s)
{
	const char *p = memmem(s.p, s.n, "box", 3);

	if (!p)
		return s.n;
	return (size_t)(p - s.p) > 8 ? (size_t)(p - s.p) - 8 : 0;
}

static void scan(struct boxes *b)
{
	for (size_t i = first_box(b->s); i < b->s.n; i++) {
		size_t n;

		switch (b->s.p[i]) {
		case '\\':
			n = opening(b->s, i);
			if (n && b->s.p[i + n] == '{') {
				struct box x = {.at = i, .from = i + n + 1, .depth = b->depth++};

				push(b->open, &b->n_open, OPEN, x);
				i += n;
			} else if (n && bare(b->s, i + n)) {
				struct box x = {.at = i, .from = i + n, .depth = b->depth};

				push(b->open, &b->n_open, OPEN, x);
				n += bare(b->s, i + n);
				closed(b, i + n, i + n);
				i += n - 1;
			} else if (i + 1 < b->s.n && strchr("{}", b->s.p[i + 1])) {
				i++;
			}
			break;
		case '{':
			b->depth++;
			break;
		case '}':
			b->depth--;
			if (b->n_open && b->open[b->n_open - 1].depth == b->depth)
				closed(b, i, i + 1);
			break;
		default:
			break;
		}
	}
}

/* s without the "x_2 = " that it ends with */
static struct span without_name(struct span s)
{
	struct span x = text_trim(s);

	if (!x.n || x.p[x.n - 1] != '=')
		return s;
	x = text_trim((struct span){x.p, x.n - 1});
	while (x.n && (text_letter(x.p[x.n - 1]) || text_digit(x.p[x.n - 1]) ||
		       strchr("_{}\\", x.p[x.n - 1])))
		x.n--;
	return x;
}

/* A noun or two behind a box, in front of what joins it with the next one: without them */
static struct span without_nouns(struct span s)
{
	static const char *const no_noun[] = {"is",    "are",     "was",   "were", "for",   "to",
					      "from",  "then",    "so",    "of",   "not",   "but",
					      "thus",  "by",      "hence", "with", "which", "that",
					      "since", "because", "fails", "when", "if",    "as",
					      "gives", "we",      "it",    "in",   "and",   "or"};
	struct span x = text_trim(s), word;

	if (x.n && *x.p == '$')
		x = text_trim((struct span){x.p + 1, x.n - 1});
	for (int n = 0; n < 2; n++) {
		word = (struct span){x.p, 0};
		while (word.n < x.n && text_letter(word.p[word.n]))
			word.n++;
		for (size_t i = 0; i < sizeof no_noun / sizeof *no_noun; i++)
			if (!word.n || span_is(word, no_noun[i]))
				return n ? x : s;
		x = text_trim((struct span){x.p + word.n, x.n - word.n});
	}
	return x;
}

struct between {
	bool comma, word, other;
};

/* What stands between two boxes; false: signs of another kind do. */
static bool look_between(struct span s, struct between *b)
{
	bool formula = memmem(s.p, s.n, "\\text", 5) != NULL;

	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n) {
			bool command = i > 0 && s.p[i - 1] == '\\';

			if (span_is(run, "and") || span_is(run, "or"))
				b->word = true;
			else if (!command)
				b->other = true;
			i += run.n - 1;
		} else if (strchr(",;", s.p[i])) {
			b->comma = true;
		} else if (strchr("$\n", s.p[i]) ||
			   (s.p[i] == '\\' && i + 1 < s.n && strchr("()[]", s.p[i + 1]))) {
			formula = false;
		} else if (!strchr(" \\{}().", s.p[i])) {
			return false;
		}
	}
	return !b->other || (formula && b->word);
}

/* Does what stands between two boxes join them? A comma, "and" or "or"; other words only within one
 * formula, or as nouns before these. */
static bool joins_boxes(struct span s)
{
	struct between b = {0}, nouns = {0};

	if (s.n > BETWEEN)
		return false;
	s = without_name(s);
	if (look_between(s, &b))
		return b.comma || b.word;
	return look_between(without_nouns(s), &nouns) && !nouns.other &&
	       (nouns.comma || nouns.word);
}

static bool word_in(struct span s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(s, words[i]))
			return true;
	return false;
}

/* Does what stands between two boxes say that the second is about the first? */
static bool says_about(struct span s)
{
	static const char *const word[] = {
		"approx", "about", "approximately", "roughly", "approximating",
		"that",   "is",    "which",         "or",      "i",
		"e"};
	bool about = memmem(s.p, s.n, "\u2248", 3) != NULL;

	if (s.n > BETWEEN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n && !word_in(run, word, sizeof word / sizeof *word))
			return false;
		about |= run.n && word_in(run, word, 5);
		i += run.n;
	}
	return about;
}

/* Without the last boxes that only approximate the one before */
static void drop_about(struct boxes *b)
{
	while (b->n_done > 1) {
		const struct box *x = &b->done[b->n_done - 2], *y = x + 1;
		struct span between = {b->s.p + x->end, y->at - x->end};
		struct span inside = text_trim((struct span){b->s.p + y->from, y->to - y->from});
		bool approximates = inside.n > 7 && memcmp(inside.p, "\\approx", 7) == 0;

		if (!says_about(between) && !(approximates && between.n <= BETWEEN))
			return;
		b->n_done--;
	}
}

/* A minus sign before the box that is its own: = -\boxed{5}. With a blank behind it where a line
 * begins it marks an item. */
static bool negated(struct span s, size_t at)
{
	size_t sign, i, blanks = 0;

	at -= at && s.p[at - 1] == '\\'; /* doubled by mistake */
	while (blanks < at && s.p[at - blanks - 1] == ' ')
		blanks++;
	at -= blanks;
	sign = number_sign(s.p, s.p + at);
	i = at - sign;
	if (!sign || s.p[i] == '+' || (blanks && (!i || s.p[i - 1] == '\n')))
		return false;
	while (i && s.p[i - 1] == ' ')
		i--;
	return !i || strchr("=$([{,:\n", s.p[i - 1]);
}

/* A percent sign or word behind a box */
static bool percent_behind(struct span s, size_t i)
{
	struct span word;

	while (i < s.n && strchr(" $", s.p[i]))
		i++;
	if (i + 1 < s.n && s.p[i] == '\\' && s.p[i + 1] == ',')
		i += 2;
	word = (struct span){s.p + i, 0};
	while (i + word.n < s.n && text_letter(word.p[word.n]))
		word.n++;
	if (span_is(word, "per") && s.n - i >= 8 && memcmp(word.p, "per cent", 8) == 0)
		return true;
	if (word.n > 1 && word_known(word) && word_known(word)->t == TOKEN_PERCENT)
		return true;
	return i < s.n && (s.p[i] == '%' || (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '%'));
}

static void box_add(const struct boxes *b, const struct box *x, struct buf *out, bool *outside)
{
	if (negated(b->s, x->at))
		buf_char(out, '-');
	buf_add(out, b->s.p + x->from, x->to - x->from);
	if (percent_behind(b->s, x->end)) {
		buf_str(out, "\\%");
		*outside = true;
	}
}

bool box_last(struct span s, struct buf *out, struct box_place *place)
{
	struct boxes b = {.s = s};
	int first;

	*place = (struct box_place){0};
	scan(&b);
	if (!b.n_done)
		return false;
	place->end = b.done[b.n_done - 1].end;
	drop_about(&b);
	for (first = b.n_done - 1; first > 0; first--) {
		size_t end = b.done[first - 1].end;

		if (!joins_boxes((struct span){s.p + end, b.done[first].at - end}))
			break;
	}
	for (int i = first; i < b.n_done; i++) {
		if (i > first)
			buf_str(out, ", ");
		box_add(&b, &b.done[i], out, &place->percent);
	}
	assert(place->end <= s.n);
	return true;
}
