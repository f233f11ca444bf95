#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# PostgreSQL's catalogs: information_schema and pg_catalog show the definitions, now and
# at any moment.
load lib
load sql

setup()
{
	begin_test
	driftdb init db
	sql "CREATE TABLE p (a INT, b VARCHAR(9), n NUMERIC DEFAULT 1.5, big BIGINT NOT NULL, ok BOOLEAN DEFAULT TRUE, at TIMESTAMP, PRIMARY KEY (a, b));
		CREATE TABLE c (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x INT, y TEXT, FOREIGN KEY (x, y) REFERENCES p ON DELETE SET NULL, CHECK (x > 0), UNIQUE (y));
		CREATE TABLE d (pk=id, INDEX(kind)); INSERT INTO d {\"id\": \"1\", \"kind\": \"k\", \"n\": 1, \"list\": []};
		CREATE VIEW v AS SELECT a FROM p"
}

@test "information_schema tells of tables, columns and constraints" {
	same "$(sql "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")" \
'{"table_name":"c","table_type":"BASE TABLE"}
{"table_name":"d","table_type":"BASE TABLE"}
{"table_name":"p","table_type":"BASE TABLE"}
{"table_name":"v","table_type":"VIEW"}'
	same "$(driftdb sql -d db -q --format csv -e "SELECT column_name, ordinal_position AS i, data_type, is_nullable AS nulls, column_default AS d, character_maximum_length AS m FROM information_schema.columns WHERE table_name = 'p' ORDER BY 2")" \
'column_name,i,data_type,nulls,d,m
a,1,integer,NO,,
b,2,character varying,NO,,9
n,3,numeric,YES,1.5,
big,4,bigint,NO,,
ok,5,boolean,YES,true,
at,6,timestamp with time zone,YES,,'
	same "$(sql "SELECT column_name AS c, data_type AS t FROM information_schema.columns WHERE table_name = 'd' ORDER BY ordinal_position")" \
'{"c":"id","t":"text"}
{"c":"kind","t":"text"}
{"c":"n","t":"bigint"}
{"c":"list","t":"json"}'
	same "$(driftdb sql -d db -q --format csv -e "SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name = 'c' ORDER BY 1")" \
'constraint_name,constraint_type
c_check,CHECK
c_pkey,PRIMARY KEY
c_x_y_fkey,FOREIGN KEY
y,UNIQUE'
	same "$(driftdb sql -d db -q --format csv -e "SELECT k.constraint_name AS n, k.column_name AS c, k.ordinal_position AS i, r.unique_constraint_name AS u, r.delete_rule AS del FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r USING (constraint_name) ORDER BY i")" \
'n,c,i,u,del
c_x_y_fkey,x,1,p_pkey,SET NULL
c_x_y_fkey,y,2,p_pkey,SET NULL'
	same "$(sql "SELECT table_name, view_definition FROM information_schema.views; SELECT sequence_name FROM information_schema.sequences; SELECT schema_name FROM information_schema.schemata")" \
'{"table_name":"v","view_definition":"SELECT a FROM p"}
{"sequence_name":"c_id_seq"}
{"schema_name":"public"}'
}

@test "pg_catalog has what clients look for, with numbers that fit together" {
	same "$(sql "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS def
		FROM pg_catalog.pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
		WHERE a.attrelid = 'p'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 3")" \
'{"attname":"a","type":"integer","attnotnull":true,"def":null}
{"attname":"b","type":"character varying(9)","attnotnull":true,"def":null}
{"attname":"n","type":"numeric","attnotnull":false,"def":"1.5"}'
	same "$(sql "SELECT c.relname, i.indisprimary AS p, i.indisunique AS u, i.indkey, pg_get_indexdef(i.indexrelid) AS def FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'c'::regclass ORDER BY 1")" \
'{"relname":"c_pkey","p":true,"u":true,"indkey":"1","def":"CREATE UNIQUE INDEX c_pkey ON public.c USING btree (id)"}
{"relname":"x_y","p":false,"u":false,"indkey":"2 3","def":"CREATE INDEX x_y ON public.c USING btree (x, y)"}
{"relname":"y","p":false,"u":true,"indkey":"3","def":"CREATE UNIQUE INDEX y ON public.c USING btree (y)"}'
	same "$(sql "SELECT conname, contype, confrelid::regclass AS r, conkey, confkey, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype IN ('f', 'c') ORDER BY 2 DESC")" \
'{"conname":"c_x_y_fkey","contype":"f","r":"p","conkey":[2,3],"confkey":[1,2],"def":"FOREIGN KEY (x, y) REFERENCES p(a, b) ON DELETE SET NULL"}
{"conname":"c_check","contype":"c","r":"0","conkey":[],"confkey":null,"def":"CHECK (x > 0)"}'
	same "$(sql "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'S') AND n.nspname = ANY(current_schemas(FALSE)) ORDER BY 2")" \
'{"nspname":"public","relname":"c_id_seq","relkind":"S"}
{"nspname":"public","relname":"v","relkind":"v"}'
	same "$(sql "SELECT tablename FROM pg_tables ORDER BY 1 DESC LIMIT 1; SELECT viewname FROM pg_views; SELECT count(*) AS n FROM pg_indexes WHERE tablename = 'c'; SELECT datname FROM pg_database")" \
$'{"tablename":"p"}\n{"viewname":"v"}\n{"n":3}\n{"datname":"db"}'
	same "$(sql "SELECT to_regclass('nope') IS NULL AS a, to_regclass('v') = 'v'::regclass AS b, nextval('c_id_seq'::regclass) AS c, current_setting('timezone') AS d")" \
		'{"a":true,"b":true,"c":1,"d":"UTC"}'
	refuses 42P01 'relation "nope" does not exist' "SELECT 'nope'::regclass"
	refuses 0A000 'pg_catalog.pg_operator is not supported' 'SELECT * FROM pg_catalog.pg_operator'
	refuses 0A000 'information_schema.triggers is not supported' 'SELECT * FROM information_schema.triggers'
	refuses 42P01 'relation "drift_objects" does not exist' 'SELECT * FROM drift_objects'
	refuses 42601 'syntax error|cannot' "DELETE FROM pg_class"
}

