# rft-tune.bats - what is learned, every option, inputs from which no policy may come.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture base run
	records=$root/tests/cli/records.py
}

tune() {
	rft-tune -q -p "$FIX/base" --lr 1e-3 --warmup 2 --batch 8 "$@"
}

same() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
}

differ() {
	not cmp -s "$1/model.safetensors" "$2/model.safetensors"
}

# changes OPTION ...: the option makes other weights
changes() {
	[ -d usual ] || tune --epochs 1 -o usual "$FIX/run.traj"
	rm -rf other
	tune --epochs 1 "$@" -o other "$FIX/run.traj"
	differ usual other || {
		echo "no effect: $*"
		return 1
	}
}

# updates OPTION ...: how many there were
updates() {
	rm -rf some
	tune "$@" --log log -o some "$FIX/run.traj"
	jq -s 'map(select(.loss)) | length' log
}

@test "the loss on what is learned falls, and the result is a policy" {
	traj-filter -q --correct --dedup "$FIX/run.traj" >right
	tune --epochs 8 --lr 5e-3 --log log -o new right
	jq -es 'first.loss > last.loss + 0.1' log
	policy-init --info new >/dev/null
	policy-eval -q -p new --prompt '1 2=3:' --max-new 4 >out
}

@test "standard input, - and files are the same" {
	tune -o a "$FIX/run.traj"
	tune -o b <"$FIX/run.traj"
	tune -o c - <"$FIX/run.traj"
	same a b
	same a c
	tune -o d "$FIX/run.traj" "$FIX/run.traj"
	differ a d
	cat "$FIX/run.traj" "$FIX/run.traj" | tune -o e
	same d e
}

@test "--seed: the same bytes again, others with another" {
	tune -s 3 -o a "$FIX/run.traj"
	tune -s 3 -o b "$FIX/run.traj"
	tune -s 4 -o c "$FIX/run.traj"
	same a b
	differ a c
}

@test "--threads: the same bytes with any number" {
	for j in 1 2 5; do
		tune -j $j -o p$j "$FIX/run.traj"
	done
	same p1 p2
	same p1 p5
}

@test "--output: never over something, and the base is not changed" {
	before=$(sha256sum "$FIX/base/model.safetensors")
	tune -o new "$FIX/run.traj"
	[ "$before" = "$(sha256sum "$FIX/base/model.safetensors")" ]
	kept=$(sha256sum new/model.safetensors)
	status_is 4 tune -o new "$FIX/run.traj"
	says new
	[ "$kept" = "$(sha256sum new/model.safetensors)" ]
	[ "$(ls | grep -c '^new')" = 1 ]
}

@test "--epochs, --steps, --batch: so many updates" {
	n=$(traj-cat -c task "$FIX/run.traj" | wc -l)
	[ "$(updates --epochs 2)" = $((2 * ((n + 7) / 8))) ]
	[ "$(updates --epochs 1 --batch 1000)" = 1 ]
	[ "$(updates --steps 3)" = 3 ]
	[ "$(updates --steps 5 --batch "$n")" = 5 ]
	jq -es 'map(.epoch) == [1, 2, 3, 4, 5]' log
}

@test "--micro-tokens: the same but for rounding" {
	tune --steps 1 --log a.log -o a "$FIX/run.traj"
	tune --steps 1 --micro-tokens 1 --log b.log -o b "$FIX/run.traj"
	jq -es '(.[0].grad_norm - .[1].grad_norm | fabs) < 1e-4 * .[0].grad_norm and
		(.[0].loss - .[1].loss | fabs) < 1e-9' a.log b.log
}

@test "--compute bf16: near the weights of f32, the same for any -j" {
	tune --steps 2 --log a.log -o a "$FIX/run.traj"
	tune --steps 2 --compute bf16 --log b.log -j 1 -o b "$FIX/run.traj"
	tune --steps 2 --compute bf16 -j 2 -o c "$FIX/run.traj"
	cmp b/model.safetensors c/model.safetensors
	not cmp -s a/model.safetensors b/model.safetensors
	jq -es '(.[0].grad_norm - .[2].grad_norm | fabs) < 0.02 * .[0].grad_norm and
		.[0].loss != .[2].loss and (.[0].loss - .[2].loss | fabs) < 0.01' a.log b.log
}

