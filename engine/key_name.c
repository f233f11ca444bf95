/* SPDX-License-Identifier: MIT */
/* key_name.c - keys as file names and back, one name for each key.
 *
 * Decoding takes a byte as it is only where encoding would leave it so, and an
 * escape only where encoding would write it; numbers must be spelled as encoding
 * spells them. So encode(decode(name)) == name for each name that is accepted. */
#include <math.h>
#include <stdlib.h>

#include "engine/json.h"
#include "engine/key.h"

#define COMPONENT_BYTES_MAX 255 /* a path component's limit in the kernel */

static const char upper_hex[] = "0123456789ABCDEF";

/* Must byte be escaped? first: it would begin the name. */
static inline bool needs_escape(uint8_t byte, bool first, bool composite)
{
	return byte < 0x20 || byte == 0x7f || byte == '%' || byte == '/' ||
	       (byte == '.' && first) || (byte == ',' && composite);
}

static void encode_text(struct slice text, bool first, bool composite,
			struct buf *name)
{
	const uint8_t *bytes = text.data;
	char *at = buf_reserve(name, 3 * text.size);
	char *start = at;
	size_t i;

	if (!at)
		return;
	for (i = 0; i < text.size; i++) {
		if (!needs_escape(bytes[i], first && i == 0, composite)) {
			*at++ = (char)bytes[i];
			continue;
		}
		*at++ = '%';
		*at++ = upper_hex[bytes[i] >> 4];
		*at++ = upper_hex[bytes[i] & 15];
	}
	name->size += (size_t)(at - start);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the escape at `at` stands for, -1 if it is not a canonical one. */
static int decode_escape(const uint8_t *at, size_t left, bool first, bool composite)
{
	int high = left >= 3 ? hex_digit(at[1]) : -1;
	int low = left >= 3 ? hex_digit(at[2]) : -1;
	int byte = high * 16 + low;

	if (high < 0 || low < 0 || byte == 0)
		return -1;
	return needs_escape((uint8_t)byte, first, composite) ? byte : -1;
}

/* out has room for name.size bytes; *size gets how many were written. */
static enum drift_err decode_text(struct slice name, bool first, bool composite,
				  char *out, size_t *size)
{
	const uint8_t *at = name.data;
	size_t i;
	int byte;

	*size = 0;
	for (i = 0; i < name.size; i++) {
		byte = at[i];
		if (byte == '%') {
			byte = decode_escape(at + i, name.size - i, first && i == 0,
					     composite);
			i += 2;
		} else if (needs_escape(at[i], first && i == 0, composite)) {
			byte = -1;
		}
		if (byte < 0)
			return DRIFT_BAD_NAME;
		out[(*size)++] = (char)byte;
	}
	return json_text_valid(slice_of(out, *size)) ? DRIFT_OK : DRIFT_BAD_TEXT;
}

/* ---- Keys --------------------------------------------------------------- */

static enum drift_err part_to_name(const struct msg_value *part, bool first,
				   bool composite, struct buf *name)
{
	switch (part->type) {
	case MSG_INT:
		buf_add_int(name, part->integer);
		return DRIFT_OK;
	case MSG_REAL:
		if (!isfinite(part->real))
			return DRIFT_BAD_KEY;
		json_print_real(part->real, name);
		return DRIFT_OK;
	case MSG_TEXT:
		if (part->bytes.size == 0)
			return DRIFT_BAD_KEY;
		if (!json_text_valid(part->bytes))
			return DRIFT_BAD_TEXT;
		encode_text(part->bytes, first, composite, name);
		return DRIFT_OK;
	default:
		return DRIFT_BAD_KEY;
	}
}

enum drift_err key_to_name(struct slice key, struct buf *name)
{
	size_t start = name->size;
	struct msg_value part;
	enum drift_err err;
	unsigned count;
	unsigned i;

	if (key.size > KEY_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	err = key_count(key, &count);
	if (!err && count == 0)
		err = DRIFT_BAD_KEY;
	for (i = 0; !err && i < count; i++) {
		if (i > 0)
			buf_add_char(name, ',');
		err = key_read(&key, &part);
		if (!err)
			err = part_to_name(&part, i == 0, count > 1, name);
	}
	if (!err)
		err = buf_status(name);
	if (!err && name->size - start > KEY_NAME_BYTES_MAX)
		err = DRIFT_NAME_TOO_LONG;
	if (err)
		name->size = start;
	return err;
}

/* "0", or an optional '-' and digits that do not begin with 0; int64. */
static enum drift_err decode_int(struct slice name, int64_t *value)
{
	const char *at = name.data;
	const char *end = at + name.size;
	bool negative = at < end && *at == '-';
	int64_t number = 0;

