/* task.c - problem sets from JSONL. See task.h. */
#include "stream/task.h"
#include "base/fmt.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/set.h"
#include "stream/json.h"
#include "stream/pack.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = MP_MAX_BYTES };

/* A row being read: which of its keys have been understood, the rest is the user's. */
struct row {
	json_t *j;
	const char *used[12];
	size_t n_used;
	const char *where; /* "file:line" */
	struct reason *why;
};

static json_t *use(struct row *r, const char *key)
{
	json_t *v = json_object_get(r->j, key);

	if (v)
		r->used[r->n_used++] = key;
	return json_is_null(v) ? NULL : v;
}

static int bad(const struct row *r, const char *key, const char *what)
{
	return fail(r->why, ST_INPUT, "%s: %s: %s", r->where, key, what);
}

static bool has_nul(const json_t *string)
{
	return strlen(json_string_value(string)) != json_string_length(string);
}

/* Text as a C string; a NUL in it would hide what follows. */
static int get_text(const struct row *r, const char *key, const json_t *v, char **out)
{
	if (!json_is_string(v))
		return bad(r, key, "not a string");
	if (has_nul(v))
		return bad(r, key, "a NUL character in the text");
	*out = xstrdup(json_string_value(v));
	return 0;
}

/* An id or answer: text, or anything else as its JSON text (12, true, ["a","b"]). */
static int get_value(const struct row *r, const char *key, const json_t *v, char **out)
{
	struct buf packed = {0}, text = {0};
	size_t len;

	if (json_is_string(v))
		return get_text(r, key, v, out);
	json_to_mp(&packed, v);
	if (mp_skim(packed.p, packed.n, &len) != MP_OK) {
		buf_free(&packed);
		return bad(r, key, "nested too deep or too large");
	}
	json_from_mp(&text, (struct mp){(const uint8_t *)packed.p, packed.n});
	*out = xstrdup(buf_cstr(&text));
	buf_free(&packed);
	buf_free(&text);
	return 0;
}

/* A list of the row as its JSON text */
static int get_list(const struct row *r, const json_t *v, char **out)
{
	char *text = json_dumps(v, JSON_COMPACT);

	if (!text)
		return fail(r->why, ST_SYSTEM, "%s: out of memory", r->where);
	*out = xstrdup(text);
	free(text);
	return 0;
}

static int get_messages(const struct row *r, const char *key, const json_t *v, char **out)
{
	size_t i;
	json_t *m;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return bad(r, key, "not a list of messages");
	json_array_foreach(v, i, m)
	{
		if (!json_is_string(json_object_get(m, "role")) ||
		    !json_is_string(json_object_get(m, "content")))
			return bad(r, key, "a message without the strings role and content");
		if (has_nul(json_object_get(m, "content")))
			return bad(r, key, "a NUL character in the text");
	}
	return get_list(r, v, out);
}

/* Tools are the messages' business: beside a prompt they are the user's own. */
static int get_tools(struct row *r, struct task *t)
{
	json_t *v = t->messages ? use(r, "tools") : NULL;

	if (v && !json_is_array(v))
		return bad(r, "tools", "not a list");
	return json_array_size(v) ? get_list(r, v, &t->tools) : 0;
}

/* The number behind "####" that ends an answer of GSM8K, thousands separators left out; NULL
 * without it. */
static char *gsm8k_answer(const char *text)
{
	const char *p = strstr(text, "####");
	char *out, *w;

	for (const char *next = p; next; next = strstr(next + 4, "####"))
		p = next;
	if (!p)
		return NULL;
	p += 4 + strspn(p + 4, " \t");
	w = out = xstrdup(p);
	for (; *p; p++)
		if (*p != ',')
			*w++ = *p;
	while (w > out && strchr(" \t\r\n", w[-1]))
		w--;
	*w = '\0';
	return out;
}

static int get_prompt(struct row *r, struct task *t)
{
	static const char *const names[] = {"prompt", "question", "problem"};
	json_t *messages = use(r, "messages");

	if (messages)
		return json_object_get(r->j, "prompt")
			       ? bad(r, "messages", "prompt is there too: which of them?")
			       : get_messages(r, "messages", messages, &t->messages);
	for (size_t i = 0; i < 3; i++) {
		json_t *v = use(r, names[i]);

		if (v && json_is_array(v) && i == 0) /* verl, DAPO */
			return get_messages(r, names[i], v, &t->messages);
		if (v)
			return get_text(r, names[i], v, &t->prompt);
	}
	return fail(r->why, ST_INPUT, "%s: no prompt, messages, question or problem", r->where);
}

