/* learner.c - the learning half of an RL step. See learner.h. */
#include "learn/learner.h"
#include "base/elem.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/lanes.h"
#include "learn/schedule.h"
#include "learn/update.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void learner_bounds(struct learner_opts *o)
{
	static const struct {
		double low, high;
	} usual[] = {{0, 0}, {0, 2}, {0.5, 5}, {0, 3}, {0.999, 1.002}};

	o->low = o->low > 0 ? o->low : usual[o->importance].low;
	o->high = o->high > 0 ? o->high : usual[o->importance].high;
}

static double log_ratio(float pi, float mu)
{
	double d = (double)pi - mu;

	return d < -20 ? -20 : d > 20 ? 20 : d;
}

void learner_weigh(const struct learner_opts *o, const float *pi, const float *mu, size_t n,
		   double *w)
{
	double sum = 0, all;
	bool within;

	for (size_t t = 0; t < n; t++)
		sum += log_ratio(pi[t], mu[t]);
	all = elem_exp(o->importance == IMPORTANCE_GEOMETRIC ? sum / (double)n : sum);
	within = all >= o->low && all <= o->high;
	for (size_t t = 0; t < n; t++) {
		double r = elem_exp(log_ratio(pi[t], mu[t]));

		if (o->importance == IMPORTANCE_TIS)
			w[t] = r < o->high ? r : o->high;
		else if (o->importance == IMPORTANCE_ICEPOP)
			w[t] = r >= o->low && r <= o->high ? r : 0;
		else if (o->importance == IMPORTANCE_SEQUENCE)
			w[t] = within ? all : 0;
		else
			w[t] = within ? r : 0;
	}
}

struct learner {
	const struct rl_opts *o;
	struct learner_opts off;
	struct policy *p;
	struct batch *batch;
	struct weights w; /* those that change */
	struct optimizer optimizer;
	struct lanes lanes; /* of the gradient, laid out as w */
	struct model ref;   /* the start policy; n_params 0 without a KL term */
	struct batch *ref_batch;

	/* of the present step */
	const struct lesson *x;
	uint64_t *group;         /* (groups) shuffled */
	uint64_t *order;         /* (n) responses of an update */
	size_t *at;              /* (n) where each one's numbers begin in what follows */
	float *ref_logp, *begin; /* of the reference, and of the policy at the step's begin */
	float *begin_whole;      /* the same over the whole vocabulary, where something was cut */
	struct seq *whole;       /* (n) the responses as if nothing had been */
	bool cut;                /* something was: whole is not x->seq */
	double *weight;          /* of each token; with importance */
	double *scratch;         /* (7 * longest) one response in double */
	size_t n_seq, n_tok;     /* of an update, masked or not */
	struct loss_stats stats;

	struct lane_sum *sums; /* (lanes) of the present update */
};

struct lane_sum { /* what a lane's pass counts */
	struct loss_stats stats;
	size_t seen;
};

static size_t lanes(const struct learner *l)
{
	return (size_t)l->o->lanes;
}

static int check_rewards(struct rl_opts *o, const char *list)
{
	bool gdpo = o->advantage.kind == ADV_GDPO;
	struct reason why;

	if (list && rewards_parse(list, &o->rewards, &why))
		return tool_usage("--rewards: %s", why.text);
	if (gdpo && !list)
		return tool_usage("--advantage gdpo is of several --rewards");
	if (gdpo && o->overlong_buffer)
		return tool_usage("--overlong-buffer takes from one reward, and --advantage gdpo "
				  "is of several");
	return 0;
}

int learner_options(struct rl_opts *o, const struct rl_words *w)
{
	if (o->loss.dual_clip > 0 && o->loss.dual_clip <= 1)
		return tool_usage("--dual-clip: it must be above 1, or 0");
	if (o->advantage.kind == ADV_MAXRL && o->overlong_buffer)
		return tool_usage("--advantage maxrl takes no reward below 0, which "
				  "--overlong-buffer makes");
	o->loss.kind = (enum loss_kind)tool_word(LOSS_WORDS, w->loss);
	o->aggregate = (enum aggregate)tool_word(AGGREGATE_WORDS, w->aggregate);
	if (o->loss.bound <= 0)
		o->loss.bound = o->loss.kind == LOSS_DPPO_TV ? 0.15 : 0.05;
	return check_rewards(o, w->rewards);
}

/* Tokens of the largest micro-batch of so many responses */
static size_t micro(const struct learner *l, size_t responses, size_t longest)
{
	size_t all = responses * longest, most = (size_t)l->o->micro_tokens;

	return most < all ? most : all;
}

