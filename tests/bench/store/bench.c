/* SPDX-License-Identifier: MIT */
/* bench.c - the engine beside SQLite and, where it is installed, MariaDB: the same rows,
 * one run, medians. SQLite is set up as a careful user would: WAL, synchronous=FULL,
 * prepared statements, a history table filled by triggers, an index on (id, seq).
 *
 *	BENCH_PARTS	commits, reads, flat, many (all); ingest is tests/bench/ingest
 *	BENCH_EVENTS	events of the bulk load (1000000)
 *	BENCH_KEYS	keys they fall on (100000)
 *	BENCH_ROUNDS	rounds (5)
 *	BENCH_DIR	where databases are made (build/bench)
 *	BENCH_KEEP	do not remove those of flat and many, and take them as they are if
 *			they are there: to make them is the longest part */
#include "tests/bench/store/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIGURES_MAX 64
#define ROUNDS_MAX 15

struct settings settings = { 1000000, 100000, 5, false, "build/bench" };

struct figure {
	const char *name, *unit;
	bool more;
	int count;
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
};

static struct figure figures[FIGURES_MAX];
static int figure_count;

void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void must(enum drift_err err)
{
	if (err)
		die(drift_err_text(err));
}

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

unsigned draw(unsigned below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 11) % below);
}

void shell(const char *format, ...)
{
	char command[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		die(command);
}

struct row make_row(unsigned key, int n)
{
	struct row row = { .status = n % 7 ? "done" : "pending",
			   .n = n,
			   .amount = n * 0.25,
			   .note = "the quick brown fox jumps over the lazy dog" };

	snprintf(row.id, sizeof(row.id), "key%08u", key);
	return row;
}

double anonymous_mib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib / 1024;
}

/* ---- Figures ------------------------------------------------------------------- */

void figure(const char *name, const char *unit, double ours, double theirs,
	    bool more)
{
	struct figure *at = figures;

	while (at < figures + figure_count && strcmp(at->name, name) != 0)
		at++;
	if (at == figures + FIGURES_MAX)
		die("too many figures");
	if (at == figures + figure_count) {
		figure_count++;
		*at = (struct figure){ .name = name, .unit = unit, .more = more };
	}
	if (at->count == ROUNDS_MAX)
		return;
	at->ours[at->count] = ours;
	at->theirs[at->count++] = theirs;
	fprintf(stderr, "%s: %.4g, %.4g %s\n", name, ours, theirs, unit);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

void figures_print(void)
{
	printf("\n%-52s %12s %12s %8s\n", "", "driftfs", "yardstick", "ratio");
	for (struct figure *at = figures; at < figures + figure_count; at++) {
		double ours = median(at->ours, at->count);
		double theirs = median(at->theirs, at->count);
		char name[80];

		snprintf(name, sizeof(name), "%s, %s", at->name, at->unit);
		printf("%-52s %12.5g ", name, ours);
		if (theirs > 0)
			printf("%12.5g %7.2fx\n", theirs,
			       at->more ? ours / theirs : theirs / ours);
		else
			printf("%12s %8s\n", "-", "-");
	}
}

/* ---- Parts ------------------------------------------------------------------------ */

static bool wanted(const char *part)
{
	const char *parts = getenv("BENCH_PARTS");

	return !parts || !*parts || strstr(parts, part);
}

static void number(const char *name, int *value)
{
	const char *text = getenv(name);

	if (text)
		*value = atoi(text);
}

int main(void)
{
	number("BENCH_EVENTS", &settings.events);
	number("BENCH_KEYS", &settings.keys);
	number("BENCH_ROUNDS", &settings.rounds);
	if (getenv("BENCH_DIR"))
		settings.dir = getenv("BENCH_DIR");
	settings.keep = getenv("BENCH_KEEP") != NULL;
	if (settings.rounds < 1 || settings.rounds > ROUNDS_MAX ||
	    settings.events < BATCH || settings.keys < 1)
		die("BENCH_ROUNDS is 1 to 15, BENCH_EVENTS at least 1000");
	shell("mkdir -p %s", settings.dir);
	if (wanted("commits"))
		bench_commits();
	if (wanted("reads"))
		bench_load_and_reads();
	if (wanted("flat"))
		bench_flat();
	if (wanted("many"))
		bench_many_rows();
	printf("%d events over %d keys, medians of %d rounds\n", settings.events,
	       settings.keys, settings.rounds);
	figures_print();
	if (!settings.keep)
		shell("rm -rf %s", settings.dir);
	return 0;
}
