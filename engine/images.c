/* SPDX-License-Identifier: MIT */
/* images.c - see images.h. */
#include "engine/images.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/cursor.h"

#define BYTES_MAX_DEFAULT (256u << 20)
#define MEMORY_PART 16  /* of the machine's, at most */
#define NEAR_PART 16    /* of the table's rows, as many events */
#define ROWS_GUESS 4096 /* that tell how large an image will be */

void images_init(struct images *images)
{
	pthread_mutex_init(&images->lock, NULL);
}

void images_release(struct images *images)
{
	for (unsigned i = 0; i < images->count; i++)
		image_put(images->list[i]);
	pthread_mutex_destroy(&images->lock);
}

uint64_t images_bytes_default(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			  (uint64_t)sysconf(_SC_PAGESIZE) / MEMORY_PART;

	return memory < BYTES_MAX_DEFAULT ? memory : BYTES_MAX_DEFAULT;
}

uint64_t images_bytes(struct drift_db *db)
{
	uint64_t bytes;

	pthread_mutex_lock(&db->images.lock);
	bytes = db->images.bytes;
	pthread_mutex_unlock(&db->images.lock);
	return bytes;
}

/* ---- States ------------------------------------------------------------------------ */

/* What the view shows of the table is what was there after event: */
static drift_seq state_of(struct drift_db *db, uint32_t table_id, drift_seq seq)
{
	const struct table *table = tables_get(&db->tables, table_id);
	drift_seq newest = table ? atomic_load(&table->counted) : seq;

	return newest < seq ? newest : seq;
}

static bool is_present(struct drift_db *db, uint32_t table_id, drift_seq seq)
{
	return state_of(db, table_id, DRIFT_SEQ_MAX) <= seq;
}

/* ---- The list; under lock ---------------------------------------------------------- */

static unsigned list_find(const struct images *images, uint32_t table_id,
			  drift_seq seq)
{
	unsigned count = images->count, i = 0;

	while (i < count && (images->list[i]->table_id != table_id ||
			     images->list[i]->seq != seq))
		i++;
	return i;
}

/* Move number i to the front. */
static struct image *list_use(struct images *images, unsigned i)
{
	struct image *image = images->list[i];

	memmove(images->list + 1, images->list, i * sizeof(struct image *));
	images->list[0] = image;
	return image;
}

/* Take number i out: the caller puts it, without the lock. */
static struct image *list_remove(struct images *images, unsigned i)
{
	struct image *image = images->list[i];
	unsigned left = --images->count - i;

	memmove(images->list + i, images->list + i + 1,
		left * sizeof(struct image *));
	images->bytes -= image->bytes;
	return image;
}

/* What is known of the state's reads, now the newest. */
static struct image_reads *reads_of(struct images *images, uint32_t table_id,
				    drift_seq seq)
{
	struct image_reads found = { .table_id = table_id, .seq = seq };
	unsigned i = 0;

	while (i < IMAGES_READS - 1 && (images->reads[i].table_id != table_id ||
					images->reads[i].seq != seq))
		i++;
	if (images->reads[i].table_id == table_id && images->reads[i].seq == seq)
		found = images->reads[i];
	memmove(images->reads + 1, images->reads, i * sizeof(found));
	images->reads[0] = found;
	return &images->reads[0];
}

/* ---- Use --------------------------------------------------------------------------- */

struct image *images_find(struct drift_db *db, uint32_t table_id, drift_seq seq)
{
	struct images *images = &db->images;
	struct image *image = NULL;
	unsigned i;

	if (atomic_load_explicit(&images->count, memory_order_relaxed) == 0)
		return NULL;
	seq = state_of(db, table_id, seq);
	pthread_mutex_lock(&images->lock);
	i = list_find(images, table_id, seq);
	if (i < images->count) {
		image = list_use(images, i);
		atomic_fetch_add(&image->users, 1);
	}
	pthread_mutex_unlock(&images->lock);
	return image;
}

