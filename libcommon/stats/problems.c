/* problems.c - the problems of an evaluation. See problems.h. */
#include "stats/problems.h"
#include "base/mem.h"
#include "stats/passk.h"
#include "stream/trajscan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct problem *problem_of(struct problems *e, const struct traj *t, struct mp map)
{
	struct span name = {"all", 3};
	size_t group, id;

	buf_reset(&e->scratch);
	if (e->o.by) {
		struct mp v = trajscan_path(map, e->o.by);

		e->by_seen |= v.p != NULL;
		if (!trajscan_text(&e->scratch, v))
			buf_str(&e->scratch, "-");
		name = (struct span){e->scratch.p, e->scratch.n};
	}
	group = names_id(&e->groups, name);
	buf_reset(&e->scratch);
	buf_add(&e->scratch, &group, sizeof group);
	buf_add(&e->scratch, t->task.p, t->task.n);
	id = names_id(&e->keys, (struct span){e->scratch.p, e->scratch.n});
	e->v = names_room(e->v, &e->room, id, sizeof *e->v);
	e->v[id].group = group;
	e->v[id].id = id;
	return &e->v[id];
}

/* Counts a sample of the problem under what tells it from others. */
static void add_part(struct parts *s, const struct problem *p, XXH128_hash_t what, double reward,
		     bool correct)
{
	uint64_t key[] = {p->id, what.high64, what.low64};
	size_t id = names_id(&s->names, (struct span){(const char *)key, sizeof key});

	s->v = names_room(s->v, &s->room, id, sizeof *s->v);
	s->v[id].problem = p->id;
	s->v[id].n++;
	s->v[id].c += correct;
	s->v[id].reward = reward;
}

static int add_answer(struct problems *e, struct problem *p, const struct traj *t,
		      const struct rec *r, const char *name, struct reason *why)
{
	struct mp v = trajscan_path(r->map, "extracted");
	bool correct = traj_correct(t, e->o.threshold);
	struct span s;

	if (!v.p) {
		p->silent_right += correct;
		return 0;
	}
	if (!mp_bytes(v, &s))
		return rec_fail(why, name, r, "key \"extracted\" is not text");
	add_part(&e->answer, p, XXH3_128bits(s.p, s.n), 0, correct);
	return 0;
}

static void add_reward(struct problems *e, const struct problem *p, const struct traj *t)
{
	double reward = t->reward + 0.0; /* -0 is 0 */

	add_part(&e->reward, p, XXH3_128bits(&reward, sizeof reward), reward,
		 traj_correct(t, e->o.threshold));
}

static int add_graded(struct problems *e, struct problem *p, const struct traj *t,
		      const struct rec *r, const char *name, struct reason *why)
{
	p->n++;
	p->c += traj_correct(t, e->o.threshold);
	p->reward += t->reward;
	p->tokens += t->n_tokens;
	p->with_tokens += t->n_tokens > 0;
	p->with_finish += t->finish.p != NULL;
	p->cut += t->finish.p && span_is(t->finish, "length");
	if (e->o.rewards)
		add_reward(e, p, t);
	return e->o.answers ? add_answer(e, p, t, r, name, why) : 0;
}

static int add_traj(struct problems *e, const struct rec *r, const char *name, struct reason *why)
{
	struct problem *p;
	struct traj t;

	if (!r->is_traj)
		return 0;
	if (trajscan(&t, r, name, why))
		return why->status;
	if (t.relabelled.p) {
		e->relabelled++;
		return 0;
	}
	p = problem_of(e, &t, r->map);
	if (traj_one_prompt(&t, &p->prompt, r, name, why))
		return why->status;
	if (trajscan_graded(&t))
		return add_graded(e, p, &t, r, name, why);
	e->ungraded++;
	e->failed += t.verdict.p && !span_is(t.verdict, "ok");
	return 0;
}

