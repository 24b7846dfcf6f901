/* rl.c - the RL step. See rl.h. */
#include "learn/rl.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/clock.h"
#include "base/rng.h"
#include "learn/batch.h"
#include "learn/schedule.h"
#include "learn/update.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rl {
	const struct rl_opts *o;
	struct policy *p;
	struct explorer *explorer;
	struct batch *batch;
	struct weights w; /* those that change */
	struct adamw adamw;
	float *grads;     /* laid out as w */
	struct model ref; /* the start policy; n_params 0 without a KL term */
	struct batch *ref_batch;
	uint64_t step;
	uint64_t barren;     /* steps in a row without a group to train on */
	double barren_right; /* sum of their accuracies */

	/* of the present step */
	const struct explored *ex;
	struct seq *seq; /* (n_used) */
	uint64_t *group; /* (kept) groups, shuffled */
	uint64_t *order; /* (n_used) responses of an update */
	float *ref_logp; /* (tokens of all responses) */
	double *scratch; /* (4 * max_new) one response in double */
	size_t n_seq, n_tok;
	struct loss_stats stats;
};

/* Tokens of the largest micro-batch of so many groups */
static size_t micro(const struct rl *r, size_t groups, size_t longest)
{
	size_t all = groups * (size_t)r->o->group_size * longest, most = (size_t)r->o->micro_tokens;

	return most < all ? most : all;
}

/* Before any of it is asked for */
static int plan(const struct rl *r, struct memory *need, struct reason *why)
{
	const struct roller *roller = explore_roller(r->explorer);
	const struct model *m = &r->p->model;
	size_t longest = rollout_longest(roller) + (size_t)r->o->roll.sample.max_new;
	size_t groups = (size_t)r->o->groups, parts = (size_t)r->o->minibatches;
	struct memory s = {.weights = model_bytes(m)};

	longest = longest < (size_t)m->cfg.max_len ? longest : (size_t)m->cfg.max_len;
	memory_of_training(&s, m);
	s.activations = batch_bytes(r->batch, micro(r, (groups + parts - 1) / parts, longest),
				    longest, true);
	s.cache = explore_bytes(r->explorer);
	if (r->o->loss.kl > 0) {
		const struct lora *l = m->lora;

		s.reference = l ? (l->n_params + l->n_packed) * sizeof(float) : s.weights;
		s.activations += batch_bytes(r->batch, micro(r, groups, longest), longest, false);
	}
	if (need)
		*need = s;
	return memory_check(&s, why);
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
	r->batch = batch_new(&p->model, o->recompute);
	if (!r->explorer || plan(r, need, why)) {
		explore_free(r->explorer);
		batch_free(r->batch);
		free(r);
		return NULL;
	}
	r->w = model_trained(&p->model);
	adamw_init(&r->adamw, &o->adamw, r->w.w, r->w.n_w);
	r->grads = big_alloc(r->w.n * sizeof *r->grads);
	r->scratch = xarray(4 * (size_t)o->roll.sample.max_new, sizeof *r->scratch);
	if (o->loss.kl > 0) {
		model_copy(&r->ref, &p->model);
		r->ref_batch = batch_new(&r->ref, false);
	}
	return r;
}

void rl_log(struct runlog *l, const struct rl_report *r)
{
	const struct explored *e = &r->explored;

	runlog_int(l, "step", r->step);
	runlog_num(l, "reward", e->reward);
	runlog_num(l, "accuracy", e->accuracy);
	runlog_num(l, "entropy", e->entropy);
	runlog_num(l, "loss", r->loss);
	runlog_num(l, "grad_norm", r->grad_norm);
	runlog_num(l, "clip_fraction", r->clip_fraction);
	runlog_num(l, "kl_old", r->kl_old);
	runlog_num(l, "kl_start", r->kl_ref);
	runlog_num(l, "ratio_error", r->ratio_error);
	runlog_num(l, "length", e->length);
	runlog_int(l, "longest", e->longest);
	runlog_num(l, "truncated", e->truncated);
	runlog_int(l, "responses", e->responses);
	runlog_int(l, "failures", e->failures);
	runlog_int(l, "groups_tried", e->tried);
	runlog_int(l, "groups_kept", e->kept);
	runlog_int(l, "rounds", e->rounds);
	runlog_int(l, "updates", r->updates);
	runlog_int(l, "skipped", r->skipped);
	runlog_num(l, "lr", r->lr);
	runlog_num(l, "sample_tokens_per_s", (double)r->sampled / r->sample_s);
	runlog_num(l, "train_tokens_per_s",
		   r->trained ? (double)r->trained / r->train_s : (double)NAN);
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
	batch_free(r->batch);
	batch_free(r->ref_batch);
	if (r->ref.n_params)
		model_free(&r->ref);
	adamw_free(&r->adamw);
	big_free(r->grads, r->w.n * sizeof *r->grads);
	free(r->seq);
	free(r->group);
	free(r->order);
	free(r->ref_logp);
	free(r->scratch);
	free(r);
}

