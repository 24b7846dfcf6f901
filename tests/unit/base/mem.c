/* Tests of base/mem.h and base/progress.h: what a process says when it gets no memory, and on a
 * terminal. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ASan would end the process by itself */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static const volatile size_t huge = SIZE_MAX / 2;

static void ask_malloc(void)
{
	free(xmalloc(huge));
}

static void ask_calloc(void)
{
	free(xcalloc(huge, 1));
}

static void ask_realloc(void)
{
	free(xrealloc(NULL, huge));
}

static void ask_array(void)
{
	free(xarray(huge, 16));
}

static void ask_big(void)
{
	big_free(big_alloc(huge), huge);
}

/* and the room behind it does not fit a size_t */
static void ask_most(void)
{
	big_free(big_alloc(SIZE_MAX - 100), SIZE_MAX - 100);
}

static void ask_buf(void)
{
	struct buf b = {0};

	buf_add(&b, "x", 1);
	buf_reserve(&b, SIZE_MAX);
}

static void ask_numbers(void)
{
	free(xcalloc(huge / 8, 8));
}

static void *ask_in_a_thread(void *arg)
{
	ask_malloc();
	return arg;
}

/* Another thread gets no memory meanwhile: it says nothing and waits for the end. Nor does this one
 * when it gets none here. */
static void clean_up(void)
{
	struct timespec until;
	pthread_t other;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	assert_int_equal(pthread_create(&other, NULL, ask_in_a_thread, NULL), 0);
	assert_int_equal(pthread_timedjoin_np(other, NULL, &until), ETIMEDOUT);
	msg_error("cleaned up");
	ask_malloc();
}

/* Runs fn in a process of its own; its standard error into text. Returns its exit status. */
static int child(void (*fn)(void), int err, int from, char *text, size_t n)
{
	const char mark = '\1';
	pid_t pid = fork();
	int status;
	size_t n_got = 0;
	ssize_t got;

	if (pid == 0) {
		dup2(err, STDERR_FILENO);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	/* a terminal hands on in its own time: behind what the child wrote comes a mark */
	assert_int_equal(write(err, &mark, 1), 1);
	while (n_got < n - 1 && (got = read(from, text + n_got, n - 1 - n_got)) > 0) {
		n_got += (size_t)got;
		if (text[n_got - 1] == mark)
			break;
	}
	assert_true(n_got >= 1 && text[n_got - 1] == mark);
	text[n_got - 1] = '\0';
	return WEXITSTATUS(status);
}

static void no_memory_is_told(void **state)
{
	static void (*const ask[])(void) = {ask_malloc, ask_calloc, ask_realloc, ask_array,
					    ask_big,    ask_most,   ask_buf};
	char text[4096], number[64], *told;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	msg_name("mem");
	for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
		assert_int_equal(child(ask[i], p[1], p[0], text, sizeof text), ST_SYSTEM);
		if (!strstr(text, "mem: out of memory: ") || !strstr(text, " bytes refused\n"))
			fail_msg("%zu: %s", i, text);
	}
	assert_int_equal(child(ask_numbers, p[1], p[0], text, sizeof text), ST_SYSTEM);
	snprintf(number, sizeof number, " %zu bytes", huge / 8 * 8);
	assert_non_null(strstr(text, number)); /* not of numbers */
	no_memory_first(clean_up);
	assert_int_equal(child(ask_malloc, p[1], p[0], text, sizeof text), ST_SYSTEM);
	no_memory_first(NULL);
	told = strstr(text, "out of memory"); /* ASan has words of its own to say between */
	assert_non_null(told);
	assert_non_null(strstr(told, "mem: cleaned up\n"));
	assert_null(strstr(told + 1, "out of memory"));
	close(p[0]);
	close(p[1]);
}

static void nothing_is_something(void **state)
{
	void *p = xmalloc(0), *q = xcalloc(0, 0);

	(void)state;
	assert_true(p && q);
	p = xrealloc(p, 0);
	assert_non_null(p);
	free(p);
	free(q);
	big_free(NULL, 5);
}

static void tell_progress(void)
{
	struct progress p = {"step", 1, clock_now() - 10};

	progress(&p, 2, 3, "%s", "now");
	progress(&p, 2, 3, "%s", "too soon");
	progress(&p, 3, 3, "loss %d", 3);
	msg_quiet(true);
	progress(&p, 3, 3, "%s", "silent");
}

