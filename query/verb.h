/* SPDX-License-Identifier: MIT */
/* verb.h - what a statement that SQLite runs does, and to which table. */
#ifndef DRIFT_QUERY_VERB_H
#define DRIFT_QUERY_VERB_H

#include "query/statement.h"

enum verb_kind { VERB_READ, VERB_INSERT, VERB_UPDATE, VERB_DELETE };

/* Places of a statement's parts, by token; 0: it has none. */
struct verb {
	enum verb_kind kind;
	unsigned at;           /* its token; after WITH's list, if there is one */
	unsigned target;       /* the token that names the table written to */
	unsigned alias;        /* another name it is given */
	unsigned after_target; /* the token after those names */
	unsigned using;        /* DELETE's USING */
	unsigned end;          /* of what SQLite runs: where the next two begin */
	unsigned conflict;     /* ON of ON CONFLICT */
	unsigned set;          /* SET of its DO UPDATE; 0: DO NOTHING */
	unsigned where;        /* the WHERE of that */
	unsigned returning;
	unsigned conflict_end; /* RETURNING, or the statement's end */
};

/* Refuses, with 0A000, clauses that tables here do not have: OR FAIL, OR ROLLBACK. */
enum drift_err verb_find(const struct statement *statement, struct verb *verb,
			 struct drift_error *error);

/* Tokens by their depth in parentheses. */
/* The first token at or after `from` on from's own depth that is the word; count
 * when there is none before that depth ends. */
unsigned verb_find_word(const struct statement *statement, unsigned from,
			const char *word);
/* The token of the ')' that closes the '(' at `open`; count when missing. */
unsigned verb_find_close(const struct statement *statement, unsigned open);

#endif
