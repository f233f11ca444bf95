#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A disk that takes its time: who waits for it, and who does not.
load lib

# slow_mount SECONDS [OPTION...]: db at mnt, each of the daemon's fdatasync calls so
# much later.
slow_mount()
{
	{ command -v strace && strace -o /dev/null true; } >/dev/null 2>&1 ||
		skip 'no strace here'
	local seconds=$1

	shift
	no_leak_checks
	mkdir -p mnt
	strace -f --seccomp-bpf -qq -o /dev/null -e trace=fdatasync \
		-e "inject=fdatasync:delay_enter=${seconds}s" \
		"$BUILD/driftfs" -f db mnt "$@" 2>>daemon.log 3>&- 4>&- &
	MOUNT_PID=$!
	MOUNT_POINT=$(realpath mnt)
	eventually 20 tree_answers_or_daemon_ended
	tree_answers
}

twenty_rows()
{
	driftdb init db
	{
		echo 'CREATE TABLE t (pk=id);'
		for i in {1..20}; do
			echo "INSERT INTO t {\"id\":\"r$i\",\"v\":$i};"
		done
	} | driftdb sql -q -d db
}

# How many reads SECONDS hold, and what 99 of 100 of them take at most, in ms.
reads()
{
	perl -MTime::HiRes=time -e '
		my ($dir, $end, $i, @took) = ($ARGV[0], time + $ARGV[1], 0);
		while (time < $end) {
			my $began = time;
			open my $row, "<", "$dir/r" . (1 + $i++ % 20) . ".json" or die $!;
			<$row>;
			close $row;
			push @took, 1000 * (time - $began);
		}
		@took = sort { $a <=> $b } @took;
		printf "%d %d\n", scalar @took, $took[int(0.99 * @took)];' "$@"
}

fdatasyncs()
{
	jq .fdatasync_seconds.count mnt/.driftfs/stats.json
}

@test "while a sync takes two seconds writers wait for it, and readers do not" {
	need_fuse
	twenty_rows
	slow_mount 2
	writers=()
	for i in {1..6}; do
		# Each writes, deletes, renames: whoever waits must not keep others out.
		(while echo "{\"v\":$i}" >"mnt/tables/t/rows/w$i.json"; do :; done) 2>/dev/null &
		writers+=($!)
	done
	eventually 20 test -s mnt/tables/t/rows/w1.json
	# The machine may be taken away for a while; a lock held over a sync is there each time.
	for _ in 1 2 3 4 5; do
		read -r count p99 <<<"$(reads mnt/tables/t/rows $((3 * SLOW)))"
		echo "$count reads, 99 of 100 within $p99 ms"
		[ "$p99" -ge $((50 * SLOW)) ] || break
	done
	[ "$count" -gt 200 ]
	[ "$p99" -lt $((50 * SLOW)) ]
	kill "${writers[@]}"
	wait "${writers[@]}" || :
}

@test "a writer that is killed while it waits for the disk leaves a whole row or none" {
	need_fuse
	twenty_rows
	slow_mount 2
	echo '{"v":"new"}' >source
	for name in r1 fresh; do
		cp source mnt/tables/t/rows/$name.json &
		copier=$!
		eventually 5 waits_or_ended $copier
		kill -KILL $copier || :
		# It is gone when the disk has answered, at the latest.
		eventually 10 ended $copier
		wait $copier || :
	done
	# It may have been killed before it came to write.
	[[ $(jq -r .v mnt/tables/t/rows/r1.json) =~ ^(1|new)$ ]]
	[ ! -e mnt/tables/t/rows/fresh.json ] ||
		same "$(jq -r .v mnt/tables/t/rows/fresh.json)" new
	cp source mnt/tables/t/rows/fresh.json
	rm mnt/tables/t/rows/fresh.json &
	remover=$!
	eventually 5 waits_or_ended $remover
	kill -KILL $remover || :
	eventually 10 ended $remover
	wait $remover || :
	[ ! -e mnt/tables/t/rows/fresh.json ] ||
		same "$(jq -r .v mnt/tables/t/rows/fresh.json)" new
	echo '{"v":"again"}' >mnt/tables/t/rows/r1.json
	same "$(jq -r .v mnt/tables/t/rows/r1.json)" again
}

# The process sleeps in the kernel for an answer of the daemon's.
waits()
{
	grep -qE 'request_wait_answer|fuse' "/proc/$1/wchan" 2>/dev/null ||
		grep -q '^State:.D' "/proc/$1/status" 2>/dev/null
}

# Who comes late to look finds what he looks for over.
waits_or_ended()
{
	waits "$1" || ended "$1"
}

change_names()
{
	mkdir mnt/tables/a mnt/tables/b
	mv mnt/tables/b mnt/tables/c
	echo '{"v":1}' >mnt/tables/a/rows/k.json
	mv mnt/tables/a/rows/k.json mnt/tables/a/rows/l.json
	rm mnt/tables/a/rows/l.json
	rmdir mnt/tables/a mnt/tables/c
}

@test "mkdir, mv, rm and rmdir wait for the disk as a close does, and by interval= none does" {
	local before

	new_mount
	before=$(fdatasyncs)
	change_names
	[ "$(($(fdatasyncs) - before))" -ge 8 ]
	stop_mount
	start_mount db mnt -o durability=interval=3600000
	before=$(fdatasyncs)
	change_names
	same "$(($(fdatasyncs) - before))" 0
	mkdir mnt/tables/d
	sync -d mnt/tables
	[ "$(($(fdatasyncs) - before))" -ge 1 ]
	kill_mount
	start_mount db mnt
	[ -d mnt/tables/d ]
}

