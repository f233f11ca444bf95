/* SPDX-License-Identifier: MIT */
/* test_images.c - reads from images beside walks of the index that know of none; how much
 * memory images take, when they go, and who reads them meanwhile. */
#include "tests/unit/cmocka_test.h"

#include "engine/db.h"
#include "engine/scan.h"
#include "engine/thread.h"
#include "tests/unit/scratch_db.h"

#define KEYS 300
#define MANY 3000 /* so many that a scan of the past looks for another way soon */

static struct scratch s;
static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static int setup(void **state)
{
	(void)state;
	scratch_init(&s);
	s.options.fold_events_max = 50;
	s.options.image_rows_min = 1;
	s.options.snapshot_events_min = 40; /* look for other ways soon */
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&s);
	return 0;
}

static uint64_t image_bytes(void)
{
	struct drift_stats stats;

	drift_stats(s.db, &stats);
	return stats.image_bytes;
}

/* ---- Images beside walks that know of none ------------------------------------------- */

static void id_of(unsigned k, char id[16])
{
	snprintf(id, 16, "k%03u", k);
}

/* A transaction of some rows of any keys. */
static void change_some(unsigned keys, unsigned count)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned first = draw(keys), i = 0; i < count; i++) {
		id_of((first + i) % keys, id);
		if (draw(6) || scratch_value(&s, id) == NO_VALUE)
			assert_int_equal(scratch_write(&s, txn, id, draw(40),
						       draw(50) ? 10 : 400),
					 DRIFT_OK);
		else
			assert_int_equal(scratch_write(&s, txn, id, NO_VALUE, 0),
					 DRIFT_OK);
	}
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static void assert_same(const struct drift_version *a, const struct drift_version *b)
{
	assert_true(slice_equal(a->key, b->key));
	assert_true(slice_equal(a->row, b->row));
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->integer_key, b->integer_key);
	assert_true(a->op != DRIFT_OP_DELETE);
}

static bool in_range(struct slice key, const struct drift_range *range)
{
	int low = range->low.data ? slice_compare(key, range->low) : 1;
	int high = range->high.data ? slice_compare(key, range->high) : -1;

	if (low < (range->low_open ? 1 : 0))
		return false;
	if (range->prefix && range->low.data)
		return key.size >= range->low.size &&
		       memcmp(key.data, range->low.data, range->low.size) == 0;
	return high < (range->high_open ? 0 : 1);
}

/* What one cursor gives is what the walk does, as far as it is in the range. */
static void check_scan(struct drift_view view, const struct drift_range *range)
{
	struct drift_cursor *walk, *cursor;
	struct drift_version a, b;
	enum drift_err err;

	assert_int_equal(scan_walk(view, s.t->id, &walk), DRIFT_OK);
	assert_int_equal(drift_scan_again(view, s.t->id, range, &cursor), DRIFT_OK);
	while (!(err = drift_cursor_next(walk, &a))) {
		if (range && !in_range(a.key, range))
			continue;
		assert_int_equal(drift_cursor_next(cursor, &b), DRIFT_OK);
		assert_same(&a, &b);
	}
	assert_int_equal(err, DRIFT_DONE);
	assert_int_equal(drift_cursor_next(cursor, &b), DRIFT_DONE);
	drift_cursor_close(walk);
	drift_cursor_close(cursor);
}

static void check_any_range(struct drift_view view)
{
	struct buf low = BUF_INIT, high = BUF_INIT;
	struct drift_range range = { .low_open = draw(2), .high_open = draw(2) };
	char id[16];

	id_of(draw(KEYS), id);
	if (draw(4)) {
		range.low = scratch_key(id, &low);
		range.prefix = draw(4) == 0;
		if (range.prefix) /* without its last digit and what ends a text */
			range.low.size -= 2 + draw(2);
		range.low_open &= !range.prefix;
	}
	id_of(draw(KEYS), id);
	if (draw(4))
		range.high = scratch_key(id, &high);
	check_scan(view, &range);
	buf_release(&low);
	buf_release(&high);
}

/* Each row by its key, through look-ups that may have an image made on their way. */
static void check_keys(struct drift_view view)
{
	struct drift_lookup *lookup;
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT, memory = BUF_INIT;
	unsigned first = draw(KEYS);

	assert_int_equal(drift_lookup_open(view, s.t->id, &lookup), DRIFT_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		struct drift_version found, known;
		struct reading reading;
		enum drift_err err;
		char id[16];

		id_of((first + i) % KEYS, id);
		scratch_key(id, &key);
		assert_int_equal(reading_begin(&reading, s.db), DRIFT_OK);
		err = reading_get(&reading, s.t->id, buf_slice(&key), view.seq,
				  &memory, &known);
		if (!err && known.op == DRIFT_OP_DELETE)
			err = DRIFT_NO_ROW;
		assert_int_equal(drift_lookup_get(lookup, buf_slice(&key), &found),
				 err);
		if (!err)
			assert_same(&found, &known);
		assert_int_equal(drift_get(view, s.t->id, buf_slice(&key), &row),
				 err);
		if (!err)
			assert_same(&row.version, &known);
		reading_end(&reading);
	}
	drift_lookup_close(lookup);
	drift_row_release(&row);
	buf_release(&key);
	buf_release(&memory);
}

