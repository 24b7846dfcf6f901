#!/bin/bash
# tokenizer.sh - megabytes of text a second that one thread encodes, in three forms of tokenizers.
set -euo pipefail

for form in qwen2 llama3 smollm2; do
	tokenizer --form $form
done
