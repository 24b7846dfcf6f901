/*
 * traj-filter - keep the trajectories that pass tests. See man/traj-filter.1.
 *
 * predicates -> success rate of the task -> copies of a solution -> cap per task. Without the
 * second and the fourth nothing is held back.
 */
#include "base/mem.h"
#include "base/num.h"
#include "base/tool.h"
#include "stream/trajscan.h"
#include "stream/reservoir.h"
#include "base/names.h"
#include "base/tally.h"
#include "stream/where.h"
#include "base/file.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static bool correct, invert, dedup, strict;
static double threshold = 0.5, min_reward = -INFINITY, max_reward = INFINITY;
static double min_rate = 0, max_rate = 1;
static int64_t min_tokens, max_tokens, copies, per_task, sample, seed;
static const char *finish, *verdict, *steps, *task_file, *split;
static struct opt_list task_ids, conditions;

static const struct opt opts[] = {
	{0, "correct", NULL, OPT_FLAG, &correct, 0, 0, "reward is at least the threshold"},
	OPT__THRESHOLD(threshold),
	{0, "min-reward", "X", OPT_NUM, &min_reward, 0, 0, "reward is at least X"},
	{0, "max-reward", "X", OPT_NUM, &max_reward, 0, 0, "reward is at most X"},
	{0, "finish", "WORD", OPT_STR, &finish, 0, 0, "sampling ended so: stop or length"},
	{0, "verdict", "WORD", OPT_STR, &verdict, 0, 0, "the verifier ended so: ok, timeout ..."},
	{0, "steps", "A:B", OPT_STR, &steps, 0, 0,
	 "RL step is from A to B; either may be left out"},
	{0, "task", "ID", OPT_LIST, &task_ids, 0, 0, "task is this one; may be repeated"},
	{0, "task-file", "FILE", OPT_STR, &task_file, 0, 0, "task is one of FILE's lines"},
	{0, "min-tokens", "N", OPT_INT, &min_tokens, 0, 1e9, "response has N tokens or more"},
	{0, "max-tokens", "N", OPT_INT, &max_tokens, 0, 1e9,
	 "response has N tokens or fewer; 0: any number"},
	{0, "where", "COND", OPT_LIST, &conditions, 0, 0,
	 "'key OP value' holds for any key; may be repeated"},
	{0, "split", "I/N", OPT_STR, &split, 0, 0,
	 "task is in the I-th of N parts, which the seed makes"},
	{'v', "invert", NULL, OPT_FLAG, &invert, 0, 0, "keep what fails the tests above"},
	{0, "min-rate", "X", OPT_NUM, &min_rate, 0, 1, "least success rate of the task"},
	{0, "max-rate", "X", OPT_NUM, &max_rate, 0, 1, "greatest success rate of the task"},
	{0, "copies", "N", OPT_INT, &copies, 0, 1e9,
	 "the first N of each distinct solution; 0: all"},
	{0, "dedup", NULL, OPT_FLAG, &dedup, 0, 0, "the same as --copies 1"},
	{0, "per-task", "N", OPT_INT, &per_task, 0, 1e9,
	 "a random N of each task's trajectories; 0: all"},
	{0, "sample", "N", OPT_INT, &sample, 0, 1e15,
	 "a random N of what passes all of this; 0: all"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "of --per-task, --sample and --split"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"traj-filter", "[file ...]",
				 "Keeps the trajectories that pass every test given.", opts};

/* What the options come to */
static struct where *wheres;
static int64_t first_step = INT64_MIN, last_step = INT64_MAX;
static struct names wanted; /* of --task and --task-file */
static int64_t part = 1, parts = 1;
static bool whole; /* nothing can be passed on before the end of the input */

/* What was seen */
struct task_rate {
	uint64_t graded, correct;
	uint64_t prompt; /* see traj_one_prompt */
	bool out;        /* counted among the tasks that went out */
};
static uint64_t n_in, n_out, tasks_out;
static bool finish_seen, verdict_seen; /* a trajectory has the word that was asked for */
static struct names tasks;
static struct task_rate *rates; /* one per task */
static size_t n_rates;
static struct tally solutions;
static struct reservoir store;
static struct rec_out out;

/* ---- options ---- */

static int parse_steps(void)
{
	const char *colon = strchr(steps, ':');
	char *a = xstrndup(steps, colon ? (size_t)(colon - steps) : strlen(steps));
	const char *b = colon ? colon + 1 : a;
	bool ok = *steps && strcmp(steps, ":") != 0;

	ok = ok && (!*a || num_i64(a, 0, INT64_MAX, &first_step)) &&
	     (!*b || num_i64(b, 0, INT64_MAX, &last_step)) && first_step <= last_step;
	free(a);
	return ok ? 0 : tool_usage("--steps: '%s' is not A:B, A:, :B or A", steps);
}

static int load_task_file(void)
{
	struct reason why = {0};
	struct span line;
	struct in in;
	int r = -1;

	if (in_open(&in, task_file, &why) == 0) {
		while ((r = in_line(&in, MP_MAX_BYTES, &line, &why)) > 0) {
			line.n -= line.n && line.p[line.n - 1] == '\r';
			names_id(&wanted, line);
		}
		in_close(&in);
	}
	return r < 0 ? msg_reason(&why) : 0;
}

static int parse_conditions(void)
{
	struct reason why = {0};

	wheres = xcalloc(conditions.n, sizeof *wheres);
	for (size_t i = 0; i < conditions.n; i++)
		if (where_parse(&wheres[i], conditions.v[i], &why)) {
			conditions.n = i;
			return tool_usage("--where: %s", why.text);
		}
	return 0;
}

static int prepare(void)
{
	int st = parse_conditions();

	if (!st && steps)
		st = parse_steps();
	if (!st && task_file)
		st = load_task_file();
	if (!st && split && !num_part(split, &part, &parts))
		st = tool_usage("--split %s: not I/N with I from 1 to N, like 1/10", split);
	if (!st && min_rate > max_rate)
		st = tool_usage("--min-rate is above --max-rate");
	if (!st && dedup && copies > 1)
		st = tool_usage("--dedup and --copies %" PRId64 " contradict each other", copies);
	if (!st && isatty(STDOUT_FILENO))
		st = tool_usage("records are not written to a terminal: use a pipe or a file");
	for (size_t i = 0; i < task_ids.n; i++)
		names_id(&wanted, (struct span){task_ids.v[i], strlen(task_ids.v[i])});
	if (dedup)
		copies = 1;
	whole = min_rate > 0 || max_rate < 1 || per_task || sample;
	store.cap = (uint64_t)per_task;
	store.seed = (uint64_t)seed;
	return st;
}

/* ---- one record ---- */

static bool rewarded(const struct traj *t)
{
	if (correct && !(trajscan_graded(t) && traj_correct(t, threshold)))
		return false;
	if (min_reward > -INFINITY && !(t->reward >= min_reward)) /* an absent reward is NaN */
		return false;
	return !(max_reward < INFINITY && !(t->reward <= max_reward));
}

static bool sized(const struct traj *t)
{
	if (min_tokens && t->n_tokens < (size_t)min_tokens)
		return false;
	return !max_tokens || t->n_tokens <= (size_t)max_tokens;
}

/* All of a task is in one part. */
static bool in_part(struct span task)
{
	uint64_t hash = XXH3_64bits(task.p, task.n);
	uint64_t key = rng_key((uint64_t)seed, RNG_SPLIT, hash, 0, 0);

	return (int64_t)rng_below(key, 0, (uint64_t)parts) == part - 1;
}

static bool passes(const struct traj *t, struct mp map)
{
	bool ok = rewarded(t) && sized(t) && (!split || in_part(t->task));

	ok = ok && (!finish || span_is(t->finish, finish));
	ok = ok && (!verdict || span_is(t->verdict, verdict));
	ok = ok && (!steps || (t->step >= 0 && t->step >= first_step && t->step <= last_step));
	if (task_ids.n || task_file)
		ok = ok && names_find(&wanted, t->task) != (size_t)-1;
	for (size_t i = 0; i < conditions.n; i++)
		if (ok || !wheres[i].seen)
			ok = where_holds(&wheres[i], map) && ok;
	finish_seen |= finish && span_is(t->finish, finish);
	verdict_seen |= verdict && span_is(t->verdict, verdict);
	return ok != invert;
}

static bool is_copy(const struct traj *t)
{
	uint64_t key[2];

	if (!copies)
		return false;
	traj_solution(t, key);
	return tally_add(&solutions, key, 1, 0) > (uint64_t)copies;
}

/* *number: that of the task, with this trajectory counted in its success rate, if it was sampled
 * for it */
static int rate(const struct traj *t, size_t *number, const struct rec *r, const char *name,
		struct reason *why)
{
	size_t id = *number = names_id(&tasks, t->task);

	rates = names_room(rates, &n_rates, id, sizeof *rates);
	if (trajscan_graded(t) && !t->relabelled.p) {
		rates[id].graded++;
		rates[id].correct += traj_correct(t, threshold);
	}
	return traj_one_prompt(t, &rates[id].prompt, r, name, why);
}

static int take(const struct rec *r, const char *name, struct reason *why)
{
	struct span raw = {(const char *)r->map.p, r->map.n};
	size_t task = RESERVOIR_ALWAYS;
	struct traj t = {0};

	if (r->is_traj) {
		if (trajscan(&t, r, name, why))
			return why->status;
		n_in++;
		if (whole && rate(&t, &task, r, name, why))
			return why->status;
		if (!passes(&t, r->map) || is_copy(&t))
			return 0;
	}
	if (whole) {
		reservoir_add(&store, task, t.task, raw);
	} else {
		rec_put(&out, raw.p, raw.n, r->is_traj);
		n_out += r->is_traj;
	}
	return 0;
}

/* ---- streams ---- */

/* A file that is read and appended to at once would grow for ever. */
static int filter(const char *path, struct reason *why)
{
	struct rec_in *in;
	struct rec r;
	int got = -1, st = file_not_stdout(path, why);

	if (st)
		return st;
	in = rec_open(path, strict ? REC_STRICT : 0, why);
	if (!in)
		return why->status;
	if (!whole)
		rec_tie(in, out_stdout());
	while (!st && (got = rec_next(in, &r, why)) > 0) {
		if (!whole)
			rec_out_segment(&out, in, &r);
		st = take(&r, rec_name(in), why);
	}
	if (!out.open)
		rec_out_chain(&out, in);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static bool rate_fits(const struct task_rate *t)
{
	double x;

	if (min_rate <= 0 && max_rate >= 1)
		return true;
	if (!t->graded)
		return false;
	x = (double)t->correct / (double)t->graded;
	return x >= min_rate && x <= max_rate;
}

static bool is_relabelled(const struct kept *k)
{
	struct mp v = mp_get((struct mp){(const uint8_t *)k->p, k->n}, "relabelled");

	return v.p && mp_type(v) != MP_NIL;
}

static bool goes_out(const struct kept *k)
{
	return k->task != RESERVOIR_ALWAYS && (rate_fits(&rates[k->task]) || is_relabelled(k));
}

/* Whether the next of `left` trajectories is among the `want` that are still drawn: each set of
 * them has the same chance (Fan, Muller and Rezucha, 1962). */
static bool draw(uint64_t want, uint64_t left)
{
	uint64_t key = rng_key((uint64_t)seed, RNG_RESERVOIR, 0, 1, 0);

	return rng_below(key, left, left) < want;
}

static void emit(void)
{
	uint64_t left = 0, want = (uint64_t)sample;

	reservoir_sort(&store);
	for (size_t i = 0; i < store.n; i++)
		left += goes_out(&store.v[i]);
	want = sample && want < left ? want : left;
	for (size_t i = 0; i < store.n; i++) {
		const struct kept *k = &store.v[i];
		bool traj = k->task != RESERVOIR_ALWAYS;

		if (traj && (!goes_out(k) || !draw(want, left--)))
			continue;
		rec_put(&out, k->p, k->n, traj);
		if (!traj)
			continue;
		want--;
		n_out++;
		tasks_out += !rates[k->task].out;
		rates[k->task].out = true;
	}
}

static void summary(void)
{
	if (whole)
		msg_info("%" PRIu64 " trajectories in, %" PRIu64 " out; tasks: %zu in, %" PRIu64
			 " out",
			 n_in, n_out, tasks.n, tasks_out);
	else
		msg_info("%" PRIu64 " trajectories in, %" PRIu64 " out", n_in, n_out);
}

/* What was asked for and is nowhere may be misspelt. */
static void tell_unseen(void)
{
	for (size_t i = 0; n_in && i < conditions.n; i++)
		if (!wheres[i].seen)
			msg_warn("--where '%s': no trajectory has the key %s", conditions.v[i],
				 wheres[i].key);
	if (n_in && finish && !finish_seen)
		msg_warn("--finish %s: no trajectory ended so", finish);
	if (n_in && verdict && !verdict_seen)
		msg_warn("--verdict %s: no trajectory has it", verdict);
}

static void cleanup(void)
{
	for (size_t i = 0; i < conditions.n; i++)
		where_free(&wheres[i]);
	free(wheres);
	names_free(&wanted);
	names_free(&tasks);
	free(rates);
	tally_free(&solutions);
	reservoir_free(&store);
	rec_out_free(&out);
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st = prepare();

	rec_out_init(&out, out_stdout(), (uint64_t)seed);
	if (!st) {
		st = i == argc ? filter("-", &why) : 0;
		for (; !st && i < argc; i++)
			st = filter(argv[i], &why);
		if (st) {
			msg_reason(&why);
			if (st != ST_USAGE)
				rec_put_head(&out); /* and no end: a reader sees that it failed */
		} else {
			emit();
			rec_finish(&out);
			summary();
			tell_unseen();
		}
	}
	cleanup();
	return tool_finish(st);
}
