/*
 * replay.c - gives a fuzz target the files named, and those of the folders named: a test by file.
 *
 *     build/fuzz/record tests/fuzz/corpus/record tests/fuzz/findings/record
 *
 * Each file is copied into memory of its very size, so that a sanitizer sees a read behind its end.
 */
#include "fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE = 64 << 20 };

static int files;

static int replay(const char *path)
{
	struct buf b = {0};
	struct reason why;
	uint8_t *copy;

	if (file_read(path, MAX_FILE, &b, &why)) {
		printf("not ok %d - %s\n# %s\n", ++files, path, why.text);
		return 1;
	}
	printf("# %s\n", path);
	fflush(stdout);
	copy = malloc(b.n ? b.n : 1);
	MUST(copy);
	if (b.n)
		memcpy(copy, b.p, b.n);
	LLVMFuzzerTestOneInput(copy, b.n);
	free(copy);
	buf_free(&b);
	printf("ok %d - %s\n", ++files, path);
	return 0;
}

static int replay_folder(const char *dir)
{
	struct dirent **e;
	int n = scandir(dir, &e, NULL, alphasort), bad = n < 0;

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s", dir, e[i]->d_name);
		if (e[i]->d_name[0] != '.')
			bad |= replay(path);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return bad;
}

int main(int argc, char *argv[])
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct stat sb;

		if (stat(argv[i], &sb) == 0 && S_ISDIR(sb.st_mode))
			bad |= replay_folder(argv[i]);
		else
			bad |= replay(argv[i]);
	}
	printf("1..%d\n", files);
	return bad;
}
