/* sftwrite.c - writing tensors. See safetensors.h. */
#include "base/json.h"
#include "policy/safetensors.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tensor/half.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18 }; /* numbers converted at a time */

static int items_by_name(const void *a, const void *b)
{
	const struct sft_item *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static size_t item_count(const struct sft_item *t)
{
	size_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= t->shape[i];
	return n;
}

static void add_header(struct buf *b, const struct sft_item *const *v, size_t n)
{
	size_t at = 0;

	buf_str(b, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (size_t i = 0; i < n; i++) {
		const struct sft_format *f = &sft_formats[v[i]->dtype];
		size_t end = at + item_count(v[i]) * f->size;

		buf_char(b, ',');
		json_string_to(b, v[i]->name, strlen(v[i]->name));
		buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", f->name);
		for (int k = 0; k < v[i]->rank; k++)
			buf_printf(b, k ? ",%llu" : "%llu", (unsigned long long)v[i]->shape[k]);
		buf_printf(b, "],\"data_offsets\":[%zu,%zu]}", at, end);
		at = end;
	}
	buf_char(b, '}');
	while (b->n % 8)
		buf_char(b, ' ');
}

/* One file while it is written */
struct writing {
	struct out *o;
	uint64_t at; /* numbers of the present tensor that are written */
	int status;
	struct reason *why;
};

/* The first of n numbers that is not finite in the file, or n. half: what 16-bit types hold. */
static size_t count_finite(enum sft_dtype dtype, const float *v, const uint16_t *half, size_t n)
{
	uint16_t top = dtype == SFT_F16 ? 0x7c00 : 0x7f80; /* of infinities and NaN */
	size_t i = 0;

	if (dtype == SFT_F32)
		while (i < n && isfinite(v[i]))
			i++;
	else
		while (i < n && (half[i] & top) != top)
			i++;
	return i;
}

float sft_widen(enum sft_dtype dtype, uint16_t half)
{
	return dtype == SFT_F16 ? half_from_f16(half) : half_from_bf16(half);
}

/* Of the two neighbours of v, each with the probability of how near v is to it; u: in [0, 1). The
 * one away from 0 has the next greater bits. */
static uint16_t round_at_random(enum sft_dtype dtype, float v, double u)
{
	uint16_t low = dtype == SFT_F16 ? half_to_f16(v) : half_to_bf16(v);
	double a = fabs((double)v), at = fabs((double)sft_widen(dtype, low)), next;

	if (at == a || !isfinite(at))
		return low;
	if (at > a)
		at = fabs((double)sft_widen(dtype, --low));
	next = fabs((double)sft_widen(dtype, (uint16_t)(low + 1)));
	return (uint16_t)(low + (u < (a - at) / (next - at)));
}

void sft_round(const float *v, size_t n, enum sft_dtype dtype, uint64_t key, uint64_t at,
	       uint16_t *half)
{
	for (size_t i = 0; i < n && key; i++)
		half[i] = round_at_random(dtype, v[i], rng_uniform(key, at + i));
	for (size_t i = 0; i < n && !key && dtype == SFT_F16; i++)
		half[i] = half_to_f16(v[i]);
	for (size_t i = 0; i < n && !key && dtype == SFT_BF16; i++)
		half[i] = half_to_bf16(v[i]);
}

bool sft_exact(const float *v, size_t n, enum sft_dtype dtype)
{
	for (size_t i = 0; i < n && dtype != SFT_F32; i++) {
		uint16_t half = 0;
		float back;

		sft_round(v + i, 1, dtype, 0, 0, &half);
		back = sft_widen(dtype, half);
		if (memcmp(&back, v + i, sizeof back) != 0)
			return false;
	}
	return true;
}

static void write_numbers(struct writing *w, const struct sft_item *t, const float *v, size_t n)
{
	const struct sft_format *f = &sft_formats[t->dtype];
	bool wide = t->dtype == SFT_F32;
	uint16_t *half = wide ? NULL : xarray(CHUNK, sizeof *half);
	size_t part, ok;

	for (size_t i = 0; i < n; i += part, w->at += part) {
		part = n - i < CHUNK ? n - i : CHUNK;
		if (!wide)
			sft_round(v + i, part, t->dtype, t->key, w->at, half);
		out_write(w->o, wide ? (const void *)(v + i) : half, part * f->size);
		ok = count_finite(t->dtype, v + i, half, part);
		if (ok < part && !w->status)
			w->status =
				fail(w->why, ST_INPUT, "%s: element %llu, %g, is not finite in %s",
				     t->name, (unsigned long long)(w->at + ok), (double)v[i + ok],
				     f->name);
	}
	free(half);
}

/* A tensor that is made as it is written, about CHUNK numbers at a time */
static void write_rows(struct writing *w, const struct sft_item *items, size_t item, sft_rows *fn,
		       const void *ctx)
{
	const struct sft_item *t = &items[item];
	size_t rows = t->shape[0], k = item_count(t) / rows, step = k < CHUNK ? CHUNK / k : 1;
	float *part = xarray(step * k, sizeof *part);

	for (size_t i = 0; i < rows; i += step) {
		size_t n = rows - i < step ? rows - i : step;

		fn(ctx, item, i, n, part);
		write_numbers(w, t, part, n * k);
	}
	free(part);
}

int sft_write(struct out *o, const struct sft_item *items, size_t n, enum sft_dtype dtype,
	      struct reason *why)
{
	struct sft_item *v = xarray(n + 1, sizeof *v);
	int st;

	for (size_t i = 0; i < n; i++) {
		v[i] = items[i];
		v[i].dtype = dtype;
		v[i].key = 0;
	}
	st = sft_write_made(o, v, n, NULL, NULL, why);
	free(v);
	return st;
}

int sft_write_made(struct out *o, const struct sft_item *items, size_t n, sft_rows *rows,
		   const void *ctx, struct reason *why)
{
	struct writing w = {.o = o, .why = why};
	const struct sft_item **v = xarray(n + 1, sizeof *v);
	struct buf header = {0};
	uint64_t len;

	for (size_t i = 0; i < n; i++)
		v[i] = &items[i];
	qsort(v, n, sizeof *v, items_by_name);
	add_header(&header, v, n);
	len = header.n;
	out_write(o, &len, sizeof len);
	out_write(o, header.p, header.n);
	for (size_t i = 0; i < n; i++) {
		w.at = 0;
		if (v[i]->data)
			write_numbers(&w, v[i], v[i]->data, item_count(v[i]));
		else
			write_rows(&w, items, (size_t)(v[i] - items), rows, ctx);
	}
	buf_free(&header);
	free(v);
	return w.status;
}
