/* SPDX-License-Identifier: MIT */
/* A fault in a copy out of a map is that copy's answer, and no other fault is. */
#include "engine/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/thread.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/own_faults.h"

#define PAGES 4

static size_t page;

/* A map of PAGES pages of a file that has only the first `there`. */
static char *map_of_a_file_cut_off(unsigned there)
{
	char path[] = "/tmp/driftfs-test-XXXXXX";
	int fd = mkstemp(path);
	char *map;

	page = (size_t)sysconf(_SC_PAGESIZE);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(fd, (off_t)(PAGES * page)), 0);
	assert_int_equal(pwrite(fd, "first", 5, 0), 5);
	map = mmap(NULL, PAGES * page, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(ftruncate(fd, (off_t)(there * page)), 0);
	close(fd);
	return map;
}

static void test_a_page_that_is_not_there_is_an_answer(void **state)
{
	char *map = map_of_a_file_cut_off(1);
	char to[64];

	(void)state;
	own_faults_take();
	for (int i = 0; i < 3; i++) {
		assert_true(fault_copy(to, map, 5));
		assert_memory_equal(to, "first", 5);
		assert_false(fault_copy(to, map + page, sizeof(to)));
		/* Over the edge, too. */
		assert_false(fault_copy(to, map + page - 8, sizeof(to)));
		assert_false(fault_copy(to, map + PAGES * page - 1, 1));
	}
	munmap(map, PAGES * page);
}

static void *copy_again_and_again(void *arg)
{
	char *map = arg;
	char to[64];

	for (int i = 0; i < 2000; i++) {
		assert_false(fault_copy(to, map + page, sizeof(to)));
		assert_true(fault_copy(to, map, sizeof(to)));
		assert_memory_equal(to, "first", 5);
	}
	return NULL;
}

static void test_each_thread_has_its_own_faults(void **state)
{
	char *map = map_of_a_file_cut_off(1);
	pthread_t threads[4];

	(void)state;
	own_faults_take();
	for (int i = 0; i < 4; i++)
		assert_true(thread_start(&threads[i], copy_again_and_again, map));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	munmap(map, PAGES * page);
}

/* How a child ends that touches what is not there, after a copy of it failed. */
static int end_of_a_child(void (*claim)(uintptr_t address))
{
	char *map = map_of_a_file_cut_off(1);
	char to[8];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (dup2(open("/dev/null", O_WRONLY), 2) < 0)
			_exit(100);
		if (claim ? !fault_watch(claim) : !fault_prepare())
			_exit(101);
		if (fault_copy(to, map + page, sizeof(to)))
			_exit(102);
		_exit(((volatile char *)map)[2 * page]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	munmap(map, PAGES * page);
	return status;
}

static void test_a_fault_of_nobody_ends_the_process(void **state)
{
	int status;

	(void)state;
	own_faults_take();
	status = end_of_a_child(NULL);
	/* A sanitizer's own handler, which was there before, ends it with a status. */
	assert_true(WIFSIGNALED(status)
			    ? WTERMSIG(status) == SIGBUS
			    : WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 66);
}

static void end_with_7(uintptr_t address)
{
	if (address)
		_exit(7);
}

static void test_who_watches_is_told_of_what_is_no_copy(void **state)
{
	int status;

	(void)state;
	own_faults_take();
	status = end_of_a_child(end_with_7);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_that_is_not_there_is_an_answer),
		cmocka_unit_test(test_each_thread_has_its_own_faults),
		cmocka_unit_test(test_a_fault_of_nobody_ends_the_process),
		cmocka_unit_test(test_who_watches_is_told_of_what_is_no_copy),
	};

	if (!own_faults_prepare())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
