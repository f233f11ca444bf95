/* SPDX-License-Identifier: MIT */
/* spell_parameter.c - $1 and ? as ?1, and what type a parameter has that nobody told:
 * that of the column it is compared with, assigned or inserted to. */
#include "query/session.h"
#include "query/spell.h"

enum name_of {
	NAME_FIRST,    /* of the first table that has a column called so */
	NAME_ALL,      /* of every table that has one */
	NAME_DECLARED, /* the same, and declared */
};

/* The relation that token k names; NULL: none. */
static struct relation *relation_at(const struct rewriter *rewriter, unsigned k)
{
	const struct statement *statement = &rewriter->statement;
	struct token token = statement->tokens[k];
	const struct table_def *def;
	struct relation *relation;

	if (token.kind != TOKEN_WORD)
		return NULL;
	def = relation_table(transaction_present(rewriter->session),
			     token_slice(statement->script, token));
	return def && !relation_get(rewriter->session, def, &relation) ? relation
								       : NULL;
}

/* Once a statement: it may compare very often. */
void spell_name_tables(struct rewriter *rewriter)
{
	rewriter->named_known = true;
	for (unsigned k = 0; k < rewriter->statement.count; k++) {
		struct relation *relation = relation_at(rewriter, k);
		unsigned i = 0;

		while (i < rewriter->named_count && rewriter->named[i] != relation)
			i++;
		if (!relation || i < rewriter->named_count)
			continue;
		if (i == REWRITER_NAMED_MAX) {
			rewriter->named_known = false;
			return;
		}
		rewriter->named[rewriter->named_count++] = relation;
	}
}

static enum drift_type name_type(const struct rewriter *rewriter, unsigned i,
				 enum name_of of)
{
	const struct query_session *session = rewriter->session;
	unsigned count = rewriter->named_known ? rewriter->named_count
					       : rewriter->statement.count;
	enum drift_type type = DRIFT_ANY;
	bool known = false;
	struct buf column = BUF_INIT;

	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &column);
	for (unsigned k = 0; k < count; k++) {
		struct relation *relation = rewriter->named_known
						    ? rewriter->named[k]
						    : relation_at(rewriter, k);
		int found = relation ? relation_column_named(relation,
							     buf_slice(&column))
				     : -1;

		if (found < 0)
			continue;
		if ((of == NAME_DECLARED && !relation->columns[found].def) ||
		    (known &&
		     type != relation_column_type(session, relation, found)))
			type = DRIFT_ANY;
		else
			type = relation_column_type(session, relation, found);
		known = true;
		if (of == NAME_FIRST || type == DRIFT_ANY)
			break;
	}
	buf_release(&column);
	return type;
}

enum drift_type spell_name_type(const struct rewriter *rewriter, unsigned i)
{
	return name_type(rewriter, i, NAME_FIRST);
}

enum drift_type spell_name_only_type(const struct rewriter *rewriter, unsigned i)
{
	return name_type(rewriter, i, NAME_ALL);
}

enum drift_type spell_declared_type(const struct rewriter *rewriter, unsigned i)
{
	return name_type(rewriter, i, NAME_DECLARED);
}

static bool compares(const struct rewriter *rewriter, unsigned i)
{
	static const char *const puncts[] = {
		"=", "<", ">", "<=", ">=", "<>", "!="
	};

	for (unsigned k = 0; k < sizeof(puncts) / sizeof(*puncts); k++)
		if (rewriter_is_punct(rewriter, i, puncts[k]))
			return true;
	return false;
}

/* The name of INSERT's column that value number `n` of a row goes to. */
static enum drift_type type_of_inserted(const struct rewriter *rewriter, unsigned n)
{
	const struct verb *verb = rewriter->verb;
	const struct table_def *def;
	struct buf name = BUF_INIT;
	unsigned close;

	if (rewriter_is_punct(rewriter, verb->after_target, "(")) {
		close = verb_find_close(&rewriter->statement, verb->after_target);
		for (unsigned i = verb->after_target + 1; i < close; i++)
			if (token_is_name(rewriter_token(rewriter, i)) && n-- == 0)
				return spell_name_type(rewriter, i);
		return DRIFT_ANY;
	}
	token_text(rewriter->statement.script,
		   rewriter_token(rewriter, verb->target), &name);
	def = relation_table(transaction_present(rewriter->session),
			     buf_slice(&name));
	buf_release(&name);
	return def && !def->document && n < def->column_count ? def->columns[n].type
							      : DRIFT_ANY;
}

