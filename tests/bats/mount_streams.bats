#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Whole tables as one file: rows.jsonl and rows.csv to read, import.* to write.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	t=mnt/tables/t
}

# many N: N rows, k1 to kN.
many()
{
	seq "$1" | sed 's/.*/{"id":"k&","v":&,"s":"text &, \\"quoted\\""}/' >$t/import.jsonl
}

head_seq()
{
	readlink mnt/@seq/head
}

@test "rows.jsonl is every row, in the order of keys, one a line" {
	echo '{"v":2,"w":[1, "x"]}' >$t/rows/b.json
	echo '{"v":1}' >$t/rows/a.json
	same "$(cat $t/rows.jsonl)" $'{"id":"a","v":1}\n{"id":"b","v":2,"w":[1,"x"]}'
	rm $t/rows/a.json
	same "$(cat $t/rows.jsonl)" '{"id":"b","v":2,"w":[1,"x"]}'
	same "$(cat mnt/@seq/2/tables/t/rows.jsonl)" $'{"id":"a","v":1}\n{"id":"b","v":2,"w":[1,"x"]}'
	same "$(cat mnt/@seq/1/tables/t/rows.jsonl)" '{"id":"b","v":2,"w":[1,"x"]}'
}

@test "rows.csv has a header, and a column for each field there was" {
	echo '{"v":2,"s":"a,b"}' >$t/rows/b.json
	echo '{"v":"1","w":null}' >$t/rows/a.json
	same "$(cat $t/rows.csv)" $'id,v,s,w\na,"1",,\nb,2,"a,b",'
	same "$(cat mnt/@seq/1/tables/t/rows.csv)" $'id,v,s\nb,2,"a,b"'
}

@test "a live stream is what it was when it was opened, a pinned one for ever" {
	many 8000
	exec 5<$t/rows.jsonl
	read -r first <&5
	same "$first" '{"id":"k1","v":1,"s":"text 1, \"quoted\""}'
	echo "DELETE FROM t;" >mnt/query
	same "$(wc -l <&5)" 7999
	exec 5<&-
	same "$(wc -l <$t/rows.jsonl)" 0
	same "$(wc -l <mnt/@seq/8000/tables/t/rows.jsonl)" 8000
}

@test "a live stream has size 0, and who reads to its end has it whole" {
	local format live

	seq 3000 | sed 's/.*/{"id":"k&","v":&}/' >mnt/tables/t/import.jsonl
	for format in jsonl csv; do
		live=mnt/tables/t/rows.$format
		same "$(stat -c %s $live)" 0
		cat $live >whole
		[ "$(wc -l <whole)" -ge 3000 ]
		same "$(wc -c <$live)" "$(wc -c <whole)"
		cp $live copied
		cmp copied whole
		same "$(tail -n 1 $live)" "$(tail -n 1 whole)"
		same "$(grep -c k7 $live)" "$(grep -c k7 whole)"
		# These go by the size, as the manual says.
		tar c $live | tar xO >packed
		[ ! -s packed ]
		tar c -C mnt/@seq/head tables/t/rows.$format | tar xO >packed
		cmp packed whole
	done
	grep -q 'tar and rsync store them empty' mnt/.driftfs/README
}

@test "pinned streams have their exact size, and can be read anywhere" {
	many 8000
	pinned=mnt/@seq/$(head_seq)/tables/t
	for file in rows.jsonl rows.csv; do
		cat $t/$file >whole
		same "$(stat -c %s $pinned/$file)" "$(stat -c %s whole)"
		cmp $pinned/$file whole
		cp $pinned/$file copy
		cmp copy whole
		for offset in 300000 100 200000 1 0; do
			same "$(dd if=$pinned/$file bs=1 skip=$offset count=80 status=none | md5sum)" \
				"$(dd if=whole bs=1 skip=$offset count=80 status=none | md5sum)"
		done
		same "$(tail -n 1 $pinned/$file)" "$(tail -n 1 whole)"
	done
	same "$(stat -c %s $t/rows.jsonl)" 0
}

@test "a pinned view copies whole: tar, rsync, cp -r" {
	many 3000
	pinned=mnt/@seq/$(head_seq)
	mkdir tar rsync
	tar -c -C $pinned --exclude='query*' . | tar -x -C tar
	rsync -a --exclude='query*' $pinned/ rsync/
	diff -r tar/tables $pinned/tables
	diff -r rsync/tables $pinned/tables
	cp -r $pinned/tables cp
	diff -r cp $pinned/tables
	same "$(du -s --apparent-size -b $pinned/tables/t/rows.csv | cut -f 1)" "$(wc -c <$t/rows.csv)"
}

# KiB of the daemon's own; pages of files are the kernel's to take back.
own_memory()
{
	awk '$1 == "RssAnon:" { print $2 }' "/proc/$MOUNT_PID/status"
}

