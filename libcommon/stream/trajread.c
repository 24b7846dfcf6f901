/* trajread.c - a trajectory decoded by msgpack-c and checked. See traj.h. */
#include "stream/traj.h"
#include "base/kept.h"
#include "base/mem.h"
#include "stream/trajfield.h"

#include <assert.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 256 }; /* top-level keys of one record; `meta` holds as many as one likes */

void traj_mem_free(struct traj_mem *m)
{
	if (m->unpacked)
		msgpack_unpacked_destroy(m->unpacked);
	free(m->unpacked);
	buf_free(&m->b);
	buf_free(&m->kept);
	m->unpacked = NULL;
}

/* Where a decoding error is; the text says key and what is wrong with it. */
struct ctx {
	struct traj *t;
	struct buf *mem; /* room for all arrays is reserved before the first is taken */
	struct buf *kept;
	const char *what;
	size_t at; /* element, when what speaks of one; else SIZE_MAX */
};

static bool bad(struct ctx *c, const char *what)
{
	c->what = what;
	return false;
}

static bool bad_at(struct ctx *c, size_t i, const char *what)
{
	c->at = i;
	return bad(c, what);
}

static bool get_bytes(struct ctx *c, struct span *s, const msgpack_object *v)
{
	if (v->type == MSGPACK_OBJECT_STR)
		*s = (struct span){v->via.str.ptr, v->via.str.size};
	else if (v->type == MSGPACK_OBJECT_BIN)
		*s = (struct span){v->via.bin.ptr, v->via.bin.size};
	else
		return bad(c, "not a string");
	return true;
}

static bool number(const msgpack_object *v, double *out)
{
	switch (v->type) {
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		*out = v->via.f64;
		return true;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		*out = (double)v->via.u64;
		return true;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		*out = (double)v->via.i64;
		return true;
	default:
		return false;
	}
}

static bool get_num(struct ctx *c, double *out, const msgpack_object *v)
{
	double d;

	if (!number(v, &d))
		return bad(c, "not a number");
	if (!isfinite(d))
		return bad(c, "not a finite number");
	*out = d;
	return true;
}

static bool get_int(struct ctx *c, int64_t *out, const msgpack_object *v)
{
	if (v->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && v->via.i64 == -1 && out == &c->t->top_k)
		return true; /* vLLM's "no top_k" */
	if (v->type != MSGPACK_OBJECT_POSITIVE_INTEGER || v->via.u64 > INT64_MAX)
		return bad(c, "not a whole number from 0 to 2^63-1");
	*out = (int64_t)v->via.u64;
	return true;
}

static bool get_bool(struct ctx *c, int *out, const msgpack_object *v)
{
	if (v->type != MSGPACK_OBJECT_BOOLEAN)
		return bad(c, "neither true nor false");
	*out = v->via.boolean;
	return true;
}

/* n 4-byte elements in the memory reserved by reserve_arrays */
static void *take_array(struct ctx *c, size_t n)
{
	void *p = c->mem->p + c->mem->n;

	assert(4 * n <= c->mem->cap - c->mem->n); /* reserve_arrays counted it */
	c->mem->n += 4 * n;
	return p;
}

static bool take_bin(struct ctx *c, void **out, size_t *n, const msgpack_object_bin *v)
{
	if (v->size % 4)
		return bad(c, "its length is not a multiple of 4 bytes");
	*n = v->size / 4;
	*out = take_array(c, *n);
	traj_copy_words(*out, v->ptr, *n);
	return true;
}

static bool get_tokens(struct ctx *c, const uint32_t **out, size_t *n, const msgpack_object *v)
{
	void *ids;

	if (v->type == MSGPACK_OBJECT_BIN) {
		if (!take_bin(c, &ids, n, &v->via.bin))
			return false;
		*out = ids;
		return true;
	}
	if (v->type != MSGPACK_OBJECT_ARRAY)
		return bad(c, "neither bin nor an array");
	*n = v->via.array.size;
	*out = ids = take_array(c, *n);
	for (size_t i = 0; i < *n; i++) {
		const msgpack_object *e = &v->via.array.ptr[i];

		if (e->type != MSGPACK_OBJECT_POSITIVE_INTEGER || e->via.u64 > UINT32_MAX)
			return bad_at(c, i, "not a whole number from 0 to 2^32-1");
		((uint32_t *)ids)[i] = (uint32_t)e->via.u64;
	}
	return true;
}

static bool floats_of_array(struct ctx *c, float *f, const msgpack_object_array *v)
{
	for (size_t i = 0; i < v->size; i++) {
		double d;

		if (!number(&v->ptr[i], &d))
			return bad_at(c, i, "not a number");
		f[i] = (float)d;
	}
	return true;
}

