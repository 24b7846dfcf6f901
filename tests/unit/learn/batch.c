/* Micro-batches: what comes out does not depend on how the sequences are cut. */
#include "base/kept.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"
#include "tiny.h"

enum { N = 11, LEN = 8 };

static uint32_t tokens[N][2 * LEN];
static struct seq seqs[N];
static uint64_t order[N];

struct seen { /* what the callback was given */
	uint64_t who[N];
	float logp[N][LEN], whole[N][LEN];
	size_t n;
};

static void look(void *ctx, uint64_t i, const struct batch_rows *r)
{
	struct seen *s = ctx;

	assert_int_equal(r->n, seqs[i].n_resp);
	assert_true(!r->whole == !seqs[i].kept.p);
	s->who[s->n++] = i;
	memcpy(s->logp[i], r->logp, r->n * sizeof *r->logp);
	if (r->whole)
		memcpy(s->whole[i], r->whole, r->n * sizeof *r->whole);
	for (size_t t = 0; t < r->n && r->dlogp; t++)
		r->dlogp[t] = (float)sin((double)(i * LEN + t));
	for (size_t t = 0; t < r->n && r->dwhole; t++)
		r->dwhole[t] = (float)cos((double)(i * LEN + t));
}

static void make_seqs(const struct policy *p)
{
	uint64_t key = rng_key(5, RNG_TEST, 0, 0, 0), pos = 0;

	for (uint64_t i = 0; i < N; i++) {
		seqs[i].n_prompt = 1 + rng_below(key, pos++, LEN);
		seqs[i].n_resp = 1 + rng_below(key, pos++, LEN);
		for (size_t t = 0; t < seqs[i].n_prompt + seqs[i].n_resp; t++)
			tokens[i][t] = (uint32_t)rng_below(key, pos++, (uint64_t)p->cfg.vocab);
		seqs[i].prompt = tokens[i];
		seqs[i].resp = tokens[i] + seqs[i].n_prompt;
		order[i] = N - 1 - i;
	}
}

/* relative distance of two gradients */
static double distance(const float *a, const float *b, size_t n)
{
	double diff = 0, norm = 0;

	for (size_t i = 0; i < n; i++) {
		diff += pow((double)a[i] - b[i], 2);
		norm += pow(a[i], 2);
	}
	assert_true(norm > 0);
	return sqrt(diff / norm);
}

static void gradient_does_not_depend_on_the_cut(void **state)
{
	static const size_t cuts[] = {1, 3 * LEN, 1 << 20};
	struct policy p = tiny_policy("abcdef", 3);
	struct batch *b = batch_new(&p.model, false);
	float *grads[3];
	struct seen seen[3] = {0};

	(void)state;
	make_seqs(&p);
	for (int c = 0; c < 3; c++) {
		grads[c] = calloc(p.model.n_params, sizeof **grads);
		batch_run(b, seqs, order, N, cuts[c], 0.8, look, &seen[c],
			  &(struct grads_to){.all = grads[c]});
		assert_int_equal(seen[c].n, N);
		assert_memory_equal(seen[c].who, order, sizeof order);
		/* the forward pass promises the same bits */
		assert_memory_equal(seen[c].logp, seen[0].logp, sizeof seen[0].logp);
		assert_true(distance(grads[0], grads[c], p.model.n_params) < 1e-5);
	}
	for (int c = 0; c < 3; c++)
		free(grads[c]);
	batch_free(b);
	policy_free(&p);
}

/* Of all sequences, when nothing is shared */
static size_t positions(void)
{
	size_t n = 0;

	for (size_t i = 0; i < N; i++)
		n += batch_inputs(&seqs[i]);
	return n;
}

/* The same prompts as one array, and each in an array of its own */
static void a_shared_prompt_is_like_many(void **state)
{
	static const size_t cuts[] = {1, 2 * LEN, 3 * LEN, 1 << 20};
	static uint32_t copy[N][LEN];
	struct policy p = tiny_policy("abcdef", 3);
	struct batch *b = batch_new(&p.model, false);
	float *apart = calloc(p.model.n_params, sizeof *apart), *grads;
	size_t saved, seen;
	struct seen want = {0};

	(void)state;
	make_seqs(&p);
	for (size_t i = 0; i < N; i++) { /* 0 0 0 0 4 4 4 7 8 9 9 */
		size_t of = i < 4 ? 0 : i < 7 ? 4 : i < 9 ? i : 9;

		seqs[i].n_prompt = seqs[of].n_prompt;
		seqs[i].prompt = memcpy(copy[i], tokens[of], seqs[i].n_prompt * sizeof **copy);
	}
	seqs[5].n_resp = 1; /* nothing of it goes in but what it shares */
	assert_int_equal(batch_run(b, seqs, order, N, 3 * LEN, 1, look, &want,
				   &(struct grads_to){.all = apart}),
			 positions());
	for (size_t i = 0; i < N; i++)
		seqs[i].prompt = copy[i < 4 ? 0 : i < 7 ? 4 : i < 9 ? i : 9];
	saved = 3 * seqs[0].n_prompt + 2 * seqs[4].n_prompt + seqs[9].n_prompt;
	for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
		struct seen got = {0};

		grads = calloc(p.model.n_params, sizeof *grads);
		seen = batch_run(b, seqs, order, N, cuts[c], 1, look, &got,
				 &(struct grads_to){.all = grads});
		assert_true(seen <= positions());
		if (cuts[c] > 1 << 10) /* no micro-batch ends between those that share */
			assert_int_equal(seen, positions() - saved);
		assert_memory_equal(&got, &want, sizeof got);
		assert_true(distance(apart, grads, p.model.n_params) < 1e-5);
		free(grads);
	}
	free(apart);
	batch_free(b);
	policy_free(&p);
}

