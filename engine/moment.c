/* SPDX-License-Identifier: MIT */
/* moment.c - points in history as people write them: seqs, tags, and times that
 * are relative or left to what the caller's context means.
 *
 * What cannot be read is refused with its text; a moment is never guessed, and
 * never silently the present. */
#include "engine/moment.h"

#include <strings.h>

#define NS_PER_SECOND 1000000000LL
#define NS_PER_DAY (86400 * NS_PER_SECOND)
#define SHOWN_BYTES_MAX 100

static bool word_is(struct slice text, const char *word)
{
	return text.size == strlen(word) &&
	       strncasecmp(text.data, word, text.size) == 0;
}

/* Take prefix (any case) off the front. */
static bool take_prefix(struct slice *text, const char *prefix)
{
	size_t size = strlen(prefix);

	if (text->size < size || strncasecmp(text->data, prefix, size) != 0)
		return false;
	*text = slice_of((const char *)text->data + size, text->size - size);
	return true;
}

static bool take_digit(struct slice *text, unsigned *digit)
{
	const char *at = text->data;

	if (text->size == 0 || *at < '0' || *at > '9')
		return false;
	*digit = (unsigned)(*at - '0');
	*text = slice_of(at + 1, text->size - 1);
	return true;
}

/* All of text as a number; above 2^64 - 1 it stays there, which is above any
 * head. canonical: without leading zeros. */
static bool read_seq(struct slice text, bool canonical, drift_seq *seq)
{
	bool leading_zero = text.size > 1 && *(const char *)text.data == '0';
	unsigned digit;

	if (text.size == 0 || (canonical && leading_zero))
		return false;
	*seq = 0;
	while (take_digit(&text, &digit))
		if (__builtin_mul_overflow(*seq, 10, seq) ||
		    __builtin_add_overflow(*seq, digit, seq))
			*seq = DRIFT_SEQ_MAX;
	return text.size == 0;
}

/* "N", "head", "head~K". */
static bool parse_seq(struct slice text, bool canonical, struct moment *moment)
{
	if (read_seq(text, canonical, &moment->seq)) {
		moment->kind = MOMENT_SEQ;
		return true;
	}
	moment->kind = MOMENT_HEAD;
	moment->seq = 0;
	if (word_is(text, "head"))
		return true;
	return take_prefix(&text, "head~") &&
	       read_seq(text, canonical, &moment->seq);
}

static bool parse_tag(struct slice name, struct moment *moment)
{
	if (name.size == 0 || name.size >= sizeof(moment->tag) ||
	    memchr(name.data, 0, name.size))
		return false;
	moment->kind = MOMENT_TAG;
	memcpy(moment->tag, name.data, name.size);
	moment->tag[name.size] = '\0';
	return true;
}

/* ---- Relative times ----------------------------------------------------- */

