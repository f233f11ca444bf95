#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a mount does when the disk is full, when a sync fails, and when twenty daemons
# want one database.
load lib

client=$BUILD/tests/bats/crash_client

need_namespace()
{
	[ -n "${MOUNT_NAMESPACE_OF:-}" ] || skip 'no mount namespace of our own'
}

# fill_up: four writers until each is refused. They may only be refused for want of
# room.
fill_up()
{
	local writer workers=()

	for writer in 1 2 3 4; do
		"$client" write mnt/tables/t/rows "acked.$writer" "w$writer" 100000 \
			2>"refused.$writer" 3>&- &
		workers+=($!)
	done
	for writer in 1 2 3 4; do
		fails wait "${workers[writer - 1]}"
		grep -qE 'No space left on device' "refused.$writer"
		same "$(wc -l <"refused.$writer")" 1
	done
	[ "$(cat acked.* | wc -l)" -gt 100 ]
}

can_write()
{
	echo '{"again":true}' >mnt/tables/t/rows/again.json
}

# fill_and_go_on SIZE: a database on the disk that is mounted at small, which has SIZE for
# another file, until it is full, and when there is room again. Nothing acknowledged is
# lost.
fill_and_go_on()
{
	head -c "$1" /dev/zero >small/ballast
	driftdb init small/db
	start_mount small/db mnt
	mkdir mnt/tables/t
	fill_up
	"$client" check mnt/tables/t/rows acked.*
	run touch small/probe
	rm mnt/tables/t/rows/w1-1.json mnt/tables/t/rows/w2-1.json
	[ ! -e mnt/tables/t/rows/w1-1.json ]
	rm small/ballast
	eventually 10 can_write
	sed -i -e '/^w1-1$/d' -e '/^w2-1$/d' acked.1 acked.2
	"$client" check mnt/tables/t/rows acked.* || {
		rm mnt/tables/t/rows/again.json
		"$client" check mnt/tables/t/rows acked.*
	}
	stop_mount
	driftdb verify -d small/db
	umount small
}

@test "a full disk refuses what has no room, lets rows be deleted, and goes on when there is room" {
	need_fuse
	need_namespace
	mkdir small
	mount -t tmpfs -o size=16m tmpfs small
	fill_and_go_on 4M
}

@test "so does a full disk with ext4" {
	need_fuse
	need_namespace
	mkdir small
	truncate -s 32M disk
	{ mkfs.ext4 -q disk && mount -o loop disk small; } 2>/dev/null ||
		skip 'no ext4 in a file here'
	fill_and_go_on 20M
}

@test "a disk without room for another file keeps the rows, and says what it could not make" {
	need_fuse
	need_namespace
	mkdir small
	mount -t tmpfs -o size=64m,nr_inodes=60 tmpfs small
	driftdb init small/db
	start_mount small/db mnt
	mkdir mnt/tables/t
	"$client" write mnt/tables/t/rows acked k 500
	local i
	for i in $(seq 100); do
		touch "small/file$i" 2>/dev/null || break
	done
	[ "$i" -lt 100 ]
	run driftdb sql -d small/db -e CHECKPOINT
	[ "$status" != 0 ]
	says 'disk full'
	"$client" write mnt/tables/t/rows acked more 500
	rm small/file*
	driftdb sql -d small/db -e CHECKPOINT
	"$client" check mnt/tables/t/rows acked
	stop_mount
	driftdb verify -d small/db
	umount small
}

@test "a limit on files' sizes refuses and kills nobody" {
	need_fuse
	driftdb init db
	mkdir mnt
	(
		ulimit -f 4096
		exec driftfs -f db mnt 2>>daemon.log 3>&- 4>&-
	) &
	MOUNT_PID=$!
	MOUNT_POINT=$(realpath mnt)
	eventually 10 tree_answers
	mkdir mnt/tables/t
	fill_up
	"$client" check mnt/tables/t/rows acked.*
	stop_mount
	driftdb verify -d db
	start_mount db mnt
	"$client" check mnt/tables/t/rows acked.*
	can_write
}

# with_failing_sync N: a mount whose Nth and later fdatasync calls fail.
with_failing_sync()
{
	strace -f -o trace -e trace=fdatasync \
		-e "inject=fdatasync:error=EIO:when=$1+" \
		"$BUILD/driftfs" -f db mnt 2>>daemon.log 3>&- 4>&- &
	MOUNT_PID=$!
	MOUNT_POINT=$(realpath mnt)
	eventually 10 tree_answers_or_daemon_ended
}

