/* SPDX-License-Identifier: MIT */
/* ingest.c - driftdb ingest: a file's rows into a table, a batch a transaction.
 *
 * Rows go in in the file's order. With --on-error stop the first bad one ends it, and
 * nothing of its batch is stored; with skip it is told and left out. A batch that fails
 * is tried again without the row at fault; where that is not known, in smaller and
 * smaller parts, which grow again while all goes well. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/ask.h"
#include "tools/command.h"
#include "tools/progress.h"
#include "tools/records.h"
#include "tools/store.h"

#define BATCH_ROWS 10000
#define BATCH_BYTES (8u << 20)

static struct {
	const char *dir;
	const char *table;
	const char *file;
	const char *as;
	const char *on_error;
	const char *key;
	uint64_t batch;
	bool create;
	bool replace;
	bool quiet;
} given;

struct ingest {
	struct door *door;
	struct store *store;
	struct records *records;
	struct progress *progress;
	struct batch batch;
	bool skip;
	uint64_t rows_max; /* in a batch */
	uint64_t stored, skipped;
	uint64_t told; /* bytes of the file that progress knows of */
};

/* "FILE:LINE: " or "FILE:LINE-LINE: ", and why. */
static void tell(struct ingest *ingest, uint64_t first, uint64_t last,
		 const struct drift_error *error)
{
	progress_hide(ingest->progress);
	fprintf(stderr, "%s:%" PRIu64, records_name(ingest->records), first);
	if (last != first)
		fprintf(stderr, "-%" PRIu64, last);
	fprintf(stderr, ": %s\n", error->text);
}

/* Is the row to blame? Else going on makes no sense. */
static bool is_of_a_row(enum drift_err err)
{
	switch (err) {
	case DRIFT_KEY_EXISTS:
	case DRIFT_NO_COLUMN:
	case DRIFT_BAD_JSON:
	case DRIFT_BAD_TYPE:
	case DRIFT_BAD_KEY:
	case DRIFT_BAD_ARGUMENT: /* shares its SQLSTATE with BAD_KEY */
	case DRIFT_BAD_TEXT:
	case DRIFT_SYNTAX:
	case DRIFT_NOT_NULL:
	case DRIFT_CHECK:
	case DRIFT_FOREIGN_KEY:
	case DRIFT_TOO_BIG:
	case DRIFT_TOO_LONG:
	case DRIFT_NAME_TOO_LONG:
	case DRIFT_OUT_OF_RANGE:
		return true;
	default:
		return false;
	}
}

/* Store the batch; an error was told. */
static enum drift_err store_batch(struct ingest *ingest)
{
	const struct batch *batch = &ingest->batch;
	size_t part = batch->count; /* to try at once */
	size_t bad = SIZE_MAX;      /* a row known to be */
	size_t at = 0;

	while (at < batch->count) {
		struct drift_error error = { 0 };
		size_t to = batch->count - at < part ? batch->count : at + part;
		enum drift_err err;

		err = store_rows(ingest->store, batch, at, to, &bad, &error);
		if (!err) {
			ingest->stored += to - at;
			progress_add(ingest->progress, to - at, 0);
			at = to;
			part *= 2;
			continue;
		}
		if (to - at == 1)
			bad = at;
		if (!ingest->skip || !is_of_a_row(err)) {
			tell(ingest, batch->rows[bad == SIZE_MAX ? at : bad].line,
			     batch->rows[bad == SIZE_MAX ? to - 1 : bad].line,
			     &error);
			return err;
		}
		if (bad == at) {
			tell(ingest, batch->rows[at].line, batch->rows[at].line,
			     &error);
			ingest->skipped++;
			at++;
		} else {
			part = bad == SIZE_MAX ? (to - at) / 2 : bad - at;
		}
	}
	batch_clear(&ingest->batch);
	return DRIFT_OK;
}

static void tell_progress(struct ingest *ingest)
{
	uint64_t read = records_read(ingest->records);

	progress_add(ingest->progress, 0, read - ingest->told);
	ingest->told = read;
}

/* The next record into the batch; one that is bad is told. */
static enum drift_err take_record(struct ingest *ingest)
{
	struct batch *batch = &ingest->batch;
	size_t start = batch->documents.size;
	struct drift_error error = { 0 };
	uint64_t line = 0;
	enum drift_err err =
		records_next(ingest->records, &batch->documents, &line, &error);

	if (!err)
		err = batch_add(batch, line);
	if (!err || err == DRIFT_DONE)
		return err;
	(void)!drift_fail_code(&error, err);
	tell(ingest, line, line, &error);
	if (!ingest->skip || records_failed(ingest->records) || !is_of_a_row(err))
		return err;
	batch->documents.size = start;
	ingest->skipped++;
	return DRIFT_OK;
}

static enum drift_err take_all(struct ingest *ingest)
{
	enum drift_err err;

