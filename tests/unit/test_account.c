/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "engine/thread.h"
#include "fs/account.h"
#include "tests/unit/cmocka_test.h"

static void each_user_has_an_account_and_keeps_it(void **state)
{
	struct account *accounts_of[1000];
	struct accounts accounts;

	(void)state;
	accounts_init(&accounts, 1);
	for (uid_t uid = 0; uid < 1000; uid++)
		accounts_of[uid] = account_of(&accounts, uid * 64);
	for (uid_t uid = 0; uid < 1000; uid++) {
		assert_ptr_equal(account_of(&accounts, uid * 64), accounts_of[uid]);
		if (uid > 0)
			assert_ptr_not_equal(accounts_of[uid], accounts_of[uid - 1]);
	}
	accounts_release(&accounts);
}

static void one_user_at_his_bound_leaves_room_to_others(void **state)
{
	struct accounts accounts;
	struct account *one, *other;

	(void)state;
	accounts_init(&accounts, 10);
	one = account_of(&accounts, 1);
	other = account_of(&accounts, 1 + ACCOUNT_BUCKETS);
	for (int i = 0; i < 10; i++)
		assert_int_equal(account_take(one, HOLD_OPEN, 1), DRIFT_OK);
	assert_int_equal(account_take(one, HOLD_OPEN, 1), DRIFT_TOO_MANY_FILES);
	assert_false(account_has_room(one, HOLD_OPEN, 1));
	assert_int_equal(account_take(one, HOLD_UNSAVED, 1), DRIFT_OK);
	assert_int_equal(account_take(other, HOLD_OPEN, 10), DRIFT_OK);
	account_give(one, HOLD_OPEN, 1);
	assert_int_equal(account_take(one, HOLD_OPEN, 2), DRIFT_TOO_MANY_FILES);
	assert_int_equal(account_take(one, HOLD_OPEN, 1), DRIFT_OK);
	assert_int_equal(account_take(one, HOLD_SCRATCH, SIZE_MAX), DRIFT_LIMIT);
	assert_int_equal(accounts.held[HOLD_OPEN], 20);
	assert_int_equal(accounts.held[HOLD_SCRATCH], 0);
	accounts_release(&accounts);
}

static void so_many_users_at_their_bounds_are_the_bound_of_all(void **state)
{
	struct drift_error error = { 0 };
	struct accounts accounts;
	struct account *late;

	(void)state;
	accounts_init(&accounts, 10);
	for (uid_t uid = 0; uid < ACCOUNT_USERS; uid++)
		assert_int_equal(account_take(account_of(&accounts, uid), HOLD_OPEN,
					      10),
				 DRIFT_OK);
	late = account_of(&accounts, 99);
	assert_int_equal(account_take(late, HOLD_OPEN, 1), DRIFT_TOO_MANY_FILES);
	account_give(account_of(&accounts, 0), HOLD_OPEN, 3);
	assert_int_equal(account_take(late, HOLD_OPEN, 4), DRIFT_TOO_MANY_FILES);
	assert_int_equal(account_take(late, HOLD_OPEN, 3), DRIFT_OK);
	assert_int_equal(account_explain(&accounts, HOLD_OPEN, &error),
			 DRIFT_TOO_MANY_FILES);
	assert_string_equal(error.text, "open files and directories: 10 of one user "
					"at most, 40 of all together");
	assert_int_equal(account_explain(&accounts, HOLD_UNSAVED, &error),
			 DRIFT_LIMIT);
	assert_string_equal(error.text, "bytes written and not committed: 64 MiB of "
					"one user at most, 256 MiB of all together");
	accounts_release(&accounts);
}

static struct accounts shared;

static void *take_and_give(void *arg)
{
	for (unsigned i = 0; i < 20000; i++) {
		struct account *account =
			account_of(&shared, (uid_t)(i % 50) * ACCOUNT_BUCKETS);

		if (!account_take(account, HOLD_OPEN, 1))
			account_give(account, HOLD_OPEN, 1);
	}
	return arg;
}

static void threads_count_together(void **state)
{
	pthread_t threads[4];

	(void)state;
	accounts_init(&shared, 2);
	for (int i = 0; i < 4; i++)
		assert_true(thread_start(&threads[i], take_and_give, NULL));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.held[HOLD_OPEN], 0);
	for (uid_t i = 0; i < 50; i++)
		assert_int_equal(
			account_take(account_of(&shared, i * ACCOUNT_BUCKETS),
				     HOLD_OPEN, 3),
			DRIFT_TOO_MANY_FILES);
	accounts_release(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_user_has_an_account_and_keeps_it),
		cmocka_unit_test(one_user_at_his_bound_leaves_room_to_others),
		cmocka_unit_test(so_many_users_at_their_bounds_are_the_bound_of_all),
		cmocka_unit_test(threads_count_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
