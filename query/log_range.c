/* SPDX-License-Identifier: MIT */
/* log_range.c - bounds on seq, tx and time as a piece of the log, which all three
 * ascend with.
 *
 * A transaction is found by halving the seqs; a time as any moment is. Times are
 * compared as texts, so a bound on them is taken by its second, or by its day. SQLite checks each constraint again.
 *
 * idxNum: three bits each for seq, tx and time (BOUND_*), in this order, then
 * BOUND_TABLE; the arguments follow in the same order. */
#include "query/log_range.h"

#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

#define BOUND_LOW 1
#define BOUND_HIGH 2
#define BOUND_EQUAL 4 /* both, by one argument */
#define BOUND_BITS 3
#define BOUND_TABLE (1 << 3 * BOUND_BITS)
#define SECOND_SIZE 19 /* 2026-01-31T12:00:00 */
#define DAY_SIZE 10

/* ---- Transactions ---------------------------------------------------------- */

/* The first event of a transaction whose number is at least tx; above the head: none. */
static enum drift_err first_seq_of(struct drift_db *db, uint64_t tx, drift_seq *seq)
{
	drift_seq low = 1, high = drift_head(db) + 1;
	struct drift_tx found;

	while (low < high) {
		enum drift_err err = drift_tx_of(db, low + (high - low) / 2, &found);

		if (err)
			return err;
		if (found.tx < tx)
			low = found.last_seq + 1;
		else
			high = found.last_seq - found.count + 1;
	}
	*seq = low;
	return DRIFT_OK;
}

enum drift_err log_range_find_tx(struct drift_db *db, uint64_t tx, bool *found)
{
	struct drift_error error = { 0 };
	struct drift_events *events;
	struct drift_event event;
	drift_seq seq;
	enum drift_err err = first_seq_of(db, tx, &seq);

