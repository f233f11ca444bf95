#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The catalog as people change it: tables, indexes, saved queries and tags, now and
# as of the past, through driftdb sql and the mount, dumped and loaded.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
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

@test "a renamed column keeps its values, and the past keeps its name" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b INT, INDEX (a))'
	sql "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20)"
	sql 'ALTER TABLE t RENAME COLUMN a TO name'
	sql "INSERT INTO t VALUES (3, 'z', 30); UPDATE t SET b = 11 WHERE name = 'x'"
	same "$(sql 'SELECT * FROM t')" '{"id":1,"name":"x","b":11}
{"id":2,"name":"y","b":20}
{"id":3,"name":"z","b":30}'
	same "$(sql 'SELECT * FROM t FOR SYSTEM_TIME AS OF @SEQ:2')" '{"id":1,"a":"x","b":10}
{"id":2,"a":"y","b":20}'
	refuses 42703 'a' 'SELECT a FROM t'
	# Another column takes the old name: it has none of the old values.
	sql 'ALTER TABLE t ADD COLUMN a INT; UPDATE t SET a = 5 WHERE id = 2'
	same "$(sql 'SELECT id, name, a FROM t')" '{"id":1,"name":"x","a":null}
{"id":2,"name":"y","a":5}
{"id":3,"name":"z","a":null}'
	sql 'ALTER TABLE t RENAME id TO key'
	same "$(sql "SELECT key FROM t WHERE name = 'z' AND key = 3")" '{"key":3}'
	same "$(sql "SELECT \"row\" FROM drift_events WHERE seq IN (1, 4, 5)")" \
		'{"row":{"id":1,"a":"x","b":10}}
{"row":{"id":1,"name":"x","b":11}}
{"row":{"id":2,"name":"y","b":20,"a":5}}'
	round_trip
}

@test "a dropped column is gone now, and there as of the past" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b INT UNIQUE, INDEX (a, b))'
	sql "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20)"
	sql 'ALTER TABLE t DROP COLUMN a, DROP COLUMN IF EXISTS nope'
	sql 'INSERT INTO t VALUES (3, 30)'
	same "$(sql 'SELECT * FROM t')" '{"id":1,"b":10}
{"id":2,"b":20}
{"id":3,"b":30}'
	same "$(sql 'SELECT doc FROM t WHERE id = 1')" '{"doc":{"id":1,"b":10}}'
	same "$(sql 'SELECT * FROM t AS OF @SEQ:2' | head -1)" '{"id":1,"a":"x","b":10}'
	sql 'ALTER TABLE t ADD a TEXT'
	same "$(sql 'SELECT * FROM t WHERE id = 1')" '{"id":1,"b":10,"a":null}'
	refuses 42P16 'is in its primary key' 'ALTER TABLE t DROP COLUMN id'
	refuses 42703 'nope' 'ALTER TABLE t DROP COLUMN nope'
	refuses 42701 'already exists' 'ALTER TABLE t ADD COLUMN B INT'
	refuses 42701 'already exists' 'ALTER TABLE t RENAME a TO b'
	sql 'ALTER TABLE t ADD COLUMN IF NOT EXISTS b TEXT UNIQUE'
	round_trip
}

@test "an added column shows its default in old rows now, not in the past" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT)'
	sql "INSERT INTO t VALUES (1, 'x'), (2, 'y')"
	sql "ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 7 INDEX"
	same "$(sql 'SELECT * FROM t')" '{"id":1,"a":"x","n":7}
{"id":2,"a":"y","n":7}'
	same "$(sql 'SELECT * FROM t AS OF @SEQ:2')" '{"id":1,"a":"x"}
{"id":2,"a":"y"}'
	sql "UPDATE t SET a = 'z' WHERE id = 2; UPDATE t SET n = 8 WHERE id = 1; INSERT INTO t (id) VALUES (3)"
	same "$(sql 'SELECT id, a, n FROM t WHERE n = 7')" '{"id":2,"a":"z","n":7}
{"id":3,"a":null,"n":7}'
	same "$(sql 'SELECT id, n FROM t AS OF @SEQ:3')" '{"id":1,"n":7}
{"id":2,"n":7}'
	refuses 23502 'column "m" of relation "t" contains null values' \
		'ALTER TABLE t ADD COLUMN m INT NOT NULL'
	refuses 0A000 'after writing to it' \
		'BEGIN; INSERT INTO t (id) VALUES (9); ALTER TABLE t ADD COLUMN m INT DEFAULT 1; COMMIT'
	round_trip
}

