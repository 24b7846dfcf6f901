/* query.c - the body of a request. See query.h. */
#include "ask/query.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPENAI = 1 << SERVER_OPENAI, VLLM = 1 << SERVER_VLLM, SGLANG = 1 << SERVER_SGLANG };
enum { LLAMA = 1 << SERVER_LLAMA, KNOWN = VLLM | SGLANG | LLAMA, ANY = KNOWN | OPENAI };

/* Keys and who knows them. Where value is not NULL it is what is sent always. */
static const struct key {
	const char *name;
	int servers;
	const char *value;
} keys[] = {
	{"model", ANY, NULL},
	{"messages", ANY, NULL},
	{"prompt", ANY, NULL},
	{"tools", ANY, NULL},
	{"chat_template_kwargs", ANY, NULL},
	{"n", ANY, NULL},
	{"max_tokens", ANY, NULL},
	{"temperature", ANY, NULL},
	{"top_p", ANY, NULL},
	{"top_k", KNOWN, NULL},
	{"seed", ANY, NULL},
	{"stop", ANY, NULL},
	{"stream", 0, NULL},
	{"logprobs", ANY, NULL},
	{"top_logprobs", ANY, NULL},
	{"continue_final_message", ANY, NULL},
	{"add_generation_prompt", ANY, NULL},
	{"min_p", KNOWN, "0"},
	{"repetition_penalty", VLLM | SGLANG, "1"},
	{"repeat_penalty", LLAMA, "1"},
	{"presence_penalty", KNOWN, "0"},
	{"frequency_penalty", KNOWN, "0"},
	{"return_token_ids", VLLM | SGLANG, "true"},
};
enum { KEYS = sizeof keys / sizeof *keys };

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* ---- --body ---- */

static int read_more(struct query_opts *o, const char *arg, struct reason *why)
{
	const char *eq = strchr(arg, '=');
	char *name = xstrndup(arg, eq ? (size_t)(eq - arg) : 0);
	const struct key *k = find_key(name);
	json_t *v = eq ? json_loads(eq + 1, JSON_DECODE_ANY, NULL) : NULL;
	int st = 0;

	if (!*name || !v)
		st = fail(why, ST_USAGE, "--body %s: not of the form NAME=JSON", arg);
	else if (k && !k->value && !json_is_null(v))
		st = fail(why, ST_USAGE, "--body %s: the tool sends %s itself (null leaves it out)",
			  arg, name);
	else
		json_object_set(o->body, name, v);
	json_decref(v);
	free(name);
	return st;
}

int query_open(struct query_opts *o, struct reason *why)
{
	int st = 0;

	o->body = json_object();
	for (size_t i = 0; i < o->more.n && !st; i++)
		st = read_more(o, o->more.v[i], why);
	return st;
}

void query_close(struct query_opts *o)
{
	json_decref(o->body);
	o->body = NULL;
}

/* ---- servers ---- */

enum server query_server(const char *owned_by)
{
	static const struct {
		const char *owner;
		enum server server;
	} known[] = {{"vllm", SERVER_VLLM},
		     {"sglang", SERVER_SGLANG},
		     {"llamacpp", SERVER_LLAMA},
		     {"me", SERVER_LLAMA}}; /* llama-cpp-python */

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].owner, owned_by) == 0)
			return known[i].server;
	return SERVER_OPENAI;
}

const char *query_server_name(enum server s)
{
	static const char *const names[] = {"auto", "openai", "vllm", "sglang", "llama"};

	return names[s];
}

bool query_has(const struct query_opts *o, const char *key)
{
	const struct key *k = find_key(key);
	const json_t *given = json_object_get(o->body, key);

	assert(k && o->server != SERVER_AUTO);
	return given ? !json_is_null(given) : k->servers >> o->server & 1;
}

/* What is drawn from is the softmax of the logits and nothing else. */
static bool is_neutral(const struct query_opts *o)
{
	return o->temperature == 1 && o->top_p == 1 && o->top_k == 0 &&
	       json_object_size(o->body) == 0;
}