static int64_t unit_seconds(struct slice unit)
{
	static const struct {
		int64_t seconds;
		const char *names[5];
	} units[] = {
		{ 1, { "s", "sec", "secs", "second", "seconds" } },
		{ 60, { "m", "min", "mins", "minute", "minutes" } },
		{ 3600, { "h", "hr", "hrs", "hour", "hours" } },
		{ 86400, { "d", "day", "days" } },
		{ 604800, { "w", "week", "weeks" } },
	};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		for (j = 0; j < 5 && units[i].names[j]; j++)
			if (word_is(unit, units[i].names[j]))
				return units[i].seconds;
	return 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct slice take_letters(struct slice *text)
{
	struct slice word = *text;
	size_t size = 0;

	while (size < text->size && is_letter(((const char *)text->data)[size]))
		size++;
	word.size = size;
	*text = slice_of((const char *)text->data + size, text->size - size);
	return word;
}

static void skip_spaces(struct slice *text)
{
	while (take_prefix(text, " "))
		;
}

/* Nine digits at most, so that nothing overflows. */
static bool take_amount(struct slice *text, int64_t *amount)
{
	unsigned digit;
	unsigned digits = 0;

	for (*amount = 0; take_digit(text, &digit); digits++) {
		if (digits == 9)
			return false;
		*amount = *amount * 10 + digit;
	}
	return digits > 0;
}

/* One or more of "2h", "3 days"; *seconds gets the sum. Stops where there is no
 * further digit. */
static bool take_spans(struct slice *text, int64_t *seconds)
{
	int64_t amount;
	int64_t unit;

	*seconds = 0;
	do {
		if (!take_amount(text, &amount))
			return false;
		skip_spaces(text);
		unit = unit_seconds(take_letters(text));
		if (unit == 0 || *seconds > INT64_MAX / 4)
			return false;
		*seconds += amount * unit;
		skip_spaces(text);
	} while (text->size > 0 && !is_letter(*(const char *)text->data));
	return true;
}

/* "-2h30m", "3 days ago". */
static bool parse_relative(struct slice text, drift_time_ns now,
			   struct moment *moment)
{
	bool minus = take_prefix(&text, "-");
	drift_time_ns back;
	int64_t seconds;

	if (!take_spans(&text, &seconds))
		return false;
	if (minus ? text.size > 0 : !word_is(text, "ago"))
		return false;
	moment->kind = MOMENT_TIME;
	return !__builtin_mul_overflow(seconds, NS_PER_SECOND, &back) &&
	       !__builtin_sub_overflow(now, back, &moment->time);
}

static drift_time_ns midnight(drift_time_ns now)
{
	drift_time_ns in_day = now % NS_PER_DAY;

	return now - (in_day < 0 ? in_day + NS_PER_DAY : in_day);
}

/* "today", "yesterday 14:02", "14:02". */
static bool parse_day(struct slice text, drift_time_ns now, struct moment *moment)
{
	bool yesterday = take_prefix(&text, "yesterday");
	bool named = yesterday || take_prefix(&text, "today");

	if (yesterday)
		now -= NS_PER_DAY;
	moment->time = midnight(now);
	if (named && text.size == 0)
		return true;
	if (named && !take_prefix(&text, " "))
		return false;
	while (named && take_prefix(&text, " "))
		;
	return moment_parse_clock(text, now, &moment->time) == DRIFT_OK;
}

static bool parse_time(struct slice text, drift_time_ns now, struct moment *moment)
{
	moment->seq = 0;
	moment->kind = MOMENT_HEAD;
	if (word_is(text, "now"))
		return true;
	moment->kind = MOMENT_TIME;
	return parse_day(text, now, moment) ||
	       moment_parse_epoch(text, &moment->time) == DRIFT_OK ||
	       moment_parse_timestamp(text, &moment->time) == DRIFT_OK ||
	       parse_relative(text, now, moment);
}

static struct slice trimmed(struct slice text)
{
	const char *at = text.data;

	while (text.size > 0 && at[text.size - 1] == ' ')
		text.size--;
	skip_spaces(&text);
	return text;
}

static bool parse_sql(struct slice text, drift_time_ns now, struct moment *moment)
{
	text = trimmed(text);
	if (take_prefix(&text, "@seq:"))
		return parse_seq(text, false, moment);
	if (take_prefix(&text, "@tag:"))
		return parse_tag(text, moment);
	if (word_is(text, "@now"))
		return parse_time(SLICE("now"), now, moment);
	return parse_seq(text, false, moment) || parse_time(text, now, moment);
}

enum drift_err moment_parse(struct slice text, enum moment_context context,
			    drift_time_ns now, struct moment *moment,
			    struct drift_error *error)
{
	size_t shown = text.size < SHOWN_BYTES_MAX ? text.size : SHOWN_BYTES_MAX;
	bool parsed = false;

	*moment = (struct moment){ 0 };
	switch (context) {
	case MOMENT_OF_SEQ:
		parsed = parse_seq(text, true, moment);
		break;
	case MOMENT_OF_TIME:
		parsed = parse_time(text, now, moment);
		break;
	case MOMENT_OF_SQL:
		parsed = parse_sql(text, now, moment);
		break;
	}
	if (parsed)
		return DRIFT_OK;
	return drift_fail(error, DRIFT_BAD_MOMENT, "invalid moment: \"%.*s\"",
			  (int)shown, (const char *)text.data);
}
