/* gguf.h: one broken file per rule, every prefix, flipped bits, all types of keys, tensors written
 * and read back. */
#include "scratch.h"

#include "base/file.h"
#include "base/mem.h"
#include "policy/gguf.h"

#include <math.h>

static const char *dir;

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_free(dir);
	return 0;
}

/* ---- a file by its parts: words, each a letter, a colon and what it is of ---- */

static void add_u64(struct buf *b, uint64_t v, size_t bytes)
{
	buf_add(b, &v, bytes);
}

/* 1:N 4:N 8:N integers, s:TEXT a string with its length, m:TEXT bytes, z:N zeros, p:N zeros up to a
 * multiple of N */
static void add_part(struct buf *b, const char *word, size_t n)
{
	char text[128];
	uint64_t v;

	assert_true(n >= 2 && word[1] == ':' && n < sizeof text);
	memcpy(text, word + 2, n - 2);
	text[n - 2] = '\0';
	v = strtoull(text, NULL, 0);
	if (*word == 's')
		add_u64(b, n - 2, 8);
	if (*word == 's' || *word == 'm')
		buf_add(b, text, n - 2);
	else if (*word == 'z' || *word == 'p')
		for (size_t i = *word == 'z' ? v : (v - b->n % v) % v; i; i--)
			buf_char(b, '\0');
	else
		add_u64(b, v, (size_t)(*word - '0'));
}

static void assemble(struct buf *b, const char *text)
{
	buf_reset(b);
	for (size_t n; *text; text += n + (text[n] == ' ')) {
		n = strcspn(text, " ");
		add_part(b, text, n);
	}
}

static void put_file(const char *text)
{
	struct buf b = {0};

	assemble(&b, text);
	scratch_put(dir, "x.gguf", b.p, b.n);
	buf_free(&b);
}

static int open_it(struct gguf *g, struct reason *why)
{
	return gguf_open(g, scratch_path(dir, "x.gguf"), why);
}

static void assert_refused(const char *what)
{
	struct gguf g;
	struct reason why = {0};

	if (open_it(&g, &why) != ST_INPUT)
		fail_msg("accepted, or not as bad input: %s (%s)", what, why.text);
	assert_says(&why, what);
	assert_says(&why, "x.gguf: ");
}

#define HEAD "m:GGUF 4:3 "
#define ONE HEAD "8:1 8:0 "
#define KEY HEAD "8:0 8:1 "
#define F32 "4:1 8:6 4:0 8:0 p:32 z:24"

