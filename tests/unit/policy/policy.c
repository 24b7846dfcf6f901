/* policy.h: what is saved is loaded again; what is missing, extra or wrong is refused by name. */
#include "scratch.h"

#include "base/mem.h"
#include "policy/policy.h"
#include "base/file.h"

#include <math.h>

#include <jansson.h>

static char dir[4096], saved[4200];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%s", scratch_new());
	snprintf(saved, sizeof saved, "%s/p", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (access(saved, F_OK) == 0)
		scratch_free(saved);
	scratch_free(dir);
	return 0;
}

static struct config shape(void)
{
	return (struct config){.d = 16,
			       .layers = 2,
			       .heads = 2,
			       .kv_heads = 1,
			       .ffn = 24,
			       .max_len = 32,
			       .norm_eps = 1e-5,
			       .rope = {.theta = 1e4},
			       .tied = true,
			       .bos = -1};
}

static void make(struct policy *p, const struct config *c)
{
	struct buf tok = {0};
	struct reason why;

	assert_int_equal(chars_make("0123456789+- ", &tok, NULL), 0);
	if (policy_make(p, c, &tok, 7, 0.5, &why))
		fail_msg("%s", why.text);
	buf_free(&tok);
}

/* A policy of the shape c in the folder saved. */
static void make_saved(const struct config *c, enum sft_dtype dtype)
{
	struct policy p;
	struct reason why;

	make(&p, c);
	if (policy_save(&p, saved, &(struct weights_form){.as = (enum weights_as)dtype}, &why))
		fail_msg("%s", why.text);
	policy_free(&p);
}

static void assert_refused(const char *says)
{
	struct policy p;
	struct reason why = {0};

	if (policy_load(&p, saved, 0, &why) != ST_INPUT)
		fail_msg("accepted, or not as bad input: %s (%s)", says, why.text);
	assert_says(&why, says);
	assert_says(&why, saved);
}

static void load(struct policy *p)
{
	struct reason why;

	if (policy_load(p, saved, 0, &why))
		fail_msg("%s", why.text);
}

static void text_of(const char *name, struct buf *b)
{
	buf_reset(b);
	assert_int_equal(file_read(scratch_path(saved, name), 1 << 20, b, NULL), 0);
	buf_cstr(b);
}

/* The JSON file with the keys of patch set; null takes a key out. */
static void patch_json(const char *name, const char *patch)
{
	struct buf b = {0};
	json_t *j, *p = json_loads(patch, 0, NULL), *v;
	const char *key;
	char *text;

	assert_non_null(p);
	text_of(name, &b);
	j = json_loads(b.p, 0, NULL);
	json_object_foreach(p, key, v) if (json_is_null(v)) json_object_del(j, key);
	else json_object_set(j, key, v);
	text = json_dumps(j, 0);
	scratch_put(saved, name, text, strlen(text));
	free(text);
	json_decref(j);
	json_decref(p);
	buf_free(&b);
}

/* What changes by less than a step of BF16 is kept; what did not change keeps its type. */
static void what_was_learned_is_kept(void **state)
{
	const struct weights_form trained = {.as = WEIGHTS_TRAINED}, same = {.as = WEIGHTS_SAME};
	struct config c = shape();
	struct policy p, q;
	struct weights_loss loss;
	struct sft_file f;
	float *w;
	char *base;

	(void)state;
	make_saved(&c, SFT_BF16);
	load(&p);
	w = p.model.params + model_weight(&p.model, "model.embed_tokens.weight")->offset;
	for (int i = 0; i < 3; i++)
		w[i] *= 1 + 0x1p-12F; /* half a step of BF16 is at least 2^-9 of it */
	w[3] *= 1.5F + 0x1p-12F;
	base = xstrdup(saved);
	/* told, when it is asked to round: three of four come back */
	assert_int_equal(policy_loss(&p, base, &trained, &loss, NULL), 0);
	assert_int_equal(loss.changed, 0);
	assert_int_equal(policy_loss(&p, base, &same, &loss, NULL), 0);
	assert_int_equal(loss.changed, 4);
	assert_int_equal(loss.returned, 3);
	assert_true(loss.kept > 0 && loss.kept != loss.change);
	scratch_free(base);
	free(base);
	assert_int_equal(policy_save(&p, saved, &trained, NULL), 0);
	assert_true(policy_is_saved(&p, saved, &trained));
	assert_false(policy_is_saved(&p, saved, &same));
	load(&q);
	assert_int_equal(model_hash(&q.model), model_hash(&p.model));
	assert_memory_equal(q.model.params, p.model.params,
			    p.model.n_params * sizeof *p.model.params);
	assert_int_equal(sft_open(&f, saved, NULL), 0);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(f.v[i].dtype, strcmp(f.v[i].name, "model.embed_tokens.weight") == 0
						       ? SFT_F32
						       : SFT_BF16);
	sft_close(&f);
	scratch_free(saved);
	policy_free(&q);
	policy_free(&p);
}

