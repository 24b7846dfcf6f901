/* tokenizer.h: goldens, round trips, merges against a plain reference, refusals by name. */
#include "scratch.h"
#include "tok.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"
#include "base/file.h"

#include <jansson.h>
#include <pthread.h>

/* A tokenizer.json from its parts; every byte is a token, its id is its value + 10. */
struct parts {
	const char *pre, *normalizer, *post, *decoder, *model, *added, *vocab, *merges;
};

static const char byte_level[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}";

static void add_part(struct buf *b, const char *key, const char *given, const char *otherwise)
{
	buf_printf(b, ",\"%s\":%s", key, given ? given : otherwise);
}

static void make_text(struct buf *b, const struct parts *p)
{
	buf_str(b, "{\"version\":\"1.0\"");
	add_part(b, "normalizer", p->normalizer, "null");
	add_part(b, "pre_tokenizer", p->pre, byte_level);
	add_part(b, "post_processor", p->post, "null");
	add_part(b, "decoder", p->decoder, byte_level);
	add_part(b, "added_tokens", p->added,
		 "[{\"id\":1,\"content\":\"<s>\",\"special\":true},"
		 "{\"id\":2,\"content\":\"<sep>\",\"special\":false}]");
	buf_printf(b, ",\"model\":{\"type\":\"BPE\"%s,\"merges\":%s,\"vocab\":{",
		   p->model ? p->model : "", p->merges ? p->merges : "[]");
	for (int c = 0; c < 256; c++) {
		buf_str(b, c ? ",\"" : "\"");
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		bpe_byte_char((unsigned char)c, b);
		buf_printf(b, "\":%d", c + 10);
	}
	buf_printf(b, "%s}}}", p->vocab ? p->vocab : "");
}

static struct tokenizer *try_make(const struct parts *p, struct reason *why)
{
	struct buf b = {0};
	struct tokenizer *t;

	make_text(&b, p);
	t = tok_load(b.p, b.n, "tokenizer.json", why);
	buf_free(&b);
	return t;
}

static struct tokenizer *make(const struct parts *p)
{
	struct reason why = {0};
	struct tokenizer *t = try_make(p, &why);

	if (!t)
		fail_msg("%s", why.text);
	return t;
}

static void assert_round_trip(const struct tokenizer *t, const char *text, size_t n)
{
	struct ids ids = {0};
	struct buf back = {0};
	struct reason why;

	if (tok_encode(t, text, n, false, &ids, &why))
		fail_msg("%s", why.text);
	tok_decode(t, ids.v, ids.n, true, &back);
	assert_int_equal(back.n, n);
	if (n)
		assert_memory_equal(back.p, text, n);
	buf_free(&back);
	free(ids.v);
}

/* ---- real tokenizers ---- */

static struct tokenizer *load_shared(const char *name)
{
	struct buf b = {0};
	const char *path = shared_data(name);
	struct tokenizer *t;
	struct reason why;

	assert_int_equal(file_read(path, 1 << 28, &b, &why), 0);
	t = tok_load(b.p, b.n, path, &why);
	if (!t)
		fail_msg("%s", why.text);
	assert_int_equal(tok_json(t).n, b.n);
	assert_memory_equal(tok_json(t).p, b.p, b.n);
	buf_free(&b);
	return t;
}

static void gpt2_conformance(void **state)
{
	struct tokenizer *t = load_shared("tokenizers/gpt2/tokenizer.json");
	struct in in;
	struct span line;
	int n = 0;

	(void)state;
	assert_int_equal(in_open(&in, shared_data("tokenizers/gpt2/conformance.jsonl"), NULL), 0);
	while (in_line(&in, 1 << 20, &line, NULL) == 1) {
		json_t *j = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
		const json_t *text = json_object_get(j, "text"), *want = json_object_get(j, "ids");
		uint32_t *ids = xarray(json_array_size(want), sizeof *ids);

		for (size_t i = 0; i < json_array_size(want); i++)
			ids[i] = (uint32_t)json_integer_value(json_array_get(want, i));
		assert_encodes(t, json_string_value(text), json_string_length(text), true, ids,
			       json_array_size(want));
		assert_round_trip(t, json_string_value(text), json_string_length(text));
		free(ids);
		json_decref(j);
		n++;
	}
	assert_int_equal(n, 46);
	in_close(&in);
	tok_free(t);
}

