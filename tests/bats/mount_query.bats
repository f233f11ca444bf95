#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The query files: write DriftQL, read the answer.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	for i in 1 2 3; do
		echo "{\"v\":$i}" >$rows/k$i.json
	done
}

@test "two descriptors: the answer stays for the next reader of the session" {
	echo 'SELECT id, v FROM t ORDER BY id' >mnt/query
	same "$(cat mnt/query)" $'{"id":"k1","v":1}\n{"id":"k2","v":2}\n{"id":"k3","v":3}'
	same "$(wc -l <mnt/query)" 3
	echo 'UPDATE t SET v = v + 1 WHERE v > 1;' >mnt/query
	same "$(cat mnt/query)" 'Updated 2 row(s)'
	same "$(jq .v $rows/k3.json)" 4
	same "$(setsid cat mnt/query)" ''
}

@test "each name is a format" {
	echo 'SELECT id, v FROM t WHERE v < 3' >mnt/query.csv
	same "$(cat mnt/query.csv)" $'id,v\nk1,1\nk2,2'
	echo 'SELECT id FROM t WHERE v = 1' >mnt/query.json
	same "$(jq -r .id mnt/query.json)" k1
	echo 'SELECT id FROM t WHERE v = 1' >mnt/query.table
	run cat mnt/query.table
	says '\(1 row\)'
}

@test "one descriptor: ask, read, ask again" {
	exec 5<>mnt/query
	echo 'SELECT count(*) AS n FROM t;' >&5
	same "$(cat <&5)" '{"n":3}'
	echo 'SELECT max(v) AS m FROM t' >&5
	same "$(cat <&5)" '{"m":3}'
	echo 'BEGIN;' >&5
	echo 'DELETE FROM t;' >&5
	same "$(ls $rows | wc -l)" 3
	echo 'ROLLBACK;' >&5
	same "$(ls $rows | wc -l)" 3
	echo 'BEGIN; DELETE FROM t WHERE v = 1; COMMIT;' >&5
	same "$(ls $rows | wc -l)" 2
	exec 5>&-
}

@test "a transaction goes on across the writes to one descriptor, unseen by others" {
	exec 5<>mnt/query
	echo 'BEGIN;' >&5
	echo 'INSERT INTO t {"id":"k4","v":4};' >&5
	echo 'UPDATE t SET v = v * 10;' >&5
	echo 'SELECT id, v FROM t ORDER BY id' >&5
	same "$(cat <&5)" $'{"id":"k1","v":10}\n{"id":"k2","v":20}\n{"id":"k3","v":30}\n{"id":"k4","v":40}'
	echo 'SELECT sum(v) AS s FROM t' >mnt/query
	same "$(cat mnt/query)" '{"s":6}'
	same "$(jq .v $rows/k1.json)" 1
	[ ! -e $rows/k4.json ]
	echo "COMMIT WITH COMMENT 'tenfold';" >&5
	same "$(cat <&5)" 'Transaction committed'
	same "$(jq .v $rows/k4.json)" 40
	echo 'SELECT comment, events FROM drift_transactions ORDER BY tx DESC LIMIT 1' >&5
	same "$(cat <&5)" '{"comment":"tenfold","events":5}'
	exec 5>&-
}

@test "savepoints hold across the writes to one descriptor" {
	exec 5<>mnt/query
	echo "BEGIN; DELETE FROM t WHERE id = 'k1';" >&5
	echo 'SAVEPOINT a;' >&5
	echo 'DELETE FROM t;' >&5
	echo 'SELECT count(*) AS n FROM t' >&5
	same "$(cat <&5)" '{"n":0}'
	echo 'ROLLBACK TO a;' >&5
	echo "UPDATE t SET v = 9 WHERE id = 'k2';" >&5
	echo 'RELEASE a; COMMIT;' >&5
	exec 5>&-
	same "$(jq -c . $rows/*)" $'{"id":"k2","v":9}\n{"id":"k3","v":3}'
}

