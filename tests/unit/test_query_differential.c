/* SPDX-License-Identifier: MIT */
/* The same random statements on our tables and on SQLite's own: every answer must be
 * the same, now and as of each moment that was kept; each moment is a table of its own
 * in SQLite. Indexes and ranges may offer SQLite too many rows; this finds where they
 * offer too few, or claim an order, a uniqueness or a filter that is not so. */
#include "tests/unit/pair.h"

#define MOMENTS 20
#define QUERIES 12000 /* by each seed: one that is fixed, one that is not */
#define CHANGES 15    /* between two moments */

struct run {
	struct pair pair;
	unsigned moments; /* kept so far */
	drift_seq seqs[MOMENTS];
	unsigned queries;
};

static unsigned pick(struct run *run, unsigned below)
{
	return pair_pick(&run->pair, below);
}

/* Documents, a typed table, one with a key of two parts. */
static const struct kept_table {
	const char *name;
	const char *ours, *theirs; /* what stands in CREATE TABLE */
} tables[] = {
	{ "d", "pk=id, INDEX(a, b)", "id TEXT PRIMARY KEY, a, b, c" },
	{ "t",
	  "id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL, INDEX(a), INDEX(b, a)",
	  "id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c NUMERIC" },
	{ "m",
	  "id INTEGER, a TEXT, b INTEGER, c REAL, PRIMARY KEY (id, a), INDEX(b)",
	  "id INTEGER, a TEXT, b INTEGER, c NUMERIC, PRIMARY KEY (id, a)" },
};

static const char *const columns[] = { "id", "a", "b", "c" };

/* ---- Changes ------------------------------------------------------------------------ */

static void add_value(struct run *run, struct buf *sql)
{
	static const char *const texts[] = {
		"'a'",  "'b'",   "'abc'", "''",   "'5'",
		"'05'", "'5.0'", "'B'",   "'zz'", "NULL"
	};

	switch (pick(run, 4)) {
	case 0:
		buf_printf(sql, "%d", (int)pick(run, 12) - 2);
		return;
	case 1:
		buf_printf(sql, "%d.5", (int)pick(run, 10) - 2);
		return;
	default:
		buf_add_str(sql, texts[pick(run, 10)]);
	}
}

/* One that the column of the table takes. */
static void add_typed(struct run *run, char table, char column, struct buf *sql)
{
	bool key = column == 'i' || (table == 'm' && column == 'a');

	if (table == 'd' && !key)
		add_value(run, sql);
	else if (table == 'd')
		buf_printf(sql, "'%u'", pick(run, 60));
	else if (!key && pick(run, 8) == 0)
		buf_add_str(sql, "NULL");
	else if (column == 'i')
		buf_printf(sql, "%u", pick(run, table == 'm' ? 9 : 60));
	else if (column == 'c')
		buf_printf(sql, "%u.25", pick(run, 8));
	else if ((column == 'a') == (table == 't'))
		buf_printf(sql, "%d", (int)pick(run, 10) - 2);
	else
		buf_printf(sql, "'%c%u'", "abz5"[pick(run, 4)], pick(run, 3));
}

static void add_condition(struct run *run, char alias, struct buf *sql);

static void change(struct run *run)
{
	const char *table = tables[pick(run, 3)].name;
	char column = "abc"[pick(run, 3)];
	struct buf sql = BUF_INIT;

	switch (pick(run, 4)) {
	case 0:
		if (table[0] == 'm' && column == 'a')
			column = 'c';
		buf_printf(&sql, "UPDATE %s SET %c = ", table, column);
		add_typed(run, table[0], column, &sql);
		buf_printf(&sql, " WHERE id = %u",
			   pick(run, table[0] == 'm' ? 9 : 60));
		break;
	case 1:
		buf_printf(&sql, "DELETE FROM %s AS x WHERE id = %u AND ", table,
			   pick(run, table[0] == 'm' ? 9 : 60));
		add_condition(run, 'x', &sql);
		break;
	default:
		buf_printf(&sql, "INSERT OR REPLACE INTO %s (id, a, b, c) VALUES (",
			   table);
		for (unsigned i = 0; i < 4; i++) {
			buf_add_str(&sql, i ? ", " : "");
			add_typed(run, table[0], columns[i][0], &sql);
		}
		buf_add_str(&sql, ")");
	}
	pair_run(&run->pair, buf_cstr(&sql), buf_cstr(&sql));
	buf_release(&sql);
}

