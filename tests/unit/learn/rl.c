/*
 * The RL step on a policy of five characters: ratios before the first update, what is written,
 * dynamic sampling, learning, and runs that cannot go on.
 */
#include "learn/rl.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "close.h"
#include "tiny.h"

enum { N_TASKS = 6 };

/* a run and everything it needs; the stream goes to a file that is gone at once */
struct rig {
	struct rl_opts o;
	struct policy p;
	struct task v[N_TASKS];
	struct task_set tasks;
	char path[40];
	struct out out;
	struct rec_out w;
	struct rl *rl;
};

static char *const names[N_TASKS] = {"t0", "t1", "t2", "t3", "t4", "t5"};
static char *const prompts[N_TASKS] = {"a", "b", "ab", "ba", "aa", "bb"};

/* Reward 1 for a response that matches the pattern. */
static void rig_make(struct rig *g, const char *pattern)
{
	int fd;

	memset(g, 0, sizeof *g);
	g->o = (struct rl_opts)RL_OPTS_DEFAULT;
	g->o.groups = 4;
	g->o.group_size = 8;
	g->o.roll.sample.max_new = 6;
	g->o.warmup = 0;
	g->o.roll.verify.verifier = "regex";
	g->p = tiny_policy("abcd", 2);
	for (int i = 0; i < N_TASKS; i++)
		g->v[i] = (struct task){
			.id = names[i], .prompt = prompts[i], .answer = (char *)(uintptr_t)pattern};
	g->tasks = (struct task_set){g->v, N_TASKS};
	strcpy(g->path, "/tmp/rl-test-XXXXXX");
	fd = mkstemp(g->path);
	assert_true(fd >= 0);
	out_init(&g->out, fd, g->path);
	rec_out_init(&g->w, &g->out, 1);
}

static void rig_start(struct rig *g)
{
	struct reason why = {0};

	g->rl = rl_new(&g->o, &g->p, &g->tasks, "tasks", &g->w, NULL, &why);
	if (!g->rl)
		fail_msg("%s", why.text);
}

static struct rl_report rig_step(struct rig *g)
{
	struct reason why = {0};
	struct rl_report rep;

	if (rl_step(g->rl, &rep, &why))
		fail_msg("%s", why.text);
	return rep;
}

static void rig_free(struct rig *g)
{
	struct reason why;

	rl_free(g->rl);
	policy_free(&g->p);
	rec_out_free(&g->w);
	out_close(&g->out, &why);
	unlink(g->path);
}

/* A later round may sample more than the first: the plan is of the larger. */
static void plan_is_of_the_largest_round(void **state)
{
	size_t cache[3];
	struct rig g;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct memory need;
		struct reason why;

		rig_make(&g, "c");
		g.o.rounds = i == 0 ? 1 : 3;
		g.o.oversample = i == 1 ? 0.5 : 4;
		g.rl = rl_new(&g.o, &g.p, &g.tasks, "tasks", &g.w, &need, &why);
		assert_non_null(g.rl);
		cache[i] = need.cache;
		rig_free(&g);
	}
	assert_int_equal(cache[1], cache[0]);
	assert_true(cache[2] > cache[0]);
}

/* Micro-batches may be larger than all there is: no memory is asked for what never comes. */
static void plan_is_of_no_more_than_a_step(void **state)
{
	struct memory need[3];
	struct rig g;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct reason why;

		rig_make(&g, "c");
		g.o.minibatches = 2;
		g.o.micro_tokens = i ? 1000000000 : 2 * 8 * 8; /* groups, responses, tokens */
		g.o.loss.kl = i == 2 ? 0.1 : 0;
		g.rl = rl_new(&g.o, &g.p, &g.tasks, "tasks", &g.w, &need[i], &why);
		if (!g.rl)
			fail_msg("%s", why.text);
		rig_free(&g);
	}
	assert_int_equal(need[1].activations, need[0].activations);
	assert_true(need[2].activations > need[1].activations);
}

