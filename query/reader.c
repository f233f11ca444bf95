/* SPDX-License-Identifier: MIT */
/* reader.c - one pass over a row's MessagePack for the columns that are wanted.
 *
 * Rows of a table mostly have the same members in the same order, so the column of
 * member i is guessed from the row before: one memcmp instead of a hash look-up.
 * The pass ends when the last wanted column was found. */
#include "query/reader.h"

#include <stdlib.h>

#define NO_GUESS UINT16_MAX

enum drift_err reader_init(struct reader *reader, const struct relation *relation,
			   unsigned count)
{
	*reader = (struct reader){ .relation = relation, .count = count };
	reader->values = calloc(count + 1, sizeof(*reader->values));
	reader->guesses = malloc((count + 1) * sizeof(*reader->guesses));
	if (!reader->values || !reader->guesses) {
		reader_release(reader);
		return DRIFT_NOMEM;
	}
	memset(reader->guesses, 0xff, (count + 1) * sizeof(*reader->guesses));
	reader_want(reader, UINT64_MAX);
	return DRIFT_OK;
}

void reader_release(struct reader *reader)
{
	free(reader->values);
	free(reader->guesses);
	reader->values = NULL;
	reader->guesses = NULL;
}

static bool is_wanted(const struct reader *reader, unsigned column)
{
	return reader->wanted >> (column < 63 ? column : 63) & 1;
}

void reader_want(struct reader *reader, uint64_t wanted)
{
	reader->wanted = wanted;
	reader->wanted_count = 0;
	for (unsigned i = 0; i < reader->count; i++)
		reader->wanted_count += is_wanted(reader, i);
}

/* The column of member number i called name, -1. */
static int column_of(struct reader *reader, uint32_t i, struct slice name)
{
	const struct relation_column *columns = reader->relation->columns;
	unsigned guess = i < reader->count ? reader->guesses[i] : NO_GUESS;
	int found;

	if (guess != NO_GUESS && columns[guess].size == name.size &&
	    memcmp(columns[guess].name, name.data, name.size) == 0)
		return (int)guess;
	found = relation_column(reader->relation, name);
	if (found < 0 || (unsigned)found >= reader->count)
		return -1;
	if (i < reader->count)
		reader->guesses[i] = (uint16_t)found;
	return found;
}

static enum drift_err read_value(struct msg_cursor *cursor,
				 struct reader_value *value)
{
	struct msg_cursor start = *cursor;
	enum drift_err err = msg_read(cursor, &value->value);

	if (err || (value->value.type != MSG_ARRAY && value->value.type != MSG_MAP))
		return err;
	*cursor = start;
	return msg_skip(cursor, &value->whole);
}

static enum drift_err decode(struct reader *reader, struct slice row)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	unsigned missing = reader->wanted_count;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	reader->stamp++;
	reader->decoded = true;
	for (uint32_t i = 0; !err && i < count && missing > 0; i++) {
		struct slice name;
		int column;

		err = msg_read_text(&cursor, &name);
		if (err)
			break;
		column = column_of(reader, i, name);
		if (column < 0 || !is_wanted(reader, (unsigned)column)) {
			err = msg_skip(&cursor, NULL);
			continue;
		}
		err = read_value(&cursor, &reader->values[column]);
		reader->values[column].stamp = reader->stamp;
		missing--;
	}
	return err;
}

const struct reader_value *reader_get(struct reader *reader, struct slice row,
				      unsigned i, enum drift_err *err)
{
	*err = DRIFT_OK;
	if (row.size == 0)
		return NULL;
	if (!is_wanted(reader, i)) {
		reader_want(reader, UINT64_MAX);
		reader->decoded = false;
	}
	if (!reader->decoded)
		*err = decode(reader, row);
	if (*err || reader->values[i].stamp != reader->stamp)
		return NULL;
	return &reader->values[i];
}
