/* SPDX-License-Identifier: MIT */
/* change_list.h - a table's events in order, and the row each one changed: blocks of
 * the index's space `changes`. They answer what changed between two seqs, at a cost
 * that does not depend on the other tables' events.
 *
 * A block's key is table[4] and the seq of its first event; its value, with varints
 * (varint.h):
 *
 *	events before it[8]	of the table, in all earlier blocks
 *	rows before it[8]	that the table had after these
 *	segment[8] offset[8]	the place that the first entry counts from
 *	entries			seq and offset as differences to the entry before
 *				(varints), size of the frame (varint), op[1], bytes of
 *				the key shared with the key before (varint), bytes
 *				that follow (varint), these bytes
 *
 * A block's places lie in one segment. Private to engine/. */
#ifndef DRIFT_ENGINE_CHANGE_LIST_H
#define DRIFT_ENGINE_CHANGE_LIST_H

#include "engine/db.h"

/* Two blocks fill a page of LMDB. */
#define CHANGE_BLOCK_BYTES 1900
#define CHANGE_TOTAL_BYTES 16 /* of the record with seq 0: index.h */

struct change {
	drift_seq seq;
	struct place place;
	enum drift_op op;
	struct slice key; /* row key */
};

/* ---- Writing one block ---- */

struct change_block {
	struct buf bytes;
	struct change last; /* its key is last_key */
	char last_key[KEY_BYTES_MAX];
};

/* Begin with a table's event number `before`, counted from 0, when it has `rows`. */
void change_block_begin(struct change_block *block, uint64_t before, uint64_t rows,
			const struct change *first);
/* False when it does not fit: begin the next block with it. */
bool change_block_add(struct change_block *block, const struct change *change);
void change_block_release(struct change_block *block);

/* ---- Reading a table's blocks ---- */

struct change_cursor {
	uint32_t table_id;
	struct index_cursor *blocks;
	const uint8_t *at, *end; /* of the block, in LMDB's memory */
	uint64_t number;         /* events of the table up to and with change */
	uint64_t rows;           /* of the table after change */
	bool ahead;              /* change was read, but not handed out yet */
	bool ended;
	struct change change; /* its key is key */
	char key[KEY_BYTES_MAX];
};

/* Stand before the table's first event after seq. */
enum drift_err change_cursor_open(struct change_cursor *cursor,
				  struct index_reader *reader, uint32_t table_id,
				  drift_seq after);
void change_cursor_close(struct change_cursor *cursor);
/* The next event; DRIFT_DONE after the last. Good until the next call. */
enum drift_err change_cursor_next(struct change_cursor *cursor,
				  const struct change **change);

/* Events of the table up to and with seq, as far as the index has come. */
enum drift_err change_count(struct index_reader *reader, uint32_t table_id,
			    drift_seq seq, uint64_t *count);
/* All of them. */
enum drift_err change_total(struct index_reader *reader, uint32_t table_id,
			    uint64_t *count);
/* Rows that the table had after event seq, as far as the index has come. */
enum drift_err change_rows(struct index_reader *reader, uint32_t table_id,
			   drift_seq seq, uint64_t *rows);
/* What an event adds to the number of rows. */
static inline int change_of_rows(enum drift_op op)
{
	return op == DRIFT_OP_INSERT ? 1 : op == DRIFT_OP_DELETE ? -1 : 0;
}

#endif
