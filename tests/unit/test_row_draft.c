/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "fs/row_draft.h"
#include "query/query.h"
#include "tests/unit/cmocka_test.h"

struct bench {
	char dir[64];
	struct tree tree;
	const struct table_def *def;
	struct buf key;
};

static void quiet(void *arg, const char *line)
{
	(void)arg, (void)line;
}

static void make_table(struct bench *bench)
{
	struct table_def *def = query_document_table("t", "id");
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(bench->tree.db, DRIFT_SEQ_MAX, NULL, &txn),
			 0);
	assert_int_equal(drift_txn_define(txn, def, NULL), DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	table_def_free(def);
	bench->def = drift_table(drift_view_live(bench->tree.db), slice_str("t"));
	key_add_text(&bench->key, slice_str("a"));
}

static int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct drift_options options = { .report = quiet };

	assert_non_null(bench);
	strcpy(bench->dir, "/tmp/test_row_draft.XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	assert_int_equal(drift_init(bench->dir, NULL), DRIFT_OK);
	assert_int_equal(drift_open(bench->dir, &options, &bench->tree.db, NULL),
			 DRIFT_OK);
	bench->tree.options.row_text_max = 1000;
	accounts_init(&bench->tree.accounts, 1);
	make_table(bench);
	*state = bench;
	return 0;
}

static int end(void **state)
{
	struct bench *bench = *state;
	char command[100];

	drift_close(bench->tree.db);
	buf_release(&bench->key);
	assert_int_equal(bench->tree.accounts.held[HOLD_UNSAVED], 0);
	accounts_release(&bench->tree.accounts);
	snprintf(command, sizeof(command), "rm -r %s", bench->dir);
	assert_int_equal(system(command), 0);
	free(bench);
	return 0;
}

static void draft_begin(struct bench *bench, struct row_draft *draft, bool append,
			const char *present)
{
	struct buf text = BUF_INIT;

	*draft = (struct row_draft){
		.tree = &bench->tree,
		.account = account_of(&bench->tree.accounts, 0),
		.row = { .kind = NODE_ROW,
			 .table_id = bench->def->id,
			 .seq = SEQ_LIVE,
			 .key = buf_slice(&bench->key) },
		.append = append,
	};
	buf_add_str(&text, present);
	assert_int_equal(row_draft_begin(draft, &text), DRIFT_OK);
}

static enum drift_err put(struct row_draft *draft, const char *text, uint64_t offset)
{
	struct drift_error error = { 0 };

	return row_draft_write(draft, slice_str(text), offset, &error);
}

