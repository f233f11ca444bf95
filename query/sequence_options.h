/* SPDX-License-Identifier: MIT */
/* sequence_options.h - what CREATE and ALTER SEQUENCE, and IDENTITY (...), say of a
 * sequence; and what making one from it takes. Private to the sequence_*.c files. */
#ifndef DRIFT_QUERY_SEQUENCE_OPTIONS_H
#define DRIFT_QUERY_SEQUENCE_OPTIONS_H

#include "query/sequence.h"

/* What a statement says of a sequence; what it does not say keeps its value. */
struct sequence_options {
	struct sequence_state state;
	bool has_start, has_min, has_max; /* said */
	bool restart;
	int64_t restart_at;
	bool has_restart_at;
};

/* Read the options of a new sequence. */
enum drift_err sequence_options_new(struct ddl *ddl,
				    struct sequence_options *options);
/* Read options over those that are there; alter: RESTART is one of them. */
enum drift_err sequence_options_read(struct ddl *ddl,
				     struct sequence_options *options, bool alter);
/* DRIFT_OUT_OF_RANGE and the like when a number of it cannot be. */
enum drift_err sequence_options_check(struct ddl *ddl,
				      const struct sequence_state *state);

/* sequence_ddl.c: define it, and give it its row, unless a dump does. */
enum drift_err sequence_make(struct ddl *ddl, const char *name, struct slice sql,
			     const struct sequence_state *state);
enum drift_err sequence_remove(struct ddl *ddl, const struct table_def *def);
/* Is there a table, a sequence or a view of that name? */
bool sequence_is_taken(struct ddl *ddl, struct slice name);

#endif
