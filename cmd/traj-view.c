/* traj-view - trajectories to read: a page for a browser, or text for a pager. See man/traj-view.1.
 */
#include "base/dir.h"
#include "base/file.h"
#include "base/tool.h"
#include "policy/policy.h"
#include "stream/reservoir.h"
#include "stream/trajscan.h"
#include "view/page.h"
#include "view/paragraph.h"

#include <string.h>
#include <unistd.h>

enum { ON_A_PAGE = 1000 };

static const char *out_path, *policy_dir, *color = "auto";
static int64_t sample = -1, seed;
static double threshold = 0.5;
static bool text, strict, partial;

static const struct opt opts[] = {
	{'o', "output", "FILE", OPT_STR, &out_path, 0, 0,
	 "write there, whole or not at all, not to standard output"},
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0,
	 "policy whose tokenizer tells which token wrote what"},
	{0, "sample", "N", OPT_INT, &sample, -1, 1e9,
	 "show a random N of the trajectories; 0: all; -1: 1000 on a page, all as text"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "of --sample"},
	OPT__THRESHOLD(threshold),
	{0, "text", NULL, OPT_FLAG, &text, 0, 0, "a paragraph for each, for a pager, not a page"},
	{0, "color", "auto|always|never", OPT_WORD, &color, 0, 0,
	 "colours in the text; auto: on a terminal"},
	OPT__STRICT(strict),
	{0, "partial", NULL, OPT_FLAG, &partial, 0, 0,
	 "take what is whole of a stream that was cut off"},
	{0}};
static const struct tool tool = {"traj-view", "[file ...]",
				 "Shows trajectories as a page for a browser, or as text.", opts};

static struct page page;
static struct policy policy;
static struct reservoir store; /* those that are shown, unless they can be written at once */
static struct entry entry;
static struct buf scratch;
static struct newdir dir; /* of -o */
static struct out file, *out;
static bool in_color;

/* ---- writing ---- */

static void flush_scratch(void)
{
	out_write(out, scratch.p, scratch.n);
	buf_reset(&scratch);
}

static void put_entry(void)
{
	if (text)
		paragraph_put(&scratch, &entry, in_color);
	else
		page_put(&scratch, &page, &entry);
	flush_scratch();
}

/* What was kept has been read before: it is sound. */
static int put_kept(const struct kept *k, struct reason *why)
{
	struct rec r = {.map = {(const uint8_t *)k->p, k->n}, .is_traj = true, .index = k->seq + 1};
	int st = entry_read(&entry, &r, "sample", policy.tok, why);

	if (st)
		return st;
	entry.number = k->seq + 1;
	put_entry();
	return 0;
}

static int put_all(struct reason *why)
{
	int st = 0;

	reservoir_sort(&store);
	page.shown = store.n;
	if (!text)
		page_begin(&scratch, &page);
	for (size_t i = 0; !st && i < store.n; i++)
		st = put_kept(&store.v[i], why);
	if (!text)
		page_end(&scratch);
	flush_scratch();
	return st;
}

/* ---- reading ---- */

static bool at_once(void)
{
	return text && sample <= 0;
}

static void note(const struct traj *t)
{
	page.total++;
	if (trajscan_graded(t)) {
		page.graded++;
		page.reward += t->reward;
	} else if (t->verdict.p && !span_is(t->verdict, "ok")) {
		page.failed++;
	}
}

static int add_record(const struct rec *r, const char *name, struct reason *why)
{
	int st;

	if (!r->is_traj) {
		page.others++;
		return 0;
	}
	/* (whose token wrote what is asked of those that are shown) */
	st = entry_read(&entry, r, name, at_once() ? policy.tok : NULL, why);
	if (st)
		return st;
	note(&entry.t);
	if (!at_once()) {
		reservoir_add(&store, 0, (struct span){"", 0},
			      (struct span){(const char *)r->map.p, r->map.n});
		return 0;
	}
	entry.number = page.total;
	put_entry();
	return 0;
}

static int read_stream(const char *path, struct reason *why)
{
	unsigned flags = (strict ? REC_STRICT : 0) | (partial ? REC_PARTIAL : 0);
	int got = -1, st = file_not_stdout(path, why);
	struct rec_in *in;
	struct rec r;

	if (st)
		return st;
	in = rec_open(path, flags, why);
	if (!in)
		return why->status;
	if (at_once())
		rec_tie(in, out);
	while (!st && (got = rec_next(in, &r, why)) > 0)
		st = add_record(&r, rec_name(in), why);
	if (rec_was_cut(in)) {
		page.cut = true;
		msg_warn("%s: it was cut off: what is shown is not all of it", rec_name(in));
	}
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

/* ---- where it goes ---- */

static const char inside[] = "page";

static int open_output(struct reason *why)
{
	int st;

	out = out_path ? &file : out_stdout();
	in_color = strcmp(color, "always") == 0 ||
		   (strcmp(color, "auto") == 0 && !out_path && isatty(STDOUT_FILENO));
	if (!out_path)
		return 0;
	st = newdir_begin(&dir, out_path, why);
	return st ? st : newdir_open(&dir, inside, &file, why);
}

static int close_output(int st, struct reason *why)
{
	int done = 0;

	if (out == &file && file.name)
		done = newdir_done(&file, st ? NULL : why);
	st = st ? st : done;
	if (!st && out_path)
		st = newdir_commit_file(&dir, inside, why);
	newdir_abort(&dir);
	return st;
}

static int wrong_options(void)
{
	if (!text && strcmp(color, "auto") != 0)
		return tool_usage("--color goes with --text");
	if (!text && !out_path && isatty(STDOUT_FILENO))
		return tool_usage("a page is not written to a terminal: -o page.html, or --text");
	return 0;
}

static int view(char *const *files, size_t n, struct reason *why)
{
	int st = policy_dir ? policy_load_texts(&policy, policy_dir, why) : 0;

	page.files = (const char *const *)files;
	page.n = n;
	page.seed = (uint64_t)seed;
	page.threshold = threshold;
	store.cap = sample < 0 ? ON_A_PAGE : (uint64_t)sample;
	store.seed = (uint64_t)seed;
	if (!st)
		st = open_output(why);
	for (size_t i = 0; !st && i < n; i++)
		st = read_stream(files[i], why);
	if (!st && !at_once())
		st = put_all(why);
	return close_output(st, why);
}

int main(int argc, char *argv[])
{
	static char *standard[] = {"-"};
	int i = tool_start(&tool, argc, argv), n = argc - i, st = wrong_options();
	struct reason why = {0};

	if (st)
		return tool_finish(st);
	st = view(n ? argv + i : standard, n ? (size_t)n : 1, &why);
	if (st)
		msg_reason(&why);
	entry_free(&entry);
	reservoir_free(&store);
	buf_free(&scratch);
	policy_free(&policy);
	return tool_finish(st);
}
