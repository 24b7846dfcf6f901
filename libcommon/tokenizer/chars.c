/* chars.c - a character-level tokenizer.json: chars_make of tokenizer.h. */
#include "base/json.h"
#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"

static const char *const fresh_special[] = {"<pad>", "<eos>"};

enum { N_FRESH = sizeof fresh_special / sizeof *fresh_special };

int chars_make(const char *alphabet, struct buf *out, struct reason *why)
{
	bool seen[256] = {false};
	struct buf name = {0};
	int id = N_FRESH;

	for (const char *p = alphabet; *p; p++) {
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			return fail(
				why, ST_INPUT,
				"alphabet: byte 0x%02x is not printable ASCII, space or newline",
				(unsigned char)*p);
		if (seen[(unsigned char)*p])
			return fail(why, ST_INPUT, "alphabet: '%c' is in it twice", *p);
		seen[(unsigned char)*p] = true;
	}
	buf_str(out,
		"{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[");
	for (int i = 0; i < N_FRESH; i++)
		buf_printf(out,
			   "%s{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,"
			   "\"rstrip\":false,\"normalized\":false,\"special\":true}",
			   i ? "," : "", i, fresh_special[i]);
	buf_str(out, "],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\","
		     "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false},"
		     "\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\","
		     "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false},"
		     "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
		     "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
		     "\"fuse_unk\":false,\"byte_fallback\":false,\"vocab\":{");
	for (int i = 0; i < N_FRESH; i++)
		buf_printf(out, "%s\"%s\":%d", i ? "," : "", fresh_special[i], i);
	for (const char *p = alphabet; *p; p++) {
		buf_reset(&name);
		bpe_byte_char((unsigned char)*p, &name);
		buf_char(out, ',');
		json_string_to(out, name.p, name.n);
		buf_printf(out, ":%d", id++);
	}
	buf_str(out, "},\"merges\":[]}}\n");
	buf_free(&name);
	return 0;
}
