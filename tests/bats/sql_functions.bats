#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Functions that answer rows, arrays, and PostgreSQL's functions that SQLite lacks.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	driftdb sql -d db --quiet -e "CREATE TABLE u (id INT PRIMARY KEY, name TEXT, tags JSON);
		INSERT INTO u VALUES (1, 'ann', '[\"a\",\"b\"]'), (2, 'bob', '[]'), (3, 'eve', NULL);
		CREATE TABLE d (pk=id); INSERT INTO d {\"id\": \"x\", \"list\": [{\"n\": 1}, {\"n\": 2}], \"o\": {\"a\": [10, 20]}}"
}

# table: lines of "expression => value" on standard input, all in one run.
table()
{
	local line query='' wanted=''

	while IFS= read -r line; do
		query+="SELECT ${line% => *} AS x;"
		wanted+="${line% => *} => ${line##* => }"$'\n'
		printf '%s\n' "${line% => *}" >>expressions
	done
	driftdb sql -d db --quiet --format tsv -e "$query" >answers || {
		cat answers
		return 1
	}
	paste -d '\t' expressions <(grep -v '^x$' answers) | sed 's/\t/ => /' >is
	diff -u <(printf '%s' "$wanted") is
}

@test "generate_series counts, by any step, through numbers and times" {
	same "$(sql 'SELECT * FROM generate_series(1, 3)')" $'{"generate_series":1}\n{"generate_series":2}\n{"generate_series":3}'
	same "$(sql 'SELECT g, g.g * 2 AS d FROM generate_series(5, 1, -3) g')" $'{"g":5,"d":10}\n{"g":2,"d":4}'
	same "$(sql 'SELECT n FROM generate_series(0, 1, 0.5) AS s (n) WHERE n > 0')" $'{"n":0.5}\n{"n":1.0}'
	same "$(sql "SELECT day::date AS d FROM generate_series('2025-01-31', TIMESTAMP '2025-03-31', '1 month'::interval) day")" \
		$'{"d":"2025-01-31"}\n{"d":"2025-02-28"}\n{"d":"2025-03-28"}'
	same "$(sql "SELECT count(*) AS c FROM generate_series('2025-01-01', '2025-01-02', INTERVAL '90' MINUTE) t")" '{"c":17}'
	same "$(sql 'SELECT count(*) AS c FROM generate_series(2, 1) g; SELECT count(*) AS c FROM generate_series(NULL, 1) g')" $'{"c":0}\n{"c":0}'
	same "$(sql 'SELECT max(g) AS m FROM generate_series(9223372036854775806, 9223372036854775807) g')" '{"m":9223372036854775807}'
	same "$(sql 'SELECT u.id, g FROM u JOIN generate_series(1, u.id) g ON g > 1 ORDER BY 1, 2')" $'{"id":2,"g":2}\n{"id":3,"g":2}\n{"id":3,"g":3}'
	same "$(sql 'CREATE VIEW three AS SELECT n * n AS q FROM generate_series(1, 3) n; SELECT sum(q) AS s FROM three; SELECT sum(q) AS s FROM three AS OF 2')" \
		$'{"s":14}\n{"s":14}'
	refuses 22023 'step size cannot equal zero' 'SELECT * FROM generate_series(1, 2, 0)'
	refuses 42883 'function generate_series\(\) does not take that many arguments' 'SELECT * FROM generate_series(1)'
	refuses 42883 'function generate_series\(\) does not take that many arguments' 'SELECT * FROM generate_series(1, 2, 3, 4)'
	refuses 22007 'timestamp: "soon"' "SELECT * FROM generate_series('soon', '2025-01-01', '1 day')"
	refuses 22007 'interval: "often"' "SELECT * FROM generate_series('2025-01-01', '2025-01-02', 'often')"
	refuses 22023 'has 1 columns available but 2 columns specified' 'SELECT * FROM generate_series(1, 2) AS g (a, b)'
	refuses 0A000 'a function of rows outside FROM' 'SELECT generate_series(1, 2)'
}

