/*
 * rl-explore - reinforcement learning from a policy; every sampled trajectory goes to standard
 * output. See man/rl-explore.1.
 */
#include "base/mem.h"
#include "base/par.h"
#include "base/progress.h"
#include "base/tool.h"
#include "learn/rl.h"
#include "learn/runlog.h"
#include "tensor/blas.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DTYPE_WORDS "same|f32|f16|bf16"

static struct rl_opts o = RL_OPTS_DEFAULT;
static const char *policy_dir, *task_file, *out_dir, *log_file, *save_to;
static int64_t steps = 100, threads, save_every, seed;
static int64_t workers = 1, max_output = 65536;
static const char *advantage = "grpo", *loss = "dapo", *aggregate = "token-mean", *dtype = "same";

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0, "policy to begin with"},
	{'t', "tasks", "FILE", OPT_STR, &task_file, 0, 0, "problems to learn from"},
	{'n', "steps", "N", OPT_INT, &steps, 1, 1e9, "RL steps"},
	{'o', "output", "DIR", OPT_STR, &out_dir, 0, 0, "write the policy that RL ends with"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 0, "of the order of problems and of sampling"},
	{'j', "threads", "N", OPT_INT, &threads, 0, 1024, "threads; 0: one per processor"},

	{0, "groups", "N", OPT_INT, &o.groups, 1, 1e6, "problems to train on in a step"},
	{0, "group-size", "N", OPT_INT, &o.group_size, 1, 1e5, "responses to each"},
	{0, "rounds", "N", OPT_INT, &o.rounds, 1, 1e4,
	 "most rounds of sampling in a step, to replace groups of equal rewards"},
	{0, "oversample", "X", OPT_NUM, &o.oversample, 1, 100,
	 "problems drawn in later rounds for each that is missing"},
	{0, "keep-equal", NULL, OPT_FLAG, &o.keep_equal, 0, 0,
	 "train on groups of equal rewards too: no dynamic sampling"},
	{0, "max-new", "N", OPT_INT, &o.roll.sample.max_new, 1, 1e6, "most tokens of a response"},
	{0, "temperature", "X", OPT_NUM, &o.roll.sample.temperature, 0.01, 100, "of sampling"},
	{0, "top-p", "X", OPT_NUM, &o.roll.sample.top_p, 1e-6, 1, "nucleus sampling; 1: off"},
	{0, "top-k", "N", OPT_INT, &o.roll.sample.top_k, 0, 1e9, "the k likeliest only; 0: off"},
	{0, "batch", "N", OPT_INT, &o.roll.sample.batch, 1, 4096,
	 "responses that a thread decodes together"},

	{0, "verifier", "NAME", OPT_STR, &o.roll.verify.verifier, 0, 0,
	 "for problems that name none: a name, or cmd:COMMAND"},
	{0, "deadline", "SECONDS", OPT_NUM, &o.roll.verify.deadline, 0.001, 1e6,
	 "for one answer of a command"},
	{0, "max-output", "BYTES", OPT_INT, &max_output, 16, 1e9, "for one answer of a command"},
	{0, "workers", "N", OPT_INT, &workers, 1, 1024, "copies of a command side by side"},
	{0, "trust", NULL, OPT_FLAG, &o.roll.verify.trust, 0, 0, "run commands that problems name"},
	{0, "max-failures", "SHARE", OPT_NUM, &o.max_failures, 0, 1,
	 "stop when more verdicts than this are failures"},

	{0, "advantage", ADVANTAGE_WORDS, OPT_WORD, &advantage, 0, 0, "estimator"},
	{0, "overlong-buffer", "N", OPT_INT, &o.overlong_buffer, 0, 1e6,
	 "tokens before --max-new from which length is punished; 0: not at all"},
	{0, "overlong-penalty", "X", OPT_NUM, &o.overlong_penalty, 0, 1e6,
	 "taken off the reward at --max-new"},
	{0, "loss", LOSS_WORDS, OPT_WORD, &loss, 0, 0, "policy-gradient loss"},
	{0, "aggregate", AGGREGATE_WORDS, OPT_WORD, &aggregate, 0, 0, "what the loss is a mean of"},
	{0, "clip-low", "X", OPT_NUM, &o.loss.clip_low, 0, 1, "ratios count down to 1 - X"},
	{0, "clip-high", "X", OPT_NUM, &o.loss.clip_high, 0, 1e6, "ratios count up to 1 + X"},
	{0, "dual-clip", "X", OPT_NUM, &o.loss.dual_clip, 0, 1e6,
	 "and up to X where the advantage is negative; 0: off"},
	{0, "kl", "X", OPT_NUM, &o.loss.kl, 0, 1e6, "weight of the KL term to the start policy"},

	{0, "epochs", "N", OPT_INT, &o.epochs, 1, 1e4, "passes over a step's responses"},
	{0, "minibatches", "N", OPT_INT, &o.minibatches, 1, 1e6, "updates in a pass"},
	{0, "micro-tokens", "N", OPT_INT, &o.micro_tokens, 1, 1e9,
	 "tokens in memory at a time; the result hardly depends on it"},
	{0, "recompute", NULL, OPT_FLAG, &o.recompute, 0, 0,
	 "less memory for about a third more time; the same result"},
	{0, "lr", "X", OPT_NUM, &o.lr, 0, 10, "learning rate"},
	{0, "warmup", "N", OPT_INT, &o.warmup, 0, 1e9, "steps in which it rises to that"},
	{0, "weight-decay", "X", OPT_NUM, &o.adamw.decay, 0, 10, "of matrices, decoupled"},
	{0, "beta1", "X", OPT_NUM, &o.adamw.beta1, 0, 0.999999, "of AdamW"},
	{0, "beta2", "X", OPT_NUM, &o.adamw.beta2, 0, 0.999999, "of AdamW"},
	{0, "eps", "X", OPT_NUM, &o.adamw.eps, 1e-30, 1, "of AdamW"},
	{0, "clip", "X", OPT_NUM, &o.adamw.clip, 0, 1e9, "norm the gradient is cut to; 0: never"},

	{0, "iter", "N", OPT_INT, &o.iter, 0, 1e9, "iteration to write into the records"},
	{0, "log", "FILE", OPT_STR, &log_file, 0, 0, "metrics, a JSON line a step"},
	{0, "save-every", "N", OPT_INT, &save_every, 0, 1e9,
	 "save the policy every N steps; 0: no"},
	{0, "save-to", "DIR", OPT_STR, &save_to, 0, 0, "folder for those: DIR/step-N"},
	{0, "dtype", DTYPE_WORDS, OPT_WORD, &dtype, 0, 0, "of saved weights; same: as they came"},
	{0}};
