/*
 * options.h - options that several tools have, once: rows of their tables, and what the rows of a
 * run that trains fill.
 *
 *     static struct run_options run = RUN_OPTIONS_DEFAULT;
 *     static const struct opt opts[] = {
 *             {'n', "steps", "N", OPT_INT, &steps, 1, 1e9, "RL steps"},
 *             OPTIONS_LORA(run), OPTIONS_RUN(run, "step"), {0}};
 *
 * A macro that begins with OPTION is one row, with OPTIONS several. v, s, a and o are the structs
 * or the variables that the rows write to.
 */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include "base/kept.h"
#include "base/tool.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a tool that trains. All strings are borrowed from argv. */
struct run_options {
	const char *policy, *out; /* folders: to begin with; to write, NULL: none */
	const char *log, *state;  /* NULL: none */
	const char *compute, *blas, *dtype, *round;
	int64_t seed, threads, checkpoint_every;
	bool profile;
	struct peft lora; /* what --lora and its fellows ask for */
	const char *lora_targets;
	bool merge;
};

#define RUN_OPTIONS_DEFAULT(every)                                                        \
	{                                                                                 \
		.compute = "f32", .blas = "none", .dtype = "trained", .round = "nearest", \
		.checkpoint_every = every                                                 \
	}

/* What the rows cannot say: 0, or ST_USAGE, told. Fills lora.targets. */
int options_check(struct run_options *o);
/* --compute WORD: takes the kernels that it needs. 0, or ST_USAGE, told, where the processor has
 * none. */
int options_use_compute(const char *word);

/* --temperature X: 0, or ST_USAGE, told, where it is none to draw with; has_greedy: the tool has
 * --greedy. */
int options_check_temperature(double x, bool has_greedy);

/* Where records may go, of a tool whose ranks share its work out: 0, or ST_USAGE, told, where
 * standard output (stream NULL) or the problems' input would lose some. */
int options_check_ends(const char *stream, const char *tasks);

/* Where its records come from: 0, or ST_USAGE, told, where only one rank would have them. */
int options_check_files(int n, char *const *files);
/* Of ranks above 0: what rank 0 alone does is done there only. stream NULL: there is none. Warns of
 * ranks that have none of so many lanes, 0: that is no matter. */
void options_first_writes(struct run_options *o, const char **stream, int64_t lanes);

/* Hints at a rate that can hardly have moved p's weights in so many updates, each by reach at most.
 */
void options_tell_rate(const struct run_options *o, const struct policy *p, double lr, double reach,
		       uint64_t updates);

/* Of before problems, after are left by --max-prompt. */
void options_tell_limit(size_t before, size_t after, int64_t most);

/* Says what a policy lacks that sampling from it wants: a token that ends a response. */
void options_tell_policy(const struct policy *p, int64_t max_new);

/* Says what writing p in that form takes from its change since the policy in dir, if anything. */
void options_tell_loss(const struct policy *p, const char *dir, const struct weights_form *form);

#define OPTION_THREADS(v)                                               \
	{                                                               \
		'j', "threads", "N", OPT_INT | OPT_FREE, &(v), 0, 1024, \
			"threads; 0: one per processor"                 \
	}

/* p: struct prompt_opts */
#define OPTIONS_PROMPT(p)                                                                         \
	{0,         "prompt-template",                                                            \
	 "TEXT",    OPT_STR,                                                                      \
	 &(p).wrap, 0,                                                                            \
	 0,         "what the policy sees of a problem; " PROMPT_PLACE " stands for its prompt"}, \
		{0,           "template-arg",                                                     \
		 "NAME=JSON", OPT_LIST,                                                           \
		 &(p).args,   0,                                                                  \
		 0,           "an argument for the policy's chat template; may be given again"},  \
	{                                                                                         \
		0, "continue-final", NULL, OPT_FLAG, &(p).go_on, 0, 0,                            \
			"messages that end in the assistant's: the response goes on from them"    \
	}

#define OPTION_MAX_PROMPT(v)                                                       \
	{                                                                          \
		0, "max-prompt", "N", OPT_INT, &(v), 0, 1e9,                       \
			"leave out problems whose prompt has more tokens; 0: none" \
	}

