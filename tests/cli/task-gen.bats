# task-gen.bats - every option; what comes out is right, disjoint and repeatable.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
}

kinds="countdown subset path arithmetic"

@test "tasks are JSON lines whose verifier is the kind" {
	for k in $kinds; do
		task-gen -n 50 $k >t.jsonl
		[ "$(jq -r '.verifier' t.jsonl | sort | uniq -c | tr -s ' ')" = " 50 $k" ]
		[ "$(jq -r '.id' t.jsonl | sort -u | wc -l)" = 50 ]
		jq -e '(.prompt | length > 2) and (.answer | length > 0)' t.jsonl >all
		not grep -v true all
	done
}

@test "every demonstration is judged right" {
	for k in $kinds; do
		for style in short words; do
			task-gen --demos -n 500 --style $style $k | traj-score -q |
				traj-cat -c reward,verdict | sort | uniq -c >counts
			read -r n reward verdict rest <counts
			[ "$n $reward $verdict $rest" = "500 1.0 ok " ]
			[ "$(wc -l <counts)" = 1 ]
		done
	done
}

@test "demonstrations: no problem and solution twice, split pretrain" {
	task-gen --demos -n 3000 countdown | traj-cat -c task,response | sort >d
	[ "$(sort -u d | wc -l)" = 3000 ]
	[ "$(cut -f 1 d | uniq -d | wc -l)" -gt 10 ] # but a problem again with another solution
	task-gen -n 3000 --split pretrain -s 3 countdown | jq -r .id | sort >p
	task-gen -n 3000 -s 3 countdown | jq -r .id | sort >t
	cut -f 1 d | sort -u >ids
	[ "$(comm -12 ids p | wc -l)" -gt 10 ]
	[ "$(comm -12 ids t | wc -l)" = 0 ]
}

@test "-s: the same seed gives the same bytes, another one others" {
	task-gen -n 100 -s 4 path >a
	task-gen -n 100 --seed 4 path | cmp - a
	task-gen -n 100 -s 5 path >b
	[ "$(comm -12 <(sort a) <(sort b) | wc -l)" -lt 5 ]
	task-gen -n 60 -s 4 path | cmp - <(head -n 60 a)
	task-gen --demos -n 100 -s 4 path >a
	task-gen --demos -n 100 -s 4 path | cmp - a
}

@test "--split: no problem is in two, whatever seeds and parameters" {
	i=0
	for split in train valid test ood pretrain; do
		i=$((i + 1))
		for n in 3 4 5; do
			task-gen -n 200 -s $((i * n)) --split $split --min-numbers $n --max-numbers $n \
				countdown
		done | jq -r .id | sort -u >$split
	done
	cat train valid test ood pretrain | sort | uniq -d >twice
	[ ! -s twice ]
	[ "$(cat train valid test ood pretrain | wc -l)" -gt 2000 ]
}

@test "--min-numbers, --max-numbers, --max-value, --min-large, --min-target, --max-target" {
	task-gen -n 300 --min-numbers 3 --max-numbers 5 --max-value 12 --min-large 1 \
		--min-target 20 --max-target 30 countdown >t.jsonl
	jq -c '(.meta.numbers | length >= 3 and length <= 5 and max <= 12 and max >= 10 and min >= 1)
		and (.meta.target >= 20 and .meta.target <= 30)' t.jsonl | sort | uniq -c >counts
	[ "$(tr -s ' ' <counts)" = " 300 true" ]
	[ "$(jq '.meta.numbers | length' t.jsonl | sort -u | paste -sd ' ')" = "3 4 5" ]
}

@test "one bound of the numbers moves the other" {
	[ "$(task-gen -n 50 --min-numbers 5 countdown | jq '.meta.numbers | length' | sort -u)" = 5 ]
	[ "$(task-gen -n 50 --max-numbers 3 countdown | jq '.meta.numbers | length' | sort -u)" = 3 ]
}

@test "--style words: the same problems in English" {
	task-gen -n 5 countdown | jq -c '[.id, .answer, .meta]' >a
	task-gen -n 5 --style words countdown | jq -c '[.id, .answer, .meta]' | cmp - a
	task-gen -n 1 --style words countdown | jq -r .prompt | grep -q 'exactly once.*"Answer:"'
}

@test "more than there are: status 3, and what there is" {
	status_is 3 task-gen -n 100 --min-numbers 2 --max-numbers 2 --max-value 3 --min-target 1 \
		--max-target 9 countdown
	says "countdown: only"
	[ "$(jq -r .id out | sort -u | wc -l)" -gt 1 ]
	status_is 3 task-gen --demos -n 1000 --min-numbers 2 --max-numbers 2 --max-value 3 \
		--min-target 1 --max-target 9 countdown
	cp out d.traj
	status_is 3 traj-cat d.traj # no end record
	says "no end record"
}

@test "no range is too odd: nothing hangs, nothing is written" {
	status_is 3 task-gen -n 1 --max-value 3 --min-large 2 countdown
	[ -z "$output" ]
	status_is 2 task-gen --min-numbers 5 --max-numbers 4 countdown
	status_is 2 task-gen --min-target 50 --max-target 40 countdown
	status_is 3 task-gen -n 1 --max-value 9999 path
	status_is 3 task-gen -n 1 --min-numbers 2 --max-numbers 2 subset
}

@test "--list, usage" {
	[ "$(task-gen --list | cut -d ' ' -f 1 | paste -sd ' ')" = "countdown subset path arithmetic" ]
	status_is 2 task-gen
	says "one kind"
	status_is 2 task-gen sudoku
	says "sudoku: no such kind"
	status_is 2 task-gen countdown subset
	status_is 2 task-gen -n 0 countdown
	status_is 2 task-gen --split all countdown
	says "train|valid"
}
