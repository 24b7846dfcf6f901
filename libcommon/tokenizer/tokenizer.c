/* tokenizer.c - tokenizer.json: added tokens, the template, and its other parts, each of which has
 * a file of its own. See tokenizer.h. */
#include "tokenizer/tokenizer.h"
#include "base/json.h"
#include "base/mem.h"
#include "tokenizer/bpe.h"
#include "tokenizer/decoder.h"
#include "tokenizer/matcher.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pretok.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct tokenizer {
	struct buf json;
	struct bpe bpe;
	struct normalizer normalizer;
	struct pretok *pre;
	struct decoder decoder;
	unsigned char *added; /* by id: ADDED and others; 0: none of the added tokens */
	size_t n_added;
	struct matcher raw, normalized; /* before and after the normalizer */
	struct ids prefix;              /* the template before a text */
	bool framed;                    /* there is one */
};

enum { ADDED = 1, NORMALIZED = 2, LSTRIP = 4, RSTRIP = 8, SINGLE_WORD = 16 };

/* ---- added tokens ---- */

static bool matcher_named(const struct matcher *m, const struct bpe *b, const char *name,
			  uint32_t *id)
{
	for (size_t i = 0; i < m->n; i++) {
		assert(m->v[i].id < b->n);
		if (span_is(b->v[m->v[i].id].name, name)) {
			*id = m->v[i].id;
			return true;
		}
	}
	return false;
}

/* ---- loading ---- */

static struct span span_of(const json_t *string)
{
	return (struct span){json_string_value(string), json_string_length(string)};
}

static const char *type_of(const json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "type"));

	return s ? s : "an entry without a type";
}

/* Absent, null, false, zero or empty: how a feature is switched off. */
static bool is_off(const json_t *v)
{
	return !v || json_is_null(v) || json_is_false(v) ||
	       (json_is_number(v) && json_number_value(v) == 0) ||
	       (json_is_string(v) && json_string_length(v) == 0);
}

static int load_vocab(struct tokenizer *t, const json_t *vocab, struct reason *why)
{
	const char *name;
	const json_t *id;

	if (!json_is_object(vocab) || !json_object_size(vocab))
		return fail(why, ST_INPUT, "vocab is missing or empty");
	json_object_foreach((json_t *)vocab, name, id)
	{
		if (!json_is_integer(id))
			return fail(why, ST_INPUT, "token \"%.100s\": id is no integer", name);
		if (bpe_add(&t->bpe, (struct span){name, strlen(name)}, json_integer_value(id),
			    why))
			return ST_INPUT;
	}
	return 0;
}

/* "a b" or ["a", "b"] */
static int load_merge(struct tokenizer *t, const json_t *m, struct reason *why)
{
	struct span left = span_of(json_array_get(m, 0)), right = span_of(json_array_get(m, 1));

	if (json_is_string(m)) {
		struct span both = span_of(m);
		const char *space = memchr(both.p, ' ', both.n);

		if (space) {
			left = (struct span){both.p, (size_t)(space - both.p)};
			right = (struct span){space + 1, both.n - left.n - 1};
		}
	}
	if (!left.p || !right.p || json_array_size(m) > 2)
		return fail(why, ST_INPUT, "merge %zu is not a pair of tokens", t->bpe.n_merges);
	return bpe_add_merge(&t->bpe, left, right, why);
}

