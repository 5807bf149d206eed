### Single words, used in several places.

word-error = Error:
# What is taken for a yes and for a no, in small letters, with spaces between.
words-yes = yes y
words-no = no n
word-authentication = authentication
word-signature = signature
word-authentication-pin = authentication PIN
word-signature-pin = signature PIN
word-puk = PUK
word-transport-pin = transport PIN
word-length = { $count ->
        [one] 1 character
       *[other] { $count } characters
    }
word-lengths = { $minimum } to { $maximum } characters

# Words that a sentence, or a part of one, begins with where it tells somebody to do something. The test of the texts goes by them.
advice-verbs = activate ask begin build check choose clean come connect continue copy do enter fetch follow give go insert install keep leave let log
    look mend name pick put record remove renew repair report restart revoke run say see set start take tell try type unblock use wait write
