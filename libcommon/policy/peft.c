/* peft.c - adapter_config.json. See peft.h. */
#include "policy/peft.h"
#include "policy/folder.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/jsonkey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CONFIG = 4 << 20 };

/* Keys that may have any value: what they say is told here already, concerns training elsewhere, or
 * (the init's) only how A and B began. */
static const char *const free_keys[] = {"auto_mapping",
					"base_model_name_or_path",
					"bias",
					"corda_config",
					"eva_config",
					"inference_mode",
					"init_lora_weights",
					"layers_pattern",
					"layers_to_transform",
					"loftq_config",
					"lora_alpha",
					"lora_dropout",
					"megatron_core",
					"peft_type",
					"peft_version",
					"qalora_group_size",
					"r",
					"revision",
					"target_modules",
					"task_type",
					"use_rslora"};

static char *file_of(const char *dir)
{
	return xasprintf("%s/" PEFT_CONFIG, dir);
}

bool peft_is_folder(const char *dir)
{
	char *path = file_of(dir);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* The names of a set of layers, one after the other; the caller frees them. */
static char *list_names(unsigned targets)
{
	struct buf list = {0};
	char *names;

	for (int t = 0; t < LORA_TARGETS; t++)
		if (targets >> t & 1)
			buf_printf(&list, list.n ? ", %s" : "%s", lora_names[t]);
	names = xstrdup(buf_cstr(&list));
	buf_free(&list);
	return names;
}

/* A name may be the whole of the layer's or, as usual, its last part. */
static int add_target(const char *name, size_t n, unsigned *targets, struct reason *why)
{
	char *names;

	for (int t = 0; t < LORA_TARGETS; t++)
		if (strlen(lora_names[t]) == n && memcmp(lora_names[t], name, n) == 0) {
			*targets |= 1U << t;
			return 0;
		}
	names = list_names(LORA_ALL);
	fail(why, ST_INPUT, "%.*s is none of %s", (int)(n < 80 ? n : 80), name, names);
	free(names);
	return ST_INPUT;
}

int peft_targets(const char *list, unsigned *targets, struct reason *why)
{
	int st = 0;

	for (const char *end; !st; list = end + 1) {
		end = strchrnul(list, ',');
		st = add_target(list, (size_t)(end - list), targets, why);
		if (!*end)
			break;
	}
	return st;
}

int peft_choose(struct peft *p, const struct config *c, bool named, struct reason *why)
{
	unsigned has = lora_targets(c), asked = p->targets ? p->targets : LORA_ALL;
	unsigned lacks = named && p->targets ? asked & ~has : 0;
	char *lacking, *having;

	p->targets = asked & has;
	if (p->targets && !lacks)
		return 0;
	lacking = list_names(lacks ? lacks : asked);
	having = list_names(has);
	fail(why, ST_INPUT, "%s models have no %s, only %s", config_family(c), lacking, having);
	free(lacking);
	free(having);
	return ST_INPUT;
}

static bool is_free(const char *key)
{
	for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
		if (strcmp(key, free_keys[i]) == 0)
			return true;
	return false;
}

/* A key that is not known here may stand for anything, unless it is off. */
static int check_unknown(const json_t *j, struct reason *why)
{
	const json_t *v;
	const char *key;

	json_object_foreach((json_t *)j, key, v)
	{
		bool off = json_is_null(v) || json_is_false(v) ||
			   (json_is_array(v) && json_array_size(v) == 0) ||
			   (json_is_object(v) && json_object_size(v) == 0);

		if (!off && !is_free(key))
			return jsonkey_fail(why, key, v, "is not supported");
	}
	return 0;
}

/* The last part of each name is a layer's; a regular expression may be of any. */
static int read_targets(struct peft *p, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "target_modules"), *item;
	size_t i;

	p->modules = modules_read(j, why);
	if (!p->modules)
		return ST_INPUT;
	if (json_is_string(v))
		p->targets = LORA_ALL;
	json_array_foreach(v, i, item)
	{
		const char *s = json_string_value(item), *dot = strrchr(s, '.');

		s = dot ? dot + 1 : s;
		if (add_target(s, strlen(s), &p->targets, why))
			return jsonkey_fail(why, "target_modules", item,
					    "is not a linear layer of the blocks");
	}
	return 0;
}

static int read_numbers(struct peft *p, const json_t *j, struct reason *why)
{
	int st = jsonkey_int(json_object_get(j, "r"), "r", 1, LORA_MAX_R, &p->r, why);

	p->alpha = 8; /* PEFT's default */
	if (!st)
		st = jsonkey_real(j, "lora_alpha", &p->alpha, why);
	if (!st && !(p->alpha > 0))
		st = jsonkey_fail(why, "lora_alpha", json_object_get(j, "lora_alpha"),
				  "is not above 0");
	return st;
}

