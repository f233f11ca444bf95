/* SPDX-License-Identifier: MIT */
/* name.h - the grammar of the tree: which names a directory can hold, and what
 * each of them stands for. */
#ifndef DRIFT_FS_NAME_H
#define DRIFT_FS_NAME_H

#include "fs/tree.h"

struct listing;

#define NAME_BYTES_MAX 255

/* What `name` in directory `parent` would be; whether it is there is for
 * attr_read to say. A row of a pinned view comes as NODE_ROW with the view's seq:
 * its version is not known yet. Key bytes go into key, which is cleared first.
 * DRIFT_NAME_TOO_LONG; DRIFT_NO_ROW: no such name can be here; DRIFT_NO_TABLE:
 * parent itself is gone; DRIFT_BAD_NAME, DRIFT_BAD_TEXT: not the name of any key. */
[[nodiscard]] enum drift_err name_parse(struct tree *tree,
					const struct identity *parent,
					struct slice name, struct buf *key,
					struct identity *child);
/* True if name is one of the fixed names of the directory; then *child is that. */
bool name_is_fixed(const struct tree *tree, const struct identity *parent,
		   struct slice name, struct identity *child);
/* The fixed names of a directory, one by one: i counts from 0; NULL at the end.
 * Those that listings leave out are left out. */
const char *name_fixed(const struct tree *tree, const struct identity *parent,
		       unsigned *i, struct identity *child);
/* Append the name a row has in rows/ (with ".json") or in history/ (without). */
[[nodiscard]] enum drift_err name_of_row(struct slice key, bool with_suffix,
					 struct buf *name);
/* Append the path from the mount's root, for messages. */
void name_path(struct tree *tree, const struct identity *identity, struct buf *path);
/* Decimal digits, no sign, no leading zero: one number, one name. */
bool name_parse_seq(struct slice digits, drift_seq *seq);

/* kind.c says where: the children of a directory whose names come from the data, and
 * the names of those that are at hand. */
[[nodiscard]] enum drift_err name_table_child(struct tree *tree,
					      const struct identity *parent,
					      struct slice name, struct buf *key,
					      struct identity *child);
[[nodiscard]] enum drift_err name_row_child(struct tree *tree,
					    const struct identity *parent,
					    struct slice name, struct buf *key,
					    struct identity *child);
[[nodiscard]] enum drift_err name_history_child(struct tree *tree,
						const struct identity *parent,
						struct slice name, struct buf *key,
						struct identity *child);
[[nodiscard]] enum drift_err name_version_child(struct tree *tree,
						const struct identity *parent,
						struct slice name, struct buf *key,
						struct identity *child);
[[nodiscard]] enum drift_err name_tables(struct listing *listing);
[[nodiscard]] enum drift_err name_scratches(struct listing *listing);

#endif
