#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The daemon's PostgreSQL door: psql and driftdb as clients.
load lib

setup()
{
	begin_test
	new_mount
	psql_ -c 'CREATE TABLE events (pk=id, INDEX(type))' \
		-c 'INSERT INTO events {"id": "a", "type": "x", "n": 1, "ok": true}, {"id": "b", "tags": [1]}'
}

psql_()
{
	psql -X -h "$PWD/db" -p 5433 -At -v ON_ERROR_STOP=1 "$@"
}

@test "psql reads and writes, and the files show it" {
	same "$(psql_ -c "SELECT * FROM events WHERE type = 'x'")" 'a|x|1|t|'
	same "$(psql_ -c "UPDATE events SET n = 2.5 WHERE id = 'a'")" 'UPDATE 1'
	same "$(jq -c .n mnt/tables/events/rows/a.json)" 2.5
	echo '{"id":"c","n":7}' >mnt/tables/events/rows/c.json
	same "$(psql_ -c "SELECT n FROM events WHERE id = 'c'")" 7
	same "$(psql_ -c 'SELECT count(*) FROM events AS OF 2')" 2
}

@test "a script's statements answer one by one, and an error ends it" {
	run psql_ -c "SELECT 1; SELECT 2; SELECT 1/0; SELEC; SELECT 3"
	same "$status" 1
	says '^2$'
	says 'syntax error at or near "SELEC"'
	says 'LINE 1: SELECT 1; SELECT 2; SELECT 1/0; SELEC'
	[[ "$output" != *$'\n3'* ]]
}

@test "transactions follow PostgreSQL's rules" {
	run psql_ -v ON_ERROR_STOP=0 <<-'SQL'
		BEGIN;
		INSERT INTO events {"id": "z"};
		SELECT nope FROM events;
		SELECT 1;
		COMMIT;
		SELECT count(*) FROM events;
	SQL
	says 'column "nope" does not exist'
	says 'current transaction is aborted'
	says '^ROLLBACK$'
	says '^2$'
}

@test "BEGIN in a transaction and COMMIT outside of one are warned of, at every door" {
	begun='WARNING 25001: there is already a transaction in progress'
	none='WARNING 25P01: there is no transaction in progress'
	script='BEGIN; INSERT INTO events {"id": "w"}; BEGIN READ ONLY; COMMIT; COMMIT; ROLLBACK'

	psql_ -v VERBOSITY=verbose -c "$script" >out 2>warnings
	same "$(tr '\n' ' ' <out)" 'BEGIN INSERT 0 1 BEGIN COMMIT COMMIT ROLLBACK '
	same "$(sed -E 's/^(WARNING): +/\1 /' warnings)" "$begun
$none
$none"
	same "$(psql_ -c "DELETE FROM events WHERE id = 'w' RETURNING id")" "w
DELETE 1"
	run psql_ -c 'BEGIN; BEGIN READ ONLY; DELETE FROM events'
	says 'read-only transaction'
	run psql_ -c 'SET TRANSACTION READ ONLY'
	says '^WARNING: .*SET TRANSACTION can only be used in transaction blocks'
	says '^SET$'

	exec 5<>mnt/query
	echo 'BEGIN; BEGIN; INSERT INTO events {"id": "m"}; COMMIT;' >&5
	same "$(cat <&5)" "$begun
Transaction committed"
	echo 'ROLLBACK;' >&5
	same "$(cat <&5)" "$none"
	exec 5>&-
	same "$(driftdb sql -q -d db -e "$script" 2>&1)" "$begun
$none
$none"
	stop_mount
	same "$(driftdb sql -q -d db -e 'BEGIN; BEGIN; COMMIT; COMMIT; ROLLBACK' 2>&1)" "$begun
$none
$none"
	driftdb sql -d db -e 'COMMIT' >out
	same "$(cat out)" ''
}

@test "double quotes are identifiers for psql, strings for driftdb" {
	run psql_ -c 'SELECT id FROM events WHERE type="x"'
	same "$status" 1
	says 'column "x" does not exist'
	same "$(driftdb sql -d db -e 'SELECT id FROM events WHERE type="x"')" '{"id":"a"}'
}

