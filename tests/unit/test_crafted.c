/* SPDX-License-Identifier: MIT */
/* test_crafted.c - files that somebody made on purpose, every checksum right: lengths
 * and counts that cannot be, nesting without end, frames that unpack to gigabytes, names
 * and kinds of files that no segment has. Opening and verify say DRIFT_CORRUPT (a
 * snapshot is passed over), soon, in little memory, and touch nothing else. */
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/crc32c.h"
#include "engine/snapshot_file.h"
#include "tests/unit/scratch_db.h"

#define SECONDS_MAX 2.0
#define RSS_KIB_MAX (256 << 10)

#ifdef __SANITIZE_ADDRESS__
#define SLOWER 10
#else
#define SLOWER 1
#endif
#ifdef __SANITIZE_THREAD__
#define SLOWEST 10
#else
#define SLOWEST 1
#endif

struct site {
	struct scratch
		scratch;  /* the model: a packed segment, a newest one, a snapshot */
	char cage[64];    /* all that a case may see */
	char dir[80];     /* its copy of the model */
	drift_seq newest; /* segment */
	drift_seq snapshot;
	uint32_t table_id;
};

/* ---- The model -------------------------------------------------------------------- */

static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static void write_some(struct scratch *s, unsigned from, unsigned to)
{
	char id[16];

	for (; from < to; from++) {
		snprintf(id, sizeof(id), "k%03u", from);
		assert_int_equal(scratch_put(s, id, from, 100), DRIFT_OK);
	}
}

static int build_site(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	struct scratch *s = &site->scratch;

	*state = site;
	scratch_init(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	site->table_id = s->t->id;
	write_some(s, 0, 100);
	site->snapshot = drift_head(s->db);
	assert_int_equal(drift_snapshot(s->db, site->table_id, NULL, &s->error),
			 DRIFT_OK);
	assert_int_equal(drift_compact(s->db, NULL, &s->error), DRIFT_OK);
	site->newest = drift_head(s->db) + 1;
	write_some(s, 100, 110);
	scratch_close(s);
	run("rm -r %s/index", s->dir);
	snprintf(site->cage, sizeof(site->cage), "%s-cage", s->dir);
	snprintf(site->dir, sizeof(site->dir), "%s/db", site->cage);
	run("mkdir %s", site->cage);
	return 0;
}

static int remove_site(void **state)
{
	struct site *site = *state;

	run("rm -r %s", site->cage);
	scratch_remove(&site->scratch);
	free(site);
	return 0;
}

/* ---- Files ------------------------------------------------------------------------ */

static void segment_path(const struct site *site, drift_seq seq, char path[128])
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(seq, name);
	snprintf(path, 128, "%s/log/%s", site->dir, name);
}

static void snapshot_path(const struct site *site, char path[128])
{
	char name[SNAPSHOT_NAME_BYTES];

	snapshot_name(site->snapshot, name);
	snprintf(path, 128, "%s/snapshots/%" PRIu32 "/%s", site->dir, site->table_id,
		 name);
}

static void read_file(const char *path, struct buf *bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	buf_clear(bytes);
	assert_non_null(buf_reserve(bytes, (size_t)st.st_size + 1));
	assert_int_equal(read(fd, bytes->data, (size_t)st.st_size), st.st_size);
	bytes->size = (size_t)st.st_size;
	close(fd);
}

static void write_file(const char *path, const struct buf *bytes)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0 && !buf_status(bytes));
	assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
	close(fd);
}

/* ---- Frames at the log's end ---------------------------------------------------------- */

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

/* ---- zstd frames by hand (RFC 8878) ----------------------------------------------------- */

#define ZSTD_BLOCK_MAX (128u << 10)

/* window: its descriptor byte; content_size: SIZE_MAX for none. */
static void zstd_head(struct buf *out, uint8_t window, size_t content_size)
{
	char size[8];

	buf_add(out, "\x28\xb5\x2f\xfd", 4);
	buf_add_char(out, content_size == SIZE_MAX ? 0 : '\xc0');
	buf_add_char(out, (char)window);
	le64_put(size, content_size);
	if (content_size != SIZE_MAX)
		buf_add(out, size, 8);
}

