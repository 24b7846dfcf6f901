/* Programs with their tests: what passes, what does not, and what a sandbox holds back. */
#include "base/clock.h"
#include "base/json.h"
#include "stream/mpjson.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct span sp(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

/* What a row of HumanEval's form has: f adds numbers up. */
#define SUM                                                                                       \
	"{\"prompt\": \"def f(v):\\n    pass\\n\", \"entry_point\": \"f\", \"test\": "            \
	"\"def check(candidate):\\n    assert candidate([2, 5]) == 7\\n    assert candidate([]) " \
	"== 0\\n\"}"

static bool sandboxed;

/* Judges one response, as program in a fence of its own. */
static struct verdict judge_with(const char *meta, const char *answer, const char *program,
				 const struct verify_opts *o)
{
	struct reason why = {0};
	struct verifier *vr = verify_open(o, &why);
	struct buf packed = {0}, text = {0};
	struct verify_item it = {.task = sp("t"), .answer = sp(answer)};
	struct verdict v = {0};
	json_t *j = json_parse(meta, strlen(meta), "meta", &why);

	assert_non_null(vr);
	if (!j)
		fail_msg("%s", why.text);
	mpjson_to(&packed, j);
	json_decref(j);
	buf_printf(&text, "```python\n%s\n```\n", program);
	it.meta = (struct mp){(const uint8_t *)packed.p, packed.n};
	it.response = (struct span){text.p, text.n};
	if (verify_run(vr, &it, 1, &v, &why))
		fail_msg("%s", why.text);
	verify_close(vr);
	buf_free(&packed);
	buf_free(&text);
	return v;
}

static void is(const char *meta, const char *program, double reward, const char *extracted)
{
	struct verify_opts o = VERIFY_OPTS_DEFAULT;
	struct verdict v;

	if (!sandboxed)
		skip();
	o.verifier = "code";
	o.deadline = strcmp(extracted, "timeout") == 0 ? 0.3 : 300;
	v = judge_with(meta, NULL, program, &o);
	if (v.code != VERDICT_OK || v.reward != reward || strcmp(v.extracted, extracted) != 0)
		fail_msg("%s: %s, %g, %s (%s)", program, verdict_name(v.code), v.reward,
			 v.extracted, v.why ? v.why : "");
}

static void passes(const char *meta, const char *program)
{
	is(meta, program, 1, "passed");
}

static void fails(const char *meta, const char *program)
{
	is(meta, program, 0, "failed");
}

static void broken(const char *meta, const char *program)
{
	struct verify_opts o = VERIFY_OPTS_DEFAULT;
	struct verdict v;

	if (!sandboxed)
		skip();
	o.verifier = "code";
	v = judge_with(meta, NULL, program, &o);
	assert_int_equal(v.code, VERDICT_GARBAGE);
	assert_non_null(v.why);
}

static void functions(void **state)
{
	(void)state;
	passes(SUM, "def f(v):\n    return sum(v)");
	passes(SUM, "f = sum");
	passes(SUM, "from fractions import Fraction as F\ndef f(v):\n    return F(sum(v))");
	passes(SUM, "def f(v):\n    print('x' * 100000)\n    return sum(v)");
	passes(SUM, "def f(v): return sum(v)\nif __name__ == '__main__': f(input())");
	fails(SUM, "def f(v):\n    return v[0]");
	fails(SUM, "def f(v)\n    return sum(v)");
	fails(SUM, "def f(v):\n    return sum(w)");
	fails(SUM, "def f(v):\n    return lambda: 7");
	fails(SUM, "def f():\n    return 7");
}

