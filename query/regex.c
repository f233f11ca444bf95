/* SPDX-License-Identifier: MIT */
/* regex.c - see regex.h. A match takes MATCH_STEPS_MAX steps and HEAP_KIB_MAX at most:
 * then it is an error, not an endless statement. */
#include "query/regex.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "query/function.h"

#define PATTERN_BYTES_MAX 10000
#define MATCH_STEPS_MAX 2000000
#define HEAP_KIB_MAX 16384

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	unsigned groups;
	bool global;
	bool kept;   /* with the argument, which frees it */
	size_t size; /* of the flags and the pattern, which follow */
	char source[];
};

static void regex_free(void *arg)
{
	struct regex *regex = arg;

	if (!regex)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->data);
	pcre2_code_free(regex->code);
	free(regex);
}

/* ---- Patterns ---------------------------------------------------------------- */

static bool take_prefix(struct slice *text, const char *prefix)
{
	size_t size = strlen(prefix);

	if (text->size < size || memcmp(text->data, prefix, size) != 0)
		return false;
	*text = slice_of((const char *)text->data + size, text->size - size);
	return true;
}

/* PostgreSQL's escapes for bounds of words. */
static void translate(struct slice pattern, struct buf *out)
{
	const char *bytes = pattern.data;

	for (size_t i = 0; i < pattern.size; i++) {
		if (bytes[i] != '\\' || i + 1 == pattern.size) {
			buf_add_char(out, bytes[i]);
			continue;
		}
		switch (bytes[++i]) {
		case 'm':
			buf_add_str(out, "\\b(?=\\w)");
			break;
		case 'M':
			buf_add_str(out, "\\b(?<=\\w)");
			break;
		case 'y':
			buf_add_str(out, "\\b");
			break;
		case 'Y':
			buf_add_str(out, "\\B");
			break;
		default:
			buf_add_char(out, '\\');
			buf_add_char(out, bytes[i]);
		}
	}
}

/* SIMILAR TO: % and _ as in LIKE, the rest a regular expression's, but . ^ and $. */
static void translate_similar(struct slice pattern, struct buf *out)
{
	const char *bytes = pattern.data;
	bool in_class = false;

	buf_add_str(out, "^(?:");
	for (size_t i = 0; i < pattern.size; i++) {
		char byte = bytes[i];

		if (byte == '\\' && i + 1 < pattern.size) {
			buf_add_char(out, '\\');
			buf_add_char(out, bytes[++i]);
		} else if (in_class) {
			in_class = byte != ']';
			buf_add_char(out, byte);
		} else if (byte == '%') {
			buf_add_str(out, ".*");
		} else if (byte == '_') {
			buf_add_char(out, '.');
		} else if (byte == '.' || byte == '^' || byte == '$') {
			buf_add_char(out, '\\');
			buf_add_char(out, byte);
		} else {
			in_class = byte == '[';
			buf_add_char(out, byte);
		}
	}
	buf_add_str(out, ")$");
}

static bool read_flags(sqlite3_context *context, struct slice flags,
		       uint32_t *options, bool *global)
{
	const char *bytes = flags.data;

	for (size_t i = 0; i < flags.size; i++) {
		switch (bytes[i]) {
		case 'g':
			*global = true;
			break;
		case 'i':
			*options |= PCRE2_CASELESS;
			break;
		case 'c':
			*options &= ~PCRE2_CASELESS;
			break;
		case 'n':
		case 'm':
			*options &= ~(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY);
			*options |= PCRE2_MULTILINE;
			break;
		case 's':
			*options |= PCRE2_DOTALL;
			break;
		case 'x':
			*options |= PCRE2_EXTENDED;
			break;
		default:
			function_fail(context, DRIFT_BAD_ARGUMENT,
				      "invalid regular expression option: \"%c\"",
				      bytes[i]);
			return false;
		}
	}
	return true;
}

static struct regex *fail_pattern(sqlite3_context *context, struct regex *regex,
				  int code)
{
	char text[200] = "out of memory";

	if (code)
		pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
	function_fail(context, DRIFT_BAD_REGEX, "invalid regular expression: %s",
		      text);
	regex_free(regex);
	return NULL;
}

static pcre2_code *compile_code(struct slice pattern, uint32_t options, int *code)
{
	pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
	PCRE2_SIZE place;
	pcre2_code *compiled;

	*code = 0;
	if (!limits)
		return NULL;
	pcre2_set_parens_nest_limit(limits, 100);
	compiled = pcre2_compile(pattern.size ? pattern.data : (const void *)"",
				 pattern.size, options, code, &place, limits);
	pcre2_compile_context_free(limits);
	return compiled;
}

