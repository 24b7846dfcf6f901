/*
 * rl-explore - reinforcement learning from a policy; every sampled trajectory goes to standard
 * output. See man/rl-explore.1.
 */
#include "base/mem.h"
#include "base/profile.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/rank.h"
#include "learn/rltotal.h"
#include "rollout/prompt.h"
#include "run/session.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rl_opts o = RL_OPTS_DEFAULT;
static struct run_options run = RUN_OPTIONS_DEFAULT(10);
static const char *task_file, *save_to, *stream_file;
static int64_t steps = 100, save_every;
static const char *advantage = "grpo", *choose = "all";
static struct rl_words words = RL_WORDS_DEFAULT;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR | OPT_BY_CONTENT, &run.policy, 0, 0, "policy to begin with"},
	{'t', "tasks", "FILE", OPT_STR | OPT_BY_CONTENT, &task_file, 0, 0,
	 "problems to learn from"},
	OPTIONS_PROMPT(o.roll.prompt),
	OPTION_MAX_PROMPT(o.roll.prompt.most),
	{'n', "steps", "N", OPT_INT, &steps, 1, 1e9, "RL steps"},
	{'o', "output", "DIR", OPT_STR | OPT_FREE, &run.out, 0, 0,
	 "write the policy that RL ends with"},
	OPT__SEED(run.seed, "of the order of problems and of sampling"),
	OPTION_THREADS(run.threads),

	{0, "choose", CHOOSE_WORDS, OPT_WORD, &choose, 0, 0, "which problems come next"},
	{0, "choose-low", "X", OPT_NUM, &o.choose.low, -1e9, 1e9,
	 "with band, pass over problems whose mean reward was no more"},
	{0, "choose-high", "X", OPT_NUM, &o.choose.high, -1e9, 1e9,
	 "with unsolved and band, pass over problems whose mean reward was no less"},
	{0, "choose-again", "N", OPT_INT, &o.choose.again, 1, 1e9,
	 "steps after which those have their turn again"},
	{0, "choose-keep", "X", OPT_NUM, &o.choose.keep, 0, 1,
	 "with thompson, what an earlier visit still counts"},
	{0, "groups", "N", OPT_INT, &o.groups, 1, 1e6, "problems to train on in a step"},
	{0, "group-size", "N", OPT_INT, &o.group_size, 1, 1e5, "responses to each"},
	{0, "rounds", "N", OPT_INT, &o.rounds, 1, 1e4,
	 "most rounds of sampling in a step, to replace groups of equal rewards"},
	{0, "oversample", "X", OPT_NUM, &o.oversample, 1, 100,
	 "problems drawn in later rounds for each that is missing"},
	{0, "keep-equal", NULL, OPT_FLAG, &o.keep_equal, 0, 0,
	 "train on groups of equal rewards too: no dynamic sampling"},
	OPTIONS_SAMPLING(o.roll.sample),
	OPTIONS_VERIFIER(o.roll.verify, o.failures),

	{0, "advantage", ADVANTAGE_WORDS, OPT_WORD, &advantage, 0, 0, "estimator"},
	OPTIONS_ADVANTAGE(o, words),
	OPTIONS_LOSS(o, words),
	OPTION_LANES(o.lanes),
	OPTION_COMPUTE(run.compute),
	OPTION_BLAS(run.blas),
	OPTIONS_RATE(o),

	OPTIONS_LORA(run),

	{0, "iter", "N", OPT_INT, &o.iter, 0, 1e9, "iteration to write into the records"},
	{0, "stream", "FILE", OPT_STR | OPT_FREE, &stream_file, 0, 0,
	 "write the stream there, not to standard output"},
	OPTIONS_RUN(run, "step"),
	{0, "save-every", "N", OPT_INT | OPT_FREE, &save_every, 0, 1e9,
	 "save the policy every N steps; 0: no"},
	{0, "save-to", "DIR", OPT_STR | OPT_FREE, &save_to, 0, 0, "folder for those: DIR/step-N"},
	{0}};
