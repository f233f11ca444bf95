# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status comes from run
# sql.bash - DriftQL asked of the database db in the test's directory; after lib.bash.

# sql STATEMENT...: all of them, as JSON lines, messages left out
sql()
{
	driftdb sql -d db --quiet -e "$*"
}

# refuses SQLSTATE TEXT STATEMENT
refuses()
{
	run driftdb sql -d db -e "$3"
	[ "$status" -eq 1 ] && says "^ERROR $1: .*$2"
}

# A dump, loaded into another database, dumps the same bytes.
round_trip()
{
	driftdb dump -d db --events >dumped
	driftdb init loaded
	driftdb load -d loaded dumped
	driftdb dump -d loaded --events | cmp - dumped
	driftdb verify -d loaded
}
