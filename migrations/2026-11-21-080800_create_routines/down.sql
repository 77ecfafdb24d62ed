DROP TABLE inbound_looks;
DROP TABLE routines;
