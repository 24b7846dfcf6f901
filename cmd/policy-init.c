/* policy-init - a fresh policy of a given shape, or what one is. See man/policy-init.1. */
#include "base/file.h"
#include "base/dir.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/tool.h"
#include "policy/policy.h"
#include "rollout/prompt.h"
#include "stats/cells.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every printable ASCII character and the newline: what generated problems are written with. */
static const char ascii[] = "0123456789+-*/()=><,.:;? \nabcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'@[\\]^_`{|}~";

enum { MAX_TOKENIZER = 512 << 20, MAX_CONFIG = 4 << 20, MAX_MESSAGES = 64 << 20 };

static const char *out_dir, *info_dir, *render_dir, *like_dir, *alphabet, *tokenizer, *eos;
static const char *tied = "like", *dtype = "f32", *family = "like";
static int64_t layers, hidden, heads, kv_heads, head_dim, ffn, max_len, vocab, seed;
static struct opt_list template_args;
static bool go_on, as_json, tokens;
static double rope_theta, norm_eps, std = 0.02;

static const struct opt opts[] = {
	{'o', "output", "DIR", OPT_STR, &out_dir, 0, 0, "the policy folder to make"},
	{0, "info", "DIR", OPT_STR, &info_dir, 0, 0, "print what the policy in DIR is"},
	{0, "json", NULL, OPT_FLAG, &as_json, 0, 0, "with --info: as one JSON object"},
	{0, "render", "DIR", OPT_STR, &render_dir, 0, 0,
	 "print what the policy in DIR sees of the messages on standard input"},
	{0, "tokens", NULL, OPT_FLAG, &tokens, 0, 0,
	 "with --render: tokens, one a line, not the text"},
	{0, "template-arg", "NAME=JSON", OPT_LIST, &template_args, 0, 0,
	 "with --render: an argument for the chat template; may be given again"},
	{0, "continue-final", NULL, OPT_FLAG, &go_on, 0, 0,
	 "with --render: a last message of the assistant's goes on"},
	{0, "like", "DIR", OPT_STR, &like_dir, 0, 0,
	 "take what is not given from this folder's config.json and tokenizer.json"},
	{0, "family", "FAMILY", OPT_STR, &family, 0, 0,
	 "kind of model, as rloop-policy(7) lists them (like: as --like, else llama)"},
	{0, "layers", "N", OPT_INT, &layers, 0, 4096, "blocks (0: as --like, else 3)"},
	{0, "hidden", "N", OPT_INT, &hidden, 0, 1 << 20, "width (0: as --like, else 96)"},
	{0, "heads", "N", OPT_INT, &heads, 0, 4096, "query heads (0: as --like, else 4)"},
	{0, "kv-heads", "N", OPT_INT, &kv_heads, 0, 4096,
	 "key/value heads (0: as --like, else --heads)"},
	{0, "head-dim", "N", OPT_INT, &head_dim, 0, 4096,
	 "width of a head (0: as --like, else --hidden / --heads)"},
	{0, "ffn", "N", OPT_INT, &ffn, 0, 1 << 20,
	 "inner width of the feed-forward part (0: as --like, else 256)"},
	{0, "max-len", "N", OPT_INT, &max_len, 0, 1 << 24,
	 "longest sequence in tokens (0: as --like, else 128)"},
	{0, "vocab", "N", OPT_INT, &vocab, 0, 1 << 24,
	 "rows of the embedding (0: as --like, else the tokenizer's size)"},
	{0, "tied", "like|yes|no", OPT_WORD, &tied, 0, 0,
	 "the output head is the embedding (like: as --like, else yes)"},
	{0, "rope-theta", "X", OPT_NUM, &rope_theta, 0, 1e15,
	 "base of the rotary embedding (0: as --like, else 10000)"},
	{0, "norm-eps", "X", OPT_NUM, &norm_eps, 0, 0.1,
	 "epsilon of the norms (0: as --like, else 1e-5)"},
	{0, "alphabet", "TEXT", OPT_STR, &alphabet, 0, 0,
	 "make a character-level tokenizer of these (else: printable ASCII and newline)"},
	{0, "tokenizer", "FILE", OPT_STR, &tokenizer, 0, 0, "take this tokenizer.json"},
	{0, "eos", "TOKEN", OPT_STR, &eos, 0, 0,
	 "the token that ends a response (else one that is known to: <eos>, </s> ...)"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "seed of the weights"},
	{0, "std", "X", OPT_NUM, &std, 0, 10, "standard deviation of the weights"},
	{0, "dtype", "f32|bf16", OPT_WORD, &dtype, 0, 0, "type of the weights in the file"},
	{0}};
static const struct tool tool = {
	"policy-init", "",
	"Makes a policy folder with random weights, or says what one is and sees.", opts};

