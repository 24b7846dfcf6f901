/* traj-relabel - wrong responses as right ones to the problems that they do solve. See
 * man/traj-relabel.1.
 */
#include "base/file.h"
#include "base/tool.h"
#include "rollout/relabel.h"
#include "stream/trajscan.h"

#include <inttypes.h>
#include <unistd.h>

static const char *policy_dir;
static struct opt_list not_in;
static int64_t per_task;
static bool only, strict;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0,
	 "policy whose tokenizer encodes the new prompts; without: prompt_tokens are left out"},
	{0, "not-in", "FILE", OPT_LIST, &not_in, 0, 0,
	 "no new problem is one of these; may be repeated"},
	{0, "per-task", "N", OPT_INT, &per_task, 0, 1e9,
	 "the first N responses to each new problem; 0: all"},
	{0, "only", NULL, OPT_FLAG, &only, 0, 0, "write the relabelled ones alone"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {
	"traj-relabel", "[file ...]",
	"Makes of wrong responses right ones to the problems that they do solve.", opts};

struct work {
	struct policy policy;
	struct relabel *relabel;
	struct rec_out out;
	struct traj_mem mem;
	struct buf made;
	uint64_t n_in, wrong;
	uint64_t ended[RELABEL_ENDS]; /* of the wrong ones */
	bool noted;                   /* one has hindsight */
};

static int relabel(struct work *w, const struct rec *r, const char *name, struct reason *why)
{
	enum relabel_end end;
	struct reason text;
	struct traj t;

	if (traj_read(&t, r, name, &w->mem, why))
		return why->status;
	w->wrong++;
	if (relabel_one(w->relabel, &t, r->map, &end, &w->made, &text))
		return rec_fail(why, name, r, "%s", text.text);
	w->ended[end]++;
	w->noted |= end != RELABEL_NONE;
	if (end == RELABEL_DONE)
		rec_put(&w->out, w->made.p, w->made.n, true);
	return 0;
}

static int take(struct work *w, const struct rec *r, const char *name, struct reason *why)
{
	struct traj t = {0};

	if (r->is_traj && trajscan(&t, r, name, why))
		return why->status;
	if (!only)
		rec_put(&w->out, r->map.p, r->map.n, r->is_traj);
	w->n_in += r->is_traj;
	if (!r->is_traj || !trajscan_graded(&t) || t.reward != 0)
		return 0;
	return relabel(w, r, name, why);
}

static int relabel_file(struct work *w, const char *path, struct reason *why)
{
	struct rec_in *in;
	struct rec r;
	int got = -1, st = file_not_stdout(path, why);

	if (st)
		return st;
	in = rec_open(path, strict ? REC_STRICT : 0, why);
	if (!in)
		return why->status;
	rec_tie(in, out_stdout());
	while (!st && (got = rec_next(in, &r, why)) > 0) {
		rec_out_segment(&w->out, in, &r);
		st = take(w, &r, rec_name(in), why);
	}
	if (!w->out.open)
		rec_out_chain(&w->out, in);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static int hold_out(struct work *w, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < not_in.n && !st; i++) {
		struct task_set s = {0};

		st = task_load(&s, not_in.v[i], why);
		if (!st)
			relabel_hold_out(w->relabel, &s);
		task_free(&s);
	}
	return st;
}

static int start(struct work *w, struct reason *why)
{
	rec_out_init(&w->out, out_stdout(), 0);
	if (policy_dir && policy_load_texts(&w->policy, policy_dir, why))
		return why->status;
	w->relabel = relabel_new(policy_dir ? &w->policy : NULL, per_task, why);
	return w->relabel ? hold_out(w, why) : why->status;
}

static void summary(const struct work *w)
{
	static const char *const of[RELABEL_ENDS] = {
		[RELABEL_NONE] = "solve no other problem",
		[RELABEL_FOREIGN] = "have a prompt of another form",
		[RELABEL_HELD_OUT] = "solve one that is held out",
		[RELABEL_COPY] = "are copies",
		[RELABEL_CAPPED] = "are more than --per-task"};

	msg_info("%" PRIu64 " trajectories, %" PRIu64 " of them wrong: %" PRIu64
		 " relabelled, as right ones to %zu problems",
		 w->n_in, w->wrong, w->ended[RELABEL_DONE], relabel_problems(w->relabel));
	for (int i = RELABEL_NONE; i < RELABEL_ENDS; i++)
		if (w->ended[i])
			msg_info("%" PRIu64 " %s", w->ended[i], of[i]);
	if (w->wrong && !w->noted)
		msg_warn("no wrong one has the key hindsight: rl-explore, policy-eval and "
			 "traj-score note it with --hindsight");
}

static void end(struct work *w)
{
	relabel_free(w->relabel);
	policy_free(&w->policy);
	rec_out_free(&w->out);
	traj_mem_free(&w->mem);
	buf_free(&w->made);
}

int main(int argc, char *argv[])
{
	static struct work w;
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;

	if (isatty(STDOUT_FILENO))
		return tool_usage("records are not written to a terminal: use a pipe or a file");
	st = start(&w, &why);
	if (!st)
		st = i == argc ? relabel_file(&w, "-", &why) : 0;
	for (; !st && i < argc; i++)
		st = relabel_file(&w, argv[i], &why);
	if (st) {
		msg_reason(&why);
		if (st != ST_USAGE)
			rec_put_head(&w.out); /* and no end: a reader sees that it failed */
	} else {
		rec_finish(&w.out);
		summary(&w);
	}
	end(&w);
	return tool_finish(st);
}
