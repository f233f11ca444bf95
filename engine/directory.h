/* SPDX-License-Identifier: MIT */
/* directory.h - a database's directory, before anything in it is trusted.
 *
 *	FORMAT		text: "driftfs 1", "database <32 hex digits>"
 *	LOCK		flock; the pid of who holds it, until it closes the database
 *			cleanly: a pid that nobody has means that one died
 *	log/		the truth (log.h)
 *	index/		a shortcut (index.h)
 *	snapshots/	shortcuts
 *	.s.PGSQL.5433	the daemon's socket
 *	events.sizes	a shortcut of the mount's (fs/events_kept.h)
 *
 * The directory is 0700 and its files 0600; more would let others read or forge
 * history, so it is refused. */
#ifndef DRIFT_ENGINE_DIRECTORY_H
#define DRIFT_ENGINE_DIRECTORY_H

#include "engine/segment.h"

struct directory {
	char *path; /* absolute */
	int fd;
	uint8_t database_id[DATABASE_ID_BYTES];
};

/* Open path and read its FORMAT. Takes no lock and writes nothing.
 * DRIFT_NOT_A_DATABASE, DRIFT_NEWER, DRIFT_UNSAFE, DRIFT_CORRUPT. */
enum drift_err directory_open(struct directory *directory, const struct drift_io *io,
			      const char *path, struct drift_error *error);
void directory_close(struct directory *directory);

/* Make path, or take it when it is an empty directory: DRIFT_BAD_ARGUMENT when it is
 * not. It is no database before directory_format_write. */
enum drift_err directory_make(const char *path, int *fd, struct drift_error *error);

/* DRIFT_UNSAFE when others than this user could read or write it. */
enum drift_err directory_check_safe(int fd, const char *path,
				    struct drift_error *error);
/* Its log/, never through a symbolic link. */
enum drift_err directory_open_log(int fd, const char *path, int *log,
				  struct drift_error *error);
/* Make FORMAT, durable when this returns. With it the directory is a database. */
enum drift_err directory_format_write(const struct drift_io *io, int fd,
				      const uint8_t id[DATABASE_ID_BYTES],
				      struct drift_error *error);

#endif
