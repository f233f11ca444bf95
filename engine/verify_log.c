/* SPDX-License-Identifier: MIT */
/* verify_log.c - the log against itself, segments side by side on two threads; what it says
 * of rows is tallied on the way. See verify.h. */
#include "engine/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/digest.h"
#include "engine/thread.h"

/* ---- One segment ----------------------------------------------------------------- */

/* What a worker has found out of the segments it took. */
struct worker {
	struct verify *verify;
	struct survey_sums *sums; /* of all segments; each worker writes its own */
	_Atomic unsigned *next;   /* the segment to take next */
	unsigned count;           /* of segments */
	unsigned segment;         /* in hand */
	struct tally versions, rows, snapshot_rows;
	uint32_t *past; /* by index id, verify_past.h */
	struct buf value;
	enum drift_err err;
};

/* The event as the index should have it. */
static void tally_event(struct worker *worker, const struct frame *frame,
			const struct frame_event *event, const struct place *place)
{
	struct verify *verify = worker->verify;
	struct index_version version = {
		.seq = frame->seq,
		.time = frame->time,
		.offset = place->offset,
		.size = place->size,
		.op = frame_op(frame),
		.integer_key = frame->flags & FRAME_INTEGER_KEY,
	};

	const struct index_row row = {
		.seq = version.seq,
		.time = version.time,
		.integer_key = version.integer_key,
		.row = event->row,
	};
	bool is_current = verify->current[frame->seq / 8] & 1u << frame->seq % 8;
	unsigned times = verify_snapshots_times(&verify->snapshots, frame->seq);
	uint64_t hash;

	tally_add(&worker->versions,
		  verify_version_hash(verify->seed, event->table_id, event->key,
				      &version));
	if (!is_current && !times)
		return;
	hash = verify_row_hash(verify->seed, event->table_id, event->key, &row);
	if (is_current)
		tally_add(&worker->rows, hash);
	while (times-- > 0)
		tally_add(&worker->snapshot_rows, hash);
}

static enum drift_err check_frame(void *arg, const struct frame *frame,
				  const struct place *place)
{
	struct worker *worker = arg;
	struct verify *verify = worker->verify;
	struct frame_event event;
	struct frame_ddl ddl;

	if (verify_stopped(verify))
		return DRIFT_INTERRUPTED;
	if (frame->kind == FRAME_COMMIT)
		return DRIFT_OK;
	if (frame->kind == FRAME_DDL ? frame_read_ddl(frame, &ddl)
				     : frame_read_event(frame, &event) ||
					       (frame->kind == FRAME_PUT &&
						msg_check_document(event.row)))
		verify_fault(verify,
			     "segment %020" PRIu64 ".seg offset %" PRIu64
			     ": malformed %s",
			     place->segment, place->offset,
			     frame->kind == FRAME_DDL ? "definition" : "event");
	else if (frame->kind != FRAME_DDL && frame->seq <= verify->mark.seq &&
		 verify->current) {
		tally_event(worker, frame, &event, place);
		return verify_past_event(verify, frame, &event, &worker->value,
					 worker->past);
	}
	return DRIFT_OK;
}

static enum drift_err say_hole(void *arg, const struct survey_hole *hole)
{
	struct worker *worker = arg;
	char line[400];

	survey_print_hole(hole, line, sizeof(line));
	if (!hole->tail)
		verify_fault(worker->verify, "%s", line);
	else
		verify_fault(
			worker->verify,
			"%s; an unfinished transaction, which opening cuts off, "
			"or damage to the last ones",
			line);
	return DRIFT_OK;
}

/* Is this the transaction that the anchor was taken at? */
static enum drift_err take_tx(void *arg, const struct survey_tx *tx)
{
	struct worker *worker = arg;
	struct verify *verify = worker->verify;
	uint8_t digest[DIGEST_BYTES];
	enum drift_err err;

	if (verify->progress)
		verify->progress(verify->progress_arg, tx->count);
	if (!verify->anchor || tx->last_seq != verify->anchor->seq)
		return DRIFT_OK;
	err = log_prefix_digest(verify->log, worker->segment, tx->end, digest, NULL);
	if (!err && memcmp(digest, verify->anchor->digest, DIGEST_BYTES) == 0)
		atomic_store(&verify->anchor_met, true);
	return err == DRIFT_CORRUPT ? DRIFT_OK : err;
}

static void check_segment(struct worker *worker, unsigned i)
{
	struct verify *verify = worker->verify;
	const struct survey_calls calls = {
		.arg = worker,
		.frame = check_frame,
		.tx = take_tx,
		.hole = say_hole,
	};
	struct drift_error error = { 0 };

	worker->segment = i;
	worker->err = survey_segment(verify->log, i, verify->live, &calls,
				     &worker->sums[i], &error);
	if (worker->err == DRIFT_NOMEM || worker->err == DRIFT_INTERRUPTED ||
	    worker->err == DRIFT_TOO_MANY_FILES)
		return; /* that is no fault of the log's */
	if (worker->err)
		verify_fault(verify, "%s", error.text);
	/* What cannot be read is not known to be damaged. */
	if (worker->err != DRIFT_NEWER)
		worker->err = DRIFT_OK;
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;

	while (!worker->err) {
		unsigned i = atomic_fetch_add(worker->next, 1);

		if (i >= worker->count)
			break;
		check_segment(worker, i);
	}
	return NULL;
}

