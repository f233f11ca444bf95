#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# driftdb sql with scripts: where statements end, and what is told of those that fail.
load lib

setup()
{
	begin_test
	driftdb init db >init
}

script()
{
	cat >script.sql <<'END'
-- a comment; with a semicolon
CREATE TABLE t (pk=id);
INSERT INTO t {"id": "a", "text": "x;y"},
	{"id": "b"};

INSERT INTO t
	{"id": "b"};
SELECT id FROM t
	ORDER BY id;
SELECT * FROM missing;
SELECT 2 AS n
END
}

@test "a script stops at the first statement that fails and says its line" {
	script
	driftdb sql -q -d db -f script.sql >out 2>err || status=$?
	same "$status" 1
	same "$(cat out)" ''
	same "$(head -n 1 err)" 'script.sql:6: ERROR 23505: duplicate key value violates PRIMARY KEY "t": Key (id)=(b) already exists.'
	same "$(driftdb sql -d db -e 'SELECT id FROM t')" '{"id":"a"}'$'\n''{"id":"b"}'
}

@test "keep-going runs the rest; the status tells all the same" {
	script
	driftdb sql -q -d db --keep-going -f script.sql >out 2>err || status=$?
	same "$status" 1
	same "$(tr '\n' ' ' <out)" '{"id":"a"} {"id":"b"} {"n":2} '
	same "$(grep -o '^script.sql:[0-9]*' err | tr '\n' ' ')" 'script.sql:6 script.sql:10 '
}

@test "standard input is told by its name, -e by its number" {
	run driftdb sql -d db <<<$'SELECT 1 AS n;\n\nSELEC 1;'
	same "$status" 1
	says '^standard input:3: ERROR 42601: '
	fails_with 1 driftdb sql -d db -e $'SELECT 1 AS n;\nSELEC 1'
	says '^ERROR 42601: '
	says '^\(-e, line 2\)$'
	fails_with 1 driftdb sql -d db -e 'SELECT 1' -e 'SELEC 1'
	says '^\(-e 2, line 1\)$'
	fails_with 1 driftdb sql -d db --keep-going -e 'SELEC 1' -e 'SELECT 2 AS n'
	says '"n":2'
}

@test "statements run as they come through a pipe" {
	mkfifo in
	driftdb sql -d db <in >out &
	pid=$!
	exec 5>in
	echo 'SELECT 1 AS n;' >&5
	eventually 5 grep -q '"n":1' out
	echo 'SELECT 2 AS' >&5
	echo 'n' >&5
	exec 5>&-
	wait "$pid"
	same "$(tail -n 1 out)" '{"n":2}'
}

@test "a script of any size is run in bounded memory" {
	mkfifo in
	driftdb sql -d db <in >out &
	pid=$!
	exec 5>in
	awk 'BEGIN { for (i = 0; i < 40000; i++) printf "SET timezone = UTC -- %0900d\n;", 0 }' >&5
	echo 'SELECT 1 AS n;' >&5
	eventually 20 grep -q '"n":1' out
	peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
	exec 5>&-
	wait "$pid"
	[ "$SLOW" != 1 ] || [ "$peak" -lt 24000 ] || same "$peak KiB" 'less than 24,000 KiB'
	printf 'SELECT 1;\0SELECT 2' >nul.sql
	fails_with 1 driftdb sql -d db -f nul.sql
	says 'nul.sql: a NUL byte'
}

@test "an unfinished string or comment is told, not waited for" {
	run driftdb sql -d db <<<"SELECT 'abc; SELECT 1;"
	same "$status" 1
	says '^standard input:1: ERROR 42601: '
	same "$(driftdb sql -d db <<<'-- nothing')" ''
	same "$(driftdb sql -d db <<<'')" ''
	same "$(driftdb sql -d db <<<';;')" ''
}

@test "a script ends with its daemon, also with keep-going" {
	mkdir mnt
	start_mount db mnt
	mkfifo in
	driftdb sql -d db --keep-going <in >out 2>err &
	pid=$!
	exec 5>in
	echo 'SELECT 1 AS n;' >&5
	eventually 5 grep -q '"n":1' out
	kill_mount
	echo 'SELECT 2 AS n; SELECT 3 AS n;' >&5
	exec 5>&-
	status=0
	wait "$pid" || status=$?
	same "$status" 1
	same "$(cat err)" 'standard input:2: ERROR 08006: the daemon is gone; what it had not answered may or may not be stored'
}
