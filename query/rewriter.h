/* SPDX-License-Identifier: MIT */
/* rewriter.h - what the two halves of rewriting share: rewrite.c copies, and
 * rewrite_time.c writes tables at their moments. */
#ifndef DRIFT_QUERY_REWRITER_H
#define DRIFT_QUERY_REWRITER_H

#include "query/rewrite.h"
#include "query/temporal.h"

/* A trailing AS OF that holds for the tokens [first, end) only. */
struct scope {
	unsigned first;
	unsigned end;
	drift_seq seq;
};

#define SCOPES_MAX 16

struct rewriter {
	struct query_session *session;
	struct statement statement; /* at: the token to copy next */
	const struct verb *verb;
	struct rewrite *out;
	struct drift_error *error;
	uint32_t copied; /* script bytes before it are done with */
	struct scope scopes[SCOPES_MAX];
	unsigned scope_count;
	unsigned set_at;    /* UPDATE's SET; count: none */
	bool keeping;       /* inside drift_keep( */
	unsigned documents; /* the '*' that stands for doc, 0: none */
};

/* Copying; rewrite.c. */
struct token rewriter_token(const struct rewriter *rewriter, unsigned i);
bool rewriter_is_word(const struct rewriter *rewriter, unsigned i, const char *word);
bool rewriter_is_punct(const struct rewriter *rewriter, unsigned i,
		       const char *punct);
/* Copy the script up to the start of token `end`. */
enum drift_err rewriter_copy_to(struct rewriter *rewriter, unsigned end);
/* Leave out the tokens up to `end`; the space after them stays. */
void rewriter_skip_to(struct rewriter *rewriter, unsigned end);

/* Time; rewrite_time.c. */
/* Resolve every trailing AS OF, before anything is copied: they stand behind what
 * they cover. */
enum drift_err rewriter_find_scopes(struct rewriter *rewriter);
/* The name at token i with its FOR SYSTEM_TIME clause. */
enum drift_err rewriter_clause(struct rewriter *rewriter, unsigned i);
/* Leave the trailing AS OF at token i out. */
enum drift_err rewriter_skip_trailing(struct rewriter *rewriter, unsigned i);
/* Is token i a table in reach of a trailing AS OF that is not the whole statement's
 * view? */
bool rewriter_needs_moment(const struct rewriter *rewriter, unsigned i);
enum drift_err rewriter_in_scope(struct rewriter *rewriter, unsigned i);

#endif
