# traj-score.bats - every option; what is kept, what is replaced, and what happens on failures.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
	cat >in.jsonl <<-'END'
		{"x":1,"task":"a","prompt":"p","response":"7","answer":"7","verifier":"exact"}
		{"x":2,"task":"a","prompt":"p","response":"8","reward":1,"answer":"7","extracted":"old","verifier":"exact"}
		{"x":3,"task":"b","prompt":"p","response":"1+2","meta":{"numbers":[1,2]},"answer":"3","verifier":"countdown"}
		{"kind":"note","x":4,"reward":"none"}
		{"x":5,"task":"c","prompt":"p","response":"I say 0.5","answer":"1/2","verifier":"number","verdict":"timeout","step":3}
	END
	"$records" pack <in.jsonl >in.traj
}

# cols FILE ...: reward, verdict, extracted of each, one a line
cols() {
	traj-cat -c x,reward,verdict,extracted "$@" | sed 's/\t/ /g; s/ *$//'
}

# many N: a stream of N records with their number as the response
many() {
	seq "$1" | jq -c '{task: "t\(.)", prompt: "", response: "\(.)", answer: "1"}' |
		"$records" pack
}

@test "each record's own verifier; the outcome replaces an older one" {
	traj-score -q in.traj >out.traj
	cat >want <<-'END'
		1 1.0 ok 7
		2 0.0 ok 8
		3 1.0 ok 1+2
		4 none
		5 1.0 ok 0.5
	END
	cols out.traj | diff - want
	traj-score -q <in.traj | cols | diff - want
	traj-score -q - <in.traj | cols | diff - want
}

@test "everything else is kept byte for byte, in its order" {
	strip='if .kind == "note" then . else del(.reward, .verdict, .extracted) end'
	traj-score -q in.traj | "$records" body >body.traj
	traj-cat body.traj | jq -c "$strip" >got
	traj-cat in.traj | jq -c "$strip" | diff - got
	# judged again, nothing changes
	traj-score -q body.traj | "$records" body | cmp - body.traj
	# floats, bin, unusual integers and non-UTF-8 keys of the user stay as they were written
	printf '\x88\xa4task\xa1a\xa6prompt\xa0\xa8response\xa1x\xa6answer\xa1x\xa1k\xcd\x00\x05\xa1f\xcb\x40\x00\x00\x00\x00\x00\x00\x00\xa1b\xc4\x02\xff\x00\xa2xy\xc0' >odd.traj
	traj-score -q --verifier exact odd.traj | "$records" body >odd.out
	printf '\x8b' >want
	tail -c +2 odd.traj >>want
	printf '\xa6reward\xca\x3f\x80\x00\x00\xa7verdict\xa2ok\xa9extracted\xa1x' >>want
	cmp odd.out want
}

@test "several rewards of a command become rewards; those of before go" {
	two='cmd:jq -c --unbuffered "{reward: 1, rewards: {form: 0.5, brevity: (.response | length)}}"'
	traj-score -q --verifier "$two" in.traj >out.traj
	traj-cat out.traj | jq -es 'map(select(.x != 4)) | all(.rewards == {form: 0.5, brevity: (.response | length)})'
	traj-score -q out.traj | traj-cat | jq -es 'all(has("rewards") | not)'
	status_is 3 traj-score -q --verifier 'cmd:jq -c --unbuffered "{reward: 1, rewards: [1]}"' in.traj
	says 'garbage'
}

@test "--verifier is for all records" {
	traj-score -q --verifier exact in.traj | cols >got
	cat >want <<-'END'
		1 1.0 ok 7
		2 0.0 ok 8
		3 0.0 ok 1+2
		4 none
		5 0.0 ok I say 0.5
	END
	diff got want
	status_is 2 traj-score --verifier nosuch in.traj
	says "--verifier: no such verifier: nosuch (exact, "
}

@test "a command: what it is told and what it says" {
	cat >judge.sh <<-'END'
		jq -c --unbuffered '{reward: (if .response == .answer then 0.75 else -2 end),
			extracted: ([.task, .prompt, .response, .answer, (.meta | tojson)] | join(","))}'
	END
	traj-score -q --verifier 'cmd:sh judge.sh' in.traj | cols >got
	cat >want <<-'END'
		1 0.75 ok a,p,7,7,null
		2 -2.0 ok a,p,8,7,null
		3 -2.0 ok b,p,1+2,3,{"numbers":[1,2]}
		4 none
		5 -2.0 ok c,p,I say 0.5,1/2,null
	END
	diff got want
}

