# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status and output come from run
# lib.bash - what every bats file loads first.
#
# Each test runs in a mount namespace of its own (as root), in an empty directory
# of its own ($PWD), with the built programs first in PATH. Whatever it mounted or
# started is gone when it ends, passed or failed, and what a sanitizer had to say
# about any program fails it. Nothing waits for a fixed time: see eventually.
#
#	load lib
#	@test "a row written is a row read" {
#		new_mount
#		mkdir mnt/tables/t
#		echo '{"v":1}' > mnt/tables/t/rows/a.json
#		...
#	}
#
# Variables: ROOT the project, BUILD the build directory, SHARED the optional test
# data (DRIFTFS_SHARED, default ../shared beside the project), MOUNT_PID the daemon.

bats_require_minimum_version 1.5.0

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUILD=$(cd "$ROOT" && cd "${BUILD:-build}" && pwd)
SHARED=${DRIFTFS_SHARED:-$ROOT/../shared}
export ROOT BUILD SHARED
export PATH="$BUILD:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL=C.UTF-8 TZ=UTC
# How much longer to wait than a plain build on an idle machine would need.
SLOW=${SLOW:-1}

# Run the test's process again in a mount namespace of its own. The runner reads
# this file once per test, in a process per test, after making its directory.
if [ -n "${BATS_TEST_NAME:-}" ] && [ "${MOUNT_NAMESPACE_OF:-}" != "$BATS_TEST_NAME" ] &&
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	export MOUNT_NAMESPACE_OF=$BATS_TEST_NAME
	rmdir "$BATS_TEST_TMPDIR"
	mapfile -d '' command_line </proc/$$/cmdline
	exec unshare -m --propagation private -- "${command_line[@]}"
fi

# ---- A test's beginning and end ---------------------------------------------
# A file with a setup or teardown of its own calls these from it.

begin_test()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	export ASAN_OPTIONS="log_path=$PWD/sanitizer:detect_leaks=1:suppressions=$ROOT/tests/asan.supp"
	export UBSAN_OPTIONS="log_path=$PWD/sanitizer:print_stacktrace=1"
	export TSAN_OPTIONS="history_size=7:log_path=$PWD/sanitizer:suppressions=$ROOT/tests/tsan.supp"
	export LSAN_OPTIONS="report_objects=1:print_suppressions=0:suppressions=$ROOT/tests/lsan.supp"
}

# What runs under strace cannot look for leaks at its end.
no_leak_checks()
{
	export ASAN_OPTIONS=${ASAN_OPTIONS/detect_leaks=1/detect_leaks=0}
}

end_test()
{
	local failed=0 report

	cd "$BATS_TEST_TMPDIR" || return 1
	unmount_all
	end_daemons
	for report in sanitizer.*; do
		[ -e "$report" ] || continue
		cat "$report"
		failed=1
	done
	if [ -s daemon.log ]; then
		echo '--- daemon.log'
		cat daemon.log
	fi
	return "$failed"
}

setup()
{
	begin_test
}

teardown()
{
	end_test
}

# ---- Waiting ----------------------------------------------------------------

