/* SPDX-License-Identifier: MIT */
/* function_regex.c - x ~ p, regexp_replace() and their kin, over regex.h. */
#include "query/function.h"
#include "query/regex.h"
#include "query/session.h"
#include "engine/json.h"
#include "query/value.h"

#define ANSWER_BYTES_MAX (16 << 20)

static const struct slice no_flags = { NULL, 0 };

static struct slice flags_of(int argc, sqlite3_value **argv, int at)
{
	return at < argc ? function_slice(argv[at]) : no_flags;
}

static void answer_span(sqlite3_context *context, struct slice text,
			struct regex_span span)
{
	if (span.start >= 0)
		sqlite3_result_text64(context, (const char *)text.data + span.start,
				      (sqlite3_uint64)(span.end - span.start),
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* Where the search goes on behind a match: one character further when it was empty. */
static size_t behind(struct slice text, struct regex_span span)
{
	const unsigned char *bytes = text.data;
	size_t at = (size_t)span.end;

	if (span.end > span.start)
		return at;
	at++;
	while (at < text.size && (bytes[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* Does argument `text` match argument `pattern`? */
static void answer_whether(sqlite3_context *context, sqlite3_value **argv, int text,
			   int pattern, struct slice flags)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct regex *regex = regex_get(context, argv, pattern, flags);
	int found;

	if (!regex)
		return;
	found = regex_find(context, regex, function_slice(argv[text]), 0, spans);
	if (found >= 0) {
		sqlite3_result_int(context, found);
		sqlite3_result_subtype(context, VALUE_BOOLEAN);
	}
	regex_put(context, regex, pattern);
}

/* regexp(p, x): what x REGEXP p calls, and with it x ~ p. */
static void matches(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer_whether(context, argv, 1, 0, no_flags);
}

/* regexp_like(x, p [, flags]). */
static void like(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer_whether(context, argv, 0, 1, flags_of(argc, argv, 2));
}

/* A match's groups as a JSON array; the whole match, if the pattern has none. */
static void add_groups(const struct regex *regex, struct slice text,
		       const struct regex_span *spans, struct buf *out)
{
	unsigned groups = regex_groups(regex);

	for (unsigned i = groups > 0; i <= groups; i++) {
		buf_add_char(out, i > 1 ? ',' : '[');
		if (spans[i].start < 0)
			buf_add_str(out, "null");
		else
			json_print_text(
				slice_of((const char *)text.data + spans[i].start,
					 (size_t)(spans[i].end - spans[i].start)),
				out);
	}
	buf_add_char(out, ']');
}

/* regexp_match(x, p [, flags]): the groups of the first match, or the whole. */
static void match(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct slice text = function_slice(argv[0]);
	struct buf out = BUF_INIT;
	struct regex *regex;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, flags_of(argc, argv, 2));
	if (!regex)
		return;
	if (regex_find(context, regex, text, 0, spans) > 0) {
		add_groups(regex, text, spans, &out);
		function_text(context, &out);
		sqlite3_result_subtype(context, VALUE_JSON);
	}
	regex_put(context, regex, 1);
}

/* regexp_substr(x, p), and substring(x FROM p), which answers with the first group if
 * there is one. */
static void substr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct regex *regex;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, no_flags);
	if (!regex)
		return;
	if (regex_find(context, regex, function_slice(argv[0]), 0, spans) > 0)
		answer_span(context, function_slice(argv[0]), spans[0]);
	regex_put(context, regex, 1);
}

void function_substring_matching(sqlite3_context *context, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct regex *regex = regex_get(context, argv, 1, no_flags);

	if (!regex)
		return;
	if (regex_find(context, regex, function_slice(argv[0]), 0, spans) > 0)
		answer_span(context, function_slice(argv[0]),
			    spans[regex_groups(regex) > 0]);
	regex_put(context, regex, 1);
}

/* regexp_count(x, p). */
static void count(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct slice text = function_slice(argv[0]);
	sqlite3_int64 number = 0;
	struct regex *regex;
	size_t at = 0;
	int found = 0;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, no_flags);
	if (!regex)
		return;
	while (at <= text.size &&
	       (found = regex_find(context, regex, text, at, spans)) > 0) {
		number++;
		at = behind(text, spans[0]);
	}
	if (found >= 0)
		sqlite3_result_int64(context, number);
	regex_put(context, regex, 1);
}

/* The replacement, with \1 to \9 and \& filled in. */
static void add_replacement(struct slice with, struct slice text,
			    const struct regex_span *spans, unsigned groups,
			    struct buf *out)
{
	const char *bytes = with.data;

