/* SPDX-License-Identifier: MIT */
/* result.c - query sessions and the part of their answer that is at hand.
 *
 * The text is a window on the answer: it begins at `from` and grows as the
 * printer runs; once it is larger than what is kept, what was read goes. */
#include "fs/result.h"

#include <stdlib.h>

#define RESULTS_MAX 64                       /* kept for later readers */
#define PRINT_BYTES ((size_t)64 << 10)       /* asked of the printer at a time */
#define SCRIPT_ANSWER_MAX ((size_t)64 << 20) /* of a script that writes */

struct result {
	struct result *next; /* kept; by results->lock */
	atomic_uint holds;
	struct result_key key;
	bool messages;
	struct accounts *accounts;
	struct account *account;
	pthread_mutex_t session_lock; /* held to interrupt or to close it */
	struct query_session *session;
	pthread_mutex_t lock; /* of all that follows; held while it computes */
	struct query_printer *printer;
	struct buf text;
	size_t warnings; /* bytes of it */
	size_t held;     /* bytes of it on the account */
	uint64_t from;
	bool ended;
	bool sealed;
};

static bool key_equal(const struct result_key *a, const struct result_key *b)
{
	return a->uid == b->uid && a->session == b->session && a->seq == b->seq &&
	       a->format == b->format;
}

static enum drift_err take_session(struct result *result, struct drift_error *error)
{
	if (!result->account)
		return DRIFT_NOMEM;
	return account_take(result->account, HOLD_SESSIONS, 1)
		       ? account_explain(result->accounts, HOLD_SESSIONS, error)
		       : DRIFT_OK;
}

/* Among the answers, where what statements did is said, too. */
static void add_warning(void *arg, const struct drift_error *warning)
{
	struct result *result = arg;
	size_t before = result->text.size;

	if (result->messages)
		query_print_warning(warning, &result->text);
	result->warnings += result->text.size - before;
}

enum drift_err result_new(struct drift_db *db, struct accounts *accounts,
			  const struct result_key *key, const char *user,
			  bool messages, struct result **out,
			  struct drift_error *error)
{
	struct query_options options = { .user = user, .client = "fs query" };
	struct result *result = calloc(1, sizeof(*result));
	struct query_session *session = NULL;
	enum drift_err err;

	if (!result)
		return DRIFT_NOMEM;
	options.pinned = key->seq != SEQ_LIVE;
	options.as_of = options.pinned ? key->seq : 0;
	result->accounts = accounts;
	result->account = account_of(accounts, key->uid);
	err = take_session(result, error);
	if (err) {
		free(result);
		return err;
	}
	err = query_session_open(db, &options, &session, error);
	if (err) {
		account_give(result->account, HOLD_SESSIONS, 1);
		free(result);
		return err;
	}
	result->key = *key;
	result->messages = messages;
	result->session = session;
	query_listen(session, add_warning, result);
	result->holds = 1;
	result->ended = true;
	pthread_mutex_init(&result->lock, NULL);
	pthread_mutex_init(&result->session_lock, NULL);
	*out = result;
	return DRIFT_OK;
}

struct result *result_hold(struct result *result)
{
	atomic_fetch_add(&result->holds, 1);
	return result;
}

static void close_session(struct result *result)
{
	struct query_session *session;

	query_printer_free(result->printer);
	result->printer = NULL;
	pthread_mutex_lock(&result->session_lock);
	session = result->session;
	result->session = NULL;
	pthread_mutex_unlock(&result->session_lock);
	if (session)
		account_give(result->account, HOLD_SESSIONS, 1);
	query_session_close(session);
}

void result_drop(struct result *result)
{
	if (!result || atomic_fetch_sub(&result->holds, 1) > 1)
		return;
	close_session(result);
	pthread_mutex_destroy(&result->lock);
	pthread_mutex_destroy(&result->session_lock);
	buf_release(&result->text);
	account_give(result->account, HOLD_TEXT, result->held);
	free(result);
}

bool result_seal(struct result *result)
{
	bool left_open = false;

	pthread_mutex_lock(&result->lock);
	result->sealed = true;
	if (result->session)
		left_open = query_status(result->session) != 'I';
	if (result->ended || left_open)
		close_session(result);
	result->ended |= left_open;
	pthread_mutex_unlock(&result->lock);
	return left_open;
}

void result_interrupt(struct result *result)
{
	pthread_mutex_lock(&result->session_lock);
	if (result->session)
		query_interrupt(result->session);
	pthread_mutex_unlock(&result->session_lock);
}

static void interrupted(fuse_req_t req, void *arg)
{
	(void)req;
	result_interrupt(arg);
}

/* From here on req stops what runs, and at once if it was interrupted already. A session
 * forgets its interrupts when a script starts: to be called after that. */
static void stop_with(struct result *result, fuse_req_t req)
{
	fuse_req_interrupt_func(req, interrupted, result);
}

static void stop_no_more(fuse_req_t req)
{
	fuse_req_interrupt_func(req, NULL, NULL);
}

/* ---- Running ------------------------------------------------------------ */

/* Have the text's memory on the account; less of it is there as soon as it is less. */
static enum drift_err hold_text(struct result *result, struct drift_error *error)
{
	size_t size = result->text.capacity;

	if (size > result->held &&
	    account_take(result->account, HOLD_TEXT, size - result->held))
		return account_explain(result->accounts, HOLD_TEXT, error);
	if (size < result->held)
		account_give(result->account, HOLD_TEXT, result->held - size);
	result->held = size;
	return DRIFT_OK;
}

