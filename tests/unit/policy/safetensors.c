/* safetensors.h: one broken file per rule, every prefix, flipped headers, conversions, shards. */
#include "scratch.h"

#include "base/mem.h"
#include "tensor/half.h"
#include "policy/safetensors.h"
#include "base/file.h"

#include <math.h>

#include <jansson.h>

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

/* A file of a header and so many bytes of data: byte i is i. */
static void put_file(const char *name, const char *header, size_t data)
{
	uint64_t n = strlen(header);
	struct buf b = {0};

	buf_add(&b, &n, sizeof n);
	buf_str(&b, header);
	for (size_t i = 0; i < data; i++)
		buf_char(&b, (char)i);
	scratch_put(dir, name, b.p, b.n);
	buf_free(&b);
}

static void assert_refused(const char *what)
{
	struct sft_file f;
	struct reason why = {0};

	if (sft_open(&f, dir, &why) != ST_INPUT)
		fail_msg("accepted, or not as bad input: %s (%s)", what, why.text);
	assert_says(&why, what);
}

#define T(name, dtype, shape, offsets) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
	const char *header;
	size_t data;
	const char *says; /* NULL: valid */
} rules[] = {
	{"{" T("a", "F32", "[2]", "[0,8]") "}", 8, NULL},
	{"{" T("a", "F32", "[2]", "[0,8]") "}    ", 8, NULL},
	{"{\"__metadata__\":{\"format\":\"pt\"}," T("a", "F32", "[]", "[0,4]") "}", 4, NULL},
	{"{" T("a", "BF16", "[0,7]", "[0,0]") "}", 0, NULL},
	{"{" T("z", "F32", "[0]", "[4,4]") "," T("a", "F32", "[1]",
						 "[0,4]") "," T("b", "F16", "[1,2]", "[4,8]") "}",
	 8, NULL},
	{"{}", 0, NULL},
	{"", 0, "does not begin with {"},
	{"[]", 0, "does not begin with {"},
	{" {}", 0, "does not begin with {"},
	{"{\"a\"", 0, "model.safetensors"},
	{"{\"a\xff\":1}", 0, "model.safetensors"},
	{"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[0,4]") "}", 4, "duplicate"},
	{"{\"__metadata__\":{\"n\":1}}", 0, "__metadata__: n: not a string"},
	{"{\"__metadata__\":[]}", 0, "__metadata__: not an object"},
	{"{\"a\":[]}", 0, "tensor a: not an object"},
	{"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor a: dtype is missing"},
	{"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor a: shape is missing"},
	{"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor a: data_offsets"},
	{"{" T("a", "I64", "[1]", "[0,8]") "}", 8, "tensor a: dtype I64 is not supported"},
	{"{" T("a", "f32", "[1]", "[0,4]") "}", 4, "tensor a: dtype f32 is not supported"},
	{"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "tensor a: rank 9"},
	{"{" T("a", "F32", "[-1]", "[0,4]") "}", 4, "tensor a: shape[0] is not a size"},
	{"{" T("a", "F32", "[1e0]", "[0,4]") "}", 4, "tensor a: shape[0] is not a size"},
	{"{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4, "tensor a: shape[0] is not a size"},
	{"{" T("a", "F32", "[4294967296,4294967296]", "[0,4]") "}", 4, "tensor a: the product"},
	{"{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0, "tensor a: data_offsets"},
	{"{" T("a", "F32", "[18446744073709551615]", "[0,4]") "}", 4, "integer"},
	{"{" T("a", "F32", "[1]", "[4,0]") "}", 4, "tensor a: data_offsets: 4 comes after 0"},
	{"{" T("a", "F32", "[1]", "[-4,0]") "}", 4, "tensor a: data_offsets"},
	{"{" T("a", "F32", "[1]", "[0,-4]") "}", 4, "tensor a: data_offsets"},
	{"{" T("a", "F32", "[1]", "[0,1e1]") "}", 10, "tensor a: data_offsets"},
	{"{" T("a", "F32", "[1]", "[0,4,8]") "}", 8, "tensor a: data_offsets"},
	{"{" T("a", "F32", "[2]", "[0,8]") "}", 4, "tensor a: data_offsets: 8 lies beyond"},
	{"{" T("a", "F32", "[1]", "[0,9007199254740993]") "}", 4, "lies beyond"},
	{"{" T("a", "F32", "[2]", "[0,4]") "}", 4, "tensor a: data_offsets span 4 bytes"},
	{"{" T("a", "F32", "[2]", "[0,4]") "," T("b", "F32", "[1]", "[4,8]") "}", 8, "tensor a: "},
	{"{" T("a", "F16", "[2]", "[0,8]") "}", 8, "tensor a: data_offsets span 8 bytes"},
	{"{" T("a", "F32", "[2]", "[0,8]") "," T("b", "F32", "[1]", "[4,8]") "}", 8,
	 "tensor b: data begins inside another tensor (overlap)"},
	{"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4, "(overlap)"},
	{"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12,
	 "tensor b: data begins after bytes of no tensor (hole)"},
	{"{" T("a", "F32", "[1]", "[4,8]") "}", 8, "tensor a: data begins after bytes"},
	{"{" T("a", "F32", "[1]", "[0,4]") "}", 5, "1 bytes after the last tensor"},
	{"{}", 1, "1 bytes after the last tensor"},
};

static void each_rule(void **state)
{
	struct sft_file f;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		put_file("model.safetensors", rules[i].header, rules[i].data);
		if (rules[i].says) {
			assert_refused(rules[i].says);
		} else if (sft_open(&f, dir, &why) == 0) {
			sft_close(&f);
		} else {
			fail_msg("%s: %s", rules[i].header, why.text);
		}
	}
}

/* What older writers stored beside weights is not there, whatever its type; but its bytes are. */
static void buffers(void **state)
{
	static const char *const names[] = {"m.rotary_emb.inv_freq", "h.0.attn.masked_bias",
					    "h.0.attn.bias", "position_ids", "m.causal_mask"};
	struct sft_file f;
	struct reason why;
	char header[512];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(header, sizeof header,
			 "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
			 "\"%s\":{\"dtype\":\"BOOL\",\"shape\":[2,1],\"data_offsets\":[0,2]}}",
			 names[i]);
		put_file("model.safetensors", header, 6);
		if (sft_open(&f, dir, &why))
			fail_msg("%s", why.text);
		assert_int_equal(f.n, 1);
		assert_string_equal(f.v[0].name, "a");
		sft_close(&f);
	}
	put_file("model.safetensors", "{" T("b.attn_mask", "U8", "[3]", "[0,2]") "}", 2);
	assert_refused("tensor b.attn_mask: data_offsets span 2 bytes");
	put_file("model.safetensors", "{" T("b.attn_mask", "U7", "[2]", "[0,2]") "}", 2);
	assert_refused("dtype U7 is not supported");
	put_file("model.safetensors", "{" T("attn.bias.x", "U8", "[2]", "[0,2]") "}", 2);
	assert_refused("dtype U8 is not supported");
}

static void other_names(void **state)
{
	struct sft_file f;
	struct reason why;

	(void)state;
	put_file("model.safetensors",
		 "{" T("b.old", "F32", "[1]", "[0,4]") "," T("a.new", "F32", "[1]", "[4,8]") "}",
		 8);
	assert_int_equal(sft_open(&f, dir, &why), 0);
	assert_int_equal(sft_rename(&f, ".old", ".new", &why), 0);
	assert_non_null(sft_find(&f, "b.new"));
	assert_null(sft_find(&f, "b.old"));
	assert_int_equal(sft_rename(&f, "b.new", "a.new", &why), ST_INPUT);
	assert_says(&why, "tensor a.new: under two names");
	sft_close(&f);
}

static void header_length(void **state)
{
	static const struct {
		uint64_t n;
		const char *says;
	} cases[] = {{0, "does not begin with {"},
		     {9, "more than the file holds"},
		     {100000001, "above the format's limit"},
		     {(uint64_t)1 << 63, "above the format's limit"},
		     {UINT64_MAX, "above the format's limit"},
		     {UINT64_MAX - 7, "above the format's limit"}};
	char b[16] = "........{}      ";

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(b, &cases[i].n, 8);
		scratch_put(dir, "model.safetensors", b, sizeof b);
		assert_refused(cases[i].says);
	}
	scratch_put(dir, "model.safetensors", b, 7);
	assert_refused("too short");
}

