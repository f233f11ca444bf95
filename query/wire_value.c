/* SPDX-License-Identifier: MIT */
/* wire_value.c - what clients are sent: text format for all types, binary for those
 * whose form is fixed (what they send: wire_binary.c). Formats: PostgreSQL 15's send and receive functions (int8send, float8send, ...). */
#include "query/wire_value.h"

#include "query/format.h"

enum wire_oid wire_oid_of_type(enum drift_type type)
{
	switch (type) {
	case DRIFT_INTEGER:
		return WIRE_INT8;
	case DRIFT_REAL:
		return WIRE_FLOAT8;
	case DRIFT_BOOLEAN:
		return WIRE_BOOL;
	case DRIFT_JSON:
		return WIRE_JSON;
	case DRIFT_TIMESTAMP:
		return WIRE_TIMESTAMPTZ;
	case DRIFT_DATE:
		return WIRE_DATE;
	case DRIFT_BLOB:
		return WIRE_BYTEA;
	default:
		return WIRE_TEXT;
	}
}

enum wire_oid wire_oid_of_array(enum drift_type element)
{
	switch (element) {
	case DRIFT_INTEGER:
		return WIRE_INT8_ARRAY;
	case DRIFT_REAL:
		return WIRE_FLOAT8_ARRAY;
	case DRIFT_BOOLEAN:
		return WIRE_BOOL_ARRAY;
	case DRIFT_TIMESTAMP:
		return WIRE_TIMESTAMPTZ_ARRAY;
	case DRIFT_DATE:
		return WIRE_DATE_ARRAY;
	default:
		return WIRE_TEXT_ARRAY;
	}
}

enum drift_type wire_type_of_oid(uint32_t oid)
{
	switch (oid) {
	case 0:
	case WIRE_UNKNOWN:
		return DRIFT_ANY;
	case WIRE_BOOL:
		return DRIFT_BOOLEAN;
	case WIRE_BYTEA:
		return DRIFT_BLOB;
	case WIRE_INT2:
	case WIRE_INT4:
	case WIRE_INT8:
		return DRIFT_INTEGER;
	case WIRE_FLOAT4:
	case WIRE_FLOAT8:
	case WIRE_NUMERIC:
		return DRIFT_REAL;
	case WIRE_JSON:
	case WIRE_JSONB:
		return DRIFT_JSON;
	case WIRE_TIMESTAMP:
	case WIRE_TIMESTAMPTZ:
		return DRIFT_TIMESTAMP;
	case WIRE_DATE:
		return DRIFT_DATE;
	default:
		return DRIFT_TEXT;
	}
}

int wire_size_of(enum wire_oid oid)
{
	switch (oid) {
	case WIRE_BOOL:
		return 1;
	case WIRE_INT8:
	case WIRE_FLOAT8:
	case WIRE_TIMESTAMPTZ:
		return 8;
	case WIRE_DATE:
		return 4;
	default:
		return -1;
	}
}

size_t wire_add_column(struct wire *wire, const char *name, enum wire_oid oid,
		       bool binary)
{
	size_t at;

	wire_add_text(wire, name);
	buf_add_be32(&wire->out, 0); /* table */
	wire_add_be16(wire, 0);      /* column */
	at = wire->out.size;
	buf_add_be32(&wire->out, oid);
	wire_add_be16(wire, (unsigned)wire_size_of(oid));
	buf_add_be32(&wire->out, UINT32_MAX); /* type modifier: none */
	wire_add_be16(wire, binary);
	return at;
}

/* "2026-04-27T20:31:24Z" is "2026-04-27 20:31:24+00" in PostgreSQL's ISO style; a column
 * may hold other spellings. */
static void add_time(struct slice text, struct buf *out)
{
	const char *bytes = text.data;
	struct buf canonical = BUF_INIT;
	drift_time_ns time;

	if (text.size < 20 || bytes[10] != 'T' || bytes[text.size - 1] != 'Z') {
		if (!moment_parse_timestamp(text, &time))
			moment_print_time(time, &canonical);
		if (canonical.size && !buf_status(&canonical))
			add_time(buf_slice(&canonical), out);
		else
			buf_add_slice(out, text);
		buf_release(&canonical);
		return;
	}
	buf_add(out, bytes, 10);
	buf_add_char(out, ' ');
	buf_add(out, bytes + 11, text.size - 12);
	buf_add_str(out, "+00");
}

/* A column of dates may hold times that files gave it. */
static void add_date(struct slice text, struct buf *out)
{
	drift_time_ns time;

	if (text.size == 10 || moment_parse_timestamp(text, &time))
		buf_add_slice(out, text);
	else
		moment_print_date(time, out);
}

void wire_add_value(const struct msg_value *value, enum wire_oid oid,
		    struct buf *out)
{
	size_t start = out->size;

	if (value->type == MSG_TEXT && oid == WIRE_DATE) {
		add_date(value->bytes, out);
		return;
	}
	if (value->type == MSG_TEXT && oid == WIRE_TIMESTAMPTZ) {
		add_time(value->bytes, out);
		return;
	}
	format_plain(value, "f", "t", out);
	/* A whole float8 has no ".0" in PostgreSQL. */
	if (value->type == MSG_REAL && !buf_status(out) && out->size - start > 2 &&
	    memcmp(out->data + out->size - 2, ".0", 2) == 0)
		out->size -= 2;
}

static void add_double(double real, struct buf *out)
{
	uint64_t bits;

	memcpy(&bits, &real, sizeof(bits));
	buf_add_be64(out, bits);
}

enum drift_err wire_add_binary(const struct msg_value *value, enum wire_oid oid,
			       struct buf *out)
{
	drift_time_ns time;

	switch (oid) {
	case WIRE_BOOL:
		if (value->type != MSG_BOOL)
			return DRIFT_UNSUPPORTED;
		buf_add_char(out, (char)value->boolean);
		return DRIFT_OK;
	case WIRE_INT8:
		if (value->type != MSG_INT)
			return DRIFT_UNSUPPORTED;
		buf_add_be64(out, (uint64_t)value->integer);
		return DRIFT_OK;
	case WIRE_FLOAT8:
		if (value->type != MSG_REAL && value->type != MSG_INT)
			return DRIFT_UNSUPPORTED;
		add_double(value->type == MSG_INT ? (double)value->integer
						  : value->real,
			   out);
		return DRIFT_OK;
	case WIRE_TIMESTAMPTZ:
		if (value->type != MSG_TEXT ||
		    moment_parse_timestamp(value->bytes, &time))
			return DRIFT_UNSUPPORTED;
		buf_add_be64(out, (uint64_t)(time / 1000 - WIRE_EPOCH_US));
		return DRIFT_OK;
	case WIRE_DATE:
		if (value->type != MSG_TEXT ||
		    moment_parse_timestamp(value->bytes, &time))
			return DRIFT_UNSUPPORTED;
		buf_add_be32(out, (uint32_t)(moment_day(time) - WIRE_EPOCH_DAY));
		return DRIFT_OK;
	case WIRE_BYTEA:
		if (value->type != MSG_BLOB && value->type != MSG_TEXT)
			return DRIFT_UNSUPPORTED;
		buf_add_slice(out, value->bytes);
		return DRIFT_OK;
	default: /* texts are the same in both */
		wire_add_value(value, oid, out);
		return DRIFT_OK;
	}
}
