/* SPDX-License-Identifier: MIT */
/* function_to_char.c - a time as a text by a pattern. */
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "query/function.h"

/* to_char's patterns, longest first where one begins another. */
static const struct {
	const char *pattern;
	const char *format; /* strftime's; NULL: see below */
} patterns[] = {
	{ "YYYY", "%Y" },  { "yyyy", "%Y" },  { "YY", "%y" },    { "yy", "%y" },
	{ "MONTH", NULL }, { "Month", "%B" }, { "month", NULL }, { "MON", NULL },
	{ "Mon", "%b" },   { "mon", NULL },   { "MM", "%m" },    { "mm", "%m" },
	{ "MI", "%M" },    { "mi", "%M" },    { "MS", NULL },    { "ms", NULL },
	{ "US", NULL },    { "us", NULL },    { "DAY", NULL },   { "Day", "%A" },
	{ "day", NULL },   { "DY", NULL },    { "Dy", "%a" },    { "dy", NULL },
	{ "DDD", "%j" },   { "ddd", "%j" },   { "DD", "%d" },    { "dd", "%d" },
	{ "D", NULL },     { "HH24", "%H" },  { "hh24", "%H" },  { "HH12", "%I" },
	{ "hh12", "%I" },  { "HH", "%I" },    { "hh", "%I" },    { "SS", "%S" },
	{ "ss", "%S" },    { "AM", "%p" },    { "PM", "%p" },    { "am", NULL },
	{ "pm", NULL },    { "IYYY", "%G" },  { "IW", "%V" },    { "Q", NULL },
	{ "TZ", NULL },    { "ID", "%u" },
};

static void add_cased(const struct tm *tm, const char *format, bool upper,
		      struct buf *out)
{
	char text[32];

	strftime(text, sizeof(text), format, tm);
	for (char *at = text; *at; at++)
		buf_add_char(out, upper ? (char)(*at & ~0x20) : (char)(*at | 0x20));
}

static void add_pattern(const struct tm *tm, int64_t nanoseconds,
			const char *pattern, const char *format, struct buf *out)
{
	bool upper = pattern[0] < 'a';
	char text[32];

	if (format) {
		strftime(text, sizeof(text), format, tm);
		buf_add_str(out, text);
	} else if (strcasecmp(pattern, "MS") == 0) {
		buf_printf(out, "%03d", (int)(nanoseconds / 1000000));
	} else if (strcasecmp(pattern, "US") == 0) {
		buf_printf(out, "%06d", (int)(nanoseconds / 1000));
	} else if (pattern[0] == 'Q') {
		buf_printf(out, "%d", tm->tm_mon / 3 + 1);
	} else if (strcmp(pattern, "D") == 0) {
		buf_printf(out, "%d", tm->tm_wday + 1);
	} else if (strcmp(pattern, "TZ") == 0) {
		buf_add_str(out, "UTC");
	} else {
		add_cased(tm,
			  strcasecmp(pattern, "MONTH") == 0 ? "%B"
			  : strcasecmp(pattern, "MON") == 0 ? "%b"
			  : strcasecmp(pattern, "DAY") == 0 ? "%A"
			  : strcasecmp(pattern, "DY") == 0  ? "%a"
							    : "%p",
			  upper, out);
	}
}

/* Months and days in full are padded to nine, as PostgreSQL does. */
static void pad(const char *pattern, size_t from, bool fill, struct buf *out)
{
	if (!fill || (strcasecmp(pattern, "MONTH") && strcasecmp(pattern, "DAY")))
		return;
	while (!buf_status(out) && out->size - from < 9)
		buf_add_char(out, ' ');
}

static void to_char(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *at;
	struct buf out = BUF_INIT;
	drift_time_ns time;
	int64_t nanoseconds;
	struct tm tm;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_type(argv[0]) != SQLITE_TEXT) {
		function_to_char_number(context, argv);
		return;
	}
	if (!function_time(context, argv[0], &time))
		return;
	function_tm(time, &tm, &nanoseconds);
	at = (const char *)sqlite3_value_text(argv[1]);
	while (at && *at) {
		bool fill = strncasecmp(at, "FM", 2) != 0;
		unsigned i = 0;

		if (!fill)
			at += 2;
		if (*at == '"') {
			for (at++; *at && *at != '"'; at++)
				buf_add_char(&out, *at);
			at += *at == '"';
			continue;
		}
		while (i < sizeof(patterns) / sizeof(*patterns) &&
		       strncmp(at, patterns[i].pattern,
			       strlen(patterns[i].pattern)) != 0)
			i++;
		if (i < sizeof(patterns) / sizeof(*patterns)) {
			size_t from = out.size;

			add_pattern(&tm, nanoseconds, patterns[i].pattern,
				    patterns[i].format, &out);
			pad(patterns[i].pattern, from, fill, &out);
			at += strlen(patterns[i].pattern);
			continue;
		}
		if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z' && *at != 'T' &&
		    *at != 'Z') {
			function_fail(context, DRIFT_UNSUPPORTED,
				      "to_char's pattern \"%s\" is not supported",
				      at);
			buf_release(&out);
			return;
		}
		if (*at)
			buf_add_char(&out, *at++);
	}
	function_text(context, &out);
}

const struct function function_to_char_list[] = {
	{ "to_char", 2, to_char, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
