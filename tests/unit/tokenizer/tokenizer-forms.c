/*
 * tokenizer-forms.c - tokenizer.json in the forms of the model families: the pieces that their
 * patterns cut (worked out with another engine for regular expressions), whole small files, and a
 * real one over a megabyte.
 */
#include "scratch.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tokenizer/bpe.h"
#include "tokenizer/pretok.h"
#include "tokenizer/tokenizer.h"
#include "base/file.h"

#include <jansson.h>

/* As the published files have it; digits: how numbers are cut */
#define SPLIT(digits)                                                                            \
	"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"  \
	"\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|" digits         \
	"| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"" \
	"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","                 \
	"\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}]}"

static const char qwen[] = SPLIT("\\\\p{N}");
static const char llama3[] = SPLIT("\\\\p{N}{1,3}");
static const char smollm2[] =
	"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true}"
	","
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
	"\"use_regex\":true}]}";

/* Pieces of text, with | between them */
static void cuts(const char *pre, const char *text, const char *want)
{
	json_t *j = json_loads(pre, 0, NULL);
	struct reason why = {0};
	struct pretok *p = pretok_new(j, &why);
	struct pieces s = {0};
	struct buf got = {0};

	if (!p)
		fail_msg("%s", why.text);
	assert_int_equal(pretok_cut(p, (struct span){text, strlen(text)}, true, &s, &why), 0);
	for (size_t i = 0; i < s.n; i++) {
		buf_str(&got, i ? "|" : "");
		buf_add(&got, s.text.p + s.v[i].at, s.v[i].n);
	}
	assert_string_equal(buf_cstr(&got), want);
	buf_free(&got);
	pretok_pieces_free(&s);
	pretok_free(p);
	json_decref(j);
}

static void contractions(void **state)
{
	static const char text[] = "I'll don't HELLO'S 'Tis x";

	(void)state;
	cuts(qwen, text, "I|'ll| don|'t| HELLO|'S| '|Tis| x");
	cuts(llama3, text, "I|'ll| don|'t| HELLO|'S| '|Tis| x");
	/* GPT-2's pattern knows small letters only */
	cuts(smollm2, text, "I|'ll| don|'t| HELLO|'|S| '|Tis| x");
	cuts(qwen, "'Tis", "'T|is");
	cuts(smollm2, "'Tis", "'|Tis");
}

static void numbers(void **state)
{
	(void)state;
	cuts(qwen, "a 12345", "a| |1|2|3|4|5");
	cuts(llama3, "a 12345", "a| |123|45");
	cuts(smollm2, "a 12345", "a| |1|2|3|4|5");
	cuts(qwen, "3.14159e10", "3|.|1|4|1|5|9|e|1|0");
	cuts(llama3, "3.14159e10", "3|.|141|59|e|10");
	cuts(llama3,
	     "\xd9\xa3\xc2\xbd" /* an Arabic digit and a half */
	     "77",
	     "\xd9\xa3\xc2\xbd"
	     "7|7");
}

static void white_space(void **state)
{
	(void)state;
	cuts(qwen, "\n\n  foo\r\n", "\n\n| | foo|\r\n");
	cuts(llama3, "x = y;\n\n  z", "x| =| y|;\n\n| | z");
	cuts(smollm2, "x = y;\n\n  z", "x| =| y|;|\n\n | z");
	cuts(qwen, "  a\t\tb", " | a|\t|\tb");
	cuts(smollm2, "  a\t\tb", " | a|\t|\t|b");
	cuts(qwen, "a\xc2\xa0\xe3\x80\x80\xc2\x85", "a|\xc2\xa0\xe3\x80\x80\xc2\x85");
}

static void other_scripts(void **state)
{
	static const char text[] = "(a_b)+ \xe6\x97\xa5\xe6\x9c\xac!!\n\xf0\x9f\x98\x80";

	(void)state;
	cuts(qwen, text, "(a|_b|)+| \xe6\x97\xa5\xe6\x9c\xac|!!\n|\xf0\x9f\x98\x80");
	cuts(smollm2, text, "(|a|_|b|)+| \xe6\x97\xa5\xe6\x9c\xac|!!|\n|\xf0\x9f\x98\x80");
}