static const struct {
	const char *file, *says; /* NULL: valid */
} rules[] = {
	{HEAD "8:0 8:0", NULL},
	{HEAD "8:0 8:0 p:32", NULL},
	{"m:GGUF 4:2 8:0 8:0", NULL},
	{ONE "s:t " F32, NULL},
	{ONE "s:t " F32 " p:32", NULL},
	{KEY "s:k 4:4 4:7", NULL},
	{KEY "s:k 4:9 4:9 8:2 4:0 8:1 1:1 4:8 8:1 s:a", NULL}, /* lists in a list */
	{KEY "s:k 4:9 4:8 8:0", NULL},
	{"m:GGUF", "byte 4: 4 bytes more than the file holds"},
	{"m:GGML 4:3 8:0 8:0", "does not begin with GGUF"},
	{"m:GGUF 4:1 8:0 8:0", "version 1 is not supported"},
	{"m:GGUF 4:4 8:0 8:0", "version 4 is not supported"},
	{"m:GGUF 4:0x3000000 8:0 8:0", "version 50331648 is not supported"},
	{HEAD "8:1 8:0", "more than the file has room for"},
	{HEAD "8:0 8:0xffffffffffffffff z:99", "more than the file has room for"},
	{HEAD "8:0xffffffffffffffff 8:0 z:99", "more than the file has room for"},
	{HEAD "8:0x800000000000000 8:0 z:99", "more than the file has room for"},
	{KEY "8:0xffffffffffffffff z:99", "bytes more than the file holds"},
	{KEY "8:0x7fffffffffffffff z:99", "bytes more than the file holds"},
	{KEY "8:0 4:4 4:7 z:9", "no name of a key"},
	{KEY "8:3 m:a 1:0 m:b 4:4 4:7", "no name of a key"},
	{KEY "8:1 1:0xff 4:4 4:7", "no name of a key"},
	{KEY "s:k 4:13 4:7", "a value of type 13, which is none"},
	{KEY "s:k 4:0xffffffff 4:7", "a value of type 4294967295"},
	{KEY "s:k 4:9 4:14 8:0", "a value of type 14"},
	{KEY "s:k 4:9 4:10 8:0x2000000000000001", "a list of"},
	{KEY "s:k 4:9 4:0 8:0xffffffffffffffff", "bytes more than the file holds"},
	{KEY "s:k 4:9 4:8 8:0xffffffffffffffff", "bytes more than the file holds"},
	{KEY "s:k 4:9 4:9 8:1 4:9 8:1 4:9 8:1 4:9 8:1 4:9 8:1 4:9 8:1 4:9 8:1 4:0 8:0",
	 "lists in lists"},
	{KEY "s:k 4:8 8:5 m:abcd", "1 bytes more than the file holds"},
	{HEAD "8:0 8:2 s:k 4:4 4:7 s:k 4:4 4:7", "key k: there twice"},
	{HEAD "8:0 8:1 s:general.alignment 4:4 4:3", "general.alignment: 3 is not a power of 2"},
	{HEAD "8:0 8:1 s:general.alignment 4:4 4:0", "general.alignment: 0 is not within"},
	{HEAD "8:0 8:1 s:general.alignment 4:8 s:32", "general.alignment: string, not an integer"},
	{HEAD "8:0 8:1 s:split.count 4:2 1:3 1:0", "one of 3 parts of a model"},
	{ONE "8:0 " F32, "no name of a tensor"},
	{ONE "s:0123456789012345678901234567890123456789012345678901234567890123 " F32,
	 "no name of a tensor"},
	{ONE "s:t 4:0 8:6 4:0 8:0 p:32 z:24", "tensor t: 0 dimensions"},
	{ONE "s:t 4:5 8:1 8:1 8:1 8:1 8:6 4:0 8:0 p:32 z:24", "tensor t: 5 dimensions"},
	{ONE "s:t 4:0xffffffff 8:6 4:0 8:0 p:32 z:24", "tensor t: 4294967295 dimensions"},
	{ONE "s:t 4:1 8:0 4:0 8:0 p:32 z:24", "tensor t: a dimension of 0"},
	{ONE "s:t 4:2 8:0x100000000 8:0x100000000 4:0 8:0 p:32 z:24", "too large a product"},
	{ONE "s:t 4:2 8:0xffffffffffffffff 8:2 4:0 8:0 p:32 z:24", "too large a product"},
	{ONE "s:t 4:1 8:0x4000000000000001 4:0 8:0 p:32 z:24", "data beyond the end"},
	{ONE "s:t 4:1 8:0xffffffffffffffe0 4:8 8:0 p:32 z:24", "data beyond the end"},
	{ONE "s:t 4:1 8:6 4:23 8:0 p:32 z:24", "tensor t: its type, IQ4_XS (23), is not supported"},
	{ONE "s:t 4:1 8:6 4:4 8:0 p:32 z:24", "tensor t: its type, an unknown type (4)"},
	{ONE "s:t 4:1 8:48 4:8 8:0 p:32 z:51", "tensor t: rows of 48 numbers"},
	{ONE "s:t 4:1 8:6 4:0 8:32 p:32 z:99", "tensor t: its data begin at 32, not at 0"},
	{ONE "s:t 4:1 8:6 4:0 8:0xffffffffffffffe0 p:32 z:24", "tensor t: its data begin at"},
	{ONE "s:t 4:1 8:6 4:0 8:0 p:32 z:23", "tensor t: data beyond the end of the file"},
	{ONE "s:t 4:1 8:6 4:0 8:0", "tensor t: data beyond the end of the file"},
	{ONE "s:t 4:1 8:6 4:0 8:0 p:32 z:33", "9 bytes after the last tensor"},
	{HEAD "8:0 8:0 p:32 z:1", "1 bytes after the last tensor"},
	{HEAD "8:2 8:0 s:t 4:1 8:6 4:0 8:0 s:t 4:1 8:6 4:0 8:32 p:32 z:56",
	 "tensor t: there twice"},
	{HEAD "8:2 8:0 s:t 4:1 8:6 4:0 8:0 s:u 4:1 8:6 4:0 8:24 p:32 z:56", "tensor u: its data"},
	{HEAD "8:2 8:0 s:t 4:1 8:6 4:0 8:0 s:u 4:1 8:6 4:0 8:64 p:32 z:99", "tensor u: its data"},
	{HEAD "8:2 8:0 s:t 4:1 8:6 4:0 8:0 s:u 4:1 8:6 4:0 8:0 p:32 z:99", "tensor u: its data"},
};