@test "-t joins what a record lacks" {
	cat >tasks.jsonl <<-'END'
		{"id":"a","prompt":"p","answer":"9","verifier":"exact"}
		{"id":"b","prompt":"p","answer":"3","verifier":"countdown","meta":{"numbers":[1,2]}}
	END
	"$records" pack >bare.traj <<-'END'
		{"x":1,"task":"b","prompt":"p","response":"2+1"}
		{"x":2,"task":"a","prompt":"p","response":"9"}
		{"x":3,"task":"a","prompt":"p","response":"9","answer":"8"}
		{"x":4,"task":"a","prompt":"p","response":"9","answer":"8","verifier":"number"}
	END
	cat >want <<-'END'
		1 1.0 ok 2+1
		2 1.0 ok 9
		3 0.0 ok 9
		4 0.0 ok 9
	END
	traj-score -q -t tasks.jsonl bare.traj | cols | diff - want
	traj-score -q --tasks tasks.jsonl bare.traj | traj-cat | jq -c 'has("answer")' | paste -sd ' ' >got
	[ "$(cat got)" = "false false true true" ] # used, not added
	status_is 3 traj-score bare.traj
	says "task b: no verifier is named"
	echo '{"task":"z","prompt":"","response":""}' | "$records" pack >z.traj
	status_is 3 traj-score -t tasks.jsonl --verifier exact z.traj
	says 'tasks.jsonl: no row has the id "z" of a record'
	status_is 4 traj-score -t nosuch.jsonl z.traj
}

@test "--trust: a record's own command runs only then" {
	jq -nc '{task:"a", prompt:"", response:"", verifier:"cmd:touch ran; echo \"{\\\"reward\\\": 1}\""}' |
		"$records" pack >cmd.traj
	status_is 3 traj-score cmd.traj
	says "task a: its verifier is a command"
	[ ! -e ran ]
	traj-score -q --trust cmd.traj | cols | grep -q '1.0 ok'
	[ -e ran ]
}

@test "failures have a verdict and no reward; --max-failures" {
	many 20 >m.traj
	judge='while read -r l; do case $l in
		*\"response\":\ \"7\"*) exit 3 ;;
		*\"response\":\ \"8\"*) kill -9 $$ ;;
		*\"response\":\ \"9\"*) echo junk ;;
		*) echo "{\"reward\": 1}" ;;
	esac; done'
	status_is 3 traj-score --verifier "cmd:$judge" m.traj
	says "3 of 20 verdicts are failures"
	status_is 0 traj-score --max-failures 0.15 --verifier "cmd:$judge" m.traj
	says "20 judged, 17 right, 3 failures"
	traj-cat -c verdict out | sort | uniq -c | tr -s ' ' | paste -sd , >got
	[ "$(cat got)" = " 1 exit, 1 garbage, 17 ok, 1 signal" ]
	[ "$(traj-cat out | jq -c 'select(has("reward")) | .verdict' | sort -u)" = '"ok"' ]
}

@test "too many failures stop a long run early, without an end record" {
	many 1000 >m.traj
	status_is 3 traj-score --verifier 'cmd:exit 1' m.traj
	says "11 of 11 verdicts are failures (11 exit)"
	cp out cut.traj
	status_is 3 traj-cat cut.traj
}

@test "what a verifier did instead of judging is told" {
	many 5 >m.traj
	status_is 3 traj-score --verifier "cmd:printf 'reward\\t1\\n'; printf %0200d 1; cat" m.traj
	says 'verdicts are failures (5 garbage), more than --max-failures 0.1; no answer is: reward\t1'
	status_is 3 traj-score --verifier "cmd:printf %0200d 1; sleep 9" --max-output 100 m.traj
	says "(5 too-long)"
	[ "$(grep -o '0*$' err)" = "$(printf %080d 0)" ]
	status_is 3 traj-score --deadline 0.1 --verifier 'cmd:cat >/dev/null' m.traj
	says '(5 timeout), more than --max-failures 0.1; does the command write out (flush) each answer'
}

@test "--deadline, --max-output" {
	many 2 >m.traj
	status_is 0 traj-score -q --max-failures 1 --deadline 0.2 --verifier 'cmd:sleep 100' m.traj
	[ "$(traj-cat -c verdict out | sort -u)" = timeout ]
	status_is 0 traj-score -q --max-failures 1 --max-output 100 \
		--verifier 'cmd:head -c 1000 /dev/zero | tr "\\0" x; sleep 100' m.traj
	[ "$(traj-cat -c verdict out | sort -u)" = too-long ]
	status_is 2 traj-score --deadline 0 m.traj
}

@test "--workers changes nothing in the records" {
	many 300 >m.traj
	judge='jq -c --unbuffered "{reward: (.response | tonumber), extracted: .task}"'
	traj-score -q --verifier "cmd:$judge" m.traj | "$records" body >one
	traj-score -q --workers 7 --verifier "cmd:$judge" m.traj | "$records" body | cmp - one
}

@test "a command that cannot be run: status 4" {
	status_is 4 traj-score --verifier 'cmd:/no/such/program' in.traj
	says "cannot be run"
}

