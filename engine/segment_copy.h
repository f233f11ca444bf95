/* SPDX-License-Identifier: MIT */
/* segment_copy.h - a segment's bytes into another log/ directory: for backups, and
 * back from them. */
#ifndef DRIFT_ENGINE_SEGMENT_COPY_H
#define DRIFT_ENGINE_SEGMENT_COPY_H

#include "engine/log.h"

/* Copy segment i of log into directory dir under its own name, synced; the directory is
 * not. bytes 0: its file as it is, plain or packed; else its first unpacked bytes,
 * plain. *copied: what was written. */
enum drift_err segment_copy(struct log *log, unsigned i, uint64_t bytes, int dir,
			    uint64_t *copied, struct drift_error *error);

#endif
