/*
 * rft-tune - fine-tune a policy on the trajectories of a stream, by maximum likelihood. See
 * man/rft-tune.1.
 *
 * The whole input is read and checked before the first update: a stream that was cut off gives no
 * policy.
 */
#include "base/mem.h"
#include "base/profile.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/rank.h"
#include "base/rows.h"
#include "learn/rft.h"
#include "learn/rftrows.h"
#include "run/session.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static struct rft_opts o = RFT_OPTS_DEFAULT;
static struct run_options run = RUN_OPTIONS_DEFAULT(100);
static const char *decay = "linear", *weight = "token", *loss_word = "nll";
static const char *train_on = "last";
static struct rftrows_opts rows;
static bool strict;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR | OPT_BY_CONTENT, &run.policy, 0, 0, "policy to tune"},
	{'o', "output", "DIR", OPT_STR | OPT_FREE, &run.out, 0, 0,
	 "the tuned policy; must not exist yet"},
	OPT__SEED(run.seed, "of the order of rows and of --validation"),
	OPTION_THREADS(run.threads),

	{0, "epochs", "N", OPT_INT, &o.epochs, 1, 1e6, "passes over the rows"},
	{0, "steps", "N", OPT_INT, &o.steps, 0, 1e9,
	 "updates in all, in as many passes as that takes; 0: --epochs decides"},
	{0, "batch", "N", OPT_INT, &o.batch, 1, 1e6, "rows in an update"},
	OPTIONS_MEMORY(o),
	OPTION_LANES(o.lanes),
	OPTION_COMPUTE(run.compute),
	OPTION_BLAS(run.blas),
	{0, "max-len", "N", OPT_INT, &o.max_len, 0, 1e9,
	 "leave out rows of more tokens, prompt included; 0: the policy's limit"},
	{0, "weight", WEIGHT_WORDS, OPT_WORD, &weight, 0, 0, "what counts the same in the loss"},
	{0, "weight-key", "KEY", OPT_STR, &o.weight_key, 0, 0,
	 "a number of each record that its loss is multiplied with"},
	{0, "pear-low", "X", OPT_NUM, &o.pear.low, -20, 0,
	 "of --weight pear: least log-ratio of a token"},
	{0, "pear-high", "X", OPT_NUM, &o.pear.high, 0, 20, "and greatest"},
	{0, "pear-discount", "X", OPT_NUM, &o.pear.discount, 1e-6, 1,
	 "of --weight pear-suffix and pear-block, for each later token"},
	{0, "pear-block", "N", OPT_INT, &o.pear.block, 1, 1e6, "tokens of a block"},
	{0, "loss", RFT_LOSS_WORDS, OPT_WORD, &loss_word, 0, 0,
	 "-log p of a token; dft: times p, without its gradient"},
	{0, "train-on", TURNS_WORDS, OPT_WORD, &train_on, 0, 0,
	 "which of the assistant's turns in rows of messages"},
	{0, "template-arg", "NAME=JSON", OPT_LIST, &rows.args, 0, 0,
	 "an argument for the policy's chat template; may be given again"},
	{0, "validation", "X", OPT_NUM, &o.validation, 0, 0.9,
	 "share of problems held out to measure the loss on"},

	{0, "lr", "X", OPT_NUM, &o.lr, 0, 10, "greatest learning rate"},
	{0, "warmup", "N", OPT_INT, &o.warmup, 0, 1e9, "updates in which it rises to that"},
	{0, "decay", DECAY_WORDS, OPT_WORD, &decay, 0, 0, "its way to 0 at the end"},
	OPTIONS_OPTIMIZER(o.optimizer),

	OPTIONS_LORA(run),

	OPTIONS_RUN(run, "update"),
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"rft-tune", "[file ...]",
				 "Fine-tunes a policy on trajectories, or on rows of JSON.", opts};

static struct session session = {.o = &run, .unit = "update"};

static struct totals { /* of the run */
	uint64_t skipped;
	uint64_t judged, wrong; /* trajectories with a reward; below 0.5 */
	double first, last;     /* loss of the first and the last update */
} total = {.first = NAN, .last = NAN};

static int check_options(void)
{
	if (!run.policy || !run.out)
		return tool_usage("-p and -o are needed");
	if (options_check(&run))
		return ST_USAGE;
	o.seed = (uint64_t)run.seed;
	o.decay = (enum decay)tool_word(DECAY_WORDS, decay);
	o.weight = (enum rft_weight)tool_word(WEIGHT_WORDS, weight);
	o.loss = (enum rft_loss)tool_word(RFT_LOSS_WORDS, loss_word);
	rows.all = tool_word(TURNS_WORDS, train_on) == 1;
	return 0;
}

