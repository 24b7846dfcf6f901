/* lexcommand.c - tokens that begin with a backslash. See lexer.h. */
#include "math/lexer.h"

#include <string.h>

static void lex_double(struct mlex *l, struct mtok *t)
{
	struct span s;

	ml_spaces(l);
	if (text_letter(ml_ahead(l, 0))) {
		s = (struct span){l->p++, 1};
	} else {
		s = ml_braced(l);
	}
	ml_give(t, s.n == 1 && text_letter(*s.p) ? MT_NUMBERS : MT_BAD, s.n == 1 ? *s.p : 0);
}

/* \left and \right: what comes next opens or closes */
static void lex_sized(struct mlex *l, struct mtok *t, char side)
{
	ml_spaces(l);
	if (ml_ahead(l, 0) == '.') {
		l->p++;
		ml_give(t, MT_SKIP, 0);
	} else if (ml_ahead(l, 0) == '|') {
		l->p++;
		ml_give(t, side == 'l' ? MT_BAR : MT_ENDBAR, 0);
	} else if (ml_left(l) >= 5 && memcmp(l->p, "\\vert", 5) == 0) {
		l->p += 5;
		ml_give(t, side == 'l' ? MT_BAR : MT_ENDBAR, 0);
	} else {
		ml_give(t, MT_SKIP, 0);
	}
}

static void lex_not(struct mlex *l, struct mtok *t)
{
	struct mtok next;

	ml_next(l, &next);
	if (next.t == MT_REL && next.op == MR_EQ)
		ml_give(t, MT_REL, MR_NE);
	else
		ml_give(t, next.t == MT_REL ? MT_REL : MT_BAD, MR_OTHER);
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
	ml_give_word(t, w);
	switch (w->t) {
	case MT_SKIPARG:
		ml_braced(l);
		ml_give(t, MT_SKIP, 0);
		break;
	case MT_WORDS:
	case MT_FONT:
		ml_text(l, t, w->t == MT_FONT);
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

/* The [2mm] of \\[2mm] */
static void skip_gap(struct mlex *l)
{
	size_t n = 1;

	if (ml_ahead(l, 0) != '[')
		return;
	while (text_digit(ml_ahead(l, n)) || ml_ahead(l, n) == '.')
		n++;
	if (n > 1 && text_letter(ml_ahead(l, n)) && text_letter(ml_ahead(l, n + 1)) &&
	    ml_ahead(l, n + 2) == ']')
		l->p += n + 3;
}

/* A backslash and one character that is no letter */
static void lex_escape(struct mlex *l, struct mtok *t)
{
	char c = ml_ahead(l, 0);

	t->s = (struct span){l->p, c ? 1 : 0};
	l->p += c != '\0';
	if (c == '{')
		ml_give(t, MT_SET, 0);
	else if (c == '}')
		ml_give(t, MT_ENDSET, 0);
	else if (c == '|')
		ml_give(t, MT_OP, '|');
	else if (c == '$')
		ml_give(t, MT_MONEY, 0);
	else if (c == '%')
		ml_give(t, MT_PERCENT, 0);
	else if (c == '\\' && l->rows) {
		skip_gap(l);
		ml_give(t, MT_ROW, 0);
	} else
		ml_give(t, MT_SKIP, 0); /* \, \! \; \( \[ ... */
}

/* A backslash doubled by mistake: it is read as one. */
static bool doubled(const struct mlex *l)
{
	return ml_ahead(l, 0) == '\\' && !l->rows &&
	       (text_letter(ml_ahead(l, 1)) ||
		(ml_ahead(l, 1) && strchr("!,;:{}%$", ml_ahead(l, 1))));
}

void ml_command(struct mlex *l, struct mtok *t)
{
	struct span name = {++l->p, 0};
	const struct mword *w;

	if (doubled(l))
		name.p = ++l->p;
	while (text_letter(ml_ahead(l, name.n)))
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
		ml_give(t, MT_SYM, 0);
	if (t->t == MT_SYM && t->s.n > 3 && memcmp(t->s.p, "var", 3) == 0) /* \varphi */
		t->s = (struct span){t->s.p + 3, t->s.n - 3};
}