/* Rows that have the value, by the index and by the walk. */
static void check_index(struct drift_view view)
{
	struct buf value = BUF_INIT;
	struct drift_range range = { .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	unsigned found = 0, known = 0;
	int64_t wanted = draw(40);

	key_add_int(&value, wanted);
	range.low = buf_slice(&value);
	assert_int_equal(drift_index_scan(view, s.t->id, &s.t->indexes[0], &range,
					  &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version))
		found++;
	drift_cursor_close(cursor);
	assert_int_equal(scan_walk(view, s.t->id, &cursor), DRIFT_OK);
	while (!drift_cursor_next(cursor, &version)) {
		struct msg_cursor at;
		struct slice v;
		int64_t is;

		assert_int_equal(msg_member(version.row, SLICE("v"), &v), DRIFT_OK);
		at = msg_cursor_of(v);
		assert_int_equal(msg_read_int(&at, &is), DRIFT_OK);
		known += is == wanted;
	}
	drift_cursor_close(cursor);
	assert_int_equal(found, known);
	buf_release(&value);
}

/* Now, and at moments of which the same few are asked for again and again. */
static void check_moments(const drift_seq *moments, unsigned count)
{
	drift_seq seq = moments[draw(count)];
	struct drift_view view =
		draw(2) ? drift_view_live(s.db) : drift_view_at(s.db, seq);

	check_scan(view, NULL);
	check_any_range(view);
	if (draw(4) == 0)
		check_keys(view);
	check_index(view);
}

static void reads_of_any_moment_answer_the_same_from_images(void **state)
{
	drift_seq moments[6] = { 0 };
	unsigned rounds = getenv("SLOW") ? 60 : 300, images = 0;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		if (draw(4) == 0)
			change_some(KEYS, 1 + draw(200));
		if (draw(8) == 0)
			assert_int_equal(drift_fold(s.db), DRIFT_OK);
		if (i < 6 || draw(30) == 0)
			moments[draw(6)] = drift_head(s.db);
		check_moments(moments, 6);
		images += image_bytes() > 0;
	}
	assert_true(images > rounds / 4); /* or it tested nothing */
}

/* Each moment is read once. */
static void a_moment_that_moves_on_goes_by_an_image_and_what_changed(void **state)
{
	unsigned images = 0;
	drift_seq first;
	uint64_t one;

	(void)state;
	change_some(MANY, MANY);
	first = drift_head(s.db);
	for (unsigned i = 0; i < 80; i++)
		change_some(MANY, 1 + draw(50));
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	for (drift_seq seq = first; seq < drift_head(s.db); seq += 1 + draw(60)) {
		one = image_bytes();
		check_scan(drift_view_at(s.db, seq), NULL);
		images += image_bytes() > one;
	}
	/* One does for a sixteenth of the rows. */
	assert_in_range(images, 5, 40);
}

/* ---- What they may take ----------------------------------------------------------------- */

static void fill(unsigned count, size_t pad)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < count; i++) {
		id_of(i, id);
		assert_int_equal(scratch_write(&s, txn, id, i, pad), DRIFT_OK);
	}
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static void read_thrice(drift_seq seq)
{
	for (unsigned i = 0; i < 3; i++)
		check_scan(drift_view_at(s.db, seq), NULL);
}

static void images_that_were_not_used_for_longest_make_room(void **state)
{
	const uint64_t most = 600 << 10;
	uint64_t one;

	(void)state;
	scratch_close(&s);
	s.options.image_bytes_max = most;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (unsigned i = 0; i < 4; i++)
		fill(KEYS, 500 + i);
	read_thrice(1 * KEYS);
	one = image_bytes();
	assert_true(one > (uint64_t)KEYS * 500 && one < most / 2);
	read_thrice(2 * KEYS);
	assert_int_equal(image_bytes(), 2 * one);
	for (unsigned i = 0; i < 20; i++) {
		read_thrice((1 + draw(4)) * KEYS);
		assert_true(image_bytes() <= most);
		assert_true(image_bytes() >= one);
	}
}

