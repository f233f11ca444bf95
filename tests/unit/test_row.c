/* SPDX-License-Identifier: MIT */
#include "engine/catalog.h"
#include "tests/unit/documents.h"

static struct table_def *document_table(void)
{
	struct table_def *def = table_def_new("events");

	def->document = true;
	table_def_add_column(def, "id");
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	return def;
}

/* id INTEGER PRIMARY KEY, name VARCHAR(5) NOT NULL, age INTEGER DEFAULT 18,
 * score REAL, ok BOOLEAN, at TIMESTAMP, raw BLOB, any JSON, bio TEXT */
static struct table_def *users(void)
{
	static const struct {
		const char *name;
		enum drift_type type;
	} columns[] = {
		{ "id", DRIFT_INTEGER },  { "name", DRIFT_TEXT },
		{ "age", DRIFT_INTEGER }, { "score", DRIFT_REAL },
		{ "ok", DRIFT_BOOLEAN },  { "at", DRIFT_TIMESTAMP },
		{ "raw", DRIFT_BLOB },    { "any", DRIFT_JSON },
		{ "bio", DRIFT_TEXT },
	};
	struct table_def *def = table_def_new("users");
	unsigned i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_def_add_column(def, columns[i].name)->type = columns[i].type;
	def->columns[1].length_max = 5;
	def->columns[1].not_null = true;
	def->columns[2].has_default = true;
	msg_add_int(&def->columns[2].default_value, 18);
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	return def;
}

static struct table_def *pairs(void)
{
	struct table_def *def = table_def_new("pairs");

	table_def_add_column(def, "a")->type = DRIFT_TEXT;
	table_def_add_column(def, "b")->type = DRIFT_INTEGER;
	def->key_count = 2;
	def->key_columns = calloc(2, sizeof(unsigned));
	def->key_columns[1] = 1;
	return def;
}

/* name: the file's, or NULL. is_new: as for an insert. */
static enum drift_err shape_named(const struct table_def *def, const char *document,
				  const char *name, bool is_new, struct buf *row,
				  struct drift_error *error)
{
	enum key_kind kinds[TABLE_KEY_PARTS_MAX];
	struct buf bytes = BUF_INIT;
	struct buf key = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	table_def_key_kinds(def, kinds);
	if (name)
		err = key_from_name(slice_str(name), kinds, def->key_count, &key);
	assert_int_equal(err, DRIFT_OK);
	*error = (struct drift_error){ 0 };
	buf_clear(row);
	err = row_shape(def, packed(&bytes, document), buf_slice(&key), is_new, row,
			error);
	buf_release(&bytes);
	buf_release(&key);
	return err;
}

static void assert_shape(const struct table_def *def, const char *document,
			 const char *name, const char *expected)
{
	struct drift_error error;
	struct buf row = BUF_INIT;

	if (shape_named(def, document, name, true, &row, &error) != DRIFT_OK)
		fail_msg("%s: %s", document, error.text);
	assert_json(buf_slice(&row), expected);
	assert_int_equal(msg_check_document(buf_slice(&row)), DRIFT_OK);
	buf_release(&row);
}

static void assert_refused(const struct table_def *def, const char *document,
			   const char *name, enum drift_err code, const char *text)
{
	struct drift_error error;
	struct buf row = BUF_INIT;

	assert_int_equal(shape_named(def, document, name, true, &row, &error), code);
	assert_string_equal(error.text, text);
	assert_int_equal(error.code, code);
	assert_int_equal(row.size, 0);
	buf_release(&row);
}

static void a_document_stays_as_written(void **state)
{
	struct table_def *def = document_table();

	(void)state;
	assert_shape(def, "{\"b\":1,\"id\":\"x\",\"a\":[null]}", NULL,
		     "{\"b\":1,\"id\":\"x\",\"a\":[null]}");
	assert_shape(def, "{\"b\":1,\"id\":\"x\"}", "x", "{\"b\":1,\"id\":\"x\"}");
	table_def_free(def);
}

