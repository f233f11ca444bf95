/* SPDX-License-Identifier: MIT */
/* unique_rows.c - see unique_rows.h. */
#include "engine/unique_rows.h"

#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/cursor.h"
#include "engine/row_refusal.h"

struct unique_rows {
	const struct table_def *def;
	const struct index_def *index;
	struct drift_view view;
	struct unique_hashes *hashes;
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

void unique_hashes_release(struct unique_hashes *hashes)
{
	free(hashes->list);
	*hashes = (struct unique_hashes){ 0 };
}

static enum drift_err keep_hash(struct unique_hashes *hashes, uint64_t hash)
{
	size_t capacity = hashes->capacity ? 2 * hashes->capacity : 1024;
	uint64_t *list;

	if (hashes->count == hashes->capacity) {
		list = realloc(hashes->list, capacity * sizeof(*list));
		if (!list)
			return DRIFT_NOMEM;
		hashes->list = list;
		hashes->capacity = capacity;
	}
	hashes->list[hashes->count++] = hash;
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
				     : keep_hash(rows->hashes,
						 hash_of(buf_slice(&values)));
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

static void sort(struct unique_hashes *hashes)
{
	if (hashes->count)
		qsort(hashes->list, hashes->count, sizeof(*hashes->list),
		      compare_hashes);
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

/* Some rows have this hash twice: the same values, or only the same hash? */
static enum drift_err look_at(struct unique_rows *rows, uint64_t hash)
{
	rows->wanted = hash;
	buf_clear(&rows->first);
	return pass(rows, true);
}

static enum drift_err end(struct unique_rows *rows, enum drift_err err,
			  struct drift_error *error)
{
	if (err)
		err = drift_fail_code(error, err);
	else if (rows->same)
		err = refuse(rows, error);
	buf_release(&rows->first);
	return err;
}

enum drift_err unique_rows_read(struct drift_view view, const struct table_def *def,
				const struct index_def *index,
				struct unique_hashes *hashes,
				struct drift_error *error)
{
	struct unique_rows rows = {
		.def = def, .index = index, .view = view, .hashes = hashes
	};
	enum drift_err err = pass(&rows, false);

	sort(hashes);
	for (size_t i = 1; i < hashes->count && !err && !rows.same; i++)
		if (hashes->list[i] == hashes->list[i - 1])
			err = look_at(&rows, hashes->list[i]);
	return end(&rows, err, error);
}

/* ---- What has changed since ------------------------------------------------- */

/* How often a sorted list has the hash. */
static size_t occurrences(const struct unique_hashes *hashes, uint64_t hash)
{
	size_t low = 0, high = hashes->count, count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hashes->list[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < hashes->count && hashes->list[low] == hash; low++)
		count++;
	return count;
}

/* The row of the key as of seq, if it has one and its values can clash. */
static enum drift_err keep_row(struct unique_rows *rows, struct reading *reading,
			       struct slice key, drift_seq seq,
			       struct unique_hashes *hashes)
{
	struct buf memory = BUF_INIT, values = BUF_INIT;
	struct drift_version version;
	bool null = true;
	enum drift_err err =
		reading_get(reading, rows->def->id, key, seq, &memory, &version);

	if (!err && version.op != DRIFT_OP_DELETE)
		err = values_of(rows, &version, &values, &null);
	if (!err && !null)
		err = keep_hash(hashes, hash_of(buf_slice(&values)));
	buf_release(&memory);
	buf_release(&values);
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

static enum drift_err read_changes(struct unique_rows *rows, drift_seq seq,
				   struct unique_hashes *gone,
				   struct unique_hashes *come)
{
	struct drift_difference difference;
	struct drift_changes *changes;
	struct reading reading;
	enum drift_err err = reading_begin(&reading, rows->view.db);

	if (err)
		return err;
	err = drift_changes_open(drift_view_at(rows->view.db, seq), rows->view,
				 rows->def->id, NULL, &changes);
	while (!err && !(err = drift_changes_next(changes, &difference))) {
		err = keep_row(rows, &reading, difference.key, seq, gone);
		if (!err)
			err = keep_row(rows, &reading, difference.key,
				       rows->view.seq, come);
	}
	drift_changes_close(changes);
	reading_end(&reading);
	sort(gone);
	sort(come);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err unique_rows_read_on(struct drift_view view, drift_seq seq,
				   const struct table_def *def,
				   const struct index_def *index,
				   const struct unique_hashes *hashes,
				   struct drift_error *error)
{
	struct unique_rows rows = { .def = def, .index = index, .view = view };
	struct unique_hashes gone = { 0 }, come = { 0 };
	enum drift_err err = read_changes(&rows, seq, &gone, &come);

	for (size_t i = 0; i < come.count && !err && !rows.same; i++) {
		uint64_t hash = come.list[i];

		if (occurrences(hashes, hash) + occurrences(&come, hash) >
		    occurrences(&gone, hash) + 1)
			err = look_at(&rows, hash);
	}
	unique_hashes_release(&gone);
	unique_hashes_release(&come);
	return end(&rows, err, error);
}
