/* SPDX-License-Identifier: MIT */
/* grid_layout.c - see grid_layout.h. */
#include "tools/grid_layout.h"

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* What the columns take when those that may are cut to cap. */
static unsigned total(const struct grid_column *columns, unsigned count,
		      unsigned cap, bool numbers_too)
{
	unsigned sum = 3 * count - 1;

	for (unsigned i = 0; i < count; i++)
		sum += columns[i].number && !numbers_too
			       ? columns[i].natural
			       : min(columns[i].natural, cap);
	return sum;
}

/* The most that cap may be; 0: not even GRID_COLUMN_MIN will do. */
static unsigned find_cap(const struct grid_column *columns, unsigned count,
			 unsigned width, bool numbers_too)
{
	unsigned cap = 0;

	for (unsigned c = GRID_COLUMN_MIN; c <= width; c++) {
		if (total(columns, count, c, numbers_too) > width)
			break;
		cap = c;
	}
	return cap;
}

bool grid_lay_out(struct grid_column *columns, unsigned count, unsigned width)
{
	bool numbers_too = false;
	unsigned cap = width, left;

	if (width) {
		cap = find_cap(columns, count, width, false);
		numbers_too = !cap;
		if (!cap)
			cap = find_cap(columns, count, width, true);
		if (!cap)
			return false;
	}
	for (unsigned i = 0; i < count; i++) {
		bool cut = width && (!columns[i].number || numbers_too);

		columns[i].width =
			cut ? min(columns[i].natural, cap) : columns[i].natural;
	}
	if (!width)
		return true;
	/* What is left is too little for one more column each. */
	left = width - total(columns, count, cap, numbers_too);
	for (unsigned i = 0; i < count && left; i++) {
		if (columns[i].width >= columns[i].natural)
			continue;
		columns[i].width++;
		left--;
	}
	return true;
}
