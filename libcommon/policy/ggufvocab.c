/* ggufvocab.c - the tokenizer of a policy folder as a GGUF's keys. See ggufvocab.h. */
#include "policy/ggufvocab.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/names.h"
#include "policy/gguftok.h"

#include <stdlib.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name
#define BLANK "\xe2\x96\x81"

struct vocab {
	const struct policy *p;
	json_t *j;     /* tokenizer.json */
	json_t *model; /* its model */
	bool bytes;    /* byte-level */
	bool prefix;   /* a blank before the text */
	size_t n;      /* ids of the model's */
	struct span *token;
	int32_t *kind;
	struct buf fill; /* names of what fills it up */
	bool phi3;       /* its added tokens are as llama.cpp takes Phi-3's to be */
	size_t stripping;
};

static struct span span_of(const json_t *string)
{
	return (struct span){json_string_value(string), json_string_length(string)};
}

static bool is_type(const json_t *j, const char *type)
{
	return span_is(span_of(json_object_get(j, "type")), type);
}

/* ---- what it is ---- */

static bool is_replace(const json_t *j)
{
	return is_type(j, "Replace") &&
	       span_is(span_of(json_object_get(json_object_get(j, "pattern"), "String")), " ") &&
	       span_is(span_of(json_object_get(j, "content")), BLANK);
}

/* A cut at blanks, none of which are left: Gemma's */
static bool is_idle(const json_t *pre)
{
	return is_type(pre, "Split") &&
	       span_is(span_of(json_object_get(json_object_get(pre, "pattern"), "String")), " ");
}

/* Prepend and Replace, or Replace alone, and no pre-tokenizer that does anything */
static bool is_by_characters(struct vocab *v)
{
	const json_t *norm = json_object_get(v->j, "normalizer");
	const json_t *list = json_object_get(norm, "normalizers"), *first = json_array_get(list, 0);
	const json_t *pre = json_object_get(v->j, "pre_tokenizer");

	if (pre && !json_is_null(pre) && !is_idle(pre))
		return false;
	v->prefix = json_array_size(list) == 2 && is_type(first, "Prepend") &&
		    span_is(span_of(json_object_get(first, "prepend")), BLANK) &&
		    is_replace(json_array_get(list, 1));
	return v->prefix || is_replace(norm);
}

/* None, or NFC, which llama.cpp leaves out where a pattern's name stands for it */
static bool is_plain(const json_t *norm)
{
	const json_t *list = json_object_get(norm, "normalizers"), *item;
	size_t i;

	if (!norm || json_is_null(norm) || is_type(norm, "NFC"))
		return true;
	json_array_foreach(list, i, item) if (!is_type(item, "NFC")) return false;
	return is_type(norm, "Sequence");
}

static int put_kind(struct vocab *v, struct gguf_meta *m, struct reason *why)
{
	const json_t *norm = json_object_get(v->j, "normalizer");
	const char *pre;

	v->bytes = is_type(json_object_get(v->j, "decoder"), "ByteLevel");
	if (!v->bytes && !is_by_characters(v))
		return fail(
			why, ST_INPUT,
			"normalizer and pre_tokenizer: of tokenizers that are not byte-level, GGUF "
			"has Prepend and Replace alone");
	gguf_put_string(m, KEY("model"),
			v->bytes ? (struct span){"gpt2", 4} : (struct span){"llama", 5});
	if (!v->bytes) {
		gguf_put_string(m, KEY("pre"), (struct span){"default", 7});
		gguf_put_bool(m, KEY("add_space_prefix"), v->prefix);
		return 0;
	}
	if (!is_plain(norm))
		return fail(why, ST_INPUT,
			    "normalizer: of byte-level tokenizers, GGUF has NFC alone");
	pre = gguf_pre_name(v->j);
	if (!pre)
		return fail(why, ST_INPUT, "pre_tokenizer: not one that llama.cpp has a name for");
	gguf_put_string(m, KEY("pre"), (struct span){pre, strlen(pre)});
	return 0;
}

/* ---- tokens ---- */