static int load_model(struct tokenizer *t, const json_t *j, struct reason *why)
{
	static const char *const refused[] = {"dropout", "continuing_subword_prefix",
					      "end_of_word_suffix"};
	const json_t *merges = json_object_get(j, "merges"), *m,
		     *unk = json_object_get(j, "unk_token");
	uint32_t id;
	size_t i;

	for (i = 0; i < sizeof refused / sizeof *refused; i++)
		if (!is_off(json_object_get(j, refused[i])))
			return fail(why, ST_INPUT, "model: %s is not supported", refused[i]);
	if (load_vocab(t, json_object_get(j, "vocab"), why)) {
		fail_prefix(why, "model");
		return ST_INPUT;
	}
	if (!json_is_array(merges))
		return fail(why, ST_INPUT, "model: merges is missing or not a list");
	json_array_foreach(merges, i, m) if (load_merge(t, m, why))
	{
		fail_prefix(why, "model");
		return ST_INPUT;
	}
	t->bpe.whole_first = json_is_true(json_object_get(j, "ignore_merges"));
	t->bpe.fuse_unk = json_is_true(json_object_get(j, "fuse_unk"));
	bpe_finish(&t->bpe, json_is_true(json_object_get(j, "byte_fallback")));
	if (is_off(unk))
		return 0;
	if (!json_is_string(unk) || !bpe_find(&t->bpe, span_of(unk), &id))
		return fail(why, ST_INPUT, "model: unk_token is not in the vocabulary");
	t->bpe.unk = id;
	return 0;
}

static int make_literal(const struct tokenizer *t, uint32_t id, struct norm_work *w,
			struct literal *l, struct reason *why)
{
	struct span name = t->bpe.v[id].name, text = name;
	unsigned char flags = t->added[id];

	if (flags & NORMALIZED && normalizer_run(&t->normalizer, &text, w, why))
		return ST_INPUT;
	if (!text.n)
		return fail(why, ST_INPUT,
			    "added token \"%.*s\": the normalizer leaves nothing of it",
			    (int)name.n, name.p);
	*l = (struct literal){.id = id,
			      .lstrip = flags & LSTRIP,
			      .rstrip = flags & RSTRIP,
			      .single_word = flags & SINGLE_WORD};
	buf_add(&l->text, text.p, text.n);
	return 0;
}

/* From the flags of each token */
static int make_matchers(struct tokenizer *t, struct reason *why)
{
	struct norm_work w = {0};
	struct literal l;
	int st = 0;

	matcher_free(&t->raw);
	matcher_free(&t->normalized);
	t->raw = t->normalized = (struct matcher){0};
	for (uint32_t id = 0; id < t->n_added && !st; id++) {
		if (!t->added[id])
			continue;
		st = make_literal(t, id, &w, &l, why);
		if (!st)
			matcher_add(t->added[id] & NORMALIZED ? &t->normalized : &t->raw, &l);
	}
	matcher_sort(&t->raw);
	matcher_sort(&t->normalized);
	norm_work_free(&w);
	return st;
}

static int add_token(struct tokenizer *t, const struct tok_added *a, int64_t id, struct reason *why)
{
	size_t n = strlen(a->content);

	if (bpe_add_literal(&t->bpe, (struct span){a->content, n}, id, a->special, why))
		return ST_INPUT;
	if (t->n_added < t->bpe.n) {
		t->added = xgrow(t->added, t->bpe.n, 1);
		memset(t->added + t->n_added, 0, t->bpe.n - t->n_added);
		t->n_added = t->bpe.n;
	}
	t->added[id] = (unsigned char)(ADDED | (a->normalized ? NORMALIZED : 0) |
				       (a->lstrip ? LSTRIP : 0) | (a->rstrip ? RSTRIP : 0) |
				       (a->single_word ? SINGLE_WORD : 0));
	return 0;
}

static int load_added_token(struct tokenizer *t, const json_t *j, struct reason *why)
{
	struct span name = span_of(json_object_get(j, "content"));
	const json_t *id = json_object_get(j, "id");
	struct tok_added a = {.content = name.p,
			      .special = json_is_true(json_object_get(j, "special")),
			      .normalized = json_is_true(json_object_get(j, "normalized")),
			      .lstrip = json_is_true(json_object_get(j, "lstrip")),
			      .rstrip = json_is_true(json_object_get(j, "rstrip")),
			      .single_word = json_is_true(json_object_get(j, "single_word"))};

	if (!name.n || !json_is_integer(id))
		return fail(why, ST_INPUT, "added_tokens: an entry without content or id");
	return add_token(t, &a, json_integer_value(id), why);
}

static int load_added(struct tokenizer *t, const json_t *list, struct reason *why)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (load_added_token(t, item, why)) return ST_INPUT;
	return make_matchers(t, why);
}

