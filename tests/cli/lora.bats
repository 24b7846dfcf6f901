# lora.bats - adapters in the tools: trained, gone on with, sampled from, merged, and refused.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base run
	records=$root/tests/cli/records.py
}

tune() {
	rft-tune -q -p "$FIX/base" --batch 8 --lr 1e-2 "$@"
}

explore() {
	rl-explore -q -t "$FIX/train.jsonl" --groups 2 --group-size 4 --max-new 12 --lr 1e-2 "$@"
}

same() { # A B: the same adapter
	cmp "$1/adapter_model.safetensors" "$2/adapter_model.safetensors"
}

differ() { # A B: another adapter
	! cmp -s "$1/adapter_model.safetensors" "$2/adapter_model.safetensors"
}

greedy() { # POLICY: its likeliest responses
	policy-eval -q -p "$1" -t "$FIX/test.jsonl" --greedy --max-new 12 | traj-cat -c response
}

adapter() { # an adapter in ad, with B away from 0
	tune --lora 2 --steps 3 -o ad "$FIX/run.traj"
}

# edit FILTER: adapter_config.json of bad/, a copy of ad/
edit() {
	rm -rf bad
	cp -r ad bad
	jq "$1" ad/adapter_config.json >bad/adapter_config.json
}

# weights_of POLICY: their hash, and what is sampled from them
weights_of() {
	policy-eval -q -p "$1" -t "$FIX/test.jsonl" --max-new 2 | traj-cat -c policy,tokens
}

@test "rft-tune --lora: a folder in PEFT's layout; the base is not changed" {
	before=$(sha256sum "$FIX/base/model.safetensors")
	adapter
	[ "$before" = "$(sha256sum "$FIX/base/model.safetensors")" ]
	[ "$(ls ad | paste -sd ' ')" = "adapter_config.json adapter_model.safetensors" ]
	jq -e --arg base "$(realpath "$FIX/base")" '.peft_type == "LORA" and .r == 2 and
		.lora_alpha == 4 and .task_type == "CAUSAL_LM" and .bias == "none" and
		(.target_modules | length) == 7 and .base_model_name_or_path == $base' \
		ad/adapter_config.json
}

@test "read back by a reader that is not ours: names, shapes, and what merging makes of them" {
	/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
	adapter
	policy-mix -q ad -o whole --dtype f32
	/usr/bin/python3 "$root/tests/oracle/peft.py" "$FIX/base" ad whole
	tune --lora 3 --lora-alpha 5 --lora-targets v_proj,down_proj --steps 3 -o two "$FIX/run.traj"
	policy-mix -q two -o two.whole --dtype f32
	/usr/bin/python3 "$root/tests/oracle/peft.py" "$FIX/base" two two.whole
}

@test "--lora-alpha, --lora-targets: what they say, and only with --lora" {
	tune --lora 2 --lora-alpha 3 --lora-targets q_proj,up_proj --steps 1 -o a "$FIX/run.traj"
	jq -e '.lora_alpha == 3 and .target_modules == ["q_proj", "up_proj"]' a/adapter_config.json
	status_is 2 tune --lora-alpha 3 -o b "$FIX/run.traj"
	status_is 2 tune --lora-targets q_proj -o b "$FIX/run.traj"
	status_is 2 tune --lora 2 --lora-targets q_proj,lm_head -o b "$FIX/run.traj"
	says lm_head
	[ ! -e b ]
}

@test "-j, --recompute, --micro-tokens of one update: the same adapter" {
	tune --lora 2 --steps 3 -j 1 -o a "$FIX/run.traj"
	tune --lora 2 --steps 3 -j 2 -o b "$FIX/run.traj"
	tune --lora 2 --steps 3 --recompute -o c "$FIX/run.traj"
	tune --lora 2 --steps 3 -s 5 -o d "$FIX/run.traj"
	same a b
	same a c
	differ a d
}

@test "a fresh adapter changes nothing; the loss on what is learned falls" {
	tune --lora 2 --lr 0 --steps 1 -o zero "$FIX/run.traj"
	greedy "$FIX/base" >a
	greedy zero >b
	cmp a b
	traj-filter -q --correct --dedup "$FIX/run.traj" >right
	tune --lora 4 --epochs 12 --log log -o ad right
	jq -es 'first.loss > last.loss + 0.1' log
}

@test "policy-init --info: of the base, and the hash that records of the adapter have" {
	adapter
	policy-init --info "$FIX/base" | grep -v '^hash' >a
	policy-init --info ad | grep -v '^hash' >b
	cmp a b
	policy-eval -q -p ad --prompt 1 >one
	policy-init --info ad | grep -F "hash	$(traj-cat -c policy one)"
}

