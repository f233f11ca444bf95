#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# driftdb ingest: JSON lines and CSV into a table, bad lines told and stopped at or
# skipped, the same with and without a daemon.
load lib

setup()
{
	begin_test
	driftdb init db >init
}

count()
{
	driftdb sql -d db -e "SELECT count(*) AS n FROM $1" | jq .n
}

@test "JSON lines become rows, the table too when asked for" {
	printf '%s\n' '{"id":"a","n":1}' '' '{"id":"b","n":[1,{"x":null}]}' >rows.jsonl
	fails_with 1 driftdb ingest -d db -t t -f rows.jsonl
	says 'relation "t" does not exist'
	run driftdb ingest -d db -t t --create -f rows.jsonl
	same "$output" 'Stored 2 row(s)'
	same "$(driftdb sql -d db -e 'SELECT doc FROM t ORDER BY id')" \
		'{"doc":{"id":"a","n":1}}'$'\n''{"doc":{"id":"b","n":[1,{"x":null}]}}'
	printf '{"k":1}' | driftdb ingest -q -d db -t u --create --key k -f -
	same "$(driftdb sql -d db -e 'SELECT k FROM u')" '{"k":1}'
}

@test "CSV is quoted by RFC 4180 and read by the columns' types" {
	driftdb sql -q -d db -e 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, ok BOOLEAN, r REAL)'
	printf 'id,name,ok,r\r\n1,"a ""quoted"", name\r\nof two lines",true,1.5\r\n2,007,f,2\r\n3,,,\r\n' >rows.csv
	driftdb ingest -q -d db -t t -f rows.csv
	same "$(driftdb sql -d db -e 'SELECT * FROM t ORDER BY id')" \
'{"id":1,"name":"a \"quoted\", name\r\nof two lines","ok":true,"r":1.5}
{"id":2,"name":"007","ok":false,"r":2.0}
{"id":3,"name":null,"ok":null,"r":null}'
	fails_with 2 driftdb ingest -d db -t t -f rows
	says 'what is in rows\? --as jsonl or --as csv'
	cp rows.csv rows
	driftdb ingest -q -d db -t t --as csv -f rows --replace
	same "$(count t)" 3
}

# Bad at 4 (JSON), 6 (key there twice), 8 (no key).
bad_rows()
{
	printf '%s\n' '{"id":1}' '{"id":2}' '{"id":3}' '{"id":' '{"id":4}' '{"id":2}' \
		'{"id":5}' '{"x":6}' '{"id":7}'
}

@test "the first bad line stops it, and nothing of its batch is stored" {
	bad_rows >rows.jsonl
	fails_with 1 driftdb ingest -d db -t t --create -f rows.jsonl
	says '^rows.jsonl:4: '
	says '0 row\(s\) were stored'
	same "$(count t)" 0
	fails_with 1 driftdb ingest -d db -t t --batch 2 -f rows.jsonl
	says '2 row\(s\) were stored'
	same "$(count t)" 2
	fails_with 1 driftdb ingest -d db -t t --batch 2 -f - <<<'{"id":2}'
	says '^standard input:1: duplicate key value .*Key \(id\)=\(2\) already exists'
}

@test "bad lines are told and skipped" {
	bad_rows >rows.jsonl
	for batch in 1 2 3 100; do
		run driftdb ingest -d db -t "t$batch" --create --on-error skip --batch "$batch" -f rows.jsonl
		same "$status" 0
		same "$(grep -o '^rows.jsonl:[0-9]*' <<<"$output" | sort | tr '\n' ' ')" \
			'rows.jsonl:4 rows.jsonl:6 rows.jsonl:8 '
		says '^Stored 6 row\(s\), skipped 3$'
		same "$(count "t$batch")" 6
	done
}

@test "a file with nothing but bad lines is got through in time" {
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"id\":%d}\n", i }' >rows.jsonl
	driftdb ingest -q -d db -t t --create -f rows.jsonl
	run timeout $((20 * SLOW)) driftdb ingest -d db -t t --on-error skip -f rows.jsonl
	same "${lines[-1]}" 'Stored 0 row(s), skipped 20000'
}

@test "a daemon's database is filled in the same way" {
	driftdb sql -q -d db -e 'CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT NOT NULL)'
	need_fuse
	start_mount db mnt
	bad_rows >rows.jsonl
	fails_with 1 driftdb ingest -d db -t t --create -f rows.jsonl
	says '^rows.jsonl:4: '
	run driftdb ingest -d db -t t --on-error skip -f rows.jsonl
	same "$(grep -o '^rows.jsonl:[0-9]*' <<<"$output" | sort | tr '\n' ' ')" \
		'rows.jsonl:4 rows.jsonl:6 rows.jsonl:8 '
	says '^Stored 6 row\(s\), skipped 3$'
	same "$(ls mnt/tables/t/rows | wc -l)" 6
	run driftdb ingest -d db -t t --replace -f - <<<'{"id":7,"it":"it'"'"'s"}'
	same "$output" 'Stored 1 row(s)'
	grep -q "it's" mnt/tables/t/rows/7.json
	printf 'id,name\n1,"007"\n2,\nx,y\n' >rows.csv
	run driftdb ingest -d db -t c --on-error skip -f rows.csv
	says '^rows.csv:3: null value in column "name"'
	says '^rows.csv:4: invalid input syntax for type integer: "x"'
	same "$(driftdb sql -d db -e 'SELECT * FROM c')" '{"id":1,"name":"007"}'
}

@test "a JSON line cannot smuggle in a statement" {
	need_fuse
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"safe"}'
	start_mount db mnt
	fails_with 1 driftdb ingest -d db -t t -f - <<<'{"id":"a"}; DELETE FROM t'
	says '^standard input:1: '
	same "$(count t)" 1
}

@test "ingest takes no more memory for more rows" {
	[ "$SLOW" = 1 ] || skip 'a sanitizer takes memory of its own'
	peak()
	{
		mkfifo in
		driftdb ingest -q -d db -t t --create --replace -f - <in &
		pid=$!
		exec 5>in
		awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "{\"id\":%d,\"pad\":\"%0100d\"}\n", i % 5000, i }' >&5
		awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"
		exec 5>&-
		wait "$pid"
		rm in
	}
	few=$(peak 150000)
	many=$(peak 450000)
	echo "$few KiB for 150,000 rows, $many KiB for 450,000"
	[ "$many" -lt $((few + 40000)) ]
}
