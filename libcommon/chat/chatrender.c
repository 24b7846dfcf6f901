/* chatrender.c - messages as each template writes them: chat_render of chat.h. */
#include "base/json.h"
#include "chat/chat.h"
#include "chat/filters.h"

#include <string.h>

struct work {
	const struct chat *c;
	const json_t *messages, *tools; /* tools NULL: none */
	size_t n;                       /* messages */
	bool ask;
	struct buf *out;
	struct reason *why;
};

static void put(struct work *w, struct span s)
{
	buf_add(w->out, s.p, s.n);
}

static const json_t *message(const struct work *w, size_t i)
{
	return json_array_get(w->messages, i);
}

static struct span text(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return (struct span){json_string_value(v), json_string_length(v)};
}

static bool is_role(const struct work *w, size_t i, const char *role)
{
	return i < w->n && span_is(text(message(w, i), "role"), role);
}

/* The first message's content where it is the system's, else what the template has itself */
static struct span system_prompt(const struct work *w)
{
	if (is_role(w, 0, "system"))
		return text(message(w, 0), "content");
	return (struct span){w->c->system.p, w->c->system.n};
}

/* ---- ChatML and Qwen ---- */

static void put_turn(struct work *w, struct span role, struct span content)
{
	buf_str(w->out, "<|im_start|>");
	put(w, role);
	buf_char(w->out, '\n');
	put(w, content);
	buf_str(w->out, "<|im_end|>\n");
}

static int chatml(struct work *w)
{
	if (w->c->system.n && !is_role(w, 0, "system"))
		put_turn(w, (struct span){"system", 6}, system_prompt(w));
	for (size_t i = 0; i < w->n; i++)
		put_turn(w, text(message(w, i), "role"), text(message(w, i), "content"));
	buf_str(w->out, w->ask ? "<|im_start|>assistant\n" : "");
	return 0;
}

/* The system's turn, with what Qwen's models were taught about tools */
static void put_tools(struct work *w)
{
	const json_t *tool;
	size_t i;

	buf_str(w->out,
		"# Tools\n\nYou may call one or more functions to assist with the user "
		"query.\n\nYou are provided with function signatures within <tools></tools> "
		"XML tags:\n<tools>");
	json_array_foreach(w->tools, i, tool)
	{
		buf_char(w->out, '\n');
		filter_tojson(w->out, tool, false);
	}
	buf_str(w->out, "\n</tools>\n\nFor each function call, return a json object with function "
			"name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
			"{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"
			"</tool_call><|im_end|>\n");
}

static void put_qwen_system(struct work *w)
{
	struct span system = system_prompt(w);

	if (!w->tools) {
		if (system.p)
			put_turn(w, (struct span){"system", 6}, system);
		return;
	}
	buf_str(w->out, "<|im_start|>system\n");
	put(w, system);
	buf_str(w->out, system.p ? "\n\n" : "");
	put_tools(w);
}

static void put_call(struct work *w, const json_t *call)
{
	const json_t *f = json_object_get(call, "function"), *args;

	f = f ? f : call;
	args = json_object_get(f, "arguments");
	buf_str(w->out, "<tool_call>\n{\"name\": \"");
	put(w, text(f, "name"));
	buf_str(w->out, "\", \"arguments\": ");
	if (json_is_string(args) && w->c->style == CHAT_QWEN3)
		put(w, text(f, "arguments"));
	else
		filter_tojson(w->out, args, false);
	buf_str(w->out, "}\n</tool_call>");
}

/* Results of tools that stand next to each other are one turn of the user's. */
static void put_result(struct work *w, size_t i)
{
	if (i == 0 || !is_role(w, i - 1, "tool"))
		buf_str(w->out, "<|im_start|>user");
	buf_str(w->out, "\n<tool_response>\n");
	put(w, text(message(w, i), "content"));
	buf_str(w->out, "\n</tool_response>");
	if (!is_role(w, i + 1, "tool"))
		buf_str(w->out, "<|im_end|>\n");
}

static void put_answer(struct work *w, const json_t *m)
{
	const json_t *calls = json_object_get(m, "tool_calls"), *call;
	struct span content = text(m, "content");
	size_t i;

	if (!json_array_size(calls)) {
		put_turn(w, text(m, "role"), content);
		return;
	}
	buf_str(w->out, content.n ? "<|im_start|>assistant\n" : "<|im_start|>assistant");
	put(w, content);
	json_array_foreach(calls, i, call)
	{
		buf_char(w->out, '\n');
		put_call(w, call);
	}
	buf_str(w->out, "<|im_end|>\n");
}

