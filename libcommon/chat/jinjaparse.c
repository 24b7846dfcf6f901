/* jinjaparse.c - a template as a tree: recursive descent, as Jinja's own. See jinjaparse.h. */
#include "chat/jinjaparse.h"
#include "chat/jinjalex.h"

#include <string.h>

struct parse {
	struct jwork *w;
	const struct jtoken *t; /* the next one */
	struct jdict *names;
	int uses; /* of the macro that is being read: JINJA_USES_* */
};

static struct jnode *expression(struct parse *p);
static struct jnode *statements(struct parse *p, const char *const *ends);

/* ---- tokens ---- */

static struct jnode *new_node(struct parse *p, enum jnode_kind kind)
{
	struct jnode *n = jinja_alloc(p->w, 1, sizeof *n);

	n->kind = kind;
	n->line = p->t->line;
	p->w->line = p->t->line;
	return n;
}

static bool is_sign(const struct parse *p, int sign)
{
	return p->t->kind == JT_SIGN && p->t->sign == sign;
}

static bool is_word(const struct parse *p, const char *word)
{
	return p->t->kind == JT_NAME && jinja_is_str(p->t->value, word);
}

static bool take_sign(struct parse *p, int sign)
{
	bool here = is_sign(p, sign);

	p->t += here;
	return here;
}

static bool take_word(struct parse *p, const char *word)
{
	bool here = is_word(p, word);

	p->t += here;
	return here;
}

/* What stands here, as a message names it */
static _Noreturn void fail_here(struct parse *p, const char *expected)
{
	char sign[3] = {(char)(p->t->sign & 0xff), (char)(p->t->sign >> 8), '\0'};

	p->w->line = p->t->line;
	switch (p->t->kind) {
	case JT_NAME:
	case JT_STRING:
		jinja_fail(p->w, "expected %s, got '%.*s'", expected,
			   (int)(p->t->value.s->n < 60 ? p->t->value.s->n : 60), p->t->value.s->p);
	case JT_NUMBER:
		jinja_fail(p->w, "expected %s, got a number", expected);
	case JT_SIGN:
		jinja_fail(p->w, "expected %s, got '%s'", expected, sign);
	case JT_END:
		jinja_fail(p->w, "expected %s, got the template's end", expected);
	default:
		jinja_fail(p->w, "expected %s, got the tag's end", expected);
	}
}

static void want_sign(struct parse *p, char sign)
{
	char expected[] = {'\'', sign, '\'', '\0'};

	if (!take_sign(p, sign))
		fail_here(p, expected);
}

/* The one pointer of a name */
static const struct jstr *only_name(struct parse *p, struct jvalue name)
{
	const struct jvalue *known = jinja_dict_find(p->w, p->names, name);

	if (known)
		return known->s;
	jinja_dict_put(p->w, p->names, name, name);
	return name.s;
}

static const struct jstr *want_name(struct parse *p)
{
	if (p->t->kind != JT_NAME)
		fail_here(p, "a name");
	return only_name(p, p->t++->value);
}

/* A node at the end of a list, whose last link is **end */
static void append(struct jnode ***end, struct jnode *n)
{
	**end = n;
	*end = &n->next;
}

/* ---- primary expressions ---- */

static bool is_tuple_end(const struct parse *p, const char *word)
{
	return p->t->kind == JT_OUTPUT_END || p->t->kind == JT_BLOCK_END || is_sign(p, ')') ||
	       (word && is_word(p, word));
}

/* Expressions with commas between them: a tuple, or the only one. end: a word that ends them. */
static struct jnode *tuple(struct parse *p, struct jnode *(*part)(struct parse *), const char *end,
			   bool brackets)
{
	struct jnode *t = new_node(p, JN_TUPLE), **last = &t->list;
	bool comma = false;

	while (!is_tuple_end(p, end)) {
		append(&last, part(p));
		if (!take_sign(p, ','))
			break;
		comma = true;
	}
	if (!t->list && !brackets)
		fail_here(p, "an expression");
	return comma || !t->list ? t : t->list;
}

static struct jnode *constant(struct parse *p, struct jvalue v)
{
	struct jnode *n = new_node(p, JN_CONST);

	n->value = v;
	return n;
}

