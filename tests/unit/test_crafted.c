/* SPDX-License-Identifier: MIT */
/* test_crafted.c - frames that somebody made on purpose at the log's end, every checksum
 * right: lengths and counts that cannot be, nesting without end. Opening and verify say
 * DRIFT_CORRUPT, soon, in little memory, and touch nothing else. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/crafted_site.h"

struct tail {
	char path[128];
	struct buf bytes; /* of the newest segment */
	struct segment_header header;
	drift_seq seq; /* of the next event */
	drift_time_ns time;
};

static void tail_begin(const struct site *site, struct tail *tail)
{
	*tail = (struct tail){ .seq = site->newest + 10 };
	segment_path(site, site->newest, tail->path);
	read_file(tail->path, &tail->bytes);
	assert_int_equal(segment_header_decode((uint8_t *)tail->bytes.data,
					       &tail->header),
			 DRIFT_OK);
	tail->time = 4000000000000000000;
}

/* An event of t whose row is these bytes. */
static void tail_event(const struct site *site, struct tail *tail, struct slice row)
{
	struct buf key = BUF_INIT;

	frame_add_event(&tail->bytes, tail->header.crc, tail->seq, tail->time,
			DRIFT_OP_INSERT, false,
			&(struct frame_event){ .table_id = site->table_id,
					       .key = scratch_key("made", &key),
					       .row = row });
	buf_release(&key);
}

/* Close the transaction, which says that all before it was durable. */
static void tail_end(struct tail *tail, drift_seq seq, uint32_t count)
{
	frame_add_commit(&tail->bytes, tail->header.crc, seq, tail->time,
			 &(struct frame_commit){ .tx = 100000,
						 .count = count,
						 .synced = tail->bytes.size });
	write_file(tail->path, &tail->bytes);
	buf_release(&tail->bytes);
}

static void craft_length(const struct site *site, uint32_t length)
{
	struct tail tail;
	size_t at;

	tail_begin(site, &tail);
	at = tail.bytes.size;
	tail_event(site, &tail, SLICE("\x80"));
	le32_put(tail.bytes.data + at, length);
	le32_put(tail.bytes.data + at + 4,
		 frame_checksum(slice_of(tail.bytes.data + at, tail.bytes.size - at),
				tail.header.crc));
	tail_end(&tail, tail.seq, 1);
}

static void length_of_all_ones(const struct site *site)
{
	craft_length(site, UINT32_MAX);
}

static void length_beyond_the_file(const struct site *site)
{
	craft_length(site, FRAME_BODY_BYTES_MAX);
}

static void craft_row(const struct site *site, struct slice row)
{
	struct tail tail;

	tail_begin(site, &tail);
	tail_event(site, &tail, row);
	tail_end(&tail, tail.seq, 1);
}

static void map_of_2_to_28_in_5_bytes(const struct site *site)
{
	craft_row(site, slice_of("\xdf\x10\0\0\0", 5));
}

static void list_of_2_to_28_in_5_bytes(const struct site *site)
{
	craft_row(site, slice_of("\x81\xa1v\xdd\x10\0\0\0", 8));
}

static void text_of_4_gib_in_5_bytes(const struct site *site)
{
	craft_row(site, slice_of("\x81\xa1v\xdb\xff\xff\xff\xff", 8));
}

static void a_million_levels(const struct site *site)
{
	struct buf row = BUF_INIT;

	buf_add(&row, "\x81\xa1v", 3);
	for (unsigned i = 0; i < 1000000; i++)
		buf_add_char(&row, '\x91');
	buf_add_char(&row, '\xc0');
	craft_row(site, buf_slice(&row));
	buf_release(&row);
}

static void definition_of_a_million_levels(const struct site *site)
{
	struct buf definition = BUF_INIT;
	struct tail tail;

	for (unsigned i = 0; i < 1000000; i++)
		buf_add_char(&definition, '\x91');
	buf_add_char(&definition, '\xc0');
	tail_begin(site, &tail);
	frame_add_ddl(&tail.bytes, tail.header.crc, tail.seq, tail.time,
		      &(struct frame_ddl){ .op = DDL_DEFINE,
					   .table_id = 77,
					   .sql = SLICE("CREATE TABLE x"),
					   .definition = buf_slice(&definition) });
	tail_end(&tail, tail.seq - 1, 0);
	buf_release(&definition);
}

static void commit_that_counts_4_billion(const struct site *site)
{
	struct tail tail;

	tail_begin(site, &tail);
	tail_event(site, &tail, SLICE("\x80"));
	tail_end(&tail, tail.seq, UINT32_MAX);
}

static void seq_of_2_to_62(const struct site *site)
{
	struct tail tail;

	tail_begin(site, &tail);
	tail.seq = (drift_seq)1 << 62;
	tail_event(site, &tail, SLICE("\x80"));
	tail_end(&tail, tail.seq, 1);
}

static void crafted_frames_are_refused(void **state)
{
	static const struct craft crafts[] = {
		REFUSED(length_of_all_ones),
		REFUSED(length_beyond_the_file),
		REFUSED(map_of_2_to_28_in_5_bytes),
		REFUSED(list_of_2_to_28_in_5_bytes),
		REFUSED(text_of_4_gib_in_5_bytes),
		REFUSED(a_million_levels),
		REFUSED(definition_of_a_million_levels),
		REFUSED(commit_that_counts_4_billion),
		REFUSED(seq_of_2_to_62),
	};

	CHECK_ALL(*state, crafts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crafted_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, build_site, remove_site);
}
