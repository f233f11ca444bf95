/* SPDX-License-Identifier: MIT */
/* msg_document.c - documents as maps: one member, all of them, merging two.
 *
 * Nothing is unpacked into a tree. A map is looked at as an array of slices into
 * its own bytes, sorted by name where names must be found, so that a document of
 * a million members costs n log n and not n squared. */
#include <math.h>
#include <stdlib.h>

#include "engine/json.h"
#include "engine/msg_step.h"

#define FEW_NAMES 24

struct member {
	struct slice name;
	struct slice value;
	bool matched;
};

struct members {
	uint32_t count;
	struct member *items;   /* in the order written */
	struct member **sorted; /* by name */
};

static void members_release(struct members *members)
{
	free(members->items);
	free(members->sorted);
}

static int by_name(const void *a, const void *b)
{
	const struct member *const *left = a;
	const struct member *const *right = b;

	return slice_compare((*left)->name, (*right)->name);
}

/* The members of a map; members_release also after a failure. */
static enum drift_err members_load(struct members *members, struct slice map)
{
	struct msg_cursor cursor = msg_cursor_of(map);
	enum drift_err err;
	uint32_t i;

	*members = (struct members){ 0 };
	err = msg_read_map(&cursor, &members->count);
	if (err)
		return err;
	members->items = calloc(members->count + 1, sizeof(*members->items));
	members->sorted = calloc(members->count + 1, sizeof(*members->sorted));
	if (!members->items || !members->sorted)
		return DRIFT_NOMEM;
	for (i = 0; !err && i < members->count; i++) {
		members->sorted[i] = &members->items[i];
		err = msg_read_text(&cursor, &members->items[i].name);
		if (!err)
			err = msg_skip(&cursor, &members->items[i].value);
	}
	if (!err)
		qsort(members->sorted, members->count, sizeof(*members->sorted),
		      by_name);
	return err;
}

static struct member *members_find(struct members *members, struct slice name)
{
	struct member wanted = { .name = name };
	struct member *key = &wanted;
	struct member **found;

	found = bsearch(&key, members->sorted, members->count,
			sizeof(*members->sorted), by_name);
	return found ? *found : NULL;
}

static bool at_text(const struct msg_cursor *cursor)
{
	uint8_t first = cursor->at < cursor->end ? *cursor->at : 0;

	return (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb);
}

enum drift_err msg_member(struct slice document, struct slice name,
			  struct slice *value)
{
	struct msg_step_name wanted = msg_step_name_of(name.data, name.size);
	struct msg_cursor cursor = msg_cursor_of(document);
	const uint8_t *start;
	enum drift_err err;
	uint32_t count;

	err = msg_read_map(&cursor, &count);
	if (err)
		return err;
	for (; count > 0; count--) {
		if (msg_step_over_name(&cursor, &wanted)) {
			start = cursor.at;
			if (!msg_step(&cursor))
				return DRIFT_CORRUPT;
			*value = slice_of(start, (size_t)(cursor.at - start));
			return DRIFT_OK;
		}
		if (!at_text(&cursor) || !msg_step(&cursor) || !msg_step(&cursor))
			return DRIFT_CORRUPT;
	}
	return DRIFT_DONE;
}

/* ---- Checking ----------------------------------------------------------- */

static bool scalar_allowed(const struct msg_value *value)
{
	if (value->type == MSG_REAL)
		return isfinite(value->real);
	if (value->type == MSG_TEXT)
		return json_text_plain(value->bytes) ||
		       (!memchr(value->bytes.data, 0, value->bytes.size) &&
			json_text_valid(value->bytes));
	return true;
}

/* Walk one value; the same stack as msg_skip's, here with what is a map. */
static enum drift_err check_values(struct msg_cursor *cursor)
{
	struct {
		uint64_t items;
		bool map;
	} levels[MSG_DEPTH_MAX];
	struct msg_value value;
	unsigned depth = 0;
	enum drift_err err;
	bool is_name;

	do {
		is_name = depth > 0 && levels[depth - 1].map &&
			  levels[depth - 1].items % 2 == 0;
		if (depth > 0)
			levels[depth - 1].items--;
		err = msg_read(cursor, &value);
		if (err)
			return err;
		if ((is_name && value.type != MSG_TEXT) || !scalar_allowed(&value))
			return DRIFT_CORRUPT;
		if (value.type >= MSG_ARRAY) {
			if (depth == MSG_DEPTH_MAX)
				return DRIFT_CORRUPT;
			levels[depth].map = value.type == MSG_MAP;
			levels[depth].items = value.count;
			if (levels[depth].map)
				levels[depth].items *= 2;
			depth++;
		}
		while (depth > 0 && levels[depth - 1].items == 0)
			depth--;
	} while (depth > 0);
	return DRIFT_OK;
}

/* Few names are compared each with each, without sorting or allocating. */
static enum drift_err check_few_names(struct msg_cursor *cursor, uint32_t count)
{
	struct slice names[FEW_NAMES];
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < count && !err; i++) {
		err = msg_read_text(cursor, &names[i]);
		if (!err)
			err = msg_skip(cursor, NULL);
		for (uint32_t j = 0; j < i && !err; j++)
			if (slice_equal(names[i], names[j]))
				err = DRIFT_CORRUPT;
	}
	return err;
}

