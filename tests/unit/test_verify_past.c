/* SPDX-License-Identifier: MIT */
/* test_verify_past.c - intervals of a secondary index that are well formed, have the
 * right CRC, and are not what the log tells, and a count of rows that is wrong: verify finds
 * each, and nothing in an index that is as it should be. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include "engine/index.h"
#include "tests/unit/scratch_db.h"

#define KEYS 12
#define PUTS 400

static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

/* Few values, so that rows keep them, leave them and come back. */
static void fill(struct scratch *s)
{
	bool there[KEYS] = { false };
	char id[16];

	for (int i = 0; i < PUTS; i++) {
		unsigned k = draw(KEYS);
		bool gone = there[k] && draw(6) == 0;

		snprintf(id, sizeof(id), "k%02u", k);
		assert_int_equal(scratch_put(s, id, gone ? NO_VALUE : (int)draw(3),
					     1 + (unsigned)i),
				 DRIFT_OK);
		there[k] = !gone;
		if (draw(40) == 0)
			assert_int_equal(drift_fold(s->db), DRIFT_OK);
	}
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
}

/* The last lines of what verify said. */
static char said[4096];

static void hear(void *arg, const char *line)
{
	size_t used = strlen(said);

	(void)arg;
	snprintf(said + used, sizeof(said) - used, "%s\n", line);
}

static enum drift_err verify(struct scratch *s)
{
	struct drift_verify_report report;
	struct drift_error error;
	struct drift_log *log;
	enum drift_err err;

	said[0] = 0;
	assert_int_equal(drift_log_open(s->dir, &log, &error), DRIFT_OK);
	err = drift_log_verify(log, NULL, hear, NULL, &report);
	drift_log_close(log);
	return err;
}

/* An entry of a space, copied. */
struct entry {
	struct buf key, value;
};

static void entry_copy(struct entry *entry, const struct entry *from)
{
	buf_clear(&entry->key);
	buf_clear(&entry->value);
	buf_add_slice(&entry->key, buf_slice(&from->key));
	buf_add_slice(&entry->value, buf_slice(&from->value));
}

static void entry_release(struct entry *entry)
{
	buf_release(&entry->key);
	buf_release(&entry->value);
}

static struct index *open_index(struct scratch *s)
{
	struct drift_error error;
	struct index *index;
	char path[128];

	snprintf(path, sizeof(path), "%s/index", s->dir);
	assert_int_equal(index_open(path, &index, &error), DRIFT_OK);
	return index;
}

/* Take `old` away and put `new` there, either NULL: nothing. */
static void replace(struct scratch *s, enum index_space space,
		    const struct entry *old, const struct entry *new)
{
	struct index *index = open_index(s);
	struct index_writer *writer;

	assert_int_equal(index_write_begin(index, &writer), DRIFT_OK);
	if (old)
		assert_int_equal(index_delete(writer, space, buf_slice(&old->key)),
				 DRIFT_OK);
	if (new)
		assert_int_equal(index_put(writer, space, buf_slice(&new->key),
					   buf_slice(&new->value)),
				 DRIFT_OK);
	assert_int_equal(index_commit(writer), DRIFT_OK);
	index_close(index);
}

/* The entries of a space, every `step`th. */
static unsigned pick(struct scratch *s, enum index_space space, unsigned step,
		     struct entry *entries, unsigned max)
{
	struct index *index = open_index(s);
	struct index_reader *reader;
	struct index_cursor *cursor;
	struct slice key, value;
	unsigned seen = 0, count = 0;
	enum drift_err err;

	assert_int_equal(index_read_begin(index, &reader), DRIFT_OK);
	assert_int_equal(index_cursor_open(reader, space, &cursor), DRIFT_OK);
	err = index_step(cursor, INDEX_FIRST, &key, &value);
	for (; !err; err = index_step(cursor, INDEX_NEXT, &key, &value)) {
		if (seen++ % step || count == max)
			continue;
		entries[count] = (struct entry){ BUF_INIT, BUF_INIT };
		buf_add_slice(&entries[count].key, key);
		buf_add_slice(&entries[count++].value, value);
	}
	assert_int_equal(err, DRIFT_DONE);
	index_cursor_close(cursor);
	index_read_end(index, reader);
	index_close(index);
	return count;
}

