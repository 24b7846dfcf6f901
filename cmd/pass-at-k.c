/* pass-at-k - pass@k and avg@n of evaluation streams. See man/pass-at-k.1. */
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/tool.h"
#include "base/utf8.h"
#include "stream/columns.h"
#include "stream/trajscan.h"
#include "base/names.h"
#include "stats/passk.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_METRICS = 100 };

static bool json, strict;
static double threshold = 0.5;
static int64_t bootstrap = 1000, seed;
static const char *k_list, *by;

static const struct opt opts[] = {
	{'k', "k", "LIST", OPT_STR, &k_list, 0, 0,
	 "numbers of attempts, as 1,4,32; without: powers of two"},
	{0, "by", "KEY", OPT_STR, &by, 0, 0,
	 "one block for each value of this key: step, meta.level"},
	OPT__THRESHOLD(threshold),
	OPT__BOOTSTRAP(bootstrap),
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "of the resampling"},
	{0, "json", NULL, OPT_FLAG, &json, 0, 0, "one JSON object a line instead of a table"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"pass-at-k", "[file ...]",
				 "Unbiased pass@k and avg@n of evaluations, with intervals.", opts};

/* One problem within one group */
struct problem {
	size_t group, id; /* id: its number among all of the input */
	uint64_t n, c;    /* samples graded, of them correct */
	uint64_t prompt;  /* see traj_one_prompt */
};

/* What was read of one input */
struct eval {
	struct names groups, keys; /* keys: number of the group, task */
	struct problem *v;         /* one per key */
	size_t room;
	uint64_t ungraded, failed; /* failed: of the ungraded, those with a verdict */
	bool by_seen;              /* a trajectory has the key of --by */
	struct buf scratch;
};

static uint64_t ks[MAX_METRICS];
static size_t n_ks;

/* ---- reading ---- */

static int parse_ks(void)
{
	n_ks = k_list ? passk_list(k_list, ks, MAX_METRICS - 1) : 0;
	if (k_list && !n_ks)
		return tool_usage("--k: '%s' is not up to %d different numbers from 1, as 1,4,32",
				  k_list, MAX_METRICS - 1);
	return 0;
}

static struct problem *problem_of(struct eval *e, const struct traj *t, struct mp map)
{
	struct span name = {"all", 3};
	size_t group, id;

	buf_reset(&e->scratch);
	if (by) {
		struct mp v = trajscan_path(map, by);

		e->by_seen |= v.p != NULL;
		if (!trajscan_text(&e->scratch, v))
			buf_str(&e->scratch, "-");
		name = (struct span){e->scratch.p, e->scratch.n};
	}
	group = names_id(&e->groups, name);
	buf_reset(&e->scratch);
	buf_add(&e->scratch, &group, sizeof group);
	buf_add(&e->scratch, t->task.p, t->task.n);
	id = names_id(&e->keys, (struct span){e->scratch.p, e->scratch.n});
	e->v = names_room(e->v, &e->room, id, sizeof *e->v);
	e->v[id].group = group;
	e->v[id].id = id;
	return &e->v[id];
}

static int add(struct eval *e, const struct rec *r, const char *name, struct reason *why)
{
	struct problem *p;
	struct traj t;

	if (!r->is_traj)
		return 0;
	if (trajscan(&t, r, name, why))
		return why->status;
	p = problem_of(e, &t, r->map);
	if (traj_one_prompt(&t, &p->prompt, r, name, why))
		return why->status;
	if (!trajscan_graded(&t)) {
		e->ungraded++;
		e->failed += t.verdict.p && !span_is(t.verdict, "ok");
		return 0;
	}
	p->n++;
	p->c += traj_correct(&t, threshold);
	return 0;
}

