#!/bin/bash
# kernels.sh - what the widest multiply-adds reach, and microseconds of a call of some functions, by each set of kernels
# (base/cpu.h).
set -euo pipefail
exec kernels
