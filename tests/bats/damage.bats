#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A damaged database: refused, read up to the damage, salvaged.
load lib

# A database of 3 sealed segments and a newest one, of 10 events each.
damaged_history()
{
	local n

	driftdb init db
	echo 'CREATE TABLE t (pk=id);' | driftdb sql -q -d db
	for n in 1 2 3 4; do
		for ((i = n * 10 - 9; i <= n * 10; i++)); do
			echo "INSERT INTO t (id, n) VALUES ('k$i', $i);"
		done | driftdb sql -q -d db
		[ "$n" = 4 ] || driftdb sql -q -d db -e "TAG \"after$n\"" -e VACUUM
	done
}

# flip FILE PATTERN: change the first byte of the first match.
flip()
{
	local at byte

	at=$(LC_ALL=C grep -obUaP -- "$2" "$1" | head -n 1 | cut -d : -f 1)
	byte=$(od -An -tu1 -j "$at" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

newest()
{
	printf '%s\n' "$1"/log/*.seg | tail -n 1
}

@test "damage in the newest segment: refused, read up to it, salvaged" {
	damaged_history
	cp -a db whole
	rm -r db/index
	flip "$(newest db)" 'k34'
	fails_with 3 driftdb sql -d db -e 'SELECT 1'
	says 'segment 0*31.seg offset [0-9]+: .*CRC [0-9a-f]{8}, expected [0-9a-f]{8}'
	says 'transactions 38 to 38, seqs 34 to 34'
	says 'salvage'
	run driftdb sql -d db --read-only -e 'SELECT count(*) AS n, max(n) AS m FROM t'
	same "$status" 0
	says '"n":33,"m":33'
	says 'seq 34|event 33'
	fails_with 1 driftdb sql -d db --read-only -e "DELETE FROM t WHERE id = 'k1'"
	fails_with 3 driftdb sql -d db --read-only -e VERIFY
	driftdb salvage -d db new >out 2>err
	grep -q 'Copied 43 transaction(s) with 39 event(s)' out
	grep -q 'seqs 34 to 34' err
	driftdb verify -q -d new
	same "$(driftdb sql -d new -e "SELECT id FROM t WHERE n IN (33, 34, 35)" | tr '\n' ' ')" \
		'{"id":"k33"} {"id":"k35"} '
	same "$(driftdb dump -d new --events | jq -r 'select(.pk == "k35").seq')" 34
	same "$(driftdb dump -d new --events | jq -c 'select(.pk == "k35") | [.tx, .time, .user]')" \
		"$(driftdb dump -d whole --events | jq -c 'select(.pk == "k35") | [.tx, .time, .user]')"
}

@test "a segment that is gone: salvage keeps the others, and tags move along" {
	damaged_history
	rm db/log/00000000000000000011.seg
	rm -r db/index
	fails_with 3 driftdb verify -d db
	fails_with 3 driftdb sql -d db -e 'SELECT 1'
	run driftdb sql -d db --read-only -e 'SELECT max(n) AS m FROM t'
	says '"m":10'
	driftdb salvage -d db new >out 2>err
	grep -q 'seqs 11 to 20' err
	driftdb verify -q -d new
	same "$(driftdb sql -d new -e 'SELECT count(*) AS n FROM t')" '{"n":30}'
	same "$(driftdb sql -d new -e 'SELECT max(n) AS m FROM t FOR SYSTEM_TIME AS OF @TAG:after1')" '{"m":10}'
	same "$(driftdb sql -d new -e 'SELECT max(n) AS m FROM t FOR SYSTEM_TIME AS OF @TAG:after3')" '{"m":30}'
}

@test "a definition that is lost takes its table's events with it" {
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE a (pk=id)' -e "INSERT INTO a (id) VALUES ('x1')" \
		-e 'CREATE TABLE b (pk=id)' -e "INSERT INTO b (id) VALUES ('x2')" \
		-e "INSERT INTO a (id) VALUES ('x3')"
	rm -r db/index
	flip "$(newest db)" 'CREATE TABLE b'
	driftdb salvage -d db new >out 2>err
	grep -q '1 transaction(s) left out' out
	grep -q 'definition is lost' err
	driftdb verify -q -d new
	same "$(driftdb dump -d new --events | jq -r 'select(.seq).pk' | tr '\n' ' ')" 'x1 x3 '
}

@test "what is whole is salvaged whole" {
	damaged_history
	driftdb salvage -d db new >out
	grep -q 'nothing is lost' out
	same "$(driftdb dump -d new --events | sha256sum)" "$(driftdb dump -d db --events | sha256sum)"
	fails_with 1 driftdb salvage -d db new
	says 'is a database already'
}

@test "the doctor says what ails, mends what loses nothing, and names the rest" {
	damaged_history
	run driftdb doctor -d db
	same "$status" 0
	says '^OK$'
	chmod 644 "$(newest db)"
	driftdb reindex -d db >out
	grep -q 'of 40 event' out
	dd if=/dev/zero of=db/index/data.mdb bs=4096 seek=3 count=2 conv=notrunc status=none
	[ -e db/index/data.mdb ]
	touch db/index/suspect
	fails_with 3 driftdb doctor -d db
	says 'unsafe permissions'
	says 'reindex'
	run driftdb doctor -d db --repair
	same "$status" 0
	says 'DONE .*index'
	run driftdb doctor -d db
	same "$status" 0
	same "$(stat -c %a "$(newest db)")" 600
	flip "$(newest db)" 'k34'
	fails_with 3 driftdb doctor -d db --repair
	says 'driftdb salvage'
	chmod 755 db
	fails_with 3 driftdb doctor -d db --repair
	same "$(stat -c %a db)" 700
	sed -i '1s/1/99/' db/FORMAT
	fails_with 4 driftdb doctor -d db
}

@test "the doctor changes nothing in a directory that is no database" {
	mkdir -m 755 other other/log
	touch other/log/x
	chmod 644 other/log/x
	fails_with 1 driftdb doctor -d other --repair
	same "$output" "driftdb: $PWD/other is not a driftfs database (no FORMAT file)"
	same "$(stat -c %a other other/log other/log/x | paste -sd ' ')" '755 755 644'
}

@test "a daemon that stops says where history stood, and verify agrees with it" {
	local anchor

	new_mount
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	stop_mount
	anchor=$(sed -n 's/^driftfs: stopped at //p' daemon.log)
	same "$anchor" "$(driftdb digest -d db)"
	driftdb verify -q -d db --anchor "$anchor"
	start_mount db mnt
	echo '{"v":2}' >mnt/tables/t/rows/a.json
	stop_mount
	driftdb verify -q -d db --anchor "$anchor"
	fails_with 3 driftdb verify -q -d db --anchor "${anchor%?}$(tr 0-9a-f 1-9a-f0 <<<"${anchor: -1}")"
}
