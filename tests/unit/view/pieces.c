/* Tests of view/pieces.h: tokens along the text that they wrote. */
#include "view/pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define M "\xe2\x96\x81" /* U+2581 */

/* As Llama 2 has it: 0 <unk>, 1 <s>, 2 </s>, 3 and 4 the bytes of an e with an acute accent, 5 the
 * blank, 6 a, 7 b, 8 the blank and a */
static const char by_characters[] =
	"{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":["
	"{\"id\":0,\"content\":\"<unk>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
	"\"normalized\":false,\"special\":true},"
	"{\"id\":1,\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
	"\"normalized\":false,\"special\":true},"
	"{\"id\":2,\"content\":\"</s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
	"\"normalized\":false,\"special\":true}],"
	"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
	"\"" M "\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" M "\"}]},"
	"\"pre_tokenizer\":null,\"post_processor\":null,"
	"\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":"
	"{\"String\":\"" M "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
	"{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
	"\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"<unk>\","
	"\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":true,"
	"\"byte_fallback\":true,\"ignore_merges\":false,\"vocab\":{\"<unk>\":0,\"<s>\":1,"
	"\"</s>\":2,\"<0xC3>\":3,\"<0xA9>\":4,\"" M "\":5,\"a\":6,\"b\":7,\"" M "a\":8},"
	"\"merges\":[\"" M " a\"]}}";

static struct tokenizer *made(const char *json, size_t n)
{
	struct reason why;
	struct tokenizer *t = tok_load(json, n, "test", &why);

	if (!t)
		fail_msg("%s", why.text);
	return t;
}

static void lies(const struct tokenizer *t, const char *text, const uint32_t *ids, size_t n,
		 const size_t *ends)
{
	struct pieces p = {0};

	assert_true(pieces_lay(&p, t, (struct span){text, strlen(text)}, ids, n));
	assert_int_equal(p.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p.end[i], ends[i]);
	pieces_free(&p);
}

static void lies_not(const struct tokenizer *t, const char *text, const uint32_t *ids, size_t n)
{
	struct pieces p = {0};

	assert_false(pieces_lay(&p, t, (struct span){text, strlen(text)}, ids, n));
	assert_int_equal(p.n, 0);
	pieces_free(&p);
}

#define IDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define ENDS(...)           \
	(const size_t[])    \
	{                   \
		__VA_ARGS__ \
	}

static void characters(void **state)
{
	struct tokenizer *t = made(by_characters, strlen(by_characters));

	(void)state;
	lies(t, "a a b", IDS(8, 8, 5, 7, 2), ENDS(1, 3, 4, 5, 5));
	/* the text goes on where a prompt ended: its blank is there */
	lies(t, " a b", IDS(8, 5, 7), ENDS(2, 3, 4));
	/* two tokens make one character */
	lies(t, "a\xc3\xa9", IDS(6, 3, 4, 2), ENDS(1, 2, 3, 3));
	/* a special token within */
	lies(t, "ab", IDS(1, 6, 2, 7), ENDS(0, 1, 1, 2));
	/* its name, written out */
	lies(t, "</s>", IDS(2), ENDS(4));
	lies_not(t, "a a", IDS(8, 6));
	lies_not(t, "a", IDS(8, 6));
	lies_not(t, "aab", IDS(6, 6));
	lies_not(t, "a", NULL, 0);
	tok_free(t);
}

static void by_itself(void **state)
{
	struct buf json = {0};
	struct tokenizer *t;

	(void)state;
	assert_int_equal(chars_make("ab ", &json, NULL), 0);
	t = made(json.p, json.n);
	lies(t, "b a", IDS(3, 4, 2, 1), ENDS(1, 2, 3, 3));
	lies(t, "b", IDS(3, 99), ENDS(1, 1));
	lies(t, "", IDS(1), ENDS(0));
	lies_not(t, "b a", IDS(3, 2));
	tok_free(t);
	buf_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters),
		cmocka_unit_test(by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
