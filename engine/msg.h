/* SPDX-License-Identifier: MIT */
/* msg.h - MessagePack: documents, rows and frame bodies as bytes.
 *
 * Written with msgpack-c; read with a cursor of our own, because msgpack-c's
 * unpacker allocates what a length field claims (8 GiB for five bytes) and
 * stops at 32 levels. The cursor allocates nothing and never reads past `end`.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * A *document* is one MessagePack map with text keys, in the order written;
 * values are nil, bool, int (int64), real (float64), text (UTF-8), blob, array
 * and map, at most MSG_DEPTH_MAX levels. Extension types, float32, unsigned
 * integers above INT64_MAX and non-text keys are refused as DRIFT_CORRUPT. */
#ifndef DRIFT_ENGINE_MSG_H
#define DRIFT_ENGINE_MSG_H

#include "engine/buf.h"

#define MSG_DEPTH_MAX 128

enum msg_type {
	MSG_NIL,
	MSG_BOOL,
	MSG_INT,
	MSG_REAL,
	MSG_TEXT,
	MSG_BLOB,
	MSG_ARRAY,
	MSG_MAP
};

struct msg_value {
	enum msg_type type;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct slice bytes; /* text and blob: into the cursor's memory */
		uint32_t count;     /* array: items; map: pairs */
	};
};

struct msg_cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static inline struct msg_cursor msg_cursor_of(struct slice slice)
{
	const uint8_t *at = slice.data;

	return (struct msg_cursor){ at, slice.size > 0 ? at + slice.size : at };
}

/* Read one scalar, or the head of an array or map (whose items follow). */
enum drift_err msg_read(struct msg_cursor *cursor, struct msg_value *value);
/* Step over one whole value; *whole (may be NULL) gets its bytes. Iterative;
 * refuses more than MSG_DEPTH_MAX levels. */
enum drift_err msg_skip(struct msg_cursor *cursor, struct slice *whole);
/* Read what must be a text, an integer, an array or map of known kind. */
enum drift_err msg_read_text(struct msg_cursor *cursor, struct slice *text);
enum drift_err msg_read_blob(struct msg_cursor *cursor, struct slice *blob);
enum drift_err msg_read_int(struct msg_cursor *cursor, int64_t *value);
enum drift_err msg_read_array(struct msg_cursor *cursor, uint32_t *count);
enum drift_err msg_read_map(struct msg_cursor *cursor, uint32_t *count);

/* The bytes of document's member `name`: DRIFT_DONE when it has none. */
enum drift_err msg_member(struct slice document, struct slice name,
			  struct slice *value);
/* Walk a whole document: DRIFT_OK if and only if it is one map of the kind
 * described above, with no bytes after it and no member named twice at the
 * top level. For bytes from outside (a log that could have been crafted). */
enum drift_err msg_check_document(struct slice document);

/* The same for one value of any type, names inside not compared. */
enum drift_err msg_check_value(struct slice value);

void msg_add_nil(struct buf *buf);
void msg_add_bool(struct buf *buf, bool value);
void msg_add_int(struct buf *buf, int64_t value);
void msg_add_real(struct buf *buf, double value);
void msg_add_text(struct buf *buf, struct slice text);
void msg_add_blob(struct buf *buf, struct slice blob);
void msg_add_array(struct buf *buf, uint32_t count);
void msg_add_map(struct buf *buf, uint32_t count);
void msg_add_value(struct buf *buf, const struct msg_value *value);

/* RFC 7396: *out = target with patch merged in; nulls in patch remove members.
 * Members keep target's order, new ones follow in patch's order. Both are
 * documents. out is appended to. */
enum drift_err msg_merge_patch(struct slice target, struct slice patch,
			       struct buf *out);
/* A copy of document with member name set to value (bytes of one value); put
 * first when it was absent. out is appended to. */
enum drift_err msg_with_member(struct slice document, struct slice name,
			       struct slice value, struct buf *out);

#endif