/* ---- Conditions and expressions: the same text for both ----------------------------- */

static void add_column(struct run *run, char alias, struct buf *sql)
{
	buf_printf(sql, "%c.%s", alias, columns[pick(run, 4)]);
}

static void add_condition(struct run *run, char alias, struct buf *sql)
{
	static const char *const operators[] = { "=",  "<",  ">",      "<=", ">=",
						 "<>", "IS", "IS NOT", "=" };

	add_column(run, alias, sql);
	switch (pick(run, 9)) {
	case 0:
		buf_add_str(sql, pick(run, 4) ? " IN (" : " NOT IN (");
		for (unsigned i = pick(run, 3) + 1; i > 0; i--) {
			add_value(run, sql);
			buf_add_str(sql, i > 1 ? ", " : ")");
		}
		return;
	case 1:
		buf_add_str(sql, " BETWEEN ");
		add_value(run, sql);
		buf_add_str(sql, " AND ");
		add_value(run, sql);
		return;
	case 2:
		/* Expressions, which have no affinity. */
		buf_printf(sql, " %s (", operators[pick(run, 9)]);
		add_value(run, sql);
		buf_add_str(sql, pick(run, 2) ? " || '')" : " + 0)");
		return;
	case 3:
		buf_add_str(sql, pick(run, 2) ? " LIKE 'a%'" : " IS NULL");
		return;
	case 4:
		buf_printf(sql, " %s ", operators[pick(run, 9)]);
		add_column(run, alias, sql);
		return;
	default:
		buf_printf(sql, " %s ", operators[pick(run, 9)]);
		add_value(run, sql);
	}
}

static void add_conditions(struct run *run, char alias, struct buf *sql)
{
	static const char *const joints[] = { " AND ", " OR ", " AND NOT " };
	unsigned count = 1 + pick(run, 3);

	for (unsigned i = 0; i < count; i++) {
		buf_add_str(sql, i ? joints[pick(run, 3)] : "");
		add_condition(run, alias, sql);
	}
}

static void add_expression(struct run *run, char alias, struct buf *sql)
{
	static const char *const calls[] = { "length(",    "abs(",
					     "typeof(",    "upper(",
					     "quote(",     "coalesce(0, ",
					     "nullif(5, ", "ifnull(7, " };

	switch (pick(run, 4)) {
	case 0:
		buf_add_str(sql, calls[pick(run, 8)]);
		add_column(run, alias, sql);
		buf_add_char(sql, ')');
		return;
	case 1:
		add_column(run, alias, sql);
		buf_add_str(sql, pick(run, 2) ? " + " : " || ");
		add_column(run, alias, sql);
		return;
	case 2:
		buf_add_str(sql, "CASE WHEN ");
		add_condition(run, alias, sql);
		buf_add_str(sql, " THEN ");
		add_column(run, alias, sql);
		buf_add_str(sql, " END");
		return;
	default:
		add_column(run, alias, sql);
	}
}

/* ---- Queries: a table is a mark, '\1' and four bytes, which ours and theirs put in
 * words each their own way ------------------------------------------------------------- */

static void add_table(struct run *run, char alias, struct buf *sql)
{
	unsigned moment = pick(run, run->moments + 1); /* 0: now */

	buf_add_char(sql, '\1');
	buf_add_char(sql, (char)('0' + pick(run, 3)));
	buf_add_char(sql, (char)('0' + moment));
	buf_add_char(sql, alias);
}

static void expand(const struct run *run, const struct buf *marked, bool ours,
		   struct buf *sql)
{
	for (size_t i = 0; i < marked->size; i++) {
		const char *mark = marked->data + i;
		const char *name;
		unsigned moment;

		if (*mark != '\1') {
			buf_add_char(sql, *mark);
			continue;
		}
		name = tables[mark[1] - '0'].name;
		moment = (unsigned)(mark[2] - '0');
		if (moment == 0)
			buf_printf(sql, "%s AS %c", name, mark[3]);
		else if (ours)
			buf_printf(sql, "%s FOR SYSTEM_TIME AS OF @SEQ:%llu AS %c",
				   name, (unsigned long long)run->seqs[moment - 1],
				   mark[3]);
		else
			buf_printf(sql, "%s_%u AS %c", name, moment - 1, mark[3]);
		i += 3;
	}
}

