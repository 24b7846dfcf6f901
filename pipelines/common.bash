# common.bash - what the pipelines share: options, the run's folder and its lock, stages.
# shellcheck shell=bash disable=SC2034 # variables that options set by name
#
# A stage is complete when its result has its final name: it is written as X.part and renamed when
# the command's exit status was 0, so that a run that was stopped at any moment goes on with the
# first result that is not there. Within an exploration or a tuning it goes on from the state that
# the tool keeps until its stage is complete.

me="rloop ${0##*/}"
here=$(readlink -f "$0")
here=${here%/*}
# Tools on PATH come first, then those of the tree or the prefix that this script is in
export PATH=$PATH:$here/../build/bin:$here/../../bin
export LC_ALL=C.UTF-8 # numbers with a point, not a comma
# shellcheck source=pipelines/watch.bash
. "$here/watch.bash"

policy='' tasks='' eval_tasks='' run='' iterations=3 steps=100 seed=1 threads='' ks=1,4,8,16,32
samples=32 quiet='' explore_opts='' filter_opts='' tune_opts='' eval_opts='' eval_rl='' keep_traj=''
experts='' tune_from='' mix='' mix_last='' hindsight='' relabel_opts='' of='' weight='' keep_policies=''
temperatures='' validation=''
mpi='' strict='' verifier='' trust='' prompt_template='' max_new='' max_prompt='' lora='' # of several stages
set_name=test also_names=() also_files=() # of the first held-out set; further ones
at_temperatures=() # those that final policies are evaluated at, too, each as %g writes it
whole_length='' # where the number of iterations decides the result: that number
operands=()
# Commands with arguments, one a stage: see command_of
stage_EXPLORE=() stage_FILTER=() stage_TUNE=() stage_EVAL=() stage_PASSK=() stage_CAT=()
stage_MIX=() stage_RELABEL=()

die() { # STATUS MESSAGE
	printf '%s: %s\n' "$me" "$2" >&2
	exit "$1"
}

note() {
	[ -n "$quiet" ] || printf '%s: %s\n' "$me" "$1" >&2
}

# ---- options: a table of them is both --help and what is parsed ----

declare -A option_sets=() option_default=()
option_order=()
option_letters=h option_names=help,version option_help=''

# option [LETTER,]NAME WHAT ARGUMENT TEXT: the option sets the variable WHAT, or WHAT() is called with
# its value; without ARGUMENT, WHAT is VARIABLE=VALUE
option() {
	local name=${1#?,} letter='' line
	[ "$name" = "$1" ] || letter=${1%%,*}
	option_sets[--$name]=$2
	option_order+=("$name")
	case $2 in *=* | *"()") ;; *) option_default[$name]=${!2} ;; esac
	option_names+=,$name${3:+:}
	[ -z "$letter" ] || { option_sets[-$letter]=$2 && option_letters+=$letter${3:+:}; }
	printf -v line '  %3s --%-23s' "${letter:+-$letter,}" "$name${3:+ $3}"
	[ ${#line} -eq 31 ] || printf -v line '%s\n%31s' "$line" ''
	option_help+=$line${4//$'\n'/$'\n                               '}$'\n'
}

usage_options() {
	printf '%s  -h, --help                   this text\n      --version                the version\n' "$option_help"
}

takes_value() { # OPTION
	[[ ${option_sets[$1]} != *=* ]]
}

set_option() { # OPTION VALUE
	local sets=${option_sets[$1]}
	case $sets in
	*=*) printf -v "${sets%%=*}" %s "${sets#*=}" ;;
	*"()") "${sets%"()"}" "$2" ;;
	*) printf -v "$sets" %s "$2" ;;
	esac
}

# stage_options: where those of a single stage belong
stage_options() {
	[ -z "${option_sets[--explore-opts]:-}" ] ||
		printf '; an option of rl-explore, as --lr, is a word of --explore-opts, one of rft-tune of --tune-opts'
}

# take_options ARGUMENT ...: what they say, after the files that they name; the others are operands
take_options() {
	local parsed i
	local -a names=() values=()
	parsed=$(getopt -n "$me" -o "$option_letters" -l "$option_names" -- "$@") || die 2 "see $me --help$(stage_options)"
	eval set -- "$parsed"
	while [ "$1" != -- ]; do
		case $1 in
		-h | --help) usage && exit 0 ;;
		--version) exec "$here/rloop" --version ;;
		esac
		names+=("$1")
		if takes_value "$1"; then shift && values+=("$1"); else values+=(''); fi
		if [ "${option_sets[${names[-1]}]}" = "read_conf()" ]; then
			read_conf "$1"
			unset 'names[-1]' 'values[-1]'
		fi
		shift
	done
	shift
	operands=("$@")
	said_by=line
	for i in "${!names[@]}"; do
		set_option "${names[i]}" "${values[i]}"
	done
}

# ---- options in a file: one a line, "steps 20", "--steps 20", "-n 20" or "steps = 20" ----

of_others='' left_out='' # what the run.conf of another pipeline may name besides; what of that a file named
said_by=line held_by='' # a file or the command line: the latter's held-out sets are instead of the former's

read_conf() { # FILE
	local line n=0
	[ -f "$1" ] && [ -r "$1" ] || die 3 "$1: no such file"
	said_by=file
	while IFS= read -r line || [ -n "$line" ]; do
		n=$((n + 1))
		[[ $line =~ ^[[:space:]]*(#.*)?$ ]] || conf_option "$1: line $n" "${line%$'\r'}"
	done <"$1"
}

conf_option() { # WHERE LINE
	local name value separator form='^[[:space:]]*(-?-?[A-Za-z][A-Za-z0-9-]*)([[:space:]]*=[[:space:]]*|[[:space:]]*)(.*)$'
	[[ $2 =~ $form ]] || die 2 "$1: neither an option nor a comment"
	name=${BASH_REMATCH[1]} value=${BASH_REMATCH[3]}
	[[ $name == -* ]] || name=--$name
	if [ -z "${option_sets[$name]:-}" ] && [[ $of_others == *" ${name#--} "* ]]; then
		left_out+=" ${name#--}"
		return
	fi
	case ${option_sets[$name]:-read_conf()} in
	"read_conf()") die 2 "$1: ${name#--}: no option of $me in a file (one of a stage is a word of explore-opts and its like)" ;;
	esac
	separator=${BASH_REMATCH[2]}
	value=$(plain "$value")
	value=${value%.} # so that line ends at the end stay
	if takes_value "$name"; then
		[ -n "$separator" ] || die 2 "$1: ${name#--}: its value is missing"
	else
		[ -z "$value" ] || die 2 "$1: ${name#--}: takes no value"
	fi
	set_option "$name" "$value"
}

# plain TEXT: without the comment behind it and without quotes around it
plain() {
	local text=$1 quote
	if [[ $text =~ ^\$\'(.*)\'[[:space:]]*$ ]]; then
		printf '%b.' "${BASH_REMATCH[1]//\\\'/\'}"
		return
	fi
	for quote in '"' "'"; do
		if [[ $text =~ ^$quote(.*)$quote([[:space:]]+#.*|[[:space:]]*)$ ]]; then
			printf '%s.' "${BASH_REMATCH[1]}"
			return
		fi
	done
	[[ ! $text =~ ^# ]] || text=''
	text=${text%%[[:space:]]#*}
	printf '%s.' "${text%"${text##*[![:space:]]}"}"
}

# quoted TEXT: what plain makes TEXT of
quoted() {
	if [[ $1 == *[[:cntrl:]]* ]]; then
		printf '%q\n' "$1"
	elif [[ $1 =~ ^$|^[\"\'\$=#[:space:]]|[[:space:]]$|[[:space:]]# ]]; then
		printf "'%s'\n" "$1"
	else
		printf '%s\n' "$1"
	fi
}

# conf_text: all options as they are now, as read_conf takes them
conf_text() {
	local name sets i
	for name in "${option_order[@]}"; do
		sets=${option_sets[--$name]}
		case $sets in
		"read_conf()") ;;
		"held_out()")
			printf 'eval-tasks %s\n' "$(quoted "$set_name=$(realpath -m "$eval_tasks")")"
			for i in "${!also_names[@]}"; do
				printf 'eval-tasks %s\n' "$(quoted "${also_names[i]}=$(realpath -m "${also_files[i]}")")"
			done
			;;
		*=*)
			sets=${sets%%=*}
			[ -z "${!sets}" ] || printf '%s\n' "$name"
			;;
		policy | tasks | run | of | validation)
			[ -z "${!sets}" ] ||
				printf '%s %s\n' "$name" "$(quoted "$(realpath -m "${!sets}")")"
			;;
		*)
			[ -z "${!sets}${option_default[$name]}" ] ||
				printf '%s %s\n' "$name" "$(quoted "${!sets}")"
			;;
		esac
	done
}

# calling: this command, with the user's own commands of stages before it
calling() {
	local name program
	for name in EXPLORE RELABEL FILTER TUNE MIX EVAL PASSK CAT; do
		[ -z "${!name:-}" ] || printf '%s=%q ' "$name" "${!name}"
	done
	program=$(command -v rloop || true)
	if [ "$(readlink -f "$program")" = "$here/rloop" ]; then
		program=rloop
	else
		program=$(printf %q "$here/rloop")
	fi
	printf '%s %s\n' "$program" "${me#rloop }"
}

# again: the command that goes on with the run
again() {
	printf '%s -c %q\n' "$(calling)" "$(realpath "$run")/run.conf"
}

default_temperatures=1,.7,.5,.35,.25

# run_options: those of every script that trains
run_options() {
	option c,config 'read_conf()' FILE 'options, one a line; those of the command line win'
	option p,policy policy DIR 'policy to begin with'
	option t,tasks tasks FILE 'tasks to train on'
	option e,eval-tasks 'held_out()' FILE 'held-out tasks; again, as NAME=FILE: further held-out sets'
	option d,dir run DIR 'the folder of what comes of it; what was stopped goes on'
	option i,iterations iterations N "iterations [$iterations]"
	option n,steps steps N "RL steps an iteration [$steps]"
	option j,threads threads N "threads of each stage (${threads:-what each tool takes})"
	option k,ks ks LIST "k of pass@k [$ks]"
	option N,samples samples N "samples a task in evaluations [$samples]"
	option verifier verifier NAME 'of explorations and evaluations; as of rl-explore'
	option trust trust=1 '' 'of those two, too'
	option prompt-template prompt_template TEXT 'of those two, too'
	option max-new max_new N 'of those two, too'
	option max-prompt max_prompt N 'of those two, too'
	option lora lora R 'of explorations and tunings'
	option explore-opts explore_opts OPTIONS 'further options of rl-explore'
	option tune-opts tune_opts OPTIONS 'further options of rft-tune'
	option eval-opts eval_opts OPTIONS 'further options of policy-eval; quotes in all of these hold
words together: "--verifier '\''cmd:python3 judge.py'\''"'
	option validation validation FILE 'tasks to choose a temperature on: final policies are evaluated
on them and on the held-out sets at each of --temperatures'
	option temperatures temperatures LIST "with --validation [$default_temperatures]"
	option mpi mpi COMMAND 'what starts the processes that share out explorations,
tunings and evaluations, as "mpirun -np 4" or "srun --mpi=pmix"'
	option strict strict=1 '' 'refuse held-out tasks that are among the tasks to train on'
	option q,quiet quiet=-q '' 'no notes'
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
	if [ "$said_by$held_by" = linefile ]; then
		eval_tasks='' set_name=test also_names=() also_files=()
	fi
	held_by=$said_by
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
	[ -d "$policy" ] || die 3 "$policy: no such policy folder (a GGUF becomes one by policy-convert, a fresh one is made by policy-init)"
	for file in "$tasks" "$eval_tasks" ${also_files[@]+"${also_files[@]}"}; do
		[ -f "$file" ] || die 3 "$file: no such file"
	done
}

# check_options: those of run_options
check_options() {
	local lacks=''
	[ -n "$policy" ] || lacks+=' -p'
	[ -n "$tasks" ] || lacks+=' -t'
	[ -n "$eval_tasks" ] || lacks+=' -e'
	[ -n "$run" ] || lacks+=' -d'
	[ -z "$lacks" ] || die 2 "-p, -t, -e and -d are needed (see $me --help):$lacks is missing"
	whole --iterations "$iterations"
	whole --steps "$steps"
	whole --samples "$samples"
	[ -z "$threads" ] || whole --threads "$threads"
	[[ $ks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || die 2 "--ks: '$ks' is no list of numbers"
	check_launcher
	check_temperatures
	conf=$(conf_text)
	own_explore_opts=$explore_opts
	hand_shared
	check_owned ""
}

# check_temperatures: at_temperatures, where there are problems to choose one on
check_temperatures() {
	local t
	[ -n "$validation$temperatures" ] || return 0
	[ -n "$validation" ] || die 2 "--temperatures: which is best is chosen on problems of their own: --validation FILE"
	case " $set_name ${also_names[*]} " in
	*" validation "*) die 2 "--validation: no held-out set of --eval-tasks may have that name" ;;
	esac
	[ -f "$validation" ] || die 3 "$validation: no such file"
	at_temperatures=()
	while IFS= read -r -d , t; do
		[[ $t =~ ^([0-9]{1,2}|[0-9]{0,2}\.[0-9]{1,4})$ ]] || die 2 "--temperatures: '$t' is no number from 0.01 to 99"
		printf -v t %g "$t"
		[[ $t != 0 && $t != 0.00* ]] || die 2 "--temperatures: $t is below 0.01"
		[[ " ${at_temperatures[*]} " != *" $t "* ]] || die 2 "--temperatures: $t stands twice"
		at_temperatures+=("$t")
	done <<<"${temperatures:-$default_temperatures},"
}

# parse_options ARGUMENT ...: those of one run; the script has added its own
parse_options() {
	run_options
	option s,seed seed N "seed [$seed]"
	of_others=' experts tune-from mix mix-last hindsight relabel-opts eval-rl filter-opts keep-policies keep-traj of weight '
	take_options "$@"
	[ -z "$left_out" ] || note "left out of the file, as no option of $me:$left_out"
	[ ${#operands[@]} -eq 0 ] || die 2 "${operands[0]}: no operand is expected (see $me --help)"
	check_options
	[[ $seed =~ ^(0|[1-9][0-9]{0,14})$ ]] || die 2 "--seed: '$seed' is not a whole number"
	[ -z "$keep_policies" ] || whole --keep-policies "$keep_policies"
	check_files
}

line_end=$'\x01' # stands for one in a value that is handed to a stage: RUN/options has a line for each

# hand OPTION VALUE STAGE ...: to these stages, before what is said to one of them; no value: not given
hand() {
	local stage text=$1 value=${2//$'\n'/$line_end} quote="'\\''"
	[ -n "$2" ] || return 0
	[ "$1" = --trust ] || text+=" '${value//"'"/$quote}'"
	for stage in "${@:3}"; do
		local -n opts=${stage}_opts
		opts="$text $opts"
	done
}

hand_shared() {
	hand --prompt-template "$prompt_template" explore eval
	hand --lora "$lora" explore tune
	hand --max-new "$max_new" explore eval
	hand --max-prompt "$max_prompt" explore eval
	hand --verifier "$verifier" explore eval
	hand --trust "$trust" explore eval
}

# owned OPTION TEXT LETTERS NAME ...: dies where TEXT has one of these, which the pipeline gives itself
owned() {
	local word name words
	words_of words "$1" "$2"
	for word in "${words[@]}"; do
		[[ ! $word =~ ^-q*[$3] ]] || die 2 "$1: $word: the pipeline gives this one itself"
		[[ $word == --?* ]] || continue
		word=${word%%=*}
		for name in "${@:4}"; do # options may be cut short
			[[ --$name != "$word"* ]] ||
				die 2 "$1: $word: the pipeline gives --$name itself (see $me --help)"
		done
	done
}

# check_owned [WHOSE]: in the further options of the stages
check_owned() {
	owned "$1--explore-opts" "$explore_opts" ptnso policy tasks steps seed output iter log state \
		stream save-every save-to
	owned "$1--tune-opts" "$tune_opts" pso policy seed output log state
	owned "$1--eval-opts" "$eval_opts" ptns policy tasks samples seed step iter
}

# words_of ARRAY WHAT TEXT: the words of TEXT; quotes and backslashes hold one together
words_of() {
	local -n into=$1
	local rest=$3 word='' begun='' blank=$' \t\n'
	into=()
	while [ -n "$rest" ]; do
		if [[ $rest =~ ^[$blank]+ ]]; then
			[ -z "$begun" ] || into+=("${word//"$line_end"/$'\n'}")
			word='' begun=''
		elif [[ $rest =~ ^[^$blank\'\"\\]+ ]]; then
			word+=$BASH_REMATCH begun=1
		elif [[ $rest =~ ^(\'([^\'$'\n']*)\'|\"([^\"$'\n']*)\"|\\(.)) ]]; then
			word+=${BASH_REMATCH[2]}${BASH_REMATCH[3]}${BASH_REMATCH[4]} begun=1
		else
			die 2 "$2: a quote without its other: $3"
		fi
		rest=${rest:${#BASH_REMATCH}}
	done
	[ -z "$begun" ] || into+=("${word//"$line_end"/$'\n'}")
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

check_launcher() {
	words_of launcher --mpi "$mpi"
	[ ${#launcher[@]} -eq 0 ] || command -v "${launcher[0]}" >/dev/null ||
		die 4 "--mpi: ${launcher[0]}: no such command"
}

# contents NAME FILE ...: what is in the files, wherever they are and whenever they were written
contents() {
	local sum
	sum=$(cat -- "${@:2}" | b2sum -l 128) || exit 4
	printf '%s=contents %s\n' "$1" "${sum%% *}"
}

policy_text() {
	local -a files=("$policy"/*.safetensors)
	if [ -e "${files[0]}" ]; then
		[ ! -e "$policy/config.json" ] || files+=("$policy/config.json")
		[ ! -e "$policy/tokenizer.json" ] || files+=("$policy/tokenizer.json")
		contents policy "${files[@]}"
	else
		printf 'policy=%s\n' "$policy"
	fi
}

sets_text() {
	local i
	contents eval_tasks "$eval_tasks"
	for i in "${!also_names[@]}"; do
		contents "eval_tasks ${also_names[i]}" "${also_files[i]}"
	done
}

of_text() { # the run that this one is made of
	if [ -e "$of/options" ]; then contents of "$of/options"; else printf 'of=%s\n' "$of"; fi
}

# What decides the run's result; -i and -j may change from one call to the next
options_text() {
	local name=${me#rloop }
	printf 'pipeline=%s\n' "${name/#run/rloop}"
	[ -z "$whole_length" ] || printf 'iterations=%s\n' "$whole_length"
	for name in steps seed ks samples explore_opts filter_opts tune_opts eval_opts eval_rl \
		keep_traj \
		stage_EXPLORE stage_FILTER stage_TUNE stage_EVAL stage_PASSK; do
		local -n value=$name
		printf '%s=%s\n' "$name" "${value[*]}"
	done
	policy_text
	contents tasks "$tasks"
	sets_text
	[ -z "$of" ] || of_text
	for name in experts tune_from mix weight mix_last hindsight relabel_opts stage_RELABEL; do
		local -n value=$name
		[ -z "${value[*]}" ] || printf '%s=%s\n' "$name" "${value[*]}"
	done
}

# kept: what the run has kept, results and checkpoints, one a line
kept() {
	find "$run" -mindepth 1 \( -name '*.part' -o -name '*.tmp-*' \) -prune -o \
		\( -type f -o -type l \) ! -path "$run/options" ! -path "$run/run.conf" \
		! -path "$run/summary.tsv" ! -path "$run/*similarity*" ! -name .lock ! -name .progress -printf '%P\n'
}

# that_count: the options on standard input that what is kept was made with
that_count() {
	local made
	made=$(kept)
	if [ -z "$made" ]; then
		cat >/dev/null
	elif grep -qv '^iter-0/' <<<"$made"; then
		cat
	else # of the policy given, evaluated
		grep -E '^(seed|ks|samples|eval_opts|stage_EVAL|stage_PASSK|policy|eval_tasks[^=]*)='
	fi
}

# same_options TEXT: what this function prints must be what it printed when what is kept was made
same_options() {
	if [ -e "$run/options" ]; then
		diff <(that_count <"$run/options") <("$1" | that_count) >&2 ||
			die 2 "$run was begun with other options (<, not >): take those, or another folder"
		! cmp -s "$run/options" <("$1") || return 0
		find "$run" -mindepth 1 \( -name '*.part' -o -name '*.tmp-*' -o -name '*.state' \) \
			-prune -exec rm -rf {} +
	fi
	"$1" >"$run/options.part"
	mv "$run/options.part" "$run/options"
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
	[ -z "$validation" ] || validation=$(realpath "$validation")
	check_validation
	mkdir -p "$run" || exit 4
	# Stages inherit the lock, so that no two ever write; one whose script was killed dies soon
	exec 9>>"$run/.lock" || exit 4
	flock -w 5 9 || die 4 "$run is in use by process $(head -n 1 "$run/.lock") or a stage it started"
	rm -f "$run/.progress" # of a call that was killed
	mark begin
	same_options options_text
	printf '# %s, version %s; to go on or to see that all is done:\n# %s\n%s\n' \
		"$me" "$("$here/rloop" --version | cut -d ' ' -f 2)" "$(again)" "$conf" >"$run/run.conf.part"
	keep "$run/run.conf"
	trap stopped INT
	common=(${quiet:+-q} ${threads:+-j "$threads"})
}

# is_running FOLDER: a pipeline has its lock
is_running() {
	[ -e "$1/.lock" ] && ! flock -n -s "$1/.lock" true
}

# mark STAGE: where the run is now, for status, behind the process that is there
mark() {
	stage=$1
	[ ! -e "$run/.lock" ] || printf '%s\n' $$ "$stage" >"$run/.lock"
}

# stopped: of a ctrl-C, which the stage has had, too
stopped() {
	trap - INT
	printf '%s: stopped in %s; what is complete is kept in %s. To go on: %s\n' "$me" "$stage" "$run" "$(again)" >&2
	kill -INT $$
}

# disk_note N: what N policies of trained weights take at most: those are float32, whatever -p has
disk_note() {
	local bytes
	[[ " $explore_opts $tune_opts " != *" --lora"[\ =]* ]] || return 0 # adapters are small
	bytes=$(($({ stat -Lc %s "$policy"/*.safetensors 2>/dev/null || echo 0; } | paste -s -d +)))
	! head -qc 4096 "$policy"/*.safetensors 2>/dev/null | grep -aqE '"dtype": ?"B?F16"' ||
		bytes=$((2 * bytes))
	[ "$bytes" -gt 0 ] || return 0
	note "disk: $1 policies of up to $(numfmt --to=si --suffix=B "$bytes") each"
}

# remedy ARGUMENT ...: what to do when a stage says that its input is not what it should be
remedy() {
	local arg last='' from=$policy maybe=()
	for arg; do
		case $arg in
		*.part) ;;
		"$run"/*.traj)
			if traj-cat --check "$arg" >/dev/null 2>&1; then
				maybe+=("$arg")
			elif [ -e "$arg" ]; then
				printf '; %s is damaged: remove it, and the same call makes it again' "$arg"
				return
			fi
			;;
		"$run"/*) [ ! -e "$arg" ] || [ "$last" = --log ] || maybe+=("$arg") ;;
		esac
		[ "$last" != -p ] || from=$arg
		last=$arg
	done
	if [ ${#maybe[@]} -eq 0 ]; then
		printf '; when what it says is mended, the same call goes on'
	else
		printf '; if that is about options or tasks, go on with others from the same policy, which keeps all that is here: %s' \
			"$(another -p "$from")"
		printf '; if it is about %s: remove it, and the same call makes it anew' "${maybe[*]}"
	fi
}

# ---- ranks: the processes that --mpi starts, which share out the work of a stage ----

# The stages that can be shared out, where they are these tools
declare -A of_ranks=([EXPLORE]=rl-explore [TUNE]=rft-tune [EVAL]=policy-eval)
launcher=() # words of --mpi

has_ranks() { # STAGE
	[ ${#launcher[@]} -gt 0 ] && [ -n "${of_ranks[$1]:-}" ] && is_ours "$1" "${of_ranks[$1]}"
}

# ranks COMMAND ...: in a session of its own, as a terminal's ctrl-C makes mpirun kill its ranks. USR1
# it passes on: they save their state, and that is waited for. Its standard output may not be used.
ranks() {
	local rc n before pid told=()
	before=$(trap -p INT)
	setpriv --pdeathsig USR1 setsid "${launcher[@]}" "$(type -P "$1")" "${@:2}" >&2 &
	pid=$!
	trap 'tell_ranks INT' INT
	trap 'tell_ranks TERM' TERM
	while n=${#told[@]} rc=0; wait $pid || rc=$?; [ "$n" -lt ${#told[@]} ]; do :; done
	trap - TERM
	eval "${before:-trap - INT}"
	[ ${#told[@]} -eq 0 ] || kill -"${told[0]}" $$
	return $rc
}

tell_ranks() { # SIGNAL that this script was sent; the second one ends the ranks at once
	kill -"$([ ${#told[@]} -gt 0 ] && echo TERM || echo USR1)" $pid 2>/dev/null || true
	told+=("$1")
}

# run_stage NAME STAGE ARGUMENT ...: dies when it fails; a killed script takes its stage along
run_stage() {
	local name=$1 rc=0
	local -n words=stage_$2
	mark "$name"
	note "$name"
	watch_stage "$name"
	if has_ranks "$2"; then
		ranks "${words[@]}" "${@:3}" || rc=$?
	else
		setpriv --pdeathsig TERM "${words[@]}" "${@:3}" || rc=$?
	fi
	remove "$run/.progress"
	[ $rc -ne 2 ] || die 2 "$name: ${words[0]##*/}: exit status 2: take other options$([ -z "$(kept)" ] || echo ' and another folder')"
	[ $rc -ne 3 ] || die 3 "$name: ${words[0]##*/}: exit status 3$(remedy "${words[@]:1}" "${@:3}")"
	[ $rc -eq 0 ] || die $rc "$name: ${words[0]##*/}: exit status $rc; the same call goes on from here"
	watch_end "$name"
}

