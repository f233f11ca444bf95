/* SPDX-License-Identifier: MIT */
/* backup_file.c - a backup's text files, written and read; see backup.h. */
#include "engine/backup_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/crc32c.h"

#define SUFFIX ".backup"
#define FILE_BYTES_MAX (256u << 20)

enum drift_err backup_file_write(int fd, const char *name, struct slice text,
				 struct drift_error *error)
{
	const struct drift_io *io = &io_system;
	char unfinished[BACKUP_NAME_BYTES + 16];
	int file;
	enum drift_err err;

	snprintf(unfinished, sizeof(unfinished), "%s.tmp", name);
	err = io_open(io, fd, unfinished, O_WRONLY | O_CREAT | O_TRUNC, &file,
		      error);
	if (err)
		return err;
	err = io_write(io, file, text, 0);
	if (!err)
		err = io_sync(io, file);
	io->close(io, file);
	if (!err && io->renameat(io, fd, unfinished, name) != 0)
		err = io_err(errno);
	if (!err)
		err = io_sync_dir(io, fd);
	return err ? drift_fail(error, err, "cannot write %s: %s", name,
				drift_err_text(err))
		   : DRIFT_OK;
}

/* ---- Printing ------------------------------------------------------------------- */

static void print_hex(const uint8_t *bytes, size_t size, struct buf *out)
{
	for (size_t i = 0; i < size; i++)
		buf_printf(out, "%02x", bytes[i]);
}

void backup_print_format(const uint8_t *database_id, struct buf *out)
{
	buf_add_str(out, "driftfs backup 1\ndatabase ");
	print_hex(database_id, DATABASE_ID_BYTES, out);
	buf_add_char(out, '\n');
}

void backup_print(const struct backup *backup, const uint8_t *database_id,
		  struct buf *out)
{
	backup_print_format(database_id, out);
	buf_add_str(out, "made ");
	moment_print_time(backup->made, out);
	buf_printf(out, "\nhead %" PRIu64 " %" PRIu64 " ", backup->head, backup->tx);
	moment_print_time(backup->head_time, out);
	buf_add_str(out, "\nanchor ");
	drift_anchor_print(&backup->anchor, out);
	buf_add_char(out, '\n');
	for (unsigned i = 0; i < backup->count; i++) {
		buf_printf(out, "segment %" PRIu64 " %" PRIu64 " ",
			   backup->segments[i].first_seq, backup->segments[i].bytes);
		print_hex(backup->segments[i].sha256, DIGEST_BYTES, out);
		buf_add_char(out, '\n');
	}
	buf_printf(out, "crc32c %08" PRIx32 "\n", crc32c(0, out->data, out->size));
}

/* ---- Reading ---------------------------------------------------------------------- */

static bool read_hex(const char *text, uint8_t *bytes, size_t size)
{
	unsigned byte;

	for (size_t i = 0; i < size; i++, text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

static bool read_time(const char *text, drift_time_ns *time)
{
	return moment_parse_time(slice_of(text, strcspn(text, "\n")), time) ==
	       DRIFT_OK;
}

static bool read_segment(const char *line, struct backup *backup)
{
	struct backup_segment *segments =
		realloc(backup->segments, (backup->count + 1) * sizeof(*segments));
	struct backup_segment *segment;
	char hex[2 * DIGEST_BYTES + 1];

	if (!segments)
		return false;
	backup->segments = segments;
	segment = &segments[backup->count];
	if (sscanf(line, "segment %" SCNu64 " %" SCNu64 " %64[0-9a-f]\n",
		   &segment->first_seq, &segment->bytes, hex) != 3 ||
	    !read_hex(hex, segment->sha256, DIGEST_BYTES))
		return false;
	backup->count++;
	return true;
}

static bool read_line(const char *line, struct backup *backup)
{
	char text[128];
	int at = 0;

	if (strncmp(line, "segment ", 8) == 0)
		return read_segment(line, backup);
	if (strncmp(line, "made ", 5) == 0)
		return read_time(line + 5, &backup->made);
	if (sscanf(line, "head %" SCNu64 " %" SCNu64 " %n", &backup->head,
		   &backup->tx, &at) == 2 &&
	    at)
		return read_time(line + at, &backup->head_time);
	if (sscanf(line, "anchor %127s", text) == 1)
		return drift_anchor_parse(text, &backup->anchor, NULL) == DRIFT_OK;
	return false;
}

enum drift_err backup_parse(struct slice text, const uint8_t *database_id,
			    struct backup *backup, struct drift_error *error)
{
	const char *at = text.data, *end = at + text.size, *crc;
	struct buf format = BUF_INIT;
	uint32_t wanted;
	bool good;

	backup_print_format(database_id, &format);
	crc = text.size > 16 ? end - 16 : at;
	good = text.size > format.size + 16 &&
	       memcmp(at, format.data, format.size) == 0 &&
	       sscanf(crc, "crc32c %8" SCNx32, &wanted) == 1 &&
	       wanted == crc32c(0, at, (size_t)(crc - at));
	for (at += format.size; good && at < crc;
	     at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1)
		good = read_line(at, backup);
	buf_release(&format);
	if (good && backup->count > 0)
		return DRIFT_OK;
	return drift_fail(error, DRIFT_CORRUPT, "%s" SUFFIX " is damaged",
			  backup->name);
}

static enum drift_err read_whole(int fd, const char *name, struct buf *text,
				 struct drift_error *error)
{
	const struct drift_io *io = &io_system;
	uint64_t size;
	size_t got;
	char *at;
	int file;
	enum drift_err err = io_open(io, fd, name, O_RDONLY, &file, error);

	if (err)
		return err;
	err = io_size(io, file, &size);
	if (!err && size > FILE_BYTES_MAX)
		err = DRIFT_CORRUPT;
	at = err ? NULL : buf_reserve(text, size + 1);
	if (!err && !at)
		err = DRIFT_NOMEM;
	if (!err)
		err = io_read(io, file, at, size, 0, &got);
	if (!err)
		text->size = got;
	io->close(io, file);
	if (!err)
		(void)buf_cstr(text);
	return err ? drift_fail(error, err, "%s: %s", name, drift_err_text(err))
		   : DRIFT_OK;
}

void backup_list_release(struct backup_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->backups[i].segments);
	free(list->backups);
	*list = (struct backup_list){ 0 };
}

static enum drift_err list_add(int fd, const char *file, const uint8_t *database_id,
			       struct backup_list *list, struct drift_error *error)
{
	struct backup *backups =
		realloc(list->backups, (list->count + 1) * sizeof(*backups));
	struct buf text = BUF_INIT;
	struct backup *backup;
	enum drift_err err;

	if (!backups)
		return drift_fail_code(error, DRIFT_NOMEM);
	list->backups = backups;
	backup = &backups[list->count++];
	*backup = (struct backup){ 0 };
	snprintf(backup->name, sizeof(backup->name), "%.*s",
		 (int)(strlen(file) - strlen(SUFFIX)), file);
	err = read_whole(fd, file, &text, error);
	if (!err)
		err = backup_parse(buf_slice(&text), database_id, backup, error);
	buf_release(&text);
	return err;
}

static bool is_backup(const char *name)
{
	size_t size = strlen(name), suffix = strlen(SUFFIX);

	return size > suffix && size - suffix < BACKUP_NAME_BYTES &&
	       strcmp(name + size - suffix, SUFFIX) == 0;
}

static int by_made(const void *a, const void *b)
{
	const struct backup *left = a, *right = b;

	if (left->made != right->made)
		return left->made < right->made ? -1 : 1;
	return strcmp(left->name, right->name);
}

enum drift_err backup_list_load(int fd, const uint8_t *database_id,
				struct backup_list *list, struct drift_error *error)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	enum drift_err err = DRIFT_OK;

	*list = (struct backup_list){ 0 };
	if (!dir) {
		if (copy >= 0)
			close(copy);
		return drift_fail(error, DRIFT_IO, "cannot list the backups: %m");
	}
	while (!err && (entry = readdir(dir)))
		if (is_backup(entry->d_name))
			err = list_add(fd, entry->d_name, database_id, list, error);
	closedir(dir);
	if (!err && list->count)
		qsort(list->backups, list->count, sizeof(*list->backups), by_made);
	if (err)
		backup_list_release(list);
	return err;
}

