/* ggufconvert.c - a GGUF as a policy folder, and back. See ggufconvert.h. */
#include "policy/ggufconvert.h"
#include "base/dir.h"
#include "base/mem.h"
#include "policy/ggufarch.h"
#include "policy/ggufconfig.h"
#include "policy/ggufplace.h"
#include "policy/ggufrope.h"
#include "policy/gguftok.h"
#include "policy/ggufvocab.h"
#include "policy/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct quant *quant_of(enum sft_dtype dtype)
{
	return quant_find(dtype == SFT_F32 ? QUANT_F32 : dtype == SFT_F16 ? QUANT_F16 : QUANT_BF16);
}

/* ---- to a folder ---- */

/* A weight and where its numbers are: in a tensor, or in a list among the keys */
struct source {
	struct gguf_place place;
	const struct gguf_tensor *t;
	float listed;
};

/* A GGUF on its way into a folder */
struct taking {
	struct gguf g;
	const struct gguf_arch *a;
	struct gguf_tok tok;
	struct config cfg;
	struct source *from;   /* of each item */
	struct sft_item *item; /* names are owned */
	size_t n;
	struct buf config, gen, tok_json, tok_config;
	struct gguf_loss loss;
	struct reason why; /* status is not 0: rows could not be read */
};

/* Rows of a tensor, each from where it stands there */
static int read_moved(const struct taking *k, const struct source *s, size_t first, size_t n,
		      size_t row, float *to, struct reason *why)
{
	int st = 0;

	if (row % s->t->type->numbers)
		return fail(why, ST_INPUT, "%s: tensor %s: not supported as %s", k->g.path,
			    s->t->name, s->t->type->name);
	for (size_t i = 0; i < n && !st; i++)
		st = gguf_read(&k->g, s->t, gguf_place_there(&s->place.order, first + i) * row, row,
			       to + i * row, why);
	return st;
}

/* Rows of an item, as the folder has them */
static int read_rows(const struct taking *k, size_t i, size_t first, size_t n, float *to,
		     struct reason *why)
{
	const struct source *s = &k->from[i];
	size_t row = s->t && s->t->rank > 1 ? s->t->dim[0] : 1;
	int st;

	if (s->place.key) {
		*to = s->listed;
		return 0;
	}
	if (s->place.rows && row % s->t->type->numbers)
		return fail(why, ST_INPUT, "%s: tensor %s: not supported as %s", k->g.path,
			    s->t->name, s->t->type->name);
	if (s->place.rows) {
		first += s->place.at * row;
		row = 1;
	}
	st = s->place.order.a && !s->place.order.columns
		     ? read_moved(k, s, first, n, row, to, why)
		     : gguf_read(&k->g, s->t, first * row, n * row, to, why);
	if (!st)
		gguf_place_fetch(&s->place, to, n, row);
	return st;
}

static size_t row_of(const struct sft_item *item)
{
	return item->rank > 1 ? (size_t)item->shape[item->rank - 1] : 1;
}

static void take_rows(const void *ctx, size_t i, size_t first, size_t n, float *to)
{
	struct taking *k = (struct taking *)ctx;
	size_t all = n * row_of(&k->item[i]);
	uint8_t *bytes;

	if (k->why.status || read_rows(k, i, first, n, to, &k->why)) {
		memset(to, 0, all * sizeof *to);
		return;
	}
	bytes = xarray(all, sizeof *to);
	gguf_encode(quant_of(k->item[i].dtype), to, all, bytes, &k->loss);
	free(bytes);
}

static int read_listed(const struct taking *k, struct source *s, struct reason *why)
{
	const struct gguf_key *key = gguf_find(&k->g, s->place.name);
	size_t n = (size_t)k->cfg.layers;
	double *v = NULL;

	if (!key || key->type != GGUF_ARRAY || key->n != n)
		return fail(why, ST_INPUT, "%s: %s: not a list of %zu numbers", k->g.path,
			    s->place.name, n);
	if (gguf_reals(&k->g, s->place.name, &v, &n, why))
		return ST_INPUT;
	s->listed = (float)v[s->place.at];
	free(v);
	return 0;
}

