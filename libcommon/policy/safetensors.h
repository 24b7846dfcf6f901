/*
 * safetensors.h - read and write model.safetensors (also sharded). All validity rules are checked
 * before a byte of data is believed: see safetensors' own format document.
 */
#ifndef POLICY_SAFETENSORS_H
#define POLICY_SAFETENSORS_H

#include "base/io.h"

#include <stdbool.h>

enum st_dtype { ST_F32, ST_F16, ST_BF16 };
enum { ST_DTYPES = 3, ST_MAX_RANK = 8 };

extern const struct st_format {
	const char *name; /* in the header */
	size_t size;      /* bytes of a number */
} st_formats[ST_DTYPES];

struct st_tensor {
	char *name;
	enum st_dtype dtype;
	int rank;
	uint64_t shape[ST_MAX_RANK];
	uint64_t count;  /* product of shape */
	uint64_t offset; /* of the data in its file */
	int file;        /* index into st_file.fd: 0 unless sharded */
};

struct st_file {
	struct st_tensor *v; /* sorted by name */
	size_t n;
	int *fd; /* one per shard */
	char **path;
	int n_files;
};

/* Opens DIR/model.safetensors, or DIR/model.safetensors.index.json and its shards. */
int st_open(struct st_file *f, const char *dir, struct reason *why);
int st_open_file(struct st_file *f, const char *path, struct reason *why);
const struct st_tensor *st_find(const struct st_file *f, const char *name); /* NULL: not there */
/* Reads tensor t as float32 into dst[0..t->count), converting F16 and BF16; or n numbers of it from
 * the one at `first` on. */
int st_read(const struct st_file *f, const struct st_tensor *t, float *dst, struct reason *why);
int st_read_part(const struct st_file *f, const struct st_tensor *t, uint64_t first, uint64_t n,
		 float *dst, struct reason *why);
void st_close(struct st_file *f);

/* One tensor to write: data is float32, rounded where dtype is smaller: to nearest even, or up or
 * down at random, so that the mean stays, where key is not 0 (see rng.h). */
struct st_item {
	const char *name;
	int rank;
	uint64_t shape[ST_MAX_RANK];
	const float *data; /* NULL: see st_write_made */
	enum st_dtype dtype;
	uint64_t key;
};
/* Writes a whole file through o: header aligned to 8, tensors ordered by name; metadata
 * {"format":"pt"}. ST_INPUT naming the first number that is not finite in that type (too large for
 * it, or not before): the file is whole, but no st_read should believe it. */
int st_write(struct out *o, const struct st_item *items, size_t n, enum st_dtype dtype,
	     struct reason *why); /* all as dtype, to nearest */
/* Where items have no data, they are made as they are written: rows first .. first + n of item i.
 */
typedef void st_rows(const void *ctx, size_t i, size_t first, size_t n, float *to);
int st_write_made(struct out *o, const struct st_item *items, size_t n, st_rows *rows,
		  const void *ctx, struct reason *why);
/* What n numbers become in a file, the first being the at-th of its tensor; 16-bit types only. */
void st_round(const float *v, size_t n, enum st_dtype dtype, uint64_t key, uint64_t at,
	      uint16_t *half);
float st_widen(enum st_dtype dtype, uint16_t half); /* and back */
/* Would none of them be changed by that? */
bool st_exact(const float *v, size_t n, enum st_dtype dtype);

#endif
