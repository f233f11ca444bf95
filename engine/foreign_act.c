/* SPDX-License-Identifier: MIT */
/* foreign_act.c - what becomes of rows whose referenced row is deleted, or is called
 * otherwise now: CASCADE and SET NULL; see foreign.h.
 *
 * The writes since the last call, a statement's mostly, are one round (foreign_round.c),
 * and mean the rows as they were before it. What is added for those that refer to them
 * is the next round. */
#include "engine/foreign.h"

struct settling {
	struct drift_txn *txn;
	struct foreign_round round;
	struct drift_view before, after; /* the round */
	struct foreign_known known;
	struct buf own, other, found, row;
	const struct foreign_ref *ref; /* whose referrers are looked for */
	struct drift_error *error;
};

/* The row as it is stored, in the view; DRIFT_NO_ROW. *lookup holds it. */
static enum drift_err read_row(struct drift_view view, uint32_t table_id,
			       struct slice key, struct drift_lookup **lookup,
			       struct drift_version *version)
{
	enum drift_err err = drift_lookup_open(view, table_id, lookup);

	return err ? err : drift_lookup_get(*lookup, key, version);
}

/* Can it ask anything of who refers to the row? */
static enum drift_err asks(struct settling *s, const struct txn_op *op, bool *yes)
{
	struct foreign_refs refs;
	enum drift_err err;

	*yes = false;
	if (!foreign_is_row(op))
		return DRIFT_OK;
	err = foreign_refs_to(&s->known, op->def->id, &refs);
	*yes = refs.count && (op->kind == TXN_DELETE ||
			      (refs.to_index && op->mode != DRIFT_PUT_INSERT));
	return err;
}

static enum drift_err any_asks(struct settling *s, bool *yes)
{
	enum drift_err err = DRIFT_OK;

	*yes = false;
	for (uint32_t i = s->round.from; i < s->round.to && !*yes && !err; i++)
		err = asks(s, &s->txn->ops[i], yes);
	return err;
}

/* ---- Rows that refer to one ---------------------------------------------- */

/* Did the row, written in this round, refer to s->own before it too? */
static enum drift_err referred(struct settling *s, uint32_t number, bool *yes)
{
	const struct foreign_ref *ref = s->ref;
	struct drift_lookup *lookup = NULL;
	struct drift_version version = { 0 };
	struct slice key;
	enum drift_err err = foreign_round_trace(&s->round, number, &key);

	*yes = false;
	if (!err)
		err = read_row(s->before, ref->def->id, key, &lookup, &version);
	buf_clear(&s->other);
	if (!err)
		err = foreign_def_key(ref->def, ref->foreign, ref->parent,
				      version.row, version.seq, &s->other);
	*yes = !err && slice_equal(buf_slice(&s->other), buf_slice(&s->own));
	drift_lookup_close(lookup);
	return err == DRIFT_NO_ROW || err == DRIFT_DONE ? DRIFT_OK : err;
}

/* Does a row that refers to s->own after the round mean the row that was called so before
 * it? If the round made it refer there, only when no other row is called so now. */
static enum drift_err is_meant(struct settling *s, struct slice key, bool *yes)
{
	uint32_t number;
	enum drift_err err = foreign_round_op(&s->round, s->ref->def->id, key,
					      s->round.to, &number);

	*yes = true;
	if (err || number <= s->round.from)
		return err;
	err = referred(s, number, yes);
	if (err || *yes)
		return err;
	err = foreign_has(s->after, s->ref, buf_slice(&s->own), NULL, yes);
	*yes = !*yes;
	return err;
}

/* Each is kept as the size of its key, its key, its seq, the size of its row, its row. */
static enum drift_err keep(void *arg, const struct drift_version *version)
{
	struct settling *s = arg;
	bool yes;
	enum drift_err err = is_meant(s, version->key, &yes);

	if (err || !yes)
		return err;
	buf_add_be64(&s->found, version->key.size);
	buf_add_slice(&s->found, version->key);
	buf_add_be64(&s->found, version->seq);
	buf_add_be64(&s->found, version->row.size);
	buf_add_slice(&s->found, version->row);
	if (s->found.size > s->txn->db->options.txn_bytes_max)
		return drift_fail(s->error, DRIFT_TX_TOO_BIG,
				  "foreign keys make the transaction larger than "
				  "its limit");
	return buf_status(&s->found);
}

static struct slice take_part(struct slice *rest)
{
	size_t size = be64_get(rest->data);
	struct slice part = slice_of((const char *)rest->data + 8, size);

