/* SPDX-License-Identifier: MIT */
/* spell_jsonb.c - a || b, a - 'key' and a @> b of JSON, where an operand is known to be
 * JSON: by its column's declaration, a cast, an arrow or a function. SQLite would put
 * texts together, and subtract their leading digits. */
#include "query/spell.h"

static const char *const arrows[] = { "->", "#>", "->>", "#>>", NULL };

static bool is_arrow(const struct rewriter *rewriter, unsigned i)
{
	return statement_is_one_of(&rewriter->statement, i, arrows);
}

static bool is_json_arrow(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_is_punct(rewriter, i, "->") ||
	       rewriter_is_punct(rewriter, i, "#>");
}

static bool is_json(const struct rewriter *rewriter, unsigned first, unsigned end)
{
	unsigned last = end - 1;
	bool name =
		(last == first || (last == first + 2 &&
				   rewriter_is_punct(rewriter, first + 1, "."))) &&
		token_is_name(rewriter_token(rewriter, last));
	enum drift_type type = name ? spell_declared_type(rewriter, last)
				    : rewrite_value_type(rewriter, first, end);

	return type == DRIFT_JSON || (name && type == DRIFT_ANY &&
				      rewriter_is_word(rewriter, last, "doc"));
}

/* The operands beside the operator at token i: [first, i) and (i, end); and is one of
 * them JSON? */
struct sides {
	unsigned first;
	unsigned end;
	bool left;
	bool right;
};

/* The operand that ends before token `stop`, with its arrows: where it begins, and is it
 * JSON? The arrow behind all others tells. */
static unsigned left_operand(const struct rewriter *rewriter, unsigned stop,
			     bool *json)
{
	unsigned first = spell_operand(rewriter, stop);

	if (first < 2 || !is_arrow(rewriter, first - 1)) {
		*json = is_json(rewriter, first, stop);
		return first;
	}
	*json = is_json_arrow(rewriter, first - 1);
	while (first > 1 && is_arrow(rewriter, first - 1))
		first = spell_operand(rewriter, first - 1);
	return first;
}

/* What is before the left operand by the same sign, as in a || b || c, belongs to it. */
static struct sides sides_of(const struct rewriter *rewriter, unsigned i,
			     const char *sign)
{
	struct sides sides = { .end = spell_operand_end(rewriter, i + 1) };
	bool json;

	sides.first = left_operand(rewriter, i, &sides.left);
	while (sides.first > 1 &&
	       rewriter_is_punct(rewriter, sides.first - 1, sign)) {
		sides.first = left_operand(rewriter, sides.first - 1, &json);
		sides.left = sides.left || json;
	}
	sides.right = !is_arrow(rewriter, sides.end) &&
		      is_json(rewriter, i + 1, sides.end);
	while (is_arrow(rewriter, sides.end)) {
		sides.right = is_json_arrow(rewriter, sides.end);
		sides.end = spell_operand_end(rewriter, sides.end + 1);
	}
	return sides;
}

static void call(struct rewriter *rewriter, unsigned i, const struct sides *sides,
		 const char *function)
{
	edit_before(&rewriter->edits, sides->first, function);
	edit_instead(&rewriter->edits, i, i + 1, SLICE(", "));
	edit_after(&rewriter->edits, sides->end - 1, ")");
}

bool spell_is_json_concatenation(const struct rewriter *rewriter, unsigned i)
{
	struct sides sides = sides_of(rewriter, i, "||");

	return sides.left || sides.right;
}

bool spell_json_concatenation(struct rewriter *rewriter, unsigned i)
{
	struct sides sides = sides_of(rewriter, i, "||");

	if (!sides.left && !sides.right)
		return false;
	call(rewriter, i, &sides, "drift_jsonb_concat(");
	return true;
}

bool spell_json_difference(struct rewriter *rewriter, unsigned i)
{
	struct sides sides = sides_of(rewriter, i, "-");

	if (!sides.left)
		return false;
	call(rewriter, i, &sides, "drift_jsonb_subtract(");
	return true;
}

void spell_json_containment(struct rewriter *rewriter, unsigned i)
{
	static const struct {
		const char *sign;
		const char *call;
		bool array; /* the right one is */
	} signs[] = {
		{ "@>", "drift_jsonb_contains(", false },
		{ "<@", "drift_jsonb_within(", false },
		{ "?", "jsonb_exists(", false },
		{ "?|", "jsonb_exists_any(", true },
		{ "?&", "jsonb_exists_all(", true },
	};

	for (unsigned k = 0; i > 0 && k < sizeof(signs) / sizeof(*signs); k++) {
		struct sides sides;

		if (!rewriter_is_punct(rewriter, i, signs[k].sign))
			continue;
		sides = sides_of(rewriter, i, "||");
		call(rewriter, i, &sides, signs[k].call);
		if (signs[k].array) {
			edit_before(&rewriter->edits, i + 1, "drift_array(");
			edit_after(&rewriter->edits, sides.end - 1, ")");
		}
	}
}
