/* SPDX-License-Identifier: MIT */
/* analyze.c - one walk over a table that counts the different values of each member by
 * a sketch: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, 2007), 4 KiB a column,
 * within about 2 %. */
#include "query/analyze.h"

#include <math.h>
#include <stdlib.h>

#include "query/limit.h"
#include "query/session.h"
#include "query/show.h"

#define REGISTER_BITS 12
#define REGISTERS (1u << REGISTER_BITS)
#define COLUMNS_MAX 256
#define ROWS_UNTIL_CHECK 256

struct sketches {
	unsigned count; /* the relation's first columns */
	uint8_t (*registers)[REGISTERS];
};

/* FNV-1a, and the finalizer of MurmurHash3, which spreads it over all bits. */
static uint64_t hash_of(struct slice bytes)
{
	const uint8_t *at = bytes.data;
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < bytes.size; i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}

static void note(uint8_t registers[REGISTERS], struct slice value)
{
	uint64_t hash = hash_of(value);
	uint8_t *at = &registers[hash >> (64 - REGISTER_BITS)];
	uint64_t rest = hash << REGISTER_BITS | 1u << (REGISTER_BITS - 1);
	uint8_t rank = (uint8_t)(1 + __builtin_clzll(rest));

	if (rank > *at)
		*at = rank;
}

static uint64_t estimate(const uint8_t registers[REGISTERS])
{
	const double m = REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
	double sum = 0, empty = 0, result;

	for (unsigned i = 0; i < REGISTERS; i++) {
		sum += ldexp(1, -registers[i]);
		empty += registers[i] == 0;
	}
	result = alpha * m * m / sum;
	if (result < 2.5 * m && empty > 0)
		result = m * log(m / empty);
	return (uint64_t)(result + 0.5);
}

static enum drift_err note_row(struct sketches *sketches,
			       const struct relation *relation, struct slice row)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	struct slice name, value;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	while (!err && count-- > 0) {
		int column;

		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		column = err ? -1 : relation_column(relation, name);
		if (column >= 0 && (unsigned)column < sketches->count)
			note(sketches->registers[column], value);
	}
	return err;
}

static enum drift_err walk(struct query_session *session,
			   const struct relation *relation,
			   struct sketches *sketches)
{
	struct drift_version version;
	struct drift_cursor *cursor;
	unsigned rows = 0;
	enum drift_err err =
		drift_scan(session->view, relation->def->id, NULL, &cursor);

	while (!err) {
		err = drift_cursor_next(cursor, &version);
		if (!err)
			err = note_row(sketches, relation, version.row);
		if (!err && ++rows % ROWS_UNTIL_CHECK == 0 && limit_reached(session))
			err = DRIFT_INTERRUPTED;
	}
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err keep(struct query_session *session,
			   const struct relation *relation,
			   const struct sketches *sketches)
{
	struct drift_distinct *counted = calloc(sketches->count, sizeof(*counted));
	enum drift_err err;

	if (!counted)
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < sketches->count; i++)
		counted[i] = (struct drift_distinct){
			.column = relation->columns[i].name,
			.values = estimate(sketches->registers[i]),
		};
	err = drift_note_distinct(session->db, relation->def->id, counted,
				  sketches->count);
	free(counted);
	compiled_forget(session);
	return err;
}

static enum drift_err analyze(struct query_session *session,
			      const struct table_def *def)
{
	struct sketches sketches = { 0 };
	struct relation *relation;
	enum drift_err err = relation_get(session, def, &relation);

	if (err)
		return err;
	sketches.count = relation->column_count < COLUMNS_MAX
				 ? relation->column_count
				 : COLUMNS_MAX;
	sketches.registers = calloc(sketches.count, sizeof(*sketches.registers));
	if (!sketches.registers)
		return DRIFT_NOMEM;
	err = walk(session, relation, &sketches);
	if (!err)
		err = keep(session, relation, &sketches);
	free(sketches.registers);
	return err;
}

enum drift_err analyze_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	const struct table_def *def = NULL;
	struct slice after = { NULL, 0 };
	enum drift_err err = DRIFT_OK;

	statement->at++;
	if (statement_peek(statement).kind != TOKEN_END)
		err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (err)
		return err;
	if (def) {
		err = analyze(session, def);
		session_say(session, "ANALYZE", "Table '%s' analyzed", def->name);
	} else {
		session_say(session, "ANALYZE", "Database analyzed");
		while (!err && (def = drift_table_next(session->view, after))) {
			err = analyze(session, def);
			after = slice_str(def->name);
		}
	}
	if (err == DRIFT_INTERRUPTED)
		return limit_fail(session, error);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
