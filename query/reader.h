/* SPDX-License-Identifier: MIT */
/* reader.h - the columns of one row, found when they are asked for. */
#ifndef DRIFT_QUERY_READER_H
#define DRIFT_QUERY_READER_H

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
	struct slice row;
	struct slice given;     /* drift_version's places */
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
/* A new row, in memory that stays until the next; places as in drift_version. */
static inline void reader_begin(struct reader *reader, struct slice row,
				struct slice places)
{
	reader->row = row;
	reader->given = places;
	reader->begun = false;
}
/* Column i of the row, good until the next call; NULL when the row has no such
 * member. *err: damaged bytes. */
const struct reader_value *reader_get(struct reader *reader, unsigned i,
				      enum drift_err *err);

#endif
