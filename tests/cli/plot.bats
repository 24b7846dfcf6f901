# pipelines/plot
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	need_tool gnuplot
	mkdir -p saw/iter-1 saw/iter-2
	printf '{"step":%d,"reward":0.%d}\n' 1 2 2 5 3 3 4 6 5 7 >saw/iter-1/explore.log
	cp saw/iter-1/explore.log saw/iter-2/explore.log
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' iter rl_steps policy reward expert avg@n pass@8 \
		0 0 base - - 0.1 0.9 1 5 rft .5 9 0.2 0.8 2 10 rft .5 9 0.3 0.7 >saw/summary.tsv
}

plot() {
	"$root/pipelines/plot" "$@"
}

@test "--text draws the three curves with letters" {
	status_is 0 plot --text saw
	[[ $output == *"training reward"*"held-out avg@n"*"held-out pass@8"* ]]
	[[ $output == *saw* ]]
	[ -z "$stderr" ]
}

@test "a language with a decimal comma draws the same" {
	plot --text saw >want
	comma_locale
	plot --text saw | cmp want -
}

@test "the greatest k that all runs have; no curve of a reward that was not logged" {
	mkdir few
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
		iter rl_steps policy reward expert avg@n pass@1 pass@8 pass@32 \
		0 0 base - - 0.1 0.1 0.9 n/a 1 5 rl .5 - 0.2 0.2 0.5 n/a >few/summary.tsv
	status_is 0 plot --text few
	[[ $output == *"held-out pass@8"* ]]
	not grep -q "training reward" "$BATS_TEST_TMPDIR/out"
	status_is 0 plot -o x.png saw few
	sed 's/pass@8/pass@4/' saw/summary.tsv >few/summary.tsv
	status_is 3 plot -o y.png saw few
	says "no k of which all runs have pass@k"
	[ ! -e y.png ]
}

@test "curves have the names of the runs as they were given" {
	mkdir one two
	cp -r saw one/seed-1
	cp -r saw 'two/se"e\d'
	status_is 0 plot --text one/seed-1/ 'two/se"e\d'
	[[ $output == *one/seed-1\ *"two/se_e_d "* ]]
}

@test "LABEL=RUN names a curve, unless there is a folder of that name" {
	cp -r saw b=saw
	status_is 0 plot --text "the loop=saw" b=saw
	[[ $output == *"the loop "*" b=saw "* ]]
	status_is 3 plot --text none=other
	says "other: no summary.tsv"
}

@test "a log whose last line was cut off is drawn; one that is damaged is refused" {
	plot --text saw >want
	printf '{"step":6,"rew' >>saw/iter-2/explore.log
	status_is 0 plot --text saw
	cmp out want
	printf 'ard"\n' >>saw/iter-1/explore.log
	status_is 3 plot --text saw
	says "iter-1/explore.log:6: column"
}

@test "-o writes a PNG file" {
	status_is 0 plot -o x.png saw saw
	[ "$(head -c 4 x.png | tail -c 3)" = PNG ]
}

@test "a folder that is no run, and calls that are refused" {
	mkdir empty
	status_is 3 plot --text empty
	says "empty: no summary.tsv"
	status_is 2 plot --text
	plot saw >want
	plot --text saw | cmp want -
	status_is 0 plot --help
}

@test "-o: a PNG, an SVG or a PDF, into a folder that is there" {
	status_is 0 plot -o x.svg saw
	grep -q '<svg' x.svg
	status_is 0 plot -o x.png saw
	[ "$(head -c 4 x.png | tail -c 3)" = PNG ]
	status_is 0 plot -o x.pdf saw
	[ "$(head -c 4 x.pdf)" = %PDF ]
	status_is 2 plot -o x.gif saw
	says "x.gif: none of .png, .svg and .pdf"
	status_is 4 plot -o nodir/x.png saw
	says "nodir/x.png: there is no such folder"
}