static void the_name_fills_in_the_key(void **state)
{
	struct table_def *def = document_table();
	struct table_def *typed = users();
	struct table_def *two = pairs();

	(void)state;
	assert_shape(def, "{\"v\":1}", "a%2Fb", "{\"id\":\"a/b\",\"v\":1}");
	assert_shape(def, "{}", "1", "{\"id\":\"1\"}");
	assert_shape(typed, "{\"name\":\"n\"}", "7",
		     "{\"id\":7,\"name\":\"n\",\"age\":18}");
	assert_shape(two, "{}", "x,7", "{\"a\":\"x\",\"b\":7}");
	assert_shape(two, "{\"b\":7}", "x,7", "{\"a\":\"x\",\"b\":7}");
	assert_shape(two, "{\"a\":\"x\"}", "x,7", "{\"b\":7,\"a\":\"x\"}");
	table_def_free(def);
	table_def_free(typed);
	table_def_free(two);
}

static void another_key_than_the_name_says_is_refused(void **state)
{
	struct table_def *def = document_table();
	struct table_def *typed = users();
	struct table_def *two = pairs();

	(void)state;
	assert_refused(def, "{\"id\":\"b\"}", "a", DRIFT_BAD_KEY,
		       "key \"b\" in the document does not match the name \"a\"");
	assert_refused(typed, "{\"id\":8,\"name\":\"n\"}", "7", DRIFT_BAD_KEY,
		       "key \"8\" in the document does not match the name \"7\"");
	assert_refused(
		two, "{\"a\":\"y\"}", "x,7", DRIFT_BAD_KEY,
		"key \"y,7\" in the document does not match the name \"x,7\"");
	assert_refused(def, "{\"id\":null}", "a", DRIFT_BAD_KEY,
		       "key \"id\" of a row of \"events\" is missing or null");
	assert_refused(def, "{\"id\":true}", "a", DRIFT_BAD_TYPE,
		       "key \"id\" must be a string or an integer");
	table_def_free(def);
	table_def_free(typed);
	table_def_free(two);
}

static void an_integer_and_its_text_are_one_key(void **state)
{
	struct table_def *def = document_table();
	struct buf bytes = BUF_INIT;
	struct buf number = BUF_INIT;
	struct buf text = BUF_INIT;
	struct buf value = BUF_INIT;

	(void)state;
	assert_shape(def, "{\"id\":1}", "1", "{\"id\":1}");
	assert_shape(def, "{\"id\":\"1\"}", "1", "{\"id\":\"1\"}");
	assert_int_equal(row_key(def, packed(&bytes, "{\"id\":-12}"), &number, NULL),
			 DRIFT_OK);
	assert_int_equal(row_key(def, packed(&bytes, "{\"id\":\"-12\"}"), &text,
				 NULL),
			 DRIFT_OK);
	assert_true(slice_equal(buf_slice(&number), buf_slice(&text)));
	assert_int_equal(row_key_value(def, buf_slice(&text), true, &value),
			 DRIFT_OK);
	assert_json(buf_slice(&value), "-12");
	buf_clear(&value);
	assert_int_equal(row_key_value(def, buf_slice(&text), false, &value),
			 DRIFT_OK);
	assert_json(buf_slice(&value), "\"-12\"");
	buf_release(&bytes);
	buf_release(&number);
	buf_release(&text);
	buf_release(&value);
	table_def_free(def);
}