@test "a renamed table is the same table, under its old name in the past" {
	sql 'CREATE TABLE t (pk=id); INSERT INTO t {"id": "a", "v": 1}'
	sql 'ALTER TABLE t RENAME TO u; INSERT INTO u {"id": "b"}'
	same "$(sql 'SELECT id FROM u')" '{"id":"a"}
{"id":"b"}'
	refuses 42P01 't' 'SELECT * FROM t'
	same "$(sql 'SELECT id FROM t AS OF @SEQ:1')" '{"id":"a"}'
	same "$(sql "SELECT \"table\" FROM drift_events WHERE op = 'insert'")" '{"table":"t"}
{"table":"u"}'
	sql 'CREATE TABLE t (pk=id)'
	refuses 42P07 'relation "t" already exists' 'ALTER TABLE u RENAME TO t'
	refuses 0A000 'a document table takes any field' 'ALTER TABLE u ADD COLUMN x INT'
	refuses 0A000 'a document table takes any field' 'ALTER TABLE u DROP COLUMN v'
	sql 'ALTER TABLE IF EXISTS nope RENAME TO x'
	round_trip
}

@test "the mount shows each moment's columns, whichever is looked at first" {
	driftdb sql -d db --quiet -e "CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b INT)"
	driftdb sql -d db --quiet -e "INSERT INTO t VALUES (1, 'x', 10)"
	start_mount db mnt
	same "$(cat mnt/@seq/1/tables/t/rows/1.json | tr -d '\n ')" '{"id":1,"a":"x","b":10}'
	driftdb sql -d db --quiet -e "ALTER TABLE t RENAME COLUMN a TO name; ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN c INT DEFAULT 3; INSERT INTO t VALUES (2, 'y', 4)"
	same "$(cat mnt/tables/t/rows/1.json | tr -d '\n ')" '{"id":1,"name":"x","c":3}'
	same "$(cat mnt/@seq/2/tables/t/rows/1.json | tr -d '\n ')" '{"id":1,"name":"x","c":3}'
	same "$(cat mnt/@seq/1/tables/t/rows/1.json | tr -d '\n ')" '{"id":1,"a":"x","b":10}'
	same "$(cat mnt/tables/t/history/1/1.json | tr -d '\n ')" '{"id":1,"a":"x","b":10}'
	same "$(stat -c %s mnt/@seq/2/tables/t/rows/1.json)" "$(cat mnt/@seq/2/tables/t/rows/1.json | wc -c)"
	echo '{"name":"w"}' >>mnt/tables/t/rows/1.json
	same "$(cat mnt/tables/t/rows/1.json | tr -d '\n ')" '{"id":1,"name":"w","c":3}'
	run bash -c "echo '{\"id\":1,\"a\":\"w\"}' >mnt/tables/t/rows/1.json"
	[ "$status" -ne 0 ]
	same "$(tail -n 1 mnt/tables/t/events | grep -o '"row".*}')" '"row":{"id":1,"name":"w","c":3}}'
}

