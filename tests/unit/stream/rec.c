/* Tests of stream/rec.h: framing, integrity, what a damaged or foreign input comes to. */
#include "base/json.h"
#include "scratch.h"
#include "stream/mpjson.h"
#include "stream/rec.h"

#include <sys/mman.h>

#include <cmocka.h>

enum { END_LENGTH = 39 }; /* {kind: end, count: below 128, xxh3} */

static int memory;    /* the input that put() made: thousands of them, so no disk */
static char path[64]; /* of that */

static int setup(void **state)
{
	(void)state;
	memory = memfd_create("in", 0);
	assert_true(memory >= 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(memory);
	return 0;
}

static void put(const void *p, size_t n)
{
	assert_int_equal(ftruncate(memory, 0), 0);
	assert_int_equal(pwrite(memory, p, n, 0), n);
}

/* Appends JSON as MessagePack. */
static void add_json(struct buf *b, const char *text)
{
	struct reason why;
	json_t *j = json_parse(text, strlen(text), "test", &why);

	assert_non_null(j);
	mpjson_to(b, j);
	json_decref(j);
}

/* What reading all of the input came to: 0 or the reason's status. */
static struct reason why;
static uint64_t trajs, others, segments;
static bool was_cut;
static struct buf bytes; /* of the records given, one after the other */

static int read_all(unsigned flags)
{
	struct rec_in *in = rec_open(path, flags, &why);
	struct rec r;
	int got;

	assert_non_null(in);
	trajs = others = 0;
	buf_reset(&bytes);
	while ((got = rec_next(in, &r, &why)) > 0) {
		size_t len;

		assert_int_equal(mp_skim(r.map.p, r.map.n, &len), MP_OK);
		assert_int_equal(len, r.map.n);
		trajs += r.is_traj;
		others += !r.is_traj;
		buf_add(&bytes, r.map.p, r.map.n);
	}
	segments = rec_segments(in);
	was_cut = rec_was_cut(in);
	for (int again = 0; again < 3; again++) { /* it goes on saying so */
		struct reason same = {0};

		assert_int_equal(rec_next(in, &r, &same), got);
		if (got < 0)
			assert_string_equal(same.text, why.text);
	}
	if (got == 0)
		assert_int_equal(rec_seen(in), trajs);
	rec_close(in);
	return got < 0 ? why.status : 0;
}

static int read_bytes(const struct buf *b, unsigned flags)
{
	put(b->p, b->n);
	return read_all(flags);
}

/* A segment of n trajectories; note: with a record of an unknown kind behind the first. */
static void add_segment_of(struct buf *b, int n, const char *task, bool note)
{
	struct buf r = {0};
	struct out o;
	struct rec_out w;

	out_init(&o, -1, "memory");
	rec_out_init(&w, &o, 5);
	rec_put_head(&w);
	for (int i = 0; i < n; i++) {
		char text[200];

		buf_reset(&r);
		snprintf(text, sizeof text, "{\"kind\":\"traj\",\"task\":\"%s\",\"sample\":%d}",
			 task, i);
		add_json(&r, text);
		rec_put(&w, r.p, r.n, true);
		buf_reset(&r);
		add_json(&r, "{\"kind\":\"note\",\"traj\":[1,2,{\"$bin\":\"AAEC\"}]}");
		if (i == 0 && note)
			rec_put(&w, r.p, r.n, false);
	}
	rec_finish(&w);
	buf_add(b, o.b.p, o.b.n);
	rec_out_free(&w);
	buf_free(&o.b);
	buf_free(&r);
}

static void add_segment(struct buf *b, int n, const char *task)
{
	add_segment_of(b, n, task, true);
}

static void cut_at_every_byte(void **state)
{
	struct buf b = {0}, cut;
	uint64_t last = 0;

	(void)state;
	add_segment(&b, 6, "a");
	for (size_t n = 0; n < b.n; n++) {
		cut = (struct buf){.p = b.p, .n = n};
		assert_int_equal(read_bytes(&cut, 0), ST_INPUT);
		if (n == 0)
			assert_says(&why, "empty");
		else if (!strstr(why.text, "truncated in record"))
			assert_says(&why, "no end record after");
		assert_true(n == 0 || strstr(why.text, "byte"));
		/* --partial gives the same records, and says that it is not all */
		if (n) {
			assert_int_equal(read_bytes(&cut, REC_PARTIAL), 0);
			assert_true(was_cut && trajs >= last);
			last = trajs;
		}
	}
	assert_int_equal(read_bytes(&b, REC_STRICT | REC_PARTIAL), 0);
	assert_true(trajs == 6 && others == 1 && segments == 1 && !was_cut);
	buf_free(&b);
}

static void cut_says_where(void **state)
{
	struct buf b = {0}, cut;

	(void)state;
	add_json(&b, "{\"task\":\"a\"}"); /* 8 bytes */
	add_json(&b, "{\"task\":\"b\"}");
	cut = (struct buf){.p = b.p, .n = 13};
	assert_int_equal(read_bytes(&cut, 0), ST_INPUT);
	assert_says(&why, "truncated in record 2 at byte 13 (the record began at byte 8)");
	buf_free(&b);
	add_segment(&b, 2, "a");
	cut = (struct buf){.p = b.p, .n = b.n - END_LENGTH};
	assert_int_equal(read_bytes(&cut, 0), ST_INPUT);
	assert_says(&why, "no end record after 3 records, at byte");
	buf_free(&b);
}

static void flip_bits_of(struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (int bit = 0; bit < 8; bit++) {
			b->p[i] ^= (char)(1 << bit);
			assert_int_equal(read_bytes(b, 0), ST_INPUT);
			b->p[i] ^= (char)(1 << bit);
		}
	assert_int_equal(read_bytes(b, 0), 0);
	buf_free(b);
}

/* Each bit of head, records and end. A head that lost its kind can take an even number of the
 * records behind it, the end among them, for pairs of its own. */
static void flip_every_bit(void **state)
{
	struct buf b = {0};

	(void)state;
	add_segment(&b, 12, "some task's name");
	add_segment(&b, 2, "b");
	flip_bits_of(&b);
	for (int n = 0; n < 8; n++) {
		add_segment_of(&b, n, "a", false);
		flip_bits_of(&b);
	}
}

/* A head, a record, and an end of this form with the hash that is right for the version */
static int read_end_as(int version, const char *end)
{
	struct buf b = {0};
	char text[200], hex[17];
	struct hash *h = hash_new();
	size_t head;
	int st;

	snprintf(text, sizeof text, "{\"kind\":\"head\",\"format\":\"traj\",\"version\":%d}",
		 version);
	add_json(&b, text);
	head = version == 1 ? b.n : 0;
	add_json(&b, "{\"task\":\"a\"}");
	hash_add(h, b.p + head, b.n - head);
	hash_hex(hash_64(h), hex);
	hash_free(h);
	snprintf(text, sizeof text, end, hex);
	add_json(&b, text);
	st = read_bytes(&b, 0);
	buf_free(&b);
	return st;
}

/* What an older suite wrote is read, and no more is asked of it than that suite did. */
static void version_1(void **state)
{
	(void)state;
	assert_int_equal(read_end_as(1, "{\"kind\":\"end\",\"count\":1,\"xxh3\":\"%s\"}"), 0);
	assert_true(trajs == 1 && segments == 1);
	assert_int_equal(read_end_as(1, "{\"count\":1,\"xxh3\":\"%s\",\"x\":1,\"kind\":\"end\"}"),
			 0);
	assert_int_equal(read_end_as(1, "{\"kind\":\"end\",\"count\":2,\"xxh3\":\"%s\"}"),
			 ST_INPUT);
}

/* The end of version 2 covers the head, and has one form. */
static void version_2(void **state)
{
#define END "\"kind\":\"end\",\"count\":1,\"xxh3\":\"%s\""
	static const char *const forms[] = {"{" END ",\"x\":1}", "{\"x\":1," END "}",
					    "{\"count\":1,\"kind\":\"end\",\"xxh3\":\"%s\"}"};
	struct buf b = {0}, longer = {0};
	char *count;

	(void)state;
	assert_int_equal(read_end_as(2, "{" END "}"), 0);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_int_equal(read_end_as(2, forms[i]), ST_INPUT);
		assert_says(&why, "end: not as one with these values is written");
	}
#undef END
	add_segment(&b, 1, "a");
	count = memmem(b.p, b.n, "count\x01", 6);
	assert_non_null(count);
	buf_add(&longer, b.p, (size_t)(count + 5 - b.p));
	buf_add(&longer, "\xcc\x01", 2); /* 1 in two bytes */
	buf_add(&longer, count + 6, b.n - longer.n + 1);
	assert_int_equal(read_bytes(&longer, 0), ST_INPUT);
	assert_says(&why, "end: not as one with these values is written");
	buf_free(&b);
	buf_free(&longer);
}