/* Random bytes, mostly not UTF-8, through every shared tokenizer. */
static void random_bytes(void **state)
{
	static const char *const names[] = {"tokenizers/gpt2/tokenizer.json",
					    "tokenizers/minimind/tokenizer.json"};
	static const char some[] = " \n\xc3\xa9"
				   "a1\xf0\x9f\x98'";

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct tokenizer *t = load_shared(names[k]);

		for (uint64_t i = 0; i < 200; i++) {
			uint64_t key = rng_key(1, RNG_TEST, k, i, 0);
			char text[64];
			size_t n = rng_below(key, 0, sizeof text);

			for (size_t c = 0; c < n; c++)
				text[c] = i % 2 ? (char)rng_below(key, c + 1, 256)
						: some[rng_below(key, c + 1, sizeof some - 1)];
			assert_round_trip(t, text, n);
		}
		tok_free(t);
	}
}

/* stories260k: a prefix space before every piece, "é" outside the byte alphabet, a leading BOS. */
static void stories(void **state)
{
	struct tokenizer *t = load_shared("stories260k/tokenizer.json");
	struct buf text = {0};
	uint32_t id;

	(void)state;
	assert_int_equal(tok_vocab_size(t), 512);
	assert_true(tok_find(t, "\xc3\xa9", &id));
	assert_int_equal(id, 485);
	ENCODES(t, "Once upon a time", true, 1, 403, 407, 261, 378);
	ENCODES(t, "\xc3\xa9", false, 485);
	tok_decode(t, (const uint32_t[]){1, 403, 485, 2}, 4, false, &text);
	assert_string_equal(buf_cstr(&text), " Once\xc3\xa9");
	buf_reset(&text);
	tok_decode(t, (const uint32_t[]){1, 403, 2}, 3, true, &text);
	assert_string_equal(buf_cstr(&text), "<s> Once</s>");
	buf_free(&text);
	tok_free(t);
}

/* ---- the parts ---- */

static void all_bytes(void **state)
{
	struct tokenizer *t = make(&(struct parts){0});
	char text[256];
	uint32_t want[256];

	(void)state;
	for (int i = 0; i < 256; i++) {
		text[i] = (char)i;
		want[i] = (uint32_t)i + 10;
	}
	assert_encodes(t, text, 256, false, want, 256);
	assert_round_trip(t, text, 256);
	assert_encodes(t, "", 0, true, NULL, 0);
	tok_free(t);
}

static void added_tokens(void **state)
{
	struct tokenizer *t = make(
		&(struct parts){.added = "[{\"id\":1,\"content\":\"<s>\",\"special\":true},"
					 "{\"id\":300,\"content\":\"<s>x\",\"special\":false},"
					 "{\"id\":301,\"content\":\"\xc4\xa0\",\"special\":false},"
					 "{\"id\":75,\"content\":\"A\",\"special\":false}]"});
	struct buf text = {0};
	uint32_t id;

	(void)state;
	ENCODES(t, "a<s>b", false, 'a' + 10, 1, 'b' + 10);
	ENCODES(t, "<s><s>x<s", false, 1, 300, '<' + 10, 's' + 10); /* the longest wins */
	ENCODES(t, "A \xc4\xa0", false, 75, ' ' + 10, 301);
	assert_true(tok_find(t, "<s>x", &id) && id == 300);
	assert_false(tok_find(t, "<s>y", &id));
	assert_int_equal(tok_vocab_size(t), 302);
	tok_decode(t, (const uint32_t[]){1, 300, 301, 75, 9999, 3}, 6, false, &text);
	assert_string_equal(buf_cstr(&text), "<s>x\xc4\xa0"
					     "A");
	buf_free(&text);
	tok_free(t);
}

