#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Backups: made beside the daemon, of what is new, and back to any moment.
load lib

# rows FROM TO: INSERT or UPDATE these rows of t, one transaction each.
rows()
{
	local i

	for ((i = $1; i <= $2; i++)); do
		echo "INSERT OR REPLACE INTO t (id, n) VALUES ('k$((i % 7))', $i);"
	done
}

# state DB [MOMENT]: the rows of t, in order.
state()
{
	driftdb sql -q -d "$1" -e "SELECT id, n FROM t${2:+ FOR SYSTEM_TIME AS OF $2} ORDER BY id"
}

# flip FILE OFFSET: change one byte of it.
flip()
{
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a backup of a database in use is restored as it was" {
	local writer anchor n

	new_mount
	mkdir mnt/tables/t
	while :; do echo "{\"n\":$RANDOM}" >mnt/tables/t/rows/r$((RANDOM % 50)).json; done &
	writer=$!
	for n in {1..10}; do
		driftdb backup create -d db copies >out
		driftdb backup verify copies
		anchor=$(sed -n 's/^anchor //p' out)
		driftdb verify -q -d db --anchor "$anchor"
		driftdb backup restore copies "again$n"
		same "$(driftdb digest -d "again$n")" "$anchor"
		driftdb verify -q -d "again$n" --anchor "$anchor"
	done
	kill "$writer"
	wait "$writer" || :
	stop_mount
	driftdb backup create -d db copies
	driftdb backup restore copies last
	same "$(driftdb dump -d last --events | sha256sum)" \
		"$(driftdb dump -d db --events | sha256sum)"
	same "$(state last)" "$(state db)"
}

@test "a second backup copies only what is new, whatever was packed meanwhile" {
	driftdb init db
	{ echo 'CREATE TABLE t (pk=id);' && rows 1 50; } | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 51 60 | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 61 70 | driftdb sql -q -d db
	run driftdb backup create -d db copies
	says ' 3 segment\(s\) and '
	run driftdb backup create -d db copies
	says 'Nothing is new'
	before=$(state db)
	first=$(driftdb backup list copies | cut -d ' ' -f 1)
	rows 71 80 | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 81 90 | driftdb sql -q -d db
	run driftdb backup create -d db copies
	says 'seq 90, 2 segment\(s\) and '
	driftdb backup verify copies
	same "$(driftdb backup list copies | wc -l)" 2
	driftdb backup info copies >info
	grep -qx 'seqs 1 to 90' info
	# What the first one copied plain is packed, and longer, now.
	driftdb backup restore copies old --name "$first"
	same "$(state old)" "$before"
	driftdb verify -q -d old
	rows 100 105 | driftdb sql -q -d old
	driftdb verify -q -d old
}

@test "restore goes to any moment" {
	local n time

	driftdb init db
	{
		echo 'CREATE TABLE t (pk=id);'
		rows 1 20
		echo 'BEGIN;'
		rows 21 23
		echo 'COMMIT; TAG "three";'
		rows 24 30
	} | driftdb sql -q -d db
	driftdb backup create -q -d db copies
	for n in 0 1 7 20 23 30; do
		driftdb backup restore -q copies "at$n" --at "$n"
		same "$(driftdb sql -d "at$n" -e VERIFY | jq -r .events)" "$n"
		[ "$n" = 0 ] || same "$(state "at$n")" "$(state db "@SEQ:$n")"
	done
	driftdb backup restore -q copies tagged --at @tag:three
	same "$(state tagged)" "$(state db @SEQ:23)"
	time=$(driftdb dump -d db --events | jq -r 'select(.seq == 9).time')
	driftdb backup restore -q copies timed --at "$time"
	same "$(state timed)" "$(state db @SEQ:9)"
	fails_with 1 driftdb backup restore copies inside --at 22
	says '21 to 23'
	fails_with 1 driftdb backup restore copies above --at 31
	fails_with 1 driftdb backup restore copies db
	says 'is a database already'
	# A restored database goes on by itself.
	rows 50 60 | driftdb sql -q -d at7
	driftdb verify -q -d at7
	fails_with 1 driftdb backup create -d at7 copies
	says 'another history'
}

