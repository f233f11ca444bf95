#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a PostgreSQL user writes without thinking of it. The answers are PostgreSQL 15's.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	driftdb sql -d db --quiet -e "CREATE TABLE t (id int PRIMARY KEY, ok boolean, n int, x double precision, s text, j jsonb)"
}

# ids CONDITION: of the rows of t that meet it
ids()
{
	driftdb sql -d db --quiet --format tsv -e "SELECT string_agg(id::text, ' ' ORDER BY id) AS ids FROM t WHERE $1" | sed 1d
}

@test "a text is taken for a number or a boolean where a column of those is written" {
	sql "INSERT INTO t (id, ok, n, x) VALUES (1, 't', '42', '1.5'), ('2', 'no', 7, ' 2 '), (3, '0', 6 / 2.0, 3), (4, 'Y', -1e3, NULL)"
	same "$(sql "UPDATE t SET n = '43', ok = 'off' WHERE id = 1; SELECT id, ok, n, x FROM t")" \
'{"id":1,"ok":false,"n":43,"x":1.5}
{"id":2,"ok":false,"n":7,"x":2.0}
{"id":3,"ok":false,"n":3,"x":3.0}
{"id":4,"ok":true,"n":-1000,"x":null}'
	refuses 22P02 'type integer: "abc"' "INSERT INTO t (id, n) VALUES (9, 'abc')"
	refuses 22P02 'type integer: "1.5"' "INSERT INTO t (id, n) VALUES (9, '1.5')"
	refuses 22P02 'type real: "1x"' "UPDATE t SET x = '1x'"
	refuses 22P02 'type boolean: "maybe"' "UPDATE t SET ok = 'maybe'"
}

@test "a boolean column is compared with 't' and 'false'" {
	sql "INSERT INTO t (id, ok, s) VALUES (1, true, 'true'), (2, false, 'f'), (3, NULL, 't')"
	same "$(ids "ok = 't'")" 1
	same "$(ids "'false' = t.ok")" 2
	same "$(ids "t.ok <> 'n'")" 1
	same "$(ids "ok IN ('f', 'yes')")" '1 2'
	same "$(ids "ok NOT IN ('f')")" 1
	same "$(ids "s = 't'")" 3
	refuses 22P02 'type boolean: "maybe"' "SELECT id FROM t WHERE ok = 'maybe'"
}

@test "what ->> answers is a text where a text stands beside it" {
	sql "INSERT INTO t (id, j) VALUES (1, '{\"n\": 5, \"p\": true, \"s\": \"str\", \"z\": null, \"o\": {\"q\": [1, \"b\"]}}'), (2, '{\"n\": \"5\", \"p\": \"true\"}'), (3, NULL)"
	same "$(ids "j->>'n' = '5'")" '1 2'
	same "$(ids "(j->>'n') IN ('5', '6')")" '1 2'
	same "$(ids "'true' = j->>'p'")" '1 2'
	same "$(ids "j->'o'->'q'->>0 = '1'")" 1
	same "$(ids "j #>> '{o,q,1}' = 'b'")" 1
	same "$(ids "j->>'z' = 'null'")" '\N'
	same "$(ids "(j->>'n')::int > 4")" '1 2'
	same "$(ids "j->>'n' > 4 AND id = 1")" 1
	same "$(sql "SELECT j->>'p' || '!' AS p FROM t WHERE id = 1")" '{"p":"true!"}'
	same "$(sql "PREPARE q AS SELECT id FROM t WHERE j->>'n' = \$1; EXECUTE q('5')")" $'{"id":1}\n{"id":2}'
}

@test "a boolean beside || and in JSON is true, not 1" {
	sql "INSERT INTO t (id, ok, n) VALUES (1, true, 9)"
	same "$(sql "SELECT 'x' || ok AS a, ok || 'y' AS b, 'a' || ok || 'b' AS c, 'n' || (n > 8) AS d, 'v' || FALSE AS e FROM t")" \
		'{"a":"xtrue","b":"truey","c":"atrueb","d":"ntrue","e":"vfalse"}'
	same "$(sql "SELECT concat(ok, 1, FALSE) AS a, concat_ws('-', ok, 'a') AS b FROM t")" '{"a":"t1f","b":"t-a"}'
	same "$(sql "SELECT json_build_array(1::boolean, CAST('f' AS boolean)) AS a, to_json('t'::bool) AS b")" '{"a":[true,false],"b":true}'
}

