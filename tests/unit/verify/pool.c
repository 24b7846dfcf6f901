/* Commands as verifiers: every way to misbehave has its verdict, and leaves no process behind. */
#include "base/buf.h"
#include "base/mem.h"
#include "verify/verify.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A deadline that is meant to pass, and one that no test can reach: so nothing hangs on speed. */
static const double soon = 0.3, never = 100;

static struct span sp(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static struct verify_opts opts(const char *command, double deadline, int workers)
{
	return (struct verify_opts){
		.verifier = command, .deadline = deadline, .max_output = 4096, .workers = workers};
}

/* This process adopts what its children leave; there must be nothing, running or dead, in the end.
 * A program that were still there would keep the test waiting until the alarm ends it. */
static void nobody_left(void)
{
	alarm(60);
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_int_equal(errno, ECHILD);
	alarm(0);
}

static int judge(const struct verify_opts *o, struct span response, struct verdict *v,
		 struct reason *why)
{
	struct verify_item it = {
		.task = sp("t1"), .prompt = sp("1+1="), .response = response, .answer = sp("2")};
	struct verifier *vr = verify_open(o, why);
	int st;

	assert_non_null(vr);
	st = verify_run(vr, &it, 1, v, why);
	verify_close(vr);
	nobody_left();
	return st;
}

#define ECHO(s) "cmd:while read -r l; do printf '%s\\n' '" s "'; done"

static void misbehaviour(void **state)
{
	static const struct {
		const char *command;
		enum verdict_code code;
		double reward;
	} rows[] = {
		{ECHO("{\"reward\": 1, \"extracted\": \"x\"}"), VERDICT_OK, 1},
		{ECHO("{\"reward\": -1}"), VERDICT_OK, -1},
		{ECHO("{\"reward\": 0.5, \"extracted\": null, \"more\": [1]}"), VERDICT_OK, 0.5},
		{ECHO("{\"reward\": 1, \"task\": \"t1\"}"), VERDICT_OK, 1},
		{ECHO("{\"reward\": 1, \"rewards\": {\"a\": 1, \"b\": -2.5}}"), VERDICT_OK, 1},
		{ECHO("{\"reward\": 1, \"rewards\": {}}"), VERDICT_OK, 1},
		{ECHO("{\"reward\": 1, \"rewards\": null}"), VERDICT_OK, 1},
		{ECHO("{\"reward\": 1, \"rewards\": 2}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"rewards\": {\"a\": \"1\"}}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"rewards\": {\"a\": 1e999}}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"rewards\": {\"reward\": 1}}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"rewards\": {\"12345678901234567890123456789012\": 1}}"),
		 VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"rewards\": "
		      "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}"),
		 VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1}\\r"), VERDICT_GARBAGE, 0}, /* printf keeps the backslash */
		{"cmd:printf '{\"reward\": 1}'", VERDICT_OK, 1},  /* only the newline is missing */
		{"cmd:echo '{\"reward\": 1}'; exit 3", VERDICT_OK, 1},
		{"cmd:echo '{\"reward\": 1}'; sleep 1000", VERDICT_OK, 1},
		{"cmd:exec 0<&-; echo '{\"reward\": 1}'; sleep 1000", VERDICT_OK, 1},
		{"cmd:echo told you >&2; echo '{\"reward\": 1}'", VERDICT_OK, 1},
		{"cmd:kill -9 $$", VERDICT_SIGNAL, 0},
		{"cmd:sh -c 'kill -9 $$'; exit $?", VERDICT_SIGNAL, 0},
		{"cmd:exit 3", VERDICT_EXIT, 0},
		{"cmd:read -r l; exit 0", VERDICT_EXIT, 0},
		{"cmd:true", VERDICT_EXIT, 0},
		{"cmd:sleep 1000 & exit 0", VERDICT_EXIT, 0}, /* the pipe stays open */
		{"cmd:printf '{\"rew'; exit 3", VERDICT_EXIT, 0},
		{"cmd:printf '{\"rew'; kill -9 $$", VERDICT_SIGNAL, 0},
		{"cmd:printf '{\"rew'", VERDICT_GARBAGE, 0},
		{"cmd:exec 1>&-; sleep 1000", VERDICT_GARBAGE, 0},
		{"cmd:yes", VERDICT_GARBAGE, 0},
		{"cmd:yes | tr -d '\\n'", VERDICT_TOO_LONG, 0},
		{"cmd:printf '{\"reward\": 1, \"x\": \"%05000d\"}\\n' 1", VERDICT_TOO_LONG, 0},
		{"cmd:printf '\\377\\376\\001\\200{}\\n'", VERDICT_GARBAGE, 0},
		{"cmd:printf '{\"reward\": 1\\000}\\n'", VERDICT_GARBAGE, 0},
		{"cmd:echo", VERDICT_GARBAGE, 0},
		{ECHO("1"), VERDICT_GARBAGE, 0},
		{ECHO("[]"), VERDICT_GARBAGE, 0},
		{ECHO("{}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": nan}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": NaN}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1e999}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 0.5junk}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1} junk"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": \"1\"}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": null}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"reward\": 0}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"extracted\": 5}"), VERDICT_GARBAGE, 0},
		{ECHO("{\"reward\": 1, \"task\": \"t2\"}"), VERDICT_GARBAGE, 0}, /* another's */
		{"cmd:ulimit -v 200000; exec head -c 1 <(:)", VERDICT_EXIT, 0}, /* no such syntax */
		{"cmd:ulimit -v 200000; head -c 10G /dev/zero | tail -n 1 | grep -q x; exit 3",
		 VERDICT_EXIT, 0}, /* tail gets no more memory */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verify_opts o = opts(rows[i].command, never, 1);
		struct reason why = {0};
		struct verdict v;

		if (judge(&o, sp("2"), &v, &why))
			fail_msg("%s: %s", rows[i].command, why.text);
		if (v.code != rows[i].code || v.reward != rows[i].reward)
			fail_msg("%s: %s, reward %g", rows[i].command, verdict_name(v.code),
				 v.reward);
	}
}

