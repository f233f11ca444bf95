#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which way into a table a query takes, and what EXPLAIN and ANALYZE say of it.
load lib

sql()
{
	driftdb sql -d db -e "$1"
}

# plan STATEMENT: its plan's lines.
plan()
{
	sql "EXPLAIN $1" | jq -r '."QUERY PLAN"'
}

setup()
{
	begin_test
	driftdb init db
	sql 'CREATE TABLE big (id INTEGER PRIMARY KEY, grp INTEGER, v INTEGER, INDEX (grp));
		CREATE TABLE small (id INTEGER PRIMARY KEY, ref INTEGER)'
	sql 'INSERT INTO big WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r
			WHERE i < 9999) SELECT i, i % 1000, i FROM r;
		INSERT INTO small WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r
			WHERE i < 99) SELECT i, i * 7 FROM r'
}

@test "a join begins with the small table, whichever is named first" {
	for join in 'big JOIN small ON big.id = small.ref' \
		'small JOIN big ON big.id = small.ref'; do
		run plan "SELECT count(*) FROM $join"
		same "${lines[1]}" 'SCAN small (rows=101)'
		same "${lines[2]}" 'SEARCH big USING PRIMARY KEY (id=?) (rows=1)'
	done
}

@test "ANALYZE tells how many rows a value has" {
	run plan 'SELECT * FROM big WHERE grp = 5'
	says 'USING INDEX grp \(grp=\?\) \(rows=250\)'
	same "$(sql 'ANALYZE big')" "Table 'big' analyzed"
	# It is kept in memory: ask in the same run. 10,000 rows, 1,000 values, a sketch.
	run sql 'ANALYZE; EXPLAIN SELECT * FROM big WHERE grp = 5'
	says 'Database analyzed'
	says 'USING INDEX grp \(grp=\?\) \(rows=(9|10|11)\)'
	run sql 'ANALYZE nope'
	says '42P01: relation "nope" does not exist'
}

@test "EXPLAIN ANALYZE runs the query and counts what went each way" {
	run plan 'ANALYZE SELECT sum(v) FROM big JOIN small ON big.id = small.ref
		WHERE small.id < 10'
	says 'SEARCH small USING PRIMARY KEY \(id<\?\) \(rows=[0-9]+\) \(actual rows=10 loops=1\)'
	says 'SEARCH big USING PRIMARY KEY \(id=\?\) \(rows=1\) \(actual rows=10 loops=10\)'
	says '^Rows: 1$'
	says '^Execution time: [0-9.]+ ms$'
	run plan 'ANALYZE DELETE FROM small'
	says '0A000'
	same "$(sql 'SELECT count(*) AS n FROM small')" '{"n":100}'
}

@test "the past is explained with its seq, and the snapshot it begins with" {
	sql 'CHECKPOINT'
	sql 'UPDATE big SET v = v + 1'
	sql 'UPDATE big SET v = v + 1'
	run plan 'SELECT sum(v) FROM big FOR SYSTEM_TIME AS OF @SEQ:10150'
	says '^View @seq:30100$'
	says 'SCAN big AS OF @seq:10150 FROM SNAPSHOT @seq:10100'
	run plan 'SELECT sum(v) FROM big AS OF 10150'
	says '^View @seq:10150$'
	run plan 'SELECT * FROM big FOR SYSTEM_TIME ALL'
	says 'SCAN big OVER ALL VERSIONS'
}

@test "an IN list is looked up key by key, in order and once each" {
	run plan 'SELECT id FROM big WHERE id IN (7, 3, 3, 99999, NULL)'
	says 'USING PRIMARY KEY \(id=\?\)'
	same "$(sql 'SELECT id FROM big WHERE id IN (7, 3, 3, 99999, NULL) ORDER BY id')" \
		"$(printf '{"id":%s}\n' 3 7)"
	same "$(sql "SELECT count(*) AS n FROM big WHERE grp IN (1, 2, '2')")" '{"n":20}'
}