static void a_table_that_is_too_large_gets_no_image(void **state)
{
	(void)state;
	scratch_close(&s);
	s.options.image_bytes_max = 300 << 10;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(KEYS, 100);
	read_thrice(KEYS);
	assert_true(image_bytes() > 0);
	fill(KEYS, 4000);
	read_thrice(2 * KEYS);
	read_thrice(2 * KEYS);
	assert_true(image_bytes() <= s.options.image_bytes_max);
	s.options.image_bytes_max = 1;
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	read_thrice(KEYS);
	assert_int_equal(image_bytes(), 0);
}

static void a_scan_that_is_not_read_to_its_end_leaves_none(void **state)
{
	struct drift_cursor *cursor;
	struct drift_version version;

	(void)state;
	fill(KEYS, 10);
	check_scan(drift_view_live(s.db), NULL);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(drift_scan_again(drift_view_live(s.db), s.t->id,
						  NULL, &cursor),
				 DRIFT_OK);
		assert_int_equal(drift_cursor_next(cursor, &version), DRIFT_OK);
		drift_cursor_close(cursor);
		assert_int_equal(image_bytes(), 0);
	}
	check_scan(drift_view_live(s.db), NULL);
	check_scan(drift_view_live(s.db), NULL);
	assert_true(image_bytes() > 0);
}

static void an_image_of_the_present_goes_when_its_table_changes(void **state)
{
	(void)state;
	fill(KEYS, 10);
	read_thrice(KEYS);
	assert_true(image_bytes() > 0);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_true(image_bytes() > 0);
	assert_int_equal(scratch_put(&s, "k000", 9, 0), DRIFT_OK);
	check_scan(drift_view_live(s.db), NULL);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(image_bytes(), 0);
}

static void a_transaction_reads_its_own_writes_beside_an_image(void **state)
{
	struct drift_view view = drift_view_live(s.db);
	struct drift_cursor *cursor;
	struct drift_version version;
	struct drift_txn *txn;
	unsigned count = 0;

	(void)state;
	fill(KEYS, 10);
	read_thrice(KEYS);
	view = drift_view_live(s.db);
	assert_int_equal(drift_txn_new(s.db, view.seq, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "k000", NO_VALUE, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "k001", NO_VALUE, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "more", 1, 0), DRIFT_OK);
	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	assert_int_equal(drift_scan_again(view, s.t->id, NULL, &cursor), DRIFT_OK);
	while (!drift_cursor_next(cursor, &version))
		count++;
	drift_cursor_close(cursor);
	drift_txn_free(txn);
	assert_int_equal(count, KEYS - 1);
}

/* ---- Many at a time ---------------------------------------------------------------------- */

static _Atomic bool over;

/* Each transaction writes all rows with one value: any moment shows one alone. */
static void *read_values(void *arg)
{
	_Atomic unsigned *rounds = arg;

	while (!atomic_load(&over)) {
		struct drift_cursor *cursor;
		struct drift_version version;
		struct slice first = { 0 }, v;
		struct buf value = BUF_INIT;

		if (drift_scan_again(drift_view_live(s.db), s.t->id, NULL, &cursor))
			break;
		while (!drift_cursor_next(cursor, &version)) {
			if (msg_member(version.row, SLICE("v"), &v))
				abort();
			if (!first.data) {
				buf_add_slice(&value, v);
				first = buf_slice(&value);
			}
			if (!slice_equal(first, v))
				abort();
		}
		drift_cursor_close(cursor);
		buf_release(&value);
		atomic_fetch_add(rounds, 1);
	}
	return NULL;
}

static void write_all(int64_t v)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		id_of(i, id);
		assert_int_equal(scratch_write(&s, txn, id, v, 0), DRIFT_OK);
	}
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static void readers_and_a_writer_see_whole_states(void **state)
{
	_Atomic unsigned rounds = 0;
	pthread_t readers[3];

	(void)state;
	write_all(0);
	atomic_store(&over, false);
	for (unsigned i = 0; i < 3; i++)
		assert_true(thread_start(&readers[i], read_values, &rounds));
	for (int64_t v = 1; v <= 20; v++) {
		unsigned until = atomic_load(&rounds) + 8;

		write_all(v);
		while (atomic_load(&rounds) < until)
			usleep(100);
	}
	atomic_store(&over, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_of_any_moment_answer_the_same_from_images),
		TEST(a_moment_that_moves_on_goes_by_an_image_and_what_changed),
		TEST(images_that_were_not_used_for_longest_make_room),
		TEST(a_table_that_is_too_large_gets_no_image),
		TEST(a_scan_that_is_not_read_to_its_end_leaves_none),
		TEST(an_image_of_the_present_goes_when_its_table_changes),
		TEST(a_transaction_reads_its_own_writes_beside_an_image),
		TEST(readers_and_a_writer_see_whole_states),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