#define OPTION_COMPUTE(v)                                                \
	{                                                                \
		0, "compute", MODEL_COMPUTE_WORDS, OPT_WORD, &(v), 0, 0, \
			"how products with the weights are computed"     \
	}

#define OPTION_BLAS(v)                                               \
	{                                                            \
		0, "blas", "none|openblas", OPT_WORD, &(v), 0, 0,    \
			"who does the products of the backward pass" \
	}

/* s: struct sample_opts */
#define OPTIONS_SAMPLING(s)                                                                  \
	{0, "max-new", "N", OPT_INT, &(s).max_new, 1, 1e6, "most tokens of a response"},     \
		{0, "temperature", "X", OPT_NUM, &(s).temperature, 0, 100, "of sampling"},   \
		{0, "top-p", "X", OPT_NUM, &(s).top_p, 1e-6, 1, "nucleus sampling; 1: off"}, \
		{0,          "top-k", "N",       OPT_INT,                                    \
		 &(s).top_k, 0,       KEPT_MOST, "the k likeliest only; 0: off"},            \
	{                                                                                    \
		0, "batch", "N", OPT_INT | OPT_FREE, &(s).batch, 1, 4096,                    \
			"most responses that a thread decodes together"                      \
	}

/* v: struct verify_opts; f: struct failures */
#define OPTIONS_COMMAND(v, f)                                                      \
	{0,                                                                        \
	 "deadline",                                                               \
	 "SECONDS",                                                                \
	 OPT_NUM,                                                                  \
	 &(v).deadline,                                                            \
	 0.001,                                                                    \
	 1e6,                                                                      \
	 "for one answer of a command, or of a processor for a run of a program"}, \
		{0,                                                                \
		 "max-output",                                                     \
		 "BYTES",                                                          \
		 OPT_INT,                                                          \
		 &(v).max_output,                                                  \
		 16,                                                               \
		 1e9,                                                              \
		 "for one answer of a command"},                                   \
		{0,                                                                \
		 "workers",                                                        \
		 "N",                                                              \
		 OPT_INT | OPT_FREE,                                               \
		 &(v).workers,                                                     \
		 1,                                                                \
		 1024,                                                             \
		 "copies of a command, or programs, side by side"},                \
	{                                                                          \
		0, "max-failures", "SHARE", OPT_NUM, &(f).most, 0, 1,              \
			"stop when more verdicts than this are failures"           \
	}

#define OPTION_HINDSIGHT(v)                                                               \
	{                                                                                 \
		0, "hindsight", NULL, OPT_FLAG, &(v).hindsight, 0, 0,                     \
			"note of a wrong response the problem that it does solve, if any" \
	}

#define OPTIONS_VERIFIER(v, f)                                                               \
	{0,                                                                                  \
	 "verifier",                                                                         \
	 "NAME",                                                                             \
	 OPT_STR,                                                                            \
	 &(v).verifier,                                                                      \
	 0,                                                                                  \
	 0,                                                                                  \
	 "for problems that name none: a name, or cmd:COMMAND"},                             \
		{0,                                                                          \
		 "trust",                                                                    \
		 NULL,                                                                       \
		 OPT_FLAG,                                                                   \
		 &(v).trust,                                                                 \
		 0,                                                                          \
		 0,                                                                          \
		 "run commands that problems name, and programs where there is no sandbox"}, \
		OPTIONS_COMMAND(v, f), OPTION_HINDSIGHT(v)

#define OPTION_LANES(v)                                                                       \
	{                                                                                     \
		0, "lanes", "N", OPT_INT, &(v), 1, 4096,                                      \
			"parts of an update, whose gradients are added in order: what ranks " \
			"share out"                                                           \
	}

/* s: has micro_tokens and recompute */
#define OPTIONS_MEMORY(s)                                                          \
	{0,                                                                        \
	 "micro-tokens",                                                           \
	 "N",                                                                      \
	 OPT_INT,                                                                  \
	 &(s).micro_tokens,                                                        \
	 1,                                                                        \
	 1e9,                                                                      \
	 "tokens in memory at a time; the result hardly depends on it"},           \
	{                                                                          \
		0, "recompute", NULL, OPT_FLAG | OPT_FREE, &(s).recompute, 0, 0,   \
			"less memory for about a third more time; the same result" \
	}

