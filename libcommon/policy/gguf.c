/* gguf.c - reading GGUF files. See gguf.h. */
#include "policy/gguf.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/set.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers on disk are little-endian and are copied as they are"
#endif

enum {
	MAX_HEAD = 1 << 30, /* bytes before the data */
	PIECE = 1 << 20,    /* of the head, read at a time */
	CHUNK = 1 << 18,    /* numbers converted at a time */
	MAX_KEY = 65535,    /* the format's own limit */
	MAX_DEPTH = 4,      /* of lists in lists */
	MAX_ALIGN = 1 << 20,
	LEAST_KEY = 14,    /* bytes: length, a letter, type, a value of one byte */
	LEAST_TENSOR = 33, /* length, a letter, rank, a dimension, type, offset */
	SHOWN = 8,         /* items of a list that gguf_show shows */
};

/* Bytes of a value; 0: it has a length of its own */
static const size_t sizes[GGUF_TYPES] = {
	[GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
	[GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
	[GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8};

static const char *const type_names[GGUF_TYPES] = {"u8",  "i8",  "u16",  "i16",    "u32",
						   "i32", "f32", "bool", "string", "array",
						   "u64", "i64", "f64"};

/* ---- the head, in order ---- */

/* The place up to which the head is understood */
struct cursor {
	struct gguf *g;
	size_t at;
	struct reason *why;
};

static int read_at(const struct gguf *g, void *to, size_t n, uint64_t at, struct reason *why)
{
	char *p = to;

	while (n) {
		ssize_t r = pread(g->fd, p, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return fail_errno(why, errno, "%s: read at byte %llu", g->path,
					  (unsigned long long)at);
		if (r == 0)
			return fail(why, ST_INPUT, "%s: ends at byte %llu, shorter than at first",
				    g->path, (unsigned long long)at);
		p += r;
		at += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

/* The next n bytes are there, and in memory. */
static int want(struct cursor *c, uint64_t n)
{
	struct gguf *g = c->g;
	size_t more;
	int st;

	if (n > g->size - c->at)
		return fail(c->why, ST_INPUT, "%s: byte %zu: %llu bytes more than the file holds",
			    g->path, c->at, (unsigned long long)(n - (g->size - c->at)));
	if (n > MAX_HEAD - c->at)
		return fail(c->why, ST_INPUT, "%s: more than %d bytes of keys", g->path, MAX_HEAD);
	if (n <= g->head.n - c->at)
		return 0;
	more = c->at + n - g->head.n;
	more = more < PIECE ? PIECE : more;
	more = more < g->size - g->head.n ? more : g->size - g->head.n;
	buf_reserve(&g->head, more);
	st = read_at(g, g->head.p + g->head.n, more, g->head.n, c->why);
	g->head.n += st ? 0 : more;
	return st;
}

static int take_bytes(struct cursor *c, void *to, size_t n)
{
	if (want(c, n))
		return c->why->status;
	memcpy(to, c->g->head.p + c->at, n);
	c->at += n;
	return 0;
}

static int take_u32(struct cursor *c, uint32_t *v)
{
	return take_bytes(c, v, sizeof *v);
}

static int take_u64(struct cursor *c, uint64_t *v)
{
	return take_bytes(c, v, sizeof *v);
}

static int take_string(struct cursor *c, size_t *at, size_t *n)
{
	uint64_t len = 0;

	if (take_u64(c, &len) || want(c, len))
		return c->why->status;
	*at = c->at;
	*n = len;
	c->at += len;
	return 0;
}

static int take_type(struct cursor *c, enum gguf_type *type)
{
	uint32_t v = 0;

	if (take_u32(c, &v))
		return c->why->status;
	if (v >= GGUF_TYPES)
		return fail(c->why, ST_INPUT, "%s: byte %zu: a value of type %u, which is none",
			    c->g->path, c->at - 4, v);
	*type = (enum gguf_type)v;
	return 0;
}

static int take_array(struct cursor *c, enum gguf_type *item, uint64_t *n, int depth);

/* Goes over n values of a type. */
static int skip_values(struct cursor *c, enum gguf_type type, uint64_t n, int depth)
{
	size_t at = 0, len = 0, bytes;
	enum gguf_type item = GGUF_U8;
	uint64_t k = 0;
	int st = 0;

	if (sizes[type]) {
		if (!size_mul(n, sizes[type], &bytes))
			return fail(c->why, ST_INPUT, "%s: byte %zu: a list of %llu values",
				    c->g->path, c->at, (unsigned long long)n);
		st = want(c, bytes);
		c->at += st ? 0 : bytes;
		return st;
	}
	for (uint64_t i = 0; i < n && !st; i++) {
		if (type == GGUF_STRING)
			st = take_string(c, &at, &len);
		else if (!(st = take_array(c, &item, &k, depth)))
			st = skip_values(c, item, k, depth + 1);
	}
	return st;
}

static int take_array(struct cursor *c, enum gguf_type *item, uint64_t *n, int depth)
{
	if (depth > MAX_DEPTH)
		return fail(c->why, ST_INPUT, "%s: byte %zu: lists in lists deeper than %d",
			    c->g->path, c->at, MAX_DEPTH);
	if (take_type(c, item) || take_u64(c, n))
		return c->why->status;
	return 0;
}

static int take_value(struct cursor *c, struct gguf_key *k)
{
	int st;

	if (take_type(c, &k->type))
		return c->why->status;
	k->item = k->type;
	if (k->type == GGUF_STRING)
		return take_string(c, &k->at, &k->len);
	k->n = 1;
	if (k->type == GGUF_ARRAY && take_array(c, &k->item, &k->n, 0))
		return c->why->status;
	k->at = c->at;
	st = skip_values(c, k->item, k->n, 1);
	k->len = c->at - k->at;
	return st;
}

static int check_name(struct cursor *c, size_t at, size_t n, size_t most, const char *what,
		      struct set *seen)
{
	const char *p = c->g->head.p + at;

	if (!n || n > most || memchr(p, '\0', n) || !utf8_valid(p, n))
		return fail(c->why, ST_INPUT,
			    "%s: byte %zu: no name of a %s: %zu bytes, of at most %zu in UTF-8",
			    c->g->path, at, what, n, most);
	if (!set_add(seen, p, n))
		return fail(c->why, ST_INPUT, "%s: %s %.*s: there twice", c->g->path, what, (int)n,
			    p);
	return 0;
}

static int take_key(struct cursor *c, struct set *seen)
{
	struct gguf_key *k = &c->g->key[c->g->n_keys];
	int st;

	*k = (struct gguf_key){0};
	st = take_string(c, &k->name, &k->n_name);
	if (!st)
		st = check_name(c, k->name, k->n_name, MAX_KEY, "key", seen);
	if (!st)
		st = take_value(c, k);
	c->g->n_keys += !st;
	return st;
}

/* Grown as the file turns out to hold them: a count alone asks for no memory. */
static int take_keys(struct cursor *c, uint64_t n)
{
	struct set seen = {0};
	size_t cap = 0;
	int st = 0;

	for (uint64_t i = 0; i < n && !st; i++) {
		if (i == cap) {
			cap = cap ? 2 * cap : 32;
			c->g->key = xgrow(c->g->key, cap, sizeof *c->g->key);
		}
		st = take_key(c, &seen);
	}
	set_free(&seen);
	return st;
}

static int take_dims(struct cursor *c, struct gguf_tensor *t)
{
	uint32_t rank = 0;
	size_t count = 1;

	if (take_u32(c, &rank))
		return c->why->status;
	if (rank < 1 || rank > GGUF_MAX_RANK)
		return fail(c->why, ST_INPUT, "%u dimensions, not 1 to %d", rank, GGUF_MAX_RANK);
	t->rank = (int)rank;
	for (int i = 0; i < t->rank; i++) {
		if (take_u64(c, &t->dim[i]))
			return c->why->status;
		if (!t->dim[i] || !size_mul(count, t->dim[i], &count))
			return fail(c->why, ST_INPUT, "a dimension of 0, or too large a product");
	}
	t->count = count;
	return 0;
}

static int take_tensor_type(struct cursor *c, struct gguf_tensor *t)
{
	uint32_t type = 0;

	if (take_u32(c, &type))
		return c->why->status;
	t->type = quant_find(type);
	if (!t->type)
		return fail(c->why, ST_INPUT,
			    "its type, %s (%u), is not supported, only F32, F16, BF16, Q4_0, Q4_1, "
			    "Q5_0, Q5_1, Q8_0, Q2_K to Q6_K and IQ4_NL",
			    quant_name(type), type);
	if (t->dim[0] % t->type->numbers)
		return fail(c->why, ST_INPUT,
			    "rows of %llu numbers, not of whole blocks of %s, %zu",
			    (unsigned long long)t->dim[0], t->type->name, t->type->numbers);
	return 0;
}

static int take_tensor(struct cursor *c, struct set *seen)
{
	struct gguf_tensor *t = &c->g->tensor[c->g->n_tensors];
	size_t at = 0, n = 0;
	int st;

	*t = (struct gguf_tensor){0};
	if (take_string(c, &at, &n) || check_name(c, at, n, sizeof t->name - 1, "tensor", seen))
		return c->why->status;
	memcpy(t->name, c->g->head.p + at, n);
	st = take_dims(c, t);
	if (!st)
		st = take_tensor_type(c, t);
	if (!st)
		st = take_u64(c, &t->offset);
	if (st == ST_INPUT && !strstr(c->why->text, c->g->path))
		fail_prefix(c->why, "%s: tensor %s", c->g->path, t->name);
	c->g->n_tensors += !st;
	return st;
}

static int take_tensors(struct cursor *c, uint64_t n)
{
	struct set seen = {0};
	size_t cap = 0;
	int st = 0;

	for (uint64_t i = 0; i < n && !st; i++) {
		if (i == cap) {
			cap = cap ? 2 * cap : 32;
			c->g->tensor = xgrow(c->g->tensor, cap, sizeof *c->g->tensor);
		}
		st = take_tensor(c, &seen);
	}
	set_free(&seen);
	return st;
}

/* ---- the layout ---- */

static uint64_t aligned(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* One behind the other, each at the next multiple: no hole, no overlap, no tail but padding. */
static int check_layout(struct gguf *g, uint64_t data, uint64_t align, struct reason *why)
{
	uint64_t room = g->size > data ? g->size - data : 0, at = 0, end = 0;

	for (size_t i = 0; i < g->n_tensors; i++) {
		struct gguf_tensor *t = &g->tensor[i];
		size_t bytes;

		if (t->offset != at)
			return fail(why, ST_INPUT,
				    "%s: tensor %s: its data begin at %llu, not at %llu behind "
				    "those of "
				    "the tensor before",
				    g->path, t->name, (unsigned long long)t->offset,
				    (unsigned long long)at);
		if (!size_mul(t->count / t->type->numbers, t->type->bytes, &bytes) || at > room ||
		    bytes > room - at)
			return fail(why, ST_INPUT, "%s: tensor %s: data beyond the end of the file",
				    g->path, t->name);
		end = at + bytes;
		at = aligned(end, align);
		t->offset += data;
	}
	if (room > at)
		return fail(why, ST_INPUT, "%s: %llu bytes after the last tensor", g->path,
			    (unsigned long long)(room - end));
	return 0;
}

static int check_alignment(const struct gguf *g, int64_t *align, struct reason *why)
{
	*align = GGUF_ALIGN;
	if (gguf_int(g, "general.alignment", 1, MAX_ALIGN, align, why))
		return ST_INPUT;
	if (*align & (*align - 1))
		return fail(why, ST_INPUT, "%s: general.alignment: %lld is not a power of 2",
			    g->path, (long long)*align);
	return 0;
}

static int check_whole(const struct gguf *g, struct reason *why)
{
	int64_t parts = 1;

	if (gguf_int(g, "split.count", 0, UINT16_MAX, &parts, why))
		return ST_INPUT;
	if (parts > 1)
		return fail(
			why, ST_INPUT,
			"%s: one of %lld parts of a model (llama-gguf-split --merge joins them)",
			g->path, (long long)parts);
	return 0;
}

/* ---- opening ---- */

static int take_counts(struct cursor *c, uint64_t *tensors, uint64_t *keys)
{
	struct gguf *g = c->g;
	uint32_t magic = 0, version = 0;

	if (take_u32(c, &magic))
		return c->why->status;
	if (memcmp(g->head.p, "GGUF", 4) != 0)
		return fail(c->why, ST_INPUT, "%s: does not begin with GGUF", g->path);
	if (take_u32(c, &version))
		return c->why->status;
	if (version != 2 && version != 3)
		return fail(c->why, ST_INPUT,
			    "%s: version %u is not supported, only 2 and 3, little-endian", g->path,
			    version);
	if (take_u64(c, tensors) || take_u64(c, keys))
		return c->why->status;
	if (*keys > (g->size - c->at) / LEAST_KEY || *tensors > (g->size - c->at) / LEAST_TENSOR)
		return fail(c->why, ST_INPUT,
			    "%s: %llu keys and %llu tensors, more than the file has room for",
			    g->path, (unsigned long long)*keys, (unsigned long long)*tensors);
	return 0;
}

static int read_head(struct gguf *g, struct reason *why)
{
	struct cursor c = {.g = g, .why = why};
	uint64_t tensors = 0, keys = 0;
	int64_t align;
	int st = take_counts(&c, &tensors, &keys);

	if (!st)
		st = take_keys(&c, keys);
	if (!st)
		st = check_whole(g, why);
	if (!st)
		st = check_alignment(g, &align, why);
	if (!st)
		st = take_tensors(&c, tensors);
	return st ? st : check_layout(g, aligned(c.at, (uint64_t)align), (uint64_t)align, why);
}

int gguf_open(struct gguf *g, const char *path, struct reason *why)
{
	struct reason local;
	struct stat sb;
	int st = 0;

	why = why ? why : &local;
	*g = (struct gguf){.path = xstrdup(path), .fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (g->fd < 0)
		st = errno == ENOENT ? fail(why, ST_INPUT, "%s: no such file", path)
				     : fail_errno(why, errno, "%s: open", path);
	else if (fstat(g->fd, &sb) != 0)
		st = fail_errno(why, errno, "%s", path);
	else if (!S_ISREG(sb.st_mode))
		st = fail(why, ST_INPUT, "%s: not a regular file", path);
	if (!st) {
		g->size = (uint64_t)sb.st_size;
		st = read_head(g, why);
	}
	if (st)
		gguf_close(g);
	return st;
}

void gguf_close(struct gguf *g)
{
	if (g->fd >= 0)
		close(g->fd);
	free(g->path);
	buf_free(&g->head);
	free(g->key);
	free(g->tensor);
	*g = (struct gguf){.fd = -1};
}

/* ---- keys ---- */

struct span gguf_name(const struct gguf *g, const struct gguf_key *k)
{
	return (struct span){g->head.p + k->name, k->n_name};
}

const struct gguf_key *gguf_find(const struct gguf *g, const char *name)
{
	for (size_t i = 0; i < g->n_keys; i++)
		if (span_is(gguf_name(g, &g->key[i]), name))
			return &g->key[i];
	return NULL;
}

static int wrong_type(const struct gguf *g, const char *name, const struct gguf_key *k,
		      const char *wanted, struct reason *why)
{
	return fail(why, ST_INPUT, "%s: %s: %s%s, not %s", g->path, name,
		    k->type == GGUF_ARRAY ? "a list of " : "", type_names[k->item], wanted);
}

/* A number of that type at p; *whole: it is an integer, and *i is it where it fits. */
static double number_at(enum gguf_type type, const char *p, bool *whole, int64_t *i)
{
	union {
		uint8_t u8;
		int8_t i8;
		uint16_t u16;
		int16_t i16;
		uint32_t u32;
		int32_t i32;
		uint64_t u64;
		int64_t i64;
		float f32;
		double f64;
	} v = {0};

	memcpy(&v, p, sizes[type]);
	*whole = true;
	switch (type) {
	case GGUF_BOOL:
	case GGUF_U8:
		*i = v.u8;
		break;
	case GGUF_I8:
		*i = v.i8;
		break;
	case GGUF_U16:
		*i = v.u16;
		break;
	case GGUF_I16:
		*i = v.i16;
		break;
	case GGUF_U32:
		*i = v.u32;
		break;
	case GGUF_I32:
		*i = v.i32;
		break;
	case GGUF_U64:
		*i = v.u64 > INT64_MAX ? INT64_MAX : (int64_t)v.u64;
		break;
	case GGUF_I64:
		*i = v.i64;
		break;
	default:
		*whole = false;
		return type == GGUF_F32 ? (double)v.f32 : v.f64;
	}
	return (double)*i;
}

static bool is_number(enum gguf_type type)
{
	return sizes[type] && type != GGUF_BOOL;
}

int gguf_int(const struct gguf *g, const char *name, int64_t lo, int64_t hi, int64_t *to,
	     struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);
	bool whole = false;
	int64_t v = 0;

	if (!k)
		return 0;
	if (is_number(k->type))
		number_at(k->type, g->head.p + k->at, &whole, &v);
	if (!whole)
		return wrong_type(g, name, k, "an integer", why);
	if (v < lo || v > hi)
		return fail(why, ST_INPUT, "%s: %s: %lld is not within %lld..%lld", g->path, name,
			    (long long)v, (long long)lo, (long long)hi);
	*to = v;
	return 0;
}

int gguf_real(const struct gguf *g, const char *name, double *to, struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);
	char text[FMT_ELEMENT + FMT_MAX + 1];
	bool whole;
	int64_t i;
	double v;

	if (!k)
		return 0;
	if (!is_number(k->type))
		return wrong_type(g, name, k, "a number", why);
	v = number_at(k->type, g->head.p + k->at, &whole, &i);
	if (!isfinite(v))
		return fail(why, ST_INPUT, "%s: %s: not finite", g->path, name);
	if (k->type == GGUF_F32) {
		text[fmt_f32_list(text, g->head.p + k->at, 1)] = '\0';
		v = strtod(text, NULL);
	}
	*to = v;
	return 0;
}

int gguf_bool(const struct gguf *g, const char *name, bool *to, struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_BOOL)
		return wrong_type(g, name, k, "a bool", why);
	*to = g->head.p[k->at] != 0;
	return 0;
}

int gguf_string(const struct gguf *g, const char *name, struct span *to, struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_STRING)
		return fail(why, ST_INPUT, "%s: %s: not a string", g->path, name);
	*to = (struct span){g->head.p + k->at, k->len};
	if (!utf8_valid(to->p, to->n))
		return fail(why, ST_INPUT, "%s: %s: not UTF-8", g->path, name);
	return 0;
}

int gguf_strings(const struct gguf *g, const char *name, struct span **v, size_t *n,
		 struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);
	const char *p;

	if (!k)
		return 0;
	if (k->type != GGUF_ARRAY || k->item != GGUF_STRING)
		return fail(why, ST_INPUT, "%s: %s: not a list of strings", g->path, name);
	*v = xarray(k->n + 1, sizeof **v); /* each takes 8 bytes of the file and more */
	*n = k->n;
	p = g->head.p + k->at;
	for (size_t i = 0; i < *n; i++) {
		uint64_t len;

		memcpy(&len, p, sizeof len);
		(*v)[i] = (struct span){p + sizeof len, len};
		p += sizeof len + len;
		if (!utf8_valid((*v)[i].p, len))
			return fail(why, ST_INPUT, "%s: %s: item %zu is not UTF-8", g->path, name,
				    i);
	}
	return 0;
}

int gguf_reals(const struct gguf *g, const char *name, double **v, size_t *n, struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, name);
	bool whole;
	int64_t i;

	if (!k)
		return 0;
	if (k->type != GGUF_ARRAY || !sizes[k->item])
		return fail(why, ST_INPUT, "%s: %s: not a list of numbers", g->path, name);
	*v = xarray(k->n + 1, sizeof **v);
	*n = k->n;
	for (size_t at = 0; at < *n; at++)
		(*v)[at] = number_at(k->item, g->head.p + k->at + at * sizes[k->item], &whole, &i);
	return 0;
}

static void show_number(enum gguf_type type, const char *p, struct buf *out)
{
	char text[FMT_ELEMENT + FMT_MAX];
	bool whole;
	int64_t i;
	double v;

	if (type == GGUF_BOOL) {
		buf_str(out, *p ? "true" : "false");
		return;
	}
	v = number_at(type, p, &whole, &i);
	if (whole)
		buf_printf(out, "%lld", (long long)i);
	else if (type == GGUF_F32 && isfinite(v))
		buf_add(out, text, fmt_f32_list(text, p, 1));
	else
		buf_printf(out, "%g", v);
}

void gguf_show(const struct gguf *g, const struct gguf_key *k, struct buf *out)
{
	const char *p = g->head.p + k->at;

	if (k->type == GGUF_STRING) {
		buf_add(out, p, k->len);
	} else if (k->type == GGUF_ARRAY && (!sizes[k->item] || k->n > SHOWN)) {
		buf_printf(out, "%llu of type %s", (unsigned long long)k->n, type_names[k->item]);
	} else {
		for (uint64_t i = 0; i < k->n; i++) {
			buf_str(out, i ? " " : "");
			show_number(k->item, p + i * sizes[k->item], out);
		}
	}
}

/* ---- tensors ---- */

const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name)
{
	for (size_t i = 0; i < g->n_tensors; i++)
		if (strcmp(g->tensor[i].name, name) == 0)
			return &g->tensor[i];
	return NULL;
}

int gguf_read(const struct gguf *g, const struct gguf_tensor *t, uint64_t first, size_t n,
	      float *to, struct reason *why)
{
	const struct quant *q = t->type;
	size_t most = CHUNK / q->numbers;
	uint8_t *bytes;
	int st = 0;

	assert(first % q->numbers == 0 && n % q->numbers == 0);
	assert(first <= t->count && n <= t->count - first);
	if (q->id == QUANT_F32)
		return read_at(g, to, n * sizeof *to, t->offset + first * sizeof *to, why);
	n /= q->numbers;
	first /= q->numbers;
	bytes = xarray(most < n ? most : n + 1, q->bytes);
	for (size_t i = 0, some; i < n && !st; i += some) {
		some = n - i < most ? n - i : most;
		st = read_at(g, bytes, some * q->bytes, t->offset + (first + i) * q->bytes, why);
		if (!st)
			q->widen(bytes, some, to + i * q->numbers);
	}
	free(bytes);
	return st;
}

bool gguf_same(const struct gguf *g, const struct gguf_tensor *a, const struct gguf_tensor *b)
{
	size_t step = CHUNK;
	float *v = xarray(step, sizeof *v), *w = xarray(step, sizeof *w);
	bool same = a->type == b->type && a->rank == b->rank &&
		    memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;

	for (uint64_t at = 0; same && at < a->count; at += step) {
		size_t n = a->count - at < step ? (size_t)(a->count - at) : step;

		same = !gguf_read(g, a, at, n, v, NULL) && !gguf_read(g, b, at, n, w, NULL) &&
		       memcmp(v, w, n * sizeof *v) == 0;
	}
	free(v);
	free(w);
	return same;
}
