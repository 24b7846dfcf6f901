"""rows.py CASES POLICY: runs rows of problem sets through the tools, prints each case that goes wrong.

Cases and what is right: the README beside them, "rows.jsonl".
"""
import json
import subprocess
import sys


def records(stream):
    out = subprocess.run(["traj-cat"], input=stream, capture_output=True, check=True).stdout
    return [json.loads(s) for s in out.decode().splitlines()]


def evaluated(policy):
    r = subprocess.run(["policy-eval", "-q", "-p", policy, "-t", "case.jsonl", "--no-score", "--max-new", "1"],
                       capture_output=True, check=False)
    return (records(r.stdout) if r.returncode == 0 else []), r.returncode, r.stderr.decode()


def scored(case, task):
    lines = "".join(json.dumps({"task": task, "prompt": "?", "response": s}) + "\n" for s in case["responses"])
    stream = subprocess.run(["traj-cat", "--from-json"], input=lines.encode(), capture_output=True, check=True).stdout
    r = subprocess.run(["traj-score", "-q", "-t", "case.jsonl"] + case.get("option", []),
                       input=stream, capture_output=True, check=False)
    return ([x.get("reward") for x in records(r.stdout)] if r.returncode == 0 else None), r.returncode, r.stderr.decode()


def holds(want, seen):
    said = seen["said"]
    if "refused" in want:
        return (3 in seen["statuses"] and all(any(w in said for w in e.split("|")) for e in want["refused"])
                and not any(w in said for w in want.get("not", [])))
    return all({"tasks": len({x["task"] for x in seen["records"]}), "unjudged": not any(seen["rewards"] or []),
                "rewards": seen["rewards"]}.get(k, (seen["records"] or [{}])[0].get(k)) == v for k, v in want.items())


def main():
    bad = 0
    for line in open(sys.argv[1], encoding="utf-8"):
        case = json.loads(line)
        with open("case.jsonl", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in case["rows"])
        seen = {"rewards": None}
        seen["records"], status, seen["said"] = evaluated(sys.argv[2])
        seen["statuses"] = [status]
        if "responses" in case:
            task = case.get("record") or (seen["records"][0]["task"] if seen["records"] else case.get("task", "x"))
            seen["rewards"], status, said = scored(case, task)
            seen["statuses"].append(status)
            seen["said"] += said
        if not any(holds(w, seen) for w in case["right"]):
            bad += 1
            print(case["id"], {k: v for k, v in seen.items() if k != "records"},
                  [{k: x.get(k) for k in ("task", "prompt", "answer")} for x in seen["records"]])
    return bad > 0


sys.exit(main())
