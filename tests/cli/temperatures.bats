# temperatures.bats - final policies at several temperatures: compare, its tables and pictures, status, report
# and plot of a run. The pipelines' own part is in vanilla.bats, what is reckoned in eval-compare.bats.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# temperature_of VARIANT: the one that curves says is best; most_accurate VARIANT: what it should be
temperature_of() {
	awk -F '\t' -v v="$1" '$2 == v && $3 == "best avg@n" { print $4; exit }' runs/curves
}
most_accurate() {
	awk -F '\t' -v v="$1" '$1 == "validation" && $2 == v && $3 == "temperature" && $7 == "avg@n" {
		if ($8 > most || ($8 == most && $4 > t)) { most = $8; t = $4 } } END { print t }' runs/curves
}

@test "--validation: final policies at several temperatures, tables and a picture; go on, and --so-far" {
	need_tool gnuplot
	fixture tasks base
	task-gen -q -n 8 --split valid --min-numbers 2 --max-numbers 3 --max-value 9 --min-target 1 countdown >valid.jsonl
	call=("$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -d runs -i 1 -n 1
		-e "$FIX/test.jsonl" -S 2 -N 4 -k 1,4 --tune-opts "--lr 1e-3 --epochs 1" --eval-opts "--max-new 16"
		--explore-opts "--groups 4 --group-size 4 --max-new 16 --lr 1e-2 --warmup 0")
	with=(--validation valid.jsonl --temperatures 1,.3)
	status_is 0 "${call[@]}" "${with[@]}" --dry-run vanilla rloop
	[ "$(grep -cF -e "--validation $PWD/valid.jsonl --temperatures 1\\,0.3 " out)" -eq 4 ]
	status_is 0 "${call[@]}" "${with[@]}" vanilla rloop:1
	[ runs/vanilla/seed-2/iter-1/eval.traj -ef runs/vanilla/seed-2/iter-1/t1/eval.traj ]
	[ "$(cut -f 1,2 runs/finals | sort | uniq -c | tr -s ' \t' ' ' | paste -s -d ,)" = "$(printf ' %s,' "1 set variant" \
		"4 test base" "2 test rloop" "2 test rloop.rl" "4 test vanilla" "4 validation base" \
		"2 validation rloop" "2 validation rloop.rl" "4 validation vanilla" | sed 's/,$//')" ]
	for v in base vanilla rloop rloop.rl; do
		[ -n "$(temperature_of $v)" ]
		[ "$(temperature_of $v)" = "$(most_accurate $v)" ]
		grep -q "^$v	$(temperature_of $v)	" runs/best-test.tsv
	done
	[ "$(head -n 1 runs/best-test-minus-vanilla.tsv | cut -f 1-3)" = "variant minus vanilla	temperatures	avg@n" ]
	[ "$(cut -f 1 runs/equal-test-minus-vanilla.tsv | paste -s -d ,)" = "variant minus vanilla,base,rloop,rloop.rl" ]
	[ "$(cut -f 1,2 runs/temperatures-validation.tsv | grep -c '^vanilla')" -eq 2 ]
	[ ! -e runs/best-validation.tsv ]
	[ "$(head -c 4 runs/pictures/curve-test.png | tail -c 3)" = PNG ]
	grep -q 'Each at its own best temperature' runs/report.html
	cp runs/curves want
	rm -rf runs/vanilla/seed-2/iter-1/t0.3 runs/base/seed-1/iter-0/t0.3/validation-eval.traj runs/rloop
	status_is 0 "${call[@]}" "${with[@]}" --so-far vanilla rloop:1
	not grep -q '^test	rloop' runs/curves
	[ "$(awk -F '\t' '$1 == "test" && $2 == "vanilla" && $4 == 0.3 { print $5; exit }' runs/curves)" = 1 ]
	status_is 0 "${call[@]}" "${with[@]}" vanilla rloop:1
	cmp want runs/curves
	"$root/pipelines/status" runs/vanilla/seed-1 | grep -q '^at its best	set test, temperature [01]'
	[ "$("$root/pipelines/status" --json runs/vanilla/seed-1 | jq -r .best_temperature.temperature)" = \
		"$(grep '^validation' runs/vanilla/seed-1/temperatures.tsv | sort -t '	' -k 4,4nr -k 3,3nr | head -n 1 | cut -f 3)" ]
	status_is 0 "$root/pipelines/report" -q runs/vanilla/seed-1
	grep -q '<h2>Temperatures</h2>' runs/vanilla/seed-1/report.html
	[ -s runs/vanilla/seed-1/pictures/temperatures.svg ]
	status_is 0 "$root/pipelines/plot" -o p.svg --text runs/vanilla/seed-1
	[[ $output == *"held-out pass@4 over avg@n, temperatures"* ]]
	grep -q 'over avg@n, temperatures' p.svg
}
