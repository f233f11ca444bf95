/* SPDX-License-Identifier: MIT */
/* reader.h - the columns of one row, found when they are asked for. */
#ifndef DRIFT_QUERY_READER_H
#define DRIFT_QUERY_READER_H

#include "engine/msg_step.h"
#include "query/relation.h"

#define READER_PLACES 32

struct reader_value {
	struct msg_value value;
	struct slice whole; /* an array's or map's bytes */
};

/* A member of the row before: its name's and its value's first bytes, which tell how
 * many it has in all. 0: they do not tell. */
struct reader_step {
	uint8_t name, value;
	uint8_t value_at;
	uint8_t size;
};

struct reader {
	struct relation *relation;
	const struct drift_version *version;
	bool begun;             /* the walk over the row */
	unsigned searches;      /* of this row, for members out of place */
	uint64_t stamp;         /* of relation->stamp when it noted all members */
	uint32_t count;         /* members of the row */
	uint32_t at;            /* the member the walk is at */
	struct msg_cursor walk; /* at its name */
	const uint8_t *places[READER_PLACES]; /* of the names walked over */
	struct reader_step steps[READER_PLACES];
	struct reader_value value;
};

static inline void reader_init(struct reader *reader, struct relation *relation)
{
	reader->relation = relation;
	reader->begun = false;
	memset(reader->steps, 0, sizeof(reader->steps));
}
/* A new row; the version, which is not copied, stays until the next. */
static inline void reader_begin(struct reader *reader,
				const struct drift_version *version)
{
	reader->version = version;
	reader->begun = false;
}
/* Where column i's value begins in the row, *at: DRIFT_DONE when the row has no such
 * member, DRIFT_CORRUPT where it is damaged. */
enum drift_err reader_search(struct reader *reader, unsigned i, const uint8_t **at);
static inline enum drift_err reader_find(struct reader *reader, unsigned i,
					 const uint8_t **at)
{
	const struct relation_column *column = &reader->relation->columns[i];

	*at = msg_step_to_place(reader->version->row, reader->version->places,
				column->member, &column->step);
	return *at ? DRIFT_OK : reader_search(reader, i, at);
}
/* What stands there, whole. */
enum drift_err reader_read_any(const struct reader *reader, const uint8_t *at,
			       struct reader_value *value);
static inline enum drift_err reader_read(const struct reader *reader,
					 const uint8_t *at,
					 struct reader_value *value)
{
	const uint8_t *end = (const uint8_t *)reader->version->row.data +
			     reader->version->row.size;

	return msg_step_read(at, end, &value->value)
		       ? DRIFT_OK
		       : reader_read_any(reader, at, value);
}
/* Column i of the row, good until the next call; NULL when the row has no such
 * member. *err: damaged bytes. */
const struct reader_value *reader_get(struct reader *reader, unsigned i,
				      enum drift_err *err);

#endif