static void add_join(struct run *run, char with, char alias, struct buf *sql)
{
	bool left = pick(run, 3) == 0;

	buf_add_str(sql, left ? " LEFT JOIN " : " JOIN ");
	add_table(run, alias, sql);
	buf_add_str(sql, " ON ");
	add_column(run, alias, sql);
	buf_add_str(sql, " = ");
	add_column(run, with, sql);
	/* Not of a LEFT JOIN: SQLite 3.40 then loses rows of its left side. */
	if (!left && pick(run, 3) == 0) {
		buf_add_str(sql, " AND ");
		add_condition(run, alias, sql);
	}
}

static bool filter(struct run *run, struct buf *sql)
{
	buf_add_str(sql, "SELECT ");
	add_expression(run, 'x', sql);
	buf_add_str(sql, ", x.* FROM ");
	add_table(run, 'x', sql);
	buf_add_str(sql, " WHERE ");
	add_conditions(run, 'x', sql);
	return false;
}

static bool join(struct run *run, struct buf *sql)
{
	bool third = pick(run, 3) == 0;

	buf_printf(sql, "SELECT x.id, x.a, y.*%s FROM ", third ? ", z.c" : "");
	add_table(run, 'x', sql);
	add_join(run, 'x', 'y', sql);
	if (third)
		add_join(run, pick(run, 2) ? 'x' : 'y', 'z', sql);
	buf_add_str(sql, " WHERE ");
	add_conditions(run, pick(run, 2) ? 'x' : 'y', sql);
	return false;
}

static bool aggregate(struct run *run, struct buf *sql)
{
	static const char *const sums[] = {
		"sum(", "min(", "max(", "count(", "count(DISTINCT ", "avg(", "total("
	};

	buf_add_str(sql, "SELECT count(*), ");
	for (unsigned i = 1 + pick(run, 3); i > 0; i--) {
		buf_add_str(sql, sums[pick(run, 7)]);
		add_column(run, 'x', sql);
		buf_add_str(sql, i > 1 ? "), " : ")");
	}
	buf_add_str(sql, " FROM ");
	add_table(run, 'x', sql);
	if (pick(run, 3) == 0)
		add_join(run, 'x', 'y', sql);
	if (pick(run, 2)) {
		buf_add_str(sql, " WHERE ");
		add_conditions(run, 'x', sql);
	}
	if (pick(run, 3)) {
		buf_add_str(sql, " GROUP BY ");
		add_column(run, 'x', sql);
		if (pick(run, 3) == 0)
			buf_printf(sql, " HAVING count(*) > %u", pick(run, 4));
	}
	return false;
}

static bool subquery(struct run *run, struct buf *sql)
{
	unsigned kind = pick(run, 3);

	buf_add_str(sql, "SELECT x.id, x.b");
	if (kind == 0) {
		/* Not max(y.a) WHERE y.a = x.a: equal values may differ in type, and
		 * then SQLite takes any. */
		buf_add_str(sql, ", (SELECT count(");
		add_column(run, 'y', sql);
		buf_add_str(sql, ") FROM ");
		add_table(run, 'y', sql);
		buf_add_str(sql, " WHERE ");
		add_column(run, 'y', sql);
		buf_add_str(sql, pick(run, 2) ? " = " : " <= ");
		add_column(run, 'x', sql);
		buf_add_char(sql, ')');
	}
	buf_add_str(sql, " FROM ");
	add_table(run, 'x', sql);
	buf_add_str(sql, " WHERE ");
	add_condition(run, 'x', sql);
	if (kind == 0)
		return false;
	buf_add_str(sql, pick(run, 2) ? " AND " : " OR ");
	buf_add_str(sql, pick(run, 4) ? "" : "NOT ");
	if (kind == 1)
		add_column(run, 'x', sql);
	buf_add_str(sql, kind == 1 ? " IN (SELECT " : "EXISTS (SELECT ");
	add_column(run, 'y', sql);
	buf_add_str(sql, " FROM ");
	add_table(run, 'y', sql);
	buf_add_str(sql, " WHERE ");
	add_condition(run, 'y', sql);
	if (kind == 2) {
		buf_add_str(sql, " AND ");
		add_column(run, 'y', sql);
		buf_add_str(sql, " = ");
		add_column(run, 'x', sql);
	}
	buf_add_char(sql, ')');
	return false;
}

