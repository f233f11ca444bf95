/* SPDX-License-Identifier: MIT */
/* listing.h - what a directory holds, entry after entry, and back to any of them. */
#ifndef DRIFT_FS_LISTING_H
#define DRIFT_FS_LISTING_H

#include "fs/milestone.h"
#include "fs/tree.h"

struct stream;

/* One entry of the listing. */
struct entry {
	const char *name;
	uint64_t ino;
	mode_t type;
	bool plain; /* its attributes take work that a listing should not pay for */
	const struct drift_version *version; /* a row's, else NULL */
};

struct listing {
	struct tree *tree;
	struct identity directory; /* key: into its node's */
	struct drift_view view;
	struct buf fixed; /* names at hand, each with a NUL */
	size_t fixed_at;
	const struct stream *stream;  /* NULL, or entries that come before them */
	bool streamed;                /* ... and have all come */
	struct drift_cursor *cursor;  /* the stream's; NULL between requests */
	bool keeps;                   /* ... but for this: see listing_rest */
	struct drift_version version; /* of the entry at hand; in the cursor */
	struct buf page;              /* ... or what it has read ahead */
	size_t page_at;
	struct slice key;    /* of the entry at hand */
	struct buf last_key; /* of the last entry given */
	uint64_t at;         /* entries given so far */
	bool held;           /* entry number `at` is at hand */
	struct entry entry;
	struct buf name;              /* of entry */
	struct milestones milestones; /* by entries given */
	uint64_t chunk_at; /* where the reader began the last time, or 0 */
	struct buf chunk_key;
};

/* For streams that read ahead: keys that are kept in the page, and the next of them as
 * listing->key; false when there is none. */
#define LISTING_PAGE_KEYS 512
void listing_page_add(struct listing *listing, struct slice key);
bool listing_page_take(struct listing *listing);

/* Begin with the directory as it is now, or as its view shows it; listing is
 * zeroed. listing_end also after a failure. */
[[nodiscard]] enum drift_err listing_begin(struct listing *listing,
					   struct tree *tree,
					   const struct identity *directory);
void listing_end(struct listing *listing);

/* Go to entry number `at`, counted from 0. DRIFT_DONE: there are fewer. */
[[nodiscard]] enum drift_err listing_seek(struct listing *listing, uint64_t at);
/* The entry at hand, the same until it is passed; good until the next call.
 * DRIFT_DONE at the end. */
[[nodiscard]] enum drift_err listing_next(struct listing *listing,
					  const struct entry **entry);
void listing_pass(struct listing *listing);
#define LISTING_CURSORS_MAX 64
/* No more is asked for now: hold nothing of the database meanwhile. But the versions of
 * one key have nothing to go on by; their first LISTING_CURSORS_MAX open directories
 * keep their cursors, and others go through what they gave already. */
void listing_rest(struct listing *listing);
/* Memory that grows on the way through the directory; and with less of it: going back
 * begins at the first entry from now on. */
size_t listing_bytes(const struct listing *listing);
void listing_shrink(struct listing *listing);

#endif
