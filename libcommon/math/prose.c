/* prose.c - formulas and numbers among words. See prose.h. */
#include "math/prose.h"
#include "math/fold.h"
#include "math/numeral.h"
#include "math/words.h"
#include "answer/number.h"
#include "answer/text.h"

#include <string.h>

enum { FORMULA = 2000, WORD = 4, MAX_WORDS = 2 };

static char at(struct span s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

static struct span letters(struct span s, size_t i)
{
	struct span run = {s.p + i, 0};

	while (text_letter(at(s, i + run.n)))
		run.n++;
	return run;
}

/* Behind a command at i, and behind the words of a \text{} or \begin{} */
static size_t after_command(struct span s, size_t i)
{
	struct span name = letters(s, i + 1);
	const struct word *w = word_command(name);

	if (!name.n) /* one sign, but no half of one beyond ASCII */
		name.n = (unsigned char)at(s, i + 1) < 0x80;
	i += 1 + name.n;
	if (!w || at(s, i) != '{' ||
	    (w->t != TOKEN_WORDS && w->t != TOKEN_FONT && w->t != TOKEN_BEGIN &&
	     w->t != TOKEN_ENDENV))
		return i;
	while (i < s.n && s.p[i] != '}' && s.p[i] != '\n')
		i++;
	return i < s.n ? i + 1 : i;
}

/* ---- the beginning that is an expression ---- */

struct walk {
	struct span s;
	size_t i;
	bool formula; /* between $ and $ or the like */
	bool prose;   /* it ended at a word */
};

static bool allowed(struct span word)
{
	return word.n == 1 || word_known(word) || word_unit(word) || span_is(word, "in");
}

/* am or pm behind a number */
static bool of_day(struct span s, struct span word)
{
	const char *p = word.p;

	if (word.n != 2 || !strchr("aApP", *p) || (p[1] | 0x20) != 'm')
		return false;
	while (p > s.p && strchr(" $", p[-1]))
		p--;
	return p > s.p && text_digit(p[-1]);
}

/* i.e. or e.g. at i */
static bool abbreviated(struct span s, size_t i)
{
	return s.n - i >= 3 && s.p[i + 1] == '.' &&
	       ((s.p[i] == 'i' && s.p[i + 2] == 'e') || (s.p[i] == 'e' && s.p[i + 2] == 'g'));
}

static bool ends_sentence(struct span s, size_t i)
{
	return s.p[i] == '.' &&
	       (i + 1 >= s.n || text_blank(s.p[i + 1]) || strchr("*\")<", s.p[i + 1]));
}

/* <|im_end|>, </s> */
static bool ends_turn(struct span s, size_t i)
{
	return s.p[i] == '<' && (at(s, i + 1) == '|' || at(s, i + 1) == '/');
}

/* One step; false at the end */
static bool step(struct walk *w)
{
	struct span s = w->s, run;
	char c = at(s, w->i);

	if (text_letter(c)) {
		run = letters(s, w->i);
		w->prose =
			!w->formula && ((!allowed(run) && !of_day(s, run)) || abbreviated(s, w->i));
		w->i += w->prose ? 0 : run.n;
		return !w->prose;
	}
	if (c == '\\') {
		char next = at(s, w->i + 1);

		w->formula = next == '(' || next == '['   ? true
			     : next == ')' || next == ']' ? false
							  : w->formula;
		w->i = after_command(s, w->i);
		w->i = w->i > s.n ? s.n : w->i;
		return true;
	}
	if (c == '$') {
		w->formula = !w->formula;
		w->i += at(s, w->i + 1) == '$' ? 2 : 1;
		return true;
	}
	if (c == '\n' ? !w->formula || at(s, w->i + 1) == '\n'
		      : !w->formula && (ends_sentence(s, w->i) || ends_turn(s, w->i)))
		return false;
	if ((unsigned char)c >= 0x80 && !w->formula) {
		size_t n = fold_sign((struct span){s.p + w->i, s.n - w->i});

		w->prose = !n;
		w->i += n;
		return n > 0;
	}
	w->i++;
	return true;
}

/* Without what only leads over to the prose behind it */
static size_t trimmed(struct span s, size_t n)
{
	for (;;) {
		size_t k = n;

		while (n && (text_blank(s.p[n - 1]) || strchr(",;:=(*`-_\"", s.p[n - 1])))
			n--;
		if (n >= 3 && memcmp(s.p + n - 3, "–", 3) == 0)
			n -= 3;
		if (n >= 3 && memcmp(s.p + n - 3, "and", 3) == 0 &&
		    (n == 3 || text_blank(s.p[n - 4])))
			n -= 3;
		if (n >= 2 && memcmp(s.p + n - 2, "or", 2) == 0 &&
		    (n == 2 || text_blank(s.p[n - 3])))
			n -= 2;
		if (n == k)
			return n;
	}
}

/* Does the word that ends at n in s begin prose, in "54, in total", "54 I think", "54 (in all)"? A
 * word behind a comma or a bracket does, behind a blank one that is no unit of what stands before:
 * "54 m long" is 54 m. */
static bool begins_prose(struct span s, size_t n, size_t *from)
{
	static const char *const lead[] = {"a", "I", "in", "i", "e", "min"};
	size_t k = n, behind;

	while (k && text_letter(s.p[k - 1]))
		k--;
	behind = k;
	while (k && strchr(" *\n\t", s.p[k - 1]))
		k--;
	*from = behind;
	if (behind == n || !k)
		return false;
	if (strchr(",;:(.", s.p[k - 1]))
		return s.p[k - 1] != '.' || k == behind; /* i.e, e.g */
	for (size_t i = 0; k < behind && i < sizeof lead / sizeof *lead; i++)
		if (span_is((struct span){s.p + behind, n - behind}, lead[i]))
			return text_digit(s.p[k - 1]) || strchr(")}]$%", s.p[k - 1]);
	return false;
}

/* The n bytes of s, behind which prose goes on, without the words that belong to it */
static size_t before_prose(struct span s, size_t n)
{
	for (size_t i = n; i-- > 1;)
		if (strchr(":;", s.p[i]) && text_blank(at(s, i + 1))) {
			n = trimmed(s, i); /* 54: 6 rows of 9 */
			break;
		}
	for (size_t from; n && begins_prose(s, n, &from);) {
		n = trimmed(s, from);
		if (n && s.p[n - 1] == '.')
			n--; /* of i.e. */
	}
	return n;
}

/* Without an equation in brackets behind the value: 54 (54 = 6*9) */
static size_t before_remark(struct span s, size_t n)
{
	size_t i = n;

	if (!n || s.p[n - 1] != ')' || !memchr(s.p, '=', n))
		return n;
	while (i && s.p[i - 1] != '(' && s.p[i - 1] != '\n')
		i--;
	if (i < 3 || s.p[i - 1] != '(' || s.p[i - 2] != ' ' || !text_digit(s.p[i - 3]) ||
	    !memchr(s.p + i, '=', n - i))
		return n;
	return trimmed(s, i - 1);
}

/* *walked: how much of s was looked at */
static size_t prefix(struct span s, size_t *walked)
{
	struct walk w = {.s = s};
	size_t n;

	while (w.i < s.n && step(&w))
		;
	*walked = w.i;
	n = trimmed(s, w.i);
	n = w.prose ? before_prose(s, n) : n;
	n = before_remark(s, n);
	/* "a rectangle", "I think" */
	return w.prose && n == 1 && strchr("aAI", *s.p) ? 0 : n;
}

size_t prose_prefix(struct span s)
{
	size_t walked;

	return prefix(s, &walked);
}

struct span prose_sentence(struct span s)
{
	struct walk w = {.s = s, .formula = false};

	while (w.i < s.n)
		if (text_letter(s.p[w.i]) || (unsigned char)s.p[w.i] >= 0x80)
			w.i++;
		else if (!step(&w))
			break;
	return (struct span){s.p, w.i};
}

/* ---- the last formula or number ---- */

struct finder {
	struct span s, item;
	size_t walked; /* up to there no expression of more than a number begins */
	bool found;
	bool no_close[2]; /* no \) or \] comes any more */
};

static void found(struct finder *f, size_t from, size_t to)
{
	f->item = (struct span){f->s.p + from, to - from};
	f->found = true;
}

/* Is it more than a sign or two: a letter or a digit? */
static bool something(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (text_letter(s.p[i]) || text_digit(s.p[i]))
			return true;
	return false;
}

/* Words as of a sentence, so that a $ before them is a currency's */
static bool prose(struct span s)
{
	int n = 0;

	for (size_t i = 0; i < s.n;) {
		struct span run = letters(s, i);

		n += run.n >= WORD;
		i = at(s, i) == '\\' ? after_command(s, i) : i + (run.n ? run.n : 1);
	}
	return n >= MAX_WORDS;
}

/* A percent sign or word at i, spaces and $ before it allowed: behind it, else i */
static size_t percent(struct span s, size_t i)
{
	size_t k = i;
	struct span word;

	while (at(s, k) == ' ' || at(s, k) == '$')
		k++;
	if (at(s, k) == '\\' && at(s, k + 1) == '%')
		return k + 2;
	if (at(s, k) == '%')
		return k + 1;
	word = letters(s, k < s.n ? k : s.n);
	if (span_is(word, "per") && s.n - k >= 8 && memcmp(word.p, "per cent", 8) == 0)
		return k + 8;
	return span_is(word, "percent") || span_is(word, "pct") ? k + word.n : i;
}

/* am, PM or p.m. at i, blanks before it allowed: behind it, else i */
static size_t time_of_day(struct span s, size_t i)
{
	size_t k = i;

	while (at(s, k) == ' ')
		k++;
	if (!at(s, k) || !strchr("aApP", at(s, k)))
		return i;
	k += at(s, k + 1) == '.' ? 2 : 1;
	return (at(s, k) | 0x20) == 'm' && !text_letter(at(s, k + 1)) ? k + 1 : i;
}

/* The formula inner, whose delimiter ends at behind, with the percent sign that may follow */
static void found_formula(struct finder *f, struct span inner, size_t behind)
{
	size_t from = (size_t)(inner.p - f->s.p), to = percent(f->s, behind);

	found(f, from, to > behind ? to : from + inner.n);
}

/* A $ at i: behind its formula, or behind it alone */
static size_t dollar(struct finder *f, size_t i)
{
	size_t from = i + 1 + (at(f->s, i + 1) == '$');
	size_t left = f->s.n > from ? f->s.n - from : 0;
	const char *end = left ? memchr(f->s.p + from, '$', left < FORMULA ? left : FORMULA) : NULL;
	struct span inner;

	if (!end)
		return from;
	inner = (struct span){f->s.p + from, (size_t)(end - f->s.p) - from};
	if (!something(inner) || prose(inner))
		return from;
	i = from + inner.n + 1;
	i += at(f->s, i) == '$';
	found_formula(f, inner, i);
	return i;
}

/* A \( or \[ at i: behind its formula, or behind it alone */
static size_t bracket(struct finder *f, size_t i)
{
	bool square = f->s.p[i + 1] == '[';
	const char close[] = {'\\', square ? ']' : ')'};
	const char *end;
	struct span inner;

	i += 2;
	if (f->no_close[square] || !(end = memmem(f->s.p + i, f->s.n - i, close, 2))) {
		f->no_close[square] = true;
		return i;
	}
	inner = (struct span){f->s.p + i, (size_t)(end - f->s.p) - i};
	i += inner.n + 2;
	if (something(inner))
		found_formula(f, inner, i);
	return i;
}

/* A number at i with its sign, a quotient, commas between more digits, a percent sign */
static size_t number_found(struct finder *f, size_t i)
{
	const char *end = f->s.p + f->s.n;
	struct numeral x;
	size_t from = i, to = i + numeral_read(f->s.p + i, end, NUMERAL_GROUPS, &x);

	if (to == i)
		return i + 1;
	from -= number_sign(f->s.p, f->s.p + i);
	while (strchr(",/:", at(f->s, to)) && text_digit(at(f->s, to + 1)))
		to += 1 + numeral_read(f->s.p + to + 1, end, NUMERAL_GROUPS, &x);
	if (!i || !text_letter(f->s.p[i - 1]))
		found(f, from, time_of_day(f->s, percent(f->s, to)));
	return to;
}

/* Is it more than numbers: a power, a root, a fraction, a pair in brackets? */
static bool formula_like(struct span s)
{
	if (strchr("([\\", *s.p) && strchr(")]}", s.p[s.n - 1]) && memchr(s.p, ',', s.n))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		const struct word *w = s.p[i] == '\\' ? word_command(letters(s, i + 1)) : NULL;

		if (s.p[i] == '^' ||
		    (w && (w->t == TOKEN_FRAC || w->t == TOKEN_SQRT || w->t == TOKEN_CONST)))
			return true;
	}
	return memmem(s.p, s.n, "√", 3) || memmem(s.p, s.n, "π", 2);
}

