#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Mounting: options, readiness, refusals, and every way it ends.
load lib

setup()
{
	begin_test
	need_fuse
	driftdb init db
	mkdir mnt
}

is_mounted()
{
	awk -v at="$PWD/$1" '$5 == at { found = 1 } END { exit !found }' \
		/proc/self/mountinfo
}

owner()
{
	tr -dc 0-9 <db/LOCK
}

@test "driftfs returns when the tree answers" {
	driftfs db mnt
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	same "$(jq .v mnt/tables/t/rows/a.json)" 1
	driftfs --unmount mnt
	run is_mounted mnt
	same "$status" 1
	driftdb verify -d db
	driftfs db mnt
	same "$(jq .v mnt/tables/t/rows/a.json)" 1
}

@test "the daemon keeps none of its caller's files open" {
	mkfifo pipe
	cat pipe >copy &
	exec 7>pipe
	driftfs db mnt
	echo text >&7
	exec 7>&-
	wait $!
	same "$(cat copy)" text
	same "$(readlink "/proc/$(owner)/cwd")" /
	same "$(readlink "/proc/$(owner)/fd/2")" /dev/null
}

@test "the mount says what it is: fsname, type, a size, 255 bytes a name" {
	driftfs db mnt
	same "$(awk -v at="$PWD/mnt" '$2 == at { print $1, $3 }' /proc/self/mounts)" \
		"$PWD/db fuse.driftfs"
	[ "$(stat -f -c %b mnt)" -gt 0 ]
	same "$(stat -f -c %l mnt)" 255
	df mnt | tail -n 1 | grep -q "$PWD/db"
}

@test "umount, SIGTERM, SIGINT and SIGHUP each end the daemon with status 0" {
	start_mount db mnt
	stop_mount
	for signal in TERM INT HUP; do
		start_mount db mnt
		exec 5<mnt/events
		kill -$signal "$MOUNT_PID"
		eventually 5 ended "$MOUNT_PID"
		wait "$MOUNT_PID"
		exec 5<&-
		run is_mounted mnt
		same "$status" 1
	done
}

@test "SIGTERM in the middle of writing loses nothing that was acknowledged" {
	start_mount db mnt
	mkdir mnt/tables/t
	(
		exec 2>/dev/null
		for ((i = 0; ; i++)); do
			dd if=/dev/stdin of=mnt/tables/t/rows/$i.json status=none <<<'{}' ||
				exit 0
			echo $i >acknowledged
		done
	) &
	writer=$!
	eventually 10 [ -s acknowledged ]
	kill -TERM "$MOUNT_PID"
	eventually 5 ended "$MOUNT_PID"
	wait $writer
	start_mount db mnt
	[ "$(ls mnt/tables/t/rows | wc -l)" -gt "$(cat acknowledged)" ]
}

@test "a dead mount is cleaned, then mounted anew" {
	start_mount db mnt
	kill -KILL "$MOUNT_PID"
	wait "$MOUNT_PID" || :
	run ls mnt
	says 'not connected'
	driftfs db mnt
	ls mnt/tables
	# The kernel remembers what a directory is like, whoever told it is gone.
	stat mnt >/dev/null
	local pid
	pid=$(owner)
	kill -KILL "$pid"
	eventually 5 ended "$pid"
	stat mnt >/dev/null
	driftfs db mnt
	ls mnt/tables
}

@test "files that lie in the mount point are not hidden unasked" {
	touch mnt/.mine
	fails_with 1 driftfs db mnt
	says "mnt is not empty.*nonempty"
	run is_mounted mnt
	same "$status" 1
	driftfs db mnt -o nonempty
	[ ! -e mnt/.mine ]
	driftfs --unmount mnt
	[ -e mnt/.mine ]
}

@test "refused: a database whose socket cannot be made" {
	mkdir db/.s.PGSQL.5433
	fails_with 1 driftfs db mnt
	says '.s.PGSQL.5433'
	rmdir db/.s.PGSQL.5433
	start_mount db mnt
}

