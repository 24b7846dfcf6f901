/* options.c - options that several tools have. See options.h. */
#include "run/options.h"
#include "base/rank.h"
#include "tensor/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const double LITTLE = 1e-4; /* of a weight: what a change below it is */

int options_use_compute(const char *word)
{
	if (strcmp(word, "bf16-vdp") != 0)
		return 0;
	if (!cpu_has(CPU_V4BF16))
		return tool_usage("--compute bf16-vdp: this processor, or this program, has no "
				  "AVX-512 BF16; bf16 is computed everywhere");
	kernels_use(CPU_V4BF16);
	return 0;
}

int options_check_ends(const char *stream, const char *tasks)
{
	if (rank_count() > 1 && !stream)
		return tool_usage("ranks need --stream: a launcher's standard output is a terminal "
				  "that loses records");
	if (rank_count() > 1 && tasks && strcmp(tasks, "-") == 0)
		return tool_usage("ranks need a file of problems: only one has standard input");
	if (!stream && isatty(STDOUT_FILENO))
		return tool_usage("records are not written to a terminal: use a pipe or a file");
	return 0;
}

int options_check_files(int n, char *const *files)
{
	bool in = n == 0;

	for (int i = 0; i < n; i++)
		in |= strcmp(files[i], "-") == 0;
	return in && rank_count() > 1
		       ? tool_usage("ranks need files to read: only one has standard input")
		       : 0;
}

void options_first_writes(struct run_options *o, const char **stream, int64_t lanes)
{
	if (lanes && lanes < rank_count())
		msg_warn("--lanes %" PRId64 ": %d of %d ranks have no part in updates", lanes,
			 rank_count() - (int)lanes, rank_count());
	if (!rank_self())
		return;
	if (stream)
		*stream = "/dev/null";
	o->log = NULL;
	o->profile = false;
}

int options_check_temperature(double x, bool has_greedy)
{
	const char *greedy = has_greedy ? "; --greedy takes the likeliest token always" : "";

	return x >= 0.01 ? 0 : tool_usage("--temperature: %g is below 0.01%s", x, greedy);
}

void options_tell_rate(const struct run_options *o, const struct policy *p, double lr, double reach,
		       uint64_t updates)
{
	double moved = reach * (double)updates;
	double square = 0, size;

	if (lr <= 0 || !updates || o->lora.r)
		return;
	for (size_t i = 0; i < p->model.n_params; i++)
		square += (double)p->model.params[i] * (double)p->model.params[i];
	size = sqrt(square / (double)p->model.n_params);
	if (moved < LITTLE * size)
		msg_info("%" PRIu64 " updates at --lr %g move a weight by %.2g at most, and their "
			 "usual size is %.2g: that teaches next to nothing",
			 updates, lr, moved, size);
}

void options_tell_policy(const struct policy *p, int64_t max_new)
{
	if (!p->cfg.n_eos)
		msg_warn("the policy has no token that ends a response: each has all --max-new "
			 "%" PRId64 " tokens (eos_token_id of its config.json names one)",
			 max_new);
}

int options_check(struct run_options *o)
{
	struct reason why;
	int st = options_use_compute(o->compute);

	if (st)
		return st;
	if ((o->lora.alpha > 0 || o->lora_targets) && !o->lora.r)
		return tool_usage("--lora-alpha and --lora-targets need --lora");
	if (o->lora_targets && peft_targets(o->lora_targets, &o->lora.targets, &why))
		return tool_usage("--lora-targets: %s", why.text);
	return 0;
}

void options_tell_loss(const struct policy *p, const char *dir, const struct weights_form *form)
{
	struct weights_loss loss;
	struct reason why = {0};

	if (policy_loss(p, dir, form, &loss, &why))
		msg_warn("--dtype rounds; what that takes from the change is not known: %s",
			 why.text);
	else if (loss.changed && loss.rounded)
		msg_warn("--dtype rounds: %.1f %% of the %llu weights that changed come back with "
			 "their former value, and the norm of the change goes from %.4g to %.4g; "
			 "--dtype trained keeps all of it%s",
			 100 * (double)loss.returned / (double)loss.changed,
			 (unsigned long long)loss.changed, loss.change, loss.kept,
			 form->random ? "" : ", --round stochastic its mean");
}

void options_tell_limit(size_t before, size_t after, int64_t most)
{
	if (after < before)
		msg_info("%zu of %zu problems have prompts of more than --max-prompt %" PRId64
			 " tokens: left out",
			 before - after, before, most);
}
