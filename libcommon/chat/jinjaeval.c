/* jinjaeval.c - a parsed template is run: statements write, expressions have values. See
 * jinjaeval.h. */
#include "chat/jinjaeval.h"
#include "chat/jinjaattr.h"
#include "chat/jinjacall.h"
#include "chat/jinjafilter.h"
#include "chat/jinjaitem.h"
#include "chat/jinjalex.h"
#include "chat/jinjamath.h"
#include "chat/jinjaprint.h"
#include "chat/jinjascope.h"

#include <stdio.h>
#include <string.h>

/* How a list of statements ended */
enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct run {
	struct jwork *w;
	struct jscope *scope;
	const struct jdict *variables;
	const struct jwords *words;
	struct jparts *parts;
	int captured; /* blocks around whose text is not yet the template's */
};

struct jmacro {
	const struct jnode *node;
	struct jscope *scope; /* where it was defined */
	struct run *run;
};

/* A loop that is being run, and what `loop` is in it */
struct loop {
	struct jloop base;
	struct run *run;
	const struct jnode *node;
	struct jscope *outer;
	struct jlist *items;
	size_t at;     /* of items: what comes next */
	bool filtered; /* what is left of items has passed the condition */
	bool peeked;   /* next is known, of which more is false at the end */
	bool more;
	struct jvalue next, current, previous, changed;
	int64_t index;  /* from 1 */
	int64_t length; /* -1: not known */
};

static struct jvalue eval(struct run *r, const struct jnode *n);
static enum flow run_list(struct run *r, const struct jnode *n);

/* ---- names ---- */

static struct jvalue lookup(struct run *r, const struct jstr *name)
{
	struct jvalue v, *found = jinja_scope_find(r->w, r->scope, name);
	const struct jfunction *f;

	if (found)
		return *found;
	v = (struct jvalue){.kind = J_STR, .s = name};
	found = jinja_dict_find(r->w, r->variables, v);
	if (found)
		return *found;
	f = jinja_scope_global(name);
	return f ? (struct jvalue){.kind = J_FUNCTION, .function = f}
		 : jinja_undefined(r->w, NULL, name);
}

static void assign(struct run *r, const struct jnode *target, struct jvalue v);

static void unpack(struct run *r, const struct jnode *target, struct jvalue v)
{
	const struct jlist *l = jinja_items(r->w, v);
	size_t n = 0, i = 0;

	for (const struct jnode *t = target->list; t; t = t->next)
		n++;
	if (l->n > n)
		jinja_fail(r->w, "too many values to unpack (expected %zu)", n);
	if (l->n < n)
		jinja_fail(r->w, "not enough values to unpack (expected %zu, got %zu)", n, l->n);
	for (const struct jnode *t = target->list; t; t = t->next)
		assign(r, t, l->v[i++]);
}

static void assign(struct run *r, const struct jnode *target, struct jvalue v)
{
	struct jvalue space;

	if (target->kind == JN_TUPLE) {
		unpack(r, target, v);
		return;
	}
	if (target->kind == JN_NAME) {
		jinja_scope_set(r->w, r->scope, target->name, v);
		return;
	}
	space = lookup(r, target->name);
	if (space.kind != J_NAMESPACE)
		jinja_fail(r->w, "cannot assign attribute on non-namespace object");
	jinja_dict_put(r->w, space.d, target->value, v);
}

/* ---- arguments and calls ---- */

static void count_args(const struct jnode *n, size_t *count)
{
	for (; n; n = n->next)
		++*count;
}

static void push_named(struct jwork *w, struct jargs *args, const struct jstr *name,
		       struct jvalue v)
{
	for (size_t i = 0; i < args->n_named; i++)
		if (args->named[i].name == name)
			jinja_fail(w, "got multiple values for keyword argument '%.*s'",
				   (int)(name->n < 99 ? name->n : 99), name->p);
	args->named[args->n_named++] = (struct jnamed){name, v};
}

