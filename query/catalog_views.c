/* SPDX-License-Identifier: MIT */
/* catalog_views.c - what each of PostgreSQL's catalogs shows, by SQLite's SQL over
 * drift_objects and drift_columns (catalog.c). Columns and their meaning: PostgreSQL 15
 * manual, chapters 37 and 53. Catalogs of what is not there are empty. */
#include <strings.h>

#include "query/catalog.h"

#define PUBLIC "2200" /* the oid of schema public: pg_namespace.dat */
#define OWNER "10"    /* and of the first role: pg_authid.dat */

#define CLASS                                                                      \
	"SELECT oid, name AS relname, " PUBLIC " AS relnamespace, 0 AS reltype, "  \
	"0 AS reloftype, " OWNER " AS relowner, CASE kind WHEN 'r' THEN 2 "        \
	"WHEN 'i' THEN 403 ELSE 0 END AS relam, oid AS relfilenode, "              \
	"0 AS reltablespace, 0 AS relpages, -1 AS reltuples, 0 AS reltoastrelid, " \
	"has_index AS relhasindex, no AS relisshared, "                            \
	"'p' AS relpersistence, kind AS relkind, (SELECT count(*) FROM "           \
	"drift_columns c WHERE c.relation = o.oid) AS relnatts, (SELECT count(*) " \
	"FROM drift_objects c WHERE c.relation = o.oid AND c.kind = 'c') "         \
	"AS relchecks, no AS relhasrules, yes AS relhastriggers, "                 \
	"no AS relhassubclass, no AS relrowsecurity, no AS relforcerowsecurity, "  \
	"yes AS relispopulated, 'd' AS relreplident, no AS relispartition, "       \
	"NULL AS relacl, NULL AS reloptions, NULL AS relpartbound "                \
	"FROM drift_objects o WHERE kind IN ('r', 'v', 'S', 'i')"

#define ATTRIBUTE                                                                   \
	"SELECT relation AS attrelid, name AS attname, type AS atttypid, "          \
	"-1 AS attstattarget, -1 AS attlen, number AS attnum, 0 AS attndims, "      \
	"coalesce(length + 4, -1) AS atttypmod, not_null AS attnotnull, "           \
	"has_default AS atthasdef, no AS atthasmissing, identity AS attidentity, "  \
	"'' AS attgenerated, no AS attisdropped, 1 AS attislocal, "                 \
	"0 AS attinhcount, 0 AS attcollation, NULL AS attacl, NULL AS attoptions, " \
	"'' AS attcompression, 'x' AS attstorage FROM drift_columns"

#define INDEX                                                                   \
	"SELECT oid AS indexrelid, relation AS indrelid, "                      \
	"json_array_length(columns) AS indnatts, "                              \
	"json_array_length(columns) AS indnkeyatts, is_unique AS indisunique, " \
	"is_primary AS indisprimary, no AS indnullsnotdistinct, no AS "         \
	"indisexclusion, yes AS indimmediate, "                                 \
	"no AS indisclustered, yes AS indisvalid, yes AS indisready, "          \
	"yes AS indislive, no AS indisreplident, "                              \
	"replace(trim(columns, '[]'), ',', ' ') AS indkey, "                    \
	"NULL AS indexprs, NULL AS indpred, NULL AS indoption "                 \
	"FROM drift_objects WHERE kind = 'i'"

#define CONSTRAINT                                                                 \
	"SELECT o.oid, o.name AS conname, " PUBLIC " AS connamespace, "            \
	"o.kind AS contype, o.no AS condeferrable, o.no AS condeferred, "          \
	"o.yes AS convalidated, o.relation AS conrelid, 0 AS contypid, "           \
	"CASE o.kind WHEN 'f' THEN o.target_index ELSE coalesce(o.target, 0) END " \
	"AS conindid, "                                                            \
	"0 AS conparentid, CASE o.kind WHEN 'f' THEN o.target ELSE 0 END "         \
	"AS confrelid, coalesce(substr(o.action, 2, 1), ' ') AS confupdtype, "     \
	"coalesce(substr(o.action, 1, 1), ' ') AS confdeltype, "                   \
	"'s' AS confmatchtype, o.columns AS conkey, (SELECT k.columns FROM "       \
	"drift_objects k WHERE o.kind = 'f' AND k.oid = o.target_index) "          \
	"AS confkey FROM drift_objects o "                                         \
	"WHERE o.kind IN ('p', 'u', 'c', 'f')"

