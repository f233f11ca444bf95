#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Rows as files: when a write becomes an event, and what readers see meanwhile.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
}

content()
{
	jq -c . "$rows/$1.json"
}

# The seq of the newest event.
head_seq()
{
	readlink mnt/@seq/head
}

@test "a row written is the row read, its size exact, its time the commit's" {
	echo '{"v":1}' >$rows/a.json
	same "$(cat $rows/a.json)" $'{\n  "id": "a",\n  "v": 1\n}'
	same "$(stat -c %s $rows/a.json)" "$(wc -c <$rows/a.json)"
	run ls -l mnt/@time
	says "$(date -u -r $rows/a.json +%Y-%m-%dT%H:%M:%S)[.0-9]*Z -> ../@seq/1"
	same "$(stat -c %Y $rows/a.json)" "$(stat -c %Z $rows/a.json)"
}

@test "300 rounds of echo and cat: nothing stale, nothing torn" {
	for i in {1..300}; do
		echo '{"v":'"$i"'}' >$rows/x.json
		read -r -d '' text < <(cat $rows/x.json) || :
		same "$text" $'{\n  "id": "x",\n  "v": '"$i"$'\n}'
	done
	same "$(head_seq)" 300
}

@test "an open descriptor keeps its version" {
	echo '{"v":1}' >$rows/a.json
	exec 5<$rows/a.json 6<$rows/a.json
	echo '{"v":2}' >$rows/a.json
	same "$(jq -c .v <&5)" 1
	rm $rows/a.json
	same "$(jq -c .v <&6)" 1
	exec 5<&- 6<&-
	[ ! -e $rows/a.json ]
}

@test "bad JSON makes echo itself fail, leaves the row, and is noted" {
	echo '{"v":1}' >$rows/a.json
	fails_with 1 bash -c "echo '{\"v\": 2,}' >$rows/a.json"
	says 'Invalid argument'
	same "$(content a)" '{"id":"a","v":1}'
	same "$(head_seq)" 1
	same "$(jq -r '[.path, .errno, .sqlstate, .position] | @csv' mnt/.driftfs/errors)" \
		'"tables/t/rows/a.json","EINVAL","22P02",9'
}

@test "a whole document that breaks a rule fails in write, too" {
	for bad in '{"id":"other"}' '{"a":1,"a":2}' '{"a":18446744073709551616}' \
		'{"a":1e999}' '{"a":"\u0000"}' '[1]' '{} {}' 'nonsense'; do
		fails_with 1 bash -c 'echo "$1" >"$2"' - "$bad" $rows/a.json
		says 'Invalid argument'
	done
	[ ! -e $rows/a.json ]
	same "$(head_seq)" 0
}

@test "what is not finished at the last close is noted, not stored" {
	echo '{"v":1}' >$rows/a.json
	printf '{"v":' >$rows/a.json
	same "$(content a)" '{"id":"a","v":1}'
	eventually 5 grep -q 'not finished' mnt/.driftfs/errors
	: >$rows/a.json
	same "$(content a)" '{"id":"a","v":1}'
	same "$(head_seq)" 1
}

@test "tail -f on .driftfs/errors shows refusals as they come" {
	tail -n +1 -s 0.05 -f mnt/.driftfs/errors >seen &
	tail=$!
	for i in 1 2 3; do
		fails_with 1 bash -c "echo 'bad $i' >$rows/a$i.json"
		eventually 5 grep -q "rows/a$i.json" seen
	done
	kill $tail
	cmp seen mnt/.driftfs/errors
}

@test "an equal document makes no event" {
	echo '{"v":1,"w":[1.50]}' >$rows/a.json
	echo '{"id":"a","v":1,"w":[1.5]}' >$rows/a.json
	cat $rows/a.json >copy
	cat copy >$rows/a.json
	same "$(head_seq)" 1
}

# Attributes of a row that has just changed are not kept by the kernel.
settled()
{
	(($(date +%s%N) - $(date -r $rows/a.json +%s%N) > 150000000))
}

@test "a rewritten row is the same file, and its size and times are new at once" {
	echo '{"v":1}' >$rows/a.json
	number=$(stat -c %i $rows/a.json)
	for v in 22 333; do
		eventually 5 settled
		before=$(stat -c '%y %z' $rows/a.json)
		echo '{"v":'"$v"'}' >$rows/a.json
		[ "$(stat -c '%y %z' $rows/a.json)" != "$before" ]
		same "$(stat -c '%i %s' $rows/a.json)" "$number $(wc -c <$rows/a.json)"
		same "$(ls -i $rows | awk '{ print $1 }')" "$number"
	done
	# Looked at between the write and the close, the former version is kept.
	eventually 5 settled
	perl -e 'open(my $row, ">", $ARGV[0]) or die;
		syswrite($row, "{\"v\":4444}") or die;
		my $during = -s $ARGV[0];
		close($row) or die;
		exit(-s $ARGV[0] == $during + 1 ? 0 : 1);' $rows/a.json
}

