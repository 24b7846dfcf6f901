/* jinja.h: sources that say the same have one form, those that say something else another. */
#include "scratch.h"

#include "chat/jinja.h"

#include <stdint.h>

/* The form, with ; for the end of an item and $ for a newline */
static const char *form(const char *source)
{
	static struct buf out;
	struct reason why;

	buf_reset(&out);
	if (jinja_form((struct span){source, strlen(source)}, &out, &why))
		fail_msg("%s: %s", source, why.text);
	for (size_t i = 0; i < out.n; i++)
		out.p[i] = out.p[i] == 0x1f ? ';' : out.p[i] == '\n' ? '$' : out.p[i];
	return buf_cstr(&out);
}

static void items(void **state)
{
	(void)state;
	assert_string_equal(form(""), "");
	assert_string_equal(form("plain {x} text\n"), "Tplain {x} text;");
	assert_string_equal(form("a{{ b }}c"), "Ta;Eb;Tc;");
	assert_string_equal(form("{%if x==1%}a{%endif%}"), "Bif x == 1;Ta;Bendif;");
	assert_string_equal(form("a{# said '%}' #}b"), "Tab;");
	assert_string_equal(form("{{ x[0]['a b'][\"key\"] . y }}"), "Ex [ 0 ] . a b . key . y;");
	assert_string_equal(form("{{ 'it''s' }}"), "E'it' 's';");
	assert_string_equal(form("{{ {'a': {}} }}"), "E{ 'a' : { } };");
}

static void constants(void **state)
{
	(void)state;
	/* literal text and string constants are one text */
	assert_string_equal(form("a{{ 'b\\n' }}{{ \"c\" + 'd' }}e"), "Tab$cde;");
	assert_string_equal(form("{{ 'a' + x.y + '\\'\\\\\\q' }}"), "Ta;Ex . y;T'\\\\q;");
	assert_string_equal(form("{{ 'a\nb' }}"), form("{{ 'a\\nb' }}"));
	assert_string_equal(form("{{ f('a' + b) + c|trim + 'd' }}"),
			    "Ef ( 'a' + b );Ec | trim;Td;");
	/* something that binds more loosely: the sum is no text */
	assert_string_equal(form("{{ 'a' + b if c else 'd' }}"), "E'a' + b if c else 'd';");
	assert_string_equal(form("{{ 'a' + b == c }}"), "E'a' + b == c;");
	/* in a statement a sum is kept */
	assert_string_equal(form("{% set x = 'a' + b %}"), "Bset x = 'a' + b;");
}

static void blanks(void **state)
{
	(void)state;
	/* a newline behind a statement and blanks before it go, those around an output stay */
	assert_string_equal(form("{% if a %}\n  b\n  {% endif %}\nc"), "Bif a;T  b$;Bendif;Tc;");
	assert_string_equal(form(" {{ a }}\n {{ b }}"), "T ;Ea;T$ ;Eb;");
	assert_string_equal(form("x {% if a %} y"), "Tx ;Bif a;T y;");
	assert_string_equal(form("x\n\n  {#- c -#} \n y"), "Txy;");
	assert_string_equal(form(" a {{- b -}} c "), "T a;Eb;Tc ;");
	assert_string_equal(form("a \n{%- if b -%}\n\n c"), "Ta;Bif b;Tc;");
	assert_string_equal(form("  {%+ if b %}x"), "T  ;Bif b;Tx;");
	assert_string_equal(form("{% if a %}\n\n{% endif %}"), "Bif a;T$;Bendif;");
	assert_string_equal(form("{% a %}\n  {% b %}\n"), "Ba;Bb;");
	assert_string_equal(form("{% a %}  {% b %}"), "Ba;T  ;Bb;");
	assert_string_equal(form("{{ a }}\n\n"), "Ea;T$;");
}

static void differences(void **state)
{
	static const char *const pairs[][2] = {
		{"{{ a }}{{ b }}", "{{ a }} {{ b }}"},
		{"{{ 'a\\n' }}", "{{ 'a' }}"},
		{"{{ a.b }}", "{{ a.c }}"},
		{"{{ a }}", "{% a %}"},
		{"{{ a - 1 }}", "{{ a }}"},
		{"{{ 'a' }}", "{{ a }}"},
		{"{{ a | trim }}", "{{ a }}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char *one = strdup(form(pairs[i][0]));

		assert_string_not_equal(one, form(pairs[i][1]));
		free(one);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *source, *says;
	} cases[] = {
		{"{{ a", "a tag without an end"},     {"{% if", "a tag without an end"},
		{"{% if %", "a tag without an end"},  {"{{ 'a }}", "a string without an end"},
		{"{# a", "a comment without an end"}, {"{{ (a }}", "a tag without an end"},
		{"{{", "a tag without an end"},       {"{#", "a comment without an end"},
	};
	struct buf out = {0};
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span source = {cases[i].source, strlen(cases[i].source)};

		assert_int_equal(jinja_form(source, &out, &why), ST_INPUT);
		assert_says(&why, cases[i].says);
	}
	buf_reset(&out);
	buf_str(&out, "{{ ");
	for (int i = 0; i < 300; i++)
		buf_str(&out, "a ");
	buf_str(&out, "}}");
	{
		struct buf to = {0};

		assert_int_equal(jinja_form((struct span){out.p, out.n}, &to, &why), ST_INPUT);
		assert_says(&why, "more than 256 tokens");
		buf_free(&to);
	}
	buf_free(&out);
}

/* Every prefix of a template, and NUL bytes: an error or a form, no crash. */
static void damaged(void **state)
{
	static const char text[] =
		"{%- if a['b'] -%} x {{ 'c\\n' + d|trim }}{# e #}\n {%+ endif %}\0{";

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		struct buf out = {0};

		jinja_form((struct span){text, n}, &out, NULL);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items),   cmocka_unit_test(constants),
		cmocka_unit_test(blanks),  cmocka_unit_test(differences),
		cmocka_unit_test(refused), cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
