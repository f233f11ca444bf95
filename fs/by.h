/* SPDX-License-Identifier: MIT */
/* by.h - tables/t/by/<column>/<value>/: rows by the value of an indexed column, as links
 * to them. kind.c says where these are called.
 *
 * by/ has the columns that an index of one column is over; a column has the values that
 * rows have; a value's directory has a link for each row that has it. Numbers and texts
 * that are spelled alike share a name. A value without a name has no directory: null, an
 * empty text, and one of KEY_VALUE_BYTES_MAX bytes or more, which indexes cut. */
#ifndef DRIFT_FS_BY_H
#define DRIFT_FS_BY_H

#include "fs/stream.h"

/* by/ */
[[nodiscard]] enum drift_err by_column_child(struct tree *tree,
					     const struct identity *parent,
					     struct slice name, struct buf *key,
					     struct identity *child);
[[nodiscard]] enum drift_err by_column_names(struct listing *listing);
/* by/<column> */
[[nodiscard]] enum drift_err by_value_child(struct tree *tree,
					    const struct identity *parent,
					    struct slice name, struct buf *key,
					    struct identity *child);
extern const struct stream stream_values;
/* by/<column>/<value> */
[[nodiscard]] enum drift_err by_row_child(struct tree *tree,
					  const struct identity *parent,
					  struct slice name, struct buf *key,
					  struct identity *child);
extern const struct stream stream_matches;
/* What the link to a row leads to, and its attributes. */
[[nodiscard]] enum drift_err
by_target(struct tree *tree, const struct identity *identity, struct buf *target);
[[nodiscard]] enum drift_err by_link_attr(struct tree *tree, struct node *node,
					  struct identity *identity, uid_t caller,
					  struct stat *st);

#endif
