/* code.c - programs run with their tests. See code.h. */
#include "verify/code.h"
#include "answer/python.h"
#include "answer/text.h"
#include "answer/thought.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "stream/mpjson.h"
#include "verify/child.h"
#include "verify/pool.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* The text of program.py, by the Makefile */
static const char program_py[] = {
#include "verify/program.py.inc"
};

/* root, whom the kernel exempts from the limit on processes, is nobody there */
static const char as_nobody[] = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
static const char sandbox[] =
	"bwrap --unshare-all --cap-drop ALL --die-with-parent --new-session"
	" --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin"
	" --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib"
	" --symlink usr/lib64 /lib64 --ro-bind-try /etc/alternatives /etc/alternatives"
	" --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache"
	" --dev /dev --size 67108864 --tmpfs /tmp --chdir /tmp ";
static const char bare[] = "env -i PATH=\"$PATH\" ";

static const double patience = 60; /* seconds until a sandbox is there, however busy the machine */

enum { MOST_SAID = 65536, MOST_NAMES = 64 };

struct box {
	struct child c;
	bool busy, ready;
	size_t item;
	char word[33]; /* begins what the tests say, and the program cannot know it */
	struct buf spec, got;
	size_t sent;
	double deadline;
};

struct code {
	struct keeper keeper;
	char *command;
	double seconds;
	bool confined;
	struct box *box;
	struct pollfd *fds; /* two for each box */
	size_t n;
};

/* ---- the sandbox ---- */
static void quote(struct buf *b, const char *s)
{
	buf_char(b, '\'');
	buf_replaced(b, (struct span){s, strlen(s)}, (struct span){"'", 1},
		     (struct span){"'\\''", 4});
	buf_char(b, '\'');
}

/* What starts Python, in the sandbox or without */
static void put_start(struct buf *b, bool confined)
{
	buf_str(b, confined ? "exec " : "cd /tmp; exec ");
	if (confined && geteuid() == 0)
		buf_str(b, as_nobody);
	buf_str(b, confined ? sandbox : bare);
	buf_str(b, "python3 -I -c ");
}

static char *command_for(bool confined)
{
	struct buf b = {0};

	buf_str(&b, "p=");
	quote(&b, program_py);
	buf_char(&b, '\n');
	put_start(&b, confined);
	buf_str(&b, "\"$p\" \"$p\"");
	buf_cstr(&b);
	return b.p;
}

/* Reads what it says within the time: a few bytes, then the end. */
static size_t hear(struct child *c, char *to, size_t room)
{
	double end = clock_now() + patience;
	size_t n = 0;

	for (;;) {
		struct pollfd f = {c->out, POLLIN, 0};
		double left = end - clock_now();
		ssize_t r;

		if (left <= 0 || (poll(&f, 1, (int)ceil(left * 1000)) < 0 && errno != EINTR))
			return n;
		r = read(c->out, to + n, room - n);
		if (r > 0)
			n += (size_t)r;
		else if (r == 0 || (errno != EAGAIN && errno != EINTR))
			return n;
	}
}

/* Can Python be run so? quiet: whoever says why not is not heard. */
static bool works(struct code *c, bool confined, bool quiet)
{
	struct buf b = {0};
	struct child trial;
	char said[8];
	bool ok;

	put_start(&b, confined);
	buf_str(&b, "'print(7)'");
	if (quiet)
		buf_str(&b, " 2>/dev/null");
	ok = child_start(&trial, &c->keeper, buf_cstr(&b), NULL) == 0;
	if (ok) {
		ok = hear(&trial, said, sizeof said) == 2 && memcmp(said, "7\n", 2) == 0;
		child_stop(&trial);
	}
	buf_free(&b);
	return ok;
}

static int find_sandbox(struct code *c, bool trust, struct reason *why)
{
	c->confined = works(c, true, trust);
	if (c->confined || (trust && works(c, false, false)))
		return 0;
	if (trust)
		return fail(why, ST_SYSTEM, "verifier code: python3 cannot be run");
	return fail(why, ST_SYSTEM,
		    "verifier code: no sandbox: bubblewrap (bwrap) cannot run python3 here (are "
		    "both installed, may it make namespaces?); --trust runs programs without one");
}

struct code *code_open(double seconds, int workers, bool trust, struct reason *why)
{
	struct code *c = xcalloc(1, sizeof *c);

	c->seconds = seconds;
	c->n = workers > 1 ? (size_t)workers : 1;
	c->box = xcalloc(c->n, sizeof *c->box);
	c->fds = xcalloc(c->n, 2 * sizeof *c->fds);
	if (child_keeper_start(&c->keeper, why) || find_sandbox(c, trust, why)) {
		code_close(c);
		return NULL;
	}
	c->command = command_for(c->confined);
	return c;
}