static void time_is_up(void **state)
{
	static const char *const rows[] = {
		"cmd:sleep 1000",
		"cmd:trap '' TERM INT HUP; sleep 1000; sleep 1000",
		"cmd:exec 0<&-; sleep 1000",
		"cmd:read -r l; sleep 1000 & wait",
		"cmd:while :; do :; done",
		"cmd:printf '{\"reward\"'; sleep 1000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verify_opts o = opts(rows[i], soon, 1);
		struct reason why = {0};
		struct verdict v;

		assert_int_equal(judge(&o, sp("2"), &v, &why), 0);
		if (v.code != VERDICT_TIMEOUT)
			fail_msg("%s: %s", rows[i], verdict_name(v.code));
	}
}

/* A response of 1 MB, larger than any pipe. */
static void large_response(void **state)
{
	size_t n = 1 << 20;
	char *text = xmalloc(n);
	struct verify_opts o =
		opts("cmd:head -n 1 | wc -c | sed 's/.*/{\"reward\": &}/'", never, 1);
	struct reason why = {0};
	struct verdict v;

	(void)state;
	memset(text, 'x', n);
	assert_int_equal(judge(&o, (struct span){text, n}, &v, &why), 0);
	assert_int_equal(v.code, VERDICT_OK);
	assert_true(v.reward > (double)n && v.reward < (double)n + 200);
	o = opts("cmd:sleep 1000", soon, 1); /* never reads it */
	assert_int_equal(judge(&o, (struct span){text, n}, &v, &why), 0);
	assert_int_equal(v.code, VERDICT_TIMEOUT);
	o = opts("cmd:echo '{\"reward\": 1}'; sleep 1000", never, 1); /* needs not read it */
	assert_int_equal(judge(&o, (struct span){text, n}, &v, &why), 0);
	assert_int_equal(v.code, VERDICT_OK);
	free(text);
}

