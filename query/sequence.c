/* SPDX-License-Identifier: MIT */
/* sequence.c - see sequence.h: states, runs of numbers, and who has which. */
#include "query/sequence.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

#define RUN_DOUBLINGS_MAX 12 /* so a run has 4096 numbers at most */

/* What is left of a run. */
struct run {
	struct run *next;
	uint32_t id;   /* of the sequence */
	int64_t value; /* the number that comes next */
	int64_t increment;
	int64_t left;
	drift_seq seq;   /* of the state that took it; another state ends it */
	uint64_t number; /* of this run, among the database's */
};

struct sequences_of {
	struct sequences_of *next;
	struct drift_db *db;
	unsigned sessions;
	uint64_t runs;    /* taken so far */
	uint64_t settled; /* those up to here are durable */
	struct run *list;
};

/* Guards all of the above; commits that take a run are made under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sequences_of *databases;

/* ---- States ----------------------------------------------------------------- */

static const char *const members[] = {
	"id",           "last_value", "is_called", "start_value",
	"increment_by", "min_value",  "max_value", "cycle",
};

static enum drift_err read_member(struct slice row, const char *name, int64_t *value)
{
	struct slice bytes;
	struct msg_cursor cursor;
	struct msg_value read;
	enum drift_err err = msg_member(row, slice_str(name), &bytes);

	if (err)
		return err;
	cursor = msg_cursor_of(bytes);
	err = msg_read(&cursor, &read);
	if (!err && read.type != MSG_INT && read.type != MSG_BOOL)
		err = DRIFT_BAD_TYPE;
	if (!err)
		*value = read.type == MSG_BOOL ? read.boolean : read.integer;
	return err;
}

enum drift_err sequence_read(struct drift_view view, const struct table_def *def,
			     struct sequence_state *state, struct drift_error *error)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	int64_t values[8] = { 0 };
	enum drift_err err;

	key_add_int(&key, 1);
	err = drift_get(view, def->id, buf_slice(&key), &row);
	for (unsigned i = 1; i < 8 && !err; i++)
		err = read_member(row.version.row, members[i], &values[i]);
	*state = (struct sequence_state){
		.last = values[1],
		.called = values[2] != 0,
		.start = values[3],
		.increment = values[4],
		.min = values[5],
		.max = values[6],
		.cycle = values[7] != 0,
		.seq = row.version.seq,
	};
	drift_row_release(&row);
	buf_release(&key);
	if (err == DRIFT_NO_ROW || err == DRIFT_DONE || err == DRIFT_BAD_TYPE)
		return drift_fail(error, DRIFT_NO_SEQUENCE,
				  "the row of sequence \"%s\" is gone", def->name);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err sequence_put(struct drift_txn *txn, const struct table_def *def,
			    const struct sequence_state *state,
			    struct drift_error *error)
{
	const int64_t values[] = { 1,
				   state->last,
				   state->called,
				   state->start,
				   state->increment,
				   state->min,
				   state->max,
				   state->cycle };
	struct buf document = BUF_INIT, row = BUF_INIT, key = BUF_INIT;
	enum drift_err err;

	msg_add_map(&document, 8);
	for (unsigned i = 0; i < 8; i++) {
		msg_add_text(&document, slice_str(members[i]));
		if (i == 2 || i == 7)
			msg_add_bool(&document, values[i] != 0);
		else
			msg_add_int(&document, values[i]);
	}
	key_add_int(&key, 1);
	err = buf_status(&document) || buf_status(&key) ? DRIFT_NOMEM : DRIFT_OK;
	if (!err)
		err = row_shape(def, buf_slice(&document), buf_slice(&key), true,
				&row, error);
	if (!err)
		err = drift_txn_put(txn, def, buf_slice(&key), buf_slice(&row),
				    DRIFT_PUT, error);
	buf_release(&document);
	buf_release(&row);
	buf_release(&key);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* The number after the state's, DRIFT_DONE at the end of a sequence that does not
 * begin again. */
static enum drift_err step(const struct sequence_state *state, int64_t *value)
{
	bool beyond;

	*value = state->last;
	if (!state->called)
		return DRIFT_OK;
	beyond = __builtin_add_overflow(state->last, state->increment, value) ||
		 *value > state->max || *value < state->min;
	if (!beyond)
		return DRIFT_OK;
	*value = state->increment > 0 ? state->min : state->max;
	return state->cycle ? DRIFT_OK : DRIFT_DONE;
}

static enum drift_err fail_end(const struct table_def *def,
			       const struct sequence_state *state,
			       struct drift_error *error)
{
	bool up = state->increment > 0;