need_strace()
{
	no_leak_checks
	{ command -v strace && strace -o /dev/null true; } >/dev/null 2>&1 ||
		skip 'no strace here'
}

@test "a new database is durable with its own name" {
	need_strace
	strace -y -o trace -e trace=fsync,fdatasync "$BUILD/driftdb" init db
	grep -E "^fsync.*<$(pwd -P)>\\) += 0$" trace
	grep -E "^fsync.*<$(pwd -P)/db>\\) += 0$" trace
	grep -E "^fsync.*<$(pwd -P)/db/log>\\) += 0$" trace
}

@test "after a sync has failed nobody syncs again: read-only, reads go on, whole after a restart" {
	need_fuse
	need_strace
	mkdir mnt
	for n in 3 5 8; do
		rm -rf db acked
		driftdb init db
		with_failing_sync "$n"
		tree_answers
		run mkdir mnt/tables/t
		: >acked
		"$client" write mnt/tables/t/rows acked k 50 || :
		[ "$(wc -l <acked)" -lt 50 ]
		run sh -c 'echo "{}" | dd of=mnt/tables/t/rows/later.json'
		same "$status" 1
		says 'Read-only file system'
		"$client" check mnt/tables/t/rows acked
		unmount_one "$MOUNT_POINT"
		eventually 10 ended "$MOUNT_PID"
		wait "$MOUNT_PID" || :
		same "$(grep -c 'EIO.*INJECTED' trace)" 1
		grep fdatasync trace | tail -n 1 | grep -q INJECTED
		start_mount db mnt
		"$client" check mnt/tables/t/rows acked
		echo '{}' >mnt/tables/t/rows/later.json
		stop_mount
		driftdb verify -d db
	done
}

@test "a statement whose sync fails says what became of it" {
	need_strace
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id)'
	# The first one opens the log.
	run strace -f -o trace -e trace=fdatasync \
		-e inject=fdatasync:error=EIO:when=2 \
		driftdb sql -d db -e 'INSERT INTO t {"id":1}'
	same "$status" 1
	says 'ERROR 58030: I/O error: .* shows whether the transaction was stored'
	driftdb verify -q -d db
}

@test "of twenty daemons that start at once one wins, and the others name it" {
	need_fuse
	driftdb init db
	# Somebody died with it, long ago.
	echo 999999999 >db/LOCK
	local pids=() i losers=0
	for i in $(seq 20); do
		mkdir "m$i"
		driftfs -f db "m$i" 2>"said.$i" 3>&- 4>&- &
		pids+=($!)
	done
	decided()
	{
		[ "$(cat said.* | grep -c 'in use by pid')" = 19 ] && ls -d m*/tables
	}
	eventually 10 decided
	for i in $(seq 20); do
		if [ -d "m$i/tables" ]; then
			MOUNT_PID=${pids[i - 1]}
			MOUNT_POINT=$(realpath "m$i")
		else
			fails wait "${pids[i - 1]}"
			losers=$((losers + 1))
		fi
	done
	same "$losers" 19
	same "$(grep -h 'in use by pid' said.* | grep -c "pid $MOUNT_PID\b")" 19
	mkdir "$MOUNT_POINT/tables/t"
	stop_mount
}

@test "a database within its own mount point, and the other way round, is refused" {
	need_fuse
	driftdb init db
	mkdir db/mnt
	run driftfs db db/mnt
	[ "$status" != 0 ]
	run driftfs db db
	[ "$status" != 0 ]
	mkdir over
	mv db over/db
	rmdir over/db/mnt
	run driftfs over/db over
	[ "$status" != 0 ]
	[ ! -d over/tables ]
}

@test "a log of many segments is read with the descriptors there may be, and told from a damaged one" {
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id)'
	for n in $(seq 100); do
		printf 'INSERT INTO t {"id": %d}; VACUUM;\n' "$n"
	done | driftdb sql -q -d db
	# Of many small segments the newest is not sealed until it is worth a file.
	same "$(find db/log -name '*.seg' | wc -l)" 64
	(ulimit -Sn 40 && driftdb verify -q -d db)
	(
		ulimit -n 40
		fails_with 1 driftdb verify -q -d db
		same "$output" 'driftdb: too many open files'
	)
	same "$(driftdb sql -d db --format csv -e 'SELECT count(*) AS n FROM drift_events' | tail -n 1)" 101
}
