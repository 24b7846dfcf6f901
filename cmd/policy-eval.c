/*
 * policy-eval - sample a policy's responses to problems and judge them, as a stream. See
 * man/policy-eval.1.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/par.h"
#include "base/rank.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/tool.h"
#include "rollout/deck.h"
#include "rollout/prompt.h"
#include "rollout/rollout.h"
#include "run/memory.h"
#include "run/options.h"
#include "stream/columns.h"
#include "task/taskleak.h"
#include "verify/failures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rollout_opts o = {
	.sample = {.temperature = 1, .top_p = 1, .top_k = 0, .max_new = 256, .batch = 32},
	.verify = VERIFY_OPTS_DEFAULT,
};
enum { MAX_STEP = 1000000000 }; /* as many as rl-explore makes */

static const char *policy_dir, *task_file, *prompt, *stream_file, *compute = "f32";
static int64_t samples = 1, threads, seed, step = -1, iter = -1, groups;
static struct failures failures = {.most = FAILURES_MOST};
static bool greedy, no_score, strict, count_tokens;
static const char *train_file, *shard_text;
static struct shard {
	int64_t i, n; /* this is the i-th of n, from 1 */
} shard = {1, 1};
static struct out stream = {.fd = -1};

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0, "policy to sample from"},
	{'t', "tasks", "FILE", OPT_STR, &task_file, 0, 0, "problems"},
	{0, "leak-check", "FILE", OPT_STR, &train_file, 0, 0,
	 "say how many of the problems are in this training set"},
	{0, "strict", NULL, OPT_FLAG, &strict, 0, 0, "refuse such problems"},
	{0, "prompt", "TEXT", OPT_STR, &prompt, 0, 0, "this one problem instead, not judged"},
	OPTIONS_PROMPT(o.prompt),
	OPTION_MAX_PROMPT(o.prompt.most),
	{0, "shard", "I/N", OPT_STR, &shard_text, 0, 0,
	 "the I-th of N parts of the problems only: the records that the whole has of them"},
	{0, "groups", "N", OPT_INT, &groups, 0, 1e6,
	 "sample the N problems that rl-explore draws in --step, as it does; 0: all problems"},
	{0, "stream", "FILE", OPT_STR | OPT_FREE, &stream_file, 0, 0,
	 "write the stream there, not to standard output"},
	{'n', "samples", "N", OPT_INT, &samples, 1, 1e6, "responses to each"},
	OPT__SEED(seed, "of sampling"),
	OPTION_THREADS(threads),

	OPTIONS_SAMPLING(o.sample),
	{0, "greedy", NULL, OPT_FLAG, &greedy, 0, 0, "the likeliest token always"},
	OPTION_COMPUTE(compute),

	OPTIONS_VERIFIER(o.verify, failures),
	{0, "count-tokens", NULL, OPT_FLAG, &count_tokens, 0, 0,
	 "print how many tokens each prompt has instead"},
	{0, "no-score", NULL, OPT_FLAG, &no_score, 0, 0, "do not judge"},
	{0, "step", "N", OPT_INT, &step, -1, 1e15, "RL step to write into the records; -1: none"},
	{0, "iter", "N", OPT_INT, &iter, -1, 1e9, "iteration to write into them; -1: none"},
	{0}};
static const struct tool tool = {
	"policy-eval", "", "Samples responses to problems and judges them, as a stream.", opts};

