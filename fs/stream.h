/* SPDX-License-Identifier: MIT */
/* stream.h - directories whose entries are read from the database as they are
 * listed, in the order of a key by which reading can go on. */
#ifndef DRIFT_FS_STREAM_H
#define DRIFT_FS_STREAM_H

#include "fs/listing.h"

struct stream {
	/* Have the entry after listing->last_key at hand (the first when that is
	 * empty): listing->entry, and its key in listing->key. DRIFT_DONE at the end. */
	enum drift_err (*next)(struct listing *listing);
	/* The key does not tell the entries apart: one goes back by counting, and the
	 * cursor is kept between requests. */
	bool one_key;
};

/* For `next`: the entry at hand is called listing->name. */
[[nodiscard]] enum drift_err stream_give(struct listing *listing,
					 enum node_kind kind, uint64_t ino);

extern const struct stream stream_rows;     /* tables/t/rows */
extern const struct stream stream_history;  /* tables/t/history */
extern const struct stream stream_versions; /* tables/t/history/pk */

#endif
