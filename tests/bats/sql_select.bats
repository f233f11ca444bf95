#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What SELECT can say that SQLite's cannot.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	driftdb sql -d db --quiet -e "CREATE TABLE p (id INT PRIMARY KEY, g TEXT, n INT, x REAL);
		INSERT INTO p VALUES (1, 'a', 1, 1.5), (2, 'a', 3, 2), (3, 'b', NULL, 1), (4, 'b', 2, 0), (5, 'c', 1, 1), (6, NULL, 4, 4)"
}

@test "DISTINCT ON keeps the first row of each group, in ORDER BY's order" {
	same "$(sql 'SELECT DISTINCT ON (g) * FROM p ORDER BY g, n DESC')" \
'{"id":6,"g":null,"n":4,"x":4.0}
{"id":2,"g":"a","n":3,"x":2.0}
{"id":4,"g":"b","n":2,"x":0.0}
{"id":5,"g":"c","n":1,"x":1.0}'
	same "$(sql 'SELECT DISTINCT ON (g) g, id FROM p ORDER BY g DESC, n NULLS LAST LIMIT 3')" \
'{"g":"c","id":5}
{"g":"b","id":4}
{"g":"a","id":1}'
	same "$(sql 'SELECT DISTINCT ON (g) id FROM p ORDER BY g, n DESC NULLS FIRST, id OFFSET 1')" \
'{"id":2}
{"id":3}
{"id":5}'
	same "$(sql "SELECT DISTINCT ON (p.g) p.id::text || '!' AS id FROM p WHERE id < 5 ORDER BY g, x DESC")" \
'{"id":"2!"}
{"id":"3!"}'
}

@test "DISTINCT ON stands in subqueries, views, moments and by several keys" {
	same "$(sql "CREATE VIEW newest AS SELECT DISTINCT ON (g) g, id FROM p ORDER BY g, id DESC;
		UPDATE p SET n = 9 WHERE id = 1; DELETE FROM p WHERE id IN (5, 6);
		SELECT * FROM newest; SELECT id FROM newest AS OF '@seq:6';
		SELECT count(*) AS c FROM (SELECT DISTINCT ON (g, n) id FROM p ORDER BY n, g, x) q;
		SELECT DISTINCT ON (g) g, (SELECT DISTINCT ON (g) id FROM p q WHERE q.g = p.g ORDER BY g, id DESC) AS last FROM p ORDER BY g, n DESC")" \
'{"g":"a","id":2}
{"g":"b","id":4}
{"id":6}
{"id":2}
{"id":4}
{"id":5}
{"c":4}
{"g":"a","last":2}
{"g":"b","last":4}'
	refuses 42P10 'SELECT DISTINCT ON expressions must match initial ORDER BY expressions' 'SELECT DISTINCT ON (g) id FROM p ORDER BY n'
	refuses 42601 'syntax error' 'SELECT DISTINCT ON g id FROM p'
	refuses 0A000 'DISTINCT ON with aggregates' 'SELECT DISTINCT ON (g) count(*) FROM p'
	refuses 0A000 'DISTINCT ON with GROUP BY' 'SELECT DISTINCT ON (g) g FROM p GROUP BY g, n'
	refuses 0A000 'DISTINCT ON with window functions' 'SELECT DISTINCT ON (g) rank() OVER () FROM p'
}

@test "DISTINCT ON agrees with row_number() on random rows" {
	sql "CREATE TABLE r (id INT PRIMARY KEY, a INT, b TEXT, c REAL);
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 800)
		INSERT INTO r SELECT n, floor(random() * 9)::int, CASE WHEN random() < 0.1 THEN NULL ELSE chr(97 + floor(random() * 5)::int) END,
			CASE WHEN random() < 0.2 THEN NULL ELSE floor(random() * 200 - 100) / 8.0 END FROM i"
	for order in 'c, id' 'c DESC, id DESC' 'c NULLS LAST, id' 'c DESC NULLS FIRST, id' 'abs(c) DESC, b, id'; do
		same "$(sql "SELECT DISTINCT ON (a, b) a, b, id FROM r ORDER BY a, b, $order")" \
			"$(sql "SELECT a, b, id FROM (SELECT *, row_number() OVER (PARTITION BY a, b ORDER BY $order) AS k FROM r) WHERE k = 1 ORDER BY a, b")"
	done
}

