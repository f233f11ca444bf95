/* SPDX-License-Identifier: MIT */
/* daemon.c - how the daemon speaks: on its caller's stderr until the tree answers, to
 * syslog afterwards; see daemon.h. */
#include "fs/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "fs/notify.h"

void daemon_report(void *arg, const char *line)
{
	const struct daemon *daemon = arg;

	if (daemon->detached)
		syslog(LOG_WARNING, "%s", line);
	else
		fprintf(stderr, "driftfs: %s\n", line);
}

int daemon_refuse(const struct drift_error *error)
{
	fprintf(stderr, "driftfs: %s\n",
		error->text[0] ? error->text : drift_err_text(error->code));
	return drift_err_exit(error->code);
}

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

void daemon_ready(struct daemon *daemon)
{
	if (daemon->ready_fd < 0) {
		notify_manager("READY=1");
		return;
	}
	let_go_of_terminal(daemon);
	if (write(daemon->ready_fd, "", 1) != 1)
		daemon_report(daemon,
			      "cannot tell the caller that the tree is mounted");
	close(daemon->ready_fd);
	daemon->ready_fd = -1;
}
