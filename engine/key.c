/* SPDX-License-Identifier: MIT */
/* key.c - scalars as bytes in order; the format stands in key.h.
 *
 * Numbers are ordered by their nearest double. Where doubles are further apart
 * than 1 the exact integer follows as a tie-break, so that each int64 has bytes of
 * its own and an integer and a real of the same value have the same. Reading
 * accepts only what adding writes: bytes from disk are checked, not believed. */
#include "engine/key.h"

#include <math.h>

enum { PART_NULL = 0x01, PART_NUMBER = 0x10, PART_TEXT = 0x20, PART_BLOB = 0x30 };

#define SIGN_BIT ((uint64_t)1 << 63)
#define EXACT_LIMIT 9007199254740992.0    /* 2^53 */
#define INT64_LIMIT 9223372036854775808.0 /* 2^63 */

static uint64_t double_to_order(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static double order_to_double(uint64_t order)
{
	uint64_t bits = order & SIGN_BIT ? order & ~SIGN_BIT : ~order;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static int64_t saturate(double value)
{
	if (value >= INT64_LIMIT)
		return INT64_MAX;
	if (value < -INT64_LIMIT)
		return INT64_MIN;
	return (int64_t)value;
}

static void add_number(struct buf *key, double value, int64_t exact)
{
	uint8_t part[17] = { PART_NUMBER };
	size_t size = 9;

	be64_put(part + 1, double_to_order(value));
	if (fabs(value) >= EXACT_LIMIT) {
		be64_put(part + 9, (uint64_t)exact ^ SIGN_BIT);
		size = 17;
	}
	buf_add(key, part, size);
}

void key_add_null(struct buf *key)
{
	buf_add_char(key, PART_NULL);
}

void key_add_int(struct buf *key, int64_t value)
{
	add_number(key, (double)value, value);
}

void key_add_real(struct buf *key, double value)
{
	if (isnan(value))
		key_add_null(key);
	else
		add_number(key, value == 0 ? 0 : value, saturate(value));
}

void key_add_text(struct buf *key, struct slice text)
{
	const char *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
	size_t size = nul ? (size_t)(nul - (const char *)text.data) : text.size;
	char *at = buf_reserve(key, size + 2);

	if (!at)
		return;
	*at = PART_TEXT;
	if (size > 0)
		memcpy(at + 1, text.data, size);
	at[size + 1] = '\0';
	key->size += size + 2;
}

void key_add_blob(struct buf *key, struct slice blob)
{
	const uint8_t *bytes = blob.data;
	size_t i;

	buf_add_char(key, PART_BLOB);
	for (i = 0; i < blob.size; i++) {
		buf_add_char(key, (char)bytes[i]);
		if (bytes[i] == 0)
			buf_add_char(key, (char)0xff);
	}
	buf_add(key, "\0", 2);
}

enum drift_err key_add_value(struct buf *key, const struct msg_value *value)
{
	switch (value->type) {
	case MSG_NIL:
		key_add_null(key);
		break;
	case MSG_BOOL:
		key_add_int(key, value->boolean);
		break;
	case MSG_INT:
		key_add_int(key, value->integer);
		break;
	case MSG_REAL:
		key_add_real(key, value->real);
		break;
	case MSG_TEXT:
		key_add_text(key, value->bytes);
		break;
	case MSG_BLOB:
		key_add_blob(key, value->bytes);
		break;
	case MSG_ARRAY:
	case MSG_MAP:
		return DRIFT_BAD_KEY;
	}
	return buf_status(key);
}

/* ---- Reading ------------------------------------------------------------ */

static enum drift_err read_exact(const uint8_t *at, size_t left, double value,
				 struct msg_value *part, size_t *size)
{
	int64_t exact;

	if (left < 17)
		return DRIFT_CORRUPT;
	exact = (int64_t)(be64_get(at + 9) ^ SIGN_BIT);
	*size = 17;
	if (fabs(value) <= INT64_LIMIT) {
		part->type = MSG_INT;
		part->integer = exact;
		return (double)exact == value ? DRIFT_OK : DRIFT_CORRUPT;
	}
	part->type = MSG_REAL;
	part->real = value;
	return exact == saturate(value) ? DRIFT_OK : DRIFT_CORRUPT;
}

static enum drift_err read_number(const uint8_t *at, size_t left,
				  struct msg_value *part, size_t *size)
{
	double value;

	if (left < 9)
		return DRIFT_CORRUPT;
	value = order_to_double(be64_get(at + 1));
	if (isnan(value) || (value == 0 && signbit(value)))
		return DRIFT_CORRUPT;
	if (fabs(value) >= EXACT_LIMIT)
		return read_exact(at, left, value, part, size);
	*size = 9;
	if (value == trunc(value)) {
		part->type = MSG_INT;
		part->integer = (int64_t)value;
	} else {
		part->type = MSG_REAL;
		part->real = value;
	}
	return DRIFT_OK;
}

static enum drift_err read_text(const uint8_t *at, size_t left,
				struct msg_value *part, size_t *size)
{
	const uint8_t *nul = memchr(at, 0, left);

	if (!nul)
		return DRIFT_CORRUPT;
	part->type = MSG_TEXT;
	part->bytes = slice_of(at + 1, (size_t)(nul - at) - 1);
	*size = (size_t)(nul - at) + 1;
	return DRIFT_OK;
}

static enum drift_err read_blob(const uint8_t *at, size_t left,
				struct msg_value *part, size_t *size)
{
	size_t i = 1;

	while (i + 1 < left && !(at[i] == 0 && at[i + 1] == 0)) {
		if (at[i] == 0 && at[i + 1] != 0xff)
			return DRIFT_CORRUPT;
		i += at[i] == 0 ? 2 : 1;
	}
	if (i + 1 >= left)
		return DRIFT_CORRUPT;
	part->type = MSG_BLOB;
	part->bytes = slice_of(at + 1, i - 1);
	*size = i + 2;
	return DRIFT_OK;
}

enum drift_err key_read(struct slice *rest, struct msg_value *part)
{
	const uint8_t *at = rest->data;
	size_t size = 1;
	enum drift_err err = DRIFT_OK;

	if (rest->size == 0)
		return DRIFT_CORRUPT;
	switch (*at) {
	case PART_NULL:
		part->type = MSG_NIL;
		break;
	case PART_NUMBER:
		err = read_number(at, rest->size, part, &size);
		break;
	case PART_TEXT:
		err = read_text(at, rest->size, part, &size);
		break;
	case PART_BLOB:
		err = read_blob(at, rest->size, part, &size);
		break;
	default:
		return DRIFT_CORRUPT;
	}
	if (!err)
		*rest = slice_of(at + size, rest->size - size);
	return err;
}

enum drift_err key_count(struct slice key, unsigned *count)
{
	struct msg_value part;
	enum drift_err err;

	for (*count = 0; key.size > 0; ++*count) {
		err = key_read(&key, &part);
		if (err)
			return err;
	}
	return DRIFT_OK;
}
