/* SPDX-License-Identifier: MIT */
/* wire_binary.c - parameters that clients send in binary, as the texts that mean them.
 * Formats: PostgreSQL 15's receive functions (int8recv, numeric_recv, ...). */
#include <stdio.h>

#include "query/wire_value.h"

/* src/backend/utils/adt/numeric.c */
enum {
	NUMERIC_PLUS = 0x0000,
	NUMERIC_MINUS = 0x4000,
	NUMERIC_SCALE_MAX = 1000,
	NUMERIC_BASE = 10000,
};

#define DAY_US 86400000000LL

/* Arrays of the types that are read here. PostgreSQL 15, pg_type.dat. */
static bool is_array(uint32_t oid)
{
	static const uint32_t oids[] = { 1000, 1001, 1005, 1007, 1009, 1015, 1016,
					 1021, 1022, 1115, 1182, 1185, 1231, 2951 };

	for (unsigned i = 0; i < sizeof(oids) / sizeof(*oids); i++)
		if (oids[i] == oid)
			return true;
	return false;
}

static unsigned be16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static enum drift_err integer_text(struct slice bytes, size_t size, struct buf *text)
{
	const unsigned char *at = bytes.data;
	uint64_t value = 0;

	if (bytes.size != size)
		return DRIFT_PROTOCOL;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	if (size < 8 && value >> (8 * size - 1))
		value |= UINT64_MAX << (8 * size);
	buf_add_int(text, (int64_t)value);
	return DRIFT_OK;
}

static enum drift_err real_text(struct slice bytes, size_t size, struct buf *text)
{
	uint64_t bits;
	double real;
	float single;

	if (bytes.size != size)
		return DRIFT_PROTOCOL;
	bits = size == 8 ? be64_get(bytes.data) : be32_get(bytes.data);
	if (size == 8) {
		memcpy(&real, &bits, sizeof(real));
		buf_printf(text, "%.17g", real);
	} else {
		uint32_t half = (uint32_t)bits;

		memcpy(&single, &half, sizeof(single));
		buf_printf(text, "%.9g", (double)single);
	}
	return DRIFT_OK;
}

static void hex_text(struct slice bytes, struct buf *text)
{
	const unsigned char *at = bytes.data;

	buf_add_str(text, "\\x");
	for (size_t i = 0; i < bytes.size; i++)
		buf_printf(text, "%02x", at[i]);
}

/* The first size_max characters of a time. */
static enum drift_err time_text(int64_t microseconds, size_t size_max,
				struct buf *text)
{
	size_t start = text->size;

	if (microseconds > INT64_MAX / 1000 - WIRE_EPOCH_US ||
	    microseconds < INT64_MIN / 1000)
		return DRIFT_OUT_OF_RANGE;
	moment_print_time((microseconds + WIRE_EPOCH_US) * 1000, text);
	if (!buf_status(text) && text->size - start > size_max)
		text->size = start + size_max;
	return DRIFT_OK;
}

static enum drift_err date_text(int32_t days, struct buf *text)
{
	if (days > INT64_MAX / DAY_US || days < INT64_MIN / DAY_US)
		return DRIFT_OUT_OF_RANGE;
	return time_text(days * DAY_US, sizeof("2000-01-01") - 1, text);
}

/* Four numbers of 16 bits (how many groups of four digits, the first one's weight, sign,
 * digits behind the point), then the groups. */
static enum drift_err numeric_text(struct slice bytes, struct buf *text)
{
	const unsigned char *at = bytes.data;
	unsigned groups, sign, scale;
	int weight, first;

	if (bytes.size < 8)
		return DRIFT_PROTOCOL;
	groups = be16(at);
	weight = (int16_t)be16(at + 2);
	sign = be16(at + 4);
	scale = be16(at + 6);
	if (bytes.size != 8 + 2 * (size_t)groups || scale > NUMERIC_SCALE_MAX ||
	    weight > NUMERIC_SCALE_MAX / 4 || weight < -NUMERIC_SCALE_MAX / 4)
		return DRIFT_PROTOCOL;
	if (sign != NUMERIC_PLUS && sign != NUMERIC_MINUS)
		return DRIFT_OUT_OF_RANGE; /* NaN, infinity */
	if (sign == NUMERIC_MINUS)
		buf_add_char(text, '-');
	first = weight < 0 ? 0 : weight;
	for (int i = first; i > -1 - (int)(scale + 3) / 4; i--) {
		int group = weight - i;
		unsigned value = group >= 0 && (unsigned)group < groups
					 ? be16(at + 8 + 2 * group)
					 : 0;

		if (value >= NUMERIC_BASE)
			return DRIFT_PROTOCOL;
		if (i == -1)
			buf_add_char(text, '.');
		buf_printf(text, i == first && i >= 0 ? "%u" : "%04u", value);
	}
	if (scale % 4 && !buf_status(text)) /* the last group has more digits */
		text->size -= 4 - scale % 4;
	return DRIFT_OK;
}

