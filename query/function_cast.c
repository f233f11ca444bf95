/* SPDX-License-Identifier: MIT */
/* function_cast.c - values converted to a type, as PostgreSQL 15 does it: a text that
 * does not read as the type is an error, a real becomes the nearest integer (halves to
 * the even one), a text is cut to its length. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/json.h"
#include "query/function.h"
#include "query/value.h"

static void fail_syntax(sqlite3_context *context, const char *type,
			struct slice text)
{
	function_fail(context, DRIFT_BAD_TYPE,
		      "invalid input syntax for type %s: \"%.*s\"", type,
		      (int)(text.size < 100 ? text.size : 100),
		      (const char *)text.data);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The text without white space around it, in memory a NUL follows. */
static bool trimmed(struct slice text, char *to, size_t room)
{
	const char *bytes = text.data;

	while (text.size > 0 && is_space(bytes[0])) {
		bytes++;
		text.size--;
	}
	while (text.size > 0 && is_space(bytes[text.size - 1]))
		text.size--;
	if (text.size == 0 || text.size >= room || memchr(bytes, 0, text.size))
		return false;
	memcpy(to, bytes, text.size);
	to[text.size] = '\0';
	return true;
}

static void cast_integer(sqlite3_context *context, sqlite3_value *value, int64_t low,
			 int64_t high, const char *type)
{
	int64_t integer = 0;
	char text[400];
	char *end;

	switch (sqlite3_value_type(value)) {
	case SQLITE_NULL:
		return;
	case SQLITE_INTEGER:
		integer = sqlite3_value_int64(value);
		break;
	case SQLITE_FLOAT: {
		double real = nearbyint(sqlite3_value_double(value));

		if (!(real >= -9223372036854775808.0 &&
		      real < 9223372036854775808.0)) {
			function_fail(context, DRIFT_OUT_OF_RANGE, "%s out of range",
				      type);
			return;
		}
		integer = (int64_t)real;
		break;
	}
	default:
		if (!trimmed(function_slice(value), text, sizeof(text))) {
			fail_syntax(context, type, function_slice(value));
			return;
		}
		errno = 0;
		integer = strtoll(text, &end, 10);
		if (*end != '\0' || end == text) {
			fail_syntax(context, type, function_slice(value));
			return;
		}
		if (errno == ERANGE) {
			function_fail(context, DRIFT_OUT_OF_RANGE,
				      "value \"%s\" is out of range for type %s",
				      text, type);
			return;
		}
	}
	if (integer < low || integer > high)
		function_fail(context, DRIFT_OUT_OF_RANGE, "%s out of range", type);
	else
		sqlite3_result_int64(context, integer);
}

static void int2(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	cast_integer(context, argv[0], INT16_MIN, INT16_MAX, "smallint");
}

static void int4(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	cast_integer(context, argv[0], INT32_MIN, INT32_MAX, "integer");
}

static void int8(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	cast_integer(context, argv[0], INT64_MIN, INT64_MAX, "bigint");
}

/* Decimal digits only: strtod would take 0x1p3 and "infinity" too. */
static bool reads_as_number(const char *text)
{
	static const char *const words[] = { "nan",       "inf",  "infinity", "-inf",
					     "-infinity", "+inf", "+infinity" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return text[strspn(text, "0123456789+-.eE")] == '\0';
}

static bool read_real(sqlite3_context *context, sqlite3_value *value,
		      const char *type, double *real)
{
	char text[400];
	char *end;

	if (sqlite3_value_type(value) == SQLITE_INTEGER ||
	    sqlite3_value_type(value) == SQLITE_FLOAT) {
		*real = sqlite3_value_double(value);
		return true;
	}
	if (trimmed(function_slice(value), text, sizeof(text)) &&
	    reads_as_number(text)) {
		*real = strtod(text, &end);
		if (*end == '\0' && end != text)
			return true;
	}
	fail_syntax(context, type, function_slice(value));
	return false;
}

static void cast_float(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double real;

	if (!function_null(argc, argv) &&
	    read_real(context, argv[0], "double precision", &real))
		sqlite3_result_double(context, real);
}

/* A whole number stays an integer: it is exact. */
static void numeric(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double real, scale;
	int digits = argc > 2 ? sqlite3_value_int(argv[2]) : 0;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_numeric_type(argv[0]) == SQLITE_INTEGER && argc == 1) {
		sqlite3_result_int64(context, sqlite3_value_int64(argv[0]));
		return;
	}
	if (!read_real(context, argv[0], "numeric", &real))
		return;
	if (argc > 1) {
		scale = pow(10, digits);
		real = round(real * scale) / scale;
		if (fabs(real) >= pow(10, sqlite3_value_int(argv[1]) - digits)) {
			function_fail(context, DRIFT_OUT_OF_RANGE,
				      "numeric field overflow");
			return;
		}
	}
	if (argc > 1 && digits == 0 && fabs(real) < 0x1p53)
		sqlite3_result_int64(context, (int64_t)real);
	else
		sqlite3_result_double(context, real);
}

