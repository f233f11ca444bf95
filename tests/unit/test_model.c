/* SPDX-License-Identifier: MIT */
/* test_model.c - thousands of random operations in transactions with savepoints, and
 * after each handful every kind of read at random moments, by seq and by time, compared
 * with a model that is a plain list of states.
 *
 * Memtables are tiny, so folds run beside the reads all the time. The seed is
 * printed; SEED repeats a run, DRIFTFS_MODEL_OPS makes it longer. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include <unistd.h>

#include "tests/unit/table_t.h"

#define KEYS 24
#define VALUES 5
#define NONE (-1)
#define TEXT_MAX 16384

/* ---- The model ----------------------------------------------------------------- */

struct state {
	int value[KEYS];
};

struct event {
	int key;
	int value;
	drift_time_ns time;
};

static struct state *states; /* by seq */
static struct event *events; /* by seq */
static uint64_t head;
static size_t capacity;

static void model_add(int key, int value, drift_time_ns time)
{
	if (head + 2 > capacity) {
		capacity = capacity ? 2 * capacity : 1024;
		states = realloc(states, capacity * sizeof(*states));
		events = realloc(events, capacity * sizeof(*events));
		if (head == 0)
			for (int k = 0; k < KEYS; k++)
				states[0].value[k] = NONE;
	}
	states[head + 1] = states[head];
	head++;
	states[head].value[key] = value;
	events[head] = (struct event){ key, value, time };
}

/* ---- The database ---------------------------------------------------------------- */

static char dir[64];
static struct drift_db *db;
static const struct table_def *t;
static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void open_db(void)
{
	struct drift_options options = {
		.fold_events_max = 16,
		.segment_bytes_max = 64 << 10,
		.report = quiet,
	};
	struct drift_error error;

	if (drift_open(dir, &options, &db, &error))
		fail_msg("%s", error.text);
	t = drift_table(drift_view_live(db), SLICE("t"));
}

static struct slice key_of(int k, struct buf *key)
{
	char name[8];

	snprintf(name, sizeof(name), "k%02d", k);
	buf_clear(key);
	key_add_text(key, slice_str(name));
	return buf_slice(key);
}

static void txn_write(struct drift_txn *txn, int k, int value)
{
	struct buf key = BUF_INIT, row = BUF_INIT;
	char name[8];

	key_of(k, &key);
	if (value == NONE) {
		assert_int_equal(drift_txn_delete(txn, t, buf_slice(&key), true,
						  NULL),
				 DRIFT_OK);
	} else {
		snprintf(name, sizeof(name), "k%02d", k);
		msg_add_map(&row, 2);
		msg_add_text(&row, SLICE("id"));
		msg_add_text(&row, slice_str(name));
		msg_add_text(&row, SLICE("v"));
		msg_add_int(&row, value);
		assert_int_equal(drift_txn_put(txn, t, buf_slice(&key),
					       buf_slice(&row), DRIFT_PUT, NULL),
				 DRIFT_OK);
	}
	buf_release(&key);
	buf_release(&row);
}

/* ---- Reading both ------------------------------------------------------------------ */

static int value_of(struct slice row)
{
	return row.size ? (int)table_t_value(row) : NONE;
}

static int key_number(struct slice key)
{
	struct msg_value part;

	assert_int_equal(key_read(&key, &part), DRIFT_OK);
	return atoi((const char *)part.bytes.data + 1);
}

static void check_scan(struct drift_view view, const struct state *state)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct drift_range range = { 0 };
	struct buf low = BUF_INIT, high = BUF_INIT;
	int from = 0, to = KEYS - 1, at;
	enum drift_err err;

	if (draw(2)) {
		from = (int)draw(KEYS);
		to = from + (int)draw((unsigned)(KEYS - from));
		range.low = key_of(from, &low);
		range.high = key_of(to, &high);
		range.low_open = draw(2);
		range.high_open = draw(2);
		from += range.low_open;
		to -= range.high_open;
	}
	at = from;
	assert_int_equal(drift_scan(view, t->id, &range, &cursor), DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		while (at <= to && state->value[at] == NONE)
			at++;
		assert_true(at <= to);
		assert_int_equal(key_number(version.key), at);
		assert_int_equal(value_of(version.row), state->value[at]);
		if (version.seq)
			assert_int_equal(events[version.seq].key, at);
		at++;
	}
	assert_int_equal(err, DRIFT_DONE);
	while (at <= to && state->value[at] == NONE)
		at++;
	assert_true(at > to);
	drift_cursor_close(cursor);
	buf_release(&low);
	buf_release(&high);
}

