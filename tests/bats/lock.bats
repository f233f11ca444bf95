#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# One process owns a database; everybody else is told who, or is let in by it.
load lib

@test "a second daemon is refused, naming the first" {
	new_mount
	mkdir other
	run driftfs db other
	[ "$status" != 0 ]
	says "$MOUNT_PID"
	[ -d mnt/tables ]
}

@test "load does not touch a database that a daemon holds, and says what to do" {
	new_mount
	fails_with 1 driftdb load -d db /dev/null
	says "$MOUNT_PID"
	says 'unmount it'
}

@test "verify, digest and dump read the log beside the daemon that writes it" {
	local writer anchor

	new_mount
	mkdir mnt/tables/t
	echo '{"n":0}' >mnt/tables/t/rows/first.json
	anchor=$(driftdb digest -d db)
	while :; do echo "{\"n\":$RANDOM}" >mnt/tables/t/rows/r$((RANDOM % 50)).json; done &
	writer=$!
	for _ in {1..20}; do
		driftdb verify -d db --anchor "$anchor"
		anchor=$(driftdb digest -d db)
		driftdb dump -d db >frames
		driftdb dump -d db --events >events
		jq -es 'map(select(.seq)) | map(.seq) == [range(1; length + 1)]' events >seqs
	done
	kill "$writer"
	wait "$writer" || :
	driftdb sql -d db -e VERIFY >verified
	same "$(jq -r .anchor verified)" "$(driftdb digest -d db)"
	driftdb dump -d db --events >events
	stop_mount
	driftdb verify -d db --anchor "$anchor"
	driftdb dump -d db --events | diff - events
}

@test "sql against a database held by a process that is no daemon says who" {
	driftdb init db
	mkfifo hold
	driftdb sql -d db -f hold 3>&- &
	holder=$!
	exec 9>hold
	eventually 5 locked_by_other db
	fails_with 1 driftdb sql -d db -e 'SELECT 1'
	says "$holder"
	exec 9>&-
	wait "$holder"
}

locked_by_other()
{
	fails flock -n "$1/LOCK" true
}

@test "answers are the same with a daemon and without" {
	need_fuse
	driftdb init db
	cat >script <<-'SQL'
		CREATE TABLE t (pk=id, INDEX(kind));
		INSERT INTO t {"id":"a","kind":"x","n":1}, {"id":"b","kind":"y","n":2.5,"deep":{"l":[1,null]}};
		UPDATE t SET n = n + 1 WHERE kind = 'x';
		SELECT * FROM t ORDER BY id;
		SELECT count(*) AS n FROM t FOR SYSTEM_TIME AS OF @SEQ:1;
		DELETE FROM t WHERE id = 'b';
		SELECT * FROM missing;
	SQL
	for format in json csv tsv table; do
		cp -a db here
		cp -a db there
		driftdb sql -d here -f script --format "$format" >here.out 2>here.err || here=$?
		start_mount there mnt
		driftdb sql -d there -f script --format "$format" >there.out 2>there.err || there=$?
		stop_mount
		same "$here" 1
		same "$there" 1
		diff here.out there.out
		diff here.err there.err
		rm -r here there
	done
}

@test "psql reads and writes through the daemon's socket" {
	new_mount
	mkdir mnt/tables/t
	echo '{"n":7}' >mnt/tables/t/rows/a.json
	export PGHOST=$PWD/db PGPORT=5433
	same "$(psql -At -c 'SELECT id, n FROM t')" 'a|7'
	psql -q -c "INSERT INTO t (id, n) VALUES ('b', 8)"
	same "$(jq .n mnt/tables/t/rows/b.json)" 8
	run psql -At -c 'SELECT * FROM missing'
	same "$status" 1
	says 'ERROR: .*missing'
	run psql -v VERBOSITY=sqlstate -c 'SELECT * FROM missing'
	says 42P01
}
