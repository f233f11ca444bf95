/* SPDX-License-Identifier: MIT */
/* edit.h - a statement with some of its tokens written otherwise.
 *
 * A pass over the tokens notes what shall stand before a token, after it, or instead
 * of a run of them; nothing is moved. What a later edit puts around a token stands
 * outside of what an earlier one put there, so passes nest: the first is innermost.
 * edits_write makes the text in one go, and marks where each piece came from. */
#ifndef DRIFT_QUERY_EDIT_H
#define DRIFT_QUERY_EDIT_H

#include "query/statement.h"

enum edit_place { EDIT_BEFORE, EDIT_INSTEAD, EDIT_AFTER };

struct edit {
	unsigned token;
	unsigned end;   /* EDIT_INSTEAD: of [token, end); EDIT_AFTER: token + 1 */
	unsigned order; /* its number */
	enum edit_place place;
	size_t at; /* in text */
	size_t size;
};

struct edits {
	struct edit *list;
	unsigned count;
	unsigned capacity;
	struct buf text;
	bool failed; /* out of memory; edits_write says so */
};

#define EDITS_INIT ((struct edits){ 0 })
void edits_release(struct edits *edits);

void edit_before(struct edits *edits, unsigned token, const char *text);
void edit_after(struct edits *edits, unsigned token, const char *text);
/* Instead of the tokens [first, end). Edits inside are dropped but for those before the
 * first and after the last. A run that begins in another run is not written. */
void edit_instead(struct edits *edits, unsigned first, unsigned end,
		  struct slice text);
/* Is anything noted about the tokens [first, end)? */
bool edits_touch(const struct edits *edits, unsigned first, unsigned end);

/* `size` bytes of sql come from the script; what follows is ours. */
struct rewrite_mark {
	uint32_t sql;
	uint32_t script;
	uint32_t size;
};

struct rewrite_marks {
	struct rewrite_mark *list; /* ascending */
	unsigned count;
	unsigned capacity;
};

/* Append the tokens [first, end) as edited to sql. */
enum drift_err edits_write(struct edits *edits, const struct statement *statement,
			   unsigned first, unsigned end, struct buf *sql,
			   struct rewrite_marks *marks);

#endif