/* What is not UTF-8, and control bytes, arrive as JSON all the same. */
static void any_bytes(void **state)
{
	static const char bytes[] = "a\0\x80\xed\xa0\x80\x1b\"\\\n\xc3\xa4\xf4\x90";
	struct verify_opts o =
		opts("cmd:jq -c --unbuffered '{reward: (.response | length), extracted: "
		     ".response}'",
		     never, 1);
	struct reason why = {0};
	struct verdict v;

	(void)state;
	assert_int_equal(judge(&o, (struct span){bytes, sizeof bytes - 1}, &v, &why), 0);
	assert_int_equal(v.code, VERDICT_OK);
	assert_true(v.reward == 13);           /* characters, each bad byte one */
	assert_string_equal(v.extracted, "a"); /* a verdict's text ends at a NUL */
	assert_int_equal(judge(&o, (struct span){bytes + 2, sizeof bytes - 3}, &v, &why), 0);
	assert_int_equal(v.code, VERDICT_OK);
	assert_string_equal(v.extracted,
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x1b\"\\\n"
			    "\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
}

static void cannot_start(void **state)
{
	static const char *const rows[] = {"cmd:/no/such/program", "cmd:nosuchprogram --x",
					   "cmd:/dev/null"};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verify_opts o = opts(rows[i], never, 1);
		struct reason why = {0};
		struct verdict v;

		assert_int_equal(judge(&o, sp("2"), &v, &why), ST_SYSTEM);
		assert_non_null(strstr(why.text, rows[i]));
	}
}

enum { MANY = 60 };

/* Judges MANY items "0" .. and puts the verdicts into text. */
static void judge_many(const char *command, int workers, double deadline, struct buf *text)
{
	struct verify_opts o = opts(command, deadline, workers);
	struct verify_item it[MANY] = {0};
	struct verdict v[MANY];
	struct reason why = {0};
	struct verifier *vr = verify_open(&o, &why);
	char name[MANY][16];

	assert_non_null(vr);
	for (int i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof name[i], "%d", i);
		it[i].task = it[i].response = sp(name[i]);
	}
	for (int at = 0; at < MANY; at += MANY / 2) /* children live from call to call */
		if (verify_run(vr, it + at, MANY / 2, v + at, &why))
			fail_msg("%s: %s", command, why.text);
	for (int i = 0; i < MANY; i++)
		buf_printf(text, "%s %g %s\n", verdict_name(v[i].code), v[i].reward,
			   v[i].extracted);
	verify_close(vr);
	nobody_left();
}

/* Items are told apart by their response; some make the program misbehave. */
static const char moody[] =
	"cmd:while read -r l; do\n"
	"r=${l#*'\"response\": \"'}; r=${r%%'\"'*}\n"
	"case $r in\n"
	"7) exit 3 ;;\n"
	"11) kill -9 $$ ;;\n"
	"13) echo junk ;;\n"
	"17) printf '{\"reward\": 17}\\n{\"reward\": 99}\\n' ;;\n" /* one line too many */
	"19) printf '{\"reward\": 19}\\n'; exit 1 ;;\n"
	"23) printf '%05000d' 1 ;;\n"
	"29) exec 1>&- ;;\n"
	"*) printf '{\"reward\": %s, \"extracted\": \"%s\"}\\n' $r $r ;;\n"
	"esac; done";