static void spread_list(struct run *r, struct jargs *args, struct jvalue v, size_t *room)
{
	const struct jlist *l = jinja_items(r->w, v);
	struct jvalue *old = args->v;

	args->v = jinja_alloc(r->w, *room += l->n, sizeof *args->v);
	if (args->n)
		memcpy(args->v, old, args->n * sizeof *old);
	if (l->n)
		memcpy(args->v + args->n, l->v, l->n * sizeof *old);
	args->n += l->n;
}

static void spread_dict(struct run *r, struct jargs *args, struct jvalue v, size_t *room)
{
	struct jnamed *old = args->named;

	if (v.kind != J_DICT)
		jinja_fail(r->w, "argument after ** must be a mapping, not %s", jinja_type(v));
	args->named = jinja_alloc(r->w, *room += v.d->n, sizeof *old);
	if (args->n_named)
		memcpy(args->named, old, args->n_named * sizeof *old);
	for (size_t i = 0; i < v.d->n; i++)
		push_named(r->w, args, jinja_as_str(r->w, v.d->v[i].key, "keywords"),
			   v.d->v[i].value);
}

/* more: room for that many named arguments besides */
static struct jargs eval_args(struct run *r, const struct jnode *call, size_t more)
{
	struct jargs args = {0};
	size_t n = 0, named = more;

	count_args(call->list, &n);
	count_args(call->named, &named);
	args.v = n ? jinja_alloc(r->w, n, sizeof *args.v) : NULL;
	args.named = named ? jinja_alloc(r->w, named, sizeof *args.named) : NULL;
	for (const struct jnode *a = call->list; a; a = a->next) {
		if (a->kind == JN_STAR)
			spread_list(r, &args, eval(r, a->a), &n);
		else
			args.v[args.n++] = eval(r, a);
	}
	for (const struct jnode *a = call->named; a; a = a->next) {
		if (a->kind == JN_STARS)
			spread_dict(r, &args, eval(r, a->a), &named);
		else
			push_named(r->w, &args, a->name, eval(r, a->a));
	}
	return args;
}

/* The named argument, taken out; J_MISSING: it was not given. */
static struct jvalue take_named(struct jargs *args, const char *name, size_t n)
{
	for (size_t i = 0; i < args->n_named; i++) {
		const struct jnamed found = args->named[i];

		if (found.name->n != n || memcmp(found.name->p, name, n) != 0)
			continue;
		args->n_named--;
		memmove(args->named + i, args->named + i + 1,
			(args->n_named - i) * sizeof *args->named);
		return found.value;
	}
	return (struct jvalue){.kind = J_MISSING};
}

static struct jvalue missing_param(struct run *r, const struct jnode *param)
{
	char text[160];

	if (param->a)
		return eval(r, param->a);
	snprintf(text, sizeof text, "parameter '%.*s' was not provided",
		 (int)(param->name->n < 99 ? param->name->n : 99), param->name->p);
	return jinja_hint(r->w, jinja_copy(r->w, text, strlen(text) + 1).s->p);
}

static void set_rest(struct run *r, const struct jnode *macro, struct jargs *args, size_t used)
{
	struct jvalue rest;

	if (macro->op & JINJA_USES_KWARGS) {
		rest = jinja_dict(r->w);
		for (size_t i = 0; i < args->n_named; i++)
			jinja_dict_put(r->w, rest.d,
				       (struct jvalue){.kind = J_STR, .s = args->named[i].name},
				       args->named[i].value);
		jinja_scope_set(r->w, r->scope, r->words->kwargs, rest);
	} else if (args->n_named) {
		jinja_fail(r->w, "macro '%.*s' takes no keyword argument '%.*s'",
			   (int)macro->name->n, macro->name->p, (int)args->named[0].name->n,
			   args->named[0].name->p);
	}
	if (macro->op & JINJA_USES_VARARGS) {
		rest = jinja_list(r->w, J_ROW_TUPLE, args->n - used);
		for (size_t i = used; i < args->n; i++)
			rest.l->v[i - used] = args->v[i];
		jinja_scope_set(r->w, r->scope, r->words->varargs, rest);
	} else if (args->n > used) {
		jinja_fail(r->w, "macro '%.*s' takes not more than %zu argument(s)",
			   (int)macro->name->n, macro->name->p, used);
	}
}

