/* ggufplace.c - weights and their places. See ggufplace.h. */
#include "policy/ggufplace.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weights of a layer that are no parts: of linear attention, which have an order, and xIELU's,
 * which stand among the keys */
static const struct {
	const char *weight, *name;
	bool key, decays, ordered;
} others[] = {
	{"linear_attn.A_log", "ssm_a", .decays = true, .ordered = true},
	{"linear_attn.dt_bias", "ssm_dt.bias", .ordered = true},
	{"linear_attn.norm.weight", "ssm_norm.weight", .key = false},
	{"mlp.act_fn.alpha_p", "xielu.alpha_p", .key = true},
	{"mlp.act_fn.alpha_n", "xielu.alpha_n", .key = true},
	{"mlp.act_fn.beta", "xielu.beta", .key = true},
	{"mlp.act_fn.eps", "xielu.eps", .key = true},
};

/* Heads of values of linear attention: a folder has those of one head of keys together, a GGUF the
 * first of each head of keys, then the second of each ... */
static struct gguf_order value_heads(const struct config *c, int64_t first, int64_t inner)
{
	int64_t k = c->linear_k_heads;

	return (struct gguf_order){.first = (size_t)first,
				   .a = (size_t)k,
				   .b = (size_t)(c->linear_v_heads / k),
				   .inner = (size_t)inner};
}

static struct gguf_order order_of(const struct gguf_arch *a, const struct config *c,
				  enum layer_part p)
{
	struct gguf_order o = {0};

	switch (p) {
	case PART_Q:
	case PART_K:
		if (a->permuted)
			o = (struct gguf_order){.a = 2, .b = (size_t)c->head_dim / 2, .inner = 1};
		break;
	case PART_DELTA_QKV:
	case PART_DELTA_CONV:
		o = value_heads(c, 2 * c->linear_k_heads * c->linear_k_dim, c->linear_v_dim);
		break;
	case PART_DELTA_Z:
	case PART_DELTA_OUT:
		o = value_heads(c, 0, c->linear_v_dim);
		o.columns = p == PART_DELTA_OUT;
		break;
	case PART_DELTA_A:
	case PART_DELTA_B:
		o = value_heads(c, 0, 1);
		break;
	default:
		break;
	}
	return o;
}

static bool is_norm(enum layer_part p)
{
	return p <= PART_NORM2_OUT || p == PART_Q_NORM || p == PART_K_NORM;
}

static bool is_kind(const char *end)
{
	return strcmp(end, ".weight") == 0 || strcmp(end, ".bias") == 0;
}

/* A norm of queries or keys that has weights of its own for each head: ".3.weight" */
static bool is_row(const struct gguf_arch *a, enum layer_part p, const char *end, size_t *row)
{
	size_t n = *end == '.' ? strspn(end + 1, "0123456789") : 0;

	if (family_row(a->family)->qk_norm != QK_LAYERNORM ||
	    (p != PART_Q_NORM && p != PART_K_NORM))
		return false;
	*row = n && n < 6 ? (size_t)strtoul(end + 1, NULL, 10) : 0;
	return n && n < 6 && strcmp(end + 1 + n, ".weight") == 0;
}

/* layer: "blk.3." */
static bool place_part(const struct gguf_arch *a, const struct config *c, const char *layer,
		       const char *name, enum layer_part part, struct gguf_place *p)
{
	const char *word = family_part(a->family, part), *end;
	size_t n = word ? strlen(word) : 0;

	if (!n || strncmp(name, word, n) != 0)
		return false;
	end = name + n;
	if (is_row(a, part, end, &p->at)) {
		p->rows = (size_t)(part == PART_Q_NORM ? c->heads : c->kv_heads);
		end = ".weight";
	} else if (!is_kind(end)) {
		return false;
	}
	p->plus = is_norm(part) && strcmp(end, ".weight") == 0 ? family_row(a->family)->one : 0;
	p->order = order_of(a, c, part);
	snprintf(p->name, sizeof p->name, "%s%s%s", layer, gguf_arch_part(a, part), end);
	return true;
}

static bool place_other(const struct config *c, const char *layer, const char *name,
			struct gguf_place *p)
{
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (strcmp(name, others[i].weight) != 0)
			continue;
		p->key = others[i].key;
		p->decays = others[i].decays;
		if (others[i].ordered)
			p->order = value_heads(c, 0, 1);
		snprintf(p->name, sizeof p->name, "%s%s", p->key ? "" : layer, others[i].name);
		return true;
	}
	return false;
}