static enum drift_err uuid_text(struct slice bytes, struct buf *text)
{
	const unsigned char *at = bytes.data;

	if (bytes.size != 16)
		return DRIFT_PROTOCOL;
	for (unsigned i = 0; i < 16; i++)
		buf_printf(text,
			   i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			   at[i]);
	return DRIFT_OK;
}

/* One number of 32 bits of an array's head. */
static uint32_t take_be32(struct slice *bytes)
{
	uint32_t value = be32_get(bytes->data);

	*bytes = slice_of((const char *)bytes->data + 4, bytes->size - 4);
	return value;
}

/* A value as an array's text has it: numbers bare, all else in quotes. */
static enum drift_err element_text(uint32_t oid, struct slice bytes,
				   struct buf *text)
{
	bool quoted = wire_type_of_oid(oid) != DRIFT_INTEGER &&
		      wire_type_of_oid(oid) != DRIFT_REAL;
	struct buf value = BUF_INIT;
	enum drift_err err = wire_binary_text(oid, bytes, &value);

	if (quoted)
		buf_add_char(text, '"');
	for (size_t i = 0; !err && i < value.size; i++) {
		if (quoted && (value.data[i] == '"' || value.data[i] == '\\'))
			buf_add_char(text, '\\');
		buf_add_char(text, value.data[i]);
	}
	if (quoted)
		buf_add_char(text, '"');
	buf_release(&value);
	return err;
}

/* Dimensions (none or one), flags, the elements' type; how many there are, the number of
 * the first; the elements, each behind its size. */
static enum drift_err array_text(struct slice bytes, struct buf *text)
{
	uint32_t dimensions, oid, count = 0;
	enum drift_err err = DRIFT_OK;

	if (bytes.size < 12)
		return DRIFT_PROTOCOL;
	dimensions = take_be32(&bytes);
	(void)take_be32(&bytes);
	oid = take_be32(&bytes);
	if (dimensions > 1)
		return DRIFT_UNSUPPORTED;
	if (is_array(oid) || (dimensions && bytes.size < 8))
		return DRIFT_PROTOCOL;
	if (dimensions) {
		count = take_be32(&bytes);
		(void)take_be32(&bytes);
	}
	buf_add_char(text, '{');
	for (uint32_t i = 0; i < count && !err; i++) {
		uint32_t size;

		if (bytes.size < 4)
			return DRIFT_PROTOCOL;
		size = take_be32(&bytes);
		buf_add_str(text, i ? "," : "");
		if (size == UINT32_MAX) {
			buf_add_str(text, "NULL");
			continue;
		}
		if (size > bytes.size)
			return DRIFT_PROTOCOL;
		err = element_text(oid, slice_of(bytes.data, size), text);
		bytes = slice_of((const char *)bytes.data + size, bytes.size - size);
	}
	buf_add_char(text, '}');
	return err || bytes.size == 0 ? err : DRIFT_PROTOCOL;
}

enum drift_err wire_binary_text(uint32_t oid, struct slice bytes, struct buf *text)
{
	switch (oid) {
	case WIRE_BOOL:
		if (bytes.size != 1)
			return DRIFT_PROTOCOL;
		buf_add_char(text, *(const char *)bytes.data ? 't' : 'f');
		return DRIFT_OK;
	case WIRE_INT2:
		return integer_text(bytes, 2, text);
	case WIRE_INT4:
		return integer_text(bytes, 4, text);
	case WIRE_INT8:
		return integer_text(bytes, 8, text);
	case WIRE_FLOAT4:
		return real_text(bytes, 4, text);
	case WIRE_FLOAT8:
		return real_text(bytes, 8, text);
	case WIRE_BYTEA:
		hex_text(bytes, text);
		return DRIFT_OK;
	case WIRE_TIMESTAMP:
	case WIRE_TIMESTAMPTZ:
		return bytes.size == 8 ? time_text((int64_t)be64_get(bytes.data),
						   SIZE_MAX, text)
				       : DRIFT_PROTOCOL;
	case WIRE_DATE:
		return bytes.size == 4
			       ? date_text((int32_t)be32_get(bytes.data), text)
			       : DRIFT_PROTOCOL;
	case WIRE_NUMERIC:
		return numeric_text(bytes, text);
	case WIRE_UUID:
		return uuid_text(bytes, text);
	case WIRE_JSONB: /* its version first */
		if (bytes.size < 1 || *(const char *)bytes.data != 1)
			return DRIFT_PROTOCOL;
		buf_add(text, (const char *)bytes.data + 1, bytes.size - 1);
		return DRIFT_OK;
	case WIRE_UNKNOWN:
	case WIRE_TEXT:
	case WIRE_VARCHAR:
	case WIRE_JSON:
		buf_add_slice(text, bytes);
		return DRIFT_OK;
	default:
		return is_array(oid) ? array_text(bytes, text) : DRIFT_UNSUPPORTED;
	}
}
