#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What INSERT, UPDATE and DELETE can say beyond SQLite's virtual tables.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	sql 'CREATE TABLE e (pk=id); CREATE TABLE u (a INT, b TEXT, v INT, PRIMARY KEY (a, b));
		INSERT INTO e {"id": "a", "n": 1}, {"id": "b", "n": 2};
		INSERT INTO u VALUES (1, $$x$$, 1), (1, $$y$$, 2), (2, $$x$$, 3)'
}

@test "RETURNING answers with the rows as they are, or were" {
	same "$(sql 'INSERT INTO e {"id": "c", "n": 3, "new": [true]}, {"id": "d"} RETURNING id, n + 1 AS m, new, n > 1 AS big;
		INSERT INTO u VALUES (9, $$z$$, 0) RETURNING *;
		UPDATE e SET n = n * 2 WHERE n > 1 RETURNING id, n, new;
		UPDATE u AS x SET v = v + 1 WHERE a = 9 RETURNING x.v, upper(b);
		DELETE FROM e WHERE id IN ($$b$$, $$nope$$) RETURNING *;
		DELETE FROM e WHERE id = $$nope$$ RETURNING *;
		WITH m(x) AS (SELECT max(n) FROM e) UPDATE e SET n = 0 WHERE n = (SELECT x FROM m) RETURNING id')" \
'{"id":"c","m":4,"new":[true],"big":true}
{"id":"d","m":null,"new":null,"big":null}
{"a":9,"b":"z","v":0}
{"id":"b","n":4,"new":null}
{"id":"c","n":6,"new":[true]}
{"v":1,"upper":"Z"}
{"id":"b","n":4,"new":null}
{"id":"c"}'
	same "$(driftdb sql -d db --format table -e 'UPDATE e SET n = 7 WHERE id = "c" RETURNING id, n')" \
' id | n
----+---
 c  | 7
(1 row)'
}

@test "what fails in RETURNING undoes the statement" {
	refuses 42703 'column "nope" does not exist' 'UPDATE e SET n = 0 RETURNING nope'
	refuses 22P02 'type integer: "a"' 'DELETE FROM e RETURNING id::int'
	refuses 42601 'end of input' 'DELETE FROM e RETURNING'
	same "$(sql 'SELECT id, n FROM e')" '{"id":"a","n":1}
{"id":"b","n":2}'
}

@test "ON CONFLICT DO UPDATE changes the rows whose keys are there" {
	same "$(sql 'INSERT INTO e (id, n, s) VALUES ($$a$$, 5, $$x$$), ($$c$$, 7, $$y$$)
			ON CONFLICT (id) DO UPDATE SET n = e.n + excluded.n, s = excluded.s;
		INSERT INTO e AS t (id, n) VALUES ($$b$$, 1) ON CONFLICT (id) DO UPDATE SET n = 99 WHERE t.n > 100;
		INSERT INTO e {"id": "b", "tags": [1], "ok": true} ON CONFLICT DO UPDATE SET tags = excluded.tags, ok = excluded.ok;
		SELECT * FROM e;
		INSERT INTO u VALUES (1, $$x$$, 10), (3, $$x$$, 4) ON CONFLICT (b, a) DO UPDATE SET v = u.v + excluded.v RETURNING a, v;
		INSERT INTO u SELECT a, b, 0 FROM u WHERE a < 3 ON CONFLICT (a, b) DO UPDATE SET v = 0;
		SELECT sum(v) AS v FROM u')" \
'{"id":"a","n":6,"s":"x","tags":null,"ok":null}
{"id":"b","n":2,"s":null,"tags":[1],"ok":true}
{"id":"c","n":7,"s":"y","tags":null,"ok":null}
{"a":3,"v":4}
{"a":1,"v":11}
{"v":4}'
	run driftdb sql -d db -e "INSERT INTO e (id, n) VALUES ('a', 1), ('z', 1) ON CONFLICT (id) DO UPDATE SET n = 0"
	same "$output" 'Inserted 2 row(s)'
	run driftdb sql -d db -e "INSERT INTO e (id, n) VALUES ('a', 1), ('y', 1) ON CONFLICT DO NOTHING RETURNING id"
	same "$output" '{"id":"y"}'
}

