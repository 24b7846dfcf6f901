/* traj-convert - other programs' rollouts into a stream, and a stream into their forms. See
 * man/traj-convert.1. */
#include "base/file.h"
#include "base/mem.h"
#include "base/rows.h"
#include "base/tool.h"
#include "convert/formats.h"
#include "convert/fromrow.h"
#include "convert/request.h"
#include "convert/to.h"
#include "policy/policy.h"
#include "task/task.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *from_name, *to_name, *policy_dir, *tasks_path, *requests_path;
static bool list;
static struct from_opts from_opts;
static struct to_opts to_opts = {.model = "default", .threshold = 0.5};

static const struct opt opts[] = {
	{0, "from", "FORMAT", OPT_STR, &from_name, 0, 0,
	 "read rows of this format and write a stream; auto: the first row tells"},
	{0, "to", "FORMAT", OPT_STR, &to_name, 0, 0, "read a stream and write rows of this format"},
	{0, "formats", NULL, OPT_FLAG, &list, 0, 0, "list all formats, each with what it is"},
	{0, "reward", "KEY", OPT_STR, &from_opts.reward, 0, 0,
	 "the reward is this key's number, or the reward's part of this name"},
	{0, "filter", "NAME", OPT_STR, &from_opts.filter, 0, 0,
	 "of lm-eval: rows of this filter (without it: of the first)"},
	{0, "drawn", NULL, OPT_FLAG, &from_opts.drawn, 0, 0,
	 "log-probs of servers are of the distribution that was drawn from"},
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0,
	 "its tokenizer makes texts of ids, its chat template prompts of messages"},
	{'t', "tasks", "FILE", OPT_STR, &tasks_path, 0, 0,
	 "problems whose prompt and answer stand in for what a row lacks"},
	{0, "requests", "FILE", OPT_STR, &requests_path, 0, 0,
	 "requests of an OpenAI batch, whose prompts its answers lack"},
	OPT__THRESHOLD(to_opts.threshold),
	{0, "model", "NAME", OPT_STR, &to_opts.model, 0, 0, "the model that requests name"},
	{0, "keep", NULL, OPT_FLAG, &to_opts.keep, 0, 0,
	 "what a row cannot say goes into it under the key traj, and comes back"},
	{0}};
static const struct tool tool = {"traj-convert", "[file ...]",
				 "Reads other programs' rollouts into a stream, or writes theirs.",
				 opts};

static struct policy policy;
static struct chat chat;

static int show_formats(void)
{
	const struct format *f;

	for (size_t i = 0; (f = formats_at(i)); i++)
		out_printf(out_stdout(), "%s\t%s%s%s\t%s\n", f->name, f->read ? "from" : "",
			   f->read && f->write ? "," : "", f->write ? "to" : "", f->what);
	return 0;
}

static int wrong_options(const struct format **format)
{
	const char *name = from_name ? from_name : to_name;

	if (!from_name == !to_name)
		return tool_usage("one of --from and --to is wanted (a pipe does both)");
	if (from_name && strcmp(name, "auto") == 0)
		return 0;
	*format = formats_find(name);
	if (!*format)
		return tool_usage("no format is called '%s': see --formats", name);
	if (from_name && !(*format)->read)
		return tool_usage("%s is only written: see --formats", name);
	if (to_name && !(*format)->write)
		return tool_usage("%s is only read: see --formats", name);
	if (to_name && (from_opts.reward || from_opts.filter || from_opts.drawn || policy_dir ||
			tasks_path || requests_path))
		return tool_usage(
			"--reward, --filter, --drawn, -p, -t and --requests go with --from");
	if (from_name && to_opts.keep)
		return tool_usage("--keep goes with --to");
	if (to_opts.keep && (*format)->pairs)
		return tool_usage("--keep: a row of %s is two trajectories", name);
	return 0;
}

/* ---- what is known besides the rows ---- */

static int load_policy(struct reason *why)
{
	static struct buf end;
	uint32_t id;
	int st = policy_load_texts(&policy, policy_dir, why);

	if (st)
		return st;
	from_opts.tok = policy.tok;
	if (policy_chat(&policy, &chat, NULL) == 0)
		from_opts.chat = &chat;
	if (policy.end >= 0) {
		id = (uint32_t)policy.end;
		tok_decode(policy.tok, &id, 1, true, &end);
		from_opts.end = buf_cstr(&end);
	}
	return 0;
}

