/* SPDX-License-Identifier: MIT */
/* Every temporal form against a model that is a plain list: of each event, what it did
 * to which row, and of each seq, the whole table then. 5,000 random statements build the
 * history, in transactions with savepoints, rollbacks and statements that fail. */
#include "tests/unit/pair.h"

#define STATEMENTS 5000
#define CHECKS 4000
#define ROWS 24
#define EVENTS_MAX 20000
#define SAVEPOINTS_MAX 4

struct row {
	bool there;
	int a;
	int b;          /* the text 'v<b>' */
	unsigned start; /* the event that made this version */
};

struct event {
	int id;
	struct row row; /* after it; not there: a delete */
	bool insert;
	unsigned end; /* the event that ended this version, 0: none */
	drift_time_ns time;
};

/* A statement's or a transaction's writes, not committed yet. */
struct work {
	struct row rows[ROWS];
	unsigned count;
	struct event list[EVENTS_MAX / 4];
};

struct model {
	struct pair pair;
	struct row rows[ROWS]; /* committed */
	unsigned head;
	struct event events[EVENTS_MAX]; /* 1..head */
	bool open, failed;
	struct work work;
	struct work savepoints[SAVEPOINTS_MAX];
	unsigned savepoint_count;
	unsigned statements, refused, commits;
};

static unsigned pick(struct model *model, unsigned below)
{
	return pair_pick(&model->pair, below);
}

/* ---- The model's writes ---------------------------------------------------------- */

static void put(struct work *work, int id, struct row row)
{
	struct row *now = &work->rows[id];

	if (now->there == row.there &&
	    (!row.there || (now->a == row.a && now->b == row.b)))
		return; /* equal: no event */
	work->list[work->count++] =
		(struct event){ .id = id, .row = row, .insert = !now->there };
	*now = row;
}

static drift_time_ns time_of(struct model *model, unsigned seq)
{
	struct drift_tx tx;

	assert_int_equal(drift_tx_of(model->pair.home.db, seq, &tx), DRIFT_OK);
	return tx.time;
}

static void commit(struct model *model)
{
	unsigned first = model->head + 1;

	for (unsigned i = 0; i < model->work.count; i++) {
		struct event *event = &model->events[++model->head];
		struct row *row = &model->rows[model->work.list[i].id];

		assert_true(model->head + 1 < EVENTS_MAX);
		*event = model->work.list[i];
		event->row.start = model->head;
		if (row->there)
			model->events[row->start].end = model->head;
		*row = event->row;
	}
	assert_int_equal(drift_head(model->pair.home.db), model->head);
	for (unsigned seq = first; seq <= model->head; seq++)
		model->events[seq].time = seq == first ? time_of(model, seq)
						       : model->events[first].time;
	model->commits += first <= model->head;
	model->work.count = 0;
	memcpy(model->work.rows, model->rows, sizeof(model->rows));
}

static void forget(struct model *model)
{
	model->work.count = 0;
	memcpy(model->work.rows, model->rows, sizeof(model->rows));
	model->savepoint_count = 0;
	model->open = model->failed = false;
}

/* ---- Statements -------------------------------------------------------------------- */

/* Run it; whether it is refused must be as the model has it. */
static void run(struct model *model, const char *sql, bool refuses)
{
	struct buf out = BUF_INIT;
	bool refused;

	pair_ours(&model->pair, sql, &out);
	refused = strncmp(buf_cstr(&out), "refused", 7) == 0;
	if (refused != refuses)
		fail_msg("%s: %s", sql, buf_cstr(&out));
	model->statements++;
	model->refused += refused;
	buf_release(&out);
}

static struct row draw_row(struct model *model)
{
	return (struct row){ .there = true,
			     .a = (int)pick(model, 6),
			     .b = (int)pick(model, 4) };
}

/* INSERT of one to three rows, one of which may be there. */
static bool insert(struct model *model, struct work *work, struct buf *sql)
{
	unsigned kind = pick(model, 4);
	bool refuses = false;

	buf_add_str(sql, kind == 0   ? "INSERT OR REPLACE INTO h VALUES "
			 : kind == 1 ? "INSERT OR IGNORE INTO h VALUES "
				     : "INSERT INTO h VALUES ");
	for (unsigned i = 1 + pick(model, 3); i > 0; i--) {
		int id = (int)pick(model, ROWS);
		struct row row = draw_row(model);
		bool there = work->rows[id].there;

		buf_printf(sql, "(%d, %d, 'v%d')%s", id, row.a, row.b,
			   i > 1 ? ", " : "");
		refuses = refuses || (kind > 1 && there);
		if (!refuses && !(kind == 1 && there))
			put(work, id, row);
	}
	return refuses;
}

