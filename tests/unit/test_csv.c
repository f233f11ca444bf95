/* SPDX-License-Identifier: MIT */
#include "query/csv.h"
#include "tests/unit/documents.h"

static struct table_def *declared(void)
{
	struct table_def *def = table_def_new("t");

	table_def_add_column(def, "id")->type = DRIFT_INTEGER;
	table_def_add_column(def, "name")->type = DRIFT_TEXT;
	table_def_add_column(def, "ok")->type = DRIFT_BOOLEAN;
	return def;
}

static struct table_def *loose(void)
{
	struct table_def *def = table_def_new("t");

	def->document = true;
	table_def_add_column(def, "id")->type = DRIFT_TEXT;
	return def;
}

/* The documents of text, fed `piece` bytes at a time, as JSON lines; or the error. */
static const char *read_all(struct table_def *def, const char *text, size_t piece)
{
	static char answer[4096];
	struct csv_reader *reader = csv_reader_new(def);
	struct buf document = BUF_INIT, out = BUF_INIT;
	struct drift_error error = { 0 };
	size_t size = strlen(text), at = 0;
	enum drift_err err = DRIFT_OK;
	uint64_t line;

	while (!err) {
		size_t more = size - at < piece ? size - at : piece;

		assert_int_equal(csv_reader_feed(reader, slice_of(text + at, more)),
				 DRIFT_OK);
		at += more;
		while (!err) {
			buf_clear(&document);
			err = csv_reader_next(reader, at == size, &document, &line,
					      &error);
			if (!err)
				err = json_print(buf_slice(&document), JSON_COMPACT,
						 &out);
			if (!err)
				buf_add_char(&out, '\n');
		}
		if (err == DRIFT_DONE && at < size)
			err = DRIFT_OK;
	}
	snprintf(answer, sizeof(answer), "%s",
		 err == DRIFT_DONE ? buf_cstr(&out) : error.text);
	buf_release(&document);
	buf_release(&out);
	csv_reader_free(reader);
	table_def_free(def);
	return answer;
}

static void each(struct table_def *(*def)(void), const char *text,
		 const char *expected)
{
	for (size_t piece = 1; piece <= strlen(text); piece++)
		assert_string_equal(read_all(def(), text, piece), expected);
}

static void fields_are_what_they_look_like(void **state)
{
	(void)state;
	each(loose, "id,a,b\nx,1,2.5\ny,true,null\nz,\"1\",[1]\n",
	     "{\"id\":\"x\",\"a\":1,\"b\":2.5}\n"
	     "{\"id\":\"y\",\"a\":true,\"b\":null}\n"
	     "{\"id\":\"z\",\"a\":\"1\",\"b\":[1]}\n");
	each(loose, "id,a\r\nx,\"{\"\"k\"\":1}\"\r\n\r\ny,01\r\n",
	     "{\"id\":\"x\",\"a\":{\"k\":1}}\n{\"id\":\"y\",\"a\":\"01\"}\n");
}

static void declared_types_read_the_text(void **state)
{
	(void)state;
	each(declared, "id,name,ok\n1,1,t\n2,\"\",FALSE\nx,,maybe\n",
	     "{\"id\":1,\"name\":\"1\",\"ok\":true}\n"
	     "{\"id\":2,\"name\":\"\",\"ok\":false}\n"
	     "{\"id\":\"x\",\"ok\":\"maybe\"}\n");
}

static void an_empty_field_is_an_absent_member(void **state)
{
	(void)state;
	each(loose, "id,a,b\nx,,\"\"", "{\"id\":\"x\",\"b\":\"\"}\n");
}

static void quotes_hold_commas_lines_and_quotes(void **state)
{
	(void)state;
	each(loose, "id,\"a,b\"\nx,\"1,\n\"\"2\"\"\"\n",
	     "{\"id\":\"x\",\"a,b\":\"1,\\n\\\"2\\\"\"}\n");
}

static void faults_name_their_line(void **state)
{
	(void)state;
	each(loose, "id,a\nx,\"1\n2\"\ny\n",
	     "line 4: 1 field(s), but the header has 2");
	each(loose, "id,a\nx,1,2\n",
	     "line 2: 2 and more field(s), but the header has 2");
	each(loose, "id,a\nx,1\"2\"\n",
	     "line 2: a quote that does not open or close a field");
	each(loose, "id,a\nx,\"1\"2\n",
	     "line 2: a quote that does not open or close a field");
	each(loose, "id,id\n", "line 1: duplicate column \"id\"");
	each(loose, "id,\n", "line 1: unnamed column \"\"");
	each(loose, "id,a\nx,\xc0\xaf\n", "line 2: \"a\" is not UTF-8");
}

static void what_is_written_is_read_back(void **state)
{
	static const char *const values[] = {
		"1",          "\"1\"",    "1.0",    "\"1.0\"",        "true",
		"\"true\"",   "\"\"",     "\" x\"", "\"a,b\\n\\\"\"", "[1,\"x\"]",
		"{\"a\":{}}", "\"null\"", "-0.5",   "1e+300",         "\"\\u00e9\"",
	};
	struct buf value = BUF_INIT, text = BUF_INIT;
	char expected[200];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_clear(&text);
		buf_add_str(&text, "id,a\nx,");
		assert_int_equal(csv_add_value(packed(&value, values[i]), &text),
				 DRIFT_OK);
		buf_add_char(&text, '\n');
		packed(&value, values[i]);
		snprintf(expected, sizeof(expected), "{\"id\":\"x\",\"a\":%s}\n",
			 values[i]);
		if (strcmp(values[i], "\"\\u00e9\"") == 0)
			snprintf(expected, sizeof(expected),
				 "{\"id\":\"x\",\"a\":\"\xc3\xa9\"}\n");
		assert_string_equal(read_all(loose(), buf_cstr(&text), 3), expected);
	}
	buf_release(&value);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_what_they_look_like),
		cmocka_unit_test(declared_types_read_the_text),
		cmocka_unit_test(an_empty_field_is_an_absent_member),
		cmocka_unit_test(quotes_hold_commas_lines_and_quotes),
		cmocka_unit_test(faults_name_their_line),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
