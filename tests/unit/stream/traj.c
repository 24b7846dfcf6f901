/* Tests of stream/traj.h and, through it, of stream/rec.h: what is written is read back. */
#include "base/json.h"
#include "scratch.h"
#include "stream/mpjson.h"
#include "stream/pack.h"
#include "stream/traj.h"

#include <cmocka.h>
#include <math.h>
#include <xxhash.h>

static const char *dir;
static char path[4200]; /* of what put_file made */

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	snprintf(path, sizeof path, "%s/in", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_free(dir);
	return 0;
}

static void put_file(const void *p, size_t n)
{
	scratch_put(dir, "in", p, n);
}

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

static const uint32_t prompt_ids[] = {1, 2, 300, 70000};
static const uint32_t ids[] = {0, 127, 128, UINT32_MAX};
static const float logprobs[] = {-0.5f, -1e-7f, -12.25f, 0.0f};

/* 0 and 5; all; 128; 4 and the last one */
static const char kept[] = "\2\0\5\0\1\200\1\2\4\373\377\377\377\17";

static struct traj full(void)
{
	struct traj t;

	traj_clear(&t);
	t.task = text("a/1");
	t.prompt = text("1+1=");
	t.response = (struct span){"2\0\xff", 3}; /* NUL, and not UTF-8 */
	t.answer = text("2");
	t.verifier = text("number");
	t.meta = (struct mp){(const uint8_t *)"\x81\xa1x\x05", 4};
	t.prompt_tokens = prompt_ids;
	t.n_prompt_tokens = 4;
	t.tokens = ids;
	t.n_tokens = 4;
	t.logprobs = logprobs;
	t.n_logprobs = 4;
	t.kept = (struct span){kept, sizeof kept - 1};
	t.temperature = 0.7;
	t.top_p = 1;
	t.top_k = 0;
	t.finish = text("stop");
	t.sample = 3;
	t.step = 1LL << 40;
	t.iter = 2;
	t.policy = text("0123456789abcdef");
	t.reward = 1;
	t.verdict = text("ok");
	t.extracted = text("2");
	t.advantage = -0.25;
	t.used = 0;
	t.entropy = 0.1;
	return t;
}

/* A stream of n times t into the file; returns its bytes in b. */
static void write_stream(struct buf *b, const struct traj *t, int n)
{
	struct out o;
	struct rec_out w;

	out_init(&o, -1, "memory");
	rec_out_init(&w, &o, 7);
	for (int i = 0; i < n; i++)
		traj_write(&w, t);
	rec_finish(&w);
	rec_out_free(&w);
	buf_reset(b);
	buf_add(b, o.b.p, o.b.n);
	buf_free(&o.b);
	put_file(b->p, b->n);
}

static void assert_same(const struct traj *a, const struct traj *b)
{
	assert_true(span_eq(a->task, b->task) && span_eq(a->prompt, b->prompt));
	assert_true(span_eq(a->response, b->response) && span_eq(a->answer, b->answer));
	assert_true(span_eq(a->verifier, b->verifier) && span_eq(a->finish, b->finish));
	assert_true(span_eq(a->policy, b->policy) && span_eq(a->verdict, b->verdict));
	assert_true(span_eq(a->extracted, b->extracted));
	assert_memory_equal(a->meta.p, b->meta.p, b->meta.n);
	assert_int_equal(a->n_tokens, b->n_tokens);
	assert_int_equal(a->n_prompt_tokens, b->n_prompt_tokens);
	assert_int_equal(a->n_logprobs, b->n_logprobs);
	assert_memory_equal(a->tokens, b->tokens, 4 * b->n_tokens);
	assert_memory_equal(a->prompt_tokens, b->prompt_tokens, 4 * b->n_prompt_tokens);
	assert_memory_equal(a->logprobs, b->logprobs, 4 * b->n_logprobs);
	assert_int_equal(a->kept.n, b->kept.n);
	assert_memory_equal(a->kept.p, b->kept.p, b->kept.n);
	assert_true(a->temperature == b->temperature && a->top_p == b->top_p);
	assert_true(a->reward == b->reward && a->advantage == b->advantage);
	assert_int_equal(a->used, b->used);
	assert_true(a->entropy == b->entropy && a->top_k == b->top_k);
	assert_true(a->sample == b->sample && a->step == b->step && a->iter == b->iter);
}

