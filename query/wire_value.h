/* SPDX-License-Identifier: MIT */
/* wire_value.h - types and values as PostgreSQL's protocol writes them. */
#ifndef DRIFT_QUERY_WIRE_VALUE_H
#define DRIFT_QUERY_WIRE_VALUE_H

#include "query/query.h"
#include "query/wire_message.h"

/* PostgreSQL 15, pg_type.dat. */
enum wire_oid {
	WIRE_BOOL = 16,
	WIRE_BYTEA = 17,
	WIRE_INT8 = 20,
	WIRE_INT2 = 21,
	WIRE_INT4 = 23,
	WIRE_TEXT = 25,
	WIRE_JSON = 114,
	WIRE_FLOAT4 = 700,
	WIRE_FLOAT8 = 701,
	WIRE_UNKNOWN = 705,
	WIRE_VARCHAR = 1043,
	WIRE_TIMESTAMP = 1114,
	WIRE_TIMESTAMPTZ = 1184,
	WIRE_NUMERIC = 1700,
	WIRE_JSONB = 3802,
};

/* WIRE_TEXT when the type is not known. */
enum wire_oid wire_oid_of_type(enum drift_type type);
/* The type of a parameter that a client calls so; DRIFT_ANY for 0 and unknown. */
enum drift_type wire_type_of_oid(uint32_t oid);
/* A type's size in RowDescription. */
int wire_size_of(enum wire_oid oid);

/* A column's part of RowDescription; returns where its type stands. */
size_t wire_add_column(struct wire *wire, const char *name, enum wire_oid oid,
		       bool binary);
/* Append value, not null, in text format. */
void wire_add_value(const struct msg_value *value, enum wire_oid oid,
		    struct buf *out);
/* In binary; DRIFT_UNSUPPORTED: the value is not of that type, or has no such form. */
enum drift_err wire_add_binary(const struct msg_value *value, enum wire_oid oid,
			       struct buf *out);
/* Append a parameter's binary value as the text that means it. */
enum drift_err wire_binary_text(uint32_t oid, struct slice bytes, struct buf *text);

#endif