/* A segment that another process ends, with a head of either version: its mark tells what to hash.
 */
static void gone_on_with(void **state)
{
	struct rec_out w;
	struct rec_mark m;

	(void)state;
	for (int version = 1; version <= 2; version++) {
		struct buf head = {0}, all = {0};
		char text[100];
		struct out o;

		snprintf(text, sizeof text,
			 "{\"kind\":\"head\",\"format\":\"traj\",\"version\":%d}", version);
		add_json(&head, text);
		out_init(&o, -1, "memory");
		rec_out_init(&w, &o, 0);
		rec_put_head_as(&w, (struct mp){(const uint8_t *)head.p, head.n});
		rec_put(&w, "\x81\xa1x\x01", 4, true);
		rec_mark_get(&w, &m);
		assert_int_equal(m.begin, version == 1 ? head.n : 0);
		rec_out_free(&w);
		put(o.b.p, o.b.n);
		rec_out_init(&w, &o, 0);
		assert_int_equal(rec_resume(&w, &m, path, &why), 0);
		rec_put(&w, "\x81\xa1x\x02", 4, true);
		rec_finish(&w);
		rec_out_free(&w);
		buf_add(&all, o.b.p, o.b.n);
		assert_int_equal(read_bytes(&all, REC_STRICT), 0);
		assert_int_equal(trajs, 2);
		buf_free(&head);
		buf_free(&all);
		buf_free(&o.b);
	}
}

