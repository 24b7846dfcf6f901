/* rows.c - the JSON values of a file. See rows.h. */
#include "base/rows.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/unpack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { END = -1, FAILED = -2 }; /* of peek */

struct rows {
	struct in in;
	struct unpack *u;
	struct buf b; /* unpacked; b.p[at..b.n) is unread */
	size_t at, max;
	size_t line;  /* of b.p[at] */
	size_t lines; /* b.p[..lines) ends with a line's end */
	size_t tried; /* a line that is more than one value, or less */
	bool eof, begun;
	bool arrays;  /* the file is an array, or several */
	bool inside;  /* of one */
	bool between; /* a comma or a bracket has to come */
};

/* ---- bytes ---- */
static int fill(struct rows *r, struct reason *why)
{
	if (r->at) {
		memmove(r->b.p, r->b.p + r->at, r->b.n - r->at);
		r->b.n -= r->at;
		r->at = r->lines = 0;
	}
	return unpack_more(r->u, &r->b, &r->eof, why);
}

/* The byte n places on; END or FAILED without one */
static int peek(struct rows *r, size_t n, struct reason *why)
{
	while (r->at + n >= r->b.n) {
		if (r->eof)
			return END;
		if (fill(r, why))
			return FAILED;
	}
	return (unsigned char)r->b.p[r->at + n];
}

static void pass(struct rows *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->line += r->b.p[r->at + i] == '\n';
	r->at += n;
}

static int skip_blank(struct rows *r, struct reason *why)
{
	int c;

	while ((c = peek(r, 0, why)) == ' ' || c == '\t' || c == '\r' || c == '\n')
		pass(r, 1);
	return c;
}

/* ---- values ---- */
struct scan {
	size_t n, depth;
	bool text, escaped, broken;
};

/* Takes one byte of an object or an array; true when it was the last. */
static bool scan_nested(struct scan *s, int c)
{
	s->n++;
	if (s->text) {
		s->broken = c == '\n';
		s->text = s->broken || s->escaped || c != '"';
		s->escaped = !s->escaped && c == '\\';
		return s->broken; /* no JSON: the reader of JSON says so */
	}
	s->text = c == '"';
	if (c == '{' || c == '[')
		s->depth++;
	else if (c == '}' || c == ']')
		s->depth--;
	return s->depth == 0;
}

static int too_long(const struct rows *r, struct reason *why)
{
	return fail(why, ST_INPUT, "%s:%zu: what begins here is longer than %zu bytes", r->in.name,
		    r->line, r->max);
}

/* Length of the value that begins here; what is neither object nor array goes to the line's end */
static int value_length(struct rows *r, struct scan *s, struct reason *why)
{
	int first = peek(r, 0, why), c;
	bool nested = first == '{' || first == '[';

	for (;;) {
		c = peek(r, s->n, why);
		if (c == FAILED)
			return why->status;
		if (c == END || (!nested && c == '\n'))
			return 0;
		if (s->n >= r->max)
			return too_long(r, why);
		if (!nested)
			s->n++;
		else if (scan_nested(s, c))
			return 0;
	}
}

/* What a file seems to be that is no JSON, by its first bytes; NULL: nothing known. */
static const char *looks_like(struct rows *r)
{
	static const struct {
		const char *magic, *what;
	} forms[] = {
		{"PAR1", "a Parquet file: JSON is wanted (python3 -c 'import pandas, sys; "
			 "pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], "
			 "orient=\"records\", lines=True)' FILE.parquet FILE.jsonl makes it so)"},
		{"ARROW1", "an Arrow file: JSON is wanted (datasets' to_json makes it so)"},
		{"\xff\xff\xff\xff", "an Arrow file: JSON is wanted (datasets' to_json makes it "
				     "so)"},
		{"\xff\xfe", "UTF-16: UTF-8 is wanted (iconv -f UTF-16 -t UTF-8 makes it so)"},
		{"\xfe\xff", "UTF-16: UTF-8 is wanted (iconv -f UTF-16 -t UTF-8 makes it so)"},
		{"PK\x03\x04", "a zip file (unzip -p reads it)"},
		{"BZh", "bzip2 data (bzip2 -dc reads it)"},
		{"\xfd"
		 "7zXZ",
		 "xz data (xz -dc reads it)"},
	};
	unsigned char c = (unsigned char)r->b.p[r->at];

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t n = strlen(forms[i].magic);

		if (r->b.n - r->at >= n && memcmp(r->b.p + r->at, forms[i].magic, n) == 0)
			return forms[i].what;
	}
	if (c >= 0x80 && c < 0xc0)
		return "a trajectory stream: JSON is wanted";
	return c == '{' || c == '[' ? NULL : "a table or plain text: JSON is wanted";
}

static int no_json(struct rows *r, const struct scan *s, const json_error_t *e, struct reason *why)
{
	const char *what = r->begun ? NULL : looks_like(r);

	if (what)
		return fail(why, ST_INPUT, "%s:%zu: it looks like %s", r->in.name, r->line, what);
	if (s->depth && !s->broken)
		return fail(why, ST_INPUT, "%s:%zu: the %s that begins here has no end", r->in.name,
			    r->line, r->b.p[r->at] == '{' ? "object" : "array");
	return fail(why, ST_INPUT, "%s:%zu: column %d: %s", r->in.name,
		    r->line + (size_t)(e->line > 1 ? e->line - 1 : 0), e->column, e->text);
}