static void check_points(struct drift_view view, const struct state *state)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;

	for (int n = 0; n < 4; n++) {
		int k = (int)draw(KEYS);
		enum drift_err err = drift_get(view, t->id, key_of(k, &key), &row);

		assert_int_equal(err,
				 state->value[k] == NONE ? DRIFT_NO_ROW : DRIFT_OK);
		if (!err)
			assert_int_equal(value_of(row.version.row), state->value[k]);
	}
	drift_row_release(&row);
	buf_release(&key);
}

static void check_index(struct drift_view view, const struct state *state)
{
	bool seen[KEYS] = { false };
	struct buf low = BUF_INIT, high = BUF_INIT;
	struct drift_range range = { 0 };
	struct drift_cursor *cursor;
	struct drift_version version;
	int from = (int)draw(VALUES), to = from;
	enum drift_err err;

	key_add_int(&low, from);
	range.low = buf_slice(&low);
	if (draw(2)) {
		range.prefix = true;
	} else {
		to = from + (int)draw((unsigned)(VALUES - from));
		key_add_int(&high, to);
		range.high = buf_slice(&high);
	}
	assert_int_equal(drift_index_scan(view, t->id, &t->indexes[0], &range,
					  &cursor),
			 DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		int k = key_number(version.key);

		assert_false(seen[k]);
		seen[k] = true;
		assert_int_equal(value_of(version.row), state->value[k]);
		assert_in_range(state->value[k], from, to);
	}
	assert_int_equal(err, DRIFT_DONE);
	for (int k = 0; k < KEYS; k++)
		assert_int_equal(seen[k], state->value[k] != NONE &&
						  state->value[k] >= from &&
						  state->value[k] <= to);
	drift_cursor_close(cursor);
	buf_release(&low);
	buf_release(&high);
}

/* Every row that has the value, a few keys at a time, each call beginning anew. */
static void check_index_keys(struct drift_view view, const struct state *state,
			     int value)
{
	struct buf wanted = BUF_INIT, keys = BUF_INIT, last = BUF_INIT;
	unsigned max = 1 + draw(5);
	struct slice values[2];
	int at = 0;

	key_add_int(&wanted, value);
	values[0] = values[1] = buf_slice(&wanted); /* twice is once */
	do {
		buf_clear(&keys);
		assert_int_equal(drift_index_keys(view, t->id, &t->indexes[0],
						  values, 1 + draw(2),
						  buf_slice(&last), true, max,
						  &keys),
				 DRIFT_OK);
		for (size_t i = 0; i < keys.size;) {
			size_t size = (size_t)(uint8_t)keys.data[i] << 8 |
				      (uint8_t)keys.data[i + 1];

			while (at < KEYS && state->value[at] != value)
				at++;
			buf_clear(&last);
			buf_add(&last, keys.data + i + 2, size);
			assert_int_equal(key_number(buf_slice(&last)), at++);
			i += 2 + size;
		}
	} while (keys.size);
	while (at < KEYS && state->value[at] != value)
		at++;
	assert_int_equal(at, KEYS);
	buf_release(&wanted);
	buf_release(&keys);
	buf_release(&last);
}

