/* SPDX-License-Identifier: MIT */
/* dump_line.h - one line of the dump format, read back.
 *
 * A line is one JSON object:
 *	seq, tx, time, user, client, comment, table, op, pk, row	an event
 *	tx, time, user, client, comment, op "ddl", sql			a definition
 * in any order, absent when empty. Anything else is refused: a field that load
 * would pass over is a field it would lose. */
#ifndef DRIFT_TOOLS_DUMP_LINE_H
#define DRIFT_TOOLS_DUMP_LINE_H

#include "engine/engine.h"

struct dump_line {
	bool ddl;
	drift_seq seq; /* 0 for ddl */
	uint64_t tx;
	drift_time_ns time;
	struct slice user, client, comment; /* text; size 0: none */
	struct slice table;                 /* text */
	enum drift_op op;
	struct slice pk;     /* one MessagePack value */
	struct slice row;    /* document; size 0 for a delete and for ddl */
	struct slice sql;    /* text; ddl only */
	struct buf document; /* the line as MessagePack; slices point here */
};

#define DUMP_LINE_INIT ((struct dump_line){ 0 })

void dump_line_release(struct dump_line *line);
/* Read text, one line without its newline, into *line, whose memory is used
 * again. DRIFT_BAD_JSON or DRIFT_BAD_ARGUMENT, saying what is wrong. */
enum drift_err dump_line_parse(struct slice text, struct dump_line *line,
			       struct drift_error *error);

#endif
