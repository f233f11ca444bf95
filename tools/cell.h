/* SPDX-License-Identifier: MIT */
/* cell.h - one cell of the "cells" format as a terminal can show it. */
#ifndef DRIFT_TOOLS_CELL_H
#define DRIFT_TOOLS_CELL_H

#include "engine/buf.h"

/* Take the escapes off text, but for those that keep a value on its line (\n, \t, \r),
 * and make other control characters visible (\x1b): a value must not steer the
 * terminal. Appends. */
void cell_show(struct slice escaped, struct buf *out);
/* Take all escapes off: the value itself. Appends. */
void cell_value(struct slice escaped, struct buf *out);
/* Columns of a terminal that text takes: wide characters count twice. */
unsigned cell_width(struct slice text);
/* The longest beginning of text that takes at most width columns. */
struct slice cell_cut(struct slice text, unsigned width);
/* The mark of what was cut, one column wide: an ellipsis where the locale has it. */
const char *cell_ellipsis(void);

#endif
