/* SPDX-License-Identifier: MIT */
/* table_def.h - what the files that make, change and check definitions share; the rest
 * is in catalog.h. Private to table_def*.c. */
#ifndef DRIFT_ENGINE_TABLE_DEF_H
#define DRIFT_ENGINE_TABLE_DEF_H

#include "engine/catalog.h"

/* In names of stored members that a column's own name would not tell apart. */
#define TABLE_DEF_STORED_MARK '\x02'

/* Free what the column or the index has, not itself. */
void table_def_release_column(struct column_def *column);
void table_def_release_index(struct index_def *index);
/* Free *text and set it to a copy of `with`; false when out of memory: it is as it was. */
bool table_def_replace_text(char **text, const char *with);

#endif
