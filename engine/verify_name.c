/* SPDX-License-Identifier: MIT */
/* verify_name.c - the tallies of log and index differ: look each entry up, and name
 * the first few that do. */
#include <inttypes.h>

#include "engine/verify.h"
#include "engine/versions.h"

#define NAMED_MAX 20

struct naming {
	struct verify *verify;
	unsigned named;
	struct buf key;
};

static bool name_version(struct naming *naming, const struct frame *frame,
			 const struct frame_event *event, const struct place *place,
			 enum drift_err *err)
{
	struct verify *verify = naming->verify;
	struct index_version version;
	bool is_newest;

	buf_clear(&naming->key);
	buf_add_be32(&naming->key, event->table_id);
	buf_add_slice(&naming->key, event->key);
	*err = buf_status(&naming->key);
	if (!*err)
		*err = versions_find(verify->reader, buf_slice(&naming->key),
				     frame->seq, false, &version, &is_newest);
	if (!*err && version.seq != frame->seq)
		*err = DRIFT_DONE;
	if (*err == DRIFT_DONE || *err == DRIFT_CORRUPT) {
		verify_fault(verify, "index: event %" PRIu64 " is %s", frame->seq,
			     *err == DRIFT_DONE ? "missing" : "damaged");
		*err = DRIFT_OK;
		return true;
	}
	if (*err ||
	    (version.offset == place->offset && version.size == place->size &&
	     version.op == frame_op(frame) && version.time == frame->time))
		return false;
	verify_fault(verify, "index: event %" PRIu64 " is elsewhere in the log",
		     frame->seq);
	return true;
}

/* The event is a row of `current`, by its bit: the same one? */
static bool name_row(struct naming *naming, const struct frame *frame,
		     const struct frame_event *event, enum drift_err *err)
{
	struct verify *verify = naming->verify;
	struct index_row row;
	struct slice value = { 0 };

	buf_clear(&naming->key);
	buf_add_be32(&naming->key, event->table_id);
	buf_add_slice(&naming->key, event->key);
	*err = buf_status(&naming->key);
	if (!*err)
		*err = index_get(verify->reader, INDEX_CURRENT,
				 buf_slice(&naming->key), &value);
	if (!*err)
		*err = index_row_decode(value, &row);
	if (*err && *err != DRIFT_DONE && *err != DRIFT_CORRUPT)
		return false;
	if (!*err && row.seq == frame->seq && row.time == frame->time &&
	    slice_equal(row.row, event->row))
		return false;
	*err = DRIFT_OK;
	verify_fault(verify,
		     "index: row of table %u at event %" PRIu64
		     " differs from the log",
		     event->table_id, frame->seq);
	return true;
}

static enum drift_err name_frame(void *arg, const struct frame *frame,
				 const struct place *place)
{
	struct naming *naming = arg;
	struct verify *verify = naming->verify;
	struct frame_event event;
	enum drift_err err = DRIFT_OK;

	if (frame->kind > FRAME_DELETE || frame->seq > verify->mark.seq ||
	    frame_read_event(frame, &event))
		return DRIFT_OK;
	naming->named += name_version(naming, frame, &event, place, &err);
	if (!err && verify->current[frame->seq / 8] & 1u << frame->seq % 8)
		naming->named += name_row(naming, frame, &event, &err);
	return !err && naming->named >= NAMED_MAX ? DRIFT_DONE : err;
}

enum drift_err verify_name(struct verify *verify)
{
	struct naming naming = { .verify = verify };
	const struct survey_calls calls = { .arg = &naming, .frame = name_frame };
	unsigned count = atomic_load(&verify->log->count);
	struct drift_error error = { 0 };
	struct survey_sums sums;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err && naming.named < NAMED_MAX; i++) {
		err = survey_segment(verify->log, i, verify->live, &calls, &sums,
				     &error);
		/* What is wrong with the segment itself was said. */
		if (err == DRIFT_CORRUPT || err == DRIFT_DONE)
			err = DRIFT_OK;
	}
	if (!err)
		verify_fault(verify,
			     "index: it holds %" PRIu64 " versions and %" PRIu64
			     " rows that are not those of the log's %" PRIu64
			     " events up to %" PRIu64,
			     verify->versions.count, verify->rows.count,
			     verify->log_versions.count, verify->mark.seq);
	buf_release(&naming.key);
	return err;
}