static void there_and_back(struct traj t)
{
	struct traj_mem m = {0};
	struct traj got;
	struct buf b = {0};
	struct reason why;
	struct rec_in *in;
	struct rec r;
	char hex[33];

	write_stream(&b, &t, 3);
	in = rec_open(path, REC_STRICT, &why);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(rec_next(in, &r, &why), 1);
		assert_true(r.is_traj && r.index == i + 2 && r.segment == 0);
		assert_int_equal(traj_read(&got, &r, "x", &m, &why), 0);
		assert_same(&got, &t);
		traj_id(&t, hex);
		assert_true(span_is(got.id, hex));
	}
	assert_int_equal(rec_next(in, &r, &why), 0);
	assert_int_equal(rec_next(in, &r, &why), 0);
	assert_int_equal(rec_seen(in), 3);
	assert_int_equal(rec_bytes(in), b.n);
	rec_close(in);
	traj_mem_free(&m);
	buf_free(&b);
}

static void round_trip(void **state)
{
	static char big[15000]; /* more than the id is hashed of at once */
	struct traj t = full();

	(void)state;
	there_and_back(t);
	t.response = (struct span){big, sizeof big};
	there_and_back(t);
}

static void minimal(void **state)
{
	struct traj t, got;
	struct traj_mem m = {0};
	struct buf b = {0};
	struct reason why;
	struct rec_in *in;
	struct rec r;

	(void)state;
	traj_clear(&t);
	t.task = t.prompt = t.response = (struct span){"", 0};
	write_stream(&b, &t, 1);
	in = rec_open(path, 0, &why);
	assert_int_equal(rec_next(in, &r, &why), 1);
	assert_int_equal(traj_read(&got, &r, "x", &m, &why), 0);
	assert_true(got.task.p && got.task.n == 0 && !got.answer.p && !got.meta.p && !got.tokens);
	assert_true(isnan(got.reward) && isnan(got.entropy) && got.step == -1 && got.top_k == -1);
	assert_false(traj_correct(&got, 0));
	rec_close(in);
	traj_mem_free(&m);
	buf_free(&b);
}

/* One record of JSON text (record form unless raw) given to traj_read. */
static struct traj read_back;
static struct traj_mem mem;
static struct reason why;
static struct buf record;

static int read_bytes(const void *p, size_t n)
{
	struct rec r = {.map = {p, n}, .is_traj = true, .index = 7, .offset = 1234};
	size_t len;

	assert_int_equal(mp_skim(p, n, &len), MP_OK);
	assert_int_equal(len, n);
	return traj_read(&read_back, &r, "x.traj", &mem, &why);
}

static int read_json(const char *keys, bool raw)
{
	struct buf text = {0};
	json_t *j;
	int st;

	buf_printf(&text, "{\"task\":\"t\",\"prompt\":\"p\",\"response\":\"r\"%s%s}",
		   *keys ? "," : "", keys);
	j = json_parse(text.p, text.n, "test", &why);
	assert_non_null(j);
	buf_reset(&record);
	if (raw)
		mpjson_to(&record, j);
	else
		mpjson_to_record(&record, j);
	json_decref(j);
	buf_free(&text);
	st = read_bytes(record.p, record.n);
	if (st) /* each says which record of which file */
		assert_says(&why, "x.traj: record 7 at byte 1234: ");
	return st;
}

static void rival_encodings(void **state)
{
	(void)state;
	/* arrays for bin, float64 for float32, integers for floats, nil for what is absent */
	assert_int_equal(
		read_json("\"tokens\":[0,300,70000,4294967295],\"logprobs\":[-0.1,-1,-2.5,0],"
			  "\"prompt_tokens\":[],\"reward\":1,\"step\":null,\"id\":null,"
			  "\"kept\":[[0,5],[],[70000],[4,4294967295]],\"meta\":null,\"top_k\":-1,"
			  "\"whatever\":[{}]",
			  true),
		0);
	assert_int_equal(read_back.n_tokens, 4);
	assert_int_equal(read_back.tokens[3], UINT32_MAX);
	assert_true(read_back.logprobs[0] == -0.1f && read_back.logprobs[1] == -1);
	assert_true(read_back.kept.n == 15 && read_back.kept.p[0] == 2);
	assert_true(read_back.prompt_tokens && read_back.n_prompt_tokens == 0);
	assert_true(read_back.reward == 1 && read_back.step == -1 && read_back.top_k == -1);
	assert_true(!read_back.id.p && !read_back.meta.p);
	/* overlong forms: the same as the short ones */
	assert_int_equal(read_bytes("\xdf\0\0\0\4\xd9\4task\xda\0\1t\xdb\0\0\0\6prompt\xa0"
				    "\xa8response\xc6\0\0\0\1r\xa4step\xcf\0\0\0\0\0\0\0\5",
				    56),
			 0);
	assert_true(read_back.step == 5 && span_is(read_back.response, "r"));
	traj_mem_free(&mem);
	buf_free(&record);
}

