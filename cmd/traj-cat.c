/* traj-cat - show, convert, cut and check trajectory streams. See man/traj-cat.1. */
#include "base/mem.h"
#include "base/rows.h"
#include "base/tool.h"
#include "stream/columns.h"
#include "stream/join.h"
#include "stream/mpjson.h"
#include "stream/traj.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_ROW = 256 * 1024 * 1024 }; /* JSON text of the largest record, escapes and all */

static const char *column_list;
static bool header, all, check, msgpack, from_json, join, any_policy, strict, partial;
static int64_t head = -1, tail = -1;

static const struct opt opts[] = {
	{'c', "columns", "LIST", OPT_STR, &column_list, 0, 0,
	 "tab-separated values of these keys instead of JSON"},
	{0, "header", NULL, OPT_FLAG, &header, 0, 0, "with -c: a first line with the keys"},
	{'n', "head", "N", OPT_INT, &head, -1, 9e18,
	 "only the first N records, reading no further; -1: all"},
	{0, "tail", "N", OPT_INT, &tail, -1, 9e18, "only the last N records; -1: all"},
	{0, "msgpack", NULL, OPT_FLAG, &msgpack, 0, 0, "write a stream instead of JSON"},
	{0, "from-json", NULL, OPT_FLAG, &from_json, 0, 0,
	 "read records of JSON, as lines or an array, and write a stream"},
	{0, "join", NULL, OPT_FLAG, &join, 0, 0, "write all records as a stream of one segment"},
	{0, "any-policy", NULL, OPT_FLAG, &any_policy, 0, 0,
	 "with --join: trajectories of several policies, too"},
	{0, "all", NULL, OPT_FLAG, &all, 0, 0, "show head and end records too"},
	{0, "check", NULL, OPT_FLAG, &check, 0, 0,
	 "read everything, say what is there or what is wrong"},
	OPT__STRICT(strict),
	{0, "partial", NULL, OPT_FLAG, &partial, 0, 0,
	 "take what is whole of a stream that was cut off"},
	{0}};
static const struct tool tool = {"traj-cat", "[file ...]",
				 "Shows trajectories as JSON or columns; converts, cuts, checks.",
				 opts};

static struct columns columns;
static struct rec_out writer; /* of --msgpack, --from-json and --join */
static struct join *joined;   /* of --join */
static struct buf line;       /* being made */
static uint64_t shown;        /* records, for --head */
static uint64_t rows;         /* of -c */

static int wrong_options(void)
{
	struct reason why;
	bool writes = msgpack || from_json || join;

	if (msgpack + from_json + join + check + (column_list != NULL) > 1)
		return tool_usage("--msgpack, --from-json, --join, --check and -c exclude each "
				  "other");
	if (any_policy && !join)
		return tool_usage("--any-policy goes with --join");
	if (header && !column_list)
		return tool_usage("--header goes with -c");
	if (all && (writes || check || column_list || tail >= 0))
		return tool_usage("--all goes with JSON output, without --tail");
	if (head >= 0 && tail >= 0)
		return tool_usage("--head and --tail exclude each other");
	if ((check || from_json || join) && (head >= 0 || tail >= 0))
		return tool_usage("--check, --from-json and --join take all records");
	if (from_json && (strict || partial))
		return tool_usage("--strict and --partial are about streams, not JSON");
	if (writes && isatty(STDOUT_FILENO))
		return tool_usage("records are not written to a terminal: use a pipe or a file");
	if (column_list && columns_parse(&columns, column_list, &why))
		return tool_usage("-c: %s", why.text);
	return 0;
}

/* ---- showing ---- */

static void show(struct mp map, bool is_traj)
{
	if (msgpack) {
		rec_put(&writer, map.p, map.n, is_traj);
		return;
	}
	buf_reset(&line);
	if (column_list) {
		columns_row(&line, &columns, map);
		rows++;
	} else {
		mpjson_from_record(&line, map);
		buf_char(&line, '\n');
	}
	out_write(out_stdout(), line.p, line.n);
}

/* The last records so far: a ring, entry (n % tail) is overwritten next. */
static struct kept {
	struct buf bytes;
	bool is_traj;
} * ring;
static uint64_t ring_n;

