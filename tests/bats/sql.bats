#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# DriftQL as people type it: one database, driftdb sql, what comes back.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
}

events()
{
	sql 'CREATE TABLE events (pk=id, INDEX(type, status))'
	sql 'INSERT INTO events {"id": "evt1", "type": "order", "status": "pending"}'
	sql 'INSERT INTO events {"id": "evt2", "type": "user", "n": 1.0, "tags": ["a", {"x": null}]},
		{"id": 3, "type": "order", "n": 9007199254740993, "ok": true}'
}

@test "documents come back as they went in" {
	events
	same "$(sql "SELECT doc FROM events WHERE id = 'evt2'")" \
		'{"doc":{"id":"evt2","type":"user","n":1.0,"tags":["a",{"x":null}]}}'
	same "$(sql 'SELECT * FROM events WHERE id = 3')" \
		'{"id":3,"type":"order","status":null,"n":9007199254740993,"tags":null,"ok":true}'
	same "$(sql 'SELECT id FROM events WHERE id = "3"')" '{"id":3}'
	same "$(sql "SELECT tags->1->>'x' AS x, tags->>0 AS a FROM events WHERE type = 'user'")" \
		'{"x":null,"a":"a"}'
	same "$(sql "SELECT doc->'n' AS n, doc->'type' AS t, doc->>'type' AS u FROM events WHERE id = 'evt2'")" \
		'{"n":1.0,"t":"user","u":"user"}'
}

@test "a double-quoted word is a string where no column is called so" {
	events
	same "$(sql 'SELECT id FROM events WHERE type="order" AND status="pending"')" '{"id":"evt1"}'
	same "$(sql 'SELECT "type" FROM events WHERE id="evt2"')" '{"type":"user"}'
}

@test "EXPLAIN names the view, the index that is used, and the rows it expects" {
	events
	same "$(sql 'EXPLAIN SELECT * FROM events WHERE type="order"')" \
		"$(printf '{"QUERY PLAN":"%s"}\n' 'View @seq:3' \
			'SEARCH events USING INDEX type (type=?) (rows=1)')"
	same "$(sql 'EXPLAIN SELECT * FROM events WHERE id="evt1"' | tail -n 1)" \
		'{"QUERY PLAN":"SEARCH events USING PRIMARY KEY (id=?) (rows=1)"}'
	same "$(sql 'EXPLAIN SELECT * FROM events WHERE n = 1' | tail -n 1)" \
		'{"QUERY PLAN":"SCAN events (rows=4)"}'
	same "$(sql 'EXPLAIN SELECT * FROM events WHERE type="order" AS OF @seq:1')" \
		"$(printf '{"QUERY PLAN":"%s"}\n' 'View @seq:1' \
			'SEARCH events USING INDEX type (type=?) (rows=1)')"
}

@test "the past is queried by seq, by time, and joined with the present" {
	events
	sql 'UPDATE events SET status = "paid" WHERE id = "evt1"'
	sql 'DELETE FROM events WHERE id = "evt2"'
	same "$(sql 'SELECT status FROM events WHERE type="order" AS OF "@seq:1"')" '{"status":"pending"}'
	same "$(sql 'SELECT count(*) AS n FROM events AS OF @SEQ:3')" '{"n":3}'
	same "$(sql 'SELECT count(*) AS n FROM events ORDER BY 1 LIMIT 1 AS OF 3')" '{"n":3}'
	same "$(sql 'SELECT count(*) AS n FROM events AS OF 3 LIMIT 1')" '{"n":3}'
	same "$(sql 'SELECT now.status AS now, old.status AS old FROM events AS now
		JOIN events FOR SYSTEM_TIME AS OF @SEQ:1 AS old ON old.id = now.id')" \
		'{"now":"paid","old":"pending"}'
	time=$(sql 'SELECT row_start FROM events FOR SYSTEM_TIME AS OF 1' | jq -r .row_start)
	same "$(sql "SELECT id FROM events FOR SYSTEM_TIME AS OF '$time'")" '{"id":"evt1"}'
	same "$(sql "SELECT id FROM events FOR SYSTEM_TIME AS OF '2001-01-01'")" ''
	same "$(sql "SELECT count(*) AS n FROM events FOR SYSTEM_TIME AS OF @SEQ:999")" '{"n":2}'
	same "$(sql "SELECT count(*) AS n FROM events FOR SYSTEM_TIME AS OF '2199-01-01' e")" '{"n":2}'
	same "$(sql 'SELECT (SELECT count(*) FROM events AS OF 1) AS a, count(*) AS b FROM events')" \
		'{"a":1,"b":2}'
	same "$(sql 'WITH old AS (SELECT * FROM events) SELECT count(*) AS n FROM old AS OF 1')" '{"n":1}'
	refuses 22007 garbage "SELECT * FROM events FOR SYSTEM_TIME AS OF 'garbage'"
}

