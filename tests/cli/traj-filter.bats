# traj-filter.bats - every option, and what happens to streams that are cut off.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
	# r is a number to tell records apart
	"$records" pack >in.traj <<-'END'
		{"r":1,"task":"a","prompt":"p","response":"x","reward":1,"verdict":"ok","finish":"stop","step":1,"tokens":[1,2,3],"meta":{"level":3,"name":"alpha"}}
		{"r":2,"task":"a","prompt":"p","response":"y","reward":0,"verdict":"ok","finish":"length","step":1,"tokens":[1,2,3,4,5],"meta":{"level":5}}
		{"r":3,"task":"b","prompt":"p","response":"x","reward":0.75,"finish":"stop","step":2,"tokens":{"$bin":"0100000002000000"},"extra":[1,{"k":null}]}
		{"r":4,"task":"b","prompt":"p","response":"x","reward":0.25,"step":3}
		{"r":5,"task":"c","prompt":"p","response":"x","verdict":"timeout","finish":"stop","step":4,"meta":{"name":"beta"}}
		{"r":6,"task":{"$bin":"ff00"},"prompt":"p","response":{"$bin":"fe"},"reward":-1.0,"step":4}
		{"kind":"note","r":7,"reward":"none"}
	END
}

# kept OPTION ...: which records of in.traj pass
kept() {
	traj-filter -q "$@" in.traj >kept.traj && "$records" keys r <kept.traj | paste -sd ' '
}

is() { # WANT OPTION ...
	local want=$1 got
	shift
	got=$(kept "$@") || return
	[ "$got" = "$want" ] || {
		echo "kept $got, not $want: $*"
		return 1
	}
}

@test "without options everything passes byte for byte, in head and end" {
	traj-filter -q in.traj >out
	"$records" body <out | cmp - in.traj
	[ "$("$records" kinds <out)" = "head traj traj traj traj traj traj note end" ]
	traj-filter -q <in.traj | "$records" body | cmp - in.traj
	traj-filter -q - <in.traj | "$records" body | cmp - in.traj
}

@test "records kept until the end come out byte for byte, too" {
	traj-filter -q --per-task 100 in.traj | "$records" body | cmp - in.traj
	"$records" keys r <in.traj >want
	traj-filter -q --per-task 100 in.traj in.traj | "$records" keys r | cmp - <(cat want want)
}

@test "--correct, --threshold" {
	is "1 3 7" --correct
	is "1 3 4 7" --correct --threshold 0.25
	is "1 7" --correct --threshold 1
}

@test "--correct wants a verifier that did not fail" {
	echo '{"r":1,"task":"a","prompt":"","response":"","reward":1,"verdict":"exit"}' |
		"$records" pack >in.traj
	is "" --correct
	is "1" --min-reward 1
}

@test "--min-reward, --max-reward: an absent reward fails both" {
	is "1 3 7" --min-reward 0.75
	is "2 4 6 7" --max-reward 0.25
	is "3 4 7" --min-reward 0.25 --max-reward 0.75
	is "1 2 3 4 6 7" --min-reward -1
	is "1 2 3 4 6 7" --max-reward 1
}

@test "--finish, --verdict" {
	is "1 3 5 7" --finish stop
	is "2 7" --finish length
	is "1 2 7" --verdict ok
	is "5 7" --verdict timeout
}

@test "--steps" {
	is "1 2 3 7" --steps 1:2
	is "3 4 7" --steps 2:3
	is "4 5 6 7" --steps 3:
	is "1 2 3 7" --steps :2
	is "3 7" --steps 2
	for bad in "" : 3:2 a:b 1:2:3 -1:2; do
		status_is 2 traj-filter --steps "$bad" in.traj
		says "--steps"
	done
}

@test "--task, --task-file" {
	is "1 2 7" --task a
	is "1 2 5 7" --task a --task c
	is "7" --task none
	printf 'b\nnone\n\xff\0' >ids # the last line without a newline
	is "3 4 6 7" --task-file ids
	is "1 2 3 4 6 7" --task-file ids --task a
	printf 'a\r\nc\r\n' >ids # of another system
	is "1 2 5 7" --task-file ids
	: >ids
	is "7" --task-file ids
	status_is 4 traj-filter --task-file none in.traj
	says none
}

