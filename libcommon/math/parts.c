/* parts.c - an answer as words and formulas. See parts.h. */
#include "math/parts.h"
#include "math/words.h"
#include "answer/text.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 4096 };

struct split {
	struct span s;
	struct parts *p;
	bool delimited; /* formulas stand between $ and $ or \( and \) */
	bool formula;   /* inside of these */
	bool fits;
};

/* ---- what the parts are ---- */

void parts_free(struct parts *p)
{
	buf_free(&p->text);
	p->n = p->words = 0;
}

struct span parts_at(const struct parts *p, int i)
{
	assert(i >= 0 && i < p->n);
	return (struct span){p->text.p + p->v[i].from, p->v[i].n};
}

bool parts_is(const struct parts *p, int i, const char *word)
{
	return i >= 0 && i < p->n && p->v[i].word && p->v[i].n == strlen(word) &&
	       strncasecmp(parts_at(p, i).p, word, p->v[i].n) == 0;
}

bool parts_in(const struct parts *p, int i, const char *const *words)
{
	for (; *words; words++)
		if (parts_is(p, i, *words))
			return true;
	return false;
}

void parts_drop(struct parts *p, int i, int n)
{
	assert(i >= 0 && n >= 0 && i + n <= p->n);
	for (int k = i; k < i + n; k++)
		p->words -= p->v[k].word;
	memmove(p->v + i, p->v + i + n, (size_t)(p->n - i - n) * sizeof *p->v);
	p->n -= n;
}

void parts_join(const struct parts *p, struct buf *out)
{
	for (int i = 0; i < p->n; i++) {
		struct span s = parts_at(p, i);
		bool before = i && p->v[i - 1].word;

		if (p->v[i].word)
			buf_str(out, before ? " " : " \\text{");
		buf_add(out, s.p, s.n);
		if (p->v[i].word && (i + 1 == p->n || !p->v[i + 1].word))
			buf_str(out, "} ");
	}
}

/* ---- the splitting ---- */

/* A formula that follows another one goes on with it. */
static void put_part(struct split *w, struct span s, bool word)
{
	struct parts *p = w->p;
	bool on = p->n && !word && !p->v[p->n - 1].word;

	if (!s.n || !w->fits)
		return;
	if (!on && p->n == PARTS) {
		w->fits = false;
		return;
	}
	if (!on)
		p->v[p->n++] = (struct part){word, p->text.n, 0};
	buf_add(&p->text, s.p, s.n);
	p->v[p->n - 1].n += s.n;
	p->words += word;
}