@test "an index is made on a table with rows, and dropped again" {
	sql 'CREATE TABLE t (pk=id); CREATE TABLE u (a INT PRIMARY KEY, b TEXT, INDEX (b))'
	sql "INSERT INTO t SELECT value AS id, value % 3 AS status, value AS n FROM generate_series(1, 3000)" ||
		sql "INSERT INTO t (id, status, n) WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000) SELECT i, i % 3, i FROM s"
	sql 'CREATE INDEX by_status ON t (status); CREATE UNIQUE INDEX ON t (n); CREATE INDEX IF NOT EXISTS by_status ON t (id)'
	same "$(sql 'SHOW INDEXES FROM t' | jq -c '[.name, .columns, .unique]')" '["by_status","status","no"]
["n","n","yes"]'
	same "$(sql 'SELECT count(*) c FROM t WHERE status = 1')" '{"c":1000}'
	same "$(sql 'SELECT count(*) c FROM t AS OF @SEQ:300 WHERE status = 1')" '{"c":100}'
	refuses 23505 'Key \(n\)=\(7\) already exists' "INSERT INTO t (id, n) VALUES ('x', 7)"
	refuses 23505 'could not create unique index "status": Key \(status\)=\([0-2]\) is duplicated' \
		'CREATE UNIQUE INDEX ON t (status)'
	refuses 42P07 'relation "by_status" already exists' 'CREATE INDEX by_status ON t (n)'
	refuses 42P01 'relation "nope" does not exist' 'CREATE INDEX ON nope (n)'
	refuses 42703 'column "x" does not exist' 'CREATE INDEX ON u (x)'
	refuses 0A000 'expression' 'CREATE INDEX ON t (lower(n))'
	sql 'CREATE INDEX b ON t (n, status)'
	refuses 42702 'several tables have an index "b"' 'DROP INDEX b'
	sql 'DROP INDEX b ON u; DROP INDEX b; DROP INDEX IF EXISTS b; DROP INDEX by_status'
	refuses 42704 'index "b" does not exist' 'DROP INDEX b'
	same "$(sql 'SELECT count(*) c FROM t WHERE status = 1')" '{"c":1000}'
	driftdb verify -d db
	round_trip
}

@test "OR IGNORE and OR REPLACE mind every unique column" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, e TEXT UNIQUE, n INT UNIQUE)'
	sql "INSERT INTO t VALUES (1, 'a', 10), (2, 'b', 20)"
	refuses 23505 'violates unique constraint "e"' "INSERT INTO t VALUES (3, 'a', 30)"
	same "$(driftdb sql -d db -e "INSERT OR IGNORE INTO t VALUES (3, 'a', 30), (4, 'd', 40), (5, 'd', 50)")" 'Inserted 1 row(s)'
	same "$(sql 'SELECT id FROM t')" '{"id":1}
{"id":2}
{"id":4}'
	sql "INSERT OR REPLACE INTO t VALUES (9, 'a', 20)"
	same "$(sql 'SELECT id, e, n FROM t')" '{"id":4,"e":"d","n":40}
{"id":9,"e":"a","n":20}'
	sql "UPDATE OR IGNORE t SET e = 'd' WHERE id = 9; UPDATE OR REPLACE t SET n = 40 WHERE id = 9"
	same "$(sql 'SELECT id, e, n FROM t')" '{"id":9,"e":"a","n":40}'
}

