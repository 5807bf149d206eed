-- Messages are long and stay as they are: an order that is confirmed writes its own short row anew, and not what came.
CREATE TABLE messages (
    order_id INTEGER PRIMARY KEY REFERENCES orders (id),
    message BLOB NOT NULL
) STRICT;
INSERT INTO messages SELECT id, message FROM orders;
ALTER TABLE orders DROP COLUMN message;

-- The keys of orders that wait. Those of orders that are issued are in their certificates, and of the others nobody asks.
ALTER TABLE requests ADD COLUMN waiting INTEGER;
UPDATE requests SET waiting = 1 WHERE order_id IN (SELECT id FROM orders WHERE state = 'pending');
CREATE INDEX requests_waiting ON requests (key) WHERE waiting IS NOT NULL;
DROP INDEX requests_key;