static bool weighs(const struct learner *l)
{
	return l->off.importance != IMPORTANCE_NONE;
}

void learner_memory(const struct learner *l, size_t groups, size_t each, size_t longest,
		    struct memory *need)
{
	const struct model *m = &l->p->model;
	size_t parts = (size_t)l->o->minibatches, part = each * ((groups + parts - 1) / parts);

	update_memory(&l->o->optimizer, m, lanes(l), part * longest <= (size_t)l->o->micro_tokens,
		      need);
	need->activations += batch_bytes(l->batch, micro(l, part, longest), longest, true);
	if (l->o->loss.kl > 0) {
		const struct lora *a = m->lora;

		need->reference = a ? (a->n_params + a->n_packed) * sizeof(float) : need->weights;
		need->activations +=
			batch_bytes(l->batch, micro(l, groups * each, longest), longest, false);
	}
}

struct learner *learner_new(const struct rl_opts *o, const struct learner_opts *off,
			    struct policy *p)
{
	struct learner *l = xcalloc(1, sizeof *l);

	assert(o->epochs >= 1 && o->minibatches >= 1);
	assert(o->micro_tokens >= 1 && o->lanes >= 1);
	l->o = o;
	l->p = p;
	if (off)
		l->off = *off;
	l->batch = batch_new(&p->model, o->recompute);
	l->sums = xarray(lanes(l), sizeof *l->sums);
	if (o->loss.entropy > 0)
		batch_entropy(l->batch);
	return l;
}

/* What is large, once it is known that there is room for it */
static void begin(struct learner *l)
{
	if (l->lanes.n)
		return;
	l->w = model_trained(&l->p->model);
	optimizer_init(&l->optimizer, &l->o->optimizer, l->w.w, l->w.n_w);
	lanes_open(&l->lanes, lanes(l), &l->p->model, l->optimizer.bound);
	if (l->o->loss.kl > 0) {
		model_copy(&l->ref, &l->p->model);
		l->ref_batch = batch_new(&l->ref, false);
	}
}

void learner_log(struct runlog *log, const struct learned *r)
{
	runlog_num(log, "loss", r->loss);
	runlog_num(log, "grad_norm", r->grad_norm);
	runlog_num(log, "clip_fraction", r->clip_fraction);
	runlog_num(log, "kl_old", r->kl_old);
	runlog_num(log, "kl_start", r->kl_ref);
	runlog_num(log, "ratio_error", r->ratio_error);
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	batch_free(l->batch);
	batch_free(l->ref_batch);
	if (l->ref.n_params)
		model_free(&l->ref);
	lanes_free(&l->lanes);
	optimizer_free(&l->optimizer);
	free(l->sums);
	free(l->group);
	free(l->order);
	free(l->at);
	free(l->ref_logp);
	free(l->begin);
	free(l->begin_whole);
	free(l->whole);
	free(l->weight);
	free(l->scratch);
	free(l);
}

void learner_state(struct learner *l, struct state *s)
{
	begin(l);
	update_state(&l->optimizer, &l->w, s);
}

void learner_loaded(struct learner *l)
{
	model_pack(&l->p->model);
}

/* ---- what the step begins with ---- */

static void weigh_all(struct learner *l, struct learned *out)
{
	const struct lesson *x = l->x;
	size_t n = 0, masked = 0;
	double sum = 0;

	for (size_t i = 0; i < x->n; i++)
		learner_weigh(&l->off, l->begin + l->at[i], x->old[i], x->seq[i].n_resp,
			      l->weight + l->at[i]);
	for (size_t i = 0; i < x->n; i++)
		n += x->seq[i].n_resp;
	for (size_t t = 0; t < n; t++) {
		sum += l->weight[t];
		masked += l->weight[t] == 0;
	}
	out->importance = sum / (double)n;
	out->masked = (double)masked / (double)n;
}