@test "--recompute: the same bits" {
	tune --steps 2 -o a "$FIX/run.traj"
	tune --steps 2 --recompute -o b "$FIX/run.traj"
	cmp a/model.safetensors b/model.safetensors
}

@test "--max-len: longer trajectories are left out and counted" {
	"$records" pack <<-'END' >in
		{"task":"a","prompt":"1 2=3:","response":"1+2"}
		{"task":"b","prompt":"1 2 3 4 5=15:","response":"1+2+3+4+5"}
		{"task":"c","prompt":"1 2=3:","response":"x","tokens":[]}
	END
	status_is 0 rft-tune -p "$FIX/base" -o a --max-len 12 in
	says "1 trajectories are too long"
	says "1 trajectories have an empty response"
	says "1 trajectories to learn from"
	status_is 3 rft-tune -p "$FIX/base" -o b --max-len 3 in
	says "no trajectory to learn from"
	[ ! -e b ]
}

@test "token ids are the truth; without them text is encoded and a stop token appended" {
	# <pad> 0 <eos> 1, then 0123456789+-*/()=: and blank from 2 on
	cat >ids.json <<-'END'
		{"task":"a","prompt":"1=","response":"1","prompt_tokens":[3,18],"tokens":[3,1]}
	END
	cat >text.json <<-'END'
		{"task":"a","prompt":"1=","response":"1"}
	END
	cat >other.json <<-'END'
		{"task":"a","prompt":"1=","response":"1","prompt_tokens":[3,18],"tokens":[3,20,1]}
	END
	for f in ids text other; do
		"$records" pack <$f.json >$f.traj
		tune --steps 2 -o $f $f.traj
	done
	same ids text
	differ ids other
	# an end that the text has itself is enough
	echo '{"task":"a","prompt":"1=","response":"1<eos>"}' | "$records" pack >ended.traj
	tune --steps 2 -o ended ended.traj
	same ids ended
}

@test "--weight: each kind makes other weights" {
	changes --weight trajectory
	changes --weight task
	changes --weight root-task
	for kind in sequence suffix block; do
		tune --epochs 2 --weight pear-$kind -o $kind "$FIX/run.traj"
	done
	differ sequence suffix
	differ suffix block
	status_is 2 tune --weight none -o x "$FIX/run.traj"
}

@test "--weight pear: what the policy drew itself has the discount alone" {
	fixture tasks
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2 --max-new 12 >own.traj
	tune --steps 1 -o plain own.traj
	for kind in sequence suffix block; do
		rm -rf pear
		tune --steps 1 --weight pear-$kind --pear-discount 1 -o pear own.traj
		same plain pear
	done
	rm -rf pear
	tune --steps 1 --weight pear-suffix --pear-discount 0.5 -o pear own.traj
	differ plain pear
}

@test "--pear-low, --pear-high, --pear-discount, --pear-block: each makes other weights" {
	tune --epochs 3 --lr 1e-2 --weight pear-block -o usual "$FIX/run.traj"
	for o in --pear-low=-20 --pear-high=20 --pear-discount=0.9 --pear-block=2; do
		rm -rf other
		tune --epochs 3 --lr 1e-2 --weight pear-block $o -o other "$FIX/run.traj"
		differ usual other
	done
	status_is 2 tune --pear-low 1 -o x "$FIX/run.traj"
	status_is 2 tune --pear-high -1 -o x "$FIX/run.traj"
	status_is 2 tune --pear-discount 0 -o x "$FIX/run.traj"
	status_is 2 tune --pear-block 0 -o x "$FIX/run.traj"
}

