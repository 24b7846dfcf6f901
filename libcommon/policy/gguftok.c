/* gguftok.c - tokenizers of GGUF files. See gguftok.h. */
#include "policy/gguftok.h"
#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_PIECE = 256, /* bytes of a token whose merges are looked for */
	MAX_ID = 1 << 24,
};

#define KEY(name) "tokenizer.ggml." name
#define BLANK "\xe2\x96\x81" /* U+2581, which stands for a blank */

/* ---- reading ---- */

static int read_lists(struct gguf_tok *t, struct reason *why)
{
	const struct gguf *g = t->g;
	size_t n_kinds = 0, n_scores = 0;

	if (gguf_strings(g, KEY("tokens"), &t->token, &t->n, why) ||
	    gguf_reals(g, KEY("token_type"), &t->kind, &n_kinds, why) ||
	    gguf_reals(g, KEY("scores"), &t->score, &n_scores, why) ||
	    gguf_strings(g, KEY("merges"), &t->merge, &t->n_merges, why))
		return ST_INPUT;
	if (!t->n || t->n > MAX_ID)
		return fail(why, ST_INPUT, "%s: " KEY("tokens") ": %zu tokens", g->path, t->n);
	if (t->kind && n_kinds != t->n)
		return fail(why, ST_INPUT, "%s: " KEY("token_type") ": %zu of %zu tokens", g->path,
			    n_kinds, t->n);
	if (t->bytes && !gguf_find(g, KEY("merges")))
		return fail(why, ST_INPUT, "%s: " KEY("merges") ": missing", g->path);
	if (!t->bytes && n_scores != t->n)
		return fail(why, ST_INPUT, "%s: " KEY("scores") ": %zu of %zu tokens", g->path,
			    n_scores, t->n);
	return 0;
}

static int kind_of(const struct gguf_tok *t, size_t i)
{
	double k = t->kind ? t->kind[i] : GGUF_NORMAL;

	return k >= GGUF_NORMAL && k <= GGUF_BYTE ? (int)k : GGUF_NORMAL;
}

/* What fills a vocabulary up: "[PAD7]", which is no token of anything */
static bool is_filler(const struct gguf_tok *t, size_t i)
{
	struct span s = t->token[i];

	return kind_of(t, i) == GGUF_UNUSED && s.n > 5 && memcmp(s.p, "[PAD", 4) == 0 &&
	       s.p[s.n - 1] == ']';
}

static int number_tokens(struct gguf_tok *t, struct reason *why)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t id = names_id(&t->names, t->token[i]);

		if (id != i)
			return fail(why, ST_INPUT,
				    "%s: " KEY("tokens") ": %zu and %zu are both \"%.*s\"",
				    t->g->path, id, i, t->token[i].n < 80 ? (int)t->token[i].n : 80,
				    t->token[i].p);
	}
	return 0;
}

static int read_model(struct gguf_tok *t, struct reason *why)
{
	struct span model = {0}, pre = {0};

	if (gguf_string(t->g, KEY("model"), &model, why) ||
	    gguf_string(t->g, KEY("pre"), &pre, why))
		return ST_INPUT;
	t->bytes = span_is(model, "gpt2");
	if (!model.p || (!t->bytes && !span_is(model, "llama")))
		return fail(why, ST_INPUT,
			    "%s: " KEY("model") ": %.*s is not supported, only gpt2 and llama",
			    t->g->path, model.n < 60 ? (int)model.n : 60, model.p ? model.p : "");
	t->pre = t->bytes && pre.p ? gguf_pre_find(pre) : NULL;
	if (t->bytes && !t->pre)
		return fail(why, ST_INPUT, "%s: " KEY("pre") ": %.*s is not supported", t->g->path,
			    pre.p ? (pre.n < 60 ? (int)pre.n : 60) : 4, pre.p ? pre.p : "none");
	return 0;
}

