/* lexword.c - tokens of letters: words, and the arguments of \text and its like. See
 * lexer.h.
 */
#include "math/lexer.h"

#include <string.h>

enum { LONG_WORD = 40 }; /* letters beyond are no part of it */

void ml_letter(struct mlex *l, struct mtok *t)
{
	t->s = (struct span){l->p++, 1};
	if (*t->s.p == 'e' || *t->s.p == 'i')
		ml_give(t, MT_CONST, *t->s.p);
	else
		ml_give(t, MT_SYM, 0);
}

/* Is "min", "sec" or the like at w a function, to judge by what comes next? */
static bool has_argument(const struct mlex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && text_blank(*p))
		p++;
	return p < l->end && (text_letter(*p) || *p == '(' || *p == '{' || *p == '\\' || *p == '^');
}

/* "x in [0, 1]", not "5 in" */
static bool set_follows(const struct mlex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && text_blank(*p))
		p++;
	return p < l->end && (*p == '[' || *p == '(' || *p == '{' || *p == '\\');
}

/* The last character before p that is no blank, \, \; and the like, or $; '\0': none */
static char before(const struct mlex *l, const char *p)
{
	while (p > l->begin && (strchr("~$\\", p[-1]) || text_blank(p[-1]) ||
				(p - l->begin > 1 && p[-2] == '\\' && strchr(",;:!", p[-1]))))
		p--;
	return p > l->begin ? p[-1] : '\0';
}

/* Does a value end before p, or a unit, so that a short word is one too? */
static bool has_value(const struct mlex *l, struct span w)
{
	char c = before(l, l->p);

	if (c == '(') /* 5 (cm) */
		return w.p + w.n < l->end && w.p[w.n] == ')';
	return c && (text_letter(c) || text_digit(c) || strchr(")]}.%!/", c));
}

/* "20 m/s", "60 km/h" of which w is the first unit: the length of both, else 0 */
static size_t rate(const struct mlex *l, struct span w)
{
	struct span per;
	char c = before(l, l->p);

	if (l->p == l->begin || !text_blank(l->p[-1]) || !(text_digit(c) || c == '}') ||
	    !mw_unit(w) || ml_ahead(l, w.n) != '/')
		return 0;
	per = (struct span){w.p + w.n + 1, 0};
	while (per.p + per.n < l->end && text_letter(per.p[per.n]))
		per.n++;
	return mw_unit(per) ? w.n + 1 + per.n : 0;
}

/* What a letter is between brackets or numbers: (0, 1) U (2, 3), 1.5 x 10^3; 0: a letter */
static enum mtok_type sign_like(const struct mlex *l)
{
	char c = before(l, l->p);
	const char *p = l->p + 1;

	while (p < l->end && text_blank(*p))
		p++;
	if (*l->p == 'U' && (c == ')' || c == ']') && p < l->end && strchr("([\\", *p))
		return MT_UNION;
	if (*l->p == 'x' && text_digit(c) && l->end - p > 3 && memcmp(p, "10^", 3) == 0)
		return MT_OP;
	return 0;
}

/* A function's name glued to its argument, as in sinx: its length, else 0 */
static const struct mword *glued(struct span run, size_t *n)
{
	for (*n = run.n - 1; *n >= 2 && run.n - *n <= 2; --*n) {
		const struct mword *w = mw_word((struct span){run.p, *n});

		if (w && (w->t == MT_FUNC || w->t == MT_SQRT || w->t == MT_CONST) &&
		    memcmp(run.p, "inf", 3) != 0)
			return w;
	}
	return NULL;
}

void ml_word(struct mlex *l, struct mtok *t)
{
	struct span run = {l->p, 0};
	bool fresh = l->p == l->begin || !text_letter(l->p[-1]);
	const struct mword *w;
	enum mtok_type like;
	size_t n;

	while (run.n < LONG_WORD && text_letter(ml_ahead(l, run.n)))
		run.n++;
	like = run.n == 1 ? sign_like(l) : 0;
	if (like) {
		ml_give(t, like, '*');
		l->p++;
		return;
	}
	n = rate(l, run);
	if (n) {
		t->s = (struct span){l->p, n};
		l->p += n;
		ml_give(t, MT_TEXT, 0);
		return;
	}
	w = run.n > 1 ? mw_word(run) : NULL;
	if (w && mw_unit(run) && !has_argument(l, run))
		w = NULL;
	n = run.n;
	if (!w && run.n > 2)
		w = glued(run, &n);
	t->s = (struct span){run.p, n};
	if (w && (fresh || w->t != MT_JOIN)) {
		l->p += n;
		ml_give_word(t, w);
	} else if (fresh && run.n == 2 && memcmp(run.p, "in", 2) == 0 && set_follows(l, run)) {
		l->p += 2;
		ml_give(t, MT_REL, MR_IN);
	} else if (fresh && run.n > 1 &&
		   ((mw_unit(run) && has_value(l, run)) || mw_wordlike(run))) {
		l->p += run.n;
		t->s = run;
		ml_give(t, MT_TEXT, 0);
	} else {
		ml_letter(l, t);
	}
}

