#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What nobody can have more of, and that the daemon goes on when somebody tries.
load lib

# Opens each of the PATHs, as many as can be, and prints how many, and the last error.
# Directories are read from, to their second entry.
open_all()
{
	perl -e '
		my @open;
		for my $path (@ARGV) {
			if (-d $path) {
				opendir(my $dir, $path) or last;
				readdir $dir;
				defined readdir $dir or last;
				push @open, $dir;
			} else {
				open(my $file, "<", $path) or last;
				push @open, $file;
			}
			$! = 0;
		}
		print scalar(@open), " $!\n";' "$@"
}

goes_on()
{
	eventually 10 nothing_is_open
	echo '{"v":1}' >mnt/tables/t/rows/later.json
	same "$(jq .v mnt/tables/t/rows/later.json)" 1
	kill -0 "$MOUNT_PID"
}

fifty_are_opened()
{
	fails_with 0 open_all $(repeat 60 "$1")
	same "$output" '50 Too many open files in system'
}

# As kept[i].
keep_open()
{
	exec {kept[i]}<"$1"
}

repeat()
{
	for ((i = 0; i < $1; i++)); do
		echo "$2"
	done
}

@test "more open files and directories than max_open are refused with ENFILE" {
	new_mount -o max_open=50
	mkdir mnt/tables/t
	echo '{}' >mnt/tables/t/rows/a.json
	# Until the daemon has heard of its close, what was open before counts.
	for path in rows/a.json rows; do
		eventually 10 fifty_are_opened mnt/tables/t/$path
	done
	goes_on
	for i in {1..50}; do
		eventually 10 keep_open mnt/tables
	done
	run bash -c 'echo {} >mnt/tables/t/rows/b.json'
	says 'Too many open files'
	[ ! -e mnt/tables/t/rows/b.json ]
	for i in {1..50}; do
		exec {kept[i]}<&-
	done
	goes_on
}

@test "open rows hold so much text, and no more" {
	new_mount
	mkdir mnt/tables/t
	perl -e 'print "{\"v\":\"", "x" x 16000000, "\"}"' >large
	cat large >mnt/tables/t/rows/large.json
	eventually 10 nothing_is_open
	fails_with 0 open_all $(repeat 40 mnt/tables/t/rows/large.json)
	same "$output" '8 Too many open files in system'
	grep -q 'text of open files: 128 MiB of one user at most' mnt/.driftfs/errors
	goes_on
	fails_with 0 open_all $(repeat 8 mnt/tables/t/rows/large.json)
	same "$output" '8 '
}

@test "scratch files and unfinished rows are refused with ENOSPC above their bounds" {
	new_mount
	mkdir mnt/tables/t
	run dd if=/dev/zero of=mnt/tables/t/rows/.scratch bs=1M count=65
	says 'No space left'
	rm mnt/tables/t/rows/.scratch
	goes_on
	# Unfinished rows of one user: 64 MiB.
	for i in 1 2 3 4 5; do
		exec {kept[i]}>mnt/tables/t/rows/u$i.json
		{ echo -n '{"v":"'; head -c 15000000 /dev/zero | tr '\0' x; } >&"${kept[i]}" \
			2>>refused || break
	done
	grep -q 'No space left' refused
	[ "$i" = 5 ]
	for i in 1 2 3 4 5; do
		exec {kept[i]}>&-
	done
	goes_on
}

@test "a row moved away to a file that has no room stays a row" {
	new_mount
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	run dd if=/dev/zero of=mnt/tables/t/rows/.scratch bs=1M count=65 status=none
	fails_with 1 mv mnt/tables/t/rows/a.json mnt/tables/t/rows/a.json~
	says 'No space left'
	same "$(jq .v mnt/tables/t/rows/a.json)" 1
	same "$(readlink mnt/@seq/head)" 1
	rm mnt/tables/t/rows/.scratch
	eventually 10 nothing_is_open
	mv mnt/tables/t/rows/a.json mnt/tables/t/rows/a.json~
	same "$(jq .v mnt/tables/t/rows/a.json~)" 1
	same "$(jq -r '.errno + " " + .path' mnt/.driftfs/errors | xargs)" \
		'ENOSPC tables/t/rows/.scratch ENOSPC tables/t/rows/a.json~'
}

