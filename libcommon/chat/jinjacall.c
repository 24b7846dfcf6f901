/* jinjacall.c - arguments, and the tests behind `is`. See jinjacall.h. */
#include "chat/jinjacall.h"
#include "chat/jinjaitem.h"
#include "chat/jinjamath.h"
#include "chat/jinjaprint.h"
#include "chat/jinjatext.h"

#include <string.h>

enum { MAX_PARAMS = 8 };

struct param {
	struct span name;
	bool optional;
};

static size_t params_of(const char *p, struct param v[MAX_PARAMS])
{
	size_t n = 0, len;

	for (; *p; p += len) {
		p += *p == ' ';
		len = strcspn(p, " ");
		v[n].optional = p[len - 1] == '?';
		v[n].name = (struct span){p, len - v[n].optional};
		n++;
	}
	return n;
}

static void take_named(struct jwork *w, const char *kind, const struct jfunction *f,
		       const struct param *params, size_t n, const struct jnamed *named,
		       struct jvalue *arg)
{
	size_t i = 0;
	int len = (int)(named->name->n < 99 ? named->name->n : 99);

	while (i < n && !span_eq(params[i].name, (struct span){named->name->p, named->name->n}))
		i++;
	if (i == n)
		jinja_fail(w, "%s %s: unexpected keyword argument '%.*s'", kind, f->name, len,
			   named->name->p);
	if (arg[i].kind != J_MISSING)
		jinja_fail(w, "%s %s: multiple values for argument '%.*s'", kind, f->name, len,
			   named->name->p);
	arg[i] = named->value;
}

struct jvalue jinja_call(struct jwork *w, const char *kind, const struct jfunction *f,
			 struct jvalue self, const struct jargs *args)
{
	struct jvalue arg[MAX_PARAMS] = {0};
	struct param params[MAX_PARAMS];
	size_t n;

	jinja_step(w);
	if (*f->params == '*')
		return f->run(w, self, NULL, args);
	n = params_of(f->params, params);
	if (args->n > n)
		jinja_fail(w, "%s %s takes at most %zu arguments (%zu given)", kind, f->name, n,
			   args->n);
	for (size_t i = 0; i < args->n; i++)
		arg[i] = args->v[i];
	for (size_t i = 0; i < args->n_named; i++)
		take_named(w, kind, f, params, n, &args->named[i], arg);
	for (size_t i = 0; i < n; i++)
		if (arg[i].kind == J_MISSING && !params[i].optional)
			jinja_fail(w, "%s %s: missing argument '%.*s'", kind, f->name,
				   (int)params[i].name.n, params[i].name.p);
	return f->run(w, self, arg, args);
}

/* ---- tests ---- */

#define TEST(name) JFUNCTION(is_##name)

#define TEST_IS(name, what)              \
	TEST(name)                       \
	{                                \
		JUNUSED;                 \
		return jinja_bool(what); \
	}

static bool is_row(struct jvalue v)
{
	return v.kind == J_LIST && v.l->row <= J_ROW_RANGE;
}

/* The same object, as far as that can be told: what is equal and cannot change is the same. */
static bool is_same(struct jwork *w, struct jvalue a, struct jvalue b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == J_LIST)
		return a.l == b.l;
	if (a.kind == J_DICT)
		return a.d == b.d;
	return jinja_equal(w, a, b);
}

static int64_t remainder_of(struct jwork *w, struct jvalue v, int64_t by)
{
	struct jvalue r = jinja_math(w, '%', v, jinja_int(by));

	return jinja_as_float(r) == 0 ? 0 : jinja_as_float(r) == 1 ? 1 : 2;
}

static bool is_callable_kind(enum jkind k)
{
	return k == J_MACRO || k == J_FUNCTION || k == J_METHOD || k == J_UNDEFINED;
}

static bool is_at_least(int order)
{
	return order == 0 || order == 1;
}

