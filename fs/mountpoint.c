/* SPDX-License-Identifier: MIT */
/* mountpoint.c - mount points: found in the kernel's own list of mounts, because
 * asking a dead mount itself gives nothing but ENOTCONN, and asking a busy one may
 * wait. */
#include "fs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

#define STOP_WAIT_MS 30000
#define POLL_MS 10

extern char **environ;

int mountpoint_device(const char *mountpoint)
{
	int device;

	return sscanf(mountpoint, "/dev/fd/%d", &device) == 1 ? device : -1;
}

char *mountpoint_resolve(const char *mountpoint, const char *advice)
{
	char *parent, *resolved, *path = NULL;
	const char *last;
	char *slash;

	if (mountpoint_device(mountpoint) >= 0)
		return strdup(mountpoint);
	path = realpath(mountpoint, NULL);
	if (path || errno != ENOTCONN) {
		if (!path)
			fprintf(stderr, "driftfs: mount point %s: %s%s\n",
				mountpoint, strerror(errno),
				errno == ENOENT ? advice : "");
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

static void keep(char **place, const char *text)
{
	if (!place)
		return;
	free(*place);
	*place = text ? strdup(text) : NULL;
}

bool mountpoint_find(const char *mountpoint, char **database, char **options)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent entry, *found;
	char memory[3 * PATH_MAX];
	bool is_ours = false;

	if (!mounts)
		return false;
	while ((found = getmntent_r(mounts, &entry, memory, sizeof(memory)))) {
		if (strcmp(found->mnt_dir, mountpoint) != 0)
			continue;
		/* What is on top counts: the last. */
		is_ours = strcmp(found->mnt_type, "fuse.driftfs") == 0;
		keep(database, is_ours ? found->mnt_fsname : NULL);
		keep(options, is_ours ? found->mnt_opts : NULL);
	}
	endmntent(mounts);
	return is_ours;
}

char *mountpoint_database(const char *mountpoint)
{
	char *database = NULL;

	(void)!mountpoint_find(mountpoint, &database, NULL);
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

/* What stat(2) says may be the kernel's memory of who was there. */
static bool is_dead(const char *mountpoint)
{
	int top = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top >= 0)
		close(top);
	return top < 0 && errno == ENOTCONN;
}

/* A driftfs mount is there already: dead, or with a daemon behind it. */
static bool check_mounted(const char *mountpoint, const char *database)
{
	int pid;

	if (is_dead(mountpoint)) {
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

/* Nobody is to wonder where his files went. A place that is mounted when somebody looks
 * into it (autofs) is not looked into: who looks would wait for himself. */
static bool is_empty(const char *mountpoint)
{
	int place = open(mountpoint, O_PATH | O_CLOEXEC);
	struct statfs st;
	DIR *dir = NULL;
	int count = 0;

	if (place >= 0 && fstatfs(place, &st) == 0 &&
	    st.f_type != AUTOFS_SUPER_MAGIC)
		dir = opendir(mountpoint);
	if (place >= 0)
		close(place);
	if (!dir)
		return true;
	while (count <= 2 && readdir(dir)) // NOLINT(concurrency-mt-unsafe)
		count++;
	closedir(dir);
	return count <= 2;
}

bool mountpoint_prepare(const char *mountpoint, const char *db, bool may_hide)
{
	char *mounted;
	struct stat st;
	bool free_now;

	if (!check_device())
		return false;
	if (mountpoint_device(mountpoint) >= 0)
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
	if (!may_hide && !is_empty(mountpoint)) {
		fprintf(stderr,
			"driftfs: mount point %s is not empty, and what is in it "
			"would "
			"be hidden: take another directory, or give -o nonempty\n",
			mountpoint);
		return false;
	}
	return true;
}

int mountpoint_unmount(const char *mountpoint)
{
	struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	char *path = mountpoint_resolve(mountpoint, "");
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

void mountpoint_abort(const char *mountpoint)
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
	mountpoint_abort(mountpoint);
	(void)fusermount(mountpoint, "-uz");
}
