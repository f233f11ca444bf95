/* SPDX-License-Identifier: MIT */
/* index.c - LMDB behind index.h: environment, pooled read transactions, one write
 * transaction, and the CRC on every value. */
#include "engine/index.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/crc32c.h"
#include "engine/index_fault.h"

#define READERS_MAX 512
#define POOL 64

static const char *const space_names[INDEX_SPACES] = {
	"meta", "current", "gone",  "recent",  "versions", "values",
	"past", "seqs",    "times", "changes", "catalog",  "tables",
};

struct index {
	MDB_env *env;
	struct index_fault *fault;
	MDB_dbi spaces[INDEX_SPACES];
	char *suspect_path;
	_Atomic bool suspect;
	void (*told)(void *arg);
	void *told_arg;
	_Atomic(struct index_reader *) pool[POOL];
};

struct index_reader {
	struct index *index;
	MDB_txn *txn;
	/* For index_get; of the transaction that was begun last where fresh says so. */
	MDB_cursor *cursors[INDEX_SPACES];
	bool fresh[INDEX_SPACES];
};

struct index_cursor {
	struct index *index;
	MDB_cursor *cursor;
};

struct index_writer {
	struct index *index;
	MDB_txn *txn;
	MDB_cursor *cursors[INDEX_SPACES];
	struct buf value;
};

static enum drift_err index_err(int code)
{
	switch (code) {
	case 0:
		return DRIFT_OK;
	case MDB_NOTFOUND:
		return DRIFT_DONE;
	case MDB_READERS_FULL:
		return DRIFT_LIMIT;
	case ENOMEM:
		return DRIFT_NOMEM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case MDB_MAP_FULL:
		return DRIFT_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CURSOR_FULL: /* a tree of pages without end */
	case MDB_PAGE_FULL:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_VALSIZE:
	case MDB_MAP_RESIZED: /* larger than any map, says its first page */
	case MDB_BAD_TXN:
		return DRIFT_CORRUPT;
	default:
		return DRIFT_IO;
	}
}

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

/* ---- Opening ---------------------------------------------------------- */

/* LMDB writes to lock.mdb through a map, which is fatal where the disk has no room
 * for the page: have all of them before. */
#define LOCK_BYTES (40u << 10) /* more than READERS_MAX slots of 64 bytes */

static int lock_allocate(const char *path)
{
	char name[4096];
	int fd, code = 0;

	snprintf(name, sizeof(name), "%s/lock.mdb", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_BYTES) != 0 &&
	    io_err(errno) == DRIFT_FULL)
		code = ENOSPC;
	close(fd);
	return code;
}

static int env_open(const char *path, size_t map_bytes, unsigned flags,
		    MDB_env **env)
{
	int code = mdb_env_create(env);

	if (!code)
		code = mdb_env_set_maxdbs(*env, INDEX_SPACES);
	if (!code)
		code = mdb_env_set_maxreaders(*env, READERS_MAX);
	if (!code)
		code = mdb_env_set_mapsize(*env, map_bytes);
	if (!code)
		code = INDEX_FAULT_IN(mdb_env_open(
			*env, path, MDB_NOTLS | MDB_NORDAHEAD | flags, 0600));
	return code;
}

/* Address space, not disk; the largest that this system grants. An environment
 * that could not be opened is good for nothing but to be closed. */
static int env_open_largest(const char *path, unsigned flags, MDB_env **env)
{
	static const unsigned gigabytes[] = { 1024, 64, 4 };
	int code = EINVAL;

	for (unsigned i = 0; i < 3; i++) {
		if (*env)
			INDEX_FAULT_IN_VOID(mdb_env_close(*env));
		*env = NULL;
		code = env_open(path, (size_t)gigabytes[i] << 30, flags, env);
		if (code != ENOMEM && code != EINVAL)
			return code;
	}
	return code;
}

/* LMDB trusts its file, and a file cut short faults when it is read. */
static bool env_file_whole(MDB_env *env)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int fd;

	return !INDEX_FAULT_IN(mdb_env_info(env, &info)) &&
	       !INDEX_FAULT_IN(mdb_env_stat(env, &stat)) &&
	       !mdb_env_get_fd(env, &fd) && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_size >=
		       ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/* LMDB's own order, bytewise and what is shorter first: eight bytes at a time. A search
 * compares some twenty keys, so this is half of what it takes. */