@test "refused: what is no database, no directory, mounted already, inside itself" {
	mkdir empty other
	fails_with 1 driftfs empty mnt
	says 'empty'
	fails_with 1 driftfs nowhere mnt
	says 'nowhere: No such file or directory'
	fails_with 1 driftfs db nowhere
	says 'nowhere: No such file or directory; make it first'
	fails_with 1 driftfs db mnt other
	same "$output" 'driftfs: one word too many: other; see driftfs --help'
	fails_with 1 driftfs --unmount nowhere
	same "$output" 'driftfs: mount point nowhere: No such file or directory'
	touch file
	fails_with 1 driftfs db file
	says 'not a directory'
	fails_with 1 driftfs db db/log
	says 'inside each other'
	fails_with 1 driftfs db .
	says 'inside each other'
	start_mount db mnt
	fails_with 1 driftfs db other
	says "$MOUNT_PID"
	driftdb init db2
	fails_with 1 driftfs db2 mnt
	says "already a driftfs mount.*pid $MOUNT_PID"
	fails_with 1 driftfs --unmount other
	says 'not a driftfs mount'
}

@test "unknown options are refused by name, fstab's are swallowed" {
	fails_with 1 driftfs db mnt -o nonsense=1
	says "unknown option 'nonsense=1'"
	fails_with 1 driftfs db mnt -o durability=never
	says 'close, fsync or interval=MS'
	fails_with 1 driftfs db mnt -o max_row=x
	fails_with 1 driftfs db
	fails_with 1 driftfs -Z db mnt
	driftfs db mnt -o rw,noauto,nofail,_netdev,user,x-systemd.automount,X-a=b \
		-o comment=hello,defaults,relatime,dev,suid
	mkdir mnt/tables/t
}

@test "help and version" {
	run driftfs --help
	same "$status" 0
	says 'durability='
	run driftfs -V
	same "$status" 0
}

@test "ro: nothing can be written, through no door" {
	driftdb sql -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"a"}'
	driftfs db mnt -o ro
	fails_with 1 bash -c 'echo "{}" >mnt/tables/t/rows/b.json'
	says 'Read-only'
	fails_with 1 rm -f mnt/tables/t/rows/a.json
	fails_with 1 driftdb sql -d db -e 'INSERT INTO t {"id":"b"}'
	same "$(ls mnt/tables/t/rows)" a.json
}

@test "format, uid, gid, umask, max_row" {
	driftfs db mnt -o format=compact,uid=12,gid=34,umask=077,max_row=100
	mkdir mnt/tables/t
	echo '{"a": [1, 2]}' >mnt/tables/t/rows/a.json
	same "$(cat mnt/tables/t/rows/a.json)" '{"id":"a","a":[1,2]}'
	same "$(stat -c '%u %g %a' mnt/tables/t/rows/a.json)" '12 34 600'
	same "$(stat -c %a mnt/tables)" 700
	fails_with 1 bash -c "printf '{\"v\": \"%0200d\"}' 1 >mnt/tables/t/rows/b.json"
	says 'File too large'
}

@test "durability=fsync and interval: an fsync is kept through SIGKILL, and so is a close" {
	for option in durability=fsync durability=interval=50; do
		start_mount db mnt -o $option
		mkdir -p mnt/tables/t
		dd of=mnt/tables/t/rows/$option.json conv=fsync status=none <<<'{"v":1}'
		echo '{"v":2}' >mnt/tables/t/rows/$option-2.json
		kill_mount
		start_mount db mnt
		same "$(jq .v mnt/tables/t/rows/$option*.json | tr '\n' ' ')" '2 1 '
		stop_mount
	done
}

@test "allow_other lets others in, within the mode" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	chmod 755 . ..
	driftfs db mnt -o allow_other
	mkdir mnt/tables/t
	echo '{}' >mnt/tables/t/rows/a.json
	as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* 2>/dev/null || :
	run $as_nobody cat mnt/tables/t/rows/a.json
	same "$status" 0
	fails_with 1 $as_nobody rm -f mnt/tables/t/rows/a.json
	says 'Permission denied'
	run $as_nobody bash -c 'echo "{}" >mnt/tables/t/rows/b.json'
	says 'Permission denied'
	fails_with 1 bash -c 'echo bad >mnt/tables/t/rows/c.json'
	eventually 5 [ -s mnt/.driftfs/errors ]
	same "$($as_nobody cat mnt/.driftfs/errors)" ''
}

@test "others are kept out without allow_other" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	chmod 755 . ..
	driftfs db mnt
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* 2>/dev/null || :
	fails_with 2 setpriv --reuid=65534 --regid=65534 --clear-groups ls mnt
	says 'Permission denied'
}