/* The tensor's dimensions, fastest first, as the weight asks for them */
static int check_shape(const struct taking *k, const struct source *s, const struct weight *w,
		       struct reason *why)
{
	uint64_t rows = (uint64_t)w->shape[0], columns = w->rank > 1 ? (uint64_t)w->shape[1] : 1;
	int rank = w->rank == 1 ? 1 : 2;

	if (s->place.rows) {
		columns = rows;
		rows = s->place.rows;
		rank = 2;
	}
	if (s->t->rank == rank && s->t->dim[rank - 1] == rows &&
	    (rank == 1 || s->t->dim[0] == columns))
		return 0;
	return fail(why, ST_INPUT,
		    "%s: tensor %s: shape [%llu, %llu], but the keys ask for [%llu, %llu]",
		    k->g.path, s->t->name, (unsigned long long)s->t->dim[s->t->rank - 1],
		    (unsigned long long)(s->t->rank > 1 ? s->t->dim[0] : 1),
		    (unsigned long long)rows, (unsigned long long)columns);
}

static int find_source(const struct taking *k, const struct weight *w, struct source *s,
		       struct reason *why)
{
	if (!gguf_place_find(k->a, &k->cfg, w->name, &s->place))
		return fail(why, ST_INPUT, "%s: %s: GGUF has no name for it", k->g.path, w->name);
	if (s->place.key)
		return read_listed(k, s, why);
	s->t = gguf_tensor(&k->g, s->place.name);
	return s->t ? check_shape(k, s, w, why)
		    : fail(why, ST_INPUT, "%s: tensor %s: missing", k->g.path, s->place.name);
}

static int add_item(struct taking *k, const struct weight *w, struct reason *why)
{
	struct sft_item *item = &k->item[k->n];
	uint64_t last = (uint64_t)w->shape[1];

	if (find_source(k, w, &k->from[k->n], why))
		return why->status;
	k->n++;
	*item = (struct sft_item){.name = xstrdup(w->name),
				  .rank = w->rank,
				  .shape = {(uint64_t)w->shape[0], w->rank == 3 ? 1 : last, last}};
	return 0;
}

/* ---- what is written must be what the readers take, and no tensor may be left over ---- */

static int check_left(const struct taking *k, struct reason *why)
{
	bool *used = xcalloc(k->g.n_tensors + 1, sizeof *used);
	const char *left = NULL;

	for (size_t i = 0; i < k->n; i++)
		if (k->from[i].t)
			used[k->from[i].t - k->g.tensor] = true;
	for (size_t i = 0; i < k->g.n_tensors && !left; i++) {
		const char *name = k->g.tensor[i].name;
		bool head = k->cfg.tied && strcmp(name, "output.weight") == 0;

		left = used[i] || head || gguf_rope_is_tensor(name) ? NULL : name;
	}
	free(used);
	return left ? fail(why, ST_INPUT, "%s: tensor %s: not one of a %s", k->g.path, left,
			   k->a->name)
		    : 0;
}

static int add_items(struct taking *k, struct reason *why)
{
	uint64_t total = 0, want = config_params(&k->cfg);
	struct model m;
	int st = 0;

	for (size_t i = 0; i < k->g.n_tensors; i++)
		total += k->g.tensor[i].count;
	/* before memory is asked for */
	if (want / 2 > total || (uint64_t)k->cfg.layers > k->g.n_tensors)
		return fail(why, ST_INPUT,
			    "%s: its keys ask for %llu weights, its tensors hold %llu", k->g.path,
			    (unsigned long long)want, (unsigned long long)total);
	model_init(&m, &k->cfg, MODEL_LAYERWISE);
	k->item = xcalloc(m.n_w + 1, sizeof *k->item);
	k->from = xcalloc(m.n_w + 1, sizeof *k->from);
	for (size_t i = 0; i < m.n_w && !st; i++)
		st = add_item(k, &m.w[i], why);
	model_free(&m);
	return st ? st : check_left(k, why);
}

