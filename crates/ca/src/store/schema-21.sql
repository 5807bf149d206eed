-- Who only registered had the name of a step that comes much later: to be entered in place of a card.
UPDATE applicants SET stage = 'registered' WHERE stage = 'entered';
