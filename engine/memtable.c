/* SPDX-License-Identifier: MIT */
/* memtable.c - the skip list and its arena; see memtable.h. */
#include "engine/memtable.h"

#include <stdalign.h>
#include <stdlib.h>

#include "engine/append_list.h"

#define CHUNK_BYTES (256u << 10)

struct chunk {
	struct chunk *next;
	size_t size, used;
	alignas(16) char data[];
};

struct memtable {
	struct chunk *chunks;
	_Atomic uint64_t count;
	_Atomic uint64_t bytes;
	_Atomic unsigned height;
	uint64_t random;
	struct append_list txs;
	struct append_list ddls;
	struct append_list events; /* row entries in order of their seqs */
	struct entry *head;        /* MEMTABLE_HEIGHT links, no key */
};

/* ---- The arena ------------------------------------------------- */

static void *arena_alloc(struct memtable *memtable, size_t size)
{
	struct chunk *chunk = memtable->chunks;
	size_t room;
	void *at;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){ .next = memtable->chunks, .size = room };
		memtable->chunks = chunk;
		atomic_fetch_add(&memtable->bytes, room);
	}
	at = chunk->data + chunk->used;
	chunk->used += size;
	return at;
}

struct memtable *memtable_new(void)
{
	struct memtable *memtable = calloc(1, sizeof(*memtable));
	size_t head = sizeof(struct entry) +
		      MEMTABLE_HEIGHT * sizeof(_Atomic(struct entry *));

	if (!memtable)
		return NULL;
	memtable->random = 0x9e3779b97f4a7c15u;
	memtable->txs.item_bytes = sizeof(struct mem_tx);
	memtable->ddls.item_bytes = sizeof(struct mem_ddl);
	memtable->events.item_bytes = sizeof(const struct entry *);
	atomic_init(&memtable->height, 1);
	memtable->head = arena_alloc(memtable, head);
	if (!memtable->head) {
		free(memtable);
		return NULL;
	}
	memset(memtable->head, 0, head);
	memtable->head->height = MEMTABLE_HEIGHT;
	return memtable;
}

