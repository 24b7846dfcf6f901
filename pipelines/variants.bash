# variants.bash - what compare trains: a file of lines key=value each, some at a learning rate of its
# name, see its usage.
# shellcheck shell=bash
#
# Reads: here, run, policy, tasks, iterations, steps, seed_list and the other options of common.bash.

names=() # of the variants, as load met them

# load VARIANT[-lrRATE][:SEEDS]: its file into of_variant[NAME/KEY]
declare -A of_variant
keys=' pipeline title iterations steps explore_opts tune_opts filter_opts eval_rl experts tune_from mix mix_last hindsight relabel_opts of weight '
load() {
	local file=$1 name line key rate='' n=0 first=${#seed_list[@]}
	if [[ $1 =~ ^(.*):([1-9][0-9]{0,5})$ ]]; then
		file=${BASH_REMATCH[1]} first=$((BASH_REMATCH[2] < first ? BASH_REMATCH[2] : first))
	fi
	name=${file##*/}
	[[ $file == */* ]] || file=$here/variants/$file
	if [ ! -f "$file" ] && [[ $file =~ ^(.+)-lr([0-9.]+(e-?[0-9]+)?)$ ]]; then
		file=${BASH_REMATCH[1]} rate=${BASH_REMATCH[2]}
	fi
	[ -f "$file" ] || die 3 "$file: no such variant (a file of your own: a path with a slash)"
	if [[ ! $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ || $name == *.rl || $name == base ]]; then
		die 2 "$file: a variant cannot have this name"
	fi
	while IFS= read -r line || [ -n "$line" ]; do
		n=$((n + 1)) line=${line%$'\r'}
		[[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
		key=${line%%=*}
		[[ $line == *=* && $keys == *" $key "* ]] ||
			die 3 "$file: line $n: not one of$keys= something"
		line=${line#*=}
		case $line in \"*\" | \'*\') line=${line:1:-1} ;; esac
		of_variant[$name/$key]=$line
	done <"$file"
	case ${of_variant[$name/pipeline]:-} in
	rloop | vanilla | average) ;;
	*) die 3 "$file: pipeline is none of rloop, vanilla and average" ;;
	esac
	if [ -n "$rate" ]; then
		[ "${of_variant[$name/pipeline]}" != average ] || die 2 "$name: an average is not trained: it has no rate"
		of_variant[$name/explore_opts]="${of_variant[$name/explore_opts]:+${of_variant[$name/explore_opts]} }--lr $rate"
		of_variant[$name/title]="${of_variant[$name/title]:-${file##*/}}, lr $rate"
	fi
	[[ " ${names[*]} " != *" $name "* ]] || die 2 "$name: named twice"
	names+=("$name")
	of_variant[$name/first]=$first
}

# get VARIANT KEY [DEFAULT]
get() {
	printf '%s\n' "${of_variant[$1/$2]:-${3:-}}"
}

# title_of VARIANT: what it is called, and whether it has what other variants have not
title_of() {
	printf '%s%s\n' "$(get "$1" title "$1")" "$([ -z "$(get "$1" hindsight)" ] || echo ' (hindsight)')"
}

# seeds_of VARIANT: those it is trained with; the base is evaluated with all
seeds_of() {
	printf '%s\n' "${seed_list[@]:0:$(get "$1" first ${#seed_list[@]})}"
}

trains() { # VARIANT SEED; no grep -q, which may end seeds_of by SIGPIPE and so say no
	[[ " $(seeds_of "$1" | paste -s -d ' ') " == *" $2 "* ]]
}

# check VARIANT: its length, and what it is made of
check() {
	local i n from
	from=$(get "$1" of)
	if [ "$(get "$1" pipeline)" = average ]; then
		[[ " ${names[*]} " == *" $from "* && $(get "$from" pipeline) != average ]] ||
			die 2 "$1: of: $from is no variant of this call that trains"
		[ "$(get "$1" first)" -le "$(get "$from" first)" ] ||
			die 2 "$1: of: $from has fewer seeds"
		of_variant[$1/iterations]=$(get "$from" iterations)
		of_variant[$1/steps]=$(get "$from" steps)
	fi
	i=$(get "$1" iterations "$iterations")
	if [ -n "$(get "$1" iterations)" ] && [ -z "$(get "$1" steps)" ] && [[ $i =~ ^[1-9][0-9]{0,8}$ ]]; then
		of_variant[$1/steps]=$((iterations * steps / i))
	fi
	n=$(get "$1" steps "$steps")
	whole "$1: iterations" "$i"
	whole "$1: steps" "$n"
	explore_opts=$(get "$1" explore_opts) tune_opts=$(get "$1" tune_opts) eval_opts='' \
		check_owned "$1: "
	[ $((i * n)) -eq $((iterations * steps)) ] ||
		die 2 "$1: $i x $n RL steps, but $iterations x $steps are compared"
}

# job VARIANT SEED: the command line of one run
job() {
	local v=$1 s=$2 i filter
	local -a call
	call=("$here/$(get "$v" pipeline)" -p "$policy" -t "${tasks//"{seed}"/$s}"
		-e "$set_name=$eval_tasks")
	for i in "${!also_names[@]}"; do
		call+=(-e "${also_names[i]}=${also_files[i]}")
	done
	call+=(-d "$run/$v/seed-$s" -i "$(get "$v" iterations "$iterations")"
		-n "$(get "$v" steps "$steps")" -s "${s}000" -j "$threads" -k "$ks" -N "$samples")
	[ -z "$eval_opts" ] || call+=(--eval-opts "$eval_opts")
	[ -z "$mpi" ] || call+=(--mpi "$mpi")
	[ -z "$validation" ] || call+=(--validation "$validation" --temperatures "$(IFS=, && printf %s "${at_temperatures[*]}")")
	filter=$(get "$v" filter_opts)
	case $(get "$v" pipeline) in
	average) call+=(--of "$run/$(get "$v" of)/seed-$s" --weight "$(get "$v" weight 0.5)") ;;
	vanilla) call+=(--keep-traj --explore-opts "$explore_opts $(get "$v" explore_opts)") ;;
	rloop)
		call+=(--explore-opts "$explore_opts $(get "$v" explore_opts)"
			--tune-opts "$tune_opts $(get "$v" tune_opts)")
		[ -z "$filter" ] || call+=(--filter-opts "$filter")
		[ -z "$(get "$v" eval_rl)" ] || call+=(--eval-rl)
		[ -z "$(get "$v" experts)" ] || call+=(--experts "$(get "$v" experts)")
		[ -z "$(get "$v" tune_from)" ] || call+=(--tune-from "$(get "$v" tune_from)")
		[ -z "$(get "$v" mix)" ] || call+=(--mix "$(get "$v" mix)")
		[ -z "$(get "$v" mix_last)" ] || call+=(--mix-last)
		[ -z "$(get "$v" hindsight)" ] || call+=(--hindsight)
		[ -z "$(get "$v" relabel_opts)" ] || call+=(--relabel-opts "$(get "$v" relabel_opts)")
		;;
	esac
	printf '%q ' setpriv --pdeathsig TERM "${call[@]}"
	printf '>/dev/null 2>%q\n' "$run/$v/seed-$s.log"
}

