/* SPDX-License-Identifier: MIT */
/* match.c - SQLite's LIKE and GLOB take time that grows with a power of the text's
 * length, inside one instruction, where no limit is looked at. GLOB means what it did;
 * LIKE minds case and has the escape '\\', as in PostgreSQL, and ILIKE, which rewriting
 * turns into MATCH, does not mind case, in ASCII. No blobs, text up to its first NUL,
 * characters of UTF-8.
 *
 * A pattern is read once and kept by SQLite for the statement. Most are one literal
 * with or without a '%' at its ends, and need no more than a search. The others are
 * matched with one point to come back to, behind the last '%': whatever an earlier one
 * could take instead, the last can take as well. */
#include "query/match.h"

#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#include "query/limit.h"
#include "query/session.h"

#define PATTERN_BYTES_MAX 1000
#define STEPS_UNTIL_CHECK 100000
#define RARE_TRIES 8

struct kind {
	unsigned many, one, set; /* 0: it has none */
	unsigned escape;         /* unless another is given; 0: none */
	bool fold;               /* case does not matter */
};

static const struct kind like_kind = { '%', '_', 0, '\\', false };
static const struct kind ilike_kind = { '%', '_', 0, '\\', true };
static const struct kind glob_kind = { '*', '?', '[', 0, false };

enum form { FORM_GENERAL, FORM_LITERAL };

struct pattern {
	const struct kind *kind;
	unsigned many, one, escape;
	enum form form;
	bool open_start, open_end; /* FORM_LITERAL: anything may stand there */
	size_t size;
	size_t rare; /* the byte of the literal that texts have least of */
	/* How far the literal may move on when its last byte meets this one (Horspool). */
	uint8_t skip[256];
	uint8_t text[]; /* the literal, folded; else the pattern as it was written */
};

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* ---- Reading the pattern --------------------------------------------------- */

static bool is_special(const struct pattern *pattern, uint8_t c)
{
	return c == pattern->many || c == pattern->one || c == pattern->escape ||
	       (pattern->kind->set && c == pattern->kind->set);
}

/* How often a byte is met in texts, roughly: those that are not listed least, those that
 * only begin a character of another script most. */
static size_t frequency(uint8_t c)
{
	static const char often[] = "zqxjkvbpygfwmucldrhsnioate ";
	const char *at = memchr(often, c, sizeof(often) - 1);

	if (c >= 0xc0)
		return sizeof(often);
	return at ? (size_t)(at - often) + 1 : 0;
}

static size_t rarest(const uint8_t *text, size_t size)
{
	size_t rare = 0;

	for (size_t i = 1; i < size; i++)
		if (frequency(text[i]) < frequency(text[rare]))
			rare = i;
	return rare;
}

/* A literal between two ends that are open or not? */
static void find_literal(struct pattern *pattern)
{
	size_t start = 0, end = pattern->size;

	while (start < end && pattern->many && pattern->text[start] == pattern->many)
		start++;
	while (end > start && pattern->many &&
	       pattern->text[end - 1] == pattern->many)
		end--;
	if (start == end || end - start > UINT8_MAX)
		return;
	for (size_t i = start; i < end; i++)
		if (is_special(pattern, pattern->text[i]))
			return;
	pattern->form = FORM_LITERAL;
	pattern->open_start = start > 0;
	pattern->open_end = end < pattern->size;
	pattern->size = end - start;
	memmove(pattern->text, pattern->text + start, pattern->size);
	for (size_t i = 0; pattern->kind->fold && i < pattern->size; i++)
		pattern->text[i] = fold(pattern->text[i]);
	pattern->rare = rarest(pattern->text, pattern->size);
	memset(pattern->skip, (int)pattern->size, sizeof(pattern->skip));
	for (size_t i = 0; i + 1 < pattern->size; i++)
		pattern->skip[pattern->text[i]] = (uint8_t)(pattern->size - 1 - i);
}

static struct pattern *pattern_new(const struct kind *kind, const uint8_t *text,
				   size_t size, unsigned escape)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern) + size + 1);

	if (!pattern)
		return NULL;
	pattern->kind = kind;
	pattern->many = escape == kind->many ? 0 : kind->many;
	pattern->one = escape == kind->one ? 0 : kind->one;
	pattern->escape = escape;
	pattern->size = size;
	memcpy(pattern->text, text, size);
	/* A escape of several bytes is no special byte; leave it to the general way. */
	if (escape < 0x80)
		find_literal(pattern);
	return pattern;
}

/* ---- A literal ---------------------------------------------------------------- */

