/* SPDX-License-Identifier: MIT */
/* mount.c - the daemon's life: from the command line to a tree that answers, and
 * to its end.
 *
 * Fork first: neither threads nor the index survive one. The child opens the
 * database, mounts, and reports through a pipe when the kernel's first request
 * came in, so the parent returns when the tree answers and not before. What goes
 * wrong until then is said on the caller's own stderr. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/care.h"
#include "fs/daemon.h"
#include "fs/fs.h"
#include "fs/mounting.h"
#include "fs/mountpoint.h"
#include "query/query.h"

/* ---- The database ----------------------------------------------------------- */

/* The moment to mount: the head that moves on, or the one asked for. */
static enum drift_err root_seq(struct daemon *daemon, struct drift_db *db,
			       drift_seq *seq, struct drift_error *error)
{
	const char *as_of = daemon->options.as_of;
	struct moment moment;
	enum drift_err err;

	*seq = SEQ_LIVE;
	if (!as_of)
		return DRIFT_OK;
	err = moment_parse(slice_str(as_of), MOMENT_OF_SQL, drift_now(db), &moment,
			   error);
	return err ? err : drift_resolve(db, &moment, false, seq, error);
}

/* For who keeps anchors elsewhere: where the history stood at a clean stop. */
static void report_anchor(struct daemon *daemon, struct drift_db *db)
{
	struct drift_anchor anchor;
	struct buf line = BUF_INIT;

	if (drift_is_read_only(db) || drift_digest(db, DRIFT_SEQ_MAX, &anchor, NULL))
		return;
	buf_add_str(&line, "stopped at ");
	drift_anchor_print(&anchor, &line);
	if (!buf_status(&line))
		daemon_report(daemon, buf_cstr(&line));
	buf_release(&line);
}

static int open_and_mount(struct daemon *daemon)
{
	struct drift_options options = {
		.read_only = daemon->options.tree.read_only,
		.interval_ms = daemon->options.interval_ms,
		.report = daemon_report,
		.report_arg = daemon,
	};
	struct drift_error error = { 0 };
	struct drift_db *db = NULL;
	drift_seq seq;
	int status;

	query_rules_install();
	if (drift_open(daemon->db, &options, &db, &error))
		return daemon_refuse(&error);
	if (root_seq(daemon, db, &seq, &error) ||
	    tree_init(&daemon->tree, db, &daemon->options.tree, seq))
		status = daemon_refuse(&error);
	else
		status = serve_tree(daemon);
	if (status == EXIT_FINE)
		report_anchor(daemon, db);
	drift_close(db);
	return status;
}

static int run_daemon(struct daemon *daemon)
{
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	serve_hold_signals();
	if (daemon->options.drop_privileges && !mounting_drop_privileges())
		return EXIT_REFUSED;
	return open_and_mount(daemon);
}

/* ---- In the background ------------------------------------------------------ */

/* Files the caller had open are not the daemon's to hold on to, but for the device. */
static void close_inherited(const struct daemon *daemon)
{
	unsigned ready = (unsigned)daemon->ready_fd;
	unsigned device =
		daemon->device_fd < 0 ? ready : (unsigned)daemon->device_fd;
	unsigned low = ready < device ? ready : device;
	unsigned high = ready < device ? device : ready;

	if (low > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
}

/* The parent's part: its exit code is what the child reports. */
static int wait_until_ready(int fd, pid_t child)
{
	ssize_t size;
	int status;
	char byte;

	do
		size = read(fd, &byte, 1);
	while (size < 0 && errno == EINTR);
	close(fd);
	if (size == 1)
		return EXIT_FINE;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_MOUNT_FAILED;
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status)
							: EXIT_MOUNT_FAILED;
}

static int fork_daemon(struct daemon *daemon)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		perror("driftfs");
		return EXIT_MOUNT_FAILED;
	}
	if (child) {
		close(ends[1]);
		return wait_until_ready(ends[0], child);
	}
	close(ends[0]);
	daemon->ready_fd = ends[1];
	close_inherited(daemon);
	setsid();
	if (chdir("/") != 0)
		perror("driftfs: /");
	return run_daemon(daemon);
}

/* ---- The command line -------------------------------------------------------- */

/* The device that requests come by, if it is not libfuse's to open: handed in as the
 * mount point, or mounted already because there is no right to do so later. */
static bool find_device(struct daemon *daemon)
{
	const struct options *options = &daemon->options;

	daemon->device_fd = mountpoint_device(daemon->mountpoint);
	if (daemon->device_fd >= 0 || !options->drop_privileges)
		return true;
	daemon->device_fd = mounting_device(daemon->mountpoint, daemon->db, options);
	return daemon->device_fd >= 0;
}

/* Who has no rights any more cannot take away what was mounted. */
static int start(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	int status;

	if (options->foreground)
		return run_daemon(daemon);
	status = fork_daemon(daemon);
	if (status != EXIT_FINE && daemon->device_fd >= 0)
		(void)umount2(daemon->mountpoint, MNT_DETACH);
	return status;
}

static int mount_database(struct daemon *daemon)
{
	const struct options *options = &daemon->options;

	daemon->mountpoint = mountpoint_resolve(options->mountpoint,
						"; make it first, with mkdir");
	if (!daemon->mountpoint)
		return EXIT_REFUSED;
	if (options->remount)
		return mounting_remount(daemon->mountpoint, options);
	daemon->db = realpath(options->db, NULL);
	if (!daemon->db) {
		fprintf(stderr, "driftfs: database %s: %s\n", options->db,
			strerror(errno));
		return EXIT_REFUSED;
	}
	if (!mountpoint_prepare(daemon->mountpoint, daemon->db, options->nonempty))
		return EXIT_REFUSED;
	if (options->fake)
		return EXIT_FINE;
	return find_device(daemon) ? start(daemon) : EXIT_MOUNT_FAILED;
}

int fs_main(int argc, char **argv)
{
	struct daemon daemon = { .device_fd = -1, .ready_fd = -1 };
	const struct options *options = &daemon.options;
	int status = EXIT_REFUSED;

	if (!options_parse(&daemon.options, argc, argv))
		goto done;
	status = EXIT_FINE;
	if (options->help)
		options_usage("driftfs");
	else if (options->version)
		printf("driftfs %s, format %d, libfuse %s\n", DRIFT_VERSION,
		       DRIFT_FORMAT_VERSION, fuse_pkgversion());
	else if (options->unmount)
		status = mountpoint_unmount(options->mountpoint);
	else
		status = mount_database(&daemon);
done:
	free(daemon.db);
	free(daemon.mountpoint);
	options_release(&daemon.options);
	return status;
}
