#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# DECLARE, FETCH, MOVE and CLOSE.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	sql "CREATE TABLE t (id INT PRIMARY KEY, ok BOOLEAN, j JSON); INSERT INTO t SELECT g, g % 2 = 0, json_build_array(g) FROM generate_series(1, 5) g"
}

@test "a cursor gives its rows in pieces, as they were when it was declared" {
	same "$(sql 'BEGIN; DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT id, ok, j FROM t ORDER BY id DESC; FETCH c; DELETE FROM t WHERE id < 5
		; FETCH FORWARD 2 FROM c; FETCH ALL IN c; FETCH NEXT FROM C; SELECT count(*) AS n FROM t; COMMIT')" \
		'{"id":5,"ok":false,"j":[5]}
{"id":4,"ok":true,"j":[4]}
{"id":3,"ok":false,"j":[3]}
{"id":2,"ok":true,"j":[2]}
{"id":1,"ok":false,"j":[1]}
{"n":1}'
	same "$(sql 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM t AS OF @SEQ:3; DECLARE d INSENSITIVE CURSOR FOR VALUES (7), (8); MOVE 2 IN c; FETCH ALL c; FETCH d; FETCH d; FETCH d')" \
		'{"id":3}
{"column1":7}
{"column1":8}'
	same "$(driftdb sql -d db -e 'BEGIN; DECLARE c CURSOR FOR SELECT 1; MOVE ALL FROM c; CLOSE c; COMMIT' | sed -n '2,4p')" "Cursor 'c' declared
Moved by 1 row(s)
Cursor 'c' closed"
}

@test "a cursor ends with its transaction, its savepoint, and CLOSE" {
	refuses 25P01 'DECLARE CURSOR can only be used in transaction blocks' 'DECLARE c CURSOR FOR SELECT 1'
	refuses 34000 'cursor "c" does not exist' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; COMMIT; FETCH c'
	refuses 34000 'cursor "c" does not exist' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; CLOSE c; FETCH c'
	refuses 34000 'cursor "b" does not exist' 'BEGIN; DECLARE a CURSOR FOR SELECT 1; DECLARE b CURSOR FOR SELECT 1; CLOSE ALL; FETCH b'
	refuses 34000 'cursor "b" does not exist' 'BEGIN; DECLARE a CURSOR FOR SELECT 1 AS a; SAVEPOINT s; DECLARE b CURSOR FOR SELECT 1; ROLLBACK TO s; FETCH a; FETCH b'
	says '^\{"a":1\}$'
	refuses 42P03 'cursor "C" already exists' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE C CURSOR FOR SELECT 1'
}

@test "a cursor WITH HOLD outlives its transaction, if that is committed" {
	same "$(sql 'DECLARE h CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id; DELETE FROM t; FETCH h; BEGIN; DECLARE g CURSOR FOR SELECT 8 AS n
		; DECLARE i CURSOR WITH HOLD FOR SELECT 9 AS n; FETCH g; COMMIT; FETCH i; FETCH 2 FROM h; CLOSE h; DECLARE h CURSOR WITH HOLD FOR SELECT 1 AS n; FETCH h')" \
		'{"id":1}
{"n":8}
{"n":9}
{"id":2}
{"id":3}
{"n":1}'
	refuses 34000 'cursor "g"' 'BEGIN; DECLARE g CURSOR FOR SELECT 1; DECLARE h CURSOR WITH HOLD FOR SELECT 1; COMMIT; FETCH g'
	refuses 34000 'cursor "h"' 'BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT 1; ROLLBACK; FETCH h'
	refuses 34000 'cursor "h"' 'BEGIN; SAVEPOINT s; DECLARE h CURSOR WITH HOLD FOR SELECT 1; ROLLBACK TO s; COMMIT; FETCH h'
	refuses 34000 'cursor "h"' 'DECLARE h CURSOR WITH HOLD FOR SELECT 1; CLOSE ALL; FETCH h'
	refuses 34000 'cursor "h"' 'DECLARE h CURSOR WITH HOLD FOR SELECT 1; DISCARD ALL; FETCH h'
}

@test "what a cursor cannot do is refused where it stands" {
	refuses 0A000 'a SCROLL cursor' 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT 1'
	refuses 0A000 'a BINARY cursor' 'BEGIN; DECLARE c BINARY CURSOR FOR SELECT 1'
	refuses 0A000 'fetching but forward' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH PRIOR FROM c'
	refuses 0A000 'fetching but forward' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH -1 FROM c'
	refuses 0A000 'FETCH of no rows' 'BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH 0 FROM c'
	refuses 42601 'near "DELETE"' 'BEGIN; DECLARE c CURSOR FOR DELETE FROM t'
	refuses 42703 'column "nope" does not exist' 'BEGIN;
DECLARE c CURSOR FOR SELECT nope FROM t'
	says '^                            \^$'
}
