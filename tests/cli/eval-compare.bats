# eval-compare: worked values, intervals, pairing, forgetting, lists that are wrong.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf 'set\tvariant\tseed\tstep\tfile\n' >list
}

# evaluation SET VARIANT SEED STEP TASK=REWARDS ...: a stream of JSON lines packed, and its row;
# a reward of - is a failed verifier, one of r is right with another solution
evaluation() {
	local file=$1-$2-$3-$4.traj task r i=0
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$file" >>list
	shift 4
	for task; do
		for r in $(grep -o . <<<"${task#*=}"); do
			i=$((i + 1))
			case $r in
			-) r='"verdict":"timeout"' ;;
			r) r='"reward":1,"entropy":0.5' response=other$i ;;
			*) r='"reward":'$r',"entropy":0.25' ;;
			esac
			printf '{"task":"%s","prompt":"p","response":"%s",%s}\n' "${task%%=*}" \
				"${response:-x}" "$r"
			response=
		done
	done | "$root/tests/cli/records.py" pack >"$file"
}

# field COLUMN SET VARIANT STEP METRIC OPTION ...
field() {
	local column=$1 where="$2 $3 $4 $5"
	shift 5
	eval-compare -q -k 1,2 "$@" list | awk -F '\t' -v c="$column" -v w="$where" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) at = i }
		$1 " " $2 " " $3 " " $6 == w { print $at }'
}

is() { # WANT and what field takes
	local want=$1 got
	shift
	got=$(field "$@")
	[ "$got" = "$want" ] || {
		echo "$got, not $want: $*"
		return 1
	}
}

@test "values of one evaluation, by hand" {
	evaluation test one 1 5 a=0000 b=1r00 c=1110
	status_is 0 eval-compare list
	[ "$(head -n 1 out | tr '\t' ' ')" = \
		"set variant step seeds problems metric value low high diff diff_low diff_high" ]
	is 3 problems test one 5 avg@n
	is 1 seeds test one 5 avg@n
	is 0.416667 value test one 5 avg@n
	is 0.416667 value test one 5 pass@1
	is 0.611111 value test one 5 pass@2 # 0, 1 - 1/6, 1
	is 1 value test one 5 distinct
	is 0.270833 value test one 5 entropy
	is n/a value test one 5 forgetting
	is n/a diff test one 5 avg@n
}

@test "forgetting: solved at any earlier step of the same seed, not now" {
	evaluation test v 1 10 a=0 b=0 c=1 d=0
	evaluation test v 1 0 a=1 b=1 c=0 d=0
	evaluation test v 1 20 a=1 b=0 c=0 d=1
	evaluation test v 2 10 a=1 b=1 c=1 d=1
	evaluation test w 1 0 a=1 b=1 c=1 d=1
	evaluation other v 1 0 a=1 b=1 c=1 d=1
	is n/a value test v 0 forgetting
	is 1 value test v 10 forgetting # a, b of seed 1; nothing before of seed 2
	is 0.666667 value test v 20 forgetting
}

@test "with one seed the intervals are those of pass-at-k; -s and --bootstrap" {
	fixture eval
	printf 'test\tv\t1\t0\t%s\n' "$FIX/eval.traj" >>list
	for opts in "" "-s 7" "--seed 8 --bootstrap 33"; do
		# shellcheck disable=SC2086
		diff <(pass-at-k -q -k 1,4,8 $opts "$FIX/eval.traj" | cut -f 5- | tail -n +2) \
			<(eval-compare -k 1,4,8 $opts list | cut -f 6-9 | grep @)
	done
	is n/a low test v 0 avg@n --bootstrap 0
}

@test "seeds widen the interval; a difference is paired" {
	evaluation test ref 1 5 a=1000 b=1100 c=0000 d=1111
	evaluation test ref 2 5 a=1110 b=1111 c=1111 d=1111
	evaluation test var 1 5 a=1100 b=1110 c=1000 d=1111
	evaluation test var 2 5 a=1111 b=1111 c=1111 d=1111
	is 0.125 diff test var 5 avg@n --reference ref
	awk -v x="$(field low test ref 5 avg@n)" 'BEGIN { exit !(x != "" && x < 0.45) }'
	awk -v x="$(field high test ref 5 avg@n)" 'BEGIN { exit !(x > 0.95) }'
	# never below 0 in a resample, although the intervals of the two overlap widely
	[ "$(field diff_low test var 5 avg@n --reference ref | cut -c 1)" != - ]
	is n/a diff test ref 5 avg@n --reference ref
	is 2 seeds test var 5 avg@n
}

