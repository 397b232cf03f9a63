/** A database's schema as statements that make it again, in an empty database of another server. */
import { query } from "./connection.ts";
import type { Client } from "./connection.ts";
import { planDomain, planEnum, planComposite, planIndex, planSequence, planTable, planView } from "./ddl.ts";
import type { ColumnRow, DomainRow, SequenceRow, TableRow, ViewRow } from "./ddl.ts";
import { fromExtension, USER_SCHEMAS } from "./tables.ts";

/** One statement and the object it makes, for error texts. */
export interface Statement {
  object: string;
  sql: string;
  /** Failing is noted, not fatal. */
  optional?: boolean;
}

export interface DatabaseSchema {
  /** What rows need to be loaded. Statements may depend on later ones: see `applyInAnyOrder`. */
  before: Statement[];
  /** What is faster or only possible once the rows are there: keys, constraints, indexes, views, triggers. */
  after: Statement[];
  sequences: { label: string; sql: string }[];
  /** What is not carried over, for the report. */
  notes: string[];
}

/** Reads the schema; call it inside the transaction that the rows are read in. */
export async function readSchema(client: Client): Promise<DatabaseSchema> {
  const sequences = await readSequences(client);
  const before = [
    ...(await readText(client, SCHEMAS)),
    ...(await readText(client, EXTENSIONS)).map((statement) => ({ ...statement, optional: true })),
    ...(await readTypes(client)),
    ...sequences.filter((sequence) => !sequence.identity).map(planSequence),
    ...(await readText(client, FUNCTIONS)),
    ...(await readTableStatements(client)),
    ...(await readText(client, SEQUENCE_OWNERS)),
  ];
  const after = [
    ...(await readText(client, constraints("'p', 'u'"))),
    ...(await readText(client, constraints("'c', 'x'"))),
    ...(await readText(client, INDEXES)).map(planIndex),
    ...(await query<ViewRow>(client, VIEWS)).map(planView),
    ...(await readText(client, VIEW_INDEXES)),
    ...(await readText(client, constraints("'f'"))),
    ...(await readText(client, TRIGGERS)),
    ...(await readText(client, STATISTICS)),
    ...(await readText(client, COMMENTS)),
  ];
  const notes = (await query<{ note: string }>(client, NOT_CARRIED)).map(({ note }) => note);
  return { before, after, sequences: sequences.map(({ label, sql }) => ({ label, sql })), notes };
}

async function readText(client: Client, text: string): Promise<Statement[]> {
  return await query<{ object: string; sql: string }>(client, text);
}

async function readTypes(client: Client): Promise<Statement[]> {
  const enums = await query<{ name: string; labels: string[] }>(client, ENUMS);
  const domains = await query<DomainRow>(client, DOMAINS);
  const composites = await query<{ name: string; columns: ColumnRow[] | null }>(client, COMPOSITES);
  return [...enums.map(planEnum), ...domains.map(planDomain), ...composites.map(planComposite)];
}

async function readTableStatements(client: Client): Promise<Statement[]> {
  return (await query<TableRow>(client, TABLES)).flatMap(planTable);
}

async function readSequences(client: Client): Promise<(SequenceRow & { label: string; sql: string })[]> {
  const rows = await query<SequenceRow>(client, SEQUENCES);
  return rows.map((row) => ({ ...row, label: row.name, sql: row.name }));
}

const QUALIFIED = "format('%I.%I', n.nspname, c.relname)";
const USER_CLASS = `pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace`;
const USER_TYPE = `pg_catalog.pg_type t JOIN (${USER_SCHEMAS}) n ON n.oid = t.typnamespace`;
const OWN_CLASS = `NOT ${fromExtension("pg_class", "c.oid")}`;

const SCHEMAS = `
  SELECT 'schema ' || nspname AS object, format('CREATE SCHEMA IF NOT EXISTS %I', nspname) AS sql
  FROM (${USER_SCHEMAS}) n ORDER BY nspname`;

const EXTENSIONS = `
  SELECT 'extension ' || e.extname AS object,
    format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', e.extname, n.nspname) AS sql
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname <> 'plpgsql' ORDER BY e.oid`;