/* Behind a value of n bytes */
static void pass_value(struct rows *r, size_t n)
{
	r->begun = true;
	r->between = r->inside;
	pass(r, n);
}

static int take_value(struct rows *r, json_t **row, size_t *line, struct reason *why)
{
	struct scan s = {0};
	json_error_t e = {.text = ""};

	if (value_length(r, &s, why))
		return -1;
	*line = r->line;
	*row = json_loadb(r->b.p + r->at, s.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	if (!*row) {
		no_json(r, &s, &e, why);
		return -1;
	}
	pass_value(r, s.n);
	return 1;
}

/* Bytes from here on of which the first line is whole; 0: it is longer than a value may be, or
 * there is an error that is met again. */
static size_t whole_lines(struct rows *r, struct reason *why)
{
	size_t seen = 0;

	while (r->at >= r->lines) {
		const char *p = r->b.p + r->at, *end;
		size_t n = r->b.n - r->at;

		end = memrchr(p + seen, '\n', n - seen);
		if (end) {
			r->lines = (size_t)(end - r->b.p) + 1;
			break;
		}
		if (n > r->max)
			return 0;
		if (r->eof)
			return n;
		seen = n;
		if (fill(r, why))
			return 0;
	}
	return r->lines - r->at;
}

/* What is no value for the tape: jansson, told to take large integers too, knows where it goes
 * wrong. */
static int no_tape(struct rows *r, const struct scan *s, struct reason *why)
{
	json_error_t e = {.text = "no JSON"};

	json_decref(json_loadb(r->b.p + r->at, s->n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
			       &e));
	no_json(r, s, &e, why);
	return -1;
}

static int take_tape(struct rows *r, struct tape *t, size_t *line, struct reason *why)
{
	struct scan s = {0};

	*line = r->line;
	if (!r->inside && r->line != r->tried) { /* most files have a value a line */
		size_t n = whole_lines(r, why), len;

		if (n && tape_line(t, r->b.p + r->at, n, &len) == TAPE_WHOLE && len <= r->max) {
			r->begun = true;
			r->at += len;
			return 1;
		}
		r->tried = r->line;
	}
	if (value_length(r, &s, why))
		return -1;
	if (tape_parse(t, r->b.p + r->at, s.n) != TAPE_WHOLE)
		return no_tape(r, &s, why);
	pass_value(r, s.n);
	return 1;
}

static int wrong_end(const struct rows *r, const char *what, struct reason *why)
{
	fail(why, ST_INPUT, "%s:%zu: %s", r->in.name, r->line, what);
	return -1;
}

/* Passes a bracket or a comma of the file's array. True: this was one. */
static bool pass_mark(struct rows *r, int c)
{
	bool open = c == '[' && !r->inside && (r->arrays || !r->begun);
	bool comma = c == ',' && r->between, close = c == ']' && r->inside;

	if (!open && !comma && !close)
		return false;
	r->arrays = r->begun = true;
	r->inside = !close;
	r->between = false;
	pass(r, 1);
	return true;
}

/* 1: a value begins here; 0: the end; -1 */
static int to_value(struct rows *r, struct reason *why)
{
	int c;

	do {
		c = skip_blank(r, why);
		if (c == FAILED)
			return -1;
		if (c == END)
			return r->inside ? wrong_end(r, "the array has no end", why) : 0;
	} while (pass_mark(r, c));
	if (r->between)
		return wrong_end(r, "a comma or the array's end is wanted", why);
	if (r->arrays && !r->inside)
		return wrong_end(r, "more behind the array's end", why);
	return 1;
}

int rows_next(struct rows *r, json_t **row, size_t *line, struct reason *why)
{
	int got = to_value(r, why);

	return got == 1 ? take_value(r, row, line, why) : got;
}

int rows_tape(struct rows *r, struct tape *t, size_t *line, struct reason *why)
{
	int got = to_value(r, why);

	return got == 1 ? take_tape(r, t, line, why) : got;
}

/* ---- the file ---- */
static int begin(struct rows *r, struct reason *why)
{
	if (!(r->u = unpack_new(&r->in, why)))
		return why->status;
	if (peek(r, 2, why) == FAILED)
		return why->status;
	if (r->b.n >= 3 && memcmp(r->b.p, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		r->at = 3;
	return 0;
}

bool rows_likely(const struct in *in)
{
	static const char first[] = "{[ \t\r\n\xef\x1f\x28"; /* JSON, a mark, gzip, zstd */

	assert(in->n || in->eof);
	return in->n && memchr(first, in->p[0], sizeof first - 1);
}

struct rows *rows_take(struct in *in, size_t max, struct reason *why)
{
	struct rows *r = xcalloc(1, sizeof *r);

	r->in = *in;
	r->max = max;
	r->line = 1;
	if (begin(r, why)) {
		rows_close(r);
		return NULL;
	}
	return r;
}

struct rows *rows_open(const char *path, size_t max, struct reason *why)
{
	struct in in;

	return in_open(&in, path, why) ? NULL : rows_take(&in, max, why);
}

const char *rows_name(const struct rows *r)
{
	return r->in.name;
}

void rows_tie(struct rows *r, struct out *o)
{
	r->in.tie = o;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	unpack_free(r->u);
	in_close(&r->in);
	buf_free(&r->b);
	free(r);
}
