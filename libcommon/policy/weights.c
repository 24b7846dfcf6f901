/* weights.c - the weights of a model, or of an adapter, from and to safetensors files. See
 * weights.h. */
#include "policy/weights.h"
#include "policy/folder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void shape_text(const uint64_t *shape, int rank, char *to, size_t n)
{
	size_t at = 0;

	*to = '\0';
	for (int i = 0; i < rank && at < n; i++)
		at += (size_t)snprintf(to + at, n - at, i ? ", %llu" : "%llu",
				       (unsigned long long)shape[i]);
}

/* As a file has it */
static void shape_in_file(const struct weight *w, uint64_t *to)
{
	to[0] = (uint64_t)w->shape[0];
	to[1] = w->rank == 3 ? 1 : (uint64_t)w->shape[1];
	to[2] = (uint64_t)w->shape[1];
}

static int check_shape(const struct sft_tensor *t, const struct weight *w, struct reason *why)
{
	uint64_t want[3];
	char is[192], should[64];

	shape_in_file(w, want);
	if (t->rank == w->rank && memcmp(t->shape, want, (size_t)w->rank * sizeof *want) == 0)
		return 0;
	shape_text(t->shape, t->rank, is, sizeof is);
	shape_text(want, w->rank, should, sizeof should);
	return fail(why, ST_INPUT, "shape [%s], but the configuration asks for [%s]", is, should);
}

/* Without a branch in the loop: most weights are finite. */
static bool all_finite(const float *v, size_t n)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, v + i, sizeof bits);
		bad |= (bits & 0x7f800000) == 0x7f800000;
	}
	return !bad;
}

static int check_finite(const float *v, uint64_t first, size_t n, struct reason *why)
{
	size_t i = 0;

	if (all_finite(v, n))
		return 0;
	while (isfinite(v[i]))
		i++;
	return fail(why, ST_INPUT, "element %llu is not finite", (unsigned long long)(first + i));
}

static size_t row_length(const struct weight *w)
{
	return w->rank >= 2 ? (size_t)w->shape[1] : 1;
}

/* Rows read at a time: about 4 MB, and at least one */
static size_t rows_at_once(size_t n, size_t k)
{
	size_t fit = ((size_t)1 << 20) / k;

	return fit < 1 ? 1 : fit < n ? fit : n;
}

/* Some rows of a tensor, read by one thread */
struct piece {
	const struct weight *w;
	const struct sft_tensor *t;
	size_t first, n;
	int status;
};

struct pieces {
	struct model *m;
	const struct sft_file *f;
	struct piece *v;
	size_t n;
};

static int read_piece(const struct pieces *p, const struct piece *c, struct reason *why)
{
	size_t k = row_length(c->w), at = c->first * k, n = c->n * k;
	bool in_place = c->w->rank != 2 || !(p->m->how & MODEL_FROZEN);
	float *own = in_place ? NULL : xarray(n, sizeof *own);
	float *rows = in_place ? p->m->params + c->w->offset + at : own;
	int st = sft_read_part(p->f, c->t, at, n, rows, why);

	if (!st)
		st = check_finite(rows, at, n, why);
	if (!st && own)
		model_put_rows(p->m, c->w, c->first, rows, c->n);
	free(own);
	return st;
}

static void read_one(void *ctx, size_t i, int thread)
{
	struct pieces *p = ctx;
	struct reason why;

	(void)thread;
	p->v[i].status = read_piece(p, &p->v[i], &why);
}

static int cut(struct pieces *p, const struct weight *w, struct reason *why)
{
	const struct sft_tensor *t = sft_find(p->f, w->name);
	size_t n = (size_t)w->shape[0], step = rows_at_once(n, row_length(w));
	int st = t ? check_shape(t, w, why) : fail(why, ST_INPUT, "missing");

	if (st)
		return st;
	p->v = xgrow(p->v, p->n + n / step + 1, sizeof *p->v);
	for (size_t i = 0; i < n; i += step)
		p->v[p->n++] = (struct piece){w, t, i, n - i < step ? n - i : step, 0};
	return 0;
}