static char char_at(struct span s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

static size_t letters_at(struct span s, size_t i)
{
	size_t n = 0;

	while (text_letter(char_at(s, i + n)))
		n++;
	return n;
}

/* p.m. and the like at i: its length, else 0 */
static size_t abbreviation(struct span s, size_t i)
{
	static const char *const abbr[] = {"a.m.", "p.m.", "a.m", "p.m", "i.e.", "e.g."};

	for (size_t k = 0; k < sizeof abbr / sizeof *abbr; k++) {
		size_t n = strlen(abbr[k]);

		if (s.n - i >= n && strncasecmp(s.p + i, abbr[k], n) == 0 &&
		    !text_letter(char_at(s, i + n)))
			return n;
	}
	return 0;
}

/* The word at i, of letters with - and ' between them or beyond ASCII: its length */
static size_t word_length(struct span s, size_t i)
{
	size_t n = abbreviation(s, i);

	if (n)
		return n;
	for (; text_letter(char_at(s, i + n)); n++)
		while (text_letter(char_at(s, i + n + 1)) ||
		       (strchr("-'", char_at(s, i + n + 1)) && char_at(s, i + n + 1) &&
			text_letter(char_at(s, i + n + 2))))
			n++;
	return n;
}

static bool joiner(struct span w)
{
	return span_is(w, "and") || span_is(w, "or") || span_is(w, "And") || span_is(w, "Or");
}

/* What is written in letters but is a number, a function, a sign */
static bool mathematical(struct span w)
{
	const struct word *k = word_known(w);

	return k && !span_is(w, "min") && !span_is(w, "max") && !span_is(w, "sec");
}

/* Does a word begin at i, among words? Its length, else 0. "a" and "I" are words before others. */
static size_t prose_word(struct span s, size_t i)
{
	size_t n = word_length(s, i), next = i + n;
	struct span w = {s.p + i, n};

	if (n > 1 && n < 5 && char_at(s, next) == '.' && char_at(s, next + 1) == ' ' &&
	    char_at(s, next + 2) >= 'a' && char_at(s, next + 2) <= 'z')
		return n + 1; /* sq. units */
	if (n > 1 && char_at(s, next) == '/' && word_unit(w)) {
		struct span per = {s.p + next + 1, letters_at(s, next + 1)};

		return word_unit(per) ? n + 1 + per.n : 0; /* km/h */
	}
	if (!n || (i && strchr("=+*/^_<>", s.p[i - 1])) ||
	    (n > 1 && (joiner(w) || mathematical(w))) ||
	    (char_at(s, next) && strchr("(_^=+/<>", char_at(s, next))))
		return 0;
	if (n > 1)
		return n;
	while (char_at(s, next) == ' ')
		next++;
	return next > i + 1 && (*w.p == 'a' || *w.p == 'A' || *w.p == 'I') &&
			       word_length(s, next) > 1 && char_at(s, next) >= 'a'
		       ? n
		       : 0;
}

/* AM or PM behind a time of day */
static bool of_day(struct span s, size_t i, size_t n)
{
	if (n != 2 || (s.p[i + 1] | 0x20) != 'm' || !strchr("aApP", s.p[i]))
		return false;
	while (i && (s.p[i - 1] == ' ' || s.p[i - 1] == '$'))
		i--;
	return i > 3 && text_digit(s.p[i - 1]) && text_digit(s.p[i - 2]) && s.p[i - 3] == ':';
}

/* A word that nobody takes for a product of letters */
static bool plain_word(struct span w)
{
	static const char *const word[] = {"odd", "yes", "no",   "all", "per",
					   "not", "any", "a.m.", "p.m."};

	if (word_natural(w) && !word_known(w))
		return true;
	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (w.n == strlen(word[i]) && strncasecmp(w.p, word[i], w.n) == 0)
			return true;
	return w.n > 4 && (memchr(w.p, '-', w.n) || memchr(w.p, '\'', w.n));
}

/* The phrase at i in plain text, words with blanks between them of which one is sure: its length,
 * else 0 */
static size_t phrase_length(struct span s, size_t i)
{
	size_t n = 0, end = 0;
	bool sure = abbreviation(s, i) > 0;
	int words = 0;

	if (i && strchr("{_^\\", s.p[i - 1]))
		return 0; /* \frac{NO}{BO} */

	for (; (n = prose_word(s, i + end)) != 0; words++) {
		struct span w = {s.p + i + end, n};

		sure |= plain_word(w) || (words && word_unit(w)) || of_day(s, i + end, n);
		n += end;
		end = n;
		while (char_at(s, i + end) == ' ')
			end++;
		if (end == n) {
			words++;
			break;
		}
	}
	while (end && char_at(s, i + end - 1) == ' ')
		end--;
	return sure ? end : 0;
}

static void split_prose(struct split *w, struct span s);

/* The inside of braces at i: behind them, 0 when they do not end */
static size_t braced(struct span s, size_t i, struct span *inside)
{
	int depth = 0;

	for (size_t k = i; k < s.n; k++) {
		if (s.p[k] == '\\') {
			k++;
			continue;
		}
		depth += (s.p[k] == '{') - (s.p[k] == '}');
		if (!depth) {
			*inside = (struct span){s.p + i + 1, k - i - 1};
			return k + 1;
		}
	}
	return 0;
}

static bool has_words(struct span s, bool font)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		n = word_length(s, i);
		if (n > 1 && (i == 0 || s.p[i - 1] != '\\') && prose_word(s, i) &&
		    (!font || word_natural((struct span){s.p + i, n})))
			return true;
		n = n ? n : 1;
	}
	return false;
}

static bool only_brackets(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" ().,", s.p[i]) || !s.p[i])
			return false;
	return s.n > 0;
}

