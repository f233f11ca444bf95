#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Programs that make random system calls, and are killed in the middle of them, do no harm
# to anybody else. DRIFTFS_HOSTILE_SECONDS says for how long, SEED repeats a run.
load lib

@test "random system calls leave the daemon serving, the database whole and nothing open" {
	draw_seed
	new_mount
	printf '%s' 'CREATE TABLE t (pk=id); CREATE INDEX v ON t (v);' >mnt/query
	for i in 1 2 3 4 5; do
		echo '{"v":'"$i"'}' >mnt/tables/t/rows/$i.json
	done
	"$BUILD/tests/bats/hostile" mnt "${DRIFTFS_HOSTILE_SECONDS:-4}" "$SEED"
	kill -0 "$MOUNT_PID"
	eventually 10 nothing_is_open
	[ "$(gauge read_only)" = 0 ]
	[ -d mnt/tables/t ] || mkdir mnt/tables/t # it may have been removed, or renamed
	echo '{"v":"after"}' >mnt/tables/t/rows/after.json
	same "$(jq -r .v mnt/tables/t/rows/after.json)" after
	driftdb verify -q -d db
	stop_mount
	driftdb verify -q -d db
}