/* Pieces that could not be read are read again, the first of them first: it says why. */
static int read_pieces(struct pieces *p, const struct weight **w, struct reason *why)
{
	int st = 0;

	par_for(p->n, read_one, p);
	for (size_t i = 0; i < p->n && !st; i++)
		if (p->v[i].status) {
			*w = p->v[i].w;
			st = read_piece(p, &p->v[i], why);
		}
	return st;
}

static int read_all(struct model *m, const struct sft_file *f, struct reason *why)
{
	struct pieces p = {.m = m, .f = f};
	const struct weight *w = m->w;
	int st = 0;

	for (size_t i = 0; i < m->n_w && !st; i++) {
		w = &m->w[i];
		st = cut(&p, w, why);
	}
	if (!st)
		st = read_pieces(&p, &w, why);
	if (st)
		fail_prefix(why, "tensor %s", w->name);
	free(p.v);
	return st;
}

/* A head that is stored although it is tied must be the embedding. */
static int check_tied_head(const struct model *m, const struct sft_file *f,
			   const struct sft_tensor *head, struct reason *why)
{
	const struct weight *w = model_weight(m, "model.embed_tokens.weight");
	const struct sft_tensor *embed = sft_find(f, w->name);
	size_t n = (size_t)w->shape[0], k = (size_t)w->shape[1], step = rows_at_once(n, k);
	float *a, *b;
	int st = check_shape(head, w, why);

	if (st)
		return st;
	a = xarray(step * k, sizeof *a);
	b = xarray(step * k, sizeof *b);
	for (size_t i = 0; i < n && !st; i += step) {
		size_t some = n - i < step ? n - i : step;

		st = sft_read_part(f, head, i * k, some * k, a, why);
		if (!st)
			st = sft_read_part(f, embed, i * k, some * k, b, why);
		if (!st && memcmp(a, b, some * k * sizeof *a) != 0)
			st = fail(why, ST_INPUT,
				  "differs from model.embed_tokens.weight, but tie_word_embeddings "
				  "is true");
	}
	free(a);
	free(b);
	return st;
}

/* Tensors that the model does not have */
static int check_extra(const struct model *m, const struct sft_file *f, const struct sft_tensor *t,
		       struct reason *why)
{
	int st;

	if (model_weight(m, t->name))
		return 0;
	if (m->cfg.tied && strcmp(t->name, "lm_head.weight") == 0)
		st = check_tied_head(m, f, t, why);
	else
		st = fail(why, ST_INPUT, "not a weight of this model");
	if (st)
		fail_prefix(why, "tensor %.100s", t->name);
	return st;
}

/* Before memory is asked for: a config.json that promises far more than the file holds. */
static int check_total(const struct config *cfg, const struct sft_file *f, struct reason *why)
{
	uint64_t total = 0, want = config_params(cfg);

	for (size_t i = 0; i < f->n; i++)
		total += f->v[i].count;
	if (want > (1U << 28) && want / 2 > total)
		return fail(why, ST_INPUT,
			    "config.json: asks for %llu weights, but the tensors hold %llu",
			    (unsigned long long)want, (unsigned long long)total);
	return 0;
}

static bool is_bf16(const struct sft_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].dtype != SFT_BF16)
			return false;
	return true;
}

/* A tied head may be all that there is of the embedding. */
static int open_model(struct sft_file *f, const struct config *cfg, const char *dir,
		      struct reason *why)
{
	static const char head[] = "lm_head.weight", embed[] = "model.embed_tokens.weight";
	int st = folder_has_weights(dir) ? sft_open(f, dir, why) : folder_lacks_weights(dir, why);

	if (!st && cfg->tied && sft_find(f, head) && !sft_find(f, embed))
		st = sft_rename(f, head, embed, why);
	return st;
}

/* Names may have that of the adapter in them. */
static int open_adapter(struct sft_file *f, const char *path, struct reason *why)
{
	int st = sft_open_file(f, path, why);

	if (!st && (sft_rename(f, ".lora_A.default.weight", ".lora_A.weight", why) ||
		    sft_rename(f, ".lora_B.default.weight", ".lora_B.weight", why))) {
		fail_prefix(why, "%s", path);
		sft_close(f);
		st = ST_INPUT;
	}
	return st;
}