static bool get_floats(struct ctx *c, const float **out, size_t *n, const msgpack_object *v)
{
	void *p;

	if (v->type == MSGPACK_OBJECT_BIN) {
		if (!take_bin(c, &p, n, &v->via.bin))
			return false;
	} else if (v->type == MSGPACK_OBJECT_ARRAY) {
		*n = v->via.array.size;
		p = take_array(c, *n);
		if (!floats_of_array(c, p, &v->via.array))
			return false;
	} else {
		return bad(c, "neither bin nor an array");
	}
	*out = p;
	for (size_t i = 0; i < *n; i++)
		if (!isfinite((*out)[i]))
			return bad_at(c, i, "not a finite number");
	return true;
}

/* Packs the i-th set of an array. */
static bool set_of_array(struct ctx *c, size_t i, const msgpack_object *set)
{
	const msgpack_object_array *a = &set->via.array;
	uint32_t ids[KEPT_MOST];

	if (set->type != MSGPACK_OBJECT_ARRAY)
		return bad_at(c, i, "not an array of ids");
	if (a->size > KEPT_MOST)
		return bad_at(c, i, "more than 1024 ids");
	for (size_t k = 0; k < a->size; k++) {
		if (a->ptr[k].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		    a->ptr[k].via.u64 > UINT32_MAX)
			return bad_at(c, i, "not whole numbers from 0 to 2^32-1");
		ids[k] = (uint32_t)a->ptr[k].via.u64;
		if (k && ids[k] <= ids[k - 1])
			return bad_at(c, i, "ids that do not ascend");
	}
	kept_put(c->kept, ids, a->size);
	return true;
}

static bool get_kept(struct ctx *c, struct span *out, const msgpack_object *v)
{
	if (v->type == MSGPACK_OBJECT_BIN) {
		*out = (struct span){v->via.bin.ptr, v->via.bin.size};
		return true;
	}
	if (v->type != MSGPACK_OBJECT_ARRAY)
		return bad(c, "neither bin nor an array");
	buf_reset(c->kept);
	buf_reserve(c->kept, 1); /* not NULL even when there is nothing */
	for (size_t i = 0; i < v->via.array.size; i++)
		if (!set_of_array(c, i, &v->via.array.ptr[i]))
			return false;
	*out = (struct span){c->kept->p, c->kept->n};
	return true;
}

/* The packed bytes of a map that msgpack-c decoded in place, found again in the record. */
static bool get_map(struct ctx *c, struct mp *out, const msgpack_object *v, struct mp raw)
{
	if (v->type != MSGPACK_OBJECT_MAP)
		return bad(c, "not a map");
	*out = mp_get(raw, "meta");
	return true;
}

static bool get_field(struct ctx *c, const struct field *f, const msgpack_object *v, struct mp raw)
{
	char *to = (char *)c->t + f->at;
	size_t *n = (size_t *)(void *)((char *)c->t + f->n_at);

	assert(f->at < sizeof *c->t && f->n_at < sizeof *c->t);
	if (f->form == F_KIND)
		return true; /* rec_next has looked at it */
	if (v->type == MSGPACK_OBJECT_NIL)
		return true; /* Python's None: absent */
	switch (f->form) {
	case F_BYTES:
		return get_bytes(c, (struct span *)(void *)to, v);
	case F_MAP:
		return get_map(c, (struct mp *)(void *)to, v, raw);
	case F_TOKENS:
		return get_tokens(c, (const uint32_t **)(void *)to, n, v);
	case F_FLOATS:
		return get_floats(c, (const float **)(void *)to, n, v);
	case F_KEPT:
		return get_kept(c, (struct span *)(void *)to, v);
	case F_NUM:
		return get_num(c, (double *)(void *)to, v);
	case F_INT:
		return get_int(c, (int64_t *)(void *)to, v);
	default: /* F_BOOL */
		return get_bool(c, (int *)(void *)to, v);
	}
}

static bool same_str(const msgpack_object_str *a, const char *b, size_t n)
{
	return a->size == n && (n == 0 || memcmp(a->ptr, b, n) == 0); /* an empty one: NULL */
}

/* The field of this name; hint is where it stands in a canonical record. */
static int find_field(const msgpack_object_str *key, int hint)
{
	for (int i = 0; i < TRAJ_FIELDS; i++) {
		int f = (hint + i) % TRAJ_FIELDS;

		if (same_str(key, traj_fields[f].name, traj_fields[f].len))
			return f;
	}
	return -1;
}

