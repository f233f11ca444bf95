/* SPDX-License-Identifier: MIT */
/* snapshot.c - the list of snapshots; see snapshot.h. */
#include "engine/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/db.h"

void snapshots_init(struct snapshots *snapshots)
{
	*snapshots = (struct snapshots){ .dir = -1 };
	pthread_mutex_init(&snapshots->lock, NULL);
	pthread_mutex_init(&snapshots->asked, NULL);
}

void snapshots_release(struct snapshots *snapshots)
{
	if (snapshots->dir >= 0)
		close(snapshots->dir);
	free(snapshots->list);
	pthread_mutex_destroy(&snapshots->lock);
	pthread_mutex_destroy(&snapshots->asked);
}

/* ---- The list; under lock ------------------------------------------------------- */

/* Number of snapshots before (table, seq). */
static unsigned list_find(const struct snapshots *snapshots, uint32_t table_id,
			  drift_seq seq)
{
	unsigned low = 0, high = snapshots->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct snapshot *at = &snapshots->list[middle];

		if (at->table_id < table_id ||
		    (at->table_id == table_id && at->seq < seq))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct snapshot *list_get(const struct snapshots *snapshots,
				 uint32_t table_id, drift_seq seq)
{
	unsigned i = list_find(snapshots, table_id, seq);
	struct snapshot *at = &snapshots->list[i];

	return i < snapshots->count && at->table_id == table_id && at->seq == seq
		       ? at
		       : NULL;
}

static void list_insert(struct snapshots *snapshots, const struct snapshot *snapshot)
{
	unsigned i = list_find(snapshots, snapshot->table_id, snapshot->seq);
	struct snapshot *list = snapshots->list;

	if (list_get(snapshots, snapshot->table_id, snapshot->seq)) {
		list[i] = *snapshot;
		return;
	}
	if (snapshots->count == snapshots->capacity) {
		unsigned capacity =
			snapshots->capacity ? 2 * snapshots->capacity : 16;

		/* Out of memory: it is not used, no more. */
		list = realloc(list, capacity * sizeof(*list));
		if (!list)
			return;
		snapshots->list = list;
		snapshots->capacity = capacity;
	}
	memmove(list + i + 1, list + i, (snapshots->count - i) * sizeof(*list));
	list[i] = *snapshot;
	snapshots->count++;
}

static void list_remove(struct snapshots *snapshots, uint32_t table_id,
			drift_seq seq)
{
	struct snapshot *at = list_get(snapshots, table_id, seq);
	size_t i;

	if (!at)
		return;
	i = (size_t)(at - snapshots->list);
	snapshots->count--;
	memmove(at, at + 1, (snapshots->count - i) * sizeof(*at));
}

void snapshots_add(struct drift_db *db, const struct snapshot *snapshot)
{
	pthread_mutex_lock(&db->snapshots.lock);
	list_insert(&db->snapshots, snapshot);
	pthread_mutex_unlock(&db->snapshots.lock);
}

void snapshots_near(struct drift_db *db, uint32_t table_id, drift_seq seq,
		    drift_seq *before, drift_seq *after)
{
	struct snapshots *snapshots = &db->snapshots;
	unsigned i, at;

	*before = *after = 0;
	pthread_mutex_lock(&snapshots->lock);
	at = list_find(snapshots, table_id, seq + 1);
	for (i = at; i-- > 0 && !*before;)
		if (snapshots->list[i].table_id != table_id)
			break;
		else if (!snapshots->list[i].bad)
			*before = snapshots->list[i].seq;
	for (i = at; i < snapshots->count && !*after; i++)
		if (snapshots->list[i].table_id != table_id)
			break;
		else if (!snapshots->list[i].bad)
			*after = snapshots->list[i].seq;
	pthread_mutex_unlock(&snapshots->lock);
}

bool snapshots_next(struct drift_db *db, struct drift_snapshot_info *info, bool bad)
{
	struct snapshots *snapshots = &db->snapshots;
	unsigned i;
	bool found = false;

	pthread_mutex_lock(&snapshots->lock);
	for (i = list_find(snapshots, info->table_id, info->seq + 1);
	     i < snapshots->count && !found; i++) {
		const struct snapshot *at = &snapshots->list[i];

		if (at->bad && !bad)
			continue;
		*info = (struct drift_snapshot_info){ .table_id = at->table_id,
						      .seq = at->seq,
						      .bytes = at->bytes };
		found = true;
	}
	pthread_mutex_unlock(&snapshots->lock);
	return found;
}

bool drift_snapshot_next(struct drift_db *db, struct drift_snapshot_info *info)
{
	return snapshots_next(db, info, false);
}

/* ---- Directories ------------------------------------------------------------------ */

static int open_dir(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_dir(const struct drift_io *io, int parent, const char *name)
{
	int dir = open_dir(parent, name);

	if (dir >= 0 || errno != ENOENT)
		return dir;
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return -1;
	if (io_sync_dir(io, parent))
		return -1;
	return open_dir(parent, name);
}

enum drift_err snapshots_table_dir(struct drift_db *db, uint32_t table_id,
				   bool create, int *dir)
{
	struct snapshots *snapshots = &db->snapshots;
	char name[16];
	int error_number;

	snprintf(name, sizeof(name), "%" PRIu32, table_id);
	pthread_mutex_lock(&snapshots->lock);
	if (snapshots->dir < 0 && create)
		snapshots->dir = make_dir(db->io, db->dir_fd, "snapshots");
	*dir = snapshots->dir < 0 ? -1
	       : create           ? make_dir(db->io, snapshots->dir, name)
				  : open_dir(snapshots->dir, name);
	error_number = errno;
	pthread_mutex_unlock(&snapshots->lock);
	if (*dir >= 0)
		return DRIFT_OK;
	return error_number == ENOENT ? DRIFT_NO_ROW : io_err(error_number);
}

/* ---- Opening ------------------------------------------------------------------------ */

static bool ends_with(const char *name, const char *end)
{
	size_t size = strlen(name), end_size = strlen(end);

	return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static void take_file(struct drift_db *db, int dir, uint32_t table_id,
		      const char *name)
{
	struct snapshot snapshot = { .table_id = table_id };
	struct stat st;

	if (ends_with(name, ".tmp") && !db->options.read_only) {
		(void)!db->io->unlinkat(db->io, dir, name);
		return;
	}
	if (!snapshot_name_parse(name, &snapshot.seq) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	snapshot.bytes = (uint64_t)st.st_size;
	if (snapshot.seq <= atomic_load(&db->head)) {
		snapshots_add(db, &snapshot);
		return;
	}
	db_report(db,
		  "snapshot %s of table %" PRIu32 " is newer than the log: "
		  "not used",
		  name, table_id);
	if (!db->options.read_only)
		(void)!db->io->unlinkat(db->io, dir, name);
}

static void take_table(struct drift_db *db, uint32_t table_id)
{
	struct dirent *entry;
	DIR *list;
	int dir, copy;

	if (snapshots_table_dir(db, table_id, false, &dir))
		return;
	copy = dup(dir);
	list = copy < 0 ? NULL : fdopendir(copy);
	while (list && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			take_file(db, dir, table_id, entry->d_name);
	if (list)
		closedir(list);
	else if (copy >= 0)
		close(copy);
	close(dir);
}

/* Whatever goes wrong here costs time later, nothing else. */
void snapshots_open(struct drift_db *db)
{
	struct dirent *entry;
	DIR *list;
	int copy;

	db->snapshots.dir = open_dir(db->dir_fd, "snapshots");
	if (db->snapshots.dir < 0)
		return;
	copy = open_dir(db->dir_fd, "snapshots");
	list = copy < 0 ? NULL : fdopendir(copy);
	while (list && (entry = readdir(list))) {
		char *end;
		unsigned long id = strtoul(entry->d_name, &end, 10);

		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && !*end &&
		    id <= UINT32_MAX)
			take_table(db, (uint32_t)id);
	}
	if (list)
		closedir(list);
	else if (copy >= 0)
		close(copy);
}

/* ---- Use ------------------------------------------------------------------------------ */

void snapshot_is_bad(struct drift_db *db, uint32_t table_id, drift_seq seq,
		     const char *why)
{
	struct snapshot *at;
	bool news;

	pthread_mutex_lock(&db->snapshots.lock);
	at = list_get(&db->snapshots, table_id, seq);
	news = at && !at->bad;
	if (at)
		at->bad = true;
	pthread_mutex_unlock(&db->snapshots.lock);
	if (news)
		db_report(db,
			  "snapshot %" PRIu64 " of table %" PRIu32
			  " is not used: %s",
			  seq, table_id, why);
}

static void forget(struct drift_db *db, uint32_t table_id, drift_seq seq)
{
	pthread_mutex_lock(&db->snapshots.lock);
	list_remove(&db->snapshots, table_id, seq);
	pthread_mutex_unlock(&db->snapshots.lock);
}

static bool belongs(struct drift_db *db, uint32_t table_id, drift_seq seq,
		    const struct snapshot_header *header)
{
	return header->table_id == table_id && header->mark.seq == seq &&
	       memcmp(header->database_id, db->database_id, DATABASE_ID_BYTES) ==
		       0 &&
	       mark_in_log(&db->log, &header->mark);
}

enum drift_err snapshot_use(struct drift_db *db, uint32_t table_id, drift_seq seq,
			    struct snapshot_reader **reader)
{
	struct drift_error error = { 0 };
	int dir;
	enum drift_err err = snapshots_table_dir(db, table_id, false, &dir);

	*reader = NULL;
	if (!err) {
		err = snapshot_reader_new(db->io, dir, seq, reader, &error);
		close(dir);
	}
	if (err == DRIFT_NO_ROW) {
		forget(db, table_id, seq);
		return err;
	}
	if (!err && !belongs(db, table_id, seq, snapshot_reader_header(*reader)))
		err = drift_fail(&error, DRIFT_CORRUPT,
				 "it does not belong to this log");
	if (!err)
		return DRIFT_OK;
	snapshot_reader_free(*reader);
	*reader = NULL;
	if (err != DRIFT_NOMEM)
		snapshot_is_bad(db, table_id, seq,
				error.code ? error.text : drift_err_text(err));
	return err;
}
