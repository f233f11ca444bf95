#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Four processes write files, two write by SQL, and two read, while the daemon is killed
# at a random moment, again and again: nothing acknowledged is lost, nothing is torn.
# SEED=N repeats a run's moments, DRIFTFS_KILLS=N kills as often.
load lib

client=$BUILD/tests/bats/crash_client

# by_sql ROUND WRITER: transactions of two rows each, acknowledged by what is selected
# after each COMMIT. Whose daemon died before it came opens the database itself, so
# these are not many.
by_sql()
{
	"$client" sql "r$1-s$2" 200 2>/dev/null |
		driftdb sql -d db -q --format json 2>/dev/null |
		sed -un 's/^{"id":"\(.*\)"}$/\1/p' >"acked.$1.s$2" || :
}

# round N: everybody at work, the daemon killed after a while, all of them awaited.
round()
{
	local workers=() worker
	local after=$(((RANDOM % 200 + 1) * SLOW))

	for writer in 1 2 3 4; do
		"$client" write mnt/tables/t/rows "acked.$1.$writer" "r$1-w$writer" 2000 3>&- &
		workers+=($!)
	done
	for writer in 1 2; do
		by_sql "$1" "$writer" 3>&- &
		workers+=($!)
	done
	for _ in 1 2; do
		"$client" read mnt/tables/t/rows 3>&- &
		workers+=($!)
	done
	pause_ms "$after"
	# The dead mount stays until they are done: who came late finds it, not nothing.
	kill_daemon
	for worker in "${workers[@]}"; do
		wait "$worker"
	done
	unmount_one "$MOUNT_POINT"
}

pause_ms()
{
	read -r -t "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" <> <(:) || :
}

remount()
{
	local began=${EPOCHREALTIME/./} took

	start_mount db mnt
	took=$((${EPOCHREALTIME/./} - began))
	echo "round $1: acknowledged $(cat acked."$1".* | wc -l), remounted in $((took / 1000)) ms"
	# Nothing near as long; the machine may be taken away for a while.
	[ "$took" -lt $((10000000 * SLOW)) ]
}

# bats test_tags=concurrent
@test "SIGKILL again and again under load: no acknowledged row is lost, none is torn" {
	draw_seed
	new_mount
	mkdir mnt/tables/t
	kills=${DRIFTFS_KILLS:-$((40 / SLOW))}
	for n in $(seq "$kills"); do
		round "$n"
		remount "$n"
		# All that was acknowledged before, too, and all rows there are.
		[ $((n % 10)) != 0 ] || "$client" check mnt/tables/t/rows acked.*
	done
	"$client" check mnt/tables/t/rows acked.*
	# Each way has had its share.
	[ "$(cat acked.*.s? | wc -l)" -gt "$kills" ]
	[ "$(cat acked.*.? | wc -l)" -gt "$kills" ]
	stop_mount
	driftdb verify -d db
}

@test "killed while it recovers, it recovers the next time" {
	new_mount
	mkdir mnt/tables/t
	"$client" write mnt/tables/t/rows acked.1 a 500
	kill_mount
	for wait_ms in 1 3 10 30; do
		driftfs -f db mnt 2>>daemon.log 3>&- &
		pid=$!
		pause_ms "$wait_ms"
		kill -KILL "$pid"
		wait "$pid" || :
		umount -l mnt 2>/dev/null || :
	done
	start_mount db mnt
	"$client" check mnt/tables/t/rows acked.1
}
