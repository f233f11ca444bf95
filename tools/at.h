/* SPDX-License-Identifier: MIT */
/* at.h - the moment that --at names, found in a log. */
#ifndef DRIFT_TOOLS_AT_H
#define DRIFT_TOOLS_AT_H

#include "engine/care.h"

/* DRIFT_BAD_MOMENT, naming the text, when there is no such moment. */
enum drift_err at_resolve(struct drift_log *log, const char *text, drift_seq *seq,
			  struct drift_error *error);

#endif