static bool same(const struct pattern *pattern, const uint8_t *text)
{
	if (!pattern->kind->fold)
		return memcmp(text, pattern->text, pattern->size) == 0;
	for (size_t i = 0; i < pattern->size; i++)
		if (fold(text[i]) != pattern->text[i])
			return false;
	return true;
}

/* By the rare byte, while it is rare: true if that told, by *found. Else the literal does
 * not begin before *at. */
static bool find_by_rare(const struct pattern *pattern, const uint8_t *text,
			 size_t size, size_t *at, bool *found)
{
	const uint8_t *from = text + pattern->rare;
	const uint8_t *end = text + size - (pattern->size - 1 - pattern->rare);

	*found = false;
	for (unsigned i = 0; i < RARE_TRIES; i++) {
		const uint8_t *hit = memchr(from, pattern->text[pattern->rare],
					    (size_t)(end - from));

		if (!hit)
			return true;
		*found = same(pattern, hit - pattern->rare);
		if (*found)
			return true;
		from = hit + 1;
	}
	*at = (size_t)(from - text) - pattern->rare;
	return false;
}

static bool find(const struct pattern *pattern, const uint8_t *text, size_t size)
{
	size_t last = pattern->size - 1, at = 0;
	uint8_t wanted = pattern->text[last];
	bool folds = pattern->kind->fold, found;

	if (!folds && find_by_rare(pattern, text, size, &at, &found))
		return found;
	while (at + last < size) {
		uint8_t c = folds ? fold(text[at + last]) : text[at + last];

		if (c == wanted && same(pattern, text + at))
			return true;
		at += pattern->skip[c];
	}
	return false;
}

static bool match_literal(const struct pattern *pattern, const uint8_t *text,
			  size_t size)
{
	if (size < pattern->size)
		return false;
	if (pattern->open_start && pattern->open_end)
		return find(pattern, text, size);
	if (pattern->open_start)
		return same(pattern, text + size - pattern->size);
	return (pattern->open_end || size == pattern->size) && same(pattern, text);
}

/* ---- Anything else ------------------------------------------------------------- */

/* A character, and past it; 0 at the end. */
static unsigned next_char(const uint8_t **at, const uint8_t *end)
{
	unsigned c, more;

	if (*at == end)
		return 0;
	c = *(*at)++;
	if (c < 0xc0)
		return c;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	for (c &= 0x3fu >> more; more > 0 && *at < end && (**at & 0xc0) == 0x80;
	     more--)
		c = c << 6 | (*(*at)++ & 0x3f);
	return c;
}

/* "[^a-z]" behind its '['; *at moves past it. False, too, if it has no end. */
static bool in_set(unsigned c, const uint8_t **at, const uint8_t *end)
{
	unsigned before = 0, item = next_char(at, end);
	bool invert = item == '^', seen = false;

	if (invert)
		item = next_char(at, end);
	if (item == ']') {
		seen = c == ']';
		item = next_char(at, end);
	}
	while (item && item != ']') {
		if (item == '-' && *at < end && **at != ']' && before > 0) {
			item = next_char(at, end);
			seen = seen || (c >= before && c <= item);
			before = 0;
		} else {
			seen = seen || c == item;
			before = item;
		}
		item = next_char(at, end);
	}
	return item && seen != invert;
}

/* Does the pattern's item at *at, which is no `many`, match c? *at moves past it. */
static bool match_item(const struct pattern *pattern, const uint8_t **at,
		       const uint8_t *end, unsigned c)
{
	unsigned item = next_char(at, end);

	if (item == 0)
		return false;
	if (item == pattern->one)
		return true;
	if (pattern->kind->set && item == pattern->kind->set)
		return in_set(c, at, end);
	if (item == pattern->escape) {
		item = next_char(at, end);
		if (item == 0)
			return false;
	}
	return item == c || (pattern->kind->fold && item < 0x80 && c < 0x80 &&
			     fold((uint8_t)item) == fold((uint8_t)c));
}

/* DRIFT_OK: it matches, DRIFT_DONE: it does not, DRIFT_INTERRUPTED. */
static enum drift_err match_general(struct query_session *session,
				    const struct pattern *pattern,
				    const uint8_t *text, size_t size)
{
	const uint8_t *at = pattern->text, *end = at + pattern->size;
	const uint8_t *text_end = text + size;
	const uint8_t *back = NULL, *back_text = NULL;

	for (unsigned steps = 1; text < text_end; steps++) {
		const uint8_t *text_next = text, *next = at;
		unsigned c = next_char(&text_next, text_end);

		if (steps % STEPS_UNTIL_CHECK == 0 && limit_reached(session))
			return DRIFT_INTERRUPTED;
		if (at < end && pattern->many && *at == pattern->many) {
			back = ++at;
			back_text = text;
		} else if (match_item(pattern, &next, end, c)) {
			at = next;
			text = text_next;
		} else if (back) {
			at = back;
			(void)next_char(&back_text, text_end);
			text = back_text;
		} else {
			return DRIFT_DONE;
		}
	}
	while (at < end && pattern->many && *at == pattern->many)
		at++;
	return at == end ? DRIFT_OK : DRIFT_DONE;
}