@test "an adapter is gone on with, as it is" {
	adapter
	rft-tune -q -p ad --batch 8 --lr 1e-2 --steps 1 -o more "$FIX/run.traj"
	jq -e '.r == 2' more/adapter_config.json
	differ ad more
	rft-tune -q -p ad --lora 2 --batch 8 --lr 0 --steps 1 -o still "$FIX/run.traj"
	same ad still
	cmp ad/adapter_config.json still/adapter_config.json
	status_is 2 rft-tune -p ad --lora 3 -o x "$FIX/run.traj"
	says "rank 2"
	status_is 2 rft-tune -p ad --lora 2 --lora-alpha 1 -o x "$FIX/run.traj"
	status_is 2 rft-tune -p ad --lora 2 --lora-targets q_proj -o x "$FIX/run.traj"
	[ ! -e x ]
}

@test "rl-explore: ratios are exactly 1 before the first update; -o and --save-to are adapters" {
	adapter
	explore -p ad -n 2 --log log -o next --save-every 1 --save-to steps >out
	jq -es 'all(.ratio_error == 0)' log
	jq -es 'any(.updates > 0)' log
	same next steps/step-2
	differ ad next
	explore -p "$FIX/base" --lora 2 -n 1 -j 1 -o a >out
	explore -p "$FIX/base" --lora 2 -n 1 -j 2 -o b >out
	same a b
}

@test "rl-explore --kl: the reference is the policy that the run began with, adapter included" {
	adapter
	explore -p ad -n 1 --minibatches 1 --kl 0.1 --log log >out
	jq -es 'all(.kl_start == 0)' log
	explore -p ad -n 2 --kl 0.1 --lr 0.05 --log log >out
	jq -es 'last.kl_start > 0' log
}

@test "--merge and policy-mix: whole policies, which answer as the adapter does" {
	adapter
	tune --lora 2 --steps 3 --merge -o whole "$FIX/run.traj"
	policy-mix -q ad -o mixed
	cmp whole/model.safetensors mixed/model.safetensors
	cmp "$FIX/base/config.json" whole/config.json
	greedy ad >a
	greedy whole >b
	cmp a b
	policy-mix -q -w 1 "$FIX/base" ad -o one
	cmp one/model.safetensors mixed/model.safetensors
	explore -p ad -n 1 --merge -o next >out
	[ -e next/model.safetensors ]
	status_is 2 tune --merge -o x "$FIX/run.traj"
	says "no adapter"
}

@test "weights under an adapter stay BF16: the same bits as in float32" {
	policy-mix -q "$FIX/base" -o half --dtype bf16
	policy-mix -q half -o wide --dtype f32
	rft-tune -q -p half --lora 2 --lr 1e-2 --steps 3 -o a "$FIX/run.traj"
	rft-tune -q -p wide --lora 2 --lr 1e-2 --steps 3 -o b "$FIX/run.traj"
	same a b
	# with the adapter added: nothing of it is rounded away, and what has none stays BF16
	policy-mix -q a -o whole
	policy-mix -q b -o wide.whole --dtype f32
	weights_of whole >got
	weights_of wide.whole | diff got -
	[ "$(wc -c <whole/model.safetensors)" -lt "$(wc -c <wide.whole/model.safetensors)" ]
	policy-mix -q a -o same --dtype same
	[ "$(wc -c <same/model.safetensors)" = "$(wc -c <half/model.safetensors)" ]
}

@test "--state: a run that was stopped goes on to the same bytes" {
	tune --lora 2 --steps 6 -o straight "$FIX/run.traj"
	tune --lora 2 --steps 6 --state st --checkpoint-every 2 -o a "$FIX/run.traj"
	same straight a
	# as a run that was killed after the checkpoint of update 4 would find it
	rm -r a st/step-6
	tune --lora 2 --steps 6 --state st --checkpoint-every 2 -o a "$FIX/run.traj"
	same straight a
	explore -p straight -n 4 -o e1 --stream s1
	explore -p straight -n 4 -o e2 --stream s2 --state st2 --checkpoint-every 2
	rm -r e2 st2/step-4
	explore -p straight -n 4 -o e2 --stream s2 --state st2 --checkpoint-every 2
	same e1 e2
	cmp <("$records" body <s1) <("$records" body <s2)
}