@test "regular expressions match as PostgreSQL's do" {
	same "$(sql "SELECT 'abc' ~ '^a.c\$' AS a, 'ABC' ~* 'b' AS b, 'abc' !~ 'z' AS c, 'abc' !~* 'B' AS d, ~5 AS e, NULL ~ 'a' IS NULL AS f;
		SELECT 'a
b' ~ 'a.b' AS a, 'foo bar' ~ '\\mbar\\M' AS b, 'foobar' ~ '\\mbar' AS c, 'ÉÉ' ~* '^é{2}\$' AS d, 'a' ~ '' AS e;
		SELECT id FROM p WHERE g ~ '[ab]' AND n > 1 ORDER BY id;
		SELECT 'abc' SIMILAR TO '%(b|d)%' AS a, 'abc' NOT SIMILAR TO 'a_' AS b, 'abc' SIMILAR TO 'a.c' AS c, 'b' SIMILAR TO 'abc' AS d")" \
'{"a":true,"b":true,"c":true,"d":false,"e":-6,"f":true}
{"a":true,"b":true,"c":false,"d":true,"e":true}
{"id":2}
{"id":4}
{"a":true,"b":true,"c":false,"d":false}'
	same "$(sql "SELECT regexp_replace('hello world', '(o)(.)', '[\\2\\1]') AS a, regexp_replace('hello world', '(o)(.)', '[\\2\\1]', 'g') AS b,
			regexp_replace('abc', '', '-', 'g') AS c, regexp_replace('ABC', 'b', '<\\&>', 'i') AS d;
		SELECT regexp_match('foobarbequebaz', '(bar)(beque)') AS a, regexp_match('foo', 'o+') AS b, regexp_match('foo', 'x') AS c;
		SELECT regexp_count('aXbXc', 'X') AS a, regexp_substr('abc123', '[0-9]+') AS b, regexp_like('A', 'a', 'i') AS c,
			regexp_split_to_array('a, b,c', ',\\s*') AS d, regexp_split_to_array('abc', '') AS e, substring('foobar' from 'o(.)b') AS f")" \
'{"a":"hell[ o]world","b":"hell[ o]w[ro]ld","c":"-a-b-c-","d":"A<B>C"}
{"a":["bar","beque"],"b":["oo"],"c":null}
{"a":2,"b":"123","c":true,"d":["a","b","c"],"e":["a","b","c"],"f":"o"}'
}

@test "a regular expression that cannot be, or would not end, is an error" {
	refuses 2201B 'invalid regular expression: missing closing parenthesis' "SELECT 'a' ~ '(a'"
	refuses 22023 'invalid regular expression option: "q"' "SELECT regexp_like('a', 'a', 'q')"
	refuses 54000 'regular expression is too long' "SELECT 'a' ~ repeat('a', 20000)"
	refuses 54000 'regular expression is too complex for this text' "SELECT (repeat('a', 60) || '!') ~ '^(a|a|a)+\$'"
	refuses 2201B 'regular expression is too large' "SELECT 'a' ~ '((a{1000}){1000}){1000}'"
}

@test "queries stand in parentheses, alone and as parts of UNION, and TABLE is one" {
	sql "CREATE TABLE q (id INT PRIMARY KEY, g TEXT); INSERT INTO q VALUES (1, 'a'); TAG one; INSERT INTO q VALUES (2, 'a'), (3, 'b')"
	same "$(sql "(SELECT 1 AS a);
		(SELECT id FROM q ORDER BY id DESC LIMIT 1) UNION ALL (SELECT id FROM q ORDER BY id LIMIT 1);
		((SELECT 1 AS a) UNION (SELECT 2)) EXCEPT (SELECT 1);
		SELECT count(*) AS n FROM ((SELECT id FROM q) UNION (SELECT 9)) x WHERE id IN ((SELECT 1) UNION (SELECT 9));
		WITH w AS ((SELECT 5 AS a) UNION ALL (SELECT 6)) SELECT sum(a) AS n FROM w;
		TABLE q AS OF @tag:one; (TABLE q) EXCEPT SELECT * FROM q WHERE id > 1; SELECT count(*) AS n FROM (TABLE q) x;
		SELECT ((SELECT 1)) AS a; (SELECT id AS a FROM q AS OF @tag:one)")" \
'{"a":1}
{"id":3}
{"id":1}
{"a":2}
{"n":2}
{"n":11}
{"id":1,"g":"a"}
{"id":1,"g":"a"}
{"n":3}
{"a":1}
{"a":1}'
	sql "INSERT INTO q (SELECT 4, 'c'); INSERT INTO q (id) (SELECT 5) RETURNING id; PREPARE p AS (SELECT 1); EXECUTE p" >log
	sql 'CREATE VIEW v AS (SELECT id FROM q) UNION (SELECT 9)'
	same "$(sql 'SELECT count(*) AS n FROM v')" '{"n":6}'
	refuses 42601 'syntax error at or near .\(.' '(SELECT 1) UNION ()'
}

