/* SPDX-License-Identifier: MIT */
/* store.h - rows in bulk into one table, whoever has the database: by the engine when
 * this process opened it, as INSERT statements when a daemon has it. */
#ifndef DRIFT_TOOLS_STORE_H
#define DRIFT_TOOLS_STORE_H

#include "tools/door.h"

struct batch_row {
	size_t at; /* in documents */
	size_t size;
	uint64_t line; /* of the file */
};

/* Rows on their way. */
struct batch {
	struct buf documents; /* MessagePack, one after the other */
	struct batch_row *rows;
	size_t count, capacity;
};

#define BATCH_INIT ((struct batch){ 0 })
void batch_release(struct batch *batch);
void batch_clear(struct batch *batch);
/* Take what was appended to documents since the last row as a row. */
enum drift_err batch_add(struct batch *batch, uint64_t line);
static inline struct slice batch_document(const struct batch *batch, size_t i)
{
	return slice_of(batch->documents.data + batch->rows[i].at,
			batch->rows[i].size);
}

struct store;

/* replace: a row that is there gives way, instead of being refused. DRIFT_NO_TABLE. */
enum drift_err store_open(struct door *door, const char *table, bool replace,
			  struct store **store, struct drift_error *error);
void store_close(struct store *store); /* NULL is fine */
const struct table_def *store_table(const struct store *store);
/* Store rows [from, to) as one durable transaction. On a failure nothing of them is
 * stored, and *bad is the row at fault, SIZE_MAX when that is not known. */
enum drift_err store_rows(struct store *store, const struct batch *batch,
			  size_t from, size_t to, size_t *bad,
			  struct drift_error *error);

#endif
