/* statekeys.c - what a state is made of and what it must share. See state.h. */
#include "run/state.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/par.h"
#include "base/rank.h"
#include "tensor/kernels.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void add_value(struct state *s, const char *name, enum state_kind kind, void *v)
{
	if (!s->dir)
		return;
	s->value = xgrow(s->value, s->n_value + 1, sizeof *s->value);
	s->value[s->n_value++] = (struct state_value){name, kind, v};
}

void state_count(struct state *s, const char *name, uint64_t *v)
{
	add_value(s, name, STATE_COUNT, v);
}

void state_real(struct state *s, const char *name, double *v)
{
	add_value(s, name, STATE_REAL, v);
}

void state_hash(struct state *s, const char *name, uint64_t *v)
{
	add_value(s, name, STATE_HASH, v);
}

void state_array(struct state *s, const char *file, const char *prefix, const struct weight *w,
		 size_t n_w, float *v)
{
	if (!s->dir)
		return;
	s->array = xgrow(s->array, s->n_array + 1, sizeof *s->array);
	s->array[s->n_array++] = (struct state_array){file, prefix, w, n_w, v, NULL};
}

void state_parts(struct state *s, const size_t *bound)
{
	if (s->dir && rank_count() > 1)
		s->array[s->n_array - 1].bound = bound;
}

void state_same(struct state *s, const char *what, const char *value)
{
	json_t *text = json_string(value);

	if (text)
		json_object_set_new(s->same, what, text);
	else /* not UTF-8 */
		state_same_hash(s, what, XXH3_64bits(value, strlen(value)));
}

void state_same_hash(struct state *s, const char *what, uint64_t sum)
{
	char hex[17];

	hash_hex(sum, hex);
	state_same(s, what, hex);
}

void state_made(struct state *s, const char *what, const char *value)
{
	json_object_set_new(s->made, what, json_string(value));
}

void state_made_here(struct state *s)
{
	char threads[24];

	num_text(par_threads(), threads);
	state_made(s, "version", SUITE_VERSION);
	state_made(s, "compiler", __VERSION__);
	state_made(s, "kernels", cpu_name(kernels_used()));
	state_made(s, "threads", threads);
}

/* Does the result depend on the value that the option has, and on nothing behind it? */
static bool counts(const struct opt *o)
{
	return !(o->type & (OPT_FREE | OPT_BY_CONTENT));
}

void state_same_options(struct state *s, const struct opt *opts)
{
	for (; s->dir && opts->name; opts++) {
		struct buf value = {0};
		char *what = xasprintf("--%s", opts->name);

		tool_value(opts, &value);
		if (counts(opts))
			state_same(s, what, buf_cstr(&value));
		buf_free(&value);
		free(what);
	}
}

uint64_t state_options_hash(const struct opt *opts)
{
	struct buf all = {0};
	uint64_t sum;

	for (; opts->name; opts++) {
		if (!counts(opts))
			continue;
		buf_printf(&all, "--%s ", opts->name);
		tool_value(opts, &all);
		buf_char(&all, '\0');
	}
	sum = XXH3_64bits(all.p, all.n);
	buf_free(&all);
	return sum;
}