@test "the base is found from the adapter's folder too, and missed by name" {
	adapter
	cp -r "$FIX/base" below
	edit '.base_model_name_or_path = "../below"'
	greedy ad >a
	greedy bad >b
	cmp a b
	mkdir deeper # what is trained on from it finds the base from elsewhere
	rft-tune -q -p bad --batch 8 --lr 0 --steps 1 -o deeper/still "$FIX/run.traj"
	greedy deeper/still >b
	cmp a b
	edit '.base_model_name_or_path = "Qwen/Qwen2.5-0.5B"'
	status_is 3 policy-eval -p bad --prompt 1
	says "no policy folder bad/Qwen/Qwen2.5-0.5B"
	edit '.base_model_name_or_path = "../ad"'
	status_is 3 policy-eval -p bad --prompt 1
	says "an adapter itself"
	edit 'del(.base_model_name_or_path)'
	status_is 3 policy-eval -p bad --prompt 1
	says base_model_name_or_path
}

@test "a base whose path an adapter's file could not name is refused before training" {
	cp -r "$FIX/base" $'caf\xe9'
	status_is 3 rft-tune -p $'caf\xe9' --lora 2 --steps 1 -o x "$FIX/run.traj"
	says "a path that is not UTF-8"
	[ ! -e x ]
	status_is 0 rft-tune -q -p $'caf\xe9' --lora 2 --merge --steps 1 -o x "$FIX/run.traj"
}

@test "what would change the arithmetic is refused by name" {
	adapter
	while read -r key value; do
		edit ".$key = $value"
		status_is 3 policy-eval -p bad --prompt 1
		says "adapter_config.json: $key"
	done <<-'END'
		use_dora true
		use_rslora "yes"
		modules_to_save ["lm_head"]
		rank_pattern {"q_proj":4}
		alpha_pattern {"q_proj":4}
		layers_to_transform ["0"]
		layers_pattern "h"
		lora_bias true
		fan_in_fan_out true
		bias "all"
		peft_type "IA3"
		task_type "SEQ_CLS"
		init_lora_weights "pissa"
		never_heard_of 1
		r 0
		r "8"
		lora_alpha 0
		target_modules ["lm_head"]
		target_modules ".*(proj"
		target_modules "proj"
		target_modules []
	END
	edit '. + {"lora_dropout": 0.1, "never_heard_of": false, "loftq_config": {}}'
	status_is 0 policy-eval -q -p bad --prompt 1
}

@test "the keys of PEFT's that say the same of an adapter in other words" {
	adapter # rank 2, alpha 4
	policy-mix -q ad -o whole
	while read -r filter; do
		edit "$filter"
		rm -rf other
		policy-mix -q bad -o other
		cmp whole/model.safetensors other/model.safetensors
		rm -rf still # and is trained on from there
		rft-tune -q -p bad --batch 8 --lr 0 --steps 1 -o still "$FIX/run.traj"
		same ad still
	done <<-'END'
		.target_modules = ".*\\.(self_attn|mlp)\\.[a-z]+_proj"
		.target_modules = "all-linear"
		.target_modules |= map("layers.0.self_attn." + ., "0.mlp." + ., .)
		.target_modules |= [.[], "model.layers.0.mlp.up_proj"]
		.layers_pattern = "layers"
	END
	edit '.use_rslora = true | .lora_alpha = 2.8284271247461903'
	policy-mix -q bad -o rooted
	cmp whole/model.safetensors rooted/model.safetensors
	edit '.use_rslora = true'
	policy-mix -q bad -o more
	not cmp -s whole/model.safetensors more/model.safetensors
}

@test "a damaged adapter is refused by its tensor's name" {
	adapter
	edit '.r = 3'
	status_is 3 policy-eval -p bad --prompt 1
	says "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight: shape [2, 32]"
	edit '.target_modules = ["q_proj"]'
	status_is 3 policy-eval -p bad --prompt 1
	says "not one that adapter_config.json tells of"
	edit .
	rm bad/adapter_model.safetensors
	status_is 3 policy-eval -p bad --prompt 1
	says adapter_model.safetensors
	edit .
	head -c -4 ad/adapter_model.safetensors >bad/adapter_model.safetensors
	status_is 3 policy-eval -p bad --prompt 1
	edit .
	/usr/bin/python3 - bad/adapter_model.safetensors <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		data[-4:] = struct.pack("<f", float("nan"))
		open(sys.argv[1], "wb").write(data)
	END
	status_is 3 policy-eval -p bad --prompt 1
	says "not finite"
}

@test "pipelines/rloop: each iteration goes on with the adapter that exploration began with" {
	rloop=$root/pipelines/rloop
	"$rloop" -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d run -i 2 -n 1 \
		--explore-opts '--lora 2 --groups 4 --group-size 8 --lr 1e-3 --max-new 12' \
		--tune-opts '--lora 2 --lr 1e-2 --epochs 1' --filter-opts '' >out 2>err || {
		cat err
		return 1
	}
	for i in 1 2; do
		jq -e --arg base "$(realpath "$FIX/base")" '.base_model_name_or_path == $base' \
			run/iter-$i/policy/adapter_config.json
	done
	differ run/iter-1/policy run/iter-2/policy
}

