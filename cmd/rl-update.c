/*
 * rl-update - reinforcement learning from a stream of judged trajectories. See man/rl-update.1.
 *
 * The whole input is read and checked before the first update. What goes on from call to call is
 * --state: it is saved before the policy, so that a call that was stopped in between can be made
 * again.
 */
#include "base/clock.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/profile.h"
#include "base/progress.h"
#include "learn/lessons.h"
#include "run/session.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct rl_opts o = RL_OPTS_DEFAULT;
static struct run_options run = RUN_OPTIONS_DEFAULT(1);
static struct rl_words words = RL_WORDS_DEFAULT;
static struct learner_opts off;
static const char *advantage = "grpo", *importance = "none", *state_dir;
static bool strict, own_only;
static struct lessons_opts lessons_opts = {.rl = &o, .old = "logprobs"};
static const char *teacher = "ref_logprobs";

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR | OPT_BY_CONTENT, &run.policy, 0, 0, "policy to update"},
	{'o', "output", "DIR", OPT_STR | OPT_FREE, &run.out, 0, 0,
	 "the updated policy; must not exist yet"},
	OPT__SEED(run.seed, "of the order of groups"),
	OPTION_THREADS(run.threads),

	{0, "advantage", "given|" ADVANTAGE_WORDS, OPT_WORD, &advantage, 0, 0,
	 "estimator; given: the records' own"},
	{0, "keep-equal", NULL, OPT_FLAG, &o.keep_equal, 0, 0,
	 "learn from groups of equal rewards too"},
	{0, "max-new", "N", OPT_INT, &o.roll.sample.max_new, 1, 1e6,
	 "most tokens that a response could have had"},
	OPTIONS_LOSS(o, words),
	OPTION_COMPUTE(run.compute),
	OPTION_BLAS(run.blas),

	{0, "logprobs", "KEY", OPT_STR, &lessons_opts.old, 0, 0,
	 "log-probabilities that the responses were drawn with"},
	{0, "own-only", NULL, OPT_FLAG, &own_only, 0, 0,
	 "leave out what another policy than -p sampled"},
	{0, "importance", IMPORTANCE_WORDS, OPT_WORD, &importance, 0, 0,
	 "weights of tokens that another policy or engine drew"},
	{0, "importance-low", "X", OPT_NUM, &off.low, 0, 1,
	 "least ratio that counts; 0: what is usual"},
	{0, "importance-high", "X", OPT_NUM, &off.high, 0, 1e6,
	 "greatest ratio that counts; 0: what is usual"},
	{0, "distill", "X", OPT_NUM, &off.distill, 0, 1e6,
	 "add X * (log teacher - log policy) to each token's advantage; 0: off"},
	{0, "teacher", "KEY", OPT_STR, &teacher, 0, 0, "log-probabilities of the teacher"},

	OPTIONS_RATE(o),
	OPTIONS_LORA(run),
	{0, "state", "DIR", OPT_STR | OPT_FREE, &state_dir, 0, 0,
	 "moments and counts, taken from there and left there for the next call"},
	{0, "profile", NULL, OPT_FLAG | OPT_FREE, &run.profile, 0, 0,
	 "say at the end where the time went"},
	{0, "log", "FILE", OPT_STR | OPT_FREE, &run.log, 0, 0,
	 "metrics, a line of JSON for each step"},
	OPTIONS_DTYPE(run.dtype, run.round),
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"rl-update", "[file ...]",
				 "Trains a policy by RL on a stream of judged trajectories.", opts};

/* Beside run.state, which is none: a call is made whole or not at all. */
static struct session session = {.o = &run, .unit = "step"};

static struct kept { /* what goes on from call to call */
	struct state state;
	uint64_t calls, step; /* step: the last that was made */
	uint64_t from, to;    /* hashes of the weights before and after the last call */
	uint64_t call;        /* hash of its lessons and options */
} kept;