static void deep_nesting(void **state)
{
	enum { DEPTH = 100000 };
	char *header = xmalloc(DEPTH + 6);

	(void)state;
	memset(header, '[', DEPTH + 5);
	memcpy(header, "{\"a\":", 5);
	header[DEPTH + 5] = '\0';
	put_file("model.safetensors", header, 0);
	free(header);
	assert_refused("depth");
}

static void no_file(void **state)
{
	(void)state;
	assert_refused("model.safetensors: no such file");
	assert_int_equal(mkdir(scratch_path(dir, "model.safetensors"), 0777), 0);
	assert_refused("not a regular file");
	rmdir(scratch_path(dir, "model.safetensors"));
}

/* A small valid file in b. */
static void valid_file(struct buf *b)
{
	put_file("model.safetensors",
		 "{\"__metadata__\":{\"format\":\"pt\"}," T("a.weight", "F32", "[2,3]",
							    "[0,24]") "," T("b", "BF16", "[4]",
									    "[24,32]") "}",
		 32);
	assert_int_equal(file_read(scratch_path(dir, "model.safetensors"), 4096, b, NULL), 0);
}

static void each_prefix(void **state)
{
	struct buf b = {0};
	struct sft_file f;

	(void)state;
	valid_file(&b);
	for (size_t n = 0; n < b.n; n++) {
		scratch_put(dir, "model.safetensors", b.p, n);
		assert_refused("model.safetensors: ");
	}
	scratch_put(dir, "model.safetensors", b.p, b.n);
	assert_int_equal(sft_open(&f, dir, NULL), 0);
	sft_close(&f);
	buf_free(&b);
}

