/* SPDX-License-Identifier: MIT */
/* test_crafted_file.c - files in log/ that are no segments: links, pipes, devices, another
 * database's, sparse terabytes, names that no segment has. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/crafted_site.h"

static void segment_of_another_database(const struct site *site)
{
	struct buf format = BUF_INIT;
	char path[128];

	snprintf(path, sizeof(path), "%s/FORMAT", site->dir);
	read_file(path, &format);
	format.data[format.size - 2] =
		format.data[format.size - 2] == '0' ? '1' : '0';
	write_file(path, &format);
	buf_release(&format);
}

static void replace(const struct site *site, drift_seq seq, const char *by)
{
	char path[128];

	segment_path(site, seq, path);
	run("mv %s %s/elsewhere", path, site->cage);
	run(by, path);
}

static void segment_is_a_symbolic_link(const struct site *site)
{
	replace(site, site->newest, "ln -s ../../elsewhere %s");
}

static void sealed_segment_is_a_symbolic_link(const struct site *site)
{
	replace(site, 1, "ln -s ../../elsewhere %s");
}

static void segment_is_a_pipe(const struct site *site)
{
	replace(site, site->newest, "mkfifo %s");
}

static void sealed_segment_is_a_pipe(const struct site *site)
{
	replace(site, 1, "mkfifo %s");
}

static void segment_is_a_directory(const struct site *site)
{
	replace(site, site->newest, "mkdir %s");
}

static void segment_is_a_device(const struct site *site)
{
	/* Who may make none here gets a pipe. */
	replace(site, site->newest,
		"p=%s; mknod \"$p\" c 1 5 2>/dev/null || mkfifo \"$p\"");
}

static void segment_has_two_names(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("ln %s %s/elsewhere", path, site->cage);
}

static void log_is_a_symbolic_link(const struct site *site)
{
	run("mv %s/log %s/elsewhere && ln -s ../elsewhere %s/log", site->dir,
	    site->cage, site->dir);
}

static void newest_segment_of_1_tib(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("truncate -s 1T %s", path);
}

static void newest_segment_with_room_of_900_mib(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("truncate -s 900M %s", path);
}

static void packed_segment_of_1_tib(const struct site *site)
{
	char path[128];

	segment_path(site, 1, path);
	run("truncate -s 1T %s", path);
}

/* Zeros follow where none belong. */
static void plain_sealed_segment_of_1_tib(const struct site *site)
{
	struct buf plain = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	plain_segment(path, &plain);
	write_file(path, &plain);
	run("truncate -s 1T %s", path);
	buf_release(&plain);
}

/* Not a name that a segment has: never opened, whatever it is. */
static void names_that_no_segment_has(const struct site *site)
{
	run("cd %s/log && ln -s /etc/passwd ..%%2F..%%2Fpasswd.seg && mkfifo "
	    "0000000000000000000x.seg 1.seg ...seg 000000000000000000001.seg",
	    site->dir);
}

static void what_is_no_segment_is_refused(void **state)
{
	static const struct craft crafts[] = {
		REFUSED(segment_of_another_database),
		REFUSED(segment_is_a_symbolic_link),
		REFUSED(sealed_segment_is_a_symbolic_link),
		REFUSED(segment_is_a_pipe),
		REFUSED(sealed_segment_is_a_pipe),
		REFUSED(segment_is_a_directory),
		REFUSED(segment_is_a_device),
		REFUSED(segment_has_two_names),
		REFUSED(log_is_a_symbolic_link),
		REFUSED(newest_segment_of_1_tib),
		CRAFT(newest_segment_with_room_of_900_mib, DRIFT_OK, DRIFT_OK),
		REFUSED(packed_segment_of_1_tib),
		REFUSED(plain_sealed_segment_of_1_tib),
		CRAFT(names_that_no_segment_has, DRIFT_OK, DRIFT_OK),
	};

	CHECK_ALL(*state, crafts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_segment_is_refused),
	};

	return cmocka_run_group_tests(tests, build_site, remove_site);
}