static void each_rule(void **state)
{
	struct gguf g;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		put_file(rules[i].file);
		if (rules[i].says)
			assert_refused(rules[i].says);
		else if (open_it(&g, &why))
			fail_msg("%s: %s", rules[i].file, why.text);
		else
			gguf_close(&g);
	}
}

static void no_file(void **state)
{
	(void)state;
	unlink(scratch_path(dir, "x.gguf"));
	assert_refused("no such file");
	assert_int_equal(mkdir(scratch_path(dir, "x.gguf"), 0777), 0);
	assert_refused("not a regular file");
	rmdir(scratch_path(dir, "x.gguf"));
}

/* A small valid file with keys of several types and two tensors */
static const char valid[] =
	HEAD "8:2 8:5 s:a.int 4:4 4:7 s:a.text 4:8 s:llama s:a.list 4:9 4:8 8:2 s:x s:yz "
	     "s:general.alignment 4:4 4:64 s:a.bool 4:7 1:1 "
	     "s:t 4:2 8:3 8:2 4:0 8:0 s:q 4:1 8:32 4:8 8:64 p:64 z:64 z:34";

static void each_prefix(void **state)
{
	struct buf b = {0};
	struct gguf g;

	(void)state;
	assemble(&b, valid);
	for (size_t n = 0; n < b.n; n++) {
		scratch_put(dir, "x.gguf", b.p, n);
		assert_refused("x.gguf: ");
	}
	scratch_put(dir, "x.gguf", b.p, b.n);
	assert_int_equal(open_it(&g, NULL), 0);
	gguf_close(&g);
	buf_free(&b);
}

/* What is still accepted can be read: within the file, and of the size it says. */
static void read_everything(struct gguf *g)
{
	struct buf text = {0};

	for (size_t i = 0; i < g->n_keys; i++)
		gguf_show(g, &g->key[i], &text);
	for (size_t i = 0; i < g->n_tensors; i++) {
		const struct gguf_tensor *t = &g->tensor[i];
		float *v = xarray(t->count, sizeof *v);

		assert_true(t->count <= 1024);
		assert_int_equal(gguf_read(g, t, 0, t->count, v, NULL), 0);
		free(v);
	}
	buf_free(&text);
	gguf_close(g);
}

static void each_byte_flipped(void **state)
{
	struct reason why = {0};
	struct buf b = {0};
	struct gguf g;

	(void)state;
	assemble(&b, valid);
	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 9; bit++) {
			char old = b.p[i];

			b.p[i] = bit == 8 ? '\xff' : (char)(old ^ 1 << bit);
			scratch_put(dir, "x.gguf", b.p, b.n);
			if (open_it(&g, &why) == 0)
				read_everything(&g);
			else
				assert_int_equal(why.status, ST_INPUT);
			b.p[i] = old;
		}
	buf_free(&b);
}

