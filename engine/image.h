/* SPDX-License-Identifier: MIT */
/* image.h - a table's rows at one seq, in memory, in key order: what a state of a table
 * that is read again and again is read from. Private to engine/.
 *
 * What a table held at a seq never changes, so an image is made once, shared by all who
 * read that state, and let go without loss at any time (images.h says when). A row stands in it
 * as in the index's space `current`, without its CRC:
 *
 *	size of the value[4] of the key[2] (native byte order) key value
 *
 * in chunks, the first ones small. Beside them, each row has a mark: where it is, and the
 * first bytes of its key that not all keys of the image have in common, as a number: its
 * head. Some heads stand apart, one in so many, few enough to stay in the processor's
 * caches. A key is looked for among these by halving; between two of them, where it would
 * be if all heads were equally far apart, as most keys' are. */
#ifndef DRIFT_ENGINE_IMAGE_H
#define DRIFT_ENGINE_IMAGE_H

#include <stdatomic.h>

#include "engine/index.h"

#define IMAGE_HEAD_BYTES 6

struct image_chunk {
	char *data;
	size_t size, capacity;
};

struct image_mark {
	uint64_t head; /* of the key, behind what all have in common */
	uint32_t chunk, offset;
};

/* Changed by who makes it alone; then never again. */
struct image {
	_Atomic unsigned users;
	uint32_t table_id;
	drift_seq seq; /* it is the table's state then */
	uint64_t rows;
	size_t bytes; /* of memory, as images.h counts it */
	bool present; /* it was the newest state when it was made */
	struct image_chunk *chunks;
	unsigned chunk_count, chunk_capacity;
	struct image_mark *marks;
	unsigned mark_count, mark_capacity;
	size_t common;  /* bytes that all keys begin with */
	uint64_t *tops; /* heads of marks 0, 1 << top_shift, ...; the last mark's */
	unsigned top_count, top_shift; /* without the last mark's */
	struct buf value;              /* while it is made */
};

/* One that is used by the caller, without rows. NULL when out of memory. */
struct image *image_new(uint32_t table_id, drift_seq seq);
/* A user less; the last one frees it. NULL is fine. */
void image_put(struct image *image);

/* ---- Making ---- */

/* The bytes of memory that the next row would add. */
size_t image_add_bytes(const struct image *image,
		       const struct drift_version *version);
/* The row with the next larger key. */
enum drift_err image_add(struct image *image, const struct drift_version *version);
/* No more rows: it may be read. */
enum drift_err image_finish(struct image *image);

/* ---- Reading ---- */

struct image_cursor {
	const struct image *image;
	const char *at, *end; /* the entry at hand; the chunk's end */
	unsigned chunk;
};

/* Stand at the first row with its key >= key (after: > key). */
void image_seek(struct image_cursor *cursor, const struct image *image,
		struct slice key, bool after);
/* Stand behind the last row. */
void image_stand_behind(struct image_cursor *cursor, const struct image *image);
/* The row at hand, if it is before the place where `stop` stands: then it is stepped
 * over. DRIFT_DONE at stop. */
static inline enum drift_err image_next(struct image_cursor *cursor,
					const struct image_cursor *stop,
					struct drift_version *version);
/* The row with this key: false when there is none. */
bool image_get(const struct image *image, struct slice key,
	       struct drift_version *version);

/* ---- Inline ---- */

struct image_entry {
	struct slice key, value;
	const char *end;
};

static inline struct image_entry image_entry_at(const char *at)
{
	struct image_entry entry;
	uint32_t value_size;
	uint16_t key_size;

	memcpy(&value_size, at, 4);
	memcpy(&key_size, at + 4, 2);
	entry.key = slice_of(at + IMAGE_HEAD_BYTES, key_size);
	entry.value = slice_of(at + IMAGE_HEAD_BYTES + key_size, value_size);
	entry.end = at + IMAGE_HEAD_BYTES + key_size + value_size;
	return entry;
}

/* Behind an entry: in the next chunk, if there is one. */
static inline void image_enter(struct image_cursor *cursor, const char *at)
{
	const struct image *image = cursor->image;

	cursor->at = at;
	if (at != cursor->end || cursor->chunk + 1 >= image->chunk_count)
		return;
	cursor->at = image->chunks[++cursor->chunk].data;
	cursor->end = cursor->at + image->chunks[cursor->chunk].size;
}

static inline enum drift_err image_next(struct image_cursor *cursor,
					const struct image_cursor *stop,
					struct drift_version *version)
{
	struct image_entry entry;
	struct index_row row;

	if (cursor->at == stop->at)
		return DRIFT_DONE;
	entry = image_entry_at(cursor->at);
	if (index_row_decode(entry.value, &row))
		return DRIFT_CORRUPT;
	image_enter(cursor, entry.end);
	index_row_version(&row, entry.key, DRIFT_OP_UPDATE, version);
	return DRIFT_OK;
}

#endif
