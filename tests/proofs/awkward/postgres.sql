-- Everything in a PostgreSQL database that a backup could lose. psql's variable mb says how large it is made.
SET client_min_messages = warning;
CREATE SCHEMA "Schéma ""quoted"" / ü";
CREATE TYPE mood AS ENUM ('sad', 'o''k', 'happy 😀');
CREATE TYPE pair AS (a integer, "b ü" text);
CREATE TYPE float_range AS RANGE (subtype = double precision);
CREATE DOMAIN short AS text CHECK (length(VALUE) < 40) DEFAULT 'none';
CREATE COLLATION codepoints (locale = 'C');
CREATE SEQUENCE odd_numbers START 7 INCREMENT 3 MAXVALUE 9007199254740993 CYCLE;
SELECT setval('odd_numbers', 1234567, false);

CREATE TABLE every_type (
  id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 7) PRIMARY KEY,
  a_smallint smallint, an_integer integer, a_bigint bigint, a_numeric numeric, a_scaled numeric(38, 18),
  a_real real, a_double double precision, some_money money, a_text text, a_varchar varchar(30), a_char char(9),
  raw bytea, at timestamp, at_zone timestamptz, a_day date, a_time time, a_timetz timetz, a_while interval,
  is_so boolean, a_mood mood, a_point point, a_line line, a_segment lseg, a_box box, a_path path, a_polygon polygon,
  a_circle circle, a_cidr cidr, an_inet inet, a_mac macaddr, a_mac8 macaddr8, bits bit(5), varbits bit varying,
  words tsvector, query tsquery, an_id uuid, a_document xml, json_as_written json, a_jsonb jsonb, path_of_json jsonpath,
  numbers integer[][], texts text[], pairs pair[], a_pair pair, span int4range, spans tstzmultirange, own float_range,
  an_oid oid, a_class regclass, an_lsn pg_lsn, a_domain short, a_snapshot pg_snapshot
);
INSERT INTO every_type VALUES (DEFAULT, -32768, -2147483648, -9223372036854775808, 'NaN', 0.000000000000000001,
  '-0', 'NaN', -12.34, E'tab\t newline\n return\r backslash\\ quote'' \\N \\. ключ 😀 é', '', 'x', '\x00ff0a0d5c',
  '-infinity', 'infinity', '4713-01-01 BC', '24:00:00', '23:59:59.999999-15:59', '-178000000 years 11 mons',
  true, 'happy 😀', '(1e300,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))',
  '<(0,0),1e-300>', '10.0.0.0/8', '::ffff:1.2.3.4/128', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101',
  B'', 'fat:2A cat:1,3', 'fat & !cat:A', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a b="ü">&amp;</a>',
  '{"b": 1,   "b": 2, "a": 1.0}', '{"b": 1e2, "a": [null, "\u00e9"]}', '$.a[*] ? (@ > 1)',
  '[0:1][-1:1]={{1,NULL,3},{4,5,6}}', ARRAY['', NULL, 'NULL', '{"}', E'\\'], ARRAY[ROW(1, 'a,"b"')::pair, NULL],
  ROW(NULL, ''), '(,5)', '{[2020-01-01,2020-02-01),(2021-01-01,)}', '[1.5,2.5]', 4294967295, 'every_type', '16/B374D848',
  DEFAULT, '10:20:10,14,15');
INSERT INTO every_type (a_text) VALUES (NULL), (''), (repeat('ü😀', 3000000)), (E'\u0001\u007f\u0085\u2028\ufeff');
INSERT INTO every_type (a_real, a_double, a_numeric)
  SELECT random(), random() / (1 + n), (random() * 1e18)::numeric * (random() * 1e18)::numeric / 7
  FROM generate_series(1, 20000) n;
INSERT INTO every_type (an_integer, at_zone, an_id, a_jsonb, texts)
  SELECT n, '1900-01-01'::timestamptz + n * interval '17 hours 0.000123 seconds', gen_random_uuid(),
    jsonb_build_object('n', n, 'ключ', md5(n::text)), ARRAY[n::text, NULL, repeat('"', n % 9)]
  FROM generate_series(1, 20000) n;

CREATE TABLE "größe ""t"" " (
  "na me" text COLLATE codepoints PRIMARY KEY, half integer NOT NULL,
  twice integer GENERATED ALWAYS AS (half * 2) STORED, told text DEFAULT ('at ' || current_date::text) NOT NULL
);
INSERT INTO "größe ""t"" " ("na me", half) SELECT 'ключ ' || n || E'\n', n FROM generate_series(1, 5000) n;
COMMENT ON COLUMN "größe ""t"" "."na me" IS E'it''s "so"\n\\';

