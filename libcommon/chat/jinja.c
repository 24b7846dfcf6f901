/* jinja.c - a template read and rendered: where the work begins and where it leaves when it fails.
 * See jinja.h. */
#include "chat/jinja.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chat/jinjaeval.h"

#include <stdlib.h>
#include <string.h>

struct jinja {
	struct jwork work; /* the memory of the tree */
	struct jtree tree;
};

static int read_source(struct jinja *t, struct span source, struct reason *why)
{
	jinja_work_begin(&t->work, why);
	if (setjmp(t->work.fail))
		return ST_INPUT;
	t->tree = jinja_parse(&t->work, source);
	return 0;
}

struct jinja *jinja_open(struct span source, struct reason *why)
{
	struct jinja *t;

	if (!utf8_valid(source.p, source.n)) {
		fail(why, ST_INPUT, "it is not UTF-8");
		return NULL;
	}
	t = xcalloc(1, sizeof *t);
	if (read_source(t, source, why)) {
		jinja_free(t);
		return NULL;
	}
	buf_free(&t->work.out);
	buf_free(&t->work.scratch);
	return t;
}

void jinja_free(struct jinja *t)
{
	if (!t)
		return;
	jinja_work_free(&t->work);
	free(t);
}

static int run(struct jwork *w, const struct jinja *t, const json_t *variables,
	       struct jparts *parts, struct reason *why)
{
	jinja_work_begin(w, why);
	if (setjmp(w->fail))
		return ST_INPUT;
	jinja_eval(w, &t->tree, jinja_from_json(w, variables).d, parts);
	return 0;
}

int jinja_render(const struct jinja *t, const struct jinja_given *g, struct buf *out,
		 struct buf *parts, struct reason *why)
{
	struct jwork w = {.now = g->now, .most = g->steps};
	struct reason first = {0};
	struct jparts found = {0};
	int st = run(&w, t, g->variables, &found, &first);

	if (!st) {
		buf_add(out, w.out.p, w.out.n);
		for (size_t i = 0; parts && i < found.n; i++) {
			struct jinja_part p = {found.v[i].from, found.v[i].to};

			buf_add(parts, &p, sizeof p);
		}
	} else if (why) {
		*why = first;
	}
	jinja_work_free(&w);
	return st;
}