/* Gives a macro's parameters their values, in its own scope. */
static void set_params(struct run *r, const struct jnode *macro, struct jargs *args)
{
	struct jvalue caller = take_named(args, "caller", 6), *v;
	const struct jnode *p = macro->list;
	size_t used = 0, n = 0;

	count_args(p, &n);
	v = n ? jinja_alloc(r->w, n, sizeof *v) : NULL;
	for (size_t i = 0; p; p = p->next, i++) {
		if (i < args->n)
			v[i] = args->v[used++];
		else
			v[i] = take_named(args, p->name->p, p->name->n);
	}
	p = macro->list;
	for (size_t i = 0; p; p = p->next, i++)
		jinja_scope_set(r->w, r->scope, p->name,
				v[i].kind == J_MISSING ? missing_param(r, p) : v[i]);
	if (caller.kind == J_MISSING)
		caller = jinja_hint(r->w, "No caller defined");
	jinja_scope_set(r->w, r->scope, r->words->caller, caller);
	set_rest(r, macro, args, used);
}

static struct jvalue call_macro(struct run *r, const struct jmacro *m, struct jargs *args)
{
	struct jscope *back = r->scope;
	size_t at = r->w->out.n;
	int line = r->w->line;

	jinja_deeper(r->w);
	r->scope = jinja_scope_new(r->w, m->scope);
	set_params(r, m->node, args);
	r->captured++;
	run_list(r, m->node->body);
	r->captured--;
	r->scope = back;
	r->w->line = line;
	r->w->depth--;
	return jinja_cut(r->w, at);
}

static struct jvalue call(struct run *r, struct jvalue f, struct jargs *args)
{
	switch (f.kind) {
	case J_MACRO:
		return call_macro(r, f.macro, args);
	case J_FUNCTION:
		return jinja_call(r->w, "function", f.function, jinja_none(), args);
	case J_METHOD:
		return jinja_call(r->w, "method", f.bound->f, f.bound->self, args);
	case J_UNDEFINED:
		jinja_use_undefined(r->w, f);
	default:
		jinja_fail(r->w, "'%s' object is not callable", jinja_type(f));
	}
}

static struct jvalue eval_call(struct run *r, const struct jnode *n)
{
	struct jvalue f = eval(r, n->a);
	struct jargs args = eval_args(r, n, 0);

	r->w->line = n->line;
	return call(r, f, &args);
}

/* ---- expressions ---- */

static struct jvalue eval_list(struct run *r, const struct jnode *n, enum jrow row)
{
	size_t count = 0, i = 0;
	struct jvalue v;

	count_args(n->list, &count);
	v = jinja_list(r->w, row, count);
	for (n = n->list; n; n = n->next)
		v.l->v[i++] = eval(r, n);
	return v;
}

static struct jvalue eval_dict(struct run *r, const struct jnode *n)
{
	struct jvalue v = jinja_dict(r->w), key;

	for (n = n->list; n; n = n->next) {
		key = eval(r, n->a);
		jinja_dict_put(r->w, v.d, key, eval(r, n->b));
	}
	return v;
}

static struct jvalue eval_slice(struct run *r, const struct jnode *n)
{
	struct jvalue of = eval(r, n->a), at[3];
	int i = 0;

	for (n = n->list; n; n = n->next)
		at[i++] = n->kind == JN_CONST ? n->value : eval(r, n);
	return jinja_item_slice(r->w, of, at);
}

static struct jvalue eval_item(struct run *r, const struct jnode *n)
{
	struct jvalue of = eval(r, n->a), key = eval(r, n->b);

	r->w->line = n->line;
	return jinja_attr_item(r->w, of, key);
}

static struct jvalue eval_attr(struct run *r, const struct jnode *n)
{
	struct jvalue of = eval(r, n->a);

	r->w->line = n->line;
	return jinja_attr(r->w, of, n->name);
}

static struct jvalue eval_filter(struct run *r, const struct jnode *n)
{
	struct jvalue v = eval(r, n->a);
	struct jargs args = eval_args(r, n, 0);

	r->w->line = n->line;
	return jinja_filter(r->w, n->name, v, &args);
}

