#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# by/: rows found by the value of an indexed column.
load lib

setup()
{
	begin_test
	new_mount
	echo 'CREATE TABLE t (pk=id, INDEX(status), INDEX(n));' >mnt/query
	t=mnt/tables/t
}

listed()
{
	ls -A "$1" | tr '\n' ' '
}

@test "by/ has a column for each index of one, a column its values, a value its rows" {
	printf '%s\n' '{"id":"a","status":"paid","n":1}' '{"id":"b","status":"pending","n":2.5}' \
		'{"id":"c","status":"paid"}' >$t/import.jsonl
	same "$(listed $t/by)" 'n status '
	same "$(listed $t/by/status)" 'paid pending '
	same "$(listed $t/by/n)" '1 2.5 '
	same "$(listed $t/by/status/paid)" 'a.json c.json '
	same "$(readlink $t/by/status/paid/a.json)" ../../../rows/a.json
	same "$(jq -c . $t/by/n/2.5/b.json)" '{"id":"b","status":"pending","n":2.5}'
	[ ! -e $t/by/status/none ]
	[ ! -e $t/by/status/paid/b.json ]
	[ ! -e $t/by/a ]
	fails_with 1 mkdir $t/by/status/new
	fails_with 1 rm $t/by/status/paid/a.json
}

@test "a change moves a row from one value to the other at once" {
	for i in {1..20}; do
		echo "{\"status\":\"s$((i % 2))\"}" >$t/rows/r.json
		[ -e "$t/by/status/s$((i % 2))/r.json" ]
		[ ! -e "$t/by/status/s$(((i + 1) % 2))/r.json" ]
		same "$(listed $t/by/status)" "s$((i % 2)) "
	done
	rm $t/rows/r.json
	same "$(listed $t/by/status)" ''
	[ ! -e $t/by/status/s0 ]
}

@test "a view has the values and rows of its moment" {
	for i in {1..30}; do
		echo "{\"status\":\"s$((i % 3))\"}" >$t/rows/r$((i % 10)).json
	done
	driftdb sql -d db -e 'DELETE FROM t'
	for seq in 1 7 15 29 30; do
		view=mnt/@seq/$seq/tables/t
		expected=$(jq -r '.status + " " + .id' $view/rows/*.json | sort)
		same "$(cd $view/by/status && find . -name '*.json' |
			sed -E 's,\./(.*)/(.*)\.json,\1 \2,' | sort)" "$expected"
		for link in "$view"/by/status/*/*; do
			same "$(jq -r .status "$link")" "$(basename "$(dirname "$link")")"
		done
	done
}

@test "odd values have names that lead back, and right links" {
	cat >rows.jsonl <<-'END'
		{"id":"../x","status":"a/b"}
		{"id":"a,b","status":".."}
		{"id":".h","status":"50%"}
		{"id":"nl","status":"a\nb, ü€😀"}
		{"id":"number","status":1}
		{"id":"text","status":"1"}
		{"id":"real","status":1.5}
		{"id":"yes","status":true}
		{"id":"minus","status":-0.25}
		{"id":"big","status":9007199254740993}
		{"id":"null","status":null}
		{"id":"none"}
		{"id":"empty","status":""}
		{"id":"list","status":[1]}
	END
	cp rows.jsonl $t/import.jsonl
	same "$(ls -A $t/by/status | sort | tr '\n' '|')" "$(printf '%s\n' a%2Fb %2E. 50%25 \
		'a%0Ab, ü€😀' 1 1.5 -0.25 9007199254740993 | sort | tr '\n' '|')"
	same "$(ls -A $t/by/status/1 | tr '\n' ' ')" 'number.json text.json yes.json '
	find $t/by/status -mindepth 2 | while read -r link; do
		jq -e .id "$link" >/dev/null
	done
	same "$(find $t/by/status -type l | wc -l)" 10
	same "$(jq -r .id "$t/by/status/a%2Fb/%2E.%2Fx.json")" ../x
	rm $t/rows/text.json
	same "$(ls -A $t/by/status/1 | tr '\n' ' ')" 'number.json yes.json '
}

@test "values too long for a name are left out, the longest that fits is there" {
	long=$(head -c 190 /dev/zero | tr '\0' x)
	for size in 190 196 197 198 199 200 250; do
		value=$(head -c $size /dev/zero | tr '\0' x)
		echo "{\"id\":\"$size\",\"status\":\"$value\"}"
	done >$t/import.jsonl
	same "$(jq -r .id $t/by/status/$long/190.json)" 190
	for name in $(ls $t/by/status); do
		same "$(jq -r '.status' $t/by/status/$name/*.json)" "$name"
	done
	same "$(ls $t/by/status | wc -l)" 3
}

@test "large lists: every row and value once, in bounded memory, while others change" {
	seq 20000 | sed 's/.*/{"id":"k&","status":"one","n":&}/' >$t/import.jsonl
	(for i in $(seq 200); do
		echo '{"status":"two"}' >"$t/rows/other$i.json"
	done) &
	writer=$!
	same "$(ls -f $t/by/status/one | grep -c json)" 20000
	same "$(ls $t/by/status/one | sort -u | wc -l)" 20000
	same "$(ls $t/by/n | wc -l)" 20000
	wait $writer
	same "$(ls $t/by/status/two | wc -l)" 200
}

@test "find, grep -r and diff -r over by/ end and agree with rows/" {
	seq 300 | sed 's/.*/{"id":"k&","status":"x","n":&}/' >$t/import.jsonl
	same "$(find $t/by -type l | wc -l)" 600
	same "$(find -L $t/by/status/x -type f | wc -l)" 300
	diff -r $t/rows $t/by/status/x
	same "$(grep -rl '"n": 7$' $t/by/ | wc -l)" 0
	same "$(grep -Rl '"n": 7$' $t/by/ | sort | tr '\n' ' ')" "$t/by/n/7/k7.json $t/by/status/x/k7.json "
}

@test "an index made later is there from then on" {
	seq 500 | sed 's/.*/{"id":"k&","x":"v&"}/' >$t/import.jsonl
	[ ! -e $t/by/x ]
	driftdb sql -d db -e 'CREATE INDEX ON t (x)'
	eventually 10 test -e $t/by/x
	same "$(ls $t/by/x | wc -l)" 500
	same "$(jq -r .id $t/by/x/v7/k7.json)" k7
	driftdb sql -d db -e 'DROP INDEX t_x_idx' || driftdb sql -d db -e 'DROP INDEX x'
	[ ! -e $t/by/x ]
}
