/*
 * lexer.h - the lexer's own: what is ahead, and the tokens that begin with a letter
 * (lexword.c) or a backslash (lexcommand.c).
 */
#ifndef MATH_LEXER_H
#define MATH_LEXER_H

#include "math/lex.h"
#include "answer/text.h"

static inline size_t ml_left(const struct mlex *l)
{
	return (size_t)(l->end - l->p);
}

/* '\0' at the end */
static inline char ml_ahead(const struct mlex *l, size_t i)
{
	return i < ml_left(l) ? l->p[i] : '\0';
}

static inline void ml_give(struct mtok *t, enum mtok_type type, int op)
{
	t->t = (uint8_t)type;
	t->op = (uint8_t)op;
}

static inline void ml_give_word(struct mtok *t, const struct mword *w)
{
	ml_give(t, (enum mtok_type)w->t, w->op);
}

/* One letter, with what it means by itself */
void ml_letter(struct mlex *l, struct mtok *t);
/* Letters: a function, a unit, words, or the first of them alone */
void ml_word(struct mlex *l, struct mtok *t);
/* Behind \text, or \mathrm and its like (font) */
void ml_text(struct mlex *l, struct mtok *t, bool font);
void ml_command(struct mlex *l, struct mtok *t);

#endif
