/* SPDX-License-Identifier: MIT */
/* image.c - see image.h. */
#include "engine/image.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_BYTES_MIN (64u << 10)
#define CHUNK_BYTES_MAX (2u << 20)
#define TOPS_MAX 1024 /* 8 KiB */

/* Those of the usual size are the system's: it gets them back at once, and all pages of
 * one are asked for together, which takes a third of the time. */
static char *chunk_new(size_t capacity)
{
	void *data;

	if (capacity != CHUNK_BYTES_MAX)
		return malloc(capacity);
	data = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return data == MAP_FAILED ? NULL : data;
}

static void chunk_free(struct image_chunk *chunk)
{
	if (chunk->capacity == CHUNK_BYTES_MAX)
		(void)munmap(chunk->data, chunk->capacity);
	else
		free(chunk->data);
}

struct image *image_new(uint32_t table_id, drift_seq seq)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	atomic_init(&image->users, 1);
	image->table_id = table_id;
	image->seq = seq;
	return image;
}

void image_put(struct image *image)
{
	if (!image || atomic_fetch_sub(&image->users, 1) != 1)
		return;
	for (unsigned i = 0; i < image->chunk_count; i++)
		chunk_free(&image->chunks[i]);
	free(image->chunks);
	free(image->marks);
	free(image->tops);
	buf_release(&image->value);
	free(image);
}

/* ---- Making ---------------------------------------------------------------------- */

static size_t entry_bytes_max(const struct drift_version *version)
{
	return IMAGE_HEAD_BYTES + version->key.size + INDEX_ROW_HEAD_BYTES +
	       INDEX_PLACES_BYTES_MAX + version->row.size;
}

static bool has_room(const struct image *image, size_t bytes)
{
	const struct image_chunk *chunks = image->chunks;
	unsigned count = image->chunk_count;

	return count > 0 &&
	       chunks[count - 1].capacity - chunks[count - 1].size >= bytes;
}

/* The more there are, the larger, within limits. */
static size_t next_chunk_bytes(const struct image *image, size_t bytes)
{
	size_t capacity = CHUNK_BYTES_MIN;

	for (unsigned i = 0; i < image->chunk_count / 2; i++)
		if (capacity < CHUNK_BYTES_MAX)
			capacity *= 2;
	return bytes > capacity ? bytes : capacity;
}

/* Of marks, for one more. */
static size_t marks_bytes(const struct image *image)
{
	return image->mark_count == image->mark_capacity
		       ? (image->mark_capacity + 64) * sizeof(struct image_mark)
		       : 0;
}

size_t image_add_bytes(const struct image *image,
		       const struct drift_version *version)
{
	size_t bytes = entry_bytes_max(version);

	return marks_bytes(image) +
	       (has_room(image, bytes) ? 0 : next_chunk_bytes(image, bytes));
}

static enum drift_err add_chunk(struct image *image, size_t capacity)
{
	struct image_chunk *chunks = image->chunks;
	unsigned room = image->chunk_capacity ? 2 * image->chunk_capacity : 16;
	char *data;

	if (image->chunk_count == image->chunk_capacity) {
		chunks = realloc(chunks, room * sizeof(*chunks));
		if (!chunks)
			return DRIFT_NOMEM;
		image->chunks = chunks;
		image->chunk_capacity = room;
	}
	data = chunk_new(capacity);
	if (!data)
		return DRIFT_NOMEM;
	chunks[image->chunk_count++] =
		(struct image_chunk){ .data = data, .capacity = capacity };
	return DRIFT_OK;
}

static enum drift_err add_mark(struct image *image)
{
	struct image_mark *marks = image->marks;
	unsigned room = 2 * image->mark_capacity + 64;

	if (image->mark_count == image->mark_capacity) {
		marks = realloc(marks, room * sizeof(*marks));
		if (!marks)
			return DRIFT_NOMEM;
		image->marks = marks;
		image->mark_capacity = room;
	}
	marks[image->mark_count++] = (struct image_mark){
		.chunk = image->chunk_count - 1,
		.offset = (uint32_t)image->chunks[image->chunk_count - 1].size,
	};
	return DRIFT_OK;
}

enum drift_err image_add(struct image *image, const struct drift_version *version)
{
	struct index_row row = { .seq = version->seq,
				 .time = version->time,
				 .integer_key = version->integer_key,
				 .row = version->row,
				 .places = version->places };
	size_t bytes = entry_bytes_max(version);
	uint16_t key_size = (uint16_t)version->key.size;
	struct image_chunk *chunk;
	enum drift_err err;
	uint32_t value_size;
	char *at;

	buf_clear(&image->value);
	index_row_encode(&row, &image->value);
	err = buf_status(&image->value);
	if (!err && !has_room(image, bytes))
		err = add_chunk(image, next_chunk_bytes(image, bytes));
	if (!err)
		err = add_mark(image);
	if (err)
		return err;
	chunk = &image->chunks[image->chunk_count - 1];
	at = chunk->data + chunk->size;
	value_size = (uint32_t)image->value.size;
	memcpy(at, &value_size, 4);
	memcpy(at + 4, &key_size, 2);
	memcpy(at + IMAGE_HEAD_BYTES, version->key.data, key_size);
	memcpy(at + IMAGE_HEAD_BYTES + key_size, image->value.data, value_size);
	chunk->size += IMAGE_HEAD_BYTES + key_size + value_size;
	image->rows++;
	return DRIFT_OK;
}

static struct slice mark_key(const struct image *image, unsigned i)
{
	const struct image_mark *mark = &image->marks[i];

	return image_entry_at(image->chunks[mark->chunk].data + mark->offset).key;
}