/* A head changed to one of version 1 does not get away with that version's hash. */
static void version_changed(void **state)
{
	struct buf b = {0};
	char *v;

	(void)state;
	add_segment(&b, 1, "a");
	v = memmem(b.p, b.n, "version\x02", 8);
	assert_non_null(v);
	v[7] = 1;
	assert_int_equal(read_bytes(&b, 0), ST_INPUT);
	assert_says(&why, "end: xxh3 is not that of the records");
	buf_free(&b);
}

static void lost_doubled_swapped(void **state)
{
	struct buf b = {0}, c = {0};
	size_t at[5] = {0}, len;

	(void)state;
	add_segment(&b, 3, "a"); /* head, traj, note, traj, traj, end */
	for (int i = 1; i < 5; i++) {
		assert_int_equal(mp_skim(b.p + at[i - 1], b.n - at[i - 1], &len), MP_OK);
		at[i] = at[i - 1] + len;
	}
	buf_add(&c, b.p, at[3]); /* the second trajectory lost */
	buf_add(&c, b.p + at[4], b.n - at[4]);
	assert_int_equal(read_bytes(&c, 0), ST_INPUT);
	assert_says(&why, "end: count is not the 2 trajectories that came");
	buf_reset(&c);
	buf_add(&c, b.p, at[2]); /* the note lost: the count is right */
	buf_add(&c, b.p + at[3], b.n - at[3]);
	assert_int_equal(read_bytes(&c, 0), ST_INPUT);
	assert_says(&why, "end: xxh3");
	buf_reset(&c);
	buf_add(&c, b.p, at[2]); /* the note and the trajectory behind it swapped */
	buf_add(&c, b.p + at[3], at[4] - at[3]);
	buf_add(&c, b.p + at[2], at[3] - at[2]);
	buf_add(&c, b.p + at[4], b.n - at[4]);
	assert_int_equal(read_bytes(&c, 0), ST_INPUT);
	assert_says(&why, "end: xxh3");
	buf_free(&b);
	buf_free(&c);
}

