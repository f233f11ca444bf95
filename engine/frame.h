/* SPDX-License-Identifier: MIT */
/* frame.h - one event, DDL statement or commit as bytes in a segment.
 *
 *	offset	size
 *	0	4	length of the body, little endian as all below
 *	4	4	CRC-32C: seeded with the segment header's CRC (so a frame
 *			counts only in the segment it was written to), over the
 *			length and over bytes 8 to the end
 *	8	8	seq: of the event; ddl: the seq it takes effect with; commit:
 *			the newest seq after the transaction
 *	16	8	commit time, ns since 1970 (the same in all frames of one
 *			transaction)
 *	24	1	kind
 *	25	1	flags
 *	26	2	zero
 *	28	n	body, MessagePack:
 *		put	[table id, key (bin), row (map)]
 *		delete	[table id, key (bin)]
 *		ddl	[op, table id, sql, definition or nil]: of a table a map,
 *			of a tag [name, seq], of its end [name]; table id 0
 *		commit	[tx, events, synced, user, client, comment]; texts may be nil
 *
 * synced: how far this segment was known to be on stable storage when the
 * transaction was written. It tells a torn tail from damage: a bad byte that a
 * later whole commit calls synced was good once.
 *
 * A length of 0 is no frame: bodies are never empty, and the room allocated
 * ahead of a segment's end reads as zeros. */
#ifndef DRIFT_ENGINE_FRAME_H
#define DRIFT_ENGINE_FRAME_H

#include "engine/engine.h"

#define FRAME_HEADER_BYTES 28
#define FRAME_BODY_BYTES_MAX (64u << 20)

enum frame_kind { FRAME_PUT = 1, FRAME_DELETE, FRAME_DDL, FRAME_COMMIT };

#define FRAME_INSERT 1u      /* put: the row was not there before */
#define FRAME_INTEGER_KEY 2u /* the row holds its text key as an integer */

enum ddl_op { DDL_DEFINE = 1, DDL_DROP, DDL_TAG, DDL_UNTAG };

struct frame {
	enum frame_kind kind;
	uint8_t flags;
	drift_seq seq;
	drift_time_ns time;
	struct slice body;
	uint32_t crc;
};

/* What a body says; slices point into it. */
struct frame_event {
	uint32_t table_id;
	struct slice key;
	struct slice row; /* empty for a delete */
};

struct frame_ddl {
	enum ddl_op op;
	uint32_t table_id;
	struct slice sql;
	struct slice definition;
};

struct frame_commit {
	uint64_t tx;
	uint32_t count;
	uint64_t synced;
	struct slice user, client, comment;
};

/* Append one frame. seed: the segment header's CRC. */
void frame_add_event(struct buf *out, uint32_t seed, drift_seq seq,
		     drift_time_ns time, enum drift_op op, bool integer_key,
		     const struct frame_event *event);
void frame_add_ddl(struct buf *out, uint32_t seed, drift_seq seq, drift_time_ns time,
		   const struct frame_ddl *ddl);
void frame_add_commit(struct buf *out, uint32_t seed, drift_seq seq,
		      drift_time_ns time, const struct frame_commit *commit);

/* The frame that bytes begin with. DRIFT_OK, and *size is its length; DRIFT_DONE
 * when there is room allocated ahead (length 0) or nothing; DRIFT_CORRUPT when
 * these bytes are not one whole frame: *size is then how many bytes it claims, 0
 * if that cannot be. */
enum drift_err frame_decode(struct slice bytes, uint32_t seed, struct frame *frame,
			    size_t *size);

/* The CRC that a frame of these bytes (FRAME_HEADER_BYTES at least) should have. */
uint32_t frame_checksum(struct slice frame, uint32_t seed);

/* DRIFT_CORRUPT when the body is not as described above. */
enum drift_err frame_read_event(const struct frame *frame,
				struct frame_event *event);
enum drift_err frame_read_ddl(const struct frame *frame, struct frame_ddl *ddl);
enum drift_err frame_read_commit(const struct frame *frame,
				 struct frame_commit *commit);

enum drift_op frame_op(const struct frame *frame);

#endif
