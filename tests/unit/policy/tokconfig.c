/* Tests of policy/tokconfig.h: what the files beside tokenizer.json make of a tokenizer. */
#include "scratch.h"
#include "tok.h"

#include "policy/tokconfig.h"

/* <pad> = 0, <eos> = 1, a = 2, b = 3, space = 4 */
static struct tokenizer *tokenizer(void)
{
	struct buf b = {0};
	struct tokenizer *t;

	assert_int_equal(chars_make("ab ", &b, NULL), 0);
	t = tok_load(b.p, b.n, "tokenizer.json", NULL);
	buf_free(&b);
	return t;
}

static int apply(struct tokenizer *t, struct config *c, const char *config, const char *map,
		 const char *added, int64_t *end, struct reason *why)
{
	struct buf b[3] = {0};
	const struct tokconfig_files f = {&b[0], &b[1], &b[2]};
	int st;

	*c = (struct config){.vocab = 12};
	buf_str(&b[0], config);
	buf_str(&b[1], map);
	buf_str(&b[2], added);
	st = tokconfig_apply(&f, "dir", t, c, end, why);
	for (int i = 0; i < 3; i++)
		buf_free(&b[i]);
	return st;
}

struct row {
	const char *config, *map, *added, *text;
	uint32_t n, ids[4];
};

static void check(const struct row *r)
{
	struct tokenizer *t = tokenizer();
	struct reason why = {0};
	struct config c;
	int64_t end;

	if (apply(t, &c, r->config, r->map, r->added, &end, &why))
		fail_msg("%s", why.text);
	assert_encodes(t, r->text, strlen(r->text), true, r->ids, r->n);
	tok_free(t);
}

#define DECODER(id, rest) "{\"added_tokens_decoder\":{\"" id "\":{\"content\":\"<x>\"" rest "}}}"

