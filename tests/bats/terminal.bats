#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# driftdb sql for a person: a real terminal, what is typed and what is seen.
load lib

setup()
{
	begin_test
	[ "$SLOW" = 1 ] || skip 'types as fast as a person; a sanitizer reads slower'
	export HOME=$PWD TERM=xterm SLOW
	unset XDG_STATE_HOME DRIFTDB_HISTORY
	driftdb init db >init
	driftdb sql -q -d db -e 'CREATE TABLE orders (pk=id, INDEX(status)); CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
		INSERT INTO orders {"id":"a","status":"paid","price":12}, {"id":"b","status":null,"price":7}'
}

# at_terminal COLUMNS: the script on standard input, with driftdb sql.
at_terminal()
{
	run "$BUILD/tests/bats/terminal" 24 "$1" driftdb sql -d db
	[ "$status" = 0 ] || {
		echo "$output"
		return 1
	}
}

# The same, where what is typed is to be answered soon (see-in): a busy machine may need
# more than one try.
soon_at_terminal()
{
	cat >typed
	for _ in 1 2 3 4 5; do
		at_terminal "$1" <typed && return
	done
	return 1
}

forever='WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c'

@test "a statement of several lines runs at its semicolon, answered as a table" {
	at_terminal 80 <<'END'
see driftdb> 
type SELECT id, price\r
see     ...> 
type FROM orders ORDER BY id;\r
see  id | price
see ----+-------
see  a  |    12
see  b  |     7
see (2 rows)
see driftdb> 
type INSERT INTO orders {"id":"c"};\r
see Inserted 1 row(s)
type SELEC;\r
see ERROR 42601: 
see driftdb> 
type \\q\r
end 0
END
}

@test "the prompt tells a transaction and the session's moment" {
	at_terminal 80 <<'END'
type BEGIN;\r
see driftdb*> 
type SELECT * FROM missing;\r
see ERROR 42P01
see driftdb!> 
type ROLLBACK;\r
see driftdb> 
type \\asof 1\r
see driftdb[1]> 
type SELECT count(*) AS n FROM orders;\r
see  1
type \\asof no such time\r
see ERROR 22007
see driftdb[1]> 
type \\asof\r
see driftdb> 
type exit\r
end 0
END
}

@test "backslash commands describe, format, time and run files" {
	echo 'SELECT 41 + 1 AS answer; SELEC' >file.sql
	at_terminal 80 <<'END'
type \\dt\r
see orders
see users
type \\d orders\r
see id     | 
see status | 
see index
see orders | status | status  | no
type \\di\r
see status
type \\d missing\r
see there is no table "missing"
type \\format csv\r
see Answers are csv.
type SELECT id FROM orders WHERE id = 'a';\r
see id
see a
type \\format xml\r
see no such format: xml
type \\format table\r
type \\x\r
see Expanded display is on.
type SELECT id, status FROM orders ORDER BY id;\r
see -[ row 1 ]
see id     | a
see status | paid
see -[ row 2 ]
type \\x\r
see off
type \\timing\r
see Timing is on.
type SELECT 1 AS one;\r
see Time: 
see ms
type \\i file.sql\r
see 42
see file.sql:1: ERROR 42601
type \\i nothing\r
see nothing: No such file
type \\?\r
see \asof [MOMENT]
type \\frob\r
see no such command: \frob
see driftdb> 
type exit\r
end 0
END
}

