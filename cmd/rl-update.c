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
#include "base/rank.h"
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
enum { OLDEST = 32 }; /* calls that --max-age may look back */
static int64_t max_age = -1;
static bool strict;
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
	OPTIONS_ADVANTAGE(o, words),
	{0, "keep-equal", NULL, OPT_FLAG, &o.keep_equal, 0, 0,
	 "learn from groups of equal rewards too"},
	{0, "max-new", "N", OPT_INT, &o.roll.sample.max_new, 1, 1e6,
	 "most tokens that a response could have had"},
	OPTIONS_LOSS(o, words),
	OPTION_LANES(o.lanes),
	OPTION_COMPUTE(run.compute),
	OPTION_BLAS(run.blas),

	{0, "logprobs", "KEY", OPT_STR, &lessons_opts.old, 0, 0,
	 "log-probabilities that the responses were drawn with"},
	{0, "max-age", "N", OPT_INT, &max_age, -1, OLDEST,
	 "leave out what older policies drew, N calls before -p; -1: nothing"},
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
	/* as from: of the last call, of the one before; 0: there was none. One more than --max-age
	 * looks back, for a call that is made again. */
	uint64_t past[OLDEST + 1];
} kept;

/* The hashes of the policies that records may be of, from -p's on */
static char policies[OLDEST + 1][17];

static int check_options(void)
{
	if (!run.policy || !run.out)
		return tool_usage("-p and -o are needed");
	if (max_age > 0 && !state_dir)
		return tool_usage("--max-age: which policies came before -p is known with --state");
	lessons_opts.given = strcmp(advantage, "given") == 0;
	if (!lessons_opts.given)
		o.advantage.kind = (enum advantage)tool_word(ADVANTAGE_WORDS, advantage);
	if (options_check(&run) || learner_options(&o, &words))
		return ST_USAGE;
	o.roll.seed = (uint64_t)run.seed;
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
		msg_info("%" PRIu64 " trajectories are of another policy than -p%s: left out",
			 l->others, max_age > 0 ? " and those before it in --max-age" : "");
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

/* What was kept of the last call, which must be of this policy or have made it: 1; 0: there was
 * none; -1 with the reason. */
static int load_kept(struct learner *learner, uint64_t here, struct reason *why)
{
	static char names[OLDEST + 1][16];
	struct state *s = &kept.state;
	int got;

	state_same(s, "tool", msg_tool());
	state_made_here(s);
	state_count(s, "calls", &kept.calls);
	state_count(s, "step", &kept.step);
	state_hash(s, "weights.from", &kept.from);
	state_hash(s, "weights.to", &kept.to);
	state_hash(s, "call", &kept.call);
	for (size_t i = 0; i <= OLDEST; i++) {
		snprintf(names[i], sizeof names[i], "past.%zu", i + 1);
		state_hash(s, names[i], &kept.past[i]);
	}
	learner_state(learner, s);
	got = state_dir ? state_load(s, why) : 0;
	if (rank_agree(got < 0 ? why->status : 0, why) || rank_same(s->last, "the state", why))
		return -1;
	if (got > 0)
		learner_loaded(learner);
	if (got > 0 && kept.from != here && kept.to != here) {
		fail(why, ST_USAGE,
		     "%s: its moments are those of another policy than %s (each call takes the "
		     "policy that the one before wrote, with --dtype trained)",
		     state_dir, run.policy);
		return -1;
	}
	return got;
}

/* Records of -p's policy count, and of those that max_age calls before it began with. */
static void choose_policies(uint64_t here)
{
	size_t again = kept.from == here && kept.past[0] == here; /* the call was made before */

	for (size_t i = 0; max_age >= 0 && i <= (size_t)max_age; i++) {
		uint64_t hash = i == 0 ? here : kept.past[i - 1 + again];

		if (hash)
			snprintf(policies[lessons_opts.n_policies++], sizeof *policies,
				 "%016" PRIx64, hash);
	}
	lessons_opts.policies = policies;
}

/* 1: this call was made before, and its weights are in memory; 0: it is to be made; -1 with the
 * reason. */
static int begin_call(int got, uint64_t here, uint64_t call, struct reason *why)
{
	if (got > 0 && kept.from == here && kept.call == call)
		return 1;
	if (got > 0 && kept.to != here) {
		fail(why, ST_USAGE,
		     "%s: %s was taken before, with other options or trajectories; the next call "
		     "takes the policy that that one wrote",
		     state_dir, run.policy);
		return -1;
	}
	memmove(kept.past + 1, kept.past, OLDEST * sizeof *kept.past);
	kept.past[0] = kept.from = here;
	kept.call = call;
	return 0;
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
	struct progress far = {"step", 0, clock_now()};
	int st = 0;

	session.logged = profile_now();
	session.all = l->n_steps;
	for (size_t i = 0; i < l->n_steps && !st && !rank_caught(); i++) {
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
		progress(&far, session.done, session.all, "loss %.4f", r.loss);
		st = rank_agree(st, why);
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

/* Makes the steps, but where the call was made before. */
static int make_call(struct learner *learner, const struct policy *p, struct lessons *l, int made,
		     struct reason *why)
{
	uint64_t updates = 0;
	int st;

	if (made) {
		msg_info("%s: this call was made before: its policy is written", state_dir);
		st = session_save(&session, p, run.out, why);
		session.done = session.all = l->n_steps;
		return st;
	}
	st = rank_agree(session_open_log(&session, false, why), why);
	if (!st)
		st = make_steps(learner, l, &updates, why);
	st = rank_agree(session_close_log(&session, st, why), why);
	return st ? st : finish(p, updates, why);
}

static int update(struct policy *p, struct lessons *l, int n, char *files[], struct reason *why)
{
	struct learner *learner = learner_new(&o, &off, p);
	uint64_t here = model_hash(&p->model);
	int got = load_kept(learner, here, why), made = 0;
	int st = rank_agree(got < 0 ? why->status : 0, why);

	if (!st) {
		choose_policies(here);
		st = rank_agree(read_all(l, n, files, why), why);
	}
	if (!st)
		st = rank_same(lessons_hash(l), "the trajectories", why);
	if (!st)
		st = plan(learner, p, l, why);
	if (!st && (made = begin_call(got, here, call_hash(l), why)) < 0)
		st = why->status;
	if (!st)
		st = make_call(learner, p, l, made, why);
	st = rank_agree(st, why);
	learner_free(learner);
	if (run.profile)
		profile_show();
	return st;
}

/* Reads all, and learns from it. */
static int run_all(struct policy *p, struct lessons *l, int n, char *files[], struct reason *why)
{
	int st = rank_agree(check_outputs(n, files, why), why);

	if (!st)
		st = session_open_state(&kept.state, state_dir, why);
	if (!st)
		st = session_load_policy(&session, p, 0, why);
	return st ? st : update(p, l, n, files, why);
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), ranks = rank_start(&why), st;
	struct policy p = {0};
	struct lessons l = {.policy = &p, .o = &lessons_opts};

	if (ranks)
		return rank_end(tool_finish(msg_reason(&why)));
	kept.state.lock = -1;
	st = check_options();
	st = rank_agree(st ? st : options_check_files(argc - i, argv + i), &why);
	if (st)
		return rank_end(tool_finish(st));
	options_first_writes(&run, NULL, o.lanes);
	st = session_open(&session, true, &why);
	if (!st)
		st = run_all(&p, &l, argc - i, argv + i, &why);
	lessons_free(&l);
	state_close(&kept.state);
	policy_free(&p);
	return session_close(&session, st, &why);
}
