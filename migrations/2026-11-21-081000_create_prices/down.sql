DELETE FROM routines WHERE name = 'learn_prices';
DROP TABLE prices;
