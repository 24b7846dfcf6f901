/* err.c - exit statuses, reasons of failure, messages. See err.h. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char tool_name[64] = "?"; /* what does not fit is left out */
static bool quiet_mode;
static enum msg_kind heard = MSG_ALL;

static int vfail(struct reason *why, int status, const char *fmt, va_list ap)
{
	if (why) {
		why->status = status;
		vsnprintf(why->text, sizeof why->text, fmt, ap);
	}
	return status;
}

int fail(struct reason *why, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfail(why, status, fmt, ap);
	va_end(ap);
	return status;
}

int fail_errno(struct reason *why, int err, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vfail(why, ST_SYSTEM, fmt, ap);
	va_end(ap);
	if (why) {
		n = strlen(why->text);
		snprintf(why->text + n, sizeof why->text - n, ": %s", strerror(err));
	}
	return ST_SYSTEM;
}

int fail_prefix(struct reason *why, const char *fmt, ...)
{
	char old[sizeof why->text];
	va_list ap;
	size_t n;

	if (!why)
		return ST_SYSTEM;
	memcpy(old, why->text, sizeof old);
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof why->text - n, ": %s", old);
	return why->status;
}

void msg_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	snprintf(tool_name, sizeof tool_name, "%s", slash ? slash + 1 : argv0);
}

const char *msg_tool(void)
{
	return tool_name;
}

void msg_quiet(bool quiet)
{
	quiet_mode = quiet;
}

bool msg_is_quiet(void)
{
	return quiet_mode;
}

void msg_hear(enum msg_kind which)
{
	heard = which;
}

/* One message, one write: lines of several processes do not mix. */
static void say(const char *kind, const char *fmt, va_list ap)
{
	char text[1400], line[6000];
	size_t n;

	vsnprintf(text, sizeof text, fmt, ap);
	n = (size_t)snprintf(line, sizeof line, "%s: %s", tool_name, kind);
	for (const unsigned char *p = (const unsigned char *)text; *p && n < sizeof line - 8; p++) {
		if (*p < 0x20 || *p == 0x7f)
			n += (size_t)snprintf(line + n, sizeof line - n, "\\x%02x", *p);
		else
			line[n++] = (char)*p;
	}
	line[n++] = '\n';
	for (size_t i = 0; i < n;) {
		ssize_t w = write(STDERR_FILENO, line + i, n - i);
		if (w <= 0)
			return; /* nobody is left to be told */
		i += (size_t)w;
	}
}

void msg_error(const char *fmt, ...)
{
	va_list ap;

	if (heard == MSG_NOTHING)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void msg_warn(const char *fmt, ...)
{
	va_list ap;

	if (heard != MSG_ALL)
		return;
	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

void msg_info(const char *fmt, ...)
{
	va_list ap;

	if (quiet_mode)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

int msg_reason(const struct reason *why)
{
	msg_error("%s", why->text);
	return why->status;
}
