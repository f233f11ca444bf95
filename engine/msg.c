/* SPDX-License-Identifier: MIT */
/* msg.c - reading MessagePack with a bounded cursor, writing it with msgpack-c.
 *
 * The reader trusts nothing: a length that goes past the end is DRIFT_CORRUPT
 * before anything is made of it, and so is a count of more items than there are
 * bytes left, so that a caller may size an allocation by it. Levels are counted
 * on a stack of remaining items, never by recursion. */
#include "engine/msg.h"

#include <msgpack/pack.h>

/* How a leading byte at or above 0xc0 is read: what follows is `size` bytes of
 * number (NUMBER), or of length before that many bytes or items. */
enum lead_form {
	LEAD_REFUSED,
	LEAD_CONSTANT,
	LEAD_UNSIGNED,
	LEAD_SIGNED,
	LEAD_REAL,
	LEAD_LENGTH
};

struct lead {
	uint8_t form;
	uint8_t type; /* enum msg_type */
	uint8_t size;
};

static const struct lead leads[32] = {
	[0x00] = { LEAD_CONSTANT, MSG_NIL, 0 },
	[0x02] = { LEAD_CONSTANT, MSG_BOOL, 0 },
	[0x03] = { LEAD_CONSTANT, MSG_BOOL, 0 },
	[0x04] = { LEAD_LENGTH, MSG_BLOB, 1 },
	[0x05] = { LEAD_LENGTH, MSG_BLOB, 2 },
	[0x06] = { LEAD_LENGTH, MSG_BLOB, 4 },
	[0x0b] = { LEAD_REAL, MSG_REAL, 8 },
	[0x0c] = { LEAD_UNSIGNED, MSG_INT, 1 },
	[0x0d] = { LEAD_UNSIGNED, MSG_INT, 2 },
	[0x0e] = { LEAD_UNSIGNED, MSG_INT, 4 },
	[0x0f] = { LEAD_UNSIGNED, MSG_INT, 8 },
	[0x10] = { LEAD_SIGNED, MSG_INT, 1 },
	[0x11] = { LEAD_SIGNED, MSG_INT, 2 },
	[0x12] = { LEAD_SIGNED, MSG_INT, 4 },
	[0x13] = { LEAD_SIGNED, MSG_INT, 8 },
	[0x19] = { LEAD_LENGTH, MSG_TEXT, 1 },
	[0x1a] = { LEAD_LENGTH, MSG_TEXT, 2 },
	[0x1b] = { LEAD_LENGTH, MSG_TEXT, 4 },
	[0x1c] = { LEAD_LENGTH, MSG_ARRAY, 2 },
	[0x1d] = { LEAD_LENGTH, MSG_ARRAY, 4 },
	[0x1e] = { LEAD_LENGTH, MSG_MAP, 2 },
	[0x1f] = { LEAD_LENGTH, MSG_MAP, 4 },
};

