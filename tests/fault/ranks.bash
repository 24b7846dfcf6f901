# ranks.bash - a run of several processes, on this machine or on two network namespaces that stand for
# two hosts joined by a cable: begun, ended in some way, looked at. For ranks.sh and hosts.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # what the scripts read and have
#
# They are in the tree's folder. A run is in $tmp/FOLDER.
# shellcheck source=tests/mpi-env.bash
. tests/mpi-env.bash
root=$PWD
hosts=()

# set_up CHECK ...: skips the script where one of them, as why_no_ranks, finds something missing; then there
# are the folder $tmp, man-env.sh's folder $env, MPI and slow_verifier
set_up() {
	local why
	PATH=${BIN:=$PWD/build/bin}:$PATH
	why=$(for check; do $check; done)
	[ -z "$why" ] || {
		echo "skip: ${why//$'\n'/; }"
		exit 77
	}
	tmp=$(mktemp -d) || exit 4
	trap 'hosts_down; rm -rf "$tmp"' EXIT
	env=${TEST_ENV:-$tmp/env}
	tests/man-env.sh "$env" tasks base || exit 1
	mpi_env "$tmp"
	slow_verifier
}

# why_no_hosts: what is missing for two hosts
why_no_hosts() {
	local name
	[ "$(id -u)" = 0 ] || echo "two hosts: not as root"
	for name in ip nsenter unshare; do
		command -v $name >/dev/null || echo "two hosts: $name is not installed"
	done
	ip netns add "rl$$a" 2>/dev/null || { echo "two hosts: no network namespace may be made here" && return; }
	# in a chroot one can be made and not entered
	ip -n "rl$$a" link set lo up 2>/dev/null || echo "two hosts: no network namespace may be entered here"
	ip netns del "rl$$a"
}

# hosts_up: the hosts are rl$$a and rl$$b; $tmp/in HOST COMMAND ... runs it there, as ssh would
hosts_up() {
	local h
	hosts=(rl$$a rl$$b)
	for h in "${hosts[@]}"; do
		ip netns add "$h" && ip -n "$h" link set lo up || return 1
	done
	ip link add cable netns "${hosts[0]}" type veth peer name cable netns "${hosts[1]}" &&
		ip -n "${hosts[0]}" addr add 10.9.0.1/24 dev cable &&
		ip -n "${hosts[1]}" addr add 10.9.0.2/24 dev cable && cable up || return 1
	# (a host's own name: Open MPI would take two of one name for one machine)
	cat >"$tmp/in" <<-'END'
		#!/bin/sh
		h=$1
		shift
		exec nsenter --net=/run/netns/"$h" unshare --uts sh -c 'hostname "$0" && exec sh -c "$*"' "$h" "$@"
	END
	chmod +x "$tmp/in"
}

hosts_down() {
	local h
	for h in "${hosts[@]}"; do
		ip netns del "$h" 2>/dev/null
	done
}

cable() { # up|down
	local h
	for h in "${hosts[@]}"; do
		ip -n "$h" link set cable "$1" || return 1
	done
}

# slow_verifier: so that a run's steps take their time and have children; tasks for it
slow_verifier() {
	cat >"$tmp/verifier.sh" <<-'END'
		#!/bin/sh
		while read -r l; do
			sleep 0.01
			echo "{\"reward\":$((${#l} % 2))}"
		done
	END
	chmod +x "$tmp/verifier.sh"
	jq -c 'del(.verifier)' "$env/train.jsonl" >"$tmp/train.jsonl"
	run=(rl-explore -q -p "$env/base" -t "$tmp/train.jsonl" -n 24 --groups 4 --group-size 4 --rounds 2
		--max-new 12 --lr 1e-3 --warmup 3 --minibatches 1 --lanes 3 --log log --state st
		--checkpoint-every 2 -o out --verifier "cmd:$tmp/verifier.sh")
}

# begin FOLDER WHERE N: the run goes on, in the background, with N processes: here, or by turns on both
# hosts. Its first process is $pid; a vanished host is noticed within seconds.
begin() {
	local -a launch=(mpirun -np "$3" --bind-to none)
	[ "$3" != 1 ] || [ "$2" != here ] || launch=()
	[ "$2" = here ] || launch=(nsenter --net="/run/netns/${hosts[0]}" unshare --uts
		sh -c 'hostname "$0" && exec "$@"' "${hosts[0]}" "${launch[@]}" --map-by node
		--host "${hosts[0]}:4,${hosts[1]}:4" --mca plm_rsh_agent "$tmp/in"
		--mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 2)
	mkdir -p "$tmp/$1"
	(cd "$tmp/$1" && exec "${launch[@]}" "${run[@]}" --stream "$tmp/$1/s.traj") >"$tmp/out" 2>&1 &
	pid=$!
}

# ranks_of FOLDER: its processes, those on the second host too
ranks_of() {
	pgrep -f -- "^[^ ]*rl-explore .*--stream $tmp/$1/"
}

steps_of() { # FOLDER
	{ cat "$tmp/$1/log" 2>/dev/null || true; } | wc -l
}

# gone: within ten seconds no rank, verifier or launcher's daemon of this test is left
gone() {
	local p
	for _ in {1..1000}; do
		p=$(pgrep -f -- "$tmp/verifier.sh|stream $tmp/|orted .*$tmp/|$tmp/in ")
		[ -n "$p" ] || return 0
		sleep 0.01
	done
	ps -o pid,ppid,pgid,args -p "${p//$'\n'/,}"
	return 1
}

# ended SECONDS: the status of $pid, when it has ended by itself in that time; else 1000: it was killed
ended() {
	local i
	for ((i = 0; i < $1 * 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	rc=1000
	kill -9 "$pid" 2>/dev/null || rc=0
	if [ $rc -eq 0 ]; then wait "$pid" 2>/dev/null || rc=$?; else wait "$pid" 2>/dev/null; fi
}

# files FOLDER: what a run leaves, but for times and the last checkpoint but one, which a stop may have made
files() {
	(cd "$tmp/$1" && find . -type f ! -name .lock ! -name state.json ! -name manifest \
		\( ! -path './st/*' -o -path './st/step-24/*' \) -printf '%P\n' | sort | while read -r f; do
		case $f in
		log) jq -cf "$root/tests/untimed.jq" log ;;
		*) cat "$f" ;;
		esac | sha256sum | sed "s|-|$f|"
	done)
}
