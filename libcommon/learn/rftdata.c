/* rftdata.c - the rows that RFT learns from. See rft.h. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/rft.h"

#include <assert.h>
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
	}
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

static void append(struct rft_data *d, const struct turns_row *r, uint64_t task)
{
	size_t n_resp = r->n - r->n_prompt;
	struct rft_row row = {d->n_tok, (uint32_t)r->n_prompt, (uint32_t)n_resp, 0, 0, task};

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

static int keep_row(struct rft_data *d, const struct turns_row *r, uint64_t task)
{
	const struct config *cfg = &d->policy->cfg;
	int64_t o = d->o->max_len;
	size_t max = (size_t)(o && o < cfg->max_len ? o : cfg->max_len);

	assert(!d->seq /* not sealed */);
	if (r->n == r->n_prompt || (r->learn && !memchr(r->learn, 1, r->n - r->n_prompt)))
		d->empty++;
	else if (r->n > max)
		d->too_long++;
	else
		append(d, r, task);
	return 0;
}

int rft_add_row(struct rft_data *d, const struct turns_row *r, uint64_t task, struct reason *why)
{
	if (r->n_prompt == 0)
		return fail(why, ST_INPUT, "prompt: it has no token");
	return trajids_check(d->policy, r->ids, r->n, why) ? why->status : keep_row(d, r, task);
}

static int add_traj(struct rft_data *d, const struct traj *t, uint64_t task, struct reason *why)
{
	struct trajids *s = &d->ids;
	int st = trajids_take(s, d->policy, t, why);
	struct turns_row row = {.ids = s->ids.v, .n = s->ids.n, .n_prompt = s->n_prompt};

	return st ? st : keep_row(d, &row, task);
}

int rft_add(struct rft_data *d, const struct traj *t, const struct rec *r, const char *name,
	    struct reason *why)
{
	struct reason text;

	if (check_prompt(d, t, r, name, why))
		return why->status;
	return add_traj(d, t, XXH3_64bits(t->task.p, t->task.n), &text)
		       ? rec_fail(why, name, r, "%s", text.text)
		       : 0;
}

int rft_add_text(struct rft_data *d, struct span prompt, struct span completion, uint64_t task,
		 struct reason *why)
{
	struct traj t;

	traj_clear(&t);
	t.prompt = prompt;
	t.response = completion;
	return add_traj(d, &t, task, why);
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
		double len = (double)d->row[i].n_learn;

		d->weight[i] = d->o->weight == WEIGHT_TOKEN ? 1 : 1 / len;
		if (d->o->weight == WEIGHT_TASK)
			d->weight[i] /= (double)occurrences(tasks, d->n, d->row[i].task);
	}
	free(tasks);
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
	if (d->n_train == 0)
		return fail(why, ST_INPUT,
			    "no trajectory to learn from: all %zu are held out for validation",
			    d->n);
	return 0;
}
