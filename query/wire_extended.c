/* SPDX-License-Identifier: MIT */
/* wire_extended.c - the extended query protocol: PostgreSQL 15 manual, 55.2.3. */
#include "query/wire_extended.h"

#include <stdlib.h>

#include "query/session.h"
#include "query/wire_answer.h"
#include "query/wire_error.h"
#include "query/wire_value.h"

enum portal_state { PORTAL_NEW, PORTAL_ACTIVE, PORTAL_DONE };

struct portal {
	struct portal *next;
	char *name;
	enum portal_state state;
	struct buf script;
	struct parameters parameters;
	unsigned format_count; /* of the answer's columns; 0: text, 1: for all */
	bool *binary;
	bool described;
	unsigned column_count;
	enum wire_oid *oids;
};

static void portal_free(struct portal *portal)
{
	free(portal->name);
	buf_release(&portal->script);
	parameters_release(&portal->parameters);
	free(portal->binary);
	free(portal->oids);
	free(portal);
}

static struct portal **portal_find(struct wire_extended *extended, const char *name)
{
	struct portal **at = &extended->portals;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void portal_drop(struct wire_extended *extended,
			struct query_session *session, struct portal **at)
{
	struct portal *portal = *at;

	if (extended->active == portal) {
		extended->active = NULL;
		(void)!query_start(session, "", 0, NULL);
	}
	*at = portal->next;
	extended->portal_count--;
	portal_free(portal);
}

void wire_extended_release(struct wire_extended *extended)
{
	while (extended->portals) {
		struct portal *portal = extended->portals;

		extended->portals = portal->next;
		portal_free(portal);
	}
	extended->portal_count = 0;
	extended->active = NULL;
}

void wire_extended_sync(struct wire_extended *extended,
			struct query_session *session)
{
	extended->skipping = false;
	if (query_status(session) == 'I')
		while (extended->portals)
			portal_drop(extended, session, &extended->portals);
}

/* ---- Reading a message ------------------------------------------------------ */

struct reading {
	const char *at;
	const char *end;
	bool failed; /* the body is too short */
};

static const char *read_text(struct reading *reading)
{
	const char *text = reading->at;
	const char *end = memchr(text, '\0', (size_t)(reading->end - text));

	if (!end) {
		reading->failed = true;
		return "";
	}
	reading->at = end + 1;
	return text;
}

static const void *read_bytes(struct reading *reading, size_t size)
{
	const char *bytes = reading->at;

	if ((size_t)(reading->end - reading->at) < size) {
		reading->failed = true;
		return NULL;
	}
	reading->at += size;
	return bytes;
}

static unsigned read_be16(struct reading *reading)
{
	const unsigned char *bytes = read_bytes(reading, 2);

	return bytes ? (unsigned)bytes[0] << 8 | bytes[1] : 0;
}

static uint32_t read_be32(struct reading *reading)
{
	const void *bytes = read_bytes(reading, 4);

	return bytes ? be32_get(bytes) : 0;
}

static enum drift_err bad_message(struct drift_error *error)
{
	return drift_fail(error, DRIFT_PROTOCOL, "invalid message format");
}

/* ---- Parse --------------------------------------------------------------- */

static enum drift_err parse(struct wire *wire, struct query_session *session,
			    struct reading *reading, struct drift_error *error)
{
	const char *name = read_text(reading);
	const char *query = read_text(reading);
	unsigned count = read_be16(reading);
	enum drift_type *types = calloc(count + 1, sizeof(*types));
	uint32_t *oids = calloc(count + 1, sizeof(*oids));
	enum drift_err err = types && oids ? DRIFT_OK : DRIFT_NOMEM;

