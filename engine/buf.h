/* SPDX-License-Identifier: MIT */
/* buf.h - the one growable byte buffer, and slices of memory owned elsewhere.
 *
 * A buf that could not grow stays in the failed state until it is cleared or
 * released: adding to it does nothing, and buf_status() tells. So a run of
 * additions needs one check at its end. */
#ifndef DRIFT_ENGINE_BUF_H
#define DRIFT_ENGINE_BUF_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/err.h"

/* Bytes owned by somebody else; no terminating NUL is implied. */
struct slice {
	const void *data;
	size_t size;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){ data, size };
}

static inline struct slice slice_str(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Spaces, tabs and ends of lines alone, or nothing? */
bool slice_is_blank(struct slice slice);
/* Bytewise order, a prefix before what it begins. <0, 0 or >0. */
int slice_compare(struct slice a, struct slice b);

struct buf {
	char *data;  /* NULL while nothing was added */
	size_t size; /* bytes in use */
	size_t capacity;
	bool failed; /* an allocation failed; see buf_status */
};

#define BUF_INIT ((struct buf){ 0 })

/* Free the memory; the buf is empty and usable afterwards. */
void buf_release(struct buf *buf);
/* Empty it, keep the memory, forget a failure. */
void buf_clear(struct buf *buf);
/* DRIFT_NOMEM if any addition since the last clear failed, else DRIFT_OK. */
enum drift_err buf_status(const struct buf *buf);

/* Make room for `size` more bytes and return where they go, NULL when out of
 * memory. The caller writes them and then adds to buf->size itself. */
static inline char *buf_reserve(struct buf *buf, size_t size);

static inline void buf_add(struct buf *buf, const void *data, size_t size);
static inline void buf_add_slice(struct buf *buf, struct slice slice);
static inline void buf_add_str(struct buf *buf, const char *text);
static inline void buf_add_char(struct buf *buf, char c);
void buf_add_be32(struct buf *buf, uint32_t value); /* big endian */
void buf_add_be64(struct buf *buf, uint64_t value);
void buf_add_int(struct buf *buf, int64_t value); /* as decimal text */
void buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Append a NUL that is not counted in size, and return data. "" on failure. */
const char *buf_cstr(struct buf *buf);

static inline struct slice buf_slice(const struct buf *buf)
{
	return (struct slice){ buf->data, buf->size };
}

/* ---- What is done for every few bytes ---- */

/* Private to buf: make room that there is not yet. */
char *buf_grow(struct buf *buf, size_t size);

static inline char *buf_reserve(struct buf *buf, size_t size)
{
	if (buf->failed || !buf->data || buf->capacity - buf->size < size)
		return buf_grow(buf, size);
	return buf->data + buf->size;
}

static inline void buf_add(struct buf *buf, const void *data, size_t size)
{
	char *at = buf_reserve(buf, size);

	if (!at || size == 0)
		return;
	memcpy(at, data, size);
	buf->size += size;
}

static inline void buf_add_slice(struct buf *buf, struct slice slice)
{
	buf_add(buf, slice.data, slice.size);
}

static inline void buf_add_str(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

static inline void buf_add_char(struct buf *buf, char c)
{
	char *at = buf_reserve(buf, 1);

	if (!at)
		return;
	*at = c;
	buf->size++;
}

/* Fixed-width integers in memory, at any alignment. */
static inline uint32_t be32_get(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static inline uint64_t be64_get(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static inline uint32_t le32_get(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline uint64_t le64_get(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* The number that up to eight bytes hold. They are not gathered in memory: a load of
 * what was just stored byte by byte waits until all stores before it are through. */
static inline uint64_t le_get(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	if (size >= 4)
		return le32_get(bytes) | (uint64_t)le32_get(bytes + size - 4)
						 << 8 * (size - 4);
	if (size == 0)
		return 0;
	return bytes[0] | (uint64_t)bytes[size / 2] << 8 * (size / 2) |
	       (uint64_t)bytes[size - 1] << 8 * (size - 1);
}

/* The eight bytes behind the first `from`, as a number that orders as they do, and what is
 * shorter as if zeros followed: what is different has different bytes, not the other way
 * round. */
static inline uint64_t slice_head(struct slice bytes, size_t from)
{
	char head[8] = { 0 };
	size_t left = bytes.size - from;

	if (left >= 8)
		return be64_get((const char *)bytes.data + from);
	if (left) /* what has no bytes may have no address */
		memcpy(head, (const char *)bytes.data + from, left);
	return be64_get(head);
}

static inline void be32_put(void *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void be64_put(void *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

static inline void le32_put(void *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void le64_put(void *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

#endif