static int check_tokenizer(const struct taking *k, struct reason *why)
{
	struct tokenizer *t = tok_load(k->tok_json.p, k->tok_json.n, k->g.path, why);

	tok_free(t);
	return t ? 0 : ST_INPUT;
}

/* ---- types ---- */

static enum sft_dtype came_as(const struct gguf_tensor *t)
{
	unsigned id = t ? (unsigned)t->type->id : QUANT_F32;

	return id == QUANT_F16 ? SFT_F16 : id == QUANT_BF16 ? SFT_BF16 : SFT_F32;
}

/* A vector, which a GGUF has as F32, gets the matrices' type where that changes no number. */
static int choose_type(struct taking *k, size_t i, enum sft_dtype matrices, struct reason *why)
{
	struct sft_item *item = &k->item[i];
	size_t rows = (size_t)item->shape[0], n = rows * row_of(item);
	float *v;
	int st;

	if (item->rank == 2 || item->dtype != SFT_F32 ||
	    (k->from[i].t && k->from[i].t->type->id != QUANT_F32))
		return 0;
	v = xcalloc(n, sizeof *v);
	st = read_rows(k, i, 0, rows, v, why);
	if (!st && sft_exact(v, n, matrices))
		item->dtype = matrices;
	free(v);
	return st;
}

static int choose_types(struct taking *k, enum gguf_as as, struct reason *why)
{
	static const enum sft_dtype asked[] = {
		[GGUF_AS_F32] = SFT_F32, [GGUF_AS_F16] = SFT_F16, [GGUF_AS_BF16] = SFT_BF16};
	enum sft_dtype matrices = SFT_F32;
	int st = 0;

	for (size_t i = 0; i < k->n; i++) {
		k->item[i].dtype = as == GGUF_AS_SAME ? came_as(k->from[i].t) : asked[as];
		if (k->item[i].rank == 2 && k->item[i].dtype != SFT_F32)
			matrices = k->item[i].dtype;
	}
	for (size_t i = 0; i < k->n && as == GGUF_AS_SAME && matrices != SFT_F32 && !st; i++)
		st = choose_type(k, i, matrices, why);
	return st;
}

static const char *dtype_of_all(const struct taking *k)
{
	static const char *const names[] = {
		[SFT_F32] = "float32", [SFT_F16] = "float16", [SFT_BF16] = "bfloat16"};

	for (size_t i = 1; i < k->n; i++)
		if (k->item[i].dtype != k->item[0].dtype)
			return names[SFT_F32];
	return names[k->n ? k->item[0].dtype : SFT_F32];
}

/* ---- texts ---- */

static void dump(json_t *j, struct buf *out)
{
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

	buf_str(out, text);
	buf_char(out, '\n');
	free(text);
}

static int make_texts(struct taking *k, struct reason *why)
{
	json_t *config = gguf_config_json(&k->g, k->a, k->tok.n, why), *gen;

	if (!config)
		return why->status;
	gen = json_object();
	gguf_tok_ids(&k->tok, config);
	gguf_tok_ids(&k->tok, gen);
	json_object_set_new(config, "torch_dtype", json_string("float32"));
	dump(config, &k->config);
	dump(gen, &k->gen);
	json_decref(config);
	json_decref(gen);
	return config_parse(&k->cfg, k->config.p, k->config.n, k->gen.p, k->gen.n, k->g.path, why);
}

static int read_all(struct taking *k, const char *path, enum gguf_as as, struct reason *why)
{
	int st = gguf_open(&k->g, path, why);

	if (!st)
		st = gguf_arch_read(&k->g, &k->a, why);
	if (!st)
		st = gguf_tok_read(&k->tok, &k->g, why);
	if (!st)
		st = make_texts(k, why);
	if (!st)
		st = add_items(k, why);
	if (!st)
		st = gguf_tok_json(&k->tok, &k->tok_json, why);
	if (!st)
		st = check_tokenizer(k, why);
	if (!st)
		st = gguf_tok_config(&k->tok, k->cfg.max_len, &k->tok_config, why);
	return st ? st : choose_types(k, as, why);
}

