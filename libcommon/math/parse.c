/* parse.c - operators: a parser by binding strength. See parse.h. */
#include "math/parse.h"
#include "math/grammar.h"
#include "answer/text.h"

enum { MAX_TEXT = 4096 };

void mp_advance(struct mparse *p)
{
	do {
		p->tok_brackets = p->lex.brackets;
		ml_next(&p->lex, &p->tok);
	} while (p->lines && mp_at(p, '&'));
}

bool mp_at(const struct mparse *p, char op)
{
	return p->tok.t == MT_OP && p->tok.op == op;
}

int mp_text(struct mparse *p, enum mkind kind, struct span text)
{
	int x = mn_new(p->a, kind);

	p->a->v[x].text = text;
	if (kind == MK_SYM)
		p->a->v[x].flags |= MX_SYM;
	if (kind == MK_TEXT)
		p->a->v[x].flags |= MX_TEXT;
	return x;
}

static bool open_kind(const struct mparse *p, int x, enum mkind kind)
{
	return mp_node(p, x)->kind == kind && !(mp_node(p, x)->flags & MX_PAREN);
}

/* a op b op c is one node. */
static int join(struct mparse *p, enum mkind kind, int left, int right)
{
	return open_kind(p, left, kind) ? mn_add(p->a, left, right)
					: mn_two(p->a, kind, left, right);
}

/* Words, powers and quotients of words: cm^2, m/s */
static bool unit_like(const struct mparse *p, int x)
{
	const struct mnode *n = mp_node(p, x);

	for (int i = 0; i < 4 && (n->kind == MK_POW || n->kind == MK_DIV || n->kind == MK_MUL); i++)
		n = mp_node(p, n->first);
	return n->kind == MK_TEXT;
}

/* left with words behind it: its unit; "million" multiplies it, and of what follows that is it so
 * many. */
static int with_words(struct mparse *p, int left, int right)
{
	struct span *s = &mp_node(p, right)->text, word = {s->p, 0};
	int64_t scale;

	if (mp_node(p, right)->kind != MK_TEXT)
		return mn_two(p->a, MK_UNIT, left, right);
	while (word.n < s->n && word.p[word.n] != ' ')
		word.n++;
	if (mw_changes(word))
		return 0;
	scale = mw_scale(word);
	if (!scale)
		return mn_two(p->a, MK_UNIT, left, right);
	left = mn_two(p->a, MK_MUL, left, mn_whole(p->a, scale));
	if (word.n == s->n)
		return left;
	*s = (struct span){word.p + word.n + 1, s->n - word.n - 1};
	return with_words(p, left, right);
}

int mp_product(struct mparse *p, int left, int right)
{
	struct mnode *l = mp_node(p, left), *r = mp_node(p, right);

	if (!left || !right)
		return 0;
	if (l->kind == MK_TEXT && r->kind == MK_TEXT) {
		l->text.n = (size_t)(r->text.p + r->text.n - l->text.p);
		return left;
	}
	if (unit_like(p, right) && !unit_like(p, left))
		return with_words(p, left, right);
	return join(p, MK_MUL, left, right);
}

static int quotient(struct mparse *p, int left, int right)
{
	int date = mp_date(p, left, right, '/');

	if (date)
		return date;
	if (unit_like(p, right) && !unit_like(p, left))
		return mn_two(p->a, MK_UNIT, left, right);
	return mn_two(p->a, MK_DIV, left, right);
}

/* ---- infix and postfix operators; the token that they begin with has been used ---- */

static int sum(struct mparse *p, int left, bool minus)
{
	int right = mp_expr(p, BIND_SUM), date = minus ? mp_date(p, left, right, '-') : 0;

	return date ? date : join(p, MK_ADD, left, minus ? mn_one(p->a, MK_NEG, right) : right);
}

static int plus_minus(struct mparse *p, int left, int op)
{
	int right = mn_one(p->a, MK_PM, mp_expr(p, BIND_SUM));

	mp_node(p, right)->op = (uint8_t)op;
	mp_node(p, right)->flags |= MX_PM;
	return left ? join(p, MK_ADD, left, right) : right;
}

static bool closes(const struct mparse *p)
{
	switch (p->tok.t) {
	case MT_END:
	case MT_ENDSET:
	case MT_ENDANGLE:
	case MT_ENDENV:
	case MT_ROW:
		return true;
	default:
		return mp_at(p, ')') || mp_at(p, ']') || mp_at(p, '}');
	}
}