static int put_token(struct vocab *v, struct span name, const json_t *id, int32_t kind,
		     struct reason *why)
{
	size_t i = (size_t)json_integer_value(id);

	if (!json_is_integer(id) || i >= v->n)
		return fail(why, ST_INPUT, "token \"%.*s\": id %lld is not below vocab_size %zu",
			    name.n < 80 ? (int)name.n : 80, name.p,
			    (long long)json_integer_value(id), v->n);
	v->token[i] = name;
	v->kind[i] = kind;
	return 0;
}

static bool is_byte(const struct vocab *v, const char *name)
{
	return !v->bytes && json_is_true(json_object_get(v->model, "byte_fallback")) &&
	       strlen(name) == 6 && strncmp(name, "<0x", 3) == 0 && name[5] == '>';
}

static int take_vocab(struct vocab *v, struct reason *why)
{
	struct span unk = span_of(json_object_get(v->model, "unk_token"));
	const json_t *id;
	const char *name;
	int st = 0;

	json_object_foreach(json_object_get(v->model, "vocab"), name, id)
	{
		struct span s = {name, strlen(name)};

		st = st ? st
			: put_token(v, s, id,
				    is_byte(v, name)           ? GGUF_BYTE
				    : unk.p && span_eq(s, unk) ? GGUF_UNKNOWN
							       : GGUF_NORMAL,
				    why);
	}
	return st;
}

/* As llama.cpp takes Phi-3's to be: all of its four tokens are there, and white space goes with
 * each but three */
static bool is_phi3(const json_t *added)
{
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach(added, i, item)
	{
		struct span s = span_of(json_object_get(item, "content"));
		bool kept = gguf_tok_is_kept(s);

		if (json_is_true(json_object_get(item, "lstrip")) ||
		    json_is_true(json_object_get(item, "single_word")) ||
		    json_is_true(json_object_get(item, "rstrip")) == kept)
			return false;
		n += kept || span_is(s, "</s>");
	}
	return n == 4;
}

static int check_added(struct vocab *v, const json_t *item, struct span s, struct reason *why)
{
	if (json_is_true(json_object_get(item, "single_word")))
		return fail(why, ST_INPUT,
			    "added token \"%.*s\": single_word: GGUF cannot say that",
			    s.n < 80 ? (int)s.n : 80, s.p);
	v->stripping += !v->phi3 && (json_is_true(json_object_get(item, "lstrip")) ||
				     json_is_true(json_object_get(item, "rstrip")));
	return 0;
}

static int take_added(struct vocab *v, struct reason *why)
{
	const json_t *list = json_object_get(v->j, "added_tokens"), *item;
	size_t i;
	int st = 0;

	v->phi3 = is_phi3(list);
	json_array_foreach(list, i, item)
	{
		struct span s = span_of(json_object_get(item, "content"));
		const json_t *id = json_object_get(item, "id");
		bool special = json_is_true(json_object_get(item, "special"));
		bool unk = json_integer_value(id) < (json_int_t)v->n &&
			   v->kind[json_integer_value(id)] == GGUF_UNKNOWN;

		st = st ? st : check_added(v, item, s, why);
		st = st ? st
			: put_token(v, s, id,
				    unk       ? GGUF_UNKNOWN
				    : special ? GGUF_CONTROL
					      : GGUF_USER,
				    why);
	}
	return st;
}

/* A name that llama.cpp takes for Phi-3's, or does not, as the tokens are: "Phi-3" and "phi3" get a
 * blank before the digit. */
static void put_name(const struct vocab *v, struct span name, struct gguf_meta *m)
{
	struct buf b = {0};

	if (!utf8_valid(name.p, name.n)) /* of a folder; a GGUF has no other text */
		name = (struct span){"model", 5};
	if (v->phi3 && !gguf_tok_is_phi3(name))
		buf_str(&b, "Phi-3 ");
	for (size_t i = 0; i < name.n; i++) {
		buf_char(&b, name.p[i]);
		if (v->phi3 || !gguf_tok_is_phi3((struct span){b.p, b.n}))
			continue;
		b.n -= b.p[b.n - 2] == '-' ? 2 : 1;
		buf_str(&b, " 3");
	}
	gguf_put_string(m, "general.name", (struct span){b.p, b.n});
	buf_free(&b);
}

