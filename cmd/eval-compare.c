/* eval-compare - evaluations of several variants, seeds and points, compared. See
 * man/eval-compare.1. */
#include "base/io.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/tool.h"
#include "stream/columns.h"
#include "stats/cells.h"
#include "stats/pigeonhole.h"
#include "stats/evalset.h"
#include "stats/passk.h"
#include "stream/rec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KS = 100, MAX_LINE = 1 << 16 };
enum { AVG, ENTROPY, DISTINCT, FORGETTING, PASS }; /* PASS + i: of ks[i] */

static bool json, problems, strict;
static double threshold = 0.5;
static int64_t bootstrap = 1000, seed;
static const char *k_list = "1,4,8,16,32", *reference;

static const struct opt opts[] = {
	{0, "reference", "VARIANT", OPT_STR, &reference, 0, 0,
	 "variant that differences are to (without: no differences)"},
	{'k', "k", "LIST", OPT_STR, &k_list, 0, 0, "numbers of attempts"},
	OPT__THRESHOLD(threshold),
	OPT__BOOTSTRAP(bootstrap),
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "of the resampling"},
	{0, "problems", NULL, OPT_FLAG, &problems, 0, 0,
	 "a row for each problem of each evaluation instead"},
	{0, "json", NULL, OPT_FLAG, &json, 0, 0, "one JSON object a line instead of a table"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {
	"eval-compare", "[list]",
	"Evaluations of several variants, seeds and points of training, compared.", opts};

static uint64_t ks[MAX_KS];
static size_t n_ks;
static struct evalset all;
static size_t reference_id = (size_t)-1; /* its number among the variants; -1: none is asked for */
static struct pigeonhole draws;
static struct buf table;
static struct cells cells = {.to = &table};

/* ---- reading ---- */

static void notes(const struct eval *e, const char *path)
{
	if (e->ungraded)
		msg_info("%s: %" PRIu64 " trajectories without a reward left out, %" PRIu64
			 " of them with a failed verifier",
			 path, e->ungraded, e->failed);
	if (e->relabelled)
		msg_info("%s: %" PRIu64 " relabelled trajectories left out", path, e->relabelled);
}

/* One row of the list. Its file is named from where the list is: the first n_dir bytes of name. */
static int read_row(struct span line, const char *name, size_t n_dir, struct reason *why)
{
	struct span f[5] = {{0}}, file;
	char *step, *path;
	struct eval *e;
	int64_t n = 0;
	int st = 0;

	for (size_t i = 0; i < 5; i++)
		columns_field(&line, &f[i]);
	file = f[4];
	step = xstrndup(f[3].n ? f[3].p : "", f[3].n);
	if (!file.n || line.n)
		st = fail(why, ST_INPUT, "not five columns: set, variant, seed, step, file");
	else if (!num_i64(step, 0, INT64_MAX, &n))
		st = fail(why, ST_INPUT, "step %s is no whole number", step);
	free(step);
	if (st)
		return st;
	if (file.p[0] == '/')
		n_dir = 0;
	path = xasprintf("%.*s%.*s", (int)n_dir, name, (int)file.n, file.p);
	e = evalset_add(&all, f[0], f[1], f[2], n);
	st = evalset_read(&all, e, path, strict ? REC_STRICT : 0, threshold, why);
	if (!st)
		notes(e, path);
	free(path);
	return st;
}

static int read_list(const char *path, struct reason *why)
{
	static const char title[] = "set\tvariant\tseed\tstep\tfile";
	const char *slash = strrchr(path, '/');
	struct span line;
	struct in in;
	int st = in_open(&in, path, why), got = -1;
	size_t n = 0;

	if (st)
		return st;
	while (!st && (got = in_line(&in, MAX_LINE, &line, why)) > 0) {
		line.n -= line.n && line.p[line.n - 1] == '\r';
		if (n++)
			st = read_row(line, path, slash ? (size_t)(slash - path) + 1 : 0, why);
		else if (!span_is(line, title))
			st = fail(why, ST_INPUT, "the header is not \"%s\"", title);
		if (st)
			fail_prefix(why, "%s: line %zu", in.name, n);
	}
	if (!st && got < 0)
		st = why->status;
	if (!st && !n)
		st = fail(why, ST_INPUT, "%s: empty: not even a header", in.name);
	if (!st && evalset_sort(&all, why))
		st = fail_prefix(why, "%s", in.name);
	in_close(&in);
	return st;
}

/* ---- reckoning ---- */

/* The evaluations of one variant at one step: all.v[from .. from + n), one a seed */
struct block {
	size_t from, n;
};

static struct block block_at(size_t from)
{
	struct block b = {from, 1};
	const struct eval *e = &all.v[from];

	while (from + b.n < all.n && e[b.n].set == e->set && e[b.n].variant == e->variant &&
	       e[b.n].step == e->step)
		b.n++;
	return b;
}

/* The reference's block at the same set and step; n 0: there is none. */
static struct block reference_of(struct block b)
{
	if (all.v[b.from].variant == reference_id)
		return (struct block){0};
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].set == all.v[b.from].set && all.v[i].variant == reference_id &&
		    all.v[i].step == all.v[b.from].step)
			return block_at(i);
	return (struct block){0};
}

