/* unit.c - the units of values. See unit.h. */
#include "math/unit.h"
#include "math/words.h"

struct unit {
	const char *name; /* NULL: none, or an unknown one */
	int power;
};

static struct unit unit_of(const struct judgement *j, int x)
{
	struct unit u = {NULL, 1};
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_DEG)
		u.name = word_unit((struct span){"degree", 6});
	if (n->kind != NODE_UNIT)
		return u;
	n = value_node(j, n->last);
	if (n->kind == NODE_POW && value_node(j, n->last)->kind == NODE_NUM) {
		u.power = (int)(value_node(j, n->last)->num.whole & 15);
		n = value_node(j, n->first);
	}
	u.name = n->kind == NODE_TEXT ? word_unit(n->text) : NULL;
	return u;
}

bool unit_agree(const struct judgement *j, int a, int b)
{
	struct unit x = unit_of(j, a), y = unit_of(j, b);

	return !x.name || !y.name || (x.name == y.name && x.power == y.power);
}

struct value unit_bare(const struct judgement *j, struct value x)
{
	while (value_node(j, x.node)->kind == NODE_UNIT ||
	       value_node(j, x.node)->kind == NODE_DEG ||
	       ((value_node(j, x.node)->kind == NODE_LIST ||
		 value_node(j, x.node)->kind == NODE_TUPLE) &&
		value_node(j, x.node)->n == 1))
		x.node = value_node(j, x.node)->first;
	return x;
}
