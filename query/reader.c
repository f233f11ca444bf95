/* SPDX-License-Identifier: MIT */
/* reader.c - one walk over a row's MessagePack, as far as its columns are asked for.
 *
 * Rows of a table mostly have the same members in the same order. So each column
 * remembers the number of the member that it was last found as, for all readers of
 * the relation: the walk steps over what stands before, and one comparison of the
 * name tells whether it is there again. If not, the row is searched; a row that needs
 * that often has its members' columns noted, all at once.
 *
 * A row from the index comes with the places of its members, so that nothing is walked
 * over where the column is the member it was before. */
#include "query/reader.h"

#include "engine/msg_step.h"

#define SEARCHES_MAX 3

static enum drift_err begin(struct reader *reader)
{
	enum drift_err err;

	reader->walk = msg_cursor_of(reader->version->row);
	err = msg_read_map(&reader->walk, &reader->count);
	reader->at = 0;
	reader->places[0] = reader->walk.at;
	reader->begun = !err;
	reader->searches = 0;
	reader->stamp = 0;
	return err;
}

/* Over the member the walk is at; note how, for the next row. */
static bool step(struct reader *reader)
{
	const uint8_t *start = reader->walk.at, *value;
	struct reader_step taken = { 0 };

	if (!msg_step(&reader->walk))
		return false;
	value = reader->walk.at;
	if (!msg_step(&reader->walk))
		return false;
	if (reader->at >= READER_PLACES)
		return true;
	if (*start >= 0xa0 && *start < 0xc0 && msg_step_sizes[*value])
		taken = (struct reader_step){
			.name = *start,
			.value = *value,
			.value_at = (uint8_t)(value - start),
			.size = (uint8_t)(reader->walk.at - start),
		};
	reader->steps[reader->at] = taken;
	return true;
}

/* The same as in the row before, nothing read that the next step would wait for? */
static inline bool step_again(struct reader *reader)
{
	const struct reader_step *again = &reader->steps[reader->at];
	const uint8_t *at = reader->walk.at;

	if (again->size == 0 || again->size > (size_t)(reader->walk.end - at) ||
	    at[0] != again->name || at[again->value_at] != again->value)
		return false;
	reader->walk.at = at + again->size;
	return true;
}

/* The walk to the name of member number `member`; false at damaged bytes. */
static bool walk_to(struct reader *reader, uint32_t member)
{
	if (member < reader->at) {
		reader->at = member < READER_PLACES ? member : READER_PLACES - 1;
		reader->walk.at = reader->places[reader->at];
	}
	while (reader->at < member) {
		if ((reader->at >= READER_PLACES || !step_again(reader)) &&
		    !step(reader))
			return false;
		if (++reader->at < READER_PLACES)
			reader->places[reader->at] = reader->walk.at;
	}
	return true;
}

/* Set *value to the bytes that begin with the value of the column's member, if that
 * is member number `member`. */
static enum drift_err try(struct reader *reader,
			  const struct relation_column *column, uint32_t member,
			  struct msg_cursor *value)
{
	if (member >= reader->count)
		return DRIFT_DONE;
	if (!walk_to(reader, member))
		return DRIFT_CORRUPT;
	*value = reader->walk;
	return msg_step_over_name(value, &column->step) ? DRIFT_OK : DRIFT_DONE;
}

static enum drift_err search(struct reader *reader, struct relation_column *column,
			     struct msg_cursor *value)
{
	enum drift_err err = DRIFT_DONE;

	for (uint32_t i = 0; i < reader->count && err == DRIFT_DONE; i++) {
		err = try(reader, column, i, value);
		if (!err)
			column->member = i;
	}
	return err;
}

/* Note the number of each member with its column. */
static enum drift_err note_members(struct reader *reader)
{
	struct relation *relation = reader->relation;
	struct msg_cursor cursor = msg_cursor_of(reader->version->row);
	struct slice name;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	reader->stamp = ++relation->stamp;
	for (uint32_t i = 0; i < reader->count && !err; i++) {
		int column;

		err = msg_read_text(&cursor, &name);
		if (err || !msg_step(&cursor))
			return DRIFT_CORRUPT;
		column = relation_column(relation, name);
		if (column < 0)
			continue;
		relation->columns[column].member = i;
		relation->columns[column].stamp = reader->stamp;
	}
	return err;
}

static enum drift_err find(struct reader *reader, struct relation_column *column,
			   struct msg_cursor *value)
{
	enum drift_err err = DRIFT_OK;

	if (reader->searches++ < SEARCHES_MAX)
		return search(reader, column, value);
	/* Another reader of the relation may have noted its row meanwhile. */
	if (!reader->stamp || reader->stamp != reader->relation->stamp)
		err = note_members(reader);
	if (err)
		return err;
	return column->stamp == reader->stamp
		       ? try(reader, column, column->member, value)
		       : DRIFT_DONE;
}

enum drift_err reader_search(struct reader *reader, unsigned i, const uint8_t **at)
{
	struct relation_column *column = &reader->relation->columns[i];
	struct msg_cursor value;
	enum drift_err err = DRIFT_OK;

	if (reader->version->row.size == 0)
		return DRIFT_DONE;
	if (!reader->begun)
		err = begin(reader);
	if (!err)
		err = try(reader, column, column->member, &value);
	if (err == DRIFT_DONE)
		err = find(reader, column, &value);
	if (!err)
		*at = value.at;
	return err;
}

enum drift_err reader_read_any(const struct reader *reader, const uint8_t *at,
			       struct reader_value *value)
{
	const uint8_t *end = (const uint8_t *)reader->version->row.data +
			     reader->version->row.size;
	struct msg_cursor cursor = { at, end };
	enum drift_err err = msg_read(&cursor, &value->value);

	if (err || value->value.type < MSG_ARRAY)
		return err;
	cursor.at = at;
	return msg_skip(&cursor, &value->whole);
}

const struct reader_value *reader_get(struct reader *reader, unsigned i,
				      enum drift_err *err)
{
	const uint8_t *at;

	*err = reader_find(reader, i, &at);
	if (!*err)
		*err = reader_read(reader, at, &reader->value);
	if (!*err)
		return &reader->value;
	if (*err == DRIFT_DONE)
		*err = DRIFT_OK;
	return NULL;
}
