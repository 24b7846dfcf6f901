/* unit.c - the units of values. See unit.h. */
#include "math/unit.h"
#include "math/words.h"

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

struct unit {
	const char *name; /* NULL: none, or an unknown one */
	int power;
};

static struct unit unit_of(const struct mjudge *j, int x)
{
	struct unit u = {NULL, 1};
	const struct mnode *n = node(j, x);

	if (n->kind == MK_DEG)
		u.name = mw_unit((struct span){"degree", 6});
	if (n->kind != MK_UNIT)
		return u;
	n = node(j, n->last);
	if (n->kind == MK_POW && node(j, n->last)->kind == MK_NUM) {
		u.power = (int)(node(j, n->last)->num.whole & 15);
		n = node(j, n->first);
	}
	u.name = n->kind == MK_TEXT ? mw_unit(n->text) : NULL;
	return u;
}

bool mu_agree(const struct mjudge *j, int a, int b)
{
	struct unit x = unit_of(j, a), y = unit_of(j, b);

	return !x.name || !y.name || (x.name == y.name && x.power == y.power);
}

struct mitem mu_bare(const struct mjudge *j, struct mitem x)
{
	while (node(j, x.node)->kind == MK_UNIT || node(j, x.node)->kind == MK_DEG ||
	       ((node(j, x.node)->kind == MK_LIST || node(j, x.node)->kind == MK_TUPLE) &&
		node(j, x.node)->n == 1))
		x.node = node(j, x.node)->first;
	return x;
}