# to_file NAME FILE STAGE ARGUMENT ...: the stage's standard output becomes FILE, or its --stream
to_file() {
	local name=$1 file=$2
	local -a to=()
	[ ! -e "$file" ] || return 0
	! has_ranks "$3" || to=(--stream "$file.part")
	run_stage "$name" "$3" ${to[@]+"${to[@]}"} "${@:4}" >"$file.part"
	keep "$file"
}

# remove FILE ...: those that are there
remove() {
	local file
	local -a there=()
	for file; do
		if [ -e "$file" ] || [ -L "$file" ]; then there+=("$file"); fi
	done
	[ ${#there[@]} -eq 0 ] || rm -rf "${there[@]}"
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
	remove "$5.part" "$5.part".tmp-*
	run_stage "$1" MIX ${quiet:+-q} -w "$2" "$3" "$4" -o "$5.part"
	keep "$5"
}

# evaluate I POLICY [PREFIX [OPTION ...]]: iter-I/PREFIXeval.traj and PREFIXpass-at-k.tsv, and the same
# for each further held-out set, PREFIXNAME-eval.traj and so on
evaluate() {
	local i
	evaluate_on "$1" "$2" "${3:-}" "$eval_tasks" "${@:4}"
	for i in "${!also_names[@]}"; do
		evaluate_on "$1" "$2" "${3:-}${also_names[i]}-" "${also_files[i]}" "${@:4}"
	done
}

# evaluate_on I POLICY PREFIX TASKS [OPTION ...]
evaluate_on() {
	local dir=$run/iter-$1 prefix=$3 more
	words_of more --eval-opts "$eval_opts"
	# the policy given, once: are these problems trained on?
	[ "$1" != 0 ] || [ $# -gt 4 ] || ! is_ours EVAL policy-eval || [ -z "$tasks" ] ||
		more+=(--leak-check "$tasks" ${strict:+--strict})
	to_file "iter-$1 ${prefix}eval" "$dir/${prefix}eval.traj" EVAL "${common[@]}" \
		-p "$2" -t "$4" -n "$samples" -s "$seed" --iter "$1" --step $(($1 * steps)) \
		"${more[@]}" "${@:5}"
	to_file "iter-$1 ${prefix}pass-at-k" "$dir/${prefix}pass-at-k.tsv" PASSK \
		${quiet:+-q} -k "$ks" "$dir/${prefix}eval.traj"
	{ read -r && read -r; } <"$dir/${prefix}pass-at-k.tsv" ||
		die 3 "$dir/${prefix}pass-at-k.tsv is damaged: remove it, and the same call makes it again"
}

# ---- a final policy at several temperatures ----

# check_validation: its problems are none of those that the chosen temperature is then judged on, and,
# as those, better none to train on
check_validation() {
	local file
	[ -n "$validation" ] && is_ours EVAL policy-eval || return 0
	for file in "$eval_tasks" ${also_files[@]+"${also_files[@]}"}; do
		leaks_no_problem "$file" --strict
	done
	leaks_no_problem "$tasks" ${strict:+--strict}
}

# leaks_no_problem FILE [--strict]: of the validation set into it
leaks_no_problem() {
	"${stage_EVAL[@]}" -q -p "$policy" -t "$validation" --count-tokens --leak-check "$1" "${@:2}" >/dev/null || exit
}

# evaluate_final I POLICY [PREFIX]: for each temperature T iter-I/tT/PREFIXvalidation-eval.traj, and of
# the held-out sets what evaluate makes, made anew but where iter-I has it at this temperature
evaluate_final() {
	local t usual dir
	usual=$(said_of "$eval_opts" --temperature 1)
	printf -v usual %g "$usual"
	for t in ${at_temperatures[@]+"${at_temperatures[@]}"}; do
		dir=$run/iter-$1/t$t
		mkdir -p "$dir"
		same_validation "$dir/validation.of"
		evaluate_on "$1" "$2" "t$t/${3:-}validation-" "$validation" --temperature "$t"
		[ "$t" != "$usual" ] || ! is_ours EVAL policy-eval || link_evaluations "$run/iter-$1" "$dir" "${3:-}"
		evaluate "$1" "$2" "t$t/${3:-}" --temperature "$t"
	done
}

# same_validation FILE: what says of which problems the validation set was made is of those of now
same_validation() {
	[ -e "$1" ] || { contents validation "$validation" >"$1.part" && keep "$1"; }
	[ "$(cat "$1")" = "$(contents validation "$validation")" ] ||
		die 2 "$1: the temperatures were tried on other problems than those of $validation: take those, or another folder"
}

link_evaluations() { # FROM TO PREFIX
	local name file
	for name in '' ${also_names[@]+"${also_names[@]/%/-}"}; do
		for file in "$3${name}eval.traj" "$3${name}pass-at-k.tsv"; do
			[ -e "$2/$file" ] || ln "$1/$file" "$2/" 2>/dev/null || { cp "$1/$file" "$2/$file.part" && keep "$2/$file"; }
		done
	done
}

# temperature_rows SET POLICY PREFIX: of those files of the last iteration, a row for each temperature
temperature_rows() {
	local t
	for t in "${at_temperatures[@]}"; do
		printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$t" \
			"$(across 6 "$run/iter-$iterations/t$t/$3pass-at-k.tsv")"
	done
}

temperature_table() {
	local policy name prefix
	printf 'set\tpolicy\ttemperature\t%s\n' "$(across 5 "$run/iter-0/pass-at-k.tsv")"
	for policy in final ${eval_rl:+rl}; do
		prefix=${policy#final}
		prefix=${prefix:+rl-}
		temperature_rows "$set_name" "$policy" "$prefix"
		temperature_rows validation "$policy" "${prefix}validation-"
		for name in ${also_names[@]+"${also_names[@]}"}; do
			temperature_rows "$name" "$policy" "$prefix$name-"
		done
	done
}

# try_temperatures: what comes behind the last iteration where there are problems to choose one on, and
# RUN/temperatures.tsv, which says what came of it
try_temperatures() {
	[ ${#at_temperatures[@]} -gt 0 ] || return 0
	evaluate_final "$iterations" "$run/iter-$iterations/policy"
	[ -z "$eval_rl" ] || evaluate_final "$iterations" "$run/iter-$iterations/rl-policy" rl-
	temperature_table >"$run/temperatures.tsv.part"
	keep "$run/temperatures.tsv"
}

# rows STREAM: the number of its trajectories; a bare stream of none is empty
rows() {
	if [ -s "$1" ]; then "${stage_CAT[@]}" -c task "$1" | wc -l; else echo 0; fi
}

# of_column NAME: a column of the table on standard input, without its header
of_column() {
	local -a names
	local i
	IFS=$'\t' read -ra names
	for i in "${!names[@]}"; do
		[ "${names[i]}" != "$1" ] || { cut -f $((i + 1)) && return; }
	done
	return 1
}

# across N FILE: the Nth column of the table FILE, without its header, as one line
across() {
	local -a cells
	local IFS=$'\t'
	mapfile -t cells < <(cut -f "$1" "$2")
	printf '%s\n' "${cells[*]:1}"
}

# reward I: mean training reward of the last ten RL steps that iteration I made
reward() {
	local log=$run/iter-$1/explore.log from=1 mean=''
	[ -e "$log" ] || { log=$run/explore.log from=$((($1 - 1) * steps + 1)); }
	[ ! -e "$log" ] || mean=$(sed -n "$from,$((from + steps - 1))p" "$log" |
		log-stat -q --smooth 10 --digits 3 | of_column value | tail -n 1)
	echo "${mean:--}"
}

# relabelled STREAM: how many of its trajectories are
relabelled() {
	if [ -s "$1" ]; then "${stage_CAT[@]}" -c relabelled "$1" | grep -c . || true; else echo 0; fi
}

# row I POLICY REWARD EXPERTS TSV: one row of the summary. With --hindsight, EXPERTS are two columns
row() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" $(($1 * steps)) "$2" "$3" "$4" \
		"$(across 6 "$5")"
}

# summary_table N [WHAT]: a row for each policy that was evaluated, up to iteration N. WHAT the policies
# are; without it, rft where there are experts, else rl
summary_table() {
	local i dir experts reward none=-${hindsight:+$'\t-'}
	printf 'iter\trl_steps\tpolicy\treward\texpert\t%s%s\n' "${hindsight:+relabelled$'\t'}" \
		"$(across 5 "$run/iter-0/pass-at-k.tsv")"
	row 0 base - "$none" "$run/iter-0/pass-at-k.tsv"
	for ((i = 1; i <= $1; i++)); do
		dir=$run/iter-$i
		experts=$none reward=$(reward $i)
		if [ -e "$dir/rl-pass-at-k.tsv" ]; then
			row $i rl "$reward" "$none" "$dir/rl-pass-at-k.tsv"
		fi
		[ ! -e "$dir/expert.traj" ] ||
			experts=$(rows "$dir/expert.traj")${hindsight:+$'\t'$(relabelled "$dir/expert.traj")}
		row $i "${2:-$([ "$experts" = "$none" ] && echo rl || echo rft)}" "$reward" "$experts" \
			"$dir/pass-at-k.tsv"
	done
}

# write_summary N [WHAT]: RUN/summary.tsv
write_summary() {
	summary_table "$@" >"$run/summary.tsv.part"
	keep "$run/summary.tsv"
}

# summary_so_far I [WHAT]: iteration I is complete: it is in the summary, if it was not
summary_so_far() {
	[ "$run/summary.tsv" -nt "$run/iter-$1/pass-at-k.tsv" ] || write_summary "$@"
}

# summary [WHAT]: of the whole run, on standard output too
summary() {
	write_summary "$iterations" "$@"
	mark done
	cat "$run/summary.tsv"
	hints
}
