### The computer check: each failed line says what to do.

doctor-title = Can a renewal work on this computer?
doctor-reader = Reader: { $place }
doctor-card = Card: { $label }, serial { $serial }, { $kind }
doctor-password = { $state }
doctor-password-puk-not-taken = { $state }. This program sends no PUK to this card, which is of an old version. Ask the issuer for a newer one.
doctor-password-blocked = { $state }. Unblock it with the PUK: obnova pin unblock
doctor-password-inactive = { $state }. Activate the card: obnova card activate
doctor-password-unset = { $state }. Ask the issuer how the card is activated.
doctor-certificate = Certificate in slot { $slot } for { $role }: { $name }, until { $until }
doctor-room = Room for the new keys in slots { $first } and { $second }
doctor-room-one = Room for the new certificate in slot { $slot }
doctor-keep-keys = Room for the new certificates beside the old ones: { $count ->
        [one] the key in slot { $slots } is kept
       *[other] the keys in slots { $slots } are kept
    }
doctor-room-in-place = Room for the new keys: only in the place of the old ones
doctor-reason = Renewal: { $reason }
doctor-unfinished = Slot { $slot } has a key that waits for its certificate. "obnova renew" goes on with it, also when nothing else is left of the renewal that made it; or put in the certificates, from the link or as mailed files, with "obnova install".
doctor-left-over = Slot { $slot } has the rest of a key whose making or removing was interrupted. It is of no use: the next key that is made there takes its place, or remove it with "obnova card clean".
doctor-declined = First order: { $problem }
doctor-unused = Slot { $slot } has a key without a certificate, which a renewal would not use. Put in its certificate with "obnova install", or remove it with "obnova card clean".
doctor-ca-good = CA: { $address } answers; trusted as { $name }
doctor-ca-none = CA: none was named, so it was not asked. Name it with --ca and --trust.
doctor-good = Everything is ready.
doctor-good-without-ca = The card and this computer are ready. The CA was not asked.
doctor-too-early = The card, this computer and the CA are ready, and nothing can be renewed yet: begin with "obnova renew" from { $from } on.
doctor-too-early-without-ca = The card and this computer are ready, and nothing can be renewed yet: begin with "obnova renew" from { $from } on. The CA was not asked.
doctor-bad = { $count ->
        [one] 1 thing keeps a renewal from working. Mend it, then check again.
       *[other] { $count } things keep a renewal from working. Mend them, then check again.
    }
doctor-no-card = Card: { $problem }
doctor-journal-none = Journal: { $problem }
doctor-journal-bad = Journal: { $problem } Or name another folder with --journal.
doctor-ca-bad = CA: { $problem }
doctor-journal = Journal: { $folder } can be written