	while (!(err = take_record(ingest))) {
		if (ingest->batch.count < ingest->rows_max &&
		    ingest->batch.documents.size < BATCH_BYTES)
			continue;
		tell_progress(ingest);
		err = store_batch(ingest);
		if (err)
			return err;
	}
	return err == DRIFT_DONE ? store_batch(ingest) : err;
}

static int run_ingest(struct ingest *ingest)
{
	enum drift_err err;

	ingest->progress = progress_new("rows", records_size(ingest->records));
	err = take_all(ingest);
	progress_free(ingest->progress);
	ingest->progress = NULL;
	if (err) {
		fprintf(stderr, "driftdb: stopped; %" PRIu64 " row(s) were stored\n",
			ingest->stored);
		return drift_err_exit(err);
	}
	if (!given.quiet && ingest->skipped)
		printf("Stored %" PRIu64 " row(s), skipped %" PRIu64 "\n",
		       ingest->stored, ingest->skipped);
	else if (!given.quiet)
		printf("Stored %" PRIu64 " row(s)\n", ingest->stored);
	return EXIT_FINE;
}

/* ---- Setting out -------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
	size_t size = strlen(name), end_size = strlen(end);

	return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* What --as says, or else the file's name. */
static bool find_form(enum records_form *form)
{
	*form = RECORDS_JSONL;
	if (given.as) {
		*form = strcmp(given.as, "csv") == 0 ? RECORDS_CSV : RECORDS_JSONL;
		return true;
	}
	if (ends_with(given.file, ".csv"))
		*form = RECORDS_CSV;
	return *form == RECORDS_CSV || strcmp(given.file, "-") == 0 ||
	       ends_with(given.file, ".jsonl") || ends_with(given.file, ".ndjson") ||
	       ends_with(given.file, ".json");
}

static enum drift_err drop(void *arg, struct slice text, struct drift_error *error)
{
	(void)arg;
	(void)text;
	(void)error;
	return DRIFT_OK;
}

static enum drift_err create_table(struct ingest *ingest, struct drift_error *error)
{
	const struct door_sink sink = { .format = QUERY_JSON, .take = drop };
	struct buf statement = BUF_INIT;
	enum drift_err err;

	buf_add_str(&statement, "CREATE TABLE IF NOT EXISTS ");
	ask_add_name(&statement, given.table);
	buf_add_str(&statement, " (pk=");
	ask_add_name(&statement, given.key ? given.key : "id");
	buf_add_char(&statement, ')');
	err = door_run(ingest->door, buf_cstr(&statement), &sink, error);
	buf_release(&statement);
	return err;
}

static enum drift_err open_all(struct ingest *ingest, enum records_form form,
			       struct drift_error *error)
{
	enum drift_err err = door_open(given.dir, false, &ingest->door, error);

	if (!err && given.create)
		err = create_table(ingest, error);
	if (!err)
		err = store_open(ingest->door, given.table, given.replace,
				 &ingest->store, error);
	if (!err)
		err = records_open(given.file, form, store_table(ingest->store),
				   &ingest->records, error);
	return err;
}

static int run(void)
{
	struct ingest ingest = {
		.skip = given.on_error && strcmp(given.on_error, "skip") == 0,
		.rows_max = given.batch ? given.batch : BATCH_ROWS,
	};
	struct drift_error error = { 0 };
	enum records_form form;
	int status;

	if (!find_form(&form))
		return complain_usage(
			"ingest: what is in %s? --as jsonl or --as csv", given.file);
	if (given.key && !given.create)
		return complain_usage("ingest: --key goes with --create");
	if (open_all(&ingest, form, &error))
		status = complain(&error);
	else
		status = run_ingest(&ingest);
	records_close(ingest.records);
	store_close(ingest.store);
	door_close(ingest.door);
	batch_release(&ingest.batch);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, true),
	{ .letter = 'f',
	  .name = "file",
	  .value = "FILE",
	  .help = "JSON lines or CSV with a header, - for standard input",
	  .text = &given.file,
	  .needed = true },
	{ .name = "as",
	  .value = "FORM",
	  .choices = "jsonl csv",
	  .help = "what the file holds, where its name does not tell",
	  .text = &given.as },
	{ .name = "create",
	  .help = "make the table, of documents, if it is not there",
	  .flag = &given.create },
	{ .name = "key",
	  .value = "COLUMN",
	  .help = "its primary key; id if not given",
	  .text = &given.key },
	{ .name = "on-error",
	  .value = "WHAT",
	  .choices = "stop skip",
	  .help = "at a bad row: stop, storing nothing of its batch (the default), "
		  "or skip it",
	  .text = &given.on_error },
	{ .name = "replace",
	  .help = "a row takes the place of one with its key",
	  .flag = &given.replace },
	{ .name = "batch",
	  .value = "ROWS",
	  .help = "rows in one transaction (10000)",
	  .number = &given.batch },
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_ingest = {
	.name = "ingest",
	.help = "store the rows of a file: JSON lines or CSV",
	.run = run,
	.options = options,
	.more = "Bad rows are told as FILE:LINE: reason. CSV's texts are read by "
		"the "
		"types of the\ntable's columns.",
};
