/* SPDX-License-Identifier: MIT */
/* function_encode.c - bytes as text and back, and texts as SQL writes them: encode(),
 * decode(), to_hex(), md5(), sha256(), quote_literal(), quote_ident(). */
#include <strings.h>

#include "engine/hash.h"
#include "query/ddl.h"
#include "query/function.h"
#include "query/session.h"

static const char digits[] = "0123456789abcdef";
static const char letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct slice bytes_of(sqlite3_value *value)
{
	const void *bytes = sqlite3_value_blob(value);

	return slice_of(bytes ? bytes : "", (size_t)sqlite3_value_bytes(value));
}

static void add_hex(struct slice bytes, struct buf *out)
{
	const unsigned char *at = bytes.data;

	for (size_t i = 0; i < bytes.size; i++) {
		buf_add_char(out, digits[at[i] >> 4]);
		buf_add_char(out, digits[at[i] & 15]);
	}
}

/* A line has 76 letters, as in RFC 2045. */
static void add_base64(struct slice bytes, struct buf *out)
{
	const unsigned char *at = bytes.data;

	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		unsigned group = (unsigned)at[i] << 16 |
				 (left > 1 ? (unsigned)at[i + 1] << 8 : 0) |
				 (left > 2 ? at[i + 2] : 0);

		if (i && i % 57 == 0)
			buf_add_char(out, '\n');
		buf_add_char(out, letters[group >> 18]);
		buf_add_char(out, letters[group >> 12 & 63]);
		buf_add_char(out, left > 1 ? letters[group >> 6 & 63] : '=');
		buf_add_char(out, left > 2 ? letters[group & 63] : '=');
	}
}

static bool from_hex(struct slice text, struct buf *out)
{
	const char *at = text.data;
	unsigned half = 0, count = 0;

	for (size_t i = 0; i < text.size; i++) {
		const char *digit = strchr(digits, at[i] | 0x20);

		if (at[i] == ' ' || at[i] == '\n' || at[i] == '\t')
			continue;
		if (!digit || !*digit)
			return false;
		half = half << 4 | (unsigned)(digit - digits);
		if (++count % 2 == 0)
			buf_add_char(out, (char)half);
	}
	return count % 2 == 0;
}

static bool from_base64(struct slice text, struct buf *out)
{
	const char *at = text.data;
	unsigned group = 0, count = 0, padding = 0;

	for (size_t i = 0; i < text.size; i++) {
		const char *letter = at[i] ? strchr(letters, at[i]) : NULL;

		if (at[i] == ' ' || at[i] == '\n' || at[i] == '\r' || at[i] == '\t')
			continue;
		if (at[i] == '=' && count % 4 >= 2)
			padding++;
		else if (!letter || padding)
			return false;
		group = group << 6 | (letter ? (unsigned)(letter - letters) : 0);
		if (++count % 4)
			continue;
		buf_add_char(out, (char)(group >> 16));
		if (padding < 2)
			buf_add_char(out, (char)(group >> 8));
		if (padding < 1)
			buf_add_char(out, (char)group);
	}
	return count % 4 == 0;
}

static void refuse_encoding(sqlite3_context *context, sqlite3_value *name)
{
	function_fail(context, DRIFT_BAD_ARGUMENT,
		      "unrecognized encoding: \"%.60s\"",
		      (const char *)sqlite3_value_text(name));
}

static bool is_named(sqlite3_value *name, const char *encoding)
{
	return strcasecmp((const char *)sqlite3_value_text(name), encoding) == 0;
}

static void encode(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	if (is_named(argv[1], "hex"))
		add_hex(bytes_of(argv[0]), &out);
	else if (is_named(argv[1], "base64"))
		add_base64(bytes_of(argv[0]), &out);
	else
		refuse_encoding(context, argv[1]);
	if (out.size || bytes_of(argv[0]).size == 0)
		function_text(context, &out);
}

static void decode(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;
	bool hex, good;

	if (function_null(argc, argv))
		return;
	hex = is_named(argv[1], "hex");
	if (!hex && !is_named(argv[1], "base64")) {
		refuse_encoding(context, argv[1]);
		return;
	}
	good = hex ? from_hex(function_slice(argv[0]), &out)
		   : from_base64(function_slice(argv[0]), &out);
	if (!good)
		function_fail(context, DRIFT_BAD_ARGUMENT,
			      "invalid %s data: \"%.100s\"", hex ? "hex" : "base64",
			      (const char *)sqlite3_value_text(argv[0]));
	else if (buf_status(&out))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_blob64(context, out.size ? out.data : "", out.size,
				      SQLITE_TRANSIENT);
	buf_release(&out);
}

static void to_hex(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	buf_printf(&out, "%llx", (unsigned long long)sqlite3_value_int64(argv[0]));
	function_text(context, &out);
}

static void quote_literal(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	token_quote_string(function_slice(argv[0]), &out);
	function_text(context, &out);
}

static void quote_nullable(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (function_null(argc, argv))
		sqlite3_result_text(context, "NULL", -1, SQLITE_STATIC);
	else
		quote_literal(context, argc, argv);
}

static void quote_ident(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *name;
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	name = (const char *)sqlite3_value_text(argv[0]);
	definition_add_name(name, &out);
	function_text(context, &out);
}

/* md5(x): in hexadecimal digits. */
static void md5(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf bytes = BUF_INIT, text = BUF_INIT;

	if (function_null(argc, argv))
		return;
	if (hash_add("md5", bytes_of(argv[0]), &bytes) == DRIFT_UNSUPPORTED)
		function_fail(context, DRIFT_UNSUPPORTED,
			      "md5() is not supported here");
	add_hex(buf_slice(&bytes), &text);
	buf_release(&bytes);
	function_text(context, &text);
}

static void add_hash(sqlite3_context *context, const char *name,
		     sqlite3_value **argv)
{
	struct buf bytes = BUF_INIT;

	if (function_null(1, argv))
		return;
	if (hash_add(name, bytes_of(argv[0]), &bytes))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_blob64(context, bytes.data, bytes.size,
				      SQLITE_TRANSIENT);
	buf_release(&bytes);
}

static void sha224(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	add_hash(context, "sha224", argv);
}

static void sha256(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	add_hash(context, "sha256", argv);
}

static void sha384(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	add_hash(context, "sha384", argv);
}

static void sha512(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	add_hash(context, "sha512", argv);
}

const struct function function_encode_list[] = {
	{ "encode", 2, encode, NULL, false },
	{ "decode", 2, decode, NULL, false },
	{ "to_hex", 1, to_hex, NULL, false },
	{ "quote_literal", 1, quote_literal, NULL, false },
	{ "quote_nullable", 1, quote_nullable, NULL, false },
	{ "quote_ident", 1, quote_ident, NULL, false },
	{ "md5", 1, md5, NULL, false },
	{ "sha224", 1, sha224, NULL, false },
	{ "sha256", 1, sha256, NULL, false },
	{ "sha384", 1, sha384, NULL, false },
	{ "sha512", 1, sha512, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
