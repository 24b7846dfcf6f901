# policy-score.bats - the numbers are the sampler's, every option, and what cannot be scored.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture base run
	score() { policy-score -q -p "$FIX/base" "$@"; }
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 3 -s 5 >eval.traj
	traj-cat eval.traj | jq -c 'del(.logprobs)' | traj-cat --from-json >bare.traj
}

records() { # FILE [FILTER]: records as JSON, keys sorted
	traj-cat "$1" | jq -S -c "${2:-.}"
}

same_records() {
	cmp <(records "$1") <(records "$2")
}

@test "logprobs that are missing become the sampler's, to the bit" {
	score bare.traj >new.traj
	same_records eval.traj new.traj
	for j in 1 2 3; do
		score -j $j --micro-tokens $((j * 40)) bare.traj >j.traj
		cmp new.traj j.traj
	done
	traj-cat --check new.traj
}

@test "at other temperatures too, each record's own or --temperature" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2 --temperature 0.7 >hot.traj
	traj-cat hot.traj | jq -c 'del(.logprobs)' | traj-cat --from-json >plain.traj
	score plain.traj >new.traj
	same_records hot.traj new.traj
	cat bare.traj plain.traj | score >both.traj
	cmp <(records both.traj .logprobs) <(records eval.traj .logprobs; records hot.traj .logprobs)
	records plain.traj 'del(.temperature)' | traj-cat --from-json | score --temperature 0.7 >new.traj
	cmp <(records hot.traj .logprobs) <(records new.traj .logprobs)
	score --temperature 1 plain.traj >new.traj
	not cmp -s <(records hot.traj .logprobs) <(records new.traj .logprobs)
}

@test "--compute bf16: the sampler's, too" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --compute bf16 >half.traj
	records half.traj 'del(.logprobs)' | traj-cat --from-json | score --compute bf16 >new.traj
	same_records half.traj new.traj
}

@test "logprobs that are there are kept, and other keys pass" {
	records eval.traj '.logprobs |= map(-1) | .mine = {a: 1}' | traj-cat --from-json >odd.traj
	status_is 0 policy-score -p "$FIX/base" odd.traj
	says '36 have logprobs already'
	same_records odd.traj out
}

@test "--as: under another key, in place of what it has" {
	records eval.traj '.ref_logprobs = [1]' | traj-cat --from-json >old.traj
	score --as ref_logprobs old.traj >new.traj
	cmp <(records new.traj .ref_logprobs) <(records new.traj .logprobs)
	cmp <(records new.traj 'del(.ref_logprobs)') <(records eval.traj)
	for key in task tokens id ''; do
		status_is 2 score --as "$key" eval.traj
		says "'$key'"
	done
	status_is 2 score --as x --entropy x eval.traj
	says 'twice'
}

@test "--entropy, --perplexity: the sampler's entropy, and e to the mean" {
	score --entropy h --perplexity ppl eval.traj >new.traj
	records new.traj | jq -es 'all((.h - .entropy | fabs) < 1e-6 and
		(.ppl - (.logprobs | -(add / length) | exp) | fabs) < 1e-4 * .ppl)'
	score --perplexity ppl eval.traj | traj-filter -q --where 'ppl<1.5' >calm
	[ "$(traj-cat -c task calm | wc -l)" -lt "$(traj-cat -c task eval.traj | wc -l)" ]
}

@test "records without tokens are encoded, and get the tokens and their id" {
	records eval.traj 'select(.finish == "stop")' | traj-cat --from-json >stopped.traj
	records stopped.traj 'del(.logprobs, .tokens, .prompt_tokens)' |
		jq -c '.id = null | del(.id)' | traj-cat --from-json >texts.traj
	score texts.traj >new.traj
	cmp <(records new.traj 'del(.id)') <(records stopped.traj 'del(.id)')
	# one that came with an id of its texts gets that of its tokens
	traj-cat stopped.traj | jq -c 'del(.logprobs, .tokens, .prompt_tokens, .id)' | traj-cat --from-json |
		traj-filter -q --min-reward -9 >texts.traj
	score texts.traj | traj-cat --check
}

