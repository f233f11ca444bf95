/* SPDX-License-Identifier: MIT */
/* wire_portal.c - see wire_portal.h. */
#include "query/wire_portal.h"

#include <stdlib.h>

#include "query/wire_value.h"

/* What is kept of one portal's answer while another statement runs. */
#define KEPT_BYTES_MAX (16u << 20)
/* And of all of a connection's. */
#define KEPT_BYTES_ALL_MAX (64u << 20)

void wire_portal_free(struct portal *portal)
{
	free(portal->name);
	buf_release(&portal->script);
	parameters_release(&portal->parameters);
	free(portal->binary);
	free(portal->oids);
	buf_release(&portal->kept);
	free(portal);
}

struct portal **wire_portal_find(struct wire_extended *extended, const char *name)
{
	struct portal **at = &extended->portals;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

void wire_portal_drop(struct wire_extended *extended, struct query_session *session,
		      struct portal **at)
{
	struct portal *portal = *at;

	if (extended->active == portal) {
		extended->active = NULL;
		(void)!query_start(session, "", 0, NULL);
	}
	*at = portal->next;
	extended->portal_count--;
	wire_portal_free(portal);
}

void wire_portal_drop_ended(struct wire_extended *extended,
			    struct query_session *session)
{
	uint64_t ended = query_ended_count(session);

	uint64_t undone = query_undone(session);

	while (extended->portals && extended->ended != ended)
		wire_portal_drop(extended, session, &extended->portals);
	for (struct portal **at = &extended->portals; *at;)
		if ((*at)->number > undone)
			wire_portal_drop(extended, session, at);
		else
			at = &(*at)->next;
	extended->ended = ended;
}

bool wire_portal_is_binary(const bool *binary, unsigned count, unsigned i)
{
	return count == 1 ? binary[0] : i < count && binary[i];
}

enum drift_err wire_portal_keep_columns(struct portal *portal,
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

static enum drift_err start(struct wire_extended *extended, struct portal *portal,
			    struct query_session *session, struct drift_error *error)
{
	struct parameters *parameters = &portal->parameters;
	enum drift_err err;

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
		if (wire_portal_is_binary(portal->binary, portal->format_count, i))
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
	return DRIFT_OK;
}

static void write_tag(struct wire *wire, const char *tag)
{
	wire_begin(wire, 'C');
	wire_add_text(wire, tag);
	wire_end(wire);
}

/* One step: a row is written, or the answer's end. *done: nothing follows. */
static enum drift_err step(struct portal *portal, struct wire *wire,
			   struct query_session *session, bool ahead, bool *row,
			   bool *done, struct drift_error *error)
{
	enum query_event event;
	enum drift_err err = ahead ? query_next_ahead(session, &event, error)
				   : query_next(session, &event, error);

	*row = false;
	*done = err || event == QUERY_DONE || event == QUERY_END;
	if (err)
		return err;
	switch (event) {
	case QUERY_COLUMNS:
		if (!portal->described)
			return wire_portal_keep_columns(portal, session);
		if (portal->column_count == query_column_count(session))
			return DRIFT_OK;
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "cached plan must not change result type");
	case QUERY_ROW:
		*row = true;
		return write_row(portal, wire, session, error);
	case QUERY_DONE:
		write_tag(wire, query_tag(session));
		return DRIFT_OK;
	default: /* there was no statement */
		wire_begin(wire, 'I');
		wire_end(wire);
		return DRIFT_OK;
	}
}

static void suspend(struct wire *wire)
{
	wire_begin(wire, 's');
	wire_end(wire);
}

/* Messages that were kept; the last of them is the answer's end, or the failure is. */
static enum drift_err run_kept(struct portal *portal, struct wire *wire,
			       uint32_t most, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t rows = 0; !err; rows++) {
		const char *at;
		size_t size;

		if (most && rows == most) {
			suspend(wire);
			return DRIFT_OK;
		}
		if (portal->kept_at == portal->kept.size)
			break;
		at = portal->kept.data + portal->kept_at;
		size = 1 + (size_t)be32_get(at + 1);
		buf_add(&wire->out, at, size);
		portal->kept_at += size;
		err = wire_flush_if_full(wire);
	}
	if (err)
		return err;
	portal->state = PORTAL_DONE;
	buf_release(&portal->kept);
	*error = portal->failure;
	return error->code;
}

enum drift_err wire_portal_run(struct wire_extended *extended, struct portal *portal,
			       struct wire *wire, struct query_session *session,
			       uint32_t most, struct drift_error *error)
{
	uint32_t rows = 0;
	bool row, done = false;
	enum drift_err err = DRIFT_OK;

	if (portal->state == PORTAL_KEPT)
		return run_kept(portal, wire, most, error);
	if (portal->state == PORTAL_NEW) {
		wire_portal_park(extended, wire, session);
		err = start(extended, portal, session, error);
	}
	while (!err && !done) {
		if (most && rows == most) {
			suspend(wire);
			return DRIFT_OK;
		}
		err = step(portal, wire, session, false, &row, &done, error);
		rows += row;
		if (!err)
			err = wire_flush_if_full(wire);
	}
	portal->state = PORTAL_DONE;
	extended->active = NULL;
	return err;
}

void wire_portal_abort(struct wire_extended *extended)
{
	if (extended->active)
		extended->active->state = PORTAL_DONE;
	extended->active = NULL;
}

void wire_portal_park(struct wire_extended *extended, struct wire *wire,
		      struct query_session *session)
{
	struct portal *portal = extended->active;
	struct buf out = wire->out;
	size_t room = KEPT_BYTES_ALL_MAX;
	bool row, done = false;
	enum drift_err err = DRIFT_OK;

	extended->active = NULL;
	if (!portal)
		return;
	for (const struct portal *other = extended->portals; other;
	     other = other->next)
		room -= other->kept.size < room ? other->kept.size : room;
	if (room > KEPT_BYTES_MAX)
		room = KEPT_BYTES_MAX;
	wire->out = portal->kept;
	while (!err && !done && wire->out.size < room)
		err = step(portal, wire, session, true, &row, &done,
			   &portal->failure);
	portal->kept = wire->out;
	wire->out = out;
	if (err)
		(void)!drift_fail_code(&portal->failure, err);
	portal->failure.position = 0; /* it is in another text */
	portal->state = (err || done) && !buf_status(&portal->kept) ? PORTAL_KEPT
								    : PORTAL_DONE;
	if (portal->state == PORTAL_DONE)
		buf_release(&portal->kept);
}
