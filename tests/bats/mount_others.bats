#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who may do what: the mount's owner, other users, and the files of the database itself.
load lib

setup()
{
	begin_test
	need_fuse
	[ "$(id -u)" = 0 ] || skip 'needs root'
	# Others must reach the test's directory.
	chmod 755 . .. "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* 2>/dev/null || :
	rows=mnt/tables/t/rows
}

# as UID COMMAND...
as()
{
	setpriv --reuid="$1" --regid="$1" --clear-groups -- "${@:2}"
}

# put UID ROW: write {} to it.
put()
{
	as "$1" bash -c 'echo "{}" >"$1"' - "$rows/$2.json"
}

@test "of three users each does what the mode allows, and is who the event says" {
	local user

	driftdb init db >/dev/null
	start_mount db mnt -o allow_other,uid=1,gid=2,umask=027
	as 1 mkdir mnt/tables/t
	as 1 bash -c "echo 'INSERT INTO t {\"id\":\"q\"};' >mnt/query"
	put 1 mine
	same "$(stat -c '%u %g %a' $rows/mine.json)" '1 2 640'
	same "$(as 2 jq -r .id $rows/mine.json)" mine
	fails_with 1 put 2 other
	says 'Permission denied'
	for act in rm 'mv -t mnt/tables' 'touch' 'chmod 666'; do
		fails_with 1 as 2 $act $rows/mine.json
	done
	fails_with 2 as 3 ls mnt
	says 'Permission denied'
	stop_mount

	start_mount db mnt -o allow_other,umask=0
	for user in 0 1 2 3; do
		put "$user" "of$user"
	done
	as 3 rm $rows/mine.json
	as 2 mv $rows/of2.json $rows/moved.json
	as 1 bash -c "echo 'DELETE FROM t WHERE id = '\''q'\'';' >mnt/query"
	same "$(jq -r 'select(.op != "ddl") | .op + " " + .pk + " " + .user' mnt/events | tr '\n' ',')" \
		"insert q daemon,insert mine daemon,insert of0 root,insert of1 daemon,insert of2 bin,insert of3 sys,delete mine sys,delete of2 bin,insert moved bin,delete q daemon,"
}

@test "no bits and no files that give rights: nosuid, nodev, no set-uid, no links, no devices" {
	driftdb init db >/dev/null
	start_mount db mnt -o allow_other,umask=0
	mkdir mnt/tables/t
	put 0 a
	awk -v at="$PWD/mnt" '$2 == at { print $4 }' /proc/self/mounts | tr ',' '\n' >flags
	grep -qx nosuid flags
	grep -qx nodev flags
	grep -qx default_permissions flags
	chmod 6777 $rows/a.json
	same "$(stat -c %a $rows/a.json)" 666
	for kind in 'c 1 3' 'b 7 0' p; do
		fails_with 1 mknod "$rows/$RANDOM.json" $kind
		says 'not permitted'
	done
	fails_with 1 ln -s /etc/passwd $rows/l.json
	fails_with 1 ln $rows/a.json $rows/l.json
	same "$(ls -A $rows)" a.json
}

@test "nobody but the owner reads the database's files, whatever the umask" {
	umask 0
	driftdb init db >/dev/null
	start_mount db mnt
	mkdir mnt/tables/t
	put 0 a
	driftdb sql -q -d db -e "INSERT INTO t {\"id\":\"b\"}"
	driftdb snapshot -d db >/dev/null
	same "$(find db -perm /077 ! -type l)" ''
	stop_mount
	same "$(find db -perm /077 ! -type l)" ''
	fails_with 1 as 65534 cat db/FORMAT
	# One that others could write is not served.
	chmod 777 db
	fails_with 1 driftfs db mnt
	says 'db.*777'
	chmod 700 db
	chown 65534 db
	fails_with 1 driftfs db mnt
	says 'belongs to uid 65534'
}

@test "a user without rights mounts with fusermount3, alone and not for others" {
	[ -u "$(command -v fusermount3)" ] || skip 'no fusermount3 with the set-uid bit here'
	# In this test's namespace /dev/fuse is open to all, as Debian has it.
	mknod fuse c 10 229
	chmod 666 fuse
	mount --bind fuse /dev/fuse
	mkdir home
	chown 65534:65534 home
	cd home
	as 65534 driftdb init db >/dev/null
	as 65534 mkdir mnt
	as 65534 driftfs db mnt
	rows=mnt/tables/t/rows
	as 65534 mkdir mnt/tables/t
	put 65534 a
	same "$(as 65534 jq -r .id $rows/a.json)" a
	same "$(as 65534 jq -r 'select(.op == "insert").user' mnt/events)" nobody
	same "$(as 65534 stat -c '%u %g' $rows/a.json)" '65534 65534'
	# Not even for root.
	fails_with 2 ls mnt
	says 'Permission denied'
	as 65534 fusermount3 -u mnt
	eventually 10 unlocked db
	as 65534 driftdb verify -q -d db
	if ! grep -qs '^user_allow_other' /etc/fuse.conf; then
		fails_with 32 as 65534 driftfs db mnt -o allow_other
		says 'user_allow_other'
		says '/etc/fuse.conf'
	fi
	# A mount point that is another's.
	mkdir theirs
	chmod 755 theirs
	run as 65534 driftfs db theirs
	[ "$status" != 0 ]
	same "$(ls theirs)" ''
}
