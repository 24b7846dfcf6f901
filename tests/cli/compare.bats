# pipelines/compare, report and average, on stages that are scripts and, once, on the real ones.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir base
	echo base >base/model.safetensors
	touch train.jsonl test.jsonl ood.jsonl
}

compare() {
	"$root/pipelines/compare" -p base -t train.jsonl -e test=test.jsonl -e ood=ood.jsonl -d runs "$@"
}

@test "--dry-run: one command line a variant and seed, with the same steps and problems" {
	status_is 0 compare --dry-run -i 2 -n 3 -S 2 --explore-opts "--lr 3e-4" vanilla rloop no-rl
	[ "$(wc -l <out)" -eq 6 ]
	[ "$(grep -c -e "-e test=$PWD/test.jsonl -e ood=$PWD/ood.jsonl" out)" -eq 6 ]
	[ "$(grep -c -e '-i 2 -n 3' out)" -eq 6 ]
	grep -e "/vanilla -p .*-d runs/vanilla/seed-2 .* -s 2000 .*--keep-traj" out
	grep -F -e '--explore-opts --lr\ 3e-4\ --lr\ 0 ' out
	grep -e '/rloop .*--eval-rl' out
	[ ! -e runs ]
}

@test "variants of one's own: other iterations for the same steps; what is refused" {
	printf '# a comment\ntitle="three of two"\npipeline=rloop\niterations=3\nsteps=2\n' >mine
	status_is 0 compare --dry-run -i 2 -n 3 -S 5, vanilla ./mine
	grep -e 'runs/mine/seed-5 -i 3 -n 2 -s 5000' out
	printf 'pipeline=rloop\nmix=.3\nexperts=all\ntune_from=first\niterations=3\n' >own
	status_is 0 compare --dry-run -i 2 -n 3 -S 1 ./own
	grep -e '-i 3 -n 2 .*--experts all --tune-from first --mix .3 ' out
	status_is 2 compare --dry-run -i 2 -n 4 vanilla ./mine
	says "mine: 3 x 2 RL steps, but 2 x 4 are compared"
	printf 'pipeline=rloop\nlr=3\n' >bad
	status_is 3 compare --dry-run ./bad
	says "bad: line 2: not one of"
	status_is 3 compare --dry-run nothing
	says "nothing: no such variant"
	status_is 2 compare --dry-run average
	says "average: of: vanilla is no variant of this call"
	status_is 2 compare --dry-run -r rloop vanilla
	status_is 3 compare --dry-run -t absent vanilla
	status_is 2 compare -e third.jsonl vanilla
	says "a further held-out set needs a name"
}

@test "VARIANT-lrRATE: at another rate, named so; a file of that name comes first" {
	status_is 0 compare --dry-run -i 2 -n 3 -S 2 --explore-opts "--lr 3e-4" vanilla-lr3e-5:1 hindsight-lr1e-4
	[ "$(wc -l <out)" -eq 3 ]
	grep -F -e "-d runs/vanilla-lr3e-5/seed-1 " out >line
	grep -F -e '--explore-opts --lr\ 3e-4\ --lr\ 3e-5 ' line
	grep -F -e '--lr\ 3e-4\ --advantage\ maxrl\ --lr\ 1e-4 ' out
	printf 'pipeline=vanilla\n' >mine
	status_is 0 compare --dry-run -i 2 -n 3 -S 1 ./mine-lr.002
	grep -F -e '--lr\ .002 ' out
	printf 'pipeline=vanilla\nexplore_opts=--lr 7\n' >mine-lr.002
	status_is 0 compare --dry-run -i 2 -n 3 -S 1 ./mine-lr.002
	grep -F -e '--lr\ 7 ' out
	status_is 2 compare --dry-run vanilla average-lr3e-5
	says "average-lr3e-5: an average is not trained: it has no rate"
	status_is 3 compare --dry-run nothing-lr3e-5
	says "nothing: no such variant"
	status_is 3 compare --dry-run vanilla-lrfast
	says "vanilla-lrfast: no such variant"
}

