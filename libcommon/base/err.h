/*
 * err.h - exit statuses, reasons of failure, messages.
 *
 * A library function that can fail returns 0 or one of the statuses below and
 * leaves a sentence in the caller's struct reason ("where: what: why"); it does
 * not print and does not exit. Only cmd/ prints, with msg_*. Out of memory is
 * the exception: mem.h ends the process with ST_SYSTEM.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum status {
	ST_OK = 0,
	ST_NO = 1,     /* the answer is no (only tools that answer a question) */
	ST_USAGE = 2,  /* wrong options */
	ST_INPUT = 3,  /* input that is damaged, cut off or of the wrong form */
	ST_SYSTEM = 4, /* the system refused: file, memory, process */
};

struct reason {
	int status;     /* 0 until set */
	char text[640]; /* one line without the tool's name and without a newline */
};

/* Fills *why (which may be NULL) and returns status. An already set reason is overwritten. */
int fail(struct reason *why, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with ": strerror(err)" appended. */
int fail_errno(struct reason *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text of a reason already set; returns its status. */
int fail_prefix(struct reason *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Messages go to stderr as one write: "tool: text\n", control bytes shown as \xHH. */
void msg_name(const char *argv0);
const char *msg_tool(void);
void msg_quiet(bool quiet); /* silences msg_info and progress lines */
bool msg_is_quiet(void);
enum msg_kind { MSG_ALL, MSG_ERRORS, MSG_NOTHING };
void msg_hear(enum msg_kind which); /* what is said at all; notes also depend on msg_quiet */
void msg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints the reason as an error and returns its status. */
int msg_reason(const struct reason *why);

#endif