#define TYPE                                                                       \
	"WITH t(oid, typname, category, size) AS (VALUES (16, 'bool', 'B', 1), "   \
	"(17, 'bytea', 'U', -1), (19, 'name', 'S', 64), (26, 'oid', 'N', 4), "     \
	"(700, 'float4', 'N', 4), (1082, 'date', 'D', 4), "                        \
	"(1114, 'timestamp', 'D', 8), (2950, 'uuid', 'U', 16), (20, 'int8', 'N', " \
	"8), (21, 'int2', 'N', 2), "                                               \
	"(23, 'int4', 'N', 4), (25, 'text', 'S', -1), (114, 'json', 'U', -1), "    \
	"(701, 'float8', 'N', 8), (1043, 'varchar', 'S', -1), "                    \
	"(1184, 'timestamptz', 'D', 8), (1700, 'numeric', 'N', -1), "              \
	"(3802, 'jsonb', 'U', -1)) SELECT oid, typname, 11 AS typnamespace, "      \
	"" OWNER " AS typowner, size AS typlen, 'b' AS typtype, "                  \
	"category AS typcategory, 0 AS typrelid, 0 AS typelem, 0 AS typarray, "    \
	"0 AS typbasetype, 0 AS typcollation, -1 AS typtypmod, ',' AS typdelim, "  \
	"0 AS typnotnull, NULL AS typdefault FROM t"

#define SCHEMA "current_database() AS table_catalog, 'public' AS table_schema"

#define COLUMNS                                                                  \
	"SELECT " SCHEMA ", o.name AS table_name, c.name AS column_name, "       \
	"c.number AS ordinal_position, c.default_sql AS column_default, "        \
	"CASE WHEN c.not_null THEN 'NO' ELSE 'YES' END AS is_nullable, "         \
	"format_type(c.type, NULL) AS data_type, "                               \
	"c.length AS character_maximum_length, CASE c.type WHEN 20 THEN 64 "     \
	"WHEN 23 THEN 32 WHEN 21 THEN 16 WHEN 701 THEN 53 END AS "               \
	"numeric_precision, "                                                    \
	"CASE WHEN c.type IN (20, 21, 23) THEN 0 END AS numeric_scale, "         \
	"CASE c.type WHEN 1184 THEN 9 END AS datetime_precision, "               \
	"CASE c.identity WHEN '' THEN 'NO' ELSE 'YES' END AS is_identity, "      \
	"CASE c.identity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END " \
	"AS identity_generation, 'NEVER' AS is_generated, "                      \
	"NULL AS generation_expression, 'YES' AS is_updatable, "                 \
	"(SELECT typname FROM (" TYPE ") t WHERE t.oid = c.type) AS udt_name "   \
	"FROM drift_columns c JOIN drift_objects o ON o.oid = c.relation "       \
	"WHERE o.kind IN ('r', 'v')"

#define KEYS                                                                     \
	"SELECT current_database() AS constraint_catalog, "                      \
	"'public' AS constraint_schema, o.name AS constraint_name, " SCHEMA ", " \
	"t.name AS table_name, c.name AS column_name, k.key + 1 AS "             \
	"ordinal_position, CASE o.kind WHEN 'f' THEN k.key + 1 END AS "          \
	"position_in_unique_constraint FROM drift_objects o "                    \
	"JOIN json_each(o.columns) k JOIN drift_columns c "                      \
	"ON c.relation = o.relation AND c.number = k.value "                     \
	"JOIN drift_objects t ON t.oid = o.relation "                            \
	"WHERE o.kind IN ('p', 'u', 'f')"

#define EMPTY(columns) "SELECT " columns " WHERE 0"

