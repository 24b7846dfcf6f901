/*
 * safetensors.c - any bytes as model.safetensors: tensors that are accepted lie within the file,
 * one behind the other, can be read, and are the same after they were written and read again.
 */
#include "common/fuzz.h"

#include "base/mem.h"
#include "policy/safetensors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 1000, 0};

static float **read_all(const struct sft_file *f, uint64_t size)
{
	float **v = xarray(f->n + 1, sizeof *v);
	struct reason why;

	for (size_t i = 0; i < f->n; i++) {
		const struct sft_tensor *t = &f->v[i];
		size_t bytes = t->count * (t->dtype == SFT_F32 ? 4 : 2);

		MUST(t->rank <= SFT_MAX_RANK && t->offset <= size && bytes <= size - t->offset);
		MUST(sft_find(f, t->name) == t);
		MUST(!i || strcmp(f->v[i - 1].name, t->name) < 0);
		v[i] = xarray(t->count, sizeof **v);
		MUST(sft_read(f, t, v[i], &why) == 0);
	}
	return v;
}

static void free_all(float **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static const char *write_all(const struct sft_file *f, float **v, enum sft_dtype dtype)
{
	struct sft_item *items = xarray(f->n + 1, sizeof *items);
	const char *path = fuzz_file(1, "", 0);
	struct reason why;
	struct out o;

	for (size_t i = 0; i < f->n; i++) {
		items[i] =
			(struct sft_item){.name = f->v[i].name, .rank = f->v[i].rank, .data = v[i]};
		memcpy(items[i].shape, f->v[i].shape, sizeof items[i].shape);
	}
	out_init(&o, open(path, O_WRONLY | O_CLOEXEC), path);
	sft_write(&o, items, f->n, dtype, NULL);
	MUST(out_close(&o, &why) == 0);
	free(items);
	return path;
}

static void same_after_writing(const struct sft_file *f, float **v)
{
	struct sft_file g;
	struct reason why;
	float **w;

	MUST(sft_open_file(&g, write_all(f, v, SFT_F32), &why) == 0);
	MUST(g.n == f->n);
	w = read_all(&g, UINT64_MAX);
	for (size_t i = 0; i < f->n; i++) {
		MUST(!strcmp(f->v[i].name, g.v[i].name) && f->v[i].rank == g.v[i].rank);
		MUST(!memcmp(f->v[i].shape, g.v[i].shape, sizeof g.v[i].shape));
		MUST(!f->v[i].count || !memcmp(v[i], w[i], f->v[i].count * sizeof **v));
	}
	free_all(w, g.n);
	sft_close(&g);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct reason why = {0};
	struct sft_file f;
	uint64_t total = 0;
	float **v;

	if (sft_open_file(&f, fuzz_file(0, p, n), &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	v = read_all(&f, n);
	for (size_t i = 0; i < f.n; i++)
		total += f.v[i].count * (f.v[i].dtype == SFT_F32 ? 4 : 2);
	MUST(total <= n);
	same_after_writing(&f, v);
	free_all(v, f.n);
	sft_close(&f);
}
