/* SPDX-License-Identifier: MIT */
/* fold.h - one fold under way, shared by fold.c (rows, marks, DDL), fold_values.c
 * (secondary indexes) and fold_changes.c (events in order). Private to engine/. */
#ifndef DRIFT_ENGINE_FOLD_H
#define DRIFT_ENGINE_FOLD_H

#include "engine/versions.h"

/* A put or delete in `values` or `past`, kept back to be done in key order. */
struct value_op {
	enum index_space space;
	bool is_delete;
	uint32_t key_at, key_size; /* in fold.bytes */
	drift_seq from;
	uint16_t value_size;
};

struct fold {
	struct drift_db *db;
	struct index_writer *writer; /* another one after each part */
	unsigned part_pages;         /* 0: all in one transaction */
	/* Versions of the row at hand, oldest first. */
	const struct entry **versions;
	size_t version_count, version_capacity;
	struct version_block block; /* of the row at hand */
	struct buf key, value, old_row;
	drift_seq old_seq; /* of old_row */
	/* Secondary indexes. */
	struct value_op *ops;
	size_t op_count, op_capacity;
	struct buf bytes;
	struct buf before, after; /* index values */
	/* Rows added to the table at hand. */
	uint32_t table_id;
	int64_t rows;
};

/* Between two rows, or two of anything else: commit, if the transaction has become large
 * and may be parted. */
enum drift_err fold_end_part(struct fold *fold);
/* fold_values.c: note what the versions of the row at hand mean for one index.
 * existed: the index has the row now, as old_row. */
enum drift_err fold_row_values(struct fold *fold, const struct table_def *def,
			       const struct index_def *index, struct slice key,
			       bool existed);
/* fold_changes.c: which event changed which row. */
enum drift_err fold_changes(struct fold *fold, const struct memtable *memtable);
/* Note that the row has the value since `from`. */
enum drift_err fold_keep_value(struct fold *fold, uint32_t index_id,
			       struct slice value, struct slice key, drift_seq from);
/* Carry out what was noted, in key order: at the end, and between rows when it is much. */
enum drift_err fold_values(struct fold *fold);
bool fold_has_many_values(const struct fold *fold);

#endif