static const struct catalog_view views[] = {
	{ "pg_catalog", "pg_class", CLASS },
	{ "pg_catalog", "pg_attribute", ATTRIBUTE },
	{ "pg_catalog", "pg_index", INDEX },
	{ "pg_catalog", "pg_constraint", CONSTRAINT },
	{ "pg_catalog", "pg_type", TYPE },
	{ "pg_catalog", "pg_attrdef",
	  "SELECT relation + number AS oid, relation AS adrelid, number AS adnum, "
	  "default_sql AS adbin FROM drift_columns WHERE has_default" },
	{ "pg_catalog", "pg_namespace",
	  "SELECT 11 AS oid, 'pg_catalog' AS nspname, " OWNER
	  " AS nspowner, NULL AS nspacl UNION ALL SELECT " PUBLIC
	  ", 'public', " OWNER ", NULL" },
	{ "pg_catalog", "pg_database",
	  "SELECT 1 AS oid, current_database() AS datname, " OWNER
	  " AS datdba, 6 AS encoding, 'C' AS datcollate, 'C' AS datctype, "
	  "NULL AS daticulocale, 'c' AS datlocprovider, 0 AS datistemplate, "
	  "1 AS datallowconn, -1 AS datconnlimit, 1663 AS dattablespace, "
	  "NULL AS datacl" },
	{ "pg_catalog", "pg_roles",
	  "SELECT " OWNER " AS oid, current_user() AS rolname, "
	  "drift_true() AS rolsuper, drift_true() AS rolinherit, "
	  "drift_true() AS rolcreaterole, drift_true() AS rolcreatedb, "
	  "drift_true() AS rolcanlogin, drift_false() AS rolreplication, "
	  "drift_false() AS rolbypassrls, -1 AS rolconnlimit, "
	  "NULL AS rolvaliduntil, NULL AS rolconfig" },
	{ "pg_catalog", "pg_auth_members",
	  EMPTY("0 AS roleid, 0 AS member, 0 AS grantor, 0 AS admin_option") },
	{ "pg_catalog", "pg_settings",
	  "SELECT value AS name, current_setting(value) AS setting, NULL AS unit, "
	  "'' AS category, '' AS short_desc, NULL AS extra_desc, 'user' AS context, "
	  "'string' AS vartype, 'session' AS source, NULL AS min_val, "
	  "NULL AS max_val, NULL AS enumvals, NULL AS boot_val, "
	  "current_setting(value) AS reset_val, NULL AS sourcefile, "
	  "NULL AS sourceline, 0 AS pending_restart "
	  "FROM json_each(drift_setting_names())" },
	{ "pg_catalog", "pg_sequence",
	  "SELECT oid AS seqrelid, 20 AS seqtypid, json_extract(s, '$[0]') AS "
	  "seqstart, json_extract(s, '$[1]') AS seqincrement, "
	  "json_extract(s, '$[3]') AS seqmax, json_extract(s, '$[2]') AS seqmin, "
	  "1 AS seqcache, json_extract(s, '$[4]') = 1 AS seqcycle FROM "
	  "(SELECT oid, drift_sequence(oid) AS s FROM drift_objects "
	  "WHERE kind = 'S')" },
	{ "pg_catalog", "pg_range",
	  EMPTY("0 AS rngtypid, 0 AS rngsubtype, 0 AS rngmultitypid, "
		"0 AS rngcollation, 0 AS rngsubopc, 0 AS rngcanonical, "
		"0 AS rngsubdiff") },
	{ "pg_catalog", "pg_event_trigger",
	  EMPTY("0 AS oid, '' AS evtname, '' AS evtevent, 0 AS evtowner, "
		"0 AS evtfoid, '' AS evtenabled, NULL AS evttags") },
	{ "pg_catalog", "pg_am",
	  "SELECT 2 AS oid, 'heap' AS amname, 't' AS amtype UNION ALL "
	  "SELECT 403, 'btree', 'i'" },
	{ "pg_catalog", "pg_tables",
	  "SELECT 'public' AS schemaname, name AS tablename, current_user() AS "
	  "tableowner, NULL AS tablespace, yes AS hasindexes, no AS hasrules, "
	  "no AS hastriggers, no AS rowsecurity FROM drift_objects "
	  "WHERE kind = 'r'" },
	{ "pg_catalog", "pg_views",
	  "SELECT 'public' AS schemaname, name AS viewname, current_user() AS "
	  "viewowner, definition FROM drift_objects WHERE kind = 'v'" },
	{ "pg_catalog", "pg_sequences",
	  "SELECT 'public' AS schemaname, name AS sequencename, current_user() AS "
	  "sequenceowner FROM drift_objects WHERE kind = 'S'" },
	{ "pg_catalog", "pg_indexes",
	  "SELECT 'public' AS schemaname, t.name AS tablename, i.name AS indexname, "
	  "NULL AS tablespace, i.definition AS indexdef FROM drift_objects i "
	  "JOIN drift_objects t ON t.oid = i.relation WHERE i.kind = 'i'" },
	{ "pg_catalog", "pg_description",
	  EMPTY("0 AS objoid, 0 AS classoid, 0 AS objsubid, '' AS description") },
	{ "pg_catalog", "pg_collation", EMPTY("0 AS oid, '' AS collname") },
	{ "pg_catalog", "pg_inherits",
	  EMPTY("0 AS inhrelid, 0 AS inhparent, 0 AS inhseqno, "
		"0 AS inhdetachpending") },
	{ "pg_catalog", "pg_policy",
	  EMPTY("0 AS oid, '' AS polname, 0 AS polrelid, '' AS polcmd, "
		"0 AS polpermissive, '[]' AS polroles, '' AS polqual, "
		"'' AS polwithcheck") },
	{ "pg_catalog", "pg_statistic_ext",
	  EMPTY("0 AS oid, 0 AS stxrelid, '' AS stxname, 0 AS stxnamespace, "
		"'[]' AS stxkind, 0 AS stxstattarget") },
	{ "pg_catalog", "pg_publication",
	  EMPTY("0 AS oid, '' AS pubname, 0 AS puballtables") },
	{ "pg_catalog", "pg_publication_rel",
	  EMPTY("0 AS oid, 0 AS prpubid, 0 AS prrelid, '' AS prqual, "
		"'' AS prattrs") },
	{ "pg_catalog", "pg_publication_namespace",
	  EMPTY("0 AS oid, 0 AS pnpubid, 0 AS pnnspid") },
	{ "pg_catalog", "pg_trigger",
	  EMPTY("0 AS oid, 0 AS tgrelid, '' AS tgname, '' AS tgenabled, "
		"0 AS tgisinternal, 0 AS tgparentid, 0 AS tgconstraint") },
	{ "pg_catalog", "pg_rewrite",
	  EMPTY("0 AS oid, '' AS rulename, 0 AS ev_class, '' AS ev_enabled") },
	{ "pg_catalog", "pg_enum",
	  EMPTY("0 AS oid, 0 AS enumtypid, 0 AS enumsortorder, '' AS enumlabel") },
	{ "pg_catalog", "pg_tablespace",
	  EMPTY("0 AS oid, '' AS spcname, 0 AS spcowner") },
	{ "pg_catalog", "pg_depend",
	  EMPTY("0 AS classid, 0 AS objid, 0 AS objsubid, 0 AS refclassid, "
		"0 AS refobjid, 0 AS refobjsubid, '' AS deptype") },
	{ "pg_catalog", "pg_foreign_table", EMPTY("0 AS ftrelid, 0 AS ftserver") },
	{ "pg_catalog", "pg_proc",
	  EMPTY("0 AS oid, '' AS proname, 0 AS pronamespace, '' AS prokind, "
		"0 AS prorettype, '' AS proargtypes") },
	{ "pg_catalog", "pg_extension",
	  EMPTY("0 AS oid, '' AS extname, 0 AS extnamespace, '' AS extversion") },
	{ "information_schema", "tables",
	  "SELECT " SCHEMA ", name AS table_name, CASE kind WHEN 'v' THEN 'VIEW' "
	  "ELSE 'BASE TABLE' END AS table_type, CASE kind WHEN 'v' THEN 'NO' "
	  "ELSE 'YES' END AS is_insertable_into, 'NO' AS is_typed "
	  "FROM drift_objects WHERE kind IN ('r', 'v')" },
	{ "information_schema", "columns", COLUMNS },
	{ "information_schema", "schemata",
	  "SELECT current_database() AS catalog_name, 'public' AS schema_name, "
	  "current_user() AS schema_owner" },
	{ "information_schema", "views",
	  "SELECT " SCHEMA ", name AS table_name, definition AS view_definition, "
	  "'NONE' AS check_option, 'NO' AS is_updatable FROM drift_objects "
	  "WHERE kind = 'v'" },
	{ "information_schema", "sequences",
	  "SELECT current_database() AS sequence_catalog, "
	  "'public' AS sequence_schema, name AS sequence_name, "
	  "'bigint' AS data_type FROM drift_objects WHERE kind = 'S'" },
	{ "information_schema", "table_constraints",
	  "SELECT current_database() AS constraint_catalog, "
	  "'public' AS constraint_schema, o.name AS constraint_name, " SCHEMA ", "
	  "t.name AS table_name, CASE o.kind WHEN 'p' THEN 'PRIMARY KEY' "
	  "WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' ELSE 'FOREIGN KEY' END "
	  "AS constraint_type, 'NO' AS is_deferrable, 'NO' AS initially_deferred "
	  "FROM drift_objects o JOIN drift_objects t ON t.oid = o.relation "
	  "WHERE o.kind IN ('p', 'u', 'c', 'f')" },
	{ "information_schema", "key_column_usage", KEYS },
	{ "information_schema", "referential_constraints",
	  "SELECT current_database() AS constraint_catalog, "
	  "'public' AS constraint_schema, o.name AS constraint_name, "
	  "current_database() AS unique_constraint_catalog, "
	  "'public' AS unique_constraint_schema, k.name AS unique_constraint_name, "
	  "'NONE' AS match_option, CASE substr(o.action, 2, 1) WHEN 'c' THEN "
	  "'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END AS update_rule, "
	  "CASE substr(o.action, 1, 1) WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN "
	  "'SET NULL' ELSE 'NO ACTION' END AS delete_rule FROM drift_objects o JOIN "
	  "drift_objects k "
	  "ON k.relation = o.target AND k.target = o.target_index WHERE o.kind = "
	  "'f'" },
};

static bool is_named(struct slice name, const char *word)
{
	return name.size == strlen(word) &&
	       strncasecmp(name.data, word, name.size) == 0;
}

const struct catalog_view *catalog_find(struct slice schema, struct slice name)
{
	for (unsigned i = 0; i < sizeof(views) / sizeof(*views); i++)
		if (is_named(name, views[i].name) &&
		    (schema.data ? is_named(schema, views[i].schema)
				 : is_named(SLICE("pg_catalog"), views[i].schema)))
			return &views[i];
	return NULL;
}