/* What an added token takes along, and beside what it is none. */
static void added_flags(void **state)
{
	struct tokenizer *t = make(&(struct parts){
		.added = "[{\"id\":300,\"content\":\"<l>\",\"lstrip\":true},"
			 "{\"id\":301,\"content\":\"<r>\",\"rstrip\":true},"
			 "{\"id\":302,\"content\":\"<lr>\",\"lstrip\":true,\"rstrip\":true},"
			 "{\"id\":303,\"content\":\"dog\",\"single_word\":true},"
			 "{\"id\":304,\"content\":\"\\n\\n\"},"
			 "{\"id\":305,\"content\":\"og\"},"
			 "{\"id\":306,\"content\":\"\\t\\t\",\"lstrip\":true}]"});
	const uint32_t a = 'a' + 10, sp = ' ' + 10;
	struct buf text = {0};

	(void)state;
	ENCODES(t, "a \n\t<l> a", false, a, 300, sp, a);
	ENCODES(t, "<l>", false, 300);
	ENCODES(t, "a <r>\xc2\xa0\xe3\x80\x80 a", false, a, sp, 301, a);
	ENCODES(t, "a <lr> <l> a", false, a, 302, 300, sp, a);
	ENCODES(t, "<r> <r> ", false, 301, 301);
	/* what went with a token can be one of its own, unless it would take what is before it */
	ENCODES(t, "<r>\n\na", false, 301, 304, a);
	ENCODES(t, "<r>\t\ta", false, 301, a);
	ENCODES(t, "dog", false, 303);
	ENCODES(t, "dog-dog", false, 303, '-' + 10, 303);
	ENCODES(t, "<r>dog<r>", false, 301, 303, 301);
	/* within one that is no single word nothing else is found */
	ENCODES(t, "dogs", false, 'd' + 10, 'o' + 10, 'g' + 10, 's' + 10);
	ENCODES(t,
		"\xc3\xa9"
		"dog",
		false, 0xc3 + 10, 0xa9 + 10, 'd' + 10, 'o' + 10, 'g' + 10);
	ENCODES(t, "_dog", false, '_' + 10, 'd' + 10, 'o' + 10, 'g' + 10);
	ENCODES(t,
		"\xff"
		"dog\xff",
		false, 0xff + 10, 303, 0xff + 10);
	tok_decode(t, (const uint32_t[]){a, 300, sp}, 3, true, &text);
	assert_string_equal(buf_cstr(&text), "a<l> ");
	buf_free(&text);
	tok_free(t);
}

/* Tokens that another file names */
static void more_tokens(void **state)
{
	struct tokenizer *t = make(&(struct parts){.vocab = ",\"<w>\":266"});
	const struct tok_added v[] = {
		{.content = "<new>", .id = -1, .special = true},
		{.content = "<far>", .id = 400, .rstrip = true},
		{.content = "<w>", .id = -1},
		{.content = "<sep>", .id = 2, .lstrip = true, .special = true},
	};
	static const struct tok_added bad[] = {{.content = "<s>", .id = 500},
					       {.content = "<t>", .id = 400}};
	static const char *const says[] = {"token \"<s>\": id 500, but tokenizer.json says 1",
					   "token \"<t>\": id 400 is that of \"<far>\""};
	struct reason why = {0};
	struct buf text = {0};

	(void)state;
	assert_false(tok_is_added(t, "<w>"));
	assert_int_equal(tok_add(t, v, 4, &why), 0);
	assert_true(tok_is_added(t, "<w>"));
	ENCODES(t, "<new><far> <w> <sep>a", false, 267, 400, 266, 2, 'a' + 10);
	assert_int_equal(tok_vocab_size(t), 401);
	tok_decode(t, (const uint32_t[]){267, 2, 400}, 3, false, &text);
	assert_string_equal(buf_cstr(&text), "<far>");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tok_add(t, &bad[i], 1, &why), ST_INPUT);
		assert_says(&why, says[i]);
	}
	buf_free(&text);
	tok_free(t);
}