static inline size_t left(const struct msg_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* size bytes, big endian; the caller has checked that they are there. */
static inline uint64_t number_at(const uint8_t *at, unsigned size)
{
	switch (size) {
	case 1:
		return at[0];
	case 2:
		return (uint64_t)at[0] << 8 | at[1];
	case 4:
		return be32_get(at);
	case 8:
		return be64_get(at);
	default:
		return 0;
	}
}

static inline int64_t sign_extend(uint64_t value, unsigned size)
{
	unsigned shift = (64 - 8 * size) & 63;

	return (int64_t)(value << shift) >> shift;
}

/* The bytes or the count that a length announces. */
static inline enum drift_err take_length(struct msg_cursor *cursor,
					 enum msg_type type, uint32_t length,
					 struct msg_value *value)
{
	value->type = type;
	if (type == MSG_ARRAY || type == MSG_MAP) {
		value->count = length;
		return length > left(cursor) / (type == MSG_MAP ? 2 : 1)
			       ? DRIFT_CORRUPT
			       : DRIFT_OK;
	}
	if (length > left(cursor))
		return DRIFT_CORRUPT;
	value->bytes = slice_of(cursor->at, length);
	cursor->at += length;
	return DRIFT_OK;
}

static inline enum drift_err take_real(uint64_t bits, struct msg_value *value)
{
	value->type = MSG_REAL;
	memcpy(&value->real, &bits, sizeof(bits));
	return DRIFT_OK;
}

static inline enum drift_err take_int(int64_t number, struct msg_value *value)
{
	value->type = MSG_INT;
	value->integer = number;
	return DRIFT_OK;
}

static enum drift_err take_long_form(struct msg_cursor *cursor, uint8_t first,
				     struct msg_value *value)
{
	struct lead lead = leads[first & 0x1f];
	uint64_t number;

	if (left(cursor) < lead.size)
		return DRIFT_CORRUPT;
	number = number_at(cursor->at, lead.size);
	cursor->at += lead.size;
	switch ((enum lead_form)lead.form) {
	case LEAD_CONSTANT:
		value->type = lead.type;
		value->boolean = first == 0xc3;
		return DRIFT_OK;
	case LEAD_UNSIGNED:
		return number > INT64_MAX ? DRIFT_CORRUPT
					  : take_int((int64_t)number, value);
	case LEAD_SIGNED:
		return take_int(sign_extend(number, lead.size), value);
	case LEAD_REAL:
		return take_real(number, value);
	case LEAD_LENGTH:
		return take_length(cursor, lead.type, (uint32_t)number, value);
	case LEAD_REFUSED:
		break;
	}
	return DRIFT_CORRUPT;
}

static inline enum drift_err take(struct msg_cursor *cursor, struct msg_value *value)
{
	uint8_t first;

	if (cursor->at >= cursor->end)
		return DRIFT_CORRUPT;
	first = *cursor->at++;
	if (first < 0x80)
		return take_int(first, value);
	if (first < 0x90)
		return take_length(cursor, MSG_MAP, first & 0x0f, value);
	if (first < 0xa0)
		return take_length(cursor, MSG_ARRAY, first & 0x0f, value);
	if (first < 0xc0)
		return take_length(cursor, MSG_TEXT, first & 0x1f, value);
	if (first < 0xe0)
		return take_long_form(cursor, first, value);
	return take_int((int8_t)first, value);
}

enum drift_err msg_read(struct msg_cursor *cursor, struct msg_value *value)
{
	return take(cursor, value);
}

static inline uint64_t items_of(const struct msg_value *value)
{
	if (value->type == MSG_MAP)
		return 2 * (uint64_t)value->count;
	return value->type == MSG_ARRAY ? value->count : 0;
}

enum drift_err msg_skip(struct msg_cursor *cursor, struct slice *whole)
{
	const uint8_t *start = cursor->at;
	uint64_t items[MSG_DEPTH_MAX]; /* still to come, a level each */
	struct msg_value value;
	unsigned depth = 0;
	enum drift_err err;

	do {
		if (depth > 0)
			items[depth - 1]--;
		err = take(cursor, &value);
		if (err)
			return err;
		if (value.type >= MSG_ARRAY) {
			if (depth == MSG_DEPTH_MAX)
				return DRIFT_CORRUPT;
			items[depth++] = items_of(&value);
		}
		while (depth > 0 && items[depth - 1] == 0)
			depth--;
	} while (depth > 0);
	if (whole)
		*whole = slice_of(start, (size_t)(cursor->at - start));
	return DRIFT_OK;
}

static inline enum drift_err take_typed(struct msg_cursor *cursor,
					enum msg_type type, struct msg_value *value)
{
	enum drift_err err = take(cursor, value);

	if (err)
		return err;
	return value->type == type ? DRIFT_OK : DRIFT_CORRUPT;
}

enum drift_err msg_read_text(struct msg_cursor *cursor, struct slice *text)
{
	struct msg_value value;
	enum drift_err err = take_typed(cursor, MSG_TEXT, &value);

	if (!err)
		*text = value.bytes;
	return err;
}

enum drift_err msg_read_blob(struct msg_cursor *cursor, struct slice *blob)
{
	struct msg_value value;
	enum drift_err err = take_typed(cursor, MSG_BLOB, &value);

	if (!err)
		*blob = value.bytes;
	return err;
}

enum drift_err msg_read_int(struct msg_cursor *cursor, int64_t *number)
{
	struct msg_value value;
	enum drift_err err = take_typed(cursor, MSG_INT, &value);

	if (!err)
		*number = value.integer;
	return err;
}

enum drift_err msg_read_array(struct msg_cursor *cursor, uint32_t *count)
{
	struct msg_value value;
	enum drift_err err = take_typed(cursor, MSG_ARRAY, &value);

	if (!err)
		*count = value.count;
	return err;
}

enum drift_err msg_read_map(struct msg_cursor *cursor, uint32_t *count)
{
	struct msg_value value;
	enum drift_err err = take_typed(cursor, MSG_MAP, &value);

	if (!err)
		*count = value.count;
	return err;
}

/* ---- Writing ----------------------------------------------------------- */

static int add_bytes(void *buf, const char *data, size_t size)
{
	buf_add(buf, data, size);
	return 0;
}

static inline msgpack_packer packer_into(struct buf *buf)
{
	return (msgpack_packer){ .data = buf, .callback = add_bytes };
}

void msg_add_nil(struct buf *buf)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_nil(&packer);
}

void msg_add_bool(struct buf *buf, bool value)
{
	msgpack_packer packer = packer_into(buf);

	if (value)
		msgpack_pack_true(&packer);
	else
		msgpack_pack_false(&packer);
}

void msg_add_int(struct buf *buf, int64_t value)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_int64(&packer, value);
}

void msg_add_real(struct buf *buf, double value)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_double(&packer, value);
}

void msg_add_text(struct buf *buf, struct slice text)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_str(&packer, text.size);
	buf_add_slice(buf, text);
}

void msg_add_blob(struct buf *buf, struct slice blob)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_bin(&packer, blob.size);
	buf_add_slice(buf, blob);
}

void msg_add_array(struct buf *buf, uint32_t count)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_array(&packer, count);
}

void msg_add_map(struct buf *buf, uint32_t count)
{
	msgpack_packer packer = packer_into(buf);

	msgpack_pack_map(&packer, count);
}

void msg_add_value(struct buf *buf, const struct msg_value *value)
{
	switch (value->type) {
	case MSG_NIL:
		msg_add_nil(buf);
		break;
	case MSG_BOOL:
		msg_add_bool(buf, value->boolean);
		break;
	case MSG_INT:
		msg_add_int(buf, value->integer);
		break;
	case MSG_REAL:
		msg_add_real(buf, value->real);
		break;
	case MSG_TEXT:
		msg_add_text(buf, value->bytes);
		break;
	case MSG_BLOB:
		msg_add_blob(buf, value->bytes);
		break;
	case MSG_ARRAY:
		msg_add_array(buf, value->count);
		break;
	case MSG_MAP:
		msg_add_map(buf, value->count);
		break;
	}
}