/* A range of ids, or all rows with some a. */
static void add_where(struct model *model, int *low, int *high, int *a,
		      struct buf *sql)
{
	*low = 0;
	*high = ROWS;
	*a = -1;
	switch (pick(model, 3)) {
	case 0:
		*a = (int)pick(model, 6);
		buf_printf(sql, " WHERE a = %d", *a);
		return;
	case 1:
		*low = (int)pick(model, ROWS);
		*high = *low + 1;
		buf_printf(sql, " WHERE id = %d", *low);
		return;
	default:
		*low = (int)pick(model, ROWS);
		*high = *low + 1 + (int)pick(model, 5);
		buf_printf(sql, " WHERE id >= %d AND id < %d", *low, *high);
	}
}

static bool update(struct model *model, struct work *work, struct buf *sql)
{
	bool deletes = pick(model, 3) == 0, refuses = false;
	struct row row = draw_row(model);
	int low, high, a;

	if (deletes)
		buf_add_str(sql, "DELETE FROM h");
	else
		buf_printf(sql, "UPDATE h SET a = %d, b = 'v%d'", row.a, row.b);
	add_where(model, &low, &high, &a, sql);
	if (deletes)
		row.there = false;
	for (int id = low; id < high && id < ROWS; id++)
		if (work->rows[id].there && (a < 0 || work->rows[id].a == a))
			put(work, id, row);
	return refuses;
}

static void write_rows(struct model *model)
{
	static struct work before;
	struct buf sql = BUF_INIT;
	bool refuses;

	memcpy(&before, &model->work, sizeof(before));
	refuses = pick(model, 2) ? insert(model, &model->work, &sql)
				 : update(model, &model->work, &sql);
	run(model, buf_cstr(&sql), refuses || model->failed);
	if (refuses || model->failed)
		memcpy(&model->work, &before, sizeof(before));
	if (model->open)
		model->failed = model->failed || refuses;
	else
		commit(model);
	buf_release(&sql);
}

static void control(struct model *model)
{
	char sql[60];
	unsigned which;

	if (!model->open) {
		run(model, "BEGIN", false);
		model->open = true;
		return;
	}
	switch (pick(model, 8)) {
	case 0:
		run(model, "ROLLBACK", false);
		forget(model);
		return;
	case 1:
	case 2:
	case 3:
		run(model, "COMMIT", false);
		if (model->failed)
			forget(model);
		else
			commit(model);
		model->open = model->failed = false;
		model->savepoint_count = 0;
		return;
	case 4:
	case 5:
		if (model->savepoint_count == SAVEPOINTS_MAX || model->failed)
			return;
		snprintf(sql, sizeof(sql), "SAVEPOINT s%u", model->savepoint_count);
		run(model, sql, false);
		memcpy(&model->savepoints[model->savepoint_count++], &model->work,
		       sizeof(model->work));
		return;
	case 6:
		if (model->savepoint_count == 0)
			return;
		which = pick(model, model->savepoint_count);
		snprintf(sql, sizeof(sql), "ROLLBACK TO s%u", which);
		run(model, sql, false);
		memcpy(&model->work, &model->savepoints[which], sizeof(model->work));
		model->savepoint_count = which + 1;
		model->failed = false;
		return;
	default:
		if (model->savepoint_count == 0 || model->failed)
			return;
		which = pick(model, model->savepoint_count);
		snprintf(sql, sizeof(sql), "RELEASE s%u", which);
		run(model, sql, false);
		model->savepoint_count = which;
	}
}

/* ---- Questions ------------------------------------------------------------------------- */

/* The table as of seq: what stands last of each row at or before it. */
static void state_at(const struct model *model, unsigned seq, struct row rows[ROWS])
{
	memset(rows, 0, ROWS * sizeof(*rows));
	for (unsigned i = 1; i <= seq; i++)
		rows[model->events[i].id] = model->events[i].row;
}

static void add_row(struct buf *out, int id, const struct row *row)
{
	buf_printf(out, "i%d i%d tv%d ", id, row->a, row->b);
}

