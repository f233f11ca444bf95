/* SPDX-License-Identifier: MIT */
/* index.c - LMDB behind index.h: its environment, opened, closed, and no longer to be
 * trusted. */
#include "engine/index_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS_MAX 512

static const char *const space_names[INDEX_SPACES] = {
	"meta", "current", "gone",  "recent",  "versions", "values",
	"past", "seqs",    "times", "changes", "catalog",  "tables",
};

const char *index_space_name(enum index_space space)
{
	return space_names[space];
}

enum drift_err index_err(int code)
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
	uint64_t x = 0, y = 0;
	int order = 0;

	if (size >= 8) {
		for (size_t at = 0; at < size - 8 && x == y; at += 8) {
			x = be64_get(left + at);
			y = be64_get(right + at);
		}
		/* The last eight overlap what is equal. */
		if (x == y) {
			x = be64_get(left + size - 8);
			y = be64_get(right + size - 8);
		}
		order = (x > y) - (x < y);
	} else {
		order = memcmp(left, right, size);
	}
	return order ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

/* All spaces, which are made together: where one is missing among others, it is noise that
 * has not been found, and nothing may be put into that. */
static int open_spaces(struct index *index, bool read_only)
{
	unsigned flags = 0;
	MDB_stat main;
	MDB_txn *txn;
	int code = INDEX_FAULT_IN(
		mdb_txn_begin(index->env, NULL, read_only ? MDB_RDONLY : 0, &txn));

	if (code)
		return code;
	code = INDEX_FAULT_IN(mdb_dbi_open(txn, NULL, 0, &index->main));
	if (!code)
		code = INDEX_FAULT_IN(mdb_stat(txn, index->main, &main));
	if (!code && !read_only && main.ms_entries == 0)
		flags = MDB_CREATE;
	for (unsigned i = 0; i < INDEX_SPACES && !code; i++)
		code = INDEX_FAULT_IN(
			mdb_dbi_open(txn, space_names[i], flags, &index->spaces[i]));
	if (code == MDB_NOTFOUND && main.ms_entries != 0)
		code = MDB_CORRUPTED;
	for (unsigned i = 0; i < INDEX_SPACES && !code; i++)
		code = mdb_set_compare(txn, index->spaces[i], compare_keys);
	if (code) {
		INDEX_FAULT_IN_VOID(mdb_txn_abort(txn));
		return code;
	}
	return INDEX_FAULT_IN(mdb_txn_commit(txn));
}

/* 0: LMDB is not the one whose pages we know, or they are of no power of two. */
static size_t page_bytes(MDB_env *env)
{
	MDB_stat stat;
	int major, minor;

	mdb_version(&major, &minor, NULL);
	if (major != 0 || minor != 9 || mdb_env_stat(env, &stat) ||
	    (stat.ms_psize & (stat.ms_psize - 1)))
		return 0;
	return stat.ms_psize;
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
		index->page_bytes = page_bytes(index->env);
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
	struct stat data;
	char name[4096];
	int code;

	*out = NULL;
	if (!index || asprintf(&index->suspect_path, "%s/suspect", path) < 0) {
		free(index);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	/* Empty: whoever made it got no further. */
	if (stat(name, &data) != 0 || data.st_size == 0) {
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
		index->page_bytes = page_bytes(index->env);
		*out = index;
		return DRIFT_OK;
	}
	index_close(index);
	if (code == MDB_NOTFOUND)
		return DRIFT_DONE; /* it was made, and nothing put into it */
	return drift_fail(error, index_err(code), "index: %s", mdb_strerror(code));
}

void index_close(struct index *index)
{
	if (!index)
		return;
	for (unsigned i = 0; i < INDEX_POOL; i++) {
		struct index_reader *reader = atomic_load(&index->pool[i]);

		if (reader)
			index_reader_free(reader);
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
