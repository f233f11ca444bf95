/* SPDX-License-Identifier: MIT */
/* kind.c - the table of kinds. */
#include "fs/kind.h"

#include "fs/attr.h"
#include "fs/by.h"
#include "fs/diff.h"
#include "fs/import_file.h"
#include "fs/name.h"
#include "fs/ops.h"
#include "fs/query_file.h"
#include "fs/row.h"
#include "fs/rows_records.h"
#include "fs/status.h"
#include "fs/stream.h"
#include "fs/tag.h"
#include "fs/text_file.h"
#include "fs/timeline.h"

#define DIRECTORY (S_IFDIR | 0555)
#define DIRECTORY_TO_FILL (S_IFDIR | 0777)
#define FILE_TO_READ (S_IFREG | 0444)
#define FILE_TO_WRITE (S_IFREG | 0666)
#define LINK (S_IFLNK | 0777)

/* A small file whose text is made when it is asked for. */
#define TEXT(function)                                                    \
	.mode = FILE_TO_READ, .attributes = attr_text, .open = text_open, \
	.text = (function)

static const struct names_ops row_names = {
	.create = make_row,
	.unlink = remove_row,
	.rename = rename_row,
};

static const struct names_ops table_names = {
	.mkdir = make_table,
	.rmdir = remove_table,
	.rename = rename_table,
};

