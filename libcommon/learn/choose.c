/* choose.c - which problems come next. See choose.h. */
#include "learn/choose.h"
#include "base/elem.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CANDIDATES = 16, TRIES = 64 };

struct choose_candidate {
	double off; /* from 1/2 */
	uint64_t task;
};

static float *at(const struct choose *c, enum choose_column k, size_t task)
{
	assert(task < c->deck->n);
	return c->v + (size_t)k * c->deck->n + task;
}

void choose_init(struct choose *c, const struct choose_opts *o, struct deck *d)
{
	static const char *const name[CHOOSE_COLUMNS] = {"mean", "a", "b", "visits", "last"};

	*c = (struct choose){.o = o, .deck = d};
	if (o->rule == CHOOSE_ALL)
		return;
	c->v = xcalloc(d->n, CHOOSE_COLUMNS * sizeof *c->v);
	for (size_t k = 0; k < CHOOSE_COLUMNS; k++) {
		struct weight *w = &c->w[k];

		*w = (struct weight){
			.rank = 1, .shape = {(int64_t)d->n, 1}, .offset = k * d->n, .count = d->n};
		snprintf(w->name, sizeof w->name, "%s", name[k]);
	}
	for (size_t i = 0; i < d->n; i++)
		*at(c, CHOOSE_A, i) = *at(c, CHOOSE_B, i) = 1;
}

void choose_free(struct choose *c)
{
	free(c->v);
	free(c->candidate);
	free(c->order);
	*c = (struct choose){0};
}

void choose_state(struct choose *c, struct state *s)
{
	if (c->o->rule == CHOOSE_ALL)
		return;
	state_count(s, "problems.passed", &c->passed);
	state_array(s, "problems.safetensors", "", c->w, CHOOSE_COLUMNS, c->v);
}

/* ---- passing over ---- */
static bool is_out(const struct choose *c, uint64_t step, size_t task)
{
	double mean = *at(c, CHOOSE_MEAN, task), last = *at(c, CHOOSE_LAST, task);

	if (*at(c, CHOOSE_VISITS, task) < 1 || (double)step - last >= (double)c->o->again)
		return false;
	/* the table's mean is rounded: so are the bounds, or a mean that is at one may be inside */
	return mean >= (float)c->o->high || (c->o->rule == CHOOSE_BAND && mean <= (float)c->o->low);
}

/* The deck's next that is not out; one is not. */
static struct draw next_turn(struct choose *c, uint64_t step)
{
	struct draw d = deck_next(c->deck);

	for (; is_out(c, step, d.task); c->passed++)
		d = deck_next(c->deck);
	return d;
}

/* ---- drawing by chance ---- */

/* Gamma(a, 1), a >= 1: d v, d = a - 1/3, v = (1 + x / sqrt(9 d))^3, x normal, where log u < x^2 / 2
 * + d - d v + d log v. Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
 */
static double draw_gamma(uint64_t key, uint64_t from, double a)
{
	double d = a - 1.0 / 3, by = 1 / sqrt(9 * d);

	assert(a >= 1);
	for (uint64_t i = from; i < from + TRIES; i++) { /* nineteen of twenty are taken */
		double x = rng_normal(key, 2 * i), u = rng_uniform(key, 2 * i + 1);
		double v = (1 + by * x) * (1 + by * x) * (1 + by * x);

		if (v > 0 && elem_log(u) < x * x / 2 + d - d * v + d * elem_log(v))
			return d * v;
	}
	return d;
}

static double draw_beta(uint64_t key, double a, double b)
{
	double x = draw_gamma(key, 0, a), y = draw_gamma(key, TRIES, b);

	return x / (x + y);
}

static int by_nearness(const void *a, const void *b)
{
	const struct choose_candidate *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

/* The n of the candidates that come nearest to 1/2; all of them again where n is more. */
static void draw_nearest(struct choose *c, uint64_t step, uint64_t round, size_t n,
			 struct draw *out)
{
	size_t all = c->deck->n, m = n < all / CANDIDATES ? n * CANDIDATES : all;
	uint64_t seed = c->deck->seed;

	c->order = xgrow(c->order, all, sizeof *c->order);
	c->candidate = xgrow(c->candidate, m, sizeof *c->candidate);
	for (size_t i = 0; i < all; i++)
		c->order[i] = i;
	rng_shuffle(rng_key(seed, RNG_CHOOSE, step, round, 0), c->order, all);
	for (size_t i = 0; i < m; i++) {
		uint64_t task = c->order[i], key = rng_key(seed, RNG_CHOOSE, step, round, 1 + task);
		double v = draw_beta(key, *at(c, CHOOSE_A, task), *at(c, CHOOSE_B, task));

		c->candidate[i] = (struct choose_candidate){fabs(v - 0.5), task};
	}
	qsort(c->candidate, m, sizeof *c->candidate, by_nearness);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct draw){c->candidate[i % m].task, c->deck->drawn++};
}

void choose_draw(struct choose *c, uint64_t step, uint64_t round, size_t n, struct draw *out)
{
	bool plain = c->o->rule == CHOOSE_ALL || choose_out(c, step) == c->deck->n;

	if (c->o->rule == CHOOSE_THOMPSON) {
		draw_nearest(c, step, round, n, out);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = plain ? deck_next(c->deck) : next_turn(c, step);
}

/* ---- the table ---- */
void choose_note(struct choose *c, uint64_t step, size_t task, const double *reward, size_t n)
{
	double sum = 0, right = 0, keep = c->o->keep;
	float *a, *b;

	if (c->o->rule == CHOOSE_ALL)
		return;
	assert(n >= 1 && keep >= 0 && keep <= 1);
	for (size_t i = 0; i < n; i++) {
		sum += reward[i];
		right += reward[i] < 0 ? 0 : reward[i] > 1 ? 1 : reward[i];
	}
	a = at(c, CHOOSE_A, task);
	b = at(c, CHOOSE_B, task);
	*a = (float)(keep * *a + (1 - keep) + right);
	*b = (float)(keep * *b + (1 - keep) + ((double)n - right));
	*at(c, CHOOSE_MEAN, task) = (float)(sum / (double)n);
	*at(c, CHOOSE_LAST, task) = (float)step;
	++*at(c, CHOOSE_VISITS, task);
}

size_t choose_seen(const struct choose *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->deck->n && c->v; i++)
		n += *at(c, CHOOSE_VISITS, i) > 0;
	return n;
}

size_t choose_out(const struct choose *c, uint64_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < c->deck->n && c->v; i++)
		n += is_out(c, step, i);
	return n;
}