@test "equal times are equal, however they are spelled" {
	sql "CREATE TABLE e (id int PRIMARY KEY, ts timestamp, d date, tz timestamptz); CREATE INDEX ON e (ts);
		INSERT INTO e VALUES (1, '2024-01-15 10:00:00', '2024-01-15', '2024-01-15 10:00:00+02'),
		(2, timestamp '2024-01-15 10:00:00', date '2024-01-15', timestamptz '2024-01-15 10:00:00+02'),
		(3, '2024-01-15', '2024-01-15 23:00:00', '2024-01-15T12:00:00Z'),
		(4, '2024-01-15T09:30:00.5', '2024-01-16', '2024-01-15')"
	are()
	{
		same "$(driftdb sql -d db -q --format tsv -e "SELECT string_agg(id::text, '' ORDER BY id) FROM e WHERE $2" | sed 1d)" "$1"
	}
	are 12 "ts = '2024-01-15 10:00:00'"
	are 12 "ts = '2024-01-15 10:00' AND ts = timestamp '2024-01-15T10:00:00Z'"
	are 34 "e.ts < '2024-01-15 10:00:00'"
	are 34 "ts BETWEEN '2024-01-15' AND '2024-01-15 09:45'"
	are 123 "d IN ('2024-01-15') AND d = '2024-01-15 05:00' AND '2024-01-15' = d"
	are 12 "tz = '2024-01-15 08:00:00'"
	are 3 "ts = d"
	are 124 "ts > d OR ts > d + 0 OR id = 4"
	are 3 "ts <= date '2024-01-15' AND d >= ts"
	are 1234 "row_start > '2024-01-15 10:00' AND ts < now()::date - 7"
	same "$(sql 'SELECT id FROM e ORDER BY tz, id LIMIT 1; SELECT d, count(*) AS n FROM e GROUP BY d')" \
		$'{"id":4}\n{"d":"2024-01-15","n":3}\n{"d":"2024-01-16","n":1}'
	same "$(sql "PREPARE p AS SELECT count(*) AS n FROM e WHERE ts = \$1; EXECUTE p('2024-01-15 10:00')")" '{"n":2}'
	refuses 22007 'invalid input syntax for type timestamp: "garbage"' "SELECT id FROM e WHERE ts = 'garbage'"
	printf 'id,ts,d\n6,2024-01-15 10:00,2024-01-17\n' >rows.csv
	driftdb ingest -q -d db -t e -f rows.csv
	are 126 "ts = '2024-01-15 10:00:00'"
}

@test "days are added to a date, and lie between two" {
	sql "CREATE TABLE e (id int PRIMARY KEY, d date, ts timestamp); INSERT INTO e VALUES (3, '2024-02-28', now())"
	same "$(sql "SELECT d + 1 - 1 AS a, d + 2 * 3 AS b, d - d AS c, d - date '2024-01-01' AS e, date '2024-03-01' - 1 AS f, d - id + 1 AS g, (d + 1) - d AS h FROM e")" \
		'{"a":"2024-02-28","b":"2024-03-05","c":0,"e":58,"f":"2024-02-29","g":"2024-02-26","h":1}'
	same "$(sql 'SELECT now()::date - current_date AS a, current_date - 7 < current_date AS b, 3 - 1 AS c, -id AS d, id * -2 + 5 AS e FROM e')" \
		'{"a":0,"b":true,"c":2,"d":-3,"e":-1}'
	refuses 0A000 'computing with a time other than' 'SELECT ts + 1 FROM e'
	refuses 0A000 'computing with a time other than' 'SELECT ts - ts FROM e'
	refuses 0A000 'computing with a time other than' "SELECT d + 'x' FROM e"
	refuses 22007 'invalid' "SELECT d - 'x'::date FROM e"
}