	return drift_fail(error, DRIFT_SEQUENCE_END,
			  "nextval: reached %s value of sequence \"%s\" (%lld)",
			  up ? "maximum" : "minimum", def->name,
			  (long long)(up ? state->max : state->min));
}

/* How many numbers there are from value on, at most want, before the sequence ends. */
static int64_t run_length(const struct sequence_state *state, int64_t value,
			  int64_t want)
{
	uint64_t room = state->increment > 0
				? (uint64_t)state->max - (uint64_t)value
				: (uint64_t)value - (uint64_t)state->min;
	uint64_t stride = state->increment > 0 ? (uint64_t)state->increment
					       : 0 - (uint64_t)state->increment;

	return room / stride < (uint64_t)want - 1 ? (int64_t)(room / stride) + 1
						  : want;
}

/* ---- Sessions ---------------------------------------------------------------- */

static enum drift_err commit_state(struct query_session *session,
				   const struct table_def *def,
				   const struct sequence_state *state,
				   enum drift_durability durability, drift_seq *seq,
				   struct drift_error *error)
{
	struct drift_author author = { session->user, session->client, NULL };
	struct drift_receipt receipt = { 0 };
	struct drift_txn *txn = NULL;
	enum drift_err err =
		drift_txn_new(session->db, DRIFT_SEQ_MAX, &author, &txn);