static struct jvalue eval_test(struct run *r, const struct jnode *n)
{
	struct jvalue v = eval(r, n->a);
	struct jargs args = eval_args(r, n, 0);

	r->w->line = n->line;
	return jinja_bool(jinja_call_test(r->w, n->name, v, &args));
}

static struct jvalue eval_math(struct run *r, const struct jnode *n)
{
	struct jvalue v = eval(r, n->a);

	for (const struct jnode *o = n->list; o; o = o->next) {
		struct jvalue right = eval(r, o->a);

		r->w->line = o->line;
		v = jinja_math(r->w, o->op, v, right);
	}
	return v;
}

static bool compare(struct run *r, int op, struct jvalue a, struct jvalue b)
{
	int order;

	switch (op) {
	case JINJA_SIGN2('=', '='):
		return jinja_equal(r->w, a, b);
	case JINJA_SIGN2('!', '='):
		return !jinja_equal(r->w, a, b);
	case JINJA_IN:
		return jinja_item_in(r->w, a, b);
	case JINJA_NOT_IN:
		return !jinja_item_in(r->w, a, b);
	case '<':
		return jinja_compare(r->w, a, b, "<") == -1;
	case '>':
		return jinja_compare(r->w, a, b, ">") == 1;
	case JINJA_SIGN2('<', '='):
		return jinja_compare(r->w, a, b, "<=") <= 0;
	default:
		order = jinja_compare(r->w, a, b, ">=");
		return order == 0 || order == 1;
	}
}

static struct jvalue eval_compare(struct run *r, const struct jnode *n)
{
	struct jvalue a = eval(r, n->a), b;

	for (const struct jnode *o = n->list; o; o = o->next) {
		b = eval(r, o->a);
		r->w->line = o->line;
		if (!compare(r, o->op, a, b))
			return jinja_bool(false);
		a = b;
	}
	return jinja_bool(true);
}

static struct jvalue eval_concat(struct run *r, const struct jnode *n)
{
	const struct jnode *x = n->list;
	struct jvalue v = {.kind = J_STR, .s = jinja_print_str(r->w, eval(r, x))};

	while ((x = x->next)) {
		const struct jstr *s = jinja_print_str(r->w, eval(r, x));

		v = jinja_concat(r->w, v.s, s);
	}
	return v;
}

/* and, or: the first operand that decides, or the last */
static struct jvalue eval_logic(struct run *r, const struct jnode *n)
{
	bool decides = n->kind == JN_OR;
	const struct jnode *x = n->list;
	struct jvalue v = eval(r, x);

	while (jinja_true(v) != decides && (x = x->next))
		v = eval(r, x);
	return v;
}

static struct jvalue eval_choice(struct run *r, const struct jnode *n)
{
	char text[160];

	if (jinja_true(eval(r, n->b)))
		return eval(r, n->a);
	if (n->c)
		return eval(r, n->c);
	snprintf(text, sizeof text,
		 "the inline if-expression on line %d evaluated to false and no else section was "
		 "defined.",
		 n->line);
	return jinja_hint(r->w, jinja_copy(r->w, text, strlen(text) + 1).s->p);
}

static struct jvalue positive(struct run *r, struct jvalue v)
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(r->w, v);
	if (!jinja_is_number(v))
		jinja_fail(r->w, "bad operand type for unary +: '%s'", jinja_type(v));
	return v.kind == J_FLOAT ? v : jinja_int(jinja_as_int(r->w, v, ""));
}