/* a: struct optimizer_opts */
#define OPTIONS_OPTIMIZER(a)                                                                    \
	{0, "optimizer", OPTIMIZER_WORDS, OPT_WORD, &(a).word, 0, 0, "that moves the weights"}, \
		{0, "weight-decay", "X", OPT_NUM, &(a).decay, 0, 10, "of matrices, decoupled"}, \
		{0, "beta1", "X", OPT_NUM, &(a).beta1, 0, 0.999999, "of AdamW and Lion"},       \
		{0, "beta2", "X", OPT_NUM, &(a).beta2, 0, 0.999999, "of AdamW"},                \
		{0, "eps", "X", OPT_NUM, &(a).eps, 1e-30, 1, "of AdamW"},                       \
		{0, "lion-beta2", "X", OPT_NUM, &(a).lion_beta2, 0, 0.999999, "of Lion"},       \
		{0, "momentum", "X", OPT_NUM, &(a).momentum, 0, 0.999999, "of Muon"},           \
	{                                                                                       \
		0, "clip", "X", OPT_NUM, &(a).clip, 0, 1e9,                                     \
			"norm the gradient is cut to; 0: never"                                 \
	}

/* o: struct run_options, here and below */
#define OPTIONS_LORA(o)                                                                    \
	{0,                                                                                \
	 "lora",                                                                           \
	 "R",                                                                              \
	 OPT_INT,                                                                          \
	 &(o).lora.r,                                                                      \
	 0,                                                                                \
	 LORA_MAX_R,                                                                       \
	 "train low-rank adapters of this rank, not the weights; 0: the weights, or -p's " \
	 "adapter"},                                                                       \
		{0,                                                                        \
		 "lora-alpha",                                                             \
		 "X",                                                                      \
		 OPT_NUM,                                                                  \
		 &(o).lora.alpha,                                                          \
		 0,                                                                        \
		 1e6,                                                                      \
		 "adapters count X / R; 0: twice R, or as -p has it"},                     \
		{0,                                                                        \
		 "lora-targets",                                                           \
		 "LIST",                                                                   \
		 OPT_STR,                                                                  \
		 &(o).lora_targets,                                                        \
		 0,                                                                        \
		 0,                                                                        \
		 "layers that have one, q_proj,v_proj ...; all when not given"},           \
	{                                                                                  \
		0, "merge", NULL, OPT_FLAG, &(o).merge, 0, 0,                              \
			"save whole policies with the adapter added, not the adapter"      \
	}

/* unit: "step" or "update", what the run counts */
#define OPTIONS_RUN(o, unit)                                                                    \
	{0,          "state", "DIR", OPT_STR | OPT_FREE,                                        \
	 &(o).state, 0,       0,     "keep a state there: the same call after a stop goes on"}, \
		{0,                                                                             \
		 "checkpoint-every",                                                            \
		 "N",                                                                           \
		 OPT_INT | OPT_FREE,                                                            \
		 &(o).checkpoint_every,                                                         \
		 1,                                                                             \
		 1e9,                                                                           \
		 unit "s from one checkpoint in it to the next"},                               \
		{0,                                                                             \
		 "profile",                                                                     \
		 NULL,                                                                          \
		 OPT_FLAG | OPT_FREE,                                                           \
		 &(o).profile,                                                                  \
		 0,                                                                             \
		 0,                                                                             \
		 "say at the end where the time went"},                                         \
		{0,        "log", "FILE", OPT_STR | OPT_FREE,                                   \
		 &(o).log, 0,     0,      "metrics, a line of JSON for each " unit},            \
		OPTIONS_DTYPE((o).dtype, (o).round)

/* Of what is written: dtype and round are words, see policy_form */
#define OPTIONS_DTYPE(dtype, round)                                                              \
	{0,                                                                                      \
	 "dtype",                                                                                \
	 POLICY_DTYPE_WORDS,                                                                     \
	 OPT_WORD,                                                                               \
	 &(dtype),                                                                               \
	 0,                                                                                      \
	 0,                                                                                      \
	 "of saved weights; trained: as they came where that loses nothing, else f32; same: as " \
	 "they came"},                                                                           \
	{                                                                                        \
		0, "round", POLICY_ROUND_WORDS, OPT_WORD, &(round), 0, 0,                        \
			"to 16 bits: to nearest, or up or down at random by --seed"              \
	}

#endif