-- Each refers to the other, and to itself.
CREATE TABLE hen (hen_id integer PRIMARY KEY, egg_id integer, mother integer REFERENCES hen ON DELETE CASCADE);
CREATE TABLE egg (egg_id integer PRIMARY KEY, hen_id integer REFERENCES hen DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE hen ADD CONSTRAINT "from ü" FOREIGN KEY (egg_id) REFERENCES egg DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO hen SELECT n, n, nullif(n - 1, 0) FROM generate_series(1, 3000) n;
INSERT INTO egg SELECT n, n FROM generate_series(1, 3000) n;
COMMIT;

CREATE TABLE audit (n bigserial PRIMARY KEY, of_what text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION "Schéma ""quoted"" / ü".note() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN INSERT INTO public.audit (of_what) VALUES (TG_TABLE_NAME || ' $$ ' || TG_OP); RETURN NEW; END $fn$;
CREATE TRIGGER "notes ü" AFTER INSERT OR UPDATE ON hen FOR EACH ROW EXECUTE FUNCTION "Schéma ""quoted"" / ü".note();
CREATE TRIGGER disabled AFTER DELETE ON egg FOR EACH STATEMENT EXECUTE FUNCTION "Schéma ""quoted"" / ü".note();
ALTER TABLE egg DISABLE TRIGGER disabled;
INSERT INTO hen VALUES (9999, NULL, 1);
CREATE RULE quiet AS ON DELETE TO audit DO INSTEAD NOTHING;

CREATE TABLE parted (n integer NOT NULL, what text) PARTITION BY RANGE (n);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (1000);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT PARTITION BY HASH (n);
CREATE TABLE parted_even PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_odd PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT n, md5(n::text) FROM generate_series(-5000, 5000) n;
CREATE TABLE heir (extra text) INHERITS (audit);
INSERT INTO heir (of_what, extra) VALUES ('inherited', 'ü');
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE dropped (a int, gone int, b text);
INSERT INTO dropped SELECT n, n, n FROM generate_series(1, 100) n;
ALTER TABLE dropped DROP COLUMN gone;
ALTER TABLE dropped ADD COLUMN late text DEFAULT 'added later';
CREATE UNLOGGED TABLE unlogged AS SELECT n FROM generate_series(1, 100) n;
CREATE TABLE kept_apart (room int, during tsrange, EXCLUDE USING gist (during WITH &&));
INSERT INTO kept_apart VALUES (1, '[2020-01-01, 2020-01-02)'), (2, '[2020-01-02, 2020-01-03)');
ALTER TABLE kept_apart ADD CONSTRAINT later CHECK (room > 1) NOT VALID;
CREATE STATISTICS of_parted (dependencies) ON n, what FROM parted_low;
CREATE INDEX "part ü" ON every_type (lower(a_text) text_pattern_ops) INCLUDE (an_integer) WHERE length(a_text) < 1000;
CREATE VIEW seen AS SELECT hen_id, "na me", twice FROM hen JOIN "größe ""t"" " ON half = hen_id;
CREATE MATERIALIZED VIEW "as seen" AS SELECT count(*) AS n, max(twice) AS most FROM seen;
CREATE VIEW over_view WITH (security_barrier) AS SELECT * FROM seen WHERE hen_id > 5 WITH LOCAL CHECK OPTION;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit FOR SELECT USING (of_what <> 'secret');
CREATE FUNCTION added(state integer, more integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT state + $2 * 2';
CREATE AGGREGATE twice_sum (integer) (SFUNC = added, STYPE = integer, INITCOND = '0');
CREATE OPERATOR <+> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = added);
CREATE PROCEDURE nothing() LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE PUBLICATION told FOR TABLE hen WHERE (hen_id > 10);
GRANT SELECT (hen_id) ON hen TO PUBLIC;
REVOKE ALL ON FUNCTION added FROM PUBLIC;

SELECT lo_from_bytea(4242, decode(repeat('00ff5c0a', 500000), 'hex'));
SELECT lo_from_bytea(0, convert_to('объект ' || n || repeat('x', n * 10), 'UTF8')) FROM generate_series(1, 200) n \g /dev/null
SELECT lo_create(7);
COMMENT ON LARGE OBJECT 4242 IS 'öbject';
GRANT SELECT ON LARGE OBJECT 4242 TO PUBLIC;

-- The bulk: half of it does not compress.
CREATE TABLE bulk (n bigint PRIMARY KEY, hard bytea, easy text, at timestamptz);
ALTER TABLE bulk ALTER hard SET STORAGE EXTERNAL;
INSERT INTO bulk
  SELECT n, decode(string_agg(md5(n::text || m::text || random()), ''), 'hex'), 'ключ ' || repeat('row ' || n || E'\t', 40),
    now() - n * interval '1 second'
  FROM generate_series(1, :mb * 1000) n, generate_series(1, 32) m GROUP BY n;
