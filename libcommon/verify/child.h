/*
 * child.h - programs of the user's: started, fed and read without waiting, ended with all they
 * started.
 *
 * Each child is "/bin/sh -c COMMAND" in a process group of its own, stdin and stdout are pipes of
 * ours, fd 2 is the tool's, SIGPIPE and the like are back at their defaults. The process must
 * ignore SIGPIPE itself (tool_start does).
 *
 * So that no child outlives the tool, whatever kills the tool, a keeper goes with them: a shell
 * that waits on a pipe which only the tool holds, and at its end kills the process groups that it
 * was told of. What leaves its process group (setsid) escapes.
 */
#ifndef VERIFY_CHILD_H
#define VERIFY_CHILD_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

struct keeper {
	pid_t pid;
	int fd; /* its standard input; -1: none */
};
int child_keeper_start(struct keeper *k, struct reason *why);
void child_keeper_stop(struct keeper *k);

struct child {
	pid_t pid;        /* and process group; 0: none */
	int in, out;      /* our ends, non-blocking: its stdin, its stdout; -1: closed */
	int pidfd;        /* readable once it has exited */
	struct keeper *k; /* borrowed */
};
int child_start(struct child *c, struct keeper *k, const char *command, struct reason *why);
/* Kills the process group, waits for the child, closes. Returns its wait status, as waitpid(2)
 * gives it, with what it did by itself before the kill. */
int child_stop(struct child *c);

#endif
