/* explore.c - the sampling half of an RL step. See explore.h. */
#include "learn/explore.h"
#include "base/mem.h"
#include "base/rank.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double CORRECT = 0.5; /* least reward that counts as right, in reports only */

struct explorer {
	const struct rl_opts *o;
	const struct policy *p;
	const struct task_set *tasks;
	struct rec_out *w;
	struct roller *roller;

	struct deck deck;
	struct choose choose;
	struct failures failures; /* since the beginning */

	struct draw *draw;
	struct rollouts round;      /* of the present round */
	struct rollouts effective;  /* of the step's groups that dynamic sampling does not reject */
	size_t *used, *len, *start; /* responses to train on, their lengths, their groups' bounds */
	double *reward, *advantage;
	double *part; /* (n_used, o->rewards.n) */
	size_t n_used;
	struct buf more; /* of a record */
};

struct explorer *explore_new(const struct rl_opts *o, const struct policy *p,
			     const struct task_set *tasks, const char *tasks_name,
			     struct rec_out *w, struct reason *why)
{
	struct explorer *e = xcalloc(1, sizeof *e);

	assert(o->groups >= 1 && o->group_size >= 1 && o->rounds >= 1);
	assert(tasks->n >= 1 && w);
	e->o = o;
	e->p = p;
	e->tasks = tasks;
	e->w = w;
	e->failures.most = o->failures.most;
	e->roller = rollout_open(p, tasks, tasks_name, &o->roll, why);
	if (!e->roller) {
		explore_free(e);
		return NULL;
	}
	deck_init(&e->deck, o->roll.seed, tasks->n);
	choose_init(&e->choose, &o->choose, &e->deck);
	return e;
}

void explore_free(struct explorer *e)
{
	if (!e)
		return;
	rollout_close(e->roller);
	rollout_free(&e->round);
	rollout_free(&e->effective);
	choose_free(&e->choose);
	deck_free(&e->deck);
	free(e->draw);
	free(e->used);
	free(e->len);
	free(e->start);
	free(e->reward);
	free(e->advantage);
	free(e->part);
	buf_free(&e->more);
	free(e);
}

const struct roller *explore_roller(const struct explorer *e)
{
	return e->roller;
}

const struct failures *explore_failures(const struct explorer *e)
{
	return &e->failures;
}

void explore_state(struct explorer *e, struct state *s)
{
	state_count(s, "problems.at", &e->deck.at);
	state_count(s, "problems.epoch", &e->deck.epoch);
	state_count(s, "problems.drawn", &e->deck.drawn);
	choose_state(&e->choose, s);
	state_count(s, "responses.judged", &e->failures.judged);
	state_count(s, "responses.failed", &e->failures.failed);
}

int explore_loaded(struct explorer *e, struct reason *why)
{
	return deck_loaded(&e->deck, why);
}

/* Do the rewards that count differ? */
static bool differ(const struct rl_opts *o, const struct verdict *a, const struct verdict *b)
{
	if (!o->rewards.n)
		return a->reward != b->reward;
	for (size_t i = 0; i < o->rewards.n; i++)
		if (verdict_reward(a, o->rewards.v[i].name) !=
		    verdict_reward(b, o->rewards.v[i].name))
			return true; /* so does one that is not there, which is told later */
	return false;
}

/* Judged responses of a group, v, with rewards that differ: only they have an advantage. */
static bool is_effective(const struct rl_opts *o, const struct rollout *v)
{
	const struct rollout *seen = NULL;

	for (int64_t i = 0; i < o->group_size; i++) {
		if (v[i].verdict.code != VERDICT_OK)
			continue;
		if (o->keep_equal || (seen && differ(o, &v[i].verdict, &seen->verdict)))
			return true;
		seen = &v[i];
	}
	return false;
}

/* Response i of from. advantage NULL: it is not trained on. */
static void write_one(struct explorer *e, uint64_t step, const char *hash,
		      const struct rollouts *from, size_t i, const double *advantage)
{
	struct traj t;

	rollout_traj(e->roller, from, i, &t);
	rollout_more(from, i, &t, &e->more);
	t.policy = (struct span){hash, strlen(hash)};
	t.step = (int64_t)step;
	t.iter = e->o->iter;
	t.used = advantage != NULL;
	if (advantage)
		t.advantage = *advantage;
	traj_write(e->w, &t);
}

