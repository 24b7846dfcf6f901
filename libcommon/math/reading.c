/* reading.c - the ways to read two answers. See reading.h. */
#include "math/reading.h"
#include "base/mem.h"
#include "math/compare.h"
#include "math/env.h"
#include "math/fold.h"
#include "math/gist.h"
#include "math/parse.h"
#include "math/phrase.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 16384 };

/* One comparison */
struct reading {
	struct judgement j;
	struct gist right, got;
	const char *why; /* the first reason */
};

/* ---- letters with other names ---- */

static bool has_letter(const struct arena *a, int x, struct span name)
{
	if ((a->v[x].kind == NODE_SYM || a->v[x].kind == NODE_CONST) && span_eq(a->v[x].text, name))
		return true;
	for (int k = a->v[x].first; k; k = a->v[k].next)
		if (has_letter(a, k, name))
			return true;
	return false;
}

static void rename_letter(struct arena *a, int x, struct span from, struct span to)
{
	if (a->v[x].kind == NODE_SYM && span_eq(a->v[x].text, from))
		a->v[x].text = to;
	for (int k = a->v[x].first; k; k = a->v[k].next)
		rename_letter(a, k, from, to);
}

/* The letter from of the response is the right answer's to, unless one of them stands elsewhere. */
static void same_letter(struct reading *r, int right, int got, struct span from, struct span to)
{
	if (!span_eq(from, to) && !has_letter(r->j.a, got, to) && !has_letter(r->j.a, right, from))
		rename_letter(r->j.a, got, from, to);
}

static struct span bare_letter(struct span s)
{
	return s.n && *s.p == '\\' ? (struct span){s.p + 1, s.n - 1} : s;
}

/* The letters that g declares and the other side, tree x, does not have: how many */
static int own_letters(const struct reading *r, const struct gist *g, int x, struct span *own)
{
	int n = 0;

	for (int i = 0; i < g->letters; i++) {
		own[n] = bare_letter(g->letter[i]);
		n += !has_letter(r->j.a, x, own[n]);
	}
	return n;
}

/* Constants that both declare */
static void same_constants(struct reading *r, int right, int got)
{
	struct span a[GIST_LETTERS], b[GIST_LETTERS];
	int n = own_letters(r, &r->right, got, a);

	if (n != own_letters(r, &r->got, right, b))
		return;
	for (int i = 0; i < n; i++)
		same_letter(r, right, got, b[i], a[i]);
}

/* The function of letters that the equation x, or the first one in a list, defines: f(x) = ...; 0:
 * none */
static int function_of(const struct arena *a, int x)
{
	const struct node *n = &a->v[x], *f = &a->v[n->first];
	int at = n->first;

	if (n->kind == NODE_LIST || n->kind == NODE_SET)
		for (int k = n->first, g; k; k = a->v[k].next)
			if ((g = function_of(a, k)) != 0)
				return g;
	if (n->kind != NODE_REL || a->v[f->next].rel != REL_EQ)
		return 0;
	while (f->kind == NODE_CALL &&
	       (span_is(f->text, "'") || span_is(f->text, "inverse"))) { /* f'(x) */
		at = f->first;
		f = &a->v[at];
	}
	if (f->kind != NODE_CALL || f->text.n != 1 || span_is(f->text, "_"))
		return 0;
	for (int k = f->first; k; k = a->v[k].next)
		if (a->v[k].kind != NODE_SYM)
			return 0;
	return at;
}

static void same_arguments(struct reading *r, int right, int got)
{
	const struct arena *a = r->j.a;
	int x = function_of(a, right), y = function_of(a, got);

	if (!x || !y || a->v[x].n != a->v[y].n)
		return;
	for (x = a->v[x].first, y = a->v[y].first; x; x = a->v[x].next, y = a->v[y].next)
		same_letter(r, right, got, a->v[y].text, a->v[x].text);
}

/* ---- as expressions ---- */

/* Is there a limit, an integral, a sum without end or the like in x? */
static bool not_computed(struct reading *r, int x)
{
	const struct arena *a = r->j.a;
	struct env e = {.a = a, .sign = 1, .steps = &r->j.steps};
	int64_t from, to;

	if (a->v[x].kind == NODE_BIG && !env_range(&e, x, &from, &to))
		return true;
	for (int k = a->v[x].first; k; k = a->v[k].next)
		if (not_computed(r, k))
			return true;
	return false;
}

/* s, which was read as x, with units where no letters are meant; x where some are all the same */
static int as_measure(struct arena *a, struct span s, enum comma comma, int x)
{
	int y = parse_measure(a, s, comma);

	return y && !(a->v[y].flags & HAS_SYM) ? y : x;
}

/* Once, with commas between digits read so */
static bool same_as_read(struct reading *r, struct span right, enum comma how_right,
			 struct span got, enum comma how_got)
{
	struct judgement *j = &r->j;
	int x, y;