static int read_ids(struct gguf_tok *t, struct reason *why)
{
	const struct {
		const char *key;
		int64_t *to, absent;
	} ids[] = {{KEY("bos_token_id"), &t->bos, 1},
		   {KEY("eos_token_id"), &t->eos, 2},
		   {KEY("unknown_token_id"), &t->unk, 0},
		   {KEY("padding_token_id"), &t->pad, -1}};

	for (size_t i = 0; i < 4; i++) {
		*ids[i].to = t->bytes || ids[i].absent >= (int64_t)t->n ? -1 : ids[i].absent;
		/* 2^32 - 1: none */
		if (gguf_int(t->g, ids[i].key, -1, UINT32_MAX, ids[i].to, why))
			return ST_INPUT;
		if (*ids[i].to == UINT32_MAX)
			*ids[i].to = -1;
		if (*ids[i].to >= (int64_t)t->n)
			return fail(why, ST_INPUT, "%s: %s: %lld of %zu tokens", t->g->path,
				    ids[i].key, (long long)*ids[i].to, t->n);
	}
	t->add_bos = !t->bytes || t->pre->bos;
	t->prefix = !t->bytes;
	if (gguf_bool(t->g, KEY("add_bos_token"), &t->add_bos, why) ||
	    gguf_bool(t->g, KEY("add_eos_token"), &t->add_eos, why) ||
	    (!t->bytes && gguf_bool(t->g, KEY("add_space_prefix"), &t->prefix, why)))
		return ST_INPUT;
	t->add_bos = t->add_bos && t->bos >= 0;
	t->add_eos = t->add_eos && t->eos >= 0;
	return 0;
}

static void add_stop(struct gguf_tok *t, int64_t id)
{
	for (size_t i = 0; i < t->n_stops; i++)
		if (t->stop[i] == id)
			return;
	if (id >= 0 && id < (int64_t)t->n && t->n_stops < GGUF_MAX_STOPS)
		t->stop[t->n_stops++] = (uint32_t)id;
}

/* The file names one or two; others are known by what they are called. */
static int read_stops(struct gguf_tok *t, struct reason *why)
{
	static const char *const called[] = {"<|im_end|>",    "<|eot_id|>", "<|end|>",
					     "<end_of_turn>", "<|eom_id|>", "<|endoftext|>"};
	int64_t eot = -1, eom = -1;

	if (gguf_int(t->g, KEY("eot_token_id"), -1, UINT32_MAX, &eot, why) ||
	    gguf_int(t->g, KEY("eom_token_id"), -1, UINT32_MAX, &eom, why))
		return ST_INPUT;
	add_stop(t, t->eos);
	add_stop(t, eot);
	add_stop(t, eom);
	for (size_t i = 0; i < sizeof called / sizeof *called; i++) {
		size_t id = names_find(&t->names, (struct span){called[i], strlen(called[i])});

		if (id < t->n && (kind_of(t, id) == GGUF_CONTROL || kind_of(t, id) == GGUF_USER))
			add_stop(t, (int64_t)id);
	}
	return 0;
}

static bool contains(struct span s, const char *lower)
{
	size_t n = strlen(lower);

	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, lower, n) == 0)
			return true;
	return false;
}

bool gguf_tok_is_phi3(struct span name)
{
	return contains(name, "phi-3") || contains(name, "phi3");
}

bool gguf_tok_is_kept(struct span token)
{
	return span_is(token, "<unk>") || span_is(token, "<s>") || span_is(token, "<|endoftext|>");
}

static int read_strips(struct gguf_tok *t, struct reason *why)
{
	static const char *const all[] = {"</s>", "<unk>", "<s>", "<|endoftext|>"};
	struct span name = {0};

	if (gguf_string(t->g, "general.name", &name, why))
		return ST_INPUT;
	t->strips = gguf_tok_is_phi3(name);
	for (int i = 0; i < 4; i++)
		if (names_find(&t->names, (struct span){all[i], strlen(all[i])}) >= t->n)
			t->strips = false;
	return 0;
}