	for (size_t i = 0; i < with.size; i++) {
		unsigned group;

		if (bytes[i] != '\\' || i + 1 == with.size) {
			buf_add_char(out, bytes[i]);
			continue;
		}
		i++;
		group = bytes[i] == '&' ? 0 : (unsigned)(bytes[i] - '0');
		if (bytes[i] != '&' && (group < 1 || group > 9)) {
			if (bytes[i] != '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, bytes[i]);
		} else if (group <= groups && spans[group].start >= 0) {
			buf_add(out, (const char *)text.data + spans[group].start,
				(size_t)(spans[group].end - spans[group].start));
		}
	}
}

/* regexp_replace(x, p, with [, flags]): the first match, or with g all. */
static void replace(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct slice text = function_slice(argv[0]);
	struct buf out = BUF_INIT;
	struct regex *regex;
	size_t at = 0, copied = 0;
	int found = 0;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, flags_of(argc, argv, 3));
	if (!regex)
		return;
	while (at <= text.size && out.size < ANSWER_BYTES_MAX &&
	       (found = regex_find(context, regex, text, at, spans)) > 0) {
		buf_add(&out, (const char *)text.data + copied,
			(size_t)spans[0].start - copied);
		add_replacement(function_slice(argv[2]), text, spans,
				regex_groups(regex), &out);
		copied = (size_t)spans[0].end;
		at = behind(text, spans[0]);
		if (!regex_is_global(regex))
			break;
	}
	buf_add(&out, (const char *)text.data + copied, text.size - copied);
	regex_put(context, regex, 1);
	if (found < 0)
		buf_release(&out);
	else if (out.size > ANSWER_BYTES_MAX)
		sqlite3_result_error_toobig(context), buf_release(&out);
	else
		function_text(context, &out);
}

/* drift_regexp_matches(x, p, flags): regexp_matches() as an array of its rows, each an
 * array of the groups, or of the match if there are none. */
static void all_matches(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct slice text = function_slice(argv[0]);
	struct slice flags = flags_of(argc, argv, 2);
	bool global = flags.size && memchr(flags.data, 'g', flags.size);
	struct buf out = BUF_INIT;
	struct regex *regex;
	int found = 0;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, flags);
	if (!regex)
		return;
	for (size_t at = 0;
	     at <= text.size && out.size < ANSWER_BYTES_MAX &&
	     (found = regex_find(context, regex, text, at, spans)) > 0;
	     at = global ? behind(text, spans[0]) : text.size + 1) {
		buf_add_char(&out, out.size ? ',' : '[');
		add_groups(regex, text, spans, &out);
	}
	regex_put(context, regex, 1);
	buf_add_str(&out, out.size ? "]" : "[]");
	if (found < 0) {
		buf_release(&out);
		return;
	}
	function_text(context, &out);
	sqlite3_result_subtype(context, VALUE_JSON);
}

/* regexp_split_to_array(x, p). */
static void split(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct regex_span spans[REGEX_GROUPS_MAX];
	struct slice text = function_slice(argv[0]);
	const char *bytes = text.data;
	struct buf out = BUF_INIT;
	struct regex *regex;
	size_t at = 0, copied = 0;
	int found = 0;

	if (function_null(argc, argv))
		return;
	regex = regex_get(context, argv, 1, flags_of(argc, argv, 2));
	if (!regex)
		return;
	while (at <= text.size &&
	       (found = regex_find(context, regex, text, at, spans)) > 0) {
		at = behind(text, spans[0]);
		/* Nothing between two empty matches at the same place. */
		if (spans[0].end == spans[0].start &&
		    ((size_t)spans[0].start == copied ||
		     (size_t)spans[0].start == text.size))
			continue;
		buf_add_char(&out, out.size ? ',' : '[');
		json_print_text(slice_of(bytes + copied,
					 (size_t)spans[0].start - copied),
				&out);
		copied = (size_t)spans[0].end;
	}
	regex_put(context, regex, 1);
	if (found < 0) {
		buf_release(&out);
		return;
	}
	buf_add_char(&out, out.size ? ',' : '[');
	json_print_text(slice_of(bytes + copied, text.size - copied), &out);
	buf_add_char(&out, ']');
	function_text(context, &out);
	sqlite3_result_subtype(context, VALUE_JSON);
}

const struct function function_regex_list[] = {
	{ "regexp", 2, matches, NULL, false },
	{ "regexp_like", 2, like, NULL, false },
	{ "regexp_like", 3, like, NULL, false },
	{ "regexp_match", 2, match, NULL, false },
	{ "regexp_match", 3, match, NULL, false },
	{ "regexp_substr", 2, substr, NULL, false },
	{ "drift_regexp_matches", 3, all_matches, NULL, false },
	{ "regexp_count", 2, count, NULL, false },
	{ "regexp_replace", 3, replace, NULL, false },
	{ "regexp_replace", 4, replace, NULL, false },
	{ "regexp_split_to_array", 2, split, NULL, false },
	{ "regexp_split_to_array", 3, split, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
