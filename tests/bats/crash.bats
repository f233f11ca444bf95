#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Four processes write and two read while the daemon is killed at a random moment,
# again and again: nothing acknowledged is lost, nothing is torn. SEED=N repeats a
# run's moments.
load lib

client=$BUILD/tests/bats/crash_client

# round N: everybody at work, the daemon killed after a while, all of them awaited.
round()
{
	local workers=() worker
	local after=$((RANDOM % 1500 + 1))

	for writer in 1 2 3 4; do
		"$client" write mnt/tables/t/rows "acked.$1.$writer" "r$1-w$writer" 2000 3>&- &
		workers+=($!)
	done
	for _ in 1 2; do
		"$client" read mnt/tables/t/rows 3>&- &
		workers+=($!)
	done
	pause_ms "$after"
	kill_mount
	for worker in "${workers[@]}"; do
		wait "$worker"
	done
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
	[ "$took" -lt $((2000000 * SLOW)) ]
}

# bats test_tags=concurrent
@test "SIGKILL ten times under load: no acknowledged row is lost, none is torn" {
	SEED=${SEED:-$RANDOM}
	echo "SEED=$SEED"
	RANDOM=$SEED
	new_mount
	mkdir mnt/tables/t
	for n in 1 2 3 4 5 6 7 8 9 10; do
		round "$n"
		remount "$n"
		"$client" check mnt/tables/t/rows acked."$n".*
	done
	"$client" check mnt/tables/t/rows acked.*
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
