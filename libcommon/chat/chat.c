/* chat.c - which chat template a policy has. See chat.h. */
#include "chat/chat.h"
#include "base/json.h"
#include "chat/jinja.h"
#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Published templates, by XXH3-64 of their form with the system prompt of their own, if any,
 * replaced by OWN_SYSTEM. */
static const struct known {
	uint64_t form;
	enum chat_style style;
	const char *think;
} known[] = {
	{0xea5684ae1ebb8db7, CHAT_CHATML, ""}, /* plain */
	{0xf1da5d97e075b5e5, CHAT_CHATML, ""}, /* add_generation_prompt has a default: OpenHermes */
	{0x0d25329b0852dab2, CHAT_CHATML, ""}, /* a system prompt of its own: Qwen2, SmolLM2 */
	{0xd4369fa289f0f28f, CHAT_QWEN2, ""},  /* Qwen2.5, its Math and Coder */
	{0x9c43d025ed1df77a, CHAT_QWEN3, ""},  /* April 2025 */
	{0xfeaa67dfc8a547ae, CHAT_QWEN3, ""},  /* July 2025 */
	{0x701404a0e8a6931c, CHAT_LLAMA3, ""},
	{0xb4271eb3cae7aa12, CHAT_LLAMA31, ""},           /* 3.1, 3.3 */
	{0x5dd381d5d5a39ad3, CHAT_LLAMA31, ""},           /* 3.2 */
	{0xf24957532ee33ccc, CHAT_DEEPSEEK, ""},          /* January 2025 */
	{0xb603e24d2fd05d15, CHAT_DEEPSEEK, "<think>\n"}, /* since February 2025 */
};

static const char OWN_SYSTEM = 0x02, ITEM_END = 0x1f;

/* ---- the system prompt that a template has of its own ---- */

/* The text in form between these two, which begin and end an item of text; n = 0: none */
static struct span own_system(const struct buf *form)
{
	static const char begin[] = "T<|im_start|>system\n", end[] = "<|im_end|>\n\x1f";
	size_t nb = sizeof begin - 1, ne = sizeof end - 1;
	const char *p = memmem(form->p, form->n, begin, nb), *stop;

	for (; p; p = memmem(stop, form->n - (size_t)(stop - form->p), begin, nb)) {
		stop = memchr(p, ITEM_END, form->n - (size_t)(p - form->p));
		if (!stop)
			break;
		stop++;
		if ((size_t)(stop - p) > nb + ne && memcmp(stop - ne, end, ne) == 0)
			return (struct span){p + nb, (size_t)(stop - p) - nb - ne};
	}
	return (struct span){0};
}

static int recognise(struct chat *c, struct span template, struct reason *why)
{
	struct buf form = {0}, plain = {0};
	struct span system;
	int st = jinja_form(template, &form, why);
	uint64_t hash;

	if (st || !form.n) {
		buf_free(&form);
		return st ? st : fail(why, ST_INPUT, "it is empty");
	}
	system = own_system(&form);
	if (system.n)
		buf_replaced(&plain, (struct span){form.p, form.n}, system,
			     (struct span){&OWN_SYSTEM, 1});
	else
		buf_add(&plain, form.p, form.n);
	hash = XXH3_64bits(plain.p, plain.n);
	st = ST_INPUT;
	for (size_t i = 0; i < sizeof known / sizeof *known && st; i++) {
		if (known[i].form != hash)
			continue;
		c->style = known[i].style;
		c->think = known[i].think;
		buf_add(&c->system, system.p, system.n);
		st = 0;
	}
	if (st)
		fail(why, ST_INPUT, "it is none of those that are known (its form is %016llx)",
		     (unsigned long long)hash);
	buf_free(&form);
	buf_free(&plain);
	return st;
}

/* ---- where it stands ---- */

/* The template, or of several the one named "default" */
static const json_t *template_of(const json_t *config)
{
	const json_t *v = json_object_get(config, "chat_template"), *item;
	size_t i;

	if (!json_is_array(v))
		return v;
	json_array_foreach(v, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		if (name && strcmp(name, "default") == 0)
			return json_object_get(item, "template");
	}
	return NULL;
}

int chat_open(struct chat *c, const struct buf *config, const struct buf *jinja, struct reason *why)
{
	json_t *j = config->n ? json_parse(config->p, config->n, "tokenizer_config.json", why)
			      : json_object();
	const json_t *v = template_of(j);
	struct span text = {jinja->p, jinja->n};
	const char *bos = tok_content(j, "bos_token");
	int st;

	*c = (struct chat){0};
	if (!j)
		return ST_INPUT;
	if (!text.n)
		text = (struct span){json_string_value(v), json_string_length(v)};
	if (bos)
		buf_str(&c->bos, bos);
	if (!text.n)
		st = fail(why, ST_INPUT, "the policy has no chat template");
	else if ((st = recognise(c, text, why)))
		fail_prefix(why, "the policy's chat template");
	if (st)
		chat_free(c);
	json_decref(j);
	return st;
}

void chat_free(struct chat *c)
{
	buf_free(&c->system);
	buf_free(&c->bos);
	*c = (struct chat){0};
}
