/* node.c - expressions as trees in an arena. See node.h. */
#include "math/node.h"

#include <assert.h>
#include <string.h>

void node_init(struct arena *a)
{
	a->n = 1;
	a->full = false;
	memset(&a->v[0], 0, sizeof a->v[0]);
}

int node_new(struct arena *a, enum node_kind kind)
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

int node_whole(struct arena *a, int64_t v)
{
	int node = node_new(a, NODE_NUM);
	struct numeral *x = &a->v[node].num;
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;

	if (!node)
		return 0;
	for (int k = 0; k < MODULAR_PRIMES; k++)
		x->mod[k] = v < 0 ? modular_neg(modular_of(size, k), k) : modular_of(size, k);
	x->real = (long double)v;
	x->whole = v;
	x->is_whole = true;
	return node;
}

/* What a node passes on of what is in its children */
static unsigned inherited(const struct node *node, const struct node *kid)
{
	unsigned flags = kid->flags & ~(unsigned)HAS_PAREN;

	if (node->kind == NODE_CALL || node->kind == NODE_UNIT)
		flags &= ~(unsigned)HAS_TEXT; /* x_{max}, 5 cm */
	return flags;
}

int node_add(struct arena *a, int node, int kid)
{
	struct node *x = &a->v[node], *k = &a->v[kid];

	assert(node >= 0 && node < a->n && kid >= 0 && kid < a->n);
	assert(!node || kid != node);
	assert(!kid || !k->next);
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

int node_one(struct arena *a, enum node_kind kind, int x)
{
	return node_add(a, node_new(a, kind), x);
}

int node_two(struct arena *a, enum node_kind kind, int x, int y)
{
	return node_add(a, node_one(a, kind, x), y);
}

int node_again(struct arena *a, int x)
{
	int node = x ? node_new(a, NODE_BAD) : 0;

	assert(x >= 0 && x < a->n);
	if (!node)
		return 0;
	a->v[node] = a->v[x];
	a->v[node].next = 0;
	a->v[node].rel = REL_NONE;
	return node;
}

int node_kid(const struct arena *a, int node, int i)
{
	int k = a->v[node].first;

	while (k && i-- > 0)
		k = a->v[k].next;
	return k;
}
