/* SPDX-License-Identifier: MIT */
#include "engine/catalog.h"
#include "tests/unit/documents.h"

static void set_key(struct table_def *def, unsigned count, const unsigned *columns)
{
	def->key_count = count;
	def->key_columns = malloc(count * sizeof(*columns));
	assert_non_null(def->key_columns);
	memcpy(def->key_columns, columns, count * sizeof(*columns));
}

/* CREATE TABLE users (id INTEGER, team TEXT, name VARCHAR(20) NOT NULL DEFAULT 'x',
 * score REAL, PRIMARY KEY (team, id), UNIQUE INDEX by_name (name, score)) */
static struct table_def *users(void)
{
	struct table_def *def = table_def_new("users");
	struct column_def *column;
	struct index_def *index;

	table_def_add_column(def, "id")->type = DRIFT_INTEGER;
	table_def_add_column(def, "team")->type = DRIFT_TEXT;
	column = table_def_add_column(def, "name");
	column->type = DRIFT_TEXT;
	column->length_max = 20;
	column->not_null = true;
	column->has_default = true;
	msg_add_text(&column->default_value, SLICE("x"));
	free(column->declared);
	column->declared = strdup("VARCHAR(20)");
	table_def_add_column(def, "score")->type = DRIFT_REAL;
	set_key(def, 2, (const unsigned[]){ 1, 0 });
	index = table_def_add_index(def, "by_name");
	index->id = 12;
	index->unique = true;
	assert_int_equal(index_def_add_column(index, "name"), DRIFT_OK);
	assert_int_equal(index_def_add_column(index, "score"), DRIFT_OK);
	def->id = 7;
	free(def->sql);
	def->sql = strdup("CREATE TABLE users (...)");
	return def;
}

static struct table_def *events(void)
{
	struct table_def *def = table_def_new("events");

	def->document = true;
	table_def_add_column(def, "id");
	set_key(def, 1, (const unsigned[]){ 0 });
	return def;
}

static void assert_same(const struct table_def *a, const struct table_def *b)
{
	struct buf left = BUF_INIT;
	struct buf right = BUF_INIT;

	assert_int_equal(table_def_encode(a, &left), DRIFT_OK);
	assert_int_equal(table_def_encode(b, &right), DRIFT_OK);
	assert_true(slice_equal(buf_slice(&left), buf_slice(&right)));
	buf_release(&left);
	buf_release(&right);
}

static void a_definition_reads_back(void **state)
{
	struct table_def *def = users();
	struct table_def *back = NULL;
	struct buf bytes = BUF_INIT;

	(void)state;
	assert_int_equal(table_def_check(def, NULL), DRIFT_OK);
	assert_int_equal(table_def_encode(def, &bytes), DRIFT_OK);
	assert_int_equal(table_def_decode(buf_slice(&bytes), &back), DRIFT_OK);
	assert_same(def, back);
	assert_int_equal(back->id, 7);
	assert_string_equal(back->columns[2].declared, "VARCHAR(20)");
	assert_int_equal(back->columns[2].length_max, 20);
	assert_true(back->columns[2].not_null && back->columns[2].has_default);
	assert_int_equal(back->columns[3].type, DRIFT_REAL);
	assert_int_equal(back->key_columns[0], 1);
	assert_true(back->indexes[0].unique);
	assert_int_equal(back->indexes[0].id, 12);
	assert_string_equal(back->indexes[0].columns[1], "score");
	assert_string_equal(back->sql, "CREATE TABLE users (...)");
	buf_release(&bytes);
	table_def_free(def);
	table_def_free(back);
}

static void a_copy_is_deep(void **state)
{
	struct table_def *def = users();
	struct table_def *copy;

	(void)state;
	def->created_seq = 3;
	def->from_seq = 9;
	def->created_time = 11;
	copy = table_def_copy(def);
	assert_non_null(copy);
	assert_same(def, copy);
	assert_ptr_not_equal(copy->columns[0].name, def->columns[0].name);
	assert_true(copy->created_seq == 3 && copy->from_seq == 9 &&
		    copy->created_time == 11);
	table_def_free(def);
	assert_string_equal(copy->indexes[0].columns[0], "name");
	table_def_free(copy);
	table_def_free(NULL);
}

static void columns_keys_and_indexes_are_found(void **state)
{
	struct table_def *def = users();
	enum key_kind kinds[TABLE_KEY_PARTS_MAX];

	(void)state;
	assert_ptr_equal(table_def_column(def, SLICE("team")), &def->columns[1]);
	assert_null(table_def_column(def, SLICE("tea")));
	assert_null(table_def_column(def, SLICE("TEAM")));
	table_def_key_kinds(def, kinds);
	assert_int_equal(kinds[0], KEY_TEXT);
	assert_int_equal(kinds[1], KEY_INT);
	table_def_free(def);
}

static void assert_faulty(struct table_def *def, enum drift_err code,
			  const char *text)
{
	struct drift_error error = { 0 };

	assert_int_equal(table_def_check(def, &error), code);
	assert_string_equal(error.text, text);
	table_def_free(def);
}