static int read_base(struct peft *p, const json_t *v, const char *dir, struct reason *why)
{
	const char *s = json_string_value(v);
	char *path;

	if (!s || !*s)
		return fail(why, ST_INPUT,
			    "base_model_name_or_path is missing: it must name the policy folder "
			    "that the adapter is for");
	path = *s == '/' ? xstrdup(s) : xasprintf("%s/%s", dir, s);
	p->base = realpath(path, NULL); /* still right in the adapter that is saved from this one */
	if (!p->base)
		fail(why, ST_INPUT,
		     "base_model_name_or_path: there is no policy folder %.300s (%sthe file may be "
		     "edited: an absolute path, or one that begins at the adapter's folder)",
		     path, folder_is_name(s) ? "hf download gets one that is on a hub; " : "");
	free(path);
	if (!p->base)
		return ST_INPUT;
	if (peft_is_folder(p->base))
		return fail(why, ST_INPUT, "base_model_name_or_path: %.300s is an adapter itself",
			    p->base);
	return 0;
}

static int read_keys(struct peft *p, const json_t *j, const char *dir, struct reason *why)
{
	int st = jsonkey_one_of(json_object_get(j, "peft_type"), "peft_type", "[\"LORA\"]", why);

	if (!st)
		st = jsonkey_one_of(json_object_get(j, "task_type"), "task_type",
				    "[null, \"CAUSAL_LM\"]", why);
	if (!st)
		st = jsonkey_one_of(json_object_get(j, "bias"), "bias", "[null, \"none\"]", why);
	if (!st) /* the others begin with a change of the base's weights */
		st = jsonkey_one_of(json_object_get(j, "init_lora_weights"), "init_lora_weights",
				    "[null, true, false, \"gaussian\", \"eva\", \"orthogonal\"]",
				    why);
	if (!st)
		st = check_unknown(j, why);
	if (!st)
		st = read_numbers(p, j, why);
	if (!st)
		st = jsonkey_bool(j, "use_rslora", &p->root, why);
	if (!st)
		st = read_targets(p, j, why);
	return st ? st : read_base(p, json_object_get(j, "base_model_name_or_path"), dir, why);
}

int peft_read(struct peft *p, const char *dir, struct reason *why)
{
	char *path = file_of(dir);
	json_t *j = NULL;
	int st;

	*p = (struct peft){0};
	st = file_check_plain(path, why) ? why->status : file_read(path, MAX_CONFIG, &p->json, why);
	if (!st) {
		j = json_parse(p->json.p, p->json.n, path, why);
		st = j ? 0 : ST_INPUT;
	}
	if (!st && read_keys(p, j, dir, why)) {
		fail_prefix(why, "%s", path);
		st = ST_INPUT;
	}
	json_decref(j);
	free(path);
	if (st)
		peft_free(p);
	return st;
}

struct lora *peft_lora(const struct peft *p, const struct config *c, struct reason *why)
{
	const struct lora_where where = {modules_has, p->modules};
	double alpha = p->root ? p->alpha * sqrt((double)p->r) : p->alpha;
	struct lora *l = lora_new_where(c, p->r, alpha, p->targets, p->modules ? &where : NULL);

	if (l->targets)
		return l;
	lora_free(l);
	fail(why, ST_INPUT, "target_modules: the policy has no such layer");
	return NULL;
}

static json_t *fresh(void)
{
	return json_pack("{s:n s:s s:b s:b s:b s:f s:n s:s s:n s:s s:b s:b s:{} s:{}}",
			 "auto_mapping", "bias", "none", "fan_in_fan_out", 0, "inference_mode", 1,
			 "init_lora_weights", 1, "lora_dropout", 0.0, "modules_to_save",
			 "peft_type", "LORA", "revision", "task_type", "CAUSAL_LM", "use_dora", 0,
			 "use_rslora", 0, "rank_pattern", "alpha_pattern");
}

static json_t *number(double v)
{
	return v == (double)(int64_t)v ? json_integer((json_int_t)v) : json_real(v);
}

void peft_text(const struct peft *p, struct buf *out)
{
	json_t *j = p->json.n ? json_loadb(p->json.p, p->json.n, 0, NULL) : fresh();
	json_t *targets = json_array();
	char *text;

	for (int t = 0; t < LORA_TARGETS; t++)
		if (p->targets >> t & 1)
			json_array_append_new(targets, json_string(lora_names[t]));
	json_object_set_new(j, "base_model_name_or_path", json_string(p->base));
	json_object_set_new(j, "r", json_integer(p->r));
	json_object_set_new(j, "lora_alpha", number(p->alpha));
	if (p->json.n) /* which it has is as it was */
		json_decref(targets);
	else
		json_object_set_new(j, "target_modules", targets);
	text = json_dumps(j, JSON_INDENT(2));
	buf_str(out, text);
	buf_char(out, '\n');
	free(text);
	json_decref(j);
}

void peft_free(struct peft *p)
{
	free(p->base);
	buf_free(&p->json);
	modules_free(p->modules);
	*p = (struct peft){0};
}
