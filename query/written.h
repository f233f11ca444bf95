/* SPDX-License-Identifier: MIT */
/* written.h - rows that a statement keeps for what comes after it: those it wrote, for
 * RETURNING, and those it could not insert because their keys were there, for ON
 * CONFLICT DO UPDATE. SQL reads them as "t"(ASOF_WRITTEN, ...), asof.h. */
#ifndef DRIFT_QUERY_WRITTEN_H
#define DRIFT_QUERY_WRITTEN_H

#include "engine/engine.h"

struct written_row {
	size_t key_at; /* in bytes */
	size_t key_size;
	size_t row_size; /* behind the key */
};

struct written {
	bool wanted; /* the statement that runs adds to it */
	struct buf bytes;
	struct written_row *rows;
	unsigned count;
	unsigned capacity;
};

void written_release(struct written *written);
/* Empty it; nothing is wanted any more. */
void written_clear(struct written *written);
/* Append a row, copied, if it is wanted. */
enum drift_err written_add(struct written *written, struct slice key,
			   struct slice row);
/* Row i < count as a version without a seq, good until the next addition. */
struct drift_version written_get(const struct written *written, unsigned i);
/* A key that is there twice; an empty slice: none. */
struct slice written_twice(const struct written *written, enum drift_err *err);

#endif