@test "the helper of mount(8): fake, sloppy, remount" {
	ln -s "$BUILD/driftfs" mount.fuse.driftfs
	./mount.fuse.driftfs db mnt -f -o rw
	run is_mounted mnt
	same "$status" 1
	fails_with 1 ./mount.fuse.driftfs db mnt -n -o nonsense
	./mount.fuse.driftfs db mnt -s -n -v -o rw,nonsense,x-gvfs-show
	mkdir mnt/tables/t
	./mount.fuse.driftfs db mnt -o remount,ro
	fails_with 1 mkdir mnt/tables/u
	says 'Read-only'
}

# What the kernel does with the mount.
flags()
{
	awk -v at="$PWD/mnt" '$2 == at { print $4 }' /proc/self/mounts | cut -d , -f 1-4
}

@test "a remount changes what the kernel does, and refuses what only a new mount can" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	driftfs db mnt -o noexec,max_row=100
	driftfs db mnt -o remount,ro
	same "$(flags)" ro,nosuid,nodev,noexec
	driftfs db mnt -o remount,max_row=100
	same "$(flags)" rw,nosuid,nodev,noexec
	mkdir mnt/tables/t
	fails_with 1 driftfs db mnt -o remount,ro,max_row=200
	says "cannot change 'max_row=200': unmount"
	fails_with 1 driftfs db mnt -o remount,ro,asof=1
	says "cannot change 'asof=1'"
	same "$(flags)" rw,nosuid,nodev,noexec
	driftfs --unmount mnt
	fails_with 1 driftfs db mnt -o remount,ro
	says 'not a driftfs mount'
	for option in ro asof=0; do
		driftfs db mnt -o $option
		driftfs db mnt -o remount,$option
		fails_with 1 driftfs db mnt -o remount,rw
		says 'was mounted read-only'
		driftfs --unmount mnt
	done
}

# capabilities PID: what it may do, and may come to do.
capabilities()
{
	sed -n 's/^\(Cap\|NoNewPrivs\).*:\t*//p' "/proc/$1/status" | sort -u | xargs
}

@test "drop_privileges: the tree is served by who can do nothing else" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	driftfs db mnt -o drop_privileges
	same "$(flags | cut -d , -f 1-3)" rw,nosuid,nodev
	same "$(capabilities "$(owner)")" '0000000000000000 1'
	mkdir mnt/tables/t
	echo '{"v":1}' >mnt/tables/t/rows/a.json
	same "$(driftdb sql -q --format json -d db -e 'SELECT v FROM t')" '{"v":1}'
	driftfs --unmount mnt
	run is_mounted mnt
	same "$status" 1
	# What it cannot take away the next one does.
	driftfs db mnt -o drop_privileges
	local pid
	pid=$(owner)
	kill -TERM "$pid"
	eventually 5 ended "$pid"
	fails_with 2 ls mnt
	says 'not connected'
	driftfs db mnt -o drop_privileges
	same "$(jq .v mnt/tables/t/rows/a.json)" 1
	driftfs --unmount mnt
	# Nothing stays when it cannot start.
	echo noise >db/FORMAT
	fails_with 1 driftfs db mnt -o drop_privileges
	run is_mounted mnt
	same "$status" 1
}

@test "mount -t fuse.driftfs, through the helper in the search path" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	[ -x /sbin/mount.fuse3 ] || skip 'no mount.fuse3 here'
	[ ! -e /sbin/mount.fuse.driftfs ] || skip 'an installed driftfs would be used'
	mount -t tmpfs none /usr/local/bin
	install "$BUILD/driftfs" /usr/local/bin/driftfs
	mount -t fuse.driftfs db mnt -o nofail,noatime
	mkdir mnt/tables/t
	umount mnt
	eventually 5 unlocked db
	eventually 5 umount /usr/local/bin
}

@test "inode numbers and names are the same after a remount" {
	driftfs db mnt
	mkdir mnt/tables/t
	echo '{}' >mnt/tables/t/rows/a.json
	(cd mnt && find . -exec stat -c '%n %i %A' {} +) | grep -v driftfs/ | sort >before
	driftfs --unmount mnt
	driftfs db mnt
	(cd mnt && find . -exec stat -c '%n %i %A' {} +) | grep -v driftfs/ | sort >after
	diff before after
}
