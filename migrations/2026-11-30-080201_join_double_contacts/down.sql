-- What was joined stays joined: of which contact it was is not known any more.
DROP INDEX contacts_argentine_line_key;