static void ratios_are_one_before_the_first_update(void **state)
{
	static const double temperature[] = {1, 0.7};
	struct rig g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rl_report rep;

		rig_make(&g, "c");
		g.o.lr = 0;
		g.o.roll.sample.temperature = temperature[i];
		g.o.roll.sample.top_k = i ? 3 : 0; /* ratios are those of the whole distribution */
		g.o.loss.kl = 0.1;
		rig_start(&g);
		for (int s = 0; s < 3; s++) {
			rep = rig_step(&g);
			assert_int_equal(rep.learned.updates, 4);
			assert_true(rep.learned.ratio_error < 1e-5);
			assert_close(rep.learned.ratio_error, 0, 0); /* the same floats */
			assert_close(rep.learned.kl_old, 0, 0);      /* weights never moved */
			assert_close(rep.learned.kl_ref, 0, 0);
			assert_close(rep.learned.clip_fraction, 0, 0);
		}
		rig_free(&g);
	}
}

/* A prompt is computed once for each group, however many updates there are: none is torn. */
static void groups_stay_whole(void **state)
{
	static const int64_t parts[] = {1, 2, 4};
	size_t trained[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rl_report rep;
		struct rig g;

		rig_make(&g, "c");
		g.o.lr = 0;
		g.o.keep_equal = true;
		g.o.minibatches = parts[i];
		rig_start(&g);
		rep = rig_step(&g);
		assert_int_equal(rep.learned.updates, parts[i]);
		trained[i] = rep.learned.trained;
		rig_free(&g);
	}
	assert_int_equal(trained[0], trained[1]);
	assert_int_equal(trained[0], trained[2]);
}

/* With updates of a group each, and weights that stay, the loss is the aggregation's by hand. */
static void loss_is_the_mean_over_an_update(void **state)
{
	(void)state;
	for (int agg = AGG_TOKEN_MEAN; agg <= AGG_SEQ_TOKEN_SUM; agg++) {
		double want = 0, tokens = 0, norm[2];

		for (int64_t epochs = 1; epochs <= 2; epochs++) {
			const struct explored *e;
			struct rl_report rep;
			struct rig g;

			rig_make(&g, "c");
			g.o.lr = 0;
			g.o.aggregate = (enum aggregate)agg;
			g.o.advantage.kind = ADV_REINFORCE_PP; /* not 0 in a group */
			g.o.minibatches = 4;
			g.o.epochs = epochs;
			rig_start(&g);
			rep = rig_step(&g);
			e = &rep.explored;
			assert_int_equal(e->kept, 4);
			want = tokens = 0;
			for (size_t k = 0; k < 4; k++) {
				double of_tokens = 0, of_seqs = 0, n_tok = 0;

				for (size_t i = e->start[k]; i < e->start[k + 1]; i++) {
					double n = (double)e->effective->v[e->used[i]].n;

					of_tokens -= e->advantage[i] * n;
					of_seqs -= e->advantage[i];
					n_tok += n;
				}
				tokens += of_tokens;
				want += agg == AGG_TOKEN_MEAN       ? of_tokens / n_tok / 4
					: agg == AGG_SEQ_TOKEN_MEAN ? of_seqs / 8 / 4
								    : of_tokens / (8 * 6) / 4;
			}
			assert_close(tokens, 0, 1e-9); /* they are whitened over tokens */
			assert_true(fabs(want) > 1e-3 || agg == AGG_SEQ_TOKEN_SUM);
			assert_close(rep.learned.loss, want, 1e-9);
			assert_int_equal(rep.learned.updates, 4 * epochs);
			norm[epochs - 1] = rep.learned.grad_norm;
			rig_free(&g);
		}
		assert_true(norm[0] > 0); /* no update sees the gradient of another */
		assert_close(norm[1], norm[0], 1e-9 * norm[0]);
	}
}

