#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# REFERENCES and FOREIGN KEY, through driftdb sql and the mount, dumped and loaded.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
}

@test "a reference needs its row, and a row that is referenced stays" {
	sql 'CREATE TABLE teams (id TEXT PRIMARY KEY, n INT)'
	sql 'CREATE TABLE t (id INT PRIMARY KEY, team TEXT REFERENCES teams(id))'
	sql "INSERT INTO teams VALUES ('x', 1), ('y', 2); INSERT INTO t VALUES (1, 'x'), (2, NULL)"
	refuses 23503 't_team_fkey.*Key .team.=.z. is not present in table "teams"' "INSERT INTO t VALUES (3, 'z')"
	refuses 23503 'Key .team.=.. is not present' "UPDATE t SET team = '' WHERE id = 2"
	refuses 23503 'on table "t": Key .id.=.x. is still referenced from table "t"' "DELETE FROM teams WHERE id = 'x'"
	refuses 23503 'still referenced' "UPDATE teams SET id = 'w' WHERE id = 'x'"
	refuses 23503 'still referenced' 'TRUNCATE teams'
	# Either order, in one transaction.
	sql "BEGIN; INSERT INTO t VALUES (3, 'z'); INSERT INTO teams VALUES ('z', 3); COMMIT"
	sql "BEGIN; DELETE FROM teams WHERE id = 'z'; DELETE FROM t WHERE id = 3; COMMIT"
	same "$(sql 'SELECT * FROM t')" '{"id":1,"team":"x"}
{"id":2,"team":null}'
	same "$(sql 'SELECT count(*) n FROM teams')" '{"n":2}'
	sql "UPDATE t SET team = 'y' WHERE id = 1; DELETE FROM teams WHERE id = 'x'"
	same "$(sql "SELECT team FROM t FOR SYSTEM_TIME AS OF @SEQ:4 WHERE id = 1")" '{"team":"x"}'
	round_trip
}

@test "CASCADE and SET NULL become events of the transaction, and are loaded as they were" {
	sql 'CREATE TABLE a (id INT PRIMARY KEY)
; CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE)
; CREATE TABLE c (id INT PRIMARY KEY, b INT REFERENCES b ON DELETE CASCADE, a INT REFERENCES a ON DELETE SET NULL)'
	sql 'INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1, 1), (2, 2)'
	sql 'INSERT INTO c VALUES (1, 1, 2), (2, 2, 1), (3, NULL, 1), (4, 2, 2)'
	sql 'DELETE FROM a WHERE id = 1'
	same "$(sql 'SELECT * FROM b')" '{"id":2,"a":2}'
	same "$(sql 'SELECT * FROM c')" '{"id":2,"b":2,"a":null}
{"id":3,"b":null,"a":null}
{"id":4,"b":2,"a":2}'
	same "$(sql "SELECT count(DISTINCT tx) txs, count(*) n FROM drift_events WHERE seq > 8")" '{"txs":1,"n":5}'
	sql 'CREATE TABLE d (id INT PRIMARY KEY, a INT NOT NULL REFERENCES a ON DELETE SET NULL); INSERT INTO d VALUES (1, 2)'
	refuses 23502 'null value in column "a"' 'DELETE FROM a'
	sql 'DELETE FROM d; DELETE FROM a'
	same "$(sql 'SELECT * FROM c')" '{"id":3,"b":null,"a":null}'
	round_trip
}

