#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tools people edit and copy with, on rows.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	echo '{"v":1}' >$rows/a.json
}

content()
{
	jq -c . "$rows/$1.json"
}

@test "vim edits a row, with and without a backup" {
	vim -es -u NONE -c '1s/{/{"w":2,/' -c wq $rows/a.json
	same "$(content a)" '{"w":2,"id":"a","v":1}'
	vim -es -u NONE -c 'set backup backupskip= backupcopy=no' \
		-c '%s/"v": 1/"v": 3/' -c wq $rows/a.json
	same "$(content a)" '{"w":2,"id":"a","v":3}'
	same "$(jq -c .v $rows/a.json~)" 1
	same "$(ls -A $rows | tr '\n' ' ')" 'a.json a.json~ '
}

@test "vim keeps the row when what it writes is refused" {
	run vim -es -u NONE -c '%s/1/oops/' -c w -c q! $rows/a.json
	same "$(content a)" '{"id":"a","v":1}'
}

@test "sed -i and perl -i" {
	sed -i 's/1/2/' $rows/a.json
	same "$(content a)" '{"id":"a","v":2}'
	perl -pi -e 's/2/3/' $rows/a.json
	same "$(content a)" '{"id":"a","v":3}'
	fails_with 4 sed -i 's/3/oops/' $rows/a.json
	same "$(content a)" '{"id":"a","v":3}'
}

@test "cp, and cp -p, in and out" {
	mkdir files
	echo '{"w":[1,2]}' >files/b.json
	cp files/b.json $rows/
	cp -a files/b.json $rows/c.json
	same "$(content b)$(content c)" '{"id":"b","w":[1,2]}{"id":"c","w":[1,2]}'
	fails_with 1 cp $rows/b.json $rows/d.json
	says 'Invalid argument'
	[ ! -e $rows/d.json ]
	cp -r $rows out
	same "$(ls out | tr '\n' ' ')" 'a.json b.json c.json '
	diff -r $rows out
}

@test "rsync, with its own temporary files and in place" {
	mkdir files
	echo '{"w":1}' >files/r.json
	rsync -a files/ $rows/
	same "$(content r)" '{"id":"r","w":1}'
	echo '{"w":22}' >files/r.json
	rsync -a --inplace files/ $rows/
	same "$(content r)" '{"id":"r","w":22}'
	rsync -a --ignore-times files/ $rows/
	rsync -a --checksum $rows/ out/
	diff -r $rows out
}

@test "tee, dd, tar, install, mv from elsewhere, a temporary file moved into place" {
	echo '{"w":1}' | tee $rows/tee.json >/dev/null
	echo '{"x":1}' | tee -a $rows/tee.json >/dev/null
	same "$(content tee)" '{"id":"tee","w":1,"x":1}'
	echo '{"w":1}' | dd of=$rows/dd.json status=none
	same "$(content dd)" '{"id":"dd","w":1}'
	tar -cf rows.tar -C $rows tee.json dd.json
	rm $rows/tee.json $rows/dd.json
	tar -xf rows.tar -C $rows
	same "$(content tee)" '{"id":"tee","w":1,"x":1}'
	echo '{"w":1}' >file
	install file $rows/i.json
	mv file $rows/m.json
	same "$(content i)$(content m)" '{"id":"i","w":1}{"id":"m","w":1}'
	jq '.v = 5' $rows/a.json >$rows/tmp
	mv $rows/tmp $rows/a.json
	same "$(content a)" '{"id":"a","v":5}'
}

@test "what is refused is refused to every tool that looks" {
	echo 'oops' >bad
	fails_with 1 cp bad $rows/a.json
	says 'Invalid argument'
	fails_with 1 dd status=none if=bad of=$rows/a.json
	says 'Invalid argument'
	fails_with 1 mv bad $rows/b.json
	says 'Invalid argument'
	[ -e bad ]
	fails_with 1 tee $rows/a.json <bad
	run bash -c "echo oops | cat >$rows/a.json"
	says 'Invalid argument'
	same "$(content a)" '{"id":"a","v":1}'
}