@test "history is kept, for its owner's eyes only, and comes back" {
	at_terminal 80 <<'END'
see driftdb> 
type SELECT 'first' AS x;\r
see first
see (1 row)
type \\q\r
end 0
END
	same "$(stat -c %a .driftdb_history)" 600
	at_terminal 80 <<'END'
see driftdb> 
type \e[A\e[A
see SELECT 'first' AS x;
type \r
see driftdb> 
type \x12first
see SELECT 'first'
type \r
see (1 row)
type \\q\r
end 0
END
	mkdir state
	XDG_STATE_HOME=$PWD/state at_terminal 80 <<<$'see driftdb> \ntype \\\\dt\\r\nsee users\ntype \\\\q\\r\nend 0'
	same "$(stat -c %a state/driftdb/history)" 600
}

@test "tab completes keywords, tables, columns and commands" {
	at_terminal 80 <<'END'
see driftdb> 
type sel\tsta\t, pric\tfrom ord\t;\r
see  status | price
see (2 rows)
see driftdb> 
type UPD\tus\t
see UPDATE users
type \x15\\for\tcs\t\r
see Answers are csv
see driftdb> 
type SELECT * FROM \t
see orders  users
type \x15\\q\r
end 0
END
}

@test "Ctrl-C drops what was typed, stops a statement, and leaves the program" {
	soon_at_terminal 80 <<END
see driftdb> 
type SELECT 1 AS never
see never
type \x03
see ^C
see driftdb> 
type $forever;\r
see  s, 0 rows
type \x03
see-in 100 canceling statement due to user request
see driftdb> 
type SELECT 'still ' || 'here' AS x;\r
see still here
type \\\\q\r
end 0
END
}

@test "Ctrl-C reaches a daemon" {
	need_fuse
	start_mount db mnt
	soon_at_terminal 80 <<END
see driftdb> 
type SELECT count(*) AS n FROM ord\t;\r
see  2
see driftdb> 
type $forever;\r
see  s, 0 rows
type \x03
see-in 100 canceling statement due to user request
see driftdb> 
type BEGIN;\r
see driftdb*> 
type \\\\format json\r
type SELECT id FROM orders WHERE id = 'a';\r
see {"id":"a"}
type \\\\q\r
end 0
END
}

@test "a table fits the terminal, and only there" {
	driftdb sql -q -d db -e "INSERT INTO orders {\"id\":\"long\",\"status\":\"$(printf 'word %.0s' {1..40})\",\"price\":1234567890123,\"note\":\"wide 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\"}"
	at_terminal 60 <<'END'
see driftdb> 
type SELECT * FROM orders;\r
see 1234567890123
see …
see (3 rows)
type \\q\r
end 0
END
	table=$(sed -n '/^ id/,/^(3/p' <<<"$output")
	echo "$table"
	while read -r line; do
		[ "$(wc -L <<<"$line")" -le 60 ]
	done <<<"$table"
	driftdb sql -d db --format table -e 'SELECT * FROM orders' | grep -q "$(printf 'word %.0s' {1..39})"
	at_terminal 60 <<'END'
see driftdb> 
type \\format json\r
type SELECT status FROM orders WHERE id = 'long';\r
see word word word word word word word word word word word word word
see "}
type \\format table\r
type SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e, 6 AS f, 7 AS g, 8 AS h, 9 AS i, 10 AS j, 11 AS k, 12 AS l, 13 AS m, 14 AS n, 15 AS o, 16 AS p, 17 AS q;\r
see -[ row 1 ]
see q | 17
type \\q\r
end 0
END
}

@test "what a value holds does not steer the terminal" {
	driftdb sql -q -d db -e "INSERT INTO orders {\"id\":\"x\",\"status\":\"a\\u001b[31mb\\nc\"}"
	at_terminal 80 <<'END'
see driftdb> 
type SELECT status FROM orders WHERE id = 'x';\r
see a\x1b[31mb\nc
type \\q\r
end 0
END
}

@test "an answer larger than a block is drawn as it comes, each row once" {
	at_terminal 200 <<'END'
see driftdb> 
type WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n, 'row ' || n AS text FROM c;\r
see (5000 rows)
type \\q\r
end 0
END
	same "$(grep -cE '^ +[0-9]+ \| row [0-9]+$' <<<"$output")" 5000
}

@test "ingest shows a bar while it works" {
	mkfifo rows seen
	awk 'BEGIN { for (i = 0; i < 60000; i++) printf "{\"id\":%d}\n", i }' >rows.jsonl
	cat rows.jsonl seen >rows 3>&- &
	run "$BUILD/tests/bats/terminal" 24 80 driftdb ingest -d db -t big --create --as jsonl -f rows <<-'END'
		see  rows/s
		run : >seen
		see Stored 60000 row(s)
		end 0
	END
	same "$status" 0
}

# slowly COMMAND...: on a terminal, with every read of a file held up for a while.
slowly()
{
	"$BUILD/tests/bats/terminal" 24 80 strace -f -qq -o /dev/null -e trace=pread64 \
		-e inject=pread64:delay_enter=200000:when=1+ "$@"
}

@test "verify, and an index made anew at opening, show how far they have come" {
	no_leak_checks
	{ command -v strace && strace -o /dev/null true; } >/dev/null 2>&1 ||
		skip 'no strace here'
	driftdb sql -d db -q -e "CREATE TABLE big (id INT PRIMARY KEY, v TEXT)"
	awk 'BEGIN { for (i = 0; i < 3000; i++) printf "{\"id\":%d,\"v\":\"%s\"}\n", i, i * i }' |
		driftdb ingest -q -d db -t big --as jsonl -f -
	run slowly driftdb verify -d db <<<$'see  events/s\nsee no fault\nend 0'
	same "$status" 0
	rm -rf db/index
	run slowly driftdb sql -d db -e 'SELECT count(*) AS n FROM big' \
		<<<$'see  events/s\nsee 3000\nend 0'
	same "$status" 0
}