/* What is still accepted must be readable: within the file, and of the size it says. */
static void read_everything(struct sft_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		float *v = xarray(f->v[i].count, sizeof *v);

		assert_true(f->v[i].count <= 16);
		assert_int_equal(sft_read(f, &f->v[i], v, NULL), 0);
		free(v);
	}
	sft_close(f);
}

static void each_byte_flipped(void **state)
{
	struct buf b = {0};
	struct sft_file f;
	struct reason why = {0};

	(void)state;
	valid_file(&b);
	for (size_t i = 0; i < b.n - 32; i++)
		for (int bit = 0; bit < 9; bit++) {
			char old = b.p[i];

			b.p[i] = bit == 8 ? '\0' : (char)(old ^ 1 << bit);
			scratch_put(dir, "model.safetensors", b.p, b.n);
			if (sft_open(&f, dir, &why) == 0)
				read_everything(&f);
			else
				assert_int_equal(why.status, ST_INPUT);
			b.p[i] = old;
		}
	buf_free(&b);
}

static void no_tensors(void **state)
{
	struct sft_file f;

	(void)state;
	put_file("model.safetensors", "{}", 0);
	assert_int_equal(sft_open(&f, dir, NULL), 0);
	assert_null(sft_find(&f, "a"));
	sft_close(&f);
}

/* The file shrinks after it was opened: an error, no signal. */
static void shrinking_file(void **state)
{
	struct buf b = {0};
	struct sft_file f;
	struct reason why = {0};
	float v[6];

	(void)state;
	valid_file(&b);
	assert_int_equal(sft_open(&f, dir, &why), 0);
	assert_int_equal(truncate(scratch_path(dir, "model.safetensors"), (off_t)b.n - 30), 0);
	assert_int_equal(sft_read(&f, sft_find(&f, "a.weight"), v, &why), ST_INPUT);
	assert_says(&why, "shorter than at first");
	sft_close(&f);
	buf_free(&b);
}

static const char index_ok[] = "{\"metadata\":{\"total_size\":8},\"weight_map\":"
			       "{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}";

