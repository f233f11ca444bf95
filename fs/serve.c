/* SPDX-License-Identifier: MIT */
/* serve.c - the daemon's session with the kernel: made, served until somebody stops it,
 * and ended in order; see daemon.h. */
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/thread.h"
#include "fs/daemon.h"
#include "fs/events_kept.h"
#include "fs/invalidate.h"
#include "fs/mountpoint.h"
#include "fs/notify.h"
#include "fs/ops.h"
#include "fs/watchdog.h"
#include "query/query.h"

#define THREADS_MAX 32

/* ---- The session ----------------------------------------------------------- */

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
	daemon_ready(daemon);
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

static void mask_stop_signals(int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
		sigaddset(&signals, stop_signals[i]);
	pthread_sigmask(how, &signals, NULL);
}

void serve_hold_signals(void)
{
	mask_stop_signals(SIG_BLOCK);
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
		daemon_report(daemon, "cannot start the watchdog's thread");
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
	return EXIT_FINE;
}

static int mount_session(struct daemon *daemon, struct fuse_session *session)
{
	char device[32];

	if (daemon->device_fd < 0)
		return fuse_session_mount(session, daemon->mountpoint);
	snprintf(device, sizeof(device), "/dev/fd/%d", daemon->device_fd);
	return fuse_session_mount(session, device);
}

static int serve_mounted(struct daemon *daemon, struct fuse_session *session,
			 struct query_server *server)
{
	int status = serve_until_stopped(daemon, session);

	events_kept_write(&daemon->tree);
	query_server_stop(server);
	changes_stop(&daemon->tree.changes);
	if (daemon->options.drop_privileges)
		mountpoint_abort(daemon->mountpoint);
	else
		mountpoint_abandon(daemon->mountpoint);
	return status;
}

static int run_session(struct daemon *daemon, struct fuse_session *session)
{
	struct query_server *server = NULL;
	struct drift_error error = { 0 };
	int status = EXIT_MOUNT_FAILED;

	daemon->tree.session = session;
	events_kept_read(&daemon->tree);
	if (invalidator_start(&daemon->tree)) {
		fprintf(stderr, "driftfs: cannot start a thread\n");
		return EXIT_MOUNT_FAILED;
	}
	if (query_server_start(daemon->tree.db, &server, &error))
		status = daemon_refuse(&error);
	else if (mount_session(daemon, session))
		query_server_stop(server);
	else
		status = serve_mounted(daemon, session, server);
	invalidator_stop(&daemon->tree);
	fuse_session_unmount(session);
	return status;
}

int serve_tree(struct daemon *daemon)
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