@test "a key that changes takes along what refers to it, as ON UPDATE says" {
	sql 'CREATE TABLE p (id INT PRIMARY KEY, n TEXT)
; CREATE TABLE c (id INT PRIMARY KEY, p INT REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL)
; CREATE TABLE l (p INT REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE, n INT, PRIMARY KEY (p, n))
; CREATE TABLE g (id INT PRIMARY KEY, p INT, n INT, FOREIGN KEY (p, n) REFERENCES l ON UPDATE CASCADE)
; CREATE TABLE s (id INT PRIMARY KEY, p INT REFERENCES p ON UPDATE SET NULL ON DELETE CASCADE)
; CREATE TABLE r (id INT PRIMARY KEY, p INT REFERENCES p ON DELETE CASCADE)'
	sql "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (9, 'r'); INSERT INTO c VALUES (10, 1), (11, 2), (13, NULL)
; INSERT INTO l VALUES (1, 1), (1, 2), (2, 1); INSERT INTO g VALUES (5, 1, 2); INSERT INTO s VALUES (7, 1), (8, 2)
; INSERT INTO r VALUES (1, 9)"
	before=$(sql 'SELECT drift_head() AS h' | jq .h)
	sql 'UPDATE p SET id = id + 100 WHERE id = 1'
	same "$(sql 'TABLE c; TABLE l; TABLE g; TABLE s')" '{"id":10,"p":101}
{"id":11,"p":2}
{"id":13,"p":null}
{"p":2,"n":1}
{"p":101,"n":1}
{"p":101,"n":2}
{"id":5,"p":101,"n":2}
{"id":7,"p":null}
{"id":8,"p":2}'
	same "$(sql "SELECT count(DISTINCT tx) AS txs FROM drift_events WHERE seq > $before")" '{"txs":1}'
	# One after the other, what was written in between, and two that change places.
	sql 'BEGIN; UPDATE p SET id = 3 WHERE id = 2; INSERT INTO c VALUES (12, 3); UPDATE p SET id = 4 WHERE id = 3; COMMIT'
	same "$(sql 'SELECT * FROM c WHERE id IN (11, 12)')" '{"id":11,"p":4}
{"id":12,"p":4}'
	# ON DELETE is not about a row that only gets another key.
	refuses 23503 'update or delete on table "p".*r_p_fkey.*Key .id.=.9.' 'UPDATE p SET id = 10 WHERE id = 9'
	sql 'DELETE FROM p WHERE id = 4'
	same "$(sql 'SELECT * FROM c WHERE id > 10')" '{"id":11,"p":null}
{"id":12,"p":null}
{"id":13,"p":null}'
	# Moved and then deleted is deleted; deleted and inserted anew is no move.
	sql 'DELETE FROM g; BEGIN; UPDATE p SET id = 102 WHERE id = 101; DELETE FROM p WHERE id = 102; COMMIT'
	same "$(sql 'SELECT p FROM c WHERE id = 10; SELECT count(*) AS n FROM l')" '{"p":null}
{"n":0}'
	refuses 42P16 '' 'ALTER TABLE c ALTER id DROP NOT NULL'
	same "$(sql "SELECT update_rule || '/' || delete_rule AS r FROM information_schema.referential_constraints ORDER BY constraint_name")" '{"r":"CASCADE/SET NULL"}
{"r":"CASCADE/NO ACTION"}
{"r":"CASCADE/CASCADE"}
{"r":"NO ACTION/CASCADE"}
{"r":"SET NULL/CASCADE"}'
	same "$(sql 'SHOW CREATE TABLE c')" '{"sql":"CREATE TABLE c (id INT PRIMARY KEY, p INT, INDEX (p), CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL)"}'
	round_trip
}

