/* SPDX-License-Identifier: MIT */
/* wire_extended.c - the extended query protocol: PostgreSQL 15 manual, 55.2.3. */
#include "query/wire_extended.h"

#include <stdlib.h>

#include "engine/json.h"
#include "query/wire_answer.h"
#include "query/wire_error.h"
#include "query/wire_portal.h"
#include "query/wire_reading.h"

void wire_extended_release(struct wire_extended *extended)
{
	while (extended->portals) {
		struct portal *portal = extended->portals;

		extended->portals = portal->next;
		wire_portal_free(portal);
	}
	extended->portal_count = 0;
	extended->active = NULL;
}

void wire_extended_sync(struct wire_extended *extended,
			struct query_session *session)
{
	extended->skipping = false;
	wire_portal_drop_ended(extended, session);
	if (query_status(session) == 'I')
		while (extended->portals)
			wire_portal_drop(extended, session, &extended->portals);
}

static enum drift_err bad_message(struct drift_error *error)
{
	return drift_fail(error, DRIFT_PROTOCOL, "invalid message format");
}

/* ---- Parse --------------------------------------------------------------- */

static enum drift_err parse(struct wire *wire, struct query_session *session,
			    struct wire_reading *reading, struct drift_error *error)
{
	const char *name = wire_reading_text(reading);
	const char *query = wire_reading_text(reading);
	unsigned count = wire_reading_be16(reading);
	enum drift_type *types = calloc(count + 1, sizeof(*types));
	uint32_t *oids = calloc(count + 1, sizeof(*oids));
	enum drift_err err = types && oids ? DRIFT_OK : DRIFT_NOMEM;

	for (unsigned i = 0; i < count && !err; i++) {
		oids[i] = wire_reading_be32(reading);
		types[i] = wire_type_of_oid(oids[i]);
	}
	if (!err && reading->failed)
		err = bad_message(error);
	/* A named statement is for many times: tell of its faults now. */
	if (!err && *name)
		err = query_describe(session, query, strlen(query), types, count,
				     error);
	if (!err)
		err = prepared_add(&session->prepared, name, slice_str(query), types,
				   oids, count, error);
	free(types);
	free(oids);
	if (err)
		return drift_fail_code(error, err);
	wire_begin(wire, '1');
	wire_end(wire);
	return DRIFT_OK;
}

/* The type of a parameter as the statement wants it. */
static uint32_t wanted_oid(const struct query_session *session, unsigned i)
{
	enum drift_type element;

	if (i >= query_parameter_count(session))
		return WIRE_TEXT;
	if (query_parameter_is_array(session, i, &element))
		return wire_oid_of_array(element);
	return wire_oid_of_type(query_parameter_type(session, i));
}

/* Describe the statement, and remember what types its parameters have that the client
 * did not tell: it will send their values in binary by what it is told. */
static enum drift_err describe_parameters(struct query_session *session,
					  struct prepared *prepared,
					  struct drift_error *error)
{
	enum drift_err err =
		query_describe(session, prepared->text.data, prepared->text.size,
			       prepared->types, prepared->type_count, error);

	if (!err)
		err = prepared_make_room(prepared);
	for (unsigned i = 0; i < prepared->parameter_count && !err; i++)
		if (prepared->oids[i] == 0)
			prepared->oids[i] = wanted_oid(session, i);
	return err;
}

/* ---- Bind --------------------------------------------------------------- */

/* Formats: none means text, one is for all. */
static bool *read_formats(struct wire_reading *reading, unsigned *count)
{
	bool *binary;

	*count = wire_reading_be16(reading);
	binary = calloc(*count + 1, sizeof(*binary));
	for (unsigned i = 0; i < *count && binary; i++)
		binary[i] = wire_reading_be16(reading) == 1;
	return binary;
}

