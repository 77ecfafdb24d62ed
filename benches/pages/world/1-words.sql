-- The basis of the world: its size, functions for ids and times from a number, and words. All data is computed from numbers, so that two
-- worlds of the same size are identical. The schema stays in the database.
CREATE SCHEMA bench;
CREATE TABLE bench.size (contacts bigint NOT NULL, messages bigint NOT NULL, ends bigint NOT NULL);
INSERT INTO bench.size VALUES (:contacts, :messages, (extract(epoch FROM now())::bigint) * 1000);

-- Ids that are ordered by time, like the product's: milliseconds, a kind, and a number.
CREATE FUNCTION bench.id(at bigint, kind int, n bigint) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN (lpad(to_hex(at), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid;
CREATE FUNCTION bench.time(at bigint) RETURNS timestamptz IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN to_timestamp(at / 1000.0);
-- A pseudorandom number less than `below`; the same for the same n and salt.
CREATE FUNCTION bench.dice(n bigint, salt bigint, below bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN (hashint8extended(n, salt) & 9223372036854775807) % below;
CREATE FUNCTION bench.phone(c bigint) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN '+1206' || (c + 2000000);

-- Contacts are created at a constant rate over three years.
CREATE FUNCTION bench.contact_at(c bigint, contacts bigint, ends bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN ends - 1096 * 86400000::bigint + c * (1096 * 86400000::bigint / contacts);
CREATE FUNCTION bench.contact(c bigint, contacts bigint, ends bigint) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN bench.id(bench.contact_at(c, contacts, ends), 1, c);
-- One contact in twenty sends STOP 100 days after its creation.
CREATE FUNCTION bench.stopped_at(c bigint, contacts bigint, ends bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN CASE WHEN c % 20 = 7 THEN bench.contact_at(c, contacts, ends) + 100 * 86400000::bigint END;

CREATE TABLE bench.first_names AS
SELECT (row_number() OVER ()) - 1 AS number, name FROM unnest(string_to_array(
    'Anna,Anna,Anna,Anne,Annika,Ada,Alan,Alice,Amir,Amina,Ben,Bianca,Bruno,Carla,Carlos,Chen,Clara,Daniel,David,Diana,Elena,Elias,Emil,Emma,Eva,Fatima,'
    'Felix,Finn,Frida,Georg,Grace,Hana,Hassan,Helena,Ida,Igor,Ines,Ingrid,Isaac,Ivan,Jakob,James,Jana,Jean,Jin,Johanna,John,Jonas,José,Julia,Karim,Kai,'
    'Lara,Lea,Leila,Lena,Leo,Liam,Lina,Linus,Lucas,Lucia,Luis,Maja,Malik,Marco,Maria,Marie,Marta,Max,Maya,Mia,Mila,Milan,Mohammed,Nadia,Nina,Noah,Nora,'
    'Olga,Oliver,Omar,Otto,Paul,Petra,Pia,Priya,Rafael,Ravi,Rosa,Samir,Sara,Sofia,Stefan,Tara,Theo,Tim,Uma,Vera,Victor,Wei,Yara,Yuki,Zoë', ',')) AS name;
CREATE TABLE bench.last_names AS
SELECT (row_number() OVER ()) - 1 AS number, start || rest AS name
FROM unnest(string_to_array('Ander,Bach,Berg,Brand,Castel,Dal,Eber,Falk,Fern,Gar,Grün,Hart,Holm,Jans,Kauf,Lind,Mar,Nord,Oster,Quin,Rein,Sand,Stein,Thor,Wein', ','))
    AS start, unnest(string_to_array('mann,son,ström,berg,stein,feld,er,ini,ez,ov,ova,ley,ton,ford,dahl,gaard,wick,bauer,hoff,lund', ',')) AS rest;
-- Every 500th message is about the same thing; 4-messages.sql adds rare ones.
CREATE TABLE bench.things AS
SELECT (row_number() OVER ()) - 1 AS number, kind || ' ' || thing AS name
FROM unnest(string_to_array('red,blue,green,small,large,warm,light,linen,woollen,wooden,silver,striped,soft,round,folding,travel,garden,kitchen,winter,summer', ','))
    AS kind, unnest(string_to_array('scarf,lamp,kettle,chair,jacket,blanket,basket,mirror,teapot,cushion,rug,vase,shelf,clock,candle,bowl,towel,bench,tray,curtain,bag,mug,stool,apron,hammock', ','))
    AS thing;
