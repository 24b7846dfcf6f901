/* state.c - checkpoints of a run. See state.h. */
#include "run/state.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rank.h"
#include "policy/safetensors.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, MAX_JSON = 1 << 20 };

static const char json_name[] = "state.json";

/* ---- the folder ---- */

/* step-N, without a leading zero */
static bool step_of(const char *name, uint64_t *step)
{
	int64_t n;

	if (strncmp(name, "step-", 5) != 0 || name[5] == '0' ||
	    !num_i64(name + 5, 1, INT64_MAX, &n))
		return false;
	*step = (uint64_t)n;
	return true;
}

static char *step_path(const struct state *s, uint64_t step)
{
	return xasprintf("%s/step-%" PRIu64, s->dir, step);
}

/* The greatest step below limit that has a folder; 0: none. A folder that cannot be listed is not
 * an empty one: the run in it would begin anew and drop its checkpoints. */
static int step_below(const char *path, uint64_t limit, uint64_t *best, struct reason *why)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	uint64_t step;
	int st;

	*best = 0;
	if (!dir)
		return fail_errno(why, errno, "%s", path);
	while ((errno = 0, e = readdir(dir)))
		if (step_of(e->d_name, &step) && step < limit && step > *best)
			*best = step;
	st = errno ? fail_errno(why, errno, "%s", path) : 0;
	closedir(dir);
	return st;
}