static void zstd_block(struct buf *out, unsigned type, bool last, size_t size,
		       struct slice bytes)
{
	uint32_t head = (uint32_t)(size << 3 | type << 1 | last);
	char at[4];

	le32_put(at, head);
	buf_add(out, at, 3);
	buf_add_slice(out, bytes);
}

/* `size` zeros: 4 bytes for each 128 KiB of them. */
static void zstd_zeros(struct buf *out, uint64_t size)
{
	for (uint64_t n; size > 0; size -= n) {
		n = size < ZSTD_BLOCK_MAX ? size : ZSTD_BLOCK_MAX;
		zstd_block(out, 1, n == size, n, slice_of("", 1));
	}
}

enum { WINDOW_128_KIB = 7 << 3, WINDOW_4_MIB = 12 << 3, WINDOW_2_GIB = 21 << 3 };

/* plain's bytes as they are, in a frame with this head. */
static void zstd_stored(struct buf *out, uint8_t window, size_t content_size,
			struct slice plain)
{
	assert_true(plain.size <= ZSTD_BLOCK_MAX);
	zstd_head(out, window, content_size);
	zstd_block(out, 0, true, plain.size, plain);
}

static void zstd_bomb(struct buf *out, size_t claimed)
{
	zstd_head(out, WINDOW_128_KIB, claimed);
	zstd_zeros(out, (uint64_t)4 << 30);
}

/* ---- A packed segment ------------------------------------------------------------------ */

static void plain_segment(const char *path, struct buf *plain)
{
	int fd = open(path, O_RDONLY);
	struct pack_cache cache;
	struct pack *pack;
	size_t got;

	assert_int_equal(pack_open(&io_system, fd, &pack), DRIFT_OK);
	pack_cache_init(&cache);
	assert_non_null(buf_reserve(plain, pack_size(pack)));
	assert_int_equal(pack_read(pack, &cache, &io_system, fd, plain->data,
				   pack_size(pack), 0, &got),
			 DRIFT_OK);
	plain->size = got;
	pack_cache_release(&cache);
	pack_free(pack);
	close(fd);
}

/* A file of `count` equal blocks that claims so many bytes unpacked. */
static void write_pack(const char *path, uint32_t block_bytes, uint64_t size,
		       uint32_t count, struct slice block)
{
	uint64_t blocks_at = PACK_HEAD_BYTES + 16 * (uint64_t)count;
	struct buf old = BUF_INIT, out = BUF_INIT;
	uint32_t crc = crc32c(0, block.data, block.size);
	char entry[16];

	read_file(path, &old);
	buf_add(&out, old.data, PACK_HEAD_BYTES);
	le32_put(out.data + 12, block_bytes);
	le64_put(out.data + 16, size);
	le32_put(out.data + 24, count);
	for (uint32_t i = 0; i < count; i++) {
		le64_put(entry, blocks_at + i * block.size);
		le32_put(entry + 8, (uint32_t)block.size);
		le32_put(entry + 12, crc);
		buf_add(&out, entry, sizeof(entry));
	}
	crc = crc32c(0, out.data, 28);
	crc = crc32c(crc, out.data + 32, out.size - 32);
	le32_put(out.data + 28, crc);
	for (uint32_t i = 0; i < count; i++)
		buf_add_slice(&out, block);
	write_file(path, &out);
	buf_release(&old);
	buf_release(&out);
}

/* The packed segment again, its one block made by hand; cut: of its plain bytes. */
static void craft_pack(const struct site *site, uint8_t window, bool has_size,
		       bool bomb)
{
	struct buf plain = BUF_INIT, block = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	plain_segment(path, &plain);
	if (bomb)
		zstd_bomb(&block, plain.size);
	else
		zstd_stored(&block, window, has_size ? plain.size : SIZE_MAX,
			    buf_slice(&plain));
	write_pack(path, PACK_BLOCK_BYTES_MAX, plain.size, 1, buf_slice(&block));
	buf_release(&plain);
	buf_release(&block);
}

static void segment_packed_by_hand(const struct site *site)
{
	craft_pack(site, WINDOW_128_KIB, true, false);
}