@test "a new row takes the defaults of its columns, a rewritten one does not" {
	echo "CREATE TABLE d (id TEXT PRIMARY KEY, n INTEGER, s TEXT DEFAULT 'x');" >mnt/query
	echo '{"n":1}' >mnt/tables/d/rows/a.json
	same "$(jq -c . mnt/tables/d/rows/a.json)" '{"id":"a","n":1,"s":"x"}'
	echo '{"n":2}' >mnt/tables/d/rows/a.json
	same "$(jq -c . mnt/tables/d/rows/a.json)" '{"id":"a","n":2}'
	rm mnt/tables/d/rows/a.json
	echo '{"n":3}' >mnt/tables/d/rows/a.json
	same "$(jq -c . mnt/tables/d/rows/a.json)" '{"id":"a","n":3,"s":"x"}'
}

@test "appending merges a patch into the newest version" {
	echo '{"v":1,"gone":true}' >$rows/a.json
	echo '{"w":2,"gone":null}' >>$rows/a.json
	same "$(content a)" '{"id":"a","v":1,"w":2}'
	exec 5>>$rows/a.json
	echo '{"v":7}' >$rows/a.json
	echo '{"x":1}' >&5
	same "$(content a)" '{"id":"a","v":7,"x":1}'
	echo '{"y":1}' >&5
	exec 5>&-
	same "$(content a)" '{"id":"a","v":7,"x":1,"y":1}'
	echo '{"z":1}' >>$rows/new.json
	same "$(content new)" '{"id":"new","z":1}'
	fails_with 1 bash -c "echo '{\"id\":\"b\"}' >>$rows/a.json"
	fails_with 1 bash -c "echo '{\"z\":}' >>$rows/a.json"
	same "$(content a)" '{"id":"a","v":7,"x":1,"y":1}'
}

@test "concurrent merges into one row all arrive" {
	echo '{}' >$rows/a.json
	for w in 1 2 3 4; do
		for i in {1..25}; do
			echo "{\"w$w-$i\":1}" >>$rows/a.json
		done &
		writers+=($!)
	done
	wait "${writers[@]}"
	same "$(jq length $rows/a.json)" 101
}

@test "touch makes no row, and says so; of one that is there it changes nothing" {
	fails_with 1 touch $rows/new.json
	says 'Invalid argument'
	[ ! -e $rows/new.json ]
	eventually 5 grep -q 'no document was written' mnt/.driftfs/errors
	before=$(head_seq)
	echo '{"v":1}' >$rows/a.json
	touch $rows/a.json
	same "$(head_seq)" $((before + 1))
	# A copy sets the times before it closes.
	cp -p $rows/a.json kept
	sed -i 's/"a"/"b"/' kept
	cp -p kept $rows/b.json
	same "$(content b)" '{"id":"b","v":1}'
}

@test "rm deletes, a table with rows cannot be removed, an empty one can" {
	echo '{}' >$rows/a.json
	run rmdir mnt/tables/t
	says 'not empty'
	rm $rows/a.json
	fails_with 1 rm $rows/a.json
	[ ! -e $rows/a.json ]
	rmdir mnt/tables/t
	[ ! -e mnt/tables/t ]
	mkdir mnt/tables/t
	same "$(ls $rows)" ''
}

@test "mv changes the key, in one transaction" {
	echo '{"id":"a","v":1}' >$rows/a.json
	echo '{"v":2}' >$rows/b.json
	mv $rows/a.json $rows/b.json
	same "$(content b)" '{"id":"b","v":1}'
	[ ! -e $rows/a.json ]
	same "$(tail -n 2 mnt/events | jq -c '[.op, .pk]' | tr '\n' ' ')" \
		'["delete","a"] ["update","b"] '
	same "$(tail -n 2 mnt/events | jq .tx | uniq | wc -l)" 1
	echo '{"v":3}' >$rows/a.json
	same "$(content b)" '{"id":"b","v":1}'
	same "$(content a)" '{"id":"a","v":3}'
	mv -n $rows/a.json $rows/b.json
	same "$(content a)" '{"id":"a","v":3}'
	mkdir mnt/tables/u
	mv $rows/a.json mnt/tables/u/rows/a.json
	same "$(jq -c . mnt/tables/u/rows/a.json)" '{"id":"a","v":3}'
}

@test "utimens, chmod and chown change nothing and succeed; links are refused" {
	echo '{}' >$rows/a.json
	before=$(stat -c '%a %u %Y' $rows/a.json)
	touch -d 2001-01-01 $rows/a.json
	chmod 600 $rows/a.json
	chown 1 $rows/a.json
	same "$(stat -c '%a %u %Y' $rows/a.json)" "$before"
	for make in 'ln mnt/tables/t/rows/a.json' 'ln -s x' mkfifo; do
		fails_with 1 $make $rows/b.json
		says 'not permitted'
	done
	truncate -s 5 $rows/a.json
	same "$(content a)" '{"id":"a"}'
	fails_with 22 perl -e 'truncate($ARGV[0], 5) or exit $!' $rows/a.json
	perl -e 'truncate($ARGV[0], -s $ARGV[0]) or exit $!' $rows/a.json
}

