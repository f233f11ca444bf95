/* SPDX-License-Identifier: MIT */
/* grid.h - answers as tables that fit a terminal.
 *
 * A grid takes the "cells" format (query/cells.c) and draws rows in blocks, so memory
 * is bounded whatever the answer. Where a table is too wide its widest columns give
 * way, numbers last, and what is cut ends in an ellipsis; where even that does not
 * do, each value gets a line of its own, uncut. */
#ifndef DRIFT_TOOLS_GRID_H
#define DRIFT_TOOLS_GRID_H

#include "engine/buf.h"

struct grid;

struct grid_options {
	bool expanded;  /* a line for each value, always */
	bool messages;  /* tell what statements without rows did */
	unsigned width; /* of the terminal; 0: never cut */
	enum drift_err (*print)(void *arg, struct slice text,
				struct drift_error *error);
	void *arg;
};

struct grid *grid_new(const struct grid_options *options); /* NULL: no memory */
void grid_free(struct grid *grid);                         /* NULL is fine */
/* More of the answer, cut anywhere. */
enum drift_err grid_take(struct grid *grid, struct slice text,
			 struct drift_error *error);
/* Draw what is left; after an error of the statement too. */
enum drift_err grid_end(struct grid *grid, struct drift_error *error);

unsigned grid_terminal_width(void); /* of standard output */

#endif