static int load_tasks(struct reason *why)
{
	struct task_set s;
	int st = task_load(&s, tasks_path, why);

	for (size_t i = 0; !st && i < s.n; i++) {
		struct from_known *k =
			request_known(&from_opts, (struct span){s.v[i].id, strlen(s.v[i].id)});

		k->prompt = s.v[i].prompt ? xstrdup(s.v[i].prompt) : NULL;
		k->messages = s.v[i].messages ? xstrdup(s.v[i].messages) : NULL;
		k->answer = s.v[i].answer ? xstrdup(s.v[i].answer) : NULL;
	}
	if (!st)
		task_free(&s);
	return st;
}

static int load(struct reason *why)
{
	int st = policy_dir ? load_policy(why) : 0;

	if (!st && tasks_path)
		st = load_tasks(why);
	if (!st && requests_path)
		st = request_load(&from_opts, requests_path, why);
	return st;
}

/* ---- work ---- */

static void tell(const struct notes *lost, const struct notes *skipped, const char *things)
{
	for (size_t i = 0; i < skipped->n; i++)
		msg_warn("left out: %s (%" PRIu64 ")", skipped->v[i].text, skipped->v[i].n);
	for (size_t i = 0; i < lost->n; i++)
		msg_info("%s (%" PRIu64 " %s)", lost->v[i].text, lost->v[i].n, things);
}

static int read_rows(const struct format *format, char *files[], struct reason *why)
{
	struct rec_out out;
	struct from f = {.o = &from_opts, .why = why, .out = &out};
	int st = load(why);

	rec_out_init(&out, out_stdout(), 0);
	for (; !st && *files; files++) {
		st = file_not_stdout(*files, why);
		if (!st)
			st = from_file(&f, *files, format);
	}
	if (!st)
		rec_finish(&out);
	else if (st != ST_USAGE)
		rec_put_head(&out); /* and no end: a reader sees that it failed */
	tell(&f.lost, &f.skipped, "samples");
	if (!st && from_opts.reward && !f.reward_seen)
		msg_warn("--reward %s: no row has it", from_opts.reward);
	if (!st)
		msg_info("%s: %" PRIu64 " rows, %" PRIu64 " samples", f.format->name, f.rows,
			 f.samples);
	from_free(&f);
	rec_out_free(&out);
	return st;
}

static int write_rows(const struct format *format, char *files[], struct reason *why)
{
	struct to t = {.o = &to_opts, .format = format, .out = out_stdout(), .why = why};
	struct buf keys = {0};
	int st = 0;

	for (; !st && *files; files++) {
		st = file_not_stdout(*files, why);
		if (!st)
			st = to_file(&t, *files);
	}
	tell(&(struct notes){0}, &t.skipped, "");
	for (size_t i = 0; i < t.lost.n; i++)
		buf_printf(&keys, "%s%s (%" PRIu64 ")", i ? ", " : "", t.lost.v[i].text,
			   t.lost.v[i].n);
	if (keys.n)
		msg_info("%s cannot say: %s", format->name, buf_cstr(&keys));
	if (!st)
		msg_info("%" PRIu64 " trajectories, %" PRIu64 " rows", t.records, t.rows);
	buf_free(&keys);
	to_free(&t);
	return st;
}

int main(int argc, char *argv[])
{
	static char *standard[] = {(char *)"-", NULL};
	const struct format *format = NULL;
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;
	char **files = i < argc ? argv + i : standard;

	if (list)
		return tool_finish(show_formats());
	st = wrong_options(&format);
	if (st)
		return tool_finish(st);
	if (from_name && isatty(STDOUT_FILENO))
		return tool_finish(tool_usage("records are not written to a terminal: use a pipe"));
	st = (from_name ? read_rows : write_rows)(format, files, &why);
	if (st)
		msg_reason(&why);
	request_free(&from_opts);
	chat_free(&chat);
	policy_free(&policy);
	return tool_finish(st);
}
