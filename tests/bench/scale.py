#!/usr/bin/python3
"""scale.py - what a step of rl-explore would take on N ranks: seconds, bytes moved, memory; and where more ranks stop paying.

    rl-explore -p POLICY -t TASKS -n 4 --lanes 8 --log one.log ... >/dev/null           measured once, on one rank
    scale.py --log one.log -p POLICY --lanes 8 --network 10 --ranks 1,2,4,8,16
    scale.py --log one.log -p POLICY --lanes 2 --ranks 2 --check two.log                how wrong that is

Without a log, --sample and --train are tokens a second of one rank, --tokens those of a step, --responses their number. A table of
tab-separated values goes to standard output, what it means to standard error. The model is in docs/SCALING.md.
"""
import argparse, json, math, pathlib, statistics, struct, sys

PIECE = 1 << 20  # bytes that go to each rank at a time, before the next are sent


def size_of(policy):
    """Parameters of a Hugging Face folder."""
    counts = []
    for path in sorted(pathlib.Path(policy).glob("*.safetensors")):
        with open(path, "rb") as f:
            head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        counts += [math.prod(t["shape"]) for name, t in head.items() if name != "__metadata__"]
    if not counts:
        sys.exit(f"scale.py: {policy}: no safetensors in it")
    return sum(counts)


def median_step(path):
    """A step of a log, as the median of its steps but the first, which is slower: seconds of each part, and what was sampled."""
    rows = [json.loads(line) for line in open(path)]
    rows = [r for r in rows[1:] or rows if r["updates"]]
    if not rows:
        sys.exit(f"scale.py: {path}: no step with an update in it")
    middle = lambda *keys: statistics.median(sum(r[k] for k in keys) for r in rows)
    return {"responses": middle("responses"), "tokens": statistics.median(r["responses"] * r["length"] for r in rows), "longest": middle("longest"),
            "updates": middle("updates"), "sample": middle("sampling_s", "verifying_s", "waiting_s"), "train": middle("forward_s", "backward_s"),
            "optimizer": middle("update_s"), "rest": middle("rest_s"), "seconds": middle("seconds")}


