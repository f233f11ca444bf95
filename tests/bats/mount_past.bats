#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The past as directories: @seq, @time, history.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	echo '{"v":1}' >$rows/a.json
	echo '{"v":2}' >$rows/b.json
	echo '{"v":3}' >$rows/a.json
	rm $rows/b.json
}

@test "@seq/N is the database as of event N" {
	same "$(ls mnt/@seq/0/tables)" ''
	same "$(ls mnt/@seq/1/tables/t/rows)" a.json
	same "$(ls mnt/@seq/2/tables/t/rows | tr '\n' ' ')" 'a.json b.json '
	same "$(jq .v mnt/@seq/2/tables/t/rows/a.json)" 1
	same "$(jq .v mnt/@seq/3/tables/t/rows/a.json)" 3
	same "$(ls mnt/@seq/4/tables/t/rows)" a.json
	for none in 5 99999999999999999999 007 +1 -1 1x '' head~5 headx; do
		[ -z "$none" ] || [ ! -e "mnt/@seq/$none" ]
	done
	same "$(jq .v mnt/@seq/head~1/tables/t/rows/b.json)" 2
	same "$(cat mnt/@seq/2/tables/t/count)" 2
	echo '{}' >$rows/c.json
	same "$(ls mnt/@seq/5/tables/t/rows | tr '\n' ' ')" 'a.json c.json '
}

@test "the listing of @seq shows where to go" {
	same "$(cd mnt/@seq && stat -c %N head head~1 head~4 oldest | tr '\n' ' ')" \
		"'head' -> '4' 'head~1' -> '3' 'head~4' -> '0' 'oldest' -> '0' "
	same "$(ls mnt/@seq | tr '\n' ' ')" 'head head~1 head~2 head~3 head~4 oldest '
	for i in {1..20}; do
		echo "{\"v\":$i}" >$rows/c.json
	done
	same "$(ls mnt/@seq | wc -l)" 17
	same "$(readlink mnt/@seq/head~15)" 9
}

@test "the listing of @time shows the last transactions" {
	same "$(ls mnt/@time | wc -l)" 4
	same "$(ls mnt/@time | head -n 1 | tr -d '[:digit:]')" '--T::.Z'
	for time in $(ls mnt/@time); do
		target=$(readlink "mnt/@time/$time")
		same "${target%[0-9]}" ../@seq/
		same "$(date -u -d "$time" +%s.%N)" \
			"$(stat -c %.9Y "mnt/@time/$time")"
		diff -r "mnt/@time/$time/tables/t/rows" "mnt/@seq/${target##*/}/tables/t/rows"
	done
	for i in {1..20}; do
		echo "{\"v\":$i}" >$rows/c.json
	done
	same "$(ls mnt/@time | wc -l)" 16
}

@test "@time takes any spelling, and nothing of the future" {
	time=$(ls mnt/@time | head -n 2 | tail -n 1)
	epoch=$(date -u -d "$time" +%s.%N)
	plus=$(TZ=UTC-2 date -d "$time" +%Y-%m-%dT%H:%M:%S.%N+02:00)
	for spelling in "$time" "$epoch" "$plus"; do
		same "$(readlink "mnt/@time/$spelling")" ../@seq/2
	done
	same "$(readlink mnt/@time/now)" ../@seq/4
	today=$(readlink "mnt/@time/${time#*T}")
	[ "$(date -u +%F)" != "${time%T*}" ] || # midnight came in between
		same "$today" ../@seq/2
	same "$(readlink 'mnt/@time/yesterday 14:02')" ../@seq/0
	same "$(readlink mnt/@time/-1h)" ../@seq/0
	same "$(readlink 'mnt/@time/2 days ago')" ../@seq/0
	same "$(readlink mnt/@time/1999-12-31)" ../@seq/0
	for none in 2999-01-01 2199-01-01 tomorrow nonsense 2024-13-01 .git; do
		[ ! -e "mnt/@time/$none" ]
		[ ! -L "mnt/@time/$none" ]
	done
	# What nobody can read is named; what is only not there yet is no mistake.
	same "$(jq -r '.path + ": " + .text' mnt/.driftfs/errors | sort -u)" \
		"$(printf '@time: invalid moment "%s"\n' 2024-13-01 2999-01-01 nonsense tomorrow)"
}

@test "history holds every version, also of a deleted row" {
	same "$(ls mnt/tables/t/history | tr '\n' ' ')" 'a b '
	same "$(ls mnt/tables/t/history/a | tr '\n' ' ')" '1.json 3.json '
	same "$(ls mnt/tables/t/history/b | tr '\n' ' ')" '2.json 4.deleted '
	same "$(jq .v mnt/tables/t/history/a/1.json)" 1
	same "$(stat -c %s mnt/tables/t/history/b/4.deleted)" 0
	same "$(stat -c %Y mnt/tables/t/history/a/3.json)" "$(stat -c %Y $rows/a.json)"
	[ ! -e mnt/tables/t/history/a/2.json ]
	[ ! -e mnt/tables/t/history/b/4.json ]
	[ ! -e mnt/tables/t/history/a/1.deleted ]
	[ ! -e mnt/tables/t/history/nobody ]
	same "$(cat mnt/tables/t/history/b/4.deleted)" ''
}

