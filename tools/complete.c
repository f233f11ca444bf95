/* SPDX-License-Identifier: MIT */
/* complete.c - see complete.h. */
#include "tools/complete.h"

#include <ctype.h>
#include <glob.h>
#include <strings.h>

#include "tools/backslash.h"

#define TABLES_ASKED_MAX 20 /* for columns, when the statement names no table */

static const char *const keywords[] = {
	"ADD",          "ALL",        "ALTER",
	"ANALYZE",      "AND",        "AS OF",
	"ASC",          "BEGIN",      "BETWEEN",
	"BY",           "CASE",       "CHECK",
	"CHECKPOINT",   "COLUMN",     "COMMENT",
	"COMMIT",       "COMPACT",    "CONFLICT",
	"CONTAINED IN", "COUNT",      "CREATE",
	"CROSS",        "DEFAULT",    "DELETE",
	"DESC",         "DESCRIBE",   "DISTINCT",
	"DO",           "DROP",       "ELSE",
	"END",          "EXCEPT",     "EXECUTE",
	"EXISTS",       "EXPLAIN",    "FOR SYSTEM_TIME",
	"FROM",         "FULL",       "GROUP BY",
	"HAVING",       "ILIKE",      "IN",
	"INDEX",        "INNER",      "INSERT INTO",
	"INTEGER",      "INTERSECT",  "INTO",
	"IS",           "JOIN",       "KEY",
	"LEFT",         "LIKE",       "LIMIT",
	"NOT",          "NOTHING",    "NULL",
	"OFFSET",       "ON",         "OR",
	"ORDER BY",     "OVER",       "PARTITION BY",
	"PATCH",        "PREPARE",    "PRIMARY KEY",
	"REFERENCES",   "RELEASE",    "RENAME",
	"REPLACE",      "RETURNING",  "ROLLBACK",
	"SAVEPOINT",    "SELECT",     "SET",
	"SHOW DIFF",    "SHOW DRIFT", "SHOW INDEXES",
	"SHOW TABLES",  "SNAPSHOT",   "SOFT DELETE FROM",
	"TABLE",        "TAG",        "TEXT",
	"THEN",         "TO",         "TRUNCATE",
	"UNION",        "UNIQUE",     "UPDATE",
	"USING",        "VACUUM",     "VALUES",
	"VERIFY",       "VIEW",       "WHEN",
	"WHERE",        "WITH",       NULL,
};

static const char *const before_tables[] = {
	"FROM",    "JOIN",   "INTO",     "UPDATE", "TABLE",    "PATCH",
	"DRIFT",   "DIFF",   "DESCRIBE", "DESC",   "TRUNCATE", "SNAPSHOT",
	"COMPACT", "VACUUM", "ANALYZE",  "\\d",    "\\di",     NULL
};

static bool is_word_part(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static bool is_listed(const char *const *list, const char *word, size_t size)
{
	for (; *list; list++)
		if (strlen(*list) == size && strncasecmp(*list, word, size) == 0)
			return true;
	return false;
}

static bool begins(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* Add those names that begin with prefix and are not there yet. */
static void add_matching(struct names *found, const struct names *names,
			 const char *prefix)
{
	const char *at = NULL;

	while ((at = names_next(names, at)))
		if (begins(at, prefix) && !names_have(found, at))
			(void)names_add(found, at);
}

/* Keywords in the letters the person types. */
static void add_keywords(struct names *found, const char *prefix)
{
	bool lower = islower((unsigned char)prefix[0]);

	if (!*prefix)
		return;
	for (const char *const *at = keywords; *at; at++) {
		char word[32] = { 0 };

		if (!begins(*at, prefix))
			continue;
		for (size_t i = 0; (*at)[i] && i + 1 < sizeof(word); i++)
			word[i] = lower ? (char)tolower((unsigned char)(*at)[i])
					: (*at)[i];
		(void)names_add(found, word);
	}
}

static bool mentions(const char *text, const char *name)
{
	size_t size = strlen(name);

	for (; (text = strcasestr(text, name)); text++) {
		bool begins_word = !is_word_part(text[size]);

		if (begins_word)
			return true;
	}
	return false;
}

static void add_columns(struct door *door, const struct names *tables,
			const char *statement, const char *line, const char *prefix,
			struct names *found)
{
	bool any = false;

	for (int asked = 0; asked < 2 && !any; asked++) {
		const char *at = NULL;
		unsigned count = 0;

		while ((at = names_next(tables, at)) && count < TABLES_ASKED_MAX) {
			struct names columns = NAMES_INIT;
			bool named = mentions(statement, at) || mentions(line, at);

			if (asked == 0 && !named)
				continue;
			any = true;
			count++;
			if (!names_columns(door, at, &columns))
				add_matching(found, &columns, prefix);
			names_release(&columns);
		}
	}
}

/* The word before the one at word_at: its end is *size after what is answered. */
static const char *word_before(const char *line, size_t word_at, size_t *size)
{
	size_t end = word_at;
	size_t start;

	while (end > 0 && line[end - 1] == ' ')
		end--;
	start = end;
	while (start > 0 &&
	       (is_word_part(line[start - 1]) || line[start - 1] == '\\'))
		start--;
	*size = end - start;
	return line + start;
}

static void add_files(const char *prefix, struct names *found)
{
	struct buf pattern = BUF_INIT;
	glob_t files = { 0 };

	buf_printf(&pattern, "%s*", prefix);
	if (glob(buf_cstr(&pattern), GLOB_MARK, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			(void)names_add(found, files.gl_pathv[i]);
	globfree(&files);
	buf_release(&pattern);
}

static void add_formats(const char *prefix, struct names *found)
{
	static const char *const formats[] = { "json", "csv", "tsv", "table", NULL };

	for (const char *const *at = formats; *at; at++)
		if (begins(*at, prefix))
			(void)names_add(found, *at);
}

/* What a backslash command takes; false: ask about tables. */
static bool complete_argument(const char *line, struct completion *completion)
{
	size_t name_size = strcspn(line, " ");
	const char *argument = line + name_size + strspn(line + name_size, " ");

	completion->word_at = (size_t)(argument - line);
	if (name_size == 2 && strncmp(line, "\\i", 2) == 0)
		add_files(argument, &completion->candidates);
	else if (name_size == 7 && strncmp(line, "\\format", 7) == 0)
		add_formats(argument, &completion->candidates);
	else
		return false;
	return true;
}

void complete(struct door *door, const char *statement, const char *line,
	      struct completion *completion)
{
	struct names tables = NAMES_INIT;
	size_t at = strlen(line), before_size;
	const char *before, *prefix;

	*completion = (struct completion){ 0 };
	if (line[0] == '\\' && !strchr(line, ' ')) {
		backslash_names(line, &completion->candidates);
		return;
	}
	if (line[0] == '\\' && complete_argument(line, completion))
		return;
	while (at > 0 && is_word_part(line[at - 1]))
		at--;
	completion->word_at = at;
	prefix = line + at;
	before = word_before(line, at, &before_size);
	if (names_tables(door, &tables))
		names_release(&tables);
	if (is_listed(before_tables, before, before_size)) {
		add_matching(&completion->candidates, &tables, prefix);
	} else {
		add_columns(door, &tables, statement, line, prefix,
			    &completion->candidates);
		add_matching(&completion->candidates, &tables, prefix);
		if (at == 0 || line[at - 1] != '.')
			add_keywords(&completion->candidates, prefix);
	}
	names_release(&tables);
}