static int qwen2(struct work *w)
{
	put_qwen_system(w);
	for (size_t i = 0; i < w->n; i++)
		if (is_role(w, i, "user") || (is_role(w, i, "system") && i))
			put_turn(w, text(message(w, i), "role"), text(message(w, i), "content"));
		else if (is_role(w, i, "assistant"))
			put_answer(w, message(w, i));
		else if (is_role(w, i, "tool"))
			put_result(w, i);
	buf_str(w->out, w->ask ? "<|im_start|>assistant\n" : "");
	return 0;
}

/* The last message that is the user's own and no tool's result; n: there is none */
static size_t last_question(const struct work *w)
{
	static const char begin[] = "<tool_response>", end[] = "</tool_response>";
	size_t nb = sizeof begin - 1, ne = sizeof end - 1;

	for (size_t i = w->n; i-- > 0;) {
		struct span s = text(message(w, i), "content");

		if (is_role(w, i, "user") && !(s.n >= nb && memcmp(s.p, begin, nb) == 0 &&
					       s.n >= ne && memcmp(s.p + s.n - ne, end, ne) == 0))
			return i;
	}
	return w->n;
}

static void put_thoughtful_answer(struct work *w, size_t i, bool after_question)
{
	const json_t *m = message(w, i), *calls = json_object_get(m, "tool_calls"), *call;
	struct span content = text(m, "content"), thought = text(m, "reasoning_content");
	size_t k;

	if (!thought.p && filter_find(content, "</think>")) {
		thought = filter_rstrip_newlines(filter_before(content, "</think>"));
		thought = filter_lstrip_newlines(filter_behind_last(thought, "<think>"));
		content = filter_lstrip_newlines(filter_behind_last(content, "</think>"));
	}
	buf_str(w->out, "<|im_start|>assistant\n");
	if (after_question && (i + 1 == w->n || thought.n)) {
		buf_str(w->out, "<think>\n");
		put(w, filter_lstrip_newlines(filter_rstrip_newlines(thought)));
		buf_str(w->out, "\n</think>\n\n");
		put(w, filter_lstrip_newlines(content));
	} else {
		put(w, content);
	}
	json_array_foreach(calls, k, call)
	{
		buf_str(w->out, k || content.n ? "\n" : "");
		put_call(w, call);
	}
	buf_str(w->out, "<|im_end|>\n");
}

static int qwen3(struct work *w)
{
	size_t last = last_question(w);

	put_qwen_system(w);
	for (size_t i = 0; i < w->n; i++)
		if (is_role(w, i, "user") || (is_role(w, i, "system") && i))
			put_turn(w, text(message(w, i), "role"), text(message(w, i), "content"));
		else if (is_role(w, i, "assistant"))
			put_thoughtful_answer(w, i, i > last);
		else if (is_role(w, i, "tool"))
			put_result(w, i);
	buf_str(w->out, w->ask ? "<|im_start|>assistant\n" : "");
	return 0;
}

/* ---- Llama ---- */

static void put_header(struct work *w, struct span role)
{
	buf_str(w->out, "<|start_header_id|>");
	put(w, role);
	buf_str(w->out, "<|end_header_id|>\n\n");
}

static void put_message(struct work *w, const json_t *m)
{
	put_header(w, text(m, "role"));
	put(w, filter_trim(text(m, "content")));
	buf_str(w->out, "<|eot_id|>");
}

static void ask_llama(struct work *w)
{
	if (w->ask)
		put_header(w, (struct span){"assistant", 9});
}

static int llama3(struct work *w)
{
	put(w, (struct span){w->c->bos.p, w->c->bos.n});
	for (size_t i = 0; i < w->n; i++)
		put_message(w, message(w, i));
	ask_llama(w);
	return 0;
}

/* The tools stand in the first message behind the system's. */
static void put_llama_tools(struct work *w, const json_t *first)
{
	const json_t *tool;
	size_t i;

	put_header(w, (struct span){"user", 4});
	buf_str(w->out,
		"Given the following functions, please respond with a JSON for a function "
		"call with its proper arguments that best answers the given prompt.\n\n"
		"Respond in the format {\"name\": function name, \"parameters\": dictionary of "
		"argument name and its value}.Do not use variables.\n\n");
	json_array_foreach(w->tools, i, tool)
	{
		filter_tojson(w->out, tool, true);
		buf_str(w->out, "\n\n");
	}
	put(w, filter_trim(text(first, "content")));
	buf_str(w->out, "<|eot_id|>");
}

