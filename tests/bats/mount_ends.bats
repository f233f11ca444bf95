#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# However a mount ends while it is written to, what was acknowledged is there afterwards.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	: >acknowledged
}

teardown()
{
	[ -z "${writers:-}" ] || kill "${writers[@]}" 2>/dev/null || :
	end_test
}

# Three writers that note each row whose writing succeeded, until one fails.
begin_writing()
{
	local w

	round=$((${round:-0} + 1))
	for w in 1 2 3; do
		(
			exec 2>/dev/null
			for ((i = 0; ; i++)); do
				dd of=mnt/tables/t/rows/$w-$round-$i.json status=none <<<'{}' || exit 0
				echo $w-$round-$i.json >>acknowledged
			done
		) &
		writers+=($!)
	done
	eventually 20 [ -s acknowledged ]
}

# The daemon ends with a status of those given, the mount point is free, nothing is lost.
ends_with()
{
	local status=0

	eventually 5 ended "$MOUNT_PID"
	wait "$MOUNT_PID" || status=$?
	[[ " $* " = *" $status "* ]] || { echo "daemon's status: $status"; return 1; }
	wait "${writers[@]}"
	unmount_all
	[ -z "$(ls -A mnt)" ]
	start_mount db mnt
	sort -u acknowledged >noted
	ls mnt/tables/t/rows | sort | comm -13 - noted >lost
	same "$(cat lost)" ''
	driftdb verify -q -d db
}

@test "SIGTERM, SIGINT and SIGHUP among writers" {
	for signal in TERM INT HUP; do
		writers=()
		begin_writing
		kill -$signal "$MOUNT_PID"
		ends_with 0
	done
}

@test "unmounting what is in use is refused, and harms nothing; lazily it ends with its last user" {
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	exec 7<mnt/tables/t/rows/a.json
	fails_with 1 fusermount3 -u mnt
	says 'busy'
	begin_writing
	fusermount3 -u -z mnt
	[ ! -e mnt/tables ]
	same "$(jq .v <&7)" 1
	kill -0 "$MOUNT_PID"
	exec 7<&-
	# The writers' paths lead to the empty directory now.
	ends_with 0
}

@test "its connection aborted from outside, it ends, and nothing acknowledged is lost" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	connection=$(stat -c %Ld mnt)
	mkdir connections
	mount -t fusectl none connections 2>/dev/null || skip 'no fusectl here'
	[ -e connections/$connection/abort ] || skip 'our connection is not there'
	begin_writing
	echo 1 >connections/$connection/abort
	umount connections
	ends_with 0 1
}

@test "what keeps it from starting is said by the program that was started" {
	stop_mount
	mkdir elsewhere
	fails_with 1 driftfs db nowhere
	says 'nowhere'
	fails_with 1 driftfs nothing mnt
	says 'nothing'
	touch file
	fails_with 1 driftfs db file
	says 'file'
	fails_with 1 driftfs db elsewhere -o asof=tomorrow
	says 'tomorrow'
	driftfs db mnt
	fails_with 1 driftfs db elsewhere
	says "pid $(tr -dc 0-9 <db/LOCK)"
	same "$(ls -A elsewhere)" ''
}

@test "the lock of a daemon that is dead keeps nobody out" {
	kill_mount
	[ -s db/LOCK ]
	start_mount db mnt
	same "$(tr -dc 0-9 <db/LOCK)" "$MOUNT_PID"
}
