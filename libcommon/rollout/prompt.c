/* prompt.c - what a policy sees of each problem. See prompt.h. */
#include "rollout/prompt.h"
#include "base/mem.h"
#include "chat/chat.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct work {
	struct prompts *s;
	const struct policy *p;
	const struct prompt_opts *o;
	struct chat chat;
	bool has_chat;
};

void prompt_wrap(const char *wrap, const char *text, struct buf *out)
{
	const char *at;

	for (; wrap && (at = strstr(wrap, PROMPT_PLACE)); wrap = at + strlen(PROMPT_PLACE)) {
		buf_add(out, wrap, (size_t)(at - wrap));
		buf_str(out, text);
	}
	buf_str(out, wrap ? wrap : text);
}

char *prompt_wrap_messages(const char *wrap, const char *messages, struct reason *why)
{
	json_t *j = json_loads(messages, 0, NULL), *m = NULL;
	struct buf text = {0};
	char *made = NULL;
	json_t *content;

	for (size_t i = json_array_size(j); i-- > 0 && !m;) {
		const char *role = json_string_value(json_object_get(json_array_get(j, i), "role"));

		if (role && strcmp(role, "user") == 0)
			m = json_array_get(j, i);
	}
	if (!m) {
		fail(why, ST_INPUT, "no message of the user's to wrap");
	} else {
		prompt_wrap(wrap, json_string_value(json_object_get(m, "content")), &text);
		content = json_stringn(text.p, text.n);
		if (!content)
			fail(why, ST_INPUT, "the template around its prompt is not UTF-8");
		json_object_set_new(m, "content", content);
		made = content ? json_dumps(j, JSON_COMPACT) : NULL;
	}
	buf_free(&text);
	json_decref(j);
	return made;
}

int prompt_args(struct chat *c, const struct opt_list *args, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < args->n && !st; i++)
		st = chat_set(c, args->v[i], why);
	return st ? fail_prefix(why, "--template-arg") : 0;
}

static int open_chat(struct work *w, struct reason *why)
{
	int st = w->has_chat ? 0 : policy_chat(w->p, &w->chat, why);

	if (!st && !w->has_chat)
		st = prompt_args(&w->chat, &w->o->args, why);
	w->has_chat = !st;
	return st;
}

static int render(struct work *w, const struct task *t, struct reason *why)
{
	bool go_on = t->open && (t->go_on || w->o->go_on);
	struct chat_ask ask = {.messages = t->messages,
			       .tools = t->tools,
			       .args = t->args,
			       .end = go_on ? CHAT_GO_ON : CHAT_ASK};
	char *wrapped = NULL;
	int st = open_chat(w, why);

	if (!st && t->open && !go_on)
		st = fail(why, ST_INPUT,
			  "they end with the assistant's: leave out a solution; with "
			  "--continue-final, "
			  "or \"continue_final_message\": true in the row, it is a beginning");
	if (!st && w->o->wrap && !(wrapped = prompt_wrap_messages(w->o->wrap, t->messages, why)))
		st = ST_INPUT;
	if (wrapped)
		ask.messages = wrapped;
	if (!st)
		st = chat_render(&w->chat, &ask, &w->s->text, NULL, why);
	free(wrapped);
	return st ? fail_prefix(why, "its messages (write what the policy is to see as \"prompt\")")
		  : 0;
}

static int encode(struct work *w, const struct task *t, size_t i, struct reason *why)
{
	struct prompts *s = w->s;
	struct span text;
	int st = 0;

	if (t->prompt)
		prompt_wrap(w->o->wrap, t->prompt, &s->text);
	else
		st = render(w, t, why);
	s->text_at[i + 1] = s->text.n;
	text = prompt_text(s, i);
	if (!st)
		st = tok_encode(w->p->tok, text.p, text.n, t->prompt != NULL, &s->ids, why);
	s->ids_at[i + 1] = s->ids.n;
	return st;
}

static int make_one(struct work *w, const struct task *t, size_t i, struct reason *why)
{
	int st = encode(w, t, i, why);
	size_t n = w->s->ids_at[i + 1] - w->s->ids_at[i];

	if (!st && n == 0)
		st = fail(why, ST_INPUT, "its prompt is empty");
	if (!st && n >= (size_t)w->p->cfg.max_len)
		st = fail(why, ST_INPUT,
			  "its prompt of %zu tokens leaves no room in the policy's %lld positions",
			  n, (long long)w->p->cfg.max_len);
	return st;
}

int prompt_make(struct prompts *s, const struct policy *p, const struct task_set *tasks,
		const char *name, const struct prompt_opts *o, struct reason *why)
{
	struct work w = {.s = s, .p = p, .o = o};
	int st = 0;

	s->text_at = xcalloc(tasks->n + 1, sizeof *s->text_at);
	s->ids_at = xcalloc(tasks->n + 1, sizeof *s->ids_at);
	for (size_t i = 0; i < tasks->n && !st; i++) {
		st = make_one(&w, &tasks->v[i], i, why);
		if (st)
			fail_prefix(why, "%s: task %s", name, tasks->v[i].id);
	}
	chat_free(&w.chat);
	return st;
}

int prompt_count(const struct policy *p, const struct task_set *tasks, const char *name,
		 const struct prompt_opts *o, size_t *n, struct reason *why)
{
	size_t text_at[2] = {0}, ids_at[2] = {0};
	struct prompts s = {.text_at = text_at, .ids_at = ids_at}; /* of one problem at a time */
	struct work w = {.s = &s, .p = p, .o = o};
	int st = 0;

	for (size_t i = 0; i < tasks->n && !st; i++) {
		buf_reset(&s.text);
		s.ids.n = 0;
		st = encode(&w, &tasks->v[i], 0, why);
		n[i] = s.ids.n;
		if (st)
			fail_prefix(why, "%s: task %s", name, tasks->v[i].id);
	}
	chat_free(&w.chat);
	buf_free(&s.text);
	free(s.ids.v);
	return st;
}

int prompt_limit(const struct policy *p, struct task_set *tasks, const char *name,
		 const struct prompt_opts *o, struct reason *why)
{
	size_t *n, least = SIZE_MAX, most = (size_t)o->most;
	bool *keep;
	int st;

	if (!most)
		return 0;
	n = xarray(tasks->n, sizeof *n);
	keep = xarray(tasks->n, sizeof *keep);
	st = prompt_count(p, tasks, name, o, n, why);
	for (size_t i = 0; i < tasks->n && !st; i++) {
		keep[i] = n[i] <= most;
		least = n[i] < least ? n[i] : least;
	}
	if (!st && least > most)
		st = fail(why, ST_INPUT, "%s: the shortest prompt has %zu tokens, more than %zu",
			  name, least, most);
	if (!st)
		task_keep(tasks, keep);
	free(n);
	free(keep);
	return st;
}

void prompt_free(struct prompts *s)
{
	buf_free(&s->text);
	free(s->ids.v);
	free(s->text_at);
	free(s->ids_at);
	*s = (struct prompts){0};
}

struct span prompt_text(const struct prompts *s, size_t task)
{
	return (struct span){s->text.n ? s->text.p + s->text_at[task] : "",
			     s->text_at[task + 1] - s->text_at[task]};
}

const uint32_t *prompt_ids(const struct prompts *s, size_t task, size_t *n)
{
	*n = s->ids_at[task + 1] - s->ids_at[task];
	return s->ids.v + s->ids_at[task];
}