static void check(struct model *model, const char *sql, struct buf *expected)
{
	struct buf out = BUF_INIT;

	pair_ours(&model->pair, sql, &out);
	pair_sort_lines(&out);
	pair_sort_lines(expected);
	if (strcmp(buf_cstr(&out), buf_cstr(expected)) != 0)
		fail_msg("%s\nanswered:\n%sexpected:\n%s", sql, buf_cstr(&out),
			 buf_cstr(expected));
	buf_release(&out);
	buf_release(expected);
}

/* A moment in words that resolves to seq: a number or, on a transaction's end, a
 * time, or just before the next one's. */
static void add_moment(struct model *model, unsigned seq, struct buf *sql)
{
	bool is_end = seq == 0 || seq == model->head ||
		      model->events[seq].time != model->events[seq + 1].time;
	struct buf time = BUF_INIT;

	if (is_end && seq > 0 && pick(model, 2)) {
		moment_print_time(seq < model->head && pick(model, 2)
					  ? model->events[seq + 1].time - 1
					  : model->events[seq].time,
				  &time);
		buf_printf(sql, "'%s'", buf_cstr(&time));
	} else {
		buf_printf(sql, pick(model, 2) ? "@SEQ:%u" : "%u", seq);
	}
	buf_release(&time);
}

static void check_as_of(struct model *model)
{
	unsigned seq = pick(model, model->head + 1);
	int only = pick(model, 2) ? (int)pick(model, ROWS) : -1;
	int a = only < 0 && pick(model, 2) ? (int)pick(model, 6) : -1;
	bool trailing = pick(model, 3) == 0, hidden = pick(model, 2);
	struct buf sql = BUF_INIT, expected = BUF_INIT;
	struct row rows[ROWS];

	buf_printf(&sql, "SELECT id, a, b%s FROM h", hidden ? ", _seq" : "");
	if (!trailing) {
		buf_add_str(&sql, " FOR SYSTEM_TIME AS OF ");
		add_moment(model, seq, &sql);
	}
	if (only >= 0)
		buf_printf(&sql, " WHERE id = %d", only);
	else if (a >= 0)
		buf_printf(&sql, " WHERE a = %d", a);
	if (trailing) {
		buf_add_str(&sql, " AS OF ");
		add_moment(model, seq, &sql);
	}
	state_at(model, seq, rows);
	for (int id = 0; id < ROWS; id++) {
		if (!rows[id].there || (only >= 0 && id != only) ||
		    (a >= 0 && rows[id].a != a))
			continue;
		add_row(&expected, id, &rows[id]);
		if (hidden)
			buf_printf(&expected, "i%u ", rows[id].start);
		buf_add_char(&expected, '\n');
	}
	check(model, buf_cstr(&sql), &expected);
	buf_release(&sql);
}

enum range_kind { ALL, BETWEEN, FROM_TO, CONTAINED };

/* Does the version that event seq made belong to the range? By seqs or by times. */
static bool in_range(const struct model *model, unsigned seq, enum range_kind kind,
		     bool by_time, int64_t low, int64_t high)
{
	const struct event *event = &model->events[seq];
	int64_t start = by_time ? event->time : (int64_t)seq;
	int64_t end = event->end == 0 ? INT64_MAX
		      : by_time       ? model->events[event->end].time
				      : (int64_t)event->end;

	switch (kind) {
	case BETWEEN:
		return start <= high && end > low;
	case FROM_TO:
		return low < high && start < high && end > low;
	case CONTAINED:
		return start >= low && end <= high;
	default:
		return true;
	}
}

static void add_bound(const struct model *model, bool by_time, unsigned seq,
		      struct buf *sql)
{
	struct buf time = BUF_INIT;

	if (!by_time) {
		buf_printf(sql, "@SEQ:%u", seq);
		return;
	}
	moment_print_time(model->events[seq].time, &time);
	buf_printf(sql, "'%s'", buf_cstr(&time));
	buf_release(&time);
}