@test "CHECK and DEFAULT expressions hold at every door" {
	sql "CREATE TABLE t (id INT PRIMARY KEY, age INT CHECK (age >= 0), a INT, b INT DEFAULT (2 * 21),
		at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, CONSTRAINT ordered CHECK (a < b OR a IS NULL))"
	sql 'INSERT INTO t (id, age) VALUES (1, 5), (2, NULL)'
	same "$(sql 'SELECT id, b, at IS NOT NULL AS has FROM t')" '{"id":1,"b":42,"has":true}
{"id":2,"b":42,"has":true}'
	refuses 23514 'new row for relation "t" violates check constraint "t_age_check"' \
		'INSERT INTO t (id, age) VALUES (3, -1)'
	refuses 23514 'violates check constraint "ordered"' 'UPDATE t SET a = 50 WHERE id = 1'
	refuses 42703 'column "nope" does not exist' 'CREATE TABLE u (a INT, CHECK (nope > 0))'
	refuses 0A000 'subquery' 'CREATE TABLE u (a INT, CHECK (a IN (SELECT 1)))'
	refuses 42P16 'immutable' 'CREATE TABLE u (a INT, CHECK (a > random()))'
	refuses 42883 'nextval' "CREATE TABLE u (a INT DEFAULT (nofunc_nextval(1)))"
	refuses 22P02 'invalid input syntax for type integer' "CREATE TABLE u (a INT PRIMARY KEY, b INT DEFAULT ('x' || 'y'))"
	sql 'ALTER TABLE t RENAME COLUMN age TO years'
	refuses 23514 't_age_check' 'UPDATE t SET years = -1 WHERE id = 1'
	refuses 23514 'violates check constraint "small"' 'ALTER TABLE t ADD CONSTRAINT small CHECK (b < 10)'
	sql 'ALTER TABLE t ADD CONSTRAINT large CHECK (b > 10), DROP CONSTRAINT ordered, ADD UNIQUE (years, id)'
	sql 'UPDATE t SET a = 50 WHERE id = 1'
	refuses 23514 'large' 'UPDATE t SET b = 1 WHERE id = 1'
	refuses 42704 'constraint "ordered" of relation "t" does not exist' 'ALTER TABLE t DROP CONSTRAINT ordered'
	sql 'ALTER TABLE t DROP COLUMN years; INSERT INTO t (id) VALUES (7)'
	round_trip
	start_mount db mnt
	run bash -c "set -o pipefail; echo '{\"id\":8,\"b\":3}' | tee mnt/tables/t/rows/8.json >/dev/null"
	[ "$status" -ne 0 ]
	says 'Operation not permitted'
	grep -q '"sqlstate":"23514".*large' mnt/.driftfs/errors || { cat mnt/.driftfs/errors; false; }
	echo '{"id":9,"a":1}' >mnt/tables/t/rows/9.json
	same "$(jq -c '[.id, .a, .b, (.at | length > 10)]' mnt/tables/t/rows/9.json)" '[9,1,42,true]'
}

@test "a view shows its query, of its moment, and keeps what it reads from going" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT, n INT); CREATE TABLE u (id INT PRIMARY KEY)'
	sql "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20)"
	sql "CREATE VIEW v AS SELECT id, n * 2 AS twice FROM t WHERE n > 5; CREATE VIEW w (total) AS SELECT sum(twice) FROM v"
	same "$(sql 'SELECT * FROM v WHERE id = 2')" '{"id":2,"twice":40}'
	sql "INSERT INTO t VALUES (3, 'z', 30)"
	same "$(sql 'SELECT total FROM w')" '{"total":120}'
	same "$(sql 'SELECT total FROM w AS OF @SEQ:2')" '{"total":60}'
	same "$(sql 'SELECT (SELECT total FROM w) AS now, old.total AS old FROM w FOR SYSTEM_TIME AS OF @SEQ:1 old')" '{"now":120,"old":20}'
	same "$(sql 'WITH v AS (SELECT 7 AS seven) SELECT * FROM v')" '{"seven":7}'
	sql 'CREATE OR REPLACE VIEW v AS SELECT id, n * 3 AS twice FROM t; INSERT INTO u VALUES (1)'
	same "$(sql 'SELECT total FROM w')" '{"total":180}'
	same "$(sql 'SELECT total FROM w AS OF @SEQ:3')" '{"total":120}'
	same "$(sql 'SHOW TABLES')" '{"name":"t"}
{"name":"u"}'
	refuses 42P01 'nope' 'CREATE VIEW x AS SELECT * FROM nope'
	refuses 42703 'nope' 'CREATE VIEW x AS SELECT nope FROM t'
	refuses 42601 'column names' 'CREATE VIEW x (a, b, c) AS SELECT id FROM t'
	refuses 42P07 'relation "t" already exists' 'CREATE VIEW t AS SELECT 1'
	refuses 42P07 'relation "v" already exists' 'CREATE TABLE v (pk=id)'
	refuses 42P16 'reads itself' 'CREATE OR REPLACE VIEW v AS SELECT * FROM v'
	refuses 2BP01 'cannot drop table t because other objects depend on it: view v depends on it' 'DROP TABLE t'
	refuses 2BP01 'view w depends on it' 'DROP VIEW v'
	refuses 2BP01 'cannot rename table t' 'ALTER TABLE t RENAME TO t2'
	refuses '.....' 'v' 'INSERT INTO v VALUES (1, 2)'
	refuses 42P01 'table "v" does not exist' 'DROP TABLE v'
	round_trip
	sql 'DROP TABLE t CASCADE; DROP VIEW IF EXISTS v'
	refuses 42P01 'w' 'SELECT * FROM w'
	same "$(sql 'SELECT total FROM w FOR SYSTEM_TIME AS OF @SEQ:3')" '{"total":120}'
	start_mount db mnt
	same "$(ls mnt/tables)" u
	same "$(ls mnt/@seq/2/tables)" "t
