/* node.c - expressions as trees in an arena. See node.h. */
#include "math/node.h"

#include <string.h>

void mn_init(struct marena *a)
{
	a->n = 1;
	a->full = false;
	memset(&a->v[0], 0, sizeof a->v[0]);
}

int mn_new(struct marena *a, enum mkind kind)
{
	if (a->n == MATH_NODES) {
		a->full = true;
		return 0;
	}
	memset(&a->v[a->n], 0, sizeof a->v[0]);
	a->v[a->n].kind = (uint8_t)kind;
	a->v[a->n].depth = 1;
	return a->n++;
}

int mn_whole(struct marena *a, int64_t v)
{
	int node = mn_new(a, MK_NUM);
	struct mnumber *x = &a->v[node].num;
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;

	if (!node)
		return 0;
	for (int k = 0; k < MOD_PRIMES; k++)
		x->mod[k] = v < 0 ? mod_neg(mod_of(size, k), k) : mod_of(size, k);
	x->real = (long double)v;
	x->whole = v;
	x->is_whole = true;
	return node;
}

/* What a node passes on of what is in its children */
static unsigned inherited(const struct mnode *node, const struct mnode *kid)
{
	unsigned flags = kid->flags & ~(unsigned)MX_PAREN;

	if (node->kind == MK_CALL || node->kind == MK_UNIT)
		flags &= ~(unsigned)MX_TEXT; /* x_{max}, 5 cm */
	return flags;
}

int mn_add(struct marena *a, int node, int kid)
{
	struct mnode *x = &a->v[node], *k = &a->v[kid];

	if (!node || !kid)
		return 0;
	if (k->depth >= MATH_DEPTH) {
		a->full = true;
		return 0;
	}
	if (x->depth <= k->depth)
		x->depth = (uint8_t)(k->depth + 1);
	x->flags |= (uint8_t)inherited(x, k);
	if (x->last)
		a->v[x->last].next = (uint16_t)kid;
	else
		x->first = (uint16_t)kid;
	x->last = (uint16_t)kid;
	x->n++;
	return node;
}

int mn_one(struct marena *a, enum mkind kind, int x)
{
	return mn_add(a, mn_new(a, kind), x);
}

int mn_two(struct marena *a, enum mkind kind, int x, int y)
{
	return mn_add(a, mn_one(a, kind, x), y);
}

int mn_again(struct marena *a, int x)
{
	int node = x ? mn_new(a, MK_BAD) : 0;

	if (!node)
		return 0;
	a->v[node] = a->v[x];
	a->v[node].next = 0;
	a->v[node].rel = MR_NONE;
	return node;
}

int mn_kid(const struct marena *a, int node, int i)
{
	int k = a->v[node].first;

	while (k && i-- > 0)
		k = a->v[k].next;
	return k;
}
