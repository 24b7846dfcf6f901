/*
 * gguf.h - GGUF files, versions 2 and 3: keys with typed values, then tensors. Read and written.
 *
 * A file comes from strangers: every count, length, offset and size is checked against the file's
 * size before it is believed or memory is asked for. A duplicate key or name, a hole or an overlap,
 * bytes behind the last tensor, one part of a split model: refused.
 */
#ifndef POLICY_GGUF_H
#define POLICY_GGUF_H

#include "base/io.h"
#include "tensor/quant.h"

#include <stdbool.h>

enum { GGUF_MAX_RANK = 4, GGUF_MAX_NAME = 64, GGUF_ALIGN = 32 };

enum gguf_type {
	GGUF_U8,
	GGUF_I8,
	GGUF_U16,
	GGUF_I16,
	GGUF_U32,
	GGUF_I32,
	GGUF_F32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_U64,
	GGUF_I64,
	GGUF_F64,
	GGUF_TYPES
};

struct gguf_key {
	size_t name, n_name;       /* bytes of the head */
	enum gguf_type type, item; /* item: of an ARRAY */
	uint64_t n;                /* items of an ARRAY */
	size_t at, len;            /* the value's bytes; of a STRING without its length */
};

struct gguf_tensor {
	char name[GGUF_MAX_NAME];
	const struct quant *type;
	int rank;
	uint64_t dim[GGUF_MAX_RANK]; /* fastest first: a row's length is dim[0] */
	uint64_t count;              /* product of dim */
	uint64_t offset;             /* of the data in the file */
};

struct gguf {
	char *path;
	int fd;
	uint64_t size;   /* of the file */
	struct buf head; /* what stands before the data, and perhaps some of it */
	struct gguf_key *key;
	size_t n_keys;
	struct gguf_tensor *tensor; /* in the order of the file */
	size_t n_tensors;
};

int gguf_open(struct gguf *g, const char *path, struct reason *why);
void gguf_close(struct gguf *g);

/* ---- keys: where one is absent, 0, and what the result goes to stays as it is; another type than
 * the one asked for: ST_INPUT naming file and key ---- */
const struct gguf_key *gguf_find(const struct gguf *g, const char *name); /* NULL: absent */
struct span gguf_name(const struct gguf *g, const struct gguf_key *k);
int gguf_int(const struct gguf *g, const char *name, int64_t lo, int64_t hi, int64_t *to,
	     struct reason *why);
/* An F32 as the shortest decimal that means it: 1e-05 and not 9.99999975e-06 */
int gguf_real(const struct gguf *g, const char *name, double *to, struct reason *why);
int gguf_bool(const struct gguf *g, const char *name, bool *to, struct reason *why);
/* UTF-8; lives as long as g */
int gguf_string(const struct gguf *g, const char *name, struct span *to, struct reason *why);
/* A list of strings (UTF-8, each lives as long as g) or of numbers (a
 * bool is 0 or 1); *v is the caller's to free. */
int gguf_strings(const struct gguf *g, const char *name, struct span **v, size_t *n,
		 struct reason *why);
int gguf_reals(const struct gguf *g, const char *name, double **v, size_t *n, struct reason *why);
/* A value in words, for people: a list by its length, or its items where they are few */
void gguf_show(const struct gguf *g, const struct gguf_key *k, struct buf *out);

/* ---- tensors ---- */
const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name); /* NULL: absent */
/* n numbers from the one at first on, as floats; both are multiples of the type's block. */
int gguf_read(const struct gguf *g, const struct gguf_tensor *t, uint64_t first, size_t n,
	      float *to, struct reason *why);
/* Have they the same type, shape and numbers? False, too, where they cannot be read. */
bool gguf_same(const struct gguf *g, const struct gguf_tensor *a, const struct gguf_tensor *b);

/* ---- writing: version 3 ---- */
struct gguf_meta {
	struct buf b;
	uint64_t n;
}; /* zero-initialise; free b with buf_free */
void gguf_put_u32(struct gguf_meta *m, const char *key, uint32_t v);
void gguf_put_f32(struct gguf_meta *m, const char *key, double v);
void gguf_put_bool(struct gguf_meta *m, const char *key, bool v);
void gguf_put_string(struct gguf_meta *m, const char *key, struct span v);
void gguf_put_strings(struct gguf_meta *m, const char *key, const struct span *v, size_t n);
void gguf_put_bools(struct gguf_meta *m, const char *key, const bool *v, size_t n);
void gguf_put_i32s(struct gguf_meta *m, const char *key, const int32_t *v, size_t n);
void gguf_put_f32s(struct gguf_meta *m, const char *key, const float *v, size_t n);

/* One tensor to write: F32, F16, BF16 or Q8_0 (whole blocks a row) */
struct gguf_item {
	const char *name;
	const struct quant *type;
	int rank;
	uint64_t shape[2]; /* rows, columns; rank 1: numbers, and 1 */
};
/* What was lost by rounding */
struct gguf_loss {
	uint64_t numbers, rounded; /* all; those that the file does not have as they are */
	double norm, error; /* squares of the numbers, and of what rounding changed, summed */
};
/* Rows first .. first + n of item i; a status, with the reason. */
typedef int gguf_rows(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why);
/* Writes a whole file through o; loss may be NULL. ST_INPUT naming a number that is not finite in
 * its type. */
int gguf_write(struct out *o, const struct gguf_meta *m, const struct gguf_item *v, size_t n,
	       gguf_rows *rows, void *ctx, struct gguf_loss *loss, struct reason *why);
/* n numbers, whole blocks, as bytes of that type: to nearest, ties to even; adds to *loss (may be
 * NULL). Returns the first that is not finite there, or n. */
size_t gguf_encode(const struct quant *type, const float *v, size_t n, uint8_t *to,
		   struct gguf_loss *loss);

#endif
