/* SPDX-License-Identifier: MIT */
/* status.h - .driftfs: what the mount says of itself. kind.c says where these are
 * called.
 *
 *	status.json	what is mounted, how, and where it stands
 *	stats.json	what was counted, as one JSON object
 *	metrics		the same for Prometheus (text format 0.0.4,
 *			https://prometheus.io/docs/instrumenting/exposition_formats/)
 *	README		where things are in the tree */
#ifndef DRIFT_FS_STATUS_H
#define DRIFT_FS_STATUS_H

#include "fs/tree.h"

[[nodiscard]] enum drift_err status_json(struct tree *tree,
					 const struct identity *identity, uid_t uid,
					 struct buf *text);
[[nodiscard]] enum drift_err status_stats(struct tree *tree,
					  const struct identity *identity, uid_t uid,
					  struct buf *text);
[[nodiscard]] enum drift_err status_metrics(struct tree *tree,
					    const struct identity *identity,
					    uid_t uid, struct buf *text);
[[nodiscard]] enum drift_err status_readme(struct tree *tree,
					   const struct identity *identity,
					   uid_t uid, struct buf *text);

#endif