static void shrinking_file(void **state)
{
	struct reason why = {0};
	struct buf b = {0};
	struct gguf g;
	float v[32];

	(void)state;
	assemble(&b, valid);
	scratch_put(dir, "x.gguf", b.p, b.n);
	assert_int_equal(open_it(&g, &why), 0);
	assert_int_equal(truncate(scratch_path(dir, "x.gguf"), (off_t)b.n - 1), 0);
	assert_int_equal(gguf_read(&g, gguf_tensor(&g, "q"), 0, 32, v, &why), ST_INPUT);
	assert_says(&why, "shorter than at first");
	gguf_close(&g);
	buf_free(&b);
}

/* ---- keys ---- */

static void values(void **state)
{
	struct span text = {"as it was", 9}, *list = NULL;
	struct reason why = {0};
	int64_t i = -5;
	double d = -5;
	bool yes = false;
	struct gguf g;
	size_t n = 0;

	(void)state;
	put_file(valid);
	assert_int_equal(open_it(&g, &why), 0);
	assert_int_equal(gguf_int(&g, "absent", 0, 9, &i, &why), 0);
	assert_int_equal(i, -5);
	assert_int_equal(gguf_int(&g, "a.int", 0, 9, &i, &why), 0);
	assert_int_equal(i, 7);
	assert_int_equal(gguf_int(&g, "a.int", 8, 9, &i, &why), ST_INPUT);
	assert_says(&why, "x.gguf: a.int: 7 is not within 8..9");
	assert_int_equal(gguf_int(&g, "a.text", 0, 9, &i, &why), ST_INPUT);
	assert_says(&why, "a.text: string, not an integer");
	assert_int_equal(gguf_int(&g, "a.bool", 0, 9, &i, &why), ST_INPUT);
	assert_int_equal(gguf_real(&g, "a.int", &d, &why), 0);
	assert_true(d == 7);
	assert_int_equal(gguf_bool(&g, "a.bool", &yes, &why), 0);
	assert_true(yes);
	assert_int_equal(gguf_bool(&g, "a.int", &yes, &why), ST_INPUT);
	assert_int_equal(gguf_string(&g, "absent", &text, &why), 0);
	assert_true(span_is(text, "as it was"));
	assert_int_equal(gguf_string(&g, "a.text", &text, &why), 0);
	assert_true(span_is(text, "llama"));
	assert_int_equal(gguf_string(&g, "a.list", &text, &why), ST_INPUT);
	assert_int_equal(gguf_strings(&g, "a.text", &list, &n, &why), ST_INPUT);
	assert_int_equal(gguf_strings(&g, "a.list", &list, &n, &why), 0);
	assert_int_equal(n, 2);
	assert_true(span_is(list[0], "x") && span_is(list[1], "yz"));
	free(list);
	gguf_close(&g);
}

static void no_utf8(void **state)
{
	struct reason why = {0};
	struct span text, *list = NULL;
	struct gguf g;
	size_t n;

	(void)state;
	put_file(HEAD "8:0 8:2 s:a 4:8 8:1 1:0xff s:b 4:9 4:8 8:1 8:1 1:0xfe");
	assert_int_equal(open_it(&g, &why), 0);
	assert_int_equal(gguf_string(&g, "a", &text, &why), ST_INPUT);
	assert_says(&why, "a: not UTF-8");
	assert_int_equal(gguf_strings(&g, "b", &list, &n, &why), ST_INPUT);
	assert_says(&why, "b: item 0 is not UTF-8");
	free(list);
	gguf_close(&g);
}

