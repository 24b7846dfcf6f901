/* lex.c - the next token. See lex.h. */
#include "math/lex.h"
#include "math/numeral.h"
#include "answer/text.h"

#include <assert.h>
#include <string.h>

enum { LONG_WORD = 40 }; /* letters beyond are no part of it */

static size_t lex_left(const struct lex *l)
{
	return (size_t)(l->end - l->p);
}

/* '\0' at the end */
static char lex_ahead(const struct lex *l, size_t i)
{
	return i < lex_left(l) ? l->p[i] : '\0';
}

static void lex_give(struct token *t, enum token_type type, int op)
{
	t->t = (uint8_t)type;
	t->op = (uint8_t)op;
}

static void lex_give_word(struct token *t, const struct word *w)
{
	lex_give(t, (enum token_type)w->t, w->op);
}

void lex_init(struct lex *l, struct span text, enum comma comma)
{
	assert(text.p || !text.n);
	*l = (struct lex){.begin = text.p, .p = text.p, .end = text.p + text.n, .comma = comma};
}

void lex_spaces(struct lex *l)
{
	while (text_blank(lex_ahead(l, 0)))
		l->p++;
}

/* ---- letters: words ---- */

/* One letter, with what it means by itself */
static void lex_letter(struct lex *l, struct token *t)
{
	t->s = (struct span){l->p++, 1};
	if (*t->s.p == 'e' || *t->s.p == 'i')
		lex_give(t, TOKEN_CONST, *t->s.p);
	else
		lex_give(t, TOKEN_SYM, 0);
}

/* Is "min", "sec" or the like at w a function, to judge by what comes next? */
static bool has_argument(const struct lex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && text_blank(*p))
		p++;
	return p < l->end && (text_letter(*p) || *p == '(' || *p == '{' || *p == '\\' || *p == '^');
}

/* "x in [0, 1]", not "5 in" */
static bool set_follows(const struct lex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && text_blank(*p))
		p++;
	return p < l->end && (*p == '[' || *p == '(' || *p == '{' || *p == '\\');
}

/* The last character before p that is no blank, \, \; and the like, or $; '\0': none */
static char before(const struct lex *l, const char *p)
{
	while (p > l->begin && (strchr("~$\\", p[-1]) || text_blank(p[-1]) ||
				(p - l->begin > 1 && p[-2] == '\\' && strchr(",;:!", p[-1]))))
		p--;
	return p > l->begin ? p[-1] : '\0';
}

/* Does a value end before p, or a unit, so that a short word is one too? */
static bool has_value(const struct lex *l, struct span w)
{
	char c = before(l, l->p);

	if (c == '(') /* 5 (cm) */
		return w.p + w.n < l->end && w.p[w.n] == ')';
	return c && (text_letter(c) || text_digit(c) || strchr(")]}.%!/", c));
}

/* "20 m/s", "60 km/h" of which w is the first unit: the length of both, else 0 */
static size_t rate(const struct lex *l, struct span w)
{
	struct span per;
	char c = before(l, l->p);

	if (l->p == l->begin || !text_blank(l->p[-1]) || !(text_digit(c) || c == '}') ||
	    !word_unit(w) || lex_ahead(l, w.n) != '/')
		return 0;
	per = (struct span){w.p + w.n + 1, 0};
	while (per.p + per.n < l->end && text_letter(per.p[per.n]))
		per.n++;
	return word_unit(per) ? w.n + 1 + per.n : 0;
}

/* What a letter is between brackets or numbers: (0, 1) U (2, 3), 1.5 x 10^3; 0: a letter */
static enum token_type sign_like(const struct lex *l)
{
	char c = before(l, l->p);
	const char *p = l->p + 1;

	while (p < l->end && text_blank(*p))
		p++;
	if (*l->p == 'U' && (c == ')' || c == ']') && p < l->end && strchr("([\\", *p))
		return TOKEN_UNION;
	if (*l->p == 'x' && text_digit(c) && l->end - p > 3 && memcmp(p, "10^", 3) == 0)
		return TOKEN_OP;
	return 0;
}

/* A function's name glued to its argument, as in sinx: its length, else 0 */
static const struct word *glued(struct span run, size_t *n)
{
	for (*n = run.n - 1; *n >= 2 && run.n - *n <= 2; --*n) {
		const struct word *w = word_known((struct span){run.p, *n});

		if (w && (w->t == TOKEN_FUNC || w->t == TOKEN_SQRT || w->t == TOKEN_CONST) &&
		    memcmp(run.p, "inf", 3) != 0)
			return w;
	}
	return NULL;
}

