/* policy.c - a policy folder as a whole. See policy.h. */
#include "policy/policy.h"
#include "base/file.h"
#include "base/dir.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/tool.h"
#include "base/utf8.h"
#include "policy/folder.h"
#include "policy/templates.h"
#include "policy/tokconfig.h"
#include "policy/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CONFIG = 4 << 20, MAX_SIDE = 64 << 20, MAX_TOKENIZER = 512 << 20 };

/* Files that may be absent and are written back as they came. tokenizer_config.json holds, in older
 * folders, the chat template and every added token. */
static const struct {
	const char *name;
	size_t field;
} side[] = {{"generation_config.json", offsetof(struct policy, gen_config)},
	    {"tokenizer_config.json", offsetof(struct policy, tok_config)},
	    {"special_tokens_map.json", offsetof(struct policy, special_tokens)},
	    {"added_tokens.json", offsetof(struct policy, added_tokens)},
	    {"chat_template.jinja", offsetof(struct policy, chat_template)},
	    {"chat_template.json", offsetof(struct policy, chat_json)}};

enum { N_SIDE = sizeof side / sizeof *side };

static struct buf *side_file(const struct policy *p, size_t i)
{
	return (struct buf *)((char *)p + side[i].field);
}

/* Adds the file to b. A file that is not there is an error unless optional. */
static int read_file(const char *dir, const char *name, size_t max, bool optional, struct buf *b,
		     struct reason *why)
{
	char *path = xasprintf("%s/%s", dir, name);
	int st = 0;

	if (access(path, F_OK) == 0) {
		st = file_check_plain(path, why) ? why->status : file_read(path, max, b, why);
		if (!st)
			st = folder_check_text(b, path, why);
	} else if (!optional) {
		st = folder_lacks(dir, name, why);
	}
	free(path);
	return st;
}

/* The first of the eos_token_id in a configuration that was read; -1: none */
static int64_t first_eos(const struct buf *file)
{
	json_t *j = file->n ? json_loadb(file->p, file->n, 0, NULL) : NULL;
	const json_t *v = json_object_get(j, "eos_token_id");
	int64_t id;

	v = json_is_array(v) ? json_array_get(v, 0) : v;
	id = json_is_integer(v) ? json_integer_value(v) : -1;
	json_decref(j);
	return id;
}

static int apply_tokenizer_files(struct policy *p, const char *dir, struct reason *why)
{
	const struct tokconfig_files files = {&p->tok_config, &p->special_tokens, &p->added_tokens};
	int st = tokconfig_apply(&files, dir, p->tok, &p->cfg, &p->end, why);

	if (p->end < 0)
		p->end = first_eos(&p->gen_config);
	if (p->end < 0)
		p->end = first_eos(&p->cfg.json);
	return st;
}

static int check_vocab(const struct policy *p, const char *where, struct reason *why)
{
	if (tok_vocab_size(p->tok) > p->cfg.vocab)
		return fail(why, ST_INPUT, "%s: %u tokens, but vocab_size is %lld", where,
			    tok_vocab_size(p->tok), (long long)p->cfg.vocab);
	return 0;
}

static int load_texts(struct policy *p, const char *dir, struct reason *why)
{
	struct buf config = {0}, tok = {0};
	char *tok_path = xasprintf("%s/tokenizer.json", dir);
	int st = read_file(dir, "config.json", MAX_CONFIG, false, &config, why);

	if (!st)
		st = read_file(dir, "tokenizer.json", MAX_TOKENIZER, false, &tok, why);
	for (size_t i = 0; i < N_SIDE && !st; i++)
		st = read_file(dir, side[i].name, MAX_SIDE, true, side_file(p, i), why);
	if (!st)
		st = templates_gather(dir, &p->tok_config, &p->chat_template, why);
	if (!st)
		st = config_parse(&p->cfg, config.p, config.n, p->gen_config.p, p->gen_config.n,
				  dir, why);
	if (!st) {
		p->tok = tok_load(tok.p, tok.n, tok_path, why);
		st = p->tok ? check_vocab(p, tok_path, why) : ST_INPUT;
	}
	if (!st)
		st = apply_tokenizer_files(p, dir, why);
	buf_free(&config);
	buf_free(&tok);
	free(tok_path);
	return st;
}

