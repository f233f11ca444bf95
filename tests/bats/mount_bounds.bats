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
	echo '{"v":1}' >mnt/tables/t/rows/later.json
	same "$(jq .v mnt/tables/t/rows/later.json)" 1
	kill -0 "$MOUNT_PID"
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
	fails_with 0 open_all $(repeat 60 mnt/tables/t/rows/a.json)
	same "$output" '50 Too many open files in system'
	fails_with 0 open_all $(repeat 60 mnt/tables/t/rows)
	same "$output" '50 Too many open files in system'
	goes_on
	exec 5<mnt/tables
	for i in {1..49}; do
		exec {kept[i]}<mnt/tables
	done
	run bash -c 'echo {} >mnt/tables/t/rows/b.json'
	says 'Too many open files'
	[ ! -e mnt/tables/t/rows/b.json ]
	for i in {1..49}; do
		exec {kept[i]}<&-
	done
	exec 5<&-
	goes_on
}

@test "open rows hold so much text, and no more" {
	new_mount
	case $BUILD in
	*asan | *tsan) skip 'half a gigabyte, three times over' ;;
	esac
	mkdir mnt/tables/t
	perl -e 'print "{\"v\":\"", "x" x 16000000, "\"}"' >large
	cat large >mnt/tables/t/rows/large.json
	fails_with 0 open_all $(repeat 40 mnt/tables/t/rows/large.json)
	same "$output" '33 Too many open files in system'
	goes_on
	fails_with 0 open_all $(repeat 20 mnt/tables/t/rows/large.json)
	same "$output" '20 '
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
	mv mnt/tables/t/rows/a.json mnt/tables/t/rows/a.json~
	same "$(jq .v mnt/tables/t/rows/a.json~)" 1
	same "$(jq -r '.errno + " " + .path' mnt/.driftfs/errors | xargs)" \
		'ENOSPC tables/t/rows/.scratch ENOSPC tables/t/rows/a.json~'
}

@test "there are so many scratch files and no more" {
	new_mount
	mkdir mnt/tables/t
	cd mnt/tables/t/rows
	fails_with 1 bash -c 'for ((i = 0; i < 5000; i++)); do : >s$i || exit 1; done'
	says 's4096: No space left'
	same "$(ls | wc -l)" 4096
	rm s0
	: >other
	mv s1 s2
	: >another
	fails_with 1 touch more
	tail -n 1 ../../../.driftfs/errors | grep -q '4096 at most'
	rm -f -- *
	cd ../../../..
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