	for (unsigned i = 0; i < count && !err; i++) {
		oids[i] = read_be32(reading);
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
static bool *read_formats(struct reading *reading, unsigned *count)
{
	bool *binary;

	*count = read_be16(reading);
	binary = calloc(*count + 1, sizeof(*binary));
	for (unsigned i = 0; i < *count && binary; i++)
		binary[i] = read_be16(reading) == 1;
	return binary;
}

static bool is_binary(const bool *binary, unsigned count, unsigned i)
{
	return count == 1 ? binary[0] : i < count && binary[i];
}

static enum drift_err read_value(struct portal *portal, struct reading *reading,
				 const struct prepared *prepared, unsigned i,
				 bool binary, struct drift_error *error)
{
	uint32_t size = read_be32(reading);
	uint32_t oid = i < prepared->type_count ? prepared->oids[i] : 0;
	enum drift_type type =
		i < prepared->type_count ? prepared->types[i] : DRIFT_ANY;
	struct buf text = BUF_INIT;
	struct slice bytes;
	enum drift_err err;

	if (size == UINT32_MAX)
		return parameters_add(&portal->parameters, type, slice_of(NULL, 0));
	bytes = slice_of(read_bytes(reading, size), size);
	if (!bytes.data)
		return bad_message(error);
	if (!binary)
		return parameters_add(&portal->parameters, type, bytes);
	type = wire_type_of_oid(oid);
	err = wire_binary_text(oid, bytes, &text);
	if (err)
		err = drift_fail(error, err,
				 "parameter $%u of type %u in binary format is %s",
				 i + 1, oid,
				 err == DRIFT_UNSUPPORTED ? "not supported"
							  : "malformed");
	if (!err)
		err = parameters_add(&portal->parameters, type,
				     slice_of(text.size ? text.data : "",
					      text.size));
	buf_release(&text);
	return err;
}

/* Is there a value in binary of a type that nobody told yet? */
static bool is_untold(const struct prepared *prepared, const bool *binary,
		      unsigned format_count)
{
	for (unsigned i = 0; i < prepared->parameter_count; i++)
		if (is_binary(binary, format_count, i) &&
		    (i >= prepared->type_count || prepared->oids[i] == 0))
			return true;
	return false;
}

static enum drift_err read_values(struct portal *portal,
				  struct query_session *session,
				  struct reading *reading, struct prepared *prepared,
				  struct drift_error *error)
{
	unsigned format_count, count;
	bool *binary = read_formats(reading, &format_count);
	enum drift_err err = binary ? DRIFT_OK : DRIFT_NOMEM;

	if (!err && is_untold(prepared, binary, format_count))
		err = describe_parameters(session, prepared, error);
	count = read_be16(reading);
	if (!err && count != prepared->parameter_count)
		err = drift_fail(error, DRIFT_PROTOCOL,
				 "bind message supplies %u parameters, but prepared "
				 "statement \"%s\" requires %u",
				 count, prepared->name, prepared->parameter_count);
	for (unsigned i = 0; i < count && !err && !reading->failed; i++)
		err = read_value(portal, reading, prepared, i,
				 is_binary(binary, format_count, i), error);
	free(binary);
	return err;
}

static enum drift_err fill_portal(struct portal *portal,
				  struct query_session *session,
				  struct reading *reading, const char *name,
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
			   struct query_session *session, struct reading *reading,
			   struct drift_error *error)
{
	const char *name = read_text(reading);
	const char *statement = read_text(reading);
	struct prepared *prepared;
	struct portal **old = portal_find(extended, name);
	struct portal *portal;
	enum drift_err err;

	if (*old && *name)
		return drift_fail(error, DRIFT_PORTAL_EXISTS,
				  "cursor \"%s\" already exists", name);
	if (*old)
		portal_drop(extended, session, old);
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
		portal_free(portal);
		return drift_fail_code(error, err);
	}
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
			portal &&
				is_binary(portal->binary, portal->format_count, i));
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

/* The types that DataRow will follow are those told now. */
static enum drift_err keep_columns(struct portal *portal,
				   const struct query_session *session)
{
	unsigned count = query_column_count(session);
	enum wire_oid *oids = realloc(portal->oids, (count + 1) * sizeof(*oids));

	if (!oids)
		return DRIFT_NOMEM;
	portal->oids = oids;
	portal->column_count = count;
	portal->described = true;
	for (unsigned i = 0; i < count; i++)
		oids[i] = wire_oid_of_type(query_column_type(session, i));
	return DRIFT_OK;
}

static enum drift_err missing_portal(const char *name, struct drift_error *error)
{
	return drift_fail(error, DRIFT_NO_PORTAL, "portal \"%s\" does not exist",
			  name);
}

static enum drift_err describe_portal(struct wire_extended *extended,
				      struct wire *wire,
				      struct query_session *session,
				      const char *name, struct drift_error *error)
{
	struct portal *portal = *portal_find(extended, name);
	const struct parameters *parameters;
	enum drift_type *types;
	enum drift_err err;

	if (!portal)
		return missing_portal(name, error);
	if (extended->active)
		extended->active->state = PORTAL_DONE;
	extended->active = NULL;
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
		err = keep_columns(portal, session);
	if (err)
		return drift_fail_code(error, err);
	write_columns(wire, session, portal);
	return DRIFT_OK;
}

static enum drift_err describe(struct wire_extended *extended, struct wire *wire,
			       struct query_session *session,
			       struct reading *reading, struct drift_error *error)
{
	const char *kind = read_bytes(reading, 1);
	const char *name = read_text(reading);

	if (reading->failed || (*kind != 'S' && *kind != 'P'))
		return bad_message(error);
	return *kind == 'S' ? describe_statement(wire, session, name, error)
			    : describe_portal(extended, wire, session, name, error);
}

/* ---- Execute ------------------------------------------------------------- */

static enum drift_err start(struct wire_extended *extended, struct portal *portal,
			    struct query_session *session, struct drift_error *error)
{
	struct parameters *parameters = &portal->parameters;
	enum drift_err err;