@test "INTERSECT comes before UNION and EXCEPT" {
	same "$(sql "SELECT 3 AS a UNION SELECT 1 INTERSECT SELECT 2;
		SELECT 3 AS a UNION ALL SELECT 1 INTERSECT SELECT 1 UNION ALL SELECT 1 ORDER BY 1 DESC LIMIT 2;
		SELECT 1 AS a EXCEPT (SELECT 1) INTERSECT (SELECT 2 ORDER BY 1);
		(SELECT 2 AS a UNION SELECT 1) INTERSECT SELECT 2;
		SELECT 1 AS a INTERSECT SELECT 2 UNION SELECT 4;
		SELECT count(*) AS n FROM (SELECT 1 UNION VALUES (2), (3) INTERSECT VALUES (3), (4) INTERSECT VALUES (3)) x")" \
'{"a":3}
{"a":3}
{"a":1}
{"a":1}
{"a":2}
{"a":4}
{"n":2}'
}

@test "percentiles and modes within groups" {
	sql "CREATE TABLE w (id INT PRIMARY KEY, g TEXT, x REAL); INSERT INTO w VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 10), (4, 'b', 20), (5, 'b', 30), (6, NULL, NULL)"
	same "$(sql "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS a, percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC) AS b,
			percentile_disc(0.5) WITHIN GROUP (ORDER BY g) AS c, percentile_disc(0) WITHIN GROUP (ORDER BY id DESC) AS d, mode() WITHIN GROUP (ORDER BY g) AS e,
			percentile_disc(1) WITHIN GROUP (ORDER BY x) FILTER (WHERE g = 'a') AS f, mode() WITHIN GROUP (ORDER BY length(g)) AS h FROM w;
		SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY x + 1) FROM w GROUP BY g ORDER BY 1;
		SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS none FROM w WHERE id > 9")" \
'{"a":10.0,"b":20.0,"c":"b","d":6,"e":"b","f":2.0,"h":1}
{"g":null,"percentile_cont":null}
{"g":"a","percentile_cont":2.5}
{"g":"b","percentile_cont":21.0}
{"none":null}'
	refuses 22003 'percentile value 1.5 is not between 0 and 1' 'SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY x) FROM w'
	refuses 0A000 'a percentile of no number is not supported: "\[0.25,0.5\]"' 'SELECT percentile_cont(ARRAY[0.25,0.5]) WITHIN GROUP (ORDER BY x) FROM w'
	refuses 22P02 'double precision: "a"' 'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY g) FROM w'
	refuses 0A000 'WITHIN GROUP of several orders' 'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x, g) FROM w'
	refuses 0A000 'WITHIN GROUP is not supported' 'SELECT rank(1) WITHIN GROUP (ORDER BY x) FROM w'
}

@test "a function of one value stands in FROM, and digests are known" {
	same "$(sql "SELECT * FROM upper('abc') AS result; SELECT * FROM pg_catalog.lower('ABC'); SELECT u.x || n AS y FROM upper('a') u(x), length('abc') n")" \
'{"result":"ABC"}
{"lower":"abc"}
{"y":"A3"}'
	refuses 42883 'function nope does not exist' 'SELECT * FROM nope(1)'
	same "$(sql "SELECT md5('abc') AS a, md5('') AS b, md5(NULL) AS c, encode(sha256('abc'), 'hex') AS d, substr(encode(sha512('abc'), 'hex'), 1, 8) AS e")" \
		'{"a":"900150983cd24fb0d6963f7d28e17f72","b":"d41d8cd98f00b204e9800998ecf8427e","c":null,"d":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","e":"ddaf35a1"}'
}

