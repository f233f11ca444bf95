/* SPDX-License-Identifier: MIT */
/* events_kept.c - see events_kept.h. */
#include "fs/events_kept.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/crc32c.h"
#include "fs/tree.h"

#define MAGIC "DFSIZES1"
#define HEAD_BYTES 12
#define NEW ".new" /* behind the name until it is whole */
#define FILE_BYTES_MAX ((off_t)1 << 30)
#define TABLE_IDS_MAX (1u << 20) /* more are measured anew */

/* ---- Writing ------------------------------------------------------------ */

static void add_file(const struct event_file *file, uint32_t table_id,
		     struct buf *out)
{
	buf_add_be64(out, table_id);
	buf_add_be64(out, file->lines);
	buf_add_be64(out, file->last_seq);
	buf_add_be64(out, file->size);
	buf_add_be64(out, file->count);
	for (size_t i = 0; i < file->count; i++) {
		buf_add_be64(out, file->marks[i].offset);
		buf_add_be64(out, file->marks[i].seq);
	}
}

/* The lock is held. */
static enum drift_err add_files(struct tree *tree, struct buf *out)
{
	const struct event_files *files = &tree->event_files;
	uint64_t count = 0;
	struct drift_tx tx;
	enum drift_err err = drift_tx_of(tree->db, files->next_seq - 1, &tx);

	if (err)
		return err;
	for (uint32_t i = 0; i < files->count; i++)
		count += files->by_table[i] != NULL;
	buf_add_be64(out, tx.tx);
	buf_add_be64(out, (uint64_t)tx.time);
	buf_add_be64(out, files->next_seq - 1);
	buf_add_be64(out, files->ddl_ahead);
	buf_add_be64(out, count);
	for (uint32_t i = 0; i < files->count; i++)
		if (files->by_table[i])
			add_file(files->by_table[i], i, out);
	return buf_status(out);
}

static bool write_all(const char *path, struct slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size;
	return (close(fd) == 0) & written;
}

static void path_of(const struct tree *tree, const char *end, char path[4096])
{
	snprintf(path, 4096, "%s/events.sizes%s", drift_dir(tree->db), end);
}

/* The file is replaced as a whole. A torn one has the wrong CRC. */
static void write_file(const struct tree *tree, struct buf *bytes)
{
	char path[4096], new_path[4096];
	uint32_t crc = htobe32(
		crc32c(0, bytes->data + HEAD_BYTES, bytes->size - HEAD_BYTES));

	memcpy(bytes->data, MAGIC, 8);
	memcpy(bytes->data + 8, &crc, sizeof(crc));
	path_of(tree, "", path);
	path_of(tree, NEW, new_path);
	if (!write_all(new_path, buf_slice(bytes)) || rename(new_path, path) != 0)
		(void)unlink(new_path);
}

void events_kept_write(struct tree *tree)
{
	struct event_files *files = &tree->event_files;
	struct buf bytes = BUF_INIT;
	enum drift_err err = DRIFT_DONE;

	if (tree->options.read_only || tree->root.seq != SEQ_LIVE)
		return;
	buf_add_str(&bytes, "            ");
	pthread_mutex_lock(&files->lock);
	if (!files->keeping && files->next_seq > files->kept_seq)
		err = add_files(tree, &bytes);
	if (!err) {
		files->keeping = true;
		files->kept_seq = files->next_seq;
	}
	pthread_mutex_unlock(&files->lock);
	if (!err) {
		if (!drift_sync(tree->db))
			write_file(tree, &bytes);
		pthread_mutex_lock(&files->lock);
		files->keeping = false;
		pthread_mutex_unlock(&files->lock);
	}
	buf_release(&bytes);
}

/* ---- Reading ------------------------------------------------------------ */

static bool read_all(const char *path, struct buf *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *room = NULL;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > HEAD_BYTES &&
	    st.st_size <= FILE_BYTES_MAX)
		room = buf_reserve(bytes, (size_t)st.st_size);
	if (room && read(fd, room, (size_t)st.st_size) == (ssize_t)st.st_size)
		bytes->size = (size_t)st.st_size;
	close(fd);
	return bytes->size > 0;
}

static bool is_whole(struct slice bytes)
{
	const char *at = bytes.data;

	return memcmp(at, MAGIC, 8) == 0 &&
	       be32_get(at + 8) ==
		       crc32c(0, at + HEAD_BYTES, bytes.size - HEAD_BYTES);
}

/* The next number; 0 behind the end, which a CRC keeps from happening. */
static uint64_t take(struct slice *rest)
{
	uint64_t value;

	if (rest->size < sizeof(value))
		return 0;
	value = be64_get(rest->data);
	*rest = slice_of((const char *)rest->data + sizeof(value),
			 rest->size - sizeof(value));
	return value;
}

static bool take_file(struct event_files *files, struct slice *rest)
{
	uint64_t table_id = take(rest);
	struct event_file *file = table_id < TABLE_IDS_MAX
					  ? event_file_of(files, (uint32_t)table_id)
					  : NULL;

	if (!file || file->marks)
		return false;
	file->lines = (uint32_t)take(rest);
	file->last_seq = take(rest);
	file->size = take(rest);
	file->count = file->capacity = take(rest);
	if (file->count == 0 || file->count > rest->size / 16)
		return false;
	file->marks = malloc(file->count * sizeof(*file->marks));
	if (!file->marks)
		return false;
	for (size_t i = 0; i < file->count; i++) {
		file->marks[i].offset = take(rest);
		file->marks[i].seq = take(rest);
	}
	return true;
}

/* Is it of the history that the database has? */
static bool is_ours(struct tree *tree, struct slice *rest, drift_seq *seq)
{
	uint64_t id = take(rest), time = take(rest);
	struct drift_tx tx;

	*seq = take(rest);
	return *seq > 0 && *seq <= drift_head(tree->db) &&
	       !drift_tx_of(tree->db, *seq, &tx) && tx.tx == id &&
	       (uint64_t)tx.time == time;
}

static bool take_files(struct event_files *files, struct slice *rest, drift_seq seq)
{
	uint64_t ddl_ahead = take(rest), count = take(rest);
	bool taken = true;

	for (uint64_t i = 0; taken && i < count; i++)
		taken = take_file(files, rest);
	if (!taken || rest->size)
		return false;
	files->next_seq = files->kept_seq = seq + 1;
	files->ddl_ahead = (uint32_t)ddl_ahead;
	files->ddl_seen = UINT64_MAX; /* look whether there is more */
	return true;
}

void events_kept_read(struct tree *tree)
{
	struct event_files *files = &tree->event_files;
	struct buf bytes = BUF_INIT;
	struct slice rest;
	char path[4096];
	drift_seq seq;

	path_of(tree, "", path);
	if (read_all(path, &bytes) && is_whole(buf_slice(&bytes))) {
		rest = slice_of(bytes.data + HEAD_BYTES, bytes.size - HEAD_BYTES);
		if (is_ours(tree, &rest, &seq) && !take_files(files, &rest, seq)) {
			event_files_release(files);
			event_files_init(files);
		}
	}
	buf_release(&bytes);
}