TEST_IS(defined, self.kind != J_UNDEFINED)
TEST_IS(undefined, self.kind == J_UNDEFINED)
TEST_IS(none, self.kind == J_NONE)
TEST_IS(boolean, self.kind == J_BOOL)
TEST_IS(yes, self.kind == J_BOOL && self.b)
TEST_IS(no, self.kind == J_BOOL && !self.b)
TEST_IS(integer, self.kind == J_INT)
TEST_IS(float, self.kind == J_FLOAT)
TEST_IS(number, jinja_is_number(self))
TEST_IS(string, self.kind == J_STR)
TEST_IS(mapping, self.kind == J_DICT)
TEST_IS(sequence,
	self.kind == J_STR || self.kind == J_DICT || is_row(self) || self.kind == J_UNDEFINED)
TEST_IS(iterable, self.kind == J_STR || self.kind == J_DICT || self.kind == J_LIST ||
			  self.kind == J_UNDEFINED || self.kind == J_LOOP)
TEST_IS(callable, is_callable_kind(self.kind))
TEST_IS(escaped, false)
TEST_IS(odd, remainder_of(w, self, 2) == 1)
TEST_IS(even, remainder_of(w, self, 2) == 0)
TEST_IS(divisibleby, jinja_as_float(jinja_math(w, '%', self, arg[0])) == 0)
TEST_IS(lower, jinja_text_is_case(jinja_print_str(w, self), false))
TEST_IS(upper, jinja_text_is_case(jinja_print_str(w, self), true))
TEST_IS(sameas, is_same(w, self, arg[0]))
TEST_IS(in, jinja_item_in(w, self, arg[0]))
TEST_IS(eq, jinja_equal(w, self, arg[0]))
TEST_IS(ne, !jinja_equal(w, self, arg[0]))
TEST_IS(lt, jinja_compare(w, self, arg[0], "<") == -1)
TEST_IS(gt, jinja_compare(w, self, arg[0], ">") == 1)
TEST_IS(le, jinja_compare(w, self, arg[0], "<=") <= 0)
TEST_IS(ge, is_at_least(jinja_compare(w, self, arg[0], ">=")))

static const struct jfunction tests[] = {
	{"!=", "other", is_ne},        {"<", "other", is_lt},
	{"<=", "other", is_le},        {"==", "other", is_eq},
	{">", "other", is_gt},         {">=", "other", is_ge},
	{"boolean", "", is_boolean},   {"callable", "", is_callable},
	{"defined", "", is_defined},   {"divisibleby", "num", is_divisibleby},
	{"eq", "other", is_eq},        {"equalto", "other", is_eq},
	{"escaped", "", is_escaped},   {"even", "", is_even},
	{"false", "", is_no},          {"float", "", is_float},
	{"ge", "other", is_ge},        {"greaterthan", "other", is_gt},
	{"gt", "other", is_gt},        {"in", "seq", is_in},
	{"integer", "", is_integer},   {"iterable", "", is_iterable},
	{"le", "other", is_le},        {"lessthan", "other", is_lt},
	{"lower", "", is_lower},       {"lt", "other", is_lt},
	{"mapping", "", is_mapping},   {"ne", "other", is_ne},
	{"none", "", is_none},         {"number", "", is_number},
	{"odd", "", is_odd},           {"sameas", "other", is_sameas},
	{"sequence", "", is_sequence}, {"string", "", is_string},
	{"true", "", is_yes},          {"undefined", "", is_undefined},
	{"upper", "", is_upper},
};

bool jinja_call_test(struct jwork *w, const struct jstr *name, struct jvalue v,
		     const struct jargs *args)
{
	const struct jfunction *f = jinja_function_find(tests, sizeof tests / sizeof *tests, name);

	if (!f)
		jinja_fail(w, "No test named '%.*s'", (int)(name->n < 99 ? name->n : 99), name->p);
	return jinja_call(w, "test", f, v, args).b;
}