/* The token of this name, if it has another id than the one that is asked for */
static int check_id(const struct tokenizer *t, const struct tok_added *a, struct reason *why)
{
	uint32_t is;

	if ((uint64_t)a->id < t->bpe.n && t->bpe.v[a->id].name.p &&
	    span_is(t->bpe.v[a->id].name, a->content))
		return 0;
	return tok_find(t, a->content, &is)
		       ? fail(why, ST_INPUT, "token \"%.80s\": id %lld, but tokenizer.json says %u",
			      a->content, (long long)a->id, is)
		       : 0;
}

int tok_add(struct tokenizer *t, const struct tok_added *v, size_t n, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < n && !st; i++) {
		int64_t id = v[i].id;
		uint32_t is;

		if (id < 0)
			id = tok_find(t, v[i].content, &is) ? (int64_t)is : (int64_t)t->bpe.n;
		else
			st = check_id(t, &v[i], why);
		if (!st)
			st = add_token(t, &v[i], id, why);
	}
	return st ? st : make_matchers(t, why);
}

void tok_append(struct ids *ids, const uint32_t *v, size_t n)
{
	if (ids->cap - ids->n < n) {
		ids->cap = ids->n + n > 2 * ids->cap ? ids->n + n : 2 * ids->cap;
		ids->cap = ids->cap > 64 ? ids->cap : 64;
		ids->v = xgrow(ids->v, ids->cap, sizeof *ids->v);
	}
	if (n)
		memcpy(ids->v + ids->n, v, n * sizeof *v);
	ids->n += n;
}

static void add_id(struct ids *ids, uint32_t id)
{
	tok_append(ids, &id, 1);
}

/* What stands behind a text is left out: nothing is sampled, nor learned, behind an end.
 * {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens":
 * {"<s>": {"ids": [1]}}} */
static int load_template(struct tokenizer *t, const json_t *j, struct reason *why)
{
	const json_t *single = json_object_get(j, "single"), *item, *special, *ids, *id;
	bool text_seen = false;
	size_t i, k;

	json_array_foreach(single, i, item)
	{
		if (json_object_get(item, "Sequence")) {
			text_seen = true;
			continue;
		}
		special = json_object_get(json_object_get(item, "SpecialToken"), "id");
		if (!json_is_string(special))
			return fail(why, ST_INPUT, "entry %zu of single is not understood", i);
		ids = json_object_get(json_object_get(json_object_get(j, "special_tokens"),
						      json_string_value(special)),
				      "ids");
		if (!json_is_array(ids))
			return fail(why, ST_INPUT, "no ids for \"%.80s\"",
				    json_string_value(special));
		json_array_foreach(ids, k, id)
		{
			if (!json_is_integer(id) || json_integer_value(id) < 0 ||
			    json_integer_value(id) >= t->bpe.n)
				return fail(why, ST_INPUT, "the id of \"%.80s\" is no token",
					    json_string_value(special));
			if (!text_seen)
				add_id(&t->prefix, (uint32_t)json_integer_value(id));
		}
	}
	t->framed = true;
	return text_seen ? 0 : fail(why, ST_INPUT, "single holds no Sequence");
}

static int load_post(struct tokenizer *t, const json_t *j, struct reason *why)
{
	const json_t *item;
	size_t i;

	/* ByteLevel here only moves offsets, which we do not report */
	if (is_off(j) || strcmp(type_of(j), "ByteLevel") == 0)
		return 0;
	if (strcmp(type_of(j), "Sequence") == 0) {
		json_array_foreach(json_object_get(j, "processors"), i,
				   item) if (load_post(t, item, why)) return ST_INPUT;
		return 0;
	}
	if (strcmp(type_of(j), "TemplateProcessing") != 0 || t->framed)
		return fail(why, ST_INPUT, "post_processor: %.40s is not supported", type_of(j));
	if (load_template(t, j, why)) {
		fail_prefix(why, "post_processor: TemplateProcessing");
		return ST_INPUT;
	}
	return 0;
}

