/* SPDX-License-Identifier: MIT */
/* image_scan.c - a cursor over an image. Where the range ends is found when it begins, so
 * a row costs no comparison. */
#include <stdlib.h>

#include "engine/cursor.h"

struct image_scan {
	struct drift_cursor face;
	struct image *image;
	struct image_cursor at, stop;
};

static enum drift_err image_scan_next(struct drift_cursor *cursor,
				      struct drift_version *version)
{
	struct image_scan *scan = (struct image_scan *)(void *)cursor;

	return image_next(&scan->at, &scan->stop, version);
}

static void image_scan_close(struct drift_cursor *cursor)
{
	struct image_scan *scan = (struct image_scan *)(void *)cursor;

	image_put(scan->image);
	free(scan);
}

/* Behind the keys that begin with prefix. */
static void seek_behind(struct image_cursor *cursor, const struct image *image,
			struct slice prefix)
{
	char bytes[KEY_BYTES_MAX + 1];

	memset(bytes, 0xff, sizeof(bytes));
	if (prefix.size > KEY_BYTES_MAX)
		prefix.size = KEY_BYTES_MAX;
	memcpy(bytes, prefix.data, prefix.size);
	image_seek(cursor, image, slice_of(bytes, sizeof(bytes)), true);
}

/* Stop at once where the range ends before it begins. */
static bool is_behind(const struct image_cursor *at, const struct image_cursor *stop)
{
	return at->chunk > stop->chunk ||
	       (at->chunk == stop->chunk && at->at > stop->at);
}

static void stand(struct image_scan *scan, const struct drift_range *range)
{
	const struct image *image = scan->image;
	struct drift_range all = { 0 };

	if (!range)
		range = &all;
	image_seek(&scan->at, image, range->low, range->low.data && range->low_open);
	if (range->prefix && range->low.data)
		seek_behind(&scan->stop, image, range->low);
	else if (range->high.data)
		image_seek(&scan->stop, image, range->high, !range->high_open);
	else
		image_stand_behind(&scan->stop, image);
	if (is_behind(&scan->at, &scan->stop))
		scan->at = scan->stop;
}

enum drift_err image_scan_open(struct drift_view view, uint32_t table_id,
			       struct image *image, const struct drift_range *range,
			       struct drift_cursor **cursor)
{
	struct image_scan *scan = calloc(1, sizeof(*scan));

	*cursor = NULL;
	if (!scan) {
		image_put(image);
		return DRIFT_NOMEM;
	}
	scan->face.next = image_scan_next;
	scan->face.close = image_scan_close;
	cursor_show(&scan->face, view, table_id);
	scan->image = image;
	stand(scan, range);
	*cursor = &scan->face;
	return DRIFT_OK;
}