/* A folder that was no state's before must be empty: nobody's step-N is dropped by mistake. */
static int check_foreign(const char *path, struct reason *why)
{
	char *lock = xasprintf("%s/.lock", path);
	bool ours = access(lock, F_OK) == 0;
	struct dirent *e;
	DIR *dir;
	int st = 0;

	free(lock);
	if (ours)
		return 0;
	dir = opendir(path);
	if (!dir)
		return fail_errno(why, errno, "%s", path);
	while (!st && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			st = fail(
				why, ST_USAGE,
				"%s: it holds other things than a state: another folder is needed",
				path);
	closedir(dir);
	return st;
}

/* Rank 0 has the folder. */
static bool reads_only(void)
{
	return rank_self() > 0;
}

int state_open(struct state *s, const char *dir, struct reason *why)
{
	uint64_t newest = 0;
	int st = 0;

	*s = (struct state){.lock = -1};
	if (!dir)
		return 0;
	if (!reads_only() && mkdir(dir, 0777) != 0 && errno != EEXIST)
		return fail_errno(why, errno, "%s", dir);
	st = check_foreign(dir, why);
	if (!st && !reads_only())
		st = dir_lock(dir, &s->lock, why);
	if (!st)
		st = step_below(dir, UINT64_MAX, &newest, why);
	if (st) {
		state_close(s);
		return st;
	}
	if (!reads_only())
		dir_sweep(dir);
	s->dir = dir;
	s->begun = newest > 0;
	s->same = json_object();
	s->made = json_object();
	return 0;
}

void state_close(struct state *s)
{
	json_decref(s->same);
	json_decref(s->made);
	free(s->value);
	free(s->array);
	if (s->lock >= 0)
		close(s->lock);
	*s = (struct state){.lock = -1};
}

/* ---- saving ---- */

static json_t *value_json(const struct state_value *v)
{
	char hex[17];
	double x;

	switch (v->kind) {
	case STATE_COUNT:
		return json_integer((json_int_t) * (uint64_t *)v->v);
	case STATE_HASH:
		hash_hex(*(uint64_t *)v->v, hex);
		return json_string(hex);
	default: /* STATE_REAL */
		break;
	}
	x = *(double *)v->v;
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *state_json(const struct state *s, uint64_t step)
{
	json_t *values = json_object();

	for (size_t i = 0; i < s->n_value; i++)
		json_object_set_new(values, s->value[i].name, value_json(&s->value[i]));
	return json_pack("{s:s, s:i, s:I, s:O, s:O, s:o}", "format", "rloop-state", "version",
			 FORMAT, "step", (json_int_t)step, "made", s->made, "same", s->same,
			 "values", values);
}

/* True for the first array of its file. */
static bool begins_file(const struct state *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(s->array[k].file, s->array[i].file) == 0)
			return false;
	return true;
}

/* ---- what other ranks have a part of: rank 0 asks for it, piece by piece, while it writes ---- */

struct piece {
	uint64_t array, from, n; /* n 0: nothing more is asked for */
};

static void collect(const struct state *s, struct piece q, float *to)
{
	const struct state_array *a;

	rank_broadcast(&q, sizeof q, 0);
	if (!q.n)
		return;
	a = &s->array[q.array];
	rank_collect(to, a->v, a->bound, q.from, q.n);
}

/* Of ranks above 0, until rank 0 has all that it wants */
static void serve(const struct state *s)
{
	struct piece q;

	for (;;) {
		rank_broadcast(&q, sizeof q, 0);
		if (!q.n)
			return;
		rank_collect(NULL, s->array[q.array].v, s->array[q.array].bound, q.from, q.n);
	}
}

struct items { /* of one file */
	const struct state *s;
	struct sft_item *v;
	struct piece *from; /* of each: which array, where it begins there */
	size_t n;
};

/* Rows of an item without data, see sft_rows */
static void collect_rows(const void *ctx, size_t i, size_t first, size_t n, float *to)
{
	const struct items *all = ctx;
	const struct sft_item *t = &all->v[i];
	size_t k = t->rank == 2 ? t->shape[1] : 1;
	struct piece q = all->from[i];

	q.from += first * k;
	q.n = n * k;
	collect(all->s, q, to);
}

static void add_items(struct items *all, size_t array)
{
	const struct state_array *a = &all->s->array[array];

	all->v = xgrow(all->v, all->n + a->n_w, sizeof *all->v);
	all->from = xgrow(all->from, all->n + a->n_w, sizeof *all->from);
	for (size_t j = 0; j < a->n_w; j++) {
		const struct weight *w = &a->w[j];

		all->from[all->n] = (struct piece){array, w->offset, w->count};
		all->v[all->n++] =
			(struct sft_item){.name = xasprintf("%s%s", a->prefix, w->name),
					  .rank = w->rank,
					  .shape = {(uint64_t)w->shape[0], (uint64_t)w->shape[1]},
					  .data = a->bound ? NULL : a->v + w->offset};
	}
}

/* All arrays that go into the file of array i. */
static int write_arrays(const struct state *s, size_t i, struct out *o, struct reason *why)
{
	struct items all = {.s = s};
	int st;

	for (size_t k = i; k < s->n_array; k++)
		if (strcmp(s->array[k].file, s->array[i].file) == 0)
			add_items(&all, k);
	st = sft_write_made(o, all.v, all.n, collect_rows, &all, why);
	for (size_t k = 0; k < all.n; k++)
		free((char *)(uintptr_t)all.v[k].name);
	free(all.v);
	free(all.from);
	return st;
}

static void manifest_line(struct buf *b, const char *name, uint64_t sum, uint64_t size)
{
	char hex[17];

	hash_hex(sum, hex);
	buf_printf(b, "%s %" PRIu64 " %s\n", hex, size, name);
}

/* One file of the checkpoint: arrays from i on, or, without arrays, the text. */
static int save_file(const struct state *s, uint64_t step, struct newdir *d, size_t i,
		     const char *text, struct buf *manifest, struct reason *why)
{
	const char *name = text ? json_name : s->array[i].file;
	struct hash *sum = hash_new();
	struct out o;
	int st = newdir_open(d, name, &o, why), done;

	if (!st) {
		out_sum(&o, sum);
		if (text)
			out_str(&o, text);
		else if ((st = write_arrays(s, i, &o, why)))
			fail_prefix(why, "%s: step %" PRIu64 " not saved: %s", s->dir, step, name);
		out_sum(&o, NULL);
		manifest_line(manifest, name, hash_64(sum), o.total);
		done = newdir_done(&o, st ? NULL : why);
		st = st ? st : done;
	}
	hash_free(sum);
	return st;
}

static int save_files(const struct state *s, uint64_t step, struct newdir *d, struct reason *why)
{
	json_t *j = state_json(s, step);
	char *text = json_dumps(j, JSON_INDENT(1));
	struct buf manifest = {0};
	int st = 0;

	for (size_t i = 0; i < s->n_array && !st; i++)
		if (begins_file(s, i))
			st = save_file(s, step, d, i, NULL, &manifest, why);
	if (!st)
		st = save_file(s, step, d, 0, text, &manifest, why);
	if (!st)
		st = newdir_put(d, "manifest", manifest.p, manifest.n, why);
	buf_free(&manifest);
	free(text);
	json_decref(j);
	return st;
}

static int drop_step(const struct state *s, uint64_t step, struct reason *why)
{
	char *path = step_path(s, step);
	int st = dir_drop(path, why);

	free(path);
	return st;
}

/* Every checkpoint below limit but these two. */
static int drop_others(const struct state *s, uint64_t limit, uint64_t a, uint64_t b,
		       struct reason *why)
{
	uint64_t step = limit;
	int st;

	while (!(st = step_below(s->dir, step, &step, why)) && step)
		if (step != a && step != b && (st = drop_step(s, step, why)))
			break;
	return st;
}

static int save_step(const struct state *s, uint64_t step, struct reason *why)
{
	struct newdir d = {0};
	char *path = step_path(s, step);
	int st = 0;

	if (access(path, F_OK) == 0) /* damaged, and passed over when this run began */
		st = dir_drop(path, why);
	if (!st)
		st = newdir_begin(&d, path, why);
	free(path);
	if (!st)
		st = save_files(s, step, &d, why);
	if (!st)
		st = newdir_commit(&d, why);
	newdir_abort(&d);
	return st ? st : drop_others(s, UINT64_MAX, step, s->last, why);
}

int state_save(struct state *s, uint64_t step, struct reason *why)
{
	int st = 0;

	if (!s->dir || step == s->last)
		return 0;
	if (reads_only()) {
		serve(s);
	} else {
		st = save_step(s, step, why);
		collect(s, (struct piece){0}, NULL);
	}
	st = rank_agree(st, why);
	s->last = st ? s->last : step;
	return st;
}

/* ---- loading ---- */

/* The next line of the manifest must be what this file is. */
static int check_file(const char *path, const char *name, struct span *manifest, struct reason *why)
{
	char *file = xasprintf("%s/%s", path, name);
	struct hash *sum = hash_new();
	struct buf line = {0};
	uint64_t size = 0;
	int st = file_hash(file, 0, UINT64_MAX, sum, &size, why);

	manifest_line(&line, name, hash_64(sum), size);
	if (!st && (line.n > manifest->n || memcmp(line.p, manifest->p, line.n) != 0))
		st = fail(why, ST_INPUT, "%s: it is not the file that the manifest tells of", file);
	if (!st) {
		manifest->p += line.n;
		manifest->n -= line.n;
	}
	buf_free(&line);
	hash_free(sum);
	free(file);
	return st;
}

static int check_files(const struct state *s, const char *path, struct reason *why)
{
	char *file = xasprintf("%s/manifest", path);
	struct buf text = {0};
	struct span left;
	int st = file_read(file, MAX_JSON, &text, why);

	left = (struct span){text.p, text.n};
	for (size_t i = 0; i < s->n_array && !st; i++)
		if (begins_file(s, i))
			st = check_file(path, s->array[i].file, &left, why);
	if (!st)
		st = check_file(path, json_name, &left, why);
	if (!st && left.n)
		st = fail(why, ST_INPUT, "%s: more than the files there are", file);
	buf_free(&text);
	free(file);
	return st;
}

/* What of the strings in now is another in then, where an absent one is empty; NULL: all are equal.
 */
static const char *first_difference(const json_t *now, const json_t *then, const char **was)
{
	const json_t *v;
	const char *key;

	json_object_foreach((json_t *)now, key, v)
	{
		*was = json_string_value(json_object_get(then, key));
		*was = *was ? *was : "";
		if (strcmp(*was, json_string_value(v)) != 0)
			return key;
	}
	return NULL;
}

static const char *or_nothing(const char *s)
{
	return *s ? s : "nothing";
}

static int check_same(struct state *s, const json_t *j, struct reason *why)
{
	const char *was, *what = first_difference(s->same, json_object_get(j, "same"), &was);

	if (what)
		return fail(why, ST_USAGE,
			    "%s: begun with %s %.80s, not %.80s: take the same, or "
			    "another folder",
			    s->dir, what, or_nothing(was),
			    or_nothing(json_string_value(json_object_get(s->same, what))));
	what = first_difference(s->made, json_object_get(j, "made"), &was);
	if (what)
		fail(&s->elsewhere, ST_NO,
		     "%s: made with %s %.80s, here it is %.80s: the result may "
		     "differ in the last digits",
		     s->dir, what, or_nothing(was),
		     json_string_value(json_object_get(s->made, what)));
	return 0;
}

static bool read_value(const struct state_value *v, const json_t *j)
{
	const char *hex = json_string_value(j);
	char *end = NULL;

	switch (v->kind) {
	case STATE_COUNT:
		*(uint64_t *)v->v = (uint64_t)json_integer_value(j);
		return json_is_integer(j);
	case STATE_HASH:
		if (hex)
			*(uint64_t *)v->v = strtoull(hex, &end, 16);
		return hex && strlen(hex) == 16 && !*end;
	default: /* STATE_REAL */
		break;
	}
	*(double *)v->v = json_is_null(j) ? (double)NAN : json_number_value(j);
	return json_is_null(j) || json_is_number(j);
}

static int read_json(struct state *s, const char *path, struct reason *why)
{
	char *file = xasprintf("%s/%s", path, json_name);
	json_t *j = json_load(file, MAX_JSON, why);
	const json_t *values = json_object_get(j, "values");
	int st = j ? 0 : why->status;

	if (!st && json_integer_value(json_object_get(j, "version")) != FORMAT)
		st = fail(why, ST_INPUT, "%s: version is not %d", file, FORMAT);
	if (!st)
		st = check_same(s, j, why);
	for (size_t i = 0; i < s->n_value && !st; i++)
		if (!read_value(&s->value[i], json_object_get(values, s->value[i].name)))
			st = fail(why, ST_INPUT, "%s: %s is missing or malformed", file,
				  s->value[i].name);
	json_decref(j);
	free(file);
	return st;
}

/* What of the weight this rank has */
static int read_weight(const struct state_array *a, const struct weight *w,
		       const struct sft_file *f, const struct sft_tensor *t, struct reason *why)
{
	size_t from = a->bound ? a->bound[rank_self()] : 0, first = w->offset,
	       last = first + w->count;

	if (first < from)
		first = from;
	if (a->bound && last > a->bound[rank_self() + 1])
		last = a->bound[rank_self() + 1];
	if (first >= last)
		return 0;
	return sft_read_part(f, t, first - w->offset, last - first, a->v + (first - from), why);
}

static int read_array(const struct state_array *a, const struct sft_file *f, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < a->n_w && !st; i++) {
		const struct weight *w = &a->w[i];
		char *name = xasprintf("%s%s", a->prefix, w->name);
		const struct sft_tensor *t = sft_find(f, name);

		st = t && t->count == w->count
			     ? read_weight(a, w, f, t, why)
			     : fail(why, ST_INPUT, "tensor %s is missing or of another size", name);
		free(name);
	}
	return st;
}