@test "there are so many scratch files and no more" {
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	fails_with 1 bash -c 'cd "$1" && for ((i = 0; i < 5000; i++)); do : >s$i || exit 1; done' \
		- $rows
	says 's4096: No space left'
	same "$(ls $rows | wc -l)" 4096
	eventually 10 nothing_is_open
	rm $rows/s0
	: >$rows/other
	mv $rows/s1 $rows/s2
	: >$rows/another
	fails_with 1 touch $rows/more
	tail -n 1 mnt/.driftfs/errors | grep -q '4096 of one user at most, 16384 of all'
	rm -f -- $rows/*
	goes_on
}

@test "hundreds of open histories keep nobody from reading" {
	new_mount
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id)'
	for i in {1..400}; do
		echo "INSERT OR REPLACE INTO t {\"id\":\"k\",\"v\":$i};"
	done | driftdb sql -q -d db
	fails_with 0 open_all $(repeat 600 mnt/tables/t/history/k)
	same "$output" '600 '
	# While they are open, each lists all of it, and rows can be read.
	perl -e '
		my @dirs = map { opendir(my $d, "mnt/tables/t/history/k") or die $!; readdir $d; $d } 1 .. 600;
		open(my $row, "<", "mnt/tables/t/rows/k.json") or die $!;
		for my $d (@dirs[0, 63, 64, 599]) {
			my %seen;
			$seen{$_}++ while defined($_ = readdir $d);
			print scalar(grep { /json/ && $seen{$_} == 1 } keys %seen), "\n";
		}' >counts
	same "$(xargs <counts)" '400 400 400 400'
	goes_on
}

@test "few descriptors are enough for the daemon, however many files are open in it" {
	driftdb init db
	need_fuse
	ulimit -Sn 64
	start_mount db mnt
	ulimit -Sn 1024
	mkdir mnt/tables/t
	echo '{}' >mnt/tables/t/rows/a.json
	fails_with 0 open_all $(repeat 500 mnt/tables/t/rows/a.json)
	same "$output" '500 '
	[ "$(ls "/proc/$MOUNT_PID/fd" | wc -l)" -lt 40 ]
	goes_on
}

# ---- More than one user ------------------------------------------------------

# as UID COMMAND...
as()
{
	setpriv --reuid="$1" --regid="$1" --clear-groups -- "${@:2}"
}

# A mount that all may use, and a table t in it.
common_mount()
{
	[ "$(id -u)" = 0 ] || skip 'needs root'
	chmod 755 . .. "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* 2>/dev/null || :
	new_mount -o allow_other,umask=0 "$@"
	mkdir mnt/tables/t
}

# said UID TEXT: the last line that UID can read about a refusal has it.
said()
{
	as "$1" tail -n 1 mnt/.driftfs/errors | grep -qF "$2"
}

# Do as UID all that those who are at a bound cannot.
works()
{
	same "$(as "$1" bash -c '
		cd mnt/tables/t/rows && echo "{\"v\":1}" >"of$0.json" &&
		jq -c "{v}" "of$0.json" >.scratch && mv .scratch "also$0.json" &&
		jq .v "also$0.json" && ls | grep -c "^also$0"' "$1")" $'1\n1'
}

# hold COMMAND...: by user 7, who keeps open what it has, until let_go: it waits for the
# end of its input. $answer is the line that it prints.
hold()
{
	coproc HOLDER { exec setpriv --reuid=7 --regid=7 --clear-groups -- "$@" 2>/dev/null 3>&-; }
	holder=$HOLDER_PID
	read -r answer <&"${HOLDER[0]}"
}

let_go()
{
	exec {HOLDER[1]}>&-
	wait "$holder"
}

@test "who has as many files open as he may keeps nobody else from opening them" {
	common_mount -o max_open=50
	echo '{}' >mnt/tables/t/rows/a.json
	eventually 10 nothing_is_open
	hold perl -e '
		for (;;) { open(my $file, "<", "mnt/tables/t/rows/a.json") or last; push @open, $file }
		opendir(my $dir, "mnt/tables") and die;
		print scalar(@open), " $!\n";
		close STDOUT;
		<STDIN>'
	same "$answer" '50 Too many open files in system'
	fails_with 1 as 7 cat mnt/.driftfs/errors
	says 'Too many open files in system'
	for user in 0 8 263; do # 263 is 7 but for 256
		works "$user"
	done
	let_go
	eventually 10 works 7
	as 7 tail -n 5 mnt/.driftfs/errors |
		grep -qF 'open files and directories: 50 of one user at most, 200 of all together'
}

@test "scratch files and unfinished rows of one user leave others their room" {
	common_mount
	fails_with 1 as 7 dd if=/dev/zero of=mnt/tables/t/rows/.full bs=1M count=65 status=none
	says 'No space left'
	said 7 'bytes of files that are not rows: 64 MiB of one user at most, 256 MiB of all'
	works 0
	works 8
	# Who writes to it pays nothing; it is still his who made it.
	fails_with 1 as 8 bash -c 'echo x >>mnt/tables/t/rows/.full'
	as 8 rm mnt/tables/t/rows/.full
	eventually 10 works 7
	hold bash -c '
		for i in 1 2 3 4 5; do
			exec {file}>mnt/tables/t/rows/u$i.json
			{ echo -n "{\"v\":\""; head -c 15000000 /dev/zero | tr "\0" x; } >&$file ||
				break
		done 2>/dev/null
		echo "$i"
		read -r || :'
	same "$answer" 5
	said 7 'bytes written and not committed: 64 MiB of one user at most, 256 MiB of all'
	works 0
	works 8
	let_go
	eventually 10 works 7
}

# By as many sessions as may be, each with this statement.
ask_by_many='
	while (open(my $file, "+<", "mnt/query")) {
		syswrite($file, $ARGV[0]) or last;
		push @open, $file;
	}
	print scalar(@open), " $!\n";
	close STDOUT;
	<STDIN>'

can_ask()
{
	same "$(as "$1" bash -c 'exec 6<>mnt/query; echo "SELECT 2 AS n;" >&6; head -n 1 <&6')" \
		'{"n":2}'
}

@test "who has as many queries open as he may, or their answers, keeps nobody else from asking" {
	common_mount
	mkdir mnt/tables/w
	hold perl -e "$ask_by_many" 'SELECT 1 AS n;'
	same "$answer" '512 Too many open files in system'
	said 7 'sessions of query files: 512 of one user at most, 2048 of all together'
	can_ask 8
	let_go
	eventually 10 can_ask 7 2>/dev/null
	# Answers of what writes stay at hand as a whole.
	eventually 10 nothing_is_open
	hold perl -e "$ask_by_many" "DELETE FROM w; SELECT printf('%.*c', 15000000, 'x');"
	[[ $answer =~ ^[3-8]' Too many open files in system'$ ]] || same "$answer" 'a few'
	said 7 'text of open files: 128 MiB of one user at most'
	can_ask 8
	let_go
	eventually 10 can_ask 7 2>/dev/null
}

@test "imports that are not committed are refused with ENOSPC above a user's bound" {
	local imported

	# Blank lines are no rows, and bytes all the same.
	imported='
		my $blank = (" " x 1048575) . "\n";
		open(my $file, ">", "mnt/tables/t/import.jsonl") or die;
		syswrite($file, "{\"id\":\"a\"}\n") or die;
		while ($bytes < 600 << 20) { $bytes += syswrite($file, $blank) || last }
		print $bytes >> 20, " $!\n";'
	common_mount
	same "$(as 7 perl -e "$imported")" '511 No space left on device'
	said 7 'bytes of imports that are not committed: 512 MiB of one user at most, 2048 MiB of all'
	[ ! -e mnt/tables/t/rows/a.json ]
	# What failed holds nothing.
	eventually 10 nothing_is_open
	same "$(as 7 perl -e "$imported")" '511 No space left on device'
	echo '{"id":"b"}' | as 7 tee mnt/tables/t/import.jsonl >out
	[ -e mnt/tables/t/rows/b.json ]
}

@test "directories that are at hand count as text, and are listed right when there is no room" {
	common_mount
	perl -e 'print "{\"v\":\"", "x" x 16000000, "\"}"' >large
	cat large >mnt/tables/t/rows/large.json
	for i in {1..3000}; do
		echo "{\"id\":\"k$i\"}"
	done >mnt/tables/t/import.jsonl
	fails_with 0 perl -e '
		for (;;) { open(my $file, "<", "mnt/tables/t/rows/large.json") or last; push @open, $file }
		open(my $file, ">", "mnt/tables/t/rows/fill") or die;
		truncate $file, 0;
		opendir(my $dir, "mnt/tables/t/rows") or die $!;
		for my $round (1, 2) {
			my %seen;
			$seen{$_}++ while defined($_ = readdir $dir);
			print scalar(grep { $seen{$_} == 1 } keys %seen), " ";
			rewinddir $dir;
		}
		my $at;
		for (1 .. 2500) { readdir $dir; $at = telldir $dir if $_ == 2000 }
		my $next = readdir $dir;
		seekdir $dir, $at;
		readdir $dir for 1 .. 500;
		print $next eq readdir $dir ? "same" : "other";'
	same "$output" '3004 3004 same'
}

computing()
{
	[ "$(gauge open_handles)" -gt "$1" ]
}

@test "who has more statements computed than he may keeps nobody else from asking" {
	common_mount
	for _ in {1..140}; do # more than there are threads for all
		(exec setpriv --reuid=7 --regid=7 --clear-groups bash -c \
			"echo 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)' \
			'SELECT count(*) FROM c' >mnt/query") 2>/dev/null &
		askers+=($!)
	done
	eventually 20 computing 139
	for user in 0 8; do
		works "$user"
		same "$(timeout $((60 * SLOW)) setpriv --reuid="$user" --clear-groups bash -c "
			exec 5<>mnt/query; echo 'SELECT $user AS n;' >&5; head -n 1 <&5")" "{\"n\":$user}"
		same "$(timeout $((60 * SLOW)) setpriv --reuid="$user" --clear-groups \
			wc -l <mnt/tables/t/rows.jsonl)" $((user ? 4 : 2))
	done
	disown -a
	kill -KILL "${askers[@]}"
}
