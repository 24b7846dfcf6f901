# tap.bash - what the scripts here say: a line for each thing that was tried
# shellcheck shell=bash
n=0 failed=0

result() { # STATUS NAME [WHY]
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		printf 'not ok %d - %s\n' $n "$2"
		printf '%s\n' "${3:-}" | head -n 20 | sed 's/^/# /'
		failed=1
	fi
}

summary() {
	echo "1..$n"
	exit $failed
}