void rl_state(struct rl *r, struct state *s)
{
	state_count(s, "step", &r->step);
	state_count(s, "barren", &r->barren);
	state_real(s, "barren.right", &r->barren_right);
	explore_state(r->explorer, s);
	update_state(&r->adamw, &r->w, s);
}

int rl_loaded(struct rl *r, struct reason *why)
{
	model_pack(&r->p->model);
	return explore_loaded(r->explorer, why);
}

static const struct rollout *response(const struct rl *r, uint64_t i)
{
	assert(i < r->ex->n_used);
	return &r->ex->effective->v[r->ex->used[i]];
}

static void keep_ref(void *ctx, uint64_t i, const float *logp, size_t n, float *dlogp)
{
	struct rl *r = ctx;

	(void)dlogp;
	memcpy(r->ref_logp + response(r, i)->tok, logp, n * sizeof *logp);
}

/* Sequences of the step's responses, and what the reference thinks of them. */
static void prepare(struct rl *r)
{
	const struct rollouts *all = r->ex->effective;
	const struct roller *roller = explore_roller(r->explorer);

	r->seq = xgrow(r->seq, r->ex->n_used, sizeof *r->seq);
	r->order = xgrow(r->order, r->ex->n_used, sizeof *r->order);
	for (size_t i = 0; i < r->ex->n_used; i++) {
		const struct rollout *o = response(r, i);

		r->order[i] = i;
		r->seq[i] = (struct seq){.resp = all->tokens + o->tok, .n_resp = o->n};
		r->seq[i].prompt = rollout_prompt(roller, o->task, &r->seq[i].n_prompt);
	}
	if (!r->ref_batch)
		return;
	r->ref_logp = xgrow(r->ref_logp, all->n_tok, sizeof *r->ref_logp);
	batch_run(r->ref_batch, r->seq, r->order, r->ex->n_used, (size_t)r->o->micro_tokens,
		  r->o->roll.sample.temperature, keep_ref, r, NULL);
}

static void gradient(void *ctx, uint64_t i, const float *logp, size_t n, float *dlogp)
{
	struct rl *r = ctx;
	const struct rollout *o = response(r, i);
	const float *old = r->ex->effective->full + o->tok;
	double *now = r->scratch, *then = now + n, *ref = then + n, *out = ref + n;
	struct loss_seq s = {.logp = now,
			     .old = then,
			     .ref = r->ref_batch ? ref : NULL,
			     .n = n,
			     .advantage = r->ex->advantage[i],
			     .weight = loss_weight(r->o->aggregate, r->n_seq, r->n_tok, n,
						   (size_t)r->o->roll.sample.max_new)};

	for (size_t t = 0; t < n; t++) {
		now[t] = logp[t];
		then[t] = old[t];
		ref[t] = r->ref_batch ? r->ref_logp[o->tok + t] : 0;
	}
	loss_sequence(&r->o->loss, &s, out, &r->stats);
	for (size_t t = 0; t < n; t++)
		dlogp[t] = (float)out[t];
}