void images_near(struct drift_db *db, uint32_t table_id, drift_seq seq,
		 drift_seq *before, drift_seq *after)
{
	struct images *images = &db->images;

	*before = *after = 0;
	if (atomic_load_explicit(&images->count, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&images->lock);
	for (unsigned i = 0; i < images->count; i++) {
		const struct image *image = images->list[i];

		if (image->table_id != table_id)
			continue;
		if (image->seq <= seq && image->seq > *before)
			*before = image->seq;
		if (image->seq > seq && (!*after || image->seq < *after))
			*after = image->seq;
	}
	pthread_mutex_unlock(&images->lock);
}

void images_note(struct drift_db *db, uint32_t table_id, drift_seq seq,
		 uint64_t rows, bool whole)
{
	struct image_reads *reads;

	if (rows < db->options.image_rows_min || db->options.image_bytes_max <= 1)
		return;
	pthread_mutex_lock(&db->images.lock);
	reads = reads_of(&db->images, table_id, state_of(db, table_id, seq));
	reads->rows += rows;
	reads->whole |= whole;
	pthread_mutex_unlock(&db->images.lock);
}

/* ---- Making ------------------------------------------------------------------------ */

/* So few events before the state that what changed since is soon told. */
static bool is_near(struct drift_db *db, uint32_t table_id, drift_seq seq,
		    const struct image_reads *reads)
{
	return table_id == reads->table_id && seq <= reads->seq &&
	       reads->seq - seq <= drift_row_count(db, table_id) / NEAR_PART;
}

/* A moment that moves on, and no image that does for it: was it read whole before? */
static bool moves_on(struct drift_db *db, const struct image_reads *reads)
{
	const struct images *images = &db->images;
	bool was_read = false;

	for (unsigned i = 0; i < images->count; i++)
		if (is_near(db, images->list[i]->table_id, images->list[i]->seq,
			    reads))
			return false;
	for (unsigned i = 1; i < IMAGES_READS; i++) {
		const struct image_reads *other = &images->reads[i];

		if (!is_near(db, other->table_id, other->seq, reads))
			continue;
		if (other->making || other->too_large)
			return false;
		was_read |= other->whole;
	}
	return was_read;
}

/* Of the newest of all reads. The present is as quick to walk as an image and what
 * changed since: it is due when it was read itself. */
static bool is_due(struct drift_db *db, const struct image_reads *reads)
{
	uint64_t rows = drift_row_count(db, reads->table_id);

	if (reads->making || reads->too_large)
		return false;
	return reads->whole || reads->rows >= rows + db->options.image_rows_min ||
	       (!is_present(db, reads->table_id, reads->seq) && moves_on(db, reads));
}

struct image *images_begin(struct drift_db *db, uint32_t table_id, drift_seq seq)
{
	struct images *images = &db->images;
	struct image_reads *reads;
	struct image *image = NULL;

	pthread_mutex_lock(&images->lock);
	reads = reads_of(images, table_id, state_of(db, table_id, seq));
	if (is_due(db, reads))
		image = image_new(table_id, reads->seq);
	if (image) {
		reads->making = true;
		image->present = is_present(db, table_id, reads->seq);
	}
	pthread_mutex_unlock(&images->lock);
	return image;
}

/* Count `bytes` more, and let go of the least used until there is room for them. */
static bool reserve(struct drift_db *db, uint64_t bytes)
{
	struct images *images = &db->images;
	struct image *gone = NULL;
	bool fits = false;

	while (!fits) {
		pthread_mutex_lock(&images->lock);
		fits = images->bytes + bytes <= db->options.image_bytes_max;
		if (fits)
			images->bytes += bytes;
		else if (images->count)
			gone = list_remove(images, images->count - 1);
		pthread_mutex_unlock(&images->lock);
		if (!fits && !gone)
			return false;
		image_put(gone);
		gone = NULL;
	}
	return true;
}

/* By its first rows: will it be larger than all may be? */
static bool is_too_large(struct drift_db *db, const struct image *image)
{
	uint64_t rows = drift_row_count(db, image->table_id);

	return image->rows == ROWS_GUESS && rows > ROWS_GUESS &&
	       image->bytes / ROWS_GUESS * rows > db->options.image_bytes_max;
}

/* Nobody is to try again. */
static void refuse(struct drift_db *db, const struct image *image)
{
	struct images *images = &db->images;

	pthread_mutex_lock(&images->lock);
	reads_of(images, image->table_id, image->seq)->too_large = true;
	pthread_mutex_unlock(&images->lock);
}

enum drift_err images_add(struct drift_db *db, struct image *image,
			  const struct drift_version *version)
{
	uint64_t bytes = image_add_bytes(image, version);

	if (is_too_large(db, image) || (bytes && !reserve(db, bytes))) {
		refuse(db, image);
		return DRIFT_LIMIT;
	}
	image->bytes += bytes;
	return image_add(image, version);
}

static void forget(struct images *images, const struct image_reads *reads)
{
	unsigned i = (unsigned)(reads - images->reads);

	memmove(images->reads + i, images->reads + i + 1,
		(IMAGES_READS - 1 - i) * sizeof(*reads));
	images->reads[IMAGES_READS - 1] = (struct image_reads){ 0 };
}

void images_end(struct drift_db *db, struct image *image, bool whole)
{
	struct images *images = &db->images;
	struct image_reads *reads;
	struct image *gone = NULL;

	whole = whole && !image_finish(image);
	pthread_mutex_lock(&images->lock);
	reads = reads_of(images, image->table_id, image->seq);
	reads->making = false;
	if (whole) {
		forget(images, reads);
		if (images->count == IMAGES_MAX)
			gone = list_remove(images, IMAGES_MAX - 1);
		images->list[images->count] = image;
		list_use(images, images->count++);
	} else {
		images->bytes -= image->bytes;
		reads->whole = false;
		reads->rows = 0;
		gone = image;
	}
	pthread_mutex_unlock(&images->lock);
	image_put(gone);
}

struct image *images_make(struct drift_view view, uint32_t table_id)
{
	struct image *image = images_begin(view.db, table_id, view.seq);
	struct drift_cursor *cursor;
	struct drift_version version;
	enum drift_err err;

	if (!image)
		return NULL;
	err = drift_scan(view, table_id, NULL, &cursor);
	while (!err && !(err = cursor->next(cursor, &version)))
		err = images_add(view.db, image, &version);
	drift_cursor_close(cursor);
	images_end(view.db, image, err == DRIFT_DONE);
	return err == DRIFT_DONE ? images_find(view.db, table_id, view.seq) : NULL;
}

/* ---- Letting go --------------------------------------------------------------------- */

static bool is_stale(struct drift_db *db, const struct image *image)
{
	return image->present && !is_present(db, image->table_id, image->seq);
}

void images_expire(struct drift_db *db)
{
	struct images *images = &db->images;
	struct image *gone[IMAGES_MAX];
	unsigned count = 0;

	pthread_mutex_lock(&images->lock);
	for (unsigned i = images->count; i-- > 0;)
		if (is_stale(db, images->list[i]))
			gone[count++] = list_remove(images, i);
	pthread_mutex_unlock(&images->lock);
	while (count > 0)
		image_put(gone[--count]);
}
