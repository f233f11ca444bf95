/* SPDX-License-Identifier: MIT */
/* reader.h - the columns of one row, decoded when they are first asked for. */
#ifndef DRIFT_QUERY_READER_H
#define DRIFT_QUERY_READER_H

#include "query/relation.h"

struct reader_value {
	uint32_t stamp; /* of the row it belongs to */
	struct msg_value value;
	struct slice whole; /* an array's or map's bytes */
};

struct reader {
	const struct relation *relation;
	unsigned count;  /* columns it knows */
	uint64_t wanted; /* sqlite3_index_info.colUsed */
	unsigned wanted_count;
	bool decoded;   /* the present row */
	uint32_t stamp; /* of the present row */
	struct reader_value *values;
	uint16_t *guesses; /* the column of the last row's member i */
};

enum drift_err reader_init(struct reader *reader, const struct relation *relation,
			   unsigned count);
void reader_release(struct reader *reader);
/* Say which columns will be asked for. */
void reader_want(struct reader *reader, uint64_t wanted);
/* A new row. */
static inline void reader_begin(struct reader *reader)
{
	reader->decoded = false;
}
/* Column i of row; NULL when the row has no such member. *err: damaged bytes. */
const struct reader_value *reader_get(struct reader *reader, struct slice row,
				      unsigned i, enum drift_err *err);

#endif
