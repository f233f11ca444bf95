/* SPDX-License-Identifier: MIT */
/* former.c - see former.h. */
#include "engine/former.h"

#include <stdlib.h>

#include "engine/versions.h"

/* Entries of `recent` that are stepped over before the next one is searched for. */
#define STEPS_MAX 4
#define BYTES_MAX (1u << 20)

enum answer { ANSWER_NONE, ANSWER_NO_ROW, ANSWER_VERSION };

struct former {
	struct index_cursor *recent; /* at an entry of it, if placed */
	bool placed;
	drift_seq segment, segment_end; /* that the last seq looked for lies in */
	unsigned runs;                  /* of the run it has answers for */
	uint8_t answers[INDEX_RUN_MAX]; /* enum answer */
	struct drift_version versions[INDEX_RUN_MAX];
	struct log_row wanted[INDEX_RUN_MAX];
	struct buf memory, run;
};

struct former *former_new(void)
{
	return calloc(1, sizeof(struct former));
}

void former_free(struct former *former)
{
	if (!former)
		return;
	index_cursor_close(former->recent);
	buf_release(&former->memory);
	buf_release(&former->run);
	free(former);
}

/* The row's block in `recent`: keys come in order there as they do in the run. */
static enum drift_err find_block(struct former *former, struct slice key,
				 struct slice *block)
{
	struct slice found;
	enum drift_err err;

	for (unsigned i = 0; former->placed && i < STEPS_MAX; i++) {
		int order;

		err = index_step(former->recent, INDEX_NEXT, &found, block);
		if (err && err != DRIFT_CORRUPT)
			break;
		order = slice_compare(found, key);
		if (order == 0)
			return err;
		if (order > 0)
			break;
	}
	err = index_find(former->recent, key, block);
	former->placed = !err;
	return err;
}

/* What the row's entry in `recent` says, which the run's may be. */
static enum drift_err block_of(struct former *former, const struct index_run *run,
			       unsigned i, struct slice *block)
{
	if (run->space != INDEX_RECENT)
		return find_block(former, run->entries[i].key, block);
	*block = run->entries[i].value;
	return block->data ? DRIFT_OK : DRIFT_CORRUPT;
}

/* Rows side by side were mostly written side by side. */
static drift_seq segment_of(struct former *former, const struct reading *reading,
			    drift_seq seq)
{
	if (seq < former->segment || seq >= former->segment_end)
		former->segment = log_segment_until(&reading->db->log, seq,
						    &former->segment_end);
	return former->segment;
}

/* Note what is known of entry i; how many rows are wanted then. */
static unsigned note(struct former *former, struct reading *reading,
		     const struct index_run *run, unsigned i, drift_seq seq,
		     unsigned wanted)
{
	struct drift_version *version = &former->versions[i];
	struct index_version found;
	struct slice block;
	uint64_t before = 1; /* what has no block is looked up alone */
	bool is_last;
	enum drift_err err = block_of(former, run, i, &block);

	if (!err)
		err = versions_find_in(block, seq, &found, &before, &is_last);
	if (err == DRIFT_DONE && before == 0)
		former->answers[i] = ANSWER_NO_ROW;
	if (err)
		return wanted;
	*version = (struct drift_version){
		.seq = found.seq,
		.time = found.time,
		.op = found.op,
		.integer_key = found.integer_key,
	};
	if (found.op == DRIFT_OP_DELETE) {
		former->answers[i] = ANSWER_VERSION;
		return wanted;
	}
	former->wanted[wanted] = (struct log_row){
		.place = { .segment = segment_of(former, reading, found.seq),
			   .offset = found.offset,
			   .size = found.size },
		.seq = found.seq,
		.i = i,
	};
	return wanted + 1;
}

static bool has_changed(const struct index_run *run, unsigned i, drift_seq seq)
{
	struct slice value = run->entries[i].value;
	struct index_row row;

	if (run->space == INDEX_RECENT)
		return true;
	return value.data && !index_row_decode(value, &row) && row.seq > seq;
}

/* Answer for the run from the entry at hand on, as far as it is no great matter. */
static enum drift_err look(struct former *former, struct reading *reading,
			   const struct index_run *run, drift_seq seq)
{
	unsigned wanted = 0;
	size_t bytes = 0;
	enum drift_err err = DRIFT_OK;

	memset(former->answers, ANSWER_NONE, sizeof(former->answers));
	former->runs = run->runs;
	if (!former->recent && run->space != INDEX_RECENT)
		err = index_cursor_open(reading->index, INDEX_RECENT,
					&former->recent);
	if (err)
		return err;
	for (unsigned i = run->at; i < run->count && bytes < BYTES_MAX; i++) {
		unsigned before = wanted;

		if (!has_changed(run, i, seq))
			continue;
		wanted = note(former, reading, run, i, seq, wanted);
		if (wanted > before)
			bytes += former->wanted[before].place.size;
	}
	err = log_rows_read(reading->db, former->wanted, wanted, &former->memory,
			    &former->run);
	for (unsigned i = 0; i < wanted && !err; i++) {
		const struct log_row *row = &former->wanted[i];

		former->versions[row->i].row = row->row;
		former->answers[row->i] = ANSWER_VERSION;
	}
	/* Alone, each tells what is wrong and where. */
	return err == DRIFT_NOMEM ? err : DRIFT_OK;
}

enum drift_err former_version(struct former *former, struct reading *reading,
			      const struct index_run *run, drift_seq seq,
			      struct drift_version *version)
{
	enum drift_err err = DRIFT_OK;

	if (former->runs != run->runs)
		err = look(former, reading, run, seq);
	if (err)
		return err;
	switch ((enum answer)former->answers[run->at]) {
	case ANSWER_NONE:
		return DRIFT_DONE;
	case ANSWER_NO_ROW:
		return DRIFT_NO_ROW;
	case ANSWER_VERSION:
		break;
	}
	*version = former->versions[run->at];
	return DRIFT_OK;
}