static void keep(const struct rec *r)
{
	struct kept *k;

	if (tail == 0)
		return;
	if (ring_n < (uint64_t)tail) {
		if ((ring_n & (ring_n - 1)) == 0)
			ring = xgrow(ring, ring_n ? 2 * ring_n : 1, sizeof *ring);
		ring[ring_n] = (struct kept){0};
	}
	k = &ring[ring_n++ % (uint64_t)tail];
	buf_reset(&k->bytes);
	buf_add(&k->bytes, r->map.p, r->map.n);
	k->is_traj = r->is_traj;
}

static void show_kept(void)
{
	uint64_t n = ring_n < (uint64_t)tail ? ring_n : (uint64_t)tail;

	for (uint64_t i = ring_n - n; i < ring_n; i++) {
		struct kept *k = &ring[i % (uint64_t)tail];

		show((struct mp){(const uint8_t *)k->bytes.p, k->bytes.n}, k->is_traj);
	}
	for (uint64_t i = 0; i < n; i++)
		buf_free(&ring[i].bytes);
	free(ring);
}

static bool enough(void)
{
	return head >= 0 && shown >= (uint64_t)head;
}

static int cat_records(struct rec_in *in)
{
	struct reason why;
	struct rec r;
	int got = 0;

	while (!enough() && (got = rec_next(in, &r, &why)) > 0) {
		if (tail >= 0) {
			keep(&r);
			continue;
		}
		if (msgpack)
			rec_out_segment(&writer, in, &r);
		show(r.map, r.is_traj);
		shown += !r.is_frame;
	}
	if (msgpack && (tail >= 0 || !writer.open))
		rec_out_chain(&writer, in);
	return got < 0 ? msg_reason(&why) : 0;
}

/* ---- joining ---- */

static int join_records(struct rec_in *in)
{
	struct reason why;

	if (!joined && !(joined = join_new(any_policy, &why)))
		return msg_reason(&why);
	return join_add(joined, in, &writer, &why) ? msg_reason(&why) : 0;
}

static int put_joined(void)
{
	struct reason why;

	return join_put(joined, &writer, &why) ? msg_reason(&why) : 0;
}

/* ---- checking ---- */

/* What is no error of form and still cannot be */
static int check_values(const struct traj *t, const struct rec *r, const char *name,
			struct reason *why)
{
	for (size_t i = 0; t->logprobs && i < t->n_logprobs; i++)
		if (t->logprobs[i] > 0)
			return rec_fail(why, name, r, "logprobs: element %zu is %g, above 0", i,
					(double)t->logprobs[i]);
	if (t->top_p > 1 || t->top_p < 0)
		return rec_fail(why, name, r, "top_p: %g is not from 0 to 1", t->top_p);
	if (t->temperature < 0)
		return rec_fail(why, name, r, "temperature: %g is below 0", t->temperature);
	if (t->entropy < 0)
		return rec_fail(why, name, r, "entropy: %g is below 0", t->entropy);
	return 0;
}

static int check_records(struct rec_in *in)
{
	struct traj_mem mem = {0};
	struct reason why;
	struct traj t;
	struct rec r;
	uint64_t others = 0;
	int got, st = 0;

	while (!st && (got = rec_next(in, &r, &why)) > 0) {
		if (r.is_traj)
			st = traj_read(&t, &r, rec_name(in), &mem, &why);
		else
			others++;
		if (!st && r.is_traj)
			st = check_values(&t, &r, rec_name(in), &why);
	}
	traj_mem_free(&mem);
	if (st || got < 0)
		return msg_reason(&why);
	out_printf(out_stdout(),
		   "%s: %" PRIu64 " trajectories, %" PRIu64 " other records, %" PRIu64
		   " segments, %" PRIu64 " bytes\n",
		   rec_name(in), rec_seen(in), others, rec_segments(in), rec_bytes(in));
	return 0;
}

static int cat(const char *path)
{
	unsigned flags = (strict ? REC_STRICT : 0) | (partial ? REC_PARTIAL : 0) |
			 (all || join ? REC_FRAMES : 0);
	struct reason why;
	struct rec_in *in = rec_open(path, flags, &why);
	int st;

	if (!in)
		return msg_reason(&why);
	rec_tie(in, out_stdout());
	st = check ? check_records(in) : join ? join_records(in) : cat_records(in);
	if (rec_was_cut(in))
		msg_warn("%s: it was cut off: what is shown is not all of it", rec_name(in));
	rec_close(in);
	return st;
}

