/* SPDX-License-Identifier: MIT */
/* drift_log.c - see drift_log.h. */
#include "engine/drift_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/tags.h"

enum drift_err drift_log_list(struct drift_log *log, struct drift_error *error)
{
	struct directory *directory = &log->directory;
	int fd;
	enum drift_err err;

	if (log->log.dir >= 0)
		log_close(&log->log);
	log->live = drift_owner(directory->path) != 0;
	err = directory_open_log(directory->fd, directory->path, &fd, error);
	if (err)
		return err;
	return log_open_alone(&log->log, &io_system, fd, directory->database_id,
			      error);
}

enum drift_err drift_log_open(const char *dir, struct drift_log **out,
			      struct drift_error *error)
{
	struct drift_log *log = calloc(1, sizeof(*log));
	enum drift_err err;

	*out = NULL;
	if (!log)
		return drift_fail_code(error, DRIFT_NOMEM);
	log->log.dir = -1;
	err = directory_open(&log->directory, &io_system, dir, error);
	if (!err && asprintf(&log->index_path, "%s/index", log->directory.path) < 0)
		err = drift_fail_code(error, DRIFT_NOMEM);
	if (!err)
		err = drift_log_list(log, error);
	if (err) {
		drift_log_close(log);
		return err;
	}
	*out = log;
	return DRIFT_OK;
}

void drift_log_on_progress(struct drift_log *log,
			   void (*progress)(void *arg, uint64_t events), void *arg)
{
	log->progress = progress;
	log->progress_arg = arg;
}

void drift_log_close(struct drift_log *log)
{
	if (!log)
		return;
	if (log->log.dir >= 0)
		log_close(&log->log);
	directory_close(&log->directory);
	free(log->index_path);
	free(log);
}

/* ---- Finding a transaction -------------------------------------------------------- */

struct search {
	drift_seq seq;      /* the event whose transaction is wanted; 0: any */
	drift_time_ns time; /* or: the last with a time <= time */
	bool by_time;
	bool damaged; /* before anything was found */
	bool found;
	struct survey_tx tx;
	char damage[400];
};

static enum drift_err search_tx(void *arg, const struct survey_tx *tx)
{
	struct search *search = arg;

	if (search->by_time && tx->time > search->time)
		return DRIFT_DONE;
	search->tx = *tx;
	search->tx.commit = (struct frame_commit){ 0 }; /* its texts go away */
	search->found =
		search->seq == 0 || (tx->count && tx->last_seq >= search->seq);
	return search->found && search->seq ? DRIFT_DONE : DRIFT_OK;
}

/* Nothing is said of what lies behind damage. */
static enum drift_err search_hole(void *arg, const struct survey_hole *hole)
{
	struct search *search = arg;

	if (hole->tail)
		return DRIFT_OK; /* unfinished, and so not there */
	survey_print_hole(hole, search->damage, sizeof(search->damage));
	return DRIFT_CORRUPT;
}

static enum drift_err search_segment(struct log *log, bool live, unsigned i,
				     struct search *search,
				     struct drift_error *error)
{
	const struct survey_calls calls = { .arg = search,
					    .tx = search_tx,
					    .hole = search_hole };
	struct survey_sums sums;
	enum drift_err err = survey_segment(log, i, live, &calls, &sums, error);

	if (err == DRIFT_CORRUPT && search->damage[0])
		return drift_fail(error, err, "%s", search->damage);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err log_find_tx(struct log *log, bool live, drift_seq seq,
			   unsigned *segment, struct survey_tx *tx,
			   struct drift_error *error)
{
	struct log_segment **list = atomic_load(&log->segments);
	struct search search = { .seq = seq };
	unsigned i = atomic_load(&log->count) - 1;
	enum drift_err err;

	while (i > 0 && list[i]->first_seq > seq)
		i--;
	err = search_segment(log, live, i, &search, error);
	if (err)
		return err;
	if (!search.found || seq == 0)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "the log has no event %" PRIu64, seq);
	*segment = i;
	*tx = search.tx;
	return DRIFT_OK;
}

