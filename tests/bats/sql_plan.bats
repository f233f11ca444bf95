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
	# Who opens the database later plans by it. 10,000 rows, 1,000 values, a sketch.
	run plan 'SELECT * FROM big WHERE grp = 5'
	says 'USING INDEX grp \(grp=\?\) \(rows=(9|10|11)\)'
	same "$(sql 'ANALYZE')" 'Database analyzed'
	run sql 'ANALYZE nope'
	says '42P01: relation "nope" does not exist'
}

@test "what analyze and optimize count is kept, and goes with the index" {
	same "$(driftdb analyze -d db -t big)" "Table 'big' analyzed"
	run plan 'SELECT * FROM big WHERE grp = 5'
	says '\(rows=(9|10|11)\)'
	run driftdb analyze -d db -t nope
	says 'relation "nope" does not exist'
	# The sketches are no part of the history: an index made anew has none.
	rm -r db/index
	run plan 'SELECT * FROM big WHERE grp = 5'
	says '\(rows=250\)'
	driftdb verify -d db
	sql "UPDATE big SET grp = id % 100"
	driftdb optimize -d db >/dev/null
	run plan 'SELECT * FROM big WHERE grp = 5'
	says '\(rows=(9[0-9]|10[0-9])\)'
	driftdb verify -d db
}

@test "what a daemon is told to count, it keeps" {
	need_fuse
	start_mount db mnt
	same "$(driftdb analyze -d db)" 'Database analyzed'
	run plan 'SELECT * FROM big WHERE grp = 5'
	says '\(rows=(9|10|11)\)'
	kill_mount
	start_mount db mnt
	run plan 'SELECT * FROM big WHERE grp = 5'
	says '\(rows=(9|10|11)\)'
	stop_mount
}

@test "EXPLAIN ANALYZE runs the query and counts what went each way" {
	run plan 'ANALYZE SELECT sum(v) FROM big JOIN small ON big.id = small.ref
		WHERE small.id < 10'
	says 'SEARCH small USING PRIMARY KEY \(id<\?\) \(rows=[0-9]+\) \(actual rows=10 loops=1\)'
	says 'SEARCH big USING PRIMARY KEY \(id=\?\) \(rows=1\) \(actual rows=10 loops=10\)'
	says '^Rows: 1$'
	says '^Execution time: [0-9.]+ ms$'
}

@test "EXPLAIN alone changes nothing; EXPLAIN ANALYZE of a statement that writes has written" {
	run plan 'DELETE FROM small WHERE id < 10'
	says 'SEARCH small USING PRIMARY KEY \(id<\?\)'
	same "$(sql 'SELECT count(*) AS n FROM small')" '{"n":100}'
	run plan 'ANALYZE DELETE FROM small WHERE id < 10 RETURNING id'
	says 'SEARCH small USING PRIMARY KEY \(id<\?\) \(rows=[0-9]+\) \(actual rows=10 loops=1\)'
	says '^Rows: 10$'
	run plan 'ANALYZE UPDATE big SET v = -1 WHERE grp = 7'
	says 'USING INDEX grp \(grp=\?\) \(rows=[0-9]+\) \(actual rows=10 loops=1\)'
	run plan "ANALYZE INSERT INTO small SELECT id + 1000, 1 FROM small
		UNION ALL SELECT 99, 2 ON CONFLICT (id) DO UPDATE SET ref = -5"
	says '^Rows: 91$'
	same "$(sql 'SELECT count(*) AS n, sum(ref = -5) AS met FROM small;
		SELECT count(*) AS n FROM big WHERE v = -1' | jq -c '[.[]]' | tr '\n' ' ')" '[180,1] [10] '
	run sql 'BEGIN; EXPLAIN ANALYZE DELETE FROM small; ROLLBACK; SELECT count(*) AS n FROM small'
	says '^\{"n":180\}$'
	run sql 'EXPLAIN ANALYZE INSERT INTO small VALUES (50, 1)'
	says '23505'
	run sql 'BEGIN READ ONLY; EXPLAIN ANALYZE DELETE FROM small'
	says '25006'
}