@test "a difference is over the seeds that both have" {
	evaluation test ref 1 5 a=1000
	evaluation test ref 2 5 a=0000
	evaluation test var 2 5 a=1100
	evaluation test var 3 5 a=1111
	is 0.75 value test var 5 avg@n
	is 0.5 diff test var 5 avg@n --reference ref
}

@test "problems and trajectories that are missing; --threshold" {
	evaluation test v 1 5 a=10 b=-- c=1-
	is 2 problems test v 5 avg@n
	is 0.75 value test v 5 avg@n
	is n/a value test v 5 pass@2
	is 0 value test v 5 avg@n --threshold 2
	status_is 0 eval-compare list
	says "test-v-1-5.traj: 3 trajectories without a reward left out, 3 of them with a failed"
	status_is 0 eval-compare -q list
	[ -z "$stderr" ]
}

@test "a difference is over the problems that both have, and the others are told of" {
	evaluation test ref 1 5 a=1000 b=0000 gone=1111
	evaluation test var 1 5 a=1100 b=1000 new=0000 failed=--
	is 0.25 diff test var 5 avg@n --reference ref # not 0.25 - 0.416667
	is 0.416667 value test ref 5 avg@n
	is 0.25 diff_low test var 5 avg@n --reference ref
	status_is 0 eval-compare --reference ref list
	says "set test: only 2 of its 5 problems are in all of its evaluations"
	evaluation test ref 2 5 a=1000 b=0000
	evaluation test var 2 5 a=0000 b=1000
	is 0.125 diff test var 5 avg@n --reference ref
}

@test "evaluations without a problem in common are refused" {
	evaluation test ref 1 5 a=1000
	evaluation test var 1 5 b=1000
	evaluation other var 1 5 b=1000
	status_is 3 eval-compare list
	says "eval-compare: list: set test: its evaluations have no problem in common"
	[ -z "$output" ]
	sed -i '/test.var/d' list
	status_is 0 eval-compare list
	[ -z "$stderr" ]
}

@test "--problems" {
	evaluation test v 1 5 a=1r0 b=00
	status_is 0 eval-compare --problems list
	[ "$(tr '\t' ' ' <out | tail -n +2)" = "$(printf 'test v 1 5 %s\n' "a 3 2 2 0.333333" "b 2 0 0 0.25")" ]
	[ "$(head -n 1 out | tr '\t' ' ')" = "set variant seed step task n correct distinct entropy" ]
}

# by_temperature: a list of two variants and a base, each at two or three temperatures, where v is most
# accurate at 0.5 on validation problems, and at 0.25 on those of the test
by_temperature() {
	sed -i '1s/step/temperature/' list
	evaluation valid v 1 1 a=1000 b=1000
	evaluation valid v 1 0.5 a=1110 b=0000
	evaluation valid v 1 0.25 a=1100 b=0000
	evaluation test v 1 1 a=1000 b=1000     # avg .25, pass@2 .5
	evaluation test v 1 0.5 a=1111 b=0000   # .5, .5
	evaluation test v 1 0.25 a=1111 b=1000  # .625, .75
	evaluation valid ref 1 1 a=1110 b=0000
	evaluation valid ref 1 .5 a=1100 b=1000 # as accurate: the higher temperature is taken
	evaluation test ref 1 1 a=1100 b=0000   # .25, .4166667
	evaluation test ref 1 .5 a=1111 b=0000  # .5, .5
}

# at COLUMN SET VARIANT AT TEMPERATURE METRIC OPTION ...
at() {
	local column=$1 where="$2 $3 $4 $5 $6"
	shift 6
	eval-compare -q -k 1,2 "$@" list | awk -F '\t' -v c="$column" -v w="$where" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) at = i }
		$1 " " $2 " " $3 " " $4 " " $7 == w { print $at }'
}

