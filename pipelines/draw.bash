# draw.bash - the pictures of a comparison's report: curves of several variants, and the forgetting map.
# shellcheck shell=bash
#
# Reads: dir, the folder of the comparison; tmp; and of its table what read_table found: set, metrics,
# at, and the files of tmp/table.

draw=() # the variants in the pictures

# ---- data of the pictures ----

# log_stat FILE [-] OPTION ...: log-stat's rows of the runs in one of compare's tables (and one more)
log_stat() {
	log-stat -q --by variant --run seed "$dir/$1" "${@:2}" | tail -n +2
}

mkdir "$tmp/train"
while IFS=$'\t' read -r v column step _ value low high; do
	printf '%s %s %s %s\n' "$step" "$value" "$low" "$high" >>"$tmp/train/$v.$column"
done < <(log_stat train -c reward,entropy,grad_norm --smooth 10 && log_stat similarity -c similarity)

trace() { # COLUMN VARIANT: step, mean over seeds, least, greatest
	[ ! -e "$tmp/train/$2.$1" ] || cat "$tmp/train/$2.$1"
}

# points SET VARIANT METRIC: step, value and interval (or the value again), where there is one
points() {
	[ ! -e "$tmp/table/$1/$2/$3" ] || cut -f 1-4 "$tmp/table/$1/$2/$3" |
		sed -E '/\tn\/a/ { s/^(.*\t(.*))\tn\/a\tn\/a$/\1\t\2\t\2/; /n\/a/d }'
}

# curve METRIC VARIANT: its points; where RL ended before where tuning ended: a saw
curve() {
	{ points "$set" "$2.rl" "$1" | sed '/^0\t/d; s/$/\t0/' && points "$set" "$2" "$1" | sed 's/$/\t1/'; } |
		sort -n -k 1,1 -k 5,5
}

last() { # SET VARIANT: k, pass@k, low, high at the last step
	local m
	for m in ${metrics[$1]}; do
		[[ $m != pass@* ]] || points "$1" "$2" "$m" | sed -n "s/^${at[$1/$2]:-}\t/${m#pass@}\t/p"
	done
}

# matrix VARIANT FILE: problems (rows, those solved longest first) by evaluations: share of samples that
# are right; the steps of the evaluations in FILE
matrix() {
	local task step share row=0 times rows known=''
	local -A x=() solved=()
	rows=$(sed -n "1p; /^[^\t]*\t${1//./\\.}\t/p" "$dir/problems" |
		log-stat -q --by task -c correct:n | tail -n +2 | cut -f 1,3,5)
	while IFS=$'\t' read -r task step share; do
		[ "$task" = "$known" ] || row=$((row + 1))
		known=$task x[$row,$step]=$share
		[ "$share" = 0 ] || solved[$row]=$((${solved[$row]:-0} + 1))
	done <<<"$rows"
	mapfile -t times < <(cut -f 2 <<<"$rows" | sort -nu)
	echo "${times[*]}" >"$2"
	for ((; row > 0; row--)); do
		printf '%d' "${solved[$row]:-0}"
		for step in "${times[@]}"; do printf ' %s' "${x[$row,$step]:-0}"; done
		echo
	done | sort -rn -k 1,1 -k 2 | cut -d ' ' -f 2-
}

# ---- gnuplot ----

colours=(e69f00 0c7bdc 009e73 cc79a7 d55e00 56b4e9 999933 882255)

# plot_of FUNCTION ARGUMENT STYLE: a plot command with a curve for each variant drawn, if it has data,
# and a band for the first three: more would hide each other. pass@k is of the base too.
plot_of() {
	local i=0 v file bands='' curves='' colour
	local -a list=("${draw[@]}")
	[ "$1" != last ] || list+=(base)
	for v in "${list[@]}"; do
		file=$tmp/$1.${2//[^A-Za-z0-9]/_}.$i
		colour=${colours[i % ${#colours[@]}]}
		[ "$v" != base ] || colour=888888
		"$1" "$2" "$v" >"$file"
		if [ -s "$file" ]; then
			[ $i -ge 3 ] || bands+="'$file' using 1:3:4 with filledcurves fillcolor rgb '#$colour' \
fillstyle transparent solid 0.15 noborder notitle, "
			curves+="'$file' using 1:2 with $3 linecolor rgb '#$colour' title '$(title "$v")', "
		fi
		i=$((i + 1))
	done
	[ -n "$curves" ] || return 1
	[ -z "${bare:-}" ] || bands=''
	printf 'plot %s%s\n' "$bands" "${curves%, }"
}

maps() { # the forgetting map: a panel for each variant drawn
	local v i=0 j tics times
	local -a with=()
	for v in "${draw[@]}"; do
		matrix "$v" "$tmp/steps.$i" >"$tmp/map.$i"
		[ "$(wc -w <"$tmp/steps.$i")" -lt 2 ] || with+=("$i")
		i=$((i + 1))
	done
	[ ${#with[@]} -gt 0 ] || return 1
	echo "set multiplot layout 1,${#with[@]}"
	echo 'set palette defined (0 "#e4e4e4", 0.001 "#9ecae1", 1 "#08306b"); set cbrange [0:1]'
	echo 'unset colorbox; unset key; unset ytics; set yrange [] reverse; unset grid'
	echo 'set autoscale xfix; set autoscale yfix'
	for i in "${with[@]}"; do
		read -ra times <"$tmp/steps.$i"
		tics=''
		for ((j = 0; j < ${#times[@]}; j += 2)); do tics+="${tics:+, }\"${times[j]}\" $j"; done
		echo "set title '$(title "${draw[i]}")' noenhanced"
		echo "set xlabel \"RL steps\"; set xtics ($tics)"
		echo "plot '$tmp/map.$i' matrix with image"
	done
	echo 'unset multiplot'
}