static int check_options(void)
{
	if (!policy_dir || !task_file == !prompt)
		return tool_usage("-p is needed, and one of -t and --prompt");
	if (shard_text && !num_part(shard_text, &shard.i, &shard.n))
		return tool_usage("--shard %s: not I/N with I from 1 to N, like 3/8", shard_text);
	if (groups && (step < 1 || step > MAX_STEP || shard_text || prompt))
		return tool_usage("--groups is about the problems of -t in a --step from 1 to %d, "
				  "and has no --shard",
				  MAX_STEP);
	if (options_use_compute(compute) || options_check_temperature(o.sample.temperature, true))
		return ST_USAGE;
	if (train_file && !task_file)
		return tool_usage("--leak-check is about the problems of -t");
	if (strict && !train_file)
		return tool_usage("--strict is about what --leak-check finds");
	if (greedy && samples > 1)
		return tool_usage("--greedy: all -n %" PRId64 " responses would be the same",
				  samples);
	if (o.prompt.wrap && !strstr(o.prompt.wrap, PROMPT_PLACE))
		return tool_usage("--prompt-template: it lacks " PROMPT_PLACE);
	if (!count_tokens && options_check_ends(stream_file, task_file))
		return ST_USAGE;
	o.judge = !no_score && !prompt;
	if (o.verify.hindsight && !o.judge)
		return tool_usage("--hindsight is about what is judged");
	o.seed = (uint64_t)seed;
	if (greedy)
		o.sample.temperature = 0;
	return 0;
}

static struct totals { /* for the closing note */
	uint64_t n, truncated, tokens;
	double reward;
} total;

static void count(const struct rollout *r)
{
	total.n++;
	total.tokens += r->n;
	total.truncated += !r->stopped;
	if (!r->judged)
		return;
	failures_count(&failures, &r->verdict);
	if (r->verdict.code == VERDICT_OK)
		total.reward += r->verdict.reward;
}

static int write_chunk(struct roller *r, const struct rollouts *all, const char *hash,
		       struct rec_out *w, struct reason *why)
{
	static struct buf more; /* reused */
	struct traj t;

	for (size_t i = 0; i < all->n; i++) {
		count(&all->v[i]);
		rollout_traj(r, all, i, &t);
		rollout_more(all, i, &t, &more);
		t.policy = (struct span){hash, strlen(hash)};
		t.step = step;
		t.iter = iter;
		traj_write(w, &t);
	}
	return rank_agree(out_flush(w->o, why), why);
}

static void show(size_t done, size_t n, double began)
{
	struct progress far = {"problem", 0, began};
	double rate = (double)total.tokens / (clock_now() - began);

	if (o.judge)
		progress(&far, done, n, "reward %.3f  %.0f tokens/s",
			 total.reward / (double)(failures.judged - failures.failed), rate);
	else
		progress(&far, done, n, "%.0f tokens/s", rate);
}

/* Problems that are sampled at a time: enough to keep every thread's batch full, few enough to let
 * records out soon. What a response becomes does not depend on it. */
static size_t chunk_of(size_t n_tasks)
{
	size_t want = 8 * (size_t)o.sample.batch * (size_t)par_threads() * (size_t)rank_count();
	size_t chunk = (want + (size_t)samples - 1) / (size_t)samples;

	rank_broadcast(&chunk, sizeof chunk, 0); /* threads may differ */
	return chunk < n_tasks ? chunk : n_tasks;
}

/* The problems of the shard: from that many on */
static size_t shard_of(size_t n_tasks, size_t *from)
{
	*from = (size_t)(shard.i - 1) * n_tasks / (size_t)shard.n;
	if (groups)
		return (size_t)groups;
	return (size_t)shard.i * n_tasks / (size_t)shard.n - *from;
}

/* The draws of the k problems from the done-th of the shard, or of the step, on */
static void draw_problems(struct deck *deck, struct draw *draw, size_t first, size_t k)
{
	for (size_t i = 0; i < k; i++)
		draw[i] = groups ? deck_next(deck) : (struct draw){first + i, first + i};
}

/* A deck from which the problems of the steps before --step are drawn */
static struct deck open_deck(size_t n_tasks)
{
	struct deck deck;

	deck_init(&deck, o.seed, n_tasks);
	if (groups)
		deck_seek(&deck, (uint64_t)(step - 1) * (uint64_t)groups);
	return deck;
}