static void assert_shown(const struct gguf *g, const char *name, const char *text)
{
	const struct gguf_key *k = gguf_find(g, name);
	struct buf b = {0};

	assert_non_null(k);
	gguf_show(g, k, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
}

static void shown(void **state)
{
	struct reason why = {0};
	double *list = NULL;
	struct gguf g;
	size_t n;

	(void)state;
	put_file(HEAD
		 "8:0 8:11 s:u8 4:0 1:255 s:i8 4:1 1:255 s:u16 4:2 1:1 1:2 s:i16 4:3 1:0xfe 1:0xff "
		 "s:i32 4:5 4:0xfffffffd s:u64 4:10 8:18446744073709551615 "
		 "s:i64 4:11 8:18446744073709551615 s:f64 4:12 8:0x3fe0000000000000 "
		 "s:f32 4:6 4:0x3727c5ac s:nan 4:6 4:0x7fc00000 s:list 4:9 4:6 8:2 4:0x3f800000 "
		 "4:0x40000000");
	assert_int_equal(open_it(&g, &why), 0);
	assert_shown(&g, "u8", "255");
	assert_shown(&g, "i8", "-1");
	assert_shown(&g, "u16", "513");
	assert_shown(&g, "i16", "-2");
	assert_shown(&g, "i32", "-3");
	assert_shown(&g, "u64", "9223372036854775807"); /* or more */
	assert_shown(&g, "i64", "-1");
	assert_shown(&g, "f64", "0.5");
	assert_shown(&g, "f32", "0.00001");
	assert_shown(&g, "list", "1.0 2.0");
	assert_int_equal(gguf_reals(&g, "list", &list, &n, &why), 0);
	assert_true(n == 2 && list[0] == 1 && list[1] == 2);
	free(list);
	list = NULL;
	assert_int_equal(gguf_reals(&g, "u8", &list, &n, &why), ST_INPUT);
	assert_int_equal(gguf_real(&g, "nan", list = xcalloc(1, sizeof *list), &why), ST_INPUT);
	assert_says(&why, "nan: not finite");
	assert_int_equal(gguf_real(&g, "f32", list, &why), 0);
	assert_true(*list == 1e-5);
	free(list);
	gguf_close(&g);
}

/* ---- writing ---- */

struct matrices {
	const float *v[3];
	size_t row[3];
};

static int copy_rows(void *ctx, size_t i, size_t first, size_t n, float *to, struct reason *why)
{
	const struct matrices *m = ctx;

	(void)why;
	memcpy(to, m->v[i] + first * m->row[i], n * m->row[i] * sizeof *to);
	return 0;
}

static int write_file(const struct gguf_meta *meta, const struct gguf_item *v, size_t n,
		      struct matrices *m, struct gguf_loss *loss, struct reason *why)
{
	int fd = open(scratch_path(dir, "x.gguf"), O_WRONLY | O_CREAT | O_TRUNC, 0666), st;
	struct out o;

	out_init(&o, fd, "x.gguf");
	st = gguf_write(&o, meta, v, n, copy_rows, m, loss, why);
	assert_int_equal(out_close(&o, NULL), 0);
	return st;
}

static void write_and_read(void **state)
{
	enum {
		ROWS = 3,
		COLS = (1 << 18) + 32
	}; /* a row is more than one part of the conversion */
	static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0};
	float *big = xarray(ROWS * COLS, sizeof *big), *back = xarray(ROWS * COLS, sizeof *back);
	const float small[5] = {1, -2.5F, 0x1p-20F, 3, 4};
	const struct span words[2] = {{"a b", 3}, {"", 0}};
	const int32_t kinds[2] = {3, -1};
	const float scores[2] = {-1.5F, 0};
	struct gguf_meta meta = {0};
	struct matrices m = {{small, big}, {1, COLS}};
	struct reason why = {0};

	(void)state;
	gguf_put_string(&meta, "s", words[0]);
	gguf_put_u32(&meta, "u", 7);
	gguf_put_f32(&meta, "f", 1e-5);
	gguf_put_bool(&meta, "b", true);
	gguf_put_strings(&meta, "ss", words, 2);
	gguf_put_i32s(&meta, "is", kinds, 2);
	gguf_put_f32s(&meta, "fs", scores, 2);
	/* whole numbers up to 127, one of which is in each block: every type has them exactly */
	for (size_t i = 0; i < ROWS * COLS; i++)
		big[i] = i % 32 ? (float)(i % 251) - 125 : 127;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const struct gguf_item items[] = {{"small", quant_find(QUANT_F32), 1, {5, 1}},
						  {"big", quant_find(types[i]), 2, {ROWS, COLS}}};
		struct gguf_loss loss = {0};
		struct gguf g;

		assert_int_equal(write_file(&meta, items, 2, &m, &loss, &why), 0);
		assert_int_equal(loss.numbers, 5 + ROWS * COLS);
		assert_int_equal(loss.rounded, 0);
		if (open_it(&g, &why))
			fail_msg("%s", why.text);
		assert_int_equal(g.n_tensors, 2);
		assert_int_equal(g.tensor[1].dim[0], COLS);
		assert_int_equal(g.tensor[1].dim[1], ROWS);
		assert_int_equal(gguf_read(&g, &g.tensor[0], 0, 5, back, &why), 0);
		assert_memory_equal(back, small, sizeof small);
		assert_int_equal(gguf_read(&g, &g.tensor[1], 0, ROWS * COLS, back, &why), 0);
		assert_memory_equal(back, big, ROWS * COLS * sizeof *big);
		assert_int_equal(gguf_read(&g, &g.tensor[1], COLS, 64, back, &why), 0);
		assert_memory_equal(back, big + COLS, 64 * sizeof *big);
		assert_shown(&g, "s", "a b");
		assert_shown(&g, "u", "7");
		assert_shown(&g, "f", "0.00001");
		assert_shown(&g, "b", "true");
		assert_shown(&g, "ss", "2 of type string");
		assert_shown(&g, "is", "3 -1");
		assert_shown(&g, "fs", "-1.5 0.0");
		gguf_close(&g);
	}
	buf_free(&meta.b);
	free(big);
	free(back);
}

