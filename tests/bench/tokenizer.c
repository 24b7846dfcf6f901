/*
 * tokenizer.c - megabytes of text a second that one thread encodes, and the time of loading: of a
 * made-up vocabulary in the form of a family, or of a tokenizer.json and a text of one's own.
 * Options: --form qwen2|llama3|smollm2|llama2 --vocab N --megabytes N --tokenizer FILE --text FILE
 */
#include "base/file.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/tool.h"
#include "base/utf8.h"
#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *form = "qwen2", *tokenizer_file, *text_file;
static int64_t vocab = 151643, megabytes = 8;

static const struct opt opts[] = {
	{0, "form", "qwen2|llama3|smollm2|llama2", OPT_WORD, &form, 0, 0,
	 "whose normalizer and pre-tokenizer"},
	{0, "vocab", "N", OPT_INT, &vocab, 300, 1 << 22, "tokens of the made-up vocabulary"},
	{0, "megabytes", "N", OPT_INT, &megabytes, 1, 1024, "of made-up text"},
	{0, "tokenizer", "FILE", OPT_STR, &tokenizer_file, 0, 0, "this tokenizer.json instead"},
	{0, "text", "FILE", OPT_STR, &text_file, 0, 0, "this text instead"},
	{0}};

static const struct tool tool = {"bench-tokenizer", "", "Time encoding.", opts};

#define SPLIT(digits)                                                                              \
	"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\""  \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|" digits             \
	"| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}," \
	"\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","                     \
	"\"add_prefix_space\":false,\"use_regex\":false}]}"

static bool by_characters(void)
{
	return strcmp(form, "llama2") == 0;
}

static const char *pre_tokenizer(void)
{
	if (by_characters())
		return "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\","
		       "\"prepend_scheme\":\"first\",\"split\":false}";
	if (strcmp(form, "qwen2") == 0)
		return SPLIT("\\\\p{N}");
	if (strcmp(form, "llama3") == 0)
		return SPLIT("\\\\p{N}{1,3}");
	return "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
	       "\"individual_digits\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
	       "\"use_regex\":true}]}";
}

/* Word i of a language with some accents, at most 40 bytes */
static void add_word(struct buf *b, uint64_t i)
{
	static const char *const onset[] = {"b", "d", "k", "t", "s", "m",  "n",
					    "r", "l", "f", "p", "v", "st", "tr"};
	static const char *const vowel[] = {"a", "e", "i", "o", "u", "\xc3\xa9", "ou", "ai"};
	static const char *const coda[] = {"", "", "", "n", "r", "s", "t"};
	uint64_t key = rng_key(7, RNG_TEST, i, 0, 0), n = 1 + rng_below(key, 0, 4);

	for (uint64_t k = 1; k <= n; k++) {
		buf_str(b, onset[rng_below(key, 3 * k, 14)]);
		buf_str(b, vowel[rng_below(key, 3 * k + 1, rng_below(key, 3 * k, 4) ? 5 : 8)]);
		buf_str(b, coda[rng_below(key, 3 * k + 2, 7)]);
	}
}

/* Appends what the symbol that text begins with is in the vocabulary; returns its bytes of text. */
static size_t add_symbol(struct buf *name, struct span text)
{
	size_t n = by_characters() ? utf8_char(text.p, text.n) : 1;

	if (!by_characters())
		bpe_byte_char((unsigned char)*text.p, name);
	else if (*text.p == ' ')
		buf_str(name, "\xe2\x96\x81");
	else
		buf_add(name, text.p, n);
	return n;
}

/* Adds the tokens and merges that build " word" from left to right. */
static void teach(struct bpe *seen, struct buf *v, struct buf *merges, const struct buf *word)
{
	struct buf name = {0};
	uint32_t id;

	for (size_t i = 0; i < word->n && seen->n < (uint32_t)vocab;) {
		struct span left = {name.p, name.n}, all;
		size_t before = name.n;

		i += add_symbol(&name, (struct span){word->p + i, word->n - i});
		left.p = name.p;
		all = (struct span){name.p, name.n};
		if (bpe_find(seen, all, &id))
			continue;
		bpe_add(seen, all, seen->n, NULL);
		buf_printf(v, ",\"%.*s\":%u", (int)name.n, name.p, seen->n - 1);
		buf_printf(merges, "%s\"%.*s %.*s\"", merges->n ? "," : "", (int)left.n, left.p,
			   (int)(name.n - before), name.p + before);
	}
	buf_free(&name);
}

static void add_token(struct bpe *seen, struct buf *v, const struct buf *name)
{
	buf_str(v, seen->n ? "," : "");
	json_string_to(v, name->p, name->n);
	buf_printf(v, ":%u", seen->n);
	bpe_add(seen, (struct span){name->p, name->n}, seen->n, NULL);
}

