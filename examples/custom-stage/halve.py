#!/usr/bin/python3
"""halve.py [FILE ...] - responses of more than two tokens get half of their reward."""
import sys

import traj


def halve(r):
    logprobs = traj.view(r, "logprobs")
    if r.get("reward") is None or logprobs is None or len(logprobs) <= 2:
        return True  # passes as it came
    return dict(r, reward=r["reward"] / 2)


sys.exit(traj.stage(halve))
