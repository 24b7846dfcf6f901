/* rft.c - maximum likelihood on chosen responses. See rft.h. */
#include "learn/rft.h"
#include "base/elem.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/lanes.h"
#include "learn/update.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct lane_sum { /* what a lane's pass counts */
	double loss;
};

struct rft {
	const struct rft_opts *o;
	struct policy *p;
	const struct rft_data *d;
	struct batch *batch;
	struct weights w; /* those that change */
	struct optimizer optimizer;
	struct lanes lanes;    /* of the gradient, laid out as w */
	struct lane_sum *sums; /* (lanes) of the present update */
	const uint64_t *rows;  /* its rows */
	double scale;          /* what their weights are multiplied with */
	uint64_t *order;       /* (n_train) this epoch's */
	double *slope;         /* by each log-probability of one row; grown */
	uint64_t update, updates, per_epoch;
};

int rft_memory(const struct rft_opts *o, const struct policy *p, const struct rft_data *d,
	       struct memory *need, struct reason *why)
{
	struct batch *b = batch_new(&p->model, o->recompute);
	size_t longest = 0, all = 0, micro;

	assert(d->seq /* sealed */);
	for (size_t i = 0; i < d->n; i++) {
		size_t n = batch_inputs(&d->seq[i]);

		longest = n > longest ? n : longest;
		all += n;
	}
	micro = (size_t)o->micro_tokens < all ? (size_t)o->micro_tokens : all;
	*need = (struct memory){.weights = model_bytes(&p->model)};
	update_memory(&o->optimizer, &p->model, (size_t)o->lanes,
		      (uint64_t)o->batch * longest <= (uint64_t)o->micro_tokens, need);
	need->activations = batch_bytes(b, micro, longest, true);
	batch_free(b);
	return memory_check(need, why);
}

struct rft *rft_new(const struct rft_opts *o, struct policy *p, const struct rft_data *d)
{
	struct rft *r = xcalloc(1, sizeof *r);

	assert(d->seq && d->n_train >= 1 /* sealed */);
	assert(o->batch >= 1 && o->micro_tokens >= 1 && o->lanes >= 1);
	assert(o->lr >= 0 && o->warmup >= 0);
	r->o = o;
	r->p = p;
	r->d = d;
	r->batch = batch_new(&p->model, o->recompute);
	r->w = model_trained(&p->model);
	optimizer_init(&r->optimizer, &o->optimizer, r->w.w, r->w.n_w);
	lanes_open(&r->lanes, (size_t)o->lanes, &p->model, r->optimizer.bound);
	r->sums = xarray((size_t)o->lanes, sizeof *r->sums);
	r->order = xarray(d->n_train, sizeof *r->order);
	r->per_epoch = (d->n_train + (uint64_t)o->batch - 1) / (uint64_t)o->batch;
	r->updates = o->steps ? (uint64_t)o->steps : (uint64_t)o->epochs * r->per_epoch;
	return r;
}

void rft_log(struct runlog *l, const struct rft_report *r, double seconds)
{
	runlog_int(l, "update", r->update);
	runlog_int(l, "epoch", r->epoch);
	runlog_num(l, "loss", r->loss);
	runlog_num(l, "grad_norm", r->grad_norm);
	runlog_num(l, "lr", r->lr);
	runlog_int(l, "applied", r->applied);
	runlog_int(l, "tokens", r->tokens);
	runlog_num(l, "tokens_per_s", (double)r->tokens / seconds);
	runlog_num(l, "seconds", seconds);
}

void rft_free(struct rft *r)
{
	if (!r)
		return;
	batch_free(r->batch);
	lanes_free(&r->lanes);
	optimizer_free(&r->optimizer);
	free(r->sums);
	free(r->order);
	free(r->slope);
	free(r);
}

bool rft_stuck(const struct rft *r)
{
	return optimizer_stuck(&r->optimizer);
}

struct sum { /* of one lane */
	struct rft *r;
	double loss;
};

/* L = -sum over t of w_t logp_t; d/dlogp_t = -w_t */
double rft_response(const struct rft_opts *o, double weight, const float *logp, const float *mu,
		    size_t n, double *dlogp)
{
	struct pear_opts pear = rft_pear(o);
	double sum = 0;

	pear_weights(&pear, logp, mu, n, dlogp);
	for (size_t t = 0; t < n; t++) {
		dlogp[t] *= -weight * (o->loss == RFT_DFT ? elem_exp(logp[t]) : 1);
		sum += dlogp[t] * logp[t];
	}
	return sum;
}

static void weighted(void *ctx, uint64_t i, const struct batch_rows *r)
{
	struct sum *s = ctx;
	const struct rft_data *d = s->r->d;

	s->r->slope = xgrow(s->r->slope, r->n, sizeof *s->r->slope);
	s->loss += rft_response(s->r->o, d->weight[i] * d->row[i].own * s->r->scale, r->logp,
				d->old ? d->old[i] : NULL, r->n, s->r->slope);
	for (size_t t = 0; t < r->n; t++)
		r->dlogp[t] = (float)s->r->slope[t];
}

/* -weight * sum over t of logp_t */
static double unlikelihood(double weight, const float *logp, size_t n)
{
	double sum = 0;

	for (size_t t = 0; t < n; t++)
		sum -= logp[t];
	return weight * sum;
}