static void types_are_checked_not_bent(void **state)
{
	struct table_def *def = users();

	(void)state;
	assert_shape(
		def,
		"{\"id\":1,\"name\":\"n\",\"age\":null,\"score\":1.5,\"ok\":true,"
		"\"at\":\"2025-01-15 10:30\",\"raw\":\"r\",\"any\":{\"x\":[1]}}",
		NULL,
		"{\"id\":1,\"name\":\"n\",\"age\":null,\"score\":1.5,\"ok\":true,"
		"\"at\":\"2025-01-15 10:30\",\"raw\":\"r\",\"any\":{\"x\":[1]}}");
	assert_refused(def, "{\"id\":\"abc\",\"name\":\"n\"}", NULL, DRIFT_BAD_TYPE,
		       "invalid input syntax for type integer: \"abc\"");
	assert_refused(def, "{\"id\":1.0,\"name\":\"n\"}", NULL, DRIFT_BAD_TYPE,
		       "invalid input syntax for type integer: \"1.0\"");
	assert_refused(def, "{\"id\":1,\"name\":5}", NULL, DRIFT_BAD_TYPE,
		       "invalid input syntax for type text: \"5\"");
	assert_refused(def, "{\"id\":1,\"name\":\"n\",\"ok\":1}", NULL,
		       DRIFT_BAD_TYPE,
		       "invalid input syntax for type boolean: \"1\"");
	assert_refused(def, "{\"id\":1,\"name\":\"n\",\"score\":\"1\"}", NULL,
		       DRIFT_BAD_TYPE, "invalid input syntax for type real: \"1\"");
	assert_refused(def, "{\"id\":1,\"name\":\"n\",\"at\":\"now\"}", NULL,
		       DRIFT_BAD_TYPE,
		       "invalid input syntax for type timestamp: \"now\"");
	assert_refused(def, "{\"id\":1,\"name\":\"n\",\"age\":[1,{\"a\":2}]}", NULL,
		       DRIFT_BAD_TYPE,
		       "invalid input syntax for type integer: \"[1,{\"a\":2}]\"");
	table_def_free(def);
}

static void an_integer_in_a_real_column_becomes_real(void **state)
{
	struct table_def *def = users();

	(void)state;
	assert_shape(def, "{\"score\":2,\"id\":1,\"name\":\"n\",\"age\":3}", NULL,
		     "{\"score\":2.0,\"id\":1,\"name\":\"n\",\"age\":3}");
	table_def_free(def);
}

static void length_is_counted_in_characters(void **state)
{
	struct table_def *def = users();

	(void)state;
	assert_shape(def,
		     "{\"id\":1,\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac"
		     "a\","
		     "\"age\":1}",
		     NULL,
		     "{\"id\":1,\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac"
		     "a\","
		     "\"age\":1}");
	assert_refused(def, "{\"id\":1,\"name\":\"abcdef\"}", NULL, DRIFT_TOO_LONG,
		       "value too long for type character varying(5)");
	table_def_free(def);
}

static void not_null_holds_for_the_finished_row(void **state)
{
	struct table_def *def = users();

	(void)state;
	assert_refused(
		def, "{\"id\":1}", NULL, DRIFT_NOT_NULL,
		"null value in column \"name\" of relation \"users\" violates "
		"not-null constraint");
	assert_refused(
		def, "{\"id\":1,\"name\":null}", NULL, DRIFT_NOT_NULL,
		"null value in column \"name\" of relation \"users\" violates "
		"not-null constraint");
	assert_refused(def, "{\"name\":\"n\"}", NULL, DRIFT_NOT_NULL,
		       "null value in column \"id\" of relation \"users\" violates "
		       "not-null constraint");
	def->columns[2].not_null = true;
	assert_shape(def, "{\"id\":1,\"name\":\"n\"}", NULL,
		     "{\"id\":1,\"name\":\"n\",\"age\":18}");
	table_def_free(def);
}

static void defaults_are_for_new_rows(void **state)
{
	struct table_def *def = users();
	struct drift_error error;
	struct buf row = BUF_INIT;

	(void)state;
	assert_int_equal(shape_named(def, "{\"id\":1,\"name\":\"n\"}", NULL, false,
				     &row, &error),
			 DRIFT_OK);
	assert_json(buf_slice(&row), "{\"id\":1,\"name\":\"n\"}");
	buf_release(&row);
	table_def_free(def);
}

