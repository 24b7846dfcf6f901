/* folder.c - folders that are no policies. See folder.h. */
#include "policy/folder.h"
#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* A link to what is gone */
static bool is_dangling(const char *path)
{
	struct stat sb;

	return lstat(path, &sb) == 0 && S_ISLNK(sb.st_mode) && access(path, F_OK) != 0;
}

bool folder_is_name(const char *dir)
{
	int slashes = 0;

	if (!isalnum((unsigned char)*dir))
		return false;
	for (const char *p = dir; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("/._-", *p))
			return false;
		slashes += *p == '/';
		if (*p == '/' && (!p[1] || p[1] == '/'))
			return false;
	}
	return slashes == 1;
}

/* Of a hub's cache, the snapshot that is its present one, or the only one; empty: neither */
static void find_snapshot(const char *dir, char *to, size_t room)
{
	char *ref = xasprintf("%s/refs/main", dir), *all = xasprintf("%s/snapshots", dir);
	FILE *f = fopen(ref, "re");
	DIR *d = opendir(all);
	const struct dirent *e;
	int n = 0;

	*to = '\0';
	if (f && fscanf(f, "%63[0-9a-f]", to) != 1)
		*to = '\0';
	while (d && !*to && (e = readdir(d)))
		if (*e->d_name != '.' && ++n == 1)
			snprintf(to, room, "%s", e->d_name);
	while (n && d && (e = readdir(d)))
		n += *e->d_name != '.';
	if (n > 1)
		*to = '\0';
	if (f)
		fclose(f);
	if (d)
		closedir(d);
	free(ref);
	free(all);
}

static int is_cache(const char *dir, const char *name, struct reason *why)
{
	char snapshot[256];

	find_snapshot(dir, snapshot, sizeof snapshot);
	return fail(why, ST_INPUT,
		    "%s/%s: no such file: a hub's cache: the policy is %s/snapshots/%s", dir, name,
		    dir, *snapshot ? snapshot : "NAME, one of those there");
}

static bool is_gguf(const char *path)
{
	char magic[4] = "";
	FILE *f = fopen(path, "re");
	bool is = f && fread(magic, sizeof magic, 1, f) == 1 && memcmp(magic, "GGUF", 4) == 0;

	if (f)
		fclose(f);
	return is;
}

/* Which files would do, had another program written them anew */
static const char *advice(const char *dir, const char *name)
{
	bool tokenizer = strcmp(name, "tokenizer.json") == 0;

	if (tokenizer && (has(dir, "tokenizer.model") || has(dir, "vocab.json")))
		return "a tokenizer in another form, which is not read: transformers writes "
		       "tokenizer.json "
		       "(AutoTokenizer.from_pretrained(FOLDER).save_pretrained(NEW))";
	if (strcmp(name, "config.json") == 0 && has(dir, "params.json"))
		return "a checkpoint in its maker's own layout, which is not read: take the one in "
		       "Hugging Face layout";
	return "not a policy folder";
}

int folder_lacks(const char *dir, const char *name, struct reason *why)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat sb;
	bool there = stat(dir, &sb) == 0;
	int st;

	if (!there && folder_is_name(dir))
		st = fail(why, ST_INPUT,
			  "%s: no such file: there is no such folder; if it is a model's name on a "
			  "hub: hf download %s --local-dir FOLDER, then give FOLDER",
			  path, dir);
	else if (there && S_ISREG(sb.st_mode) && is_gguf(dir))
		st = fail(why, ST_INPUT,
			  "%s: a GGUF: policy-convert %s -o FOLDER makes a policy of it", dir, dir);
	else if (there && !S_ISDIR(sb.st_mode))
		st = fail(why, ST_INPUT, "%s: a file: a policy is a folder", dir);
	else if (has(dir, "snapshots"))
		st = is_cache(dir, name, why);
	else if (is_dangling(path))
		st = fail(why, ST_INPUT,
			  "%s: no such file: a link to a file that is gone: download it again",
			  path);
	else
		st = fail(why, ST_INPUT, "%s: no such file: %s", path, advice(dir, name));
	free(path);
	return st;
}

bool folder_has_weights(const char *dir)
{
	return has(dir, "model.safetensors") || has(dir, "model.safetensors.index.json");
}

int folder_lacks_weights(const char *dir, struct reason *why)
{
	static const char *const others[] = {"pytorch_model.bin",
					     "pytorch_model.bin.index.json",
					     "consolidated.safetensors",
					     "consolidated.00.pth",
					     "tf_model.h5",
					     "flax_model.msgpack"};
	const char *other = NULL;

	for (size_t i = 0; i < sizeof others / sizeof *others && !other; i++)
		if (has(dir, others[i]))
			other = others[i];
	if (!other)
		return folder_lacks(dir, "model.safetensors", why);
	return fail(
		why, ST_INPUT,
		"%s/model.safetensors: no such file: %s is not read: transformers writes it as "
		"safetensors (AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW))",
		dir, other);
}

int folder_check_text(const struct buf *text, const char *path, struct reason *why)
{
	static const char pointer[] = "version https://git-lfs";

	if (text->n < sizeof pointer - 1 || memcmp(text->p, pointer, sizeof pointer - 1) != 0)
		return 0;
	return fail(why, ST_INPUT, "%s: a pointer of Git LFS, not the file (git lfs pull gets it)",
		    path);
}
