/* RFT: rows from trajectories, weights, hold-out, the loss going down, and weights gone bad. */
#include "learn/rft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"
#include "tiny.h"

static struct rft_opts opts(void)
{
	return (struct rft_opts)RFT_OPTS_DEFAULT;
}

static struct traj text(const char *task, const char *prompt, const char *response)
{
	struct traj t;

	traj_clear(&t);
	t.task = (struct span){task, strlen(task)};
	t.prompt = (struct span){prompt, strlen(prompt)};
	t.response = (struct span){response, strlen(response)};
	return t;
}

static int add(struct rft_data *d, const struct traj *t, struct reason *why)
{
	struct rec r = {.index = 4, .offset = 99};

	return rft_add(d, t, &r, "in", why);
}

static void must_add(struct rft_data *d, struct traj t)
{
	struct reason why = {0};

	if (add(d, &t, &why))
		fail_msg("%s", why.text);
}

/* Where the length ended a text, the policy had not ended it: no stop token is learned there. */
static void text_that_ended_gains_a_stop_token(void **state)
{
	static const uint32_t want[] = {2, 3, 4, 1}, ids[] = {4, 4};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct traj t = text("t", "a", "bc");
	struct reason why;

	(void)state;
	rft_data_init(&d, &p, &o);
	must_add(&d, t);
	t.finish = (struct span){"stop", 4};
	must_add(&d, t);
	t.finish = (struct span){"length", 6};
	must_add(&d, t);
	t = text("t", "a", "cc");
	t.tokens = ids;
	t.n_tokens = 2;
	must_add(&d, t);
	assert_int_equal(rft_seal(&d, &why), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(d.seq[i].n_prompt, 1);
		assert_int_equal(d.seq[i].n_resp, 3);
		assert_memory_equal(d.seq[i].prompt, want, sizeof want);
	}
	assert_int_equal(d.seq[2].n_resp, 2);
	assert_int_equal(d.seq[3].n_resp, 2);
	assert_memory_equal(d.seq[3].resp, ids, sizeof ids);
	rft_data_free(&d);
	policy_free(&p);
}

/* The one that the policy names; none behind a response that has one, whichever, at its end */
static void which_token_ends_a_text(void **state)
{
	static const struct {
		const char *said;
		int64_t end;
		size_t n;
		uint32_t ids[3];
	} rows[] = {{"b", 1, 2, {3, 1}},      {"b", 0, 2, {3, 0}}, {"b<eos>", 1, 2, {3, 1}},
		    {"b<eos>", 0, 2, {3, 1}}, {"b", -1, 1, {3}},   {"<eos>b", 1, 3, {1, 3, 1}}};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rft_data d;

		p.end = rows[i].end;
		rft_data_init(&d, &p, &o);
		must_add(&d, text("t", "a", rows[i].said));
		assert_int_equal(rft_seal(&d, &why), 0);
		assert_int_equal(d.seq[0].n_resp, rows[i].n);
		assert_memory_equal(d.seq[0].resp, rows[i].ids, rows[i].n * sizeof(uint32_t));
		rft_data_free(&d);
	}
	policy_free(&p);
}

static void what_cannot_be_learned_is_refused_or_left_out(void **state)
{
	static const uint32_t strange[] = {2, 77};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct traj t = text("t", "a", "bc");
	struct reason why;

	(void)state;
	o.max_len = 4;
	rft_data_init(&d, &p, &o);
	must_add(&d, text("long", "ab", "bc")); /* 5 tokens with the stop token */
	assert_int_equal(d.too_long, 1);
	assert_int_equal(rft_seal(&d, &why), ST_INPUT);
	must_add(&d, t);
	assert_int_equal(d.n, 1);
	t.tokens = strange;
	t.n_tokens = 2;
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "record 4 at byte 99"));
	assert_non_null(strstr(why.text, "77"));
	t.n_tokens = 0;
	assert_int_equal(add(&d, &t, &why), 0);
	assert_int_equal(d.empty, 1);
	t = text("t", "", "b");
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	t = text("odd", "a?", "b"); /* not in the alphabet */
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	t = text("t", "ab", "b");
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "task t: another prompt than before"));
	rft_data_free(&d);
	policy_free(&p);
}

/* Whether ids are taken for the response (or, with where 'p', the prompt) beside them. */
static bool taken(const struct policy *p, char where, const char *said, const uint32_t *ids,
		  size_t n)
{
	struct rft_opts o = opts();
	struct rft_data d;
	struct reason why = {0};
	struct traj t = where == 'p' ? text("t", said, "a") : text("t", "a", said);
	int st;

	*(where == 'p' ? &t.prompt_tokens : &t.tokens) = ids;
	*(where == 'p' ? &t.n_prompt_tokens : &t.n_tokens) = n;
	rft_data_init(&d, p, &o);
	st = add(&d, &t, &why);
	if (st)
		assert_non_null(
			strstr(why.text, "leave id, prompt_tokens, tokens and logprobs out"));
	rft_data_free(&d);
	return st == 0;
}