static int load_file(struct model *m, const struct config *cfg, int how, const struct sft_file *f,
		     struct reason *why)
{
	int st = check_total(cfg, f, why);

	if (st)
		return st;
	if (how & WEIGHTS_LEAN && is_bf16(f))
		how |= MODEL_FROZEN;
	model_init(m, cfg, how & ~WEIGHTS_LEAN);
	st = read_all(m, f, why);
	for (size_t i = 0; i < f->n && !st; i++)
		st = check_extra(m, f, &f->v[i], why);
	if (!st)
		model_pack(m);
	return st;
}

/* On disk, of each weight; their names there begin with prefix */
static enum sft_dtype *types_of(const struct sft_file *f, const struct weight *w, size_t n,
				const char *prefix)
{
	enum sft_dtype *types = xcalloc(n, sizeof *types);

	for (size_t i = 0; i < n; i++) {
		char *name = xasprintf("%s%s", prefix, w[i].name);

		types[i] = sft_find(f, name)->dtype;
		free(name);
	}
	return types;
}

int weights_load(struct model *m, const struct config *cfg, int how, const char *dir,
		 enum sft_dtype **dtype, struct reason *why)
{
	struct sft_file f;
	int st = open_model(&f, cfg, dir, why);

	*dtype = NULL;
	if (st)
		return st;
	st = load_file(m, cfg, how, &f, why);
	if (st)
		fail_prefix(why, "%s", dir);
	else
		*dtype = types_of(&f, m->w, m->n_w, "");
	sft_close(&f);
	return st;
}

/* A tensor of an adapter's, by its weight's name */
static int read_part(const struct lora *l, const struct weight *w, const struct sft_file *f,
		     struct reason *why)
{
	char *name = xasprintf(PEFT_PREFIX "%s", w->name);
	const struct sft_tensor *t = sft_find(f, name);
	float *to = l->params + w->offset;
	int st = t ? check_shape(t, w, why) : fail(why, ST_INPUT, "missing");

	if (!st)
		st = sft_read(f, t, to, why);
	if (!st)
		st = check_finite(to, 0, w->count, why);
	if (st)
		fail_prefix(why, "tensor %s", name);
	free(name);
	return st;
}

static bool is_part(const struct lora *l, const char *name)
{
	size_t n = strlen(PEFT_PREFIX);

	if (strncmp(name, PEFT_PREFIX, n) != 0)
		return false;
	for (size_t i = 0; i < l->n_w; i++)
		if (strcmp(name + n, l->w[i].name) == 0)
			return true;
	return false;
}

static int read_parts(const struct lora *l, const struct sft_file *f, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < f->n; i++)
		if (!is_part(l, f->v[i].name))
			return fail(why, ST_INPUT,
				    "tensor %.100s: not one that " PEFT_CONFIG " tells of",
				    f->v[i].name);
	for (size_t i = 0; i < l->n_w && !st; i++)
		st = read_part(l, &l->w[i], f, why);
	return st;
}

int weights_load_adapter(struct lora *l, const char *path, enum sft_dtype **dtype,
			 struct reason *why)
{
	struct sft_file f;
	int st = open_adapter(&f, path, why);

	*dtype = NULL;
	if (st)
		return st;
	st = read_parts(l, &f, why);
	if (st) {
		fail_prefix(why, "%s", path);
	} else {
		*dtype = types_of(&f, l->w, l->n_w, PEFT_PREFIX);
		lora_pack(l);
	}
	sft_close(&f);
	return st;
}

/* Rows of a matrix, from wherever the model has them */
static void make_rows(const void *ctx, size_t i, size_t first, size_t n, float *to)
{
	const struct model *m = ctx;

	model_get_rows(m, &m->w[i], first, to, n);
	if (m->lora)
		lora_add(m->lora, m->w[i].name, first, n, to);
}

static bool is_made(const struct model *m, size_t i)
{
	return (m->lora || m->how & MODEL_FROZEN) && m->w[i].rank == 2;
}

const float *weights_rows(const struct model *m, size_t i, size_t first, size_t n, float *buf)
{
	if (!is_made(m, i))
		return m->params + m->w[i].offset + first * row_length(&m->w[i]);
	make_rows(m, i, first, n, buf);
	return buf;
}