static int put_llama_call(struct work *w, const json_t *calls)
{
	const json_t *f = json_object_get(json_array_get(calls, 0), "function");

	if (json_array_size(calls) != 1)
		return fail(w->why, ST_INPUT, "this template takes one tool call in a message");
	if (!f)
		return fail(w->why, ST_INPUT, "a tool call without a function");
	put_header(w, (struct span){"assistant", 9});
	buf_str(w->out, "{\"name\": \"");
	put(w, text(f, "name"));
	buf_str(w->out, "\", \"parameters\": ");
	filter_tojson(w->out, json_object_get(f, "arguments"), false);
	buf_str(w->out, "}<|eot_id|>");
	return 0;
}

static int put_llama31(struct work *w, size_t i)
{
	const json_t *m = message(w, i), *calls = json_object_get(m, "tool_calls");

	if (calls)
		return put_llama_call(w, calls);
	if (is_role(w, i, "ipython") || is_role(w, i, "tool")) {
		put_header(w, (struct span){"ipython", 7});
		filter_tojson(w->out, json_object_get(m, "content"), false);
		buf_str(w->out, "<|eot_id|>");
		return 0;
	}
	put_message(w, m);
	return 0;
}

static int llama31(struct work *w)
{
	size_t i = is_role(w, 0, "system") ? 1 : 0;
	int st = 0;

	put(w, (struct span){w->c->bos.p, w->c->bos.n});
	put_header(w, (struct span){"system", 6});
	buf_str(w->out, w->tools ? "Environment: ipython\n" : "");
	buf_str(w->out, "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n");
	put(w, filter_trim(system_prompt(w)));
	buf_str(w->out, "<|eot_id|>");
	if (w->tools && i == w->n)
		return fail(w->why, ST_INPUT, "tools, but no message of the user's");
	if (w->tools)
		put_llama_tools(w, message(w, i++));
	for (; i < w->n && !st; i++)
		st = put_llama31(w, i);
	ask_llama(w);
	return st;
}

/* ---- DeepSeek ---- */

static int deepseek(struct work *w)
{
	struct span system = {0};

	for (size_t i = 0; i < w->n; i++)
		if (is_role(w, i, "system"))
			system = text(message(w, i), "content");
	put(w, (struct span){w->c->bos.p, w->c->bos.n});
	put(w, system);
	for (size_t i = 0; i < w->n; i++) {
		struct span content = text(message(w, i), "content");

		if (is_role(w, i, "tool"))
			return fail(w->why, ST_INPUT, "tools are not supported with this template");
		if (is_role(w, i, "user")) {
			buf_str(w->out, "<｜User｜>");
			put(w, content);
		} else if (is_role(w, i, "assistant")) {
			buf_str(w->out, "<｜Assistant｜>");
			put(w, filter_behind_last(content, "</think>"));
			buf_str(w->out, "<｜end▁of▁sentence｜>");
		}
	}
	buf_str(w->out, w->ask ? "<｜Assistant｜>" : "");
	return 0;
}

/* ---- */

static int check(const struct work *w)
{
	const json_t *m;
	size_t i;

	if (!w->n)
		return fail(w->why, ST_INPUT, "no messages");
	json_array_foreach(
		w->messages, i,
		m) if (!text(m, "role").p ||
		       !text(m, "content")
				.p) return fail(w->why, ST_INPUT,
						"a message without the strings role and content");
	return 0;
}

static int render(struct work *w)
{
	static int (*const styles[])(struct work *) = {
		[CHAT_CHATML] = chatml, [CHAT_QWEN2] = qwen2,     [CHAT_QWEN3] = qwen3,
		[CHAT_LLAMA3] = llama3, [CHAT_LLAMA31] = llama31, [CHAT_DEEPSEEK] = deepseek};
	size_t before = w->out->n;
	int st = check(w);

	if (!st)
		st = styles[w->c->style](w);
	if (st)
		w->out->n = before;
	else
		buf_str(w->out, w->ask ? w->c->think : "");
	return st;
}

int chat_render(const struct chat *c, const char *messages, const char *tools, bool ask,
		struct buf *out, struct reason *why)
{
	json_t *m = json_parse(messages, strlen(messages), "messages", why);
	json_t *t = tools && m ? json_parse(tools, strlen(tools), "tools", why) : NULL;
	struct work w = {.c = c,
			 .messages = m,
			 .tools = json_array_size(t) ? t : NULL,
			 .n = json_array_size(m),
			 .ask = ask,
			 .out = out,
			 .why = why};
	int st = m && (t || !tools) ? render(&w) : ST_INPUT;

	json_decref(m);
	json_decref(t);
	return st;
}
