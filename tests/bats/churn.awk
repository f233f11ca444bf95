# SPDX-License-Identifier: MIT
# churn.awk - random statements for churn.bats, one a line.
#
#	awk -v seed=N -v count=N -v what=rows|tables -f churn.awk
#
# rows: writes of every kind, among them transactions whose deletions go on to other
# tables. tables: definitions that come, change and go, and the housekeeping. Many are
# refused, and should be.

function below(n) { return int(rand() * n) }

function rows()
{
	key = below(40)
	kind = below(12)
	if (kind < 3)
		return "INSERT OR REPLACE INTO people (id, email, n) VALUES (" key ", 'e" below(60) "', " number ")"
	if (kind < 5)
		return "UPDATE people SET n = n + 1 WHERE n % " below(6) + 1 " = 0"
	if (kind < 6)
		return "DELETE FROM people WHERE id = " key
	if (kind < 8)
		return "BEGIN;\n" \
			"INSERT INTO orders (id) VALUES (" key ") ON CONFLICT DO NOTHING;\n" \
			"INSERT INTO items (id, parent) VALUES (" below(60) ", " key ")" \
			" ON CONFLICT (id) DO UPDATE SET parent = excluded.parent;\n" \
			"SAVEPOINT s;\nDELETE FROM items WHERE id < " below(20) ";\n" \
			(below(2) ? "ROLLBACK TO s;\n" : "") \
			(below(3) ? "COMMIT" : "ROLLBACK")
	if (kind < 9)
		return "DELETE FROM orders WHERE id = " key
	if (kind < 10)
		return "INSERT OR REPLACE INTO papers {\"id\": " key ", \"a\": {\"b\": [1, " below(9) "]}, \"c" below(6) "\": " number "}"
	if (kind < 11)
		return "UPDATE papers SET c" below(6) " = " number " WHERE id > " key
	return "INSERT INTO former SELECT * FROM people AS OF @SEQ:" below(2000) + 1 " ON CONFLICT DO NOTHING"
}

function tables()
{
	kind = below(15)
	if (kind == 0) return "VACUUM"
	if (kind == 1) return "CHECKPOINT"
	if (kind == 2) return "CREATE INDEX IF NOT EXISTS people_n" below(3) " ON people (n)"
	if (kind == 3) return "DROP INDEX IF EXISTS people_n" below(3)
	if (kind == 4) return "ALTER TABLE people ADD COLUMN z" below(4) " TEXT"
	if (kind == 5) return "ALTER TABLE people DROP COLUMN z" below(4)
	if (kind == 6) return "ALTER TABLE people RENAME COLUMN z" below(4) " TO z" below(4)
	if (kind == 7) return "ANALYZE"
	if (kind == 8)
		return "CREATE TABLE IF NOT EXISTS short" below(3) " (id INTEGER PRIMARY KEY, email TEXT UNIQUE)"
	if (kind == 9)
		return "INSERT INTO short" below(3) " SELECT id, email FROM people ON CONFLICT DO NOTHING"
	if (kind == 10) return "DROP TABLE IF EXISTS short" below(3)
	if (kind == 11) return "TRUNCATE former"
	if (kind == 12) return "CREATE INDEX IF NOT EXISTS papers_c ON papers (c" below(6) ")"
	if (kind == 13) return "DROP INDEX IF EXISTS papers_c"
	return "TAG t" number "_" seed
}

BEGIN {
	srand(seed)
	for (number = 1; number <= count; number++)
		print (what == "rows" ? rows() : tables()) ";"
}
