/* pass-at-k - pass@k and avg@n of evaluation streams. See man/pass-at-k.1. */
#include "base/mem.h"
#include "base/num.h"
#include "base/tool.h"
#include "stats/cells.h"
#include "stats/measure.h"
#include "stats/passk.h"
#include "stats/problems.h"
#include "stream/rec.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KS = 99, MAX_TAUS = 20 };

static bool json, strict, per_problem;
static double threshold = 0.5;
static int64_t bootstrap = 1000, seed;
static const char *k_list, *by, *measures, *tau_list = "0.5";

static const struct opt opts[] = {
	{'k', "k", "LIST", OPT_STR, &k_list, 0, 0,
	 "numbers of attempts, as 1,4,32; without: powers of two"},
	{0, "measure", "LIST", OPT_STR, &measures, 0, 0,
	 "of " MEASURE_WORDS ", as pass,maj; without: pass"},
	{0, "tau", "LIST", OPT_STR, &tau_list, 0, 0,
	 "shares of k that must be correct for g-pass, as 0.5,1"},
	{0, "per-problem", NULL, OPT_FLAG, &per_problem, 0, 0,
	 "a line for each problem instead of means"},
	{0, "by", "KEY", OPT_STR, &by, 0, 0,
	 "one block for each value of this key: step, meta.level"},
	OPT__THRESHOLD(threshold),
	OPT__BOOTSTRAP(bootstrap),
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "of the resampling"},
	{0, "json", NULL, OPT_FLAG, &json, 0, 0, "one JSON object a line instead of a table"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"pass-at-k", "[file ...]",
				 "Unbiased pass@k and its kin, of evaluations, with intervals.",
				 opts};

static uint64_t ks[MAX_KS];
static double taus[MAX_TAUS];
static size_t n_ks, n_taus;
static unsigned wanted = 1u << MEASURE_PASS;
static struct metric *metrics; /* avg@n, then by measure and k */
static size_t n_metrics;

static int parse_lists(void)
{
	n_ks = k_list ? passk_list(k_list, ks, MAX_KS) : 0;
	if (k_list && !n_ks)
		return tool_usage("--k: '%s' is not up to %d different numbers from 1, as 1,4,32",
				  k_list, MAX_KS);
	if (measures && !(wanted = measure_list(measures)))
		return tool_usage("--measure: '%s' is not a list of different words of %s",
				  measures, MEASURE_WORDS);
	n_taus = measure_taus(tau_list, taus, MAX_TAUS);
	if (!n_taus)
		return tool_usage("--tau: '%s' is not up to %d different numbers of 0 .. 1, as "
				  "0.5,1",
				  tau_list, MAX_TAUS);
	return 0;
}

/* ---- reckoning ---- */

/* Powers of two up to the fewest samples that a problem has, or the first of them alone where each
 * problem has its line, when -k does not say which */
static void default_ks(const struct problem *v, size_t n)
{
	uint64_t least = n ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		least = v[i].n < least ? v[i].n : least;
	n_ks = 0;
	for (uint64_t k = 1; per_problem ? k == 1 : k <= least; k *= 2)
		ks[n_ks++] = k;
}

static void add_metric(enum measure kind, uint64_t k, double tau)
{
	metrics = xgrow(metrics, n_metrics + 1, sizeof *metrics);
	metrics[n_metrics++] = (struct metric){kind, k, tau};
}

static void list_metrics(void)
{
	n_metrics = 0;
	add_metric(MEASURE_AVG, 0, 0);
	for (int kind = 0; kind < MEASURE_AVG; kind++)
		for (size_t i = 0; i < n_ks && wanted & 1u << kind; i++)
			for (size_t t = 0; t < (kind == MEASURE_GPASS ? n_taus : 1); t++)
				add_metric((enum measure)kind, ks[i], taus[t]);
}

/* One group's metrics */
struct block {
	struct span group;
	uint64_t problems, samples;
	double *value, *low, *high; /* (n_metrics) */
	uint64_t *of;               /* (n_metrics) problems with enough samples */
};

