/* where.c - conditions on any key of a record. See where.h. */
#include "stream/where.h"
#include "base/mem.h"
#include "base/num.h"
#include "stream/trajscan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char signs[] = "=!<>~";
static const struct {
	const char *text;
	enum where_op op;
} ops[] = {{"==", WHERE_EQ}, {"!=", WHERE_NE}, {"<=", WHERE_LE}, {">=", WHERE_GE},
	   {"=", WHERE_EQ},  {"<", WHERE_LT},  {">", WHERE_GT},  {"~", WHERE_RE}};

/* The operator that the n signs at s are; WHERE_THERE: none. */
static enum where_op op_of(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (span_is((struct span){s, n}, ops[i].text))
			return ops[i].op;
	return WHERE_THERE;
}

static bool is_order(enum where_op op)
{
	return op >= WHERE_LT && op <= WHERE_GE;
}

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

/* What is wrong with a condition that was taken apart; NULL: nothing. */
static const char *wrong(const struct where *w, size_t signs_n)
{
	if (signs_n && w->op == WHERE_THERE)
		return "no such operator, only = != < <= > >= ~ (a blank sets a value that begins "
		       "with one of these signs apart)";
	if (!*w->key)
		return "a key is missing";
	if (w->op >= WHERE_LT && !*w->text) /* '=' and '!=' may be about empty text */
		return "a value is missing";
	return is_order(w->op) && !w->is_num ? "< <= > and >= compare numbers" : NULL;
}

int where_parse(struct where *w, const char *condition, struct reason *why)
{
	const char *at = condition + strcspn(condition, signs), *what;
	size_t n = strspn(at, signs);
	int st = 0;

	*w = (struct where){.key = trimmed(condition, at), .op = op_of(at, n)};
	w->text = trimmed(at + n, at + strlen(at));
	w->is_num = num_f64(w->text, -INFINITY, INFINITY, &w->num);
	w->is_int = num_i64(w->text, INT64_MIN, INT64_MAX, &w->whole);
	what = wrong(w, n);
	if (what)
		st = fail(why, ST_USAGE, "'%s': %s", condition, what);
	else if (w->op == WHERE_RE)
		st = compile(w, condition, why);
	if (st) {
		free(w->key);
		free(w->text);
	}
	return st;
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

/* A number, or for < <= > >= text that reads as one; whole: it is one without a fraction, in *i. */
static bool number(struct where *w, struct mp v, int64_t *i, bool *whole, double *f)
{
	struct span s;

	*whole = mp_i64(v, i);
	if (*whole || mp_f64(v, f))
		return *whole ? mp_f64(v, f) : true;
	if (!is_order(w->op) || !mp_str(v, &s) || memchr(s.p, '\0', s.n))
		return false;
	buf_reset(&w->scratch);
	buf_add(&w->scratch, s.p, s.n);
	*whole = num_i64(buf_cstr(&w->scratch), INT64_MIN, INT64_MAX, i);
	return num_f64(buf_cstr(&w->scratch), -INFINITY, INFINITY, f);
}

/* Whether w holds between numbers, in *is; false: they are none. */
static bool by_number(struct where *w, struct mp v, bool *is)
{
	int64_t i = 0;
	bool whole;
	double f = 0;

	if (!w->is_num || w->op == WHERE_RE || !number(w, v, &i, &whole, &f))
		return false;
	if (whole && w->is_int)
		*is = holds(w->op, (i > w->whole) - (i < w->whole));
	else /* a NaN equals nothing and has no order */
		*is = f != f ? w->op == WHERE_NE : holds(w->op, (f > w->num) - (f < w->num));
	return true;
}

bool where_holds(struct where *w, struct mp map)
{
	struct mp v = trajscan_path(map, w->key);
	bool is;

	assert(*w->key && mp_type(map) == MP_MAP);
	w->seen |= v.p != NULL;
	if (!v.p || w->op == WHERE_THERE)
		return v.p ? w->op == WHERE_THERE : w->op == WHERE_NE;
	if (by_number(w, v, &is))
		return is;
	if (is_order(w->op))
		return false;
	buf_reset(&w->scratch);
	if (!trajscan_text(&w->scratch, v))
		return w->op == WHERE_NE;
	if (w->op == WHERE_RE)
		return matches(w);
	return span_eq((struct span){buf_cstr(&w->scratch), w->scratch.n},
		       (struct span){w->text, strlen(w->text)}) == (w->op == WHERE_EQ);
}

void where_free(struct where *w)
{
	if (w->op == WHERE_RE)
		regfree(&w->re);
	free(w->key);
	free(w->text);
	buf_free(&w->scratch);
}
