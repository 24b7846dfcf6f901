/* rope.h: frequencies of each type against published formulas worked out elsewhere; what is refused
 * and by which name. */
#include "scratch.h"

#include "model/rope.h"

#include <math.h>

static int parse(struct rope *r, const char *text, struct reason *why)
{
	json_t *j = json_loads(text, 0, NULL);
	int st;

	assert_non_null(j);
	st = rope_parse(r, j, &(struct rope_form){.max_len = 32768}, why);
	json_decref(j);
	return st;
}

static void accept(struct rope *r, const char *text)
{
	struct reason why = {0};

	if (parse(r, text, &why))
		fail_msg("%s: %s", text, why.text);
}

/* freq[at] of 128 dimensions, to ten digits */
static void assert_freq(const struct rope *r, size_t at, double want)
{
	double freq[64];

	rope_freqs(r, freq, 128);
	if (!(fabs(freq[at] - want) <= 1e-10 * want))
		fail_msg("%s: frequency %zu is %.15g, not %.15g", rope_name(r), at, freq[at], want);
}

static void plain(void **state)
{
	struct rope r;

	(void)state;
	accept(&r, "{}");
	assert_int_equal(r.type, ROPE_DEFAULT);
	assert_true(r.theta == 10000 && rope_scale(&r) == 1);
	accept(&r, "{\"rope_theta\":500000}");
	assert_true(r.theta == 500000);
	assert_freq(&r, 0, 1);
	assert_freq(&r, 29, 0.0026160992529250353);
	accept(&r, "{\"rope_theta\":1e6,\"rope_scaling\":null,\"rope_parameters\":"
		   "{\"rope_type\":\"default\",\"rope_theta\":1e6,\"partial_rotary_factor\":1.0}}");
	assert_true(r.theta == 1e6);
}

static void linear(void **state)
{
	struct rope r;

	(void)state;
	accept(&r, "{\"rope_theta\":500000,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}}");
	assert_string_equal(rope_name(&r), "linear");
	assert_freq(&r, 0, 0.4);
	assert_freq(&r, 29, 0.0026160992529250353 / 2.5);
	assert_true(rope_scale(&r) == 1);
}

/* As Llama 3.1 8B has it */
static void llama3(void **state)
{
	struct rope r;

	(void)state;
	accept(&r,
	       "{\"rope_theta\":500000,\"rope_scaling\":{\"factor\":8.0,\"low_freq_factor\":1.0,"
	       "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192,"
	       "\"rope_type\":\"llama3\"}}");
	assert_freq(&r, 0, 1);
	assert_freq(&r, 28, 0.003211445994752591); /* the last that is kept */
	assert_freq(&r, 29, 0.002166570763503359); /* on the ramp */
	assert_freq(&r, 34, 0.0001785078127679964);
	assert_freq(&r, 35, 9.556212353964683e-05); /* behind it */
	assert_freq(&r, 63, 3.068925988914511e-07);
	assert_true(rope_scale(&r) == 1);
}

/* As Qwen2.5's model card says for long texts */
static void yarn(void **state)
{
	struct rope r;

	(void)state;
	accept(&r, "{\"rope_theta\":1e6,\"rope_scaling\":{\"factor\":4.0,"
		   "\"original_max_position_embeddings\":32768,\"type\":\"yarn\"}}");
	assert_freq(&r, 0, 1);
	assert_freq(&r, 23, 0.006978305848598663);
	assert_freq(&r, 24, 0.005375321490790102);
	assert_freq(&r, 39, 6.490394320837029e-05);
	assert_freq(&r, 40, 4.445698525097307e-05);
	assert_freq(&r, 63, 3.102344401879299e-07);
	assert_true(fabs(rope_scale(&r) - 1.138629436111989) < 1e-14);
}

static void yarn_options(void **state)
{
	struct rope r;
	double fast, slow;

	(void)state;
	/* absent: the length is max_position_embeddings (32768 here), the factor a quotient */
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2}}");
	assert_true(r.original == 32768 && r.beta_fast == 32 && r.beta_slow == 1);
	accept(&r,
	       "{\"rope_scaling\":{\"type\":\"yarn\",\"original_max_position_embeddings\":4096}}");
	assert_true(r.factor == 8);
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"attention_factor\":0.75}}");
	assert_true(rope_scale(&r) == 0.75);
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,\"mscale\":0.707,"
		   "\"mscale_all_dim\":1.0}}");
	assert_true(fabs(rope_scale(&r) - (0.0707 * log(40) + 1) / (0.1 * log(40) + 1)) < 1e-14);
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,\"mscale\":0.707}}");
	assert_true(fabs(rope_scale(&r) - (0.1 * log(40) + 1)) < 1e-14);
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":1}}");
	assert_true(rope_scale(&r) == 1);
	/* the ends of the ramp: 23.5959476083381 and 39.6508807104171 where they are not rounded */
	accept(&r, "{\"rope_theta\":1e6,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,"
		   "\"truncate\":false,\"beta_fast\":32,\"beta_slow\":1}}");
	fast = 23.5959476083381;
	slow = 39.6508807104171;
	assert_freq(&r, 23, 0.006978305848598663);
	assert_freq(&r, 30, 0.001539926526059492 * (1 - 0.75 * (30 - fast) / (slow - fast)));
	/* a ramp of no width is a step */
	accept(&r, "{\"rope_theta\":1e6,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,"
		   "\"original_max_position_embeddings\":6}}");
	assert_freq(&r, 0, 1);
	assert_freq(&r, 23, 0.006978305848598663 / 4);
}

