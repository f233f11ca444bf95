/* SPDX-License-Identifier: MIT */
/* parameter.h - values for $1, $2 ... of the statement that runs.
 *
 * A value is a text and a type. A type that nobody told (DRIFT_ANY) is taken from the
 * column the parameter is compared with or written to, if its text reads as one. */
#ifndef DRIFT_QUERY_PARAMETER_H
#define DRIFT_QUERY_PARAMETER_H

#include <sqlite3.h>

#include "engine/catalog.h"

struct query_session;

#define PARAMETERS_MAX 65535

struct parameter {
	enum drift_type type;
	bool inferred; /* the type was found, not told */
	bool array;    /* of which `element` is the elements' type: x = ANY ($1) */
	enum drift_type element;
	bool null;
	size_t at; /* of its text in bytes */
	size_t size;
};

struct parameters {
	bool describing; /* no values yet: parameters come as they are mentioned */
	unsigned count;
	unsigned capacity;
	struct parameter *list;
	struct buf bytes;
};

void parameters_release(struct parameters *parameters);
void parameters_clear(struct parameters *parameters);
/* Append one; text NULL data: null. */
enum drift_err parameters_add(struct parameters *parameters, enum drift_type type,
			      struct slice text);
/* Number n, from 1; NULL: there is none. While describing one is made. */
struct parameter *parameter_get(struct parameters *parameters, unsigned n);
struct slice parameter_text(const struct parameters *parameters,
			    const struct parameter *parameter);
/* Its type is this, unless one is known. */
void parameter_infer(struct parameters *parameters, struct parameter *parameter,
		     enum drift_type type);
/* The function that makes a text of its type, "drift_boolean"; NULL: none is needed. */
const char *parameter_call(const struct parameter *parameter);
/* Bind every parameter of stmt. */
enum drift_err parameter_bind(struct query_session *session, sqlite3_stmt *stmt,
			      struct drift_error *error);
/* "there is no parameter $3". */
enum drift_err parameter_missing(unsigned n, struct drift_error *error);

#endif