/* Ways to a reward without the answer */
static void tricks(void **state)
{
	(void)state;
	fails(SUM, "import sys\ndef f(v): return 3\nsys.exit(0)");
	fails(SUM, "import os\ndef f(v): return 3\nos._exit(0)");
	fails(SUM, "import os\ndef f(v):\n    os._exit(0)");
	fails(SUM, "def f(v): return 3\ndef check(candidate):\n    pass");
	fails(SUM, "class E:\n    def __eq__(self, o):\n        return True\ndef f(v): return E()");
	fails(SUM, "class E(int):\n    def __eq__(self, o):\n        return True\ndef f(v): return "
		   "E(3)");
	fails(SUM, "import builtins\nbuiltins.AssertionError = None\ndef f(v): return 3");
	fails(SUM, "import os\ndef f(v):\n    for fd in range(99):\n        try:\n            "
		   "os.write(fd, b'passed\\n' * 9)\n        except OSError:\n            pass\n    "
		   "os._exit(0)");
	fails(SUM, "import os, signal\ndef f(v):\n    os.kill(os.getppid(), signal.SIGKILL)\n    "
		   "return 7");
	fails(SUM, "import sys\ndef f(v):\n    g = sys._getframe()\n    while g.f_back:\n        g "
		   "= g.f_back\n"
		   "    assert 'word' in str(g.f_globals.get('spec', '')) or 'WORD' in "
		   "g.f_globals\n    return 7");
	fails(SUM, "import gc\ndef f(v):\n    x = [o for o in gc.get_objects() if isinstance(o, "
		   "dict) and 'word' in o]\n"
		   "    return x[0] and 7");
	/* a value that is code where it is read */
	fails(SUM, "import os\nclass R:\n    def __reduce__(self):\n        return os._exit, "
		   "(0,)\ndef f(v): return R()");
}

static void limits(void **state)
{
	(void)state;
	is(SUM, "def f(v):\n    while True: pass", 0, "timeout");
	fails(SUM, "def f(v):\n    while True: print('x' * 10000)");
	is(SUM, "import time\ndef f(v):\n    time.sleep(1000)", 0, "timeout");
	is(SUM, "import time\ntime.sleep(1000)\ndef f(v): return 7", 0, "timeout");
	is(SUM,
	   "import signal\nfor s in (24, 15, 2): signal.signal(s, signal.SIG_IGN)\ndef f(v):\n    "
	   "while True: "
	   "pass",
	   0, "timeout");
	fails(SUM, "def f(v):\n    x = bytearray(3 * 10 ** 9)\n    return 7 if v else 0");
	fails(SUM, "import os\ndef f(v):\n    for i in range(200):\n        if os.fork() == 0:\n   "
		   "         while True: pass\n"
		   "    return sum(v)");
	fails(SUM, "def f(v):\n    return 'x' * 10 ** 8");
	fails(SUM, "def f(v):\n    with open('x', 'wb') as o:\n        for i in range(99): "
		   "o.write(b'x' * 10 ** 6)\n"
		   "    return sum(v)");
	fails(SUM, "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(v): return f(v)");
}

static void nothing_of_ours(void **state)
{
	(void)state;
	setenv("SECRET_OF_OURS", "1", 1);
	fails(SUM, "open('/etc/passwd').read()\ndef f(v): return sum(v)");
	fails(SUM, "import os\ndef f(v): return sum(v) if 'SECRET_OF_OURS' in os.environ else 1");
	fails(SUM, "open('/usr/mine', 'w')\ndef f(v): return sum(v)");
	fails(SUM, "import socket\nsocket.create_connection(('127.0.0.1', 22), 5)\ndef f(v): "
		   "return sum(v)");
	passes(SUM, "import os\nassert not {'home', 'root', 'var', 'proc', 'sys'} & "
		    "set(os.listdir('/'))\n"
		    "open('/tmp/of-a-program', 'w').write('x')\ndef f(v): return sum(v)");
	assert_int_not_equal(access("/tmp/of-a-program", F_OK), 0);
	passes(SUM, "import os\nassert os.getuid() != 0 or True\nassert not "
		    "os.path.exists('/tmp/of-a-program')\n"
		    "def f(v): return sum(v)");
}