	*rest = slice_of((const char *)rest->data + 8 + size, rest->size - 8 - size);
	return part;
}

static void take_found(struct slice *rest, struct drift_version *version)
{
	*version = (struct drift_version){ .key = take_part(rest) };
	version->seq = be64_get(rest->data);
	*rest = slice_of((const char *)rest->data + 8, rest->size - 8);
	version->row = take_part(rest);
}

/* ---- Actions --------------------------------------------------------------- */

/* The row as this round's actions have left it so far; DRIFT_NO_ROW: it is gone. */
static enum drift_err find_latest(struct settling *s, uint32_t table_id,
				  struct drift_version *version)
{
	uint32_t number;
	enum drift_err err;

	while (!(err = foreign_round_op(&s->round, table_id, version->key,
					s->txn->count, &number)) &&
	       number > s->round.to) {
		const struct txn_op *op = &s->txn->ops[number - 1];

		if (op->kind == TXN_DELETE && !op->moved)
			return DRIFT_NO_ROW;
		if (op->kind == TXN_DELETE)
			op = &s->txn->ops[number];
		version->row = op->row;
		version->seq = 0;
		if (slice_equal(op->key, version->key))
			break;
		version->key = op->key;
	}
	return err;
}

static enum drift_err put(struct settling *s, const struct table_def *def,
			  struct slice old_key, struct slice row)
{
	struct buf key = BUF_INIT;
	enum drift_err err = row_key(def, row, &key, s->error);

	if (!err && slice_equal(buf_slice(&key), old_key)) {
		err = drift_txn_put(s->txn, def, old_key, row, DRIFT_PUT_UPDATE,
				    s->error);
	} else if (!err) {
		err = drift_txn_delete(s->txn, def, old_key, false, s->error);
		if (!err)
			err = drift_txn_put(s->txn, def, buf_slice(&key), row,
					    DRIFT_PUT_INSERT, s->error);
		if (!err)
			drift_txn_moved(s->txn);
	}
	buf_release(&key);
	return err;
}

/* Give the row other values in the columns of its reference; NULL: none. */
static enum drift_err set(struct settling *s, const struct slice *values,
			  const struct drift_version *version)
{
	const struct table_def *def = s->ref->def;
	struct buf shown = BUF_INIT, changed = BUF_INIT;
	enum drift_err err = row_show(def, version->row, version->seq, &shown);

	if (!err)
		err = foreign_def_set(s->ref->foreign, buf_slice(&shown), values,
				      &changed);
	buf_clear(&s->row);
	if (!err)
		err = row_shape(def, buf_slice(&changed), slice_of(NULL, 0), false,
				&s->row, s->error);
	buf_release(&shown);
	buf_release(&changed);
	return err ? err : put(s, def, version->key, buf_slice(&s->row));
}

/* What the row that was referred to has now in the columns it is referred to by. */
static enum drift_err read_values(const struct foreign_ref *ref, struct slice row,
				  struct slice *values)
{
	static const uint8_t nil = 0xc0; /* MessagePack's */
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < ref->foreign->column_count && !err; i++) {
		const struct column_def *column =
			foreign_def_target(ref->parent, ref->foreign, i);

		if (!column)
			return DRIFT_CORRUPT;
		err = row_member(ref->parent, column->name, row, 0, &values[i]);
		if (err == DRIFT_DONE) {
			values[i] = slice_of((const char *)&nil, 1);
			err = DRIFT_OK;
		}
	}
	return err;
}

static enum drift_err act(struct settling *s, enum foreign_action action,
			  const struct foreign_fate *fate)
{
	const struct foreign_ref *ref = s->ref;
	struct slice values[TABLE_KEY_PARTS_MAX];
	struct slice rest;
	struct drift_version version;
	enum drift_err err;

	buf_clear(&s->found);
	err = foreign_each_referrer(s->after, ref, buf_slice(&s->own), keep, s);
	rest = buf_slice(&s->found);
	while (!err && rest.size) {
		take_found(&rest, &version);
		err = find_latest(s, ref->def->id, &version);
		if (err == DRIFT_NO_ROW) {
			err = DRIFT_OK;
		} else if (!err && action == FOREIGN_SET_NULL) {
			err = set(s, NULL, &version);
		} else if (!err && fate->dead) {
			err = drift_txn_delete(s->txn, ref->def, version.key, false,
					       s->error);
		} else if (!err) {
			/* Operations move as they are added: read each time. */
			err = read_values(ref, s->txn->ops[fate->at].row, values);
			if (!err)
				err = set(s, values, &version);
		}
	}
	return err;
}