const char *query_doubt(const struct query_opts *o)
{
	if (o->server == SERVER_OPENAI)
		return "a server of the kind openai gives no token ids";
	if (is_neutral(o))
		return NULL;
	if (o->server == SERVER_SGLANG && o->temperature > 0 && o->top_p == 1 && !o->top_k &&
	    json_object_size(o->body) == 0)
		return NULL; /* it has them behind the temperature, before top_p */
	return "servers give those of the plain softmax, which is not what these options draw "
	       "from";
}

/* ---- the body ---- */

static void put_key(struct buf *b, const char *key, const char *value)
{
	if (b->p[b->n - 1] != '{')
		buf_char(b, ',');
	json_string_to(b, key, strlen(key));
	buf_char(b, ':');
	buf_str(b, value);
}

static void add_key(struct buf *b, const struct query_opts *o, const char *key, const char *value)
{
	if (query_has(o, key))
		put_key(b, key, value);
}

static void add_text(struct buf *b, const struct query_opts *o, const char *key, const char *text)
{
	struct buf quoted = {0};

	json_string_to(&quoted, text, strlen(text));
	add_key(b, o, key, buf_cstr(&quoted));
	buf_free(&quoted);
}

static void add_number(struct buf *b, const struct query_opts *o, const char *key, double v)
{
	char text[32];

	add_key(b, o, key, num_text(v, text));
}

static void add_stops(struct buf *b, const struct query_opts *o)
{
	struct buf list = {0};

	for (size_t i = 0; i < o->stop.n; i++) {
		buf_char(&list, i ? ',' : '[');
		json_string_to(&list, o->stop.v[i], strlen(o->stop.v[i]));
	}
	buf_char(&list, ']');
	if (o->stop.n)
		add_key(b, o, "stop", buf_cstr(&list));
	buf_free(&list);
}

static void add_int(struct buf *b, const struct query_opts *o, const char *key, int64_t v)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, v);
	add_key(b, o, key, text);
}

/* The drawn token is enough; but 0 of the likeliest is none at all to llama-server, and without a
 * number llama-cpp-python gives none. */
static void add_logprobs(struct buf *b, const struct query_opts *o)
{
	if (!o->logprobs)
		return;
	add_key(b, o, "logprobs", o->completions ? "1" : "true");
	if (!o->completions)
		add_key(b, o, "top_logprobs", "1");
}

static void add_prompt(struct buf *b, const struct query_opts *o, const struct query *r)
{
	if (o->completions) {
		add_text(b, o, "prompt", r->text);
		return;
	}
	add_key(b, o, "messages", r->messages);
	if (r->tools)
		add_key(b, o, "tools", r->tools);
	if (r->args)
		add_key(b, o, "chat_template_kwargs", r->args);
	if (r->go_on) {
		add_key(b, o, "continue_final_message", "true");
		add_key(b, o, "add_generation_prompt", "false");
	}
}

/* Those of --body that are no keys of ours, or other values of those that are always sent */
static void add_more(struct buf *b, const struct query_opts *o)
{
	const char *name;
	json_t *v;

	json_object_foreach(o->body, name, v)
	{
		char *text = json_is_null(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

		if (text)
			put_key(b, name, text);
		free(text);
	}
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].value && !json_object_get(o->body, keys[i].name))
			add_key(b, o, keys[i].name, keys[i].value);
}

/* No top_k is 0 to llama.cpp, -1 to all. */
static void add_sampling(struct buf *b, const struct query_opts *o, const struct query *r)
{
	if (r->n > 1)
		add_int(b, o, "n", r->n);
	add_int(b, o, "max_tokens", o->max_new);
	add_number(b, o, "temperature", o->temperature);
	add_number(b, o, "top_p", o->top_p);
	add_int(b, o, "top_k", o->top_k ? o->top_k : o->server == SERVER_LLAMA ? 0 : -1);
	add_int(b, o, "seed", (int64_t)r->seed);
	add_stops(b, o);
}

void query_body(const struct query_opts *o, const struct query *r, struct buf *b)
{
	buf_char(b, '{');
	add_text(b, o, "model", o->model);
	add_prompt(b, o, r);
	add_sampling(b, o, r);
	add_logprobs(b, o);
	add_more(b, o);
	buf_char(b, '}');
}
