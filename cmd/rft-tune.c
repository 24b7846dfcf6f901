/*
 * rft-tune - fine-tune a policy on the trajectories of a stream, by maximum likelihood. See
 * man/rft-tune.1.
 *
 * The whole input is read and checked before the first update: a stream that was cut off gives no
 * policy.
 */
#include "base/mem.h"
#include "base/par.h"
#include "base/profile.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/tool.h"
#include "learn/rft.h"
#include "run/runlog.h"
#include "run/state.h"
#include "tensor/bf16.h"
#include "tensor/blas.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>

static struct rft_opts o = RFT_OPTS_DEFAULT;
static const char *policy_dir, *out_dir, *log_file, *state_dir;
static const char *decay = "linear", *weight = "token", *dtype = "same", *compute = "f32";
static int64_t threads, seed, checkpoint_every = 100;
static struct peft lora; /* what --lora and its fellows ask for */
static const char *lora_targets;
static bool merge, strict, profile;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0, "policy to tune"},
	{'o', "output", "DIR", OPT_STR, &out_dir, 0, 0, "the tuned policy; must not exist yet"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 0, "of the order of rows and of --validation"},
	{'j', "threads", "N", OPT_INT, &threads, 0, 1024, "threads; 0: one per processor"},

	{0, "epochs", "N", OPT_INT, &o.epochs, 1, 1e6, "passes over the rows"},
	{0, "steps", "N", OPT_INT, &o.steps, 0, 1e9,
	 "updates in all, in as many passes as that takes; 0: --epochs decides"},
	{0, "batch", "N", OPT_INT, &o.batch, 1, 1e6, "rows in an update"},
	{0, "micro-tokens", "N", OPT_INT, &o.micro_tokens, 1, 1e9,
	 "tokens in memory at a time; the result hardly depends on it"},
	{0, "compute", MODEL_COMPUTE_WORDS, OPT_WORD, &compute, 0, 0,
	 "products with the weights in this; bf16: about twice as fast"},
	{0, "recompute", NULL, OPT_FLAG, &o.recompute, 0, 0,
	 "less memory for about a third more time; the same result"},
	{0, "max-len", "N", OPT_INT, &o.max_len, 0, 1e9,
	 "leave out rows of more tokens, prompt included; 0: the policy's limit"},
	{0, "weight", WEIGHT_WORDS, OPT_WORD, &weight, 0, 0, "what counts the same in the loss"},
	{0, "validation", "X", OPT_NUM, &o.validation, 0, 0.9,
	 "share of problems held out to measure the loss on"},

	{0, "lr", "X", OPT_NUM, &o.lr, 0, 10, "greatest learning rate"},
	{0, "warmup", "N", OPT_INT, &o.warmup, 0, 1e9, "updates in which it rises to that"},
	{0, "decay", DECAY_WORDS, OPT_WORD, &decay, 0, 0, "its way to 0 at the end"},
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

	{0, "state", "DIR", OPT_STR, &state_dir, 0, 0,
	 "keep a state there: the same call after a stop goes on"},
	{0, "checkpoint-every", "N", OPT_INT, &checkpoint_every, 1, 1e9,
	 "updates from one checkpoint in it to the next"},
	{0, "profile", NULL, OPT_FLAG, &profile, 0, 0, "say at the end where the time went"},
	{0, "log", "FILE", OPT_STR, &log_file, 0, 0, "metrics, a JSON line an update"},
	{0, "dtype", POLICY_DTYPE_WORDS, OPT_WORD, &dtype, 0, 0,
	 "of the weights; same: as they came"},
	{0, "strict", NULL, OPT_FLAG, &strict, 0, 0, "refuse streams without head and end"},
	{0}};
static const struct tool tool = {"rft-tune", "[file ...]",
				 "Fine-tunes a policy on the trajectories of a stream.", opts};

/* Options that a run may go on with another value of: the result is the same. */
static const char *const neutral[] = {"policy", "output",           "threads", "recompute", "log",
				      "state",  "checkpoint-every", "strict",  "profile",   NULL};

static struct state state;

static struct totals { /* of the run */
	uint64_t updates, skipped;
	double first, last; /* loss of the first and the last update */
} total = {.first = NAN, .last = NAN};

static bool whole;        /* all updates were made */
static uint64_t log_mark; /* where the log was when a state was saved */

static int check_options(void)
{
	struct reason why;

	if (!policy_dir || !out_dir)
		return tool_usage("-p and -o are needed");
	if (model_how(compute) & MODEL_BF16 && bf16_missing())
		return tool_usage("--compute %s: %s", compute, bf16_missing());
	if ((lora.alpha > 0 || lora_targets) && !lora.r)
		return tool_usage("--lora-alpha and --lora-targets need --lora");
	if (lora_targets && peft_targets(lora_targets, &lora.targets, &why))
		return tool_usage("--lora-targets: %s", why.text);
	o.seed = (uint64_t)seed;
	o.decay = (enum decay)tool_word(DECAY_WORDS, decay);
	o.weight = (enum rft_weight)tool_word(WEIGHT_WORDS, weight);
	return 0;
}

