/* SPDX-License-Identifier: MIT */
/* runner.c - see runner.h. */
#include "tools/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/ask.h"
#include "tools/command.h"
#include "tools/grid.h"
#include "tools/output.h"
#include "tools/progress.h"

/* Where one statement's answer goes. */
struct answer_way {
	struct progress *progress;
	struct grid *grid; /* NULL: text goes out as it is */
	bool on_terminal;
};

static uint64_t count_rows(struct slice text)
{
	const char *at = text.data, *end = at + text.size;
	uint64_t rows = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		rows++;
		at++;
	}
	return rows;
}

static enum drift_err take(void *arg, struct slice text, struct drift_error *error)
{
	struct answer_way *way = arg;

	progress_add(way->progress, count_rows(text), 0);
	if (way->grid)
		return grid_take(way->grid, text, error);
	if (way->on_terminal)
		progress_hide(way->progress);
	return output_write(text, error);
}

/* What is on the terminal already makes way. */
static enum drift_err print_grid(void *arg, struct slice text,
				 struct drift_error *error)
{
	struct answer_way *way = arg;

	progress_hide(way->progress);
	return output_write(text, error);
}

static void tell_time(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("Time: %.3f ms\n",
	       (double)(now.tv_sec - began->tv_sec) * 1e3 +
		       (double)(now.tv_nsec - began->tv_nsec) / 1e6);
	fflush(stdout);
}

static enum drift_err answer(struct runner *runner, const char *statement,
			     struct answer_way *way, struct drift_error *error)
{
	const struct door_sink sink = {
		.format = way->grid ? QUERY_CELLS : runner->format,
		.messages = runner->messages,
		.take = take,
		.arg = way,
	};
	enum drift_err err = door_run(runner->door, statement, &sink, error);
	enum drift_err drawn = DRIFT_OK;

	if (way->grid)
		drawn = grid_end(way->grid, err ? NULL : error);
	return err ? err : drawn;
}

/* Tables fit the terminal when there is one; elsewhere they are never cut. */
int runner_run(struct runner *runner, const char *statement, const char *place)
{
	struct answer_way way = { .on_terminal = isatty(STDOUT_FILENO) };
	bool drawn = runner->format == QUERY_TABLE &&
		     (way.on_terminal || runner->expanded);
	struct drift_error error = { 0 };
	struct timespec began;
	enum drift_err err = DRIFT_OK;

	clock_gettime(CLOCK_MONOTONIC, &began);
	if (drawn) {
		const struct grid_options options = {
			.expanded = runner->expanded,
			.width = way.on_terminal ? grid_terminal_width() : 0,
			.messages = runner->messages,
			.print = print_grid,
			.arg = &way,
		};

		way.grid = grid_new(&options);
		if (!way.grid)
			err = drift_fail_code(&error, DRIFT_NOMEM);
	}
	way.progress = progress_new("rows", 0);
	if (!err)
		err = answer(runner, statement, &way, &error);
	progress_free(way.progress);
	grid_free(way.grid);
	runner->ended = err == DRIFT_INTERRUPTED || err == DRIFT_CONNECTION ||
			err == DRIFT_STOPPING;
	if (err)
		return ask_complain(place, &error, statement);
	if (runner->timing)
		tell_time(&began);
	return EXIT_FINE;
}

static int run_next(struct runner *runner, const struct script *script,
		    enum runner_place where)
{
	struct buf before = BUF_INIT;
	int status;

	if (where == RUNNER_PLACE_BEFORE)
		buf_printf(&before, "%s:%" PRIu64 ": ", script->name,
			   script->statement_line);
	status = runner_run(runner, buf_cstr((struct buf *)&script->statement),
			    buf_cstr(&before));
	if (status && where == RUNNER_PLACE_AFTER)
		fprintf(stderr, "(%s, line %" PRIu64 ")\n", script->name,
			script->statement_line);
	buf_release(&before);
	return status;
}

int runner_script(struct runner *runner, struct script *script,
		  enum runner_place where)
{
	struct drift_error error = { 0 };
	int status = EXIT_FINE;
	enum drift_err err;

	while (!(err = script_next(script, &error))) {
		int this = run_next(runner, script, where);

		if (this && !status)
			status = this;
		if (this && (!runner->keep_going || runner->ended))
			break;
	}
	if (err && err != DRIFT_DONE)
		return complain(&error);
	return status;
}