@test "--min-tokens, --max-tokens: arrays and bin" {
	is "1 2 7" --min-tokens 3
	is "1 3 4 5 6 7" --max-tokens 3
	is "1 7" --min-tokens 3 --max-tokens 4
}

@test "--where: numbers" {
	is "3 7" --where 'reward = 0.75'
	is "3 7" --where 'reward==.75'
	is "1 2 4 5 6 7" --where 'reward != 0.75'
	is "2 6 7" --where 'reward < 0.25'
	is "2 4 6 7" --where 'reward <= 0.25'
	is "1 7" --where 'reward > 0.75'
	is "1 3 7" --where 'reward >= 0.75'
	is "1 2 7" --where 'step=1'
	is "2 7" --where 'meta.level > 3'
	is "1 2 3 4 6 7" --where 'reward < 1.7e308'
}

@test "--where: text" {
	is "1 7" --where 'meta.name = alpha'
	is "2 7" --where 'response = y'
	is "1 5 7" --where 'meta.name ~ ^(al|be)'
	is "3 4 7" --where 'reward ~ 5$' # as text
	is "6 7" --where 'response ~ [^a-z]' --where 'reward < 0'
}

@test "--where: a key alone, an absent one, arrays; all must hold" {
	is "1 5 7" --where meta.name
	is "3 7" --where extra
	is "1 2 3 4 5 6 7" --where 'none != 1'
	is "7" --where 'none = 1'
	is "7" --where 'none ~ .'
	is "7" --where 'extra = 1'
	is "1 2 3 4 5 6 7" --where 'extra != 1'
	is "2 7" --where 'step = 1' --where 'reward < 1'
}

@test "--where: a regular expression sees NUL bytes and stops at the text's end" {
	"$records" pack >in.traj <<-'END'
		{"r":1,"task":"t","prompt":"","response":"ab\u0000c"}
		{"r":2,"task":"t","prompt":"","response":"ab"}
	END
	is "1" --where 'response ~ c$'
	is "2" --where 'response ~ b$'
}

@test "--where: a dot in a key, whole numbers beyond 2^53" {
	"$records" pack >in.traj <<-'END'
		{"r":1,"task":"t","prompt":"","response":"","meta.level":1,"n":9007199254740993}
		{"r":2,"task":"t","prompt":"","response":"","meta":{"level":1,"a.b":2},"n":9007199254740992}
	END
	is "1 2" --where 'meta.level = 1'
	is "2" --where 'meta.a.b = 2'
	is "1" --where 'n = 9007199254740993'
	is "1" --where 'n > 9007199254740992'
}

@test "--where: conditions that are none" {
	for bad in '= 3' '' 'a ! b' 'a ~ (' '~ x' 'a >' 'a ~ ' 'a => 1' 'a =< 1' 'a =~ b' 'task < b'; do
		status_is 2 traj-filter --where "$bad" in.traj
		says "--where"
		[ ! -s out ]
	done
}

@test "--where: order is of numbers, also where they are written as text" {
	"$records" pack >in.traj <<-'END'
		{"r":1,"task":"t","prompt":"","response":"","level":"10"}
		{"r":2,"task":"t","prompt":"","response":"","level":"9"}
		{"r":3,"task":"t","prompt":"","response":"","level":9.5}
		{"r":4,"task":"t","prompt":"","response":"","level":"hard"}
	END
	is "1 3" --where 'level > 9'
	is "2 3" --where 'level < 10'
	is "2 3 4" --where 'level != 10'
}

@test "what was asked for and is in no trajectory is told" {
	status_is 0 traj-filter --where 'rewrad > 0.5' --where 'reward > 5' --where 'meta.level' \
		--finish stopp --verdict timeout in.traj
	says "traj-filter: warning: --where 'rewrad > 0.5': no trajectory has the key rewrad"
	says "warning: --finish stopp: no trajectory ended so"
	[ "$(grep -c warning err)" = 2 ]
	status_is 0 traj-filter --verdict time-out --finish length in.traj
	says "warning: --verdict time-out: no trajectory has it"
	[ "$(grep -c warning err)" = 1 ]
	traj-cat --from-json </dev/null >none
	status_is 0 traj-filter -q --where rewrad none
	[ -z "$stderr" ]
}