static enum drift_err add_value(struct portal *portal, enum drift_type type,
				struct slice text, struct drift_error *error)
{
	if (!json_text_valid(text) || memchr(text.data, '\0', text.size))
		return drift_fail(error, DRIFT_BAD_TEXT,
				  "invalid byte sequence for encoding \"UTF8\" in "
				  "parameter $%u",
				  portal->parameters.count + 1);
	return parameters_add(&portal->parameters, type, text);
}

static enum drift_err read_value(struct portal *portal, struct wire_reading *reading,
				 const struct prepared *prepared, unsigned i,
				 bool binary, struct drift_error *error)
{
	uint32_t size = wire_reading_be32(reading);
	uint32_t oid = i < prepared->type_count ? prepared->oids[i] : 0;
	enum drift_type type =
		i < prepared->type_count ? prepared->types[i] : DRIFT_ANY;
	struct buf text = BUF_INIT;
	struct slice bytes;
	enum drift_err err;

	if (size == UINT32_MAX)
		return parameters_add(&portal->parameters, type, slice_of(NULL, 0));
	bytes = slice_of(wire_reading_bytes(reading, size), size);
	if (!bytes.data)
		return bad_message(error);
	if (!binary)
		return add_value(portal, type, bytes, error);
	type = wire_type_of_oid(oid);
	err = wire_binary_text(oid, bytes, &text);
	if (err)
		err = drift_fail(error, err,
				 "parameter $%u of type %u in binary format is %s",
				 i + 1, oid,
				 err == DRIFT_UNSUPPORTED    ? "not supported"
				 : err == DRIFT_OUT_OF_RANGE ? "out of range"
							     : "malformed");
	if (!err)
		err = add_value(portal, type,
				slice_of(text.size ? text.data : "", text.size),
				error);
	buf_release(&text);
	return err;
}

/* Is there a value in binary of a type that nobody told yet? */
static bool is_untold(const struct prepared *prepared, const bool *binary,
		      unsigned format_count)
{
	for (unsigned i = 0; i < prepared->parameter_count; i++)
		if (wire_portal_is_binary(binary, format_count, i) &&
		    (i >= prepared->type_count || prepared->oids[i] == 0))
			return true;
	return false;
}

static enum drift_err read_values(struct portal *portal,
				  struct query_session *session,
				  struct wire_reading *reading,
				  struct prepared *prepared,
				  struct drift_error *error)
{
	unsigned format_count, count;
	bool *binary = read_formats(reading, &format_count);
	enum drift_err err = binary ? DRIFT_OK : DRIFT_NOMEM;

	if (!err && is_untold(prepared, binary, format_count))
		err = describe_parameters(session, prepared, error);
	count = wire_reading_be16(reading);
	if (!err && count != prepared->parameter_count)
		err = drift_fail(error, DRIFT_PROTOCOL,
				 "bind message supplies %u parameters, but prepared "
				 "statement \"%s\" requires %u",
				 count, prepared->name, prepared->parameter_count);
	for (unsigned i = 0; i < count && !err && !reading->failed; i++)
		err = read_value(portal, reading, prepared, i,
				 wire_portal_is_binary(binary, format_count, i),
				 error);
	free(binary);
	return err;
}

static enum drift_err fill_portal(struct portal *portal,
				  struct query_session *session,
				  struct wire_reading *reading, const char *name,
				  struct prepared *prepared,
				  struct drift_error *error)
{
	enum drift_err err;

	portal->name = strdup(name);
	buf_add_slice(&portal->script, buf_slice(&prepared->text));
	err = portal->name ? buf_status(&portal->script) : DRIFT_NOMEM;
	if (!err)
		err = read_values(portal, session, reading, prepared, error);
	if (err)
		return err;
	portal->binary = read_formats(reading, &portal->format_count);
	if (!portal->binary)
		return DRIFT_NOMEM;
	return reading->failed ? bad_message(error) : DRIFT_OK;
}

static enum drift_err bind(struct wire_extended *extended, struct wire *wire,
			   struct query_session *session,
			   struct wire_reading *reading, struct drift_error *error)
{
	const char *name = wire_reading_text(reading);
	const char *statement = wire_reading_text(reading);
	struct prepared *prepared;
	struct portal **old = wire_portal_find(extended, name);
	struct portal *portal;
	enum drift_err err;