/* Loss: the sum of sin(i) times the entropy of each token of sequence i; ctx: to add it to */
static void bonus(void *ctx, uint64_t i, const struct batch_rows *r)
{
	double *sum = ctx;

	for (size_t t = 0; t < r->n; t++) {
		*sum += sin((double)i) * r->entropy[t];
		if (r->dlogp) {
			r->dlogp[t] = 0;
			r->dent[t] = (float)sin((double)i);
		}
	}
}

/* The gradient of the entropies, for any cut, is the central difference of their sum. */
static void entropies_have_a_gradient(void **state)
{
	static const size_t cuts[] = {1, 3 * LEN, 1 << 20};
	struct policy p = tiny_policy("abcdef", 3);
	struct batch *b = batch_new(&p.model, false);
	float *grads[3], h = 1e-2f;
	double sum[3] = {0};

	(void)state;
	make_seqs(&p);
	batch_entropy(b);
	for (int c = 0; c < 3; c++) {
		grads[c] = calloc(p.model.n_params, sizeof **grads);
		batch_run(b, seqs, order, N, cuts[c], 0.8, bonus, &sum[c],
			  &(struct grads_to){.all = grads[c]});
		assert_close(sum[c], sum[0], 0); /* entropies are the same floats */
		assert_true(distance(grads[0], grads[c], p.model.n_params) < 1e-5);
	}
	for (size_t k = 0; k < p.model.n_params; k += p.model.n_params / 20) {
		float was = p.model.params[k];
		double up = 0, down = 0;

		p.model.params[k] = was + h;
		model_pack(&p.model);
		batch_run(b, seqs, order, N, 1 << 20, 0.8, bonus, &up, NULL);
		p.model.params[k] = was - h;
		model_pack(&p.model);
		batch_run(b, seqs, order, N, 1 << 20, 0.8, bonus, &down, NULL);
		p.model.params[k] = was;
		assert_close(grads[2][k], (up - down) / (2 * (double)h),
			     2e-2 * fabs(grads[2][k]) + 2e-3);
	}
	for (int c = 0; c < 3; c++)
		free(grads[c]);
	batch_free(b);
	policy_free(&p);
}

static void without_gradients_the_log_probabilities_are_the_same(void **state)
{
	struct policy p = tiny_policy("abcdef", 3);
	struct batch *b = batch_new(&p.model, false);
	float *grads = calloc(p.model.n_params, sizeof *grads);
	struct seen with = {0}, without = {0};

	(void)state;
	make_seqs(&p);
	batch_run(b, seqs, order, N, 30, 1, look, &with, &(struct grads_to){.all = grads});
	batch_run(b, seqs, order, N, 30, 1, look, &without, NULL);
	assert_memory_equal(&with, &without, sizeof with);
	free(grads);
	batch_free(b);
	policy_free(&p);
}

static void last_token_is_only_predicted(void **state)
{
	const uint32_t ids[] = {2, 3, 4};
	const struct seq s = {.prompt = ids, .resp = ids + 1, .n_prompt = 1, .n_resp = 2};

	(void)state;
	assert_int_equal(batch_inputs(&s), 2);
}

static float counted[N][LEN]; /* log-probabilities of the tokens that count */

/* All tokens are predicted, some count. */
static void count_some(void *ctx, uint64_t i, const struct batch_rows *r)
{
	const uint8_t *learn = ctx;

	assert_int_equal(r->n, seqs[i].n_resp);
	for (size_t t = 0; t < r->n; t++) {
		r->dlogp[t] = learn[t] ? (float)sin((double)(i * LEN + t)) : 0;
		counted[i][t] = r->logp[t];
	}
}

/* Some are predicted: the same floats. */
static void give_some(void *ctx, uint64_t i, const struct batch_rows *r)
{
	const uint8_t *learn = ctx;
	size_t k = 0;

	for (size_t t = 0; t < seqs[i].n_resp; t++) {
		if (!learn[t])
			continue;
		assert_memory_equal(&r->logp[k], &counted[i][t], sizeof *counted[i]);
		r->dlogp[k++] = (float)sin((double)(i * LEN + t));
	}
	assert_int_equal(r->n, k);
}