u"
	stop_mount
	rm -r loaded
	round_trip
}

@test "a view over a range of time shows the versions of the tables under it" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, n INT); CREATE TABLE u (id INT PRIMARY KEY)'
	sql "INSERT INTO t VALUES (1, 10), (2, 20)"
	sql "CREATE VIEW v AS SELECT id, n * 2 AS twice, _op AS op FROM t WHERE n > 5; CREATE VIEW w AS SELECT id, twice + 1 AS more FROM v;
		CREATE VIEW sums AS SELECT sum(n) AS total FROM t; CREATE VIEW fixed AS SELECT id, n FROM t AS OF @SEQ:2;
		CREATE VIEW two AS SELECT t.id, u.id AS other FROM t JOIN u ON u.id = t.id; CREATE VIEW old AS SELECT t.id, o.n FROM t JOIN t FOR SYSTEM_TIME AS OF @SEQ:2 o ON o.id = t.id"
	sql 'UPDATE t SET n = 30 WHERE id = 1'
	sql 'UPDATE t SET n = 1 WHERE id = 2'
	sql 'DELETE FROM t WHERE id = 1'
	same "$(sql 'SELECT * FROM v ORDER BY id')" ''
	same "$(sql 'SELECT id, twice, op FROM v FOR SYSTEM_TIME ALL ORDER BY id, twice')" \
'{"id":1,"twice":20,"op":"insert"}
{"id":1,"twice":60,"op":"update"}
{"id":2,"twice":40,"op":"insert"}'
	same "$(sql 'SELECT more FROM w FOR SYSTEM_TIME ALL x WHERE x.id = 1 ORDER BY more')" $'{"more":21}\n{"more":61}'
	same "$(sql 'SELECT twice FROM v FOR SYSTEM_TIME BETWEEN @SEQ:1 AND @SEQ:2 ORDER BY 1')" $'{"twice":20}\n{"twice":40}'
	same "$(sql 'SELECT twice FROM v FOR SYSTEM_TIME FROM 3 TO 4 ORDER BY 1')" $'{"twice":40}\n{"twice":60}'
	same "$(sql 'SELECT twice FROM v FOR SYSTEM_TIME CONTAINED IN (1, 3)')" '{"twice":20}'
	same "$(sql 'SELECT a.twice AS a, b.twice AS b FROM v FOR SYSTEM_TIME AS OF @SEQ:2 a JOIN v FOR SYSTEM_TIME ALL b ON a.id = b.id ORDER BY 1, 2')" \
'{"a":20,"b":20}
{"a":20,"b":60}
{"a":40,"b":40}'
	# Each form is the same as over the table itself.
	same "$(sql 'SELECT total FROM sums FOR SYSTEM_TIME ALL')" "$(sql 'SELECT sum(n) AS total FROM t FOR SYSTEM_TIME ALL')"
	same "$(sql 'SELECT n FROM fixed FOR SYSTEM_TIME ALL ORDER BY n')" $'{"n":10}\n{"n":20}'
	same "$(sql 'SELECT count(*) AS c FROM old FOR SYSTEM_TIME ALL')" '{"c":4}'
	# Of several tables under it each shows its versions.
	sql 'INSERT INTO u VALUES (1)'
	same "$(sql 'SELECT * FROM two FOR SYSTEM_TIME ALL')" $'{"id":1,"other":1}\n{"id":1,"other":1}'
	same "$(sql 'SELECT * FROM two FOR SYSTEM_TIME CONTAINED IN (1, 3)')" ''
}

