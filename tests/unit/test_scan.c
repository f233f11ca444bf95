/* SPDX-License-Identifier: MIT */
/* test_scan.c - scans of rows that stand partly in the index, which is read in runs, and
 * partly in memtables and a transaction's own writes, compared with a model: whole
 * tables and ranges, now and as of the past; and where members stand in rows. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include "engine/index.h"
#include "engine/msg_step.h"
#include "tests/unit/scratch_db.h"

#define KEYS 400
#define MOMENTS 12

static struct scratch s;
static uint64_t seed;
static int64_t states[MOMENTS][KEYS];
static drift_seq seqs[MOMENTS];

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static void id_of(unsigned key, char id[16])
{
	snprintf(id, 16, "r%04u", key);
}

/* Rows of one to some hundred bytes, so that places of both widths are met. */
static void change(struct drift_txn *txn, int64_t *state, unsigned key)
{
	int64_t v = draw(4) ? (int64_t)draw(100000) : NO_VALUE;
	char id[16];

	if (v == NO_VALUE && state[key] == NO_VALUE)
		return;
	id_of(key, id);
	assert_int_equal(scratch_write(&s, txn, id, v, draw(8) ? draw(20) : 400),
			 DRIFT_OK);
	state[key] = v;
}

static void change_some(int64_t *state, unsigned count)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < count; i++)
		change(txn, state, draw(KEYS));
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

/* Of v, by the version's places where it has them: they must tell the truth. */
static int64_t value_of(const struct drift_version *version)
{
	const uint8_t *places = version->places.data;
	struct slice member;
	struct msg_cursor cursor;
	int64_t v;

	assert_int_equal(msg_member(version->row, SLICE("v"), &member), DRIFT_OK);
	if (version->places.size) {
		struct msg_step_name name = msg_step_name_of("v", 1);
		bool wide = version->row.size > 255;
		size_t place = wide ? (size_t)places[2] << 8 | places[3] : places[1];

		assert_int_equal(version->places.size, wide ? 6 : 3);
		cursor = msg_cursor_of(version->row);
		cursor.at += place;
		assert_true(msg_step_over_name(&cursor, &name));
		assert_ptr_equal(cursor.at, member.data);
	}
	cursor = msg_cursor_of(member);
	assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	return v;
}

static void draw_range(struct drift_range *range, struct buf *low, struct buf *high,
		       unsigned *from, unsigned *to)
{
	char id[16];

	*range = (struct drift_range){ .low_open = draw(2), .high_open = draw(2) };
	*from = 0;
	*to = KEYS;
	if (draw(3)) {
		*from = draw(KEYS);
		id_of(*from, id);
		range->low = scratch_key(id, low);
		*from += range->low_open;
	}
	if (draw(3)) {
		*to = draw(KEYS);
		id_of(*to, id);
		range->high = scratch_key(id, high);
		*to += !range->high_open;
	}
}

static void check(struct drift_view view, const int64_t *state)
{
	struct buf low = BUF_INIT, high = BUF_INIT, key = BUF_INIT;
	struct drift_cursor *cursor;
	struct drift_version version;
	struct drift_range range;
	unsigned i, to;
	char id[16];
	enum drift_err err;

	draw_range(&range, &low, &high, &i, &to);
	assert_int_equal(drift_scan(view, s.t->id, &range, &cursor), DRIFT_OK);
	for (; (err = drift_cursor_next(cursor, &version)) == DRIFT_OK; i++) {
		while (i < to && state[i] == NO_VALUE)
			i++;
		assert_true(i < to);
		id_of(i, id);
		assert_true(slice_equal(version.key, scratch_key(id, &key)));
		assert_int_equal(value_of(&version), state[i]);
	}
	assert_int_equal(err, DRIFT_DONE);
	for (; i < to; i++)
		assert_int_equal(state[i], NO_VALUE);
	drift_cursor_close(cursor);
	buf_release(&low);
	buf_release(&high);
	buf_release(&key);
}

/* A transaction's own writes stand before all layers. */
static void check_own(const int64_t *newest)
{
	struct drift_view view = drift_view_live(s.db);
	struct drift_txn *txn;
	int64_t state[KEYS];

	memcpy(state, newest, sizeof(state));
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = draw(60); i > 0; i--)
		change(txn, state, draw(KEYS));
	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	for (unsigned i = 0; i < 4; i++)
		check(view, state);
	drift_txn_free(txn);
}