# eventually SECONDS COMMAND...: poll until COMMAND succeeds. SECONDS should do for an
# idle machine; a busy one, or one that is taken away for a while, gets four times that.
eventually()
{
	local deadline=$((${EPOCHREALTIME/./} + $1 * 4 * SLOW * 1000000))

	shift
	until "$@"; do
		if ((${EPOCHREALTIME/./} > deadline)); then
			echo "still not so: $*"
			return 1
		fi
		read -r -t 0.02 <> <(:) || :
	done
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

# unlocked DB: nobody has it open. An umount returns before the daemon is done with
# its database, and verify, dump and digest need no lock: they tell nothing about it.
unlocked()
{
	flock -n "$1/LOCK" true
}

# draw_seed: SEED, which RANDOM goes by from then on. What is drawn is the same in each
# run; a soak draws afresh.
draw_seed()
{
	if [ -n "${DRIFTFS_SOAK:-}" ]; then
		SEED=${SEED:-$RANDOM}
	fi
	SEED=${SEED:-1}
	echo "SEED=$SEED"
	RANDOM=$SEED
}

# ---- Mounts -----------------------------------------------------------------

need_fuse()
{
	{ [ -r /dev/fuse ] && [ -w /dev/fuse ]; } || skip 'no /dev/fuse for us here'
}

# need_shared PATH: the file or directory SHARED/PATH, which not everyone has.
need_shared()
{
	[ -e "$SHARED/$1" ] || skip "no $1 in $SHARED (set DRIFTFS_SHARED)"
}

# new_mount [OPTION...]: an empty database in db, mounted at mnt.
new_mount()
{
	need_fuse
	driftdb init db
	start_mount db mnt "$@"
}

# start_mount DB MNT [OPTION...]: a daemon in the foreground, so that its pid is
# known (MOUNT_PID); returns when the tree answers. Its stderr is in daemon.log.
start_mount()
{
	local db=$1 mnt=$2

	shift 2
	mkdir -p "$mnt"
	driftfs -f "$db" "$mnt" "$@" 2>>"$BATS_TEST_TMPDIR/daemon.log" 3>&- 4>&- &
	MOUNT_PID=$!
	MOUNT_POINT=$(realpath "$mnt")
	eventually 10 tree_answers_or_daemon_ended
	tree_answers || {
		cat "$BATS_TEST_TMPDIR/daemon.log"
		return 1
	}
}

tree_answers()
{
	[ -d "$MOUNT_POINT/tables" ]
}

tree_answers_or_daemon_ended()
{
	tree_answers || ended "$MOUNT_PID"
}

# stop_mount: unmount, wait for the daemon, return its exit status.
stop_mount()
{
	unmount_one "$MOUNT_POINT"
	eventually 10 ended "$MOUNT_PID"
	wait "$MOUNT_PID"
}

# kill_mount: SIGKILL the daemon and clear the dead mount away.
kill_mount()
{
	kill_daemon
	unmount_one "$MOUNT_POINT"
}

# kill_daemon: SIGKILL it, and leave the dead mount.
kill_daemon()
{
	kill -KILL "$MOUNT_PID"
	wait "$MOUNT_PID" || :
}

# gauge NAME: its value in .driftfs/metrics.
gauge()
{
	awk -v name="driftfs_$1" '$1 == name { print $2 }' mnt/.driftfs/metrics
}

# A close is over before the daemon has heard of it: until then the file counts.
nothing_is_open()
{
	[ "$(gauge open_handles)" = 0 ] && [ "$(gauge unsaved_bytes)" = 0 ]
}

unmount_one()
{
	umount "$1" 2>/dev/null || fusermount3 -u "$1" 2>/dev/null ||
		umount -l "$1" 2>/dev/null || fusermount3 -u -z "$1"
}

# Every mount below the test's directory, newest first.
unmount_all()
{
	local point

	awk -v top="$BATS_TEST_TMPDIR/" 'index($5, top) == 1 { print $5 }' \
		/proc/self/mountinfo | tac | while read -r point; do
		umount -l "$point" 2>/dev/null || fusermount3 -u -z "$point"
	done
}

# Every daemon that still holds a database below the test's directory.
end_daemons()
{
	local lock pid

	for lock in "$BATS_TEST_TMPDIR"/LOCK "$BATS_TEST_TMPDIR"/*/LOCK \
		"$BATS_TEST_TMPDIR"/*/*/LOCK; do
		[ -e "$lock" ] || continue
		pid=$(lock_holder "$lock")
		[ -n "$pid" ] || continue
		eventually 5 ended "$pid" >/dev/null && continue
		kill "$pid"
		eventually 5 ended "$pid" || kill -KILL "$pid"
	done
}

# The pid written in a LOCK file, if it is a driftfs that still runs.
lock_holder()
{
	local pid

	pid=$(tr -dc 0-9 <"$1")
	if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = driftfs ]; then
		echo "$pid"
	fi
}

# ---- Saying what should be --------------------------------------------------

# same WHAT-IS WHAT-SHOULD-BE
same()
{
	[ "$1" = "$2" ] && return
	printf 'is:        %s\nshould be: %s\n' "$1" "$2"
	return 1
}

# fails COMMAND...: not "! COMMAND", which fails no test unless it is its last line.
fails()
{
	if "$@"; then
		echo "succeeds: $*"
		return 1
	fi
}

# fails_with STATUS COMMAND...: its output is in $output, as with run.
fails_with()
{
	local wanted=$1

	shift
	run "$@"
	[ "$status" = "$wanted" ] && return
	printf '%s\nstatus is %s, should be %s: %s\n' "$output" "$status" "$wanted" "$*"
	return 1
}

# says PATTERN: $output of the last run holds the extended regular expression.
says()
{
	grep -qE -- "$1" <<<"$output" && return
	printf 'does not say %s:\n%s\n' "$1" "$output"
	return 1
}
