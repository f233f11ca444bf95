/* SPDX-License-Identifier: MIT */
/* survey.h - what of a segment is whole: its bytes read once, from end to end,
 * trusting none of them.
 *
 * Frames are handed out as they are met. Where bytes are no whole frame, or frames
 * no whole transaction, there is a hole, and the survey goes on with the next whole
 * transaction. A transaction is taken if its seqs, time and number are above those
 * of the one before it; what does not rise belongs to a hole. */
#ifndef DRIFT_ENGINE_SURVEY_H
#define DRIFT_ENGINE_SURVEY_H

#include "engine/log.h"

/* A whole transaction. */
struct survey_tx {
	struct place start; /* of its first frame; size is not used */
	uint64_t end;       /* offset after its commit frame */
	uint64_t tx;
	drift_time_ns time;
	drift_seq last_seq; /* newest seq after it */
	uint32_t count;     /* its events */
	uint32_t ddl_count;
	struct frame_commit commit; /* texts are good during the call only */
};

struct survey_hole {
	struct place place; /* the first byte that is not good; no size */
	uint64_t end;       /* where whole transactions go on, or the segment ends */
	const char *what;   /* "not a whole frame" */
	bool has_crc;       /* the frame's length fits: */
	uint32_t found, wanted; /* its CRC, and the one its bytes have */
	bool tail;        /* nothing whole stands behind it in the newest segment */
	bool was_durable; /* a later commit says that the place was synced */
	/* What should stand there: numbers between those around it. 0: not known. */
	drift_seq first_seq, last_seq;
	uint64_t first_tx, last_tx;
};

/* Any of them may be NULL. What is not DRIFT_OK ends the survey, which then returns
 * it: DRIFT_DONE for who has seen enough. */
struct survey_calls {
	void *arg;
	/* Frames handed out so far belong to nothing whole, unless tx was called. */
	void (*begin)(void *arg);
	/* A whole frame, commit frames included. */
	enum drift_err (*frame)(void *arg, const struct frame *frame,
				const struct place *place);
	/* The frames since the last begin are this transaction. */
	enum drift_err (*tx)(void *arg, const struct survey_tx *tx);
	enum drift_err (*hole)(void *arg, const struct survey_hole *hole);
};

struct survey_sums {
	uint64_t transactions, events, ddl;
	uint64_t bytes;     /* of the segment, unpacked */
	uint64_t whole_end; /* the last whole transaction ends here */
	uint64_t holes;
	/* Of the last whole transaction; before there is one, what the header says. */
	drift_seq last_seq;
	uint64_t last_tx;
	drift_time_ns last_time;
	uint8_t digest[DIGEST_BYTES]; /* SHA-256 of all bytes */
	bool has_digest;              /* false: some could not be read */
};

/* Survey segment i. live: another process appends to the log, so what looks broken
 * at its end is looked at again before it counts. Errors are those of the calls,
 * DRIFT_NOMEM, and those of opening the segment (its header). */
enum drift_err survey_segment(struct log *log, unsigned i, bool live,
			      const struct survey_calls *calls,
			      struct survey_sums *sums, struct drift_error *error);

/* One line of a hole: file, offset, CRCs, what is lost. */
void survey_print_hole(const struct survey_hole *hole, char *line, size_t size);

#endif