static bool window(struct run *run, struct buf *sql)
{
	static const char *const windows[] = { "row_number()", "rank()",
					       "dense_rank()", "lag(x.b)",
					       "sum(x.c)",     "first_value(x.a)",
					       "count(x.a)",   "ntile(3)" };

	buf_printf(sql, "SELECT x.id, x.a, %s OVER (", windows[pick(run, 8)]);
	if (pick(run, 2)) {
		buf_add_str(sql, "PARTITION BY ");
		add_column(run, 'x', sql);
	}
	/* A whole order: the key is in it. */
	buf_printf(sql, " ORDER BY x.%s, x.id, x.a)", columns[pick(run, 4)]);
	buf_add_str(sql, " FROM ");
	add_table(run, 'x', sql);
	if (pick(run, 2)) {
		buf_add_str(sql, " WHERE ");
		add_conditions(run, 'x', sql);
	}
	return false;
}

static bool set_operation(struct run *run, struct buf *sql)
{
	static const char *const operations[] = { " INTERSECT ", " UNION ",
						  " UNION ALL ", " EXCEPT " };
	unsigned first = 0;

	for (unsigned i = 2 + pick(run, 2); i > 0; i--) {
		buf_add_str(sql, pick(run, 3) ? "SELECT " : "SELECT DISTINCT ");
		add_column(run, 'x', sql);
		buf_add_str(sql, ", ");
		add_column(run, 'x', sql);
		buf_add_str(sql, " FROM ");
		add_table(run, 'x', sql);
		buf_add_str(sql, " WHERE ");
		add_condition(run, 'x', sql);
		if (i == 1)
			break;
		/* INTERSECT comes before the others in PostgreSQL, not in SQLite. */
		first = first ? 1 + pick(run, 3) : pick(run, 4);
		buf_add_str(sql, operations[first]);
	}
	return false;
}

/* In a whole order, which the answer must have too; the key's order may be had for
 * nothing, other orders not. */
static bool order(struct run *run, struct buf *sql)
{
	static const char *const orders[] = {
		"x.id, x.a",           "x.id DESC, x.a", "x.b, x.id, x.a",
		"x.c DESC, x.id, x.a", "x.a, x.id",      "x.id, x.a DESC",
		"x.id DESC, x.a DESC", "x.a DESC, x.id"
	};

	buf_add_str(sql, pick(run, 4) ? "SELECT " : "SELECT DISTINCT ");
	buf_add_str(sql, "x.id, x.a, x.b, x.c FROM ");
	add_table(run, 'x', sql);
	if (pick(run, 3)) {
		buf_add_str(sql, " WHERE ");
		add_conditions(run, 'x', sql);
	}
	buf_printf(sql, " ORDER BY %s", orders[pick(run, 8)]);
	if (pick(run, 2))
		buf_printf(sql, " LIMIT %u", pick(run, 12));
	else
		buf_printf(sql, " LIMIT %d OFFSET %u", (int)pick(run, 9) - 1,
			   pick(run, 6));
	return true;
}

/* Of a whole table: what is counted without a walk. */
static bool count(struct run *run, struct buf *sql)
{
	unsigned kind = pick(run, 3);

	if (kind == 0) {
		buf_add_str(sql, "SELECT x.id, (SELECT count(*) FROM ");
		add_table(run, 'y', sql);
		buf_add_str(sql, ") FROM ");
		add_table(run, 'x', sql);
		buf_add_str(sql, " WHERE x.id < (SELECT count(*) AS n FROM ");
		add_table(run, 'z', sql);
		buf_add_char(sql, ')');
		return false;
	}
	buf_add_str(sql, "SELECT count(*) FROM ");
	add_table(run, 'x', sql);
	if (kind == 2)
		return false;
	buf_add_str(sql, " UNION ALL SELECT count(*) FROM ");
	add_table(run, 'y', sql);
	return false;
}

