/* tokconfig.c - the files beside tokenizer.json. See tokconfig.h. */
#include "policy/tokconfig.h"
#include "base/json.h"
#include "base/jsonkey.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG "tokenizer_config.json"
#define MAP "special_tokens_map.json"
#define ADDED "added_tokens.json"

/* Keys that name a token each, in the order in which those without an id get one; the first two
 * must be tokens already: one that nobody trained neither begins a text nor ends one. */
static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
				   "pad_token", "cls_token", "mask_token"};
enum { N_KEYS = sizeof keys / sizeof *keys, N_OLD = 2 };
static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};

/* What the files say, parsed */
struct said {
	json_t *config, *map, *added; /* objects, perhaps empty */
	struct tokenizer *t;
	const struct config *c;
	struct tok_added *v; /* tokens to add */
	size_t n;
};

/* ---- tokens ---- */

/* The token of a key, and which file has it; NULL: none has */
static const json_t *token_of(const struct said *s, const char *key, const char **file)
{
	const json_t *v = json_object_get(s->config, key);

	*file = jsonkey_none(v) ? MAP : CONFIG;
	if (jsonkey_none(v))
		v = json_object_get(s->map, key);
	return jsonkey_none(v) ? NULL : v;
}

/* The id of a token in a file; *id stays as it is when there is none. */
static int get_token(const json_t *j, const char *key, const struct tokenizer *t, int64_t *id,
		     struct reason *why)
{
	const char *text = tok_content(j, key);
	uint32_t found;

	if (jsonkey_none(json_object_get(j, key)))
		return 0;
	if (!text)
		return fail(why, ST_INPUT, "%s is not a string", key);
	if (!tok_find(t, text, &found))
		return fail(why, ST_INPUT, "%s \"%.80s\" is not in tokenizer.json", key, text);
	*id = found;
	return 0;
}

static struct tok_added *next_token(struct said *s)
{
	s->v = xgrow(s->v, s->n + 1, sizeof *s->v);
	return &s->v[s->n++];
}

static bool flag(const json_t *j, const char *key, bool absent)
{
	const json_t *v = json_object_get(j, key);

	return json_is_boolean(v) ? json_is_true(v) : absent;
}

/* An object of flags, or a text; special: when nothing says otherwise */
static int put_token(struct said *s, const json_t *v, int64_t id, bool special, const char *key,
		     struct reason *why)
{
	const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);

	if (!text || !*text)
		return jsonkey_fail(why, key, v, "is not a token");
	special = flag(v, "special", special);
	*next_token(s) = (struct tok_added){.content = text,
					    .id = id,
					    .special = special,
					    .normalized = flag(v, "normalized", !special),
					    .lstrip = flag(v, "lstrip", false),
					    .rstrip = flag(v, "rstrip", false),
					    .single_word = flag(v, "single_word", false)};
	return 0;
}

/* One that the tokenizer has, or that was put already, stays as it is. */
static int put_new(struct said *s, const json_t *v, const char *key, struct reason *why)
{
	const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);

	for (size_t i = 0; text && i < s->n; i++)
		if (strcmp(s->v[i].content, text) == 0)
			return 0;
	if (text && tok_is_added(s->t, text))
		return 0;
	return put_token(s, v, -1, true, key, why);
}

