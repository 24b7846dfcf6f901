# traj-relabel.bats - hindsight noted, and wrong responses made right ones to what they do solve.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
}

# given RESPONSE ...: a stream in.traj of responses to 2 3 5 8=40:, judged with hindsight
given() {
	local response
	for response; do
		printf '{"task":"t1","prompt":"2 3 5 8=40:","response":"%s","answer":"40","verifier":"countdown","meta":{"numbers":[2,3,5,8],"target":40}}\n' "$response"
	done | traj-cat --from-json | traj-score -q --hindsight >in.traj
}

# made OPTION ...: task, response and origin of what is relabelled, one a line
made() {
	traj-relabel -q --only "$@" in.traj | traj-cat -c task,response,relabelled
}

@test "traj-score --hindsight: of wrong responses alone, and only then" {
	given '(8-3)*5+2' '8*5*(3-2)' '8*5' '(5-3-2)*8'
	[ "$(traj-cat -c reward,hindsight in.traj)" = "$(printf '0.0\tcountdown:2,3,5,8=27\n1.0\t\n0.0\t\n0.0\t')" ]
	# judged without, it is gone
	traj-score -q in.traj | traj-cat -c hindsight >got
	[ -z "$(tr -d '\n' <got)" ]
}

@test "of each kind: what a wrong response solves" {
	cat >in.jsonl <<-'END'
		{"task":"c","prompt":"2 3 5 8=40:","response":"8*3*2+5","answer":"40","verifier":"countdown","meta":{"numbers":[2,3,5,8]}}
		{"task":"s","prompt":"4 6 11 15 20=26:","response":"11+4+15","answer":"26","verifier":"subset","meta":{"numbers":[4,6,11,15,20]}}
		{"task":"p","prompt":"ab bc bd ca cd de:a>e=","response":"bca","answer":"ae","verifier":"path","meta":{"edges":"ab bc bd ca cd de"}}
		{"task":"a","prompt":"17+5*3=","response":"66","answer":"32","verifier":"arithmetic"}
	END
	traj-cat --from-json in.jsonl | traj-score -q --hindsight >in.traj
	[ "$(traj-relabel -q --only in.traj | traj-cat -c relabelled,task,prompt,answer,verifier,reward,verdict)" = "$(
		printf 'c\tcountdown:2,3,5,8=53\t2 3 5 8=53:\t53\tcountdown\t1.0\tok\n'
		printf 's\tsubset:4,6,11,15,20=30\t4 6 11 15 20=30:\t30\tsubset\t1.0\tok\n'
		printf 'p\tpath:ab,bc,bd,ca,cd,de:ba\tab bc bd ca cd de:b>a=\tba\tpath\t1.0\tok'
	)" ]
	# and its own verifier agrees
	traj-relabel -q --only in.traj | traj-score -q | traj-cat -c reward >got
	[ "$(paste -s -d ' ' got)" = "1.0 1.0 1.0" ]
}

@test "what comes in goes out byte for byte, each relabelled one behind its own; --only without" {
	given '(8-3)*5+2' '8*5*(3-2)' '8*3+5+2'
	echo '{"kind":"note","x":1}' | "$records" pack >note
	"$records" body <in.traj | cat - note >bare.traj
	traj-relabel -q bare.traj >out.traj
	[ "$("$records" keys task <out.traj | paste -s -d ' ')" = \
		"t1 countdown:2,3,5,8=27 t1 t1 countdown:2,3,5,8=31 None" ]
	traj-filter -q -v --where relabelled out.traj | "$records" body | cmp - bare.traj
	traj-relabel -q --only bare.traj >only.traj
	[ "$("$records" kinds <only.traj)" = "head traj traj end" ]
	# what is relabelled is not relabelled again
	traj-relabel -q --only only.traj | traj-cat --check
	[ "$(traj-relabel -q --only only.traj | traj-cat -c task)" = "" ]
}