/* NaN: the problem has no such value. */
static double value(const struct eval *e, size_t problem, size_t metric)
{
	struct evalcell c = eval_cell(e, problem);

	if (metric == ENTROPY)
		return c.n_entropy ? c.entropy / (double)c.n_entropy : NAN;
	if (!c.n)
		return NAN;
	if (metric == AVG)
		return (double)c.c / (double)c.n;
	if (metric == DISTINCT)
		return (double)c.distinct;
	if (metric == FORGETTING)
		return evalset_earlier(&all, e, problem) ? c.c == 0 : NAN;
	return passk(c.n, c.c, ks[metric - PASS]);
}

/* pass@k exists if each problem that was judged has k samples. */
static bool exists(struct block b, size_t cols, size_t metric)
{
	for (size_t i = 0; i < b.n && metric >= PASS; i++)
		for (size_t p = 0; p < cols; p++) {
			uint64_t n = eval_cell(&all.v[b.from + i], p).n;

			if (n && n < ks[metric - PASS])
				return false;
		}
	return true;
}

/* The evaluation of b whose seed is that of e; NULL: there is none. */
static const struct eval *fellow(struct block b, const struct eval *e)
{
	for (size_t i = 0; i < b.n; i++)
		if (all.v[b.from + i].seed == e->seed)
			return &all.v[b.from + i];
	return NULL;
}

/* Values (rows, cols) of those seeds of b that with has too (with.n 0: of all); their number. */
static size_t gather(struct block b, struct block with, size_t cols, size_t metric, double *v)
{
	bool there = exists(b, cols, metric);
	size_t rows = 0;

	for (size_t i = 0; i < b.n; i++) {
		const struct eval *e = &all.v[b.from + i];
		bool common = !with.n || fellow(with, e);

		for (size_t p = 0; p < cols && common; p++)
			v[rows * cols + p] = there ? value(e, p, metric) : NAN;
		rows += common;
	}
	return rows;
}

struct result {
	double value, low, high;
};

/* Of the mean over all seeds and problems of b */
static struct result mean_of(struct block b, size_t cols, size_t metric)
{
	double *v = xarray(b.n * cols + 1, sizeof *v);
	double *mean = xarray((size_t)bootstrap + 1, sizeof *mean);
	size_t rows = gather(b, (struct block){0}, cols, metric, v);
	struct result r = {.value = pigeonhole_mean(v, rows * cols)};

	pigeonhole_draw(&draws, rows, cols, (size_t)bootstrap, (uint64_t)seed);
	pigeonhole_means(&draws, v, mean);
	pigeonhole_interval(mean, (size_t)bootstrap, &r.low, &r.high);
	free(v);
	free(mean);
	return r;
}

