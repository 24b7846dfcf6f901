/*
 * tokenizer-chars.c - tokenizer.json as Llama 2, TinyLlama and Mistral have it: characters with
 * U+2581 for a blank, bytes to fall back on, text that is one word; worked out by hand after the
 * rules of the `tokenizers` library, and against the plain way to merge.
 */
#include "scratch.h"
#include "tok.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tokenizer/tokenizer.h"

#define M "\xe2\x96\x81" /* U+2581 */

#define PREPEND                                                                          \
	"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"" M \
	"\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" M "\"}]}"
#define REPLACE(what, by) \
	"{\"type\":\"Replace\",\"pattern\":{\"String\":\"" what "\"},\"content\":\"" by "\"}"
#define STRIP ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
#define DECODER(strip)                                                                          \
	"{\"type\":\"Sequence\",\"decoders\":[" REPLACE(M, " ") ",{\"type\":\"ByteFallback\"}," \
								"{\"type\":\"Fuse\"}" strip "]}"
#define META(more) "{\"type\":\"Metaspace\",\"replacement\":\"" M "\"," more "}"
#define BOS                                                                               \
	"{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"," \
	"\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],"       \
	"\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[1],\"tokens\":[\"<s>\"]}}}"
#define FALLBACK "\"fuse_unk\":true,\"byte_fallback\":true"

/* The vocabulary: byte c is token BYTE + c; characters and what is merged of them from CHARS on */
enum { UNK, S, END, BYTE, CHARS = BYTE + 256 };
static const char *const tokens[] = {M,    "a",        "b",   "c",   "t",     "h",  "e",
				     ".",  "\xc3\xa9", M "t", "he",  M "the", M M,  M M M M,
				     "ab", "abc",      "bc",  M "a", "aa",    "cab"};
enum {
	BLANK = CHARS,
	A,
	B,
	C,
	T,
	H,
	E,
	DOT,
	ACUTE,
	BT,
	HE,
	BTHE,
	BB,
	BBBB,
	AB,
	ABC,
	BC,
	BA,
	AA,
	CAB
};
#define MERGES                                                                                    \
	"\"" M " t\",\"h e\",\"" M "t he\",\"" M " " M "\",\"" M M " " M M "\",\"a b\",\"ab c\"," \
	"\"b c\",\"" M " a\",\"a a\",\"c ab\""

struct parts {
	const char *normalizer, *pre, *post, *decoder, *model, *merges, *more_tokens, *added;
	bool no_bytes; /* the vocabulary has no "<0x00>" and so on but "<0x41>" and "<0xC3>" */
};

static const char *or_else(const char *given, const char *otherwise)
{
	return given ? given : otherwise;
}

static struct tokenizer *try_make(const struct parts *p, struct reason *why)
{
	struct buf b = {0};
	struct tokenizer *t;
	char name[8];

