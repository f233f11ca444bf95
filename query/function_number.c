/* SPDX-License-Identifier: MIT */
/* function_number.c - numbers as texts by a pattern, and back: to_char(number, pattern),
 * to_number(text, pattern). PostgreSQL 15 manual, 9.8; the C locale's marks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/function.h"
#include "query/session.h"

enum sign {
	SIGN_PLAIN, /* '-' or a blank before the first digit */
	SIGN_S,     /* S: '-' or '+' there, or at the end */
	SIGN_OTHER, /* MI, PL, SG, PR: where they stand */
};

struct pattern {
	const char *text;
	unsigned digits;    /* before the point */
	unsigned zero_from; /* the first of them that is filled with 0 */
	unsigned decimals;
	unsigned decimals_kept; /* with FM: up to the last 0 */
	enum sign sign;
	bool sign_last; /* S at the end */
	bool brackets;  /* PR: <1> for -1 */
	bool fill;      /* no FM */
};

/* The size of the mark at `at`; 0: a character that stands for itself. */
static size_t mark_size(const char *at)
{
	static const char *const marks[] = { "FM", "MI", "PL", "SG", "PR" };

	for (unsigned i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strncasecmp(at, marks[i], 2) == 0)
			return 2;
	return strchr("90.,DdGgSs", *at) != NULL;
}

static const char *refused_mark(const char *at)
{
	static const char *const marks[] = { "EEEE", "RN", "TH", "V", "L" };

	for (unsigned i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strncasecmp(at, marks[i], strlen(marks[i])) == 0)
			return marks[i];
	return NULL;
}

/* Behind the quoted text that begins at `at`. */
static const char *quoted_end(const char *at)
{
	const char *end = strchr(at + 1, '"');

	return end ? end + 1 : at + strlen(at);
}

static bool read_pattern(sqlite3_context *context, const char *text,
			 struct pattern *pattern)
{
	bool point = false;

	*pattern = (struct pattern){ .text = text, .fill = true };
	pattern->zero_from = UINT32_MAX;
	for (const char *at = text; *at;) {
		size_t size = mark_size(at);
		const char *refused = refused_mark(at);

		if (*at == '"') {
			at = quoted_end(at);
			continue;
		}
		if (size == 0 && refused) {
			function_fail(context, DRIFT_UNSUPPORTED,
				      "to_char's pattern %s is not supported",
				      refused);
			return false;
		}
		if (*at == '.' || (*at | 0x20) == 'd') {
			point = true;
		} else if (*at == '9' || *at == '0') {
			if (*at == '0' && !point &&
			    pattern->zero_from > pattern->digits)
				pattern->zero_from = pattern->digits;
			pattern->digits += !point;
			pattern->decimals += point;
			if (*at == '0' && point)
				pattern->decimals_kept = pattern->decimals;
		} else if (size == 2 && strncasecmp(at, "FM", 2) == 0) {
			pattern->fill = false;
		} else if (size == 2) {
			pattern->sign = SIGN_OTHER;
			pattern->brackets |= strncasecmp(at, "PR", 2) == 0;
		} else if ((*at | 0x20) == 's') {
			pattern->sign = SIGN_S;
			pattern->sign_last = pattern->digits > 0;
		}
		at += size ? size : 1;
	}
	return pattern->decimals <= 60 && pattern->digits <= 60;
}

/* What is printed of a number: its digits, rounded as the pattern has decimals. */
struct number {
	bool negative;
	bool too_long; /* for the pattern: each digit is # */
	char whole[400];
	char *decimals;
	unsigned whole_count;
};

static void read_number(sqlite3_value *value, const struct pattern *pattern,
			struct number *number)
{
	double real = sqlite3_value_double(value);

	if (sqlite3_value_numeric_type(value) == SQLITE_INTEGER) {
		int64_t integer = sqlite3_value_int64(value);

		number->negative = integer < 0;
		snprintf(number->whole, sizeof(number->whole), "%llu.%0*d",
			 integer < 0 ? 0ULL - (unsigned long long)integer
				     : (unsigned long long)integer,
			 (int)(pattern->decimals ? pattern->decimals : 1), 0);
	} else {
		snprintf(number->whole, sizeof(number->whole), "%.*f",
			 (int)pattern->decimals, fabs(real));
		number->negative = real < 0 && strpbrk(number->whole, "123456789");
	}
	number->whole_count = (unsigned)strspn(number->whole, "0123456789");
	number->decimals = number->whole + number->whole_count;
	number->decimals += *number->decimals == '.';
	/* 0.5 has no digit before its point, if there are decimals to print. */
	if (number->whole_count == 1 && number->whole[0] == '0' &&
	    (pattern->decimals || pattern->digits == 0))
		number->whole_count = 0;
	number->too_long = number->whole_count > pattern->digits || !isfinite(real);
}

struct writer {
	const struct pattern *pattern;
	const struct number *number;
	struct buf *out;
	unsigned digit;   /* positions before the point so far */
	unsigned decimal; /* and after it */
	unsigned decimals;
	bool begun; /* a digit or the point was written */
};

/* Before the first digit. */
static void begin(struct writer *writer)
{
	const struct pattern *pattern = writer->pattern;

	if (writer->begun)
		return;
	writer->begun = true;
	if (pattern->sign == SIGN_PLAIN && writer->number->negative)
		buf_add_char(writer->out, '-');
	else if (pattern->sign == SIGN_PLAIN && pattern->fill)
		buf_add_char(writer->out, ' ');
	else if (pattern->sign == SIGN_S && !pattern->sign_last)
		buf_add_char(writer->out, writer->number->negative ? '-' : '+');
}