/* Compute some more of the answer; an error ends it, with its text. */
static enum drift_err compute(struct result *result, size_t enough,
			      struct slice script, struct drift_error *error)
{
	enum drift_err err;

	err = query_printer_run(result->printer, enough, &result->text,
				&result->ended, error);
	if (!err)
		err = buf_status(&result->text);
	if (!err)
		err = hold_text(result, error);
	if (err) {
		(void)!drift_fail_code(error, err);
		query_print_error(error, script.data, script.size, &result->text);
		result->ended = true;
	}
	return err;
}

/* A script that answered no rows says what it did. */
static void add_message(struct result *result)
{
	const char *message = query_message(result->session);

	if (!result->messages || result->text.size > result->warnings || !message ||
	    !message[0])
		return;
	buf_add_str(&result->text, message);
	buf_add_char(&result->text, '\n');
}

static enum drift_err compute_all(struct result *result, struct slice script,
				  struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	while (!err && !result->ended) {
		err = compute(result, PRINT_BYTES, script, error);
		if (!err && result->text.size > SCRIPT_ANSWER_MAX)
			err = drift_fail(error, DRIFT_LIMIT,
					 "the answer of a script that writes is "
					 "limited to %zu bytes",
					 SCRIPT_ANSWER_MAX);
	}
	if (!err)
		add_message(result);
	return err;
}

/* The former answer; what is much of it is not kept for the next. */
static void forget_all(struct result *result)
{
	buf_clear(&result->text);
	result->warnings = 0;
	if (result->held <= RESULT_BYTES_KEPT)
		return;
	buf_release(&result->text);
	account_give(result->account, HOLD_TEXT, result->held);
	result->held = 0;
}

enum drift_err result_run(struct result *result, fuse_req_t req, struct slice script,
			  bool reads_only, struct drift_error *error)
{
	enum drift_err err;

	pthread_mutex_lock(&result->lock);
	forget_all(result);
	result->from = 0;
	result->ended = false;
	query_printer_free(result->printer);
	result->printer = NULL;
	err = query_start(result->session, script.data, script.size, error);
	if (!err)
		err = query_printer_new(result->session, result->key.format,
					&result->printer);
	if (err) {
		(void)!drift_fail_code(error, err);
		query_print_error(error, script.data, script.size, &result->text);
		result->ended = true;
	} else {
		stop_with(result, req);
		err = reads_only ? compute(result, 1, script, error)
				 : compute_all(result, script, error);
		stop_no_more(req);
	}
	pthread_mutex_unlock(&result->lock);
	return err;
}

/* ---- Reading ------------------------------------------------------------ */

/* What was read may go, once the answer is too large to be read again. */
static void forget_before(struct result *result, uint64_t offset)
{
	uint64_t gone = offset - result->from;

	if (result->text.size <= RESULT_BYTES_KEPT || gone == 0)
		return;
	if (gone > result->text.size)
		gone = result->text.size;
	memmove(result->text.data, result->text.data + gone,
		result->text.size - gone);
	result->text.size -= gone;
	result->from += gone;
}

static void compute_until(struct result *result, uint64_t end)
{
	struct drift_error error = { 0 };

	while (!result->ended && result->from + result->text.size < end)
		/* The answer itself ends with the error. */
		(void)!compute(result, end - result->from - result->text.size,
			       (struct slice){ "", 0 }, &error);
	if (result->ended && result->sealed)
		close_session(result);
}

enum drift_err result_read(struct result *result, fuse_req_t req, uint64_t offset,
			   size_t size, struct buf *out)
{
	enum drift_err err = DRIFT_OK;
	uint64_t end;

	pthread_mutex_lock(&result->lock);
	if (offset < result->from) {
		err = DRIFT_BAD_ARGUMENT;
	} else {
		forget_before(result, offset);
		stop_with(result, req);
		compute_until(result, offset + size);
		stop_no_more(req);
		end = result->from + result->text.size;
		if (offset < end)
			buf_add(out, result->text.data + (offset - result->from),
				end - offset < size ? end - offset : size);
		err = buf_status(out);
	}
	pthread_mutex_unlock(&result->lock);
	return err;
}

/* ---- Kept for readers --------------------------------------------------- */

void results_init(struct results *results)
{
	*results = (struct results){ 0 };
	pthread_mutex_init(&results->lock, NULL);
}

void results_release(struct results *results)
{
	while (results->first) {
		struct result *result = results->first;

		results->first = result->next;
		result_drop(result);
	}
	pthread_mutex_destroy(&results->lock);
}

/* Take out the one of that key, or the oldest when there are too many. */
static struct result *take_out(struct results *results, const struct result_key *key)
{
	struct result **at = &results->first, *found;

	while (*at && !key_equal(&(*at)->key, key) &&
	       ((*at)->next || results->count < RESULTS_MAX))
		at = &(*at)->next;
	found = *at;
	if (found) {
		*at = found->next;
		results->count--;
	}
	return found;
}

void results_keep(struct results *results, struct result *result)
{
	struct result *former;

	result_hold(result);
	pthread_mutex_lock(&results->lock);
	former = take_out(results, &result->key);
	result->next = results->first;
	results->first = result;
	results->count++;
	pthread_mutex_unlock(&results->lock);
	result_drop(former);
}

struct result *results_find(struct results *results, const struct result_key *key)
{
	struct result *result;

	pthread_mutex_lock(&results->lock);
	result = results->first;
	while (result && !key_equal(&result->key, key))
		result = result->next;
	if (result)
		result_hold(result);
	pthread_mutex_unlock(&results->lock);
	return result;
}