@test "--explain: what decided, in why; without it a why of one's own stays" {
	cat >math.jsonl <<-'END'
		{"task":"a","prompt":"p","response":"\\boxed{0.5}","answer":"\\frac12","verifier":"math"}
		{"task":"b","prompt":"p","why":"mine","response":"#### 4","answer":"5","verifier":"gsm8k"}
		{"task":"c","prompt":"p","why":"mine","response":"5","answer":"5","verifier":"exact"}
	END
	traj-cat --from-json math.jsonl | traj-score -q --explain | traj-cat -c task,reward,extracted,why >out
	printf 'a\t1.0\t0.5\tthe same value, exactly\nb\t0.0\t4\tanother number\nc\t1.0\t5\t\n' | diff - out
	traj-cat --from-json math.jsonl | traj-score -q | traj-cat -c task,why >out
	printf 'a\t\nb\tmine\nc\tmine\n' | diff - out
}

@test "--tasks: rows of MATH and GSM8K imply their verifiers" {
	cat >tasks.jsonl <<-'END'
		{"unique_id":"m","problem":"?","answer":"\\frac{1}{2}"}
		{"id":"g","question":"?","answer":"It is so.\n#### 1,000"}
	END
	cat >made.jsonl <<-'END'
		{"task":"m","prompt":"?","response":"The answer is 1/2."}
		{"task":"g","prompt":"?","response":"#### 1000"}
	END
	traj-cat --from-json made.jsonl | traj-score -q -t tasks.jsonl | traj-cat -c task,reward >out
	printf 'm\t1.0\ng\t1.0\n' | diff - out
}

@test "--strict; damaged and cut-off input" {
	status_is 3 traj-score --strict in.traj
	says "outside of head and end"
	traj-score -q in.traj >whole.traj
	status_is 0 traj-score --strict whole.traj
	head -c -5 whole.traj >cut.traj
	status_is 3 traj-score cut.traj
	says "cut.traj"
	cp out out.traj
	status_is 3 traj-cat out.traj
}

@test "several files, their provenance, and its own entry" {
	traj-score -q in.traj >a.traj
	cat a.traj a.traj >b.traj
	traj-score -q a.traj b.traj >c.traj
	[ "$("$records" kinds <c.traj | tr ' ' '\n' | grep -c head)" = 3 ]
	traj-cat --all c.traj | jq -c 'select(.kind == "head") | [.chain[].tool]' | sort -u >chain
	[ "$(cat chain)" = '["traj-score","traj-score"]' ]
}

@test "a record is passed on while the input pauses" {
	mkfifo pipe
	{
		cat in.traj
		for _ in $(seq 400); do [ -e seen ] && break || sleep 0.05; done
		touch over
	} >pipe &
	writer=$!
	# reads the head and the five records, then says so; only then does the writer end
	traj-score -q pipe | {
		[ "$(traj-cat -n 5 -c x | paste -sd ' ')" = "1 2 3 4 5" ]
		[ ! -e over ]
		touch seen
	}
	wait $writer
	[ -e seen ]
}

@test "no command outlives the tool, even when it is killed" {
	many 5 >m.traj
	mkfifo started
	traj-score -q --verifier 'cmd:echo $$ >started; sleep 1000 & read -r l; sleep 1000' m.traj >out &
	tool=$!
	read -r pid <started
	kill -KILL $tool
	for _ in $(seq 100); do
		[ -z "$(ps -o pid= -o stat= -g "$pid" | grep -v Z)" ] && break
		sleep 0.05
	done
	left=$(ps -eo pgid=,stat= | awk -v g="$pid" '$1 == g && $2 !~ /^Z/')
	[ -z "$left" ] || kill -KILL -- "-$pid"
	[ -z "$left" ]
}

@test "a command that has only just begun does not outlive the tool either" {
	strace -o /dev/null true || skip "strace may not trace here"
	many 5 >m.traj
	mkfifo started
	# whatever the tool wants to write after it started the command comes too late
	strace -o trace -e inject=write:delay_enter=5000000:when=1 traj-score -q \
		--verifier 'cmd:echo $$ >started; sleep 1000 & read -r l; sleep 1000' m.traj >out &
	strace=$!
	read -r pid <started
	kill -KILL "$(ps -o ppid= -p "$pid" | tr -d ' ')" $strace
	for _ in $(seq 100); do
		[ -z "$(ps -o pid= -o stat= -g "$pid" | grep -v Z)" ] && break
		sleep 0.05
	done
	left=$(ps -eo pgid=,stat= | awk -v g="$pid" '$1 == g && $2 !~ /^Z/')
	[ -z "$left" ] || kill -KILL -- "-$pid"
	[ -z "$left" ]
}

@test "input that is the output is refused" {
	cp in.traj both.traj
	rc=0
	traj-score both.traj >>both.traj 2>err || rc=$?
	[ $rc = 2 ]
	grep -q "same file" err
	cmp in.traj both.traj
}

@test "the number verifier agrees with 1000 graded completions" {
	need_data math/gsm8k_verdicts_1000.jsonl
	jq -c '{task: "r\(input_line_number)", prompt: "", response: .prediction, answer: .gold,
		verifier: "number", expected: .expected}' "$data" | traj-cat --from-json |
		traj-score -q | traj-cat | jq -c '.reward == .expected' | sort | uniq -c >counts
	[ "$(tr -s ' ' <counts)" = " 1000 true" ]
}
