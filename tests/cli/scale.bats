# tests/bench/scale.py, the model of what a step costs on several ranks: worked numbers, and its check.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	scale=("$root/tests/bench/scale.py")
	# a quarter of a billion weights are 1 GB, and the network moves 1 GB/s
	work=(--parameters 250e6 --network 8 --latency 0 --tokens 1000 --responses 100 --updates 3 --sample 100
		--train 50 --lanes 4 --optimizer 2 --rest 1)
}

column() { # RANKS NAME
	awk -F'\t' -v n="$1" -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } $1 == n { print $c }' out
}

@test "a step by hand: seconds, bytes, memory" {
	status_is 0 "${scale[@]}" "${work[@]}" --ranks 1,2,4,8
	[ "$(column 1 step_s)" = 33.000 ] # 10 + 20 + 2 + 1
	[ "$(column 1 moved_GB)" = 0.000 ]
	[ "$(column 1 rank_GB)" = 6.000 ] # weights, panels, lane, sum, two moments
	# half of 10 s, and half of one response of twice the mean; half of 20; 2 of 4 lanes are another's
	[ "$(column 2 sample_s) $(column 2 train_s) $(column 2 optimizer_s)" = "5.100 10.000 1.000" ]
	[ "$(column 2 sum_s) $(column 2 gather_s)" = "3.000 3.000" ]
	[ "$(column 2 moved_GB)" = 4.500 ]
	[ "$(column 2 rank_GB)" = 4.500 ]
	# into each rank a quarter of three lanes
	[ "$(column 4 sum_s) $(column 4 gather_s)" = "2.250 3.000" ]
	[ "$(column 8 train_s)" = 5.000 ] # four have no lane
	# two ranks a host share its cable, and half of what one gets is from the other's host
	status_is 0 "${scale[@]}" "${work[@]}" --ranks 2,4 --per-host 2 --memory-speed 1e9
	[ "$(column 2 sum_s) $(column 2 host_GB)" = "0.000 9.000" ]
	[ "$(column 4 sum_s)" = 3.000 ] # 3 updates * 2 ranks * 0.75 GB * 2 / 3
}

@test "from logs: what one rank took, and how far the model is off" {
	row='{"responses":10,"length":10,"longest":20,"updates":1,"sampling_s":%s,"verifying_s":0,"waiting_s":0,"forward_s":2,"backward_s":2,"update_s":0,"rest_s":0,"seconds":%s}\n'
	{ printf "$row" 9 13; printf "$row" 4 8; printf "$row" 4 8; } >one.log
	printf "$row" 4 5 >two.log
	printf "$row" 4 8 >slow.log
	policy-init -q -o p --layers 1 --hidden 16 --heads 2 --ffn 32
	status_is 0 "${scale[@]}" -p p --log one.log --lanes 2 --ranks 1,2 --check two.log
	[ "$(column 1 step_s)" = 8.000 ] # the first step does not count
	says "# 2 ranks: 4.4"
	status_is 1 "${scale[@]}" -p p --log one.log --lanes 2 --ranks 2 --check slow.log
	says "8.000 s measured"
	status_is 2 "${scale[@]}" --log one.log
	says "-p or --parameters"
}