/* Where `to` stands in the key of an interval that ended. */
static char *to_of(struct entry *entry)
{
	size_t size = (size_t)(uint8_t)entry->value.data[8] << 8 |
		      (uint8_t)entry->value.data[9];

	return entry->key.data + 4 + size;
}

/* As something that is not so; false: it cannot be for this one. */
typedef bool damage_fn(struct entry *entry);

static bool begin_later(struct entry *entry)
{
	uint64_t from = be64_get(entry->value.data) + 1;

	be64_put(entry->value.data, from);
	return from < be64_get(to_of(entry));
}

static bool begin_earlier(struct entry *entry)
{
	uint64_t from = be64_get(entry->value.data);

	be64_put(entry->value.data, from - KEYS);
	return from > KEYS + 1;
}

static bool end_later(struct entry *entry)
{
	uint64_t to = be64_get(to_of(entry));

	be64_put(to_of(entry), to + 1);
	return to < PUTS / 2;
}

static bool another_row(struct entry *entry)
{
	char *last = entry->key.data + entry->key.size - 2;

	*last = *last == '3' ? '4' : '3';
	return true;
}

static bool current_begins_later(struct entry *entry)
{
	uint64_t from = be64_get(entry->value.data) + 1;

	be64_put(entry->value.data, from);
	return from <= PUTS;
}

static bool one_row_more(struct entry *entry)
{
	be64_put(entry->value.data, be64_get(entry->value.data) + 1);
	return true;
}

/* Damage each of some entries, verify, and put it back; how often it was found. */
static unsigned try_each(struct scratch *s, enum index_space space,
			 damage_fn *damage, bool keep)
{
	struct entry entries[20], other = { BUF_INIT, BUF_INIT };
	/* Of some there are few. */
	unsigned step = space == INDEX_PAST ? 9 : 1;
	unsigned count = pick(s, space, step, entries, 20), found = 0;

	for (unsigned i = 0; i < count; i++) {
		entry_copy(&other, &entries[i]);
		if (damage && damage(&other)) {
			replace(s, space, keep ? NULL : &entries[i], &other);
			found += verify(s) == DRIFT_CORRUPT &&
				 strstr(said, "index: ");
			replace(s, space, &other, &entries[i]);
		} else if (!damage) {
			replace(s, space, &entries[i], NULL);
			found += verify(s) == DRIFT_CORRUPT &&
				 strstr(said, "\"v\" of table \"t\"");
			replace(s, space, NULL, &entries[i]);
		}
		assert_int_equal(verify(s), DRIFT_OK);
		entry_release(&entries[i]);
	}
	entry_release(&other);
	return found;
}

static void what_the_log_does_not_tell_of_is_found(void **state)
{
	struct scratch s;

	(void)state;
	seed = test_seed();
	scratch_init(&s);
	s.options.fold_events_max = 16;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	scratch_close(&s);
	assert_int_equal(verify(&s), DRIFT_OK);
	assert_int_equal(try_each(&s, INDEX_PAST, NULL, false), 20);
	assert_true(try_each(&s, INDEX_PAST, begin_later, false) > 8);
	assert_true(try_each(&s, INDEX_PAST, begin_earlier, false) > 8);
	assert_true(try_each(&s, INDEX_PAST, end_later, false) > 2);
	assert_int_equal(try_each(&s, INDEX_PAST, another_row, false), 20);
	/* One too many. */
	assert_true(try_each(&s, INDEX_PAST, end_later, true) > 2);
	assert_true(try_each(&s, INDEX_VALUES, current_begins_later, false) > 0);
	assert_int_equal(try_each(&s, INDEX_TABLES, one_row_more, false), 1);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_log_does_not_tell_of_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
