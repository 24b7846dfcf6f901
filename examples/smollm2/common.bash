# common.bash - what run.sh and compare.sh have in common. They set model and dir; from here on they are in dir,
# here is their own folder, and policy is the model as a folder.
# shellcheck shell=bash disable=SC2154,SC2034

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# Pipelines and tools of the tree or of the prefix that this script is in
PATH=$here/../../pipelines:$here/../../../../../libexec/rloop:$PATH:$here/../../build/bin:$here/../../../../../bin
mkdir -p "$dir"
cd "$dir"

# make FILE COMMAND ...: the command's standard output becomes FILE, once
make() {
	local file=$1
	shift
	[ -e "$file" ] || { "$@" >"$file.part" && mv "$file.part" "$file"; }
}

# A folder is a policy as it is; a file becomes one
policy=$model
if [ ! -d "$model" ]; then
	policy=$PWD/policy
	[ -d policy ] || policy-convert "$model" -o policy
fi