/* Written and read again, nothing is lost. */
static void round_trip(void **state)
{
	static const char *const texts[] = {
		"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}}",
		"{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"truncate\":false}}",
		("{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,"
		 "\"high_freq_factor\":4,\"original_max_position_embeddings\":8192}}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rope r, back;
		json_t *j;

		accept(&r, texts[i]);
		j = json_pack("{s:o, s:f}", "rope_scaling", rope_json(&r), "rope_theta", r.theta);
		assert_int_equal(rope_parse(&back, j, &(struct rope_form){.max_len = 1}, NULL), 0);
		assert_int_equal(back.type, r.type);
		assert_true(back.factor == r.factor && back.original == r.original);
		assert_true(back.low == r.low && back.high == r.high);
		assert_true(back.beta_fast == r.beta_fast && back.beta_slow == r.beta_slow);
		assert_true(back.attention == r.attention && back.exact == r.exact);
		json_decref(j);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}}",
		 "rope_scaling: rope_type: \"dynamic\" is not supported"},
		{"{\"rope_scaling\":{\"rope_type\":\"longrope\"}}",
		 "\"longrope\" is not supported"},
		{"{\"rope_scaling\":{\"type\":\"mrope\",\"mrope_section\":[16,24,24]}}",
		 "\"mrope\" is not supported"},
		{"{\"rope_parameters\":{\"rope_type\":3}}", "rope_type: 3 is not supported"},
		{"{\"rope_scaling\":{\"factor\":2.0}}",
		 "rope_scaling: factor is not supported with type default"},
		{"{\"rope_scaling\":{\"type\":\"yarn\",\"rope_type\":\"linear\",\"factor\":2}}",
		 "rope_type and type differ"},
		{"{\"rope_scaling\":{\"type\":\"default\",\"factor\":2.0}}",
		 "rope_scaling: factor is not supported with type default"},
		{"{\"rope_scaling\":{\"type\":\"linear\"}}", "factor is missing"},
		{"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":0.5}}",
		 "factor: 0.5 is not within"},
		{"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":\"2\"}}",
		 "factor: \"2\" is not a number"},
		{"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"beta_fast\":32}}",
		 "beta_fast is not supported with type linear"},
		{"{\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,"
		 "\"high_freq_factor\":4}}",
		 "original_max_position_embeddings is missing"},
		{"{\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
		 "\"high_freq_factor\":4,\"original_max_position_embeddings\":8192}}",
		 "high_freq_factor: 4 is not above low_freq_factor 4"},
		{"{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"beta_slow\":64}}",
		 "beta_fast: 32 is not above beta_slow 64"},
		{"{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"finetuned\":true}}",
		 "finetuned is not supported with type yarn"},
		{"{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"truncate\":0}}",
		 "truncate: 0 is not true or false"},
		{"{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"mscale\":-20,"
		 "\"mscale_all_dim\":1}}",
		 "mscale: an attention factor of -"},
		{"{\"rope_parameters\":{\"type\":\"default\",\"partial_rotary_factor\":0.5}}",
		 "partial_rotary_factor is not supported"},
		{"{\"rope_scaling\":2}", "rope_scaling: 2 is not an object"},
		{"{\"rope_parameters\":{\"rope_type\":\"default\"},\"rope_scaling\":"
		 "{\"rope_type\":\"linear\",\"factor\":2}}",
		 "rope_scaling and rope_parameters differ"},
		{"{\"rope_theta\":1e4,\"rope_parameters\":{\"rope_type\":\"default\","
		 "\"rope_theta\":5e5}}",
		 "rope_theta: 10000, but rope_parameters says 500000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct reason why = {0};
		struct rope r;

		if (parse(&r, cases[i].text, &why) != ST_INPUT)
			fail_msg("accepted: %s", cases[i].text);
		assert_says(&why, cases[i].says);
	}
}

