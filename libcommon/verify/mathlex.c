/* mathlex.c - tokens of LaTeX and plain mathematical text. See mathlex.h. */
#include "verify/mathlex.h"
#include "verify/mathnumber.h"

#include <string.h>

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void ml_init(struct mlex *l, struct span text, enum math_comma comma)
{
	*l = (struct mlex){.begin = text.p, .p = text.p, .end = text.p + text.n, .comma = comma};
}

static size_t left(const struct mlex *l)
{
	return (size_t)(l->end - l->p);
}

static char ahead(const struct mlex *l, size_t i)
{
	return i < left(l) ? l->p[i] : '\0';
}

void ml_spaces(struct mlex *l)
{
	while (blank(ahead(l, 0)))
		l->p++;
}

static void give(struct mtok *t, enum mtok_type type, int op)
{
	t->t = (uint8_t)type;
	t->op = (uint8_t)op;
}

/* ---- characters that are no ASCII ---- */

static const struct {
	const char *text;
	uint8_t t, op;
	const char *name; /* of a symbol */
} signs[] = {
	{"\xc2\xb0", MT_DEGREE, 0, NULL},          /* ° */
	{"\xc2\xb1", MT_PM, 0, NULL},              /* ± */
	{"\xe2\x88\x93", MT_PM, 1, NULL},          /* ∓ */
	{"\xc2\xb7", MT_OP, '*', NULL},            /* · */
	{"\xe2\x8b\x85", MT_OP, '*', NULL},        /* ⋅ */
	{"\xc3\x97", MT_OP, '*', NULL},            /* × */
	{"\xc3\xb7", MT_OP, '/', NULL},            /* ÷ */
	{"\xe2\x81\x84", MT_OP, '/', NULL},        /* ⁄ */
	{"\xe2\x88\x92", MT_OP, '-', NULL},        /* − */
	{"\xe2\x80\x93", MT_OP, '-', NULL},        /* – */
	{"\xe2\x88\x9a", MT_SQRT, 0, NULL},        /* √ */
	{"\xe2\x88\x9e", MT_CONST, 'o', NULL},     /* ∞ */
	{"\xcf\x80", MT_CONST, 'p', NULL},         /* π */
	{"\xe2\x89\xa4", MT_REL, MR_LE, NULL},     /* ≤ */
	{"\xe2\x89\xa5", MT_REL, MR_GE, NULL},     /* ≥ */
	{"\xe2\x89\xa0", MT_REL, MR_NE, NULL},     /* ≠ */
	{"\xe2\x89\x88", MT_REL, MR_APPROX, NULL}, /* ≈ */
	{"\xe2\x88\x88", MT_REL, MR_IN, NULL},     /* ∈ */
	{"\xe2\x88\xaa", MT_UNION, 0, NULL},       /* ∪ */
	{"\xe2\x88\x96", MT_LESS, 0, NULL},        /* ∖ */
	{"\xe2\x84\x9d", MT_NUMBERS, 'R', NULL},   /* ℝ */
	{"\xe2\x84\xa4", MT_NUMBERS, 'Z', NULL},   /* ℤ */
	{"\xe2\x88\x85", MT_EMPTY, 0, NULL},       /* ∅ */
	{"\xe2\x80\xa6", MT_DOTS, 0, NULL},        /* … */
	{"\xe2\x80\xb2", MT_OP, '\'', NULL},       /* ′ */
	{"\xe2\x9f\xa8", MT_ANGLE, 0, NULL},       /* ⟨ */
	{"\xe2\x9f\xa9", MT_ENDANGLE, 0, NULL},    /* ⟩ */
	{"\xc2\xa0", MT_SKIP, 0, NULL},
	{"\xe2\x80\x89", MT_SKIP, 0, NULL},
	{"\xe2\x80\xaf", MT_SKIP, 0, NULL},
	{"\xe2\x82\xac", MT_MONEY, 0, NULL}, /* € */
	{"\xc2\xa3", MT_MONEY, 0, NULL},     /* £ */
	{"\xce\xb1", MT_SYM, 0, "alpha"},
	{"\xce\xb2", MT_SYM, 0, "beta"},
	{"\xce\xb3", MT_SYM, 0, "gamma"},
	{"\xce\xb4", MT_SYM, 0, "delta"},
	{"\xce\xb5", MT_SYM, 0, "epsilon"},
	{"\xce\xb8", MT_SYM, 0, "theta"},
	{"\xce\xbb", MT_SYM, 0, "lambda"},
	{"\xce\xbc", MT_SYM, 0, "mu"},
	{"\xcf\x81", MT_SYM, 0, "rho"},
	{"\xcf\x83", MT_SYM, 0, "sigma"},
	{"\xcf\x86", MT_SYM, 0, "phi"},
	{"\xcf\x89", MT_SYM, 0, "omega"},
};