static void put_shards(const char *index)
{
	put_file("one.safetensors", "{" T("a", "F32", "[1]", "[0,4]") "}", 4);
	put_file("two.safetensors", "{" T("b", "F32", "[1]", "[0,4]") "}", 4);
	scratch_put(dir, "model.safetensors.index.json", index, strlen(index));
}

static void shards(void **state)
{
	struct sft_file f;
	float a, b;

	(void)state;
	put_shards(index_ok);
	assert_int_equal(sft_open(&f, dir, NULL), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.n_files, 2);
	assert_int_equal(sft_read(&f, sft_find(&f, "a"), &a, NULL), 0);
	assert_int_equal(sft_read(&f, sft_find(&f, "b"), &b, NULL), 0);
	assert_memory_equal(&a, "\0\1\2\3", 4);
	assert_memory_equal(&b, "\0\1\2\3", 4);
	assert_null(sft_find(&f, "c"));
	sft_close(&f);
}

static void bad_shards(void **state)
{
	(void)state;
	put_shards("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}");
	assert_refused("tensor b: not in one.safetensors");
	put_shards("{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"one.safetensors\"}}");
	assert_refused("tensor a: not in two.safetensors");
	put_shards("{\"weight_map\":{\"a\":\"one.safetensors\"}}");
	put_file("one.safetensors",
		 "{" T("a", "F32", "[1]", "[0,4]") "," T("c", "F32", "[1]", "[4,8]") "}", 8);
	assert_refused("tensor c: not in weight_map");
	put_shards("{\"weight_map\":{\"a\":\"../one.safetensors\"}}");
	assert_refused("weight_map: a: not a file's name");
	put_shards("{\"weight_map\":{\"a\":\"\"}}");
	assert_refused("weight_map: a: not a file's name");
	put_shards("{\"weight_map\":{\"a\":1}}");
	assert_refused("weight_map: a: not a file's name");
	put_shards("{\"weight_map\":[]}");
	assert_refused("weight_map is missing");
	put_shards("{\"weight_map\":{\"a\":\"three.safetensors\"}}");
	assert_refused("three.safetensors: no such file");
	put_shards(index_ok);
	put_file("two.safetensors",
		 "{" T("b", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8);
	assert_refused("tensor a: in two files");
}

/* ---- 16-bit floats ---- */

static float float_of(uint32_t u)
{
	float v;

	memcpy(&v, &u, sizeof v);
	return v;
}

static void f16_known(void **state)
{
	(void)state;
	assert_true(half_from_f16(0x3c00) == 1);
	assert_true(half_from_f16(0xc000) == -2);
	assert_true(half_from_f16(0x7bff) == 65504);
	assert_true(half_from_f16(0x0001) == 0x1p-24F);
	assert_true(half_from_f16(0x03ff) == 1023 * 0x1p-24F);
	assert_true(half_from_f16(0x0400) == 0x1p-14F);
	assert_true(half_from_f16(0x8000) == 0 && signbit(half_from_f16(0x8000)));
	assert_true(half_from_f16(0xfc00) == -INFINITY);
	assert_true(isnan(half_from_f16(0x7e00)));
	assert_true(half_from_bf16(0x3f80) == 1);
	assert_true(half_from_bf16(0x0001) == float_of(0x10000));
	assert_int_equal(half_to_f16(0), 0);
	assert_int_equal(half_to_f16(65519.996F), 0x7bff);
	assert_int_equal(half_to_f16(65520), 0x7c00);
	assert_int_equal(half_to_f16(-1e30F), 0xfc00);
	assert_int_equal(half_to_f16(1e-30F), 0);
}

/* Every value both ways, and between neighbours: the middle goes to the even one, what lies to
 * either side of it to the nearer. */
static void check_rounding(float (*from)(uint16_t), uint16_t (*to)(float), unsigned inf)
{
	for (unsigned h = 0; h < 0x10000; h++) {
		if ((h & 0x7fff) <= inf)
			assert_int_equal(to(from((uint16_t)h)), h);
		else
			assert_true(isnan(from((uint16_t)h)) &&
				    (to(from((uint16_t)h)) & 0x7fff) > inf);
	}
	for (unsigned h = 0; h + 1 < inf; h++) {
		double low = from((uint16_t)h), high = from((uint16_t)(h + 1));
		float mid = (float)((low + high) / 2);

		if ((double)mid != (low + high) / 2) /* below float's own grid */
			continue;
		assert_int_equal(to(mid), h & 1 ? h + 1 : h);
		assert_int_equal(to(-mid), (h & 1 ? h + 1 : h) | 0x8000);
		assert_int_equal(to(nextafterf(mid, 0)), h);
		assert_int_equal(to(nextafterf(mid, INFINITY)), h + 1);
	}
}

static void rounding(void **state)
{
	(void)state;
	check_rounding(half_from_f16, half_to_f16, 0x7c00);
	check_rounding(half_from_bf16, half_to_bf16, 0x7f80);
	assert_int_equal(half_to_bf16(float_of(0x7f7fffff)), 0x7f80);
	assert_true((half_to_bf16(float_of(0x7f800001)) & 0x7fff) > 0x7f80);
	assert_true((half_to_f16(float_of(0xff800001)) & 0x7fff) > 0x7c00);
}

/* ---- writing ---- */

static void write_items(const struct sft_item *v, size_t n, enum sft_dtype dtype)
{
	int fd = open(scratch_path(dir, "model.safetensors"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	struct out o;

	assert_true(fd >= 0);
	out_init(&o, fd, "test");
	sft_write(&o, v, n, dtype, NULL);
	assert_int_equal(out_close(&o, NULL), 0);
}

static void write_and_read(void **state)
{
	enum { MANY = (1 << 18) + 5 }; /* more than one chunk of the conversion */
	float *big = xarray(MANY, sizeof *big), *back = xarray(MANY, sizeof *back);
	const float small[4] = {1, -2.5F, 0x1p-20F, 3};
	const struct sft_item items[] = {{"z.weight", 2, {2, 2}, small, SFT_F32, 0},
					 {"big", 1, {MANY}, big, SFT_F32, 0},
					 {"\"quoted\"", 0, {0}, small, SFT_F32, 0}};

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		big[i] = (float)(i % 251) / 4;
	for (int d = SFT_F32; d <= SFT_BF16; d++) {
		struct sft_file f;

		write_items(items, 3, (enum sft_dtype)d);
		assert_int_equal(sft_open(&f, dir, NULL), 0);
		assert_int_equal(f.n, 3);
		assert_int_equal(sft_find(&f, "z.weight")->rank, 2);
		assert_int_equal(sft_find(&f, "\"quoted\"")->rank, 0);
		assert_int_equal(sft_find(&f, "big")->dtype, d);
		assert_int_equal(sft_read(&f, sft_find(&f, "big"), back, NULL), 0);
		assert_memory_equal(back, big, MANY * sizeof *big);
		assert_int_equal(sft_read(&f, sft_find(&f, "z.weight"), back, NULL), 0);
		assert_memory_equal(back, small, sizeof small);
		sft_close(&f);
	}
	free(big);
	free(back);
}

/* What the file's type does not hold is told, the first of it; the rest is there all the same. */
static void not_finite(void **state)
{
	static const struct {
		float v;
		bool ok[SFT_DTYPES];
	} cases[] = {{65519, {true, true, true}},        {-65520, {true, false, true}},
		     {0x1.fep127F, {true, false, true}}, {0x1.ffp127F, {true, false, false}},
		     {INFINITY, {false, false, false}},  {NAN, {false, false, false}}};
	enum { N = (1 << 18) + 9, AT = N - 2 };
	float *v = xcalloc(N, sizeof *v);
	const struct sft_item items[] = {{"a", 1, {N}, v, SFT_F32, 0},
					 {"b", 1, {N}, v, SFT_F32, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int d = 0; d < SFT_DTYPES; d++) {
			struct out o;
			struct reason why = {0};
			int st;

			v[AT] = v[N - 1] = cases[i].v;
			out_init(&o, open("/dev/null", O_WRONLY), "test");
			st = sft_write(&o, items, 2, (enum sft_dtype)d, &why);
			assert_int_equal(st, cases[i].ok[d] ? 0 : ST_INPUT);
			assert_true(o.total > 2 * N * sft_formats[d].size);
			if (st) {
				assert_says(&why, "a: element 262151, ");
				assert_says(&why, sft_formats[d].name);
			}
			out_close(&o, NULL);
		}
	free(v);
}

static void count_up(const void *ctx, size_t item, size_t first, size_t n, float *out)
{
	size_t k = *(const size_t *)ctx;

	assert_int_equal(item, 1);
	for (size_t i = 0; i < n * k; i++)
		out[i] = (float)((first * k + i) % 509);
}

/* Tensors that are made as they are written: few long rows, and many short ones */
static void made_and_read(void **state)
{
	enum { ROW = (1 << 18) + 3 };
	static const size_t shapes[2][2] = {{3, ROW}, {ROW, 3}};
	static const float one[1] = {1};
	float *back = xarray(3 * ROW, sizeof *back);

	(void)state;
	for (int s = 0; s < 2; s++) {
		const struct sft_item items[] = {
			{"b", 1, {1}, one, SFT_BF16, 0},
			{"a", 2, {shapes[s][0], shapes[s][1]}, NULL, SFT_BF16, 0}};
		struct sft_file f;
		struct out o;

		out_init(&o,
			 open(scratch_path(dir, "model.safetensors"), O_WRONLY | O_CREAT | O_TRUNC,
			      0666),
			 "test");
		sft_write_made(&o, items, 2, count_up, &shapes[s][1], NULL);
		assert_int_equal(out_close(&o, NULL), 0);
		assert_int_equal(sft_open(&f, dir, NULL), 0);
		assert_int_equal(sft_read(&f, sft_find(&f, "a"), back, NULL), 0);
		for (size_t i = 0; i < 3 * ROW; i++)
			if (back[i] != half_from_bf16(half_to_bf16((float)(i % 509))))
				fail_msg("%zu: %g", i, (double)back[i]);
		sft_close(&f);
	}
	free(back);
}

/* What other readers rely on: alignment, the pt mark, order by name without gaps. */
static void written_header(void **state)
{
	const float v[6] = {0};
	const struct sft_item items[] = {{"b", 1, {4}, v, SFT_F32, 0},
					 {"a", 1, {2}, v, SFT_F32, 0}};
	struct buf b = {0};
	uint64_t n;
	json_t *j;

	(void)state;
	write_items(items, 2, SFT_F32);
	assert_int_equal(file_read(scratch_path(dir, "model.safetensors"), 4096, &b, NULL), 0);
	memcpy(&n, b.p, 8);
	assert_int_equal(n % 8, 0);
	assert_int_equal(b.n, 8 + n + 24);
	j = json_loadb(b.p + 8, n, 0, NULL);
	assert_non_null(j);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(j, "__metadata__"), "format")),
		"pt");
	assert_int_equal(json_integer_value(json_array_get(
				 json_object_get(json_object_get(j, "a"), "data_offsets"), 0)),
			 0);
	assert_int_equal(json_integer_value(json_array_get(
				 json_object_get(json_object_get(j, "b"), "data_offsets"), 1)),
			 24);
	json_decref(j);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(other_names, setup, teardown),
		cmocka_unit_test_setup_teardown(header_length, setup, teardown),
		cmocka_unit_test_setup_teardown(deep_nesting, setup, teardown),
		cmocka_unit_test_setup_teardown(no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(each_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(each_byte_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(no_tensors, setup, teardown),
		cmocka_unit_test_setup_teardown(shrinking_file, setup, teardown),
		cmocka_unit_test_setup_teardown(shards, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_shards, setup, teardown),
		cmocka_unit_test(f16_known),
		cmocka_unit_test(rounding),
		cmocka_unit_test(not_finite),
		cmocka_unit_test_setup_teardown(write_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(made_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(written_header, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
