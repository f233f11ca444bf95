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
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "engine/care.h"
#include "engine/thread.h"
#include "fs/events_kept.h"
#include "fs/fs.h"
#include "fs/invalidate.h"
#include "fs/mounting.h"
#include "fs/mountpoint.h"
#include "fs/notify.h"
#include "fs/ops.h"
#include "fs/option.h"
#include "fs/watchdog.h"
#include "query/query.h"

#define THREADS_MAX 32

enum exit_code {
	EXIT_MOUNTED = 0,
	EXIT_REFUSED = 1,
	EXIT_DAMAGED = 3,
	EXIT_NEWER = 4,
	EXIT_MOUNT_FAILED = 32,
};

struct daemon {
	struct options options;
	char *db;         /* absolute */
	char *mountpoint; /* absolute */
	int device_fd; /* by which requests come, if it was mounted before; or -1 */
	int ready_fd;  /* to the parent; -1 when there is none (any more) */
	bool detached; /* stderr is gone: messages go to syslog */
	struct tree tree;
};

static void report(void *arg, const char *line)
{
	const struct daemon *daemon = arg;

	if (daemon->detached)
		syslog(LOG_WARNING, "%s", line);
	else
		fprintf(stderr, "driftfs: %s\n", line);
}

/* ---- Readiness ------------------------------------------------------------ */

/* From here on nobody reads what the daemon prints. */
static void let_go_of_terminal(struct daemon *daemon)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	openlog("driftfs", LOG_PID, LOG_DAEMON);
	daemon->detached = true;
}

/* The kernel's first request: the mount is there and is being answered. */
static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct tree *tree = userdata;
	struct daemon *daemon =
		(struct daemon *)((char *)tree - offsetof(struct daemon, tree));

	/* Row nodes' sizes come from commits only; links never change. */
	conn->want &=
		~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE);
	if (conn->capable & FUSE_CAP_CACHE_SYMLINKS)
		conn->want |= FUSE_CAP_CACHE_SYMLINKS;
	if (conn->capable & FUSE_CAP_EXPLICIT_INVAL_DATA)
		conn->want |= FUSE_CAP_EXPLICIT_INVAL_DATA;
	if (daemon->ready_fd < 0) {
		notify_manager("READY=1");
		return;
	}
	let_go_of_terminal(daemon);
	if (write(daemon->ready_fd, "", 1) != 1)
		report(daemon, "cannot tell the caller that the tree is mounted");
	close(daemon->ready_fd);
	daemon->ready_fd = -1;
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
		return EXIT_MOUNTED;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_MOUNT_FAILED;
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status)
							: EXIT_MOUNT_FAILED;
}

/* ---- The session ----------------------------------------------------------- */

static int exit_code_of(enum drift_err err)
{
	switch (err) {
	case DRIFT_CORRUPT:
		return EXIT_DAMAGED;
	case DRIFT_NEWER:
		return EXIT_NEWER;
	default:
		return EXIT_REFUSED;
	}
}

static int say(const struct drift_error *error)
{
	fprintf(stderr, "driftfs: %s\n",
		error->text[0] ? error->text : drift_err_text(error->code));
	return exit_code_of(error->code);
}

/* A comma or a backslash in a path would end the option's value. */
static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == ',' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
}

static struct fuse_session *new_session(struct daemon *daemon)
{
	struct fuse_lowlevel_ops ops = meter_ops();
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;
	struct buf list = BUF_INIT;

	buf_add_str(&list, "subtype=driftfs,fsname=");
	add_escaped(&list, daemon->db);
	if (daemon->options.passed.size) {
		buf_add_char(&list, ',');
		buf_add_slice(&list, buf_slice(&daemon->options.passed));
	}
	if (daemon->options.tree.read_only)
		buf_add_str(&list, ",ro");
	if (daemon->options.allow_other) /* the kernel checks uid, gid and mode */
		buf_add_str(&list, ",default_permissions");
	ops.init = op_init;
	if (!buf_status(&list) && !fuse_opt_add_arg(&args, "driftfs") &&
	    !fuse_opt_add_arg(&args, "-o") &&
	    !fuse_opt_add_arg(&args, buf_cstr(&list)) &&
	    (!daemon->options.debug || !fuse_opt_add_arg(&args, "-d")))
		session = fuse_session_new(&args, &ops, sizeof(ops), &daemon->tree);
	fuse_opt_free_args(&args);
	buf_release(&list);
	return session;
}

static int serve(struct daemon *daemon, struct fuse_session *session)
{
	struct fuse_loop_config *config;
	int status;

	if (daemon->options.single_threaded)
		return fuse_session_loop(session);
	config = fuse_loop_cfg_create();
	if (!config)
		return -1;
	fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
	status = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return status;
}

/* ---- Stopping --------------------------------------------------------------- */

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
static struct fuse_session *served; /* what a stop signal ends */
static sem_t stop_asked;

static void stop_signal(int number)
{
	(void)number;
	fuse_session_exit(served);
	sem_post(&stop_asked);
}

/* Stop signals are for the thread that serves: its wait must be what they end. */
static void mask_stop_signals(int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
		sigaddset(&signals, stop_signals[i]);
	pthread_sigmask(how, &signals, NULL);
}

/* A shell starts what it puts into the background with SIGINT ignored, and nohup
 * ignores SIGHUP: only the latter is meant. */