/* Both spellings of the merges, and their order: the least rank first, the leftmost of equals. */
static void merge_order(void **state)
{
	static const char *const spellings[] = {"[\"b c\",\"a b\",\"a bc\"]",
						"[[\"b\",\"c\"],[\"a\",\"b\"],[\"a\",\"bc\"]]"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tokenizer *t = make(&(struct parts){
			.merges = spellings[i], .vocab = ",\"bc\":300,\"ab\":301,\"abc\":302"});

		ENCODES(t, "abc", false, 302);
		ENCODES(t, "abab", false, 301, 301);
		ENCODES(t, "ababc", false, 301, 302);
		ENCODES(t, "bcbc", false, 300, 300);
		tok_free(t);
	}
}

static void ignore_merges(void **state)
{
	struct parts p = {.vocab = ",\"xyz\":300", .model = ",\"ignore_merges\":true"};
	struct tokenizer *t = make(&p);

	(void)state;
	ENCODES(t, "xyz", false, 300);
	ENCODES(t, "xyzx", false, 'x' + 10, 'y' + 10, 'z' + 10, 'x' + 10);
	tok_free(t);
	p.model = NULL;
	t = make(&p);
	ENCODES(t, "xyz", false, 'x' + 10, 'y' + 10, 'z' + 10);
	tok_free(t);
}

static void merges_against_reference(void **state)
{
	static const char *const merges[][2] = {{"a", "b"},   {"b", "a"},  {"ab", "ab"},
						{"a", "a"},   {"aa", "b"}, {"c", "ab"},
						{"ba", "ab"}, {"aa", "aa"}};
	struct tokenizer *t =
		make(&(struct parts){.merges = "[\"a b\",\"b a\",\"ab ab\",\"a a\",\"aa b\","
					       "\"c ab\",\"ba ab\",\"aa aa\"]",
				     .vocab = ",\"ab\":300,\"ba\":301,\"abab\":302,\"aa\":303,"
					      "\"aab\":304,\"cab\":305,\"baab\":306,\"aaaa\":307"});

	(void)state;
	for (uint64_t i = 0; i < 500; i++) {
		uint64_t key = rng_key(2, RNG_TEST, i, 0, 0);
		char text[24], sym[24][16];
		size_t n = 1 + rng_below(key, 0, sizeof text - 1);
		uint32_t want[24];

		for (size_t c = 0; c < n; c++) {
			text[c] = "aabbc"[rng_below(key, c + 1, 5)];
			sym[c][0] = text[c];
			sym[c][1] = '\0';
		}
		size_t left = merge_plainly(merges, 8, sym, n);
		for (size_t c = 0; c < left; c++)
			assert_true(tok_find(t, sym[c], &want[c]));
		assert_encodes(t, text, n, false, want, left);
	}
	tok_free(t);
}

/* Pieces show through merges: "aa" stays one token only within a piece. */
#define AA                                                       \
	.merges = "[\"a a\",\"1 1\",\"11 1\",\"\xc4\xa0 a\"]",   \
	.vocab = ",\"aa\":300,\"11\":301,\"111\":302,\"\xc4\xa0" \
		 "a\":303"