/* ---- Rounds ---------------------------------------------------------------- */

/* What the row is called after the round, if it is still there, in s->other. */
static enum drift_err call_again(struct settling *s, const struct foreign_fate *fate,
				 bool *same)
{
	const struct txn_op *op = &s->txn->ops[fate->at];
	enum drift_err err;

	*same = false;
	if (fate->dead)
		return DRIFT_OK;
	buf_clear(&s->other);
	err = foreign_def_own(s->ref->parent, s->ref->foreign, op->key, op->row, 0,
			      &s->other);
	*same = !err && slice_equal(buf_slice(&s->other), buf_slice(&s->own));
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* One row that was there before the round, as it was. */
static enum drift_err settle_row(struct settling *s, const struct foreign_refs *refs,
				 const struct drift_version *old,
				 const struct foreign_fate *fate)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < refs->count && !err; i++) {
		const struct foreign_def *foreign = refs->list[i].foreign;
		enum foreign_action action =
			fate->dead ? foreign->on_delete : foreign->on_update;
		bool same;

		if (action == FOREIGN_REFUSE || !refs->list[i].parent)
			continue;
		s->ref = &refs->list[i];
		buf_clear(&s->own);
		err = foreign_def_own(s->ref->parent, foreign, old->key, old->row,
				      old->seq, &s->own);
		if (err == DRIFT_DONE) {
			err = DRIFT_OK;
			continue;
		}
		if (!err)
			err = call_again(s, fate, &same);
		if (!err && !same)
			err = act(s, action, fate);
	}
	return err;
}

/* The first operation of the round on a key: the row that was there before it. */
static enum drift_err settle_op(struct settling *s, uint32_t i)
{
	const struct txn_op *op = &s->txn->ops[i];
	struct drift_lookup *lookup = NULL;
	struct drift_version old;
	struct foreign_refs refs;
	struct foreign_fate fate;
	enum drift_err err;

	if (!foreign_is_row(op) || s->round.later[i - s->round.from] ||
	    (op->kind == TXN_PUT && op->mode == DRIFT_PUT_INSERT))
		return DRIFT_OK;
	err = foreign_refs_to(&s->known, op->def->id, &refs);
	if (err || refs.count == 0)
		return err;
	fate = foreign_round_follow(&s->round, i);
	if (!refs.to_index && !fate.dead &&
	    slice_equal(s->txn->ops[fate.at].key, op->key))
		return DRIFT_OK;
	err = read_row(s->before, op->def->id, op->key, &lookup, &old);
	if (!err)
		err = settle_row(s, &refs, &old, &fate);
	drift_lookup_close(lookup);
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

static enum drift_err run_round(struct settling *s)
{
	bool yes;
	enum drift_err err = any_asks(s, &yes);

	if (err || !yes)
		return err;
	s->before.txn_ops = s->round.from;
	s->after.txn_ops = s->round.to;
	err = foreign_round_link(&s->round);
	for (uint32_t i = s->round.from; i < s->round.to && !err; i++)
		err = settle_op(s, i);
	foreign_round_release(&s->round);
	return err;
}

static struct drift_view base_of(const struct drift_txn *txn)
{
	struct drift_view view = drift_view_live(txn->db);

	if (txn->base_seq < view.seq)
		view.seq = txn->base_seq;
	view.txn = txn;
	return view;
}

static bool has_references(const struct drift_txn *txn)
{
	return !txn->replay &&
	       (atomic_load(&txn->db->tables.foreign) || txn->ddl_count);
}

static enum drift_err settle(struct drift_txn *txn, struct drift_error *error)
{
	struct drift_view view = base_of(txn);
	struct settling s = { .txn = txn,
			      .round = { .txn = txn },
			      .before = view,
			      .after = view,
			      .known = { .txn = txn },
			      .error = error };
	uint32_t count = txn->count;
	enum drift_err err = DRIFT_OK;

	while (txn->settled < txn->count && !err) {
		s.round.from = txn->settled;
		s.round.to = txn->count;
		err = run_round(&s);
		txn->settled = s.round.to;
	}
	/* What was added is made of rows as they are now. */
	if (txn->count > count && txn->base_seq > view.seq)
		txn->base_seq = view.seq;
	foreign_known_release(&s.known);
	buf_release(&s.own);
	buf_release(&s.other);
	buf_release(&s.found);
	buf_release(&s.row);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err drift_txn_settle(struct drift_txn *txn, struct drift_error *error)
{
	if (has_references(txn))
		return settle(txn, error);
	txn->settled = txn->count;
	return DRIFT_OK;
}