static void joined(void **state)
{
	struct buf b = {0};

	(void)state;
	add_segment(&b, 2, "a");
	add_segment(&b, 0, "none");
	add_json(&b, "{\"task\":\"bare\"}");
	add_json(&b, "{\"kind\":\"traj\",\"task\":\"bare\"}");
	add_segment(&b, 3, "b");
	assert_int_equal(read_bytes(&b, 0), 0);
	assert_true(trajs == 7 && others == 2 && segments == 4);
	assert_int_equal(read_bytes(&b, REC_STRICT), ST_INPUT);
	assert_says(&why, "a record outside of head and end");
	buf_free(&b);
}

/* A run that was cut and begun again into the same file */
static void an_end_is_missing_inside(void **state)
{
	struct buf b = {0};

	(void)state;
	add_segment(&b, 2, "a");
	b.n -= END_LENGTH;
	add_segment(&b, 3, "b");
	assert_int_equal(read_bytes(&b, 0), ST_INPUT);
	assert_says(&why, "the segment before it has no end record");
	assert_int_equal(read_bytes(&b, REC_PARTIAL), 0);
	assert_true(trajs == 5 && segments == 2 && was_cut);
	buf_free(&b);
}

static void check_error(const char *const *json, unsigned flags, const char *what)
{
	struct buf b = {0};

	for (; *json; json++)
		add_json(&b, *json);
	assert_int_equal(read_bytes(&b, flags), ST_INPUT);
	assert_says(&why, what);
	buf_free(&b);
}

static void wrong_frames(void **state)
{
#define HEAD "{\"kind\":\"head\",\"format\":\"traj\",\"version\":1}"
#define REC "{\"task\":\"a\"}"
#define ERROR(flags, what, ...) check_error((const char *const[]){__VA_ARGS__, NULL}, flags, what)
	(void)state;
	ERROR(0, "record 1 at byte 0: head: format is not", "{\"kind\":\"head\",\"version\":1}");
	ERROR(0, "head: format", "{\"kind\":\"head\",\"format\":\"x\",\"version\":1}");
	ERROR(0, "version 1", "{\"kind\":\"head\",\"format\":\"traj\"}");
	ERROR(0, "version 1 or 2", "{\"kind\":\"head\",\"format\":\"traj\",\"version\":0}");
	ERROR(0, "version 1 or 2", "{\"kind\":\"head\",\"format\":\"traj\",\"version\":3}");
	ERROR(0, "version 1", "{\"kind\":\"head\",\"format\":\"traj\",\"version\":1.0}");
	ERROR(0, "chain", "{\"kind\":\"head\",\"format\":\"traj\",\"version\":1,\"chain\":7}");
	ERROR(0, "an end record without a head", REC, "{\"kind\":\"end\",\"count\":1}");
	ERROR(0, "a head record, but the segment before it", HEAD, REC, HEAD);
	ERROR(0, "count is not the 1", HEAD, REC, "{\"kind\":\"end\"}");
	ERROR(0, "count is not the 1", HEAD, REC, "{\"kind\":\"end\",\"count\":-1}");
	ERROR(0, "count is not the 1", HEAD, REC, "{\"kind\":\"end\",\"count\":1.0}");
	ERROR(0, "xxh3", HEAD, REC, "{\"kind\":\"end\",\"count\":1}");
	ERROR(0, "xxh3", HEAD, REC, "{\"kind\":\"end\",\"count\":1,\"xxh3\":5}");
	ERROR(0, "record 2 at byte 8: a key that is no str, outside", REC,
	      "{\"$map\":[[\"task\",1],[5,1]]}");
	ERROR(0, "kind is not a string", "{\"kind\":1}");
	ERROR(0, "record 2 at byte 8: not a map", REC, "[1]");
	ERROR(REC_STRICT, "record 1 at byte 0: a record outside", REC);
#undef ERROR
}

