/* log-stat - training logs as curves over runs and seeds. See man/log-stat.1. */
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/tool.h"
#include "base/utf8.h"
#include "stats/curve.h"
#include "stats/logread.h"
#include "stream/columns.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEP 1e9 /* so that the steps of all iterations add up to an int64_t */

static bool each, breaks, sum, json;
static int64_t smooth = 1, last, bootstrap, seed, digits = -1;
static double scale = 1;
static const char *list = "reward", *by, *run_key, *form = "means";

static const struct opt opts[] = {
	{'c', "columns", "LIST", OPT_STR, &list, 0, 0, "numbers to show, as reward,correct:n"},
	{0, "by", "KEY", OPT_STR, &by, 0, 0, "a curve for each value of this key"},
	{0, "run", "KEY", OPT_STR, &run_key, 0, 0, "a run for each value of this key"},
	{0, "each", NULL, OPT_FLAG, &each, 0, 0, "each file is a run, not the next part of one"},
	{0, "smooth", "N", OPT_INT, &smooth, 1, 1e6,
	 "the mean of up to N steps of the iteration stands for the last of them"},
	{0, "scale", "X", OPT_NUM, &scale, 0, 0, "numbers are X times what the logs have"},
	{0, "table", "means|steps|totals", OPT_WORD, &form, 0, 0,
	 "means over runs at each step; each step of each run; one number a run"},
	{0, "last", "N", OPT_INT, &last, 0, MAX_STEP,
	 "totals are of the last N steps of each run; 0: of all"},
	{0, "sum", NULL, OPT_FLAG, &sum, 0, 0, "totals are sums, not means"},
	OPT__BOOTSTRAP(bootstrap),
	OPT__SEED(seed, "of the resampling"),
	{0, "digits", "N", OPT_INT, &digits, -1, 17,
	 "behind the point; -1: six significant ones, of steps all"},
	{0, "breaks", NULL, OPT_FLAG, &breaks, 0, 0, "an empty line where an iteration begins"},
	{0, "json", NULL, OPT_FLAG, &json, 0, 0, "one JSON object a line instead of a table"},
	{0}};
static const struct tool tool = {"log-stat", "[file ...]",
				 "Training logs as curves over runs and seeds.", opts};

/* A number to show: key over, or what it is divided by key under */
struct column {
	size_t over, under; /* under NONE: by nothing */
	bool met;           /* some row has it */
};
#define NONE SIZE_MAX

static struct names keys;    /* what is looked up in each row */
static struct names columns; /* as --columns names them */
static struct column *column;
static double *number; /* of a row: one a column */
static size_t group_key, name_key, iter_key, step_key, update_key;
static struct curves all;

/* ---- columns ---- */

static size_t key_id(const char *key)
{
	return names_id(&keys, (struct span){key, strlen(key)});
}

static void add_column(struct span name)
{
	size_t id = names_id(&columns, name), n = 0;

	while (n < name.n && name.p[n] != ':')
		n++;
	column = xgrow(column, columns.n, sizeof *column);
	column[id].over = names_id(&keys, (struct span){name.p, n});
	column[id].under = NONE;
	if (n < name.n)
		column[id].under = names_id(&keys, (struct span){name.p + n + 1, name.n - n - 1});
	column[id].met = false;
}

static int start_columns(void)
{
	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		size_t n = strcspn(p, ","), over = strcspn(p, ":,");

		if (!over || (over < n && over + 1 == n))
			return tool_usage("--columns: '%s' is no list as reward,correct:n", list);
		add_column((struct span){p, n});
	}
	number = xarray(columns.n, sizeof *number);
	iter_key = key_id("iter");
	step_key = key_id("step");
	update_key = key_id("update");
	group_key = by ? key_id(by) : NONE;
	name_key = run_key ? key_id(run_key) : NONE;
	return 0;
}

/* ---- rows ---- */

/* *to stays as it is where the row has none. */
static int whole(struct logread *l, size_t key, int64_t *to, struct reason *why)
{
	struct span name = names_get(&keys, key);

	if (!l->cell[key].n || num_i64(buf_cstr(&l->cell[key]), 0, (int64_t)MAX_STEP, to))
		return 0;
	return fail(why, ST_INPUT, "%.*s: %s is no whole number up to 10^9", (int)name.n, name.p,
		    buf_cstr(&l->cell[key]));
}

