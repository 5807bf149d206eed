### `card`, `pin`, `export`: looking after a card.

card-title = { $label }, serial { $serial } ({ $place })
card-column-slot = SLOT
card-column-use = FOR
card-column-key = KEY
card-column-name = CERTIFICATE
card-column-until = UNTIL
card-column-state = STATE
card-state-valid = valid
card-state-expires = { $days ->
        [0] expires today
        [one] expires in 1 day
       *[other] expires in { $days } days
    }
card-state-expired = expired
card-state-superseded = superseded
card-waits-for-another-program = Waiting: another program is using the card in { $reader }. Close it if this does not end.
card-state-left-over = rest of a key, of no use
card-state-waiting = waits for its certificate
card-state-unreadable = cannot be read
card-free = { $count ->
        [one] 1 slot is free
       *[other] { $count } slots are free
    }

card-password-tries = { $name }: { $tries ->
        [one] 1 try left
       *[other] { $tries } tries left
    }
card-password-low = { $name }: fewer tries left than usual
card-password-last = { $name }: the last try is left
card-password-unknown = { $name }: set (the token does not tell how many tries are left)
card-password-blocked = { $name }: blocked
card-password-disabled = { $name }: not asked for
card-password-empty = { $name }: never set
card-password-transport = { $name }: not set yet, the transport PIN comes first

card-kind = Kind: { $kind }
card-makes = Makes keys: { $algorithms }
card-in-place = A new key takes the place of the old one: while it is renewed there is nothing that works.
card-beside = New keys are made beside the old ones, which keep working.
card-pad = PINs are entered at the reader's own keys, and never come to this computer (--no-pad: at the keyboard).
card-certificate = Slot { $slot }: { $name }
card-certificate-issuer = Issued by { $issuer }
card-certificate-serial = Serial { $serial }
card-certificate-until = Valid until { $until }

repair-nothing = There is nothing to repair: the card's list of what it holds is as it should be.
repair-offer = The card's list of what it holds is not as it should be. This will be done to it:
repair-rebuilt = write it anew, since it cannot be read; names of keys and certificates are lost, and marks of what is superseded
repair-key-entered = enter the key in slot { $slot }
repair-certificate-entered = enter the certificate in slot { $slot }
repair-dropped = take out what it says of slot { $slot } and is not there, or stands there twice
repair-other = bring another part of it into line
repair-untouched = The keys and certificates themselves are not touched.
repair-done = The list was repaired.

clean-nothing = There is nothing to remove: nothing on this card is superseded, expired or left over.
clean-offer = This can be removed:
clean-line = { $name } (slot { $slot }): { $because }
clean-key-stays = its key stays, for another certificate
because-superseded = superseded
because-expired = expired
because-left-over = its making or removing was interrupted
because-never-certified = a key that never got its certificate
guard-still-valid = still valid until { $until }
guard-may-decrypt = its key may be needed to read what was encrypted for it
guard-may-be-completed = its certificate may still come
clean-warning = { $count ->
        [one] If all of this goes, the key in slot { $slots } goes too, and cannot be brought back.
       *[other] If all of this goes, the keys in slots { $slots } go too, and cannot be brought back.
    }
clean-warning-named = { $count ->
        [one] With what was named the key in slot { $slots } goes, and cannot be brought back.
       *[other] With what was named the keys in slots { $slots } go, and cannot be brought back.
    }
clean-ask-name = To remove "{ $name }", type its name:
clean-wrong-name = No name was given that stands above. Nothing was removed.
clean-done = { $count ->
        [one] 1 slot was emptied.
       *[other] { $count } slots were emptied.
    }
clean-done-certificates = { $count ->
        [one] 1 certificate was removed; its key stays.
       *[other] { $count } certificates were removed; their keys stay.
    }

pin-new = New { $name } ({ $length })
pin-again = The same again
pin-once-more = { $problem } Once more:
pin-not-taken = The new { $name } is not taken, and nothing was sent to the card. { $problem }
rule-length = It must have { $length }.
rule-digits = It must have digits only.
rule-trivial = It is too easy to guess: no repetitions, no rows like 1234.
rule-same-as = It must not be the same as the { $name }.
rule-not-the-same = These were not the same.
pin-changed = The { $name } was changed.
pin-unblocked = The { $name } has a new value, and all its tries again.
pin-last-try = Only one try is left for the { $name }. If it is wrong now, it is blocked.
pin-may-be-last-try = The card does not tell how many tries are left for the { $name }, and this may be the last. If it is wrong now, it may be blocked.
pin-last-try-transport = There is one try for the transport PIN. If it is wrong now, the card is finished and you need a new one.
pin-last-try-puk = Only one try is left for the PUK. If it is wrong now, no PIN of this card can be unblocked any more.
pin-last-try-ask = Type "yes" to use the last try:
pin-at-pad = Enter it at the reader's own keys now, as its display asks.
pin-length = The { $name } has { $length }. Nothing was sent to the card, and no try was spent. Once more:
pin-was-wrong = The { $name } was wrong.

step-activate = Activate the card: obnova card activate
step-change = Change the { $name }: obnova pin change { $which }
step-unblock = Set a new { $name } with the PUK: obnova pin unblock { $which }
step-takes = { $what } ({ $takes })

activate-with = The card is not active. Choose your PINs and a PUK; then its transport PIN is asked for.
activate-once = The card is not active. Choose your PINs and a PUK; then its transport PIN is asked for. It works once: a wrong one finishes the card.
activate-pad = The PINs and the PUK that you choose are typed here, at the keyboard, since they are checked before the card is touched; the transport PIN at the reader's own keys.
activate-keyboard = All of it is typed here, at the keyboard, also with this reader's own keys: what you choose is checked before the card is touched, and goes to it together with what it has now.
activate-without = The card is not active, and has no transport PIN. Choose your PINs and a PUK.
activate-goes-on-with = The card is not active, and its transport PIN was used. It goes on with the { $name } that was chosen then.
activate-was-torn = An activation was begun and did not end. Enter the same PINs as then.
activate-active = The card is active already. PINs are changed with: obnova pin change
activate-active-compare = The card is active already. The PINs and the PUK that you chose are compared with what it has, as after an activation at whose end it was taken out. A wrong one costs a try:
activate-active-ask = Compare them now? Type "yes":
activate-done-already = The card is active. It was activated with these PINs.
activate-done-without = The card is active.
activate-done = The card is active. Its transport PIN is worth nothing any more.

export-nothing = There is no certificate to export.
export-written = { $role }: { $file }.pem, .der and .txt
export-summary =
    Certificate for { $role }
    Subject:        { $subject }
    Issuer:         { $issuer }
    Serial number:  { $serial }
    Valid from:     { $from }
    Valid until:    { $until }