static void tokens(void **state)
{
	static const struct row rows[] = {
		{DECODER("5", ""), "", "", "a<x> b", 4, {2, 5, 4, 3}},
		{DECODER("7", ",\"rstrip\":true"), "", "", "a<x> b", 3, {2, 7, 3}},
		/* as transformers says that there is no limit */
		{"{\"model_max_length\": 1000000000000000019884624838656, "
		 "\"added_tokens_decoder\": {\"6\": {\"content\": \"<x>\"}}}",
		 "",
		 "",
		 "a<x>",
		 2,
		 {2, 6}},
		{DECODER("5", ",\"lstrip\":true,\"special\":true"), "", "", "a <x>", 2, {2, 5}},
		{"{\"added_tokens_decoder\":{\"1\":{\"content\":\"<eos>\",\"rstrip\":true}}}",
		 "",
		 "",
		 "<eos> a",
		 2,
		 {1, 2}},
		{"{\"additional_special_tokens\":[\"<x>\",{\"content\":\"<y>\"}]}",
		 "",
		 "",
		 "<y><x>",
		 2,
		 {6, 5}},
		{"", "{\"additional_special_tokens\":[\"<x>\"]}", "", "<x>", 1, {5}},
		{"{\"extra_special_tokens\":{\"image_token\":\"<x>\"}}", "", "", "<x>", 1, {5}},
		{"{\"mask_token\":{\"content\":\"<x>\",\"lstrip\":true}}",
		 "",
		 "",
		 "a <x>",
		 2,
		 {2, 5}},
		{"{\"pad_token\":\"<x>\",\"additional_special_tokens\":[\"<y>\",\"<x>\"]}",
		 "",
		 "",
		 "<x><y>",
		 2,
		 {5, 6}},
		{"", "", "{\"<x>\":6,\"<eos>\":1}", "<x><eos>", 2, {6, 1}},
		{DECODER("6", ",\"rstrip\":true"), "", "{\"<x>\":6}", "<x> a", 2, {6, 2}},
		{"{\"unk_token\":\"b\"}", "", "", "ab", 2, {2, 3}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

#define CLASS(name) "{\"tokenizer_class\":\"" name "\""

static void around(void **state)
{
	static const struct row rows[] = {
		{CLASS("LlamaTokenizer") "}", "{\"bos_token\":\"<pad>\"}", "", "a", 2, {0, 2}},
		{CLASS("LlamaTokenizerFast") ",\"bos_token\":\"<eos>\"}",
		 "{\"bos_token\":\"<pad>\"}",
		 "",
		 "a",
		 2,
		 {1, 2}},
		{CLASS("LlamaTokenizer") ",\"add_bos_token\":false}",
		 "{\"bos_token\":\"<pad>\"}",
		 "",
		 "a",
		 1,
		 {2}},
		{CLASS("GemmaTokenizer") ",\"bos_token\":\"<pad>\"}", "", "", "a", 2, {0, 2}},
		{CLASS("PreTrainedTokenizerFast") "}",
		 "{\"bos_token\":\"<pad>\"}",
		 "",
		 "a",
		 1,
		 {2}},
		{CLASS("LlamaTokenizer") ",\"bos_token\":\"<pad>\",\"eos_token\":\"<eos>\","
					 "\"add_eos_token\":true}",
		 "",
		 "",
		 "a",
		 2,
		 {0, 2}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

static void ends(void **state)
{
	static const struct {
		const char *config, *map;
		int64_t end;
		size_t n;
	} rows[] = {
		{"{\"eos_token\":\"<eos>\"}", "{\"eos_token\":\"<pad>\"}", 1, 2},
		{"{\"eos_token\":null}", "{\"eos_token\":{\"content\":\"<pad>\"}}", 0, 1},
		{"{}", "", -1, 0},
	};
	struct reason why = {0};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tokenizer *t = tokenizer();
		int64_t end;

		assert_int_equal(apply(t, &c, rows[i].config, rows[i].map, "", &end, &why), 0);
		assert_int_equal(end, rows[i].end);
		assert_int_equal(c.n_eos, rows[i].n);
		tok_free(t);
	}
}

static void refused(void **state)
{
	static const char *const rows[][4] = {
		{"[", "", "", "dir/tokenizer_config.json"},
		{"", "7", "", "dir/special_tokens_map.json"},
		{"", "", "{", "dir/added_tokens.json"},
		{"{\"eos_token\":7}", "", "", "eos_token is not a string"},
		{"{\"eos_token\":\"<x>\"}", "", "", "eos_token \"<x>\" is not in tokenizer.json"},
		{"", "{\"eos_token\":\"<x>\"}", "", "dir/special_tokens_map.json: eos_token"},
		{DECODER("1", ""), "", "", "token \"<x>\": id 1 is that of \"<eos>\""},
		{DECODER("x", ""), "", "", "added_tokens_decoder: \"x\" is no id"},
		{DECODER("12", ""), "", "",
		 "token \"<x>\" is not in tokenizer.json, and its id 12"},
		{"{\"added_tokens_decoder\":{\"5\":{\"content\":\"<eos>\"}}}", "", "",
		 "token \"<eos>\": id 5, but tokenizer.json says 1"},
		{"{\"added_tokens_decoder\":{\"5\":{}}}", "", "", "is not a token"},
		{"{\"pad_token\":5}", "", "", "tokenizer_config.json: pad_token: 5 is not a token"},
		{"", "{\"cls_token\":\"\"}", "", "special_tokens_map.json: cls_token"},
		{"", "", "{\"<x>\":1}", "id 1 is that of"},
		{"", "", "{\"<eos>\":4}", "token \"<eos>\": id 4, but tokenizer.json says 1"},
		{"", "", "{\"<x>\":\"5\"}", "<x>: \"5\" is no id"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tokenizer *t = tokenizer();
		struct reason why = {0};
		struct config c;
		int64_t end;

		if (apply(t, &c, rows[i][0], rows[i][1], rows[i][2], &end, &why) != ST_INPUT)
			fail_msg("accepted: %s", rows[i][3]);
		assert_says(&why, rows[i][3]);
		tok_free(t);
	}
}

/* What a chat template sees of the special tokens */
static void whole(void **state)
{
	struct buf config = {0}, map = {0}, out = {0};

	(void)state;
	tokconfig_whole(&config, &map, &out);
	assert_string_equal(buf_cstr(&out), "{}");
	buf_reset(&out);
	buf_str(&config, "{\"eos_token\":\"<e>\",\"bos_token\":null}");
	buf_str(&map, "{\"eos_token\":\"<f>\",\"bos_token\":\"<b>\"}");
	tokconfig_whole(&config, &map, &out);
	assert_string_equal(buf_cstr(&out), "{\"eos_token\":\"<e>\",\"bos_token\":\"<b>\"}");
	/* integers beyond 64 bits, and what only looks like one */
	buf_reset(&config);
	buf_reset(&map);
	buf_reset(&out);
	buf_str(&config, "{\"a\":9223372036854775808,\"b\":-9223372036854775808,\"c\":[-1"
			 "00000000000000000000],\"d\":\"\\\"9223372036854775808\",\"e\":1e20,"
			 "\"f\":9223372036854775807}");
	tokconfig_whole(&config, &map, &out);
	assert_string_equal(buf_cstr(&out),
			    "{\"a\":9.2233720368547758e18,\"b\":-9223372036854775808,\"c\":[-1e20],"
			    "\"d\":\"\\\"9223372036854775808\",\"e\":1e20,"
			    "\"f\":9223372036854775807}");
	buf_free(&config);
	buf_free(&map);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens),  cmocka_unit_test(around), cmocka_unit_test(ends),
		cmocka_unit_test(refused), cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