/* The first `length` characters. */
static size_t characters(struct slice text, int64_t length)
{
	const unsigned char *bytes = text.data;
	size_t size = 0;

	while (size < text.size && ((bytes[size] & 0xc0) == 0x80 || length-- > 0))
		size++;
	return size;
}

static void cast_text(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_subtype(argv[0]) == VALUE_BOOLEAN) {
		sqlite3_result_text(context,
				    sqlite3_value_int(argv[0]) ? "true" : "false",
				    -1, SQLITE_STATIC);
		return;
	}
	if (sqlite3_value_type(argv[0]) == SQLITE_FLOAT) {
		struct buf real = BUF_INIT;

		json_print_real(sqlite3_value_double(argv[0]), &real);
		if (real.size > 2 && memcmp(real.data + real.size - 2, ".0", 2) == 0)
			real.size -= 2;
		function_text(context, &real);
		return;
	}
	text = function_slice(argv[0]);
	if (argc > 1)
		text.size = characters(text, sqlite3_value_int64(argv[1]));
	sqlite3_result_text64(context, text.data, text.size, SQLITE_TRANSIENT,
			      SQLITE_UTF8);
}

/* A result's subtype is forgotten with the next result. */
static void answer_boolean(sqlite3_context *context, bool yes)
{
	sqlite3_result_int(context, yes);
	sqlite3_result_subtype(context, VALUE_BOOLEAN);
}

static void boolean(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	static const char *const words[] = { "false", "true", "f", "t", "no", "yes",
					     "off",   "on",   "n", "y", "0",  "1" };
	char text[400];

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER) {
		answer_boolean(context, sqlite3_value_int64(argv[0]) != 0);
		return;
	}
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (trimmed(function_slice(argv[0]), text, sizeof(text)) &&
		    strcasecmp(text, words[i]) == 0) {
			answer_boolean(context, i & 1);
			return;
		}
	fail_syntax(context, "boolean", function_slice(argv[0]));
}

static void json(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf packed = BUF_INIT;
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (function_null(argc, argv))
		return;
	err = json_parse_value(function_slice(argv[0]), &packed, NULL);
	if (!err)
		err = json_print(buf_slice(&packed), JSON_COMPACT, &text);
	buf_release(&packed);
	if (err) {
		buf_release(&text);
		fail_syntax(context, "json", function_slice(argv[0]));
		return;
	}
	function_text(context, &text);
	sqlite3_result_subtype(context, VALUE_JSON);
}

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* "\xdeadbeef", or the bytes themselves. */
static void bytea(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	const char *bytes;
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	bytes = text.data;
	if (text.size < 2 || memcmp(bytes, "\\x", 2) != 0) {
		sqlite3_result_blob64(context, text.data, text.size,
				      SQLITE_TRANSIENT);
		return;
	}
	for (size_t i = 2; i + 1 < text.size; i += 2) {
		unsigned high = hex_digit(bytes[i]), low = hex_digit(bytes[i + 1]);

		if (high > 15 || low > 15)
			break;
		buf_add_char(&out, (char)(high << 4 | low));
	}
	if (buf_status(&out))
		sqlite3_result_error_nomem(context);
	else if (text.size % 2 || out.size != text.size / 2 - 1)
		fail_syntax(context, "bytea", text);
	else
		sqlite3_result_blob64(context, out.size ? out.data : "", out.size,
				      SQLITE_TRANSIENT);
	buf_release(&out);
}

const struct function function_cast_list[] = {
	{ "drift_int2", 1, int2, NULL, false },
	{ "drift_int4", 1, int4, NULL, false },
	{ "drift_int8", 1, int8, NULL, false },
	{ "drift_float", 1, cast_float, NULL, false },
	{ "drift_float", 2, cast_float, NULL, false },
	{ "drift_numeric", 1, numeric, NULL, false },
	{ "drift_numeric", 2, numeric, NULL, false },
	{ "drift_numeric", 3, numeric, NULL, false },
	{ "drift_text", 1, cast_text, NULL, false },
	{ "drift_text", 2, cast_text, NULL, false },
	{ "drift_boolean", 1, boolean, NULL, false },
	{ "drift_json", 1, json, NULL, false },
	{ "drift_bytea", 1, bytea, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
