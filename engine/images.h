/* SPDX-License-Identifier: MIT */
/* images.h - which states of tables are held in memory as images. Private to engine/.
 *
 * A state that was read once may never be read again; one that was read twice is likely
 * to be read once more. So who reads a state's rows says how many it read, and when these
 * are as many as the state has, whoever reads it whole next makes its image on the way.
 * Making one costs less than that reading does.
 *
 * All images together take at most options.image_bytes_max; those that were not used for
 * longest go first, and one of a present that is past goes when the index hears of it. A
 * reader that uses an image keeps it until it is done.
 *
 * A moment of the past that moves on makes new states all the time: one that was read
 * counts for those shortly after it, and its image does for them, too: past.h goes on from
 * there by what changed.
 *
 * A state is a table's id and a seq: the newest event of the table, when the view is at
 * or after that, else the view's own seq. So commits to other tables change nothing. */
#ifndef DRIFT_ENGINE_IMAGES_H
#define DRIFT_ENGINE_IMAGES_H

#include <pthread.h>

#include "engine/image.h"

#define IMAGES_MAX 64
#define IMAGES_READS 32

struct drift_db;
struct drift_cursor;
struct drift_range;
struct drift_view;

/* Of a state without an image. */
struct image_reads {
	uint32_t table_id;
	drift_seq seq;
	uint64_t rows; /* that were read of it */
	bool whole;    /* all of them at once */
	bool making, too_large;
};

struct images {
	pthread_mutex_t lock; /* never held for I/O, nor to free an image */
	_Atomic unsigned count;
	struct image *list[IMAGES_MAX]; /* the one used last comes first */
	uint64_t bytes;                 /* of these and those that are being made */
	struct image_reads reads[IMAGES_READS]; /* newest first; table_id 0: none */
};

void images_init(struct images *images);
void images_release(struct images *images);
/* How many bytes are used where nothing else is asked for. */
uint64_t images_bytes_default(void);

/* The image of the state that a view at seq shows of the table, used by the caller;
 * NULL: there is none. */
struct image *images_find(struct drift_db *db, uint32_t table_id, drift_seq seq);
/* The seqs of the images nearest to seq, at or before it and after it; 0: none. */
void images_near(struct drift_db *db, uint32_t table_id, drift_seq seq,
		 drift_seq *before, drift_seq *after);
/* So many rows of the state were read without an image; whole: all it has. */
void images_note(struct drift_db *db, uint32_t table_id, drift_seq seq,
		 uint64_t rows, bool whole);
/* An image to be made by the caller, who is about to read the whole state; NULL: none is
 * wanted. */
struct image *images_begin(struct drift_db *db, uint32_t table_id, drift_seq seq);
/* Its next row, in key order. Any error: end it. */
enum drift_err images_add(struct drift_db *db, struct image *image,
			  const struct drift_version *version);
/* Whole: others may use it; else it is dropped, as if it had not begun. */
void images_end(struct drift_db *db, struct image *image, bool whole);
/* Make one now, if it is wanted, and use it; NULL: there is none. */
struct image *images_make(struct drift_view view, uint32_t table_id);
/* The memory that all take. */
uint64_t images_bytes(struct drift_db *db);
/* Let go of images of what is not the present any more. */
void images_expire(struct drift_db *db);

/* image_scan.c: the rows in range (NULL: all), from an image that is the cursor's from
 * now on, also on failure. */
enum drift_err image_scan_open(struct drift_view view, uint32_t table_id,
			       struct image *image, const struct drift_range *range,
			       struct drift_cursor **cursor);

#endif