@test "ranges of time give versions" {
	events
	sql 'UPDATE events SET status = "paid" WHERE id = "evt1"'
	sql 'DELETE FROM events WHERE id = "evt2"'
	same "$(sql 'SELECT id, _seq, _seq_end, _op FROM events FOR SYSTEM_TIME ALL ORDER BY _seq')" \
'{"id":"evt1","_seq":1,"_seq_end":4,"_op":"insert"}
{"id":"evt2","_seq":2,"_seq_end":5,"_op":"insert"}
{"id":3,"_seq":3,"_seq_end":null,"_op":"insert"}
{"id":"evt1","_seq":4,"_seq_end":null,"_op":"update"}'
	same "$(sql 'SELECT _seq FROM events FOR SYSTEM_TIME BETWEEN @SEQ:1 AND 3 WHERE id="evt1"')" '{"_seq":1}'
	same "$(sql 'SELECT _seq FROM events FOR SYSTEM_TIME FROM 2 TO 4 WHERE id="evt1"')" '{"_seq":1}'
	same "$(sql 'SELECT _seq FROM events FOR SYSTEM_TIME CONTAINED IN (1, 4)')" '{"_seq":1}'
	same "$(sql 'SELECT count(*) AS n FROM events FOR ALL SYSTEM_TIME WHERE row_end IS NULL')" '{"n":2}'
	same "$(sql 'SHOW DRIFT events KEY "evt2"' | jq -c '[.sequence, .event_type, .payload.id]')" \
'[2,"insert","evt2"]
[5,"delete",null]'
}

@test "a table that is gone can be queried as of when it was there" {
	events
	sql 'DROP TABLE events'
	refuses 42P01 'relation "events" does not exist' 'SELECT * FROM events'
	same "$(sql 'SELECT count(*) AS n FROM events AS OF 3')" '{"n":3}'
	sql 'CREATE TABLE events (id INTEGER PRIMARY KEY, v TEXT)'
	sql "INSERT INTO events VALUES (1, 'new')"
	same "$(sql 'SELECT count(*) AS n FROM events FOR SYSTEM_TIME AS OF 3')" '{"n":3}'
	same "$(sql 'SELECT * FROM events')" '{"id":1,"v":"new"}'
}

@test "deleted rows come back whole from the past" {
	events
	before=$(sql 'SELECT doc FROM events ORDER BY id')
	sql 'DELETE FROM events WHERE id <> "evt1"'
	run driftdb sql -d db -e 'INSERT INTO events SELECT * FROM events FOR SYSTEM_TIME AS OF @SEQ:3
		WHERE id NOT IN (SELECT id FROM events)'
	same "$output" 'Inserted 2 row(s)'
	same "$(sql 'SELECT doc FROM events ORDER BY id')" "$before"
}

@test "what changed between two moments" {
	events
	sql 'UPDATE events SET status = "paid" WHERE id = "evt1"; DELETE FROM events WHERE id = "evt2"'
	sql 'INSERT INTO events {"id": "new"}'
	same "$(sql 'SHOW DIFF events BETWEEN 3 AND @now' | jq -c '[.key, .op, .before.status, .after.status]')" \
'["evt1","update","pending","paid"]
["evt2","delete",null,null]
["new","insert",null,null]'
	same "$(sql 'SHOW DIFF events BETWEEN 3 AND 3')" ''
	run driftdb sql -d db -e 'TRUNCATE TABLE events'
	same "$output" 'Deleted 3 row(s)'
	same "$(sql 'SELECT count(*) AS n FROM events; SELECT count(*) AS n FROM events AS OF 3')" '{"n":0}
{"n":3}'
}