@test "a row changed through SQL is seen at once, and one deleted is gone" {
	echo '{"v":1}' >$rows/a.json
	cat $rows/a.json
	stat $rows/a.json
	driftdb sql -d db -e "UPDATE t SET v = 123456 WHERE id = 'a'"
	same "$(content a)" '{"id":"a","v":123456}'
	same "$(stat -c %s $rows/a.json)" "$(wc -c <$rows/a.json)"
	echo '{"v":2}' >$rows/b.json
	stat $rows/b.json
	exec 5<$rows/a.json
	driftdb sql -d db -e "DELETE FROM t"
	fails_with 1 cat $rows/a.json
	fails_with 1 cat $rows/b.json
	# Who has it open can still see it, so its name goes when the kernel drops that; a
	# close is over before the daemon has heard of the end of what was open.
	eventually 5 test ! -e $rows/a.json
	eventually 5 test ! -e $rows/b.json
	same "$(jq -c .v <&5)" 123456
	exec 5<&-
	driftdb sql -d db -e 'INSERT INTO t {"id":"a","v":3}'
	same "$(content a)" '{"id":"a","v":3}'
	driftdb sql -d db -e 'DROP TABLE t'
	[ ! -e mnt/tables/t ]
	[ ! -e $rows/a.json ]
	mkdir mnt/tables/t
	same "$(ls $rows)" ''
}

@test "the author of an event is the user, its client the process" {
	echo '{}' >$rows/a.json
	same "$(tail -n 1 mnt/events | jq -r .user)" "$(id -un)"
	tail -n 1 mnt/events | jq -r .client | grep -qE '^fs pid [0-9]+$'
}

# bats test_tags=concurrent
@test "rewriting, renaming and deleting beside readers: all see whole rows" {
	"$BUILD/tests/bats/row_stress" $rows 3
}

# bats test_tags=concurrent
@test "SQL and files change the same directory at once, and nobody waits for ever" {
	for i in {1..400}; do
		echo "DELETE FROM t WHERE id IN ('k$((i % 8))', 'k$((i % 5))');"
		echo "INSERT INTO t {\"id\":\"k$((i % 7))\",\"s\":$i};"
	done | psql -q -h "$PWD/db" -p 5433 >/dev/null 2>&1 &
	sql=$!
	"$BUILD/tests/bats/row_calls" churn $rows 2
	wait $sql
	same "$(ls $rows)" "$(driftdb sql -d db -e 'SELECT id FROM t ORDER BY id' |
		jq -r '.id + ".json"')"
}

@test "every way a descriptor can be closed" {
	calls="$BUILD/tests/bats/row_calls"
	$calls pieces $rows/p.json 200000
	same "$(jq -r '.pad | length' $rows/p.json)" 200000
	$calls dup $rows/d.json
	same "$(content d)" '{"id":"d","v":1}'
	$calls sync $rows/s.json
	same "$(content s)" '{"id":"s","v":2}'
	before=$(head_seq)
	$calls synced $rows/o.json
	same "$(content o)" '{"id":"o","v":5}'
	same "$(head_seq)" $((before + 3))
	$calls exclusive $rows/e.json
	$calls killed $rows/k.json $((SLOW > 1 ? 20 : 200))
	[ ! -e $rows/k.json ]
	$calls fork $rows/f.json
	same "$(content f)" '{"id":"f","v":[1,2]}'
	$calls large $rows/l.json $((2 << 20))
	same "$(jq -r '.pad | length' $rows/l.json)" $((2 << 20))
	before=$(head_seq)
	$calls untouched $rows/l.json
	same "$(jq -r '.pad | length' $rows/l.json)" $((2 << 20))
	same "$(head_seq)" "$before"
	$calls edit $rows/d.json
	same "$(content d)" '{"id":"d","v":9}'
}

@test "of two writers the last to close wins, whole, and the other is in history" {
	"$BUILD/tests/bats/row_calls" two $rows/a.json
	same "$(content a)" '{"id":"a","v":"first"}'
	same "$(jq -c . mnt/tables/t/history/a/1.json)" '{"id":"a","v":"second","w":2}'
}

# bats test_tags=concurrent
@test "a row replaced by writing and by renaming is there, and whole, at each of many reads" {
	"$BUILD/tests/bats/row_stress" $rows "${STRESS_SECONDS:-3}" replace
	head=$(head_seq)
	[ "$head" -gt 2 ]
	# Nothing but updates: it was never gone between two versions.
	same "$(jq -r .op mnt/events | sort -u | tr '\n' ' ')" 'ddl insert update '
	same "$(jq -r 'select(.op == "insert").pk' mnt/events)" r
}

@test "a row that is too large is refused in write" {
	head -c 20000000 /dev/zero | tr '\0' ' ' >blanks
	{ echo '{"v":1'; cat blanks; echo '}'; } >large
	run cp large $rows/a.json
	says 'File too large'
	[ ! -e $rows/a.json ]
	{ echo '{"v":1'; head -c 15000000 blanks; echo '}'; } >$rows/a.json
	same "$(content a)" '{"id":"a","v":1}'
}