/* What was cut off has an advantage, and counts among the tokens, but not in the loss. */
static void what_was_cut_off_is_masked(void **state)
{
	const struct explored *e;
	double want = 0, tokens = 0;
	size_t cut = 0;
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "c");
	g.o.lr = 0;
	g.o.mask_truncated = true;
	g.o.minibatches = 1;
	rig_start(&g);
	rep = rig_step(&g);
	e = &rep.explored;
	for (size_t i = 0; i < e->n_used; i++) {
		const struct rollout *r = &e->effective->v[e->used[i]];

		tokens += (double)r->n;
		want -= r->stopped ? e->advantage[i] * (double)r->n : 0;
		cut += !r->stopped;
	}
	assert_true(cut > 0 && cut < e->n_used);
	assert_true(fabs(want) > 1e-3);
	assert_close(rep.learned.loss, want / tokens, 1e-9);
	rig_free(&g);
}

/* Where updates are of two groups each, which two is another matter in each pass. */
static void passes_have_orders_of_their_own(void **state)
{
	int differ = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		double norm[2];

		for (int i = 0; i < 2; i++) {
			struct rig g;

			rig_make(&g, "c");
			g.o.lr = 0;
			g.o.roll.seed = seed;
			g.o.minibatches = 2;
			g.o.epochs = i + 1;
			rig_start(&g);
			norm[i] = rig_step(&g).learned.grad_norm;
			rig_free(&g);
		}
		differ += fabs(norm[1] - norm[0]) > 1e-6 * norm[0];
	}
	assert_true(differ >= 3);
}

static void bounds_cut_a_share_of_the_tokens(void **state)
{
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "c");
	g.o.lr = 0.05;
	g.o.epochs = 4;
	rig_start(&g);
	rep = rig_step(&g);
	assert_true(rep.learned.clip_fraction > 0 && rep.learned.clip_fraction < 1);
	assert_true(rep.learned.kl_old > 0 && rep.learned.kl_old < 1);
	rig_free(&g);
}

/* The first update throws the weights far away, the others are left out: means are of the first. */
static void what_is_left_out_is_in_no_mean(void **state)
{
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "c");
	g.o.lr = 1e30;
	rig_start(&g);
	rep = rig_step(&g);
	assert_int_equal(rep.learned.updates, 1);
	assert_int_equal(rep.learned.skipped, 3);
	assert_close(rep.learned.ratio_error, 0, 0);
	assert_close(rep.learned.kl_old, 0, 0);
	assert_close(rep.learned.clip_fraction, 0, 0);
	assert_true(isfinite(rep.learned.loss) && rep.learned.grad_norm > 0);
	rig_free(&g);
}

/* All problems have their turn before one comes again, each time in another order. */
static void problems_come_in_epochs(void **state)
{
	size_t first[N_TASKS], differ = 0;
	struct rig g;

	(void)state;
	rig_make(&g, "c");
	g.o.groups = N_TASKS;
	g.o.keep_equal = true;
	g.o.lr = 0;
	rig_start(&g);
	for (int s = 0; s < 4; s++) {
		struct rl_report rep = rig_step(&g);
		unsigned seen = 0;

		for (size_t i = 0; i < N_TASKS; i++) {
			size_t task = rep.explored.effective->v[i * 8].task;

			seen |= 1U << task;
			first[i] = s ? first[i] : task;
			differ += first[i] != task;
		}
		assert_int_equal(seen, (1U << N_TASKS) - 1);
	}
	assert_true(differ > 0);
	rig_free(&g);
}

struct back { /* what was written */
	size_t n, used;
	double sum; /* of advantages */
	double reward, entropy, tokens, truncated;
};

/* anchored: the pattern is ^c, not c */
static struct back read_back(struct rig *g, bool anchored)
{
	struct reason why = {0};
	struct traj_mem mem = {0};
	struct back b = {0};
	struct rec_in *in;
	struct rec rec;
	struct traj t;
	int got;