static int check_options(void)
{
	if (!run.policy || !run.out)
		return tool_usage("-p and -o are needed");
	if (options_check(&run) || learner_options(&o, &words))
		return ST_USAGE;
	o.roll.seed = (uint64_t)run.seed;
	lessons_opts.given = strcmp(advantage, "given") == 0;
	if (!lessons_opts.given)
		o.advantage = (enum advantage)tool_word(ADVANTAGE_WORDS, advantage);
	off.importance = (enum importance)tool_word(IMPORTANCE_WORDS, importance);
	learner_bounds(&off);
	lessons_opts.teacher = off.distill > 0 ? teacher : NULL;
	if (off.distill > 0 && o.loss.kind == LOSS_GSPO)
		return tool_usage("--distill: gspo has one ratio for all tokens of a response");
	if (off.distill > 0) /* a teacher has something to say of each response */
		o.keep_equal = true;
	return 0;
}

static int check_outputs(int n, char *files[], struct reason *why)
{
	for (int i = 0; i < n; i++)
		if (run.log && file_same(run.log, files[i]))
			return fail(why, ST_USAGE, "%s: input and output are the same file",
				    files[i]);
	return newdir_check(run.out, why);
}

/* ---- input ---- */
static int add(void *ctx, const struct traj *t, const struct rec *r, const char *name,
	       struct reason *why)
{
	return lessons_add(ctx, t, r, name, why);
}

static int read_stream(struct lessons *l, const char *path, struct reason *why)
{
	struct rec_in *in = rec_open(path, strict ? REC_STRICT : 0, why);

	return in ? traj_each(in, add, l, why) : why->status;
}

static void tell_left_out(const struct lessons *l)
{
	if (l->rejected)
		msg_info("%" PRIu64 " trajectories were rejected when they were sampled: left out",
			 l->rejected);
	if (l->others)
		msg_info("%" PRIu64 " trajectories are of another policy than -p: left out",
			 l->others);
	if (l->unjudged)
		msg_warn("%" PRIu64 " trajectories have no %s: left out", l->unjudged,
			 lessons_opts.given ? "advantage" : "reward");
	if (l->equal)
		msg_info("%" PRIu64 " trajectories are in groups of equal rewards: left out",
			 l->equal);
}

static int read_all(struct lessons *l, int n, char *files[], struct reason *why)
{
	int st = n ? 0 : read_stream(l, "-", why);

	for (int i = 0; i < n && !st; i++)
		st = read_stream(l, files[i], why);
	if (st)
		return st;
	st = lessons_seal(l, why);
	tell_left_out(l);
	if (!st)
		msg_info("%" PRIu64 " trajectories in %zu steps to learn from", l->records,
			 l->n_steps);
	return st;
}

/* ---- state ---- */

static uint64_t call_hash(const struct lessons *l)
{
	uint64_t parts[] = {lessons_hash(l), state_options_hash(opts)};

	return XXH3_64bits(parts, sizeof parts);
}

/* What was kept of the last call must be of this policy: 1: that call was this one, and its weights
 * are in memory; 0: go on; -1 with the reason. */
static int load_kept(struct learner *learner, const struct policy *p, uint64_t call,
		     struct reason *why)
{
	struct state *s = &kept.state;
	uint64_t here = model_hash(&p->model);
	int got;

	state_same(s, "tool", msg_tool());
	state_made_here(s);
	state_count(s, "calls", &kept.calls);
	state_count(s, "step", &kept.step);
	state_hash(s, "weights.from", &kept.from);
	state_hash(s, "weights.to", &kept.to);
	state_hash(s, "call", &kept.call);
	learner_state(learner, s);
	got = state_dir ? state_load(s, why) : 0;
	if (got > 0)
		learner_loaded(learner);
	if (got > 0 && kept.from == here && kept.call == call)
		return 1;
	if (got > 0 && kept.to != here) {
		fail(why, ST_USAGE,
		     "%s: its moments are those of another policy than %s (each call takes the "
		     "policy that the one before wrote, with --dtype trained)",
		     state_dir, run.policy);
		return -1;
	}
	kept.from = here;
	kept.call = call;
	return got < 0 ? -1 : 0;
}

static int save_kept(const struct policy *p, struct reason *why)
{
	kept.calls++;
	kept.to = model_hash(&p->model);
	return state_dir ? state_save(&kept.state, kept.calls, why) : 0;
}

/* ---- steps ---- */
static int log_step(uint64_t step, const struct learned *r, double reward, double seconds,
		    struct reason *why)
{
	struct runlog *l = &session.log;

