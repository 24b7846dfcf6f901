/* pool.c - verifiers of the user's own. See pool.h. */
#include "verify/pool.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/clock.h"
#include "stream/mpjson.h"
#include "verify/child.h"
#include "answer/text.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utf8proc.h>

static const double grace = 0.1; /* seconds for the rest of what a program said before it ended */

enum { FDS = 3 }; /* polled per worker: stdin, stdout, exit */

struct worker {
	struct child c;
	bool running;
	bool answered; /* since it was started */
	bool busy;
	size_t item; /* index into items, while busy */
	struct buf line, got;
	size_t sent;     /* of line */
	double deadline; /* monotonic clock */
	bool ending;     /* exited, or its output ended: the deadline is the grace */
	bool eof, exited;
	bool deaf; /* closed its stdin */
};

struct pool {
	char *command;
	double seconds;    /* for an item */
	size_t max_output; /* bytes of an answer */
	struct keeper keeper;
	struct worker *w;
	size_t n; /* workers */
	struct pollfd *fds;
	bool answered; /* ever */
};

/* ---- one line in, one line out ---- */

void pool_text(struct buf *b, struct span s)
{
	struct buf clean = {0};

	if (!s.p) {
		buf_str(b, "null");
		return;
	}
	for (size_t i = 0; i < s.n;) {
		size_t left = s.n - i;
		utf8proc_int32_t c;
		utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s.p + i,
						      left < 8 ? (utf8proc_ssize_t)left : 8, &c);

		buf_add(&clean, k > 0 ? s.p + i : "\xef\xbf\xbd", k > 0 ? (size_t)k : 3);
		i += k > 0 ? (size_t)k : 1;
	}
	json_string_to(b, clean.p, clean.n);
	buf_free(&clean);
}

static void put_question(struct buf *b, const struct verify_item *it)
{
	buf_reset(b);
	buf_str(b, "{\"task\": ");
	pool_text(b, it->task);
	buf_str(b, ", \"prompt\": ");
	pool_text(b, it->prompt);
	buf_str(b, ", \"response\": ");
	pool_text(b, it->response);
	buf_str(b, ", \"answer\": ");
	pool_text(b, it->answer);
	buf_str(b, ", \"meta\": ");
	if (it->meta.p)
		mpjson_from(b, it->meta);
	else
		buf_str(b, "null");
	buf_str(b, "}\n");
}

/* "rewards": {"name": number, ...}; absent and null: none */
static bool read_parts(json_t *parts, struct verdict *out)
{
	const char *name;
	json_t *v;

	if (!parts || json_is_null(parts))
		return true;
	if (!json_is_object(parts) || json_object_size(parts) > VERDICT_PARTS)
		return false;
	json_object_foreach(parts, name, v)
	{
		struct verdict_part *p = &out->part[out->n_parts++];

		if (strlen(name) >= sizeof p->name || !json_is_number(v) ||
		    !isfinite(json_number_value(v)) || strcmp(name, "reward") == 0)
			return false;
		strcpy(p->name, name);
		p->reward = json_number_value(v);
	}
	return true;
}

static bool read_fields(const json_t *j, const struct verify_item *it, struct verdict *out)
{
	const json_t *reward = json_object_get(j, "reward"), *task = json_object_get(j, "task"),
		     *text = json_object_get(j, "extracted");

	if (!json_is_number(reward) || !isfinite(json_number_value(reward)))
		return false;
	if (task &&
	    !(json_is_string(task) &&
	      span_eq(it->task, (struct span){json_string_value(task), json_string_length(task)})))
		return false;
	if (text && !json_is_null(text) && !json_is_string(text))
		return false;
	*out = (struct verdict){.code = VERDICT_OK, .reward = json_number_value(reward)};
	if (json_is_string(text))
		text_extract(out, (struct span){json_string_value(text), json_string_length(text)});
	return read_parts(json_object_get(j, "rewards"), out);
}

static bool read_answer(struct span line, const struct verify_item *it, struct verdict *out)
{
	json_t *j =
		memchr(line.p, '\0', line.n) ? NULL : json_parse(line.p, line.n, "answer", NULL);
	bool ok = j && read_fields(j, it, out);

	json_decref(j);
	return ok;
}

/* ---- a worker ---- */
static int stop(struct worker *w)
{
	int status = w->running ? child_stop(&w->c) : 0;

	w->running = false;
	w->answered = false;
	return status;
}