void code_close(struct code *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		buf_free(&c->box[i].spec);
		buf_free(&c->box[i].got);
	}
	child_keeper_stop(&c->keeper);
	free(c->command);
	free(c->box);
	free(c->fds);
	free(c);
}

/* ---- what a row asks for ---- */
struct names {
	struct span v[MOST_NAMES]; /* of the row's JSON */
	size_t n;
};

static void add_name(struct names *to, struct span s)
{
	if (s.n && to->n < MOST_NAMES)
		to->v[to->n++] = s;
}

static struct span text_of(const json_t *v)
{
	return (struct span){json_string_value(v), json_string_length(v)};
}

static bool name_char(char c)
{
	return text_letter(c) || text_digit(c) || c == '_';
}

/* What an assertion calls: names before a bracket, no methods */
static void called(struct names *to, struct span s)
{
	for (size_t i = 0, n; i < s.n; i += n + 1) {
		for (n = 0; i + n < s.n && name_char(s.p[i + n]); n++)
			;
		if (n && i + n < s.n && s.p[i + n] == '(' && !(i && s.p[i - 1] == '.'))
			add_name(to, (struct span){s.p + i, n});
	}
}

/* The function that tests of calls name, in the keys of such data; text is parsed, and kept in
 * *hold, which the names point into. */
static void asked_for(struct names *to, json_t *v, json_t *hold)
{
	static const char *const inner[] = {"input_output", "metadata", "public_test_cases"};
	struct span s = text_of(v);

	if (json_is_string(v)) {
		v = json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL);
		if (!v)
			return;
		json_array_append_new(hold, v);
	}
	v = json_is_array(v) ? json_array_get(v, 0) : v;
	if (!json_is_object(v))
		return;
	add_name(to, text_of(json_object_get(v, "entry_point")));
	add_name(to, text_of(json_object_get(v, "fn_name")));
	add_name(to, text_of(json_object_get(v, "func_name")));
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		asked_for(to, json_object_get(v, inner[i]), hold);
}

static void names_of(struct names *to, json_t *meta, struct span answer, json_t *hold)
{
	json_t *list = json_object_get(meta, "test_list"), *v, *text;
	size_t i;

	asked_for(to, meta, hold);
	json_array_foreach(list, i, v) called(to, text_of(v));
	if (!to->n && answer.n && (*answer.p == '{' || *answer.p == '[')) {
		text = json_stringn(answer.p, answer.n);
		asked_for(to, text, hold);
		json_decref(text);
	}
}

/* ---- one item ---- */
static void new_word(char word[33])
{
	unsigned char r[16];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		memset(r, 0, sizeof r); /* not for so few bytes */
	for (size_t i = 0; i < sizeof r; i++) {
		word[2 * i] = "0123456789abcdef"[r[i] >> 4];
		word[2 * i + 1] = "0123456789abcdef"[r[i] & 15];
	}
	word[32] = '\0';
}

/* The program that the response means, with the row's names looked for in it */
static void put_program(struct buf *b, const struct verify_item *it, struct span meta_text)
{
	json_t *meta = json_loadb(meta_text.p, meta_text.n, JSON_ALLOW_NUL, NULL),
	       *hold = json_array();
	struct span prompt = text_of(json_object_get(meta, "prompt"));
	struct names names = {.n = 0};
	struct buf program = {0};

	names_of(&names, meta, it->answer, hold);
	python_answer(&program, thought_spoken(it->prompt, it->response),
		      prompt.p ? prompt : it->prompt, names.v, names.n);
	pool_text(b, (struct span){program.p ? program.p : "", program.n});
	buf_free(&program);
	json_decref(hold);
	json_decref(meta);
}

/* A line of JSON: word, program, meta, answer, seconds, confined */
static void put_spec(struct code *c, struct box *x, const struct verify_item *it)
{
	struct buf meta = {0};

	if (it->meta.p)
		mpjson_from(&meta, it->meta);
	else
		buf_str(&meta, "null");
	new_word(x->word);
	buf_reset(&x->spec);
	buf_printf(&x->spec, "{\"word\": \"%s\", \"program\": ", x->word);
	put_program(&x->spec, it, (struct span){meta.p, meta.n});
	buf_str(&x->spec, ", \"answer\": ");
	pool_text(&x->spec, it->answer);
	buf_printf(&x->spec, ", \"seconds\": %g, \"confined\": %s, \"meta\": ", c->seconds,
		   c->confined ? "true" : "false");
	buf_add(&x->spec, meta.p, meta.n);
	buf_str(&x->spec, "}\n");
	buf_free(&meta);
}

static int begin(struct code *c, struct box *x, const struct verify_item *items, size_t item,
		 struct reason *why)
{
	int st;

	put_spec(c, x, &items[item]);
	st = child_start(&x->c, &c->keeper, c->command, why);
	if (st)
		return st;
	buf_reset(&x->got);
	x->sent = 0;
	x->item = item;
	x->ready = false;
	x->busy = true;
	x->deadline = clock_now() + patience;
	return 0;
}