static int put_texts(const struct taking *k, struct newdir *d, struct reason *why)
{
	struct buf config = {0};
	const struct {
		const char *name;
		const struct buf *text;
	} files[] = {{"config.json", &config},
		     {"generation_config.json", &k->gen},
		     {"tokenizer.json", &k->tok_json},
		     {"tokenizer_config.json", &k->tok_config}};
	int st = 0;

	config_text(&k->cfg, dtype_of_all(k), &config);
	for (size_t i = 0; i < 4 && !st; i++)
		st = newdir_put(d, files[i].name, files[i].text->p, files[i].text->n, why);
	buf_free(&config);
	return st;
}

static int put_weights(struct taking *k, struct newdir *d, struct reason *why)
{
	struct out o;
	int st = newdir_open(d, "model.safetensors", &o, why), done;

	if (st)
		return st;
	st = sft_write_made(&o, k->item, k->n, take_rows, k, why);
	if (k->why.status) {
		st = k->why.status;
		if (why)
			*why = k->why;
	} else if (st) {
		fail_prefix(why, "%s", k->g.path);
	}
	done = newdir_done(&o, st ? NULL : why);
	return st ? st : done;
}

static int put_folder(struct taking *k, const char *dir, struct reason *why)
{
	struct newdir d = {0};
	int st = newdir_begin(&d, dir, why);

	if (!st)
		st = put_texts(k, &d, why);
	if (!st)
		st = put_weights(k, &d, why);
	if (!st)
		st = newdir_commit(&d, why);
	newdir_abort(&d);
	return st;
}

static void taking_free(struct taking *k)
{
	for (size_t i = 0; i < k->n; i++)
		free((char *)k->item[i].name);
	free(k->item);
	free(k->from);
	config_free(&k->cfg);
	gguf_tok_free(&k->tok);
	buf_free(&k->config);
	buf_free(&k->gen);
	buf_free(&k->tok_json);
	buf_free(&k->tok_config);
	gguf_close(&k->g);
}

int gguf_to_folder(const char *path, const char *dir, enum gguf_as as, struct gguf_done *done,
		   struct reason *why)
{
	struct taking k = {.g.fd = -1};
	struct reason local = {0};
	int st;

	assert(as != GGUF_AS_Q8_0);
	why = why ? why : &local;
	st = read_all(&k, path, as, why);
	if (!st)
		st = put_folder(&k, dir, why);
	if (!st)
		*done = (struct gguf_done){.model_type = family_row(k.a->family)->name,
					   .loss = k.loss,
					   .dropped = k.tok.dropped};
	taking_free(&k);
	return st;
}

/* ---- to a file ---- */

/* What goes into an item: a weight of the table, or of several the first; or numbers of the rotary
 * embedding */
struct gift {
	size_t w;
	struct gguf_place place;
	const float *v;
};

/* A policy on its way into a GGUF */
struct giving {
	struct policy p;
	const struct gguf_arch *a;
	struct gguf_meta meta;
	struct gguf_item *item; /* names are owned */
	struct gift *gift;      /* of each item */
	size_t n;
	struct gguf_rope_tensor rope[GGUF_ROPE_TENSORS];
	size_t n_rope;
	size_t stripping; /* see gguf_done */
};

/* n rows of weight w from the one at `first` on, copied */
static void copy_rows(const struct model *m, size_t w, size_t first, size_t n, size_t row,
		      float *to)
{
	const float *from = weights_rows(m, w, first, n, to);

	if (from != to)
		memcpy(to, from, n * row * sizeof *to);
}

static int give_rows(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	const struct giving *k = ctx;
	const struct gift *gift = &k->gift[i];
	const struct gguf_order *order = &gift->place.order;
	const struct model *m = &k->p.model;
	size_t row = k->item[i].shape[1];

	(void)why;
	if (gift->v) {
		memcpy(to, gift->v + first, n * sizeof *to);
		return 0;
	}
	for (size_t r = 0; r < n && gift->place.rows; r++)
		copy_rows(m, gift->w + first + r, 0, row, 1, to + r * row);
	for (size_t r = 0; r < n && order->a && !order->columns; r++)
		copy_rows(m, gift->w, gguf_place_here(order, first + r), 1, row, to + r * row);
	if (!gift->place.rows && (!order->a || order->columns))
		copy_rows(m, gift->w, first, n, row, to);
	gguf_place_send(&gift->place, to, n, row);
	return 0;
}

