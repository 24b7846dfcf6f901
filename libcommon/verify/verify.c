/* verify.c - which verifier judges an item. See verify.h. */
#include "verify/verify.h"
#include "base/fault.h"
#include "base/mem.h"
#include "answer/judge.h"
#include "kinds/gen.h"
#include "verify/code.h"
#include "verify/pool.h"
#include "answer/text.h"
#include "answer/thought.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	judge_fn *judge;
} plain[] = {{"exact", judge_exact},       {"number", judge_number}, {"regex", judge_regex},
	     {"contains", judge_contains}, {"gsm8k", judge_gsm8k},   {"math", judge_math}};

struct verifier {
	struct verify_opts o;
	char *name;         /* the default, or NULL */
	struct pool **pool; /* one for each command seen */
	size_t n_pools;
	struct code *code; /* once a program was to be run */
	size_t *which;     /* of verify_run: items of one command, or programs */
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

/* The COMMAND of "cmd:COMMAND", or NULL */
static const char *command_of(const char *name)
{
	return name && strncmp(name, "cmd:", 4) == 0 && name[4] ? name + 4 : NULL;
}

static bool is_code(const char *name)
{
	return name && strcmp(name, "code") == 0;
}

/* There is none of this name: what may be meant. */
static int no_such(int st, const char *what, struct span task, const char *name, struct reason *why)
{
	return fail(why, st,
		    "%s%.*s: no such verifier: %s (exact, number, math and others, see "
		    "rloop-verify(7); a program of your own is cmd:%s)",
		    what, TEXT_ARG(task), name, name);
}

struct verifier *verify_open(const struct verify_opts *opts, struct reason *why)
{
	const char *name = opts->verifier;
	struct verifier *v;

	if (name && !builtin(of_cstr(name)) && !command_of(name) && !is_code(name)) {
		no_such(ST_USAGE, "--verifier", (struct span){0}, name, why);
		return NULL;
	}
	v = xcalloc(1, sizeof *v);
	v->o = *opts;
	v->name = name ? xstrdup(name) : NULL;
	return v;
}

static const char *name_of(const struct verifier *v, const struct verify_item *it)
{
	return it->verifier ? it->verifier : v->name;
}

/* Of a wrong response: what it would have been right for, where its kind can say. */
static void look_back(const char *name, const struct verify_item *it, struct verdict *out)
{
	const struct kind *k = gen_kind(of_cstr(name));
	struct buf id = {0};

	if (k && gen_solves(k, it, &id) && id.n < sizeof out->hindsight)
		memcpy(out->hindsight, buf_cstr(&id), id.n + 1);
	buf_free(&id);
}

static int run_builtin(const struct verifier *v, const struct verify_item *it, struct verdict *out,
		       struct reason *why)
{
	const char *name = name_of(v, it);
	judge_fn *judge = builtin(of_cstr(name));
	struct verify_item said = *it;
	int st;

	if (!name)
		return fail(why, ST_INPUT,
			    "task %.*s: no verifier is named, by the row or by --verifier (exact, "
			    "number, math ... or cmd:PROGRAM, see rloop-verify(7))",
			    TEXT_ARG(it->task));
	if (!judge)
		return no_such(ST_INPUT, "task ", it->task, name, why);
	*out = (struct verdict){.code = VERDICT_OK};
	said.response = thought_spoken(it->prompt, it->response);
	st = judge(&said, out, why);
	fault_double("reward", &out->reward);
	if (!st && !isfinite(out->reward)) /* no reward at all, as from a program of the user's */
		out->code = VERDICT_GARBAGE;
	if (v->o.hindsight && !st && out->code == VERDICT_OK && out->reward == 0)
		look_back(name, &said, out);
	return st;
}

static int may_run(const struct verifier *v, const struct verify_item *it, struct reason *why)
{
	if (v->o.trust || !it->verifier || (v->name && strcmp(it->verifier, v->name) == 0))
		return 0;
	return fail(why, ST_INPUT,
		    "task %.*s: its verifier is a command, which is run only when it is trusted "
		    "(--trust): %s",
		    TEXT_ARG(it->task), it->verifier);
}

static struct pool *pool_for(struct verifier *v, const char *command, struct reason *why)
{
	struct pool *p;

	for (size_t i = 0; i < v->n_pools; i++)
		if (strcmp(pool_command(v->pool[i]), command) == 0)
			return v->pool[i];
	p = pool_open(command, v->o.deadline, (size_t)v->o.max_output, (int)v->o.workers, why);
	if (p) {
		v->pool = xgrow(v->pool, v->n_pools + 1, sizeof(struct pool *));
		v->pool[v->n_pools++] = p;
	}
	return p;
}

/* All items of the pool's command at once. */
static int run_pool(struct verifier *v, struct pool *p, const struct verify_item *items, size_t n,
		    struct verdict *out, struct reason *why)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const char *c = command_of(name_of(v, &items[i]));

		if (c && strcmp(c, pool_command(p)) == 0)
			v->which[k++] = i;
	}
	return k ? pool_run(p, items, v->which, k, out, why) : 0;
}

/* All programs at once */
static int run_code(struct verifier *v, const struct verify_item *items, size_t n,
		    struct verdict *out, struct reason *why)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (is_code(name_of(v, &items[i])))
			v->which[k++] = i;
	if (!k)
		return 0;
	if (!v->code)
		v->code = code_open(v->o.deadline, (int)v->o.workers, v->o.trust, why);
	return v->code ? code_run(v->code, items, v->which, k, out, why) : ST_SYSTEM;
}

int verify_run(struct verifier *v, const struct verify_item *items, size_t n, struct verdict *out,
	       struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < n && !st; i++) {
		const char *name = name_of(v, &items[i]), *command = command_of(name);

		if (is_code(name))
			continue;
		if (!command)
			st = run_builtin(v, &items[i], &out[i], why);
		else if (!(st = may_run(v, &items[i], why)) && !pool_for(v, command, why))
			st = ST_SYSTEM;
	}
	if (st)
		return st;
	v->which = xgrow(v->which, n, sizeof *v->which);
	st = run_code(v, items, n, out, why);
	for (size_t i = 0; i < v->n_pools && !st; i++)
		st = run_pool(v, v->pool[i], items, n, out, why);
	return st;
}

void verify_close(struct verifier *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_pools; i++)
		pool_close(v->pool[i]);
	code_close(v->code);
	free(v->pool);
	free(v->which);
	free(v->name);
	free(v);
}
