/* SPDX-License-Identifier: MIT */
/* setting.c - the settings PostgreSQL clients send, and our own few.
 *
 * A setting that would change answers is taken only with the value that is true
 * here; those that do not matter are kept, so that SHOW tells what was set.
 * driftql.format makes the session our command line's: it speaks DriftQL, where "x"
 * may be a string, and gets its answers as text (wire_answer.c). */
#include "query/setting.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "query/control.h"
#include "query/limit.h"
#include "query/session.h"
#include "query/temporal.h"

enum rule {
	KEPT,     /* any value; it changes nothing */
	ONLY,     /* one of the values listed in `values` */
	ENCODING, /* the same, of which letters and digits count */
	FIXED,    /* cannot be set */
	TIMEOUT,
	READ_ONLY, /* what BEGIN and statements outside it are, unless they tell */
	MOMENT,    /* set by setting_set itself */
};

static const struct setting {
	const char *name;
	const char *initial;
	enum rule rule;
	const char *values; /* for ONLY, between spaces, lower case */
} settings[] = {
	{ "application_name", "", KEPT, NULL },
	{ "bytea_output", "hex", ONLY, " hex " },
	{ "client_encoding", "UTF8", ENCODING, " utf8 unicode " },
	{ "client_min_messages", "notice", KEPT, NULL },
	{ "datestyle", "ISO, MDY", KEPT, NULL },
	{ "default_transaction_deferrable", "off", KEPT, NULL },
	{ "default_transaction_isolation", "repeatable read", KEPT, NULL },
	{ "default_transaction_read_only", "off", READ_ONLY, NULL },
	{ "driftql.format", "", ONLY, " json csv tsv table cells " },
	{ "driftql.messages", "off", ONLY, " on off " },
	{ "extra_float_digits", "1", KEPT, NULL },
	{ "idle_in_transaction_session_timeout", "0", KEPT, NULL },
	{ "integer_datetimes", "on", FIXED, NULL },
	{ "intervalstyle", "postgres", KEPT, NULL },
	{ "is_superuser", "on", FIXED, NULL },
	{ "lock_timeout", "0", KEPT, NULL },
	{ "max_identifier_length", "200", FIXED, NULL },
	{ "max_index_keys", "8", FIXED, NULL },
	{ "search_path", "public", KEPT, NULL },
	{ "server_encoding", "UTF8", FIXED, NULL },
	{ "server_version", "15.0 (driftfs)", FIXED, NULL },
	{ "server_version_num", "150000", FIXED, NULL },
	{ "standard_conforming_strings", "on", ONLY, " on " },
	{ "statement_timeout", "30000", TIMEOUT, NULL },
	{ "system_time_asof", "default", MOMENT, NULL },
	{ "timezone", "UTC", ONLY, " utc gmt etc/utc z 0 " },
	{ "transaction_isolation", "repeatable read", KEPT, NULL },
	{ "transaction_read_only", "off", FIXED, NULL }, /* setting_get says */
};

#define SETTING_COUNT (sizeof(settings) / sizeof(*settings))
_Static_assert(SETTING_COUNT <= SETTING_COUNT_MAX, "room in the session");