	rec_finish(&g->w);
	assert_int_equal(out_flush(&g->out, &why), 0);
	in = rec_open(g->path, REC_STRICT, &why);
	while ((got = rec_next(in, &rec, &why)) > 0) {
		const char *c;

		if (traj_read(&t, &rec, "stream", &mem, &why))
			fail_msg("%s", why.text);
		b.n++;
		b.used += t.used == 1;
		assert_int_equal(t.used == 1, !isnan(t.advantage));
		b.sum += t.used ? t.advantage : 0;
		assert_true(t.step == 1 || t.step == 2);
		assert_true(t.n_tokens >= 1 && t.n_tokens == t.n_logprobs);
		assert_true(t.n_prompt_tokens >= 1);
		assert_true(span_is(t.finish, t.tokens[t.n_tokens - 1] == 1 ? "stop" : "length"));
		c = memchr(t.response.p, 'c', t.response.n);
		assert_true(t.reward == (c && (!anchored || c == t.response.p) ? 1 : 0));
		assert_true(t.policy.n == 16 && t.entropy > 0);
		b.reward += t.reward;
		b.tokens += (double)t.n_tokens;
		b.entropy += t.entropy * (double)t.n_tokens;
		b.truncated += span_is(t.finish, "length");
	}
	if (got < 0)
		fail_msg("%s", why.text);
	traj_mem_free(&mem);
	rec_close(in);
	return b;
}

static void every_response_is_written(void **state)
{
	(void)state;
	for (int rare = 0; rare < 2; rare++) {
		size_t want_n = 0, want_used = 0;
		struct back b;
		struct rig g;

		rig_make(&g, rare ? "^c" : "c");
		rig_start(&g);
		for (int s = 0; s < 2; s++) {
			struct rl_report rep = rig_step(&g);

			want_n += rep.explored.responses;
			want_used += rep.explored.n_used;
			assert_int_equal(rep.explored.responses, 8 * rep.explored.tried);
			assert_int_equal(rep.explored.n_used, 8 * rep.explored.kept);
			assert_int_equal(rep.explored.kept, 4);
		}
		b = read_back(&g, rare);
		assert_int_equal(b.n, want_n);
		assert_int_equal(b.used, want_used);
		assert_close(b.sum, 0, 1e-4);
		rig_free(&g);
	}
}

static void means_are_of_all_responses(void **state)
{
	struct rl_report rep;
	struct back b;
	struct rig g;

	(void)state;
	rig_make(&g, "^c");
	rig_start(&g);
	rep = rig_step(&g);
	b = read_back(&g, true);
	assert_true(rep.explored.tried > rep.explored.kept);
	assert_close(rep.explored.reward, b.reward / (double)b.n, 1e-12);
	assert_close(rep.explored.accuracy, b.reward / (double)b.n, 1e-12);
	assert_close(rep.explored.entropy, b.entropy / b.tokens, 1e-9);
	assert_close(rep.explored.length, b.tokens / (double)b.n, 1e-12);
	assert_close(rep.explored.truncated, b.truncated / (double)b.n, 1e-12);
	assert_true(rep.explored.truncated > 0 && rep.explored.truncated != 0.5);
	rig_free(&g);
}

/* Rare successes: most groups are all wrong and are replaced, up to the bound. */
static void equal_groups_are_replaced(void **state)
{
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "^c[cd]");
	rig_start(&g);
	rep = rig_step(&g);
	assert_true(rep.explored.rounds > 1 && rep.explored.tried > 4);
	assert_int_equal(rep.explored.kept, 4);
	/* those that were replaced are in memory no more */
	assert_true(rep.explored.effective->n < rep.explored.responses);
	rig_free(&g);

	rig_make(&g, "^c[cd]");
	g.o.rounds = 1;
	rig_start(&g);
	rep = rig_step(&g);
	assert_int_equal(rep.explored.tried, 4);
	assert_true(rep.explored.kept < 4);
	rig_free(&g);

	rig_make(&g, "^c[cd]");
	g.o.keep_equal = true;
	rig_start(&g);
	rep = rig_step(&g);
	assert_int_equal(rep.explored.tried, 4);
	assert_int_equal(rep.explored.kept, 4);
	rig_free(&g);
}

