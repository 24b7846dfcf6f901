/* rftdata.c - the rows that RFT learns from. See rft.h. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/rft.h"
#include "stream/trajscan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void rft_data_init(struct rft_data *d, const struct policy *p, const struct rft_opts *o)
{
	memset(d, 0, sizeof *d);
	d->policy = p;
	d->o = o;
}

uint64_t rft_data_hash(const struct rft_data *d)
{
	struct hash *h = hash_new();
	uint64_t sum;

	for (size_t i = 0; i < d->n; i++) {
		const struct rft_row *r = &d->row[i];
		uint64_t head[] = {r->n_prompt, r->n_resp, r->task};

		hash_add(h, head, sizeof head);
		if (d->o->weight_key)
			hash_add(h, &r->own, sizeof r->own);
	}
	hash_add(h, d->mu, d->n_mu * sizeof *d->mu);
	hash_add(h, d->tok, d->n_tok * sizeof *d->tok);
	hash_add(h, d->learn.p, d->learn.n);
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

void rft_data_free(struct rft_data *d)
{
	free(d->tok);
	free(d->row);
	buf_free(&d->learn);
	free(d->mu);
	free(d->old);
	trajids_free(&d->ids);
	names_free(&d->tasks);
	free(d->prompt);
	free(d->seq);
	free(d->weight);
	free(d->train);
	free(d->held);
	memset(d, 0, sizeof *d);
}

static size_t doubled(size_t cap, size_t need)
{
	return need > 2 * cap ? need : 2 * cap;
}

/* One problem, one prompt: its weight and whether it is held out are a problem's. */
static int check_prompt(struct rft_data *d, const struct traj *t, const struct rec *r,
			const char *name, struct reason *why)
{
	size_t id = names_id(&d->tasks, t->task);

	d->prompt = names_room(d->prompt, &d->n_prompt, id, sizeof *d->prompt);
	return traj_one_prompt(t, &d->prompt[id], r, name, why);
}

/* Which tokens of the response are learned: where all are, nothing is kept. */
static uint64_t keep_learn(struct rft_data *d, const uint8_t *learn, size_t n, struct rft_row *row)
{
	row->n_learn = row->n_resp;
	if (!learn)
		return 0;
	row->n_learn = 0;
	for (size_t i = 0; i < n; i++)
		row->n_learn += learn[i];
	buf_add(&d->learn, learn, n);
	return d->learn.n - n + 1;
}

static void append(struct rft_data *d, const struct turns_row *r, struct rft_of of)
{
	size_t n_resp = r->n - r->n_prompt;
	struct rft_row row = {.at = d->n_tok,
			      .n_prompt = (uint32_t)r->n_prompt,
			      .n_resp = (uint32_t)n_resp,
			      .task = of.task,
			      .own = of.own};

	assert(r->n_prompt >= 1 && r->n_prompt < r->n);
	if (d->n == d->cap) {
		d->cap = doubled(d->cap, 1024);
		d->row = xgrow(d->row, d->cap, sizeof *d->row);
	}
	if (d->cap_tok - d->n_tok < r->n) {
		d->cap_tok = doubled(d->cap_tok, d->n_tok + r->n);
		d->tok = xgrow(d->tok, d->cap_tok, sizeof *d->tok);
	}
	row.learn = keep_learn(d, r->learn, n_resp, &row);
	d->row[d->n++] = row;
	memcpy(d->tok + d->n_tok, r->ids, r->n * sizeof *r->ids);
	d->n_tok += r->n;
}

/* False: the row is left out, and counted. */
static bool keep_row(struct rft_data *d, const struct turns_row *r, struct rft_of of)
{
	const struct config *cfg = &d->policy->cfg;
	int64_t o = d->o->max_len;
	size_t max = (size_t)(o && o < cfg->max_len ? o : cfg->max_len);

	assert(!d->seq /* not sealed */);
	if (r->n == r->n_prompt || (r->learn && !memchr(r->learn, 1, r->n - r->n_prompt)))
		d->empty++;
	else if (r->n > max)
		d->too_long++;
	else {
		append(d, r, of);
		return true;
	}
	return false;
}

struct pear_opts rft_pear(const struct rft_opts *o)
{
	struct pear_opts p = o->pear;

	p.kind = o->weight >= WEIGHT_SEQUENCE
			 ? (enum pear_kind)(PEAR_SEQUENCE + (o->weight - WEIGHT_SEQUENCE))
			 : PEAR_NONE;
	return p;
}

static int no_mu(struct reason *why)
{
	return fail(why, ST_INPUT,
		    "--weight by importance needs the log-probabilities of what is learned: a "
		    "record's tokens and logprobs");
}

int rft_add_row(struct rft_data *d, const struct turns_row *r, struct rft_of of, struct reason *why)
{
	if (rft_pear(d->o).kind)
		return no_mu(why);
	if (r->n_prompt == 0)
		return fail(why, ST_INPUT, "prompt: it has no token");
	if (trajids_check(d->policy, r->ids, r->n, why))
		return why->status;
	keep_row(d, r, of);
	return 0;
}

static void keep_mu(struct rft_data *d, const struct traj *t)
{
	if (d->cap_mu - d->n_mu < t->n_tokens) {
		d->cap_mu = doubled(d->cap_mu, d->n_mu + t->n_tokens);
		d->mu = xgrow(d->mu, d->cap_mu, sizeof *d->mu);
	}
	memcpy(d->mu + d->n_mu, t->logprobs, t->n_tokens * sizeof *d->mu);
	d->n_mu += t->n_tokens;
	d->other_draws += (!isnan(t->temperature) && t->temperature != 1) ||
			  (!isnan(t->top_p) && t->top_p != 1) || t->top_k > 0;
}

