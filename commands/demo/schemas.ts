/**
 * Small but honest stand-ins for the services' own schemas: keys of several kinds, references, sequences, indexes,
 * types, and in every database a reference table that belongs to no tenant.
 */
export interface ServiceDatabase {
  database: string;
  /** The tables and the rows that belong to nobody. */
  tables: string;
  /** A tenant's rows: $1 is its id, $2 the number of main objects, each of which gets about ten others. */
  rows: string[];
}

export const SERVICE_DATABASES: ServiceDatabase[] = [
  {
    database: "query",
    tables: `
      CREATE TYPE run_status AS ENUM ('SUCCEEDED', 'FAILED', 'CANCELLED');
      CREATE TABLE engines (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
      INSERT INTO engines VALUES (1, 'trino'), (2, 'spark'), (3, 'duckdb');
      CREATE TABLE saved_queries (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, name text NOT NULL, statement text NOT NULL,
        engine_id smallint NOT NULL REFERENCES engines, tags text[] NOT NULL DEFAULT '{}', UNIQUE (tenant_id, name));
      CREATE TABLE query_runs (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL,
        query_id bigint NOT NULL REFERENCES saved_queries ON DELETE CASCADE, status run_status NOT NULL,
        started_at timestamptz NOT NULL, duration_ms integer NOT NULL CHECK (duration_ms >= 0));
      CREATE INDEX query_runs_by_time ON query_runs (tenant_id, started_at DESC);
      CREATE INDEX failed_runs ON query_runs (query_id) WHERE status = 'FAILED';
      COMMENT ON TABLE engines IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO saved_queries (tenant_id, name, statement, engine_id, tags)
       SELECT $1::uuid, 'Query ' || n, 'SELECT * FROM orders_' || n, 1 + n % 3, ARRAY['team-' || n % 5, 'daily']
       FROM generate_series(1, $2::int) n`,
      `INSERT INTO query_runs (tenant_id, query_id, status, started_at, duration_ms)
       SELECT tenant_id, id, (ARRAY['SUCCEEDED', 'FAILED', 'SUCCEEDED']::run_status[])[1 + n % 3],
         now() - n * interval '7 hours', (id * n * 37) % 90000
       FROM saved_queries, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "catalog",
    tables: `
      CREATE TABLE data_types (name text PRIMARY KEY, width smallint);
      INSERT INTO data_types VALUES ('BIGINT', 8), ('DOUBLE', 8), ('VARCHAR', NULL), ('TIMESTAMP', 8), ('BOOLEAN', 1);
      CREATE TABLE datasets (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, name text NOT NULL,
        properties jsonb NOT NULL DEFAULT '{}', UNIQUE (tenant_id, name));
      CREATE INDEX datasets_by_property ON datasets USING gin (properties);
      CREATE TABLE dataset_columns (
        tenant_id uuid NOT NULL, dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE, position smallint,
        name text NOT NULL, type text NOT NULL REFERENCES data_types, PRIMARY KEY (dataset_id, position));
      COMMENT ON TABLE data_types IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO datasets (tenant_id, name, properties)
       SELECT $1::uuid, 'dataset_' || n, jsonb_build_object('owner', 'team-' || n % 5, 'rows', n * 1000, 'pii', n % 4 = 0)
       FROM generate_series(1, $2::int) n`,
      `INSERT INTO dataset_columns SELECT tenant_id, id, n, 'column_' || n,
         (ARRAY['BIGINT', 'VARCHAR', 'DOUBLE', 'TIMESTAMP', 'BOOLEAN'])[1 + n % 5]
       FROM datasets, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "semantic",
    tables: `
      CREATE TABLE aggregations (name text PRIMARY KEY);
      INSERT INTO aggregations VALUES ('sum'), ('avg'), ('count'), ('max');
      CREATE TABLE models (id serial PRIMARY KEY, tenant_id uuid NOT NULL, name text NOT NULL, definition jsonb NOT NULL);
      CREATE INDEX models_of_tenant ON models (tenant_id, lower(name));
      CREATE TABLE metrics (
        id serial PRIMARY KEY, tenant_id uuid NOT NULL, model_id integer NOT NULL REFERENCES models,
        name text NOT NULL, aggregation text NOT NULL REFERENCES aggregations, expression text NOT NULL);
      CREATE INDEX metrics_of_model ON metrics (model_id);
      COMMENT ON TABLE aggregations IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO models (tenant_id, name, definition)
       SELECT $1::uuid, 'Model ' || n, jsonb_build_object('table', 'fact_' || n, 'joins', jsonb_build_array('dim_date'))
       FROM generate_series(1, $2::int) n`,
      `INSERT INTO metrics (tenant_id, model_id, name, aggregation, expression)
       SELECT tenant_id, id, 'metric_' || n, (ARRAY['sum', 'avg', 'count', 'max'])[1 + n % 4], 'amount * ' || n
       FROM models, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "pipeline",
    tables: `
      CREATE TABLE connectors (id smallint PRIMARY KEY, name text NOT NULL);
      INSERT INTO connectors VALUES (1, 'postgres'), (2, 's3'), (3, 'kafka'), (4, 'salesforce');
      CREATE TABLE pipelines (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, name text NOT NULL,
        connector_id smallint NOT NULL REFERENCES connectors, schedule interval NOT NULL);
      CREATE TABLE pipeline_runs (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, pipeline_id uuid NOT NULL REFERENCES pipelines,
        day date NOT NULL, rows_moved bigint NOT NULL, cost numeric(12, 4) NOT NULL, UNIQUE (pipeline_id, day));
      COMMENT ON TABLE connectors IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO pipelines (tenant_id, name, connector_id, schedule)
       SELECT $1::uuid, 'Pipeline ' || n, 1 + n % 4, n % 24 * interval '1 hour' FROM generate_series(1, $2::int) n`,
      `INSERT INTO pipeline_runs (tenant_id, pipeline_id, day, rows_moved, cost)
       SELECT tenant_id, id, current_date - n, n * 1000003, n * 0.0417
       FROM pipelines, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "quality",
    tables: `
      CREATE TABLE rule_types (name text PRIMARY KEY, description text);
      INSERT INTO rule_types VALUES ('not_null', 'has a value'), ('unique', 'occurs once'), ('range', 'lies between');
      CREATE TABLE rules (
        id serial PRIMARY KEY, tenant_id uuid NOT NULL, type text NOT NULL REFERENCES rule_types, target text NOT NULL,
        allowed int4range, active boolean NOT NULL DEFAULT true);
      CREATE TABLE results (
        tenant_id uuid NOT NULL, rule_id integer NOT NULL REFERENCES rules, checked_at timestamptz NOT NULL,
        passed boolean NOT NULL, failing_rows integer NOT NULL, PRIMARY KEY (rule_id, checked_at));
      CREATE INDEX failures ON results (tenant_id, checked_at) WHERE NOT passed;
      COMMENT ON TABLE rule_types IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO rules (tenant_id, type, target, allowed, active)
       SELECT $1::uuid, (ARRAY['not_null', 'unique', 'range'])[1 + n % 3], 'orders.column_' || n,
         CASE WHEN n % 3 = 2 THEN int4range(0, n * 10) END, n % 7 <> 0 FROM generate_series(1, $2::int) n`,
      `INSERT INTO results SELECT tenant_id, id, date_trunc('day', now()) - n * interval '1 day', (id + n) % 6 <> 0, (id * n) % 13
       FROM rules, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "bi",
    tables: `
      CREATE TABLE chart_types (id smallint PRIMARY KEY, name text NOT NULL);
      INSERT INTO chart_types VALUES (1, 'line'), (2, 'bar'), (3, 'table'), (4, 'map');
      CREATE TABLE dashboards (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text NOT NULL,
        parent_id bigint REFERENCES dashboards, layout jsonb NOT NULL DEFAULT '[]');
      CREATE TABLE widgets (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, dashboard_id bigint NOT NULL REFERENCES dashboards,
        chart_type_id smallint NOT NULL REFERENCES chart_types, title text NOT NULL, thumbnail bytea);
      COMMENT ON TABLE chart_types IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO dashboards (tenant_id, title) SELECT $1::uuid, 'Dashboard ' || n || ' – Übersicht' FROM generate_series(1, $2::int) n`,
      `UPDATE dashboards d SET parent_id = (SELECT min(id) FROM dashboards WHERE tenant_id = $1::uuid)
       WHERE tenant_id = $1::uuid AND id % 4 = 0`,
      `INSERT INTO widgets (tenant_id, dashboard_id, chart_type_id, title, thumbnail)
       SELECT tenant_id, id, 1 + n % 4, 'Widget ' || n, decode(md5(id::text || n), 'hex')
       FROM dashboards, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "ai",
    tables: `
      CREATE TABLE language_models (name text PRIMARY KEY, context_tokens integer NOT NULL);
      INSERT INTO language_models VALUES ('small', 16000), ('large', 200000);
      CREATE TABLE conversations (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id text NOT NULL, subject text NOT NULL,
        model text NOT NULL REFERENCES language_models, started_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE messages (
        id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL,
        conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE, role text NOT NULL, content text NOT NULL,
        length integer GENERATED ALWAYS AS (char_length(content)) STORED);
      CREATE INDEX messages_of_conversation ON messages (conversation_id, id);
      COMMENT ON TABLE language_models IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO conversations (tenant_id, subject, model)
       SELECT $1::text, 'Why did revenue change in week ' || n || '?', (ARRAY['small', 'large'])[1 + n % 2]
       FROM generate_series(1, $2::int) n`,
      `INSERT INTO messages (tenant_id, conversation_id, role, content)
       SELECT tenant_id, id, (ARRAY['user', 'assistant'])[1 + n % 2], repeat('Revenue grew by ' || n || ' %. ', 1 + n)
       FROM conversations, generate_series(1, 10) n WHERE tenant_id = $1::text`,
    ],
  },
  {
    database: "ml",
    tables: `
      CREATE TABLE algorithms (name text PRIMARY KEY, family text NOT NULL);
      INSERT INTO algorithms VALUES ('xgboost', 'trees'), ('logistic', 'linear'), ('prophet', 'forecast');
      CREATE TABLE experiments (
        id serial PRIMARY KEY, tenant_id uuid NOT NULL, name text NOT NULL, algorithm text NOT NULL REFERENCES algorithms,
        parameters jsonb NOT NULL);
      CREATE TABLE measurements (
        tenant_id uuid NOT NULL, experiment_id integer NOT NULL REFERENCES experiments, epoch integer NOT NULL,
        loss double precision NOT NULL, weights real[] NOT NULL, PRIMARY KEY (experiment_id, epoch));
      COMMENT ON TABLE algorithms IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO experiments (tenant_id, name, algorithm, parameters)
       SELECT $1::uuid, 'experiment-' || n, (ARRAY['xgboost', 'logistic', 'prophet'])[1 + n % 3],
         jsonb_build_object('depth', n % 9, 'rate', 0.1 / n) FROM generate_series(1, $2::int) n`,
      `INSERT INTO measurements SELECT tenant_id, id, n, exp(-n::float8 / 3), ARRAY[0.1 * n, 1.0 / n]
       FROM experiments, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "ontology",
    tables: `
      CREATE TABLE relation_types (name text PRIMARY KEY);
      INSERT INTO relation_types VALUES ('is_a'), ('part_of'), ('relates_to');
      CREATE TABLE concepts (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, label text NOT NULL, synonyms text[] NOT NULL DEFAULT '{}',
        UNIQUE (tenant_id, label));
      CREATE TABLE relations (
        tenant_id uuid NOT NULL, subject_id bigint NOT NULL REFERENCES concepts, object_id bigint NOT NULL REFERENCES concepts,
        type text NOT NULL REFERENCES relation_types, PRIMARY KEY (subject_id, object_id, type));
      COMMENT ON TABLE relation_types IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO concepts (tenant_id, label, synonyms)
       SELECT $1::uuid, 'concept ' || n, ARRAY['synonym "' || n || '"', E'tab\\t' || n] FROM generate_series(1, $2::int) n`,
      `INSERT INTO relations SELECT s.tenant_id, s.id, o.id, (ARRAY['is_a', 'part_of', 'relates_to'])[1 + (s.id + o.id) % 3]
       FROM concepts s JOIN concepts o ON o.tenant_id = s.tenant_id AND o.id BETWEEN s.id + 1 AND s.id + 10
       WHERE s.tenant_id = $1::uuid`,
    ],
  },
  {
    database: "governance",
    tables: `
      CREATE TABLE classifications (name text PRIMARY KEY, level smallint NOT NULL);
      INSERT INTO classifications VALUES ('public', 0), ('internal', 1), ('confidential', 2);
      CREATE TABLE policies (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, name text NOT NULL,
        classification text NOT NULL REFERENCES classifications, document jsonb NOT NULL);
      CREATE TABLE decisions (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, policy_id uuid NOT NULL REFERENCES policies,
        subject text NOT NULL, address inet, granted boolean NOT NULL, decided_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX decisions_by_subject ON decisions USING hash (subject);
      COMMENT ON TABLE classifications IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO policies (tenant_id, name, classification, document)
       SELECT $1::uuid, 'Policy ' || n, (ARRAY['public', 'internal', 'confidential'])[1 + n % 3],
         jsonb_build_object('mask', n % 2 = 0) FROM generate_series(1, $2::int) n`,
      `INSERT INTO decisions (tenant_id, policy_id, subject, address, granted)
       SELECT tenant_id, id, 'user-' || n, ('192.0.2.' || n)::inet, n % 3 <> 0
       FROM policies, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
  {
    database: "ops_agent",
    tables: `
      CREATE TABLE severities (id smallint PRIMARY KEY, name text NOT NULL);
      INSERT INTO severities VALUES (1, 'info'), (2, 'warning'), (3, 'critical');
      CREATE SEQUENCE incident_numbers START 1000 INCREMENT 5;
      CREATE TABLE incidents (
        number bigint PRIMARY KEY DEFAULT nextval('incident_numbers'), tenant_id uuid NOT NULL,
        severity_id smallint NOT NULL REFERENCES severities, summary text NOT NULL);
      CREATE TABLE actions (
        id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, incident bigint NOT NULL REFERENCES incidents,
        taken_at timestamp NOT NULL, command text NOT NULL, output text);
      COMMENT ON TABLE severities IS 'tierlift: reference';`,
    rows: [
      `INSERT INTO incidents (tenant_id, severity_id, summary)
       SELECT $1::uuid, 1 + n % 3, 'Pod restarted ' || n || ' times' FROM generate_series(1, $2::int) n`,
      `INSERT INTO actions (tenant_id, incident, taken_at, command, output)
       SELECT tenant_id, number, timestamp '2026-01-01' + n * interval '1 day', 'kubectl describe pod', NULLIF(repeat('ok ', n % 3), '')
       FROM incidents, generate_series(1, 10) n WHERE tenant_id = $1::uuid`,
    ],
  },
];
