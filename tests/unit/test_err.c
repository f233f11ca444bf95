/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "engine/err.h"
#include "tests/unit/cmocka_test.h"

static void each_code_has_its_row(void **state)
{
	(void)state;
	assert_int_equal(drift_err_errno(DRIFT_OK), 0);
	assert_int_equal(drift_err_errno(DRIFT_NO_ROW), ENOENT);
	assert_int_equal(drift_err_errno(DRIFT_CONFLICT), EAGAIN);
	assert_string_equal(drift_err_sqlstate(DRIFT_KEY_EXISTS), "23505");
	assert_string_equal(drift_err_text(DRIFT_READ_ONLY), "read-only");
}

static void every_sqlstate_has_five_characters(void **state)
{
	int code;

	(void)state;
	for (code = DRIFT_OK; code <= DRIFT_INTERNAL; code++)
		assert_int_equal(strlen(drift_err_sqlstate(code)), 5);
}

static void a_code_out_of_range_is_internal(void **state)
{
	(void)state;
	assert_string_equal(drift_err_text(DRIFT_INTERNAL + 1), "internal error");
	assert_string_equal(drift_err_text((enum drift_err) - 1), "internal error");
}

static void a_text_stays_one_line(void **state)
{
	struct drift_error error = { .position = 9 };

	(void)state;
	assert_int_equal(drift_fail(&error, DRIFT_BAD_NAME, "name: \"%s\"",
				    "a\nb\x1b[2J\x7f"),
			 DRIFT_BAD_NAME);
	assert_string_equal(error.text, "name: \"a?b?[2J?\"");
	assert_int_equal(error.position, 0);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	struct drift_error error;
	char text[600];
	int lead;

	(void)state;
	for (lead = 505; lead <= 511; lead++) {
		memset(text, 'a', sizeof(text));
		memcpy(text + lead, "\xf0\x9f\x98\x80zzzz", 9);
		assert_int_equal(drift_fail(&error, DRIFT_IO, "%s", text), DRIFT_IO);
		if (lead + 4 <= 511)
			assert_non_null(strstr(error.text, "\xf0\x9f\x98\x80"));
		else
			assert_int_equal(strlen(error.text), lead);
	}
}

static void a_told_reason_is_kept(void **state)
{
	struct drift_error error = { 0 };

	(void)state;
	assert_int_equal(drift_fail_code(&error, DRIFT_NOMEM), DRIFT_NOMEM);
	assert_string_equal(error.text, "out of memory");
	assert_int_equal(drift_fail(&error, DRIFT_IO, "segment 7"), DRIFT_IO);
	assert_int_equal(drift_fail_code(&error, DRIFT_IO), DRIFT_IO);
	assert_string_equal(error.text, "segment 7");
	assert_int_equal(drift_fail_code(&error, DRIFT_FULL), DRIFT_FULL);
	assert_string_equal(error.text, "disk full");
	assert_int_equal(drift_fail(NULL, DRIFT_IO, "nobody asks"), DRIFT_IO);
	assert_int_equal(drift_fail_code(NULL, DRIFT_IO), DRIFT_IO);
}

/* A client of a running database knows a refusal by its SQLSTATE alone, and these two
 * have exit codes of their own. */
static void damage_and_newer_formats_have_their_own_sqlstates(void **state)
{
	int code;

	(void)state;
	for (code = DRIFT_OK; code <= DRIFT_INTERNAL; code++) {
		const char *text = drift_err_sqlstate((enum drift_err)code);

		if (code != DRIFT_NEWER)
			assert_string_not_equal(text,
						drift_err_sqlstate(DRIFT_NEWER));
		if (code != DRIFT_CORRUPT)
			assert_string_not_equal(text,
						drift_err_sqlstate(DRIFT_CORRUPT));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_has_its_row),
		cmocka_unit_test(every_sqlstate_has_five_characters),
		cmocka_unit_test(damage_and_newer_formats_have_their_own_sqlstates),
		cmocka_unit_test(a_code_out_of_range_is_internal),
		cmocka_unit_test(a_text_stays_one_line),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(a_told_reason_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
