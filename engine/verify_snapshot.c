/* SPDX-License-Identifier: MIT */
/* verify_snapshot.c - see verify_snapshot.h. */
#include "engine/verify_snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/snapshot_file.h"
#include "engine/verify.h"
#include "engine/versions.h"

static const char other_rows[] = "its rows are not those of the log";
static const char not_readable[] = "it cannot be read";

/* ---- Finding them ----------------------------------------------------------------- */

static enum drift_err list_add(struct verify_snapshots *list, uint32_t table_id,
			       drift_seq seq)
{
	unsigned capacity = list->capacity ? 2 * list->capacity : 64;
	struct verify_snapshot *grown = list->list;

	if (list->count == list->capacity) {
		grown = realloc(grown, capacity * sizeof(*grown));
		if (!grown)
			return DRIFT_NOMEM;
		list->list = grown;
		list->capacity = capacity;
	}
	grown[list->count++] =
		(struct verify_snapshot){ .table_id = table_id, .seq = seq };
	return DRIFT_OK;
}

static DIR *open_list(int parent, const char *name)
{
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !list)
		close(fd);
	return list;
}

static enum drift_err list_table(struct verify *verify, int parent, const char *name)
{
	DIR *dir = open_list(parent, name);
	enum drift_err err = DRIFT_OK;
	struct dirent *entry;
	drift_seq seq;

	while (dir && !err && (entry = readdir(dir)))
		if (snapshot_name_parse(entry->d_name, &seq))
			err = list_add(&verify->snapshots,
				       (uint32_t)strtoul(name, NULL, 10), seq);
	if (dir)
		closedir(dir);
	return err;
}

static int compare_places(const void *a, const void *b)
{
	const struct verify_snapshot *left = a, *right = b;

	if (left->table_id != right->table_id)
		return left->table_id < right->table_id ? -1 : 1;
	return (left->seq > right->seq) - (left->seq < right->seq);
}

static enum drift_err list_all(struct verify *verify)
{
	struct verify_snapshots *list = &verify->snapshots;
	DIR *dir = open_list(verify->dir, "snapshots");
	enum drift_err err = DRIFT_OK;
	struct dirent *entry;