static bool is_constant(const struct jtoken *t, struct jvalue *v)
{
	static const struct {
		const char *word;
		int is; /* none, false, true */
	} words[] = {{"none", 0},  {"None", 0}, {"false", 1},
		     {"False", 1}, {"true", 2}, {"True", 2}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (jinja_is_str(t->value, words[i].word)) {
			*v = words[i].is ? jinja_bool(words[i].is == 2) : jinja_none();
			return true;
		}
	return false;
}

static struct jnode *name(struct parse *p)
{
	struct jvalue v;
	struct jnode *n;

	if (is_constant(p->t, &v)) {
		n = constant(p, v);
		p->t++;
		return n;
	}
	if (is_word(p, "varargs"))
		p->uses |= JINJA_USES_VARARGS;
	if (is_word(p, "kwargs"))
		p->uses |= JINJA_USES_KWARGS;
	n = new_node(p, JN_NAME);
	n->name = want_name(p);
	return n;
}

/* Strings that stand next to each other are one. */
static struct jnode *string(struct parse *p)
{
	struct jnode *n = constant(p, p->t++->value);

	while (p->t->kind == JT_STRING)
		n->value = jinja_concat(p->w, n->value.s, p->t++->value.s);
	/* a constant is not to grow: renderings share it */
	n->value = jinja_text(p->w, n->value.s->p, n->value.s->n);
	return n;
}

static struct jnode *list(struct parse *p)
{
	struct jnode *n = new_node(p, JN_LIST), **last = &n->list;

	p->t++;
	while (!is_sign(p, ']')) {
		append(&last, expression(p));
		if (!is_sign(p, ']'))
			want_sign(p, ',');
	}
	p->t++;
	return n;
}

static struct jnode *dict(struct parse *p)
{
	struct jnode *n = new_node(p, JN_DICT), **last = &n->list, *pair;

	p->t++;
	while (!is_sign(p, '}')) {
		pair = new_node(p, JN_PAIR);
		pair->a = expression(p);
		want_sign(p, ':');
		pair->b = expression(p);
		append(&last, pair);
		if (!is_sign(p, '}'))
			want_sign(p, ',');
	}
	p->t++;
	return n;
}

static struct jnode *primary(struct parse *p)
{
	struct jnode *n;

	if (p->t->kind == JT_NAME)
		return name(p);
	if (p->t->kind == JT_STRING)
		return string(p);
	if (p->t->kind == JT_NUMBER) {
		n = constant(p, p->t->value);
		p->t++;
		return n;
	}
	if (is_sign(p, '['))
		return list(p);
	if (is_sign(p, '{'))
		return dict(p);
	if (!take_sign(p, '('))
		fail_here(p, "an expression");
	n = tuple(p, expression, NULL, true);
	want_sign(p, ')');
	return n;
}

/* ---- what stands behind them ---- */

static struct jnode *argument(struct parse *p, bool *is_named)
{
	struct jnode *n;

	*is_named = true;
	if (is_sign(p, JINJA_SIGN2('*', '*')) || is_sign(p, '*')) {
		*is_named = is_sign(p, JINJA_SIGN2('*', '*'));
		n = new_node(p, *is_named ? JN_STARS : JN_STAR);
		p->t++;
		n->a = expression(p);
		return n;
	}
	if (p->t->kind == JT_NAME && p->t[1].kind == JT_SIGN && p->t[1].sign == '=') {
		n = new_node(p, JN_NAMED);
		n->name = want_name(p);
		p->t++;
		n->a = expression(p);
		return n;
	}
	*is_named = false;
	return expression(p);
}

/* From the opening bracket to behind the closing one */
static void arguments(struct parse *p, struct jnode *call)
{
	struct jnode **last = &call->list, **last_named = &call->named, *n;
	bool is_named;

	want_sign(p, '(');
	while (!is_sign(p, ')')) {
		n = argument(p, &is_named);
		if (!is_named && call->named)
			jinja_fail(p->w, "invalid syntax for function call expression");
		append(is_named ? &last_named : &last, n);
		if (!is_sign(p, ')'))
			want_sign(p, ',');
	}
	p->t++;
}

static struct jnode *not_given(struct parse *p)
{
	return constant(p, (struct jvalue){.kind = J_MISSING});
}

/* What stands between square brackets: an expression or a slice, of which list is the three parts
 */
static struct jnode *subscript(struct parse *p)
{
	struct jnode *n, **last;
	bool whole = is_sign(p, ':');
	struct jnode *first = whole ? not_given(p) : expression(p);

	if (!is_sign(p, ':'))
		return first;
	n = new_node(p, JN_SLICE);
	last = &n->list;
	append(&last, first);
	for (int i = 0; i < 2; i++) {
		bool colon = take_sign(p, ':');
		bool given = colon && !is_sign(p, ':') && !is_sign(p, ']') && !is_sign(p, ',');

		append(&last, given ? expression(p) : not_given(p));
	}
	return n;
}

static struct jnode *in_brackets(struct parse *p, struct jnode *of)
{
	struct jnode *n = new_node(p, JN_ITEM), *part;
	struct jnode *parts = new_node(p, JN_TUPLE), **last = &parts->list;

	p->t++;
	do {
		part = subscript(p);
		append(&last, part);
	} while (take_sign(p, ',') && !is_sign(p, ']'));
	want_sign(p, ']');
	n->b = parts->list->next ? parts : part;
	for (part = parts->list; part; part = part->next)
		if (part->kind == JN_SLICE && n->b == parts)
			jinja_fail(p->w, "a slice beside an index");
	if (n->b->kind == JN_SLICE)
		n = n->b;
	n->a = of;
	return n;
}

static struct jnode *behind_dot(struct parse *p, struct jnode *of)
{
	struct jnode *n;

	p->t++;
	if (p->t->kind == JT_NUMBER && p->t->value.kind == J_INT) {
		n = new_node(p, JN_ITEM);
		n->b = constant(p, p->t->value);
		p->t++;
	} else {
		n = new_node(p, JN_ATTR);
		n->name = want_name(p);
	}
	n->a = of;
	return n;
}

static struct jnode *call_of(struct parse *p, struct jnode *of)
{
	struct jnode *n = new_node(p, JN_CALL);

	n->a = of;
	arguments(p, n);
	return n;
}

static struct jnode *postfix(struct parse *p, struct jnode *n)
{
	for (;;) {
		jinja_step(p->w);
		if (is_sign(p, '.'))
			n = behind_dot(p, n);
		else if (is_sign(p, '['))
			n = in_brackets(p, n);
		else if (is_sign(p, '('))
			n = call_of(p, n);
		else
			return n;
	}
}

/* A filter's or test's name, which may have dots */
static const struct jstr *dotted_name(struct parse *p)
{
	const struct jstr *s = want_name(p);

	while (take_sign(p, '.')) {
		struct jvalue v = jinja_concat(p->w, s, jinja_words(p->w, ".").s);

		s = jinja_concat(p->w, v.s, want_name(p)).s;
	}
	return s;
}

/* Filters with a bar before each; inline: the first has none. */
static struct jnode *filters(struct parse *p, struct jnode *of, bool inline_first)
{
	struct jnode *n = of;

	while (inline_first || take_sign(p, '|')) {
		n = new_node(p, JN_FILTER);
		n->name = dotted_name(p);
		n->a = of;
		if (is_sign(p, '('))
			arguments(p, n);
		of = n;
		inline_first = false;
	}
	return n;
}

static struct jnode *unary(struct parse *p, bool with_filters);

/* Does an argument without brackets stand here? */
static bool is_argument(const struct parse *p)
{
	if (p->t->kind == JT_NAME)
		return !is_word(p, "else") && !is_word(p, "or") && !is_word(p, "and");
	return p->t->kind == JT_STRING || p->t->kind == JT_NUMBER || is_sign(p, '[') ||
	       is_sign(p, '{');
}

static struct jnode *test(struct parse *p, struct jnode *of)
{
	struct jnode *n = new_node(p, JN_TEST), *negated = NULL;

	p->t++;
	if (take_word(p, "not"))
		negated = new_node(p, JN_NOT);
	n->name = dotted_name(p);
	n->a = of;
	if (is_sign(p, '(')) {
		arguments(p, n);
	} else if (is_argument(p)) {
		if (is_word(p, "is"))
			jinja_fail(p->w, "You cannot chain multiple tests with is");
		n->list = postfix(p, primary(p));
	}
	if (!negated)
		return n;
	negated->a = n;
	return negated;
}

static struct jnode *behind_postfix(struct parse *p, struct jnode *n)
{
	for (;;) {
		if (is_sign(p, '|'))
			n = filters(p, n, false);
		else if (is_word(p, "is"))
			n = test(p, n);
		else if (is_sign(p, '('))
			n = call_of(p, n);
		else
			return n;
	}
}

static struct jnode *unary(struct parse *p, bool with_filters)
{
	struct jnode *n;

	jinja_deeper(p->w);
	if (is_sign(p, '-') || is_sign(p, '+')) {
		n = new_node(p, is_sign(p, '-') ? JN_NEGATIVE : JN_POSITIVE);
		p->t++;
		n->a = unary(p, false);
	} else {
		n = primary(p);
	}
	n = postfix(p, n);
	if (with_filters)
		n = behind_postfix(p, n);
	p->w->depth--;
	return n;
}

/* ---- operators ---- */

enum level { OR, AND, COMPARE, SUM, CONCAT, PRODUCT, POWER, UNARY };

static int compare_here(struct parse *p)
{
	static const int signs[] = {JINJA_SIGN2('=', '='), JINJA_SIGN2('!', '='), '<', '>',
				    JINJA_SIGN2('<', '='), JINJA_SIGN2('>', '=')};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (take_sign(p, signs[i]))
			return signs[i];
	if (take_word(p, "in"))
		return JINJA_IN;
	if (is_word(p, "not") && p->t[1].kind == JT_NAME && jinja_is_str(p->t[1].value, "in")) {
		p->t += 2;
		return JINJA_NOT_IN;
	}
	return 0;
}

/* The operator of this level that stands here, taken; 0: none */
static int operator_here(struct parse *p, enum level level)
{
	switch (level) {
	case OR:
		return take_word(p, "or");
	case AND:
		return take_word(p, "and");
	case COMPARE:
		return compare_here(p);
	case SUM:
		return take_sign(p, '+') ? '+' : take_sign(p, '-') ? '-' : 0;
	case CONCAT:
		return take_sign(p, '~');
	case PRODUCT:
		return take_sign(p, '*')                     ? '*'
		       : take_sign(p, '/')                   ? '/'
		       : take_sign(p, '%')                   ? '%'
		       : take_sign(p, JINJA_SIGN2('/', '/')) ? 'f'
							     : 0;
	case POWER:
		return take_sign(p, JINJA_SIGN2('*', '*')) ? 'p' : 0;
	case UNARY:
		break;
	}
	return 0;
}

static struct jnode *operators(struct parse *p, enum level level);

static struct jnode *negation(struct parse *p)
{
	struct jnode *n;

	if (!is_word(p, "not"))
		return operators(p, COMPARE);
	jinja_deeper(p->w);
	n = new_node(p, JN_NOT);
	p->t++;
	n->a = negation(p);
	p->w->depth--;
	return n;
}

static struct jnode *operand(struct parse *p, enum level level)
{
	if (level == AND)
		return negation(p);
	return level + 1 == UNARY ? unary(p, true) : operators(p, level + 1);
}

/* Operands of one level in a row are one node, so that a long sum is no deep tree. */
static struct jnode *operators(struct parse *p, enum level level)
{
	static const enum jnode_kind kinds[] = {JN_OR,     JN_AND,  JN_COMPARE, JN_MATH,
						JN_CONCAT, JN_MATH, JN_MATH};
	struct jnode *first = operand(p, level), *n, **last, *o;
	bool plain = level == OR || level == AND || level == CONCAT;
	int op = operator_here(p, level);

	if (!op)
		return first;
	n = new_node(p, kinds[level]);
	last = &n->list;
	if (plain)
		append(&last, first);
	else
		n->a = first;
	for (; op; op = operator_here(p, level)) {
		struct jnode *x = operand(p, level);

		if (plain) {
			append(&last, x);
			continue;
		}
		o = new_node(p, JN_OPERAND);
		o->op = op;
		o->a = x;
		append(&last, o);
	}
	return n;
}

static struct jnode *without_choice(struct parse *p)
{
	return operators(p, OR);
}

static struct jnode *expression(struct parse *p)
{
	struct jnode *n, *choice;

	jinja_deeper(p->w);
	n = without_choice(p);
	while (take_word(p, "if")) {
		choice = new_node(p, JN_CHOICE);
		choice->a = n;
		choice->b = without_choice(p);
		choice->c = take_word(p, "else") ? expression(p) : NULL;
		n = choice;
	}
	p->w->depth--;
	return n;
}

/* ---- statements ---- */

static void end_tag(struct parse *p)
{
	if (p->t->kind != JT_BLOCK_END)
		fail_here(p, "the end of the statement");
	p->t++;
}

/* The statements up to {% one of ends, whose name is next */
static struct jnode *body(struct parse *p, const char *const *ends)
{
	end_tag(p);
	return statements(p, ends);
}

static struct jnode *body_to(struct parse *p, const char *end)
{
	const char *const ends[] = {end, NULL};
	struct jnode *n = body(p, ends);

	p->t++;
	return n;
}

static struct jnode *target_part(struct parse *p)
{
	struct jnode *n;
	struct jvalue v;

	if (p->t->kind == JT_NAME && is_constant(p->t, &v))
		fail_here(p, "a name that can be assigned to");
	if (p->t->kind == JT_NAME && p->t[1].kind == JT_SIGN && p->t[1].sign == '.') {
		n = new_node(p, JN_FIELD);
		n->name = want_name(p);
		p->t++;
		n->value = (struct jvalue){.kind = J_STR, .s = want_name(p)};
		return n;
	}
	if (take_sign(p, '(')) {
		jinja_deeper(p->w);
		n = tuple(p, target_part, NULL, true);
		p->w->depth--;
		want_sign(p, ')');
		return n;
	}
	n = new_node(p, JN_NAME);
	n->name = want_name(p);
	return n;
}

static struct jnode *target(struct parse *p, const char *end)
{
	return tuple(p, target_part, end, false);
}

static struct jnode *for_statement(struct parse *p)
{
	static const char *const ends[] = {"endfor", "else", NULL};
	struct jnode *n = new_node(p, JN_FOR);

	n->a = target(p, "in");
	if (!take_word(p, "in"))
		fail_here(p, "'in'");
	n->b = tuple(p, without_choice, "recursive", false);
	if (take_word(p, "if"))
		n->c = expression(p);
	if (is_word(p, "recursive"))
		jinja_fail(p->w, "a recursive loop is not supported");
	n->body = body(p, ends);
	if (take_word(p, "else"))
		n->els = body_to(p, "endfor");
	else
		p->t++;
	return n;
}

static struct jnode *if_statement(struct parse *p)
{
	static const char *const ends[] = {"elif", "else", "endif", NULL};
	struct jnode *n = new_node(p, JN_IF), **last = &n->list, *branch;

	do {
		branch = new_node(p, JN_BRANCH);
		branch->a = tuple(p, without_choice, NULL, false);
		branch->body = body(p, ends);
		append(&last, branch);
	} while (take_word(p, "elif"));
	if (take_word(p, "else"))
		n->els = body_to(p, "endif");
	else
		p->t++;
	return n;
}

static struct jnode *set_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_SET);

	n->a = target(p, NULL);
	if (take_sign(p, '=')) {
		n->b = tuple(p, expression, NULL, false);
		return n;
	}
	n->kind = JN_SET_BLOCK;
	n->b = filters(p, NULL, false);
	n->body = body_to(p, "endset");
	return n;
}

