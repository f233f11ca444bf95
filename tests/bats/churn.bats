#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Everything at once: rows written by files and by SQL, tables and indexes that come and
# go, the log packed, all of it read, now and as of the past, until the daemon is stopped
# or killed, again and again. SEED=N repeats a run, DRIFTFS_CHURNS=N does it as often.
load lib

client=$BUILD/tests/bats/crash_client

tables='CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, n INTEGER CHECK (n >= 0));
	CREATE TABLE former (id INTEGER PRIMARY KEY, email TEXT UNIQUE, n INTEGER);
	CREATE TABLE orders (id INTEGER PRIMARY KEY);
	CREATE TABLE items (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES orders ON DELETE CASCADE);
	CREATE TABLE papers (pk=id); CREATE TABLE t (pk=id)'

# statements ROUND WHAT NUMBER: through the daemon; most refusals are meant to be.
statements()
{
	awk -v seed="$((SEED * 1000 + $1 * 10 + $3))" -v count=400 -v what="$2" \
		-f "$ROOT/tests/bats/churn.awk" |
		driftdb sql -d db -q --keep-going >/dev/null 2>&1 || :
}

# Whoever reads at the end of a mount is refused, and may be.
read_all()
{
	local seq

	while mountpoint -q mnt; do
		seq=$((RANDOM % 2000 + 1))
		ls mnt/tables/items/rows "mnt/@seq/$seq/tables/orders/rows" mnt/tables/people/by/*
		cat "mnt/@seq/$seq/tables/people/rows.jsonl" "mnt/@seq/$seq/tables/people/schema.sql" \
			mnt/tables/people/count mnt/.driftfs/metrics
		diff -r "mnt/@seq/$seq/tables/people" "mnt/@seq/$((seq + 20))/tables/people"
		tail -n 3 mnt/events
		driftdb sql -d db -q -e 'SELECT count(*), sum(n) FROM people FOR SYSTEM_TIME ALL'
	done >/dev/null 2>&1 || :
}

pause_ms()
{
	read -r -t "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" <> <(:) || :
}

round()
{
	local workers=() worker

	for writer in 1 2; do
		"$client" write mnt/tables/t/rows "acked.$1.$writer" "r$1-w$writer" 2000 3>&- &
		workers+=($!)
		statements "$1" rows "$writer" 3>&- &
		workers+=($!)
	done
	statements "$1" tables 3 3>&- &
	workers+=($!)
	read_all 3>&- &
	workers+=($!)
	pause_ms $(((RANDOM % 1200 + 100) * SLOW))
	if [ $((RANDOM % 3)) = 0 ]; then
		kill -TERM "$MOUNT_PID"
		wait "$MOUNT_PID"
	else
		kill_mount
	fi
	for worker in "${workers[@]}"; do
		wait "$worker" || :
	done
}

# state SEQ: every row there was.
state()
{
	local table

	{
		echo "SET statement_timeout = '10min';"
		for table in people orders items papers t; do
			echo "SELECT doc FROM $table AS OF @SEQ:$1 ORDER BY id;"
		done
	} | driftdb sql -d db -q --format json
}

# nothing_from SUBQUERY: it has no row.
nothing_from()
{
	same "$(driftdb sql -d db -q --format csv -e "SELECT count(*) AS n FROM ($1)")" $'n\n0'
}

check_all()
{
	local anchor seq

	driftdb verify -q -d db
	[ ! -s anchor ] || driftdb verify -q -d db --anchor "$(cat anchor)"
	driftdb digest -d db >said
	grep -oE '[0-9]+:[0-9a-f]{64}' said >anchor
	for seq in past.*; do
		[ ! -e "$seq" ] || same "$(state "${seq#past.}" | sha256sum)" "$(cat "$seq")"
	done
	nothing_from 'SELECT 1 FROM items WHERE parent NOT IN (SELECT id FROM orders)'
	nothing_from 'SELECT email FROM people WHERE email IS NOT NULL GROUP BY email HAVING count(*) > 1'
	anchor=$(cat anchor)
	seq=$((RANDOM % (${anchor%%:*} + 1)))
	state "$seq" | sha256sum >"past.$seq"
}

# What is only derived from the log comes again as it was.
derive_again()
{
	driftdb dump --events -d db | sha256sum >before
	rm -rf db/index db/snapshots
	driftdb dump --events -d db | sha256sum >after
	same "$(cat after)" "$(cat before)"
	driftdb verify -q -d db
}

# bats test_tags=concurrent
@test "with everybody at work, ends of every kind lose nothing and change no past" {
	need_fuse
	draw_seed
	driftdb init db
	driftdb sql -q -d db -e "$tables"
	for n in $(seq "${DRIFTFS_CHURNS:-$((SLOW > 1 ? 2 : 6))}"); do
		start_mount db mnt
		round "$n"
		check_all
		[ $((RANDOM % 4)) != 0 ] || derive_again
	done
	start_mount db mnt
	"$client" check mnt/tables/t/rows acked.*
	stop_mount
}
