/* tokconfig.c - the files beside tokenizer.json. See tokconfig.h. */
#include "policy/tokconfig.h"
#include "base/json.h"
#include "base/jsonkey.h"

#include <string.h>

/* The id of a token of the file; *id stays as it is when there is none. */
static int get_token(const json_t *j, const char *key, const struct tokenizer *t, int64_t *id,
		     struct reason *why)
{
	const char *s = tok_content(j, key);
	uint32_t found;

	if (jsonkey_none(json_object_get(j, key)))
		return 0;
	if (!s)
		return fail(why, ST_INPUT, "%s is not a string", key);
	if (!tok_find(t, s, &found))
		return fail(why, ST_INPUT, "%s \"%.80s\" is not in tokenizer.json", key, s);
	*id = found;
	return 0;
}

static int add_eos(struct config *c, int64_t id, struct reason *why)
{
	if (id < 0 || config_is_eos(c, (uint32_t)id))
		return 0;
	if (c->n_eos == CONFIG_MAX_EOS)
		return fail(why, ST_INPUT, "more than %d stop tokens", CONFIG_MAX_EOS);
	c->eos[c->n_eos++] = (uint32_t)id;
	return 0;
}

static bool is_llama(const json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "tokenizer_class"));

	return s && (strcmp(s, "LlamaTokenizer") == 0 || strcmp(s, "LlamaTokenizerFast") == 0);
}

/* Around a text, with the file's eos_token */
static int frame(const json_t *j, int64_t eos, struct tokenizer *t, struct reason *why)
{
	bool add_bos = true, add_eos = false;
	int64_t bos = -1;

	if (jsonkey_bool(j, "add_bos_token", &add_bos, why) ||
	    jsonkey_bool(j, "add_eos_token", &add_eos, why) ||
	    (add_bos && get_token(j, "bos_token", t, &bos, why)))
		return ST_INPUT;
	tok_frame(t, bos, add_eos ? eos : -1);
	return 0;
}

int tokconfig_apply(const struct buf *file, const char *where, struct tokenizer *t,
		    struct config *c, struct reason *why)
{
	json_t *j = json_parse(file->p, file->n, where, why);
	int64_t eos = -1;
	int st;

	if (!j)
		return ST_INPUT;
	st = get_token(j, "eos_token", t, &eos, why);
	if (!st)
		st = add_eos(c, eos, why);
	if (!st && is_llama(j))
		st = frame(j, eos, t, why);
	if (st)
		fail_prefix(why, "%s", where);
	json_decref(j);
	return st;
}