/* ---- whole files: bytes 0..255 are the tokens 0..255 ---- */

static struct tokenizer *load(const char *normalizer, const char *pre, const char *post,
			      const char *model, const char *added)
{
	struct buf b = {0};
	struct tokenizer *t;
	struct reason why;

	buf_printf(&b,
		   "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":%s,"
		   "\"normalizer\":%s,\"pre_tokenizer\":%s,\"post_processor\":%s,\"decoder\":"
		   "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
		   "\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":"
		   "null,\"continuing_subword_prefix\":%s,\"end_of_word_suffix\":%s,\"fuse_unk\":"
		   "false,\"byte_fallback\":false,%s,\"vocab\":{\"\xc4\xa0the\":300,\"the\":301,"
		   "\"th\":302,\"\xc4\xa0t\":303,\"\xc4\xa0th\":304",
		   added, normalizer, pre, post, normalizer[0] == 'n' ? "null" : "\"\"",
		   normalizer[0] == 'n' ? "null" : "\"\"", model);
	for (int c = 0; c < 256; c++) {
		buf_str(&b, ",\"");
		if (c == '"' || c == '\\')
			buf_char(&b, '\\');
		bpe_byte_char((unsigned char)c, &b);
		buf_printf(&b, "\":%d", c);
	}
	buf_str(&b, "}}}");
	t = tok_load(b.p, b.n, "tokenizer.json", &why);
	if (!t)
		fail_msg("%s", why.text);
	buf_free(&b);
	return t;
}

static void encodes(const struct tokenizer *t, const char *text, bool special, const uint32_t *want,
		    size_t n)
{
	struct ids ids = {0};
	struct buf back = {0};

	assert_int_equal(tok_encode(t, text, strlen(text), special, &ids, NULL), 0);
	assert_int_equal(ids.n, n);
	assert_memory_equal(ids.v, want, n * sizeof *want);
	if (!special) {
		tok_decode(t, ids.v, ids.n, true, &back);
		assert_string_equal(buf_cstr(&back), text);
	}
	buf_free(&back);
	free(ids.v);
}