static const struct tool tool = {
	"rl-explore", "",
	"Trains a policy by RL with verifiable rewards and writes all it sampled as a stream.",
	opts};

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

/* The first signal ends the run after the present step, the second at once. */
static void hold_signals(void)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction old,
		new = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};

	sigemptyset(&new.sa_mask);
	for (int i = 0; i < 3; i++)
		if (sigaction(sigs[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &new, NULL);
}

static int check_options(void)
{
	if (!policy_dir || !task_file)
		return tool_usage("-p and -t are needed");
	if (o.group_size == 1 && !o.keep_equal)
		return tool_usage("--group-size 1: the rewards of a group of one never differ "
				  "(--keep-equal trains on it)");
	if (o.loss.dual_clip > 0 && o.loss.dual_clip <= 1)
		return tool_usage("--dual-clip: it must be above 1, or 0");
	if (!save_every != !save_to)
		return tool_usage("--save-every and --save-to need each other");
	if (isatty(STDOUT_FILENO))
		return tool_usage("records are not written to a terminal: use a pipe or a file");
	o.roll.seed = (uint64_t)seed;
	o.roll.verify.workers = (int)workers;
	o.roll.verify.max_output = (size_t)max_output;
	o.advantage = (enum advantage)tool_word(ADVANTAGE_WORDS, advantage);
	o.loss.kind = (enum loss_kind)tool_word(LOSS_WORDS, loss);
	o.aggregate = (enum aggregate)tool_word(AGGREGATE_WORDS, aggregate);
	return 0;
}

static char *step_dir(int64_t step)
{
	return xasprintf("%s/step-%" PRId64, save_to, step);
}

/* What would fail after hours of work is refused before them. */
static int check_outputs(struct reason *why)
{
	int st = out_dir ? newdir_check(out_dir, why) : 0;

	if (!st && save_to && mkdir(save_to, 0777) != 0 && errno != EEXIST)
		st = fail_errno(why, errno, "%s", save_to);
	for (int64_t n = save_every; !st && save_every && n <= steps; n += save_every) {
		char *dir = step_dir(n);

		st = newdir_check(dir, why);
		free(dir);
	}
	return st;
}

static int save(const struct policy *p, const char *dir, struct reason *why)
{
	int i = tool_word(DTYPE_WORDS, dtype);

	return policy_save(p, dir, i ? (enum st_dtype)(i - 1) : p->dtype, why);
}

static int save_step(const struct policy *p, int64_t step, struct reason *why)
{
	char *dir;
	int st;

	if (!save_every || step % save_every)
		return 0;
	dir = step_dir(step);
	st = save(p, dir, why);
	free(dir);
	return st;
}

/* The weights of a run that got stuck, beside the place where the finished ones would be. */
static void rescue(const struct policy *p)
{
	char *dir = out_dir   ? xasprintf("%s.last-good", out_dir)
		    : save_to ? xasprintf("%s/last-good", save_to)
			      : NULL;
	struct reason why = {0};

	if (!dir)
		return;
	if (save(p, dir, &why))
		msg_reason(&why);
	else
		msg_warn("%s: the last good weights are here", dir);
	free(dir);
}

static int log_step(struct runlog *l, const struct rl_report *r, struct reason *why)
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
	runlog_int(l, "responses", e->all->n);
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
	return runlog_end(l, why);
}

