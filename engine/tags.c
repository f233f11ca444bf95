/* SPDX-License-Identifier: MIT */
/* tags.c - a sorted array of tags; see tags.h. */
#include "engine/db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

void tags_init(struct tags *tags)
{
	*tags = (struct tags){ 0 };
	pthread_rwlock_init(&tags->lock, NULL);
}

void tags_clear(struct tags *tags)
{
	while (tags->count > 0)
		free(tags->list[--tags->count]);
}

void tags_release(struct tags *tags)
{
	tags_clear(tags);
	free(tags->list);
	pthread_rwlock_destroy(&tags->lock);
}

/* ---- Looking up ------------------------------------------------------- */

/* The first tag whose name is >= name; *equal when it is that name. */
static size_t place_of(const struct tags *tags, struct slice name, bool *equal)
{
	size_t low = 0, high = tags->count;

	*equal = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_compare(slice_str(tags->list[middle]->name), name);

		if (order < 0) {
			low = middle + 1;
		} else {
			*equal |= order == 0;
			high = middle;
		}
	}
	return low;
}

enum drift_err tags_find(struct tags *tags, struct slice name, struct drift_tag *tag)
{
	bool found;
	size_t at;

	pthread_rwlock_rdlock(&tags->lock);
	at = place_of(tags, name, &found);
	if (found)
		*tag = *tags->list[at];
	pthread_rwlock_unlock(&tags->lock);
	return found ? DRIFT_OK : DRIFT_NO_TAG;
}

enum drift_err tags_next(struct tags *tags, struct slice after,
			 struct drift_tag *tag)
{
	bool equal, found;
	size_t at;

	pthread_rwlock_rdlock(&tags->lock);
	at = place_of(tags, after, &equal);
	at += equal;
	found = at < tags->count;
	if (found)
		*tag = *tags->list[at];
	pthread_rwlock_unlock(&tags->lock);
	return found ? DRIFT_OK : DRIFT_DONE;
}

/* ---- Changing --------------------------------------------------------- */

static enum drift_err grow(struct tags *tags)
{
	size_t capacity = 2 * tags->capacity + 16;
	struct drift_tag **list;

	if (tags->count < tags->capacity)
		return DRIFT_OK;
	list = realloc(tags->list, capacity * sizeof(struct drift_tag *));
	if (!list)
		return DRIFT_NOMEM;
	tags->list = list;
	tags->capacity = capacity;
	return DRIFT_OK;
}

static enum drift_err insert_at(struct tags *tags, size_t at,
				const struct drift_tag *from)
{
	struct drift_tag *tag;

	if (grow(tags))
		return DRIFT_NOMEM;
	tag = malloc(sizeof(*tag));
	if (!tag)
		return DRIFT_NOMEM;
	*tag = *from;
	memmove(tags->list + at + 1, tags->list + at,
		(tags->count - at) * sizeof(struct drift_tag *));
	tags->list[at] = tag;
	tags->count++;
	return DRIFT_OK;
}

static void remove_at(struct tags *tags, size_t at)
{
	free(tags->list[at]);
	tags->count--;
	memmove(tags->list + at, tags->list + at + 1,
		(tags->count - at) * sizeof(struct drift_tag *));
}

static enum drift_err read_definition(const struct frame_ddl *ddl,
				      struct drift_tag *tag)
{
	struct msg_cursor cursor = msg_cursor_of(ddl->definition);
	struct slice name = { 0 };
	int64_t seq = 0;
	uint32_t count;
	enum drift_err err = msg_read_array(&cursor, &count);

	if (!err && count != (ddl->op == DDL_TAG ? 2 : 1))
		err = DRIFT_CORRUPT;
	if (!err)
		err = msg_read_text(&cursor, &name);
	if (!err && ddl->op == DDL_TAG)
		err = msg_read_int(&cursor, &seq);
	if (!err && (name.size == 0 || name.size > DRIFT_TAG_BYTES_MAX || seq < 0 ||
		     memchr(name.data, 0, name.size)))
		err = DRIFT_CORRUPT;
	if (err)
		return err;
	memcpy(tag->name, name.data, name.size);
	tag->name[name.size] = 0;
	tag->seq = (drift_seq)seq;
	return DRIFT_OK;
}

enum drift_err tags_apply(struct tags *tags, const struct frame_ddl *ddl,
			  drift_time_ns time)
{
	struct drift_tag tag = { .created = time };
	enum drift_err err = read_definition(ddl, &tag);
	bool found;
	size_t at;

	if (err)
		return err;
	pthread_rwlock_wrlock(&tags->lock);
	at = place_of(tags, slice_str(tag.name), &found);
	if (found != (ddl->op == DDL_UNTAG))
		err = DRIFT_CORRUPT;
	else if (found)
		remove_at(tags, at);
	else
		err = insert_at(tags, at, &tag);
	pthread_rwlock_unlock(&tags->lock);
	return err;
}

/* ---- As bytes and as text --------------------------------------------- */

void tags_encode(struct buf *out, enum ddl_op op, struct slice name, drift_seq seq)
{
	msg_add_array(out, op == DDL_TAG ? 2 : 1);
	msg_add_text(out, name);
	if (op == DDL_TAG)
		msg_add_int(out, (int64_t)seq);
}

/* A name that needs no quotes where a tag's name is expected. */
static bool is_plain(struct slice name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	const char *at = name.data;

	if ((at[0] >= '0' && at[0] <= '9') ||
	    (name.size == 2 && strncasecmp(at, "if", 2) == 0))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (!strchr(letters, at[i]))
			return false;
	return true;
}

static void print_name(struct buf *out, struct slice name)
{
	const char *at = name.data;

	if (is_plain(name)) {
		buf_add_slice(out, name);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < name.size; i++) {
		if (at[i] == '"')
			buf_add_char(out, '"');
		buf_add_char(out, at[i]);
	}
	buf_add_char(out, '"');
}

void tags_print(struct buf *out, enum ddl_op op, struct slice name, drift_seq seq)
{
	buf_add_str(out, op == DDL_TAG ? "TAG " : "DROP TAG ");
	print_name(out, name);
	if (op == DDL_TAG)
		buf_printf(out, " AT @SEQ:%" PRIu64, seq);
}

/* ---- The public face -------------------------------------------------- */

/* Of one that is just being committed nobody hears before its seq is visible. */
static bool is_visible(struct drift_db *db, const struct drift_tag *tag)
{
	return tag->seq <= drift_head(db);
}

enum drift_err drift_tag_find(struct drift_db *db, struct slice name,
			      struct drift_tag *tag)
{
	enum drift_err err = tags_find(&db->tags, name, tag);

	return !err && !is_visible(db, tag) ? DRIFT_NO_TAG : err;
}

enum drift_err drift_tag_next(struct drift_db *db, struct slice after,
			      struct drift_tag *tag)
{
	enum drift_err err = tags_next(&db->tags, after, tag);

	while (!err && !is_visible(db, tag))
		err = tags_next(&db->tags, slice_str(tag->name), tag);
	return err;
}
