/* SPDX-License-Identifier: MIT */
/* copy.h - COPY: which statement it stands for, and its lines of text.
 *
 * COPY is a matter between a client and a connection: wire_copy.c moves the lines, what
 * they mean is an INSERT's or a SELECT's.
 * Format: PostgreSQL 15's manual, COPY, "Text Format" and "CSV Format". */
#ifndef DRIFT_QUERY_COPY_H
#define DRIFT_QUERY_COPY_H

#include "query/statement.h"

struct copy_form {
	bool csv;
	bool header;
	char delimiter;
	char quote;
	char escape;
	char null[32];
};

struct copy {
	bool from; /* FROM STDIN; else TO STDOUT */
	struct copy_form form;
	unsigned columns;  /* FROM: how many a line has */
	struct buf sql;    /* TO: the query; FROM: INSERT INTO t (a, b) VALUES */
	struct buf target; /* what messages call it */
};

/* Is the script a COPY and no more? Then it is read, or refused. */
bool copy_is(const char *script, size_t size);
enum drift_err copy_read(struct query_session *session, const char *script,
			 size_t size, struct copy *copy, struct drift_error *error);
void copy_release(struct copy *copy);

/* copy_line.c: append a field; value NULL data: null. first: no delimiter before it. */
void copy_add_field(const struct copy_form *form, struct slice value, bool first,
		    struct buf *out);

struct copy_field {
	size_t at; /* in text */
	size_t size;
	bool null;
};

struct copy_line {
	struct copy_field *fields;
	unsigned count;
	unsigned capacity;
	struct buf text;
};

/* Read the line at *at of the text and move past it. DRIFT_DONE: no whole line is there
 * (`last`: nothing is). *ended: it was the end mark, \. */
enum drift_err copy_next_line(const struct copy_form *form, struct slice text,
			      bool last, size_t *at, struct copy_line *line,
			      bool *ended, struct drift_error *error);
void copy_line_release(struct copy_line *line);

#endif
