# log-stat.bats - worked examples, every option, logs that are cut off or damaged.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	# one run in two iterations, and the same of another seed as one table
	log 1 .2 2 .4 3 .6 >iter-1.log
	log 1 .1 2 .3 >iter-2.log
	table rl 1 1 .2 rl 1 2 .4 rl 2 1 .4 rl 2 2 .8 rft 1 1 .5 >table
}

log() { # STEP REWARD ...
	printf '{"step":%d,"reward":0%s,"entropy":0.5}\n' "$@"
}

table() { # VARIANT SEED STEP REWARD ...
	printf 'variant\tseed\tstep\treward\n'
	printf '%s\t%d\t%d\t0%s\n' "$@"
}

# lines COLUMNS COMMAND ...: those columns of its lines behind the header, "a b,c d"
lines() {
	local columns=$1
	shift
	"$@" | tail -n +2 | cut -f "$columns" | tr '\t' ' ' | paste -s -d ,
}

is() { # WANT COLUMNS OPTION ...
	local want=$1 got
	got=$(lines "$2" log-stat "${@:3}")
	[ "$got" = "$want" ] || {
		echo "$got, not $want: ${*:3}"
		return 1
	}
}

@test "a run's curve: its steps are counted over all iterations" {
	cat >want <<-'END'
		group	column	step	runs	value	low	high
		all	reward	1	1	0.2	0.2	0.2
		all	reward	2	1	0.4	0.4	0.4
		all	reward	3	1	0.6	0.6	0.6
		all	reward	4	1	0.1	0.1	0.1
		all	reward	5	1	0.3	0.3	0.3
	END
	status_is 0 log-stat iter-1.log iter-2.log
	[ -z "$stderr" ]
	cmp out want
	cat iter-1.log iter-2.log | log-stat | cmp - want
	cat iter-1.log iter-2.log | log-stat - | cmp - want
}

@test "--columns: numbers by name, quotients" {
	is "reward 0.2,reward 0.4,reward 0.6,entropy 0.5,entropy 0.5,entropy 0.5" 2,5 -c reward,entropy iter-1.log
	is "reward:entropy 0.4,reward:entropy 0.8,reward:entropy 1.2" 2,5 --columns reward:entropy iter-1.log
	printf '{"step":1,"c":1,"n":0}\n{"step":2,"c":1}\n{"step":3,"c":null,"n":2}\n{"step":4,"c":1,"n":2}\n' >c
	is "4 0.5" 3,5 -c c:n c
	for bad in '' , a,, a: :a a,:b; do
		status_is 2 log-stat -c "$bad" iter-1.log
		says "is no list"
	done
	status_is 0 log-stat -c nothing iter-1.log
	says "no row has a number nothing"
	status_is 0 log-stat -q -c nothing iter-1.log
	[ -z "$stderr" ]
}

@test "--by and --run: means over the runs of each group, least and greatest" {
	is "rl 1 2 0.3 0.2 0.4,rl 2 2 0.6 0.4 0.8,rft 1 1 0.5 0.5 0.5" 1,3-7 --by variant --run seed table
	is "all 1 3 0.366667 0.2 0.5,all 2 2 0.6 0.4 0.8" 1,3-7 --run nothing <(
		sed '1s/$/\tnothing/; 2,3s/$/\ta/; 4,5s/$/\tb/; 6s/$/\t-/' table)
	is "- 1 1 0.2" 1,3-5 --by other <(log 1 .2)
}

@test "--each: a file is a run" {
	is "1 2 0.15,2 2 0.35,3 1 0.6" 3-5 --each iter-1.log iter-2.log
	status_is 2 log-stat --each --run seed table
	says "one of them says what a run is"
}

@test "--smooth: means of up to N steps, of one iteration" {
	is "1 0.2,2 0.3,3 0.5,4 0.1,5 0.2" 3,5 --smooth 2 iter-1.log iter-2.log
	is "1 0.2,2 0.3,3 0.4" 3,5 --smooth 10 iter-1.log
	log 1 .2 2 .4 3 .6 | sed '2s/0.4/null/' >hole
	is "1 0.2,3 0.4" 3,5 --smooth 2 hole
	status_is 2 log-stat --smooth 0 iter-1.log
}

@test "an iteration begins: by its number, in another file, by a step that does not grow" {
	printf 'step\titer\treward\n1\t1\t.2\n2\t1\t.4\n3\t2\t.6\n4\t2\t.8\n' >numbered
	is "1 0.2,2 0.3,3 0.6,4 0.7" 3,5 --smooth 9 numbered
	log 4 .1 5 .3 >next
	is "1 0.2,2 0.3,3 0.4,4 0.1,5 0.2" 3,5 --smooth 9 iter-1.log next
	is "1 1,2 1,3 1,4 2,5 2" 1,3 --table steps iter-1.log iter-2.log
}

@test "the log of rft-tune: updates, of which one may have two rows" {
	printf '{"update":%d,"loss":%d}\n' 1 4 2 2 >tune.log
	printf '{"update":2,"epoch":1,"validation_loss":3}\n{"update":3,"loss":1}\n' >>tune.log
	is "loss 1 4,loss 2 2,loss 3 1,validation_loss 2 3" 2,3,5 -c loss,validation_loss tune.log
	is "1,1,1,1" 4 --table steps -c loss,validation_loss tune.log
}

