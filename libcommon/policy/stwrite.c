/* stwrite.c - writing tensors. See safetensors.h. */
#include "policy/safetensors.h"
#include "base/mem.h"
#include "stream/json.h"
#include "tensor/half.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18 }; /* numbers converted at a time */

static int items_by_name(const void *a, const void *b)
{
	const struct st_item *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static size_t item_count(const struct st_item *t)
{
	size_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= t->shape[i];
	return n;
}

static void add_header(struct buf *b, const struct st_item *const *v, size_t n, enum st_dtype dtype)
{
	size_t at = 0;

	buf_str(b, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (size_t i = 0; i < n; i++) {
		size_t end = at + item_count(v[i]) * st_formats[dtype].size;

		buf_char(b, ',');
		json_string_to(b, v[i]->name, strlen(v[i]->name));
		buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", st_formats[dtype].name);
		for (int k = 0; k < v[i]->rank; k++)
			buf_printf(b, k ? ",%llu" : "%llu", (unsigned long long)v[i]->shape[k]);
		buf_printf(b, "],\"data_offsets\":[%zu,%zu]}", at, end);
		at = end;
	}
	buf_char(b, '}');
	while (b->n % 8)
		buf_char(b, ' ');
}

static void write_half(struct out *o, const float *v, size_t n, enum st_dtype dtype)
{
	uint16_t *half = xarray(CHUNK, sizeof *half);

	for (size_t i = 0; i < n; i += CHUNK) {
		size_t part = n - i < CHUNK ? n - i : CHUNK;

		for (size_t k = 0; k < part; k++)
			half[k] = dtype == ST_F16 ? half_to_f16(v[i + k]) : half_to_bf16(v[i + k]);
		out_write(o, half, part * sizeof *half);
	}
	free(half);
}

static void write_numbers(struct out *o, const float *v, size_t n, enum st_dtype dtype)
{
	if (dtype == ST_F32)
		out_write(o, v, n * sizeof *v);
	else
		write_half(o, v, n, dtype);
}

/* A tensor that is made as it is written, about CHUNK numbers at a time */
static void write_rows(struct out *o, const struct st_item *items, size_t item, enum st_dtype dtype,
		       st_rows *fn, const void *ctx)
{
	const struct st_item *t = &items[item];
	size_t rows = t->shape[0], k = item_count(t) / rows, step = k < CHUNK ? CHUNK / k : 1;
	float *part = xarray(step * k, sizeof *part);

	for (size_t i = 0; i < rows; i += step) {
		size_t n = rows - i < step ? rows - i : step;

		fn(ctx, item, i, n, part);
		write_numbers(o, part, n * k, dtype);
	}
	free(part);
}

void st_write(struct out *o, const struct st_item *items, size_t n, enum st_dtype dtype)
{
	st_write_made(o, items, n, dtype, NULL, NULL);
}

void st_write_made(struct out *o, const struct st_item *items, size_t n, enum st_dtype dtype,
		   st_rows *rows, const void *ctx)
{
	const struct st_item **v = xarray(n + 1, sizeof *v);
	struct buf header = {0};
	uint64_t len;

	for (size_t i = 0; i < n; i++)
		v[i] = &items[i];
	qsort(v, n, sizeof *v, items_by_name);
	add_header(&header, v, n, dtype);
	len = header.n;
	out_write(o, &len, sizeof len);
	out_write(o, header.p, header.n);
	for (size_t i = 0; i < n; i++)
		if (v[i]->data)
			write_numbers(o, v[i]->data, item_count(v[i]), dtype);
		else
			write_rows(o, items, (size_t)(v[i] - items), dtype, rows, ctx);
	buf_free(&header);
	free(v);
}
