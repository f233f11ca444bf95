/* SPDX-License-Identifier: MIT */
/* record_text.h - a text of many records, rendered as it is read and never held whole:
 * there is a window of it, and milestones to begin elsewhere. Nothing of the database is
 * held between calls. */
#ifndef DRIFT_FS_RECORD_TEXT_H
#define DRIFT_FS_RECORD_TEXT_H

#include "fs/milestone.h"
#include "fs/node.h"

struct tree;

/* What the records are; one for each kind of such a file (kind.h). */
struct records {
	/* Make *state for the records of identity, as they are now or in its view, and
	 * append what stands before the first one. end is called also on a failure, if
	 * *state was set. */
	enum drift_err (*begin)(struct tree *tree, const struct identity *identity,
				void **state, struct buf *head);
	/* Have the record behind the one with key `after` as the next one; size 0: the
	 * first one. */
	enum drift_err (*seek)(void *state, struct slice after);
	/* Append the next one; *key, by which reading can go on, is good until the next
	 * call. DRIFT_DONE at the end. */
	enum drift_err (*next)(void *state, struct buf *out, struct slice *key);
	/* Let go of the database until the next seek. */
	void (*rest)(void *state);
	void (*end)(void *state);
};

struct record_text {
	const struct records *records;
	void *state;
	struct buf head;   /* before the first record */
	struct buf window; /* the text from `from` on, as far as it was made */
	uint64_t from;
	struct buf last_key; /* of the last record in it */
	bool ended;          /* no record follows */
	struct milestones milestones;
};

/* text is zeroed; record_text_release also after a failure. */
[[nodiscard]] enum drift_err record_text_begin(struct record_text *text,
					       struct tree *tree,
					       const struct identity *identity);
void record_text_release(struct record_text *text);

/* Append at most size bytes from offset on; none at the end. Stops with
 * DRIFT_INTERRUPTED when stop(arg) says so. */
[[nodiscard]] enum drift_err record_text_read(struct record_text *text,
					      uint64_t offset, size_t size,
					      bool (*stop)(void *arg), void *arg,
					      struct buf *out);
/* Memory that grows with reading; and with less of it: what stands before `keep` goes, and
 * going back begins at the first record from now on. */
size_t record_text_bytes(const struct record_text *text);
void record_text_shrink(struct record_text *text, uint64_t keep);
/* How long it is: renders all of it. */
[[nodiscard]] enum drift_err record_text_measure(struct record_text *text,
						 bool (*stop)(void *arg), void *arg,
						 uint64_t *size);

#endif