static bool is_measured(struct evalcell c, size_t metric)
{
	return metric == ENTROPY ? c.n_entropy > 0 : c.n > 0;
}

/* Of the values that gather made of both, NaN where one evaluation measured the problem and its
 * fellow did not: a difference of different problems says nothing. */
static void pair(struct block b, struct block ref, size_t cols, size_t metric, double *v, double *w)
{
	size_t row = 0;

	for (size_t i = 0; i < b.n; i++) {
		const struct eval *e = &all.v[b.from + i], *r = fellow(ref, e);

		for (size_t p = 0; p < cols && r; p++)
			if (is_measured(eval_cell(e, p), metric) !=
			    is_measured(eval_cell(r, p), metric))
				v[row * cols + p] = w[row * cols + p] = NAN;
		row += r != NULL;
	}
}

/* Of b's mean minus ref's, over the seeds and problems that both have, under the same draws */
static struct result difference(struct block b, struct block ref, size_t cols, size_t metric)
{
	double *v = xarray(b.n * cols + 1, sizeof *v), *w = xarray(ref.n * cols + 1, sizeof *w);
	double *mean = xarray((size_t)bootstrap + 1, sizeof *mean);
	double *minus = xarray((size_t)bootstrap + 1, sizeof *minus);
	size_t rows = gather(b, ref, cols, metric, v);
	struct result r;

	gather(ref, b, cols, metric, w);
	pair(b, ref, cols, metric, v, w);
	r.value = pigeonhole_mean(v, rows * cols) - pigeonhole_mean(w, rows * cols);
	pigeonhole_draw(&draws, rows, cols, (size_t)bootstrap, (uint64_t)seed);
	pigeonhole_means(&draws, v, mean);
	pigeonhole_means(&draws, w, minus);
	for (size_t i = 0; i < (size_t)bootstrap; i++)
		mean[i] -= minus[i];
	pigeonhole_interval(mean, (size_t)bootstrap, &r.low, &r.high);
	free(v);
	free(w);
	free(mean);
	free(minus);
	return r;
}

/* ---- writing ---- */

/* A row of means; all zero: of the header */
struct line {
	struct span set, variant;
	int64_t step;
	size_t seeds, problems, metric;
	struct result value, diff;
};

static void put_metric(size_t metric)
{
	static const char *const names[] = {"avg@n", "entropy", "distinct", "forgetting"};
	char pass[32];
	int n = 0;

	if (metric >= PASS)
		n = snprintf(pass, sizeof pass, "pass@%" PRIu64, ks[metric - PASS]);
	cells_text(&cells, "metric",
		   n ? (struct span){pass, (size_t)n}
		     : (struct span){names[metric], strlen(names[metric])});
}

static void put_line(const struct line *l)
{
	cells_text(&cells, "set", l->set);
	cells_text(&cells, "variant", l->variant);
	cells_place(&cells, "step", l->step);
	cells_count(&cells, "seeds", l->seeds);
	cells_count(&cells, "problems", l->problems);
	put_metric(l->metric);
	cells_number(&cells, "value", l->value.value);
	cells_number(&cells, "low", l->value.low);
	cells_number(&cells, "high", l->value.high);
	cells_number(&cells, "diff", l->diff.value);
	cells_number(&cells, "diff_low", l->diff.low);
	cells_number(&cells, "diff_high", l->diff.high);
	cells_end(&cells);
}

/* Problems of the set that were judged in any of the block's evaluations */
static size_t judged(struct block b, size_t cols)
{
	size_t n = 0;

	for (size_t p = 0; p < cols; p++) {
		bool any = false;

		for (size_t i = 0; i < b.n; i++)
			any |= eval_cell(&all.v[b.from + i], p).n > 0;
		n += any;
	}
	return n;
}