/* The same text cut into other tokens is fine, another tokenizer's numbers are not. */
static void ids_are_those_of_the_text(void **state)
{
	static const uint32_t ids[] = {2, 3, 1, 4}; /* ab<eos>c */
	struct policy p = tiny_policy("abc", 1);

	(void)state;
	for (const char *where = "pr"; *where; where++) {
		assert_true(taken(&p, *where, "ab", ids, 2));
		assert_true(taken(&p, *where, "ab", ids, 3));
		assert_true(taken(&p, *where, "ab<eos>", ids, 3));
		assert_true(taken(&p, *where, "abc", ids, 4)); /* special tokens left out */
		assert_true(taken(&p, *where, "a", ids, 2));   /* a stop string left out */
		assert_true(taken(&p, *where, "a b\n", ids, 2));
		assert_true(taken(&p, *where, "ab\xef\xbf\xbd", ids, 2));
		assert_true(taken(&p, *where, "ab\xc3", ids, 2));
		assert_false(taken(&p, *where, "ba", ids, 2));
		assert_false(taken(&p, *where, "abc", ids, 2));
	}
	policy_free(&p);
}

/* three rows of 2, 4 and 2 response tokens; the first two of one task */
static void fill(struct rft_data *d, const struct policy *p, const struct rft_opts *o)
{
	rft_data_init(d, p, o);
	must_add(d, text("x", "a", "b"));
	must_add(d, text("x", "a", "bcb"));
	must_add(d, text("y", "b", "c"));
}

static void weights_count_what_they_say(void **state)
{
	const double root = 1 / sqrt(2),
		     want[][3] = {{1, 1, 1}, {0.5, 0.25, 0.5}, {0.25, 0.125, 0.5}, {root, root, 1}};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct reason why;

	(void)state;
	for (int k = WEIGHT_TOKEN; k <= WEIGHT_ROOT_TASK; k++) {
		o.weight = (enum rft_weight)k;
		fill(&d, &p, &o);
		assert_int_equal(rft_seal(&d, &why), 0);
		for (int i = 0; i < 3; i++)
			assert_close(d.weight[i], want[k][i], 1e-16);
		rft_data_free(&d);
	}
	policy_free(&p);
}

static const float LOGP[] = {-0.7F, -1.5F, -0.4F};

/* Probabilities weigh the loss and have no gradient: with one the slopes would be -.149, .112,
 * -.402. */
static void dft_weighs_by_probability(void **state)
{
	static const double want[] = {-0.496585, -0.223130, -0.670320};
	struct rft_opts o = opts();
	double slope[3];

	(void)state;
	o.loss = RFT_DFT;
	assert_close(rft_response(&o, 1.0 / 3, LOGP, NULL, 3, slope), 0.316811, 1e-6);
	for (int t = 0; t < 3; t++)
		assert_close(3 * slope[t], want[t], 1e-6);
}

/* The slopes are those of the loss when its weights stay as they are. */
static void weights_have_no_gradient(void **state)
{
	static const float mu[] = {-0.9F, -1.45F, -0.1F};
	struct rft_opts o = opts();
	double slope[3], w[3];

	(void)state;
	o.loss = RFT_DFT;
	o.weight = WEIGHT_SUFFIX;
	rft_response(&o, 0.7, LOGP, mu, 3, w);
	for (int t = 0; t < 3; t++) {
		double x[2], h = 1e-3;

		for (int side = 0; side < 2; side++) {
			x[side] = 0;
			for (int i = 0; i < 3; i++)
				x[side] += w[i] * (LOGP[i] + (i == t ? (side ? h : -h) : 0));
		}
		rft_response(&o, 0.7, LOGP, mu, 3, slope);
		assert_close((x[1] - x[0]) / (2 * h), slope[t], 1e-9);
	}
	assert_close(slope[2], -0.7 * exp(-0.4), 1e-7); /* the last token's importance is 1 */
}

static struct traj drawn(const char *task, const uint32_t *ids, const float *mu, size_t n)
{
	struct traj t = text(task, "a", "b");

	t.tokens = ids;
	t.logprobs = mu;
	t.n_tokens = t.n_logprobs = n;
	return t;
}