	if (!err)
		err = sequence_put(txn, def, state, error);
	if (!err) {
		err = drift_commit(txn, durability, &receipt);
		if (err && error)
			*error = receipt.error;
	}
	drift_txn_free(txn);
	*seq = receipt.count ? receipt.first_seq : state->seq;
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err sequence_open(struct query_session *session)
{
	struct sequences_of *shared;

	pthread_mutex_lock(&lock);
	shared = databases;
	while (shared && shared->db != session->db)
		shared = shared->next;
	if (!shared) {
		shared = calloc(1, sizeof(*shared));
		if (shared) {
			shared->db = session->db;
			shared->next = databases;
			databases = shared;
		}
	}
	if (shared)
		shared->sessions++;
	session->sequences.shared = shared;
	pthread_mutex_unlock(&lock);
	return shared ? DRIFT_OK : DRIFT_NOMEM;
}

/* The numbers that were not used are the sequence's again, if it is where it was. */
static void give_back(struct query_session *session, const struct run *run)
{
	struct drift_view view = drift_view_live(session->db);
	const struct table_def *def = drift_table_by_id(view, run->id);
	struct sequence_state state;
	drift_seq seq;

	if (!def || run->left == 0 || sequence_read(view, def, &state, NULL) ||
	    state.seq != run->seq)
		return;
	state.last = run->value - run->increment;
	(void)!commit_state(session, def, &state, DRIFT_DURABLE_LATER, &seq, NULL);
}

void sequence_close(struct query_session *session)
{
	struct sequences_of *shared = session->sequences.shared;
	struct sequences_of **at = &databases;
	struct run *next;

	free(session->sequences.list);
	if (!shared)
		return;
	pthread_mutex_lock(&lock);
	if (--shared->sessions == 0) {
		while (*at != shared)
			at = &(*at)->next;
		*at = shared->next;
		for (struct run *run = shared->list; run; run = next) {
			next = run->next;
			give_back(session, run);
			free(run);
		}
		free(shared);
	}
	pthread_mutex_unlock(&lock);
}

void sequence_is_settled(struct query_session *session)
{
	struct sequence_memory *memory = &session->sequences;

	if (!memory->unsettled)
		return;
	pthread_mutex_lock(&lock);
	if (memory->shared->settled < memory->unsettled)
		memory->shared->settled = memory->unsettled;
	pthread_mutex_unlock(&lock);
	memory->unsettled = 0;
}

enum drift_err sequence_settle(struct query_session *session,
			       struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (session->sequences.unsettled)
		err = drift_sync(session->db);
	if (!err)
		sequence_is_settled(session);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- Taking ------------------------------------------------------------------ */

static enum drift_err remember(struct sequence_memory *memory, uint32_t id,
			       int64_t value)
{
	struct sequence_last *list;
	unsigned i = 0;

	while (i < memory->count && memory->list[i].id != id)
		i++;
	if (i == memory->count) {
		list = realloc(memory->list, (i + 1) * sizeof(*list));
		if (!list)
			return DRIFT_NOMEM;
		memory->list = list;
		memory->count++;
	}
	memory->list[i] = (struct sequence_last){ id, value };
	memory->last = id;
	return DRIFT_OK;
}

static struct run *get_run(struct sequences_of *shared, uint32_t id)
{
	struct run *run = shared->list;

	while (run && run->id != id)
		run = run->next;
	if (run)
		return run;
	run = calloc(1, sizeof(*run));
	if (!run)
		return NULL;
	run->id = id;
	run->next = shared->list;
	shared->list = run;
	return run;
}

/* Take a new run: the log has it before anybody has a number of it. */
static enum drift_err take_run(struct query_session *session,
			       const struct table_def *def,
			       struct sequence_state *state, struct run *run,
			       struct drift_error *error)
{
	struct sequence_memory *memory = &session->sequences;
	unsigned doublings =
		memory->runs < RUN_DOUBLINGS_MAX ? memory->runs : RUN_DOUBLINGS_MAX;
	enum drift_err err = step(state, &run->value);

	run->left = 0;
	if (err)
		return fail_end(def, state, error);
	run->left = run_length(state, run->value, (int64_t)1 << doublings);
	run->increment = state->increment;
	state->last = run->value + (run->left - 1) * run->increment;
	state->called = true;
	err = commit_state(session, def, state, DRIFT_DURABLE_LATER, &run->seq,
			   error);
	if (err)
		run->left = 0;
	memory->runs++;
	run->number = ++memory->shared->runs;
	return err;
}

static enum drift_err next_shared(struct query_session *session,
				  const struct table_def *def, int64_t *value,
				  struct drift_error *error)
{
	struct sequence_memory *memory = &session->sequences;
	struct sequence_state state;
	struct run *run;
	enum drift_err err;

	pthread_mutex_lock(&lock);
	run = get_run(memory->shared, def->id);
	err = run ? sequence_read(drift_view_live(session->db), def, &state, error)
		  : DRIFT_NOMEM;
	if (!err && (run->left == 0 || run->seq != state.seq))
		err = take_run(session, def, &state, run, error);
	if (!err) {
		*value = run->value;
		if (--run->left > 0)
			run->value += run->increment;
		if (run->number > memory->shared->settled &&
		    run->number > memory->unsettled)
			memory->unsettled = run->number;
	}
	pthread_mutex_unlock(&lock);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* A sequence that this very transaction made is nobody else's yet. */
static enum drift_err next_own(struct query_session *session,
			       const struct table_def *def, int64_t *value,
			       struct drift_error *error)
{
	struct sequence_state state;
	struct drift_txn *txn;
	enum drift_err err =
		sequence_read(transaction_present(session), def, &state, error);

	if (!err && step(&state, value))
		err = fail_end(def, &state, error);
	state.last = *value;
	state.called = true;
	if (!err)
		err = transaction_write(session, &txn, error);
	return err ? err : sequence_put(txn, def, &state, error);
}

static bool is_committed(const struct query_session *session,
			 const struct table_def *def)
{
	const struct table_def *there =
		drift_table_by_id(drift_view_live(session->db), def->id);

	return there && there->sequence;
}

/* Views of the past do not advance. */
static enum drift_err may_advance(const struct query_session *session,
				  const char *call, struct drift_error *error)
{
	if (transaction_may_write(session, NULL) ||
	    session->view.seq < transaction_present(session).seq)
		return drift_fail(error, DRIFT_READ_ONLY,
				  "cannot execute %s() in a read-only transaction",
				  call);
	return DRIFT_OK;
}

enum drift_err sequence_next(struct query_session *session,
			     const struct table_def *def, int64_t *value,
			     struct drift_error *error)
{
	enum drift_err err = may_advance(session, "nextval", error);

	if (err)
		return err;
	err = is_committed(session, def) ? next_shared(session, def, value, error)
					 : next_own(session, def, value, error);
	return err ? err : remember(&session->sequences, def->id, *value);
}

enum drift_err sequence_set(struct query_session *session,
			    const struct table_def *def,
			    const struct sequence_state *state,
			    struct drift_error *error)
{
	struct drift_txn *txn;
	struct run *run;
	drift_seq seq;
	enum drift_err err = may_advance(session, "setval", error);

	if (err)
		return err;
	if (!is_committed(session, def)) {
		err = transaction_write(session, &txn, error);
		return err ? err : sequence_put(txn, def, state, error);
	}
	pthread_mutex_lock(&lock);
	run = get_run(session->sequences.shared, def->id);
	if (run)
		run->left = 0;
	err = commit_state(session, def, state, DRIFT_DURABLE, &seq, error);
	pthread_mutex_unlock(&lock);
	return err;
}