static int load_adapter(struct policy *p, const char *dir, struct reason *why)
{
	struct lora *l = NULL;
	char *path;
	int st;

	if (peft_choose(&p->peft, &p->cfg, false, why))
		fail_prefix(why, "target_modules");
	else
		l = peft_lora(&p->peft, &p->cfg, why);
	if (!l) {
		fail_prefix(why, "%s/" PEFT_CONFIG, dir);
		return ST_INPUT;
	}
	p->peft.targets = l->targets;
	path = xasprintf("%s/" PEFT_WEIGHTS, dir);
	st = weights_load_adapter(l, path, &p->adapter_came, why);
	if (st)
		lora_free(l);
	else
		model_adapt(&p->model, l);
	free(path);
	return st;
}

/* The policy in dir; under: how the weights under an adapter are held */
static int load_folder(struct policy *p, const char *dir, int how, int under, struct reason *why)
{
	struct peft peft = {0};
	int st = peft_is_folder(dir) ? peft_read(&peft, dir, why) : 0;
	const char *base = peft.r ? peft.base : dir;

	*p = (struct policy){0};
	if (!st)
		st = load_texts(p, base, why);
	if (!st)
		st = weights_load(&p->model, &p->cfg, peft.r ? under : how, base, &p->came, why);
	p->peft = peft;
	if (!st && peft.r)
		st = load_adapter(p, dir, why);
	if (st)
		policy_free(p);
	return st;
}

int policy_load_texts(struct policy *p, const char *dir, struct reason *why)
{
	struct peft peft = {0};
	int st = peft_is_folder(dir) ? peft_read(&peft, dir, why) : 0;

	*p = (struct policy){0};
	if (!st)
		st = load_texts(p, peft.r ? peft.base : dir, why);
	p->peft = peft;
	if (st)
		policy_free(p);
	return st;
}

int policy_load_as(struct policy *p, const char *dir, int how, struct reason *why)
{
	return load_folder(p, dir, how, how | WEIGHTS_LEAN, why);
}

int policy_load(struct policy *p, const char *dir, int how, struct reason *why)
{
	int st = load_folder(p, dir, how, how, why);

	if (!st && p->peft.r) {
		model_merge(&p->model);
		peft_free(&p->peft);
	}
	return st;
}

static int check_adapter(const struct peft *is, const char *dir, const struct peft *want,
			 struct reason *why)
{
	if (want->r && want->r != is->r)
		return fail(why, ST_USAGE,
			    "%s: an adapter of rank %lld, which is trained as it is: --lora %lld "
			    "needs full weights (policy-mix merges)",
			    dir, (long long)is->r, (long long)want->r);
	if (want->alpha > 0 && want->alpha != is->alpha)
		return fail(why, ST_USAGE, "%s: an adapter with an alpha of %g, not %g", dir,
			    is->alpha, want->alpha);
	if (want->targets && want->targets != is->targets)
		return fail(why, ST_USAGE, "%s: an adapter of other layers", dir);
	return 0;
}

static int adapt(struct policy *p, const char *dir, const struct peft *want, uint64_t seed,
		 struct reason *why)
{
	struct peft *is = &p->peft;
	struct lora *l;

	if (is->r)
		return check_adapter(is, dir, want, why);
	if (!want->r)
		return 0;
	*is = (struct peft){.base = realpath(dir, NULL),
			    .r = want->r,
			    .alpha = want->alpha > 0 ? want->alpha : 2 * (double)want->r,
			    .targets = want->targets};
	if (!is->base)
		return fail_errno(why, errno, "%s", dir);
	if (peft_choose(is, &p->cfg, true, why)) {
		fail_prefix(why, "--lora-targets");
		return ST_INPUT;
	}
	l = lora_new(&p->cfg, is->r, is->alpha, is->targets);
	lora_random(l, seed);
	model_adapt(&p->model, l);
	return 0;
}

