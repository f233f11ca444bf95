/* SPDX-License-Identifier: MIT */
/* image.c - see image.h. */
#include "engine/image.h"

#include <stdlib.h>
#include <sys/mman.h>

#define MARK_ROWS 8
#define CHUNK_BYTES_MIN (64u << 10)
#define CHUNK_BYTES_MAX (2u << 20)

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

static size_t marks_bytes(const struct image *image)
{
	return image->rows % MARK_ROWS == 0 &&
			       image->mark_count == image->mark_capacity
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
	if (!err && image->rows % MARK_ROWS == 0)
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

/* The bytes of a key behind `common`, as a number that orders as they do: what is
 * different has a different key, not the other way round. */
static uint64_t head_of(struct slice key, size_t common)
{
	char bytes[8] = { 0 };
	size_t left = key.size - common;

	memcpy(bytes, (const char *)key.data + common, left < 8 ? left : 8);
	return be64_get(bytes);
}

static struct slice last_key(const struct image *image)
{
	const struct image_mark *mark = &image->marks[image->mark_count - 1];
	struct image_cursor cursor = { .image = image, .chunk = mark->chunk };
	const struct image_chunk *chunk = &image->chunks[mark->chunk];
	struct slice key = { 0 };

	cursor.end = chunk->data + chunk->size;
	for (cursor.at = chunk->data + mark->offset; cursor.at != cursor.end;) {
		struct image_entry entry = image_entry_at(cursor.at);

		key = entry.key;
		image_enter(&cursor, entry.end);
	}
	return key;
}

void image_finish(struct image *image)
{
	struct slice first, last;

	buf_release(&image->value);
	if (image->rows == 0)
		return;
	first = mark_key(image, 0);
	last = last_key(image);
	while (image->common < first.size && image->common < last.size &&
	       ((const char *)first.data)[image->common] ==
		       ((const char *)last.data)[image->common])
		image->common++;
	for (unsigned i = 0; i < image->mark_count; i++)
		image->marks[i].head = head_of(mark_key(image, i), image->common);
}

/* ---- Reading ---------------------------------------------------------------------- */

/* How many marks have a head below `head` (through: or equal to it). */
static unsigned count_heads(const struct image *image, uint64_t head, bool through)
{
	const struct image_mark *marks = image->marks;
	unsigned low = 0, count = image->mark_count;

	while (count > 0) {
		unsigned half = count / 2;
		bool before = marks[low + half].head < head ||
			      (through && marks[low + half].head == head);

		low = before ? low + half + 1 : low;
		count = before ? count - half - 1 : half;
	}
	return low;
}

/* The last mark whose row has a key before key; the first mark when there is none. */
static unsigned mark_before(const struct image *image, struct slice key)
{
	uint64_t head = head_of(key, image->common);
	unsigned low = count_heads(image, head, false);
	unsigned high = low;

	if (low < image->mark_count && image->marks[low].head == head)
		high = count_heads(image, head, true);
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (slice_compare(mark_key(image, middle), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : 0;
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
	const struct image_mark *mark;
	struct image_entry entry;
	int order;

	*cursor = (struct image_cursor){ .image = image };
	if (image->rows == 0)
		return;
	order = compare_common(image, key);
	if (order > 0) {
		image_stand_behind(cursor, image);
		return;
	}
	mark = &image->marks[order < 0 ? 0 : mark_before(image, key)];
	stand_at(cursor, mark->chunk, mark->offset);
	while (order == 0 && cursor->at != cursor->end) {
		entry = image_entry_at(cursor->at);
		order = slice_compare(entry.key, key);
		if (order > 0 || (order == 0 && !after))
			return;
		order = 0;
		image_enter(cursor, entry.end);
	}
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