@test "an upsert that is not meant so is refused, and does nothing" {
	refuses 21000 'a second time' "INSERT INTO e (id) VALUES ('q'), ('q') ON CONFLICT (id) DO UPDATE SET n = 3"
	refuses 21000 'a second time' "INSERT INTO e (id) VALUES ('a'), ('a') ON CONFLICT (id) DO UPDATE SET n = 3"
	refuses 42P10 'no unique or exclusion constraint' "INSERT INTO e (id) VALUES ('a') ON CONFLICT (n) DO UPDATE SET n = 3"
	refuses 42P10 'no unique or exclusion constraint' "INSERT INTO u VALUES (1, 'x', 1) ON CONFLICT (a) DO UPDATE SET v = 3"
	refuses 42704 'constraint "c"' "INSERT INTO e (id) VALUES ('a') ON CONFLICT ON CONSTRAINT c DO NOTHING"
	refuses 42703 'nope' "INSERT INTO e (id) VALUES ('a') ON CONFLICT (id) DO UPDATE SET n = nope.x"
	refuses 42601 'at or near "1"' "INSERT INTO e (id) VALUES ('a') ON CONFLICT (id) DO 1"
	same "$(sql 'SELECT id, n FROM e; SELECT max(seq) AS s FROM drift_events')" '{"id":"a","n":1}
{"id":"b","n":2}
{"s":5}'
}

@test "UPDATE FROM and DELETE USING look at other tables, at any moment" {
	same "$(sql 'UPDATE e SET v = u.v, b = u.b FROM u WHERE u.a = e.n AND u.v > 1 RETURNING id, v, b;
		UPDATE e SET n = o.n * 10 FROM e FOR SYSTEM_TIME AS OF @seq:5 AS o WHERE o.id = e.id RETURNING id, n;
		DELETE FROM u USING e WHERE e.n / 10 = u.a AND e.id = $$a$$ RETURNING a, b;
		DELETE FROM u z USING e, e AS f WHERE e.id = f.id AND z.a = f.n / 10;
		SELECT count(*) AS n FROM u')" \
'{"id":"a","v":2,"b":"y"}
{"id":"b","v":3,"b":"x"}
{"id":"a","n":10}
{"id":"b","n":20}
{"a":1,"b":"x"}
{"a":1,"b":"y"}
{"n":0}'
}

@test "a statement of many rows is all or nothing" {
	refuses 23505 'Key \(id\)=\(b\) already exists' 'INSERT INTO e {"id": "x"}, {"id": "y"}, {"id": "b"}'
	refuses 22P02 'integer' "INSERT INTO u VALUES (5, 'a', 1), (6, 'b', 'one')"
	refuses 23505 '' "UPDATE u SET a = 1, b = 'x'"
	same "$(sql 'SELECT count(*) AS n FROM e; SELECT count(*) AS n FROM u')" '{"n":2}
{"n":3}'
}

@test "one row by its key: PATCH, SOFT DELETE, with composite keys" {
	same "$(sql 'PATCH u KEY (1, "x") SET {"v": 7}; PATCH u KEY (5, "none") SET {"v": 7};
		SOFT DELETE FROM u KEY (1, "y"); SOFT DELETE FROM e KEY "a"; SOFT DELETE FROM e KEY "a";
		SELECT * FROM u; SELECT id FROM e; SELECT n FROM e FOR SYSTEM_TIME ALL WHERE id = $$a$$')" \
'{"a":1,"b":"x","v":7}
{"a":2,"b":"x","v":3}
{"id":"b"}
{"n":1}'
	refuses 42601 '\(1\)|"\)"' 'PATCH u KEY (1) SET {"v": 7}'
	refuses 22P02 'invalid key: "one"' 'SOFT DELETE FROM u KEY ("one", "x")'
	run driftdb sql -d db -e 'TRUNCATE e, u'
	same "$output" 'Deleted 3 row(s)'
	refuses 42P01 nope 'INSERT INTO e {"id": "k"}; TRUNCATE e, nope'
	same "$(sql 'SELECT id FROM e')" '{"id":"k"}'
}