@test "memory stays bounded however large the stream" {
	local before after

	many 50000
	cat $t/rows.jsonl >/dev/null
	before=$(own_memory)
	for i in 1 2 3 4; do
		exec {fd}<$t/rows.csv
		head -c 1000 <&$fd >/dev/null
	done
	cat $t/rows.jsonl $t/rows.csv mnt/@seq/50000/tables/t/rows.csv >/dev/null
	after=$(own_memory)
	echo "$before KiB, then $after KiB"
	[ $((after - before)) -lt $((20000 * SLOW)) ]
}

@test "an import is one transaction, whatever writes it" {
	seq 1000 | sed 's/.*/{"id":"k&","v":&}/' >rows.jsonl
	cp rows.jsonl $t/import.jsonl
	same "$(cat $t/count)" 1000
	same "$(echo 'SELECT count(*) AS n FROM drift_transactions;' >mnt/query && cat mnt/query)" '{"n":2}'
	(head -n 500 rows.jsonl | sed 's/k/c/'; tail -n 500 rows.jsonl | sed 's/k/c/') >$t/import.jsonl
	cat rows.jsonl | sed 's/k/d/' | dd bs=7 of=$t/import.jsonl status=none
	tee $t/import.jsonl <rows.jsonl >/dev/null
	same "$(cat $t/count)" 3000
	same "$(echo 'SELECT count(*) AS n FROM drift_transactions;' >mnt/query && cat mnt/query)" '{"n":4}'
	printf 'id,v\r\nx,1\r\n"y ""z""","2"\r\n' >>$t/import.csv
	same "$(jq -c . "$t/rows/y \"z\".json")" '{"id":"y \"z\"","v":"2"}'
	same "$(jq -c .v $t/rows/x.json)" 1
	same "$(stat -c %s $t/import.csv; cat $t/import.csv)" 0 # what was put into it is rows
}

@test "what a stream gives an import takes, and the tables are equal" {
	many 2000
	echo '{"v":"1","w":{"a":[1,2.5,null]},"x":true,"y":"","z":"true"}' >$t/rows/odd,%2F.json
	mkdir mnt/tables/u mnt/tables/v
	cat $t/rows.jsonl >mnt/tables/u/import.jsonl
	cat $t/rows.csv >mnt/tables/v/import.csv
	cmp $t/rows.jsonl mnt/tables/u/rows.jsonl
	diff <(jq -cS . $t/rows.jsonl) <(jq -cS . mnt/tables/v/rows.jsonl)
}

@test "a fault in an import stores nothing, and says the line" {
	many 10
	{ seq 100 | sed 's/.*/{"id":"n&"}/'; echo '{"id":"bad"'; echo '{"id":"after"}'; } >bad
	fails_with 1 cp bad $t/import.jsonl
	says 'Invalid argument'
	same "$(cat $t/count)" 10
	run tail -n 1 mnt/.driftfs/errors
	says '"path":"tables/t/import.jsonl"'
	says 'line 101: '
	printf 'id,v\nn1,1\nn2\n' >bad
	fails_with 1 bash -c "cat bad >$t/import.csv"
	same "$(cat $t/count)" 10
	run tail -n 1 mnt/.driftfs/errors
	says 'line 3: 1 field'
	printf '{"id":"n1"}\n{"v":1}\n' >bad
	fails_with 1 cp bad $t/import.jsonl
	run tail -n 1 mnt/.driftfs/errors
	says 'line 2: key '
	# A shell flushes before it writes anything.
	fails_with 1 bash -c "cat bad >$t/import.jsonl"
	run tail -n 1 mnt/.driftfs/errors
	says 'line 2: key '
	printf '{"id":"n1"}\n{"id":"n2"' >bad
	fails_with 1 cp bad $t/import.jsonl
	same "$(cat $t/count)" 10
	same "$(head_seq)" 10
	printf '{"id":"n1"}' >$t/import.jsonl
	same "$(cat $t/count)" 11
}

@test "an import keeps the table's rules, and a unique index holds at the end" {
	echo 'CREATE TABLE d (n INTEGER PRIMARY KEY, name TEXT NOT NULL, UNIQUE (name));' >mnt/query
	d=mnt/tables/d
	fails_with 1 bash -c "printf 'n,name\n1,x\ntwo,y\n' >$d/import.csv"
	fails_with 1 bash -c "printf 'n,name\n1,x\n2,\n' >$d/import.csv"
	says 'not permitted'
	printf 'n,name\n1,x\n2,x\n' >bad
	fails_with 1 cp bad $d/import.csv
	says 'File exists'
	same "$(cat $d/count)" 0
	printf 'n,name\n1,x\n2,y\n' >$d/import.csv
	same "$(cat $d/rows.csv)" $'n,name\n1,x\n2,y'
}

@test "imports are refused where nothing can change" {
	many 1
	[ ! -e mnt/@seq/1/tables/t/import.jsonl ]
	fails_with 1 bash -c "echo '{}' >mnt/@seq/1/tables/t/rows.jsonl"
	fails_with 1 bash -c "echo '{}' >$t/rows.jsonl"
	says 'Permission denied'
}

@test "reading ahead of a file that is open for writing alone harms nobody" {
	"$BUILD/tests/bats/row_calls" ahead $t/import.csv
	kill -0 "$MOUNT_PID"
	same "$(cat $t/count)" 1
}
