/* ask.c - samples of all problems from a server. See ask.h. */
#include "ask/ask.h"
#include "ask/http.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bytes of an answer; a record takes a quarter of it */
static const size_t ANSWER_MOST = (size_t)64 << 20;
static const double FIRST_PAUSE = 0.25, LONGEST_PAUSE = 30; /* seconds between tries */

/* What is known of a sample */
enum mark { MISSING, DOUBTED, ASKED, THERE }; /* DOUBTED: asked for once, in vain */

struct job { /* one request, until it is answered or given up */
	bool used, flying;
	size_t task;
	int64_t first, n; /* samples first .. first + n - 1 */
	unsigned tries;   /* that failed */
	bool doubted;     /* it failed once in a way that may be its own fault */
	double since;     /* when it failed first; 0: never */
	double next;      /* when to send it */
};

struct ask {
	struct ask_opts *o;
	const struct ask_sink *sink;
	struct http *http;
	size_t tasks, missing;
	unsigned char *mark; /* of each sample of each problem */
	size_t at;           /* no MISSING or DOUBTED one lies before it */
	struct job *job;
	double pause; /* until then nothing is sent at all */
	bool answered, told_waiting, told_n;
	uint64_t sent;
	char *url;   /* of the endpoint */
	char *model; /* that the server has, when none was named */
	struct buf body;
};

/* ---- URLs ---- */

static bool cut_end(char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	if (n < k || strcmp(s + n - k, end) != 0)
		return false;
	s[n - k] = '\0';
	return true;
}

char *ask_url(const char *given, struct reason *why)
{
	const char *host = strncmp(given, "http://", 7) == 0    ? given + 7
			   : strncmp(given, "https://", 8) == 0 ? given + 8
								: NULL;
	size_t n = host ? strcspn(host, "/?#") : 0;
	char *url;

	if (!n) {
		fail(why, ST_USAGE, "--url: not of the form http://HOST or https://HOST");
		return NULL;
	}
	if (memchr(host, '@', n) || strpbrk(given, "?# ")) {
		fail(why, ST_USAGE,
		     "--url: it would be written into the stream: no name, password "
		     "or query (a key comes by --key-file or --key-env)");
		return NULL;
	}
	url = xstrdup(given);
	while (cut_end(url, "/"))
		;
	if (!cut_end(url, "/chat/completions"))
		cut_end(url, "/completions");
	if (!strchr(url + (host - given), '/')) {
		char *with = xasprintf("%s/v1", url);

		free(url);
		url = with;
	}
	return url;
}

/* ---- what servers say ---- */

static void describe(const struct ask *a, const struct http_answer *r, struct buf *b)
{
	buf_reset(b);
	if (r->end != HTTP_ANSWERED) {
		buf_str(b, r->why);
		return;
	}
	buf_printf(b, "HTTP %d", r->status);
	if (r->body.n && strncmp(r->type, "text/html", 9) != 0) {
		buf_str(b, ": ");
		choices_error(r->body, a->o->key, b);
	}
}

