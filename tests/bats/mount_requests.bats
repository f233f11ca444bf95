#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the kernel asks for, and what it knows by itself: requests are counted, not
# timed, in what the daemon says of each with -d.
load lib

# A database of three tables of ten rows, each row in two versions, mounted so that
# each request is a line of daemon.log.
setup()
{
	begin_test
	need_fuse
	driftdb init db
	for table in a b c; do
		echo "CREATE TABLE $table (id TEXT PRIMARY KEY, v TEXT);"
		for value in 1 2; do
			for i in 0 1 2 3 4 5 6 7 8 9; do
				echo "INSERT OR REPLACE INTO $table (id, v) VALUES ('r$i', '$value');"
			done
		done
	done | driftdb sql -q -d db
	start_mount db mnt -d
}

# The requests since the last call, as "2 OPEN 1 READ", sorted by name; what the
# kernel sends on its own account, and not because somebody asked, is left out.
requests()
{
	local size

	# A release is sent when nobody waits for it any more: a later request of ours
	# that has been answered says that all before it have been seen.
	stat mnt/.driftfs/settle >/dev/null 2>&1 || :
	size=$(wc -l <daemon.log)
	tail -n +"$((SEEN + 1))" daemon.log | head -n "$((size - SEEN))" |
		sed -n 's/^unique: [0-9]*, opcode: \([A-Z_]*\) .*/\1/p' |
		grep -vxE 'FORGET|BATCH_FORGET|INTERRUPT' | sort | uniq -c | xargs >counted
	SEEN=$size
}

# only PATTERN: the last requests are of these kinds (the one of requests' own left out).
only()
{
	local kinds

	kinds=$(tr ' ' '\n' <counted | grep '[A-Z]' | grep -vxE "$1|LOOKUP" | xargs)
	[ "$(lookups)" = "${2:-0}" ] && [ -z "$kinds" ] && return
	echo "asked: $(cat counted)"
	return 1
}

# LOOKUPs of the last requests, without the one or two that requests sends itself.
lookups()
{
	local all

	all=$(grep -oE '[0-9]+ LOOKUP' counted | grep -oE '[0-9]+' || echo 0)
	echo $((all - SETTLING))
}

begin_counting()
{
	SEEN=0 SETTLING=0
	requests
	requests
	SETTLING=$(lookups)
}

@test "in a past moment a second cat costs an OPEN and a RELEASE" {
	begin_counting
	cat mnt/@seq/40/tables/b/rows/r3.json >first
	requests
	# Its content came with the first OPEN.
	only 'OPEN|RELEASE|GETATTR' "$(lookups)"
	cat mnt/@seq/40/tables/b/rows/r3.json >second
	cmp first second
	requests
	only 'OPEN|RELEASE'
	same "$(grep -o '[0-9]* OPEN' counted)" '1 OPEN'
}

@test "in a past moment ls, find, grep -r and diff -r, again, ask for nothing but opens" {
	local view=mnt/@seq/40/tables

	begin_counting
	for command in "ls -lR $view" "find $view -newer mnt/@seq/1" "grep -rc v $view" \
		"diff -r $view mnt/@seq/45/tables" "du -a $view"; do
		$command >first || :
		eventually 5 asks_for_opens_and_times "$command"
		eventually 5 asks_for_opens_alone "$command"
	done
}

# After a listing the kernel takes a directory's time of access for changed, and the next
# that wants it asks for it, once. Tried again, as below.
asks_for_opens_and_times()
{
	local attributes

	requests
	$1 >second || :
	cmp first second || return
	requests
	only 'OPEN|RELEASE|OPENDIR|RELEASEDIR|STATFS|GETATTR' || return
	attributes=$(grep -oE '[0-9]+ GETATTR' counted | cut -d' ' -f1)
	[ "${attributes:-0}" -le "$(find "$view" mnt/@seq/45/tables -type d | wc -l)" ]
}