static const struct tool tool = {
	"rl-explore", "",
	"Trains a policy by RL with verifiable rewards and writes all it sampled as a stream.",
	opts};

static struct session session = {.o = &run, .unit = "step"};
static struct out stream = {.fd = -1};

static int check_options(void)
{
	if (!run.policy || !task_file)
		return tool_usage("-p and -t are needed");
	if (options_check(&run) || options_check_temperature(o.roll.sample.temperature, false))
		return ST_USAGE;
	if (o.group_size == 1 && !o.keep_equal)
		return tool_usage("--group-size 1: the rewards of a group of one never differ "
				  "(--keep-equal trains on it)");
	o.advantage.kind = (enum advantage)tool_word(ADVANTAGE_WORDS, advantage);
	if (o.advantage.kind == ADV_PASS_AT_K && o.advantage.k > o.group_size)
		return tool_usage("--advantage-k %" PRId64 " is more than --group-size %" PRId64,
				  o.advantage.k, o.group_size);
	if (learner_options(&o, &words))
		return ST_USAGE;
	if (!save_every != !save_to)
		return tool_usage("--save-every and --save-to need each other");
	if (run.state && !stream_file)
		return tool_usage("--state needs --stream: standard output cannot be cut back to "
				  "where the state was saved");
	if (o.roll.prompt.wrap && !strstr(o.roll.prompt.wrap, PROMPT_PLACE))
		return tool_usage("--prompt-template: it lacks " PROMPT_PLACE);
	if (options_check_ends(stream_file, task_file))
		return ST_USAGE;
	o.roll.seed = (uint64_t)run.seed;
	o.choose.rule = (enum choose_rule)tool_word(CHOOSE_WORDS, choose);
	if (o.choose.rule == CHOOSE_BAND && o.choose.low >= o.choose.high)
		return tool_usage("--choose-low %g is not below --choose-high %g", o.choose.low,
				  o.choose.high);
	session.all = (uint64_t)steps;
	return 0;
}

static char *step_dir(int64_t step)
{
	return xasprintf("%s/step-%" PRId64, save_to, step);
}

/* What would fail after hours of work is refused before them. A run with a state may find what it
 * wrote before it was stopped. */
static int check_outputs(struct reason *why)
{
	int st = run.out && !session.state.begun ? newdir_check(run.out, why) : 0;

	if (!st && (file_clash(task_file, stream_file) || file_clash(task_file, run.log)))
		st = fail(why, ST_USAGE, "%s: input and output are the same file", task_file);
	if (!st && file_clash(stream_file, run.log))
		st = fail(why, ST_USAGE, "%s: --stream and --log are the same file", run.log);
	if (!st && save_to && mkdir(save_to, 0777) != 0 && errno != EEXIST)
		st = fail_errno(why, errno, "%s", save_to);
	if (!st && save_to && run.state && file_same(save_to, run.state))
		st = fail(why, ST_USAGE, "%s: --save-to and --state are the same folder", save_to);
	for (int64_t n = save_every; !st && save_every && !run.state && n <= steps;
	     n += save_every) {
		char *dir = step_dir(n);

		st = newdir_check(dir, why);
		free(dir);
	}
	return st;
}

/* With --save-every; the last one also where it is none of those. */
static int save_step(const struct policy *p, int64_t step, struct reason *why)
{
	bool mastered = session.all < (uint64_t)steps && (uint64_t)step == session.all;
	char *dir;
	int st;

	if (!save_every || (step % save_every && !mastered))
		return 0;
	dir = step_dir(step);
	st = session_save(&session, p, dir, why);
	free(dir);
	return st;
}

static void rescue(const struct policy *p)
{
	char *dir = run.out   ? xasprintf("%s.last-good", run.out)
		    : save_to ? xasprintf("%s/last-good", save_to)
			      : NULL;

	if (dir)
		session_rescue(&session, p, dir);
	free(dir);
}

static struct rl_total total;
static struct rec_mark mark; /* where the stream was when a state was saved */