static int read_arrays(const struct state *s, const char *path, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < s->n_array && !st; i++) {
		char *file = xasprintf("%s/%s", path, s->array[i].file);
		struct sft_file f;

		st = sft_open_file(&f, file, why);
		if (!st) {
			st = read_array(&s->array[i], &f, why);
			sft_close(&f);
		}
		free(file);
	}
	return st;
}

/* 1, 0: its files are not whole, -1: they are, but it cannot be gone on with. */
static int load_step(struct state *s, const char *path, struct reason *why)
{
	if (check_files(s, path, why))
		return 0;
	return read_json(s, path, why) || read_arrays(s, path, why) ? -1 : 1;
}

/* Those before the last two, which a run that was killed had no time to drop. */
static int drop_older(const struct state *s, struct reason *why)
{
	uint64_t before;
	int st = step_below(s->dir, s->last, &before, why);

	return st ? st : drop_others(s, before, 0, 0, why);
}

int state_load(struct state *s, struct reason *why)
{
	uint64_t step = UINT64_MAX;
	int got = 0;

	if (!s->dir)
		return 0;
	while (!got) {
		char *path;

		if (step_below(s->dir, step, &step, why))
			return -1;
		if (!step)
			break;
		path = step_path(s, step);
		got = load_step(s, path, why);
		if (got > 0)
			s->last = step;
		if (got == 0 && !s->damaged.status)
			s->damaged = *why;
		free(path);
	}
	if (got > 0 && !reads_only() && drop_older(s, why))
		return -1;
	if (got || !s->damaged.status)
		return got;
	fail(why, ST_INPUT, "%s: no checkpoint is whole (remove the folder to begin anew): %.400s",
	     s->dir, s->damaged.text);
	return -1;
}