# Every tenth of a second, as the daemon is asked to.
@test "the watchdog hears of a daemon that serves, and nothing while it does not" {
	local began heard

	need_fuse
	twenty_rows
	perl -MIO::Socket::UNIX -MSocket -e '
		my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "notify") or die;
		$| = 1;
		while ($s->recv(my $text, 999), 1) { print "$text\n" }' >heard 3>&- &
	listener=$!
	eventually 5 test -S notify
	# One thread, which waits for the disk itself: nobody is served meanwhile.
	NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=200000 slow_mount 3 -s
	eventually 5 grep -qx WATCHDOG=1 heard
	# It waits for as long as nothing is asked of it, and says so.
	began=$(wc -l <heard)
	eventually 10 heard_more $((began + 5))
	# Whoever counts may come late, to begin or to end.
	heard=none
	for attempt in 1 2 3; do
		echo "{\"v\":$attempt}" >mnt/tables/t/rows/r1.json &
		writer=$!
		eventually 5 waits_or_ended $writer
		began=$(wc -l <heard)
		if ended $writer; then
			continue
		fi
		wait $writer
		heard=$(($(wc -l <heard) - began))
		echo "$heard in three seconds"
		[ "$heard" -gt 8 ] || break
	done
	[ "$heard" -le 8 ]
	eventually 10 heard_more $((began + heard + 5))
	unmount_one "$MOUNT_POINT"
	eventually 10 grep -qx STOPPING=1 heard
	eventually 10 ended "$MOUNT_PID"
	# What was asked of another process is not answered.
	began=$(wc -l <heard)
	WATCHDOG_PID=1 WATCHDOG_USEC=200000 NOTIFY_SOCKET=$PWD/notify start_mount db mnt
	eventually 5 heard_more $((began + 1))
	read -r -t 0.5 <> <(:) || :
	kill $listener
	same "$(tail -n +$((began + 1)) heard)" READY=1
}

heard_more()
{
	[ "$(wc -l <heard)" -ge "$1" ]
}

# With one thread to read the kernel's requests, whatever keeps it keeps everybody.
@test "the first look at a large file of events, or at a past table, keeps nobody waiting" {
	local slow count=$((120000 / SLOW)) file round ahead=0

	need_fuse
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id)'
	seq "$count" | sed 's/.*/{"id":&,"text":"some words to make it longer","n":&}/' >rows
	driftdb ingest -d db -t t -f rows --as jsonl >/dev/null
	driftdb sql -q -d db -e 'DELETE FROM t WHERE id = 1'
	# Whoever is slow to begin may be late for one of them, or for all.
	for round in 1 2 3 4; do
		start_mount db mnt -s
		for file in events "@seq/$count/tables/t/rows.jsonl" "@seq/$count/tables/t/rows.csv"; do
			stat -c %s "mnt/$file" >size &
			slow=$!
			eventually 5 waits_or_ended $slow
			[ "$(cat mnt/tables/t/count)" = $((count - 1)) ]
			ended $slow || ahead=$((ahead + 1))
			wait $slow
			same "$(cat size)" "$(cat "mnt/$file" | wc -c)"
		done
		echo "$ahead of 3 were still under way"
		[ "$ahead" = 0 ] || break
		stop_mount
	done
	[ "$ahead" -ge 1 ]
	same "$(cat "mnt/@seq/$count/tables/t/count")" "$count"
}

# A file whose commit waits for the disk, while another process writes to it on the same
# descriptor, for SECONDS: a worker waits for the other's commit.
write_beside_a_commit()
{
	perl -MPOSIX -MTime::HiRes=time -e '
		my ($file, $end) = ($ARGV[0], time + $ARGV[1]);
		open my $row, ">", $file or die $!;
		if (!fork) {
			syswrite $row, "{\"v\":1}";
			POSIX::close(POSIX::dup(fileno $row));
			POSIX::_exit(0);
		}
		syswrite $row, " " while time < $end;
		wait;' "$@"
}

# The longest of the reads that one second holds, in ms.
longest_read()
{
	perl -MTime::HiRes=time -e '
		my ($end, $longest) = (time + 1, 0);
		while (time < $end) {
			my $began = time;
			open my $row, "<", $ARGV[0] or die $!;
			<$row>;
			close $row;
			my $took = 1000 * (time - $began);
			$longest = $took if $took > $longest;
		}
		printf "%d\n", $longest;' "$@"
}

@test "while eight writers wait for commits of their own files, others are served" {
	need_fuse
	twenty_rows
	slow_mount 2
	for attempt in 1 2 3; do
		writers=()
		for i in {1..8}; do
			write_beside_a_commit "mnt/tables/t/rows/w$attempt$i.json" 1 &
			writers+=($!)
		done
		longest=$(longest_read mnt/tables/t/rows/r1.json)
		echo "the longest read took $longest ms"
		wait "${writers[@]}"
		[ "$longest" -ge 1000 ] || break
	done
	[ "$longest" -lt 1000 ]
	for i in {1..8}; do
		same "$(jq .v "mnt/tables/t/rows/w$attempt$i.json")" 1
	done
}
