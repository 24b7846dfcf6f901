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
    """Parameters in all, and of the largest tensor, of a Hugging Face folder."""
    counts = []
    for path in sorted(pathlib.Path(policy).glob("*.safetensors")):
        with open(path, "rb") as f:
            head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        counts += [math.prod(t["shape"]) for name, t in head.items() if name != "__metadata__"]
    if not counts:
        sys.exit(f"scale.py: {policy}: no safetensors in it")
    return sum(counts), max(counts)


def median_step(path):
    """A step of a log, as the median of its steps but the first, which is slower."""
    rows = [json.loads(line) for line in open(path)]
    rows = [r for r in rows[1:] or rows if r["updates"]]
    if not rows:
        sys.exit(f"scale.py: {path}: no step with an update in it")
    middle = lambda f: statistics.median(map(f, rows))
    sampled = lambda r: r["responses"] * r["length"]
    sampling = lambda r: sampled(r) / r["sample_tokens_per_s"]
    return {"tokens": middle(sampled), "responses": middle(lambda r: r["responses"]), "updates": middle(lambda r: r["updates"]),
            "sample": middle(sampling), "train": middle(lambda r: r["seconds"] - sampling(r)), "seconds": middle(lambda r: r["seconds"])}


class Cluster:
    def __init__(self, o, ranks):
        self.ranks, self.hosts = ranks, -(-ranks // o.per_host)
        self.bandwidth, self.memory = o.network * 1e9 / 8, o.memory_speed * 1e9
        self.latency = (o.latency if self.hosts > 1 else 1) * 1e-6

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
    t = {}
    # equal numbers of responses, of unequal lengths: the last rank is that much behind the mean
    late = 1 + o.spread * math.sqrt(2 * math.log(n) / max(step["responses"] / n, 1)) if n > 1 else 1
    t["sample"] = step["sample"] / min(n, step["responses"]) * late
    moments = step["updates"] * o.step_seconds
    t["train"] = (step["train"] - moments) * rounds / o.lanes + moments
    sums = gather = 0
    if n > 1:
        pieces = -(-share // PIECE)
        held = (o.lanes - rounds) / o.lanes if o.lanes > 1 else 0  # of the lanes, on other ranks
        sums = o.lanes * share * held if o.lanes > 1 else share
        gather = w * (n - 1) / n
        t["sum"] = step["updates"] * (c.move(sums) + rounds * pieces * c.latency)
        t["gather"] = step["updates"] * (c.move(gather) + n * c.latency * math.log2(n))
        t["responses"] = c.move(12 * step["tokens"]) + 5 * n * c.latency * math.log2(n)
    moved = step["updates"] * (sums + gather) + (12 * step["tokens"] if n > 1 else 0)
    # weights and their panels, gradient, moments; the lane that is added
    memory = w * (2 + 1 + 2) + (w if o.lanes > 1 else 0) + o.other * 1e9
    return t, moved, memory


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
    p.add_argument("--spread", type=float, default=.5, help="of the lengths of responses: deviation by mean")
    p.add_argument("--step-seconds", type=float, default=0, help="of the optimizer in an update, which each rank makes whole")
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
        o.parameters, _ = size_of(o.policy)
    step = median_step(o.log) if o.log else {
        "tokens": o.tokens, "responses": o.responses, "updates": o.updates, "sample": o.tokens / o.sample, "train": o.tokens / o.train}
    ranks = [int(n) for n in o.ranks.split(",")]
    one = sum(model(o, step, 1)[0].values())
    parts = ["sample", "train", "sum", "gather", "responses"]
    print("ranks", "hosts", *(f"{x}_s" for x in parts), "step_s", "speedup", "efficiency", "moved_GB", "rank_GB", "host_GB", sep="\t")
    pays, before = 1, one
    for n in ranks:
        t, moved, memory = model(o, step, n)
        all_s = sum(t.values())
        print(n, -(-n // o.per_host), *(f"{t.get(x, 0):.3f}" for x in parts), f"{all_s:.3f}", f"{one / all_s:.2f}", f"{one / all_s / n:.2f}",
              f"{moved / 1e9:.3f}", f"{memory / 1e9:.3f}", f"{memory * min(n, o.per_host) / 1e9:.3f}", sep="\t")
    n = 1
    while n < 1 << 20 and sum(model(o, step, 2 * n)[0].values()) < .75 * sum(model(o, step, n)[0].values()):
        n *= 2
    print(f"# it pays up to {n} ranks: twice as many would take more than three quarters of the time", file=sys.stderr)
    if not o.check:
        return 0
    real, told = median_step(o.check)["seconds"], sum(model(o, step, ranks[-1])[0].values())
    print(f"# {ranks[-1]} ranks: {told:.3f} s told, {real:.3f} s measured: {100 * (told / real - 1):+.1f} %", file=sys.stderr)
    return int(abs(told / real - 1) > .15)


if __name__ == "__main__":
    sys.exit(main())
