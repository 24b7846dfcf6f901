#!/bin/bash
# numbers.sh - NaN and infinity in loss, gradient, weight, logit and reward (RLOOP_FAULT of test builds,
# see base/fault.h): they are never applied and never saved, they are counted and told, and after five
# in a row a run stops with the last good weights. Other builds must not have the hook: that is tested
# with them; checks/san calls this with a test build.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
if ! grep -q RLOOP_FAULT "$BIN/rl-explore"; then
	if grep -l RLOOP_FAULT "$BIN"/*; then
		echo "not ok 1 - no hook of test builds in any tool"
		exit 1
	fi
	echo "ok 1 - no hook of test builds in any tool"
	exit 0
fi
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" || exit 1
cd "$tmp" || exit 4

said() { # NAME: the status before it
	local rc=$?
	result $rc "$1" "$([ $rc -eq 0 ] || cat err log 2>/dev/null)"
}

again() { # [OPTION ...]
	rl-explore -p "$env/base" -t "$env/train.jsonl" -n 6 -j 1 --groups 2 --group-size 6 \
		--minibatches 2 --max-new 8 --lr 1e-3 --log log -o out --stream s.traj "$@"
}

explore() { # FAULT [OPTION ...]
	local fault=$1
	shift
	rm -rf out out.last-good st log s.traj
	RLOOP_FAULT=$fault again "$@" 2>err
}

tune() { # FAULT [OPTION ...]
	local fault=$1
	shift
	rm -rf out out.last-good st log
	RLOOP_FAULT=$fault rft-tune -p "$env/base" -o out --log log --steps 12 --batch 8 --lr 1e-3 \
		"$@" "$env/run.traj" 2>err
}

loads() { policy-init --info "$1" >/dev/null 2>>err; }
skipped() { [ "$(jq -s 'map(.skipped) | add' log)" -eq "$1" ]; }

for what in loss:nan loss:inf gradient:nan gradient:inf; do
	explore "$what:3" && loads out && skipped 1 && grep -q "1 updates were not finite" err
	said "rl-explore: one $what is left out, counted and told"
	explore "$what:3+"
	[ $? -eq 3 ] && [ ! -e out ] && loads out.last-good && grep -q "not finite" err &&
		! traj-cat --check s.traj 2>/dev/null
	said "rl-explore: $what for ever: it stops with the last good weights"
	tune "$what:3" && loads out && grep -q "not finite" err
	said "rft-tune: one $what is left out, counted and told"
	tune "$what:3+"
	[ $? -eq 3 ] && [ ! -e out ] && loads out.last-good && grep -q "not finite" err
	said "rft-tune: $what for ever: it stops with the last good weights"
done

# A skipped update leaves weights and moments as they were: a run without that update is another
# one, but what was saved before it is what a run that ends there saves.
tune gradient:nan:3+ --warmup 0 --decay constant
mv out.last-good stopped
tune none --steps 2 --warmup 0 --decay constant -q && cmp out/model.safetensors stopped/model.safetensors
said "rft-tune: the last good weights are those of the last good update"

for what in weight:nan weight:inf; do
	explore "$what:3" --state st --checkpoint-every 1
	[ $? -eq 3 ] && [ ! -e out ] && grep -q "not finite" err
	said "rl-explore: a $what is told and never saved"
	RLOOP_FAULT=none again --state st --checkpoint-every 1 2>err && mv out again && mv s.traj again &&
		explore none --state st --checkpoint-every 1 && cmp out/model.safetensors again/model.safetensors && cmp s.traj again/s.traj
	said "rl-explore: and the same call goes on from the last good state to the same bytes"
	rm -rf again
	tune "$what:3" --state st --checkpoint-every 1
	[ $? -eq 3 ] && [ ! -e out ] && grep -q "not finite" err
	said "rft-tune: a $what is told and never saved"
	RLOOP_FAULT=none rft-tune -q -p "$env/base" -o out --steps 12 --batch 8 --lr 1e-3 --log log \
		--state st --checkpoint-every 1 "$env/run.traj" 2>err &&
		mv out again && tune none -q && cmp out/model.safetensors again/model.safetensors &&
		rm -r again
	said "rft-tune: and the same call goes on from the last good state to the same bytes"
done

for what in logit:nan logit:inf; do
	explore "$what:40"
	[ $? -eq 3 ] && [ ! -e out ] && grep -q "not finite\|logits" err && ! traj-cat --check s.traj 2>/dev/null
	said "rl-explore: a $what draws no token"
	RLOOP_FAULT=$what:40 policy-eval -p "$env/base" -t "$env/test.jsonl" -n 2 >out.traj 2>err
	[ $? -eq 3 ] && ! traj-cat --check out.traj 2>/dev/null
	said "policy-eval: a $what draws no token"
done

for what in reward:nan reward:inf; do
	explore "$what:5" && [ "$(jq -s 'map(.failures) | add' log)" -eq 1 ] &&
		[ "$(traj-cat s.traj | jq -c 'select(.verdict == "garbage") | .reward' | sort -u)" = null ] &&
		grep -q "1 responses could not be judged" err
	said "rl-explore: a $what is no reward, is counted and told"
	! explore "$what:5+" && [ ! -e out ]
	said "rl-explore: $what for ever stops the run"
done
summary
