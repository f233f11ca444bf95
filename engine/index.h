/* SPDX-License-Identifier: MIT */
/* index.h - what LMDB holds: a shortcut that can be rebuilt from the log. The home
 * of LMDB.
 *
 * Every value begins with a CRC-32C over key and the rest of the value; what does
 * not match is DRIFT_CORRUPT and marks the index as not to be trusted at the next
 * opening. Integers are big endian, [n] is a size in bytes:
 *
 *	current		table[4] row key		seq[8] time[8] flags[1] n[1]
 *							places[n] row
 *	gone		table[4] row key		seq[8] time[8] flags[1] 0[1]
 *			keys that are deleted now, and by which event
 *	recent		table[4] row key		its newest versions, one at least
 *							(version_block.h)
 *	versions	table[4] row key seq[8]		those before: a block of them, and
 *							the first one after it
 *	values		index[4] value row key		from seq[8] value size[2]
 *			rows that have this value now, and since when
 *	past		index[4] value to seq[8] row key   from seq[8] value size[2]
 *			rows that had it in [from, to). to before the row key: who
 *			asks as of S seeks past everything that ended by then
 *	seqs		first seq of a transaction[8]	segment[8] offset[8] time[8]
 *			sparse: one in every MARK_EVENTS events
 *	times		its commit time[8]		first seq[8]
 *	changes		table[4] 0[8]			events[8] rows[8]: of the table,
 *							in all, and after these
 *			table[4] seq[8]			events from that one on, in
 *							order (change_list.h)
 *	catalog		number of the statement[8]	seq[8] time[8] DDL frame body
 *	tables		table[4]			rows[8] integer keys[1] fields:
 *							[[name, since[8]]...]
 *	meta		"applied"			struct index_mark
 *			"build" index[4]		index_build.h
 *			"distinct" table[4]		statistics.h
 *			"format"			INDEX_FORMAT[4]
 *
 * flags: bit 0: the row holds its key as an integer.
 * places: where the row's first members begin, counted from the row's first byte; a byte
 * each, or two if the row has more than 255. A column that was found once is found in
 * most rows by its member's number, without walking over those before it. */
#ifndef DRIFT_ENGINE_INDEX_H
#define DRIFT_ENGINE_INDEX_H

#include "engine/log.h"

#define INDEX_FORMAT 5 /* of the above; another one is built anew */
#define MARK_EVENTS 64
#define INDEX_KEY_BYTES_MAX 511

enum index_space {
	INDEX_META,
	INDEX_CURRENT,
	INDEX_GONE,
	INDEX_RECENT,
	INDEX_VERSIONS,
	INDEX_VALUES,
	INDEX_PAST,
	INDEX_SEQS,
	INDEX_TIMES,
	INDEX_CHANGES,
	INDEX_CATALOG,
	INDEX_TABLES,
	INDEX_SPACES,
};

/* How far into the log the index has come: trusted if and only if the log has that
 * segment with that header CRC, and that commit frame ends there. */
struct index_mark {
	drift_seq seq;
	drift_time_ns time;
	uint64_t tx;
	uint64_t segment, end; /* place after the commit frame */
	uint32_t commit_size;  /* the commit frame's bytes, 0: none yet */
	uint32_t commit_crc;
	uint32_t segment_seed;
	drift_seq marked; /* newest key in seqs */
};

struct index;
struct index_reader;
struct index_cursor;
struct index_writer;

/* Open path (a directory, made when missing). DRIFT_CORRUPT when the file cannot
 * be what this program wrote: remove and rebuild. */
enum drift_err index_open(const char *path, struct index **index,
			  struct drift_error *error);
/* To read what another process may be writing: nothing is made or mended.
 * DRIFT_DONE when there is none. */
enum drift_err index_open_read(const char *path, struct index **index,
			       struct drift_error *error);
void index_close(struct index *index);
/* Remove the files of path; it must not be open. */
enum drift_err index_remove(const char *path, struct drift_error *error);
/* A value did not match: see that the next opening does not trust it. */
void index_suspect(struct index *index);
/* Call told(arg) when that happens for the first time, on any thread. */
void index_on_suspect(struct index *index, void (*told)(void *arg), void *arg);
bool index_is_suspect(struct index *index);

/* ---- Reading: one snapshot ---- */

/* Readers come from a pool; not more than 500 at a time (else DRIFT_LIMIT). */
enum drift_err index_read_begin(struct index *index, struct index_reader **reader);
void index_read_end(struct index *index, struct index_reader *reader);
/* The value without its CRC, in LMDB's memory until index_read_end. DRIFT_DONE
 * when there is none. */
enum drift_err index_get(struct index_reader *reader, enum index_space space,
			 struct slice key, struct slice *value);
/* The first entry whose key is not smaller. */
enum drift_err index_get_from(struct index_reader *reader, enum index_space space,
			      struct slice key, struct slice *found,
			      struct slice *value);
/* The page of `current` that index_get looked at last, as a number. */
uint64_t index_reader_page(const struct index_reader *reader);
enum drift_err index_applied(struct index_reader *reader, struct index_mark *mark);
/* DRIFT_CORRUPT when what was applied was written in another format. */
enum drift_err index_check_format(struct index_reader *reader);