	node_init(j->a);
	j->depth = 0;
	j->why = "the same values";
	x = parse_answer(j->a, right, how_right);
	y = parse_answer(j->a, got, how_got);
	if (!x)
		return value_because(j, false,
				     "the right answer is no expression that is understood");
	if (!y)
		return value_because(j, false, "no expression that is understood");
	if (!(j->a->v[x].flags & HAS_SYM) && j->a->v[y].flags & HAS_SYM)
		y = as_measure(j->a, got, how_got, y);
	else if (!(j->a->v[y].flags & HAS_SYM) && j->a->v[x].flags & HAS_SYM)
		x = as_measure(j->a, right, how_right, x);
	same_constants(r, x, y);
	same_arguments(r, x, y);
	if (compare_trees(j, x, y))
		return !j->a->full;
	if (not_computed(r, x) || not_computed(r, y))
		j->why = "a limit, an integral or a series, which is not computed";
	return false;
}

static bool same_expressions(struct reading *r, struct span right, struct span got)
{
	int n = phrase_comma_readings(right), m = phrase_comma_readings(got);
	bool yes = false;

	if (!r->j.a)
		r->j.a = xmalloc(sizeof *r->j.a);
	for (int i = 0; i < n * m && !yes; i++) {
		yes = same_as_read(r, right, (enum comma)(i / m), got, (enum comma)(i % m));
		r->why = r->why ? r->why : r->j.why;
	}
	if (yes)
		r->why = r->j.why;
	return yes;
}

static bool same_text(struct reading *r, struct span right, struct span got)
{
	if (!phrase_same(right, got))
		return false;
	r->why = "the same text";
	return true;
}

/* ---- as words and formulas in turn ---- */

