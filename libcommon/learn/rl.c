/* rl.c - the RL step. See rl.h. */
#include "learn/rl.h"
#include "base/mem.h"
#include "base/clock.h"
#include "base/rank.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rl {
	const struct rl_opts *o;
	struct policy *p;
	struct explorer *explorer;
	struct learner *learner;
	uint64_t step;
	uint64_t barren;     /* steps in a row without a group to train on */
	double barren_right; /* sum of their accuracies */
	struct seq *seq;     /* (n_used) of the present step */
	const float **old;   /* (n_used) */
	bool *truncated;     /* (n_used) */
};

/* Before any of it is asked for */
static int plan(const struct rl *r, struct memory *need, struct reason *why)
{
	const struct roller *roller = explore_roller(r->explorer);
	const struct model *m = &r->p->model;
	size_t longest = rollout_longest(roller) + (size_t)r->o->roll.sample.max_new;
	int st;
	struct memory s = {.weights = model_bytes(m), .cache = explore_bytes(r->explorer)};

	longest = longest < (size_t)m->cfg.max_len ? longest : (size_t)m->cfg.max_len;
	learner_memory(r->learner, (size_t)r->o->groups, (size_t)r->o->group_size, longest, &s);
	st = memory_check(&s, why);
	if (need)
		*need = s;
	return st;
}

struct rl *rl_new(const struct rl_opts *o, struct policy *p, const struct task_set *tasks,
		  const char *tasks_name, struct rec_out *w, struct memory *need,
		  struct reason *why)
{
	struct rl *r = xcalloc(1, sizeof *r);

	assert(o->groups >= 1 && o->group_size >= 1);
	assert(o->epochs >= 1 && o->minibatches >= 1);
	assert(o->micro_tokens >= 1 && tasks->n >= 1);
	r->o = o;
	r->p = p;
	r->explorer = explore_new(o, p, tasks, tasks_name, w, why);
	r->learner = learner_new(o, NULL, p);
	if (!rank_agree(r->explorer ? 0 : why->status, why) && !plan(r, need, why))
		return r;
	rl_free(r);
	return NULL;
}

static void log_choice(struct runlog *l, enum choose_rule rule, const struct explored *e)
{
	if (rule == CHOOSE_ALL)
		return;
	runlog_int(l, "problems_seen", e->seen);
	if (rule == CHOOSE_THOMPSON)
		return;
	runlog_int(l, "problems_out", e->out);
	runlog_int(l, "problems_passed", e->passed);
}

void rl_log(struct runlog *l, const struct rl *rl, const struct rl_report *r)
{
	const struct explored *e = &r->explored;

	runlog_int(l, "step", r->step);
	runlog_num(l, "reward", e->reward);
	runlog_num(l, "accuracy", e->accuracy);
	runlog_num(l, "entropy", e->entropy);
	learner_log(l, &r->learned);
	runlog_num(l, "length", e->length);
	runlog_int(l, "longest", e->longest);
	runlog_num(l, "truncated", e->truncated);
	runlog_int(l, "responses", e->responses);
	runlog_int(l, "failures", e->failures);
	runlog_int(l, "groups_tried", e->tried);
	runlog_int(l, "groups_kept", e->kept);
	runlog_int(l, "rounds", e->rounds);
	log_choice(l, rl->o->choose.rule, e);
	runlog_int(l, "updates", r->learned.updates);
	runlog_int(l, "skipped", r->learned.skipped);
	runlog_num(l, "lr", r->learned.lr);
	runlog_num(l, "sample_tokens_per_s", (double)r->sampled / r->sample_s);
	runlog_num(l, "train_tokens_per_s",
		   r->learned.trained ? (double)r->learned.trained / r->train_s : (double)NAN);
	runlog_num(l, "seconds", r->sample_s + r->train_s);
}

const struct failures *rl_failures(const struct rl *r)
{
	return explore_failures(r->explorer);
}