const ENUMS = `
  SELECT format('%I.%I', n.nspname, t.typname) AS name,
    (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) AS labels
  FROM ${USER_TYPE} WHERE t.typtype = 'e' AND NOT ${fromExtension("pg_type", "t.oid")} ORDER BY t.oid`;

const DOMAINS = `
  SELECT format('%I.%I', n.nspname, t.typname) AS name, format_type(t.typbasetype, t.typtypmod) AS base,
    t.typnotnull AS "notNull", pg_get_expr(t.typdefaultbin, 0) AS "default",
    ARRAY(SELECT format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
      FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS constraints
  FROM ${USER_TYPE} WHERE t.typtype = 'd' AND NOT ${fromExtension("pg_type", "t.oid")} ORDER BY t.oid`;

const columnsOf = (relation: string): string => `
  (SELECT json_agg(json_build_object(
      'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
      'identity', a.attidentity, 'generated', a.attgenerated, 'default', pg_get_expr(d.adbin, d.adrelid),
      'collation', CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
        THEN (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_catalog.pg_collation co
          JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END,
      'sequence', CASE WHEN a.attidentity <> '' THEN (
        SELECT json_build_object('name', format('%I.%I', sn.nspname, sc.relname), 'type', format_type(s.seqtypid, NULL),
          'start', s.seqstart::text, 'increment', s.seqincrement::text, 'min', s.seqmin::text, 'max', s.seqmax::text,
          'cache', s.seqcache::text, 'cycle', s.seqcycle, 'identity', true)
        FROM pg_catalog.pg_depend dep JOIN pg_catalog.pg_sequence s ON s.seqrelid = dep.objid
        JOIN pg_catalog.pg_class sc ON sc.oid = s.seqrelid JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace
        WHERE dep.classid = 'pg_catalog.pg_class'::regclass AND dep.refobjid = a.attrelid
          AND dep.refobjsubid = a.attnum AND dep.deptype = 'i') END)
    ORDER BY a.attnum)
   FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
   LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = ${relation} AND a.attnum > 0 AND NOT a.attisdropped)`;

const COMPOSITES = `
  SELECT ${QUALIFIED} AS name, ${columnsOf("c.oid")} AS columns
  FROM ${USER_CLASS} WHERE c.relkind = 'c' AND ${OWN_CLASS} ORDER BY c.oid`;

const SEQUENCES = `
  SELECT ${QUALIFIED} AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start,
    s.seqincrement::text AS increment, s.seqmin::text AS min, s.seqmax::text AS max, s.seqcache::text AS cache,
    s.seqcycle AS cycle,
    EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
      AND d.objid = c.oid AND d.deptype = 'i') AS identity
  FROM ${USER_CLASS} JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
  WHERE c.relpersistence <> 't' AND ${OWN_CLASS} ORDER BY c.oid`;

const SEQUENCE_OWNERS = `
  SELECT 'owner of sequence ' || ${QUALIFIED} AS object,
    format('ALTER SEQUENCE %s OWNED BY %I.%I.%I', ${QUALIFIED}, tn.nspname, tc.relname, a.attname) AS sql
  FROM ${USER_CLASS}
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
  JOIN pg_catalog.pg_class tc ON tc.oid = d.refobjid JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE c.relkind = 'S' AND ${OWN_CLASS} ORDER BY c.oid`;

// Bodies are not checked when they are stored (see applyInAnyOrder), so functions may come before the tables they use.
const FUNCTIONS = `
  SELECT 'function ' || p.oid::regprocedure::text AS object, pg_get_functiondef(p.oid) AS sql
  FROM pg_catalog.pg_proc p JOIN (${USER_SCHEMAS}) n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE p.prokind IN ('f', 'p', 'w') AND l.lanname NOT IN ('c', 'internal') AND NOT ${fromExtension("pg_proc", "p.oid")}
  ORDER BY p.oid`;

const TABLES = `
  SELECT ${QUALIFIED} AS name, c.relpersistence = 'u' AS unlogged, ${columnsOf("c.oid")} AS columns,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS "partitionBy",
    (SELECT i.inhparent::regclass::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
    pg_get_expr(c.relpartbound, c.oid) AS bound, c.reloptions AS options
  FROM ${USER_CLASS} WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${OWN_CLASS} ORDER BY c.oid`;