@test "JSON is put together, taken from and asked what it contains" {
	sql "INSERT INTO t (id, n, s, j) VALUES (1, 5, 'str', '{\"a\": 1, \"b\": [1, 2], \"o\": {\"x\": 1, \"y\": 2}}'), (2, 6, 'k', '[1, \"k\", 3]'), (3, NULL, NULL, NULL)"
	sql "UPDATE t SET j = j || '{\"c\": 3, \"a\": 9}'::jsonb || jsonb_build_object('e', n) WHERE id = 1; UPDATE t SET j = j - 'c' - 'b' WHERE id = 1"
	same "$(sql 'SELECT j FROM t WHERE id = 1')" '{"j":{"o":{"x":1,"y":2},"a":9,"e":5}}'
	same "$(sql "SELECT j || '[4]' AS a, j - 'k' AS b, j - 0 AS c, j - -1 AS d, j || '{\"a\": 1}' AS e, j || NULL AS f FROM t WHERE id = 2")" \
		'{"a":[1,"k",3,4],"b":[1,3],"c":["k",3],"d":[1,"k"],"e":[1,"k",3,{"a":1}],"f":null}'
	same "$(ids "j @> '{\"o\": {\"x\": 1}}' AND NOT j @> '{\"o\": {\"x\": 2}}'")" 1
	same "$(ids "j @> '[3, 1]' AND j @> '1.0'")" 2
	same "$(ids "'{\"a\": 9}' <@ j AND j->'o' @> '{\"y\": 2}'")" 1
	same "$(sql "SELECT j->'o' || '{\"z\": 3}' @> '{\"z\": 3}' AS a, j->>'a' || '!' AS b, 'x' || (j->>'a') AS c, s || '-' || n AS d, n - 1 - id AS e FROM t WHERE id = 1")" \
		'{"a":true,"b":"9!","c":"x9","d":"str-5","e":3}'
	same "$(sql 'SELECT ARRAY[1, 2] @> ARRAY[2] AS a, ARRAY[1] @> ARRAY[3] AS b')" '{"a":true,"b":false}'
	refuses 22P02 'type json: "garbage"' "SELECT j @> 'garbage' FROM t"
	refuses 22023 'cannot delete from object using integer index' 'SELECT j - 1 FROM t WHERE id = 1'
	refuses 54000 'too many members' "SELECT json_group_object('a' || value, 1) || json_group_object('b' || value, 1)::jsonb AS x FROM generate_series(1, 6000) AS g (value)"
}