@test "the log itself is a table" {
	events
	sql 'BEGIN; UPDATE events SET n = 0 WHERE id = "evt1"; DELETE FROM events WHERE id = 3; COMMIT WITH COMMENT "why"'
	same "$(sql 'SELECT seq, op, pk, row->>"n" AS n FROM drift_events WHERE seq >= 3')" \
'{"seq":3,"op":"insert","pk":3,"n":9007199254740993}
{"seq":4,"op":"update","pk":"evt1","n":0}
{"seq":5,"op":"delete","pk":3,"n":null}'
	same "$(sql 'SELECT op, sql FROM drift_events LIMIT 1')" \
		'{"op":"ddl","sql":"CREATE TABLE events (pk=id, INDEX(type, status))"}'
	same "$(sql 'SELECT max(seq) AS s FROM drift_events AS OF 2')" '{"s":2}'
	same "$(sql 'SELECT first_seq, last_seq, events, comment FROM drift_transactions WHERE tx = 4')" \
		'{"first_seq":4,"last_seq":5,"events":2,"comment":"why"}'
	refuses 42501 '' 'DELETE FROM drift_events'
}

@test "an insert may leave rows alone that are there" {
	events
	run driftdb sql -d db -e "INSERT INTO events (id, v) VALUES ('evt1', 1), ('new', 2) ON CONFLICT (\"id\") DO NOTHING"
	same "$output" 'Inserted 1 row(s)'
	same "$(sql 'SELECT v FROM events WHERE id IN ("evt1", "new")')" '{"v":null}
{"v":2}'
}

@test "an update leaves what it does not assign as it was" {
	events
	sql 'UPDATE events SET status = "x"'
	same "$(sql 'SELECT doc FROM events WHERE id IN ("evt2", 3)')" \
'{"doc":{"id":3,"type":"order","n":9007199254740993,"ok":true,"status":"x"}}
{"doc":{"id":"evt2","type":"user","n":1.0,"tags":["a",{"x":null}],"status":"x"}}'
	sql "UPDATE events SET tags = json('[1]'), ok = FALSE WHERE status = 'x' AND id <> 'evt1'"
	same "$(sql 'SELECT tags, ok FROM events WHERE id = 3')" '{"tags":[1],"ok":false}'
	sql 'PATCH events KEY "evt2" SET {"n": null, "tags": {"deep": true}}'
	same "$(sql 'SELECT doc FROM events WHERE id = "evt2"')" \
		'{"doc":{"id":"evt2","type":"user","tags":{"deep":true},"status":"x","ok":false}}'
}

@test "declared tables check what they declare" {
	sql 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL,
		age INT DEFAULT 18, ok BOOLEAN, status VARCHAR(5) INDEX)'
	sql "INSERT INTO users (id, email, ok) VALUES (1, 'a', TRUE), (2, 'b', 0)"
	same "$(sql 'SELECT * FROM users')" \
'{"id":1,"email":"a","age":18,"ok":true,"status":null}
{"id":2,"email":"b","age":18,"ok":false,"status":null}'
	refuses 23505 'duplicate key value violates PRIMARY KEY "users": Key \(id\)=\(1\) already exists' \
		"INSERT INTO users (id, email) VALUES (1, 'c')"
	refuses 23505 'already exists' "INSERT INTO users (id, email) VALUES (3, 'a')"
	refuses 23502 'email' "INSERT INTO users (id) VALUES (3)"
	refuses 22P02 '"abc"' "INSERT INTO users (id, email, age) VALUES (3, 'c', 'abc')"
	refuses 22001 'too long' "INSERT INTO users (id, email, status) VALUES (3, 'c', 'abcdef')"
	refuses 42703 'column "nope" of relation "users" does not exist' \
		"INSERT INTO users (id, email, nope) VALUES (3, 'c', 1)"
	run driftdb sql -d db -e "INSERT OR IGNORE INTO users (id, email) VALUES (1, 'x'), (3, 'c')"
	same "$output" 'Inserted 1 row(s)'
	run driftdb sql -d db -e 'UPDATE users SET id = id + 10 WHERE id > 1; DELETE FROM users WHERE id > 12'
	same "$output" 'Updated 2 row(s)
