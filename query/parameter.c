/* SPDX-License-Identifier: MIT */
/* parameter.c - a statement's parameters, from texts to SQLite's values. */
#include "query/parameter.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

void parameters_release(struct parameters *parameters)
{
	free(parameters->list);
	buf_release(&parameters->bytes);
	*parameters = (struct parameters){ 0 };
}

void parameters_clear(struct parameters *parameters)
{
	parameters->describing = false;
	parameters->count = 0;
	buf_clear(&parameters->bytes);
}

enum drift_err parameters_add(struct parameters *parameters, enum drift_type type,
			      struct slice text)
{
	if (parameters->count == PARAMETERS_MAX)
		return DRIFT_LIMIT;
	if (parameters->count == parameters->capacity) {
		unsigned capacity = parameters->capacity * 2 + 8;
		struct parameter *list =
			realloc(parameters->list, capacity * sizeof(*list));

		if (!list)
			return DRIFT_NOMEM;
		parameters->list = list;
		parameters->capacity = capacity;
	}
	parameters->list[parameters->count++] = (struct parameter){
		.type = type,
		.null = !text.data,
		.at = parameters->bytes.size,
		.size = text.size,
	};
	if (text.data)
		buf_add_slice(&parameters->bytes, text);
	return buf_status(&parameters->bytes);
}

struct parameter *parameter_get(struct parameters *parameters, unsigned n)
{
	while (parameters->describing && n > parameters->count)
		if (parameters_add(parameters, DRIFT_ANY, slice_of(NULL, 0)))
			return NULL;
	return n >= 1 && n <= parameters->count ? &parameters->list[n - 1] : NULL;
}

struct slice parameter_text(const struct parameters *parameters,
			    const struct parameter *parameter)
{
	return slice_of(parameter->size ? parameters->bytes.data + parameter->at
					: "",
			parameter->size);
}

enum drift_err parameter_missing(unsigned n, struct drift_error *error)
{
	return drift_fail(error, DRIFT_NO_PARAMETER, "there is no parameter $%u", n);
}

static bool copy_text(const struct parameters *parameters,
		      const struct parameter *parameter, char *to, size_t room)
{
	struct slice text = parameter_text(parameters, parameter);

	if (text.size == 0 || text.size >= room ||
	    memchr(text.data, '\0', text.size))
		return false;
	memcpy(to, text.data, text.size);
	to[text.size] = '\0';
	return true;
}

static bool read_integer(const struct parameters *parameters,
			 const struct parameter *parameter, int64_t *integer)
{
	char text[64];
	char *end;

	if (!copy_text(parameters, parameter, text, sizeof(text)))
		return false;
	errno = 0;
	*integer = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool read_real(const struct parameters *parameters,
		      const struct parameter *parameter, double *real)
{
	char text[400];
	char *end;

	if (!copy_text(parameters, parameter, text, sizeof(text)) ||
	    text[strspn(text, "0123456789+-.eE")] != '\0')
		return false;
	*real = strtod(text, &end);
	return *end == '\0';
}

static bool reads_as_boolean(const struct parameters *parameters,
			     const struct parameter *parameter)
{
	static const char *const words[] = { "t", "f", "true", "false" };
	char text[8];

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (copy_text(parameters, parameter, text, sizeof(text)) &&
		    strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

void parameter_infer(struct parameters *parameters, struct parameter *parameter,
		     enum drift_type type)
{
	int64_t integer;
	double real;
	drift_time_ns time;
	bool fits = true;

	if (parameter->type != DRIFT_ANY || type == DRIFT_ANY)
		return;
	if (!parameters->describing && !parameter->null) {
		if (type == DRIFT_INTEGER)
			fits = read_integer(parameters, parameter, &integer);
		else if (type == DRIFT_REAL)
			fits = read_real(parameters, parameter, &real);
		else if (type == DRIFT_BOOLEAN)
			fits = reads_as_boolean(parameters, parameter);
		else if (type == DRIFT_TIMESTAMP || type == DRIFT_DATE)
			fits = !moment_parse_timestamp(
				parameter_text(parameters, parameter), &time);
		else
			fits = false; /* the column makes of a text what it is */
	}
	if (!fits)
		return;
	parameter->type = type;
	parameter->inferred = true;
}

const char *parameter_call(const struct parameter *parameter)
{
	switch (parameter->type) {
	case DRIFT_BOOLEAN:
		return "drift_boolean";
	case DRIFT_JSON:
		return "drift_json";
	case DRIFT_TIMESTAMP:
		return "drift_timestamp";
	case DRIFT_DATE:
		return "drift_date";
	case DRIFT_BLOB:
		return "drift_bytea";
	default:
		return NULL;
	}
}

static enum drift_err bad_text(const struct parameters *parameters,
			       const struct parameter *parameter, const char *type,
			       struct drift_error *error)
{
	struct slice text = parameter_text(parameters, parameter);

	return drift_fail(error, DRIFT_BAD_TYPE,
			  "invalid input syntax for type %s: \"%.*s\"", type,
			  (int)(text.size < 100 ? text.size : 100),
			  (const char *)text.data);
}

static enum drift_err bind_one(const struct parameters *parameters,
			       const struct parameter *parameter, sqlite3_stmt *stmt,
			       int i, struct drift_error *error)
{
	struct slice text = parameter_text(parameters, parameter);
	int64_t integer;
	double real;
	int rc;

	if (parameter->null) {
		rc = sqlite3_bind_null(stmt, i);
	} else if (parameter->type == DRIFT_INTEGER) {
		if (!read_integer(parameters, parameter, &integer))
			return bad_text(parameters, parameter, "bigint", error);
		rc = sqlite3_bind_int64(stmt, i, integer);
	} else if (parameter->type == DRIFT_REAL) {
		if (!read_real(parameters, parameter, &real))
			return bad_text(parameters, parameter, "double precision",
					error);
		rc = sqlite3_bind_double(stmt, i, real);
	} else {
		rc = sqlite3_bind_text64(stmt, i, text.data, text.size,
					 SQLITE_TRANSIENT, SQLITE_UTF8);
	}
	return rc ? drift_fail_code(error, DRIFT_NOMEM) : DRIFT_OK;
}

enum drift_err parameter_bind(struct query_session *session, sqlite3_stmt *stmt,
			      struct drift_error *error)
{
	int count = sqlite3_bind_parameter_count(stmt);
	enum drift_err err = DRIFT_OK;

	for (int i = 1; i <= count && !err; i++) {
		struct parameter *parameter;

		if (!sqlite3_bind_parameter_name(stmt, i))
			continue; /* a number that is not used */
		parameter = parameter_get(&session->parameters, (unsigned)i);
		err = parameter ? bind_one(&session->parameters, parameter, stmt, i,
					   error)
				: parameter_missing((unsigned)i, error);
	}
	return err;
}
