/* SPDX-License-Identifier: MIT */
/* survey.c - frames taken together as transactions, and what is none as holes; see
 * survey.h. */
#include "engine/survey.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/survey_frames.h"

#define LIVE_TRIES 50
#define LIVE_TRY_US 10000

struct survey {
	struct log *log;
	unsigned index;
	struct log_segment *segment;
	const struct survey_calls *calls;
	struct survey_sums *sums;
	bool newest, live;
	struct survey_frames frames;
	unsigned looks; /* live: places were looked at again so often */
	/* The transaction under way. */
	struct survey_tx tx;
	drift_seq seq; /* of its newest event */
	/* The hole under way. */
	bool in_hole;
	bool hole_has_data;
	struct survey_hole hole;
};

/* ---- Holes ------------------------------------------------------------------- */

static void tx_begin(struct survey *survey, uint64_t offset)
{
	survey->tx = (struct survey_tx){
		.start = { .segment = survey->segment->first_seq, .offset = offset },
	};
	if (survey->calls->begin)
		survey->calls->begin(survey->calls->arg);
}

static void hole_begin(struct survey *survey, uint64_t offset, const char *what)
{
	if (survey->in_hole)
		return;
	survey->in_hole = true;
	survey->hole_has_data = false;
	survey->hole = (struct survey_hole){
		.place = { .segment = survey->segment->first_seq, .offset = offset },
		.what = what,
		.first_seq = survey->sums->last_seq + 1,
		.first_tx = survey->sums->last_tx + 1,
	};
}

/* It ends here, before a transaction with these numbers (0: not known). */
static enum drift_err hole_end(struct survey *survey, uint64_t offset,
			       drift_seq next_seq, uint64_t next_tx)
{
	struct survey_hole *hole = &survey->hole;

	if (!survey->in_hole)
		return DRIFT_OK;
	survey->in_hole = false;
	survey->sums->holes++;
	hole->end = offset;
	hole->last_seq = next_seq ? next_seq - 1 : 0;
	hole->last_tx = next_tx ? next_tx - 1 : 0;
	return survey->calls->hole ? survey->calls->hole(survey->calls->arg, hole)
				   : DRIFT_OK;
}

/* The bad frame's CRC, for who has to judge. */
static void hole_describe(struct survey *survey, struct slice bytes)
{
	struct survey_hole *hole = &survey->hole;
	uint32_t length;

	if (hole->has_crc || bytes.size < FRAME_HEADER_BYTES)
		return;
	length = le32_get(bytes.data);
	if (length == 0 || length > FRAME_BODY_BYTES_MAX ||
	    FRAME_HEADER_BYTES + (size_t)length > bytes.size)
		return;
	bytes.size = FRAME_HEADER_BYTES + (size_t)length;
	hole->found = le32_get((const char *)bytes.data + 4);
	hole->wanted = frame_checksum(bytes, survey->segment->seed);
	hole->has_crc = hole->found != hole->wanted;
}

/* ---- Frames and transactions ------------------------------------------------------- */

/* What a commit frame closes; NULL when it is a whole transaction that rises. */
static const char *judge(const struct survey *survey, const struct frame *frame,
			 const struct frame_commit *commit)
{
	const struct survey_tx *tx = &survey->tx;
	const struct survey_sums *sums = survey->sums;

	if (commit->count != tx->count)
		return "its commit frame counts other events";
	if (tx->count && frame->seq != survey->seq)
		return "its commit frame has another seq";
	if (frame->seq < sums->last_seq + tx->count || commit->tx <= sums->last_tx ||
	    frame->time <= sums->last_time)
		return "a transaction that does not follow the one before it";
	return NULL;
}

static enum drift_err take_tx(struct survey *survey, const struct frame *frame,
			      const struct frame_commit *commit)
{
	struct survey_tx *tx = &survey->tx;
	struct survey_sums *sums = survey->sums;
	drift_seq first = frame->seq - tx->count + 1;
	enum drift_err err;

	if (first != sums->last_seq + 1)
		hole_begin(survey, tx->start.offset, "transactions are missing");
	survey->hole.was_durable = commit->synced > survey->hole.place.offset;
	err = hole_end(survey, tx->start.offset, first, commit->tx);
	if (err)
		return err;
	tx->end = survey->frames.offset;
	tx->tx = commit->tx;
	tx->time = frame->time;
	tx->last_seq = frame->seq;
	tx->commit = *commit;
	sums->transactions++;
	sums->events += tx->count;
	sums->ddl += tx->ddl_count;
	sums->whole_end = tx->end;
	sums->last_seq = tx->last_seq;
	sums->last_tx = tx->tx;
	sums->last_time = tx->time;
	return survey->calls->tx ? survey->calls->tx(survey->calls->arg, tx)
				 : DRIFT_OK;
}