@test "a write that fails aborts the descriptor's transaction until ROLLBACK" {
	exec 5<>mnt/query
	echo 'BEGIN; DELETE FROM t;' >&5
	fails_with 1 bash -c "echo 'SELECT nope FROM t;' >&5"
	says 'Invalid argument'
	run cat <&5
	says 'ERROR 42703: column "nope" does not exist'
	fails_with 1 bash -c "echo 'SELECT 1;' >&5"
	run cat <&5
	says 'ERROR 25P02: current transaction is aborted'
	echo 'COMMIT;' >&5
	run cat <&5
	says 'rolled back'
	same "$(ls $rows | wc -l)" 3
	# Back at a savepoint, it goes on.
	echo "BEGIN; DELETE FROM t WHERE id = 'k1'; SAVEPOINT a;" >&5
	fails_with 1 bash -c "echo 'INSERT INTO t {\"id\":\"k2\"};' >&5"
	says 'File exists'
	fails_with 1 bash -c "echo 'COMMIT AND CHAIN;' >&5"
	echo 'ROLLBACK TO a;' >&5
	echo 'COMMIT;' >&5
	exec 5>&-
	same "$(ls $rows)" $'k2.json\nk3.json'
}

@test "a descriptor closed in the middle of a statement leaves its transaction undone" {
	exec 5<>mnt/query
	printf "BEGIN; DELETE FROM t WHERE id = 'k1'; DELETE FROM t WHERE" >&5
	exec 5>&-
	eventually 5 grep -q '"sqlstate":"42601"' mnt/.driftfs/errors
	same "$(ls $rows | wc -l)" 3
	# The first to commit wins; the other is told, and may begin anew.
	exec 5<>mnt/query
	echo "BEGIN; UPDATE t SET v = 7 WHERE id = 'k1';" >&5
	echo '{"v":8}' >$rows/k1.json
	run bash -c "echo 'COMMIT;' >&5"
	same "$status" 1
	run cat <&5
	says '^ERROR 40001'
	echo "UPDATE t SET v = v + 1 WHERE id = 'k1';" >&5
	exec 5>&-
	same "$(jq .v $rows/k1.json)" 9
}

@test "rmdir of a table takes along the sequences that it owns, as DROP TABLE does" {
	echo "CREATE TABLE s (id SERIAL PRIMARY KEY, n INT GENERATED ALWAYS AS IDENTITY); INSERT INTO s DEFAULT VALUES;" >mnt/query
	same "$(ls mnt/tables)" $'s\ns_id_seq\ns_n_seq\nt'
	fails_with 1 rmdir mnt/tables/s
	rm mnt/tables/s/rows/1.json
	rmdir mnt/tables/s
	same "$(ls mnt/tables)" t
	echo "CREATE TABLE s (id SERIAL PRIMARY KEY); INSERT INTO s DEFAULT VALUES;" >mnt/query
	same "$(ls mnt/tables)" $'s\ns_id_seq\nt'
	same "$(ls mnt/tables/s/rows)" 1.json
	stop_mount
	driftdb verify -d db
	driftdb dump -d db --events >dumped
	driftdb init loaded
	driftdb load -d loaded dumped
	driftdb dump -d loaded --events | cmp - dumped
}

@test "a transaction left open is rolled back, and said so" {
	exec 5<>mnt/query
	echo 'BEGIN; DELETE FROM t;' >&5
	exec 5>&-
	eventually 5 grep -q 'rolled back' mnt/.driftfs/errors
	same "$(ls $rows | wc -l)" 3
}

@test "what writes is not run before its semicolon" {
	exec 5<>mnt/query
	printf 'DELETE FROM t' >&5
	printf " WHERE id = 'k1'" >&5
	same "$(ls $rows | wc -l)" 3
	printf ';' >&5
	same "$(ls $rows | wc -l)" 2
	printf 'DELETE FROM' >&5
	run cat <&5
	same "$status" 1
	exec 5>&-
	{ printf 'SELECT id FROM t'; printf " WHERE id = 'k2'"; } >mnt/query
	same "$(cat mnt/query)" '{"id":"k2"}'
	echo "DELETE FROM t WHERE id = 'k2'" >mnt/query
	same "$(ls $rows)" k3.json
}

