-- Rows that take away: only where there is one can a figure be below zero.
CREATE INDEX visits_negative ON visits (site, day, operator, help, age) WHERE people < 0 OR requests < 0;
