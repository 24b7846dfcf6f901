/* config.c - the shape of a policy. See config.h. */
#include "policy/config.h"
#include "stream/json.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits keep every product of shapes below 2^63; no published model comes near them. */
enum {
	MAX_VOCAB = 1 << 24,
	MAX_WIDTH = 1 << 20,
	MAX_LAYERS = 1 << 12,
	MAX_HEADS = 1 << 12,
	MAX_HEAD_DIM = 1 << 12,
	MAX_POSITIONS = 1 << 24,
};

static const int64_t REQUIRED = INT64_MIN;

/* Integer keys: where they go, their range, and what an absent or null key means. A default of 0
 * is derived from other keys afterwards. */
static const struct {
	const char *key;
	size_t field;
	int64_t lo, hi, absent;
} ints[] = {
	{"vocab_size", offsetof(struct config, vocab), 1, MAX_VOCAB, REQUIRED},
	{"hidden_size", offsetof(struct config, d), 1, MAX_WIDTH, REQUIRED},
	{"num_hidden_layers", offsetof(struct config, layers), 1, MAX_LAYERS, REQUIRED},
	{"num_attention_heads", offsetof(struct config, heads), 1, MAX_HEADS, REQUIRED},
	{"num_key_value_heads", offsetof(struct config, kv_heads), 1, MAX_HEADS, 0},
	{"head_dim", offsetof(struct config, head_dim), 1, MAX_HEAD_DIM, 0},
	{"intermediate_size", offsetof(struct config, ffn), 1, MAX_WIDTH, REQUIRED},
	{"max_position_embeddings", offsetof(struct config, max_len), 1, MAX_POSITIONS, 2048},
};

enum { N_INTS = sizeof ints / sizeof *ints };

/* Keys that change the arithmetic, and the values (a JSON array) with which ours is right. An
 * absent key counts as null. */
static const struct {
	const char *key, *allowed;
} fixed[] = {
	{"model_type", "[\"llama\"]"},
	{"architectures", "[null, [\"LlamaForCausalLM\"]]"},
	{"hidden_act", "[null, \"silu\", \"swish\"]"},
	{"attention_bias", "[null, false]"},
	{"mlp_bias", "[null, false]"},
	{"attention_dropout", "[null, 0, 0.0]"},
	{"pretraining_tp", "[null, 1]"},
	{"partial_rotary_factor", "[null, 1, 1.0]"},
	{"use_sliding_window", "[null, false]"},
	{"quantization_config", "[null]"},
};

static int64_t *int_field(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + ints[i].field);
}

/* "key: VALUE what" */
static int fail_value(struct reason *why, const char *key, const json_t *v, const char *what)
{
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	fail(why, ST_INPUT, "%s: %.200s %s", key, text ? text : "?", what);
	free(text);
	return ST_INPUT;
}

static bool one_of(const json_t *v, const char *allowed)
{
	json_t *list = json_loads(allowed, 0, NULL), *item;
	bool found = false;
	size_t i;

	json_array_foreach(list, i, item) found =
		found || (v ? json_equal(v, item) : json_is_null(item));
	json_decref(list);
	return found;
}

static int check_fixed(const json_t *j, struct reason *why)
{
	char what[128];

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		const json_t *v = json_object_get(j, fixed[i].key);

		if (one_of(v, fixed[i].allowed))
			continue;
		if (!v)
			return fail(why, ST_INPUT, "%s: missing", fixed[i].key);
		snprintf(what, sizeof what, "is not supported, only one of %s", fixed[i].allowed);
		return fail_value(why, fixed[i].key, v, what);
	}
	return 0;
}

static bool is_none(const json_t *v)
{
	return !v || json_is_null(v);
}