@test "a key that goes from one row to another leaves nobody behind" {
	sql 'CREATE TABLE p (id INT PRIMARY KEY, n TEXT)
; CREATE TABLE c (id INT PRIMARY KEY, p INT REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL)
; CREATE TABLE k (id INT PRIMARY KEY, p INT REFERENCES p)'
	sql "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO k VALUES (1, 1), (2, 2)"
	# NO ACTION asks whether there is such a key.
	sql "BEGIN; UPDATE p SET id = id - 1; INSERT INTO p VALUES (3, 'd'); COMMIT; DELETE FROM p WHERE id = 3; DELETE FROM k"
	same "$(sql "SELECT json_group_array(id || n) AS p FROM p")" '{"p":["0a","1b","2c"]}'
	sql 'INSERT INTO c VALUES (1, 1), (2, 2), (3, 0), (4, NULL); UPDATE p SET id = id - 1'
	same "$(sql 'SELECT string_agg(id || n, $$ $$) AS p FROM p; SELECT string_agg(c.id || n, $$ $$ ORDER BY c.id) AS c FROM c JOIN p ON p.id = c.p')" '{"p":"-1a 0b 1c"}
{"c":"1b 2c 3a"}'
	# One statement after the other, and what was written in between.
	sql 'BEGIN; INSERT INTO c VALUES (5, 1); UPDATE p SET id = 9 WHERE id = 1; UPDATE p SET id = 1 WHERE id = 0; COMMIT'
	same "$(sql 'SELECT string_agg(c.id || n, $$ $$ ORDER BY c.id) AS c FROM c JOIN p ON p.id = c.p')" '{"c":"1b 2c 3a 5c"}'
	# The next statement sees it, and what it writes is written on top of it.
	same "$(sql 'BEGIN; UPDATE p SET id = 10 WHERE id = 9; SELECT p FROM c WHERE id = 5; UPDATE c SET id = 6 WHERE id = 5; COMMIT; SELECT * FROM c WHERE id > 4')" \
		'{"p":10}
{"id":6,"p":10}'
	# Deleted and then given to another.
	sql 'BEGIN; DELETE FROM p WHERE id = 10; UPDATE p SET id = 10 WHERE id = 1; COMMIT'
	same "$(sql 'SELECT json_group_array(id || $$:$$ || coalesce(p, $$-$$)) AS c FROM c')" '{"c":["1:10","2:-","3:-1","4:-","6:-"]}'
	# A savepoint takes back what was asked for with what asked for it.
	same "$(sql 'BEGIN; SAVEPOINT s; UPDATE p SET id = 11 WHERE id = 10; SELECT p FROM c WHERE id = 1; ROLLBACK TO s; SELECT p FROM c WHERE id = 1; COMMIT')" '{"p":11}
{"p":10}'
	# To nobody else, and back.
	sql 'BEGIN; UPDATE p SET id = 12 WHERE id = 10; UPDATE p SET id = 10 WHERE id = 12; COMMIT'
	same "$(sql 'SELECT p FROM c WHERE id = 1')" '{"p":10}'
	round_trip
}

@test "a row that refers to itself, and rows of one table that refer to each other" {
	sql 'CREATE TABLE t (id INT PRIMARY KEY, up INT REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE)'
	sql 'INSERT INTO t VALUES (1, 1), (2, 1), (3, 2); UPDATE t SET id = 9 WHERE id = 1'
	same "$(sql 'TABLE t')" '{"id":2,"up":9}
{"id":3,"up":2}
{"id":9,"up":9}'
	sql 'UPDATE t SET id = id + 100'
	same "$(sql 'TABLE t')" '{"id":102,"up":109}
{"id":103,"up":102}
{"id":109,"up":109}'
	# What the statement itself makes a row refer to is a row as it leaves them.
	sql 'UPDATE t SET id = 110, up = 110 WHERE id = 109'
	same "$(sql 'TABLE t')" '{"id":102,"up":110}
{"id":103,"up":102}
{"id":110,"up":110}'
	sql 'UPDATE t SET id = id - 1, up = 109 WHERE id = 110; UPDATE t SET id = 99, up = 109 WHERE id = 109'
	same "$(sql 'TABLE t')" '{"id":99,"up":99}
{"id":102,"up":99}
{"id":103,"up":102}'
	# What a statement makes a row refer to is a row as it leaves them.
	sql 'INSERT INTO t VALUES (98, NULL); UPDATE t SET id = id + 10 - id % 10 * 2, up = 98 WHERE id IN (98, 99)'
	same "$(sql 'SELECT * FROM t WHERE id < 100')" '{"id":91,"up":92}
{"id":92,"up":92}'
	sql 'UPDATE t SET up = NULL WHERE id > 110; DELETE FROM t'
	# A key that another row has then is that row, not the one that had it before.
	sql 'INSERT INTO t VALUES (10, NULL), (20, 10), (30, NULL); UPDATE t SET id = id - 10, up = CASE id WHEN 10 THEN 20 END'
	same "$(sql 'TABLE t')" '{"id":0,"up":20}
{"id":10,"up":null}
{"id":20,"up":null}'
	sql 'DELETE FROM t'
	same "$(sql 'TABLE t')" ''
	round_trip
}