@test "driftdb prints the same through the daemon as alone" {
	script='SELECT * FROM events; UPDATE events SET n = 3 WHERE id = "a"; SELECT n, tags FROM events'
	for format in json csv tsv table; do
		driftdb sql -d db --format $format -e "$script" >"through.$format"
	done
	run driftdb sql -d db -e 'SELECT * FORM events'
	through=$output
	stop_mount
	for format in json csv tsv table; do
		driftdb sql -d db --format $format -e "$script" >"alone.$format"
		[ "$format" = json ] || cmp "through.$format" "alone.$format"
	done
	run driftdb sql -d db -e 'SELECT * FORM events'
	same "$output" "$through"
}

@test "who wrote is who the kernel says" {
	PGUSER=somebody PGAPPNAME=teller psql_ -c 'INSERT INTO events {"id": "w"}'
	same "$(psql_ -c "SELECT _user FROM events WHERE id = 'w'")" "$(id -un)"
	stop_mount
	same "$(driftdb dump -d db --events | jq -r 'select(.pk == "w") | .client')" teller
}

@test "Ctrl-C ends the statement at the server" {
	endless='WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c'
	psql -X -h "$PWD/db" -p 5433 -At -c "$endless" >out 2>&1 &
	client=$!
	eventually 10 interrupted "$client"
	wait "$client" || :
	grep -q 'canceling statement due to user request' out
}

# Interrupt until the answer tells of it: the signal may come before the statement.
interrupted()
{
	ended "$1" && return
	[ "$(cat "/proc/$1/comm")" != psql ] || kill -INT "$1"
	grep -q canceling out
}

@test "the door is the owner's alone" {
	same "$(stat -c %a db/.s.PGSQL.5433)" 600
	[ "$(id -u)" = 0 ] || skip 'needs root to become somebody else'
	chmod 755 "$BATS_TEST_TMPDIR" db
	chmod 666 db/.s.PGSQL.5433
	run setpriv --reuid=65534 --clear-groups psql -X -h "$PWD/db" -p 5433 -U nobody -c 'SELECT 1'
	[ "$status" -ne 0 ]
	chmod 700 db
}

@test "psql's commands about tables show them" {
	psql_ -c "CREATE TABLE teams (id TEXT PRIMARY KEY, name VARCHAR(10) NOT NULL DEFAULT 'x')" \
		-c 'CREATE TABLE m (id SERIAL PRIMARY KEY, t TEXT REFERENCES teams ON DELETE CASCADE, n INT UNIQUE CHECK (n > 0), j JSONB)' \
		-c 'CREATE VIEW v AS SELECT id FROM m' >log
	user=$(id -un)
	same "$(psql_ -c '\d')" "public|events|table|$user
public|m|table|$user
public|m_id_seq|sequence|$user
public|teams|table|$user
public|v|view|$user"
	same "$(psql_ -c '\dt t*')" "public|teams|table|$user"
	same "$(psql_ -c '\di')" "public|events_pkey|index|$user|events
public|m_pkey|index|$user|m
public|n|index|$user|m
public|t|index|$user|m
public|teams_pkey|index|$user|teams
public|type|index|$user|events"
	same "$(psql_ -c '\d m')" "id|integer||not null|nextval('\"m_id_seq\"')
t|text|||
n|integer|||
j|jsonb|||"
	same "$(psql_ --pset tuples_only=off -c '\d m' | tail -n +7)" 'Indexes:
    "m_pkey" PRIMARY KEY, btree (id)
    "n" UNIQUE CONSTRAINT, btree (n)
    "t" btree (t)
Check constraints:
    "m_n_check" CHECK (n > 0)
Foreign-key constraints:
    "m_t_fkey" FOREIGN KEY (t) REFERENCES teams(id) ON DELETE CASCADE'
	run psql_ --pset tuples_only=off -c '\d teams'
	says "^name\|character varying\(10\)\|\|not null\|'x'"
	says 'TABLE "m" CONSTRAINT "m_t_fkey" FOREIGN KEY \(t\) REFERENCES teams\(id\)'
	run psql_ -c '\d events'
	says '^n\|bigint'
	says '^ok\|boolean'
	same "$(psql_ -c '\dn')" "public|$user"
	same "$(psql_ -c '\dv' -c '\ds' -c '\df' | cut -d '|' -f 2)" $'v\nm_id_seq'
	psql_ -c 'CREATE SEQUENCE low INCREMENT BY -2 MINVALUE -9 CYCLE' >log
	same "$(psql_ -c '\d low')" 'bigint|-1|-9|-1|-2|yes|1'
	psql_ -c '\dconfig statement*' | grep -q '^statement_timeout|30000'
	same "$(psql_ -c 'SELECT pg_catalog.version() IS NOT NULL, count(*) FROM public.events')" 't|2'
}

