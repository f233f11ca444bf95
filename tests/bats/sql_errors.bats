#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every mistake is told with its SQLSTATE, PostgreSQL's words, the value, and the place.
load lib

setup()
{
	begin_test
	driftdb init db
	driftdb sql -d db --quiet -e "CREATE TABLE teams (id TEXT PRIMARY KEY, name VARCHAR(10) NOT NULL);
		CREATE TABLE users (id INT PRIMARY KEY, email TEXT UNIQUE, age INT CHECK (age >= 0), team TEXT REFERENCES teams, ok BOOLEAN, at TIMESTAMP, j JSON);
		CREATE TABLE events (pk=id); INSERT INTO events {\"id\": \"a\", \"type\": \"x\"};
		INSERT INTO users (id, email) VALUES (1, 'ann@x')"
}

# Lines of "statement => what is said", the place marked in the statement by «; the
# mark is not sent. "... ?name" is the hint.
mistakes()
{
	local line statement wanted caret failed=0

	while IFS= read -r line; do
		statement=${line%% => *}
		wanted="ERROR ${line#* => }"
		caret=
		if [[ "$statement" == *«* ]]; then
			caret=${statement%%«*}
			caret=$'\n'"${statement/«/}"$'\n'"${caret//?/ }^"
		fi
		if [[ "$wanted" == *' ?'* ]]; then
			caret+=$'\n'"HINT: Perhaps you meant \"${wanted##* \?}\"."
			wanted=${wanted% \?*}
		fi
		run driftdb sql -d db --quiet -e "${statement/«/}"
		same "$output" "$wanted$caret" && [ "$status" -eq 1 ] || failed=1
	done
	return "$failed"
}

@test "what is not SQL is told with its place" {
	mistakes <<-'E'
		«SELEC 1 => 42601: syntax error at or near "SELEC"
		SELECT 1 +« => 42601: syntax error at end of input
		SELECT (1« => 42601: syntax error at end of input
		TABLE teams «WHERE id = 1 => 42601: syntax error at or near "WHERE"
		TABLE teams«, teams => 42601: syntax error at or near ","
		CREATE TABLE r (id INT PRIMARY KEY, t INT REFERENCES teams ON DELETE CASCADE «ON DELETE SET NULL) => 42601: syntax error at or near "ON"
		INSERT INTO teams VALUES («) => 42601: syntax error at or near ")"
		SELECT substring('abc' FROM 1« => 42601: syntax error at end of input
		SELECT 1«) => 42601: syntax error at or near ")"
		SELECT * «FORM users => 42601: syntax error at or near "FORM"
		INSERT INTO events «3 => 42601: syntax error at or near "3"
		DELETE «users => 42601: syntax error at or near "users"
		CREATE TABLE z («) => 42601: syntax error at or near ")"
		SELECT * FROM users FOR SYSTEM_TIME BETWEEN 1« => 42601: syntax error at end of input
		SELECT * FROM users FOR SYSTEM_TIME CONTAINED IN «1, 2 => 42601: syntax error at or near "1"
		SHOW DRIFT users« => 42601: syntax error at end of input
		PATCH users KEY 1 SET «3 => 42601: syntax error at or near "3"
		TAG a «b => 42601: syntax error at or near "b"
		EXPLAIN« => 42601: syntax error at end of input
		EXPLAIN «DROP TABLE users => 42601: syntax error at or near "DROP"
		COMMIT «AND CHAIN => 42601: syntax error at or near "AND"
		PREPARE p AS «SELEC 1 => 42601: syntax error at or near "SELEC"
		VALUES (1), (2, 3) => 42601: VALUES lists must all be the same length
		INSERT INTO users (id, email) VALUES (1) => 42601: INSERT has more target columns than expressions
		INSERT INTO users (id) VALUES (1, 2) => 42601: INSERT has more expressions than target columns
		SELECT id FROM users UNION SELECT id, age FROM users => 42601: each UNION query must have the same number of columns
		SELECT (SELECT id, age FROM users) => 42601: subquery must return only one column
	E
}

@test "a name that is not there is told, with the one that is like it" {
	mistakes <<-'E'
		SELECT * FROM «user => 42P01: relation "user" does not exist ?users
		SELECT id, count(*) FROM «"" => 42P01: relation "" does not exist
		SELECT «emial FROM users => 42703: column "emial" does not exist ?email
		SELECT «u.emali FROM users u => 42703: column "u.emali" does not exist ?email
		SELECT «tpye FROM events => 42703: column "tpye" does not exist ?type
		SELECT «zzzz FROM users => 42703: column "zzzz" does not exist
		INSERT INTO «usres VALUES (1) => 42P01: relation "usres" does not exist ?users
		INSERT INTO users (id, «emial) VALUES (9, 'x') => 42703: column "emial" of relation "users" does not exist ?email
		INSERT INTO users «{"id": 9, "nope": 1} => 42703: column "nope" of relation "users" does not exist
		UPDATE users SET «agee = 1 => 42703: column "agee" does not exist ?age
		DELETE FROM «evnets => 42P01: relation "evnets" does not exist ?events
		SELECT «id FROM users, teams => 42702: column reference "id" is ambiguous
		SELECT * FROM users JOIN teams USING («nope) => 42703: column "nope" specified in USING clause does not exist in both tables ?name
		CREATE INDEX ON users («nope) => 42703: column "nope" does not exist
		CREATE VIEW v AS SELECT «nope FROM users => 42703: column "nope" does not exist
		CREATE TABLE z (id INT CHECK («nope > 1)) => 42703: column "nope" does not exist
		CREATE TABLE z (id «INTT) => 42704: type "INTT" does not exist
		ALTER TABLE «usres ADD COLUMN x INT => 42P01: relation "usres" does not exist ?users
		ALTER TABLE users DROP COLUMN «nope => 42703: column "nope" of relation "users" does not exist
		DROP TABLE «evens => 42P01: table "evens" does not exist ?events
		DROP INDEX «nope => 42704: index "nope" does not exist
		TRUNCATE «teems => 42P01: relation "teems" does not exist ?teams
		SHOW DRIFT «event KEY 1 => 42P01: relation "event" does not exist ?events
		SOFT DELETE FROM «event KEY 1 => 42P01: relation "event" does not exist ?events
		SNAPSHOT «user => 42P01: relation "user" does not exist ?users
		ANALYZE «user => 42P01: relation "user" does not exist ?users
		SELECT «nofunc(1) => 42883: function nofunc does not exist
		SELECT «upper() => 42883: function upper() does not take that many arguments
		SHOW «nope => 42704: unrecognized configuration parameter "nope"
		SET nope = 1 => 42704: unrecognized configuration parameter "nope"
		«EXECUTE nope => 26000: prepared statement "nope" does not exist
		SELECT * FROM users AS OF «@tag:nope => 22007: no tag "nope"
	E
}

@test "a value that cannot be is told" {
	mistakes <<-'E'
		INSERT INTO users (id) VALUES ('abc') => 22P02: invalid input syntax for type integer: "abc"
		INSERT INTO users (id, ok) VALUES (9, 'maybe') => 22P02: invalid input syntax for type boolean: "maybe"
		INSERT INTO users (id, at) VALUES (9, 'soonish') => 22P02: invalid input syntax for type timestamp: "soonish"
		INSERT INTO users (id, j) VALUES (9, '{bad') => 22P02: invalid input syntax for type json: "{bad" (a name or '}' is expected)
		INSERT INTO events {"id": «} => 22P02: a value is expected
		INSERT INTO events «{"x": 1} => 22023: key "id" of a row of "events" is missing or null
		INSERT INTO events «{"id": [1]} => 22P02: key "id" must be a string or an integer
		PATCH users KEY «'abc' SET {"age": 1} => 22P02: invalid key: "abc"
		SET statement_timeout = 'abc' => 22023: invalid value for parameter "statement_timeout": "abc"
		SELECT * FROM users FOR SYSTEM_TIME AS OF «'garbage' => 22007: invalid moment: "garbage"
		SELECT * FROM users AS OF «@SEQ:abc => 22007: invalid moment: "@SEQ:abc"
		INSERT INTO teams VALUES ('q', 'far too long') => 22001: value too long for type character varying(10)
		SELECT id FROM users ORDER BY 9 => 42P10: ORDER BY position is not in select list
		SELECT id FROM users GROUP BY 9 => 42P10: GROUP BY position is not in select list
	E
	run driftdb sql -d db -q -e "SELECT 'abc'::int"
	says '^ERROR 22P02: invalid input syntax for type integer: "abc"$'
	run driftdb sql -d db -q -e 'SELECT mod(1, 0)'
	says '^ERROR 22012: division by zero$'
	run driftdb sql -d db -q -e "SELECT 1 LIMIT 'x'"
	says '^ERROR 22P02: a LIMIT or OFFSET must be an integer$'
}

@test "a constraint that a row breaks is named, with the row's key or value" {
	mistakes <<-'E'
		INSERT INTO users (id) VALUES (1) => 23505: duplicate key value violates PRIMARY KEY "users": Key (id)=(1) already exists.
		INSERT INTO users (email) VALUES ('x') => 23502: null value in column "id" of relation "users" violates not-null constraint
		INSERT INTO teams (id) VALUES ('q') => 23502: null value in column "name" of relation "teams" violates not-null constraint
		INSERT INTO users (id, age) VALUES (9, -1) => 23514: new row for relation "users" violates check constraint "users_age_check"
		INSERT INTO users (id, team) VALUES (9, 'q') => 23503: insert or update on table "users" violates foreign key constraint "users_team_fkey": Key (team)=(q) is not present in table "teams".
		ALTER TABLE users DROP COLUMN id => 42P16: column "id" of relation "users" is in its primary key
		CREATE TABLE users (id INT) => 42P07: relation "users" already exists
		INSERT INTO users (id, email, «email) VALUES (2, 'a', 'b') => 42701: column "email" specified more than once
		INSERT INTO events (id, n, «n) VALUES ('b', 1, 2) => 42701: column "n" specified more than once
		UPDATE users SET age = 1, «age = 2 WHERE id = 1 => 42601: multiple assignments to same column "age"
		INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET age = 1, email = 'x', «age = 2 => 42601: multiple assignments to same column "age"
		ALTER TABLE users ADD COLUMN «age INT => 42701: column "age" of relation "users" already exists
		CREATE TABLE z (id INT PRIMARY KEY, PRIMARY KEY (id)) => 42P16: multiple primary keys for table "z" are not allowed
	E
	run driftdb sql -d db -q -e "INSERT INTO users (id, email) VALUES (9, 'ann@x')"
	says '^ERROR 23505: duplicate key value violates unique constraint "email" of "users": Key \(email\)=\(ann@x\) already exists'
	run driftdb sql -d db -q -e 'CREATE TABLE z (id INT, id TEXT)'
	says '^ERROR 42701: column "id" specified more than once'
}

@test "what is understood and not there is refused by its name" {
	mistakes <<-'E'
		«COPY users FROM STDIN => 0A000: COPY is not supported
		CREATE TABLE y AS «EXECUTE p => 42601: syntax error at or near "EXECUTE"
		DECLARE c «SCROLL CURSOR FOR SELECT 1 => 0A000: a SCROLL cursor is not supported
		FETCH «PRIOR FROM c => 0A000: fetching but forward is not supported
		SELECT id FROM users «FOR UPDATE => 0A000: FOR UPDATE is not supported
		SELECT 1 «INTO x => 0A000: SELECT INTO is not supported
		ALTER TABLE users «RENAME CONSTRAINT a TO b => 0A000: RENAME CONSTRAINT is not supported
		EXPLAIN (ANALYZE, «BUFFERS) SELECT 1 => 0A000: EXPLAIN's option BUFFERS is not supported
		EXPLAIN («FORMAT JSON) SELECT 1 => 0A000: EXPLAIN's option FORMAT is not supported
		EXPLAIN «VERBOSE SELECT 1 => 0A000: EXPLAIN's option VERBOSE is not supported
		SET LOCAL statement_timeout = 5 => 0A000: SET LOCAL statement_timeout is not supported
		SELECT sum(«count(*)) FROM users => 42803: aggregate function count() is not allowed here
		SELECT id FROM users WHERE «count(*) > 1 => 42803: aggregate function count() is not allowed here
		SELECT «rank() FROM users => 42803: window function rank() is not allowed here, or lacks its OVER clause
		SAVEPOINT x => 25P01: SAVEPOINT can only be used in transaction blocks
		RELEASE x => 25P01: RELEASE SAVEPOINT can only be used in transaction blocks
		BEGIN; DISCARD ALL => 25001: DISCARD ALL cannot run inside a transaction block
	E
}

@test "EXPLAIN's options, SHOW ALL, RESET ALL and DISCARD ALL are there" {
	run driftdb sql -d db -q -e 'EXPLAIN (ANALYZE, FORMAT TEXT) SELECT * FROM users'
	says 'actual rows=1'
	run driftdb sql -d db -q -e 'EXPLAIN (ANALYZE FALSE) SELECT * FROM users'
	says 'SCAN users'
	[[ "$output" != *actual* ]]
	run driftdb sql -d db -q --format csv -e "SET statement_timeout = '7s'; SHOW ALL; RESET ALL; SHOW statement_timeout"
	says '^statement_timeout,7s$'
	says '^30000$'
	run driftdb sql -d db -q -e 'PREPARE p AS SELECT 1; SET search_path = x; DISCARD ALL; SHOW search_path; EXECUTE p'
	says '"search_path":"public"'
	says '^ERROR 26000: prepared statement "p" does not exist'
}