static void helpers_of_tests(void **state)
{
	const char *row = "{\"test_list\": [\"assert set(g(3)) == {0, 1, 2}\", "
			  "\"assert math.isclose(h(2), 1.41421356, rel_tol=1e-6)\", "
			  "\"assert area(P(2, 3)) == 6\", \"assert find({'a': 1}) == None\"], "
			  "\"test_imports\": [\"import math\"]}";

	(void)state;
	passes(row, "import math\n"
		    "def g(n):\n    for i in range(n):\n        yield i\n"
		    "def h(x): return math.sqrt(x)\n"
		    "class P:\n    def __init__(self, a, b): self.a, self.b = a, b\n"
		    "def area(p): return p.a * p.b\n"
		    "def find(d): return d.get('b')\n");
	fails(row, "def g(n): return range(n)\n");
	passes("{\"test_list\": [\"assert k() == 1\", \"assert p() == (1, 2)\"]}",
	       "import enum, collections\nclass E(enum.IntEnum):\n    A = 1\ndef k(): return E.A\n"
	       "p = lambda: collections.namedtuple('T', 'a b')(1, 2)");
	passes("{\"test_list\": [\"try:\\n    r(0)\\n    assert False\\nexcept "
	       "ZeroDivisionError:\\n    pass\"]}",
	       "def r(x): return 1 / x");
}

static void inputs_and_outputs(void **state)
{
	const char *row =
		"{\"input_output\": \"{\\\"inputs\\\": [\\\"3\\\\n4\\\\n\\\", \\\"1\\\\n1\\\"], "
		"\\\"outputs\\\": [\\\"7 12\\\\n\\\", \\\"2 1\\\\n\\\\n\\\"]}\"}";

	(void)state;
	passes(row, "a = int(input())\nb = int(input())\nprint(a + b, a * b)");
	passes(row, "import sys\na, b = map(int, sys.stdin.read().split())\nprint(a + b, a * b, ' "
		    "')\nprint()\nsys.exit()");
	passes(row, "a, b = (float(input()) for i in '12')\nprint(a + b, a * b)");
	passes(row, "if __name__ == '__main__':\n    a, b = int(input()), int(input())\n    "
		    "print(a + b, a * b)");
	fails(row, "a = int(input())\nb = int(input())\nprint(a + b)\nprint(a * b)");
	fails(row, "print('7 12')");
	fails(row, "a = int(input())\nb = int(input())\nprint(a + b, a * b, 0)");
	fails(row, "a = int(input())\nb = int(input())\nprint(a + b, a * b)\nraise SystemExit(1)");
	fails(row, "while True:\n    print('x' * 1000)");
	is(row, "while True: pass", 0, "timeout");
}

static void calls(void **state)
{
	const char *lcb =
		"{\"public_test_cases\": \"[{\\\"input\\\": \\\"[1, 2]\\\\n3\\\", \\\"output\\\": "
		"\\\"[3, 6]\\\", \\\"testtype\\\": \\\"functional\\\"}]\", "
		"\"metadata\": \"{\\\"func_name\\\": \\\"add\\\"}\"}";
	const char *apps = "{\"input_output\": {\"inputs\": [[[4, 5], 2]], \"outputs\": [[3.0]], "
			   "\"fn_name\": \"m\"}}";

	(void)state;
	passes(lcb, "class Solution:\n    def add(self, v: List[int], k: int) -> Tuple[int]:\n"
		    "        return tuple(k * x for x in accumulate(v, lambda a, b: b))");
	fails(lcb, "class Solution:\n    def add(self, v, k):\n        return v");
	passes(apps, "def m(v, k):\n    return sum(v) / 3");
	fails(apps, "def m(v, k):\n    return sum(v)");
}

static void rows_without_tests(void **state)
{
	(void)state;
	broken("{}", "x = 1");
	broken("{\"test_list\": []}", "x = 1");
	broken("{\"test_list\": [\"assert (\"]}", "x = 1");
	broken("{\"test_list\": [\"assert f(lambda x: x) == 1\"]}", "def f(g): return 1");
	broken("{\"entry_point\": \"\", \"test\": \"def check(c): pass\"}", "x = 1");
	broken("{\"input_output\": {\"inputs\": [\"1\"], \"outputs\": []}}", "x = 1");
	broken("{\"public_test_cases\": \"[]\", \"private_test_cases\": \"AAAA\"}", "x = 1");
}