static void foreign_inputs(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		const char *what;
	} inputs[] = {
		{"{\"task\":1}\n", 11, "JSON text"},
		{"[{}]", 4, "JSON array"},
		{"\xef\xbb\xbf{}", 5, "byte order mark"},
		{"\x1f\x8b\x08\0\0\0", 6, "gzip"},
		{"\x28\xb5\x2f\xfd\x04", 5, "zstd"},
		{"\xfd\x37\x7a\x58\x5a\0", 6, "xz"},
		{"PK\3\4rest", 8, "zip"},
		{"PAR1\0\0", 6, "Parquet"},
		{"step\treward\n", 12, "text"},
		{"a text that is longer than what is looked at to tell what kind of file it is\x7f",
		 77, "it looks like text"},
		{"text\x7f", 5, "record 1 at byte 0: not a map"},
		{"\x88\1\0\0\0\0\0\0{\"__metadata__\":{}}", 26, "safetensors"},
		{"\x08\1\0\0\0\0\0\0{\"__metadata__\":{}}", 26, "safetensors"},
		{"\xd9\xff\0\0\0\0\0\0{\"a\":{}}", 16, "safetensors"},
		{"\x93\1\2\3", 4, "record 1 at byte 0: not a map"},
		{"\xc1", 1, "record 1 at byte 0: a byte that is no MessagePack type"},
		{"\xdf\xff\xff\xff\xff", 5, "too many objects"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		put(inputs[i].p, inputs[i].n);
		assert_int_equal(read_all(0), ST_INPUT);
		assert_says(&why, inputs[i].what);
	}
}

static void unknown_things_pass(void **state)
{
	struct buf b = {0}, records = {0};

	(void)state;
	add_json(&records, "{\"kind\":\"note\",\"x\":[1,{\"$u64\":\"18446744073709551615\"}]}");
	add_json(&records, "{\"kind\":\"traj\",\"nobody knows\":{\"$float\":\"nan\"}}");
	buf_add(&records, "\xde\x00\x01\xd9\x01x\xd1\x00\x05", 9); /* overlong forms */
	buf_add(&b, records.p, records.n);
	assert_int_equal(read_bytes(&b, 0), 0);
	assert_true(trajs == 2 && others == 1 && bytes.n == records.n);
	assert_memory_equal(bytes.p, records.p, records.n);
	buf_free(&b);
	buf_free(&records);
}

/* A record larger than the reader's buffer, arriving through a pipe's small pieces. */
static void large_record(void **state)
{
	size_t n = 5 * 1024 * 1024;
	struct buf b = {0};

	(void)state;
	buf_add(&b, "\x82\xa4task\xa1x\xa1v\xc6", 11);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(&b, (char)(n >> shift));
	buf_reserve(&b, n);
	memset(b.p + b.n, 'v', n);
	b.n += n;
	add_json(&b, "{\"task\":\"last\"}");
	assert_int_equal(read_bytes(&b, 0), 0);
	assert_int_equal(trajs, 2);
	assert_memory_equal(bytes.p, b.p, b.n);
	buf_free(&b);
}

static void chains(void **state)
{
	struct buf b = {0};
	struct out o;
	struct rec_out w;
	struct rec_in *in;
	struct rec r;
	struct mp_iter it;
	size_t len;

	(void)state;
	add_segment(&b, 1, "a");
	add_segment(&b, 1, "b"); /* the same chain: it is told once */
	add_json(&b, "{\"kind\":\"head\",\"format\":\"traj\",\"version\":1,\"chain\":[{\"tool\":"
		     "\"x\"}]}");
	add_json(&b, "{\"kind\":\"end\",\"count\":0,\"xxh3\":\"2d06800538d394c2\"}");
	put(b.p, b.n);
	in = rec_open(path, REC_STRICT, &why);
	while (rec_next(in, &r, &why) > 0)
		;
	assert_int_equal(rec_next(in, &r, &why), 0);
	assert_int_equal(mp_skim(rec_chains(in).p, rec_chains(in).n, &len), MP_OK);
	assert_int_equal(rec_chains(in).n - len, 8); /* behind the first only {tool: x} */
	out_init(&o, -1, "memory");
	rec_out_init(&w, &o, UINT64_MAX);
	rec_out_chain(&w, in);
	rec_out_chain(&w, in);
	rec_finish(&w);
	assert_int_equal(mp_skim(o.b.p, o.b.n, &len), MP_OK);
	assert_true(mp_enter(mp_get((struct mp){(uint8_t *)o.b.p, len}, "chain"), &it));
	assert_int_equal(it.left, 3); /* the two, and ours */
	rec_close(in);
	rec_out_free(&w);
	buf_free(&o.b);
	buf_free(&b);
}