@test "booleans and JSON stay what they are through sorting, grouping and windows" {
	sql "CREATE TABLE b (id INT PRIMARY KEY, ok BOOLEAN, j JSON); INSERT INTO b VALUES (1, TRUE, '[1]'), (2, FALSE, '[2]'), (3, TRUE, '[1]')"
	same "$(sql 'SELECT min(ok) AS l, max(j) AS j, percentile_disc(0.9) WITHIN GROUP (ORDER BY ok) AS p, mode() WITHIN GROUP (ORDER BY ok DESC) AS m,
		array_agg(ok) AS a, json_agg(ok ORDER BY id) AS o FROM b GROUP BY id % 2')" \
		'{"l":false,"j":[2],"p":false,"m":false,"a":[false],"o":[false]}
{"l":true,"j":[1],"p":true,"m":true,"a":[true,true],"o":[true,true]}'
	same "$(sql 'SELECT lag(ok, 1, FALSE) OVER (ORDER BY id) AS g, first_value(b.ok) OVER (ORDER BY id) AS f, coalesce(ok, NULL, FALSE) AS c,
		CASE WHEN id > 1 THEN ok END AS t, CASE id WHEN 1 THEN ok ELSE 5 END AS n FROM b ORDER BY ok, id')" \
		'{"g":true,"f":true,"c":false,"t":false,"n":5}
{"g":false,"f":true,"c":true,"t":null,"n":1}
{"g":false,"f":true,"c":true,"t":true,"n":5}'
	same "$(sql "SELECT json_build_object('a', ok, 'b', NOT ok, 'n', NULL) AS o, json_build_array(TRUE, id = 1, id) AS a, ok::text AS t, CAST(id > 1 AS TEXT) AS c, to_json(id = 1) AS j,
		array_agg('f'::boolean) AS g FROM b WHERE id = 1 GROUP BY id")" \
		'{"o":{"a":true,"b":false,"n":null},"a":[true,true,1],"t":"true","c":"false","j":true,"g":[false]}'
	# Another table's column of the same name and another type: not guessed.
	sql 'CREATE TABLE n (id INT PRIMARY KEY, ok INT); INSERT INTO n VALUES (1, 7)'
	same "$(sql 'SELECT max(n.ok) AS n FROM b, n GROUP BY n.id')" '{"n":7}'
}

@test "an answer's column may be called default" {
	same "$(sql "SELECT (SELECT 1) AS DEFAULT, 2 AS \"table\"")" '{"default":1,"table":2}'
}

@test "a computed moment before the first event shows nothing" {
	same "$(sql "SELECT count(*) AS n FROM p AS OF -1; SELECT count(*) AS n FROM p AS OF (1 - 5); SELECT count(*) AS n FROM p FOR SYSTEM_TIME AS OF DATE '2020-01-01' x")" '{"n":0}
{"n":0}
{"n":0}'
}

@test "fields that differ only in case are reached by their exact names" {
	sql 'CREATE TABLE f (pk=id); INSERT INTO f {"id": 1, "a": "small", "A": "LARGE"}, {"id": 2, "A": 2, "n": 5}'
	same "$(sql 'SELECT a, A, "a" AS q, "A" AS p, f."A" AS t FROM f')" '{"a":"small","A":"LARGE","q":"small","p":"LARGE","t":"LARGE"}
{"a":null,"A":2,"q":null,"p":2,"t":2}'
	same "$(sql 'SELECT A, count(*) AS n FROM f WHERE A IS NOT NULL GROUP BY A ORDER BY A; SELECT x.A FROM (SELECT A FROM f) AS x WHERE A = 2; WITH c AS (SELECT A AS b FROM f) SELECT b FROM c
		; SELECT A FROM (SELECT 5 AS A FROM f) x LIMIT 1; SELECT A FROM f FOR SYSTEM_TIME ALL WHERE id = 1')" '{"A":2,"n":1}
{"A":"LARGE","n":1}
{"A":2}
{"b":"LARGE"}
{"b":2}
{"A":5}
{"A":"LARGE"}'
	same "$(sql 'UPDATE f SET A = 7, a = 8 WHERE id = 1 RETURNING A, a; INSERT INTO f (id, a, A) VALUES (3, 1, 2) RETURNING doc; DELETE FROM f WHERE A = 2 RETURNING id')" '{"A":7,"a":8}
{"doc":{"id":3,"a":1,"A":2}}
{"id":2}
{"id":3}'
	same "$(sql 'INSERT INTO f {"id": 1, "A": 0} ON CONFLICT (id) DO UPDATE SET A = excluded.A RETURNING doc; CREATE VIEW v AS SELECT A FROM f; TABLE v; CREATE INDEX ON f ("A"); SELECT id FROM f WHERE A = 0')" \
		'{"doc":{"id":1,"a":8,"A":0}}
{"A":0}
{"id":1}'
	# Fields that only this transaction has seen.
	same "$(sql 'BEGIN; INSERT INTO f {"id": 4, "m": 1, "M": 3}; UPDATE f SET M = 9 WHERE id = 4; SELECT M, m FROM f WHERE M = 9; COMMIT; SELECT M, m FROM f WHERE id = 4')" '{"M":9,"m":1}
{"M":9,"m":1}'
}