static void reward_rises(void **state)
{
	struct rig g;

	(void)state;
	for (int kind = LOSS_DAPO; kind <= LOSS_DPPO_KL; kind++) {
		double first = 0, last = 0;

		rig_make(&g, "^c");
		g.o.loss.kind = (enum loss_kind)kind;
		g.o.loss.bound = 0.1;
		g.o.lr = 0.01;
		g.o.optimizer.decay = 0;
		g.o.loss.kl = kind == LOSS_GSPO ? 0.01 : 0;
		g.o.rounds = 2;
		rig_start(&g);
		for (int s = 0; s < 12; s++) {
			struct rl_report rep = rig_step(&g);

			first += s < 2 ? rep.explored.reward / 2 : 0;
			last = rep.explored.reward;
			assert_true(rep.learned.updates == 0 ||
				    isnan(rep.learned.kl_ref) == (kind != LOSS_GSPO));
			if (s == 1 && kind == LOSS_GSPO)
				assert_true(rep.learned.kl_ref > 0);
		}
		assert_true(first < 0.5 && last > 0.8);
		rig_free(&g);
	}
}

static void same_seed_same_weights(void **state)
{
	uint64_t hash[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig g;

		rig_make(&g, "c");
		g.o.lr = 0.01;
		g.o.roll.seed = i == 2 ? 8 : 7;
		g.o.epochs = 2;
		rig_start(&g);
		rig_step(&g);
		rig_step(&g);
		hash[i] = model_hash(&g.p.model);
		rig_free(&g);
	}
	assert_true(hash[0] == hash[1]);
	assert_true(hash[0] != hash[2]);
}

static void nothing_to_learn_ends_the_run(void **state)
{
	struct reason why = {0};
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "z"); /* cannot be said */
	g.o.rounds = 2;
	rig_start(&g);
	for (int s = 1; s < RL_PATIENCE; s++) {
		rep = rig_step(&g);
		assert_int_equal(rep.learned.updates, 0);
		assert_int_equal(rep.explored.responses, 8 * (4 + 6));
		assert_int_equal(rep.explored.effective->n, 0);
	}
	assert_int_equal(rl_step(g.rl, &rep, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "nothing to learn from"));
	assert_non_null(strstr(why.text, "easier problems"));
	assert_false(rep.learned.stuck);
	assert_false(rl_mastered(g.rl));
	rig_free(&g);
}

static void nothing_left_to_learn_is_a_success(void **state)
{
	struct rig g;

	(void)state;
	rig_make(&g, "^"); /* whatever is said */
	g.o.rounds = 2;
	rig_start(&g);
	for (int s = 1; s <= RL_PATIENCE; s++) {
		assert_false(rl_mastered(g.rl));
		assert_int_equal(rig_step(&g).learned.updates, 0);
	}
	assert_true(rl_mastered(g.rl));
	rig_free(&g);
}

/* Some problems are solved always, the others never. */
static void half_mastered_is_no_success(void **state)
{
	struct reason why = {0};
	struct rl_report rep;
	struct rig g;
	int st = 0;

	(void)state;
	rig_make(&g, "^");
	g.v[0].answer = g.v[1].answer = (char *)(uintptr_t) "z";
	rig_start(&g);
	for (int s = 1; s <= RL_PATIENCE; s++)
		st = rl_step(g.rl, &rep, &why);
	assert_int_equal(st, ST_INPUT);
	assert_non_null(strstr(why.text, "always or never"));
	assert_false(rl_mastered(g.rl));
	rig_free(&g);
}

