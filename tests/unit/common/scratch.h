/* scratch.h - a folder of files for one test; the shared real data. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include "base/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A new empty folder; the name is valid until the next call. */
static inline const char *scratch_new(void)
{
	static char dir[4096];
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%s/unit-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return dir;
}

/* dir/name, valid until the next call */
static inline const char *scratch_path(const char *dir, const char *name)
{
	static char path[8192];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static inline void scratch_put(const char *dir, const char *name, const void *p, size_t n)
{
	int fd = open(scratch_path(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

/* Removes the folder and the files in it. */
static inline void scratch_free(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
}

/* Skips the test where the file of the shared real data is absent; else its path, valid until the
 * next call. */
static inline const char *shared_data(const char *name)
{
	static char path[4096];
	const char *dir = getenv("SHARED_DATA");

	snprintf(path, sizeof path, "%s/%s", dir ? dir : "../shared/data", name);
	if (access(path, F_OK) != 0) {
		print_message("skipped: %s is absent\n", path);
		skip();
	}
	return path;
}

/* The reason must say all of this. */
static inline void assert_says(const struct reason *why, const char *what)
{
	if (!strstr(why->text, what))
		fail_msg("\"%s\" lacks \"%s\"", why->text, what);
}

#endif
