CREATE TABLE prices (
    connection_id uuid NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    country text NOT NULL,
    unit text NOT NULL,
    parts bigint NOT NULL,
    amount double precision NOT NULL,
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (connection_id, country, unit),
    CONSTRAINT prices_of_something CHECK (parts > 0 AND amount >= 0)
);
COMMENT ON TABLE prices IS 'What Twilio has billed for the newest SMS of a connection to a country: never a list price, only what Twilio says of messages that were sent.';
COMMENT ON COLUMN prices.unit IS 'The currency, as Twilio names it: USD.';
COMMENT ON COLUMN prices.amount IS 'For all the parts together.';

INSERT INTO routines (name) VALUES ('learn_prices');
