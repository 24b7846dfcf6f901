/* safetensors.c - reading tensors. See safetensors.h. */
#include "policy/safetensors.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tensor/half.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors on disk are little-endian; numbers are copied as they are"
#endif

enum {
	MAX_HEADER = 100000000, /* the format's own limit */
	CHUNK = 1 << 18,        /* numbers converted at a time */
};

const struct sft_format sft_formats[SFT_DTYPES] = {
	[SFT_F32] = {"F32", 4}, [SFT_F16] = {"F16", 2}, [SFT_BF16] = {"BF16", 2}};

/* One file while its header is read. */
struct shard {
	const char *path;
	int fd, index;
	uint64_t size, data; /* of the file; where its data begins */
};

static int read_at(int fd, const char *path, void *to, size_t n, uint64_t at, struct reason *why)
{
	char *p = to;

	while (n) {
		ssize_t r = pread(fd, p, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return fail_errno(why, errno, "%s: read at byte %llu", path,
					  (unsigned long long)at);
		if (r == 0)
			return fail(why, ST_INPUT, "%s: ends at byte %llu, shorter than at first",
				    path, (unsigned long long)at);
		p += r;
		at += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

/* Is this no weight, but what older writers stored with them? */
static bool is_buffer(const char *name)
{
	static const char *const ends[] = {"inv_freq",       "original_inv_freq", "cos_cached",
					   "sin_cached",     "masked_bias",       "causal_mask",
					   "attn_mask",      "attn.bias",         "attention.bias",
					   "self_attn.bias", "attention_mask",    "position_ids"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t k = strlen(ends[i]);

		if (k <= n && strcmp(name + n - k, ends[i]) == 0 &&
		    (k == n || name[n - k - 1] == '.'))
			return true;
	}
	return false;
}

/* Bytes of a number of a type that weights do not have; 0: unknown */
static size_t foreign_size(const char *dtype)
{
	static const struct sft_format others[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"U16", 2},
						   {"I16", 2},  {"U32", 4}, {"I32", 4}, {"U64", 8},
						   {"I64", 8},  {"F64", 8}};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(dtype, others[i].name) == 0)
			return others[i].size;
	return 0;
}

static int parse_dtype(struct sft_tensor *t, const json_t *v, size_t *size, struct reason *why)
{
	const char *s = json_string_value(v);

	if (!s)
		return fail(why, ST_INPUT, "dtype is missing or not a string");
	for (int i = 0; i < SFT_DTYPES; i++)
		if (strcmp(s, sft_formats[i].name) == 0) {
			t->dtype = (enum sft_dtype)i;
			*size = sft_formats[i].size;
			return 0;
		}
	if (is_buffer(t->name) && (*size = foreign_size(s)))
		return 0;
	return fail(why, ST_INPUT, "dtype %.40s is not supported, only F32, F16 and BF16", s);
}

static int parse_shape(struct sft_tensor *t, const json_t *v, struct reason *why)
{
	const json_t *dim;
	size_t i, count = 1;

	if (!json_is_array(v))
		return fail(why, ST_INPUT, "shape is missing or not a list");
	if (json_array_size(v) > SFT_MAX_RANK)
		return fail(why, ST_INPUT, "rank %zu is above %d", json_array_size(v),
			    SFT_MAX_RANK);
	t->rank = (int)json_array_size(v);
	json_array_foreach(v, i, dim)
	{
		if (!json_is_integer(dim) || json_integer_value(dim) < 0)
			return fail(why, ST_INPUT, "shape[%zu] is not a size", i);
		t->shape[i] = (uint64_t)json_integer_value(dim);
		if (!size_mul(count, t->shape[i], &count))
			return fail(why, ST_INPUT, "the product of the shape overflows");
	}
	t->count = count;
	return 0;
}

/* Sets offset and checks it against the file and the shape. */
static int parse_offsets(struct sft_tensor *t, const json_t *v, size_t size, const struct shard *s,
			 struct reason *why)
{
	const json_t *b = json_array_get(v, 0), *e = json_array_get(v, 1);
	uint64_t begin, end, room = s->size - s->data;
	size_t bytes;

	if (json_array_size(v) != 2 || !json_is_integer(b) || !json_is_integer(e) ||
	    json_integer_value(b) < 0 || json_integer_value(e) < 0)
		return fail(why, ST_INPUT, "data_offsets is not a pair of sizes");
	begin = (uint64_t)json_integer_value(b);
	end = (uint64_t)json_integer_value(e);
	if (begin > end)
		return fail(why, ST_INPUT, "data_offsets: %llu comes after %llu",
			    (unsigned long long)begin, (unsigned long long)end);
	if (end > room)
		return fail(why, ST_INPUT, "data_offsets: %llu lies beyond the file's %llu bytes",
			    (unsigned long long)end, (unsigned long long)room);
	if (!size_mul(t->count, size, &bytes) || end - begin != bytes)
		return fail(why, ST_INPUT,
			    "data_offsets span %llu bytes, the shape asks for another size",
			    (unsigned long long)(end - begin));
	t->offset = s->data + begin;
	t->bytes = bytes;
	return 0;
}

static int parse_entry(struct sft_tensor *t, const json_t *v, const struct shard *s,
		       struct reason *why)
{
	size_t size = 0;
	int st = 0;

	if (!json_is_object(v))
		st = fail(why, ST_INPUT, "not an object");
	if (!st)
		st = parse_dtype(t, json_object_get(v, "dtype"), &size, why);
	if (!st)
		st = parse_shape(t, json_object_get(v, "shape"), why);
	return st ? st : parse_offsets(t, json_object_get(v, "data_offsets"), size, s, why);
}

static int check_metadata(const json_t *v, struct reason *why)
{
	const json_t *item;
	const char *key;

	if (!json_is_object(v))
		return fail(why, ST_INPUT, "__metadata__: not an object");
	json_object_foreach((json_t *)v, key, item) if (!json_is_string(item)) return fail(
		why, ST_INPUT, "__metadata__: %.80s: not a string", key);
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct sft_tensor *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->count > y->count) - (x->count < y->count);
}