/* Up or down at random: the mean stays, the same bytes each time, what is exact stays. */
static void rounding_at_random(void **state)
{
	enum { N = 4096 };
	static const enum sft_dtype types[] = {SFT_F16, SFT_BF16};
	float v[N];
	uint16_t a[N], b[N], other[N];

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int s = -1; s <= 1; s += 2) {
			double sum = 0, step = types[t] == SFT_F16 ? 0x1p-10 : 0x1p-7;
			int up = 0;

			for (int i = 0; i < N; i++)
				v[i] = (float)(s * (1 + step * 0.25));
			sft_round(v, N, types[t], 5, 0, a);
			sft_round(v, N / 2, types[t], 5, 0, b);
			sft_round(v + N / 2, N / 2, types[t], 5, N / 2, b + N / 2);
			assert_memory_equal(a, b, sizeof a);
			sft_round(v, N, types[t], 7, 0, other);
			assert_memory_not_equal(a, other, sizeof a);
			for (int i = 0; i < N; i++) {
				double x = s * (double)sft_widen(types[t], a[i]);

				assert_true(x == 1 || x == 1 + step);
				up += x > 1;
				sum += x;
			}
			/* binomial, a quarter of 4096: 4.5 standard deviations are 125 */
			assert_true(up > 1024 - 125 && up < 1024 + 125);
			v[0] = (float)s * 1.5F;
			sft_round(v, 1, types[t], 5, 0, a);
			assert_true(sft_widen(types[t], a[0]) == v[0]);
			assert_true(sum > N);
		}
}

static void save_and_load(void **state)
{
	static const enum sft_dtype types[] = {SFT_F32, SFT_BF16, SFT_F16};
	struct policy p, q;
	struct config c = shape();

	(void)state;
	make(&p, &c);
	assert_int_equal(p.cfg.vocab, 15);
	assert_int_equal(p.cfg.n_eos, 1);
	assert_int_equal(p.cfg.eos[0], 1);
	for (size_t i = 0; i < 3; i++) {
		const struct weights_form form = {.as = (enum weights_as)types[i]};
		const struct weights_form trained = {.as = WEIGHTS_TRAINED};
		struct buf a = {0}, b = {0};

		assert_int_equal(policy_save(&p, saved, &form, NULL), 0);
		load(&q);
		assert_int_equal(policy_dtype(&q), types[i]);
		assert_int_equal(q.model.n_params, p.model.n_params);
		if (types[i] == SFT_F32)
			assert_int_equal(model_hash(&q.model), model_hash(&p.model));
		for (size_t k = 0; k < p.model.n_params; k++)
			assert_true(fabsf(q.model.params[k] - p.model.params[k]) <=
				    fabsf(p.model.params[k]) / 256 + 0x1p-25F);
		assert_int_equal(tok_json(q.tok).n, tok_json(p.tok).n);
		/* saved once more, nothing having changed: the same bytes */
		text_of("model.safetensors", &a);
		scratch_free(saved);
		assert_int_equal(policy_save(&q, saved, &trained, NULL), 0);
		text_of("model.safetensors", &b);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		scratch_free(saved);
		policy_free(&q);
		buf_free(&a);
		buf_free(&b);
	}
	policy_free(&p);
}