/* Is the letter a unit by what stands before, 12 m? */
static bool lone_unit(const struct lex *l)
{
	char c = before(l, l->p);

	return word_unit((struct span){l->p, 1}) && l->p > l->begin &&
	       (text_blank(l->p[-1]) || strchr("$~", l->p[-1])) && c &&
	       (text_digit(c) || strchr(")}]", c));
}

/* Is the command a unit by what stands before, 12 \Omega, 12 \mu m? */
static bool unit_command(const struct lex *l, struct span name)
{
	char c = before(l, name.p - 1);

	return l->units && (span_is(name, "Omega") || span_is(name, "mu")) && c && text_digit(c);
}

/* m\,s^{-1}: units of one letter or two, with powers */
static bool units_only(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n && !word_unit(run))
			return false;
		if (!run.n && !strchr(" \\,^{}-~/.", s.p[i]) && !text_digit(s.p[i]))
			return false;
		i += run.n ? run.n - 1 : 0;
	}
	return s.n > 0 && text_letter(*s.p);
}

/* Letters: a function, a unit, words, or the first of them alone */
static void lex_word(struct lex *l, struct token *t)
{
	struct span run = {l->p, 0};
	bool fresh = l->p == l->begin || !text_letter(l->p[-1]);
	const struct word *w;
	enum token_type like;
	size_t n;

	while (run.n < LONG_WORD && text_letter(lex_ahead(l, run.n)))
		run.n++;
	if (run.n == 1 && l->units && lone_unit(l)) {
		t->s = (struct span){l->p++, 1};
		lex_give(t, TOKEN_TEXT, 0);
		return;
	}
	like = run.n == 1 ? sign_like(l) : 0;
	if (like) {
		lex_give(t, like, '*');
		l->p++;
		return;
	}
	n = rate(l, run);
	if (n) {
		t->s = (struct span){l->p, n};
		l->p += n;
		lex_give(t, TOKEN_TEXT, 0);
		return;
	}
	w = run.n > 1 ? word_known(run) : NULL;
	if (w && word_unit(run) && !has_argument(l, run))
		w = NULL;
	n = run.n;
	if (!w && run.n > 2)
		w = glued(run, &n);
	t->s = (struct span){run.p, n};
	if (w && (fresh || w->t != TOKEN_JOIN)) {
		l->p += n;
		lex_give_word(t, w);
	} else if (fresh && run.n == 2 && memcmp(run.p, "in", 2) == 0 && set_follows(l, run)) {
		l->p += 2;
		lex_give(t, TOKEN_REL, REL_IN);
	} else if (fresh && run.n > 1 &&
		   ((word_unit(run) && has_value(l, run)) || word_natural(run))) {
		l->p += run.n;
		t->s = run;
		lex_give(t, TOKEN_TEXT, 0);
	} else {
		lex_letter(l, t);
	}
}

/* ---- arguments of words ---- */

/* The inside of {...} at p, which is behind the brace; false when it does not end. */
static bool braces(const struct lex *l, const char *p, struct span *s)
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

struct span lex_braced(struct lex *l)
{
	struct span s = {l->p, 0};

