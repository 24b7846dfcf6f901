/*
 * tokenizer.c - any bytes are encoded into ids of the vocabulary and decoded into the same bytes;
 * decoding part by part gives the same. The first byte chooses among tokenizers that cut the text
 * in different ways.
 */
#include "common/fuzz.h"

#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {8 << 20, 1000, 0};

#define SPLIT(regex)                                                                            \
	"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":" \
	"\"" regex "\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","   \
	"\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}]}"

static const char *const pretokenizers[] = {
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":false}",
	SPLIT("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
	      "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"),
	"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true}"
	","
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}]}",
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}",
};
enum { N_TOKENIZERS = sizeof pretokenizers / sizeof *pretokenizers };

/* In the order of their ids, 300 and on; a space is U+0120 there. */
static const char *const merges[][2] = {
	{"t", "h"},
	{"i", "n"},
	{"a", "n"},
	{"th", "e"},
	{"\xc4\xa0", "t"},
	{"e", "r"},
	{"\xc4\xa0", "\xc4\xa0"},
	{"\xc4\xa0t", "he"},
	{"h", "e"},
	{"1", "2"},
	{"0", "0"},
	{"\xc3\x83", "\xc2\xa9"},
	{"a", "a"},
	{"aa", "aa"},
	{"\xc4\x8a", "\xc4\x8a"},
};
enum { N_MERGES = sizeof merges / sizeof *merges };

static void add_name(struct buf *b, const char *name)
{
	buf_str(b, strchr("\"\\", *name) ? "\\" : "");
	buf_str(b, name);
}

static struct tokenizer *make(const char *pretokenizer)
{
	struct buf b = {0}, name = {0};
	struct reason why = {0};
	struct tokenizer *t;

	buf_printf(&b,
		   "{\"version\":\"1.0\",\"normalizer\":null,\"pre_tokenizer\":%s,"
		   "\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\"},\"added_tokens\":"
		   "[{\"id\":0,\"content\":\"<|end|>\",\"special\":true},"
		   "{\"id\":1,\"content\":\"<sep>\",\"special\":false}],"
		   "\"model\":{\"type\":\"BPE\",\"vocab\":{",
		   pretokenizer);
	for (int c = 0; c < 256; c++) {
		buf_reset(&name);
		bpe_byte_char((unsigned char)c, &name);
		buf_str(&b, "\"");
		add_name(&b, buf_cstr(&name));
		buf_printf(&b, "\":%d,", c + 10);
	}
	for (int i = 0; i < N_MERGES; i++)
		buf_printf(&b, "%s\"%s%s\":%d", i ? "," : "", merges[i][0], merges[i][1], 300 + i);
	buf_str(&b, "},\"merges\":[");
	for (int i = 0; i < N_MERGES; i++)
		buf_printf(&b, "%s\"%s %s\"", i ? "," : "", merges[i][0], merges[i][1]);
	buf_str(&b, "]}}");
	t = tok_load(b.p, b.n, "made", &why);
	MUST(t);
	buf_free(&b);
	buf_free(&name);
	return t;
}

/* Kept from input to input */
static const struct tokenizer *tokenizer(unsigned which)
{
	static struct tokenizer *made[N_TOKENIZERS];

	which %= N_TOKENIZERS;
	if (!made[which])
		made[which] = make(pretokenizers[which]);
	return made[which];
}

void fuzz_one(const uint8_t *p, size_t n)
{
	const struct tokenizer *t = tokenizer(n ? p[0] : 0);
	const char *text = (const char *)p + (n > 0);
	struct buf whole = {0}, parts = {0};
	struct ids ids = {0};
	struct reason why = {0};

	n -= n > 0;
	MUST(tok_encode(t, text, n, false, &ids, &why) == 0);
	MUST(ids.n <= n);
	for (size_t i = 0; i < ids.n; i++)
		MUST(ids.v[i] < tok_vocab_size(t));
	tok_decode(t, ids.v, ids.n, true, &whole);
	MUST(whole.n == n && (!n || !memcmp(whole.p, text, n)));
	for (size_t i = 0; i < ids.n; i += 7)
		tok_decode(t, ids.v + i, ids.n - i < 7 ? ids.n - i : 7, true, &parts);
	MUST(parts.n == n && (!n || !memcmp(parts.p, text, n)));
	buf_free(&whole);
	buf_free(&parts);
	free(ids.v);
}
