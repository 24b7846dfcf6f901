# example-smollm2.bats - the example from end to end, with a tiny policy in the place of a published one.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	need_tool jq
	fixture base
	export STEPS=2 TRAIN=8 HELD_OUT=4 SAMPLES=2 GROUPS_A_STEP=2 GROUP_SIZE=2 MAX_NEW=6 \
		EXPLORE_OPTS='--rounds 1 --keep-equal' FILTER_OPTS='--threshold 0 --copies 1'
}

@test "run.sh: a GGUF becomes a policy, is measured, trained, and is a GGUF again; again, nothing is done twice" {
	policy-convert -q "$FIX/base" -o base.gguf
	status_is 0 "$root/examples/smollm2/run.sh" base.gguf runs
	cmp runs/policy/model.safetensors "$FIX/base/model.safetensors"
	[[ $output == iter*pass@2*tuned-q8_0.gguf* ]]
	policy-convert --info runs/tuned-q8_0.gguf >info
	grep -q '^blk.0.attn_q.weight	Q8_0 ' info
	[ "$(traj-cat -c verifier runs/greedy.traj | sort -u)" = number ]
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/*.gguf >before
	status_is 0 "$root/examples/smollm2/run.sh" base.gguf runs
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/*.gguf | diff before -
}

@test "run.sh: a folder is a policy as it is; TYPE; no arguments" {
	TYPE=f16 status_is 0 "$root/examples/smollm2/run.sh" "$FIX/base" runs
	[ ! -e runs/policy ]
	[ -e runs/tuned-f16.gguf ]
	status_is 2 "$root/examples/smollm2/run.sh"
	says "run.sh MODEL.gguf|FOLDER"
}

@test "compare.sh: problems of three kinds that have nothing in common, plain RL and RLoop, tables; again, it goes on" {
	export SEEDS=1 ITERATIONS=2 STEPS=1 TRAIN=8 HELD_OUT=4 SAMPLES=2 TEMPERATURES=1,.5 \
		EXPLORE_OPTS='--groups 2 --group-size 2 --keep-equal' VARIANTS='vanilla ./rloop'
	policy-init -q -o chatty -s 1 --layers 1 --hidden 16 --heads 2 --ffn 32 --max-len 256 \
		--alphabet '0123456789 ,:?SWacefghilmorst'
	printf '%s' '{% for m in messages %}{{ m["content"] }}:{% endfor %}' >chatty/chat_template.jinja
	sed 's/^filter_opts=.*/filter_opts=--threshold 0 --max-rate 1/' "$root/examples/smollm2/rloop" >rloop
	mkdir runs && cp rloop runs/
	status_is 0 "$root/examples/smollm2/compare.sh" chatty runs
	[[ $output == *report:*/runs/report.html ]]
	[ "$(cat runs/*.jsonl | wc -l)" = 22 ]
	[ "$(cat runs/*.jsonl | jq -r .id | sort | uniq -d)" = "" ]
	[ "$(jq -r '.id | split(" ") | select(.[0] == "sort" and length == 4)[1:] | sort | join(" ")' \
		runs/{train,degrees,valid,test}.jsonl | sort | uniq -d)" = "" ]
	jq -es 'all(.answer as $a | .id | split(" ")[1:] | map(tonumber) | ($a | tonumber) == max)' runs/greatest.jsonl
	jq -es 'all(.answer as $a | .id | split(" ")[1:] | map(tonumber) | sort == ($a | split(", ") | map(tonumber)))' \
		runs/four.jsonl runs/test.jsonl
	[ "$(jq -s '[.[].messages | length] | unique[]' runs/four.jsonl runs/test.jsonl)" = 5 ]
	grep -q '^rloop	' runs/runs/best-test.tsv
	status_is 0 "$root/examples/smollm2/compare.sh" chatty runs
	status_is 2 "$root/examples/smollm2/compare.sh"
	says "compare.sh MODEL.gguf|FOLDER"
}
