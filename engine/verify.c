/* SPDX-License-Identifier: MIT */
/* verify.c - read all of it and say what does not fit: the index and the snapshots first,
 * then the log, which both are compared with; see verify.h. */
#include "engine/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

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
		verify_anchor(verify);
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