@test "a column beside an aggregate is grouped by, it or its table's key" {
	sql "CREATE TABLE u (id INT PRIMARY KEY, name TEXT, n INT); INSERT INTO u VALUES (1, 'a', 5), (2, 'b', 5), (3, 'c', 6);
		CREATE TABLE parts (a INT, b INT, u INT, PRIMARY KEY (a, b)); INSERT INTO parts VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2); CREATE VIEW v AS SELECT n, count(*) FROM u GROUP BY n"
	for query in 'SELECT name, count(*) FROM u' 'SELECT n, u.name, max(id) FROM u GROUP BY n' 'SELECT name FROM u GROUP BY n' 'SELECT n, name, count(*) FROM u GROUP BY 1' \
		'SELECT x.name, sum(p.a) FROM u x JOIN parts p ON p.u = x.id GROUP BY p.a' 'SELECT p.u, count(*) FROM parts p GROUP BY a' \
		'SELECT 1 FROM (SELECT name, 1 + count(*) AS c FROM u) s' 'INSERT INTO u SELECT id, name, count(*) FROM u' \
		'SELECT name, count(*) FROM u FOR SYSTEM_TIME ALL GROUP BY id' 'CREATE TABLE w AS SELECT name, count(*) FROM u'; do
		refuses 42803 'column "[a-z]+\.(name|u|id)" must appear in the GROUP BY clause or be used in an aggregate function' "$query"
	done
	refuses 42803 'column "t.name" must appear' 'SELECT count(*), t.name AS x FROM u AS t WHERE t.id > 0'
	same "${lines[2]}" '                 ^'
	for query in 'SELECT n, count(*) FROM u GROUP BY n' 'SELECT n AS x, count(*) FROM u GROUP BY x' 'SELECT n, count(*) FROM u GROUP BY 1' \
		'SELECT id, name, n, count(*) FROM u GROUP BY id' 'SELECT x.name, count(p.a) FROM u x LEFT JOIN parts p ON p.u = x.id GROUP BY x.id' \
		'SELECT p.u, count(*) FROM parts p GROUP BY a, b' 'SELECT u.n, count(*) FROM u GROUP BY u.n' 'SELECT "n", count(*) FROM u GROUP BY (n)' \
		'SELECT name, sum(n) OVER (ORDER BY id) FROM u' 'SELECT name, max(n, 2) FROM u' 'SELECT name, (SELECT count(*) FROM parts) AS c FROM u' \
		'SELECT id, count(*) FROM u JOIN (SELECT a AS id FROM parts) q USING (id) GROUP BY u.id' 'SELECT n, count, sum(count) OVER () FROM v' \
		'WITH u AS (SELECT 1 AS name, 2 AS c) SELECT name, count(*) FROM u GROUP BY c' 'SELECT max(name) AS name, n + 1, count(*) FROM u GROUP BY n' \
		'SELECT name, count(*) FROM u FOR SYSTEM_TIME AS OF 3 GROUP BY id' 'SELECT DISTINCT name FROM u' 'SELECT a.n, count(*) FROM u a, u b GROUP BY a.n'; do
		driftdb sql -d db -q -e "$query" >/dev/null
	done
}
