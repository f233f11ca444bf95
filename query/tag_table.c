/* SPDX-License-Identifier: MIT */
/* tag_table.c - drift_tags: one row a tag, in order of their names: what it is called,
 * the seq it names, that event's time, and when the tag was made. */
#include "query/log_table.h"
#include "query/session.h"

enum tag_column { TAG_NAME, TAG_SEQ, TAG_TIME, TAG_CREATED };

struct tag_cursor {
	struct source_cursor base;
	struct drift_tag tag;
};

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	(void)call;
	(void)error;
	((struct tag_cursor *)base)->tag.name[0] = '\0';
	return DRIFT_OK;
}

static enum drift_err next(struct source_cursor *base, struct drift_error *error)
{
	struct drift_tag *tag = &((struct tag_cursor *)base)->tag;

	(void)error;
	return drift_tag_next(base->session->db, slice_str(tag->name), tag)
		       ? DRIFT_DONE
		       : DRIFT_OK;
}

static void result_time(sqlite3_context *context, drift_time_ns time)
{
	struct buf text = BUF_INIT;

	moment_print_time(time, &text);
	sqlite3_result_text(context, buf_cstr(&text), -1, SQLITE_TRANSIENT);
	buf_release(&text);
}

static enum drift_err column(struct source_cursor *base, sqlite3_context *context,
			     int number)
{
	const struct drift_tag *tag = &((struct tag_cursor *)base)->tag;
	struct drift_tx tx;

	switch (number) {
	case TAG_NAME:
		sqlite3_result_text(context, tag->name, -1, SQLITE_TRANSIENT);
		break;
	case TAG_SEQ:
		sqlite3_result_int64(context, (sqlite3_int64)tag->seq);
		break;
	case TAG_TIME:
		/* The empty database has no time. */
		if (!drift_tx_of(base->session->db, tag->seq, &tx))
			result_time(context, tx.time);
		break;
	default:
		result_time(context, tag->created);
	}
	return DRIFT_OK;
}

const struct source tag_table = {
	.name = "drift_tags",
	.columns = { "name TEXT", "seq INTEGER", "time TEXT", "created TEXT" },
	.cursor_size = sizeof(struct tag_cursor),
	.begin = begin,
	.next = next,
	.column = column,
};