static enum drift_err check_names(struct slice document)
{
	struct msg_cursor cursor = msg_cursor_of(document);
	struct members members;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	if (err || count <= FEW_NAMES)
		return err ? err : check_few_names(&cursor, count);
	err = members_load(&members, document);
	for (uint32_t i = 1; i < members.count && !err; i++)
		if (slice_equal(members.sorted[i - 1]->name,
				members.sorted[i]->name))
			err = DRIFT_CORRUPT;
	members_release(&members);
	return err;
}

enum drift_err msg_check_value(struct slice value)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	enum drift_err err = check_values(&cursor);

	if (!err && cursor.at != cursor.end)
		err = DRIFT_CORRUPT;
	return err;
}

enum drift_err msg_check_document(struct slice document)
{
	struct msg_cursor head = msg_cursor_of(document);
	enum drift_err err;
	uint32_t count;

	err = msg_read_map(&head, &count);
	if (!err)
		err = msg_check_value(document);
	if (!err)
		err = check_names(document);
	return err;
}

/* ---- Merging ------------------------------------------------------------ */

static bool is_map(struct slice value)
{
	const uint8_t *first = value.data;

	return value.size > 0 &&
	       ((*first & 0xf0) == 0x80 || *first == 0xde || *first == 0xdf);
}

static bool is_nil(struct slice value)
{
	return value.size == 1 && *(const uint8_t *)value.data == 0xc0;
}

static enum drift_err merge(struct slice target, struct slice patch, struct buf *out,
			    unsigned depth);

/* What becomes of a member that patch names: nothing if it says null, else its
 * value, merged into the old one if it is a map. */
static enum drift_err merge_member(struct slice old, const struct member *new,
				   struct buf *out, uint32_t *count, unsigned depth)
{
	if (is_nil(new->value))
		return DRIFT_OK;
	++*count;
	msg_add_text(out, new->name);
	if (is_map(new->value))
		return merge(old, new->value, out, depth + 1);
	buf_add_slice(out, new->value);
	return DRIFT_OK;
}

/* Target's members, in their order. */
static enum drift_err merge_old(struct slice target, struct members *patch,
				struct buf *out, uint32_t *count, unsigned depth)
{
	struct msg_cursor cursor = msg_cursor_of(target);
	struct member old;
	struct member *new;
	enum drift_err err;
	uint32_t left;

	err = msg_read_map(&cursor, &left);
	for (; !err && left > 0; left--) {
		err = msg_read_text(&cursor, &old.name);
		if (!err)
			err = msg_skip(&cursor, &old.value);
		if (err)
			break;
		new = members_find(patch, old.name);
		if (new) {
			new->matched = true;
			err = merge_member(old.value, new, out, count, depth);
		} else {
			++*count;
			msg_add_text(out, old.name);
			buf_add_slice(out, old.value);
		}
	}
	return err;
}

/* Patch's members that target does not have, in patch's order. */
static enum drift_err merge_new(const struct members *patch, struct buf *out,
				uint32_t *count, unsigned depth)
{
	enum drift_err err = DRIFT_OK;
	uint32_t i;

	for (i = 0; !err && i < patch->count; i++)
		if (!patch->items[i].matched)
			err = merge_member((struct slice){ 0 }, &patch->items[i],
					   out, count, depth);
	return err;
}

static enum drift_err merge(struct slice target, struct slice patch, struct buf *out,
			    unsigned depth)
{
	struct buf body = BUF_INIT;
	struct members members;
	enum drift_err err;
	uint32_t count = 0;

	if (depth > MSG_DEPTH_MAX)
		return DRIFT_CORRUPT;
	err = members_load(&members, patch);
	if (!err && is_map(target))
		err = merge_old(target, &members, &body, &count, depth);
	if (!err)
		err = merge_new(&members, &body, &count, depth);
	if (!err)
		err = buf_status(&body);
	if (!err) {
		msg_add_map(out, count);
		buf_add_slice(out, buf_slice(&body));
		err = buf_status(out);
	}
	members_release(&members);
	buf_release(&body);
	return err;
}

enum drift_err msg_merge_patch(struct slice target, struct slice patch,
			       struct buf *out)
{
	return merge(target, patch, out, 1);
}

/* document's members from *cursor on, name's value replaced. */
static enum drift_err copy_replacing(struct msg_cursor *cursor, uint32_t count,
				     struct slice name, struct slice value,
				     struct buf *out)
{
	enum drift_err err = DRIFT_OK;
	struct slice member;
	struct slice old;

	for (; !err && count > 0; count--) {
		err = msg_read_text(cursor, &member);
		if (!err)
			err = msg_skip(cursor, &old);
		if (err)
			break;
		msg_add_text(out, member);
		buf_add_slice(out, slice_equal(member, name) ? value : old);
	}
	return err;
}

enum drift_err msg_with_member(struct slice document, struct slice name,
			       struct slice value, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(document);
	enum drift_err found;
	enum drift_err err;
	struct slice old;
	uint32_t count;

	found = msg_member(document, name, &old);
	if (found && found != DRIFT_DONE)
		return found;
	err = msg_read_map(&cursor, &count);
	if (err)
		return err;
	msg_add_map(out, count + (found == DRIFT_DONE));
	if (found == DRIFT_DONE) {
		msg_add_text(out, name);
		buf_add_slice(out, value);
	}
	err = copy_replacing(&cursor, count, name, value, out);
	return err ? err : buf_status(out);
}