@test "a list by temperature: values at each, no forgetting" {
	by_temperature
	status_is 0 eval-compare -k 1,2 list
	[ "$(head -n 1 out | tr '\t' ' ')" = "set variant at temperature seeds problems metric value low high diff diff_low diff_high" ]
	[ "$(at value test v temperature 0.5 avg@n)" = 0.5 ]
	[ "$(at value test v temperature 0.25 pass@2)" = 0.75 ]
	[ "$(at diff test v temperature 1 pass@2 --reference ref)" = 0.0833333 ]
	[ "$(at diff test v temperature 0.25 pass@2 --reference ref)" = n/a ]
	[ "$(cut -f 3 out | sort -u | paste -s -d ,)" = at,temperature ]
	not grep -q forgetting out
	status_is 0 eval-compare --json -k 1,2 list
	jq -es 'map(select(.set == "test" and .variant == "v" and .metric == "avg@n").temperature) == [0.25, 0.5, 1]' out
	status_is 0 eval-compare --problems list
	[ "$(head -n 1 out | cut -f 4)" = temperature ]
}

@test "--validation: each variant at the temperature that is best there, never chosen on the test" {
	by_temperature
	[ "$(at value test v "best avg@n" 0.5 avg@n --validation valid)" = 0.5 ]
	[ "$(at value test v "best avg@n" 0.25 avg@n --validation valid)" = "" ]
	[ "$(at diff test v "best avg@n" 0.5 avg@n --validation valid --reference ref)" = 0.25 ]
	[ "$(at diff test v "best avg@n" 0.5 avg@n --validation valid)" = n/a ]
	[ "$(at diff test ref "best avg@n" 1 avg@n --validation valid --reference ref)" = n/a ]
	[ "$(at value test v "best pass@k" 1 pass@2 --validation valid)" = 0.5 ]
	[ "$(at value test ref "best pass@k" 0.5 pass@2 --validation valid)" = 0.5 ]
	[ "$(at value valid v "best avg@n" 0.5 avg@n --validation valid)" = "" ]
	status_is 3 eval-compare --validation nothing list
	says "list: no set nothing in it"
	sed -i '1s/temperature/step/; 2q' list
	status_is 3 eval-compare --validation valid list
	says "--validation is about a list by temperature"
}

@test "--validation: a temperature that some seeds lack is not chosen" {
	by_temperature
	evaluation valid v 2 1 a=0000 b=0000
	evaluation test v 2 1 a=1000 b=0000
	[ "$(at seeds test v "best avg@n" 1 avg@n --validation valid)" = 2 ]
}

@test "curves: who is ahead at equal accuracy, at equal pass@k, and over all that both have" {
	by_temperature
	set -- --reference ref
	# both reach .5: v passes .75 where it is at least so accurate
	[ "$(at value test v "equal avg@n" n/a avg@n "$@")" = 0.5 ]
	[ "$(at value test v "equal avg@n" n/a pass@2 "$@")" = 0.75 ]
	[ "$(at diff test v "equal avg@n" n/a pass@2 "$@")" = 0.25 ]
	# both pass .5: v is at best .625 right, ref .5
	[ "$(at value test v "equal pass@k" n/a pass@2 "$@")" = 0.5 ]
	[ "$(at diff test v "equal pass@k" n/a avg@n "$@")" = 0.125 ]
	# from .25 to .5 v has .75, and ref .5, as the turn of its curve is its best point
	[ "$(at value test v overlap n/a from "$@")" = 0.25 ]
	[ "$(at value test v overlap n/a to "$@")" = 0.5 ]
	[ "$(at value test v overlap n/a area "$@")" = 0.1875 ]
	[ "$(at diff test v overlap n/a area "$@")" = 0.0625 ]
	[ "$(at value test v overlap n/a pass@2 "$@")" = 0.75 ]
	[ "$(at diff test v overlap n/a pass@2 "$@")" = 0.25 ]
	[ "$(at diff test v overlap n/a from "$@")" = n/a ]
	[ -z "$(at value test ref overlap n/a area "$@")" ]
	[ -z "$(eval-compare -q -k 1 "$@" list | grep overlap)" ] # of pass@1 there is no curve
	[ -z "$(eval-compare -q -k 2 list | grep overlap)" ]
}