/* (a, b=1) */
static void signature(struct parse *p, struct jnode *macro)
{
	struct jnode **last = &macro->list, *n;

	want_sign(p, '(');
	while (!is_sign(p, ')')) {
		n = new_node(p, JN_PARAM);
		n->name = want_name(p);
		if (take_sign(p, '='))
			n->a = expression(p);
		else if (macro->list && macro->op)
			jinja_fail(p->w, "non-default argument follows default argument");
		macro->op = n->a != NULL;
		append(&last, n);
		if (!is_sign(p, ')'))
			want_sign(p, ',');
	}
	p->t++;
}

static void macro_body(struct parse *p, struct jnode *n, const char *end)
{
	int uses = p->uses;

	p->uses = 0;
	n->body = body_to(p, end);
	n->op = p->uses;
	p->uses = uses;
}

static struct jnode *macro_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_MACRO);

	n->name = want_name(p);
	signature(p, n);
	macro_body(p, n, "endmacro");
	return n;
}

static struct jnode *call_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_CALL_BLOCK);

	n->b = new_node(p, JN_MACRO);
	n->b->name = only_name(p, jinja_words(p->w, "caller"));
	if (is_sign(p, '('))
		signature(p, n->b);
	n->a = expression(p);
	if (n->a->kind != JN_CALL)
		jinja_fail(p->w, "expected call");
	macro_body(p, n->b, "endcall");
	return n;
}