@test "a version has one inode number in every view" {
	# The row is another file: what was can be copied onto it.
	[ "$(stat -c %i $rows/a.json)" != 3 ]
	same "$(ls -i $rows | awk '{ print $1 }')" "$(stat -c %i $rows/a.json)"
	same "$(ls -i mnt/@seq/4/tables/t/rows | awk '{ print $1 }')" 3
	same "$(stat -c %i mnt/@seq/3/tables/t/rows/a.json)" 3
	same "$(stat -c %i mnt/@seq/4/tables/t/rows/a.json)" 3
	same "$(stat -c %i mnt/tables/t/history/a/3.json)" 3
	diff -r mnt/@seq/4 mnt/@seq/4
	fails_with 1 diff -rq mnt/@seq/2/tables/t/rows mnt/tables/t/rows
	same "$(wc -l <<<"$output")" 2
}

@test "nothing in the past can be changed" {
	for path in mnt/@seq/2/tables/t/rows/a.json mnt/@time/now/tables/t/rows/a.json \
		mnt/tables/t/history/a/1.json; do
		for act in 'rm -f' truncate\ -s0 touch 'chmod 600' 'tee'; do
			fails_with 1 $act $path </dev/null
			says 'Read-only file system'
		done
	done
	fails_with 1 mkdir mnt/@seq/2/tables/u
	says 'Read-only file system'
	fails_with 1 touch mnt/@seq/2/tables/t/rows/new
	says 'Read-only file system'
	fails_with 1 mv mnt/@seq/2/tables/t/rows/a.json $rows/a.json
	says 'Read-only file system'
	for path in mnt/@seq/x mnt/@time/x mnt/x mnt/tables/t/x; do
		fails_with 1 mkdir $path
		fails_with 1 touch $path
	done
}

@test "a pinned view is read from the kernel's memory the second time" {
	need_strace_of_mount
	cat mnt/@seq/2/tables/t/rows/a.json
	eventually 5 only_what_is_not_known_is_asked_for
}

# Tried again, as the close before may be told of meanwhile.
only_what_is_not_known_is_asked_for()
{
	local before none

	none=mnt/@seq/2/tables/t/rows/none$((++tries)).json
	stat mnt/@seq/2/tables/t/rows/a.json
	before=$(daemon_requests)
	stat mnt/@seq/2/tables/t/rows/a.json
	[ ! -e "$none" ] && [ ! -e "$none" ] && same "$(($(daemon_requests) - before))" 1
}

# Requests the daemon has answered, by the kernel's count of its system calls: a worker
# that finds none reads as well.
daemon_requests()
{
	awk '$1 == "syscw:" { print $2 }' "/proc/$MOUNT_PID/io"
}

need_strace_of_mount()
{
	[ -r "/proc/$MOUNT_PID/io" ] || skip 'no /proc/PID/io here'
}

@test "history=hidden keeps the past out of listings, not out of reach" {
	stop_mount
	start_mount db mnt -o history=hidden
	same "$(ls mnt | tr '\n' ' ')" 'events query query.csv query.json query.table tables '
	same "$(ls mnt/tables/t | tr '\n' ' ')" 'by count events import.csv import.jsonl rows rows.csv rows.jsonl schema.json schema.sql '
	same "$(jq .v mnt/@seq/1/tables/t/rows/a.json)" 1
	same "$(jq .v mnt/tables/t/history/a/1.json)" 1
}

@test "asof= mounts one moment as the whole tree" {
	stop_mount
	start_mount db mnt -o asof=2
	same "$(ls mnt/tables/t/rows | tr '\n' ' ')" 'a.json b.json '
	same "$(jq .v mnt/tables/t/rows/a.json)" 1
	fails_with 1 touch mnt/tables/t/rows/x
	says 'Read-only'
	stop_mount
	mkdir other
	fails_with 1 driftfs -f db other -o asof=99
}

@test "a dropped table is there in its past, and nowhere else" {
	mkdir mnt/tables/u
	echo '{}' >mnt/tables/u/rows/x.json
	rm mnt/tables/u/rows/x.json
	rmdir mnt/tables/u
	same "$(ls mnt/tables)" t
	same "$(ls mnt/@seq/5/tables | tr '\n' ' ')" 't u '
	same "$(ls mnt/@seq/5/tables/u/rows)" x.json
	same "$(ls mnt/@seq/4/tables | tr '\n' ' ')" 't '
}

@test "@seq lists the newest sixteen snapshots, as links" {
	mkdir mnt/tables/u
	for i in $(seq 18); do
		echo '{"v":'"$i"'}' >mnt/tables/t/rows/a.json
		[ $((i % 2)) = 0 ] || echo '{}' >mnt/tables/u/rows/"$i".json
		driftdb sql -q -d db -e CHECKPOINT
	done
	ls mnt/@seq | grep snapshot >listed
	same "$(wc -l <listed)" 16
	while read -r name; do
		same "$(readlink "mnt/@seq/$name")" "${name#snapshot-}"
		ls "mnt/@seq/$name/tables/t/rows" >/dev/null
	done <listed
	head=$(readlink mnt/@seq/head)
	same "$(readlink "mnt/@seq/snapshot-$head")" "$head"
	[ ! -e mnt/@seq/snapshot-999 ]
	[ ! -e mnt/@seq/snapshot-1x ]
}
