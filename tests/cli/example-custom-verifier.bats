# example-custom-verifier.bats - the example says what its README says.
load helpers

setup() {
	cp -r "$root/examples/custom-verifier" "$BATS_TEST_TMPDIR/"
	cd "$BATS_TEST_TMPDIR/custom-verifier"
}

@test "run.sh" {
	need_tool python3
	./run.sh >got
	awk -F '\t' 'NF == 4 { print $1 "|" $2 "|" $3 }' got | paste -sd ' ' >short
	want="1.0|ok|cat 0.0|ok|catt 0.0|ok|dng 0.0|ok|"
	want="$want 1.0|ok|cat 0.9|ok|catt 0.333|ok|dng 0.0|ok|"
	want="$want 0.5|ok| |exit| 0.5|ok| 0.5|ok|"
	[ "$(cat short)" = "$want" ]
}