static int by_name(const void *a, const void *b)
{
	const struct sft_tensor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* No hole, no overlap, no tail: v holds all tensors of one file. */
static int check_layout(struct sft_tensor *v, size_t n, const struct shard *s, struct reason *why)
{
	uint64_t at = s->data;

	if (n)
		qsort(v, n, sizeof *v, by_offset);
	for (size_t i = 0; i < n; i++) {
		if (v[i].offset != at)
			return fail(why, ST_INPUT, "%s: tensor %.100s: data begins %s", s->path,
				    v[i].name,
				    v[i].offset < at ? "inside another tensor (overlap)"
						     : "after bytes of no tensor (hole)");
		at += v[i].bytes;
	}
	if (at != s->size)
		return fail(why, ST_INPUT, "%s: %llu bytes after the last tensor", s->path,
			    (unsigned long long)(s->size - at));
	return 0;
}

/* Those from `first` on that are no weights go. */
static void drop_buffers(struct sft_file *f, size_t first)
{
	size_t n = first;

	for (size_t i = first; i < f->n; i++)
		if (is_buffer(f->v[i].name))
			free(f->v[i].name);
		else
			f->v[n++] = f->v[i];
	f->n = n;
}

/* Adds the tensors that the header j names. */
static int add_tensors(struct sft_file *f, const json_t *j, const struct shard *s,
		       struct reason *why)
{
	size_t first = f->n;
	const json_t *v;
	const char *key;

	f->v = xgrow(f->v, f->n + json_object_size(j), sizeof *f->v);
	json_object_foreach((json_t *)j, key, v)
	{
		struct sft_tensor *t = &f->v[f->n];

		if (strcmp(key, "__metadata__") == 0) {
			if (check_metadata(v, why)) {
				fail_prefix(why, "%s", s->path);
				return ST_INPUT;
			}
			continue;
		}
		*t = (struct sft_tensor){.name = xstrdup(key), .file = s->index};
		f->n++;
		if (parse_entry(t, v, s, why)) {
			fail_prefix(why, "%s: tensor %.100s", s->path, key);
			return ST_INPUT;
		}
	}
	if (check_layout(f->v + first, f->n - first, s, why))
		return ST_INPUT;
	drop_buffers(f, first);
	return 0;
}

/* The header's text, at most what the file and the format allow. */
static int read_header(struct shard *s, struct buf *text, struct reason *why)
{
	uint64_t n;
	struct stat sb;
	int st;

	if (fstat(s->fd, &sb) != 0)
		return fail_errno(why, errno, "%s", s->path);
	if (!S_ISREG(sb.st_mode))
		return fail(why, ST_INPUT, "%s: not a regular file", s->path);
	s->size = (uint64_t)sb.st_size;
	if (s->size < sizeof n)
		return fail(why, ST_INPUT, "%s: %llu bytes, too short for a header's length",
			    s->path, (unsigned long long)s->size);
	st = read_at(s->fd, s->path, &n, sizeof n, 0, why);
	if (st)
		return st;
	if (memcmp(&n, "version ", sizeof n) == 0)
		return fail(why, ST_INPUT,
			    "%s: a pointer of Git LFS, not the weights (git lfs pull gets them)",
			    s->path);
	if (n > MAX_HEADER || n > s->size - sizeof n)
		return fail(why, ST_INPUT, "%s: header of %llu bytes, %s", s->path,
			    (unsigned long long)n,
			    n > MAX_HEADER ? "above the format's limit of 100000000"
					   : "more than the file holds");
	s->data = sizeof n + n;
	buf_reserve(text, n + 1);
	text->n = n;
	st = read_at(s->fd, s->path, text->p, n, sizeof n, why);
	if (st)
		return st;
	if (!n || text->p[0] != '{')
		return fail(why, ST_INPUT, "%s: the header does not begin with {", s->path);
	return 0;
}

static int open_shard(struct sft_file *f, const char *path, struct reason *why)
{
	struct shard s = {.index = f->n_files};
	struct buf text = {0};
	json_t *j = NULL;
	int st = file_check_plain(path, why);

	if (st)
		return st;

	f->fd = xgrow(f->fd, (size_t)f->n_files + 1, sizeof *f->fd);
	f->path = xgrow(f->path, (size_t)f->n_files + 1, sizeof *f->path);
	s.path = f->path[f->n_files] = xstrdup(path);
	s.fd = f->fd[f->n_files] = open(path, O_RDONLY | O_CLOEXEC);
	f->n_files++;
	if (s.fd < 0)
		return errno == ENOENT ? fail(why, ST_INPUT, "%s: no such file", path)
				       : fail_errno(why, errno, "%s: open", path);
	st = read_header(&s, &text, why);
	if (!st) {
		j = json_parse(text.p, text.n, path, why);
		st = j ? 0 : ST_INPUT;
	}
	if (!st)
		st = add_tensors(f, j, &s, why);
	json_decref(j);
	buf_free(&text);
	return st;
}

/* The position of a shard among the files opened, or -1. */
static int shard_index(const struct sft_file *f, const char *path)
{
	for (int i = 0; i < f->n_files; i++)
		if (strcmp(f->path[i], path) == 0)
			return i;
	return -1;
}

static int open_shards(struct sft_file *f, const char *dir, const json_t *map, struct reason *why)
{
	const json_t *v;
	const char *key;

	json_object_foreach((json_t *)map, key, v)
	{
		const char *name = json_string_value(v);
		char *path;
		int st = 0;

		if (!name || strchr(name, '/') || !*name)
			return fail(why, ST_INPUT, "weight_map: %.100s: not a file's name", key);
		path = xasprintf("%s/%s", dir, name);
		if (shard_index(f, path) < 0)
			st = open_shard(f, path, why);
		free(path);
		if (st)
			return st;
	}
	return 0;
}

/* The map and the files must tell the same story. */
static int check_map(const struct sft_file *f, const char *dir, const json_t *map,
		     struct reason *why)
{
	const json_t *v;
	const char *key;

	for (size_t i = 0; i + 1 < f->n; i++)
		if (strcmp(f->v[i].name, f->v[i + 1].name) == 0)
			return fail(why, ST_INPUT, "tensor %.100s: in two files", f->v[i].name);
	json_object_foreach((json_t *)map, key, v)
	{
		const struct sft_tensor *t = sft_find(f, key);
		char *path = xasprintf("%s/%s", dir, json_string_value(v));
		bool there = is_buffer(key) || (t && t->file == shard_index(f, path));

		free(path);
		if (!there)
			return fail(why, ST_INPUT, "tensor %.100s: not in %.100s", key,
				    json_string_value(v));
	}
	for (size_t i = 0; i < f->n; i++)
		if (!json_object_get(map, f->v[i].name))
			return fail(why, ST_INPUT, "tensor %.100s: not in weight_map",
				    f->v[i].name);
	return 0;
}

static void sort_names(struct sft_file *f)
{
	if (f->n)
		qsort(f->v, f->n, sizeof *f->v, by_name);
}

static int open_index(struct sft_file *f, const char *dir, const char *path, struct reason *why)
{
	struct reason local;
	json_t *j = json_load(path, MAX_HEADER, why = why ? why : &local);
	const json_t *map = json_object_get(j, "weight_map");
	int st;

	if (!j)
		return why->status;
	st = json_is_object(map) ? open_shards(f, dir, map, why)
				 : fail(why, ST_INPUT, "%s: weight_map is missing", path);
	if (!st) {
		sort_names(f);
		st = check_map(f, dir, map, why);
		if (st)
			fail_prefix(why, "%s", path);
	}
	json_decref(j);
	return st;
}

int sft_open_file(struct sft_file *f, const char *path, struct reason *why)
{
	int st;

	*f = (struct sft_file){0};
	st = open_shard(f, path, why);
	sort_names(f);
	if (st)
		sft_close(f);
	return st;
}

int sft_open(struct sft_file *f, const char *dir, struct reason *why)
{
	char *one = xasprintf("%s/model.safetensors", dir);
	char *index = xasprintf("%s/model.safetensors.index.json", dir);
	int st;

	if (access(one, F_OK) != 0 && access(index, F_OK) == 0) {
		*f = (struct sft_file){0};
		st = open_index(f, dir, index, why);
		if (st)
			sft_close(f);
	} else {
		st = sft_open_file(f, one, why);
	}
	free(one);
	free(index);
	return st;
}

const struct sft_tensor *sft_find(const struct sft_file *f, const char *name)
{
	struct sft_tensor key = {.name = (char *)name};

	return f->n ? bsearch(&key, f->v, f->n, sizeof *f->v, by_name) : NULL;
}

int sft_rename(struct sft_file *f, const char *end, const char *by, struct reason *why)
{
	size_t k = strlen(end);

	for (size_t i = 0; i < f->n; i++) {
		char *old = f->v[i].name;
		size_t n = strlen(old);

		if (n < k || strcmp(old + n - k, end) != 0)
			continue;
		f->v[i].name = xasprintf("%.*s%s", (int)(n - k), old, by);
		free(old);
	}
	sort_names(f);
	for (size_t i = 0; i + 1 < f->n; i++)
		if (strcmp(f->v[i].name, f->v[i + 1].name) == 0)
			return fail(why, ST_INPUT, "tensor %.100s: under two names", f->v[i].name);
	return 0;
}

int sft_read(const struct sft_file *f, const struct sft_tensor *t, float *dst, struct reason *why)
{
	return sft_read_part(f, t, 0, t->count, dst, why);
}

int sft_read_part(const struct sft_file *f, const struct sft_tensor *t, uint64_t first, uint64_t n,
		  float *dst, struct reason *why)
{
	const char *path = f->path[t->file];
	uint64_t size = sft_formats[t->dtype].size, at = t->offset + first * size;
	int fd = f->fd[t->file], st = 0;
	uint16_t *half;

	if (t->dtype == SFT_F32)
		return read_at(fd, path, dst, n * size, at, why);
	half = xarray(CHUNK, sizeof *half);
	for (uint64_t i = 0; i < n && !st; i += CHUNK) {
		size_t part = n - i < CHUNK ? n - i : CHUNK;

		st = read_at(fd, path, half, part * size, at + i * size, why);
		if (!st)
			(t->dtype == SFT_F16 ? half_floats_f16 : half_floats_bf16)(dst + i, half,
										   part);
	}
	free(half);
	return st;
}

void sft_close(struct sft_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].name);
	for (int i = 0; i < f->n_files; i++) {
		if (f->fd[i] >= 0)
			close(f->fd[i]);
		free(f->path[i]);
	}
	free(f->v);
	free(f->fd);
	free(f->path);
	*f = (struct sft_file){0};
}