static void note(const struct ask *a, bool problem, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void note(const struct ask *a, bool problem, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	a->sink->note(a->sink->arg, problem, text);
}

/* ---- what is to be asked ---- */

static unsigned char *mark_of(const struct ask *a, size_t task, int64_t sample)
{
	return &a->mark[task * (size_t)a->o->samples + (size_t)sample];
}

static void set_mark(struct ask *a, size_t task, int64_t sample, enum mark m)
{
	unsigned char *was = mark_of(a, task, sample);
	size_t at = (size_t)(was - a->mark);

	a->missing -= m == THERE && *was != THERE;
	*was = (unsigned char)m;
	if (m < ASKED && at < a->at)
		a->at = at;
}

void ask_skip(struct ask *a, size_t task, int64_t sample)
{
	assert(task < a->tasks && sample >= 0 && sample < a->o->samples);
	set_mark(a, task, sample, THERE);
}

/* The next samples of one problem that nobody has asked for; one that was doubted, alone. */
static bool next_job(struct ask *a, struct job *j)
{
	size_t all = a->tasks * (size_t)a->o->samples, each = (size_t)a->o->samples;

	while (a->at < all && a->mark[a->at] >= ASKED)
		a->at++;
	if (a->at == all)
		return false;
	*j = (struct job){.used = true,
			  .task = a->at / each,
			  .first = (int64_t)(a->at % each),
			  .n = 1,
			  .doubted = a->mark[a->at] == DOUBTED};
	while (!j->doubted && j->n < a->o->choices && j->first + j->n < a->o->samples &&
	       *mark_of(a, j->task, j->first + j->n) == MISSING)
		j->n++;
	for (int64_t i = 0; i < j->n; i++)
		set_mark(a, j->task, j->first + i, ASKED);
	return true;
}

/* Of a sample; 31 bits, which every server takes. */
static uint64_t seed_of(const struct ask *a, size_t task, int64_t sample)
{
	uint64_t key = rng_key(a->o->seed, RNG_SAMPLE, 0, task, (uint64_t)sample);

	return rng_u64(key, 0) >> 33;
}

static void send_job(struct ask *a, size_t slot)
{
	struct job *j = &a->job[slot];
	struct query r = {0};

	a->sink->request(a->sink->arg, j->task, &r);
	r.n = j->n;
	r.seed = seed_of(a, j->task, j->first);
	buf_reset(&a->body);
	query_body(&a->o->request, &r, &a->body);
	http_send(a->http, slot, a->url, &a->body);
	j->flying = true;
	a->sent++;
}

/* Sends what may be sent. When the next one may, or far away */
static double send_ready(struct ask *a, double now, size_t *used)
{
	double next = now + 1;

	*used = 0;
	for (size_t i = 0; i < (size_t)a->o->concurrency; i++) {
		struct job *j = &a->job[i];
		double from;

		if (!j->used && !next_job(a, j))
			continue;
		++*used;
		from = j->next > a->pause ? j->next : a->pause;
		if (!j->flying && from <= now)
			send_job(a, i);
		else if (!j->flying && from < next)
			next = from;
	}
	return next;
}

/* ---- what comes back ---- */

enum fate { GOOD, AGAIN, DOUBTFUL, NEVER, STOP };

/* 403 may be a filter's word on one prompt, or a key's on all. */
static enum fate fate_of_status(const struct ask *a, int status)
{
	switch (status) {
	case 200:
		return GOOD;
	case 408:
	case 409:
	case 425:
	case 429:
	case 502:
	case 503:
	case 504:
	case 529:
		return AGAIN;
	case 403:
		return a->answered ? NEVER : STOP;
	case 401:
	case 404:
	case 405:
	case 407:
		return STOP;
	default:
		return status >= 500 || status < 300 ? DOUBTFUL : status < 400 ? STOP : NEVER;
	}
}

static enum fate fate_of(const struct ask *a, const struct http_answer *r)
{
	switch (r->end) {
	case HTTP_ANSWERED:
		return fate_of_status(a, r->status);
	case HTTP_LOST:
		return AGAIN;
	case HTTP_SLOW:
	case HTTP_LONG:
		return DOUBTFUL;
	case HTTP_NO_HOST:
		return a->answered ? AGAIN : STOP;
	default:
		return STOP;
	}
}

/* Growing from try to try, and not the same for requests that failed together. */
static double pause_of(const struct ask *a, const struct job *j)
{
	double most = FIRST_PAUSE * (double)(1u << (j->tries < 8 ? j->tries : 8));
	uint64_t key = rng_key(a->o->seed, RNG_SAMPLE, 1, j->task, (uint64_t)j->first);

	most = most < LONGEST_PAUSE ? most : LONGEST_PAUSE;
	return most * (0.5 + rng_uniform(key, j->tries) / 2);
}

/* Whether it is asked again, and when. A server that is not there, or has too much to do, is left
 * alone by all requests. */
static bool ask_again(struct ask *a, struct job *j, enum fate fate, double wait)
{
	double now = clock_now(), pause = wait > 0 ? wait : pause_of(a, j);

	if (!j->since)
		j->since = now;
	if (fate == DOUBTFUL && j->doubted)
		return false;
	j->doubted |= fate == DOUBTFUL;
	if (now + pause > j->since + a->o->patience)
		return false;
	j->tries++;
	j->next = now + pause;
	if (fate == AGAIN && j->next > a->pause)
		a->pause = j->next;
	return true;
}

static int give_up(struct ask *a, struct job *j, const char *text, struct reason *why)
{
	int st = 0;

	j->used = false;
	for (int64_t i = 0; i < j->n && !st; i++) {
		set_mark(a, j->task, j->first + i, THERE);
		st = a->sink->failed(a->sink->arg, j->task, j->first + i, text, why);
	}
	return st;
}

static void tell_waiting(struct ask *a, const char *url, const char *text)
{
	if (!a->told_waiting)
		note(a, false, "%s: %s: waiting, for %g seconds at most", url, text,
		     a->o->patience);
	a->told_waiting = true;
}

static int job_failed(struct ask *a, struct job *j, enum fate fate, double wait, const char *text,
		      struct reason *why)
{
	if (fate == STOP)
		return fail(why, ST_INPUT, "%s: %s", a->url, text);
	if (fate == NEVER || !ask_again(a, j, fate, wait))
		return give_up(a, j, text, why);
	if (fate == AGAIN)
		tell_waiting(a, a->url, text);
	return 0;
}

/* One response; a broken one is asked for once more. */
static int settle(struct ask *a, struct job *j, const struct choice *c, struct reason *why)
{
	int64_t sample = j->first + c->index;
	char text[240];

	if (c->end == CHOICE_BROKEN && !j->doubted) {
		set_mark(a, j->task, sample, DOUBTED);
		return 0;
	}
	set_mark(a, j->task, sample, THERE);
	if (c->end <= CHOICE_STRING)
		return a->sink->sample(a->sink->arg, j->task, sample, c, why);
	snprintf(text, sizeof text, "no sample: %s", c->said);
	return a->sink->failed(a->sink->arg, j->task, sample, text, why);
}

/* Fewer than were asked for: the others are asked for again, each with a seed of its own. */
static void ask_for_rest(struct ask *a, const struct job *j, size_t came)
{
	for (int64_t i = 0; i < j->n; i++)
		if (*mark_of(a, j->task, j->first + i) == ASKED)
			set_mark(a, j->task, j->first + i, MISSING);
	if (came >= (size_t)j->n)
		return;
	if (came == 1)
		a->o->choices = 1;
	if (!a->told_n)
		note(a, false, "the server gives %zu of %" PRId64 " responses: %s", came, j->n,
		     came == 1 ? "it is asked for one at a time" : "it is asked for the others");
	a->told_n = true;
}

static int job_answered(struct ask *a, struct job *j, const struct http_answer *r,
			struct reason *why)
{
	struct choices_want want = {
		.most = j->n,
		.chat = !a->o->request.completions,
		.stop = &a->o->request.stop,
		.hide = a->o->key,
	};
	struct choices c;
	struct reason bad = {0};
	int st = 0;

	if (choices_read(&c, r->body, &want, &bad)) {
		char text[800];

		snprintf(text, sizeof text, "the answer (%s): %s", *r->type ? r->type : "no type",
			 bad.text);
		return job_failed(a, j, DOUBTFUL, 0, text, why);
	}
	a->answered = true;
	j->used = false;
	for (size_t i = 0; i < c.n && !st; i++)
		st = settle(a, j, &c.v[i], why);
	ask_for_rest(a, j, c.n);
	choices_free(&c);
	return st;
}

static int take_answer(struct ask *a, const struct http_answer *r, struct reason *why)
{
	struct job *j = &a->job[r->id];
	enum fate fate = fate_of(a, r);
	struct buf text = {0};
	int st;

	assert(r->id < (size_t)a->o->concurrency && j->flying);
	j->flying = false;
	if (fate == GOOD)
		return job_answered(a, j, r, why);
	describe(a, r, &text);
	st = job_failed(a, j, fate, r->wait, buf_cstr(&text), why);
	buf_free(&text);
	return st;
}

size_t ask_missing(const struct ask *a)
{
	return a->missing;
}

uint64_t ask_requests(const struct ask *a)
{
	return a->sent;
}

int ask_run(struct ask *a, struct reason *why)
{
	double began = clock_now(), now, next;
	struct http_answer r;
	size_t used;
	int st = 0;

	while (!st && !tool_caught()) {
		now = clock_now();
		if (a->o->deadline > 0 && now - began >= a->o->deadline)
			return fail(why, ST_SYSTEM,
				    "--deadline: %g seconds are over; %zu responses are missing",
				    a->o->deadline, a->missing);
		next = send_ready(a, now, &used);
		if (!used)
			break;
		if (http_next(a->http, next > now ? next - now : 0, &r))
			do
				st = take_answer(a, &r, why);
			while (!st && http_next(a->http, 0, &r));
	}
	return st;
}

/* ---- the beginning ---- */

/* Waits until the job may be sent; false: a signal came. */
static bool wait_for(const struct job *j)
{
	struct timespec little = {.tv_nsec = 50000000};

	while (!tool_caught() && clock_now() < j->next)
		nanosleep(&little, NULL);
	return !tool_caught();
}

/* Waits for the answer; false: a signal came. */
static bool wait_answer(struct ask *a, struct http_answer *r)
{
	while (!tool_caught())
		if (http_next(a->http, 1, r))
			return true;
	return false;
}

/* One GET, asked again as a request is. 0: r has the body of an answer with status 200. */
static int get(struct ask *a, const char *url, struct http_answer *r, struct reason *why)
{
	struct job j = {0};
	struct buf text = {0};
	int st = -1;

	while (st < 0) {
		enum fate fate;

		if (!wait_for(&j))
			break;
		http_send(a->http, 0, url, NULL);
		if (!wait_answer(a, r))
			break;
		fate = fate_of(a, r);
		describe(a, r, &text);
		if (fate == GOOD)
			st = 0;
		else if (fate > DOUBTFUL || !ask_again(a, &j, fate, r->wait))
			st = fail(why, ST_INPUT, "%s: %s", url, buf_cstr(&text));
		else
			tell_waiting(a, url, buf_cstr(&text));
	}
	buf_free(&text);
	return st < 0 ? fail(why, ST_SYSTEM, "%s: stopped by a signal", url) : st;
}

static int choose_model(struct ask *a, const json_t *list, const char *url, struct reason *why)
{
	size_t n = json_array_size(list);
	const char *id = json_string_value(json_object_get(json_array_get(list, 0), "id"));
	struct buf names = {0};
	int st = 0;

	for (size_t i = 0; i < n && i < 5; i++) {
		const char *s = json_string_value(json_object_get(json_array_get(list, i), "id"));

		buf_printf(&names, "%s%.80s", i ? ", " : "", s ? s : "?");
	}
	if (!a->o->request.model && n != 1)
		st = fail(why, ST_USAGE, "%s: %zu models%s%s%s: --model names one", url, n,
			  n ? ": " : "", buf_cstr(&names), n > 5 ? " ..." : "");
	else if (!a->o->request.model && !id)
		st = fail(why, ST_INPUT, "%s: its model has no id", url);
	else if (!a->o->request.model)
		a->o->request.model = a->model = xstrdup(id);
	buf_free(&names);
	return st;
}

static int read_models(struct ask *a, const char *url, struct span body, struct reason *why)
{
	json_t *j = json_loadb(body.p, body.n, JSON_ALLOW_NUL, NULL);
	const json_t *list = json_object_get(j, "data");
	const char *owner = json_string_value(json_object_get(json_array_get(list, 0), "owned_by"));
	int st = choose_model(a, list, url, why);

	if (a->o->request.server == SERVER_AUTO)
		a->o->request.server = query_server(owner ? owner : "");
	json_decref(j);
	return st;
}

/* Which model and what kind of server: the list of models says both. A server that has none can be
 * used all the same when they are named. */
static int find_out(struct ask *a, struct reason *why)
{
	struct query_opts *o = &a->o->request;
	char *url = xasprintf("%s/models", a->o->url);
	struct http_answer r = {0};
	int st = get(a, url, &r, why);

	if (!st)
		st = read_models(a, url, r.body, why);
	else if (o->model && r.end == HTTP_ANSWERED && (r.status == 404 || r.status == 405))
		st = 0;
	assert(st || o->model);
	if (!st && o->server == SERVER_AUTO)
		o->server = SERVER_OPENAI;
	free(url);
	return st;
}

struct ask *ask_open(struct ask_opts *o, size_t tasks, const struct ask_sink *sink,
		     struct reason *why)
{
	struct ask *a = xcalloc(1, sizeof *a);
	/* one more: an answer that is being read is not free yet */
	struct http_opts http = {.calls = (size_t)o->concurrency + 1,
				 .timeout = o->timeout,
				 .key = o->key,
				 .most = ANSWER_MOST};

	assert(o->concurrency > 0 && o->samples > 0 && o->choices > 0);
	a->o = o;
	a->sink = sink;
	a->tasks = tasks;
	a->missing = tasks * (size_t)o->samples;
	a->mark = xcalloc(tasks ? tasks : 1, (size_t)o->samples);
	a->job = xcalloc((size_t)o->concurrency, sizeof *a->job);
	a->url = xasprintf("%s%s", o->url,
			   o->request.completions ? "/completions" : "/chat/completions");
	a->http = http_open(&http, why);
	if (a->http && (!o->request.model || o->request.server == SERVER_AUTO) &&
	    find_out(a, why)) {
		ask_close(a);
		return NULL;
	}
	return a->http ? a : (ask_close(a), NULL);
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	http_close(a->http);
	free(a->mark);
	free(a->job);
	free(a->url);
	free(a->model);
	buf_free(&a->body);
	free(a);
}
