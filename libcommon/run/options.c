/* options.c - options that several tools have. See options.h. */
#include "run/options.h"
#include "tensor/bf16.h"

int options_check_compute(const char *word)
{
	if (model_how(word) & MODEL_BF16 && bf16_missing())
		return tool_usage("--compute %s: %s", word, bf16_missing());
	return 0;
}

int options_check(struct run_options *o)
{
	struct reason why;
	int st = options_check_compute(o->compute);

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
			 "--dtype trained keeps all of it",
			 100 * (double)loss.returned / (double)loss.changed,
			 (unsigned long long)loss.changed, loss.change, loss.kept);
}