static void raised(struct mtok *t, int d)
{
	give(t, MT_NUM, 0);
	t->raised = true;
	t->num = (struct mnumber){.real = d, .whole = d, .is_whole = true};
	for (int k = 0; k < MOD_PRIMES; k++)
		t->num.mod[k] = (uint64_t)d;
}

/* ² and the like: the digit, else -1 */
static int raised_digit(const struct mlex *l, size_t *n)
{
	unsigned char a = (unsigned char)ahead(l, 0), b = (unsigned char)ahead(l, 1),
		      c = (unsigned char)ahead(l, 2);

	*n = 2;
	if (a == 0xc2 && (b == 0xb2 || b == 0xb3))
		return b - 0xb0;
	if (a == 0xc2 && b == 0xb9)
		return 1;
	*n = 3;
	return a == 0xe2 && b == 0x81 && (c == 0xb0 || (c >= 0xb4 && c <= 0xb9)) ? c - 0xb0 : -1;
}

static void lex_sign(struct mlex *l, struct mtok *t)
{
	size_t n;
	int d = raised_digit(l, &n);

	if (d >= 0) {
		l->p += n;
		raised(t, d);
		return;
	}
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		n = strlen(signs[i].text);
		if (left(l) < n || memcmp(l->p, signs[i].text, n) != 0)
			continue;
		t->s = signs[i].name ? (struct span){signs[i].name, strlen(signs[i].name)}
				     : (struct span){l->p, n};
		l->p += n;
		give(t, signs[i].t, signs[i].op);
		return;
	}
	for (n = 1; (ahead(l, n) & 0xC0) == 0x80 && n < 4;)
		n++;
	t->s = (struct span){l->p, n};
	l->p += n;
	give(t, MT_SYM, 0);
}

/* ---- words ---- */

static void give_word(struct mtok *t, const struct mword *w)
{
	give(t, (enum mtok_type)w->t, w->op);
}

enum { LONG_WORD = 40 }; /* letters beyond are no part of it */

/* One letter, with what it means by itself */
static void lex_letter(struct mlex *l, struct mtok *t)
{
	t->s = (struct span){l->p++, 1};
	if (*t->s.p == 'e' || *t->s.p == 'i')
		give(t, MT_CONST, *t->s.p);
	else
		give(t, MT_SYM, 0);
}

/* Is "min", "sec" or the like at w a function, to judge by what comes next? */
static bool has_argument(const struct mlex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && blank(*p))
		p++;
	return p < l->end && (letter(*p) || *p == '(' || *p == '{' || *p == '\\' || *p == '^');
}

/* "x in [0, 1]", not "5 in" */
static bool set_follows(const struct mlex *l, struct span w)
{
	const char *p = w.p + w.n;

	while (p < l->end && blank(*p))
		p++;
	return p < l->end && (*p == '[' || *p == '(' || *p == '{' || *p == '\\');
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

static void lex_run(struct mlex *l, struct mtok *t)
{
	struct span run = {l->p, 0};
	bool fresh = l->p == l->begin || !letter(l->p[-1]);
	const struct mword *w;
	size_t n;

	while (run.n < LONG_WORD && letter(ahead(l, run.n)))
		run.n++;
	w = run.n > 1 ? mw_word(run) : NULL;
	if (w && mw_unit(run) && !has_argument(l, run))
		w = NULL;
	n = run.n;
	if (!w && run.n > 2)
		w = glued(run, &n);
	t->s = (struct span){run.p, n};
	if (w && (fresh || w->t != MT_JOIN)) {
		l->p += n;
		give_word(t, w);
	} else if (fresh && run.n == 2 && memcmp(run.p, "in", 2) == 0 && set_follows(l, run)) {
		l->p += 2;
		give(t, MT_REL, MR_IN);
	} else if (fresh && run.n > 1 && (mw_unit(run) || mw_wordlike(run))) {
		l->p += run.n;
		t->s = run;
		give(t, MT_TEXT, 0);
	} else {
		lex_letter(l, t);
	}
}

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
	if (ahead(l, 0) == '{' && braces(l, l->p + 1, &s))
		l->p = s.p + s.n + 1;
	return s;
}

