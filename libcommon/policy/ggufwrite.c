/* ggufwrite.c - writing GGUF files. See gguf.h. */
#include "policy/gguf.h"
#include "base/mem.h"
#include "policy/safetensors.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18 }; /* numbers converted at a time */

/* ---- keys ---- */

static void add_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof v);
}

static void add_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof v);
}

static void add_string(struct buf *b, struct span v)
{
	add_u64(b, v.n);
	buf_add(b, v.p, v.n);
}

static void add_key(struct gguf_meta *m, const char *key, enum gguf_type type)
{
	add_string(&m->b, (struct span){key, strlen(key)});
	add_u32(&m->b, type);
	m->n++;
}

static void add_list(struct gguf_meta *m, const char *key, enum gguf_type item, size_t n)
{
	add_key(m, key, GGUF_ARRAY);
	add_u32(&m->b, item);
	add_u64(&m->b, n);
}

void gguf_put_u32(struct gguf_meta *m, const char *key, uint32_t v)
{
	add_key(m, key, GGUF_U32);
	add_u32(&m->b, v);
}

void gguf_put_f32(struct gguf_meta *m, const char *key, double v)
{
	float f = (float)v;

	add_key(m, key, GGUF_F32);
	buf_add(&m->b, &f, sizeof f);
}

void gguf_put_bool(struct gguf_meta *m, const char *key, bool v)
{
	add_key(m, key, GGUF_BOOL);
	buf_char(&m->b, v);
}

void gguf_put_string(struct gguf_meta *m, const char *key, struct span v)
{
	add_key(m, key, GGUF_STRING);
	add_string(&m->b, v);
}

void gguf_put_strings(struct gguf_meta *m, const char *key, const struct span *v, size_t n)
{
	add_list(m, key, GGUF_STRING, n);
	for (size_t i = 0; i < n; i++)
		add_string(&m->b, v[i]);
}

void gguf_put_bools(struct gguf_meta *m, const char *key, const bool *v, size_t n)
{
	add_list(m, key, GGUF_BOOL, n);
	for (size_t i = 0; i < n; i++)
		buf_char(&m->b, v[i]);
}

void gguf_put_i32s(struct gguf_meta *m, const char *key, const int32_t *v, size_t n)
{
	add_list(m, key, GGUF_I32, n);
	buf_add(&m->b, v, n * sizeof *v);
}

void gguf_put_f32s(struct gguf_meta *m, const char *key, const float *v, size_t n)
{
	add_list(m, key, GGUF_F32, n);
	buf_add(&m->b, v, n * sizeof *v);
}

/* ---- numbers ---- */

static void encode(const struct quant *type, const float *v, size_t n, uint8_t *to)
{
	enum sft_dtype dtype = type->id == QUANT_F16 ? SFT_F16 : SFT_BF16;
	uint16_t *half;

	if (type->id == QUANT_F32) {
		memcpy(to, v, n * sizeof *v);
	} else if (type->id == QUANT_Q8_0) {
		quant_to_q8_0(v, n / type->numbers, to);
	} else {
		half = xarray(n + 1, sizeof *half);
		sft_round(v, n, dtype, 0, 0, half);
		memcpy(to, half, n * sizeof *half);
		free(half);
	}
}

static void add_loss(struct gguf_loss *loss, const float *is, const float *will, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double change = (double)will[i] - (double)is[i];

		loss->rounded += is[i] != will[i];
		loss->norm += (double)is[i] * (double)is[i];
		loss->error += change * change;
	}
	loss->numbers += n;
}

size_t gguf_encode(const struct quant *type, const float *v, size_t n, uint8_t *to,
		   struct gguf_loss *loss)
{
	float *back = xarray(n + 1, sizeof *back);
	size_t ok = 0;

	assert(n % type->numbers == 0);
	encode(type, v, n, to);
	type->widen(to, n / type->numbers, back);
	while (ok < n && isfinite(v[ok]) && isfinite(back[ok]))
		ok++;
	if (loss)
		add_loss(loss, v, back, ok);
	free(back);
	return ok;
}

/* ---- tensors ---- */

static uint64_t item_bytes(const struct gguf_item *t)
{
	return t->shape[0] * t->shape[1] / t->type->numbers * t->type->bytes;
}

static uint64_t padded(uint64_t n)
{
	return (n + GGUF_ALIGN - 1) / GGUF_ALIGN * GGUF_ALIGN;
}

static void add_infos(struct buf *b, const struct gguf_item *v, size_t n)
{
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		const struct gguf_item *t = &v[i];

		assert(strlen(t->name) < GGUF_MAX_NAME);
		add_string(b, (struct span){t->name, strlen(t->name)});
		add_u32(b, (uint32_t)t->rank);
		for (int k = t->rank - 1; k >= 0; k--)
			add_u64(b, t->shape[k]);
		add_u32(b, t->type->id);
		add_u64(b, at);
		at += padded(item_bytes(t));
	}
}

static void pad(struct out *o)
{
	static const char zeros[GGUF_ALIGN];

	out_write(o, zeros, padded(o->total) - o->total);
}

static int write_item(struct out *o, const struct gguf_item *v, size_t i, gguf_rows *rows,
		      void *ctx, struct gguf_loss *loss, struct reason *why)
{
	const struct gguf_item *t = &v[i];
	size_t n = t->shape[0], k = t->shape[1], step = k < CHUNK ? CHUNK / k : 1, some;
	float *part = xarray(step * k, sizeof *part);
	uint8_t *bytes = xarray(step * k, sizeof *part);
	int st = 0;

	for (size_t at = 0; at < n && !st; at += some) {
		size_t ok;

		some = n - at < step ? n - at : step;
		st = rows(ctx, i, at, some, part, why);
		if (st)
			break;
		ok = gguf_encode(t->type, part, some * k, bytes, loss);
		out_write(o, bytes, some * k / t->type->numbers * t->type->bytes);
		if (ok < some * k)
			st = fail(why, ST_INPUT, "%s: element %zu, %g, is not finite in %s",
				  t->name, at * k + ok, (double)part[ok], t->type->name);
	}
	free(part);
	free(bytes);
	return st;
}

int gguf_write(struct out *o, const struct gguf_meta *m, const struct gguf_item *v, size_t n,
	       gguf_rows *rows, void *ctx, struct gguf_loss *loss, struct reason *why)
{
	struct buf head = {0};
	int st = 0;

	assert(!o->total);
	buf_str(&head, "GGUF");
	add_u32(&head, 3);
	add_u64(&head, n);
	add_u64(&head, m->n);
	buf_add(&head, m->b.p, m->b.n);
	add_infos(&head, v, n);
	out_write(o, head.p, head.n);
	buf_free(&head);
	pad(o);
	for (size_t i = 0; i < n && !st; i++) {
		st = write_item(o, v, i, rows, ctx, loss, why);
		pad(o);
	}
	return st;
}