static int real(struct logread *l, size_t key, double *to, struct reason *why)
{
	struct span name = names_get(&keys, key);

	*to = NAN;
	if (!l->cell[key].n || num_f64(buf_cstr(&l->cell[key]), -DBL_MAX, DBL_MAX, to))
		return 0;
	return fail(why, ST_INPUT, "%.*s: %s is no number", (int)name.n, name.p,
		    buf_cstr(&l->cell[key]));
}

static int read_numbers(struct logread *l, struct reason *why)
{
	for (size_t i = 0; i < columns.n; i++) {
		double v, divisor = 1;
		int st = real(l, column[i].over, &v, why);

		if (!st && column[i].under != NONE)
			st = real(l, column[i].under, &divisor, why);
		if (st)
			return st;
		v = scale * v / divisor;
		number[i] = isfinite(v) ? v : NAN;
		column[i].met |= isfinite(v);
	}
	return 0;
}

static struct span text_of(const struct logread *l, size_t key, const char *without)
{
	if (key == NONE || !l->cell[key].n)
		return (struct span){without, strlen(without)};
	return (struct span){l->cell[key].p, l->cell[key].n};
}

/* Adds the row that was read, of file number log. */
static int add_row(struct logread *l, size_t log, struct reason *why)
{
	struct curve_row row = {.step = -1, .iter = -1, .log = log, .v = number};
	int st = whole(l, step_key, &row.step, why);

	if (!st && row.step < 0) {
		row.repeats = true;
		st = whole(l, update_key, &row.step, why);
	}
	if (!st && row.step < 0)
		st = fail(why, ST_INPUT, "neither step nor update");
	if (!st)
		st = whole(l, iter_key, &row.iter, why);
	if (!st)
		st = read_numbers(l, why);
	if (st)
		return fail_prefix(why, "%s:%zu", l->in.name, l->line);
	curve_add(&all, text_of(l, group_key, by ? "-" : "all"),
		  text_of(l, name_key, each ? l->in.name : "-"), &row);
	return 0;
}

static int read_log(const char *path, size_t log, struct reason *why)
{
	struct logread l;
	int st = logread_open(&l, path, &keys, why), got = 0;

	while (!st && (got = logread_next(&l, why)) > 0)
		st = add_row(&l, log, why);
	if (l.cut)
		msg_info("%s:%zu: the last line has no end: left out", l.in.name, l.line);
	logread_close(&l);
	return st ? st : got < 0 ? why->status : 0;
}

/* ---- writing ---- */

static struct buf table;
static bool any; /* the row has a cell already */

static void put_key(struct span key)
{
	if (json) {
		buf_char(&table, any ? ',' : '{');
		json_string_to(&table, key.p, key.n);
		buf_char(&table, ':');
	} else if (any) {
		buf_char(&table, '\t');
	}
	any = true;
}

