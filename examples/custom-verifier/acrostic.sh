#!/bin/sh
# acrostic.sh - reward 1 when the words of the response begin with the letters of the answer
exec jq -c --unbuffered '
	(.response | ascii_downcase | [scan("[a-z]+")[0:1]] | join("")) as $got
	| {reward: (if $got == .answer then 1 else 0 end), extracted: $got}'