static void accept_as(struct rope *r, const char *text, const struct rope_form *f)
{
	json_t *j = json_loads(text, 0, NULL);
	struct reason why = {0};

	assert_non_null(j);
	if (rope_parse(r, j, f, &why))
		fail_msg("%s: %s", text, why.text);
	json_decref(j);
}

/* The list is chosen by what the model allows; a = sqrt(1 + ln m / ln original) for both. */
static void longrope(void **state)
{
	static const char text[] =
		"{\"original_max_position_embeddings\":16,\"rope_scaling\":{\"type\":\"longrope\","
		"\"long_factor\":[2,4,8],\"short_factor\":[1,1,2]},\"partial_rotary_factor\":0.75}";
	struct rope_form f = {.max_len = 64, .types = 1 << ROPE_LONGROPE, .partial = true};
	double freq[3];
	struct rope r;

	(void)state;
	accept_as(&r, text, &f);
	assert_int_equal(rope_turned(&r, 8), 6);
	rope_freqs(&r, freq, 6);
	assert_true(freq[0] == 0.5 && fabs(freq[2] - pow(1e4, -4.0 / 6) / 8) < 1e-12);
	assert_true(fabs(rope_scale(&r) - sqrt(1 + log(4) / log(16))) < 1e-15);
	f.max_len = 16;
	accept_as(&r, text, &f);
	rope_freqs(&r, freq, 6);
	assert_true(freq[0] == 1 && rope_scale(&r) == 1);
	assert_int_equal(rope_turned(&r, 10), 0); /* 7 numbers: not pairs */
}

/* dynamic with alpha is another base, once and for all */
static void alpha(void **state)
{
	const struct rope_form f = {.max_len = 64, .types = 1 << ROPE_ALPHA};
	double freq[4];
	struct rope r;

	(void)state;
	accept_as(&r,
		  "{\"rope_theta\":100,\"rope_scaling\":{\"type\":\"dynamic\",\"alpha\":9,"
		  "\"factor\":1,\"beta_fast\":32,\"mscale\":1.0}}",
		  &f);
	rope_freqs(&r, freq, 8);
	assert_true(freq[0] == 1);
	assert_true(fabs(freq[2] - pow(100 * pow(9, 8.0 / 6), -0.5)) < 1e-15);
}

/* Queries grow by the logarithm of how often the original length has passed. */
static void query_beta(void **state)
{
	struct rope r;

	(void)state;
	accept(&r, "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,"
		   "\"original_max_position_embeddings\":10,\"llama_4_scaling_beta\":0.5,"
		   "\"max_position_embeddings\":40}}");
	assert_true(rope_query(&r, 0) == 1 && rope_query(&r, 9) == 1);
	assert_true(rope_query(&r, 10) == (float)(1 + 0.5 * log(2)));
	assert_true(rope_query(&r, 39) == (float)(1 + 0.5 * log(4)));
}

/* Angles for each type of layer, in one object or by old keys at the top */
static void by_layer_type(void **state)
{
	static const char nested[] =
		"{\"rope_theta\":7,\"rope_local_base_freq\":8,\"rope_parameters\":{\"full_"
		"attention\":"
		"{\"rope_type\":\"linear\",\"factor\":2,\"rope_theta\":100},\"sliding_attention\":"
		"{\"rope_type\":\"default\"}}}";
	static const char flat[] = "{\"rope_theta\":7,\"rope_local_base_freq\":8,\"rope_scaling\":"
				   "{\"rope_type\":\"linear\",\"factor\":2}}";
	const struct rope_form full = {.max_len = 64, .theta = 1e6, .layers = "full_attention"};
	const struct rope_form sliding = {.max_len = 64,
					  .theta = 1e4,
					  .layers = "sliding_attention",
					  .apart = true,
					  .theta_key = "rope_local_base_freq"};
	struct rope r;

	(void)state;
	accept_as(&r, nested, &full);
	assert_true(r.type == ROPE_LINEAR && r.theta == 100);
	accept_as(&r, nested, &sliding);
	assert_true(r.type == ROPE_DEFAULT && r.theta == 8);
	accept_as(&r, flat, &full);
	assert_true(r.type == ROPE_LINEAR && r.theta == 7);
	accept_as(&r, flat, &sliding);
	assert_true(r.type == ROPE_DEFAULT && r.theta == 8);
	accept_as(&r, "{}", &sliding);
	assert_true(r.type == ROPE_DEFAULT && r.theta == 1e4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),         cmocka_unit_test(linear),
		cmocka_unit_test(llama3),        cmocka_unit_test(yarn),
		cmocka_unit_test(yarn_options),  cmocka_unit_test(round_trip),
		cmocka_unit_test(refused),       cmocka_unit_test(longrope),
		cmocka_unit_test(alpha),         cmocka_unit_test(query_beta),
		cmocka_unit_test(by_layer_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