/* A window that some files carry but switch off is harmless. */
static int check_windows(const json_t *j, struct reason *why)
{
	const json_t *win = json_object_get(j, "sliding_window");
	const json_t *types = json_object_get(j, "layer_types"), *item;
	size_t i;

	if (!is_none(win) && !json_is_false(json_object_get(j, "use_sliding_window")))
		return fail_value(why, "sliding_window", win, "is not supported, only null");
	if (!is_none(types) && !json_is_array(types))
		return fail_value(why, "layer_types", types, "is not a list");
	json_array_foreach(types, i, item)
	{
		const char *s = json_string_value(item);

		if (!s || strcmp(s, "full_attention") != 0)
			return fail_value(why, "layer_types", item,
					  "is not supported, only \"full_attention\"");
	}
	return 0;
}

static int get_int(const json_t *v, const char *key, int64_t lo, int64_t hi, int64_t *to,
		   struct reason *why)
{
	if (!json_is_integer(v))
		return fail_value(why, key, v, "is not an integer");
	if (json_integer_value(v) < lo || json_integer_value(v) > hi)
		return fail(why, ST_INPUT, "%s: %lld is not within %lld..%lld", key,
			    (long long)json_integer_value(v), (long long)lo, (long long)hi);
	*to = json_integer_value(v);
	return 0;
}

static int get_ints(struct config *c, const json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		const json_t *v = json_object_get(j, ints[i].key);

		if (is_none(v) && ints[i].absent == REQUIRED)
			return fail(why, ST_INPUT, "%s: missing", ints[i].key);
		*int_field(c, i) = ints[i].absent;
		if (!is_none(v) &&
		    get_int(v, ints[i].key, ints[i].lo, ints[i].hi, int_field(c, i), why))
			return ST_INPUT;
	}
	return 0;
}

static int get_real(const json_t *j, const char *key, double *to, struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (is_none(v))
		return 0;
	if (!json_is_number(v))
		return fail_value(why, key, v, "is not a number");
	*to = json_number_value(v);
	return 0;
}

static int get_bool(const json_t *j, const char *key, bool *to, struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (is_none(v))
		return 0;
	if (!json_is_boolean(v))
		return fail_value(why, key, v, "is not true or false");
	*to = json_is_true(v);
	return 0;
}

/* One of the two spellings of the rotary embedding's parameters. */
static int get_rope_object(struct config *c, const json_t *r, const char *name, struct reason *why)
{
	const json_t *type = json_object_get(r, "rope_type"), *v;
	const char *key;

	if (is_none(r))
		return 0;
	if (!json_is_object(r))
		return fail_value(why, name, r, "is not an object");
	if (!type)
		type = json_object_get(r, "type");
	if (!type)
		return fail(why, ST_INPUT, "%s: rope_type is missing", name);
	if (!json_is_string(type) || strcmp(json_string_value(type), "default") != 0)
		return fail_value(why, name, type, "is not supported, only \"default\"");
	json_object_foreach(
		(json_t *)r, key,
		v) if (strcmp(key, "rope_theta") != 0 && strcmp(key, "rope_type") != 0 &&
		       strcmp(key, "type") != 0 &&
		       !json_is_null(v)) return fail(why, ST_INPUT,
						     "%s: %s is not supported with type default",
						     name, key);
	return get_real(r, "rope_theta", &c->rope_theta, why);
}

static int get_rope(struct config *c, const json_t *j, struct reason *why)
{
	double top = NAN;

	c->rope_theta = NAN;
	if (get_rope_object(c, json_object_get(j, "rope_scaling"), "rope_scaling", why) ||
	    get_rope_object(c, json_object_get(j, "rope_parameters"), "rope_parameters", why) ||
	    get_real(j, "rope_theta", &top, why))
		return ST_INPUT;
	if (!isnan(top) && !isnan(c->rope_theta) && top != c->rope_theta)
		return fail(why, ST_INPUT, "rope_theta: %g, but rope_parameters says %g", top,
			    c->rope_theta);
	if (isnan(c->rope_theta))
		c->rope_theta = isnan(top) ? 10000 : top;
	return 0;
}

