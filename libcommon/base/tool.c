/* tool.c - what every tool begins and ends with. See tool.h. */
#include "base/tool.h"
#include "base/cpu.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/num.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_ONLY = 256 /* getopt values of options without a letter */, MAX_OPTIONS = 160 };

static char **args; /* see tool_args */
static size_t n_args;

static void hold_std_fds(void)
{
	static const int mode[3] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", mode[fd]) != fd)
			_exit(ST_SYSTEM);
}

void tool_value(const struct opt *p, struct buf *b)
{
	char num[32];

	switch (p->type & OPT_TYPE) {
	case OPT_INT:
		buf_printf(b, "%lld", (long long)*(int64_t *)p->var);
		break;
	case OPT_NUM:
		buf_str(b, num_text(*(double *)p->var, num));
		break;
	case OPT_STR:
	case OPT_WORD:
		if (*(const char **)p->var)
			buf_str(b, *(const char **)p->var);
		break;
	case OPT_FLAG:
		if (*(bool *)p->var)
			buf_str(b, "on");
		break;
	case OPT_LIST:
		break;
	}
}

/* [default] of one option, or nothing where it has none */
static void put_default(struct out *o, const struct opt *p)
{
	struct buf b = {0};

	if ((p->type & OPT_TYPE) != OPT_FLAG)
		tool_value(p, &b);
	out_printf(o, b.n ? " [%s]\n" : "%s\n", buf_cstr(&b));
	buf_free(&b);
}

static void put_opt(struct out *o, const struct opt *p)
{
	char left[160];
	int n = 0;

	if (p->letter)
		n = snprintf(left, sizeof left, "  -%c, --%s", p->letter, p->name);
	else
		n = snprintf(left, sizeof left, "      --%s", p->name);
	if (p->arg)
		snprintf(left + n, sizeof left - (size_t)n, " %s", p->arg);
	if (strlen(left) < 30)
		out_printf(o, "%-30s %s", left, p->help);
	else
		out_printf(o, "%s\n%-30s %s", left, "", p->help);
	put_default(o, p);
}

static void help(const struct tool *t)
{
	struct out *o = out_stdout();

	out_printf(o, "usage: %s [option ...]%s%s\n%s\n\n", t->name, *t->operands ? " " : "",
		   t->operands, t->purpose);
	for (const struct opt *p = t->opts; p->name; p++)
		put_opt(o, p);
	out_str(o, "  -q, --quiet                  no progress, no notes\n"
		   "  -h, --help                   this text\n"
		   "      --version                the version\n");
}

int tool_word(const char *words, const char *w)
{
	size_t n = strlen(w);
	int i = 0;

	for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, i++)
		if (n && n == strcspn(p, "|") && strncmp(p, w, n) == 0)
			return i;
	return -1;
}

static void set(const struct opt *p, const char *arg)
{
	bool any = p->lo == 0 && p->hi == 0, ok = true;
	unsigned type = p->type & OPT_TYPE;
	struct opt_list *l;

	switch (type) {
	case OPT_FLAG:
		*(bool *)p->var = true;
		break;
	case OPT_INT:
		ok = num_i64(arg, any ? INT64_MIN : (int64_t)p->lo,
			     any ? INT64_MAX : (int64_t)p->hi, p->var);
		break;
	case OPT_NUM:
		ok = num_f64(arg, any ? -INFINITY : p->lo, any ? INFINITY : p->hi, p->var);
		break;
	case OPT_WORD:
		ok = tool_word(p->arg, arg) >= 0;
		*(const char **)p->var = arg;
		break;
	case OPT_STR:
		*(const char **)p->var = arg;
		break;
	case OPT_LIST:
		l = p->var;
		l->v = xgrow(l->v, l->n + 1, sizeof *l->v);
		l->v[l->n++] = arg;
		break;
	}
	if (ok)
		return;
	if (type == OPT_WORD)
		tool_usage("--%s: '%s' is none of %s", p->name, arg, p->arg);
	else if (any)
		tool_usage("--%s: '%s' is not %s", p->name, arg,
			   type == OPT_INT ? "a whole number" : "a number");
	else
		tool_usage("--%s: '%s' is not %s from %.15g to %.15g", p->name, arg,
			   type == OPT_INT ? "a whole number" : "a number", p->lo, p->hi);
	exit(ST_USAGE);
}