static void put_metric_name(struct buf *b, const struct metric *m)
{
	static const char *const names[] = {
		[MEASURE_PASS] = "pass@",      [MEASURE_MAJ] = "maj@",  [MEASURE_GPASS] = "g-pass@",
		[MEASURE_MGPASS] = "mg-pass@", [MEASURE_HAT] = "pass^", [MEASURE_BEST] = "best@",
		[MEASURE_WORST] = "worst@",    [MEASURE_AVG] = "avg@n"};
	char num[32];

	buf_str(b, names[m->kind]);
	if (m->kind != MEASURE_AVG)
		buf_printf(b, "%" PRIu64, m->k);
	if (m->kind == MEASURE_GPASS)
		buf_printf(b, "_%s", num_text(m->tau, num));
}

/* Problems that have k samples. Without --measure a metric that not all of them have does not
 * exist, with it the others are left out: a note says so. */
static uint64_t enough(const struct problem *v, size_t n, const struct metric *m, const char *name,
		       struct span group)
{
	uint64_t fewer = 0, least = UINT64_MAX;
	struct buf what = {0};

	for (size_t i = 0; i < n; i++)
		if (v[i].n < m->k) {
			fewer++;
			least = v[i].n < least ? v[i].n : least;
		}
	put_metric_name(&what, m);
	if (fewer && measures && fewer < n)
		msg_info("%s: group %.*s: %s: %" PRIu64
			 " problems have fewer samples and are left out",
			 name, (int)group.n, group.p, buf_cstr(&what), fewer);
	else if (fewer)
		msg_info("%s: group %.*s: %s: n/a: %" PRIu64
			 " problems have fewer samples, one only %" PRIu64,
			 name, (int)group.n, group.p, buf_cstr(&what), fewer, least);
	buf_free(&what);
	return fewer && !measures ? 0 : n - fewer;
}

static const double LONG_WORK = 3e8; /* draws of problems that take seconds */

static void tell_long(size_t n, const char *name)
{
	if ((double)n * (double)n_metrics * (double)bootstrap > LONG_WORK)
		msg_info("%s: resampling %zu problems %" PRId64
			 " times, which takes a while (--bootstrap 0: no intervals)",
			 name, n, bootstrap);
}

/* The intervals of all metrics, from the same draws; those of metrics that some problems lack, from
 * draws among the others. value: (n_metrics, n); where b->of[m] are fewer than n, NaN before them.
 */
static void intervals(const double *value, size_t n, struct block *b)
{
	passk_bootstrap(value, n_metrics, n, (size_t)bootstrap, (uint64_t)seed, b->low, b->high);
	for (size_t m = 0; m < n_metrics; m++)
		if (b->of[m] && b->of[m] < n)
			passk_bootstrap(value + m * n + n - b->of[m], 1, b->of[m],
					(size_t)bootstrap, (uint64_t)seed, &b->low[m], &b->high[m]);
}

/* Fills in the block of the group whose problems are v[0..n). */
static void reckon(const struct problems *e, const struct problem *v, size_t n, const char *name,
		   struct block *b)
{
	double *value = xarray(n * n_metrics, sizeof *value); /* (n_metrics, n) */

	b->problems = n;
	b->samples = 0;
	for (size_t i = 0; i < n; i++)
		b->samples += v[i].n;
	for (size_t m = 0; m < n_metrics; m++) {
		double *row = value + m * n, sum = 0;

		b->of[m] = m ? enough(v, n, &metrics[m], name, b->group) : n;
		for (size_t i = b->of[m]; i < n; i++)
			*row++ = NAN;
		for (size_t i = 0; i < n && b->of[m]; i++)
			if (v[i].n >= metrics[m].k)
				sum += *row++ = problems_value(e, &v[i], &metrics[m]);
		b->value[m] = b->of[m] ? sum / (double)b->of[m] : NAN;
	}
	tell_long(n, name);
	intervals(value, n, b);
	free(value);
}

