/* SPDX-License-Identifier: MIT */
/* prepared.h - a session's prepared statements, by name: PREPARE's and the wire's. */
#ifndef DRIFT_QUERY_PREPARED_H
#define DRIFT_QUERY_PREPARED_H

#include "query/statement.h"

struct prepared {
	char *name;
	struct buf text;
	unsigned type_count; /* parameters whose types were told */
	enum drift_type *types;
	uint32_t *oids;           /* what a client calls them; 0: it did not */
	unsigned parameter_count; /* greatest number of a parameter in text */
};

struct prepared_list {
	struct prepared *list;
	unsigned count;
};

#define PREPARED_MAX 1000

void prepared_release(struct prepared_list *list);
/* NULL: there is none. The pointer is good until the next add or drop. */
struct prepared *prepared_find(struct prepared_list *list, const char *name);
/* Keep a statement. An unnamed one ("") takes the place of the one before. Refuses a
 * name that is taken and a text of more than one statement. oids may be NULL. */
enum drift_err prepared_add(struct prepared_list *list, const char *name,
			    struct slice text, const enum drift_type *types,
			    const uint32_t *oids, unsigned type_count,
			    struct drift_error *error);
/* Of each parameter's type: what nobody told is DRIFT_ANY and 0. */
enum drift_err prepared_make_room(struct prepared *prepared);
void prepared_drop(struct prepared_list *list, struct prepared *prepared);
/* "prepared statement "p" does not exist". */
enum drift_err prepared_missing(const char *name, struct drift_error *error);

/* PREPARE, EXECUTE and DEALLOCATE. */
enum drift_err prepared_run_prepare(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error);
enum drift_err prepared_run_execute(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error);
enum drift_err prepared_run_deallocate(struct query_session *session,
				       struct statement *statement,
				       struct drift_error *error);

#endif