@test "UNIQUE columns can be referred to" {
	sql 'CREATE TABLE p (id INT PRIMARY KEY, code TEXT UNIQUE, x INT, y REAL, n INT, UNIQUE (y, x))
; CREATE TABLE c (id INT PRIMARY KEY, code TEXT REFERENCES p(code) ON UPDATE CASCADE ON DELETE SET NULL)
; CREATE TABLE k (id INT PRIMARY KEY, a INT, b REAL, FOREIGN KEY (a, b) REFERENCES p (x, y))
; CREATE TABLE d (code TEXT PRIMARY KEY REFERENCES p(code) ON UPDATE CASCADE ON DELETE CASCADE)
; CREATE TABLE e (id INT PRIMARY KEY, d TEXT REFERENCES d ON UPDATE CASCADE ON DELETE CASCADE)'
	same "$(sql 'SHOW CREATE TABLE k')" '{"sql":"CREATE TABLE k (id INT PRIMARY KEY, a INT, b REAL, INDEX (b, a), CONSTRAINT k_a_b_fkey FOREIGN KEY (b, a) REFERENCES p(y, x))"}'
	sql "INSERT INTO p VALUES (1, 'one', 1, 1.5, 0), (2, 'two', 2, 2, 0), (3, NULL, NULL, 3, 0)
; INSERT INTO c VALUES (1, 'one'), (2, 'two'), (3, NULL); INSERT INTO k VALUES (1, 1, 1.5), (2, 2, 2.0), (3, 7, NULL); INSERT INTO d VALUES ('two'); INSERT INTO e VALUES (1, 'two')"
	refuses 23503 'Key .code.=.six. is not present in table "p"' "INSERT INTO c VALUES (4, 'six')"
	refuses 23503 'Key .b, a.=.1.5, 2. is not present in table "p"' 'INSERT INTO k VALUES (4, 2, 1.5)'
	refuses 23503 'k_a_b_fkey" on table "k": Key .y, x.=.1.5, 1. is still referenced from table "k"' 'UPDATE p SET x = 9 WHERE id = 1'
	refuses 23503 'still referenced from table "k"' 'DELETE FROM p WHERE id = 1'
	refuses 23503 'still referenced' 'UPDATE p SET y = NULL WHERE id = 1'
	# What nobody refers to by may change, and be given from one row to another.
	sql "UPDATE p SET n = 1, id = id + 10; DELETE FROM p WHERE id = 13"
	sql "BEGIN; UPDATE p SET x = NULL WHERE id = 11; UPDATE p SET x = 1, y = 1.5 WHERE id = 12; UPDATE k SET a = 1, b = 1.5 WHERE id = 2; COMMIT"
	sql "UPDATE p SET code = code || '!'"
	same "$(sql 'TABLE c; TABLE d; TABLE e')" '{"id":1,"code":"one!"}
{"id":2,"code":"two!"}
{"id":3,"code":null}
{"code":"two!"}
{"id":1,"d":"two!"}'
	# Both ways round in one statement.
	sql "UPDATE p SET code = CASE code WHEN 'one!' THEN 'two!' ELSE 'one!' END"
	same "$(sql "SELECT c.id, p.id AS p FROM c JOIN p USING (code); TABLE e")" '{"id":1,"p":11}
{"id":2,"p":12}
{"id":1,"d":"one!"}'
	sql "DELETE FROM k; DELETE FROM p WHERE id = 12"
	same "$(sql 'TABLE c; TABLE d; TABLE e')" '{"id":1,"code":"two!"}
{"id":2,"code":null}
{"id":3,"code":null}'
	sql "UPDATE p SET code = NULL"
	same "$(sql 'SELECT count(code) AS n FROM c')" '{"n":0}'
	refuses 2BP01 'cannot drop index .*constraint ._code_fkey on table . depends' 'DROP INDEX code ON p'
	refuses 2BP01 'constraint ._code_fkey on table . depends' 'ALTER TABLE p DROP COLUMN code'
	refuses 42830 'incompatible types' 'ALTER TABLE p ALTER code TYPE JSON'
	sql "ALTER TABLE p RENAME code TO tag"
	refuses 23503 'Key .code.=.six. is not present' "INSERT INTO c VALUES (4, 'six')"
	same "$(sql "SELECT pg_get_constraintdef(oid) AS def, confkey, conindid::regclass AS i FROM pg_constraint WHERE conname IN ('c_code_fkey', 'k_a_b_fkey') ORDER BY 1")" \
'{"def":"FOREIGN KEY (b, a) REFERENCES p(y, x)","confkey":[4,3],"i":"y_x"}
{"def":"FOREIGN KEY (code) REFERENCES p(tag) ON UPDATE CASCADE ON DELETE SET NULL","confkey":[2],"i":"code"}'
	same "$(sql "SELECT string_agg(unique_constraint_name, ' ' ORDER BY constraint_name) AS n FROM information_schema.referential_constraints")" '{"n":"code code d_pkey y_x"}'
	round_trip
}