static bool with(struct run *run, struct buf *sql)
{
	buf_add_str(sql, "WITH x AS (SELECT id, a, b, c FROM ");
	add_table(run, 'y', sql);
	buf_add_str(sql, " WHERE ");
	add_conditions(run, 'y', sql);
	buf_add_str(sql, ") SELECT x.*, z.b FROM x");
	add_join(run, 'x', 'z', sql);
	return false;
}

static void look(struct run *run)
{
	static bool (*const kinds[])(struct run *, struct buf *) = {
		filter, filter, join, aggregate,     subquery, window,
		order,  order,  with, set_operation, count,
	};
	struct buf marked = BUF_INIT, ours = BUF_INIT, theirs = BUF_INIT;
	bool ordered = kinds[pick(run, 11)](run, &marked);

	expand(run, &marked, true, &ours);
	expand(run, &marked, false, &theirs);
	pair_assert_same(&run->pair, buf_cstr(&ours), buf_cstr(&theirs), ordered);
	run->queries++;
	buf_release(&marked);
	buf_release(&ours);
	buf_release(&theirs);
}

/* ---- The tests ------------------------------------------------------------------------ */

static void open_run(struct run *run, uint64_t seed)
{
	char ours[200], theirs[200];

	memset(run, 0, sizeof(*run));
	pair_open(&run->pair, seed);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(ours, sizeof(ours), "CREATE TABLE %s (%s)", tables[i].name,
			 tables[i].ours);
		snprintf(theirs, sizeof(theirs), "CREATE TABLE %s (%s)",
			 tables[i].name, tables[i].theirs);
		pair_run(&run->pair, ours, theirs);
	}
	/* A field is known from the first row that has it. */
	pair_run(&run->pair, "INSERT INTO d (id, a, b, c) VALUES ('0', 1, 'x', 2)",
		 "INSERT INTO d (id, a, b, c) VALUES ('0', 1, 'x', 2)");
}

static void keep_moment(struct run *run)
{
	char sql[300];

	run->seqs[run->moments] = drift_head(run->pair.home.db);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %s_%u (%s); INSERT INTO %s_%u SELECT * FROM "
			 "%s",
			 tables[i].name, run->moments, tables[i].theirs,
			 tables[i].name, run->moments, tables[i].name);
		pair_run(&run->pair, NULL, sql);
	}
	run->moments++;
}

static void compare(uint64_t seed, unsigned queries)
{
	struct run run;

	open_run(&run, seed);
	for (unsigned moment = 0; moment < MOMENTS; moment++) {
		for (unsigned i = 0; i < CHANGES * (moment == 0 ? 8 : 1); i++)
			change(&run);
		for (unsigned i = 0; i < queries / MOMENTS; i++)
			look(&run);
		keep_moment(&run);
	}
	while (run.queries < queries)
		look(&run);
	pair_close(&run.pair);
}

static void answers_are_those_of_sqlite(void **state)
{
	(void)state;
	compare(20250924, pair_rounds(QUERIES));
}

static void answers_are_those_of_sqlite_by_another_seed(void **state)
{
	const char *given = getenv("QUERIES");

	(void)state;
	compare(test_seed(), given ? (unsigned)atoi(given) : pair_rounds(QUERIES));
}

static void answers_stay_the_same_inside_a_transaction(void **state)
{
	unsigned rounds = pair_rounds(400);
	struct run run;

	(void)state;
	open_run(&run, test_seed() + 2);
	for (unsigned i = 0; i < 100; i++)
		change(&run);
	keep_moment(&run);
	pair_run(&run.pair, "BEGIN", NULL);
	for (unsigned i = 0; i < rounds; i++) {
		change(&run);
		look(&run);
	}
	pair_run(&run.pair, "COMMIT", NULL);
	for (unsigned i = 0; i < rounds; i++)
		look(&run);
	pair_close(&run.pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_sqlite),
		cmocka_unit_test(answers_are_those_of_sqlite_by_another_seed),
		cmocka_unit_test(answers_stay_the_same_inside_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
