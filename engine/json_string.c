/* SPDX-License-Identifier: MIT */
/* json_string.c - strings of JSON: most are taken as they stand in the text. */
#include "engine/json_parser.h"

static bool take_hex(struct json_parser *parser, uint32_t *code)
{
	unsigned digit;

	*code = 0;
	if (parser->end - parser->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *parser->at++;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (unsigned)((c | 0x20) - 'a') + 10;
		else
			return false;
		*code = *code << 4 | digit;
	}
	return true;
}

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_char(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_add_char(out, (char)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		buf_add_char(out, (char)(0xe0 | code >> 12));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | code >> 18));
		buf_add_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (code & 0x3f)));
}

/* After "\u". Surrogates come in pairs. */
static bool take_code(struct json_parser *parser)
{
	uint32_t code, low;

	if (!take_hex(parser, &code) || code == 0 ||
	    (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (!json_take(parser, '\\') || !json_take(parser, 'u') ||
		    !take_hex(parser, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	add_utf8(&parser->decoded, code);
	return true;
}

/* After '\\'. */
static bool take_escape(struct json_parser *parser)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (json_take(parser, 'u'))
		return take_code(parser);
	if (parser->at == parser->end || !*parser->at)
		return false;
	found = strchr(from, *parser->at);
	if (!found)
		return false;
	parser->at++;
	buf_add_char(&parser->decoded, to[found - from]);
	return true;
}

/* The string whose first escape or odd byte is at parser->at. */
static enum drift_err read_odd_string(struct json_parser *parser, const char *start,
				      struct slice *text)
{
	bool escaped = false;

	buf_clear(&parser->decoded);
	while (parser->at < parser->end && *parser->at != '"') {
		if ((uint8_t)*parser->at < 0x20)
			return DRIFT_BAD_JSON;
		if (*parser->at == '\\') {
			buf_add(&parser->decoded, start,
				(size_t)(parser->at++ - start));
			if (!take_escape(parser))
				return DRIFT_BAD_JSON;
			start = parser->at;
			escaped = true;
		} else {
			parser->at++;
		}
		parser->at += json_plain_run(parser->at, parser->end);
	}
	if (parser->at == parser->end)
		return DRIFT_BAD_JSON;
	*text = slice_of(start, (size_t)(parser->at++ - start));
	if (escaped) {
		buf_add_slice(&parser->decoded, *text);
		*text = buf_slice(&parser->decoded);
	}
	if (buf_status(&parser->decoded))
		return DRIFT_NOMEM;
	return json_text_valid(*text) ? DRIFT_OK : DRIFT_BAD_JSON;
}

enum drift_err json_string_read(struct json_parser *parser, struct slice *text)
{
	const char *start = parser->at;

	parser->at += json_plain_run(start, parser->end);
	if (parser->at == parser->end)
		return DRIFT_BAD_JSON;
	if (*parser->at != '"')
		return read_odd_string(parser, start, text);
	*text = slice_of(start, (size_t)(parser->at++ - start));
	return DRIFT_OK;
}