static void add_digit(struct writer *writer)
{
	const struct number *number = writer->number;
	unsigned place = writer->digit++;
	unsigned blanks = writer->pattern->digits - number->whole_count;

	if (number->too_long) {
		begin(writer);
		buf_add_char(writer->out, '#');
	} else if (place >= blanks) {
		begin(writer);
		buf_add_char(writer->out, number->whole[place - blanks]);
	} else if (place >= writer->pattern->zero_from) {
		begin(writer);
		buf_add_char(writer->out, '0');
	} else if (writer->pattern->fill) {
		buf_add_char(writer->out, ' ');
	}
}

static void add_decimal(struct writer *writer)
{
	if (writer->decimal++ >= writer->decimals)
		return;
	buf_add_char(writer->out,
		     writer->number->too_long
			     ? '#'
			     : writer->number->decimals[writer->decimal - 1]);
}

static void add_sign(struct writer *writer, const char *mark)
{
	bool negative = writer->number->negative, fill = writer->pattern->fill;
	const char *text = "";

	if (strncasecmp(mark, "SG", 2) == 0)
		text = negative ? "-" : "+";
	else if (strncasecmp(mark, "MI", 2) == 0)
		text = negative ? "-" : fill ? " " : "";
	else if (strncasecmp(mark, "PL", 2) == 0)
		text = !negative ? "+" : fill ? " " : "";
	else if (strncasecmp(mark, "PR", 2) == 0)
		text = negative ? ">" : fill ? " " : "";
	buf_add_str(writer->out, text);
}

/* With FM, decimals end with the last that is not 0, or that the pattern wants. */
static unsigned count_decimals(const struct pattern *pattern,
			       const struct number *number)
{
	unsigned count = pattern->decimals;

	while (!pattern->fill && count > pattern->decimals_kept &&
	       number->decimals[count - 1] == '0')
		count--;
	return count;
}

static void write_number(struct writer *writer)
{
	const char *at = writer->pattern->text;
	bool point = false;

	if (writer->pattern->brackets &&
	    (writer->number->negative || writer->pattern->fill))
		buf_add_char(writer->out, writer->number->negative ? '<' : ' ');
	while (*at) {
		size_t size = mark_size(at);

		if (*at == '"') {
			const char *end = quoted_end(at);

			buf_add(writer->out, at + 1, (size_t)(end - at) - 2);
			at = end;
			continue;
		}
		if (*at == '9' || *at == '0') {
			if (point)
				add_decimal(writer);
			else
				add_digit(writer);
		} else if (*at == '.' || (size == 1 && (*at | 0x20) == 'd')) {
			point = true;
			begin(writer);
			buf_add_char(writer->out, '.');
		} else if (*at == ',' || (size == 1 && (*at | 0x20) == 'g')) {
			if (writer->begun)
				buf_add_char(writer->out, ',');
			else if (writer->pattern->fill)
				buf_add_char(writer->out, ' ');
		} else if (size == 1 && writer->pattern->sign_last) {
			buf_add_char(writer->out,
				     writer->number->negative ? '-' : '+');
		} else if (size == 2) {
			add_sign(writer, at);
		} else if (size == 0) {
			buf_add_char(writer->out, *at);
		}
		at += size ? size : 1;
	}
}

void function_to_char_number(sqlite3_context *context, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[1]);
	struct pattern pattern;
	struct number number;
	struct buf out = BUF_INIT;
	struct writer writer = { &pattern, &number, &out, 0, 0, 0, false };

	if (!text || !read_pattern(context, text, &pattern))
		return;
	read_number(argv[0], &pattern, &number);
	writer.decimals = count_decimals(&pattern, &number);
	write_number(&writer);
	function_text(context, &out);
}

/* ---- to_number ---------------------------------------------------------------------- */

/* The digits, point and sign that the text has where the pattern wants them. */
static void take_number(const char *text, const char *pattern, struct buf *digits)
{
	bool negative = false;

	for (; *pattern && *text; pattern += mark_size(pattern) == 2 ? 2 : 1) {
		while (*text == ' ' || *text == '+' || *text == '-' ||
		       *text == '<') {
			negative |= *text == '-' || *text == '<';
			text++;
		}
		if (*pattern == '9' || *pattern == '0') {
			if (*text >= '0' && *text <= '9')
				buf_add_char(digits, *text++);
		} else if (*pattern == '.' || (*pattern | 0x20) == 'd') {
			if (*text == '.')
				buf_add_char(digits, *text++);
		} else if (*pattern == ',' || (*pattern | 0x20) == 'g') {
			text += *text == ',';
		} else if (mark_size(pattern) == 0 && *text &&
			   (*text < '0' || *text > '9')) {
			text++;
		}
	}
	while (*text == ' ')
		text++;
	if (*text == '-' || negative) {
		struct buf with = BUF_INIT;

		buf_add_char(&with, '-');
		buf_add_slice(&with, buf_slice(digits));
		buf_release(digits);
		*digits = with;
	}
}

static void to_number(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf digits = BUF_INIT;
	const char *text;

	if (function_null(argc, argv))
		return;
	text = (const char *)sqlite3_value_text(argv[0]);
	take_number(text, (const char *)sqlite3_value_text(argv[1]), &digits);
	if (!strpbrk(buf_cstr(&digits), "0123456789"))
		function_fail(context, DRIFT_BAD_TYPE,
			      "invalid input syntax for type numeric: \"%.100s\"",
			      text);
	else if (strchr(buf_cstr(&digits), '.') || digits.size > 18)
		sqlite3_result_double(context, strtod(buf_cstr(&digits), NULL));
	else
		sqlite3_result_int64(context, strtoll(buf_cstr(&digits), NULL, 10));
	buf_release(&digits);
}

const struct function function_number_list[] = {
	{ "to_number", 2, to_number, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
