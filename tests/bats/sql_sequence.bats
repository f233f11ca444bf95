#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sequences: what they count, and that no number is ever given twice.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
}

@test "SET c = DEFAULT is what an INSERT without c would give" {
	sql "CREATE TABLE t (id INT PRIMARY KEY, a INT DEFAULT 7, b TEXT DEFAULT ('x' || 'y'), c TEXT, s SERIAL, g INT GENERATED ALWAYS AS IDENTITY, n INT NOT NULL)"
	sql "INSERT INTO t (id, a, b, c, n) VALUES (1, 1, '1', '1', 1), (2, 2, '2', '2', 2)"
	same "$(sql 'UPDATE t SET a = DEFAULT, b = DEFAULT, c = DEFAULT, s = DEFAULT, g = DEFAULT RETURNING *')" \
		'{"id":1,"a":7,"b":"xy","c":null,"s":3,"g":3,"n":1}
{"id":2,"a":7,"b":"xy","c":null,"s":4,"g":4,"n":2}'
	same "$(sql "INSERT INTO t (id, a, n) VALUES (1, 9, 1) ON CONFLICT (id) DO UPDATE SET a = DEFAULT, n = 5 WHERE t.id = 1 RETURNING a, n")" '{"a":7,"n":5}'
	refuses 23502 'null value in column "n"' 'UPDATE t SET n = DEFAULT'
	refuses 428C9 'can only be updated to DEFAULT' 'UPDATE t SET g = 1'
	refuses 42601 'near "DEFAULT"' 'UPDATE t SET a = 1 WHERE a = DEFAULT'
	refuses 42601 'near "DEFAULT"' 'UPDATE t SET a = DEFAULT + 1'
	sql 'CREATE TABLE d (pk=id); INSERT INTO d {"id": 1, "x": 1}'
	same "$(sql 'UPDATE d SET x = DEFAULT RETURNING doc')" '{"doc":{"id":1,"x":null}}'
}

@test "a sequence counts as it is told, and says where it ends" {
	same "$(sql "CREATE SEQUENCE s; CREATE SEQUENCE d INCREMENT BY -2 MINVALUE -4; CREATE SEQUENCE c AS smallint MAXVALUE 2 START 2 CYCLE;
		SELECT nextval('s') AS a, nextval('S') AS b, nextval('public.s') AS c, nextval('s'::regclass) AS d;
		SELECT nextval('d') AS a, nextval('d') AS b;
		SELECT nextval('c') AS a, nextval('c') AS b, nextval('c') AS c;
		SELECT currval('s') AS s, lastval() AS l")" \
'{"a":1,"b":2,"c":3,"d":4}
{"a":-1,"b":-3}
{"a":2,"b":1,"c":2}
{"s":4,"l":2}'
	refuses 2200H 'reached minimum value of sequence "d" \(-4\)' "SELECT nextval('d')"
	refuses 55000 'currval of sequence "s" is not yet defined in this session' "SELECT currval('s')"
	refuses 22023 'START value \(5\) cannot be greater than MAXVALUE \(4\)' 'CREATE SEQUENCE x START 5 MAXVALUE 4'
	refuses 22023 'INCREMENT must not be zero' 'CREATE SEQUENCE x INCREMENT 0'
	refuses 42P07 'relation "s" already exists' 'CREATE SEQUENCE s'
	refuses 42P01 'sequence "x" does not exist' 'DROP SEQUENCE x'
}

@test "setval and ALTER SEQUENCE move it, at once for every session" {
	same "$(sql "CREATE SEQUENCE s; SELECT setval('s', 41) AS v; SELECT nextval('s') AS v;
		SELECT setval('s', 9, FALSE) AS v; SELECT nextval('s') AS v;
		ALTER SEQUENCE s RESTART; SELECT nextval('s') AS v;
		ALTER SEQUENCE s RESTART WITH 20 INCREMENT BY 5; SELECT nextval('s') AS v, nextval('s') AS w;
		BEGIN; ALTER SEQUENCE s RESTART WITH 7; ROLLBACK; SELECT nextval('s') AS v")" \
'{"v":41}
{"v":42}
{"v":9}
{"v":9}
{"v":1}
{"v":20,"w":25}
{"v":30}'
}

