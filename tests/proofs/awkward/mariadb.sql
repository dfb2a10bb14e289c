-- Everything in a MariaDB database that a backup could lose. The variable @mb says how large it is made.
SET NAMES utf8mb4;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE every_type (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT, whole INT ZEROFILL, big BIGINT UNSIGNED,
  exact DECIMAL(65, 30), single FLOAT, twofold DOUBLE, bits BIT(64), is_so BOOLEAN,
  fixed CHAR(20), flexible VARCHAR(200), latin VARCHAR(50) CHARACTER SET latin1, wide TEXT CHARACTER SET ucs2,
  raw BINARY(8), rawer VARBINARY(300), some_blob BLOB, a_blob LONGBLOB, some_text MEDIUMTEXT, squeezed TEXT COMPRESSED,
  mood ENUM('sad', 'o''k', 'glücklich ключ'), flags SET('a', 'b;ü', 'c') CHARACTER SET utf8mb3,
  a_day DATE, a_time TIME(6), at DATETIME(6), stamp TIMESTAMP(6) NULL, a_year YEAR,
  doc JSON, an_id UUID, an_inet INET6, old_inet INET4, place POINT, shape GEOMETRY, several GEOMETRYCOLLECTION,
  hidden INT INVISIBLE DEFAULT 42, told VARCHAR(40) DEFAULT (CONCAT('at ', 1 + 1)),
  CHECK (tiny < 127 OR tiny = 127)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_german2_ai_ci COMMENT 'it''s "so" \\ ü';
INSERT INTO every_type (id, tiny, small, medium, whole, big, exact, single, twofold, bits, is_so, fixed, flexible, latin,
  wide, raw, rawer, some_blob, some_text, squeezed, mood, flags, a_day, a_time, at, stamp, a_year, doc, an_id, an_inet,
  old_inet, place, shape, several, hidden) VALUES
  (0, -128, 65535, -8388608, 7, 18446744073709551615, -99999999999999999999999999999999999.999999999999999999999999999999,
  -0.0, 1.7976931348623157e308, b'1000000000000000000000000000000000000000000000000000000000000001', TRUE,
  'trailing  ', 'tab\t newline\n return\r zero\0 backslash\\ quote'' double" ключ 😀', 'é', 'ü', X'00ff0a0d5c272200',
  X'001a0a0d5c2722', X'00', REPEAT('ü😀', 1000000), REPEAT('z', 5000), 'glücklich ключ', 'a,b;ü', '0000-00-00',
  '-838:59:59.999999', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:01.000001', 2155,
  '{"b": 1e2,  "a": [null, "\\u00e9"]}', '123e4567-e89b-12d3-a456-426655440000', '::ffff:1.2.3.4', '1.2.3.4',
  POINT(1e300, -0.0), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'),
  ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'), 7);
INSERT INTO every_type (flexible) VALUES (NULL), (''), ('NULL'), ('\\N'), ('-- comment'), ('*/ /*! ; //');
INSERT INTO every_type (single, twofold, exact, doc, some_blob)
  SELECT RAND(), RAND() / (1 + seq), RAND() * 1e30, JSON_OBJECT('ключ', seq), UNHEX(MD5(seq)) FROM seq_1_to_20000;
INSERT INTO every_type (rawer) SELECT GROUP_CONCAT(CHAR(seq) ORDER BY seq SEPARATOR '') FROM seq_0_to_255;

CREATE TABLE `größe ``t`` ' "` (
  `na me` VARCHAR(60) COLLATE utf8mb4_bin PRIMARY KEY, half INT NOT NULL,
  twice INT AS (half * 2) PERSISTENT, thrice INT AS (half * 3) VIRTUAL, INDEX `ü` (thrice), FULLTEXT (`na me`)
) CHARACTER SET utf8mb4;
INSERT INTO `größe ``t`` ' "` (`na me`, half) SELECT CONCAT('ключ ', seq, '\n'), seq FROM seq_1_to_5000;

CREATE TABLE hen (hen_id INT PRIMARY KEY, egg_id INT, mother INT, FOREIGN KEY (mother) REFERENCES hen (hen_id));
CREATE TABLE egg (egg_id INT PRIMARY KEY, hen_id INT,
  CONSTRAINT `from ü` FOREIGN KEY (hen_id) REFERENCES hen (hen_id) ON DELETE CASCADE ON UPDATE SET NULL);
SET foreign_key_checks = 0;
ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg (egg_id);
INSERT INTO hen SELECT seq, seq, NULLIF(seq - 1, 0) FROM seq_1_to_3000;
INSERT INTO egg SELECT seq, seq FROM seq_1_to_3000;
SET foreign_key_checks = 1;

CREATE TABLE audit (n BIGINT AUTO_INCREMENT PRIMARY KEY, of_what TEXT) AUTO_INCREMENT = 5000;
DELIMITER //
CREATE TRIGGER `first ü` BEFORE INSERT ON hen FOR EACH ROW INSERT INTO audit (of_what) VALUES ('first; // $$') //
CREATE TRIGGER later BEFORE INSERT ON hen FOR EACH ROW FOLLOWS `first ü`
  BEGIN INSERT INTO audit (of_what) VALUES ('later'); SET NEW.egg_id = NULL; END //
CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC BEGIN RETURN a * 2; END //
CREATE PROCEDURE `nothing ü`(INOUT a INT) COMMENT 'does it' BEGIN SELECT 'ü;' INTO @x; END //
CREATE EVENT `each ü` ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO BEGIN SELECT 1; END //
DELIMITER ;
INSERT INTO hen VALUES (9999, 1, 1);
CREATE SEQUENCE counted START WITH 7 INCREMENT BY 3 MAXVALUE 1000000 CYCLE;
SELECT NEXT VALUE FOR counted, NEXT VALUE FOR counted;
CREATE TABLE numbered (n BIGINT DEFAULT (NEXT VALUE FOR counted), what TEXT);
CREATE TABLE parted (n INT PRIMARY KEY, what TEXT) PARTITION BY RANGE (n) SUBPARTITION BY HASH (n) SUBPARTITIONS 2
  (PARTITION low VALUES LESS THAN (1000), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO parted SELECT seq, MD5(seq) FROM seq_1_to_5000;
CREATE TABLE aria (n INT PRIMARY KEY, what TEXT) ENGINE = Aria;
INSERT INTO aria SELECT seq, MD5(seq) FROM seq_1_to_1000;
CREATE TABLE isam (n INT PRIMARY KEY, place POINT NOT NULL, SPATIAL INDEX (place)) ENGINE = MyISAM;
INSERT INTO isam SELECT seq, POINT(seq, -seq) FROM seq_1_to_1000;
CREATE TABLE versioned (n INT PRIMARY KEY, what TEXT) WITH SYSTEM VERSIONING;
INSERT INTO versioned SELECT seq, seq FROM seq_1_to_100;
UPDATE versioned SET what = CONCAT(what, ' changed') WHERE n < 50;
CREATE VIEW `z over` AS SELECT half, twice FROM `größe ``t`` ' "`;
CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW `a seen` AS SELECT hen_id, half FROM hen JOIN `z over` ON half = hen_id;

-- The bulk: half of it does not compress.
CREATE TABLE bulk (n BIGINT PRIMARY KEY, hard MEDIUMBLOB, easy TEXT, at DATETIME(3));
DELIMITER //
CREATE PROCEDURE grow(wanted INT) BEGIN
  DECLARE done INT DEFAULT 0;
  WHILE done < wanted DO
    INSERT INTO bulk SELECT done * 1000 + seq, RANDOM_BYTES(512), CONCAT('ключ ', REPEAT(CONCAT('row ', seq, '\t'), 50)),
      NOW(3) - INTERVAL seq SECOND FROM seq_1_to_1000;
    SET done = done + 1;
  END WHILE;
END //
DELIMITER ;
CALL grow(@mb);
