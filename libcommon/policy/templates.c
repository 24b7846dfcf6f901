/* templates.c - named chat templates. See templates.h. */
#include "policy/templates.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "policy/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "additional_chat_templates"
#define END ".jinja"

enum { MOST = 64, MAX_TEMPLATE = 4 << 20 };

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_template(const char *file)
{
	size_t n = strlen(file), end = strlen(END);

	return n > end && file[0] != '.' && strcmp(file + n - end, END) == 0;
}

/* The files of an open folder, in order, *n of at most MOST; the caller frees each. */
static int list_files(DIR *d, const char *path, char **v, size_t *n, struct reason *why)
{
	const struct dirent *e;

	*n = 0;
	while ((e = readdir(d))) {
		if (!is_template(e->d_name))
			continue;
		if (*n == MOST)
			return fail(why, ST_INPUT, "%s: more than %d templates", path, MOST);
		v[(*n)++] = xstrdup(e->d_name);
	}
	qsort(v, *n, sizeof *v, by_name);
	return 0;
}

/* Puts a template into the list, in place of one of its name. */
static int put_template(json_t *list, const char *name, size_t n_name, const struct buf *text,
			const char *where, struct reason *why)
{
	json_t *item = json_pack("{s:s%, s:s%}", "name", name, n_name, "template",
				 text->n ? text->p : "", text->n);
	size_t i;
	json_t *old;

	if (!item)
		return fail(why, ST_INPUT, "%s: not UTF-8", where);
	json_array_foreach(list, i, old)
	{
		if (!json_equal(json_object_get(old, "name"), json_object_get(item, "name")))
			continue;
		json_array_set_new(list, i, item);
		return 0;
	}
	json_array_append_new(list, item);
	return 0;
}

static int read_one(json_t *list, const char *folder, const char *file, struct reason *why)
{
	char *path = xasprintf("%s/%s", folder, file);
	struct buf text = {0};
	int st = file_check_plain(path, why) ? why->status
					     : file_read(path, MAX_TEMPLATE, &text, why);

	if (!st)
		st = folder_check_text(&text, path, why);
	if (!st)
		st = put_template(list, file, strlen(file) - strlen(END), &text, path, why);
	buf_free(&text);
	free(path);
	return st;
}

/* What config has: a list, or one that is the default. The caller's */
static json_t *list_of(const json_t *config)
{
	const json_t *was = json_object_get(config, "chat_template");

	if (json_is_array(was))
		return json_deep_copy(was);
	return json_is_string(was) ? json_pack("[{s:s, s:O}]", "name", "default", "template", was)
				   : json_array();
}

static int gather(json_t *list, const char *folder, char **file, size_t n, struct buf *jinja,
		  struct reason *why)
{
	int st = 0;

	if (jinja->n)
		st = put_template(list, "default", strlen("default"), jinja, "chat_template.jinja",
				  why);
	for (size_t i = 0; i < n && !st; i++)
		st = read_one(list, folder, file[i], why);
	return st;
}

static int rewrite(const char *folder, char **file, size_t n, struct buf *config, struct buf *jinja,
		   struct reason *why)
{
	json_t *j = config->n ? json_parse_wide(config->p, config->n, "tokenizer_config.json", why)
			      : json_object(),
	       *list;
	char *text;
	int st;

	if (!json_is_object(j)) {
		json_decref(j);
		return 0; /* said where it is read */
	}
	list = list_of(j);
	st = gather(list, folder, file, n, jinja, why);
	json_object_set_new(j, "chat_template", list);
	if (!st) {
		text = json_dumps(j, JSON_INDENT(2));
		buf_reset(config);
		buf_str(config, text);
		buf_char(config, '\n');
		free(text);
		buf_reset(jinja);
	}
	json_decref(j);
	return st;
}

int templates_gather(const char *dir, struct buf *config, struct buf *jinja, struct reason *why)
{
	char *folder = xasprintf("%s/" FOLDER, dir), *file[MOST];
	DIR *d = opendir(folder);
	size_t n = 0;
	int st = 0;

	if (d)
		st = list_files(d, folder, file, &n, why);
	else if (errno != ENOENT && errno != ENOTDIR)
		st = fail_errno(why, errno, "%s", folder);
	if (d)
		closedir(d);
	if (n && !st)
		st = rewrite(folder, file, n, config, jinja, why);
	while (n)
		free(file[--n]);
	free(folder);
	return st;
}