@test "--weight pear: without log-probabilities no policy; another temperature is told" {
	echo '{"task":"a","prompt":"1=","response":"1"}' | "$records" pack >bare
	status_is 3 tune --weight pear-suffix -o new bare
	says 'bare: record 1 at byte 0: --weight by importance needs the log-probabilities'
	echo '{"prompt":"1=","completion":"1"}' >rows.jsonl
	status_is 3 tune --weight pear-suffix -o new rows.jsonl
	says "rows.jsonl:1: --weight by importance needs"
	[ ! -e new ]
	cat >warm <<-'END'
		{"task":"a","prompt":"1=","response":"1","tokens":[3,1],"logprobs":[-1,-1],"temperature":0.5}
	END
	"$records" pack <warm >warm.traj
	status_is 0 rft-tune -p "$FIX/base" --weight pear-suffix -o new warm.traj
	says "1 trajectories were not drawn at temperature 1 from all tokens"
}

@test "--weight-key: 0 is not learned, 1 is usual, what is no weight is refused" {
	traj-cat --all "$FIX/run.traj" | jq -c 'select(.kind == "traj") | del(.id)' >run.json
	jq -c '. + {w: 1}' run.json | traj-cat --from-json >one.traj
	jq -c '. + {meta: {w: (.reward + 0.5)}}' run.json | traj-cat --from-json >some.traj
	tune --epochs 1 -o plain one.traj
	tune --epochs 1 --weight-key w -o one one.traj
	same plain one
	tune --epochs 1 --weight-key meta.w -o some some.traj
	differ plain some
	jq -c '. + {w: 0}' run.json | traj-cat --from-json >zero.traj
	tune --epochs 1 --weight-decay 0 --weight-key w -o zero zero.traj
	cmp zero/model.safetensors "$FIX/base/model.safetensors"
	for bad in '"w":-1' '"w":"1"' '"v":1' '"w":null'; do
		printf '{"task":"a","prompt":"1=","response":"1",%s}\n' "$bad" | "$records" pack >bad
		status_is 3 tune --weight-key w -o new bad
		says 'bad: record 1 at byte 0: --weight-key: key "w" is no number from 0'
		printf '{"prompt":"1=","completion":"1",%s}\n' "$bad" >bad.jsonl
		status_is 3 tune --weight-key w -o new bad.jsonl
		says 'bad.jsonl:1: --weight-key: key "w" is no number from 0'
	done
	/usr/bin/python3 -c 'import msgpack,sys; sys.stdout.buffer.write(msgpack.packb(
		{"task": "a", "prompt": "1=", "response": "1", "w": float("inf")}))' >bad
	status_is 3 tune --weight-key w -o new bad
	says 'key "w" is no number from 0'
	[ ! -e new ]
	echo '{"prompt":"1=","completion":"1","meta":{"w":2}}' >rows.jsonl
	tune --weight-key meta.w -o new rows.jsonl
}

@test "--loss dft: other weights; held-out problems are measured as ever" {
	changes --loss dft
	tune --epochs 1 --validation 0.3 --log a.log -o a "$FIX/run.traj"
	tune --epochs 1 --validation 0.3 --loss dft --log b.log -o b "$FIX/run.traj"
	[ "$(head -n 1 a.log)" = "$(head -n 1 b.log)" ]
	status_is 2 tune --loss sft -o x "$FIX/run.traj"
}

@test "--validation: held-out problems are measured and not learned" {
	tune --epochs 2 --validation 0.4 --log log -o held "$FIX/run.traj"
	[ "$(jq -c 'select(.validation_loss) | .epoch' log | paste -sd ' ')" = "0 1 2" ]
	tune --epochs 2 -o all "$FIX/run.traj"
	differ held all
	"$records" pack <<-'END' >one
		{"task":"a","prompt":"1=","response":"1"}
	END
	for s in 1 2 3 4 5 6 7 8; do
		rft-tune -q -p "$FIX/base" -s $s --validation 0.9 -o v$s one 2>err || rc=$?
	done
	[ "$rc" = 3 ]
	grep -q "held out" err || [ -d v8 ]
}

