#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# No statement takes more time or memory than it may, touches a file, or holds up others.
load lib

setup()
{
	begin_test
	new_mount
}

psql_()
{
	psql -X -h "$PWD/db" -p 5433 -At -v ON_ERROR_STOP=1 "$@"
}

# In KiB: the daemon's memory now, and its most since `forget_peak`.
memory()
{
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$MOUNT_PID/status"
}

forget_peak()
{
	echo 5 >"/proc/$MOUNT_PID/clear_refs"
}

endless='WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)'

@test "what would never end, or eat all memory, ends in time" {
	[ "$SLOW" = 1 ] || skip 'the address sanitizer looks at all of a text at each search'
	bombs=(
		"$endless SELECT count(*) FROM c"
		"SELECT count(*) FROM ($endless SELECT x FROM c LIMIT 5000) a, ($endless SELECT x FROM c LIMIT 5000) b, ($endless SELECT x FROM c LIMIT 5000) d"
		"SELECT length(printf('%.*c', 900000000, 'x'))"
		'SELECT length(hex(zeroblob(900000000)))'
		"SELECT length(replace(hex(zeroblob(8000000)), '0', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx'))"
		"SELECT hex(zeroblob(8000000)) LIKE '%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%1'"
		"SELECT hex(zeroblob(8000000)) GLOB '*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*1'"
		"SELECT instr(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1')"
		"SELECT length(replace(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1', ''))"
		"SELECT length(trim(hex(zeroblob(8000000)), replace(hex(zeroblob(4000000)), '0', '1') || '0'))"
		"$endless SELECT count(*) FROM (SELECT hex(randomblob(200)) AS v FROM c ORDER BY v)"
		"$endless SELECT length(group_concat(hex(zeroblob(1000)))) FROM c"
		"$endless SELECT count(DISTINCT hex(randomblob(100))) FROM c"
	)
	forget_peak
	base=$(memory VmRSS)
	for bomb in "${bombs[@]}"; do
		began=$EPOCHREALTIME
		run psql_ -c "SET statement_timeout = '2s'" -c '\set VERBOSITY verbose' -c "$bomb"
		took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
		echo "$took ms, status $status: ${bomb:0:60}... ${output: -100}"
		((took < 10000 * SLOW))
		# A few of them are over in time, and right.
		[ "$status" = 0 ] || says '(57014|54000|53200)'
	done
	# A sanitizer's memory tells nothing.
	[ "$SLOW" != 1 ] || (($(memory VmHWM) < base + 300 * 1024))
	same "$(psql_ -c 'SELECT 1')" 1
}

# times N TEXT: so often, with commas between.
times()
{
	printf "%.0s,$2" $(seq "$1") | tail -c +2
}

@test "a statement of many words is read in time, however they nest" {
	psql_ -c 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT)' >/dev/null
	printf '%.0s(' {1..100000} >deep
	queries=$(times 20000 '(SELECT a FROM t GROUP BY a)')
	{
		echo "SET statement_timeout = '3s';"
		echo "SELECT $(<deep)1$(tr '(' ')' <deep);"
		echo "SELECT 1 WHERE 1 IN ($queries);"
		echo "CREATE VIEW v AS SELECT $queries;"
		# Looked through for each of the other's: until the time is over.
		echo "SELECT count(*), $(times 100000 a) FROM t GROUP BY $(times 100000 id);"
		echo 'SELECT 1 AS reached;'
	} >many.sql
	psql=(psql -X -h "$PWD/db" -p 5433 -At -v VERBOSITY=verbose -f many.sql)
	began=$EPOCHREALTIME
	run "${psql[@]}"
	took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
	echo "$took ms: ${output:0:500}"
	says '54000: parentheses are nested more than 1000 deep'
	says '54000: too many columns'
	says '57014: canceling statement due to statement timeout'
	same "${lines[-1]}" 1
	((took < 25000 * SLOW))
}

@test "a statement that eats memory fails alone" {
	psql_ -c "$endless SELECT count(*) FROM (SELECT hex(randomblob(500)) AS v FROM c ORDER BY v)" \
		>hog.out 2>&1 &
	hog=$!
	fine=0
	while kill -0 "$hog" 2>/dev/null; do
		same "$(psql_ -c 'SELECT count(*) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3)')" 3
		fine=$((fine + 1))
	done
	((fine > 0))
	run cat hog.out
	says 'out of memory: a statement may use 256 MiB'
}

@test "others are answered while statements compute" {
	hogs=()
	for i in 1 2; do
		psql -X -h "$PWD/db" -p 5433 -c "$endless SELECT count(*) FROM c" \
			>/dev/null 2>&1 &
		hogs+=($!)
	done
	for ((i = 0; i < 200; i++)); do
		echo 'SELECT 1;'
	done >many.sql
	# 100 ms; a busy machine may need more than one try.
	quick()
	{
		psql_ -c '\timing' -f many.sql | sed -n 's/^Time: \([0-9]*\).*/\1/p' |
			sort -n >times
		same "$(wc -l <times)" 200
		(($(sed -n 198p times) <= 100 * SLOW))
	}
	eventually 15 quick
	kill -KILL "${hogs[@]}"
	wait "${hogs[@]}" || :
}