static struct totals { /* of the run, for the closing note */
	uint64_t responses, failures, skipped;
	int64_t steps, short_of_groups, without_update;
	double first, last; /* mean reward of the first and the last step */
} total;

static void count(const struct rl_report *r)
{
	total.responses += r->explored.all->n;
	total.failures += r->explored.failures;
	total.skipped += r->skipped;
	total.short_of_groups += r->explored.kept < (size_t)o.groups;
	total.without_update += r->updates == 0;
	total.first = total.steps++ ? total.first : r->explored.reward;
	total.last = r->explored.reward;
}

static void show(const struct rl_report *r, double began)
{
	double spent = clock_now() - began, now = r->sample_s + r->train_s;
	double left = spent / (double)r->step * (double)(steps - (int64_t)r->step);
	char text[32];

	progress((int64_t)r->step == steps,
		 "step %" PRIu64 "/%" PRId64
		 "  reward %.3f  entropy %.3f  groups %zu/%zu  %.0f tokens/s  %s left",
		 r->step, steps, r->explored.reward, r->explored.entropy, r->explored.kept,
		 r->explored.tried, (double)(r->sampled + r->trained) / now,
		 progress_time(left, text));
}

static void summary(void)
{
	if (!total.steps)
		return;
	msg_info("%" PRId64 " steps, %" PRIu64 " responses; mean reward %.3f in the first step, "
		 "%.3f in the last",
		 total.steps, total.responses, total.first, total.last);
	if (total.short_of_groups)
		msg_info("%" PRId64 " steps had fewer than --groups %" PRId64
			 " groups of differing rewards after --rounds %" PRId64 "; %" PRId64
			 " were without an update",
			 total.short_of_groups, o.groups, o.rounds, total.without_update);
	if (total.failures)
		msg_warn("%" PRIu64 " responses could not be judged and were not trained on",
			 total.failures);
	if (total.skipped)
		msg_warn("%" PRIu64 " updates were not finite and left out", total.skipped);
}

static int run(struct rl *rl, struct policy *p, struct runlog *l, struct reason *why)
{
	double began = clock_now();
	int st = 0;

	for (int64_t step = 1; step <= steps && !st && !caught; step++) {
		struct rl_report r;

		st = rl_step(rl, &r, why);
		if (r.explored.all) {
			struct reason log_why = {0};
			int log_st = log_step(l, &r, &log_why);

			count(&r);
			show(&r, began);
			if (log_st && !st) {
				*why = log_why;
				st = log_st;
			}
		}
		if (st && r.stuck)
			rescue(p);
		if (!st)
			st = save_step(p, step, why);
	}
	return st;
}

/* Ends the stream only if all steps were made: a stage behind must not commit half a run. */
static int finish(struct policy *p, struct rec_out *w, struct reason *why)
{
	if (total.steps < steps) {
		msg_warn("signal: stopped after %" PRId64 " of %" PRId64
			 " steps; the stream has no end record%s",
			 total.steps, steps, out_dir ? " and no policy was written" : "");
		return out_flush(w->o, why);
	}
	if (out_dir && save(p, out_dir, why))
		return why->status;
	rec_finish(w);
	return out_flush(w->o, why);
}

static int explore(struct policy *p, const struct task_set *tasks, struct rec_out *w,
		   struct reason *why)
{
	struct runlog l = {0};
	struct reason close_why = {0};
	struct rl *rl = NULL;
	int st = runlog_open(&l, log_file, why);

	if (!st && !(rl = rl_new(&o, p, tasks, task_file, w, why)))
		st = why->status;
	if (!st)
		st = run(rl, p, &l, why);
	rl_free(rl);
	if (runlog_close(&l, &close_why) && !st) {
		*why = close_why;
		st = why->status;
	}
	summary();
	return st ? st : finish(p, w, why);
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = check_options();
	struct reason why = {0};
	struct policy p = {0};
	struct task_set tasks = {0};
	struct rec_out w;

	if (!st && i < argc)
		st = tool_usage("%s: no operand is expected", argv[i]);
	if (st)
		return tool_finish(st);
	blas_start();
	par_start((int)threads);
	hold_signals();
	rec_out_init(&w, out_stdout(), (uint64_t)seed);
	rec_put_head(&w);
	st = check_outputs(&why);
	if (!st)
		st = policy_load(&p, policy_dir, &why);
	if (!st)
		st = task_load(&tasks, task_file, &why);
	if (!st)
		st = explore(&p, &tasks, &w, &why);
	if (st)
		msg_reason(&why);
	rec_out_free(&w);
	task_free(&tasks);
	policy_free(&p);
	par_stop();
	st = tool_finish(st);
	if (caught && st == 0 && total.steps < steps)
		raise((int)caught);
	return st;
}