/* "model.layers.N.": N's digits; NULL: it does not begin so. */
static const char *take_layer(const char *name, int *digits)
{
	static const char prefix[] = "model.layers.";
	size_t len = strlen(prefix);
	const char *n = name + len;

	if (strncmp(name, prefix, len) != 0)
		return NULL;
	*digits = (int)strspn(n, "0123456789");
	if (!*digits || *digits > 6 || (*digits > 1 && *n == '0') || n[*digits] != '.')
		return NULL;
	return n;
}

static bool place_whole(const struct gguf_arch *a, const char *name, struct gguf_place *p)
{
	const char *norm = family_row(a->family)->last_norm;
	const char *const whole[][2] = {
		{"model.embed_tokens", "token_embd"},
		{norm ? norm : "model.norm", a->last_norm ? a->last_norm : "output_norm"},
		{"lm_head", "output"}};

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(whole[i][0]);

		if (strncmp(name, whole[i][0], n) != 0 || !is_kind(name + n))
			continue;
		p->plus =
			i == 1 && strcmp(name + n, ".weight") == 0 ? family_row(a->family)->one : 0;
		snprintf(p->name, sizeof p->name, "%s%s", whole[i][1], name + n);
		return true;
	}
	return false;
}

bool gguf_place_find(const struct gguf_arch *a, const struct config *c, const char *weight,
		     struct gguf_place *p)
{
	int digits = 0;
	const char *n = take_layer(weight, &digits), *name;
	char layer[16];

	*p = (struct gguf_place){0};
	if (!n)
		return place_whole(a, weight, p);
	name = n + digits + 1;
	snprintf(layer, sizeof layer, "blk.%.*s.", digits, n);
	for (int i = 0; i < PARTS; i++)
		if (place_part(a, c, layer, name, (enum layer_part)i, p))
			return true;
	if (!place_other(c, layer, name, p))
		return false;
	p->at = p->key ? (size_t)strtoul(n, NULL, 10) : 0;
	return true;
}

/* Where a row goes when (a, b) become (b, a) */
static size_t moved(const struct gguf_order *o, size_t a, size_t b, size_t row)
{
	size_t x, j, i;

	if (!o->a || row < o->first)
		return row;
	row -= o->first;
	x = row % o->inner;
	row /= o->inner;
	j = row % b;
	row /= b;
	i = row % a;
	row /= a;
	return o->first + ((row * b + j) * a + i) * o->inner + x;
}

size_t gguf_place_there(const struct gguf_order *o, size_t row)
{
	return o->columns ? row : moved(o, o->a, o->b, row);
}

size_t gguf_place_here(const struct gguf_order *o, size_t row)
{
	return o->columns ? row : moved(o, o->b, o->a, row);
}

/* a, b: as moved has them */
static void move_columns(const struct gguf_order *o, size_t a, size_t b, float *v, size_t rows,
			 size_t columns)
{
	float *was;

	if (!o->columns || !o->a)
		return;
	was = xarray(columns, sizeof *was);
	for (; rows; rows--, v += columns) {
		memcpy(was, v, columns * sizeof *v);
		for (size_t i = 0; i < columns; i++)
			v[moved(o, a, b, i)] = was[i];
	}
	free(was);
}

void gguf_place_send(const struct gguf_place *p, float *v, size_t rows, size_t columns)
{
	move_columns(&p->order, p->order.a, p->order.b, v, rows, columns);
	for (size_t i = 0; i < rows * columns && p->plus != 0; i++)
		v[i] += p->plus;
	for (size_t i = 0; i < rows * columns && p->decays; i++)
		v[i] = (float)-exp((double)v[i]);
}

void gguf_place_fetch(const struct gguf_place *p, float *v, size_t rows, size_t columns)
{
	move_columns(&p->order, p->order.b, p->order.a, v, rows, columns);
	for (size_t i = 0; i < rows * columns && p->plus != 0; i++)
		v[i] -= p->plus;
	for (size_t i = 0; i < rows * columns && p->decays; i++)
		v[i] = (float)log(-(double)v[i]);
}
