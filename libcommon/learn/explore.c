/* explore.c - the sampling half of an RL step. See explore.h. */
#include "learn/explore.h"
#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAIR = 100 };               /* responses before a share of failures means something */
static const double CORRECT = 0.5; /* least reward that counts as right, in reports only */

struct group {
	size_t first, n; /* its responses in all.v */
	bool teaches;    /* not rejected by dynamic sampling */
};

struct explorer {
	const struct rl_opts *o;
	const struct policy *p;
	const struct task_set *tasks;
	struct rec_out *w;
	struct roller *roller;

	uint64_t *order; /* (tasks->n) this epoch's permutation */
	uint64_t at;     /* next of it */
	uint64_t epoch, drawn;
	uint64_t samples, failures; /* since the beginning */

	struct draw *draw;
	struct rollouts all;
	struct group *group;
	size_t n_group;
	size_t *used, *len, *start; /* responses to train on, their lengths, their groups' bounds */
	double *reward, *advantage;
	size_t n_used;
};

struct explorer *explorer_new(const struct rl_opts *o, const struct policy *p,
			      const struct task_set *tasks, const char *tasks_name,
			      struct rec_out *w, struct reason *why)
{
	struct explorer *e = xcalloc(1, sizeof *e);

	e->o = o;
	e->p = p;
	e->tasks = tasks;
	e->w = w;
	e->roller = roller_new(p, tasks, tasks_name, &o->roll, why);
	if (!e->roller) {
		explorer_free(e);
		return NULL;
	}
	e->order = xarray(tasks->n, sizeof *e->order);
	e->at = tasks->n;
	return e;
}

void explorer_free(struct explorer *e)
{
	if (!e)
		return;
	roller_free(e->roller);
	rollouts_free(&e->all);
	free(e->order);
	free(e->draw);
	free(e->group);
	free(e->used);
	free(e->len);
	free(e->start);
	free(e->reward);
	free(e->advantage);
	free(e);
}

const struct roller *explorer_roller(const struct explorer *e)
{
	return e->roller;
}

static void shuffle(struct explorer *e, uint64_t epoch)
{
	for (size_t i = 0; i < e->tasks->n; i++)
		e->order[i] = i;
	rng_shuffle(rng_key(e->o->roll.seed, RNG_ORDER, epoch, 0, 0), e->order, e->tasks->n);
}

void explorer_state(struct explorer *e, struct state *s)
{
	state_count(s, "problems.at", &e->at);
	state_count(s, "problems.epoch", &e->epoch);
	state_count(s, "problems.drawn", &e->drawn);
	state_count(s, "responses.judged", &e->samples);
	state_count(s, "responses.failed", &e->failures);
}

int explorer_loaded(struct explorer *e, struct reason *why)
{
	if (e->at > e->tasks->n)
		return fail(why, ST_INPUT, "problem %" PRIu64 " of %zu", e->at, e->tasks->n);
	if (e->epoch)
		shuffle(e, e->epoch - 1);
	return 0;
}

/* The next problem: without replacement within an epoch, each epoch in an order of its own. */
static struct draw next_problem(struct explorer *e)
{
	if (e->at == e->tasks->n) {
		shuffle(e, e->epoch++);
		e->at = 0;
	}
	return (struct draw){e->order[e->at++], e->drawn++};
}

/* Judged responses to one problem with rewards that differ: only they have an advantage. */
static bool teaches(const struct explorer *e, const struct group *g)
{
	const struct rollout *v = e->all.v + g->first, *seen = NULL;

	for (size_t i = 0; i < g->n; i++) {
		if (v[i].verdict.code != VERDICT_OK)
			continue;
		if (e->o->keep_equal || (seen && v[i].verdict.reward != seen->verdict.reward))
			return true;
		seen = &v[i];
	}
	return false;
}

/* advantage NULL: the response is not trained on. */
static void write_one(struct explorer *e, uint64_t step, const char *hash, size_t i,
		      const double *advantage)
{
	struct traj t;

	roller_traj(e->roller, &e->all, i, &t);
	t.policy = (struct span){hash, strlen(hash)};
	t.step = (int64_t)step;
	t.iter = e->o->iter;
	t.used = advantage != NULL;
	if (advantage)
		t.advantage = *advantage;
	traj_write(e->w, &t);
}

static void write_group(struct explorer *e, uint64_t step, const char *hash, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		write_one(e, step, hash, g->first + i, NULL);
}

static int check_failures(struct explorer *e, size_t from, struct explored *out, struct reason *why)
{
	for (size_t i = from; i < e->all.n; i++)
		if (e->all.v[i].verdict.code != VERDICT_OK)
			out->failures++, e->failures++;
	e->samples += e->all.n - from;
	if ((double)e->failures > e->o->max_failures * fmax(FAIR, (double)e->samples))
		return fail(why, ST_SYSTEM,
			    "verifier: it failed on %" PRIu64 " of %" PRIu64
			    " responses (more than --max-failures %g)",
			    e->failures, e->samples, e->o->max_failures);
	return 0;
}