static void a_default_is_checked_when_defined_and_made_real(void **state)
{
	struct table_def *def = users();
	struct column_def *score = &def->columns[3];
	struct drift_error error = { 0 };

	(void)state;
	score->has_default = true;
	msg_add_int(&score->default_value, 3);
	assert_int_equal(table_def_check(def, &error), DRIFT_OK);
	assert_shape(def, "{\"id\":1,\"name\":\"n\",\"age\":2}", NULL,
		     "{\"id\":1,\"name\":\"n\",\"age\":2,\"score\":3.0}");
	buf_clear(&score->default_value);
	msg_add_text(&score->default_value, SLICE("abc"));
	assert_int_equal(table_def_check(def, &error), DRIFT_BAD_TYPE);
	assert_string_equal(error.text,
			    "invalid input syntax for type real: \"abc\"");
	table_def_free(def);
}

static void a_real_that_is_none_is_refused(void **state)
{
	struct table_def *def = document_table();
	struct drift_error error;
	struct buf row = BUF_INIT;

	(void)state;
	assert_int_equal(
		row_shape(def, SLICE("\x82\xa2id\xa1x\xa1v\xcb\x7f\xf0\0\0\0\0\0\0"),
			  (struct slice){ 0 }, true, &row, &error),
		DRIFT_BAD_TYPE);
	assert_string_equal(error.text, "a real must be finite");
	buf_release(&row);
	table_def_free(def);
}

static void unknown_members_are_refused_by_name(void **state)
{
	struct table_def *def = users();

	(void)state;
	assert_refused(def, "{\"id\":1,\"name\":\"n\",\"nose\":1}", NULL,
		       DRIFT_NO_COLUMN,
		       "column \"nose\" of relation \"users\" does not exist");
	assert_refused(def, "{\"id\":1,\"Name\":\"n\"}", NULL, DRIFT_NO_COLUMN,
		       "column \"Name\" of relation \"users\" does not exist");
	table_def_free(def);
}

static void text_that_is_none_is_refused(void **state)
{
	struct table_def *def = document_table();
	static const struct slice documents[] = {
		SLICE("\x81\xa2id\xa2"
		      "a\0"),
		SLICE("\x81\xa2id\xa1\xff"),
		SLICE("\x82\xa2id\xa1x\xa1"
		      "b\x91\xa1\xff"),
		SLICE("\x82\xa2id\xa1x\xa1"
		      "b\x81\xa1\xff\x01"),
		SLICE("\x82\xa2id\xa1x\xa1\xff\x01"),
	};
	struct drift_error error;
	struct buf row = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		assert_int_equal(row_shape(def, documents[i], (struct slice){ 0 },
					   true, &row, &error),
				 DRIFT_BAD_TEXT);
	buf_release(&row);
	table_def_free(def);
}

static enum drift_err key_of(const struct table_def *def, const char *document,
			     struct buf *key)
{
	struct buf bytes = BUF_INIT;
	enum drift_err err;

	buf_clear(key);
	err = row_key(def, packed(&bytes, document), key, NULL);
	buf_release(&bytes);
	return err;
}

static void a_key_must_have_a_file_name(void **state)
{
	struct table_def *def = document_table();
	struct buf key = BUF_INIT;
	char document[400];

	(void)state;
	snprintf(document, sizeof(document), "{\"id\":\"%0250d\"}", 0);
	assert_int_equal(key_of(def, document, &key), DRIFT_OK);
	snprintf(document, sizeof(document), "{\"id\":\"%0251d\"}", 0);
	assert_int_equal(key_of(def, document, &key), DRIFT_NAME_TOO_LONG);
	snprintf(document, sizeof(document), "{\"id\":\"%%%0248d\"}", 0);
	assert_int_equal(key_of(def, document, &key), DRIFT_NAME_TOO_LONG);
	assert_int_equal(key_of(def, "{\"id\":\"\"}", &key), DRIFT_BAD_KEY);
	assert_int_equal(key_of(def, "{\"x\":1}", &key), DRIFT_BAD_KEY);
	assert_int_equal(key_of(def, "{\"id\":1.5}", &key), DRIFT_BAD_TYPE);
	assert_int_equal(key.size, 0);
	buf_release(&key);
	table_def_free(def);
}

