/* SPDX-License-Identifier: MIT */
/* dump_line.c - see dump_line.h. */
#include "tools/dump_line.h"

#include "engine/json.h"

enum line_field {
	FIELD_SEQ,
	FIELD_TX,
	FIELD_TIME,
	FIELD_USER,
	FIELD_CLIENT,
	FIELD_COMMENT,
	FIELD_TABLE,
	FIELD_OP,
	FIELD_PK,
	FIELD_ROW,
	FIELD_SQL,
	FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
	"seq",   "tx", "time", "user", "client", "comment",
	"table", "op", "pk",   "row",  "sql",
};

#define BIT(field) (1u << (field))
#define TRANSACTION (BIT(FIELD_TX) | BIT(FIELD_TIME) | BIT(FIELD_OP))
#define AUTHOR (BIT(FIELD_USER) | BIT(FIELD_CLIENT) | BIT(FIELD_COMMENT))
#define EVENT (TRANSACTION | BIT(FIELD_SEQ) | BIT(FIELD_TABLE) | BIT(FIELD_PK))

static const struct line_op {
	const char *name;
	enum drift_op op;
	unsigned needs;
	unsigned may_have;
} line_ops[] = {
	{ "insert", DRIFT_OP_INSERT, EVENT | BIT(FIELD_ROW), AUTHOR },
	{ "update", DRIFT_OP_UPDATE, EVENT | BIT(FIELD_ROW), AUTHOR },
	{ "delete", DRIFT_OP_DELETE, EVENT, AUTHOR },
	{ "ddl", 0, TRANSACTION | BIT(FIELD_SQL), AUTHOR | BIT(FIELD_TABLE) },
};

void dump_line_release(struct dump_line *line)
{
	buf_release(&line->document);
	*line = DUMP_LINE_INIT;
}

static enum line_field field_find(struct slice name)
{
	unsigned field = 0;

	while (field < FIELD_COUNT &&
	       !slice_equal(name, slice_str(field_names[field])))
		field++;
	return field;
}

static enum drift_err read_number(struct slice value, const char *name,
				  uint64_t *number, struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	int64_t read;

	if (msg_read_int(&cursor, &read) || read < 1)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "\"%s\" must be a number from 1", name);
	*number = (uint64_t)read;
	return DRIFT_OK;
}

static enum drift_err read_text(struct slice value, const char *name,
				struct slice *text, struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(value);

	if (msg_read_text(&cursor, text))
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "\"%s\" must be a string", name);
	return DRIFT_OK;
}

static enum drift_err read_row(struct slice value, struct slice *row,
			       struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	uint32_t count;

	if (msg_read_map(&cursor, &count))
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "\"row\" must be an object");
	*row = value;
	return DRIFT_OK;
}

static enum drift_err read_time(struct slice value, drift_time_ns *time,
				struct drift_error *error)
{
	struct slice text;
	enum drift_err err = read_text(value, "time", &text, error);

	if (!err && moment_parse_time(text, time))
		err = drift_fail(error, DRIFT_BAD_ARGUMENT,
				 "\"time\" cannot be read: \"%.*s\"", (int)text.size,
				 (const char *)text.data);
	return err;
}

static enum drift_err read_op(struct slice value, const struct line_op **op,
			      struct drift_error *error)
{
	struct slice text;
	enum drift_err err = read_text(value, "op", &text, error);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(line_ops) / sizeof(line_ops[0]); i++) {
		*op = &line_ops[i];
		if (slice_equal(text, slice_str((*op)->name)))
			return DRIFT_OK;
	}
	return drift_fail(error, DRIFT_BAD_ARGUMENT, "unknown op \"%.*s\"",
			  (int)text.size, (const char *)text.data);
}

static enum drift_err read_field(enum line_field field, struct slice value,
				 struct dump_line *line, const struct line_op **op,
				 struct drift_error *error)
{
	const char *name = field_names[field];

	switch (field) {
	case FIELD_SEQ:
		return read_number(value, name, &line->seq, error);
	case FIELD_TX:
		return read_number(value, name, &line->tx, error);
	case FIELD_TIME:
		return read_time(value, &line->time, error);
	case FIELD_USER:
		return read_text(value, name, &line->user, error);
	case FIELD_CLIENT:
		return read_text(value, name, &line->client, error);
	case FIELD_COMMENT:
		return read_text(value, name, &line->comment, error);
	case FIELD_TABLE:
		return read_text(value, name, &line->table, error);
	case FIELD_OP:
		return read_op(value, op, error);
	case FIELD_PK:
		line->pk = value;
		return DRIFT_OK;
	case FIELD_ROW:
		return read_row(value, &line->row, error);
	case FIELD_SQL:
		return read_text(value, name, &line->sql, error);
	case FIELD_COUNT:
		break;
	}
	return drift_fail_code(error, DRIFT_INTERNAL);
}

/* Exactly the fields that go with the op, which is NULL when there was none. */
static enum drift_err check_fields(unsigned seen, const struct line_op *op,
				   struct drift_error *error)
{
	static const struct line_op any = { .needs = TRANSACTION, .may_have = ~0u };
	unsigned missing, extra;

	if (!op)
		op = &any;
	missing = op->needs & ~seen;
	extra = seen & ~op->needs & ~op->may_have;
	if (missing)
		return drift_fail(error, DRIFT_BAD_ARGUMENT, "no \"%s\"",
				  field_names[__builtin_ctz(missing)]);
	if (extra)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "\"%s\" in a line of op %s",
				  field_names[__builtin_ctz(extra)], op->name);
	return DRIFT_OK;
}

static enum drift_err read_fields(struct dump_line *line, struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(buf_slice(&line->document));
	const struct line_op *op = NULL;
	struct slice name, value;
	enum drift_err err;
	unsigned seen = 0;
	uint32_t count;

	err = msg_read_map(&cursor, &count);
	while (!err && count-- > 0) {
		enum line_field field;

		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err)
			break;
		field = field_find(name);
		if (field == FIELD_COUNT)
			return drift_fail(error, DRIFT_BAD_ARGUMENT,
					  "unknown field \"%.*s\"", (int)name.size,
					  (const char *)name.data);
		err = read_field(field, value, line, &op, error);
		seen |= BIT(field);
	}
	if (err)
		return drift_fail_code(error, err);
	line->op = op ? op->op : 0;
	line->ddl = line->op == 0;
	return check_fields(seen, op, error);
}

enum drift_err dump_line_parse(struct slice text, struct dump_line *line,
			       struct drift_error *error)
{
	struct buf memory = line->document;
	enum drift_err err;

	buf_clear(&memory);
	*line = (struct dump_line){ .document = memory };
	err = json_parse_document(text, &line->document, error);
	return err ? err : read_fields(line, error);
}