static void pre_tokenizers(void **state)
{
	struct tokenizer *t;
	const uint32_t one = '1' + 10, a = 'a' + 10, sp = ' ' + 10;

	(void)state;
	t = make(&(struct parts){AA, .pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"});
	ENCODES(t, "aa", false, sp, 300);
	ENCODES(t, " aa", false, sp, 300);
	ENCODES(t, "a<sep>a", false, 303, 2, 303);
	tok_free(t);

	t = make(&(struct parts){AA, .pre = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
					    "\"use_regex\":false}"});
	ENCODES(t, "111aa a", false, 302, 300, 303);
	tok_free(t);

	t = make(&(struct parts){
		AA, .pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
			   "\"individual_digits\":true},{\"type\":\"ByteLevel\","
			   "\"add_prefix_space\":false,\"use_regex\":true}]}"});
	ENCODES(t, "aa111 a", false, 300, one, one, one, 303);
	tok_free(t);

	t = make(&(struct parts){
		AA, .pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
			   "\"individual_digits\":false},{\"type\":\"ByteLevel\","
			   "\"add_prefix_space\":false,\"use_regex\":false}]}"});
	ENCODES(t, "a111a", false, a, 302, a);
	tok_free(t);

	/* the pattern of Llama-3 family files: numbers of up to three digits */
	t = make(&(struct parts){
		AA, .pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
			   "\"pattern\":{\"Regex\":\"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
			   "\\\\p{N}{1,2}|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\","
			   "\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
			   "\"use_regex\":false}]}"});
	ENCODES(t, "111 aa  a", false, 301, one, sp, 300, sp, 303);
	tok_free(t);

	/* a prefix space before every piece of a Split */
	t = make(&(struct parts){
		AA, .pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
			   "\"pattern\":{\"String\":\".\"},\"behavior\":\"Removed\","
			   "\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
			   "\"use_regex\":false}]}"});
	ENCODES(t, "a.1.a", false, 303, sp, one, 303);
	tok_free(t);

	/* inverted: the matches stay */
	t = make(&(struct parts){
		AA, .pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
			   "\"pattern\":{\"Regex\":\"a|1+\"},\"behavior\":\"Removed\","
			   "\"invert\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
			   "\"use_regex\":false}]}"});
	ENCODES(t, "aa .11", false, a, a, 301);
	tok_free(t);
}

/* U+180E has not been a space since Unicode 6.3, though PCRE2's own \s still takes it for one. */
static void spaces(void **state)
{
	struct tokenizer *t = make(&(struct parts){.merges = "[[\"\xc3\xa1\",\"\xc5\x82\"]]",
						   .vocab = ",\"\xc3\xa1\xc5\x82\":300"});

	(void)state;
	/* "." U+180E is one piece of other signs; the bytes e1 a0 8e: no merge crosses into it */
	ENCODES(t, ".\xe1\xa0\x8e", false, '.' + 10, 300, 0x8e + 10);
	tok_free(t);
}

static void nfc(void **state)
{
	struct parts p = {.normalizer = "{\"type\":\"NFC\"}"};
	struct tokenizer *t = make(&p);

	(void)state;
	ENCODES(t, "e\xcc\x81", false, 0xc3 + 10, 0xa9 + 10);
	ENCODES(t, "e", false, 'e' + 10);
	/* bytes that are not UTF-8 stay, around what is composed */
	ENCODES(t,
		"\xff\xcc"
		"e\xcc\x81\xc3",
		false, 0xff + 10, 0xcc + 10, 0xc3 + 10, 0xa9 + 10, 0xc3 + 10);
	tok_free(t);
	/* a normalized token is found in normal form, another only as it is written */
	p.normalizer = "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}";
	p.added = "[{\"id\":300,\"content\":\"\xc3\xa9!\",\"normalized\":true},"
		  "{\"id\":301,\"content\":\"\xc3\xa9?\",\"normalized\":false}]";
	t = make(&p);
	ENCODES(t, "e\xcc\x81!", false, 300);
	ENCODES(t, "\xc3\xa9?", false, 301);
	ENCODES(t, "e\xcc\x81?", false, 0xc3 + 10, 0xa9 + 10, '?' + 10);
	tok_free(t);
}

static const char template[] =
	"{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\","
	"\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{"
	"\"id\":\"end\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\","
	"\"ids\":[1],\"tokens\":[\"<s>\"]},\"end\":{\"id\":\"end\",\"ids\":[2,11],"
	"\"tokens\":[\"x\",\"y\"]}}}";

static void post_processor(void **state)
{
	char sequence[1024];
	struct parts p = {.post = template};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tokenizer *t = make(&p);

		ENCODES(t, "a", true, 1, 'a' + 10); /* nothing stands behind a prompt */
		ENCODES(t, "a", false, 'a' + 10);
		tok_free(t);
		snprintf(sequence, sizeof sequence,
			 "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},%s]}",
			 template);
		p.post = sequence;
	}
}

static void unknown_bytes(void **state)
{
	struct buf b = {0};
	struct tokenizer *t;
	struct ids ids = {0};
	struct reason why = {0};

	(void)state;
	assert_int_equal(chars_make("01", &b, &why), 0);
	t = tok_load(b.p, b.n, "x", &why);
	assert_non_null(t);
	assert_int_equal(tok_encode(t, "0", 1, false, &ids, &why), 0);
	assert_int_equal(tok_encode(t, "102", 3, false, &ids, &why), ST_INPUT);
	assert_says(&why, "no token for byte 0x32");
	assert_int_equal(ids.n, 1);
	assert_int_equal(ids.v[0], 2);
	tok_free(t);
	free(ids.v);
	buf_reset(&b);
	buf_str(&b,
		"{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
		"\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"merges\":[],"
		"\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1}}}");
	t = tok_load(b.p, b.n, "x", &why);
	assert_non_null(t);
	ENCODES(t, "abba", false, 1, 0, 0, 1);
	tok_free(t);
	buf_free(&b);
}

static void make_chars(void **state)
{
	static const char alphabet[] = "0123456789+-*/()=><,.:;? \nabcdefghijklmnopqrstuvwxyz\"\\~";
	struct buf b = {0};
	struct tokenizer *t;
	struct reason why;
	uint32_t id;

	(void)state;
	assert_int_equal(chars_make("b a\n\"", &b, &why), 0);
	t = tok_load(b.p, b.n, "x", &why);
	assert_non_null(t);
	assert_int_equal(tok_vocab_size(t), 7);
	assert_true(tok_find(t, "<pad>", &id) && id == 0);
	assert_true(tok_find(t, "<eos>", &id) && id == 1);
	ENCODES(t, "b a\n\"<eos>", true, 2, 3, 4, 5, 6, 1);
	tok_free(t);
	buf_reset(&b);
	assert_int_equal(chars_make(alphabet, &b, &why), 0);
	t = tok_load(b.p, b.n, "x", &why);
	assert_int_equal(tok_vocab_size(t), 2 + sizeof alphabet - 1);
	assert_round_trip(t, alphabet, sizeof alphabet - 1);
	tok_free(t);
	buf_reset(&b);
	assert_int_equal(chars_make("a\tb", &b, &why), ST_INPUT);
	assert_says(&why, "byte 0x09");
	assert_int_equal(chars_make("\xc3\xa9", &b, &why), ST_INPUT);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

static void refused(void **state)
{
	static const struct {
		struct parts p;
		const char *says;
	} cases[] = {
		{{.pre = "null"}, "decoder: ByteLevel is not supported without that pre_tokenizer"},
		{{.pre = "{}"}, "pre_tokenizer: without a type"},
		{{.pre = "{\"type\":\"Whitespace\"}"},
		 "pre_tokenizer: Whitespace is not supported"},
		{{.pre = "{\"type\":\"Digits\"}"}, "decoder: ByteLevel is not supported"},
		{{.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[]}"},
		 "decoder: ByteLevel is not supported"},
		{{.decoder = "{\"type\":\"Fuse\"}"},
		 "pre_tokenizer: ByteLevel is not supported without that decoder"},
		{{.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},"
			 "{\"type\":\"Digits\"}]}"},
		 "Digits after ByteLevel"},
		{{.pre = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},"
			 "\"behavior\":\"Merged\"}"},
		 "behavior Merged is not supported"},
		{{.pre = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},"
			 "\"behavior\":\"Isolated\"}"},
		 "pattern \"(\": missing closing parenthesis"},
		{{.pre = "{\"type\":\"Split\",\"behavior\":\"Isolated\"}"}, "without pattern"},
		{{.normalizer = "{\"type\":\"Lowercase\"}"}, "normalizer: Lowercase"},
		{{.normalizer = "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"}]}"},
		 "normalizer: NFKC"},
		{{.post = "{\"type\":\"BertProcessing\"}"}, "post_processor: BertProcessing"},
		{{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
			  "{\"id\":\"<s>\"}}],\"special_tokens\":{}}"},
		 "no ids for \"<s>\""},
		{{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
			  "{\"id\":\"<s>\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[9999]}}}"},
		 "the id of \"<s>\" is no token"},
		{{.post = "{\"type\":\"TemplateProcessing\",\"single\":[{}],\"special_tokens\":{}"
			  "}"},
		 "entry 0 of single is not understood"},
		{{.post = "{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}"},
		 "single holds no Sequence"},
		{{.decoder = "null"}, "decoder: "},
		{{.decoder = "{\"type\":\"WordPiece\"}"}, "decoder: WordPiece is not supported"},
		{{.model = ",\"dropout\":0.1"}, "model: dropout"},
		{{.model = ",\"byte_fallback\":true"}, "model: byte_fallback"},
		{{.model = ",\"continuing_subword_prefix\":\"##\""},
		 "model: continuing_subword_prefix"},
		{{.model = ",\"end_of_word_suffix\":\"</w>\""}, "model: end_of_word_suffix"},
		{{.model = ",\"unk_token\":\"<none>\""}, "model: unk_token"},
		{{.merges = "[\"ab\"]"}, "model: merge 0 is not a pair"},
		{{.merges = "[[\"a\",\"b\",\"c\"]]"}, "model: merge 0 is not a pair"},
		{{.merges = "[\"a b\"]"}, "model: merge 0 (\"a\" \"b\"): not in the vocabulary"},
		{{.merges = "[\"a a\",\"a a\"]", .vocab = ",\"aa\":300"},
		 "model: merge 1 (\"a\" \"a\"): twice"},
		{{.merges = "null"}, "model: merges is missing"},
		{{.vocab = ",\"zz\":15"}, "token \"zz\": id 15 is that of"},
		{{.vocab = ",\"zz\":-1"}, "token \"zz\": id -1"},
		{{.vocab = ",\"zz\":16777216"}, "token \"zz\": id 16777216"},
		{{.vocab = ",\"zz\":1.5"}, "token \"zz\": id is no integer"},
		{{.vocab = ",\"a\":300"}, "duplicate"},
		{{.added = "[{\"id\":300,\"content\":\"\"}]"}, "added_tokens: "},
		{{.added = "[{\"content\":\"x\"}]"}, "added_tokens: "},
		{{.added = "[{\"id\":15,\"content\":\"zz\"}]"}, "token \"zz\": id 15 is that of"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct reason why = {0};

		if (try_make(&cases[i].p, &why))
			fail_msg("accepted: case %zu, %s", i, cases[i].says);
		assert_int_equal(why.status, ST_INPUT);
		assert_says(&why, "tokenizer.json: ");
		assert_says(&why, cases[i].says);
	}
}