@test "an error fails the write, is the answer, and is noted" {
	fails_with 1 bash -c "echo 'SELECT nope FROM t' >mnt/query"
	says 'Invalid argument'
	run bash -c "echo 'SELECT nope FROM t' >mnt/query; cat mnt/query"
	says 'ERROR 42703: column "nope" does not exist'
	fails_with 1 bash -c "echo 'INSERT INTO t {\"id\":\"k1\"};' >mnt/query"
	says 'File exists'
	same "$(tail -n 1 mnt/.driftfs/errors | jq -r .sqlstate)" 23505
}

@test "a pinned query answers as of then, and writes nothing" {
	rm $rows/k1.json
	echo 'SELECT count(*) AS n FROM t' >mnt/@seq/3/query
	same "$(cat mnt/@seq/3/query)" '{"n":3}'
	echo 'SELECT count(*) AS n FROM t' >mnt/query
	same "$(cat mnt/query)" '{"n":2}'
	fails_with 1 bash -c "echo 'DELETE FROM t;' >mnt/@seq/3/query"
	says 'Read-only'
}

series='WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c'

@test "a pinned query answers the same for ever, whatever fields come later" {
	local before pinned

	echo '{"flag":true}' >$rows/first.json
	pinned=mnt/@seq/$(readlink mnt/@seq/head)
	{ echo 'SELECT * FROM t' >&5; before=$(cat <&5); } 5<>"$pinned/query"
	echo '{"flag":1,"w":2}' >$rows/second.json
	{ echo 'SELECT * FROM t' >&5; same "$(cat <&5)" "$before"; } 5<>"$pinned/query"
	kill_mount
	start_mount db mnt
	{ echo 'SELECT * FROM t' >&5; same "$(cat <&5)" "$before"; } 5<>"$pinned/query"
}

@test "a large answer streams" {
	echo "$series WHERE i < 300000) SELECT i FROM c" >mnt/query
	same "$(cat mnt/query | md5sum)" \
		"$(seq 300000 | sed 's/.*/{"i":&}/' | md5sum)"
	fails_with 1 cat mnt/query
	echo "$series) SELECT i FROM c" >mnt/query
	same "$(head -n 2 mnt/query | tail -n 1)" '{"i":2}'
	rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$MOUNT_PID/status")
	[ "$rss" -lt 500000 ]
}

@test "a statement that does not end is interrupted with its writer" {
	(exec bash -c "echo '$series) SELECT count(*) FROM c' >mnt/query") &
	asker=$!
	eventually 5 busy
	eventually 5 interrupted $asker
	same "$(jq .v $rows/k1.json)" 1
}

# Told again, because a signal that comes before the write begins stops nothing.
interrupted()
{
	kill -INT "$1" 2>/dev/null || :
	ended "$1"
}

# The daemon is computing: its threads have used a tenth of a second more.
busy()
{
	local used

	used=$(awk '{ print $14 + $15 }' "/proc/$MOUNT_PID/stat")
	[ "$used" -gt $((${used_before:=$used} + 10)) ]
}