/* It is steps in a row that count. */
static void a_step_that_teaches_gives_patience_anew(void **state)
{
	int row = 0, barren = 0, st = 0;
	struct rig g;

	(void)state;
	rig_make(&g, "^c");
	g.o.lr = 0;
	g.o.groups = g.o.rounds = 1;
	g.o.group_size = 4;
	rig_start(&g);
	for (int s = 0; s < 60 && !st; s++) {
		struct reason why = {0};
		struct rl_report rep;

		st = rl_step(g.rl, &rep, &why);
		row = rep.explored.kept ? 0 : row + 1;
		barren += !rep.explored.kept;
		assert_int_equal(st, row == RL_PATIENCE ? ST_INPUT : 0);
	}
	assert_true(barren > RL_PATIENCE);
	rig_free(&g);
}

static void failed_verdicts_are_no_zeros(void **state)
{
	struct reason why = {0};
	struct rl_report rep;
	struct rig g;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as tool_start does */
	for (int forgiving = 0; forgiving < 2; forgiving++) {
		rig_make(&g, "c");
		g.o.keep_equal = true;
		g.o.failures.most = forgiving ? 1 : 0.3; /* 32 of 100 at once */
		g.o.rounds = 1;
		g.o.roll.verify.verifier = "cmd:sed -u s/.*/garbage/";
		rig_start(&g);
		assert_int_equal(rl_step(g.rl, &rep, &why), forgiving ? 0 : ST_INPUT);
		assert_int_equal(rep.explored.failures, 32);
		assert_int_equal(rep.explored.n_used, 0);
		assert_int_equal(rep.learned.updates, 0);
		rig_free(&g);
	}
	assert_true(isnan(rep.explored.reward) && !signbit(rep.explored.reward)); /* "nan" */
	assert_non_null(
		strstr(why.text, "step 1: verifier: 32 of 32 verdicts are failures (32 garbage)"));
}

static void long_responses_are_punished(void **state)
{
	struct rl_report rep;
	struct rig g;

	(void)state;
	rig_make(&g, "");
	g.o.keep_equal = true;
	g.o.advantage.kind = ADV_DR_GRPO;
	g.o.overlong_buffer = 6;
	rig_start(&g);
	rep = rig_step(&g);
	for (size_t i = 0; i < rep.explored.n_used; i += 8) {
		const size_t *used = rep.explored.used + i;
		double mean = 0;

		for (int k = 0; k < 8; k++)
			mean += 1 - (double)rep.explored.effective->v[used[k]].n / 6;
		for (int k = 0; k < 8; k++)
			assert_close(rep.explored.advantage[i + (size_t)k],
				     1 - (double)rep.explored.effective->v[used[k]].n / 6 -
					     mean / 8,
				     1e-12);
	}
	assert_close(rep.explored.reward, 1, 0); /* the record keeps the verifier's */
	rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_is_of_the_largest_round),
		cmocka_unit_test(plan_is_of_no_more_than_a_step),
		cmocka_unit_test(ratios_are_one_before_the_first_update),
		cmocka_unit_test(groups_stay_whole),
		cmocka_unit_test(loss_is_the_mean_over_an_update),
		cmocka_unit_test(what_was_cut_off_is_masked),
		cmocka_unit_test(passes_have_orders_of_their_own),
		cmocka_unit_test(bounds_cut_a_share_of_the_tokens),
		cmocka_unit_test(what_is_left_out_is_in_no_mean),
		cmocka_unit_test(problems_come_in_epochs),
		cmocka_unit_test(every_response_is_written),
		cmocka_unit_test(means_are_of_all_responses),
		cmocka_unit_test(equal_groups_are_replaced),
		cmocka_unit_test(reward_rises),
		cmocka_unit_test(same_seed_same_weights),
		cmocka_unit_test(nothing_to_learn_ends_the_run),
		cmocka_unit_test(nothing_left_to_learn_is_a_success),
		cmocka_unit_test(half_mastered_is_no_success),
		cmocka_unit_test(a_step_that_teaches_gives_patience_anew),
		cmocka_unit_test(failed_verdicts_are_no_zeros),
		cmocka_unit_test(long_responses_are_punished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