static void put_block(struct block b)
{
	const struct result none = {NAN, NAN, NAN};
	const struct eval *e = &all.v[b.from];
	size_t cols = all.problems[e->set].n;
	struct block ref = reference_of(b);
	struct line l = {.set = names_get(&all.sets, e->set),
			 .variant = names_get(&all.variants, e->variant),
			 .step = e->step,
			 .seeds = b.n,
			 .problems = judged(b, cols)};

	for (; l.metric < PASS + n_ks; l.metric++) {
		l.value = cols ? mean_of(b, cols, l.metric) : none;
		l.diff = ref.n && cols ? difference(b, ref, cols, l.metric) : none;
		put_line(&l);
	}
}

static void put_means(void)
{
	struct progress far = {"stream", 0, clock_now()};

	for (struct block b = {0}; b.from < all.n; b.from += b.n) {
		b = block_at(b.from);
		put_block(b);
		progress(&far, b.from + b.n, all.n, "resampling");
	}
}

/* Of a problem; e NULL: the header's */
static void put_problem(const struct eval *e, size_t problem)
{
	const struct evalcell c = e ? eval_cell(e, problem) : (struct evalcell){0};
	const struct span no = {"", 0};

	cells_text(&cells, "set", e ? names_get(&all.sets, e->set) : no);
	cells_text(&cells, "variant", e ? names_get(&all.variants, e->variant) : no);
	cells_text(&cells, "seed", e ? names_get(&all.seeds, e->seed) : no);
	cells_place(&cells, "step", e ? e->step : 0);
	cells_text(&cells, "task", e ? names_get(&all.problems[e->set], problem) : no);
	cells_count(&cells, "n", c.n);
	cells_count(&cells, "correct", c.c);
	cells_count(&cells, "distinct", c.distinct);
	cells_number(&cells, "entropy", e ? value(e, problem, ENTROPY) : NAN);
	cells_end(&cells);
}

static void put_problems(void)
{
	for (size_t i = 0; i < all.n; i++)
		for (size_t p = 0; p < all.problems[all.v[i].set].n; p++)
			put_problem(&all.v[i], p);
}

static void put_table(void)
{
	cells.form = json ? CELLS_JSON : CELLS_HEADER;
	if (!json && problems)
		put_problem(NULL, 0);
	else if (!json)
		put_line(&(struct line){0});
	if (!json)
		cells.form = CELLS_TABLE;
	(problems ? put_problems : put_means)();
	out_write(out_stdout(), table.p, table.n);
}

/* The evaluations of a set should be of the same problems. */
static int check_problems(struct reason *why)
{
	for (size_t set = 0; set < all.sets.n; set++) {
		size_t n = all.problems[set].n, common = evalset_common(&all, set);
		struct span name = names_get(&all.sets, set);

		if (n && !common)
			return fail(why, ST_INPUT,
				    "set %.*s: its evaluations have no problem in common: name "
				    "different sets differently",
				    (int)name.n, name.p);
		if (common < n)
			msg_warn("set %.*s: only %zu of its %zu problems are in all of its "
				 "evaluations; differences are over those that both sides have",
				 (int)name.n, name.p, common, n);
	}
	return 0;
}

static int run(const char *list, struct reason *why)
{
	int st = read_list(list, why);

	if (st)
		return st;
	if (reference) {
		reference_id =
			names_find(&all.variants, (struct span){reference, strlen(reference)});
		if (reference_id == (size_t)-1)
			return fail(why, ST_INPUT, "%s: no variant %s in it", list, reference);
	}
	if (check_problems(why))
		return fail_prefix(why, "%s", list);
	put_table();
	return 0;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st = 0;

	n_ks = passk_list(k_list, ks, MAX_KS);
	if (!n_ks)
		st = tool_usage("--k: '%s' is not up to %d different numbers from 1, as 1,4,32",
				k_list, MAX_KS);
	else if (argc - i > 1)
		st = tool_usage("one list is read, not %d", argc - i);
	else {
		st = run(i < argc ? argv[i] : "-", &why);
		if (st)
			msg_reason(&why);
	}
	evalset_free(&all);
	pigeonhole_free(&draws);
	buf_free(&table);
	return tool_finish(st);
}
