/* SPDX-License-Identifier: MIT */
#include "fs/account.h"
#include "fs/node.h"
#include "fs/scratch.h"
#include "tests/unit/cmocka_test.h"

static const struct identity root = { .kind = NODE_ROOT, .seq = SEQ_LIVE };

static struct identity row_of(const char *key)
{
	return (struct identity){ .kind = NODE_ROW,
				  .table_id = 7,
				  .seq = SEQ_LIVE,
				  .key = slice_str(key) };
}

static int begin(void **state)
{
	static struct nodes nodes;

	*state = &nodes;
	return nodes_init(&nodes, &root) != DRIFT_OK;
}

static int end(void **state)
{
	nodes_release(*state);
	return 0;
}

static struct node *get(struct nodes *nodes, const char *key)
{
	struct identity identity = row_of(key);
	struct node *node = node_get(nodes, &identity);

	assert_non_null(node);
	return node;
}

static fuse_ino_t known(struct nodes *nodes, const char *key)
{
	struct identity identity = row_of(key);

	return node_known(nodes, &identity, 0);
}

static void move(struct nodes *nodes, const char *from, const char *to)
{
	struct identity source = row_of(from), target = row_of(to);
	struct identity_box *box = node_box_new(&target);

	assert_non_null(box);
	node_move(nodes, &source, box, NULL);
}

static void the_root_is_number_one(void **state)
{
	struct nodes *nodes = *state;

	assert_int_equal(node_number(nodes, nodes->root), FUSE_ROOT_ID);
	assert_ptr_equal(node_of(nodes, FUSE_ROOT_ID), nodes->root);
	assert_int_equal(node_known(nodes, &root, 0), FUSE_ROOT_ID);
	node_forget(nodes, nodes->root, 1000);
	assert_int_equal(node_known(nodes, &root, 0), FUSE_ROOT_ID);
}

static void one_identity_has_one_node_until_all_references_are_back(void **state)
{
	struct nodes *nodes = *state;
	struct node *node = get(nodes, "a");

	assert_ptr_equal(get(nodes, "a"), node);
	assert_ptr_not_equal(get(nodes, "b"), node);
	assert_int_equal(known(nodes, "a"), node_number(nodes, node));
	node_forget(nodes, node, 1);
	assert_int_equal(known(nodes, "a"), node_number(nodes, node));
	node_forget(nodes, node, 1);
	assert_int_equal(known(nodes, "a"), 0);
	assert_int_not_equal(known(nodes, "b"), 0);
}

static void identities_differ_in_each_field(void **state)
{
	struct identity a = row_of("a"), b = a;

	(void)state;
	assert_true(identity_equal(&a, &b));
	b.seq = 5;
	assert_false(identity_equal(&a, &b));
	b = a;
	b.table_id = 8;
	assert_false(identity_equal(&a, &b));
	b = a;
	b.kind = NODE_VERSION;
	assert_false(identity_equal(&a, &b));
	assert_int_equal(identity_ino(&b, 12), 12);
	assert_int_not_equal(identity_ino(&a, 12), identity_ino(&b, 12));
	assert_int_not_equal(identity_ino(&a, 0), identity_ino(&b, 0));
}

static void a_move_keeps_the_number(void **state)
{
	struct nodes *nodes = *state;
	struct node *node = get(nodes, "a");
	const struct identity *before = node_identity(node);

	move(nodes, "a", "b");
	assert_int_equal(known(nodes, "a"), 0);
	assert_int_equal(known(nodes, "b"), node_number(nodes, node));
	assert_true(slice_equal(node_identity(node)->key, slice_str("b")));
	/* A handler that began before goes on with what it had. */
	assert_true(slice_equal(before->key, slice_str("a")));
	node_forget(nodes, node, 1);
	assert_int_equal(known(nodes, "b"), 0);
}

static void a_node_that_is_replaced_lives_until_it_is_forgotten(void **state)
{
	struct nodes *nodes = *state;
	struct node *a = get(nodes, "a"), *b = get(nodes, "b");

	move(nodes, "a", "b");
	assert_int_equal(known(nodes, "b"), node_number(nodes, a));
	assert_true(slice_equal(node_identity(b)->key, slice_str("b")));
	node_forget(nodes, b, 1);
	assert_int_equal(known(nodes, "b"), node_number(nodes, a));
	move(nodes, "nobody", "b");
	assert_int_equal(known(nodes, "b"), 0);
	node_forget(nodes, a, 1);
}

static void count_one(void *arg, const struct identity *identity, fuse_ino_t number)
{
	(void)identity, (void)number;
	++*(size_t *)arg;
}

static void a_hundred_thousand_are_found_and_forgotten(void **state)
{
	enum { COUNT = 100000 };
	struct nodes *nodes = *state;
	struct node **all = calloc(COUNT, sizeof(struct node *));
	size_t seen = 0;
	char key[16];

	assert_non_null(all);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		all[i] = get(nodes, key);
	}
	nodes_each(nodes, count_one, &seen);
	assert_int_equal(seen, COUNT + 1);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(known(nodes, key), node_number(nodes, all[i]));
		node_forget(nodes, all[i], 1);
	}
	assert_int_equal(nodes->count, 1);
	free(all);
}

