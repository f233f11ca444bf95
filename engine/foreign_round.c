/* SPDX-License-Identifier: MIT */
/* foreign_round.c - the rows of a round of writes: each one that was there before it is
 * followed to where it is after it, whatever became of the key it leaves, and each one
 * that is there after it is traced back; see foreign.h.
 *
 * A row that changes its key is two operations, a deletion that says so ("moved") and
 * the put behind it. */
#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/foreign.h"

bool foreign_is_row(const struct txn_op *op)
{
	return op->kind == TXN_PUT || op->kind == TXN_DELETE;
}

enum drift_err foreign_round_op(const struct foreign_round *round, uint32_t table_id,
				struct slice key, uint32_t ops, uint32_t *number)
{
	const struct memtable *overlay;
	const struct entry *entry;
	enum drift_err err = overlay_read(round->txn, &overlay);

	*number = 0;
	if (err || !overlay || ops == 0)
		return err;
	entry = memtable_get(overlay, table_id, key, ops);
	if (entry)
		*number = (uint32_t)entry->seq;
	return DRIFT_OK;
}

/* Does the operation put a row that comes from another key? */
static bool is_landing(const struct foreign_round *round, uint32_t i)
{
	return i > round->from && round->txn->ops[i - 1].kind == TXN_DELETE &&
	       round->txn->ops[i - 1].moved;
}

/* By a hash table of their numbers, the last one of each key. */
enum drift_err foreign_round_link(struct foreign_round *round)
{
	uint32_t count = round->to - round->from, size = 64;
	uint32_t *slots;

	while (size < 2 * count)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	round->next = calloc(count, sizeof(*round->next));
	round->later = calloc(count, sizeof(*round->later));
	for (uint32_t i = 0; slots && round->next && round->later && i < count;
	     i++) {
		const struct txn_op *op = &round->txn->ops[round->from + i];
		uint32_t at;

		if (!foreign_is_row(op))
			continue;
		at = crc32c(op->def->id, op->key.data, op->key.size);
		for (at &= size - 1; slots[at]; at = (at + 1) & (size - 1)) {
			const struct txn_op *last =
				&round->txn->ops[round->from + slots[at] - 1];

			if (last->def->id == op->def->id &&
			    slice_equal(last->key, op->key))
				break;
		}
		if (slots[at]) {
			round->next[slots[at] - 1] = round->from + i;
			round->later[i] = true;
		}
		slots[at] = i + 1;
	}
	free(slots);
	return round->next && round->later && slots ? DRIFT_OK : DRIFT_NOMEM;
}

struct foreign_fate foreign_round_follow(const struct foreign_round *round,
					 uint32_t i)
{
	struct foreign_fate fate = { 0 };

	do {
		const struct txn_op *op = &round->txn->ops[i];

		/* By its deletion, or because another row took its key. */
		fate.dead =
			op->kind == TXN_DELETE ? !op->moved : is_landing(round, i);
		i += op->kind == TXN_DELETE && op->moved;
		fate.at = i;
		i = round->next[i - round->from];
	} while (i && !fate.dead);
	return fate;
}

void foreign_round_release(struct foreign_round *round)
{
	free(round->next);
	free(round->later);
	round->next = NULL;
	round->later = NULL;
}

enum drift_err foreign_round_trace(const struct foreign_round *round,
				   uint32_t number, struct slice *key)
{
	enum drift_err err = DRIFT_OK;

	while (number > round->from && !err) {
		uint32_t i = number - 1;
		const struct txn_op *op = &round->txn->ops[i];

		if (is_landing(round, i))
			op = &round->txn->ops[--i];
		else if (op->kind == TXN_DELETE)
			return DRIFT_NO_ROW;
		*key = op->key;
		err = foreign_round_op(round, op->def->id, op->key, i, &number);
	}
	return err;
}
