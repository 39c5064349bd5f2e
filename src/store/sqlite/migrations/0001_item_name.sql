-- Where an item is found by its name. PostgreSQL keeps it as a table of its own, so that both can be spread over servers; here the index does it.
CREATE VIEW item_name AS SELECT class, serial, id FROM item;