static void handle_stop_signals(struct fuse_session *session)
{
	struct sigaction action = { .sa_handler = stop_signal }, former;

	served = session;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
		if (stop_signals[i] != SIGHUP ||
		    (sigaction(SIGHUP, NULL, &former) == 0 &&
		     former.sa_handler != SIG_IGN))
			sigaction(stop_signals[i], &action, NULL);
}

/* Threads that serve are waited for, and one may be at a statement that takes long:
 * once a stop is asked for, stop them again and again until none serves. */
struct stopper {
	struct daemon *daemon;
	pthread_t thread;
	atomic_bool done;
};

static void *stop_statements(void *arg)
{
	struct stopper *stopper = arg;
	struct timespec pause = { .tv_nsec = 20000000 };

	while (sem_wait(&stop_asked) != 0)
		;
	stopper->daemon->tree.stopping = true;
	while (!stopper->done) {
		handles_stop(&stopper->daemon->tree.handles);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int serve_until_stopped(struct daemon *daemon, struct fuse_session *session)
{
	struct stopper stopper = { .daemon = daemon };
	struct watchdog watchdog;

	if (sem_init(&stop_asked, 0, 0) != 0 ||
	    !thread_start(&stopper.thread, stop_statements, &stopper)) {
		fprintf(stderr, "driftfs: cannot start a thread\n");
		return EXIT_MOUNT_FAILED;
	}
	if (!watchdog_start(&watchdog, &daemon->tree,
			    daemon->options.single_threaded ? 1 : THREADS_MAX))
		report(daemon, "cannot start the watchdog's thread");
	handle_stop_signals(session);
	mask_stop_signals(SIG_UNBLOCK);
	(void)serve(daemon, session);
	mask_stop_signals(SIG_BLOCK);
	watchdog_stop(&watchdog);
	notify_manager("STOPPING=1");
	sem_post(&stop_asked);
	errands_stop(&daemon->tree.errands);
	stopper.done = true;
	pthread_join(stopper.thread, NULL);
	sem_destroy(&stop_asked);
	return EXIT_MOUNTED;
}

static int mount_session(struct daemon *daemon, struct fuse_session *session)
{
	char device[32];

	if (daemon->device_fd < 0)
		return fuse_session_mount(session, daemon->mountpoint);
	snprintf(device, sizeof(device), "/dev/fd/%d", daemon->device_fd);
	return fuse_session_mount(session, device);
}

static int run_session(struct daemon *daemon, struct fuse_session *session)
{
	struct query_server *server = NULL;
	struct drift_error error = { 0 };
	int status;

	daemon->tree.session = session;
	events_kept_read(&daemon->tree);
	if (invalidator_start(&daemon->tree)) {
		fprintf(stderr, "driftfs: cannot start a thread\n");
		return EXIT_MOUNT_FAILED;
	}
	if (query_server_start(daemon->tree.db, &server, &error))
		return say(&error);
	if (mount_session(daemon, session)) {
		query_server_stop(server);
		return EXIT_MOUNT_FAILED;
	}
	status = serve_until_stopped(daemon, session);
	events_kept_write(&daemon->tree);
	query_server_stop(server);
	changes_stop(&daemon->tree.changes);
	if (daemon->options.drop_privileges)
		mountpoint_abort(daemon->mountpoint);
	else
		mountpoint_abandon(daemon->mountpoint);
	invalidator_stop(&daemon->tree);
	fuse_session_unmount(session);
	return status;
}

static int mount_tree(struct daemon *daemon)
{
	struct fuse_session *session = new_session(daemon);
	int status = EXIT_MOUNT_FAILED;

	if (session)
		status = run_session(daemon, session);
	tree_release(&daemon->tree);
	if (session)
		fuse_session_destroy(session);
	return status;
}

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
		report(daemon, buf_cstr(&line));
	buf_release(&line);
}

static int open_and_mount(struct daemon *daemon)
{
	struct drift_options options = {
		.read_only = daemon->options.tree.read_only,
		.interval_ms = daemon->options.interval_ms,
		.report = report,
		.report_arg = daemon,
	};
	struct drift_error error = { 0 };
	struct drift_db *db = NULL;
	drift_seq seq;
	int status;

	query_rules_install();
	if (drift_open(daemon->db, &options, &db, &error))
		return say(&error);
	if (root_seq(daemon, db, &seq, &error) ||
	    tree_init(&daemon->tree, db, &daemon->options.tree, seq))
		status = say(&error);
	else
		status = mount_tree(daemon);
	if (status == EXIT_MOUNTED)
		report_anchor(daemon, db);
	drift_close(db);
	return status;
}

static int run_daemon(struct daemon *daemon)
{
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	mask_stop_signals(SIG_BLOCK);
	if (daemon->options.drop_privileges && !mounting_drop_privileges())
		return EXIT_REFUSED;
	return open_and_mount(daemon);
}

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
	if (status != EXIT_MOUNTED && daemon->device_fd >= 0)
		(void)umount2(daemon->mountpoint, MNT_DETACH);
	return status;
}

static int mount_database(struct daemon *daemon)
{
	const struct options *options = &daemon->options;

	daemon->mountpoint = mountpoint_resolve(options->mountpoint);
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
		return EXIT_MOUNTED;
	return find_device(daemon) ? start(daemon) : EXIT_MOUNT_FAILED;
}

int fs_main(int argc, char **argv)
{
	struct daemon daemon = { .device_fd = -1, .ready_fd = -1 };
	const struct options *options = &daemon.options;
	int status = EXIT_REFUSED;

	if (!options_parse(&daemon.options, argc, argv))
		goto done;
	status = EXIT_MOUNTED;
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
