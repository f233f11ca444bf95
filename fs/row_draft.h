/* SPDX-License-Identifier: MIT */
/* row_draft.h - a row in the making: the bytes a handle was given, judged as they
 * come, and the document in them once it is whole. */
#ifndef DRIFT_FS_ROW_DRAFT_H
#define DRIFT_FS_ROW_DRAFT_H

#include "engine/json_prefix.h"
#include "fs/tree.h"

struct row_draft {
	struct tree *tree;
	struct account *account; /* whose bytes these are */
	struct identity row;     /* whose it is to be; key: into its node's */
	bool append;             /* what is added is a patch of the row */
	enum drift_err let_go;   /* why the text was, until it begins anew */
	struct buf text;
	size_t base;               /* the document begins here */
	struct json_prefix prefix; /* has been fed text from base to the end */
	bool ordered;              /* ... which is so while bytes come in order */
	bool checked;              /* the document in it was checked */
	bool unsaved;              /* text is neither stored nor refused */
	bool ready;                /* document is what to commit */
	struct buf document;       /* append: the patch; else the row to store */
};
/* Invariants, between calls:
 * 1. base <= text.size; base is 0 unless append.
 * 2. ready implies checked and unsaved.
 * 3. text.size is taken from account. */

/* Begin with the present text of the row (taken over; may be empty). DRIFT_LIMIT: its
 * user has no room for it, and it began with none. */
[[nodiscard]] enum drift_err row_draft_begin(struct row_draft *draft,
					     struct buf *text);
void row_draft_release(struct row_draft *draft);

/* Take bytes at offset (with append: at the end, wherever that is). Fails on what
 * can never become a document, on a whole one that breaks a rule, and above the
 * bounds on size; a write that fails leaves nothing behind but what was there. */
[[nodiscard]] enum drift_err row_draft_write(struct row_draft *draft,
					     struct slice bytes, uint64_t offset,
					     struct drift_error *error);
[[nodiscard]] enum drift_err row_draft_truncate(struct row_draft *draft,
						uint64_t size);
/* Judge what came in any order, as a whole, if it was not judged yet. */
[[nodiscard]] enum drift_err row_draft_judge(struct row_draft *draft,
					     struct drift_error *error);

/* Put the document into txn. A patch is merged into the row at view. */
[[nodiscard]] enum drift_err row_draft_put(const struct row_draft *draft,
					   struct drift_view view,
					   struct drift_txn *txn,
					   enum drift_put_mode mode,
					   struct drift_error *error);
/* It was committed: what comes next is judged from here. */
void row_draft_stored(struct row_draft *draft);
/* It was refused for good. */
void row_draft_refused(struct row_draft *draft);

#endif
