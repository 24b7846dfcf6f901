/* traj-stat - what happened at each step of a run. See man/traj-stat.1. */
#include "base/mem.h"
#include "base/tool.h"
#include "stream/trajscan.h"
#include "stats/cells.h"
#include "stats/runstat.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool json, strict;
static double threshold = 0.5;
static int64_t window, ngram = 4, first_iter = -1;
static const char *by = "step", *gram = "char";

static const struct opt opts[] = {
	{0, "by", "KEY", OPT_STR, &by, 0, 0,
	 "a row for each value of this key; step: of iteration and step"},
	OPT__THRESHOLD(threshold),
	{0, "window", "N", OPT_INT, &window, 0, 1e9,
	 "rows back that count for forgetting; 0: all before"},
	{0, "ngram", "N", OPT_INT, &ngram, 0, 1000,
	 "length of the n-grams compared; 0: do not compare"},
	{0, "gram", "char|token", OPT_WORD, &gram, 0, 0, "what the n-grams are made of"},
	{0, "iter", "N", OPT_INT, &first_iter, -1, 1e9,
	 "the inputs are iterations N, N+1 ...; -1: as recorded"},
	{0, "json", NULL, OPT_FLAG, &json, 0, 0, "one JSON object a line instead of a table"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"traj-stat", "[file ...]",
				 "A table of what happened at each step of a run.", opts};

static struct runstat run;
static struct buf table;
static struct cells cells = {.to = &table, .form = CELLS_TABLE};
static bool by_step, any;          /* any: a row is open */
static int64_t now_iter, now_step; /* its place, of --by step */
static struct names values;        /* of --by KEY; the open row's is the last */
static struct buf scratch;
static uint64_t relabelled; /* left out: they were sampled for other problems */

/* ---- the table ---- */

/* An iteration or a step */
static void put_place(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_char(b, '-');
	else
		buf_printf(b, "%" PRId64, n);
}

static void put_row(const struct runstat_row *r, struct span value)
{
	if (by_step) {
		cells_place(&cells, "iter", now_iter);
		cells_place(&cells, "step", now_step);
	} else {
		cells_text(&cells, json ? "group" : by, value);
	}
	cells_count(&cells, "trajectories", r->trajectories);
	cells_count(&cells, "graded", r->graded);
	cells_count(&cells, "failed", r->failed);
	cells_count(&cells, "tasks", r->tasks);
	cells_count(&cells, "solved", r->solved);
	cells_count(&cells, "ever", r->ever);
	cells_number(&cells, "reward", r->reward);
	cells_number(&cells, "accuracy", r->accuracy);
	cells_number(&cells, "entropy", r->entropy);
	cells_number(&cells, "tokens", r->tokens);
	cells_number(&cells, "cut", r->cut);
	cells_number(&cells, "distinct", r->distinct);
	cells_number(&cells, "forgetting", r->forgetting);
	cells_number(&cells, "similarity", r->similarity);
	cells_end(&cells);
}

static void put_header(void)
{
	const struct runstat_row none = {0};

	if (json) {
		cells.form = CELLS_JSON;
		return;
	}
	cells.form = CELLS_HEADER;
	put_row(&none, (struct span){"", 0});
	cells.form = CELLS_TABLE;
}

static void close_row(void)
{
	struct runstat_row r;

	if (!any)
		return;
	any = false;
	runstat_close(&run, &r);
	put_row(&r, by_step ? (struct span){"", 0} : names_get(&values, values.n - 1));
}

/* ---- which row ---- */

static void put_clock(struct buf *b, int64_t iter, int64_t step)
{
	buf_str(b, "iteration ");
	put_place(b, iter);
	buf_str(b, " step ");
	put_place(b, step);
}

static int place_by_step(const struct traj *t, int64_t iter, const struct rec *r, const char *name,
			 struct reason *why)
{
	if (iter < 0)
		iter = t->iter;
	if (any && (iter < now_iter || (iter == now_iter && t->step < now_step))) {
		put_clock(&scratch, iter, t->step);
		buf_str(&scratch, " comes after ");
		put_clock(&scratch, now_iter, now_step);
		return rec_fail(why, name, r, "%s: inputs must be in the order of one run",
				buf_cstr(&scratch));
	}
	if (any && iter == now_iter && t->step == now_step)
		return 0;
	close_row();
	now_iter = iter;
	now_step = t->step;
	return 0;
}

static int place_by_key(const struct rec *r, const char *name, struct reason *why)
{
	size_t n = values.n, id;

	buf_reset(&scratch);
	if (!trajscan_text(&scratch, trajscan_path(r->map, by)))
		buf_char(&scratch, '-');
	if (any && span_eq(names_get(&values, n - 1), (struct span){scratch.p, scratch.n}))
		return 0;
	close_row();
	id = names_id(&values, (struct span){scratch.p, scratch.n});
	if (id < n)
		return rec_fail(why, name, r, "%s %.*s comes again after other values", by,
				(int)scratch.n, scratch.p);
	return 0;
}

static int add(const struct rec *r, int64_t iter, const char *name, struct reason *why)
{
	struct traj t;
	int st;

	if (!r->is_traj)
		return 0;
	st = trajscan(&t, r, name, why);
	if (!st && t.relabelled.p) {
		relabelled++;
		return 0;
	}
	if (!st)
		st = by_step ? place_by_step(&t, iter, r, name, why) : place_by_key(r, name, why);
	if (st)
		return st;
	any = true;
	if (runstat_add(&run, &t, r->map, why)) {
		struct reason inner = *why;

		return rec_fail(why, name, r, "%s", inner.text);
	}
	return 0;
}

static int read_run(const char *path, int64_t iter, struct reason *why)
{
	struct rec_in *in = rec_open(path, strict ? REC_STRICT : 0, why);
	struct rec r;
	int got = -1, st = 0;

	if (!in)
		return why->status;
	while (!st && (got = rec_next(in, &r, why)) > 0)
		st = add(&r, iter, rec_name(in), why);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

int main(int argc, char *argv[])
{
	int from = tool_start(&tool, argc, argv), st = 0;
	struct reason why = {0};

	by_step = strcmp(by, "step") == 0;
	run.threshold = threshold;
	run.window = (uint64_t)window;
	run.ngram = (size_t)ngram;
	run.by_token = strcmp(gram, "token") == 0;
	put_header();
	if (from == argc)
		st = read_run("-", first_iter, &why);
	for (int i = from; !st && i < argc; i++)
		st = read_run(argv[i], first_iter < 0 ? -1 : first_iter + i - from, &why);
	if (st) {
		msg_reason(&why);
	} else {
		close_row();
		out_write(out_stdout(), table.p, table.n);
		if (relabelled)
			msg_info("%" PRIu64 " relabelled trajectories left out", relabelled);
	}
	runstat_free(&run);
	names_free(&values);
	buf_free(&scratch);
	buf_free(&table);
	return tool_finish(st);
}
