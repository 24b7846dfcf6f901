/* jinja.h: the language, by tests/data/jinja.jsonl, of which tests/oracle/jinja.py has the texts
 * from Jinja2; and what a template may take. */
#include "scratch.h"

#include "chat/jinja.h"

#include <pthread.h>
#include <sys/resource.h>

static const struct tm friday = {
	.tm_year = 124, .tm_mon = 6, .tm_mday = 26, .tm_wday = 5, .tm_yday = 207};

/* The text; NULL: it fails, and why says so */
static const char *render(struct span source, const json_t *variables, struct buf *parts,
			  struct reason *why)
{
	static struct buf out;
	struct jinja *t = jinja_open(source, why);
	int st = ST_INPUT;

	buf_reset(&out);
	buf_str(&out, "kept");
	if (t)
		st = jinja_render(t, &(struct jinja_given){variables, &friday, 0}, &out, parts,
				  why);
	jinja_free(t);
	if (st)
		assert_int_equal(out.n, 4);
	return st ? NULL : buf_cstr(&out) + 4;
}

static struct span span_of(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void gives(const char *source, const char *variables, const char *want)
{
	json_t *v = json_loads(variables, JSON_ALLOW_NUL, NULL);
	struct reason why;
	const char *got = render(span_of(source), v, NULL, &why);

	if (!got)
		fail_msg("%s: %s", source, why.text);
	assert_string_equal(got, want);
	json_decref(v);
}

static void fails_of(struct span source, const char *variables, const char *says)
{
	json_t *v = json_loads(variables, 0, NULL);
	struct reason why = {0};

	if (render(source, v, NULL, &why))
		fail_msg("%.*s: no failure", (int)source.n, source.p);
	assert_int_equal(why.status, ST_INPUT);
	assert_says(&why, says);
	json_decref(v);
}

static void fails(const char *source, const char *says)
{
	fails_of(span_of(source), "{}", says);
}

static void row(const json_t *j, const json_t *variables)
{
	const json_t *template = json_object_get(j, "template"), *text = json_object_get(j, "text");
	struct span source = {json_string_value(template), json_string_length(template)};
	struct reason why = {0};
	const char *got = render(source, variables, NULL, &why);

	if (!text) {
		if (got)
			fail_msg("%s: %s", source.p, got);
		assert_string_equal(why.text, json_string_value(json_object_get(j, "fails")));
		return;
	}
	if (!got)
		fail_msg("%s: %s", source.p, why.text);
	if (memcmp(got, json_string_value(text), json_string_length(text) + 1) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", source.p, got, json_string_value(text));
}

static void language(void **state)
{
	json_t *variables = NULL;
	struct span line;
	struct in in;
	int n = 0;

	(void)state;
	assert_int_equal(in_open(&in, "tests/data/jinja.jsonl", NULL), 0);
	while (in_line(&in, 1 << 20, &line, NULL) == 1) {
		json_t *j = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);

		assert_non_null(j);
		if (variables)
			row(j, variables);
		else
			variables = json_incref(json_object_get(j, "variables"));
		json_decref(j);
		n++;
	}
	assert_true(n > 500);
	json_decref(variables);
	in_close(&in);
}

static void refused(void **state)
{
	(void)state;
	fails("a\n{% include 'x' %}", "line 2: the statement include is not supported");
	fails("{% import 'x' as y %}", "the statement import is not supported");
	fails("{% extends 'x' %}", "the statement extends is not supported");
	fails("{% block x %}{% endblock %}", "the statement block is not supported");
	fails("{{ [1]|random }}", "the filter random is not supported");
	fails("{{ '\\N{DIGIT ONE}' }}", "the escape \\N{...} is not supported");
	fails("{{ '\\ud83d' }}", "half a character");
	fails_of((struct span){"a\xff", 2}, "{}", "it is not UTF-8");
	fails("{{ x }}{% x = 1 %}", "Encountered unknown tag 'x'");
}

/* What a template is not to take: steps, levels, text, memory */
static void limits(void **state)
{
	static const char loops[] = "{% set l = range(100000) %}{% for a in l %}{% for b in l %}"
				    "{% endfor %}{% endfor %}";
	struct buf deep = {0};

	(void)state;
	fails(loops, "it takes more than 50000000 steps");
	fails("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels in each other");
	fails("{% for a in range(100000) %}{{ 'abcdefgh' * 1000 }}{% endfor %}",
	      "its text has more than 64 MiB");
	fails("{% set ns = namespace(x='abcdefgh' * 1000000) %}{% for a in range(100) %}"
	      "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
	      "MiB");
	fails("{% set x = [0] * 100000000 %}", "MiB of memory");
	fails("{{ [[0] * 100] * 1000000000000000000 }}", "a list that is too long");
	for (int i = 0; i < 3000; i++)
		buf_str(&deep, "{{ (");
	fails(buf_cstr(&deep), "");
	buf_reset(&deep);
	buf_str(&deep, "{{ ");
	for (int i = 0; i < 100000; i++)
		buf_str(&deep, "[");
	for (int i = 0; i < 100000; i++)
		buf_str(&deep, "]");
	buf_str(&deep, "}}");
	fails(buf_cstr(&deep), "levels in each other");
	buf_reset(&deep);
	for (int i = 0; i < 3000; i++)
		buf_str(&deep, "{% if 1 %}");
	fails(buf_cstr(&deep), "levels in each other");
	buf_reset(&deep);
	buf_str(&deep, "{{ x");
	for (int i = 0; i < 5000; i++)
		buf_str(&deep, ".a");
	buf_str(&deep, "}}");
	fails(buf_cstr(&deep), "levels in each other");
	buf_free(&deep);
}

/* A sum, a chain of alternatives and a conversation may be long. */
static void long_ones(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_str(&b, "{{ ('a'");
	for (int i = 0; i < 20000; i++)
		buf_str(&b, i % 2 ? " + 'a'" : " ~ 'b'");
	buf_str(&b, ")|length }}{% if x %}{% ");
	for (int i = 0; i < 5000; i++)
		buf_str(&b, "elif x %}{% ");
	buf_str(&b, "else %}yes{% endif %}");
	gives(buf_cstr(&b), "{}", "20001yes");
	buf_free(&b);
	gives("{% set ns = namespace(x='', l=[]) %}{% for a in range(50000) %}"
	      "{% set ns.x = ns.x ~ 'four' %}{% set ns.l = ns.l + [a] %}{% endfor %}"
	      "{{ ns.x|length }} {{ ns.l|length }} {{ ns.x.split('f')|length }}",
	      "{}", "200000 50000 50001");
}

static void *with_small_stack(void *unused)
{
	(void)unused;
	fails("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels in each other");
	return NULL;
}

/* ulimit -s 512: a message, no crash. A thread has as much as the limit says. */
static void small_stack(void **state)
{
	struct rlimit was, now;
	pthread_attr_t attr;
	pthread_t thread;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_STACK, &was), 0);
	now = was;
	now.rlim_cur = 512 << 10;
	assert_int_equal(setrlimit(RLIMIT_STACK, &now), 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 << 10);
	assert_int_equal(pthread_create(&thread, &attr, with_small_stack, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	assert_int_equal(setrlimit(RLIMIT_STACK, &was), 0);
}

static void parts(void **state)
{
	static const char source[] =
		"{% for x in [1, 2] %}q{% generation %}a{{ x }}"
		"{% endgeneration %}{% endfor %}"
		"{% set y %}{% generation %}z{% endgeneration %}{% endset %}{{ y }}";
	json_t *none = json_object();
	struct buf found = {0};
	const struct jinja_part *p;
	struct reason why;

	(void)state;
	assert_string_equal(render(span_of(source), none, &found, &why), "qa1qa2z");
	p = (const struct jinja_part *)found.p;
	assert_int_equal(found.n, 2 * sizeof *p);
	assert_int_equal(p[0].from, 1);
	assert_int_equal(p[0].to, 3);
	assert_int_equal(p[1].from, 4);
	assert_int_equal(p[1].to, 6);
	buf_free(&found);
	json_decref(none);
}

/* A template that was read is rendered again and again, whatever it was given before. */
static void again(void **state)
{
	struct jinja *t = jinja_open(span_of("{% set x = 'a' 'b' %}{{ x ~ y }}"), NULL);
	struct buf out = {0};

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 3; i++) {
		json_t *v = json_pack("{s:i}", "y", i);

		assert_int_equal(
			jinja_render(t, &(struct jinja_given){v, &friday, 0}, &out, NULL, NULL), 0);
		json_decref(v);
	}
	assert_string_equal(buf_cstr(&out), "ab0ab1ab2");
	buf_free(&out);
	jinja_free(t);
}

/* Every beginning of a template, with NUL bytes: a failure or a text, no crash. */
static void damaged(void **state)
{
	static const char text[] =
		"{%- if a['b'] -%} x {{ 'c\\n\\x41' + d|trim(1)|e }}{# e #}\n {%+ endif %}"
		"{% set x = [1, 2.5e3, {'a': (1,)}][::-1] %}{% macro f(a, b=1) %}{% endmacro %}"
		"{% call f(*x, **y) %}{% endcall %}{% raw %}{{ x }}{% endraw %}"
		"{% for a, b in x if a is not none %}{{ loop.index ~ 'é' }}{% else %}{% endfor "
		"%}\0{";
	json_t *none = json_object();

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		struct reason why = {0};

		if (!render((struct span){text, n}, none, NULL, &why))
			assert_true(why.text[0]);
	}
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(language),    cmocka_unit_test(refused),
		cmocka_unit_test(limits),      cmocka_unit_test(long_ones),
		cmocka_unit_test(small_stack), cmocka_unit_test(parts),
		cmocka_unit_test(again),       cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