/* sep: , ; or the a, o of and, or */
static int list(struct mparse *p, int left, int sep)
{
	int right, bind = sep == ';' ? BIND_SEMICOLON : BIND_COMMA;

	while (mp_at(p, ',') || mp_at(p, ';') || p->tok.t == MT_JOIN) {
		sep = sep == ';' ? sep : p->tok.op;
		mp_advance(p);
	}
	if (closes(p))
		return sep == ',' || sep == ';' ? left : 0; /* 5 or more */
	right = mp_expr(p, bind);
	if (open_kind(p, left, MK_LIST) && (mp_node(p, left)->op == ';') == (sep == ';'))
		left = mn_add(p->a, left, right);
	else
		left = mn_two(p->a, MK_LIST, left, right);
	mp_node(p, left)->op = (uint8_t)sep;
	return left;
}

static int relation(struct mparse *p, int left, const struct mtok *t)
{
	int right = mp_expr(p, BIND_REL);

	if (!right)
		return 0;
	mp_node(p, right)->rel = t->op;
	left = join(p, MK_REL, left, right);
	if (t->op == MR_OTHER) /* which one */
		mp_node(p, left)->text = t->s;
	return left;
}

/* The degree sign has been used; of a temperature a C or F follows. */
static int degrees(struct mparse *p, int left)
{
	int unit;

	if (p->tok.t != MT_SYM || !(span_is(p->tok.s, "C") || span_is(p->tok.s, "F")))
		return mn_one(p->a, MK_DEG, left);
	unit = mp_text(p, MK_TEXT, p->tok.s);
	mp_advance(p);
	return mn_two(p->a, MK_UNIT, left, unit);
}

static bool degree_sign(struct mparse *p)
{
	struct mparse before = *p;
	bool braces = mp_at(p, '{');

	if (braces)
		mp_advance(p);
	if (p->tok.t == MT_DEGREE) {
		mp_advance(p);
		if (braces && mp_at(p, '}'))
			mp_advance(p);
		return true;
	}
	*p = before;
	return false;
}

static int exponent(struct mparse *p)
{
	bool minus = mp_at(p, '-');
	int x;

	if (minus || mp_at(p, '+'))
		mp_advance(p);
	if (p->tok.t == MT_NUM) {
		x = mn_new(p->a, MK_NUM);
		mp_node(p, x)->num = p->tok.num;
		mp_advance(p);
	} else {
		x = mp_argument(p);
	}
	if (mp_at(p, '^') && p->depth < MP_DEPTH) {
		p->depth++;
		mp_advance(p);
		x = mn_two(p->a, MK_POW, x, exponent(p));
		p->depth--;
	}
	return minus ? mn_one(p->a, MK_NEG, x) : x;
}

static int power(struct mparse *p, int left)
{
	int x;

	if (degree_sign(p))
		return degrees(p, left);
	if (mp_at(p, '\'')) {
		mp_advance(p);
		x = mp_text(p, MK_CALL, (struct span){"'", 1});
		return mn_add(p->a, x, left);
	}
	x = exponent(p);
	if (mp_node(p, x)->kind == MK_TEXT) /* 5^{th} */
		return mn_two(p->a, MK_UNIT, left, x);
	return mn_two(p->a, MK_POW, left, x);
}

static int call(struct mparse *p, const char *name, size_t n, int left, int right)
{
	int x = mp_text(p, MK_CALL, (struct span){name, n});

	return mn_add(p->a, mn_add(p->a, x, left), right);
}

/* The number that words in a base say: 204_{\text{five}} */
static int in_figures(struct mparse *p, int x)
{
	static const char *const word[] = {"two",   "three", "four", "five",   "six",   "seven",
					   "eight", "nine",  "ten",  "eleven", "twelve"};

	for (int i = 0; i < (int)(sizeof word / sizeof *word); i++)
		if (mp_node(p, x)->kind == MK_TEXT && span_is(mp_node(p, x)->text, word[i]))
			return mn_whole(p->a, i + 2);
	return x;
}

static int money(struct mparse *p, int left)
{
	int unit = mp_text(p, MK_TEXT, p->tok.s);

	mp_advance(p);
	return mn_two(p->a, MK_UNIT, left, unit);
}

/* How strongly the next token binds as an operator between what is and what comes; 0: it does not
 */
static int strength_of_character(const struct mparse *p)
{
	switch (p->tok.op) {
	case ',':
		return BIND_COMMA;
	case ';':
		return BIND_SEMICOLON;
	case ':':
		return p->in_set ? BIND_SUCH : BIND_RATIO;
	case '|':
		return p->in_set && !p->in_bars ? BIND_SUCH : p->in_bars ? 0 : BIND_PRODUCT;
	case '+':
	case '-':
		return BIND_SUM;
	case '*':
	case '/':
		return BIND_PRODUCT;
	case '^':
	case '!':
	case '\'':
		return BIND_POWER;
	case '_':
		return BIND_INDEX;
	default:
		return mp_begins_factor(p) ? BIND_PRODUCT : 0;
	}
}