static int add_eos(struct config *c, const json_t *v, struct reason *why)
{
	int64_t id = 0;

	if (get_int(v, "eos_token_id", 0, c->vocab - 1, &id, why))
		return ST_INPUT;
	if (config_is_eos(c, (uint32_t)id))
		return 0;
	if (c->n_eos == CONFIG_MAX_EOS)
		return fail(why, ST_INPUT, "eos_token_id: more than %d stop tokens",
			    CONFIG_MAX_EOS);
	c->eos[c->n_eos++] = (uint32_t)id;
	return 0;
}

static int get_eos(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "eos_token_id"), *item;
	size_t i;

	if (is_none(v))
		return 0;
	if (!json_is_array(v))
		return add_eos(c, v, why);
	json_array_foreach(v, i, item) if (add_eos(c, item, why)) return ST_INPUT;
	return 0;
}

static int get_bos(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "bos_token_id");

	c->bos = -1;
	return is_none(v) ? 0 : get_int(v, "bos_token_id", 0, c->vocab - 1, &c->bos, why);
}

/* Derives what was left out and checks what one key says about another. */
static int check_shape(struct config *c, struct reason *why)
{
	if (!c->kv_heads)
		c->kv_heads = c->heads;
	if (c->kv_heads > c->heads || c->heads % c->kv_heads)
		return fail(why, ST_INPUT,
			    "num_attention_heads: %lld is not a multiple of the %lld "
			    "num_key_value_heads",
			    (long long)c->heads, (long long)c->kv_heads);
	if (!c->head_dim && c->d % c->heads)
		return fail(why, ST_INPUT,
			    "hidden_size: %lld is not a multiple of the %lld num_attention_heads, "
			    "and head_dim is not given",
			    (long long)c->d, (long long)c->heads);
	if (!c->head_dim)
		c->head_dim = c->d / c->heads;
	if (c->head_dim % 2 || c->head_dim > MAX_HEAD_DIM)
		return fail(why, ST_INPUT, "head_dim: %lld is not an even number up to %d",
			    (long long)c->head_dim, MAX_HEAD_DIM);
	if (!(c->norm_eps > 0 && c->norm_eps < 1))
		return fail(why, ST_INPUT, "rms_norm_eps: %g is not between 0 and 1", c->norm_eps);
	if (!(c->rope_theta >= 1 && c->rope_theta < 1e15))
		return fail(why, ST_INPUT, "rope_theta: %g is not within 1..1e15", c->rope_theta);
	return 0;
}

static int parse_main(struct config *c, const json_t *j, struct reason *why)
{
	int st;

	if (!json_is_object(j))
		return fail(why, ST_INPUT, "not a JSON object");
	c->norm_eps = 1e-6;
	st = check_fixed(j, why);
	if (!st)
		st = check_windows(j, why);
	if (!st)
		st = get_ints(c, j, why);
	if (!st)
		st = get_real(j, "rms_norm_eps", &c->norm_eps, why);
	if (!st)
		st = get_bool(j, "tie_word_embeddings", &c->tied, why);
	if (!st)
		st = get_rope(c, j, why);
	if (!st)
		st = check_shape(c, why);
	if (!st)
		st = get_bos(c, j, why);
	return st ? st : get_eos(c, j, why);
}

static int parse_file(struct config *c, const char *text, size_t n, const char *where,
		      const char *name,
		      int (*parse)(struct config *, const json_t *, struct reason *),
		      struct reason *why)
{
	struct buf path = {0};
	json_t *j;
	int st = ST_INPUT;

	buf_printf(&path, "%s/%s", where, name);
	j = json_parse(text, n, buf_cstr(&path), why);
	if (j) {
		st = parse(c, j, why);
		if (st)
			fail_prefix(why, "%s", buf_cstr(&path));
	}
	json_decref(j);
	buf_free(&path);
	return st;
}

int config_parse(struct config *c, const char *json, size_t n, const char *gen, size_t n_gen,
		 const char *where, struct reason *why)
{
	int st;

	*c = (struct config){0};
	st = parse_file(c, json, n, where, "config.json", parse_main, why);
	if (!st && gen)
		st = parse_file(c, gen, n_gen, where, "generation_config.json", get_eos, why);
	if (!st)
		buf_add(&c->json, json, n);
	return st;
}

