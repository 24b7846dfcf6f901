/* traj-stat - what happened at each step of a run. See man/traj-stat.1. */
#include "base/mem.h"
#include "base/tool.h"
#include "stream/columns.h"
#include "stream/trajscan.h"
#include "stats/runstat.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool strict;
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
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"traj-stat", "[file ...]",
				 "A table of what happened at each step of a run.", opts};

static struct runstat run;
static struct buf table;
static bool by_step, any;          /* any: a row is open */
static int64_t now_iter, now_step; /* its place, of --by step */
static struct names values;        /* of --by KEY; the open row's is the last */
static struct buf scratch;

/* ---- the table ---- */

static void put_count(uint64_t n)
{
	buf_printf(&table, "\t%" PRIu64, n);
}

static void put_mean(double v)
{
	if (isnan(v))
		buf_str(&table, "\tn/a");
	else
		buf_printf(&table, "\t%.6g", v);
}

/* An iteration or a step */
static void put_place(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_char(b, '-');
	else
		buf_printf(b, "%" PRId64, n);
}

static void put_header(void)
{
	if (by_step)
		buf_str(&table, "iter\tstep");
	else
		columns_escape(&table, by, strlen(by));
	buf_str(&table, "\ttrajectories\tgraded\tfailed\ttasks\tsolved\tever\treward\taccuracy\t"
			"entropy\ttokens\tcut\tdistinct\tforgetting\tsimilarity\n");
}

static void close_row(void)
{
	struct runstat_row r;

	if (!any)
		return;
	any = false;
	runstat_close(&run, &r);
	if (by_step) {
		put_place(&table, now_iter);
		buf_char(&table, '\t');
		put_place(&table, now_step);
	} else {
		struct span value = names_get(&values, values.n - 1);

		columns_escape(&table, value.p, value.n);
	}
	put_count(r.trajectories);
	put_count(r.graded);
	put_count(r.failed);
	put_count(r.tasks);
	put_count(r.solved);
	put_count(r.ever);
	put_mean(r.reward);
	put_mean(r.accuracy);
	put_mean(r.entropy);
	put_mean(r.tokens);
	put_mean(r.cut);
	put_mean(r.distinct);
	put_mean(r.forgetting);
	put_mean(r.similarity);
	buf_char(&table, '\n');
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
	}
	runstat_free(&run);
	names_free(&values);
	buf_free(&scratch);
	buf_free(&table);
	return tool_finish(st);
}