/* A weight that the type of the file cannot hold: whichever way the model has it. */
static void too_large_for_the_file(void **state)
{
	static const int hows[] = {0, WEIGHTS_LEAN};
	struct config c = shape();
	struct policy p;
	struct reason why;

	(void)state;
	make(&p, &c);
	p.model.params[p.model.w[2].offset + 1] = 7e4F;
	assert_int_equal(policy_save(&p, saved, &(struct weights_form){.as = WEIGHTS_BF16}, &why),
			 0);
	policy_free(&p);
	for (int i = 0; i < 2; i++) {
		char *half = xasprintf("%s/half", dir);

		assert_int_equal(policy_load_as(&p, saved, hows[i], &why), 0);
		assert_int_equal(
			policy_save(&p, half, &(struct weights_form){.as = WEIGHTS_F16}, &why),
			ST_INPUT);
		assert_says(&why, "half: not saved: ");
		assert_says(&why, "q_proj.weight: element 1, 70144, is not finite in F16");
		assert_int_not_equal(access(half, F_OK), 0);
		policy_free(&p);
		free(half);
	}
}

static void written_texts(void **state)
{
	struct config c = shape();
	struct buf b = {0};

	(void)state;
	make_saved(&c, SFT_BF16);
	text_of("config.json", &b);
	assert_non_null(strstr(b.p, "\"torch_dtype\": \"bfloat16\""));
	text_of("tokenizer_config.json", &b);
	assert_non_null(strstr(b.p, "\"tokenizer_class\": \"PreTrainedTokenizerFast\""));
	assert_non_null(strstr(b.p, "\"eos_token\": \"<eos>\""));
	assert_non_null(strstr(b.p, "\"model_max_length\": 32"));
	text_of("generation_config.json", &b);
	assert_non_null(strstr(b.p, "\"eos_token_id\": 1"));
	buf_free(&b);
}

/* Keys and files that we do not use are written back. */
static void kept(void **state)
{
	struct config c = shape();
	struct buf before = {0}, after = {0};
	struct policy p;

	(void)state;
	make_saved(&c, SFT_F32);
	patch_json("config.json", "{\"custom\":{\"a\":[1,2]},\"transformers_version\":\"4.46.0\"}");
	patch_json("tokenizer_config.json", "{\"chat_template\":\"{{ messages }}\"}");
	patch_json("generation_config.json", "{\"temperature\":0.5}");
	scratch_put(saved, "chat_template.jinja", "{{ x }}", 7);
	scratch_put(saved, "special_tokens_map.json", "{}", 2);
	load(&p);
	text_of("config.json", &before);
	scratch_free(saved);
	assert_int_equal(policy_save(&p, saved, &(struct weights_form){.as = WEIGHTS_F32}, NULL),
			 0);
	text_of("config.json", &after);
	assert_string_equal(before.p, after.p);
	text_of("tokenizer_config.json", &after);
	assert_non_null(strstr(after.p, "{{ messages }}"));
	text_of("generation_config.json", &after);
	assert_non_null(strstr(after.p, "0.5"));
	text_of("chat_template.jinja", &after);
	assert_string_equal(after.p, "{{ x }}");
	text_of("special_tokens_map.json", &after);
	assert_string_equal(after.p, "{}");
	policy_free(&p);
	buf_free(&before);
	buf_free(&after);
}

static void files(void **state)
{
	static const char *const needed[] = {"config.json", "tokenizer.json", "model.safetensors"};
	static const char *const optional[] = {"generation_config.json", "tokenizer_config.json"};
	struct config c = shape();
	struct policy p;

	(void)state;
	assert_refused("config.json: no such file");
	for (size_t i = 0; i < 3; i++) {
		make_saved(&c, SFT_F32);
		unlink(scratch_path(saved, needed[i]));
		assert_refused("no such file");
		assert_refused(needed[i]);
		scratch_free(saved);
	}
	make_saved(&c, SFT_F32);
	for (size_t i = 0; i < 2; i++) {
		unlink(scratch_path(saved, optional[i]));
		load(&p);
		policy_free(&p);
	}
}

