#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The catalog as people change it: tables, indexes, saved queries and tags, now and
# as of the past, through driftdb sql and the mount, dumped and loaded.
load lib

setup()
{
	begin_test
	driftdb init db
}

# sql STATEMENT...: all of them, as JSON lines, messages left out
sql()
{
	driftdb sql -d db --quiet -e "$*"
}

# refuses SQLSTATE TEXT STATEMENT
refuses()
{
	run driftdb sql -d db -e "$3"
	[ "$status" -eq 1 ] && says "^ERROR $1: .*$2"
}

# A dump, loaded into another database, dumps the same bytes.
round_trip()
{
	driftdb dump -d db --events >dumped
	driftdb init loaded
	driftdb load -d loaded dumped
	driftdb dump -d loaded --events | cmp - dumped
	driftdb verify -d loaded
}

@test "a tag names a moment, and can be asked for in every place of one" {
	sql 'CREATE TABLE t (pk=id); INSERT INTO t {"id": "a"}; TAG one; INSERT INTO t {"id": "b"}'
	sql 'TAG two; TAG none AT @SEQ:0; TAG "x y" AT 1'
	same "$(sql 'SELECT name, seq FROM drift_tags')" \
		'{"name":"none","seq":0}
{"name":"one","seq":1}
{"name":"two","seq":2}
{"name":"x y","seq":1}'
	same "$(sql 'SELECT count(*) n FROM t FOR SYSTEM_TIME AS OF @tag:one')" '{"n":1}'
	same "$(sql 'SELECT count(*) n FROM t AS OF "@tag:two"')" '{"n":2}'
	same "$(sql 'SET system_time_asof = @tag:none; SELECT count(*) n FROM t')" '{"n":0}'
	refuses 42710 'tag "one" already exists' 'TAG one'
	refuses 42704 'tag "nine" does not exist' 'DROP TAG nine'
	refuses 22007 'nine' 'SELECT * FROM t AS OF @tag:nine'
	sql 'DROP TAG IF EXISTS nine; DROP TAG one'
	refuses 22007 'one' 'SELECT * FROM t AS OF @tag:one'
	same "$(sql "SELECT sql, \"table\" FROM drift_events WHERE op = 'ddl'" | tail -n +2)" \
		'{"sql":"TAG one AT @SEQ:1","table":null}
{"sql":"TAG two AT @SEQ:2","table":null}
{"sql":"TAG none AT @SEQ:0","table":null}
{"sql":"TAG \"x y\" AT @SEQ:1","table":null}
{"sql":"DROP TAG one","table":null}'
	round_trip
}

@test "several tables are dropped by one statement, each on its own in the log" {
	sql 'CREATE TABLE a (pk=id); CREATE TABLE "b c" (pk=id); CREATE TABLE d (pk=id)'
	sql 'DROP TABLE a, "b c"; DROP TABLE IF EXISTS a, d CASCADE'
	same "$(sql 'SHOW TABLES')" ''
	same "$(sql "SELECT sql FROM drift_events WHERE sql LIKE 'DROP%'")" \
		'{"sql":"DROP TABLE a"}
{"sql":"DROP TABLE \"b c\""}
{"sql":"DROP TABLE d"}'
	round_trip
}