/* ---- The directory ------------------------------------------------------------------ */

static enum drift_err read_format(struct directory *directory,
				  struct drift_error *error)
{
	struct buf text = BUF_INIT;
	unsigned version;
	char hex[2 * DATABASE_ID_BYTES + 1];
	enum drift_err err = read_whole(directory->fd, "BACKUP", &text, error);

	if (err == DRIFT_NO_ROW) {
		err = drift_fail(error, DRIFT_NOT_A_DATABASE,
				 "%s holds no backups (no BACKUP file)",
				 directory->path);
	} else if (!err) {
		int n = sscanf(buf_cstr(&text),
			       "driftfs backup %u\ndatabase %32[0-9a-f]\n", &version,
			       hex);

		if (n >= 1 && version > 1)
			err = drift_fail(error, DRIFT_NEWER,
					 "%s has backups of format %u; this "
					 "program reads up to 1",
					 directory->path, version);
		else if (n != 2 ||
			 !read_hex(hex, directory->database_id, DATABASE_ID_BYTES))
			err = drift_fail(error, DRIFT_CORRUPT,
					 "%s/BACKUP is damaged", directory->path);
	}
	buf_release(&text);
	return err;
}

enum drift_err backup_open(const char *target, struct drift_log **out,
			   struct drift_error *error)
{
	struct drift_log *log = calloc(1, sizeof(*log));
	struct directory *directory;
	enum drift_err err = DRIFT_OK;

	*out = NULL;
	if (!log)
		return drift_fail_code(error, DRIFT_NOMEM);
	directory = &log->directory;
	log->log.dir = -1;
	directory->fd = -1;
	directory->path = realpath(target, NULL);
	if (directory->path)
		directory->fd =
			open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->fd < 0)
		err = drift_fail(error, DRIFT_NOT_A_DATABASE, "%s: %m", target);
	if (!err && asprintf(&log->index_path, "%s/index", directory->path) < 0)
		err = drift_fail_code(error, DRIFT_NOMEM);
	if (!err)
		err = read_format(directory, error);
	if (!err)
		err = directory_check_safe(directory->fd, directory->path, error);
	if (err)
		drift_log_close(log);
	else
		*out = log;
	return err;
}

enum drift_err backup_list_read(const char *target, struct backup_list *list,
				struct drift_error *error)
{
	struct drift_log *log;
	enum drift_err err = backup_open(target, &log, error);

	*list = (struct backup_list){ 0 };
	if (err)
		return err;
	err = backup_list_load(log->directory.fd, log->directory.database_id, list,
			       error);
	drift_log_close(log);
	return err;
}

const struct backup *backup_find(const struct backup_list *list, const char *name)
{
	if (!name)
		return list->count ? &list->backups[list->count - 1] : NULL;
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->backups[i].name, name) == 0)
			return &list->backups[i];
	return NULL;
}
