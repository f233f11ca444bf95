/* SPDX-License-Identifier: MIT */
/* io.h - the one table of functions through which the engine touches files and
 * the clock, so that a test can cut the power, fail, shorten or reorder any call.
 *
 * The table's functions behave as the system calls they are named after (-1 and
 * errno). The io_* functions below are what the engine calls: they continue
 * short transfers, retry EINTR where that is right, and answer enum drift_err.
 * LMDB does its own I/O; what it holds can be rebuilt from the log. */
#ifndef DRIFT_ENGINE_IO_H
#define DRIFT_ENGINE_IO_H

#include <sys/stat.h>
#include <sys/types.h>

#include "engine/buf.h"
#include "engine/moment.h"

#define DISK_BLOCK_BYTES 4096

struct drift_io {
	int (*openat)(const struct drift_io *io, int dir, const char *name,
		      int flags, mode_t mode);
	int (*close)(const struct drift_io *io, int fd);
	ssize_t (*pread)(const struct drift_io *io, int fd, void *data, size_t size,
			 off_t offset);
	/* As pread, but what the disk holds, whatever the page cache says. data,
	 * size and offset are multiples of DISK_BLOCK_BYTES. */
	ssize_t (*pread_disk)(const struct drift_io *io, int fd, void *data,
			      size_t size, off_t offset);
	ssize_t (*pwrite)(const struct drift_io *io, int fd, const void *data,
			  size_t size, off_t offset);
	int (*fdatasync)(const struct drift_io *io, int fd);
	int (*fsync)(const struct drift_io *io, int fd);
	int (*ftruncate)(const struct drift_io *io, int fd, off_t size);
	/* Room for [offset, offset + size), read as zeros; grows the file. */
	int (*fallocate)(const struct drift_io *io, int fd, off_t offset,
			 off_t size);
	int (*fstat)(const struct drift_io *io, int fd, struct stat *st);
	int (*renameat)(const struct drift_io *io, int dir, const char *from,
			const char *to);
	int (*unlinkat)(const struct drift_io *io, int dir, const char *name);
	drift_time_ns (*now)(const struct drift_io *io);
};

/* The real system. */
extern const struct drift_io io_system;

/* errno as a drift_err: ENOSPC, EDQUOT and EFBIG (a limit on files' sizes, whose
 * signal SIGXFSZ process.h ignores) DRIFT_FULL, ENOMEM DRIFT_NOMEM, EMFILE and ENFILE
 * DRIFT_TOO_MANY_FILES, anything else DRIFT_IO. */
enum drift_err io_err(int error_number);

/* Open a regular file, never through a symbolic link; DRIFT_NO_ROW when it is not
 * there, DRIFT_UNSAFE when it is not a regular file with one name that this user
 * owns. */
enum drift_err io_open(const struct drift_io *io, int dir, const char *name,
		       int flags, int *fd, struct drift_error *error);
/* Read up to size bytes; *got < size means the end of the file. */
enum drift_err io_read(const struct drift_io *io, int fd, void *data, size_t size,
		       uint64_t offset, size_t *got);
/* The same past the page cache, which may show what a failed sync never wrote. */
enum drift_err io_read_disk(const struct drift_io *io, int fd, void *data,
			    size_t size, uint64_t offset, size_t *got);
enum drift_err io_write(const struct drift_io *io, int fd, struct slice data,
			uint64_t offset);
/* The first size bytes of a file as memory, which may be longer than the file and is to
 * be read by fault_copy alone: NULL when it cannot be had. There is none where a table
 * reads in a way of its own, which it would pass by. munmap ends it. */
char *io_map(const struct drift_io *io, int fd, size_t size);
/* fdatasync, once: after a failure the page cache proves nothing, so nobody may
 * try again. (EINTR counts as a failure.) */
enum drift_err io_sync(const struct drift_io *io, int fd);
enum drift_err io_sync_dir(const struct drift_io *io, int dir);
enum drift_err io_size(const struct drift_io *io, int fd, uint64_t *size);

#endif