static struct span trim(struct span s)
{
	while (s.n && (blank(*s.p) || *s.p == ',' || *s.p == '~'))
		s = (struct span){s.p + 1, s.n - 1};
	while (s.n && (blank(s.p[s.n - 1]) || strchr(",.~", s.p[s.n - 1])))
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

/* Letters, spaces and what stands in words and units alone; or a choice, (B) */
static bool only_words(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!letter(s.p[i]) && !strchr(" -'.,;~()/:", s.p[i]) &&
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

/* What \text{s} is; false: something to be read as it stands */
static bool classify(struct mtok *t, struct span s, bool font)
{
	const struct mword *w = mw_word(s);
	int join = joins(s);

	t->s = s = choice(s);
	if (join)
		give(t, MT_JOIN, join);
	else if (w)
		give_word(t, w);
	else if (!only_words(s))
		return false;
	else if (s.n == 1 && font && (*s.p == 'e' || *s.p == 'i'))
		give(t, MT_CONST, *s.p);
	else if (s.n == 1 && letter(*s.p) && !mw_unit(s))
		give(t, MT_SYM, 0);
	else if (s.n == 1 && letter(*s.p) && *s.p <= 'Z')
		give(t, MT_SYM, 0);
	else
		give(t, MT_TEXT, 0);
	return true;
}

/* Behind \text or \mathrm */
static void lex_words(struct mlex *l, struct mtok *t, bool font)
{
	struct span s;

	if (ahead(l, 0) == '*')
		l->p++;
	ml_spaces(l);
	if (ahead(l, 0) == '{' && braces(l, l->p + 1, &s) && trim(s).n == 0) {
		l->p = s.p + s.n + 1;
		give(t, MT_SKIP, 0);
	} else if (ahead(l, 0) == '{' && braces(l, l->p + 1, &s) && classify(t, trim(s), font)) {
		l->p = s.p + s.n + 1;
	} else {
		give(t, MT_WRAP, 0); /* its argument is read as an expression */
	}
}

/* ---- commands ---- */

static void lex_double(struct mlex *l, struct mtok *t)
{
	struct span s;

	ml_spaces(l);
	if (letter(ahead(l, 0))) {
		s = (struct span){l->p++, 1};
	} else {
		s = ml_braced(l);
	}
	give(t, s.n == 1 && letter(*s.p) ? MT_NUMBERS : MT_BAD, s.n == 1 ? *s.p : 0);
}

/* \left and \right: what comes next opens or closes */
static void lex_sized(struct mlex *l, struct mtok *t, char side)
{
	ml_spaces(l);
	if (ahead(l, 0) == '.') {
		l->p++;
		give(t, MT_SKIP, 0);
	} else if (ahead(l, 0) == '|') {
		l->p++;
		give(t, side == 'l' ? MT_BAR : MT_ENDBAR, 0);
	} else if (left(l) >= 5 && memcmp(l->p, "\\vert", 5) == 0) {
		l->p += 5;
		give(t, side == 'l' ? MT_BAR : MT_ENDBAR, 0);
	} else {
		give(t, MT_SKIP, 0);
	}
}

static void lex_not(struct mlex *l, struct mtok *t)
{
	struct mtok next;

	ml_next(l, &next);
	if (next.t == MT_REL && next.op == MR_EQ)
		give(t, MT_REL, MR_NE);
	else
		give(t, next.t == MT_REL ? MT_REL : MT_BAD, MR_OTHER);
}

/* The known command that name is, or begins with when one or two letters have run into it
 * (\quadx) */
static const struct mword *command(struct span *name)
{
	size_t full = name->n;

	for (; name->n >= 2 && full - name->n <= 2; name->n--) {
		const struct mword *w = mw_command(*name);

		if (w && (name->n == full || w->t == MT_SKIP || w->op == '*' || w->t == MT_CONST))
			return w;
	}
	name->n = full;
	return full == 1 ? mw_command(*name) : NULL;
}

static void lex_named(struct mlex *l, struct mtok *t, const struct mword *w)
{
	give_word(t, w);
	switch (w->t) {
	case MT_SKIPARG:
		ml_braced(l);
		give(t, MT_SKIP, 0);
		break;
	case MT_WORDS:
	case MT_FONT:
		lex_words(l, t, w->t == MT_FONT);
		break;
	case MT_DOUBLE:
		lex_double(l, t);
		break;
	case MT_LEFT:
	case MT_RIGHT:
		lex_sized(l, t, w->t == MT_LEFT ? 'l' : 'r');
		break;
	case MT_NOT:
		lex_not(l, t);
		break;
	default:
		break;
	}
}

/* A backslash and one character that is no letter */
static void lex_escape(struct mlex *l, struct mtok *t)
{
	char c = ahead(l, 0);

	t->s = (struct span){l->p, c ? 1 : 0};
	l->p += c != '\0';
	if (c == '{')
		give(t, MT_SET, 0);
	else if (c == '}')
		give(t, MT_ENDSET, 0);
	else if (c == '|')
		give(t, MT_OP, '|');
	else if (c == '$')
		give(t, MT_MONEY, 0);
	else if (c == '%')
		give(t, MT_PERCENT, 0);
	else if (c == '\\' && l->rows)
		give(t, MT_ROW, 0);
	else
		give(t, MT_SKIP, 0); /* \, \! \; \( \[ ... */
}

/* A backslash doubled by mistake: it is read as one. */
static bool doubled(const struct mlex *l)
{
	return ahead(l, 0) == '\\' && !l->rows &&
	       (letter(ahead(l, 1)) || (ahead(l, 1) && strchr("!,;:{}%$", ahead(l, 1))));
}

static void lex_command(struct mlex *l, struct mtok *t)
{
	struct span name = {++l->p, 0};
	const struct mword *w;

	if (doubled(l))
		name.p = ++l->p;
	while (letter(ahead(l, name.n)))
		name.n++;
	if (!name.n) {
		lex_escape(l, t);
		return;
	}
	w = command(&name);
	l->p += name.n;
	t->s = name;
	if (w)
		lex_named(l, t, w);
	else
		give(t, MT_SYM, 0);
}

/* ---- the rest ---- */

/* < > = ! and what they make with a = behind them */
static bool lex_relation(struct mlex *l, struct mtok *t)
{
	char a = ahead(l, 0), b = ahead(l, 1);
	enum mrel r = a == '<' ? MR_LT : a == '>' ? MR_GT : a == '=' ? MR_EQ : MR_NONE;

	if (b == '=')
		r = a == '<' ? MR_LE : a == '>' ? MR_GE : a == '!' ? MR_NE : r;
	if (r == MR_NONE)
		return false;
	t->s = (struct span){l->p, 1};
	l->p += b == '=' ? 2 : 1;
	give(t, MT_REL, r);
	return true;
}

static bool lex_number(struct mlex *l, struct mtok *t)
{
	static const enum numeral_comma how[] = {NUMERAL_GROUPS, NUMERAL_NO_COMMA,
						 NUMERAL_DECIMALS};

	size_t n =
		numeral(l->p, l->end, l->brackets > 0 ? NUMERAL_NO_COMMA : how[l->comma], &t->num);

	t->s = (struct span){l->p, n};
	l->p += n;
	give(t, MT_NUM, 0);
	return n > 0;
}

static void lex_dot(struct mlex *l, struct mtok *t)
{
	if (ahead(l, 1) == '.' && ahead(l, 2) == '.') {
		l->p += 3;
		give(t, MT_DOTS, 0);
		return;
	}
	while (left(l) && (strchr(".$*", ahead(l, 0)) || blank(ahead(l, 0))))
		l->p++;
	if (ahead(l, 0) == '\\' && (ahead(l, 1) == ')' || ahead(l, 1) == ']'))
		l->p += 2;
	ml_spaces(l);
	give(t, left(l) ? MT_BAD : MT_END, 0); /* a full stop */
}

static void lex_character(struct mlex *l, struct mtok *t)
{
	char c = *l->p;

	if (c == '*' && ahead(l, 1) == '*') {
		l->p += 2;
		give(t, MT_OP, '^');
		return;
	}
	l->p++;
	if (c == '$' || c == '~' || c == '`')
		give(t, MT_SKIP, 0);
	else if (c == '%')
		give(t, MT_PERCENT, 0);
	else if (strchr("+-*/^_!,;:()[]{}|&'", c))
		give(t, MT_OP, c);
	else
		give(t, MT_BAD, 0);
	if (c == '(' || c == '[')
		l->brackets++;
	else if (c == ')' || c == ']')
		l->brackets--;
}

static void one(struct mlex *l, struct mtok *t)
{
	char c = ahead(l, 0);

	*t = (struct mtok){.start = l->p};
	if (l->p == l->end)
		give(t, MT_END, 0);
	else if ((digit(c) || c == '.') && lex_number(l, t))
		;
	else if (c == '.')
		lex_dot(l, t);
	else if (letter(c))
		lex_run(l, t);
	else if (c == '\\')
		lex_command(l, t);
	else if ((unsigned char)c >= 0x80)
		lex_sign(l, t);
	else if (!lex_relation(l, t))
		lex_character(l, t);
	if (t->t == MT_SET)
		l->brackets++;
	else if (t->t == MT_ENDSET)
		l->brackets--;
}

void ml_next(struct mlex *l, struct mtok *t)
{
	do {
		ml_spaces(l);
		one(l, t);
	} while (t->t == MT_SKIP);
}

bool ml_argument(struct mlex *l, struct mtok *t)
{
	ml_spaces(l);
	*t = (struct mtok){.start = l->p};
	if (digit(ahead(l, 0))) {
		struct mlex one_digit = *l;

		one_digit.end = l->p + 1;
		lex_number(&one_digit, t);
		l->p++;
		return true;
	}
	if (letter(ahead(l, 0))) {
		lex_letter(l, t);
		return true;
	}
	return false;
}
