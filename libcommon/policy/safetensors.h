/*
 * safetensors.h - read and write model.safetensors (also sharded). All validity rules are checked
 * before a byte of data is believed: see safetensors' own format document.
 */
#ifndef POLICY_SAFETENSORS_H
#define POLICY_SAFETENSORS_H

#include "base/io.h"

#include <stdbool.h>

enum sft_dtype { SFT_F32, SFT_F16, SFT_BF16 };
enum { SFT_DTYPES = 3, SFT_MAX_RANK = 8 };

extern const struct sft_format {
	const char *name; /* in the header */
	size_t size;      /* bytes of a number */
} sft_formats[SFT_DTYPES];

struct sft_tensor {
	char *name;
	enum sft_dtype dtype;
	int rank;
	uint64_t shape[SFT_MAX_RANK];
	uint64_t count;  /* product of shape */
	uint64_t offset; /* of the data in its file */
	uint64_t bytes;  /* of it */
	int file;        /* index into sft_file.fd: 0 unless sharded */
};

struct sft_file {
	struct sft_tensor *v; /* sorted by name */
	size_t n;
	int *fd; /* one per shard */
	char **path;
	int n_files;
};

/* Opens DIR/model.safetensors, or DIR/model.safetensors.index.json and its shards. What older
 * writers stored beside weights (tables of the rotary embedding, masks, positions), in whatever
 * type, is left out. */
int sft_open(struct sft_file *f, const char *dir, struct reason *why);
int sft_open_file(struct sft_file *f, const char *path, struct reason *why);
const struct sft_tensor *sft_find(const struct sft_file *f, const char *name); /* NULL: not there */
/* Names that end in `end` end in `by` from now on: ST_INPUT when two are the same then. */
int sft_rename(struct sft_file *f, const char *end, const char *by, struct reason *why);
/* Reads tensor t as float32 into dst[0..t->count), converting F16 and BF16; or n numbers of it from
 * the one at `first` on. */
int sft_read(const struct sft_file *f, const struct sft_tensor *t, float *dst, struct reason *why);
int sft_read_part(const struct sft_file *f, const struct sft_tensor *t, uint64_t first, uint64_t n,
		  float *dst, struct reason *why);
void sft_close(struct sft_file *f);

/* One tensor to write: data is float32, rounded where dtype is smaller: to nearest even, or up or
 * down at random, so that the mean stays, where key is not 0 (see rng.h). */
struct sft_item {
	const char *name;
	int rank;
	uint64_t shape[SFT_MAX_RANK];
	const float *data; /* NULL: see sft_write_made */
	enum sft_dtype dtype;
	uint64_t key;
};
/* Writes a whole file through o: header aligned to 8, tensors ordered by name; metadata
 * {"format":"pt"}. ST_INPUT naming the first number that is not finite in that type (too large for
 * it, or not before): the file is whole, but no sft_read should believe it. */
int sft_write(struct out *o, const struct sft_item *items, size_t n, enum sft_dtype dtype,
	      struct reason *why); /* all as dtype, to nearest */
/* Where items have no data, they are made as they are written: rows first .. first + n of item i.
 */
typedef void sft_rows(const void *ctx, size_t i, size_t first, size_t n, float *to);
int sft_write_made(struct out *o, const struct sft_item *items, size_t n, sft_rows *rows,
		   const void *ctx, struct reason *why);
/* What n numbers become in a file, the first being the at-th of its tensor; 16-bit types only. */
void sft_round(const float *v, size_t n, enum sft_dtype dtype, uint64_t key, uint64_t at,
	       uint16_t *half);
float sft_widen(enum sft_dtype dtype, uint16_t half); /* and back */
/* Would none of them be changed by that? */
bool sft_exact(const float *v, size_t n, enum sft_dtype dtype);

#endif
