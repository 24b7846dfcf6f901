/* evalset.c - evaluations of several policies on the same problems. See evalset.h. */
#include "stats/evalset.h"
#include "base/mem.h"
#include "base/set.h"
#include "stream/trajscan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct eval *evalset_add(struct evalset *s, struct span set, struct span variant, struct span seed,
			 int64_t step)
{
	struct eval *e;

	s->v = names_room(s->v, &s->room, s->n, sizeof *s->v);
	e = &s->v[s->n++];
	*e = (struct eval){.set = names_id(&s->sets, set),
			   .variant = names_id(&s->variants, variant),
			   .seed = names_id(&s->seeds, seed),
			   .step = step};
	s->problems = names_room(s->problems, &s->n_problems, e->set, sizeof *s->problems);
	return e;
}

static struct evalcell *cell_of(struct eval *e, size_t id)
{
	e->cell = names_room(e->cell, &e->n_cell, id, sizeof *e->cell);
	e->cell[id].there = true;
	return &e->cell[id];
}

static void add_response(struct eval *e, struct evalcell *cell, const struct traj *t,
			 double threshold, struct set *solutions)
{
	uint64_t solution[2];

	if (!isnan(t->entropy)) {
		cell->entropy += t->entropy;
		cell->n_entropy++;
	}
	if (!trajscan_graded(t)) {
		e->ungraded++;
		e->failed += t->verdict.p && !span_is(t->verdict, "ok");
		return;
	}
	cell->n++;
	if (!traj_correct(t, threshold))
		return;
	cell->c++;
	traj_solution(t, solution);
	cell->distinct += set_add_hash(solutions, solution);
}

int evalset_read(struct evalset *s, struct eval *e, const char *path, unsigned flags,
		 double threshold, struct reason *why)
{
	struct rec_in *in = rec_open(path, flags, why);
	struct set solutions = {0};
	struct evalcell *cell;
	struct rec r;
	struct traj t;
	int got = -1, st = 0;

	if (!in)
		return why->status;
	while (!st && (got = rec_next(in, &r, why)) > 0) {
		if (!r.is_traj)
			continue;
		st = trajscan(&t, &r, path, why);
		if (st)
			break;
		if (t.relabelled.p) {
			e->relabelled++;
			continue;
		}
		cell = cell_of(e, names_id(&s->problems[e->set], t.task));
		st = traj_one_prompt(&t, &cell->prompt, &r, path, why);
		if (!st)
			add_response(e, cell, &t, threshold, &solutions);
	}
	set_free(&solutions);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static int order(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b)
{
	const struct eval *x = a, *y = b;

	if (x->set != y->set)
		return order(x->set, y->set);
	if (x->variant != y->variant)
		return order(x->variant, y->variant);
	if (x->step != y->step)
		return (x->step > y->step) - (x->step < y->step);
	return order(x->seed, y->seed);
}

static int twice(const struct evalset *s, const struct eval *e, struct reason *why)
{
	struct span set = names_get(&s->sets, e->set);
	struct span variant = names_get(&s->variants, e->variant);
	struct span seed = names_get(&s->seeds, e->seed);
	char point[48];

	if (s->by_temperature)
		snprintf(point, sizeof point, "temperature %g", (double)e->step / EVALSET_DEGREES);
	else
		snprintf(point, sizeof point, "step %" PRId64, e->step);
	return fail(why, ST_INPUT,
		    "set %.*s, variant %.*s, seed %.*s, %s: two evaluations of one policy",
		    (int)set.n, set.p, (int)variant.n, variant.p, (int)seed.n, seed.p, point);
}

int evalset_sort(struct evalset *s, struct reason *why)
{
	if (s->n)
		qsort(s->v, s->n, sizeof *s->v, by_place);
	for (size_t i = 1; i < s->n; i++)
		if (by_place(&s->v[i - 1], &s->v[i]) == 0)
			return twice(s, &s->v[i], why);
	return 0;
}

struct evalcell eval_cell(const struct eval *e, size_t problem)
{
	return problem < e->n_cell ? e->cell[problem] : (struct evalcell){0};
}

size_t evalset_common(const struct evalset *s, size_t set)
{
	size_t common = 0;

	for (size_t p = 0; p < s->problems[set].n; p++) {
		bool in_all = true;

		for (size_t i = 0; i < s->n; i++)
			in_all &= s->v[i].set != set || !s->v[i].n_cell ||
				  eval_cell(&s->v[i], p).there;
		common += in_all;
	}
	return common;
}

bool evalset_earlier(const struct evalset *s, const struct eval *e, size_t problem)
{
	for (size_t i = (size_t)(e - s->v); i-- > 0;) {
		const struct eval *x = &s->v[i];

		if (x->set != e->set || x->variant != e->variant)
			return false;
		if (x->seed == e->seed && eval_cell(x, problem).c)
			return true;
	}
	return false;
}

void evalset_free(struct evalset *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].cell);
	for (size_t i = 0; i < s->n_problems; i++)
		names_free(&s->problems[i]);
	free(s->problems);
	free(s->v);
	names_free(&s->sets);
	names_free(&s->variants);
	names_free(&s->seeds);
	*s = (struct evalset){0};
}
