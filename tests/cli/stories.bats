# A real pre-trained model: one iteration of RLoop on it, for stories that hold a given word.
load helpers

@test "stories260k: one iteration of rloop lifts the reward" {
	need_data stories260k/model.safetensors
	cd "$BATS_TEST_TMPDIR"
	for w in dog cat bird tree ball; do
		printf '{"id":"%s","prompt":"Once upon a time","answer":"%s","verifier":"contains"}\n' $w $w
	done >words.jsonl
	"$root/pipelines/rloop" -q -p "$SHARED_DATA/stories260k" -t words.jsonl -e words.jsonl \
		-d run -i 1 -n 6 -N 64 -k 1 --eval-opts '--max-new 48' \
		--explore-opts '--max-new 48 --groups 4 --group-size 32 --rounds 1 --lr 1e-3 --warmup 1' \
		--filter-opts '--max-rate 1' --tune-opts '--lr 1e-3 --warmup 2 --epochs 3 --batch 32'
	before=$(awk '$5 == "avg@n" { print $6 }' run/iter-0/pass-at-k.tsv)
	after=$(awk '$5 == "avg@n" { print $6 }' run/iter-1/pass-at-k.tsv)
	awk -v b="$before" -v a="$after" 'BEGIN { exit !(a > 2 * b && b > 0) }'
	[ "$(traj-cat --head 1 run/iter-1/eval.traj | jq -r .prompt)" = "Once upon a time" ]
}