static int evaluate(struct roller *r, size_t all_tasks, size_t from, size_t n_tasks,
		    const char *hash, struct rec_out *w, struct reason *why)
{
	size_t chunk = chunk_of(n_tasks);
	struct draw *draw = xarray(chunk, sizeof *draw);
	struct deck deck = open_deck(all_tasks);
	struct rollouts all = {0};
	double began = clock_now();
	int st = 0;

	for (size_t done = 0, k; done < n_tasks && !st; done += k) {
		k = n_tasks - done < chunk ? n_tasks - done : chunk;
		draw_problems(&deck, draw, from + done, k);
		rollout_reset(&all);
		st = rollout_run(r, draw, k, (size_t)samples, groups ? (uint64_t)step : 0, &all,
				 why);
		if (!st)
			st = write_chunk(r, &all, hash, w, why);
		if (!st)
			st = failures_check(&failures, done + k == n_tasks, why);
		if (!st)
			show(done + k, n_tasks, began);
	}
	rollout_free(&all);
	deck_free(&deck);
	free(draw);
	return st;
}

static void summary(size_t n_tasks)
{
	uint64_t judged = failures.judged - failures.failed;

	if (o.judge && judged)
		msg_info("%zu problems, %" PRIu64 " responses: mean reward %.4f", n_tasks, total.n,
			 total.reward / (double)judged);
	if (failures.failed)
		msg_warn("%" PRIu64 " responses could not be judged: they have a verdict and no "
			 "reward",
			 failures.failed);
	if (total.truncated)
		msg_info("%" PRIu64 " responses reached --max-new %" PRId64
			 " or the policy's length",
			 total.truncated, o.sample.max_new);
}

static int load_tasks(struct task_set *s, struct reason *why)
{
	if (task_file)
		return task_load(s, task_file, why);
	s->n = 1;
	s->v = xcalloc(1, sizeof *s->v);
	s->v->id = xstrdup("prompt");
	s->v->prompt = xstrdup(prompt);
	return 0;
}

/* Says how many of the problems have been trained on, or refuses them. */
static int check_leak(const struct task_set *s, struct reason *why)
{
	struct task_set train;
	struct taskleak leak;
	int st = task_load(&train, train_file, why);

	if (st)
		return st;
	leak = taskleak_find(s, &train);
	if (leak.n && strict)
		st = fail(why, ST_INPUT, "%s: %zu of %zu problems are in %s too, \"%s\" as \"%s\"",
			  task_file, leak.n, s->n, train_file, leak.it->id, leak.of->id);
	else if (leak.n)
		msg_warn("%s: %zu of %zu problems are in %s too, \"%s\" as \"%s\": what is learned "
			 "there by heart counts as ability here",
			 task_file, leak.n, s->n, train_file, leak.it->id, leak.of->id);
	task_free(&train);
	return st;
}

static const char *task_name(void)
{
	return task_file ? task_file : "--prompt";
}

static void put_counts(const struct task_set *tasks, const size_t *n)
{
	struct buf b = {0};

	buf_str(&b, "task\ttokens\n");
	for (size_t i = 0; i < tasks->n; i++) {
		columns_escape(&b, tasks->v[i].id, strlen(tasks->v[i].id));
		buf_printf(&b, "\t%zu\n", n[i]);
	}
	out_write(out_stdout(), b.p, b.n);
	buf_free(&b);
}

static int limit(const struct policy *p, struct task_set *tasks, struct reason *why)
{
	size_t before = tasks->n;
	int st = prompt_limit(p, tasks, task_name(), &o.prompt, why);

	if (!st)
		options_tell_limit(before, tasks->n, o.prompt.most);
	return st;
}

