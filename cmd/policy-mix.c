/* policy-mix - the weighted average of two policies, or one with its adapter merged. See
 * man/policy-mix.1. */
#include "base/dir.h"
#include "base/tool.h"
#include "policy/policy.h"
#include "run/options.h"

#include <stddef.h>
#include <string.h>

static const char *out_dir, *since, *dtype = "trained", *round_word = "nearest";
static double weight = 0.5;
static int64_t seed;

static const struct opt opts[] = {
	{'o', "output", "DIR", OPT_STR, &out_dir, 0, 0, "the mixed policy; must not exist yet"},
	{'w', "weight", "W", OPT_NUM, &weight, 0, 1,
	 "share of B, if there is one: C = (1 - W) A + W B"},
	OPTIONS_DTYPE(dtype, round_word),
	OPT__SEED(seed, "of --round stochastic"),
	{0, "since", "DIR", OPT_STR, &since, 0, 0,
	 "tell what rounding takes from the change since this policy; without: since A"},
	{0}};
static const struct tool tool = {
	"policy-mix", "A [B]",
	"The weighted average of two policies of the same shape, or one as whole weights.", opts};

/* What must agree, in the order in which a difference is named. max_len may differ: no weight
 * depends on it. */
static const struct {
	const char *name;
	size_t field;
} sizes[] = {{"layers", offsetof(struct config, layers)},
	     {"hidden", offsetof(struct config, d)},
	     {"heads", offsetof(struct config, heads)},
	     {"kv_heads", offsetof(struct config, kv_heads)},
	     {"head_dim", offsetof(struct config, head_dim)},
	     {"ffn", offsetof(struct config, ffn)},
	     {"vocab", offsetof(struct config, vocab)},
	     {"sliding_window", offsetof(struct config, window)}},
  flags[] = {{"tied", offsetof(struct config, tied)},
	     {"qkv_bias", offsetof(struct config, qkv_bias)},
	     {"o_bias", offsetof(struct config, o_bias)},
	     {"mlp_bias", offsetof(struct config, mlp_bias)},
	     {"qk_norm", offsetof(struct config, qk_norm)},
	     {"parallel residual", offsetof(struct config, parallel)}},
  reals[] = {{"norm_eps", offsetof(struct config, norm_eps)},
	     {"rope_theta", offsetof(struct config, rope.theta)},
	     {"rope factor", offsetof(struct config, rope.factor)},
	     {"rope original length", offsetof(struct config, rope.original)},
	     {"rope low frequency factor", offsetof(struct config, rope.low)},
	     {"rope high frequency factor", offsetof(struct config, rope.high)},
	     {"rope beta_fast", offsetof(struct config, rope.beta_fast)},
	     {"rope beta_slow", offsetof(struct config, rope.beta_slow)},
	     {"rope attention factor", offsetof(struct config, rope.attention)},
	     {"partial_rotary_factor", offsetof(struct config, rope.share)},
	     {"rope alpha", offsetof(struct config, rope.alpha)},
	     {"llama_4_scaling_beta", offsetof(struct config, rope.query_beta)},
	     {"rope_theta of layers with a window", offsetof(struct config, local.theta)},
	     {"embedding multiplier", offsetof(struct config, embedding_scale)},
	     {"residual multiplier", offsetof(struct config, residual_scale)},
	     {"attention multiplier", offsetof(struct config, attention_scale)},
	     {"cap of scores", offsetof(struct config, attention_cap)},
	     {"factor of logits", offsetof(struct config, logit_scale)},
	     {"cap of logits", offsetof(struct config, logit_cap)}};

static const void *field(const struct config *c, size_t at)
{
	return (const char *)c + at;
}

static int differ(const char *what, const char *b_dir, const char *b, const char *a_dir,
		  const char *a, struct reason *why)
{
	return fail(why, ST_INPUT, "%s: %s is %s, but %s in %s: not the same shape", b_dir, what, b,
		    a, a_dir);
}