@test "a table refers to UNIQUE columns of its own, and long values are told apart" {
	long=$(printf 'x%.0s' {1..250})
	sql 'CREATE TABLE t (id INT PRIMARY KEY, up TEXT REFERENCES t (name) ON UPDATE CASCADE, name TEXT UNIQUE)'
	sql "INSERT INTO t VALUES (1, '${long}a', '${long}a'), (2, '${long}a', '${long}b')"
	refuses 23503 'is not present' "INSERT INTO t VALUES (3, '${long}c', 'c')"
	sql "UPDATE t SET name = 'short' WHERE id = 1"
	same "$(sql 'SELECT id, up FROM t')" '{"id":1,"up":"short"}
{"id":2,"up":"short"}'
	sql 'CREATE TABLE u (id INT PRIMARY KEY, t TEXT); ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES t (name)'
	sql "ALTER TABLE u DROP CONSTRAINT f; INSERT INTO u VALUES (1, 'none')"
	refuses 23503 'Key .t.=.none. is not present in table "t"' 'ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES t (name)'
	sql "UPDATE u SET t = 'short'; ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES t (name) ON DELETE CASCADE"
	sql 'BEGIN; DELETE FROM t; SELECT * FROM u; COMMIT'
	same "$(sql 'TABLE u')" ''
	round_trip
}

@test "a file that is renamed takes along what refers to it" {
	sql 'CREATE TABLE teams (id TEXT PRIMARY KEY); CREATE TABLE t (id INT PRIMARY KEY, team TEXT REFERENCES teams ON UPDATE CASCADE ON DELETE CASCADE)
; CREATE TABLE u (id INT PRIMARY KEY, team TEXT REFERENCES teams ON DELETE CASCADE)'
	sql "INSERT INTO teams VALUES ('x'), ('y'); INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1, 'y')"
	need_fuse
	start_mount db mnt
	mv mnt/tables/teams/rows/x.json mnt/tables/teams/rows/z.json
	same "$(jq -r .team mnt/tables/t/rows/1.json)" z
	run mv mnt/tables/teams/rows/y.json mnt/tables/teams/rows/w.json
	[ "$status" -ne 0 ]
	same "$(jq -r .team mnt/tables/u/rows/1.json)" y
}

