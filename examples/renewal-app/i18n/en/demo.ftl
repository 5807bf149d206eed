### `demo` and `scenario`: a renewal played from beginning to end.

demo-title = Obnova: two certificates on one card, renewed in one go
demo-setting = On a simulated card, with a CA of its own at { $address } and a real database.
demo-nothing-left = Nothing is left behind; --keep DIR keeps everything.

demo-holder = Jana Nováková
demo-email = jana.novakova@example.org

act-card = The card
act-notice = The notice
act-check = The computer check
act-plan = The plan, before anything is done
act-keys = New keys on the card
act-requests = Two requests, one transaction
act-pending = The answer, and a closed window
act-resume = Back again
act-install = The new pair
act-proof = The proof
act-clean = Tidying up, a step of its own
act-result = Before and after

letter = To: { $email }
    Subject: { $days ->
        [one] Your certificates expire tomorrow
       *[other] Your certificates expire in { $days } days
    }

    Dear { $name },
    your authentication and signature certificates expire on { $until }.
    Renew both, with your card and from home: obnova renew --ca { $link } --trust ca.pem
    (ca.pem: the certificate of this CA, which came with your card).

demo-setting-up = Setting up a card and a CA
demo-waiting = Waiting, with neither card nor PIN
demo-keeps = Everything is kept in { $folder }.
demo-kept = What was made is in { $folder }; its README says what is what.
demo-pin-answer = The demo answers for the holder: ••••••
demo-clean-answer = The demo types: { $name }
demo-yes = The demo says: yes
demo-closed = The window is closed: the process is dropped in the middle.
demo-approved = Meanwhile the CA's operator approves the order.
demo-resumed = Resumed from the journal, { $count ->
        [one] 1 record
       *[other] { $count } records
    }; what was done is not done again.
demo-before = Before:
demo-after = After:
demo-sum = The whole renewal took { $seconds } s and { $apdus } commands to the card.

scenario-column-step = STEP
scenario-column-seconds = SECONDS
scenario-column-apdus = APDUS
scenario-column-out = BYTES OUT
scenario-column-in = BYTES IN
scenario-total = all steps

keep-readme =
    # What the demo left here

    Everything in this folder was made by one run of `obnova demo --keep`. Its PINs were 1234 (authentication) and 567890
    (signature), its PUK 12345678. Nothing here is worth protecting; delete it when you have seen it.

    | file | what it is |
    |---|---|
    | `requests/*.pem` | the two PKCS#10 requests: `openssl req -in requests/signature.pem -noout -text -verify` |
    | `certificates/old-*.pem` | the pair that was renewed |
    | `certificates/new-*.pem` | the pair that took its place |
    | `certificates/ca.pem` | the certificate that all of this is trusted by |
    | `journal/twins.journal` | the process, one fact a line, each written down before what follows from it was done |
    | `card.trace` | what was said to the card, byte by byte; PINs are left out |
    | `card.state` | the simulated card: `obnova card list --token sim:card.state` |
    | `ca/` | the CA: its keys, policy and database (`sqlite3 ca/ca.db .dump`) |
