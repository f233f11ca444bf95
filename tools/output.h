/* SPDX-License-Identifier: MIT */
/* output.h - answers on standard output, in large pieces, with every failure
 * noticed: `driftdb dump > /dev/full` must not look like a success. */
#ifndef DRIFT_TOOLS_OUTPUT_H
#define DRIFT_TOOLS_OUTPUT_H

#include "engine/buf.h"

/* Gather about this much before writing. */
#define OUTPUT_CHUNK_BYTES (128u << 10)

/* Write all of it to standard output, past stdio. DRIFT_IO, with the reason. */
enum drift_err output_write(struct slice bytes, struct drift_error *error);
/* Write what buf holds and clear it. DRIFT_NOMEM if buf had failed. */
enum drift_err output_flush(struct buf *buf, struct drift_error *error);
/* Write what stdio has gathered; DRIFT_IO if that fails, or something did before. */
enum drift_err output_end(struct drift_error *error);

#endif