/* What would fail after hours of work, or spoil its input, is refused before. A run with a state
 * may find what it wrote before it was stopped. */
static int check_outputs(int n, char *files[], struct reason *why)
{
	for (int i = 0; i < n; i++)
		if (log_file && file_same(log_file, files[i]))
			return fail(why, ST_USAGE, "%s: input and output are the same file",
				    files[i]);
	return state.begun ? 0 : newdir_check(out_dir, why);
}

static int read_stream(struct rft_data *d, const char *path, struct reason *why)
{
	struct rec_in *in = rec_open(path, strict ? REC_STRICT : 0, why);
	struct traj_mem mem = {0};
	struct rec rec;
	struct traj t;
	int got = -1, st = 0;

	if (!in)
		return why->status;
	while (!st && (got = rec_next(in, &rec, why)) > 0) {
		if (!rec.is_traj)
			continue;
		st = traj_read(&t, &rec, rec_name(in), &mem, why);
		if (!st)
			st = rft_add(d, &t, &rec, rec_name(in), why);
	}
	traj_mem_free(&mem);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static int read_all(struct rft_data *d, int n, char *files[], struct reason *why)
{
	int st = n ? 0 : read_stream(d, "-", why);

	for (int i = 0; i < n && !st; i++)
		st = read_stream(d, files[i], why);
	if (st)
		return st;
	if (d->too_long)
		msg_warn("%zu trajectories are too long for --max-len or the policy: left out",
			 d->too_long);
	if (d->empty)
		msg_warn("%zu trajectories have an empty response: left out", d->empty);
	st = rft_seal(d, why);
	if (!st)
		msg_info("%zu trajectories to learn from, %zu held out", d->n_train, d->n_held);
	return st;
}

static int log_update(struct runlog *l, const struct rft_report *r, double seconds,
		      const struct profile *spent, struct reason *why)
{
	runlog_int(l, "update", r->update);
	runlog_int(l, "epoch", r->epoch);
	runlog_num(l, "loss", r->loss);
	runlog_num(l, "grad_norm", r->grad_norm);
	runlog_num(l, "lr", r->lr);
	runlog_int(l, "applied", r->applied);
	runlog_int(l, "tokens", r->tokens);
	runlog_num(l, "tokens_per_s", (double)r->tokens / seconds);
	runlog_num(l, "seconds", seconds);
	runlog_profile(l, spent);
	return runlog_end(l, why);
}

/* Loss on the held-out rows; update 0 is before the first. */
static int validate(struct rft *rft, const struct rft_data *d, struct runlog *l,
		    const struct rft_report *r, struct reason *why)
{
	double loss;

	if (!d->n_held)
		return 0;
	loss = rft_validate(rft);
	msg_info("epoch %" PRIu64 ": validation loss %.6g", r->epoch, loss);
	runlog_int(l, "update", r->update);
	runlog_int(l, "epoch", r->epoch);
	runlog_num(l, "validation_loss", loss);
	return runlog_end(l, why);
}

static void show(const struct rft_report *r, double began, double tokens, uint64_t before)
{
	double spent = clock_now() - began;
	char text[32];

	progress(r->update == r->updates,
		 "update %" PRIu64 "/%" PRIu64 "  epoch %" PRIu64
		 "  loss %.4f  %.0f tokens/s  %s left",
		 r->update, r->updates, r->epoch, r->loss, tokens / spent,
		 progress_time(spent / (double)(r->update - before) *
				       (double)(r->updates - r->update),
			       text));
}

static void rescue(const struct policy *p)
{
	char *dir = xasprintf("%s.last-good", out_dir);
	struct reason why = {0};

	if (policy_save(p, dir, p->dtype, &why))
		msg_reason(&why);
	else
		msg_warn("%s: the last good weights are here", dir);
	free(dir);
}

/* All that the rest of the run depends on is on the disk when this returns 0. */
static int checkpoint(struct runlog *l, struct reason *why)
{
	int st = state_dir && total.updates ? runlog_sync(l, why) : 0;

	log_mark = runlog_at(l);
	return st || !total.updates ? st : state_save(&state, total.updates, why);
}

static void count(const struct rft_report *r)
{
	total.skipped += !r->applied;
	total.first = total.updates++ ? total.first : r->loss;
	total.last = r->loss;
}

/* Until all updates are made or a signal came. */
static int train(struct rft *rft, const struct rft_data *d, struct runlog *l, struct reason *why)
{
	struct rft_report r = {0};
	double began = clock_now(), then = began, tokens = 0;
	struct profile logged;
	uint64_t before = total.updates;
	int st = before ? 0 : validate(rft, d, l, &r, why), got;

	logged = profile_now();
	while (!st && !tool_caught() && (got = rft_next(rft, &r, why)) != 0) {
		struct profile spent = profile_since(&logged);
		double now = clock_now();

		tokens += (double)r.tokens;
		count(&r);
		st = log_update(l, &r, now - then, &spent, got < 0 ? NULL : why);
		if (got < 0)
			return why->status;
		show(&r, began, tokens, before);
		if (!st && r.epoch_end)
			st = validate(rft, d, l, &r, why);
		if (!st && r.update % (uint64_t)checkpoint_every == 0)
			st = checkpoint(l, why);
		then = clock_now();
		logged = profile_now();
	}
	return st ? st : checkpoint(l, why);
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
	state_same(&state, "tool", msg_tool());
	state_same_options(&state, opts, neutral);
	state_same_hash(&state, "weights of --policy", model_hash(&p->model));
	state_same_hash(&state, "trajectories", rft_data_hash(d));
	rft_state(rft, &state);
	state_count(&state, "total.updates", &total.updates);
	state_count(&state, "total.skipped", &total.skipped);
	state_real(&state, "loss.first", &total.first);
	state_real(&state, "loss.last", &total.last);
	state_count(&state, "log.end", &log_mark);
}

/* The state, when there is one: 1; 0: the run begins. */
static int load_state(struct rft *rft, const struct policy *p, const struct rft_data *d,
		      struct reason *why)
{
	int got;

	if (!state_dir)
		return 0;
	name_state(rft, p, d);
	got = state_load(&state, why);
	if (got > 0 && rft_loaded(rft, why)) {
		fail_prefix(why, "%s", state_dir);
		return -1;
	}
	if (got <= 0)
		return got;
	if (state.damaged.status)
		msg_warn("%s: an older checkpoint is taken", state.damaged.text);
	if (state.elsewhere.status)
		msg_warn("%s", state.elsewhere.text);
	if (total.updates == rft_updates(rft))
		msg_info("%s: all %" PRIu64 " updates were made before", state_dir, total.updates);
	else
		msg_info("%s: going on after update %" PRIu64, state_dir, total.updates);
	return 1;
}

static int finish(const struct policy *p, uint64_t updates, struct reason *why)
{
	enum sft_dtype type = policy_dtype(p, dtype);

	if (total.updates < updates) {
		msg_warn("signal: stopped after %" PRIu64 " of %" PRIu64
			 " updates; no policy was written; the same call goes on from there",
			 total.updates, updates);
		return 0;
	}
	whole = true;
	summary(updates);
	if (state_dir && policy_is_saved(p, out_dir, type)) /* before the run was stopped */
		return 0;
	return policy_save(p, out_dir, type, why);
}

static int tune(struct policy *p, const struct rft_data *d, struct reason *why)
{
	struct runlog l = {0};
	struct reason close_why = {0};
	struct memory need;
	char text[MEMORY_TEXT];
	int st = rft_memory(&o, p, d, &need, why), got;
	struct rft *rft;
	uint64_t updates;

	if (st)
		return st;
	msg_info("memory: %s", memory_text(&need, text));
	rft = rft_new(&o, p, d);
	updates = rft_updates(rft);
	got = load_state(rft, p, d, why);
	st = got < 0 ? why->status : 0;
	if (!st)
		st = got ? runlog_resume(&l, log_file, log_mark, why)
			 : runlog_open(&l, log_file, why);
	if (!st)
		st = train(rft, d, &l, why);
	if (st && rft_stuck(rft))
		rescue(p);
	rft_free(rft);
	if (runlog_close(&l, &close_why) && !st) {
		*why = close_why;
		st = why->status;
	}
	if (!st)
		st = finish(p, updates, why);
	if (profile)
		profile_show();
	return st;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = check_options();
	struct reason why = {0};
	struct policy p = {0};
	struct rft_data d;
	const char *core;

	if (st)
		return tool_finish(st);
	profile_to(PROFILE_REST);
	core = blas_start();
	par_start((int)threads);
	if (state_dir) /* else there is nothing to save when a signal comes */
		tool_hold_signals();
	rft_data_init(&d, &p, &o);
	st = state_open(&state, state_dir, &why);
	state_made_here(&state, core);
	if (!st)
		st = check_outputs(argc - i, argv + i, &why);
	if (!st)
		st = policy_load_trained(&p, policy_dir, model_how(compute) | MODEL_LAYERWISE,
					 &lora, (uint64_t)seed, merge, &why);
	if (!st)
		st = read_all(&d, argc - i, argv + i, &why);
	if (!st)
		st = tune(&p, &d, &why);
	if (st)
		msg_reason(&why);
	rft_data_free(&d);
	policy_free(&p);
	state_close(&state);
	par_stop();
	st = tool_finish(st);
	if (tool_caught() && st == 0 && !whole)
		raise(tool_caught());
	return st;
}
