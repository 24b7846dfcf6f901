/*
 * rl-explore - reinforcement learning from a policy; every sampled trajectory goes to standard
 * output. See man/rl-explore.1.
 */
#include "base/mem.h"
#include "base/par.h"
#include "base/profile.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/tool.h"
#include "rollout/prompt.h"
#include "learn/rl.h"
#include "run/runlog.h"
#include "run/state.h"
#include "tensor/bf16.h"
#include "tensor/blas.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rl_opts o = RL_OPTS_DEFAULT;
static const char *policy_dir, *task_file, *out_dir, *log_file, *save_to, *stream_file, *state_dir;
static int64_t steps = 100, threads, save_every, seed, checkpoint_every = 10;
static int64_t workers = 1, max_output = 65536;
static bool profile;
static const char *advantage = "grpo", *loss = "dapo", *aggregate = "token-mean", *dtype = "same";
static const char *compute = "f32";

static struct peft lora; /* what --lora and its fellows ask for */
static const char *lora_targets;
static bool merge;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0, "policy to begin with"},
	{'t', "tasks", "FILE", OPT_STR, &task_file, 0, 0, "problems to learn from"},
	{0, "prompt-template", "TEXT", OPT_STR, &o.roll.wrap, 0, 0,
	 "what the policy sees of a problem; " PROMPT_PLACE " stands for its prompt"},
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
	 "most responses that a thread decodes together"},

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
	{0, "minibatches", "N", OPT_INT, &o.minibatches, 1, 1e6,
	 "updates in a pass, of whole groups"},
	{0, "micro-tokens", "N", OPT_INT, &o.micro_tokens, 1, 1e9,
	 "tokens in memory at a time; the result hardly depends on it"},
	{0, "compute", MODEL_COMPUTE_WORDS, OPT_WORD, &compute, 0, 0,
	 "products with the weights in this; bf16: about twice as fast"},
	{0, "recompute", NULL, OPT_FLAG, &o.recompute, 0, 0,
	 "less memory for about a third more time; the same result"},
	{0, "lr", "X", OPT_NUM, &o.lr, 0, 10, "learning rate"},
	{0, "warmup", "N", OPT_INT, &o.warmup, 0, 1e9, "steps in which it rises to that"},
	{0, "weight-decay", "X", OPT_NUM, &o.adamw.decay, 0, 10, "of matrices, decoupled"},
	{0, "beta1", "X", OPT_NUM, &o.adamw.beta1, 0, 0.999999, "of AdamW"},
	{0, "beta2", "X", OPT_NUM, &o.adamw.beta2, 0, 0.999999, "of AdamW"},
	{0, "eps", "X", OPT_NUM, &o.adamw.eps, 1e-30, 1, "of AdamW"},
	{0, "clip", "X", OPT_NUM, &o.adamw.clip, 0, 1e9, "norm the gradient is cut to; 0: never"},

	{0, "lora", "R", OPT_INT, &lora.r, 0, LORA_MAX_R,
	 "train low-rank adapters of this rank, not the weights; 0: the weights, or -p's adapter"},
	{0, "lora-alpha", "X", OPT_NUM, &lora.alpha, 0, 1e6,
	 "adapters count X / R; 0: twice R, or as -p has it"},
	{0, "lora-targets", "LIST", OPT_STR, &lora_targets, 0, 0,
	 "layers that have one, q_proj,v_proj ...; all when not given"},
	{0, "merge", NULL, OPT_FLAG, &merge, 0, 0,
	 "save whole policies with the adapter added, not the adapter"},

	{0, "iter", "N", OPT_INT, &o.iter, 0, 1e9, "iteration to write into the records"},
	{0, "stream", "FILE", OPT_STR, &stream_file, 0, 0,
	 "write the stream there, not to standard output"},
	{0, "state", "DIR", OPT_STR, &state_dir, 0, 0,
	 "keep a state there: the same call after a stop goes on; needs --stream"},
	{0, "checkpoint-every", "N", OPT_INT, &checkpoint_every, 1, 1e9,
	 "steps from one checkpoint in it to the next"},
	{0, "profile", NULL, OPT_FLAG, &profile, 0, 0, "say at the end where the time went"},
	{0, "log", "FILE", OPT_STR, &log_file, 0, 0, "metrics, a JSON line a step"},
	{0, "save-every", "N", OPT_INT, &save_every, 0, 1e9,
	 "save the policy every N steps; 0: no"},
	{0, "save-to", "DIR", OPT_STR, &save_to, 0, 0, "folder for those: DIR/step-N"},
	{0, "dtype", POLICY_DTYPE_WORDS, OPT_WORD, &dtype, 0, 0,
	 "of saved weights; same: as they came"},
	{0}};
