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
		$'{"id":1,"tags[1]":"a"}\n{"id":2,"tags[1]":null}\n{"id":3}'
	same "$(sql "PREPARE p AS SELECT id FROM u WHERE id = ANY(\$1) ORDER BY id; EXECUTE p('{3,1}')")" $'{"id":1}\n{"id":3}'
	same "$(sql 'SELECT a[2] AS s FROM (SELECT ARRAY[1, 2] AS a) x; SELECT [id] FROM u WHERE [id] = 1')" $'{"s":2}\n{"id":1}'
	run driftdb sql -d db -q -e "EXPLAIN SELECT * FROM u WHERE id = ANY('{1,2}')"
	says 'SEARCH u USING PRIMARY KEY'
	refuses 0A000 'a comparison with ALL' 'SELECT 1 > ALL (SELECT id FROM u)'
	refuses 0A000 'a comparison with ANY' 'SELECT 1 < ANY (SELECT id FROM u)'
	refuses 0A000 'ARRAY of a query' 'SELECT ARRAY(SELECT 1)'
	refuses 0A000 'a subscript below 1' 'SELECT tags[0] FROM u'
	refuses 0A000 'the operator @>' "SELECT tags @> '[]' FROM u"
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