@test "--lr, --warmup, --decay: the rate of each update" {
	updates --steps 4 --lr 0.004 --warmup 2 --decay linear
	jq -es 'map(.lr * 1e6 | round) == [2000, 4000, 4000, 2000]' log
	updates --steps 4 --lr 0.004 --warmup 0 --decay cosine
	jq -es 'map(.lr * 1e6 | round) == [4000, 3414, 2000, 586]' log
	updates --steps 3 --lr 0.004 --warmup 0 --decay constant
	jq -es 'map(.lr * 1e6 | round) == [4000, 4000, 4000]' log
	status_is 0 rft-tune -p "$FIX/base" -o w --steps 4 --warmup 9 "$FIX/run.traj"
	says "never reached --lr"
}

@test "--weight-decay, --beta1, --beta2, --eps, --clip: each makes other weights" {
	changes --weight-decay 0.9
	changes --beta1 0.5
	changes --beta2 0.5
	changes --eps 0.1
	changes --clip 0.001
}

@test "--optimizer, --lion-beta2, --momentum: each makes other weights; adamw is the default" {
	changes --optimizer sgd --lr 0.1
	changes --optimizer lion
	changes --optimizer muon
	tune --epochs 1 --optimizer adamw -o adamw "$FIX/run.traj"
	same usual adamw
	for pair in "lion --lion-beta2 0.5" "lion --beta1 0.5" "muon --momentum 0.5" "muon --beta2 0.5"; do
		# shellcheck disable=SC2086
		set -- $pair
		rm -rf a b
		tune --epochs 1 --optimizer "$1" -o a "$FIX/run.traj"
		tune --epochs 1 --optimizer "$@" -o b "$FIX/run.traj"
		differ a b
	done
	status_is 2 tune --optimizer adam -o x "$FIX/run.traj"
}

@test "--optimizer: any number of threads, the same bytes; with adapters too" {
	for kind in sgd lion muon; do
		tune --steps 3 --optimizer $kind -j 1 -o $kind-1 "$FIX/run.traj"
		tune --steps 3 --optimizer $kind -j 3 -o $kind-3 "$FIX/run.traj"
		same $kind-1 $kind-3
		tune --steps 3 --optimizer $kind --lora 4 -j 1 -o lora-$kind-1 "$FIX/run.traj"
		tune --steps 3 --optimizer $kind --lora 4 -j 3 -o lora-$kind-3 "$FIX/run.traj"
		cmp lora-$kind-1/adapter_model.safetensors lora-$kind-3/adapter_model.safetensors
	done
}

@test "--optimizer: each learns at a rate of its own" {
	traj-filter -q --correct --dedup "$FIX/run.traj" >right
	for pair in "sgd 0.5" "lion 1e-3" "muon 5e-3"; do
		tune --epochs 8 --optimizer "${pair% *}" --lr "${pair#* }" --log log -o "${pair% *}" right
		jq -es 'first.loss > last.loss + 0.05' log
		rm log
	done
}

@test "--profile: a line for each part of the work; an update's parts are in the log" {
	status_is 0 rft-tune -p "$FIX/base" -o new --steps 2 --profile --log log "$FIX/run.traj"
	[ "$(sed -n 's/^rft-tune: \([a-z]*\) *[0-9.]* s *[0-9.]* %$/\1/p' err | paste -sd ' ')" = \
		"rest sampling verifying forward backward update waiting" ]
	jq -es 'all(.sampling_s == 0 and .forward_s > 0 and .backward_s > 0 and .update_s > 0)' log
}

@test "--log: one JSON object an update" {
	updates --steps 3
	jq -es 'map(.update) == [1, 2, 3] and all(.applied == 1 and .loss > 0 and .grad_norm > 0
		and .tokens > 0)' log
	status_is 4 tune --log no/such/log -o x "$FIX/run.traj"
	[ ! -e x ]
	cp "$FIX/run.traj" in
	status_is 2 tune --log in -o x "$FIX/run.traj" in
	says "in: input and output are the same file"
	cmp in "$FIX/run.traj"
}