/* A command at i: behind it, and behind its words where it has some */
static size_t split_command(struct split *w, size_t i)
{
	struct span s = w->s, name = {s.p + i + 1, letters_at(s, i + 1)}, inside = {NULL, 0};
	const struct word *k = word_command(name);
	size_t at = i + 1 + name.n + (char_at(s, i + 1 + name.n) == '*'), end = 0;

	while (char_at(s, at) == ' ')
		at++;
	if (k && (k->t == TOKEN_WORDS || k->t == TOKEN_FONT) && char_at(s, at) == '{')
		end = braced(s, at, &inside);
	if (end && has_words(inside, k->t == TOKEN_FONT)) {
		split_prose(w, inside);
		return end;
	}
	if (end && only_brackets(inside)) {
		put_part(w, inside, false);
		return end;
	}
	if (k && !end && char_at(s, at) == '{' &&
	    (k->t == TOKEN_BEGIN || k->t == TOKEN_ENDENV || k->t == TOKEN_SKIPARG))
		end = braced(s, at, &inside); /* a name */
	if (!end)
		end = name.n ? i + 1 + name.n : i + 2 < s.n ? i + 2 : s.n;
	put_part(w, (struct span){s.p + i, end - i}, false);
	return end;
}

/* One step at i: behind it */
static size_t split_step(struct split *w, size_t i, bool prose)
{
	struct span s = w->s, inside;
	size_t end;
	char c = s.p[i], next = char_at(s, i + 1);
	bool fresh = !i || !text_letter(s.p[i - 1]);
	size_t n = !fresh || !text_letter(c) ? 0 : prose ? prose_word(s, i) : phrase_length(s, i);

	if (w->delimited && (c == '$' || (c == '\\' && next && strchr("()[]", next)))) {
		w->formula = c == '$' ? !w->formula : next == '(' || next == '[';
		put_part(w, (struct span){" ", 1}, false);
		return i + 1 + (c == '\\' || next == '$');
	}
	if (c == '\\')
		return split_command(w, i);
	if ((c == '_' || c == '^') && next == '{' && (end = braced(s, i + 1, &inside)) != 0) {
		put_part(w, (struct span){s.p + i, end - i}, false);
		return end;
	}
	if (n && prose) {
		put_part(w, (struct span){s.p + i, n}, true);
		return i + n;
	}
	if (n) {
		split_prose(w, (struct span){s.p + i, n});
		return i + n;
	}
	n = text_letter(c) ? letters_at(s, i) : 1;
	put_part(w, (struct span){s.p + i, n}, false);
	return i + n;
}

/* Blanks between words are none of a formula. */
static size_t skip_blanks(const struct split *w, size_t i)
{
	const struct parts *p = w->p;

	while (i < w->s.n && p->n && p->v[p->n - 1].word && text_blank(w->s.p[i]))
		i++;
	return i;
}

static void split_prose(struct split *w, struct span s)
{
	struct split inner = *w;

	inner.s = s;
	inner.delimited = memchr(s.p, '$', s.n) != NULL;
	inner.formula = false;
	for (size_t i = 0; i < s.n && inner.fits; i = skip_blanks(&inner, i))
		i = split_step(&inner, i, !inner.formula);
	w->fits = inner.fits;
}

/* Are there pairs of delimiters? A single $ is a currency's. */
static bool has_pairs(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && (char_at(s, i + 1) == '(' || char_at(s, i + 1) == '['))
			return true;
		if (s.p[i] == '\\')
			i++;
		else
			n += s.p[i] == '$';
	}
	return n && n % 2 == 0;
}

bool parts_split(struct span s, struct parts *p)
{
	struct split w = {.s = s, .p = p, .delimited = has_pairs(s), .fits = true};

	p->text = (struct buf){0};
	p->n = p->words = 0;
	w.fits = s.n <= LONGEST;
	for (size_t i = 0; i < s.n && w.fits; i = skip_blanks(&w, i))
		i = split_step(&w, i, w.delimited && !w.formula);
	if (!w.fits)
		parts_free(p);
	return w.fits;
}
