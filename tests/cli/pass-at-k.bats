# pass-at-k.bats - worked examples, every option, failed verifiers, streams that are cut off.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
	# four problems, four samples each: 0, 1, 2, 4 correct
	samples none 0 0 0 0 >json
	samples one 0 0 1 0 >>json
	samples two 1 0 0 1 >>json
	samples all 1 1 1 1 >>json
	"$records" pack <json >eval.traj
}

# samples TASK REWARD ...: JSON lines; a reward of - is a verifier that ran out of time
samples() {
	local task=$1 r
	shift
	for r; do
		case $r in
		-) echo "{\"task\":\"$task\",\"prompt\":\"p\",\"response\":\"r\",\"verdict\":\"timeout\"${more:-}}" ;;
		*) echo "{\"task\":\"$task\",\"prompt\":\"p\",\"response\":\"r\",\"reward\":$r${more:-}}" ;;
		esac
	done
}

# value METRIC OPTION ...: the value in the table
value() {
	local metric=$1
	shift
	pass-at-k --bootstrap 0 "$@" 2>notes | awk -F '\t' -v m="$metric" '$5 == m { print $6 }' | paste -sd ' '
}

is() { # WANT METRIC OPTION ...
	local want=$1 got
	shift
	got=$(value "$@")
	[ "$got" = "$want" ] || {
		echo "$got, not $want: $*"
		return 1
	}
}

@test "the worked example" {
	# pass@2: 0, 1/2, 1 - 1/6, 1; pass@3: 0, 3/4, 1, 1; pass@4: 0, 1, 1, 1
	cat >want <<-'END'
		input	group	problems	samples	metric	value	low	high
		eval.traj	all	4	16	avg@n	0.4375	n/a	n/a
		eval.traj	all	4	16	pass@1	0.4375	n/a	n/a
		eval.traj	all	4	16	pass@2	0.583333	n/a	n/a
		eval.traj	all	4	16	pass@3	0.6875	n/a	n/a
		eval.traj	all	4	16	pass@4	0.75	n/a	n/a
	END
	status_is 0 pass-at-k --bootstrap 0 -k 1,2,3,4 eval.traj
	[ -z "$stderr" ]
	cmp out want
}

@test "standard input, and the order of trajectories does not matter" {
	shuf --random-source=eval.traj json | "$records" pack >other.traj
	is 0.583333 pass@2 -k 2 <other.traj
	is 0.583333 pass@2 -k 2 - <other.traj
	status_is 0 bash -c 'pass-at-k -q <other.traj'
	[[ $output == *"<stdin>	all"* ]]
}

@test "without -k: powers of two up to the fewest samples" {
	[ "$(pass-at-k -q eval.traj | cut -f 5 | paste -sd ' ')" = "metric avg@n pass@1 pass@2 pass@4" ]
	{ cat json && samples few 0 1 1; } | "$records" pack >eval.traj
	[ "$(pass-at-k -q eval.traj | cut -f 5 | paste -sd ' ')" = "metric avg@n pass@1 pass@2" ]
}

@test "k above n of any problem is n/a, and a note says so" {
	is n/a pass@5 -k 5 eval.traj
	{ cat json && samples few 0 1 1; } | "$records" pack >eval.traj
	status_is 0 pass-at-k -k 3,4 eval.traj
	says "eval.traj: group all: pass@4: n/a: 1 problems have fewer samples, one only 3"
	[[ $stderr != *pass@3* ]]
	is n/a pass@4 -k 3,4 eval.traj
	is 0.75 pass@3 -k 3,4 eval.traj # (0 + 3/4 + 1 + 1 + 1) / 5
	[ "$(pass-at-k -q -k 4 eval.traj | cut -f 7,8 | tail -n 1)" = "n/a	n/a" ]
	status_is 0 pass-at-k -q -k 4 eval.traj
	[ -z "$stderr" ]
}

@test "lists of k that are none" {
	for bad in 0 -1 4,4 1,,2 a 1.5 '' 1, ' 1'; do
		status_is 2 pass-at-k -k "$bad" eval.traj
		says "--k"
	done
}

@test "what a failed verifier left does not count, and a note says so" {
	{ samples a 1 - 0 - && samples b - - && samples c 0 0; } | "$records" pack >eval.traj
	status_is 0 pass-at-k --bootstrap 0 -k 1,2 eval.traj
	says "eval.traj: 4 trajectories without a reward left out, 4 of them with a failed verifier"
	says "eval.traj: 1 problems without any reward left out"
	is 0.25 avg@n eval.traj # a 1/2, c 0
	is 0.5 pass@2 -k 2 eval.traj
	[ "$(pass-at-k -q eval.traj | sed -n 2p | cut -f 3,4)" = "2	4" ]
	samples a - | "$records" pack >eval.traj
	status_is 0 pass-at-k -k 1 eval.traj
	[ "$(sed -n 2,3p out)" = "$(printf 'eval.traj\tall\t0\t0\t%s\tn/a\tn/a\tn/a\n' avg@n pass@1)" ]
}