enum index_step { INDEX_NEXT, INDEX_PREVIOUS, INDEX_FIRST, INDEX_LAST };

enum drift_err index_cursor_open(struct index_reader *reader, enum index_space space,
				 struct index_cursor **cursor);
void index_cursor_close(struct index_cursor *cursor); /* NULL is fine */
/* First key >= key (after: > key); DRIFT_DONE at the end. */
enum drift_err index_seek(struct index_cursor *cursor, struct slice key, bool after,
			  struct slice *found, struct slice *value);
/* Exactly key: DRIFT_DONE when there is none. Cheap near where the cursor is. */
enum drift_err index_find(struct index_cursor *cursor, struct slice key,
			  struct slice *value);
/* Last key < key. */
enum drift_err index_seek_before(struct index_cursor *cursor, struct slice key,
				 struct slice *found, struct slice *value);
enum drift_err index_step(struct index_cursor *cursor, enum index_step step,
			  struct slice *found, struct slice *value);

struct index_entry {
	struct slice key;
	struct slice value; /* data NULL: it does not match its checksum */
};

/* The next entries, at most max, until one whose key does not begin with the four bytes
 * of prefix: fewer than max are the last ones, and the cursor is to be moved elsewhere. */
enum drift_err index_step_many(struct index_cursor *cursor, uint32_t prefix,
			       struct index_entry *entries, unsigned max,
			       unsigned *count);

/* ---- Writing: one at a time, the indexer's ---- */

enum drift_err index_write_begin(struct index *index, struct index_writer **writer);
/* As the transaction under way sees it. */
enum drift_err index_write_get(struct index_writer *writer, enum index_space space,
			       struct slice key, struct slice *value);
enum drift_err index_put(struct index_writer *writer, enum index_space space,
			 struct slice key, struct slice value);
/* No matter whether it was there. */
enum drift_err index_delete(struct index_writer *writer, enum index_space space,
			    struct slice key);
enum drift_err index_put_applied(struct index_writer *writer,
				 const struct index_mark *mark);
/* What is committed next belongs to no state of the log: until a mark is put again,
 * readers find none, and the next opening builds the index anew. */
enum drift_err index_delete_applied(struct index_writer *writer);
/* Pages that the transaction has changed so far, which LMDB holds in memory: about, and
 * seldom fewer. */
unsigned index_write_pages(const struct index_writer *writer);
/* Synced on success. The writer is gone either way. */
enum drift_err index_commit(struct index_writer *writer);
void index_abort(struct index_writer *writer); /* NULL is fine */

/* ---- What stands in the spaces ---- */

#define INDEX_ROW_HEAD_BYTES 18
#define INDEX_PLACES_BYTES_MAX 254

struct index_row { /* current and gone */
	drift_seq seq;
	drift_time_ns time;
	bool integer_key;
	struct slice row;    /* empty in gone */
	struct slice places; /* of its members; encoding finds them where none are
			      * given */
};

struct index_version { /* of a block in recent or versions */
	drift_seq seq;
	drift_time_ns time;
	uint64_t offset; /* of its frame, in the segment that seq lies in */
	uint32_t size;
	enum drift_op op;
	bool integer_key;
};

/* A key of `values` or `past`, taken apart: slices point into it. */
struct index_interval {
	uint32_t index_id;
	struct slice value, key; /* key: the row's */
	drift_seq from, to;      /* to 0: still */
};

void index_row_encode(const struct index_row *row, struct buf *out);
/* What a value of current or gone says; DRIFT_CORRUPT when it cannot be one. */
static inline enum drift_err index_row_decode(struct slice value,
					      struct index_row *row)
{
	const char *at = value.data;
	size_t places;

	if (value.size < INDEX_ROW_HEAD_BYTES)
		return DRIFT_CORRUPT;
	places = (uint8_t)at[17];
	if (places > value.size - INDEX_ROW_HEAD_BYTES)
		return DRIFT_CORRUPT;
	row->seq = be64_get(at);
	row->time = (drift_time_ns)be64_get(at + 8);
	row->integer_key = at[16] & 1;
	at += INDEX_ROW_HEAD_BYTES;
	row->places = slice_of(at, places);
	row->row = slice_of(at + places, value.size - INDEX_ROW_HEAD_BYTES - places);
	return DRIFT_OK;
}
/* As a version of the row called key. (Member by member: a whole struct would be zeroed
 * first, for each row of a scan.) */
static inline void index_row_version(const struct index_row *row, struct slice key,
				     enum drift_op op, struct drift_version *version)
{
	version->key = key;
	version->row = row->row;
	version->places = row->places;
	version->seq = row->seq;
	version->time = row->time;
	version->op = op;
	version->integer_key = row->integer_key;
	version->end_seq = 0;
	version->end_time = 0;
}

enum drift_err index_interval_decode(bool past, struct slice key,
				     struct slice stored,
				     struct index_interval *interval);

#endif