static struct regex *compile(sqlite3_context *context, struct slice pattern,
			     struct slice flags)
{
	struct slice source = pattern;
	struct buf text = BUF_INIT;
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF |
			   PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
			   PCRE2_NEVER_BACKSLASH_C;
	struct regex *regex;
	uint32_t groups = 0;
	int code = 0;

	if (pattern.size > PATTERN_BYTES_MAX) {
		function_fail(
			context, DRIFT_TOO_BIG,
			"regular expression is too long: %zu bytes, at most %d",
			pattern.size, PATTERN_BYTES_MAX);
		return NULL;
	}
	regex = calloc(1, sizeof(*regex) + flags.size + 1 + source.size);
	if (!regex || !read_flags(context, flags, &options, &regex->global)) {
		if (!regex)
			sqlite3_result_error_nomem(context);
		free(regex);
		return NULL;
	}
	if (take_prefix(&pattern, REGEX_NOCASE))
		options |= PCRE2_CASELESS;
	if (take_prefix(&pattern, REGEX_SIMILAR))
		translate_similar(pattern, &text);
	else
		translate(pattern, &text);
	if (!buf_status(&text))
		regex->code = compile_code(buf_slice(&text), options, &code);
	buf_release(&text);
	if (!regex->code)
		return fail_pattern(context, regex, code);
	(void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
	(void)pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	regex->groups = groups;
	regex->data = pcre2_match_data_create_from_pattern(regex->code, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	if (!regex->data || !regex->limits)
		return fail_pattern(context, regex, 0);
	if (groups >= REGEX_GROUPS_MAX) {
		function_fail(context, DRIFT_TOO_BIG,
			      "regular expression has too many groups");
		regex_free(regex);
		return NULL;
	}
	pcre2_set_match_limit(regex->limits, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(regex->limits, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(regex->limits, HEAP_KIB_MAX);
	regex->size = flags.size + 1 + source.size;
	memcpy(regex->source, flags.size ? flags.data : "", flags.size);
	memcpy(regex->source + flags.size + 1, source.size ? source.data : "",
	       source.size);
	return regex;
}

static bool is_same(const struct regex *regex, struct slice pattern,
		    struct slice flags)
{
	return regex->size == flags.size + 1 + pattern.size &&
	       memcmp(regex->source, flags.size ? flags.data : "", flags.size) ==
		       0 &&
	       regex->source[flags.size] == '\0' &&
	       memcmp(regex->source + flags.size + 1,
		      pattern.size ? pattern.data : "", pattern.size) == 0;
}

struct regex *regex_get(sqlite3_context *context, sqlite3_value **argv, int at,
			struct slice flags)
{
	struct slice pattern = function_slice(argv[at]);
	struct regex *regex = sqlite3_get_auxdata(context, at);

	if (regex && is_same(regex, pattern, flags))
		return regex;
	return compile(context, pattern, flags);
}

void regex_put(sqlite3_context *context, struct regex *regex, int at)
{
	if (!regex || regex->kept)
		return;
	regex->kept = true;
	/* Frees it at once where the argument is another for each row. */
	sqlite3_set_auxdata(context, at, regex, regex_free);
}

/* ---- Matches ----------------------------------------------------------------- */

int regex_find(sqlite3_context *context, const struct regex *regex,
	       struct slice text, size_t from,
	       struct regex_span spans[REGEX_GROUPS_MAX])
{
	PCRE2_SPTR bytes = text.size ? text.data : (const void *)"";
	const PCRE2_SIZE *places;
	int rc = pcre2_match(regex->code, bytes, text.size, from, 0, regex->data,
			     regex->limits);

	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(regex->code, bytes, text.size, from, PCRE2_NO_JIT,
				 regex->data, regex->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0) {
		function_fail(context, DRIFT_TOO_BIG,
			      "regular expression is too complex for this text");
		return -1;
	}
	places = pcre2_get_ovector_pointer(regex->data);
	for (unsigned i = 0; i <= regex->groups; i++) {
		bool set = (int)i < rc && places[2 * i] != PCRE2_UNSET;

		spans[i].start = set ? (int64_t)places[2 * i] : -1;
		spans[i].end = set ? (int64_t)places[2 * i + 1] : -1;
	}
	return 1;
}

unsigned regex_groups(const struct regex *regex)
{
	return regex->groups;
}

bool regex_is_global(const struct regex *regex)
{
	return regex->global;
}