static int compare_keys(const MDB_val *a, const MDB_val *b)
{
	size_t size = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
	const char *left = a->mv_data, *right = b->mv_data;
	uint64_t x, y;
	int order;

	for (size_t at = 0; size >= 8 && at < size; at += 8) {
		/* The last eight overlap what is equal. */
		if (at > size - 8)
			at = size - 8;
		x = be64_get(left + at);
		y = be64_get(right + at);
		if (x != y)
			return x < y ? -1 : 1;
	}
	order = size < 8 ? memcmp(left, right, size) : 0;
	return order ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static int open_spaces(struct index *index, bool read_only)
{
	MDB_txn *txn;
	int code = INDEX_FAULT_IN(
		mdb_txn_begin(index->env, NULL, read_only ? MDB_RDONLY : 0, &txn));

	if (code)
		return code;
	for (unsigned i = 0; i < INDEX_SPACES && !code; i++)
		code = INDEX_FAULT_IN(mdb_dbi_open(txn, space_names[i],
						   read_only ? 0 : MDB_CREATE,
						   &index->spaces[i]));
	for (unsigned i = 0; i < INDEX_SPACES && !code; i++)
		code = mdb_set_compare(txn, index->spaces[i], compare_keys);
	if (code) {
		INDEX_FAULT_IN_VOID(mdb_txn_abort(txn));
		return code;
	}
	return INDEX_FAULT_IN(mdb_txn_commit(txn));
}

static enum drift_err suspect_check(const char *path)
{
	return access(path, F_OK) == 0 ? DRIFT_CORRUPT : DRIFT_OK;
}

enum drift_err index_open(const char *path, struct index **out,
			  struct drift_error *error)
{
	struct index *index = calloc(1, sizeof(*index));
	int dead, code = ENOMEM;
	enum drift_err err;

	*out = NULL;
	if (!index || asprintf(&index->suspect_path, "%s/suspect", path) < 0) {
		free(index);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		err = drift_fail(error, io_err(errno), "%s: %m", path);
		goto failed;
	}
	err = suspect_check(index->suspect_path);
	if (err) {
		(void)drift_fail(error, err,
				 "a fault was found in it when it was last in use");
		goto failed;
	}
	code = lock_allocate(path);
	if (!code)
		code = env_open_largest(path, 0, &index->env);
	if (!code)
		index->fault = index_fault_watch(index->env, path, true);
	if (!code && !env_file_whole(index->env))
		code = MDB_CORRUPTED;
	if (!code)
		code = INDEX_FAULT_IN(mdb_reader_check(index->env, &dead));
	if (!code)
		code = open_spaces(index, false);
	if (!code) {
		*out = index;
		return DRIFT_OK;
	}
	err = drift_fail(error, index_err(code), "index: %s", mdb_strerror(code));
failed:
	index_close(index);
	return err;
}

enum drift_err index_open_read(const char *path, struct index **out,
			       struct drift_error *error)
{
	struct index *index = calloc(1, sizeof(*index));
	char data[4096];
	int code;

	*out = NULL;
	if (!index || asprintf(&index->suspect_path, "%s/suspect", path) < 0) {
		free(index);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	snprintf(data, sizeof(data), "%s/data.mdb", path);
	if (access(data, F_OK) != 0) {
		index_close(index);
		return DRIFT_DONE;
	}
	code = suspect_check(index->suspect_path) ? MDB_INVALID : 0;
	if (!code)
		code = env_open_largest(path, MDB_RDONLY, &index->env);
	if (!code)
		index->fault = index_fault_watch(index->env, path, false);
	if (!code && !env_file_whole(index->env))
		code = MDB_CORRUPTED;
	if (!code)
		code = open_spaces(index, true);
	if (!code) {
		*out = index;
		return DRIFT_OK;
	}
	index_close(index);
	if (code == MDB_NOTFOUND)
		return DRIFT_DONE; /* it was made, and nothing put into it */
	return drift_fail(error, index_err(code), "index: %s", mdb_strerror(code));
}

static void reader_free(struct index_reader *reader)
{
	for (unsigned i = 0; i < INDEX_SPACES; i++)
		if (reader->cursors[i])
			INDEX_FAULT_IN_VOID(mdb_cursor_close(reader->cursors[i]));
	INDEX_FAULT_IN_VOID(mdb_txn_abort(reader->txn));
	free(reader);
}

void index_close(struct index *index)
{
	if (!index)
		return;
	for (unsigned i = 0; i < POOL; i++) {
		struct index_reader *reader = atomic_load(&index->pool[i]);

		if (reader)
			reader_free(reader);
	}
	index_fault_forget(index->fault);
	if (index->env)
		INDEX_FAULT_IN_VOID(mdb_env_close(index->env));
	free(index->suspect_path);
	free(index);
}

enum drift_err index_remove(const char *path, struct drift_error *error)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "suspect" };
	char name[4096];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		if (unlink(name) != 0 && errno != ENOENT)
			return drift_fail(error, io_err(errno), "%s: %m", name);
	}
	return DRIFT_OK;
}