static void stop_set(void **state)
{
	struct config c = shape();
	struct policy p;

	(void)state;
	c.vocab = 20;
	make_saved(&c, SFT_F32);
	patch_json("config.json", "{\"eos_token_id\":3}");
	patch_json("generation_config.json", "{\"eos_token_id\":[4,3]}");
	patch_json("tokenizer_config.json", "{\"eos_token\":{\"content\":\"<pad>\"}}");
	load(&p);
	assert_int_equal(p.cfg.n_eos, 3);
	assert_true(config_is_eos(&p.model.cfg, 0) && config_is_eos(&p.cfg, 3) &&
		    config_is_eos(&p.cfg, 4));
	policy_free(&p);
	patch_json("tokenizer_config.json", "{\"eos_token\":null}");
	load(&p);
	assert_int_equal(p.cfg.n_eos, 2);
	policy_free(&p);
	scratch_put(saved, "special_tokens_map.json", "{\"eos_token\":\"<pad>\"}", 21);
	load(&p);
	assert_int_equal(p.cfg.n_eos, 3);
	assert_true(config_is_eos(&p.cfg, 0));
	policy_free(&p);
	unlink(scratch_path(saved, "special_tokens_map.json"));
	patch_json("config.json", "{\"eos_token_id\":[1,2,3,4,5,6,7,8]}");
	patch_json("generation_config.json", "{\"eos_token_id\":[9,10,11,12,13,14,15,16]}");
	patch_json("tokenizer_config.json", "{\"eos_token\":\"<eos>\"}");
	load(&p);
	assert_int_equal(p.cfg.n_eos, 16);
	policy_free(&p);
	patch_json("tokenizer_config.json", "{\"eos_token\":\"<pad>\"}");
	assert_refused("tokenizer_config.json: more than 16 stop tokens");
	patch_json("tokenizer_config.json", "{\"eos_token\":\"<end>\"}");
	assert_refused("tokenizer_config.json: eos_token \"<end>\" is not in tokenizer.json");
	patch_json("tokenizer_config.json", "{\"eos_token\":7}");
	assert_refused("eos_token is not a string");
}

/* Which of several stop tokens ends a demonstration, and what is written back of the files beside
 */
static void end_of_a_text(void **state)
{
	struct config c = shape();
	struct policy p;

	(void)state;
	c.vocab = 20;
	make_saved(&c, SFT_F32);
	load(&p);
	assert_int_equal(p.end, 1);
	policy_free(&p);
	patch_json("config.json", "{\"eos_token_id\":[3,4]}");
	patch_json("generation_config.json", "{\"eos_token_id\":[5,1]}");
	load(&p);
	assert_int_equal(p.end, 1); /* tokenizer_config.json's eos_token */
	policy_free(&p);
	patch_json("tokenizer_config.json", "{\"eos_token\":null}");
	load(&p);
	assert_int_equal(p.end, 5);
	policy_free(&p);
	patch_json("generation_config.json", "{\"eos_token_id\":null}");
	scratch_put(saved, "added_tokens.json", "{\"<x>\":15}", 10);
	load(&p);
	assert_int_equal(p.end, 3);
	assert_int_equal(tok_vocab_size(p.tok), 16);
	scratch_free(saved);
	assert_int_equal(policy_save(&p, saved, &(struct weights_form){.as = WEIGHTS_F32}, NULL),
			 0);
	assert_int_equal(access(scratch_path(saved, "added_tokens.json"), F_OK), 0);
	policy_free(&p);
}

/* tokenizer_config.json of a Llama's tokenizer says what stands around a text. */
static void around_a_text(void **state)
{
#define LLAMA "\"tokenizer_class\":\"LlamaTokenizerFast\",\"bos_token\":{\"content\":\"<pad>\"}"
	static const struct {
		const char *patch;
		uint32_t n, ids[3];
	} cases[] = {
		{"{" LLAMA "}", 2, {0, 3}},
		{"{" LLAMA ",\"add_bos_token\":true,\"add_eos_token\":true}", 2, {0, 3}},
		{"{" LLAMA ",\"add_bos_token\":false,\"add_eos_token\":null}", 1, {3}},
		{"{" LLAMA ",\"tokenizer_class\":\"GPT2Tokenizer\",\"add_bos_token\":true}",
		 1,
		 {3}},
		{"{\"tokenizer_class\":\"LlamaTokenizer\"}", 1, {3}},
	};
	struct config c = shape();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct policy p;
		struct ids ids = {0};

		make_saved(&c, SFT_F32);
		patch_json("tokenizer_config.json", cases[i].patch);
		load(&p);
		assert_int_equal(tok_encode(p.tok, "1", 1, true, &ids, NULL), 0);
		assert_int_equal(ids.n, cases[i].n);
		assert_memory_equal(ids.v, cases[i].ids, ids.n * sizeof *ids.v);
		free(ids.v);
		policy_free(&p);
		scratch_free(saved);
	}
	make_saved(&c, SFT_F32);
	patch_json("tokenizer_config.json", "{" LLAMA ",\"bos_token\":\"<s>\"}");
	assert_refused("tokenizer_config.json: bos_token \"<s>\" is not in tokenizer.json");
	patch_json("tokenizer_config.json", "{\"add_bos_token\":1}");
	assert_refused("tokenizer_config.json: add_bos_token: 1 is not true or false");
}

