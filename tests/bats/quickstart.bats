#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The first five minutes, typed as the README says them.
load lib

@test "four commands from nothing to the past" {
	driftdb init ./mydb
	driftdb sql -d ./mydb -e 'CREATE TABLE events (pk=id, INDEX(type, status))'
	driftdb sql -d ./mydb -e 'INSERT INTO events {"id": "evt1", "type": "order", "status": "pending"}'
	run driftdb sql -d ./mydb -e 'SELECT * FROM events WHERE type="order" AS OF "@seq:1"'
	same "$status" 0
	same "$(jq -cS . <<<"$output")" '{"id":"evt1","status":"pending","type":"order"}'
}

@test "each says what it did" {
	run driftdb init ./mydb
	says 'Initialized an empty database in ./mydb'
	run driftdb sql -d ./mydb -e 'CREATE TABLE events (pk=id)'
	same "$output" "Table 'events' created"
	run driftdb sql -d ./mydb -e 'INSERT INTO events {"id": "evt1"}'
	same "$output" "Inserted 1 row(s)"
	run driftdb sql -d ./mydb --quiet -e 'INSERT INTO events {"id": "evt2"}'
	same "$output" ""
}

@test "the same four commands while the database is mounted" {
	need_fuse
	driftdb init ./mydb
	start_mount ./mydb mnt
	driftdb sql -d ./mydb -e 'CREATE TABLE events (pk=id, INDEX(type, status))'
	driftdb sql -d ./mydb -e 'INSERT INTO events {"id": "evt1", "type": "order", "status": "pending"}'
	run driftdb sql -d ./mydb -e 'SELECT * FROM events WHERE type="order" AS OF "@seq:1"'
	same "$status" 0
	same "$(jq -cS . <<<"$output")" '{"id":"evt1","status":"pending","type":"order"}'
	same "$(jq -r .status mnt/tables/events/rows/evt1.json)" pending
	psql -h "$PWD/mydb" -p 5433 -At -c 'SELECT status FROM events' >answer
	same "$(cat answer)" pending
}
