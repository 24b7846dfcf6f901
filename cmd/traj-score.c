/* traj-score - run a verifier over a stream made elsewhere. See man/traj-score.1. */
#include "base/mem.h"
#include "base/tool.h"
#include "stream/edit.h"
#include "stream/hold.h"
#include "stream/pack.h"
#include "task/task.h"
#include "stream/traj.h"
#include "run/options.h"
#include "verify/failures.h"
#include "verify/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 128, BATCH_BYTES = 4 * 1024 * 1024 };

static const char *tasks_path;
static struct verify_opts o = VERIFY_OPTS_DEFAULT;
static struct failures failures = {.most = FAILURES_MOST};
static bool strict, explain;

static const struct opt opts[] = {
	{0, "verifier", "NAME", OPT_STR, &o.verifier, 0, 0,
	 "verifier of all records, a name or cmd:COMMAND (without it: each record's own)"},
	{'t', "tasks", "FILE", OPT_STR, &tasks_path, 0, 0,
	 "problems whose answer, meta and verifier stand in for what a record lacks"},
	OPTIONS_COMMAND(o, failures),
	{0, "trust", NULL, OPT_FLAG, &o.trust, 0, 0,
	 "run commands that records or tasks name, and programs where there is no sandbox"},
	{0, "explain", NULL, OPT_FLAG, &explain, 0, 0,
	 "note in why what decided, where the verifier says so"},
	OPTION_HINDSIGHT(o),
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"traj-score", "[file ...]",
				 "Runs a verifier over a stream and notes its verdicts.", opts};

/* A record that waits for its verdict, or for those before it. */
struct held {
	struct buf bytes, verifier;
	struct traj t; /* points into bytes and mem */
	struct traj_mem mem;
	bool is_traj, judged;
};

struct score {
	struct verifier *v;
	struct task_set tasks; /* sorted by id */
	struct held held[BATCH];
	size_t n, n_bytes;
	struct verify_item item[BATCH]; /* of the traj records among held */
	struct verdict verdict[BATCH];
	struct rec_out out;
	uint64_t right;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct task *)a)->id, ((const struct task *)b)->id);
}

static const struct task *task_of(const struct score *s, struct span id)
{
	struct task key = {.id = xstrndup(id.p, id.n)}, *found = NULL;

	if (s->tasks.n)
		found = bsearch(&key, s->tasks.v, s->tasks.n, sizeof key, by_id);
	free(key.id);
	return found;
}

static struct verify_item item_of(const struct score *s, struct held *h)
{
	const struct task *k = task_of(s, h->t.task);
	struct verify_item it = {.task = h->t.task,
				 .prompt = h->t.prompt,
				 .response = h->t.response,
				 .answer = h->t.answer,
				 .meta = h->t.meta};

	if (!it.answer.p && k && k->answer)
		it.answer = (struct span){k->answer, strlen(k->answer)};
	if (!it.meta.p && k && k->meta.n)
		it.meta = (struct mp){(const uint8_t *)k->meta.p, k->meta.n};
	if (o.verifier)
		return it;
	if (h->t.verifier.p) {
		buf_reset(&h->verifier);
		buf_add(&h->verifier, h->t.verifier.p, h->t.verifier.n);
		it.verifier = buf_cstr(&h->verifier);
	} else if (k) {
		it.verifier = task_verifier(k, NULL);
	}
	return it;
}

/* A record whose problem is not in --tasks, and that does not bring its own answer */
static int known_tasks(const struct score *s, size_t n, struct reason *why)
{
	for (size_t i = 0; tasks_path && i < n; i++) {
		const struct verify_item *it = &s->item[i];

		if (!it->answer.p && !task_of(s, it->task))
			return fail(why, ST_INPUT, "%s: no row has the id \"%.*s\" of a record",
				    tasks_path, (int)(it->task.n < 200 ? it->task.n : 200),
				    it->task.p);
	}
	return 0;
}

/* ---- the record with its verdict ---- */
enum { REWARD, VERDICT, EXTRACTED, REWARDS, HINDSIGHT, WHY, KEYS };

/* The record with what the verdict says, and without what it said before */
static void rewrite(struct buf *b, struct mp map, const struct verdict *v)
{
	static struct buf value[KEYS]; /* reused */
	static const char *const key[KEYS] = {"reward",  "verdict",   "extracted",
					      "rewards", "hindsight", "why"};
	struct edit e[KEYS];
	msgpack_packer pk[KEYS];
	size_t n = explain ? KEYS : WHY;

	for (size_t i = 0; i < KEYS; i++) {
		buf_reset(&value[i]);
		pack_init(&pk[i], &value[i]);
	}
	if (v->code == VERDICT_OK)
		pack_float(&pk[REWARD], v->reward);
	pack_str(&pk[VERDICT], verdict_name(v->code));
	if (*v->extracted)
		pack_text(&pk[EXTRACTED], (struct span){v->extracted, strlen(v->extracted)});
	verdict_pack(v, &value[REWARDS]);
	if (*v->hindsight)
		pack_str(&pk[HINDSIGHT], v->hindsight);
	if (v->why)
		pack_str(&pk[WHY], v->why);
	for (size_t i = 0; i < n; i++)
		e[i] = (struct edit){key[i], {value[i].p, value[i].n}};
	edit_put(b, map, e, n);
}