/* Would the weight come back as it is from a file of this type? */
static bool is_exact(const struct model *m, size_t i, enum sft_dtype dtype)
{
	size_t n = (size_t)m->w[i].shape[0], k = row_length(&m->w[i]), step = rows_at_once(n, k);
	float *buf = xarray(step * k, sizeof *buf);
	bool exact = true;

	for (size_t at = 0; at < n && exact && dtype != SFT_F32; at += step) {
		size_t some = n - at < step ? n - at : step;

		exact = sft_exact(weights_rows(m, i, at, some, buf), some * k, dtype);
	}
	free(buf);
	return exact;
}

void weights_types(const struct model *m, const struct weights_form *f, const enum sft_dtype *came,
		   enum sft_dtype *types)
{
	for (size_t i = 0; i < m->n_w; i++)
		if (f->as == WEIGHTS_TRAINED)
			types[i] = is_exact(m, i, came[i]) ? came[i] : SFT_F32;
		else
			types[i] = f->as == WEIGHTS_SAME ? came[i] : (enum sft_dtype)f->as;
}

void weights_types_adapter(const struct lora *l, const struct weights_form *f,
			   const enum sft_dtype *came, enum sft_dtype *types)
{
	for (size_t i = 0; i < l->n_w; i++) {
		bool exact = sft_exact(l->params + l->w[i].offset, l->w[i].count, came[i]);

		if (f->as == WEIGHTS_TRAINED)
			types[i] = exact ? came[i] : SFT_F32;
		else
			types[i] = f->as == WEIGHTS_SAME ? came[i] : (enum sft_dtype)f->as;
	}
}

static uint64_t key_of(const struct weights_form *f, const char *name)
{
	struct hash *h;
	uint64_t key;

	if (!f->random)
		return 0;
	h = hash_new();
	hash_add(h, name, strlen(name));
	key = rng_key(f->seed, RNG_ROUND, hash_64(h), 0, 0);
	hash_free(h);
	return key | 1;
}

static struct sft_item item_of(const struct weight *w, const char *name, const float *params,
			       const struct weights_form *f, enum sft_dtype dtype)
{
	struct sft_item item = {.name = name,
				.dtype = dtype,
				.key = key_of(f, w->name),
				.rank = w->rank,
				.data = params ? params + w->offset : NULL};

	shape_in_file(w, item.shape);
	return item;
}

int weights_write(const struct model *m, struct out *o, const struct weights_form *f,
		  const enum sft_dtype *types, struct reason *why)
{
	struct sft_item *v = xcalloc(m->n_w, sizeof *v);
	int st;

	for (size_t i = 0; i < m->n_w; i++)
		v[i] = item_of(&m->w[i], m->w[i].name, is_made(m, i) ? NULL : m->params, f,
			       types[i]);
	st = sft_write_made(o, v, m->n_w, make_rows, m, why);
	free(v);
	return st;
}

int weights_write_adapter(const struct lora *l, struct out *o, const struct weights_form *f,
			  const enum sft_dtype *types, struct reason *why)
{
	struct sft_item *v = xcalloc(l->n_w, sizeof *v);
	char **name = xcalloc(l->n_w, sizeof *name);
	int st;

	for (size_t i = 0; i < l->n_w; i++) {
		name[i] = xasprintf(PEFT_PREFIX "%s", l->w[i].name);
		v[i] = item_of(&l->w[i], name[i], l->params, f, types[i]);
	}
	st = sft_write_made(o, v, l->n_w, NULL, NULL, why);
	for (size_t i = 0; i < l->n_w; i++)
		free(name[i]);
	free(name);
	free(v);
	return st;
}

/* n numbers as a file of that type has them */
static void as_written(const float *v, size_t n, enum sft_dtype dtype, uint64_t key, uint64_t at,
		       float *to)
{
	uint16_t *half = xarray(n, sizeof *half);

	if (dtype == SFT_F32)
		memcpy(to, v, n * sizeof *to);
	else
		sft_round(v, n, dtype, key, at, half);
	for (size_t i = 0; i < n && dtype != SFT_F32; i++)
		to[i] = sft_widen(dtype, half[i]);
	free(half);
}