@test "ALTER COLUMN takes what the rows keep, and the past keeps what it had" {
	sql "CREATE TABLE c (id INT PRIMARY KEY, n INT, s TEXT, m INT DEFAULT 1); INSERT INTO c VALUES (1, 1, 'ab', 1), (2, 2, NULL, NULL)"
	sql "ALTER TABLE c ALTER COLUMN n SET DATA TYPE REAL, ALTER m SET DEFAULT 5, ALTER s TYPE VARCHAR(2); ALTER TABLE c ALTER n SET NOT NULL"
	same "$(sql 'INSERT INTO c (id, n) VALUES (3, 2.5) RETURNING *; ALTER TABLE c ALTER m DROP DEFAULT; INSERT INTO c (id, n) VALUES (4, 4) RETURNING m;
		SHOW CREATE TABLE c')" \
'{"id":3,"n":2.5,"s":null,"m":5}
{"m":null}
{"sql":"CREATE TABLE c (id INT PRIMARY KEY, n REAL NOT NULL, s VARCHAR(2), m INT)"}'
	refuses 23502 'column "m" of relation "c" contains null values' 'ALTER TABLE c ALTER m SET NOT NULL'
	refuses 23502 'null value in column "n"' 'INSERT INTO c (id) VALUES (9)'
	refuses 22P02 '2.5' 'ALTER TABLE c ALTER n TYPE INT'
	refuses 22001 'too long for type' 'ALTER TABLE c ALTER s TYPE VARCHAR(1)'
	refuses 22001 'too long for type' "INSERT INTO c (id, n, s) VALUES (9, 1, 'abc')"
	refuses 42P16 'column "id" is in a primary key' 'ALTER TABLE c ALTER id DROP NOT NULL'
	refuses 42703 'column "nope" of relation "c" does not exist' 'ALTER TABLE c ALTER nope DROP DEFAULT'
	refuses 42601 'syntax error at or near "UP"' 'ALTER TABLE c ALTER n UP'
	sql 'ALTER TABLE c ALTER n DROP NOT NULL; INSERT INTO c (id) VALUES (9)'
	driftdb dump -d db --events >events
	driftdb init copy
	driftdb load -d copy events
	driftdb dump -d copy --events | cmp - events
}

@test "a column that a view mentions is not dropped nor renamed under it" {
	sql 'CREATE TABLE w (id INT PRIMARY KEY, a INT, b INT, c INT); CREATE VIEW va AS SELECT id, a FROM w; CREATE VIEW vva AS SELECT a FROM va; CREATE VIEW vs AS SELECT * FROM w'
	refuses 2BP01 'cannot drop column a of table w because other objects depend on it: view va depends on it' 'ALTER TABLE w DROP COLUMN a'
	refuses 2BP01 'cannot rename column a of table w because other objects depend on it: view va' 'ALTER TABLE w RENAME a TO z'
	sql 'ALTER TABLE w DROP COLUMN b; ALTER TABLE w RENAME c TO d; INSERT INTO w VALUES (1, 2, 3)'
	same "$(sql 'SELECT * FROM va; SELECT * FROM vva; SELECT * FROM vs')" '{"id":1,"a":2}
{"a":2}
{"id":1,"a":2,"d":3}'
	sql 'ALTER TABLE w DROP COLUMN a CASCADE'
	refuses 42P01 '"vva"' 'SELECT * FROM vva'
	refuses 42P01 '"va"' 'SELECT * FROM va'
	same "$(sql 'SELECT * FROM vs')" '{"id":1,"d":3}'
}