int gguf_tok_read(struct gguf_tok *t, const struct gguf *g, struct reason *why)
{
	int st;

	*t = (struct gguf_tok){.g = g};
	st = read_model(t, why);
	if (!st)
		st = read_lists(t, why);
	if (!st)
		st = number_tokens(t, why);
	if (!st)
		st = read_ids(t, why);
	if (!st)
		st = read_strips(t, why);
	return st ? st : read_stops(t, why);
}

void gguf_tok_free(struct gguf_tok *t)
{
	free(t->token);
	free(t->kind);
	free(t->score);
	free(t->merge);
	names_free(&t->names);
	*t = (struct gguf_tok){0};
}

/* ---- tokenizer.json ---- */

static bool is_added(const struct gguf_tok *t, size_t i)
{
	int k = kind_of(t, i);

	return k == GGUF_CONTROL || k == GGUF_USER || k == GGUF_UNKNOWN;
}

/* The vocabulary spells bytes as characters, added tokens are text as it is: one whose two
 * spellings differ stands among the added tokens alone. */
static bool is_in_vocab(const struct gguf_tok *t, size_t i)
{
	struct span s = t->token[i];

	if (is_filler(t, i))
		return false;
	if (!t->bytes || !is_added(t, i))
		return true;
	for (size_t k = 0; k < s.n; k++)
		if (s.p[k] <= ' ' || s.p[k] > '~')
			return false;
	return true;
}

static void add_string(struct buf *b, struct span s)
{
	json_string_to(b, s.p, s.n);
}

static void add_added(const struct gguf_tok *t, struct buf *b)
{
	const char *comma = "\n    ";

	buf_str(b, "  \"added_tokens\": [");
	for (size_t i = 0; i < t->n; i++) {
		if (!is_added(t, i))
			continue;
		buf_printf(b, "%s{\"id\": %zu, \"content\": ", comma, i);
		add_string(b, t->token[i]);
		buf_printf(b,
			   ", \"single_word\": false, \"lstrip\": false, \"rstrip\": %s, "
			   "\"normalized\": false, \"special\": %s}",
			   t->strips && !gguf_tok_is_kept(t->token[i]) ? "true" : "false",
			   kind_of(t, i) == GGUF_USER ? "false" : "true");
		comma = ",\n    ";
	}
	buf_str(b, "\n  ],\n");
}

/* "  KEY": j */
static void add_part(struct buf *b, const char *key, json_t *j)
{
	char *text = json_dumps(j, JSON_ENCODE_ANY);

	buf_printf(b, "  \"%s\": %s,\n", key, text);
	free(text);
	json_decref(j);
}

static json_t *replace(const char *what, const char *by)
{
	return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "String", what,
			 "content", by);
}

static json_t *normalizer(const struct gguf_tok *t)
{
	if (t->bytes)
		return t->pre->nfc ? json_pack("{s:s}", "type", "NFC") : json_null();
	if (!t->prefix)
		return replace(" ", BLANK);
	return json_pack("{s:s, s:[{s:s, s:s}, o]}", "type", "Sequence", "normalizers", "type",
			 "Prepend", "prepend", BLANK, replace(" ", BLANK));
}

static json_t *decoder(const struct gguf_tok *t)
{
	json_t *list;

	if (t->bytes)
		return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
				 "trim_offsets", 1, "use_regex", 1);
	list = json_pack("[o, {s:s}, {s:s}]", replace(BLANK, " "), "type", "ByteFallback", "type",
			 "Fuse");
	if (t->prefix)
		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip",
						      "content", " ", "start", 1, "stop", 0));
	return json_pack("{s:s, s:o}", "type", "Sequence", "decoders", list);
}

static json_t *string_of(const struct gguf_tok *t, int64_t id)
{
	return json_stringn(t->token[id].p, t->token[id].n);
}