@test "arrays and JSON become rows, each row's own beside it" {
	same "$(sql 'SELECT id, t FROM u, unnest(u.tags) t ORDER BY 1, 2')" $'{"id":1,"t":"a"}\n{"id":1,"t":"b"}'
	same "$(sql 'SELECT id, t FROM u LEFT JOIN LATERAL unnest(tags) AS t ON true WHERE id < 3 ORDER BY 1, 2')" \
		$'{"id":1,"t":"a"}\n{"id":1,"t":"b"}\n{"id":2,"t":null}'
	same "$(sql "SELECT e->>'n' AS n FROM d CROSS JOIN LATERAL jsonb_array_elements(d.list) e")" $'{"n":1}\n{"n":2}'
	same "$(sql "SELECT * FROM unnest('{1,\"a b\",NULL,{x,2}}')")" \
		$'{"unnest":1}\n{"unnest":"a b"}\n{"unnest":null}\n{"unnest":["x",2]}'
	same "$(sql "SELECT * FROM json_array_elements('[\"a\",1,true,null,{\"b\":[1]}]')")" \
		$'{"value":"a"}\n{"value":1}\n{"value":true}\n{"value":null}\n{"value":{"b":[1]}}'
	same "$(sql "SELECT v FROM json_array_elements_text('[\"a\",1,true,null,[1]]') AS e (v)")" \
		$'{"v":"a"}\n{"v":"1"}\n{"v":"true"}\n{"v":null}\n{"v":"[1]"}'
	same "$(sql "SELECT k, v FROM jsonb_each_text('{\"a\":1,\"b\":\"x\"}') AS e (k, v)")" $'{"k":"a","v":"1"}\n{"k":"b","v":"x"}'
	same "$(sql "SELECT * FROM jsonb_each('{\"a\":1,\"b\":\"x\"}')")" $'{"key":"a","value":1}\n{"key":"b","value":"x"}'
	same "$(sql "SELECT * FROM json_object_keys('{\"a\":1,\"b\":2}') k")" $'{"k":"a"}\n{"k":"b"}'
	same "$(sql "SELECT * FROM regexp_matches('foo bor', '(o)(.)', 'g') m")" $'{"m":["o","o"]}\n{"m":["o","r"]}'
	same "$(sql "SELECT s FROM regexp_split_to_table('a1b22c', '[0-9]+') s; SELECT s FROM string_to_table('p,,q', ',', '') s")" \
		$'{"s":"a"}\n{"s":"b"}\n{"s":"c"}\n{"s":"p"}\n{"s":null}\n{"s":"q"}'
	refuses 22023 'not a JSON array: "\{\}"' "SELECT * FROM json_array_elements('{}')"
	refuses 22023 'not a JSON object: "3"' "SELECT * FROM json_object_keys('3')"
	refuses 22P02 'malformed array literal: "\{1"' "SELECT * FROM unnest('{1')"
	refuses 22P02 'malformed array literal: "none"' "SELECT * FROM unnest('none')"
	refuses 0A000 'LATERAL' 'SELECT * FROM u, LATERAL (SELECT u.id) x'
}

@test "arrays are written, indexed and compared with as in PostgreSQL" {
	table <<-'E'
		ARRAY[1, 2] => [1,2]
		ARRAY['a]', 'b;c', ARRAY[1, NULL]] => ["a]","b;c",[1,null]]
		'{1,2}'::int[] => [1,2]
		CAST('{a,"b c"}' AS text[]) => ["a","b c"]
		'{}'::int[] => []
		(ARRAY[5, 6])[2] => 6
		array_length(ARRAY[1, 2], 1) => 2
		array_length('{}', 1) IS NULL => true
		cardinality('[1,2,3]') => 3
		array_to_string(ARRAY[1, NULL, 'b', ARRAY[2]], '-') => 1-b-2
		array_to_string(ARRAY[1, NULL, 2.5], ', ', '?') => 1, ?, 2.5
		string_to_array('a,b,', ',') => ["a","b",""]
		string_to_array('abé', NULL) => ["a","b","é"]
		string_to_array('a b', '') => ["a b"]
		string_to_array('', ',') => []
		2 = ANY(ARRAY[1, 2]) => true
		2 = ANY('{1,3}') => false
		'b' <> ALL('{a,c}'::text[]) => true
		2 = ANY (SELECT id FROM u) => true
		4 <> ALL (SELECT id FROM u) => true
		'{"a":[1,{"b":2}]}' #>> '{a,1,b}' => 2
		'{"a":[1,{"b":2}]}' #> '{a,1}' => {"b":2}
	E
	same "$(sql "SELECT id, tags[1] FROM u WHERE id = ANY('{1,2}') ORDER BY id; SELECT id FROM u WHERE name = ANY(ARRAY['eve', 'zed'])")" \
		$'{"id":1,"tags":"a"}\n{"id":2,"tags":null}\n{"id":3}'
	same "$(sql "PREPARE p AS SELECT id FROM u WHERE id = ANY(\$1) ORDER BY id; EXECUTE p('{3,1}')")" $'{"id":1}\n{"id":3}'
	same "$(sql 'SELECT a[2] AS s FROM (SELECT ARRAY[1, 2] AS a) x; SELECT [id] FROM u WHERE [id] = 1')" $'{"s":2}\n{"id":1}'
	run driftdb sql -d db -q -e "EXPLAIN SELECT * FROM u WHERE id = ANY('{1,2}')"
	says 'SEARCH u USING PRIMARY KEY'
	refuses 0A000 'a comparison with ALL' 'SELECT 1 > ALL (SELECT id FROM u)'
	refuses 0A000 'a comparison with ANY' 'SELECT 1 < ANY (SELECT id FROM u)'
	same "$(sql 'SELECT ARRAY(SELECT id FROM u ORDER BY id DESC) AS a, ARRAY(SELECT 1 WHERE FALSE) AS b')" '{"a":[3,2,1],"b":[]}'
	refuses 0A000 'a subscript below 1' 'SELECT tags[0] FROM u'
	refuses 0A000 'the operator \^, which is power\(\)' 'SELECT 2 ^ 3'
	refuses 0A000 "a path that is not a text like" 'SELECT tags #> name FROM u'
}