@test "distinct ones, and the counts at the end" {
	given '(8-3)*5+2' '(8-3)*5+2' '2+(8-3)*5' '5*(8-3)+2' '8*5*(3-2)' '8*5' 'no'
	[ "$(made | cut -f 2 | paste -s -d ' ')" = "(8-3)*5+2 2+(8-3)*5 5*(8-3)+2" ]
	[ "$(made --per-task 2 | wc -l)" -eq 2 ]
	status_is 0 traj-relabel --only --per-task 2 in.traj
	says "traj-relabel: 7 trajectories, 6 of them wrong: 2 relabelled, as right ones to 1 problems"
	says "traj-relabel: 2 solve no other problem"
	says "traj-relabel: 1 are copies"
	says "traj-relabel: 1 are more than --per-task"
}

@test "--not-in: by name, by what it is, by its prompt; again" {
	given '(8-3)*5+2' '8*3+5+2' '(8-2)*5+3' '8*3*2+5'
	echo '{"id":"countdown:2,3,5,8=27","prompt":"a","answer":"1","verifier":"exact"}' >1.jsonl
	echo '{"id":"x","prompt":"b","answer":"31","verifier":"countdown","meta":{"numbers":[8,5,3,2]}}' >>1.jsonl
	echo '{"id":"y","prompt":"2 3  5 8 = 33","answer":"33"}' >2.jsonl
	[ "$(made --not-in 1.jsonl --not-in 2.jsonl | cut -f 1)" = countdown:2,3,5,8=53 ]
	status_is 0 traj-relabel --only --not-in 1.jsonl in.traj
	says "traj-relabel: 2 solve one that is held out"
	status_is 4 traj-relabel --only --not-in none.jsonl in.traj
	says "none.jsonl"
	echo '{' >bad.jsonl
	status_is 3 traj-relabel --only --not-in bad.jsonl in.traj
	says "bad.jsonl:1"
}

@test "-p: the new prompt's tokens are those that the policy's own sampling has" {
	fixture tasks base
	policy-eval -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 8 --hindsight >in.traj
	traj-relabel -q --only -p "$FIX/base" in.traj >out.traj
	[ "$(traj-cat -c task out.traj | wc -l)" -gt 5 ]
	# the same problems, asked for themselves
	traj-cat out.traj | jq -c '{id: .task, prompt, answer, verifier, meta}' | sort -u >asked.jsonl
	policy-eval -q -p "$FIX/base" -t asked.jsonl -n 1 | traj-cat -c task,prompt,prompt_tokens | sort -u >want
	traj-cat -c task,prompt,prompt_tokens out.traj | sort -u | diff want -
	# the response and its tokens are the old ones
	[ "$(traj-cat out.traj | jq -c 'select(.logprobs or .sample or .entropy or .hindsight)')" = "" ]
	traj-cat -c relabelled,response,tokens out.traj | sort >new
	traj-cat -c task,response,tokens in.traj | sort -u >old
	[ "$(sort -u new | comm -23 - old)" = "" ]
	# without -p they are left out, and rft-tune makes the same of both
	traj-relabel -q --only in.traj >bare.traj
	[ "$(traj-cat bare.traj | jq -c 'select(.prompt_tokens)')" = "" ]
	for s in out bare; do
		rft-tune -q -p "$FIX/base" -o "$s" --steps 2 $s.traj
	done
	cmp out/model.safetensors bare/model.safetensors
}

@test "a template around the prompt stays; tokens of another policy are refused" {
	fixture tasks base
	policy-eval -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 4 --hindsight --prompt-template ' {prompt} ' >in.traj
	traj-relabel -q --only -p "$FIX/base" in.traj | traj-cat -c prompt >prompts
	[ -s prompts ]
	[ "$(grep -cvE '^ [0-9 ]+=[0-9]+: $' prompts)" -eq 0 ]
	policy-init -q -o other -s 1 --alphabet ':= ()/*-+9876543210' --max-len 48
	status_is 3 traj-relabel -q -p other in.traj
	says "prompt_tokens are not those of prompt in the policy's tokenizer"
}