@test "--table steps: each row, numbers in full" {
	log 1 .3000000000000000444 2 .25 >full
	printf '{"step":3}\n' >>full
	cat >want <<-'END'
		step	reward	entropy	iter
		1	0.30000000000000004	0.5	1
		2	0.25	0.5	1
		3	n/a	n/a	1
	END
	status_is 0 log-stat --table steps -c reward,entropy full
	cmp out want
	status_is 0 log-stat --table steps --by variant --run seed table
	[ "$(sed -n '1p;4p' out | tr '\t' ' ' | paste -s -d ,)" = "variant seed step reward iter,rl 2 1 0.4 1" ]
	status_is 0 log-stat --table steps --each iter-1.log iter-2.log
	[ "$(sed -n '1p;5p' out | tr '\t' ' ' | paste -s -d ,)" = "file step reward iter,iter-2.log 1 0.1 1" ]
}

@test "--table totals: a number a run, --last, --sum" {
	is "rl 2 2 0.45 0.3 0.6,rft 1 1 0.5 0.5 0.5" 1,3-7 --by variant --run seed --table totals table
	is "rl 0.6 0.4 0.8,rft 0.5 0.5 0.5" 1,5-7 --by variant --run seed --table totals --last 1 table
	is "rl 0.9 0.6 1.2,rft 0.5 0.5 0.5" 1,5-7 --by variant --run seed --table totals --sum table
	is "n/a n/a n/a" 5-7 --table totals -c nothing table 2>/dev/null
	status_is 2 log-stat --last 3 table
	says "of --table totals"
	status_is 2 log-stat --sum table
}

@test "--bootstrap and --seed: intervals over runs" {
	for seed in {1..8}; do
		printf '%s\t%d\t1\t0.%d\n' rl "$seed" "$seed"
	done | sed '1i variant\tseed\tstep\treward' >many
	is "8 0.45 0.1 0.8" 4-7 --run seed many
	status_is 0 log-stat --run seed --bootstrap 1000 many
	cp out want
	read -r value low high < <(tail -n 1 out | cut -f 5-7 | tr '\t' ' ')
	[ "$value" = 0.45 ]
	[[ $low =~ ^0\.[23] && $high =~ ^0\.[56] ]]
	log-stat --run seed --bootstrap 1000 -s 0 many | cmp - want
	not cmp -s <(log-stat --run seed --bootstrap 1000 --seed 1 many) want
}

@test "--digits and --scale" {
	printf '{"step":1,"x":0.0125}\n{"step":2,"x":-1e-9}\n' >x
	is "0.013,-0.000" 5 -c x --digits 3 x
	is "0.01250,-0.00000" 2 -c x --table steps --digits 5 x
	is "1.25,-1e-07" 5 -c x --scale 100 x
	is "1,-0" 5 -c x --scale 100 --digits 0 x
	status_is 2 log-stat --digits 18 x
}

@test "--breaks: an empty line where an iteration begins" {
	log-stat --breaks iter-1.log iter-2.log | cut -f 5 | paste -s -d , >got
	[ "$(cat got)" = "value,0.2,0.4,0.6,,0.1,0.3" ]
	status_is 2 log-stat --breaks --json iter-1.log
	status_is 2 log-stat --breaks --table steps iter-1.log
}

@test "--json: the same, an object a line, numbers in full" {
	status_is 0 log-stat --json --smooth 3 --by variant --run seed table
	[ "$(jq -c '[.group, .column, .step, .runs]' out | head -n 2 | paste -s -d ' ')" = \
		'["rl","reward",1,2] ["rl","reward",2,2]' ]
	[ "$(head -n 1 out)" = '{"group":"rl","column":"reward","step":1,"runs":2,"value":0.30000000000000004,"low":0.2,"high":0.4}' ]
	status_is 0 log-stat --json --table steps --by variant <(sed '3s/0.4/n\/a/' table)
	[ "$(sed -n 2p out)" = '{"variant":"rl","step":2,"reward":null,"iter":1}' ]
	status_is 0 log-stat --json --by variant <(printf 'variant\tstep\treward\n\xff\t1\t1\n')
	[ "$(jq -r .group out)" != '' ]
}

@test "the last line of a run that was killed is left out, and told" {
	head -c -20 iter-1.log >cut
	status_is 0 log-stat cut
	says "cut:3: the last line has no end: left out"
	[ "$(wc -l <out)" -eq 3 ]
	head -c -1 iter-1.log >whole
	status_is 0 log-stat whole
	[ "$(wc -l <out)" -eq 4 ]
	[ -z "$stderr" ]
	: >none
	status_is 0 log-stat none
	[ "$(wc -l <out)" -eq 1 ]
}

@test "what is no log is refused, with file and line; nothing is written" {
	{ log 1 .2 && echo '{"step":2,' && log 3 .2; } >bad
	refused bad "bad:2: column"
	echo '{"step":1.5,"reward":1}' >bad
	refused bad "bad:1: step: 1.5 is no whole number"
	echo '{"step":1,"reward":"high"}' >bad
	refused bad "bad:1: reward: high is no number"
	echo '{"reward":1}' >bad
	refused bad "bad:1: neither step nor update"
	echo '{"step":1,"reward":[1]}' >bad
	refused bad "bad:1: reward: neither number nor text"
	printf 'step\treward\n1\n' >bad
	refused bad "bad:2: 1 columns, 2 in the header"
	status_is 4 log-stat iter-1.log absent
	says "absent"
}

refused() { # FILE WHAT
	status_is 3 log-stat iter-1.log "$1"
	says "$2"
	[ -z "$output" ]
}

@test "what rl-explore and rft-tune write" {
	fixture tasks base run
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 2 --groups 2 --group-size 4 --max-new 8 \
		--log log >/dev/null
	is "reward 1,reward 2,grad_norm 1,grad_norm 2" 2,3 -c reward,grad_norm log
	rft-tune -q -p "$FIX/base" -o tuned --epochs 1 --log tune.log "$FIX/run.traj"
	status_is 0 log-stat -c loss tune.log
	[ "$(wc -l <out)" -gt 1 ]
	[ -z "$stderr" ]
}