#define ENCODES(t, text, special, ...)                             \
	encodes(t, text, special, (const uint32_t[]){__VA_ARGS__}, \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define MERGES_AS_STRINGS \
	"\"merges\":[\"t h\",\"\xc4\xa0 t\",\"th e\",\"\xc4\xa0t h\",\"\xc4\xa0th e\"]"
#define MERGES_AS_PAIRS                                                                        \
	"\"merges\":[[\"t\",\"h\"],[\"\xc4\xa0\",\"t\"],[\"th\",\"e\"],[\"\xc4\xa0t\",\"h\"]," \
	"[\"\xc4\xa0th\",\"e\"]]"

static void qwen_file(void **state)
{
	struct tokenizer *t =
		load("{\"type\":\"NFC\"}", qwen,
		     "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,"
		     "\"use_regex\":false}",
		     MERGES_AS_STRINGS ",\"ignore_merges\":false",
		     "[{\"id\":400,\"content\":\"<|im_end|>\",\"special\":true},"
		     "{\"id\":401,\"content\":\"<think>\",\"special\":false}]");

	(void)state;
	/* th first: no merge makes " the" of " " and "the" */
	ENCODES(t, "the the", false, 301, ' ', 301);
	ENCODES(t, "a<|im_end|>\n<think>7", true, 'a', 400, '\n', 401, '7');
	ENCODES(t, "e\xcc\x81", true, 0xc3, 0xa9);
	tok_free(t);
}

static void llama3_file(void **state)
{
	struct tokenizer *t = load(
		"null", llama3,
		"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_"
		"space\":"
		"true,\"trim_offsets\":false,\"use_regex\":true},{\"type\":\"TemplateProcessing\","
		"\"single\":[{\"SpecialToken\":{\"id\":\"<|begin_of_text|>\",\"type_id\":0}},"
		"{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{"
		"\"<|begin_of_text|>\":{\"id\":\"<|begin_of_text|>\",\"ids\":[400],\"tokens\":["
		"\"<|begin_of_text|>\"]}}}]}",
		MERGES_AS_PAIRS ",\"ignore_merges\":true",
		"[{\"id\":400,\"content\":\"<|begin_of_text|>\",\"single_word\":false,\"lstrip\":"
		"false,\"rstrip\":false,\"normalized\":false,\"special\":true}]");

	(void)state;
	/* the whole piece is a token: the merges, which do not lead there, are not asked */
	ENCODES(t, "the the", false, 301, 300);
	ENCODES(t, "12", true, 400, '1', '2');
	/* a text that begins with the token already gets no second one */
	ENCODES(t, "<|begin_of_text|>12", true, 400, '1', '2');
	ENCODES(t, "", true, 400);
	tok_free(t);
}

static void smollm2_file(void **state)
{
	struct tokenizer *t = load("null", smollm2, "null", MERGES_AS_STRINGS,
				   "[{\"id\":0,\"content\":\"\xc4\x80\",\"special\":true}]");

	(void)state;
	ENCODES(t, " the 12", true, ' ', 301, ' ', '1', '2');
	tok_free(t);
}

/* ---- a real one ---- */

static struct tokenizer *minimind(void)
{
	const char *path = shared_data("tokenizers/minimind/tokenizer.json");
	struct buf b = {0};
	struct tokenizer *t;

	assert_int_equal(file_read(path, 1 << 28, &b, NULL), 0);
	t = tok_load(b.p, b.n, path, NULL);
	assert_non_null(t);
	buf_free(&b);
	return t;
}

static void round_trip(const struct tokenizer *t, const char *text, size_t n)
{
	struct ids ids = {0};
	struct buf back = {0};

	assert_int_equal(tok_encode(t, text, n, true, &ids, NULL), 0);
	tok_decode(t, ids.v, ids.n, true, &back);
	assert_int_equal(back.n, n);
	assert_memory_equal(back.p, text, n);
	free(ids.v);
	buf_free(&back);
}

static void every_byte(void **state)
{
	struct tokenizer *t = minimind();
	char text[3];

	(void)state;
	for (int c = 0; c < 256; c++) {
		text[0] = (char)c;
		round_trip(t, text, 1);
		for (int d = 0; d < 256; d++) {
			text[1] = (char)d;
			text[2] = 'a';
			round_trip(t, text, 3);
		}
	}
	tok_free(t);
}

/* A megabyte of words, numbers, signs, Chinese, emoji, special tokens and stray bytes */
static void megabyte(void **state)
{
	static const char *const some[] = {" the",         "ing",
					   "\n\n",         "  ",
					   "\t",           "x^{2}",
					   "\\frac{1}{2}", "\xe4\xbd\xa0\xe5\xa5\xbd",
					   "\xef\xbc\x8c", "\xf0\x9f\x98\x80",
					   "<|im_start|>", "<|im_end|>\n",
					   "<think>",      "'ll",
					   "2024",         "\xc3\xa9",
					   "e\xcc\x81",    "\xff",
					   "\xe4\xbd",     "\r\n"};
	struct tokenizer *t = minimind();
	struct buf text = {0};
	uint64_t key = rng_key(3, RNG_TEST, 0, 0, 0);

	(void)state;
	for (uint64_t i = 0; text.n < 1 << 20; i++)
		if (rng_below(key, 2 * i, 4))
			buf_char(&text, (char)('a' + rng_below(key, 2 * i + 1, 26)));
		else
			buf_str(&text, some[rng_below(key, 2 * i + 1, sizeof some / sizeof *some)]);
	buf_char(&text, '\0');
	round_trip(t, text.p, text.n);
	buf_free(&text);
	tok_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contractions), cmocka_unit_test(numbers),
		cmocka_unit_test(white_space),  cmocka_unit_test(other_scripts),
		cmocka_unit_test(qwen_file),    cmocka_unit_test(llama3_file),
		cmocka_unit_test(smollm2_file), cmocka_unit_test(every_byte),
		cmocka_unit_test(megabyte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