/* One update from the responses r->order[0..n). */
static void update(struct rl *r, size_t n, struct rl_report *rep)
{
	struct loss_stats before = r->stats;
	double norm = NAN;

	assert(n >= 1);
	r->stats.loss = 0;
	r->n_seq = n;
	r->n_tok = 0;
	for (size_t i = 0; i < n; i++)
		r->n_tok += r->seq[r->order[i]].n_resp;
	memset(r->grads, 0, r->w.n * sizeof *r->grads);
	rep->trained += batch_run(r->batch, r->seq, r->order, n, (size_t)r->o->micro_tokens,
				  r->o->roll.sample.temperature, gradient, r, r->grads);
	if (rep->updates + rep->skipped == 0)
		rep->ratio_error = r->stats.ratio_error;
	fault_float("gradient", r->grads);
	if (update_apply(&r->adamw, &r->p->model, r->grads, r->stats.loss, rep->lr, &norm)) {
		rep->updates++;
		rep->loss += r->stats.loss;
		rep->grad_norm += norm;
		return;
	}
	rep->skipped++;
	r->stats = before; /* nothing that is not finite may reach the means */
}

/* The responses of groups from..to of the shuffled ones, into order; returns how many. */
static size_t gather(struct rl *r, size_t from, size_t to)
{
	size_t n = 0;

	assert(from < to && to <= r->ex->kept);
	for (size_t g = from; g < to; g++)
		for (size_t i = r->ex->start[r->group[g]]; i < r->ex->start[r->group[g] + 1]; i++)
			r->order[n++] = i;
	return n;
}

/* Groups stay whole: their advantages are around 0 in each update, and batch_run computes a prompt
 * once for responses in a row that share it. */
static void passes(struct rl *r, struct rl_report *rep)
{
	size_t kept = r->ex->kept, parts = (size_t)r->o->minibatches;

	parts = parts < kept ? parts : kept;
	r->group = xgrow(r->group, kept, sizeof *r->group);
	for (size_t g = 0; g < kept; g++)
		r->group[g] = g;
	for (uint64_t epoch = 0; epoch < (uint64_t)r->o->epochs; epoch++) {
		rng_shuffle(rng_key(r->o->roll.seed, RNG_ORDER, r->step, epoch, 1), r->group, kept);
		for (size_t k = 0; k < parts && !adamw_stuck(&r->adamw); k++)
			update(r, gather(r, k * kept / parts, (k + 1) * kept / parts), rep);
	}
}

static void means(const struct rl *r, struct rl_report *rep)
{
	double updates = (double)rep->updates, tokens = (double)r->stats.tokens;

	rep->loss /= updates; /* 0 / 0 is NaN: nothing there */
	rep->grad_norm /= updates;
	rep->clip_fraction = (double)r->stats.clipped / tokens;
	rep->kl_old = r->stats.kl_old / tokens;
	rep->kl_ref = r->ref_batch ? r->stats.kl_ref / tokens : NAN;
}

bool rl_mastered(const struct rl *r)
{
	return r->barren >= RL_PATIENCE &&
	       r->barren_right >= RL_MASTERY * (double)r->barren; /* false for NaN */
}

static void count_barren(struct rl *r)
{
	if (r->ex->n_used) {
		r->barren = 0;
		r->barren_right = 0;
		return;
	}
	r->barren++;
	r->barren_right += r->ex->accuracy;
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
	int st;

	memset(rep, 0, sizeof *rep);
	rep->step = ++r->step;
	rep->lr = r->o->lr * schedule(DECAY_CONSTANT, r->step - 1, (uint64_t)r->o->warmup, 0);
	rep->ratio_error = NAN;
	st = explore_step(r->explorer, r->step, &rep->explored, why);
	if (st)
		return fail_prefix(why, "step %llu", (unsigned long long)r->step);
	r->ex = &rep->explored;
	rep->sampled = r->ex->tokens;
	rep->sample_s = clock_now() - t0;
	memset(&r->stats, 0, sizeof r->stats);
	if (r->ex->n_used) {
		prepare(r);
		passes(r, rep);
	}
	means(r, rep);
	rep->train_s = clock_now() - t0 - rep->sample_s;
	rep->stuck = adamw_stuck(&r->adamw);
	count_barren(r);
	if (rep->stuck)
		return fail(why, ST_INPUT,
			    "step %llu: %d updates in a row had a loss or gradient that is not "
			    "finite (a lower --lr may help)",
			    (unsigned long long)r->step, ADAMW_PATIENCE);
	return check_barren(r, why);
}
