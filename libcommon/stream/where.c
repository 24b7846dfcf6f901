/* where.c - conditions on any key of a record. See where.h. */
#include "stream/where.h"
#include "base/mem.h"
#include "base/num.h"
#include "stream/trajscan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longest first, so that "<=" is not taken for "<". */
static const struct {
	const char *text;
	enum where_op op;
} ops[] = {{"==", WHERE_EQ}, {"!=", WHERE_NE}, {"<=", WHERE_LE}, {">=", WHERE_GE},
	   {"=", WHERE_EQ},  {"<", WHERE_LT},  {">", WHERE_GT},  {"~", WHERE_RE}};

/* The part of [p, end) between leading and trailing blanks, as a string of its own */
static char *trimmed(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return xstrndup(p, (size_t)(end - p));
}

static int compile(struct where *w, const char *condition, struct reason *why)
{
	int err = regcomp(&w->re, w->text, REG_EXTENDED);
	char text[200];

	if (!err)
		return 0;
	if (err == REG_ESPACE)
		no_memory(strlen(w->text));
	regerror(err, &w->re, text, sizeof text);
	return fail(why, ST_USAGE, "'%s': %s", condition, text);
}

int where_parse(struct where *w, const char *condition, struct reason *why)
{
	const char *end = condition + strlen(condition),
		   *at = condition + strcspn(condition, "=!<>~");
	size_t len = 0;
	int st = 0;

	*w = (struct where){.key = trimmed(condition, at), .op = WHERE_THERE};
	for (size_t i = 0; at < end && !len && i < sizeof ops / sizeof ops[0]; i++)
		if (strncmp(at, ops[i].text, strlen(ops[i].text)) == 0) {
			len = strlen(ops[i].text);
			w->op = ops[i].op;
		}
	w->text = trimmed(at + len, end);
	if (at < end && !len)
		st = fail(why, ST_USAGE, "'%s': no such operator, only = != < <= > >= ~",
			  condition);
	else if (!*w->key)
		st = fail(why, ST_USAGE, "'%s': a key is missing", condition);
	else if (w->op >= WHERE_LT && !*w->text) /* '=' and '!=' may be about empty text */
		st = fail(why, ST_USAGE, "'%s': a value is missing", condition);
	else if (w->op == WHERE_RE)
		st = compile(w, condition, why);
	if (st) {
		free(w->key);
		free(w->text);
		return st;
	}
	w->is_num = num_f64(w->text, -INFINITY, INFINITY, &w->num);
	w->is_int = num_i64(w->text, INT64_MIN, INT64_MAX, &w->whole);
	return 0;
}

static bool holds(enum where_op op, int order)
{
	switch (op) {
	case WHERE_EQ:
		return order == 0;
	case WHERE_NE:
		return order != 0;
	case WHERE_LT:
		return order < 0;
	case WHERE_LE:
		return order <= 0;
	case WHERE_GT:
		return order > 0;
	default: /* WHERE_GE: the others have no order */
		return order >= 0;
	}
}

static int order_of_text(struct span a, const char *b)
{
	size_t nb = strlen(b), n = a.n < nb ? a.n : nb;
	int d = n ? memcmp(a.p, b, n) : 0;

	return d ? d : (a.n > nb) - (a.n < nb);
}

/* The text in scratch ends where it ends, not at its first NUL. */
static bool matches(struct where *w)
{
	regmatch_t m = {0, (regoff_t)w->scratch.n};
	int r;

	assert(w->op == WHERE_RE);
	r = regexec(&w->re, buf_cstr(&w->scratch), 1, &m, REG_STARTEND);
	if (r == REG_ESPACE)
		no_memory(w->scratch.n);
	return r == 0;
}

bool where_holds(struct where *w, struct mp map)
{
	struct mp v = trajscan_path(map, w->key);
	int64_t i = 0;
	double f = 0;

	assert(*w->key && mp_type(map) == MP_MAP);
	if (!v.p || w->op == WHERE_THERE)
		return v.p ? w->op == WHERE_THERE : w->op == WHERE_NE;
	if (w->op != WHERE_RE) {
		if (w->is_int && mp_i64(v, &i))
			return holds(w->op, (i > w->whole) - (i < w->whole));
		if (w->is_num && mp_f64(v, &f)) /* a NaN equals nothing and has no order */
			return f != f ? w->op == WHERE_NE
				      : holds(w->op, (f > w->num) - (f < w->num));
	}
	buf_reset(&w->scratch);
	if (!trajscan_text(&w->scratch, v))
		return w->op == WHERE_NE;
	if (w->op == WHERE_RE)
		return matches(w);
	return holds(w->op, order_of_text((struct span){w->scratch.p, w->scratch.n}, w->text));
}

void where_free(struct where *w)
{
	if (w->op == WHERE_RE)
		regfree(&w->re);
	free(w->key);
	free(w->text);
	buf_free(&w->scratch);
}