@test "--dtype: of the weights" {
	tune --steps 1 -o a "$FIX/run.traj"
	tune --steps 1 -o b --dtype bf16 "$FIX/run.traj"
	[ "$(wc -c <a/model.safetensors)" -gt $((3 * $(wc -c <b/model.safetensors) / 2)) ]
	# same: as what came in, and told
	status_is 0 rft-tune -p b -o c --steps 1 --dtype same "$FIX/run.traj"
	[ "$(wc -c <b/model.safetensors)" = "$(wc -c <c/model.safetensors)" ]
	says "weights that changed come back with their former value"
	# trained, the default: what was learned is kept; what did not change, as it came
	rft-tune -q -p b -o d --steps 1 "$FIX/run.traj"
	[ "$(wc -c <a/model.safetensors)" = "$(wc -c <d/model.safetensors)" ]
	rft-tune -q -p b -o e --steps 1 --lr 0 "$FIX/run.traj"
	cmp b/model.safetensors e/model.safetensors
}

@test "--round stochastic: the same bytes always, others for another seed" {
	tune --steps 1 -o a --dtype bf16 --round stochastic -j 1 "$FIX/run.traj"
	tune --steps 1 -o b --dtype bf16 --round stochastic -j 2 "$FIX/run.traj"
	cmp a/model.safetensors b/model.safetensors
	tune --steps 1 -o c --dtype bf16 "$FIX/run.traj"
	not cmp -s a/model.safetensors c/model.safetensors
	status_is 2 tune -o d --round up "$FIX/run.traj"
}

@test "--strict: no bare streams" {
	echo '{"task":"a","prompt":"1=","response":"1"}' | "$records" pack >bare
	status_is 0 tune -o a bare
	status_is 3 tune -o b --strict bare
	[ ! -e b ]
}

@test "a stream that is cut off or damaged gives no policy, wherever it is cut" {
	size=$(wc -c <"$FIX/run.traj")
	for n in 0 1 100 $((size / 2)) $((size - 1)); do
		head -c "$n" "$FIX/run.traj" >cut
		status_is 3 tune -o new cut
		[ ! -e new ]
	done
	# also as the second of two files
	status_is 3 tune -o new "$FIX/run.traj" cut
	says cut
	{
		head -c $((size / 2)) "$FIX/run.traj"
		printf X
		tail -c +$((size / 2 + 2)) "$FIX/run.traj"
	} >bad
	status_is 3 tune -o new bad
	[ ! -e new ]
}

@test "an empty stream: nothing to learn from" {
	traj-filter -q --min-reward 99 "$FIX/run.traj" >empty
	status_is 3 tune -o new empty
	says "no trajectory to learn from"
	[ ! -e new ]
}

@test "what the policy cannot read is named with its record" {
	"$records" pack <<-'END' >in
		{"task":"a","prompt":"1=","response":"1"}
		{"task":"a","prompt":"1=","response":"1","tokens":[999]}
	END
	status_is 3 tune -o new in
	says "record 2"
	says 999
	echo '{"task":"a","prompt":"1=","response":"one"}' | "$records" pack >in
	status_is 3 tune -o new in
	says "record 1"
	echo '{"task":"a","prompt":"","response":"1"}' | "$records" pack >in
	status_is 3 tune -o new in
	says prompt
	[ ! -e new ]
}

@test "the ids of another tokenizer are refused; without them the texts are encoded" {
	policy-init -q -o turned --layers 1 --hidden 32 --ffn 64 --max-len 64 \
		--alphabet ' :=)(/*-+9876543210'
	status_is 3 rft-tune -p turned -o new "$FIX/run.traj"
	says "run.traj: record 2"
	says "prompt_tokens are not those of prompt in the policy's tokenizer; leave id, prompt_tokens"
	[ ! -e new ]
	traj-cat "$FIX/run.traj" | jq -c 'del(.prompt_tokens, .tokens, .logprobs, .id)' >texts.json
	traj-cat -q --from-json texts.json >texts
	status_is 0 rft-tune -q -p turned -o new --steps 1 texts
}

@test "records of unknown kind are passed over" {
	{
		cat "$FIX/run.traj"
		echo '{"kind":"note","x":1}' | "$records" pack
	} >in
	tune -o a in
	tune -o b "$FIX/run.traj"
	same a b
}

