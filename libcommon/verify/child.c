/* child.c - programs of the user's. See child.h. */
#include "verify/child.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* "+ N": take care of group N; "- N": it is gone. */
static const char keeper_script[] = "g=' '\n"
				    "while read -r op n; do\n"
				    "case $op in\n"
				    "+) g=\"$g$n \" ;;\n"
				    "-) case $g in *\" $n \"*)\n"
				    "g=\"${g%% $n *} ${g#* $n }\" ;;\n"
				    "esac ;;\n"
				    "esac\n"
				    "done\n"
				    "for n in $g; do kill -s KILL -- \"-$n\"; done\n";

static void set_signals(posix_spawnattr_t *a)
{
	static const int def[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	posix_spawnattr_setsigmask(a, &set);
	for (size_t i = 0; i < sizeof def / sizeof *def; i++)
		sigaddset(&set, def[i]);
	posix_spawnattr_setsigdefault(a, &set);
}

/* A child names its group to the keeper itself, before its command runs: if the tool did so after
 * starting it, one that was killed in between would leave it behind. */
static const char announce[] = "echo \"+ $$\" >&3; exec 3>&-\n";

/* sh -c script in a group of its own, with these as 0 and 1, and as 2 and 3 when they are >= 0 */
static int spawn(pid_t *pid, const char *script, int in, int out, int err, int keeper)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t a;
	int e;

	posix_spawnattr_init(&a);
	posix_spawnattr_setflags(&a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
					     POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&a, 0);
	set_signals(&a);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	if (err >= 0)
		posix_spawn_file_actions_adddup2(&fa, err, 2);
	if (keeper >= 0)
		posix_spawn_file_actions_adddup2(&fa, keeper, 3);
	e = posix_spawn(pid, "/bin/sh", &fa, &a, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&a);
	return e;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void tell_gone(const struct keeper *k, pid_t group)
{
	char line[32];
	int n = snprintf(line, sizeof line, "- %ld\n", (long)group);

	while (k->fd >= 0 && write(k->fd, line, (size_t)n) < 0 && errno == EINTR)
		;
}

/* A parent that ignores SIGCHLD hands that down; without the default no exit status can be had. */
static void keep_statuses(void)
{
	struct sigaction sa;

	if (sigaction(SIGCHLD, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
}

int child_keeper_start(struct keeper *k, struct reason *why)
{
	int p[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC), e = 0;

	*k = (struct keeper){.fd = -1};
	keep_statuses();
	if (null < 0)
		return fail_errno(why, errno, "/dev/null");
	if (pipe2(p, O_CLOEXEC) != 0) {
		e = errno;
	} else {
		e = spawn(&k->pid, keeper_script, p[0], null, null, -1);
		close(p[0]);
		k->fd = p[1];
	}
	close(null);
	if (!e)
		return 0;
	close_fd(&k->fd);
	return fail_errno(why, e, "starting a shell");
}

void child_keeper_stop(struct keeper *k)
{
	if (k->fd < 0)
		return;
	close_fd(&k->fd);
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void no_wait(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int child_start(struct child *c, struct keeper *k, const char *command, struct reason *why)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, e = 0;
	char *script = xasprintf("%s%s", announce, command);

	*c = (struct child){.in = -1, .out = -1, .pidfd = -1, .k = k};
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		e = errno;
	else
		e = spawn(&c->pid, script, in[0], out[1], -1, k->fd);
	free(script);
	close_fd(&in[0]);
	close_fd(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (!e) {
		c->pidfd = pidfd_open(c->pid, 0);
		if (c->pidfd < 0)
			e = errno;
	} else {
		c->pid = 0;
	}
	if (e) {
		child_stop(c);
		return fail_errno(why, e, "starting '%s'", command);
	}
	no_wait(c->in);
	no_wait(c->out);
	return 0;
}

int child_stop(struct child *c)
{
	int status = 0;

	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->pidfd);
	if (!c->pid)
		return 0;
	/* before the leader is reaped: until then its number cannot be another group's */
	kill(-c->pid, SIGKILL);
	tell_gone(c->k, c->pid);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	return status;
}