@test "rows are counted without a walk, now and then, but in a transaction that wrote" {
	run plan 'SELECT count(*) FROM big'
	same "${lines[1]}" 'SCAN big BY ROW COUNT (rows=1)'
	run plan 'SELECT count(*) AS n FROM big FOR SYSTEM_TIME AS OF @SEQ:5000 AS x'
	same "${lines[1]}" 'SCAN x BY ROW COUNT AS OF @seq:5000 (rows=1)'
	for other in 'WITH big AS (SELECT 1) SELECT count(*) FROM big' \
		'SELECT count(*) FROM big WHERE v > 5' 'SELECT count(*) FROM big, small' \
		'SELECT count(*) FROM big GROUP BY grp' 'SELECT count(*) FROM big FOR SYSTEM_TIME ALL'; do
		run plan "$other"
		fails says 'ROW COUNT'
	done
	same "$(driftdb sql -d db --quiet -e 'SELECT count(*) FROM big; SELECT count(*) FROM big AS OF 77;
		BEGIN; DELETE FROM big WHERE id < 10; SELECT count(*) AS own FROM big; COMMIT;
		SELECT count(*) FROM big FOR SYSTEM_TIME AS OF @SEQ:10105;
		SELECT count(*) FROM small AS OF 5000;
		CREATE VIEW counted AS SELECT count(*) AS n FROM big;
		SELECT n FROM counted; SELECT n FROM counted AS OF 10110' | jq -c '[.[]]' | tr -d '\n')" \
		'[10000][77][9990][9995][0][9990][9990]'
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

@test "what is asked for from the last key on is read backwards, as far as it is asked for" {
	sql 'CREATE TABLE seats (room INT, place TEXT, PRIMARY KEY (room, place));
		INSERT INTO seats SELECT id % 3, id FROM (SELECT id::text AS id FROM big)' >out || cat out
	run plan 'SELECT id FROM big ORDER BY id DESC LIMIT 3'
	same "${lines[1]}" 'SCAN big BACKWARDS (rows=3)'
	same "${#lines[@]}" 2
	same "$(sql 'SELECT id FROM big ORDER BY id DESC LIMIT 3 OFFSET 1' | tr '\n' ' ')" '{"id":9998} {"id":9997} {"id":9996} '
	same "$(sql 'SELECT id FROM big WHERE id < 500 ORDER BY id DESC LIMIT 2' | tr '\n' ' ')" '{"id":499} {"id":498} '
	same "$(sql 'SELECT max(id) AS n FROM big AS OF 5000')" '{"n":4999}'
	run plan 'SELECT max(id) FROM big'
	says 'SEARCH big BACKWARDS'
	# Parts of the key that are equal stand before the order.
	run plan 'SELECT place FROM seats WHERE room = 1 ORDER BY place DESC'
	says 'SEARCH seats USING PRIMARY KEY \(room=\?\) BACKWARDS'
	same "$(sql 'SELECT place FROM seats WHERE room = 1 ORDER BY place DESC LIMIT 1')" '{"place":"9997"}'
	run plan 'SELECT place FROM seats WHERE room = 1 ORDER BY place'
	same "${#lines[@]}" 2
	# Two directions, and what has no order, are sorted.
	run plan 'SELECT * FROM seats ORDER BY room DESC, place LIMIT 1'
	says 'USE TEMP B-TREE FOR ORDER BY'
	run plan 'SELECT id FROM big WHERE id IN (1, 2) ORDER BY id DESC'
	says 'USE TEMP B-TREE FOR ORDER BY'
	run plan 'SELECT id FROM big LIMIT 7 OFFSET 3'
	says 'SCAN big \(rows=10\)'
	run plan 'SELECT id FROM big ORDER BY v LIMIT 7'
	says 'SCAN big \(rows=10001\)'
}

@test "an IN list is looked up key by key, in order and once each" {
	run plan 'SELECT id FROM big WHERE id IN (7, 3, 3, 99999, NULL)'
	says 'USING PRIMARY KEY \(id=\?\)'
	same "$(sql 'SELECT id FROM big WHERE id IN (7, 3, 3, 99999, NULL) ORDER BY id')" \
		"$(printf '{"id":%s}\n' 3 7)"
	same "$(sql "SELECT count(*) AS n FROM big WHERE grp IN (1, 2, '2')")" '{"n":20}'
}

@test "of the log is read what is asked for: bounds on seq, tx and time" {
	driftdb init log
	driftdb sql -d log --quiet -e 'CREATE TABLE a (pk=id); CREATE TABLE b (pk=id)'
	for i in $(seq 40); do
		echo "INSERT INTO a {\"id\": $i}, {\"id\": \"x$i\"}; INSERT INTO b {\"id\": $i};"
		[ "$i" != 20 ] || echo 'CREATE TABLE c (pk=id); CREATE TABLE d (pk=id);'
	done >log.sql
	driftdb sql -d log --quiet -f log.sql
	all=$(driftdb sql -d log --quiet -e 'SELECT seq, tx, time, "table", op FROM drift_events' | tee all.jsonl | wc -l)
	# events_read CONDITION: how many events the log's reader was asked for
	events_read() {
		driftdb sql -d log --quiet --format tsv -e "EXPLAIN ANALYZE SELECT * FROM ${2:-drift_events} WHERE $1" |
			sed -n 's/.*drift_events.*actual rows=\([0-9]*\).*/\1/p'
	}
	# Every bound answers with what a filter of the whole log does.
	agrees() {
		same "$(driftdb sql -d log --quiet -e "SELECT seq, tx, time, \"table\", op FROM drift_events WHERE $1")" \
			"$(jq -c "select($2)" all.jsonl)"
	}
	[ "$(events_read 1=1)" -eq "$all" ]
	time=$(sed -n 60p all.jsonl | jq -r .time)
	last=$(jq -s 'map(.tx) | max' all.jsonl)
	for tx in 0 1 2 3 40 43 44 45 46 "$last" 99999; do
		for op in = '<' '>' '<=' '>='; do
			agrees "tx $op $tx" ".tx ${op/#=/==} $tx"
		done
		[ "$(events_read "tx = $tx")" -le 5 ]
		[ "$(events_read "tx = $tx" drift_transactions)" -le 5 ]
	done
	for op in = '<' '>' '<=' '>='; do
		agrees "time $op '$time'" ".time ${op/#=/==} \"$time\""
		agrees "time $op '2026'" ".time ${op/#=/==} \"2026\""
		agrees "time $op '${time:0:24}'" ".time ${op/#=/==} \"${time:0:24}\""
		agrees "time $op '${time%T*} 12:00'" ".time ${op/#=/==} \"${time%T*} 12:00\""
	done
	agrees "seq = 50" '.seq == 50'
	agrees "seq < 'x' AND seq > 100" '.seq and .seq > 100'
	agrees "\"table\" = 'b'" '.table == "b"'
	agrees "\"table\" = 'c' AND tx > 3" '.table == "c"'
	agrees "tx BETWEEN 40 AND 50 AND \"table\" = 'a' AND time > '2000-01-01'" '.tx >= 40 and .tx <= 50 and .table == "a"'
	[ "$(events_read 'seq = 50')" -le 3 ]
	[ "$(events_read "time = '$time'")" -le 5 ]
	[ "$(events_read "time = '$time'" drift_transactions)" -le 5 ]
	[ "$(events_read "time > '2190-01-01'")" -eq 0 ]
	[ "$(events_read "time < '2001-01-01'")" -le 3 ]
	[ "$(events_read "tx > $((last - 2))")" -le 6 ]
	run driftdb sql -d log --format tsv -e 'EXPLAIN SELECT * FROM drift_events WHERE tx = 3'
	says 'USING LOG .tx='
}

@test "drift_tx_status tells whether a transaction was committed" {
	driftdb init log
	driftdb sql -d log --quiet -e 'CREATE TABLE a (pk=id); INSERT INTO a {"id": 1}; CREATE TABLE b (pk=id);
		CREATE TABLE c (pk=id); INSERT INTO a {"id": 2}; CREATE TABLE d (pk=id)'
	txs=$(driftdb sql -d log --quiet -e 'SELECT DISTINCT tx FROM drift_events' | jq .tx)
	[ "$(wc -w <<<"$txs")" -eq 6 ]
	for tx in $txs; do
		same "$(driftdb sql -d log --quiet --format tsv -e "SELECT drift_tx_status($tx) AS s" | tail -1)" committed
	done
	same "$(driftdb sql -d log --quiet -e "SELECT drift_tx_status($((tx + 1))) AS a, drift_tx_status(0) AS b, drift_tx_status(-1) AS c, drift_tx_status(NULL) AS d")" \
		'{"a":"absent","b":"absent","c":"absent","d":null}'
	run driftdb sql -d log -e "SELECT drift_tx_status('x')"
	says 'takes a transaction'
}