/* What would fail after hours of work, or spoil its input, is refused before. A run with a state
 * may find what it wrote before it was stopped. */
static int check_outputs(int n, char *files[], struct reason *why)
{
	for (int i = 0; i < n; i++)
		if (run.log && file_same(run.log, files[i]))
			return fail(why, ST_USAGE, "%s: input and output are the same file",
				    files[i]);
	return session.state.begun ? 0 : newdir_check(run.out, why);
}

static int add(void *ctx, const struct traj *t, const struct rec *r, const char *name,
	       struct reason *why)
{
	struct rft_data *d = ctx;

	if (!isnan(t->reward)) {
		total.judged++;
		total.wrong += t->reward < 0.5;
	}
	if (traj_unanswered(t)) {
		d->empty++;
		return 0;
	}
	return rft_add(d, t, r, name, why);
}

/* A stream of trajectories, or rows of JSON. */
static int read_input(struct rft_data *d, const char *path, struct reason *why)
{
	struct in in;
	int st = in_open(&in, path, why);

	if (st)
		return st;
	st = in_more(&in, why);
	if (st) {
		in_close(&in);
		return st;
	}
	if (rows_likely(&in))
		return rftrows_read(d, &in, &rows, why);
	return traj_each(rec_take(&in, strict ? REC_STRICT : 0), add, d, why);
}

static int read_all(struct rft_data *d, int n, char *files[], struct reason *why)
{
	int st = n ? 0 : read_input(d, "-", why);

	for (int i = 0; i < n && !st; i++)
		st = read_input(d, files[i], why);
	if (st)
		return st;
	if (d->too_long)
		msg_warn("%zu trajectories are too long for --max-len or the policy: left out",
			 d->too_long);
	if (d->empty)
		msg_warn("%zu trajectories have an empty response: left out", d->empty);
	if (d->changed)
		msg_warn("%" PRIu64 " answers are learned otherwise than they stand in their "
			 "messages: the chat template changes them (as \"prompt\" and "
			 "\"completion\" they stay as they are)",
			 d->changed);
	if (total.wrong)
		msg_info("%" PRIu64 " of %" PRIu64
			 " trajectories with a reward have less than 0.5 and "
			 "are learned from like the others (traj-filter --correct leaves them out)",
			 total.wrong, total.judged);
	if (d->other_draws)
		msg_warn("%" PRIu64
			 " trajectories were not drawn at temperature 1 from all tokens: their "
			 "importance compares two kinds of distributions",
			 d->other_draws);
	st = rft_seal(d, why);
	if (!st)
		msg_info("%zu trajectories to learn from, %zu held out", d->n_train, d->n_held);
	return st;
}

/* Loss on the held-out rows; update 0 is before the first. */
static int validate(struct rft *rft, const struct rft_data *d, const struct rft_report *r,
		    struct reason *why)
{
	struct runlog *l = &session.log;
	double loss;

	if (!d->n_held)
		return 0;
	loss = rft_validate(rft);
	msg_info("epoch %" PRIu64 ": validation loss %.6g", r->epoch, loss);
	runlog_int(l, "update", r->update);
	runlog_int(l, "epoch", r->epoch);
	runlog_num(l, "validation_loss", loss);
	return rank_agree(runlog_end(l, why), why);
}

static void show(const struct rft_report *r, const struct progress *p, double tokens)
{
	progress(p, r->update, r->updates, "epoch %" PRIu64 "  loss %.4f  %.0f tokens/s", r->epoch,
		 r->loss, tokens / (clock_now() - p->began));
}

static void rescue(const struct policy *p)
{
	char *dir = xasprintf("%s.last-good", run.out);

	session_rescue(&session, p, dir);
	free(dir);
}

static void count(const struct rft_report *r)
{
	total.skipped += !r->applied;
	total.first = session.done++ ? total.first : r->loss;
	total.last = r->loss;
}