static int find(const char *name)
{
	for (unsigned i = 0; i < SETTING_COUNT; i++)
		if (strcasecmp(settings[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *setting_name(unsigned i)
{
	return i < SETTING_COUNT ? settings[i].name : NULL;
}

const char *setting_get(const struct query_session *session, const char *name)
{
	int i = find(name);

	if (i < 0)
		return NULL;
	if (strcmp(settings[i].name, "transaction_read_only") == 0)
		return transaction_is_read_only(session) ? "on" : "off";
	return session->settings[i] ? session->settings[i] : settings[i].initial;
}

void setting_release(struct query_session *session)
{
	for (unsigned i = 0; i < SETTING_COUNT; i++)
		free(session->settings[i]);
}

static bool is_listed(const char *values, const char *value)
{
	char word[32] = " ";
	size_t size = strlen(value);

	if (size == 0 || size > sizeof(word) - 3)
		return false;
	for (size_t i = 0; i < size; i++)
		word[i + 1] = value[i] >= 'A' && value[i] <= 'Z'
				      ? (char)(value[i] + ('a' - 'A'))
				      : value[i];
	word[size + 1] = ' ';
	return strstr(values, word) != NULL;
}

/* 'utf-8' and UTF_8 are UTF8, to PostgreSQL too. */
static bool is_encoding(const char *values, const char *value)
{
	char name[32];
	size_t size = 0;

	for (; *value && size + 1 < sizeof(name); value++)
		if (isalnum((unsigned char)*value))
			name[size++] = *value;
	name[size] = '\0';
	return is_listed(values, name);
}

/* Milliseconds, or with a unit: "5s", "2min". 0 means no limit. */
static bool parse_timeout(const char *value, uint32_t *timeout_ms)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = { { "", 1 },
		      { "ms", 1 },
		      { "s", 1000 },
		      { "min", 60000 },
		      { "h", 3600000 } };
	char *unit;
	unsigned long long number = strtoull(value, &unit, 10);

	if (unit == value || value[0] == '-' || number > UINT32_MAX)
		return false;
	while (*unit == ' ')
		unit++;
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++) {
		uint64_t ms = number * units[i].factor;

		if (strcmp(unit, units[i].unit) != 0)
			continue;
		*timeout_ms = ms == 0 || ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
		return true;
	}
	return false;
}

static bool parse_boolean(const char *value, bool *yes)
{
	*yes = is_listed(" on true yes 1 t y ", value);
	return *yes || is_listed(" off false no 0 f n ", value);
}

static bool check(struct query_session *session, const struct setting *setting,
		  const char *value)
{
	if (setting->rule == ONLY)
		return is_listed(setting->values, value);
	if (setting->rule == ENCODING)
		return is_encoding(setting->values, value);
	if (setting->rule == TIMEOUT)
		return parse_timeout(value, &session->timeout_ms);
	if (setting->rule == READ_ONLY)
		return parse_boolean(value, &session->read_only);
	return true;
}

enum drift_err setting_put(struct query_session *session, const char *name,
			   const char *value, struct drift_error *error)
{
	int i = find(name);
	char *copy;

	if (i < 0)
		return drift_fail(error, DRIFT_NO_SETTING,
				  "unrecognized configuration parameter \"%s\"",
				  name);
	if (settings[i].rule == FIXED)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "parameter \"%s\" cannot be changed", name);
	if (!check(session, &settings[i], value))
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "invalid value for parameter \"%s\": \"%s\"", name,
				  value);
	copy = strdup(value);
	if (!copy)
		return drift_fail_code(error, DRIFT_NOMEM);
	free(session->settings[i]);
	session->settings[i] = copy;
	if (strcasecmp(name, "driftql.format") == 0)
		return limit_quoted_identifiers(session, false);
	return DRIFT_OK;
}

static enum drift_err put_initial(struct query_session *session, const char *name,
				  struct drift_error *error)
{
	int i = find(name);

	if (i < 0 || settings[i].rule == FIXED)
		return setting_put(session, name, "", error);
	free(session->settings[i]);
	session->settings[i] = NULL;
	if (settings[i].rule == MOMENT)
		session->has_moment = false;
	if (settings[i].rule == TIMEOUT || settings[i].rule == READ_ONLY)
		(void)check(session, &settings[i], settings[i].initial);
	return DRIFT_OK;
}

/* The rest of the statement, commas kept: SET DateStyle = ISO, MDY. */
static enum drift_err read_value(struct statement *statement, struct buf *value,
				 struct drift_error *error)
{
	struct buf part = BUF_INIT;
	enum drift_err err = statement_value(statement, &part, error);

	buf_add_slice(value, buf_slice(&part));
	while (!err && statement_accept_punct(statement, ",")) {
		err = statement_value(statement, &part, error);
		buf_add_str(value, ", ");
		buf_add_slice(value, buf_slice(&part));
	}
	buf_release(&part);
	return err ? err : statement_expect_end(statement, error);
}

static enum drift_err set_moment(struct query_session *session,
				 struct statement *statement,
				 struct drift_error *error)
{
	unsigned first = statement->at;
	struct buf text = BUF_INIT;
	drift_seq seq;
	enum drift_err err;

	err = temporal_moment(session, statement, &seq, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (err)
		return err;
	token_text(statement->script, statement->tokens[first], &text);
	err = setting_put(session, "system_time_asof", buf_cstr(&text), error);
	buf_release(&text);
	session->has_moment = !err;
	session->moment = seq;
	return err;
}

static enum drift_err read_name(struct statement *statement, struct buf *name,
				struct drift_error *error)
{
	struct buf part = BUF_INIT;
	enum drift_err err = statement_name(statement, name, error);