static struct jvalue eval_node(struct run *r, const struct jnode *n)
{
	switch (n->kind) {
	case JN_LIST:
		return eval_list(r, n, J_ROW_LIST);
	case JN_TUPLE:
		return eval_list(r, n, J_ROW_TUPLE);
	case JN_DICT:
		return eval_dict(r, n);
	case JN_ATTR:
		return eval_attr(r, n);
	case JN_ITEM:
		return eval_item(r, n);
	case JN_SLICE:
		return eval_slice(r, n);
	case JN_CALL:
		return eval_call(r, n);
	case JN_FILTER:
		return eval_filter(r, n);
	case JN_TEST:
		return eval_test(r, n);
	case JN_NOT:
		return jinja_bool(!jinja_true(eval(r, n->a)));
	case JN_NEGATIVE:
		return jinja_math_negative(r->w, eval(r, n->a));
	case JN_POSITIVE:
		return positive(r, eval(r, n->a));
	case JN_MATH:
		return eval_math(r, n);
	case JN_COMPARE:
		return eval_compare(r, n);
	case JN_CONCAT:
		return eval_concat(r, n);
	case JN_AND:
	case JN_OR:
		return eval_logic(r, n);
	default:
		return eval_choice(r, n);
	}
}

static struct jvalue eval(struct run *r, const struct jnode *n)
{
	struct jvalue v;

	jinja_step(r->w);
	if (n->kind == JN_CONST)
		return n->value;
	if (n->kind == JN_NAME)
		return lookup(r, n->name);
	jinja_deeper(r->w);
	v = eval_node(r, n);
	r->w->depth--;
	return v;
}

/* ---- loops ---- */

/* Does the item pass the loop's condition? It is asked where the item has its name, but not `loop`.
 */
static bool passes(struct loop *l, struct jvalue item)
{
	struct run *r = l->run;
	struct jscope *back = r->scope;
	bool yes;

	if (!l->node->c || l->filtered)
		return true;
	r->scope = jinja_scope_new(r->w, l->outer);
	assign(r, l->node->a, item);
	yes = jinja_true(eval(r, l->node->c));
	r->scope = back;
	return yes;
}

/* Looks at what comes next; false: nothing does. */
static bool peek(struct loop *l)
{
	while (!l->peeked) {
		l->more = l->at < l->items->n;
		if (!l->more)
			l->peeked = true;
		else if (passes(l, l->next = l->items->v[l->at++]))
			l->peeked = true;
	}
	return l->more;
}

static bool advance(struct loop *l)
{
	jinja_step(l->run->w);
	if (!peek(l))
		return false;
	l->peeked = false;
	l->previous = l->current;
	l->current = l->next;
	l->index++;
	return true;
}

/* Asks the condition for all that is left. */
static int64_t length(struct loop *l)
{
	struct jlist *rest;

	if (l->length >= 0)
		return l->length;
	if (l->node->c && !l->filtered) {
		rest = jinja_list(l->run->w, J_ROW_LIST, l->items->n - l->at).l;
		rest->n = 0;
		for (; l->at < l->items->n; l->at++)
			if (passes(l, l->items->v[l->at]))
				rest->v[rest->n++] = l->items->v[l->at];
		l->items = rest;
		l->at = 0;
		l->filtered = true;
	}
	l->length = l->index + (l->peeked && l->more) + (int64_t)(l->items->n - l->at);
	return l->length;
}

static struct jvalue cycle(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			   const struct jargs *all)
{
	const struct loop *l = (const struct loop *)self.loop;

	(void)arg;
	if (!all->n)
		jinja_fail(w, "no items for cycling given");
	return all->v[(size_t)(l->index - 1) % all->n];
}

static struct jvalue changed(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			     const struct jargs *all)
{
	struct loop *l = (struct loop *)self.loop;
	struct jvalue now = jinja_list(w, J_ROW_TUPLE, all->n);
	bool same;

	(void)arg;
	if (all->n)
		memcpy(now.l->v, all->v, all->n * sizeof *all->v);
	same = jinja_equal(w, now, l->changed);
	l->changed = now;
	return jinja_bool(!same);
}

static const struct jfunction loop_methods[] = {{"changed", "*", changed}, {"cycle", "*", cycle}};

static struct jvalue previous_item(struct loop *l)
{
	return l->index > 1 ? l->previous : jinja_hint(l->run->w, "there is no previous item");
}

static struct jvalue next_item(struct loop *l)
{
	return peek(l) ? l->next : jinja_hint(l->run->w, "there is no next item");
}

enum loop_field {
	INDEX,
	INDEX0,
	REVINDEX,
	REVINDEX0,
	FIRST,
	LAST,
	LENGTH,
	DEPTH,
	DEPTH0,
	PREVIOUS,
	NEXT
};

