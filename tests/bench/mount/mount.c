/* SPDX-License-Identifier: MIT */
/* mount.c - the mounted tree beside a filesystem that does nothing, and beside the disk.
 *
 * Each figure is the median of BENCH_ROUNDS rounds in which the targets take turns, in
 * microseconds a file of wall time (names: nanoseconds a name). A round makes, reads,
 * overwrites and removes BENCH_FILES files with one, four and sixteen processes; before
 * each kind of reading the target is mounted anew, so that the kernel knows nothing.
 *
 *	BENCH_FILES	files (100000)
 *	BENCH_NAMES	names in the large directory (1000000)
 *	BENCH_ROUNDS	rounds (5)
 *	BENCH_PROCESSES	how many clients (1,4,16); 0: none, only the names
 *	BENCH_TARGETS	which of null,interval,close,disk (all)
 *	BENCH_DIR	where it happens (build/bench)
 *	BENCH_BUILD	where driftfs and driftdb are (build) */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/mount/target.h"

#define ROUNDS_MAX 15
#define PROCESSES_MAX 16

static unsigned files = 100000, names = 1000000, rounds = 5;
static char top[200];

/* ---- The work, a file at a time ------------------------------------------------ */

static void path_of(const struct target *target, unsigned i, char path[500])
{
	snprintf(path, 500, "%s/r%u.json", target->rows, i);
}

static void read_one(const struct target *target, unsigned i)
{
	char path[500], bytes[512];
	int fd;

	path_of(target, i, path);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, bytes, sizeof(bytes)) <= 0 || close(fd) != 0)
		die(path);
}

static void stat_one(const struct target *target, unsigned i)
{
	char path[500];
	struct stat st;

	path_of(target, i, path);
	if (stat(path, &st) != 0)
		die(path);
}

static void write_bytes(const struct target *target, unsigned i, int flags,
			const char *word)
{
	char path[500], bytes[200];
	int fd, size;

	path_of(target, i, path);
	size = snprintf(bytes, sizeof(bytes),
			"{\"name\":\"%s %u\",\"status\":\"active\",\"n\":%u,"
			"\"note\":\"some words to make it a row\"}",
			word, i, i);
	fd = open(path, flags, 0666);
	if (fd < 0 || write(fd, bytes, (size_t)size) != size || close(fd) != 0)
		die(path);
}

static void create_one(const struct target *target, unsigned i)
{
	write_bytes(target, i, O_WRONLY | O_CREAT | O_EXCL, "first");
}

static void overwrite_one(const struct target *target, unsigned i)
{
	write_bytes(target, i, O_WRONLY | O_CREAT | O_TRUNC, "second");
}