/* ---- arguments of words ---- */

/* The inside of {...} at p, which is behind the brace; false when it does not end. */
static bool braces(const struct mlex *l, const char *p, struct span *s)
{
	int depth = 1;

	for (const char *q = p; q < l->end; q++) {
		if (*q == '\\') {
			q++;
			continue;
		}
		depth += (*q == '{') - (*q == '}');
		if (!depth) {
			*s = (struct span){p, (size_t)(q - p)};
			return true;
		}
	}
	return false;
}

struct span ml_braced(struct mlex *l)
{
	struct span s = {l->p, 0};

	ml_spaces(l);
	if (ml_ahead(l, 0) == '{' && braces(l, l->p + 1, &s))
		l->p = s.p + s.n + 1;
	return s;
}

static struct span trim(struct span s)
{
	while (s.n && (text_blank(*s.p) || *s.p == ',' || *s.p == '~'))
		s = (struct span){s.p + 1, s.n - 1};
	while (s.n && (text_blank(s.p[s.n - 1]) || strchr(",.~", s.p[s.n - 1])))
		s.n--;
	return s;
}

/* "and", or words that begin or end with it: its letter, else 0 */
static int joins(struct span s)
{
	static const char *const word[] = {"and", "or"};

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(word[i]);

		if (s.n >= n && memcmp(s.p, word[i], n) == 0 && (s.n == n || s.p[n] == ' '))
			return word[i][0];
		if (s.n > n && memcmp(s.p + s.n - n, word[i], n) == 0 && s.p[s.n - n - 1] == ' ')
			return word[i][0];
	}
	return 0;
}

/* "for all", before a condition that is one more item of a list */
static bool leads_condition(struct span s)
{
	return span_is(s, "for all") || span_is(s, "for any") || span_is(s, "for") ||
	       span_is(s, "where");
}

/* Letters, spaces and what stands in words and units alone; or a choice, (B) */
static bool only_words(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!text_letter(s.p[i]) && !strchr(" -'.,;~()/:", s.p[i]) &&
		    (unsigned char)s.p[i] < 0x80)
			return false;
	return s.n > 0;
}

static struct span choice(struct span s)
{
	if (s.n == 3 && s.p[0] == '(' && s.p[2] == ')')
		return (struct span){s.p + 1, 1};
	return s;
}

/* \text{\%} and the like: the sign; 0: it is more than that */
static enum mtok_type sign(struct span s)
{
	return span_is(s, "\\%") || span_is(s, "%") ? MT_PERCENT
	       : span_is(s, "\\$")                  ? MT_MONEY
	       : span_is(s, "\\degree")             ? MT_DEGREE
						    : 0;
}

/* Is s, which all the answer begins with, a list of words or letters? */
static bool lists(const struct mlex *l, const struct mtok *t, struct span s)
{
	return t->start == l->begin && (memchr(s.p, ',', s.n) || memmem(s.p, s.n, " and ", 5) ||
					memmem(s.p, s.n, " or ", 4));
}

/* What \text{s} is; false: something to be read as it stands */
static bool classify(const struct mlex *l, struct mtok *t, struct span s, bool font)
{
	const struct mword *w = mw_word(s);
	int join = joins(s);
	enum mtok_type is;

	t->s = s = choice(s);
	is = sign(s);
	if (is)
		ml_give(t, is, 0);
	else if (lists(l, t, s))
		return false;
	else if (join)
		ml_give(t, MT_JOIN, join);
	else if (leads_condition(s))
		ml_give(t, MT_OP, ',');
	else if (w)
		ml_give_word(t, w);
	else if (!only_words(s))
		return false;
	else if (s.n == 1 && font && (*s.p == 'e' || *s.p == 'i'))
		ml_give(t, MT_CONST, *s.p);
	else if (s.n == 1 && strchr("NJWV", *s.p) && text_digit(before(l, t->start)))
		ml_give(t, MT_TEXT, 0); /* 5 \text{ N} */
	else if (s.n == 1 && text_letter(*s.p) && !mw_unit(s))
		ml_give(t, MT_SYM, 0);
	else if (s.n == 1 && text_letter(*s.p) && *s.p <= 'Z')
		ml_give(t, MT_SYM, 0);
	else
		ml_give(t, MT_TEXT, 0);
	return true;
}

void ml_text(struct mlex *l, struct mtok *t, bool font)
{
	struct span s;

	if (ml_ahead(l, 0) == '*')
		l->p++;
	ml_spaces(l);
	ml_give(t, MT_WRAP, 0); /* unless it is more, its argument is read as an expression */
	if (ml_ahead(l, 0) != '{' || !braces(l, l->p + 1, &s))
		return;
	if (!trim(s).n)
		ml_give(t, MT_SKIP, 0);
	else if (!classify(l, t, trim(s), font))
		return;
	l->p = s.p + s.n + 1;
}
