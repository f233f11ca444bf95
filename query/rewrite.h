/* SPDX-License-Identifier: MIT */
/* rewrite.h - a statement as SQLite shall read it. */
#ifndef DRIFT_QUERY_REWRITE_H
#define DRIFT_QUERY_REWRITE_H

#include "engine/catalog.h"
#include "query/asof.h"
#include "query/edit.h"
#include "query/verb.h"

#define REWRITE_HINTS_MAX 64

/* What is known of a result column from how it is written. */
struct rewrite_hint {
	int column; /* from the first, 0; or from the last, -1 */
	enum drift_type type;
};

/* What SQLite runs, one after the other, for one statement. */
enum rewrite_part {
	REWRITE_MAIN,
	REWRITE_CONFLICT,  /* the UPDATE of ON CONFLICT DO UPDATE */
	REWRITE_RETURNING, /* a SELECT from the rows that were written */
	REWRITE_PARTS,
};

struct rewrite_text {
	struct buf sql;
	struct rewrite_marks marks;
};

struct rewrite {
	struct rewrite_text parts[REWRITE_PARTS];
	struct rewrite_hint hints[REWRITE_HINTS_MAX];
	unsigned hint_count;
};

#define REWRITE_INIT ((struct rewrite){ 0 })
void rewrite_release(struct rewrite *rewrite);

/* Resolve temporal clauses, spell what is PostgreSQL's in SQLite's way, and write it.
 * A trailing AS OF of a statement that only reads sets session->view. */
enum drift_err rewrite_make(struct query_session *session,
			    const struct statement *statement,
			    const struct verb *verb, struct rewrite *rewrite,
			    struct drift_error *error);
/* A saved query's text, its tables at the moment, if there is one. */
enum drift_err rewrite_saved(struct query_session *session,
			     const struct statement *statement,
			     const struct asof *asof, struct rewrite *rewrite,
			     struct drift_error *error);
/* Append the expression in the tokens [first, end): its spellings only. */
enum drift_err rewrite_expression(struct query_session *session,
				  const struct statement *statement, unsigned first,
				  unsigned end, struct rewrite_text *text,
				  struct drift_error *error);
/* Does nothing of the script stand at offset, but what was written for it? */
bool rewrite_is_ours(const struct rewrite_text *text, int offset);
/* The script's byte, from 1, that byte `offset` of sql comes from; 0: none. */
int rewrite_position(const struct rewrite_text *text, int offset);

#endif