@test "a policy with weights that are not finite is left alone" {
	cp -r "$FIX/base" broken
	chmod -R u+w broken
	/usr/bin/python3 - broken/model.safetensors <<-'END'
		import json, struct, sys
		path = sys.argv[1]
		data = bytearray(open(path, "rb").read())
		n, = struct.unpack("<Q", data[:8])
		t = json.loads(data[8:8 + n])["model.norm.weight"]
		at = 8 + n + t["data_offsets"][0]
		data[at:at + 8] = struct.pack("<ff", 3e38, 3e38)
		open(path, "wb").write(data)
	END
	status_is 3 rft-tune -q -p broken -o new --steps 9 --log log "$FIX/run.traj"
	says "5 in a row"
	jq -es 'map(.applied) == [0, 0, 0, 0, 0]' log
	[ ! -e new ]
	same broken new.last-good
}

@test "wrong calls are refused" {
	status_is 2 rft-tune -o x
	status_is 2 rft-tune -p "$FIX/base"
	status_is 2 tune -o x --lr high
	status_is 3 rft-tune -p nothing-here -o x "$FIX/run.traj"
	status_is 4 tune -o x no-such-file
	[ ! -e x ]
}

@test "trajectories that failed are learned from, and counted" {
	n=$(traj-cat -c task "$FIX/run.traj" | wc -l)
	bad=$(traj-filter -q --max-reward 0.4999 "$FIX/run.traj" | traj-cat -c task | wc -l)
	status_is 0 rft-tune -p "$FIX/base" --steps 1 -o all "$FIX/run.traj"
	says "$bad of $n trajectories with a reward have less than 0.5"
	traj-filter -q --correct "$FIX/run.traj" >good.traj
	status_is 0 rft-tune -p "$FIX/base" --steps 1 -o good good.traj
	not grep -F "less than 0.5" err
}

# A policy whose template writes no more than the texts and <eos> behind an answer, and the same
# rows in every form that is read
chatty() {
	cp -r "$FIX/base" chat
	chmod -R u+w chat
	printf '%s' '{% for m in messages %}{{ m.content }}' \
		'{% if m.role == "assistant" %}{{ "<eos>" }}{% endif %}{% endfor %}' >chat/chat_template.jinja
	traj-cat "$FIX/run.traj" | jq -c 'select(.finish == "stop") | {prompt, completion: .response}' | head -n 20 >texts
	jq -c '{messages: [{role: "user", content: .prompt}, {role: "assistant", content: .completion}]}' texts >messages
}

@test "rows of messages, conversations, prompts with completions, and ids are learned alike" {
	chatty
	jq -c '{conversations: [.messages[] | {from: {user: "human", assistant: "gpt"}[.role], value: .content}]}' messages >talks
	jq -s '[.[] | {prompt: .messages[:1], completion: .messages[1:], extra: 1}]' messages >lists
	jq -c '{kind: "traj", task: .prompt, prompt, response: .completion}' texts | traj-cat --from-json >traj
	tune -p chat --steps 2 -o want traj
	for form in texts messages talks lists; do
		tune -p chat --steps 2 -o "$form.out" "$form"
		same want "$form.out"
	done
	gzip -k messages
	tune -p chat --steps 2 -o packed <messages.gz
	same want packed
	# a stream and rows together
	head -n 9 messages >some
	tail -n +10 messages >rest
	head -n 9 texts | jq -c '{kind: "traj", task: .prompt, prompt, response: .completion}' |
		traj-cat --from-json | tune -p chat --steps 2 -o both - rest
	same want both
}

