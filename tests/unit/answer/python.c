/* Which Python in a response is the answer: programs worked by hand. */
#include "answer/python.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct span sp(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

/* The program of a response that is asked for name (NULL: a whole program) */
static void is(const char *prompt, const char *name, const char *response, const char *want)
{
	struct span names[] = {sp(name)};
	struct buf b = {0};

	python_answer(&b, sp(response), sp(prompt), names, name != NULL);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

#define HEAD "import os\n\n\n"
#define PROMPT HEAD "def f(v):\n    \"\"\" It. \"\"\"\n"

static void fenced_blocks(void **state)
{
	(void)state;
	is(PROMPT, "f", "So:\n```python\ndef f(v):\n    return 1\n```\nDone.\n",
	   HEAD "def f(v):\n    return 1\n");
	is(PROMPT, "f", "```\ndef f(v): pass\n```\n~~~py\ndef f(v): 2\n~~~\n```\nf(3)\n```",
	   HEAD "def f(v): 2\n");
	is(PROMPT, "f", "```python\ndef f(v):\n    return (", HEAD "def f(v):\n    return (\n");
	is(PROMPT, "f", "```js\ndef f(v): 1\n```\n```Python3 \r\ndef f(v): 2\r\n```\r\n",
	   HEAD "def f(v): 2\n");
	is(PROMPT, "f", "  1. a\n     ```py\n     f = 1\n     ```\n", HEAD "f = 1\n");
	is(PROMPT, "f", "````py\n```\nf = 1\n````\n", HEAD "```\nf = 1\n");
	is(PROMPT, "f", "```py\ndef f(v):\n  '''\n```\nx\n```\n  '''\n  return 1\n```\nend",
	   HEAD "def f(v):\n  '''\n```\nx\n```\n  '''\n  return 1\n");
	is(PROMPT, "f", "```py\nf = '''\n```\nand no end", HEAD "f = '''\n");
	is(PROMPT, "f", "```py\n>>> f = 1\n>>> def g():\n...     pass\n...\n>>> f\n1\n```",
	   HEAD "f = 1\ndef g():\n    pass\n\nf\n");
}

static void functions_in_text(void **state)
{
	(void)state;
	is(PROMPT, "f", "Well.\n\nimport re\nN = 3\n\ndef f(v):\n    return N\n\nThat is all",
	   HEAD "import re\nN = 3\n\ndef f(v):\n    return N\n\n");
	is(PROMPT, "f", "from the left:\n@cache\ndef f(v):\n    pass\nf(2) is 3.",
	   HEAD "@cache\ndef f(v):\n    pass\n");
	is(PROMPT, "f", "def f(v):\n    return '''\nat the margin\n'''\nprint(f(1))\nIt prints.",
	   HEAD "def f(v):\n    return '''\nat the margin\n'''\nprint(f(1))\n");
	is(PROMPT, "f", "def f(v):\n    return [\n1,\n]\n```\nMore",
	   HEAD "def f(v):\n    return [\n1,\n]\n");
	is(PROMPT, "m", "class Solution:\n    def m(self):\n        pass\n",
	   "import os\nclass Solution:\n    def m(self):\n        pass\n\n");
}

static void continued_prompts(void **state)
{
	(void)state;
	is(PROMPT, "f", "    return 1\n\n\nprint(f(1))\n", PROMPT "    return 1\n\n\n");
	is(PROMPT, "f", "    x = 1\n# a remark\n    return x\nNow",
	   PROMPT "    x = 1\n# a remark\n    return x\n");
	is(PROMPT, "f", "The rest is\n```python\n    return 1\n```\n", PROMPT "    return 1\n");
	is(PROMPT, "f", "", PROMPT "\n");
	is(NULL, "f", "No.", "No.\n");
}

static void heads_of_prompts(void **state)
{
	const char *chat = "Please write\nimport re\nfrom the list\nwith the name f\n";

	(void)state;
	is(chat, "f", "```py\nf = 1\n```", "import re\nf = 1\n");
	is("def g():\n    return 1\n\n\ndef f():\n", "f", "```py\ndef f():\n    return g()\n```",
	   "def g():\n    return 1\n\n\ndef f():\n    return g()\n");
}

static void answer_tags(void **state)
{
	(void)state;
	is(NULL, "f", "```py\nf = 1\n```\n<answer>\n```py\nf = 2\n```\n</answer> f = 3", "f = 2\n");
	is(NULL, "f", "```py\nf = 1\n```\n<answer>see above</answer>", "f = 1\n");
	is(PROMPT, "f", "I say\n<answer>\n    return 1\n</answer>", PROMPT "\n    return 1\n\n");
}

static void whole_programs(void **state)
{
	(void)state;
	is(NULL, NULL, "```python\nprint(1)\n```\nIt says\n```\n1\n```\n", "print(1)\n");
	is(NULL, NULL, "```\nn = int(input())\nprint(n)\n```\nFor 3:\n```\n3\n```\n",
	   "n = int(input())\nprint(n)\n");
	is(NULL, NULL, "```cpp\nint main() {}\n```\n```python\nprint(2)\n```", "print(2)\n");
	is(NULL, NULL, "Thus\nimport sys\nprint(sys.stdin.read())\nThe end.",
	   "import sys\nprint(sys.stdin.read())\n");
	is(NULL, NULL, "print(input())", "print(input())");
}

/* No text takes long: fences that close nothing, strings that do not end. */
static void odd_texts(void **state)
{
	static const char *const parts[] = {"```\n'''\n", "```py\n", "def f(\n", "'\\\n", "\n",
					    "import a\n", "x",       "<answer>", "    ",  ">>>\n"};
	struct span name = sp("f");

	(void)state;
	for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
		struct buf text = {0}, b = {0};

		while (text.n < 100000)
			buf_str(&text, parts[k]);
		python_answer(&b, (struct span){text.p, text.n}, sp(NULL), &name, k % 2);
		buf_free(&text);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fenced_blocks),     cmocka_unit_test(functions_in_text),
		cmocka_unit_test(continued_prompts), cmocka_unit_test(heads_of_prompts),
		cmocka_unit_test(answer_tags),       cmocka_unit_test(whole_programs),
		cmocka_unit_test(odd_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
