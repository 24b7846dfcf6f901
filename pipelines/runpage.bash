# runpage.bash - report's page of one run, which may still go on: where it is, pictures, tables.
# shellcheck shell=bash
#
# Reads: dir, the run; out; tmp; text and quiet of report. See page.bash.

# trained COLUMN: a curve over RL steps, each point the mean of up to ten of its iteration, if any log has it
trained() {
	local with=lines
	log-stat -q --smooth 10 --breaks -c "$1" "${logs[@]}" 2>/dev/null | sed 1d | cut -f 3,5 >"$tmp/data.$1" || return 1
	grep -q '[0-9]' "$tmp/data.$1" || return 1
	# a point between steps that have none is no line
	[ "$(wc -l <"$tmp/data.$1")" -gt 60 ] || with='linespoints pointtype 7 pointsize 0.6'
	echo "plot '$tmp/data.$1' using 1:2 with $with linewidth 1.8 linecolor rgb '#0c7bdc' notitle"
}

# held METRIC ...: of the summary; what RL ended with, where it was evaluated, makes a saw
held() {
	local m i=0 curves=''
	for m; do
		paste <(of_column rl_steps <"$dir/summary.tsv") <(of_column "$m" <"$dir/summary.tsv") |
			sed '/n\/a/d' >"$tmp/data.$m"
		[ ! -s "$tmp/data.$m" ] || curves+="${curves:+, }'$tmp/data.$m' using 1:2 with linespoints linewidth 1.8 \
pointtype 7 pointsize 0.6 linecolor rgb '#${run_colours[i]}' title '$m'"
		i=$((i + 1))
	done
	[ -n "$curves" ] && printf 'plot %s\n' "$curves"
}
run_colours=(0c7bdc e69f00 009e73)

last_pass() { # the last pass@k of temperatures.tsv
	head -n 1 "$dir/temperatures.tsv" | tr '\t' '\n' | tail -n 1
}

# over_temperatures: of each set and policy the last pass@k over avg@n, the temperature beside each point
over_temperatures() {
	local name policy i=0 file curves=''
	while IFS=$'\t' read -r name policy; do
		file=$tmp/temperatures.$i
		sed -n "s/^${name//./\\.}\t$policy\t//p" "$dir/temperatures.tsv" | sed -E 's/^([^\t]*\t[^\t]*).*\t/\1\t/' >"$file"
		curves+="${curves:+, }'$file' using 2:3:1 with labels left offset 0.7,0.6 font ',8' notitle, "
		curves+="'$file' using 2:3 with linespoints linewidth 1.8 pointtype 7 pointsize 0.6 title '$name, $policy'"
		i=$((i + 1))
	done < <(sed 1d "$dir/temperatures.tsv" | cut -f 1,2 | uniq)
	! grep -q n/a "$tmp"/temperatures.[0-9]* && printf 'plot %s\n' "$curves"
}

run_pictures() {
	local steps="set xlabel 'RL steps'" metrics
	names=()
	rm -f "$tmp"/*.caption
	logs_of "$dir"
	if [ -s "$dir/summary.tsv" ]; then
		# pass@1 is avg@n
		read -ra metrics < <(head -n 1 "$dir/summary.tsv" | tr '\t' '\n' | grep '^pass@' | sed '/^pass@1$/d' |
			sed -n '1p; 2,$ { $p }' | paste -s -d ' ')
		picture held "Held-out problems: avg@n, the share of right answers, and pass@k, the share of problems \
that one of k answers solves." "$steps; set ylabel 'held out'; set yrange [0:]" held avg@n ${metrics[@]+"${metrics[@]}"}
	fi
	[ ! -s "$dir/temperatures.tsv" ] || picture temperatures "The last policies at several temperatures: \
up and to the right is better." "set xlabel 'avg@n'; set ylabel '$(last_pass)'" over_temperatures
	[ ${#logs[@]} -gt 0 ] || return 0
	picture reward "Training reward. Up: it learns. Up while the held-out curves fall: it learns the problems by heart." \
		"$steps; set ylabel 'training reward'" trained reward
	picture entropy "Entropy of a token, nats. Near 0 all answers to a problem are the same, and nothing is left to choose from." \
		"$steps; set ylabel 'entropy'" trained entropy
	picture gradient "Norm of the gradient before clipping. Leaps: the rate is too high." \
		"$steps; set ylabel 'gradient norm'" trained grad_norm
	picture length "Tokens of a response." "$steps; set ylabel 'length'" trained length
	picture truncated "Share of the responses that --max-new or the policy's length cut off." \
		"$steps; set ylabel 'cut off'; set yrange [0:]" trained truncated
}

# Lines of a name and a text, as status has them
where_it_is() {
	"$here/status" "$dir" 2>/dev/null || printf 'state\tunknown (jq is not installed)\n'
}

run_page() {
	local name
	page_head "Run $(basename "$(realpath "$dir")" | escaped)"
	{ printf 'what\tvalue\n' && cat "$tmp/status"; } | html_table prose
	echo '<div class="pictures">'
	for name in ${names[@]+"${names[@]}"}; do
		figure "$name"
	done
	echo '</div>'
	if [ -s "$dir/summary.tsv" ]; then
		echo '<h2>Evaluations</h2>'
		html_table <"$dir/summary.tsv"
	fi
	if [ -s "$dir/temperatures.tsv" ]; then
		echo '<h2>Temperatures</h2>'
		html_table <"$dir/temperatures.tsv"
	fi
	if [ -s "$dir/run.conf" ]; then
		echo '<h2>What is run</h2><pre>'
		escaped <"$dir/run.conf"
		echo '</pre>'
	fi
	echo '</body></html>'
}

# report_run: the page as the run is now
report_run() {
	where_it_is >"$tmp/status"
	if [ -n "$follow" ] && grep -q '^state	running' "$tmp/status"; then reload=$every; else reload=''; fi
	run_pictures
	write_page run_page
	[ -n "$quiet" ] || [ ! -s "$dir/summary.tsv" ] || column -t -s '	' "$dir/summary.tsv"
}