@test "queries and VALUES in FROM take names for their columns" {
	same "$(sql "SELECT t.n, s FROM (VALUES (1, 'a'), (2, 'b')) AS t (n, s) WHERE n = 2; SELECT n FROM (SELECT id, name FROM u) q(i, n) WHERE i = 1")" \
		$'{"n":2,"s":"b"}\n{"n":"ann"}'
	same "$(sql "UPDATE u SET name = v.b FROM (VALUES (1, 'Ann'), (2, 'Bob')) AS v (a, b) WHERE u.id = v.a RETURNING u.id, name")" \
		$'{"id":1,"name":"Ann"}\n{"id":2,"name":"Bob"}'
	same "$(sql "SELECT count(*) AS c FROM u JOIN (SELECT id FROM u FOR SYSTEM_TIME AS OF 3) AS old (k) ON old.k = u.id")" '{"c":3}'
	same "$(sql "SELECT x FROM (SELECT y + 1 FROM (SELECT 1) AS a (y)) AS b (x)")" '{"x":2}'
	refuses 0A000 'a type in a list of columns' 'SELECT * FROM (SELECT 1) AS t (a int)'
	refuses 42601 'syntax error' 'SELECT * FROM (SELECT 1) AS t (1)'
}

# What to_char answers is from PostgreSQL 15's manual, table 9.31.
@test "numbers are printed by patterns, and read by them" {
	table <<-'E'
		'[' || to_char(-0.1, '99.99') || ']' => [  -.10]
		'[' || to_char(-0.1, 'FM9.99') || ']' => [-.1]
		'[' || to_char(0.1, '0.9') || ']' => [ 0.1]
		'[' || to_char(12, '9990999.9') || ']' => [    0012.0]
		'[' || to_char(12, 'FM9990999.9') || ']' => [0012.]
		'[' || to_char(485, '999') || ']' => [ 485]
		'[' || to_char(-485, '999') || ']' => [-485]
		'[' || to_char(485, '9 9 9') || ']' => [ 4 8 5]
		'[' || to_char(1485, '9,999') || ']' => [ 1,485]
		'[' || to_char(148.5, '999.999') || ']' => [ 148.500]
		'[' || to_char(148.5, 'FM999.999') || ']' => [148.5]
		'[' || to_char(148.5, 'FM999.990') || ']' => [148.500]
		'[' || to_char(3148.5, '9G999D999') || ']' => [ 3,148.500]
		'[' || to_char(-485, '999S') || ']' => [485-]
		'[' || to_char(-485, '999MI') || ']' => [485-]
		'[' || to_char(485, '999MI') || ']' => [485 ]
		'[' || to_char(485, 'FM999MI') || ']' => [485]
		'[' || to_char(485, 'PL999') || ']' => [+485]
		'[' || to_char(485, 'SG999') || ']' => [+485]
		'[' || to_char(-485, 'SG999') || ']' => [-485]
		'[' || to_char(-485, '999PR') || ']' => [<485>]
		'[' || to_char(485, '"Good number:"999') || ']' => [Good number: 485]
		'[' || to_char(485.8, '"Pre:"999" Post:" .999') || ']' => [Pre: 485 Post: .800]
		'[' || to_char(1234, '999') || ']' => [ ###]
		'[' || to_char(1234.567, 'FM9,999.00') || ']' => [1,234.57]
		'[' || to_char(0, '999') || ']' => [   0]
		'[' || to_char(12, 'S9999') || ']' => [  +12]
		'[' || to_char(9223372036854775807, 'FM9999999999999999999') || ']' => [9223372036854775807]
		to_number('12,454.8-', '99G999D9S') => -12454.8
		to_number('-1,234', '9,999') => -1234
		to_number('$42', 'L99') IS NULL => false
		to_number('<7>', '9PR') => -7
		trunc(-1.7) => -1.0
		trunc(1.777, 2) => 1.77
		trunc(5) => 5
		cbrt(27) => 3.0
		gcd(12, -18) => 6
		lcm(4, 6) => 12
		lcm(0, 6) => 0
		num_nulls(1, NULL, NULL) => 2
		num_nonnulls(1, NULL, 'a') => 2
	E
	refuses 0A000 "to_char's pattern EEEE" "SELECT to_char(1.5, '9.9EEEE')"
	refuses 22P02 'numeric: "abc"' "SELECT to_number('abc', '999')"
	refuses 22003 'integer out of range' 'SELECT lcm(9223372036854775807, 2)'
}

@test "times are read by patterns, and made of parts" {
	table <<-'E'
		to_date('2025-01-31', 'YYYY-MM-DD') => 2025-01-31
		to_date('05 Dec 2000', 'DD Mon YYYY') => 2000-12-05
		to_date('31/1/99', 'DD/MM/YY') => 1999-01-31
		to_date('20250131', 'YYYYMMDD') => 2025-01-31
		to_date('2025-60', 'YYYY-DDD') => 2025-03-01
		to_date('Tuesday, 4 March 2025', 'Day, DD Month YYYY') => 2025-03-04
		to_timestamp('2025-01-31 22:11', 'YYYY-MM-DD HH24:MI') => 2025-01-31T22:11:00Z
		to_timestamp('2025-01-31T22:11:05.25', 'YYYY-MM-DD"T"HH24:MI:SS.MS') => 2025-01-31T22:11:05.25Z
		to_timestamp('10:15 p.m. 2.1.2025', 'HH12:MI p.m. DD.MM.YYYY') => 2025-01-02T22:15:00Z
		to_timestamp('12:15 AM 2.1.2025', 'HH:MI AM DD.MM.YYYY') => 2025-01-02T00:15:00Z
		to_timestamp(0) => 1970-01-01T00:00:00Z
		make_date(2024, 2, 29) => 2024-02-29
		make_timestamp(2025, 1, 2, 3, 4, 5.5) => 2025-01-02T03:04:05.5Z
		age('2025-03-01', '2024-01-31') => 1 year 1 mon 1 day
		age('2024-01-31', '2025-03-01') => -1 years -1 mons -1 days
		age('2025-01-01 10:00', '2025-01-01 09:59:30.5') => 00:00:29.5
		age('2025-01-01', '2025-01-01') => 00:00:00
		age(current_date) => 00:00:00
	E
	refuses 22007 '"2025-13-01" is no time by the pattern "YYYY-MM-DD"' "SELECT to_date('2025-13-01', 'YYYY-MM-DD')"
	refuses 22007 'no time' "SELECT to_date('2025-02-30', 'YYYY-MM-DD')"
	refuses 22007 'no time' "SELECT to_timestamp('soon', 'HH24:MI')"
	refuses 22007 'date field value out of range: 2025-02-29' 'SELECT make_date(2025, 2, 29)'
	refuses 0A000 'the pattern "J" is not supported' "SELECT to_date('2460000', 'J')"
}

@test "bytes, quoted texts and JSON are made as PostgreSQL's functions make them" {
	table <<-'E'
		encode('abc', 'hex') => 616263
		encode('abcd', 'base64') => YWJjZA==
		length(encode(repeat('a', 60)::bytea, 'base64')) => 81
		encode('', 'hex') => 
		decode('616263', 'hex')::text => abc
		encode(decode('YW Jj', 'base64'), 'hex') => 616263
		decode(encode('árvíz', 'base64'), 'base64')::text => árvíz
		to_hex(255) => ff
		quote_literal('it''s') => 'it''s'
		quote_nullable(NULL) => NULL
		quote_ident('a b') => "a b"
		quote_ident('plain') => plain
		ascii('é') => 233
		bit_length('é') => 16
		json_build_object('a', 1, 'b', json_build_array(1, 'x')) => {"a":1,"b":[1,"x"]}
		jsonb_array_length('[1,2]') => 2
		(SELECT json_object_agg(name, id) FROM u) => {"ann":1,"bob":2,"eve":3}
		to_json('a"b') => "a\\"b"
		to_jsonb(TRUE) => true
		json_typeof('{}') => object
		json_typeof(' [1]') => array
		jsonb_typeof('"s"') => string
		jsonb_typeof('1.5') => number
		jsonb_typeof('null') => null
		jsonb_typeof('false') => boolean
	E
	refuses 22023 'unrecognized encoding: "rot13"' "SELECT encode('a', 'rot13')"
	refuses 22023 'invalid hex data: "6g"' "SELECT decode('6g', 'hex')"
	refuses 22023 'invalid base64 data: "abc"' "SELECT decode('abc', 'base64')"
	refuses 22P02 'type json: "{"' "SELECT json_typeof('{')"
}

@test "aggregates take their values in order, and each once" {
	sql "CREATE TABLE p (id INT PRIMARY KEY, g TEXT, v INT, w TEXT);
		INSERT INTO p VALUES (1, 'a', 3, 'x'), (2, 'a', 1, 'y'), (3, 'b', NULL, 'x'), (4, 'b', 2, NULL), (5, 'b', 2, 'z')"
	same "$(sql "SELECT string_agg(w, ',' ORDER BY id DESC) AS x FROM p")" '{"x":"z,x,y,x"}'
	same "$(sql "SELECT g, string_agg(w || '!', '; ' ORDER BY v NULLS LAST, id) AS x, count(*) AS n FROM p GROUP BY g ORDER BY g")" \
		$'{"g":"a","x":"y!; x!","n":2}\n{"g":"b","x":"z!; x!","n":3}'
	same "$(sql 'SELECT array_agg(v ORDER BY v DESC, id) AS a, array_agg(v ORDER BY v DESC NULLS FIRST) AS b, json_agg(id ORDER BY w NULLS LAST, id DESC) AS c FROM p')" \
		'{"a":[3,2,2,1,null],"b":[null,3,2,2,1],"c":[3,1,2,5,4]}'
	same "$(sql "SELECT string_agg(DISTINCT w, ',') AS a, string_agg(DISTINCT w, ',' ORDER BY w DESC) AS b, array_agg(DISTINCT v ORDER BY v DESC) AS c FROM p")" \
		'{"a":"x,y,z","b":"z,y,x","c":[3,2,1,null]}'
	same "$(sql "SELECT string_agg(w, ',' ORDER BY lower(w), id) FILTER (WHERE id > 1) AS x, jsonb_agg(CASE WHEN v > 1 THEN v END ORDER BY 0 - id) AS y FROM p")" \
		'{"x":"x,y,z","y":[2,2,null,null,3]}'
	same "$(sql "SELECT string_agg(w, ',' ORDER BY id) AS x, array_agg(w ORDER BY id) AS y FROM p WHERE FALSE")" '{"x":null,"y":null}'
	same "$(sql "SELECT string_agg(g::text, '' ORDER BY g) AS x FROM generate_series(1, 12) g")" '{"x":"123456789101112"}'
	same "$(sql "SELECT length(string_agg(g::text, ',' ORDER BY 0 - g)) AS x FROM generate_series(1, 200000) g")" '{"x":1288894}'
	refuses 42P10 'in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list' "SELECT string_agg(DISTINCT w, ',' ORDER BY id) FROM p"
	refuses 42601 'at or near "\)"' "SELECT string_agg(w, ',' ORDER BY) FROM p"
	refuses 42601 'at or near "ORDER"' "SELECT sum(v ORDER BY v) FROM p"
	refuses 54000 'too big' "SELECT string_agg(repeat('x', 1000), ',' ORDER BY g) FROM generate_series(1, 20000) g"
}

@test "bytes that are no characters do not keep a function busy" {
	same "$(timeout $((60 * SLOW)) driftdb sql -d db --quiet -e "SELECT lpad('a', 5, decode('80', 'hex')) AS l, rpad('b', 5, decode('8080', 'hex')) AS r")" \
		'{"l":"a","r":"b"}'
	same "$(sql "SELECT right('abc', -9223372036854775808) AS r, left('abc', -9223372036854775808) AS l")" '{"r":"","l":""}'
}
