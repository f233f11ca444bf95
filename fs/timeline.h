/* SPDX-License-Identifier: MIT */
/* timeline.h - @seq and @time: the moments that names lead to, and those worth
 * showing. kind.c says where these are called. */
#ifndef DRIFT_FS_TIMELINE_H
#define DRIFT_FS_TIMELINE_H

#include "fs/listing.h"

[[nodiscard]] enum drift_err timeline_seq_child(struct tree *tree,
						const struct identity *parent,
						struct slice name, struct buf *key,
						struct identity *child);
[[nodiscard]] enum drift_err timeline_time_child(struct tree *tree,
						 const struct identity *parent,
						 struct slice name, struct buf *key,
						 struct identity *child);
[[nodiscard]] enum drift_err timeline_seq_names(struct listing *listing);
[[nodiscard]] enum drift_err timeline_time_names(struct listing *listing);
/* A link from @time or @tag to @seq/N. */
struct identity timeline_link(drift_seq seq);
/* What a link to a moment leads to. */
[[nodiscard]] enum drift_err
timeline_target(struct tree *tree, const struct identity *link, struct buf *target);

#endif
