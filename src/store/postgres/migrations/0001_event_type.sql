-- Which event types there are is asked of the index, not of all events.
CREATE INDEX event_type ON event (type, seq);
