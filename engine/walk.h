/* SPDX-License-Identifier: MIT */
/* walk.h - the log, transaction by transaction.
 *
 * A transaction's commit frame stands at its end and says who and how many, so
 * the walk looks ahead for it, checks every frame on the way, and then hands out
 * the frames. Memory is one window of the log, however long the transaction. */
#ifndef DRIFT_ENGINE_WALK_H
#define DRIFT_ENGINE_WALK_H

#include "engine/log.h"

struct walk {
	struct log_cursor frames; /* hands out */
	struct log_cursor scout;  /* looks ahead */
	/* The transaction at hand. */
	struct place start; /* its first frame */
	struct place end;   /* where the next one begins; size is 0 */
	uint64_t tx;
	drift_time_ns time;
	drift_seq last_seq; /* newest seq after it */
	uint32_t count;     /* its events */
	uint32_t ddl_count;
	uint64_t synced;      /* of its commit frame */
	uint32_t commit_size; /* bytes of its commit frame */
	uint32_t commit_crc;  /* that frame's own CRC, tells it from others */
	struct slice user, client, comment; /* into names */
	struct buf names;
};

/* Start at place, which must be where a transaction begins. */
enum drift_err walk_init(struct walk *walk, struct log *log,
			 const struct place *place, bool whole_file,
			 struct drift_error *error);
void walk_release(struct walk *walk);

/* Find the next whole transaction: DRIFT_DONE when there is no more (nothing, or
 * frames without their commit; walk->end then is where whole transactions end).
 * DRIFT_CORRUPT when a frame is not whole or frames contradict each other. */
enum drift_err walk_next(struct walk *walk, struct drift_error *error);
/* Its next event or DDL frame; DRIFT_DONE after the last. */
enum drift_err walk_frame(struct walk *walk, struct frame *frame,
			  struct place *place, struct drift_error *error);

#endif
