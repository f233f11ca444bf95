/* SPDX-License-Identifier: MIT */
/* A log copied while it is written: cp takes it page by page, so that an older state of
 * one page may stand before a newer one of the next. Such a copy opens with what was
 * whole before it began; the same bytes in the file itself are damage. */
#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

#define ROWS 400
#define PAGE 4096

static const char segment[] = "log/00000000000000000001.seg";

/* ROWS transactions; what cp took of page 2 ends in room. */
static void write_torn(struct scratch *s)
{
	char id[16];

	scratch_init(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	for (int i = 0; i < ROWS; i++) {
		snprintf(id, sizeof(id), "k%d", i);
		assert_int_equal(scratch_put(s, id, i, 0), DRIFT_OK);
	}
	scratch_close(s);
	scratch_shell(s, "rm -r index");
}

static void overwrite(struct scratch *s, off_t at, size_t size, char byte)
{
	char path[128], bytes[PAGE];
	FILE *file;

	memset(bytes, byte, sizeof(bytes));
	snprintf(path, sizeof(path), "%s/%s", s->dir, segment);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void tear(struct scratch *s)
{
	overwrite(s, 3 * PAGE - 1500, 1500, 0);
}

static void copy(struct scratch *s)
{
	scratch_shell(s, "cp -a log copied && rm -r log && mv copied log");
}

static void test_a_torn_copy_opens_with_what_came_before(void **state)
{
	struct scratch s;
	drift_seq head;

	(void)state;
	write_torn(&s);
	copy(&s);
	tear(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_non_null(strstr(s.said, "copied while it was written"));
	head = drift_head(s.db);
	assert_in_range(head, 20, ROWS - 20);
	/* What comes next goes into a segment of its own. */
	assert_int_equal(scratch_put(&s, "next", 1, 0), DRIFT_OK);
	assert_int_equal(drift_head(s.db), head + 1);
	scratch_close(&s);
	scratch_shell(&s, "[ $(ls log/*.seg | wc -l) = 2 ]");
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_head(s.db), head + 1);
	scratch_remove(&s);
}

static void test_the_same_bytes_in_the_file_itself_are_damage(void **state)
{
	struct scratch s;

	(void)state;
	write_torn(&s);
	tear(&s);
	assert_int_equal(scratch_open(&s), DRIFT_CORRUPT);
	scratch_remove(&s);
}

static void test_other_damage_in_a_copy_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	write_torn(&s);
	copy(&s);
	overwrite(&s, 3 * PAGE - 1500, 1, '!');
	assert_int_equal(scratch_open(&s), DRIFT_CORRUPT);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_torn_copy_opens_with_what_came_before),
		cmocka_unit_test(test_the_same_bytes_in_the_file_itself_are_damage),
		cmocka_unit_test(test_other_damage_in_a_copy_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