static enum drift_err add_tops(struct image *image)
{
	unsigned count = image->mark_count;

	while (count >> image->top_shift > TOPS_MAX)
		image->top_shift++;
	image->top_count = ((count - 1) >> image->top_shift) + 1;
	image->tops = malloc((image->top_count + 1) * sizeof(*image->tops));
	if (!image->tops)
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < image->top_count; i++)
		image->tops[i] = image->marks[i << image->top_shift].head;
	image->tops[image->top_count] = image->marks[count - 1].head;
	return DRIFT_OK;
}

enum drift_err image_finish(struct image *image)
{
	struct slice first, last;

	buf_release(&image->value);
	if (image->rows == 0)
		return DRIFT_OK;
	first = mark_key(image, 0);
	last = mark_key(image, image->mark_count - 1);
	while (image->common < first.size && image->common < last.size &&
	       ((const char *)first.data)[image->common] ==
		       ((const char *)last.data)[image->common])
		image->common++;
	for (unsigned i = 0; i < image->mark_count; i++)
		image->marks[i].head = slice_head(mark_key(image, i), image->common);
	return add_tops(image);
}

/* ---- Reading ---------------------------------------------------------------------- */

/* Is the mark's head below `head` (through: or equal to it)? */
static bool is_below(const struct image *image, unsigned i, uint64_t head,
		     bool through)
{
	uint64_t at = image->marks[i].head;

	return at < head || (through && at == head);
}

/* How many tops are below `head`. */
static unsigned count_tops(const struct image *image, uint64_t head, bool through)
{
	unsigned low = 0, left = image->top_count;

	if (through && head++ == UINT64_MAX)
		return image->top_count;
	while (left > 0) {
		unsigned half = left / 2;
		bool below = image->tops[low + half] < head;

		low += below ? left - half : 0;
		left = half;
	}
	return low;
}

/* Where the head would be between two tops, mark low being below it and mark high not. */
static unsigned guess(const struct image *image, uint64_t head, unsigned top,
		      unsigned low, unsigned high)
{
	uint64_t from = image->tops[top], to = image->tops[top + 1];
	double part = to > from ? (double)(head - from) / (double)(to - from) : 0;
	double at = low + part * (high - low);

	return at < low + 1 ? low + 1 : at > high - 1 ? high - 1 : (unsigned)at;
}

/* How many marks are below `head`, from a guess on in steps that double. */
static unsigned count_from(const struct image *image, uint64_t head, bool through,
			   unsigned at, unsigned low, unsigned high)
{
	unsigned step = 1;

	if (is_below(image, at, head, through))
		for (low = at; step < high - low; step *= 2)
			if (is_below(image, low + step, head, through))
				low += step;
			else
				high = low + step;
	else
		for (high = at; step < high - low; step *= 2)
			if (is_below(image, high - step, head, through))
				low = high - step;
			else
				high -= step;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (is_below(image, middle, head, through))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static unsigned count_below(const struct image *image, uint64_t head, bool through)
{
	unsigned tops = count_tops(image, head, through), low, high;

	if (tops == 0)
		return 0;
	low = (tops - 1) << image->top_shift;
	high = tops < image->top_count ? tops << image->top_shift
				       : image->mark_count;
	if (high - low <= 1)
		return high;
	return count_from(image, head, through,
			  guess(image, head, tops - 1, low, high), low, high);
}

/* How many rows have a key before key (after: or this key). */
static unsigned count_before(const struct image *image, struct slice key, bool after)
{
	uint64_t head = slice_head(key, image->common);
	unsigned low = count_below(image, head, false), high = low;

	if (low < image->mark_count && image->marks[low].head == head)
		high = count_below(image, head, true);
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = slice_compare(mark_key(image, middle), key);

		if (order < 0 || (order == 0 && after))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* <0: key comes before all, >0: after all, 0: it begins as they do. */
static int compare_common(const struct image *image, struct slice key)
{
	struct slice common = { mark_key(image, 0).data, image->common };

	if (key.size > common.size)
		key.size = common.size;
	return slice_compare(key, common);
}

static void stand_at(struct image_cursor *cursor, unsigned chunk, size_t offset)
{
	const struct image_chunk *at = &cursor->image->chunks[chunk];

	cursor->chunk = chunk;
	cursor->at = at->data + offset;
	cursor->end = at->data + at->size;
}

void image_stand_behind(struct image_cursor *cursor, const struct image *image)
{
	unsigned last = image->chunk_count - 1;

	*cursor = (struct image_cursor){ .image = image };
	if (image->rows)
		stand_at(cursor, last, image->chunks[last].size);
}

void image_seek(struct image_cursor *cursor, const struct image *image,
		struct slice key, bool after)
{
	unsigned before = 0;
	int order;

	*cursor = (struct image_cursor){ .image = image };
	if (image->rows == 0)
		return;
	order = compare_common(image, key);
	if (order == 0)
		before = count_before(image, key, after);
	if (order > 0 || before == image->mark_count)
		image_stand_behind(cursor, image);
	else
		stand_at(cursor, image->marks[before].chunk,
			 image->marks[before].offset);
}

bool image_get(const struct image *image, struct slice key,
	       struct drift_version *version)
{
	struct image_cursor cursor;
	struct image_entry entry;
	struct index_row row;

	image_seek(&cursor, image, key, false);
	if (cursor.at == cursor.end)
		return false;
	entry = image_entry_at(cursor.at);
	if (!slice_equal(entry.key, key) || index_row_decode(entry.value, &row))
		return false;
	index_row_version(&row, entry.key, DRIFT_OP_UPDATE, version);
	return true;
}