static const struct quant *type_of(enum gguf_as as, enum sft_dtype dtype, const struct weight *w)
{
	if (w->rank != 2)
		return quant_find(QUANT_F32);
	if (as != GGUF_AS_Q8_0)
		return quant_of(dtype);
	return quant_find((size_t)w->shape[1] % quant_find(QUANT_Q8_0)->numbers ? QUANT_F16
										: QUANT_Q8_0);
}

static void give_item(struct giving *k, const char *name, const struct quant *type, int rank,
		      uint64_t rows, uint64_t columns, struct gift gift)
{
	k->item[k->n] = (struct gguf_item){xstrdup(name), type, rank, {rows, columns}};
	k->gift[k->n++] = gift;
}

/* Weight i, unless it is one of the keys or another row of an item that is there */
static int give_weight(struct giving *k, size_t i, const struct quant *type, struct reason *why)
{
	const struct weight *w = &k->p.model.w[i];
	struct gift gift = {.w = i};
	uint64_t rows = (uint64_t)w->shape[0];

	if (!gguf_place_find(k->a, &k->p.cfg, w->name, &gift.place))
		return fail(why, ST_INPUT, "tensor %s: GGUF has no name for it", w->name);
	if (gift.place.key || (gift.place.rows && gift.place.at))
		return 0;
	if (gift.place.rows)
		give_item(k, gift.place.name, type, 2, gift.place.rows, rows, gift);
	else
		give_item(k, gift.place.name, type, w->rank == 1 ? 1 : 2, rows,
			  (uint64_t)w->shape[1], gift);
	return 0;
}

static void give_rope(struct giving *k)
{
	k->n_rope = gguf_rope_tensors(&k->p.cfg, k->rope);
	for (size_t i = 0; i < k->n_rope; i++)
		give_item(k, k->rope[i].name, quant_find(QUANT_F32), 1, k->rope[i].n, 1,
			  (struct gift){.v = k->rope[i].v});
}

static int give_items(struct giving *k, enum gguf_as as, struct reason *why)
{
	static const enum weights_as asked[] = {[GGUF_AS_F32] = WEIGHTS_F32,
						[GGUF_AS_F16] = WEIGHTS_F16,
						[GGUF_AS_BF16] = WEIGHTS_BF16,
						[GGUF_AS_Q8_0] = WEIGHTS_F32,
						[GGUF_AS_SAME] = WEIGHTS_TRAINED};
	const struct model *m = &k->p.model;
	enum sft_dtype *types = xcalloc(m->n_w, sizeof *types);
	const struct weights_form form = {.as = asked[as]};
	int st = 0;

	weights_types(m, &form, k->p.came, types);
	k->item = xcalloc(m->n_w + 1 + GGUF_ROPE_TENSORS, sizeof *k->item);
	k->gift = xcalloc(m->n_w + 1 + GGUF_ROPE_TENSORS, sizeof *k->gift);
	give_rope(k);
	for (size_t i = 0; i < m->n_w && !st; i++)
		st = give_weight(k, i, type_of(as, types[i], &m->w[i]), why);
	if (!st && k->a->has & GGUF_HEAD && k->p.cfg.tied) /* the embedding once more */
		give_item(k, "output.weight", type_of(as, types[0], &m->w[0]), 2,
			  (uint64_t)m->w[0].shape[0], (uint64_t)m->w[0].shape[1],
			  (struct gift){.w = 0});
	free(types);
	return st;
}

/* Numbers of layers that stand among the keys, in lists: each begins at its first layer's. */
static void give_lists(struct giving *k)
{
	const struct model *m = &k->p.model;
	float *v = xcalloc((size_t)k->p.cfg.layers, sizeof *v);
	struct gguf_place first, p;

	for (size_t i = 0; i < m->n_w; i++) {
		if (!gguf_place_find(k->a, &k->p.cfg, m->w[i].name, &first) || !first.key ||
		    first.at)
			continue;
		for (size_t w = i; w < m->n_w; w++)
			if (gguf_place_find(k->a, &k->p.cfg, m->w[w].name, &p) && p.key &&
			    strcmp(p.name, first.name) == 0)
				v[p.at] = m->params[m->w[w].offset];
		gguf_put_f32s(&k->meta, first.name, v, (size_t)k->p.cfg.layers);
	}
	free(v);
}