/* Tokens that are read and not learned: the others' log-probabilities and gradient are those of the
 * whole response in which they count nothing. */
static void read_tokens_are_not_predicted(void **state)
{
	static const uint8_t learn[LEN] = {1, 0, 0, 1, 1, 0, 1, 0};
	struct policy p = tiny_policy("abcdefgh", 3);
	struct batch *b = batch_new(&p.model, false);
	size_t n = p.model.n_params;
	float *some = xcalloc(n, sizeof *some), *all = xcalloc(n, sizeof *all);

	(void)state;
	make_seqs(&p);
	batch_run(b, seqs, order, N, 30, 1, count_some, (void *)learn,
		  &(struct grads_to){.all = all});
	for (size_t i = 0; i < N; i++)
		seqs[i].learn = learn;
	batch_run(b, seqs, order, N, 30, 1, give_some, (void *)learn,
		  &(struct grads_to){.all = some});
	assert_true(distance(some, all, n) < 1e-6);
	for (size_t i = 0; i < N; i++)
		seqs[i].learn = NULL;
	free(some);
	free(all);
	batch_free(b);
	policy_free(&p);
}

static void has_nothing_cut(void *ctx, uint64_t i, const struct batch_rows *r)
{
	const struct seen *want = ctx;

	assert_null(r->whole);
	assert_memory_equal(r->logp, want->whole[i], r->n * sizeof *r->logp);
	for (size_t t = 0; t < r->n && r->dlogp; t++)
		r->dlogp[t] = 0;
}

/* Sets of what each token was drawn from, of every other sequence and some all: the two
 * log-probabilities, a gradient by both, whatever the micro-batches. */
static void drawn_from_a_part(void **state)
{
	static const size_t cuts[] = {1, 3 * LEN, 1 << 20};
	struct policy p = tiny_policy("abcdef", 3);
	struct batch *b = batch_new(&p.model, false);
	struct buf sets[N] = {{0}};
	float *grads[3], score[N * LEN];
	struct seen seen[3] = {0};
	size_t at = 0;

	(void)state;
	make_seqs(&p);
	for (size_t i = 0; i < N; i += 2) {
		for (size_t t = 0; t < seqs[i].n_resp; t++) {
			uint32_t drawn = seqs[i].resp[t], ids[] = {drawn, drawn + 1, drawn + 2};

			kept_put(&sets[i], ids, drawn + 2 < p.cfg.vocab ? (i + t) % 4 : 1);
		}
		seqs[i].kept = (struct span){sets[i].p, sets[i].n};
	}
	for (int c = 0; c < 3; c++) {
		grads[c] = calloc(p.model.n_params, sizeof **grads);
		batch_run(b, seqs, order, N, cuts[c], 0.8, look, &seen[c],
			  &(struct grads_to){.all = grads[c]});
		assert_true(distance(grads[c], grads[0], p.model.n_params) < 1e-5);
		for (size_t i = 0; i < N; i++)
			assert_memory_equal(seen[c].logp[i], seen[0].logp[i],
					    seqs[i].n_resp * sizeof(float));
	}
	batch_score(b, seqs, order, N, 20, 0.8, score, NULL);
	for (size_t k = 0; k < N; k++) {
		size_t i = order[k];

		assert_memory_equal(score + at, seen[0].logp[i], seqs[i].n_resp * sizeof *score);
		at += seqs[i].n_resp;
		if (!seqs[i].kept.p)
			memcpy(seen[0].whole[i], seen[0].logp[i], sizeof seen[0].logp[i]);
		for (size_t t = 0; t < seqs[i].n_resp && seqs[i].kept.p; t++)
			assert_true(seen[0].logp[i][t] >= seen[0].whole[i][t] &&
				    ((i + t) % 4 != 0 || seqs[i].resp[t] + 2 >= p.cfg.vocab ||
				     seen[0].logp[i][t] == seen[0].whole[i][t]));
		seqs[i].kept = (struct span){0};
	}
	batch_run(b, seqs, order, N, 30, 0.8, has_nothing_cut, &seen[0], NULL);
	for (int c = 0; c < 3; c++)
		free(grads[c]);
	for (size_t i = 0; i < N; i++)
		buf_free(&sets[i]);
	batch_free(b);
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradient_does_not_depend_on_the_cut),
		cmocka_unit_test(a_shared_prompt_is_like_many),
		cmocka_unit_test(entropies_have_a_gradient),
		cmocka_unit_test(without_gradients_the_log_probabilities_are_the_same),
		cmocka_unit_test(last_token_is_only_predicted),
		cmocka_unit_test(read_tokens_are_not_predicted),
		cmocka_unit_test(drawn_from_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