@test "scratch files: any content, never events, gone at unmount" {
	head -c 100000 /dev/urandom >noise
	cp noise $rows/noise
	cmp noise $rows/noise
	echo more >>$rows/noise
	same "$(stat -c %s $rows/noise)" 100005
	truncate -s 3 $rows/noise
	same "$(stat -c %s $rows/noise)" 3
	echo hidden >$rows/.x.json.swp
	mv $rows/.x.json.swp $rows/y
	same "$(cat $rows/y)" hidden
	same "$(readlink mnt/@seq/head)" 1
	fails_with 1 mv $rows/y $rows/y.json
	same "$(cat $rows/y)" hidden
	mv $rows/a.json $rows/backup
	same "$(jq .v $rows/backup)" 1
	[ ! -e $rows/a.json ]
	mv $rows/backup $rows/a.json
	same "$(content a)" '{"id":"a","v":1}'
	fails_with 1 cp /dev/zero $rows/endless
	says 'No space left'
	rm $rows/endless
	stop_mount
	start_mount db mnt
	same "$(ls -A $rows)" a.json
}

@test "git diff --no-index, grep -r and find see the present once" {
	echo '{"v":2}' >$rows/a.json
	same "$(grep -rl '"v": 2' mnt/tables | sort | tr '\n' ' ')" \
		'mnt/tables/t/history/a/2.json mnt/tables/t/rows/a.json '
	same "$(find mnt -name 'a.json' | wc -l)" 1
	run git diff --no-index --stat mnt/@seq/1/tables/t/rows mnt/tables/t/rows
	says '1 file changed'
	du -s mnt >/dev/null
}

# ---- The whole of it ---------------------------------------------------------

@test "who searches, copies or packs the whole mount gets through it, and a copy goes back" {
	local round

	mkdir mnt/tables/empty mnt/@tag/begin
	seq 20 | sed 's/.*/{"id":"k&","v":&}/' >mnt/tables/t/import.jsonl
	driftdb sql -q -d db -e 'CREATE TABLE d (n INTEGER PRIMARY KEY, name TEXT);
		CREATE INDEX dn ON d (name); INSERT INTO d VALUES (1, '"'x'), (2, 'y')"
	echo scratch >mnt/tables/t/rows/.scratch
	same "$(grep -rl '"v": 7,\?$' mnt | sort | xargs)" \
		"$(echo mnt/tables/t/history/k7/8.json mnt/tables/t/rows/k7.json)"
	for round in 1 2 3 4 5; do
		tar cf all.tar mnt
		cp -a mnt "copy$round"
		rsync -a mnt/ synced/
	done
	tar xf all.tar --one-top-level=unpacked
	same "$(diff -r mnt/tables copy1/tables)" ''
	# The size of rows.jsonl and rows.csv is not known, and these two go by it.
	same "$(diff -r -x 'rows.*' mnt/tables synced/tables)" ''
	same "$(diff -r -x 'rows.*' mnt/tables unpacked/mnt/tables)" ''
	same "$(find mnt -type f | wc -l)" "$(find copy1 -type f | wc -l)"
	[ "$(du -s mnt | cut -f 1)" -gt 0 ]
	find mnt -type f -exec md5sum {} + >/dev/null
	# The rows of the copy, back again, with what is beside them.
	rm mnt/tables/t/rows/k*.json
	cp copy1/tables/t/rows/k*.json mnt/tables/t/rows/
	cp copy1/tables/t/import.* mnt/tables/t/
	same "$(diff -r mnt/tables/t/rows copy1/tables/t/rows)" ''
}

@test "who goes by the count of a directory's links finds what is in it" {
	local walked

	walked=$(perl -MFile::Find -e '
		$File::Find::dont_use_nlink = 0;
		find(sub { print "$File::Find::name\n" }, "mnt")')
	[ "$(wc -l <<<"$walked")" -gt 20 ]
	same "$(sort <<<"$walked")" "$(find mnt | sort)"
}

@test "a directory has one time of change, however it is asked for" {
	local before

	mkdir mnt/tables/a
	echo '{}' >mnt/tables/a/rows/x.json
	mkdir mnt/tables/b
	before=$(stat -c '%n %y' mnt/tables mnt/tables/a/rows)
	ls -lR mnt >/dev/null
	same "$(stat -c '%n %y' mnt/tables mnt/tables/a/rows)" "$before"
	same "$(find mnt/tables -maxdepth 1 -newer mnt/tables/a | sort | xargs)" 'mnt/tables mnt/tables/b'
}
