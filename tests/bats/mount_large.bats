#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A table of many rows as a directory: LARGE_ROWS of them (100,000; 10,000,000 were
# measured, see docs/benchmarks.md).
load lib

setup()
{
	begin_test
	need_fuse
	count=${LARGE_ROWS:-$((SLOW > 1 ? 20000 : 100000))}
	rows=mnt/tables/t/rows
}

# A database of count rows k0, k1, ..., mounted.
large_mount()
{
	driftdb init db >/dev/null
	seq 0 $((count - 1)) | sed 's/.*/{"id":"k&","v":&}/' |
		driftdb ingest -q -d db -t t --create --key id --as jsonl -f - >ingested || {
		cat ingested
		return 1
	}
	start_mount db mnt
}

# What the daemon holds for itself, in KiB.
own_memory()
{
	awk '/^RssAnon/ { print $2 }' "/proc/$MOUNT_PID/status"
}

few_nodes()
{
	[ "$(gauge nodes)" -le "$1" ]
}

@test "many rows: listed exactly, the first at once, in bounded memory" {
	local before after

	large_mount
	ls -f mnt/tables >/dev/null
	before=$(own_memory)
	same "$(ls -f $rows | wc -l)" $((count + 2))
	same "$(find $rows -maxdepth 1 -name 'k*.json' -printf '%f\n' | sort -u | wc -l)" "$count"
	for i in 1 2 3 4 5; do
		# A listing begun and left; a name in the middle.
		ls -f $rows | head -n 3 >/dev/null
		same "$(jq -r .v $rows/k$((count / 2 + i)).json)" $((count / 2 + i))
	done
	after=$(own_memory)
	echo "$before KiB, then $after KiB"
	[ $((after - before)) -lt $((4096 * (SLOW > 1 ? 20 : 1))) ]
	same "$(cat mnt/tables/t/count)" "$count"
}

@test "each row exactly once, wherever one goes back to, while others come and go" {
	large_mount
	run "$BUILD/tests/bats/directory" $rows "$count" "${LARGE_SCANS:-$((SLOW > 1 ? 4 : 9))}"
	echo "$output"
	same "$status" 0
	# The answer of one call, not of a directory of millions.
	[ "$(sed -nE 's/^slowest call ([0-9]+).*/\1/p' <<<"$output")" -lt $((10000 * SLOW)) ]
}

# Descriptors of the daemon but those that its workers read requests from, one each.
descriptors()
{
	find "/proc/$MOUNT_PID/fd" ! -lname /dev/fuse | wc -l
}

# no_more_descriptors N: than N, but for a segment that is open or a client that is going.
no_more_descriptors()
{
	[ "$(descriptors)" -le $(($1 + 3)) ]
}

all_looked_at()
{
	find $rows -size +1M
	[ "$(gauge nodes)" -ge "$count" ]
}

@test "nodes and descriptors go when the kernel lets go of the names" {
	local open

	count=10000
	large_mount
	for round in 1 2 3; do
		# The kernel lets go of what it needs the room of, too.
		eventually 10 all_looked_at
		driftdb sql -q -d db -e "DELETE FROM t"
		eventually 30 few_nodes 20
		open=${open:-$(descriptors)}
		seq 0 $((count - 1)) | sed 's/.*/{"id":"k&","v":&}/' >mnt/tables/t/import.jsonl
	done
	eventually 10 no_more_descriptors "$open"
}

@test "nothing is kept of names that are not there" {
	local before

	count=10
	large_mount
	find $rows -type f -size +1M
	before=$(gauge nodes)
	seq 20000 | sed "s|.*|$rows/none&.json|" | xargs stat >/dev/null 2>&1 || :
	[ "$(gauge nodes)" -le "$before" ]
}

@test "who asks for the size of a stream may give up; who asks on is told it exactly" {
	count=50000
	large_mount
	view=mnt/@seq/$((count - 1))/tables/t
	for file in mnt/tables/t/events mnt/events $view/rows.jsonl $view/rows.csv $view/count; do
		for wait in 0.01 0.02 0.03; do
			timeout -s INT $wait stat $file >/dev/null || :
		done
		stat -c %s $file >other &
		same "$(stat -c %s $file)" "$(wc -c <$file)"
		wait $!
		same "$(cat other)" "$(stat -c %s $file)"
	done
	same "$(wc -l <mnt/tables/t/events)" $((count + 1))
	same "$(wc -l <$view/rows.jsonl)" $((count - 1))
}