/* An idle program that died, or that speaks without being asked, is not trusted with an item. */
static bool in_step(const struct worker *w)
{
	struct pollfd f[2] = {{w->c.out, POLLIN, 0}, {w->c.pidfd, POLLIN, 0}};

	return w->running && poll(f, 2, 0) == 0;
}

static int start(struct pool *p, struct worker *w, struct reason *why)
{
	int st = 0;

	if (!in_step(w)) {
		stop(w);
		st = child_start(&w->c, &p->keeper, p->command, why);
		w->running = !st;
	}
	buf_reset(&w->got);
	w->sent = 0;
	w->ending = w->eof = w->exited = w->deaf = false;
	w->deadline = clock_now() + p->seconds;
	return st;
}

/* How its first line begins */
static void note_said(const struct worker *w, struct verdict *out)
{
	const char *nl = w->got.n ? memchr(w->got.p, '\n', w->got.n) : NULL;
	size_t n = nl ? (size_t)(nl - w->got.p) : w->got.n;

	n = n < sizeof out->said ? n : sizeof out->said;
	if (n)
		memcpy(out->said, w->got.p, n);
	out->said_n = (unsigned char)n;
}

static void done(struct worker *w, struct verdict *out, enum verdict_code code)
{
	if (code != VERDICT_OK)
		*out = (struct verdict){.code = code};
	if (code == VERDICT_GARBAGE || code == VERDICT_TOO_LONG)
		note_said(w, out);
	w->busy = false;
}

static void done_stop(struct worker *w, struct verdict *out, enum verdict_code code)
{
	stop(w);
	done(w, out, code);
}

static void end_soon(struct worker *w)
{
	double t = clock_now() + grace;

	if (!w->ending && t < w->deadline)
		w->deadline = t;
	w->ending = true;
}

static void send_more(struct worker *w)
{
	while (w->sent < w->line.n && !w->deaf) {
		ssize_t r = write(w->c.in, w->line.p + w->sent, w->line.n - w->sent);

		if (r >= 0)
			w->sent += (size_t)r;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			w->deaf = true; /* that alone is no failure */
	}
}

/* Reads what is there; at most one byte more than is allowed. */
static void read_more(const struct pool *p, struct worker *w)
{
	while (!w->eof && w->got.n <= p->max_output) {
		size_t room = p->max_output + 1 - w->got.n;
		ssize_t r;

		if (room > 65536)
			room = 65536;
		buf_reserve(&w->got, room);
		r = read(w->c.out, w->got.p + w->got.n, room);
		if (r > 0)
			w->got.n += (size_t)r;
		else if (r == 0)
			w->eof = true;
		else if (errno != EINTR)
			return;
	}
}

/* A whole line came. */
static void answered(struct pool *p, struct worker *w, struct span line,
		     const struct verify_item *it, struct verdict *out)
{
	bool ok = read_answer(line, it, out);

	p->answered = p->answered || ok;
	w->answered = true;
	if (!ok || w->got.n > line.n + 1 || w->sent < w->line.n)
		done_stop(w, out, ok ? VERDICT_OK : VERDICT_GARBAGE);
	else
		done(w, out, VERDICT_OK);
}

static enum verdict_code how_it_ended(int status)
{
	if (WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 128))
		return VERDICT_SIGNAL; /* above 128: what a shell says of its program */
	return VERDICT_EXIT;
}

/* It exited, or closed its output and goes on without one. */
static int ended(struct pool *p, struct worker *w, const struct verify_item *it,
		 struct verdict *out, struct reason *why)
{
	bool again = w->answered && !w->got.n;
	int status = stop(w), code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (w->got.n && read_answer((struct span){w->got.p, w->got.n}, it, out)) {
		p->answered = true;
		done(w, out, VERDICT_OK); /* only the newline was missing */
		return 0;
	}
	if (again)
		return start(p, w, why);
	if (!p->answered && (code == 126 || code == 127))
		return fail(why, ST_SYSTEM,
			    "verifier cmd:%s: cannot be run (status %d of its shell): %s",
			    p->command, code,
			    code == 126 ? "is it executable? (chmod +x)"
					: "is it there? (a program that is not on PATH has a path, "
					  "as ./judge)");
	if (!w->exited || (w->got.n && status == 0))
		done(w, out, VERDICT_GARBAGE);
	else
		done(w, out, how_it_ended(status));
	return 0;
}

