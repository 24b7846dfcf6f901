# watch.bash - what a run says of itself: how far it is in all, for the line that its stages show on a
# terminal and for status; its logs; and hints at its end.
# shellcheck shell=bash
#
# Reads: me, run, iterations, quiet and own_explore_opts of common.bash.

plan=()            # the stages of one iteration, in order, as the pipeline names them
declare -A took=() # seconds that the last stage of each kind took

# ---- progress: base/progress.h says what the stages make of it ----

# watch_stage NAME: this stage begins
watch_stage() {
	local kind=${1##* } i=''
	[[ ! $1 =~ ^iter-([0-9]+)\  ]] || i=${BASH_REMATCH[1]}
	RLOOP_PROGRESS="$(time_behind "$kind" "$i") $me: ${i:+iteration $i/$iterations, }$kind"
	RLOOP_PROGRESS_FILE=$run/.progress
	export RLOOP_PROGRESS RLOOP_PROGRESS_FILE
	stage_began=$SECONDS
}

# time_behind KIND I: how often a stage of this kind comes again behind that of iteration I, and the
# seconds of all others; with a + where some of those were not met yet. Without I it is no stage of an
# iteration, and comes before them all.
time_behind() {
	local again=0 times=$((iterations + 1)) after=0 more='' k
	if [ -n "$2" ]; then
		[[ " ${plan[*]} " == *" $1 "* ]] || { echo 0 0 && return; }
		again=$((iterations - $2)) times=$again
	fi
	for k in "${plan[@]}"; do
		[ "$k" != "$1" ] || { times=$((again + 1)) && continue; }
		after=$((after + times * ${took[$k]:-0}))
		[ $times -eq 0 ] || [ -n "${took[$k]:-}" ] || more=+
	done
	echo "$again $after$more"
}

# watch_end NAME: it is complete
watch_end() {
	took[${1##* }]=$((SECONDS - stage_began))
	unset RLOOP_PROGRESS RLOOP_PROGRESS_FILE # a tool that is no stage speaks for itself
}

# logs_of RUN: those of its explorations into the array logs, in order
logs_of() {
	local log
	logs=()
	for log in "$1"/explore.log{,.part} "$1"/iter-{1..999}/explore.log{,.part}; do
		[ ! -s "$log" ] || logs+=("$log")
	done
}

# ---- hints: what the logs say of the whole run, each with a command ----

# hint TEXT COMMAND
hint() {
	note "hint: $1: $2"
}

# another OPTION ...: the command of the same run with these options, in another folder
another() {
	local word
	printf '%s -c %q -d %q' "$(calling)" "$run/run.conf" "${run%/}-2"
	for word; do
		if [[ $word == *\ * && $word != *[\'[:cntrl:]]* ]]; then
			printf " '%s'" "$word"
		else
			printf ' %q' "$word"
		fi
	done
}

# exploring WORD ...: with further options of its explorations
exploring() {
	another --explore-opts "${own_explore_opts:+$own_explore_opts }$*"
}

# said_of TEXT OPTION DEFAULT: its value in these options of explorations, where its name may be cut short
said_of() {
	local -a words
	local word value=$3 last=''
	words_of words --explore-opts "$1"
	for word in "${words[@]}"; do
		[[ $last != --?* || $2 != "$last"* ]] || value=$word
		[[ $word != --?*=* || $2 != "${word%%=*}"* ]] || value=${word#*=}
		last=$word
	done
	printf '%s\n' "$value"
}

# of_logs COLUMN SCALE [OPTION ...]: SCALE times the mean over all steps of the run, as a whole number;
# nothing where no log has it
of_logs() {
	log-stat -q --table totals --digits 0 -c "$1" --scale "$2" "${@:3}" "${logs[@]}" 2>/dev/null | of_column value |
		grep -v n/a || true
}

# hundredfold NUMBER
hundredfold() {
	local text mantissa power
	printf -v text %.15e "$1"
	mantissa=${text%e*} power=${text#*e}
	printf %g "${mantissa}e$((${power:0:1}10#${power:1} + 2))"
}

hints() {
	local -a logs
	[ -z "$quiet" ] || return 0
	logs_of "$run"
	[ ${#logs[@]} -gt 0 ] || return 0
	hint_reward
	hint_rate
	hint_length
	hint_verifier
}

# Where groups of equal reward are kept, a mean that never moves shows it; of a few steps it may be chance
hint_reward() {
	local kept rewards n said
	kept=$(of_logs groups_kept 1 --sum)
	rewards=$(log-stat -q -c reward --table steps "${logs[@]}" 2>/dev/null | of_column reward || true)
	n=$(wc -l <<<"$rewards")
	rewards=$(sort -u <<<"$rewards")
	if [[ $rewards =~ ^[-+0-9.e]+$ ]] && { [ "${kept:-1}" -eq 0 ] || [ "$n" -ge 5 ]; }; then
		said="the reward was $rewards all the time, and teaches nothing"
	elif [ "${kept:-1}" -eq 0 ]; then
		said="no problem had answers of differing reward in any step, and nothing was learned"
	else
		return 0
	fi
	hint "$said; what the verifier took for the answers" \
		"rloop view -o answers.html $(printf %q "$run/iter-$iterations/eval.traj")"
}

# Of several updates in a step the later ones see how far the earlier ones went
hint_rate() {
	local kl lr
	kl=$(of_logs kl_old 1e15)
	lr=$(said_of "$explore_opts" --lr 1e-6)
	if [[ $kl =~ ^[1-9][0-9]{0,5}$ && $lr =~ [1-9] ]]; then # below 1e-9
		hint "at the rate $lr the policy stayed where it was; with a hundred times that" \
			"$(exploring --lr "$(hundredfold "$lr")")"
	fi
}

# Where no response is as long as --max-new lets it be, it is the policy that holds no more
hint_length() {
	local cut most longest
	cut=$(of_logs truncated 100)
	[ "${cut:-0}" -ge 25 ] || return 0
	most=$(said_of "$explore_opts" --max-new 256)
	longest=$(log-stat -q -c longest --table steps "${logs[@]}" 2>/dev/null | of_column longest | sort -n | tail -n 1 || true)
	if [[ $longest =~ ^[0-9]{1,9}$ ]] && [ "$longest" -lt "$most" ]; then
		hint "$cut % of the responses were cut off at $longest tokens or less, where prompt and response fill the policy; its length is max_len" \
			"policy-init --info $(printf %q "$policy")"
		return
	fi
	cut="$cut % of the responses were cut off at --max-new $most"
	if [ -n "$(said_of "$own_explore_opts" --max-new '')" ]; then
		hint "$cut; with twice that" "$(exploring --max-new $((2 * most)))"
	else
		hint "$cut; with twice that" "$(another --max-new $((2 * most)))"
	fi
}

hint_verifier() {
	local share workers
	share=$(of_logs verifying_s:seconds 100)
	[ "${share:-0}" -ge 50 ] || return 0
	workers=$(said_of "$explore_opts" --workers 1)
	hint "the verifier took $share % of the explorations; with more copies of it" \
		"$(exploring --workers $((2 * workers)))"
}