/* ---- from JSON ---- */

static bool framed; /* between a head and an end of the JSON input */

/* One record in MessagePack; NULL or what is wrong with it. */
static const char *put_record(struct mp map)
{
	struct mp kind = mp_get(map, "kind");
	struct span s = {"traj", 4};
	const char *what;

	if (kind.p && !mp_str(kind, &s))
		return "kind is not a string";
	if (span_is(s, "head")) {
		if (framed)
			return "a head record, but the segment before it has no end record";
		what = rec_bad_head(map);
		if (what)
			return what;
		if (writer.open)
			rec_finish(&writer);
		rec_put_head_as(&writer, map);
		framed = true;
	} else if (span_is(s, "end")) {
		if (!framed)
			return "an end record without a head record";
		rec_finish(&writer);
		framed = false;
	} else {
		rec_put(&writer, map.p, map.n, span_is(s, "traj"));
	}
	return NULL;
}

static int put_row(const json_t *j, const char *where)
{
	const char *what;
	enum mp_skim skim;
	size_t len;

	buf_reset(&line);
	if (json_is_object(j))
		mpjson_to_record(&line, j);
	skim = line.n ? mp_skim(line.p, line.n, &len) : MP_OK;
	if (!line.n || mp_type((struct mp){(const uint8_t *)line.p, line.n}) != MP_MAP)
		what = "not an object";
	else if (skim != MP_OK)
		what = mp_skim_text(skim);
	else
		what = put_record((struct mp){(const uint8_t *)line.p, line.n});
	if (!what)
		return 0;
	msg_error("%s: %s", where, what);
	return ST_INPUT;
}

static int put_rows(struct rows *in)
{
	struct reason why;
	json_t *row;
	size_t number;
	int st = 0, got = 0;

	while (!st && (got = rows_next(in, &row, &number, &why)) > 0) {
		char *where = xasprintf("%s:%zu", rows_name(in), number);

		st = put_row(row, where);
		json_decref(row);
		free(where);
	}
	if (got < 0)
		return msg_reason(&why);
	if (!st && framed) {
		msg_error("%s: cut off: the last head record has no end record", rows_name(in));
		st = ST_INPUT;
	}
	return st;
}

static int read_json(const char *path)
{
	struct reason why;
	struct rows *in = rows_open(path, MAX_ROW, &why);
	int st;

	if (!in)
		return msg_reason(&why);
	rows_tie(in, out_stdout());
	st = put_rows(in);
	rows_close(in);
	return st;
}

static int one_file(const char *path)
{
	struct reason why;

	if (file_not_stdout(path, &why))
		return msg_reason(&why);
	return from_json ? read_json(path) : cat(path);
}

static void title(void)
{
	buf_reset(&line);
	columns_title(&line, &columns);
	out_write(out_stdout(), line.p, line.n);
}

/* Columns that stayed empty may be misspelt. */
static void tell_unseen(void)
{
	const char *name;

	for (size_t i = 0; rows && (name = columns_unseen(&columns, &i));)
		msg_warn("-c %s: no record has this key", name);
}

int main(int argc, char *argv[])
{
	static char *standard[] = {"-"};
	int i = tool_start(&tool, argc, argv), n = argc - i, st = wrong_options();
	char **files = n ? argv + i : standard;

	if (st)
		return tool_finish(st);
	rec_out_init(&writer, out_stdout(), 0);
	if (header)
		title();
	for (i = 0; i < (n ? n : 1) && (!st || check); i++) {
		int got = one_file(files[i]);

		st = st ? st : got;
	}
	if (!st && tail >= 0)
		show_kept();
	if (!st && join)
		st = put_joined();
	if (!st && (msgpack || join || (from_json && (writer.open || !out_stdout()->total))))
		rec_finish(&writer);
	if (!st)
		tell_unseen();
	join_free(joined);
	rec_out_free(&writer);
	columns_free(&columns);
	buf_free(&line);
	return tool_finish(st);
}