static void not_finite(void **state)
{
	static const struct {
		uint32_t type;
		float v;
		bool ok;
	} cases[] = {{QUANT_F32, 1e38F, true},  {QUANT_F32, INFINITY, false},
		     {QUANT_F16, 65504, true},  {QUANT_F16, 65520, false},
		     {QUANT_BF16, 1e38F, true}, {QUANT_BF16, 3.4e38F, false},
		     {QUANT_Q8_0, 8e6F, true},  {QUANT_Q8_0, 1e38F, false},
		     {QUANT_Q8_0, NAN, false},  {QUANT_Q8_0, -INFINITY, false}};
	struct gguf_meta meta = {0};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct gguf_item item = {"t", quant_find(cases[i].type), 2, {2, 32}};
		float v[64] = {0};
		struct matrices m = {{v}, {32}};
		struct reason why = {0};

		v[63] = cases[i].v;
		assert_int_equal(write_file(&meta, &item, 1, &m, NULL, &why),
				 cases[i].ok ? 0 : ST_INPUT);
		if (!cases[i].ok) {
			assert_says(&why, "t: element ");
			assert_says(&why, item.type->name);
		}
	}
}

static void loss_told(void **state)
{
	const struct gguf_item item = {"t", quant_find(QUANT_BF16), 1, {4, 1}};
	const float v[4] = {1, 1 + 0x1p-9F, 2, 0};
	struct gguf_meta meta = {0};
	struct gguf_loss loss = {0};
	struct matrices m = {{v}, {1}};
	struct reason why;

	(void)state;
	assert_int_equal(write_file(&meta, &item, 1, &m, &loss, &why), 0);
	assert_int_equal(loss.numbers, 4);
	assert_int_equal(loss.rounded, 1);
	assert_true(loss.error == 0x1p-18);
	assert_true(fabs(loss.norm - 6.00390625) < 1e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(each_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(each_byte_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(shrinking_file, setup, teardown),
		cmocka_unit_test_setup_teardown(values, setup, teardown),
		cmocka_unit_test_setup_teardown(no_utf8, setup, teardown),
		cmocka_unit_test_setup_teardown(shown, setup, teardown),
		cmocka_unit_test_setup_teardown(write_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(not_finite, setup, teardown),
		cmocka_unit_test_setup_teardown(loss_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