/* d/dlogp_t = -weight */
static void likelihood(void *ctx, uint64_t i, const struct batch_rows *r)
{
	struct sum *s = ctx;
	double weight = s->r->d->weight[i] * s->r->scale;

	s->loss += unlikelihood(weight, r->logp, r->n);
	for (size_t t = 0; t < r->n; t++)
		r->dlogp[t] = (float)-weight;
}

static double total_weight(const struct rft_data *d, const uint64_t *order, size_t n)
{
	double sum = 0;

	assert(n >= 1);
	for (size_t i = 0; i < n; i++)
		sum += d->weight[order[i]] * (double)d->row[order[i]].n_learn;
	return sum;
}

static void run_lane(void *ctx, size_t k, const struct grads_to *to)
{
	struct rft *r = ctx;
	struct sum s = {r, 0};
	bool plain = !r->d->old && !r->o->weight_key && r->o->loss == RFT_NLL;
	size_t from = r->lanes.at[k], n = r->lanes.at[k + 1] - from;

	batch_run(r->batch, r->d->seq, r->rows + from, n, (size_t)r->o->micro_tokens, 1,
		  plain ? likelihood : weighted, &s, to);
	r->sums[k].loss = s.loss;
}

static void cut_lanes(struct rft *r, size_t n, size_t tokens)
{
	lanes_begin(&r->lanes, tokens);
	for (size_t i = 0; i < n; i++)
		lanes_cut(&r->lanes, i, batch_inputs(&r->d->seq[r->rows[i]]));
	lanes_end(&r->lanes, n);
}

/* Weighted mean of -log p over the n rows; its gradient becomes that of the lanes. */
static double accumulate(struct rft *r, size_t n, size_t tokens)
{
	const struct lane_work work = {r->d->seq, r->rows, (size_t)r->o->micro_tokens, run_lane, r};
	double loss = 0;

	r->scale = 1 / total_weight(r->d, r->rows, n);
	cut_lanes(r, n, tokens);
	lanes_run(&r->lanes, &work, r->sums, sizeof *r->sums);
	for (size_t k = 0; k < r->lanes.n; k++)
		if (!lanes_empty(&r->lanes, k))
			loss += r->sums[k].loss;
	return loss;
}

double rft_validate(struct rft *r)
{
	const struct rft_data *d = r->d;
	double loss = 0, scale;
	size_t tokens = 0, at = 0;
	float *logp;

	assert(d->n_held >= 1);
	scale = 1 / total_weight(d, d->held, d->n_held);
	for (size_t i = 0; i < d->n_held; i++)
		tokens += batch_outputs(&d->seq[d->held[i]]);
	logp = xarray(tokens, sizeof *logp);
	batch_score(r->batch, d->seq, d->held, d->n_held, (size_t)r->o->micro_tokens, 1, logp,
		    NULL);
	for (size_t i = 0; i < d->n_held; i++) {
		uint64_t row = d->held[i];
		size_t n = batch_outputs(&d->seq[row]);

		loss += unlikelihood(d->weight[row] * scale, logp + at, n);
		at += n;
	}
	free(logp);
	return loss;
}

uint64_t rft_updates(const struct rft *r)
{
	return r->updates;
}

static void shuffle(struct rft *r)
{
	memcpy(r->order, r->d->train, r->d->n_train * sizeof *r->order);
	rng_shuffle(rng_key(r->o->seed, RNG_ORDER, r->update / r->per_epoch, 0, 0), r->order,
		    r->d->n_train);
}

void rft_state(struct rft *r, struct state *s)
{
	state_count(s, "update", &r->update);
	update_state(&r->optimizer, &r->w, s);
}

int rft_loaded(struct rft *r, struct reason *why)
{
	if (r->update > r->updates)
		return fail(why, ST_INPUT, "update %" PRIu64 " of %" PRIu64, r->update, r->updates);
	model_pack(&r->p->model);
	shuffle(r);
	return 0;
}

/* The rows of this update: the next o->batch of this epoch's order, fewer at its end. */
static const uint64_t *next_rows(struct rft *r, size_t *n)
{
	uint64_t k = r->update % r->per_epoch;
	size_t from = k * (size_t)r->o->batch, left = r->d->n_train - from;

	assert(from < r->d->n_train);
	if (k == 0)
		shuffle(r);
	*n = left < (size_t)r->o->batch ? left : (size_t)r->o->batch;
	return r->order + from;
}

int rft_next(struct rft *r, struct rft_report *rep, struct reason *why)
{
	size_t n;

	if (r->update == r->updates)
		return 0;
	r->rows = next_rows(r, &n);
	*rep = (struct rft_report){.updates = r->updates,
				   .epoch = r->update / r->per_epoch + 1,
				   .grad_norm = NAN,
				   .lr = r->o->lr * schedule(r->o->decay, r->update,
							     (uint64_t)r->o->warmup, r->updates)};
	for (size_t i = 0; i < n; i++)
		rep->tokens += batch_inputs(&r->d->seq[r->rows[i]]);
	rep->loss = accumulate(r, n, rep->tokens);
	fault_float("gradient", r->lanes.total);
	rep->applied = update_apply(&r->optimizer, &r->p->model, r->lanes.total, rep->loss, rep->lr,
				    &rep->grad_norm);
	rep->update = ++r->update;
	rep->epoch_end = r->update % r->per_epoch == 0 || r->update == r->updates;
	if (rft_stuck(r)) {
		fail(why, ST_INPUT,
		     "update %" PRIu64 ": %d in a row had a loss or gradient that is not finite "
		     "(a lower --lr may help)",
		     r->update, OPTIMIZER_PATIENCE);
		return -1;
	}
	return 1;
}