	if (!err && statement_accept_punct(statement, ".")) {
		err = statement_name(statement, &part, error);
		buf_printf(name, ".%s", buf_cstr(&part));
	}
	buf_release(&part);
	return err ? err : buf_status(name);
}

/* Would it matter that a transaction's setting outlives it? */
static bool is_effective(const char *name)
{
	int i = find(name);

	return i >= 0 &&
	       (settings[i].rule == TIMEOUT || settings[i].rule == READ_ONLY ||
		settings[i].rule == MOMENT);
}

static enum drift_err set_named(struct query_session *session,
				struct statement *statement, const char *name,
				bool local, struct drift_error *error)
{
	struct buf value = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (local && is_effective(name))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "SET LOCAL %s is not supported", name);
	if (statement_accept(statement, "DEFAULT"))
		return put_initial(session, name, error);
	if (strcasecmp(name, "system_time_asof") == 0)
		return set_moment(session, statement, error);
	err = read_value(statement, &value, error);
	if (!err)
		err = setting_put(session, name, buf_cstr(&value), error);
	buf_release(&value);
	return err;
}

enum drift_err setting_set(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;
	bool local;

	statement->at++;
	if (statement_accept(statement, "TRANSACTION"))
		return control_set(session, statement, error);
	local = statement_accept(statement, "LOCAL");
	if (!local && statement_accept(statement, "SESSION") &&
	    statement_accept(statement, "CHARACTERISTICS"))
		return control_set_defaults(session, statement, error);
	if (statement_accept(statement, "TIME")) {
		err = statement_expect(statement, "ZONE", error);
		buf_add_str(&name, "timezone");
	} else if (statement_accept(statement, "NAMES")) {
		buf_add_str(&name, "client_encoding");
	} else {
		err = read_name(statement, &name, error);
		if (!err && !statement_accept(statement, "TO"))
			err = statement_expect_punct(statement, "=", error);
	}
	if (!err)
		err = set_named(session, statement, buf_cstr(&name), local, error);
	if (!err)
		session_say(session, "SET", "%s", "");
	buf_release(&name);
	return err;
}

/* All but those by which our own command line talks. */
void setting_reset_all(struct query_session *session)
{
	for (unsigned i = 0; i < SETTING_COUNT; i++)
		if (settings[i].rule != FIXED &&
		    strncmp(settings[i].name, "driftql.", 8) != 0)
			(void)!put_initial(session, settings[i].name, NULL);
}

static enum drift_err show_all(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	struct answer *answer = &session->answer;
	enum drift_err err = statement_expect_end(statement, error);

	answer_columns(answer, (const char *const[]){ "name", "setting", NULL });
	for (unsigned i = 0; i < SETTING_COUNT && !err; i++) {
		err = answer_add(answer, settings[i].name);
		if (!err)
			err = answer_add(answer,
					 setting_get(session, settings[i].name));
	}
	if (err)
		return drift_fail_code(error, err);
	session_say(session, "SHOW", "%s", "");
	session_answer(session);
	return DRIFT_OK;
}

enum drift_err setting_reset(struct query_session *session,
			     struct statement *statement, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	statement->at++;
	err = read_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err && strcasecmp(buf_cstr(&name), "ALL") == 0)
		setting_reset_all(session);
	else if (!err)
		err = put_initial(session, buf_cstr(&name), error);
	if (!err)
		session_say(session, "RESET", "%s", "");
	buf_release(&name);
	return err;
}

enum drift_err setting_show(struct query_session *session,
			    struct statement *statement, struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf name = BUF_INIT;
	const char *value = NULL;
	enum drift_err err;

	if (statement_accept(statement, "ALL"))
		return show_all(session, statement, error);
	if (statement_accept(statement, "TRANSACTION"))
		buf_add_str(&name, "transaction_isolation");
	err = name.size ? DRIFT_OK : read_name(statement, &name, error);
	if (!err)
		value = setting_get(session, buf_cstr(&name));
	if (!err && !value) {
		err = drift_fail(error, DRIFT_NO_SETTING,
				 "unrecognized configuration parameter \"%s\"",
				 buf_cstr(&name));
		err = statement_place(token, err, error);
	}
	if (!err)
		err = answer_column(&session->answer, buf_cstr(&name));
	if (!err)
		err = answer_add(&session->answer, value);
	if (!err) {
		session_say(session, "SHOW", "%s", "");
		session_answer(session);
	}
	buf_release(&name);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
