#!/bin/bash
# surprising.sh [LIMIT] - trajectories whose mean log-probability of a token is below LIMIT [-0.1]:
# what the policy is sure of anyway teaches it nothing. head and end records go through jq as well:
# so traj-cat sees whether the input was cut off, and the output says how it was made.
set -euo pipefail

traj-cat --all |
	jq -c --argjson limit "${1:--0.1}" 'select(.kind == "head" or .kind == "end" or
		((.logprobs // [] | length) > 0 and (.logprobs | add / length) < $limit))' |
	traj-cat --from-json
