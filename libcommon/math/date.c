/* date.c - operands that are dates, which are no quotients or differences. See grammar.h.
 */
#include "math/grammar.h"

enum { MONTHS = 12, DAYS = 31 };

static bool small(const struct mnode *n)
{
	return n->text.n <= 2 && n->num.whole >= 1 && n->num.whole <= DAYS;
}

static bool two_digits(const struct mnode *n)
{
	return n->text.n == 2;
}

static bool year(const struct mnode *n)
{
	return n->text.n == 4 && *n->text.p != '0' && n->num.whole >= 1000;
}

/* A month and a day, whichever comes first */
static bool month_day(const struct mnode *a, const struct mnode *b)
{
	return small(a) && small(b) && (a->num.whole <= MONTHS || b->num.whole <= MONTHS);
}

/* 1/2/2024, 2024/1/2, 01/02/24 */
static bool with_slashes(const struct mnode *a, const struct mnode *b, const struct mnode *c)
{
	if (month_day(a, b))
		return year(c) || (two_digits(a) && two_digits(b) && two_digits(c) &&
				   (*a->text.p == '0' || *b->text.p == '0'));
	return year(a) && month_day(b, c);
}

static bool adjoin(const struct mnode *a, const struct mnode *b)
{
	return b->text.p == a->text.p + a->text.n + 1;
}

/* 2024-01-02, 01-02-2024: other lengths, or spaces, and it may be a difference. */
static bool with_dashes(const struct mnode *a, const struct mnode *b, const struct mnode *c)
{
	if (!adjoin(a, b) || !adjoin(b, c) || !two_digits(b))
		return false;
	return (year(a) && month_day(b, c) && two_digits(c)) ||
	       (year(c) && month_day(a, b) && two_digits(a));
}

int mp_date(struct mparse *p, int left, int right, char sign)
{
	enum mkind kind = sign == '/' ? MK_DIV : MK_ADD;
	const struct mnode *l = mp_node(p, left);
	int a = l->first, b = l->last, x;

	if (l->kind != kind || l->n != 2 || l->flags & MX_PAREN)
		return 0;
	if (sign == '-' && mp_node(p, b)->kind == MK_NEG)
		b = mp_node(p, b)->first;
	else if (sign == '-')
		return 0;
	if (!mp_whole(p, a) || !mp_whole(p, b) || !mp_whole(p, right) || !mp_node(p, a)->text.n ||
	    !(sign == '/' ? with_slashes : with_dashes)(mp_node(p, a), mp_node(p, b),
							mp_node(p, right)))
		return 0;
	x = mp_text(p, MK_CALL, (struct span){"date", 4});
	x = mn_add(p->a, x, mn_again(p->a, a));
	x = mn_add(p->a, x, mn_again(p->a, b));
	return mn_add(p->a, x, right);
}