void rl_free(struct rl *r)
{
	if (!r)
		return;
	explore_free(r->explorer);
	learner_free(r->learner);
	free(r->seq);
	free(r->old);
	free(r->truncated);
	free(r);
}

void rl_state(struct rl *r, struct state *s)
{
	state_count(s, "step", &r->step);
	state_count(s, "barren", &r->barren);
	state_real(s, "barren.right", &r->barren_right);
	explore_state(r->explorer, s);
	learner_state(r->learner, s);
}

int rl_loaded(struct rl *r, struct reason *why)
{
	learner_loaded(r->learner);
	return explore_loaded(r->explorer, why);
}

/* The step's responses as what is learned from */
static struct lesson prepare(struct rl *r, const struct explored *ex)
{
	const struct rollouts *all = ex->effective;
	const struct roller *roller = explore_roller(r->explorer);

	r->seq = xgrow(r->seq, ex->n_used, sizeof *r->seq);
	r->old = xgrow(r->old, ex->n_used, sizeof *r->old);
	r->truncated = xgrow(r->truncated, ex->n_used, sizeof *r->truncated);
	for (size_t i = 0; i < ex->n_used; i++) {
		const struct rollout *o = &all->v[ex->used[i]];

		r->seq[i] = (struct seq){.resp = all->tokens + o->tok,
					 .n_resp = o->n,
					 .kept = rollout_kept(all, ex->used[i])};
		r->seq[i].prompt = rollout_prompt(roller, o->task, &r->seq[i].n_prompt);
		r->old[i] = all->logprobs + o->tok;
		r->truncated[i] = !o->stopped;
	}
	return (struct lesson){.seq = r->seq,
			       .old = r->old,
			       .advantage = ex->advantage,
			       .truncated = r->o->mask_truncated ? r->truncated : NULL,
			       .start = ex->start,
			       .n = ex->n_used,
			       .groups = ex->kept,
			       .temperature = r->o->roll.sample.temperature};
}

bool rl_mastered(const struct rl *r)
{
	return r->barren >= RL_PATIENCE &&
	       r->barren_right >= RL_MASTERY * (double)r->barren; /* false for NaN */
}

static void count_barren(struct rl *r, const struct explored *ex)
{
	if (ex->n_used) {
		r->barren = 0;
		r->barren_right = 0;
		return;
	}
	r->barren++;
	r->barren_right += ex->accuracy;
}

/* Steps in which nothing could be learned, although not all is learned */
static int check_barren(const struct rl *r, struct reason *why)
{
	double right = r->barren_right / (double)r->barren;

	if (r->barren < RL_PATIENCE || rl_mastered(r))
		return 0;
	return fail(why, ST_INPUT,
		    "step %llu: in %d steps in a row no problem had responses of differing "
		    "reward: nothing to learn from (%.3g of the responses were right: %s)",
		    (unsigned long long)r->step, RL_PATIENCE, right,
		    right > 0 ? "each problem is solved always or never; a larger --group-size or "
				"--temperature, or other problems, may help"
			      : "easier problems, a better policy, a larger --max-new or "
				"--group-size may help; policy-eval shows what it says");
}

int rl_step(struct rl *r, struct rl_report *rep, struct reason *why)
{
	double t0 = clock_now();
	struct lesson x;
	int st;

	memset(rep, 0, sizeof *rep);
	rep->step = ++r->step;
	st = explore_step(r->explorer, r->step, &rep->explored, why);
	if (st)
		return fail_prefix(why, "step %llu", (unsigned long long)r->step);
	rep->sampled = rep->explored.tokens;
	rep->sample_s = clock_now() - t0;
	x = prepare(r, &rep->explored);
	st = learner_step(r->learner, r->step, &x, &rep->learned, why);
	rep->train_s = clock_now() - t0 - rep->sample_s;
	count_barren(r, &rep->explored);
	if (st)
		return fail_prefix(why, "step %llu", (unsigned long long)r->step);
	return check_barren(r, why);
}