/* The values that rows have, in order, and the rows of each. */
static void check_index_lists(struct drift_view view, const struct state *state)
{
	struct buf last = BUF_INIT, value = BUF_INIT;
	int at = 0;
	enum drift_err err;

	while (!(err = drift_index_next_value(view, t->id, &t->indexes[0],
					      buf_slice(&last), &value))) {
		struct slice bytes = buf_slice(&value);
		struct msg_value part;

		assert_int_equal(key_read(&bytes, &part), DRIFT_OK);
		for (; at < (int)part.integer; at++)
			for (int k = 0; k < KEYS; k++)
				assert_int_not_equal(state->value[k], at);
		assert_int_equal(part.integer, at++);
		check_index_keys(view, state, (int)part.integer);
		buf_clear(&last);
		buf_add_slice(&last, buf_slice(&value));
	}
	assert_int_equal(err, DRIFT_DONE);
	for (int k = 0; k < KEYS; k++)
		assert_true(state->value[k] < at);
	buf_release(&last);
	buf_release(&value);
}

/* The versions of one key up to seq, against the list of events. */
static void check_history(drift_seq seq)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf low = BUF_INIT;
	int k = (int)draw(KEYS);
	struct drift_range range = { .low = key_of(k, &low), .prefix = true };
	drift_seq at = 0, end;
	enum drift_err err;

	assert_int_equal(drift_history(drift_view_at(db, seq), t->id, &range,
				       &cursor),
			 DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		do
			at++;
		while (at <= seq && events[at].key != k);
		assert_int_equal(version.seq, at);
		assert_int_equal(value_of(version.row), events[at].value);
		for (end = at + 1; end <= seq && events[end].key != k; end++)
			;
		assert_int_equal(version.end_seq, end <= seq ? end : 0);
	}
	assert_int_equal(err, DRIFT_DONE);
	for (at++; at <= seq; at++)
		assert_int_not_equal(events[at].key, k);
	drift_cursor_close(cursor);
	buf_release(&low);
}

static void check_events(void)
{
	drift_seq from = 1 + draw((unsigned)head), to = from + draw(40);
	struct drift_events *stream;
	struct drift_event event;
	enum drift_err err;

	if (to > head)
		to = head;
	assert_int_equal(drift_events_open(db, from, to, &stream, NULL), DRIFT_OK);
	while (!(err = drift_events_next(stream, &event, NULL))) {
		if (event.ddl)
			continue;
		assert_int_equal(event.seq, from);
		assert_int_equal(key_number(event.key), events[from].key);
		assert_int_equal(value_of(event.row), events[from].value);
		from++;
	}
	assert_int_equal(err, DRIFT_DONE);
	assert_int_equal(from, to + 1);
	drift_events_close(stream);
}

