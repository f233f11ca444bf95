#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# events: the log as a growing file.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
}

@test "one line an event, the size exact, any part at once" {
	for i in {1..700}; do
		echo "{\"v\":$i}"
	done >lines
	while read -r line; do
		echo "$line" >$rows/a.json
	done <lines
	cat mnt/events >copy
	same "$(stat -c %s mnt/events)" "$(stat -c %s copy)"
	same "$(wc -l <copy)" 701
	same "$(jq -r 'select(.seq) | .seq' copy | md5sum)" "$(seq 700 | md5sum)"
	same "$(tail -n 1 mnt/events | jq -c .row)" '{"id":"a","v":700}'
	for offset in 0 1 4095 4096 50000 99999; do
		cmp <(tail -c +$((offset + 1)) copy | head -c 3000) \
			<(dd if=mnt/events bs=3000 count=1 skip=$offset iflag=skip_bytes \
				status=none)
	done
	cmp copy <(dd if=mnt/events bs=777 status=none)
	same "$(tail -c +$(($(stat -c %s copy) + 1)) mnt/events)" ''
}

@test "tail -f shows events as they come" {
	tail -n +1 -s 0.05 -f mnt/events >seen &
	tail=$!
	echo '{"v":1}' >$rows/a.json
	eventually 5 grep -q '"seq":1,' seen
	echo '{"v":2}' >$rows/a.json
	rm $rows/a.json
	eventually 5 grep -q '"op":"delete"' seen
	kill $tail
	cmp seen mnt/events
}

@test "DDL shows at once, and once" {
	same "$(jq -r .sql mnt/events)" 'CREATE TABLE t (pk=id)'
	mkdir mnt/tables/u mnt/tables/v
	same "$(wc -l <mnt/events)" 3
	echo '{}' >$rows/a.json
	same "$(wc -l <mnt/events)" 4
	rmdir mnt/tables/u
	same "$(wc -l <mnt/events)" 5
	echo '{}' >$rows/b.json
	mkdir mnt/tables/w
	same "$(jq -c '[.op, .seq]' mnt/events | tr '\n' ' ')" \
		'["ddl",null] ["ddl",null] ["ddl",null] ["insert",1] ["ddl",null] ["insert",2] ["ddl",null] '
	same "$(stat -c %s mnt/events)" "$(wc -c <mnt/events)"
}

@test "a table's events are its own" {
	mkdir mnt/tables/u
	echo '{}' >$rows/a.json
	same "$(wc -l <mnt/tables/u/events)" 1
	for i in {1..300}; do
		echo "{\"v\":$i}" >mnt/tables/u/rows/x.json
		echo "{\"v\":$i}" >$rows/a.json
	done
	same "$(wc -l <mnt/tables/u/events)" 301
	same "$(jq -r 'select(.seq) | .table' mnt/tables/u/events | uniq -c | tr -s ' ')" \
		' 300 u'
	same "$(stat -c %s mnt/tables/u/events)" "$(wc -c <mnt/tables/u/events)"
	cmp <(grep '"table":"u"' mnt/events) <(grep '"seq"' mnt/tables/u/events)
}

@test "a few events among many others: any part is right, whatever was asked first" {
	driftdb sql -q -d db -e 'CREATE TABLE few (pk=id); CREATE TABLE many (pk=id)'
	for i in 1 2 3; do
		echo "{\"v\":$i}" >mnt/tables/few/rows/a.json
		seq 5000 | sed "s/.*/{\"id\":\"k&-$i\"}/" >mnt/tables/many/import.jsonl
		driftdb sql -q -d db -e "CREATE INDEX i$i ON few (v$i)"
	done
	echo '{"v":4}' >mnt/tables/few/rows/a.json
	driftdb dump --events -d db >all
	grep -E '"table":"few"|(TABLE|ON) "?few' all >wanted
	same "$(wc -l <wanted)" 8
	for first in mnt/tables/few/events mnt/tables/many/events mnt/events; do
		stop_mount
		start_mount db mnt
		stat -c %s $first
		cmp wanted mnt/tables/few/events
		for skip in 0 1 100 400 700 900; do
			cmp <(tail -c +$((skip + 1)) wanted | head -c 130) \
				<(dd if=mnt/tables/few/events bs=130 count=1 skip=$skip \
					iflag=skip_bytes status=none)
		done
		same "$(stat -c %s mnt/tables/few/events)" "$(wc -c <wanted)"
		same "$(stat -c %s mnt/events)" "$(wc -c <all)"
		cmp all mnt/events
		same "$(wc -l <mnt/tables/many/events)" 15001
	done
	mkdir mnt/tables/later
	echo '{"v":5}' >mnt/tables/few/rows/a.json
	same "$(wc -l <mnt/tables/few/events)" 9
	same "$(tail -n 1 mnt/tables/few/events)" "$(tail -n 1 mnt/events)"
}