# Again, because the kernel may take a page or a name back whenever it wants the room.
asks_for_opens_alone()
{
	requests
	$1 >third || :
	cmp first third || return
	requests
	only 'OPEN|RELEASE|OPENDIR|RELEASEDIR|STATFS'
}

@test "a name that a past moment lacks is asked for once" {
	begin_counting
	fails stat mnt/@seq/5/tables/c/rows/r1.json 2>/dev/null
	requests
	for _ in 1 2 3; do
		fails stat mnt/@seq/5/tables/c/rows/r1.json 2>/dev/null
	done
	requests
	only NONE
}

@test "an unchanged live row costs no LOOKUP and no GETATTR" {
	begin_counting
	stat mnt/tables/a/rows/r1.json >/dev/null
	# What changed within a tenth of a second is not kept; this was changed before.
	eventually 2 settled
	for _ in 1 2 3; do
		stat mnt/tables/a/rows/r1.json >/dev/null
		[ -e mnt/tables/a/rows/r1.json ]
	done
	requests
	only NONE
	# cat asks for the attributes of what it has open, and they are good until a READ:
	# the kernel then takes the time of access for changed.
	cat mnt/tables/a/rows/r1.json >/dev/null
	requests
	only 'OPEN|READ|RELEASE'
}

settled()
{
	requests
	stat mnt/tables/a/rows/r1.json >/dev/null
	requests
	only NONE >/dev/null
}

@test "extended attributes are asked for once in a mount's life" {
	begin_counting
	ls -l mnt/tables/a/rows >/dev/null
	requests
	getfattr -d mnt/tables/a/rows/r1.json 2>/dev/null || :
	ls -lZ mnt/tables/a/rows >/dev/null 2>&1 || :
	requests
	ls -l mnt/tables/a/rows >/dev/null
	requests
	fails grep -q XATTR counted
}

@test "new rows tell the kernel once that the directory changed, until somebody looks at it" {
	local told

	begin_counting
	echo '{"v":"3"}' >mnt/tables/a/rows/new0.json
	requests
	told=$(grep -c NOTIFY daemon.log)
	for i in 1 2 3 4; do
		echo '{"v":"3"}' >mnt/tables/a/rows/new$i.json
	done
	requests
	same "$(grep -c NOTIFY daemon.log)" "$told"
	stat mnt/tables/a/rows >/dev/null
	echo '{"v":"3"}' >mnt/tables/a/rows/new5.json
	requests
	same "$(grep -c NOTIFY daemon.log)" $((told + 1))
	same "$(jq -r .v mnt/tables/a/rows/new4.json)" 3
}

@test "a change by any door is seen by the next open and the next stat" {
	local row=mnt/tables/a/rows/r1.json size

	begin_counting
	for i in 1 2 3 4 5 6 7 8; do
		size=$(stat -c %s "$row")
		eventually 2 settled
		case $((i % 4)) in
		0) printf '{"v":"%0*d"}' "$((10 + i))" "$i" >"$row" ;;
		1) printf '{"v":"%0*d"}' "$((10 + i))" "$i" >mnt/tables/a/rows/.s &&
			mv mnt/tables/a/rows/.s "$row" ;;
		2) driftdb sql -q -d db -e "UPDATE a SET v = printf('%0$((10 + i))d', $i) WHERE id = 'r1'" ;;
		3) echo "UPDATE a SET v = printf('%0$((10 + i))d', $i) WHERE id = 'r1';" >mnt/query ;;
		esac
		same "$(jq -r .v "$row" | sed 's/^0*//')" "$i"
		same "$(stat -c %s "$row")" "$(wc -c <"$row")"
		[ "$(stat -c %s "$row")" != "$size" ]
	done
	driftdb sql -q -d db -e "DELETE FROM a WHERE id = 'r1'"
	fails cat "$row" 2>/dev/null
	# Not before the daemon has heard that nobody has it open any more.
	eventually 5 fails stat "$row" 2>/dev/null
	driftdb sql -q -d db -e 'INSERT INTO a {"id":"r1","v":"9"}'
	same "$(jq -r .v "$row")" 9
}