class Cluster:
    def __init__(self, o, ranks):
        self.ranks, self.hosts = ranks, -(-ranks // o.per_host)
        self.bandwidth, self.memory = o.network * 1e9 / 8, o.memory_speed * 1e9
        self.latency = (o.latency if self.hosts > 1 else min(o.latency, 1)) * 1e-6

    def move(self, size):
        """Seconds in which each rank gets, and sends, so many bytes from and to all others alike."""
        off = self.ranks - self.ranks / self.hosts  # ranks that are elsewhere
        each = size / max(self.ranks - 1, 1)
        wire = each * off * (self.ranks / self.hosts) / self.bandwidth
        return wire + each * (self.ranks - 1 - off) * (self.ranks / self.hosts) / self.memory


def model(o, step, n):
    """What one step takes on n ranks: seconds by part, bytes into a rank, bytes of memory of a rank."""
    c, w = Cluster(o, n), 4 * o.parameters
    rounds, share = -(-o.lanes // n), w / n
    # responses are dealt one by one in the end: whoever has none waits for one of the longest
    t = {"sample": step["sample"] * (1 / n + (1 - 1 / n) * step["longest"] / step["tokens"]), "train": step["train"] * rounds / o.lanes,
         "optimizer": step["optimizer"] / n, "rest": step["rest"]}
    sums = gather = texts = 0
    if n > 1:
        sums = share * (o.lanes - rounds if o.lanes > 1 else 1)  # of lanes of others, what this rank adds
        gather = w * (n - 1) / n
        texts = 12 * step["tokens"]
        pieces = -(-share // PIECE)
        t["sum"] = step["updates"] * (c.move(sums if o.lanes > 1 else gather) + rounds * pieces * c.latency)
        # parts come from one rank after the other
        t["gather"] = step["updates"] * (n / (n - 1) * c.move(gather) + n * c.latency * math.log2(n))
        t["texts"] = c.move(texts) + 5 * n * c.latency * math.log2(n)
    # weights and their panels, a lane; the sum of lanes and two moments, of which each rank has a part
    own = 1 if o.lanes > 1 else 0
    return t, step["updates"] * (sums + gather) + texts, w * (2 + own) + 3 * share + o.other * 1e9


PARTS = ["sample", "train", "optimizer", "rest", "sum", "gather", "texts"]


def table(o, step, ranks):
    one = sum(model(o, step, 1)[0].values())
    print("ranks", "hosts", *(f"{x}_s" for x in PARTS), "step_s", "speedup", "efficiency", "moved_GB", "rank_GB", "host_GB", sep="\t")
    for n in ranks:
        t, moved, memory = model(o, step, n)
        all_s = sum(t.values())
        print(n, -(-n // o.per_host), *(f"{t.get(x, 0):.3f}" for x in PARTS), f"{all_s:.3f}", f"{one / all_s:.2f}", f"{one / all_s / n:.2f}",
              f"{moved / 1e9:.3f}", f"{memory / 1e9:.3f}", f"{memory * min(n, o.per_host) / 1e9:.3f}", sep="\t")


def most_that_pays(o, step):
    """The most ranks, by doubling, that take less than three quarters of what half of them take, and less than one."""
    took = [sum(model(o, step, 1 << i)[0].values()) for i in range(21)]
    return 1 << max(i for i in range(21) if i == 0 or took[i] < min(.75 * took[i - 1], took[0]))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("-p", "--policy", help="folder of the policy; or --parameters")
    p.add_argument("--parameters", type=float, default=0)
    p.add_argument("--log", help="of rl-explore on one rank")
    p.add_argument("--tokens", type=float, default=32 * 16 * 256, help="sampled in a step")
    p.add_argument("--responses", type=float, default=32 * 16)
    p.add_argument("--updates", type=float, default=4, help="of a step")
    p.add_argument("--sample", type=float, default=1000, help="tokens a second of one rank")
    p.add_argument("--train", type=float, default=500)
    p.add_argument("--lanes", type=int, default=8)
    p.add_argument("--optimizer", type=float, default=0, help="seconds of the optimizer in a step")
    p.add_argument("--rest", type=float, default=0, help="seconds of a step that are not shared: panels, records, log")
    p.add_argument("--other", type=float, default=0, help="GB of a rank for activations and the cache of sampling")
    p.add_argument("--ranks", default="1,2,4,8,16,32,64")
    p.add_argument("--per-host", type=int, default=1, help="ranks on a host")
    p.add_argument("--network", type=float, default=1, help="Gbit/s of a host, each way")
    p.add_argument("--latency", type=float, default=50, help="microseconds of a message between hosts")
    p.add_argument("--memory-speed", type=float, default=2, help="GB/s between ranks of a host")
    p.add_argument("--check", metavar="LOG", help="of as many ranks: says how far the model is off; status 1 beyond 15 %%")
    o = p.parse_args()
    if not o.parameters:
        if not o.policy:
            p.error("-p or --parameters is needed")
        o.parameters = size_of(o.policy)
    step = median_step(o.log) if o.log else {
        "responses": o.responses, "tokens": o.tokens, "longest": 2 * o.tokens / o.responses, "updates": o.updates,
        "sample": o.tokens / o.sample, "train": o.tokens / o.train, "optimizer": o.optimizer, "rest": o.rest}
    ranks = [int(n) for n in o.ranks.split(",")]
    table(o, step, ranks)
    print(f"# it pays up to {most_that_pays(o, step)} ranks: twice as many would take more than three quarters of the time", file=sys.stderr)
    if not o.check:
        return 0
    real, told = median_step(o.check)["seconds"], sum(model(o, step, ranks[-1])[0].values())
    print(f"# {ranks[-1]} ranks: {told:.3f} s told, {real:.3f} s measured: {100 * (told / real - 1):+.1f} %", file=sys.stderr)
    return int(abs(told / real - 1) > .15)


if __name__ == "__main__":
    sys.exit(main())
