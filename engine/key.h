/* SPDX-License-Identifier: MIT */
/* key.h - row keys and index values as bytes that memcmp puts in order, and
 * keys as file names.
 *
 * A key is the concatenation of its parts. One part:
 *
 *	0x01					NULL
 *	0x10 double[8] [int64[8]]		number
 *	0x20 bytes 0x00				text (never holds a NUL)
 *	0x30 (bytes, 00 as 00 FF) 00 00		blob
 *
 * double: the IEEE 754 binary64 nearest to the number, big endian, sign bit
 * flipped if positive, all bits flipped if negative; -0.0 counts as 0.0. If
 * its magnitude is 2^53 or more, the exact int64 follows, big endian with the
 * sign bit flipped (for a real: truncated and saturated). So integers and reals
 * compare by value. Booleans are the numbers 0 and 1. NULL < number < text <
 * blob, as in SQLite. */
#ifndef DRIFT_ENGINE_KEY_H
#define DRIFT_ENGINE_KEY_H

#include "engine/msg.h"

#define KEY_BYTES_MAX 264 /* so that name + ".json" fits in 255 bytes */
#define KEY_NAME_BYTES_MAX 250
#define KEY_VALUE_BYTES_MAX 200 /* an index value is cut to this many bytes */

/* A NaN counts as NULL; text ends at its first NUL, should there be one. */
void key_add_null(struct buf *key);
void key_add_int(struct buf *key, int64_t value);
void key_add_real(struct buf *key, double value);
void key_add_text(struct buf *key, struct slice text);
void key_add_blob(struct buf *key, struct slice blob);
/* Append the part for any scalar. Arrays and maps are refused: DRIFT_BAD_KEY. */
enum drift_err key_add_value(struct buf *key, const struct msg_value *value);

/* Take the first part off *rest. Number parts read back as MSG_INT when the
 * number is an integer in int64's range, else MSG_REAL. A blob's escapes stay in:
 * bytes points into the key. DRIFT_CORRUPT on malformed bytes. */
enum drift_err key_read(struct slice *rest, struct msg_value *part);
/* Number of parts; DRIFT_CORRUPT on malformed bytes. */
enum drift_err key_count(struct slice key, unsigned *count);

/* What a part of a table's key is. */
enum key_kind {
	KEY_TEXT, /* text; a document table's key, a TEXT PRIMARY KEY */
	KEY_INT,  /* int64 */
	KEY_REAL,
};

/* A key as a file name, without ".json". Percent-encoded: '%', '/', bytes below
 * 0x20, 0x7f, a leading '.', and ',' inside a part of a composite key; parts are
 * joined by ','. DRIFT_NAME_TOO_LONG above KEY_NAME_BYTES_MAX. Appends to name. */
enum drift_err key_to_name(struct slice key, struct buf *name);
/* The other way, strictly: only the one canonical name of a key is accepted
 * (upper-case hex, only what needs it, integers without '+', leading zeros or
 * "-0"). kinds has one entry a part. Errors: DRIFT_BAD_NAME, DRIFT_BAD_TEXT,
 * DRIFT_NAME_TOO_LONG. Appends to key. */
enum drift_err key_from_name(struct slice name, const enum key_kind *kinds,
			     unsigned count, struct buf *key);
/* A table's or an index column's name, or one index value, as one path
 * component, and back; the same escapes, no part separator, at most 255 bytes.
 * An empty text has no name: DRIFT_BAD_NAME. */
enum drift_err key_component_encode(struct slice text, struct buf *name);
enum drift_err key_component_decode(struct slice name, struct buf *text);

#endif
