/* SPDX-License-Identifier: MIT */
/* test_index_doubt.c - noise in place of the index's pages: whatever is read is right, or the
 * process has ended, and nothing is written to it. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "engine/index.h"
#include "engine/index_page.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/rounds_db.h"

/* How many are tried, each by its seed, unless DRIFTFS_NOISES says so. */
#define NOISES 60
#define WRITTEN 1000
#define STATUS_DAMAGED 3

static unsigned noises(void)
{
	const char *wanted = getenv("DRIFTFS_NOISES");

	return wanted ? (unsigned)atoi(wanted) : NOISES;
}

#define PAGE_BYTES 4096

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	/* The upper bits are the random ones. */
	return *seed ^ (*seed >> 29) * 0x9e3779b97f4a7c15;
}

/* All pages but the first two, which say where the others are. */
static void make_noise(struct scratch *s, uint64_t seed)
{
	struct map map = map_index(s);

	for (size_t at = (size_t)2 * PAGE_BYTES; at < map.size; at += 8)
		be64_put(map.data + at, next_random(&seed));
	munmap(map.data, map.size);
}

/* Whether it is one of write_keys: LMDB's own have records of spaces, or small numbers. */
static bool is_leaf_of_keys(const char *page)
{
	size_t node = index_page_number(page + INDEX_PAGE_HEAD_BYTES);

	return index_page_number(page + INDEX_PAGE_FLAGS_AT) == INDEX_PAGE_LEAF &&
	       node < PAGE_BYTES - 2 * INDEX_NODE_HEAD_BYTES &&
	       index_page_number(page + node + 4) == 0 &&
	       be32_get(page + node + INDEX_NODE_HEAD_BYTES) &&
	       be32_get(page + node + INDEX_NODE_HEAD_BYTES + 4);
}

/* What each leaf says of the room in it. */
static void make_room_noise(struct scratch *s, uint64_t seed)
{
	struct map map = map_index(s);
	unsigned leaves = 0;

	for (char *page = map.data + (size_t)2 * PAGE_BYTES;
	     page < map.data + map.size; page += PAGE_BYTES) {
		uint16_t entries = (uint16_t)(next_random(&seed) >> 40);

		/* By some seeds a smaller number, which is not far off the page. */
		if (seed >> 63)
			entries %= 2 * PAGE_BYTES;
		if (!is_leaf_of_keys(page) ||
		    entries == index_page_number(page + INDEX_PAGE_ENTRIES_AT))
			continue;
		memcpy(page + INDEX_PAGE_ENTRIES_AT, &entries, sizeof(entries));
		leaves++;
	}
	assert_true(leaves > 3);
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

static int run_noise(const char *dir, const char *what, uint64_t seed)
{
	char number[24];
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		snprintf(number, sizeof(number), "%" PRIu64, seed);
		if (!getenv("DRIFTFS_NOISES") && !freopen("/dev/null", "w", stderr))
			_exit(1);
		execl("/proc/self/exe", "test_index_doubt", dir, what, number, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* Or as damaged. */
static bool ended_well(int status, uint64_t seed)
{
	if (!status || (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DAMAGED))
		return true;
	print_error("seed %" PRIu64 ": status %x\n", seed, (unsigned)status);
	return false;
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
		write_whole(&s, &whole);
		wrong += !ended_well(run_noise(s.dir, "read", seed), seed);
	}
	assert_int_equal(wrong, 0);
	free(whole.data);
	scratch_remove(&s);
}

static enum drift_err write_keys(struct index *index, bool deleting, uint64_t seed)
{
	struct index_writer *writer;
	enum drift_err err = index_write_begin(index, &writer);
	char key[8];

	for (int i = 0; i < WRITTEN && !err; i++) {
		be64_put(key, next_random(&seed));
		err = deleting && i % 2
			      ? index_delete(writer, INDEX_SEQS, slice_of(key, 8))
			      : index_put(writer, INDEX_SEQS, slice_of(key, 8),
					  slice_of(key, 8));
	}
	if (!err)
		return index_commit(writer);
	index_abort(writer);
	return err;
}

/* LMDB alone would copy and move as much as a page says it has. */
static void write_to_noise(void **state)
{
	struct scratch s = { .db = NULL };
	struct index *index;
	char path[128];

	(void)state;
	snprintf(s.dir, sizeof(s.dir), "%s", noise.dir);
	snprintf(path, sizeof(path), "%s/index", s.dir);
	assert_int_equal(index_open(path, &index, NULL), DRIFT_OK);
	assert_int_equal(write_keys(index, false, 0), DRIFT_OK);
	make_room_noise(&s, noise.seed);
	/* Over those that are there, or among them. */
	assert_int_equal(write_keys(index, noise.seed % 2,
				    noise.seed / 2 % 2 ? 0 : noise.seed),
			 DRIFT_CORRUPT);
	index_close(index);
	_exit(STATUS_DAMAGED);
}

static void noise_is_not_written_to(void **state)
{
	struct scratch s;
	unsigned wrong = 0;

	(void)state;
	scratch_init(&s);
	for (uint64_t seed = 0; seed < noises(); seed++) {
		int status = run_noise(s.dir, "write", seed);

		wrong += !ended_well(status, seed) || status == 0;
		scratch_shell(&s, "rm -r index");
	}
	assert_int_equal(wrong, 0);
	scratch_remove(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_is_never_an_answer),
		cmocka_unit_test(noise_is_not_written_to),
	};
	const struct CMUnitTest reads[] = { cmocka_unit_test(read_noise) };
	const struct CMUnitTest writes[] = { cmocka_unit_test(write_to_noise) };

	if (argc != 4)
		return cmocka_run_group_tests(tests, NULL, NULL);
	noise.dir = argv[1];
	noise.seed = strtoull(argv[3], NULL, 10);
	return strcmp(argv[2], "read") == 0
		       ? cmocka_run_group_tests(reads, NULL, NULL)
		       : cmocka_run_group_tests(writes, NULL, NULL);
}