/* A streaming filter writes one segment for each that it reads, with that one's chain. */
static void segments_are_kept(void **state)
{
	struct buf b = {0};
	struct out o;
	struct rec_out w;
	struct rec r;

	(void)state;
	add_segment(&b, 2, "a");
	add_json(&b, "{\"task\":\"bare\"}");
	add_segment(&b, 1, "b");
	put(b.p, b.n);
	out_init(&o, -1, "memory");
	rec_out_init(&w, &o, 0);
	for (int twice = 0; twice < 2; twice++) { /* another input begins another segment */
		struct rec_in *in = rec_open(path, 0, &why);

		while (rec_next(in, &r, &why) > 0) {
			rec_out_segment(&w, in, &r);
			rec_put(&w, r.map.p, r.map.n, r.is_traj);
		}
		rec_close(in);
	}
	rec_finish(&w);
	put(o.b.p, o.b.n);
	assert_int_equal(read_all(REC_STRICT), 0);
	assert_true(segments == 6 && trajs == 8 && others == 4);
	rec_out_free(&w);
	buf_free(&o.b);
	buf_free(&b);
}

static void frames_on_demand(void **state)
{
	struct buf b = {0};
	struct rec_in *in;
	struct rec r;
	int frames = 0;

	(void)state;
	add_segment(&b, 1, "a");
	put(b.p, b.n);
	in = rec_open(path, REC_FRAMES, &why);
	while (rec_next(in, &r, &why) > 0)
		frames += r.is_frame;
	assert_int_equal(frames, 2);
	assert_true(rec_ready(in)); /* nothing more is to be waited for */
	assert_int_equal(rec_seen(in), 1);
	rec_close(in);
	buf_free(&b);
}

/* An end record in the buffer gives no record: behind it, the input may pause. */
static void ready_is_a_record_at_hand(void **state)
{
	struct buf b = {0};
	struct rec_in *in;
	struct rec r;
	int p[2], old = dup(STDIN_FILENO);

	(void)state;
	add_segment(&b, 2, "a");
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], b.p, b.n), b.n);
	assert_int_equal(dup2(p[0], STDIN_FILENO), STDIN_FILENO);
	for (unsigned flags = 0; flags <= REC_FRAMES; flags += REC_FRAMES) {
		in = rec_open("-", flags, &why);
		assert_false(rec_ready(in));
		for (int i = 0; i < (flags ? 4 : 2); i++) {
			assert_int_equal(rec_next(in, &r, &why), 1);
			assert_true(rec_ready(in));
		}
		assert_int_equal(rec_next(in, &r, &why), 1);
		assert_false(rec_ready(in));
		if (!flags)
			assert_int_equal(write(p[1], b.p, b.n), b.n);
		rec_close(in);
	}
	assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
	close(old);
	close(p[0]);
	close(p[1]);
	buf_free(&b);
}

static void no_such_file(void **state)
{
	(void)state;
	rec_close(NULL);
	assert_null(rec_open("/nonexistent/x", 0, &why));
	assert_int_equal(why.status, ST_SYSTEM);
	snprintf(path, sizeof path, "/");
	assert_int_equal(read_all(0), ST_SYSTEM); /* a folder */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(cut_at_every_byte),
		TEST(cut_says_where),
		TEST(flip_every_bit),
		TEST(version_1),
		TEST(version_2),
		TEST(version_changed),
		TEST(gone_on_with),
		TEST(lost_doubled_swapped),
		TEST(joined),
		TEST(an_end_is_missing_inside),
		TEST(wrong_frames),
		TEST(foreign_inputs),
		TEST(unknown_things_pass),
		TEST(large_record),
		TEST(chains),
		TEST(segments_are_kept),
		TEST(frames_on_demand),
		TEST(ready_is_a_record_at_hand),
		TEST(no_such_file),
	};
	int st = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&bytes);
	return st;
}