static bool repeated(const msgpack_object_map *map, size_t i)
{
	const msgpack_object_str *k = &map->ptr[i].key.via.str;

	for (size_t j = 0; j < i; j++)
		if (same_str(&map->ptr[j].key.via.str, k->ptr, k->size))
			return true;
	return false;
}

static void reserve_arrays(struct ctx *c, const msgpack_object_map *map)
{
	size_t n = 0;

	for (size_t i = 0; i < map->size; i++) {
		const msgpack_object *v = &map->ptr[i].val;

		if (v->type == MSGPACK_OBJECT_BIN)
			n += v->via.bin.size;
		else if (v->type == MSGPACK_OBJECT_ARRAY)
			n += 4 * (size_t)v->via.array.size;
	}
	buf_reset(c->mem);
	buf_reserve(c->mem, n + 4); /* not NULL even when there is nothing */
}

static int read_keys(struct ctx *c, const msgpack_object_map *map, const struct rec *r,
		     const char *name, struct reason *why)
{
	int hint = 0;
	uint32_t seen = 0;

	if (map->size > MAX_KEYS)
		return rec_fail(why, name, r, "more than %d keys", MAX_KEYS);
	reserve_arrays(c, map);
	for (size_t i = 0; i < map->size; i++) {
		const msgpack_object *key = &map->ptr[i].key;
		const msgpack_object_str *s = &key->via.str;
		int f;

		if (key->type != MSGPACK_OBJECT_STR)
			return rec_fail(why, name, r, "a key that is not a string");
		f = find_field(s, hint);
		if (f < 0 ? repeated(map, i) : seen >> f & 1)
			return rec_fail(why, name, r, "%.*s: the key comes twice", (int)s->size,
					s->ptr);
		if (f < 0)
			continue;
		seen |= UINT32_C(1) << f;
		hint = f + 1;
		c->at = SIZE_MAX;
		if (get_field(c, &traj_fields[f], &map->ptr[i].val, r->map))
			continue;
		if (c->at != SIZE_MAX)
			return rec_fail(why, name, r, "%s[%zu]: %s", traj_fields[f].name, c->at,
					c->what);
		return rec_fail(why, name, r, "%s: %s", traj_fields[f].name, c->what);
	}
	return 0;
}

static int check_kept(const struct traj *t, const struct rec *r, const char *name,
		      struct reason *why)
{
	const char *wrong;
	size_t at;

	if (!t->kept.p)
		return 0;
	if (!t->tokens)
		return rec_fail(why, name, r, "kept: there are no tokens");
	wrong = kept_check(t->kept, t->tokens, t->n_tokens, &at);
	return wrong ? rec_fail(why, name, r, "kept[%zu]: %s", at, wrong) : 0;
}

static int check(const struct traj *t, const struct rec *r, const char *name, struct reason *why)
{
	char hex[33];

	if (!t->task.p || !t->prompt.p || !t->response.p)
		return rec_fail(why, name, r, "%s: the key is missing",
				!t->task.p     ? "task"
				: !t->prompt.p ? "prompt"
					       : "response");
	if (t->logprobs && t->tokens && t->n_logprobs != t->n_tokens)
		return rec_fail(why, name, r, "logprobs: %zu for %zu tokens", t->n_logprobs,
				t->n_tokens);
	if (!isnan(t->reward) && t->verdict.p && !span_is(t->verdict, "ok"))
		return rec_fail(why, name, r, "reward: present though verdict is \"%.*s\"",
				(int)t->verdict.n, t->verdict.p);
	if (check_kept(t, r, name, why))
		return why->status;
	if (!t->id.p)
		return 0;
	traj_id(t, hex);
	if (!span_is(t->id, hex))
		return rec_fail(why, name, r,
				"id: not that of this task, prompt, response and tokens (%s)", hex);
	return 0;
}

int traj_read(struct traj *t, const struct rec *r, const char *name, struct traj_mem *m,
	      struct reason *why)
{
	struct ctx c = {.t = t, .mem = &m->b, .kept = &m->kept};
	msgpack_unpack_return got;
	size_t off = 0;
	int st;

	traj_clear(t);
	if (!m->unpacked)
		m->unpacked = xcalloc(1, sizeof *m->unpacked);
	got = msgpack_unpack_next(m->unpacked, (const char *)r->map.p, r->map.n, &off);
	if (got == MSGPACK_UNPACK_NOMEM_ERROR)
		no_memory(r->map.n);
	if (got != MSGPACK_UNPACK_SUCCESS)
		return rec_fail(why, name, r, "msgpack-c cannot decode it");
	assert(m->unpacked->data.type == MSGPACK_OBJECT_MAP && off == r->map.n);
	st = read_keys(&c, &m->unpacked->data.via.map, r, name, why);
	return st ? st : check(t, r, name, why);
}