static bool same_word(struct span a, struct span b)
{
	a.n -= a.n > 3 && (a.p[a.n - 1] | 0x20) == 's';
	b.n -= b.n > 3 && (b.p[b.n - 1] | 0x20) == 's';
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static bool idle(const struct parts *p, int i)
{
	static const char *const article[] = {"a", "an", "the", NULL};
	struct span s = parts_at(p, i);

	if (p->v[i].word)
		return parts_in(p, i, article);
	for (size_t k = 0; k < s.n; k++)
		if (!strchr(" ,.;:$\n", s.p[k]))
			return false;
	return true;
}

static struct span trim(struct span s)
{
	while (s.n && strchr(" ,.;:$\n", *s.p))
		s = (struct span){s.p + 1, s.n - 1};
	while (s.n && strchr(" ,.;:$\n", s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool same_part(struct reading *r, const struct parts *p, int i, const struct parts *q, int k)
{
	struct span a = parts_at(p, i), b = parts_at(q, k);

	if (p->v[i].word != q->v[k].word)
		return false;
	if (p->v[i].word)
		return same_word(a, b);
	return phrase_same(trim(a), trim(b)) || same_expressions(r, trim(a), trim(b));
}

/* The same words, formulas of the same value between them */
static bool same_sequence(struct reading *r, struct span right, struct span got)
{
	struct parts p, q;
	const char *why = r->why;
	bool yes = parts_split(right, &p);
	int i = 0, k = 0;

	yes = parts_split(got, &q) && yes && p.words && q.words;
	while (yes) {
		while (i < p.n && idle(&p, i))
			i++;
		while (k < q.n && idle(&q, k))
			k++;
		if (i == p.n || k == q.n)
			break;
		yes = same_part(r, &p, i++, &q, k++);
	}
	yes = yes && i == p.n && k == q.n;
	parts_free(&p);
	parts_free(&q);
	r->why = yes ? "the same words" : why;
	return yes;
}

/* ---- as choices ---- */

static struct span behind(struct span s, size_t n)
{
	return (struct span){s.p + n, s.n - n};
}

/* Of "A, C", "AC", "(A) and (C)" the letters, a bit each; 0: it is more than two or more of A to J.
 */
static unsigned choices(struct span s)
{
	static const char *const idle[] = {"and", "\\textbf", "\\text", "\\mathrm",
					   "\\&", "\\ ",      "\\,"};
	unsigned set = 0;
	int n = 0;

	while (s.n) {
		size_t i = 0;

		while (i < sizeof idle / sizeof *idle &&
		       (s.n < strlen(idle[i]) || memcmp(s.p, idle[i], strlen(idle[i])) != 0))
			i++;
		if (i < sizeof idle / sizeof *idle) {
			s = behind(s, strlen(idle[i]));
			continue;
		}
		if (*s.p >= 'A' && *s.p <= 'J' && !(set >> (*s.p - 'A') & 1)) {
			set |= 1u << (*s.p - 'A');
			n++;
		} else if (!*s.p || !strchr(" ,;&(){}.$\n", *s.p)) {
			return 0;
		}
		s = behind(s, 1);
	}
	return n > 1 ? set : 0;
}

static bool same_choices(struct reading *r, struct span right, struct span got)
{
	if (!choices(right) || choices(right) != choices(got))
		return false;
	r->why = "the same choices";
	return true;
}

/* ---- all of it ---- */

/* What words restrict: kinds of numbers, then signs */
enum {
	ONLY_REAL = 1,
	ONLY_COMPLEX = 2,
	ONLY_RATIONAL = 4,
	ONLY_INTEGER = 8,
	ONLY_KINDS = 15,
	ONLY_NATURAL = 16, /* positive or not negative, as one likes */
	ONLY_POSITIVE = 32,
	ONLY_NOT_NEGATIVE = 64,
	ONLY_NEGATIVE = 128,
	ONLY_NOT_ZERO = 256,
};

static unsigned restricts(struct span word)
{
	static const struct {
		const char *word;
		unsigned only;
	} words[] = {{"real", ONLY_REAL},
		     {"complex", ONLY_COMPLEX},
		     {"rational", ONLY_RATIONAL},
		     {"integer", ONLY_INTEGER},
		     {"integral", ONLY_INTEGER},
		     {"whole", ONLY_INTEGER},
		     {"natural", ONLY_INTEGER | ONLY_NATURAL},
		     {"positive", ONLY_POSITIVE},
		     {"negative", ONLY_NEGATIVE},
		     {"nonnegative", ONLY_NOT_NEGATIVE},
		     {"non-negative", ONLY_NOT_NEGATIVE},
		     {"nonzero", ONLY_NOT_ZERO},
		     {"non-zero", ONLY_NOT_ZERO}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (same_word(word, (struct span){words[i].word, strlen(words[i].word)}))
			return words[i].only;
	return 0;
}

/* All that g's words restrict what it declares to; 0: nothing */
static unsigned domain_of(const struct gist *g)
{
	unsigned only = 0;

	for (int i = 0; i < g->domains; i++)
		only |= restricts(g->domain[i]);
	return only && !(only & ONLY_KINDS) ? only | ONLY_REAL : only;
}

/* Does one restrict what it declares otherwise than the other? */
static bool other_domains(const struct gist *a, const struct gist *b)
{
	unsigned x = domain_of(a), y = domain_of(b), natural = (x ^ y) & ONLY_NATURAL;

	if (!x || !y)
		return false;
	if (natural && (x | y) & (ONLY_POSITIVE | ONLY_NOT_NEGATIVE)) {
		x &= ~(unsigned)(ONLY_NATURAL | ONLY_POSITIVE | ONLY_NOT_NEGATIVE);
		y &= ~(unsigned)(ONLY_NATURAL | ONLY_POSITIVE | ONLY_NOT_NEGATIVE);
	}
	return x != y;
}

static bool same_gists(struct reading *r, struct span right, struct span got)
{
	const struct gist *a = &r->right, *b = &r->got;
	struct span x = a->text.n ? (struct span){a->text.p, a->text.n} : right;
	struct span y = b->text.n ? (struct span){b->text.p, b->text.n} : got;

	if (other_domains(a, b)) {
		r->why = "another condition";
		return false;
	}
	if (((a->text.n || b->text.n) && same_text(r, x, y)) ||
	    (!phrase_is(x) && same_expressions(r, x, y)))
		return true;
	return a->equation.n && !b->equation.n &&
	       same_expressions(r, (struct span){a->equation.p, a->equation.n}, y);
}

static bool same_meant(struct reading *r, struct span right, struct span got)
{
	bool yes = r->right.kind == r->got.kind;

	if (r->right.kind != GIST_VALUE || r->got.kind != GIST_VALUE) {
		r->why = yes ? "the same of Yes and No" : "other words";
		return yes;
	}
	yes = same_choices(r, right, got) || same_gists(r, right, got) ||
	      (r->right.text.n && r->got.text.n && same_sequence(r, right, got));
	if (!yes && phrase_is(right))
		r->why = "other words";
	return yes;
}

static bool same_folded(struct reading *r, struct span right, struct span got)
{
	bool yes = same_text(r, right, got);

	if (yes)
		return true;
	gist_get(right, &r->right);
	gist_get(got, &r->got);
	yes = same_meant(r, right, got);
	gist_free(&r->right);
	gist_free(&r->got);
	return yes;
}

bool reading_same(struct span right, struct span got, int places, const char **why)
{
	struct reading r;
	struct buf a = {0}, b = {0};
	bool yes = false;

	if (right.n > LONGEST || got.n > LONGEST) {
		*why = "too long to compare";
		return span_eq(right, got);
	}
	fold_signs(right, &a);
	fold_signs(got, &b);
	r.j = (struct judgement){.steps = ENV_STEPS, .places = places};
	r.why = a.n && b.n ? NULL : "no answer";
	if (a.n && b.n) {
		yes = same_folded(&r, (struct span){a.p, a.n}, (struct span){b.p, b.n});
		free(r.j.a);
	}
	*why = r.why ? r.why : "other words";
	buf_free(&a);
	buf_free(&b);
	return yes;
}
