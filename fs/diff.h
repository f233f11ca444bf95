/* SPDX-License-Identifier: MIT */
/* diff.h - @diff/<A>..<B>/: what changed between two moments.
 *
 *	summary			lines of "+ table key", "- table key", "M table key"
 *	changes.jsonl		{"table","pk","op","before","after"}
 *	<table>/<key>/before.json after.json
 *				links into the two views, to /dev/null where a side has
 *				no row
 *
 * A and B are numbers, times or tags; only A..B in numbers is a directory, everything
 * else a link to one. Tables and keys are called as in tables/, also in summary. A
 * table called "summary" or "changes.jsonl" is in those files and not a directory.
 * kind.c says where these are called. */
#ifndef DRIFT_FS_DIFF_H
#define DRIFT_FS_DIFF_H

#include "fs/record_text.h"
#include "fs/stream.h"

/* @diff */
[[nodiscard]] enum drift_err diff_child(struct tree *tree,
					const struct identity *parent,
					struct slice name, struct buf *key,
					struct identity *child);
[[nodiscard]] enum drift_err diff_link_target(struct tree *tree,
					      const struct identity *identity,
					      struct buf *target);
/* @diff/A..B */
[[nodiscard]] enum drift_err diff_table_child(struct tree *tree,
					      const struct identity *parent,
					      struct slice name, struct buf *key,
					      struct identity *child);
extern const struct stream stream_diff_tables;
/* @diff/A..B/<table> */
[[nodiscard]] enum drift_err diff_row_child(struct tree *tree,
					    const struct identity *parent,
					    struct slice name, struct buf *key,
					    struct identity *child);
extern const struct stream stream_diff_rows;
/* @diff/A..B/<table>/<key> */
[[nodiscard]] enum drift_err diff_side_child(struct tree *tree,
					     const struct identity *parent,
					     struct slice name, struct buf *key,
					     struct identity *child);
[[nodiscard]] enum drift_err diff_side_names(struct listing *listing);
[[nodiscard]] enum drift_err diff_side_target(struct tree *tree,
					      const struct identity *identity,
					      struct buf *target);

/* summary and changes.jsonl */
extern const struct records diff_summary_records, diff_changes_records;

#endif
