/* SPDX-License-Identifier: MIT */
/* csv.h - tables as CSV, and CSV as documents. What csv_add_value writes, a
 * csv_reader reads back as the same value (but for texts that look like JSON arrays or
 * objects, and for the difference between null and absent).
 * Format: RFC 4180, lines end with LF or CRLF, the first record is the header.
 *
 * A field stands for: nothing, if it is empty and not quoted: the document does not get
 * that member. In a column of a declared type: what that type reads from the text. In
 * any other: a JSON array or object if it reads as one, or a number, true, false or null
 * if it does and is not quoted; else text. */
#ifndef DRIFT_QUERY_CSV_H
#define DRIFT_QUERY_CSV_H

#include "engine/engine.h"

#define CSV_RECORD_BYTES_MAX ((size_t)32 << 20)

/* Append a header's field, and one MessagePack value as a field. */
void csv_add_name(struct slice name, struct buf *out);
[[nodiscard]] enum drift_err csv_add_value(struct slice value, struct buf *out);

struct csv_reader;

/* def says the columns' types; it must outlive the reader. NULL: out of memory. */
struct csv_reader *csv_reader_new(const struct table_def *def);
void csv_reader_free(struct csv_reader *reader); /* NULL is fine */
/* Take more of the text, in pieces of any size. */
[[nodiscard]] enum drift_err csv_reader_feed(struct csv_reader *reader,
					     struct slice text);
/* Append the next record as a document; `last`: no more text follows. DRIFT_DONE: there
 * is no whole record (any more). *line gets the line it begins at, also on an error. */
[[nodiscard]] enum drift_err csv_reader_next(struct csv_reader *reader, bool last,
					     struct buf *document, uint64_t *line,
					     struct drift_error *error);

#endif