static void vocabulary_size(void **state)
{
	struct config c = shape();
	struct policy p;

	(void)state;
	c.vocab = 100; /* rows beyond the tokenizer are legal */
	make_saved(&c, SFT_F32);
	load(&p);
	assert_int_equal(p.cfg.vocab, 100);
	assert_int_equal(tok_vocab_size(p.tok), 15);
	policy_free(&p);
	patch_json("config.json", "{\"vocab_size\":14}");
	assert_refused("tokenizer.json: 15 tokens, but vocab_size is 14");
}

/* The weights of a policy written again, one of them changed. */
enum change {
	SAME,
	DROP,
	ADD,
	RENAME,
	SHAPE,
	RANK,
	NOT_FINITE,
	BUFFER,
	HEAD,
	ONLY_HEAD,
	WRONG_HEAD
};

static void rewrite(enum change what)
{
	static float extra[15 * 16];
	struct policy p;
	struct sft_item v[64] = {{0}};
	size_t n;
	struct out o;

	load(&p);
	n = p.model.n_w;
	assert_true(n < 60);
	for (size_t i = 0; i < n; i++) {
		const struct weight *w = &p.model.w[i];

		v[i] = (struct sft_item){w->name,
					 w->rank,
					 {(uint64_t)w->shape[0], (uint64_t)w->shape[1]},
					 p.model.params + w->offset,
					 SFT_F32,
					 0};
	}
	memcpy(extra, p.model.params + model_weight(&p.model, "model.embed_tokens.weight")->offset,
	       sizeof extra);
	if (what == DROP)
		n--;
	if (what == ADD)
		v[n++] = (struct sft_item){
			"model.layers.0.self_attn.q_proj.bias", 1, {16}, extra, SFT_F32, 0};
	if (what == RENAME)
		v[0].name = "model.embed.weight";
	if (what == SHAPE)
		v[0].shape[0]--;
	if (what == RANK)
		v[0] = (struct sft_item){v[0].name, 1,       {v[0].shape[0] * v[0].shape[1]},
					 v[0].data, SFT_F32, 0};
	if (what == NOT_FINITE)
		p.model.params[p.model.w[2].offset + 1] = NAN;
	if (what == BUFFER)
		v[n++] = (struct sft_item){
			"model.layers.0.self_attn.rotary_emb.inv_freq", 1, {4}, extra, SFT_F32, 0};
	if (what == ONLY_HEAD)
		v[0].name = "lm_head.weight";
	if (what == WRONG_HEAD)
		extra[3] += 1;
	if (what == HEAD || what == WRONG_HEAD)
		v[n++] = (struct sft_item){"lm_head.weight", 2, {15, 16}, extra, SFT_F32, 0};
	out_init(&o, open(scratch_path(saved, "model.safetensors"), O_WRONLY | O_TRUNC), "test");
	sft_write(&o, v, n, SFT_F32, NULL);
	assert_int_equal(out_close(&o, NULL), 0);
	policy_free(&p);
}

static void tensors(void **state)
{
	static const struct {
		enum change what;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{SAME, NULL},
		{BUFFER, NULL},
		{HEAD, NULL},
		{ONLY_HEAD, NULL},
		{DROP, "tensor model.norm.weight: missing"},
		{ADD, "tensor model.layers.0.self_attn.q_proj.bias: not a weight of this model"},
		{RENAME, "tensor model.embed_tokens.weight: missing"},
		{SHAPE,
		 "tensor model.embed_tokens.weight: shape [14, 16], but the configuration asks "
		 "for [15, 16]"},
		{RANK, "tensor model.embed_tokens.weight: shape [240], but"},
		{NOT_FINITE, "element 1 is not finite"},
		{WRONG_HEAD, "tensor lm_head.weight: differs from model.embed_tokens.weight"},
	};
	struct config c = shape();
	struct policy p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make_saved(&c, SFT_F32);
		rewrite(cases[i].what);
		if (cases[i].says) {
			assert_refused(cases[i].says);
		} else {
			load(&p);
			policy_free(&p);
		}
		scratch_free(saved);
	}
}