static void segment_without_content_size(const struct site *site)
{
	craft_pack(site, WINDOW_128_KIB, false, false);
}

static void segment_with_a_window_of_2_gib(const struct site *site)
{
	craft_pack(site, WINDOW_2_GIB, true, false);
}

static void segment_with_a_bomb(const struct site *site)
{
	craft_pack(site, 0, true, true);
}

/* Every block is what its head says: 4 MiB. */
static void craft_bombs(const struct site *site, uint32_t blocks)
{
	struct buf block = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	zstd_head(&block, WINDOW_4_MIB, PACK_BLOCK_BYTES_MAX);
	zstd_zeros(&block, PACK_BLOCK_BYTES_MAX);
	write_pack(path, PACK_BLOCK_BYTES_MAX,
		   (uint64_t)blocks * PACK_BLOCK_BYTES_MAX, blocks,
		   buf_slice(&block));
	buf_release(&block);
}

static void segment_of_many_bombs(const struct site *site)
{
	craft_bombs(site, 1 << 18);
}

static void segment_of_as_many_bombs_as_are_allowed(const struct site *site)
{
	craft_bombs(site, PACK_BYTES_MAX / PACK_BLOCK_BYTES_MAX);
}

static void segment_that_unpacks_to_exabytes(const struct site *site)
{
	char path[128];

	segment_path(site, 1, path);
	write_pack(path, PACK_BLOCK_BYTES_MAX, UINT64_MAX, 1, SLICE("x"));
}

static void craft_table_of_blocks(const struct site *site, unsigned field,
				  uint64_t value, unsigned bytes)
{
	struct buf file = BUF_INIT;
	char path[128];
	uint32_t crc, count;

	segment_path(site, 1, path);
	read_file(path, &file);
	count = le32_get(file.data + 24);
	for (unsigned i = 0; i < bytes; i++)
		file.data[field + i] = (char)(value >> 8 * i);
	crc = crc32c(0, file.data, 28);
	crc = crc32c(crc, file.data + 32, PACK_HEAD_BYTES - 32 + 16 * (size_t)count);
	le32_put(file.data + 28, crc);
	write_file(path, &file);
	buf_release(&file);
}

static void segment_of_4_billion_blocks(const struct site *site)
{
	craft_table_of_blocks(site, 24, UINT32_MAX, 4);
}

static void block_beyond_the_file(const struct site *site)
{
	craft_table_of_blocks(site, PACK_HEAD_BYTES, UINT64_MAX - 100, 8);
}

static void block_of_4_gib(const struct site *site)
{
	craft_table_of_blocks(site, PACK_HEAD_BYTES + 8, UINT32_MAX, 4);
}

/* ---- Files that are no segments ------------------------------------------------------- */

static void segment_of_another_database(const struct site *site)
{
	struct buf format = BUF_INIT;
	char path[128];

	snprintf(path, sizeof(path), "%s/FORMAT", site->dir);
	read_file(path, &format);
	format.data[format.size - 2] =
		format.data[format.size - 2] == '0' ? '1' : '0';
	write_file(path, &format);
	buf_release(&format);
}

static void replace(const struct site *site, drift_seq seq, const char *by)
{
	char path[128];

	segment_path(site, seq, path);
	run("mv %s %s/elsewhere", path, site->cage);
	run(by, path);
}

static void segment_is_a_symbolic_link(const struct site *site)
{
	replace(site, site->newest, "ln -s ../../elsewhere %s");
}

static void sealed_segment_is_a_symbolic_link(const struct site *site)
{
	replace(site, 1, "ln -s ../../elsewhere %s");
}

static void segment_is_a_pipe(const struct site *site)
{
	replace(site, site->newest, "mkfifo %s");
}

static void sealed_segment_is_a_pipe(const struct site *site)
{
	replace(site, 1, "mkfifo %s");
}

static void segment_is_a_directory(const struct site *site)
{
	replace(site, site->newest, "mkdir %s");
}

static void segment_is_a_device(const struct site *site)
{
	/* Who may make none here gets a pipe. */
	replace(site, site->newest,
		"p=%s; mknod \"$p\" c 1 5 2>/dev/null || mkfifo \"$p\"");
}

