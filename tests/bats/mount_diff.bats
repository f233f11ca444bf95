#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# @diff/<A>..<B>: what changed between two moments.
load lib

setup()
{
	begin_test
	new_mount
}

head_seq()
{
	readlink mnt/@seq/head
}

# truth A B: what diff -r says of the rows of two views, spelled as summary spells it.
truth()
{
	diff -rq "mnt/@seq/$1/tables" "mnt/@seq/$2/tables" |
		sed -nE -e 's,^Files .*/tables/(.*)/rows/(.*)\.json and .*,M \1 \2,p' \
			-e "s,^Only in mnt/@seq/$1/tables/(.*)/rows: (.*)\.json,- \1 \2,p" \
			-e "s,^Only in mnt/@seq/$2/tables/(.*)/rows: (.*)\.json,+ \1 \2,p" |
		sort
}

@test "summary, changes.jsonl and a directory for each row that differs" {
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/same.json
	echo '{"v":1}' >mnt/tables/t/rows/changed.json
	echo '{"v":1}' >mnt/tables/t/rows/gone.json
	echo '{"v":1}' >mnt/tables/t/rows/back.json
	echo '{"v":2}' >mnt/tables/t/rows/changed.json
	rm mnt/tables/t/rows/gone.json
	echo '{"v":2}' >mnt/tables/t/rows/back.json
	echo '{"v":1}' >mnt/tables/t/rows/back.json
	echo '{"v":1}' >mnt/tables/t/rows/'new one.json'
	d=mnt/@diff/4..9
	same "$(cat $d/summary)" $'M t changed\n- t gone\n+ t new one'
	same "$(cat $d/changes.jsonl)" "$(printf '%s\n' \
		'{"table":"t","pk":"changed","op":"update","before":{"id":"changed","v":1},"after":{"id":"changed","v":2}}' \
		'{"table":"t","pk":"gone","op":"delete","before":{"id":"gone","v":1},"after":null}' \
		'{"table":"t","pk":"new one","op":"insert","before":null,"after":{"id":"new one","v":1}}')"
	same "$(ls $d | tr '\n' ' ')" 'changes.jsonl summary t '
	same "$(ls $d/t | tr '\n' '|')" 'changed|gone|new one|'
	same "$(readlink $d/t/changed/before.json)" ../../../../@seq/4/tables/t/rows/changed.json
	same "$(jq .v $d/t/changed/before.json $d/t/changed/after.json | tr '\n' ' ')" '1 2 '
	same "$(readlink $d/t/gone/after.json "$d/t/new one/before.json" | tr '\n' ' ')" '/dev/null /dev/null '
	run diff -u $d/t/gone/before.json $d/t/gone/after.json
	says '^-  "v": 1'
	[ ! -e $d/t/same ]
	[ ! -e $d/t/back ]
	[ ! -e $d/u ]
	same "$(stat -c %s $d/summary)" "$(wc -c <$d/summary)"
	same "$(cat mnt/@diff/9..4/summary)" $'M t changed\n+ t gone\n- t new one'
	same "$(cat mnt/@diff/9..9/summary)" ''
	fails_with 1 mkdir $d/t/x
	says 'Read-only'
	fails_with 1 touch mnt/@diff/x
	says 'Read-only'
}

@test "moments may be times, tags and head~k: links to numbers" {
	mkdir mnt/tables/t
	for i in 1 2 3; do
		echo "{\"v\":$i}" >mnt/tables/t/rows/a.json
	done
	mkdir mnt/@tag/v1..2
	echo '{"v":4}' >mnt/tables/t/rows/a.json
	same "$(readlink mnt/@diff/head~2..head)" 2..4
	same "$(readlink mnt/@diff/v1..2..head)" 3..4
	same "$(readlink mnt/@diff/yesterday..now)" 0..4
	same "$(jq .v mnt/@diff/v1..2..head/t/a/before.json)" 3
	for name in 1 1.. ..1 1...2 x..1 1..99 01..2; do
		[ ! -e "mnt/@diff/$name" ]
	done
	same "$(ls mnt/@diff)" ''
}

