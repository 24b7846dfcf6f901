/* request.c - problems and requests by name. See request.h. */
#include "convert/request.h"
#include "base/mem.h"
#include "base/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROW = 256 * 1024 * 1024 };

struct from_known *request_known(struct from_opts *o, struct span name)
{
	size_t before = o->known_names.n, i = names_id(&o->known_names, name);

	o->known = names_room(o->known, &o->n_known, i, sizeof *o->known);
	if (o->known_names.n > before)
		o->known[i] = (struct from_known){.temperature = NAN, .top_p = NAN};
	return &o->known[i];
}

/* What a request says that its answer does not; jansson's functions take what is absent. */
static double real(const json_t *body, const char *key, double absent)
{
	const json_t *v = json_object_get(body, key);

	return json_is_number(v) ? json_number_value(v) : absent;
}

static bool is_plain(const json_t *body)
{
	return real(body, "top_p", 1) == 1 && real(body, "top_k", 0) <= 0 &&
	       real(body, "min_p", 0) == 0 && real(body, "presence_penalty", 0) == 0 &&
	       real(body, "frequency_penalty", 0) == 0 && real(body, "repetition_penalty", 1) == 1;
}

static void set_known(struct from_known *k, const json_t *body)
{
	const json_t *prompt = json_object_get(body, "prompt"),
		     *messages = json_object_get(body, "messages"),
		     *stop = json_object_get(body, "stop");

	if (json_is_string(prompt) && !k->prompt)
		k->prompt = xstrdup(json_string_value(prompt));
	if (json_is_array(messages) && !k->messages)
		k->messages = json_dumps(messages, JSON_COMPACT);
	if ((!stop || json_is_null(stop)) && !k->finish)
		k->finish = xstrdup("stop");
	k->temperature = real(body, "temperature", NAN);
	k->top_p = real(body, "top_p", NAN);
	k->plain = is_plain(body) && k->temperature == 1;
}

static int add_request(struct from_opts *o, const json_t *row, const char *name, size_t line,
		       struct reason *why)
{
	const json_t *id = json_object_get(row, "custom_id"), *body = json_object_get(row, "body");

	if (!json_is_string(id) || !json_is_object(body))
		return fail(why, ST_INPUT, "%s:%zu: no request: custom_id and body are wanted",
			    name, line);
	set_known(request_known(o, (struct span){json_string_value(id), json_string_length(id)}),
		  body);
	return 0;
}

int request_load(struct from_opts *o, const char *path, struct reason *why)
{
	struct rows *in = rows_open(path, MAX_ROW, why);
	int got = 0, st = 0;
	json_t *row;
	size_t line;

	if (!in)
		return why->status;
	while (!st && (got = rows_next(in, &row, &line, why)) > 0) {
		st = add_request(o, row, rows_name(in), line, why);
		json_decref(row);
	}
	rows_close(in);
	return got < 0 ? why->status : st;
}

void request_free(struct from_opts *o)
{
	for (size_t i = 0; i < o->known_names.n; i++) {
		free(o->known[i].prompt);
		free(o->known[i].messages);
		free(o->known[i].answer);
		free(o->known[i].finish);
	}
	free(o->known);
	names_free(&o->known_names);
}
