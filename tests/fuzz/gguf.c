/*
 * gguf.c - any bytes as a GGUF file: what is accepted lies within the file, can be shown and read,
 * is the same after its tensors were written and read again; a tokenizer and a shape that are taken
 * from it are refused in words, or are such that the readers of a policy folder take.
 */
#include "common/fuzz.h"

#include "base/mem.h"
#include "policy/gguf.h"
#include "policy/ggufarch.h"
#include "policy/ggufconfig.h"
#include "policy/gguftok.h"
#include "tokenizer/tokenizer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* a token of 256 bytes may be made in 255 ways, each of which is written out and read as JSON */
const struct fuzz_memory fuzz_memory = {8 << 20, 8000, 0};

static void show_all(const struct gguf *g)
{
	struct buf text = {0};

	for (size_t i = 0; i < g->n_keys; i++) {
		const struct gguf_key *k = &g->key[i];

		MUST(k->at <= g->head.n && k->len <= g->head.n - k->at);
		gguf_show(g, k, &text);
		buf_reset(&text);
	}
	buf_free(&text);
}

static float **read_all(const struct gguf *g, uint64_t size)
{
	float **v = xarray(g->n_tensors + 1, sizeof *v);
	uint64_t at = 0;
	struct reason why;

	for (size_t i = 0; i < g->n_tensors; i++) {
		const struct gguf_tensor *t = &g->tensor[i];
		uint64_t bytes = t->count / t->type->numbers * t->type->bytes;

		MUST(t->rank >= 1 && t->rank <= GGUF_MAX_RANK && t->name[0]);
		MUST(t->offset >= at && t->offset <= size && bytes <= size - t->offset);
		at = t->offset + bytes;
		v[i] = xarray(t->count, sizeof **v);
		MUST(gguf_read(g, t, 0, t->count, v[i], &why) == 0);
	}
	return v;
}

static void free_all(float **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static int copy_rows(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	(void)why;
	memcpy(to, ((float **)ctx)[i] + first, n * sizeof *to);
	return 0;
}

/* Written as one row each; 1: some number was not finite, and told */
static int write_all(const struct gguf *g, float **v, const char *path)
{
	struct gguf_item *item = xarray(g->n_tensors + 1, sizeof *item);
	struct gguf_meta meta = {0};
	struct reason why;
	struct out o;
	int st;

	for (size_t i = 0; i < g->n_tensors; i++)
		item[i] = (struct gguf_item){
			g->tensor[i].name, quant_find(QUANT_F32), 1, {g->tensor[i].count, 1}};
	gguf_put_u32(&meta, "a", 1);
	out_init(&o, open(path, O_WRONLY | O_CLOEXEC), path);
	st = gguf_write(&o, &meta, item, g->n_tensors, copy_rows, v, NULL, &why);
	MUST(!st || (st == ST_INPUT && why.text[0]));
	MUST(out_close(&o, &why) == 0);
	buf_free(&meta.b);
	free(item);
	return st != 0;
}

static void same_after_writing(const struct gguf *g, float **v)
{
	const char *path = fuzz_file(1, "", 0);
	struct reason why;
	struct gguf h;
	float **w;

	if (write_all(g, v, path))
		return;
	MUST(gguf_open(&h, path, &why) == 0);
	MUST(h.n_tensors == g->n_tensors);
	w = read_all(&h, UINT64_MAX);
	for (size_t i = 0; i < h.n_tensors; i++) {
		MUST(!strcmp(h.tensor[i].name, g->tensor[i].name));
		MUST(h.tensor[i].count == g->tensor[i].count);
		MUST(!memcmp(v[i], w[i], h.tensor[i].count * sizeof **v));
	}
	free_all(w, h.n_tensors);
	gguf_close(&h);
}

/* A tokenizer that is read can be written and read: it encodes and decodes. */
static void use_tokenizer(const struct gguf *g)
{
	struct buf json = {0}, config = {0};
	struct reason why = {0};
	struct gguf_tok t;
	struct tokenizer *tok;
	struct ids ids = {0};

	if (gguf_tok_read(&t, g, &why) || gguf_tok_json(&t, &json, &why) ||
	    gguf_tok_config(&t, 7, &config, &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
	} else if ((tok = tok_load(json.p, json.n, "x", &why))) {
		if (!tok_encode(tok, "a b", 3, true, &ids, &why))
			tok_decode(tok, ids.v, ids.n, true, &config);
		tok_free(tok);
	}
	free(ids.v);
	gguf_tok_free(&t);
	buf_free(&json);
	buf_free(&config);
}

static void use_shape(const struct gguf *g)
{
	const struct gguf_arch *a;
	struct reason why = {0};
	struct config c = {0};
	json_t *j;
	char *text;

	if (gguf_arch_read(g, &a, &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	j = gguf_config_json(g, a, 7, &why);
	MUST(j || (why.status == ST_INPUT && why.text[0]));
	if (!j)
		return;
	text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	MUST(text);
	MUST(!config_parse(&c, text, strlen(text), NULL, 0, "x", &why) || why.status == ST_INPUT);
	config_free(&c);
	free(text);
	json_decref(j);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct reason why = {0};
	struct gguf g;
	float **v;

	if (gguf_open(&g, fuzz_file(0, p, n), &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	show_all(&g);
	v = read_all(&g, n);
	same_after_writing(&g, v);
	free_all(v, g.n_tensors);
	use_tokenizer(&g);
	use_shape(&g);
	gguf_close(&g);
}