Deleted 1 row(s)'
}

@test "a transaction is all or nothing, and sees its own writes" {
	events
	same "$(sql 'BEGIN; INSERT INTO events {"id": "t", "new": 1}; SELECT new FROM events WHERE id = "t"; ROLLBACK;
		SELECT count(*) AS n FROM events')" '{"new":1}
{"n":3}'
	sql 'BEGIN; DELETE FROM events; SAVEPOINT s; INSERT INTO events {"id": "a"}; ROLLBACK TO s;
		INSERT INTO events {"id": "b"}; COMMIT WITH COMMENT "tidy"'
	same "$(sql 'SELECT id, _comment FROM events')" '{"id":"b","_comment":"tidy"}'
	refuses 42703 nope 'BEGIN; INSERT INTO events {"id": "c"}; SELECT nope FROM events; COMMIT'
	same "$(sql 'SELECT count(*) AS n FROM events')" '{"n":1}'
}

@test "VACUUM makes the log small and keeps all of history" {
	local before

	sql 'CREATE TABLE n (pk=id); INSERT INTO n {"id": "a", "i": 0}'
	for i in $(seq 300); do
		echo "UPDATE n SET i = $i, text = 'the quick brown fox jumps over the lazy dog';"
	done | driftdb sql -d db --quiet
	before=$(sql 'SELECT i, _seq FROM n FOR SYSTEM_TIME ALL ORDER BY _seq')
	same "$(wc -l <<<"$before")" 301
	same "$(driftdb sql -d db -e 'VACUUM')" 'Database compacted'
	[ "$(cat db/log/* | wc -c)" -lt 15000 ]
	same "$(sql 'SELECT i, _seq FROM n FOR SYSTEM_TIME ALL ORDER BY _seq')" "$before"
	same "$(sql 'SELECT i FROM n FOR SYSTEM_TIME AS OF @SEQ:101')" '{"i":100}'
	same "$(driftdb sql -d db -e 'COMPACT n')" "Table 'n' compacted"
	driftdb verify -d db
	refuses 42P01 'relation "x" does not exist' 'COMPACT x'
	refuses 25001 'transaction block' 'BEGIN; VACUUM'
}

@test "SNAPSHOT and CHECKPOINT keep a table's rows as they are, and may be deleted" {
	sql 'CREATE TABLE n (pk=id); CREATE TABLE o (pk=id); INSERT INTO n {"id": "a"}; INSERT INTO o {"id": "b"}'
	same "$(driftdb sql -d db -e 'SNAPSHOT n')" "Snapshot created for table 'n'"
	same "$(find db/snapshots -name '*.snap' | wc -l)" 1
	same "$(driftdb sql -d db -e 'CHECKPOINT TABLE o')" "Snapshot created for table 'o'"
	sql 'UPDATE n SET v = 1'
	same "$(driftdb sql -d db -e 'CHECKPOINT')" 'Snapshots created'
	same "$(find db/snapshots -name '*.snap' | wc -l)" 3
	driftdb verify -d db
	refuses 42P01 'relation "x" does not exist' 'SNAPSHOT x'
	refuses 25001 'transaction block' 'BEGIN; CHECKPOINT'
	rm -r db/snapshots
	same "$(sql 'SELECT id FROM n FOR SYSTEM_TIME AS OF @SEQ:1')" '{"id":"a"}'
	driftdb verify -d db
}

@test "drift_changes tells what differs between two moments" {
	events
	same "$(sql "SELECT key, op FROM drift_changes('events', 3, 100)")" \
		"$(sql 'SHOW DIFF events BETWEEN 3 AND @now' | jq -c '{key, op}')"
	same "$(sql "SELECT count(*) AS n FROM drift_changes('events', 0, 3)")" '{"n":3}'
	refuses 42P01 'relation "x" does not exist' "SELECT * FROM drift_changes('x', 1, 2)"
	refuses 42883 'does not take that many arguments' 'SELECT * FROM drift_changes'
}

