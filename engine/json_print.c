/* SPDX-License-Identifier: MIT */
/* json_print.c - MessagePack values as JSON text, straight from their bytes.
 *
 * A real is printed in the fewest digits that read back as the same binary64.
 * Any decimal of 15 digits survives the way through a double and back, so for
 * usual magnitudes it is enough to find the smallest k for which value * 10^k
 * rounds to an integer r with r / 10^k == value: both are exact as doubles, hence
 * the quotient is the double nearest to that decimal. What is left over goes
 * through printf and strtod with 15, 16 and then 17 digits. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/json.h"

struct printer {
	struct buf *out;
	enum json_style style;
};

/* digits / 10^places, with the point and at least one digit on each side. */
static void print_decimal(bool negative, uint64_t digits, unsigned places,
			  struct buf *out)
{
	char text[32]; /* a sign, 15 digits, the point, a zero */
	char *end = text + sizeof(text);
	char *at = end;
	unsigned i;

	for (i = 0; i < places; i++, digits /= 10)
		*--at = (char)('0' + digits % 10);
	if (places == 0)
		*--at = '0';
	*--at = '.';
	do
		*--at = (char)('0' + digits % 10);
	while ((digits /= 10) > 0);
	if (negative)
		*--at = '-';
	buf_add(out, at, (size_t)(end - at));
}

/* True if value was printed as a decimal of at most 15 digits, 9 of them after
 * the point. */
static bool print_short_decimal(double value, struct buf *out)
{
	double size = fabs(value);
	double power = 1;
	double digits;
	unsigned places;

	if (size >= 1e15 || (size < 1e-4 && size != 0))
		return false;
	for (places = 0; places <= 9; places++, power *= 10) {
		digits = nearbyint(size * power);
		if (digits >= 1e15)
			return false;
		if (digits / power == size) {
			print_decimal(signbit(value), (uint64_t)digits, places, out);
			return true;
		}
	}
	return false;
}

void json_print_real(double value, struct buf *out)
{
	char text[40];
	/* Subnormals have fewer digits, so that 15 may be more than needed. */
	int digits = fabs(value) < DBL_MIN ? 1 : 15;

	if (print_short_decimal(value, out))
		return;
	do
		snprintf(text, sizeof(text), "%.*g", digits, value);
	while (strtod(text, NULL) != value && digits++ < 17);
	buf_add_str(out, text);
	if (!strpbrk(text, ".e"))
		buf_add_str(out, ".0");
}

static void print_blob(struct slice blob, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *bytes = blob.data;
	char *at = buf_reserve(out, 2 * blob.size + 5);
	char *start = at;
	size_t i;

	if (!at)
		return;
	memcpy(at, "\"\\\\x", 4);
	at += 4;
	for (i = 0; i < blob.size; i++) {
		*at++ = hex[bytes[i] >> 4];
		*at++ = hex[bytes[i] & 15];
	}
	*at++ = '"';
	out->size += (size_t)(at - start);
}

static void start_line(const struct printer *printer, unsigned depth)
{
	char *at;

	if (printer->style == JSON_COMPACT)
		return;
	at = buf_reserve(printer->out, 1 + 2 * (size_t)depth);
	if (!at)
		return;
	*at++ = '\n';
	for (unsigned i = 0; i < depth; i++, at += 2)
		memcpy(at, "  ", 2);
	printer->out->size += 1 + 2 * (size_t)depth;
}

static enum drift_err print_name(const struct printer *printer,
				 struct msg_cursor *cursor)
{
	struct slice name;
	enum drift_err err = msg_read_text(cursor, &name);

	if (err)
		return err;
	json_print_text(name, printer->out);
	buf_add(printer->out, ": ", printer->style == JSON_COMPACT ? 1 : 2);
	return DRIFT_OK;
}

static enum drift_err print_scalar(const struct msg_value *value, struct buf *out)
{
	switch (value->type) {
	case MSG_NIL:
		buf_add(out, "null", 4);
		return DRIFT_OK;
	case MSG_BOOL:
		buf_add_str(out, value->boolean ? "true" : "false");
		return DRIFT_OK;
	case MSG_INT:
		buf_add_int(out, value->integer);
		return DRIFT_OK;
	case MSG_REAL:
		if (!isfinite(value->real))
			return DRIFT_CORRUPT;
		json_print_real(value->real, out);
		return DRIFT_OK;
	case MSG_TEXT:
		json_print_text(value->bytes, out);
		return DRIFT_OK;
	case MSG_BLOB:
		print_blob(value->bytes, out);
		return DRIFT_OK;
	case MSG_ARRAY:
	case MSG_MAP:
		break;
	}
	return DRIFT_CORRUPT;
}

/* One value and what is in it; recursion ends at MSG_DEPTH_MAX levels. */
static enum drift_err print_value(const struct printer *printer,
				  struct msg_cursor *cursor, unsigned depth)
{
	struct buf *out = printer->out;
	struct msg_value value;
	enum drift_err err;
	uint32_t i;

	err = msg_read(cursor, &value);
	if (err)
		return err;
	if (value.type < MSG_ARRAY)
		return print_scalar(&value, out);
	if (depth == MSG_DEPTH_MAX)
		return DRIFT_CORRUPT;
	buf_add_char(out, value.type == MSG_MAP ? '{' : '[');
	for (i = 0; !err && i < value.count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		start_line(printer, depth + 1);
		if (value.type == MSG_MAP)
			err = print_name(printer, cursor);
		if (!err)
			err = print_value(printer, cursor, depth + 1);
	}
	if (value.count > 0)
		start_line(printer, depth);
	buf_add_char(out, value.type == MSG_MAP ? '}' : ']');
	return err;
}

enum drift_err json_print(struct slice value, enum json_style style, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	struct printer printer = { out, style };
	enum drift_err err = print_value(&printer, &cursor, 0);

	if (!err && cursor.at != cursor.end)
		err = DRIFT_CORRUPT;
	return err ? err : buf_status(out);
}