void memtable_free(struct memtable *memtable)
{
	struct chunk *next;

	if (!memtable)
		return;
	append_list_release(&memtable->txs);
	append_list_release(&memtable->ddls);
	append_list_release(&memtable->events);
	for (struct chunk *chunk = memtable->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(memtable);
}

uint64_t memtable_count(const struct memtable *memtable)
{
	return atomic_load(&memtable->count);
}

uint64_t memtable_bytes(const struct memtable *memtable)
{
	return atomic_load(&memtable->bytes);
}

/* ---- The skip list --------------------------------------------------- */

/* A place in the list: a sort key, its first 16 bytes as numbers (a shorter key as if
 * zeros followed), and a seq. Most keys differ in these, and so are compared without a
 * look at the keys. */
struct spot {
	struct slice key;
	uint64_t words[2];
	drift_seq seq;
};

static void words_of(struct slice key, uint64_t words[2])
{
	char bytes[16] = { 0 };
	const char *at = bytes;

	if (key.size >= sizeof(bytes))
		at = key.data;
	else if (key.size)
		memcpy(bytes, key.data, key.size);
	words[0] = be64_get(at);
	words[1] = be64_get(at + 8);
}

/* Does entry come before spot? By key, then newest first. */
static inline bool is_before(const struct entry *entry, const struct spot *spot)
{
	int order;

	if (entry->words[0] != spot->words[0])
		return entry->words[0] < spot->words[0];
	if (entry->words[1] != spot->words[1])
		return entry->words[1] < spot->words[1];
	order = slice_compare(entry_sort_key(entry), spot->key);
	return order ? order < 0 : entry->seq > spot->seq;
}

/* The first entry at or after (key, seq); before[] gets the last one ahead of it
 * on each level when it is not NULL. */
static struct entry *skip_find(const struct memtable *memtable, struct slice key,
			       drift_seq seq, struct entry *before[MEMTABLE_HEIGHT])
{
	struct spot spot = { .key = key, .seq = seq };
	struct entry *at = memtable->head;
	struct entry *next = NULL;
	struct entry *passed = NULL; /* known not to come before: skip the test */
	unsigned level =
		atomic_load_explicit(&memtable->height, memory_order_acquire);

	words_of(key, spot.words);
	while (level-- > 0) {
		for (;;) {
			next = atomic_load_explicit(&at->next[level],
						    memory_order_acquire);
			if (!next || next == passed || !is_before(next, &spot))
				break;
			at = next;
		}
		passed = next;
		if (before)
			before[level] = at;
	}
	return next;
}

static unsigned random_height(struct memtable *memtable)
{
	unsigned height = 1;

	/* xorshift64 (G. Marsaglia, 2003); one level in four goes up. */
	memtable->random ^= memtable->random << 13;
	memtable->random ^= memtable->random >> 7;
	memtable->random ^= memtable->random << 17;
	for (uint64_t bits = memtable->random;
	     height < MEMTABLE_HEIGHT && (bits & 3) == 0; bits >>= 2)
		height++;
	return height;
}

static struct entry *entry_new(struct memtable *memtable, size_t key_size,
			       struct slice row, char **key)
{
	unsigned height = random_height(memtable);
	size_t links = height * sizeof(_Atomic(struct entry *));
	struct entry *entry =
		arena_alloc(memtable, sizeof(*entry) + links + key_size + row.size);

	if (!entry)
		return NULL;
	*key = (char *)entry + sizeof(*entry) + links;
	*entry = (struct entry){
		.key_size = (uint32_t)key_size,
		.row_size = (uint32_t)row.size,
		.height = (uint8_t)height,
		.key = *key,
		.row = *key + key_size,
	};
	if (row.size)
		memcpy(*key + key_size, row.data, row.size);
	return entry;
}

static void skip_insert(struct memtable *memtable, struct entry *entry)
{
	struct entry *before[MEMTABLE_HEIGHT];
	unsigned height = atomic_load(&memtable->height);

	words_of(entry_sort_key(entry), entry->words);
	skip_find(memtable, entry_sort_key(entry), entry->seq, before);
	for (unsigned level = height; level < entry->height; level++)
		before[level] = memtable->head;
	for (unsigned level = 0; level < entry->height; level++)
		atomic_init(&entry->next[level],
			    atomic_load(&before[level]->next[level]));
	for (unsigned level = 0; level < entry->height; level++)
		atomic_store_explicit(&before[level]->next[level], entry,
				      memory_order_release);
	if (entry->height > height)
		atomic_store_explicit(&memtable->height, entry->height,
				      memory_order_release);
}

static void sort_prefix(char *at, uint8_t space, uint32_t id)
{
	at[0] = (char)space;
	be32_put(at + 1, id);
}

enum drift_err memtable_add_row(struct memtable *memtable, uint32_t table_id,
				struct slice key,
				const struct drift_version *version,
				const struct place *place)
{
	char *at;
	struct entry *entry = entry_new(memtable, 5 + key.size, version->row, &at);

	if (!entry)
		return DRIFT_NOMEM;
	sort_prefix(at, 0, table_id);
	memcpy(at + 5, key.data, key.size);
	entry->seq = version->seq;
	entry->time = version->time;
	entry->op = (uint8_t)version->op;
	entry->integer_key = version->integer_key;
	if (place)
		entry->place = *place;
	skip_insert(memtable, entry);
	atomic_fetch_add(&memtable->count, 1);
	return place ? append_list_add(&memtable->events, &entry) : DRIFT_OK;
}

enum drift_err memtable_add_index(struct memtable *memtable, uint32_t index_id,
				  struct slice value, struct slice key,
				  drift_seq seq)
{
	char *at;
	struct entry *entry = entry_new(memtable, 5 + value.size + key.size,
					(struct slice){ 0 }, &at);

	if (!entry)
		return DRIFT_NOMEM;
	sort_prefix(at, 1, index_id);
	memcpy(at + 5, value.data, value.size);
	memcpy(at + 5 + value.size, key.data, key.size);
	entry->seq = seq;
	entry->value_size = (uint32_t)value.size;
	skip_insert(memtable, entry);
	return DRIFT_OK;
}

static void skip_remove(struct memtable *memtable, struct slice key, drift_seq seq)
{
	struct entry *before[MEMTABLE_HEIGHT];
	struct entry *entry = skip_find(memtable, key, seq, before);

	if (!entry || entry->seq != seq || !slice_equal(entry_sort_key(entry), key))
		return;
	for (unsigned level = 0; level < entry->height; level++)
		atomic_store(&before[level]->next[level],
			     atomic_load(&entry->next[level]));
}

void memtable_remove_row(struct memtable *memtable, uint32_t table_id,
			 struct slice key, drift_seq seq)
{
	char sort_key[5 + KEY_BYTES_MAX];

	if (key.size > KEY_BYTES_MAX)
		return;
	sort_prefix(sort_key, 0, table_id);
	memcpy(sort_key + 5, key.data, key.size);
	skip_remove(memtable, slice_of(sort_key, 5 + key.size), seq);
	atomic_fetch_sub(&memtable->count, 1);
}

enum drift_err memtable_remove_index(struct memtable *memtable, uint32_t index_id,
				     struct slice value, struct slice key,
				     drift_seq seq)
{
	struct buf sort_key = BUF_INIT;
	enum drift_err err;

	memtable_index_key(&sort_key, index_id, value);
	buf_add_slice(&sort_key, key);
	err = buf_status(&sort_key);
	if (!err)
		skip_remove(memtable, buf_slice(&sort_key), seq);
	buf_release(&sort_key);
	return err;
}

enum drift_err memtable_add_tx(struct memtable *memtable, const struct mem_tx *tx)
{
	return append_list_add(&memtable->txs, tx);
}

enum drift_err memtable_add_ddl(struct memtable *memtable, const struct mem_ddl *ddl)
{
	struct mem_ddl kept = *ddl;
	void *body = arena_alloc(memtable, ddl->body.size);

	if (!body)
		return DRIFT_NOMEM;
	memcpy(body, ddl->body.data, ddl->body.size);
	kept.body.data = body;
	return append_list_add(&memtable->ddls, &kept);
}

/* ---- Reading --------------------------------------------------------- */

/* From entry on, the first one with seq <= limit. Many versions of one key that
 * are all too new are passed over by a search, not one by one. */
static const struct entry *skip_newer(const struct memtable *memtable,
				      const struct entry *entry, drift_seq limit)
{
	while (entry && entry->seq > limit)
		entry = skip_find(memtable, entry_sort_key(entry), limit, NULL);
	return entry;
}

const struct entry *memtable_seek(const struct memtable *memtable, struct slice key,
				  bool after, drift_seq limit)
{
	const struct entry *entry;

	/* Seqs begin at 1, so (key, 0) comes after every entry of key. */
	entry = skip_find(memtable, key, after ? 0 : limit, NULL);
	return skip_newer(memtable, entry, limit);
}

const struct entry *memtable_next_key(const struct memtable *memtable,
				      const struct entry *entry, drift_seq limit)
{
	const struct entry *next =
		atomic_load_explicit(&entry->next[0], memory_order_acquire);

	if (next && slice_equal(entry_sort_key(next), entry_sort_key(entry)))
		next = skip_find(memtable, entry_sort_key(entry), 0, NULL);
	return skip_newer(memtable, next, limit);
}

const struct entry *entry_older(const struct entry *entry)
{
	const struct entry *next =
		atomic_load_explicit(&entry->next[0], memory_order_acquire);

	if (next && slice_equal(entry_sort_key(next), entry_sort_key(entry)))
		return next;
	return NULL;
}

const struct entry *memtable_get(const struct memtable *memtable, uint32_t table_id,
				 struct slice key, drift_seq limit)
{
	char sort_key[5 + KEY_BYTES_MAX];
	struct slice wanted = { sort_key, 5 + key.size };
	const struct entry *entry;

	if (key.size > KEY_BYTES_MAX)
		return NULL;
	sort_prefix(sort_key, 0, table_id);
	memcpy(sort_key + 5, key.data, key.size);
	entry = skip_find(memtable, wanted, limit, NULL);
	if (!entry || !slice_equal(entry_sort_key(entry), wanted))
		return NULL;
	return entry;
}

struct slice entry_row_key(const struct entry *entry)
{
	size_t skip = 5 + entry->value_size;

	return slice_of(entry->key + skip, entry->key_size - skip);
}

struct slice entry_index_value(const struct entry *entry)
{
	return slice_of(entry->key + 5, entry->value_size);
}

struct drift_version entry_version(const struct entry *entry)
{
	return (struct drift_version){
		.key = entry_row_key(entry),
		.row = slice_of(entry->row, entry->row_size),
		.seq = entry->seq,
		.time = entry->time,
		.op = entry->op,
		.integer_key = entry->integer_key,
	};
}

void memtable_index_key(struct buf *out, uint32_t index_id, struct slice value)
{
	buf_add_char(out, 1);
	buf_add_be32(out, index_id);
	buf_add_slice(out, value);
}

size_t memtable_event_count(const struct memtable *memtable)
{
	return append_list_count(&memtable->events);
}

const struct entry *memtable_event(const struct memtable *memtable, size_t i)
{
	return *(const struct entry *const *)append_list_item(&memtable->events, i);
}

size_t memtable_events_after(const struct memtable *memtable, drift_seq seq)
{
	size_t low = 0, high = memtable_event_count(memtable);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memtable_event(memtable, middle)->seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t memtable_tx_count(const struct memtable *memtable)
{
	return append_list_count(&memtable->txs);
}

struct mem_tx memtable_tx(const struct memtable *memtable, size_t i)
{
	return *(const struct mem_tx *)append_list_item(&memtable->txs, i);
}

size_t memtable_ddl_count(const struct memtable *memtable)
{
	return append_list_count(&memtable->ddls);
}

struct mem_ddl memtable_ddl(const struct memtable *memtable, size_t i)
{
	return *(const struct mem_ddl *)append_list_item(&memtable->ddls, i);
}