	if (extended->active)
		extended->active->state = PORTAL_DONE;
	extended->active = NULL;
	err = query_start(session, portal->script.data, portal->script.size, error);
	for (unsigned i = 0; i < parameters->count && !err; i++) {
		const struct parameter *parameter = &parameters->list[i];
		struct query_parameter value = {
			.type = parameter->type,
			.text = parameter->null
					? slice_of(NULL, 0)
					: parameter_text(parameters, parameter),
		};

		err = query_bind(session, &value, 1);
	}
	if (err)
		return drift_fail_code(error, err);
	extended->active = portal;
	portal->state = PORTAL_ACTIVE;
	return DRIFT_OK;
}

static enum drift_err write_row(const struct portal *portal, struct wire *wire,
				struct query_session *session,
				struct drift_error *error)
{
	struct buf *out = &wire->out;
	size_t message_at = out->size;
	enum drift_err err = DRIFT_OK;

	wire_begin(wire, 'D');
	wire_add_be16(wire, portal->column_count);
	for (unsigned i = 0; i < portal->column_count && !err; i++) {
		struct msg_value value;
		size_t size_at = out->size;

		query_value(session, i, &value, NULL);
		buf_add_be32(out, UINT32_MAX);
		if (value.type == MSG_NIL)
			continue;
		if (is_binary(portal->binary, portal->format_count, i))
			err = wire_add_binary(&value, portal->oids[i], out);
		else
			wire_add_value(&value, portal->oids[i], out);
		if (!buf_status(out))
			be32_put(out->data + size_at,
				 (uint32_t)(out->size - size_at - 4));
	}
	if (err) {
		out->size = message_at;
		return drift_fail(error, err,
				  "a value does not fit its column's type in binary "
				  "format");
	}
	wire_end(wire);
	return wire_flush_if_full(wire);
}

static void write_tag(struct wire *wire, const char *tag)
{
	wire_begin(wire, 'C');
	wire_add_text(wire, tag);
	wire_end(wire);
}

/* Go on with the portal: at most `most` rows, 0: all. */
static enum drift_err run(struct wire_extended *extended, struct portal *portal,
			  struct wire *wire, struct query_session *session,
			  uint32_t most, struct drift_error *error)
{
	enum query_event event = QUERY_COLUMNS;
	uint32_t rows = 0;
	enum drift_err err = DRIFT_OK;

	while (!err) {
		if (most && rows == most) {
			wire_begin(wire, 's');
			wire_end(wire);
			return DRIFT_OK;
		}
		err = query_next(session, &event, error);
		if (err)
			break;
		if (event == QUERY_COLUMNS && !portal->described) {
			err = keep_columns(portal, session);
		} else if (event == QUERY_ROW) {
			err = write_row(portal, wire, session, error);
			rows++;
		} else if (event == QUERY_DONE) {
			write_tag(wire, query_tag(session));
		} else if (event == QUERY_END) {
			break;
		}
		if (event == QUERY_DONE)
			break;
	}
	if (!err && event == QUERY_END) { /* there was no statement */
		wire_begin(wire, 'I');
		wire_end(wire);
	}
	portal->state = PORTAL_DONE;
	extended->active = NULL;
	return err;
}

static enum drift_err execute(struct wire_extended *extended, struct wire *wire,
			      struct query_session *session, struct reading *reading,
			      struct drift_error *error)
{
	const char *name = read_text(reading);
	uint32_t most = read_be32(reading);
	struct portal *portal = *portal_find(extended, name);
	enum drift_err err = DRIFT_OK;

	if (reading->failed)
		return bad_message(error);
	if (!portal)
		return missing_portal(name, error);
	if (portal->state == PORTAL_DONE)
		return drift_fail(error, DRIFT_NO_PORTAL,
				  "portal \"%s\" cannot be run: it has ended, or "
				  "another statement was run since",
				  name);
	if (portal->state == PORTAL_NEW)
		err = start(extended, portal, session, error);
	return err ? err : run(extended, portal, wire, session, most, error);
}

static enum drift_err close_one(struct wire_extended *extended, struct wire *wire,
				struct query_session *session,
				struct reading *reading, struct drift_error *error)
{
	const char *kind = read_bytes(reading, 1);
	const char *name = read_text(reading);
	struct portal **portal = portal_find(extended, name);
	struct prepared *prepared = prepared_find(&session->prepared, name);

	if (reading->failed || (*kind != 'S' && *kind != 'P'))
		return bad_message(error);
	if (*kind == 'P' && *portal)
		portal_drop(extended, session, portal);
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
	struct reading reading = { wire->body.data,
				   wire->body.data + wire->body.size, false };
	struct drift_error error = { 0 };
	enum drift_err err = DRIFT_OK;

	if (extended->skipping)
		return DRIFT_OK;
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
		extended->skipping = true;
		wire_error_in_fields(wire, &error, buf_cstr(&session->script));
		return wire_flush(wire);
	}
	return wire_flush_if_full(wire);
}
