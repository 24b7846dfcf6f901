#!/usr/bin/env python3
"""trl_peer.py - steps of TRL's GRPO trainer on one thread, and how many times as fast rl-explore makes them.

A step is what rl-explore does with --keep-equal --rounds 1: groups of 16 responses to prompts of the same problems by
the same policy are sampled, rewarded, and trained on in four updates. TRL's reward is whether a response
begins with a digit, which takes no time. Both are measured in turn, A B A B, on the processor that this process is bound to; the
first step of either is not counted.

  taskset -c 0 python3 tests/bench/trl_peer.py --shape tiny --policy P --tasks T
"""
import argparse
import json
import os
import tempfile
import time
import warnings

import turns                                 # sets the number of threads before torch is loaded

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets                              # noqa: E402
import torch                                 # noqa: E402
import transformers                          # noqa: E402
import trl                                   # noqa: E402

SIZE, UPDATES = 16, 4


def digit(completions, **_):
    return [float(text[:1].isdigit()) for text in completions]


class Turns(transformers.TrainerCallback):
    """Times the trainer's steps, of UPDATES updates each, and runs ours after each."""

    def __init__(self, ours):
        self.ours, self.seen = ours, []

    def on_step_begin(self, args, state, control, **_):
        if state.global_step % UPDATES == 0:
            self.begin = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        if state.global_step % UPDATES == 0:
            self.seen.append((self.ours(), time.perf_counter() - self.begin))


def prompts(path, template):
    with open(path) as f:
        rows = [json.loads(line) for line in f]
    return datasets.Dataset.from_list([{"prompt": template.replace("{prompt}", r["prompt"])} for r in rows])


def train(a, callback, scratch):
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=os.path.join(a.policy, "tokenizer.json"))
    model = transformers.AutoModelForCausalLM.from_pretrained(a.policy, dtype=torch.float32)
    tokenizer.eos_token = tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.eos_token_id)
    n = a.groups * SIZE
    args = trl.GRPOConfig(
        output_dir=scratch, use_cpu=True, bf16=False, report_to="none", save_strategy="no", disable_tqdm=True,
        logging_strategy="no", gradient_checkpointing=False, dataloader_pin_memory=False,
        per_device_train_batch_size=n // UPDATES, steps_per_generation=UPDATES, num_generations=SIZE,
        max_completion_length=32, max_steps=UPDATES * (a.rounds + 1), learning_rate=1e-4,
        lr_scheduler_type="constant", epsilon=0.2, epsilon_high=0.28, beta=0.0, temperature=1.0)
    trainer = trl.GRPOTrainer(model=model, reward_funcs=digit, args=args, processing_class=tokenizer,
                              train_dataset=prompts(a.tasks, a.template), callbacks=[callback])
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    turns.rl_arguments(p)
    a = p.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    seeds = iter(range(a.rounds + 1))
    callback = Turns(lambda: turns.rl_step(a, next(seeds), SIZE, UPDATES))
    with tempfile.TemporaryDirectory() as scratch:
        train(a, callback, scratch)
    ours, theirs = zip(*callback.seen[1:])
    turns.rl_rows(a, SIZE, {"ours": ours, f"trl {trl.__version__}, torch {torch.__version__} f32": theirs})


if __name__ == "__main__":
    main()
