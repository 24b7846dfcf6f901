/* token.c - the next token: numbers, characters, and who reads the rest. See lex.h. */
#include "math/lexer.h"
#include "math/numeral.h"

#include <string.h>

void ml_init(struct mlex *l, struct span text, enum math_comma comma)
{
	*l = (struct mlex){.begin = text.p, .p = text.p, .end = text.p + text.n, .comma = comma};
}

void ml_spaces(struct mlex *l)
{
	while (text_blank(ml_ahead(l, 0)))
		l->p++;
}

/* < > = ! and what they make with a = behind them */
static bool lex_relation(struct mlex *l, struct mtok *t)
{
	char a = ml_ahead(l, 0), b = ml_ahead(l, 1);
	enum mrel r = a == '<' ? MR_LT : a == '>' ? MR_GT : a == '=' ? MR_EQ : MR_NONE;

	if (b == '=')
		r = a == '<' ? MR_LE : a == '>' ? MR_GE : a == '!' ? MR_NE : r;
	if (r == MR_NONE)
		return false;
	t->s = (struct span){l->p, 1};
	l->p += b == '=' ? 2 : 1;
	ml_give(t, MT_REL, r);
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
	ml_give(t, MT_NUM, 0);
	return n > 0;
}

static void lex_dot(struct mlex *l, struct mtok *t)
{
	if (ml_ahead(l, 1) == '.' && ml_ahead(l, 2) == '.') {
		l->p += 3;
		ml_give(t, MT_DOTS, 0);
		return;
	}
	while (ml_left(l) && (strchr(".$*", ml_ahead(l, 0)) || text_blank(ml_ahead(l, 0))))
		l->p++;
	if (ml_ahead(l, 0) == '\\' && (ml_ahead(l, 1) == ')' || ml_ahead(l, 1) == ']'))
		l->p += 2;
	ml_spaces(l);
	ml_give(t, ml_left(l) ? MT_BAD : MT_END, 0); /* a full stop */
}

static void lex_character(struct mlex *l, struct mtok *t)
{
	char c = *l->p;

	if (c == '*' && ml_ahead(l, 1) == '*') {
		l->p += 2;
		ml_give(t, MT_OP, '^');
		return;
	}
	l->p++;
	if (c == '$' || c == '~' || c == '`')
		ml_give(t, MT_SKIP, 0);
	else if (c == '%')
		ml_give(t, MT_PERCENT, 0);
	else if (strchr("+-*/^_!,;:()[]{}|&'", c))
		ml_give(t, MT_OP, c);
	else
		ml_give(t, MT_BAD, 0);
	if (c == '(' || c == '[')
		l->brackets++;
	else if (c == ')' || c == ']')
		l->brackets--;
}

/* A character that math_fold knows nothing of */
static void lex_beyond_ascii(struct mlex *l, struct mtok *t)
{
	size_t n = 1;

	while ((ml_ahead(l, n) & 0xC0) == 0x80 && n < 4)
		n++;
	t->s = (struct span){l->p, n};
	l->p += n;
	ml_give(t, MT_SYM, 0);
}

static void one(struct mlex *l, struct mtok *t)
{
	char c = ml_ahead(l, 0);

	*t = (struct mtok){.start = l->p};
	if (l->p == l->end)
		ml_give(t, MT_END, 0);
	else if ((text_digit(c) || c == '.') && lex_number(l, t))
		;
	else if (c == '.')
		lex_dot(l, t);
	else if (text_letter(c))
		ml_word(l, t);
	else if (c == '\\')
		ml_command(l, t);
	else if ((unsigned char)c >= 0x80)
		lex_beyond_ascii(l, t);
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
	if (text_digit(ml_ahead(l, 0))) {
		struct mlex one_digit = *l;

		one_digit.end = l->p + 1;
		lex_number(&one_digit, t);
		l->p++;
		return true;
	}
	if (text_letter(ml_ahead(l, 0))) {
		ml_letter(l, t);
		return true;
	}
	return false;
}
