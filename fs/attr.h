/* SPDX-License-Identifier: MIT */
/* attr.h - what stat(2) says of a node, and for how long the kernel may say it
 * without asking again. */
#ifndef DRIFT_FS_ATTR_H
#define DRIFT_FS_ATTR_H

#include <sys/stat.h>

#include "fs/tree.h"

#define FOREVER_S 1e9 /* the kernel's longest patience is about 136 years */

/* Attributes of identity, whose node may be NULL (not known yet) and saves
 * measuring what never changes. `caller` reads the file of refusals. For a row
 * of a pinned view *identity becomes the version's. DRIFT_NO_ROW, DRIFT_NO_TABLE,
 * DRIFT_BAD_MOMENT: there is no such thing (any more). Uses the reader's row and
 * text. */
[[nodiscard]] enum drift_err attr_read(struct tree *tree, struct node *node,
				       struct identity *identity, uid_t caller,
				       struct stat *st);
/* The same for each kind of node: kind.c says which. */
[[nodiscard]] enum drift_err attr_row(struct tree *tree, struct node *node,
				      struct identity *identity, uid_t caller,
				      struct stat *st);
[[nodiscard]] enum drift_err attr_version(struct tree *tree, struct node *node,
					  struct identity *identity, uid_t caller,
					  struct stat *st);
[[nodiscard]] enum drift_err attr_table(struct tree *tree, struct node *node,
					struct identity *identity, uid_t caller,
					struct stat *st);
[[nodiscard]] enum drift_err attr_directory(struct tree *tree, struct node *node,
					    struct identity *identity, uid_t caller,
					    struct stat *st);
[[nodiscard]] enum drift_err attr_versions(struct tree *tree, struct node *node,
					   struct identity *identity, uid_t caller,
					   struct stat *st);
[[nodiscard]] enum drift_err attr_scratch(struct tree *tree, struct node *node,
					  struct identity *identity, uid_t caller,
					  struct stat *st);
[[nodiscard]] enum drift_err attr_text(struct tree *tree, struct node *node,
				       struct identity *identity, uid_t caller,
				       struct stat *st);
[[nodiscard]] enum drift_err attr_events(struct tree *tree, struct node *node,
					 struct identity *identity, uid_t caller,
					 struct stat *st);
[[nodiscard]] enum drift_err attr_link(struct tree *tree, struct node *node,
				       struct identity *identity, uid_t caller,
				       struct stat *st);
/* Of a row whose version is at hand. Uses the reader's text. */
[[nodiscard]] enum drift_err attr_of_version(struct tree *tree,
					     const struct identity *identity,
					     const struct drift_version *version,
					     struct stat *st);
/* Of a live row that is not there although it has a node: what handles that are
 * still open see of it. DRIFT_NO_ROW when there are none. */
[[nodiscard]] enum drift_err
attr_of_absent(struct tree *tree, const struct node *node, struct stat *st);
/* Of an empty file, or a directory: what a row is before its first event. */
void attr_fill(const struct tree *tree, const struct identity *identity,
	       drift_seq version, size_t size, drift_time_ns time, struct stat *st);

/* When the moment that identity belongs to came to be. */
drift_time_ns attr_time(struct tree *tree, const struct identity *identity);

/* How long the kernel may keep a name that leads to identity, and st. */
double attr_entry_timeout_s(const struct identity *identity);
double attr_timeout_s(const struct tree *tree, const struct identity *identity,
		      const struct stat *st);
/* True if nothing about the node can ever change. */
bool attr_is_pinned(const struct identity *identity);

/* Append the row as the file shows it: JSON and a newline. */
[[nodiscard]] enum drift_err attr_row_text(const struct tree *tree, struct slice row,
					   struct buf *text);

#endif