static void add_frame(const struct gguf_tok *t, json_t *single, json_t *tokens, int64_t id)
{
	json_t *name = string_of(t, id);

	json_array_append_new(
		single, json_pack("{s:{s:O, s:i}}", "SpecialToken", "id", name, "type_id", 0));
	json_object_setn_new(tokens, t->token[id].p, t->token[id].n,
			     json_pack("{s:O, s:[I], s:[O]}", "id", name, "ids", (json_int_t)id,
				       "tokens", name));
	json_decref(name);
}

static json_t *post_processor(const struct gguf_tok *t)
{
	json_t *single, *tokens;

	if (!t->add_bos && !t->add_eos)
		return json_null();
	single = json_array();
	tokens = json_object();
	if (t->add_bos)
		add_frame(t, single, tokens, t->bos);
	json_array_append_new(single,
			      json_pack("{s:{s:s, s:i}}", "Sequence", "id", "A", "type_id", 0));
	if (t->add_eos)
		add_frame(t, single, tokens, t->eos);
	return json_pack("{s:s, s:o, s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}], s:o}", "type",
			 "TemplateProcessing", "single", single, "pair", "Sequence", "id", "A",
			 "type_id", 0, "Sequence", "id", "B", "type_id", 0, "special_tokens",
			 tokens);
}

static void add_vocab(const struct gguf_tok *t, struct buf *b)
{
	const char *comma = "\n      ";

	buf_str(b, "    \"vocab\": {");
	for (size_t i = 0; i < t->n; i++) {
		if (!is_in_vocab(t, i))
			continue;
		buf_str(b, comma);
		add_string(b, t->token[i]);
		buf_printf(b, ": %zu", i);
		comma = ",\n      ";
	}
	buf_str(b, "\n    },\n");
}

static bool is_part(const struct gguf_tok *t, struct span s)
{
	size_t id = names_find(&t->names, s);

	return id < t->n && is_in_vocab(t, id);
}

/* a, b and ab are tokens. */
static bool is_merge(const struct gguf_tok *t, struct span a, struct span b)
{
	char *both = xmalloc(a.n + b.n + 1);
	bool ok;

	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	ok = is_part(t, a) && is_part(t, b) && is_part(t, (struct span){both, a.n + b.n});
	free(both);
	return ok;
}

static void add_merge(struct buf *b, struct span left, struct span right, const char **comma)
{
	buf_printf(b, "%s[", *comma);
	add_string(b, left);
	buf_str(b, ", ");
	add_string(b, right);
	buf_char(b, ']');
	*comma = ",\n      ";
}

/* "a b": neither has a blank, nor is empty */
static int add_listed(struct gguf_tok *t, struct buf *b, struct reason *why)
{
	const char *comma = "\n      ";

	for (size_t i = 0; i < t->n_merges; i++) {
		struct span m = t->merge[i], left = {m.p, 0}, right;
		const char *blank = m.n > 1 ? memchr(m.p + 1, ' ', m.n - 1) : NULL;

		if (!blank)
			return fail(why, ST_INPUT,
				    "%s: " KEY("merges") ": %zu is not a pair of tokens",
				    t->g->path, i);
		left.n = (size_t)(blank - m.p);
		right = (struct span){blank + 1, m.n - left.n - 1};
		if (is_merge(t, left, right))
			add_merge(b, left, right, &comma);
		else
			t->dropped++;
	}
	return 0;
}

/* Tokens by score, the best first: in that order llama.cpp makes them of their parts. */
struct ranked {
	double score;
	uint32_t id;
};

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static struct ranked *rank(const struct gguf_tok *t, size_t *n)
{
	struct ranked *v = xarray(t->n, sizeof *v);

	*n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (kind_of(t, i) == GGUF_NORMAL || kind_of(t, i) == GGUF_USER)
			v[(*n)++] = (struct ranked){isnan(t->score[i]) ? -INFINITY : t->score[i],
						    (uint32_t)i};
	qsort(v, *n, sizeof *v, by_score);
	return v;
}

