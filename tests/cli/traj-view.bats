# traj-view.bats - the page and the text, every option, damaged and hostile streams, and the page in
# a browser where there is one.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
}

# three: in.traj, of three trajectories and a note
three() {
	"$records" pack >in.traj <<-'END'
		{"task":"a","prompt":"1+2=","response":"3","answer":"3","tokens":[6,1],"logprobs":[-0.5,-0.25],"ref_logprobs":[-1.5,-0.125],"finish":"stop","sample":0,"step":4,"iter":2,"reward":1,"verdict":"ok","extracted":"3","advantage":0.75,"used":true,"entropy":0.3333333333,"mine":{"k":[1,null]}}
		{"kind":"note","text":"not shown"}
		{"task":"a","prompt":"1+2=","response":"4","reward":0.25,"tokens":[7,1]}
		{"task":"b","prompt":"5","response":"","verdict":"timeout"}
	END
}

# article N [FILE]: the part of the page that shows trajectory N
article() {
	sed -n "/^<article id=\"r$1\"/,/^<\/article>/p" "${2:-out}"
}

# has TEXT: it stands in the output
has() {
	grep -qF -- "$1" out || {
		printf 'not there: %s\n' "$1"
		return 1
	}
}

# In a browser: page FILE [SCRIPT]: the page as it stands in dom after its script, and SCRIPT behind it
browse() {
	need_tool chromium
	sed '/^<\/body>/d; /^<\/html>/d' "$1" >browsed.html
	printf '<script>\n%s\n</script>\n</body>\n</html>\n' "${2:-}" >>browsed.html
	timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/chromium" \
		--enable-logging=stderr --dump-dom "file://$PWD/browsed.html" >dom 2>browser.err
	if grep CONSOLE browser.err; then
		return 1
	fi
}

@test "a page: what it says of itself, and of each trajectory" {
	three
	status_is 0 traj-view in.traj
	[ -z "$stderr" ]
	has '<title>in.traj</title>'
	has '<strong>All 3 trajectories</strong> are on this page. Of all, 2 were graded, with a mean reward of 0.625; the verifier failed on 1. 1 other records are not shown.'
	[ "$(grep -c '^<article' out)" = 3 ]
	article 1 >one
	grep -qF 'data-task="a" data-iter="2" data-step="4" data-reward="1" data-verdict="ok" data-finish="stop" data-advantage="0.75" data-entropy="0.3333333333"' one
	[ "$(grep -o '<dt>.*</dd>' one | sed 's/<[^>]*>/ /g' | tr -s ' ' | paste -sd ';')" = \
		' reward 1 ; verdict ok ; extracted 3 ; answer 3 ; iter 2 ; step 4 ; sample 0 ; finish stop ; tokens 2 ; used true ; advantage 0.75 ; entropy 0.333333 ; mine {&quot;k&quot;:[1,null]} ' ]
	grep -qF '<b class="right">1</b>' one
	grep -qF 'data-ids="6,1" data-logprobs="-0.5,-0.25" data-ref="-1.5,-0.125">' one
	article 2 | grep -qF '<b class="wrong">0.25</b>'
	article 3 | grep -qF '<b class="wrong">timeout</b>'
	not grep -q 'not shown</' out
	traj-view <in.traj | grep -qF '<h1>&lt;stdin&gt;</h1>'
	traj-view - <in.traj >again
	traj-view <in.traj | cmp - again
	cat in.traj in.traj >both
	traj-view in.traj in.traj | grep -qF '<h1>in.traj, in.traj</h1>'
	cmp <(traj-view in.traj in.traj | sed -n '/^<article/,$p') <(traj-view both | sed -n '/^<article/,$p')
}

@test "the page asks for nothing from anywhere" {
	three
	status_is 0 traj-view in.traj
	has "default-src 'none'"
	not grep -niE 'https?:|src=|@import|url\(|innerHTML|<link' out
}

@test "--threshold" {
	three
	status_is 0 traj-view --threshold 0.25 in.traj
	article 2 | grep -qF '<b class="right">0.25</b>'
	status_is 2 traj-view --threshold x in.traj
}

@test "-p: where tokens stand in the text" {
	fixture base
	"$records" pack >in.traj <<-'END'
		{"task":"a","prompt":"1","response":"1+2","tokens":[3,12,4,1],"logprobs":[-1,-2,-3,-4]}
		{"task":"a","prompt":"1","response":"2+2","tokens":[3,12,4,1],"logprobs":[-1,-2,-3,-4]}
	END
	status_is 0 traj-view -p "$FIX/base" in.traj
	article 1 | grep -qF 'data-ends="1,2,3,3"'
	not grep -q data-ends <(article 2)
	not grep -q data-ends <(traj-view in.traj)
	status_is 3 traj-view -p nowhere in.traj
	says nowhere
	[ -z "$output" ]
}