int policy_load_trained(struct policy *p, const char *dir, int how, const struct peft *want,
			uint64_t seed, bool merge, struct reason *why)
{
	int st = policy_load_as(p, dir, how | (want->r ? WEIGHTS_LEAN : 0), why);

	if (!st)
		st = adapt(p, dir, want, seed, why);
	if (!st && merge && !p->peft.r)
		st = fail(why, ST_USAGE,
			  "--merge: there is no adapter, neither --lora nor one in %s", dir);
	if (!st && !merge && p->peft.r && !utf8_valid(p->peft.base, strlen(p->peft.base)))
		st = fail(why, ST_INPUT,
			  "%s: a path that is not UTF-8: " PEFT_CONFIG " could not name it",
			  p->peft.base);
	if (!st && merge)
		policy_merge(p);
	return st;
}

int policy_chat(const struct policy *p, struct chat *c, struct reason *why)
{
	struct buf config = {0};
	const struct chat_files f = {
		.config = &config, .jinja = &p->chat_template, .json = &p->chat_json};
	int st;

	tokconfig_whole(&p->tok_config, &p->special_tokens, &config);
	st = chat_open(c, &f, why);
	buf_free(&config);
	return st;
}

void policy_merge(struct policy *p)
{
	p->merged = p->peft.r > 0;
}

/* Only the adapter is written. */
static bool is_apart(const struct policy *p)
{
	return p->peft.r && !p->merged;
}

static const char *weights_file(const struct policy *p)
{
	return is_apart(p) ? PEFT_WEIGHTS : "model.safetensors";
}

/* The types of what is to be written, and how many; the caller frees it. */
static enum sft_dtype *choose_types(const struct policy *p, const struct weights_form *form,
				    size_t *n)
{
	const struct lora *l = p->model.lora;
	const enum sft_dtype *came = is_apart(p) ? p->adapter_came : p->came;
	enum sft_dtype *none, *types;

	*n = is_apart(p) ? l->n_w : p->model.n_w;
	none = xcalloc(*n, sizeof *none); /* all F32 */
	types = xcalloc(*n, sizeof *types);
	if (is_apart(p))
		weights_types_adapter(l, form, came ? came : none, types);
	else
		weights_types(&p->model, form, came ? came : none, types);
	free(none);
	return types;
}

static int write_weights(const struct policy *p, struct out *o, const struct weights_form *form,
			 const enum sft_dtype *types, struct reason *why)
{
	return is_apart(p) ? weights_write_adapter(p->model.lora, o, form, types, why)
			   : weights_write(&p->model, o, form, types, why);
}

static int save_weights(const struct policy *p, struct newdir *d, const struct weights_form *form,
			const enum sft_dtype *types, struct reason *why)
{
	struct out o;
	int st = newdir_open(d, weights_file(p), &o, why), done;

	if (st)
		return st;
	st = write_weights(p, &o, form, types, why);
	done = newdir_done(&o, st ? NULL : why);
	return st ? st : done;
}

bool policy_is_saved(const struct policy *p, const char *dir, const struct weights_form *form)
{
	char *path = xasprintf("%s/%s", dir, weights_file(p));
	struct hash *there = hash_new(), *here = hash_new();
	enum sft_dtype *types;
	struct out o;
	bool same = false;
	size_t n;

	if (file_hash(path, 0, UINT64_MAX, there, NULL, NULL) == 0) {
		out_init(&o, open("/dev/null", O_WRONLY | O_CLOEXEC), "weights");
		out_sum(&o, here);
		types = choose_types(p, form, &n);
		write_weights(p, &o, form, types, NULL);
		free(types);
		out_close(&o, NULL);
		same = hash_64(there) == hash_64(here);
	}
	hash_free(there);
	hash_free(here);
	free(path);
	return same;
}