/* Commit the draft and read the row back as JSON. */
static void store(struct bench *bench, struct row_draft *draft, const char *wanted)
{
	struct drift_view view = drift_view_live(bench->tree.db);
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf text = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_true(draft->ready);
	assert_int_equal(drift_txn_new(bench->tree.db, DRIFT_SEQ_MAX, NULL, &txn),
			 0);
	assert_int_equal(row_draft_put(draft, view, txn, DRIFT_PUT, NULL), DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	row_draft_stored(draft);
	assert_false(draft->ready || draft->unsaved);
	assert_int_equal(drift_get(drift_view_live(bench->tree.db), bench->def->id,
				   buf_slice(&bench->key), &row),
			 DRIFT_OK);
	assert_int_equal(json_print(row.version.row, JSON_COMPACT, &text), DRIFT_OK);
	assert_string_equal(buf_cstr(&text), wanted);
	buf_release(&text);
	drift_row_release(&row);
}

static void a_document_is_ready_with_its_last_byte(void **state)
{
	const char *document = "{\"v\": [1, {\"w\": \"}\\\"\"}], \"x\": -1.5e3}";
	struct row_draft draft;

	draft_begin(*state, &draft, false, "");
	for (size_t i = 0; document[i]; i++) {
		assert_false(draft.ready);
		assert_int_equal(put(&draft, (char[]){ document[i], 0 }, i),
				 DRIFT_OK);
	}
	assert_int_equal(put(&draft, " \n", draft.text.size), DRIFT_OK);
	store(*state, &draft,
	      "{\"id\":\"a\",\"v\":[1,{\"w\":\"}\\\"\"}],\"x\":-1500.0}");
	assert_int_equal(put(&draft, "\n", draft.text.size), DRIFT_OK);
	assert_false(draft.unsaved);
	row_draft_release(&draft);
}

static void a_write_that_fails_leaves_nothing_behind(void **state)
{
	struct row_draft draft;

	draft_begin(*state, &draft, false, "");
	assert_int_equal(put(&draft, "{\"v\":", 0), DRIFT_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(put(&draft, " oops}", 5), DRIFT_BAD_JSON);
	assert_int_equal(put(&draft, "1,\"id\":\"b\"}", 5), DRIFT_BAD_KEY);
	assert_int_equal(put(&draft, "1,\"v\":2}", 5), DRIFT_BAD_JSON);
	assert_int_equal(draft.text.size, 5);
	assert_int_equal(put(&draft, "1}", 5), DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"v\":1}");
	assert_int_equal(put(&draft, "{}", draft.text.size), DRIFT_BAD_JSON);
	row_draft_release(&draft);
}

static void what_is_too_large_is_refused_and_let_go(void **state)
{
	struct bench *bench = *state;
	struct row_draft draft;
	char text[1100];

	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[sizeof(text) - 1] = '\0';
	draft_begin(bench, &draft, false, "");
	assert_int_equal(put(&draft, text, 0), DRIFT_TOO_BIG);
	assert_int_equal(bench->tree.accounts.held[HOLD_UNSAVED], 0);
	assert_int_equal(put(&draft, "{", 1u << 30), DRIFT_TOO_BIG);
	assert_int_equal(put(&draft, "{}", 0), DRIFT_OK);
	store(bench, &draft, "{\"id\":\"a\"}");
	row_draft_release(&draft);
}

/* A large write is cut short where it became too large, and there are programs that go
 * on behind it as if nothing had been. */
static void what_follows_a_text_that_was_let_go_is_refused(void **state)
{
	static const char filler[] = "                                        ";
	struct bench *bench = *state;
	struct row_draft draft;
	uint64_t offset = 1;

	for (int append = 0; append < 2; append++) {
		draft_begin(bench, &draft, append, append ? "{\"v\":1}" : "");
		assert_int_equal(put(&draft, "{", 0), DRIFT_OK);
		for (; offset + strlen(filler) <= 1000; offset += strlen(filler))
			assert_int_equal(put(&draft, filler, offset), DRIFT_OK);
		assert_int_equal(put(&draft, filler, offset), DRIFT_TOO_BIG);
		assert_int_equal(put(&draft, "}", offset), DRIFT_TOO_BIG);
		assert_int_equal(put(&draft, "\n", 1), DRIFT_TOO_BIG);
		assert_int_equal(row_draft_truncate(&draft, 5), DRIFT_TOO_BIG);
		assert_int_equal(bench->tree.accounts.held[HOLD_UNSAVED], 0);
		assert_false(draft.ready);
		/* It begins anew. */
		assert_int_equal(row_draft_truncate(&draft, 0), DRIFT_OK);
		assert_int_equal(put(&draft, "{\"v\":2}", 0), DRIFT_OK);
		store(bench, &draft, "{\"id\":\"a\",\"v\":2}");
		row_draft_release(&draft);
		offset = 1;
	}
}

static void unsaved_bytes_of_a_user_are_bounded(void **state)
{
	enum { DRAFTS = 5 };
	struct bench *bench = *state;
	struct row_draft drafts[DRAFTS];

	bench->tree.options.row_text_max = 16 << 20;
	for (int i = 0; i < DRAFTS; i++) {
		draft_begin(bench, &drafts[i], false, "");
		assert_int_equal(row_draft_truncate(&drafts[i], 16 << 20),
				 i < 4 ? DRIFT_OK : DRIFT_LIMIT);
	}
	row_draft_release(&drafts[4]);
	drafts[4].account = account_of(&bench->tree.accounts, 1);
	assert_int_equal(row_draft_truncate(&drafts[4], 16 << 20), DRIFT_OK);
	for (int i = 0; i < DRAFTS; i++)
		row_draft_release(&drafts[i]);
	assert_int_equal(bench->tree.accounts.held[HOLD_UNSAVED], 0);
}

static void bytes_in_any_order_are_judged_as_a_whole(void **state)
{
	struct drift_error error = { 0 };
	struct row_draft draft;

	draft_begin(*state, &draft, false, "{\"v\": 1}\n");
	assert_int_equal(row_draft_judge(&draft, &error), DRIFT_OK);
	assert_false(draft.unsaved);
	assert_int_equal(put(&draft, "25}\n\n", 6), DRIFT_OK);
	assert_false(draft.ready);
	assert_int_equal(row_draft_judge(&draft, &error), DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"v\":25}");
	assert_int_equal(put(&draft, "x", 0), DRIFT_OK);
	assert_int_equal(row_draft_judge(&draft, &error), DRIFT_BAD_JSON);
	assert_int_equal(error.position, 1);
	assert_int_equal(row_draft_truncate(&draft, 0), DRIFT_OK);
	assert_int_equal(put(&draft, "{\"v\":3}", 0), DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"v\":3}");
	row_draft_release(&draft);
}

static void what_is_appended_is_a_patch_at_whatever_offset(void **state)
{
	struct row_draft draft;

	draft_begin(*state, &draft, false, "");
	assert_int_equal(put(&draft, "{\"v\":1,\"w\":{\"x\":1,\"y\":2}}", 0),
			 DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"v\":1,\"w\":{\"x\":1,\"y\":2}}");
	row_draft_release(&draft);
	draft_begin(*state, &draft, true, "the text as it was");
	assert_int_equal(put(&draft, "{\"w\":{\"x\":nu", 3), DRIFT_OK);
	assert_false(draft.ready);
	assert_int_equal(put(&draft, "ll},\"z\":0}\n", 999), DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"v\":1,\"w\":{\"y\":2},\"z\":0}");
	assert_int_equal(put(&draft, "{\"id\":\"b\"}", 0), DRIFT_BAD_KEY);
	assert_int_equal(put(&draft, "{\"v\":null}", 0), DRIFT_OK);
	store(*state, &draft, "{\"id\":\"a\",\"w\":{\"y\":2},\"z\":0}");
	row_draft_release(&draft);
}

#define DRAFT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DRAFT_TEST(a_document_is_ready_with_its_last_byte),
		DRAFT_TEST(a_write_that_fails_leaves_nothing_behind),
		DRAFT_TEST(what_is_too_large_is_refused_and_let_go),
		DRAFT_TEST(what_follows_a_text_that_was_let_go_is_refused),
		DRAFT_TEST(unsaved_bytes_of_a_user_are_bounded),
		DRAFT_TEST(bytes_in_any_order_are_judged_as_a_whole),
		DRAFT_TEST(what_is_appended_is_a_patch_at_whatever_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