@test "-p: ends are counted as a browser counts" {
	cat >tokenizer.json <<-'END'
		{"version": "1.0", "added_tokens": [{"id": 0, "content": "<eos>", "special": true, "normalized": false,
		  "lstrip": false, "rstrip": false, "single_word": false}],
		 "normalizer": null, "pre_tokenizer": null, "post_processor": null,
		 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
		 "model": {"type": "BPE", "unk_token": null, "byte_fallback": true, "fuse_unk": false, "merges": [],
		  "vocab": {"<eos>": 0, "a": 1, "<0xF0>": 2, "<0x9F>": 3, "<0x98>": 4, "<0x80>": 5}}}
	END
	policy-init -q -o p --tokenizer tokenizer.json --layers 1 --hidden 8 --heads 1 --ffn 8
	echo '{"task":"a","prompt":"","response":"a😀a","tokens":[1,2,3,4,5,1,0],"logprobs":[0,0,0,0,0,-9,0]}' |
		"$records" pack >in.traj
	status_is 0 traj-view -p p in.traj
	has 'data-ends="1,1,1,1,3,4,4"'
	browse out 'document.title = [...document.querySelectorAll(".response span")].map((s) => s.textContent).join("|");'
	grep -qF '<title>a||||😀|a|</title>' dom
	traj-view --text --color always -p p in.traj | grep -qF $'😀\033[31ma\033[39m\033[0m'
}

@test "--sample, -s: so many, each by chance, stated" {
	for i in $(seq 40); do
		echo '{"task":"t","prompt":"p","response":"r'"$i"'"}'
	done | "$records" pack >in.traj
	status_is 0 traj-view --sample 7 -s 3 in.traj
	has '<strong>7 of 40 trajectories</strong> are on this page: a random sample, each with the same chance (seed 3).'
	[ "$(grep -c '^<article' out)" = 7 ]
	cp out first
	traj-view --sample 7 --seed 3 in.traj | cmp - first
	not cmp -s <(traj-view --sample 7 -s 4 in.traj | grep '^r') <(grep '^r' first)
	# numbers are those of the stream, and in its order
	grep -oP '^r\K[0-9]+(?=</pre>)' first >responses
	grep -o '^<article id="r[0-9]*' first | grep -o '[0-9]*$' | cmp - responses
	sort -n responses | cmp - responses
	[ "$(traj-view --sample 0 in.traj | grep -c '^<article')" = 40 ]
	[ "$(traj-view --text --sample 2 in.traj | grep -c prompt:)" = 2 ]
	[ "$(traj-view --text --sample 0 in.traj | grep -c prompt:)" = 40 ]
	[ "$(traj-view --text --sample 2 -s 5 in.traj | grep -o '^    r.*')" = \
		"$(traj-view --sample 2 -s 5 in.traj | grep -oP '^r[0-9]+(?=</pre>)' | sed 's/^/    /')" ]
	status_is 2 traj-view --sample -2 in.traj
}

@test "100,000 trajectories: a page of 1,000 of them, in memory for those" {
	/usr/bin/python3 - >many.traj <<-'END'
		import msgpack, sys
		for i in range(100000):
		    sys.stdout.buffer.write(msgpack.packb({"task": "t%d" % (i % 500), "prompt": "p" * 100,
		        "response": "x" * 400, "tokens": bytes(800), "reward": float(i % 2)}))
	END
	[ "$(stat -c %s many.traj)" -gt 130000000 ]
	for how in "" --text; do
		# shellcheck disable=SC2086
		peak=$("$records" peak traj-view $how <many.traj)
		[[ $BIN == *address* ]] || [ "$peak" -lt 60000 ] || {
			echo "traj-view $how held $peak KiB"
			return 1
		}
	done
	status_is 0 traj-view many.traj
	has '<strong>1000 of 100000 trajectories</strong>'
	has '100000 were graded, with a mean reward of 0.5;'
	[ "$(grep -c '^<article' out)" = 1000 ]
}

@test "--text: a paragraph each" {
	three
	status_is 0 traj-view --text in.traj
	cat >want <<-'END'
		1 a
		  reward 1  verdict ok  extracted 3  answer 3  iter 2  step 4  sample 0  finish stop  tokens 2  used true  advantage 0.75  entropy 0.333333
		  mine {"k":[1,null]}
		  prompt:
		    1+2=
		  response:
		    3

		2 a
		  reward 0.25  tokens 2
		  prompt:
		    1+2=
		  response:
		    4

	END
	awk 'BEGIN { RS = ""; ORS = "\n\n" } NR < 3' out | cmp - want
	[ "$(awk 'BEGIN { RS = "" } END { print NR }' out)" = 3 ]
	traj-view --text -o file in.traj
	cmp file out
}

