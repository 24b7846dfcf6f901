/*
 * What was learned is kept: a policy that was trained from a folder of BF16, written and read back
 * samples the tokens that the one in memory samples, with the same floats, and a run that goes on
 * from the folder is the run that goes on from memory.
 */
#include "base/file.h"
#include "learn/rl.h"

#include "scratch.h"
#include "tiny.h"

enum { N_TASKS = 4, EACH = 6 };

static struct rl_opts o = RL_OPTS_DEFAULT;
static struct task v[N_TASKS] = {{.id = "0", .prompt = "a", .answer = "c"},
				 {.id = "1", .prompt = "b", .answer = "c"},
				 {.id = "2", .prompt = "ab", .answer = "c"},
				 {.id = "3", .prompt = "ba", .answer = "c"}};
static const struct task_set tasks = {v, N_TASKS};
static const struct weights_form trained = {.as = WEIGHTS_TRAINED}, as_bf16 = {.as = WEIGHTS_BF16};
static char dir[4096];

static const char *at(const char *name)
{
	static char path[4][8192];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof path[next], "%s/%s", dir, name);
	return path[next];
}

static void must(int st, const struct reason *why)
{
	if (st)
		fail_msg("%s", why->text);
}

/* A folder of BF16 weights to begin with */
static int setup(void **state)
{
	struct policy p = tiny_policy("abcd", 2);
	struct reason why = {0};

	(void)state;
	snprintf(dir, sizeof dir, "%s", scratch_new());
	must(policy_save(&p, at("base"), &as_bf16, &why), &why);
	policy_free(&p);
	o.groups = 4;
	o.group_size = 8;
	o.minibatches = 2;
	o.roll.sample.max_new = 6;
	o.roll.verify.verifier = "regex";
	o.warmup = 0;
	o.lr = 1e-5; /* most changes are below half a step of BF16 */
	return 0;
}

static int teardown(void **state)
{
	static const char *const folders[] = {"base", "next", "last"};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		if (access(at(folders[i]), F_OK) == 0)
			scratch_free(at(folders[i]));
	scratch_free(dir);
	return 0;
}

/* Steps of RL with fresh moments; the stream is dir/name */
static void steps(struct policy *p, int n, const char *name)
{
	struct reason why = {0};
	struct rec_out w;
	struct out out;
	struct rl *rl;

	out_init(&out, open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0666), name);
	rec_out_init(&w, &out, 1);
	rl = rl_new(&o, p, &tasks, "tasks", &w, NULL, &why);
	if (!rl)
		fail_msg("%s", why.text);
	for (int i = 0; i < n; i++) {
		struct rl_report rep;

		must(rl_step(rl, &rep, &why), &why);
		assert_true(rep.learned.updates > 0);
	}
	rl_free(rl);
	must(out_close(&out, &why), &why);
	rec_out_free(&w);
}

static void sample(const struct policy *p, struct rollouts *all)
{
	struct reason why = {0};
	struct roller *r = rollout_open(p, &tasks, "tasks", &o.roll, &why);
	struct draw draw[N_TASKS];

	if (!r)
		fail_msg("%s", why.text);
	for (size_t i = 0; i < N_TASKS; i++)
		draw[i] = (struct draw){i, i};
	*all = (struct rollouts){0};
	must(rollout_run(r, draw, N_TASKS, EACH, 3, all, &why), &why);
	rollout_close(r);
}

static void assert_samples_equal(const struct policy *p, const struct policy *q)
{
	struct rollouts a, b;

	sample(p, &a);
	sample(q, &b);
	assert_int_equal(a.n_tok, b.n_tok);
	assert_memory_equal(a.tokens, b.tokens, a.n_tok * sizeof *a.tokens);
	assert_memory_equal(a.logprobs, b.logprobs, a.n_tok * sizeof *a.logprobs);
	rollout_free(&a);
	rollout_free(&b);
}

static void assert_files_equal(const char *a, const char *b)
{
	struct buf x = {0}, y = {0};
	struct reason why = {0};

	must(file_read(at(a), 1 << 24, &x, &why), &why);
	must(file_read(at(b), 1 << 24, &y, &why), &why);
	assert_true(x.n > 1000);
	assert_int_equal(x.n, y.n);
	assert_memory_equal(x.p, y.p, x.n);
	buf_free(&x);
	buf_free(&y);
}