static void settle(struct box *x, struct verdict *out, enum verdict_code code, const char *word,
		   const char *why)
{
	child_stop(&x->c);
	x->busy = false;
	*out = (struct verdict){.code = code, .why = why};
	text_extract(out, (struct span){word, strlen(word)});
}

/* A line of the tests', without its word */
static void heard(const struct code *c, struct box *x, struct span s, struct verdict *out)
{
	x->ready = true;
	x->deadline = clock_now() + 3 * c->seconds + patience;
	if (span_is(s, "passed")) {
		settle(x, out, VERDICT_OK, "passed", "all tests passed");
		out->reward = 1;
	} else if (span_is(s, "timeout")) {
		settle(x, out, VERDICT_OK, "timeout", "the program takes too long");
	} else if (span_is(s, "failed")) {
		settle(x, out, VERDICT_OK, "failed", "a test failed, or the program");
	} else if (s.n >= 3 && memcmp(s.p, "row", 3) == 0) {
		settle(x, out, VERDICT_GARBAGE, "",
		       span_is(s, "row no tests") ? "the row has no tests"
						  : "the row's tests cannot be run");
	}
}

static void hear_lines(const struct code *c, struct box *x, struct verdict *out)
{
	size_t at = 0, word = strlen(x->word);
	const char *nl;

	while (x->busy && at < x->got.n &&
	       (nl = memchr(x->got.p + at, '\n', x->got.n - at)) != NULL) {
		struct span s = {x->got.p + at, (size_t)(nl - x->got.p) - at};

		at += s.n + 1;
		if (s.n > word && memcmp(s.p, x->word, word) == 0)
			heard(c, x, (struct span){s.p + word + 1, s.n - word - 1}, out);
	}
}

/* False: it has ended. */
static bool listen(struct box *x)
{
	for (;;) {
		ssize_t r;

		buf_reserve(&x->got, 4096);
		r = read(x->c.out, x->got.p + x->got.n, 4096);
		if (r > 0)
			x->got.n += (size_t)r;
		else if (r == 0 || (errno != EINTR && errno != EAGAIN))
			return false;
		else if (errno == EAGAIN)
			return true;
		if (x->got.n > MOST_SAID)
			return false;
	}
}

static void speak(struct box *x)
{
	while (x->sent < x->spec.n) {
		ssize_t r = write(x->c.in, x->spec.p + x->sent, x->spec.n - x->sent);

		if (r >= 0)
			x->sent += (size_t)r;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			x->sent = x->spec.n; /* it has ended, as will be heard */
	}
}

/* Whatever can be done without waiting */
static void advance(const struct code *c, struct box *x, struct verdict *out)
{
	bool more;

	speak(x);
	more = listen(x);
	hear_lines(c, x, out);
	if (!x->busy)
		return;
	if (!more) /* before the sandbox was there it is no fault of the program's */
		settle(x, out, x->ready ? VERDICT_OK : VERDICT_EXIT, "failed",
		       x->ready ? "the program ended its tests" : "the sandbox ended");
	else if (clock_now() >= x->deadline)
		settle(x, out, x->ready ? VERDICT_OK : VERDICT_TIMEOUT, "timeout",
		       "the program takes too long");
}

static void wait_for_any(struct code *c)
{
	double soonest = clock_now() + patience, left;

	for (size_t i = 0; i < c->n; i++) {
		const struct box *x = &c->box[i];
		bool speaks = x->busy && x->sent < x->spec.n;

		c->fds[2 * i] = (struct pollfd){x->busy ? x->c.out : -1, POLLIN, 0};
		c->fds[2 * i + 1] = (struct pollfd){speaks ? x->c.in : -1, POLLOUT, 0};
		if (x->busy)
			soonest = fmin(soonest, x->deadline);
	}
	left = soonest - clock_now();
	poll(c->fds, 2 * c->n, left > 0 ? (int)ceil(left * 1000) : 0);
}

int code_run(struct code *c, const struct verify_item *items, const size_t *which, size_t n,
	     struct verdict *out, struct reason *why)
{
	size_t next = 0, busy;
	int st = 0;

	do {
		busy = 0;
		for (size_t i = 0; i < c->n; i++) {
			struct box *x = &c->box[i];

			if (!x->busy && next < n && !st)
				st = begin(c, x, items, which[next++], why);
			if (x->busy && st)
				child_stop(&x->c);
			x->busy = x->busy && !st;
			busy += x->busy;
		}
		if (busy)
			wait_for_any(c);
		for (size_t i = 0; i < c->n; i++)
			if (c->box[i].busy)
				advance(c, &c->box[i], &out[c->box[i].item]);
	} while (busy);
	return st;
}
