/* SPDX-License-Identifier: MIT */
/* records.c - see records.h. */
#include "tools/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/json.h"
#include "query/csv.h"

#define PIECE_BYTES (1u << 20)
#define LINE_BYTES_MAX (32u << 20)

struct records {
	const char *name;
	int fd;
	bool ended;  /* all of the file was read */
	bool failed; /* it cannot be read on */
	uint64_t size, read;
	struct csv_reader *csv; /* NULL: JSON lines */
	struct buf text;        /* read and not yet handed out, from `at` on; for CSV
				 * the last piece */
	size_t at;
	size_t scanned; /* there is no line's end before it */
	uint64_t line;  /* JSON lines: of text[at] */
};

enum drift_err records_open(const char *name, enum records_form form,
			    const struct table_def *def, struct records **out,
			    struct drift_error *error)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	struct records *records;
	struct stat st;

	if (fd < 0)
		return drift_fail(error, DRIFT_IO, "%s: %s", name, strerror(errno));
	records = calloc(1, sizeof(*records));
	if (!records) {
		if (!is_stdin)
			close(fd);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	records->name = is_stdin ? "standard input" : name;
	records->fd = fd;
	records->line = 1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		records->size = (uint64_t)st.st_size;
	if (form == RECORDS_CSV)
		records->csv = csv_reader_new(def);
	if (form == RECORDS_CSV && !records->csv) {
		records_close(records);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	*out = records;
	return DRIFT_OK;
}

void records_close(struct records *records)
{
	if (!records)
		return;
	if (records->fd != STDIN_FILENO)
		close(records->fd);
	csv_reader_free(records->csv);
	buf_release(&records->text);
	free(records);
}

bool records_failed(const struct records *records)
{
	return records->failed;
}

const char *records_name(const struct records *records)
{
	return records->name;
}

uint64_t records_size(const struct records *records)
{
	return records->size;
}

uint64_t records_read(const struct records *records)
{
	return records->read;
}

static enum drift_err fail(struct records *records, enum drift_err err,
			   struct drift_error *error)
{
	records->failed = true;
	return drift_fail_code(error, err);
}

/* Append a piece of the file to text. */
static enum drift_err read_piece(struct records *records, struct drift_error *error)
{
	char *at = buf_reserve(&records->text, PIECE_BYTES);
	ssize_t size;

	if (!at)
		return fail(records, DRIFT_NOMEM, error);
	do {
		size = read(records->fd, at, PIECE_BYTES);
	} while (size < 0 && errno == EINTR);
	if (size < 0) {
		records->failed = true;
		return drift_fail(error, DRIFT_IO, "%s", strerror(errno));
	}
	records->text.size += (size_t)size;
	records->read += (uint64_t)size;
	records->ended = size == 0;
	return DRIFT_OK;
}

/* ---- JSON lines --------------------------------------------------------------- */

/* The next line; false: there is none whole. */
static bool take_line(struct records *records, struct slice *line)
{
	const char *start = records->text.data + records->at;
	const char *from = records->text.data + records->scanned;
	const char *end = records->text.data + records->text.size;
	const char *newline = memchr(from, '\n', (size_t)(end - from));

	records->scanned = records->text.size;
	if (!newline && !(records->ended && start < end))
		return false;
	*line = slice_of(start, (size_t)((newline ? newline : end) - start));
	records->at += line->size + (newline ? 1 : 0);
	records->scanned = records->at;
	return true;
}

static enum drift_err next_line(struct records *records, struct buf *document,
				uint64_t *number, struct drift_error *error)
{
	struct buf *text = &records->text;
	struct slice line;
	enum drift_err err;

	for (;;) {
		while (text->data && take_line(records, &line)) {
			*number = records->line++;
			if (!slice_is_blank(line))
				return json_parse_document(line, document, error);
		}
		*number = records->line;
		if (records->ended)
			return DRIFT_DONE;
		text->size -= records->at;
		if (records->at)
			memmove(text->data, text->data + records->at, text->size);
		records->at = 0;
		records->scanned = text->size;
		if (text->size > LINE_BYTES_MAX) {
			records->failed = true;
			return drift_fail(error, DRIFT_TOO_BIG,
					  "a line of more than %u bytes",
					  LINE_BYTES_MAX);
		}
		err = read_piece(records, error);
		if (err)
			return err;
	}
}

/* ---- CSV ------------------------------------------------------------------------ */

/* The reader tells the line in its text; here it stands before. */
static void drop_line(struct drift_error *error)
{
	const char *text;

	if (!error || strncmp(error->text, "line ", 5) != 0)
		return;
	text = strstr(error->text, ": ");
	if (text)
		memmove(error->text, text + 2, strlen(text + 2) + 1);
}

static enum drift_err next_csv(struct records *records, struct buf *document,
			       uint64_t *number, struct drift_error *error)
{
	enum drift_err err;

	for (;;) {
		size_t start = document->size;

		err = csv_reader_next(records->csv, records->ended, document, number,
				      error);
		if (err != DRIFT_DONE || records->ended)
			break;
		document->size = start;
		buf_clear(&records->text);
		err = read_piece(records, error);
		if (!err)
			err = csv_reader_feed(records->csv,
					      buf_slice(&records->text));
		if (err)
			return fail(records, err, error);
	}
	/* Without a header there is nothing to go on with. */
	if (err && err != DRIFT_DONE && (*number == 1 || err == DRIFT_TOO_BIG))
		records->failed = true;
	if (err && err != DRIFT_DONE)
		drop_line(error);
	return err;
}

enum drift_err records_next(struct records *records, struct buf *document,
			    uint64_t *line, struct drift_error *error)
{
	return records->csv ? next_csv(records, document, line, error)
			    : next_line(records, document, line, error);
}
