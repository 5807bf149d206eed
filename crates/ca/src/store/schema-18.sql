-- What ended while an order waited to replace it, so that the CA turned the order down by itself.
ALTER TABLE orders ADD COLUMN lapse TEXT;
