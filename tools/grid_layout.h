/* SPDX-License-Identifier: MIT */
/* grid_layout.h - how a terminal's width is shared out among a table's columns. */
#ifndef DRIFT_TOOLS_GRID_LAYOUT_H
#define DRIFT_TOOLS_GRID_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#define GRID_COLUMN_MIN 4 /* a column never gets narrower by cutting */

struct grid_column {
	size_t name_at; /* the owner's */
	unsigned name_width;
	unsigned natural; /* width at which nothing is cut */
	bool number;      /* it has held a number */
	unsigned width;   /* what it gets */
};

/* Set each column's width so that " a | b " takes at most width (0: as much as they
 * want). The widest give way first, columns of numbers only after all others. false:
 * they do not fit however they are cut. */
bool grid_lay_out(struct grid_column *columns, unsigned count, unsigned width);

#endif
