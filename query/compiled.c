/* SPDX-License-Identifier: MIT */
/* compiled.c - see compiled.h. */
#include "query/compiled.h"

#include <stdlib.h>
#include <strings.h>

#include "query/session.h"
#include "query/verb.h"

#define KEY_BYTES_MAX_KEPT 4096
#define INTEGER_DIGITS_MAX 18
/* Estimates of rows are as old as the plan: so many events may make them wrong. */
#define EVENTS_MAX 10000

struct compiled {
	struct buf key;
	sqlite3_stmt *stmt;
	uint64_t used; /* when: compiled_list.uses */
	uint64_t ddl;
	drift_seq head;
	struct compiled_table tables[COMPILED_TABLES_MAX];
	unsigned table_count;
	struct rewrite_hint hints[REWRITE_HINTS_MAX];
	unsigned hint_count;
};

/* ---- The text a statement is found by --------------------------------------------- */

/* Is token i the OF of `FOR SYSTEM_TIME AS OF @SEQ:n`, with an n that has come? That is
 * the same moment for ever. */
static bool is_fixed_moment(const struct query_session *session,
			    const struct statement *statement, unsigned i)
{
	static const char *const system_time[] = { "SYSTEM_TIME", NULL };
	struct moment moment;

	return i >= 2 && i + 1 < statement->count &&
	       statement_is_one_of(statement, i - 2, system_time) &&
	       statement->tokens[i + 1].kind == TOKEN_MOMENT &&
	       moment_parse(token_slice(statement->script, statement->tokens[i + 1]),
			    MOMENT_OF_SQL, session->now, &moment,
			    NULL) == DRIFT_OK &&
	       moment.kind == MOMENT_SEQ && moment.seq <= session->view.seq;
}

/* Does the token make the statement mean something else at another time, or write? */
static bool is_timed(const struct query_session *session,
		     const struct statement *statement, unsigned i)
{
	static const char *const of[] = { "OF", NULL };
	static const char *const as_of[] = { "AS", NULL };
	static const char *const system_time[] = { "SYSTEM_TIME", NULL };
	static const char *const writes[] = { "nextval", "setval", "currval",
					      "lastval", NULL };
	struct token token = statement->tokens[i];

	if (statement_is_one_of(statement, i, of))
		return !is_fixed_moment(session, statement, i);
	if (statement_is_one_of(statement, i, system_time))
		return i + 2 >= statement->count ||
		       !statement_is_one_of(statement, i + 1, as_of) ||
		       !statement_is_one_of(statement, i + 2, of);
	if (token.kind == TOKEN_MOMENT)
		return i == 0 || !statement_is_one_of(statement, i - 1, of);
	return token.kind == TOKEN_JSON ||
	       statement_is_one_of(statement, i, writes) ||
	       (token_is_name(token) && token.size > 6 &&
		strncasecmp(statement->script + token.at, "drift_", 6) == 0);
}

static bool are_types_told(const struct parameters *parameters)
{
	for (unsigned i = 0; i < parameters->count; i++)
		if (parameters->list[i].type == DRIFT_ANY ||
		    parameters->list[i].inferred)
			return false;
	return true;
}

/* May the statement be kept at all? *lift: and its integers be lifted, because it has no
 * parameters yet. */
static bool is_plain(const struct query_session *session,
		     const struct statement *statement, bool *lift)
{
	*lift = true;
	if (session->transaction.txn || session->view.ddl == 0 || session->explain ||
	    session->parameters.describing)
		return false;
	for (unsigned i = 0; i < statement->count; i++) {
		if (is_timed(session, statement, i))
			return false;
		if (statement->tokens[i].kind == TOKEN_PARAMETER)
			*lift = false;
	}
	return *lift || are_types_told(&session->parameters);
}

/* An integer that stands alone on the right of a comparison. */
static bool is_liftable(const struct statement *statement, unsigned i)
{
	static const char *const before[] = { "=",  "<",  ">",  "<=",
					      ">=", "<>", "!=", NULL };
	static const char *const after[] = { "AND",   "OR",    "ORDER",
					     "GROUP", "LIMIT", NULL };

	return statement->tokens[i].kind == TOKEN_INTEGER &&
	       statement->tokens[i].size <= INTEGER_DIGITS_MAX &&
	       statement_is_one_of(statement, i - 1, before) &&
	       (i + 1 == statement->count ||
		statement_is_one_of(statement, i + 1, after));
}