static void segment_has_two_names(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("ln %s %s/elsewhere", path, site->cage);
}

static void log_is_a_symbolic_link(const struct site *site)
{
	run("mv %s/log %s/elsewhere && ln -s ../elsewhere %s/log", site->dir,
	    site->cage, site->dir);
}

static void newest_segment_of_1_tib(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("truncate -s 1T %s", path);
}

static void newest_segment_with_room_of_900_mib(const struct site *site)
{
	char path[128];

	segment_path(site, site->newest, path);
	run("truncate -s 900M %s", path);
}

static void packed_segment_of_1_tib(const struct site *site)
{
	char path[128];

	segment_path(site, 1, path);
	run("truncate -s 1T %s", path);
}

/* Zeros follow where none belong. */
static void plain_sealed_segment_of_1_tib(const struct site *site)
{
	struct buf plain = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	plain_segment(path, &plain);
	write_file(path, &plain);
	run("truncate -s 1T %s", path);
	buf_release(&plain);
}

/* Not a name that a segment has: never opened, whatever it is. */
static void names_that_no_segment_has(const struct site *site)
{
	run("cd %s/log && ln -s /etc/passwd ..%%2F..%%2Fpasswd.seg && mkfifo "
	    "0000000000000000000x.seg 1.seg ...seg 000000000000000000001.seg",
	    site->dir);
}

/* ---- Snapshots ---------------------------------------------------------------------- */

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

/* ---- What becomes of them --------------------------------------------------------------- */

static void ignore_line(void *arg, const char *line)
{
	(void)arg;
	if (getenv("SAY"))
		fprintf(stderr, "  %s\n", line);
}

/* Open it and scan the table as of the snapshot's moment and now: in a child. */
static enum drift_err try_opening(const struct site *site)
{
	struct drift_options options = { .report = ignore_line };
	struct drift_cursor *cursor;
	struct drift_error error;
	struct drift_db *db;
	enum drift_err err = drift_open(site->dir, &options, &db, &error);
	uint64_t rows = 0;

	if (err) {
		ignore_line(NULL, error.text);
		return err;
	}
	err = drift_scan(drift_view_at(db, site->snapshot), site->table_id, NULL,
			 &cursor);
	while (!err) {
		struct drift_version version;

		err = drift_cursor_next(cursor, &version);
		rows += !err;
	}
	drift_cursor_close(cursor);
	drift_close(db);
	/* A snapshot's fault costs no row. */
	if (err == DRIFT_DONE)
		return rows == 100 ? DRIFT_OK : DRIFT_BAD_ARGUMENT;
	return err;
}

static enum drift_err try_verify(const struct site *site)
{
	struct drift_verify_report report;
	struct drift_error error;
	struct drift_log *log;
	enum drift_err err = drift_log_open(site->dir, &log, &error);

	if (err) {
		ignore_line(NULL, error.text);
		return err;
	}
	err = drift_log_verify(log, NULL, ignore_line, NULL, &report);
	drift_log_close(log);
	return err;
}

static enum drift_err try_verify_open(const struct site *site)
{
	struct drift_options options = { .report = ignore_line };
	struct drift_verify_report report;
	struct drift_db *db;
	enum drift_err err = drift_open(site->dir, &options, &db, NULL);

	if (!err)
		err = drift_verify(db, NULL, NULL, ignore_line, NULL, &report);
	drift_close(db);
	return err;
}

/* The answer of a process of its own, which must come soon and cheap. */
static enum drift_err answer(const char *name, const struct site *site,
			     enum drift_err (*attempt)(const struct site *site))
{
	struct rusage usage;
	double seconds;
	int status;
	pid_t child;