static void composite_keys_show_as_arrays(void **state)
{
	struct table_def *def = pairs();
	struct buf key = BUF_INIT;
	struct buf value = BUF_INIT;

	(void)state;
	assert_int_equal(key_of(def, "{\"b\":7,\"a\":\"x\"}", &key), DRIFT_OK);
	assert_int_equal(row_key_value(def, buf_slice(&key), false, &value),
			 DRIFT_OK);
	assert_json(buf_slice(&value), "[\"x\",7]");
	assert_int_equal(row_key_value(def, slice_of(key.data, 3), false, &value),
			 DRIFT_CORRUPT);
	buf_release(&key);
	buf_release(&value);
	table_def_free(def);
}

static void a_real_key_shows_as_real(void **state)
{
	struct table_def *def = pairs();
	struct buf key = BUF_INIT;
	struct buf value = BUF_INIT;

	(void)state;
	def->columns[0].type = DRIFT_REAL;
	def->key_count = 1;
	assert_int_equal(key_of(def, "{\"a\":2.0}", &key), DRIFT_OK);
	assert_int_equal(row_key_value(def, buf_slice(&key), false, &value),
			 DRIFT_OK);
	assert_json(buf_slice(&value), "2.0");
	buf_release(&key);
	buf_release(&value);
	table_def_free(def);
}

static void index_values_are_key_parts_cut_to_length(void **state)
{
	struct table_def *def = document_table();
	struct index_def *index = table_def_add_index(def, "i");
	struct buf bytes = BUF_INIT;
	struct buf value = BUF_INIT;
	char document[400];

	(void)state;
	assert_int_equal(index_def_add_column(index, "a"), DRIFT_OK);
	assert_int_equal(index_def_add_column(index, "b"), DRIFT_OK);
	assert_int_equal(row_index_value(def, index, packed(&bytes, "{\"b\":\"x\"}"),
					 1, &value),
			 DRIFT_OK);
	assert_true(slice_equal(buf_slice(&value), SLICE("\x01\x20x\0")));
	buf_clear(&value);
	assert_int_equal(row_index_value(def, index,
					 packed(&bytes, "{\"a\":[1],\"b\":{}}"), 1,
					 &value),
			 DRIFT_OK);
	assert_true(slice_equal(buf_slice(&value), SLICE("\x01\x01")));
	buf_clear(&value);
	snprintf(document, sizeof(document), "{\"a\":\"%0300d\",\"b\":1}", 0);
	assert_int_equal(row_index_value(def, index, packed(&bytes, document), 1,
					 &value),
			 DRIFT_OK);
	assert_int_equal(value.size, KEY_VALUE_BYTES_MAX);
	assert_int_equal(value.data[value.size - 1], '0');
	buf_release(&bytes);
	buf_release(&value);
	table_def_free(def);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_stays_as_written),
		cmocka_unit_test(the_name_fills_in_the_key),
		cmocka_unit_test(another_key_than_the_name_says_is_refused),
		cmocka_unit_test(an_integer_and_its_text_are_one_key),
		cmocka_unit_test(types_are_checked_not_bent),
		cmocka_unit_test(an_integer_in_a_real_column_becomes_real),
		cmocka_unit_test(length_is_counted_in_characters),
		cmocka_unit_test(not_null_holds_for_the_finished_row),
		cmocka_unit_test(defaults_are_for_new_rows),
		cmocka_unit_test(a_default_is_checked_when_defined_and_made_real),
		cmocka_unit_test(a_real_that_is_none_is_refused),
		cmocka_unit_test(unknown_members_are_refused_by_name),
		cmocka_unit_test(text_that_is_none_is_refused),
		cmocka_unit_test(a_key_must_have_a_file_name),
		cmocka_unit_test(composite_keys_show_as_arrays),
		cmocka_unit_test(a_real_key_shows_as_real),
		cmocka_unit_test(index_values_are_key_parts_cut_to_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
