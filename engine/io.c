/* SPDX-License-Identifier: MIT */
/* io.c - the real system behind struct drift_io, and whole transfers over it. */
#include "engine/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int system_openat(const struct drift_io *io, int dir, const char *name,
			 int flags, mode_t mode)
{
	(void)io;
	return openat(dir, name, flags, mode);
}

static int system_close(const struct drift_io *io, int fd)
{
	(void)io;
	return close(fd);
}

static ssize_t system_pread(const struct drift_io *io, int fd, void *data,
			    size_t size, off_t offset)
{
	(void)io;
	return pread(fd, data, size, offset);
}

/* O_DIRECT where the file system takes it. Else the clean pages are dropped, which
 * are what a failed sync leaves behind; dirty ones are still to be written. */
static ssize_t system_pread_disk(const struct drift_io *io, int fd, void *data,
				 size_t size, off_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	int reason = EINVAL;
	ssize_t n = -1;

	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) == 0) {
		n = pread(fd, data, size, offset);
		reason = errno;
		if (fcntl(fd, F_SETFL, flags) != 0)
			return -1;
		errno = reason;
	}
	if (n >= 0 || reason != EINVAL)
		return n;
	posix_fadvise(fd, offset, (off_t)size, POSIX_FADV_DONTNEED);
	return system_pread(io, fd, data, size, offset);
}

static ssize_t system_pwrite(const struct drift_io *io, int fd, const void *data,
			     size_t size, off_t offset)
{
	(void)io;
	return pwrite(fd, data, size, offset);
}

static int system_fdatasync(const struct drift_io *io, int fd)
{
	(void)io;
	return fdatasync(fd);
}

static int system_fsync(const struct drift_io *io, int fd)
{
	(void)io;
	return fsync(fd);
}

static int system_ftruncate(const struct drift_io *io, int fd, off_t size)
{
	(void)io;
	return ftruncate(fd, size);
}

static int system_fallocate(const struct drift_io *io, int fd, off_t offset,
			    off_t size)
{
	(void)io;
	return fallocate(fd, 0, offset, size);
}

static int system_fstat(const struct drift_io *io, int fd, struct stat *st)
{
	(void)io;
	return fstat(fd, st);
}

static int system_renameat(const struct drift_io *io, int dir, const char *from,
			   const char *to)
{
	(void)io;
	return renameat(dir, from, dir, to);
}

static int system_unlinkat(const struct drift_io *io, int dir, const char *name)
{
	(void)io;
	return unlinkat(dir, name, 0);
}

