/* SPDX-License-Identifier: MIT */
/* test_image.c - an image beside a sorted list of the same keys: each place in it, and
 * each walk from there. */
#include "engine/image.h"

#include "tests/unit/cmocka_test.h"

static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

#define LIST_MAX 40000 /* many to each head that stands apart */
#define NUMBERS NULL   /* in place of what all keys begin with */

struct list {
	struct buf keys[LIST_MAX];
	unsigned count;
};

static int compare_bufs(const void *a, const void *b)
{
	return slice_compare(buf_slice(a), buf_slice(b));
}

/* Keys that begin alike, are each other's beginnings, or have NULs. */
static void draw_key(struct buf *key, const char *common)
{
	static const char bytes[] = { 0, 1, 'a', 'b', (char)0xff };
	unsigned size = draw(12);

	buf_clear(key);
	if (!common) {
		key_add_int(key, (int64_t)draw(1u << (1 + draw(20))) - 1000);
		return;
	}
	buf_add_str(key, common);
	for (unsigned i = 0; i < size; i++)
		buf_add_char(key, bytes[draw(sizeof(bytes))]);
}

static void draw_list(struct list *list, unsigned count, const char *common)
{
	unsigned kept = 0;

	*list = (struct list){ 0 };
	for (unsigned i = 0; i < count; i++)
		draw_key(&list->keys[i], common);
	qsort(list->keys, count, sizeof(*list->keys), compare_bufs);
	for (unsigned i = 0; i < count; i++)
		if (kept && compare_bufs(&list->keys[kept - 1], &list->keys[i]) == 0)
			buf_release(&list->keys[i]);
		else
			list->keys[kept++] = list->keys[i];
	list->count = kept;
}

static struct image *image_of(const struct list *list)
{
	struct image *image = image_new(1, 7);
	struct buf row = BUF_INIT;

	assert_non_null(image);
	for (unsigned i = 0; i < list->count; i++) {
		struct drift_version version = { .key = buf_slice(&list->keys[i]),
						 .seq = i + 1 };

		buf_clear(&row);
		msg_add_map(&row, 1);
		msg_add_text(&row, SLICE("n"));
		msg_add_int(&row, i);
		/* Now and then one that fills a chunk alone. */
		if (draw(1000) == 0)
			for (unsigned k = draw(200000); k > 0; k--)
				buf_add_char(&row, 0);
		version.row = buf_slice(&row);
		assert_int_equal(image_add(image, &version), DRIFT_OK);
	}
	assert_int_equal(image_finish(image), DRIFT_OK);
	buf_release(&row);
	return image;
}

static unsigned place_in(const struct list *list, struct slice key, bool after)
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = slice_compare(buf_slice(&list->keys[middle]), key);

		if (order < 0 || (order == 0 && after))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void check_seek(const struct image *image, const struct list *list,
		       struct slice key)
{
	bool after = draw(2);
	unsigned i = place_in(list, key, after), end;
	struct image_cursor cursor, stop;
	struct drift_version version;
	struct buf high = BUF_INIT;
	bool there = i < list->count && slice_equal(buf_slice(&list->keys[i]), key);

	draw_key(&high, draw(2) ? "common " : draw(2) ? "" : NUMBERS);
	end = place_in(list, buf_slice(&high), false);
	image_seek(&cursor, image, key, after);
	image_seek(&stop, image, buf_slice(&high), false);
	for (unsigned steps = 0; i < end && steps < 500; i++, steps++) {
		assert_int_equal(image_next(&cursor, &stop, &version), DRIFT_OK);
		assert_int_equal(version.seq, i + 1);
		assert_true(slice_equal(version.key, buf_slice(&list->keys[i])));
	}
	if (i == end)
		assert_int_equal(image_next(&cursor, &stop, &version), DRIFT_DONE);
	if (!after)
		assert_int_equal(image_get(image, key, &version), there);
	buf_release(&high);
}

static void an_image_finds_what_a_sorted_list_does(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 9, 100, 3000, LIST_MAX };
	static const char *const begin[] = { "common ", "", NUMBERS };
	static struct list list;
	struct buf key = BUF_INIT;

	(void)state;
	for (unsigned n = 0; n < 3 * sizeof(sizes) / sizeof(*sizes); n++) {
		const char *common = begin[n % 3];
		struct image *image;

		draw_list(&list, sizes[n / 3], common);
		image = image_of(&list);
		check_seek(image, &list, (struct slice){ 0 });
		for (unsigned i = 0; i < list.count && i < 400; i++)
			check_seek(image, &list,
				   buf_slice(&list.keys[draw(list.count)]));
		for (unsigned i = 0; i < 400; i++) {
			draw_key(&key, draw(4) ? common : draw(2) ? "com" : NUMBERS);
			check_seek(image, &list, buf_slice(&key));
		}
		image_put(image);
		for (unsigned i = 0; i < list.count; i++)
			buf_release(&list.keys[i]);
	}
	buf_release(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_finds_what_a_sorted_list_does),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