/* What a moment in time resolves to: the last transaction at or before it. */
static drift_seq seq_of(drift_time_ns time)
{
	drift_seq low = 0, high = head;

	while (low < high) {
		drift_seq middle = (low + high + 1) / 2;

		if (events[middle].time <= time)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* A moment that was resolved once, and what it was then. */
struct noted {
	drift_time_ns time;
	drift_seq seq;
};

static struct noted noted[400];
static unsigned noted_count;

static void check_moment(drift_time_ns time, drift_seq wanted)
{
	struct moment moment = { .kind = MOMENT_TIME, .time = time };
	drift_seq seq;

	assert_int_equal(drift_resolve(db, &moment, false, &seq, NULL), DRIFT_OK);
	assert_int_equal(seq, wanted);
	check_points(drift_view_at(db, seq), &states[seq]);
}

static void check_times(void)
{
	drift_time_ns time = drift_now(db);

	if (head && draw(4))
		time = events[1 + draw((unsigned)head)].time + (int)draw(3) - 1;
	check_moment(time, seq_of(time));
	if (draw(16) == 0)
		noted[noted_count++ % 400] = (struct noted){ time, seq_of(time) };
}

/* Every moment that was ever resolved is what it was. */
static void check_noted(void)
{
	for (unsigned i = 0; i < noted_count && i < 400; i++)
		check_moment(noted[i].time, noted[i].seq);
}

static void check_reads(void)
{
	drift_seq seq = draw(3) ? draw((unsigned)head + 1) : head;
	struct drift_view view = seq == head && draw(2) ? drift_view_live(db)
							: drift_view_at(db, seq);

	assert_int_equal(drift_head(db), head);
	check_scan(view, &states[seq]);
	check_points(view, &states[seq]);
	check_index(view, &states[seq]);
	check_index_lists(view, &states[seq]);
	/* Whose answer grows with the history. */
	if (draw(1 + (unsigned)(seq / 5000)) == 0)
		check_history(seq);
	check_times();
	if (head)
		check_events();
}

/* ---- Writing both ------------------------------------------------------------------ */

/* A transaction, what it should leave, and a savepoint of both. */
struct work {
	struct drift_txn *txn;
	struct state state, saved_state;
	struct event events[24];
	unsigned count, saved_count;
	uint32_t saved_ops;
};

static void write_one(struct work *work)
{
	struct event e = { (int)draw(KEYS), draw(4) ? (int)draw(VALUES) : NONE, 0 };

	txn_write(work->txn, e.key, e.value);
	if (work->state.value[e.key] != e.value)
		work->events[work->count++] = e;
	work->state.value[e.key] = e.value;
}

static void save(struct work *work)
{
	work->saved_ops = drift_txn_ops(work->txn);
	work->saved_state = work->state;
	work->saved_count = work->count;
}

static void rewind_to_saved(struct work *work)
{
	assert_int_equal(drift_txn_rewind(work->txn, work->saved_ops), DRIFT_OK);
	work->state = work->saved_state;
	work->count = work->saved_count;
}

static void check_own(const struct work *work)
{
	struct drift_view view = drift_view_live(db);

	view.txn = work->txn;
	view.txn_ops = drift_txn_ops(work->txn);
	check_scan(view, &work->state);
	check_points(view, &work->state);
	check_index(view, &work->state);
}

static void commit(struct work *work)
{
	struct drift_receipt receipt;

	assert_int_equal(drift_commit(work->txn,
				      draw(2) ? DRIFT_DURABLE : DRIFT_DURABLE_LATER,
				      &receipt),
			 DRIFT_OK);
	assert_int_equal(receipt.count, work->count);
	for (unsigned i = 0; i < work->count; i++)
		model_add(work->events[i].key, work->events[i].value, receipt.time);
}

/* Returns how many operations it was. */
static unsigned random_transaction(void)
{
	struct work work = { .state = states[head] };
	unsigned ops = 1 + draw(12);

	assert_int_equal(drift_txn_new(db, head, NULL, &work.txn), DRIFT_OK);
	save(&work);
	for (unsigned i = 0; i < ops; i++) {
		write_one(&work);
		if (draw(8) == 0)
			save(&work);
		else if (draw(12) == 0)
			rewind_to_saved(&work);
		if (draw(24) == 0)
			check_own(&work);
	}
	if (draw(4) == 0)
		check_own(&work);
	if (draw(8))
		commit(&work);
	drift_txn_free(work.txn);
	return ops;
}

static void reopen(void)
{
	char command[128];

	drift_close(db);
	if (draw(4) == 0) {
		snprintf(command, sizeof(command), "rm -rf %s/index", dir);
		assert_int_equal(system(command), 0);
	}
	open_db();
}

static void database_equals_model(void **state)
{
	const char *given = getenv("DRIFTFS_MODEL_OPS");
	unsigned ops = given ? (unsigned)atoi(given) : 10000;
	struct drift_verify_report report;
	char command[128];

	(void)state;
	seed = test_seed();
	/* Memory is the quickest place for it. */
	snprintf(dir, sizeof(dir), "%s/driftfs-model-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(drift_init(dir, NULL), DRIFT_OK);
	open_db();
	assert_int_equal(table_t_make(db), DRIFT_OK);
	t = drift_table(drift_view_live(db), SLICE("t"));
	model_add(0, NONE, 0);
	head = 0;
	for (unsigned done = 0; done < ops; done += random_transaction()) {
		check_reads();
		if (draw(50) == 0)
			assert_int_equal(drift_fold(db), DRIFT_OK);
		if (draw(100) == 0)
			assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
		if (draw(100) == 0)
			assert_int_equal(drift_snapshot(db, 0, NULL, NULL),
					 DRIFT_OK);
		if (draw(100) == 0)
			reopen();
	}
	check_noted();
	assert_int_equal(drift_verify(db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_int_equal(report.events, head);
	drift_close(db);
	free(states);
	free(events);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database_equals_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
