#!/bin/bash
# kernels.sh - microseconds of a call of some functions, by each set of kernels (base/cpu.h).
set -euo pipefail
exec kernels