/* Samples n problems; groups that teach nothing are written at once. */
static int run_round(struct explorer *e, uint64_t step, const char *hash, size_t n,
		     struct explored *out, struct reason *why)
{
	size_t each = (size_t)e->o->group_size, from = e->all.n;
	int st;

	e->draw = xgrow(e->draw, n, sizeof *e->draw);
	e->group = xgrow(e->group, e->n_group + n, sizeof *e->group);
	for (size_t i = 0; i < n; i++)
		e->draw[i] = next_problem(e);
	st = roller_run(e->roller, e->draw, n, each, step, &e->all, why);
	if (st)
		return st;
	for (size_t i = 0; i < n; i++) {
		struct group *g = &e->group[e->n_group++];

		*g = (struct group){from + i * each, each, false};
		g->teaches = teaches(e, g);
		out->kept += g->teaches;
		if (!g->teaches)
			write_group(e, step, hash, g);
	}
	out->tried += n;
	st = out_flush(e->w->o, why);
	return st ? st : check_failures(e, from, out, why);
}

static void add_used(struct explorer *e, const struct group *g)
{
	for (size_t i = g->first; i < g->first + g->n; i++) {
		const struct rollout *r = &e->all.v[i];

		if (r->verdict.code != VERDICT_OK)
			continue;
		e->used[e->n_used] = i;
		e->len[e->n_used] = r->n;
		e->reward[e->n_used++] =
			r->verdict.reward +
			overlong_penalty(r->n, (size_t)e->o->roll.sample.max_new,
					 (size_t)e->o->overlong_buffer, e->o->overlong_penalty);
	}
}

/* The first o->groups that teach become the batch; used, advantage and the rest of the records. */
static int settle(struct explorer *e, uint64_t step, const char *hash, struct explored *out,
		  struct reason *why)
{
	size_t kept = 0, next = 0;

	e->used = xgrow(e->used, e->all.n, sizeof *e->used);
	e->len = xgrow(e->len, e->all.n, sizeof *e->len);
	e->reward = xgrow(e->reward, e->all.n, sizeof *e->reward);
	e->advantage = xgrow(e->advantage, e->all.n, sizeof *e->advantage);
	e->start = xgrow(e->start, e->n_group + 1, sizeof *e->start);
	e->n_used = 0;
	e->start[0] = 0;
	for (size_t g = 0; g < e->n_group && kept < (size_t)e->o->groups; g++)
		if (e->group[g].teaches) {
			add_used(e, &e->group[g]);
			e->start[++kept] = e->n_used;
		}
	if (kept)
		advantages(e->o->advantage, e->reward, e->len, e->start, kept, e->advantage);
	for (size_t g = 0; g < e->n_group; g++)
		for (size_t i = e->group[g].first;
		     e->group[g].teaches && i < e->group[g].first + e->group[g].n; i++) {
			bool used = next < e->n_used && e->used[next] == i;

			write_one(e, step, hash, i, used ? &e->advantage[next] : NULL);
			next += used;
		}
	out->start = e->start;
	out->kept = kept;
	return out_flush(e->w->o, why);
}

static void measure(const struct explorer *e, struct explored *out)
{
	double entropy = 0, judged = (double)(e->all.n - out->failures);

	for (size_t i = 0; i < e->all.n; i++) {
		const struct rollout *r = &e->all.v[i];

		entropy += r->entropy * (double)r->n;
		out->truncated += !r->stopped;
		out->longest = r->n > out->longest ? r->n : out->longest;
		if (r->verdict.code == VERDICT_OK) {
			out->reward += r->verdict.reward;
			out->accuracy += r->verdict.reward >= CORRECT;
		}
	}
	out->reward /= judged;
	out->accuracy /= judged;
	out->entropy = entropy / (double)e->all.n_tok;
	out->length = (double)e->all.n_tok / (double)e->all.n;
	out->truncated /= (double)e->all.n;
}

/* Groups that the index-th round samples when so many are missing */
static size_t draws(const struct rl_opts *o, size_t missing, size_t round)
{
	return round ? (size_t)ceil((double)missing * o->oversample) : missing;
}

size_t explorer_bytes(const struct explorer *e)
{
	size_t groups = (size_t)e->o->groups, most = draws(e->o, groups, 0);

	if (e->o->rounds > 1 && draws(e->o, groups, 1) > most)
		most = draws(e->o, groups, 1);
	return roller_bytes(e->roller, most * (size_t)e->o->group_size);
}

int explorer_step(struct explorer *e, uint64_t step, struct explored *out, struct reason *why)
{
	size_t want = (size_t)e->o->groups;
	char hash[17];
	int st = 0;

	memset(out, 0, sizeof *out);
	rollouts_reset(&e->all);
	e->n_group = 0;
	snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(&e->p->model));
	while (!st && out->kept < want && out->rounds < (size_t)e->o->rounds) {
		size_t n = draws(e->o, want - out->kept, out->rounds++);

		st = run_round(e, step, hash, n, out, why);
	}
	if (!st)
		st = settle(e, step, hash, out, why);
	if (st)
		return st;
	out->all = &e->all;
	out->used = e->used;
	out->advantage = e->advantage;
	out->n_used = e->n_used;
	measure(e, out);
	return 0;
}