static struct jvalue loop_value(struct loop *l, enum loop_field field)
{
	switch (field) {
	case INDEX:
		return jinja_int(l->index);
	case INDEX0:
		return jinja_int(l->index - 1);
	case REVINDEX:
		return jinja_int(length(l) - l->index + 1);
	case REVINDEX0:
		return jinja_int(length(l) - l->index);
	case FIRST:
		return jinja_bool(l->index == 1);
	case LAST:
		return jinja_bool(!peek(l));
	case LENGTH:
		return jinja_int(length(l));
	case DEPTH:
		return jinja_int(1);
	case DEPTH0:
		return jinja_int(0);
	case PREVIOUS:
		return previous_item(l);
	case NEXT:
		return next_item(l);
	}
	return jinja_none();
}

static bool loop_attribute(struct jwork *w, struct jloop *base, const struct jstr *name,
			   struct jvalue *to)
{
	static const char *const fields[] = {"index",  "index0",   "revindex", "revindex0",
					     "first",  "last",     "length",   "depth",
					     "depth0", "previtem", "nextitem"};
	const struct jfunction *f = jinja_function_find(loop_methods, 2, name);
	struct jbound *b;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (jinja_is_str((struct jvalue){.kind = J_STR, .s = name}, fields[i])) {
			*to = loop_value((struct loop *)base, (enum loop_field)i);
			return true;
		}
	if (!f)
		return false;
	b = jinja_alloc(w, 1, sizeof *b);
	*b = (struct jbound){.self = {.kind = J_LOOP, .loop = base}, .f = f};
	*to = (struct jvalue){.kind = J_METHOD, .bound = b};
	return true;
}

static struct loop *new_loop(struct run *r, const struct jnode *n)
{
	struct loop *l = jinja_alloc(r->w, 1, sizeof *l);

	l->base.attribute = loop_attribute;
	l->run = r;
	l->node = n;
	l->outer = r->scope;
	l->length = -1;
	l->items = jinja_items(r->w, eval(r, n->b));
	return l;
}

static enum flow run_for(struct run *r, const struct jnode *n)
{
	struct loop *l = new_loop(r, n);
	struct jscope *outer = r->scope;
	bool whole = false; /* has a round been run to its end? */
	enum flow flow = FLOW_ON;

	r->scope = jinja_scope_new(r->w, outer);
	while (flow != FLOW_BREAK && advance(l)) {
		r->scope = jinja_scope_again(r->w, r->scope);
		assign(r, n->a, l->current);
		jinja_scope_set(r->w, r->scope, r->words->loop,
				(struct jvalue){.kind = J_LOOP, .loop = &l->base});
		flow = run_list(r, n->body);
		whole = whole || flow == FLOW_ON;
	}
	flow = FLOW_ON;
	r->scope = outer;
	if (!whole && n->els) {
		r->scope = jinja_scope_new(r->w, outer);
		flow = run_list(r, n->els);
		r->scope = outer;
	}
	return flow;
}

/* ---- other statements ---- */

static enum flow run_if(struct run *r, const struct jnode *n)
{
	for (const struct jnode *b = n->list; b; b = b->next)
		if (jinja_true(eval(r, b->a)))
			return run_list(r, b->body);
	return run_list(r, n->els);
}

/* Runs a block whose text is not written: it is *text. */
static enum flow capture(struct run *r, const struct jnode *body, struct jvalue *text)
{
	struct jscope *outer = r->scope;
	size_t at = r->w->out.n;
	enum flow flow;

	r->scope = jinja_scope_new(r->w, outer);
	r->captured++;
	flow = run_list(r, body);
	r->captured--;
	r->scope = outer;
	*text = jinja_cut(r->w, at);
	return flow;
}

static struct jvalue filter_text(struct run *r, const struct jnode *filters, struct jvalue text)
{
	struct jargs args;

	if (!filters)
		return text;
	jinja_deeper(r->w);
	text = filter_text(r, filters->a, text);
	args = eval_args(r, filters, 0);
	r->w->depth--;
	return jinja_filter(r->w, filters->name, text, &args);
}

