#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# .driftfs: what the mount says of itself.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	for i in 1 2 3; do
		echo "{\"v\":$i}" >mnt/tables/t/rows/a.json
	done
}

# value NAME: of a metric without labels.
value()
{
	awk -v name="driftfs_$1" '$1 == name { print $2 }' mnt/.driftfs/metrics
}

# The text format 0.0.4: comments before samples, one TYPE a name, names and labels
# spelled right, numbers, histograms that rise up to +Inf and end with _sum and _count.
check_format()
{
	awk '
	function bad(why) { print NR ": " why ": " $0; failed = 1 }
	/^$/ { bad("empty line") }
	/^# HELP / { if ($3 in help) bad("HELP twice"); help[$3] = 1; next }
	/^# TYPE / {
		if ($3 in type) bad("TYPE twice")
		if ($4 !~ /^(counter|gauge|histogram)$/) bad("type")
		type[$3] = $4; now = $3; next
	}
	/^#/ { bad("comment"); next }
	!/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z]+="[^"]*",?)+\})? (-?[0-9.]+(e[-+]?[0-9]+)?|NaN|[+-]Inf)$/ { bad("sample"); next }
	{
		base = $1; sub(/\{.*/, "", base); labels = $1; sub(/^[^{]*/, "", labels)
		stem = base
		if (type[now] == "histogram") sub(/_(bucket|sum|count)$/, "", stem)
		if (stem != now) bad("outside of its TYPE")
		if (seen[$1]++) bad("twice")
		if (type[now] == "counter" && base !~ /_total$/) bad("counter without _total")
		if (base ~ /_bucket$/) {
			series = labels; sub(/,?le="[^"]*"/, "", series)
			if ($2 < last[now series] + 0) bad("bucket falls")
			last[now series] = $2
			if (labels ~ /le="\+Inf"/) inf[now series] = $2
		}
		if (base ~ /_count$/ && type[now] == "histogram") {
			series = labels == "" ? "{}" : labels
			if (inf[now series] != $2) bad("count is not +Inf")
		}
		samples++
	}
	END { if (samples < 100) { print "only " samples " samples"; failed = 1 } exit failed }
	' "$1"
}

@test "status.json says what is mounted and where it stands" {
	s=mnt/.driftfs/status.json
	same "$(jq -c '[.head, .tables, .read_only, .as_of, .clock_behind_s, .options.durability]' $s)" \
		'[3,1,false,null,0,"close"]'
	same "$(jq .pid $s)" "$MOUNT_PID"
	same "$(jq -r .database $s)" "$(realpath db)"
	same "$(jq -r .database_id $s)" "$(grep -oE '[0-9a-f]{32}' db/FORMAT)"
	mkdir mnt/@tag/x
	same "$(jq -c .tags $s)" '{"x":3}'
	echo '{"v":4}' >mnt/tables/t/rows/a.json
	same "$(jq .head $s)" 4
	stop_mount
	start_mount db mnt -o ro,format=compact,asof=2
	same "$(jq -c '[.head, .as_of, .read_only, .options.format]' $s)" '[4,2,true,"compact"]'
}

@test "metrics are in the text format, and count what was done" {
	cp mnt/.driftfs/metrics before
	check_format before
	same "$(value events_total)" 3
	same "$(value transactions_total)" 4
	same "$(value change_seconds_count)" 4
	for i in 1 2 3 4 5; do
		echo "{\"v\":$i}" >mnt/tables/t/rows/b.json
	done
	same "$(value events_total)" 8
	same "$(value head)" 8
	same "$(value backlog_events)" 8
	[ "$(value fdatasync_seconds_count)" -ge 8 ]
	same "$(value batch_transactions_sum)" 9
	fails_with 1 cp /dev/null mnt/tables/t/rows/bad%.json
	same "$(value refusals_total)" 1
	creates=$(awk '/request_seconds_count\{op="(create|open)"\}/ { n += $2 } END { print n }' mnt/.driftfs/metrics)
	[ "$creates" -ge 8 ]
	cp mnt/.driftfs/metrics after
	check_format after
}

@test "the format checker finds faults" {
	cp mnt/.driftfs/metrics good
	check_format good
	for fault in '/TYPE driftfs_head/d' 's/^driftfs_head .*/driftfs_head x/' \
		's/events_total/events/' 's/le="+Inf"} [0-9]*/le="+Inf"} 99/' \
		's/^driftfs_nodes.*/&\n&/' 's/op="/op=/' '3s/^/\n/'; do
		sed "$fault" good >faulty
		fails cmp -s good faulty
		run check_format faulty
		[ "$status" = 1 ]
	done
}

@test "stats.json is the same as one object" {
	s=mnt/.driftfs/stats.json
	same "$(jq -c '[.head, .events_total, .transactions_total]' $s)" '[3,3,4]'
	jq -e '.fdatasync_seconds | .count >= 3 and .sum > 0 and .p50 <= .p99' $s
	jq -e '.request_seconds_lookup.count > 0' $s
}

@test "README and version tell, and all of it can be copied" {
	grep -q '@diff/A..B/' mnt/.driftfs/README
	same "$(ls -A mnt/.driftfs | tr '\n' ' ')" 'README errors metrics stats.json status.json version '
	cp -r mnt/.driftfs copy
	jq -e . copy/status.json copy/stats.json >/dev/null
	fails_with 1 bash -c 'echo x >mnt/.driftfs/status.json'
}