static int strength(const struct mparse *p)
{
	switch (p->tok.t) {
	case MT_OP:
		return strength_of_character(p);
	case MT_JOIN:
		return BIND_COMMA;
	case MT_REL:
		return BIND_REL;
	case MT_UNION:
	case MT_LESS:
		return BIND_UNION;
	case MT_PM:
	case MT_MOD:
		return BIND_SUM;
	case MT_OVER:
	case MT_CHOOSE:
		return BIND_OVER;
	case MT_PERCENT:
	case MT_DEGREE:
		return BIND_POWER;
	case MT_MONEY:
		return BIND_PRODUCT;
	default:
		return mp_begins_factor(p) ? BIND_PRODUCT : 0;
	}
}

static int apply_character(struct mparse *p, int left, int op)
{
	switch (op) {
	case ',':
	case ';':
		return list(p, left, op);
	case ':':
		return p->in_set ? mn_two(p->a, MK_SUCH, left, mp_expr(p, BIND_SUCH))
				 : join(p, MK_RATIO, left, mp_expr(p, BIND_RATIO));
	case '|':
		return mn_two(p->a, MK_SUCH, left, mp_expr(p, BIND_SUCH));
	case '+':
	case '-':
		return sum(p, left, op == '-');
	case '*':
		return mp_product(p, left, mp_expr(p, BIND_PRODUCT));
	case '/':
		return quotient(p, left, mp_expr(p, BIND_PRODUCT));
	case '^':
		return power(p, left);
	case '!':
		return mn_one(p->a, MK_FACT, left);
	case '\'':
		return mn_add(p->a, mp_text(p, MK_CALL, (struct span){"'", 1}), left);
	default: /* _ */
		return call(p, "_", 1, left, in_figures(p, mp_argument(p)));
	}
}

/* Two factors without a sign between them. "5 feet 3" is no product. */
static int beside(struct mparse *p, int left, int right)
{
	const struct mnode *unit = mp_node(p, mp_node(p, left)->last);

	if (open_kind(p, left, MK_UNIT) && unit->kind == MK_TEXT && text_letter(*unit->text.p) &&
	    !unit_like(p, right))
		return 0;
	return mp_product(p, left, right);
}

/* The operator that the next token is, applied to left */
static int apply(struct mparse *p, int left)
{
	struct mtok t = p->tok;

	if (strength(p) == BIND_PRODUCT && mp_begins_factor(p))
		return beside(p, left, mp_expr(p, BIND_PRODUCT));
	if (t.t == MT_MONEY)
		return money(p, left);
	mp_advance(p);
	switch (t.t) {
	case MT_OP:
		return apply_character(p, left, t.op);
	case MT_JOIN:
		return list(p, left, t.op);
	case MT_REL:
		return relation(p, left, &t);
	case MT_UNION:
		return join(p, MK_UNION, left, mp_expr(p, BIND_UNION));
	case MT_LESS:
		return mn_two(p->a, MK_LESS, left, mp_expr(p, BIND_UNION));
	case MT_PM:
		return plus_minus(p, left, t.op);
	case MT_MOD:
		return call(p, "mod", 3, left, mp_expr(p, BIND_PRODUCT));
	case MT_OVER:
		return mn_two(p->a, MK_DIV, left, mp_expr(p, BIND_OVER));
	case MT_CHOOSE:
		return mn_two(p->a, MK_BINOM, left, mp_expr(p, BIND_OVER));
	case MT_PERCENT:
		return mn_one(p->a, MK_PERCENT, left);
	default: /* MT_DEGREE */
		return degrees(p, left);
	}
}

static int signed_operand(struct mparse *p)
{
	bool minus = mp_at(p, '-');

	if (p->tok.t == MT_PM) {
		int op = p->tok.op;

		mp_advance(p);
		return plus_minus(p, 0, op);
	}
	if (!minus && !mp_at(p, '+'))
		return mp_operand(p);
	mp_advance(p);
	return minus ? mn_one(p->a, MK_NEG, mp_expr(p, BIND_SUM)) : mp_expr(p, BIND_SUM);
}

int mp_expr(struct mparse *p, int min)
{
	int left;

	if (++p->depth > MP_DEPTH)
		p->a->full = true;
	left = p->a->full ? 0 : signed_operand(p);
	while (left && !p->a->full && strength(p) > min)
		left = apply(p, left);
	p->depth--;
	return p->a->full ? 0 : left;
}

int math_parse(struct marena *a, struct span text, enum math_comma comma)
{
	struct mparse p = {.a = a};
	int x;

	if (text.n > MAX_TEXT)
		return 0;
	ml_init(&p.lex, text, comma);
	mp_advance(&p);
	while (p.tok.t == MT_JOIN ||
	       (p.tok.t == MT_REL && (p.tok.op == MR_EQ || p.tok.op == MR_APPROX)))
		mp_advance(&p); /* = 5 */
	x = mp_expr(&p, BIND_NOTHING);
	return p.tok.t == MT_END ? x : 0;
}