static int read_eval(struct eval *e, const char *path, const char **name, struct reason *why)
{
	struct rec_in *in = rec_open(path, strict ? REC_STRICT : 0, why);
	struct rec r;
	int got = -1, st = 0;

	if (!in)
		return why->status;
	*name = rec_name(in);
	while (!st && (got = rec_next(in, &r, why)) > 0)
		st = add(e, &r, *name, why);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

static void eval_free(struct eval *e)
{
	names_free(&e->groups);
	names_free(&e->keys);
	free(e->v);
	buf_free(&e->scratch);
}

/* ---- reckoning ---- */

/* One group's metrics: avg@n, then pass@k for each k */
struct block {
	struct span group;
	uint64_t problems, samples;
	double value[MAX_METRICS], low[MAX_METRICS], high[MAX_METRICS];
};

static int by_group(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->group != y->group)
		return (x->group > y->group) - (x->group < y->group);
	return (x->id > y->id) - (x->id < y->id);
}

/* Sorts the problems by group and drops those without samples; returns how many are left. */
static size_t arrange(struct eval *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->keys.n; i++)
		if (e->v[i].n)
			e->v[n++] = e->v[i];
	if (n)
		qsort(e->v, n, sizeof *e->v, by_group);
	return n;
}

/* Powers of two up to the fewest samples that a problem has, when -k does not say which */
static void default_ks(const struct problem *v, size_t n)
{
	uint64_t least = n ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		least = v[i].n < least ? v[i].n : least;
	n_ks = 0;
	for (uint64_t k = 1; k <= least; k *= 2)
		ks[n_ks++] = k;
}

/* False, and why, when a problem has fewer than k samples: then pass@k does not exist. */
static bool enough(const struct problem *v, size_t n, uint64_t k, const char *name,
		   struct span group)
{
	uint64_t fewer = 0, least = UINT64_MAX;

	for (size_t i = 0; i < n; i++)
		if (v[i].n < k) {
			fewer++;
			least = v[i].n < least ? v[i].n : least;
		}
	if (fewer)
		msg_info("%s: group %.*s: pass@%" PRIu64 ": n/a: %" PRIu64
			 " problems have fewer samples, one only %" PRIu64,
			 name, (int)group.n, group.p, k, fewer, least);
	return !fewer;
}

static const double LONG_WORK = 3e8; /* draws of problems that take seconds */

/* Fills in the block of the group whose problems are v[0..n). */
static void reckon(const struct problem *v, size_t n, struct span group, const char *name,
		   struct block *b)
{
	size_t n_metrics = n_ks + 1;
	double *value = xarray(n * n_metrics, sizeof *value); /* (n_metrics, n) */

	*b = (struct block){.group = group, .problems = n};
	for (size_t i = 0; i < n; i++)
		b->samples += v[i].n;
	for (size_t m = 0; m < n_metrics; m++) {
		bool there = m == 0 || enough(v, n, ks[m - 1], name, group);
		double sum = 0, x;

		for (size_t i = 0; i < n; i++) {
			x = m == 0 ? (double)v[i].c / (double)v[i].n
				   : passk(v[i].n, v[i].c, ks[m - 1]);
			value[m * n + i] = there ? x : NAN;
			sum += value[m * n + i];
		}
		b->value[m] = n ? sum / (double)n : NAN;
	}
	if ((double)n * (double)n_metrics * (double)bootstrap > LONG_WORK)
		msg_info("%s: resampling %zu problems %" PRId64
			 " times, which takes a while (--bootstrap 0: no intervals)",
			 name, n, bootstrap);
	passk_bootstrap(value, n_metrics, n, (size_t)bootstrap, (uint64_t)seed, b->low, b->high);
	free(value);
}

/* ---- writing ---- */

static void put_metric_name(struct buf *b, size_t m)
{
	if (m == 0)
		buf_str(b, "avg@n");
	else
		buf_printf(b, "pass@%" PRIu64, ks[m - 1]);
}

static void put_number(struct buf *b, double v)
{
	char num[32];

	if (json)
		buf_str(b, isnan(v) ? "null" : num_text(v, num));
	else if (isnan(v))
		buf_str(b, "n/a");
	else
		buf_printf(b, "%.6g", v);
}