static void wrong_shapes(void **state)
{
	static const struct {
		const char *keys, *what;
	} cases[] = {
		{"\"id\":\"0\"", "id: not that of this task"},
		{"\"answer\":1", "answer: not a string"},
		{"\"finish\":[]", "finish: not a string"},
		{"\"meta\":[]", "meta: not a map"},
		{"\"tokens\":5", "tokens: neither bin nor an array"},
		{"\"tokens\":[1,-1]", "tokens[1]: not a whole number"},
		{"\"tokens\":[4294967296]", "tokens[0]: not a whole number"},
		{"\"tokens\":[1.0]", "tokens[0]: not a whole number"},
		{"\"prompt_tokens\":{\"$bin\":\"AAAA\"}", "not a multiple of 4"},
		{"\"logprobs\":[\"a\"]", "logprobs[0]: not a number"},
		{"\"logprobs\":[0,1e39]", "logprobs[1]: not a finite number"},
		{"\"logprobs\":{\"$bin\":\"AADAfw==\"}", "logprobs[0]: not a finite number"},
		{"\"logprobs\":{\"$bin\":\"AAAA\"}", "not a multiple of 4"},
		{"\"logprobs\":\"x\"", "logprobs: neither bin nor an array"},
		{"\"tokens\":[1,2],\"logprobs\":[0]", "logprobs: 1 for 2 tokens"},
		{"\"reward\":{\"$float\":\"nan\"}", "reward: not a finite number"},
		{"\"reward\":{\"$float\":\"inf\"}", "reward: not a finite number"},
		{"\"reward\":\"1\"", "reward: not a number"},
		{"\"reward\":0,\"verdict\":\"timeout\"",
		 "reward: present though verdict is \"timeout\""},
		{"\"step\":1.0", "step: not a whole number"},
		{"\"step\":-1", "step: not a whole number"},
		{"\"sample\":{\"$u64\":\"9223372036854775808\"}", "sample: not a whole number"},
		{"\"top_k\":-2", "top_k: not a whole number"},
		{"\"entropy\":true", "entropy: not a number"},
		{"\"tokens\":[1],\"kept\":5", "kept: neither bin nor an array"},
		{"\"tokens\":[1],\"kept\":[5]", "kept[0]: not an array of ids"},
		{"\"tokens\":[1,1],\"kept\":[[1],[1,-1]]", "kept[1]: not whole numbers"},
		{"\"tokens\":[1],\"kept\":[[1,1]]", "kept[0]: ids that do not ascend"},
		{"\"tokens\":[1],\"kept\":[[2]]", "kept[0]: the token that was drawn is not in"},
		{"\"tokens\":[1],\"kept\":{\"$bin\":\"Ag==\"}", "kept[0]: cut off"},
		{"\"tokens\":[1],\"kept\":[]", "kept[0]: missing"},
		{"\"tokens\":[1],\"kept\":[[],[]]", "kept[1]: there are more than tokens"},
		{"\"kept\":[]", "kept: there are no tokens"},
		{"\"used\":1", "used: neither true nor false"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(read_json(cases[i].keys, true), ST_INPUT);
		assert_says(&why, cases[i].what);
	}
	assert_int_equal(read_json("\"used\":true,\"step\":9223372036854775807", true), 0);
	assert_int_equal(read_back.used, 1);
	assert_true(read_back.step == INT64_MAX);
	traj_mem_free(&mem);
	buf_free(&record);
}

static void wrong_keys(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		const char *what;
	} cases[] = {
		{"\x80", 1, "task: the key is missing"},
		{"\x81\xa4task\xa1t", 8, "prompt: the key is missing"},
		{"\x82\xa4task\xa0\xa6prompt\xa0", 15, "response: the key is missing"},
		{"\x82\xa4task\xa0\xa4task\xa0", 13, "task: the key comes twice"},
		{"\x83\xa1x\xa0\xa1y\xa0\xa1x\xa0", 10, "x: the key comes twice"},
		{"\x81\x01\xa0", 3, "a key that is not a string"},
		{"\x81\xc4\x04task\xa0", 8, "a key that is not a string"},
		{"\x81\xa4task\xc0", 7, "task: the key is missing"},
		{"\x81\xa4task\x05", 7, "task: not a string"},
	};
	struct buf b = {0};
	msgpack_packer pk;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(read_bytes(cases[i].p, cases[i].n), ST_INPUT);
		assert_says(&why, cases[i].what);
	}
	pack_init(&pk, &b);
	msgpack_pack_map(&pk, 257);
	for (int i = 0; i < 257; i++) {
		msgpack_pack_str(&pk, 2);
		msgpack_pack_str_body(&pk, &(uint16_t){(uint16_t)i}, 2);
		msgpack_pack_nil(&pk);
	}
	assert_int_equal(read_bytes(b.p, b.n), ST_INPUT);
	assert_says(&why, "more than 256 keys");
	buf_free(&b);
	traj_mem_free(&mem);
}