@test "-v turns the tests of single trajectories around, not the others" {
	is "2 4 5 6 7" -v --correct
	is "2 4 5 6 7" --invert --correct
	is "7" -v
	# rates: a 1/2, b 1/2, c none, the last 0
	is "6 7" -v --correct --max-rate 0.4
	# 3 failed, so 4 is the first of its kind
	is "2 4 5 6 7" -v --correct --where reward --where 'step < 9' --where 'r < 5' --dedup
}

@test "--copies, --dedup: the first ones of the same task, prompt and response" {
	"$records" pack >in.traj <<-'END'
		{"r":1,"task":"a","prompt":"p","response":"x","step":1}
		{"r":2,"task":"a","prompt":"p","response":"x","step":2}
		{"r":3,"task":"b","prompt":"p","response":"x"}
		{"r":4,"task":"a","prompt":"px","response":""}
		{"r":5,"task":"a","prompt":"p","response":"x","step":3}
		{"r":6,"task":"a","prompt":"p","response":"y"}
	END
	is "1 3 4 6" --dedup
	is "1 3 4 6" --copies 1
	is "1 2 3 4 6" --copies 2
	is "1 2 3 4 5 6" --copies 3
	is "1 2 3 4 5 6" --copies 0
	is "2 3 4 6" --dedup --where 'step != 1' # tests come first: a copy that failed is none
	sed 's/"px"/"p"/' < <(traj-cat in.traj) | sed 's/"id":"[^"]*",//' | traj-cat --from-json >one.traj
	traj-filter -q --dedup --per-task 9 one.traj | traj-cat -c r | paste -sd ' ' >got
	[ "$(cat got)" = "1 3 4 6" ]
	status_is 2 traj-filter --dedup --copies 2 in.traj
	says contradict
}

hard() { # solved 0/2, 1/4 (a fifth was not judged), 4/5, 2/2, none judged
	"$records" pack <<-'END'
		{"r":1,"task":"never","prompt":"p","response":"a","reward":0}
		{"r":2,"task":"seldom","prompt":"p","response":"a","reward":1}
		{"r":3,"task":"often","prompt":"p","response":"a","reward":1}
		{"r":4,"task":"often","prompt":"p","response":"a","reward":1}
		{"r":5,"task":"often","prompt":"p","response":"b","reward":1}
		{"r":6,"task":"seldom","prompt":"p","response":"b","reward":0}
		{"r":7,"task":"seldom","prompt":"p","response":"c","verdict":"timeout"}
		{"r":8,"task":"seldom","prompt":"p","response":"d","reward":0}
		{"r":9,"task":"seldom","prompt":"p","response":"e","reward":0}
		{"r":10,"task":"always","prompt":"p","response":"a","reward":1}
		{"r":11,"task":"always","prompt":"p","response":"a","reward":1}
		{"r":12,"task":"unknown","prompt":"p","response":"a","verdict":"exit"}
		{"r":13,"task":"often","prompt":"p","response":"c","reward":1}
		{"r":14,"task":"often","prompt":"p","response":"d","reward":0}
		{"r":15,"task":"never","prompt":"p","response":"b","reward":0}
	END
}

@test "--max-rate, --min-rate: bounds included, over all graded trajectories" {
	hard >in.traj
	is "1 2 6 7 8 9 15" --max-rate 0.25
	is "1 15" --max-rate 0.2499
	is "1 2 3 4 5 6 7 8 9 13 14 15" --max-rate 0.8
	is "1 2 6 7 8 9 15" --max-rate 0.79
	is "10 11" --min-rate 1
	is "2 6 7 8 9" --min-rate 0.01 --max-rate 0.5
	is "$(seq -s ' ' 15)" --min-rate 0 --max-rate 1
	is "2 3 4 5 13" --correct --max-rate 0.8
	is "2 3 5 13" --correct --max-rate 0.8 --dedup
	is "5" --max-rate 0.8 --where 'r = 5' # the rate is not that of the filtered
	is "" --correct --max-rate 0
	# at a higher threshold nothing is correct
	is "1 2 3 4 5 6 7 8 9 10 11 13 14 15" --threshold 2 --max-rate 0
	status_is 2 traj-filter --min-rate 0.5 --max-rate 0.4 in.traj
	status_is 2 traj-filter --max-rate 1.1 in.traj
}

