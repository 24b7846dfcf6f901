/*
 * policy-ask - sample responses to problems from a server with OpenAI's API, as a stream. See
 * man/policy-ask.1.
 */
#include "ask/ask.h"
#include "ask/askfile.h"
#include "ask/askprompt.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/progress.h"
#include "base/tool.h"
#include "rollout/prompt.h"
#include "run/options.h"
#include "stream/pack.h"
#include "verify/failures.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARNINGS = 5, KEY_MOST = 64 << 10 }; /* of requests that failed; bytes of a key file */

static struct ask_opts o = {
	.request = {.max_new = 256, .temperature = 1, .top_p = 1},
	.samples = 1,
	.choices = 1,
	.concurrency = 8,
	.timeout = 600,
	.patience = 300,
};
static struct prompt_opts prompting;
static struct failures failures = {.most = FAILURES_MOST, .whose = "server"};
static const char *url, *policy_dir, *task_file, *prompt, *stream_file, *key_file, *key_env;
static const char *server = "auto", *logprobs = "auto";
static int64_t seed, step = -1, iter = -1;
static bool greedy;

static const struct opt opts[] = {
	{'u', "url", "URL", OPT_STR, &url, 0, 0, "of the server, http://HOST:PORT or with /v1"},
	{'t', "tasks", "FILE", OPT_STR, &task_file, 0, 0, "problems"},
	{0, "prompt", "TEXT", OPT_STR, &prompt, 0, 0, "this one problem instead"},
	{'n', "samples", "N", OPT_INT, &o.samples, 1, 1e6, "responses to each"},
	OPT__SEED(seed, "of the seeds that the requests have"),
	{0, "stream", "FILE", OPT_STR | OPT_FREE, &stream_file, 0, 0,
	 "write the stream there; the same call after a stop goes on"},

	{0, "model", "NAME", OPT_STR, &o.request.model, 0, 0, "of the server's; the one it has"},
	{0, "server", SERVER_WORDS, OPT_WORD, &server, 0, 0, "which keys it knows"},
	{0, "completions", NULL, OPT_FLAG, &o.request.completions, 0, 0,
	 "text to be gone on with, not messages"},
	{'p', "policy", "DIR", OPT_STR, &policy_dir, 0, 0,
	 "policy whose chat template renders messages; its weights are not read"},
	OPTIONS_PROMPT(prompting),

	{0, "max-new", "N", OPT_INT, &o.request.max_new, 1, 1e6, "most tokens of a response"},
	{0, "temperature", "X", OPT_NUM, &o.request.temperature, 0, 100, "of sampling"},
	{0, "greedy", NULL, OPT_FLAG, &greedy, 0, 0, "the likeliest token always"},
	{0, "top-p", "X", OPT_NUM, &o.request.top_p, 1e-6, 1, "nucleus sampling; 1: off"},
	{0, "top-k", "N", OPT_INT, &o.request.top_k, 0, 1e9, "the k likeliest only; 0: off"},
	{0, "stop", "TEXT", OPT_LIST, &o.request.stop, 0, 0,
	 "a response ends before it; may be given again"},
	{0, "body", "NAME=JSON", OPT_LIST, &o.request.more, 0, 0,
	 "a key of the requests; null leaves one out; may be given again"},
	{0, "logprobs", "auto|drawn|none", OPT_WORD, &logprobs, 0, 0,
	 "the server's are of the distribution drawn from: where that is sure; yes; ask for none"},

	{0, "concurrency", "N", OPT_INT | OPT_FREE, &o.concurrency, 1, 4096, "requests at a time"},
	{0, "choices", "N", OPT_INT, &o.choices, 1, 1024, "responses asked for in a request"},
	{0, "timeout", "SECONDS", OPT_NUM | OPT_FREE, &o.timeout, 0.01, 1e6, "for an answer"},
	{0, "patience", "SECONDS", OPT_NUM | OPT_FREE, &o.patience, 0, 1e6,
	 "a request that failed is asked again for so long"},
	{0, "deadline", "SECONDS", OPT_NUM | OPT_FREE, &o.deadline, 0, 1e9,
	 "for all of them; 0: none"},
	{0, "max-failures", "SHARE", OPT_NUM | OPT_FREE, &failures.most, 0, 1,
	 "stop when more responses than this were given up"},
	{0, "key-file", "FILE", OPT_STR | OPT_FREE, &key_file, 0, 0, "the key is in this file"},
	{0, "key-env", "NAME", OPT_STR | OPT_FREE, &key_env, 0, 0,
	 "the key is in this environment variable"},

	{0, "step", "N", OPT_INT, &step, -1, 1e15, "RL step to write into the records; -1: none"},
	{0, "iter", "N", OPT_INT, &iter, -1, 1e9, "iteration to write into them; -1: none"},
	{0}};
