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

# row LINE: the array args of a row of the table. Where it names a URL, a server listens there from then
# on, in this folder; its process is $server.
server='' url=''
row() {
	read -ra args <<<"$1"
	[[ " $1 " == *" URL "* ]] || return 0
	if [ -z "$server" ]; then
		rm -f port
		sh toy-server >/dev/null 2>&1 </dev/null 3>&- &
		server=$!
		until [ -e port ] || ! kill -0 $server; do sleep 0.1; done
		url=http://127.0.0.1:$(cat port)
	fi
	args=("${args[@]//URL/$url}")
}

summary() {
	echo "1..$n"
	exit $failed
}