static bool delimited(struct span s)
{
	return memchr(s.p, '$', s.n) || memmem(s.p, s.n, "\\(", 2) || memmem(s.p, s.n, "\\[", 2);
}

/* A formula without $ or the like that begins with the word at i: its length, else 0 */
static size_t undelimited(struct finder *f, size_t i)
{
	struct span x = {f->s.p + i, f->s.n - i};

	if (i < f->walked || (i && !strchr(" \n\t*", x.p[-1])) || strchr("$-*", *x.p))
		return 0;
	x.n = prefix(x, &f->walked);
	f->walked += i;
	if (x.n && x.p[x.n - 1] == ')' && !memchr(x.p, '(', x.n)) /* (or x^2) */
		x.n--;
	if (!x.n || delimited(x) || !something(x) || !formula_like(x))
		return 0;
	found(f, i, i + x.n);
	return x.n;
}

bool prose_last_item(struct span s, struct span *item)
{
	struct finder f = {.s = s};

	for (size_t i = 0; i < s.n;) {
		char next = at(s, i + 1);
		size_t n = undelimited(&f, i);

		if (n)
			i += n;
		else if (s.p[i] == '$')
			i = dollar(&f, i);
		else if (s.p[i] == '\\' && (next == '(' || next == '['))
			i = bracket(&f, i);
		else if (s.p[i] == '\\')
			i += next == '$' || next == '\\' ? 2 : 1;
		else if (text_digit(s.p[i]) || (s.p[i] == '.' && text_digit(next)))
			i = number_found(&f, i);
		else
			i++;
	}
	*item = f.item;
	return f.found;
}
