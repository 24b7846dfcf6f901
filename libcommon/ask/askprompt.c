/* askprompt.c - each problem as a server is asked for it. See askprompt.h. */
#include "ask/askprompt.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct making {
	const struct prompt_opts *o;
	const struct policy *policy;
	bool completions;
	struct chat chat; /* its args are those of --template-arg */
};

static char *taken(struct buf *b)
{
	char *s = xstrdup(buf_cstr(b));

	buf_free(b);
	return s;
}

/* A text as the one message of a user */
static char *message_of(const char *text)
{
	struct buf b = {0};

	buf_str(&b, "[{\"role\":\"user\",\"content\":");
	json_string_to(&b, text, strlen(text));
	buf_str(&b, "}]");
	return taken(&b);
}

/* What records call a prompt where no template is known */
static char *text_of(const char *messages)
{
	json_t *j = json_loads(messages, 0, NULL);
	const json_t *content = json_object_get(json_array_get(j, 0), "content");
	char *text = xstrdup(json_array_size(j) == 1 && json_is_string(content)
				     ? json_string_value(content)
				     : messages);

	json_decref(j);
	return text;
}

/* Arguments of the template: the problem's count before those of --template-arg. */
static char *args_of(const struct making *m, const struct task *t)
{
	json_t *own = t->args ? json_loads(t->args, 0, NULL) : NULL;
	json_t *all = m->chat.args ? json_copy(m->chat.args) : json_object();
	char *text = NULL;

	if (own)
		json_object_update(all, own);
	if (json_object_size(all))
		text = json_dumps(all, JSON_COMPACT);
	json_decref(own);
	json_decref(all);
	return text;
}

static int for_chat(const struct making *m, const struct task *t, struct askprompt *p,
		    struct reason *why)
{
	p->go_on = t->open && (t->go_on || m->o->go_on);
	if (t->open && !p->go_on)
		return fail(why, ST_INPUT,
			    "its messages end with the assistant's: leave out a solution; with "
			    "--continue-final, or \"continue_final_message\": true in the row, it "
			    "is a beginning");
	p->messages = m->o->wrap ? prompt_wrap_messages(m->o->wrap, t->messages, why)
				 : xstrdup(t->messages);
	if (!p->messages)
		return ST_INPUT;
	p->args = args_of(m, t);
	if (!m->policy)
		p->text = text_of(p->messages);
	return 0;
}

static int for_completions(const struct making *m, const struct task *t, struct askprompt *p,
			   struct reason *why)
{
	struct buf b = {0};

	if (m->policy)
		return 0;
	if (!t->prompt)
		return fail(why, ST_INPUT,
			    "it has messages: --completions needs -p, whose "
			    "template makes a text of them");
	prompt_wrap(m->o->wrap, t->prompt, &b);
	p->text = taken(&b);
	return 0;
}

/* What is sent as messages is messages to the policy, too. */
static void make_messages(struct task *t)
{
	if (t->prompt) {
		t->messages = message_of(t->prompt);
		free(t->prompt);
		t->prompt = NULL;
	}
}

static int render_all(struct askprompts *s, const struct making *m, const struct task_set *tasks,
		      const char *name, struct reason *why)
{
	struct prompts made = {0};
	int st = prompt_make(&made, m->policy, tasks, name, m->o, why);

	for (size_t i = 0; i < tasks->n && !st; i++) {
		struct span text = prompt_text(&made, i);

		s->v[i].text = xstrndup(text.p, text.n);
	}
	prompt_free(&made);
	return st;
}

/* A copy of the problems in which all are messages; the caller frees it by free_copy. */
static struct task_set copy_of(const struct task_set *tasks, bool completions)
{
	struct task_set copy = {xarray(tasks->n, sizeof *copy.v), tasks->n};

	for (size_t i = 0; i < tasks->n; i++) {
		copy.v[i] = tasks->v[i];
		copy.v[i].prompt = tasks->v[i].prompt ? xstrdup(tasks->v[i].prompt) : NULL;
		copy.v[i].messages = tasks->v[i].messages ? xstrdup(tasks->v[i].messages) : NULL;
		if (!completions)
			make_messages(&copy.v[i]);
	}
	return copy;
}

static void free_copy(struct task_set *copy)
{
	for (size_t i = 0; i < copy->n; i++) {
		free(copy->v[i].prompt);
		free(copy->v[i].messages);
	}
	free(copy->v);
}

int askprompt_make(struct askprompts *s, const struct task_set *tasks, const char *name,
		   const struct prompt_opts *o, const struct policy *policy, bool completions,
		   struct reason *why)
{
	struct making m = {.o = o, .policy = policy, .completions = completions};
	struct task_set copy = copy_of(tasks, completions);
	int st = prompt_args(&m.chat, &o->args, why);

	s->n = tasks->n;
	s->v = xcalloc(tasks->n + 1, sizeof *s->v);
	for (size_t i = 0; i < copy.n && !st; i++) {
		st = completions ? for_completions(&m, &copy.v[i], &s->v[i], why)
				 : for_chat(&m, &copy.v[i], &s->v[i], why);
		if (st)
			fail_prefix(why, "%s: task %s", name, copy.v[i].id);
	}
	if (!st && policy)
		st = render_all(s, &m, &copy, name, why);
	free_copy(&copy);
	chat_free(&m.chat);
	return st;
}

void askprompt_free(struct askprompts *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].text);
		free(s->v[i].messages);
		free(s->v[i].args);
	}
	free(s->v);
	*s = (struct askprompts){0};
}