	runlog_int(l, "step", step);
	runlog_num(l, "reward", reward);
	learner_log(l, r);
	runlog_num(l, "importance", r->importance);
	runlog_num(l, "masked", r->masked);
	runlog_int(l, "updates", r->updates);
	runlog_int(l, "skipped", r->skipped);
	runlog_num(l, "lr", r->lr);
	runlog_num(l, "train_tokens_per_s",
		   r->trained ? (double)r->trained / seconds : (double)NAN);
	runlog_num(l, "seconds", seconds);
	return session_log(&session, why);
}

static int make_steps(struct learner *learner, struct lessons *l, uint64_t *updates,
		      struct reason *why)
{
	int st = 0;

	session.logged = profile_now();
	session.all = l->n_steps;
	for (size_t i = 0; i < l->n_steps && !st && !tool_caught(); i++) {
		double began = clock_now();
		struct learned r;
		struct lesson x;
		int64_t number = lessons_get(l, i, &x);

		kept.step = number > 0 ? (uint64_t)number : kept.step + 1;
		st = learner_step(learner, kept.step, &x, &r, why);
		*updates += r.updates;
		if (r.skipped)
			msg_warn("step %" PRIu64 ": %" PRIu64
				 " updates were not finite and left out",
				 kept.step, r.skipped);
		if (r.masked > 0.5)
			msg_warn("step %" PRIu64 ": --importance masks %.0f %% of the tokens: "
				 "these responses are far from what the policy would say",
				 kept.step, 100 * r.masked);
		if (!st)
			st = log_step(kept.step, &r, lessons_reward(l, i), clock_now() - began,
				      why);
		session.done++;
		progress(session.done == session.all, "step %" PRIu64 "/%" PRIu64 "  loss %.4f",
			 session.done, session.all, r.loss);
	}
	return st;
}

static int finish(const struct policy *p, uint64_t updates, struct reason *why)
{
	if (session.done < session.all) {
		msg_warn("signal: stopped after %" PRIu64 " of %" PRIu64
			 " steps; nothing was written: the same call begins anew",
			 session.done, session.all);
		return 0;
	}
	options_tell_rate(&run, p, o.lr, optimizer_reach(&o.optimizer, o.lr), updates);
	if (save_kept(p, why))
		return why->status;
	return session_save(&session, p, run.out, why);
}

static int plan(const struct learner *learner, const struct policy *p, const struct lessons *l,
		struct reason *why)
{
	struct memory need = {.weights = model_bytes(&p->model)};
	size_t groups, each, longest;

	lessons_sizes(l, &groups, &each, &longest);
	learner_memory(learner, groups, each, longest, &need);
	if (memory_check(&need, why))
		return why->status;
	session_plan(&session, p, &need, run.out, 1);
	return 0;
}

static int update(struct policy *p, struct lessons *l, struct reason *why)
{
	struct learner *learner = learner_new(&o, &off, p);
	uint64_t updates = 0;
	int st = plan(learner, p, l, why), got = 0;

	if (!st && (got = load_kept(learner, p, call_hash(l), why)) < 0)
		st = why->status;
	if (!st && got > 0) {
		msg_info("%s: this call was made before: its policy is written", state_dir);
		st = session_save(&session, p, run.out, why);
		session.done = session.all = l->n_steps;
	}
	if (!st && !got) {
		st = session_open_log(&session, false, why);
		if (!st)
			st = make_steps(learner, l, &updates, why);
		st = session_close_log(&session, st, why);
		if (!st)
			st = finish(p, updates, why);
	}
	learner_free(learner);
	if (run.profile)
		profile_show();
	return st;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = check_options();
	struct reason why = {0};
	struct policy p = {0};
	struct lessons l = {.policy = &p, .o = &lessons_opts};
	char hash[17];

	if (st)
		return tool_finish(st);
	st = session_open(&session, true, &why);
	if (!st)
		st = check_outputs(argc - i, argv + i, &why);
	if (!st)
		st = state_open(&kept.state, state_dir, &why);
	if (!st)
		st = session_load_policy(&session, &p, 0, &why);
	if (!st) {
		snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(&p.model));
		lessons_opts.policy = own_only ? hash : NULL;
		st = read_all(&l, argc - i, argv + i, &why);
	}
	if (!st)
		st = update(&p, &l, &why);
	lessons_free(&l);
	state_close(&kept.state);
	policy_free(&p);
	return session_close(&session, st, &why);
}