static const struct tool tool = {
	"policy-ask", "", "Samples responses to problems from a server, as a stream to be judged.",
	opts};

static int check_options(void)
{
	if (!url || !task_file == !prompt)
		return tool_usage("-u is needed, and one of -t and --prompt");
	if (options_check_temperature(o.request.temperature, true))
		return ST_USAGE;
	if (greedy && o.samples > 1)
		return tool_usage("--greedy: all -n %" PRId64 " responses would be the same",
				  o.samples);
	if (prompting.wrap && !strstr(prompting.wrap, PROMPT_PLACE))
		return tool_usage("--prompt-template: it lacks " PROMPT_PLACE);
	if (key_file && key_env)
		return tool_usage("--key-file and --key-env: one key is enough");
	if (!stream_file && isatty(STDOUT_FILENO))
		return tool_usage("records are not written to a terminal: use a pipe or a file");
	o.seed = (uint64_t)seed;
	o.request.server = (enum server)tool_word(SERVER_WORDS, server);
	if (greedy)
		o.request.temperature = 0;
	return 0;
}

/* ---- the key ---- */

/* Sets o.key to the one line of b, whose blanks at the end go. */
static int take_key(struct buf *b, const char *where, struct reason *why)
{
	while (b->n && strchr(" \t\r\n", b->p[b->n - 1]))
		b->n--;
	for (size_t i = 0; i < b->n; i++)
		if ((unsigned char)b->p[i] <= ' ' || (unsigned char)b->p[i] > '~')
			return fail(why, ST_INPUT, "%s: a key is one word", where);
	if (!b->n)
		return fail(why, ST_INPUT, "%s: no key", where);
	o.key = buf_cstr(b);
	return 0;
}

static int load_key(struct buf *b, struct reason *why)
{
	const char *v = key_env ? getenv(key_env) : NULL;
	int st = 0;

	if (key_env && !v)
		return fail(why, ST_USAGE, "--key-env: there is no variable %s", key_env);
	if (v)
		buf_str(b, v);
	if (key_file)
		st = file_read(key_file, KEY_MOST, b, why);
	if (!st && (key_file || key_env))
		st = take_key(b, key_file ? key_file : key_env, why);
	return st;
}

