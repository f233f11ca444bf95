/* SPDX-License-Identifier: MIT */
/* range.c - SQL values to key bytes, only where both compare alike.
 *
 * SQLite hands over a constraint's right side as it is and converts it only when it
 * compares. So the column's affinity is applied here. A field without affinity is
 * subtle: the other side may have one that SQLite applies to the field ('5' = 5 is
 * then true), and arrays count as NULL in an index. Where a field has held such
 * values and the bytes could miss a row, the answer is RANGE_UNFIT.
 *
 * Bounds are on whole parts: up to and including high is [low, everything that begins
 * with high], which is [low, successor(high)). */
#include "query/range.h"

#include "query/session.h"

void range_release(struct range *range)
{
	buf_release(&range->low);
	buf_release(&range->high);
}

/* The least bytes greater than all that begin with these; empty if none is. */
static void make_successor(struct buf *bytes)
{
	while (bytes->size > 0 &&
	       (unsigned char)bytes->data[bytes->size - 1] == 0xff)
		bytes->size--;
	if (bytes->size > 0)
		bytes->data[bytes->size - 1]++;
}

/* What a value is compared with. */
struct bound {
	const struct query_session *session;
	const struct relation *relation;
	unsigned column;
	bool is_key;
	bool is_equal;
};

static enum range_answer add_text(sqlite3_value *value, struct buf *key)
{
	const char *text = (const char *)sqlite3_value_text(value);
	size_t size = (size_t)sqlite3_value_bytes(value);

	if (!text)
		return RANGE_NOMEM;
	if (memchr(text, '\0', size))
		return RANGE_UNFIT;
	key_add_text(key, slice_of(text, size));
	return RANGE_OK;
}

static enum range_answer add_natural(sqlite3_value *value, struct buf *key)
{
	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		key_add_int(key, sqlite3_value_int64(value));
		return RANGE_OK;
	case SQLITE_FLOAT:
		key_add_real(key, sqlite3_value_double(value));
		return RANGE_OK;
	case SQLITE_TEXT:
		return add_text(value, key);
	case SQLITE_BLOB:
		key_add_blob(key, slice_of(sqlite3_value_blob(value),
					   (size_t)sqlite3_value_bytes(value)));
		return RANGE_OK;
	default:
		return RANGE_NONE;
	}
}

/* Could a comparison with value convert the field, or meet an array? */
static bool is_subtle(uint32_t types, sqlite3_value *value)
{
	const uint32_t containers = 1u << MSG_ARRAY | 1u << MSG_MAP;
	const uint32_t numbers = 1u << MSG_BOOL | 1u << MSG_INT | 1u << MSG_REAL;
	int type = sqlite3_value_type(value);

	if (types & containers)
		return true;
	if (type == SQLITE_TEXT)
		return (types & numbers) &&
		       sqlite3_value_numeric_type(value) != SQLITE_TEXT;
	return (type == SQLITE_INTEGER || type == SQLITE_FLOAT) &&
	       (types & 1u << MSG_TEXT);
}

/* A text column against a number: as texts, if the number is a literal; as numbers, if
 * it comes from a numeric column. Only an integer that is to equal a key is taken as
 * text either way, for 1 and "1" are one key. */
static enum range_answer add_for_text(const struct bound *bound,
				      sqlite3_value *value, struct buf *key)
{
	int type = sqlite3_value_type(value);

	if (type == SQLITE_FLOAT ||
	    (type == SQLITE_INTEGER && !(bound->is_key && bound->is_equal)))
		return RANGE_UNFIT;
	return type == SQLITE_BLOB ? add_natural(value, key) : add_text(value, key);
}

/* A text that is no number comes after all numbers, wherever it ends; so does, after
 * all integers, a real that none of them reaches, which key bytes take for the last. */
static enum range_answer add_for_number(const struct bound *bound,
					sqlite3_value *value, struct buf *key)
{
	const struct column_def *def = bound->relation->columns[bound->column].def;
	const char *text;

	if (sqlite3_value_type(value) == SQLITE_FLOAT &&
	    def->type == DRIFT_INTEGER && sqlite3_value_double(value) >= 0x1p63) {
		key_add_text(key, SLICE(""));
		return RANGE_OK;
	}
	if (sqlite3_value_type(value) != SQLITE_TEXT)
		return add_natural(value, key);
	text = (const char *)sqlite3_value_text(value);
	if (!text)
		return RANGE_NOMEM;
	key_add_text(key, slice_of(text, strlen(text)));
	return RANGE_OK;
}

