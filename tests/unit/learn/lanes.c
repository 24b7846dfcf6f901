/* Lanes: part by part they come to the bits that whole ones come to, and take no array. */
#include "base/mem.h"
#include "base/rng.h"
#include "learn/batch.h"
#include "learn/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tiny.h"

enum { N = 12, LEN = 8, N_LANES = 5 };

static uint32_t tokens[N][2 * LEN];
static struct seq seqs[N];
static uint64_t order[N];

struct work { /* what the calls are given */
	struct batch *batch;
	struct lanes lanes;
	size_t micro;
	size_t most; /* tokens that lanes_run takes for a micro-batch's most: never too many */
};

static void slope(void *ctx, uint64_t i, const struct batch_rows *r)
{
	(void)ctx;
	for (size_t t = 0; t < r->n; t++)
		r->dlogp[t] = (float)sin((double)(i * LEN + t));
}

static void run(void *ctx, size_t k, const struct grads_to *to)
{
	struct work *w = ctx;
	size_t from = w->lanes.at[k];

	batch_run(w->batch, seqs, order + from, w->lanes.at[k + 1] - from, w->micro, 1, slope, NULL,
		  to);
}

static void make_seqs(const struct policy *p)
{
	uint64_t key = rng_key(7, RNG_TEST, 0, 0, 0), pos = 0;

	for (uint64_t i = 0; i < N; i++) {
		seqs[i] = (struct seq){.prompt = tokens[i]};
		seqs[i].n_prompt = 1 + rng_below(key, pos++, LEN);
		seqs[i].n_resp = 1 + rng_below(key, pos++, LEN);
		seqs[i].resp = tokens[i] + seqs[i].n_prompt;
		order[i] = i;
		for (size_t t = 0; t < 2 * LEN; t++)
			tokens[i][t] = (uint32_t)rng_below(key, pos++, (uint64_t)p->cfg.vocab);
	}
}

static void open_work(struct work *w, const struct policy *p, const size_t *bound, size_t micro)
{
	*w = (struct work){.batch = batch_new(&p->model, false), .micro = micro, .most = micro};
	lanes_open(&w->lanes, N_LANES, &p->model, bound);
}

static void cut(struct lanes *l, const size_t *tokens_of, size_t n)
{
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += tokens_of[i];
	lanes_begin(l, all);
	for (size_t i = 0; i < n; i++)
		lanes_cut(l, i, tokens_of[i]);
	lanes_end(l, n);
}

/* One update over all; the second lane has no sequence. */
static void update(struct work *w)
{
	static const size_t tokens_of[N] = {5, 5, 5, 55, 2, 3, 3, 2, 5, 5, 9, 1};
	const struct lane_work work = {seqs, order, w->most, run, w};
	char sums[N_LANES];

	cut(&w->lanes, tokens_of, N);
	assert_true(lanes_empty(&w->lanes, 1));
	lanes_run(&w->lanes, &work, sums, 1);
}

static void close_work(struct work *w)
{
	lanes_free(&w->lanes);
	batch_free(w->batch);
}

static void parts_are_the_same_bits(void **state)
{
	struct policy p = tiny_policy("abcdef", 3);
	size_t n = p.model.n_params, bound[] = {0, n};
	float *all = xarray(n, sizeof *all);
	struct work parts, whole, turns;

	(void)state;
	make_seqs(&p);
	open_work(&parts, &p, bound, 1 << 20);
	open_work(&whole, &p, bound, 1 << 20);
	open_work(&turns, &p, bound, 1 << 20);
	whole.most = 1;
	for (int i = 0; i < 3; i++) {
		update(&parts);
		update(&whole);
		turns.most = i == 1 ? 1 : turns.micro;
		update(&turns); /* from the second on it has an array */
		assert_true(parts.lanes.room && !parts.lanes.own);
		assert_true(!whole.lanes.room && whole.lanes.own);
		assert_true(!turns.lanes.own == (i == 0));
		assert_memory_equal(parts.lanes.total, whole.lanes.total, n * sizeof *all);
		assert_memory_equal(turns.lanes.total, whole.lanes.total, n * sizeof *all);
		if (i)
			assert_memory_equal(all, whole.lanes.total, n * sizeof *all);
		memcpy(all, whole.lanes.total, n * sizeof *all);
	}
	close_work(&parts);
	close_work(&whole);
	close_work(&turns);
	free(all);
	policy_free(&p);
}

static void a_lane_of_several_micro_batches_has_an_array(void **state)
{
	struct policy p = tiny_policy("abcdef", 3);
	size_t bound[] = {0, p.model.n_params};
	struct work w;

	(void)state;
	make_seqs(&p);
	open_work(&w, &p, bound, 4);
	update(&w);
	assert_true(w.lanes.own && !w.lanes.room);
	close_work(&w);
	policy_free(&p);
}

static void memory_is_told_before(void **state)
{
	struct policy p = tiny_policy("abcdef", 3);
	size_t n = p.model.n_params, bound[] = {0, n}, embed = (size_t)(p.cfg.vocab * p.cfg.d);
	size_t layer = (n - embed - (size_t)p.cfg.d) / 2;

	(void)state;
	assert_int_equal(part_room(&p.model), embed + layer);
	assert_int_equal(lanes_bytes(1, &p.model, bound, true), n * sizeof(float));
	assert_int_equal(lanes_bytes(2, &p.model, bound, false), 2 * n * sizeof(float));
	assert_int_equal(lanes_bytes(2, &p.model, bound, true),
			 (n + embed + layer) * sizeof(float));
	policy_free(&p);
}

static void lanes_of_things_alike_are_even(void **state)
{
	/* (those that begin in a lane's share would be four and two) */
	static const size_t alike[] = {32, 30, 31, 32, 32, 31}, one_long[] = {1, 100, 1, 1};
	struct policy p = tiny_policy("abcdef", 3);
	size_t bound[] = {0, p.model.n_params};
	struct lanes l;

	(void)state;
	lanes_open(&l, 2, &p.model, bound);
	cut(&l, alike, 6);
	assert_int_equal(l.at[0], 0);
	assert_int_equal(l.at[1], 3);
	assert_int_equal(l.at[2], 6);
	cut(&l, one_long, 4);
	assert_int_equal(l.at[1], 2);
	cut(&l, one_long, 1);
	assert_true(lanes_empty(&l, 0) != lanes_empty(&l, 1));
	lanes_free(&l);
	policy_free(&p);
}

static void a_single_lane_is_the_total(void **state)
{
	struct policy p = tiny_policy("abcdef", 3);
	size_t bound[] = {0, p.model.n_params};
	struct lanes l;

	(void)state;
	lanes_open(&l, 1, &p.model, bound);
	assert_ptr_equal(l.own, l.total);
	assert_null(l.room);
	lanes_free(&l);
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_the_same_bits),
		cmocka_unit_test(a_lane_of_several_micro_batches_has_an_array),
		cmocka_unit_test(lanes_of_things_alike_are_even),
		cmocka_unit_test(a_single_lane_is_the_total),
		cmocka_unit_test(memory_is_told_before),
	};
	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