@test "hindsight that is not true, or no name, is refused with its record" {
	given '(8-3)*5+2'
	for what in '"countdown:2,3,5,8=28"' '"countdown:5"' '7'; do
		traj-cat in.traj | jq -c ".hindsight = $what" | traj-cat --from-json >bad.traj
		status_is 3 traj-relabel -q bad.traj
		says "bad.traj: record 2 at byte"
		says "hindsight: "
	done
	traj-cat in.traj | jq -c '.hindsight = "countdown:2,3,5,8=28"' | traj-cat --from-json >bad.traj
	traj-relabel -q bad.traj 2>/dev/null | {
		! traj-cat --check 2>/dev/null
	}
}

@test "a prompt of another form is left out, and so is a stream that was judged without hindsight" {
	given '(8-3)*5+2'
	traj-cat in.traj | jq -c '.prompt = "Make 40!" | del(.id)' | traj-cat --from-json >other.traj
	status_is 0 traj-relabel --only other.traj
	says "traj-relabel: 1 have a prompt of another form"
	traj-score -q in.traj >without.traj
	status_is 0 traj-relabel --only without.traj
	says "no wrong one has the key hindsight"
}

@test "--strict refuses records outside of head and end" {
	given '(8-3)*5+2'
	"$records" body <in.traj >bare.traj
	status_is 0 traj-relabel -q bare.traj
	status_is 3 traj-relabel -q --strict bare.traj
	status_is 0 traj-relabel -q --strict in.traj
}

@test "rates, rows of statistics and pass@k are without relabelled trajectories; filters let them by" {
	given '(8-3)*5+2' '8*5*(3-2)' '8*3+5+2' '2*3+5*8'
	traj-relabel -q in.traj >out.traj
	[ "$(traj-filter -q --correct --max-rate 0.5 out.traj | traj-cat -c task | paste -s -d ' ')" = \
		"countdown:2,3,5,8=27 t1 countdown:2,3,5,8=31 countdown:2,3,5,8=46" ]
	[ "$(traj-filter -q --correct --max-rate 0.2 out.traj | traj-cat -c task | wc -l)" -eq 3 ]
	# one problem, whose name is that of what was solved
	traj-cat out.traj | jq -c 'if .task == "t1" then .task = "countdown:2,3,5,8=27" | .prompt = "2 3 5 8=27:" | del(.id) else . end' |
		traj-cat --from-json >same.traj
	[ "$(traj-filter -q --correct --max-rate 0.2 same.traj | traj-cat -c task | wc -l)" -eq 3 ]
	status_is 0 traj-stat out.traj
	says "traj-stat: 3 relabelled trajectories left out"
	cmp out <(traj-stat in.traj 2>/dev/null)
	status_is 0 pass-at-k -k 1 --bootstrap 0 out.traj
	says "3 relabelled trajectories left out"
	[ "$(cut -f 2- out)" = "$(pass-at-k -k 1 --bootstrap 0 in.traj 2>/dev/null | cut -f 2-)" ]
	printf 'set\tvariant\tseed\tstep\tfile\ntest\ta\t1\t0\tout.traj\n' >list
	status_is 0 eval-compare -k 1 list
	says "out.traj: 3 relabelled trajectories left out"
}

