/* SPDX-License-Identifier: MIT */
/* written.c - keys and rows, one after the other in memory. */
#include "query/written.h"

#include <stdlib.h>

void written_release(struct written *written)
{
	buf_release(&written->bytes);
	free(written->rows);
	*written = (struct written){ 0 };
}

void written_clear(struct written *written)
{
	written->wanted = false;
	written->count = 0;
	buf_clear(&written->bytes);
}

enum drift_err written_add(struct written *written, struct slice key,
			   struct slice row)
{
	if (!written->wanted)
		return DRIFT_OK;
	if (written->count == written->capacity) {
		unsigned capacity = written->capacity * 2 + 16;
		struct written_row *rows =
			realloc(written->rows, capacity * sizeof(*rows));

		if (!rows)
			return DRIFT_NOMEM;
		written->rows = rows;
		written->capacity = capacity;
	}
	written->rows[written->count++] =
		(struct written_row){ written->bytes.size, key.size, row.size };
	buf_add_slice(&written->bytes, key);
	buf_add_slice(&written->bytes, row);
	return buf_status(&written->bytes);
}

static struct slice key_of(const struct written *written, unsigned i)
{
	return slice_of(written->bytes.data + written->rows[i].key_at,
			written->rows[i].key_size);
}

struct drift_version written_get(const struct written *written, unsigned i)
{
	const struct written_row *row = &written->rows[i];

	return (struct drift_version){
		.key = key_of(written, i),
		.row = slice_of(written->bytes.data + row->key_at + row->key_size,
				row->row_size),
		.op = DRIFT_OP_UPDATE,
	};
}

static int compare(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

struct slice written_twice(const struct written *written, enum drift_err *err)
{
	struct slice none = { NULL, 0 };
	struct slice *keys = calloc(written->count + 1, sizeof(*keys));

	*err = keys ? DRIFT_OK : DRIFT_NOMEM;
	if (!keys)
		return none;
	for (unsigned i = 0; i < written->count; i++)
		keys[i] = key_of(written, i);
	qsort(keys, written->count, sizeof(*keys), compare);
	for (unsigned i = 1; i < written->count && !none.data; i++)
		if (slice_equal(keys[i - 1], keys[i]))
			none = keys[i];
	free(keys);
	return none;
}
