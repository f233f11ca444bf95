/* SPDX-License-Identifier: MIT */
/* versions.h - the versions of a row that the index knows: the newest one up to a seq,
 * or all in order. Private to engine/. */
#ifndef DRIFT_ENGINE_VERSIONS_H
#define DRIFT_ENGINE_VERSIONS_H

#include "engine/db.h"
#include "engine/version_block.h"

/* The newest version at or before seq of the row with this table id and key: DRIFT_DONE
 * when it has none, DRIFT_CORRUPT when what says so is damaged. long_ago: look among
 * the old ones first. *is_newest: the index has none after it. */
enum drift_err versions_find(struct index_reader *reader, struct slice table_key,
			     drift_seq seq, bool long_ago,
			     struct index_version *found, bool *is_newest);

/* The newest version at or before seq in one block: DRIFT_DONE when it has none. *before:
 * how many versions the row has in earlier blocks. *is_last: the block has none after. */
enum drift_err versions_find_in(struct slice block, drift_seq seq,
				struct index_version *found, uint64_t *before,
				bool *is_last);

/* All versions of a row, oldest first; what is damaged in the index is made anew from
 * the log. */
struct version_walk {
	struct reading *reading;
	struct buf key; /* table id and row key */
	struct slice recent;
	struct index_cursor *old; /* NULL until a row has old blocks */
	enum { WALK_BEGIN, WALK_OLD, WALK_RECENT, WALK_ENDED } stage;
	struct version_cursor at;
	struct version_block rebuilt;
};

void version_walk_release(struct version_walk *walk); /* all zeros is fine */
/* Stand before a row's oldest version. recent: its value in the space of that name,
 * which must live on; data NULL: damaged. */
enum drift_err version_walk_row(struct version_walk *walk, struct reading *reading,
				struct slice table_key, struct slice recent);
/* DRIFT_DONE at the end. */
enum drift_err version_walk_next(struct version_walk *walk,
				 const struct index_version **version);

/* What a damaged block of `recent` should say. */
enum drift_err versions_rebuild_recent(struct reading *reading,
				       struct slice table_key,
				       struct version_block *block);

#endif