static enum drift_err take_commit(struct survey *survey, const struct frame *frame)
{
	struct frame_commit commit;
	const char *what = frame_read_commit(frame, &commit)
				   ? "malformed commit frame"
				   : judge(survey, frame, &commit);
	enum drift_err err;

	if (what) {
		hole_begin(survey, survey->tx.start.offset, what);
		survey->hole_has_data = true;
		err = DRIFT_OK;
	} else {
		err = take_tx(survey, frame, &commit);
	}
	tx_begin(survey, survey->frames.offset);
	return err;
}

static enum drift_err take_frame(struct survey *survey, const struct frame *frame,
				 const struct place *place)
{
	struct survey_tx *tx = &survey->tx;
	bool first = tx->count + tx->ddl_count == 0;
	const char *what = NULL;
	enum drift_err err = DRIFT_OK;

	if (!first && frame->time != tx->time)
		what = "commit time changes inside a transaction";
	else if (frame->kind <= FRAME_DELETE && tx->count &&
		 frame->seq != survey->seq + 1)
		what = "seqs do not follow";
	if (what) {
		hole_begin(survey, tx->start.offset, what);
		survey->hole_has_data = true;
		tx_begin(survey, place->offset);
	}
	if (survey->calls->frame)
		err = survey->calls->frame(survey->calls->arg, frame, place);
	if (err)
		return err;
	if (frame->kind == FRAME_COMMIT)
		return take_commit(survey, frame);
	tx->time = frame->time;
	if (frame->kind == FRAME_DDL) {
		tx->ddl_count++;
	} else {
		tx->count++;
		survey->seq = frame->seq;
	}
	return DRIFT_OK;
}

/* ---- The segment ----------------------------------------------------------------- */

/* Bytes that are no frame, behind the last whole transaction of the newest segment:
 * if they are zeros, the room that was allocated ahead, and no hole. */
static enum drift_err skip_room(struct survey *survey)
{
	uint64_t at = survey->frames.offset;
	enum drift_err err =
		survey_frames_find(&survey->frames, &survey->hole_has_data);

	if (err || survey->frames.offset < survey->frames.limit ||
	    survey->hole_has_data || survey->frames.limit - at > LOG_TAIL_BYTES_MAX)
		return err;
	survey->in_hole = false;
	survey->sums->bytes = at;
	return DRIFT_OK;
}

/* What looks broken may be on its way: go back to look again, a few times. */
static bool look_again(struct survey *survey, uint64_t at)
{
	if (!survey->live || !survey->newest || survey->looks >= LIVE_TRIES)
		return false;
	survey->looks++;
	survey->in_hole = false;
	survey_frames_back(&survey->frames, at);
	usleep(LIVE_TRY_US);
	return true;
}

/* What stands at the offset is no frame. */
static enum drift_err take_fault(struct survey *survey)
{
	bool between = survey->tx.count + survey->tx.ddl_count == 0;
	bool begins = !survey->in_hole;
	uint64_t at = survey->frames.offset;
	struct slice bytes;
	enum drift_err err =
		survey_frames_look(&survey->frames, FRAME_HEADER_BYTES, &bytes);

	if (err)
		return err;
	if (begins) {
		hole_begin(survey, at, "not a whole frame");
		hole_describe(survey, bytes);
		survey->hole_has_data = !between;
	}
	if (survey->newest && between && survey->sums->whole_end == at)
		err = skip_room(survey);
	else
		err = survey_frames_find(&survey->frames, &survey->hole_has_data);
	if (!err && begins && survey->in_hole && look_again(survey, at))
		return DRIFT_OK;
	if (!err)
		tx_begin(survey, survey->frames.offset);
	return err;
}

static enum drift_err survey_run(struct survey *survey)
{
	struct frame frame;
	struct place place;
	enum drift_err err = DRIFT_OK;

	tx_begin(survey, survey->frames.offset);
	while (!err) {
		err = survey_frames_next(&survey->frames, &frame, &place);
		if (err == DRIFT_DONE)
			return DRIFT_OK;
		if (!err)
			err = take_frame(survey, &frame, &place);
		else if (err == DRIFT_CORRUPT)
			err = take_fault(survey);
	}
	return err;
}

/* What stands between the last whole transaction and the segment's end. */
static enum drift_err survey_end(struct survey *survey)
{
	struct log_segment *next = NULL;
	struct drift_error ignored;