static void unlink_one(const struct target *target, unsigned i)
{
	char path[500];

	path_of(target, i, path);
	if (unlink(path) != 0)
		die(path);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* All files, spread over `processes`; microseconds a file. */
static double spread(const struct target *target, unsigned processes,
		     void (*work)(const struct target *, unsigned))
{
	pid_t pids[PROCESSES_MAX];
	double began = seconds();
	int status;

	for (unsigned p = 0; p < processes; p++) {
		pids[p] = fork();
		if (pids[p] < 0)
			die("fork");
		if (pids[p] == 0) {
			for (unsigned i = p; i < files; i += processes)
				work(target, i);
			_exit(0);
		}
	}
	for (unsigned p = 0; p < processes; p++)
		if (waitpid(pids[p], &status, 0) < 0 || status != 0)
			die("a client");
	return (seconds() - began) * 1e6 / files;
}

/* Nanoseconds a name. */
static double list_all(const struct target *target, unsigned wanted)
{
	double began = seconds();
	DIR *dir = opendir(target->rows);
	unsigned count = 0;

	if (!dir)
		die(target->rows);
	while (readdir(dir))
		count++;
	closedir(dir);
	if (count != wanted + 2 && count != wanted) {
		fprintf(stderr, "bench: %u names, not %u\n", count, wanted);
		exit(1);
	}
	return (seconds() - began) * 1e9 / wanted;
}

/* ---- Figures ------------------------------------------------------------------- */

enum figure {
	CREATE_1,
	CREATE_4,
	CREATE_16,
	STAT_1,
	STAT_4,
	STAT_16,
	READ_1,
	READ_4,
	READ_16,
	OVERWRITE_1,
	OVERWRITE_4,
	OVERWRITE_16,
	UNLINK_1,
	UNLINK_4,
	UNLINK_16,
	PINNED_COLD,
	PINNED_WARM,
	LIST,
	FIGURES
};

static const char *const figure_names[FIGURES] = {
	[CREATE_1] = "create+write+close, 1 process",
	[CREATE_4] = "create+write+close, 4",
	[CREATE_16] = "create+write+close, 16",
	[STAT_1] = "stat, 1",
	[STAT_4] = "stat, 4",
	[STAT_16] = "stat, 16",
	[READ_1] = "open+read+close, 1",
	[READ_4] = "open+read+close, 4",
	[READ_16] = "open+read+close, 16",
	[OVERWRITE_1] = "overwrite, 1",
	[OVERWRITE_4] = "overwrite, 4",
	[OVERWRITE_16] = "overwrite, 16",
	[UNLINK_1] = "unlink, 1",
	[UNLINK_4] = "unlink, 4",
	[UNLINK_16] = "unlink, 16",
	[PINNED_COLD] = "pinned: open+read+close, first",
	[PINNED_WARM] = "pinned: open+read+close, again",
	[LIST] = "list (ns a name)",
};

static double measured[TARGETS][FIGURES][ROUNDS_MAX];

static void again(struct target *target)
{
	target_down(target);
	target_up(target, files);
}

static const unsigned process_counts[] = { 1, 4, 16 };

/* A round of one target; p says how many processes by its place in a triple. */
static void one_round(enum target_kind kind, unsigned p, unsigned round)
{
	double(*figures)[ROUNDS_MAX] = measured[kind];
	unsigned processes = process_counts[p];
	struct target target;

	target_make(&target, kind, top);
	target_up(&target, 0);
	figures[CREATE_1 + p][round] = spread(&target, processes, create_one);
	again(&target);
	figures[STAT_1 + p][round] = spread(&target, processes, stat_one);
	again(&target);
	figures[READ_1 + p][round] = spread(&target, processes, read_one);
	figures[OVERWRITE_1 + p][round] = spread(&target, processes, overwrite_one);
	if (p == 0 && kind != TARGET_DISK) {
		again(&target);
		target_pin(&target);
		figures[PINNED_COLD][round] = spread(&target, 1, read_one);
		figures[PINNED_WARM][round] = spread(&target, 1, read_one);
	}
	again(&target);
	figures[UNLINK_1 + p][round] = spread(&target, processes, unlink_one);
	target_down(&target);
	target_remove(&target);
}

static void pinned_round(unsigned round)
{
	struct target target;

	target_make(&target, TARGET_PINNED, top);
	target_up(&target, files);
	measured[TARGET_PINNED][PINNED_COLD][round] = spread(&target, 1, read_one);
	measured[TARGET_PINNED][PINNED_WARM][round] = spread(&target, 1, read_one);
	target_down(&target);
	target_remove(&target);
}

/* A large directory, listed again and again, in turns. */
static void list_rounds(void)
{
	struct target ours, null;
	char command[1024];
	const char *build = getenv("BENCH_BUILD");

	target_make(&ours, TARGET_INTERVAL, top);
	snprintf(command, sizeof(command),
		 "%s/driftdb sql -q -d '%s/db' -e \"INSERT INTO t (doc) "
		 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
		 "WHERE i < %u - 1) SELECT json_object('id', 'r' || i, 'name', 'row "
		 "' "
		 "|| i, 'status', 'active', 'n', i) FROM n\"",
		 build ? build : "build", ours.dir, names);
	if (system(command) != 0)
		die(command);
	target_make(&null, TARGET_NULL, top);
	for (unsigned round = 0; round < rounds; round++) {
		target_up(&null, names);
		measured[TARGET_NULL][LIST][round] = list_all(&null, names);
		target_down(&null);
		target_up(&ours, 0);
		measured[TARGET_INTERVAL][LIST][round] = list_all(&ours, names);
		target_down(&ours);
	}
	target_remove(&null);
	target_remove(&ours);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(enum target_kind kind, enum figure figure)
{
	double *values = measured[kind][figure];

	qsort(values, rounds, sizeof(*values), by_value);
	return values[rounds / 2];
}

static void print_cell(double value, double null)
{
	if (value <= 0)
		printf("%10s %6s", "-", "");
	else if (null <= 0)
		printf("%10.2f %6s", value, "");
	else
		printf("%10.2f %5.2fx", value, null / value);
}

static void print_all(void)
{
	printf("\n%-32s%10s%10s %6s%10s %6s%10s %6s\n", "us a file", "null",
	       "interval", "", "close", "", "disk", "");
	for (int f = 0; f < FIGURES; f++) {
		int pinned = f == PINNED_COLD || f == PINNED_WARM;
		double null = median(pinned ? TARGET_PINNED : TARGET_NULL, f);

		if (null <= 0 && median(TARGET_INTERVAL, f) <= 0 &&
		    median(TARGET_CLOSE, f) <= 0 && median(TARGET_DISK, f) <= 0)
			continue;
		printf("%-32s%10.2f", figure_names[f], null);
		print_cell(median(TARGET_INTERVAL, f), null);
		print_cell(median(TARGET_CLOSE, f), null);
		print_cell(median(TARGET_DISK, f), null);
		printf("\n");
	}
	printf("(x: how many times as fast as the null filesystem)\n");
}

/* Whether the list in the environment, or what stands for it, has the word. */
static int is_chosen(const char *name, const char *word)
{
	const char *list = getenv(name);
	size_t size = strlen(word);

	for (const char *at = list; at && (at = strstr(at, word)); at += size)
		if ((at == list || at[-1] == ',') &&
		    (at[size] == ',' || at[size] == '\0'))
			return 1;
	return !list;
}

static int is_chosen_count(unsigned count)
{
	char word[16];

	snprintf(word, sizeof(word), "%u", count);
	return is_chosen("BENCH_PROCESSES", word);
}

static void file_round(unsigned round)
{
	static const enum target_kind kinds[] = { TARGET_NULL, TARGET_INTERVAL,
						  TARGET_CLOSE, TARGET_DISK };

	for (unsigned p = 0; p < 3; p++)
		for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (is_chosen_count(process_counts[p]) &&
			    is_chosen("BENCH_TARGETS", target_names[kinds[k]]))
				one_round(kinds[k], p, round);
	if (is_chosen_count(1))
		pinned_round(round);
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

int main(void)
{
	const char *dir = getenv("BENCH_DIR");

	files = number("BENCH_FILES", files);
	names = number("BENCH_NAMES", names);
	rounds = number("BENCH_ROUNDS", rounds);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 5;
	snprintf(top, sizeof(top), "%s/mount", dir ? dir : "build/bench");
	printf("the mount: %u files, %u names, medians of %u rounds in turns\n",
	       files, names, rounds);
	for (unsigned round = 0; round < rounds; round++)
		file_round(round);
	if (names)
		list_rounds();
	print_all();
	return 0;
}