static void the_first_fault_is_told(void **state)
{
	struct table_def *def;
	char name[300];
	unsigned i;

	(void)state;
	assert_faulty(table_def_new(""), DRIFT_BAD_NAME, "invalid table name: \"\"");
	assert_faulty(table_def_new("t"), DRIFT_BAD_DEFINITION,
		      "table \"t\" has 0 columns, must have 1 to 500");
	memset(name, 'a', 201);
	name[201] = '\0';
	def = table_def_new(name);
	assert_int_equal(table_def_check(def, NULL), DRIFT_NAME_TOO_LONG);
	table_def_free(def);
	def = table_def_new("\xff");
	assert_faulty(def, DRIFT_BAD_TEXT, "invalid table name: \"\xff\"");

	def = users();
	table_def_add_column(def, "NAME");
	assert_faulty(def, DRIFT_COLUMN_EXISTS,
		      "column \"NAME\" specified more than once");
	def = users();
	def->key_count = 0;
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "key of table \"users\" has 0 columns, must have 1 to 8");
	def = users();
	def->key_columns[1] = 4;
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "key of table \"users\" names no column");
	def = users();
	def->key_columns[1] = 1;
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "column \"team\" appears twice in primary key constraint");
	def = users();
	def->columns[0].type = DRIFT_JSON;
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "column \"id\" of type json cannot be in a key");
	def = users();
	assert_int_equal(index_def_add_column(&def->indexes[0], "nose"), DRIFT_OK);
	assert_faulty(def, DRIFT_NO_COLUMN, "column \"nose\" does not exist");
	def = users();
	assert_int_equal(index_def_add_column(table_def_add_index(def, "BY_NAME"),
					      "id"),
			 DRIFT_OK);
	assert_faulty(def, DRIFT_INDEX_EXISTS,
		      "relation \"BY_NAME\" already exists");
	def = users();
	table_def_add_index(def, "empty");
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "index \"empty\" has 0 columns, must have 1 to 8");
	def = users();
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		table_def_add_column(def, name);
	}
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "table \"users\" has 504 columns, must have 1 to 500");
	def = events();
	table_def_add_column(def, "type");
	assert_faulty(def, DRIFT_BAD_DEFINITION,
		      "document table \"events\" can only declare its key");
}

static void a_document_table_indexes_any_member(void **state)
{
	struct table_def *def = events();

	(void)state;
	assert_int_equal(index_def_add_column(table_def_add_index(def, "type"),
					      "type"),
			 DRIFT_OK);
	assert_int_equal(table_def_check(def, NULL), DRIFT_OK);
	table_def_free(def);
}

static void members_from_the_future_are_stepped_over(void **state)
{
	struct buf bytes = BUF_INIT;
	struct table_def *def = NULL;

	(void)state;
	assert_int_equal(
		table_def_decode(packed(&bytes,
					"{\"views\":[{\"a\":1}],\"name\":\"t\","
					"\"key\":[0],\"document\":true,"
					"\"columns\":[{\"collation\":null,\"name\":"
					"\"id\"}],\"id\":4}"),
				 &def),
		DRIFT_OK);
	assert_string_equal(def->name, "t");
	assert_int_equal(def->id, 4);
	assert_int_equal(def->columns[0].type, DRIFT_ANY);
	assert_string_equal(def->columns[0].declared, "");
	table_def_free(def);
	buf_release(&bytes);
}

static void damage_is_refused(void **state)
{
	static const char *const damaged[] = {
		"[]",
		"{}",
		"{\"name\":1}",
		"{\"id\":-1}",
		"{\"id\":4294967296}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}]}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}],\"key\":[1]}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}],\"key\":[-1]}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}],\"key\":[0],"
		"\"key\":[0]}",
		"{\"name\":\"t\",\"columns\":[{\"type\":\"int\"}],\"key\":[0]}",
		"{\"name\":\"t\",\"columns\":[1],\"key\":[0]}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}],\"key\":[0],"
		"\"indexes\":[{\"name\":\"i\"}]}",
		"{\"name\":\"t\",\"columns\":[{\"name\":\"id\"}],\"key\":[0],"
		"\"document\":1}",
	};
	struct buf bytes = BUF_INIT;
	struct table_def *def = NULL;
	struct drift_error error;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		buf_clear(&bytes);
		/* the parser would not let a duplicate member through */
		if (json_parse_value(slice_str(damaged[i]), &bytes, &error))
			continue;
		if (table_def_decode(buf_slice(&bytes), &def) != DRIFT_CORRUPT)
			fail_msg("taken: %s", damaged[i]);
	}
	assert_null(def);
	buf_release(&bytes);
}

static void each_cut_and_each_flip_is_survived(void **state)
{
	struct table_def *def = users();
	struct table_def *back;
	struct buf bytes = BUF_INIT;
	size_t i;
	int bit;

	(void)state;
	assert_int_equal(table_def_encode(def, &bytes), DRIFT_OK);
	for (i = 0; i < bytes.size; i++)
		assert_int_equal(table_def_decode(slice_of(bytes.data, i), &back),
				 DRIFT_CORRUPT);
	for (i = 0; i < bytes.size; i++) {
		for (bit = 0; bit < 8; bit++) {
			bytes.data[i] ^= (char)(1 << bit);
			if (table_def_decode(buf_slice(&bytes), &back) == DRIFT_OK)
				table_def_free(back);
			bytes.data[i] ^= (char)(1 << bit);
		}
	}
	buf_release(&bytes);
	table_def_free(def);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_definition_reads_back),
		cmocka_unit_test(a_copy_is_deep),
		cmocka_unit_test(columns_keys_and_indexes_are_found),
		cmocka_unit_test(the_first_fault_is_told),
		cmocka_unit_test(a_document_table_indexes_any_member),
		cmocka_unit_test(members_from_the_future_are_stepped_over),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(each_cut_and_each_flip_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
