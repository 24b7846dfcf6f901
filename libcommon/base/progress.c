/* progress.c - one line on stderr. See progress.h. */
#include "base/progress.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void progress(bool last, const char *fmt, ...)
{
	static double shown;
	char text[400], line[512];
	double now = clock_now();
	va_list ap;
	int n;

	if (msg_is_quiet() || !isatty(STDERR_FILENO) || (!last && now - shown < 0.1))
		return;
	shown = now;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof line, "\r\033[K%s: %s%s", msg_tool(), text, last ? "\n" : "");
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* a progress line that is lost is lost */
}

char *progress_time(double s, char *buf)
{
	long long t = (long long)s;

	if (t < 60)
		snprintf(buf, 32, "%llds", t);
	else if (t < 3600)
		snprintf(buf, 32, "%lldm%02llds", t / 60, t % 60);
	else
		snprintf(buf, 32, "%lldh%02lldm", t / 3600, t / 60 % 60);
	return buf;
}