	*found = false;
	/* DDL stands before the event that it takes effect with. */
	if (!err)
		err = drift_events_open(db, seq,
					seq > drift_head(db) ? DRIFT_SEQ_MAX : seq,
					&events, &error);
	if (err)
		return err;
	do {
		err = drift_events_next(events, &event, &error);
		*found = !err && event.tx == tx;
	} while (!err && event.tx < tx);
	drift_events_close(events);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* ---- Planning -------------------------------------------------------------- */

static int find(sqlite3_index_info *info, int column, int op1, int op2)
{
	for (int i = 0; i < info->nConstraint; i++)
		if (info->aConstraint[i].usable &&
		    info->aConstraint[i].iColumn == column &&
		    (info->aConstraint[i].op == op1 ||
		     info->aConstraint[i].op == op2) &&
		    strcasecmp(sqlite3_vtab_collation(info, i), "BINARY") == 0)
			return i;
	return -1;
}

/* The bounds on one column; *argument counts those that xFilter is handed. */
static int take_bounds(sqlite3_index_info *info, int column, int *argument)
{
	int equal = find(info, column, SQLITE_INDEX_CONSTRAINT_EQ,
			 SQLITE_INDEX_CONSTRAINT_EQ);
	int low = find(info, column, SQLITE_INDEX_CONSTRAINT_GT,
		       SQLITE_INDEX_CONSTRAINT_GE);
	int high = find(info, column, SQLITE_INDEX_CONSTRAINT_LT,
			SQLITE_INDEX_CONSTRAINT_LE);

	if (equal >= 0) {
		info->aConstraintUsage[equal].argvIndex = ++*argument;
		return BOUND_EQUAL;
	}
	if (low >= 0)
		info->aConstraintUsage[low].argvIndex = ++*argument;
	if (high >= 0)
		info->aConstraintUsage[high].argvIndex = ++*argument;
	return (low >= 0 ? BOUND_LOW : 0) | (high >= 0 ? BOUND_HIGH : 0);
}

static void describe_bounds(int plan, struct buf *text)
{
	static const char *const names[] = { "seq", "tx", "time" };
	static const char *const ops[BOUND_BITS] = { ">", "<", "=" };
	const char *before = " USING LOG (";

	for (unsigned k = 0; k < 3 * BOUND_BITS; k++) {
		if (!(plan >> k & 1))
			continue;
		buf_printf(text, "%s%s%s?", before, names[k / BOUND_BITS],
			   ops[k % BOUND_BITS]);
		before = " AND ";
	}
	if (before[1] == 'A')
		buf_add_char(text, ')');
	if (plan & BOUND_TABLE)
		buf_add_str(text, " OF ONE TABLE");
}

static int describe(struct query_session *session, sqlite3_index_info *info)
{
	struct buf text = BUF_INIT;

	if (!session->explain)
		return SQLITE_OK;
	buf_printf(&text, "%u|", session->explain->next++);
	describe_bounds(info->idxNum, &text);
	if (!buf_status(&text))
		info->idxStr = sqlite3_mprintf("%s", buf_cstr(&text));
	info->needToFreeIdxStr = 1;
	buf_release(&text);
	return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

int log_range_best_index(struct query_session *session, sqlite3_index_info *info)
{
	double events = (double)drift_head(session->db) + 1;
	int argument = 0, table;

	for (int column = LOG_RANGE_SEQ; column <= LOG_RANGE_TIME; column++) {
		int bits = take_bounds(info, column, &argument);

		info->idxNum |= bits << column * BOUND_BITS;
		if (bits & BOUND_EQUAL)
			events = 1;
		else if (bits)
			events /= bits == (BOUND_LOW | BOUND_HIGH) ? 16 : 4;
	}
	info->estimatedCost = events * 2 + 10;
	table = find(info, LOG_RANGE_TABLE, SQLITE_INDEX_CONSTRAINT_EQ,
		     SQLITE_INDEX_CONSTRAINT_EQ);
	if (table >= 0) {
		info->aConstraintUsage[table].argvIndex = ++argument;
		info->idxNum |= BOUND_TABLE;
		events /= 4;
	}
	info->estimatedRows = (sqlite3_int64)events + 1;
	return describe(session, info);
}

/* ---- Reading --------------------------------------------------------------- */

static void raise(struct log_range *range, drift_seq seq)
{
	if (seq > range->from)
		range->from = seq;
}

static void lower(struct log_range *range, drift_seq seq)
{
	if (seq < range->to)
		range->to = seq;
}

/* Another kind of value is below all numbers or above them: no bound. */
static bool is_number(sqlite3_value *value)
{
	return sqlite3_value_type(value) == SQLITE_INTEGER ||
	       sqlite3_value_type(value) == SQLITE_FLOAT;
}

static uint64_t number_of(sqlite3_value *value)
{
	sqlite3_int64 number = sqlite3_value_int64(value);

	return number < 1 ? 1 : (uint64_t)number;
}

static void bound_seq(sqlite3_value *value, int side, struct log_range *range)
{
	if (side & BOUND_LOW)
		raise(range, number_of(value));
	if (side & BOUND_HIGH)
		lower(range, number_of(value));
}

static enum drift_err bound_tx(struct query_session *session, sqlite3_value *value,
			       int side, struct log_range *range)
{
	uint64_t tx = number_of(value);
	drift_seq seq;
	enum drift_err err = DRIFT_OK;

	if (side & BOUND_HIGH && tx < range->last_tx)
		range->last_tx = tx;
	if (side & BOUND_LOW)
		err = first_seq_of(session->db, tx, &seq);
	if (!err && side & BOUND_LOW)
		raise(range, seq);
	return err;
}

/* The last event at or before the time; 0: none. */
static enum drift_err seq_until(struct query_session *session, drift_time_ns time,
				drift_seq *seq)
{
	struct moment moment = { .kind = MOMENT_TIME, .time = time };

	if (time >= drift_head_time(session->db)) {
		*seq = drift_head(session->db);
		return DRIFT_OK;
	}
	return drift_resolve(session->db, &moment, true, seq, NULL);
}

/* The time that the text's first bytes spell as the column would; tail completes them. */
static bool time_of(struct slice text, size_t size, const char *tail,
		    drift_time_ns *time)
{
	struct buf spelled = BUF_INIT;
	bool same = false;

	if (text.size < size || size > 40)
		return false;
	buf_add(&spelled, text.data, size);
	buf_add_str(&spelled, tail);
	if (!buf_status(&spelled) && !moment_parse_time(buf_slice(&spelled), time)) {
		buf_clear(&spelled);
		moment_print_time(*time, &spelled);
		same = !buf_status(&spelled) && spelled.size >= size &&
		       memcmp(spelled.data, text.data, size) == 0 &&
		       (tail[0] || spelled.size == size);
	}
	buf_release(&spelled);
	return same;
}

/* The times that the value is among: itself for an equality, its second, its day. Texts
 * ascend with seconds, not with fractions, which have as many digits as needed. */
static bool times_of(sqlite3_value *value, bool equal, drift_time_ns *least,
		     drift_time_ns *greatest)
{
	const drift_time_ns second = 1000000000;
	struct slice text;

	if (sqlite3_value_type(value) != SQLITE_TEXT)
		return false;
	text.data = sqlite3_value_text(value);
	text.size = (size_t)sqlite3_value_bytes(value);
	if (equal && time_of(text, text.size, "", least))
		*greatest = *least;
	else if (time_of(text, SECOND_SIZE, "Z", least))
		*greatest = *least + second - 1;
	else if (time_of(text, DAY_SIZE, "T00:00:00Z", least))
		*greatest = *least + 86400 * second - 1;
	else
		return false;
	return true;
}

static enum drift_err bound_time(struct query_session *session, sqlite3_value *value,
				 int side, struct log_range *range)
{
	drift_time_ns least, greatest;
	drift_seq seq = 0;
	enum drift_err err = DRIFT_OK;

	if (!times_of(value, side == (BOUND_LOW | BOUND_HIGH), &least, &greatest))
		return DRIFT_OK;
	if (side & BOUND_LOW) {
		err = least > 0 ? seq_until(session, least - 1, &seq) : DRIFT_OK;
		if (!err)
			raise(range, seq + 1);
	}
	/* DDL of the time stands before the event behind it. */
	if (!err && side & BOUND_HIGH)
		err = seq_until(session, greatest, &seq);
	if (!err && side & BOUND_HIGH && seq < drift_head(session->db))
		lower(range, seq + 1);
	return err;
}

enum drift_err log_range_of(struct query_session *session, int plan,
			    sqlite3_value **argv, struct log_range *range)
{
	enum drift_err err = DRIFT_OK;

	/* The present ends behind its last DDL statement, a past view with its seq. */
	*range = (struct log_range){
		.from = 1,
		.to = session->view.ddl ? DRIFT_SEQ_MAX : session->view.seq,
		.last_tx = UINT64_MAX,
	};
	for (int column = LOG_RANGE_SEQ; column <= LOG_RANGE_TIME && !err;
	     column++) {
		int bits = plan >> column * BOUND_BITS & 7;

		for (int b = 1; b <= BOUND_EQUAL && !err; b *= 2) {
			int side = b == BOUND_EQUAL ? BOUND_LOW | BOUND_HIGH : b;

			if (!(bits & b))
				continue;
			if (column == LOG_RANGE_SEQ && is_number(*argv))
				bound_seq(*argv, side, range);
			else if (column == LOG_RANGE_TX && is_number(*argv))
				err = bound_tx(session, *argv, side, range);
			else if (column == LOG_RANGE_TIME)
				err = bound_time(session, *argv, side, range);
			argv++;
		}
	}
	if (plan & BOUND_TABLE && sqlite3_value_type(*argv) == SQLITE_TEXT)
		range->table = slice_of(sqlite3_value_text(*argv),
					(size_t)sqlite3_value_bytes(*argv));
	return err;
}
