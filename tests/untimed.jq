# A log's rows, one a line, without what two runs of the same call need not have in common: how long things took.
with_entries(select(.key | test("_s$|seconds") | not))