static int same_words(const struct config *a, const char *a_dir, const struct config *b,
		      const char *b_dir, struct reason *why)
{
	if (a->family != b->family)
		return differ("family", b_dir, config_family(b), a_dir, config_family(a), why);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		bool x = *(const bool *)field(a, flags[i].field);
		bool y = *(const bool *)field(b, flags[i].field);

		if (x != y)
			return differ(flags[i].name, b_dir, y ? "yes" : "no", a_dir,
				      x ? "yes" : "no", why);
	}
	if (a->rope.type != b->rope.type)
		return differ("rope", b_dir, rope_name(&b->rope), a_dir, rope_name(&a->rope), why);
	if (a->kinds.n == b->kinds.n && memcmp(a->kinds.p, b->kinds.p, a->kinds.n) != 0)
		return fail(why, ST_INPUT,
			    "%s: layer_types, or which layers are turned, differ from %s: not the "
			    "same arithmetic",
			    b_dir, a_dir);
	if (a->rope.exact != b->rope.exact)
		return differ("rope truncate", b_dir, b->rope.exact ? "no" : "yes", a_dir,
			      a->rope.exact ? "no" : "yes", why);
	return 0;
}

static int same_numbers(const struct config *a, const char *a_dir, const struct config *b,
			const char *b_dir, struct reason *why)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int64_t x = *(const int64_t *)field(a, sizes[i].field);
		int64_t y = *(const int64_t *)field(b, sizes[i].field);

		if (x != y)
			return fail(why, ST_INPUT,
				    "%s: %s is %lld, but %lld in %s: not the same shape", b_dir,
				    sizes[i].name, (long long)y, (long long)x, a_dir);
	}
	for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
		double x = *(const double *)field(a, reals[i].field);
		double y = *(const double *)field(b, reals[i].field);

		if (x != y)
			return fail(why, ST_INPUT,
				    "%s: %s is %.15g, but %.15g in %s: not the same arithmetic",
				    b_dir, reals[i].name, y, x, a_dir);
	}
	return 0;
}

/* C takes A's place. In doubles: a share of 0 or 1 gives the other's weights exactly. */
static void mix(struct model *a, const struct model *b)
{
	for (size_t i = 0; i < a->n_params; i++)
		a->params[i] = (float)((1 - weight) * (double)a->params[i] +
				       weight * (double)b->params[i]);
}

static void note_tokenizers(const struct policy *a, const struct policy *b, const char *b_dir)
{
	if (!span_eq(tok_json(a->tok), tok_json(b->tok)))
		msg_warn("%s: its tokenizer.json is another one: the first policy's is kept, which "
			 "is right only if ids mean the same",
			 b_dir);
}

static int save(const struct policy *p, const char *from, struct reason *why)
{
	struct weights_form form = policy_form(dtype, round_word, seed);

	options_tell_loss(p, since ? since : from, &form);
	return policy_save(p, out_dir, &form, why);
}

/* One policy, with its adapter, if it has one, added to the weights */
static int merge(const char *dir, struct reason *why)
{
	struct policy p;
	int st = policy_load_as(&p, dir, WEIGHTS_LEAN | MODEL_LAYERWISE, why);

	if (st)
		return st;
	policy_merge(&p);
	st = save(&p, dir, why);
	policy_free(&p);
	if (!st)
		msg_info("%s: the whole weights of %s", out_dir, dir);
	return st;
}

static int average(const char *a_dir, const char *b_dir, struct reason *why)
{
	struct policy a = {0}, b = {0};
	int st = policy_load(&a, a_dir, MODEL_LAYERWISE, why);

	if (!st) {
		st = policy_load(&b, b_dir, MODEL_LAYERWISE, why);
		if (!st)
			st = same_words(&a.cfg, a_dir, &b.cfg, b_dir, why);
		if (!st)
			st = same_numbers(&a.cfg, a_dir, &b.cfg, b_dir, why);
		if (!st) {
			note_tokenizers(&a, &b, b_dir);
			mix(&a.model, &b.model);
			st = save(&a, a_dir, why);
		}
		policy_free(&b);
		policy_free(&a);
	}
	if (!st)
		msg_info("%s: %.15g %s + %.15g %s", out_dir, 1 - weight, a_dir, weight, b_dir);
	return st;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;

	if (argc - i != 1 && argc - i != 2)
		return tool_finish(
			tool_usage("one or two policy folders are needed, not %d", argc - i));
	if (!out_dir)
		return tool_finish(tool_usage("--output is needed"));
	st = newdir_check(out_dir, &why);
	if (!st)
		st = argc - i == 1 ? merge(argv[i], &why) : average(argv[i], argv[i + 1], &why);
	if (st)
		msg_reason(&why);
	return tool_finish(st);
}
