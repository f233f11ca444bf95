#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Names that change: tags, and tables that are renamed.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	for i in 1 2 3; do
		echo "{\"v\":$i}" >$rows/a.json
	done
}

# found PATH, missing PATH: the same by stat, for eventually.
found()
{
	[ -e "$1" ]
}

missing()
{
	[ ! -e "$1" ]
}

@test "mkdir tags the head, ln -s any moment, mv renames, rm forgets" {
	mkdir mnt/@tag/now
	ln -s ../@seq/1 mnt/@tag/first
	same "$(readlink mnt/@tag/now)" ../@seq/3
	same "$(jq .v mnt/@tag/first/tables/t/rows/a.json)" 1
	echo '{"v":4}' >$rows/a.json
	same "$(jq .v mnt/@tag/now/tables/t/rows/a.json)" 3
	same "$(ls mnt/@tag | tr '\n' ' ')" 'first now '
	mv -T mnt/@tag/now mnt/@tag/then
	same "$(readlink mnt/@tag/then)" ../@seq/3
	[ ! -e mnt/@tag/now ]
	mv -T mnt/@tag/then mnt/@tag/first
	same "$(readlink mnt/@tag/first)" ../@seq/3
	ln -sfn ../@seq/head~2 mnt/@tag/first
	same "$(readlink mnt/@tag/first)" ../@seq/2
	ln -s "$(readlink -f mnt/@time/now)" mnt/@tag/'a b%2F'
	same "$(driftdb sql -d db -e "SELECT name, seq FROM drift_tags ORDER BY name" | jq -c '[.name, .seq]' | tr '\n' ' ')" \
		'["a b/",4] ["first",2] '
	rm mnt/@tag/first
	same "$(ls mnt/@tag)" 'a b%2F'
	driftdb sql -d db -e 'DROP TAG "a b/"; TAG "x" AT @seq:2'
	same "$(ls mnt/@tag)" x
	same "$(jq .v mnt/@tag/x/tables/t/rows/a.json)" 2
}

@test "tags outlive the mount, and are seen by find once" {
	mkdir mnt/@tag/kept
	same "$(find mnt/@tag | wc -l)" 2
	stop_mount
	start_mount db mnt
	same "$(readlink mnt/@tag/kept)" ../@seq/3
}

@test "what is not a tag is refused" {
	fails_with 1 mkdir "mnt/@tag/%2f"
	fails_with 1 ln -s ../@seq/99 mnt/@tag/x
	run tail -n 1 mnt/.driftfs/errors
	says 'there is no moment .*@seq/99'
	fails_with 1 ln -s /etc/passwd mnt/@tag/x
	run tail -n 1 mnt/.driftfs/errors
	says 'a tag leads to a moment'
	mkdir mnt/@tag/x
	fails_with 1 mkdir mnt/@tag/x
	says 'File exists'
	fails_with 1 touch mnt/@tag/y
	says 'not permitted'
	fails_with 1 mv mnt/@tag/x mnt/tables/
	fails_with 1 rmdir mnt/@tag/x
	fails_with 1 touch mnt/@tag/x/tables/t/rows/new.json
	says 'Read-only'
	[ ! -e mnt/@seq/1/@tag ]
}

@test "mv renames a table, and its rows and history go with it" {
	cat $rows/a.json >/dev/null
	mv mnt/tables/t mnt/tables/'u "v"'
	same "$(ls mnt/tables)" 'u "v"'
	[ ! -e mnt/tables/t ]
	same "$(jq .v mnt/tables/u*/rows/a.json)" 3
	echo '{"v":9}' >mnt/tables/'u "v"'/rows/a.json
	same "$(ls mnt/tables/u*/history/a | wc -l)" 4
	same "$(jq .v mnt/@seq/3/tables/t/rows/a.json)" 3
	mkdir mnt/tables/t
	fails_with 1 mv -T mnt/tables/t mnt/tables/'u "v"'
	says 'File exists'
	fails_with 1 mv mnt/tables/t mnt/tables/t/rows
	stop_mount
	start_mount db mnt
	same "$(jq .v mnt/tables/'u "v"'/rows/a.json)" 9
}

@test "a table renamed in SQL is found by its new name alone" {
	cat $rows/a.json >/dev/null
	driftdb sql -d db -e 'ALTER TABLE t RENAME TO u'
	same "$(jq .v mnt/tables/u/rows/a.json)" 3
	eventually 5 missing mnt/tables/t
	driftdb sql -d db -e 'ALTER TABLE u RENAME TO w; CREATE TABLE u (pk=id)'
	same "$(jq .v mnt/tables/w/rows/a.json)" 3
	eventually 5 missing mnt/tables/u/rows/a.json
}

@test "an altered table's rows have their new sizes at once" {
	driftdb sql -d db -e 'CREATE TABLE d (n INTEGER PRIMARY KEY); INSERT INTO d VALUES (1)'
	cat mnt/tables/d/rows/1.json
	eventually 5 old_enough mnt/tables/d/rows/1.json
	stat mnt/tables/d/rows/1.json
	driftdb sql -d db -e "ALTER TABLE d ADD COLUMN s TEXT DEFAULT 'a longer row'"
	same "$(stat -c %s mnt/tables/d/rows/1.json)" "$(wc -c <mnt/tables/d/rows/1.json)"
	same "$(jq -c . mnt/tables/d/rows/1.json)" '{"n":1,"s":"a longer row"}'
}

# The kernel is not given attributes to keep before that.
old_enough()
{
	[ $(($(date +%s%N) - $(date -r "$1" +%s%N))) -gt 200000000 ]
}