static int64_t id_of(const char *text)
{
	char *end;
	long long id = strtoll(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end ? id : -1;
}

/* added_tokens_decoder: by id, with their flags */
static int put_decoder(struct said *s, struct reason *why)
{
	const json_t *all = json_object_get(s->config, "added_tokens_decoder"), *v;
	const char *key;

	json_object_foreach((json_t *)all, key, v)
	{
		if (id_of(key) < 0)
			return fail(why, ST_INPUT, "added_tokens_decoder: \"%.40s\" is no id", key);
		if (put_token(s, v, id_of(key), false, "added_tokens_decoder", why))
			return ST_INPUT;
	}
	return 0;
}

/* Is the text one of the special tokens that a file names? */
static bool is_named(const json_t *j, const char *text)
{
	const json_t *item;
	size_t k;

	for (size_t i = 0; i < N_KEYS; i++) {
		const char *s = tok_content(j, keys[i]);

		if (s && strcmp(s, text) == 0)
			return true;
	}
	json_array_foreach(json_object_get(j, lists[0]), k, item)
	{
		const json_t *v = json_is_object(item) ? json_object_get(item, "content") : item;

		if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
			return true;
	}
	return false;
}

/* added_tokens.json: ids by text; flags of those that tokenizer.json has are the ones there */
static int put_added(struct said *s, struct reason *why)
{
	const char *text;
	const json_t *id;

	json_object_foreach(s->added, text, id)
	{
		bool special = is_named(s->config, text) || is_named(s->map, text), known = false;
		uint32_t is;

		for (size_t i = 0; i < s->n; i++)
			known |= strcmp(s->v[i].content, text) == 0;
		if (!json_is_integer(id) || json_integer_value(id) < 0 || !*text)
			return jsonkey_fail(why, text, id, "is no id");
		if (tok_is_added(s->t, text) && tok_find(s->t, text, &is)) {
			if (is != json_integer_value(id))
				return fail(why, ST_INPUT,
					    "token \"%.80s\": id %lld, but tokenizer.json says %u",
					    text, (long long)json_integer_value(id), is);
		} else if (!known) {
			*next_token(s) = (struct tok_added){.content = text,
							    .id = json_integer_value(id),
							    .special = special,
							    .normalized = !special};
		}
	}
	return 0;
}

static int put_list(struct said *s, const json_t *list, const char *key, struct reason *why)
{
	const json_t *item;
	const char *name;
	size_t i;

	json_array_foreach(list, i, item) if (put_new(s, item, key, why)) return ST_INPUT;
	json_object_foreach((json_t *)list, name,
			    item) if (put_new(s, item, key, why)) return ST_INPUT;
	return 0;
}

/* Tokens by what they are for */
static int put_named(struct said *s, struct reason *why)
{
	const char *file;
	uint32_t id;

	for (size_t i = 0; i < N_KEYS; i++) {
		const json_t *v = token_of(s, keys[i], &file);
		const char *text =
			json_string_value(json_is_object(v) ? json_object_get(v, "content") : v);

		/* what is wrong with the first is said where they are used */
		if (!v || (i < N_OLD && (!text || !tok_find(s->t, text, &id))))
			continue;
		if (put_new(s, v, keys[i], why)) {
			fail_prefix(why, "%s", file);
			return ST_INPUT;
		}
	}
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const json_t *v = token_of(s, lists[i], &file);

		if (put_list(s, v, lists[i], why)) {
			fail_prefix(why, "%s", file);
			return ST_INPUT;
		}
	}
	return 0;
}

static int add_tokens(struct said *s, const char *dir, struct reason *why)
{
	uint32_t id;

	if (tok_add(s->t, s->v, s->n, why))
		return fail_prefix(why, "%s/" CONFIG, dir);
	for (size_t i = 0; i < s->n; i++)
		if (tok_find(s->t, s->v[i].content, &id) && (int64_t)id >= s->c->vocab)
			return fail(
				why, ST_INPUT,
				"%s: token \"%.80s\" is not in tokenizer.json, and its id %u is "
				"beyond vocab_size, %lld",
				dir, s->v[i].content, id, (long long)s->c->vocab);
	return 0;
}

static int put_tokens(struct said *s, const char *dir, struct reason *why)
{
	if (put_decoder(s, why))
		return fail_prefix(why, "%s/" CONFIG, dir);
	if (put_added(s, why))
		return fail_prefix(why, "%s/" ADDED, dir);
	if (put_named(s, why))
		return fail_prefix(why, "%s", dir);
	return add_tokens(s, dir, why);
}

/* ---- what stands around a text ---- */