static void make_room(struct learner *l)
{
	const struct lesson *x = l->x;
	size_t all = 0, longest = 0;

	l->order = xgrow(l->order, x->n, sizeof *l->order);
	l->whole = xgrow(l->whole, x->n, sizeof *l->whole);
	l->cut = false;
	l->at = xgrow(l->at, x->n, sizeof *l->at);
	l->group = xgrow(l->group, x->groups, sizeof *l->group);
	for (size_t i = 0; i < x->n; i++) {
		size_t n = x->seq[i].n_resp;

		l->order[i] = i;
		l->whole[i] = x->seq[i];
		l->whole[i].kept = (struct span){0};
		l->cut |= x->seq[i].kept.p != NULL;
		l->at[i] = all;
		all += n;
		longest = n > longest ? n : longest;
	}
	l->scratch = xgrow(l->scratch, 7 * longest, sizeof *l->scratch);
	if (l->ref_batch)
		l->ref_logp = xgrow(l->ref_logp, all, sizeof *l->ref_logp);
	if (weighs(l) || l->off.distill > 0)
		l->begin = xgrow(l->begin, all, sizeof *l->begin);
	if (l->cut && l->off.distill > 0)
		l->begin_whole = xgrow(l->begin_whole, all, sizeof *l->begin_whole);
	if (weighs(l))
		l->weight = xgrow(l->weight, all, sizeof *l->weight);
}

/* Log-probabilities of all responses */
static void score(const struct learner *l, struct batch *b, const struct seq *seq, float *logp)
{
	batch_score(b, seq, l->order, l->x->n, (size_t)l->o->micro_tokens, l->x->temperature, logp,
		    NULL);
}

/* What the reference, and the policy as it is now, think of the responses */
static void prepare(struct learner *l, struct learned *out)
{
	make_room(l);
	if (l->ref_batch)
		score(l, l->ref_batch, l->whole, l->ref_logp);
	if (weighs(l) || l->off.distill > 0)
		score(l, l->batch, l->x->seq, l->begin);
	if (l->cut && l->off.distill > 0)
		score(l, l->batch, l->whole, l->begin_whole);
	if (weighs(l))
		weigh_all(l, out);
}

/* ---- updates ---- */

static void gradient(void *ctx, uint64_t i, const struct batch_rows *r)
{
	struct learner *l = ctx;
	const struct lesson *x = l->x;
	const float *begin = l->cut ? l->begin_whole : l->begin;
	size_t n = r->n;
	const float *old = weighs(l) ? l->begin + l->at[i] : x->old[i];
	double *now = l->scratch, *then = now + n, *ref = then + n, *more = ref + n,
	       *out = more + n, *whole = out + n, *dwhole = whole + n;
	struct loss_seq s = {.logp = now,
			     .old = then,
			     .whole = r->whole ? whole : NULL,
			     .dwhole = dwhole,
			     .ref = l->ref_batch ? ref : NULL,
			     .scale = weighs(l) ? l->weight + l->at[i] : NULL,
			     .more = l->off.distill > 0 ? more : NULL,
			     .n = n,
			     .advantage = x->advantage[i],
			     .weight = loss_weight(l->o->aggregate, l->n_seq, l->n_tok, n,
						   (size_t)l->o->roll.sample.max_new)};

	for (size_t t = 0; t < n; t++) {
		now[t] = r->logp[t];
		whole[t] = r->whole ? r->whole[t] : 0;
		then[t] = old[t];
		ref[t] = l->ref_batch ? l->ref_logp[l->at[i] + t] : 0;
		more[t] =
			l->off.distill > 0
				? l->off.distill * ((double)x->teacher[i][t] - begin[l->at[i] + t])
				: 0;
	}
	loss_sequence(&l->o->loss, &s, out, &l->stats);
	for (size_t t = 0; t < n; t++)
		r->dlogp[t] = (float)out[t];
	for (size_t t = 0; t < n && r->whole; t++)
		r->dwhole[t] = (float)dwhole[t];
	if (r->entropy)
		loss_entropy(&l->o->loss, &s, r->entropy, r->dent, &l->stats.loss);
}

/* The first lane goes on from the step's sums. */
static void run_lane(void *ctx, size_t k, const struct grads_to *to)
{
	struct learner *l = ctx;
	size_t from = l->lanes.at[k], n = l->lanes.at[k + 1] - from;
	struct loss_stats all = l->stats;

	if (k)
		memset(&l->stats, 0, sizeof l->stats);
	l->sums[k].seen = batch_run(l->batch, l->x->seq, l->order + from, n,
				    (size_t)l->o->micro_tokens, l->x->temperature, gradient, l, to);
	l->sums[k].stats = l->stats;
	l->stats = all;
}

/* The update's gradient and sums, of lane after lane. Returns the tokens that were computed. */
static size_t all_lanes(struct learner *l)
{
	const struct lane_work work = {l->x->seq, l->order, (size_t)l->o->micro_tokens, run_lane,
				       l};
	size_t seen = 0;

	lanes_run(&l->lanes, &work, l->sums, sizeof *l->sums);
	for (size_t k = 0; k < lanes(l); k++) {
		if (lanes_empty(&l->lanes, k))
			continue;
		seen += l->sums[k].seen;
		if (k)
			loss_add(&l->stats, &l->sums[k].stats);
		else
			l->stats = l->sums[k].stats;
	}
	return seen;
}

