/* verify.c - which verifier judges an item. See verify.h. */
#include "verify/verify.h"
#include "base/mem.h"
#include "verify/builtin.h"
#include "verify/gen.h"
#include "verify/text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	judge_fn *judge;
} plain[] = {{"exact", judge_exact},
	     {"number", judge_number},
	     {"regex", judge_regex},
	     {"contains", judge_contains}};

static const char *const verdict_names[] = {"ok",   "timeout", "signal",
					    "exit", "garbage", "too-long"};

const char *verdict_name(enum verdict_code c)
{
	return verdict_names[c];
}

struct verifier {
	struct verify_opts o;
	char *name; /* the default, or NULL */
};

static judge_fn *builtin(struct span name)
{
	const struct kind *k = gen_kind(name);

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (span_is(name, plain[i].name))
			return plain[i].judge;
	return k ? k->judge : NULL;
}

static struct span of_cstr(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

struct verifier *verify_open(const struct verify_opts *opts, struct reason *why)
{
	struct verifier *v;

	if (opts->verifier && !builtin(of_cstr(opts->verifier))) {
		fail(why, ST_USAGE, "verifier %s: no such verifier", opts->verifier);
		return NULL;
	}
	v = xcalloc(1, sizeof *v);
	v->o = *opts;
	v->name = opts->verifier ? xstrdup(opts->verifier) : NULL;
	return v;
}

static int run_builtin(const struct verifier *v, const struct verify_item *it, struct verdict *out,
		       struct reason *why)
{
	const char *name = it->verifier ? it->verifier : v->name;
	judge_fn *judge = builtin(of_cstr(name));

	if (!name)
		return fail(why, ST_INPUT, "task %.*s: no verifier is named", TEXT_ARG(it->task));
	if (!judge)
		return fail(why, ST_INPUT, "task %.*s: no such verifier: %s", TEXT_ARG(it->task),
			    name);
	*out = (struct verdict){.code = VERDICT_OK};
	return judge(it, out, why);
}

int verify_run(struct verifier *v, const struct verify_item *items, size_t n, struct verdict *out,
	       struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < n && !st; i++)
		st = run_builtin(v, &items[i], &out[i], why);
	return st;
}

void verify_close(struct verifier *v)
{
	if (!v)
		return;
	free(v->name);
	free(v);
}
