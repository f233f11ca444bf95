#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# CREATE TABLE AS: a table made of an answer, of the past too.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	sql "CREATE TABLE u (id INT PRIMARY KEY, name VARCHAR(9), ok BOOLEAN, at TIMESTAMP, x REAL, j JSON)
; INSERT INTO u VALUES (1, 'ann', TRUE, '2025-01-01', 1, '[1]'), (2, 'bob', NULL, NULL, NULL, NULL)"
}

@test "the columns are the answer's, with its types, and the first is the key" {
	same "$(driftdb sql -d db -e 'CREATE TABLE v AS SELECT *, id * 2 AS twice FROM u')" "Table 'v' created with 2 row(s)"
	same "$(sql 'SHOW CREATE TABLE v')" \
		'{"sql":"CREATE TABLE v (id BIGINT PRIMARY KEY, name TEXT, ok BOOLEAN, at TIMESTAMP, x DOUBLE PRECISION, j JSON, twice BIGINT)"}'
	same "$(sql 'TABLE v')" '{"id":1,"name":"ann","ok":true,"at":"2025-01-01T00:00:00Z","x":1.0,"j":[1],"twice":2}
{"id":2,"name":"bob","ok":null,"at":null,"x":null,"j":null,"twice":4}'
	sql 'CREATE TABLE w (n, m) AS VALUES (1, 2), (3, 4); CREATE TABLE e AS (SELECT id FROM u) WITH NO DATA; CREATE TABLE f AS WITH c AS (SELECT 7 AS n) SELECT * FROM c'
	same "$(sql 'SELECT n, m FROM w; SELECT count(*) AS n FROM e; TABLE f')" '{"n":1,"m":2}
{"n":3,"m":4}
{"n":0}
{"n":7}'
	same "$(sql 'CREATE TABLE IF NOT EXISTS f AS SELECT nope; TABLE f')" '{"n":7}'
	round_trip
}

@test "a moment becomes a table, and documents rows" {
	sql 'DELETE FROM u; CREATE TABLE old AS SELECT id, name FROM u FOR SYSTEM_TIME AS OF @SEQ:2; CREATE TABLE older AS SELECT id FROM u AS OF @SEQ:1
; CREATE TABLE versions AS SELECT _seq, id, _op FROM u FOR SYSTEM_TIME ALL'
	same "$(sql "SELECT * FROM old; SELECT * FROM older; SELECT count(*) AS n FROM versions")" '{"id":1,"name":"ann"}
{"id":2,"name":"bob"}
{"id":1}
{"n":2}'
	sql 'CREATE TABLE d (pk=id); INSERT INTO d {"id": "a", "n": 1, "tags": [1, {"b": 2}]}, {"id": 5, "n": "text"}; CREATE TABLE c AS SELECT * FROM d'
	same "$(sql 'TABLE c')" '{"id":"5","n":"text","tags":null}
{"id":"a","n":1,"tags":[1,{"b":2}]}' || same "$(sql 'TABLE c')" '{"id":5,"n":"text","tags":null}
{"id":"a","n":1,"tags":[1,{"b":2}]}'
	round_trip
}

@test "all of it or nothing, in a transaction too, and refusals stand where they belong" {
	refuses 23505 'PRIMARY KEY "v": Key .x.=.1. already exists' 'CREATE TABLE v AS SELECT x, id FROM u WHERE id = 1 UNION ALL SELECT 1, 3'
	refuses 23502 'null value in column "x"' 'CREATE TABLE v AS SELECT x, id FROM u'
	refuses 42P01 '"v"' 'TABLE v'
	refuses 42P07 'relation "u" already exists' 'CREATE TABLE u AS SELECT 1 AS a'
	refuses 42P01 'relation "v" does not exist' 'CREATE TABLE v AS SELECT * FROM v'
	refuses 42601 'too many column names' 'CREATE TABLE v (a, b) AS SELECT 1'
	refuses 42601 'near "INSERT"' 'CREATE TABLE v AS INSERT INTO u (id) VALUES (9)'
	refuses 42701 'specified more than once' 'CREATE TABLE v AS SELECT 1 AS a, 2 AS a'
	refuses 42703 'nope' 'CREATE TABLE v AS SELECT id,
		nope FROM u'
	says '^		\^$'
	refuses 25006 '' 'BEGIN READ ONLY; CREATE TABLE v AS SELECT 1 AS a'
	same "$(sql 'BEGIN; CREATE TABLE v AS SELECT 1 AS a; INSERT INTO v VALUES (2); SELECT count(*) AS n FROM v; ROLLBACK; SHOW TABLES' | head -n 1)" '{"n":2}'
	refuses 42P01 '' 'TABLE v'
}