/* Until all updates are made or a signal came. */
static int train(struct rft *rft, const struct rft_data *d, struct reason *why)
{
	struct rft_report r = {0};
	struct progress far = {"update", session.done, clock_now()};
	double then = far.began, tokens = 0;
	int st = far.before ? 0 : validate(rft, d, &r, why), got;

	session.logged = profile_now();
	while (!st && !rank_caught() && (got = rft_next(rft, &r, why)) != 0) {
		tokens += (double)r.tokens;
		count(&r);
		rft_log(&session.log, &r, clock_now() - then);
		st = session_log(&session, got < 0 ? NULL : why);
		if (got < 0)
			return why->status;
		show(&r, &far, tokens);
		st = rank_agree(st, why);
		if (!st && r.epoch_end)
			st = validate(rft, d, &r, why);
		if (!st && r.update % (uint64_t)run.checkpoint_every == 0)
			st = session_checkpoint(&session, why);
		then = clock_now();
		session.logged = profile_now();
	}
	return st ? st : session_checkpoint(&session, why);
}

static void summary(uint64_t updates)
{
	if (total.skipped)
		msg_warn("%" PRIu64 " updates were not finite and left out", total.skipped);
	if ((uint64_t)o.warmup > updates)
		msg_warn("--warmup %" PRId64 " is more than the %" PRIu64
			 " updates: the learning rate never reached --lr",
			 o.warmup, updates);
	msg_info("%" PRIu64 " updates; loss %.4f in the first, %.4f in the last", updates,
		 total.first, total.last);
}

static void name_state(struct rft *rft, const struct policy *p, const struct rft_data *d)
{
	struct state *s = &session.state;

	session_name(&session, opts, p);
	state_same_hash(s, "trajectories", rft_data_hash(d));
	rft_state(rft, s);
	state_count(s, "total.skipped", &total.skipped);
	state_real(s, "loss.first", &total.first);
	state_real(s, "loss.last", &total.last);
}

/* The state, when there is one: 1; 0: the run begins. */
static int load_state(struct rft *rft, const struct policy *p, const struct rft_data *d,
		      struct reason *why)
{
	int got;

	name_state(rft, p, d);
	got = session_load(&session, why);
	if (got > 0 && rft_loaded(rft, why)) {
		fail_prefix(why, "%s", run.state);
		return -1;
	}
	if (got > 0)
		session_tell(&session);
	return got;
}

static int finish(const struct policy *p, struct reason *why)
{
	if (session.done < session.all) {
		msg_warn("signal: stopped after %" PRIu64 " of %" PRIu64
			 " updates; no policy was written; the same call goes on from there",
			 session.done, session.all);
		return 0;
	}
	summary(session.all);
	options_tell_rate(&run, p, o.lr, optimizer_reach(&o.optimizer, o.lr), session.all);
	return session_save(&session, p, run.out, why);
}

static int tune(struct policy *p, const struct rft_data *d, struct reason *why)
{
	struct memory need;
	int st = rft_memory(&o, p, d, &need, why), got;
	struct rft *rft;

	if (st)
		return st;
	session_plan(&session, p, &need, run.out, 1);
	rft = rft_new(&o, p, d);
	session.all = rft_updates(rft);
	got = load_state(rft, p, d, why);
	st = got < 0 ? why->status : session_open_log(&session, got > 0, why);
	st = rank_agree(st, why);
	if (!st)
		st = train(rft, d, why);
	if (st && rft_stuck(rft))
		rescue(p);
	rft_free(rft);
	st = session_close_log(&session, st, why);
	if (!st)
		st = finish(p, why);
	st = rank_agree(st, why);
	if (run.profile)
		profile_show();
	return st;
}

/* Reads all, and tunes on it. */
static int run_all(struct policy *p, struct rft_data *d, int n, char *files[], struct reason *why)
{
	int st = rank_agree(check_outputs(n, files, why), why);

	if (!st)
		st = session_load_policy(&session, p, MODEL_LAYERWISE, why);
	if (!st)
		st = rank_agree(read_all(d, n, files, why), why);
	if (!st)
		st = rank_same(rft_data_hash(d), "the trajectories", why);
	return st ? st : tune(p, d, why);
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), ranks = rank_start(&why), st;
	struct policy p = {0};
	struct rft_data d;

	if (ranks)
		return rank_end(tool_finish(msg_reason(&why)));
	st = check_options();
	st = rank_agree(st ? st : options_check_files(argc - i, argv + i), &why);
	if (st)
		return rank_end(tool_finish(st));
	options_first_writes(&run, NULL, o.lanes);
	/* without a state there is nothing to save when a signal comes */
	st = session_open(&session, run.state != NULL, &why);
	rft_data_init(&d, &p, &o);
	if (!st)
		st = run_all(&p, &d, argc - i, argv + i, &why);
	rft_data_free(&d);
	policy_free(&p);
	return session_close(&session, st, &why);
}