static void imply(struct task *t, const char *verifier)
{
	t->verifier = xstrdup(verifier);
	t->implied = true;
}

/* An "answer": the end of a worked solution in GSM8K, an expression in MATH. */
static void known_form(const struct row *r, struct task *t)
{
	bool question = json_is_string(json_object_get(r->j, "question"));
	char *number = question ? gsm8k_answer(t->answer) : NULL;

	if (number) {
		free(t->answer);
		t->answer = number;
		imply(t, "gsm8k");
	} else if (json_is_string(json_object_get(r->j, "problem"))) {
		imply(t, "math");
	}
}

static bool mentions(const json_t *v, const char *word)
{
	return json_is_string(v) && strcasestr(json_string_value(v), word);
}

/* verl's rows say what they are about. */
static void known_source(const struct row *r, struct task *t)
{
	const json_t *source = json_object_get(r->j, "data_source");

	if (mentions(source, "gsm8k"))
		imply(t, "gsm8k");
	else if (mentions(source, "math") || mentions(source, "aime") ||
		 mentions(json_object_get(r->j, "ability"), "math"))
		imply(t, "math");
}

static int get_answer(struct row *r, struct task *t)
{
	json_t *v = use(r, "answer"), *model;
	int st;

	if (v) {
		st = get_value(r, "answer", v, &t->answer);
		if (!st)
			known_form(r, t);
		return st;
	}
	/* verl: read, but left among the user's keys, since it may hold more */
	model = json_object_get(r->j, "reward_model");
	v = json_object_get(model, "ground_truth");
	if (!v || json_is_null(v))
		return 0;
	st = get_value(r, "reward_model.ground_truth", v, &t->answer);
	if (!st)
		known_source(r, t);
	return st;
}

static int get_id(struct row *r, struct task *t, size_t line)
{
	const char *name = "id";
	json_t *v = use(r, "id");

	if (!v)
		v = use(r, name = "unique_id");
	if (!v)
		v = json_object_get(json_object_get(r->j, "extra_info"), name = "index");
	if (!v || json_is_null(v)) {
		t->id = xasprintf("line:%zu", line);
		return 0;
	}
	if (!json_is_string(v) && !json_is_integer(v))
		return bad(r, name, "neither a string nor a whole number");
	return get_value(r, name, v, &t->id);
}

static bool is_used(const struct row *r, const char *key)
{
	for (size_t i = 0; i < r->n_used; i++)
		if (strcmp(r->used[i], key) == 0)
			return true;
	return false;
}

/* The row's own meta with the keys that nobody understood added to it. */
static int get_meta(struct row *r, struct task *t)
{
	json_t *own = use(r, "meta"), *all, *v;
	const char *key;
	size_t len;
	int st = 0;

	if (own && !json_is_object(own))
		return bad(r, "meta", "not an object");
	all = own ? json_copy(own) : json_object();
	json_object_foreach(r->j, key, v)
	{
		if (is_used(r, key))
			continue;
		if (json_object_get(all, key) && !st)
			st = bad(r, key, "the key stands in the row and in its meta");
		json_object_set(all, key, v);
	}
	if (!st && json_object_size(all)) {
		json_to_mp(&t->meta, all);
		if (mp_skim(t->meta.p, t->meta.n, &len) != MP_OK ||
		    mp_type((struct mp){(const uint8_t *)t->meta.p, len}) != MP_MAP)
			st = bad(r, "meta", "nested too deep, too large, or no map");
	}
	json_decref(all);
	return st;
}

static int read_row(struct row *r, struct task *t, size_t line)
{
	json_t *v;
	int st;

	if (!json_is_object(r->j))
		return fail(r->why, ST_INPUT, "%s: not a JSON object", r->where);
	st = get_prompt(r, t);
	if (!st)
		st = get_tools(r, t);
	if (!st)
		st = get_answer(r, t);
	if (!st)
		st = get_id(r, t, line);
	v = st ? NULL : use(r, "verifier");
	if (v) {
		free(t->verifier);
		t->verifier = NULL;
		t->implied = false;
		st = get_text(r, "verifier", v, &t->verifier);
	}
	return st ? st : get_meta(r, t);
}

