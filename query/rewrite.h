/* SPDX-License-Identifier: MIT */
/* rewrite.h - a statement as SQLite shall read it. */
#ifndef DRIFT_QUERY_REWRITE_H
#define DRIFT_QUERY_REWRITE_H

#include "query/statement.h"
#include "query/verb.h"

/* `size` bytes of sql were copied from the script; what follows is ours. */
struct rewrite_mark {
	uint32_t sql;
	uint32_t script;
	uint32_t size;
};

struct rewrite {
	struct buf sql;
	struct rewrite_mark *marks; /* ascending */
	unsigned mark_count;
	unsigned mark_capacity;
};

#define REWRITE_INIT ((struct rewrite){ 0 })
void rewrite_release(struct rewrite *rewrite);

/* Resolve temporal clauses and write what is left to SQLite. A trailing AS OF of a
 * statement that only reads sets session->view. */
enum drift_err rewrite_make(struct query_session *session,
			    const struct statement *statement,
			    const struct verb *verb, struct rewrite *rewrite,
			    struct drift_error *error);
/* The script's byte, from 1, that byte `offset` of sql comes from; 0: none. */
int rewrite_position(const struct rewrite *rewrite, int offset);

#endif
