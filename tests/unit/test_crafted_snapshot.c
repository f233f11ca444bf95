/* SPDX-License-Identifier: MIT */
/* test_crafted_snapshot.c - snapshots that somebody made on purpose, every checksum right:
 * each is passed over, soon, and costs no row. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/crafted_site.h"
#include "tests/unit/zstd_by_hand.h"

/* The snapshot again: one block, its plain bytes as they were, or a bomb. */
static void craft_snapshot(const struct site *site, uint8_t window, bool has_size,
			   bool bomb)
{
	struct snapshot_reader *reader;
	struct buf file = BUF_INIT, plain = BUF_INIT, block = BUF_INIT;
	struct buf first = BUF_INIT;
	struct slice key;
	struct index_row row;
	char path[128], head[SNAPSHOT_ROW_HEAD_BYTES], entry[32] = "";
	int dir;

	snapshot_path(site, path);
	read_file(path, &file);
	*strrchr(path, '/') = 0;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(snapshot_reader_new(&io_system, dir, site->snapshot,
					     &reader, NULL),
			 DRIFT_OK);
	while (!snapshot_reader_next(reader, &key, &row)) {
		if (!first.size)
			buf_add_slice(&first, key);
		le32_put(head + 2, (uint32_t)row.row.size);
		head[0] = (char)key.size, head[1] = (char)(key.size >> 8);
		le64_put(head + 6, row.seq);
		le64_put(head + 14, (uint64_t)row.time);
		head[22] = row.integer_key;
		buf_add(&plain, head, sizeof(head));
		buf_add_slice(&plain, key);
		buf_add_slice(&plain, row.row);
	}
	snapshot_reader_free(reader);
	close(dir);
	if (bomb)
		zstd_bomb(&block, plain.size);
	else
		zstd_stored(&block, window, has_size ? plain.size : SIZE_MAX,
			    buf_slice(&plain));
	file.size = SNAPSHOT_HEADER_BYTES;
	buf_add_slice(&file, buf_slice(&block));
	le64_put(entry, SNAPSHOT_HEADER_BYTES);
	le32_put(entry + 8, (uint32_t)block.size);
	le32_put(entry + 12, (uint32_t)plain.size);
	le32_put(entry + 16, crc32c(0, block.data, block.size));
	entry[20] = (char)first.size, entry[21] = 0;
	le64_put(file.data + 96, file.size);
	buf_add(&file, entry, SNAPSHOT_TABLE_ENTRY_BYTES);
	buf_add_slice(&file, buf_slice(&first));
	le32_put(file.data + 84, 1);
	le64_put(file.data + 104, file.size - le64_get(file.data + 96));
	le32_put(file.data + 112, crc32c(0, file.data + le64_get(file.data + 96),
					 le64_get(file.data + 104)));
	le32_put(file.data + 124, crc32c(0, file.data, 124));
	snapshot_path(site, path);
	write_file(path, &file);
	buf_release(&file);
	buf_release(&plain);
	buf_release(&block);
	buf_release(&first);
}

static void snapshot_packed_by_hand(const struct site *site)
{
	craft_snapshot(site, WINDOW_128_KIB, true, false);
}

static void snapshot_without_content_size(const struct site *site)
{
	craft_snapshot(site, WINDOW_128_KIB, false, false);
}

static void snapshot_with_a_window_of_2_gib(const struct site *site)
{
	craft_snapshot(site, WINDOW_2_GIB, true, false);
}

static void snapshot_with_a_bomb(const struct site *site)
{
	craft_snapshot(site, 0, true, true);
}

static void snapshot_of_1_tib(const struct site *site)
{
	char path[128];

	snapshot_path(site, path);
	run("truncate -s 1T %s", path);
}

static void snapshot_is_a_pipe(const struct site *site)
{
	char path[128];

	snapshot_path(site, path);
	run("rm %s && mkfifo %s", path, path);
}

static void snapshot_is_a_symbolic_link(const struct site *site)
{
	char path[128];

	snapshot_path(site, path);
	run("mv %s %s/elsewhere && ln -s ../../../elsewhere %s", path, site->cage,
	    path);
}

static void crafted_snapshots_are_passed_over(void **state)
{
	static const struct craft crafts[] = {
		CRAFT(snapshot_packed_by_hand, DRIFT_OK, DRIFT_OK),
		CRAFT(snapshot_without_content_size, DRIFT_OK, DRIFT_CORRUPT),
		CRAFT(snapshot_with_a_window_of_2_gib, DRIFT_OK, DRIFT_CORRUPT),
		CRAFT(snapshot_with_a_bomb, DRIFT_OK, DRIFT_CORRUPT),
		CRAFT(snapshot_of_1_tib, DRIFT_OK, DRIFT_CORRUPT),
		CRAFT(snapshot_is_a_pipe, DRIFT_OK, DRIFT_CORRUPT),
		CRAFT(snapshot_is_a_symbolic_link, DRIFT_OK, DRIFT_CORRUPT),
	};

	CHECK_ALL(*state, crafts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crafted_snapshots_are_passed_over),
	};

	return cmocka_run_group_tests(tests, build_site, remove_site);
}