static void goes_on_after_failures(void **state)
{
	struct buf want = {0}, got = {0};

	(void)state;
	for (int i = 0; i < MANY; i++) {
		const char *code = i == 7    ? "exit"
				   : i == 11 ? "signal"
				   : i == 13 ? "garbage"
				   : i == 23 ? "too-long"
				   : i == 29 ? "garbage"
					     : NULL;

		if (code)
			buf_printf(&want, "%s 0 \n", code);
		else if (i == 17 || i == 19)
			buf_printf(&want, "ok %d \n", i);
		else
			buf_printf(&want, "ok %d %d\n", i, i);
	}
	for (int workers = 1; workers <= 16; workers += 5) {
		buf_reset(&got);
		judge_many(moody, workers, never, &got);
		assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	}
	buf_free(&want);
	buf_free(&got);
}

/* A program that answers once and ends is started anew for each item, seen in time or not. */
static void one_answer_each(void **state)
{
	struct buf got = {0}, want = {0};

	(void)state;
	for (int i = 0; i < MANY; i++)
		buf_str(&want, "ok 1 \n");
	for (int workers = 1; workers < 5; workers += 3) {
		buf_reset(&got);
		judge_many("cmd:read -r l; echo '{\"reward\": 1}'", workers, never, &got);
		assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	}
	buf_free(&got);
	buf_free(&want);
}

/* Judges n responses with one program, and wants these rewards. */
static void wants_rewards(const char *command, const struct span *response, const double *reward,
			  size_t n)
{
	struct verify_opts o = opts(command, never, 1);
	struct verify_item it[8] = {0};
	struct verdict v[8];
	struct reason why = {0};
	struct verifier *vr = verify_open(&o, &why);

	assert_non_null(vr);
	for (size_t i = 0; i < n; i++)
		it[i] = (struct verify_item){.task = sp("t"), .response = response[i]};
	assert_int_equal(verify_run(vr, it, n, v, &why), 0);
	for (size_t i = 0; i < n; i++)
		assert_true(v[i].code == VERDICT_OK && v[i].reward == reward[i]);
	verify_close(vr);
	nobody_left();
}

/* What may be out of step is started anew: here each counts the lines that it was given. */
static void out_of_step(void **state)
{
	static char large[1 << 20];
	struct span r[4] = {sp("a"), sp("b"), sp("c"), sp("d")};

	(void)state;
	/* a line too many behind every second answer */
	wants_rewards("cmd:n=0; while read -r l; do n=$((n + 1)); case $n in\n"
		      "2) printf '{\"reward\": 2}\\n{\"reward\": 9}\\n' ;;\n"
		      "*) echo \"{\\\"reward\\\": $n}\" ;;\n"
		      "esac; done",
		      r, (const double[]){1, 2, 1, 2}, 4);
	/* an answer before the line was read to its end */
	memset(large, 'x', sizeof large);
	r[0] = (struct span){large, sizeof large};
	wants_rewards(
		"cmd:echo '{\"reward\": 1}'; while read -r l; do echo '{\"reward\": 2}'; done", r,
		(const double[]){1, 1}, 2);
}