static struct span word(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void put_text(struct span key, struct span s)
{
	struct buf plain = {0};

	put_key(key);
	if (!json || !utf8_valid(s.p, s.n)) /* other bytes are no JSON text */
		columns_escape(&plain, s.p, s.n);
	else
		buf_add(&plain, s.p, s.n);
	if (json)
		json_string_to(&table, plain.n ? plain.p : "", plain.n);
	else
		buf_add(&table, plain.p, plain.n);
	buf_free(&plain);
}

static void put_whole(const char *key, uint64_t n)
{
	put_key(word(key));
	buf_printf(&table, "%" PRIu64, n);
}

static void put_number(struct span key, double v, bool exact)
{
	char text[32];

	put_key(key);
	if (isnan(v))
		buf_str(&table, json ? "null" : "n/a");
	else if (digits >= 0)
		buf_printf(&table, "%.*f", (int)digits, v);
	else if (json || exact)
		buf_str(&table, num_text(v, text));
	else
		buf_printf(&table, "%.6g", v);
}

static void end_row(void)
{
	buf_str(&table, json ? "}\n" : "\n");
	any = false;
}

static void put_mean(size_t group, size_t c, const struct curve_mean *m)
{
	put_text(word("group"), names_get(&all.groups, group));
	put_text(word("column"), names_get(&columns, c));
	put_whole("step", (uint64_t)m->step);
	put_whole("runs", m->runs);
	put_number(word("value"), m->value, false);
	put_number(word("low"), m->low, false);
	put_number(word("high"), m->high, false);
	end_row();
}

static void put_curve(size_t group, size_t c)
{
	size_t n;
	struct curve_mean *means = curve_means(&all, group, c, &n);

	for (size_t i = 0; i < n; i++) {
		if (means[i].begins && breaks)
			buf_char(&table, '\n');
		put_mean(group, c, &means[i]);
	}
	free(means);
}

/* A row for each mean of each group and column, or one for its total */
static void put_means(void)
{
	bool totals = strcmp(form, "totals") == 0;

	if (!json)
		buf_str(&table, "group\tcolumn\tstep\truns\tvalue\tlow\thigh\n");
	for (size_t g = 0; g < all.groups.n; g++)
		for (size_t c = 0; c < columns.n; c++) {
			struct curve_mean m;

			if (!totals) {
				put_curve(g, c);
				continue;
			}
			m = curve_total(&all, g, c, last, sum);
			put_mean(g, c, &m);
		}
}

static void put_steps_header(void)
{
	if (by)
		put_text(word(""), word(by));
	if (run_key || each)
		put_text(word(""), word(each ? "file" : run_key));
	put_text(word(""), word("step"));
	for (size_t c = 0; c < columns.n; c++)
		put_text(word(""), names_get(&columns, c));
	put_text(word(""), word("iter"));
	end_row();
}

static void put_step(const struct curve_run *r, size_t row)
{
	if (by)
		put_text(word(by), names_get(&all.groups, r->group));
	if (run_key || each)
		put_text(word(each ? "file" : run_key), names_get(&all.names, r->name));
	put_whole("step", (uint64_t)r->at[row].step);
	for (size_t c = 0; c < columns.n; c++)
		put_number(names_get(&columns, c), r->v[row * columns.n + c], true);
	put_whole("iter", r->at[row].iter);
	end_row();
}

static void put_steps(void)
{
	if (!json)
		put_steps_header();
	for (size_t i = 0; i < all.pairs.n; i++)
		for (size_t row = 0; row < all.run[i].n; row++)
			put_step(&all.run[i], row);
}

/* ---- the tool ---- */

static int start(void)
{
	if (each && run_key)
		return tool_usage("--each and --run: one of them says what a run is");
	if ((last || sum) && strcmp(form, "totals") != 0)
		return tool_usage("--last and --sum are of --table totals");
	if (breaks && (json || strcmp(form, "means") != 0))
		return tool_usage("--breaks is of --table means, and not of --json");
	all.smooth = (size_t)smooth;
	all.bootstrap = (size_t)bootstrap;
	all.seed = (uint64_t)seed;
	return start_columns();
}

static int read_logs(int n, char *path[], struct reason *why)
{
	int st = 0;

	all.columns = columns.n;
	if (!n)
		return read_log("-", 0, why);
	for (int i = 0; !st && i < n; i++)
		st = read_log(path[i], (size_t)i, why);
	return st;
}

static void notes(void)
{
	for (size_t c = 0; c < columns.n; c++) {
		struct span name = names_get(&columns, c);

		if (!column[c].met)
			msg_info("no row has a number %.*s", (int)name.n, name.p);
	}
}

static void free_all(void)
{
	free(column);
	free(number);
	names_free(&columns);
	names_free(&keys);
	curve_free(&all);
	buf_free(&table);
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = start();
	struct reason why = {0};

	if (!st) {
		st = read_logs(argc - i, argv + i, &why);
		if (st)
			msg_reason(&why);
	}
	if (!st) {
		notes();
		(strcmp(form, "steps") == 0 ? put_steps : put_means)();
		out_write(out_stdout(), table.p, table.n);
	}
	free_all();
	return tool_finish(st);
}
