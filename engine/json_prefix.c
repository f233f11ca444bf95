/* SPDX-License-Identifier: MIT */
/* json_prefix.c - the automaton: one state, one byte, the next state.
 *
 * Each step returns NULL or the reason why no continuation can be an object any
 * more. A number ends only with the byte behind it, which is then looked at a
 * second time as what follows a value. */
#include "engine/json_prefix.h"

#include "engine/msg.h"

enum state {
	BEFORE,     /* nothing but white space so far */
	FIRST_NAME, /* after '{' */
	NAME,       /* after ',' in an object */
	COLON,      /* after a name */
	FIRST_ITEM, /* after '[' */
	VALUE,      /* after ':', or ',' in an array */
	AFTER,      /* after a value */
	STRING,
	ESCAPE, /* after '\\' */
	HEX,    /* in \uXXXX */
	LITERAL,
	MINUS,  /* after '-' */
	ZERO,   /* after a leading 0 */
	DIGITS, /* in the integer part */
	POINT,  /* after '.' */
	FRACTION,
	EXPONENT, /* after 'e' */
	SIGN,     /* after the exponent's sign */
	POWER,    /* in the exponent's digits */
	WHOLE,
	BROKEN,
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static const char *go(struct json_prefix *p, enum state state)
{
	p->state = state;
	return NULL;
}

static bool in_object(const struct json_prefix *p)
{
	unsigned level = p->depth - 1u;

	return p->is_object[level / 64] >> (level % 64) & 1;
}

static const char *open_level(struct json_prefix *p, bool object)
{
	uint64_t bit = (uint64_t)1 << (p->depth % 64);
	uint64_t *word = &p->is_object[p->depth / 64 % 2];

	if (p->depth == MSG_DEPTH_MAX)
		return "nested deeper than 128 levels";
	*word = object ? *word | bit : *word & ~bit;
	p->depth++;
	return go(p, object ? FIRST_NAME : FIRST_ITEM);
}

static const char *close_level(struct json_prefix *p)
{
	p->depth--;
	return go(p, p->depth > 0 ? AFTER : WHOLE);
}

static const char *start_string(struct json_prefix *p, bool name)
{
	p->in_name = name;
	return go(p, STRING);
}

static const char *start_literal(struct json_prefix *p, const char *rest)
{
	p->literal = rest;
	return go(p, LITERAL);
}

static const char *start_value(struct json_prefix *p, uint8_t c)
{
	switch (c) {
	case '{':
		return open_level(p, true);
	case '[':
		return open_level(p, false);
	case '"':
		return start_string(p, false);
	case 't':
		return start_literal(p, "rue");
	case 'f':
		return start_literal(p, "alse");
	case 'n':
		return start_literal(p, "ull");
	case '-':
		return go(p, MINUS);
	case '0':
		return go(p, ZERO);
	default:
		return is_digit(c) ? go(p, DIGITS) : "a value is expected";
	}
}

static const char *after_value(struct json_prefix *p, uint8_t c)
{
	bool object = in_object(p);

	if (is_space(c))
		return go(p, AFTER);
	if (c == ',')
		return go(p, object ? NAME : VALUE);
	if (c == (object ? '}' : ']'))
		return close_level(p);
	return object ? "',' or '}' is expected" : "',' or ']' is expected";
}

/* ---- Strings ------------------------------------------------------------ */

static const char *utf8_lead(struct json_prefix *p, uint8_t c)
{
	if (c < 0xc2 || c > 0xf4)
		return "invalid UTF-8";
	p->utf8_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	p->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	p->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return NULL;
}

static const char *utf8_next(struct json_prefix *p, uint8_t c)
{
	if (c < p->utf8_low || c > p->utf8_high)
		return "invalid UTF-8";
	p->utf8_left--;
	p->utf8_low = 0x80;
	p->utf8_high = 0xbf;
	return NULL;
}

static const char *in_string(struct json_prefix *p, uint8_t c)
{
	if (p->utf8_left > 0)
		return utf8_next(p, c);
	if (c == '\\')
		return go(p, ESCAPE);
	if (p->needs_low)
		return "a high surrogate needs a low one";
	if (c == '"')
		return go(p, p->in_name ? COLON : AFTER);
	if (c < 0x20)
		return "a control character must be escaped";
	return c < 0x80 ? NULL : utf8_lead(p, c);
}

static const char *in_escape(struct json_prefix *p, uint8_t c)
{
	if (c == 'u') {
		p->hex = 0;
		p->hex_left = 4;
		return go(p, HEX);
	}
	if (p->needs_low)
		return "a high surrogate needs a low one";
	if (c == '\0' || !strchr("\"\\/bfnrt", c))
		return "invalid escape";
	return go(p, STRING);
}

static const char *end_hex(struct json_prefix *p)
{
	bool low = p->hex >= 0xdc00 && p->hex <= 0xdfff;

	if (p->hex == 0)
		return "\\u0000 is not allowed";
	if (low != p->needs_low)
		return low ? "a low surrogate needs a high one"
			   : "a high surrogate needs a low one";
	p->needs_low = p->hex >= 0xd800 && p->hex <= 0xdbff;
	return go(p, STRING);
}

static const char *in_hex(struct json_prefix *p, uint8_t c)
{
	unsigned digit;

	if (is_digit(c))
		digit = c - '0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		digit = (c | 0x20) - 'a' + 10u;
	else
		return "four hexadecimal digits are expected";
	p->hex = (uint16_t)(p->hex << 4 | digit);
	return --p->hex_left > 0 ? NULL : end_hex(p);
}

/* ---- Numbers ------------------------------------------------------------ */

/* Digits stay in `state`; what else can follow depends on where they are. */
static const char *in_digits(struct json_prefix *p, uint8_t c)
{
	bool integer = p->state == ZERO || p->state == DIGITS;

	if (is_digit(c))
		return p->state == ZERO ? "a number cannot begin with 0" : NULL;
	if (c == '.' && integer)
		return go(p, POINT);
	if ((c | 0x20) == 'e' && (integer || p->state == FRACTION))
		return go(p, EXPONENT);
	return after_value(p, c);
}

static const char *need_digit(struct json_prefix *p, uint8_t c, enum state next)
{
	return is_digit(c) ? go(p, next) : "a digit is expected";
}

/* ---- The step ----------------------------------------------------------- */

static const char *in_literal(struct json_prefix *p, uint8_t c)
{
	if (c != (uint8_t)*p->literal)
		return "true, false or null is expected";
	p->literal++;
	return *p->literal ? NULL : go(p, AFTER);
}

static const char *between(struct json_prefix *p, uint8_t c)
{
	if (is_space(c))
		return NULL;
	switch ((enum state)p->state) {
	case BEFORE:
		return c == '{' ? open_level(p, true) : "'{' is expected";
	case FIRST_NAME:
		if (c == '}')
			return close_level(p);
		return c == '"' ? start_string(p, true)
				: "a name or '}' is expected";
	case NAME:
		return c == '"' ? start_string(p, true) : "a name is expected";
	case COLON:
		return c == ':' ? go(p, VALUE) : "':' is expected";
	case FIRST_ITEM:
		return c == ']' ? close_level(p) : start_value(p, c);
	case VALUE:
		return start_value(p, c);
	case AFTER:
		return after_value(p, c);
	default:
		return "nothing may follow the object";
	}
}

static const char *step(struct json_prefix *p, uint8_t c)
{
	switch ((enum state)p->state) {
	case STRING:
		return in_string(p, c);
	case ESCAPE:
		return in_escape(p, c);
	case HEX:
		return in_hex(p, c);
	case LITERAL:
		return in_literal(p, c);
	case MINUS:
		return c == '0' ? go(p, ZERO) : need_digit(p, c, DIGITS);
	case ZERO:
	case DIGITS:
	case FRACTION:
	case POWER:
		return in_digits(p, c);
	case POINT:
		return need_digit(p, c, FRACTION);
	case EXPONENT:
		if (c == '+' || c == '-')
			return go(p, SIGN);
		return need_digit(p, c, POWER);
	case SIGN:
		return need_digit(p, c, POWER);
	default:
		return between(p, c);
	}
}

void json_prefix_init(struct json_prefix *p)
{
	*p = (struct json_prefix){ .state = BEFORE };
}

enum json_prefix_state json_prefix_state(const struct json_prefix *p)
{
	if (p->state == BROKEN)
		return JSON_PREFIX_BROKEN;
	return p->state == WHOLE ? JSON_PREFIX_WHOLE : JSON_PREFIX_OPEN;
}

/* Bytes of a string that need no thought. */
static inline bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

enum json_prefix_state json_prefix_feed(struct json_prefix *p, struct slice bytes)
{
	const uint8_t *at = bytes.data;
	size_t i = 0;

	while (i < bytes.size && p->state != BROKEN) {
		if (p->state == STRING && !p->utf8_left && !p->needs_low)
			while (i < bytes.size && is_plain(at[i]))
				i++;
		if (i == bytes.size)
			break;
		p->reason = step(p, at[i]);
		if (p->reason)
			p->state = BROKEN;
		else
			i++;
	}
	p->consumed += i;
	return json_prefix_state(p);
}