const constraints = (kinds: string): string => `
  SELECT format('constraint %s of %s', k.conname, k.conrelid::regclass) AS object,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', ${QUALIFIED}, k.conname, pg_get_constraintdef(k.oid)) AS sql
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
  WHERE k.contype IN (${kinds}) AND k.conparentid = 0 AND k.conislocal AND c.relkind IN ('r', 'p') AND ${OWN_CLASS}
  ORDER BY k.contype DESC, k.oid`;

const indexesOn = (kinds: string): string => `
  SELECT 'index ' || i.indexrelid::regclass::text AS object, pg_get_indexdef(i.indexrelid) AS sql
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  WHERE c.relkind IN (${kinds}) AND i.indisvalid AND NOT x.relispartition AND ${OWN_CLASS}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
      WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))
  ORDER BY i.indexrelid`;
const INDEXES = indexesOn("'r', 'p'");
const VIEW_INDEXES = indexesOn("'m'");

const VIEWS = `
  SELECT ${QUALIFIED} AS name, c.relkind = 'm' AS materialized, pg_get_viewdef(c.oid) AS definition,
    c.reloptions AS options
  FROM ${USER_CLASS} WHERE c.relkind IN ('v', 'm') AND ${OWN_CLASS} ORDER BY c.oid`;

const TRIGGERS = `
  SELECT format('trigger %s of %s', t.tgname, t.tgrelid::regclass) AS object,
    pg_get_triggerdef(t.oid) || CASE t.tgenabled
      WHEN 'D' THEN format('; ALTER TABLE %s DISABLE TRIGGER %I', ${QUALIFIED}, t.tgname)
      WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', ${QUALIFIED}, t.tgname)
      WHEN 'R' THEN format('; ALTER TABLE %s ENABLE REPLICA TRIGGER %I', ${QUALIFIED}, t.tgname)
      ELSE '' END AS sql
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${OWN_CLASS} ORDER BY t.oid`;

const STATISTICS = `
  SELECT 'statistics ' || s.stxname AS object, pg_get_statisticsobjdef(s.oid) AS sql
  FROM pg_catalog.pg_statistic_ext s JOIN (${USER_SCHEMAS}) n ON n.oid = s.stxnamespace ORDER BY s.oid`;

const COMMENTS = `
  SELECT 'comment on ' || ${QUALIFIED} AS object,
    CASE WHEN d.objsubid = 0 THEN format('COMMENT ON %s %s IS %L',
        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, ${QUALIFIED}, d.description)
      ELSE format('COMMENT ON COLUMN %s.%I IS %L', ${QUALIFIED}, a.attname, d.description) END AS sql
  FROM pg_catalog.pg_description d
  JOIN pg_catalog.pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass
  JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND ${OWN_CLASS} ORDER BY c.oid, d.objsubid`;

const NOT_CARRIED = `
  SELECT format('row-level security of %s is not copied: the server holds one tenant only', ${QUALIFIED}) AS note
  FROM ${USER_CLASS} WHERE c.relrowsecurity AND ${OWN_CLASS}
  UNION ALL
  SELECT format('foreign table %s is not copied', ${QUALIFIED}) FROM ${USER_CLASS} WHERE c.relkind = 'f' AND ${OWN_CLASS}
  UNION ALL
  SELECT format('rule %s of %s is not copied', r.rulename, ${QUALIFIED})
  FROM ${USER_CLASS} JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
  WHERE r.rulename <> '_RETURN' AND ${OWN_CLASS}
  UNION ALL
  SELECT format('function %s is not copied: it is an aggregate or not written in SQL', p.oid::regprocedure)
  FROM pg_catalog.pg_proc p JOIN (${USER_SCHEMAS}) n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE (p.prokind = 'a' OR l.lanname IN ('c', 'internal')) AND NOT ${fromExtension("pg_proc", "p.oid")}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'i')
  UNION ALL
  SELECT format('range type %I.%I is not copied', n.nspname, t.typname) FROM ${USER_TYPE}
  WHERE t.typtype = 'r' AND NOT ${fromExtension("pg_type", "t.oid")}
  ORDER BY 1`;
