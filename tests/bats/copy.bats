#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The log's directory copied by cp while four processes write: every copy opens, and
# holds all that was acknowledged before it began. COPIES=N makes so many.
load lib

client=$BUILD/tests/bats/crash_client

# copy_now N: what cp takes of the log, and what was acknowledged before.
copy_now()
{
	cat acked.* >"before.$1"
	mkdir -m 700 "copy.$1"
	cp -a db/log "copy.$1/log" 2>"cp.$1" || {
		# A file that is being made has another name when cp gets to it.
		run grep -v '\.tmp' "cp.$1"
		same "$output" ''
	}
	cp -a db/FORMAT "copy.$1/FORMAT"
}

# check_copy N: it opens, it is whole, nothing of before.N is missing.
check_copy()
{
	driftdb sql -q -d "copy.$1" -e 'SELECT id FROM t' >"ids.$1.json"
	jq -r .id "ids.$1.json" | sort >"ids.$1"
	same "$(sort "before.$1" | comm -23 - "ids.$1")" ''
	driftdb verify -q -d "copy.$1"
	rm -r "copy.$1"
}

# bats test_tags=concurrent
@test "cp of the live log twenty times under load: each copy opens, with all that was acknowledged" {
	local copies=${COPIES:-20} n writer workers=()

	new_mount
	mkdir mnt/tables/t
	for writer in 1 2 3 4; do
		: >"acked.$writer"
		"$client" write mnt/tables/t/rows "acked.$writer" "w$writer" 1000000 \
			2>/dev/null 3>&- &
		workers+=($!)
	done
	eventually 10 test -s acked.1
	for ((n = 1; n <= copies; n++)); do
		# A new segment, and a packed one in the place of a plain one, meanwhile.
		if ((n % 5 == 0)); then
			driftdb sql -q -d db -e VACUUM 3>&- &
			workers+=($!)
		fi
		copy_now "$n"
		check_copy "$n"
	done
	[ "$(cat "before.$copies" | wc -l)" -gt "$(cat before.1 | wc -l)" ]
	kill_mount
	for writer in "${workers[@]}"; do
		wait "$writer" || :
	done
}

@test "cp of a whole database in use: its index is not believed, that of one at rest is" {
	new_mount
	mkdir mnt/tables/t
	echo '{"n":1}' >mnt/tables/t/rows/a.json
	driftdb sql -q -d db -e CHECKPOINT
	cp -a db inuse
	stop_mount
	cp -a db atrest
	run driftdb sql -d inuse -e 'SELECT id, n FROM t'
	says 'index: it was copied while it was in use; rebuilding it from the log'
	says '^\{"id":"a","n":1\}$'
	run driftdb sql -d inuse -e 'SELECT id, n FROM t'
	same "$output" '{"id":"a","n":1}'
	run driftdb sql -d atrest -e 'SELECT id, n FROM t'
	same "$output" '{"id":"a","n":1}'
	driftdb verify -q -d inuse
}