	while (dir && !err && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			err = list_table(verify, dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	if (list->count)
		qsort(list->list, list->count, sizeof(*list->list), compare_places);
	return err;
}

enum drift_err verify_snapshots_begin(struct verify *verify)
{
	struct verify_snapshots *list = &verify->snapshots;
	enum drift_err err = list_all(verify);

	if (err || !list->count)
		return err;
	list->times = calloc(verify->mark.seq + 1, sizeof(*list->times));
	return list->times ? DRIFT_OK : DRIFT_NOMEM;
}

void verify_snapshots_release(struct verify *verify)
{
	free(verify->snapshots.list);
	free(verify->snapshots.times);
	verify->snapshots = (struct verify_snapshots){ 0 };
}

/* ---- What they should have ----------------------------------------------------------- */

void verify_snapshots_row(struct verify *verify, uint32_t table_id)
{
	struct verify_snapshots *list = &verify->snapshots;
	unsigned i = list->end;

	/* Without those that the index has not reached. */
	if (table_id != list->table_id) {
		while (i < list->count && list->list[i].table_id < table_id)
			i++;
		list->first = i;
		while (i < list->count && list->list[i].table_id == table_id &&
		       list->list[i].seq <= verify->mark.seq)
			i++;
		list->end = i;
		list->table_id = table_id;
	}
	list->at = list->first;
	list->newest = (struct index_version){ 0 };
}

static uint64_t version_hash(const struct verify *verify, struct slice key,
			     drift_seq seq, drift_time_ns time, bool integer_key)
{
	uint64_t who = tally_mix_bytes(verify->seed, key);
	uint64_t when = tally_mix(tally_mix(verify->seed + 1, seq), (uint64_t)time);

	return tally_mix(who, when + integer_key);
}

/* As of all snapshots from list->at to before `end`, the row is its newest version. */
static void take(struct verify *verify, struct slice key, unsigned end)
{
	struct verify_snapshots *list = &verify->snapshots;
	const struct index_version *version = &list->newest;
	uint64_t hash;

	if (list->at == end)
		return;
	if (version->seq && version->op != DRIFT_OP_DELETE) {
		hash = version_hash(verify, key, version->seq, version->time,
				    version->integer_key);
		list->times[version->seq] += (uint16_t)(end - list->at);
		for (unsigned i = list->at; i < end; i++)
			tally_add(&list->list[i].versions, hash);
	}
	list->at = end;
}

void verify_snapshots_version(struct verify *verify, struct slice key,
			      const struct index_version *version)
{
	struct verify_snapshots *list = &verify->snapshots;
	unsigned end = list->at;

	while (end < list->end && list->list[end].seq < version->seq)
		end++;
	take(verify, key, end);
	list->newest = *version;
	if (list->at < list->end) /* for the next take */
		__builtin_prefetch(&list->times[version->seq]);
}

void verify_snapshots_row_end(struct verify *verify, struct slice key)
{
	take(verify, key, verify->snapshots.end);
}

/* ---- What they have ------------------------------------------------------------------ */

static bool belongs(const struct verify *verify, const struct verify_snapshot *at,
		    const struct snapshot_header *header)
{
	return header->table_id == at->table_id && header->mark.seq == at->seq &&
	       memcmp(header->database_id, verify->log->database_id,
		      DATABASE_ID_BYTES) == 0 &&
	       mark_in_log(verify->log, &header->mark);
}

/* *reader is NULL when there is nothing to read; why stands in the snapshot. */
static enum drift_err open_one(struct verify *verify, struct verify_snapshot *at,
			       struct snapshot_reader **reader)
{
	struct drift_error error;
	enum drift_err err = DRIFT_NO_ROW;
	char name[32];
	int dir;

	*reader = NULL;
	snprintf(name, sizeof(name), "snapshots/%" PRIu32, at->table_id);
	dir = openat(verify->dir, name,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0) {
		err = snapshot_reader_new(verify->log->io, dir, at->seq, reader,
					  &error);
		close(dir);
	}
	if (err == DRIFT_NOMEM)
		return err;
	at->gone = err == DRIFT_NO_ROW;
	if (err && !at->gone)
		at->fault = not_readable;
	if (err || belongs(verify, at, snapshot_reader_header(*reader)))
		return DRIFT_OK;
	at->fault = "it belongs to another log";
	snapshot_reader_free(*reader);
	*reader = NULL;
	return DRIFT_OK;
}

/* Its rows, which stand in the order of their keys. */
static enum drift_err read_rows(struct verify *verify, struct verify_snapshot *at,
				struct snapshot_reader *reader, struct tally *rows)
{
	struct buf last = BUF_INIT;
	bool first = true;
	struct index_row row;
	struct slice key;
	enum drift_err err;

	bool known = at->seq <= verify->mark.seq; /* what it should have */

	while (!(err = snapshot_reader_next(reader, &key, &row))) {
		if (verify_stopped(verify))
			err = DRIFT_INTERRUPTED;
		if (!first && slice_compare(buf_slice(&last), key) >= 0)
			at->fault = "its rows are out of order";
		buf_clear(&last);
		buf_add_slice(&last, key);
		err = err ? err : buf_status(&last);
		if (err)
			break;
		first = false;
		if (!known)
			continue;
		tally_add(&at->found, version_hash(verify, key, row.seq, row.time,
						   row.integer_key));
		tally_add(rows,
			  verify_row_hash(verify->seed, at->table_id, key, &row));
	}
	buf_release(&last);
	if (err == DRIFT_NOMEM || err == DRIFT_INTERRUPTED)
		return err;
	if (err != DRIFT_DONE)
		at->fault = not_readable;
	return DRIFT_OK;
}

static enum drift_err read_one(struct verify *verify, struct verify_snapshot *at,
			       struct tally *rows)
{
	struct snapshot_reader *reader;
	enum drift_err err = open_one(verify, at, &reader);

	if (!err && reader)
		err = read_rows(verify, at, reader, rows);
	snapshot_reader_free(reader);
	return err;
}

enum drift_err verify_snapshots_read(struct verify *verify)
{
	struct verify_snapshots *list = &verify->snapshots;
	struct tally rows = { 0 };
	enum drift_err err = DRIFT_OK;
	unsigned i;

	while (!err && (i = atomic_fetch_add(&list->next, 1)) < list->count)
		err = read_one(verify, &list->list[i], &rows);
	pthread_mutex_lock(&verify->lock);
	tally_merge(&verify->snapshot_rows, &rows);
	pthread_mutex_unlock(&verify->lock);
	return err;
}

void verify_snapshots_forgo(struct verify *verify)
{
	atomic_store(&verify->snapshots.next, verify->snapshots.count);
}

/* ---- Which of them ------------------------------------------------------------------- */

/* Is the row the one of its event in the log? */
static enum drift_err compare_row(struct verify *verify, uint32_t table_id,
				  struct slice key, const struct index_row *row,
				  struct buf *table_key, struct buf *memory,
				  bool *same)
{
	struct index_version version;
	struct frame_event event;
	struct drift_error error;
	struct frame frame;
	struct place place;
	bool is_newest;
	enum drift_err err;

	buf_clear(table_key);
	buf_add_be32(table_key, table_id);
	buf_add_slice(table_key, key);
	err = buf_status(table_key);
	if (!err)
		err = versions_find(verify->reader, buf_slice(table_key), row->seq,
				    false, &version, &is_newest);
	if (err)
		return err;
	place = (struct place){ .segment = log_segment_of(verify->log, version.seq),
				.offset = version.offset,
				.size = version.size };
	err = log_read(verify->log, &place, memory, &frame, &error);
	if (!err)
		err = frame_read_event(&frame, &event);
	*same = !err && slice_equal(event.row, row->row);
	return err;
}

/* What cannot be found in the index or the log was told before. */
static enum drift_err compare_rows(struct verify *verify, struct verify_snapshot *at)
{
	struct buf table_key = BUF_INIT, memory = BUF_INIT;
	struct snapshot_reader *reader;
	struct index_row row;
	struct slice key;
	bool same = true;
	enum drift_err err = open_one(verify, at, &reader);

	while (!err && reader && same) {
		err = snapshot_reader_next(reader, &key, &row);
		if (!err && verify_stopped(verify))
			err = DRIFT_INTERRUPTED;
		if (!err)
			err = compare_row(verify, at->table_id, key, &row,
					  &table_key, &memory, &same);
	}
	if (!same)
		at->fault = other_rows;
	snapshot_reader_free(reader);
	buf_release(&table_key);
	buf_release(&memory);
	return err == DRIFT_NOMEM || err == DRIFT_INTERRUPTED ? err : DRIFT_OK;
}

enum drift_err verify_snapshots_tell(struct verify *verify, bool rows_differ)
{
	struct verify_snapshots *list = &verify->snapshots;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < list->count && !err; i++) {
		struct verify_snapshot *at = &list->list[i];
		bool compared =
			!at->fault && !at->gone && at->seq <= verify->mark.seq;

		if (compared && !tally_equal(&at->found, &at->versions))
			at->fault = other_rows;
		else if (compared && rows_differ)
			err = compare_rows(verify, at);
		if (!err && at->fault)
			verify_fault(verify,
				     "snapshot %" PRIu64 " of table %" PRIu32 ": %s",
				     at->seq, at->table_id, at->fault);
	}
	return err;
}