static int add_traj(struct rft_data *d, const struct traj *t, struct rft_of of, struct reason *why)
{
	struct trajids *s = &d->ids;
	int st = trajids_take(s, d->policy, t, why);
	struct turns_row row = {.ids = s->ids.v, .n = s->ids.n, .n_prompt = s->n_prompt};
	bool pear = rft_pear(d->o).kind != PEAR_NONE;

	if (st)
		return st;
	if (pear && (!t->tokens || t->n_logprobs != t->n_tokens))
		return no_mu(why);
	if (keep_row(d, &row, of) && pear)
		keep_mu(d, t);
	return 0;
}

int rft_own(const struct rft_opts *o, bool has, double x, struct reason *why)
{
	return has && isfinite(x) && x >= 0
		       ? 0
		       : fail(why, ST_INPUT, "--weight-key: key \"%s\" is no number from 0",
			      o->weight_key);
}

static int own_weight(const struct rft_data *d, const struct rec *r, double *own,
		      struct reason *why)
{
	bool has;

	*own = 1;
	if (!d->o->weight_key)
		return 0;
	has = mp_f64(trajscan_path(r->map, d->o->weight_key), own);
	return rft_own(d->o, has, *own, why);
}

int rft_add(struct rft_data *d, const struct traj *t, const struct rec *r, const char *name,
	    struct reason *why)
{
	struct rft_of of = {.task = XXH3_64bits(t->task.p, t->task.n)};
	struct reason text;

	if (check_prompt(d, t, r, name, why))
		return why->status;
	return own_weight(d, r, &of.own, &text) || add_traj(d, t, of, &text)
		       ? rec_fail(why, name, r, "%s", text.text)
		       : 0;
}

int rft_add_text(struct rft_data *d, struct span prompt, struct span completion, struct rft_of of,
		 struct reason *why)
{
	struct traj t;

	traj_clear(&t);
	t.prompt = prompt;
	t.response = completion;
	return add_traj(d, &t, of, why);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* First of the sorted v[0..n) that is not below x. */
static size_t lower(const uint64_t *v, size_t n, uint64_t x)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t occurrences(const uint64_t *v, size_t n, uint64_t x)
{
	return (x == UINT64_MAX ? n : lower(v, n, x + 1)) - lower(v, n, x);
}

static void weigh(struct rft_data *d)
{
	uint64_t *tasks = xarray(d->n, sizeof *tasks);

	for (size_t i = 0; i < d->n; i++)
		tasks[i] = d->row[i].task;
	qsort(tasks, d->n, sizeof *tasks, by_value);
	for (size_t i = 0; i < d->n; i++) {
		double len = (double)d->row[i].n_learn, n = 1;

		if (d->o->weight == WEIGHT_TASK || d->o->weight == WEIGHT_ROOT_TASK)
			n = (double)occurrences(tasks, d->n, d->row[i].task);
		switch (d->o->weight) {
		case WEIGHT_TRAJECTORY:
		case WEIGHT_TASK:
			d->weight[i] = 1 / len / n;
			break;
		case WEIGHT_ROOT_TASK:
			d->weight[i] = 1 / sqrt(n);
			break;
		default: /* rft_response weighs pear's */
			d->weight[i] = 1;
		}
	}
	free(tasks);
}

/* Where the log-probabilities of each row are: all of its response's are learned. */
static void place_mu(struct rft_data *d)
{
	size_t at = 0;

	if (!rft_pear(d->o).kind)
		return;
	d->old = xarray(d->n, sizeof *d->old);
	for (size_t i = 0; i < d->n; i++) {
		d->old[i] = d->mu + at;
		at += d->row[i].n_resp;
	}
	assert(at == d->n_mu);
}

int rft_seal(struct rft_data *d, struct reason *why)
{
	assert(!d->seq);
	if (d->n == 0)
		return fail(why, ST_INPUT, "no trajectory to learn from");
	d->seq = xarray(d->n, sizeof *d->seq);
	d->weight = xarray(d->n, sizeof *d->weight);
	d->train = xarray(d->n, sizeof *d->train);
	d->held = xarray(d->n, sizeof *d->held);
	for (size_t i = 0; i < d->n; i++) {
		const struct rft_row *row = &d->row[i];
		uint64_t key = rng_key(d->o->seed, RNG_SPLIT, row->task, 0, 0);

		d->seq[i] = (struct seq){.prompt = d->tok + row->at,
					 .resp = d->tok + row->at + row->n_prompt,
					 .n_prompt = row->n_prompt,
					 .n_resp = row->n_resp};
		if (row->learn)
			d->seq[i].learn = (const uint8_t *)d->learn.p + row->learn - 1;
		/* whole problems: another answer to one that was learned proves little */
		if (rng_uniform(key, 0) < d->o->validation)
			d->held[d->n_held++] = i;
		else
			d->train[d->n_train++] = i;
	}
	weigh(d);
	place_mu(d);
	if (d->n_train == 0)
		return fail(why, ST_INPUT,
			    "no trajectory to learn from: all %zu are held out for validation",
			    d->n);
	return 0;
}
