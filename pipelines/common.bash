# common.bash - what the pipelines share: options, the run's folder and its lock, stages.
# shellcheck shell=bash
#
# A stage is complete when its result has its final name: it is written as X.part and renamed when
# the command's exit status was 0, so that a run that was stopped at any moment goes on with the
# first result that is not there. Within an exploration or a tuning it goes on from the state that
# the tool keeps until its stage is complete.

me=${0##*/}
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# Tools on PATH come first, then those of the tree or the prefix that this script is in
export PATH=$PATH:$here/../build/bin:$here/../../bin
export LC_ALL=C.UTF-8 # numbers with a point, not a comma

policy='' tasks='' eval_tasks='' run='' iterations=3 steps=100 seed=1 threads='' ks=1,4,8,16,32
samples=32 quiet='' explore_opts='' filter_opts='' tune_opts='' eval_opts='' eval_rl='' keep_traj=''
experts='' tune_from='' mix='' of='' weight='' keep_policies=''
set_name=test also_names=() also_files=() # of the first held-out set; further ones
whole_length='' # where the number of iterations decides the result: that number
extra_usage=''  # an option of one pipeline only
# Commands with arguments, one a stage: see command_of
stage_EXPLORE=() stage_FILTER=() stage_TUNE=() stage_EVAL=() stage_PASSK=() stage_CAT=()
stage_MIX=()

die() { # STATUS MESSAGE
	printf '%s: %s\n' "$me" "$2" >&2
	exit "$1"
}

note() {
	[ -n "$quiet" ] || printf '%s: %s\n' "$me" "$1" >&2
}

usage_options() {
	cat <<-END
		  -p, --policy DIR             policy to begin with
		  -t, --tasks FILE             tasks to train on
		  -e, --eval-tasks FILE        held-out tasks; again, as NAME=FILE: further held-out sets
		  -d, --dir DIR                the run's folder; a run that was stopped goes on
		  -i, --iterations N           iterations [$iterations]
		  -n, --steps N                RL steps an iteration [$steps]
		  -s, --seed N                 seed [$seed]
		  -j, --threads N              threads of each stage (the tools' own default)
		  -k, --ks LIST                k of pass@k [$ks]
		  -N, --samples N              samples a task in evaluations [$samples]
		      --explore-opts "..."     further options of rl-explore
		      --filter-opts "..."      options of traj-filter behind --correct, instead of
		                               [$filter_opts]
		      --tune-opts "..."        further options of rft-tune
		      --eval-opts "..."        further options of policy-eval; quotes in all of these hold
		                               words together: "--verifier 'cmd:python3 judge.py'"
		$extra_usage
		  -q, --quiet                  no notes
		  -h, --help                   this text
	END
}

whole() { # OPTION TEXT: a whole number of at least 1
	[[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || die 2 "$1: '$2' is not a whole number from 1 to 999999999"
}

share() { # OPTION TEXT: a number from 0 to 1
	[[ $2 =~ ^(0|1|1\.0*|0?\.[0-9]+)$ ]] || die 2 "$1: '$2' is not a number from 0 to 1"
}

one_of() { # OPTION TEXT WORD ...
	[[ " ${*:3} " == *" $2 "* ]] || die 2 "$1: '$2' is none of: ${*:3}"
}

# held_out [NAME=]FILE: the first is what the summary is about, the others are evaluated too
held_out() {
	local name='' file=$1
	if [ ! -e "$1" ] && [[ $1 =~ ^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$ ]]; then
		name=${BASH_REMATCH[1]} file=${BASH_REMATCH[2]}
	fi
	if [ -z "$eval_tasks" ]; then
		eval_tasks=$file set_name=${name:-test}
		return
	fi
	[ -n "$name" ] || die 2 "--eval-tasks: $1: a further held-out set needs a name: NAME=FILE"
	case " rl $set_name ${also_names[*]} " in
	*" $name "*) die 2 "--eval-tasks: $1: a set must have a name of its own, and not rl" ;;
	esac
	[[ $name != rl-* ]] || die 2 "--eval-tasks: $1: names do not begin with rl-"
	also_names+=("$name")
	also_files+=("$file")
}

check_files() {
	local file
	[ -d "$policy" ] || die 3 "$policy: no such policy folder"
	for file in "$tasks" "$eval_tasks" ${also_files[@]+"${also_files[@]}"}; do
		[ -f "$file" ] || die 3 "$file: no such file"
	done
}

parse_options() {
	local parsed
	parsed=$(getopt -n "$me" -o p:t:e:d:i:n:s:j:k:N:qh -l policy:,tasks:,eval-tasks:,dir: \
		-l iterations:,steps:,seed:,threads:,ks:,samples:,explore-opts:,filter-opts: \
		-l tune-opts:,eval-opts:,eval-rl,experts:,tune-from:,mix:,keep-traj,keep-policies: \
		-l of:,weight:,quiet,help -- "$@") || die 2 "see $me --help"
	eval set -- "$parsed"
	while [ "$1" != -- ]; do
		case $1 in
		-p | --policy) policy=$2 ;;
		-t | --tasks) tasks=$2 ;;
		-e | --eval-tasks) held_out "$2" ;;
		-d | --dir) run=$2 ;;
		-i | --iterations) iterations=$2 ;;
		-n | --steps) steps=$2 ;;
		-s | --seed) seed=$2 ;;
		-j | --threads) threads=$2 ;;
		-k | --ks) ks=$2 ;;
		-N | --samples) samples=$2 ;;
		--explore-opts) explore_opts=$2 ;;
		--filter-opts) filter_opts=$2 ;;
		--tune-opts) tune_opts=$2 ;;
		--eval-opts) eval_opts=$2 ;;
		--eval-rl) eval_rl=1 ;;
		--experts) experts=$2 ;;
		--tune-from) tune_from=$2 ;;
		--mix) mix=$2 ;;
		--keep-traj) keep_traj=1 ;;
		--keep-policies) keep_policies=$2 ;;
		--of) of=$2 ;;
		--weight) weight=$2 ;;
		-q | --quiet) quiet=-q ;;
		-h | --help)
			usage
			exit 0
			;;
		esac
		case $1 in
		-q | --quiet | --eval-rl | --keep-traj) shift ;;
		*) shift 2 ;;
		esac
	done
	shift
	[ $# -eq 0 ] || die 2 "$1: no operand is expected (see $me --help)"
	[ -n "$policy" ] && [ -n "$tasks" ] && [ -n "$eval_tasks" ] && [ -n "$run" ] ||
		die 2 "-p, -t, -e and -d are needed (see $me --help)"
	whole --iterations "$iterations"
	whole --steps "$steps"
	whole --samples "$samples"
	[[ $seed =~ ^(0|[1-9][0-9]{0,14})$ ]] || die 2 "--seed: '$seed' is not a whole number"
	[ -z "$threads" ] || whole --threads "$threads"
	[ -z "$keep_policies" ] || whole --keep-policies "$keep_policies"
	[[ $ks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || die 2 "--ks: '$ks' is no list of numbers"
	check_files
}

# words_of ARRAY WHAT TEXT: the words of TEXT; quotes and backslashes hold one together
words_of() {
	local -n into=$1
	# A line end, which no word has, says that all went well
	mapfile -d '' into < <(xargs -r printf '%s\0' <<<"$3" 2>/dev/null && printf '\n\0')
	[[ ${into[*]: -1} == $'\n' ]] || die 2 "$2: a quote without its other: $3"
	into=("${into[@]:0:${#into[@]}-1}")
}

# command_of VARIABLE TOOL [OPTIONS]: the array stage_VARIABLE from $VARIABLE, a command with
# arguments; a tool of ours is asked at once whether it knows these further options
command_of() {
	local -n words=stage_$1
	local word more
	words_of "stage_$1" "$1" "${!1:-$2}"
	command -v "${words[0]}" >/dev/null || die 4 "$1: ${words[0]}: no such command"
	words_of more "options of $2" "${3:-}"
	for word in "${words[@]}"; do
		[ "${word##*/}" != "$2" ] || ! command -v "$word" >/dev/null || # it may be elsewhere
			"$word" "${more[@]}" --help >/dev/null || exit
	done
}

stamp() { # NAME FILE: the same in every time zone
	TZ=UTC0 stat -c "$1=%n, %s bytes, of %y" "$2"
}

policy_text() {
	stamp policy "$policy/model.safetensors" 2>/dev/null || printf 'policy=%s\n' "$policy"
}

sets_text() {
	local i
	stamp eval_tasks "$eval_tasks"
	for i in "${!also_names[@]}"; do
		stamp "eval_tasks ${also_names[i]}" "${also_files[i]}"
	done
}

# What decides the run's result; -i and -j may change from one call to the next
options_text() {
	local name
	printf 'pipeline=%s\n' "$me"
	[ -z "$whole_length" ] || printf 'iterations=%s\n' "$whole_length"
	for name in steps seed ks samples explore_opts filter_opts tune_opts eval_opts eval_rl \
		keep_traj \
		stage_EXPLORE stage_FILTER stage_TUNE stage_EVAL stage_PASSK; do
		local -n value=$name
		printf '%s=%s\n' "$name" "${value[*]}"
	done
	policy_text
	stamp tasks "$tasks"
	sets_text
	for name in experts tune_from mix of weight; do
		[ -z "${!name}" ] || printf '%s=%s\n' "$name" "${!name}"
	done
}

# same_options TEXT: what this function prints must be what it printed at the first call
same_options() {
	if [ -e "$run/options" ]; then
		diff "$run/options" <("$1") >&2 ||
			die 2 "$run was begun with other options (<, not >): take those, or another folder"
	else
		"$1" >"$run/options.part"
		mv "$run/options.part" "$run/options"
	fi
}

# The run's folder: one process at a time, one set of options for ever
open_run() {
	policy=$(realpath "$policy")
	tasks=$(realpath "$tasks")
	eval_tasks=$(realpath "$eval_tasks")
	local i
	for i in "${!also_files[@]}"; do
		also_files[i]=$(realpath "${also_files[i]}")
	done
	[ -z "$of" ] || of=$(realpath "$of")
	mkdir -p "$run" || exit 4
	# Stages inherit the lock, so that no two ever write; one whose script was killed dies soon
	exec 9>>"$run/.lock" || exit 4
	flock -w 5 9 || die 4 "$run is in use by process $(cat "$run/.lock") or a stage it started"
	printf '%s\n' $$ >"$run/.lock"
	same_options options_text
	common=(${quiet:+-q} ${threads:+-j "$threads"})
}

# disk_note N: what N policies of trained weights take at most: those are float32, whatever -p has
disk_note() {
	local bytes
	[[ " $explore_opts $tune_opts " != *" --lora"[\ =]* ]] || return 0 # adapters are small
	bytes=$({ stat -Lc %s "$policy"/*.safetensors 2>/dev/null || :; } |
		awk '{ n += $1 } END { printf "%.0f\n", n }')
	! head -qc 4096 "$policy"/*.safetensors 2>/dev/null | grep -aqE '"dtype": ?"B?F16"' ||
		bytes=$((2 * bytes))
	[ "$bytes" -gt 0 ] || return 0
	note "disk: $1 policies of up to $(numfmt --to=si --suffix=B "$bytes") each"
}

# run_stage NAME COMMAND ...: dies when the command fails; a killed script takes its stage along
run_stage() {
	local name=$1 rc=0
	shift
	note "$name"
	setpriv --pdeathsig TERM "$@" || rc=$?
	[ $rc -ne 2 ] || die 2 "$name: ${1##*/}: exit status 2: take other options and another folder"
	[ $rc -eq 0 ] || die $rc "$name: ${1##*/}: exit status $rc; the same call goes on from here"
}

# to_file NAME FILE COMMAND ...: the command's standard output becomes FILE
to_file() {
	local name=$1 file=$2
	shift 2
	[ ! -e "$file" ] || return 0
	run_stage "$name" "$@" >"$file.part"
	keep "$file"
}

# keep FILE: FILE.part is complete
keep() {
	sync "$1.part"
	mv -T "$1.part" "$1"
}

# unkeep FILE: of a stage that is not complete after all, FILE is FILE.part again
unkeep() {
	if [ -e "$1" ] && [ ! -e "$1.part" ]; then
		mv -T "$1" "$1.part"
	fi
}

# is_ours STAGE TOOL: the stage's command is the tool itself, perhaps behind others: it keeps a state
is_ours() {
	local -n command=stage_$1
	[[ " ${command[*]##*/} " == *" $2 "* ]]
}

# mix_into NAME WEIGHT A B POLICY: POLICY = (1 - WEIGHT) A + WEIGHT B
mix_into() {
	[ ! -e "$5" ] || return 0
	rm -rf "$5.part" "$5.part".tmp-*
	run_stage "$1" "${stage_MIX[@]}" ${quiet:+-q} -w "$2" "$3" "$4" -o "$5.part"
	keep "$5"
}

# evaluate I POLICY [PREFIX]: iter-I/PREFIXeval.traj and PREFIXpass-at-k.tsv, and the same for each
# further held-out set, PREFIXNAME-eval.traj and so on
evaluate() {
	local i
	evaluate_on "$1" "$2" "${3:-}" "$eval_tasks"
	for i in "${!also_names[@]}"; do
		evaluate_on "$1" "$2" "${3:-}${also_names[i]}-" "${also_files[i]}"
	done
}

# evaluate_on I POLICY PREFIX TASKS
evaluate_on() {
	local dir=$run/iter-$1 prefix=$3 more
	words_of more --eval-opts "$eval_opts"
	to_file "iter-$1 ${prefix}eval" "$dir/${prefix}eval.traj" "${stage_EVAL[@]}" "${common[@]}" \
		-p "$2" -t "$4" -n "$samples" -s "$seed" --iter "$1" --step $(($1 * steps)) \
		"${more[@]}"
	to_file "iter-$1 ${prefix}pass-at-k" "$dir/${prefix}pass-at-k.tsv" "${stage_PASSK[@]}" \
		${quiet:+-q} -k "$ks" "$dir/${prefix}eval.traj"
}

# rows STREAM: the number of its trajectories; a bare stream of none is empty
rows() {
	if [ -s "$1" ]; then "${stage_CAT[@]}" -c task "$1" | wc -l; else echo 0; fi
}

# reward I: mean training reward of the last ten RL steps that iteration I made
reward() {
	local log=$run/iter-$1/explore.log from=1
	[ -e "$log" ] || { log=$run/explore.log from=$((($1 - 1) * steps + 1)); }
	[ -e "$log" ] || { echo - && return; }
	awk -v from="$from" -v to=$((from + steps - 1)) '
		NR >= from && NR <= to && match($0, /"reward": *[-+.0-9eE]+/) {
			last[n++ % 10] = substr($0, RSTART + 9, RLENGTH - 9)
		}
		END {
			for (i in last) sum += last[i]
			if (n) printf "%.3f\n", sum / (n < 10 ? n : 10); else print "-"
		}' "$log"
}

# row I POLICY REWARD EXPERTS TSV: one row of the summary
row() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" $(($1 * steps)) "$2" "$3" "$4" \
		"$(tail -n +2 "$5" | cut -f 6 | paste -s)"
}

# summary [WHAT]: RUN/summary.tsv, a row for each policy that was evaluated, and the same on standard
# output. WHAT the policies are; without it, rft where there are experts, else rl
summary() {
	local i dir experts reward
	{
		printf 'iter\trl_steps\tpolicy\treward\texpert\t%s\n' \
			"$(tail -n +2 "$run/iter-0/pass-at-k.tsv" | cut -f 5 | paste -s)"
		row 0 base - - "$run/iter-0/pass-at-k.tsv"
		for ((i = 1; i <= iterations; i++)); do
			dir=$run/iter-$i
			experts=- reward=$(reward $i)
			if [ -e "$dir/rl-pass-at-k.tsv" ]; then
				row $i rl "$reward" - "$dir/rl-pass-at-k.tsv"
			fi
			[ ! -e "$dir/expert.traj" ] || experts=$(rows "$dir/expert.traj")
			row $i "${1:-$([ "$experts" = - ] && echo rl || echo rft)}" "$reward" "$experts" \
				"$dir/pass-at-k.tsv"
		done
	} >"$run/summary.tsv.part"
	keep "$run/summary.tsv"
	cat "$run/summary.tsv"
}