/* One update from the responses in l->order, one at least. */
static void update(struct learner *l, struct learned *out)
{
	struct loss_stats before = l->stats;
	double norm = NAN;

	l->stats.loss = 0;
	out->trained += all_lanes(l);
	if (out->updates + out->skipped == 0)
		out->ratio_error = l->stats.ratio_error;
	fault_float("gradient", l->lanes.total);
	if (update_apply(&l->optimizer, &l->p->model, l->lanes.total, l->stats.loss, out->lr,
			 &norm)) {
		out->updates++;
		out->loss += l->stats.loss;
		out->grad_norm += norm;
		return;
	}
	out->skipped++;
	l->stats = before; /* nothing that is not finite may reach the means */
}

static size_t group_tokens(const struct lesson *x, size_t group)
{
	size_t n = 0;

	for (size_t i = x->start[group]; i < x->start[group + 1]; i++)
		n += x->seq[i].n_resp;
	return n;
}

static void count_all(struct learner *l, size_t from, size_t to)
{
	const struct lesson *x = l->x;

	l->n_seq = l->n_tok = 0;
	for (size_t g = from; g < to; g++) {
		l->n_seq += x->start[l->group[g] + 1] - x->start[l->group[g]];
		l->n_tok += group_tokens(x, l->group[g]);
	}
}

/* The responses of groups from..to of the shuffled ones, into order; returns how many. What the
 * loss is a mean of are all of them, those that are masked too. */
static size_t gather(struct learner *l, size_t from, size_t to)
{
	const struct lesson *x = l->x;
	size_t n = 0;

	assert(from < to && to <= x->groups);
	count_all(l, from, to);
	lanes_begin(&l->lanes, l->n_tok);
	for (size_t g = from; g < to; g++) {
		lanes_cut(&l->lanes, n, group_tokens(x, l->group[g]));
		for (size_t i = x->start[l->group[g]]; i < x->start[l->group[g] + 1]; i++) {
			if (!x->truncated || !x->truncated[i])
				l->order[n++] = i;
		}
	}
	lanes_end(&l->lanes, n);
	return n;
}

/* Groups stay whole: their advantages are around 0 in each update, and batch_run computes a prompt
 * once for responses in a row that share it. */
static void passes(struct learner *l, uint64_t step, struct learned *out)
{
	size_t kept = l->x->groups, parts = (size_t)l->o->minibatches;

	parts = parts < kept ? parts : kept;
	for (size_t g = 0; g < kept; g++)
		l->group[g] = g;
	for (uint64_t epoch = 0; epoch < (uint64_t)l->o->epochs; epoch++) {
		rng_shuffle(rng_key(l->o->roll.seed, RNG_ORDER, step, epoch, 1), l->group, kept);
		for (size_t k = 0; k < parts && !optimizer_stuck(&l->optimizer); k++)
			if (gather(l, k * kept / parts, (k + 1) * kept / parts))
				update(l, out);
	}
}

static void means(const struct learner *l, struct learned *out)
{
	double updates = (double)out->updates, tokens = (double)l->stats.tokens;

	out->loss /= updates; /* 0 / 0 is NaN: nothing there */
	out->grad_norm /= updates;
	out->clip_fraction = (double)l->stats.clipped / tokens;
	out->kl_old = l->stats.kl_old / tokens;
	out->kl_ref = l->ref_batch ? l->stats.kl_ref / tokens : NAN;
}

int learner_step(struct learner *l, uint64_t step, const struct lesson *x, struct learned *out,
		 struct reason *why)
{
	begin(l);
	*out = (struct learned){.lr = l->o->lr *
				      schedule(DECAY_CONSTANT, step - 1, (uint64_t)l->o->warmup, 0),
				.ratio_error = NAN,
				.importance = NAN,
				.masked = NAN};
	memset(&l->stats, 0, sizeof l->stats);
	l->x = x;
	if (x->n) {
		prepare(l, out);
		passes(l, step, out);
	}
	means(l, out);
	out->stuck = optimizer_stuck(&l->optimizer);
	return out->stuck ? fail(why, ST_INPUT,
				 "%d updates in a row had a loss or gradient that is not finite (a "
				 "lower --lr may help)",
				 OPTIMIZER_PATIENCE)
			  : 0;
}
