/* SPDX-License-Identifier: MIT */
/* test_tags.c - named moments: made, moved, taken away, and kept through a reopening. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

static void open_db(struct scratch *f)
{
	if (scratch_open(f))
		fail_msg("%s", f->error.text);
}

static void reopen(struct scratch *f)
{
	scratch_close(f);
	open_db(f);
}

static int setup(void **state)
{
	struct scratch *f = calloc(1, sizeof(*f));

	scratch_init(f);
	open_db(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

static struct drift_txn *begin(struct scratch *f)
{
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	return txn;
}

static enum drift_err commit(struct drift_txn *txn)
{
	struct drift_receipt receipt;
	enum drift_err err = drift_commit(txn, DRIFT_DURABLE, &receipt);

	drift_txn_free(txn);
	return err;
}

static void put(struct drift_txn *txn, struct scratch *f, const char *id)
{
	const struct table_def *t = drift_table(drift_view_live(f->db), SLICE("t"));
	struct buf row = BUF_INIT, key = BUF_INIT;

	msg_add_map(&row, 1);
	msg_add_text(&row, SLICE("id"));
	msg_add_text(&row, slice_str(id));
	assert_int_equal(row_key(t, buf_slice(&row), &key, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_put(txn, t, buf_slice(&key), buf_slice(&row),
				       DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&row);
	buf_release(&key);
}

static enum drift_err tag(struct scratch *f, const char *name, drift_seq seq)
{
	struct drift_txn *txn = begin(f);
	enum drift_err err = drift_txn_tag(txn, slice_str(name), seq, NULL);

	if (!err)
		return commit(txn);
	drift_txn_free(txn);
	return err;
}

static drift_seq resolved(struct scratch *f, const char *name)
{
	struct moment moment = { .kind = MOMENT_TAG };
	drift_seq seq;

	snprintf(moment.tag, sizeof(moment.tag), "%s", name);
	return drift_resolve(f->db, &moment, false, &seq, NULL) ? DRIFT_SEQ_MAX
								: seq;
}

static void a_tag_names_a_moment_for_ever(void **state)
{
	struct scratch *f = *state;
	struct drift_txn *txn = begin(f);
	struct drift_tag found;

	put(txn, f, "a");
	put(txn, f, "b");
	assert_int_equal(drift_txn_tag(txn, SLICE("head"), DRIFT_SEQ_MAX, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_txn_tag(txn, SLICE("one"), 1, NULL), DRIFT_OK);
	assert_int_equal(commit(txn), DRIFT_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(resolved(f, "head"), 2);
		assert_int_equal(resolved(f, "one"), 1);
		assert_int_equal(resolved(f, "none"), DRIFT_SEQ_MAX);
		assert_int_equal(drift_tag_find(f->db, SLICE("one"), &found),
				 DRIFT_OK);
		assert_true(found.created == drift_head_time(f->db));
		if (i == 1)
			assert_int_equal(drift_fold(f->db), DRIFT_OK);
		reopen(f);
	}
}

static void tags_come_in_order_of_their_names(void **state)
{
	struct scratch *f = *state;
	static const char *const names[] = { "m", "b/c", "Z", "\xc3\xa4", "." };
	static const char *const ordered[] = { ".", "Z", "b/c", "m", "\xc3\xa4" };
	struct drift_tag found = { 0 };

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(tag(f, names[i], 0), DRIFT_OK);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(drift_tag_next(f->db, slice_str(found.name),
						&found),
				 DRIFT_OK);
		assert_string_equal(found.name, ordered[i]);
	}
	assert_int_equal(drift_tag_next(f->db, slice_str(found.name), &found),
			 DRIFT_DONE);
}

static void what_cannot_be_a_tag_is_refused(void **state)
{
	struct scratch *f = *state;
	char long_name[300];

	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = 0;
	assert_int_equal(tag(f, "", 0), DRIFT_BAD_NAME);
	assert_int_equal(tag(f, "\xff", 0), DRIFT_BAD_TEXT);
	assert_int_equal(tag(f, long_name, 0), DRIFT_NAME_TOO_LONG);
	long_name[255] = 0;
	assert_int_equal(tag(f, long_name, 0), DRIFT_OK);
	assert_int_equal(tag(f, "above", 1), DRIFT_BAD_MOMENT);
	assert_int_equal(tag(f, "zero", 0), DRIFT_OK);
	assert_int_equal(tag(f, "zero", 0), DRIFT_TAG_EXISTS);
}

static void a_tag_goes_and_gets_another_name(void **state)
{
	struct scratch *f = *state;
	struct drift_txn *txn;

	assert_int_equal(tag(f, "a", 0), DRIFT_OK);
	txn = begin(f);
	assert_int_equal(drift_txn_rename_tag(txn, SLICE("a"), SLICE("b"), NULL),
			 DRIFT_OK);
	assert_int_equal(commit(txn), DRIFT_OK);
	assert_int_equal(resolved(f, "a"), DRIFT_SEQ_MAX);
	assert_int_equal(resolved(f, "b"), 0);
	txn = begin(f);
	assert_int_equal(drift_txn_untag(txn, SLICE("b"), false, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_tag(txn, SLICE("b"), DRIFT_SEQ_MAX, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_txn_untag(txn, SLICE("b"), false, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_untag(txn, SLICE("b"), true, NULL), DRIFT_OK);
	assert_int_equal(commit(txn), DRIFT_OK);
	txn = begin(f);
	assert_int_equal(drift_txn_untag(txn, SLICE("b"), false, NULL), DRIFT_OK);
	assert_int_equal(commit(txn), DRIFT_NO_TAG);
	reopen(f);
	assert_int_equal(resolved(f, "b"), DRIFT_SEQ_MAX);
}

static void the_log_shows_tags_as_statements(void **state)
{
	struct scratch *f = *state;
	static const char *const expected[] = {
		"TAG release_1 AT @SEQ:0",
		"TAG \"if\" AT @SEQ:0",
		"TAG \"a \"\"b\"\"\" AT @SEQ:0",
		"DROP TAG \"if\"",
	};
	struct drift_txn *txn = begin(f);
	struct drift_events *events;
	struct drift_event event;

	assert_int_equal(drift_txn_tag(txn, SLICE("release_1"), 0, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_tag(txn, SLICE("if"), 0, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_tag(txn, SLICE("a \"b\""), 0, NULL), DRIFT_OK);
	assert_int_equal(drift_txn_untag(txn, SLICE("if"), false, NULL), DRIFT_OK);
	assert_int_equal(commit(txn), DRIFT_OK);
	assert_int_equal(drift_events_open(f->db, 1, DRIFT_SEQ_MAX, &events, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_events_next(events, &event, NULL), DRIFT_OK);
	assert_non_null(event.table);
	for (unsigned i = 0; i < 4; i++) {
		struct buf line = BUF_INIT;

		assert_int_equal(drift_events_next(events, &event, NULL), DRIFT_OK);
		assert_true(event.ddl);
		assert_null(event.table);
		assert_true(slice_equal(event.sql, slice_str(expected[i])));
		assert_int_equal(drift_event_print(&event, &line), DRIFT_OK);
		buf_release(&line);
	}
	assert_int_equal(drift_events_next(events, &event, NULL), DRIFT_DONE);
	drift_events_close(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tag_names_a_moment_for_ever, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tags_come_in_order_of_their_names,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_a_tag_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_tag_goes_and_gets_another_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_shows_tags_as_statements,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