/* Adds n numbers: as they were, and would have been in a file; as they are, and will be in it. */
static void add_loss(struct weights_loss *loss, const float *was, const float *was_there,
		     const float *is, const float *will, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double change = (double)is[i] - (double)was[i];
		double kept = (double)will[i] - (double)was_there[i];

		loss->changed += is[i] != was[i];
		loss->returned += is[i] != was[i] && will[i] == was_there[i];
		loss->rounded += will[i] != is[i];
		loss->change += change * change;
		loss->kept += kept * kept;
	}
}

/* A weight while it is compared: its tensor in the file that it was in, and how it is written */
struct compared {
	const struct sft_file *f;
	const struct sft_tensor *was;
	enum sft_dtype dtype;
	uint64_t key;
};

/* Its n numbers from the at-th on */
static int compare_part(const struct compared *c, const float *is, uint64_t at, size_t n,
			struct weights_loss *loss, struct reason *why)
{
	float *was = xarray(n, sizeof *was), *was_there = xarray(n, sizeof *was_there);
	float *will = xarray(n, sizeof *will);
	int st = sft_read_part(c->f, c->was, at, n, was, why);

	if (!st) {
		as_written(was, n, c->dtype, 0, at, was_there);
		as_written(is, n, c->dtype, c->key, at, will);
		add_loss(loss, was, was_there, is, will, n);
	}
	free(was);
	free(was_there);
	free(will);
	return st;
}

static int compared_with(struct compared *c, const struct weight *w, const char *before,
			 struct reason *why)
{
	char *name = xasprintf("%s%s", before, w->name);
	int st;

	c->was = sft_find(c->f, name);
	st = c->was ? check_shape(c->was, w, why) : fail(why, ST_INPUT, "missing");
	if (st)
		fail_prefix(why, "tensor %s", name);
	free(name);
	return st;
}

static int compare_one(const struct model *m, size_t i, struct compared *c,
		       struct weights_loss *loss, struct reason *why)
{
	const struct weight *w = &m->w[i];
	size_t n = (size_t)w->shape[0], k = row_length(w), step = rows_at_once(n, k);
	float *buf = xarray(step * k, sizeof *buf);
	int st = compared_with(c, w, "", why);

	for (size_t at = 0; at < n && !st; at += step) {
		size_t some = n - at < step ? n - at : step;

		st = compare_part(c, weights_rows(m, i, at, some, buf), at * k, some * k, loss,
				  why);
	}
	free(buf);
	return st;
}

static void take_roots(struct weights_loss *loss)
{
	loss->change = sqrt(loss->change);
	loss->kept = sqrt(loss->kept);
}

int weights_compare(const struct model *m, const char *dir, const struct weights_form *f,
		    const enum sft_dtype *types, struct weights_loss *loss, struct reason *why)
{
	struct sft_file was;
	struct compared c = {.f = &was};
	int st = open_model(&was, &m->cfg, dir, why);

	*loss = (struct weights_loss){0};
	if (st)
		return st;
	for (size_t i = 0; i < m->n_w && !st; i++) {
		c.dtype = types[i];
		c.key = key_of(f, m->w[i].name);
		st = compare_one(m, i, &c, loss, why);
	}
	if (st)
		fail_prefix(why, "%s", dir);
	sft_close(&was);
	take_roots(loss);
	return st;
}

int weights_compare_adapter(const struct lora *l, const char *path, const struct weights_form *f,
			    const enum sft_dtype *types, struct weights_loss *loss,
			    struct reason *why)
{
	struct sft_file was;
	struct compared c = {.f = &was};
	int st = open_adapter(&was, path, why);

	*loss = (struct weights_loss){0};
	if (st)
		return st;
	for (size_t i = 0; i < l->n_w && !st; i++) {
		const struct weight *w = &l->w[i];

		c.dtype = types[i];
		c.key = key_of(f, w->name);
		st = compared_with(&c, w, PEFT_PREFIX, why);
		if (!st)
			st = compare_part(&c, l->params + w->offset, 0, w->count, loss, why);
	}
	if (st)
		fail_prefix(why, "%s", path);
	sft_close(&was);
	take_roots(loss);
	return st;
}