	/* Being written: what reaches the end is not whole yet. */
	if (survey->live && survey->newest && !survey->in_hole)
		return DRIFT_OK;
	if (survey->tx.count + survey->tx.ddl_count) {
		hole_begin(survey, survey->tx.start.offset,
			   "a transaction without its commit frame");
		survey->hole_has_data = true;
	}
	survey->hole.tail = survey->newest;
	if (!survey->newest)
		next = atomic_load(&survey->log->segments)[survey->index + 1];
	if (next && log_segment_open(survey->log, next, O_RDONLY, &ignored))
		next = NULL;
	if (!survey->in_hole && next &&
	    (next->previous_tx != survey->sums->last_tx ||
	     next->first_seq != survey->sums->last_seq + 1))
		hole_begin(survey, survey->frames.limit,
			   "the next segment goes on elsewhere");
	return hole_end(survey, survey->frames.limit, next ? next->first_seq : 0,
			next ? next->previous_tx + 1 : 0);
}

/* Its file's size, not what an open log takes for its end. */
static enum drift_err find_limit(struct survey *survey, uint64_t *limit,
				 struct drift_error *error)
{
	struct log *log = survey->log;
	struct pack *pack;
	unsigned count;
	enum drift_err err;

	/* A rotation between the two looks would mix the segments' ends. */
	do {
		count = atomic_load(&log->count);
		survey->newest = survey->index + 1 == count;
		err = log_segment_size(log, survey->index, limit, error);
	} while (!err && count != atomic_load(&log->count));
	if (err || !survey->newest || *limit)
		return err;
	pack = atomic_load(&survey->segment->pack);
	if (pack) {
		*limit = pack_size(pack);
		return DRIFT_OK;
	}
	err = io_size(log->io, atomic_load(&survey->segment->fd), limit);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err survey_init(struct survey *survey, struct drift_error *error)
{
	struct log *log = survey->log;
	uint64_t limit = 0;
	enum drift_err err;

	survey->segment = atomic_load(&log->segments)[survey->index];
	err = log_segment_open(log, survey->segment, O_RDONLY, error);
	if (!err)
		err = find_limit(survey, &limit, error);
	if (err)
		return err;
	*survey->sums = (struct survey_sums){
		.bytes = limit,
		.whole_end = SEGMENT_HEADER_BYTES,
		.last_seq = survey->segment->first_seq - 1,
		.last_tx = survey->segment->previous_tx,
		.last_time = survey->segment->previous_time,
	};
	err = survey_frames_init(&survey->frames, log, survey->segment, limit,
				 !survey->newest);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err survey_segment(struct log *log, unsigned i, bool live,
			      const struct survey_calls *calls,
			      struct survey_sums *sums, struct drift_error *error)
{
	struct survey survey = {
		.log = log, .index = i, .calls = calls, .sums = sums, .live = live
	};
	enum drift_err err = survey_init(&survey, error);

	if (!err) {
		err = survey_run(&survey);
		if (!err)
			err = survey_end(&survey);
		if (!err && survey.frames.has_digest) {
			err = survey_frames_digest(&survey.frames, sums->digest);
			sums->has_digest = !err;
		}
		if (err == DRIFT_LIMIT)
			err = drift_fail(
				error, DRIFT_CORRUPT,
				"segment %020" PRIu64
				".seg: too many bytes that look like frames",
				survey.segment->first_seq);
		else if (err && err != DRIFT_DONE)
			err = drift_fail_code(error, err);
	}
	survey_frames_release(&survey.frames);
	return err;
}

void survey_print_hole(const struct survey_hole *hole, char *line, size_t size)
{
	char crc[64] = "", lost[160] = "";

	if (hole->has_crc)
		snprintf(crc, sizeof(crc),
			 " (CRC %08" PRIx32 ", expected %08" PRIx32 ")", hole->found,
			 hole->wanted);
	if (hole->tail)
		snprintf(lost, sizeof(lost),
			 ": nothing whole follows transaction %" PRIu64
			 " (seq %" PRIu64 ")",
			 hole->first_tx - 1, hole->first_seq - 1);
	else if (hole->first_seq <= hole->last_seq)
		snprintf(lost, sizeof(lost),
			 ": lost are transactions %" PRIu64 " to %" PRIu64
			 ", seqs %" PRIu64 " to %" PRIu64,
			 hole->first_tx, hole->last_tx, hole->first_seq,
			 hole->last_seq);
	else if (hole->first_tx <= hole->last_tx)
		snprintf(lost, sizeof(lost),
			 ": lost are transactions %" PRIu64 " to %" PRIu64
			 ", without events",
			 hole->first_tx, hole->last_tx);
	snprintf(line, size,
		 "segment %020" PRIu64 ".seg offset %" PRIu64 ": %s%s, %" PRIu64
		 " bytes%s",
		 hole->place.segment, hole->place.offset, hole->what, crc,
		 hole->end - hole->place.offset, lost);
}