@test "SERIAL and IDENTITY number rows without gaps, and own their sequences" {
	same "$(sql "CREATE TABLE t (id SERIAL PRIMARY KEY, v TEXT);
		INSERT INTO t (v) VALUES ('a'), ('b'), ('c'), ('d'), ('e') RETURNING id;
		INSERT INTO t (v) VALUES ('f') RETURNING id; INSERT INTO t VALUES (DEFAULT, 'g') RETURNING *;
		INSERT INTO t DEFAULT VALUES RETURNING *; INSERT INTO t {\"v\": \"h\"} RETURNING id;
		SHOW CREATE TABLE t; SHOW TABLES; SHOW SEQUENCES; DROP TABLE t; SHOW SEQUENCES")" \
'{"id":1}
{"id":2}
{"id":3}
{"id":4}
{"id":5}
{"id":6}
{"id":7,"v":"g"}
{"id":8,"v":null}
{"id":9}
{"sql":"CREATE TABLE t (id SERIAL PRIMARY KEY, v TEXT)"}
{"name":"t"}
{"name":"t_id_seq"}'
	same "$(sql "CREATE TABLE i (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY, v TEXT);
		INSERT INTO i (v) VALUES ('a'), ('b') RETURNING id; UPDATE i SET v = 'c' RETURNING id;
		CREATE SEQUENCE j_id_seq; CREATE TABLE j (id SERIAL PRIMARY KEY); SHOW CREATE TABLE j; SHOW SEQUENCES")" \
'{"id":10}
{"id":15}
{"id":10}
{"id":15}
{"sql":"CREATE TABLE j (id SERIAL PRIMARY KEY DEFAULT (nextval('\''\"j_id_seq1\"'\'')))"}
{"name":"i_id_seq"}
{"name":"j_id_seq"}
{"name":"j_id_seq1"}'
	refuses 428C9 'cannot insert a non-DEFAULT value into column "id"' 'INSERT INTO i (id) VALUES (1)'
	refuses 428C9 'column "id" can only be updated to DEFAULT' 'UPDATE i SET id = 1'
	refuses 428C9 'column "id" can only be updated to DEFAULT' 'PATCH i KEY 10 SET {"id": 1}'
}

@test "a number taken is taken, also by what is rolled back" {
	same "$(sql "CREATE SEQUENCE s; CREATE TABLE t (id INT PRIMARY KEY DEFAULT nextval('s'), v INT UNIQUE);
		BEGIN; INSERT INTO t (v) VALUES (1), (2); ROLLBACK; INSERT INTO t (v) VALUES (1) RETURNING id;
		BEGIN; CREATE TABLE u (id SERIAL PRIMARY KEY, v INT); INSERT INTO u (v) VALUES (1), (2);
		SELECT nextval('u_id_seq') AS n; ROLLBACK; SHOW SEQUENCES;
		BEGIN; CREATE TABLE u (id SERIAL PRIMARY KEY, v INT); INSERT INTO u (v) VALUES (1), (2); COMMIT;
		INSERT INTO u (v) VALUES (3) RETURNING id")" \
'{"id":3}
{"n":3}
{"name":"s"}
{"id":3}'
}

@test "the past shows a sequence as it was, and does not advance it" {
	sql "CREATE SEQUENCE s; SELECT nextval('s'); SELECT nextval('s'); SELECT nextval('s'); TAG here; SELECT setval('s', 50)" >answers
	same "$(sql "SELECT last_value FROM s AS OF '@tag:here'; SELECT last_value FROM s")" '{"last_value":3}
{"last_value":50}'
	refuses 25006 'cannot execute nextval\(\) in a read-only transaction' "SELECT nextval('s') AS OF '@tag:here'"
	refuses 25006 'cannot execute nextval' "BEGIN READ ONLY; SELECT nextval('s')"
	refuses 25006 'cannot execute setval' "SET system_time_asof = 1; SELECT setval('s', 1)"
}

@test "a dump carries sequences as they are" {
	sql "CREATE SEQUENCE t_id_seq INCREMENT 3; CREATE TABLE t (id SERIAL PRIMARY KEY, v INT); INSERT INTO t (v) VALUES (1), (2), (3);
		SELECT nextval('t_id_seq'); CREATE TABLE gone (id SERIAL); DROP TABLE gone" >answers
	driftdb dump -d db --events >events
	driftdb init copy
	driftdb load -d copy events
	driftdb dump -d copy --events | cmp - events
	same "$(driftdb sql -d copy --quiet -e "INSERT INTO t (v) VALUES (4) RETURNING id; SELECT nextval('t_id_seq') AS n; SHOW SEQUENCES")" \
'{"id":4}
{"n":4}
{"name":"t_id_seq"}
{"name":"t_id_seq1"}'
}

# take FILE: numbers, one a line, until there is a file called stop
take()
{
	while [ ! -e stop ]; do
		timeout 60 driftdb sql -d db --quiet --format csv -e "SELECT nextval('s') AS n; INSERT INTO t DEFAULT VALUES RETURNING id AS n;
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 40) SELECT nextval('s') AS n FROM i" \
			>>"$1" 2>/dev/null || :
	done
}