static const struct tool tool = {
	"rl-explore", "",
	"Trains a policy by RL with verifiable rewards and writes all it sampled as a stream.",
	opts};

/* Options that a run may go on with another value of: the result is the same. */
static const char *const neutral[] = {
	"policy",  "tasks",      "output",  "threads", "batch",
	"workers", "recompute",  "stream",  "state",   "checkpoint-every",
	"log",     "save-every", "save-to", "profile", NULL};

static struct state state;
static struct out stream = {.fd = -1};

static int check_options(void)
{
	struct reason why;

	if (!policy_dir || !task_file)
		return tool_usage("-p and -t are needed");
	if (model_how(compute) & MODEL_BF16 && bf16_missing())
		return tool_usage("--compute %s: %s", compute, bf16_missing());
	if ((lora.alpha > 0 || lora_targets) && !lora.r)
		return tool_usage("--lora-alpha and --lora-targets need --lora");
	if (lora_targets && peft_targets(lora_targets, &lora.targets, &why))
		return tool_usage("--lora-targets: %s", why.text);
	if (o.group_size == 1 && !o.keep_equal)
		return tool_usage("--group-size 1: the rewards of a group of one never differ "
				  "(--keep-equal trains on it)");
	if (o.loss.dual_clip > 0 && o.loss.dual_clip <= 1)
		return tool_usage("--dual-clip: it must be above 1, or 0");
	if (!save_every != !save_to)
		return tool_usage("--save-every and --save-to need each other");
	if (state_dir && !stream_file)
		return tool_usage("--state needs --stream: standard output cannot be cut back to "
				  "where the state was saved");
	if (o.roll.wrap && !strstr(o.roll.wrap, PROMPT_PLACE))
		return tool_usage("--prompt-template: it lacks " PROMPT_PLACE);
	if (!stream_file && isatty(STDOUT_FILENO))
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

/* Two names of one file; what is written to /dev/null is lost anyhow. */
static bool clash(const char *a, const char *b)
{
	return a && b && (strcmp(a, b) == 0 || file_same(a, b)) && !file_same(a, "/dev/null");
}

/* What would fail after hours of work is refused before them. A run with a state may find what it
 * wrote before it was stopped. */
static int check_outputs(struct reason *why)
{
	int st = out_dir && !state.begun ? newdir_check(out_dir, why) : 0;

	if (!st && (clash(task_file, stream_file) || clash(task_file, log_file)))
		st = fail(why, ST_USAGE, "%s: input and output are the same file", task_file);
	if (!st && clash(stream_file, log_file))
		st = fail(why, ST_USAGE, "%s: --stream and --log are the same file", log_file);
	if (!st && save_to && mkdir(save_to, 0777) != 0 && errno != EEXIST)
		st = fail_errno(why, errno, "%s", save_to);
	if (!st && save_to && state_dir && file_same(save_to, state_dir))
		st = fail(why, ST_USAGE, "%s: --save-to and --state are the same folder", save_to);
	for (int64_t n = save_every; !st && save_every && !state_dir && n <= steps;
	     n += save_every) {
		char *dir = step_dir(n);

		st = newdir_check(dir, why);
		free(dir);
	}
	return st;
}

static int save(const struct policy *p, const char *dir, struct reason *why)
{
	enum sft_dtype type = policy_dtype(p, dtype);

	if (state_dir && policy_is_saved(p, dir, type)) /* before the run was stopped */
		return 0;
	return policy_save(p, dir, type, why);
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

static int log_step(struct runlog *l, const struct rl_report *r, const struct profile *spent,
		    struct reason *why)
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
	runlog_int(l, "responses", e->responses);
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
	runlog_profile(l, spent);
	return runlog_end(l, why);
}

static struct totals { /* of the run, for the closing note */
	uint64_t responses, failures, skipped;
	uint64_t steps, short_of_groups, without_update;
	double first, last; /* mean reward of the first and the last step */
} total;

static struct { /* where its files were when a state was saved */
	struct rec_mark stream;
	uint64_t log;
} mark;

static void count(const struct rl_report *r)
{
	total.responses += r->explored.responses;
	total.failures += r->explored.failures;
	total.skipped += r->skipped;
	total.short_of_groups += r->explored.kept < (size_t)o.groups;
	total.without_update += r->updates == 0;
	total.first = total.steps++ ? total.first : r->explored.reward;
	total.last = r->explored.reward;
}

static void show(const struct rl_report *r, double began, uint64_t before)
{
	double spent = clock_now() - began, now = r->sample_s + r->train_s;
	double left = spent / (double)(r->step - before) * (double)((uint64_t)steps - r->step);
	char text[32];

	progress(r->step == (uint64_t)steps,
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
	msg_info("%" PRIu64 " steps, %" PRIu64 " responses; mean reward %.3f in the first step, "
		 "%.3f in the last",
		 total.steps, total.responses, total.first, total.last);
	if (total.short_of_groups)
		msg_info("%" PRIu64 " steps had fewer than --groups %" PRId64
			 " groups of differing rewards after --rounds %" PRId64 "; %" PRIu64
			 " were without an update",
			 total.short_of_groups, o.groups, o.rounds, total.without_update);
	if (total.failures)
		msg_warn("%" PRIu64 " responses could not be judged and were not trained on",
			 total.failures);
	if (total.skipped)
		msg_warn("%" PRIu64 " updates were not finite and left out", total.skipped);
}

/* All that the rest of the run depends on is on the disk when this returns 0. */
static int checkpoint(struct rec_out *w, struct runlog *l, struct reason *why)
{
	int st;

	if (!state_dir || !total.steps)
		return 0;
	st = out_sync(w->o, why);
	if (!st)
		st = runlog_sync(l, why);
	rec_mark_get(w, &mark.stream);
	mark.log = runlog_at(l);
	return st ? st : state_save(&state, total.steps, why);
}

static int run(struct rl *rl, struct policy *p, struct rec_out *w, struct runlog *l,
	       struct reason *why)
{
	double began = clock_now();
	struct profile logged = profile_now();
	uint64_t before = total.steps;
	int st = 0;

	for (uint64_t step = before + 1; step <= (uint64_t)steps && !st && !tool_caught(); step++) {
		struct rl_report r;

		st = rl_step(rl, &r, why);
		if (r.explored.teaching) {
			struct profile spent = profile_since(&logged);
			struct reason log_why = {0};
			int log_st = log_step(l, &r, &spent, &log_why);

			logged = profile_now();
			count(&r);
			show(&r, began, before);
			if (log_st && !st) {
				*why = log_why;
				st = log_st;
			}
		}
		if (st && r.stuck)
			rescue(p);
		if (!st)
			st = save_step(p, (int64_t)step, why);
		if (!st && step % (uint64_t)checkpoint_every == 0)
			st = checkpoint(w, l, why);
	}
	return st ? st : checkpoint(w, l, why);
}

/* Ends the stream only if all steps were made: a stage behind must not commit half a run. */
static int finish(struct policy *p, struct rec_out *w, struct reason *why)
{
	if (total.steps < (uint64_t)steps) {
		msg_warn("signal: stopped after %" PRIu64 " of %" PRId64
			 " steps; the stream has no end record%s%s",
			 total.steps, steps, out_dir ? " and no policy was written" : "",
			 state_dir ? "; the same call goes on from there" : "");
		return out_flush(w->o, why);
	}
	if (out_dir && save(p, out_dir, why))
		return why->status;
	rec_finish(w);
	if (!stream_file)
		return out_flush(w->o, why);
	if (file_is_there(w->o)) { /* the run had come to its end before */
		buf_reset(&w->o->b);
		return 0;
	}
	return file_cut(w->o, why) ? why->status : out_sync(w->o, why);
}

static void name_state(struct rl *rl, const struct policy *p, const struct task_set *tasks)
{
	state_same(&state, "tool", msg_tool());
	state_same_options(&state, opts, neutral);
	state_same_hash(&state, "weights of --policy", model_hash(&p->model));
	state_same_hash(&state, "problems of --tasks", task_hash(tasks));
	rl_state(rl, &state);
	state_count(&state, "total.responses", &total.responses);
	state_count(&state, "total.failures", &total.failures);
	state_count(&state, "total.skipped", &total.skipped);
	state_count(&state, "total.steps", &total.steps);
	state_count(&state, "total.short_of_groups", &total.short_of_groups);
	state_count(&state, "total.without_update", &total.without_update);
	state_real(&state, "reward.first", &total.first);
	state_real(&state, "reward.last", &total.last);
	state_count(&state, "stream.begin", &mark.stream.begin);
	state_count(&state, "stream.end", &mark.stream.end);
	state_count(&state, "stream.count", &mark.stream.count);
	state_hash(&state, "stream.xxh3", &mark.stream.hash);
	state_count(&state, "log.end", &mark.log);
}

/* The state, when there is one: 1; 0: the run begins. */
static int load_state(struct rl *rl, const struct policy *p, const struct task_set *tasks,
		      struct reason *why)
{
	int got;

	if (!state_dir)
		return 0;
	name_state(rl, p, tasks);
	got = state_load(&state, why);
	if (got > 0 && rl_loaded(rl, why)) {
		fail_prefix(why, "%s", state_dir);
		return -1;
	}
	if (got <= 0)
		return got;
	if (state.damaged.status)
		msg_warn("%s: an older checkpoint is taken", state.damaged.text);
	if (state.elsewhere.status)
		msg_warn("%s", state.elsewhere.text);
	if (total.steps == (uint64_t)steps)
		msg_info("%s: all %" PRId64 " steps were made before", state_dir, steps);
	else
		msg_info("%s: going on after step %" PRIu64, state_dir, total.steps);
	return 1;
}

/* Where the stream goes, cut back to where the state was saved. */
static int open_stream(struct rec_out *w, bool resumed, struct reason *why)
{
	bool nowhere = file_same(stream_file, "/dev/null");
	struct stat sb;
	int st = 0;

	resumed = resumed && !nowhere;
	if (state_dir && !nowhere && stat(stream_file, &sb) == 0 && !S_ISREG(sb.st_mode))
		return fail(why, ST_USAGE,
			    "%s: --state needs a regular file for --stream, or /dev/null",
			    stream_file);
	if (resumed)
		st = rec_resume(w, &mark.stream, stream_file, why);
	if (!st)
		st = file_open_at(&stream, stream_file, resumed ? mark.stream.end : 0, why);
	if (!st && total.steps < (uint64_t)steps)
		st = file_cut(&stream, why);
	if (!st)
		rec_put_head(w);
	return st;
}

static int explore(struct policy *p, const struct task_set *tasks, struct rec_out *w,
		   struct reason *why)
{
	struct runlog l = {0};
	struct reason close_why = {0};
	struct memory need;
	char text[MEMORY_TEXT];
	struct rl *rl = rl_new(&o, p, tasks, task_file, w, &need, why);
	int got = rl ? load_state(rl, p, tasks, why) : -1, st = got < 0 ? why->status : 0;

	if (rl)
		msg_info("memory: %s", memory_text(&need, text));
	if (!st && stream_file)
		st = open_stream(w, got > 0, why);
	if (!st)
		st = got > 0 ? runlog_resume(&l, log_file, mark.log, why)
			     : runlog_open(&l, log_file, why);
	if (!st)
		st = run(rl, p, w, &l, why);
	rl_free(rl);
	if (runlog_close(&l, &close_why) && !st) {
		*why = close_why;
		st = why->status;
	}
	summary();
	if (!st)
		st = finish(p, w, why);
	if (profile)
		profile_show();
	return st;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = check_options();
	struct reason why = {0};
	struct policy p = {0};
	struct task_set tasks = {0};
	struct rec_out w;
	const char *core;

	if (!st && i < argc)
		st = tool_usage("%s: no operand is expected", argv[i]);
	if (st)
		return tool_finish(st);
	profile_to(PROFILE_REST);
	core = blas_start();
	par_start((int)threads);
	tool_hold_signals();
	rec_out_init(&w, stream_file ? &stream : out_stdout(), (uint64_t)seed);
	if (!stream_file)
		rec_put_head(&w);
	st = state_open(&state, state_dir, &why);
	state_made_here(&state, core);
	if (!st)
		st = check_outputs(&why);
	if (!st)
		st = policy_load_trained(&p, policy_dir, model_how(compute), &lora, (uint64_t)seed,
					 merge, &why);
	if (!st)
		st = task_load(&tasks, task_file, &why);
	if (!st)
		st = explore(&p, &tasks, &w, &why);
	if (stream.fd >= 0 && out_close(&stream, st ? NULL : &why) && !st)
		st = why.status;
	if (st)
		msg_reason(&why);
	rec_out_free(&w);
	task_free(&tasks);
	policy_free(&p);
	state_close(&state);
	par_stop();
	st = tool_finish(st);
	if (tool_caught() && st == 0 && total.steps < (uint64_t)steps)
		raise(tool_caught());
	return st;
}