static void other_models(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "t.json"},
		{"[]", "not a JSON object"},
		{"{}", "model: an entry without a type is not supported"},
		{"{\"model\":{}}", "model: an entry without a type is not supported"},
		{"{\"model\":{\"type\":\"Unigram\"}}", "model: Unigram is not supported"},
		{"{\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},"
		 "\"merges\":[]}}",
		 "model: vocab is missing or empty"},
		{"{\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"type\":\"BPE\",\"vocab\":[],"
		 "\"merges\":[]}}",
		 "model: vocab is missing or empty"},
	};
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		why.status = 0;
		assert_null(tok_load(cases[i].text, strlen(cases[i].text), "t.json", &why));
		assert_int_equal(why.status, ST_INPUT);
		assert_says(&why, "t.json");
		assert_says(&why, cases[i].says);
	}
}

/* Patterns that are too long, too many, or that never end. */
static void pattern_limits(void **state)
{
	struct buf pre = {0};
	struct tokenizer *t;
	struct ids ids = {0};
	struct reason why = {0};

	(void)state;
	buf_str(&pre, "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"String\":\"");
	for (int i = 0; i < 65537; i++)
		buf_char(&pre, 'a');
	buf_str(&pre, "\"}}");
	assert_null(try_make(&(struct parts){.pre = buf_cstr(&pre)}, &why));
	assert_says(&why, "pattern of more than 65536 bytes");
	buf_reset(&pre);
	buf_str(&pre, "{\"type\":\"Sequence\",\"pretokenizers\":[");
	for (int i = 0; i < 9; i++)
		buf_printf(&pre, "%s{\"type\":\"Digits\"}", i ? "," : "");
	buf_str(&pre, "]}");
	assert_null(try_make(&(struct parts){.pre = buf_cstr(&pre)}, &why));
	assert_says(&why, "more than 8 steps");
	buf_free(&pre);
	t = make(&(struct parts){
		.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
		       "\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"(?:a+)+[bd]\"}},"
		       "{\"type\":\"ByteLevel\"}]}"});
	assert_int_equal(
		tok_encode(t, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 41, false, &ids, &why),
		ST_INPUT);
	assert_says(&why, "pre-tokenizing failed");
	free(ids.v);
	tok_free(t);
}