/* Find what can be lifted in the outermost WHERE, outside of parentheses: before it and
 * in ORDER BY an integer may be a column's number, or part of its name. */
static void find_lifted(struct compiled_list *compiled,
			const struct statement *statement)
{
	static const char *const ends[] = { "GROUP",  "ORDER", "LIMIT",  "HAVING",
					    "UNION",  "FETCH", "EXCEPT", "INTERSECT",
					    "WINDOW", "FOR",   "OFFSET", NULL };
	struct verb verb = { 0 };
	unsigned i;

	if (verb_find(statement, &verb, NULL))
		return;
	i = verb_find_word(statement, verb.at, "WHERE");
	for (i++; i < statement->count && !statement_is_one_of(statement, i, ends);
	     i++) {
		if (token_is(statement->script, statement->tokens[i], "("))
			i = verb_find_close(statement, i);
		else if (is_liftable(statement, i) &&
			 compiled->lifted_count < COMPILED_LIFTED_MAX)
			compiled->lifted[compiled->lifted_count++] = i;
	}
}

/* The script's bytes, a mark for each that was lifted, and the parameters' types. */
static void add_key(struct query_session *session, const struct statement *statement)
{
	struct compiled_list *compiled = &session->compiled;
	struct token last = statement->tokens[statement->count - 1];
	size_t from = statement->tokens[0].at;

	for (unsigned i = 0; i < compiled->lifted_count; i++) {
		struct token token = statement->tokens[compiled->lifted[i]];

		buf_add(&compiled->key, statement->script + from, token.at - from);
		buf_add_char(&compiled->key, '\1');
		from = token.at + token.size;
	}
	buf_add(&compiled->key, statement->script + from,
		last.at + last.size - from);
	for (unsigned i = 0;
	     compiled->lifted_count == 0 && i < session->parameters.count; i++) {
		buf_add_char(&compiled->key, '\2');
		buf_add_char(&compiled->key, (char)session->parameters.list[i].type);
	}
}

void compiled_end(struct query_session *session)
{
	struct compiled_list *compiled = &session->compiled;
	struct parameters own = compiled->values;

	if (compiled->lifted_count == 0)
		return;
	compiled->values = session->parameters;
	session->parameters = own;
	compiled->lifted_count = 0;
}

enum drift_err compiled_begin(struct query_session *session,
			      const struct statement *statement)
{
	struct compiled_list *compiled = &session->compiled;
	struct parameters own;
	bool lift;
	enum drift_err err = DRIFT_OK;

	buf_clear(&compiled->key);
	compiled->lifted_count = 0;
	if (statement->count == 0 || !is_plain(session, statement, &lift) ||
	    statement_text(statement).size > KEY_BYTES_MAX_KEPT)
		return DRIFT_OK;
	if (lift)
		find_lifted(compiled, statement);
	add_key(session, statement);
	if (buf_status(&compiled->key))
		return DRIFT_NOMEM;
	if (compiled->lifted_count == 0)
		return DRIFT_OK;
	parameters_clear(&compiled->values);
	for (unsigned i = 0; i < compiled->lifted_count && !err; i++)
		err = parameters_add(
			&compiled->values, DRIFT_INTEGER,
			token_slice(statement->script,
				    statement->tokens[compiled->lifted[i]]));
	own = session->parameters;
	session->parameters = compiled->values;
	compiled->values = own;
	if (err)
		compiled_end(session);
	return err;
}

/* ---- The list ------------------------------------------------------------------------ */

static void entry_free(struct compiled *entry)
{
	if (!entry)
		return;
	sqlite3_finalize(entry->stmt);
	buf_release(&entry->key);
	free(entry);
}

