/* mathlexsign.c - tokens that are no ASCII. See mathlexer.h. */
#include "verify/mathlexer.h"

#include <string.h>

static const struct {
	const char *text;
	uint8_t t, op;
	const char *name; /* of a symbol */
} signs[] = {
	{"\xc2\xb0", MT_DEGREE, 0, NULL},          /* ° */
	{"\xc2\xb1", MT_PM, 0, NULL},              /* ± */
	{"\xe2\x88\x93", MT_PM, 1, NULL},          /* ∓ */
	{"\xc2\xb7", MT_OP, '*', NULL},            /* · */
	{"\xe2\x8b\x85", MT_OP, '*', NULL},        /* ⋅ */
	{"\xc3\x97", MT_OP, '*', NULL},            /* × */
	{"\xc3\xb7", MT_OP, '/', NULL},            /* ÷ */
	{"\xe2\x81\x84", MT_OP, '/', NULL},        /* ⁄ */
	{"\xe2\x88\x92", MT_OP, '-', NULL},        /* − */
	{"\xe2\x80\x93", MT_OP, '-', NULL},        /* – */
	{"\xe2\x88\x9a", MT_SQRT, 0, NULL},        /* √ */
	{"\xe2\x88\x9e", MT_CONST, 'o', NULL},     /* ∞ */
	{"\xcf\x80", MT_CONST, 'p', NULL},         /* π */
	{"\xe2\x89\xa4", MT_REL, MR_LE, NULL},     /* ≤ */
	{"\xe2\x89\xa5", MT_REL, MR_GE, NULL},     /* ≥ */
	{"\xe2\x89\xa0", MT_REL, MR_NE, NULL},     /* ≠ */
	{"\xe2\x89\x88", MT_REL, MR_APPROX, NULL}, /* ≈ */
	{"\xe2\x88\x88", MT_REL, MR_IN, NULL},     /* ∈ */
	{"\xe2\x88\xaa", MT_UNION, 0, NULL},       /* ∪ */
	{"\xe2\x88\x96", MT_LESS, 0, NULL},        /* ∖ */
	{"\xe2\x84\x9d", MT_NUMBERS, 'R', NULL},   /* ℝ */
	{"\xe2\x84\xa4", MT_NUMBERS, 'Z', NULL},   /* ℤ */
	{"\xe2\x88\x85", MT_EMPTY, 0, NULL},       /* ∅ */
	{"\xe2\x80\xa6", MT_DOTS, 0, NULL},        /* … */
	{"\xe2\x80\xb2", MT_OP, '\'', NULL},       /* ′ */
	{"\xe2\x9f\xa8", MT_ANGLE, 0, NULL},       /* ⟨ */
	{"\xe2\x9f\xa9", MT_ENDANGLE, 0, NULL},    /* ⟩ */
	{"\xc2\xa0", MT_SKIP, 0, NULL},
	{"\xe2\x80\x89", MT_SKIP, 0, NULL},
	{"\xe2\x80\xaf", MT_SKIP, 0, NULL},
	{"\xe2\x82\xac", MT_MONEY, 0, NULL}, /* € */
	{"\xc2\xa3", MT_MONEY, 0, NULL},     /* £ */
	{"\xce\xb1", MT_SYM, 0, "alpha"},
	{"\xce\xb2", MT_SYM, 0, "beta"},
	{"\xce\xb3", MT_SYM, 0, "gamma"},
	{"\xce\xb4", MT_SYM, 0, "delta"},
	{"\xce\xb5", MT_SYM, 0, "epsilon"},
	{"\xce\xb8", MT_SYM, 0, "theta"},
	{"\xce\xbb", MT_SYM, 0, "lambda"},
	{"\xce\xbc", MT_SYM, 0, "mu"},
	{"\xcf\x81", MT_SYM, 0, "rho"},
	{"\xcf\x83", MT_SYM, 0, "sigma"},
	{"\xcf\x86", MT_SYM, 0, "phi"},
	{"\xcf\x89", MT_SYM, 0, "omega"},
};

static void raised(struct mtok *t, int d)
{
	ml_give(t, MT_NUM, 0);
	t->raised = true;
	t->num = (struct mnumber){.real = d, .whole = d, .is_whole = true};
	for (int k = 0; k < MOD_PRIMES; k++)
		t->num.mod[k] = (uint64_t)d;
}

/* ² and the like: the digit, else -1 */
static int raised_digit(const struct mlex *l, size_t *n)
{
	unsigned char a = (unsigned char)ml_ahead(l, 0), b = (unsigned char)ml_ahead(l, 1),
		      c = (unsigned char)ml_ahead(l, 2);

	*n = 2;
	if (a == 0xc2 && (b == 0xb2 || b == 0xb3))
		return b - 0xb0;
	if (a == 0xc2 && b == 0xb9)
		return 1;
	*n = 3;
	return a == 0xe2 && b == 0x81 && (c == 0xb0 || (c >= 0xb4 && c <= 0xb9)) ? c - 0xb0 : -1;
}

void ml_sign(struct mlex *l, struct mtok *t)
{
	size_t n;
	int d = raised_digit(l, &n);

	if (d >= 0) {
		l->p += n;
		raised(t, d);
		return;
	}
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		n = strlen(signs[i].text);
		if (ml_left(l) < n || memcmp(l->p, signs[i].text, n) != 0)
			continue;
		t->s = signs[i].name ? (struct span){signs[i].name, strlen(signs[i].name)}
				     : (struct span){l->p, n};
		l->p += n;
		ml_give(t, signs[i].t, signs[i].op);
		return;
	}
	for (n = 1; (ml_ahead(l, n) & 0xC0) == 0x80 && n < 4;)
		n++;
	t->s = (struct span){l->p, n};
	l->p += n;
	ml_give(t, MT_SYM, 0);
}