static bool has_exited(const struct worker *w)
{
	struct pollfd f = {w->c.pidfd, POLLIN, 0};

	return poll(&f, 1, 0) > 0;
}

/* Whatever can be done for a busy worker without waiting. */
static int step(struct pool *p, struct worker *w, const struct verify_item *it, struct verdict *out,
		struct reason *why)
{
	char *nl;

	w->exited = has_exited(w); /* before reading: what it wrote is in the pipe then */
	send_more(w);
	read_more(p, w);
	nl = w->got.n ? memchr(w->got.p, '\n', w->got.n) : NULL;
	if (nl && (size_t)(nl - w->got.p) <= p->max_output) {
		answered(p, w, (struct span){w->got.p, (size_t)(nl - w->got.p)}, it, out);
		return 0;
	}
	if (w->got.n > p->max_output) {
		done_stop(w, out, VERDICT_TOO_LONG);
		return 0;
	}
	if (w->exited && w->eof)
		return ended(p, w, it, out, why);
	if (w->exited || w->eof)
		end_soon(w);
	if (clock_now() < w->deadline)
		return 0;
	if (w->ending)
		return ended(p, w, it, out, why);
	done_stop(w, out, VERDICT_TIMEOUT);
	return 0;
}

/* ---- the pool ---- */
struct pool *pool_open(const char *command, double deadline, size_t max_output, int workers,
		       struct reason *why)
{
	struct pool *p = xcalloc(1, sizeof *p);

	p->seconds = deadline;
	p->max_output = max_output;
	p->command = xstrdup(command);
	p->n = workers > 1 ? (size_t)workers : 1;
	p->w = xcalloc(p->n, sizeof *p->w);
	p->fds = xcalloc(p->n * FDS, sizeof *p->fds);
	if (child_keeper_start(&p->keeper, why)) {
		pool_close(p);
		return NULL;
	}
	return p;
}

const char *pool_command(const struct pool *p)
{
	return p->command;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		stop(&p->w[i]);
		buf_free(&p->w[i].line);
		buf_free(&p->w[i].got);
	}
	child_keeper_stop(&p->keeper);
	free(p->w);
	free(p->fds);
	free(p->command);
	free(p);
}

/* Waits until some busy worker can go on, or its time is up. */
static void wait_any(struct pool *p)
{
	double soonest = INFINITY, left;

	for (size_t i = 0; i < p->n; i++) {
		const struct worker *w = &p->w[i];
		struct pollfd *f = p->fds + i * FDS;
		bool listen = w->busy && !w->eof,
		     speak = w->busy && w->sent < w->line.n && !w->deaf;

		f[0] = (struct pollfd){speak ? w->c.in : -1, POLLOUT, 0};
		f[1] = (struct pollfd){listen ? w->c.out : -1, POLLIN, 0};
		f[2] = (struct pollfd){w->busy && !w->exited ? w->c.pidfd : -1, POLLIN, 0};
		if (w->busy && w->deadline < soonest)
			soonest = w->deadline;
	}
	left = soonest - clock_now();
	poll(p->fds, p->n * FDS, left > 0 ? (int)fmin(ceil(left * 1000), 60000) : 0);
}

static int give(struct pool *p, struct worker *w, const struct verify_item *items, size_t item,
		struct reason *why)
{
	w->item = item;
	w->busy = true;
	put_question(&w->line, &items[item]);
	return start(p, w, why);
}

int pool_run(struct pool *p, const struct verify_item *items, const size_t *which, size_t n,
	     struct verdict *out, struct reason *why)
{
	size_t next = 0, busy = 0;
	int st = 0;

	for (;;) {
		for (size_t i = 0; i < p->n && next < n && !st; i++)
			if (!p->w[i].busy) {
				busy++;
				st = give(p, &p->w[i], items, which[next++], why);
			}
		if (st || !busy)
			break;
		for (size_t i = 0; i < p->n && !st; i++) {
			struct worker *w = &p->w[i];

			if (!w->busy)
				continue;
			st = step(p, w, &items[w->item], &out[w->item], why);
			busy -= !w->busy;
		}
		if (busy && !st && (busy == p->n || next == n))
			wait_any(p);
	}
	for (size_t i = 0; i < p->n; i++) /* only after a failure is any still busy */
		if (p->w[i].busy) {
			stop(&p->w[i]);
			p->w[i].busy = false;
		}
	return st;
}