void index_suspect(struct index *index)
{
	int fd;

	if (atomic_exchange(&index->suspect, true))
		return;
	fd = open(index->suspect_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	if (index->told)
		index->told(index->told_arg);
}

void index_on_suspect(struct index *index, void (*told)(void *arg), void *arg)
{
	index->told = told;
	index->told_arg = arg;
}

bool index_is_suspect(struct index *index)
{
	return atomic_load(&index->suspect);
}

/* ---- Values ----------------------------------------------------------- */

static uint32_t value_crc(struct slice key, const char *value, size_t size)
{
	return crc32c_two(key.data, key.size, value, size);
}

static enum drift_err value_check(struct index *index, struct slice key,
				  const MDB_val *stored, struct slice *value)
{
	const char *at = stored->mv_data;

	/* Until the checksum is known to be right, at may lead anywhere. */
	if (INDEX_FAULT_IN(stored->mv_size < 4 ||
			   be32_get(at) !=
				   value_crc(key, at + 4, stored->mv_size - 4))) {
		index_suspect(index);
		return DRIFT_CORRUPT;
	}
	*value = slice_of(at + 4, stored->mv_size - 4);
	return DRIFT_OK;
}

static MDB_val val_of(struct slice slice)
{
	return (MDB_val){ .mv_size = slice.size, .mv_data = (void *)slice.data };
}

/* ---- Reading ---------------------------------------------------------- */

/* Begin a transaction. The first pages of a file that was opened cannot become wrong but
 * by somebody else's hand, and then there is nothing that could be read. */
static int txn_begin(struct index *index, unsigned flags, MDB_txn **txn)
{
	int code = INDEX_FAULT_IN(mdb_txn_begin(index->env, NULL, flags, txn));

	if (code == MDB_MAP_RESIZED)
		index_fault_end(index->fault);
	return code;
}

enum drift_err index_read_begin(struct index *index, struct index_reader **out)
{
	struct index_reader *reader = NULL;
	int code;

	for (unsigned i = 0; i < POOL && !reader; i++)
		if (atomic_load_explicit(&index->pool[i], memory_order_relaxed))
			reader = atomic_exchange(&index->pool[i], NULL);
	if (reader) {
		code = INDEX_FAULT_IN(mdb_txn_renew(reader->txn));
		if (code == MDB_MAP_RESIZED)
			index_fault_end(index->fault);
		*out = reader;
		if (!code)
			return DRIFT_OK;
		reader_free(reader);
		return index_err(code);
	}
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return DRIFT_NOMEM;
	reader->index = index;
	code = txn_begin(index, MDB_RDONLY, &reader->txn);
	if (code) {
		free(reader);
		return index_err(code);
	}
	*out = reader;
	return DRIFT_OK;
}

void index_read_end(struct index *index, struct index_reader *reader)
{
	struct index_reader *none;

	if (!reader)
		return;
	INDEX_FAULT_IN_VOID(mdb_txn_reset(reader->txn));
	memset(reader->fresh, 0, sizeof(reader->fresh));
	for (unsigned i = 0; i < POOL; i++) {
		none = NULL;
		if (!atomic_load_explicit(&index->pool[i], memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&index->pool[i], &none, reader))
			return;
	}
	reader_free(reader);
}

/* Where LMDB finds a page to be none there is no way on, neither down nor to the next
 * entry: as with a fault, whether it meets one or the other is up to what stands there. */
static enum drift_err read_err(struct index *index, int code)
{
	enum drift_err err = index_err(code);

	if (err == DRIFT_CORRUPT)
		index_fault_end(index->fault);
	return err;
}

static int reader_cursor(struct index_reader *reader, enum index_space space)
{
	MDB_cursor **cursor = &reader->cursors[space];
	int code;

	if (reader->fresh[space])
		return 0;
	if (*cursor)
		code = INDEX_FAULT_IN(mdb_cursor_renew(reader->txn, *cursor));
	else
		code = INDEX_FAULT_IN(mdb_cursor_open(
			reader->txn, reader->index->spaces[space], cursor));
	reader->fresh[space] = !code;
	return code;
}

/* No key is as large as the one that was looked for: the last one must be whole, and be
 * there if LMDB counts any. */
static enum drift_err check_end(struct index_reader *reader, enum index_space space)
{
	MDB_val key, stored;
	MDB_stat stat;
	struct slice value;
	int code = INDEX_FAULT_IN(
		mdb_cursor_get(reader->cursors[space], &key, &stored, MDB_LAST));
	enum drift_err err = read_err(reader->index, code);

	if (!err)
		err = value_check(reader->index, slice_of(key.mv_data, key.mv_size),
				  &stored, &value);
	else if (err == DRIFT_DONE &&
		 !mdb_stat(reader->txn, reader->index->spaces[space], &stat) &&
		 stat.ms_entries)
		index_fault_end(reader->index->fault);
	return err ? err : DRIFT_DONE;
}

/* A page of noise may seem to be without the key, and a miss has no checksum; so what
 * stands in the key's place, the next entry, must be whole. */
enum drift_err index_get(struct index_reader *reader, enum index_space space,
			 struct slice key, struct slice *value)
{
	MDB_val found = val_of(key), stored;
	struct slice other;
	int code = reader_cursor(reader, space);
	enum drift_err err;

	if (!code)
		code = INDEX_FAULT_IN(mdb_cursor_get(reader->cursors[space], &found,
						     &stored, MDB_SET_RANGE));
	if (code == MDB_NOTFOUND)
		return check_end(reader, space);
	err = read_err(reader->index, code);
	if (err)
		return err;
	other = slice_of(found.mv_data, found.mv_size);
	err = value_check(reader->index, other, &stored, value);
	return err || slice_equal(other, key) ? err : DRIFT_DONE;
}

enum drift_err index_cursor_open(struct index_reader *reader, enum index_space space,
				 struct index_cursor **out)
{
	struct index_cursor *cursor = calloc(1, sizeof(*cursor));
	int code = ENOMEM;

	if (cursor) {
		cursor->index = reader->index;
		code = INDEX_FAULT_IN(mdb_cursor_open(
			reader->txn, reader->index->spaces[space], &cursor->cursor));
	}
	if (code) {
		free(cursor);
		return index_err(code);
	}
	*out = cursor;
	return DRIFT_OK;
}

void index_cursor_close(struct index_cursor *cursor)
{
	if (!cursor)
		return;
	INDEX_FAULT_IN_VOID(mdb_cursor_close(cursor->cursor));
	free(cursor);
}

static enum drift_err cursor_get(struct index_cursor *cursor, MDB_val *key,
				 MDB_cursor_op op, struct slice *found,
				 struct slice *value)
{
	MDB_val stored;
	int code = INDEX_FAULT_IN(mdb_cursor_get(cursor->cursor, key, &stored, op));
	enum drift_err err = read_err(cursor->index, code);

	if (err)
		return err;
	*found = slice_of(key->mv_data, key->mv_size);
	return value_check(cursor->index, *found, &stored, value);
}

enum drift_err index_seek(struct index_cursor *cursor, struct slice key, bool after,
			  struct slice *found, struct slice *value)
{
	MDB_val wanted = val_of(key);
	enum drift_err err;

	if (key.size == 0)
		return index_step(cursor, INDEX_FIRST, found, value);
	err = cursor_get(cursor, &wanted, MDB_SET_RANGE, found, value);
	if ((!err || err == DRIFT_CORRUPT) && after && slice_equal(*found, key))
		err = index_step(cursor, INDEX_NEXT, found, value);
	return err;
}

enum drift_err index_find(struct index_cursor *cursor, struct slice key,
			  struct slice *value)
{
	MDB_val wanted = val_of(key);
	struct slice found;

	return cursor_get(cursor, &wanted, MDB_SET, &found, value);
}

enum drift_err index_seek_before(struct index_cursor *cursor, struct slice key,
				 struct slice *found, struct slice *value)
{
	MDB_val wanted = val_of(key);
	enum drift_err err =
		cursor_get(cursor, &wanted, MDB_SET_RANGE, found, value);

	if (err == DRIFT_DONE)
		return index_step(cursor, INDEX_LAST, found, value);
	if (err && err != DRIFT_CORRUPT)
		return err;
	return index_step(cursor, INDEX_PREVIOUS, found, value);
}

enum drift_err index_step(struct index_cursor *cursor, enum index_step step,
			  struct slice *found, struct slice *value)
{
	static const MDB_cursor_op ops[] = {
		[INDEX_NEXT] = MDB_NEXT,
		[INDEX_PREVIOUS] = MDB_PREV,
		[INDEX_FIRST] = MDB_FIRST,
		[INDEX_LAST] = MDB_LAST,
	};
	MDB_val key;

	return cursor_get(cursor, &key, ops[step], found, value);
}

static int step_many(MDB_cursor *cursor, uint32_t prefix,
		     struct index_entry *entries, unsigned max, unsigned *count)
{
	MDB_val key, stored;
	int code = 0;

	while (*count < max && !code) {
		code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT);
		if (code)
			continue;
		if (key.mv_size < 4 || be32_get(key.mv_data) != prefix)
			return 0;
		entries[(*count)++] = (struct index_entry){
			.key = slice_of(key.mv_data, key.mv_size),
			.value = slice_of(stored.mv_data, stored.mv_size),
		};
	}
	return code == MDB_NOTFOUND ? 0 : code;
}

