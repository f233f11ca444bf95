/* SPDX-License-Identifier: MIT */
/* format.h - the text of single values and of aligned tables; see query.h for the
 * printer over them. */
#ifndef DRIFT_QUERY_FORMAT_H
#define DRIFT_QUERY_FORMAT_H

#include "query/query.h"

/* Append a value as people and CSV see it; nothing for null. Booleans are the words
 * given. */
void format_plain(const struct msg_value *value, const char *no, const char *yes,
		  struct buf *out);
/* Append a value as JSON. */
void format_json(const struct msg_value *value, bool is_json, struct buf *out);

/* The text as TSV has it (PostgreSQL's COPY): \t, \n, \r and \\ for those. */
void format_escaped(struct slice text, struct buf *out);

/* cells.c: the session's columns, its row, the statement's end. */
void format_cells_columns(const struct query_session *session, struct buf *out);
void format_cells_row(const struct query_session *session, struct buf *out);
void format_cells_end(const char *message, struct buf *out);

/* table.c: rows are kept until the columns' widths are known. */
#define TABLE_ROWS_KEPT 1000

struct format_cell {
	size_t at; /* in cells' text */
	size_t size;
	bool right; /* a number */
};

struct format_table {
	unsigned column_count;
	unsigned *widths; /* in characters; 0 columns: none */
	unsigned rows;    /* kept */
	uint64_t total;
	bool flowing; /* widths are fixed, rows are written at once */
	struct format_cell *cells;
	unsigned cell_count;
	unsigned cell_capacity;
	struct buf text;
};

/* Begin with the session's columns: the names are the first row. */
enum drift_err format_table_begin(struct format_table *table,
				  const struct query_session *session);
/* Take the session's row; out gets what can be written already. */
enum drift_err format_table_row(struct format_table *table,
				const struct query_session *session,
				struct buf *out);
void format_table_end(struct format_table *table, struct buf *out);
void format_table_release(struct format_table *table);

#endif