static struct jnode *filter_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_FILTER_BLOCK);

	n->b = filters(p, NULL, true);
	n->body = body_to(p, "endfilter");
	return n;
}

static struct jnode *with_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_WITH), **last = &n->list, *set;

	while (p->t->kind != JT_BLOCK_END) {
		if (n->list)
			want_sign(p, ',');
		set = new_node(p, JN_SET);
		set->a = target_part(p);
		want_sign(p, '=');
		set->b = expression(p);
		append(&last, set);
	}
	n->body = body_to(p, "endwith");
	return n;
}

static struct jnode *generation_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_GENERATION);

	n->body = body_to(p, "endgeneration");
	return n;
}

/* What is written one after the other */
static struct jnode *print_statement(struct parse *p)
{
	struct jnode *n = new_node(p, JN_OUTPUT), *all = new_node(p, JN_CONCAT),
		     **last = &all->list;

	n->a = all;
	do
		append(&last, expression(p));
	while (take_sign(p, ','));
	return n;
}

static struct jnode *break_statement(struct parse *p)
{
	return new_node(p, JN_BREAK);
}

static struct jnode *continue_statement(struct parse *p)
{
	return new_node(p, JN_CONTINUE);
}

static const struct {
	const char *word;
	struct jnode *(*read)(struct parse *p);
} known[] = {
	{"if", if_statement},
	{"set", set_statement},
	{"for", for_statement},
	{"macro", macro_statement},
	{"generation", generation_statement},
	{"break", break_statement},
	{"continue", continue_statement},
	{"call", call_statement},
	{"filter", filter_statement},
	{"with", with_statement},
	{"print", print_statement},
};