/* Log-probabilities stay beside their rows when others are left out. */
static void importance_needs_what_was_recorded(void **state)
{
	static const uint32_t ids[] = {3, 3, 3, 3};
	static const float mu[] = {-1, -2, -3, -4};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct traj t = drawn("x", ids, mu, 4);
	struct turns_row row = {.ids = ids, .n = 3, .n_prompt = 1};
	struct reason why;

	(void)state;
	o.weight = WEIGHT_BLOCK;
	o.max_len = 4;
	rft_data_init(&d, &p, &o);
	must_add(&d, t); /* too long */
	must_add(&d, drawn("x", ids + 3, mu + 3, 1));
	t = drawn("x", ids + 2, mu + 2, 2);
	t.temperature = 0.5;
	must_add(&d, t);
	assert_int_equal(d.too_long, 1);
	assert_int_equal(d.other_draws, 1);
	t.n_logprobs = 0;
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "record 4 at byte 99: --weight by importance needs"));
	t = text("x", "a", "b");
	assert_int_equal(add(&d, &t, &why), ST_INPUT);
	assert_int_equal(rft_add_row(&d, &row, (struct rft_of){1, 1}, &why), ST_INPUT);
	assert_int_equal(rft_seal(&d, &why), 0);
	assert_close(d.old[0][0], -4, 0);
	assert_close(d.old[1][0], -3, 0);
	rft_data_free(&d);
	policy_free(&p);
}

/* A row's own weight scales its loss, and no other's: the mean is over tokens all the same. */
static void own_weights_multiply_the_loss(void **state)
{
	static const uint32_t ids[] = {2, 3, 3, 4, 1};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct turns_row row = {.ids = ids, .n = 5, .n_prompt = 1};
	struct reason why;
	double loss[3];

	(void)state;
	o.lr = 0;
	o.weight_key = "w";
	for (int i = 0; i < 3; i++) {
		struct rft_data d;
		struct rft_report rep;
		struct rft *r;

		rft_data_init(&d, &p, &o);
		assert_int_equal(rft_add_row(&d, &row, (struct rft_of){1, i}, &why), 0);
		assert_int_equal(rft_add_row(&d, &row, (struct rft_of){1, 1}, &why), 0);
		assert_int_equal(rft_seal(&d, &why), 0);
		r = rft_new(&o, &p, &d);
		assert_int_equal(rft_next(r, &rep, &why), 1);
		loss[i] = rep.loss;
		rft_free(r);
		rft_data_free(&d);
	}
	assert_close(loss[0], loss[1] / 2, 1e-12);
	assert_close(loss[2], loss[1] * 1.5, 1e-12);
	policy_free(&p);
}

static void whole_problems_are_held_out(void **state)
{
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct reason why;
	char name[200][12];
	int held[100] = {0};

	(void)state;
	o.validation = 0.3;
	rft_data_init(&d, &p, &o);
	for (int i = 0; i < 200; i++) {
		snprintf(name[i], sizeof name[i], "%d", i / 2);
		must_add(&d, text(name[i], "a", "b"));
	}
	assert_int_equal(rft_seal(&d, &why), 0);
	assert_int_equal(d.n_held + d.n_train, 200);
	assert_true(d.n_held >= 30 && d.n_held <= 90);
	for (size_t i = 0; i < d.n_held; i++)
		held[d.held[i] / 2]++;
	for (int i = 0; i < 100; i++)
		assert_true(held[i] == 0 || held[i] == 2);
	rft_data_free(&d);
	policy_free(&p);
}

/* Loss and gradient norm of one update on the rows that fill() gives and keep picks (bits). */
static struct rft_report one_update(struct policy *p, const struct rft_opts *o, int keep)
{
	struct rft_data d, all;
	struct rft_report rep;
	struct reason why;
	struct rft *r;

	fill(&all, p, o);
	d = all;
	d.n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (keep >> i & 1)
			d.row[d.n++] = all.row[i];
	assert_int_equal(rft_seal(&d, &why), 0);
	r = rft_new(o, p, &d);
	assert_int_equal(rft_next(r, &rep, &why), 1);
	rft_free(r);
	rft_data_free(&d);
	return rep;
}

static void loss_is_the_weighted_mean(void **state)
{
	static const double weight[3][3] = {{2, 4, 2}, {1, 1, 1}, {0.5, 0.5, 1}};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();

	(void)state;
	o.lr = 0;
	for (int k = WEIGHT_TOKEN; k <= WEIGHT_TASK; k++) {
		double sum = 0, total = 0;

		o.weight = (enum rft_weight)k;
		for (int i = 0; i < 3; i++) {
			sum += weight[k][i] * one_update(&p, &o, 1 << i).loss;
			total += weight[k][i];
		}
		assert_close(one_update(&p, &o, 7).loss, sum / total, 1e-12);
	}
	policy_free(&p);
}