# How many threads the daemon has.
threads()
{
	ls "/proc/$MOUNT_PID/task" | wc -l
}

back_to()
{
	[ "$(threads)" -le "$1" ]
}

more_than()
{
	[ "$(threads)" -gt "$1" ]
}

# The daemon has used a fifth of a second more than when it was first asked.
computing()
{
	local ticks

	ticks=$(awk '{ print $14 + $15 }' "/proc/$MOUNT_PID/stat")
	: "${TICKS:=$ticks}"
	((ticks >= TICKS + 20))
}

@test "a statement ends when its client cancels it, or goes" {
	idle=$(threads)
	psql_ -c 'SELECT 1' >/dev/null
	# The session ends a moment after its client.
	eventually 5 back_to "$idle"
	# What a script starts in the background ignores SIGINT.
	env --default-signal=INT psql -X -h "$PWD/db" -p 5433 \
		-c "$endless SELECT count(*) FROM c" >out 2>&1 &
	client=$!
	eventually 5 more_than "$idle"
	eventually 5 computing
	kill -INT "$client"
	began=$EPOCHREALTIME
	wait "$client" || :
	(((${EPOCHREALTIME/./} - ${began/./}) / 1000 < 5000 * SLOW))
	grep -q 'canceling statement due to user request' out
	eventually 5 back_to "$idle"
	# A busy machine may need more than one try.
	eventually 10 stops_in_time "$idle"
}

# A client that goes: its statement has ended within 100 ms.
stops_in_time()
{
	local began client

	psql -X -h "$PWD/db" -p 5433 -c "$endless SELECT count(*) FROM c" >out 2>&1 &
	client=$!
	eventually 5 more_than "$1"
	began=${EPOCHREALTIME/./}
	kill -KILL "$client"
	wait "$client" || :
	eventually 5 back_to "$1"
	((${EPOCHREALTIME/./} - began < 100000 * SLOW))
}

@test "an answer that nobody reads takes no memory" {
	[ "$SLOW" = 1 ] || skip "a sanitizer's memory tells nothing"
	base=$(memory VmRSS)
	forget_peak
	mkfifo answer
	driftdb sql -d db -e "$endless SELECT x, hex(zeroblob(200)) FROM c LIMIT 10000000" \
		>answer 2>/dev/null &
	client=$!
	exec 5<answer
	read -r first <&5
	[ -n "$first" ]
	for ((i = 0; i < 20; i++)); do
		same "$(psql_ -c 'SELECT 1')" 1
	done
	(($(memory VmHWM) < base + 64 * 1024))
	exec 5<&-
	wait "$client" || :
}

@test "SQL opens no file but the database's" {
	command -v strace >/dev/null || skip 'no strace'
	no_leak_checks
	driftdb init other
	driftdb sql -d other -e 'CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)'
	statements=(
		"ATTACH 'evil.db' AS e" "ATTACH 'file:evil.db?mode=rwc' AS e" 'DETACH main'
		"VACUUM INTO 'evil.db'" "SELECT load_extension('./evil.so')"
		"SELECT fts3_tokenizer('simple')" "SELECT readfile('/etc/passwd')"
		"SELECT writefile('evil', 'x')" "SELECT edit('x')"
		'PRAGMA writable_schema = 1' "PRAGMA temp_store_directory = '/tmp'"
		'PRAGMA journal_mode' 'PRAGMA user_version' 'PRAGMA database_list'
		"SELECT * FROM pragma_database_list" 'SELECT * FROM sqlite_master'
		'SELECT * FROM sqlite_schema' 'SELECT * FROM sqlite_temp_master'
		'SELECT * FROM dbstat' "SELECT * FROM bytecode('SELECT 1')"
		"INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, 'x')"
		'CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END'
		'CREATE TEMP TABLE x (y)' 'CREATE VIRTUAL TABLE x USING fts5(y)'
		"CREATE VIRTUAL TABLE x USING csv(filename = '/etc/passwd')"
		'REINDEX' 'SELECT sqlite_log(1, 1)' "SELECT sqlite_compileoption_used('X')"
	)
	for statement in "${statements[@]}"; do
		run strace -f -qq -e trace=openat,open,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat \
			-o trace driftdb sql -d other -e "$statement"
		echo "$statement: $output"
		same "$status" 1
		says '^ERROR (0A000|42000|42501|42601|42883|42P01)'
		run grep -E 'O_CREAT|O_WRONLY|O_RDWR|creat\(|rename|link|mkdir' trace
		# Its own files by names below other/, relative to its descriptor too.
		# What is there already is not made (a sanitizer makes sure of its log's place).
		output=$(grep -v 'EEXIST' <<<"$output" || :)
		run grep -vE '"(/dev/(null|tty)|[^"]*other(/[^"]*)?|LOCK|FORMAT|log|index|snapshots|[0-9]{20}\.seg[^"]*|lock\.mdb|data\.mdb)"' <<<"$output"
		same "$output" ''
	done
	same "$(find . -name 'evil*')" ''
}