@test "events is what dump --events prints, and it loads" {
	echo '{"v":1}' >$rows/a.json
	echo '{"w":[null,1.5,"ü"]}' >>$rows/a.json
	rm $rows/a.json
	cat mnt/events >copy
	stop_mount
	driftdb dump --events -d db >dumped
	cmp copy dumped
	driftdb init db2
	driftdb load -d db2 copy
	driftdb dump --events -d db2 | cmp copy
}

@test "events cannot be written, count and schema neither" {
	for file in mnt/events mnt/tables/t/events mnt/tables/t/count \
		mnt/tables/t/schema.sql mnt/.driftfs/errors; do
		fails_with 1 bash -c "echo x >$file"
		says 'Permission denied'
		fails_with 1 rm -f $file
	done
}

@test "count and schema follow the table" {
	same "$(cat mnt/tables/t/count)" 0
	echo '{}' >$rows/a.json
	same "$(cat mnt/tables/t/count)" 1
	same "$(stat -c %s mnt/tables/t/count)" 2
	driftdb sql -d db -e 'CREATE TABLE d (k INTEGER PRIMARY KEY, s TEXT NOT NULL, INDEX(s))'
	same "$(jq -c '[.key, (.columns | length), .indexes[0].columns]' \
		mnt/tables/d/schema.json)" '[["k"],2,["s"]]'
	grep -q 'CREATE TABLE d' mnt/tables/d/schema.sql
	driftdb sql -d db -e "INSERT INTO d (k, s) VALUES (1, 'x')"
	cmp mnt/tables/d/schema.sql mnt/@seq/head/tables/d/schema.sql
	same "$(cat mnt/@seq/head/tables/d/count)" 1
	[ ! -e mnt/@seq/1/tables/d ]
}

# Bytes that the daemon reads from files while `events` is looked at.
looked_at()
{
	local before

	before=$(awk '/^rchar/ { print $2 }' "/proc/$MOUNT_PID/io")
	stat -c %s mnt/events mnt/tables/t/events
	echo "$(($(awk '/^rchar/ { print $2 }' "/proc/$MOUNT_PID/io") - before))" >read
}

@test "what was measured of the events is not measured again, and is never wrong" {
	local log

	mkdir mnt/tables/u
	for i in {1..40}; do
		seq 100 | sed "s/.*/{\"id\":\"k$i-&\",\"n\":&}/" >mnt/tables/t/import.jsonl
	done
	seq 300 | sed 's/.*/{"id":"&"}/' >mnt/tables/u/import.jsonl
	right() {
		same "$(stat -c %s mnt/events)" "$(cat mnt/events | wc -c)"
		same "$(stat -c %s mnt/tables/t/events)" "$(cat mnt/tables/t/events | wc -c)"
		same "$(wc -l <mnt/tables/t/events)" "$1"
		same "$(tail -c 100 mnt/events)" "$(cat mnt/events | tail -c 100)"
	}
	looked_at
	log=$(cat read)
	[ "$log" -gt 100000 ]
	right 4001
	stop_mount
	cp -a db former
	[ -s db/events.sizes ]
	start_mount db mnt
	looked_at
	[ "$(cat read)" -lt $((log / 4)) ]
	# More of everything, and a definition that no event follows.
	echo '{"v":1}' >mnt/tables/t/rows/new.json
	mkdir mnt/tables/w
	right 4002
	stop_mount
	driftdb sql -d db -e 'CREATE TABLE x (pk=id)'
	start_mount db mnt
	right 4002
	same "$(grep -c '"sql"' mnt/events)" 4
	echo '{"v":2}' >mnt/tables/x/rows/new.json
	right 4002
	# Nothing new is kept by a daemon that dies.
	kill_mount
	start_mount db mnt
	right 4002
	stop_mount
	# A former state that went another way: what is kept is of another history.
	cp db/events.sizes former/
	driftdb sql -d former -e "$(printf 'INSERT INTO t {"id":"other%s"};' {1..9})"
	start_mount former mnt
	right 4010
	stop_mount
	# Damaged, cut short, empty, not to be read.
	for damage in 'printf x | dd of=former/events.sizes bs=1 seek=83 conv=notrunc status=none' \
		'truncate -s 70 former/events.sizes' ': >former/events.sizes' \
		'rm former/events.sizes; mkdir former/events.sizes' \
		'rmdir former/events.sizes; mkfifo former/events.sizes'; do
		eval "$damage"
		start_mount former mnt
		right 4010
		stop_mount
	done
}