/* Which parts go with each other: all of them write bytes, or none does. */
static int check_parts(const struct tokenizer *t, const json_t *model, struct reason *why)
{
	bool fallback = json_is_true(json_object_get(model, "byte_fallback"));

	if (pretok_bytes(t->pre) && !t->decoder.byte_level)
		return fail(why, ST_INPUT,
			    "pre_tokenizer: ByteLevel is not supported without that decoder");
	if (t->decoder.byte_level && !pretok_bytes(t->pre))
		return fail(why, ST_INPUT,
			    "decoder: ByteLevel is not supported without that pre_tokenizer");
	if (fallback && t->decoder.byte_level)
		return fail(why, ST_INPUT, "model: byte_fallback is not supported with ByteLevel");
	if (fallback && !t->decoder.fallback)
		return fail(why, ST_INPUT,
			    "model: byte_fallback is not supported without a decoder ByteFallback");
	return 0;
}

/* truncation and padding are left alone: they concern batches, and callers cut by themselves */
static int load_all(struct tokenizer *t, const json_t *j, struct reason *why)
{
	const json_t *model = json_object_get(j, "model");

	if (!json_is_object(j))
		return fail(why, ST_INPUT, "not a JSON object");
	if (strcmp(type_of(model), "BPE") != 0)
		return fail(why, ST_INPUT, "model: %.40s is not supported, only BPE",
			    type_of(model));
	t->pre = pretok_new(json_object_get(j, "pre_tokenizer"), why);
	if (!t->pre || decoder_load(&t->decoder, json_object_get(j, "decoder"), why) ||
	    check_parts(t, model, why))
		return ST_INPUT;
	t->bpe.characters = !t->decoder.byte_level;
	if (load_model(t, model, why) ||
	    normalizer_load(&t->normalizer, json_object_get(j, "normalizer"), why) ||
	    load_added(t, json_object_get(j, "added_tokens"), why) ||
	    load_post(t, json_object_get(j, "post_processor"), why))
		return ST_INPUT;
	return 0;
}

struct tokenizer *tok_load(const char *json, size_t n, const char *where, struct reason *why)
{
	json_t *j = json_parse(json, n, where, why);
	struct tokenizer *t;

	if (!j)
		return NULL;
	t = xcalloc(1, sizeof *t);
	bpe_init(&t->bpe);
	if (n < BPE_MAX_ID) /* each token takes more than a byte of the file: a few cannot ask for
			       the memory of millions */
		t->bpe.max_id = (int64_t)n;
	buf_add(&t->json, json, n);
	if (load_all(t, j, why)) {
		fail_prefix(why, "%s", where);
		tok_free(t);
		t = NULL;
	}
	json_decref(j);
	return t;
}

void tok_frame(struct tokenizer *t, int64_t before)
{
	t->prefix.n = 0;
	if (before >= 0)
		add_id(&t->prefix, (uint32_t)before);
}

bool tok_is_framed(const struct tokenizer *t)
{
	return t->framed;
}

void tok_free(struct tokenizer *t)
{
	if (!t)
		return;
	buf_free(&t->json);
	bpe_free(&t->bpe);
	normalizer_free(&t->normalizer);
	pretok_free(t->pre);
	decoder_free(&t->decoder);
	matcher_free(&t->raw);
	matcher_free(&t->normalized);
	free(t->prefix.v);
	free(t->added);
	free(t);
}

/* ---- encoding ---- */

struct work {
	const struct tokenizer *t;
	struct bpe_work bpe;
	struct pieces pieces;
	struct norm_work normal;
	bool start; /* nothing has been encoded yet */
	struct ids *out;
};