static const char *dtype_name(enum sft_dtype d)
{
	return d == SFT_F32 ? "f32" : d == SFT_F16 ? "f16" : "bf16";
}

static void put_str(struct cells *c, const char *name, const char *text)
{
	cells_text(c, name, (struct span){text, strlen(text)});
}

static void put_shape(struct cells *to, const struct config *c)
{
	put_str(to, "family", config_family(c));
	cells_place(to, "layers", c->layers);
	cells_place(to, "hidden", c->d);
	cells_place(to, "heads", c->heads);
	cells_place(to, "kv_heads", c->kv_heads);
	cells_place(to, "head_dim", c->head_dim);
	cells_place(to, "ffn", c->ffn);
	cells_place(to, "max_len", c->max_len);
	cells_place(to, "vocab", c->vocab);
	cells_flag(to, "tied", c->tied);
	put_str(to, "rope", rope_name(&c->rope));
	cells_number(to, "rope_theta", c->rope.theta);
	cells_number(to, "norm_eps", c->norm_eps);
	cells_count(to, "parameters", config_params(c));
}

static int info(struct reason *why)
{
	struct policy p;
	struct buf text = {0};
	struct cells to = {.to = &text, .form = as_json ? CELLS_JSON : CELLS_LINES};
	int st = policy_load_as(&p, info_dir, WEIGHTS_LEAN | MODEL_LAYERWISE, why);
	char hash[17];

	if (st)
		return st;
	put_shape(&to, &p.cfg);
	put_str(&to, "dtype", dtype_name(policy_dtype(&p)));
	cells_count(&to, "tokens", tok_vocab_size(p.tok));
	cells_ids(&to, "stop", p.cfg.eos, p.cfg.n_eos);
	hash_hex(model_hash(&p.model), hash);
	put_str(&to, "hash", hash);
	cells_end(&to);
	out_write(out_stdout(), text.p, text.n);
	buf_free(&text);
	policy_free(&p);
	return 0;
}

/* ---- what a policy sees of messages ---- */

/* JSON text of a row's value; NULL: the row has none */
static char *text_of(const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	return v && !json_is_null(v) ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
}

/* A conversation that ends with the assistant's is shown whole, unless it is to go on. */
static enum chat_end end_of(const json_t *row)
{
	const json_t *v = json_object_get(row, "messages");
	const json_t *last = json_array_get(v, json_array_size(v) - 1);
	const char *role = json_string_value(json_object_get(last, "role"));

	if (!role || strcmp(role, "assistant") != 0)
		return CHAT_ASK;
	return go_on || json_is_true(json_object_get(row, "continue_final_message")) ? CHAT_GO_ON
										     : CHAT_WHOLE;
}

static int show(const struct policy *p, const struct buf *text, struct reason *why)
{
	struct out *o = out_stdout();
	struct buf piece = {0}, json = {0};
	struct ids ids = {0};
	int st = 0;

	if (!tokens) {
		out_write(o, text->p, text->n);
		return 0;
	}
	st = tok_encode(p->tok, text->p ? text->p : "", text->n, false, &ids, why);
	for (size_t i = 0; i < ids.n && !st; i++) {
		buf_reset(&piece);
		buf_reset(&json);
		tok_decode(p->tok, &ids.v[i], 1, true, &piece);
		json_string_to(&json, piece.p, piece.n);
		out_printf(o, "%u\t%s\n", ids.v[i], buf_cstr(&json));
	}
	free(ids.v);
	buf_free(&piece);
	buf_free(&json);
	return st;
}

static int render_row(const struct policy *p, const json_t *row, struct reason *why)
{
	char *messages = text_of(row, "messages"), *list = text_of(row, "tools");
	char *args = text_of(row, "chat_template_kwargs");
	struct chat_ask a = {messages, list, args, end_of(row), 0};
	struct buf text = {0};
	struct chat c = {0};
	int st = messages ? policy_chat(p, &c, why)
			  : fail(why, ST_INPUT,
				 "(standard input): no list of messages, nor a row "
				 "with the key messages");

	if (!st)
		st = prompt_args(&c, &template_args, why);
	if (!st)
		st = chat_render(&c, &a, &text, NULL, why);
	if (!st)
		st = show(p, &text, why);
	chat_free(&c);
	buf_free(&text);
	free(messages);
	free(list);
	free(args);
	return st;
}

static int render(struct reason *why)
{
	struct buf text = {0};
	struct policy p;
	json_t *j = NULL, *row;
	int st = policy_load_texts(&p, render_dir, why);

	if (st)
		return st;
	st = file_read("-", MAX_MESSAGES, &text, why);
	if (!st && !(j = json_parse(text.p, text.n, "(standard input)", why)))
		st = ST_INPUT;
	row = json_is_array(j) ? json_pack("{s:O}", "messages", j) : json_incref(j);
	if (!st)
		st = render_row(&p, row, why);
	json_decref(row);
	json_decref(j);
	buf_free(&text);
	policy_free(&p);
	return st;
}