/* ---- The chain -------------------------------------------------------------------- */

static void check_link(struct verify *verify, unsigned i,
		       const struct survey_sums *before)
{
	static const uint8_t none[DIGEST_BYTES];
	struct log_segment *segment = atomic_load(&verify->log->segments)[i];

	if (atomic_load(&segment->fd) < 0)
		return; /* its header is bad, which was said */
	if (i == 0 && (segment->first_seq != 1 ||
		       memcmp(segment->previous_digest, none, DIGEST_BYTES) != 0))
		verify_fault(verify,
			     "segment %020" PRIu64
			     ".seg is not the first: those before it are missing",
			     segment->first_seq);
	if (i > 0 && before->has_digest &&
	    memcmp(before->digest, segment->previous_digest, DIGEST_BYTES) != 0)
		verify_fault(verify,
			     "segment %020" PRIu64
			     ".seg does not follow the one before it: that one's "
			     "SHA-256 is not the one it was",
			     segment->first_seq);
}

static void check_chain(struct verify *verify, const struct survey_sums *sums,
			unsigned count)
{
	struct drift_verify_report *report = verify->report;

	for (unsigned i = 0; i < count; i++) {
		check_link(verify, i, i ? &sums[i - 1] : NULL);
		report->segments++;
		report->transactions += sums[i].transactions;
		report->events += sums[i].events;
		report->bytes += sums[i].bytes;
		if (sums[i].last_seq > report->last_seq)
			report->last_seq = sums[i].last_seq;
	}
}

void verify_anchor(struct verify *verify)
{
	const struct drift_anchor *anchor = verify->anchor;

	if (!anchor || atomic_load(&verify->anchor_met))
		return;
	if (digest_is_of_empty(verify->log, anchor))
		return;
	if (anchor->seq > verify->report->last_seq)
		verify_fault(verify,
			     "the log ends at seq %" PRIu64
			     ", before the anchor's seq %" PRIu64
			     ": transactions were taken off its end",
			     verify->report->last_seq, anchor->seq);
	else
		verify_fault(verify,
			     "the history up to seq %" PRIu64
			     " is not the one that the anchor was taken of",
			     anchor->seq);
}

/* ---- The log ------------------------------------------------------------------------ */

static enum drift_err worker_begin(struct worker *worker)
{
	uint32_t id_end = worker->verify->past.id_end;

	if (!worker->verify->past.before)
		return DRIFT_OK;
	worker->past = calloc(id_end, sizeof(*worker->past));
	return worker->past ? DRIFT_OK : DRIFT_NOMEM;
}

static void worker_release(struct worker *worker)
{
	free(worker->past);
	buf_release(&worker->value);
}

/* What both found, together. */
static void merge_workers(struct verify *verify, const struct worker workers[2])
{
	for (unsigned i = 0; i < 2; i++) {
		tally_merge(&verify->log_versions, &workers[i].versions);
		tally_merge(&verify->log_rows, &workers[i].rows);
		tally_merge(&verify->log_snapshot_rows, &workers[i].snapshot_rows);
	}
	for (uint32_t id = 0; workers[0].past && id < verify->past.id_end; id++)
		workers[0].past[id] += workers[1].past[id];
	verify_past_compare(verify, workers[0].past);
}

static enum drift_err run_workers(struct worker workers[2])
{
	pthread_t second;
	bool started;

	started = workers[0].count > 1 &&
		  thread_start(&second, worker_run, &workers[1]);
	worker_run(&workers[0]);
	if (started)
		pthread_join(second, NULL);
	return workers[0].err ? workers[0].err : workers[1].err;
}

enum drift_err verify_log(struct verify *verify)
{
	unsigned count = atomic_load(&verify->log->count);
	struct survey_sums *sums = calloc(count, sizeof(*sums));
	_Atomic unsigned next = 0;
	struct worker workers[2];
	enum drift_err err = sums ? DRIFT_OK : DRIFT_NOMEM;

	for (unsigned i = 0; i < 2; i++) {
		workers[i] = (struct worker){
			.verify = verify,
			.sums = sums,
			.next = &next,
			.count = count,
		};
		if (!err)
			err = worker_begin(&workers[i]);
	}
	if (!err)
		err = run_workers(workers);
	if (!err) {
		merge_workers(verify, workers);
		check_chain(verify, sums, count);
	}
	worker_release(&workers[0]);
	worker_release(&workers[1]);
	free(sums);
	return err;
}