@test "a reward beside a failed verdict is none" {
	more=',"verdict":"exit"' samples a 1 1 | "$records" pack >eval.traj
	is n/a avg@n -k 1 eval.traj
}

@test "--threshold" {
	{ samples a 0.5 0.4999 1 -1; } | "$records" pack >eval.traj
	is 0.5 avg@n eval.traj
	is 0.25 avg@n --threshold 1 eval.traj
	is 1 avg@n --threshold -1 eval.traj
	is 0 avg@n --threshold 1.5e308 eval.traj
	status_is 2 pass-at-k --threshold 1e309 eval.traj
}

@test "--by: a block for each value, in order of appearance" {
	{
		more=',"step":2' samples a 1 0
		more=',"step":1,"meta":{"level":"x\ty"}' samples a 0 0
		more=',"step":2' samples b 1 1
		samples a 1
	} | "$records" pack >eval.traj
	status_is 0 pass-at-k --bootstrap 0 -k 1 --by step eval.traj
	[ "$(cut -f 2-6 out | grep avg)" = "$(printf '%s\n' \
		"2	2	4	avg@n	0.75" "1	1	2	avg@n	0" "-	1	1	avg@n	1")" ]
	[ "$(pass-at-k -q -k 1 --by meta.level eval.traj | cut -f 2 | uniq | paste -sd ' ')" = 'group - x\ty' ]
	[ "$(pass-at-k -q -k 1 --by task eval.traj | cut -f 2,6 | grep -c 'a	')" -eq 2 ]
}

@test "--by: a key that no trajectory has is told" {
	status_is 0 pass-at-k --bootstrap 0 -k 1 --by taks eval.traj
	says "pass-at-k: warning: eval.traj: --by taks: no trajectory has this key"
	[ "$(cut -f 2 out | tail -1)" = - ]
	status_is 0 pass-at-k --bootstrap 0 -k 1 --by task eval.traj
	[ -z "$stderr" ]
}

@test "several inputs: a block each; a bad one is named and has none" {
	pass-at-k -q eval.traj | sed 1d >one
	pass-at-k -q eval.traj eval.traj | sed 1d | cmp - <(cat one one)
	traj-filter -q eval.traj >whole
	head -c -5 whole >cut
	status_is 3 pass-at-k -q eval.traj cut eval.traj
	says cut
	sed 1d out | cmp - <(cat one one)
	status_is 4 pass-at-k -q none eval.traj
	sed 1d out | cmp - one
}

@test "cut off anywhere: status 3 and no result" {
	traj-filter -q eval.traj >whole
	"$records" cuts nothing "$(every 11)" whole pass-at-k --json
}

@test "--strict" {
	status_is 3 pass-at-k --strict eval.traj
	traj-filter -q eval.traj >whole
	status_is 0 pass-at-k --strict whole
}

@test "--bootstrap, -s: intervals that hold the value, the same again, others with another seed" {
	for i in $(seq 40); do
		samples "t$i" $((i % 2)) $((i % 3 == 0))
	done | "$records" pack >eval.traj
	pass-at-k -q -k 1,2 eval.traj >a
	pass-at-k -q -k 1,2 -s 0 eval.traj | cmp - a
	awk -F '\t' 'NR > 1 && !($7 < $6 && $6 < $8 && $8 - $7 < 0.4) { exit 1 }' a
	pass-at-k -q -k 1,2 --seed 1 eval.traj >b
	status_is 1 cmp -s a b
	cmp <(cut -f 1-6 a) <(cut -f 1-6 b)
	pass-at-k -q -k 1,2 --bootstrap 200 eval.traj >c
	status_is 1 cmp -s a c
	status_is 2 pass-at-k --bootstrap -1 eval.traj
}

@test "the interval is over problems: more samples of the same rates do not narrow it" {
	for i in $(seq 20); do samples "t$i" $((i % 2)); done | "$records" pack >few
	for i in $(seq 20); do
		for j in 1 2 3 4 5 6 7 8; do samples "t$i" $((i % 2)); done
	done | "$records" pack >many
	cmp <(pass-at-k -q -k 1 few | cut -f 5-) <(pass-at-k -q -k 1 many | cut -f 5-)
}