enum drift_err log_last_tx(struct log *log, bool live, unsigned *segment,
			   struct survey_tx *tx, struct drift_error *error)
{
	struct search search = { 0 };
	enum drift_err err = DRIFT_OK;

	for (unsigned i = atomic_load(&log->count); i-- > 0 && !err;) {
		err = search_segment(log, live, i, &search, error);
		if (err || !search.found)
			continue;
		*segment = i;
		*tx = search.tx;
		return DRIFT_OK;
	}
	return err ? err : DRIFT_DONE;
}

/* ---- Moments ------------------------------------------------------------------------ */

enum drift_err log_tx_at(struct log *log, bool live, drift_time_ns time,
			 unsigned *segment, struct survey_tx *tx,
			 struct drift_error *error)
{
	struct log_segment **list = atomic_load(&log->segments);
	struct search search = { .by_time = true, .time = time };

	for (unsigned i = atomic_load(&log->count); i-- > 0;) {
		enum drift_err err = log_segment_open(log, list[i], O_RDONLY, error);

		if (!err && i > 0 && list[i]->previous_time > time)
			continue;
		if (!err)
			err = search_segment(log, live, i, &search, error);
		if (err)
			return err;
		if (!search.found)
			continue;
		*segment = i;
		*tx = search.tx;
		return DRIFT_OK;
	}
	return DRIFT_DONE;
}

static enum drift_err resolve_time(struct drift_log *log, drift_time_ns time,
				   drift_seq *seq, struct drift_error *error)
{
	struct survey_tx tx = { 0 };
	unsigned segment;
	enum drift_err err =
		log_tx_at(&log->log, log->live, time, &segment, &tx, error);

	*seq = tx.last_seq;
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err take_tag(void *arg, const struct frame *frame,
			       const struct place *place)
{
	struct tags *tags = arg;
	struct frame_ddl ddl;

	(void)place;
	if (frame->kind != FRAME_DDL || frame_read_ddl(frame, &ddl) ||
	    (ddl.op != DDL_TAG && ddl.op != DDL_UNTAG))
		return DRIFT_OK;
	return tags_apply(tags, &ddl, frame->time);
}

/* Tags are what the whole log says of them. */
static enum drift_err resolve_tag(struct drift_log *log, const char *name,
				  drift_seq *seq, struct drift_error *error)
{
	struct tags tags;
	const struct survey_calls calls = { .arg = &tags, .frame = take_tag };
	struct survey_sums sums;
	struct drift_tag tag;
	enum drift_err err = DRIFT_OK;

	tags_init(&tags);
	for (unsigned i = 0; i < atomic_load(&log->log.count) && !err; i++)
		err = survey_segment(&log->log, i, log->live, &calls, &sums, error);
	if (!err && tags_find(&tags, slice_str(name), &tag))
		err = drift_fail(error, DRIFT_BAD_MOMENT, "no tag \"%s\"", name);
	else if (!err)
		*seq = tag.seq;
	tags_release(&tags);
	return err;
}

enum drift_err drift_log_head(struct drift_log *log, drift_seq *seq,
			      struct drift_error *error)
{
	struct survey_tx tx;
	unsigned segment;
	enum drift_err err = log_last_tx(&log->log, log->live, &segment, &tx, error);

	*seq = err ? 0 : tx.last_seq;
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err drift_log_resolve(struct drift_log *log, const struct moment *moment,
				 drift_seq *seq, struct drift_error *error)
{
	drift_seq head = 0;
	enum drift_err err = DRIFT_OK;

	if (moment->kind == MOMENT_TIME)
		return resolve_time(log, moment->time, seq, error);
	if (moment->kind == MOMENT_TAG)
		return resolve_tag(log, moment->tag, seq, error);
	err = drift_log_head(log, &head, error);
	if (err)
		return err;
	if (moment->seq > head)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "%s%" PRIu64
				  ": the log's newest event is %" PRIu64,
				  moment->kind == MOMENT_HEAD ? "head~" : "seq ",
				  moment->seq, head);
	*seq = moment->kind == MOMENT_HEAD ? head - moment->seq : moment->seq;
	return DRIFT_OK;
}