@test "rows of input_ids and labels are learned as they are" {
	chatty
	head -n 8 texts | jq -c '{kind: "traj", task: .prompt, prompt, response: .completion}' | traj-cat --from-json >traj
	tune --steps 2 -o want traj
	jq -r '.model.vocab | to_entries[] | "\(.value)\t\(.key)"' "$FIX/base/tokenizer.json" >vocab
	head -n 8 texts | jq -c --rawfile v vocab '($v | split("\n") | map(select(. != "") | split("\t") | {(.[1]): (.[0] | tonumber)}) | add) as $id |
		(.prompt / "" | map($id[if . == " " then "Ġ" else . end])) as $p | (.completion / "" | map($id[.])) as $c |
		{input_ids: ($p + $c + [1]), labels: (($p | map(-100)) + $c + [1])}' >ids
	tune --steps 2 -o new ids
	same want new
	echo '{"input_ids":[3,4],"labels":[-100,5]}' >bad
	status_is 3 tune -o x bad
	says 'bad:1: input_ids and labels'
	echo '{"input_ids":[3,99999],"labels":[-100,99999]}' >bad
	status_is 3 tune -o x bad
	says 'bad:1: token 99999 is not in the policy'
}

@test "--train-on all: earlier answers too, in one row" {
	chatty
	jq -sc '[.[:8][].messages] | _nwise(2) | {messages: add}' messages >two
	tune -p chat --steps 1 --log last.log -o last two
	tune -p chat --steps 1 --log all.log --train-on all -o all two
	differ last all
	jq -es '.[0].tokens == .[1].tokens' last.log all.log
	# what is learned of a conversation is what its turns, each behind those before it, teach
	jq -c '.messages as $m | {messages: $m[:2]}, {messages: $m}' two >apart
	tune -p chat --steps 1 --batch 99 --log apart.log -o each apart
	jq -es '(.[0].loss - .[1].loss | fabs) < 1e-6 and (.[0].grad_norm - .[1].grad_norm | fabs) < 1e-4 * .[0].grad_norm' all.log apart.log
}

@test "--template-arg reaches the template, and a row's own arguments and tools" {
	chatty
	echo '{{ messages[0].content }}{{ x }}{{ (tools or []) | length }}{% if messages | length > 1 %}{{ messages[1].content }}<eos>{% endif %}' >chat/chat_template.jinja
	head -n 4 messages >some
	tune -p chat --steps 1 --template-arg 'x="1"' -o a some
	tune -p chat --steps 1 --template-arg 'x="2"' -o b some
	differ a b
	jq -c '. + {chat_template_kwargs: {x: "1"}}' some | tune -p chat --steps 1 --template-arg 'x="2"' -o c
	same a c
	jq -c '. + {tools: [{}]}' some | tune -p chat --steps 1 --template-arg 'x="1"' -o d
	differ a d
	jq -c '. + {tools: "[]"}' some | tune -p chat --steps 1 --template-arg 'x="1"' -o e
	same a e
	status_is 2 tune -p chat --template-arg 'x=' -o f some
	says --template-arg
}

@test "rows that cannot be learned: the line, and no policy" {
	chatty
	head -n 1 messages >good
	for bad in '{"text":"a"}' '{"messages":[]}' '{"messages":[{"role":"user","content":"1"}]}' \
		'{"messages":[{"role":"assistant","content":"1"}]}' '{"messages":[{"role":"user"},{"role":"assistant","content":"1"}]}' \
		'{"messages":[3,4]}' '{"prompt":"1"}' '{"prompt":1,"completion":2}' '[1' '{"messages":[' 3 \
		'{"messages":[{"role":"user","content":"1"},{"role":"assistant","content":"2"}],"tools":3}' \
		'{"messages":[{"role":"user","content":"é"},{"role":"assistant","content":"2"}]}'; do
		{ cat good; echo "$bad"; } >rows
		status_is 3 tune -p chat -o x rows
		says rows:2:
		[ ! -e x ]
	done
	status_is 3 tune -o x good # no chat template
	says 'good:1: '
	says 'no chat template'
}

@test "answers that the template changes are told" {
	chatty
	echo '{% for m in messages %}{{ m.content | replace("=", "") }}{% if m.role == "assistant" %}<eos>{% endif %}{% endfor %}' >chat/chat_template.jinja
	jq -c '.messages[1].content = "1=2"' messages | head -n 3 >rows
	status_is 0 rft-tune -p chat --steps 1 -o x rows
	says '3 answers are learned otherwise'
}