/* A process that opens a verifier and is killed: its programs go with it. */
static void killed_with_the_tool(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct verify_opts o = opts("cmd:sleep 1000 & while read -r l; do echo "
					    "'{\"reward\": 1}'; done; sleep 1000",
					    never, 3);
		struct verify_item it[3] = {
			{.task = sp("a")}, {.task = sp("b")}, {.task = sp("c")}};
		struct reason why;
		struct verdict v[3];
		struct verifier *vr = verify_open(&o, &why);

		if (!vr || verify_run(vr, it, 3, v, &why) || v[2].code != VERDICT_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	nobody_left();
}

/* A tool started with SIGCHLD ignored, as some service managers do, still learns how a child ended.
 */
static void ignored_sigchld(void **state)
{
	struct verify_opts o = opts("cmd:kill -9 $$", never, 1);
	struct reason why = {0};
	struct verdict v;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(judge(&o, sp("2"), &v, &why), 0);
	assert_int_equal(v.code, VERDICT_SIGNAL);
	signal(SIGCHLD, SIG_DFL);
}

/* Children have the default actions back: a writer in the program dies of SIGPIPE as it should. */
static void signals_of_children(void **state)
{
	struct verify_opts o = opts("cmd:(while :; do echo x; done; echo survived >&2) | head -n 1 "
				    ">/dev/null; echo '{\"reward\": 1}'; sleep 1000",
				    never, 1);
	struct reason why = {0};
	struct verdict v;

	(void)state;
	assert_int_equal(judge(&o, sp("2"), &v, &why), 0);
	assert_int_equal(v.code, VERDICT_OK);
}

/* A program that starts others and others: at its time all of its group is killed at once, however
 * many they are. How many there may be before is for ulimit -u to say. */
static void many_children(void **state)
{
	struct verify_opts o =
		opts("cmd:f() { sleep 1000 & sleep 1000 & [ $1 = 0 ] || f $(($1 - 1)); }; "
		     "for i in 1 2 3 4; do f 20 & done; sleep 1000",
		     0.5, 1);
	struct reason why = {0};
	struct verdict v;

	(void)state;
	assert_int_equal(judge(&o, sp("2"), &v, &why), 0);
	assert_int_equal(v.code, VERDICT_TIMEOUT);
}

/* Each row may name its own program, a builtin, or none; only a trusted one is run. */
static void rows_choose_their_program(void **state)
{
	static const char a[] = ECHO("{\"reward\": 0.25}"), b[] = ECHO("{\"reward\": 0.5}"),
			  c[] = ECHO("{\"reward\": 0.75}");
	static const char *const names[] = {a, b, "exact", a, NULL, b};
	static const double rewards[] = {0.25, 0.5, 1, 0.25, 0.75, 0.5};
	struct verify_opts o = opts(c, never, 2);
	struct verify_item items[6];
	struct reason why = {0};
	struct verdict out[6];
	struct verifier *v;
	char task[131] = "";

	(void)state;
	memset(task, 't', 130);
	for (int i = 0; i < 6; i++)
		items[i] = (struct verify_item){.task = sp(task),
						.prompt = sp("?"),
						.response = sp("2"),
						.answer = sp("2"),
						.verifier = names[i]};
	v = verify_open(&o, &why);
	assert_int_equal(verify_run(v, items, 6, out, &why), ST_INPUT);
	task[121] = '\0'; /* a message has 120 bytes of a name */
	assert_true(!strstr(why.text, task) && strstr(why.text, task + 1));
	assert_non_null(strstr(why.text, "run only when it is trusted"));
	items[0].verifier = c; /* the user's own, named by the row too */
	assert_int_equal(verify_run(v, items, 1, out, &why), 0);
	assert_true(out[0].reward == 0.75);
	verify_close(v);
	o.trust = true;
	v = verify_open(&o, &why);
	items[0].verifier = a;
	for (int n = 6; n >= 1; n -= 5) { /* then one only: the other programs have nothing to do */
		memset(out, 0, sizeof out);
		assert_int_equal(verify_run(v, items, (size_t)n, out, &why), 0);
		for (int i = 0; i < n; i++)
			if (out[i].code != VERDICT_OK || out[i].reward != rewards[i])
				fail_msg("row %d: reward %g", i, out[i].reward);
	}
	verify_close(v);
	nobody_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misbehaviour),
		cmocka_unit_test(time_is_up),
		cmocka_unit_test(large_response),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(cannot_start),
		cmocka_unit_test(goes_on_after_failures),
		cmocka_unit_test(one_answer_each),
		cmocka_unit_test(out_of_step),
		cmocka_unit_test(killed_with_the_tool),
		cmocka_unit_test(ignored_sigchld),
		cmocka_unit_test(signals_of_children),
		cmocka_unit_test(many_children),
		cmocka_unit_test(rows_choose_their_program),
	};

	signal(SIGPIPE, SIG_IGN); /* as tool_start does */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