enum drift_err index_step_many(struct index_cursor *cursor, uint32_t prefix,
			       struct index_entry *entries, unsigned max,
			       unsigned *count)
{
	int code;

	*count = 0;
	code = INDEX_FAULT_IN(
		step_many(cursor->cursor, prefix, entries, max, count));
	for (unsigned i = 0; i < *count; i++) {
		struct slice *value = &entries[i].value;
		MDB_val stored = val_of(*value);

		if (value_check(cursor->index, entries[i].key, &stored, value))
			*value = (struct slice){ 0 };
	}
	return read_err(cursor->index, code);
}

/* ---- Writing ---------------------------------------------------------- */

enum drift_err index_write_begin(struct index *index, struct index_writer **out)
{
	struct index_writer *writer = calloc(1, sizeof(*writer));
	int code;

	if (!writer)
		return DRIFT_NOMEM;
	writer->index = index;
	code = txn_begin(index, 0, &writer->txn);
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
	MDB_val wanted = val_of(key), stored;
	int code = INDEX_FAULT_IN(
		mdb_cursor_get(writer->cursors[space], &wanted, &stored, MDB_SET));

	if (code)
		return index_err(code);
	return value_check(writer->index, key, &stored, value);
}

enum drift_err index_put(struct index_writer *writer, enum index_space space,
			 struct slice key, struct slice value)
{
	MDB_val where = val_of(key);
	MDB_val stored = { .mv_size = value.size + 4 };
	char *at;
	int code;

	/* Its own copy: value may lie in a page that this put moves. */
	buf_clear(&writer->value);
	buf_add_be32(&writer->value, value_crc(key, value.data, value.size));
	buf_add_slice(&writer->value, value);
	if (buf_status(&writer->value))
		return DRIFT_NOMEM;
	code = INDEX_FAULT_IN(mdb_cursor_put(writer->cursors[space], &where, &stored,
					     MDB_RESERVE));
	if (code)
		return write_err(writer->index, code);
	at = stored.mv_data;
	memcpy(at, writer->value.data, writer->value.size);
	return DRIFT_OK;
}

enum drift_err index_delete(struct index_writer *writer, enum index_space space,
			    struct slice key)
{
	MDB_val where = val_of(key);
	int code = INDEX_FAULT_IN(
		mdb_del(writer->txn, writer->index->spaces[space], &where, NULL));

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
	return write_err(index, code);
}

void index_abort(struct index_writer *writer)
{
	if (writer->txn) {
		writer_close_cursors(writer);
		INDEX_FAULT_IN_VOID(mdb_txn_abort(writer->txn));
	}
	writer_free(writer);
}