@test "--per-task, -s: never more, the same again, another with another seed" {
	for i in $(seq 40); do
		echo "{\"r\":$i,\"task\":\"a\",\"prompt\":\"\",\"response\":\"$((i % 20))\"}"
	done | "$records" pack >in.traj
	one=$(kept --per-task 5)
	[ "$(wc -w <<<"$one")" -eq 5 ]
	[ "$one" = "$(tr ' ' '\n' <<<"$one" | sort -n | paste -sd ' ')" ]
	[ "$one" = "$(kept --per-task 5 --seed 0)" ]
	[ "$one" != "$(kept --per-task 5 -s 1)" ]
	is "$(seq -s ' ' 40)" --per-task 40
	is "$(seq -s ' ' 20)" --per-task 20 --dedup # copies first, then the cap
	[ "$(kept --per-task 3 --steps 1 | wc -w)" -eq 0 ]
}

@test "chain: options and values as words, operands last, without what changes nothing" {
	traj-filter -q in.traj >framed.traj
	for words in "--min-reward -9 -s 5 framed.traj" "--min-reward=-9 -s5 framed.traj -q" \
		"framed.traj --strict --min-rew -9 --quiet -s 5" "-qs 5 --min-reward -9 -- framed.traj"; do
		read -ra args <<<"$words"
		traj-filter "${args[@]}" 2>/dev/null >out
		traj-cat --all out | head -n 1 | jq -c '.chain[-1].args' >>said
	done
	[ "$(sed -n 1p said)" = '["--min-reward","-9","-s","5","framed.traj"]' ]
	[ "$(sed -n 2p said)" = "$(sed -n 1p said)" ]
	[ "$(sed -n 3p said)" = "$(sed -n 1p said)" ]
	[ "$(sed -n 4p said)" = '["-s","5","--min-reward","-9","framed.traj"]' ]
}

@test "--strict refuses a bare stream" {
	status_is 3 traj-filter --strict in.traj
	traj-filter -q in.traj | traj-filter -q --strict | "$records" body | cmp - in.traj
}

@test "the summary, and -q" {
	status_is 0 traj-filter --correct in.traj
	says "6 trajectories in, 2 out"
	status_is 0 traj-filter --correct --max-rate 0.9 in.traj
	says "6 trajectories in, 2 out; tasks: 4 in, 2 out"
	status_is 0 traj-filter -q --correct --max-rate 0.9 in.traj
	[ -z "$stderr" ]
	status_is 0 traj-filter --quiet in.traj
	[ -z "$stderr" ]
}

@test "an input cut off at any byte: status 3, and no end record" {
	traj-filter -q in.traj >whole
	for options in --where=r --per-task=9; do
		"$records" cuts stream "$(every 7)" whole traj-filter "$options"
	done
}

@test "a bad second file: what came before stays, no end, status 3" {
	traj-filter -q in.traj >whole
	head -c -9 whole >cut
	status_is 3 traj-filter -q whole cut whole
	[ "$("$records" kinds <out | tr ' ' '\n' | grep -c note)" -eq 2 ]
	cp out partial
	status_is 3 traj-filter partial
	status_is 4 traj-filter -q none whole
	says none
}

@test "records that are no trajectories are named" {
	echo '{"task":"a","prompt":"p"}' | "$records" pack >bad
	status_is 3 traj-filter in.traj bad
	says 'bad: record 1 at byte 0: key "response" is missing'
	echo '{"task":"a","prompt":"p","response":"","reward":"1"}' | "$records" pack >bad
	status_is 3 traj-filter bad
	says 'key "reward" is not a finite number'
	printf '\x84\xa4task\xa1a\xa6prompt\xa0\xa8response\xa0\xa4task\xa1b' >bad
	status_is 3 traj-filter bad
	says 'key "task" occurs twice'
	printf '\x84\xa4task\xa1a\xa6prompt\xa0\xa8response\xa0\xa6reward\xcb\x7f\xf8\0\0\0\0\0\0' >bad
	status_is 3 traj-filter bad
	says 'reward'
}

@test "nil is absent" {
	echo '{"r":1,"task":"a","prompt":"p","response":"","reward":null,"step":null,"finish":null,"tokens":null}' |
		"$records" pack >in.traj
	is "1" --where 'reward != 1'
	is "" --min-reward 0
	is "" --where reward
}