/* private_test_cases as LiveCodeBench has them: pickle, zlib, base64 of the JSON text */
static void packed_tests(void **state)
{
	const char *row = "{\"public_test_cases\": \"[]\", \"private_test_cases\": "
			  "\"eJxrYJlqwQABPSbR1UqZeQWlJUpWCkqGSjoKSvmlJVCuMYhbklpcUlJZkAoSKC5JycxTqo"
			  "2dogcAOiQSqw==\"}";

	(void)state;
	passes(row, "print(3)");
	fails(row, "print(4)");
}

/* Many side by side: the same as one by one */
static void side_by_side(void **state)
{
	enum { N = 12 };
	struct verify_opts o = VERIFY_OPTS_DEFAULT;
	struct verify_item it[N];
	struct verdict v[N];
	struct buf packed = {0};
	struct reason why = {0};
	struct verifier *vr;
	json_t *j;

	(void)state;
	if (!sandboxed)
		skip();
	j = json_parse(SUM, strlen(SUM), "meta", &why);
	mpjson_to(&packed, j);
	json_decref(j);
	for (int i = 0; i < N; i++)
		it[i] = (struct verify_item){
			.task = sp("t"),
			.response = sp(i % 3 ? "    return sum(v)" : "    return 7"),
			.meta = {(const uint8_t *)packed.p, packed.n},
			.verifier = "code"};
	o.workers = 4;
	o.deadline = 300;
	vr = verify_open(&o, &why);
	assert_int_equal(verify_run(vr, it, N, v, &why), 0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(v[i].code, VERDICT_OK);
		assert_true(v[i].reward == (i % 3 ? 1 : 0));
	}
	verify_close(vr);
	buf_free(&packed);
}

/* Without bubblewrap nothing is judged, unless it is trusted. */
static void no_sandbox(void **state)
{
	struct verify_opts o = {.verifier = "code", .deadline = 300, .workers = 1};
	struct verify_item it = {.task = sp("t"), .response = sp("    return sum(v)")};
	struct buf packed = {0};
	struct reason why = {0};
	struct verdict v;
	struct verifier *vr;
	char *path, dir[] = "/tmp/code-XXXXXX", link[64];
	json_t *j;

	(void)state;
	if (access("/usr/bin/python3", X_OK) != 0)
		skip();
	path = strdup(getenv("PATH"));
	j = json_parse(SUM, strlen(SUM), "meta", &why);
	mpjson_to(&packed, j);
	json_decref(j);
	it.meta = (struct mp){(const uint8_t *)packed.p, packed.n};
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) { /* a PATH with these alone */
		static const char *const name[] = {"python3", "env"};
		char of[64];

		snprintf(link, sizeof link, "%s/%s", dir, name[i]);
		snprintf(of, sizeof of, "/usr/bin/%s", name[i]);
		assert_int_equal(symlink(of, link), 0);
	}
	setenv("PATH", dir, 1);
	vr = verify_open(&o, &why);
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), ST_SYSTEM);
	assert_non_null(strstr(why.text, "bubblewrap"));
	assert_non_null(strstr(why.text, "--trust"));
	verify_close(vr);
	o.trust = true;
	vr = verify_open(&o, &why);
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), 0);
	assert_true(v.code == VERDICT_OK && v.reward == 1);
	verify_close(vr);
	setenv("PATH", path, 1);
	unlink(link);
	snprintf(link, sizeof link, "%s/python3", dir);
	unlink(link);
	rmdir(dir);
	free(path);
	buf_free(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions),
		cmocka_unit_test(tricks),
		cmocka_unit_test(limits),
		cmocka_unit_test(nothing_of_ours),
		cmocka_unit_test(helpers_of_tests),
		cmocka_unit_test(inputs_and_outputs),
		cmocka_unit_test(calls),
		cmocka_unit_test(rows_without_tests),
		cmocka_unit_test(packed_tests),
		cmocka_unit_test(side_by_side),
		cmocka_unit_test(no_sandbox),
	};

	signal(SIGPIPE, SIG_IGN);
	sandboxed = system("bwrap --unshare-all --ro-bind / / python3 -c '' 2>/dev/null") == 0;
	if (!sandboxed)
		print_message("no bubblewrap here: what runs in it is skipped\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