static const char *const refused[] = {"include", "import",     "from", "extends",
				      "block",   "autoescape", "do",   NULL};

static struct jnode *statement(struct parse *p)
{
	const struct jtoken *word = p->t;
	int n = word->kind == JT_NAME && word->value.s->n < 60 ? (int)word->value.s->n : 60;

	if (word->kind != JT_NAME)
		fail_here(p, "a statement");
	p->w->line = word->line;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (take_word(p, known[i].word))
			return known[i].read(p);
	for (size_t i = 0; refused[i]; i++)
		if (is_word(p, refused[i]))
			jinja_fail(p->w, "the statement %s is not supported", refused[i]);
	jinja_fail(p->w, "Encountered unknown tag '%.*s'.", n, word->value.s->p);
}

static struct jnode *output(struct parse *p)
{
	struct jnode *n = new_node(p, JN_OUTPUT);

	n->a = tuple(p, expression, NULL, false);
	if (p->t->kind != JT_OUTPUT_END)
		fail_here(p, "the end of the output");
	p->t++;
	return n;
}

static bool ends_here(const struct parse *p, const char *const *ends)
{
	for (; ends && *ends; ends++)
		if (is_word(p, *ends))
			return true;
	return false;
}

/* Up to {% and one of the words, which is next; ends NULL: to the end */
static struct jnode *statements(struct parse *p, const char *const *ends)
{
	struct jnode *first = NULL, **last = &first, *n;

	jinja_deeper(p->w);
	for (;;) {
		jinja_step(p->w);
		if (p->t->kind == JT_END && ends)
			fail_here(p, *ends);
		if (p->t->kind == JT_END)
			break;
		if (p->t->kind == JT_TEXT) {
			n = new_node(p, JN_TEXT);
			n->value = p->t++->value;
		} else if (p->t++->kind == JT_OUTPUT) {
			n = output(p);
		} else {
			if (ends_here(p, ends))
				break;
			n = statement(p);
			end_tag(p);
		}
		append(&last, n);
	}
	p->w->depth--;
	return first;
}

struct jtree jinja_parse(struct jwork *w, struct span source)
{
	struct parse p = {.w = w, .t = jinja_lex(w, source), .names = jinja_dict(w).d};
	struct jtree t;

	t.words.loop = only_name(&p, jinja_words(w, "loop"));
	t.words.caller = only_name(&p, jinja_words(w, "caller"));
	t.words.varargs = only_name(&p, jinja_words(w, "varargs"));
	t.words.kwargs = only_name(&p, jinja_words(w, "kwargs"));
	t.body = statements(&p, NULL);
	return t;
}
