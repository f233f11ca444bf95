#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a PostgreSQL user writes without thinking of it. The answers are PostgreSQL 15's.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	driftdb sql -d db --quiet -e "CREATE TABLE t (id int PRIMARY KEY, ok boolean, n int, x double precision, s text, j jsonb)"
}

# ids CONDITION: of the rows of t that meet it
ids()
{
	driftdb sql -d db --quiet --format tsv -e "SELECT string_agg(id::text, ' ' ORDER BY id) AS ids FROM t WHERE $1" | sed 1d
}

@test "a text is taken for a number or a boolean where a column of those is written" {
	sql "INSERT INTO t (id, ok, n, x) VALUES (1, 't', '42', '1.5'), ('2', 'no', 7, ' 2 '), (3, '0', 6 / 2.0, 3), (4, 'Y', -1e3, NULL)"
	same "$(sql "UPDATE t SET n = '43', ok = 'off' WHERE id = 1; SELECT id, ok, n, x FROM t")" \
'{"id":1,"ok":false,"n":43,"x":1.5}
{"id":2,"ok":false,"n":7,"x":2.0}
{"id":3,"ok":false,"n":3,"x":3.0}
{"id":4,"ok":true,"n":-1000,"x":null}'
	refuses 22P02 'type integer: "abc"' "INSERT INTO t (id, n) VALUES (9, 'abc')"
	refuses 22P02 'type integer: "1.5"' "INSERT INTO t (id, n) VALUES (9, '1.5')"
	refuses 22P02 'type real: "1x"' "UPDATE t SET x = '1x'"
	refuses 22P02 'type boolean: "maybe"' "UPDATE t SET ok = 'maybe'"
}

@test "a boolean column is compared with 't' and 'false'" {
	sql "INSERT INTO t (id, ok, s) VALUES (1, true, 'true'), (2, false, 'f'), (3, NULL, 't')"
	same "$(ids "ok = 't'")" 1
	same "$(ids "'false' = t.ok")" 2
	same "$(ids "t.ok <> 'n'")" 1
	same "$(ids "ok IN ('f', 'yes')")" '1 2'
	same "$(ids "ok NOT IN ('f')")" 1
	same "$(ids "s = 't'")" 3
	refuses 22P02 'type boolean: "maybe"' "SELECT id FROM t WHERE ok = 'maybe'"
}

@test "what ->> answers is a text where a text stands beside it" {
	sql "INSERT INTO t (id, j) VALUES (1, '{\"n\": 5, \"p\": true, \"s\": \"str\", \"z\": null, \"o\": {\"q\": [1, \"b\"]}}'), (2, '{\"n\": \"5\", \"p\": \"true\"}'), (3, NULL)"
	same "$(ids "j->>'n' = '5'")" '1 2'
	same "$(ids "(j->>'n') IN ('5', '6')")" '1 2'
	same "$(ids "'true' = j->>'p'")" '1 2'
	same "$(ids "j->'o'->'q'->>0 = '1'")" 1
	same "$(ids "j #>> '{o,q,1}' = 'b'")" 1
	same "$(ids "j->>'z' = 'null'")" '\N'
	same "$(ids "(j->>'n')::int > 4")" '1 2'
	same "$(ids "j->>'n' > 4 AND id = 1")" 1
	same "$(sql "SELECT j->>'p' || '!' AS p FROM t WHERE id = 1")" '{"p":"true!"}'
	same "$(sql "PREPARE q AS SELECT id FROM t WHERE j->>'n' = \$1; EXECUTE q('5')")" $'{"id":1}\n{"id":2}'
}

@test "a boolean beside || and in JSON is true, not 1" {
	sql "INSERT INTO t (id, ok, n) VALUES (1, true, 9)"
	same "$(sql "SELECT 'x' || ok AS a, ok || 'y' AS b, 'a' || ok || 'b' AS c, 'n' || (n > 8) AS d, 'v' || FALSE AS e FROM t")" \
		'{"a":"xtrue","b":"truey","c":"atrueb","d":"ntrue","e":"vfalse"}'
	same "$(sql "SELECT concat(ok, 1, FALSE) AS a, concat_ws('-', ok, 'a') AS b FROM t")" '{"a":"t1f","b":"t-a"}'
	same "$(sql "SELECT json_build_array(1::boolean, CAST('f' AS boolean)) AS a, to_json('t'::bool) AS b")" '{"a":[true,false],"b":true}'
}
