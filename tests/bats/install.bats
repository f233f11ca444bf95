#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# make install, and what mount(8) and /etc/fstab make of it. The system's directories
# are covered by copies for this test alone.
load lib

setup()
{
	begin_test
	case $BUILD in
	*asan | *tsan) skip 'the plain build is what gets installed' ;;
	esac
}

install_here()
{
	need_fuse
	[ "$(id -u)" = 0 ] || skip 'mount(8) needs root'
	[ -n "${MOUNT_NAMESPACE_OF:-}" ] || skip 'no mount namespace of its own'
	mkdir usr-local usr-sbin
	cp -a /usr/sbin/. usr-sbin
	mount --bind usr-local /usr/local
	mount --bind usr-sbin /usr/sbin
	make -s -C "$ROOT" -o "$BUILD/driftfs" -o "$BUILD/driftdb" install BUILD="$BUILD"
}

@test "a staged install has the programs and the mount helpers, and uninstalls" {
	make -s -C "$ROOT" -o "$BUILD/driftfs" -o "$BUILD/driftdb" install BUILD="$BUILD" DESTDIR="$PWD/stage" PREFIX=/usr
	same "$(cd stage && find . ! -type d ! -path "*/share/*" | sort | xargs)" \
		"./lib/systemd/system/driftfs@.service ./sbin/mount.driftfs ./sbin/mount.fuse.driftfs ./usr/bin/driftdb ./usr/bin/driftfs"
	same "$(readlink stage/sbin/mount.fuse.driftfs)" /usr/bin/driftfs
	make -s -C "$ROOT" uninstall BUILD="$BUILD" DESTDIR="$PWD/stage" PREFIX=/usr
	same "$(find stage ! -type d)" ""
}

@test "mount -t fuse.driftfs and mount -t driftfs" {
	install_here
	driftdb init db
	mkdir mnt
	for type in fuse.driftfs driftfs; do
		PATH=/usr/bin:/bin:/usr/sbin mount -t "$type" "$PWD/db" "$PWD/mnt"
		[ -d mnt/tables ]
		says_mounted
		umount mnt
		eventually 5 unlocked db
	done
}

@test "a line in fstab" {
	install_here
	driftdb init db
	driftdb sql -q -d db -e 'CREATE TABLE t (pk=id); INSERT INTO t {"id":"a"}'
	mkdir mnt
	echo "$PWD/db $PWD/mnt fuse.driftfs ro,nofail,x-systemd.automount 0 0" >fstab
	PATH=/usr/bin:/bin:/usr/sbin mount -T "$PWD/fstab" "$PWD/mnt"
	[ -e mnt/tables/t/rows/a.json ]
	run bash -c 'echo "{}" >mnt/tables/t/rows/b.json'
	says 'Read-only file system'
	umount mnt
}

@test "mount -o remount,ro and rw, and a line of fstab again and again" {
	install_here
	driftdb init db
	mkdir mnt
	export PATH=/usr/bin:/bin:/usr/sbin
	mount -t fuse.driftfs -o noexec,format=compact "$PWD/db" "$PWD/mnt"
	mkdir mnt/tables/t
	for round in 1 2; do
		mount -o remount,ro mnt
		same "$(findmnt -no FS-OPTIONS,VFS-OPTIONS mnt | tr -s ' ,' '\n' | grep -cx ro)" 2
		run mkdir mnt/tables/u$round
		says 'Read-only file system'
		mount -o remount,rw mnt
		mkdir mnt/tables/u$round
	done
	findmnt -no OPTIONS mnt | tr , '\n' | grep -x noexec
	run mount -o remount,format=pretty mnt
	[ "$status" != 0 ]
	says "cannot change 'format=pretty'"
	umount mnt
	eventually 5 unlocked db
	echo "$PWD/db $PWD/mnt fuse.driftfs format=compact,nofail,x-systemd.automount 0 0" >fstab
	mount --bind fstab /etc/fstab
	mount -a
	mount -a
	same "$(grep -c " $PWD/mnt fuse.driftfs " /proc/mounts)" 1
	mount -o remount,ro mnt
	run mkdir mnt/tables/v
	says 'Read-only file system'
	umount mnt
	umount /etc/fstab
}

@test "drop_privileges, by our own helper and by that of libfuse" {
	install_here
	[ -x /sbin/mount.fuse3 ] || skip 'no mount.fuse3 here'
	driftdb init db
	mkdir mnt
	export PATH=/usr/bin:/bin:/usr/sbin
	for helper in ours libfuse; do
		[ $helper = ours ] || rm /usr/sbin/mount.fuse.driftfs
		mount -t fuse.driftfs -o drop_privileges "$PWD/db" "$PWD/mnt"
		[ -d mnt/tables ]
		same "$(sed -n 's/^CapEff:\t//p' "/proc/$(tr -dc 0-9 <db/LOCK)/status")" \
			0000000000000000
		umount mnt
		eventually 5 unlocked db
	done
}

says_mounted()
{
	grep -q " $PWD/mnt fuse.driftfs " /proc/mounts
}
