/* SPDX-License-Identifier: MIT */
#include "tests/bench/mount/target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/mount/nullfs.h"

const char *const target_names[TARGETS] = {
	[TARGET_NULL] = "null",   [TARGET_PINNED] = "null, pinned",
	[TARGET_CLOSE] = "close", [TARGET_INTERVAL] = "interval",
	[TARGET_DISK] = "disk",
};

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void run(const char *format, const char *a, const char *b)
{
	char command[2048];

	snprintf(command, sizeof(command), format, a, b);
	if (system(command) != 0)
		die(command);
}

static const char *program(const char *name)
{
	static char path[512];
	const char *build = getenv("BENCH_BUILD");

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
	return path;
}

static int is_driftfs(const struct target *target)
{
	return target->kind == TARGET_CLOSE || target->kind == TARGET_INTERVAL;
}

void target_make(struct target *target, enum target_kind kind, const char *top)
{
	*target = (struct target){ .kind = kind };
	snprintf(target->dir, sizeof(target->dir), "%s/%d", top, kind);
	target_remove(target);
	run("mkdir -p '%s/mnt' '%s/rows'", target->dir, target->dir);
	if (is_driftfs(target)) {
		char db[300];

		snprintf(db, sizeof(db), "%s/db", target->dir);
		run("%s init '%s' >/dev/null", program("driftdb"), db);
		run("%s sql -q -d '%s' -e 'CREATE TABLE t (pk=id)'",
		    program("driftdb"), db);
	}
}

void target_remove(struct target *target)
{
	run("rm -rf '%s'%s", target->dir, "");
}

static void serve_driftfs(const struct target *target, const char *mountpoint)
{
	char db[300], log[300];

	snprintf(db, sizeof(db), "%s/db", target->dir);
	snprintf(log, sizeof(log), "%s/log", target->dir);
	if (!freopen(log, "a", stderr))
		die(log);
	execl(program("driftfs"), "driftfs", "-f", db, mountpoint, "-o",
	      target->kind == TARGET_INTERVAL ? "durability=interval=100"
					      : "durability=close",
	      (char *)NULL);
	die("driftfs");
}

/* A process of the same session, so that the kernel's scheduler, which shares the
 * processors out by sessions, treats all alike. */
static void mount_target(struct target *target, unsigned count)
{
	char mountpoint[300];
	struct stat st;

	snprintf(mountpoint, sizeof(mountpoint), "%s/mnt", target->dir);
	target->pid = fork();
	if (target->pid < 0)
		die("fork");
	if (target->pid == 0 && is_driftfs(target))
		serve_driftfs(target, mountpoint);
	if (target->pid == 0)
		_exit(nullfs_serve(mountpoint, count,
				   target->kind == TARGET_PINNED));
	while (stat(target->rows, &st) != 0) {
		if (waitpid(target->pid, NULL, WNOHANG) != 0)
			die(target_names[target->kind]);
		poll(NULL, 0, 1);
	}
}

void target_up(struct target *target, unsigned count)
{
	const char *below = target->kind == TARGET_DISK ? "rows"
			    : is_driftfs(target)        ? "mnt/tables/t/rows"
							: "mnt/rows";

	snprintf(target->rows, sizeof(target->rows), "%s/%s", target->dir, below);
	if (target->kind != TARGET_DISK)
		mount_target(target, count);
}

void target_pin(struct target *target)
{
	char link[300], moment[64] = "";

	if (!is_driftfs(target))
		return;
	snprintf(link, sizeof(link), "%s/mnt/@seq/head", target->dir);
	if (readlink(link, moment, sizeof(moment) - 1) < 0)
		die(link);
	snprintf(target->rows, sizeof(target->rows),
		 "%s/mnt/@seq/%.40s/tables/t/rows", target->dir, moment);
}

void target_down(struct target *target)
{
	char mountpoint[300];

	if (target->kind == TARGET_DISK)
		return;
	snprintf(mountpoint, sizeof(mountpoint), "%s/mnt", target->dir);
	if (umount(mountpoint) != 0)
		run("fusermount3 -u '%s'%s", mountpoint, "");
	waitpid(target->pid, NULL, 0);
}
