/* SPDX-License-Identifier: MIT */
/* mountpoint.c - mount points: found in the kernel's own list of mounts, because
 * asking a dead mount itself gives nothing but ENOTCONN, and asking a busy one may
 * wait. */
#include "fs/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

#define STOP_WAIT_MS 30000
#define POLL_MS 10

extern char **environ;

char *mountpoint_resolve(const char *mountpoint)
{
	char *parent, *resolved, *path = NULL;
	const char *last;
	char *slash;

	if (strncmp(mountpoint, "/dev/fd/", strlen("/dev/fd/")) == 0)
		return strdup(mountpoint);
	path = realpath(mountpoint, NULL);
	if (path || errno != ENOTCONN) {
		if (!path)
			fprintf(stderr, "driftfs: mount point %s: %s%s\n",
				mountpoint, strerror(errno),
				errno == ENOENT ? "; make it first, with mkdir"
						: "");
		return path;
	}
	/* A dead mount: its parent directory still answers. */
	parent = strdup(mountpoint);
	if (!parent)
		return NULL;
	while ((slash = strrchr(parent, '/')) && slash[1] == '\0' && slash != parent)
		*slash = '\0';
	last = slash ? slash + 1 : parent;
	resolved = realpath(!slash ? "." : slash == parent ? "/" : "", NULL);
	if (slash && slash != parent) {
		*slash = '\0';
		free(resolved);
		resolved = realpath(parent, NULL);
	}
	if (resolved && asprintf(&path, "%s/%s",
				 strcmp(resolved, "/") ? resolved : "", last) < 0)
		path = NULL;
	free(resolved);
	free(parent);
	return path;
}

char *mountpoint_database(const char *mountpoint)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent entry, *found;
	char *database = NULL;
	char memory[3 * PATH_MAX];

	if (!mounts)
		return NULL;
	while ((found = getmntent_r(mounts, &entry, memory, sizeof(memory)))) {
		if (strcmp(found->mnt_dir, mountpoint) != 0)
			continue;
		free(database); /* what is on top counts: the last */
		database = strcmp(found->mnt_type, "fuse.driftfs") == 0
				   ? strdup(found->mnt_fsname)
				   : NULL;
	}
	endmntent(mounts);
	return database;
}

/* Run fusermount3 -u: who is not root may unmount only through it. */
static int fusermount(const char *mountpoint, const char *flags)
{
	char *const arguments[] = { (char *)"fusermount3", (char *)flags,
				    (char *)"--", (char *)mountpoint, NULL };
	pid_t child;
	int status;

	if (posix_spawnp(&child, "fusermount3", NULL, NULL, arguments, environ) ||
	    waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int detach(const char *mountpoint, int flags)
{
	if (umount2(mountpoint, flags) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	return fusermount(mountpoint, flags & MNT_DETACH ? "-uz" : "-u");
}

static bool contains(const char *outer, const char *inner)
{
	size_t size = strlen(outer);

	return strncmp(outer, inner, size) == 0 &&
	       (inner[size] == '\0' || inner[size] == '/' || size == 1);
}

static bool check_device(void)
{
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device >= 0) {
		close(device);
		return true;
	}
	if (errno == ENOENT || errno == ENODEV)
		fprintf(stderr, "driftfs: there is no /dev/fuse: load the kernel's "
				"fuse module (modprobe fuse), or give the container "
				"the device\n");
	else
		fprintf(stderr,
			"driftfs: /dev/fuse: %s: it must be readable and writable "
			"for you\n",
			strerror(errno));
	return false;
}

/* A driftfs mount is there already: dead, or with a daemon behind it. */
static bool check_mounted(const char *mountpoint, const char *database)
{
	struct stat st;
	int pid;

	if (stat(mountpoint, &st) != 0 && errno == ENOTCONN) {
		if (detach(mountpoint, MNT_DETACH) == 0)
			return true;
		fprintf(stderr,
			"driftfs: %s is a dead mount and cannot be cleaned: try "
			"fusermount3 -u %s\n",
			mountpoint, mountpoint);
		return false;
	}
	pid = drift_owner(database);
	fprintf(stderr, "driftfs: %s is already a driftfs mount of %s (pid %d)\n",
		mountpoint, database, pid);
	return false;
}

bool mountpoint_prepare(const char *mountpoint, const char *db)
{
	char *mounted;
	struct stat st;
	bool free_now;

	if (!check_device())
		return false;
	if (strncmp(mountpoint, "/dev/fd/", strlen("/dev/fd/")) == 0)
		return true;
	if (contains(mountpoint, db) || contains(db, mountpoint)) {
		fprintf(stderr,
			"driftfs: the database %s and the mount point %s must not "
			"lie inside each other\n",
			db, mountpoint);
		return false;
	}
	mounted = mountpoint_database(mountpoint);
	free_now = !mounted || check_mounted(mountpoint, mounted);
	free(mounted);
	if (!free_now)
		return false;
	if (stat(mountpoint, &st) != 0 || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "driftfs: mount point %s is not a directory\n",
			mountpoint);
		return false;
	}
	return true;
}

int mountpoint_unmount(const char *mountpoint)
{
	struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	char *path = mountpoint_resolve(mountpoint);
	char *database = path ? mountpoint_database(path) : NULL;
	int status = 1;
	int pid;

	if (!database) {
		if (path)
			fprintf(stderr, "driftfs: %s is not a driftfs mount\n",
				mountpoint);
		goto done;
	}
	pid = drift_owner(database);
	if (detach(path, 0) != 0) {
		fprintf(stderr, "driftfs: cannot unmount %s: %s\n", mountpoint,
			strerror(errno));
		goto done;
	}
	for (int waited = 0; pid && drift_owner(database) == pid;
	     waited += POLL_MS) {
		if (waited >= STOP_WAIT_MS) {
			fprintf(stderr,
				"driftfs: %s is unmounted, but its daemon (pid %d) "
				"still runs\n",
				mountpoint, pid);
			goto done;
		}
		nanosleep(&pause, NULL);
	}
	status = 0;
done:
	free(database);
	free(path);
	return status;
}

int mountpoint_remount(const char *mountpoint, bool read_only)
{
	unsigned long flags = MS_REMOUNT | MS_NOSUID | MS_NODEV;

	if (read_only)
		flags |= MS_RDONLY;
	if (mount("driftfs", mountpoint, "fuse.driftfs", flags, NULL) == 0)
		return 0;
	fprintf(stderr, "driftfs: cannot remount %s: %s\n", mountpoint,
		strerror(errno));
	return 32;
}

/* The number the kernel lists the mount's connection by: its device's minor. */
static bool find_connection(const char *mountpoint, unsigned *minor)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_MAX], at[PATH_MAX];
	bool found = false;
	unsigned number;

	if (!mounts)
		return false;
	while (fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*u %*u %*u:%u %*s %4095s", &number, at) != 2 ||
		    strcmp(at, mountpoint) != 0)
			continue;
		*minor = number; /* what is on top counts: the last */
		found = true;
	}
	fclose(mounts);
	return found;
}

/* Who may not force an unmount may still abort his own connection. */
static void abort_connection(const char *mountpoint)
{
	char path[64];
	unsigned minor;
	int fd;

	if (!find_connection(mountpoint, &minor))
		return;
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		fprintf(stderr, "driftfs: %s: %s\n", path, strerror(errno));
	close(fd);
}

void mountpoint_abandon(const char *mountpoint)
{
	if (umount2(mountpoint, MNT_FORCE | MNT_DETACH) == 0 || errno != EPERM)
		return;
	abort_connection(mountpoint);
	(void)fusermount(mountpoint, "-uz");
}