/* The last part of a path, without slashes behind it */
static struct span base_name(const char *path)
{
	size_t n = strlen(path), at;

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (at = n; at && path[at - 1] != '/'; at--)
		;
	return (struct span){path + at, n - at};
}

/* general.file_type: what most of the matrices are, in llama.cpp's numbering */
static uint32_t file_type(const struct giving *k)
{
	uint64_t f16 = 0, bf16 = 0, q8_0 = 0, all = 0;

	for (size_t i = 0; i < k->n; i++) {
		uint64_t n = k->item[i].shape[0] * k->item[i].shape[1];

		all += n;
		f16 += k->item[i].type->id == QUANT_F16 ? n : 0;
		bf16 += k->item[i].type->id == QUANT_BF16 ? n : 0;
		q8_0 += k->item[i].type->id == QUANT_Q8_0 ? n : 0;
	}
	return 2 * q8_0 > all ? 7 : 2 * bf16 > all ? 32 : 2 * f16 > all ? 1 : 0;
}

static int give_keys(struct giving *k, const char *dir, struct reason *why)
{
	struct gguf_meta *m = &k->meta;
	int st;

	gguf_put_string(m, "general.architecture", (struct span){k->a->name, strlen(k->a->name)});
	gguf_put_string(m, "general.type", (struct span){"model", 5});
	gguf_put_u32(m, "general.file_type", file_type(k));
	gguf_put_u32(m, "general.quantization_version", 2);
	st = gguf_config_put(&k->p.cfg, k->a, m, why);
	give_lists(k);
	return st ? st : gguf_vocab_put(&k->p, base_name(dir), m, &k->stripping, why);
}

static int put_file(struct giving *k, const char *path, struct gguf_loss *loss, struct reason *why)
{
	static const char name[] = "model.gguf";
	struct newdir d = {0};
	struct out o;
	int st = newdir_begin(&d, path, why), done;

	if (!st && !(st = newdir_open(&d, name, &o, why))) {
		st = gguf_write(&o, &k->meta, k->item, k->n, give_rows, k, loss, why);
		done = newdir_done(&o, st ? NULL : why);
		st = st ? st : done;
	}
	if (!st)
		st = newdir_commit_file(&d, name, why);
	newdir_abort(&d);
	return st;
}

static int give_all(struct giving *k, const char *dir, enum gguf_as as, struct reason *why)
{
	int st;

	k->a = gguf_arch_of(k->p.cfg.family);
	if (!k->a)
		return fail(why, ST_INPUT, "model_type %s is not written as GGUF",
			    config_family(&k->p.cfg));
	st = give_items(k, as, why);
	return st ? st : give_keys(k, dir, why);
}

int gguf_from_folder(const char *dir, const char *path, enum gguf_as as, struct gguf_done *done,
		     struct reason *why)
{
	struct giving k = {0};
	struct gguf_loss loss = {0};
	int st = policy_load_as(&k.p, dir, WEIGHTS_LEAN | MODEL_LAYERWISE, why);

	if (st)
		return st;
	st = give_all(&k, dir, as, why);
	if (!st)
		st = put_file(&k, path, &loss, why);
	if (st == ST_INPUT)
		fail_prefix(why, "%s", dir);
	if (!st)
		*done = (struct gguf_done){.model_type = family_row(k.a->family)->name,
					   .loss = loss,
					   .stripping = k.stripping};
	for (size_t i = 0; i < k.n; i++)
		free((char *)k.item[i].name);
	for (size_t i = 0; i < k.n_rope; i++)
		free(k.rope[i].v);
	free(k.item);
	free(k.gift);
	buf_free(&k.meta.b);
	policy_free(&k.p);
	return st;
}
