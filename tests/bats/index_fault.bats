#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The index's file cut short, or filled with noise, under a daemon and before one starts:
# the daemon ends by itself and says why, the next one builds the index anew.
load lib

# A database of 8000 rows, all of them in the index.
indexed_database()
{
	driftdb init db
	seq 1 8000 | jq -c '{id: "k\(.)", v: .}' >rows.jsonl
	driftdb ingest -q -d db -t t --create -f rows.jsonl
	[ "$(stat -c %s db/index/data.mdb)" -gt 500000 ]
}

# noise FROM: random bytes from that page of the index on, the same each time. (LMDB goes
# round for ever in one page of noise of some thousands.)
noise()
{
	local size

	size=$(stat -c %s db/index/data.mdb)
	perl -e 'srand $ARGV[1]; print pack "C*", map { int rand 256 } 1 .. $ARGV[0]' \
		$((size - $1 * 4096)) "${SEED:-1}" |
		dd of=db/index/data.mdb bs=4096 seek="$1" conv=notrunc status=none
}

cut_short()
{
	truncate -s 8192 db/index/data.mdb
}

# Read until the daemon has met what is wrong, and has ended.
read_until_ended()
{
	local n

	for n in 1 77 4000 7999; do
		cat "mnt/tables/t/rows/k$n.json" || :
		ls mnt/tables/t/rows || :
		echo '{"id":"new"}' >mnt/tables/t/rows/new.json || :
	done >answers 2>/dev/null
	ended "$MOUNT_PID"
}

# ended_by_itself: with the status of a damaged database, one line, and no core.
ended_by_itself()
{
	local status=0

	eventually 10 read_until_ended
	wait "$MOUNT_PID" || status=$?
	same "$status" 3
	same "$(grep -c 'driftfs: index: .*damaged' daemon.log)" 1
	[ -e db/index/suspect ]
	unmount_one "$MOUNT_POINT"
}

suspect_or_ended()
{
	read_until_ended || [ -e db/index/suspect ]
}

# LMDB may see by itself that a page is noise: then the log answers instead.
ended_or_answers()
{
	eventually 10 suspect_or_ended
	if ended "$MOUNT_PID"; then
		ended_by_itself
	else
		same "$(jq .v mnt/tables/t/rows/k4000.json)" 4000 || ended "$MOUNT_PID"
		stop_mount || unmount_one "$MOUNT_POINT" || :
	fi
	[ -e db/index/suspect ]
}

# works_again: the next start, at once.
works_again()
{
	start_mount db mnt
	grep -q 'rebuilding it from the log' daemon.log
	[ ! -e db/index/suspect ]
	same "$(jq .v mnt/tables/t/rows/k4000.json)" 4000
	# shellcheck disable=SC2012 # names are known
	[ "$(ls mnt/tables/t/rows | wc -l)" -ge 8000 ]
	stop_mount
	driftdb verify -q -d db
}

@test "an index cut short under a daemon ends it, and the next start rebuilds it" {
	need_fuse
	indexed_database
	start_mount db mnt
	cut_short
	ended_by_itself
	works_again
}

@test "noise in the index under a daemon ends it or is answered from the log, and the next start rebuilds it" {
	local from

	need_fuse
	for from in 0 2; do
		indexed_database
		start_mount db mnt
		noise "$from"
		ended_or_answers
		works_again
		rm -r db daemon.log
	done
}

@test "an index that is not what was written is rebuilt at the next start, or the one after" {
	local harm starts

	indexed_database
	cp -a db whole
	for harm in cut_short 'noise 0' 'noise 2' 'truncate -s 0 db/index/data.mdb' \
		'truncate -s 5000 db/index/data.mdb'; do
		rm -r db
		cp -a whole db
		$harm
		for starts in 1 2; do
			run timeout $((20 * SLOW)) driftdb sql -d db -e 'SELECT count(*) AS n FROM t'
			[ "$status" = 0 ] && break
			same "$status" 3
		done
		same "$status" 0
		says '"n":8000'
		driftdb verify -q -d db
	done
}

@test "a daemon whose index is noise ends when it is told to" {
	local from

	need_fuse
	for from in 0 2; do
		rm -rf db
		indexed_database
		start_mount db mnt
		# What it still has to write when it ends.
		for ((i = 0; i < 50; i++)); do
			echo "{\"v\":$i}" >"mnt/tables/t/rows/late$i.json"
		done
		noise "$from"
		kill "$MOUNT_PID"
		eventually 10 ended "$MOUNT_PID"
		wait "$MOUNT_PID" || :
		unmount_one "$MOUNT_POINT" 2>/dev/null || :
		# The first start may be what finds the noise.
		start_mount db mnt || {
			unmount_one "$MOUNT_POINT" 2>/dev/null || :
			start_mount db mnt
		}
		same "$(jq .v mnt/tables/t/rows/late49.json)" 49
		stop_mount
	done
}

@test "a reindex that fails at any write leaves a database that verifies and answers" {
	local n

	command -v strace >/dev/null || skip 'no strace here'
	no_leak_checks
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":1}'
	for ((n = 1; ; n++)); do
		run strace -f -o trace -e trace=pwrite64,fdatasync \
			-e inject=pwrite64,fdatasync:error=EIO:when=$n \
			driftdb reindex -q -d db
		grep -q INJECTED trace || break
		driftdb verify -q -d db
		same "$(driftdb sql -d db -e 'SELECT id FROM t')" '{"id":1}'
	done
	[ "$n" -gt 5 ]
}