static int add_eos(struct config *c, int64_t id, struct reason *why)
{
	if (id < 0 || config_is_eos(c, (uint32_t)id))
		return 0;
	if (c->n_eos == CONFIG_MAX_EOS)
		return fail(why, ST_INPUT, "more than %d stop tokens", CONFIG_MAX_EOS);
	c->eos[c->n_eos++] = (uint32_t)id;
	return 0;
}

static bool is_class(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, "tokenizer_class"));
	size_t n = strlen(name);

	return s && strncmp(s, name, n) == 0 && (!s[n] || strcmp(s + n, "Fast") == 0);
}

/* Before a text; where neither file names a token, t's template stays. */
static int frame(const struct said *s, int64_t map_bos, struct reason *why)
{
	bool add = true;
	int64_t bos = map_bos;

	if (jsonkey_bool(s->config, "add_bos_token", &add, why) ||
	    (add && get_token(s->config, "bos_token", s->t, &bos, why)))
		return ST_INPUT;
	if (!add || bos >= 0)
		tok_frame(s->t, add ? bos : -1);
	return 0;
}

static int read_map(const struct said *s, struct config *c, int64_t *end, int64_t *bos, bool framed,
		    struct reason *why)
{
	int st = get_token(s->map, "eos_token", s->t, end, why);

	if (!st)
		st = add_eos(c, *end, why);
	if (!st && framed)
		st = get_token(s->map, "bos_token", s->t, bos, why);
	return st;
}

static int use_tokens(const struct said *s, const char *dir, struct config *c, int64_t *end,
		      struct reason *why)
{
	bool framed = is_class(s->config, "LlamaTokenizer") ||
		      (is_class(s->config, "GemmaTokenizer") && !tok_is_framed(s->t));
	int64_t bos = -1;
	int st = get_token(s->config, "eos_token", s->t, end, why);

	if (!st)
		st = add_eos(c, *end, why);
	if (!st) {
		int64_t other = -1;

		if (read_map(s, c, &other, &bos, framed, why))
			return fail_prefix(why, "%s/" MAP, dir);
		*end = *end < 0 ? other : *end;
	}
	if (!st && framed)
		st = frame(s, bos, why);
	return st ? fail_prefix(why, "%s/" CONFIG, dir) : 0;
}

/* ---- */

static json_t *parse(const struct buf *file, const char *dir, const char *name, struct reason *why)
{
	char *path = xasprintf("%s/%s", dir, name);
	json_t *j = file->n ? json_parse_wide(file->p, file->n, path, why) : json_object();

	free(path);
	return j;
}

int tokconfig_apply(const struct tokconfig_files *f, const char *dir, struct tokenizer *t,
		    struct config *c, int64_t *end, struct reason *why)
{
	struct said s = {.t = t, .c = c};
	int st = ST_INPUT;

	*end = -1;
	s.config = parse(f->config, dir, CONFIG, why);
	s.map = s.config ? parse(f->map, dir, MAP, why) : NULL;
	s.added = s.map ? parse(f->added, dir, ADDED, why) : NULL;
	if (s.added)
		st = put_tokens(&s, dir, why);
	if (!st)
		st = use_tokens(&s, dir, c, end, why);
	json_decref(s.config);
	json_decref(s.map);
	json_decref(s.added);
	free(s.v);
	return st;
}

void tokconfig_whole(const struct buf *config, const struct buf *map, struct buf *out)
{
	json_t *c = config->n ? json_parse_wide(config->p, config->n, CONFIG, NULL) : json_object();
	json_t *m = map->n ? json_parse_wide(map->p, map->n, MAP, NULL) : json_object();
	char *text;

	for (size_t i = 0; i < N_KEYS; i++) {
		json_t *v = json_object_get(m, keys[i]);

		if (jsonkey_none(json_object_get(c, keys[i])) && !jsonkey_none(v))
			json_object_set(c, keys[i], v);
	}
	text = json_dumps(c, JSON_COMPACT);
	buf_str(out, text);
	free(text);
	json_decref(c);
	json_decref(m);
}