static void accumulation_is_exact(void **state)
{
	static const int64_t micro[] = {1, 9, 1000};
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_report first = one_update(&p, &o, 7);

	(void)state;
	o.lr = 0;
	policy_free(&p);
	p = tiny_policy("abc", 1);
	for (int k = 0; k < 3; k++) {
		struct rft_report rep;

		o.micro_tokens = micro[k];
		rep = one_update(&p, &o, 7);
		assert_close(rep.loss, first.loss, 1e-12);
		assert_close(rep.grad_norm, first.grad_norm, 1e-5 * first.grad_norm);
		assert_true(rep.grad_norm > 0);
	}
	policy_free(&p);
}

static void learning_lowers_the_loss(void **state)
{
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct rft_report rep;
	struct reason why;
	struct rft *r;
	double first = 0;
	int n = 0;

	(void)state;
	o.lr = 0.02;
	o.warmup = 2;
	o.steps = 40;
	o.batch = 2;
	fill(&d, &p, &o);
	assert_int_equal(rft_seal(&d, &why), 0);
	r = rft_new(&o, &p, &d);
	while (rft_next(r, &rep, &why) > 0) {
		n++;
		first = n == 1 ? rep.loss : first;
		assert_int_equal(rep.update, n);
		assert_int_equal(rep.epoch, (n + 1) / 2);
		assert_int_equal(rep.epoch_end, n % 2 == 0);
	}
	assert_int_equal(n, 40);
	assert_true(first > 1 && rep.loss < 0.7);
	rft_free(r);
	rft_data_free(&d);
	policy_free(&p);
}

/* Each epoch learns every row once, in an order of its own; the last update ends one, too. */
static void epochs_have_orders_of_their_own(void **state)
{
	struct policy p = tiny_policy("abc", 1);
	struct rft_opts o = opts();
	struct rft_data d;
	struct rft_report rep;
	struct reason why;
	struct rft *r;
	double loss[3], sum = 0, first = 0;
	int differ = 0;

	(void)state;
	o.lr = 0;
	o.batch = 1;
	o.steps = 25;
	fill(&d, &p, &o);
	assert_int_equal(rft_seal(&d, &why), 0);
	r = rft_new(&o, &p, &d);
	for (int n = 0; rft_next(r, &rep, &why) > 0; n++) {
		sum += rep.loss;
		loss[n % 3] = n < 3 ? rep.loss : loss[n % 3];
		differ += rep.loss != loss[n % 3];
		if (n % 3 == 2) {
			first = n == 2 ? sum : first;
			assert_close(sum, first, 1e-9);
			sum = 0;
		}
		assert_int_equal(rep.epoch_end, n % 3 == 2 || n == 24);
	}
	assert_true(differ > 0);
	rft_free(r);
	rft_data_free(&d);
	policy_free(&p);
}

static void bad_weights_are_left_alone_and_stop_the_run(void **state)
{
	struct policy p = tiny_policy("abc", 1);
	size_t bytes = p.model.n_params * sizeof(float);
	float *before = malloc(bytes);
	struct rft_opts o = opts();
	struct rft_data d;
	struct rft_report rep;
	struct reason why;
	struct rft *r;
	int n = 0, got;

	(void)state;
	o.steps = 40;
	fill(&d, &p, &o);
	assert_int_equal(rft_seal(&d, &why), 0);
	p.model.params[model_weight(&p.model, "model.norm.weight")->offset] = NAN;
	model_pack(&p.model);
	memcpy(before, p.model.params, bytes);
	r = rft_new(&o, &p, &d);
	while ((got = rft_next(r, &rep, &why)) > 0) {
		assert_false(rep.applied);
		n++;
	}
	assert_int_equal(got, -1);
	assert_int_equal(n, OPTIMIZER_PATIENCE - 1);
	assert_true(rft_stuck(r));
	assert_memory_equal(p.model.params, before, bytes);
	rft_free(r);
	rft_data_free(&d);
	policy_free(&p);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_ended_gains_a_stop_token),
		cmocka_unit_test(which_token_ends_a_text),
		cmocka_unit_test(what_cannot_be_learned_is_refused_or_left_out),
		cmocka_unit_test(ids_are_those_of_the_text),
		cmocka_unit_test(weights_count_what_they_say),
		cmocka_unit_test(dft_weighs_by_probability),
		cmocka_unit_test(weights_have_no_gradient),
		cmocka_unit_test(importance_needs_what_was_recorded),
		cmocka_unit_test(own_weights_multiply_the_loss),
		cmocka_unit_test(whole_problems_are_held_out),
		cmocka_unit_test(loss_is_the_weighted_mean),
		cmocka_unit_test(accumulation_is_exact),
		cmocka_unit_test(learning_lowers_the_loss),
		cmocka_unit_test(epochs_have_orders_of_their_own),
		cmocka_unit_test(bad_weights_are_left_alone_and_stop_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
