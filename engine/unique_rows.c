/* SPDX-License-Identifier: MIT */
/* unique_rows.c - do the rows that are there keep a UNIQUE that is made now?
 *
 * One pass keeps a 64-bit hash of each row's values, and they are sorted; only where
 * two are equal does a second pass look at the values. The committer waits meanwhile:
 * what commits next is checked against the index already. */
#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/cursor.h"
#include "engine/row_refusal.h"
#include "engine/stage.h"

struct unique_rows {
	const struct table_def *def;
	const struct index_def *index;
	struct drift_view view;
	uint64_t *hashes;
	size_t count, capacity;
	uint64_t wanted;  /* second pass: the hash that stands twice */
	struct buf first; /* and the values of the first row that has it */
	bool same;
};

/* The values one after another; *null when one is missing or null: then no clash. */
static enum drift_err values_of(const struct unique_rows *rows,
				const struct drift_version *version, struct buf *out,
				bool *null)
{
	struct msg_value scalar;
	struct msg_cursor cursor;
	struct slice value;
	enum drift_err err = DRIFT_OK;

	buf_clear(out);
	*null = false;
	for (unsigned i = 0; i < rows->index->column_count && !err && !*null; i++) {
		err = row_member(rows->def, rows->index->columns[i], version->row,
				 version->seq, &value);
		*null = err == DRIFT_DONE;
		if (err)
			continue;
		cursor = msg_cursor_of(value);
		err = msg_read(&cursor, &scalar);
		*null = !err && scalar.type == MSG_NIL;
		buf_add_slice(out, value);
	}
	return err && err != DRIFT_DONE ? err : buf_status(out);
}

static uint64_t hash_of(struct slice values)
{
	return (uint64_t)crc32c(0, values.data, values.size) << 32 |
	       crc32c(0x9e3779b9, values.data, values.size);
}

static enum drift_err keep_hash(struct unique_rows *rows, uint64_t hash)
{
	size_t capacity = rows->capacity ? 2 * rows->capacity : 1024;
	uint64_t *hashes;

	if (rows->count == rows->capacity) {
		hashes = realloc(rows->hashes, capacity * sizeof(*hashes));
		if (!hashes)
			return DRIFT_NOMEM;
		rows->hashes = hashes;
		rows->capacity = capacity;
	}
	rows->hashes[rows->count++] = hash;
	return DRIFT_OK;
}

static enum drift_err compare(struct unique_rows *rows, struct slice values)
{
	if (hash_of(values) != rows->wanted)
		return DRIFT_OK;
	if (rows->first.size) {
		rows->same = slice_equal(buf_slice(&rows->first), values);
		return DRIFT_OK;
	}
	buf_add_slice(&rows->first, values);
	return buf_status(&rows->first);
}

/* One pass over the rows. */
static enum drift_err pass(struct unique_rows *rows, bool second)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf values = BUF_INIT;
	bool null;
	enum drift_err err = drift_scan(rows->view, rows->def->id, NULL, &cursor);

	if (err)
		return err;
	while (!rows->same && !(err = cursor->next(cursor, &version))) {
		err = values_of(rows, &version, &values, &null);
		if (!err && !null)
			err = second ? compare(rows, buf_slice(&values))
				     : keep_hash(rows, hash_of(buf_slice(&values)));
		if (err)
			break;
	}
	drift_cursor_close(cursor);
	buf_release(&values);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static int compare_hashes(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static enum drift_err refuse(const struct unique_rows *rows,
			     struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(buf_slice(&rows->first));
	struct buf text = BUF_INIT;
	struct slice value;
	enum drift_err err;

	for (unsigned i = 0; i < rows->index->column_count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "Key (",
			   rows->index->columns[i]);
	buf_add_str(&text, ")=(");
	for (unsigned i = 0; i < rows->index->column_count; i++) {
		buf_add_str(&text, i ? ", " : "");
		if (msg_skip(&cursor, &value) || refusal_add_value(value, &text))
			break;
	}
	err = drift_fail(error, DRIFT_KEY_EXISTS,
			 "could not create unique index \"%s\": %s) is duplicated.",
			 rows->index->name, buf_cstr(&text));
	buf_release(&text);
	return err;
}

enum drift_err stage_check_unique_rows(struct stage *stage,
				       const struct table_def *def,
				       const struct index_def *index,
				       struct drift_error *error)
{
	struct unique_rows rows = {
		.def = def,
		.index = index,
		.view = drift_view_live(stage->db),
	};
	enum drift_err err = pass(&rows, false);

	if (rows.count)
		qsort(rows.hashes, rows.count, sizeof(*rows.hashes), compare_hashes);
	for (size_t i = 1; i < rows.count && !err && !rows.same; i++) {
		if (rows.hashes[i] != rows.hashes[i - 1])
			continue;
		rows.wanted = rows.hashes[i];
		buf_clear(&rows.first);
		err = pass(&rows, true);
	}
	if (err)
		err = drift_fail_code(error, err);
	else if (rows.same)
		err = refuse(&rows, error);
	free(rows.hashes);
	buf_release(&rows.first);
	return err;
}