@test "a damaged or missing piece of a backup is found, and not restored" {
	local segment

	driftdb init db
	{ echo 'CREATE TABLE t (pk=id);' && rows 1 50; } | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 51 60 | driftdb sql -q -d db
	driftdb backup create -q -d db copies
	for segment in copies/log/*.seg; do
		cp -a "$segment" keep
		flip "$segment" 140
		fails_with 3 driftdb backup verify copies
		rm -rf new
		fails_with 3 driftdb backup restore copies new
		[ ! -e new/FORMAT ]
		rm "$segment"
		fails_with 3 driftdb backup verify copies
		rm -rf new
		fails_with 3 driftdb backup restore copies new
		mv keep "$segment"
	done
	driftdb backup verify copies
	cp -a copies/*.backup keep
	flip copies/*.backup 60
	fails_with 3 driftdb backup list copies
	cp -a keep copies/*.backup
	# The database's own damage does not go into a backup.
	flip "$(printf '%s\n' db/log/*.seg | head -n 1)" 400
	fails_with 3 driftdb backup create -d db fresh
	driftdb init other
	fails_with 1 driftdb backup create -d other copies
	says 'another database'
	chmod 755 copies
	fails_with 1 driftdb backup verify copies
	says 'unsafe permissions'
}

@test "a backup that is killed spoils no earlier one" {
	local first n

	command -v strace >/dev/null || skip 'no strace here'
	no_leak_checks
	driftdb init db
	{ echo 'CREATE TABLE t (pk=id);' && rows 1 200; } | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 201 210 | driftdb sql -q -d db
	driftdb backup create -q -d db copies
	first=$(driftdb backup list copies | cut -d ' ' -f 1)
	for n in {1..12}; do
		rows $((210 + n)) $((210 + n)) | driftdb sql -q -d db
		[ $((n % 4)) != 0 ] || driftdb compact -q -d db
		# Before the nth rename, which are what makes anything there.
		strace -f -o /dev/null -e trace=renameat \
			-e inject="renameat:signal=KILL:when=$((n % 4 + 1))" \
			driftdb backup create -q -d db copies || :
		driftdb backup verify copies
	done
	driftdb backup restore -q copies old --name "$first"
	same "$(driftdb sql -d old -e VERIFY | jq -r .events)" 210
	driftdb backup create -q -d db copies
	driftdb backup restore -q copies new
	same "$(state new)" "$(state db)"
}

# failing_at_each_call CHECK COMMAND...: COMMAND once for each call by which it changes
# anything, which fails; then CHECK. It must say so, and end with 1.
failing_at_each_call()
{
	local check=$1 call n

	shift
	for call in mkdir mkdirat pwrite64 fdatasync fsync renameat; do
		for ((n = 1; ; n++)); do
			rm -rf made
			run strace -f -o trace -e trace=$call \
				-e inject=$call:error=EIO:when=$n "$@"
			grep -q INJECTED trace || break
			same "$status" 1
			says '/O error|Input/output error'
			"$check"
		done
		[ "$n" -gt 1 ]
	done
}

@test "a backup or a restore that fails at any call says so, and leaves nothing untrue" {
	[ "$SLOW" = 1 ] || skip 'a sanitizer makes such calls of its own'
	command -v strace >/dev/null || skip 'no strace here'
	no_leak_checks
	driftdb init db
	{ echo 'CREATE TABLE t (pk=id);' && rows 1 20; } | driftdb sql -q -d db
	driftdb compact -q -d db
	rows 21 22 | driftdb sql -q -d db
	before=$(driftdb digest -d db)
	next_is_whole()
	{
		driftdb backup create -q -d db made
		driftdb backup verify -q made
	}
	failing_at_each_call next_is_whole driftdb backup create -q -d db made
	driftdb backup create -q -d db made
	mv made copies
	# Without FORMAT it is no database; with it, it is whole.
	none_or_whole()
	{
		[ ! -e made/FORMAT ] || same "$(driftdb digest -d made)" "$before"
	}
	failing_at_each_call none_or_whole driftdb backup restore -q copies made
	same "$(driftdb digest -d made)" "$before"
}