@test "what was drawn with top-p or top-k gets none, and is counted" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --top-k 2 >cut.traj
	records cut.traj 'del(.logprobs, .kept)' | traj-cat --from-json >bare.traj
	status_is 0 policy-score -p "$FIX/base" bare.traj
	says '12 were drawn with top-p or top-k'
	same_records bare.traj out
	score --as whole bare.traj | traj-cat | jq -es 'all(.whole | length > 0)'
	# nothing was cut
	records bare.traj '.top_k = 1000' | traj-cat --from-json | score | traj-cat | jq -es 'all(has("logprobs"))'
	records eval.traj 'del(.logprobs) | .temperature = 0 | .top_p = 0.5' | traj-cat --from-json | score |
		traj-cat | jq -es 'all(has("logprobs"))'
}

@test "what was drawn with top-p or top-k and says what was kept gets the sampler's" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --temperature 1.5 --top-k 4 --top-p 0.7 >cut.traj
	records cut.traj 'del(.logprobs)' | traj-cat --from-json >bare.traj
	score --entropy h --perplexity ppl bare.traj >new.traj
	cmp <(records cut.traj) <(records new.traj 'del(.h, .ppl)')
	# another name, perplexity and entropy are about the whole distribution
	score --as ref_logprobs bare.traj >whole.traj
	cmp <(records whole.traj 'del(.ref_logprobs)') <(records bare.traj)
	paste <(records new.traj) <(records whole.traj .ref_logprobs) | jq -es '[_nwise(2)] | all(
		([.[0].logprobs, .[1]] | transpose | all(.[0] >= .[1])) and
		(.[0].ppl - (.[1] | -(add / length) | exp) | fabs) < 1e-4 * .[0].ppl and
		(.[0].h - .[0].entropy | fabs) < 1e-6)'
	records cut.traj '.kept[0] += [99999]' | traj-cat --from-json >alien.traj
	status_is 3 score alien.traj
	says 'kept: token 99999 is not in the policy'
}

@test "empty and long responses pass, and are counted" {
	printf '%s\n' '{"kind":"traj","task":"a","prompt":"1","response":"","tokens":[],"prompt_tokens":[3]}' \
		"{\"kind\":\"traj\",\"task\":\"b\",\"prompt\":\"1\",\"response\":\"$(printf '%060d' 1)\"}" \
		'{"kind":"other","x":1}' | traj-cat --from-json >odd.traj
	status_is 0 policy-score -p "$FIX/base" odd.traj
	says '1 have an empty response'
	says '1 are longer than the policy'
	same_records odd.traj out
}

@test "damage, other tokenizers and wrong calls: a status, and no end record" {
	head -c -7 eval.traj >cut
	status_is 3 score cut
	cp out broken
	status_is 3 traj-cat --check broken
	records eval.traj '.tokens |= map(. + 1)' | jq -c 'del(.id)' | traj-cat --from-json >other
	status_is 3 score other
	says 'in the policy'
	status_is 2 policy-score eval.traj
	says '-p is needed'
	status_is 4 score nothing-here
	status_is 3 policy-score -p nothing-here eval.traj
}

@test "--strict: bare records are refused" {
	score --strict eval.traj >/dev/null
	echo '{"task":"a","prompt":"1","response":"2"}' | /usr/bin/python3 "$root/tests/cli/records.py" pack >bare
	score bare >/dev/null
	status_is 3 score --strict bare
	says 'outside of head and end'
}

@test "--stream: one that cannot be had stays as it is, and standard output is not taken for it" {
	echo kept >s.traj
	exec 9>>s.traj
	flock 9
	status_is 4 score --stream s.traj eval.traj
	says "s.traj: another process is writing it"
	[ ! -s out ]
	exec 9>&-
	[ "$(cat s.traj)" = kept ]
	status_is 4 score --stream nowhere/s.traj eval.traj
	[ ! -s out ]
	status_is 0 score --stream s.traj eval.traj
	traj-cat --check s.traj
}