static enum flow run_captured(struct run *r, const struct jnode *n)
{
	struct jvalue text;
	enum flow flow = capture(r, n->body, &text);

	if (flow != FLOW_ON)
		return flow;
	text = filter_text(r, n->b, text);
	if (n->kind == JN_SET_BLOCK)
		assign(r, n->a, text);
	else
		jinja_print(r->w, text);
	return FLOW_ON;
}

static struct jvalue new_macro(struct run *r, const struct jnode *n)
{
	struct jmacro *m = jinja_alloc(r->w, 1, sizeof *m);

	*m = (struct jmacro){.node = n, .scope = r->scope, .run = r};
	jinja_scope_keep(r->scope);
	return (struct jvalue){.kind = J_MACRO, .macro = m};
}

static void run_call(struct run *r, const struct jnode *n)
{
	struct jvalue f = eval(r, n->a->a), caller = new_macro(r, n->b);
	struct jargs args = eval_args(r, n->a, 1);

	push_named(r->w, &args, n->b->name, caller);
	jinja_print(r->w, call(r, f, &args));
}

static enum flow run_with(struct run *r, const struct jnode *n)
{
	struct jscope *outer = r->scope, *inner = jinja_scope_new(r->w, outer);
	enum flow flow;

	for (const struct jnode *s = n->list; s; s = s->next) {
		struct jvalue v = eval(r, s->b);

		r->scope = inner;
		assign(r, s->a, v);
		r->scope = outer;
	}
	r->scope = inner;
	flow = run_list(r, n->body);
	r->scope = outer;
	return flow;
}

static void note_part(struct run *r, size_t from)
{
	struct jparts *p = r->parts;

	if (r->captured)
		return;
	if (p->n == p->room) {
		struct jpart *old = p->v;

		p->room = p->room ? 2 * p->room : 16;
		p->v = jinja_alloc(r->w, p->room, sizeof *p->v);
		if (p->n)
			memcpy(p->v, old, p->n * sizeof *old);
	}
	p->v[p->n++] = (struct jpart){from, r->w->out.n};
}

static enum flow run_generation(struct run *r, const struct jnode *n)
{
	struct jscope *outer = r->scope;
	size_t from = r->w->out.n;
	enum flow flow;

	r->scope = jinja_scope_new(r->w, outer);
	flow = run_list(r, n->body);
	r->scope = outer;
	note_part(r, from);
	return flow;
}

static enum flow run_one(struct run *r, const struct jnode *n)
{
	switch (n->kind) {
	case JN_TEXT:
		jinja_put(r->w, n->value.s->p, n->value.s->n);
		return FLOW_ON;
	case JN_OUTPUT:
		jinja_print(r->w, eval(r, n->a));
		return FLOW_ON;
	case JN_IF:
		return run_if(r, n);
	case JN_FOR:
		return run_for(r, n);
	case JN_SET:
		assign(r, n->a, eval(r, n->b));
		return FLOW_ON;
	case JN_SET_BLOCK:
	case JN_FILTER_BLOCK:
		return run_captured(r, n);
	case JN_MACRO:
		jinja_scope_set(r->w, r->scope, n->name, new_macro(r, n));
		return FLOW_ON;
	case JN_CALL_BLOCK:
		run_call(r, n);
		return FLOW_ON;
	case JN_WITH:
		return run_with(r, n);
	case JN_GENERATION:
		return run_generation(r, n);
	default:
		return n->kind == JN_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
	}
}

static enum flow run_list(struct run *r, const struct jnode *n)
{
	enum flow flow = FLOW_ON;

	jinja_deeper(r->w);
	for (; n && flow == FLOW_ON; n = n->next) {
		jinja_step(r->w);
		r->w->line = n->line;
		flow = run_one(r, n);
	}
	r->w->depth--;
	return flow;
}

void jinja_eval(struct jwork *w, const struct jtree *t, const struct jdict *variables,
		struct jparts *parts)
{
	struct run r = {.w = w, .variables = variables, .words = &t->words, .parts = parts};

	r.scope = jinja_scope_new(w, NULL);
	run_list(&r, t->body);
}
