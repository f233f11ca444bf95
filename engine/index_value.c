/* SPDX-License-Identifier: MIT */
/* index_value.c - the bytes of what stands in the index's spaces; see index.h. */
#include "engine/index.h"

#include "engine/msg_step.h"

/* Append the places of the row's members, as many as fit; none of what is no map. */
static void add_places(struct buf *out, struct slice row)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	bool wide = row.size > UINT8_MAX;
	size_t size_at = out->size;
	unsigned size = 0;
	uint32_t count = 0;

	buf_add_char(out, 0);
	if (row.size == 0 || row.size > UINT16_MAX || msg_read_map(&cursor, &count))
		return;
	for (; count > 0 && size + wide < INDEX_PLACES_BYTES_MAX; count--) {
		size_t place = (size_t)(cursor.at - (const uint8_t *)row.data);
		bool named = msg_step(&cursor);

		if (!named || !msg_step(&cursor))
			break;
		if (wide)
			buf_add_char(out, (char)(place >> 8));
		buf_add_char(out, (char)place);
		size += 1 + wide;
	}
	if (!buf_status(out))
		out->data[size_at] = (char)size;
}

void index_row_encode(const struct index_row *row, struct buf *out)
{
	buf_add_be64(out, row->seq);
	buf_add_be64(out, (uint64_t)row->time);
	buf_add_char(out, (char)row->integer_key);
	if (row->places.size) {
		buf_add_char(out, (char)row->places.size);
		buf_add_slice(out, row->places);
	} else {
		add_places(out, row->row);
	}
	buf_add_slice(out, row->row);
}

enum drift_err index_interval_decode(bool past, struct slice key,
				     struct slice stored,
				     struct index_interval *interval)
{
	const char *at = key.data;
	const uint8_t *size = stored.data;
	size_t value_size, head;

	if (stored.size != 10 || key.size < 4)
		return DRIFT_CORRUPT;
	value_size = (size_t)size[8] << 8 | size[9];
	head = 4 + value_size + (past ? 8 : 0);
	if (key.size <= head)
		return DRIFT_CORRUPT;
	interval->index_id = be32_get(at);
	interval->value = slice_of(at + 4, value_size);
	interval->from = be64_get(stored.data);
	interval->to = past ? be64_get(at + 4 + value_size) : 0;
	interval->key = slice_of(at + head, key.size - head);
	return DRIFT_OK;
}

#define MARK_BYTES 60

static void mark_encode(const struct index_mark *mark, char at[MARK_BYTES])
{
	be64_put(at, mark->seq);
	be64_put(at + 8, (uint64_t)mark->time);
	be64_put(at + 16, mark->tx);
	be64_put(at + 24, mark->segment);
	be64_put(at + 32, mark->end);
	be32_put(at + 40, mark->commit_size);
	be32_put(at + 44, mark->commit_crc);
	be32_put(at + 48, mark->segment_seed);
	be64_put(at + 52, mark->marked);
}

enum drift_err index_put_applied(struct index_writer *writer,
				 const struct index_mark *mark)
{
	char at[MARK_BYTES], format[4];
	enum drift_err err;

	mark_encode(mark, at);
	be32_put(format, INDEX_FORMAT);
	err = index_put(writer, INDEX_META, SLICE("format"), slice_of(format, 4));
	if (err)
		return err;
	return index_put(writer, INDEX_META, SLICE("applied"),
			 slice_of(at, sizeof(at)));
}

enum drift_err index_delete_applied(struct index_writer *writer)
{
	return index_delete(writer, INDEX_META, SLICE("applied"));
}

enum drift_err index_check_format(struct index_reader *reader)
{
	struct slice value;
	enum drift_err err = index_get(reader, INDEX_META, SLICE("format"), &value);

	if (err && err != DRIFT_DONE)
		return err;
	return !err && value.size == 4 && be32_get(value.data) == INDEX_FORMAT
		       ? DRIFT_OK
		       : DRIFT_CORRUPT;
}

enum drift_err index_applied(struct index_reader *reader, struct index_mark *mark)
{
	struct slice value;
	const char *at;
	enum drift_err err = index_get(reader, INDEX_META, SLICE("applied"), &value);

	if (err)
		return err;
	if (value.size != MARK_BYTES)
		return DRIFT_CORRUPT;
	at = value.data;
	mark->seq = be64_get(at);
	mark->time = (drift_time_ns)be64_get(at + 8);
	mark->tx = be64_get(at + 16);
	mark->segment = be64_get(at + 24);
	mark->end = be64_get(at + 32);
	mark->commit_size = be32_get(at + 40);
	mark->commit_crc = be32_get(at + 44);
	mark->segment_seed = be32_get(at + 48);
	mark->marked = be64_get(at + 52);
	return DRIFT_OK;
}