static void show(const struct rl_report *r, const struct progress *p)
{
	progress(p, r->step, session.all,
		 "reward %.3f  entropy %.3f  groups %zu/%zu  %.0f tokens/s", r->explored.reward,
		 r->explored.entropy, r->explored.kept, r->explored.tried,
		 (double)(r->sampled + r->learned.trained) / (r->sample_s + r->train_s));
}

/* Logs a step and counts it, also one whose update failed with st. Returns that, or the log's own
 * failure. */
static int account(const struct rl *rl, const struct rl_report *r, const struct progress *p, int st,
		   struct reason *why)
{
	struct reason log_why = {0};

	rl_log(&session.log, rl, r);
	rltotal_add(&total, r, session.done++ == 0, o.groups);
	show(r, p);
	if (!session_log(&session, &log_why) || st)
		return st;
	*why = log_why;
	return why->status;
}

static void summary(void)
{
	if (!session.done)
		return;
	msg_info("%" PRIu64 " steps, %" PRIu64 " responses; mean reward %.3f in the first step, "
		 "%.3f in the last",
		 session.done, total.responses, total.first, total.last);
	if (session.done < (uint64_t)steps && session.done == session.all)
		msg_info("mastered: in the last %d steps all responses to a problem had the same "
			 "reward, and (nearly) all were right; the other steps are not made "
			 "(harder problems teach more; --keep-equal goes on)",
			 RL_PATIENCE);
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

static int checkpoint(struct rec_out *w, struct reason *why)
{
	int st = rank_agree(run.state && session.done ? out_sync(w->o, why) : 0, why);

	rec_mark_get(w, &mark);
	return st ? st : session_checkpoint(&session, why);
}

/* Until all steps are made, the problems are mastered or a signal came. */
static int make_steps(struct rl *rl, struct policy *p, struct rec_out *w, struct reason *why)
{
	struct progress far = {"step", session.done, clock_now()};
	int st = 0;

	for (uint64_t step = far.before + 1; step <= session.all && !st && !rank_caught(); step++) {
		struct rl_report r;

		st = rl_step(rl, &r, why);
		if (!st && rl_mastered(rl))
			session.all = step;
		if (r.explored.effective)
			st = account(rl, &r, &far, st, why);
		if (st && r.learned.stuck)
			rescue(p);
		if (!st)
			st = save_step(p, (int64_t)step, why);
		st = rank_agree(st, why);
		if (!st && step % (uint64_t)run.checkpoint_every == 0)
			st = checkpoint(w, why);
	}
	return st ? st : checkpoint(w, why);
}

/* Ends the stream only if all steps were made: a stage behind must not commit half a run. */
static int finish(const struct rl *rl, struct policy *p, struct rec_out *w, struct reason *why)
{
	if (session.done < session.all) {
		msg_warn("signal: stopped after %" PRIu64 " of %" PRId64
			 " steps; the stream has no end record%s%s",
			 session.done, steps, run.out ? " and no policy was written" : "",
			 run.state ? "; the same call goes on from there" : "");
		return out_flush(w->o, why);
	}
	if (failures_check(rl_failures(rl), true, why) ||
	    (run.out && session_save(&session, p, run.out, why)))
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
	struct state *s = &session.state;

	session_name(&session, opts, p);
	state_same_hash(s, "problems of --tasks", task_hash(tasks));
	rl_state(rl, s);
	rltotal_state(&total, s);
	state_count(s, "stream.begin", &mark.begin);
	state_count(s, "stream.end", &mark.end);
	state_count(s, "stream.count", &mark.count);
	state_hash(s, "stream.xxh3", &mark.hash);
}

/* The state, when there is one: 1; 0: the run begins. */
static int load_state(struct rl *rl, const struct policy *p, const struct task_set *tasks,
		      struct reason *why)
{
	int got;

	name_state(rl, p, tasks);
	got = session_load(&session, why);
	if (got > 0 && rl_loaded(rl, why)) {
		fail_prefix(why, "%s", run.state);
		return -1;
	}
	if (got > 0) {
		if (rl_mastered(rl))
			session.all = session.done;
		session_tell(&session);
	}
	return got;
}

/* Where the stream goes, cut back to where the state was saved. */
static int open_stream(struct rec_out *w, bool resumed, struct reason *why)
{
	bool nowhere = file_same(stream_file, "/dev/null");
	struct stat sb;
	int st = 0;

	resumed = resumed && !nowhere;
	if (run.state && !nowhere && stat(stream_file, &sb) == 0 && !S_ISREG(sb.st_mode))
		return fail(why, ST_USAGE,
			    "%s: --state needs a regular file for --stream, or /dev/null",
			    stream_file);
	if (resumed)
		st = rec_resume(w, &mark, stream_file, why);
	if (!st)
		st = file_open_at(&stream, stream_file, resumed ? mark.end : 0, why);
	if (!st && session.done < session.all)
		st = file_cut(&stream, why);
	if (!st)
		rec_put_head(w);
	return st;
}

static int explore(struct policy *p, const struct task_set *tasks, struct rec_out *w,
		   struct reason *why)
{
	struct memory need;
	struct rl *rl = rl_new(&o, p, tasks, task_file, w, &need, why);
	int got = 0, st = rank_agree(rl ? 0 : why->status, why);

	if (!st && (got = load_state(rl, p, tasks, why)) < 0)
		st = why->status;
	if (rl) {
		uint64_t policies =
			(run.out != NULL) + (save_every ? (uint64_t)(steps / save_every) : 0);

		session_plan(&session, p, &need, save_to ? save_to : run.out, policies);
		options_tell_policy(p, o.roll.sample.max_new);
	}
	if (!st && stream_file)
		st = open_stream(w, got > 0, why);
	if (!st)
		st = session_open_log(&session, got > 0, why);
	st = rank_agree(st, why);
	if (!st)
		st = make_steps(rl, p, w, why);
	st = session_close_log(&session, st, why);
	summary();
	if (!st)
		options_tell_rate(&run, p, o.lr, optimizer_reach(&o.optimizer, o.lr),
				  total.updates);
	if (!st)
		st = finish(rl, p, w, why);
	st = rank_agree(st, why);
	rl_free(rl);
	if (run.profile)
		profile_show();
	return st;
}

static int limit(const struct policy *p, struct task_set *tasks, struct reason *why)
{
	size_t before = tasks->n;
	int st = prompt_limit(p, tasks, task_file, &o.roll.prompt, why);

	if (!st)
		options_tell_limit(before, tasks->n, o.roll.prompt.most);
	return st;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), ranks = rank_start(&why), st;
	struct policy p = {0};
	struct task_set tasks = {0};
	struct rec_out w;

	if (ranks)
		return rank_end(tool_finish(msg_reason(&why)));
	st = check_options();
	if (!st && i < argc)
		st = tool_usage("%s: no operand is expected", argv[i]);
	st = rank_agree(st, &why);
	if (st)
		return rank_end(tool_finish(st));
	options_first_writes(&run, &stream_file, o.lanes);
	st = session_open(&session, true, &why);
	rec_out_init(&w, stream_file ? &stream : out_stdout(), o.roll.seed);
	if (!stream_file)
		rec_put_head(&w);
	if (!st)
		st = rank_agree(check_outputs(&why), &why);
	if (!st)
		st = session_load_policy(&session, &p, 0, &why);
	if (!st)
		st = task_load(&tasks, task_file, &why);
	if (!st)
		st = limit(&p, &tasks, &why);
	st = rank_agree(st, &why);
	if (!st)
		st = rank_same(task_hash(&tasks), "the problems of --tasks", &why);
	if (!st)
		st = explore(&p, &tasks, &w, &why);
	if (stream.fd >= 0 && out_close(&stream, st ? NULL : &why) && !st)
		st = why.status;
	rec_out_free(&w);
	task_free(&tasks);
	policy_free(&p);
	return session_close(&session, st, &why);
}