static const char *decoder(void)
{
	return by_characters() ? "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\","
				 "\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},"
				 "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}"
			       : "{\"type\":\"ByteLevel\"}";
}

static void make_tokenizer(struct buf *out)
{
	struct buf v = {0}, merges = {0}, word = {0}, name = {0};
	struct bpe seen;

	bpe_init(&seen);
	seen.characters = by_characters();
	for (int c = 0; c < 256; c++) {
		buf_reset(&name);
		if (by_characters())
			buf_printf(&name, "<0x%02X>", (unsigned)c);
		else
			bpe_byte_char((unsigned char)c, &name);
		add_token(&seen, &v, &name);
	}
	for (int c = ' '; c < 128 && by_characters(); c++) {
		buf_reset(&name);
		add_symbol(&name, (struct span){(char[]){(char)c}, 1});
		add_token(&seen, &v, &name);
	}
	if (by_characters())
		add_token(&seen, &v, &(struct buf){.p = "\xc3\xa9", .n = 2});
	for (uint64_t i = 0; seen.n < (uint32_t)vocab; i++) {
		buf_reset(&word);
		buf_char(&word, ' ');
		add_word(&word, i);
		teach(&seen, &v, &merges, &word);
	}
	buf_printf(out,
		   "{\"added_tokens\":[{\"id\":%lld,\"content\":\"<|im_end|>\",\"special\":true}],"
		   "\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s,\"model\":{\"type\":"
		   "\"BPE\",\"byte_fallback\":%s,\"ignore_merges\":%s,\"vocab\":{%.*s},"
		   "\"merges\":[%.*s]}}",
		   (long long)vocab, strcmp(form, "qwen2") == 0 ? "{\"type\":\"NFC\"}" : "null",
		   pre_tokenizer(), decoder(), by_characters() ? "true" : "false",
		   strcmp(form, "llama3") == 0 ? "true" : "false", (int)v.n, v.p, (int)merges.n,
		   merges.p);
	bpe_free(&seen);
	buf_free(&v);
	buf_free(&merges);
	buf_free(&word);
	buf_free(&name);
}

/* Words by Zipf's law, one in ten not in the vocabulary, with numbers and signs between. */
static void make_text(struct buf *out)
{
	size_t want = (size_t)megabytes << 20;

	for (uint64_t i = 0; out->n < want; i++) {
		uint64_t kind = rng_below(1, 4 * i, 40);

		if (kind == 0)
			buf_printf(out, " %llu", (unsigned long long)rng_below(1, 4 * i + 1, 5000));
		else if (kind == 1)
			buf_str(out, rng_below(1, 4 * i + 1, 4) ? ", " : ".\n\n");
		else if (kind == 2)
			buf_str(out, " x^2 + \\frac{1}{2} =");
		else {
			double u = rng_uniform(1, 4 * i + 2);

			buf_char(out, ' ');
			add_word(out, kind < 7 ? 1000000 + i : (uint64_t)exp(u * log(60000)));
		}
	}
}

static int bench(const struct buf *json, const struct buf *text, struct reason *why)
{
	struct ids ids = {0};
	double t0 = clock_now(), best = 1e9, load;
	struct tokenizer *t = tok_load(json->p, json->n, "tokenizer.json", why);

	if (!t)
		return why->status;
	load = clock_now() - t0;
	for (int i = 0; i < 4; i++) {
		double s = clock_now();

		ids.n = 0;
		if (tok_encode(t, text->p, text->n, false, &ids, why))
			return why->status;
		s = clock_now() - s;
		best = s < best ? s : best;
	}
	out_printf(out_stdout(),
		   "{\"bench\":\"tokenizer\",\"tokens\":%u,\"load_s\":%.3f,\"mb\":%.1f,"
		   "\"bytes_per_token\":%.2f,\"encode_mb_s\":%.1f}\n",
		   tok_vocab_size(t), load, (double)text->n / 1e6, (double)text->n / (double)ids.n,
		   (double)text->n / 1e6 / best);
	free(ids.v);
	tok_free(t);
	return 0;
}

int main(int argc, char *argv[])
{
	struct buf json = {0}, text = {0};
	struct reason why = {0};
	int st = 0;

	tool_start(&tool, argc, argv);
	if (tokenizer_file)
		st = file_read(tokenizer_file, 1 << 30, &json, &why);
	else
		make_tokenizer(&json);
	if (!st && text_file)
		st = file_read(text_file, 1 << 30, &text, &why);
	else
		make_text(&text);
	if (!st)
		st = bench(&json, &text, &why);
	if (st)
		msg_reason(&why);
	buf_free(&json);
	buf_free(&text);
	return tool_finish(st);
}