# bats test_tags=concurrent
@test "four clients and a killed daemon never get the same number" {
	local round client pids

	need_fuse
	rm -r db
	new_mount
	sql 'CREATE SEQUENCE s; CREATE TABLE t (id INT PRIMARY KEY DEFAULT nextval($$s$$))'
	for round in 1 2 3; do
		pids=()
		for client in 1 2 3 4; do
			take "taken.$client" 3>&- &
			pids+=($!)
		done
		for client in 1 2 3 4; do
			eventually 30 has_lines "taken.$client" $((round * 60))
		done
		kill_mount
		touch stop
		wait "${pids[@]}"
		rm stop
		start_mount db mnt
	done
	cat taken.* | grep -E '^[0-9]+$' | sort -n >all
	[ "$(wc -l <all)" -gt 700 ]
	uniq -d <all >twice
	same "$(cat twice)" ''
	[ "$(sql "SELECT nextval('s') AS n" | tr -dc 0-9)" -gt "$(tail -n 1 all)" ]
}

has_lines()
{
	[ -e "$1" ] && [ "$(grep -cE '^[0-9]+$' "$1")" -ge "$2" ]
}

@test "a file's name is its row's key where a sequence would give one" {
	need_fuse
	rm -r db
	new_mount
	sql 'CREATE TABLE t (id SERIAL PRIMARY KEY, v INT DEFAULT (1 + 1));' \
		'CREATE TABLE u (id INT PRIMARY KEY, n SERIAL)'
	echo '{}' >mnt/tables/t/rows/9.json
	same "$(jq -c . mnt/tables/t/rows/9.json)" '{"id":9,"v":2}'
	# What has no name has to say.
	fails_with 1 bash -c "echo '{\"v\":3}' >mnt/tables/t/import.jsonl"
	fails_with 1 bash -c "echo '{}' >mnt/tables/u/rows/9.json"
	run tail -n 2 mnt/.driftfs/errors
	says 'line 1: column \\"id\\" of relation \\"t\\" takes its value from a sequence'
	says 'column \\"n\\" of relation \\"u\\" takes its value from a sequence'
	echo '{"n":5}' >mnt/tables/u/rows/9.json
	same "$(jq -c . mnt/tables/u/rows/9.json)" '{"id":9,"n":5}'
}