	at += negative;
	if (at == end || (*at == '0' && name.size > 1))
		return DRIFT_BAD_NAME;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9' ||
		    __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_sub_overflow(number, *at - '0', &number))
			return DRIFT_BAD_NAME;
	}
	if (!negative && number == INT64_MIN)
		return DRIFT_BAD_NAME;
	*value = negative ? number : -number;
	return DRIFT_OK;
}

/* Any spelling strtod reads, if it is the one that key_to_name writes. */
static enum drift_err decode_real(struct slice name, struct buf *key)
{
	struct buf again = BUF_INIT;
	size_t start = key->size;
	char text[32] = "";
	enum drift_err err;
	char *end;

	if (name.size == 0 || name.size >= sizeof(text))
		return DRIFT_BAD_NAME;
	memcpy(text, name.data, name.size);
	key_add_real(key, strtod(text, &end));
	err = buf_status(key);
	if (!err)
		err = key_to_name(slice_of(key->data + start, key->size - start),
				  &again);
	if (!err && !slice_equal(buf_slice(&again), name))
		err = DRIFT_BAD_NAME;
	buf_release(&again);
	return err == DRIFT_BAD_KEY ? DRIFT_BAD_NAME : err;
}

static enum drift_err part_from_name(struct slice name, enum key_kind kind,
				     bool first, bool composite, struct buf *key)
{
	char text[KEY_NAME_BYTES_MAX];
	enum drift_err err;
	int64_t number;
	size_t size;

	switch (kind) {
	case KEY_INT:
		err = decode_int(name, &number);
		if (!err)
			key_add_int(key, number);
		return err;
	case KEY_REAL:
		return decode_real(name, key);
	case KEY_TEXT:
		break;
	}
	err = decode_text(name, first, composite, text, &size);
	if (!err)
		key_add_text(key, slice_of(text, size));
	return err;
}

/* Up to the next separator; *rest moves behind it. */
static struct slice take_part(struct slice *rest, bool last)
{
	bool separated = !last && rest->size > 0;
	const char *comma = separated ? memchr(rest->data, ',', rest->size) : NULL;
	struct slice part = *rest;

	if (comma) {
		part.size = (size_t)(comma - (const char *)rest->data);
		*rest = slice_of(comma + 1, rest->size - part.size - 1);
	} else {
		rest->size = 0;
	}
	return part;
}

enum drift_err key_from_name(struct slice name, const enum key_kind *kinds,
			     unsigned count, struct buf *key)
{
	size_t start = key->size;
	enum drift_err err = DRIFT_OK;
	struct slice part;
	unsigned i;

	if (name.size > KEY_NAME_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	for (i = 0; !err && i < count; i++) {
		part = take_part(&name, i + 1 == count);
		if (part.size == 0)
			err = DRIFT_BAD_NAME;
		if (!err)
			err = part_from_name(part, kinds[i], i == 0, count > 1, key);
	}
	if (!err)
		err = buf_status(key);
	if (!err && key->size - start > KEY_BYTES_MAX)
		err = DRIFT_NAME_TOO_LONG;
	if (err)
		key->size = start;
	return err;
}

/* ---- Other path components ---------------------------------------------- */

enum drift_err key_component_encode(struct slice text, struct buf *name)
{
	size_t start = name->size;

	if (text.size == 0 || memchr(text.data, 0, text.size))
		return DRIFT_BAD_NAME;
	if (!json_text_valid(text))
		return DRIFT_BAD_TEXT;
	encode_text(text, true, false, name);
	if (name->size - start > COMPONENT_BYTES_MAX) {
		name->size = start;
		return DRIFT_NAME_TOO_LONG;
	}
	return buf_status(name);
}

enum drift_err key_component_decode(struct slice name, struct buf *text)
{
	char decoded[COMPONENT_BYTES_MAX];
	enum drift_err err;
	size_t size;

	if (name.size == 0)
		return DRIFT_BAD_NAME;
	if (name.size > COMPONENT_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	err = decode_text(name, true, false, decoded, &size);
	if (err)
		return err;
	buf_add(text, decoded, size);
	return buf_status(text);
}