@test "--color: on a terminal, or where it is asked for" {
	fixture run
	traj-filter -q --sample 5 "$FIX/run.traj" >some
	not grep -q $'\033' <(traj-view --text some)
	not grep -q $'\033' <(traj-view --text --color never -p "$FIX/base" some)
	traj-view --text --color always some | grep -q $'^\033\[1m[0-9]* '
	[ "$(traj-view --text --color always -p "$FIX/base" some | sed 's/\x1b\[[0-9]*m//g')" = "$(traj-view --text some)" ]
	traj-view --text --color always -p "$FIX/base" some | grep -q $'\033\[3[1569]m'
	script -qec "traj-view --text some" /dev/null | grep -q $'\033\[1m'
	not grep -q $'\033' <(script -qec "traj-view --text --color never some" /dev/null)
	status_is 2 traj-view --color always some
	says "--color goes with --text"
	status_is 2 traj-view --text --color blue some
}

@test "--text is written as it is read" {
	three
	[ "$( (cat in.traj; head -c 5 in.traj) | traj-view --text 2>/dev/null | grep -c response:)" = 3 ]
}

@test "-o: whole or not at all" {
	three
	status_is 0 traj-view -o page.html in.traj
	[ -z "$output" ]
	traj-view in.traj | cmp - page.html
	status_is 4 traj-view -o page.html in.traj
	says page.html
	for how in "" --text; do
		head -c -1 in.traj >cut
		# shellcheck disable=SC2086
		status_is 3 traj-view $how -o other cut
		says "cut:"
		[ ! -e other ] && [ -z "$(ls -d other* 2>/dev/null)" ]
	done
	status_is 4 traj-view -o nowhere/page.html in.traj
}

@test "a damaged stream: status 3, and no page" {
	three
	traj-filter -q --min-reward -9 in.traj >whole
	for n in $(seq 0 40 $(($(stat -c %s whole) - 1))); do
		head -c "$n" whole >cut
		status_is 3 traj-view cut
		[ -z "$output" ]
		says cut
	done
	echo '{"task":"a","prompt":"","response":"","tokens":[1,2],"logprobs":[-1]}' | "$records" pack >bad
	status_is 3 traj-view bad
	says "bad: record 1 at byte 0: logprobs: 1 for 2 tokens"
	[ -z "$output" ]
	status_is 3 traj-view in.traj bad
	[ -z "$output" ]
	status_is 4 traj-view nowhere.traj
}

@test "--partial, --strict" {
	three
	traj-filter -q --min-reward -9 in.traj >whole
	head -c -20 whole >cut
	status_is 0 traj-view --partial cut
	says "it was cut off"
	has 'The input was cut off: this is what was whole.'
	[ "$(grep -c '^<article' out)" = 2 ]
	status_is 0 traj-view --strict whole
	status_is 3 traj-view --strict in.traj
}

@test "no trajectories: a page that says so" {
	traj-filter -q --min-reward 2 <(echo '{"task":"a","prompt":"","response":""}' | "$records" pack) >none
	status_is 0 traj-view none
	has '<strong>All 0 trajectories</strong> are on this page. Of all, 0 were graded; the verifier failed on 0.'
	status_is 0 traj-view --text none
	[ -z "$output" ]
	status_is 3 traj-view /dev/null
	browse <(traj-view none) 'document.title = "at the end";'
	grep -q '<title>at the end</title>' dom
}

# hostile: in.traj, whose every text tries to be more than text
hostile() {
	traj-cat --from-json >in.traj <<-'END'
		{"task": "<script>boo()</script>\"'&", "prompt": "</pre><script>document.title='owned'</script>\u202e gnirts", "response": "\n<img src=x onerror=boo()>\u0000\u001b[31mred\r\n\u009b31m 😀", "tokens": [1,2,3], "logprobs": [-0.5,-3,-0.01], "verdict": "x\" onmouseover=\"boo()", "extracted": "<b>x</b>", "<i>key": {"a": "</dd><style>*{display:none}</style>"}, "finish": "__proto__"}
		{"task": "__proto__", "prompt": {"$bin": "//4="}, "response": {"$bin": "w6nD"}, "finish": "constructor", "ref_logprobs": "<u>"}
	END
}

