-- Lines of the tap log that are old enough to go are found without reading it whole.
CREATE INDEX tap_at ON tap (at);
