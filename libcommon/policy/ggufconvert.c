/* ggufconvert.c - a GGUF as a policy folder, and back. See ggufconvert.h. */
#include "policy/ggufconvert.h"
#include "base/dir.h"
#include "base/mem.h"
#include "policy/ggufarch.h"
#include "policy/ggufconfig.h"
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

/* A GGUF on its way into a folder */
struct taking {
	struct gguf g;
	const struct gguf_arch *a;
	struct gguf_tok tok;
	struct config cfg;
	const struct gguf_tensor **t; /* of each item */
	struct sft_item *item;        /* names are owned */
	size_t n;
	struct buf config, gen, tok_json, tok_config;
	struct gguf_loss loss;
	struct reason why; /* status is not 0: rows could not be read */
};

/* Rows of a head in config.json's order, each from where it stands */
static int read_turned(const struct taking *k, const struct gguf_tensor *t, size_t first, size_t n,
		       float *to, struct reason *why)
{
	size_t row = t->rank > 1 ? t->dim[0] : 1;
	int st = 0;

	if (row % t->type->numbers)
		return fail(why, ST_INPUT, "%s: tensor %s: not supported as %s", k->g.path, t->name,
			    t->type->name);
	for (size_t i = 0; i < n && !st; i++)
		st = gguf_read(&k->g, t,
			       gguf_arch_row_in_gguf(first + i, (size_t)k->cfg.head_dim) * row, row,
			       to + i * row, why);
	return st;
}

static void add_to_all(float *v, size_t n, float plus)
{
	for (size_t i = 0; i < n && plus != 0; i++)
		v[i] += plus;
}

static void take_rows(const void *ctx, size_t i, size_t first, size_t n, float *to)
{
	struct taking *k = (struct taking *)ctx;
	const struct gguf_tensor *t = k->t[i];
	const struct quant *type = quant_of(k->item[i].dtype);
	size_t row = t->rank > 1 ? t->dim[0] : 1;
	uint8_t *bytes;
	int st = k->why.status;

	if (!st)
		st = gguf_arch_turns(k->a, t->name)
			     ? read_turned(k, t, first, n, to, &k->why)
			     : gguf_read(&k->g, t, first * row, n * row, to, &k->why);
	if (st) {
		memset(to, 0, n * row * sizeof *to);
		return;
	}
	add_to_all(to, n * row, -gguf_arch_plus(k->a, t->name));
	bytes = xarray(n * row, sizeof *to);
	gguf_encode(type, to, n * row, bytes, &k->loss);
	free(bytes);
}

static int add_item(struct taking *k, const struct gguf_tensor *t, struct reason *why)
{
	struct sft_item *item = &k->item[k->n];
	char name[128];

	if (strcmp(t->name, GGUF_FREQS) == 0)
		return 0; /* it is config.json's rope_scaling */
	if (!gguf_arch_long(k->a, t->name, name, sizeof name) || t->rank > 2)
		return fail(why, ST_INPUT, "%s: tensor %s: not one of a %s", k->g.path, t->name,
			    k->a->name);
	*item = (struct sft_item){.name = xstrdup(name), .rank = t->rank};
	for (int d = 0; d < t->rank; d++)
		item->shape[d] = t->dim[t->rank - 1 - d];
	k->t[k->n++] = t;
	return 0;
}

static int add_items(struct taking *k, struct reason *why)
{
	int st = 0;

	k->item = xcalloc(k->g.n_tensors + 1, sizeof *k->item);
	k->t = xcalloc(k->g.n_tensors + 1, sizeof *k->t);
	for (size_t i = 0; i < k->g.n_tensors && !st; i++)
		st = add_item(k, &k->g.tensor[i], why);
	return st;
}

/* ---- what is written must be what the readers take ---- */

static int check_item(const struct taking *k, size_t i, const struct model *m, struct reason *why)
{
	const struct sft_item *item = &k->item[i];
	const struct weight *w = model_weight(m, item->name);

	if (!w)
		return fail(why, ST_INPUT, "%s: tensor %s: not a weight of this %s", k->g.path,
			    k->t[i]->name, family_row(k->a->family)->name);
	if (item->rank != w->rank || item->shape[0] != (uint64_t)w->shape[0] ||
	    (w->rank == 2 && item->shape[1] != (uint64_t)w->shape[1]))
		return fail(why, ST_INPUT,
			    "%s: tensor %s: shape [%llu, %llu], but the keys ask for [%lld, %lld]",
			    k->g.path, k->t[i]->name, (unsigned long long)item->shape[0],
			    (unsigned long long)(item->rank == 2 ? item->shape[1] : 1),
			    (long long)w->shape[0], (long long)w->shape[1]);
	return 0;
}

static int check_missing(const struct taking *k, const struct model *m, struct reason *why)
{
	for (size_t i = 0; i < m->n_w; i++) {
		char name[128] = "";

		gguf_arch_short(k->a, m->w[i].name, name, sizeof name);
		if (!gguf_tensor(&k->g, name))
			return fail(why, ST_INPUT, "%s: tensor %s: missing", k->g.path, name);
	}
	return 0;
}

