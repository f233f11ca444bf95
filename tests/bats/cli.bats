#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# driftdb as scripts use it: exit statuses, formats, refusals.
load lib

setup()
{
	begin_test
	driftdb init db
}

@test "help and version" {
	run driftdb --version
	says '^driftdb [0-9]'
	run driftdb --help
	same "$status" 0
	commands=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' <<<"$output")
	for command in init sql select ingest drift dump load snapshot compact analyze \
		optimize verify bench help; do
		grep -qx "$command" <<<"$commands"
	done
	for command in $commands; do
		run driftdb "$command" --help
		same "$status" 0
		says "^usage: driftdb $command"
		says '^  -h, --help'
		same "$(driftdb help "$command")" "$output"
	done
	fails_with 2 driftdb help frobnicate
}

@test "a usage error is status 2 and says what is wrong" {
	fails_with 2 driftdb
	fails_with 2 driftdb frobnicate
	says 'no such command: frobnicate'
	fails_with 2 driftdb igest
	says 'no such command: igest; did you mean ingest\?'
	fails_with 2 driftdb sql --formt csv
	says 'sql: no such option: --formt; did you mean --format\?'
	fails_with 2 driftdb sql -d db -Z
	says 'sql: no such option: -Z'
	fails_with 2 driftdb select -d db -t t -l none
	says 'select: --limit wants a number from 1, not none'
	fails_with 2 driftdb ingest -d db -t
	says 'ingest: -t wants a value'
	fails_with 2 driftdb ingest -d db -t t -f x.csv --on-error ignore
	says -- '--on-error: no such thing: ignore \(there is: stop skip\)'
	fails_with 2 driftdb select -d db -t t --json --format csv
	fails_with 2 driftdb ingest -d db -t t -f x.csv --key id
	fails_with 2 driftdb sql -e 'SELECT 1'
	says 'sql: -d DIR is missing'
	fails_with 2 driftdb sql -d db --events
	says 'no such option: --events'
	fails_with 2 driftdb sql -d db -e 'SELECT 1' --format xml
	says -- '--format: no such thing: xml \(there is: json csv tsv table\)'
	fails_with 2 driftdb init
	says 'init: DIR is missing'
	fails_with 2 driftdb init one two
	says 'one word too many: two'
	fails_with 2 driftdb sql -d db 'SELECT 1'
	says 'sql: one word too many: SELECT 1 \(statements follow -e\)'
}

@test "a refused statement is status 1, its reason and place on stderr" {
	fails_with 1 driftdb sql -d db -e 'SELECT FORM x'
	says '^ERROR 42'
	fails_with 1 driftdb sql -d db -e 'SELECT * FROM missing'
	says '^ERROR 42P01: '
	driftdb sql -d db -e 'SELECT 1 AS n; SELECT * FROM missing' >out 2>err || status=$?
	same "$status" 1
	same "$(cat out)" '{"n":1}'
	grep -q '^ERROR 42P01' err
}

