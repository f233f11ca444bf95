/* SPDX-License-Identifier: MIT */
/* snapshot_file.h - one table's rows at one seq, sorted by key:
 * snapshots/<table id>/<seq, 20 digits>.snap. A shortcut: it can be deleted at any time.
 *
 * Integers are little endian unless said otherwise:
 *
 *	offset	size
 *	0	8	"DRIFTSNP"
 *	8	4	format version
 *	12	4	table id
 *	16	16	database id
 *	32	8	seq
 *	40	8	its commit time
 *	48	8	id of its transaction
 *	56	8	segment and
 *	64	8	offset where the log ended then
 *	72	4	bytes and
 *	76	4	CRC of the commit frame that ends there
 *	80	4	CRC of that segment's header, which holds the digest of all
 *			segments before: so the snapshot belongs to one log alone
 *	84	4	number of blocks
 *	88	8	rows
 *	96	8	offset of the block table, which is the file's end
 *	104	8	its size
 *	112	4	its CRC-32C
 *	116	8	zero
 *	124	4	CRC-32C of bytes 0..123
 *	128	...	blocks: zstd frames (RFC 8878) that say their size
 *	...	...	the block table, for each block: offset[8] packed bytes[4]
 *			unpacked bytes[4] CRC-32C of the packed bytes[4] bytes of its
 *			first key[2] the key
 *
 * A block unpacked is rows: bytes of the key[2] bytes of the row[4] seq[8] commit
 * time[8] flags[1] (bit 0: the row holds its key as an integer) key row.
 *
 * The header is written last, then the file is synced and renamed, so a file of this
 * name is whole. Private to engine/. */
#ifndef DRIFT_ENGINE_SNAPSHOT_FILE_H
#define DRIFT_ENGINE_SNAPSHOT_FILE_H

#include "engine/frame.h"
#include "engine/index.h"
#include "engine/io.h"

#define SNAPSHOT_NAME_BYTES 32 /* of a name, its NUL included */

struct snapshot_header {
	uint8_t database_id[DATABASE_ID_BYTES];
	uint32_t table_id;
	uint64_t rows;
	struct index_mark mark; /* the state of the log; `marked` is not kept */
};

void snapshot_name(drift_seq seq, char name[SNAPSHOT_NAME_BYTES]);
/* The other way: false for any name that snapshot_name does not write. */
bool snapshot_name_parse(const char *name, drift_seq *seq);

/* ---- Writing ---- */

struct snapshot_writer;

/* Begin a file in dir under another name; who: tells writers of one snapshot apart. */
enum drift_err snapshot_writer_new(const struct drift_io *io, int dir,
				   const struct snapshot_header *header,
				   const char *who, struct snapshot_writer **writer,
				   struct drift_error *error);
/* Keys in ascending order. */
enum drift_err snapshot_writer_add(struct snapshot_writer *writer, struct slice key,
				   const struct index_row *row);
/* Bytes of rows so far, unpacked. */
uint64_t snapshot_writer_bytes(const struct snapshot_writer *writer);
/* Durable, under its name; *bytes is the file's size. */
enum drift_err snapshot_writer_finish(struct snapshot_writer *writer,
				      uint64_t *bytes);
/* What is not finished is removed. NULL is fine. */
void snapshot_writer_free(struct snapshot_writer *writer);

/* ---- Reading ---- */

struct snapshot_reader;

/* DRIFT_NO_ROW when there is no such file; DRIFT_CORRUPT, DRIFT_NEWER, DRIFT_UNSAFE
 * when it cannot be used. Standing before the first row. */
enum drift_err snapshot_reader_new(const struct drift_io *io, int dir, drift_seq seq,
				   struct snapshot_reader **reader,
				   struct drift_error *error);
const struct snapshot_header *
snapshot_reader_header(const struct snapshot_reader *reader);
/* Stand before the first row with its key >= key (after: > key). */
enum drift_err snapshot_reader_seek(struct snapshot_reader *reader, struct slice key,
				    bool after);
/* The next row: DRIFT_DONE at the end, DRIFT_CORRUPT when a block is damaged. Slices
 * are good until the next call. */
enum drift_err snapshot_reader_next(struct snapshot_reader *reader,
				    struct slice *key, struct index_row *row);
void snapshot_reader_free(struct snapshot_reader *reader); /* NULL is fine */

/* Shared by the two files that implement this. */
#define SNAPSHOT_HEADER_BYTES 128
#define SNAPSHOT_BLOCK_BYTES (64u << 10) /* a block is closed above this */
#define SNAPSHOT_ROW_HEAD_BYTES 23
/* Of a block unpacked: one row of any size that a frame can hold. */
#define SNAPSHOT_BLOCK_BYTES_MAX (FRAME_BODY_BYTES_MAX + SNAPSHOT_BLOCK_BYTES)
#define SNAPSHOT_TABLE_ENTRY_BYTES 22 /* before the key */

#endif