/* ---- writing ---- */

static void put_json_number(struct buf *b, const char *name, double v)
{
	char num[32];

	buf_printf(b, "\"%s\":%s", name, isnan(v) ? "null" : num_text(v, num));
}

static void put_json_metrics(struct buf *out, const struct block *b)
{
	for (size_t m = 0; m < n_metrics; m++) {
		buf_str(out, m ? ",\"" : "\"");
		put_metric_name(out, &metrics[m]);
		buf_str(out, "\":{");
		put_json_number(out, "value", b->value[m]);
		buf_char(out, ',');
		put_json_number(out, "low", b->low[m]);
		buf_char(out, ',');
		put_json_number(out, "high", b->high[m]);
		if (measures)
			buf_printf(out, ",\"problems\":%" PRIu64, b->of[m]);
		buf_char(out, '}');
	}
}

static void put_json(struct buf *out, const char *name, const struct block *b)
{
	buf_str(out, "{\"input\":");
	cells_json_text(out, (struct span){name, strlen(name)});
	buf_str(out, ",\"group\":");
	cells_json_text(out, b->group);
	buf_printf(out, ",\"problems\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"metrics\":{",
		   b->problems, b->samples);
	put_json_metrics(out, b);
	buf_str(out, "}}\n");
}

/* b NULL: the header's */
static void put_row(struct cells *c, const char *name, const struct block *b, size_t m)
{
	struct buf metric = {0};

	if (b)
		put_metric_name(&metric, &metrics[m]);
	cells_text(c, "input", (struct span){name, strlen(name)});
	cells_text(c, "group", b ? b->group : (struct span){0});
	cells_count(c, "problems", b ? b->problems : 0);
	cells_count(c, "samples", b ? b->samples : 0);
	cells_text(c, "metric", (struct span){metric.p, metric.n});
	cells_number(c, "value", b ? b->value[m] : NAN);
	cells_number(c, "low", b ? b->low[m] : NAN);
	cells_number(c, "high", b ? b->high[m] : NAN);
	cells_end(c);
	buf_free(&metric);
}

/* What a line of --per-problem says behind the metrics */
static const char *const problem_keys[] = {"maj", "answers", "tokens", "cut", "unparsed"};
enum { N_PROBLEM_KEYS = sizeof problem_keys / sizeof *problem_keys };

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : NAN;
}

static void problem_numbers(const struct problems *e, const struct problem *p,
			    double v[N_PROBLEM_KEYS])
{
	struct metric all = {.kind = MEASURE_MAJ, .k = p->n};
	uint64_t parsed = p->silent_right;

	for (size_t i = 0; i < p->n_answer; i++)
		parsed += e->answer.v[p->answer + i].n;
	v[0] = problems_value(e, p, &all);
	v[1] = problems_answered(e) ? (double)p->n_answer : NAN;
	v[2] = ratio(p->tokens, p->with_tokens);
	v[3] = ratio(p->cut, p->with_finish);
	v[4] = problems_answered(e) ? ratio(p->n - parsed, p->n) : NAN;
}

/* p NULL: the header's */
static void put_problem(struct cells *c, const char *name, const struct problems *e,
			const struct problem *p)
{
	double v[N_PROBLEM_KEYS] = {0};
	struct buf metric = {0};

	if (p)
		problem_numbers(e, p, v);
	cells_text(c, "input", (struct span){name, strlen(name)});
	cells_text(c, "group", p ? names_get(&e->groups, p->group) : (struct span){0});
	cells_text(c, "problem", p ? problems_task(e, p) : (struct span){0});
	cells_count(c, "n", p ? p->n : 0);
	cells_count(c, "c", p ? p->c : 0);
	cells_number(c, "mean", p ? p->reward / (double)p->n : NAN);
	for (size_t m = 1; m < n_metrics; m++) {
		buf_reset(&metric);
		put_metric_name(&metric, &metrics[m]);
		cells_number(c, buf_cstr(&metric), p ? problems_value(e, p, &metrics[m]) : NAN);
	}
	for (size_t i = 0; i < N_PROBLEM_KEYS; i++)
		cells_number(c, problem_keys[i], v[i]);
	cells_end(c);
	buf_free(&metric);
}