@test "lists by temperature that are refused" {
	by_temperature
	printf 'test\tv\t1\t0.50\ttest-v-1-0.5.traj\n' >>list
	status_is 3 eval-compare list
	says "list: set test, variant v, seed 1, temperature 0.5: two evaluations of one policy"
	printf 'set\tvariant\tseed\ttemperature\tfile\ntest\tv\t1\thot\tf\n' >list
	status_is 3 eval-compare list
	says "list: line 2: temperature hot is no number from 0"
	printf 'set\tvariant\tseed\ttemperature\tfile\ntest\tv\t1\t1\n' >list
	status_is 3 eval-compare list
	says "not five columns: set, variant, seed, temperature, file"
}

@test "the list from standard input, files named from its folder" {
	mkdir sub
	(cd sub && printf 'set\tvariant\tseed\tstep\tfile\n' >list && evaluation test v 1 5 a=1)
	status_is 0 eval-compare sub/list
	cp "$BATS_TEST_TMPDIR/out" want
	cd sub
	status_is 0 eval-compare <list
	cmp ../want ../out
	status_is 0 eval-compare - <list
	cmp ../want ../out
}

@test "lists and streams that are refused" {
	evaluation test v 1 5 a=1
	status_is 3 eval-compare --reference nobody list
	says "no variant nobody"
	tail -n 1 list >row
	cat row >>list
	status_is 3 eval-compare list
	says "eval-compare: list: set test, variant v, seed 1, step 5: two evaluations of one policy"
	status_is 3 eval-compare row
	says "line 1: the header is not"
	printf 'set\tvariant\tseed\tstep\tfile\ntest\tv\t1\t5\n' >list
	status_is 3 eval-compare list
	says "list: line 2: not five columns"
	printf 'set\tvariant\tseed\tstep\tfile\ntest\tv\t1\tx\tf\n' >list
	status_is 3 eval-compare list
	says "step x is no whole number"
	printf 'set\tvariant\tseed\tstep\tfile\ntest\tv\t1\t5\tabsent.traj\n' >list
	status_is 4 eval-compare list
	says "absent.traj"
	: >list
	status_is 3 eval-compare list
	fixture eval
	head -c 3000 "$FIX/eval.traj" >cut.traj
	printf 'set\tvariant\tseed\tstep\tfile\ntest\tv\t1\t5\tcut.traj\n' >list
	status_is 3 eval-compare list
	says "cut.traj"
	[ -z "$output" ]
	status_is 2 eval-compare -k 0 list
	status_is 2 eval-compare a b
}

@test "--strict refuses a stream without head and end" {
	evaluation test v 1 5 a=1
	status_is 0 eval-compare list
	status_is 3 eval-compare --strict list
}

@test "a list with CR LF" {
	eval-compare -q list >want
	sed 's/$/\r/' list >crlf
	status_is 0 eval-compare -q crlf
	cmp out want
}

@test "--json: the same numbers by name, in full" {
	evaluation test ref 1 5 a=1000 b=0000
	evaluation test var 1 5 a=1100 b=1000 c=1
	evaluation 'té"st' var 1 5 a=1
	status_is 0 eval-compare -q -k 1,2 --json --reference ref list
	jq -es 'map(select(.set == "test" and .variant == "var" and .metric == "avg@n")) |
		length == 1 and (.[0] | .value == 1.75 / 3 and .diff == 0.25 and .step == 5 and .seeds == 1 and .problems == 3)' out
	jq -es 'map(.set) | unique == ["test", "té\"st"]' out
	jq -es 'map(select(.variant == "ref").diff) | unique == [null]' out
	[ "$(jq -r '[.[]] | length' out | sort -u)" = 12 ]
	[ "$(eval-compare -q -k 1,2 --reference ref list | sed 1d | wc -l)" = "$(wc -l <out)" ]
	[ "$(eval-compare -q -k 1,2 list | head -n 1 | tr '\t' '\n' | paste -sd ' ')" = "$(jq -r 'keys_unsorted | join(" ")' out | sort -u)" ]
	status_is 0 eval-compare -q --problems --json list
	jq -es 'map(select(.variant == "var" and .task == "a" and .set == "test"))[0] | .seed == "1" and .n == 4 and .correct == 2 and .entropy == 0.25' out
	[ "$(eval-compare -q --problems list | head -n 1 | tr '\t' ' ')" = "$(jq -r 'keys_unsorted | join(" ")' out | sort -u)" ]
}
