/* task.c - problem sets from JSONL. See task.h. */
#include "task/task.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rows.h"
#include "base/set.h"
#include "stream/mp.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ROW = MP_MAX_BYTES };

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
	free(t->args);
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
		if (t->args)
			hash_add(h, t->args, strlen(t->args) + 1);
		hash_add(h, &t->meta.n, sizeof t->meta.n);
		hash_add(h, t->meta.p, t->meta.n);
	}
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

void task_keep(struct task_set *s, const bool *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (keep[i])
			s->v[n++] = s->v[i];
		else
			free_task(&s->v[i]);
	}
	s->n = n;
}

void task_free(struct task_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_task(&s->v[i]);
	free(s->v);
	*s = (struct task_set){0};
}

/* An id is there twice: rows that are repeated, or two problems under one name. */
static int not_first(const struct task_set *s, const struct task *t, const char *where,
		     struct reason *why)
{
	const struct task *o = s->v;
	struct task_set one = {(struct task *)t, 1}, other;

	while (strcmp(o->id, t->id) != 0)
		o++;
	other = (struct task_set){(struct task *)o, 1};
	if (task_hash(&one) == task_hash(&other))
		return fail(why, ST_INPUT,
			    "%s: id \"%s\" is not the first with this name (if rows are repeated: "
			    "sort -u)",
			    where, t->id);
	return fail(why, ST_INPUT,
		    "%s: id \"%s\" is not the first with this name, and the rows differ: an index "
		    "that counts anew in each source names no row; give each an id of its own",
		    where, t->id);
}

/* Equal rows without an id are told apart by a number, in whatever order the rows come. Few are
 * equal in any set of problems; so many have another reason. */
static bool number_it(struct set *ids, struct task *t)
{
	enum { MAX_EQUAL = 1000 };
	size_t n = strlen(t->id);

	for (int k = 2; t->unnamed && k <= MAX_EQUAL; k++) {
		char *id = xasprintf("%.*s-%d", (int)n, t->id, k);

		if (set_add(ids, id, strlen(id))) {
			free(t->id);
			t->id = id;
			return true;
		}
		free(id);
	}
	return false;
}

static void add_task(struct task_set *s, const struct task *t)
{
	if ((s->n & (s->n - 1)) == 0) /* room for the next power of two */
		s->v = xgrow(s->v, s->n ? 2 * s->n : 1, sizeof *s->v);
	s->v[s->n++] = *t;
}

static int load_row(struct task_set *s, struct set *ids, const json_t *row, const char *where,
		    struct reason *why)
{
	struct task t = {0};
	int st = task_from_row(row, where, &t, why);

	if (!st && !set_add(ids, t.id, strlen(t.id)) && !number_it(ids, &t))
		st = not_first(s, &t, where, why);
	if (st)
		free_task(&t);
	else
		add_task(s, &t);
	return st;
}

static int load_rows(struct task_set *s, struct rows *in, struct reason *why)
{
	struct set ids = {0};
	json_t *row;
	size_t line;
	int got, st = 0;

	while (!st && (got = rows_next(in, &row, &line, why)) != 0) {
		char *where = got > 0 ? xasprintf("%s:%zu", rows_name(in), line) : NULL;

		st = got > 0 ? load_row(s, &ids, row, where, why) : why->status;
		if (got > 0)
			json_decref(row);
		free(where);
	}
	if (!st && s->n == 0)
		st = fail(why, ST_INPUT, "%s: no problems in it", rows_name(in));
	set_free(&ids);
	return st;
}

int task_load(struct task_set *s, const char *path, struct reason *why)
{
	struct reason local;
	struct rows *in = rows_open(path, MAX_ROW, why = why ? why : &local);
	int st;

	*s = (struct task_set){0};
	if (!in)
		return why->status;
	st = load_rows(s, in, why);
	rows_close(in);
	if (st)
		task_free(s);
	return st;
}