static void put_header(void)
{
	struct buf text = {0};
	struct cells header = {.to = &text, .form = CELLS_HEADER};

	if (!per_problem) {
		put_row(&header, "", NULL, 0);
	} else {
		if (!k_list)
			default_ks(NULL, 0);
		list_metrics();
		put_problem(&header, "", NULL, NULL);
	}
	out_write(out_stdout(), text.p, text.n);
	buf_free(&text);
}

static void notes(const struct problems *e, const char *name)
{
	if (e->ungraded)
		msg_info("%s: %" PRIu64 " trajectories without a reward left out, %" PRIu64
			 " of them with a failed verifier",
			 name, e->ungraded, e->failed);
	if (e->relabelled)
		msg_info("%s: %" PRIu64 " relabelled trajectories left out", name, e->relabelled);
	if (by && e->keys.n && !e->by_seen)
		msg_warn("%s: --by %s: no trajectory has this key", name, by);
	if (e->n < e->keys.n)
		msg_info("%s: %zu problems without any reward left out", name, e->keys.n - e->n);
	if (e->o.answers && e->n && !problems_answered(e))
		msg_warn("%s: no trajectory says which answer was extracted from it: maj is n/a "
			 "(traj-score writes that, if the verifier tells it)",
			 name);
}

static void put_blocks(const struct problems *e, const char *name, struct cells *cells)
{
	size_t from = 0;
	struct block b = {.value = xarray(n_metrics, sizeof *b.value),
			  .low = xarray(n_metrics, sizeof *b.low),
			  .high = xarray(n_metrics, sizeof *b.high),
			  .of = xarray(n_metrics, sizeof *b.of)};

	for (size_t g = 0; g < e->groups.n; g++) {
		size_t to = from;

		while (to < e->n && e->v[to].group == g)
			to++;
		b.group = names_get(&e->groups, g);
		reckon(e, e->v + from, to - from, name, &b);
		if (json)
			put_json(cells->to, name, &b);
		for (size_t m = 0; m < n_metrics && !json; m++)
			put_row(cells, name, &b, m);
		from = to;
	}
	free(b.value);
	free(b.low);
	free(b.high);
	free(b.of);
}

static void put_all(struct problems *e, const char *name)
{
	struct buf text = {0};
	struct cells cells = {.to = &text, .form = json ? CELLS_JSON : CELLS_TABLE};

	problems_sort(e);
	if (!k_list)
		default_ks(e->v, e->n);
	list_metrics();
	if (!per_problem)
		put_blocks(e, name, &cells);
	for (size_t i = 0; i < e->n && per_problem; i++)
		put_problem(&cells, name, e, &e->v[i]);
	notes(e, name);
	out_write(out_stdout(), text.p, text.n);
	buf_free(&text);
}

/* One input from beginning to end: its lines appear when all of it was sound. */
static int report(const char *path)
{
	struct reason why = {0};
	struct problems e = {
		.o = {.by = by,
		      .threshold = threshold,
		      .answers = per_problem || wanted & 1u << MEASURE_MAJ,
		      .rewards = (wanted & (1u << MEASURE_BEST | 1u << MEASURE_WORST)) != 0,
		      .flags = strict ? REC_STRICT : 0}};
	const char *name = path;
	int st = problems_read(&e, path, &name, &why);

	if (st)
		msg_reason(&why);
	else
		put_all(&e, name);
	problems_free(&e);
	return st;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = parse_lists();

	if (st)
		return tool_finish(st);
	if (!json)
		put_header();
	if (i == argc)
		st = report("-");
	for (; i < argc; i++) {
		int one = report(argv[i]);

		st = one > st ? one : st;
	}
	free(metrics);
	return tool_finish(st);
}