@test "a moment's * shows the fields of that moment; later ones are null by name" {
	sql 'INSERT INTO e {"id": "c", "later": 1}; INSERT INTO e {"id": "d", "last": 2};
		CREATE VIEW w AS SELECT * FROM e; CREATE VIEW l AS SELECT id, later FROM e'
	same "$(sql 'SELECT * FROM e FOR SYSTEM_TIME AS OF 2 WHERE id = "a"')" '{"id":"a","n":1}'
	same "$(sql 'SELECT * FROM e WHERE id = "a" AS OF 2')" '{"id":"a","n":1}'
	same "$(sql 'SELECT * FROM e WHERE id = "c" AS OF @SEQ:6')" '{"id":"c","n":null,"later":1}'
	same "$(sql 'SELECT * FROM w WHERE id = "a" AS OF 2')" '{"id":"a","n":1}'
	same "$(sql 'SELECT * FROM w FOR SYSTEM_TIME AS OF 2 WHERE id = "a"')" '{"id":"a","n":1}'
	same "$(sql 'SELECT * FROM l WHERE id = "a" AS OF 2')" '{"id":"a","later":null}'
	same "$(sql 'SELECT id, later, later IS NULL AS gone FROM e WHERE later IS NULL AND id = "a" AS OF 2')" \
		'{"id":"a","later":null,"gone":true}'
	same "$(sql 'SELECT o.*, p.*, o.last FROM e FOR SYSTEM_TIME AS OF 6 o
		JOIN e FOR SYSTEM_TIME AS OF 2 p ON p.id = o.id WHERE o.id = "a"')" \
		'{"id":"a","n":1,"later":null,"id_2":"a","n_2":1,"last":null}'
	same "$(sql 'SELECT * FROM e FOR SYSTEM_TIME ALL WHERE id = "a"')" '{"id":"a","n":1,"later":null,"last":null}'
	same "$(sql 'SET system_time_asof = 2; SELECT * FROM e WHERE id = "a"; SET system_time_asof = DEFAULT;
		SELECT * FROM e WHERE id = "a"')" '{"id":"a","n":1}
{"id":"a","n":1,"later":null,"last":null}'
	same "$(sql 'INSERT INTO e {"id": "a2", "n": 1} RETURNING *;
		INSERT INTO e {"id": "z", "own": 5} ON CONFLICT DO UPDATE SET own = excluded.own RETURNING *')" \
'{"id":"a2","n":1,"later":null,"last":null}
{"id":"z","n":null,"later":null,"last":null,"own":5}'
	same "$(sql 'BEGIN; INSERT INTO e {"id": "q", "mine": 1}; SELECT mine FROM e WHERE id = "q"; SELECT * FROM e WHERE id = "q"; ROLLBACK;
		SELECT * FROM e WHERE id = "a" AS OF 2')" '{"mine":1}
{"id":"q","n":null,"later":null,"last":null,"own":null,"mine":1}
{"id":"a","n":1}'
	refuses 42703 nope 'SELECT nope FROM e AS OF 2'
	# More moments than relations are kept.
	head=$(sql 'SELECT drift_head() AS n' | jq .n)
	for i in $(seq 150); do echo "INSERT INTO many {\"id\": $i, \"f$i\": 1};"; done >many.sql
	sql 'CREATE TABLE many (pk=id)'; sql "$(cat many.sql)"
	for i in $(seq 150); do echo "SELECT * FROM many FOR SYSTEM_TIME AS OF $((head + i)) WHERE id = $i;"; done >many.sql
	same "$(sql "$(cat many.sql)" | jq 'length - .id' | sort -u)" 1
}