static int save_texts(const struct policy *p, struct newdir *d, enum sft_dtype dtype,
		      struct reason *why)
{
	static const char *const names[] = {
		[SFT_F32] = "float32", [SFT_F16] = "float16", [SFT_BF16] = "bfloat16"};
	struct span tok = tok_json(p->tok);
	struct buf config = {0};
	int st;

	config_text(&p->cfg, names[dtype], &config);
	st = newdir_put(d, "config.json", config.p, config.n, why);
	if (!st)
		st = newdir_put(d, "tokenizer.json", tok.p, tok.n, why);
	for (size_t i = 0; i < N_SIDE && !st; i++)
		if (side_file(p, i)->n)
			st = newdir_put(d, side[i].name, side_file(p, i)->p, side_file(p, i)->n,
					why);
	buf_free(&config);
	return st;
}

static int save_peft(const struct policy *p, struct newdir *d, struct reason *why)
{
	struct buf text = {0};
	int st;

	peft_text(&p->peft, &text);
	st = newdir_put(d, PEFT_CONFIG, text.p, text.n, why);
	buf_free(&text);
	return st;
}

/* What torch_dtype says of tensors of several types */
static enum sft_dtype type_of_all(const enum sft_dtype *types, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (types[i] != types[0])
			return SFT_F32;
	return types[0];
}

int policy_save(const struct policy *p, const char *dir, const struct weights_form *form,
		struct reason *why)
{
	size_t n;
	enum sft_dtype *types = choose_types(p, form, &n);
	struct newdir d = {0};
	int st = newdir_begin(&d, dir, why);

	if (!st)
		st = is_apart(p) ? save_peft(p, &d, why)
				 : save_texts(p, &d, type_of_all(types, n), why);
	if (!st && (st = save_weights(p, &d, form, types, why)) == ST_INPUT)
		fail_prefix(why, "%s: not saved", dir);
	if (!st)
		st = newdir_commit(&d, why);
	newdir_abort(&d);
	free(types);
	return st;
}

struct weights_form policy_form(const char *dtype, const char *round, int64_t seed)
{
	return (struct weights_form){
		.as = (enum weights_as)tool_word(POLICY_DTYPE_WORDS, dtype),
		.random = tool_word(POLICY_ROUND_WORDS, round) > 0,
		.seed = (uint64_t)seed,
	};
}

enum sft_dtype policy_dtype(const struct policy *p)
{
	return p->came ? type_of_all(p->came, p->model.n_w) : SFT_F32;
}

static bool may_round(const struct weights_form *form)
{
	return form->as != WEIGHTS_TRAINED && form->as != WEIGHTS_F32;
}

/* Since the weights in dir, or under the adapter in dir */
static int compare_whole(const struct policy *p, const char *dir, const struct weights_form *form,
			 const enum sft_dtype *types, struct weights_loss *loss, struct reason *why)
{
	struct peft peft = {0};
	int st = peft_is_folder(dir) ? peft_read(&peft, dir, why) : 0;

	if (!st)
		st = weights_compare(&p->model, peft.r ? peft.base : dir, form, types, loss, why);
	peft_free(&peft);
	return st;
}

static int compare_adapter(const struct policy *p, const char *dir, const struct weights_form *form,
			   const enum sft_dtype *types, struct weights_loss *loss,
			   struct reason *why)
{
	char *path = xasprintf("%s/" PEFT_WEIGHTS, dir);
	int st = 0;

	if (peft_is_folder(dir))
		st = weights_compare_adapter(p->model.lora, path, form, types, loss, why);
	free(path);
	return st;
}

int policy_loss(const struct policy *p, const char *dir, const struct weights_form *form,
		struct weights_loss *loss, struct reason *why)
{
	enum sft_dtype *types;
	size_t n;
	int st;

