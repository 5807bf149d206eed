-- When an order is forgotten, so are its repeats.
CREATE INDEX repeats_order ON repeats (order_id);
