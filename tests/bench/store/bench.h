/* SPDX-License-Identifier: MIT */
/* bench.h - what the parts of the engine's bench share: settings, rows, figures.
 *
 * A figure is given once a round, by all programs in turn, so that a noisy machine is
 * noisy for all; the table has its median, and the ratio to the yardstick. */
#ifndef DRIFT_TESTS_BENCH_ENGINE_H
#define DRIFT_TESTS_BENCH_ENGINE_H

#include "engine/engine.h"
#include "engine/io.h"

#define BATCH 1000 /* events of one transaction in a bulk load */
#define WRITERS 16

struct settings {
	int events; /* of the bulk load */
	int keys;   /* that they fall on */
	int rounds;
	bool keep; /* the databases of `flat` and `many`, for the next run */
	const char *dir;
};

extern struct settings settings;

void die(const char *what) __attribute__((noreturn));
void must(enum drift_err err);
double seconds(void);
unsigned draw(unsigned below);
/* Run by sh, or die. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- Rows ---- */

struct row {
	char id[16];
	const char *status;
	int n;
	double amount;
	const char *note;
};

struct row make_row(unsigned key, int n);

/* ---- Figures ---- */

/* theirs 0: no yardstick. more: more is better. */
void figure(const char *name, const char *unit, double ours, double theirs,
	    bool more);
/* Where the machine's own numbers are not a matter of rounds. */
double anonymous_mib(void); /* resident memory, mapped files aside */
void figures_print(void);

/* ---- Parts ---- */

void bench_commits(void);
void bench_load_and_reads(void);
void bench_flat(void);
void bench_many_rows(void);

#endif