static enum range_answer add_part(const struct bound *bound, sqlite3_value *value,
				  struct buf *key)
{
	const struct relation *relation = bound->relation;

	if (sqlite3_value_type(value) == SQLITE_NULL)
		return RANGE_NONE;
	switch (relation_affinity(relation, bound->column)) {
	case RELATION_TEXT:
		return add_for_text(bound, value, key);
	case RELATION_NUMERIC:
		(void)sqlite3_value_numeric_type(value);
		return add_for_number(bound, value, key);
	default:
		if (is_subtle(relation_column_types(bound->session, relation,
						    (int)bound->column),
			      value))
			return RANGE_UNFIT;
		return add_natural(value, key);
	}
}

/* The number in the relation of column i of the key or index. */
static unsigned column_at(const struct relation *relation,
			  const struct index_def *index, unsigned i)
{
	if (!index)
		return relation->def->key_columns[i];
	return (unsigned)relation_column(relation, slice_str(index->columns[i]));
}

static void cut(const struct index_def *index, struct buf *bytes)
{
	if (index && bytes->size > KEY_VALUE_BYTES_MAX)
		bytes->size = KEY_VALUE_BYTES_MAX;
}

/* With no value: past the NULLs (0x01), up to the end of what low begins with. */
static enum range_answer add_bounds(struct range *range, const struct bound *bound,
				    sqlite3_value *low, sqlite3_value *high)
{
	enum range_answer answer = RANGE_OK;

	if (high)
		answer = add_part(bound, high, &range->high);
	if (answer)
		return answer;
	if (low)
		return add_part(bound, low, &range->low);
	if (high)
		buf_add_char(&range->low, '\x02');
	return RANGE_OK;
}

/* The ends as bytes: low included, high left out. Any of them has whole parts, so what
 * begins with a value is before its successor, and nothing else is. */
static enum range_answer set_bounds(struct range *range,
				    const struct index_def *index,
				    const struct range_values *values)
{
	if (buf_status(&range->low) || buf_status(&range->high))
		return RANGE_NOMEM;
	cut(index, &range->low);
	cut(index, &range->high);
	if (values->low && values->low_open)
		make_successor(&range->low);
	if (!values->high || !values->high_open)
		make_successor(&range->high);
	range->bounds = (struct drift_range){ .high_open = true };
	if (range->low.size)
		range->bounds.low = buf_slice(&range->low);
	if (range->high.size)
		range->bounds.high = buf_slice(&range->high);
	return RANGE_OK;
}

static enum range_answer add_equalities(struct range *range, struct bound *bound,
					const struct index_def *index,
					const struct range_values *values)
{
	enum range_answer answer = RANGE_OK;

	for (unsigned i = 0; i < values->equalities && !answer; i++) {
		bound->column = column_at(bound->relation, index, i);
		answer = add_part(bound, values->equal[i], &range->low);
	}
	return answer;
}

enum range_answer range_make_point(struct range *range,
				   const struct query_session *session,
				   const struct relation *relation,
				   const struct range_values *values)
{
	struct bound bound = { session, relation, 0, true, true };
	enum range_answer answer;

	buf_clear(&range->low);
	answer = add_equalities(range, &bound, NULL, values);
	if (!answer && buf_status(&range->low))
		answer = RANGE_NOMEM;
	range->bounds.low = buf_slice(&range->low);
	return answer;
}

enum range_answer range_make(struct range *range,
			     const struct query_session *session,
			     const struct relation *relation,
			     const struct index_def *index,
			     const struct range_values *values)
{
	struct bound bound = { session, relation, 0, index == NULL, true };
	enum range_answer answer;

	buf_clear(&range->low);
	buf_clear(&range->high);
	answer = add_equalities(range, &bound, index, values);
	buf_add_slice(&range->high, buf_slice(&range->low));
	if (!answer && (values->low || values->high)) {
		bound.column = column_at(relation, index, values->equalities);
		bound.is_equal = false;
		answer = add_bounds(range, &bound, values->low, values->high);
	}
	return answer ? answer : set_bounds(range, index, values);
}