static void only_a_terminal_sees_progress(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), line, p[2];
	char text[4096];

	(void)state;
	if (terminal < 0)
		skip();
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(line >= 0);
	assert_int_equal(child(tell_progress, line, terminal, text, sizeof text), 0);
	assert_string_equal(text, "\r\033[Kmem: step 2/3, 10s left  now"
				  "\r\033[Kmem: step 3/3 in 10s  loss 3\r\n");
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	assert_int_equal(child(tell_progress, p[1], p[0], text, sizeof text), 0);
	assert_string_equal(text, "");
	close(p[0]);
	close(p[1]);
	close(line);
	close(terminal);
}

/* Where other stages take nobody knows how long */
static void tell_more(const struct progress *p, const char *env)
{
	setenv("RLOOP_PROGRESS", env, 1);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	progress(p, 1, 2, "a");
	progress(p, 2, 2, "b");
}

/* As a stage of a pipeline, on a narrow terminal */
static void tell_as_a_stage(void)
{
	struct progress p = {"step", 0, clock_now() - 10};
	struct winsize narrow = {.ws_row = 5, .ws_col = 40};

	setenv("RLOOP_PROGRESS", "2 50 loop: iteration 1/3, tune", 1);
	setenv("RLOOP_PROGRESS_FILE", "progress-of-mem", 1);
	progress(&p, 1, 2, "loss %d", 3);
	progress(&p, 2, 2, "loss %d", 4);
	tell_more(&p, "2 50+ loop: tune");
	tell_more(&p, "0 0+ loop: explore");
	setenv("RLOOP_PROGRESS", "2 50 loop: iteration 1/3, tune", 1);
	ioctl(STDERR_FILENO, TIOCSWINSZ, &narrow);
	msg_quiet(true);
	progress(&p, 2, 2, "%s", "silent");
	msg_quiet(false);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	progress(&p, 3, 4, "%s", "too long for the line");
	progress(&p, 4, 4, "%s", "too long, too");
	setenv("RLOOP_PROGRESS", "nothing of the kind", 1);
	progress(&p, 5, 5, "%s", "under its own name");
}

static void a_stage_says_what_is_left_in_all(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), line;
	char text[4096], file[64] = "";
	FILE *f;

	(void)state;
	if (terminal < 0)
		skip();
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_int_equal(child(tell_as_a_stage, line, terminal, text, sizeof text), 0);
	assert_string_equal(
		text,
		"\r\033[Kloop: iteration 1/3, tune: step 1/2, 10s left (1m40s in all)  loss 3"
		"\r\033[Kloop: iteration 1/3, tune: step 2/2 in 10s (1m10s left in all)  loss 4\r\n"
		"\r\033[Kloop: tune: step 1/2, 10s left (>1m41s in all)  a"
		"\r\033[Kloop: tune: step 2/2 in 10s (>1m10s left in all)  b\r\n"
		"\r\033[Kloop: explore: step 1/2, 10s left (>10s in all)  a"
		"\r\033[Kloop: explore: step 2/2 in 10s  b\r\n"
		"\r\033[Kloop: iteration 1/3, tune: step 3/4, 3s"
		"\r\033[Kloop: iteration 1/3, tune: step 4/4 in \r\n"
		"\r\033[Kmem: step 5/5 in 10s  under its own nam\r\n");
	f = fopen("progress-of-mem", "r");
	assert_non_null(f);
	assert_non_null(fgets(file, sizeof file, f));
	fclose(f);
	unlink("progress-of-mem");
	assert_string_equal(file, "step                5            5          0.0\n");
	close(line);
	close(terminal);
}

static void tell_under_a_long_name(void)
{
	static char name[9000];

	memset(name, 'x', sizeof name - 1);
	msg_name(name);
	msg_error("wrong");
	progress(&(struct progress){"step", 0, 0}, 1, 1, "%0399d", 5);
}

/* exec -a gives a process any name. */
static void a_name_of_any_length(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), line;
	char text[16384];

	(void)state;
	if (terminal < 0)
		skip();
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_int_equal(child(tell_under_a_long_name, line, terminal, text, sizeof text), 0);
	assert_memory_equal(text, "xxxx", 4);
	assert_non_null(strstr(text, "x: wrong\r\n"));
	assert_non_null(strstr(text, "00005\r\n"));
	close(line);
	close(terminal);
}

static void times(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(progress_time(59.4, text), "59s");
	assert_string_equal(progress_time(61, text), "1m01s");
	assert_string_equal(progress_time(3599.9, text), "59m59s");
	assert_string_equal(progress_time(3600, text), "1h00m");
	assert_string_equal(progress_time(90061, text), "25h01m");
	assert_string_equal(progress_time(3e9, text), "833333h20m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_is_told),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(only_a_terminal_sees_progress),
		cmocka_unit_test(a_stage_says_what_is_left_in_all),
		cmocka_unit_test(a_name_of_any_length),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