/* Each pair of tokens that a token is made of */
static int add_found(struct gguf_tok *t, struct buf *b, struct reason *why)
{
	const char *comma = "\n      ";
	size_t n;
	struct ranked *v = rank(t, &n);
	int st = 0;

	for (size_t i = 0; i < n && !st; i++) {
		struct span s = t->token[v[i].id];

		if (s.n > MAX_PIECE)
			st = fail(why, ST_INPUT,
				  "%s: " KEY("tokens") ": %u has %zu bytes, of at most %d",
				  t->g->path, v[i].id, s.n, MAX_PIECE);
		for (size_t k = 1; k < s.n && !st; k++) {
			struct span left = {s.p, k}, right = {s.p + k, s.n - k};

			if (((unsigned char)s.p[k] & 0xc0) != 0x80 && is_part(t, left) &&
			    is_part(t, right))
				add_merge(b, left, right, &comma);
		}
	}
	free(v);
	return st;
}

static bool has_bytes(const struct gguf_tok *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (kind_of(t, i) == GGUF_BYTE)
			return true;
	return false;
}

static int add_model(struct gguf_tok *t, struct buf *b, struct reason *why)
{
	int st;

	buf_str(b, "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n"
		   "    \"unk_token\": ");
	if (!t->bytes && t->unk >= 0)
		add_string(b, t->token[t->unk]);
	else
		buf_str(b, "null");
	buf_printf(
		b,
		",\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n"
		"    \"fuse_unk\": %s,\n    \"byte_fallback\": %s,\n    \"ignore_merges\": %s,\n",
		t->bytes ? "false" : "true", !t->bytes && has_bytes(t) ? "true" : "false",
		t->bytes && t->pre->whole_first ? "true" : "false");
	add_vocab(t, b);
	buf_str(b, "    \"merges\": [");
	st = t->bytes ? add_listed(t, b, why) : add_found(t, b, why);
	buf_str(b, "\n    ]\n  }\n}\n");
	return st;
}

int gguf_tok_json(struct gguf_tok *t, struct buf *out, struct reason *why)
{
	buf_str(out, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n");
	add_added(t, out);
	add_part(out, "normalizer", normalizer(t));
	add_part(out, "pre_tokenizer", t->bytes ? gguf_pre_json(t->pre) : json_null());
	add_part(out, "post_processor", post_processor(t));
	add_part(out, "decoder", decoder(t));
	return add_model(t, out, why);
}

/* ---- the files beside it ---- */

int gguf_tok_config(const struct gguf_tok *t, int64_t max_len, struct buf *out, struct reason *why)
{
	const struct {
		const char *key;
		int64_t id;
	} named[] = {{"bos_token", t->bos},
		     {"eos_token", t->eos},
		     {"unk_token", t->unk},
		     {"pad_token", t->pad}};
	struct span chat = {0};
	json_t *j;
	char *text;

	if (gguf_string(t->g, "tokenizer.chat_template", &chat, why))
		return ST_INPUT;
	j = json_pack("{s:s, s:b, s:I}", "tokenizer_class", "PreTrainedTokenizerFast",
		      "clean_up_tokenization_spaces", 0, "model_max_length", (json_int_t)max_len);
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (named[i].id >= 0)
			json_object_set_new(j, named[i].key, string_of(t, named[i].id));
	if (chat.p)
		json_object_set_new(j, "chat_template", json_stringn(chat.p, chat.n));
	text = json_dumps(j, JSON_INDENT(2));
	buf_str(out, text);
	buf_char(out, '\n');
	free(text);
	json_decref(j);
	return 0;
}

void gguf_tok_ids(const struct gguf_tok *t, json_t *j)
{
	json_t *stops = json_array();

	for (size_t i = 0; i < t->n_stops; i++)
		json_array_append_new(stops, json_integer(t->stop[i]));
	if (t->bos >= 0)
		json_object_set_new(j, "bos_token_id", json_integer(t->bos));
	if (t->n_stops)
		json_object_set(j, "eos_token_id",
				t->n_stops == 1 ? json_array_get(stops, 0) : stops);
	if (t->pad >= 0)
		json_object_set_new(j, "pad_token_id", json_integer(t->pad));
	json_decref(stops);
}