/* Every prefix of a file, and every byte of it changed: an error or a tokenizer, no crash. */
static void damaged(void **state)
{
	struct buf b = {0};
	struct tokenizer *t;

	(void)state;
	assert_int_equal(chars_make("ab", &b, NULL), 0);
	for (size_t n = 0; n + 1 < b.n; n++)
		assert_null(tok_load(b.p, n, "x", NULL));
	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (char)(1 << bit);
			t = tok_load(b.p, b.n, "x", NULL);
			if (t) {
				struct ids ids = {0};

				tok_encode(t, "ab<eos>", 7, true, &ids, NULL);
				free(ids.v);
			}
			tok_free(t);
			b.p[i] ^= (char)(1 << bit);
		}
	buf_free(&b);
}

/* One tokenizer, several threads. */
static void *encode_many(void *arg)
{
	static const char text[] = "aab abb 11 aabbaabb<sep>aa";
	struct ids first = {0};

	tok_encode(arg, text, sizeof text - 1, false, &first, NULL);
	for (int i = 0; i < 300; i++) {
		struct ids ids = {0};

		tok_encode(arg, text, sizeof text - 1, false, &ids, NULL);
		if (ids.n != first.n || memcmp(ids.v, first.v, ids.n * sizeof *ids.v) != 0)
			arg = NULL;
		free(ids.v);
		if (!arg)
			break;
	}
	free(first.v);
	return arg;
}

static void threads(void **state)
{
	struct tokenizer *t = make(&(struct parts){AA});
	pthread_t thread[4];
	void *r;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, encode_many, t), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &r);
		assert_ptr_equal(r, t);
	}
	tok_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt2_conformance),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(stories),
		cmocka_unit_test(all_bytes),
		cmocka_unit_test(added_tokens),
		cmocka_unit_test(added_flags),
		cmocka_unit_test(more_tokens),
		cmocka_unit_test(merge_order),
		cmocka_unit_test(ignore_merges),
		cmocka_unit_test(merges_against_reference),
		cmocka_unit_test(pre_tokenizers),
		cmocka_unit_test(spaces),
		cmocka_unit_test(nfc),
		cmocka_unit_test(post_processor),
		cmocka_unit_test(unknown_bytes),
		cmocka_unit_test(make_chars),
		cmocka_unit_test(refused),
		cmocka_unit_test(other_models),
		cmocka_unit_test(pattern_limits),
		cmocka_unit_test(damaged),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