/* getopt's tables from ours; returns the number of options */
static size_t tables(const struct opt *opts, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':';
	for (; opts[n].name; n++) {
		assert(n + 4 < MAX_OPTIONS);
		longs[n] =
			(struct option){opts[n].name, opts[n].arg ? required_argument : no_argument,
					NULL, LONG_ONLY + (int)n};
		if (opts[n].letter) {
			*shorts++ = opts[n].letter;
			if (opts[n].arg)
				*shorts++ = ':';
		}
	}
	longs[n] = (struct option){"quiet", no_argument, NULL, 'q'};
	longs[n + 1] = (struct option){"help", no_argument, NULL, 'h'};
	longs[n + 2] = (struct option){"version", no_argument, NULL, 1};
	strcpy(shorts, "qh");
	return n;
}

/* An unknown long option, or the beginning of several */
static int refuse_word(const char *word, const struct option *longs)
{
	size_t n = strcspn(word, "=");
	struct buf fit = {0};
	int st;

	for (const struct option *p = longs; p->name && n > 2; p++)
		if (strncmp(p->name, word + 2, n - 2) == 0)
			buf_printf(&fit, "%s--%s", fit.n ? ", " : "", p->name);
	st = fit.n ? tool_usage("%.*s: ambiguous: %s", (int)n, word, buf_cstr(&fit))
		   : tool_usage("%s: no such option", word);
	buf_free(&fit);
	return st;
}

/* Says what getopt_long refused. optopt is 0 for an unknown long option; the letter of an unknown
 * short one, which need not stand in last, the last word that was done with; or the value of a long
 * option that was given an argument and takes none. */
static int refuse(int c, const char *last, const struct option *longs)
{
	if (c == ':')
		return tool_usage("%s: an argument is missing", last);
	if (optopt == 0)
		return refuse_word(last, longs);
	if (optopt >= LONG_ONLY || strchr("qh\1", optopt))
		return tool_usage("%s: an argument where none is taken", last);
	return tool_usage("-%c: no such option", optopt);
}

static void add_arg(char *arg)
{
	args = xgrow(args, n_args + 2, sizeof *args);
	args[n_args++] = arg;
	args[n_args] = NULL;
}

static void note_option(const struct opt *p, bool by_letter, const char *value)
{
	if (p->type & OPT_FREE)
		return;
	add_arg(by_letter ? xasprintf("-%c", p->letter) : xasprintf("--%s", p->name));
	if (value)
		add_arg(xstrdup(value));
}

static void note_operands(char *const *v, int n)
{
	for (int i = 0; i < n; i++)
		add_arg(xstrdup(v[i]));
}

/* The set that will be in use */
static const char *kernels(void)
{
	struct reason why;
	enum cpu_set s;

	if (cpu_choose(&s, &why))
		exit(msg_reason(&why));
	return cpu_name(s);
}

static void put_version(const struct tool *t)
{
	out_printf(out_stdout(), "%s " SUITE_VERSION " (kernels: %s)\n", t->name, kernels());
}

int tool_start(const struct tool *t, int argc, char *argv[])
{
	struct option longs[MAX_OPTIONS] = {0};
	char shorts[2 * MAX_OPTIONS];
	size_t n;
	int c;

	hold_std_fds();
	msg_name(argc > 0 ? argv[0] : t->name);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	n = tables(t->opts, longs, shorts);
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct opt *p = NULL;

		if (c == 'h') {
			help(t);
			exit(tool_finish(0));
		} else if (c == 1) {
			put_version(t);
			exit(tool_finish(0));
		} else if (c == 'q') {
			msg_quiet(true);
			continue;
		} else if (c == ':' || c == '?') {
			exit(refuse(c, argv[optind - 1], longs));
		}
		for (size_t i = 0; i < n && !p; i++)
			if (c == LONG_ONLY + (int)i || c == t->opts[i].letter)
				p = &t->opts[i];
		set(p, optarg);
		note_option(p, c == p->letter, optarg);
	}
	note_operands(argv + optind, argc - optind);
	kernels();
	return optind;
}

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

void tool_hold_signals(void)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction old,
		new = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};

	sigemptyset(&new.sa_mask);
	for (int i = 0; i < 3; i++)
		if (sigaction(sigs[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &new, NULL);
}

int tool_caught(void)
{
	return caught;
}

int tool_usage(const char *fmt, ...)
{
	char text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	msg_error("%s (see %s --help)", text, msg_tool());
	return ST_USAGE;
}

int tool_finish(int status)
{
	struct reason why;

	if (out_close(out_stdout(), &why)) {
		msg_reason(&why);
		if (status == 0)
			status = why.status;
	}
	while (n_args)
		free(args[--n_args]);
	free(args);
	args = NULL;
	return status;
}

char *const *tool_args(int *argc)
{
	*argc = (int)n_args;
	return args;
}