static void untied(void **state)
{
	struct config c = shape();
	struct policy p;

	(void)state;
	c.tied = false;
	make_saved(&c, SFT_F32);
	load(&p);
	assert_non_null(model_weight(&p.model, "lm_head.weight"));
	assert_int_equal(config_params(&p.cfg), p.model.n_params);
	policy_free(&p);
	patch_json("config.json", "{\"tie_word_embeddings\":true}");
	assert_refused("tensor lm_head.weight: differs");
}

/* config.json asks for terabytes: refused before the memory is asked for. */
static void lying_config(void **state)
{
	struct config c = shape();

	(void)state;
	make_saved(&c, SFT_F32);
	patch_json("config.json", "{\"hidden_size\":1048576,\"head_dim\":8,\"vocab_size\":16777216,"
				  "\"num_hidden_layers\":4096}");
	assert_refused("config.json: asks for");
}

static void never_overwrites(void **state)
{
	struct config c = shape();
	struct policy p;
	struct reason why;

	(void)state;
	make(&p, &c);
	assert_int_equal(mkdir(saved, 0777), 0);
	assert_int_equal(policy_save(&p, saved, &(struct weights_form){.as = WEIGHTS_F32}, &why),
			 ST_SYSTEM);
	assert_says(&why, "exists already");
	policy_free(&p);
}

static void make_refuses(void **state)
{
	struct buf tok = {0};
	struct policy p;
	struct config c = shape();
	struct reason why;

	(void)state;
	buf_str(&tok, "{}");
	assert_int_equal(policy_make(&p, &c, &tok, 1, 0.02, &why), ST_INPUT);
	assert_says(&why, "tokenizer.json: ");
	buf_reset(&tok);
	assert_int_equal(chars_make("abc", &tok, NULL), 0);
	c.vocab = 4;
	assert_int_equal(policy_make(&p, &c, &tok, 1, 0.02, &why), ST_INPUT);
	assert_says(&why, "5 tokens, but vocab_size is 4");
	c = shape();
	buf_reset(&tok);
	buf_str(&tok, "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":"
		      "\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"merges\":[],"
		      "\"vocab\":{\"a\":0}}}");
	assert_int_equal(policy_make(&p, &c, &tok, 1, 0.02, &why), ST_INPUT);
	assert_says(&why, "no token that is known to end a text");
	c.n_eos = 1;
	assert_int_equal(policy_make(&p, &c, &tok, 1, 0.02, &why), 0);
	policy_free(&p);
	buf_reset(&tok);
	assert_int_equal(chars_make("abc", &tok, NULL), 0);
	c = shape();
	c.heads = 3;
	assert_int_equal(policy_make(&p, &c, &tok, 1, 0.02, &why), ST_INPUT);
	assert_says(&why, "hidden_size: 16 is not a multiple of the 3");
	buf_free(&tok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(save_and_load, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_learned_is_kept, setup, teardown),
		cmocka_unit_test(rounding_at_random),
		cmocka_unit_test_setup_teardown(too_large_for_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(written_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
		cmocka_unit_test_setup_teardown(files, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_set, setup, teardown),
		cmocka_unit_test_setup_teardown(end_of_a_text, setup, teardown),
		cmocka_unit_test_setup_teardown(around_a_text, setup, teardown),
		cmocka_unit_test_setup_teardown(vocabulary_size, setup, teardown),
		cmocka_unit_test_setup_teardown(tensors, setup, teardown),
		cmocka_unit_test_setup_teardown(untied, setup, teardown),
		cmocka_unit_test_setup_teardown(lying_config, setup, teardown),
		cmocka_unit_test_setup_teardown(never_overwrites, setup, teardown),
		cmocka_unit_test_setup_teardown(make_refuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