/* Whoever is on the way reads it. */
static void warn_of_clear_text(void)
{
	static const char *const near[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *host = o.url + strlen("http://");

	if (!o.key || strncmp(o.url, "http://", 7) != 0)
		return;
	for (size_t i = 0; i < sizeof near / sizeof *near; i++)
		if (strncmp(host, near[i], strlen(near[i])) == 0 &&
		    strchr(":/", host[strlen(near[i])]))
			return;
	msg_warn("%s: the key goes there in the clear; https is safer", o.url);
}

/* ---- the records ---- */

struct work {
	struct task_set tasks;
	struct names names; /* their ids: the number of a name is the problem's place */
	struct askprompts prompts;
	struct ask *ask;
	struct rec_out w;
	struct out file;       /* of --stream */
	struct buf more;       /* pairs of a record */
	uint64_t *first;       /* hash of each problem's first response; 0: none came */
	unsigned char *differ; /* another response of it was another */
	uint64_t responses, truncated, tokens, given_up;
	double began;
	bool told_logprobs;
};

static const char *task_name(void)
{
	return task_file ? task_file : "--prompt";
}

static struct span span_of(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static int load_tasks(struct work *k, struct reason *why)
{
	struct task_set *s = &k->tasks;

	if (task_file)
		return task_load(s, task_file, why);
	s->n = 1;
	s->v = xcalloc(1, sizeof *s->v);
	s->v->id = xstrdup("prompt");
	s->v->prompt = xstrdup(prompt);
	return 0;
}

/* What a record of either kind has */
static void begin_record(struct work *k, size_t task, int64_t sample, struct traj *t)
{
	const struct task *of = &k->tasks.v[task];
	msgpack_packer pk;

	traj_clear(t);
	t->task = span_of(of->id);
	t->prompt = span_of(k->prompts.v[task].text);
	t->response = (struct span){"", 0};
	t->answer = span_of(of->answer);
	t->verifier = span_of(task_verifier(of, NULL));
	if (of->meta.n)
		t->meta = (struct mp){(const uint8_t *)of->meta.p, of->meta.n};
	t->sample = sample;
	t->step = step;
	t->iter = iter;
	buf_reset(&k->more);
	pack_init(&pk, &k->more);
	pack_str(&pk, "model");
	pack_text(&pk, span_of(o.request.model));
	t->n_more = 1;
}

static void add_sampling(struct traj *t)
{
	if (query_has(&o.request, "temperature"))
		t->temperature = o.request.temperature;
	if (query_has(&o.request, "top_p"))
		t->top_p = o.request.top_p;
	if (query_has(&o.request, "top_k"))
		t->top_k = o.request.top_k;
}

static const char *finish_of(enum choice_end end)
{
	return end == CHOICE_STOP ? "stop" : end == CHOICE_LENGTH ? "length" : NULL;
}

static void add_tokens(struct work *k, const struct choice *c, struct traj *t)
{
	t->prompt_tokens = c->prompt_ids;
	t->n_prompt_tokens = c->n_prompt_ids;
	t->tokens = c->ids;
	t->n_tokens = c->n_ids;
	if (c->logprobs && o.request.logprobs) {
		t->logprobs = c->logprobs;
		t->n_logprobs = c->n_ids;
	} else if (c->no_logs && o.request.logprobs && !k->told_logprobs) {
		msg_info("no logprobs: %s", c->no_logs);
		k->told_logprobs = true;
	}
}

static int write_record(struct work *k, struct traj *t, struct reason *why)
{
	t->more = (struct span){k->more.p, k->more.n};
	traj_write(&k->w, t);
	return out_flush(k->w.o, why);
}

/* Does the server draw at all? */
static void compare_texts(struct work *k, size_t task, struct span text)
{
	uint64_t sum[2];
	struct traj t = {.task = {"", 0}, .prompt = {"", 0}, .response = text};

	traj_solution(&t, sum);
	sum[0] |= 1;
	k->differ[task] |= k->first[task] && k->first[task] != sum[0];
	k->first[task] = sum[0];
}

static void show(const struct work *k)
{
	size_t all = k->tasks.n * (size_t)o.samples, left = ask_missing(k->ask);
	uint64_t now = k->responses + k->given_up;
	struct progress far = {"response", all - left - now, k->began};

	progress(&far, all - left, all, "%" PRIu64 " given up  %.1f a second", k->given_up,
		 (double)now / (clock_now() - k->began));
}

static int put_sample(void *arg, size_t task, int64_t sample, const struct choice *c,
		      struct reason *why)
{
	struct work *k = arg;
	const char *finish = finish_of(c->end);
	struct verdict ok = {.code = VERDICT_OK};
	struct traj t;

	begin_record(k, task, sample, &t);
	t.response = c->text;
	add_tokens(k, c, &t);
	add_sampling(&t);
	t.finish = span_of(finish);
	compare_texts(k, task, c->text);
	failures_count(&failures, &ok);
	k->responses++;
	k->truncated += c->end == CHOICE_LENGTH;
	k->tokens += c->n_ids;
	show(k);
	return write_record(k, &t, why);
}

/* A record that says so: no reward, and nothing that a verifier could judge */
static int put_failed(void *arg, size_t task, int64_t sample, const char *text, struct reason *why)
{
	struct work *k = arg;
	struct verdict none = {.code = VERDICT_UNANSWERED};
	msgpack_packer pk;
	struct traj t;
	int st;

	begin_record(k, task, sample, &t);
	t.verdict = span_of(verdict_name(none.code));
	pack_init(&pk, &k->more);
	pack_str(&pk, "why");
	pack_text(&pk, span_of(text));
	t.n_more++;
	failures_count(&failures, &none);
	if (k->given_up++ < WARNINGS)
		msg_warn("task %s, sample %" PRId64 ": given up: %s", k->tasks.v[task].id, sample,
			 text);
	show(k);
	st = write_record(k, &t, why);
	if (!st && failures_check(&failures, false, why))
		st = fail_prefix(why, "%s", o.url);
	return st;
}

static void make_request(void *arg, size_t task, struct query *r)
{
	struct work *k = arg;
	const struct askprompt *p = &k->prompts.v[task];

	*r = (struct query){.text = p->text,
			    .messages = p->messages,
			    .tools = k->tasks.v[task].tools,
			    .args = p->args,
			    .go_on = p->go_on};
}

static void tell(void *arg, bool problem, const char *text)
{
	(void)arg;
	if (problem)
		msg_warn("%s", text);
	else
		msg_info("%s", text);
}

/* A record that --stream has already */
static int skip(void *arg, const struct traj *t, struct reason *why)
{
	struct work *k = arg;
	size_t task = names_find(&k->names, t->task);
	struct verdict v = {.code = traj_unanswered(t) ? VERDICT_UNANSWERED : VERDICT_OK};

	if (task >= k->tasks.n || t->sample < 0 || t->sample >= o.samples)
		return fail(why, ST_INPUT, "no sample of a problem of %s", task_name());
	if (!span_is(t->prompt, k->prompts.v[task].text))
		return fail(why, ST_INPUT, "another prompt than %s has for task %s", task_name(),
			    k->tasks.v[task].id);
	failures_count(&failures, &v);
	ask_skip(k->ask, task, t->sample);
	return 0;
}

/* ---- the run ---- */

/* Asks for log-probabilities where they can be kept, and says when they cannot. */
static void decide_logprobs(void)
{
	const char *doubt = query_doubt(&o.request);

	o.request.logprobs = strcmp(logprobs, "none") != 0;
	if (strcmp(logprobs, "auto") != 0 || !doubt)
		return;
	o.request.logprobs = false;
	msg_info("no logprobs: %s (--logprobs drawn takes them all the same)", doubt);
}

static int check_server(struct reason *why)
{
	if (o.request.top_k && !query_has(&o.request, "top_k"))
		return fail(why, ST_USAGE,
			    "--top-k: a server of the kind %s does not know it (--server says "
			    "which it is)",
			    query_server_name(o.request.server));
	return 0;
}

static void warn_of_equals(const struct work *k)
{
	size_t several = 0, equal = 0;

	for (size_t i = 0; i < k->tasks.n; i++) {
		several += k->first[i] != 0;
		equal += k->first[i] && !k->differ[i];
	}
	if (o.samples > 1 && several && several == equal && k->responses >= 4 &&
	    k->responses >= 2 * several)
		msg_warn("all responses to each problem are equal: the server does not draw, "
			 "whatever --temperature says, or does not heed seeds");
}

static void summary(const struct work *k)
{
	msg_info("%zu problems, %" PRIu64 " responses from %" PRIu64 " requests", k->tasks.n,
		 k->responses, ask_requests(k->ask));
	if (k->given_up)
		msg_warn("%" PRIu64 " responses were given up: they have the verdict %s and no "
			 "reward",
			 k->given_up, verdict_name(VERDICT_UNANSWERED));
	if (k->truncated)
		msg_info("%" PRIu64 " responses reached --max-new %" PRId64
			 " or the policy's length",
			 k->truncated, o.request.max_new);
	warn_of_equals(k);
}

/* Problems, and what is asked for each */
static int load(struct work *k, struct reason *why)
{
	struct policy p = {0};
	int st = load_tasks(k, why);

	if (!st && policy_dir)
		st = policy_load_texts(&p, policy_dir, why);
	if (!st)
		st = askprompt_make(&k->prompts, &k->tasks, task_name(), &prompting,
				    policy_dir ? &p : NULL, o.request.completions, why);
	for (size_t i = 0; i < k->tasks.n; i++)
		names_id(&k->names, span_of(k->tasks.v[i].id));
	k->first = xcalloc(k->tasks.n + 1, sizeof *k->first);
	k->differ = xcalloc(k->tasks.n + 1, sizeof *k->differ);
	policy_free(&p);
	return st;
}

/* Where the records go. *whole: all of them are there. */
static int open_stream(struct work *k, bool *whole, struct reason *why)
{
	size_t before = ask_missing(k->ask);
	int st = 0;

	*whole = false;
	if (stream_file)
		st = askfile_open(&k->w, &k->file, stream_file, skip, k, whole, why);
	if (!st && before > ask_missing(k->ask))
		msg_info("%s: %zu of %zu responses are there", stream_file,
			 before - ask_missing(k->ask), before);
	return st;
}

static int finish(struct work *k, struct reason *why)
{
	if (ask_missing(k->ask)) {
		msg_warn("signal: stopped; %zu responses are missing, and the stream has no end "
			 "record%s",
			 ask_missing(k->ask), stream_file ? "; the same call goes on" : "");
		return out_flush(k->w.o, why);
	}
	if (failures_check(&failures, true, why))
		return fail_prefix(why, "%s", o.url);
	if (stream_file)
		return askfile_finish(&k->w, why);
	rec_finish(&k->w);
	return out_flush(k->w.o, why);
}

static int run(struct work *k, struct reason *why)
{
	const struct ask_sink sink = {k, make_request, put_sample, put_failed, tell};
	bool whole;
	int st;

	k->ask = ask_open(&o, k->tasks.n, &sink, why);
	if (!k->ask)
		return why->status;
	k->began = clock_now();
	st = check_server(why);
	if (!st)
		st = open_stream(k, &whole, why);
	if (st || whole)
		return st;
	decide_logprobs();
	st = ask_run(k->ask, why);
	summary(k);
	return st ? st : finish(k, why);
}

static int open_all(struct work *k, struct buf *key, struct reason *why)
{
	int st = 0;

	o.url = ask_url(url, why);
	if (!o.url || query_open(&o.request, why))
		st = why->status;
	if (!st && task_file && stream_file && file_clash(task_file, stream_file))
		st = fail(why, ST_USAGE, "%s: input and output are the same file", task_file);
	if (!st)
		st = load_key(key, why);
	if (!st)
		warn_of_clear_text();
	return st ? st : load(k, why);
}

static void close_all(struct work *k, struct buf *key)
{
	ask_close(k->ask);
	askprompt_free(&k->prompts);
	task_free(&k->tasks);
	names_free(&k->names);
	rec_out_free(&k->w);
	query_close(&o.request);
	buf_free(&k->more);
	buf_free(key);
	free(k->first);
	free(k->differ);
	free(o.url);
}

int main(int argc, char *argv[])
{
	static struct work k = {.file = {.fd = -1}};
	int i = tool_start(&tool, argc, argv), st = check_options();
	struct reason why = {0};
	struct buf key = {0};
	bool missing;

	if (!st && i < argc)
		st = tool_usage("%s: no operand is expected", argv[i]);
	if (st)
		return tool_finish(st);
	tool_hold_signals();
	rec_out_init(&k.w, stream_file ? &k.file : out_stdout(), o.seed);
	st = open_all(&k, &key, &why);
	if (!stream_file)
		rec_put_head(&k.w);
	if (!st)
		st = run(&k, &why);
	missing = k.ask && ask_missing(k.ask);
	if (k.file.fd >= 0 && out_close(&k.file, st ? NULL : &why) && !st)
		st = why.status;
	if (st)
		msg_reason(&why);
	close_all(&k, &key);
	st = tool_finish(st);
	if (tool_caught() && !st && missing)
		raise(tool_caught());
	return st;
}