@test "--compute bf16 under an adapter, on a base in f32 and in bf16: near f32, the same for any -j" {
	policy-mix -q "$FIX/base" -o half --dtype bf16
	for base in "$FIX/base" half; do
		rm -rf f32 a b c ad next
		train() {
			rft-tune -q -p "$base" --batch 8 --lr 1e-2 --lora 2 --steps 3 "$@" "$FIX/run.traj"
		}
		train --log f.log -o f32
		train --compute bf16 --log a.log -j 1 -o a
		train --compute bf16 -j 2 -o b
		train --compute bf16 --recompute -o c
		differ f32 a
		same a b
		same a c
		jq -es '.[0].loss - .[1].loss | fabs < 0.01' <(tail -qn 1 f.log a.log)
		explore -p a --compute bf16 -n 1 --log log -o next >out
		jq -es 'all(.ratio_error == 0) and any(.updates > 0)' log
		rm log
	done
}

@test "--blas openblas: the same but for rounding, for any -j; of an adapter and of all weights" {
	for more in "" "--lora 2"; do
		rm -rf a b c
		# shellcheck disable=SC2086
		{
			tune $more --steps 3 --log a.log -o a "$FIX/run.traj"
			tune $more --steps 3 --log b.log -j 1 --blas openblas -o b "$FIX/run.traj"
			tune $more --steps 3 -j 2 --blas openblas -o c "$FIX/run.traj"
		}
		if [ -n "$more" ]; then same b c; else cmp b/model.safetensors c/model.safetensors; fi
		jq -es '.[0].loss - .[1].loss | fabs < 1e-4' <(tail -qn 1 a.log b.log)
	done
	rm a.log
	explore -p "$FIX/base" --blas openblas -n 1 --log a.log -o next >out
	jq -es 'all(.ratio_error == 0) and any(.updates > 0)' a.log
	status_is 2 rft-tune -p "$FIX/base" --blas mkl -o new "$FIX/run.traj"
}

@test "OpenBLAS is loaded where it is asked for, with one thread, and nowhere else" {
	if [[ $BIN == *-* ]]; then [[ $BIN == *-check/* ]] || skip "another build takes other memory"; fi
	cat >many.c <<-'END'
		#include <dlfcn.h>
		#include <sched.h>
		#include <string.h>
		#include <unistd.h>
		int get_nprocs(void) { return 64; }
		int get_nprocs_conf(void) { return 64; }
		long sysconf(int n)
		{
			long (*real)(int);
			*(void **)&real = dlsym(RTLD_NEXT, "sysconf");
			return n == _SC_NPROCESSORS_ONLN || n == _SC_NPROCESSORS_CONF ? 64 : real(n);
		}
		int sched_getaffinity(pid_t p, size_t n, cpu_set_t *s)
		{
			(void)p;
			memset(s, 0, n);
			for (size_t i = 0; i < 64 && i < 8 * n; i++)
				CPU_SET_S(i, n, s);
			return 0;
		}
	END
	"${CC:-cc}" -D_GNU_SOURCE -shared -fPIC -o many.so many.c -ldl
	for tool in "$BIN"/*; do
		not grep -q libopenblas <(ldd "$tool")
	done
	for preload in "" "$PWD/many.so"; do
		rm -rf new
		LD_PRELOAD=$preload status_is 0 timeout 60 bash -c 'ulimit -v 100000; exec "$@"' - \
			rft-tune -q -j 2 -p "$FIX/base" --lora 2 --steps 12 -o new "$FIX/run.traj"
		LD_PRELOAD=$preload status_is 0 timeout 60 bash -c 'ulimit -v 100000; exec "$@"' - \
			policy-eval -q -j 2 -p "$FIX/base" -t "$FIX/test.jsonl" --greedy --max-new 2
		rm -rf new
		LD_PRELOAD=$preload status_is 4 timeout 60 bash -c 'ulimit -v 150000; exec "$@"' - \
			rft-tune -q -j 2 -p "$FIX/base" --blas openblas --steps 12 -o new "$FIX/run.traj"
		says "MB of address space for 2 threads"
		LD_PRELOAD=$preload status_is 0 timeout 60 bash -c 'ulimit -v 500000; exec "$@"' - \
			rft-tune -q -j 2 -p "$FIX/base" --blas openblas --steps 12 -o new "$FIX/run.traj"
	done
}