# The names that PostgreSQL 15.18 gives these columns.
@test "a column without a name is called as in PostgreSQL" {
	while IFS= read -r line; do
		list=${line%% => *} names=${line##* => }
		run driftdb sql -d db --format csv -e "SELECT $list FROM (SELECT 1 AS n, 'a'::text AS s) x GROUP BY n, s"
		same "$status" 0
		same "${lines[0]}" "$names"
	done <<-'E'
		count(*), max(n), COUNT(DISTINCT n), n, x.n, x.s => count,max,count,n,n,s
		1, 'a', 1.5, NULL, true, 1 + 1, -n, n = 1, NOT (n = 1), n IS NULL, n IN (1) => ?column?,?column?,?column?,?column?,?column?,?column?,?column?,?column?,?column?,?column?,?column?
		n::text, '1'::int, (n)::text::int, CAST(n AS text), CAST('1' AS bigint), max(n)::text => n,int4,n,n,int8,max
		'1'::double precision, '1'::smallint, '1.5'::numeric(10, 2), 'x'::varchar(3), 'x'::char(1) => float8,int2,numeric,varchar,bpchar
		'2020-01-01'::timestamp with time zone, DATE '2020-01-01', jsonb '{"a": 1}', int '4' => timestamptz,date,jsonb,int4
		CASE WHEN n = 1 THEN 2 END, CASE WHEN n = 2 THEN 2 ELSE n END, CASE WHEN n = 2 THEN 2 ELSE 1 END => case,n,case
		(SELECT max(1)), (SELECT 1 AS zz), (SELECT 1), EXISTS (SELECT 1), ARRAY[1, 2], ARRAY(SELECT 1), (ARRAY[1, 2])[1] => max,zz,?column?,exists,array,array,array
		current_date, CURRENT_TIMESTAMP, now(), extract(year FROM now()), current_user => current_date,current_timestamp,now,extract,current_user
		trim(' a '), trim(BOTH 'x' FROM 'xax'), trim(LEADING 'x' FROM 'xa'), trim(TRAILING 'x' FROM 'xa') => btrim,btrim,ltrim,rtrim
		substring('abc' FROM 2), position('a' IN 'ba'), overlay('abc' PLACING 'X' FROM 2 FOR 1), UPPER(s) => substring,position,overlay,upper
		count(*) FILTER (WHERE n > 1), sum(n) OVER (ORDER BY n), mode() WITHIN GROUP (ORDER BY n) => count,sum,mode
		jsonb '{"a": 1}' -> 'a', s || 'b', greatest(1, 2), nullif(1, 2), coalesce(n, 0), (n), ((n)), (count(*)) => ?column?,?column?,greatest,nullif,coalesce,n,n,count
		n AS "N", n y, count(*) z, s COLLATE "C", pg_catalog.lower(s), '{1}'::int[], '{1}'::int[][1] => N,y,z,s,lower,int4,int4
	E
}

@test "such a name is known to ORDER BY, around the query, in a view and in RETURNING" {
	sql "INSERT INTO t (id, n, s) VALUES (1, 5, 'a'), (2, 5, 'b'), (3, 6, 'c')"
	same "$(sql 'SELECT n, count(*) FROM t GROUP BY n ORDER BY count DESC')" '{"n":5,"count":2}
{"n":6,"count":1}'
	same "$(sql 'SELECT count + 1 AS a, x.max FROM (SELECT count(*), max(n) FROM t) x')" '{"a":4,"max":6}'
	same "$(sql 'WITH c AS (SELECT count(*) FROM t) SELECT count FROM c')" '{"count":3}'
	sql 'CREATE VIEW v AS SELECT count(*), max(n) FROM t; CREATE TABLE made AS SELECT count(*), max(n) FROM t'
	same "$(sql 'SELECT count, max FROM v')" '{"count":3,"max":6}'
	same "$(sql 'SELECT count, max FROM made')" '{"count":3,"max":6}'
	same "$(sql 'UPDATE t SET n = 7 WHERE id = 1 RETURNING n + 1, upper(s)')" '{"?column?":8,"upper":"A"}'
	same "$(sql '(SELECT max(n) FROM t) UNION ALL (SELECT 1) ORDER BY max')" '{"max":1}
{"max":7}'
	refuses 42701 'column ".column." specified more than once' 'CREATE TABLE x AS SELECT 1, 2'
}

@test "an object of JSON has each name once" {
	same "$(sql 'SELECT 1, 2, 3 AS "?column?_2", 4 AS a, 5 AS a')" '{"?column?":1,"?column?_2":2,"?column?_2_2":3,"a":4,"a_2":5}'
	same "$(driftdb sql -d db --format csv -e 'SELECT 4 AS a, 5 AS a')" 'a,a
4,5'
}

@test "JSON is asked for its names, and ? stays a parameter where it is one" {
	sql "INSERT INTO t (id, j) VALUES (1, '{\"a\": 1, \"b\": [1]}'), (2, '[\"a\", \"c\", 3]'), (3, '\"a\"'), (4, '5'), (5, NULL)"
	same "$(ids "j ? 'a'")" '1 2 3'
	same "$(ids "j ?| ARRAY['b', 'c']")" '1 2'
	same "$(ids "j ?& '{a,c}'")" 2
	same "$(ids "NOT j ? 'a' OR j ? 'b'")" '1 4'
	same "$(ids "j ?& ARRAY[]")" '1 2 3 4'
	same "$(ids "j @> '\"a\"'")" '2 3'
	same "$(sql "PREPARE p AS SELECT count(*) FROM t WHERE j ? \$1; EXECUTE p('c'); PREPARE q AS SELECT ? || 'x' AS a, ? + 1 AS b, ? AS c; EXECUTE q('v', 2, 3)")" '{"count":1}
{"a":"vx","b":3,"c":3}'
	refuses 22P02 'malformed array' "SELECT j ?| 'a' FROM t"
	refuses 22P02 'type json' "SELECT '{' ? 'a'"
}

@test "keys are made by gen_random_uuid(), settings by set_config()" {
	sql 'CREATE TABLE made (id TEXT PRIMARY KEY DEFAULT gen_random_uuid(), n INT); INSERT INTO made (n) VALUES (1), (2)'
	same "$(sql "SELECT count(DISTINCT id) FROM made WHERE id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\$'")" '{"count":2}'
	same "$(sql "SELECT set_config('application_name', 'x', FALSE); SHOW application_name")" '{"set_config":"x"}
{"application_name":"x"}'
	refuses 42704 'parameter "nope"' "SELECT set_config('nope', 'x', FALSE)"
	refuses 22023 'parameter "timezone"' "SELECT set_config('timezone', 'Europe/Berlin', FALSE)"
	refuses 0A000 'for the transaction only' "SELECT set_config('application_name', 'x', TRUE)"
}