static json_t *eos_json(const struct config *c)
{
	json_t *list;

	if (c->n_eos <= 1)
		return c->n_eos ? json_integer(c->eos[0]) : json_null();
	list = json_array();
	for (size_t i = 0; i < c->n_eos; i++)
		json_array_append_new(list, json_integer(c->eos[i]));
	return list;
}

/* Numbers with 15 digits, as people write them, unless that changes one. */
static void add_json(struct buf *out, const json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_t *back = json_loads(text, 0, NULL);

	if (!json_equal(j, back)) {
		free(text);
		text = json_dumps(j, JSON_INDENT(2));
	}
	buf_str(out, text);
	buf_char(out, '\n');
	json_decref(back);
	free(text);
}

static void make_json(struct config *c)
{
	json_t *j = json_pack("{s:[s], s:s, s:s, s:b, s:b, s:f, s:n, s:f, s:b}", "architectures",
			      "LlamaForCausalLM", "model_type", "llama", "hidden_act", "silu",
			      "attention_bias", 0, "mlp_bias", 0, "rope_theta", c->rope_theta,
			      "rope_scaling", "rms_norm_eps", c->norm_eps, "tie_word_embeddings",
			      (int)c->tied);

	for (size_t i = 0; i < N_INTS; i++)
		json_object_set_new(j, ints[i].key, json_integer(*int_field(c, i)));
	json_object_set_new(j, "bos_token_id", c->bos < 0 ? json_null() : json_integer(c->bos));
	json_object_set_new(j, "eos_token_id", eos_json(c));
	json_object_set_new(j, "torch_dtype", json_string("float32"));
	buf_reset(&c->json);
	add_json(&c->json, j);
	json_decref(j);
}

int config_make(struct config *c, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		int64_t v = *int_field(c, i);

		if ((v || ints[i].absent) && (v < ints[i].lo || v > ints[i].hi))
			return fail(why, ST_INPUT, "%s: %lld is not within %lld..%lld", ints[i].key,
				    (long long)v, (long long)ints[i].lo, (long long)ints[i].hi);
	}
	if (check_shape(c, why))
		return ST_INPUT;
	for (size_t i = 0; i < c->n_eos; i++)
		if (c->eos[i] >= c->vocab)
			return fail(why, ST_INPUT, "eos_token_id: %u is not below vocab_size %lld",
				    c->eos[i], (long long)c->vocab);
	make_json(c);
	return 0;
}

void config_text(const struct config *c, const char *dtype, struct buf *out)
{
	json_t *j = json_loadb(c->json.p, c->json.n, 0, NULL);
	const char *key = json_object_get(j, "dtype") ? "dtype" : "torch_dtype";
	const char *old = json_string_value(json_object_get(j, key));

	if (old && strcmp(old, dtype) == 0) {
		buf_add(out, c->json.p, c->json.n);
	} else {
		json_object_set_new(j, key, json_string(dtype));
		add_json(out, j);
	}
	json_decref(j);
}

bool config_is_eos(const struct config *c, uint32_t token)
{
	for (size_t i = 0; i < c->n_eos; i++)
		if (c->eos[i] == token)
			return true;
	return false;
}

uint64_t config_params(const struct config *c)
{
	uint64_t d = (uint64_t)c->d, v = (uint64_t)c->vocab, ffn = (uint64_t)c->ffn;
	uint64_t q = (uint64_t)(c->heads * c->head_dim), kv = (uint64_t)(c->kv_heads * c->head_dim);
	uint64_t layer = 2 * d + 2 * q * d + 2 * kv * d + 3 * ffn * d;

	return v * d * (c->tied ? 1 : 2) + (uint64_t)c->layers * layer + d;
}

void config_free(struct config *c)
{
	buf_free(&c->json);
	*c = (struct config){0};
}