/* ---- The functions ----------------------------------------------------------------- */

/* The escape's character; UINT_MAX and an error when it is not one. */
static unsigned escape_of(sqlite3_context *context, sqlite3_value *value)
{
	const uint8_t *at = sqlite3_value_text(value);
	const uint8_t *end = at ? at + strlen((const char *)at) : at;
	unsigned c = at ? next_char(&at, end) : 0;

	if (at && c && at == end)
		return c;
	if (at)
		sqlite3_result_error(
			context, "ESCAPE expression must be a single character", -1);
	return UINT32_MAX;
}

/* The pattern as it was read before, or now; *made is to be kept by the caller. */
static struct pattern *pattern_of(sqlite3_context *context, const struct kind *kind,
				  int argc, sqlite3_value **argv, bool *made)
{
	struct pattern *pattern = sqlite3_get_auxdata(context, 0);
	const uint8_t *text;
	unsigned escape = kind->escape;

	*made = !pattern;
	if (pattern)
		return pattern;
	if (sqlite3_value_bytes(argv[0]) > PATTERN_BYTES_MAX) {
		sqlite3_result_error(context, "LIKE or GLOB pattern too complex",
				     -1);
		return NULL;
	}
	if (argc == 3)
		escape = escape_of(context, argv[2]);
	text = sqlite3_value_text(argv[0]);
	if (escape == UINT32_MAX || !text)
		return NULL;
	pattern = pattern_new(kind, text, strlen((const char *)text), escape);
	if (!pattern)
		sqlite3_result_error_nomem(context);
	return pattern;
}

/* A value as text, up to its first NUL; false: it has none. A text's bytes are taken as
 * they are: sqlite3_value_text moves it to where there is room for a NUL. */
static bool text_of(sqlite3_value *value, struct slice *text)
{
	int type = sqlite3_value_type(value);

	text->data = type == SQLITE_TEXT ? sqlite3_value_blob(value)
					 : sqlite3_value_text(value);
	if (!text->data && type == SQLITE_TEXT)
		text->data = "";
	if (text->data)
		text->size = strnlen(text->data, (size_t)sqlite3_value_bytes(value));
	return text->data != NULL;
}

static void match(sqlite3_context *context, const struct kind *kind, int argc,
		  sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	enum drift_err err = DRIFT_DONE;
	struct pattern *pattern;
	struct slice text;
	bool made;

	/* As Debian's SQLite has it. */
	if (sqlite3_value_type(argv[0]) == SQLITE_BLOB ||
	    sqlite3_value_type(argv[1]) == SQLITE_BLOB) {
		sqlite3_result_int(context, 0);
		return;
	}
	pattern = pattern_of(context, kind, argc, argv, &made);
	if (pattern && text_of(argv[1], &text)) {
		if (pattern->form == FORM_GENERAL)
			err = match_general(session, pattern, text.data, text.size);
		else if (match_literal(pattern, text.data, text.size))
			err = DRIFT_OK;
		if (err == DRIFT_INTERRUPTED)
			sqlite3_result_error_code(context, SQLITE_INTERRUPT);
		else
			sqlite3_result_int(context, err == DRIFT_OK);
	}
	/* The escape may differ from row to row; SQLite would keep the pattern. */
	if (pattern && made && argc == 2)
		sqlite3_set_auxdata(context, 0, pattern, free);
	else if (made)
		free(pattern);
}

static void like(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	match(context, &like_kind, argc, argv);
}

static void ilike(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	match(context, &ilike_kind, argc, argv);
}

static void glob(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	match(context, &glob_kind, argc, argv);
}

enum drift_err match_register(struct query_session *session)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	sqlite3 *db = session->sqlite;

	if (sqlite3_create_function_v2(db, "like", 2, flags, session, like, NULL,
				       NULL, NULL) ||
	    sqlite3_create_function_v2(db, "like", 3, flags, session, like, NULL,
				       NULL, NULL) ||
	    sqlite3_create_function_v2(db, "match", 2, flags, session, ilike, NULL,
				       NULL, NULL) ||
	    sqlite3_create_function_v2(db, "glob", 2, flags, session, glob, NULL,
				       NULL, NULL))
		return DRIFT_NOMEM;
	return DRIFT_OK;
}