int problems_read(struct problems *e, const char *path, const char **name, struct reason *why)
{
	struct rec_in *in = rec_open(path, e->o.flags, why);
	struct rec r;
	int got = -1, st = 0;

	if (!in)
		return why->status;
	*name = rec_name(in);
	while (!st && (got = rec_next(in, &r, why)) > 0)
		st = add_traj(e, &r, *name, why);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_votes(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->problem != y->problem)
		return order(x->problem, y->problem);
	return order(y->n - y->c, x->n - x->c);
}

static int by_reward(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->problem != y->problem)
		return order(x->problem, y->problem);
	return (x->reward > y->reward) - (x->reward < y->reward);
}

static int by_group(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	return x->group != y->group ? order(x->group, y->group) : order(x->id, y->id);
}

void problems_sort(struct problems *e)
{
	size_t n_answer = e->answer.names.n, n_reward = e->reward.names.n;

	if (n_answer)
		qsort(e->answer.v, n_answer, sizeof *e->answer.v, by_votes);
	for (size_t i = n_answer; i-- > 0;) {
		e->v[e->answer.v[i].problem].answer = i;
		e->v[e->answer.v[i].problem].n_answer++;
	}
	if (n_reward)
		qsort(e->reward.v, n_reward, sizeof *e->reward.v, by_reward);
	for (size_t i = n_reward; i-- > 0;) {
		e->v[e->reward.v[i].problem].reward_at = i;
		e->v[e->reward.v[i].problem].n_reward++;
	}
	e->n = 0;
	for (size_t i = 0; i < e->keys.n; i++)
		if (e->v[i].n)
			e->v[e->n++] = e->v[i];
	if (e->n)
		qsort(e->v, e->n, sizeof *e->v, by_group);
}

struct span problems_task(const struct problems *e, const struct problem *p)
{
	struct span key = names_get(&e->keys, p->id);

	return (struct span){key.p + sizeof(size_t), key.n - sizeof(size_t)};
}

bool problems_answered(const struct problems *e)
{
	return e->answer.names.n > 0;
}

static double majority(const struct problems *e, const struct problem *p, uint64_t k)
{
	uint64_t *wrong = xarray(p->n_answer + 1, sizeof *wrong);
	struct votes v = {.right = p->c, .silent = p->n - p->c, .wrong = wrong};
	double value;

	for (size_t i = 0; i < p->n_answer; i++) {
		const struct part *a = &e->answer.v[p->answer + i];

		if (a->n > a->c)
			wrong[v.n_wrong++] = a->n - a->c;
		v.silent -= a->n - a->c;
	}
	value = problems_answered(e) ? measure_maj(&v, k) : NAN;
	free(wrong);
	return value;
}

static double reward_of(const struct problems *e, const struct problem *p, uint64_t k,
			enum measure kind)
{
	double *g = xarray(p->n, sizeof *g), value;
	size_t n = 0;

	for (size_t i = 0; i < p->n_reward; i++)
		for (uint64_t j = 0; j < e->reward.v[p->reward_at + i].n; j++)
			g[n++] = e->reward.v[p->reward_at + i].reward;
	value = kind == MEASURE_BEST ? measure_best(g, n, k) : measure_worst(g, n, k);
	free(g);
	return value;
}

double problems_value(const struct problems *e, const struct problem *p, const struct metric *m)
{
	switch (m->kind) {
	case MEASURE_PASS:
		return passk(p->n, p->c, m->k);
	case MEASURE_MAJ:
		return majority(e, p, m->k);
	case MEASURE_GPASS:
		return measure_gpass(p->n, p->c, m->k, m->tau);
	case MEASURE_MGPASS:
		return measure_mgpass(p->n, p->c, m->k);
	case MEASURE_HAT:
		return measure_hat(p->n, p->c, m->k);
	case MEASURE_BEST:
	case MEASURE_WORST:
		return reward_of(e, p, m->k, m->kind);
	default:
		return (double)p->c / (double)p->n;
	}
}

void problems_free(struct problems *e)
{
	names_free(&e->groups);
	names_free(&e->keys);
	names_free(&e->answer.names);
	names_free(&e->reward.names);
	free(e->answer.v);
	free(e->reward.v);
	free(e->v);
	buf_free(&e->scratch);
}