@test "rl-explore and policy-eval --hindsight: the same stream but for that key" {
	fixture tasks base
	for h in '' --hindsight; do
		rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 2 --groups 4 --group-size 4 --lr 1e-3 $h >"rl$h.traj"
		policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4 $h >"eval$h.traj"
	done
	for s in rl eval; do
		traj-cat $s.traj >want
		[ "$(jq -c 'select(.hindsight)' want | wc -l)" -eq 0 ]
		traj-cat $s--hindsight.traj >got
		[ "$(jq -c 'select(.hindsight)' got | wc -l)" -gt 3 ]
		[ "$(jq -c 'select(.hindsight and .reward != 0)' got | wc -l)" -eq 0 ]
		jq -cS 'del(.hindsight)' got | cmp - <(jq -cS . want)
		# as traj-score says it afterwards
		traj-score -q --hindsight $s.traj | traj-cat | jq -cS . | cmp - <(jq -cS . got)
	done
	status_is 2 policy-eval -p "$FIX/base" -t "$FIX/test.jsonl" --no-score --hindsight
	says "--hindsight is about what is judged"
}

@test "rl-explore --hindsight: a stop and a call again give the same bytes" {
	fixture tasks base
	explore() { # FOLDER [COMMAND ...]
		"${@:2}" rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 6 --groups 4 --group-size 4 --lr 1e-3 \
			--hindsight --state "$1/st" --checkpoint-every 1 --stream "$1/traj"
	}
	mkdir whole cut
	explore whole
	for t in 0.1 0.2; do
		explore cut timeout -s KILL $t 2>/dev/null || true
	done
	explore cut
	traj-cat whole/traj >want
	traj-cat cut/traj | cmp - want
}

@test "the whole way: evaluate, relabel, filter, tune" {
	fixture tasks base
	policy-eval -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 8 --hindsight |
		traj-relabel -q -p "$FIX/base" --not-in "$FIX/test.jsonl" |
		traj-filter -q --correct --max-rate 0.8 --copies 4 >expert.traj
	[ "$(traj-filter -q --where relabelled expert.traj | traj-cat -c task | wc -l)" -gt 5 ]
	[ "$(traj-filter -q -v --where relabelled expert.traj | traj-cat -c task | wc -l)" -gt 5 ]
	traj-cat -c task expert.traj | sort -u >learned
	[ "$(jq -r .id "$FIX/test.jsonl" | sort | comm -12 - learned)" = "" ]
	rft-tune -q -p "$FIX/base" -o tuned --steps 4 --weight root-task expert.traj
	policy-init --info tuned >/dev/null
}

@test "rloop run --hindsight: what it keeps is what the tools make, and a killed one ends with it" {
	fixture tasks base
	loop() { # FOLDER
		mkdir -p "$1"
		cd "$1" || return
		exec "$root/pipelines/rloop" -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d run -i 2 -n 3 \
			-N 4 -k 1,4 --hindsight --mix-last --explore-opts '--groups 6 --group-size 6 --max-new 12 --lr 1e-3' \
			--tune-opts '--lr 1e-3 --batch 8 --epochs 1 --weight root-task'
	}
	files() {
		(cd "$1/run" && sha256sum iter-*/*.traj iter-*/*.tsv iter-*/*/model.safetensors summary.tsv)
	}
	(loop whole)
	cut -f 3,5,6 whole/run/summary.tsv >got
	[ "$(head -n 1 got)" = "$(printf 'policy\texpert\trelabelled')" ]
	[ "$(sed -n 3p got | cut -f 2)" -gt "$(sed -n 3p got | cut -f 3)" ]
	[ "$(sed -n 3p got | cut -f 3)" -gt 0 ]
	traj-relabel -q --only -p "$FIX/base" --not-in "$FIX/test.jsonl" whole/run/iter-1/explore.traj whole/run/iter-2/explore.traj |
		"$records" body | cmp - <("$records" body <whole/run/iter-2/relabelled.traj)
	[ ! -e whole/run/iter-1/tuned ]
	[ -e whole/run/iter-2/tuned ]
	for t in 0.3 0.6 0.9; do
		(
			(loop cut) >/dev/null 2>&1 &
			pid=$!
			sleep $t
			kill -9 $pid 2>/dev/null
			wait $pid 2>/dev/null
		) || true
		sleep 0.2
	done
	(loop cut)
	files whole >want
	files cut | diff want -
}
