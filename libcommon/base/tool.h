/*
 * tool.h - what every tool's main() begins and ends with, and its options.
 *
 *     static int64_t steps = 100;
 *     static const struct opt opts[] = {
 *             {'n', "steps", "N", OPT_INT, &steps, 0, 1e9, "RL steps"},
 *             {0}};
 *     static const struct tool tool = {"rl-explore", "[option ...] [file ...]", "One line.", opts};
 *
 *     int main(int argc, char *argv[])
 *     {
 *             int i = tool_start(&tool, argc, argv);     // operands are argv[i..argc)
 *             ...
 *             return tool_finish(st);
 *     }
 *
 * --help prints each option with its live default, --version the suite's version and the set of
 * kernels (base/cpu.h; a RLOOP_KERNELS that cannot be is refused); -q
 * (quiet) and -h are there in every tool without being listed. One letter means one thing
 * everywhere: -p policy  -t tasks  -o output  -n count  -s seed  -j threads  -q quiet  -h help -k
 * list of k  -v invert  -c columns  -d run folder  -e evaluation tasks  -i iterations
 */
#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define SUITE_VERSION "0.2.0"

enum opt_type {
	OPT_FLAG, /* bool *: set to true; arg is NULL */
	OPT_INT,  /* int64_t *, within lo..hi */
	OPT_NUM,  /* double *, within lo..hi */
	OPT_STR,  /* const char **: borrowed from argv */
	OPT_WORD, /* const char **: one of the words in arg, "a|b|c" */
	OPT_LIST, /* struct opt_list *: may be given again */
};
/* Added to the type: what else is known of an option */
enum opt_mark {
	OPT_TYPE = 15, /* mask of the type without */
	/* With another value the result is the same: neither a stream's chain nor a state has it.
	 */
	OPT_FREE = 16,
	/* A path; whether a run may go on depends on what lies there. */
	OPT_BY_CONTENT = 32,
};

struct opt_list {
	const char **v; /* grown by the parser, never freed: it lives as long as the process */
	size_t n;
};

struct opt {
	char letter;      /* 0: none */
	const char *name; /* long name; the table ends with NULL */
	const char *arg;  /* name of the argument; NULL for a flag */
	unsigned type;    /* enum opt_type, and opt_mark */
	void *var;
	double lo, hi;    /* OPT_INT and OPT_NUM; both 0: any */
	const char *help; /* lower case, no full stop; the default is added by --help */
};

/* Rows that many tools have */
#define OPT__SEED(v, what)                                     \
	{                                                      \
		's', "seed", "N", OPT_INT, &(v), 0, 9e15, what \
	}
#define OPT__STRICT(v)                                              \
	{                                                           \
		0, "strict", NULL, OPT_FLAG | OPT_FREE, &(v), 0, 0, \
			"refuse records outside of head and end"    \
	}
#define OPT__THRESHOLD(v)                                                                       \
	{                                                                                       \
		0, "threshold", "X", OPT_NUM, &(v), 0, 0, "least reward that counts as correct" \
	}
#define OPT__BOOTSTRAP(v)                                                   \
	{                                                                   \
		0, "bootstrap", "N", OPT_INT, &(v), 0, 1e6,                 \
			"resamples for the 95 % intervals; 0: no intervals" \
	}

struct tool {
	const char *name;
	const char *operands; /* "[file ...]" */
	const char *purpose;  /* one line */
	const struct opt *opts;
};

/*
 * Holds fds 0-2 (a closed one is opened on /dev/null in the contrary mode, so that using it still
 * fails), ignores SIGXFSZ and SIGPIPE (out_flush turns EPIPE on stdout back into SIGPIPE), parses
 * the options and keeps them for tool_args. Exits by itself for --help, --version and usage errors.
 * Returns the index of the first operand (argv is permuted).
 */
int tool_start(const struct tool *t, int argc, char *argv[]);
/* Says why, points at --help, returns ST_USAGE. */
int tool_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Flushes and closes stdout; a failure there is told and wins over status 0. Returns the status. */
int tool_finish(int status);
/* The first SIGINT, SIGTERM or SIGHUP (unless it is ignored) is noted only, the second ends the
 * process. */
void tool_hold_signals(void);
int tool_caught(void);    /* the one that was noted; 0: none */
void tool_catch(int sig); /* as if it had been caught: another process of the run was sent it */
/* Place of word among words, "a|b|c" as an OPT_WORD has them: 0, 1 ...; -1: it is not there. */
int tool_word(const char *words, const char *word);
/* Live value as text, as --help shows it; a flag that is set is "on". 0 bytes: it has none, or is a
 * list. */
void tool_value(const struct opt *p, struct buf *b);
/* What the result depends on, for the stream's provenance: the options given, as -x or --name, each
 * followed by its value as a word of its own, but for those that are OPT_FREE, and -q; then the
 * operands. Valid until tool_finish. */
char *const *tool_args(int *argc);

#endif
