/* Tests of stream/traj.h and, through it, of stream/rec.h: what is written is read back. */
#include "base/hash.h"
#include "stream/pack.h"
#include "stream/traj.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
/* after the headers it wants */
#include <cmocka.h>

static char path[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/unit-traj-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void put_file(const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

static const uint32_t prompt_ids[] = {1, 2, 300, 70000};
static const uint32_t ids[] = {0, 127, 128, UINT32_MAX};
static const float logprobs[] = {-0.5f, -1e-7f, -12.25f, 0.0f};

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
	t.entropy = 0.1;
	t.used = 0;
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
	assert_true(a->temperature == b->temperature && a->top_p == b->top_p);
	assert_true(a->reward == b->reward && a->advantage == b->advantage);
	assert_int_equal(a->used, b->used);
	assert_true(a->entropy == b->entropy && a->top_k == b->top_k);
	assert_true(a->sample == b->sample && a->step == b->step && a->iter == b->iter);
}

static void round_trip(void **state)
{
	struct traj t = full(), got;
	struct traj_mem m = {0};
	struct buf b = {0};
	struct reason why;
	struct rec_in *in;
	struct rec r;
	char hex[33];

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(minimal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
