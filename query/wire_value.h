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
	WIRE_DATE = 1082,
	WIRE_DATE_ARRAY = 1182,
	WIRE_TIME = 1083,
	WIRE_TIMESTAMP = 1114,
	WIRE_BOOL_ARRAY = 1000,
	WIRE_TEXT_ARRAY = 1009,
	WIRE_INT8_ARRAY = 1016,
	WIRE_FLOAT8_ARRAY = 1022,
	WIRE_TIMESTAMPTZ = 1184,
	WIRE_TIMESTAMPTZ_ARRAY = 1185,
	WIRE_NUMERIC = 1700,
	WIRE_UUID = 2950,
	WIRE_JSONB = 3802,
};

/* Microseconds of timestamps are counted from 2000-01-01. */
#define WIRE_EPOCH_US 946684800000000LL
#define WIRE_EPOCH_DAY 10957

/* WIRE_TEXT when the type is not known. */
enum wire_oid wire_oid_of_type(enum drift_type type);
/* Of an array of them. */
enum wire_oid wire_oid_of_array(enum drift_type element);
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
/* wire_binary.c: append a parameter's binary value as the text that means it. */
enum drift_err wire_binary_text(uint32_t oid, struct slice bytes, struct buf *text);

#endif