/* Text without added tokens, normalized. */
static int encode_plain(struct work *w, struct span text, struct reason *why)
{
	struct ids *out = w->out;

	if (pretok_cut(w->t->pre, text, w->start, &w->pieces, why))
		return ST_INPUT;
	for (size_t i = 0; i < w->pieces.n; i++) {
		struct piece p = w->pieces.v[i];
		long n;

		if (out->cap - out->n < p.n) {
			out->cap = out->n + p.n + out->cap / 2;
			out->v = xgrow(out->v, out->cap, sizeof *out->v);
		}
		n = bpe_encode(&w->t->bpe, &w->bpe, (struct span){w->pieces.text.p + p.at, p.n},
			       out->v + out->n, why);
		if (n < 0)
			return ST_INPUT;
		assert((size_t)n <= p.n && out->n + (size_t)n <= out->cap);
		out->n += (size_t)n;
	}
	return 0;
}

/* Cuts text at the tokens of m and gives what lies between them to next. */
static int encode_between(struct work *w, const struct matcher *m, struct span text,
			  int (*next)(struct work *, struct span, struct reason *),
			  struct reason *why)
{
	const struct literal *l;
	struct found at = {0};
	size_t done = 0;

	while ((l = matcher_find(m, text, &at))) {
		if (at.begin > done && next(w, (struct span){text.p + done, at.begin - done}, why))
			return ST_INPUT;
		add_id(w->out, l->id);
		w->start = false;
		done = at.end;
	}
	return next(w, (struct span){text.p + done, text.n - done}, why);
}

static int encode_raw(struct work *w, struct span text, struct reason *why)
{
	if (normalizer_run(&w->t->normalizer, &text, &w->normal, why))
		return ST_INPUT;
	return encode_between(w, &w->t->normalized, text, encode_plain, why);
}

/* A text that begins with the template's prefix, as one rendered for a chat does, keeps only it. */
static void drop_second_prefix(const struct tokenizer *t, struct ids *ids, size_t at)
{
	size_t n = t->prefix.n;
	uint32_t *v;

	assert(at <= ids->n && ids->n <= ids->cap);
	if (n == 0 || ids->n - at < 2 * n)
		return;
	v = ids->v + at;
	if (memcmp(v, v + n, n * sizeof *v) != 0)
		return;
	memmove(v, v + n, (ids->n - at - n) * sizeof *v);
	ids->n -= n;
}

int tok_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct ids *out,
	       struct reason *why)
{
	struct work w = {.t = t, .start = true, .out = out};
	size_t before = out->n;
	int st;

	assert(text || !n);
	for (size_t i = 0; special && i < t->prefix.n; i++)
		add_id(out, t->prefix.v[i]);
	st = encode_between(&w, &t->raw, (struct span){text, n}, encode_raw, why);
	if (special && !st)
		drop_second_prefix(t, out, before);
	if (st)
		out->n = before;
	bpe_work_free(&w.bpe);
	pretok_pieces_free(&w.pieces);
	norm_work_free(&w.normal);
	return st;
}

void tok_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool keep_special,
		struct buf *out)
{
	struct strings names = {0};

	assert(ids || !n);
	for (size_t i = 0; i < n; i++) {
		const struct bpe_token *k = ids[i] < t->bpe.n ? &t->bpe.v[ids[i]] : NULL;

		if (!k || !k->name.p || (k->special && !keep_special))
			continue;
		if (t->decoder.byte_level)
			buf_add(out, k->bytes.p, k->bytes.n);
		else
			decoder_strings_add(&names, k->name);
	}
	decoder_run(&t->decoder, &names, out);
	decoder_strings_free(&names);
}

uint32_t tok_vocab_size(const struct tokenizer *t)
{
	return t->bpe.n;
}

bool tok_find(const struct tokenizer *t, const char *content, uint32_t *id)
{
	if (matcher_named(&t->raw, &t->bpe, content, id) ||
	    matcher_named(&t->normalized, &t->bpe, content, id))
		return true;
	return bpe_find(&t->bpe, (struct span){content, strlen(content)}, id);
}

bool tok_is_added(const struct tokenizer *t, const char *content)
{
	uint32_t id;

	return matcher_named(&t->raw, &t->bpe, content, &id) ||
	       matcher_named(&t->normalized, &t->bpe, content, &id);
}

struct span tok_json(const struct tokenizer *t)
{
	return (struct span){t->json.p, t->json.n};
}

const char *tok_content(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);
}
