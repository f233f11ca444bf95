/* SPDX-License-Identifier: MIT */
/* buf.c - the growable byte buffer.
 *
 * Capacity doubles, so a run of small additions costs amortised constant time
 * each; clearing keeps the memory, so a buffer reused per request soon stops
 * allocating at all. */
#include "engine/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_CAPACITY_MIN 64

bool slice_is_blank(struct slice slice)
{
	const char *at = slice.data;

	for (size_t i = 0; i < slice.size; i++)
		if (at[i] != ' ' && at[i] != '\t' && at[i] != '\r' && at[i] != '\n')
			return false;
	return true;
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT;
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	buf->failed = false;
}

enum drift_err buf_status(const struct buf *buf)
{
	return buf->failed ? DRIFT_NOMEM : DRIFT_OK;
}

static bool grow(struct buf *buf, size_t size)
{
	size_t capacity = buf->capacity ? buf->capacity : BUF_CAPACITY_MIN;
	char *data;

	if (size > SIZE_MAX / 4 - buf->size)
		return false;
	while (capacity - buf->size < size)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data)
		return false;
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

char *buf_grow(struct buf *buf, size_t size)
{
	if (!buf->failed && !grow(buf, size))
		buf->failed = true;
	return buf->failed ? NULL : buf->data + buf->size;
}

void buf_add_be32(struct buf *buf, uint32_t value)
{
	value = htobe32(value);
	buf_add(buf, &value, sizeof(value));
}

void buf_add_be64(struct buf *buf, uint64_t value)
{
	value = htobe64(value);
	buf_add(buf, &value, sizeof(value));
}

void buf_add_int(struct buf *buf, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[20]; /* "-9223372036854775808" */
	char *end = text + sizeof(text);
	char *at = end;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		*--at = '-';
	buf_add(buf, at, (size_t)(end - at));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_list again;
	char *at = buf_reserve(buf, 64);
	size_t room = at ? buf->capacity - buf->size : 0;
	int size;

	if (!at)
		return;
	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(at, room, format, args);
	if (size >= 0 && (size_t)size >= room) {
		at = buf_reserve(buf, (size_t)size + 1);
		if (at)
			size = vsnprintf(at, (size_t)size + 1, format, again);
	}
	if (size < 0)
		buf->failed = true;
	else if (at)
		buf->size += (size_t)size;
	va_end(again);
	va_end(args);
}

const char *buf_cstr(struct buf *buf)
{
	char *at = buf_reserve(buf, 1);

	if (!at)
		return "";
	*at = '\0';
	return buf->data;
}
