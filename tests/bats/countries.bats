#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Fourteen years of a real table: 14,811 events with their own seqs and times, and
# what the table was at 115 moments, by count and digest.
load lib

data=$SHARED/data/countries

setup_file()
{
	[ -e "$data/events.jsonl.zst" ] || return 0
	cd "$BATS_FILE_TMPDIR" || return 1
	zstd -dcq --long=27 "$data/events.jsonl.zst" >events.jsonl
	driftdb init loaded
	driftdb load -d loaded events.jsonl
}

setup()
{
	begin_test
	need_shared data/countries
	cp -a "$BATS_FILE_TMPDIR/loaded" db
}

# state_of ROWS-DIRECTORY: how many rows, and the digest of them all.
state_of()
{
	(
		cd "$1" || return 1
		LC_ALL=C
		ls >"$BATS_TEST_TMPDIR/names"
		printf '%s\t' "$(wc -l <"$BATS_TEST_TMPDIR/names")"
		xargs cat <"$BATS_TEST_TMPDIR/names" | jq -cS . | sha256sum | cut -d ' ' -f 1
	)
}

# Every line of checkpoints.tsv through the moment directory that $1 makes of it:
# seq_moment or time_moment. Stops at nothing; the count of differences is 0.
check_all()
{
	local seq time count digest wrong=0 checked=0

	while IFS=$'\t' read -r seq time count digest; do
		checked=$((checked + 1))
		same "$(state_of "mnt/$("$1" "$seq" "$time")/tables/countries/rows")" \
			"$count"$'\t'"$digest" || wrong=$((wrong + 1))
	done <"$data/checkpoints.tsv"
	same "$checked checked, $wrong wrong" \
		"$(wc -l <"$data/checkpoints.tsv") checked, 0 wrong"
}

# A few of them, one in ten: enough for the same bytes read again after a mishap.
check_some()
{
	local seq time count digest

	sed -n '1~10p' "$data/checkpoints.tsv" >some
	[ -s some ]
	while IFS=$'\t' read -r seq time count digest; do
		same "$(state_of "mnt/@seq/$seq/tables/countries/rows")" \
			"$count"$'\t'"$digest"
		same "$(state_of "mnt/@time/$time/tables/countries/rows")" \
			"$count"$'\t'"$digest"
	done <some
}

seq_moment()
{
	echo "@seq/$1"
}

time_moment()
{
	echo "@time/$2"
}

@test "load keeps every event: dump gives the file back" {
	driftdb dump --events -d db | cmp - "$BATS_FILE_TMPDIR/events.jsonl"
	driftdb verify -d db
}

@test "a dump loads into another database, and dumps the same" {
	driftdb dump --events -d db >dumped.jsonl
	driftdb init again
	driftdb load -d again - <dumped.jsonl
	driftdb dump --events -d again | cmp - dumped.jsonl
}

@test "every checkpoint through @seq" {
	need_fuse
	start_mount db mnt
	check_all seq_moment
}

@test "every checkpoint through @time" {
	need_fuse
	start_mount db mnt
	check_all time_moment
}

@test "diff of two moments names the rows that changed, and no other" {
	need_fuse
	start_mount db mnt
	run diff -rq mnt/@seq/14808/tables/countries/rows mnt/@seq/14811/tables/countries/rows
	same "$status" 1
	same "$(grep -o '[A-Z]*\.json and' <<<"$output" | cut -d . -f 1 | xargs)" \
		"CHE LKA TZA"
	same "$(wc -l <<<"$output")" 3
}

@test "the past stays as it was after SIGKILL of the daemon" {
	need_fuse
	start_mount db mnt
	check_some
	kill_mount
	start_mount db mnt
	check_some
}

@test "the past stays as it was without the index" {
	need_fuse
	rm -r db/index
	start_mount db mnt
	check_some
}

@test "the past stays as it was after SIGKILL and without the index" {
	need_fuse
	start_mount db mnt
	echo '{"cca3":"XXX"}' >mnt/tables/countries/rows/XXX.json
	kill_mount
	rm -r db/index
	start_mount db mnt
	check_some
	same "$(jq -r .cca3 mnt/tables/countries/rows/XXX.json)" XXX
}

@test "the past stays as it was after compaction, in a twentieth of the room" {
	need_fuse
	driftdb compact -d db
	[ "$(cat db/log/* | wc -c)" -lt 1000000 ]
	driftdb verify -d db
	driftdb dump --events -d db | cmp - "$BATS_FILE_TMPDIR/events.jsonl"
	start_mount db mnt
	check_some
}

@test "a mounted database is compacted under its readers" {
	need_fuse
	start_mount db mnt
	exec 5<mnt/@seq/248/tables/countries/rows/CHE.json
	driftdb compact -d db
	same "$(jq -r .name <&5)" Switzerland
	exec 5<&-
	check_some
	# While it is open the newest segment has room allocated ahead.
	stop_mount
	[ "$(cat db/log/* | wc -c)" -lt 1000000 ]
}

@test "load refuses what would make another history, by line number" {
	driftdb init empty
	fails_with 1 driftdb load -d empty <(sed 3d "$BATS_FILE_TMPDIR/events.jsonl")
	says ':3: seq 3 where 2 should follow'
	fails_with 1 driftdb load -d db "$BATS_FILE_TMPDIR/events.jsonl"
	says ':1: '
	driftdb init other
	fails_with 1 driftdb load -d other <(
		head -n 2 "$BATS_FILE_TMPDIR/events.jsonl"
		sed -n 3p "$BATS_FILE_TMPDIR/events.jsonl" | jq -c '.tx = 3 | .time = "2011-01-01T00:00:00Z"'
	)
	says ':3: a time that is not after the one before'
}