static drift_time_ns system_now(const struct drift_io *io)
{
	struct timespec now;

	(void)io;
	clock_gettime(CLOCK_REALTIME, &now);
	return (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec;
}

const struct drift_io io_system = {
	.openat = system_openat,
	.close = system_close,
	.pread = system_pread,
	.pread_disk = system_pread_disk,
	.pwrite = system_pwrite,
	.fdatasync = system_fdatasync,
	.fsync = system_fsync,
	.ftruncate = system_ftruncate,
	.fallocate = system_fallocate,
	.fstat = system_fstat,
	.renameat = system_renameat,
	.unlinkat = system_unlinkat,
	.now = system_now,
};

enum drift_err io_err(int error_number)
{
	switch (error_number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return DRIFT_FULL;
	case ENOMEM:
		return DRIFT_NOMEM;
	case EMFILE:
	case ENFILE:
		return DRIFT_TOO_MANY_FILES;
	default:
		return DRIFT_IO;
	}
}

enum drift_err io_open(const struct drift_io *io, int dir, const char *name,
		       int flags, int *fd, struct drift_error *error)
{
	struct stat st;

	*fd = io->openat(io, dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
			 0600);
	if (*fd < 0 && errno == ENOENT)
		return drift_fail(error, DRIFT_NO_ROW, "%s: no such file", name);
	if (*fd < 0 && errno == ELOOP)
		return drift_fail(error, DRIFT_UNSAFE, "%s is a symbolic link",
				  name);
	if (*fd < 0 && errno == EISDIR)
		return drift_fail(error, DRIFT_UNSAFE, "%s is a directory", name);
	if (*fd < 0)
		return drift_fail(error, io_err(errno), "%s: %m", name);
	if (io->fstat(io, *fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && st.st_uid == geteuid())
		return DRIFT_OK;
	io->close(io, *fd);
	*fd = -1;
	return drift_fail(error, DRIFT_UNSAFE,
			  "%s is not a regular file of this user with one name",
			  name);
}

enum drift_err io_read(const struct drift_io *io, int fd, void *data, size_t size,
		       uint64_t offset, size_t *got)
{
	ssize_t n;

	*got = 0;
	while (*got < size) {
		n = io->pread(io, fd, (char *)data + *got, size - *got,
			      (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_err(errno);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return DRIFT_OK;
}

#define DISK_CHUNK_BYTES (1u << 20)

/* One chunk of whole blocks; *n < DISK_CHUNK_BYTES means the end of the file. */
static enum drift_err read_chunk(const struct drift_io *io, int fd, char *chunk,
				 uint64_t offset, size_t *n)
{
	ssize_t got;

	*n = 0;
	while (*n < DISK_CHUNK_BYTES) {
		got = io->pread_disk(io, fd, chunk + *n, DISK_CHUNK_BYTES - *n,
				     (off_t)(offset + *n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_err(errno);
		if (got == 0)
			return DRIFT_OK;
		*n += (size_t)got;
		/* Only at the end of the file is it not a multiple. */
		if (got % DISK_BLOCK_BYTES)
			return DRIFT_OK;
	}
	return DRIFT_OK;
}

enum drift_err io_read_disk(const struct drift_io *io, int fd, void *data,
			    size_t size, uint64_t offset, size_t *got)
{
	char *chunk = aligned_alloc(DISK_BLOCK_BYTES, DISK_CHUNK_BYTES);
	enum drift_err err = chunk ? DRIFT_OK : DRIFT_NOMEM;

	*got = 0;
	while (!err && *got < size) {
		uint64_t at = offset + *got;
		uint64_t from = at - at % DISK_BLOCK_BYTES;
		size_t n, skip = (size_t)(at - from), use;

		err = read_chunk(io, fd, chunk, from, &n);
		if (err || n <= skip)
			break;
		use = n - skip < size - *got ? n - skip : size - *got;
		memcpy((char *)data + *got, chunk + skip, use);
		*got += use;
		if (n < DISK_CHUNK_BYTES)
			break;
	}
	free(chunk);
	return err;
}

enum drift_err io_write(const struct drift_io *io, int fd, struct slice data,
			uint64_t offset)
{
	size_t done = 0;
	ssize_t n;

	while (done < data.size) {
		n = io->pwrite(io, fd, (const char *)data.data + done,
			       data.size - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_err(errno);
		if (n == 0)
			return DRIFT_FULL;
		done += (size_t)n;
	}
	return DRIFT_OK;
}

/* Who reads rows here and there wants no page but theirs, as a pread does. */
char *io_map(const struct drift_io *io, int fd, size_t size)
{
	char *map;

	if (io->pread != system_pread)
		return NULL;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	(void)madvise(map, size, MADV_RANDOM);
	return map;
}

enum drift_err io_sync(const struct drift_io *io, int fd)
{
	return io->fdatasync(io, fd) == 0 ? DRIFT_OK : DRIFT_IO;
}

enum drift_err io_sync_dir(const struct drift_io *io, int dir)
{
	return io->fsync(io, dir) == 0 ? DRIFT_OK : DRIFT_IO;
}

enum drift_err io_size(const struct drift_io *io, int fd, uint64_t *size)
{
	struct stat st;

	if (io->fstat(io, fd, &st) != 0)
		return io_err(errno);
	*size = (uint64_t)st.st_size;
	return DRIFT_OK;
}