const char *task_verifier(const struct task *t, const char *option)
{
	return t->implied && option ? option : t->verifier ? t->verifier : option;
}

static void free_task(struct task *t)
{
	free(t->id);
	free(t->prompt);
	free(t->messages);
	free(t->tools);
	free(t->answer);
	free(t->verifier);
	buf_free(&t->meta);
}

uint64_t task_hash(const struct task_set *s)
{
	struct hash *h = hash_new();
	uint64_t sum;

	for (size_t i = 0; i < s->n; i++) {
		const struct task *t = &s->v[i];
		const char *text[] = {t->id,    t->prompt, t->messages,
				      t->tools, t->answer, t->verifier};

		for (size_t k = 0; k < sizeof text / sizeof *text; k++)
			hash_add(h, text[k] ? text[k] : "\1", text[k] ? strlen(text[k]) + 1 : 2);
		hash_add(h, &t->meta.n, sizeof t->meta.n);
		hash_add(h, t->meta.p, t->meta.n);
	}
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

void task_free(struct task_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_task(&s->v[i]);
	free(s->v);
	*s = (struct task_set){0};
}

static struct span trimmed(struct span s, size_t line)
{
	if (line == 1 && s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		s = (struct span){s.p + 3, s.n - 3};
	while (s.n && strchr(" \t\r", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s = (struct span){s.p + 1, s.n - 1};
	return s;
}

/* What a first line that is no JSON object seems to be; NULL: nothing known. */
static const char *looks_like(struct span s)
{
	unsigned char c = s.n ? (unsigned char)*s.p : 0;

	if (c == '[')
		return "a JSON array: one problem a line is wanted (jq -c '.[]' makes it so)";
	if (c >= 0x80 && c < 0xc0)
		return "a trajectory stream: problems are JSON, one a line";
	if (c == 0x1f)
		return "gzip data (gzip -dc reads it)";
	if (s.n >= 4 && memcmp(s.p, "PAR1", 4) == 0)
		return "a Parquet file: problems are JSON, one a line";
	return NULL;
}

static int load_line(struct task_set *s, struct set *ids, struct span text, const char *name,
		     size_t line, struct reason *why)
{
	char *where = xasprintf("%s:%zu", name, line);
	struct row r = {.where = where, .why = why};
	struct task t = {0};
	const char *what = s->n ? NULL : looks_like(text);
	int st = ST_INPUT;

	if (what) {
		fail(why, ST_INPUT, "%s: it looks like %s", where, what);
		goto out;
	}
	r.j = json_parse(text.p, text.n, where, why);
	if (!r.j)
		goto out;
	st = read_row(&r, &t, line);
	if (!st && !set_add(ids, t.id, strlen(t.id)))
		st = fail(why, ST_INPUT, "%s: id \"%s\" is not the first with this name", where,
			  t.id);
	if (st) {
		free_task(&t);
	} else {
		if ((s->n & (s->n - 1)) == 0) /* room for the next power of two */
			s->v = xgrow(s->v, s->n ? 2 * s->n : 1, sizeof *s->v);
		s->v[s->n++] = t;
	}
out:
	json_decref(r.j);
	free(where);
	return st;
}

int task_load(struct task_set *s, const char *path, struct reason *why)
{
	struct in in;
	struct set ids = {0};
	struct span text;
	struct reason local;
	size_t line = 0;
	int got, st;

	why = why ? why : &local;
	st = in_open(&in, path, why);
	*s = (struct task_set){0};
	if (st)
		return st;
	while (!st && (got = in_line(&in, MAX_LINE, &text, why)) != 0) {
		if (got < 0) {
			st = why->status;
			break;
		}
		text = trimmed(text, ++line);
		if (text.n)
			st = load_line(s, &ids, text, in.name, line, why);
	}
	if (!st && s->n == 0)
		st = fail(why, ST_INPUT, "%s: no problems in it", in.name);
	in_close(&in);
	set_free(&ids);
	if (st)
		task_free(s);
	return st;
}