/* Ids of the model that no token has: llama.cpp wants one for each. */
static void fill_up(struct vocab *v)
{
	size_t at = 0;

	for (size_t i = 0; i < v->n; i++)
		if (!v->token[i].p)
			buf_printf(&v->fill, "[PAD%zu]", i);
	for (size_t i = 0; i < v->n; i++)
		if (!v->token[i].p) {
			const char *p = v->fill.p + at, *end = strchr(p, ']');

			v->token[i] = (struct span){p, (size_t)(end - p) + 1};
			v->kind[i] = GGUF_UNUSED;
			at += v->token[i].n;
		}
}

/* ---- merges ---- */

/* "a b" or ["a", "b"] */
static void split_merge(const json_t *m, struct span *left, struct span *right)
{
	*left = span_of(json_array_get(m, 0));
	*right = span_of(json_array_get(m, 1));
	if (json_is_string(m)) {
		struct span both = span_of(m);
		const char *blank = memchr(both.p, ' ', both.n);

		*left = (struct span){both.p, (size_t)(blank - both.p)};
		*right = (struct span){blank + 1, both.n - left->n - 1};
	}
}

static void put_merges(const struct vocab *v, struct gguf_meta *m)
{
	const json_t *merges = json_object_get(v->model, "merges"), *item;
	size_t n = json_array_size(merges), i, at = 0;
	struct span *list = xarray(n + 1, sizeof *list), left, right;
	struct buf text = {0};

	json_array_foreach(merges, i, item)
	{
		split_merge(item, &left, &right);
		buf_add(&text, left.p, left.n);
		buf_char(&text, ' ');
		buf_add(&text, right.p, right.n);
		list[i].n = left.n + 1 + right.n;
	}
	for (i = 0; i < n; i++, at += list[i - 1].n)
		list[i].p = text.p + at;
	gguf_put_strings(m, KEY("merges"), list, n);
	buf_free(&text);
	free(list);
}

/* The first merge that makes a token says how early it is made: llama.cpp goes by that. */
static void put_scores(const struct vocab *v, struct gguf_meta *m)
{
	const json_t *merges = json_object_get(v->model, "merges"), *item;
	float *score = xarray(v->n + 1, sizeof *score);
	struct names names = {0};
	struct buf made = {0};
	struct span left, right;
	size_t i;

	for (i = 0; i < v->n; i++) {
		names_id(&names, v->token[i]);
		score[i] = -(float)(json_array_size(merges) + 1);
	}
	for (i = json_array_size(merges); i-- > 0;) {
		size_t id;

		item = json_array_get(merges, i);
		split_merge(item, &left, &right);
		buf_reset(&made);
		buf_add(&made, left.p, left.n);
		buf_add(&made, right.p, right.n);
		id = names_find(&names, (struct span){made.p, made.n});
		if (id < v->n)
			score[id] = -(float)i;
	}
	gguf_put_f32s(m, KEY("scores"), score, v->n);
	names_free(&names);
	buf_free(&made);
	free(score);
}

/* ---- ids, template ---- */

/* The id of the token that tokenizer_config.json names; -1: none */
static int64_t named_id(const struct policy *p, const json_t *config, const char *key)
{
	const char *s = tok_content(config, key);
	uint32_t id;

	return s && tok_find(p->tok, s, &id) ? (int64_t)id : -1;
}

/* What the template puts around a text: nothing, bos before it, eos behind it, or both. A bos that
 * no file names is what stands there. */
static int put_frame(const struct vocab *v, int64_t *bos, int64_t eos, struct gguf_meta *m,
		     struct reason *why)
{
	struct ids ids = {0};
	int st = tok_encode(v->p->tok, "", 0, true, &ids, why);
	bool first, last;