static struct compiled_table table_now(const struct query_session *session,
				       uint32_t id)
{
	return (struct compiled_table){
		.id = id,
		.fields = drift_field_count(session->view, id),
		.integer_keys = drift_has_integer_keys(session->db, id),
	};
}

static bool is_good(const struct query_session *session,
		    const struct compiled *entry)
{
	if (entry->ddl != session->view.ddl ||
	    session->view.seq - entry->head > EVENTS_MAX)
		return false;
	for (unsigned i = 0; i < entry->table_count; i++) {
		const struct compiled_table *then = &entry->tables[i];
		struct compiled_table now = table_now(session, then->id);

		if (now.fields != then->fields ||
		    now.integer_keys != then->integer_keys)
			return false;
	}
	return true;
}

/* Where the statement's entry is, or would be: its own place, or the one that was not
 * used for longest. */
static struct compiled **place_of(struct compiled_list *compiled)
{
	struct compiled **place = &compiled->list[0];

	for (unsigned i = 0; i < COMPILED_MAX; i++) {
		struct compiled **at = &compiled->list[i];

		if (*at &&
		    slice_equal(buf_slice(&(*at)->key), buf_slice(&compiled->key)))
			return at;
		if (*place && (!*at || (*at)->used < (*place)->used))
			place = at;
	}
	return place;
}

/* Note the tables among the statement's names. */
static bool take_tables(struct query_session *session,
			const struct statement *statement)
{
	struct compiled_list *compiled = &session->compiled;
	struct buf name = BUF_INIT;
	bool fits = true;

	compiled->table_count = 0;

	for (unsigned i = 0; i < statement->count && fits; i++) {
		const struct table_def *def;

		if (!token_is_name(statement->tokens[i]))
			continue;
		buf_clear(&name);
		token_text(statement->script, statement->tokens[i], &name);
		def = buf_status(&name)
			      ? NULL
			      : relation_table(session->view, buf_slice(&name));
		fits = !buf_status(&name) &&
		       (!def || compiled->table_count < COMPILED_TABLES_MAX);
		if (fits && def)
			compiled->tables[compiled->table_count++] =
				table_now(session, def->id);
	}
	buf_release(&name);
	return fits;
}

sqlite3_stmt *compiled_find(struct query_session *session,
			    const struct statement *statement)
{
	struct compiled_list *compiled = &session->compiled;
	struct compiled **place = place_of(compiled), *entry = *place;

	if (compiled->key.size == 0)
		return NULL;
	if (!entry ||
	    !slice_equal(buf_slice(&entry->key), buf_slice(&compiled->key)) ||
	    !is_good(session, entry)) {
		if (!take_tables(session, statement))
			buf_clear(&compiled->key);
		return NULL;
	}
	entry->used = ++compiled->uses;
	memcpy(session->hints, entry->hints, sizeof(entry->hints));
	session->hint_count = entry->hint_count;
	return entry->stmt;
}

bool compiled_keep(struct query_session *session, sqlite3_stmt *stmt)
{
	struct compiled_list *compiled = &session->compiled;
	struct compiled *entry;
	struct compiled **place;

	if (compiled->key.size == 0 || session->saved)
		return false;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return false;
	buf_add_slice(&entry->key, buf_slice(&compiled->key));
	if (buf_status(&entry->key)) {
		entry_free(entry);
		return false;
	}
	entry->stmt = stmt;
	memcpy(entry->tables, compiled->tables, sizeof(entry->tables));
	entry->table_count = compiled->table_count;
	entry->used = ++compiled->uses;
	entry->ddl = session->view.ddl;
	entry->head = session->view.seq;
	memcpy(entry->hints, session->hints, sizeof(entry->hints));
	entry->hint_count = session->hint_count;
	place = place_of(compiled);
	entry_free(*place);
	*place = entry;
	return true;
}

void compiled_forget(struct query_session *session)
{
	for (unsigned i = 0; i < COMPILED_MAX; i++) {
		entry_free(session->compiled.list[i]);
		session->compiled.list[i] = NULL;
	}
}

void compiled_release(struct query_session *session)
{
	compiled_forget(session);
	buf_release(&session->compiled.key);
	parameters_release(&session->compiled.values);
}