static void run(uint64_t from)
{
	static const unsigned counts[] = { 1, 3, 30, 300 };

	seed = from;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (unsigned i = 0; i < KEYS; i++)
		states[0][i] = NO_VALUE;
	change_some(states[0], 600);
	seqs[0] = drift_head(s.db);
	for (unsigned m = 1; m < MOMENTS; m++) {
		if (draw(2))
			assert_int_equal(drift_fold(s.db), DRIFT_OK);
		memcpy(states[m], states[m - 1], sizeof(states[m]));
		change_some(states[m], counts[draw(4)]);
		seqs[m] = drift_head(s.db);
		for (unsigned past = 0; past <= m; past++)
			check(drift_view_at(s.db, seqs[past]), states[past]);
		check_own(states[m]);
	}
	scratch_remove(&s);
}

static void runs_and_layers_come_as_one_order(void **state)
{
	(void)state;
	for (uint64_t from = 1; from <= 6; from++)
		run(from);
}

/* Does place number i of the row lead to member number i? */
static void check_place(const struct index_row *row, unsigned i)
{
	const uint8_t *places = row->places.data;
	bool wide = row->row.size > 255;
	size_t place =
		wide ? (size_t)places[2 * i] << 8 | places[2 * i + 1] : places[i];
	struct msg_cursor cursor = msg_cursor_of(row->row);
	struct slice name;
	char expected[16];

	cursor.at += place;
	snprintf(expected, sizeof(expected), "m%u", i);
	assert_int_equal(msg_read_text(&cursor, &name), DRIFT_OK);
	assert_true(slice_equal(name, slice_str(expected)));
}

/* What index_row_encode makes of a document, taken apart again. */
static struct index_row encoded(struct slice document, struct buf *bytes)
{
	struct index_row row = { .seq = 7, .time = 9, .row = document };

	buf_clear(bytes);
	index_row_encode(&row, bytes);
	row = (struct index_row){ 0 };
	assert_int_equal(index_row_decode(buf_slice(bytes), &row), DRIFT_OK);
	assert_int_equal(row.seq, 7);
	assert_true(slice_equal(row.row, document));
	return row;
}

static void places_are_as_many_as_fit(void **state)
{
	static const struct {
		unsigned members, size, places;
	} cases[] = { { 0, 1, 0 },     { 1, 1, 1 },     { 15, 3, 15 },
		      { 20, 20, 40 },  { 127, 4, 254 }, { 128, 4, 254 },
		      { 300, 1, 254 }, { 2, 40000, 0 } };
	struct buf document = BUF_INIT, bytes = BUF_INIT, text = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct index_row row;

		buf_clear(&document);
		buf_clear(&text);
		for (unsigned k = 0; k < cases[i].size; k++)
			buf_add_char(&text, 'x');
		msg_add_map(&document, cases[i].members);
		for (unsigned k = 0; k < cases[i].members; k++) {
			char name[16];

			snprintf(name, sizeof(name), "m%u", k);
			msg_add_text(&document, slice_str(name));
			msg_add_text(&document, buf_slice(&text));
		}
		row = encoded(buf_slice(&document), &bytes);
		assert_int_equal(row.places.size, cases[i].places);
		for (unsigned k = 0; k < row.places.size >> (row.row.size > 255);
		     k++)
			check_place(&row, k);
	}
	/* Bytes that are no map have none, and no value is read beyond its end. */
	assert_int_equal(encoded(SLICE("\x93"), &bytes).places.size, 0);
	buf_clear(&document);
	msg_add_map(&document, 1);
	msg_add_text(&document, SLICE("m"));
	msg_add_int(&document, 1);
	encoded(buf_slice(&document), &bytes);
	bytes.data[17] = (char)(bytes.size - 17);
	assert_int_equal(index_row_decode(buf_slice(&bytes),
					  &(struct index_row){ 0 }),
			 DRIFT_CORRUPT);
	buf_release(&document);
	buf_release(&bytes);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_and_layers_come_as_one_order),
		cmocka_unit_test(places_are_as_many_as_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
