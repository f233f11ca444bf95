#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A mount that comes and goes is at every moment what a plain list of states says.
# SEED=N repeats a run, DRIFTFS_MOUNT_OPS=N makes it longer.
load lib

model=$BUILD/tests/bats/mount_model

# come_again: end the mount in one way or another, and begin the next.
come_again()
{
	case $((RANDOM % 5)) in
	0) kill_mount ;;
	1) driftdb snapshot -q -d db && stop_mount ;;
	2) driftdb compact -q -d db && stop_mount ;;
	3) stop_mount && rm -rf db/index ;;
	*) stop_mount ;;
	esac
	start_mount db mnt
}

@test "files, SQL, @seq and @time of a mount that comes and goes agree with a model" {
	draw_seed
	new_mount
	mkdir mnt/tables/t
	left=${DRIFTFS_MOUNT_OPS:-$((1000 / SLOW))}
	while [ "$left" -gt 0 ]; do
		"$model" mnt history 125 $((SEED + left))
		left=$((left - 125))
		come_again
	done
	"$model" mnt history 20 "$SEED"
	stop_mount
	driftdb verify -q -d db
}