@test "hostile text is text, on a page" {
	hostile
	cp in.traj '<i>.traj'
	status_is 0 traj-view '<i>.traj'
	has '<h1>&lt;i&gt;.traj</h1>'
	[ "$(grep -c '<script>' out)" = 1 ]
	not grep -qE 'onerror=boo\(\)>|<img|<i>|<b>x|<style>\*|" onmouse' <(sed -n '/^<main/,/^<\/main/p' out)
	not grep -qP '[\x00-\x08\x0b-\x1f]' out
	iconv -f utf8 out >/dev/null
	article 1 | grep -qF '␀␛[31mred␍'
	# a break at the beginning of a response stays: a parser would take the first one away
	[ "$(article 1 | sed -n '/class="response"/,/img/p' | sed -n '2p')" = "" ]
	browse out 'document.title = String(document.querySelectorAll("article").length) +
		[...document.querySelectorAll(".response")].map((e) => e.textContent.length);'
	# (two units for the smiling face)
	grep -qF '<title>244,2</title>' dom
	not grep -qE '<img|<i>|<u>|<b>x' dom
}

@test "hostile text is text, on a terminal" {
	hostile
	status_is 0 traj-view --text in.traj
	not grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' out
	has '\u202e gnirts'
	has '\x00\x1b[31mred\x0d'
	iconv -f utf8 out >/dev/null
	[ "$(awk 'BEGIN { RS = "" } END { print NR }' out)" = 2 ]
}

@test "a long value is cut at a character" {
	/usr/bin/python3 -c 'import msgpack, sys; sys.stdout.buffer.write(msgpack.packb(
	    {"task": "a", "prompt": "", "response": "", "note": "x" + "\u00e9" * 1000}))' >in.traj
	status_is 0 traj-view --text in.traj
	[ "$(grep -o '  note .*' out | tr -d '\n' | wc -m)" = $((7 + 1 + 299 + 4)) ]
}

@test "the script is one that a parser of JavaScript takes" {
	need_tool node
	node --check "$root/libcommon/view/page.js"
}

@test "in a browser: groups, search, filters, colours and keys; no word on the console" {
	fixture run
	policy-score -q -p "$FIX/base" --as ref_logprobs "$FIX/run.traj" | traj-view -p "$FIX/base" >page.html
	traj-cat -c reward "$FIX/run.traj" | grep -c '^1' >right || true
	browse page.html '
		const said = [];
		const shown = () => main.querySelectorAll("article").length;
		const status = () => parseInt(state.textContent);
		const set = (e, v) => { e.value = v; e.dispatchEvent(new Event("input", { bubbles: true })); };
		const key = (k) => document.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
		const id = () => document.activeElement.id;
		said.push(shown(), status());
		key("j"); key("j"); said.push(id());
		key("k"); said.push(id());
		key("ArrowRight"); key("j"); said.push(id());
		key("k"); said.push(id());
		key("ArrowLeft"); key("/"); said.push(document.activeElement === search);
		set(least, "1"); said.push(status()); set(least, "");
		set(search, "no such text"); said.push(status(), shown()); set(search, "");
		set(task, all[0].dataset.task.toUpperCase());
		said.push(status() === all.filter((a) => a.dataset.task === all[0].dataset.task).length); set(task, "");
		set(group, "reward"); said.push(main.firstChild.textContent.replace(/ .*\(/, " ("));
		set(group, "step"); said.push(main.firstChild.textContent.split(" (")[0]); set(group, "");
		set(choices[0][1], "iteration 0, step 2"); said.push(status() > 0 && found.every((a) => a.dataset.step === "2"));
		set(choices[0][1], "");
		said.push(names.join("/")); set(group, "reward");
		for (const n of names) {
			set(colour, n);
			said.push(document.querySelectorAll(".response span[style*=background-color]").length > 0 ||
				document.querySelectorAll(".response[style*=background-color]").length > 0);
		}
		said.push(response(all[0]).textContent.length === Number(response(all[0]).dataset.ends.split(",").pop()));
		location.hash = "r60"; visit(); said.push(id());
		document.title = said.join(" ");'
	n=$(traj-cat "$FIX/run.traj" | wc -l)
	grep -o '<title>.*</title>' dom
	grep -qF "<title>50 $n r2 r1 r51 r50 true $(cat right) 0 0 true reward (" dom
	grep -qF ' iteration 0, step 1 true log-prob/reference log-prob/log-prob less reference/entropy/advantage true true true true true true r60</title>' dom
}

@test "in a browser: a strip of cells where nobody knows which token wrote what" {
	three
	browse <(traj-view in.traj) 'document.title = document.querySelectorAll(".strip span").length + " " +
		document.querySelector(".strip span").title.replace(/\n/g, "; ");'
	grep -o '<title>.*</title>' dom
	grep -qF '<title>4 token 0, id 6; log-prob -0.5; reference log-prob -1.5</title>' dom
}
