"""code.py CASES JUDGE: responses with Python in them, judged; prints each that goes wrong."""
import json
import subprocess
import sys

cases = [json.loads(s) for s in open(sys.argv[1], encoding="utf-8")]
lines = [json.dumps({"task": c["id"], "response": c["response"], "answer": None,
                     "meta": {k: c[k] for k in ("prompt", "entry_point", "test")}}) for c in cases]
out = subprocess.run([sys.executable, sys.argv[2]], input="\n".join(lines) + "\n", capture_output=True,
                     text=True, check=True).stdout.splitlines()
wrong = [(c["id"], o) for c, o in zip(cases, out) if json.loads(o)["reward"] != c["right"]]
print(*wrong, sep="\n")
sys.exit(bool(wrong) or len(out) != len(cases))
