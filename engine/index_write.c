/* SPDX-License-Identifier: MIT */
/* index_write.c - the one transaction that writes to the index. */
#include "engine/index_env.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* On a full disk, or at a limit on files' sizes, LMDB's writes fall short, which it
 * calls EIO. */
#define FULL_BYTES (1u << 20)

static bool has_no_room(const struct index *index)
{
	struct rlimit limit;
	struct statvfs fs;
	struct stat st;
	int fd;

	if (mdb_env_get_fd(index->env, &fd) || fstatvfs(fd, &fs) != 0 ||
	    fstat(fd, &st) != 0 || getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	return fs.f_bavail * fs.f_frsize < FULL_BYTES ||
	       limit.rlim_cur <= (uint64_t)st.st_size;
}

static enum drift_err write_err(const struct index *index, int code)
{
	if ((code == EIO || code == MDB_BAD_TXN) && has_no_room(index))
		return DRIFT_FULL;
	return index_err(code);
}

enum drift_err index_write_begin(struct index *index, struct index_writer **out)
{
	struct index_writer *writer = calloc(1, sizeof(*writer));
	int code;

	if (!writer)
		return DRIFT_NOMEM;
	writer->index = index;
	code = index_txn_begin(index, 0, &writer->txn);
	for (unsigned i = 0; i < INDEX_SPACES && !code; i++)
		code = INDEX_FAULT_IN(mdb_cursor_open(writer->txn, index->spaces[i],
						      &writer->cursors[i]));
	if (code) {
		index_abort(writer);
		return write_err(index, code);
	}
	*out = writer;
	return DRIFT_OK;
}

enum drift_err index_write_get(struct index_writer *writer, enum index_space space,
			       struct slice key, struct slice *value)
{
	MDB_val wanted = index_val(key), stored = { 0 };
	int code = INDEX_FAULT_IN(
		mdb_cursor_get(writer->cursors[space], &wanted, &stored, MDB_SET));

	if (code)
		return index_err(code);
	return index_value_take(writer->index, key, &stored, value);
}

#define PAGE_BYTES 4096

/* LMDB keeps a changed page where it pleases, and perhaps on two of these. */
static void note_page(struct index_writer *writer, enum index_space space,
		      const char *at)
{
	uint64_t page = (uintptr_t)at / PAGE_BYTES;

	writer->pages += page != writer->page[space];
	writer->page[space] = page;
}

unsigned index_write_pages(const struct index_writer *writer)
{
	return writer->pages;
}

enum drift_err index_put(struct index_writer *writer, enum index_space space,
			 struct slice key, struct slice value)
{
	MDB_val where = index_val(key);
	MDB_val stored = { .mv_size = value.size + 4 };
	char *at;
	int code;

	/* Its own copy: value may lie in a page that this put moves. */
	buf_clear(&writer->value);
	buf_add_be32(&writer->value, index_value_crc(key, value.data, value.size));
	buf_add_slice(&writer->value, value);
	if (buf_status(&writer->value))
		return DRIFT_NOMEM;
	code = index_leaf_check(writer->index, writer->cursors[space], &where);
	if (!code)
		code = INDEX_FAULT_IN(mdb_cursor_put(writer->cursors[space], &where,
						     &stored, MDB_RESERVE));
	if (code)
		return write_err(writer->index, code);
	at = stored.mv_data;
	note_page(writer, space, at);
	memcpy(at, writer->value.data, writer->value.size);
	return DRIFT_OK;
}

enum drift_err index_delete(struct index_writer *writer, enum index_space space,
			    struct slice key)
{
	MDB_val where = index_val(key);
	int code = index_leaf_check(writer->index, writer->cursors[space], &where);

	if (!code)
		code = INDEX_FAULT_IN(mdb_del(
			writer->txn, writer->index->spaces[space], &where, NULL));
	writer->pages += !code;
	return code == MDB_NOTFOUND ? DRIFT_OK : write_err(writer->index, code);
}

static void writer_free(struct index_writer *writer)
{
	buf_release(&writer->value);
	free(writer);
}

/* LMDB frees a write transaction's cursors with it only if we close them before:
 * they are ours until then. */
static void writer_close_cursors(struct index_writer *writer)
{
	for (unsigned i = 0; i < INDEX_SPACES; i++)
		if (writer->cursors[i])
			INDEX_FAULT_IN_VOID(mdb_cursor_close(writer->cursors[i]));
}

enum drift_err index_commit(struct index_writer *writer)
{
	struct index *index = writer->index;
	int code;

	writer_close_cursors(writer);
	code = INDEX_FAULT_IN(mdb_txn_commit(writer->txn));
	writer_free(writer);
	index_readers_refresh(index);
	return write_err(index, code);
}

void index_abort(struct index_writer *writer)
{
	if (!writer)
		return;
	if (writer->txn) {
		writer_close_cursors(writer);
		INDEX_FAULT_IN_VOID(mdb_txn_abort(writer->txn));
	}
	writer_free(writer);
}
