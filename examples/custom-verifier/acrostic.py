"""acrostic.py - the share of the answer's letters that the words of the response begin with, from
the first one on; a word too many costs a tenth."""

import json
import re
import sys

for line in sys.stdin:
    item = json.loads(line)
    got = "".join(word[0] for word in re.findall("[a-z]+", item["response"].lower()))
    want = item["answer"]
    right = 0
    while right < min(len(got), len(want)) and got[right] == want[right]:
        right += 1
    reward = right / len(want)
    if len(got) > len(want):
        reward -= 0.1
    print(json.dumps({"reward": round(reward, 3), "extracted": got}), flush=True)