@test "--json: full precision, null, names escaped" {
	{ samples a 1 0 0; more=',"x":"q\"\\\u0001é"' samples b 0 0 0; } | "$records" pack >'in "1"'
	status_is 0 pass-at-k --json --bootstrap 0 -k 1,4 --by x 'in "1"'
	[ "$(jq -r '.group' out | paste -sd ' ')" = "- $(printf 'q"\\\001é')" ]
	[ "$(jq -r '.input' out | head -n 1)" = 'in "1"' ]
	head -n 1 out | jq -e '.problems == 1 and .samples == 3 and .metrics["avg@n"].value == 1/3
		and .metrics["pass@4"] == {value: null, low: null, high: null}'
	printf '\x84\xa4task\xa1a\xa6prompt\xa0\xa8response\xa0\xa1x\xc4\x01\xff' >bad
	status_is 0 pass-at-k --json --by x bad
	[ "$(jq -r .group out)" = '\xff' ]
}

@test "records of other kinds do not count; a stream without trajectories has no block" {
	{ echo '{"kind":"note","task":5}' && cat json; } | "$records" pack >with
	cmp <(pass-at-k -q <with) <(pass-at-k -q <eval.traj)
	traj-filter -q --task nobody eval.traj >empty
	status_is 0 pass-at-k empty
	[ "$(wc -l <out)" -eq 1 ]
}

@test "records that are no trajectories are named" {
	echo '{"task":"a","prompt":"p","response":"r","reward":"yes"}' | "$records" pack >bad
	status_is 3 pass-at-k bad
	says 'bad: record 1 at byte 0: key "reward" is not a finite number'
}

@test "10,000 samples of a problem" {
	{ samples a 1 && seq 9999 | sed 's/.*/{"task":"a","prompt":"p","response":"r","reward":0}/'; } |
		"$records" pack >eval.traj
	[ "$(pass-at-k -q --json -k 1,5000 --bootstrap 0 eval.traj | jq -c '[.metrics[].value]')" = "[0.0001,0.0001,0.5]" ]
}

@test "a long resampling is told before it is done" {
	samples a 0 1 | "$records" pack >a.traj
	status_is 0 pass-at-k -k 1 --bootstrap 1000 a.traj
	[ -z "$stderr" ]
	row='{"task":"t&","prompt":"p","response":"r","reward"'
	seq 2000 | sed "s/.*/$row:0}\n$row:1}/" | "$records" pack >many.traj
	pass-at-k -k 1 --bootstrap 80000 many.traj >/dev/null 2>err 3>&- &
	for _ in {1..600}; do
		[ ! -s err ] || break
		sleep 0.1
	done
	kill $!
	grep -F "pass-at-k: many.traj: resampling 2000 problems 80000 times, which takes a while" err
}

# answers TASK REWARD:EXTRACTED ...: as samples, with what was extracted; nothing behind the colon: no such key
answers() {
	local task=$1 r key
	shift
	for r; do
		key=${r#*:}
		echo "{\"task\":\"$task\",\"prompt\":\"p\",\"response\":\"r\",\"reward\":${r%%:*}${key:+,\"extracted\":\"$key\"}${more:-}}"
	done
}

@test "--measure: worked numbers of one problem" {
	answers a 1:4 1:4.0 1:4 0:5 0:5 0:6 0:6 0:7 | "$records" pack >eval.traj
	status_is 0 pass-at-k --bootstrap 0 -k 1,2,3,4,8 --measure maj,pass,pass-hat eval.traj
	[ -z "$stderr" ]
	[ "$(cut -f 5,6 out | grep maj | paste -sd ' ')" = \
		'maj@1	0.375 maj@2	0.375 maj@3	0.428571 maj@4	0.5 maj@8	1' ]
	[ "$(cut -f 5,6 out | grep '[\^]' | paste -sd ' ')" = \
		'pass^1	0.375 pass^2	0.107143 pass^3	0.0178571 pass^4	0 pass^8	0' ]
	is 0.928571 pass@4 -k 4 --measure pass eval.traj
	is 0.0357143 mg-pass@4 -k 4 --measure mg-pass eval.traj
	answers a 1:4 1:4.0 1:4 0:5 0:5 0:6 0:6 0: | "$records" pack >eval.traj
	is 0.514286 maj@4 -k 4 --measure maj eval.traj
}

@test "--measure: words that are none" {
	for bad in '' maj,maj cons pass, pass-at; do
		status_is 2 pass-at-k --measure "$bad" eval.traj
		says "--measure: '$bad' is not a list of different words of pass|maj|"
	done
}

@test "--tau" {
	samples a 1 1 1 0 0 0 0 0 | "$records" pack >eval.traj
	status_is 0 pass-at-k --bootstrap 0 -k 4 --measure g-pass --tau 0.25,0.5,0.75,1 eval.traj
	[ "$(cut -f 5,6 out | tail -n 4 | paste -sd ' ')" = \
		'g-pass@4_0.25	0.928571 g-pass@4_0.5	0.5 g-pass@4_0.75	0.0714286 g-pass@4_1	0' ]
	is 0.5 g-pass@4_0.5 -k 4 --measure g-pass eval.traj
	for bad in 1.5 -1 '' 0.5,0.5 a; do
		status_is 2 pass-at-k --tau "$bad" eval.traj
		says --tau
	done
}

@test "--measure best,worst are of rewards, whatever the threshold" {
	samples a 0.5 0 1 0.2 0 0.9 0.5 0.7 | "$records" pack >eval.traj
	status_is 0 pass-at-k --bootstrap 0 -k 2,4 --threshold 2 --measure best,worst eval.traj
	[ "$(cut -f 5,6 out | tail -n 4 | paste -sd ' ')" = \
		'best@2	0.707143 best@4	0.892857 worst@2	0.242857 worst@4	0.0642857' ]
}

@test "--measure: problems with fewer samples are left out and counted" {
	{ cat json && samples few 0 1 1; } | "$records" pack >eval.traj
	status_is 0 pass-at-k -k 4,5 --measure pass eval.traj
	says "eval.traj: group all: pass@4: 1 problems have fewer samples and are left out"
	says "eval.traj: group all: pass@5: n/a: 5 problems have fewer samples, one only 3"
	[ "$(grep pass@4 out | cut -f 3,6)" = "5	0.75" ]
	[ "$(grep pass@5 out | cut -f 6-8)" = "n/a	n/a	n/a" ]
	# the interval is that of the others alone
	pass-at-k -q -k 4 <(pass-at-k -q --json --measure pass -k 4 eval.traj >with && "$records" pack <json) |
		awk '$5 == "pass@4" { print $7, $8 }' >want
	jq -r '.metrics["pass@4"] | "\(.low) \(.high)"' with | cmp - want
	[ "$(jq -c '[.metrics[].problems]' with)" = "[5,4]" ]
}

@test "--measure maj without answers is n/a, and a warning says so" {
	status_is 0 pass-at-k --bootstrap 0 -k 2 --measure maj,pass eval.traj
	says "warning: eval.traj: no trajectory says which answer was extracted from it: maj is n/a"
	[ "$(cut -f 5,6 out | tail -n 2 | paste -sd ' ')" = 'pass@2	0.583333 maj@2	n/a' ]
	echo '{"task":"a","prompt":"p","response":"r","reward":0,"extracted":5}' | "$records" pack >bad
	status_is 3 pass-at-k --measure maj bad
	says 'bad: record 1 at byte 0: key "extracted" is not text'
	status_is 0 pass-at-k bad
}

@test "the order of trajectories does not matter to any measure" {
	for t in a b c; do
		answers "$t" 1:4 0.25:5 0.75:4.0 0:5 0:6 0:6 0.3:7 0: 0:"$t" 1:
	done >json
	"$records" pack <json >eval.traj
	shuf --random-source=eval.traj json | "$records" pack >other.traj
	for what in '' --per-problem; do
		all=(-k 2,5,10 --measure pass,maj,g-pass,mg-pass,pass-hat,best,worst --json $what)
		cmp <(pass-at-k "${all[@]}" <eval.traj | sort) <(pass-at-k "${all[@]}" <other.traj | sort)
	done
}

@test "--per-problem" {
	{
		more=',"tokens":[1,2,3],"finish":"stop"' answers $'a\\tb' 1:4 1:4.0
		more=',"tokens":[1,2],"finish":"length"' answers $'a\\tb' 0:5 0:
		answers b 0.25:5 0:6
		more=',"verdict":"timeout"' answers c 0:
	} | "$records" pack >eval.traj
	status_is 0 pass-at-k --per-problem -k 1,4 --measure pass,maj eval.traj
	says "1 problems without any reward left out"
	cat >want <<-'END'
		input	group	problem	n	c	mean	pass@1	pass@4	maj@1	maj@4	maj	answers	tokens	cut	unparsed
		eval.traj	all	a\tb	4	2	0.5	0.5	1	0.5	1	1	3	2.5	0.5	0.25
		eval.traj	all	b	2	0	0.125	0	n/a	0	n/a	0	2	n/a	n/a	0
	END
	cmp out want
	status_is 0 pass-at-k -q --per-problem --json eval.traj
	[ "$(jq -c 'select(.problem == "b")' out)" = \
		'{"input":"eval.traj","group":"all","problem":"b","n":2,"c":0,"mean":0.125,"pass@1":0,"maj":0,"answers":2,"tokens":null,"cut":null,"unparsed":0}' ]
	[ "$(pass-at-k -q --per-problem --by task eval.traj | sed 1d | cut -f 2,3 | paste -sd ' ')" = 'a\tb	a\tb b	b' ]
}