	lex_spaces(l);
	if (lex_ahead(l, 0) == '{' && braces(l, l->p + 1, &s))
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
static int joining(struct span s)
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

static struct span without_brackets(struct span s)
{
	if (s.n == 3 && s.p[0] == '(' && s.p[2] == ')')
		return (struct span){s.p + 1, 1};
	return s;
}

/* \text{\%} and the like: the sign; 0: it is more than that */
static enum token_type sign(struct span s)
{
	return span_is(s, "\\%") || span_is(s, "%") ? TOKEN_PERCENT
	       : span_is(s, "\\$")                  ? TOKEN_MONEY
	       : span_is(s, "\\degree")             ? TOKEN_DEGREE
						    : 0;
}

static bool currency(struct span s)
{
	static const char *const name[] = {"USD", "EUR", "GBP", "INR", "Rs"};

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (span_is(s, name[i]))
			return true;
	return false;
}

/* Is s, which all the answer begins with, a list of words or letters? */
static bool lists(const struct lex *l, const struct token *t, struct span s)
{
	return t->start == l->begin && (memchr(s.p, ',', s.n) || memmem(s.p, s.n, " and ", 5) ||
					memmem(s.p, s.n, " or ", 4));
}

/* What \text{s} is; false: something to be read as it stands */
static bool classify(const struct lex *l, struct token *t, struct span s, bool font)
{
	const struct word *w = word_known(s);
	struct span whole = s;
	int join = joining(s);
	enum token_type is;
	bool bracketed;

	t->s = s = without_brackets(s);
	bracketed = t->s.p != whole.p;
	is = sign(s);
	if (is)
		lex_give(t, is, 0);
	else if (w && word_unit(s) && strchr("0123456789)}]%/", before(l, t->start)) &&
		 before(l, t->start))
		lex_give(t, TOKEN_TEXT, 0); /* 12 \text{ min} */
	else if (lists(l, t, s))
		return false;
	else if (join)
		lex_give(t, TOKEN_JOIN, join);
	else if (leads_condition(s))
		lex_give(t, TOKEN_OP, ',');
	else if (w)
		lex_give_word(t, w);
	else if (font && l->units && before(l, t->start) && text_digit(before(l, t->start)) &&
		 units_only(s))
		lex_give(t, TOKEN_TEXT, 0);
	else if (!before(l, t->start) && currency(s))
		lex_give(t, TOKEN_MONEY, 0); /* \text{USD } 25 */
	else if (!only_words(s))
		return false;
	else if (s.n == 1 && (*s.p == 'e' || (*s.p == 'i' && (font || !bracketed))))
		lex_give(t, TOKEN_CONST, *s.p);
	else if (s.n == 1 && strchr("NJWV", *s.p) && text_digit(before(l, t->start)))
		lex_give(t, TOKEN_TEXT, 0); /* 5 \text{ N} */
	else if (s.n == 1 && text_letter(*s.p) && !word_unit(s))
		lex_give(t, TOKEN_SYM, 0);
	else if (s.n == 1 && text_letter(*s.p) && *s.p <= 'Z')
		lex_give(t, TOKEN_SYM, 0);
	else
		lex_give(t, TOKEN_TEXT, 0);
	return true;
}

/* Behind \text, or \mathrm and its like (font) */
static void lex_text(struct lex *l, struct token *t, bool font)
{
	struct span s;

	if (lex_ahead(l, 0) == '*')
		l->p++;
	lex_spaces(l);
	lex_give(t, TOKEN_WRAP, 0); /* unless it is more, its argument is read as an expression */
	if (lex_ahead(l, 0) != '{' || !braces(l, l->p + 1, &s))
		return;
	if (!trim(s).n)
		lex_give(t, TOKEN_SKIP, 0);
	else if (!classify(l, t, trim(s), font))
		return;
	l->p = s.p + s.n + 1;
}

/* ---- what begins with a backslash ---- */

static void lex_double(struct lex *l, struct token *t)
{
	struct span s;

	lex_spaces(l);
	if (text_letter(lex_ahead(l, 0))) {
		s = (struct span){l->p++, 1};
	} else {
		s = lex_braced(l);
	}
	lex_give(t, s.n == 1 && text_letter(*s.p) ? TOKEN_NUMBERS : TOKEN_BAD, s.n == 1 ? *s.p : 0);
}

/* \left and \right: what comes next opens or closes */
static void lex_sized(struct lex *l, struct token *t, char side)
{
	lex_spaces(l);
	if (lex_ahead(l, 0) == '.') {
		l->p++;
		lex_give(t, TOKEN_SKIP, 0);
	} else if (lex_ahead(l, 0) == '|') {
		l->p++;
		lex_give(t, side == 'l' ? TOKEN_BAR : TOKEN_ENDBAR, 0);
	} else if (lex_left(l) >= 5 && memcmp(l->p, "\\vert", 5) == 0) {
		l->p += 5;
		lex_give(t, side == 'l' ? TOKEN_BAR : TOKEN_ENDBAR, 0);
	} else {
		lex_give(t, TOKEN_SKIP, 0);
	}
}

static void lex_not(struct lex *l, struct token *t)
{
	struct token next;

	lex_next(l, &next);
	if (next.t == TOKEN_REL && next.op == REL_EQ)
		lex_give(t, TOKEN_REL, REL_NE);
	else
		lex_give(t, next.t == TOKEN_REL ? TOKEN_REL : TOKEN_BAD, REL_OTHER);
}

/* The known command that name is, or begins with when one or two letters have run into it
 * (\quadx) */
static const struct word *command(struct span *name)
{
	size_t full = name->n;

	for (; name->n >= 2 && full - name->n <= 2; name->n--) {
		const struct word *w = word_command(*name);

		if (w &&
		    (name->n == full || w->t == TOKEN_SKIP || w->op == '*' || w->t == TOKEN_CONST))
			return w;
	}
	name->n = full;
	return full == 1 ? word_command(*name) : NULL;
}

static void lex_named(struct lex *l, struct token *t, const struct word *w)
{
	lex_give_word(t, w);
	if (span_is(t->s, "equiv") && !memmem(l->p, lex_left(l), "mod", 3))
		t->op = REL_EQ;
	switch (w->t) {
	case TOKEN_SKIPARG:
		lex_braced(l);
		lex_give(t, TOKEN_SKIP, 0);
		break;
	case TOKEN_WORDS:
	case TOKEN_FONT:
		lex_text(l, t, w->t == TOKEN_FONT);
		break;
	case TOKEN_DOUBLE:
		lex_double(l, t);
		break;
	case TOKEN_LEFT:
	case TOKEN_RIGHT:
		lex_sized(l, t, w->t == TOKEN_LEFT ? 'l' : 'r');
		break;
	case TOKEN_NOT:
		lex_not(l, t);
		break;
	default:
		break;
	}
}

/* The [2mm] of \\[2mm] */
static void skip_gap(struct lex *l)
{
	size_t n = 1;

	if (lex_ahead(l, 0) != '[')
		return;
	while (text_digit(lex_ahead(l, n)) || lex_ahead(l, n) == '.')
		n++;
	if (n > 1 && text_letter(lex_ahead(l, n)) && text_letter(lex_ahead(l, n + 1)) &&
	    lex_ahead(l, n + 2) == ']')
		l->p += n + 3;
}

/* Does a value stand behind the \\ that was read, in a line of its own? */
static bool line_ends(const struct lex *l)
{
	const char *p = l->p;

	while (p < l->end && text_blank(*p))
		p++;
	return p > l->p && p < l->end && (text_digit(*p) || *p == '(' || *p == '-');
}

/* A backslash and one character that is no letter */
static void lex_escape(struct lex *l, struct token *t)
{
	char c = lex_ahead(l, 0);

	t->s = (struct span){l->p, c ? 1 : 0};
	l->p += c != '\0';
	if (c == '{')
		lex_give(t, TOKEN_SET, 0);
	else if (c == '}')
		lex_give(t, TOKEN_ENDSET, 0);
	else if (c == '|')
		lex_give(t, TOKEN_OP, '|');
	else if (c == '$')
		lex_give(t, TOKEN_MONEY, 0);
	else if (c == '%')
		lex_give(t, TOKEN_PERCENT, 0);
	else if (c == '#' || c == '&')
		lex_give(t, TOKEN_SYM, 0);
	else if (c == '\\' && l->rows) {
		skip_gap(l);
		lex_give(t, TOKEN_ROW, 0);
	} else if (c == '\\' && line_ends(l))
		lex_give(t, TOKEN_OP, ',');
	else
		lex_give(t, TOKEN_SKIP, 0); /* \, \! \; \( \[ ... */
}

/* A backslash doubled by mistake: it is read as one. */
static bool doubled(const struct lex *l)
{
	return lex_ahead(l, 0) == '\\' && !l->rows &&
	       (text_letter(lex_ahead(l, 1)) ||
		(lex_ahead(l, 1) && strchr("!,;:{}%$", lex_ahead(l, 1))));
}

/* Behind a backslash */
static void lex_command(struct lex *l, struct token *t)
{
	struct span name = {++l->p, 0};
	const struct word *w;

	if (doubled(l))
		name.p = ++l->p;
	while (text_letter(lex_ahead(l, name.n)))
		name.n++;
	if (!name.n) {
		lex_escape(l, t);
		return;
	}
	w = command(&name);
	l->p += name.n;
	t->s = name;
	if (unit_command(l, name))
		lex_give(t, TOKEN_TEXT, 0);
	else if (w)
		lex_named(l, t, w);
	else
		lex_give(t, TOKEN_SYM, 0);
	if (t->t == TOKEN_SYM && t->s.n > 3 && memcmp(t->s.p, "var", 3) == 0) /* \varphi */
		t->s = (struct span){t->s.p + 3, t->s.n - 3};
}

/* ---- numbers, characters, and who reads the rest ---- */

/* < > = ! and what they make with a = behind them */
static bool lex_relation(struct lex *l, struct token *t)
{
	char a = lex_ahead(l, 0), b = lex_ahead(l, 1);
	enum relation r = a == '<' ? REL_LT : a == '>' ? REL_GT : a == '=' ? REL_EQ : REL_NONE;

	if (b == '=')
		r = a == '<' ? REL_LE : a == '>' ? REL_GE : a == '!' ? REL_NE : r;
	if (r == REL_NONE)
		return false;
	t->s = (struct span){l->p, 1};
	l->p += b == '=' ? 2 : 1;
	lex_give(t, TOKEN_REL, r);
	return true;
}

static bool lex_number(struct lex *l, struct token *t)
{
	static const enum numeral_comma how[] = {NUMERAL_GROUPS, NUMERAL_NO_COMMA,
						 NUMERAL_DECIMALS};

	size_t n = numeral_read(l->p, l->end, l->brackets > 0 ? NUMERAL_NO_COMMA : how[l->comma],
				&t->num);

	t->s = (struct span){l->p, n};
	l->p += n;
	lex_give(t, TOKEN_NUM, 0);
	return n > 0;
}

static void lex_dot(struct lex *l, struct token *t)
{
	if (lex_ahead(l, 1) == '.' && lex_ahead(l, 2) == '.') {
		l->p += 3;
		lex_give(t, TOKEN_DOTS, 0);
		return;
	}
	while (lex_left(l) && (strchr(".$*", lex_ahead(l, 0)) || text_blank(lex_ahead(l, 0))))
		l->p++;
	if (lex_ahead(l, 0) == '\\' && (lex_ahead(l, 1) == ')' || lex_ahead(l, 1) == ']'))
		l->p += 2;
	lex_spaces(l);
	if (l->rows && (lex_ahead(l, 0) == '\\' || lex_ahead(l, 0) == '&'))
		lex_give(t, TOKEN_SKIP, 0); /* of a line */
	else
		lex_give(t, lex_left(l) ? TOKEN_BAD : TOKEN_END, 0); /* a full stop */
}

static void lex_character(struct lex *l, struct token *t)
{
	char c = *l->p;

	if (c == '*' && lex_ahead(l, 1) == '*') {
		l->p += 2;
		lex_give(t, TOKEN_OP, '^');
		return;
	}
	if (c == '{' && lex_ahead(l, 1) == ':' && lex_ahead(l, 2) == '}') {
		l->p += 3;
		lex_give(t, TOKEN_OP, ':');
		return;
	}
	l->p++;
	if (c == '$' || c == '~' || c == '`')
		lex_give(t, TOKEN_SKIP, 0);
	else if (c == '%')
		lex_give(t, TOKEN_PERCENT, 0);
	else if (strchr("+-*/^_!,;:()[]{}|&'", c))
		lex_give(t, TOKEN_OP, c);
	else if (c == '@' || c == '#') {
		t->s = (struct span){l->p - 1, 1};
		lex_give(t, TOKEN_SYM, 0);
	} else
		lex_give(t, TOKEN_BAD, 0);
	if (c == '(' || c == '[')
		l->brackets++;
	else if (c == ')' || c == ']')
		l->brackets--;
}

/* A character that fold_signs knows nothing of */
static void lex_beyond_ascii(struct lex *l, struct token *t)
{
	size_t n = 1;

	while ((lex_ahead(l, n) & 0xC0) == 0x80 && n < 4)
		n++;
	t->s = (struct span){l->p, n};
	l->p += n;
	lex_give(t, TOKEN_SYM, 0);
}

static void one(struct lex *l, struct token *t)
{
	char c = lex_ahead(l, 0);

	*t = (struct token){.start = l->p};
	if (l->p == l->end)
		lex_give(t, TOKEN_END, 0);
	else if ((text_digit(c) || c == '.') && lex_number(l, t))
		;
	else if (c == '.')
		lex_dot(l, t);
	else if (text_letter(c))
		lex_word(l, t);
	else if (c == '\\')
		lex_command(l, t);
	else if ((unsigned char)c >= 0x80)
		lex_beyond_ascii(l, t);
	else if (!lex_relation(l, t))
		lex_character(l, t);
	if (t->t == TOKEN_SET)
		l->brackets++;
	else if (t->t == TOKEN_ENDSET)
		l->brackets--;
}

void lex_next(struct lex *l, struct token *t)
{
	do {
		assert(l->p >= l->begin && l->p <= l->end);
		lex_spaces(l);
		one(l, t);
	} while (t->t == TOKEN_SKIP);
}

bool lex_argument(struct lex *l, struct token *t)
{
	lex_spaces(l);
	*t = (struct token){.start = l->p};
	if (text_digit(lex_ahead(l, 0))) {
		struct lex one_digit = *l;

		one_digit.end = l->p + 1;
		lex_number(&one_digit, t);
		l->p++;
		return true;
	}
	if (text_letter(lex_ahead(l, 0))) {
		lex_letter(l, t);
		return true;
	}
	return false;
}
