/* SPDX-License-Identifier: MIT */
/* json.h - JSON text to documents (msg.h) and back; the home of jansson.
 *
 * Reading is strict (RFC 8259): UTF-8 only, no byte order mark, no duplicate
 * member, no \u0000, no lone surrogate, integers are int64 or refused, reals
 * must be finite in binary64, at most MSG_DEPTH_MAX levels.
 * Writing is exact: a real prints in the shortest form that reads back equal
 * and always looks like a real (1.0, 1e+300); non-ASCII stays UTF-8. */
#ifndef DRIFT_ENGINE_JSON_H
#define DRIFT_ENGINE_JSON_H

#include "engine/msg.h"

enum json_style {
	JSON_PRETTY,  /* 2 spaces a level, ": " after names, no newline at the end;
			 * [] and {} stay on one line */
	JSON_COMPACT, /* no space at all */
};

/* Parse one JSON object; out is appended to. DRIFT_BAD_JSON (or DRIFT_BAD_TEXT
 * for bytes that are not UTF-8) with error->position set and error->text naming
 * the reason and, where there is one, the offending value. */
enum drift_err json_parse_document(struct slice text, struct buf *out,
				   struct drift_error *error);
/* The same for any JSON value (scalars too). */
enum drift_err json_parse_value(struct slice text, struct buf *out,
				struct drift_error *error);

/* Append one MessagePack value as JSON text. A blob prints as a string
 * "\\x" + hex digits (PostgreSQL's bytea output). DRIFT_CORRUPT if the bytes
 * are not one value. */
enum drift_err json_print(struct slice value, enum json_style style,
			  struct buf *out);
/* Append text as a JSON string, quotes included. Invalid UTF-8 is replaced by
 * U+FFFD, so that what comes out is always JSON. */
void json_print_text(struct slice text, struct buf *out);
/* Append a finite real in its shortest form. */
void json_print_real(double value, struct buf *out);

/* True if and only if text is valid UTF-8 (no overlong form, no surrogate). */
bool json_text_valid(struct slice text);
/* True if and only if text is all ASCII, without NUL: quickly, since most is. */
bool json_text_plain(struct slice text);

#endif
