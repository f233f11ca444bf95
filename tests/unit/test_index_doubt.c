/* SPDX-License-Identifier: MIT */
/* test_index_doubt.c - noise in place of the index's pages: whatever is read is right, or the
 * process has ended. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/unit/cmocka_test.h"
#include "tests/unit/rounds_db.h"

/* How many are tried, each by its seed, unless DRIFTFS_NOISES says so. */
#define NOISES 60
#define STATUS_DAMAGED 3

static unsigned noises(void)
{
	const char *wanted = getenv("DRIFTFS_NOISES");

	return wanted ? (unsigned)atoi(wanted) : NOISES;
}

/* All pages but the first two, which say where the others are. */
static void make_noise(struct scratch *s, uint64_t seed)
{
	struct map map = map_index(s);

	for (size_t at = (size_t)2 * 4096; at < map.size; at += 8) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		/* The upper bits are the random ones. */
		be64_put(map.data + at, seed ^ (seed >> 29) * 0x9e3779b97f4a7c15);
	}
	munmap(map.data, map.size);
}

static void write_whole(struct scratch *s, const struct map *whole)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/index/suspect", s->dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/index/data.mdb", s->dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fwrite(whole->data, 1, whole->size, file), whole->size);
	assert_int_equal(fclose(file), 0);
}

/* In a process of its own: it ends, or everything is right. */
static struct {
	const char *dir;
	uint64_t seed;
} noise;

static void read_noise(void **state)
{
	static void (*const checks[])(struct scratch * s) = {
		check_points, check_lookups, check_scans, check_history, check_index
	};
	struct scratch s = { .db = NULL };

	(void)state;
	snprintf(s.dir, sizeof(s.dir), "%s", noise.dir);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_string_equal(s.said, "");
	for (int round = 0; round <= ROUNDS; round++)
		ends[round] = drift_head(s.db) - (drift_seq)(ROUNDS - round) * ROWS;
	make_noise(&s, noise.seed);
	checks[noise.seed % 5](&s);
	check_all(&s);
	_exit(0);
}

static int run_noise(const char *dir, uint64_t seed)
{
	char number[24];
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		snprintf(number, sizeof(number), "%" PRIu64, seed);
		if (!getenv("DRIFTFS_NOISES") && !freopen("/dev/null", "w", stderr))
			_exit(1);
		execl("/proc/self/exe", "test_index_doubt", dir, number, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void noise_is_never_an_answer(void **state)
{
	struct scratch s;
	struct map whole, map;
	unsigned wrong = 0;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	scratch_close(&s);
	map = map_index(&s);
	whole = (struct map){ malloc(map.size), map.size };
	assert_non_null(whole.data);
	memcpy(whole.data, map.data, map.size);
	munmap(map.data, map.size);
	for (uint64_t seed = 0; seed < noises(); seed++) {
		int status;

		write_whole(&s, &whole);
		status = run_noise(s.dir, seed);
		if (status &&
		    !(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DAMAGED)) {
			print_error("seed %" PRIu64 ": status %x\n", seed,
				    (unsigned)status);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	free(whole.data);
	scratch_remove(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_is_never_an_answer),
	};
	const struct CMUnitTest one[] = { cmocka_unit_test(read_noise) };

	if (argc != 3)
		return cmocka_run_group_tests(tests, NULL, NULL);
	noise.dir = argv[1];
	noise.seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(one, NULL, NULL);
}