# Wherever the signal finds it: the session is made for it, it waits, or it runs.
@test "an interrupt that comes as a statement begins is not lost" {
	local tried

	tried=$(perl -MTime::HiRes=usleep,time -MPOSIX=WNOHANG -e '
		my ($statement, $patience) = @ARGV;
		for my $try (1 .. 200) {
			my $asker = fork;
			if (!$asker) {
				$SIG{INT} = "DEFAULT";
				open(my $query, "+<", "mnt/query") or exit 1;
				syswrite($query, $statement);
				exit 0;
			}
			usleep(rand 5000);
			kill INT => $asker;
			my $until = time + $patience;
			usleep(1000) until waitpid($asker, WNOHANG) == $asker || time > $until;
			if (time > $until) {
				kill KILL => $asker;
				print "lost at $try\n";
				exit 0;
			}
		}
		print "none lost\n";' "$series) SELECT count(*) FROM c;" $((5 * SLOW)))
	same "$tried" 'none lost'
}

@test "a statement that does not end does not hold up the daemon's stop" {
	(exec bash -c "echo '$series) SELECT count(*) FROM c' >mnt/query") &
	asker=$!
	eventually 5 busy
	kill -TERM "$MOUNT_PID"
	eventually 3 ended "$MOUNT_PID"
	wait "$MOUNT_PID"
	wait $asker || :
}

@test "many can ask at once" {
	for i in {1..8}; do
		setsid bash -c "echo 'SELECT $i AS n, count(*) AS c FROM t' >mnt/query
			cat mnt/query" >answer.$i &
		askers+=($!)
	done
	wait "${askers[@]}"
	for i in {1..8}; do
		same "$(cat answer.$i)" "{\"n\":$i,\"c\":3}"
	done
}

# More of them than there are threads that serve requests, and than there are threads
# that run statements of one user.
@test "statements that do not end hold up nobody but who comes to ask as well" {
	askers=()
	for task in "/proc/$MOUNT_PID/task"/*; do # the askers have to come to ask
		renice -n 19 -p "${task##*/}" >/dev/null
	done
	for _ in {1..70}; do
		(exec bash -c "echo '$series) SELECT count(*) FROM c' >mnt/query") \
			2>/dev/null &
		askers+=($!)
	done
	eventually 20 many_threads 40
	same "$(timeout $((10 * SLOW)) jq .v $rows/k1.json)" 1
	echo '{"v":7}' >$rows/k7.json
	same "$(timeout $((10 * SLOW)) ls $rows | grep -c k7)" 1
	for asker in "${askers[@]}"; do
		ended "$asker" && return 1
	done
	eventually 20 all_interrupted
	echo 'SELECT 1 AS one' >mnt/query
	same "$(cat mnt/query)" '{"one":1}'
}

many_threads()
{
	[ "$(ls "/proc/$MOUNT_PID/task" | wc -l)" -gt "$1" ]
}

all_interrupted()
{
	local left=0

	for asker in "${askers[@]}"; do
		interrupted "$asker" || left=1
	done
	return "$left"
}

# bash writes each line of an echo by itself.
@test "a statement may come in lines" {
	echo 'SELECT id,
		v
	FROM t
	WHERE v > 1
	ORDER BY id
	LIMIT 1' >mnt/query
	same "$(cat mnt/query)" '{"id":"k2","v":2}'
	echo 'WITH RECURSIVE
	c(i) AS (
		SELECT 1)
	SELECT * FROM c;' >mnt/query
	same "$(cat mnt/query)" '{"i":1}'
	exec 5<>mnt/query
	echo 'SELECT max(v) AS most
	FROM t' >&5
	same "$(head -n 1 <&5)" '{"most":3}'
	exec 5>&-
	# What more lines do not mend fails at once; else the end tells.
	fails_with 1 bash -c "echo 'SELECT nosuch
		FROM t' >mnt/query"
	fails_with 1 bash -c "echo 'SELECT 1 FROM nosuch' >mnt/query"
	fails_with 1 dd of=mnt/query status=none <<<'SELECT nosuch'
	same "$(head -n 1 mnt/query)" 'ERROR 42703: column "nosuch" does not exist'
	tail -n 1 mnt/.driftfs/errors | grep -q 42703
	fails_with 1 dd of=mnt/query status=none <<<'SELECT 1,'
	exec 5<>mnt/query
	echo 'SELECT nosuch' >&5
	same "$(head -n 1 <&5)" 'ERROR 42703: column "nosuch" does not exist'
	exec 5>&-
}
