/* SPDX-License-Identifier: MIT */
/* directory.c - see directory.h. */
#include "engine/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- FORMAT ------------------------------------------------------------------ */

enum drift_err directory_format_write(const struct drift_io *io, int fd,
				      const uint8_t id[DATABASE_ID_BYTES],
				      struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;
	int file;

	buf_printf(&text, "driftfs %d\ndatabase ", DRIFT_FORMAT_VERSION);
	for (unsigned i = 0; i < DATABASE_ID_BYTES; i++)
		buf_printf(&text, "%02x", id[i]);
	buf_add_char(&text, '\n');
	err = io_open(io, fd, "FORMAT.tmp", O_WRONLY | O_CREAT | O_TRUNC, &file,
		      error);
	if (!err) {
		err = io_write(io, file, buf_slice(&text), 0);
		if (!err)
			err = io_sync(io, file);
		io->close(io, file);
	}
	if (!err && io->renameat(io, fd, "FORMAT.tmp", "FORMAT") != 0)
		err = DRIFT_IO;
	if (!err)
		err = io_sync_dir(io, fd);
	buf_release(&text);
	return err ? drift_fail(error, err, "cannot write FORMAT: %s",
				drift_err_text(err))
		   : DRIFT_OK;
}

static enum drift_err format_parse(const char *text, uint8_t id[DATABASE_ID_BYTES],
				   const char *dir, struct drift_error *error)
{
	unsigned version, byte;
	int at = 0;

	if (sscanf(text, "driftfs %u\n%n", &version, &at) != 1 || at == 0)
		return drift_fail(error, DRIFT_NOT_A_DATABASE,
				  "%s/FORMAT does not say driftfs", dir);
	if (version > DRIFT_FORMAT_VERSION)
		return drift_fail(error, DRIFT_NEWER,
				  "%s has format %u; this program reads up to %d",
				  dir, version, DRIFT_FORMAT_VERSION);
	if (strncmp(text + at, "database ", 9) != 0)
		return drift_fail(error, DRIFT_CORRUPT,
				  "%s/FORMAT names no database id", dir);
	text += at + 9;
	for (unsigned i = 0; i < DATABASE_ID_BYTES; i++, text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return drift_fail(error, DRIFT_CORRUPT,
					  "%s/FORMAT: bad database id", dir);
		id[i] = (uint8_t)byte;
	}
	return DRIFT_OK;
}

static enum drift_err format_read(struct directory *directory,
				  const struct drift_io *io,
				  struct drift_error *error)
{
	char text[256];
	size_t got;
	int fd;
	enum drift_err err =
		io_open(io, directory->fd, "FORMAT", O_RDONLY, &fd, error);

	if (err == DRIFT_NO_ROW)
		return drift_fail(error, DRIFT_NOT_A_DATABASE,
				  "%s is not a driftfs database (no FORMAT file)",
				  directory->path);
	if (err)
		return err;
	err = io_read(io, fd, text, sizeof(text) - 1, 0, &got);
	io->close(io, fd);
	if (err)
		return drift_fail_code(error, err);
	text[got] = 0;
	return format_parse(text, directory->database_id, directory->path, error);
}

/* ---- The directory ------------------------------------------------------------- */

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool empty = true;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

/* A directory's name is durable when the one above is synced. */
static enum drift_err sync_parent(int fd, const char *path,
				  struct drift_error *error)
{
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum drift_err err = DRIFT_OK;

	/* One that may be searched but not read cannot be synced by us. */
	if (parent < 0 && errno == EACCES)
		return DRIFT_OK;
	if (parent < 0 || io_sync_dir(&io_system, parent))
		err = drift_fail(error, io_err(errno), "%s/..: %m", path);
	if (parent >= 0)
		close(parent);
	return err;
}

enum drift_err directory_make(const char *path, int *fd, struct drift_error *error)
{
	bool made = mkdir(path, 0700) == 0;
	enum drift_err err = DRIFT_OK;

	if (!made && errno != EEXIST)
		return drift_fail(error, io_err(errno), "%s: %m", path);
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return drift_fail(error, DRIFT_BAD_ARGUMENT, "%s: %m", path);
	if (!is_empty(*fd))
		err = drift_fail(error, DRIFT_BAD_ARGUMENT,
				 faccessat(*fd, "FORMAT", F_OK, 0) == 0
					 ? "%s is a database already"
					 : "%s is not empty",
				 path);
	else if (fchmod(*fd, 0700) != 0)
		err = drift_fail(error, io_err(errno), "%s: %m", path);
	else if (made)
		err = sync_parent(*fd, path, error);
	if (err)
		close(*fd);
	return err;
}

enum drift_err directory_check_safe(int fd, const char *path,
				    struct drift_error *error)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return drift_fail(error, DRIFT_IO, "%s: %m", path);
	if (st.st_mode & 0077)
		return drift_fail(error, DRIFT_UNSAFE,
				  "unsafe permissions on %s (%04o), expected 0700",
				  path, st.st_mode & 07777);
	if (st.st_uid != geteuid())
		return drift_fail(error, DRIFT_UNSAFE,
				  "%s belongs to uid %u, not to %u", path, st.st_uid,
				  geteuid());
	return DRIFT_OK;
}

enum drift_err directory_open(struct directory *directory, const struct drift_io *io,
			      const char *path, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	*directory = (struct directory){ .fd = -1 };
	directory->path = realpath(path, NULL);
	if (directory->path)
		directory->fd =
			open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->fd < 0)
		err = drift_fail(
			error, errno == ENOMEM ? DRIFT_NOMEM : DRIFT_NOT_A_DATABASE,
			"%s: %m", path);
	if (!err)
		err = format_read(directory, io, error);
	if (!err)
		err = directory_check_safe(directory->fd, directory->path, error);
	if (err)
		directory_close(directory);
	return err;
}

void directory_close(struct directory *directory)
{
	if (directory->fd >= 0)
		close(directory->fd);
	free(directory->path);
	*directory = (struct directory){ .fd = -1 };
}

enum drift_err directory_open_log(int fd, const char *path, int *log,
				  struct drift_error *error)
{
	*log = openat(fd, "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*log < 0)
		return drift_fail(error, DRIFT_CORRUPT, "%s/log: %m", path);
	return DRIFT_OK;
}