/* Of few it is not worth a word. */
static void who_forgets_very_many_is_told_once(void **state)
{
	enum { MANY = 200000 };
	static struct node *held[MANY];
	struct nodes *nodes = *state;
	unsigned told = 0, told_at = 0;
	char key[16];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%u", i);
		held[i] = get(nodes, key);
	}
	assert_true(nodes->bucket_count >= MANY);
	for (unsigned i = 0; i < MANY; i++)
		if (node_forget(nodes, held[i], 1)) {
			told++;
			told_at = i;
		}
	assert_int_equal(told, 1);
	assert_in_range(told_at, MANY / 8 * 7, MANY / 8 * 7 + 2);
	assert_true(nodes->bucket_count <= MANY);
	assert_int_equal(nodes_count(nodes), 1);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%u", i);
		held[i] = get(nodes, key);
		assert_int_equal(known(nodes, key), node_number(nodes, held[i]));
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_false(node_forget(nodes, held[i], 1));
}

static void a_scratch_file_lives_as_long_as_somebody_holds_it(void **state)
{
	struct accounts accounts;
	struct scratches scratches;
	struct nodes *nodes = *state;
	struct node *node = get(nodes, "s");
	struct scratch *scratch;
	drift_time_ns modified;
	bool made;

	accounts_init(&accounts, 1);
	scratches_init(&scratches);
	assert_int_equal(scratch_make(&scratches, account_of(&accounts, 0), 7,
				      slice_str("x"), 1, &scratch, &made),
			 DRIFT_OK);
	assert_true(made);
	assert_int_equal(scratch_write(scratch, 10, slice_str("text"), 2), DRIFT_OK);
	node_set_scratch(nodes, node, scratch);
	scratch = scratch_find(&scratches, 7, slice_str("x"));
	assert_int_equal(scratch_rename(&scratches, scratch, 7, slice_str("y")),
			 DRIFT_OK);
	assert_null(scratch_find(&scratches, 7, slice_str("x")));
	scratch_unlink(&scratches, scratch);
	scratch_drop(scratch);
	assert_null(scratch_find(&scratches, 7, slice_str("y")));
	scratch = node_scratch(nodes, node);
	assert_int_equal(scratch_size(scratch, &modified), 14);
	assert_int_equal(modified, 2);
	scratch_drop(scratch);
	assert_int_equal(accounts.held[HOLD_SCRATCH], 14);
	node_forget(nodes, node, 1);
	assert_int_equal(accounts.held[HOLD_SCRATCH], 0);
	scratches_release(&scratches);
	accounts_release(&accounts);
}

static struct scratch *make_scratch(struct scratches *scratches,
				    struct account *account, const char *name)
{
	struct scratch *scratch;
	bool made;

	assert_int_equal(scratch_make(scratches, account, 7, slice_str(name), 1,
				      &scratch, &made),
			 DRIFT_OK);
	assert_true(made);
	return scratch;
}

static void scratch_files_are_bounded_by_user(void **state)
{
	const off_t most = (off_t)64 << 20;
	struct accounts accounts;
	struct scratches scratches;
	struct scratch *a, *b, *other;

	(void)state;
	accounts_init(&accounts, 1);
	scratches_init(&scratches);
	a = make_scratch(&scratches, account_of(&accounts, 1), "a");
	b = make_scratch(&scratches, account_of(&accounts, 1), "b");
	other = make_scratch(&scratches, account_of(&accounts, 257), "c");
	assert_int_equal(scratch_truncate(a, most - 1, 1), DRIFT_OK);
	assert_int_equal(scratch_truncate(b, 2, 1), DRIFT_LIMIT);
	assert_int_equal(scratch_truncate(b, 1, 1), DRIFT_OK);
	assert_int_equal(scratch_truncate(other, most, 1), DRIFT_OK);
	assert_int_equal(scratch_truncate(a, 0, 1), DRIFT_OK);
	assert_int_equal(scratch_truncate(b, 2, 1), DRIFT_OK);
	scratch_drop(a);
	scratch_drop(b);
	scratch_drop(other);
	scratches_release(&scratches);
	assert_int_equal(accounts.held[HOLD_SCRATCH], 0);
	assert_int_equal(accounts.held[HOLD_SCRATCHES], 0);
	accounts_release(&accounts);
}

#define NODE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(the_root_is_number_one),
		NODE_TEST(one_identity_has_one_node_until_all_references_are_back),
		cmocka_unit_test(identities_differ_in_each_field),
		NODE_TEST(a_move_keeps_the_number),
		NODE_TEST(a_node_that_is_replaced_lives_until_it_is_forgotten),
		NODE_TEST(a_hundred_thousand_are_found_and_forgotten),
		NODE_TEST(who_forgets_very_many_is_told_once),
		NODE_TEST(a_scratch_file_lives_as_long_as_somebody_holds_it),
		cmocka_unit_test(scratch_files_are_bounded_by_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
