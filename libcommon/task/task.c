/* task.c - problem sets from JSONL. See task.h. */
#include "task/task.h"
#include "base/fmt.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/set.h"
#include "stream/mp.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = MP_MAX_BYTES };

const char *task_verifier(const struct task *t, const char *option)
{
	return t->implied && option ? option : t->verifier ? t->verifier : option;
}

static void free_task(struct task *t)
{
	free(t->id);
	free(t->prompt);
	free(t->messages);
	free(t->tools);
	free(t->answer);
	free(t->verifier);
	buf_free(&t->meta);
}

uint64_t task_hash(const struct task_set *s)
{
	struct hash *h = hash_new();
	uint64_t sum;

	for (size_t i = 0; i < s->n; i++) {
		const struct task *t = &s->v[i];
		const char *text[] = {t->id,    t->prompt, t->messages,
				      t->tools, t->answer, t->verifier};

		for (size_t k = 0; k < sizeof text / sizeof *text; k++)
			hash_add(h, text[k] ? text[k] : "\1", text[k] ? strlen(text[k]) + 1 : 2);
		hash_add(h, &t->meta.n, sizeof t->meta.n);
		hash_add(h, t->meta.p, t->meta.n);
	}
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

void task_free(struct task_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_task(&s->v[i]);
	free(s->v);
	*s = (struct task_set){0};
}

static struct span trimmed(struct span s, size_t line)
{
	if (line == 1 && s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		s = (struct span){s.p + 3, s.n - 3};
	while (s.n && strchr(" \t\r", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s = (struct span){s.p + 1, s.n - 1};
	return s;
}

static bool begins(struct span s, const char *magic)
{
	return s.n >= strlen(magic) && memcmp(s.p, magic, strlen(magic)) == 0;
}

/* What a file seems to be that is no JSON, by its first line; NULL: nothing known. */
static const char *looks_like(struct span s)
{
	unsigned char c = (unsigned char)*s.p; /* no line is empty */

	if (c == '[')
		return "a JSON array: one problem a line is wanted (jq -c '.[]' makes it so)";
	if (begins(s, "PAR1"))
		return "a Parquet file: problems are JSON, one a line (python3 -c 'import pandas, "
		       "sys; "
		       "pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], orient=\"records\", "
		       "lines=True)' FILE.parquet FILE.jsonl makes it so)";
	if (begins(s, "ARROW1") || begins(s, "\xff\xff\xff\xff"))
		return "an Arrow file: problems are JSON, one a line (datasets' to_json makes it "
		       "so)";
	if (begins(s, "\x28\xb5\x2f\xfd"))
		return "zstd data (zstd -dc reads it)";
	if (begins(s, "PK\x03\x04"))
		return "a zip file (unzip -p reads it)";
	if (c == 0x1f)
		return "gzip data (gzip -dc reads it)";
	if (c >= 0x80 && c < 0xc0)
		return "a trajectory stream: problems are JSON, one a line";
	return NULL;
}

/* The same of a line that JSON's reader refused */
static const char *broken(struct span s)
{
	if (*s.p == '{' && s.p[s.n - 1] != '}')
		return "JSON that goes over several lines: one problem a line is wanted (jq -c . "
		       "makes "
		       "it so)";
	return *s.p == '{' ? NULL : "a table or plain text: problems are JSON, one a line";
}

static int load_line(struct task_set *s, struct set *ids, struct span text, const char *name,
		     size_t line, struct reason *why)
{
	char *where = xasprintf("%s:%zu", name, line);
	struct task t = {0};
	const char *what = s->n ? NULL : looks_like(text);
	json_t *row = NULL;
	int st = ST_INPUT;

	if (what) {
		fail(why, ST_INPUT, "%s: it looks like %s", where, what);
		goto out;
	}
	row = json_parse(text.p, text.n, where, why);
	if (!row) {
		what = s->n ? NULL : broken(text);
		if (what)
			fail(why, ST_INPUT, "%s: it looks like %s", where, what);
		goto out;
	}
	st = task_from_row(row, where, line, &t, why);
	if (!st && !set_add(ids, t.id, strlen(t.id)))
		st = fail(why, ST_INPUT,
			  "%s: id \"%s\" is not the first with this name (if rows are repeated: "
			  "sort -u)",
			  where, t.id);
	if (st) {
		free_task(&t);
	} else {
		if ((s->n & (s->n - 1)) == 0) /* room for the next power of two */
			s->v = xgrow(s->v, s->n ? 2 * s->n : 1, sizeof *s->v);
		s->v[s->n++] = t;
	}
out:
	json_decref(row);
	free(where);
	return st;
}

int task_load(struct task_set *s, const char *path, struct reason *why)
{
	struct in in;
	struct set ids = {0};
	struct span text;
	struct reason local;
	size_t line = 0;
	int got, st;

	why = why ? why : &local;
	st = in_open(&in, path, why);
	*s = (struct task_set){0};
	if (st)
		return st;
	while (!st && (got = in_line(&in, MAX_LINE, &text, why)) != 0) {
		if (got < 0) {
			st = why->status;
			break;
		}
		text = trimmed(text, ++line);
		if (text.n)
			st = load_line(s, &ids, text, in.name, line, why);
	}
	if (!st && s->n == 0)
		st = fail(why, ST_INPUT, "%s: no problems in it", in.name);
	in_close(&in);
	set_free(&ids);
	if (st)
		task_free(s);
	return st;
}