/* ( a, $1, b ): the parenthesis that token i stands directly in, and its number. */
static unsigned list_start(const struct rewriter *rewriter, unsigned i, unsigned *n)
{
	unsigned depth = 0;

	*n = 0;
	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0)
			return i;
		else if (depth == 0 && rewriter_is_punct(rewriter, i, ","))
			++*n;
	}
	return 0;
}

static enum drift_type type_in_list(const struct rewriter *rewriter, unsigned i)
{
	unsigned n, open = list_start(rewriter, i, &n);
	unsigned name;

	if (open < 2)
		return DRIFT_ANY;
	if (rewriter_is_word(rewriter, open - 1, "VALUES") ||
	    (rewriter->verb->kind == VERB_INSERT &&
	     rewriter_is_punct(rewriter, open - 1, ",")))
		return rewriter->verb->kind == VERB_INSERT
			       ? type_of_inserted(rewriter, n)
			       : DRIFT_ANY;
	if (!rewriter_is_word(rewriter, open - 1, "IN"))
		return DRIFT_ANY;
	name = open - 2 - rewriter_is_word(rewriter, open - 2, "NOT");
	return token_is_name(rewriter_token(rewriter, name))
		       ? spell_name_type(rewriter, name)
		       : DRIFT_ANY;
}

static enum drift_type type_of_neighbour(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i + 1, "::"))
		return spell_cast_type(rewriter, i + 1);
	if (i >= 2 && rewriter_is_word(rewriter, i - 2, "CAST"))
		return spell_cast_type(rewriter, i - 2);
	if (i >= 2 && compares(rewriter, i - 1) &&
	    token_is_name(rewriter_token(rewriter, i - 2)))
		return spell_name_type(rewriter, i - 2);
	if (i >= 2 && rewriter_is_word(rewriter, i - 1, "BETWEEN"))
		return spell_name_type(
			rewriter, i - 2 - rewriter_is_word(rewriter, i - 2, "NOT"));
	if (i >= 4 && rewriter_is_word(rewriter, i - 1, "AND") &&
	    rewriter_is_word(rewriter, i - 3, "BETWEEN"))
		return spell_name_type(
			rewriter, i - 4 - rewriter_is_word(rewriter, i - 4, "NOT"));
	if (i >= 1 && (rewriter_is_word(rewriter, i - 1, "LIMIT") ||
		       rewriter_is_word(rewriter, i - 1, "OFFSET")))
		return DRIFT_INTEGER;
	if (compares(rewriter, i + 1) &&
	    token_is_name(rewriter_token(rewriter, i + 2)))
		return spell_name_type(rewriter, i + 2);
	return type_in_list(rewriter, i);
}

/* $1::int[], x = ANY ($1). */
static bool is_array(const struct rewriter *rewriter, unsigned i,
		     enum drift_type *element)
{
	if (rewriter_is_punct(rewriter, i + 1, "::"))
		return spell_cast_is_array(rewriter, i + 1, element);
	if (i >= 2 && rewriter_is_word(rewriter, i - 2, "CAST"))
		return spell_cast_is_array(rewriter, i - 2, element);
	if (i < 4 || !spell_is_any(rewriter, i - 2))
		return false;
	*element = token_is_name(rewriter_token(rewriter, i - 4))
			   ? spell_name_type(rewriter, i - 4)
			   : DRIFT_ANY;
	return true;
}

enum drift_err spell_parameter(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	const char *text = rewriter->statement.script + token.at;
	struct parameters *parameters = &rewriter->session->parameters;
	struct parameter *parameter;
	struct buf name = BUF_INIT;
	unsigned number;
	const char *call;

	if (text[0] == ':' || (token.size > 1 && (text[1] < '1' || text[1] > '9')))
		return rewriter_refuse(rewriter, i, "a parameter with a name");
	number = rewriter_parameter(rewriter, i, &name);
	parameter = parameter_get(parameters, number);
	if (!parameter) {
		buf_release(&name);
		return statement_place(token,
				       parameter_missing(number, rewriter->error),
				       rewriter->error);
	}
	if (parameter->type == DRIFT_ANY)
		parameter->array = is_array(rewriter, i, &parameter->element);
	if (!parameter->array)
		parameter_infer(parameters, parameter,
				type_of_neighbour(rewriter, i));
	call = parameter_call(parameter);
	if (call)
		rewriter_instead(rewriter, i, i + 1, "%s(%s)", call,
				 buf_cstr(&name));
	else
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&name));
	buf_release(&name);
	return DRIFT_OK;
}