/* Two steps, and three more: from memory and from the folder; how: MODEL_* */
static void goes_on(int how, int64_t rank)
{
	const struct peft want = {.r = rank}, none = {0};
	struct reason why = {0};
	struct policy p, q;
	uint64_t began;

	must(policy_load_trained(&p, at("base"), how, &want, 5, false, &why), &why);
	began = model_hash(&p.model);
	steps(&p, 2, "first");
	assert_true(model_hash(&p.model) != began);
	must(policy_save(&p, at("next"), &trained, &why), &why);
	must(policy_load_as(&q, at("next"), how | WEIGHTS_LEAN, &why), &why);
	assert_int_equal(model_hash(&q.model), model_hash(&p.model));
	assert_samples_equal(&p, &q);
	policy_free(&q);

	must(policy_load_trained(&q, at("next"), how, &none, 6, false, &why), &why);
	steps(&p, 3, "memory");
	steps(&q, 3, "folder");
	assert_files_equal("memory", "folder");
	assert_int_equal(model_hash(&q.model), model_hash(&p.model));
	must(policy_save(&q, at("last"), &trained, &why), &why);
	assert_true(policy_is_saved(&p, at("last"), &trained));
	assert_false(policy_is_saved(&p, at("next"), &trained));
	policy_free(&p);
	policy_free(&q);
}

static void all_weights(void **state)
{
	(void)state;
	goes_on(0, 0);
}

static void an_adapter(void **state)
{
	(void)state;
	goes_on(0, 2);
}

static void computed_in_bf16(void **state)
{
	(void)state;
	goes_on(MODEL_BF16, 0);
}

static void an_adapter_in_bf16(void **state)
{
	(void)state;
	goes_on(MODEL_BF16, 2);
}

/* What the same run loses when it is saved in the type that it came in; nor is an adapter rounded
 * without a word, or a folder that is gone taken for one of the same weights. */
static void rounded(void **state)
{
	static const struct weights_form same = {.as = WEIGHTS_SAME};
	const struct peft none = {0}, want = {.r = 2};
	struct weights_loss loss;
	struct reason why = {0};
	struct policy p;

	(void)state;
	must(policy_load_trained(&p, at("base"), 0, &none, 5, false, &why), &why);
	must(policy_loss(&p, at("base"), &same, &loss, &why), &why);
	assert_int_equal(loss.changed, 0);
	assert_true(policy_is_saved(&p, at("base"), &trained));
	steps(&p, 2, "first");
	must(policy_loss(&p, at("base"), &trained, &loss, &why), &why);
	assert_int_equal(loss.rounded, 0);
	must(policy_loss(&p, at("base"), &same, &loss, &why), &why);
	assert_true(loss.returned > loss.changed / 2);
	assert_int_equal(policy_size(&p, &trained), 2 * policy_size(&p, &same));
	assert_int_equal(policy_loss(&p, at("nowhere"), &same, &loss, &why), ST_INPUT);
	policy_free(&p);

	must(policy_load_trained(&p, at("base"), 0, &want, 5, false, &why), &why);
	must(policy_loss(&p, at("base"), &as_bf16, &loss, &why), &why);
	assert_int_equal(loss.changed, 0); /* it was nowhere */
	must(policy_save(&p, at("next"), &as_bf16, &why), &why);
	policy_free(&p);
	must(policy_load_trained(&p, at("next"), 0, &none, 5, false, &why), &why);
	steps(&p, 2, "first");
	must(policy_loss(&p, at("next"), &as_bf16, &loss, &why), &why);
	assert_true(loss.changed > 0 && loss.returned > 0 && loss.returned < loss.changed);
	policy_free(&p);
}

/* Of an adapter that is merged, only the layers that it is for become F32. */
static void only_what_changed(void **state)
{
	const struct peft want = {.r = 2, .targets = 1U << LORA_Q};
	struct reason why = {0};
	struct sft_file f;
	struct policy p;

	(void)state;
	must(policy_load_trained(&p, at("base"), 0, &want, 5, true, &why), &why);
	assert_true(policy_is_saved(&p, at("base"), &trained)); /* B is zero */
	steps(&p, 1, "first");
	must(policy_save(&p, at("next"), &trained, &why), &why);
	must(sft_open(&f, at("next"), &why), &why);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(f.v[i].dtype, strstr(f.v[i].name, "q_proj") ? SFT_F32 : SFT_BF16);
	sft_close(&f);
	policy_free(&p);
	/* and of such a mixture each tensor stays what it is */
	must(policy_load(&p, at("next"), 0, &why), &why);
	assert_true(policy_is_saved(&p, at("next"), &trained));
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_weights, setup, teardown),
		cmocka_unit_test_setup_teardown(an_adapter, setup, teardown),
		cmocka_unit_test_setup_teardown(computed_in_bf16, setup, teardown),
		cmocka_unit_test_setup_teardown(an_adapter_in_bf16, setup, teardown),
		cmocka_unit_test_setup_teardown(rounded, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_changed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