/* What we read from rivals and write again is canonical, and stays as it is from then on. */
static void canonical(void **state)
{
	struct buf once = {0}, twice = {0};
	struct rec_in *in;
	struct rec r;

	(void)state;
	assert_int_equal(
		read_json("\"entropy\":0.5,\"tokens\":[1,2],\"step\":3,\"kind\":\"traj\"", true),
		0);
	write_stream(&once, &read_back, 2);
	in = rec_open(path, REC_STRICT, &why);
	assert_int_equal(rec_next(in, &r, &why), 1);
	assert_int_equal(traj_read(&read_back, &r, "x", &mem, &why), 0);
	assert_true(read_back.id.n == 32);
	write_stream(&twice, &read_back, 2);
	rec_close(in);
	assert_int_equal(once.n, twice.n);
	assert_memory_equal(once.p, twice.p, once.n);
	buf_free(&once);
	buf_free(&twice);
	buf_free(&record);
	traj_mem_free(&mem);
}

static void add_field(struct buf *b, struct span s)
{
	uint64_t n = s.n;

	buf_add(b, &n, sizeof n);
	buf_add(b, s.p, s.n);
}

static XXH128_hash_t solution_of(const struct traj *t, struct buf *b)
{
	add_field(b, t->task);
	add_field(b, t->prompt);
	add_field(b, t->response);
	return XXH3_128bits(b->p, b->n);
}

/* The id by its definition: XXH3-128 of the fields, each behind its length. */
static void identities(void **state)
{
	struct traj t = full(), u;
	struct buf b = {0};
	uint64_t a[2], c[2];
	XXH128_hash_t h;
	char hex[33], want[33];

	(void)state;
	h = solution_of(&t, &b);
	traj_solution(&t, a);
	assert_true(a[0] == h.low64 && a[1] == h.high64);
	add_field(&b, (struct span){(const char *)t.tokens, 4 * t.n_tokens});
	h = XXH3_128bits(b.p, b.n);
	snprintf(want, sizeof want, "%016llx%016llx", (unsigned long long)h.high64,
		 (unsigned long long)h.low64);
	traj_id(&t, hex);
	assert_string_equal(hex, want);
	/* other tokens: another trajectory, the same solution */
	u = t;
	u.n_tokens--;
	traj_id(&u, want);
	traj_solution(&u, c);
	assert_string_not_equal(hex, want);
	assert_memory_equal(a, c, sizeof a);
	/* the border between fields counts */
	u = t;
	u.task = text("a/11");
	u.prompt = text("+1=");
	traj_solution(&u, c);
	assert_memory_not_equal(a, c, sizeof a);
	buf_free(&b);
}

/* The same whatever has room where it is hashed */
static void long_identities(void **state)
{
	static char big[40000];
	const size_t sizes[] = {0, 1, 500, 4000, 8000, 8130, 8160, 8192, 8193, 20000, sizeof big};
	const size_t n = sizeof sizes / sizeof *sizes;
	struct traj t = full();
	uint64_t got[2];

	(void)state;
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < n * n; i++) {
		struct buf b = {0};
		XXH128_hash_t h;

		t.prompt = (struct span){big, sizes[i / n]};
		t.response = (struct span){big + 3, sizes[i % n] - (sizes[i % n] > 2 ? 3 : 0)};
		h = solution_of(&t, &b);
		traj_solution(&t, got);
		assert_true(got[0] == h.low64 && got[1] == h.high64);
		buf_free(&b);
	}
}

static void correct_at_threshold(void **state)
{
	struct traj t;

	(void)state;
	traj_clear(&t);
	assert_false(traj_correct(&t, -1e300));
	t.reward = 0.5;
	assert_true(traj_correct(&t, 0.5));
	assert_false(traj_correct(&t, 0.5000001));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(round_trip),   TEST(minimal),         TEST(rival_encodings),
		TEST(wrong_shapes), TEST(wrong_keys),      TEST(canonical),
		TEST(identities),   TEST(long_identities), TEST(correct_at_threshold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