	buf_printf(
		&b,
		"{\"version\":\"1.0\",\"added_tokens\":%s,\"normalizer\":%s,\"pre_tokenizer\":%s,"
		"\"post_processor\":%s,\"decoder\":%s,\"model\":{\"type\":\"BPE\",\"dropout\":null,"
		"\"unk_token\":\"<unk>\",%s,\"merges\":[%s],\"vocab\":{\"<unk>\":0,\"<s>\":1,"
		"\"</s>\":2",
		or_else(p->added,
			"[{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":1,\"content\":"
			"\"<s>\",\"special\":true},{\"id\":2,\"content\":\"</"
			"s>\",\"special\":true}]"),
		or_else(p->normalizer, p->pre ? "null" : PREPEND), or_else(p->pre, "null"),
		or_else(p->post, "null"), or_else(p->decoder, DECODER(STRIP)),
		or_else(p->model, FALLBACK), or_else(p->merges, MERGES));
	for (unsigned c = 0; c < 256; c++) {
		snprintf(name, sizeof name, "<0x%02X>", c);
		if (!p->no_bytes || c == 0x41 || c == 0xc3)
			buf_printf(&b, ",\"%s\":%u", name, BYTE + c);
	}
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
		buf_printf(&b, ",\"%s\":%zu", tokens[i], CHARS + i);
	buf_printf(&b, "%s}}}", or_else(p->more_tokens, ""));
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

static void decodes(const struct tokenizer *t, const uint32_t *ids, size_t n, const char *want)
{
	struct buf b = {0};

	tok_decode(t, ids, n, false, &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

#define DECODES(t, want, ...)                       \
	decodes(t, (const uint32_t[]){__VA_ARGS__}, \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), want)

/* ---- whole files ---- */

static void llama2(void **state)
{
	struct tokenizer *t = make(&(struct parts){.post = BOS});

	(void)state;
	ENCODES(t, "the the.", false, BTHE, BTHE, DOT);
	ENCODES(t, " the", false, BLANK, BTHE); /* blanks merge with each other later than with t */
	ENCODES(t, "a   b", false, BA, BB, BLANK, B);
	ENCODES(t, "a     b", false, BA, BBBB, BLANK, B);
	ENCODES(t, "\n\xc3\xa9", false, BLANK, BYTE + '\n', ACUTE);
	ENCODES(t, "\xf0\x9f\x98\x80z", false, BLANK, BYTE + 0xf0, BYTE + 0x9f, BYTE + 0x98,
		BYTE + 0x80, BYTE + 'z');
	ENCODES(t, "a</s>the", false, BA, END, BTHE); /* what stands behind a token begins anew */
	ENCODES(t, "<s></s>", false, S, END);
	ENCODES(t, "", true, S);
	ENCODES(t, "the", true, S, BTHE);
	ENCODES(t, "<s>the", true, S, BTHE);
	DECODES(t, "the the.", S, BTHE, BTHE, DOT, END);
	DECODES(t, " the", BB, T, HE);
	DECODES(t, "a\n\xc3\xa9", BA, BYTE + '\n', BYTE + 0xc3, BYTE + 0xa9);
	DECODES(t, "\xff", BYTE + 0xff);
	DECODES(t, "", END, 9999);
	tok_free(t);
}

/* Old files: their special tokens are normalized too. */
static void normalized_specials(void **state)
{
	struct tokenizer *t = make(&(struct parts){
		.added = "[{\"id\":2,\"content\":\"</s>\",\"normalized\":true,\"special\":true}]"});

	(void)state;
	ENCODES(t, "a </s>", false, BA, END);
	ENCODES(t, "</s>a", false, END, A);
	ENCODES(t, "a</s>", false, BA, BYTE + '<', BYTE + '/', BYTE + 's', BYTE + '>');
	tok_free(t);
}

/* What Mistral's newer files have, and both spellings of older ones */
static void metaspace(void **state)
{
	static const struct {
		const char *pre, *decoder;
		uint32_t first, behind; /* what "t" becomes at the front and behind a token */
		const char *back;       /* " t" at the front of what is decoded */
	} cases[] = {
		{META("\"prepend_scheme\":\"first\",\"split\":false"), DECODER(STRIP), BT, T, "t"},
		{META("\"prepend_scheme\":\"always\",\"split\":false"), DECODER(STRIP), BT, BT,
		 "t"},
		{META("\"prepend_scheme\":\"never\",\"split\":false"), DECODER(""), T, T, " t"},
		{META("\"add_prefix_space\":true"), META("\"add_prefix_space\":true"), BT, BT, "t"},
		{META("\"add_prefix_space\":false"), META("\"add_prefix_space\":false"), T, T,
		 " t"},
		{META("\"add_prefix_space\":true,\"prepend_scheme\":\"first\""),
		 META("\"add_prefix_space\":true,\"prepend_scheme\":\"never\""), BT, T, " t"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tokenizer *t = make(&(struct parts){.pre = cases[i].pre,
							   .decoder = cases[i].decoder,
							   .model = "\"fuse_unk\":false"});

		ENCODES(t, "t", false, cases[i].first);
		ENCODES(t, " t", false, BT); /* it has its blank already */
		ENCODES(t, "</s>t t", false, END, cases[i].behind, BT);
		ENCODES(t, M "t</s> t", false, BT, END, BT);
		DECODES(t, cases[i].back, BT);
		tok_free(t);
	}
}

/* split: every blank begins a piece, so blanks never merge. */
static void metaspace_split(void **state)
{
	struct parts p = {.pre = META("\"prepend_scheme\":\"always\",\"split\":true")};
	struct tokenizer *t = make(&p);

	(void)state;
	ENCODES(t, "the  a ", false, BTHE, BLANK, BA, BLANK);
	tok_free(t);
	p.pre = META("\"prepend_scheme\":\"always\",\"split\":false");
	t = make(&p);
	ENCODES(t, "the  a ", false, BTHE, BB, A, BLANK);
	tok_free(t);
	/* behind another step: a piece that does not begin the text */
	p.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":"
		"{\"String\":\".\"},\"behavior\":\"Isolated\"}," META(
			"\"prepend_scheme\":\"first\"") "]}";
	t = make(&p);
	ENCODES(t, "t.t", false, BT, DOT, T);
	tok_free(t);
}

/* ---- characters without a token ---- */

static void unknown(void **state)
{
	struct parts p = {.no_bytes = true};
	struct tokenizer *t = make(&p);

	(void)state;
	/* one unk for several; \xc3 is a token and \xa8 not: the character has not all its bytes */
	ENCODES(t, "xyz", false, BLANK, UNK);
	ENCODES(t, "xay\xc3\xa8", false, BLANK, UNK, A, UNK);
	/* as the library does it, the unk comes behind the byte that stood behind it */
	ENCODES(t, "xAxa", false, BLANK, BYTE + 'A', UNK, A);
	tok_free(t);
	p.model = "\"fuse_unk\":false,\"byte_fallback\":false";
	t = make(&p);
	ENCODES(t, "xya", false, BLANK, UNK, UNK, A);
	ENCODES(t, "A", false, BLANK, UNK);
	DECODES(t, "a", UNK, BA);
	tok_free(t);
}

static void nothing_for_it(void **state)
{
	static const char json[] =
		"{\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"type\":\"BPE\",\"merges\":[],"
		"\"vocab\":{\"a\":0}}}";
	struct tokenizer *t = tok_load(json, sizeof json - 1, "x", NULL);
	struct reason why = {0};
	struct ids ids = {0};

	(void)state;
	assert_non_null(t);
	assert_int_equal(tok_encode(t, "ab", 2, false, &ids, &why), ST_INPUT);
	assert_says(&why, "no token for byte 0x62");
	assert_int_equal(ids.n, 0);
	ENCODES(t, "aa", false, 0, 0);
	DECODES(t, "aa", 0, 0);
	free(ids.v);
	tok_free(t);
}

static void whole_words(void **state)
{
	struct tokenizer *t = make(&(struct parts){.model = FALLBACK ",\"ignore_merges\":true",
						   .more_tokens = ",\"" M "xa" M "b\":400"});

	(void)state;
	ENCODES(t, "xa b", false, 400);
	ENCODES(t, "xa bb", false, BLANK, BYTE + 'x', A, BLANK, B, B);
	tok_free(t);
}

static void any_bytes(void **state)
{
	static const char some[] = " \n.ahet<0x>\xc3\xa9\xf0\x9f\x98\x80\xe2\x96";
	struct tokenizer *t = make(&(struct parts){0});

	(void)state;
	for (uint64_t i = 0; i < 400; i++) {
		uint64_t key = rng_key(5, RNG_TEST, i, 0, 0);
		size_t n = rng_below(key, 0, 64);
		char text[64];
		struct ids ids = {0};
		struct buf back = {0};

		for (size_t c = 0; c < n; c++)
			text[c] = i % 2 ? (char)rng_below(key, c + 1, 256)
					: some[rng_below(key, c + 1, sizeof some - 1)];
		assert_int_equal(tok_encode(t, text, n, false, &ids, NULL), 0);
		tok_decode(t, ids.v, ids.n, true, &back);
		assert_int_equal(back.n, n);
		if (n)
			assert_memory_equal(back.p, text, n);
		free(ids.v);
		buf_free(&back);
	}
	tok_free(t);
}

/* ---- merges ---- */

static const char *const merges[][2] = {{M, "t"},   {"h", "e"}, {M "t", "he"}, {M, M},
					{M M, M M}, {"a", "b"}, {"ab", "c"},   {"b", "c"},
					{M, "a"},   {"a", "a"}, {"c", "ab"},   {"c", M "a"}};

/* One vocabulary that is encoded word by word, and one with a merge across the blank between two */
static void against_plain_merging(void **state)
{
	(void)state;
	for (size_t across = 0; across < 2; across++) {
		struct tokenizer *t =
			make(&(struct parts){.merges = across ? MERGES ",\"c " M "a\"" : MERGES,
					     .more_tokens = across ? ",\"c" M "a\":400" : NULL});

		for (uint64_t i = 0; i < 400; i++) {
			uint64_t key = rng_key(6, RNG_TEST, across, i, 0);
			size_t n = 1 + rng_below(key, 0, 30), left;
			char text[32] = "", sym[32][16] = {M};
			uint32_t want[32];

			for (size_t c = 0; c < n; c++) {
				text[c] = "  aabbcthe"[rng_below(key, c + 1, 10)];
				snprintf(sym[c + 1], sizeof *sym, "%.3s",
					 text[c] == ' ' ? M : (char[]){text[c], '\0'});
			}
			left = merge_plainly(merges, 11 + across, sym, n + 1);
			for (size_t c = 0; c < left; c++)
				assert_true(tok_find(t, sym[c], &want[c]));
			assert_encodes(t, text, strlen(text), false, want, left);
		}
		tok_free(t);
	}
}

/* A word of two million characters: minutes, were the time quadratic */
static void long_word(void **state)
{
	struct tokenizer *t = make(&(struct parts){0});
	size_t n = 2000001;
	char *text = xmalloc(n);
	struct ids ids = {0};

	(void)state;
	memset(text, 'a', n);
	assert_int_equal(tok_encode(t, text, n, false, &ids, NULL), 0);
	assert_int_equal(ids.n, 1 + n / 2);
	assert_int_equal(ids.v[0], BA);
	assert_int_equal(ids.v[n / 2], AA);
	free(ids.v);
	free(text);
	tok_free(t);
}

/* ---- decoders, refusals ---- */

static void decoders(void **state)
{
	static const struct {
		const char *decoder, *want;
	} cases[] = {
		{"{\"type\":\"Fuse\"}", M "the<0x0A>" M "a"},
		{"{\"type\":\"ByteFallback\"}", M "the\n" M "a"},
		{REPLACE("he", "HE"), M "tHE<0x0A>" M "a"},
		/* without Fuse each token is stripped; counts are of characters, at both ends */
		{"{\"type\":\"Sequence\",\"decoders\":[" REPLACE(M, " ") STRIP "]}", "the<0x0A>a"},
		{"{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Strip\","
		 "\"content\":\"" M
		 "\",\"start\":3,\"stop\":0},{\"type\":\"Strip\",\"content\":\"a\","
		 "\"start\":1,\"stop\":2}]}",
		 "the<0x0A>" M},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tokenizer *t =
			make(&(struct parts){.decoder = cases[i].decoder,
					     .model = "\"fuse_unk\":true,\"byte_fallback\":false"});

		DECODES(t, cases[i].want, BTHE, BYTE + '\n', BA);
		DECODES(t, "", S);
		tok_free(t);
	}
}

static void refused(void **state)
{
	static const struct {
		struct parts p;
		const char *says;
	} cases[] = {
		{{.decoder = "null"}, "decoder: an entry without a type is not supported"},
		{{.decoder = "{\"type\":\"WordPiece\"}"}, "decoder: WordPiece is not supported"},
		{{.decoder = "{\"type\":\"Sequence\",\"decoders\":[]}"},
		 "decoder: an empty Sequence"},
		{{.decoder = "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
			     "{\"type\":\"ByteLevel\"}]}"},
		 "decoder: ByteLevel is not supported"},
		{{.decoder =
			  "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"},\"content\":\"\"}"},
		 "decoder: Replace of a Regex"},
		{{.decoder = REPLACE("", "x")}, "decoder: Replace: String"},
		{{.decoder = "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}"},
		 "decoder: Replace: content"},
		{{.decoder = "{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0}"},
		 "decoder: Strip: start or stop"},
		{{.decoder = "{\"type\":\"Strip\",\"start\":1,\"stop\":0}"},
		 "decoder: Strip: content"},
		{{.decoder = "{\"type\":\"Metaspace\"}"}, "decoder: Metaspace: replacement"},
		{{.decoder = "{\"type\":\"Fuse\"}"},
		 "model: byte_fallback is not supported without a decoder ByteFallback"},
		{{.decoder = "{\"type\":\"ByteLevel\"}"},
		 "decoder: ByteLevel is not supported without that pre_tokenizer"},
		{{.pre = "{\"type\":\"ByteLevel\"}"},
		 "pre_tokenizer: ByteLevel is not supported without that decoder"},
		{{.pre = "{\"type\":\"ByteLevel\"}", .decoder = "{\"type\":\"ByteLevel\"}"},
		 "model: byte_fallback is not supported with ByteLevel"},
		{{.pre = META("\"prepend_scheme\":\"last\"")},
		 "pre_tokenizer: Metaspace: prepend_scheme \"last\" is not supported"},
		{{.pre = META("\"prepend_scheme\":\"first\",\"add_prefix_space\":false")},
		 "pre_tokenizer: Metaspace: prepend_scheme \"first\" without add_prefix_space"},
		{{.pre = "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"},
		 "pre_tokenizer: Metaspace: replacement is not a character"},
		{{.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[" META(
			  "\"split\":true") "," META("\"split\":true") "]}"},
		 "pre_tokenizer: Metaspace twice"},
		{{.normalizer = REPLACE("ab", ""),
		  .added = "[{\"id\":273,\"content\":\"ab\",\"normalized\":true}]"},
		 "added token \"ab\": the normalizer leaves nothing of it"},
		{{.normalizer = "{\"type\":\"Prepend\"}"}, "normalizer: Prepend: prepend"},
		{{.normalizer = "{\"type\":\"Precompiled\"}"}, "normalizer: Precompiled is not"},
		{{.normalizer = REPLACE("", "x")}, "normalizer: Replace: the String is empty"},
		{{.normalizer = "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" \"},"
				"\"content\":\"x\"}"},
		 "normalizer: Replace of a Regex"},
		{{.normalizer = "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"}}"},
		 "normalizer: Replace: content"},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(llama2),
		cmocka_unit_test(normalized_specials),
		cmocka_unit_test(metaspace),
		cmocka_unit_test(metaspace_split),
		cmocka_unit_test(unknown),
		cmocka_unit_test(nothing_for_it),
		cmocka_unit_test(whole_words),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(against_plain_merging),
		cmocka_unit_test(long_word),
		cmocka_unit_test(decoders),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
