/* ggufpre.c - names of pre-tokenizers. See ggufpre.h. */
#include "policy/ggufpre.h"

#include <string.h>

/* The patterns are those of the tokenizer.json that each name was given for. */
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LATER(digits)                                         \
	CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
		     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define BY_CASE(after, digits)                                                             \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" after "|[^\\r\\n\\p{L}\\p{N}]?" UPPER \
	"+" LOWER "*" after "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define CL100K                                                                        \
	"|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*" \
	"|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"

/* The next two are found with the ends of lines spelled out or as they are. */
#define SEED(ends)                                                                         \
	CONTRACTIONS "|[^" ends "\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}" ends \
		     "]+|\\s*[" ends "]+|\\s+(?!\\S)|\\s+"
#define WITH_MARKS(ends)                                                                   \
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^" ends                    \
	"\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[" ends "]*|\\s*[" ends "]+" \
	"|\\s+(?!\\S)|\\s+"
/* U+4E00 to 9FA5, 3040 to 309F and 30A0 to 30FF */
#define CJK "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+"

/* Of several names for the same, the one that is written comes first. A name that stands again is
 * another way to write its pattern: only read from tokenizer.json. */
static const struct gguf_pre pres[] = {
	{.name = "gpt-2", .gpt2 = true},
	{.name = "smollm", .digits = true, .gpt2 = true},
	{.name = "starcoder", .digits = true, .gpt2 = true},
	{.name = "refact", .digits = true, .gpt2 = true},
	{.name = "exaone4", .gpt2 = true, .nfc = true},
	{.name = "exaone", .digits = true, .gpt2 = true},
	{.name = "qwen2", .split = {LATER("\\p{N}")}, .nfc = true},
	{.name = "stablelm2", .split = {LATER("\\p{N}")}},
	{.name = "deepseek-r1-qwen", .split = {LATER("\\p{N}")}, .nfc = true},
	{.name = "megrez", .split = {LATER("\\p{N}")}},
	{.name = "hunyuan", .split = {LATER("\\p{N}")}},
	{.name = "qwen35",
	 .split = {CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
				"| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES},
	 .nfc = true},
	{.name = "llama-bpe", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "llama3", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "llama-v3", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "lfm2", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "glm4", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true},
	{.name = "falcon3", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "pixtral", .split = {LATER("\\p{N}{1,3}")}, .whole_first = true, .bos = true},
	{.name = "dbrx", .split = {LATER("\\p{N}{1,3}")}},
	{.name = "chatglm-bpe", .split = {LATER("\\p{N}{1,3}")}},
	{.name = "smaug-bpe", .split = {LATER("\\p{N}{1,3}")}},
	{.name = "dbrx", .split = {"'(?i:[sdmt]|ll|ve|re)" CL100K}},
	{.name = "dbrx", .split = {CONTRACTIONS CL100K}},
	{.name = "llama-bpe", .split = {"'(?i:[sdmt]|ll|ve|re)" CL100K}, .whole_first = true},
	{.name = "llama-bpe", .split = {CONTRACTIONS CL100K}, .whole_first = true},
	{.name = "tekken", .split = {BY_CASE("", "\\p{N}")}, .whole_first = true, .bos = true},
	{.name = "gpt-4o", .split = {BY_CASE(CONTRACTIONS "?", "\\p{N}{1,3}")}},
	{.name = "seed-coder", .split = {SEED("\\r\\n")}},
	{.name = "seed-coder", .split = {SEED("\r\n")}},
	{.name = "hunyuan-dense", .split = {"\\p{N}{1,3}", CJK, WITH_MARKS("\\r\\n")}},
	{.name = "hunyuan-dense", .split = {"\\p{N}{1,3}", CJK, WITH_MARKS("\r\n")}},
	{.name = "deepseek-v3", .split = {"\\p{N}{1,3}", CJK, WITH_MARKS("\\r\\n")}},
};

enum { N_PRES = sizeof pres / sizeof *pres };

const struct gguf_pre *gguf_pre_find(struct span name)
{
	for (size_t i = 0; i < N_PRES; i++)
		if (span_is(name, pres[i].name))
			return &pres[i];
	return NULL;
}

static json_t *byte_level(bool pattern)
{
	return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
			 "trim_offsets", 1, "use_regex", (int)pattern);
}

json_t *gguf_pre_json(const struct gguf_pre *p)
{
	json_t *list = json_array();

	if (p->digits)
		json_array_append_new(
			list, json_pack("{s:s, s:b}", "type", "Digits", "individual_digits", 1));
	for (int i = 0; i < 3 && p->split[i]; i++)
		json_array_append_new(list, json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split",
						      "pattern", "Regex", p->split[i], "behavior",
						      "Isolated", "invert", 0));
	json_array_append_new(list, byte_level(p->gpt2));
	return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", list);
}

static bool is_type(const json_t *j, const char *type)
{
	const char *s = json_string_value(json_object_get(j, "type"));

	return s && strcmp(s, type) == 0;
}

static bool is_true(const json_t *j, const char *key, bool absent)
{
	const json_t *v = json_object_get(j, key);

	return v && !json_is_null(v) ? json_is_true(v) : absent;
}

/* The steps of tokenizer.json's pre-tokenizer as a row of the table has them */
static bool add_step(struct gguf_pre *p, const json_t *j)
{
	const json_t *item;
	size_t i, n = 0;

	if (is_type(j, "Sequence")) {
		json_array_foreach(json_object_get(j, "pretokenizers"), i,
				   item) if (!add_step(p, item)) return false;
		return true;
	}
	while (n < 3 && p->split[n])
		n++;
	if (is_type(j, "Digits") && !n && !p->digits && is_true(j, "individual_digits", false))
		return p->digits = true;
	if (is_type(j, "ByteLevel") && !is_true(j, "add_prefix_space", true)) {
		p->gpt2 = is_true(j, "use_regex", true);
		return true;
	}
	if (!is_type(j, "Split") || n == 3 || is_true(j, "invert", false))
		return false;
	item = json_object_get(j, "behavior");
	if (!json_is_string(item) || strcmp(json_string_value(item), "Isolated") != 0)
		return false;
	p->split[n] = json_string_value(json_object_get(json_object_get(j, "pattern"), "Regex"));
	return p->split[n] != NULL;
}

static bool is_same(const struct gguf_pre *a, const struct gguf_pre *b)
{
	for (int i = 0; i < 3; i++)
		if (!a->split[i] != !b->split[i] ||
		    (a->split[i] && strcmp(a->split[i], b->split[i]) != 0))
			return false;
	return a->digits == b->digits && a->gpt2 == b->gpt2 && a->whole_first == b->whole_first;
}

const char *gguf_pre_name(const json_t *j)
{
	const json_t *model = json_object_get(j, "model");
	struct gguf_pre is = {.whole_first = is_true(model, "ignore_merges", false)};

	/* without merges the pieces do not matter */
	if (!json_array_size(json_object_get(model, "merges")))
		return "gpt-2";
	if (!add_step(&is, json_object_get(j, "pre_tokenizer")))
		return NULL;
	for (size_t i = 0; i < N_PRES; i++)
		if (is_same(&is, &pres[i]))
			return pres[i].name;
	return NULL;
}