@test "every variant that is installed; hindsight and its controls" {
	mapfile -t all < <(cd "$root/pipelines/variants" && ls && sed -n 's/^of=//p' average-*)
	status_is 0 compare --dry-run -i 6 -n 2 -S 1 "${all[@]}"
	[ "$(wc -l <out)" -eq ${#all[@]} ]
	grep -E -e '/hindsight/seed-1 -i 3 -n 4 .*maxrl.* root-task.*--experts all --mix 0.5 --mix-last --hindsight ' out
	grep -e '/no-hindsight/seed-1 .* --mix-last ' out >line
	not grep -e '--hindsight' line
	grep -e '/maxrl-hindsight/seed-1 -i 1 -n 12 .*where.*relabelled.*--tune-from rl .*--hindsight ' out
	grep -e '/vanilla -p .*/pass-at-k/seed-1 .*--advantage.*pass-at-k' out
	printf 'pipeline=rloop\nhindsight=1\nrelabel_opts=--per-task 3\n' >mine
	status_is 0 compare --dry-run -i 2 -n 3 -S 1 ./mine
	grep -F -e '--hindsight --relabel-opts --per-task\ 3 ' out
}

@test "tables say which variant has hindsight" {
	fixture tasks base
	printf 'title=with\npipeline=rloop\nhindsight=1\nmix=0\neval_rl=1\n' >with
	printf 'title=without\npipeline=rloop\nmix=0\n' >without
	status_is 0 "$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d runs \
		-i 1 -n 1 -S 1 -N 2 -k 1,2 --explore-opts '--groups 4 --group-size 4 --max-new 12' \
		--tune-opts '--steps 1' ./without ./with
	[ "$(sort runs/titles | paste -s -d ';')" = "with	with (hindsight);with.rl	with (hindsight), where RL ended;without	without" ]
	grep -q 'with (hindsight)' runs/report.html
	[ -s runs/with/seed-1/iter-1/relabelled.traj ]
}

@test "options of all variants: those of several stages once, the pipelines' own refused" {
	touch train.jsonl test.jsonl
	mkdir p
	call=("$root/pipelines/compare" -p p -t train.jsonl -e test.jsonl -d runs --dry-run -S 1)
	status_is 0 "${call[@]}" --trust --verifier "cmd:a b" --lora 4 vanilla rloop
	[ "$(grep -cF -e "--explore-opts --trust\\ --verifier\\ \\'cmd:a\\ b\\'\\ --lora\\ \\'4\\'" out)" -eq 2 ]
	[ "$(grep -cF -e "--tune-opts --lora\\ \\'4\\'" out)" -eq 1 ]
	[ "$(grep -cF -e "--eval-opts --trust\\ --verifier\\ \\'cmd:a\\ b\\'" out)" -eq 2 ]
	status_is 2 "${call[@]}" --explore-opts "-n 5" vanilla
	says "compare: --explore-opts: -n"
	printf 'pipeline=rloop\ntune_opts=--seed 5\n' >mine
	status_is 2 "${call[@]}" ./mine
	says "compare: mine: --tune-opts: --seed"
}

@test "VARIANT:N is trained with the first N seeds" {
	status_is 0 compare --dry-run -i 2 -n 3 -S 4,2,9 vanilla no-rl:2 average:1
	grep -o 'runs/[a-z-]*/seed-[0-9]' out | sort -u | paste -s -d ' ' >got
	[ "$(cat got)" = "runs/average/seed-4 runs/no-rl/seed-2 runs/no-rl/seed-4 runs/vanilla/seed-2 \
runs/vanilla/seed-4 runs/vanilla/seed-9" ]
	status_is 0 compare --dry-run -S 2 vanilla average:3 no-rl:3
	[ "$(wc -l <out)" -eq 6 ]
	status_is 2 compare --dry-run -S 2 vanilla:1 average
	says "average: of: vanilla has fewer seeds"
	status_is 2 compare --dry-run -S 2 vanilla vanilla:1
	says "vanilla: named twice"
}

@test "{seed} in the name of the tasks" {
	touch train-1.jsonl train-2.jsonl
	status_is 0 compare --dry-run -S 2 -t 'train-{seed}.jsonl' vanilla
	grep -e "-t $PWD/train-2.jsonl .*seed-2" out
	status_is 3 compare --dry-run -S 3 -t 'train-{seed}.jsonl' vanilla
	says "train-3.jsonl: no such file"
}

@test "rloop and vanilla evaluate each held-out set; both ends evaluated" {
	fake="'$root/tests/cli/fake-stage'"
	export FAKE_LOG=$PWD/log
	export EXPLORE="$fake explore" FILTER="$fake filter" TUNE="$fake tune" EVAL="$fake eval"
	export PASSK="$fake passk" CAT="$fake cat"
	common=(-q -p base -t train.jsonl -e test.jsonl -e ood=ood.jsonl -i 2 -n 7)
	status_is 0 "$root/pipelines/rloop" "${common[@]}" -d r --tune-from rl --eval-rl
	[ "$(cat r/iter-2/policy/model.safetensors)" = "where RL ended tuned on 2 lines" ]
	for f in eval.traj ood-eval.traj rl-eval.traj rl-ood-eval.traj ood-pass-at-k.tsv; do
		[ -e r/iter-2/$f ]
	done
	cmp r/iter-2/ood-eval.traj r/iter-2/eval.traj
	grep -e "^eval .*-t $PWD/ood.jsonl" log
	status_is 0 "$root/pipelines/vanilla" "${common[@]}" -d v
	[ -e v/iter-2/ood-eval.traj ]
	status_is 2 "$root/pipelines/rloop" "${common[@]}" -d x -e ood=test.jsonl
	says "a name of its own"
	status_is 2 "$root/pipelines/rloop" "${common[@]}" -d r --tune-from rl -e more=test.jsonl
	says "begun with other options"
}

@test "average: the mix of each of another run's policies, evaluated, resumable" {
	fake="'$root/tests/cli/fake-stage'"
	export FAKE_LOG=$PWD/log EVAL="$fake eval" PASSK="$fake passk" CAT="$fake cat"
	mkdir -p of/iter-{1,2}
	for i in 1 2; do
		policy-init -q --layers 1 --hidden 8 --heads 1 --ffn 8 -s $i -o of/iter-$i/policy
	done
	policy-init -q --layers 1 --hidden 8 --heads 1 --ffn 8 -s 9 -o start
	average=("$root/pipelines/average" -q -p start -t train.jsonl -e test.jsonl -i 2 -n 7 -d a)
	status_is 2 "${average[@]}"
	says "--of is needed"
	status_is 0 "${average[@]}" --of of --weight 0.25
	policy-mix -q -w 0.25 start of/iter-2/policy -o want
	diff -r want a/iter-2/policy
	[ "$(cut -f 3 a/summary.tsv | paste -s -d ' ')" = "policy base mix mix" ]
	status_is 0 "${average[@]}" --of of --weight 0.25
	status_is 2 "${average[@]}" --of of --weight 0.5
	status_is 3 "${average[@]}" --of nowhere
}

# collected: what examples/paper/collect.sh keeps of the comparison in try
collected() {
	mkdir -p paper "a place"
	cp "$root/examples/paper/collect.sh" paper
	printf '%s\n' before '<!-- results begin: by collect.sh -->' old '<!-- results end -->' after >paper/README.md
	status_is 0 paper/collect.sh try
	[ "$(sed -n '1p;$p' paper/README.md | paste -s -d ' ')" = "before after" ]
	not grep -qx old paper/README.md
	grep -q '^| rloop | 1 | [0-9.]* \[' paper/README.md
	grep -q '^| variant minus vanilla | avg@n |' paper/README.md
	grep -q '^| vanilla | \(1\|0.5\) | 1 | [0-9.]* \[' paper/README.md
	grep -q '^| variant minus vanilla | temperatures | avg@n |' paper/README.md
	zcat paper/results/table.tsv.gz | cmp - try/runs/table
	zcat paper/results/curves.tsv.gz | cmp - try/runs/curves
	cmp paper/results/final-ood-five.tsv try/runs/final-ood-five.tsv
	grep -q '^## final-test-minus-vanilla$' paper/results/RESULTS.md
	not grep -qF "$PWD" -r paper/results
	cp paper/README.md want
	status_is 0 paper/collect.sh try "a place/kept"
	diff -r paper/results "a place/kept"
	status_is 3 paper/collect.sh try results-other
	says "README.md: no marks of results-other"
	cmp want paper/README.md
	status_is 3 paper/collect.sh paper
	says "not the folder of a comparison"
	status_is 2 paper/collect.sh
}

@test "a comparison from nothing, small: every table and picture, and the same again" {
	need_tool gnuplot
	export SEEDS=1 ITERATIONS=2 STEPS=2 TASKS=24 HELD_OUT=8 DEMOS=3000 SAMPLES=4 KS=1,2,4
	export GROUPS_A_STEP=6 GROUP_SIZE=8 SHAPE='--layers 2 --hidden 32 --ffn 64' MAX_NEW=16
	export TASK_OPTS='--min-numbers 2 --max-numbers 3 --max-value 9 --min-target 1'
	export PRETRAIN='--steps 300 --batch 64 --lr 5e-3'
	export VARIANTS='vanilla rloop average' MORE='-q -J 2' TEMPERATURES=1,.5
	status_is 0 "$root/examples/paper/run.sh" try
	cd try/runs
	for f in reward avg pass k-test curve-test curve-ood-five k-ood-five entropy gradient similarity map; do
		[ "$(head -c 4 "pictures/$f.png" | tail -c 3)" = PNG ]
		grep -q '<svg' "pictures/$f.svg"
	done
	grep -q 'RLoop, where RL ended' report.html
	[ "$(grep -c '<svg' report.html)" -ge 9 ]
	not grep -qE '(src|href)="?http' report.html
	[ "$(cut -f 2 table | sort -u | grep -vc variant)" -eq 5 ]
	[ "$(tail -n +2 table | cut -f 3 | sort -nu | paste -s -d ' ')" = "0 2 4" ]
	[ "$(cut -f 1 table | sort -u | paste -s -d ' ')" = "ood-five ood-large set test" ]
	[ "$(awk '$1 == "rloop" { print $3 }' train | paste -s -d ' ')" = "1 2 3 4" ]
	[ "$(awk '$1 == "rloop" { print $9 }' train | paste -s -d ' ')" = "1 1 2 2" ]
	[ "$(awk '$1 == "vanilla" { print $9 }' train | paste -s -d ' ')" = "1 1 1 1" ]
	cp table ../want
	rm -rf rloop/seed-1/iter-2
	cd ../..
	status_is 0 "$root/examples/paper/run.sh" try
	cmp try/want try/runs/table
	status_is 0 "$root/pipelines/report" -q --text try/runs -o page.html
	[[ $output == *"held-out avg@n"*RLoop* ]]
	status_is 2 "$root/pipelines/report" --draw vanilla,nothing try/runs
	says "--draw: nothing is not in try/runs/table"
	status_is 0 "$root/pipelines/report" -q --draw average try/runs -o page.html
	sed -n '/<svg/,/<\/svg>/p' page.html >drawn
	grep -q 'averaged with base' drawn
	not grep -q RLoop drawn
	[ -s page.html ]
	collected
	mkdir empty
	status_is 3 "$root/pipelines/report" empty
	says "empty: no table: neither a run nor a comparison"
}

@test "differences to two references" {
	need_tool gnuplot
	fixture tasks base
	status_is 0 "$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -d runs -i 1 -n 1 \
		-e "$FIX/test.jsonl" -S 1 -N 4 -k 1,4 -r vanilla,average \
		--explore-opts "--groups 4 --group-size 4 --max-new 16 --lr 1e-2 --warmup 0" \
		--eval-opts "--max-new 16" vanilla average
	value() { awk -F '\t' -v v="$2" -v m="$3" -v c="$4" '$2 == v && $6 == m && $3 == 1 { print $c }' "$1"; }
	[ "$(value runs/table average entropy 10)" != 0 ]
	[ "$(value runs/table average entropy 7)" = "$(value runs/table-average average entropy 7)" ]
	[ "$(value runs/table-average average entropy 10)" = n/a ]
	[ "$(value runs/table-average vanilla entropy 10)" = "$(value runs/table average entropy 10 |
		awk '{ print -$1 }')" ]
	head -n 1 runs/final-test-minus-average.tsv | grep "^variant minus average.avg@n"
	[ "$(cut -f 1 runs/final-test-minus-average.tsv | paste -s -d ,)" = "variant minus average,vanilla" ]
	grep -q '<th>variant minus average</th>' runs/report.html
	mv runs/table-average kept
	status_is 3 "$root/pipelines/report" runs
	says "runs: no table-average"
	status_is 2 "$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -d runs -r vanilla,nothing \
		-e "$FIX/test.jsonl" vanilla
	says "nothing is not compared"
}

@test "a language with a decimal comma: the same tables; a variant from a file with CRLF" {
	need_tool gnuplot
	fixture tasks base
	printf 'pipeline=vanilla\r\nexplore_opts=--lr 1e-2\r\n' >fast
	call=("$root/pipelines/compare" -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d runs -i 1
		-n 1 -S 1 -N 4 -k 1,4 --explore-opts "--groups 4 --group-size 4" ./fast)
	status_is 0 "${call[@]}"
	cp "$BATS_TEST_TMPDIR/out" said
	cp runs/training.tsv want
	grep -q '0\.[0-9]*[1-9]' want
	comma_locale
	status_is 0 "${call[@]}"
	cmp said "$BATS_TEST_TMPDIR/out"
	cmp want runs/training.tsv
}

@test "GNU parallel runs the jobs: the same tables, and a failed run is named" {
	need_tool gnuplot
	need_tool parallel
	fixture tasks base
	call=("$root/pipelines/compare" -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -i 1
		-n 1 -S 2 -J 2 -N 4 -k 1,4 --explore-opts "--groups 4 --group-size 4 --max-new 16"
		--eval-opts "--max-new 16" vanilla average:1)
	status_is 0 "${call[@]}" -q -d plain
	[ "$(awk -F '\t' '$2 == "average" && $6 == "avg@n" { print $4 }' plain/table | paste -s -d ' ')" = "1 1" ]
	[ ! -e plain/average/seed-2 ]
	mkdir bin
	printf '#!/bin/sh\necho used >>"%s"\nexec %s "$@"\n' "$PWD/used" "$(command -v parallel)" >bin/parallel
	chmod +x bin/parallel
	PATH=$PWD/bin:$PATH status_is 0 "${call[@]}" -q -d runs --parallel
	[ "$(wc -l <used)" -eq 2 ]
	cmp plain/table runs/table
	rm -rf runs/vanilla/seed-2
	cat >fails <<-'END'
		#!/bin/bash
		[[ "$*" != *seed-2* ]] || { echo "no luck" >&2; exit 3; }
		exec rl-explore "$@"
	END
	chmod +x fails
	EXPLORE=$PWD/fails status_is 4 "${call[@]}" -d others --parallel
	says "vanilla/seed-2: rloop vanilla: explore: fails: exit status 3"
	[ -e others/vanilla/seed-1/summary.tsv ]
}

@test "the page in a real browser: nothing is wider than a phone, both colour schemes" {
	need_tool gnuplot
	need_tool chromium
	fixture tasks base
	status_is 0 "$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -d runs -i 1 -n 1 \
		-e "$FIX/test.jsonl" -S 1 -N 4 -k 1,4 --eval-opts "--max-new 16" \
		--explore-opts "--groups 4 --group-size 4 --max-new 16" vanilla
	# a script at its end leaves what the browser measured in the page that it dumps
	{
		cat runs/report.html
		echo '<script>document.title = [document.documentElement.scrollWidth <= innerWidth,'
		echo 'document.querySelectorAll("figure svg").length,'
		echo '[...document.querySelectorAll("svg")].every(s => s.getBoundingClientRect().height > 100),'
		echo 'getComputedStyle(document.body).backgroundColor].join(" ")</script>'
	} >page.html
	browse() {
		chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
			--disable-background-networking --disable-component-update --disable-sync \
			--user-data-dir="$PWD/profile" --window-size=500,900 --dump-dom "$@" \
			"file://$PWD/page.html" 2>/dev/null | grep -o '<title>[^<]*'
	}
	[[ $(browse) == "<title>true "*" true rgb(255, 255, 255)" ]]
	[[ $(browse --blink-settings=preferredColorScheme=0) == "<title>true "*" true rgb(25, 25, 25)" ]]
}

@test "one run that fails does not stop the others; the same call goes on" {
	need_tool gnuplot
	fixture tasks base
	cp -r "$FIX/base" p
	cat >fails <<-'END'
		#!/bin/bash
		[ -e allowed ] || { [[ "$*" == *runs/rloop* ]] && { echo "no luck" >&2; exit 3; }; }
		exec rl-explore "$@"
	END
	chmod +x fails
	call=("$root/pipelines/compare" -p p -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d runs -i 1
		-n 2 -S 1 -N 4 -k 1,4 --explore-opts "--groups 4 --group-size 4 --max-new 16"
		--eval-opts "--max-new 16" vanilla rloop)
	EXPLORE=$PWD/fails status_is 4 "${call[@]}"
	says "rloop/seed-1: rloop run: iter-1 explore: fails: exit status 3"
	says "when what they say is mended, the same call goes on"
	[ -e runs/vanilla/seed-1/summary.tsv ]
	[ -e runs/report.html ]
	touch allowed
	EXPLORE=$PWD/fails status_is 0 "${call[@]}"
	[ -e runs/rloop/seed-1/summary.tsv ]
	# a variant that comes later shares the base's evaluations: they must be of the same problems
	cp "$FIX/train.jsonl" other.jsonl
	status_is 2 "${call[@]}" no-rl -e more=other.jsonl
	says "runs/base/seed-1 was begun with other options"
	[ ! -e runs/no-rl/seed-1 ]
}

@test "after kill -9 the same call ends with the same tables" {
	need_tool gnuplot
	fixture tasks base
	call=("$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl"
		-d runs -i 2 -n 2 -S 1 -J 2 -N 4 -k 1,4 --tune-opts "--lr 1e-3 --epochs 1"
		--explore-opts "--groups 4 --group-size 4 --max-new 16 --lr 1e-3"
		--eval-opts "--max-new 16" vanilla rloop average)
	status_is 0 "${call[@]}"
	mv runs whole
	for seen in base/seed-1/iter-0/eval.traj rloop/seed-1/iter-1/policy; do
		rm -rf runs
		"${call[@]}" 3>&- &
		for _ in {1..600}; do
			[ ! -e "runs/$seen" ] || break
			sleep 0.05
		done
		kill -9 $!
		wait $! || true
		flock -w 60 runs/.lock true # until the stages that it had begun are gone
		status_is 0 "${call[@]}"
		cmp whole/table runs/table
		cmp whole/train runs/train
	done
}

@test "a call that is killed takes its runs along" {
	fixture tasks base
	cat >waits <<-'END'
		#!/bin/bash
		echo $$ >"$HERE/pid"
		exec sleep 600
	END
	chmod +x waits
	hows=("")
	! command -v parallel >/dev/null || hows+=(--parallel)
	for how in "${hows[@]}"; do
		rm -rf runs pid
		HERE=$PWD EXPLORE=$PWD/waits "$root/pipelines/compare" -q -p "$FIX/base" -t "$FIX/train.jsonl" \
			-e "$FIX/test.jsonl" -d runs -i 1 -n 2 -S 1 -N 2 -k 1 --eval-opts "--max-new 4" \
			$how vanilla 3>&- &
		for _ in {1..600}; do
			[ ! -s pid ] || break
			sleep 0.05
		done
		kill $!
		wait $! || true
		flock -w 60 runs/.lock true # what it began has the lock open
		for _ in {1..600}; do
			kill -0 "$(cat pid)" 2>/dev/null || break
			sleep 0.05
		done
		not kill -0 "$(cat pid)"
	done
}