	if (*old && *name)
		return drift_fail(error, DRIFT_PORTAL_EXISTS,
				  "cursor \"%s\" already exists", name);
	if (*old)
		wire_portal_drop(extended, session, old);
	prepared = prepared_find(&session->prepared, statement);
	if (!prepared)
		return prepared_missing(statement, error);
	if (extended->portal_count == WIRE_PORTALS_MAX)
		return drift_fail(error, DRIFT_LIMIT, "too many portals");
	portal = calloc(1, sizeof(*portal));
	if (!portal)
		return drift_fail_code(error, DRIFT_NOMEM);
	err = fill_portal(portal, session, reading, name, prepared, error);
	if (err) {
		wire_portal_free(portal);
		return drift_fail_code(error, err);
	}
	portal->number = query_opened(session);
	portal->next = extended->portals;
	extended->portals = portal;
	extended->portal_count++;
	wire_begin(wire, '2');
	wire_end(wire);
	return DRIFT_OK;
}

/* ---- Describe --------------------------------------------------------------- */

static void write_columns(struct wire *wire, struct query_session *session,
			  const struct portal *portal)
{
	unsigned count = query_column_count(session);

	if (count == 0) {
		wire_begin(wire, 'n');
		wire_end(wire);
		return;
	}
	wire_begin(wire, 'T');
	wire_add_be16(wire, count);
	for (unsigned i = 0; i < count; i++)
		(void)wire_add_column(
			wire, query_column_name(session, i),
			wire_oid_of_type(query_column_type(session, i)),
			portal && wire_portal_is_binary(portal->binary,
							portal->format_count, i));
	wire_end(wire);
}

static enum drift_err describe_statement(struct wire *wire,
					 struct query_session *session,
					 const char *name, struct drift_error *error)
{
	struct prepared *prepared = prepared_find(&session->prepared, name);
	enum drift_err err;

	if (!prepared)
		return prepared_missing(name, error);
	err = describe_parameters(session, prepared, error);
	if (err)
		return err;
	wire_begin(wire, 't');
	wire_add_be16(wire, prepared->parameter_count);
	for (unsigned i = 0; i < prepared->parameter_count; i++)
		buf_add_be32(&wire->out, prepared->oids[i]);
	wire_end(wire);
	write_columns(wire, session, NULL);
	return DRIFT_OK;
}

static enum drift_err missing_portal(const char *name, struct drift_error *error)
{
	return drift_fail(error, DRIFT_NO_PORTAL, "portal \"%s\" does not exist",
			  name);
}

/* A cursor that DECLARE made is a portal too: what FETCH will answer with. */
static enum drift_err describe_cursor(struct wire *wire,
				      struct query_session *session,
				      const char *name, struct drift_error *error)
{
	struct drift_error why = { 0 };
	struct buf fetch = BUF_INIT;
	enum drift_err err;

	buf_add_str(&fetch, "FETCH ");
	token_quote_name(slice_str(name), &fetch);
	err = query_describe(session, buf_cstr(&fetch), fetch.size, NULL, 0, &why);
	buf_release(&fetch);
	if (err)
		return missing_portal(name, error);
	write_columns(wire, session, NULL);
	return DRIFT_OK;
}

static enum drift_err describe_portal(struct wire_extended *extended,
				      struct wire *wire,
				      struct query_session *session,
				      const char *name, struct drift_error *error)
{
	struct portal *portal = *wire_portal_find(extended, name);
	const struct parameters *parameters;
	enum drift_type *types;
	enum drift_err err;

	if (!portal)
		return describe_cursor(wire, session, name, error);
	parameters = &portal->parameters;
	types = calloc(parameters->count + 1, sizeof(*types));
	if (!types)
		return drift_fail_code(error, DRIFT_NOMEM);
	for (unsigned i = 0; i < parameters->count; i++)
		types[i] = parameters->list[i].type;
	err = query_describe(session, portal->script.data, portal->script.size,
			     types, parameters->count, error);
	free(types);
	if (!err)
		err = wire_portal_keep_columns(portal, session);
	if (err)
		return drift_fail_code(error, err);
	if (query_status(session) == 'E')
		portal->described = false; /* only running it tells */
	write_columns(wire, session, portal);
	return DRIFT_OK;
}