/* --count-tokens: a line for each problem */
static int show_counts(struct reason *why)
{
	struct policy p = {0};
	struct task_set tasks = {0};
	size_t *n = NULL;
	int st = policy_load_texts(&p, policy_dir, why);

	if (!st)
		st = load_tasks(&tasks, why);
	if (!st && train_file)
		st = check_leak(&tasks, why);
	if (!st)
		st = limit(&p, &tasks, why);
	if (!st) {
		n = xarray(tasks.n, sizeof *n);
		st = prompt_count(&p, &tasks, task_name(), &o.prompt, n, why);
	}
	if (!st)
		put_counts(&tasks, n);
	free(n);
	task_free(&tasks);
	policy_free(&p);
	return st;
}

static int run(const struct policy *p, struct rec_out *w, struct reason *why)
{
	struct task_set tasks = {0};
	struct memory need = {.weights = model_bytes(&p->model)};
	struct roller *r = NULL;
	char hash[17], text[MEMORY_TEXT];
	size_t from = 0, n_tasks = 0;
	int st = load_tasks(&tasks, why);

	if (!st && train_file)
		st = check_leak(&tasks, why);
	if (!st)
		st = limit(p, &tasks, why);
	if (!st && !(r = rollout_open(p, &tasks, task_name(), &o, why)))
		st = why->status;
	st = rank_agree(st, why);
	if (!st)
		st = rank_same(task_hash(&tasks), "the problems", why);
	if (!st) {
		size_t chunk, n;

		n_tasks = shard_of(tasks.n, &from);
		chunk = chunk_of(n_tasks);
		n = chunk * (size_t)samples;
		need.cache = rollout_bytes(r, chunk, n / (size_t)rank_count() + 1, n);
		st = memory_check(&need, why);
	}
	if (!st) {
		msg_info("memory: %s", memory_text(&need, text));
		options_tell_policy(p, o.sample.max_new);
		snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(&p->model));
		st = evaluate(r, tasks.n, from, n_tasks, hash, w, why);
	}
	if (!st) {
		rec_put_head(w); /* a shard may be empty */
		rec_finish(w);
		summary(n_tasks);
	}
	rollout_close(r);
	task_free(&tasks);
	return st;
}

/* --stream, and of other ranks than 0 nothing at all */
static int open_stream(struct reason *why)
{
	const char *path = rank_self() ? "/dev/null" : stream_file;
	int st = 0;

	if (file_clash(task_file, stream_file))
		st = fail(why, ST_USAGE, "%s: input and output are the same file", task_file);
	if (!st && path)
		st = file_open_at(&stream, path, 0, why);
	return st || !path ? st : file_cut(&stream, why);
}

static int sample_all(struct reason *why)
{
	struct policy p = {0};
	struct rec_out w;
	int st = rank_agree(open_stream(why), why);

	rec_out_init(&w, stream.fd >= 0 ? &stream : out_stdout(), (uint64_t)seed);
	if (!st)
		rec_put_head(&w);
	if (!st)
		st = policy_load_as(&p, policy_dir, model_how(compute) | WEIGHTS_LEAN, why);
	st = rank_agree(st, why);
	if (!st)
		st = rank_same(model_hash(&p.model), "the weights of --policy", why);
	if (!st)
		st = rank_agree(run(&p, &w, why), why);
	if (stream.fd >= 0 && out_close(&stream, st ? NULL : why) && !st)
		st = why->status;
	rec_out_free(&w);
	policy_free(&p);
	return rank_agree(st, why);
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;

	if (!shard_text && rank_start(&why)) /* a shard is for one process */
		return rank_end(tool_finish(msg_reason(&why)));
	st = check_options();
	if (!st && i < argc)
		st = tool_usage("%s: no operand is expected", argv[i]);
	st = rank_agree(st, &why);
	if (st)
		return rank_end(tool_finish(st));
	par_start((int)threads);
	if (!count_tokens)
		st = sample_all(&why);
	else if (!rank_self())
		st = show_counts(&why);
	if (st)
		msg_reason(&why);
	par_stop();
	return rank_end(tool_finish(st));
}