/* Adds the round's responses to the sums of which average() makes means. */
static void add_up(struct explorer *e, struct explored *out)
{
	for (const struct rollout *r = e->round.v; r < e->round.v + e->round.n; r++) {
		out->entropy += r->entropy * (double)r->n;
		out->truncated += !r->stopped;
		out->longest = r->n > out->longest ? r->n : out->longest;
		if (r->verdict.code == VERDICT_OK) {
			out->reward += r->verdict.reward;
			out->accuracy += r->verdict.reward >= CORRECT;
		} else {
			out->failures++;
		}
		failures_count(&e->failures, &r->verdict);
	}
	out->responses += e->round.n;
	out->tokens += e->round.n_tok;
}

static void average(struct explored *out)
{
	double n = (double)out->responses, judged = n - (double)out->failures;

	out->reward = judged > 0 ? out->reward / judged : NAN;
	out->accuracy = judged > 0 ? out->accuracy / judged : NAN;
	out->entropy /= (double)out->tokens;
	out->length = (double)out->tokens / n;
	out->truncated /= n;
}

/* What the round says of its problems */
static void note_visits(struct explorer *e, uint64_t step)
{
	size_t each = (size_t)e->o->group_size;

	e->reward = xgrow(e->reward, each, sizeof *e->reward);
	for (size_t first = 0; first < e->round.n; first += each) {
		const struct rollout *r = e->round.v + first;
		size_t n = 0;

		for (size_t i = 0; i < each; i++)
			if (r[i].verdict.code == VERDICT_OK)
				e->reward[n++] = r[i].verdict.reward;
		if (n)
			choose_note(&e->choose, step, r->task, e->reward, n);
	}
}

/* Samples n problems; groups without an advantage are written at once, and forgotten. */
static int run_round(struct explorer *e, uint64_t step, const char *hash, size_t n,
		     struct explored *out, struct reason *why)
{
	size_t each = (size_t)e->o->group_size;
	int st;

	e->draw = xgrow(e->draw, n, sizeof *e->draw);
	choose_draw(&e->choose, step, out->rounds, n, e->draw);
	rollout_reset(&e->round);
	st = rollout_run(e->roller, e->draw, n, each, step, &e->round, why);
	if (st)
		return st;
	note_visits(e, step);
	for (size_t first = 0; first < e->round.n; first += each) {
		if (is_effective(e->o, e->round.v + first)) {
			rollout_add(&e->effective, &e->round, first, each);
			out->kept++;
			continue;
		}
		for (size_t i = first; i < first + each; i++)
			write_one(e, step, hash, &e->round, i, NULL);
	}
	out->tried += n;
	add_up(e, out);
	st = rank_agree(out_flush(e->w->o, why), why);
	return st ? st : failures_check(&e->failures, false, why);
}

/* A judged response among the used */
static int add_one(struct explorer *e, size_t i, struct reason *why)
{
	const struct rollout *r = &e->effective.v[i];
	const struct rewards *several = &e->o->rewards;
	double *part = e->part + e->n_used * several->n, reward = r->verdict.reward;

	if (rewards_of_verdict(several, &r->verdict, part, why))
		return fail_prefix(why, "task %s", e->tasks->v[r->task].id);
	if (several->n)
		reward = rewards_sum(several, part);
	e->used[e->n_used] = i;
	e->len[e->n_used] = r->n;
	e->reward[e->n_used++] =
		reward + loss_overlong(r->n, (size_t)e->o->roll.sample.max_new,
				       (size_t)e->o->overlong_buffer, e->o->overlong_penalty);
	return 0;
}