@test "the catalogs show the moment that is asked for" {
	sql "ALTER TABLE p ADD COLUMN late INT; DROP VIEW v; CREATE TABLE newer (id INT PRIMARY KEY); INSERT INTO newer VALUES (1)"
	same "$(sql "SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'p'")" '{"n":7}'
	same "$(sql "SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'p' AS OF @SEQ:1")" '{"n":6}'
	same "$(sql "SELECT string_agg(relname, ',' ORDER BY relname) AS t FROM pg_class WHERE relkind IN ('r', 'v')")" '{"t":"c,d,newer,p"}'
	same "$(sql "SELECT string_agg(relname, ',' ORDER BY relname) AS t FROM pg_class WHERE relkind IN ('r', 'v') AS OF 2")" '{"t":"c,d,p"}'
	same "$(sql "CREATE VIEW names AS SELECT relname FROM pg_class WHERE relkind = 'r'; SELECT count(*) AS n FROM names")" '{"n":4}'
	# A table of one's own goes before.
	same "$(sql "CREATE TABLE pg_class (id INT PRIMARY KEY); SELECT count(*) AS n FROM pg_class")" '{"n":0}'
}

@test "catalogs are asked as SQLAlchemy asks them" {
	same "$(sql "SELECT i.relname, a.attname, ix.indkey::varchar FROM pg_class t JOIN pg_index ix ON t.oid = ix.indrelid JOIN pg_class i ON i.oid = ix.indexrelid
		LEFT OUTER JOIN pg_attribute a ON t.oid = a.attrelid AND a.attnum = ANY(ix.indkey)
		WHERE t.oid = 'c'::regclass AND ix.indisprimary = 'f' ORDER BY i.relname, a.attnum")" \
		'{"relname":"x_y","attname":"x","indkey":"2 3"}
{"relname":"x_y","attname":"y","indkey":"2 3"}
{"relname":"y","attname":"y","indkey":"3"}'
	same "$(sql "SELECT conkey FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'u'")" '{"conkey":[3]}'
}