@test "ON CONFLICT takes the unique columns, or the constraint, that it names" {
	sql "CREATE TABLE c (id INT PRIMARY KEY, email TEXT UNIQUE, a INT, b INT, n INT DEFAULT 0, CONSTRAINT ab UNIQUE (a, b));
		INSERT INTO c VALUES (1, 'x', 1, 1, 0), (2, 'y', 1, 2, 0)"
	same "$(sql "INSERT INTO c VALUES (3, 'x', 3, 3, 5) ON CONFLICT (email) DO UPDATE SET n = c.n + excluded.n RETURNING *;
		INSERT INTO c VALUES (1, 'x', 9, 9, 5) ON CONFLICT (email) DO UPDATE SET n = 77 RETURNING id, n;
		INSERT INTO c VALUES (6, 'w', 1, 2, 5) ON CONFLICT (b, a) DO UPDATE SET n = 4 WHERE c.n < 100 RETURNING id, n;
		INSERT INTO c VALUES (6, 'w', 1, 2, 5) ON CONFLICT ON CONSTRAINT ab DO UPDATE SET n = 6 WHERE c.n > 100 RETURNING id, n;
		INSERT INTO c VALUES (1, 'w', 7, 7, 5) ON CONFLICT ON CONSTRAINT c_pkey DO UPDATE SET n = 8 RETURNING id, n;
		INSERT INTO c VALUES (4, 'y', 9, 9, 5), (5, 'q', 8, 8, 8) ON CONFLICT (email) DO NOTHING RETURNING id;
		INSERT INTO c VALUES (9, 'y', 9, 9, 5) ON CONFLICT DO NOTHING RETURNING id;
		INSERT INTO c (id) VALUES (10), (11) ON CONFLICT (email) DO UPDATE SET n = 1 RETURNING id")" \
'{"id":1,"email":"x","a":1,"b":1,"n":5}
{"id":1,"n":77}
{"id":2,"n":4}
{"id":1,"n":8}
{"id":5}
{"id":10}
{"id":11}'
	refuses 23505 'PRIMARY KEY "c": Key \(id\)=\(1\)' "INSERT INTO c VALUES (1, 'new', 9, 9, 5) ON CONFLICT (email) DO NOTHING"
	refuses 23505 'unique constraint "email"' "INSERT INTO c VALUES (20, 'y', 9, 9, 5) ON CONFLICT (id) DO NOTHING"
	refuses 42P10 'no unique or exclusion constraint matching' 'INSERT INTO c VALUES (1) ON CONFLICT (n) DO NOTHING'
	refuses 42704 'constraint "nope" for table "c" does not exist' 'INSERT INTO c (id) VALUES (1) ON CONFLICT ON CONSTRAINT nope DO NOTHING'
	refuses 21000 'a second time' "INSERT INTO c VALUES (30, 'k', 30, 1, 1), (31, 'k', 31, 1, 1) ON CONFLICT (email) DO UPDATE SET n = 6"
	same "$(sql 'SELECT count(*) AS c FROM c')" '{"c":5}'
}

@test "VALUES may be fewer than the columns: the rest get their defaults" {
	sql "CREATE TABLE s (id INT PRIMARY KEY, a TEXT DEFAULT 'x', b INT)"
	sql "INSERT INTO s VALUES (1), (2); INSERT INTO s VALUES (3, (SELECT 'y, z'))"
	same "$(sql 'SELECT * FROM s')" '{"id":1,"a":"x","b":null}
{"id":2,"a":"x","b":null}
{"id":3,"a":"y, z","b":null}'
	refuses 42601 'VALUES lists must all be the same length' 'INSERT INTO s VALUES (4), (5, 1)'
	refuses 42601 'more expressions than target' 'INSERT INTO s VALUES (1, 2, 3, 4)'
	refuses 42601 'more target columns than expressions' 'INSERT INTO s (id, a) VALUES (4)'
}

@test "a statement that breaks UNIQUE fails itself, and its transaction goes on from a savepoint" {
	sql 'CREATE TABLE q (id SERIAL PRIMARY KEY, n TEXT UNIQUE)'
	run driftdb sql -d db -q --keep-going \
		-e "BEGIN; INSERT INTO q (n) VALUES ('a'); SAVEPOINT s; INSERT INTO q (n) VALUES ('b'), ('a')" \
		-e "ROLLBACK TO s; SELECT n FROM q; UPDATE q SET n = 'c'; INSERT INTO q (n) VALUES ('a'), (NULL), (NULL); UPDATE q SET n = 'a' WHERE n = 'c'" \
		-e "ROLLBACK TO s; INSERT INTO q (n) VALUES ('b'); UPDATE q SET n = CASE n WHEN 'a' THEN 'b' ELSE 'a' END; DELETE FROM q WHERE n = 'a'; INSERT INTO q (n) VALUES ('a'); COMMIT; SELECT string_agg(n, ' ' ORDER BY n) AS n FROM q"
	[ "$(grep -c 'ERROR 23505: duplicate key value violates unique constraint "n" of "q": Key (n)=(a) already exists.' <<<"$output")" = 2 ]
	same "$(grep '^{' <<<"$output")" '{"n":"a"}
{"n":"a b"}'
	# What was committed is met, too, and in a transaction that made the index.
	refuses 23505 'Key \(n\)=\(a\)' "BEGIN; INSERT INTO q (n) VALUES ('a'); SELECT 1/0"
	refuses 23505 'Key \(n\)=\(a\)' "BEGIN; CREATE TABLE q2 (id INT PRIMARY KEY, n TEXT UNIQUE); INSERT INTO q2 VALUES (1, 'a'); INSERT INTO q2 VALUES (2, 'a'); COMMIT"
}
