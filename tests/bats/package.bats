#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a system's own tools make of driftfs: systemd, man, dpkg, lintian, and a
# Debian that has nothing but the package.
load lib

setup()
{
	begin_test
	case $BUILD in
	*asan | *tsan) skip 'the plain build is what gets packaged' ;;
	esac
}

need()
{
	command -v "$1" >/dev/null || skip "no $1 here"
}

# Prints the first COUNT datagrams that come to the socket at PATH, one a line.
datagrams()
{
	perl -MIO::Socket::UNIX -MSocket -e '
		my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
		$| = 1;
		for (1 .. $ARGV[1]) { $s->recv(my $text, 999); print "$text\n" }' "$1" "$2"
}

@test "the service manager hears when the tree answers and when it stops" {
	datagrams notify 2 >heard 3>&- &
	local listener=$!
	eventually 5 test -S notify
	NOTIFY_SOCKET=$PWD/notify new_mount
	eventually 5 grep -qx READY=1 heard
	stop_mount
	eventually 5 ended "$listener"
	same "$(xargs <heard)" 'READY=1 STOPPING=1'
}

@test "systemd takes the unit, and the mount and automount of the example" {
	need systemd-analyze
	mkdir units
	sed "s|@bindir@|$BUILD|" "$ROOT/tools/systemd/driftfs@.service" >units/driftfs@audit.service
	cp "$ROOT"/tools/systemd/srv-* units
	run systemd-analyze verify --man=no units/*
	same "$status $output" '0 '
	echo 'Nonsense=1' >>units/driftfs@audit.service
	run systemd-analyze verify --man=no units/*
	says Nonsense
}

@test "the manual has every command and every option that --help tells of" {
	local word pages

	make -s -C "$ROOT" -o "$BUILD/driftfs" -o "$BUILD/driftdb" man BUILD="$BUILD"
	pages=$(MANWIDTH=200 man -l "$BUILD/docs/man/driftdb.1" "$BUILD/docs/man/driftfs.1")
	driftdb --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' >commands
	driftfs --help | sed -n 's/^  \([a-z_=]*\) .*/\1/p' >options
	[ "$(wc -l <commands)" -gt 15 ]
	[ "$(wc -l <options)" -gt 6 ]
	for word in $(cat commands); do
		grep -qE "^ +(driftdb )?$word" <<<"$pages"
		while read -r option; do
			grep -qF -- "$option" <<<"$pages" || { echo "no $option"; return 1; }
		done < <(driftdb help "$word" | grep -oE '^ .*--[a-z-]+')
	done
	for word in $(cat options); do
		grep -qF "$word" <<<"$pages" || { echo "no $word"; return 1; }
	done
}

@test "every manual page is one that man can show" {
	need man
	make -s -C "$ROOT" -o "$BUILD/driftfs" -o "$BUILD/driftdb" man BUILD="$BUILD"
	for page in "$BUILD"/docs/man/*.[1-8]; do
		run man --warnings -E UTF-8 -l -Tutf8 -Z "$page"
		[ "$status" = 0 ]
		fails grep -i warning <<<"$output"
		man -l "$page" | grep -q '^NAME'
	done
}

@test "the package pleases lintian, and a Debian with nothing else can mount" {
	need mmdebstrap
	need lintian
	need dpkg-buildpackage
	need dh
	[ "$(id -u)" = 0 ] || skip 'a Debian of its own needs root'
	need_fuse
	"$ROOT/tools/deb" "$PWD"
	run lintian --fail-on error,warning driftfs_*.deb
	[ "$status" = 0 ]
	timeout 400 mmdebstrap -q --variant=apt --setup-hook='cp driftfs_*.deb "$1"/driftfs.deb' \
		--customize-hook='chroot "$1" apt-get install -y -q --no-install-recommends --download-only /driftfs.deb' \
		--customize-hook='touch fetched' \
		--customize-hook='chroot "$1" apt-get install -y -q --no-install-recommends /driftfs.deb' \
		bookworm clean >install.log 2>&1 || {
		cat install.log
		# Without a way to the packages there is nothing to install from.
		if [ ! -e fetched ] && ! grep -q 'unmet dependencies' install.log; then
			skip 'no packages to be had'
		fi
		return 1
	}
	mount --rbind /dev clean/dev
	mount -t proc proc clean/proc
	chroot clean sh -e <<-'END'
		driftdb init /srv/db
		mkdir /srv/mnt
		mount -t fuse.driftfs /srv/db /srv/mnt
		mkdir /srv/mnt/tables/t
		echo '{"v": 1}' >/srv/mnt/tables/t/rows/a.json
		echo '{"v": 2}' >/srv/mnt/tables/t/rows/a.json
		cat /srv/mnt/@seq/1/tables/t/rows/a.json >/srv/past
		driftfs --unmount /srv/mnt
		driftdb verify -d /srv/db
	END
	grep -q '"v": 1' clean/srv/past
	umount -l clean/dev clean/proc
}