@test "segments and provenance are kept" {
	traj-filter -q in.traj >a
	cat a a >two
	traj-filter -q --correct two >out
	[ "$("$records" kinds <out)" = "head traj traj note end head traj traj note end" ]
	traj-filter -q --per-task 9 two >out
	[ "$("$records" kinds <out | tr ' ' '\n' | grep -c head)" -eq 1 ]
	grep -aq -- --per-task out
	[ "$("$records" kinds < <(traj-filter -q --task none --where none a))" = "head note end" ]
}

@test "a record is passed on before more input is there" {
	timeout 20 "$records" latency traj-filter -q --where r --copies 2 <in.traj
}

@test "memory does not grow with the stream" {
	! ldd "$(command -v traj-filter)" | grep -q libasan || skip "a sanitizer keeps what was freed"
	for i in $(seq 1000); do
		echo "{\"task\":\"t$i\",\"prompt\":\"2 + 2 =\",\"response\":\" 4\",\"reward\":1}"
	done | "$records" pack >thousand
	few=$("$records" peak traj-filter -q --correct <in.traj)
	many=$(for i in $(seq 1000); do cat thousand; done |
		"$records" peak traj-filter -q --correct --where 'reward > 0')
	echo "$few KiB, then $many KiB"
	[ "$many" -lt $((few + 1024)) ]
}

@test "input and output may not be the same file" {
	cp in.traj same
	status_is 2 bash -c 'traj-filter same >>same'
	cmp same in.traj
	status_is 2 bash -c 'traj-filter <same >>same'
	cmp same in.traj
}

@test "records are not written to a terminal" {
	need_tool script
	run script -qec "traj-filter in.traj" /dev/null
	[ "$status" -eq 2 ]
	[[ $output == *terminal* ]]
}

@test "what only reads streams loads no linear algebra: it starts in milliseconds" {
	for tool in traj-filter traj-cat traj-stat traj-score pass-at-k eval-compare task-gen; do
		run ldd "$(command -v "$tool")"
		[[ $status -ne 0 || $output != *blas* ]]
	done
}

@test "--split: whole tasks, disjoint parts, all of it; -v is the rest" {
	for i in $(seq 60); do
		echo "{\"kind\":\"traj\",\"task\":\"t$((i % 20))\",\"prompt\":\"p$((i % 20))\",\"response\":\"$i\"}"
	done | traj-cat --from-json >all
	for i in 1 2 3; do
		traj-filter -q --split $i/3 all | traj-cat -c task,response >part$i
		traj-filter -q --split $i/3 -v all | traj-cat -c task,response >rest$i
		cat part$i rest$i | sort | cmp - <(traj-cat -c task,response all | sort)
		[ "$(wc -l <part$i)" = $((3 * $(cut -f 1 part$i | sort -u | wc -l))) ]
		[ -s part$i ]
	done
	cat part1 part2 part3 | sort | cmp - <(traj-cat -c task,response all | sort)
	not cmp -s part1 <(traj-filter -q --split 1/3 -s 1 all | traj-cat -c task,response)
	for bad in 0/3 4/3 3 1/ /2 x/2 1/2x -1/2; do
		status_is 2 traj-filter --split "$bad" all
		says '--split'
	done
}

@test "--sample: so many, in their order, another set with another seed, after all tests" {
	for i in $(seq 50); do
		echo "{\"kind\":\"traj\",\"task\":\"t$((i % 5))\",\"prompt\":\"p$((i % 5))\",\"response\":\"$i\",\"reward\":$((i % 2)),\"n\":$i}"
	done | traj-cat --from-json >all
	traj-filter -q --sample 7 all | traj-cat -c n >a
	[ "$(wc -l <a)" = 7 ]
	sort -n a | cmp - a
	cmp a <(traj-filter -q --sample 7 all | traj-cat -c n)
	not cmp -s a <(traj-filter -q --sample 7 -s 1 all | traj-cat -c n)
	traj-filter -q --sample 7 --correct all | traj-cat -c n | awk '$1 % 2 == 0' | cmp - /dev/null
	cmp <(traj-filter -q --sample 50 all | traj-cat -c n) <(seq 50)
	cmp <(traj-filter -q --sample 99 all | traj-cat -c n) <(seq 50)
	# each has the same chance: 300 draws of 10 of 50 are 60 each, 40 at the least and 82 at most
	for s in $(seq 300); do
		traj-filter -q --sample 10 -s "$s" all
	done | traj-cat -c n | sort | uniq -c | awk '$1 < 36 || $1 > 88 { exit 1 } END { exit NR != 50 }'
}