static int check_table(const struct taking *k, struct reason *why)
{
	uint64_t total = 0, want = config_params(&k->cfg);
	struct model m;
	int st = 0;

	for (size_t i = 0; i < k->n; i++)
		total += k->t[i]->count;
	/* before memory is asked for */
	if (want / 2 > total || (uint64_t)k->cfg.layers > k->g.n_tensors)
		return fail(why, ST_INPUT,
			    "%s: its keys ask for %llu weights, its tensors hold %llu", k->g.path,
			    (unsigned long long)want, (unsigned long long)total);
	model_init(&m, &k->cfg, MODEL_LAYERWISE);
	for (size_t i = 0; i < k->n && !st; i++)
		st = check_item(k, i, &m, why);
	if (!st)
		st = check_missing(k, &m, why);
	model_free(&m);
	return st;
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
	return t->type->id == QUANT_F16 ? SFT_F16 : t->type->id == QUANT_BF16 ? SFT_BF16 : SFT_F32;
}

static int choose_types(struct taking *k, enum gguf_as as, struct reason *why)
{
	static const enum sft_dtype asked[] = {
		[GGUF_AS_F32] = SFT_F32, [GGUF_AS_F16] = SFT_F16, [GGUF_AS_BF16] = SFT_BF16};
	enum sft_dtype matrices = SFT_F32;
	float *v;
	int st = 0;

	for (size_t i = 0; i < k->n; i++) {
		k->item[i].dtype = as == GGUF_AS_SAME ? came_as(k->t[i]) : asked[as];
		if (k->item[i].rank == 2 && k->item[i].dtype != SFT_F32)
			matrices = k->item[i].dtype;
	}
	for (size_t i = 0; i < k->n && as == GGUF_AS_SAME && matrices != SFT_F32 && !st; i++) {
		if (k->item[i].rank != 1 || k->t[i]->type->id != QUANT_F32)
			continue;
		v = xcalloc(k->t[i]->count, sizeof *v);
		st = gguf_read(&k->g, k->t[i], 0, k->t[i]->count, v, why);
		add_to_all(v, k->t[i]->count, -gguf_arch_plus(k->a, k->t[i]->name));
		if (!st && sft_exact(v, k->t[i]->count, matrices))
			k->item[i].dtype = matrices;
		free(v);
	}
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
		st = check_table(k, why);
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
	free(k->t);
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
		*done = (struct gguf_done){family_row(k.a->family)->name, k.loss, k.tok.dropped};
	taking_free(&k);
	return st;
}

/* ---- to a file ---- */

/* A policy on its way into a GGUF */
struct giving {
	struct policy p;
	const struct gguf_arch *a;
	struct gguf_meta meta;
	struct gguf_item *item; /* names are owned */
	size_t n;
	float *freqs; /* item 0, where there is one */
};

static int give_rows(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	const struct giving *k = ctx;
	const struct model *m = &k->p.model;
	size_t row = k->item[i].shape[1], w = i - (k->freqs != NULL);
	const float *from;

	(void)why;
	if (k->freqs && i == 0) {
		memcpy(to, k->freqs + first, n * sizeof *to);
		return 0;
	}
	if (!gguf_arch_turns(k->a, k->item[i].name)) {
		from = weights_rows(m, w, first, n, to);
		if (from != to)
			memcpy(to, from, n * row * sizeof *to);
		add_to_all(to, n * row, gguf_arch_plus(k->a, k->item[i].name));
		return 0;
	}
	for (size_t r = 0; r < n; r++) {
		size_t at = gguf_arch_row_in_folder(first + r, (size_t)k->p.cfg.head_dim);

		from = weights_rows(m, w, at, 1, to + r * row);
		if (from != to + r * row)
			memcpy(to + r * row, from, row * sizeof *to);
	}
	return 0;
}

static const struct quant *type_of(enum gguf_as as, enum sft_dtype dtype, const struct weight *w)
{
	if (w->rank == 1)
		return quant_find(QUANT_F32);
	if (as != GGUF_AS_Q8_0)
		return quant_of(dtype);
	return quant_find((size_t)w->shape[1] % quant_find(QUANT_Q8_0)->numbers ? QUANT_F16
										: QUANT_Q8_0);
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
	char name[128];
	int st = 0;

	weights_types(m, &form, k->p.came, types);
	k->item = xcalloc(m->n_w + 1, sizeof *k->item);
	k->freqs = gguf_config_freqs(&k->p.cfg);
	if (k->freqs)
		k->item[k->n++] = (struct gguf_item){xstrdup(GGUF_FREQS),
						     quant_find(QUANT_F32),
						     1,
						     {(uint64_t)k->p.cfg.head_dim / 2, 1}};
	for (size_t i = 0; i < m->n_w && !st; i++) {
		const struct weight *w = &m->w[i];

		if (!gguf_arch_short(k->a, w->name, name, sizeof name) ||
		    strlen(name) >= GGUF_MAX_NAME)
			st = fail(why, ST_INPUT, "tensor %s: GGUF has no name for it", w->name);
		else
			k->item[k->n++] =
				(struct gguf_item){xstrdup(name),
						   type_of(as, types[i], w),
						   w->rank,
						   {(uint64_t)w->shape[0], (uint64_t)w->shape[1]}};
	}
	free(types);
	return st;
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
	gguf_put_string(m, "general.name", base_name(dir));
	gguf_put_u32(m, "general.file_type", file_type(k));
	gguf_put_u32(m, "general.quantization_version", 2);
	st = gguf_config_put(&k->p.cfg, k->a, m, why);
	return st ? st : gguf_vocab_put(&k->p, m, why);
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
					   .loss = loss};
	for (size_t i = 0; i < k.n; i++)
		free((char *)k.item[i].name);
	free(k.item);
	free(k.freqs);
	buf_free(&k.meta.b);
	policy_free(&k.p);
	return st;
}