@test "what a foreign key may refer to, and what goes with it" {
	sql 'CREATE TABLE p (a INT, b TEXT, u INT UNIQUE, n INT, PRIMARY KEY (a, b)); CREATE TABLE doc (pk=id)'
	refuses 42P01 '"none" does not exist' 'CREATE TABLE t (id INT, x INT REFERENCES none)'
	refuses 0A000 'document table "doc"' 'CREATE TABLE t (id INT, x INT REFERENCES doc)'
	refuses 42830 'incompatible types: text and integer' 'CREATE TABLE t (id INT, x TEXT REFERENCES p(u))'
	refuses 42830 'there is no unique constraint matching' 'CREATE TABLE t (id INT, x INT REFERENCES p(n))'
	refuses 42830 'disagree' 'CREATE TABLE t (id INT, x INT REFERENCES p)'
	refuses 42703 '"zz" referenced' 'CREATE TABLE t (id INT, x INT REFERENCES p(zz))'
	refuses 42830 'incompatible types: integer and text' 'CREATE TABLE t (id INT, x INT, FOREIGN KEY (id, x) REFERENCES p)'
	sql 'CREATE TABLE t (id INT, x INT, y TEXT, CONSTRAINT k FOREIGN KEY (y, x) REFERENCES p(b, a))'
	same "$(sql 'SHOW CREATE TABLE t')" \
		'{"sql":"CREATE TABLE t (id INT PRIMARY KEY, x INT, y TEXT, INDEX (x, y), CONSTRAINT k FOREIGN KEY (x, y) REFERENCES p)"}'
	sql "INSERT INTO p VALUES (1, 'q', 1, 1); INSERT INTO t VALUES (1, 1, 'q'), (2, 7, NULL)"
	refuses 23503 'Key .x, y.=.7, q. is not present' "UPDATE t SET y = 'q' WHERE id = 2"
	refuses 2BP01 'requires an index' 'DROP INDEX x_y'
	refuses 2BP01 'constraint k on table t depends on table p' 'DROP TABLE p'
	sql 'ALTER TABLE t RENAME COLUMN x TO z; ALTER TABLE p RENAME TO q'
	refuses 23503 'Key .z, y.=.7, q. is not present in table "q"' "UPDATE t SET y = 'q' WHERE id = 2"
	sql 'ALTER TABLE t DROP CONSTRAINT k'
	sql "UPDATE t SET y = 'q' WHERE id = 2"
	refuses 23503 'Key .z, y.=.7, q. is not present' 'ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (z, y) REFERENCES q'
	sql 'UPDATE t SET z = 1; ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (z, y) REFERENCES q ON DELETE CASCADE'
	sql 'DELETE FROM q'
	same "$(sql 'SELECT * FROM t')" ''
	sql 'DROP TABLE q CASCADE'
	same "$(sql 'SHOW CREATE TABLE t')" '{"sql":"CREATE TABLE t (id INT PRIMARY KEY, z INT, y TEXT, INDEX (z, y))"}'
	sql 'CREATE TABLE o (id INT PRIMARY KEY, t INT REFERENCES t); BEGIN; DROP TABLE t; DROP TABLE o; COMMIT'
	round_trip
}

@test "files keep foreign keys too, and say why" {
	sql 'CREATE TABLE teams (id TEXT PRIMARY KEY); CREATE TABLE t (id INT PRIMARY KEY, team TEXT REFERENCES teams)'
	sql 'CREATE TABLE m (id INT PRIMARY KEY, team TEXT REFERENCES teams ON DELETE CASCADE)'
	need_fuse
	start_mount db mnt
	echo '{"team": "x"}' >row
	run cp row mnt/tables/t/rows/1.json
	[ "$status" -ne 0 ]
	says 'not permitted'
	same "$(tail -n 1 mnt/.driftfs/errors | jq -r '[.errno, .sqlstate] | @csv')" '"EPERM","23503"'
	echo '{}' >mnt/tables/teams/rows/x.json
	echo '{}' >mnt/tables/teams/rows/y.json
	echo '{"team": "x"}' >mnt/tables/t/rows/1.json
	echo '{"team": "y"}' >mnt/tables/m/rows/1.json
	ls mnt/tables/m/rows/1.json
	run rm mnt/tables/teams/rows/x.json
	[ "$status" -ne 0 ]
	says 'not permitted'
	eventually 5 grep -q 'still referenced from table' mnt/.driftfs/errors
	rm mnt/tables/teams/rows/y.json
	[ ! -e mnt/tables/m/rows/1.json ]
	same "$(ls mnt/tables/m/rows)" ''
	grep -q 'FOREIGN KEY (team) REFERENCES teams' mnt/tables/t/schema.sql
}
