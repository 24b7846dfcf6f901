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
#include "stats/contrast.h"
#include "stats/passk.h"
#include "stats/tradeoff.h"
#include "stream/rec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KS = 100, MAX_LINE = 1 << 16 };

static bool json, problems, strict;
static double threshold = 0.5;
static int64_t bootstrap = 1000, seed;
static const char *k_list = "1,4,8,16,32", *reference, *validation;

static const struct opt opts[] = {
	{0, "reference", "VARIANT", OPT_STR, &reference, 0, 0,
	 "variant that differences are to (without: no differences)"},
	{0, "validation", "SET", OPT_STR, &validation, 0, 0,
	 "of a list by temperature: rows of each variant at the one that is best on this set"},
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
static struct evalset all;
static struct contrast how = {.all = &all, .ks = ks};
static size_t reference_id = (size_t)-1;  /* its number among the variants; -1: none is asked for */
static size_t validation_id = (size_t)-1; /* the same of the set */
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

/* The point of an evaluation, as the list has it: a step, or a temperature */
static int read_point(struct span field, int64_t *n, struct reason *why)
{
	char *text = xstrndup(field.n ? field.p : "", field.n);
	double t = 0;
	int st = 0;

	if (all.by_temperature && !num_f64(text, 0, 1e6, &t))
		st = fail(why, ST_INPUT, "temperature %s is no number from 0", text);
	else if (all.by_temperature)
		*n = llround(t * EVALSET_DEGREES);
	else if (!num_i64(text, 0, INT64_MAX, n))
		st = fail(why, ST_INPUT, "step %s is no whole number", text);
	free(text);
	return st;
}

/* One row of the list. Its file is named from where the list is: the first n_dir bytes of name. */
static int read_row(struct span line, const char *name, size_t n_dir, struct reason *why)
{
	struct span f[5] = {{0}}, file;
	char *path;
	struct eval *e;
	int64_t n = 0;
	int st;

	for (size_t i = 0; i < 5; i++)
		columns_field(&line, &f[i]);
	file = f[4];
	if (!file.n || line.n)
		return fail(why, ST_INPUT, "not five columns: set, variant, seed, %s, file",
			    all.by_temperature ? "temperature" : "step");
	st = read_point(f[3], &n, why);
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

static int read_title(struct span line, struct reason *why)
{
	static const char title[] = "set\tvariant\tseed\tstep\tfile";

	all.by_temperature = span_is(line, "set\tvariant\tseed\ttemperature\tfile");
	if (!all.by_temperature && !span_is(line, title))
		return fail(why, ST_INPUT, "the header is not \"%s\"", title);
	return 0;
}

static int read_list(const char *path, struct reason *why)
{
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
		else
			st = read_title(line, why);
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

/* ---- writing ---- */

/* A row of means; all zero: of the header */
struct line {
	struct span set, variant;
	const char *at; /* of a list by temperature: where on its curve the variant is */
	int64_t point;  /* step or temperature; -1: at no single one */
	size_t seeds, problems, metric;
	const char *name; /* of what is no metric; else NULL */
	struct result value, diff;
};

static void put_metric(const struct line *l)
{
	static const char *const names[] = {"avg@n", "entropy", "distinct", "forgetting"};
	const char *name = l->name ? l->name : l->metric < CONTRAST_PASS ? names[l->metric] : NULL;
	char pass[32];

	if (!name)
		snprintf(pass, sizeof pass, "pass@%" PRIu64, ks[l->metric - CONTRAST_PASS]);
	name = name ? name : pass;
	cells_text(&cells, "metric", (struct span){name, strlen(name)});
}

static void put_point(int64_t point)
{
	if (all.by_temperature)
		cells_number(&cells, "temperature",
			     point < 0 ? NAN : (double)point / EVALSET_DEGREES);
	else
		cells_place(&cells, "step", point);
}

static void put_line(const struct line *l)
{
	cells_text(&cells, "set", l->set);
	cells_text(&cells, "variant", l->variant);
	if (all.by_temperature)
		cells_text(&cells, "at", (struct span){l->at, l->at ? strlen(l->at) : 0});
	put_point(l->point);
	cells_count(&cells, "seeds", l->seeds);
	cells_count(&cells, "problems", l->problems);
	put_metric(l);
	cells_number(&cells, "value", l->value.value);
	cells_number(&cells, "low", l->value.low);
	cells_number(&cells, "high", l->value.high);
	cells_number(&cells, "diff", l->diff.value);
	cells_number(&cells, "diff_low", l->diff.low);
	cells_number(&cells, "diff_high", l->diff.high);
	cells_end(&cells);
}

/* Problems of the set that were judged in any of the block's evaluations */
static size_t judged(struct block b)
{
	size_t n = 0;

	for (size_t p = 0; p < contrast_problems(&how, b); p++) {
		bool any = false;

		for (size_t i = 0; i < b.n; i++)
			any |= eval_cell(&all.v[b.from + i], p).n > 0;
		n += any;
	}
	return n;
}

static struct line line_of(struct block b)
{
	const struct eval *e = &all.v[b.from];

	return (struct line){.set = names_get(&all.sets, e->set),
			     .variant = names_get(&all.variants, e->variant),
			     .point = e->step,
			     .seeds = b.n,
			     .problems = judged(b)};
}

/* A row for each metric of b; ref.n 0: without differences. l says the rest. */
static void put_metrics(struct block b, struct block ref, struct line l)
{
	const struct result none = {NAN, NAN, NAN};
	bool any = contrast_problems(&how, b) > 0;

	for (; l.metric < CONTRAST_PASS + how.n_ks; l.metric++) {
		if (l.metric == CONTRAST_FORGETTING && all.by_temperature)
			continue; /* of temperatures none is the earlier one */
		l.value = any ? contrast_mean(&how, b, l.metric) : none;
		l.diff = any && ref.n ? contrast_difference(&how, b, ref, l.metric) : none;
		put_line(&l);
	}
}

/* Each variant at each step, or temperature */
static void put_points(void)
{
	struct progress far = {"stream", 0, clock_now()};

	for (struct block b = {0}; b.from < all.n; b.from += b.n) {
		struct block ref = {0};
		const struct eval *e = &all.v[b.from];
		struct line l;

		b = contrast_block(&all, b.from);
		l = line_of(b);
		l.at = "temperature";
		if (e->variant != reference_id)
			ref = contrast_find(&all, e->set, reference_id, e->step);
		put_metrics(b, ref, l);
		progress(&far, b.from + b.n, all.n, "resampling");
	}
}

/* The block of the variant on the set, at its temperature that is best on validation problems */
static struct block best_of(size_t set, size_t variant, size_t metric)
{
	int64_t t = tradeoff_best(&how, validation_id, variant, metric);

	return t < 0 ? (struct block){0} : contrast_find(&all, set, variant, t);
}

/* Each variant at its own best temperature, to the reference at its own; not on the problems that
 * it was chosen on, where it looks better than it is */
static void put_best(const char *at, size_t metric)
{
	for (size_t set = 0; set < all.sets.n; set++)
		for (size_t v = 0; v < all.variants.n && set != validation_id; v++) {
			struct block b = best_of(set, v, metric), ref = {0};
			struct line l;

			if (!b.n)
				continue;
			if (v != reference_id && reference_id != (size_t)-1)
				ref = best_of(set, reference_id, metric);
			l = line_of(b);
			l.at = at;
			put_metrics(b, ref, l);
		}
}

static const struct {
	enum tradeoff_at what;
	const char *at, *name; /* NULL: pass@k */
} tradeoffs[] = {
	{TRADEOFF_FROM, "overlap", "from"},           {TRADEOFF_TO, "overlap", "to"},
	{TRADEOFF_AREA, "overlap", "area"},           {TRADEOFF_MEAN, "overlap", NULL},
	{TRADEOFF_EQUAL_AVG, "equal avg@n", "avg@n"}, {TRADEOFF_PASS, "equal avg@n", NULL},
	{TRADEOFF_EQUAL_PASS, "equal pass@k", NULL},  {TRADEOFF_AVG, "equal pass@k", "avg@n"},
};

static void put_tradeoff(size_t set, size_t variant)
{
	struct tradeoff t = tradeoff_compare(&how, set, variant, reference_id);
	struct line l = {.set = names_get(&all.sets, set),
			 .variant = names_get(&all.variants, variant),
			 .point = -1,
			 .seeds = t.seeds,
			 .problems = all.problems[set].n,
			 .metric = CONTRAST_PASS + t.k};

	for (size_t i = 0; i < sizeof tradeoffs / sizeof *tradeoffs && t.k < how.n_ks; i++) {
		l.at = tradeoffs[i].at;
		l.name = tradeoffs[i].name;
		l.value = t.value[tradeoffs[i].what];
		l.diff = t.diff[tradeoffs[i].what];
		put_line(&l);
	}
}

/* Curves over all temperatures, each to the reference's */
static void put_tradeoffs(void)
{
	for (size_t set = 0; set < all.sets.n; set++)
		for (size_t v = 0; v < all.variants.n; v++)
			if (v != reference_id)
				put_tradeoff(set, v);
}

/* The greatest k that is asked for, by its number */
static size_t most_attempts(void)
{
	size_t most = 0;

	for (size_t k = 1; k < how.n_ks; k++)
		most = ks[k] > ks[most] ? k : most;
	return most;
}

static void put_means(void)
{
	put_points();
	if (validation) {
		put_best("best avg@n", CONTRAST_AVG);
		put_best("best pass@k", CONTRAST_PASS + most_attempts());
	}
	if (all.by_temperature && reference)
		put_tradeoffs();
}

/* Of a problem; e NULL: the header's */
static void put_problem(const struct eval *e, size_t problem)
{
	const struct evalcell c = e ? eval_cell(e, problem) : (struct evalcell){0};
	const struct span no = {"", 0};

	cells_text(&cells, "set", e ? names_get(&all.sets, e->set) : no);
	cells_text(&cells, "variant", e ? names_get(&all.variants, e->variant) : no);
	cells_text(&cells, "seed", e ? names_get(&all.seeds, e->seed) : no);
	put_point(e ? e->step : 0);
	cells_text(&cells, "task", e ? names_get(&all.problems[e->set], problem) : no);
	cells_count(&cells, "n", c.n);
	cells_count(&cells, "correct", c.c);
	cells_count(&cells, "distinct", c.distinct);
	cells_number(&cells, "entropy",
		     e ? contrast_value(&how, e, problem, CONTRAST_ENTROPY) : NAN);
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

/* The number of what an option names; (size_t)-1 where it is not given */
static int number_of(const struct names *names, const char *name, const char *what, size_t *id,
		     struct reason *why)
{
	if (!name)
		return 0;
	*id = names_find(names, (struct span){name, strlen(name)});
	return *id == (size_t)-1 ? fail(why, ST_INPUT, "no %s %s in it", what, name) : 0;
}

static int run(const char *list, struct reason *why)
{
	int st = read_list(list, why);

	if (st)
		return st;
	st = number_of(&all.variants, reference, "variant", &reference_id, why);
	if (!st && validation && !all.by_temperature)
		st = fail(why, ST_INPUT, "--validation is about a list by temperature");
	if (!st)
		st = number_of(&all.sets, validation, "set", &validation_id, why);
	if (!st)
		st = check_problems(why);
	if (st)
		return fail_prefix(why, "%s", list);
	put_table();
	return 0;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st = 0;

	how.n_ks = passk_list(k_list, ks, MAX_KS);
	how.bootstrap = (size_t)bootstrap;
	how.seed = (uint64_t)seed;
	if (!how.n_ks)
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
	pigeonhole_free(&how.draws);
	buf_free(&table);
	return tool_finish(st);
}