	if (!st && *bos < 0 && ids.n && ids.v[0] != eos)
		*bos = ids.v[0];
	first = !st && *bos >= 0 && ids.n && ids.v[0] == *bos;
	last = !st && eos >= 0 && ids.n > first && ids.v[ids.n - 1] == eos;
	if (!st && ids.n != (size_t)first + last)
		st = fail(why, ST_INPUT,
			  "post_processor: a template with other tokens than bos and eos");
	gguf_put_bool(m, KEY("add_bos_token"), first);
	gguf_put_bool(m, KEY("add_eos_token"), last);
	free(ids.v);
	return st;
}

static void put_id(struct gguf_meta *m, const char *key, int64_t id)
{
	if (id >= 0)
		gguf_put_u32(m, key, (uint32_t)id);
}

static int put_ids(const struct vocab *v, const json_t *config, struct gguf_meta *m,
		   struct reason *why)
{
	static const char *const more[] = {KEY("eot_token_id"), KEY("eom_token_id")};
	const struct config *c = &v->p->cfg;
	int64_t bos = named_id(v->p, config, "bos_token"),
		eos = named_id(v->p, config, "eos_token");
	size_t n = 0;
	int st;

	bos = bos >= 0 ? bos : c->bos;
	eos = eos >= 0 ? eos : c->n_eos ? (int64_t)c->eos[0] : -1;
	st = put_frame(v, &bos, eos, m, why);
	put_id(m, KEY("bos_token_id"), bos);
	put_id(m, KEY("eos_token_id"), eos);
	for (size_t i = 0; i < c->n_eos && n < 2; i++)
		if ((int64_t)c->eos[i] != eos)
			put_id(m, more[n++], c->eos[i]);
	put_id(m, KEY("unknown_token_id"), named_id(v->p, config, "unk_token"));
	put_id(m, KEY("padding_token_id"), named_id(v->p, config, "pad_token"));
	return st;
}

/* A string, or a list of named ones, of which "default" counts */
static void put_template(const struct policy *p, const json_t *config, struct gguf_meta *m)
{
	const json_t *t = json_object_get(config, "chat_template"), *item;
	struct span text = {p->chat_template.p, p->chat_template.n};
	size_t i;

	if (!text.n && json_is_string(t))
		text = span_of(t);
	json_array_foreach(t, i,
			   item) if (!text.n &&
				     span_is(span_of(json_object_get(item, "name")), "default"))
		text = span_of(json_object_get(item, "template"));
	if (text.n)
		gguf_put_string(m, "tokenizer.chat_template", text);
}

static int put_all(struct vocab *v, struct span name, const json_t *config, struct gguf_meta *m,
		   struct reason *why)
{
	int st = put_kind(v, m, why);

	if (!st)
		st = take_vocab(v, why);
	if (!st)
		st = take_added(v, why);
	if (st)
		return st;
	put_name(v, name, m);
	fill_up(v);
	gguf_put_strings(m, KEY("tokens"), v->token, v->n);
	gguf_put_i32s(m, KEY("token_type"), v->kind, v->n);
	if (v->bytes)
		put_merges(v, m);
	else
		put_scores(v, m);
	put_template(v->p, config, m);
	return put_ids(v, config, m, why);
}

int gguf_vocab_put(const struct policy *p, struct span name, struct gguf_meta *m, size_t *stripping,
		   struct reason *why)
{
	struct span text = tok_json(p->tok);
	struct vocab v = {.p = p, .n = (size_t)p->cfg.vocab};
	json_t *config = p->tok_config.n ? json_parse_wide(p->tok_config.p, p->tok_config.n,
							   "tokenizer_config.json", NULL)
					 : NULL;
	int st;

	v.j = json_parse(text.p, text.n, "tokenizer.json", NULL);
	v.model = json_object_get(v.j, "model");
	v.token = xcalloc(v.n, sizeof *v.token);
	v.kind = xcalloc(v.n, sizeof *v.kind);
	st = put_all(&v, name, config, m, why);
	*stripping = v.stripping;
	if (st)
		fail_prefix(why, "tokenizer.json");
	buf_free(&v.fill);
	free(v.token);
	free(v.kind);
	json_decref(v.j);
	json_decref(config);
	return st;
}
