DROP TABLE jobs, workers;