static void check_range(struct model *model)
{
	static const char *const forms[] = { "ALL", "BETWEEN ", "FROM ",
					     "CONTAINED IN (" };
	static const char *const joints[] = { "", " AND ", " TO ", ", " };
	enum range_kind kind = pick(model, 4);
	bool by_time = pick(model, 2);
	unsigned low = 1 + pick(model, model->head), high;
	int only = pick(model, 2) ? (int)pick(model, ROWS) : -1;
	struct buf sql = BUF_INIT, expected = BUF_INIT;

	high = pick(model, 3) ? low + pick(model, model->head - low + 1)
			      : 1 + pick(model, model->head);
	buf_printf(&sql,
		   "SELECT id, a, b, _seq, _seq_end, _op FROM h FOR SYSTEM_TIME %s",
		   forms[kind]);
	if (kind != ALL) {
		add_bound(model, by_time, low, &sql);
		buf_add_str(&sql, joints[kind]);
		add_bound(model, by_time, high, &sql);
	}
	buf_add_str(&sql, kind == CONTAINED ? ")" : "");
	if (only >= 0)
		buf_printf(&sql, " WHERE id = %d", only);
	for (unsigned seq = 1; seq <= model->head; seq++) {
		const struct event *event = &model->events[seq];

		if (!event->row.there || (only >= 0 && event->id != only) ||
		    !in_range(model, seq, kind, by_time,
			      by_time ? model->events[low].time : low,
			      by_time ? model->events[high].time : high))
			continue;
		add_row(&expected, event->id, &event->row);
		buf_printf(&expected, "i%u ", seq);
		if (event->end)
			buf_printf(&expected, "i%u ", event->end);
		else
			buf_add_str(&expected, "- ");
		buf_printf(&expected, "t%s \n", event->insert ? "insert" : "update");
	}
	check(model, buf_cstr(&sql), &expected);
	buf_release(&sql);
}

static void check_join(struct model *model)
{
	unsigned one = pick(model, model->head + 1),
		 two = pick(model, model->head + 1);
	struct buf sql = BUF_INIT, expected = BUF_INIT;
	struct row x[ROWS], y[ROWS];

	buf_add_str(&sql,
		    "SELECT x.id, x.a, x.b, y.a FROM h FOR SYSTEM_TIME AS OF ");
	add_moment(model, one, &sql);
	buf_add_str(&sql, " AS x JOIN h FOR SYSTEM_TIME AS OF ");
	add_moment(model, two, &sql);
	buf_add_str(&sql, " AS y ON x.id = y.id");
	state_at(model, one, x);
	state_at(model, two, y);
	for (int id = 0; id < ROWS; id++) {
		if (!x[id].there || !y[id].there)
			continue;
		add_row(&expected, id, &x[id]);
		buf_printf(&expected, "i%d \n", y[id].a);
	}
	check(model, buf_cstr(&sql), &expected);
	buf_release(&sql);
}

/* What the transaction sees: its own writes too. */
static void check_present(struct model *model)
{
	struct buf expected = BUF_INIT;
	unsigned count = 0;

	for (int id = 0; id < ROWS; id++) {
		if (!model->work.rows[id].there)
			continue;
		add_row(&expected, id, &model->work.rows[id]);
		buf_add_char(&expected, '\n');
		count++;
	}
	check(model, "SELECT id, a, b FROM h", &expected);
	buf_printf(&expected, "i%u \n", count);
	check(model, "SELECT count(*) FROM h", &expected);
}

/* ---- The test ---------------------------------------------------------------------------- */

static void ask(struct model *model)
{
	switch (pick(model, 4)) {
	case 0:
		check_range(model);
		return;
	case 1:
		check_join(model);
		return;
	default:
		check_as_of(model);
	}
}

static void build(struct model *model, unsigned statements)
{
	while (model->statements < statements) {
		if (pick(model, 5) == 0 || (model->failed && pick(model, 2)))
			control(model);
		else
			write_rows(model);
		if (!model->failed && pick(model, 4) == 0)
			check_present(model);
		if (!model->open && model->head > 0 && pick(model, 10) == 0)
			ask(model);
	}
	run(model, "ROLLBACK", false);
	forget(model);
}

static void compare(uint64_t seed)
{
	static struct model model;

	memset(&model, 0, sizeof(model));
	pair_open(&model.pair, seed);
	run(&model,
	    "CREATE TABLE h (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, INDEX(b))",
	    false);
	build(&model, pair_rounds(STATEMENTS));
	for (unsigned i = 0; i < pair_rounds(CHECKS); i++)
		ask(&model);
	fprintf(stderr, "%u statements, %u refused, %u transactions, %u events\n",
		model.statements, model.refused, model.commits, model.head);
	pair_close(&model.pair);
}

static void every_temporal_form_agrees_with_the_model(void **state)
{
	(void)state;
	compare(20250924);
}

static void so_it_does_by_another_seed(void **state)
{
	const char *given = getenv("DRIFTFS_HISTORIES");
	unsigned count = given ? (unsigned)atoi(given) : 1;
	uint64_t seed = test_seed();

	(void)state;
	for (unsigned i = 0; i < count; i++)
		compare(seed + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_temporal_form_agrees_with_the_model),
		cmocka_unit_test(so_it_does_by_another_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