@test "a session's transactions are read only when it says so, and clients may ask" {
	run psql_ -v ON_ERROR_STOP=0 <<-'SQL'
		SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, NOT DEFERRABLE;
		SHOW transaction_read_only;
		DELETE FROM events;
		BEGIN READ WRITE; SHOW transaction_read_only; COMMIT;
		BEGIN; DELETE FROM events; ROLLBACK;
		SET default_transaction_read_only TO off;
		BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY DEFERRABLE; SHOW transaction_read_only; ROLLBACK;
		SELECT count(*) FROM events;
	SQL
	same "$output" 'SET
on
ERROR:  cannot write in a read-only transaction
BEGIN
off
COMMIT
BEGIN
ERROR:  cannot write in a read-only transaction
ROLLBACK
SET
BEGIN
on
ROLLBACK
2'
}

@test "an encoding is known by its letters, a time by PostgreSQL's spelling" {
	same "$(PGCLIENTENCODING="'utf-8'" psql_ -c 'SHOW client_encoding')" "'utf-8'"
	fails_with 2 env PGCLIENTENCODING=latin1 psql -X -h "$PWD/db" -p 5433 -c 'SELECT 1'
	psql_ -c 'CREATE TABLE dates (id INT PRIMARY KEY, d DATE)' -c "INSERT INTO dates VALUES (1, '2025-01-02'), (2, '1969-12-31 10:00')"
	same "$(psql_ -c 'SELECT d FROM dates' -c 'SELECT d + 1 FROM dates WHERE id = 1')" $'2025-01-02\n1969-12-31\n2025-01-03'
	same "$(psql_ <<<'SELECT d, d + 1 AS n, d - d AS z FROM dates \gdesc')" $'d|date\nn|date\nz|bigint'
	psql_ -c 'CREATE TABLE w (id INT PRIMARY KEY, at TIMESTAMP)' \
		-c "INSERT INTO w VALUES (1, '2025-01-02T03:04:05.5+01:00'), (2, '2025-01-02 03:04:05')" >log
	same "$(psql_ -c 'SELECT at FROM w')" $'2025-01-02 02:04:05.5+00\n2025-01-02 03:04:05+00'
}

@test "psql takes large answers by a cursor" {
	same "$(psql_ -v FETCH_COUNT=3 -c 'SELECT g, g % 2 = 0 AS even FROM generate_series(1, 7) g' | paste -s -d ' ')" '1|f 2|t 3|f 4|t 5|f 6|t 7|f'
	same "$(psql_ -c 'BEGIN; DECLARE c CURSOR FOR VALUES (1), (2); FETCH ALL c; CLOSE c; COMMIT' | paste -s -d ' ')" 'BEGIN DECLARE CURSOR 1 2 CLOSE CURSOR COMMIT'
}

