# curves.bash - report's tables and pictures of final policies over temperatures, of what compare left in
# DIR/curves and, for a second reference, DIR/curves-REF.
# shellcheck shell=bash
#
# Reads: dir, tmp, references, sets, draw, title() and colours of report and draw.bash.

declare -A curve=() # [REF/SET/VARIANT/AT/METRIC]: "value low high diff diff_low diff_high", tabs between
declare -A degrees=() curve_counts=() # [SET/VARIANT]: its temperatures, the highest first; [.../AT]: "seeds problems"
declare -A best_at=()                 # [VARIANT]: its temperature that is best on validation problems
curve_sets=() curve_variants=() curve_metrics=() pass_most=pass@1

# read_curves REFERENCE FILE. AT is a temperature, or where eval-compare says that it is
read_curves() {
	local s v at t seeds problems m rest
	while IFS=$'\t' read -r s v at t seeds problems m rest; do
		[[ " ${curve_sets[*]} " == *" $s "* ]] || curve_sets+=("$s")
		[[ " ${curve_variants[*]} " == *" $v "* ]] || curve_variants+=("$v")
		case $at in
		temperature)
			at=$t
			[[ " ${degrees[$s/$v]:-} " == *" $t "* ]] || degrees[$s/$v]="$t ${degrees[$s/$v]:-}"
			[[ " ${curve_metrics[*]} " == *" $m "* ]] || curve_metrics+=("$m")
			[[ $m != pass@* || $rest == n/a* || ${m#pass@} -le ${pass_most#pass@} ]] || pass_most=$m
			;;
		"best avg@n") best_at[$v]=$t ;;
		esac
		curve[$1/$s/$v/$at/$m]=$rest curve_counts[$s/$v/$at]=$seeds$'\t'$problems
	done < <(tail -n +2 "$2")
}

# interval VALUE LOW HIGH FORM: as "0.312 [0.300, 0.320]"
interval() {
	local value low high
	[ "$1" != n/a ] || { printf n/a && return; }
	printf -v value "$4" "$1"
	if [ "$2" = n/a ]; then
		printf '%s' "$value"
	else
		printf -v low "$4" "$2"
		printf -v high "$4" "$3"
		printf '%s [%s, %s]' "$value" "$low" "$high"
	fi
}

# millionths VARIABLE NUMBER
millionths() {
	printf -v "$1" %.6f "$2"
	printf -v "$1" %.0f "${!1}e6"
}

# percent DIFF VALUE: what DIFF is of VALUE - DIFF, as "+15 %"; nothing where that is 0
percent() {
	local diff value of
	millionths diff "$1"
	millionths value "$2"
	of=$((value - diff))
	[ $of -le 0 ] || printf '%+d %%' $(((100 * diff + (diff < 0 ? -of : of) / 2) / of))
}

# value_of KEY of curve
value_of() {
	local value low high
	IFS=$'\t' read -r value low high _ <<<"${curve[$1]:-n/a$'\t'n/a$'\t'n/a}"
	interval "$value" "$low" "$high" %.3f
}

# diff_of KEY of curve: as "+0.050 (+15 %) [+0.020, +0.080]", per cent of the reference
diff_of() {
	local value diff low high text share
	IFS=$'\t' read -r value _ _ diff low high <<<"${curve[$1]:-}"
	text=$(interval "${diff:-n/a}" "${low:-n/a}" "${high:-n/a}" %+.3f)
	[ "$text" = n/a ] || share=$(percent "$diff" "$value")
	[ -z "${share:-}" ] || text="${text%% *} ($share)${text#"${text%% *}"}"
	printf '%s' "$text"
}

metric_names() {
	printf '\t%s' "${curve_metrics[@]}"
	echo
}

# at_each SET: a row for each variant and temperature
at_each() {
	local v t m
	printf 'variant\ttemperature\tseeds\tproblems'
	metric_names
	for v in "${curve_variants[@]}"; do
		for t in ${degrees[$1/$v]:-}; do
			printf '%s\t%s\t%s' "$v" "$t" "${curve_counts[$1/$v/$t]}"
			for m in "${curve_metrics[@]}"; do printf '\t%s' "$(value_of "${references[0]}/$1/$v/$t/$m")"; done
			echo
		done
	done
}

# at_best SET: a row for each variant, where it is most accurate on validation problems
at_best() {
	local v m at='best avg@n'
	printf 'variant\ttemperature\tseeds\tproblems'
	metric_names
	for v in "${curve_variants[@]}"; do
		[ -n "${curve_counts[$1/$v/$at]:-}" ] || continue
		printf '%s\t%s\t%s' "$v" "${best_at[$v]}" "${curve_counts[$1/$v/$at]}"
		for m in "${curve_metrics[@]}"; do printf '\t%s' "$(value_of "${references[0]}/$1/$v/$at/$m")"; done
		echo
	done
}

# best_minus SET REFERENCE: the same of paired differences, each at its own temperature
best_minus() {
	local v m at='best avg@n'
	printf 'variant minus %s\ttemperatures' "$2"
	metric_names
	for v in "${curve_variants[@]}"; do
		[ "$v" != "$2" ] && [ -n "${curve_counts[$1/$v/$at]:-}" ] || continue
		printf '%s\t%s, %s' "$v" "${best_at[$v]}" "${best_at[$2]:-n/a}"
		for m in "${curve_metrics[@]}"; do
			printf '\t%s' "$(diff_of "$2/$1/$v/$at/$m")"
		done
		echo
	done
}

# equal_minus SET REFERENCE: who is ahead at equal accuracy, over all accuracies that both have, and at
# equal pass@k
equal_minus() {
	local v p=$pass_most key
	printf 'variant minus %s\tat avg@n\t%s\t%s minus %s\tover avg@n\tmean %s\tmean %s minus %s\tarea between\tat %s\tavg@n\tavg@n minus %s\n' \
		"$2" "$p" "$p" "$2" "$p" "$p" "$2" "$p" "$2"
	for v in "${curve_variants[@]}"; do
		key=$2/$1/$v
		[ -n "${curve[$key/equal avg@n/$p]:-}" ] || continue
		printf '%s\t%s\t%s\t%s' "$v" "$(value_of "$key/equal avg@n/avg@n")" \
			"$(value_of "$key/equal avg@n/$p")" "$(diff_of "$key/equal avg@n/$p")"
		printf '\t%s to %s\t%s\t%s\t%s' "$(value_of "$key/overlap/from" | cut -d ' ' -f 1)" \
			"$(value_of "$key/overlap/to" | cut -d ' ' -f 1)" "$(value_of "$key/overlap/$p")" \
			"$(diff_of "$key/overlap/$p")" "$(diff_of "$key/overlap/area")"
		printf '\t%s\t%s\t%s\n' "$(value_of "$key/equal pass@k/$p")" \
			"$(value_of "$key/equal pass@k/avg@n")" "$(diff_of "$key/equal pass@k/avg@n")"
	done
}

# curve_points SET VARIANT: x low high y low high temperature, of avg@n and pass@k
curve_points() {
	local t m row
	for t in ${degrees[$1/$2]:-}; do
		row=''
		for m in avg@n "$pass_most"; do
			row+=$(cut -f 1-3 <<<"${curve[${references[0]}/$1/$2/$t/$m]:-n/a}" |
				sed -E 's/^(.*)\tn\/a\tn\/a$/\1\t\1\t\1/')$'\t'
		done
		[[ $row == *n/a* ]] || printf '%s%s\n' "$row" "$t"
	done
}

# curve_plot SET: a plot command with the curves of the variants drawn, the first with its temperatures;
# dashed: where RL ended. Crosses are intervals, a ring is at the temperature that is best on validation problems.
curve_plot() {
	local v w dash i=0 colour plots=''
	[ "$pass_most" != pass@1 ] || return 1 # it is avg@n
	for v in "${draw[@]}" base; do
		colour=${colours[i++ % ${#colours[@]}]} dash=1
		[ "$v" != base ] || colour=888888
		for w in "$v" "$v.rl"; do
			curve_points "$1" "$w" >"$tmp/curve.$1.$w"
			[ ! -s "$tmp/curve.$1.$w" ] || plots+=$(one_curve "$w" "$tmp/curve.$1.$w" "rgb '#$colour'" $dash)
			dash=2
		done
	done
	[ -n "$plots" ] || return 1
	plots+="'$tmp/curve.$1.${draw[0]}' using 1:4:7 with labels left offset 0.7,0.6 font ',8' notitle"
	printf 'plot %s\n' "$plots"
}

one_curve() { # VARIANT FILE COLOUR DASH
	[ -n "${bare:-}" ] || printf "'%s' using 1:4:2:3:5:6 with xyerrorbars pointtype 0 linewidth 0.5 linecolor %s notitle," "$2" "$3"
	printf "'%s' using 1:4 with linespoints linewidth 1.8 pointtype 7 pointsize 0.5 dashtype %s linecolor %s title '%s'," \
		"$2" "$4" "$3" "$(title "$1")"
	printf "'%s' using (\$7 == %s ? \$1 : 1/0):4 with points pointtype 6 pointsize 1.3 linewidth 1.5 linecolor %s notitle," \
		"$2" "${best_at[$1]:--1}" "$3"
}
