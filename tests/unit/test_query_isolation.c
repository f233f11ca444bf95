/* SPDX-License-Identifier: MIT */
/* Sessions that transfer, append, insert and delete beside one another, and what they may
 * see of it: snapshot isolation, where the first committer wins.
 *
 * Each transaction notes all that it read as one number, and between which two heads it
 * read. Afterwards the log is played through, transaction by transaction: what was read
 * must be the state after one of them, not older than what was acknowledged before and
 * not newer than what there was (so nothing dirty, torn, half done or gone back was
 * read); every append must stand on the value that was there (so no update was lost); no
 * refused or rolled back transaction left anything, and none that was acknowledged is
 * missing. DRIFTFS_TRANSFERS=n: so many transactions; SEED repeats their choices. */
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/isolation_client.h"

#define THREADS 8

static char dir[64];
static struct drift_db *db;

static void no_report(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void open_db(void)
{
	struct drift_options options = { .report = no_report,
					 .fold_events_max = 500 };

	snprintf(dir, sizeof(dir), "%s/driftfs-isolation-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(drift_init(dir, NULL), DRIFT_OK);
	assert_int_equal(drift_open(dir, &options, &db, NULL), DRIFT_OK);
}

static void remove_db(void)
{
	char command[128];

	drift_close(db);

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* ---- The log ------------------------------------------------------------------- */

/* The states after each transaction, by its last seq. */
struct past {
	struct state state;
	drift_seq *seqs;
	drift_time_ns *times;
	uint64_t *hashes;
	unsigned count;
};

static int64_t int_member(struct slice row, const char *name)
{
	struct slice bytes;
	struct msg_cursor cursor;
	int64_t number;

	assert_int_equal(msg_member(row, slice_str(name), &bytes), DRIFT_OK);
	cursor = msg_cursor_of(bytes);
	assert_int_equal(msg_read_int(&cursor, &number), DRIFT_OK);
	return number;
}

/* The new value must be the one before and a token, or a token alone. */
static void play_list(char *v, struct slice row)
{
	struct slice bytes, text;
	struct msg_cursor cursor;
	size_t had = strlen(v);

	assert_int_equal(msg_member(row, SLICE("v"), &bytes), DRIFT_OK);
	cursor = msg_cursor_of(bytes);
	assert_int_equal(msg_read_text(&cursor, &text), DRIFT_OK);
	if (slice_equal(text, SLICE("half")))
		return; /* the next event of the transaction makes it whole */
	if (had > LIST_BYTES_MAX - 32)
		had = 0;
	assert_true(text.size > had && text.size < LIST_BYTES_MAX + 64);
	assert_memory_equal(text.data, v, had);
	assert_null(
		memchr((const char *)text.data + had + 1, ',', text.size - had - 1));
	memcpy(v, text.data, text.size);
	v[text.size] = 0;
}

static void play(struct state *state, const struct drift_event *event)
{
	struct msg_value id;
	struct slice key = event->key;

	assert_int_equal(key_read(&key, &id), DRIFT_OK);
	if (strcmp(event->table->name, "item") == 0)
		state->kind[id.integer] =
			event->op == DRIFT_OP_DELETE
				? NONE
				: (int)int_member(event->row, "kind");
	else if (strcmp(event->table->name, "list") == 0)
		play_list(state->v[id.integer], event->row);
	else
		state->n[id.integer] = (int)int_member(event->row, "n");
}

static void end_transaction(struct past *past, drift_seq seq, drift_time_ns time)
{
	int sum = 0;

	for (unsigned i = 0; i < ACCOUNTS; i++)
		sum += past->state.n[i];
	if (sum != ACCOUNTS * BALANCE)
		fail_msg("after seq %llu the sum of balances is %d",
			 (unsigned long long)seq, sum);
	past->seqs[past->count] = seq;
	past->times[past->count] = time;
	past->hashes[past->count++] = state_hash(&past->state);
}

/* Play the events after `from`, where past->state is. */
static void play_log(struct past *past, drift_seq from)
{
	struct drift_events *events;
	struct drift_event event;
	drift_seq seq = from;
	drift_time_ns time = 0;
	uint64_t tx = 0;
	enum drift_err err;

	assert_int_equal(drift_events_open(db, from + 1, DRIFT_SEQ_MAX, &events,
					   NULL),
			 DRIFT_OK);
	while (!(err = drift_events_next(events, &event, NULL))) {
		assert_false(event.ddl);
		if (tx != event.tx)
			end_transaction(past, seq, time);
		tx = event.tx;
		seq = event.seq;
		time = event.time;
		play(&past->state, &event);
	}
	assert_int_equal(err, DRIFT_DONE);
	end_transaction(past, seq, time);
	drift_events_close(events);
}

/* Was it the state after a transaction within the reading's bounds? */
static void check_reading(const struct past *past, const struct reading *reading)
{
	unsigned low = 0, high = past->count - 1;

	while (low < high) { /* the last one at or before the head then */
		unsigned middle = (low + high + 1) / 2;

		if (past->seqs[middle] <= reading->low)
			low = middle;
		else
			high = middle - 1;
	}
	for (; low < past->count && past->seqs[low] <= reading->high; low++)
		if (past->hashes[low] == reading->hash)
			return;
	fail_msg("what was read between seq %llu and %llu was never there",
		 (unsigned long long)reading->low,
		 (unsigned long long)reading->high);
}

/* Any time between is a whole transaction, in a session that is pinned there. */
static void check_times(struct client *client, const struct past *past)
{
	for (unsigned i = 0; i < 100 && past->count > 2; i++) {
		unsigned at = 1 + client_draw(client, past->count - 2);
		struct moment moment = { .kind = MOMENT_TIME,
					 .time = past->times[at + 1] -
						 (int)client_draw(client, 2) };
		struct query_options options = { .pinned = true };
		unsigned wanted = moment.time < past->times[at + 1] ? at : at + 1;

		assert_int_equal(drift_resolve(db, &moment, false, &options.as_of,
					       NULL),
				 DRIFT_OK);
		assert_int_equal(options.as_of, past->seqs[wanted]);
		assert_int_equal(query_session_open(db, &options, &client->session,
						    NULL),
				 DRIFT_OK);
		assert_true(client_read(client, &client->state));
		assert_int_equal(state_hash(&client->state), past->hashes[wanted]);
		query_session_close(client->session);
	}
}

static void make_tables(struct state *state)
{
	struct query_session *session;
	struct buf script = BUF_INIT, said = BUF_INIT;

	buf_add_str(&script, "CREATE TABLE account (id INT PRIMARY KEY, n INT); "
			     "CREATE TABLE list (id INT PRIMARY KEY, v TEXT); "
			     "CREATE TABLE item (id INT PRIMARY KEY, kind INT, "
			     "INDEX(kind)); ");
	for (int i = 0; i < ACCOUNTS; i++) {
		state->n[i] = BALANCE;
		buf_printf(&script, "INSERT INTO account VALUES (%d, %d); ", i,
			   BALANCE);
	}
	for (int i = 0; i < LISTS; i++) {
		snprintf(state->v[i], sizeof(state->v[i]), "-");
		buf_printf(&script, "INSERT INTO list VALUES (%d, '-'); ", i);
	}
	for (int i = 0; i < ITEMS; i++)
		state->kind[i] = NONE;
	assert_int_equal(query_session_open(db, NULL, &session, NULL), DRIFT_OK);
	assert_int_equal(client_ask(session, &said, buf_cstr(&script)), DRIFT_OK);
	query_session_close(session);
	buf_release(&script);
	buf_release(&said);
}

static unsigned transactions_each(void)
{
	const char *given = getenv("DRIFTFS_TRANSFERS");

	if (given)
		return (unsigned)atoi(given) / THREADS + 1;
	return getenv("SLOW") ? 60 : 400;
}

static void transactions_see_one_moment_and_lose_nothing(void **state)
{
	struct client clients[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct past past = { 0 };
	uint64_t seed = test_seed();
	unsigned each = transactions_each(), commits = 0, conflicts = 0;
	drift_seq from;

	(void)state;
	open_db();
	make_tables(&past.state);
	from = drift_head(db);
	past.seqs = calloc(each * THREADS + 2, sizeof(*past.seqs));
	past.times = calloc(each * THREADS + 2, sizeof(*past.times));
	past.hashes = calloc(each * THREADS + 2, sizeof(*past.hashes));
	for (unsigned i = 0; i < THREADS; i++) {
		clients[i] = (struct client){
			.db = db,
			.number = i,
			.random = (seed + i) * 0x9e3779b97f4a7c15ull | 1,
			.transactions = each,
			.readings = calloc(each, sizeof(struct reading)),
		};
		assert_int_equal(pthread_create(&threads[i], NULL, client_run,
						&clients[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	play_log(&past, from);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_string_equal(clients[i].failure, "");
		for (unsigned j = 0; j < clients[i].reading_count; j++)
			check_reading(&past, &clients[i].readings[j]);
		commits += clients[i].commits;
		conflicts += clients[i].conflicts;
		free(clients[i].readings);
	}
	fprintf(stderr, "%u committed, %u refused\n", commits, conflicts);
	assert_true(conflicts > 0);
	check_times(&clients[0], &past);
	buf_release(&clients[0].said);
	/* What was acknowledged is there, and nothing else. */
	assert_int_equal(past.count, commits + 1);
	free(past.seqs);
	free(past.times);
	free(past.hashes);
	remove_db();
}

static void open_two(struct query_session **one, struct query_session **two)
{
	open_db();
	assert_int_equal(query_session_open(db, NULL, one, NULL), DRIFT_OK);
	assert_int_equal(query_session_open(db, NULL, two, NULL), DRIFT_OK);
}

static void close_two(struct query_session *one, struct query_session *two)
{
	query_session_close(one);
	query_session_close(two);
	remove_db();
}

static void write_skew_is_let_through_as_the_manual_says(void **state)
{
	struct query_session *one, *two;
	struct buf said = BUF_INIT;

	(void)state;
	open_two(&one, &two);
	assert_int_equal(
		client_ask(one, &said,
			   "CREATE TABLE duty (id INT PRIMARY KEY, here INT); "
			   "INSERT INTO duty VALUES (1, 1), (2, 1); "
			   "BEGIN ISOLATION LEVEL SERIALIZABLE; "
			   "SELECT sum(here) FROM duty"),
		DRIFT_OK);
	assert_int_equal(client_ask(two, &said,
				    "BEGIN ISOLATION LEVEL SERIALIZABLE; "
				    "SELECT sum(here) FROM duty; "
				    "UPDATE duty SET here = 0 WHERE id = 2; COMMIT"),
			 DRIFT_OK);
	assert_int_equal(client_ask(one, &said,
				    "UPDATE duty SET here = 0 WHERE id = 1; COMMIT; "
				    "SELECT sum(here) FROM duty"),
			 DRIFT_OK);
	assert_string_equal(buf_cstr(&said), "2 2 0 ");
	buf_release(&said);
	close_two(one, two);
}

/* An INSERT by itself reads nothing, so nothing can come between; in a transaction it
 * must not switch off the check for what else the transaction writes. */
static void an_insert_does_not_make_a_transaction_blind(void **state)
{
	struct query_session *one, *two;
	struct buf said = BUF_INIT;

	(void)state;
	open_two(&one, &two);
	assert_int_equal(client_ask(one, &said,
				    "CREATE TABLE t (id INT PRIMARY KEY, n INT); "
				    "INSERT INTO t VALUES (1, 0); "
				    "BEGIN; INSERT INTO t VALUES (2, 0); "
				    "SELECT n FROM t WHERE id = 1"),
			 DRIFT_OK);
	assert_int_equal(client_ask(two, &said, "UPDATE t SET n = 5 WHERE id = 1"),
			 DRIFT_OK);
	assert_int_equal(client_ask(one, &said,
				    "UPDATE t SET n = 1 WHERE id = 1; COMMIT"),
			 DRIFT_CONFLICT);
	buf_clear(&said);
	assert_int_equal(client_ask(one, &said, "SELECT id, n FROM t"), DRIFT_OK);
	assert_string_equal(buf_cstr(&said), "1 5 ");
	/* What is there already is a duplicate, not a conflict. */
	assert_int_equal(client_ask(one, &said, "BEGIN; SELECT * FROM t"), DRIFT_OK);
	assert_int_equal(client_ask(two, &said, "INSERT INTO t VALUES (3, 0)"),
			 DRIFT_OK);
	assert_int_equal(client_ask(one, &said,
				    "INSERT INTO t VALUES (3, 0); COMMIT"),
			 DRIFT_KEY_EXISTS);
	buf_release(&said);
	close_two(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_see_one_moment_and_lose_nothing),
		cmocka_unit_test(an_insert_does_not_make_a_transaction_blind),
		cmocka_unit_test(write_skew_is_let_through_as_the_manual_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
