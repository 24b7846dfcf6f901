"""turns.py - what the peers' scripts share: who is measured in turn with whom, and the rows of JSON.

Everything is measured A B A B, on the processor that the process is bound to. A row has the median of
ours, a peer's median, and the median of the ratios of the rounds, by which we are the quicker one.
"""
import json
import os
import statistics
import subprocess
import tempfile

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")         # before torch or numpy is loaded


class Ours:
    """build/bench/model --serve"""

    def __init__(self, program, name, options):
        self.p = subprocess.Popen([program, "--serve", "--presets", name, *options], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def measure(self, what):
        self.p.stdin.write(what + "\n")
        self.p.stdin.flush()
        return float(self.p.stdout.readline())

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def rl_arguments(p):
    """What the peers of a step of reinforcement learning are told."""
    p.add_argument("--shape", required=True, help="the policy's, as model.c calls it")
    p.add_argument("--policy", required=True)
    p.add_argument("--tasks", required=True)
    p.add_argument("--template", default="{prompt}", help="what the policy sees of a task")
    p.add_argument("--groups", type=int, default=32)
    p.add_argument("--options", default="", help="more options for rl-explore")
    p.add_argument("--rounds", type=int, default=5)


def rl_step(a, seed, size, updates):
    """Seconds of the second step of a run of rl-explore; the first fills caches and touches memory."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["rl-explore", "-q", "-p", a.policy, "-t", a.tasks, "-n", "2", "-j", "1", "-s", str(seed),
                        "--groups", str(a.groups), "--group-size", str(size), "--keep-equal", "--rounds", "1",
                        "--minibatches", str(updates), "--lr", "1e-4", "--max-new", "32", "--prompt-template",
                        a.template, "--log", log.name, *a.options.split()],
                       check=True, stdout=subprocess.DEVNULL)
        return json.loads(log.readlines()[1])["seconds"]


def rl_rows(a, size, seen):
    rows(dict(bench="rl", name=f"{a.shape}: RL step, {a.groups} groups of {size}", unit="s"), "ours", seen, True)


def in_turn(rounds, who):
    """Calls each of who, a name and a function, once a round; its values by name."""
    seen = {name: [] for name in who}
    for _ in range(rounds):
        for name, measure in who.items():
            seen[name].append(measure())
    return seen


def rows(what, ours, seen, less_is_more=False):
    """Prints a row for each peer of ours in seen; what: the row's other fields."""
    digits = 3 if less_is_more else 1
    for peer in [name for name in seen if name != ours] or [None]:
        r = {**what, "value": round(statistics.median(seen[ours]), digits)}
        if peer is not None:
            pairs = list(zip(seen[ours], seen[peer]))
            ratio = statistics.median(b / a if less_is_more else a / b for a, b in pairs)
            r.update(peer=peer, peer_value=round(statistics.median(seen[peer]), digits),
                     ratio=round(ratio, 3))
        print(json.dumps(r), flush=True)