@test "tables that came, went, were renamed, and made anew" {
	mkdir mnt/tables/old mnt/tables/stays mnt/tables/again
	for t in old stays again; do
		echo '{"v":1}' >mnt/tables/$t/rows/a.json
	done
	echo '{"v":1}' >mnt/tables/again/rows/b.json
	driftdb sql -d db -e 'DROP TABLE old; DROP TABLE again; CREATE TABLE again (pk=id);
		CREATE TABLE new (pk=id); ALTER TABLE stays RENAME TO stayed'
	echo '{"v":2}' >mnt/tables/again/rows/a.json
	echo '{"v":2}' >mnt/tables/new/rows/a.json
	echo '{"v":2}' >mnt/tables/stayed/rows/a.json
	d=mnt/@diff/4..7
	same "$(cat $d/summary)" $'M again a\n- again b\n+ new a\n- old a\nM stayed a'
	same "$(ls $d | tr '\n' ' ')" 'again changes.jsonl new old stayed summary '
	same "$(readlink $d/stayed/a/before.json)" ../../../../@seq/4/tables/stays/rows/a.json
	same "$(jq .v $d/stayed/a/before.json $d/stayed/a/after.json $d/again/a/before.json \
		$d/again/a/after.json $d/old/a/before.json $d/new/a/after.json | tr '\n' ' ')" '1 2 1 2 1 2 '
}

@test "it says what diff -r of the two views says, for random moments" {
	draw_seed
	mkdir mnt/tables/t 'mnt/tables/a b%25'
	for i in {1..150}; do
		t=$([ $((RANDOM % 2)) = 0 ] && echo t || echo 'a b%25')
		key=$((RANDOM % 12))%2F,
		if [ $((RANDOM % 4)) = 0 ]; then
			rm -f "mnt/tables/$t/rows/$key.json"
		else
			echo "{\"v\":$((RANDOM % 3))}" >"mnt/tables/$t/rows/$key.json"
		fi
	done
	last=$(head_seq)
	for i in {1..8}; do
		# Where one has no such table, diff names the table alone.
		a=$((RANDOM % (last - 1) + 2)) b=$((RANDOM % (last - 1) + 2))
		d=mnt/@diff/$a..$b
		same "$(sort $d/summary)" "$(truth $a $b)"
		same "$(wc -l <$d/changes.jsonl)" "$(wc -l <$d/summary)"
		same "$(find $d -mindepth 2 -maxdepth 2 -type d | wc -l)" "$(wc -l <$d/summary)"
		find $d -type l | while read -r link; do
			[ -e "$link" ]
		done
	done
}

@test "composite and odd keys lead back, and large differences stream" {
	echo 'CREATE TABLE c (a INTEGER, b TEXT, n INTEGER, PRIMARY KEY (a, b));' >mnt/query
	driftdb sql -d db -e "INSERT INTO c VALUES (1, '../x', 1), (-2, 'a,b', 2)"
	from=$(head_seq)
	driftdb sql -d db -e 'UPDATE c SET n = n + 1'
	d=mnt/@diff/$from..head
	same "$(cat $d/summary)" $'M c -2,a%2Cb\nM c 1,../x' ||
		same "$(cat $d/summary)" $'M c -2,a%2Cb\nM c 1,..%2Fx'
	for row in "$d"/c/*; do
		same "$(jq .n "$row/after.json")" $(($(jq .n "$row/before.json") + 1))
	done
	same "$(ls $d/c | wc -l)" 2
	seq 5000 | sed 's/.*/{"a":&,"b":"x","n":0}/' >mnt/tables/c/import.jsonl
	d=mnt/@diff/$from..$(head_seq)
	same "$(wc -l <$d/summary)" 5002
	same "$(ls $d/c | wc -l)" 5002
	same "$(jq -c .op $d/changes.jsonl | sort | uniq -c | tr -s ' \n' ' ')" ' 5000 "insert" 2 "update" '
	same "$(tail -c 100 $d/changes.jsonl | tail -n 1)" "$(tail -n 1 <$d/changes.jsonl)"
}

@test "@diff does not trap a walk over the mount" {
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	same "$(find mnt/@diff mnt/@tag mnt/@seq mnt/@time -type f | wc -l)" 0
	mkdir copy
	cp -r mnt/@diff copy/
	same "$(find mnt/@diff/0..1 -type f | wc -l)" 2
	cp -rL mnt/@diff/0..1 copy/whole
	same "$(jq .v copy/whole/t/a/after.json)" 1
}