/* The judged ones of the group that begins at first */
static int add_used(struct explorer *e, size_t first, struct reason *why)
{
	assert(first + (size_t)e->o->group_size <= e->effective.n);
	for (size_t i = first; i < first + (size_t)e->o->group_size; i++)
		if (e->effective.v[i].verdict.code == VERDICT_OK && add_one(e, i, why))
			return why->status;
	return 0;
}

/* Advantages of what is used */
static int estimate(struct explorer *e, size_t groups, struct reason *why)
{
	const struct rewards *several = &e->o->rewards;
	double weight[VERDICT_PARTS];
	const struct advantage_batch b = {e->reward, e->len, e->start,  groups,
					  e->part,   weight, several->n};

	if (!groups)
		return 0;
	for (size_t i = 0; i < several->n; i++)
		weight[i] = several->v[i].reward;
	if (advantage_check(&e->o->advantage, &b, why))
		return why->status;
	advantage_all(&e->o->advantage, &b, e->advantage);
	return 0;
}

/* The first o->groups effective ones become the batch; used, advantage and the rest of the records.
 */
static int settle(struct explorer *e, uint64_t step, const char *hash, struct explored *out,
		  struct reason *why)
{
	size_t n = e->effective.n, kept = 0, next = 0;
	int st, bad = 0;

	e->used = xgrow(e->used, n, sizeof *e->used);
	e->len = xgrow(e->len, n, sizeof *e->len);
	e->reward = xgrow(e->reward, n, sizeof *e->reward);
	e->advantage = xgrow(e->advantage, n, sizeof *e->advantage);
	e->part = xgrow(e->part, n * e->o->rewards.n, sizeof *e->part);
	e->start = xgrow(e->start, n + 1, sizeof *e->start);
	e->n_used = 0;
	e->start[0] = 0;
	out->kept = out->kept < (size_t)e->o->groups ? out->kept : (size_t)e->o->groups;
	while (kept < out->kept && !bad) {
		bad = add_used(e, kept * (size_t)e->o->group_size, why);
		e->start[++kept] = e->n_used;
	}
	bad = bad ? bad : estimate(e, kept, why);
	if (bad) /* all is written, and nothing learned */
		e->n_used = 0;
	for (size_t i = 0; i < n; i++) {
		bool used = next < e->n_used && e->used[next] == i;

		write_one(e, step, hash, &e->effective, i, used ? &e->advantage[next] : NULL);
		next += used;
	}
	st = out_flush(e->w->o, bad ? NULL : why);
	return bad ? bad : rank_agree(st, why);
}

/* Groups that the index-th round samples when so many are missing */
static size_t draws(const struct rl_opts *o, size_t missing, size_t round)
{
	assert(missing >= 1);
	return round ? (size_t)ceil((double)missing * o->oversample) : missing;
}

size_t explore_bytes(const struct explorer *e)
{
	size_t first = (size_t)e->o->groups, each = (size_t)e->o->group_size;
	size_t later = e->o->rounds > 1 ? draws(e->o, first, 1) : 0;
	size_t most = later > first ? later : first;

	/* in memory: a round, and what of it and of those before is effective */
	return rollout_bytes(e->roller, most, most * each, (first + 2 * most) * each);
}

int explore_step(struct explorer *e, uint64_t step, struct explored *out, struct reason *why)
{
	size_t want = (size_t)e->o->groups;
	uint64_t passed = e->choose.passed;
	char hash[17];
	int st = 0;

	assert(step >= 1);
	memset(out, 0, sizeof *out);
	rollout_reset(&e->effective);
	snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(&e->p->model));
	while (!st && out->kept < want && out->rounds < (size_t)e->o->rounds) {
		size_t n = draws(e->o, want - out->kept, out->rounds++);

		st = run_round(e, step, hash, n, out, why);
	}
	if (!st)
		st = settle(e, step, hash, out, why);
	if (st)
		return st;
	out->effective = &e->effective;
	out->used = e->used;
	out->advantage = e->advantage;
	out->n_used = e->n_used;
	out->start = e->start;
	out->seen = choose_seen(&e->choose);
	out->out = choose_out(&e->choose, step + 1);
	out->passed = (size_t)(e->choose.passed - passed);
	average(out);
	return 0;
}