/* ---- batches ---- */
static int put_scored(struct score *s, const struct held *h, const struct verdict *v,
		      struct reason *why)
{
	static struct buf b; /* reused */

	buf_reset(&b);
	rewrite(&b, (struct mp){(const uint8_t *)h->bytes.p, h->bytes.n}, v);
	rec_put(&s->out, b.p, b.n, true);
	failures_count(&failures, v);
	s->right += v->code == VERDICT_OK && v->reward >= 0.5;
	return failures_check(&failures, false, why);
}

/* Another kind of record, or a response that was never given: it stays as it is, and counts. */
static int put_unjudged(struct score *s, const struct held *h, struct reason *why)
{
	struct verdict none = {.code = VERDICT_UNANSWERED};

	rec_put(&s->out, h->bytes.p, h->bytes.n, h->is_traj);
	if (h->is_traj)
		failures_count(&failures, &none);
	return failures_check(&failures, false, why);
}

/* Judges and writes what is held. */
static int settle(void *ctx, struct reason *why)
{
	struct score *s = ctx;
	size_t n = 0, k = 0;
	int st;

	for (size_t i = 0; i < s->n; i++)
		if (s->held[i].judged)
			s->item[n++] = item_of(s, &s->held[i]);
	st = known_tasks(s, n, why);
	if (!st && n)
		st = verify_run(s->v, s->item, n, s->verdict, why);
	for (size_t i = 0; i < s->n && !st; i++) {
		const struct held *h = &s->held[i];

		if (h->judged)
			st = put_scored(s, h, &s->verdict[k++], why);
		else
			st = put_unjudged(s, h, why);
	}
	s->n = s->n_bytes = 0;
	return st;
}

static bool is_full(void *ctx)
{
	const struct score *s = ctx;

	return s->n == BATCH || s->n_bytes >= BATCH_BYTES;
}

static int hold(void *ctx, const struct rec *r, const char *name, struct reason *why)
{
	struct score *s = ctx;
	struct held *h = &s->held[s->n++];
	struct rec copy = hold_copy(&h->bytes, r);

	s->n_bytes += r->map.n;
	h->is_traj = h->judged = r->is_traj;
	if (r->is_traj && traj_read(&h->t, &copy, name, &h->mem, why))
		return why->status;
	if (r->is_traj)
		h->judged = !traj_unanswered(&h->t);
	return 0;
}

static int score_all(struct score *s, char *files[], struct reason *why)
{
	struct hold h = {.ctx = s,
			 .take = hold,
			 .full = is_full,
			 .settle = settle,
			 .out = &s->out,
			 .flags = strict ? REC_STRICT : 0};
	int st = hold_files(&h, files, why);

	if (!st)
		st = failures_check(&failures, true, why);
	if (!st)
		rec_finish(&s->out);
	return st;
}

static int start(struct score *s, struct reason *why)
{
	rec_out_init(&s->out, out_stdout(), 0);
	if (tasks_path) {
		if (task_load(&s->tasks, tasks_path, why))
			return why->status;
		qsort(s->tasks.v, s->tasks.n, sizeof *s->tasks.v, by_id);
	}
	s->v = verify_open(&o, why);
	return s->v ? 0 : why->status;
}

static void end(struct score *s)
{
	verify_close(s->v);
	task_free(&s->tasks);
	rec_out_free(&s->out);
	for (size_t i = 0; i < BATCH; i++) {
		buf_free(&s->held[i].bytes);
		buf_free(&s->held[i].verifier);
		traj_mem_free(&s->held[i].mem);
	}
}

int main(int argc, char *argv[])
{
	static struct score s;
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;

	if (isatty(STDOUT_FILENO))
		return tool_usage("binary is not written to a terminal");
	st = start(&s, &why);
	if (!st)
		st = score_all(&s, argv + i, &why);
	if (st) {
		msg_reason(&why);
		if (st != ST_USAGE)
			rec_put_head(&s.out); /* and no end: a reader sees that it failed */
	} else {
		msg_info("%llu judged, %llu right, %llu failures",
			 (unsigned long long)failures.judged, (unsigned long long)s.right,
			 (unsigned long long)failures.failed);
	}
	end(&s);
	return tool_finish(st);
}