@test "mistakes are told in PostgreSQL's words, with their place" {
	events
	run driftdb sql -d db -e 'SELECT * FORM events'
	same "$output" 'ERROR 42601: syntax error at or near "FORM"
SELECT * FORM events
         ^'
	run driftdb sql -d db -e "SELECT * FROM events FOR SYSTEM_TIME AS OF @SEQ:1 e WHERE nope = 1"
	same "$output" 'ERROR 42703: column "nope" does not exist
SELECT * FROM events FOR SYSTEM_TIME AS OF @SEQ:1 e WHERE nope = 1
                                                          ^
HINT: Perhaps you meant "type".'
	refuses 42P01 'relation "x" does not exist' 'SELECT * FROM x'
	run driftdb sql -d db -e 'SELECT * FROM evnets'
	says '^HINT: Perhaps you meant "events"'
	run driftdb sql -d db -e 'SELECT e.staus FROM events e'
	says '^HINT: Perhaps you meant "status"'
	run driftdb sql -d db -e 'SELECT nothing_like_it FROM events'
	fails says HINT
	refuses 42883 'function f' 'SELECT f(1)'
	refuses 42601 'end of input' 'SELECT * FROM'
	refuses 22P02 '' 'INSERT INTO events {"id": tru}'
	refuses 22003 '9223372036854775808' "INSERT INTO events (id, n) VALUES ('big', 9223372036854775808)"
	refuses 0A000 'COPY' 'COPY events TO STDOUT'
}

@test "SQL reaches no file, no setting and no code" {
	events
	refuses 0A000 '' "ATTACH 'x' AS y"
	refuses 0A000 '' 'PRAGMA table_info(events)'
	refuses 0A000 '' "VACUUM INTO 'x'"
	refuses 42501 'load_extension' "SELECT load_extension('x')"
	refuses 42501 'fts3_tokenizer' "SELECT fts3_tokenizer('simple')"
	refuses 42501 'sqlite_master' 'SELECT * FROM sqlite_master'
	refuses 42501 '' "SELECT * FROM pragma_table_info('events')"
	refuses 0A000 '' 'CREATE TRIGGER x AFTER INSERT ON events BEGIN SELECT 1; END'
	refuses 54000 'too big' 'SELECT hex(zeroblob(900000000))'
	same "$(find . -type f -newer db/FORMAT ! -path './db/*')" ''
}

@test "a statement that never ends is ended" {
	refuses 57014 'timeout' "SET statement_timeout = '300ms';
		WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
}

@test "answers come as JSON, CSV, TSV and tables" {
	sql 'CREATE TABLE f (id TEXT PRIMARY KEY, n REAL, j JSON)'
	sql "INSERT INTO f VALUES ('a,b', 0.1, '[1]'), ('say \"x\"', NULL, NULL), ('', 1e300, '{}')" || :
	sql "INSERT INTO f VALUES ('a,b', 0.1, '[1]'), ('say \"x\"', NULL, NULL)"
	same "$(driftdb sql -d db --format csv -e 'SELECT * FROM f')" 'id,n,j
"a,b",0.1,[1]
"say ""x""",,'
	same "$(driftdb sql -d db --format tsv -e 'SELECT id, n FROM f')" $'id\tn\na,b\t0.1\nsay "x"\t\\N'
	same "$(driftdb sql -d db --format table -e 'SELECT id, n FROM f')" ' id      | n
---------+-----
 a,b     | 0.1
 say "x" | 
(2 rows)'
	same "$(driftdb sql -d db --format json -e 'SELECT j, n FROM f LIMIT 1')" '{"j":[1],"n":0.1}'
}

@test "names that clash with hidden columns or each other are shown, and doc has them" {
	sql 'CREATE TABLE odd (pk=id)'
	sql 'INSERT INTO odd {"id": 1, "Name": 1, "name": 2, "": 3, "doc": 4, "_key": 5, "row_start": 6, "a\"b": 7}'
	same "$(sql 'SELECT * FROM odd')" \
		'{"id":1,"Name":1,"name":2,"":3,"doc":4,"_key":5,"row_start":6,"a\"b":7}'
	same "$(sql "SELECT doc->>'name' AS n, doc->>'doc' AS d, \"a\"\"b\" AS q FROM odd")" '{"n":2,"d":4,"q":7}'
}