@test "a directory that is no database is status 1, damage is 3, a newer format 4" {
	mkdir empty
	fails_with 1 driftdb sql -d empty -e 'SELECT 1'
	fails_with 1 driftdb sql -d missing -e 'SELECT 1'
	driftdb sql -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":1}; INSERT INTO t {"id":2}'
	cp -a db newer
	sed -i '0,/[0-9][0-9]*/s//99/' newer/FORMAT
	fails_with 4 driftdb sql -d newer -e 'SELECT 1'
	cp -a db newer_pack
	driftdb sql -q -d newer_pack -e VACUUM -e 'INSERT INTO t {"id":3}'
	printf '\xff' | dd of="$(ls newer_pack/log/*.seg | head -n 1)" bs=1 seek=8 conv=notrunc status=none
	fails_with 4 driftdb verify -d newer_pack
	says 'segment 0*1.seg: newer format'
	cp -a db damaged
	segment=$(ls damaged/log/*.seg)
	offset=$(LC_ALL=C grep -obUaP '\xa2id' "$segment" | head -n 1 | cut -d : -f 1)
	printf '\x00' | dd of="$segment" bs=1 seek="$offset" conv=notrunc status=none
	fails_with 3 driftdb verify -d damaged
}

@test "verify sums up what it read" {
	driftdb sql -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":1}; INSERT INTO t {"id":2}'
	run driftdb verify -d db
	same "$status" 0
	says ' 2 event\(s\).*: no fault'
}

@test "formats: json, csv, tsv, table" {
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"a","v":1.5}, {"id":"b","v":"x,y"}'
	same "$(driftdb sql -d db -e 'SELECT id, v FROM t')" \
		'{"id":"a","v":1.5}'$'\n''{"id":"b","v":"x,y"}'
	same "$(driftdb sql -d db -e 'SELECT id, v FROM t' --format csv | tr -d '\r')" \
		$'id,v\na,1.5\nb,"x,y"'
	same "$(driftdb sql -d db -e 'SELECT id, v FROM t' --format tsv)" \
		$'id\tv\na\t1.5\nb\tx,y'
	run driftdb sql -d db -e 'SELECT id, v FROM t' --format table
	says 'x,y'
}

@test "several -e are run in order, in one session, up to the first that fails" {
	run driftdb sql -d db -e 'SELECT 1 AS a' -e 'BEGIN; SELECT 2 AS b' -e 'COMMIT' --quiet
	same "$output" $'{"a":1}\n{"b":2}'
	fails_with 1 driftdb sql -d db -e 'SELEC 1' -e 'SELECT 2 AS b'
	[[ $output != *'"b"'* ]]
	fails_with 2 driftdb sql -d db -d other -e 'SELECT 1'
	says 'too often'
}

@test "scripts come from a file and from standard input" {
	echo 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"a"};' >script
	driftdb sql -q -d db -f script
	same "$(echo 'SELECT id FROM t' | driftdb sql -d db)" '{"id":"a"}'
	fails_with 1 driftdb sql -d db -f nothing
	says 'nothing: No such file'
	fails_with 2 driftdb sql -d db -f script -e 'SELECT 1'
}

@test "drift tells every event of one row" {
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"it'"'"'s","v":1}; UPDATE t SET v = 2; DELETE FROM t'
	run driftdb drift -d db -t t -k "it's"
	same "$status" 0
	same "${#lines[@]}" 3
	same "$(jq -r .event_type <<<"$output" | tr 'A-Z\n' 'a-z ')" 'insert update delete '
	same "$(jq -r .sequence <<<"$output" | xargs)" '1 2 3'
}

@test "select prints rows, of a moment, that meet a condition" {
	driftdb sql -q -d db -e 'CREATE TABLE "odd t" (pk=id); INSERT INTO "odd t" {"id":"a","n":1}, {"id":"b","n":2}; UPDATE "odd t" SET n = 5 WHERE id = "a"'
	same "$(driftdb select --data db -t 'odd t')" '{"id":"a","n":5}'$'\n''{"id":"b","n":2}'
	same "$(driftdb select -d db -t 'odd t' -w "n > 1 -- a comment" --as-of @seq:2 --json)" '{"id":"b","n":2}'
	same "$(driftdb select -d db -t 'odd t' --as-of 2 -l 1 --format csv)" $'id,n\na,1'
	same "$(driftdb select -d db -t 'odd t' --as-of '2001-01-01 12:00')" ''
	fails_with 1 driftdb select -d db -t 'odd t' --as-of 'no time'
	says 'ERROR 22007: .*no time'
	fails_with 1 driftdb select -d db -t missing
	says 'ERROR 42P01: '
}

@test "snapshot and compact say what they did, of a table or of all" {
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"a"}'
	same "$(driftdb snapshot -d db -t t)" "Snapshot created for table 't'"
	driftdb snapshot -d db
	driftdb compact -d db -t t
	run driftdb compact -d db
	says '^Compacted the log from [0-9]+ to [0-9]+ bytes$'
	same "$(driftdb compact -q -d db)" ''
	fails_with 1 driftdb snapshot -d db -t missing
	says 'ERROR 42P01: '
}

@test "bench tells figures with units and leaves nothing behind" {
	mkdir disk
	run driftdb bench -d disk
	same "$status" 0
	says '^durable commits, 1 writer +[0-9]+ commits/s'
	says '^bulk load, 1000 rows a commit +[0-9]+ rows/s'
	says '^point reads, random keys +[0-9]+ reads/s'
	same "$(ls -A disk)" ''
	fails_with 1 driftdb bench -d missing
}

@test "a full disk behind standard output is an error" {
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":1}'
	driftdb backup create -q -d db copies
	driftdb verify -d db
	# full WORD...: a driftdb whose answers go nowhere says so, and fails.
	full()
	{
		run bash -c 'driftdb "$@" >/dev/full' driftdb "$@"
		same "$status" 1
		says 'standard output: No space left on device'
	}
	full dump --events -d db
	full sql -d db -e 'SELECT * FROM t'
	full select -d db --table t
	full digest -d db
	full verify -d db
	full doctor -d db
	full backup list copies
	full backup create -d db copies
	full help sql
	full --version
}

@test "load refuses lines that are not of the format" {
	ddl='{"tx":1,"time":"2020-01-01T00:00:00Z","op":"ddl","sql":"CREATE TABLE t (pk=id)"}'
	event='{"seq":1,"tx":2,"time":"2020-01-02T00:00:00Z","table":"t","op":"insert","pk":"a","row":{"id":"a"}}'
	try() {
		rm -rf try
		driftdb init try >/dev/null
		fails_with 1 driftdb load -d try <(printf '%s\n%s\n' "$ddl" "$1")
		says "$2"
	}
	try 'not json' ':2: '
	try "$(jq -c '.extra = 1' <<<"$event")" ':2: unknown field "extra"'
	try "$(jq -c 'del(.pk)' <<<"$event")" ':2: no "pk"'
	try "$(jq -c 'del(.tx)' <<<"$event")" ':2: no "tx"'
	try "$(jq -c '.op = "upsert"' <<<"$event")" ':2: unknown op "upsert"'
	try "$(jq -c '.op = "delete"' <<<"$event")" ':2: "row" in a line of op delete'
	try "$(jq -c '.op = "update"' <<<"$event")" ':2: '
	try "$(jq -c '.pk = "b"' <<<"$event")" ':2: '
	try "$(jq -c '.table = "u"' <<<"$event")" ':2: no table "u"'
	try "$(jq -c '.seq = 2' <<<"$event")" ':2: seq 2 where 1 should follow'
	try "$(jq -c '.time = "yesterday"' <<<"$event")" ':2: "time" cannot be read'
	try "$(jq -c '.tx = 1' <<<"$event")" ':2: transaction 1 with another time'
}

@test "what load leaves after a refusal is the file's beginning" {
	jq -nc '{tx: 1, time: "2020-01-01T00:00:00Z", op: "ddl", sql: "CREATE TABLE t (pk=id)"},
		(range(1; 3000) | {seq: ., tx: (. + 1), time: (1577836800 + . | todate),
			table: "t", op: (if . == 1500 then "update" else "insert" end),
			pk: "k\(.)", row: {id: "k\(.)"}})' >events
	fails_with 1 driftdb load -d db events
	says '^events:1501: no row in "t": Key \(id\)=\(k1500\)'
	driftdb dump --events -d db | cmp - <(head -n 1500 events)
	driftdb verify -d db
}

@test "load goes on from a database's head, with authors and comments" {
	line() {
		jq -nc --argjson n "$1" '{seq: $n, tx: ($n + 1), time: "2020-01-0\($n + 1)T00:00:00.5Z",
			user: "ann", client: "import", comment: "why \($n)", table: "t",
			op: "insert", pk: "k\($n)", row: {id: "k\($n)", n: [1, {"x": null}]}}'
	}
	ddl='{"tx":1,"time":"2020-01-01T00:00:00Z","op":"ddl","sql":"CREATE TABLE t (pk=id)"}'
	{ echo "$ddl"; line 1; } >one
	{ line 2; line 3; } >two
	driftdb load -q -d db one
	driftdb load -q -d db two
	driftdb dump --events -d db | cmp - <(cat one two)
	fails_with 1 driftdb load -d db two
	says 'two:1: seq 2 where 4 should follow'
}