/* Bytes that are not UTF-8 are no JSON text: they are shown as the table shows control bytes. */
static void put_json_text(struct buf *b, struct span s)
{
	struct buf plain = {0};

	if (utf8_valid(s.p, s.n))
		buf_add(&plain, s.p, s.n);
	else
		for (size_t i = 0; i < s.n; i++)
			buf_printf(&plain, (unsigned char)s.p[i] < 0x80 ? "%c" : "\\x%02x",
				   (unsigned char)s.p[i]);
	json_string_to(b, plain.p ? plain.p : "", plain.n);
	buf_free(&plain);
}

static void put_json(struct buf *out, struct span name, const struct block *b)
{
	buf_str(out, "{\"input\":");
	put_json_text(out, name);
	buf_str(out, ",\"group\":");
	put_json_text(out, b->group);
	buf_printf(out, ",\"problems\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"metrics\":{",
		   b->problems, b->samples);
	for (size_t m = 0; m <= n_ks; m++) {
		buf_str(out, m ? ",\"" : "\"");
		put_metric_name(out, m);
		buf_str(out, "\":{\"value\":");
		put_number(out, b->value[m]);
		buf_str(out, ",\"low\":");
		put_number(out, b->low[m]);
		buf_str(out, ",\"high\":");
		put_number(out, b->high[m]);
		buf_char(out, '}');
	}
	buf_str(out, "}}\n");
}

static void put_table(struct buf *out, struct span name, const struct block *b)
{
	for (size_t m = 0; m <= n_ks; m++) {
		columns_escape(out, name.p, name.n);
		buf_char(out, '\t');
		columns_escape(out, b->group.p, b->group.n);
		buf_printf(out, "\t%" PRIu64 "\t%" PRIu64 "\t", b->problems, b->samples);
		put_metric_name(out, m);
		buf_char(out, '\t');
		put_number(out, b->value[m]);
		buf_char(out, '\t');
		put_number(out, b->low[m]);
		buf_char(out, '\t');
		put_number(out, b->high[m]);
		buf_char(out, '\n');
	}
}

static void notes(const struct eval *e, size_t problems, const char *name)
{
	if (e->ungraded)
		msg_info("%s: %" PRIu64 " trajectories without a reward left out, %" PRIu64
			 " of them with a failed verifier",
			 name, e->ungraded, e->failed);
	if (by && e->keys.n && !e->by_seen)
		msg_warn("%s: --by %s: no trajectory has this key", name, by);
	if (problems < e->keys.n)
		msg_info("%s: %zu problems without any reward left out", name,
			 e->keys.n - problems);
}

static void put_blocks(struct eval *e, const char *name)
{
	size_t n = arrange(e), from = 0;
	struct buf text = {0};
	struct block b;

	if (!k_list)
		default_ks(e->v, n);
	for (size_t g = 0; g < e->groups.n; g++) {
		size_t to = from;

		while (to < n && e->v[to].group == g)
			to++;
		reckon(e->v + from, to - from, names_get(&e->groups, g), name, &b);
		(json ? put_json : put_table)(&text, (struct span){name, strlen(name)}, &b);
		from = to;
	}
	notes(e, n, name);
	out_write(out_stdout(), text.p, text.n);
	buf_free(&text);
}

/* One input from beginning to end: its blocks appear when all of it was sound. */
static int report(const char *path)
{
	struct reason why = {0};
	struct eval e = {0};
	const char *name = path;
	int st = read_eval(&e, path, &name, &why);

	if (st)
		msg_reason(&why);
	else
		put_blocks(&e, name);
	eval_free(&e);
	return st;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv), st = parse_ks();

	if (st)
		return tool_finish(st);
	if (!json)
		out_str(out_stdout(),
			"input\tgroup\tproblems\tsamples\tmetric\tvalue\tlow\thigh\n");
	if (i == argc)
		st = report("-");
	for (; i < argc; i++) {
		int one = report(argv[i]);

		st = one > st ? one : st;
	}
	return tool_finish(st);
}