const struct kind kinds[NODE_KINDS] = {
	[NODE_ROOT] = { .mode = DIRECTORY,
			.edit_rule =
				"tables/ takes new tables, @tag/ names of moments",
			.attributes = attr_directory },
	[NODE_SEQS] = { .mode = DIRECTORY,
			.flags = KIND_PAST,
			.attributes = attr_directory,
			.child = timeline_seq_child,
			.names = timeline_seq_names },
	[NODE_TIMES] = { .mode = DIRECTORY,
			 .flags = KIND_PAST,
			 .attributes = attr_directory,
			 .child = timeline_time_child,
			 .names = timeline_time_names },
	[NODE_TAGS] = { .mode = DIRECTORY_TO_FILL,
			.edit_rule = "a tag is made by mkdir or ln -s, renamed by "
				     "mv, forgotten by rm",
			.attributes = attr_directory,
			.edit = &tag_edit,
			.child = tag_child,
			.names = tag_names },
	[NODE_DIFFS] = { .mode = DIRECTORY,
			 .flags = KIND_PAST,
			 .attributes = attr_directory,
			 .child = diff_child },
	[NODE_DIFF] = { .mode = DIRECTORY,
			.attributes = attr_directory,
			.child = diff_table_child,
			.stream = &stream_diff_tables },
	[NODE_DIFF_LINK] = { .mode = LINK,
			     .flags = KIND_PINNED | KIND_FLEETING,
			     .attributes = attr_link,
			     .target = diff_link_target },
	[NODE_DIFF_TABLE] = { .mode = DIRECTORY,
			      .flags = KIND_COSTLY,
			      .attributes = attr_directory,
			      .child = diff_row_child,
			      .stream = &stream_diff_rows },
	[NODE_DIFF_ROW] = { .mode = DIRECTORY,
			    .flags = KIND_COSTLY,
			    .attributes = attr_directory,
			    .child = diff_side_child,
			    .names = diff_side_names },
	[NODE_DIFF_SIDE] = { .mode = LINK,
			     .attributes = attr_link,
			     .target = diff_side_target },
	[NODE_DIFF_SUMMARY] = { .mode = FILE_TO_READ,
				.flags = KIND_COSTLY,
				.attributes = record_file_attr,
				.slow = record_file_slow,
				.open = record_file_open,
				.records = &diff_summary_records },
	[NODE_DIFF_CHANGES] = { .mode = FILE_TO_READ,
				.flags = KIND_COSTLY,
				.attributes = record_file_attr,
				.slow = record_file_slow,
				.open = record_file_open,
				.records = &diff_changes_records },
	[NODE_DRIFTFS] = { .mode = DIRECTORY, .attributes = attr_directory },
	[NODE_TABLES] = { .mode = DIRECTORY_TO_FILL,
			  .edit_rule = "a table is made by mkdir, renamed by mv, "
				       "dropped by rmdir once it has no rows",
			  .attributes = attr_directory,
			  .edit = &table_names,
			  .child = name_table_child,
			  .names = name_tables },
	[NODE_TABLE] = { .mode = DIRECTORY,
			 .edit_rule = "rows are in rows/; rmdir of the table drops "
				      "it once that is empty",
			 .attributes = attr_table },
	[NODE_ROWS] = { .mode = DIRECTORY_TO_FILL,
			.edit_rule = "a row is a file, KEY.json: no directories, "
				     "links or devices",
			.attributes = attr_table,
			.edit = &row_names,
			.child = name_row_child,
			.names = name_scratches,
			.stream = &stream_rows },
	[NODE_BY] = { .mode = DIRECTORY,
		      .edit_rule = "it follows from rows/: change the rows",
		      .attributes = attr_table,
		      .child = by_column_child,
		      .names = by_column_names },
	[NODE_BY_COLUMN] = { .mode = DIRECTORY,
			     .flags = KIND_FLEETING,
			     .edit_rule = "it follows from rows/: change the rows",
			     .attributes = attr_table,
			     .child = by_value_child,
			     .stream = &stream_values },
	[NODE_BY_VALUE] = { .mode = DIRECTORY,
			    .flags = KIND_FLEETING | KIND_COSTLY,
			    .edit_rule = "it follows from rows/: change the rows",
			    .attributes = attr_table,
			    .child = by_row_child,
			    .stream = &stream_matches },
	[NODE_BY_ROW] = { .mode = LINK,
			  .flags = KIND_FLEETING | KIND_CHANGES | KIND_COSTLY,
			  .attributes = by_link_attr,
			  .target = by_target },
	[NODE_HISTORY] = { .mode = DIRECTORY,
			   .flags = KIND_PAST,
			   .attributes = attr_table,
			   .child = name_history_child,
			   .stream = &stream_history },
	[NODE_VERSIONS] = { .mode = DIRECTORY,
			    .flags = KIND_PAST,
			    .attributes = attr_versions,
			    .child = name_version_child,
			    .stream = &stream_versions },
	[NODE_ROW] = { .mode = FILE_TO_WRITE,
		       .attributes = attr_row,
		       .open = row_open },
	[NODE_VERSION] = { .mode = FILE_TO_READ,
			   .flags = KIND_PINNED | KIND_COSTLY,
			   .attributes = attr_version,
			   .open = row_open_version },
	[NODE_TOMBSTONE] = { .mode = FILE_TO_READ,
			     .flags = KIND_PINNED | KIND_COSTLY,
			     .attributes = attr_version,
			     .open = row_open_version },
	[NODE_SCRATCH] = { .mode = FILE_TO_WRITE,
			   .flags = KIND_CHANGES | KIND_FLEETING,
			   .attributes = attr_scratch,
			   .open = scratch_open_node },
	/* What a name of a moment leads to never changes; the name's meaning does. */
	[NODE_LINK] = { .mode = LINK,
			.flags = KIND_PINNED | KIND_FLEETING,
			.attributes = attr_link,
			.target = timeline_target },
	[NODE_QUERY] = { .mode = FILE_TO_WRITE,
			 .flags = KIND_ASKED | KIND_EMPTY | KIND_EACH,
			 .attributes = attr_directory,
			 .open = query_file_open },
	[NODE_EVENTS] = { .mode = FILE_TO_READ,
			  .flags = KIND_CHANGES | KIND_COSTLY,
			  .attributes = attr_events,
			  .slow = events_slow,
			  .open = events_open },
	[NODE_ROWS_FILE] = { .mode = FILE_TO_READ,
			     .flags = KIND_CHANGES | KIND_COSTLY,
			     .attributes = record_file_attr,
			     .slow = record_file_slow,
			     .open = record_file_open,
			     .records = &rows_records },
	[NODE_IMPORT] = { .mode = FILE_TO_WRITE,
			  .flags = KIND_EMPTY,
			  .attributes = attr_table,
			  .open = import_file_open },
	[NODE_COUNT] = { TEXT(text_count), .flags = KIND_CHANGES | KIND_COSTLY },
	[NODE_SCHEMA_SQL] = { TEXT(text_schema_sql), .flags = KIND_CHANGES },
	[NODE_SCHEMA_JSON] = { TEXT(text_schema_json), .flags = KIND_CHANGES },
	[NODE_ERRORS] = { .mode = FILE_TO_READ,
			  .flags = KIND_CHANGES,
			  .attributes = attr_text,
			  .open = refusal_open,
			  .text = refusal_text },
	[NODE_STATUS] = { TEXT(status_json), .flags = KIND_CHANGES | KIND_MOVING },
	[NODE_STATS] = { TEXT(status_stats), .flags = KIND_CHANGES | KIND_MOVING },
	[NODE_METRICS] = { TEXT(status_metrics),
			   .flags = KIND_CHANGES | KIND_MOVING },
	[NODE_README] = { TEXT(status_readme) },
	[NODE_RELEASE] = { TEXT(text_release) },
};