static enum drift_err describe(struct wire_extended *extended, struct wire *wire,
			       struct query_session *session,
			       struct wire_reading *reading,
			       struct drift_error *error)
{
	const char *kind = wire_reading_bytes(reading, 1);
	const char *name = wire_reading_text(reading);

	if (reading->failed || (*kind != 'S' && *kind != 'P'))
		return bad_message(error);
	return *kind == 'S' ? describe_statement(wire, session, name, error)
			    : describe_portal(extended, wire, session, name, error);
}

/* ---- Execute ------------------------------------------------------------- */

static enum drift_err execute(struct wire_extended *extended, struct wire *wire,
			      struct query_session *session,
			      struct wire_reading *reading,
			      struct drift_error *error)
{
	const char *name = wire_reading_text(reading);
	uint32_t most = wire_reading_be32(reading);
	struct portal *portal = *wire_portal_find(extended, name);

	if (reading->failed)
		return bad_message(error);
	if (!portal)
		return missing_portal(name, error);
	if (query_status(session) == 'E' && portal->state != PORTAL_NEW)
		return drift_fail(error, DRIFT_TX_ABORTED,
				  "current transaction is aborted, commands ignored "
				  "until end of transaction block");
	if (portal->state == PORTAL_DONE)
		return drift_fail(error, DRIFT_NO_PORTAL,
				  "portal \"%s\" cannot be run: it has ended, or "
				  "another statement was run since",
				  name);
	return wire_portal_run(extended, portal, wire, session, most, error);
}

static enum drift_err close_one(struct wire_extended *extended, struct wire *wire,
				struct query_session *session,
				struct wire_reading *reading,
				struct drift_error *error)
{
	const char *kind = wire_reading_bytes(reading, 1);
	const char *name = wire_reading_text(reading);
	struct portal **portal = wire_portal_find(extended, name);
	struct prepared *prepared = prepared_find(&session->prepared, name);

	if (reading->failed || (*kind != 'S' && *kind != 'P'))
		return bad_message(error);
	if (*kind == 'P' && *portal)
		wire_portal_drop(extended, session, portal);
	if (*kind == 'S' && prepared)
		prepared_drop(&session->prepared, prepared);
	wire_begin(wire, '3');
	wire_end(wire);
	return DRIFT_OK;
}

enum drift_err wire_extended_answer(struct wire_extended *extended,
				    struct wire *wire, struct query_session *session,
				    char type)
{
	struct wire_reading reading = { wire->body.data,
					wire->body.data + wire->body.size, false };
	struct drift_error error = { 0 };
	enum drift_err err = DRIFT_OK;

	if (extended->skipping)
		return DRIFT_OK;
	wire_portal_drop_ended(extended, session);
	if (type != 'E' && type != 'C')
		wire_portal_park(extended, wire, session);
	switch (type) {
	case 'P':
		err = parse(wire, session, &reading, &error);
		break;
	case 'B':
		err = bind(extended, wire, session, &reading, &error);
		break;
	case 'D':
		err = describe(extended, wire, session, &reading, &error);
		break;
	case 'E':
		err = execute(extended, wire, session, &reading, &error);
		break;
	default:
		err = close_one(extended, wire, session, &reading, &error);
		break;
	}
	if (err && error.code == DRIFT_OK)
		return err;
	if (err) {
		query_abort(session);
		wire_portal_abort(extended);
		extended->skipping = true;
		wire_error_in_fields(wire, &error, buf_cstr(&session->script));
		return wire_flush(wire);
	}
	return wire_flush_if_full(wire);
}