@test "COPY loads and unloads, as \\copy does" {
	psql_ -c 'CREATE TABLE c (id INT PRIMARY KEY, s TEXT, n DOUBLE PRECISION, ok BOOLEAN, d DATE)' -c 'CREATE TABLE u (id INT PRIMARY KEY, s TEXT UNIQUE)'
	printf '%s\n' '1	a\tb	1.5	t	2024-01-02' '2	\N	\N	f	2024-01-03' '3	back\\slash\x41\102	2	true	\N' '\.' >lines
	same "$(psql_ -c '\copy c FROM lines')" 'COPY 3'
	same "$(psql_ -c 'COPY c TO STDOUT')" $'1\ta\\tb\t1.5\tt\t2024-01-02\n2\t\\N\t\\N\tf\t2024-01-03\n3\tback\\\\slashAB\t2\tt\t\\N'
	same "$(psql_ -c "COPY (SELECT id, s, ok FROM c WHERE id < 3 ORDER BY id DESC) TO STDOUT (FORMAT csv, HEADER, DELIMITER ';', NULL 'nil')")" \
		$'id;s;ok\n2;nil;f\n1;a\tb;t'
	psql_ -c "\\copy c TO 'c.csv' CSV HEADER"
	psql_ -c 'DELETE FROM c' -c "\\copy c FROM 'c.csv' WITH (FORMAT csv, HEADER true)"
	same "$(psql_ -c "COPY c TO STDOUT CSV HEADER" | md5sum)" "$(md5sum <c.csv)"
	printf '%s\n' '10,"quo""ted, and' 'two lines"' '11,' '12,""' | psql_ -c 'COPY u FROM STDIN CSV'
	same "$(psql_ -c "SELECT id, s, s IS NULL FROM u ORDER BY id")" $'10|quo"ted, and\ntwo lines|f\n11||t\n12||f'
	printf '20\ttwo\\\nlines\n21\tend\\' | psql_ -c 'COPY u FROM STDIN'
	same "$(psql_ -c "SELECT s FROM u WHERE id >= 20 ORDER BY id")" $'two\nlines\nend\\'
	same "$(psql_ -c "COPY (DELETE FROM u WHERE id >= 20 RETURNING id) TO STDOUT" | sort)" $'20\n21'
	same "$(psql_ -c 'SELECT count(*) FROM u')" 3
	seq 1 5000 | awk '{ print $1 "\tname " $1 }' | psql_ -c 'CREATE TABLE many (id INT PRIMARY KEY, s TEXT)' -c 'COPY many FROM STDIN'
	same "$(psql_ -c "SELECT count(*), max(s) FROM many")" '5000|name 999'
	same "$(psql_ -c "COPY many (s) TO STDOUT" | tail -1)" 'name 5000'
}

@test "COPY stores all lines or none, and names the one that is wrong" {
	psql_ -c 'CREATE TABLE c (id INT PRIMARY KEY, n DOUBLE PRECISION)' -c 'INSERT INTO c VALUES (1, 1)'
	fails()
	{
		run psql_ -c "$1" <<<"$2"
		same "$status" 1
		says "$3"
		same "$(psql_ -c 'SELECT count(*) FROM c')" 1
	}
	fails 'COPY c FROM STDIN' $'2\t1\n3\t1\n1\t1\n4\t1' 'Key \(id\)=\(1\) already exists. \(COPY c, line 3\)'
	fails 'COPY c FROM STDIN' $'2\t1\n3\txyz' 'invalid input syntax for type real: "xyz" \(COPY c, line 2\)'
	fails 'COPY c FROM STDIN' $'2\t1\n3' 'missing data for a column \(COPY c, line 2\)'
	fails 'COPY c FROM STDIN' $'2\t1\t5' 'extra data after last expected column \(COPY c, line 1\)'
	fails 'COPY c FROM STDIN CSV' $'2,1\n3,"1' 'unterminated CSV quoted field \(COPY c, line 2\)'
	fails 'COPY events FROM STDIN' 'x' 'COPY into a table of documents is not supported'
	fails 'COPY c FROM STDIN (FORMAT binary)' '' 'a COPY format other than text and csv is not supported'
	fails "COPY c TO '/tmp/x'" '' 'COPY with a file or program of the server.s is not supported'
	fails 'COPY c TO STDOUT (FORCE_QUOTE *)' '' 'this option of COPY is not supported'
	fails 'COPY nope TO STDOUT' '' 'relation "nope" does not exist'
	fails 'COPY c (id, nope) FROM STDIN' $'2\t3' 'column "nope" of relation "c" does not exist'
	fails 'COPY c (id, id) FROM STDIN' $'2\t3' 'column "id" specified more than once'
	fails 'COPY c (id) FROM STDIN' $'2\tx\\' 'extra data after last expected column \(COPY c, line 1\)'
	fails 'COPY (DELETE FROM c) TO STDOUT' '' 'COPY of a statement without an answer is not supported'
	fails 'COPY (DROP TABLE c) TO STDOUT' '' 'COPY of a statement without an answer is not supported'
	run psql_ -v ON_ERROR_STOP=0 <<-'SQL'
		BEGIN;
		COPY c (id) FROM STDIN;
		30
		31
		\.
		SELECT 'inside ' || count(*) FROM c;
		ROLLBACK;
		SELECT 'after ' || count(*) FROM c;
		BEGIN;
		COPY c (id) FROM STDIN;
		1
		\.
		SELECT 1;
		ROLLBACK;
	SQL
	says '^inside 3'
	says '^after 1'
	says 'current transaction is aborted'
}
