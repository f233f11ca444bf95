/* SPDX-License-Identifier: MIT */
/* verify.c - read all of it and say what does not fit: the log against itself, then
 * the index against the log; see verify.h. */
#include "engine/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "engine/digest.h"
#include "engine/drift_log.h"
#include "engine/thread.h"

void verify_fault(struct verify *verify, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pthread_mutex_lock(&verify->lock);
	verify->report->faults++;
	if (verify->say)
		verify->say(verify->arg, line);
	pthread_mutex_unlock(&verify->lock);
}

uint64_t verify_version_hash(uint64_t seed, uint32_t table_id, struct slice key,
			     const struct index_version *version)
{
	/* Side by side, so that no multiplication waits for another. */
	uint64_t who = tally_mix_bytes(seed ^ table_id, key);
	uint64_t when = tally_mix(tally_mix(seed + 1, version->seq),
				  (uint64_t)version->time);
	uint64_t where = tally_mix(seed + 2, version->offset);
	uint64_t what = tally_mix(seed + 3, (uint64_t)version->size << 8 |
						    (uint64_t)version->op << 1 |
						    version->integer_key);

	return tally_mix(tally_mix(who, when), where ^ what);
}

uint64_t verify_row_hash(uint64_t seed, uint32_t table_id, struct slice key,
			 const struct index_row *row)
{
	uint64_t hash = tally_mix(seed, table_id);

	hash = tally_mix_bytes(hash, key);
	hash = tally_mix(hash, row->seq);
	hash = tally_mix(hash, (uint64_t)row->time);
	hash = tally_mix(hash, row->integer_key);
	return tally_mix_bytes(hash, row->row);
}

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

static void check_anchor_met(struct verify *verify)
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

static enum drift_err verify_log(struct verify *verify)
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

/* ---- The index, and snapshots beside it ---------------------------------------------- */

struct beside {
	struct verify *verify;
	enum drift_err err;
};

static void *read_beside(void *arg)
{
	struct beside *beside = arg;

	beside->err = verify_snapshots_read(beside->verify);
	return NULL;
}

/* What both should have is compared when both were read. */
static enum drift_err read_shortcuts(struct verify *verify)
{
	struct beside beside = { .verify = verify };
	bool started = false;
	pthread_t second;
	enum drift_err err = verify_index_begin(verify);

	if (!err && verify->snapshots.count)
		started = thread_start(&second, read_beside, &beside);
	if (!err)
		err = verify_index(verify);
	if (!err)
		err = verify_snapshots_read(verify);
	if (err)
		verify_snapshots_forgo(verify);
	if (started)
		pthread_join(second, NULL);
	return err ? err : beside.err;
}

/* ---- All of it ------------------------------------------------------------------------ */

static void forgo_snapshots(struct verify *verify)
{
	if (verify->snapshots.count && verify->say)
		verify->say(verify->arg, "snapshots are not compared: the index "
					 "that tells their rows is damaged");
	verify_snapshots_release(verify);
}

static enum drift_err verify_run(struct verify *verify)
{
	enum drift_err err = DRIFT_OK;

	*verify->report = (struct drift_verify_report){ 0 };
	pthread_mutex_init(&verify->lock, NULL);
	tables_init(&verify->tables);
	if (getrandom(&verify->seed, sizeof(verify->seed), GRND_NONBLOCK) < 0)
		verify->seed = 1;
	if (verify->reader)
		err = read_shortcuts(verify);
	if (!err && verify->report->faults)
		forgo_snapshots(verify);
	if (!err)
		err = verify_log(verify);
	if (!err && (!tally_equal(&verify->versions, &verify->log_versions) ||
		     !tally_equal(&verify->rows, &verify->log_rows)))
		err = verify_name(verify);
	if (!err)
		check_anchor_met(verify);
	if (!err)
		err = verify_snapshots_tell(
			verify, !tally_equal(&verify->snapshot_rows,
					     &verify->log_snapshot_rows));
	verify_snapshots_release(verify);
	tables_release(&verify->tables);
	pthread_mutex_destroy(&verify->lock);
	verify_past_release(verify);
	free(verify->current);
	if (err)
		return err;
	return verify->report->faults ? DRIFT_CORRUPT : DRIFT_OK;
}

enum drift_err drift_verify(struct drift_db *db, const struct drift_anchor *anchor,
			    const _Atomic bool *stop,
			    void (*say)(void *arg, const char *line), void *arg,
			    struct drift_verify_report *report)
{
	struct verify verify = {
		.dir = db->dir_fd,
		.log = &db->log,
		.stop = stop,
		.say = say,
		.arg = arg,
		.report = report,
		.anchor = anchor,
	};
	enum drift_err err = DRIFT_OK;

	/* So that it knows all of what it is to be compared with, if it can. */
	if (!drift_is_read_only(db))
		(void)!drift_fold(db);
	if (db->index)
		err = index_read_begin(db->index, &verify.reader);
	if (!err)
		err = verify_run(&verify);
	if (db->index)
		index_read_end(db->index, verify.reader);
	if (!db->damaged || (err && err != DRIFT_CORRUPT))
		return err;
	report->faults++;
	if (say)
		say(arg, "the log is damaged behind what was opened");
	return DRIFT_CORRUPT;
}

enum drift_err drift_log_verify(struct drift_log *log,
				const struct drift_anchor *anchor,
				void (*say)(void *arg, const char *line), void *arg,
				struct drift_verify_report *report)
{
	struct verify verify = {
		.dir = log->directory.fd,
		.log = &log->log,
		.live = log->live,
		.say = say,
		.arg = arg,
		.report = report,
		.anchor = anchor,
		.progress = log->progress,
		.progress_arg = log->progress_arg,
	};
	struct drift_error error = { 0 };
	struct index *index = NULL;
	bool bad_index = false;
	enum drift_err err = index_open_read(log->index_path, &index, &error);

	if (err == DRIFT_CORRUPT)
		bad_index = true;
	if (err == DRIFT_CORRUPT || err == DRIFT_DONE)
		err = DRIFT_OK;
	if (!err && index)
		err = index_read_begin(index, &verify.reader);
	/* Not before the index was looked at: it must not be ahead of the log. */
	if (!err)
		err = drift_log_list(log, &error);
	if (!err)
		err = verify_run(&verify);
	if (index)
		index_read_end(index, verify.reader);
	index_close(index);
	if (bad_index && (!err || err == DRIFT_CORRUPT)) {
		report->faults++;
		say(arg, error.text[0] ? error.text : "index: damaged");
		err = DRIFT_CORRUPT;
	}
	return err;
}