	*loss = (struct weights_loss){0};
	if (!may_round(form))
		return 0;
	types = choose_types(p, form, &n);
	st = is_apart(p) ? compare_adapter(p, dir, form, types, loss, why)
			 : compare_whole(p, dir, form, types, loss, why);
	free(types);
	return st;
}

uint64_t policy_size(const struct policy *p, const struct weights_form *form)
{
	const struct lora *l = is_apart(p) ? p->model.lora : NULL;
	const struct weight *w = l ? l->w : p->model.w;
	const struct weights_form f32 = {.as = WEIGHTS_F32};
	uint64_t size = 0;
	size_t n;
	enum sft_dtype *types = choose_types(p, may_round(form) ? form : &f32, &n);

	for (size_t i = 0; i < n; i++)
		size += w[i].count * sft_formats[types[i]].size;
	free(types);
	return size;
}

static void add_json(struct buf *b, json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(2));

	buf_str(b, text);
	buf_char(b, '\n');
	free(text);
	json_decref(j);
}

/* The token that ends a response, where the caller names none: what published tokenizers call it.
 */
static int choose_eos(struct policy *p, struct reason *why)
{
	static const char *const names[] = {"<eos>", "<|im_end|>", "</s>", "<|endoftext|>",
					    "<|end_of_text|>"};

	for (size_t i = 0; i < sizeof names / sizeof *names && !p->cfg.n_eos; i++)
		if (tok_find(p->tok, names[i], &p->cfg.eos[0]))
			p->cfg.n_eos = 1;
	if (!p->cfg.n_eos)
		return fail(why, ST_INPUT,
			    "tokenizer.json: no token that is known to end a text; name one");
	return 0;
}

/* What transformers needs to know about a tokenizer and about generating. */
static void make_side_files(struct policy *p)
{
	json_t *tok = json_object(), *gen = json_object();
	struct buf eos = {0};
	uint32_t pad;

	tok_decode(p->tok, p->cfg.eos, 1, true, &eos);
	json_object_set_new(tok, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
	json_object_set_new(tok, "eos_token", json_stringn(eos.p, eos.n));
	json_object_set_new(tok, "model_max_length", json_integer(p->cfg.max_len));
	json_object_set_new(tok, "clean_up_tokenization_spaces", json_false());
	json_object_set_new(gen, "do_sample", json_true());
	json_object_set_new(gen, "eos_token_id", config_eos(&p->cfg));
	if (tok_find(p->tok, "<pad>", &pad)) {
		json_object_set_new(tok, "pad_token", json_string("<pad>"));
		json_object_set_new(gen, "pad_token_id", json_integer(pad));
	}
	add_json(&p->tok_config, tok);
	add_json(&p->gen_config, gen);
	buf_free(&eos);
}

int policy_make(struct policy *p, const struct config *cfg, const struct buf *tokenizer_json,
		uint64_t seed, double std, struct reason *why)
{
	int st;

	*p = (struct policy){.cfg = *cfg};
	p->cfg.json = (struct buf){0};
	p->tok = tok_load(tokenizer_json->p, tokenizer_json->n, "tokenizer.json", why);
	st = p->tok ? 0 : ST_INPUT;
	if (!st && !p->cfg.vocab)
		p->cfg.vocab = tok_vocab_size(p->tok);
	if (!st)
		st = check_vocab(p, "tokenizer.json", why);
	if (!st)
		st = choose_eos(p, why);
	if (!st)
		st = config_make(&p->cfg, why);
	if (st) {
		policy_free(p);
		return st;
	}
	p->end = p->cfg.eos[0];
	make_side_files(p);
	model_init(&p->model, &p->cfg, 0);
	model_random(&p->model, seed, std);
	return 0;
}

void policy_free(struct policy *p)
{
	model_free(&p->model);
	tok_free(p->tok);
	config_free(&p->cfg);
	peft_free(&p->peft);
	free(p->came);
	free(p->adapter_came);
	for (size_t i = 0; i < N_SIDE; i++)
		buf_free(side_file(p, i));
	*p = (struct policy){0};
}
