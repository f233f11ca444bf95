#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The past brought back, kept elsewhere and searched, each by one line of a common tool.
load lib

# A table of 60 rows at a moment that has a tag, a number and a time; then rows change,
# go and come.
setup()
{
	begin_test
	new_mount
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id, INDEX(k))'
	for i in {10..69}; do
		echo '{"id":"r'"$i"'","k":'$((i % 7))',"text":"then"}'
	done >mnt/tables/t/import.jsonl
	mkdir mnt/@tag/good
	seq=$(readlink mnt/@seq/head)
	time=$(ls -1 mnt/@time | sort | tail -n 1)
	rows=mnt/tables/t/rows
	good=mnt/@seq/$seq/tables/t/rows
	rm $rows/r1?.json
	sed -i s/then/now/ $rows/r2?.json
	echo '{"text":"new"}' >$rows/new.json
}

@test "cp -r from a number, a time or a tag brings a table back" {
	for moment in "@seq/$seq" "@time/$time" @tag/good; do
		driftdb sql -q -d db -e "DELETE FROM t WHERE k < 4; UPDATE t SET text = 'lost'"
		fails_with 1 diff -rq "mnt/$moment/tables/t/rows" $rows
		cp -r "mnt/$moment/tables/t/rows/." $rows/
		rm -f $rows/new.json
		diff -r $good $rows
		same "$(cat mnt/tables/t/count)" 60
	done
}

@test "what has not changed is copied onto itself without a word, and is no event" {
	cp -r "mnt/@seq/$seq/tables/t/rows/." $rows/
	rm $rows/new.json
	diff -r "$good" $rows
	before=$(readlink mnt/@seq/head)
	same "$before" $((seq + 10 + 10 + 1 + 10 + 10 + 1))
	for how in 'cp -a' 'cp -rp' 'cp -rT' 'rsync -a --inplace -I' ; do
		$how "$good/." $rows/
	done
	cat "$good/r30.json" >$rows/r30.json
	install "$good/r31.json" out
	tar -C "$good" -c . | tar -C $rows --overwrite -x
	same "$(readlink mnt/@seq/head)" "$before"
}

@test "one row comes back by one cp, a deleted one from its history" {
	cp "$good/r20.json" $rows/
	same "$(jq -r .text $rows/r20.json)" then
	last=$(ls mnt/tables/t/history/r10 | grep json | tail -n 1)
	cp "mnt/tables/t/history/r10/$last" $rows/r10.json
	cmp "$good/r10.json" $rows/r10.json
}

@test "rsync --delete makes the present equal to a moment, and writes only what differs" {
	rsync -a --delete --checksum "$good/" $rows/
	diff -r "$good" $rows
	same "$(($(readlink mnt/@seq/head) - seq))" \
		$((10 + 10 + 1 + 1 + 10 + 10))
}

@test "a moment is copied out whole: rsync, tar, cp -r; a second rsync finds nothing to do" {
	rsync -a "mnt/@seq/$seq/" backup/
	diff -r "mnt/@seq/$seq" backup
	same "$(rsync -ai "mnt/@seq/$seq/" backup/)" ''
	tar -C "mnt/@seq/$seq" -cf moment.tar .
	tar -C "mnt/@seq/$seq" -df moment.tar
	cp -r "mnt/@tag/good/." copy
	diff -r copy backup
	same "$(ls backup/tables/t/rows | wc -l)" 60
}

@test "a table of one database is copied into another" {
	driftdb init other >/dev/null
	start_mount other elsewhere
	mkdir elsewhere/tables/t
	cp -r $rows/. elsewhere/tables/t/rows/
	diff -r $rows elsewhere/tables/t/rows
	same "$(cat elsewhere/tables/t/count)" "$(cat mnt/tables/t/count)"
	tar -C $good -cf - . | tar -C elsewhere/tables/t/rows -xf -
	same "$(grep -l '"then"' elsewhere/tables/t/rows/* | wc -l)" 60
}

@test "diff -r, grep -r, find and du over the past end and are right" {
	run diff -rq "$good" $rows
	same "$(grep -c 'Files' <<<"$output") $(grep -c "Only in $good" <<<"$output")" '10 10'
	same "$(grep -rl now mnt/tables/t/rows | wc -l)" 10
	same "$(grep -rl now "$good" | wc -l)" 0
	same "$(find mnt -name r30.json -path '*/rows/*' | wc -l)" 1
	same "$(find "mnt/@seq/$seq/" -name r30.json -path '*/rows/*' | wc -l)" 1
	same "$(find $rows -newer "$good/r30.json" | sed 1d | wc -l)" 11
	same "$(find $rows -name '*.json' ! -newer "$good/r30.json" | wc -l)" 40
	bytes=$(find $rows -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
	same "$(du -sb --exclude=. $rows | cut -f 1)" "$(($(stat -c %s $rows) + bytes))"
	du -s mnt/tables "mnt/@seq/$seq"
	find -L "mnt/@seq/$seq" -type f -exec cat {} + >/dev/null
}

@test "git keeps moments as commits: its work tree is a pinned view" {
	export HOME=$PWD
	git init -q --bare kept
	keep() { git --git-dir=kept --work-tree="$1/tables" "${@:2}"; }
	keep "mnt/@seq/$seq" add -A
	keep "mnt/@seq/$seq" -c user.name=x -c user.email=x commit -q -m then
	same "$(keep "mnt/@seq/$seq" status --porcelain)" ''
	keep mnt/@seq/head add -A .
	keep mnt/@seq/head -c user.name=x -c user.email=x commit -q -m now
	git --git-dir=kept diff --name-status HEAD~ HEAD -- t/rows | cut -f 1 | sort | uniq -c |
		tr -s ' \n' ' ' >changed
	same "$(cat changed)" ' 1 A 10 D 10 M '
	# And back: the rows of the first commit into the table.
	git --git-dir=kept archive HEAD~ t/rows | tar -C mnt/tables --overwrite -xf -
	cmp "$good/r15.json" $rows/r15.json
	same "$(grep -l then $rows/* | wc -l)" 60
}