/* ---- a fresh one ---- */

/* The tokenizer.json to use; *own: it is the one of --like. */
static int get_tokenizer(struct buf *text, bool *own, struct reason *why)
{
	char *like = xasprintf("%s/tokenizer.json", like_dir ? like_dir : "");
	int st;

	*own = !tokenizer && !alphabet && like_dir && access(like, F_OK) == 0;
	if (tokenizer || *own)
		st = file_read(*own ? like : tokenizer, MAX_TOKENIZER, text, why);
	else
		st = chars_make(alphabet ? alphabet : ascii, text, why);
	free(like);
	return st;
}

static int get_like(struct config *c, bool own_tokenizer, struct reason *why)
{
	char *path = xasprintf("%s/config.json", like_dir);
	struct buf text = {0};
	int st = file_read(path, MAX_CONFIG, &text, why);

	if (!st)
		st = config_parse(c, text.p, text.n, NULL, 0, like_dir, why);
	buf_free(&c->json);
	if (!own_tokenizer) { /* its ids mean nothing here */
		c->bos = -1;
		c->n_eos = 0;
	}
	buf_free(&text);
	free(path);
	return st;
}

static void choose(int64_t *field, int64_t given, int64_t fallback)
{
	if (given)
		*field = given;
	else if (!*field)
		*field = fallback;
}

static void get_shape(struct config *c)
{
	bool other_heads = hidden || heads;
	enum family kind;

	if (family_find(family, &kind) && kind != c->family)
		config_recast(c, kind);
	choose(&c->layers, layers, 3);
	choose(&c->d, hidden, 96);
	choose(&c->heads, heads, 4);
	choose(&c->kv_heads, kv_heads, 0);
	choose(&c->ffn, ffn, 256);
	choose(&c->max_len, max_len, 128);
	choose(&c->vocab, vocab, 0);
	c->head_dim = head_dim || other_heads ? head_dim : c->head_dim;
	if (rope_theta != 0 || c->rope.theta == 0)
		c->rope.theta = rope_theta != 0 ? rope_theta : 10000;
	if (norm_eps != 0 || c->norm_eps == 0)
		c->norm_eps = norm_eps != 0 ? norm_eps : 1e-5;
	if (strcmp(tied, "like") != 0)
		c->tied = strcmp(tied, "yes") == 0;
}

/* The stop token that was asked for. */
static int get_eos(struct config *c, const struct buf *tok_text, struct reason *why)
{
	struct tokenizer *t;
	int st = 0;

	if (!eos)
		return 0;
	t = tok_load(tok_text->p, tok_text->n, "tokenizer.json", why);
	if (!t)
		return ST_INPUT;
	c->n_eos = 1;
	if (!tok_find(t, eos, &c->eos[0]))
		st = fail(why, ST_INPUT, "tokenizer.json: no token \"%s\"", eos);
	tok_free(t);
	return st;
}

static int make(struct reason *why)
{
	struct config c = {.bos = -1, .tied = true};
	struct buf tok_text = {0};
	struct policy p;
	struct weights_form form = policy_form(dtype, "nearest", 0);
	bool own;
	int st = newdir_check(out_dir, why);

	if (!st)
		st = get_tokenizer(&tok_text, &own, why);
	if (!st && like_dir)
		st = get_like(&c, own, why);
	if (!st)
		st = get_eos(&c, &tok_text, why);
	if (!st) {
		get_shape(&c);
		st = policy_make(&p, &c, &tok_text, (uint64_t)seed, std, why);
	}
	if (!st) {
		st = policy_save(&p, out_dir, &form, why);
		if (!st)
			msg_info("%s: %zu weights, %u tokens", out_dir, p.model.n_params,
				 tok_vocab_size(p.tok));
		policy_free(&p);
	}
	buf_free(&tok_text);
	return st;
}

static int check_options(int operands)
{
	enum family kind;

	if (operands)
		return tool_usage("an operand is not expected");
	if (!!out_dir + !!info_dir + !!render_dir != 1)
		return tool_usage("one of --output, --info and --render is needed");
	if (as_json && !info_dir)
		return tool_usage("--json goes with --info");
	if (!render_dir && (tokens || go_on || template_args.n))
		return tool_usage("--tokens, --template-arg and --continue-final need --render");
	if (tokenizer && alphabet)
		return tool_usage("--tokenizer and --alphabet exclude each other");
	if (strcmp(family, "like") != 0 && !family_find(family, &kind))
		return tool_usage("--family: '%s' is none of like|" FAMILY_WORDS, family);
	return 0;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv);
	int st = check_options(argc - i);

	if (!st) {
		st = info_dir ? info(&why) : render_dir ? render(&why) : make(&why);
		if (st)
			msg_reason(&why);
	}
	return tool_finish(st);
}