	child = fork();
	if (child == 0) {
		alarm(30 * SLOWER * SLOWEST);
		_exit((int)attempt(site));
	}
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	/* Its own time: others run on this machine. */
	seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (getenv("SAY"))
		fprintf(stderr, "%s: status %x, %.2f s, %ld KiB\n", name, status,
			seconds, usage.ru_maxrss);
	if (!WIFEXITED(status))
		fail_msg("%s: ended by signal %d", name, WTERMSIG(status));
	if (seconds > SECONDS_MAX * SLOWER * SLOWEST)
		fail_msg("%s: took %.2f s", name, seconds);
	if (SLOWER * SLOWEST == 1 && usage.ru_maxrss > RSS_KIB_MAX)
		fail_msg("%s: took %ld KiB", name, usage.ru_maxrss);
	return (enum drift_err)WEXITSTATUS(status);
}

struct craft {
	const char *name;
	void (*make)(const struct site *site);
	enum drift_err opening, verify;
};

#define CRAFT(name, opening, verify)         \
	{                                    \
#name, name, opening, verify \
	}
#define REFUSED(name) CRAFT(name, DRIFT_CORRUPT, DRIFT_CORRUPT)

static void check(const struct site *site, const struct craft *craft)
{
	enum drift_err err;

	run("rm -rf %s/* && cp -a %s %s", site->cage, site->scratch.dir, site->dir);
	run("echo precious >%s/bystander", site->cage);
	craft->make(site);
	run("cd %s && find . -path ./db -prune -o -printf '%%p %%y %%s %%T@ "
	    "%%C@\\n' "
	    "| sort >%s/before",
	    site->cage, site->scratch.dir);
	err = answer(craft->name, site,
		     craft->opening ? try_verify : try_verify_open);
	if (err != craft->verify)
		fail_msg("%s: verify: %s", craft->name, drift_err_text(err));
	err = answer(craft->name, site, try_opening);
	if (err != craft->opening)
		fail_msg("%s: opening: %s", craft->name, drift_err_text(err));
	run("cd %s && find . -path ./db -prune -o -printf '%%p %%y %%s %%T@ "
	    "%%C@\\n' "
	    "| sort | cmp - %s/before",
	    site->cage, site->scratch.dir);
	run("rm %s/before", site->scratch.dir);
}

static void check_all(const struct site *site, const struct craft *crafts,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(site, &crafts[i]);
}

#define CHECK_ALL(site, crafts) \
	check_all(site, crafts, sizeof(crafts) / sizeof(*(crafts)))

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

static void crafted_packs_are_refused(void **state)
{
	static const struct craft crafts[] = {
		CRAFT(segment_packed_by_hand, DRIFT_OK, DRIFT_OK),
		REFUSED(segment_without_content_size),
		REFUSED(segment_with_a_window_of_2_gib),
		REFUSED(segment_with_a_bomb),
		REFUSED(segment_of_many_bombs),
		REFUSED(segment_of_as_many_bombs_as_are_allowed),
		REFUSED(segment_that_unpacks_to_exabytes),
		REFUSED(segment_of_4_billion_blocks),
		REFUSED(block_beyond_the_file),
		REFUSED(block_of_4_gib),
	};

	CHECK_ALL(*state, crafts);
}

static void what_is_no_segment_is_refused(void **state)
{
	static const struct craft crafts[] = {
		REFUSED(segment_of_another_database),
		REFUSED(segment_is_a_symbolic_link),
		REFUSED(sealed_segment_is_a_symbolic_link),
		REFUSED(segment_is_a_pipe),
		REFUSED(sealed_segment_is_a_pipe),
		REFUSED(segment_is_a_directory),
		REFUSED(segment_is_a_device),
		REFUSED(segment_has_two_names),
		REFUSED(log_is_a_symbolic_link),
		REFUSED(newest_segment_of_1_tib),
		CRAFT(newest_segment_with_room_of_900_mib, DRIFT_OK, DRIFT_OK),
		REFUSED(packed_segment_of_1_tib),
		REFUSED(plain_sealed_segment_of_1_tib),
		CRAFT(names_that_no_segment_has, DRIFT_OK, DRIFT_OK),
	};

	CHECK_ALL(*state, crafts);
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
		cmocka_unit_test(crafted_frames_are_refused),
		cmocka_unit_test(crafted_packs_are_refused),
		cmocka_unit_test(what_is_no_segment_is_refused),
		cmocka_unit_test(crafted_snapshots_are_passed_over),
	};

	return cmocka_run_group_tests(tests, build_site, remove_site);
}
